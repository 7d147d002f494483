//! The executor's side in the file.

use reframe_workflow::{
    audit::{Actor, Happening, What, code_of},
    outbox::{Claim, Entry, LedgerError, Outcome, Queue, Service, Standing, State, VoidWhy, Worker, subjects},
};
use rusqlite::{Connection, OptionalExtension, params};

use super::{Fault, audit_book, from_column, rows, to_column};
use crate::sqlite::{SqliteLog, column};

impl Queue for SqliteLog {
    fn enrol(&self, service: &Service, by: &Actor, at_unix_ms: i64) -> Result<(), LedgerError> {
        self.change(|tx| {
            let known = find_service(tx, &service.name)?;
            if known.as_ref() == Some(service) {
                return Ok(());
            }
            if known.is_some_and(|s| s.revoked_unix_ms.is_some()) {
                return Err(stopped(&service.name, "it was revoked; enrol one of another name").into());
            }
            put_service(tx, service)?;
            let rights: Vec<_> = service.rights.iter().map(|r| format!("{}/{}", r.system, r.action)).collect();
            let detail = rights.join(" ");
            audit_book::add(tx, &[about_service(&service.name, by, What::Enrolled, detail, at_unix_ms)])
        })
    }

    fn revoke(&self, service: &str, by: &Actor, at_unix_ms: i64) -> Result<(), LedgerError> {
        self.change(|tx| {
            let known = find_service(tx, service)?.ok_or_else(|| LedgerError::Unknown(service.to_owned()))?;
            if known.revoked_unix_ms.is_some() {
                return Ok(());
            }
            put_service(tx, &Service { revoked_unix_ms: Some(at_unix_ms), ..known })?;
            audit_book::add(tx, &[about_service(service, by, What::Revoked, String::new(), at_unix_ms)])
        })
    }

    fn service(&self, name: &str) -> Result<Option<Service>, LedgerError> {
        self.look(|conn| Ok(find_service(conn, name)?))
    }

    fn claim(&self, worker: &Worker, now_unix_ms: i64) -> Result<Option<Claim>, LedgerError> {
        // Most of the time nothing is due: found out without taking the file from those who write calls.
        if self.look(|conn| Ok(next(conn, worker, now_unix_ms)?))?.is_none() {
            return Ok(None);
        }
        self.change(|tx| {
            let Some((proposal, entry)) = next(tx, worker, now_unix_ms)? else { return Ok(None) };
            let entry = entry.claimed(&worker.run, now_unix_ms, worker.limits);
            rows::save(tx, &entry)?;
            let proposal = tx
                .prepare_cached(&format!("{} WHERE proposals.no = ?1", rows::LISTED))?
                .query_row([proposal], rows::kept)?
                .listed
                .proposal;
            Ok(Some(Claim { entry, proposal }))
        })
    }

    fn begin(&self, held: &Entry, worker: &Worker, now_unix_ms: i64) -> Result<Entry, LedgerError> {
        self.change(|tx| {
            let (_, stored) = must_find(tx, held.no)?;
            stored.is_held_as(held)?;
            let service = find_service(tx, &worker.service)?;
            match service {
                None => return Err(stopped(&worker.service, "it was never enrolled").into()),
                Some(s) if s.revoked_unix_ms.is_some() => return Err(stopped(&s.name, "it was revoked").into()),
                Some(_) => {}
            }
            let begun = stored.begun(&worker.run, now_unix_ms, worker.limits)?;
            rows::save(tx, &begun)?;
            let digest = &begun.approval.digest;
            let detail = format!("outbox {} attempt {} bytes {digest}", begun.no, begun.attempts);
            let proposal = rows::must_find(tx, begun.proposal())?.listed.proposal;
            let by = Actor::service(&worker.service);
            let what = What::WriteAttempted;
            let subjects = subjects(&proposal);
            audit_book::add(tx, &[Happening { at_unix_ms: now_unix_ms, by, what, subjects, detail }])?;
            Ok(begun)
        })
    }

    fn settle(&self, held: &Entry, worker: &Worker, outcome: &Outcome, now_unix_ms: i64) -> Result<Entry, LedgerError> {
        self.change(|tx| {
            let (no, stored) = must_find(tx, held.no)?;
            stored.is_held_as(held)?;
            let entry = stored.settled(outcome, now_unix_ms);
            rows::save(tx, &entry)?;
            let standing = match &entry.state {
                State::Done { receipt } => Some(Standing::Done { receipt: receipt.clone() }),
                State::Failed { reason } => Some(Standing::Failed { reason: reason.clone() }),
                State::Void { why } => Some(Standing::Void { why: why.clone() }),
                _ => None,
            };
            if let Some(standing) = standing {
                rows::stand(tx, no, &standing, None)?;
            }
            if let Some((what, said)) = told(outcome) {
                let proposal = rows::must_find(tx, entry.proposal())?.listed.proposal;
                let by = Actor::service(&worker.service);
                let detail = format!("outbox {} attempt {}: {said}", entry.no, entry.attempts);
                let subjects = subjects(&proposal);
                audit_book::add(tx, &[Happening { at_unix_ms: now_unix_ms, by, what, subjects, detail }])?;
            }
            Ok(entry)
        })
    }

    fn next_due(&self) -> Result<Option<i64>, LedgerError> {
        self.look(|conn| {
            let mut first = conn.prepare_cached(
                "SELECT min(due) FROM (SELECT min(due_unix_ms) AS due FROM outbox WHERE state = 'pending'
                 UNION ALL SELECT min(due_unix_ms) FROM outbox WHERE state = 'claimed')",
            )?;
            Ok(first.query_row([], |row| row.get(0))?)
        })
    }

    fn entries(&self, state: Option<&str>, from_no: u64, limit: usize) -> Result<Vec<Entry>, LedgerError> {
        self.look(|conn| {
            let mut find = conn.prepare_cached(
                "SELECT body FROM outbox WHERE no >= ?2 AND (?1 IS NULL OR state = ?1) ORDER BY no LIMIT ?3",
            )?;
            let rows = find.query_map(params![state, column(from_no), column(limit as u64)], |r| from_column(r, 0))?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }
}

/// What the audit log says of an outcome; nothing of one that changed nothing.
fn told(outcome: &Outcome) -> Option<(What, String)> {
    Some(match outcome {
        Outcome::Done(receipt) => (What::Done, receipt.record.to_string()),
        Outcome::Found(receipt) => (What::Found, receipt.record.to_string()),
        Outcome::NotDone { problem, .. } => (What::NotDone, code_of(problem)),
        Outcome::Unknown { problem } => (What::Unknown, code_of(problem)),
        Outcome::Failed { reason } => (What::Failed, code_of(reason)),
        // How the record reads now is in there.
        Outcome::Void(VoidWhy::TargetChanged { .. }) => (What::Void, "the record has changed since".to_owned()),
        Outcome::Void(why) => (What::Void, why.to_string()),
        Outcome::Later { .. } => return None,
    })
}

/// The entry whose turn it is. The first of each state is due if any is, but for those that a clock which has been set
/// back since left far ahead: they are the last.
fn next(conn: &Connection, worker: &Worker, now_unix_ms: i64) -> rusqlite::Result<Option<(i64, Entry)>> {
    for order in ["ASC", "DESC"] {
        let mut due = Vec::new();
        for state in ["pending", "claimed"] {
            let sql = format!(
                "SELECT proposal, body FROM outbox WHERE state = '{state}' ORDER BY due_unix_ms {order}, no {order} LIMIT 1"
            );
            let first: Option<(i64, Entry)> =
                conn.prepare_cached(&sql)?.query_row([], |row| Ok((row.get(0)?, from_column(row, 1)?))).optional()?;
            due.extend(first.filter(|(_, entry)| entry.is_due(now_unix_ms, worker.limits)));
        }
        let first = due.into_iter().min_by_key(|(_, entry)| (rows::due(entry), entry.no));
        if first.is_some() {
            return Ok(first);
        }
    }
    Ok(None)
}

fn must_find(conn: &Connection, no: u64) -> Result<(i64, Entry), Fault> {
    rows::entry(conn, no)?.ok_or_else(|| LedgerError::Unknown(format!("outbox entry {no}")).into())
}

fn find_service(conn: &Connection, name: &str) -> rusqlite::Result<Option<Service>> {
    conn.prepare_cached("SELECT body FROM services WHERE name = ?1")?
        .query_row([name], |r| from_column(r, 0))
        .optional()
}

fn put_service(conn: &Connection, service: &Service) -> rusqlite::Result<()> {
    let sql = "INSERT INTO services (name, body) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET body = ?2";
    conn.prepare_cached(sql)?.execute(params![service.name, to_column(service)]).map(drop)
}

fn stopped(service: &str, why: &'static str) -> LedgerError {
    LedgerError::Stopped { service: service.to_owned(), why }
}

fn about_service(name: &str, by: &Actor, what: What, detail: String, at_unix_ms: i64) -> Happening {
    Happening { at_unix_ms, by: by.clone(), what, subjects: vec![format!("service:{name}")], detail }
}
