//! The rep-review gate: every write of every stage takes a person's yes to exactly the bytes that land.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use reframe_workflow::{
    artifact::Digest,
    gate::{Action, Approver, Click, Mail, Proposal, ProposalId},
    outbox::{Inbox as _, Standing, VoidWhy},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    landed::{changes, is_exactly, things},
    team::{REP, Team, approve, click},
};
use crate::{feed::http, support::wait_until};

const HOUR_MS: i64 = 3_600_000;

/// What all stages would write, waiting.
fn everything() -> Team {
    let team = Team::walked();
    let waiting = team.waiting();
    let kinds: BTreeSet<&str> = waiting.iter().map(|p| p.action.name()).collect();
    assert_eq!(kinds, ["create_draft", "create_note", "create_task", "send_mail", "update_field"].into());
    // Signals and calls write nothing themselves; the other four stages are all there.
    let stages: BTreeSet<&str> = waiting.iter().map(|p| p.from.kind()).collect();
    assert!(stages.is_superset(&["brief", "draft", "field_proposal", "note_proposal"].into()), "{stages:?}");
    team
}

/// No click, a click on other bytes, in the program's name, without the page's key: nothing lands. A click on the very
/// bytes: that lands, and nothing beside it; a second click changes nothing any more.
#[test]
fn of_every_kind_only_the_approved_bytes_land() {
    let team = everything();
    let crm = team.path().join("data/crm");
    let (waiting, before) = (team.waiting(), things(&crm));
    let server = team.serve();
    let nothing_yet = || waiting.iter().all(|p| team.standing(&p.id) == Standing::Open) && things(&crm) == before;
    for proposal in &waiting {
        let own = proposal.digest();
        for other in [Digest::of(b"other"), Digest::of(&proposal.edited(proposal.action.clone()).bytes())] {
            let (status, answer) = click(&server, &server.key, REP, &proposal.id, &other);
            assert_eq!((status, &answer["results"][0]["result"]), (200, &json!("changed")), "{answer}");
        }
        for nobody in ["reframe", "reframe-writer", "service", "bot@try-us.example", ""] {
            assert_eq!(click(&server, &server.key, nobody, &proposal.id, &own).0, 422, "{nobody}");
        }
        for key in ["", server.token.as_str(), "x"] {
            assert_eq!(click(&server, key, REP, &proposal.id, &own).0, 401);
        }
    }
    // The server has made several rounds by now.
    assert!(nothing_yet(), "{:?}", changes(&before, &things(&crm)));

    let mut was = before;
    for id in waiting.iter().map(|p| &p.id) {
        // What the screen shows is what is hashed.
        let (_, item) = http(&server, "GET", &format!("/v1/review/item?id={id}"), &server.key, "");
        let item: Value = serde_json::from_str(&item).unwrap();
        let bytes = item["bytes"].as_str().unwrap();
        let hash: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(item["digest"], json!(hash));
        let shown: Proposal = serde_json::from_value(item["proposal"].clone()).unwrap();
        let standing = approve(&team, &server, id);
        assert!(matches!(standing, Standing::Done { .. }), "{standing}: {shown:?}");
        let now = things(&crm);
        is_exactly(&shown, &changes(&was, &now));
        let again = click(&server, &server.key, "Grace Hopper", id, &shown.digest());
        assert_ne!(again.1["results"][0]["result"], json!("approved"), "{}", again.1);
        assert_eq!(things(&crm), now);
        was = now;
    }
    assert!(team.waiting().is_empty());
    // Each write stands in the log with who said yes to it.
    let vitals = team.json(&["doctor"])["vitals"]["observability"].clone();
    assert_eq!((&vitals["unapproved"], &vitals["own_identity"]), (&json!(0), &json!(true)), "{vitals}");
    assert!(vitals["writes"].as_u64().unwrap() >= waiting.len() as u64, "{vitals}");
}

/// What becomes of an approval before its turn comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Meanwhile {
    /// The stored bytes are changed behind the gate's back.
    Tampered,
    /// Somebody edits it.
    Edited,
    /// A day goes by.
    Expired,
    /// The field reads otherwise by now.
    TargetChanged,
    /// Nothing.
    Nothing,
}

/// Approved, and then something else than what was approved: of every kind none lands, and a person looks again.
#[test]
fn an_approval_is_void_once_anything_is_not_as_it_was_shown() {
    let team = everything();
    team.says(&["outreach", "draft", "9"]);
    let crm = team.path().join("data/crm");
    let before = things(&crm);
    let fates = [Meanwhile::Tampered, Meanwhile::Edited, Meanwhile::Expired, Meanwhile::TargetChanged];
    let mut nth: BTreeMap<&str, usize> = BTreeMap::new();
    let mut plan: Vec<(ProposalId, Meanwhile)> = Vec::new();
    let waiting = team.waiting();
    for proposal in &waiting {
        let n = nth.entry(proposal.action.name()).or_default();
        let fate = fates.get(*n).copied().unwrap_or(Meanwhile::Nothing);
        let overwrites = matches!(proposal.action, Action::UpdateField { .. });
        plan.push((
            proposal.id.clone(),
            if fate == Meanwhile::TargetChanged && !overwrites { Meanwhile::Nothing } else { fate },
        ));
        *n += 1;
    }
    for kind in nth.keys() {
        for fate in [Meanwhile::Tampered, Meanwhile::Edited] {
            let of = |(p, (_, f)): (&Proposal, &(ProposalId, Meanwhile))| p.action.name() == *kind && *f == fate;
            assert!(waiting.iter().zip(&plan).any(of), "no {kind} is {fate:?}");
        }
    }
    let (store, by) = (team.store(), Approver::person(REP).unwrap());
    let mut by_hand = BTreeMap::new();
    for (proposal, (id, fate)) in waiting.iter().zip(&plan) {
        let ago = if *fate == Meanwhile::Expired { 25 * HOUR_MS } else { 0 };
        let at_unix_ms = Timestamp::now().as_millisecond() - ago;
        let click = |shown: Digest| Click { by: by.clone(), shown, at_unix_ms };
        store.approve(id, &click(proposal.digest())).unwrap();
        match fate {
            Meanwhile::Tampered => {
                let changed = Proposal { action: other_words(&proposal.action), ..proposal.clone() };
                let db = rusqlite::Connection::open(team.path().join("data/reframe.db")).unwrap();
                let put = "UPDATE revisions SET body = ?2 WHERE proposal = (SELECT no FROM proposals WHERE id = ?1)";
                let body = serde_json::to_string(&changed).unwrap();
                assert_eq!(db.execute(put, [id.to_string(), body]).unwrap(), 1);
            }
            Meanwhile::Edited => {
                store.revise(id, &click(proposal.digest()), other_words(&proposal.action)).unwrap();
            }
            Meanwhile::TargetChanged => {
                let Action::UpdateField { record, field, .. } = &proposal.action else { panic!("{proposal:?}") };
                by_hand.insert(format!("deals.csv/{}/{field}", record.id), "by hand".to_owned());
            }
            Meanwhile::Expired | Meanwhile::Nothing => {}
        }
    }
    assert!(!by_hand.is_empty());
    write_cells(&team, &by_hand);
    let mut untouched = before.clone();
    untouched.extend(by_hand);

    let server = team.serve();
    let on_its_way = |(id, _): &(ProposalId, Meanwhile)| matches!(team.standing(id), Standing::Approved { .. });
    wait_until("all are over", || !plan.iter().any(on_its_way));
    drop(server);
    let mut landed = BTreeMap::new();
    for (proposal, (id, fate)) in waiting.iter().zip(&plan) {
        let now = team.standing(id);
        let as_meant = match fate {
            Meanwhile::Tampered => matches!(now, Standing::Void { why: VoidWhy::Tampered }),
            Meanwhile::Edited => now.may_be_approved(),
            Meanwhile::Expired => matches!(now, Standing::Void { why: VoidWhy::Expired }),
            Meanwhile::TargetChanged => matches!(now, Standing::Void { why: VoidWhy::TargetChanged { .. } }),
            Meanwhile::Nothing => matches!(now, Standing::Done { .. }),
        };
        assert!(as_meant, "{fate:?}: {now}: {proposal:?}");
        if *fate == Meanwhile::Nothing {
            landed.insert(proposal.marker().as_str().to_owned(), proposal.action.name());
        }
    }
    assert!(landed.len() >= 4, "{landed:?}");
    // Only what was left alone has changed anything.
    for name in changes(&untouched, &things(&crm)).keys() {
        let is_of = |(mark, _): (&String, &&str)| name.contains(mark.as_str());
        let a_field = name.starts_with("deals.csv/") && landed.values().any(|kind| *kind == "update_field");
        assert!(landed.iter().any(is_of) || a_field, "{name} changed");
    }
}

/// Writes cells of `deals.csv` by hand. None of them holds a comma, and neither do the others.
fn write_cells(team: &Team, cells: &BTreeMap<String, String>) {
    let text = std::fs::read_to_string(team.path().join("data/crm/deals.csv")).unwrap();
    let heading: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    let row = |line: &str| {
        let id = line.split(',').next().unwrap();
        let cell = |(column, cell): (&&str, &str)| {
            cells.get(&format!("deals.csv/{id}/{column}")).cloned().unwrap_or_else(|| cell.to_owned())
        };
        heading.iter().zip(line.split(',')).map(cell).collect::<Vec<_>>().join(",") + "\n"
    };
    team.crm("deals.csv", &text.lines().map(row).collect::<String>());
}

/// The same action with something else to say. Every kind there is has to be named here.
fn other_words(action: &Action) -> Action {
    let mut other = action.clone();
    match &mut other {
        Action::CreateNote { body, .. } => body.push_str("\nAnd more."),
        Action::CreateTask { subject, .. } => subject.push_str(", or else"),
        Action::UpdateField { after, .. } => *after = Some("something else".to_owned()),
        Action::CreateDraft { mail } | Action::SendMail { mail, .. } => more(mail),
    }
    other
}

fn more(mail: &mut Mail) {
    mail.body.push_str("\n\nPS: And more.");
}
