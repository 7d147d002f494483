//! Rewriting rows: events of a call, hand-offs, proposals. All inside the caller's transaction.

use std::collections::{BTreeMap, BTreeSet};

use reframe_call::{
    audio::{TrackId, TrackInfo},
    event::{Eraser, Event, EventBody},
};
use reframe_consent::Person;
use reframe_workflow::outbox::{Entry, Standing, State, VoidWhy};
use rusqlite::{Connection, Row, Transaction, params};
use serde_json::Value;

use super::{
    reach::Reach,
    redact::{self, GONE},
    who::Who,
};
use crate::{
    append,
    error::StoreError,
    id::CallId,
    sqlite::{column, faults::Faults, unreadable},
};

/// A call to be rewritten.
pub(super) struct Call {
    pub(super) no: i64,
    pub(super) id: CallId,
    pub(super) title: String,
    pub(super) open: bool,
    pub(super) people: Vec<TrackInfo>,
}

/// Whose words go.
pub(super) enum Whose<'a> {
    /// These tracks', which are one person's, and their name with it.
    Person(&'a BTreeSet<TrackId>, &'a Who, &'a str),
    /// Everybody's, and the notes that were taken. Names stay.
    All,
}

/// Calls of the store, or those of them that are over and began before a time.
pub(super) fn calls(conn: &Connection, before: Option<i64>, faults: &Faults) -> Result<Vec<Call>, StoreError> {
    let read = || -> rusqlite::Result<Vec<Call>> {
        conn.prepare_cached(
            "SELECT no, id, title, state, participants FROM calls
             WHERE ?1 IS NULL OR (state <> 'open' AND started_unix_ms < ?1
                AND NOT EXISTS (SELECT 1 FROM words_gone WHERE call = calls.no))
             ORDER BY no",
        )?
        .query_map([before], call)?
        .collect()
    };
    read().map_err(|e| faults.name(e))
}

fn call(row: &Row<'_>) -> rusqlite::Result<Call> {
    let (id, state, people): (String, String, String) = (row.get(1)?, row.get(3)?, row.get(4)?);
    Ok(Call {
        no: row.get(0)?,
        id: CallId::new(id).map_err(|e| unreadable(1, e.into()))?,
        title: row.get(2)?,
        open: state == "open",
        people: serde_json::from_str(&people).map_err(|e| unreadable(4, e.into()))?,
    })
}

/// All events of a call, as this transaction sees them.
pub(crate) fn log(conn: &Connection, no: i64, call: &CallId, faults: &Faults) -> Result<Vec<Event>, StoreError> {
    let lines: Vec<(u64, String)> = conn
        .prepare_cached("SELECT seq, line FROM events WHERE call = ?1 ORDER BY seq")
        .and_then(|mut s| s.query_map([no], |r| Ok((r.get::<_, i64>(0)?.unsigned_abs(), r.get(1)?)))?.collect())
        .map_err(|e| faults.name(e))?;
    lines.iter().map(|(seq, line)| append::decode(call, *seq, line)).collect()
}

/// Takes words out of a call's events. Gives the count of events that changed, and the utterances that are theirs.
pub(super) fn events(
    tx: &Transaction<'_>,
    call: &Call,
    whose: &Whose<'_>,
    faults: &Faults,
) -> Result<(usize, BTreeSet<u32>), StoreError> {
    let name = |e| faults.name(e);
    let mut events = log(tx, call.no, &call.id, faults)?;
    let tracks: BTreeSet<TrackId> = match whose {
        Whose::Person(tracks, ..) => (*tracks).clone(),
        Whose::All => call.people.iter().map(|p| p.id).chain(events.iter().filter_map(|e| speaker(&e.body))).collect(),
    };
    let mut utterances = BTreeSet::new();
    let mut changed = BTreeSet::new();
    for track in &tracks {
        let mut eraser = Eraser::new(*track);
        for (at, event) in events.iter_mut().enumerate() {
            if let EventBody::SpeechStarted { track: whose, utterance, .. }
            | EventBody::WordsCommitted { track: whose, utterance, .. }
            | EventBody::UtteranceEnded { track: whose, utterance, .. } = &event.body
                && whose == track
            {
                utterances.insert(utterance.0);
            }
            if eraser.event(event) {
                changed.insert(at);
            }
        }
    }
    for (at, event) in events.iter_mut().enumerate() {
        let more = match (&mut event.body, whose) {
            (EventBody::NoteTaken { text }, Whose::All) if !text.is_empty() => {
                text.clear();
                true
            }
            (EventBody::NoteTaken { text }, Whose::Person(_, who, _)) if who.named_in(text) || who.hinted_in(text) => {
                GONE.clone_into(text);
                true
            }
            (EventBody::TrackAdded { track }, Whose::Person(tracks, who, mask)) if tracks.contains(&track.id) => {
                masked(track, who, mask)
            }
            // Which card says who spoke; its words went with theirs.
            (EventBody::CardShown { card } | EventBody::CardQueued { card }, Whose::Person(_, who, mask))
                if who.named_in(&card.reason.speaker) =>
            {
                card.reason.speaker = (*mask).to_owned();
                true
            }
            _ => false,
        };
        if more {
            changed.insert(at);
        }
    }
    for at in &changed {
        rewrite_event(tx, call, &events[*at], faults)?;
    }
    if let Whose::Person(tracks, who, mask) = whose {
        let mut people = call.people.clone();
        people.iter_mut().filter(|p| tracks.contains(&p.id)).for_each(|p| {
            masked(p, who, mask);
        });
        let people = serde_json::to_string(&people).expect("strings and numbers always become JSON");
        tx.execute("UPDATE calls SET participants = ?2 WHERE no = ?1", params![call.no, people]).map_err(name)?;
    }
    Ok((changed.len(), utterances))
}

const fn speaker(body: &EventBody) -> Option<TrackId> {
    match body {
        EventBody::WordsCommitted { track, .. } | EventBody::UtteranceEnded { track, .. } => Some(*track),
        _ => None,
    }
}

/// Puts the mask in the place of a participant's name, and takes out a reference that holds it.
fn masked(track: &mut TrackInfo, who: &Who, mask: &str) -> bool {
    let before = track.clone();
    mask.clone_into(&mut track.name);
    track.email = None;
    if let Some(consent) = track.consent.as_mut().filter(|c| who.named_in(&c.reference)) {
        GONE.clone_into(&mut consent.reference);
    }
    *track != before
}

/// What the notes of calls came to that the person was not on.
#[derive(Debug, Default)]
pub(super) struct NotesOfOthers {
    /// Calls whose notes named them, and the count of notes that went.
    pub(super) gone: BTreeMap<CallId, usize>,
    /// Calls that still run and whose notes name them, by row: these wait.
    pub(super) open: Vec<(i64, CallId)>,
}

/// Takes out notes of these calls that surely name the person.
pub(super) fn notes(
    tx: &Transaction<'_>,
    calls: &[Call],
    who: &Who,
    faults: &Faults,
) -> Result<NotesOfOthers, StoreError> {
    let name = |e| faults.name(e);
    let calls: BTreeMap<i64, &Call> = calls.iter().map(|call| (call.no, call)).collect();
    let mut found = NotesOfOthers::default();
    let mut changed: Vec<(&Call, Event)> = Vec::new();
    let mut all = tx
        .prepare_cached(
            "SELECT call, seq, line FROM events INDEXED BY notes_taken WHERE instr(line, '\"note_taken\"') > 0",
        )
        .map_err(name)?;
    let mut rows = all.query([]).map_err(name)?;
    while let Some(row) = rows.next().map_err(name)? {
        let read = || -> rusqlite::Result<(i64, i64, String)> { Ok((row.get(0)?, row.get(1)?, row.get(2)?)) };
        let (no, seq, line) = read().map_err(name)?;
        let Some(call) = calls.get(&no).copied() else { continue };
        let mut event = append::decode(&call.id, seq.unsigned_abs(), &line)?;
        let EventBody::NoteTaken { text } = &mut event.body else { continue };
        if !who.surely_named_in(text) {
            continue;
        }
        if call.open {
            if !found.open.iter().any(|(open, _)| *open == no) {
                found.open.push((no, call.id.clone()));
            }
            continue;
        }
        GONE.clone_into(text);
        changed.push((call, event));
    }
    drop(rows);
    for (call, event) in changed {
        rewrite_event(tx, call, &event, faults)?;
        *found.gone.entry(call.id.clone()).or_default() += 1;
    }
    Ok(found)
}

/// Puts a mask in the place of a call's title.
pub(super) fn untitle(tx: &Transaction<'_>, call: &Call) -> rusqlite::Result<()> {
    tx.prepare_cached("UPDATE calls SET title = ?2 WHERE no = ?1")?.execute(params![call.no, GONE]).map(drop)
}

fn rewrite_event(tx: &Transaction<'_>, call: &Call, event: &Event, faults: &Faults) -> Result<(), StoreError> {
    let line = append::encode(&call.id, event)?;
    tx.prepare_cached("UPDATE events SET line = ?3 WHERE call = ?1 AND seq = ?2")
        .and_then(|mut s| s.execute(params![call.no, column(event.seq), line]))
        .map(drop)
        .map_err(|e| faults.name(e))
}

/// Puts tombstones in the place of hand-offs. Gives their count.
pub(crate) fn artifacts(tx: &Transaction<'_>, reach: &Reach, stone: &Value) -> rusqlite::Result<usize> {
    let mut changed: BTreeMap<String, String> = BTreeMap::new();
    let mut all = tx.prepare_cached("SELECT id, body FROM artifacts")?;
    let mut rows = all.query([])?;
    while let Some(row) = rows.next()? {
        let body = row.get_ref(1)?.as_str().unwrap_or_default();
        if let Some(new) = redact::artifact(body, reach, stone) {
            changed.insert(row.get(0)?, new);
        }
    }
    for (id, body) in &changed {
        tx.prepare_cached("UPDATE artifacts SET body = ?2 WHERE id = ?1")?.execute([id, body])?;
    }
    Ok(changed.len())
}

/// An entry of the outbox that was begun: claimed, or tried before and in doubt. It may be in its system already, and must be
/// looked for first.
pub(super) const BEGUN: &str = "(state = 'claimed'
    OR state = 'pending' AND (body ->> '$.attempts' > 0 OR body ->> '$.doubt' IS NOT NULL))";

/// What became of proposals.
#[derive(Debug, Default)]
pub(crate) struct Stopped {
    /// How many lost their texts.
    pub(crate) done: usize,
    /// Rows of those that had to be left because they are being written.
    pub(crate) being_written: Vec<i64>,
}

/// Takes the texts out of proposals and stops those not yet done.
pub(crate) fn proposals(tx: &Transaction<'_>, reach: &Reach, stone: &Value, at: i64) -> rusqlite::Result<Stopped> {
    let erased: BTreeSet<String> = tx
        .prepare_cached("SELECT id FROM artifacts WHERE body ->> '$.body.erased' IS NOT NULL")?
        .query_map([], |r| r.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut hit = BTreeSet::new();
    let mut all = tx.prepare_cached("SELECT proposal, body FROM revisions")?;
    let mut rows = all.query([])?;
    while let Some(row) = rows.next()? {
        let body = row.get_ref(1)?.as_str().unwrap_or_default();
        if redact::reaches(body, reach) || redact::retells(body, &erased) {
            hit.insert(row.get::<_, i64>(0)?);
        }
    }
    drop(rows);
    let mut stopped = Stopped::default();
    for no in hit {
        let begun: bool = tx
            .prepare_cached(&format!("SELECT EXISTS (SELECT 1 FROM outbox WHERE proposal = ?1 AND {BEGUN})"))?
            .query_row([no], |r| r.get(0))?;
        if begun {
            stopped.being_written.push(no);
            continue;
        }
        let revisions: Vec<(i64, String)> = tx
            .prepare_cached("SELECT revision, body FROM revisions WHERE proposal = ?1")?
            .query_map([no], |r| Ok((r.get(0)?, r.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        let mut changed = false;
        for (revision, body) in revisions {
            let new = redact::proposal(&body, stone);
            changed |= new != body;
            tx.prepare_cached("UPDATE revisions SET body = ?3 WHERE proposal = ?1 AND revision = ?2")?
                .execute(params![no, revision, new])?;
        }
        stop(tx, no, reach, at)?;
        stopped.done += usize::from(changed);
    }
    Ok(stopped)
}

/// Ends what was still to come of a proposal, and masks what was said about it.
fn stop(tx: &Transaction<'_>, no: i64, reach: &Reach, at: i64) -> rusqlite::Result<()> {
    let (standing, detail): (String, String) =
        tx.query_row("SELECT standing, detail FROM proposals WHERE no = ?1", [no], |r| Ok((r.get(0)?, r.get(1)?)))?;
    let (standing, detail) = if matches!(standing.as_str(), "open" | "approved" | "failed" | "void") {
        let by = Person::new("erasure").expect("a word is a name");
        let rejected = Standing::Rejected { by, reason: "what it rested on was erased".to_owned() };
        let detail = serde_json::to_string(&rejected).expect("our types have a JSON form");
        (rejected.as_str().to_owned(), detail)
    } else {
        let mut value: Value = serde_json::from_str(&detail).unwrap_or_default();
        // A reason is in somebody's own words.
        if let Some(reason) = value.get_mut("reason") {
            *reason = GONE.into();
        }
        redact::mask(&mut value, reach);
        (standing, value.to_string())
    };
    tx.execute(
        "UPDATE proposals SET standing = ?2, detail = ?3, decided_unix_ms = coalesce(decided_unix_ms, ?4) WHERE no = ?1",
        params![no, standing, detail, at],
    )?;
    let entries: Vec<(i64, String)> = tx
        .prepare_cached("SELECT no, body FROM outbox WHERE proposal = ?1")?
        .query_map([no], |r| Ok((r.get(0)?, r.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (entry_no, body) in entries {
        let Ok(mut entry) = serde_json::from_str::<Entry>(&body) else { continue };
        // What a system answered may quote what it was sent.
        entry.last.clear();
        match &mut entry.state {
            State::Pending => entry.state = State::Void { why: VoidWhy::TakenBack },
            State::Failed { reason } => GONE.clone_into(reason),
            State::Void { why: VoidWhy::TargetChanged { problem } } => GONE.clone_into(problem),
            State::Void { why: VoidWhy::NotCleared { reason } } => GONE.clone_into(reason),
            _ => {}
        }
        let body = serde_json::to_string(&entry).expect("our types have a JSON form");
        tx.execute(
            "UPDATE outbox SET state = ?2, body = ?3 WHERE no = ?1",
            params![entry_no, entry.state.as_str(), body],
        )?;
    }
    Ok(())
}
