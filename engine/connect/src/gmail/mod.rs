//! Gmail: drafts, and sending what was approved.
//!
//! A message is found again by our `Message-ID`: first by the mailbox's search, and, for that may lag, in the newest drafts
//! or sent messages themselves. The scope that lets us make drafts also lets us send; what keeps them apart is that each
//! takes an approval of its own.

mod settings;
mod wire;
mod writes;

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use reframe_workflow::{
    gate::{Action, Approved},
    system::{FieldInfo, Listing, ReadError, Receipt, Record, RecordKind, RecordRef, SystemOfRecord, WriteError},
};

pub use self::settings::{BadSettings, Settings};
use self::wire::{Draft, Drafts, Message, Messages, Thread};
use crate::{
    http::{Http, Login, Path, ReadRequest},
    message::{self, FIELDS},
};

/// Name of the system.
pub const NAME: &str = "gmail";
/// The version we speak, and whose mailbox: that of whoever let us in.
const API: &str = "/gmail/v1/users/me";

/// Price of reading or listing, in quota units.
const READ_UNITS: u32 = 5;
/// How many of the newest messages are looked through where the search finds nothing. An approved message is looked for
/// within minutes; nobody writes so many meanwhile.
const LOOKED_THROUGH: usize = 40;
/// Messages a page.
const PAGE: &str = "100";
/// Most messages a list gives: more is no list to hold in memory.
const MAX_LISTED: usize = 2_000;

/// Gmail's base64: URL-safe; padding is written, and may be missing in what is read.
pub(crate) const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A mailbox.
#[derive(Debug)]
pub struct Gmail {
    http: Http,
    from: Option<String>,
}

impl Gmail {
    /// The mailbox that `settings` lead to; keys are taken from the environment now.
    ///
    /// # Errors
    /// [`BadSettings`].
    pub fn new(settings: &Settings) -> Result<Self, BadSettings> {
        Self::with_login(settings, settings.login()?)
    }

    /// The same, entered by a login got elsewhere.
    ///
    /// # Errors
    /// [`BadSettings`].
    pub fn with_login(settings: &Settings, login: Login) -> Result<Self, BadSettings> {
        Ok(Self { http: settings.open(login)?, from: settings.from.clone() })
    }

    fn at(kind: RecordKind, id: &str) -> RecordRef {
        RecordRef { system: NAME.to_owned(), kind, id: id.to_owned() }
    }

    fn get<T: serde::de::DeserializeOwned>(
        &self,
        segments: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Option<T>, ReadError> {
        let path = Path::new(API, segments).map_err(|e| odd(e.to_string()))?;
        let path = query.iter().fold(path, |path, (name, value)| path.query(name, value));
        self.http.read(&ReadRequest::get(path).costing(READ_UNITS))
    }

    fn message(&self, id: &str) -> Result<Option<Message>, ReadError> {
        self.get(&["messages", id], &[("format", "raw")])
    }

    fn draft(&self, id: &str) -> Result<Option<Draft>, ReadError> {
        self.get(&["drafts", id], &[("format", "raw")])
    }

    /// Ids of messages, newest first, at most `most`.
    fn message_ids(&self, query: &[(&str, &str)], most: usize) -> Result<Vec<String>, ReadError> {
        let mut ids = Vec::new();
        let mut page_token: Option<String> = None;
        while ids.len() < most {
            let mut query = [query, &[("maxResults", PAGE)]].concat();
            query.extend(page_token.as_deref().map(|t| ("pageToken", t)));
            let Some(page) = self.get::<Messages>(&["messages"], &query)? else { break };
            ids.extend(page.messages.into_iter().map(|m| m.id));
            page_token = page.next_page_token;
            if page_token.is_none() {
                break;
            }
        }
        ids.truncate(most);
        Ok(ids)
    }

    fn draft_ids(&self, query: &[(&str, &str)], most: usize) -> Result<Vec<String>, ReadError> {
        let mut ids = Vec::new();
        let mut page_token: Option<String> = None;
        while ids.len() < most {
            let mut query = [query, &[("maxResults", PAGE)]].concat();
            query.extend(page_token.as_deref().map(|t| ("pageToken", t)));
            let Some(page) = self.get::<Drafts>(&["drafts"], &query)? else { break };
            ids.extend(page.drafts.into_iter().map(|d| d.id));
            page_token = page.next_page_token;
            if page_token.is_none() {
                break;
            }
        }
        ids.truncate(most);
        Ok(ids)
    }

    /// The draft with this `Message-ID`.
    fn draft_by_message_id(&self, message_id: &str) -> Result<Option<Record>, ReadError> {
        let by_search = self.draft_ids(&[("q", &search_for(message_id))], 5)?;
        let newest = || self.draft_ids(&[], LOOKED_THROUGH);
        self.first_with(message_id, by_search, newest, |id| {
            let draft: Option<Draft> = self.get(&["drafts", id], &[("format", "metadata")])?;
            Ok(draft.map(|d| d.message))
        })?
        .map_or(Ok(None), |id| self.read(&Self::at(RecordKind::MailDraft, &id)))
    }

    /// The sent message with this `Message-ID`.
    fn sent_by_message_id(&self, message_id: &str) -> Result<Option<Record>, ReadError> {
        let by_search = self.message_ids(&[("labelIds", "SENT"), ("q", &search_for(message_id))], 5)?;
        let newest = || self.message_ids(&[("labelIds", "SENT")], LOOKED_THROUGH);
        self.first_with(message_id, by_search, newest, |id| {
            let wanted = [("format", "metadata"), ("metadataHeaders", "Message-ID")];
            Ok(self.get::<Message>(&["messages", id], &wanted)?.filter(Message::is_sent))
        })?
        .map_or(Ok(None), |id| self.read(&Self::at(RecordKind::Mail, &id)))
    }

    fn first_with(
        &self,
        message_id: &str,
        by_search: Vec<String>,
        newest: impl FnOnce() -> Result<Vec<String>, ReadError>,
        head: impl Fn(&str) -> Result<Option<Message>, ReadError>,
    ) -> Result<Option<String>, ReadError> {
        let is_it = |id: &String| Ok(head(id)?.is_some_and(|m| m.header("Message-ID") == Some(message_id)));
        for id in by_search {
            if is_it(&id)? {
                return Ok(Some(id));
            }
        }
        for id in newest()? {
            if is_it(&id)? {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    fn receipt(record: Record) -> Receipt {
        let url = match record.at.kind {
            RecordKind::MailDraft => "https://mail.google.com/mail/#drafts".to_owned(),
            _ => format!("https://mail.google.com/mail/#all/{}", record.at.id),
        };
        Receipt { record: record.at, version: Some(record.version), url: Some(url) }
    }
}

/// How Gmail's search is asked for a `Message-ID`.
fn search_for(message_id: &str) -> String {
    format!("rfc822msgid:{message_id}")
}

fn odd(problem: impl Into<String>) -> ReadError {
    ReadError::Odd { system: NAME.to_owned(), problem: problem.into() }
}

/// A message as a record: of a message its own id is the version, for it never changes but by being replaced.
fn record(at: RecordRef, message: &Message) -> Result<Record, ReadError> {
    let read = message.read().map_err(odd)?;
    let fields = read.fields().into_iter().chain([("thread", message.thread_id.clone())]);
    Ok(Record {
        at,
        version: message.id.clone(),
        updated_unix_ms: message.internal_date.as_deref().and_then(|d| d.parse().ok()).unwrap_or(0),
        fields: fields.filter_map(|(name, value)| Some((name.to_owned(), value?))).collect(),
        linked: Vec::new(),
        history: std::collections::BTreeMap::new(),
    })
}

impl SystemOfRecord for Gmail {
    fn name(&self) -> &str {
        NAME
    }

    fn read(&self, at: &RecordRef) -> Result<Option<Record>, ReadError> {
        if at.system != NAME || Path::new("", &[&at.id]).is_err() {
            return Ok(None);
        }
        let message = match at.kind {
            RecordKind::Mail => self.message(&at.id)?,
            RecordKind::MailDraft => self.draft(&at.id)?.map(|d| d.message),
            _ => None,
        };
        message.map(|m| record(at.clone(), &m)).transpose()
    }

    /// Messages of one thread (`field = thread`), with a `message_id`, or changed since a time; the whole mailbox is never
    /// listed. Drafts need no condition.
    fn list(&self, kind: RecordKind, which: &Listing) -> Result<Vec<Record>, ReadError> {
        let field = which.field.as_ref().map(|(name, value)| (name.as_str(), value.as_str()));
        let ids = match (kind, field, which.changed_since_unix_ms) {
            _ if which.linked_to.is_some() => Vec::new(),
            (RecordKind::Mail, Some(("thread", id)), _) => {
                let thread: Option<Thread> = self.get(&["threads", id], &[("format", "minimal")])?;
                let messages = thread.into_iter().flat_map(|t| t.messages);
                messages.filter(|m| !m.is_draft()).map(|m| m.id).collect()
            }
            (RecordKind::Mail, Some(("message_id", id)), _) => {
                self.message_ids(&[("q", &search_for(id))], MAX_LISTED)?
            }
            (RecordKind::Mail, _, Some(since)) => {
                self.message_ids(&[("q", &format!("after:{}", since.div_euclid(1_000)))], MAX_LISTED)?
            }
            (RecordKind::Mail, _, None) => {
                return Err(odd("a whole mailbox is not listed; ask for a thread, a message_id or what changed since"));
            }
            (RecordKind::MailDraft, ..) => self.draft_ids(&[], MAX_LISTED)?,
            _ => Vec::new(),
        };
        let read = ids.iter().filter_map(|id| self.read(&Self::at(kind, id)).transpose());
        let mut records = read.collect::<Result<Vec<_>, _>>()?;
        records.retain(|r| crate::matches(r, which));
        records.sort_by(|a, b| a.at.id.cmp(&b.at.id));
        Ok(records)
    }

    fn fields(&self, kind: RecordKind) -> Result<Vec<FieldInfo>, ReadError> {
        let info = |name: &str| FieldInfo {
            name: name.to_owned(),
            theirs: name.to_owned(),
            options: Vec::new(),
            writable: false,
        };
        let mail = matches!(kind, RecordKind::Mail | RecordKind::MailDraft);
        Ok(if mail { FIELDS.iter().chain(&["thread"]).map(|n| info(n)).collect() } else { Vec::new() })
    }

    fn find(&self, write: &Approved) -> Result<Option<Receipt>, ReadError> {
        let found = match write.action() {
            Action::CreateDraft { mail } => self.draft_by_message_id(&mail.message_id)?,
            Action::SendMail { mail, .. } => self.sent_by_message_id(&mail.message_id)?,
            _ => None,
        };
        Ok(found.map(Self::receipt))
    }

    fn write(&self, write: &Approved) -> Result<Receipt, WriteError> {
        crate::addressed_to(NAME, write)?;
        self.carry_out(write)
    }
}

impl Message {
    /// The message itself.
    fn read(&self) -> Result<message::Message, String> {
        let raw = self.raw.as_deref().ok_or("it gave a message without its text")?;
        let bytes = BASE64.decode(raw).map_err(|_| "it gave a message that is no base64")?;
        message::read(&bytes).ok_or_else(|| "it gave a message that is none".to_owned())
    }
}
