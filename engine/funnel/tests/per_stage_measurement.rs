//! Test 4 of the playbook: drop-off between any two stages, worked out by hand and conserved over random histories.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use crate::support::*;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use reframe_funnel::{
    account::AccountState,
    fact::{End, Fact, Happened},
    funnel::{By, Fate, Loss, Question, cases, drop_off, fate, steps},
    gather::{by_account, log},
    stage::{Edge, Point, Stage},
};
use reframe_workflow::{artifact::Kind, system::RecordKind};
use serde_json::json;

fn question(from: &str, to: &str, now: i64) -> Question {
    Question {
        from: from.parse().unwrap(),
        to: to.parse().unwrap(),
        now_unix_ms: now,
        zone: TimeZone::get("Europe/Berlin").unwrap(),
        by: By::Week,
        lapse_ms: None,
    }
}

/// Days to the draft, from there to the call, and to the end.
type Row = (i64, Option<i64>, Option<(i64, End)>);

/// Ten accounts that were written to. Days after the draft: call at, or end at.
///
/// | account | drafted | call after | ended after |
/// |---|---|---|---|
/// | 0 | week 10 | 1 | |
/// | 1 | week 10 | 3 | |
/// | 2 | week 10 | 3 | 20 won |
/// | 3 | week 10 | | 5 stopped |
/// | 4 | week 10 | | 8 lost |
/// | 5 | week 10 | 14 | |
/// | 6 | week 11 | 2 | |
/// | 7 | week 11 | | 4 stopped |
/// | 8 | week 11 | | |
/// | 9 | week 11 | | |
fn ten() -> (Vec<AccountState>, i64) {
    let start = at("2026-03-02T08:00:00Z");
    let rows: [Row; 10] = [
        (0, Some(1), None),
        (0, Some(3), None),
        (0, Some(3), Some((20, End::Won))),
        (0, None, Some((5, End::Stopped))),
        (0, None, Some((8, End::Lost))),
        (0, Some(14), None),
        (7, Some(2), None),
        (7, None, Some((4, End::Stopped))),
        (7, None, None),
        (7, None, None),
    ];
    let mut world = World::default();
    for (n, (day, called, ended)) in rows.into_iter().enumerate() {
        let id = n.to_string();
        let drafted = start + day * DAY;
        let body = json!({ "account": record(RecordKind::Company, &id), "n": n });
        let card = world.make(Kind::SignalCard, &[], body, drafted - HOUR);
        world.make(Kind::Draft, &[&card], json!({ "to": id }), drafted);
        if let Some(days) = called {
            world.call(&format!("call {n}"), Some(&id), drafted + days * DAY);
        }
        if let Some((days, end)) = ended {
            let what = Happened::Closed { record: record(RecordKind::Deal, &id), end };
            world.more.push(Fact { at_unix_ms: drafted + days * DAY, what });
        }
    }
    let accounts: Vec<_> = (0..10).map(|n| account(&n.to_string())).collect();
    (by_account(&accounts, &log(world.sources())).accounts, start + 21 * DAY)
}

#[test]
fn outreach_to_call_is_the_one_worked_out_by_hand() {
    let (accounts, now) = ten();
    let answer = drop_off(&cases(&accounts), &question("outreach", "live_call", now));
    let t = answer.all;
    assert_eq!((t.entered, t.advanced, t.dropped, t.open), (10, 5, 3, 2));
    assert_eq!((answer.decided.k, answer.decided.n), (5, 8));
    // Wilson for 5 of 8 with z = 1.96: 0.3057 to 0.8632.
    assert!((answer.decided.low - 0.3057).abs() < 5e-4 && (answer.decided.high - 0.8632).abs() < 5e-4);
    assert_eq!(answer.dropped_by, BTreeMap::from([(Loss::Lost, 1), (Loss::Stopped, 2)]));
    // All ten are watched for at least two weeks, so nothing is censored before: the curve is a plain share.
    let share = |days| answer.wait.at.iter().find(|a| a.days == days).unwrap().share;
    for (days, of_ten) in [(1, 0.1), (3, 0.4), (7, 0.4), (14, 0.5)] {
        assert!((share(days) - of_ten).abs() < 1e-9, "{days} d: {}", share(days));
    }
    assert_eq!(answer.wait.median_ms, Some(14 * DAY));
    let cohorts: Vec<_> = answer
        .cohorts
        .iter()
        .map(|c| (c.name.as_str(), c.tally.entered, c.tally.advanced, c.tally.dropped, c.tally.open))
        .collect();
    assert_eq!(cohorts, [("2026-W10", 6, 4, 2, 0), ("2026-W11", 4, 1, 1, 2)]);
    assert_eq!(answer.cohorts[0].median_ms, Some(3.0 * DAY as f64));
    let waiting: Vec<_> = answer.waiting.iter().map(|(account, ..)| account.as_str()).collect();
    assert_eq!(waiting, ["local:company/8", "local:company/9"]);
}

#[test]
fn the_present_decides_what_is_known() {
    let (accounts, now) = ten();
    let cases = cases(&accounts);
    // On the fourth day three calls are known, and nobody of week 11 has come.
    let early = drop_off(&cases, &question("outreach", "live_call", now - 17 * DAY));
    assert_eq!((early.all.entered, early.all.advanced, early.all.dropped, early.all.open), (6, 3, 0, 3));
    let lapse = Question { lapse_ms: Some(10 * DAY), ..question("outreach", "live_call", now) };
    let lapsed = drop_off(&cases, &lapse);
    assert_eq!((lapsed.all.dropped, lapsed.all.open, lapsed.dropped_by[&Loss::Lapsed]), (5, 0, 2));
    let none = drop_off(&cases, &question("hygiene", "signal", now));
    assert_eq!(none.all.entered, 0);
}

#[test]
fn a_drop_out_is_not_taken_for_somebody_out_of_sight() {
    let (accounts, now) = ten();
    let answer = drop_off(&cases(&accounts), &question("outreach", "live_call", now));
    // Treating drop-outs as censored would say that 0.1, then 0.4/0.9 …, in the end far more than half would have come.
    let last = answer.wait.at.last().unwrap();
    assert!((last.share - 0.5).abs() < 1e-9, "five of ten came: {last:?}");
}

/// Call to write in the CRM, over one whole walk: the stage is done with the write, not with the click.
#[test]
fn call_to_crm_sync_is_measured_on_the_write() {
    let mut world = World::default();
    let start = at("2026-03-02T08:00:00Z");
    walk(&mut world, "7", start, &[]);
    let state = [world.state("7")];
    let answer = drop_off(&cases(&state), &question("live_call.done", "post_call.done", start + 9 * DAY));
    assert_eq!(answer.all.advanced, 1);
    assert_eq!(answer.cohorts[0].median_ms, Some((HOUR + 22_000) as f64));
    let all = steps(&cases(&state), &question("signal", "hygiene", start + 9 * DAY));
    assert_eq!(all.iter().map(|s| s.all.advanced).collect::<Vec<_>>(), [1; 5]);
}

fn points() -> Vec<Point> {
    Stage::ALL.into_iter().flat_map(|stage| [Edge::Begun, Edge::Done].map(|edge| Point { stage, edge })).collect()
}

/// A random history: kinds and ends at random times, linked or not.
fn history() -> impl Strategy<Value = Vec<(u8, i64, bool)>> {
    prop::collection::vec((0..10_u8, 0..60_i64, any::<bool>()), 0..25)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    /// Entered = advanced + dropped + open, between any two points, at any present, in all and in every cohort; and no
    /// case is open and over at once.
    #[test]
    fn nobody_is_lost_and_nobody_is_counted_twice(histories in prop::collection::vec(history(), 1..6), now in 0..70_i64, lapse in prop::option::of(0..40_i64)) {
        let mut world = World::default();
        for (n, history) in histories.iter().enumerate() {
            let id = n.to_string();
            let mut last = None;
            for (i, (what, day, linked)) in history.iter().enumerate() {
                let when = day * DAY + i as i64;
                let about = json!({ "account": record(RecordKind::Company, &id), "i": i });
                let kinds = [Kind::SignalCard, Kind::Draft, Kind::Meeting, Kind::Brief, Kind::CallTranscript, Kind::NoteProposal, Kind::FieldProposal];
                match kinds.get(usize::from(*what)) {
                    Some(kind) => {
                        let parents: Vec<_> = last.iter().filter(|_| *linked).collect();
                        last = Some(world.make(*kind, &parents, about, when));
                        if *linked {
                            let from = last.clone().unwrap();
                            let ask = world.propose(field(&id, "stage", &i.to_string()), &from, "c", when);
                            world.carry_out(ask, when + HOUR);
                        }
                    }
                    None => {
                        let end = [End::Won, End::Lost, End::Stopped][usize::from(*what) - 7];
                        let closed = Happened::Closed { record: record(RecordKind::Deal, &id), end };
                        world.more.push(Fact { at_unix_ms: when, what: closed });
                    }
                }
            }
        }
        let accounts: Vec<_> = (0..histories.len()).map(|n| account(&n.to_string())).collect();
        let states = by_account(&accounts, &log(world.sources())).accounts;
        let cases = cases(&states);
        for from in points() {
            for to in points() {
                let q = Question { from, to, now_unix_ms: now * DAY, lapse_ms: lapse.map(|d| d * DAY), zone: TimeZone::UTC, by: By::Month };
                let answer = drop_off(&cases, &q);
                let t = answer.all;
                prop_assert_eq!(t.entered, t.advanced + t.dropped + t.open, "{} {}", from, to);
                prop_assert_eq!(t.dropped, answer.dropped_by.values().sum::<u64>());
                prop_assert_eq!(t.entered, answer.wait.n);
                let came = cases.iter().filter(|c| c.walk.times(from).first().is_some_and(|t| *t <= now * DAY)).count() as u64;
                prop_assert_eq!(t.entered, came);
                prop_assert_eq!(answer.cohorts.iter().map(|c| c.tally.entered).sum::<u64>(), t.entered);
                prop_assert!(answer.cohorts.iter().all(|c| c.tally.entered == c.tally.advanced + c.tally.dropped + c.tally.open));
                for case in &cases {
                    if let Some((_, Fate::Advanced(after) | Fate::Open(after) | Fate::Dropped(after, _))) = fate(case.walk, &q) {
                        prop_assert!(after >= 0);
                    }
                }
                let mut before = 0.0;
                for point in &answer.wait.at {
                    prop_assert!(point.share >= before && point.low <= point.share + 1e-12 && point.share <= point.high + 1e-12);
                    before = point.share;
                }
            }
        }
    }
}
