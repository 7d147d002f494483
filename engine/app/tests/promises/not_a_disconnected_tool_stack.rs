//! Not a disconnected tool stack: what one stage gives is what the next takes, by id, and nobody carries text between them.

use std::collections::BTreeSet;

use reframe_funnel::stage::Stage;
use reframe_workflow::{
    artifact::{ArtifactId, Kind},
    outbox::{Inbox as _, Kept},
};
use serde_json::{Value, json};

use super::team::{Team, address};
use crate::support::{err, out, run};

fn kept(team: &Team, id: &ArtifactId) -> Kept {
    team.store().artifact(id).unwrap().unwrap_or_else(|| panic!("{id} is not kept"))
}

/// From the note of a call back to the signal each hand-off names the one it was made from, and holds what it says.
#[test]
fn each_stage_is_handed_what_the_stage_before_gave() {
    let team = Team::walked();
    for account in [1, 2] {
        let note = &team.batch(&format!("call call-{account}"))[0].proposal;
        let (mut chain, mut at) = (Vec::new(), note.from.clone());
        loop {
            let this = kept(&team, &at);
            let parent = this.artifact.parents.first().cloned();
            chain.push(this);
            match parent {
                Some(parent) => at = parent,
                None => break,
            }
        }
        let kinds: Vec<Kind> = chain.iter().map(|k| k.kind).collect();
        let all = [Kind::NoteProposal, Kind::CallTranscript, Kind::Brief, Kind::Meeting, Kind::Draft, Kind::SignalCard];
        assert_eq!(kinds, all);
        assert!(chain.windows(2).all(|pair| pair[0].at_unix_ms >= pair[1].at_unix_ms), "later from earlier");
        let page = team.json(&["account", &format!("local:company/{account}")]);
        assert_eq!(page["gaps"], json!([]), "{page}");
        // Whoever was written to is whoever was met: nobody typed the address, the company or the hook again.
        let [_, _, brief, meeting, draft, card] = &chain[..] else { panic!() };
        let whole = |kept: &Kept| kept.artifact.body.to_string();
        for hand_off in [meeting, draft] {
            assert!(whole(hand_off).contains(&address(account)), "{}", whole(hand_off));
        }
        for hand_off in [card, draft, brief] {
            assert!(whole(hand_off).contains("opened a second warehouse in Leeds"), "{}", whole(hand_off));
        }
    }
    // In form too: what a stage gives has the schema of what the next takes, round to the first.
    for (n, stage) in Stage::ALL.into_iter().enumerate() {
        assert_eq!(stage.gives(), Stage::ALL[(n + 1) % 6].takes());
        let schema: Value = serde_json::from_str(&team.says(&["schema", stage.gives().as_str()])).unwrap();
        assert!(schema["properties"].is_object(), "{stage:?}");
    }
}

/// Take a hand-off away, and the next stage has nothing to work on: it does not go round it.
#[test]
fn a_stage_does_not_begin_without_its_hand_off() {
    let team = Team::new();
    // No signal, no message.
    let refused = team.run(&["outreach", "draft", "1"]);
    assert!(
        !refused.status.success() && out(&refused).contains("no feed of the last 30 days shows"),
        "{}",
        out(&refused)
    );
    team.reached_out();
    // No meeting, no brief; no call, no note.
    let none = team.says(&["run", "prep"]);
    assert!(none.starts_with("0 meetings ahead, 0 briefs made"), "{none}");
    assert!(team.says(&["run", "post-call"]).contains("no call is over yet"));
    let before = team.proposals().len();
    team.says(&["run", "hygiene"]);
    assert_eq!(team.proposals().len(), before, "no deal, nothing to keep current");

    // A link that is not kept is told, by name, with what to do.
    let team = Team::walked();
    let brief = {
        let note = &team.batch("call call-1")[0].proposal;
        let call = kept(&team, &note.from).artifact.parents[0].clone();
        kept(&team, &call).artifact.parents[0].clone()
    };
    let db = rusqlite::Connection::open(team.path().join("data/reframe.db")).unwrap();
    assert_eq!(db.execute("DELETE FROM artifacts WHERE id = ?1", [brief.to_string()]).unwrap(), 1);
    let page = team.json(&["account", "local:company/1"]);
    let gaps: BTreeSet<&str> = page["gaps"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(gaps.iter().any(|gap| gap.contains(brief.as_str()) && gap.contains("not kept")), "{gaps:?}");
    let told = run(team.path(), &["account", "local:company/1"]);
    assert!(!out(&told).contains("Lineage: unbroken"), "{}{}", out(&told), err(&told));
}
