//! What the lines of an export look like, as JSON Schemas generated from the types they are written with.

use reframe_workflow::{
    artifact::Artifact,
    audit::Entry as AuditEntry,
    gate::Proposal,
    handoff::{Brief, CallTranscript, Draft, FieldProposal, Meeting, NoteProposal, SignalCard},
    outbox::{Entry as OutboxEntry, Service},
    rubric::Debrief,
};
use rusqlite::Connection;
use schemars::schema_for;
use serde_json::{Map, Value, json};

use super::{
    manifest::Manifest,
    rows::columns,
    tables::{Kept, TABLES},
};

/// A name, and the schema of what goes by it.
type Named = (&'static str, Value);

/// What stages hand on and what becomes of it, by the name under which an export keeps it.
fn handed_on() -> Vec<Named> {
    vec![
        ("manifest", schema_for!(Manifest).to_value()),
        ("artifacts.body", schema_for!(Artifact<Value>).to_value()),
        ("artifacts.body.signal_card", schema_for!(Artifact<SignalCard>).to_value()),
        ("artifacts.body.draft", schema_for!(Artifact<Draft>).to_value()),
        ("artifacts.body.meeting", schema_for!(Artifact<Meeting>).to_value()),
        ("artifacts.body.brief", schema_for!(Artifact<Brief>).to_value()),
        ("artifacts.body.call_transcript", schema_for!(Artifact<CallTranscript>).to_value()),
        ("artifacts.body.note_proposal", schema_for!(Artifact<NoteProposal>).to_value()),
        ("artifacts.body.field_proposal", schema_for!(Artifact<FieldProposal>).to_value()),
        ("artifacts.body.debrief", schema_for!(Artifact<Debrief>).to_value()),
        ("revisions.body", schema_for!(Proposal).to_value()),
        ("outbox.body", schema_for!(OutboxEntry).to_value()),
        ("services.body", schema_for!(Service).to_value()),
        ("audit.body", schema_for!(AuditEntry).to_value()),
        ("event", event()),
    ]
}

/// Name and text of the JSON Schema of every hand-off between the stages, of proposals, of what is on its way and of the
/// audit log, in order of their names.
#[must_use]
pub fn handoffs() -> Vec<(String, String)> {
    let mut schemas = handed_on();
    schemas.sort_by_key(|(name, _)| *name);
    // An export calls them by the file and column they stand in; a person calls them by what they are.
    let plain = |name: &str| match name {
        "revisions.body" => "proposal".to_owned(),
        "artifacts.body" => "artifact".to_owned(),
        other => other.trim_start_matches("artifacts.body.").replace(".body", ""),
    };
    schemas.iter().map(|(name, schema)| (plain(name), text(schema))).collect()
}

fn text(schema: &Value) -> String {
    serde_json::to_string_pretty(schema).expect("a JSON value can be written") + "\n"
}

/// Name and text of every schema.
pub(super) fn all(conn: &Connection) -> rusqlite::Result<Vec<(String, String)>> {
    let mut schemas = handed_on();
    for (table, kept) in TABLES {
        if matches!(kept, Kept::Rows(_) | Kept::Audit) {
            schemas.push((table, row(conn, table)?));
        }
    }
    schemas.sort_by_key(|(name, _)| *name);
    Ok(schemas.iter().map(|(name, schema)| (format!("{name}.json"), text(schema))).collect())
}

/// Of one row of a table.
fn row(conn: &Connection, table: &str) -> rusqlite::Result<Value> {
    let names = columns(conn, table)?;
    let mut kinds = conn.prepare_cached("SELECT name, type, \"notnull\" OR pk FROM pragma_table_info(?1)")?;
    let mut properties = Map::new();
    let mut rows = kinds.query([table])?;
    while let Some(row) = rows.next()? {
        let (name, kind, required): (String, String, bool) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let word = match kind.as_str() {
            "INTEGER" => "integer",
            "REAL" => "number",
            _ => "string",
        };
        properties.insert(name, if required { json!({ "type": word }) } else { json!({ "type": [word, "null"] }) });
    }
    Ok(json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": table,
        "type": "object",
        "properties": properties,
        "required": names,
        "additionalProperties": false,
    }))
}

/// Of what all events have in common; what follows from the kind of an event is described with the event vocabulary.
fn event() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "event",
        "type": "object",
        "properties": {
            "seq": { "type": "integer", "minimum": 0, "description": "Position in the call's log, without holes." },
            "at_us": { "type": "integer", "minimum": 0, "description": "Media time in microseconds." },
            "event": { "type": "string", "description": "Kind of the event; its other members follow from it." },
        },
        "required": ["seq", "at_us", "event"],
    })
}
