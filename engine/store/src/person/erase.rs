//! Erasing a person: written down, carried out, cleaned, done.

use std::collections::{BTreeMap, BTreeSet};

use reframe_call::audio::TrackId;
use reframe_consent::{Person, Scope};
use reframe_policy::ledger::{PersonKey, Salt};
use reframe_workflow::{
    audit::{Actor, Happening, What},
    outbox::AuditBook,
};
use rusqlite::{OptionalExtension, Row, Transaction, TransactionBehavior, params};

use super::{
    Due, Erased, PersonError, SALT_BYTES,
    reach::Reach,
    redact::{GONE, tombstone},
    rewrite::{self, Call, Whose},
    salted,
    who::Who,
};
use crate::{
    error::StoreError,
    id::CallId,
    sqlite::{SqliteLog, column, unreadable},
    workflow::{contacts, items},
};

/// Digits of the digest that stand in a mask: enough to tell erased people of one call apart.
const MASK_DIGITS: usize = 8;

/// A wish as it is written down.
struct Wish {
    digest: String,
    who: Option<Vec<Person>>,
    calls: Vec<String>,
}

impl SqliteLog {
    /// Erases a person, named by every spelling that is known: e-mail addresses and names, the main one first. A name
    /// alone is taken out wherever a participant is called so. `salt` is at least 16 secret bytes, the same each time,
    /// kept outside this file; `by` and `at_unix_ms` go into the audit log.
    ///
    /// Harmless to repeat, and to be repeated with more spellings.
    ///
    /// # Errors
    /// [`PersonError`]. After an error of the file, [`resume_person_erasures`](Self::resume_person_erasures) goes on.
    pub fn erase_person(
        &self,
        who: &[Person],
        salt: &[u8],
        by: &Actor,
        at_unix_ms: i64,
    ) -> Result<Erased, PersonError> {
        let main = who.first().ok_or(PersonError::Nobody)?;
        if salt.len() < SALT_BYTES {
            return Err(PersonError::Salt(salt.len()));
        }
        let digest = salted(salt, main);
        let names = serde_json::to_string(who).expect("strings always become JSON");
        let ledger_salt = Salt::new(salt).map_err(|_| PersonError::Salt(salt.len()))?;
        let keys: Vec<PersonKey> = who.iter().filter_map(|person| PersonKey::new(person.as_str()).ok()).collect();
        let no: i64 = self.transact(|tx| {
            let name = |e| self.faults().name(e);
            // At once, whatever else has to wait: the salt is not kept here, and nobody writes to them from now on.
            contacts::forget(tx, &keys, &ledger_salt, "erasure", at_unix_ms).map_err(name)?;
            let known: Option<i64> = tx
                .query_row("SELECT no FROM forgotten WHERE digest = ?1", [digest.as_str()], |r| r.get(0))
                .optional()
                .map_err(name)?;
            match known {
                Some(no) => tx
                    .execute("UPDATE forgotten SET who = ?2, stage = 'asked' WHERE no = ?1", params![no, names])
                    .map(|_| no)
                    .map_err(name),
                None => tx
                    .execute(
                        "INSERT INTO forgotten (digest, asked_unix_ms, who, stage, calls) VALUES (?1, ?2, ?3, 'asked', '[]')",
                        params![digest.as_str(), at_unix_ms, names],
                    )
                    .map(|_| tx.last_insert_rowid())
                    .map_err(name),
            }
        })?;
        self.carry_out(no, by, at_unix_ms)
    }

    /// Goes on with every erasure that is due in the store: what a crash cut short, and calls that are over by now.
    ///
    /// # Errors
    /// [`PersonError`] of the first that cannot be carried out.
    pub fn resume_person_erasures(&self, by: &Actor, at_unix_ms: i64) -> Result<Vec<Erased>, PersonError> {
        let due = self.person_erasures_due()?;
        due.iter().map(|due| self.carry_out(due.no.cast_signed(), by, at_unix_ms)).collect()
    }

    /// Erasures that are not over, the oldest first.
    ///
    /// # Errors
    /// Errors of the file.
    pub fn person_erasures_due(&self) -> Result<Vec<Due>, StoreError> {
        let reader = self.reader();
        let read = || -> rusqlite::Result<Vec<Due>> {
            reader
                .prepare_cached(
                    "SELECT no, digest, asked_unix_ms, who IS NOT NULL, calls FROM forgotten WHERE stage <> 'done' ORDER BY no",
                )?
                .query_map([], due)?
                .collect()
        };
        read().map_err(|e| self.faults().name(e))
    }

    /// Files outside the store are rid of the person too. Nothing happens if the store itself is not yet.
    ///
    /// # Errors
    /// Errors of the file.
    pub fn person_erased(&self, no: u64) -> Result<bool, StoreError> {
        self.transact(|tx| {
            tx.execute("UPDATE forgotten SET stage = 'done', calls = '[]' WHERE no = ?1 AND who IS NULL", [column(no)])
                .map(|n| n > 0)
                .map_err(|e| self.faults().name(e))
        })
    }

    fn carry_out(&self, no: i64, by: &Actor, at: i64) -> Result<Erased, PersonError> {
        let (erased, digest) = self.transact(|tx| self.rewrite_person(tx, no, at))?;
        self.clean_pages()?;
        // A repetition leaves no entry; one that a crash cut short leaves the entry that is missing.
        let changed = erased.events + erased.artifacts + erased.proposals + erased.items > 0;
        if changed || self.record_of(&digest).map_err(PersonError::Audit)?.is_empty() {
            let detail = format!(
                "a person: {} calls, {} events, {} hand-offs, {} proposals",
                erased.calls.len(),
                erased.events,
                erased.artifacts,
                erased.proposals
            );
            let entry =
                Happening { at_unix_ms: at, by: by.clone(), what: What::Erased, subjects: vec![digest], detail };
            self.note(&[entry]).map_err(PersonError::Audit)?;
        }
        Ok(erased)
    }

    /// Everything in the file, in one transaction.
    fn rewrite_person(&self, tx: &Transaction<'_>, no: i64, at: i64) -> Result<(Erased, String), StoreError> {
        let name = |e| self.faults().name(e);
        let wish = wish(tx, no).map_err(name)?;
        let mut erased = Erased { no: no.unsigned_abs(), calls: ids(wish.calls)?, ..Erased::default() };
        // Rewritten already; what is left is to clean the pages and to name the files.
        let Some(spellings) = wish.who else { return Ok((erased, wish.digest)) };
        erased.items = items::forget(tx, &spellings).map_err(name)?;
        let who = Who::new(spellings);
        let mask = format!("{GONE} {}", &wish.digest[..MASK_DIGITS]);
        let on_record = on_record(tx, &who).map_err(name)?;
        let none = BTreeSet::new();
        let mut theirs = BTreeMap::new();
        let mut others = Vec::new();
        for call in rewrite::calls(tx, None, self.faults())? {
            let known = on_record.get(call.id.as_str());
            let tracks = tracks(&call, &who, &mask, known.unwrap_or(&none));
            if tracks.is_empty() {
                if known.is_some() {
                    erased.unmatched_calls.push(call.id.clone());
                }
            } else if call.open {
                erased.open_calls.push(call.id.clone());
                continue;
            } else {
                let whose = Whose::Person(&tracks, &who, &mask);
                let (changed, utterances) = rewrite::events(tx, &call, &whose, self.faults())?;
                erased.events += changed;
                theirs.insert(call.id.as_str().to_owned(), utterances);
                if changed > 0 && !erased.calls.contains(&call.id) {
                    erased.calls.push(call.id.clone());
                }
            }
            let own = !tracks.is_empty();
            if who.named_in(&call.title) || own && who.hinted_in(&call.title) {
                rewrite::untitle(tx, &call).map_err(name)?;
            }
            if !own {
                others.push(call);
            }
        }
        let notes = rewrite::notes(tx, &others, &who, self.faults())?;
        erased.open_calls.extend(notes.open.into_iter().map(|(_, call)| call));
        erased.events += notes.gone.values().sum::<usize>();
        for call in notes.gone.into_keys() {
            if !erased.calls.contains(&call) {
                erased.calls.push(call);
            }
        }
        let reach = Reach::Person { who, calls: theirs, everywhere: true };
        let stone = tombstone(&wish.digest, at);
        erased.artifacts = rewrite::artifacts(tx, &reach, &stone).map_err(name)?;
        let stopped = rewrite::proposals(tx, &reach, &stone, at).map_err(name)?;
        (erased.proposals, erased.being_written) = (stopped.done, stopped.being_written.len());
        let waits = !erased.open_calls.is_empty() || erased.being_written > 0;
        let calls: Vec<&str> = erased.calls.iter().map(CallId::as_str).collect();
        let calls = serde_json::to_string(&calls).expect("strings always become JSON");
        let sql = if waits {
            "UPDATE forgotten SET calls = ?2 WHERE no = ?1"
        } else {
            "UPDATE forgotten SET calls = ?2, who = NULL, stage = 'rewritten' WHERE no = ?1"
        };
        tx.execute(sql, params![no, calls]).map_err(name)?;
        Ok((erased, wish.digest))
    }

    /// Takes what was deleted out of the index's pages, then out of all pages and the write-ahead log.
    pub(crate) fn clean_pages(&self) -> Result<(), StoreError> {
        // `secure-delete` leaves keys by which the index's own tree is searched; merging it into one writes them anew.
        self.writer()
            .execute("INSERT INTO said_index (said_index) VALUES ('optimize')", [])
            .map_err(|e| self.faults().name(e))?;
        self.leave_no_trace()
    }

    /// Runs `body` in a write transaction: all of it, or nothing on any error.
    pub(crate) fn transact<T>(
        &self,
        body: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let name = |e| self.faults().name(e);
        let mut writer = self.writer();
        let tx = writer.transaction_with_behavior(TransactionBehavior::Immediate).map_err(name)?;
        let value = body(&tx)?;
        tx.commit().map_err(name)?;
        Ok(value)
    }
}

fn due(row: &Row<'_>) -> rusqlite::Result<Due> {
    let calls: String = row.get(4)?;
    Ok(Due {
        no: row.get::<_, i64>(0)?.unsigned_abs(),
        digest: row.get(1)?,
        asked_unix_ms: row.get(2)?,
        in_store: row.get(3)?,
        calls: ids(serde_json::from_str(&calls).unwrap_or_default()).map_err(|e| unreadable(4, e.into()))?,
    })
}

fn ids(names: Vec<String>) -> Result<Vec<CallId>, StoreError> {
    names.into_iter().map(CallId::new).collect()
}

fn wish(tx: &Transaction<'_>, no: i64) -> rusqlite::Result<Wish> {
    tx.query_row("SELECT digest, who, calls FROM forgotten WHERE no = ?1", [no], |row| {
        let (who, calls): (Option<String>, String) = (row.get(1)?, row.get(2)?);
        Ok(Wish {
            digest: row.get(0)?,
            who: who.and_then(|who| serde_json::from_str(&who).ok()),
            calls: serde_json::from_str(&calls).unwrap_or_default(),
        })
    })
}

/// Calls the consent registry names them in, each with the tracks it names.
fn on_record(tx: &Transaction<'_>, who: &Who) -> rusqlite::Result<BTreeMap<String, BTreeSet<TrackId>>> {
    let mut found: BTreeMap<String, BTreeSet<TrackId>> = BTreeMap::new();
    let mut ask = tx.prepare_cached("SELECT scope FROM consents WHERE person = ?1")?;
    for person in who.spellings() {
        let scopes: Vec<String> =
            ask.query_map([person.as_str()], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        for scope in scopes.iter().filter_map(|s| s.parse().ok()) {
            match scope {
                Scope::AllCalls => {}
                Scope::Call(call) => drop(found.entry(call).or_default()),
                Scope::Track(call, track) => drop(found.entry(call).or_default().insert(TrackId(track))),
            }
        }
    }
    Ok(found)
}

/// Their tracks in a call: by name, as the registry says, or by the mask of an earlier run, whose calls are still needed to
/// tell which hand-offs and proposals quote them.
fn tracks(call: &Call, who: &Who, mask: &str, on_record: &BTreeSet<TrackId>) -> BTreeSet<TrackId> {
    let named = call.people.iter().filter(|p| who.is(&p.name) || p.name == mask).map(|p| p.id);
    named.chain(on_record.iter().copied()).collect()
}
