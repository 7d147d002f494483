//! Gmail's face of the stand-in.

use std::collections::BTreeMap;

use base64::Engine as _;
use serde_json::{Value, json};

use super::{
    journal::Change,
    serve::error,
    wire::{Reply, Request},
};
use crate::{gmail::BASE64, message};

#[derive(Clone, Debug)]
struct Stored {
    thread: String,
    label: &'static str,
    raw: Vec<u8>,
    at_ms: u64,
}

/// A mailbox.
#[derive(Debug)]
pub struct Face {
    messages: BTreeMap<String, Stored>,
    /// Drafts and the messages in them.
    drafts: BTreeMap<String, String>,
    next: u64,
    search_lag_ms: u64,
}

type Answered = Result<(Reply, Option<Change>), Reply>;

fn not_found() -> Reply {
    error(true, 404, "notFound", "Requested entity was not found.")
}

fn invalid(message: &str) -> Reply {
    error(true, 400, "invalidArgument", message)
}

fn read(body: &Value) -> Answered {
    Ok((Reply::json(200, body), None))
}

impl Face {
    pub const fn new(search_lag_ms: u64) -> Self {
        Self { messages: BTreeMap::new(), drafts: BTreeMap::new(), next: 0x19_a000_0000, search_lag_ms }
    }

    pub fn handle(&mut self, request: &Request, now_ms: u64) -> (Reply, Option<Change>) {
        match self.route(request, now_ms) {
            Ok(answered) => answered,
            Err(reply) => (reply, None),
        }
    }

    fn route(&mut self, request: &Request, now_ms: u64) -> Answered {
        let parts = request.parts();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let Some(["gmail", "v1", "users", _, rest @ ..]) = parts.get(..) else { return Err(not_found()) };
        match (request.method.as_str(), rest) {
            ("GET", ["profile"]) => {
                let total = self.messages.len();
                read(&json!({ "emailAddress": "ada@seller.example.com", "messagesTotal": total, "historyId": "1" }))
            }
            ("GET", ["drafts"]) => read(&self.list_drafts(request, now_ms)),
            ("POST", ["drafts"]) => {
                let message = self.store(&request.json()["message"], "DRAFT", now_ms)?;
                let id = format!("r-{}", self.fresh());
                self.drafts.insert(id.clone(), message.clone());
                Ok(self.draft_made(id, &message, true))
            }
            ("GET", ["drafts", id]) => {
                let message = self.drafts.get(*id).ok_or_else(not_found)?;
                read(&json!({ "id": id, "message": self.shown(message, request.query("format"))? }))
            }
            ("PUT", ["drafts", id]) => {
                let old = self.drafts.get(*id).cloned().ok_or_else(not_found)?;
                let message = self.store(&request.json()["message"], "DRAFT", now_ms)?;
                self.messages.remove(&old);
                self.drafts.insert((*id).to_owned(), message.clone());
                Ok(self.draft_made((*id).to_owned(), &message, false))
            }
            ("DELETE", ["drafts", id]) => {
                let old = self.drafts.remove(*id).ok_or_else(not_found)?;
                self.messages.remove(&old);
                let change = Change { kind: "drafts".into(), id: (*id).to_owned(), made: false, mark: None };
                Ok((Reply::empty(204), Some(change)))
            }
            ("POST", ["drafts", "send"]) => self.send_draft(&request.json(), now_ms),
            ("POST", ["messages", "send"]) => {
                let id = self.store(&request.json(), "SENT", now_ms)?;
                self.sent(&id)
            }
            ("GET", ["messages"]) => read(&self.list_messages(request, now_ms)),
            ("GET", ["messages", id]) => read(&self.shown(id, request.query("format"))?),
            ("GET", ["threads", id]) => self.thread(id, request),
            _ => Err(not_found()),
        }
    }

    fn fresh(&mut self) -> String {
        self.next += 1;
        format!("{:x}", self.next)
    }

    /// Stores a message resource; gives its id.
    fn store(&mut self, resource: &Value, label: &'static str, now_ms: u64) -> Result<String, Reply> {
        let raw = resource["raw"].as_str().ok_or_else(|| invalid("'raw' RFC822 payload message string is required"))?;
        let raw = BASE64.decode(raw).map_err(|_| invalid("Invalid value for ByteString"))?;
        let read = message::read(&raw).ok_or_else(|| invalid("not a message"))?;
        if label == "SENT" && read.to.is_empty() && read.cc.is_empty() && read.bcc.is_empty() {
            return Err(invalid("Recipient address required"));
        }
        let id = self.fresh();
        let thread = match resource["threadId"].as_str() {
            Some(thread) if self.messages.values().any(|m| m.thread == thread) => thread.to_owned(),
            Some(_) => return Err(not_found()),
            None => id.clone(),
        };
        // As mailers do, line ends are made the standard's.
        let mut bytes = String::from_utf8_lossy(&raw).replace("\r\n", "\n").replace('\n', "\r\n").into_bytes();
        if read.from.is_none() {
            bytes = [b"From: ada@seller.example.com\r\n".as_slice(), &bytes].concat();
        }
        self.messages.insert(id.clone(), Stored { thread, label, raw: bytes, at_ms: now_ms });
        Ok(id)
    }

    fn message_id(&self, id: &str) -> Option<String> {
        Some(message::read(&self.messages.get(id)?.raw)?.message_id)
    }

    fn draft_made(&self, id: String, message: &str, made: bool) -> (Reply, Option<Change>) {
        let thread = self.messages.get(message).map(|m| m.thread.clone());
        let body = json!({ "id": id, "message": { "id": message, "threadId": thread, "labelIds": ["DRAFT"] } });
        let change = Change { kind: "drafts".into(), id, made, mark: self.message_id(message) };
        (Reply::json(200, &body), Some(change))
    }

    fn sent(&self, id: &str) -> Answered {
        let thread = self.messages.get(id).map(|m| m.thread.clone());
        let change = Change { kind: "sent".into(), id: id.to_owned(), made: true, mark: self.message_id(id) };
        Ok((Reply::json(200, &json!({ "id": id, "threadId": thread, "labelIds": ["SENT"] })), Some(change)))
    }

    fn send_draft(&mut self, body: &Value, now_ms: u64) -> Answered {
        let draft = body["id"].as_str().ok_or_else(|| invalid("Missing draft id"))?;
        let old = self.drafts.get(draft).cloned().ok_or_else(not_found)?;
        let as_it_is = self.messages.get(&old).map(|m| json!({ "raw": BASE64.encode(&m.raw), "threadId": m.thread }));
        let given = &body["message"];
        let resource = if given["raw"].is_string() { given.clone() } else { as_it_is.unwrap_or_default() };
        let id = self.store(&resource, "SENT", now_ms)?;
        self.messages.remove(&old);
        self.drafts.remove(draft);
        self.sent(&id)
    }

    /// Whether the search finds this message now.
    fn meets(&self, id: &str, query: Option<&str>, now_ms: u64) -> bool {
        let (Some(query), Some(stored)) = (query, self.messages.get(id)) else { return true };
        if stored.at_ms + self.search_lag_ms > now_ms {
            return false;
        }
        match query.split_once(':') {
            Some(("rfc822msgid", wanted)) => {
                let bare = |id: &str| id.trim_matches(['<', '>']).to_owned();
                self.message_id(id).is_some_and(|is| bare(&is) == bare(wanted))
            }
            Some(("after", seconds)) => seconds.parse::<u64>().is_ok_and(|s| stored.at_ms >= s * 1_000),
            _ => String::from_utf8_lossy(&stored.raw).contains(query),
        }
    }

    fn list_drafts(&self, request: &Request, now_ms: u64) -> Value {
        let mut found: Vec<(&String, &String)> =
            self.drafts.iter().filter(|(_, m)| self.meets(m, request.query("q"), now_ms)).collect();
        // Newest first.
        found.sort_by_key(|(_, m)| std::cmp::Reverse(self.messages.get(*m).map_or(0, |m| m.at_ms)));
        let shown = found.iter().map(|(id, m)| {
            let thread = self.messages.get(*m).map(|m| m.thread.clone());
            json!({ "id": id, "message": { "id": m, "threadId": thread } })
        });
        page("drafts", shown.collect(), request)
    }

    fn list_messages(&self, request: &Request, now_ms: u64) -> Value {
        let labels = request.all("labelIds");
        let mut found: Vec<(&String, &Stored)> = self.messages.iter().collect();
        found.retain(|(id, m)| labels.iter().all(|l| *l == m.label) && self.meets(id, request.query("q"), now_ms));
        found.sort_by_key(|(_, m)| std::cmp::Reverse(m.at_ms));
        let shown = found.iter().map(|(id, m)| json!({ "id": id, "threadId": m.thread }));
        page("messages", shown.collect(), request)
    }

    fn shown(&self, id: &str, format: Option<&str>) -> Result<Value, Reply> {
        let stored = self.messages.get(id).ok_or_else(not_found)?;
        let mut shown = json!({
            "id": id, "threadId": stored.thread, "labelIds": [stored.label], "snippet": "",
            "sizeEstimate": stored.raw.len(), "historyId": "1", "internalDate": stored.at_ms.to_string(),
        });
        let text = String::from_utf8_lossy(&stored.raw).into_owned();
        let head = text.split("\r\n\r\n").next().unwrap_or_default();
        match format {
            Some("raw") => shown["raw"] = BASE64.encode(&stored.raw).into(),
            Some("minimal") => {}
            format => {
                let unfolded = head.replace("\r\n ", " ");
                let headers = unfolded.lines().filter_map(|l| l.split_once(": "));
                let headers: Vec<Value> = headers.map(|(n, v)| json!({ "name": n, "value": v })).collect();
                shown["payload"] = json!({ "mimeType": "text/plain", "headers": headers });
                if format != Some("metadata") {
                    let body = message::read(&stored.raw).unwrap_or_default().body;
                    shown["payload"]["body"] = json!({ "size": body.len(), "data": BASE64.encode(body) });
                }
            }
        }
        Ok(shown)
    }

    fn thread(&self, id: &str, request: &Request) -> Answered {
        let mut ids: Vec<(&String, u64)> =
            self.messages.iter().filter(|(_, m)| m.thread == id).map(|(id, m)| (id, m.at_ms)).collect();
        if ids.is_empty() {
            return Err(not_found());
        }
        ids.sort_by_key(|(_, at)| *at);
        let shown: Result<Vec<Value>, Reply> =
            ids.iter().map(|(id, _)| self.shown(id, request.query("format"))).collect();
        read(&json!({ "id": id, "historyId": "1", "messages": shown? }))
    }

    pub fn edit_draft(&mut self, id: &str, raw: &[u8], now_ms: u64) {
        let Some(old) = self.drafts.get(id).cloned() else { return };
        let new = self.fresh();
        if let Some(stored) = self.messages.remove(&old) {
            self.messages.insert(new.clone(), Stored { raw: raw.to_vec(), at_ms: now_ms, ..stored });
        }
        self.drafts.insert(id.to_owned(), new);
    }
}

/// A page of a list; as Gmail does, an empty list is left out.
fn page(name: &str, all: Vec<Value>, request: &Request) -> Value {
    let from: usize = request.query("pageToken").and_then(|t| t.parse().ok()).unwrap_or(0);
    let most = request.number("maxResults", 100, 500);
    let total = all.len();
    let shown: Vec<Value> = all.into_iter().skip(from).take(most).collect();
    let mut body = json!({ "resultSizeEstimate": total });
    if !shown.is_empty() {
        body[name] = shown.into();
    }
    if from + most < total {
        body["nextPageToken"] = (from + most).to_string().into();
    }
    body
}
