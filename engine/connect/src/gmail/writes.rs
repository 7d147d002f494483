//! Making drafts and sending. Each is one request.

use base64::Engine as _;
use reframe_workflow::{
    gate::{Action, Approved, Mail},
    system::{Receipt, RecordKind, RecordRef, WriteError},
};
use serde_json::{Value, json};

use super::{API, BASE64, Gmail, NAME};
use crate::{
    http::{Mutation, Path, Verb, outcome::write_without_read},
    message,
};

/// Price of making a draft, in quota units.
const DRAFT_UNITS: u32 = 10;
/// Price of sending.
const SEND_UNITS: u32 = 100;

impl Gmail {
    pub(super) fn carry_out(&self, write: &Approved) -> Result<Receipt, WriteError> {
        match write.action() {
            Action::CreateDraft { mail } => {
                let body = json!({ "message": self.resource(mail, write)? });
                let made = self.post(write, &["drafts"], body, DRAFT_UNITS)?;
                Self::receipt_of(RecordKind::MailDraft, &made["id"], &made["message"]["id"])
            }
            Action::SendMail { mail, draft: None } => {
                let body = self.resource(mail, write)?;
                let sent = self.post(write, &["messages", "send"], body, SEND_UNITS)?;
                Self::receipt_of(RecordKind::Mail, &sent["id"], &sent["id"])
            }
            Action::SendMail { mail, draft: Some(draft) } => {
                self.must_read_as_approved(draft, mail)?;
                // With the text again: what goes out are the approved bytes, also if the draft is edited this very moment.
                let body = json!({ "id": draft.id, "message": self.resource(mail, write)? });
                let sent = self.post(write, &["drafts", "send"], body, SEND_UNITS)?;
                Self::receipt_of(RecordKind::Mail, &sent["id"], &sent["id"])
            }
            other => Err(WriteError::Refused { problem: format!("a mailbox cannot {}", other.name()) }),
        }
    }

    fn post(&self, write: &Approved, segments: &[&str], body: Value, units: u32) -> Result<Value, WriteError> {
        let path = Path::new(API, segments).map_err(|e| WriteError::Refused { problem: e.to_string() })?;
        self.http.write(&Mutation::new(write, Verb::Post, path, body).costing(units))
    }

    /// The message as Gmail takes it.
    fn resource(&self, mail: &Mail, write: &Approved) -> Result<Value, WriteError> {
        let bytes = message::write(mail, self.from.as_deref(), write.approval().at_unix_ms);
        let bytes = bytes.map_err(|e| WriteError::Refused { problem: e.to_string() })?;
        let mut resource = json!({ "raw": BASE64.encode(bytes) });
        if let Some(thread) = &mail.thread {
            resource["threadId"] = thread.as_str().into();
        }
        Ok(resource)
    }

    fn must_read_as_approved(&self, draft: &RecordRef, mail: &Mail) -> Result<(), WriteError> {
        let changed = |problem: String| Err(WriteError::TargetChanged { problem });
        if draft.system != NAME || draft.kind != RecordKind::MailDraft {
            return Err(WriteError::Refused { problem: format!("{draft} is no draft of this mailbox") });
        }
        let Some(is) = self.draft(&draft.id).map_err(|e| write_without_read(&e))? else {
            return changed("the draft is no longer there; it may have been sent by hand".into());
        };
        let is = is.message.read().map_err(|problem| WriteError::NotDone { problem, wait_ms: 0 })?;
        match is.differs_from(mail) {
            Some(what) => changed(format!("the draft was edited: {what} is not what was approved")),
            None => Ok(()),
        }
    }

    fn receipt_of(kind: RecordKind, id: &Value, version: &Value) -> Result<Receipt, WriteError> {
        let id = id.as_str().filter(|id| !id.is_empty());
        let id = id.ok_or_else(|| WriteError::Unknown { problem: "Gmail said yes, but not under which id".into() })?;
        let url = match kind {
            RecordKind::MailDraft => "https://mail.google.com/mail/#drafts".to_owned(),
            _ => format!("https://mail.google.com/mail/#all/{id}"),
        };
        Ok(Receipt { record: Self::at(kind, id), version: version.as_str().map(str::to_owned), url: Some(url) })
    }
}
