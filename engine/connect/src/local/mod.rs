//! A folder as system of record: what a team without a CRM keeps, and what runs without any account.
//!
//! ```text
//! deals.csv contacts.csv companies.csv tasks.csv   one record a line; the first line names the fields, `id` among them
//! history.csv                                      stage and close date of deals over time: `deal_id,field,value,at`
//! notes/*.md                                       one note a file: `about: deal/7`, `at:`, `ref:`, a blank line, the text
//! mail/drafts/*.eml  mail/sent/*.eml               messages; nothing is sent from here, `sent` is where a mailer fetches
//! ```
//!
//! Columns `deal_ids`, `contact_ids`, `company_ids` (or `deal_id` …) link records; several ids are separated by `;`.
//! A change takes the lock, reads, compares, writes a new file whole and renames it into place: readers see the old or
//! the new one. People may edit the files at any time; a row's version is a digest of its cells.

mod files;
mod history;
mod note;
mod rows;
mod table;
mod writes;

use std::{
    io,
    path::{Path, PathBuf},
};

use reframe_workflow::{
    gate::{Action, Approved},
    system::{FieldInfo, Listing, ReadError, Receipt, Record, RecordKind, RecordRef, SystemOfRecord, WriteError},
};

use self::{note::Note, table::Table};
use crate::message;

/// Name of the system.
pub const NAME: &str = "local";
const NOTES: &str = "notes";
const DRAFTS: &str = "mail/drafts";
const SENT: &str = "mail/sent";

/// The folder.
#[derive(Clone, Debug)]
pub struct Local {
    folder: PathBuf,
    from: Option<String>,
    now_ms: fn() -> i64,
}

impl Local {
    /// The records in `folder`, which must be there. `from` is the sender's address in messages, if they shall have one.
    ///
    /// # Errors
    /// If `folder` is no folder.
    pub fn open(folder: &Path, from: Option<String>) -> io::Result<Self> {
        if !folder.is_dir() {
            let problem = format!("{} is no folder; make it, or name another", folder.display());
            return Err(io::Error::new(io::ErrorKind::NotFound, problem));
        }
        Ok(Self { folder: folder.to_owned(), from, now_ms: crate::time::now_ms })
    }

    /// With another clock, for tests: ms since 1970-01-01 UTC.
    #[must_use]
    pub const fn with_clock(mut self, now_ms: fn() -> i64) -> Self {
        self.now_ms = now_ms;
        self
    }

    fn at(kind: RecordKind, id: &str) -> RecordRef {
        RecordRef { system: NAME.to_owned(), kind, id: id.to_owned() }
    }

    /// The table of a kind that has one, empty if there is no file, with the text it was read from.
    fn table(&self, kind: RecordKind) -> Result<(Table, String), ReadError> {
        let name = rows::file(kind);
        let bytes = files::read(&self.folder.join(name)).map_err(|e| unreachable(name, &e))?;
        let Some(bytes) = bytes else { return Ok((Table::with_heading(rows::columns(kind)), String::new())) };
        let text = String::from_utf8(bytes).map_err(|e| {
            let line = e.as_bytes()[..e.utf8_error().valid_up_to()].iter().filter(|b| **b == b'\n').count() + 1;
            odd(format!("{name}:{line}: is not UTF-8; save it as CSV UTF-8"))
        })?;
        let table = Table::parse(name, &text).map_err(|e| odd(e.to_string()))?;
        Ok((table, text))
    }

    fn path(&self, folder: &str, id: &str, suffix: &str) -> Option<PathBuf> {
        files::is_file_id(id).then(|| self.folder.join(folder).join(format!("{id}{suffix}")))
    }

    fn note(&self, id: &str) -> Result<Option<Record>, ReadError> {
        let Some(path) = self.path(NOTES, id, ".md") else { return Ok(None) };
        let Some(bytes) = files::read(&path).map_err(|e| unreachable(NOTES, &e))? else { return Ok(None) };
        let note = Note::parse(&String::from_utf8_lossy(&bytes));
        let at = note.at_unix_ms.map(crate::time::iso);
        let fields = [("body", Some(note.body.clone())), ("at", at), ("ref", note.mark.clone())];
        Ok(Some(self.record(RecordKind::Note, id, &bytes, &path, fields, note.about_in(NAME))))
    }

    fn mail(&self, kind: RecordKind, id: &str) -> Result<Option<(Record, message::Message)>, ReadError> {
        let folder = if kind == RecordKind::MailDraft { DRAFTS } else { SENT };
        let Some(path) = self.path(folder, id, ".eml") else { return Ok(None) };
        let Some(bytes) = files::read(&path).map_err(|e| unreachable(folder, &e))? else { return Ok(None) };
        let mail = message::read(&bytes).ok_or_else(|| odd(format!("{folder}/{id}.eml is no message")))?;
        let record = self.record(kind, id, &bytes, &path, mail.fields(), vec![]);
        Ok(Some((record, mail)))
    }

    fn record<const N: usize>(
        &self,
        kind: RecordKind,
        id: &str,
        bytes: &[u8],
        path: &Path,
        fields: [(&str, Option<String>); N],
        linked: Vec<RecordRef>,
    ) -> Record {
        let fields = fields.into_iter().filter_map(|(n, v)| Some((n.to_owned(), v.filter(|v| !v.is_empty())?)));
        Record {
            at: Self::at(kind, id),
            version: table::version(&[String::from_utf8_lossy(bytes).into_owned()]),
            updated_unix_ms: files::changed_ms(path),
            fields: fields.collect(),
            linked,
            history: Default::default(),
        }
    }

    fn receipt(&self, record: &Record) -> Receipt {
        let id = &record.at.id;
        let path = match record.at.kind {
            RecordKind::Note => self.path(NOTES, id, ".md"),
            RecordKind::MailDraft => self.path(DRAFTS, id, ".eml"),
            RecordKind::Mail => self.path(SENT, id, ".eml"),
            kind => Some(self.folder.join(rows::file(kind))),
        };
        let url = path.and_then(|p| files::url(&p));
        Receipt { record: record.at.clone(), version: Some(record.version.clone()), url }
    }
}

impl SystemOfRecord for Local {
    fn name(&self) -> &str {
        NAME
    }

    fn read(&self, record: &RecordRef) -> Result<Option<Record>, ReadError> {
        if record.system != NAME {
            return Ok(None);
        }
        match record.kind {
            RecordKind::Note => self.note(&record.id),
            RecordKind::MailDraft | RecordKind::Mail => Ok(self.mail(record.kind, &record.id)?.map(|(r, _)| r)),
            kind => {
                let (table, _) = self.table(kind)?;
                let mut found: Vec<Record> =
                    table.row(&record.id).map(|row| self.row(kind, &table, row)).into_iter().collect();
                self.with_history(kind, &mut found)?;
                Ok(found.pop())
            }
        }
    }

    fn list(&self, kind: RecordKind, which: &Listing) -> Result<Vec<Record>, ReadError> {
        let (folder, suffix) = match kind {
            RecordKind::Note => (NOTES, ".md"),
            RecordKind::MailDraft => (DRAFTS, ".eml"),
            RecordKind::Mail => (SENT, ".eml"),
            _ => ("", ""),
        };
        let mut records: Vec<Record> = if folder.is_empty() {
            let (table, _) = self.table(kind)?;
            table.rows().map(|row| self.row(kind, &table, row)).collect()
        } else {
            let names = files::names(&self.folder.join(folder), suffix).map_err(|e| unreachable(folder, &e))?;
            let read = names.iter().filter_map(|id| self.read(&Self::at(kind, id)).transpose());
            read.collect::<Result<_, _>>()?
        };
        // A link may be written down at either end.
        let other = match &which.linked_to {
            Some(other) => self.read(other)?.map(|r| r.linked).unwrap_or_default(),
            None => Vec::new(),
        };
        records.retain(|r| {
            let linked = which.linked_to.as_ref().is_none_or(|o| r.linked.contains(o) || other.contains(&r.at));
            linked && crate::matches(r, which)
        });
        records.sort_by(|a, b| a.at.id.cmp(&b.at.id));
        self.with_history(kind, &mut records)?;
        Ok(records)
    }

    fn fields(&self, kind: RecordKind) -> Result<Vec<FieldInfo>, ReadError> {
        let info = |name: &str, writable| FieldInfo {
            name: name.to_owned(),
            theirs: name.to_owned(),
            options: Vec::new(),
            writable,
        };
        match kind {
            RecordKind::Note => Ok(["body", "at", "ref"].map(|n| info(n, false)).into()),
            RecordKind::MailDraft | RecordKind::Mail => Ok(message::FIELDS.map(|n| info(n, false)).into()),
            kind => {
                let (table, _) = self.table(kind)?;
                let ours = table.heading().iter().filter(|name| rows::is_field(name));
                Ok(ours.map(|name| info(name, true)).collect())
            }
        }
    }

    fn find(&self, write: &Approved) -> Result<Option<Receipt>, ReadError> {
        let mark = write.marker().as_str();
        let found = match write.action() {
            Action::CreateNote { .. } => match self.note(mark)? {
                Some(note) => Some(note),
                // Somebody renamed the file.
                None => {
                    let notes = self.list(RecordKind::Note, &Listing::default())?;
                    notes.into_iter().find(|n| n.field("ref") == Some(mark))
                }
            },
            Action::CreateTask { .. } => self.read(&Self::at(RecordKind::Task, mark))?,
            Action::UpdateField { record, field, after, .. } => {
                let record = self.read(record)?;
                record.filter(|r| r.field(field) == after.as_deref())
            }
            Action::CreateDraft { mail } => self.find_mail(RecordKind::MailDraft, mark, &mail.message_id)?,
            Action::SendMail { mail, .. } => self.find_mail(RecordKind::Mail, mark, &mail.message_id)?,
        };
        Ok(found.map(|r| self.receipt(&r)))
    }

    fn write(&self, write: &Approved) -> Result<Receipt, WriteError> {
        crate::addressed_to(NAME, write)?;
        self.carry_out(write)
    }
}

impl Local {
    fn find_mail(&self, kind: RecordKind, mark: &str, message_id: &str) -> Result<Option<Record>, ReadError> {
        if let Some((record, _)) = self.mail(kind, mark)? {
            return Ok(Some(record));
        }
        // Somebody renamed the file.
        let which = Listing { field: Some(("message_id".into(), message_id.into())), ..Listing::default() };
        Ok(self.list(kind, &which)?.into_iter().next())
    }
}

fn unreachable(what: &str, error: &io::Error) -> ReadError {
    ReadError::Unreachable { system: NAME.to_owned(), problem: format!("{what}: {error}") }
}

fn odd(problem: String) -> ReadError {
    ReadError::Odd { system: NAME.to_owned(), problem }
}
