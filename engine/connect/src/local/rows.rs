//! Rows of the tables as records.

use reframe_workflow::system::{Record, RecordKind};

use super::table::{ID, Table};
use super::{Local, files, table};
use crate::time::parse_ms;

/// Column with the time of the last change.
pub(super) const UPDATED: &str = "updated";

/// Columns that link, with what they link to.
const LINKS: [(&str, RecordKind); 6] = [
    ("deal_id", RecordKind::Deal),
    ("deal_ids", RecordKind::Deal),
    ("contact_id", RecordKind::Contact),
    ("contact_ids", RecordKind::Contact),
    ("company_id", RecordKind::Company),
    ("company_ids", RecordKind::Company),
];

/// The file of a kind that has a table.
pub(super) const fn file(kind: RecordKind) -> &'static str {
    match kind {
        RecordKind::Contact => "contacts.csv",
        RecordKind::Company => "companies.csv",
        RecordKind::Task => "tasks.csv",
        _ => "deals.csv",
    }
}

/// Columns of a new file.
pub(super) const fn columns(kind: RecordKind) -> &'static [&'static str] {
    match kind {
        RecordKind::Contact => &[ID, UPDATED, "name", "email", "role", "deal_ids", "company_id"],
        RecordKind::Company => &[ID, UPDATED, "name", "domain"],
        RecordKind::Task => {
            &[ID, UPDATED, "subject", "body", "due", "owner", "status", "deal_id", "contact_id", "company_id"]
        }
        _ => &[
            ID,
            UPDATED,
            "name",
            "stage",
            "amount",
            "close_date",
            "next_step",
            "next_step_date",
            "owner",
            "contact_ids",
            "company_id",
        ],
    }
}

/// Whether a column is a field, and not there for our keeping.
pub(super) fn is_field(column: &str) -> bool {
    column != ID && column != UPDATED && LINKS.iter().all(|(name, _)| *name != column)
}

impl Local {
    /// A row as a record.
    pub(super) fn row(&self, kind: RecordKind, table: &Table, row: &[String]) -> Record {
        let filled = || table.heading().iter().zip(row).filter(|(_, value)| !value.is_empty());
        let linked = filled().filter_map(|(column, ids)| {
            let (_, kind) = LINKS.iter().find(|(name, _)| name == column)?;
            let ids = ids.split(';').map(str::trim).filter(|id| !id.is_empty());
            Some(ids.map(|id| Self::at(*kind, id)))
        });
        let updated = table.column(UPDATED).and_then(|c| parse_ms(&row[c]));
        Record {
            at: Self::at(kind, table.id(row)),
            version: table::version(row),
            updated_unix_ms: updated.unwrap_or_else(|| files::changed_ms(&self.folder.join(file(kind)))),
            fields: filled().filter(|(c, _)| is_field(c)).map(|(c, v)| (c.clone(), v.clone())).collect(),
            linked: linked.flatten().collect(),
            history: Default::default(),
        }
    }
}
