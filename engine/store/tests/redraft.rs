//! A later draft takes the place of one that nobody has looked at, and of no other.
#![allow(clippy::unwrap_used)]

use crate::faults::made::{action, proposal};
use reframe_consent::Person;
use reframe_store::{SqliteLog, SqliteOptions};
use reframe_workflow::{
    artifact::{Artifact, Claim, Evidence, Kind, Maker},
    audit::{Actor, What},
    gate::{Approver, Click, Proposal},
    outbox::{Inbox as _, Kept, Redraft, Standing, whole_record},
};
use serde_json::json;

fn artifact(parents: &[&Kept], maker: Maker, text: &str) -> Kept {
    let parents = parents.iter().map(|p| p.artifact.id.clone()).collect();
    let artifact = Artifact::new(Kind::NoteProposal, parents, maker, json!({ "text": text, "score": 0.95_f32 }));
    Kept { kind: Kind::NoteProposal, artifact, at_unix_ms: 5 }
}

fn model() -> Maker {
    let (model, prompt) = (Some("local:x".to_owned()), Some("note@1:ab".to_owned()));
    Maker { task: "drafting".to_owned(), version: 1, model, prompt }
}

struct Scene {
    log: SqliteLog,
    rules: Kept,
    draft: Kept,
    proposal: Proposal,
    redraft: Redraft,
    _dir: tempfile::TempDir,
}

fn scene() -> Scene {
    let dir = tempfile::tempdir().unwrap();
    let log = SqliteLog::open(dir.path().join("x.db"), SqliteOptions::default()).unwrap();
    let rules = artifact(&[], Maker::rules("post_call", 1), "rules");
    log.put_artifact(&rules, &Actor::service("post_call")).unwrap();
    let proposal = Proposal { from: rules.artifact.id.clone(), ..proposal("a", 0, "v0", 1) };
    log.put_proposals(std::slice::from_ref(&proposal), &Actor::service("post_call"), 1).unwrap();
    let words = Evidence::Event { call: "c".into(), seq: 1 };
    let because = Claim::new("why", vec![words], 0.5).unwrap();
    let redraft =
        Redraft { id: proposal.id.clone(), was: proposal.digest(), action: action("a", 0, "better"), because };
    let draft = artifact(&[&rules], model(), "model");
    Scene { log, rules, draft, proposal, redraft, _dir: dir }
}

impl Scene {
    fn redraft(&self) -> bool {
        let by = Actor::model("local:x");
        self.log.redraft(&self.draft, std::slice::from_ref(&self.redraft), &by, 9).unwrap()[0]
    }

    fn click(&self) -> Click {
        Click { by: Approver::person("ada@example.com").unwrap(), shown: self.proposal.digest(), at_unix_ms: 3 }
    }
}

#[test]
fn what_nobody_has_seen_reads_anew_and_the_record_says_so() {
    let s = scene();
    assert!(s.redraft());
    let now = s.log.proposal(&s.proposal.id).unwrap().unwrap();
    assert_eq!((now.proposal.revision, &now.proposal.action), (2, &s.redraft.action));
    assert_eq!((now.proposal.from, now.standing), (s.draft.artifact.id.clone(), Standing::Open));
    assert_eq!(s.log.revision(&s.proposal.id, 1).unwrap().unwrap(), s.proposal);
    // What a person approved before their eyes are on the new text does not count.
    assert!(s.log.approve(&s.proposal.id, &s.click()).is_err());
    let record = whole_record(&s.log, &s.proposal.id).unwrap();
    let by_model: Vec<What> = record.iter().filter(|e| e.by == Actor::model("local:x")).map(|e| e.what).collect();
    assert_eq!(by_model, [What::ArtifactMade, What::Superseded]);
    assert!(record.iter().any(|e| e.detail.contains("prompt note@1:ab")), "{record:#?}");
    // Once.
    assert!(!s.redraft());
}

/// What happens between the first text and the second.
type Happens<'a> = &'a dyn Fn(&Scene);

#[test]
fn what_a_person_has_touched_or_what_was_erased_stays() {
    let person = Person::new("ada@example.com").unwrap();
    let cases: [(&str, Happens<'_>); 5] = [
        ("seen", &|s| s.log.shown(std::slice::from_ref(&s.proposal.id), &person, 2).unwrap()),
        ("approved", &|s| drop(s.log.approve(&s.proposal.id, &s.click()).unwrap())),
        ("rejected", &|s| s.log.reject(&s.proposal.id, &s.click(), "no").unwrap()),
        ("edited", &|s| drop(s.log.revise(&s.proposal.id, &s.click(), action("a", 0, "edited")).unwrap())),
        ("erased", &|s| {
            let body = json!({ "erased": { "why": "x", "at_unix_ms": 2 } });
            let stone = Artifact { body, ..s.rules.artifact.clone() };
            let conn = rusqlite::Connection::open(s._dir.path().join("x.db")).unwrap();
            let sql = "UPDATE artifacts SET body = ?2 WHERE id = ?1";
            let params = [s.rules.artifact.id.as_str(), &serde_json::to_string(&stone).unwrap()];
            assert_eq!(conn.execute(sql, params).unwrap(), 1);
        }),
    ];
    for (what, touch) in cases {
        let s = scene();
        touch(&s);
        let before = s.log.proposal(&s.proposal.id).unwrap();
        assert!(!s.redraft(), "{what}");
        assert_eq!(s.log.proposal(&s.proposal.id).unwrap(), before, "{what}");
        assert_eq!(s.log.artifact(&s.draft.artifact.id).unwrap(), None, "{what}: no text of it is kept");
    }
}
