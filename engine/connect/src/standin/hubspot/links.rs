//! Links of records.

use serde_json::{Value, json};

use super::{
    super::{
        journal::Change,
        serve::error,
        wire::{Reply, Request},
    },
    Answered, Face, Key, known, read,
};

impl Face {
    pub(super) fn link(&mut self, a: &Key, b: &Key) {
        self.links.insert((a.clone(), b.clone()));
        self.links.insert((b.clone(), a.clone()));
    }

    /// Ids of the living records of kind `to` that are linked to `from`.
    pub(super) fn linked<'a>(&'a self, from: &'a Key, to: &'static str) -> impl Iterator<Item = &'a str> {
        let links = self.links.iter().filter(move |(a, b)| a == from && b.0 == to).map(|(_, b)| b);
        links.filter(|b| self.objects.get(*b).is_some_and(|o| !o.archived)).map(|b| b.1.as_str())
    }

    /// Everything under `…/associations`.
    pub(super) fn route_links(&mut self, request: &Request, from: Key, rest: &[&str]) -> Answered {
        let from = self.there(from.0, &from.1)?;
        match (request.method.as_str(), rest) {
            ("GET", [to]) => read(self.links_of(&from, known::kind(to)?, request)),
            ("PUT", ["default", to, id]) => {
                let to = self.there(known::kind(to)?, id)?;
                self.link(&from, &to);
                let number = known::link_number(from.0, to.0);
                let spec = json!({ "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": number });
                let result = json!({ "from": { "id": from.1 }, "to": { "id": to.1 }, "associationSpec": spec });
                let times = json!({ "startedAt": MADE, "completedAt": MADE });
                let body = json!({
                    "status": "COMPLETE", "results": [result],
                    "startedAt": times["startedAt"], "completedAt": times["completedAt"],
                });
                Ok((Reply::json(200, &body), Some(linked(&from))))
            }
            ("PUT", [to, id]) => {
                let to = self.there(known::kind(to)?, id)?;
                self.link(&from, &to);
                let number = |id: &str| id.parse::<u64>().unwrap_or(0);
                let body = json!({
                    "fromObjectTypeId": from.0, "fromObjectId": number(&from.1),
                    "toObjectTypeId": to.0, "toObjectId": number(&to.1), "labels": [],
                });
                Ok((Reply::json(201, &body), Some(linked(&from))))
            }
            ("DELETE", [to, id]) => {
                let to = (known::kind(to)?, (*id).to_owned());
                self.links.remove(&(from.clone(), to.clone()));
                self.links.remove(&(to, from.clone()));
                Ok((Reply::empty(204), Some(linked(&from))))
            }
            _ => Err(error(false, 404, "NOT_FOUND", "no such address")),
        }
    }

    fn links_of(&self, from: &Key, to: &'static str, request: &Request) -> Value {
        let after: u64 = request.query("after").and_then(|a| a.parse().ok()).unwrap_or(0);
        let limit = request.number("limit", 100, 500);
        let mut ids: Vec<u64> =
            self.linked(from, to).filter_map(|id| id.parse().ok()).filter(|id| *id > after).collect();
        ids.sort_unstable();
        let kinds = json!([{ "category": "HUBSPOT_DEFINED", "typeId": known::link_number(from.0, to), "label": null }]);
        let shown = ids.iter().take(limit).map(|id| json!({ "toObjectId": id, "associationTypes": kinds }));
        let mut body = json!({ "results": shown.collect::<Vec<_>>() });
        if ids.len() > limit {
            body["paging"] = json!({ "next": { "after": ids[limit - 1].to_string() } });
        }
        body
    }
}

/// A time that nobody compares.
const MADE: &str = "2026-05-01T08:00:00.000Z";

fn linked(key: &Key) -> Change {
    Change { kind: "links".into(), id: key.1.clone(), made: true, mark: None }
}
