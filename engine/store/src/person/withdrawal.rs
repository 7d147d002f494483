//! Consent taken back when a call is over: what that person said there goes, and whatever quotes or names them with it.
//!
//! A trigger of the file writes down that a withdrawal is due in the transaction that enters it into the registry, so none is
//! forgotten, whoever enters it. The words are taken out in one transaction; the file's pages and the files outside follow,
//! and only then it is off the list. A call that still runs is left until it is over: there the engine itself stops
//! listening and asks for the words to be erased.
//!
//! One that waits for a call to end or for a write to be settled is tried again when that is over, and for good measure after
//! a pause that doubles. By then the calls are masked, so the spellings of the person stay with it until it is carried out.

use std::collections::{BTreeMap, BTreeSet};

use reframe_call::audio::TrackId;
use reframe_consent::{ConsentRecord, Participant, Person, Scope, Standing, decide, decide_for};
use reframe_workflow::audit::{Actor, Happening, What};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::Serialize;

use super::{
    reach::Reach,
    redact::{GONE, tombstone},
    rewrite::{self, BEGUN, Call, Whose},
    who::Who,
};
use crate::{
    consents::Withdrawn,
    error::StoreError,
    id::CallId,
    sqlite::{SqliteLog, column},
    workflow::audit_book,
};

/// Why a hand-off's body is gone, in its tombstone.
const WHY: &str = "consent withdrawn";
/// Name of who carries it out, in the audit log.
const ACTOR: &str = "consent";
/// First and longest pause before one that waits is tried again though nothing it waits for has changed, in ms.
const AGAIN_MS: (i64, i64) = (5_000, 600_000);

/// What a withdrawal waits for, by rows.
#[derive(Debug, Default, Serialize)]
struct Waits {
    /// Calls that run.
    calls: BTreeSet<i64>,
    /// Proposals that are being written.
    proposals: BTreeSet<i64>,
}

impl Waits {
    fn is_empty(&self) -> bool {
        self.calls.is_empty() && self.proposals.is_empty()
    }
}

/// A withdrawal as an earlier try left it.
struct Kept {
    calls: Vec<CallId>,
    who: Option<Vec<Person>>,
    waits: String,
    tries: u32,
}

impl SqliteLog {
    pub(crate) fn withdraw_all(&self, at_unix_ms: i64) -> Result<(), StoreError> {
        let name = |e| self.faults().name(e);
        // Most of the time none is due: found out without taking the file from those who write calls.
        let due = due(&self.reader(), at_unix_ms, None).map_err(name)?;
        let mut all = Ok(());
        for consent in due {
            let one = self.transact(|tx| {
                // Another thread may have been faster.
                if due_still(tx, at_unix_ms, consent).map_err(name)? {
                    let done = self.withdraw(tx, consent, at_unix_ms)?;
                    enter(tx, &done, at_unix_ms).map_err(name)?;
                }
                Ok(())
            });
            // One that fails holds no other up.
            all = all.and(one);
        }
        all
    }

    /// Withdrawals that are carried out in the file, its pages too, with the calls that lost words.
    pub(crate) fn withdrawals_rewritten(&self) -> Result<Vec<(u64, Vec<CallId>)>, StoreError> {
        self.clean_withdrawn()?;
        let reader = self.reader();
        let read = || -> rusqlite::Result<Vec<(i64, String)>> {
            reader
                .prepare_cached(
                    "SELECT consent, calls FROM withdrawals_due WHERE stage = 'rewritten' AND unclean = 0 ORDER BY consent",
                )?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        };
        let rows = read().map_err(|e| self.faults().name(e))?;
        rows.into_iter().map(|(no, calls)| Ok((no.unsigned_abs(), ids(&calls)?))).collect()
    }

    /// Cleans the pages of the file, if a withdrawal has rewritten something since they were cleaned.
    fn clean_withdrawn(&self) -> Result<(), StoreError> {
        let name = |e| self.faults().name(e);
        let unclean: Vec<(i64, i64)> = self
            .reader()
            .prepare_cached("SELECT consent, unclean FROM withdrawals_due WHERE unclean > 0")
            .and_then(|mut s| s.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect())
            .map_err(name)?;
        if unclean.is_empty() {
            return Ok(());
        }
        self.clean_pages()?;
        // What was rewritten meanwhile is counted, and stays unclean.
        self.transact(|tx| {
            let mut clean = tx
                .prepare_cached("UPDATE withdrawals_due SET unclean = max(unclean - ?2, 0) WHERE consent = ?1")
                .map_err(name)?;
            unclean.iter().try_for_each(|(consent, n)| clean.execute([consent, n]).map(drop).map_err(name))
        })
    }

    pub(crate) fn forget_withdrawal(&self, consent: u64) -> Result<(), StoreError> {
        self.transact(|tx| {
            tx.execute("DELETE FROM withdrawals_due WHERE consent = ?1 AND stage = 'rewritten'", [column(consent)])
                .map(drop)
                .map_err(|e| self.faults().name(e))
        })
    }

    fn withdraw(&self, tx: &Transaction<'_>, consent: u64, at: i64) -> Result<Withdrawn, StoreError> {
        let name = |e| self.faults().name(e);
        let mut done = Withdrawn { consent, ..Withdrawn::default() };
        let Some(kept) = kept(tx, consent).map_err(name)?.transpose()? else { return Ok(done) };
        let Some(record) = self.consent(tx, consent)? else { return Ok(done) };
        done.calls = kept.calls;
        let mask = format!("{GONE} #{consent}");
        let mut waits = Waits::default();
        let mut theirs: Vec<(Call, BTreeSet<TrackId>)> = Vec::new();
        let mut others: Vec<Call> = Vec::new();
        for call in rewrite::calls(tx, None, self.faults())? {
            if matches!(&record.says.scope, Scope::Call(id) | Scope::Track(id, _) if id != call.id.as_str()) {
                continue;
            }
            let tracks = self.tracks(tx, &call, &record, &mask)?;
            if tracks.is_empty() {
                others.push(call);
            } else if call.open {
                waits.calls.insert(call.no);
            } else {
                theirs.push((call, tracks));
            }
        }
        let spelled = spellings(&record, kept.who.clone().unwrap_or_default(), &theirs, &mask);
        let who = Who::new(spelled.clone());
        let mut changed = 0;
        let mut reached = BTreeMap::new();
        for (call, tracks) in &theirs {
            let whose = Whose::Person(tracks, &who, &mask);
            let (events, utterances) = rewrite::events(tx, call, &whose, self.faults())?;
            done.events += events;
            reached.insert(call.id.as_str().to_owned(), utterances);
            if events > 0 && !done.calls.contains(&call.id) {
                done.calls.push(call.id.clone());
            }
            if who.named_in(&call.title) || who.hinted_in(&call.title) {
                rewrite::untitle(tx, call).map_err(name)?;
                changed += 1;
            }
        }
        let everywhere = record.says.scope == Scope::AllCalls;
        // Who was on no call that is over may have agreed again; of whom something is reached, that was looked at.
        let everywhere = everywhere && (!reached.is_empty() || self.stands(tx, &record)?);
        if everywhere {
            for call in others.iter().filter(|call| who.surely_named_in(&call.title)) {
                rewrite::untitle(tx, call).map_err(name)?;
                changed += 1;
            }
            let notes = rewrite::notes(tx, &others, &who, self.faults())?;
            waits.calls.extend(notes.open.iter().map(|(no, _)| no));
            done.events += notes.gone.values().sum::<usize>();
            for call in notes.gone.into_keys().filter(|call| !done.calls.contains(call)).collect::<Vec<_>>() {
                done.calls.push(call);
            }
        }
        if everywhere || !reached.is_empty() {
            let reach = Reach::Person { who, calls: reached, everywhere };
            let stone = tombstone(WHY, at);
            done.artifacts = rewrite::artifacts(tx, &reach, &stone).map_err(name)?;
            let stopped = rewrite::proposals(tx, &reach, &stone, at).map_err(name)?;
            done.proposals = stopped.done;
            waits.proposals.extend(stopped.being_written);
        }
        changed += done.events + done.artifacts + done.proposals;
        done.waits = !waits.is_empty();
        let calls: Vec<&str> = done.calls.iter().map(CallId::as_str).collect();
        let calls = json(&calls);
        if done.waits {
            let waits = json(&waits);
            let tries = if waits == kept.waits { kept.tries.saturating_add(1) } else { 0 };
            tx.execute(
                "UPDATE withdrawals_due SET calls = ?2, who = ?3, waits = ?4, tries = ?5, due_unix_ms = ?6,
                    unclean = unclean + ?7 WHERE consent = ?1",
                params![
                    column(consent),
                    calls,
                    json(&spelled),
                    waits,
                    tries,
                    at.saturating_add(pause_ms(tries)),
                    changed > 0
                ],
            )
        } else {
            // The spellings go with it, and are in a page as words are.
            tx.execute(
                "UPDATE withdrawals_due SET stage = 'rewritten', calls = ?2, who = NULL, waits = '{}',
                    unclean = unclean + ?3 WHERE consent = ?1",
                params![column(consent), calls, changed > 0 || kept.who.is_some()],
            )
        }
        .map_err(name)?;
        Ok(done)
    }

    /// Whether the person, so spelled, has not agreed to all calls again since.
    fn stands(&self, tx: &Transaction<'_>, withdrawal: &ConsentRecord) -> Result<bool, StoreError> {
        let person = &withdrawal.says.person;
        // No call has no name: records for all of them count.
        Ok(matches!(decide_for(&self.consents_of(tx, person)?, person, ""), Standing::Withdrawn(_)))
    }

    /// Whose words of a call go: participants the withdrawal is about and who have not agreed again since; and those that
    /// an earlier run has masked.
    fn tracks(
        &self,
        tx: &Transaction<'_>,
        call: &Call,
        withdrawal: &ConsentRecord,
        mask: &str,
    ) -> Result<BTreeSet<TrackId>, StoreError> {
        let mut tracks = BTreeSet::new();
        let scope = &withdrawal.says.scope;
        for person in &call.people {
            if person.name == mask {
                tracks.insert(person.id);
                continue;
            }
            let mut who = Participant::new(person.email.as_deref(), &person.name, person.id.0);
            if !who.is_meant_by(withdrawal) || !scope.covers(call.id.as_str(), who.track) {
                continue;
            }
            let same_name = |other: &str| Person::new(other).ok() == who.name;
            who.namesake = call.people.iter().any(|p| p.id != person.id && same_name(&p.name));
            let mut records = Vec::new();
            for spelling in who.spellings() {
                records.extend(self.consents_of(tx, spelling)?);
            }
            if matches!(decide(&records, &who, call.id.as_str()), Standing::Withdrawn(_)) {
                tracks.insert(person.id);
            }
        }
        Ok(tracks)
    }
}

/// How long one waits that was tried so often in vain.
fn pause_ms(tries: u32) -> i64 {
    AGAIN_MS.0.saturating_mul(1 << tries.min(10)).min(AGAIN_MS.1)
}

/// Withdrawals that were not tried yet, whose pause is over, or of which something they waited for is over; all of them or
/// this one.
fn due(conn: &Connection, now_unix_ms: i64, consent: Option<u64>) -> rusqlite::Result<Vec<u64>> {
    // A pause beyond the longest was written by a clock that has been set back since.
    conn.prepare_cached(&format!(
        "SELECT consent FROM withdrawals_due AS due WHERE stage = 'asked' AND (?3 IS NULL OR consent = ?3) AND (
            due_unix_ms <= ?1 OR due_unix_ms > ?1 + ?2
            OR EXISTS (SELECT 1 FROM json_each(due.waits, '$.calls') AS run LEFT JOIN calls ON calls.no = run.value
                WHERE calls.state IS NOT 'open')
            OR EXISTS (SELECT 1 FROM json_each(due.waits, '$.proposals') AS written
                WHERE NOT EXISTS (SELECT 1 FROM outbox WHERE proposal = written.value AND {BEGUN})))
         ORDER BY consent"
    ))?
    .query_map(params![now_unix_ms, AGAIN_MS.1, consent.map(column)], |row| row.get::<_, i64>(0))?
    .map(|no| no.map(i64::unsigned_abs))
    .collect()
}

fn due_still(tx: &Transaction<'_>, now_unix_ms: i64, consent: u64) -> rusqlite::Result<bool> {
    due(tx, now_unix_ms, Some(consent)).map(|due| !due.is_empty())
}

/// The entry of a withdrawal; none, if another thread has finished it.
fn kept(tx: &Transaction<'_>, consent: u64) -> rusqlite::Result<Option<Result<Kept, StoreError>>> {
    tx.prepare_cached("SELECT calls, who, waits, tries FROM withdrawals_due WHERE consent = ?1")?
        .query_row([column(consent)], |row| {
            let (calls, who): (String, Option<String>) = (row.get(0)?, row.get(1)?);
            let (waits, tries) = (row.get(2)?, row.get(3)?);
            let who = who.and_then(|who| serde_json::from_str(&who).ok());
            Ok(ids(&calls).map(|calls| Kept { calls, who, waits, tries }))
        })
        .optional()
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("strings and numbers always become JSON")
}

/// Writes into the audit log what went; nothing, if nothing did.
fn enter(tx: &Transaction<'_>, done: &Withdrawn, at_unix_ms: i64) -> rusqlite::Result<()> {
    let Withdrawn { consent, calls, events, artifacts, proposals, .. } = done;
    if events + artifacts + proposals == 0 {
        return Ok(());
    }
    let n = calls.len();
    let detail = format!("consent withdrawn: {n} calls, {events} events, {artifacts} hand-offs, {proposals} proposals");
    let mut subjects = vec![format!("consent:{consent}")];
    subjects.extend(calls.iter().map(|call| format!("call {call}")));
    let (by, what) = (Actor::service(ACTOR), What::Erased);
    audit_book::enter(tx, &[Happening { at_unix_ms, by, what, subjects, detail }])
}

/// The person as the registry spells them, as an earlier try has found, and as the calls do.
fn spellings(
    record: &ConsentRecord,
    known: Vec<Person>,
    theirs: &[(Call, BTreeSet<TrackId>)],
    mask: &str,
) -> Vec<Person> {
    let mut all = known;
    all.push(record.says.person.clone());
    for (call, tracks) in theirs {
        for person in call.people.iter().filter(|p| tracks.contains(&p.id) && p.name != mask) {
            all.extend(Person::new(&person.name).ok());
            all.extend(person.email.as_deref().and_then(|e| Person::new(e).ok()));
        }
    }
    all.sort();
    all.dedup();
    all
}

fn ids(calls: &str) -> Result<Vec<CallId>, StoreError> {
    let names: Vec<String> = serde_json::from_str(calls).unwrap_or_default();
    names.into_iter().map(CallId::new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consents::ConsentBook as _;

    /// Another thread has carried it out and finished it between the look and the transaction.
    #[test]
    fn one_that_another_thread_has_finished_is_no_error() {
        let log = SqliteLog::in_memory().unwrap();
        let says = reframe_consent::NewRecord {
            person: Person::new("dana@acme.example").unwrap(),
            scope: Scope::AllCalls,
            jurisdiction: None,
            method: "verbal".into(),
            proof: String::new(),
            given_unix_ms: 1,
            withdrawn_unix_ms: Some(1),
        };
        let consent = log.add_consents(&[says]).unwrap()[0].id;
        log.writer().execute("DELETE FROM withdrawals_due", []).unwrap();
        let done = log.transact(|tx| log.withdraw(tx, consent, 5)).unwrap();
        assert_eq!(done, Withdrawn { consent, ..Withdrawn::default() });
    }

    #[test]
    fn pauses_double_up_to_ten_minutes() {
        let pauses: Vec<i64> = [0, 1, 2, 6, 7, 40].into_iter().map(pause_ms).collect();
        assert_eq!(pauses, [5_000, 10_000, 20_000, 320_000, 600_000, 600_000]);
    }
}
