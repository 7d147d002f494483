//! Writing into the folder: each under the lock, each a single new file.

use std::path::PathBuf;

use reframe_workflow::{
    gate::{Action, Approved, Mail},
    system::{ReadError, Receipt, RecordKind, RecordRef, SystemOfRecord as _, WriteError},
};

use super::{
    DRAFTS, Local, NOTES, SENT,
    files::{self, Lock, WriteFailed},
    note::Note,
    rows::{self, UPDATED},
    table::Table,
};
use crate::{http::outcome::write_without_read, message, time::iso};

/// Wait before the next attempt when another program has the folder, in ms.
const BUSY_MS: u64 = 2_000;

impl Local {
    pub(super) fn carry_out(&self, write: &Approved) -> Result<Receipt, WriteError> {
        let lock = files::lock(&self.folder).map_err(|e| not_done(format!("{}: {e}", self.folder.display())))?;
        // Names follow from the mark, so what is there under this name is this very write.
        if !matches!(write.action(), Action::UpdateField { .. })
            && let Some(done) = self.find(write).map_err(|e| unread(&e))?
        {
            return Ok(done);
        }
        match write.action() {
            Action::CreateNote { about, body, at_unix_ms } => {
                self.must_be_there(about)?;
                let note = Note {
                    about: Some((about.kind, about.id.clone())),
                    at_unix_ms: Some(*at_unix_ms),
                    mark: Some(write.marker().as_str().to_owned()),
                    body: body.clone(),
                };
                self.place(write, RecordKind::Note, NOTES, ".md", note.to_text().as_bytes(), &lock)
            }
            Action::CreateTask { about, .. } => {
                self.must_be_there(about)?;
                self.add_task(write, &lock)
            }
            Action::UpdateField { record, field, before, after } => {
                self.update(record, field, before.as_deref(), after.as_deref(), &lock)
            }
            Action::CreateDraft { mail } => {
                let bytes = self.bytes_of(mail, write)?;
                self.place(write, RecordKind::MailDraft, DRAFTS, ".eml", &bytes, &lock)
            }
            Action::SendMail { mail, draft } => self.send(write, mail, draft.as_ref(), &lock),
        }
    }

    fn must_be_there(&self, record: &RecordRef) -> Result<(), WriteError> {
        if !matches!(record.kind, RecordKind::Deal | RecordKind::Contact | RecordKind::Company) {
            return Err(WriteError::Refused {
                problem: format!("{record} is nothing that notes and tasks are put on"),
            });
        }
        match self.read(record).map_err(|e| unread(&e))? {
            Some(_) => Ok(()),
            None => Err(WriteError::TargetChanged { problem: format!("{record} is no longer there") }),
        }
    }

    fn bytes_of(&self, mail: &Mail, write: &Approved) -> Result<Vec<u8>, WriteError> {
        let bytes = message::write(mail, self.from.as_deref(), write.approval().at_unix_ms);
        bytes.map_err(|e| WriteError::Refused { problem: e.to_string() })
    }

    /// Writes a file of its own, named after the mark.
    fn place(
        &self,
        write: &Approved,
        kind: RecordKind,
        folder: &str,
        suffix: &str,
        bytes: &[u8],
        lock: &Lock,
    ) -> Result<Receipt, WriteError> {
        let id = write.marker().as_str();
        let path = self.path(folder, id, suffix);
        let path = path.ok_or_else(|| WriteError::Refused { problem: format!("`{id}` can be no file's name") })?;
        match files::write(&path, bytes, true, lock) {
            // There already: the name is the mark, so it is this very write.
            Ok(()) | Err(WriteFailed::Exists) => {}
            Err(e) => return Err(failed(e)),
        }
        self.done(&Self::at(kind, id))
    }

    /// What to answer about a record that has just been written.
    fn done(&self, at: &RecordRef) -> Result<Receipt, WriteError> {
        match self.read(at) {
            Ok(Some(record)) => Ok(self.receipt(&record)),
            Ok(None) => Err(WriteError::Unknown { problem: format!("{at} was written and is gone again") }),
            Err(e) => Err(WriteError::Unknown { problem: e.to_string() }),
        }
    }

    fn add_task(&self, write: &Approved, lock: &Lock) -> Result<Receipt, WriteError> {
        let Action::CreateTask { about, subject, body, due, owner } = write.action() else {
            return Err(WriteError::Refused { problem: "it is no task".into() });
        };
        let (mut table, was) = self.table(RecordKind::Task).map_err(|e| unread(&e))?;
        let about_column = format!("{}_id", about.kind.as_str());
        let due = due.map(|d| d.to_string()).unwrap_or_default();
        let (id, now) = (write.marker().as_str(), iso((self.now_ms)()));
        let values = [
            (super::table::ID, id),
            (UPDATED, now.as_str()),
            ("subject", subject),
            ("body", body),
            ("due", &due),
            ("owner", owner.as_deref().unwrap_or_default()),
            ("status", "open"),
            (&about_column, &about.id),
        ];
        // The time of the change and the status are ours to leave out, what was approved is not.
        let needed = values.iter().filter(|(name, value)| !value.is_empty() && *name != UPDATED && *name != "status");
        for (name, _) in needed {
            column(&table, RecordKind::Task, name)?;
        }
        table.push(&values);
        self.replace(RecordKind::Task, &table, &was, lock)?;
        self.done(&Self::at(RecordKind::Task, id))
    }

    fn update(
        &self,
        at: &RecordRef,
        field: &str,
        before: Option<&str>,
        after: Option<&str>,
        lock: &Lock,
    ) -> Result<Receipt, WriteError> {
        if matches!(at.kind, RecordKind::Note | RecordKind::Mail | RecordKind::MailDraft) || !rows::is_field(field) {
            return Err(WriteError::Refused { problem: format!("`{field}` of {at} is not ours to change") });
        }
        let (mut table, was) = self.table(at.kind).map_err(|e| unread(&e))?;
        let changed = |problem| WriteError::TargetChanged { problem };
        let row = table.row(&at.id).ok_or_else(|| changed(format!("{at} is no longer there")))?;
        let column = column(&table, at.kind, field)?;
        let is = Some(row[column].as_str()).filter(|v| !v.is_empty());
        if is == after {
            return self.done(at);
        }
        if is != before {
            return Err(changed(crate::reads_otherwise(field, is, before)));
        }
        let was_deal = self.read(at).map_err(|e| unread(&e))?;
        let now_ms = (self.now_ms)();
        let now = iso(now_ms);
        let mut changes = vec![(column, after.unwrap_or_default())];
        changes.extend(table.column(UPDATED).map(|c| (c, now.as_str())));
        table.set(&at.id, &changes);
        self.replace(at.kind, &table, &was, lock)?;
        if let Some(was_deal) = was_deal
            && let Err(error) = self.note_change(&was_deal, field, after, now_ms, lock)
        {
            // The change itself is done; without its line it shows as one that was made by hand.
            tracing::warn!(%error, "a change of a deal is not in history.csv");
        }
        self.done(at)
    }

    /// Writes a table in the place of the text it was read from; not if a person has saved another meanwhile, for people
    /// take no lock.
    fn replace(&self, kind: RecordKind, table: &Table, was: &str, lock: &Lock) -> Result<(), WriteError> {
        let path: PathBuf = self.folder.join(rows::file(kind));
        let is = files::read(&path).map_err(|e| not_done(e.to_string()))?.unwrap_or_default();
        if is != was.as_bytes() {
            return Err(not_done(format!("{} was saved by somebody just now", rows::file(kind))));
        }
        files::write(&path, table.to_string().as_bytes(), false, lock).map_err(failed)
    }

    fn send(
        &self,
        write: &Approved,
        mail: &Mail,
        draft: Option<&RecordRef>,
        lock: &Lock,
    ) -> Result<Receipt, WriteError> {
        let changed = |problem| WriteError::TargetChanged { problem };
        if let Some(draft) = draft {
            let is = self.mail(RecordKind::MailDraft, &draft.id).map_err(|e| unread(&e))?;
            let (_, is) =
                is.ok_or_else(|| changed("the draft is no longer there; it may have been sent by hand".into()))?;
            if let Some(what) = is.differs_from(mail) {
                return Err(changed(format!("the draft was edited: {what} is not what was approved")));
            }
        }
        let bytes = self.bytes_of(mail, write)?;
        let receipt = self.place(write, RecordKind::Mail, SENT, ".eml", &bytes, lock)?;
        if let Some(path) = draft.and_then(|d| self.path(DRAFTS, &d.id, ".eml")) {
            // It is sent; a draft left behind is a nuisance, not a failure.
            if let Err(error) = std::fs::remove_file(&path) {
                tracing::warn!(%error, "the draft of a sent message could not be removed");
            }
        }
        Ok(receipt)
    }
}

fn column(table: &Table, kind: RecordKind, name: &str) -> Result<usize, WriteError> {
    table.column(name).ok_or_else(|| {
        let problem = format!("{} has no column `{name}`; add it to the heading, then approve again", rows::file(kind));
        WriteError::Refused { problem }
    })
}

pub(super) fn not_done(problem: String) -> WriteError {
    WriteError::NotDone { problem, wait_ms: BUSY_MS }
}

/// A file that cannot be read is one a person must repair; nothing was written.
fn unread(error: &ReadError) -> WriteError {
    write_without_read(error)
}

pub(super) fn failed(error: WriteFailed) -> WriteError {
    match error {
        WriteFailed::Unchanged(e) => not_done(e.to_string()),
        WriteFailed::Exists => not_done("there is a file of that name already".into()),
        WriteFailed::Unsure(e) => WriteError::Unknown { problem: e.to_string() },
    }
}
