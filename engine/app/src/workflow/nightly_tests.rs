//! Several nights in a row, by a clock that is moved: each finding is proposed once, and history is what deals are judged by.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use reframe_store::{SqliteLog, SqliteOptions};
use reframe_workflow::{
    audit::Actor,
    gate::{Action, Approver, Click, Proposal, Seen},
    outbox::{Inbox as _, Listed, Standing, Which},
    system::{Listing, PastValue, Record, RecordKind, RecordRef},
};

use super::*;
use crate::workflow::{Executor, WorkflowSettings};

/// 2026-03-02 02:30 UTC, a Monday. One clock for all tests of this file: each sets it forward only.
const FIRST_NIGHT: i64 = 1_772_418_600_000;
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// A clock of its own for each test, for they run side by side.
macro_rules! clock {
    ($name:ident) => {{
        static $name: AtomicI64 = AtomicI64::new(FIRST_NIGHT);
        (&$name, || $name.load(Ordering::Relaxed))
    }};
}

fn office(dir: &Path, deals: &str, clock: fn() -> i64) -> Office {
    std::fs::create_dir_all(dir.join("crm")).unwrap();
    std::fs::write(dir.join("crm/deals.csv"), deals).unwrap();
    let store = Arc::new(SqliteLog::open(dir.join("reframe.db"), SqliteOptions::default()).unwrap());
    Office::open(&WorkflowSettings::default(), dir, store, clock).unwrap()
}

fn all(office: &Office) -> Vec<Listed> {
    office.store.proposals(&Which::default(), 1_000).unwrap()
}

fn night(office: &Office) -> Night {
    office.night(&mut |_, _| {}).unwrap()
}

/// Silent for months, and without an amount: the deal gives a finding of several kinds every night.
const DEALS: &str = "id,updated,name,stage,stage_since,close_date,owner\n\
    7,2025-10-01T08:00:00Z,Globex,discovery,2025-10-01T08:00:00Z,2026-01-31,ada@us.example\n";

#[test]
fn a_finding_is_proposed_once_however_its_day_moves_from_night_to_night() {
    let (at, clock) = clock!(NIGHTS);
    let dir = tempfile::tempdir().unwrap();
    let office = office(dir.path(), DEALS, clock);
    let first = night(&office);
    assert!(first.new >= 2, "{:?}", first.findings);
    let proposed = all(&office);
    let due = |listed: &[Listed]| -> Vec<_> {
        let day = |l: &Listed| match &l.proposal.action {
            Action::CreateTask { due, .. } => *due,
            _ => None,
        };
        listed.iter().filter_map(day).collect()
    };
    assert!(!due(&proposed).is_empty());
    for n in 1..8 {
        at.store(FIRST_NIGHT + n * DAY_MS, Ordering::Relaxed);
        let night = night(&office);
        let moved =
            night.findings.iter().any(|f| match f.proposal(proposed[0].proposal.from.clone(), "n", 0, 0, 0).action {
                Action::CreateTask { due: Some(day), .. } => !due(&proposed).contains(&day),
                _ => false,
            });
        assert!(moved, "night {n}: the days are others, or this test shows nothing");
        assert_eq!(night.new, 0, "night {n}");
    }
    assert_eq!(all(&office).len(), proposed.len());

    // A no holds for a quarter of a year; then the same finding is asked about once more, as another proposal.
    let refused = proposed.iter().find(|l| matches!(l.proposal.action, Action::CreateTask { .. })).unwrap();
    let now = (office.clock)();
    let click = Click { by: Approver::person("Ada").unwrap(), shown: refused.proposal.digest(), at_unix_ms: now };
    office.store.reject(&refused.proposal.id, &click, "not ours").unwrap();
    for (days, new) in [(8, 0), (90, 0), (99, 1), (100, 0)] {
        at.store(FIRST_NIGHT + days * DAY_MS, Ordering::Relaxed);
        assert_eq!(night(&office).new, new, "{days} days on");
    }
    let again = all(&office);
    let same = again.iter().filter(|l| l.proposal.finding == refused.proposal.finding).collect::<Vec<_>>();
    assert_eq!(same.len(), 2);
    assert_ne!(same[0].proposal.id, same[1].proposal.id);
    assert_ne!(same[0].proposal.marker(), same[1].proposal.marker(), "or the first write would count for the second");
    assert!(matches!(same[0].standing, Standing::Rejected { .. }) && matches!(same[1].standing, Standing::Open));
}

/// Two runs over the same night, as by hand beside the server, propose the same thing once.
#[test]
fn two_runs_in_one_night_propose_once() {
    let (_, clock) = clock!(TWICE);
    let dir = tempfile::tempdir().unwrap();
    let one = office(dir.path(), DEALS, clock);
    let two = office(dir.path(), DEALS, clock);
    let found = night(&one);
    let from = all(&one)[0].proposal.from.clone();
    // What the other run has looked up before the first one wrote.
    let late: Vec<Proposal> =
        found.findings.iter().map(|f| f.proposal(from.clone(), "night by hand", 0, FIRST_NIGHT, FIRST_NIGHT)).collect();
    two.store.put_proposals(&late, &Actor::service("hygiene"), FIRST_NIGHT).unwrap();
    assert_eq!(all(&one).len(), found.new);
}

/// A close date that was moved three times by writes of ours is a finding, for the folder's history tells them.
#[test]
fn a_close_date_moved_again_and_again_is_found_by_the_systems_history() {
    let (at, clock) = clock!(MOVES);
    let dir = tempfile::tempdir().unwrap();
    let deals = DEALS.replace("2026-01-31", "2026-09-30");
    let office = office(dir.path(), &deals, clock);
    let pushed = |night: &Night| night.findings.iter().any(|f| f.rule == "close-date/pushed");
    assert!(!pushed(&night(&office)));
    let deal = office.systems.crm.list(RecordKind::Deal, &Listing::default()).unwrap().remove(0);
    let mut before = "2026-09-30".to_owned();
    for n in 1..=4 {
        let now = FIRST_NIGHT + n * DAY_MS;
        at.store(now, Ordering::Relaxed);
        let after = format!("2026-{:02}-30", 9 + n.min(3));
        let after = if n == 4 { "2027-01-30".to_owned() } else { after };
        let action = Action::UpdateField {
            record: deal.at.clone(),
            field: "close_date".to_owned(),
            before: Some(std::mem::replace(&mut before, after.clone())),
            after: Some(after),
        };
        let deal = office.systems.crm.read(&deal.at).unwrap().unwrap();
        let seen = Some(Seen { version: deal.version.clone(), at_unix_ms: now });
        let from = all(&office)[0].proposal.from.clone();
        let because = all(&office)[0].proposal.because.clone();
        let move_it = Proposal::new("local", action, seen, because, from, format!("by hand {n}"), now);
        office.store.put_proposals(std::slice::from_ref(&move_it), &Actor::service("test"), now).unwrap();
        let click = Click { by: Approver::person("Ada").unwrap(), shown: move_it.digest(), at_unix_ms: now };
        office.store.approve_batch(&[(move_it.id.clone(), click)]).unwrap().remove(0).unwrap();
        Executor::new(&office).carry_out(&office, &|| false).unwrap();
        let standing = office.store.proposal(&move_it.id).unwrap().unwrap().standing;
        assert!(matches!(standing, Standing::Done { .. }), "{standing:?}");
    }
    // The folder notes the machine's own times, which this clock has to catch up with.
    let deal = office.systems.crm.read(&deal.at).unwrap().unwrap();
    assert_eq!(close_dates(&deal).len(), 4, "{:?}", deal.history);
    at.store(jiff::Timestamp::now().as_millisecond() + DAY_MS, Ordering::Relaxed);
    assert!(pushed(&night(&office)));
}

#[test]
fn stages_are_the_systems_own_history_and_else_the_day_in_the_record() {
    let past = |value: &str, day: i64| PastValue {
        value: (!value.is_empty()).then(|| value.to_owned()),
        at_unix_ms: day * DAY_MS,
    };
    let deal = |history: &[(&str, Vec<PastValue>)]| Record {
        at: RecordRef { system: "local".into(), kind: RecordKind::Deal, id: "7".into() },
        version: "1".into(),
        updated_unix_ms: 9 * DAY_MS,
        fields: BTreeMap::from([("stage".to_owned(), "proposal".to_owned())]),
        linked: vec![],
        history: history.iter().map(|(field, past)| ((*field).to_owned(), past.clone())).collect(),
    };
    let of = |deal: &Record| stages(deal).into_iter().map(|s| (s.stage, s.at_unix_ms / DAY_MS)).collect::<Vec<_>>();
    assert_eq!(of(&deal(&[])), [("proposal".to_owned(), 9)]);
    let told = vec![past("discovery", 1), past("discovery", 2), past("", 3), past("proposal", 4)];
    assert_eq!(of(&deal(&[("stage", told)])), [("discovery".to_owned(), 1), ("proposal".to_owned(), 4)]);
    let dates = vec![past("2026-05-01", 1), past("soon", 2), past("2026-05-01T00:00:00Z", 3), past("2026-06-01", 4)];
    let moves = close_dates(&deal(&[("close_date", dates)]));
    assert_eq!(moves.len(), 1);
    assert_eq!((moves[0].from.to_string(), moves[0].to.to_string()), ("2026-05-01".into(), "2026-06-01".into()));
}

#[test]
fn a_long_night_comes_in_parts_and_a_deal_is_never_torn() {
    let (_, clock) = clock!(PARTS);
    let dir = tempfile::tempdir().unwrap();
    let (head, row) = DEALS.split_once('\n').unwrap();
    let rows: String =
        (0..80).map(|n| row.replacen('7', &format!("{n}"), 1).replace("Globex", &format!("Deal {n}"))).collect();
    let office = office(dir.path(), &format!("{head}\n{rows}"), clock);
    let night = night(&office);
    let mut parts: BTreeMap<String, usize> = BTreeMap::new();
    let mut part_of: BTreeMap<RecordRef, String> = BTreeMap::new();
    for listed in all(&office) {
        *parts.entry(listed.proposal.batch.clone()).or_default() += 1;
        if let Some(deal) = listed.proposal.action.target().filter(|at| at.kind == RecordKind::Deal) {
            let part = part_of.entry(deal.clone()).or_insert_with(|| listed.proposal.batch.clone());
            assert_eq!(*part, listed.proposal.batch, "{deal:?}");
        }
    }
    assert_eq!(parts.values().sum::<usize>(), night.new);
    assert!(parts.len() >= 2 && parts.values().all(|n| *n < 100 + night.new / 80 + 1), "{parts:?}");
    assert!(parts.contains_key(&night.batch), "{parts:?}");
    assert_eq!(office.night(&mut |_, _| {}).unwrap().new, 0, "the same night again adds nothing");
}
