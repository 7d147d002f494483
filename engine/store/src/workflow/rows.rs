//! Proposals and outbox entries as rows, read and written one at a time.

use reframe_workflow::{
    gate::{Proposal, ProposalId},
    outbox::{Entry, LedgerError, Listed, Standing, State, slot},
};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::{Fault, from_column, to_column};
use crate::sqlite::column;

/// Columns in the order [`kept`] reads them.
pub(super) const LISTED: &str =
    "SELECT proposals.no, revisions.body, detail, shown_unix_ms, decided_unix_ms, shown_revision
    FROM proposals JOIN revisions ON revisions.proposal = proposals.no AND revisions.revision = proposals.revision";

/// A proposal with its row number.
pub(super) struct Kept {
    pub(super) no: i64,
    pub(super) listed: Listed,
    /// Latest revision that was on a screen; 0: none.
    pub(super) shown_revision: u32,
}

pub(super) fn kept(row: &Row<'_>) -> rusqlite::Result<Kept> {
    let listed = Listed {
        proposal: from_column(row, 1)?,
        standing: from_column(row, 2)?,
        shown_unix_ms: row.get(3)?,
        decided_unix_ms: row.get(4)?,
    };
    Ok(Kept { no: row.get(0)?, listed, shown_revision: row.get(5)? })
}

pub(super) fn find(conn: &Connection, id: &ProposalId) -> rusqlite::Result<Option<Kept>> {
    conn.prepare_cached(&format!("{LISTED} WHERE id = ?1"))?.query_row([id.0.as_str()], kept).optional()
}

pub(super) fn must_find(conn: &Connection, id: &ProposalId) -> Result<Kept, Fault> {
    find(conn, id)?.ok_or_else(|| LedgerError::Unknown(id.to_string()).into())
}

pub(super) fn insert(tx: &Transaction<'_>, proposal: &Proposal, standing: &Standing) -> rusqlite::Result<()> {
    let no = tx
        .prepare_cached(
            "INSERT INTO proposals (id, revision, standing, detail, slot, batch, made_unix_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .insert(params![
            proposal.id.0.as_str(),
            proposal.revision,
            standing.as_str(),
            to_column(standing),
            slot(proposal),
            proposal.batch,
            proposal.made_unix_ms,
        ])?;
    add_revision(tx, no, proposal)
}

fn add_revision(tx: &Transaction<'_>, no: i64, proposal: &Proposal) -> rusqlite::Result<()> {
    tx.prepare_cached("INSERT INTO revisions (proposal, revision, body) VALUES (?1, ?2, ?3)")?.execute(params![
        no,
        proposal.revision,
        to_column(proposal)
    ])?;
    Ok(())
}

/// Puts the next revision in place of the present one.
pub(super) fn revise(tx: &Transaction<'_>, no: i64, next: &Proposal) -> rusqlite::Result<()> {
    add_revision(tx, no, next)?;
    tx.prepare_cached("UPDATE proposals SET revision = ?2, slot = ?3, made_unix_ms = ?4 WHERE no = ?1")?
        .execute(params![no, next.revision, slot(next), next.made_unix_ms])?;
    Ok(())
}

/// Changes where a proposal stands; `decided_unix_ms` if a person did.
pub(super) fn stand(
    tx: &Transaction<'_>,
    no: i64,
    standing: &Standing,
    decided_unix_ms: Option<i64>,
) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "UPDATE proposals SET standing = ?2, detail = ?3, decided_unix_ms = coalesce(?4, decided_unix_ms) WHERE no = ?1",
    )?
    .execute(params![no, standing.as_str(), to_column(standing), decided_unix_ms])?;
    Ok(())
}

/// An entry of the outbox with the row number of its proposal.
pub(super) fn entry(conn: &Connection, no: u64) -> rusqlite::Result<Option<(i64, Entry)>> {
    conn.prepare_cached("SELECT proposal, body FROM outbox WHERE no = ?1")?
        .query_row([column(no)], |row| Ok((row.get(0)?, from_column(row, 1)?)))
        .optional()
}

/// The entry of a proposal that is on its way.
pub(super) fn live_entry(conn: &Connection, proposal: i64) -> rusqlite::Result<Option<Entry>> {
    conn.prepare_cached("SELECT body FROM outbox WHERE proposal = ?1 AND state IN ('pending', 'claimed')")?
        .query_row([proposal], |row| from_column(row, 0))
        .optional()
}

/// The column by which entries are claimed: when its turn is, or when its lease ends.
pub(super) const fn due(entry: &Entry) -> i64 {
    match &entry.state {
        State::Claimed { until_unix_ms, .. } => *until_unix_ms,
        _ => entry.due_unix_ms,
    }
}

pub(super) fn save(tx: &Transaction<'_>, entry: &Entry) -> rusqlite::Result<()> {
    tx.prepare_cached("UPDATE outbox SET state = ?2, due_unix_ms = ?3, body = ?4 WHERE no = ?1")?.execute(params![
        column(entry.no),
        entry.state.as_str(),
        due(entry),
        to_column(entry)
    ])?;
    Ok(())
}
