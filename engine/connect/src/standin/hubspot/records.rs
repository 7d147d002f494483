//! Records: making, reading, changing, listing, in batches and by search.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    super::{
        journal::Change,
        serve::error,
        wire::{Reply, Request},
    },
    Answered, Face, HISTORY, Key, Object, invalid, known, not_found, read,
};
use crate::time::iso;

/// Longest text of a property, in characters.
const MAX_CHARS: usize = 65_536;
/// Records at once of which the history is asked for.
const MOST_WITH_HISTORY: usize = 50;

fn at(ms: u64) -> String {
    iso(i64::try_from(ms).unwrap_or(i64::MAX))
}

/// Our mark in a text: `rf-` and 20 hexadecimal digits.
pub fn mark_in(text: &str) -> Option<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    words.filter(|w| w.len() == 23).find(|w| w.starts_with("rf-")).map(str::to_owned)
}

impl Face {
    pub(super) fn there(&self, kind: &'static str, id: &str) -> Result<Key, Reply> {
        let key = (kind, id.to_owned());
        let there = self.objects.get(&key).is_some_and(|o| !o.archived);
        if there { Ok(key) } else { Err(not_found(id)) }
    }

    pub(super) fn add(&mut self, kind: &'static str, properties: BTreeMap<String, String>, now_ms: u64) -> Key {
        let key = (kind, self.next_id.to_string());
        self.next_id += 1;
        let mut object = Object { created_ms: now_ms, updated_ms: now_ms, ..Object::default() };
        properties.iter().for_each(|(name, value)| object.note(name, value, now_ms));
        object.properties = properties;
        self.objects.insert(key.clone(), object);
        key
    }

    fn change(&self, key: &Key, made: bool) -> Change {
        let object = self.objects.get(key);
        let mark = object.and_then(|o| o.properties.values().find_map(|v| mark_in(v)));
        Change { kind: key.0.to_owned(), id: key.1.clone(), made, mark }
    }

    /// Checked properties of a request's body.
    fn checked(&self, kind: &str, body: &Value, itself: Option<&str>) -> Result<BTreeMap<String, String>, Reply> {
        let Some(given) = body["properties"].as_object() else {
            return Err(error(false, 400, "VALIDATION_ERROR", "Invalid input JSON: properties are missing"));
        };
        let mut properties = BTreeMap::new();
        for (name, value) in given {
            let Some(value) = value.as_str() else {
                return Err(invalid(&format!("{name} must be a string"), "INVALID_TYPE"));
            };
            if !known::writable(kind).contains(&name.as_str()) {
                return Err(invalid(&format!("Property \"{name}\" does not exist"), "PROPERTY_DOESNT_EXIST"));
            }
            if value.chars().count() > MAX_CHARS {
                return Err(invalid(&format!("{name} is longer than {MAX_CHARS}"), "INVALID_LENGTH"));
            }
            if name == "dealstage" && !value.is_empty() && known::STAGES.iter().all(|(id, _)| *id != value) {
                return Err(invalid(&format!("{value} is not a valid stage"), "INVALID_OPTION"));
            }
            if matches!(name.as_str(), "hs_timestamp" | "closedate")
                && !value.is_empty()
                && crate::time::parse_ms(value).is_none()
            {
                return Err(invalid(&format!("{value} is not a valid date"), "INVALID_DATE"));
            }
            properties.insert(name.clone(), value.to_owned());
        }
        if let Some(email) = properties.get("email").filter(|_| kind == "contacts") {
            let holder = self.objects.iter().find(|((k, id), o)| {
                *k == kind && !o.archived && Some(id.as_str()) != itself && o.properties.get("email") == Some(email)
            });
            if let Some(((_, id), _)) = holder {
                return Err(error(false, 409, "CONFLICT", &format!("Contact already exists. Existing ID: {id}")));
            }
        }
        Ok(properties)
    }

    pub(super) fn create(&mut self, kind: &'static str, body: &Value, now_ms: u64) -> Result<(Key, Change), Reply> {
        let properties = self.checked(kind, body, None)?;
        if matches!(kind, "notes" | "tasks") && properties.get("hs_timestamp").is_none_or(String::is_empty) {
            return Err(invalid("hs_timestamp is required", "REQUIRED_PROPERTY"));
        }
        let mut ends = Vec::new();
        for link in body["associations"].as_array().into_iter().flatten() {
            let id = link["to"]["id"].as_str().map_or_else(|| link["to"]["id"].to_string(), str::to_owned);
            let number = link["types"][0]["associationTypeId"].as_u64();
            let kinds = ["deals", "contacts", "companies"];
            let end = kinds.into_iter().find(|to| Some(u64::from(known::link_number(kind, to))) == number);
            let unknown = || error(false, 400, "VALIDATION_ERROR", "No association type has this id");
            ends.push(self.there(end.ok_or_else(unknown)?, &id)?);
        }
        let key = self.add(kind, properties, now_ms);
        for end in ends {
            self.link(&key, &end);
            // A note on a record moves the record's own time.
            if let Some(object) = self.objects.get_mut(&end) {
                object.updated_ms = now_ms;
            }
        }
        let change = self.change(&key, true);
        Ok((key, change))
    }

    pub(super) fn update(&mut self, key: &Key, body: &Value, now_ms: u64) -> Result<Change, Reply> {
        let properties = self.checked(key.0, body, Some(&key.1))?;
        if let Some(object) = self.objects.get_mut(key) {
            properties.iter().for_each(|(name, value)| object.note(name, value, now_ms));
            object.properties.extend(properties);
            object.updated_ms = now_ms;
        }
        Ok(self.change(key, false))
    }

    pub(super) fn archive(&mut self, key: &Key, now_ms: u64) -> Change {
        let change = self.change(key, false);
        if let Some(object) = self.objects.get_mut(key) {
            object.archived = true;
            object.updated_ms = now_ms;
        }
        change
    }

    /// A record as it is answered with: the properties asked for, or all.
    pub(super) fn shown(&self, key: &Key, asked: Option<&[&str]>, with: &[&str]) -> Value {
        let Some(object) = self.objects.get(key) else { return Value::Null };
        let mut properties: BTreeMap<&str, Option<&str>> = match asked {
            Some(names) => names.iter().map(|n| (*n, object.properties.get(*n).map(String::as_str))).collect(),
            None => object.properties.iter().map(|(n, v)| (n.as_str(), Some(v.as_str()))).collect(),
        };
        let (created, updated) = (at(object.created_ms), at(object.updated_ms));
        properties.insert("hs_object_id", Some(&key.1));
        properties.insert("createdate", Some(&created));
        properties.insert("hs_lastmodifieddate", Some(&updated));
        let mut shown = json!({
            "id": key.1, "properties": properties, "createdAt": created, "updatedAt": updated,
            "archived": object.archived,
        });
        for name in with {
            let Ok(to) = known::kind(name) else { continue };
            let links = self.linked(key, to).map(|id| json!({ "id": id, "type": format!("{}_to_{to}", key.0) }));
            let links: Vec<Value> = links.collect();
            // As HubSpot does, a kind without links is left out.
            if !links.is_empty() {
                shown["associations"][to] = json!({ "results": links });
            }
        }
        shown
    }

    /// Adds what properties read over time, the latest first.
    pub(super) fn add_history(&self, shown: &mut Value, key: &Key, names: &[&str]) {
        let Some(object) = self.objects.get(key) else { return };
        for name in names {
            let past = object.history.get(*name).into_iter().flatten().rev();
            let past = past.map(|(ms, value)| {
                json!({ "value": value, "timestamp": at(*ms), "sourceType": "CRM_UI", "sourceId": "userId:1" })
            });
            shown[HISTORY][*name] = past.collect();
        }
    }

    pub(super) fn list(&self, kind: &'static str, request: &Request) -> Result<Value, Reply> {
        let after: u64 = request.query("after").and_then(|a| a.parse().ok()).unwrap_or(0);
        let history = request.all(HISTORY);
        let most = if history.is_empty() { 100 } else { MOST_WITH_HISTORY };
        if request.query("limit").and_then(|l| l.parse().ok()).is_some_and(|limit: usize| limit > most) {
            return Err(error(false, 400, "VALIDATION_ERROR", &format!("limit must be at most {most}")));
        }
        let limit = request.number("limit", 10, most);
        let mut ids: Vec<u64> =
            self.living(kind).filter_map(|(k, _)| k.1.parse().ok()).filter(|id| *id > after).collect();
        ids.sort_unstable();
        let asked = super::asked(request);
        let with = request.all("associations");
        let page = ids.iter().take(limit);
        let shown = page.map(|id| {
            let key = (kind, id.to_string());
            let mut shown = self.shown(&key, asked.as_deref(), &with);
            self.add_history(&mut shown, &key, &history);
            shown
        });
        let shown = shown.collect::<Vec<_>>();
        let mut body = json!({ "results": shown });
        if ids.len() > limit {
            body["paging"] =
                json!({ "next": { "after": ids[limit - 1].to_string(), "link": "https://api.hubapi.com/" } });
        }
        Ok(body)
    }

    fn living(&self, kind: &'static str) -> impl Iterator<Item = (&Key, &Object)> {
        self.objects.iter().filter(move |((k, _), o)| *k == kind && !o.archived)
    }

    /// The search knows what is older than its lag, and of conditions `EQ` and `GTE`.
    pub(super) fn search(&self, kind: &'static str, request: &Request, now_ms: u64) -> Value {
        let body = request.json();
        let meets = |object: &Object, filter: &Value| {
            let name = filter["propertyName"].as_str().unwrap_or_default();
            let (is, wanted) = (object.properties.get(name), filter["value"].as_str().unwrap_or_default());
            match filter["operator"].as_str() {
                Some("EQ") => is.is_some_and(|v| v == wanted),
                Some("GTE") => is.and_then(|v| v.parse::<f64>().ok()) >= wanted.parse().ok(),
                Some("HAS_PROPERTY") => is.is_some(),
                _ => false,
            }
        };
        let groups: Vec<&Value> = body["filterGroups"].as_array().into_iter().flatten().collect();
        let found = self.living(kind).filter(|(_, o)| {
            let known = o.created_ms + self.search_lag_ms <= now_ms;
            let all = |group: &&Value| group["filters"].as_array().into_iter().flatten().all(|f| meets(o, f));
            known && (groups.is_empty() || groups.iter().any(all))
        });
        let asked: Vec<&str> = body["properties"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let found: Vec<Value> = found.map(|(key, _)| self.shown(key, Some(&asked), &[])).collect();
        json!({ "total": found.len(), "results": found })
    }

    pub(super) fn batch(&mut self, kind: &'static str, what: &str, request: &Request, now_ms: u64) -> Answered {
        let body = request.json();
        let inputs: Vec<Value> = body["inputs"].as_array().cloned().unwrap_or_default();
        if inputs.len() > 100 {
            return Err(error(false, 400, "VALIDATION_ERROR", "The maximum number of inputs is 100"));
        }
        let history: Vec<&str> = body[HISTORY].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if !history.is_empty() && inputs.len() > MOST_WITH_HISTORY {
            let says = format!("The maximum number of inputs with history is {MOST_WITH_HISTORY}");
            return Err(error(false, 400, "VALIDATION_ERROR", &says));
        }
        let mut results = Vec::new();
        let mut missing = Vec::new();
        let mut change = None;
        for input in &inputs {
            let key = input["id"].as_str().map(|id| self.there(kind, id));
            match (what, key) {
                ("read", Some(Ok(key))) => {
                    let asked: Vec<&str> =
                        body["properties"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                    let mut shown = self.shown(&key, Some(&asked), &[]);
                    self.add_history(&mut shown, &key, &history);
                    results.push(shown);
                }
                ("update", Some(Ok(key))) => {
                    change = Some(self.update(&key, input, now_ms)?);
                    results.push(self.shown(&key, None, &[]));
                }
                ("archive", Some(Ok(key))) => change = Some(self.archive(&key, now_ms)),
                ("create", _) => {
                    let (key, made) = self.create(kind, input, now_ms)?;
                    change = Some(made);
                    results.push(self.shown(&key, None, &[]));
                }
                _ => missing.push(input["id"].clone()),
            }
        }
        if what == "archive" {
            return Ok((Reply::empty(204), change));
        }
        let mut body = json!({
            "status": "COMPLETE", "results": results, "startedAt": at(now_ms), "completedAt": at(now_ms),
        });
        if !missing.is_empty() {
            body["numErrors"] = 1.into();
            body["errors"] = json!([{
                "status": "error", "category": "OBJECT_NOT_FOUND", "id": "00000000-0000-4000-8000-000000000000",
                "message": "Could not get some objects", "context": { "ids": missing }, "errors": [], "links": {},
            }]);
            return Ok((Reply::json(207, &body), change));
        }
        if change.is_none() {
            return read(body);
        }
        Ok((Reply::json(if what == "create" { 201 } else { 200 }, &body), change))
    }
}
