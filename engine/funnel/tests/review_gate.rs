//! Test 2 of the playbook: every send, write and stage change passes a person; the page shows one that did not.
#![allow(clippy::unwrap_used)]

use crate::support::*;
use proptest::prelude::*;
use reframe_funnel::{fact::Approval, stage::Stage};
use reframe_workflow::{artifact::Kind, audit::What};
use serde_json::json;

#[test]
fn every_write_of_a_walk_has_its_approval_on_the_page() {
    let mut world = World::default();
    let start = at("2026-03-02T08:00:00Z");
    let walked = walk(&mut world, "7", start, &[]);
    let state = world.state("7");
    assert_eq!(state.unapproved_writes(), Vec::<&_>::new());
    for (n, stage) in walked.asks.into_iter().zip([Stage::Outreach, Stage::PostCall, Stage::Hygiene]) {
        let ask = &state.asks[&world.proposals[n].proposal.id];
        let (when, who) = ask.approved.as_ref().unwrap();
        assert_eq!((ask.stage, ask.state, who.as_str()), (stage, Approval::Done, "person ada"));
        assert!(ask.shown_unix_ms.unwrap() < *when && *when < ask.done_unix_ms.unwrap());
    }
    // The stages that write are the stages that are gated.
    let gated: Vec<Stage> = Stage::ALL.into_iter().filter(|s| s.is_gated()).collect();
    assert_eq!(gated, [Stage::Outreach, Stage::PostCall, Stage::Hygiene]);
}

fn step() -> impl Strategy<Value = What> {
    use What::{Approved, Done, Edited, Failed, NotDone, Proposed, Rejected, Shown, Superseded, Void, WriteAttempted};
    prop::sample::select(vec![
        Proposed,
        Shown,
        Approved,
        Approved,
        Edited,
        Rejected,
        WriteAttempted,
        NotDone,
        Done,
        Failed,
        Void,
        Superseded,
    ])
}

proptest! {
    /// Over any history: a write is listed as unapproved exactly if no yes stood when it was done, and a draft that was
    /// edited, taken back or put anew after the yes has none.
    #[test]
    fn a_write_without_a_standing_yes_is_listed(steps in prop::collection::vec(step(), 0..12)) {
        let mut world = World::default();
        world.call("c", Some("7"), 0);
        let from = world.make(Kind::NoteProposal, &[], json!({ "call": "c" }), 1);
        let n = world.propose(note("7", 5), &from, "c", 2);
        let (mut yes, mut done) = (false, false);
        for (i, what) in steps.iter().enumerate() {
            world.step(n, *what, 3 + i as i64);
            match what {
                What::Approved => yes = true,
                What::Proposed | What::Edited | What::Rejected | What::Void => yes = false,
                What::Done => done = true,
                _ => {}
            }
        }
        prop_assert_eq!(world.state("7").unapproved_writes().len(), usize::from(done && !yes));
    }
}
