//! The account's state machine: the log decides everything, each step has its state, each walk its place.
#![allow(clippy::unwrap_used)]

use crate::support::*;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use reframe_funnel::{
    account::{AccountState, text},
    fact::{Approval, End, Fact, Happened, read_log, write_log},
    gather::{by_account, log},
    stage::{Point, Stage},
};
use reframe_workflow::{artifact::Kind, audit::What, outbox::Standing, system::RecordKind};
use serde_json::json;

fn two_accounts() -> World {
    let mut world = World::default();
    let start = at("2026-03-02T08:00:00Z");
    let first = walk(&mut world, "7", start, &[]);
    walk(&mut world, "8", start + HOUR, &[]);
    walk(&mut world, "7", start + 10 * DAY, &[&first.fields]);
    world
}

#[test]
fn the_same_log_gives_the_same_bytes() {
    let world = two_accounts();
    let facts = log(world.sources());
    let accounts = [account("7"), account("8")];
    let once = by_account(&accounts, &facts);
    assert_eq!(once.unassigned, []);
    let again = by_account(&accounts, &read_log(&write_log(&facts)).unwrap());
    for (a, b) in once.accounts.iter().zip(&again.accounts) {
        assert_eq!(a.bytes(), b.bytes());
        let read: AccountState = serde_json::from_slice(&a.bytes()).unwrap();
        assert_eq!(read, *a, "the bytes hold all of it");
    }
    assert_ne!(once.accounts[0].bytes(), once.accounts[1].bytes());
    let fewer = by_account(&accounts, &facts[..facts.len() - 1]);
    assert!(fewer.accounts.iter().zip(&once.accounts).any(|(a, b)| a.bytes() != b.bytes()), "the last fact counts");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// Order of arrival and facts told twice leave no trace.
    #[test]
    fn neither_order_nor_repetition_shows(keys in prop::collection::vec(any::<u32>(), 200), twice in 0..60_usize) {
        let world = two_accounts();
        let facts = log(world.sources());
        let straight: Vec<&Fact> = facts.iter().collect();
        let mut mixed: Vec<(u32, &Fact)> = facts.iter().enumerate().map(|(i, f)| (keys[i % keys.len()], f)).collect();
        mixed.extend(facts.iter().take(twice).map(|f| (keys[0], f)));
        mixed.sort_by_key(|(key, _)| *key);
        let mixed: Vec<&Fact> = mixed.into_iter().map(|(_, f)| f).collect();
        prop_assert_eq!(AccountState::replay(account("7"), &straight).bytes(), AccountState::replay(account("7"), &mixed).bytes());
    }
}

#[test]
fn all_six_stages_have_their_times() {
    let world = two_accounts();
    let state = world.state("7");
    let start = at("2026-03-02T08:00:00Z");
    let walk = &state.walks[0];
    let times: Vec<_> =
        walk.stages.iter().map(|s| (s.begun_unix_ms().unwrap() - start, s.done_unix_ms().unwrap() - start)).collect();
    let call = 2 * DAY + HOUR;
    let done = HOUR + 22_000;
    assert_eq!(
        times,
        [
            (0, 0),
            (HOUR, HOUR + done),
            (DAY, 2 * DAY),
            (call, call + HOUR),
            (call + HOUR + 5_000, call + HOUR + done),
            (3 * DAY, 3 * DAY + done),
        ]
    );
    let approvals: Vec<_> = walk.stages.iter().map(|s| s.approval()).collect();
    let done = Some(Approval::Done);
    assert_eq!(approvals, [None, done, None, None, done, done]);
    // The next signal ends the walk it comes from and begins another.
    assert_eq!(state.walks.len(), 2);
    assert_eq!(walk.ended.map(|e| (e.at_unix_ms - start, e.end)), Some((10 * DAY, End::Completed)));
    assert_eq!(state.walks[1].ended, None);
    assert_eq!(walk.times(Point::done(Stage::LiveCall)), [start + call + HOUR]);
}

#[test]
fn each_step_leaves_its_state() {
    use What::{Approved, Done, Edited, Failed, Found, NotDone, Rejected, Shown, Unknown, Void, WriteAttempted};
    for (steps, state) in [
        (&[][..], Approval::Proposed),
        (&[Shown], Approval::Proposed),
        (&[Approved], Approval::Approved),
        (&[Approved, WriteAttempted, NotDone], Approval::Approved),
        (&[Approved, WriteAttempted, Unknown], Approval::Approved),
        (&[Approved, WriteAttempted, Unknown, Found], Approval::Done),
        (&[Approved, WriteAttempted, Done], Approval::Done),
        (&[Approved, WriteAttempted, Failed], Approval::Failed),
        (&[Approved, Void], Approval::Void),
        (&[Approved, Void, Approved, Done], Approval::Done),
        (&[Approved, Edited], Approval::Proposed),
        (&[Rejected], Approval::Rejected),
    ] {
        let mut world = World::default();
        let from = world.make(Kind::NoteProposal, &[], json!({ "call": "c" }), 1_000);
        world.call("c", Some("7"), 0);
        let n = world.propose(note("7", 5), &from, "c", 2_000);
        for (i, what) in steps.iter().enumerate() {
            world.step(n, *what, 3_000 + i as i64);
        }
        let account = world.state("7");
        let stage = account.walks[0].stage(Stage::PostCall);
        assert_eq!(stage.approval(), Some(state), "{steps:?}");
        assert_eq!(stage.counts.total(), 1, "{steps:?}");
        assert_eq!(stage.done.len(), usize::from(state == Approval::Done), "{steps:?}");
        // The log was cut off at its beginning: the store's word stands in.
        if state == Approval::Rejected {
            world.audit.clear();
            let by = reframe_consent::Person::new("ada").unwrap();
            world.proposals[n].standing = Standing::Rejected { by, reason: "no".into() };
            assert_eq!(world.state("7").walks[0].stage(Stage::PostCall).approval(), Some(Approval::Rejected));
        }
    }
}

#[test]
fn the_later_step_counts_whatever_the_clock_says() {
    let mut world = World::default();
    world.call("c", Some("7"), 0);
    let from = world.make(Kind::NoteProposal, &[], json!({ "call": "c" }), 1_000);
    let n = world.propose(note("7", 5), &from, "c", 2_000);
    world.step(n, What::Approved, 9_000);
    // The clock was set back between the two.
    world.step(n, What::Done, 5_000);
    let state = world.state("7");
    let ask = state.asks.values().next().unwrap();
    assert_eq!((ask.state, ask.done_unix_ms), (Approval::Done, Some(5_000)));
}

#[test]
fn a_walk_ends_with_its_deal_and_daily_cards_join_it() {
    let mut world = World::default();
    let start = at("2026-03-02T08:00:00Z");
    for day in 0..5 {
        let body = json!({ "account": record(RecordKind::Company, "7"), "day": day });
        world.make(Kind::SignalCard, &[], body, start + day * DAY);
    }
    assert_eq!(world.state("7").walks.len(), 1, "a card a day is one walk");
    let closed = Happened::Closed { record: record(RecordKind::Deal, "7"), end: End::Lost };
    world.more.push(Fact { at_unix_ms: start + 6 * DAY, what: closed });
    assert_eq!(world.state("7").walks[0].ended.unwrap().end, End::Lost);
    let body = json!({ "account": record(RecordKind::Company, "7"), "day": 9 });
    world.make(Kind::SignalCard, &[], body, start + 9 * DAY);
    let state = world.state("7");
    assert_eq!(state.walks.iter().map(|w| w.stage(Stage::Signal).artifacts.len()).collect::<Vec<_>>(), [5, 1]);
}

#[test]
fn a_nights_review_comes_to_each_account_it_proposes_to() {
    let mut world = World::default();
    let start = at("2026-03-02T02:00:00Z");
    let night = world.make(Kind::FieldProposal, &[], json!(["night", "digest", []]), start);
    for deal in ["7", "8"] {
        world.propose(field(deal, "next_step", "call"), &night, "nobody", start);
    }
    let body = json!({ "account": record(RecordKind::Company, "8"), "day": 1 });
    world.make(Kind::SignalCard, &[&night], body, start + DAY);
    let gathered = by_account(&[account("7"), account("8"), account("9")], &log(world.sources()));
    let has = |n: usize| gathered.accounts[n].nodes.contains_key(&night);
    assert!(has(0) && has(1) && !has(2));
    let lines: Vec<usize> = gathered.accounts.iter().map(|a| a.asks.len()).collect();
    assert_eq!(lines, [1, 1, 0]);
    assert_eq!(gathered.accounts[0].nodes.len(), 1, "the signal of another account stays there");
}

#[test]
fn what_belongs_to_nobody_is_told() {
    let mut world = World::default();
    world.call("stray", None, 5);
    let draft = world.make(Kind::Draft, &[], json!({ "to": "x" }), 6);
    world.propose(mail("x"), &draft, "stray", 7);
    let gathered = by_account(&[account("7")], &log(world.sources()));
    assert!(gathered.accounts[0].walks.is_empty());
    assert_eq!(gathered.unassigned.len(), 4, "call, draft, proposal and its step: {:?}", gathered.unassigned);
}

#[test]
fn the_table_for_the_terminal_is_the_golden_one() {
    let mut world = World::default();
    let walked = walk(&mut world, "7", at("2026-03-02T08:00:00Z"), &[]);
    let text = text(&world.state("7"), &TimeZone::get("Europe/Berlin").unwrap());
    let named = [
        (&walked.signal, "SIGNAL"),
        (&walked.draft, "DRAFT"),
        (&walked.meeting, "MEETING"),
        (&walked.brief, "BRIEF"),
        (&walked.call, "CALL"),
        (&walked.note, "NOTE"),
        (&walked.fields, "FIELDS"),
    ];
    let text = named.iter().fold(text, |text, (id, name)| text.replace(id.as_str(), name));
    assert_eq!(text, include_str!("golden/account.txt"));
}
