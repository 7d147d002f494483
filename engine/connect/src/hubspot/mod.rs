//! HubSpot: deals, contacts, companies, notes and tasks, and what links them.
//!
//! It has neither idempotency keys nor conditional writes. So a note or task carries our mark in its last line and is found
//! again through its deal's associations (search lags behind), and a property is compared just before it is overwritten.

mod directory;
mod mapping;
mod reads;
mod settings;
mod wire;
mod writes;

use std::sync::Mutex;

use jiff::tz::TimeZone;
use reframe_workflow::{
    gate::{Action, Approved},
    system::{FieldInfo, Listing, ReadError, Receipt, Record, RecordKind, RecordRef, SystemOfRecord, WriteError},
};

pub use self::settings::{BadSettings, Settings};
use self::{directory::Cached, mapping::Mapping};
use crate::http::{Http, Login};

/// Name of the system.
pub const NAME: &str = "hubspot";

/// Paths of the API, with its versions.
#[derive(Clone, Copy, Debug)]
pub struct Api {
    /// Records.
    pub objects: &'static str,
    /// Links of records.
    pub links: &'static str,
    /// Kinds of links.
    pub link_kinds: &'static str,
    /// Pipelines and their stages.
    pub pipelines: &'static str,
    /// What is known of fields.
    pub properties: &'static str,
    /// People who own records.
    pub owners: &'static str,
    /// Tokens.
    pub token: &'static str,
}

/// The versions we speak; the date-based ones have the same shapes.
pub const API: Api = Api {
    objects: "/crm/v3/objects",
    links: "/crm/v4/objects",
    link_kinds: "/crm/v4/associations",
    pipelines: "/crm/v3/pipelines/deals",
    properties: "/crm/v3/properties",
    owners: "/crm/v3/owners",
    token: "/oauth/v1/token",
};

/// An account of HubSpot.
#[derive(Debug)]
pub struct HubSpot {
    http: Http,
    mapping: Mapping,
    zone: TimeZone,
    portal: Option<u64>,
    cached: Mutex<Cached>,
}

impl HubSpot {
    /// The account that `settings` lead to; keys are taken from the environment now.
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
        let (http, zone) = settings.open(login)?;
        let mapping = Mapping::with(&settings.fields).map_err(BadSettings::Field)?;
        Ok(Self { http, mapping, zone, portal: settings.portal, cached: Mutex::default() })
    }

    fn at(kind: RecordKind, id: &str) -> RecordRef {
        RecordRef { system: NAME.to_owned(), kind, id: id.to_owned() }
    }

    /// Where a person can look at a record: notes and tasks are looked at on what they are about.
    fn url(&self, record: &RecordRef) -> Option<String> {
        let number = match record.kind {
            RecordKind::Contact => "0-1",
            RecordKind::Company => "0-2",
            RecordKind::Deal => "0-3",
            _ => return None,
        };
        self.portal.map(|portal| format!("https://app.hubspot.com/contacts/{portal}/record/{number}/{}", record.id))
    }
}

/// HubSpot's word for a kind in paths.
const fn object(kind: RecordKind) -> Option<&'static str> {
    match kind {
        RecordKind::Deal => Some("deals"),
        RecordKind::Contact => Some("contacts"),
        RecordKind::Company => Some("companies"),
        RecordKind::Note => Some("notes"),
        RecordKind::Task => Some("tasks"),
        RecordKind::Mail | RecordKind::MailDraft => None,
    }
}

/// Ids are numbers; anything else is none of HubSpot's.
fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= 20 && id.bytes().all(|b| b.is_ascii_digit())
}

fn odd(problem: impl Into<String>) -> ReadError {
    ReadError::Odd { system: NAME.to_owned(), problem: problem.into() }
}

impl SystemOfRecord for HubSpot {
    fn name(&self) -> &str {
        NAME
    }

    fn read(&self, record: &RecordRef) -> Result<Option<Record>, ReadError> {
        if record.system != NAME || !is_id(&record.id) {
            return Ok(None);
        }
        let Some(object) = self.object(record.kind, &record.id)? else { return Ok(None) };
        self.record(record.kind, object).map(Some)
    }

    fn list(&self, kind: RecordKind, which: &Listing) -> Result<Vec<Record>, ReadError> {
        let mut records = match &which.linked_to {
            Some(other) if other.system != NAME || !is_id(&other.id) => Vec::new(),
            Some(other) => self.linked(kind, other)?,
            None => self.all(kind)?,
        };
        records.retain(|r| crate::matches(r, which));
        records.sort_by(|a, b| a.at.id.cmp(&b.at.id));
        Ok(records)
    }

    fn fields(&self, kind: RecordKind) -> Result<Vec<FieldInfo>, ReadError> {
        self.field_infos(kind)
    }

    fn find(&self, write: &Approved) -> Result<Option<Receipt>, ReadError> {
        let (kind, about) = match write.action() {
            Action::CreateNote { about, .. } => (RecordKind::Note, about),
            Action::CreateTask { about, .. } => (RecordKind::Task, about),
            Action::UpdateField { record, field, after, .. } => {
                let read = self.read(record)?.filter(|r| r.field(field) == after.as_deref());
                let receipt = |r: Record| Receipt { url: self.url(&r.at), record: r.at, version: Some(r.version) };
                return Ok(read.map(receipt));
            }
            Action::CreateDraft { .. } | Action::SendMail { .. } => return Ok(None),
        };
        if !is_id(&about.id) {
            return Ok(None);
        }
        let found = self.bearing(kind, about, write.marker().as_str())?;
        Ok(found.map(|o| Receipt { record: Self::at(kind, &o.id), version: o.updated_at, url: self.url(about) }))
    }

    fn write(&self, write: &Approved) -> Result<Receipt, WriteError> {
        crate::addressed_to(NAME, write)?;
        self.carry_out(write)
    }
}
