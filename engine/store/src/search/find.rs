//! The query: candidates from the index, the latest first, then ranked.

use std::ops::RangeInclusive;

use reframe_call::{audio::Party, event::UtteranceId};
use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use super::{
    Filters, Found, Hit, PER_CALL, Snippet,
    index::{behind, spelled},
    query::expression,
    snippet::{CLOSE, OPEN},
};
use crate::{
    error::StoreError,
    id::CallId,
    sqlite::{SqliteLog, unreadable},
};

/// Hits that are ranked, the latest ones: 25 screens of twenty.
const CANDIDATES: usize = 500;
/// A speaker who was on at most this many calls is looked for call by call. One who was on more is met so often that
/// the walk through all hits finds enough of them soon.
const FEW_CALLS: usize = 500;
/// Frequency saturation and length normalisation of BM25, as Lucene and SQLite have them.
const K1: f64 = 1.2;
const B: f64 = 0.75;
/// Words of an utterance of average length. A constant, for the average of what is stored moves with every call and would
/// change the order of old hits: committed utterances in our recorded calls have 10 to 16.
const AVERAGE_WORDS: f64 = 13.0;
/// Age at which the part of the score that ages has halved, in ms: 90 days, a sales cycle.
const HALF_LIFE_MS: f64 = 90.0 * 24.0 * 60.0 * 60.0 * 1_000.0;

/// The index is the outer loop; `CROSS` keeps SQLite from turning the join round. Its order follows: see [`candidates`].
const HITS: &str = "SELECT f.rowid, s.start_ms, s.words, highlight(said_index, 0, char(1), char(2)),
        c.id, c.title, c.started_unix_ms, p.name, p.side
    FROM said_index AS f CROSS JOIN said AS s ON s.no = f.rowid CROSS JOIN calls AS c ON c.no = f.rowid / 1048576
    LEFT JOIN said_by AS p ON p.call = c.no AND p.track = s.track
    WHERE f.text MATCH ?1 AND f.rowid BETWEEN ?2 AND ?3
      AND (?4 IS NULL OR c.started_unix_ms >= ?4) AND (?5 IS NULL OR c.started_unix_ms < ?5)
      AND (?6 IS NULL OR coalesce(p.side, 'unknown') = ?6) AND (?7 IS NULL OR instr(p.spelled, ?7) > 0)
    ORDER BY f.rowid";

impl SqliteLog {
    /// Who said `query` when: the best hits first, at most `limit`. Age is counted back from `now_unix_ms`. Whatever is
    /// typed is a query: what holds neither letter nor digit finds nothing.
    ///
    /// # Errors
    /// Errors of the file.
    pub fn search(&self, query: &str, filters: &Filters, limit: usize, now_unix_ms: i64) -> Result<Found, StoreError> {
        let mut reader = self.reader();
        let mut run = || -> rusqlite::Result<Found> {
            // One state of the file for all that is asked of it.
            let tx = reader.transaction_with_behavior(TransactionBehavior::Deferred)?;
            let calls_behind = behind(&tx)?;
            let mut hits = match expression(query) {
                Some(expression) => candidates(&tx, &expression, filters, now_unix_ms)?,
                None => Vec::new(),
            };
            // Of equal ones the later call comes first, and within a call what was said first.
            hits.sort_by(|a, b| {
                let later = b.score.total_cmp(&a.score).then_with(|| b.started_unix_ms.cmp(&a.started_unix_ms));
                later.then_with(|| (&a.call, a.utterance).cmp(&(&b.call, b.utterance)))
            });
            hits.truncate(limit);
            Ok(Found { hits, calls_behind })
        };
        run().map_err(|e| self.faults().name(e))
    }
}

fn candidates(conn: &Connection, expression: &str, filters: &Filters, now: i64) -> rusqlite::Result<Vec<Hit>> {
    let speaker = filters.speaker.as_deref().map(spelled).filter(|s| !s.is_empty());
    let ranges = ranges(conn, filters, speaker.as_deref())?;
    // Backwards the index is walked from its end, forwards it can leap to where a call begins; so many calls are walked
    // from the latest, and single calls each from its beginning.
    let single = ranges.iter().all(|range| range.end() - range.start() < PER_CALL);
    let order = if single { "ASC" } else { "DESC" };
    let mut ask = conn.prepare_cached(&format!("{HITS} {order} LIMIT ?8"))?;
    let mut hits = Vec::new();
    for range in ranges {
        let left = i64::try_from(CANDIDATES - hits.len()).unwrap_or(0);
        let mut rows = ask.query(params![
            expression,
            range.start(),
            range.end(),
            filters.from_unix_ms,
            filters.to_unix_ms,
            filters.side.map(Party::as_str),
            speaker,
            left,
        ])?;
        while let Some(row) = rows.next()? {
            hits.push(hit(row, now)?);
        }
        if hits.len() >= CANDIDATES {
            break;
        }
    }
    Ok(hits)
}

/// Where in the index hits can be, the latest first.
fn ranges(conn: &Connection, filters: &Filters, speaker: Option<&str>) -> rusqlite::Result<Vec<RangeInclusive<i64>>> {
    let of = |first: i64, last: i64| first * PER_CALL..=last * PER_CALL + (PER_CALL - 1);
    if let Some(call) = &filters.call {
        let no: Option<i64> = conn
            .prepare_cached("SELECT no FROM calls WHERE id = ?1")?
            .query_row([call.as_str()], |row| row.get(0))
            .optional()?;
        return Ok(no.map(|no| of(no, no)).into_iter().collect());
    }
    let mut whole = (0, i64::MAX / PER_CALL - 1);
    if filters.from_unix_ms.is_some() || filters.to_unix_ms.is_some() {
        let (from, to) = (filters.from_unix_ms.unwrap_or(i64::MIN), filters.to_unix_ms.unwrap_or(i64::MAX));
        // Calls are numbered as they are entered, which is nearly when they began.
        let found: (Option<i64>, Option<i64>) = conn
            .prepare_cached("SELECT min(no), max(no) FROM calls WHERE started_unix_ms >= ?1 AND started_unix_ms < ?2")?
            .query_row([from, to], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let (Some(first), Some(last)) = found else { return Ok(Vec::new()) };
        whole = (first, last);
    }
    let Some(speaker) = speaker else { return Ok(vec![of(whole.0, whole.1)]) };
    let calls: Vec<i64> = conn
        .prepare_cached(
            "SELECT DISTINCT call FROM said_by WHERE instr(spelled, ?1) > 0 AND call BETWEEN ?2 AND ?3
             ORDER BY call DESC LIMIT ?4",
        )?
        .query_map(params![speaker, whole.0, whole.1, FEW_CALLS as i64 + 1], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    if calls.len() > FEW_CALLS {
        return Ok(vec![of(whole.0, whole.1)]);
    }
    Ok(calls.into_iter().map(|call| of(call, call)).collect())
}

fn hit(row: &Row<'_>, now: i64) -> rusqlite::Result<Hit> {
    let (no, start, words): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let marked = row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?;
    let (id, side): (String, Option<String>) = (row.get(4)?, row.get(8)?);
    let started_unix_ms = row.get(6)?;
    let matches = marked.chars().filter(|c| matches!(*c, OPEN)).count();
    debug_assert_eq!(matches, marked.chars().filter(|c| matches!(*c, CLOSE)).count());
    Ok(Hit {
        call: CallId::new(id).map_err(|e| unreadable(4, e.into()))?,
        title: row.get(5)?,
        started_unix_ms,
        utterance: UtteranceId(u32::try_from(no % PER_CALL).unwrap_or(u32::MAX)),
        speaker: row.get::<_, Option<String>>(7)?.unwrap_or_else(|| "?".to_owned()),
        side: side.and_then(|s| s.parse().ok()).unwrap_or(Party::Unknown),
        at_ms: start.unsigned_abs(),
        snippet: Snippet::of(marked),
        score: bm25(matches, words) * recency(started_unix_ms, now),
    })
}

/// How well an utterance of this many words fits in which this many places match.
fn bm25(matches: usize, words: i64) -> f64 {
    let (tf, length) = (matches as f64, words as f64);
    tf * (K1 + 1.0) / (tf + K1 * (1.0 - B + B * length / AVERAGE_WORDS))
}

/// 1 for today, down to ½ for long ago.
fn recency(started_unix_ms: i64, now: i64) -> f64 {
    let age = now.saturating_sub(started_unix_ms).max(0) as f64;
    0.5 + 0.5 * (-age / HALF_LIFE_MS).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_places_shorter_utterances_and_later_calls_score_higher() {
        assert!(bm25(2, 10) > bm25(1, 10));
        assert!(bm25(1, 5) > bm25(1, 50));
        let day = 24 * 60 * 60 * 1_000;
        assert!((recency(0, 0) - 1.0).abs() < 1e-9);
        assert!((recency(0, 90 * day) - 0.75).abs() < 1e-9);
        assert!(recency(0, 10_000 * day) >= 0.5);
        assert!((recency(5, 0) - 1.0).abs() < 1e-9, "a call that begins later than now is of now");
    }
}
