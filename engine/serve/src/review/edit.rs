//! What an edit may change: the words, the day, the owner; never what it is about, for that is what the evidence is of.

use reframe_workflow::gate::{Action, Mail};

/// Whether `after` is the same piece of work as `before` in other words; if not, which part may not change.
pub(super) fn same_work(before: &Action, after: &Action) -> Result<(), &'static str> {
    let same = |same: bool, part| if same { Ok(()) } else { Err(part) };
    match (before, after) {
        (
            Action::CreateNote { about, at_unix_ms, .. },
            Action::CreateNote { about: other, at_unix_ms: other_at, .. },
        ) => same(about == other, "the record").and(same(at_unix_ms == other_at, "the time")),
        (Action::CreateTask { about, .. }, Action::CreateTask { about: other, .. }) => {
            same(about == other, "the record")
        }
        (
            Action::UpdateField { record, field, before, .. },
            Action::UpdateField { record: other, field: other_field, before: other_before, .. },
        ) => same(record == other, "the record")
            .and(same(field == other_field, "the field"))
            .and(same(before == other_before, "what it reads now")),
        (Action::CreateDraft { mail }, Action::CreateDraft { mail: other }) => same_thread(mail, other),
        (Action::SendMail { mail, draft }, Action::SendMail { mail: other, draft: other_draft }) => {
            same_thread(mail, other).and(same(draft == other_draft, "the draft"))
        }
        _ => Err("what is to be done"),
    }
}

fn same_thread(mail: &Mail, other: &Mail) -> Result<(), &'static str> {
    let id = |m: &Mail| (m.message_id.clone(), m.in_reply_to.clone(), m.thread.clone(), m.unsubscribe.clone());
    if id(mail) == id(other) { Ok(()) } else { Err("the message it answers") }
}

#[cfg(test)]
mod tests {
    use reframe_call::date::Date;
    use reframe_workflow::system::{RecordKind, RecordRef};

    use super::*;

    fn deal(id: &str) -> RecordRef {
        RecordRef { system: "local".into(), kind: RecordKind::Deal, id: id.into() }
    }

    fn field(id: &str, field: &str, before: &str, after: &str) -> Action {
        let (before, after) = (Some(before.into()), Some(after.into()));
        Action::UpdateField { record: deal(id), field: field.into(), before, after }
    }

    fn task(id: &str, subject: &str, due: Option<Date>) -> Action {
        Action::CreateTask { about: deal(id), subject: subject.into(), body: String::new(), due, owner: None }
    }

    fn mail(id: &str, to: &str) -> Mail {
        Mail {
            message_id: id.into(),
            to: vec![to.into()],
            cc: vec![],
            subject: "s".into(),
            body: "b".into(),
            in_reply_to: None,
            thread: None,
            unsubscribe: None,
        }
    }

    #[test]
    fn words_may_change_and_the_record_may_not() {
        let note = |id, at_unix_ms, body: &str| Action::CreateNote { about: deal(id), body: body.into(), at_unix_ms };
        let draft = |id, to| Action::CreateDraft { mail: mail(id, to) };
        let send = |draft| Action::SendMail { mail: mail("<1@a>", "x@y.example"), draft };
        for (before, after, wrong) in [
            (note("1", 5, "a"), note("1", 5, "b"), None),
            (note("1", 5, "a"), note("2", 5, "a"), Some("the record")),
            (note("1", 5, "a"), note("1", 6, "a"), Some("the time")),
            (task("1", "a", None), task("1", "b", Date::new(2026, 12, 4)), None),
            (task("1", "a", None), task("2", "a", None), Some("the record")),
            (field("1", "stage", "a", "b"), field("1", "stage", "a", "c"), None),
            (field("1", "stage", "a", "b"), field("2", "stage", "a", "b"), Some("the record")),
            (field("1", "stage", "a", "b"), field("1", "amount", "a", "b"), Some("the field")),
            (field("1", "stage", "a", "b"), field("1", "stage", "x", "b"), Some("what it reads now")),
            (draft("<1@a>", "x@y.example"), draft("<1@a>", "z@y.example"), None),
            (draft("<1@a>", "x@y.example"), draft("<2@a>", "x@y.example"), Some("the message it answers")),
            (send(None), send(Some(deal("1"))), Some("the draft")),
            (draft("<1@a>", "x@y.example"), send(None), Some("what is to be done")),
            (note("1", 5, "a"), task("1", "a", None), Some("what is to be done")),
        ] {
            assert_eq!(same_work(&before, &after).err(), wrong, "{before:?} → {after:?}");
        }
    }
}
