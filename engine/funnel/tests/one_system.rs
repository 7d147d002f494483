//! One system, not silos: a call of week 6 raises a risk in week 8, which is coached in week 9, and
//! the forecast moves in week 10. Each step is its own stage's type; they share ids, so one leads to the other.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use crate::support::*;
use reframe_funnel::{
    fact::Approval,
    lineage::{back_to, gaps, write_back_to},
};
use reframe_workflow::{
    artifact::{ArtifactId, Claim, Evidence, Kind},
    gate::ProposalId,
    handoff::{FieldProposal, TaskProposal},
    hygiene::{Change, Finding, Level, Suggest},
    rubric::Score,
    system::RecordKind,
};
use serde_json::json;

const WEEK: i64 = 7 * DAY;

fn words(call: &str) -> Evidence {
    Evidence::Words {
        call: call.into(),
        utterance: 12,
        from_ms: 61_000,
        to_ms: 62_400,
        quote: "when comparing options".into(),
    }
}

#[test]
fn risk_flag_coaching_and_forecast_share_their_ids() {
    let mut world = World::default();
    let start = at("2026-01-05T08:00:00Z");
    let deal = record(RecordKind::Deal, "7");

    // Week 6: the call, and what was written down about it.
    let indexed = start + 5 * WEEK;
    world.call("week-6", Some("7"), indexed);
    let call = world.make(Kind::CallTranscript, &[], json!({ "call": "week-6" }), indexed + HOUR);
    let noted = world.make(Kind::NoteProposal, &[&call], json!({ "call": "week-6", "n": 1 }), indexed + HOUR);

    // Week 8: the nightly review flags a risk on those words, and proposes a task.
    let flagged = start + 7 * WEEK;
    let because = Claim::new("they compare options and nobody asked whom with", vec![words("week-6")], 0.8).unwrap();
    let todo = Claim::new("Ask which options they compare", vec![words("week-6")], 0.8).unwrap();
    let finding = Finding {
        deal: deal.clone(),
        version: "3".into(),
        rule: "risk/unasked-competitor".into(),
        subject: String::new(),
        level: Level::High,
        what: because.clone(),
        suggest: Suggest::Task { task: TaskProposal { what: todo, due: None } },
    };
    let night = world.make(Kind::FieldProposal, &[], json!(["night 8", [finding]]), flagged);
    let flag = finding.proposal(night.clone(), "night 8", 0, flagged, flagged);
    let flag_at = world.propose(flag.action.clone(), &night, "week-6", flagged);
    world.proposals[flag_at].proposal = flag.clone();
    world.audit.clear();
    world.carry_out(flag_at, flagged + HOUR);

    // Week 9: the debrief that is coached with rests on the same words.
    let score = Score {
        criterion: "competitors".into(),
        title: "Asked about competitors".into(),
        weight: 0.2,
        score: 1,
        passed: None,
        anchor: "was not asked".into(),
        because: Claim::new("the buyer compares, the seller did not ask", vec![words("week-6")], 0.7).unwrap(),
    };
    let body = json!({ "call": "week-6", "scores": [score], "finding": flag.finding });
    let coached = world.make(Kind::Debrief, &[&call, &noted], body, start + 8 * WEEK);

    // Week 10: the close date moves, because of what was found and said.
    let change = Change::new(FieldProposal {
        record: deal.clone(),
        version: "4".into(),
        field: "close_date".into(),
        before: Some("2026-03-31".into()),
        after: Some("2026-05-15".into()),
        because,
        rule: "post-call".into(),
    })
    .unwrap();
    let moved = start + 9 * WEEK;
    let forecast =
        world.make(Kind::FieldProposal, &[&noted, &night], json!({ "record": deal, "change": change }), moved);
    let action = field("7", "close_date", "2026-05-15");
    let update = world.propose(action, &forecast, "week-6", moved);
    world.carry_out(update, moved + HOUR);

    // All four stand on one account's page, in one walk, with nothing missing between them.
    let state = world.state("7");
    assert_eq!(gaps(&state), []);
    assert_eq!(state.walks.len(), 1);
    let ids = [&call, &noted, &night, &coached, &forecast];
    assert!(ids.iter().all(|id| state.nodes.contains_key(*id)), "one page");

    // From the forecast, the flag and the insight the way leads to the same call.
    let ways: BTreeSet<ArtifactId> = [
        write_back_to(&state, &world.proposals[update].proposal.id, Kind::CallTranscript),
        write_back_to(&state, &flag.id, Kind::CallTranscript),
        back_to(&state, &coached, Kind::CallTranscript),
    ]
    .into_iter()
    .map(|way| way.unwrap().last().unwrap().clone())
    .collect();
    assert_eq!(ways, BTreeSet::from([call]));

    // The flag keeps its identity: found again another night it is the same piece of work.
    let again = finding.proposal(ArtifactId::of("field_proposal", b"night 9"), "night 9", 0, moved, moved);
    assert_eq!(again.id, flag.id);
    let states: BTreeSet<(&ProposalId, Approval)> = state.asks.iter().map(|(id, ask)| (id, ask.state)).collect();
    assert_eq!(states.len(), 2);
    assert!(states.iter().all(|(_, state)| *state == Approval::Done));
}
