//! Consent taken back when a call is over: what that person said there goes, and whatever quotes or names them with it.
//!
//! A trigger of the file writes down that a withdrawal is due in the transaction that enters it into the registry, so none is
//! forgotten, whoever enters it. The words are taken out in one transaction; the file's pages and the files outside follow,
//! and only then it is off the list. A call that still runs is left until it is over: there the engine itself stops
//! listening and asks for the words to be erased.

use std::collections::{BTreeMap, BTreeSet};

use reframe_call::audio::TrackId;
use reframe_consent::{ConsentRecord, Participant, Person, Scope, Standing, decide};
use reframe_workflow::audit::{Actor, Happening, What};
use rusqlite::{Transaction, params};

use super::{
    reach::Reach,
    redact::{GONE, tombstone},
    rewrite::{self, Call, Whose},
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

impl SqliteLog {
    pub(crate) fn withdraw_all(&self, at_unix_ms: i64) -> Result<(), StoreError> {
        // Most of the time none is due: found out without taking the file from those who write calls.
        let mut all = Ok(());
        for consent in self.withdrawals("asked")?.into_keys() {
            let one = self.transact(|tx| {
                let done = self.withdraw(tx, consent, at_unix_ms)?;
                enter(tx, &done, at_unix_ms).map_err(|e| self.faults().name(e))
            });
            // One that fails holds no other up.
            all = all.and(one);
        }
        all
    }

    /// Withdrawals at a stage, with the calls that lost words.
    pub(crate) fn withdrawals(&self, stage: &str) -> Result<BTreeMap<u64, Vec<CallId>>, StoreError> {
        let reader = self.reader();
        let read = || -> rusqlite::Result<Vec<(i64, String)>> {
            reader
                .prepare_cached("SELECT consent, calls FROM withdrawals_due WHERE stage = ?1 ORDER BY consent")?
                .query_map([stage], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        };
        let rows = read().map_err(|e| self.faults().name(e))?;
        rows.into_iter().map(|(no, calls)| Ok((no.unsigned_abs(), ids(&calls)?))).collect()
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
        let Some(record) = self.consent(tx, consent)? else { return Ok(done) };
        let known: String = tx
            .query_row("SELECT calls FROM withdrawals_due WHERE consent = ?1", [column(consent)], |r| r.get(0))
            .map_err(name)?;
        done.calls = ids(&known)?;
        let mask = format!("{GONE} #{consent}");
        let mut waits = false;
        let mut theirs: Vec<(Call, BTreeSet<TrackId>)> = Vec::new();
        for call in rewrite::calls(tx, None, self.faults())? {
            if matches!(&record.says.scope, Scope::Call(id) | Scope::Track(id, _) if id != call.id.as_str()) {
                continue;
            }
            let tracks = self.tracks(tx, &call, &record, &mask)?;
            if tracks.is_empty() {
                continue;
            }
            if call.open {
                waits = true;
            } else {
                theirs.push((call, tracks));
            }
        }
        let who = Who::new(spellings(&record, &theirs, &mask));
        let mut reached = BTreeMap::new();
        for (call, tracks) in &theirs {
            let whose = Whose::Person(tracks, &who, &mask);
            let (changed, utterances) = rewrite::events(tx, call, &whose, self.faults())?;
            done.events += changed;
            reached.insert(call.id.as_str().to_owned(), utterances);
            if changed > 0 && !done.calls.contains(&call.id) {
                done.calls.push(call.id.clone());
            }
            if who.named_in(&call.title) {
                tx.execute("UPDATE calls SET title = ?2 WHERE no = ?1", params![call.no, GONE]).map_err(name)?;
            }
        }
        if !reached.is_empty() {
            let everywhere = record.says.scope == Scope::AllCalls;
            let reach = Reach::Person { who, calls: reached, everywhere };
            let stone = tombstone(WHY, at);
            done.artifacts = rewrite::artifacts(tx, &reach, &stone).map_err(name)?;
            let (proposals, being_written) = rewrite::proposals(tx, &reach, &stone, at).map_err(name)?;
            done.proposals = proposals;
            waits |= being_written > 0;
        }
        done.waits = waits;
        let calls: Vec<&str> = done.calls.iter().map(CallId::as_str).collect();
        let calls = serde_json::to_string(&calls).expect("strings always become JSON");
        let stage = if waits { "asked" } else { "rewritten" };
        tx.execute(
            "UPDATE withdrawals_due SET stage = ?2, calls = ?3 WHERE consent = ?1",
            params![column(consent), stage, calls],
        )
        .map_err(name)?;
        Ok(done)
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

/// The person as the registry spells them, and as the calls do.
fn spellings(record: &ConsentRecord, theirs: &[(Call, BTreeSet<TrackId>)], mask: &str) -> Vec<Person> {
    let mut all = vec![record.says.person.clone()];
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
