//! Test 3 of the playbook, as far as it is pure: what counts as done is what the system of record has, once.
#![allow(clippy::unwrap_used)]

use crate::support::*;
use reframe_funnel::{
    fact::Approval,
    gather::{by_account, log},
    huddle::{Topic, of_log},
    stage::Stage,
};
use reframe_workflow::{artifact::Kind, audit::What};
use serde_json::json;

#[test]
fn nothing_is_done_before_its_system_said_so() {
    use What::{Approved, Done, Failed, Found, NotDone, Unknown, WriteAttempted};
    // What happened after the click, and when the stage counts as done, in ms after it.
    for (steps, done) in [
        (&[Approved][..], None),
        (&[Approved, WriteAttempted], None),
        (&[Approved, WriteAttempted, Unknown], None),
        (&[Approved, WriteAttempted, NotDone, WriteAttempted, Done], Some(4)),
        // An answer was lost after the commit; the mark is found: done once, when it was known.
        (&[Approved, WriteAttempted, Unknown, Found], Some(3)),
        (&[Approved, WriteAttempted, Failed], None),
    ] {
        let mut world = World::default();
        world.call("c", Some("7"), 0);
        let from = world.make(Kind::NoteProposal, &[], json!({ "call": "c" }), 1);
        let n = world.propose(note("7", 5), &from, "c", 2);
        for (i, what) in steps.iter().enumerate() {
            world.step(n, *what, 1_000 + i as i64);
        }
        let state = world.state("7");
        let walk = &state.walks[0];
        assert_eq!(walk.stage(Stage::PostCall).done_unix_ms(), done.map(|ms: i64| 1_000 + ms), "{steps:?}");
        assert_eq!(walk.is_complete(), done.is_some(), "a workflow is complete with the write: {steps:?}");
    }
}

#[test]
fn a_write_that_is_told_twice_is_one() {
    let mut world = World::default();
    let start = at("2026-03-02T08:00:00Z");
    let walked = walk(&mut world, "7", start, &[]);
    world.step(walked.asks[0], What::Found, start + 5 * HOUR);
    let state = world.state("7");
    let stage = state.walks[0].stage(Stage::Outreach);
    assert_eq!((stage.counts.done, stage.counts.total()), (1, 1));
    let sent = of_log(&log(world.sources())).into_iter().filter(|m| m.topic == Topic::Sent).count();
    assert_eq!(sent, 1);
}

#[test]
fn every_write_names_the_system_and_record_it_is_in() {
    let mut world = World::default();
    walk(&mut world, "7", at("2026-03-02T08:00:00Z"), &[]);
    let state = world.state("7");
    for ask in state.asks.values().filter(|ask| ask.state == Approval::Done) {
        assert!(["local", "gmail"].contains(&ask.system.as_str()));
        assert!(ask.target.is_some() || ask.action == "send_mail", "{ask:?}");
    }
    // Nothing of the page is kept anywhere: without it, all of it comes again from store and log.
    let again = by_account(&[account("7")], &log(world.sources())).accounts.remove(0);
    assert_eq!(again.bytes(), state.bytes());
}
