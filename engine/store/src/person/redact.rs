//! What is left of a hand-off and of a proposal whose words went.

use std::collections::BTreeSet;

use reframe_workflow::{
    artifact::{Claim, Evidence},
    gate::{Action, Mail, Proposal},
};
use serde_json::{Value, json};

use super::reach::Reach;

/// Stands where words stood.
pub(super) const GONE: &str = "(erased)";

/// The body of a hand-off whose words went: why, and when in ms since 1970-01-01 UTC. `why` is the salted digest of a
/// person, or the rule.
#[must_use]
pub fn tombstone(why: &str, at_unix_ms: i64) -> Value {
    json!({ "erased": { "why": why, "at_unix_ms": at_unix_ms } })
}

/// Puts a tombstone in the place of a hand-off's body, if the erasure reaches it. Gives the new text.
pub(super) fn artifact(text: &str, reach: &Reach, stone: &Value) -> Option<String> {
    let mut artifact: Value = serde_json::from_str(text).ok()?;
    let body = artifact.get_mut("body")?;
    if body.get("erased").is_some() || !reach.touches(body) {
        return None;
    }
    *body = stone.clone();
    Some(artifact.to_string())
}

/// Whether the erasure reaches a revision of a proposal that still has its words.
pub(super) fn reaches(text: &str, reach: &Reach) -> bool {
    serde_json::from_str(text).is_ok_and(|value: Value| reach.touches(&value))
}

/// Whether this is a text that retells a hand-off whose words went: a note and a message hold more of it than the words they
/// are shown with.
pub(super) fn retells(text: &str, erased: &BTreeSet<String>) -> bool {
    let Ok(proposal) = serde_json::from_str::<Proposal>(text) else { return false };
    let left = match &proposal.action {
        Action::CreateNote { body, .. } => body,
        Action::CreateDraft { mail } | Action::SendMail { mail, .. } => &mail.body,
        Action::CreateTask { .. } | Action::UpdateField { .. } => return false,
    };
    left != GONE && erased.contains(proposal.from.as_str())
}

/// A revision without any of its texts. What it was about, which evidence it had, where it came from and when stays. One
/// that cannot be read has nothing that could be told apart, and all of it goes.
pub(super) fn proposal(text: &str, stone: &Value) -> String {
    let Ok(mut proposal) = serde_json::from_str::<Proposal>(text) else { return stone.to_string() };
    blank(&mut proposal.action);
    let evidence = proposal.because.evidence().iter().cloned().map(unquoted).collect();
    proposal.because =
        Claim::new(GONE, evidence, proposal.because.confidence()).expect("it had evidence, and has as much");
    serde_json::to_string(&proposal).expect("our types have a JSON form")
}

fn unquoted(mut evidence: Evidence) -> Evidence {
    match &mut evidence {
        Evidence::Words { quote, .. } => quote.clear(),
        Evidence::Field { value, .. } => *value = value.take().map(|_| GONE.to_owned()),
        Evidence::Source { quote, .. } => quote.clear(),
        Evidence::Event { .. } => {}
    }
    evidence
}

fn blank(action: &mut Action) {
    match action {
        Action::CreateNote { body, .. } => GONE.clone_into(body),
        Action::CreateTask { subject, body, owner, .. } => {
            GONE.clone_into(subject);
            body.clear();
            *owner = None;
        }
        Action::UpdateField { before, after, .. } => {
            *before = before.take().map(|_| GONE.to_owned());
            *after = after.take().map(|_| GONE.to_owned());
        }
        Action::CreateDraft { mail } | Action::SendMail { mail, .. } => {
            let Mail { to, cc, subject, body, in_reply_to, thread, message_id: _, unsubscribe } = mail;
            to.clear();
            cc.clear();
            GONE.clone_into(subject);
            GONE.clone_into(body);
            *in_reply_to = None;
            *thread = None;
            *unsubscribe = None;
        }
    }
}

/// Texts that name the person, anywhere in a value, masked. Says whether there were any.
pub(super) fn mask(value: &mut Value, reach: &Reach) -> bool {
    match value {
        Value::String(text) if reach.named_in(text) => {
            GONE.clone_into(text);
            true
        }
        Value::Array(items) => items.iter_mut().fold(false, |any, v| mask(v, reach) | any),
        Value::Object(object) => object.values_mut().fold(false, |any, v| mask(v, reach) | any),
        _ => false,
    }
}
