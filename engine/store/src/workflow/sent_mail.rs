//! Mails of the outbox that reached somebody, or may have, and their entries in the contact ledger: what the outbox knows
//! survives a crash between a write and the note of it.

use reframe_policy::{
    ledger::{PersonKey, Salt, Subject, What},
    rules::{Channel, Purpose},
};
use reframe_workflow::{
    artifact::{ArtifactId, Digest},
    audit,
    gate::{Action, Proposal, ProposalId},
    outbox::LedgerError,
};
use rusqlite::{Connection, Row, Transaction, params};

use super::{contacts, from_column, to_column};
use crate::sqlite::{SqliteLog, column, unreadable};

/// A mail that went out, or may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentMail {
    /// Number of its entry in the outbox.
    pub no: u64,
    /// The proposal it was.
    pub proposal: ProposalId,
    /// Digest of the approved bytes.
    pub message: Digest,
    /// Everybody it goes to, whose address can still be read: an erasure may have taken it.
    pub to: Vec<PersonKey>,
    /// When that became known, in ms since 1970-01-01 UTC; of one in doubt, when it was approved.
    pub at_unix_ms: i64,
}

const MAILS: &str = "SELECT outbox.no, proposals.id, approvals.digest, revisions.body, approvals.at_unix_ms
    FROM outbox JOIN approvals ON approvals.no = outbox.approval JOIN proposals ON proposals.no = outbox.proposal
    JOIN revisions ON revisions.proposal = outbox.proposal AND revisions.revision = approvals.revision
    WHERE revisions.body ->> '$.action.do' = 'send_mail'";

impl SqliteLog {
    /// Mails that went out, from number `from_no` of the outbox on, at most `limit`; and the number before which no other
    /// can come up any more.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    pub fn mails_sent(&self, from_no: u64, limit: usize) -> Result<(Vec<SentMail>, u64), LedgerError> {
        self.look(|conn| {
            let sql = format!("{MAILS} AND outbox.state = 'done' AND outbox.no >= ?1 ORDER BY outbox.no LIMIT ?2");
            let mut find = conn.prepare_cached(&sql)?;
            let rows = find.query_map(params![column(from_no), column(limit as u64)], mail)?;
            let mut sent = rows.collect::<rusqlite::Result<Vec<_>>>()?;
            for mail in &mut sent {
                mail.at_unix_ms = done_at(conn, mail)?;
            }
            let settled: i64 = conn
                .prepare_cached(
                    "SELECT coalesce((SELECT min(no) FROM outbox WHERE state IN ('pending', 'claimed')),
                                     (SELECT max(no) + 1 FROM outbox), 0)",
                )?
                .query_row([], |row| row.get(0))?;
            // A full page may not be the last.
            let upto = match sent.last() {
                Some(last) if sent.len() == limit => settled.unsigned_abs().min(last.no + 1),
                _ => settled.unsigned_abs(),
            };
            Ok((sent, upto))
        })
    }

    /// Mails of which an attempt was begun and nobody knows how it ended.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    pub fn mails_in_doubt(&self) -> Result<Vec<SentMail>, LedgerError> {
        self.look(|conn| {
            let live = "outbox.state IN ('pending', 'claimed') AND outbox.body ->> '$.doubt' IS NOT NULL";
            let mut find = conn.prepare_cached(&format!("{MAILS} AND {live} ORDER BY outbox.no"))?;
            Ok(find.query_map([], mail)?.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Enters a mail that went out in the ledger, once for each person whatever is called how often, with what it rested on
    /// when it was cleared. Who was erased meanwhile is passed over. Gives how many entries are new.
    ///
    /// # Errors
    /// [`LedgerError::Store`].
    pub fn note_sent(&self, mail: &SentMail, salt: &Salt, by: &str) -> Result<usize, LedgerError> {
        let wanting = |conn: &Connection| -> rusqlite::Result<Vec<PersonKey>> {
            let mut left = Vec::new();
            for key in &mail.to {
                if !is_noted(conn, key, mail)? && !is_erased(conn, key, salt)? {
                    left.push(key.clone());
                }
            }
            Ok(left)
        };
        // Mostly all is noted: found out without taking the file from those who write calls.
        if self.look(|conn| Ok(wanting(conn)?))?.is_empty() {
            return Ok(0);
        }
        self.change(|tx| {
            let left = wanting(tx)?;
            for key in &left {
                let about = Subject::Person { key: key.clone() };
                contacts::add(tx, &about, &touch(tx, &about, mail)?, by, mail.at_unix_ms)?;
            }
            Ok(left.len())
        })
    }
}

fn mail(row: &Row<'_>) -> rusqlite::Result<SentMail> {
    let proposal: String = row.get(1)?;
    let digest: String = row.get(2)?;
    // An erasure may have left something else in its place.
    let body: String = row.get(3)?;
    let to = match serde_json::from_str::<Proposal>(&body).map(|proposal| proposal.action) {
        Ok(Action::SendMail { mail, .. }) => {
            let mut to: Vec<_> = mail.to.iter().chain(&mail.cc).filter_map(|a| PersonKey::new(a).ok()).collect();
            to.sort();
            to.dedup();
            to
        }
        _ => Vec::new(),
    };
    Ok(SentMail {
        no: u64::try_from(row.get::<_, i64>(0)?).unwrap_or_default(),
        proposal: ProposalId(proposal.parse::<ArtifactId>().map_err(|e| unreadable(1, e.into()))?),
        message: Digest::try_from(digest).map_err(|e| unreadable(2, e.into()))?,
        to,
        at_unix_ms: row.get(4)?,
    })
}

/// When the outbox learned that it went out, as the audit log has it.
fn done_at(conn: &Connection, mail: &SentMail) -> rusqlite::Result<i64> {
    let mut find = conn.prepare_cached(
        "SELECT audit.body FROM audit_subjects JOIN audit USING (seq) WHERE subject = ?1 ORDER BY seq DESC",
    )?;
    let mut rows = find.query([mail.proposal.to_string()])?;
    let ours = format!("outbox {} ", mail.no);
    while let Some(row) = rows.next()? {
        let entry: audit::Entry = from_column(row, 0)?;
        if matches!(entry.what, audit::What::Done | audit::What::Found) && entry.detail.starts_with(&ours) {
            return Ok(entry.at_unix_ms);
        }
    }
    Ok(mail.at_unix_ms)
}

fn is_noted(conn: &Connection, key: &PersonKey, mail: &SentMail) -> rusqlite::Result<bool> {
    let about = to_column(&Subject::Person { key: key.clone() });
    let sql = "SELECT EXISTS (SELECT 1 FROM contact_ledger WHERE about = ?1 AND what ->> '$.what' = 'touch_sent'
               AND what ->> '$.message' = ?2)";
    conn.prepare_cached(sql)?.query_row([about.as_str(), mail.message.as_str()], |row| row.get(0))
}

fn is_erased(conn: &Connection, key: &PersonKey, salt: &Salt) -> rusqlite::Result<bool> {
    let about = to_column(&Subject::Erased { hash: salt.hash(key) });
    let sql = "SELECT EXISTS (SELECT 1 FROM contact_ledger WHERE about = ?1)";
    conn.prepare_cached(sql)?.query_row([about], |row| row.get(0))
}

/// The entry of a mail, with purpose and basis as it was cleared; without that, as outreach, which counts for most.
fn touch(tx: &Transaction<'_>, about: &Subject, mail: &SentMail) -> rusqlite::Result<What> {
    let sql = "SELECT seq, at_unix_ms, about, what, by FROM contact_ledger WHERE about = ?1
               AND what ->> '$.what' = 'cleared' AND what ->> '$.message' = ?2 ORDER BY seq DESC LIMIT 1";
    let mut find = tx.prepare_cached(sql)?;
    let mut rows = find.query_map([to_column(about).as_str(), mail.message.as_str()], contacts::read)?;
    let (purpose, basis) = match rows.next().transpose()?.map(|entry| entry.what) {
        Some(What::Cleared { purpose, basis, .. }) => (purpose, Some(basis)),
        _ => (Purpose::Outreach, None),
    };
    Ok(What::TouchSent { channel: Channel::Email, purpose, message: mail.message.clone(), basis })
}
