//! What is remembered of a call that is over, across restarts: that it was looked at, its debrief, who opened that to others.
#![allow(clippy::unwrap_used)]

use crate::made::{call, id};
use reframe_consent::Person;
use reframe_store::{EventLog, SqliteLog, SqliteOptions};
use reframe_workflow::{
    artifact::{Artifact, Kind, Maker},
    audit::{Actor, What},
    outbox::{AuditBook, Inbox, Kept},
};
use serde_json::json;

#[test]
fn what_was_looked_at_and_released_is_known_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let open = || SqliteLog::open(folder.path().join("calls.db"), SqliteOptions::default()).unwrap();
    let log = open();
    for name in ["a", "b"] {
        log.create(&call(name)).unwrap();
    }
    let debrief = |call: &str, n: i64| {
        let artifact = Artifact::new(Kind::Debrief, vec![], Maker::rules("test", 1), json!({ "call": call, "n": n }));
        log.put_artifact(&Kept { kind: Kind::Debrief, artifact, at_unix_ms: n }, &Actor::service("test")).unwrap();
    };
    debrief("a", 1);
    debrief("b", 2);
    debrief("a", 3);
    log.look_at(&id("a"), 10).unwrap();
    log.look_at(&id("a"), 20).unwrap();
    log.look_at(&id("nobody"), 20).unwrap();
    let ada = Person::new("Ada").unwrap();
    log.release_debrief(&id("a"), &ada, 30).unwrap();
    log.release_debrief(&id("a"), &Person::new("Bo").unwrap(), 40).unwrap();
    drop(log);
    let log = open();
    assert!(log.was_looked_at(&id("a")).unwrap());
    assert!(!log.was_looked_at(&id("b")).unwrap() && !log.was_looked_at(&id("nobody")).unwrap());
    assert_eq!((log.debrief_released(&id("a")).unwrap(), log.debrief_released(&id("b")).unwrap()), (Some(30), None));
    let released: Vec<_> =
        log.record_of("call a").unwrap().into_iter().filter(|e| e.what == What::Released).map(|e| e.by).collect();
    assert_eq!(released, [Actor::Person { name: ada }], "once, and by whom");
    let n = |kept: &Kept| kept.artifact.body["n"].as_i64().unwrap();
    assert_eq!(log.debrief_of(&id("a")).unwrap().as_ref().map(n), Some(3), "the latest");
    assert!(log.debrief_of(&id("nobody")).unwrap().is_none());
    let latest = log.latest_artifacts(Kind::Debrief, 2).unwrap();
    assert_eq!(latest.iter().map(n).collect::<Vec<_>>(), [3, 2]);
}
