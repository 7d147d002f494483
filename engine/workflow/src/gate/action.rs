//! Everything that may be done outside, each with exactly what it will say there.

use reframe_call::date::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::system::RecordRef;

/// Longest body of a note, in characters (HubSpot's own limit for `hs_note_body`).
const MAX_BODY_CHARS: usize = 65_536;
/// Longest subject or field, in characters.
const MAX_LINE_CHARS: usize = 1_000;
/// Longest address for unsubscribing, in bytes; its header line must stay under 998.
const MAX_LINK: usize = 500;

/// A message, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// Our `Message-ID`, by which it is found again: `<…@domain>`.
    pub message_id: String,
    /// Addresses it goes to.
    pub to: Vec<String>,
    /// Addresses that get a copy.
    pub cc: Vec<String>,
    /// Subject.
    pub subject: String,
    /// Plain text, lines ended by `\n`.
    pub body: String,
    /// `Message-ID` of what it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_reply_to: Option<String>,
    /// The mailbox's name of the conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread: Option<String>,
    /// How who gets it can stop further ones; messages that nobody asked for carry it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unsubscribe: Option<Unsubscribe>,
}

/// Where a wish to get no more messages goes, as the header `List-Unsubscribe` has it (RFC 2369, RFC 8058).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unsubscribe {
    /// Address that takes any mail as that wish: `stop@seller.example`.
    pub mailto: String,
    /// Address that takes a POST as that wish, without asking again: `https://…`. With it the message also carries
    /// `List-Unsubscribe-Post`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub https: Option<String>,
}

/// One thing to be done in one system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Put a note on a record.
    CreateNote {
        /// The record, mostly a deal.
        about: RecordRef,
        /// The text.
        body: String,
        /// When what it tells of happened, in ms since 1970-01-01 UTC.
        at_unix_ms: i64,
    },
    /// Put a task on a record.
    CreateTask {
        /// The record, mostly a deal.
        about: RecordRef,
        /// What is to be done, in a line.
        subject: String,
        /// More of it.
        body: String,
        /// The day it is due.
        #[schemars(with = "Option<String>")]
        due: Option<Date>,
        /// Who is to do it, as the system names people.
        owner: Option<String>,
    },
    /// Change one field of a record.
    UpdateField {
        /// The record.
        record: RecordRef,
        /// Our name of the field.
        field: String,
        /// What it reads now; nothing: it is empty.
        before: Option<String>,
        /// What it shall read; nothing: it shall be empty.
        after: Option<String>,
    },
    /// Put a message among the drafts of the rep's mailbox.
    CreateDraft {
        /// The message.
        mail: Mail,
    },
    /// Send a message.
    SendMail {
        /// The message.
        mail: Mail,
        /// The draft it lies in, if it does.
        draft: Option<RecordRef>,
    },
}

/// An action nobody could carry out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct ActionError {
    /// Which part of it.
    pub field: &'static str,
    /// What is wrong, and what to write.
    pub problem: String,
}

impl Action {
    /// The record it is about, if it is about one.
    #[must_use]
    pub const fn target(&self) -> Option<&RecordRef> {
        match self {
            Self::CreateNote { about, .. } | Self::CreateTask { about, .. } => Some(about),
            Self::UpdateField { record, .. } => Some(record),
            Self::CreateDraft { .. } | Self::SendMail { .. } => None,
        }
    }

    /// Whether it only adds, so that a change of its target meanwhile takes nothing from it.
    #[must_use]
    pub const fn only_adds(&self) -> bool {
        !matches!(self, Self::UpdateField { .. })
    }

    /// The word on screens and in logs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::CreateNote { .. } => "create_note",
            Self::CreateTask { .. } => "create_task",
            Self::UpdateField { .. } => "update_field",
            Self::CreateDraft { .. } => "create_draft",
            Self::SendMail { .. } => "send_mail",
        }
    }

    /// What is wrong with it, the first thing found.
    ///
    /// # Errors
    /// [`ActionError`]: an empty or too long text, no recipient, an address that is none, a line break in a header.
    pub fn check(&self) -> Result<(), ActionError> {
        match self {
            Self::CreateNote { body, .. } => text("body", body, MAX_BODY_CHARS),
            Self::CreateTask { subject, body, .. } => {
                line("subject", subject)?;
                if body.is_empty() { Ok(()) } else { text("body", body, MAX_BODY_CHARS) }
            }
            Self::UpdateField { field, before, after, .. } => {
                line("field", field)?;
                if crate::hygiene::is_protected(field) {
                    return wrong("field", "is the seller's own commit, which is never overwritten");
                }
                if before == after {
                    return wrong("after", "reads as it did before; there is nothing to do");
                }
                after.as_deref().map_or(Ok(()), |after| line("after", after))
            }
            Self::CreateDraft { mail } | Self::SendMail { mail, .. } => mail.check(),
        }
    }
}

impl Mail {
    fn check(&self) -> Result<(), ActionError> {
        if self.to.is_empty() {
            return wrong("to", "names nobody; write at least one address");
        }
        let stop = self.unsubscribe.iter().map(|u| &u.mailto);
        for address in self.to.iter().chain(&self.cc).chain(stop) {
            let plain = address.split_once('@').is_some_and(|(a, b)| !a.is_empty() && b.contains('.'));
            let clean = !address.chars().any(|c| c.is_control() || c.is_whitespace() || "<>,;\"".contains(c));
            if !(plain && clean) {
                return wrong("to", &format!("`{}` is no address; write name@example.com", shown(address)));
            }
        }
        let id = &self.message_id;
        let framed = id.starts_with('<') && id.ends_with('>') && id.contains('@');
        if !framed || id.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return wrong("message_id", "must read <name@domain>");
        }
        line("subject", &self.subject)?;
        for (field, value) in [("in_reply_to", &self.in_reply_to), ("thread", &self.thread)] {
            value.as_deref().map_or(Ok(()), |value| line(field, value))?;
        }
        if let Some(https) = self.unsubscribe.as_ref().and_then(|u| u.https.as_deref()) {
            let clean = https.bytes().all(|b| b.is_ascii_graphic() && !b"<>,\"".contains(&b));
            if !(clean && https.len() <= MAX_LINK && https.strip_prefix("https://").is_some_and(|h| h.contains('.'))) {
                return wrong("unsubscribe", "must read https://…, in plain ASCII and at most 500 characters");
            }
        }
        text("body", &self.body, MAX_BODY_CHARS)
    }
}

fn shown(value: &str) -> String {
    value.chars().take(60).flat_map(char::escape_default).collect()
}

fn wrong(field: &'static str, problem: &str) -> Result<(), ActionError> {
    Err(ActionError { field, problem: problem.to_owned() })
}

fn line(field: &'static str, value: &str) -> Result<(), ActionError> {
    if value.chars().any(char::is_control) {
        return wrong(field, "holds a line break or another control character; write one line of plain text");
    }
    text(field, value, MAX_LINE_CHARS)
}

fn text(field: &'static str, value: &str, most: usize) -> Result<(), ActionError> {
    if value.trim().is_empty() {
        return wrong(field, "is empty");
    }
    if value.chars().count() > most {
        return wrong(field, &format!("is longer than {most} characters"));
    }
    if value.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
        return wrong(field, "holds control characters; write plain text");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail() -> Mail {
        Mail {
            message_id: "<rf-1@example.com>".into(),
            to: vec!["dana@buyer.example.com".into()],
            cc: vec![],
            subject: "our call".into(),
            body: "Thanks.".into(),
            in_reply_to: None,
            thread: None,
            unsubscribe: None,
        }
    }

    fn stop(https: &str) -> Unsubscribe {
        Unsubscribe { mailto: "stop@seller.example".into(), https: Some(https.into()) }
    }

    #[test]
    fn the_sellers_commit_is_never_overwritten() {
        let record = RecordRef { system: "local".into(), kind: crate::system::RecordKind::Deal, id: "1".into() };
        let change = |field: &str| Action::UpdateField {
            record: record.clone(),
            field: field.into(),
            before: None,
            after: Some("x".into()),
        };
        assert_eq!(change("stage").check(), Ok(()));
        assert_eq!(change("forecast_commit").check().unwrap_err().field, "field");
    }

    #[test]
    fn what_nobody_could_send_is_named() {
        assert_eq!(mail().check(), Ok(()));
        let stoppable = Mail { unsubscribe: Some(stop("https://seller.example/u/1")), ..mail() };
        assert_eq!(stoppable.check(), Ok(()));
        for (field, bad) in [
            ("to", Mail { to: vec![], ..mail() }),
            ("to", Mail { cc: vec!["dana".into()], ..mail() }),
            ("to", Mail { to: vec!["a@b.example\r\nBcc: x@y.example".into()], ..mail() }),
            ("subject", Mail { subject: "x\nBcc: y@z.example".into(), ..mail() }),
            ("subject", Mail { subject: " ".into(), ..mail() }),
            ("in_reply_to", Mail { in_reply_to: Some("<a@b>\n".into()), ..mail() }),
            ("message_id", Mail { message_id: "rf-1".into(), ..mail() }),
            ("body", Mail { body: String::new(), ..mail() }),
            ("to", Mail { unsubscribe: Some(Unsubscribe { mailto: "stop".into(), https: None }), ..mail() }),
            ("unsubscribe", Mail { unsubscribe: Some(stop("http://seller.example/u")), ..mail() }),
            ("unsubscribe", Mail { unsubscribe: Some(stop("https://seller.example/u>,<x")), ..mail() }),
        ] {
            assert_eq!(bad.check().unwrap_err().field, field, "{bad:?}");
        }
    }
}
