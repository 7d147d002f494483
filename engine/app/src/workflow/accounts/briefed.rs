//! Which brief a call followed from, so that its transcript names it and the way back to the signal is unbroken.

use reframe_store::SqliteLog;
use reframe_workflow::{
    artifact::{ArtifactId, Kind},
    handoff::{Brief, Meeting},
    outbox::{Inbox as _, Kept},
    system::RecordRef,
};

/// A brief is made half an hour before its meeting, and again when the meeting moves; one that is older than this, in ms,
/// was of another meeting.
const MADE_BEFORE_MS: i64 = 14 * 86_400_000;
/// How far a call may begin from when its meeting was to begin, in ms.
const APART_MS: i64 = 12 * 60 * 60_000;
/// Briefs looked through: a large team has some hundred in that time.
const MOST: usize = 5_000;

/// The brief that was there when a call about this deal began: that of the meeting nearest to it, in its last form before
/// the call. What is made later changes nothing, so that a call written up again is the same hand-off.
pub(in crate::workflow) fn brief_of(
    store: &SqliteLog,
    deal: &RecordRef,
    started_unix_ms: i64,
) -> anyhow::Result<Option<ArtifactId>> {
    let from = started_unix_ms.saturating_sub(MADE_BEFORE_MS);
    let mut best: Option<(i64, i64, ArtifactId)> = None;
    for kept in store.artifacts_between(Kind::Brief, from, started_unix_ms, MOST)? {
        let Some(apart) = apart(&kept, started_unix_ms).filter(|apart| *apart <= APART_MS) else { continue };
        let key = (apart, -kept.at_unix_ms);
        let nearer = best.as_ref().is_none_or(|(a, made, id)| (key.0, key.1, &kept.artifact.id) < (*a, *made, id));
        if nearer && is_about(store, &kept, deal)? {
            best = Some((key.0, key.1, kept.artifact.id));
        }
    }
    Ok(best.map(|(_, _, id)| id))
}

/// How far the brief's meeting begins from a time.
fn apart(kept: &Kept, at_unix_ms: i64) -> Option<i64> {
    let brief: Brief = serde_json::from_value(kept.artifact.body.clone()).ok()?;
    Some(brief.start_unix_ms.saturating_sub(at_unix_ms).saturating_abs())
}

fn is_about(store: &SqliteLog, brief: &Kept, deal: &RecordRef) -> anyhow::Result<bool> {
    for parent in brief.artifact.parents.iter().filter(|id| id.kind() == Kind::Meeting.as_str()) {
        let meeting =
            store.artifact(parent)?.and_then(|kept| serde_json::from_value::<Meeting>(kept.artifact.body).ok());
        if meeting.is_some_and(|meeting| meeting.deal.as_ref() == Some(deal)) {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use reframe_workflow::{
        artifact::{Artifact, Maker},
        audit::Actor,
        system::RecordKind,
    };
    use serde::Serialize;

    use super::*;

    const HOUR: i64 = 60 * 60_000;

    fn deal(id: &str) -> RecordRef {
        RecordRef { system: "local".into(), kind: RecordKind::Deal, id: id.into() }
    }

    fn keep(store: &SqliteLog, kind: Kind, parents: &[&ArtifactId], body: &impl Serialize, at: i64) -> ArtifactId {
        let parents = parents.iter().map(|id| (*id).clone()).collect();
        let artifact = Artifact::new(kind, parents, Maker::rules("test", 1), serde_json::to_value(body).unwrap());
        let id = artifact.id.clone();
        store.put_artifact(&Kept { kind, artifact, at_unix_ms: at }, &Actor::service("test")).unwrap();
        id
    }

    #[test]
    fn a_call_follows_from_the_brief_it_began_with() {
        let store = SqliteLog::in_memory().unwrap();
        let start = 1_000 * HOUR;
        let brief = |about: &str, begins: i64, made: i64| {
            let event = format!("{about} {begins}");
            let meeting =
                Meeting { event: event.clone(), start_unix_ms: begins, deal: Some(deal(about)), ..Meeting::default() };
            let meeting = keep(&store, Kind::Meeting, &[], &meeting, made - HOUR);
            let brief = Brief { event, start_unix_ms: begins, made_unix_ms: made, ..Brief::default() };
            keep(&store, Kind::Brief, &[&meeting], &brief, made)
        };
        let of = |about: &str, at: i64| brief_of(&store, &deal(about), at).unwrap();
        assert_eq!(of("7", start), None);
        brief("8", start, start - HOUR);
        brief("7", start - 40 * HOUR, start - 41 * HOUR);
        assert_eq!(of("7", start), None, "another deal's, and another meeting's");
        let first = brief("7", start, start - 5 * HOUR);
        assert_eq!(of("7", start), Some(first));
        let again = brief("7", start, start - HOUR / 2);
        brief("7", start + 3 * HOUR, start - HOUR / 4);
        brief("7", start, start + 1);
        let last = of("7", start + 2 * 60_000).unwrap();
        assert_ne!(last, again, "two minutes late: by then it was made anew");
        assert_eq!(of("7", start), Some(again), "and what is made after the call began changes nothing");
    }
}
