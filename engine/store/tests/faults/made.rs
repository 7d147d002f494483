//! Proposals made for the runs.

use reframe_workflow::{
    artifact::{ArtifactId, Claim, Evidence},
    gate::{Action, Mail, Proposal, Seen},
    outbox::Service,
    system::{RecordKind, RecordRef},
};

pub const SYSTEM: &str = "sim";
pub const FIELDS: [&str; 2] = ["stage", "close_date"];

/// An identity that may do all that the runs propose.
pub fn service(name: &str) -> Service {
    Service::new(name, &[(SYSTEM, &["create_note", "create_task", "update_field", "send_mail"])])
}

pub fn deal(id: &str) -> RecordRef {
    RecordRef { system: SYSTEM.into(), kind: RecordKind::Deal, id: id.into() }
}

/// The `nth` kind of action, with a text of its own.
pub fn action(batch: &str, nth: u64, text: &str) -> Action {
    let about = deal(batch);
    match nth % 4 {
        0 => Action::CreateNote { about, body: format!("note {text}"), at_unix_ms: 7 },
        1 => Action::UpdateField {
            record: about,
            field: FIELDS[(nth / 4 % 2) as usize].into(),
            before: None,
            after: Some(text.into()),
        },
        2 => Action::SendMail {
            mail: Mail {
                message_id: format!("<{batch}-{nth}@example.com>"),
                to: vec!["dana@buyer.example.com".into()],
                cc: vec![],
                subject: "our call".into(),
                body: text.into(),
                in_reply_to: None,
                thread: None,
                unsubscribe: None,
            },
            draft: None,
        },
        _ => Action::CreateTask { about, subject: text.into(), body: String::new(), due: None, owner: None },
    }
}

/// A proposal of a batch, made for this version of its target.
pub fn proposal(batch: &str, nth: u64, version: &str, made_unix_ms: i64) -> Proposal {
    propose(batch, action(batch, nth, &format!("{nth}")), version, made_unix_ms)
}

pub fn propose(batch: &str, action: Action, version: &str, made_unix_ms: i64) -> Proposal {
    let evidence = vec![Evidence::Event { call: batch.into(), seq: 1 }];
    Proposal::new(
        SYSTEM,
        action,
        Some(Seen { version: version.into(), at_unix_ms: made_unix_ms }),
        Claim::new("they said so", evidence, 0.9).unwrap(),
        ArtifactId::of("note_proposal", batch.as_bytes()),
        batch,
        made_unix_ms,
    )
}
