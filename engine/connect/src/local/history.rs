//! `history.csv`: what a deal's stage and close date read over time. A folder forgets what it read before, so each change of
//! ours leaves a line here; a change by hand shows as a value that differs from the last line.

use std::collections::BTreeMap;

use reframe_workflow::system::{PastValue, ReadError, Record, RecordKind, WriteError};

use super::{
    Local,
    files::{self, Lock},
    odd,
    table::{ID, Table},
    unreachable,
    writes::{failed, not_done},
};
use crate::time::{iso, parse_ms};

/// The file.
const FILE: &str = "history.csv";
const DEAL: &str = "deal_id";
const FIELD: &str = "field";
const VALUE: &str = "value";
const AT: &str = "at";
/// Fields whose changes are kept.
const KEPT: [&str; 2] = ["stage", "close_date"];
/// The column of `deals.csv` with the day or time a deal came into its stage, if people keep one.
const STAGE_SINCE: &str = "stage_since";

/// What is known of each deal, by its id.
type Known = BTreeMap<String, BTreeMap<String, Vec<PastValue>>>;

impl Local {
    fn history_table(&self) -> Result<(Table, Vec<u8>), ReadError> {
        let Some(bytes) = files::read(&self.folder.join(FILE)).map_err(|e| unreachable(FILE, &e))? else {
            return Ok((Table::with_heading(&[ID, DEAL, FIELD, VALUE, AT]), Vec::new()));
        };
        let text = String::from_utf8(bytes).map_err(|_| odd(format!("{FILE} is not UTF-8; save it as CSV UTF-8")))?;
        let table = Table::parse(FILE, &text).map_err(|e| odd(e.to_string()))?;
        for name in [DEAL, FIELD, VALUE, AT] {
            if table.column(name).is_none() {
                return Err(odd(format!(
                    "{FILE} has no column `{name}`; add it to the heading, or move the file away"
                )));
            }
        }
        Ok((table, text.into_bytes()))
    }

    fn known(&self) -> Result<Known, ReadError> {
        let (table, _) = self.history_table()?;
        let cell = |row: &[String], name| table.column(name).map(|c| row[c].clone()).unwrap_or_default();
        let mut known = Known::new();
        for row in table.rows() {
            // A line without a time says nothing about when.
            let Some(at_unix_ms) = moment(&cell(row, AT)) else { continue };
            let value = Some(cell(row, VALUE)).filter(|v| !v.is_empty());
            let of_deal = known.entry(cell(row, DEAL)).or_default();
            of_deal.entry(cell(row, FIELD)).or_default().push(PastValue { value, at_unix_ms });
        }
        for values in known.values_mut().flat_map(BTreeMap::values_mut) {
            values.sort_by_key(|v| v.at_unix_ms);
        }
        Ok(known)
    }

    /// Tells records of deals what their fields read over time.
    pub(super) fn with_history(&self, kind: RecordKind, records: &mut [Record]) -> Result<(), ReadError> {
        if kind != RecordKind::Deal || records.is_empty() {
            return Ok(());
        }
        let mut known = self.known()?;
        for record in records {
            let mut of_deal = known.remove(&record.at.id).unwrap_or_default();
            for field in KEPT {
                let mut values = of_deal.remove(field).unwrap_or_default();
                let reads = record.field(field);
                if values.last().is_none_or(|last| last.value.as_deref() != reads)
                    && let Some(at_unix_ms) = since(record, field, !values.is_empty())
                {
                    values.push(PastValue { value: reads.map(str::to_owned), at_unix_ms });
                }
                if !values.is_empty() {
                    record.history.insert(field.to_owned(), values);
                }
            }
        }
        Ok(())
    }

    /// Notes a change of ours that was just written. `was` is the deal as it read before.
    pub(super) fn note_change(
        &self,
        was: &Record,
        field: &str,
        after: Option<&str>,
        at_unix_ms: i64,
        lock: &Lock,
    ) -> Result<(), WriteError> {
        if was.at.kind != RecordKind::Deal || !KEPT.contains(&field) {
            return Ok(());
        }
        let (mut table, _) = self.history_table().map_err(|e| not_done(e.to_string()))?;
        let written = {
            let (deal, of_field) = (table.column(DEAL), table.column(FIELD));
            let same = |row: &[String], c: Option<usize>, text: &str| c.is_some_and(|c| row[c] == text);
            table.rows().filter(|r| same(r, deal, &was.at.id) && same(r, of_field, field)).count()
        };
        let mut lines: Vec<PastValue> = was.history.get(field).cloned().unwrap_or_default().split_off(
            // What stands in the file already is not written again; what was only concluded is.
            written.min(was.history.get(field).map_or(0, Vec::len)),
        );
        if written == 0 && lines.is_empty() {
            let value = was.field(field).map(str::to_owned);
            lines.push(PastValue { value, at_unix_ms: was.updated_unix_ms.min(at_unix_ms) });
        }
        lines.push(PastValue { value: after.map(str::to_owned), at_unix_ms });
        let mut next = table.rows().filter_map(|row| table.id(row).parse::<u64>().ok()).max().unwrap_or(0);
        for line in lines {
            next += 1;
            let (id, at) = (next.to_string(), iso(line.at_unix_ms));
            let value = line.value.unwrap_or_default();
            table.push(&[(ID, &id), (DEAL, &was.at.id), (FIELD, field), (VALUE, &value), (AT, &at)]);
        }
        files::write(&self.folder.join(FILE), table.to_string().as_bytes(), false, lock).map_err(failed)
    }
}

/// Since when a field reads as it does, as far as the deal's own row tells. `changed`: it read otherwise before, so the
/// row's own time is the latest it can have been.
fn since(deal: &Record, field: &str, changed: bool) -> Option<i64> {
    let own = if field == "stage" { deal.field(STAGE_SINCE).and_then(moment) } else { None };
    own.or_else(|| changed.then_some(deal.updated_unix_ms))
}

/// A time, or the beginning of a day (UTC).
fn moment(text: &str) -> Option<i64> {
    parse_ms(text).or_else(|| parse_ms(&format!("{}T00:00:00Z", text.trim())))
}
