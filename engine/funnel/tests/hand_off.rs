//! Test 1 of the playbook: what one stage gives is what the next takes, and every hand-off can be followed back.
#![allow(clippy::unwrap_used)]

use crate::support::*;
use proptest::prelude::*;
use reframe_funnel::{
    lineage::{Missing, back_to, gaps, write_back_to},
    stage::{Stage, before},
};
use reframe_workflow::artifact::Kind;
use serde_json::json;

#[test]
fn the_output_of_each_stage_is_the_input_of_the_next() {
    for pair in Stage::ALL.windows(2) {
        assert_eq!(pair[0].gives(), pair[1].takes(), "{} to {}", pair[0].title(), pair[1].title());
    }
    assert_eq!(Stage::Hygiene.gives(), Stage::Signal.takes(), "and round again");
    // "What is the output of stage 3 and the input of stage 4?"
    assert_eq!((Stage::CallPrep.gives(), Stage::LiveCall.takes()), (Kind::Brief, Kind::Brief));
    // Going back by `before` visits every hand-off once and ends at the signal.
    let mut kind = Kind::FieldProposal;
    let mut seen = vec![kind];
    while let Some(&earlier) = before(kind).first() {
        seen.push(earlier);
        kind = earlier;
    }
    use Kind::{Brief, CallTranscript, Draft, FieldProposal, Meeting, NoteProposal, SignalCard};
    assert_eq!(seen, [FieldProposal, NoteProposal, CallTranscript, Brief, Meeting, Draft, SignalCard]);
}

#[test]
fn a_write_is_followed_back_to_its_signal_and_on_into_the_next() {
    let mut world = World::default();
    let start = at("2026-03-02T08:00:00Z");
    let first = walk(&mut world, "7", start, &[]);
    let second = walk(&mut world, "7", start + 10 * DAY, &[&first.fields]);
    let state = world.state("7");
    assert_eq!(gaps(&state), []);
    let write = &world.proposals[first.asks[2]].proposal.id;
    let chain = write_back_to(&state, write, Kind::SignalCard).unwrap();
    let f = &first;
    assert_eq!(chain, [&f.fields, &f.note, &f.call, &f.brief, &f.meeting, &f.draft, &f.signal].map(Clone::clone));
    // The new signal names what it came from: the circle is closed.
    assert_eq!(state.nodes[&second.signal].parents, [first.fields]);
    // Each link can be opened: it is kept, with its own parents.
    assert!(chain.iter().all(|id| state.nodes.contains_key(id)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 30, ..ProptestConfig::default() })]

    /// Whichever hand-off is taken away, the check names exactly it.
    #[test]
    fn a_missing_link_is_named(gone in 0..6_usize, walks in 1..3_i64) {
        let mut world = World::default();
        let start = at("2026-03-02T08:00:00Z");
        let walked: Vec<Walked> = (0..walks).map(|n| walk(&mut world, "7", start + n * 10 * DAY, &[])).collect();
        let w = &walked[0];
        let chain = [&w.signal, &w.draft, &w.meeting, &w.brief, &w.call, &w.note, &w.fields];
        world.artifacts.retain(|kept| kept.artifact.id != *chain[gone]);
        let state = world.state("7");
        let found = gaps(&state);
        let named = |gap: &reframe_funnel::lineage::Gap| gap.missing == Missing::NotKept { parent: chain[gone].clone() };
        prop_assert!(!found.is_empty() && found.iter().all(named), "{found:?}");
        prop_assert!(found.iter().any(|gap| gap.at == chain[gone + 1].as_str()), "{found:?}");
        let back = back_to(&state, &w.fields, Kind::SignalCard);
        prop_assert!(named(&back.unwrap_err()));
    }
}

#[test]
fn a_link_nobody_named_is_told_with_what_to_do() {
    let mut world = World::default();
    let start = at("2026-03-02T08:00:00Z");
    let w = walk(&mut world, "7", start, &[]);
    // A meeting that somebody typed in: it does not say which message it came from.
    let deal = json!(record(reframe_workflow::system::RecordKind::Deal, "7"));
    let typed = world.make(Kind::Meeting, &[], json!({ "deal": deal, "typed": true }), start + DAY);
    let state = world.state("7");
    let says: Vec<String> = gaps(&state).iter().map(ToString::to_string).collect();
    assert_eq!(says, [format!("{typed} does not say which draft it came from; put its id among the parents")]);
    assert!(back_to(&state, &typed, Kind::SignalCard).is_err());
    // A note that names the signal alone passes four stages over.
    let leap = world.make(Kind::NoteProposal, &[&w.signal], json!({ "leap": true }), start + DAY);
    let missing = back_to(&world.state("7"), &leap, Kind::SignalCard).unwrap_err().missing;
    assert_eq!(missing, Missing::NoLink { expected: vec![Kind::CallTranscript] });
}

#[test]
fn a_link_is_not_found_by_going_round_through_an_earlier_walk() {
    let mut world = World::default();
    let start = at("2026-03-02T08:00:00Z");
    let first = walk(&mut world, "7", start, &[]);
    let company = json!(record(reframe_workflow::system::RecordKind::Company, "7"));
    let body = json!({ "account": company, "second": true });
    let signal = world.make(Kind::SignalCard, &[&first.fields], body, start + 10 * DAY);
    // It names the signal, and behind that lies the first walk's draft; its own draft is missing all the same.
    let meeting = world.make(Kind::Meeting, &[&signal], json!({ "n": 2 }), start + 11 * DAY);
    let state = world.state("7");
    let missing = Missing::NoLink { expected: vec![Kind::Draft] };
    assert_eq!(back_to(&state, &meeting, Kind::SignalCard).unwrap_err().missing, missing);
    assert_eq!(gaps(&state).len(), 1);
}

#[test]
fn an_account_that_came_by_itself_begins_with_its_call() {
    let mut world = World::default();
    world.call("c", Some("7"), 0);
    let call = world.make(Kind::CallTranscript, &[], json!({ "call": "c" }), 10);
    let noted = world.make(Kind::NoteProposal, &[&call], json!({ "call": "c", "n": 1 }), 20);
    world.make(Kind::Debrief, &[&call, &noted], json!({ "call": "c", "d": 1 }), 30);
    let night = world.make(Kind::FieldProposal, &[], json!(["night", []]), 40);
    let n = world.propose(field("7", "stage", "demo"), &night, "c", 40);
    let state = world.state("7");
    assert_eq!(gaps(&state), []);
    assert_eq!(back_to(&state, &noted, Kind::CallTranscript).unwrap(), [noted.clone(), call.clone()]);
    // A night's finding is linked by the words it quotes.
    let write = &world.proposals[n].proposal.id;
    assert_eq!(write_back_to(&state, write, Kind::CallTranscript).unwrap(), [night.clone(), call]);
    // One that quotes a call nobody has is not.
    world.propose(field("7", "amount", "5"), &night, "unheard", 41);
    assert_eq!(gaps(&world.state("7")).len(), 1);
}
