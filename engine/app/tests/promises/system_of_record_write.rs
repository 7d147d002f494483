//! The system-of-record write: what was approved stands in the tools the team already uses, once, whatever went wrong on the
//! way.

use std::collections::BTreeMap;

use reframe_connect::standin::{Fault, KEY, Options, REFRESH_TOKEN, Rule, StandIn};
use reframe_workflow::{
    gate::{Action, Proposal},
    outbox::Standing,
};
use serde_json::{Value, json};

use super::{
    landed::things,
    team::{ACCOUNTS, REP, Team, address, click},
};
use crate::{
    feed::http,
    support::{Served, wait_until},
};

/// In a folder: each approved thing is found there by its mark, without the program; and nothing that the program does
/// afterwards, or again, makes a second one.
#[test]
fn what_was_approved_stands_there_once_whatever_runs_again() {
    let team = Team::walked();
    let crm = team.path().join("data/crm");
    let approved = team.waiting();
    let mut server = team.serve();
    approve_all(&server, &approved);
    let over = |team: &Team| approved.iter().all(|p| matches!(team.standing(&p.id), Standing::Done { .. }));
    wait_until("all are done", || over(&team));
    let there = things(&crm);
    for proposal in &approved {
        let mark = proposal.marker();
        let named = |name: &&String| name.contains(mark.as_str());
        match &proposal.action {
            Action::UpdateField { record, field, after, .. } => {
                let cell = there.get(&format!("deals.csv/{}/{field}", record.id));
                assert_eq!(cell, after.as_ref(), "{proposal:?}");
            }
            Action::CreateTask { .. } => assert!(there.keys().any(|name| named(&name)), "{mark:?}"),
            _ => assert_eq!(there.keys().filter(named).count(), 1, "{mark:?}"),
        }
        // Where it landed is said, so that a person can open it.
        let Standing::Done { receipt } = team.standing(&proposal.id) else { panic!() };
        assert!(receipt.url.is_some_and(|url| url.starts_with("file://")) && receipt.record.system == "local");
    }
    // Everything once more: by hand, after a stop, after a kill.
    team.says(&["run", "post-call", "call-1", "call-2"]);
    team.says(&["run", "prep"]);
    assert_eq!(server.terminate(), Some(0));
    let mut server = team.serve();
    for proposal in &approved {
        let again = click(&server, &server.key, REP, &proposal.id, &proposal.digest());
        assert_ne!(again.1["results"][0]["result"], json!("approved"), "{}", again.1);
    }
    server.kill();
    team.says(&["run", "hygiene"]);
    assert_eq!(things(&crm), there);
    assert!(over(&team));
}

/// One click of yes to all of these.
fn approve_all(server: &Served, proposals: &[Proposal]) {
    let yes: Vec<Value> = proposals.iter().map(|p| json!({"id": p.id, "digest": p.digest()})).collect();
    let body = json!({"by": REP, "items": yes}).to_string();
    let (status, answer) = http(server, "POST", "/v1/review/approve", &server.key, &body);
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!((status, &answer["not_approved"]), (200, &json!(0)), "{answer}");
}

/// Our account at both vendors, on this machine; `base` is its address.
fn vendors(base: &str) -> String {
    format!(
        "crm = \"hubspot\"\nmail = \"gmail\"\n[workflow.hubspot]\nbase_url = \"{base}\"\ntoken_env = \"HUBSPOT_TOKEN\"\n\
         timeout_ms = 1000\n[workflow.hubspot.fields.deal]\nnext_step_date = \"next_step_on\"\n[workflow.gmail]\nbase_url = \"{base}\"\ntoken_url = \"{base}/token\"\nclient_id = \"app\"\n\
         client_secret_env = \"GMAIL_SECRET\"\nrefresh_token_env = \"GMAIL_TOKEN\"\nfrom = \"tom@try-us.example\"\n\
         timeout_ms = 1000\n[workflow.signals]\n"
    )
}

/// At HubSpot and Gmail: the write goes wrong in every way in which it may have taken effect all the same, and is there once.
#[test]
fn at_the_vendors_it_is_there_once_under_lost_answers() {
    let lost = [Fault::DropAfter, Fault::ErrorAfter, Fault::GatewayAfter, Fault::Malformed];
    let standin = StandIn::start(&Options::default()).unwrap();
    let team = Team::with(("[workflow.signals]\n", &vendors(&standin.url())));
    let (company, person) = ACCOUNTS[0];
    let at_company = standin.put("companies", &[("name", company), ("domain", "alder.example")], &[]);
    let (first, last) = person.split_once(' ').unwrap();
    let email = address(1);
    let named = [("firstname", first), ("lastname", last), ("email", email.as_str())];
    let at_contact = standin.put("contacts", &named, &[("companies", at_company.as_str())]);
    let links = [("companies", at_company.as_str()), ("contacts", at_contact.as_str())];
    standin.put(
        "deals",
        &[("dealname", "Deal 1"), ("dealstage", "appointmentscheduled"), ("pipeline", "default")],
        &links,
    );
    let env = [("HUBSPOT_TOKEN", KEY), ("GMAIL_SECRET", "app-secret"), ("GMAIL_TOKEN", REFRESH_TOKEN)];
    let server = Served::start_with(team.path(), team.config(), &env);
    team.talk(&server, 1);
    let waiting = team.waiting();
    let kinds: Vec<&str> = waiting.iter().map(|p| p.action.name()).collect();
    for kind in ["create_note", "update_field", "create_draft"] {
        assert!(kinds.contains(&kind), "{kinds:?}");
    }
    assert_eq!(standin.changes(), [], "nothing before a yes");

    for (proposal, fault) in waiting.iter().zip(lost.into_iter().cycle()) {
        let (method, path) = match proposal.action {
            Action::CreateNote { .. } => ("POST", "/notes"),
            Action::CreateTask { .. } => ("POST", "/tasks"),
            Action::UpdateField { .. } => ("PATCH", "/deals"),
            Action::CreateDraft { .. } => ("POST", "/drafts"),
            Action::SendMail { .. } => ("POST", "/send"),
        };
        standin.fault([Rule::next(method, path, fault)]);
    }
    approve_all(&server, &waiting);
    let over = |p: &Proposal| !matches!(team.standing(&p.id), Standing::Approved { .. });
    wait_until("all are over", || waiting.iter().all(over));
    for proposal in &waiting {
        let standing = team.standing(&proposal.id);
        assert!(matches!(standing, Standing::Done { .. }), "{standing}: {proposal:?}");
    }
    let met = standin.journal().iter().filter(|entry| entry.fault.is_some()).count();
    assert!(met >= waiting.len(), "{met} faults were met");
    let changes = standin.changes();
    let mut made: BTreeMap<&str, usize> = BTreeMap::new();
    for change in changes.iter().filter(|change| change.made) {
        *made.entry(change.kind.as_str()).or_default() += 1;
    }
    let asked = |name: &str| kinds.iter().filter(|kind| **kind == name).count();
    assert_eq!(made.get("notes").copied().unwrap_or_default(), asked("create_note"), "{changes:?}");
    assert_eq!(made.get("tasks").copied().unwrap_or_default(), asked("create_task"), "{changes:?}");
    assert_eq!(made.get("drafts").copied().unwrap_or_default(), asked("create_draft"), "{changes:?}");
    assert!(changes.iter().all(|change| change.kind != "sent"), "a draft is for the rep to send: {changes:?}");
    // What stands there is what was approved.
    for proposal in &waiting {
        if let Action::CreateDraft { mail } = &proposal.action {
            let marks: Vec<&str> = changes.iter().filter_map(|change| change.mark.as_deref()).collect();
            assert_eq!(marks.iter().filter(|mark| **mark == mail.message_id).count(), 1, "{marks:?}");
        }
        if let Action::CreateNote { .. } = &proposal.action {
            let marker = proposal.marker();
            let marked = changes.iter().filter(|change| change.mark.as_deref() == Some(marker.as_str()));
            assert_eq!(marked.count(), 1, "{changes:?}");
        }
    }
}
