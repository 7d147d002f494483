//! Exactly what leaves for the vendors, write by write: `fixtures/http/requests.json`. `UPDATE_GOLDEN=1` rewrites it.
#![allow(clippy::unwrap_used)]

use crate::support::{approved, at, gmail, hubspot, mail, note, standin, task, update};
use base64::Engine as _;
use reframe_connect::standin::Options;
use reframe_workflow::{
    gate::Action,
    system::{RecordKind, SystemOfRecord},
};
use serde_json::{Value, json};

#[test]
fn what_leaves_is_what_was_written_down() {
    let standin = standin(&Options::default());
    let deal = [("dealname", "Globex"), ("pipeline", "default"), ("dealstage", "appointmentscheduled")];
    let deal = at("hubspot", RecordKind::Deal, &standin.put("deals", &deal, &[]));
    let (crm, mailbox) = (hubspot(&standin, false), gmail(&standin));
    let stage = update(&deal, "stage", Some("Appointment Scheduled"), Some("Contract Sent"));
    let day = update(&deal, "close_date", None, Some("2026-07-31"));
    let mut draft = None;
    let mut written = Vec::new();
    for (system, action) in [
        (&crm as &dyn SystemOfRecord, note(&deal, "Price & terms:\n- 1 < 2")),
        (&crm, task(&deal, Some("sam@seller.example.com"))),
        (&crm, stage),
        (&crm, day),
        (&mailbox, Action::CreateDraft { mail: mail(1) }),
        (&mailbox, Action::SendMail { mail: mail(1), draft: None }),
        (&mailbox, Action::SendMail { mail: mail(2), draft: None }),
    ] {
        // The second is sent from the draft made before.
        let action = match action {
            Action::SendMail { mail, .. } if draft.is_some() => Action::SendMail { mail, draft: draft.take() },
            other => other,
        };
        let name = action.name();
        let write = approved(system.name(), action);
        let receipt = system.write(&write).unwrap();
        draft = Some(receipt.record).filter(|r| r.kind == RecordKind::MailDraft);
        let sent = standin.journal().into_iter().rfind(|e| e.change.is_some()).unwrap();
        let mut body = sent.body.unwrap();
        for place in ["/raw", "/message/raw"] {
            if let Some(raw) = body.pointer_mut(place) {
                let bytes = base64::engine::general_purpose::URL_SAFE.decode(raw.as_str().unwrap()).unwrap();
                *raw = String::from_utf8(bytes).unwrap().lines().map(Value::from).collect();
            }
        }
        // The mark is a digest of the whole proposal: it may be another one day, and must be there.
        let body = body.to_string().replace(write.marker().as_str(), "rf-MARK");
        let body: Value = serde_json::from_str(&body).unwrap();
        written.push(json!({ "action": name, "method": sent.method, "path": sent.path, "body": body }));
    }
    let text = serde_json::to_string_pretty(&written).unwrap() + "\n";
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/http/requests.json");
    if std::env::var("UPDATE_GOLDEN").is_ok_and(|v| v == "1") {
        std::fs::write(file, &text).unwrap();
    }
    assert_eq!(
        text,
        std::fs::read_to_string(file).unwrap_or_default(),
        "UPDATE_GOLDEN=1 rewrites it; look at the change"
    );
}
