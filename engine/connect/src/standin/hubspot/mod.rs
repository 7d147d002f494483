//! HubSpot's face of the stand-in.

mod known;
mod links;
mod records;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{
    journal::Change,
    serve::error,
    wire::{Reply, Request},
};

/// An error, or a reply with what it changed.
type Answered = Result<(Reply, Option<Change>), Reply>;
/// Kind in the plural, and id.
type Key = (&'static str, String);

#[derive(Clone, Debug, Default)]
struct Object {
    properties: BTreeMap<String, String>,
    /// What each property read, with the time from which on, the first first.
    history: BTreeMap<String, Vec<(u64, String)>>,
    created_ms: u64,
    updated_ms: u64,
    archived: bool,
}

impl Object {
    /// Notes that a property reads so from now on.
    fn note(&mut self, property: &str, value: &str, now_ms: u64) {
        let past = self.history.entry(property.to_owned()).or_default();
        if past.last().is_none_or(|(_, last)| last != value) {
            past.push((now_ms, value.to_owned()));
        }
    }
}

/// Parameter with the names of properties whose history is wanted, and the member it comes back in.
const HISTORY: &str = "propertiesWithHistory";

/// An account of HubSpot.
#[derive(Debug)]
pub struct Face {
    objects: BTreeMap<Key, Object>,
    /// Both directions.
    links: BTreeSet<(Key, Key)>,
    next_id: u64,
    search_lag_ms: u64,
}

/// A 429 as HubSpot words it.
pub fn rate_limited(policy: &str, words: &str) -> Reply {
    let body = json!({
        "status": "error",
        "message": format!("You have reached your {words} limit."),
        "errorType": "RATE_LIMIT",
        "correlationId": "00000000-0000-4000-8000-000000000000",
        "policyName": policy,
        "category": "RATE_LIMITS",
    });
    Reply::json(429, &body)
}

fn invalid(message: &str, code: &str) -> Reply {
    let body = json!({
        "status": "error",
        "message": format!("Property values were not valid: {message}"),
        "correlationId": "00000000-0000-4000-8000-000000000000",
        "category": "VALIDATION_ERROR",
        "errors": [{ "message": message, "code": code, "context": {} }],
    });
    Reply::json(400, &body)
}

fn not_found(id: &str) -> Reply {
    error(false, 404, "OBJECT_NOT_FOUND", &format!("Object not found. objectId are usually numeric: {id}"))
}

impl Face {
    pub const fn new(search_lag_ms: u64) -> Self {
        Self { objects: BTreeMap::new(), links: BTreeSet::new(), next_id: 1_001, search_lag_ms }
    }

    pub fn handle(&mut self, request: &Request, now_ms: u64) -> (Reply, Option<Change>) {
        match self.route(request, now_ms) {
            Ok(answered) => answered,
            Err(reply) => (reply, None),
        }
    }

    fn route(&mut self, request: &Request, now_ms: u64) -> Answered {
        let parts = request.parts();
        let mut parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let known = parts.first() == Some(&"crm") && parts.len() > 2;
        if !known {
            return Err(error(false, 404, "NOT_FOUND", "no such address"));
        }
        parts.remove(0);
        // `/crm/v3/objects/…` and, of the versions named by date, `/crm/objects/2026-03/…`.
        let area = if parts[0].starts_with('v') { parts.remove(1) } else { parts.remove(0) };
        parts.remove(0);
        match (request.method.as_str(), area, parts.as_slice()) {
            ("GET", "pipelines", ["deals"]) => read(known::pipelines()),
            ("GET", "owners", []) => read(known::owners()),
            ("GET", "properties", [kind]) => read(known::properties(known::kind(kind)?)),
            ("GET", "associations", [a, b, "labels"]) => read(known::labels(known::kind(a)?, known::kind(b)?)),
            (_, "objects", [a, id, "associations", rest @ ..]) => {
                let rest = rest.to_vec();
                self.route_links(request, (known::kind(a)?, (*id).to_owned()), &rest)
            }
            ("POST", "objects", [kind, "batch", what]) => self.batch(known::kind(kind)?, what, request, now_ms),
            ("POST", "objects", [kind, "search"]) => read(self.search(known::kind(kind)?, request, now_ms)),
            ("POST", "objects", [kind]) => {
                let (id, change) = self.create(known::kind(kind)?, &request.json(), now_ms)?;
                Ok((Reply::json(201, &self.shown(&id, None, &[])), Some(change)))
            }
            ("GET", "objects", [kind]) => read(self.list(known::kind(kind)?, request)?),
            ("GET", "objects", [kind, id]) => {
                let key = self.there(known::kind(kind)?, id)?;
                let mut shown = self.shown(&key, asked(request).as_deref(), &request.all("associations"));
                self.add_history(&mut shown, &key, &request.all(HISTORY));
                read(shown)
            }
            ("PATCH", "objects", [kind, id]) => {
                let key = self.there(known::kind(kind)?, id)?;
                let change = self.update(&key, &request.json(), now_ms)?;
                Ok((Reply::json(200, &self.shown(&key, None, &[])), Some(change)))
            }
            ("DELETE", "objects", [kind, id]) => {
                let key = self.there(known::kind(kind)?, id)?;
                let change = self.archive(&key, now_ms);
                Ok((Reply::empty(204), Some(change)))
            }
            _ => Err(error(false, 404, "NOT_FOUND", "no such address")),
        }
    }

    pub fn put(&mut self, kind: &str, properties: &[(&str, &str)], links: &[(&str, &str)], now_ms: u64) -> String {
        let kind = known::kind(kind).unwrap_or("deals");
        let properties = properties.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        let key = self.add(kind, properties, now_ms);
        for (other, id) in links {
            self.link(&key, &(known::kind(other).unwrap_or("deals"), (*id).to_owned()));
        }
        key.1
    }

    pub fn touch(&mut self, kind: &str, id: &str, property: &str, value: &str, now_ms: u64) {
        let key = (known::kind(kind).unwrap_or("deals"), id.to_owned());
        if let Some(object) = self.objects.get_mut(&key) {
            object.note(property, value, now_ms);
            object.properties.insert(property.to_owned(), value.to_owned());
            object.updated_ms = now_ms;
        }
    }
}

fn read(body: Value) -> Answered {
    Ok((Reply::json(200, &body), None))
}

/// Properties a request asks for by name.
fn asked(request: &Request) -> Option<Vec<&str>> {
    Some(request.all("properties")).filter(|p| !p.is_empty())
}
