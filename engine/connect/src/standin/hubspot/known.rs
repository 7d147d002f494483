//! What an account of HubSpot has from the beginning: kinds, properties, a pipeline, people, kinds of links.

use serde_json::{Value, json};

use super::super::{serve::error, wire::Reply};

/// Names of kinds: in the plural, in the singular, by number.
const KINDS: [(&str, &str, &str); 5] = [
    ("contacts", "contact", "0-1"),
    ("companies", "company", "0-2"),
    ("deals", "deal", "0-3"),
    ("tasks", "task", "0-27"),
    ("notes", "note", "0-46"),
];

/// Stages of the one pipeline: id and name.
pub const STAGES: [(&str, &str); 7] = [
    ("appointmentscheduled", "Appointment Scheduled"),
    ("qualifiedtobuy", "Qualified To Buy"),
    ("presentationscheduled", "Presentation Scheduled"),
    ("decisionmakerboughtin", "Decision Maker Bought-In"),
    ("contractsent", "Contract Sent"),
    ("closedwon", "Closed Won"),
    ("closedlost", "Closed Lost"),
];

/// A kind by any of its names.
pub fn kind(name: &str) -> Result<&'static str, Reply> {
    let found = KINDS.iter().find(|(plural, singular, number)| [plural, singular, number].contains(&&name));
    let unknown = || error(false, 400, "VALIDATION_ERROR", &format!("Unable to infer object type from: {name}"));
    found.map(|(plural, ..)| *plural).ok_or_else(unknown)
}

/// Properties of a kind that can be written.
pub const fn writable(kind: &str) -> &'static [&'static str] {
    match kind.as_bytes() {
        b"contacts" => {
            &["firstname", "lastname", "email", "phone", "jobtitle", "company", "hs_buying_role", "hubspot_owner_id"]
        }
        b"companies" => &["name", "domain", "hubspot_owner_id"],
        b"deals" => &[
            "dealname",
            "pipeline",
            "dealstage",
            "amount",
            "closedate",
            "hs_next_step",
            "hubspot_owner_id",
            "next_step_on",
        ],
        b"tasks" => &[
            "hs_timestamp",
            "hs_task_subject",
            "hs_task_body",
            "hs_task_status",
            "hs_task_priority",
            "hs_task_type",
            "hubspot_owner_id",
        ],
        _ => &["hs_timestamp", "hs_note_body", "hubspot_owner_id", "hs_attachment_ids"],
    }
}

pub fn properties(kind: &str) -> Value {
    let property = |name: &&str| {
        let stages = STAGES.iter().map(|(value, label)| json!({ "value": value, "label": label, "hidden": false }));
        let options: Vec<Value> = if *name == "dealstage" { stages.collect() } else { Vec::new() };
        json!({
            "name": name, "label": name, "type": "string", "fieldType": "text", "groupName": "information",
            "description": "", "options": options,
            "modificationMetadata": { "archivable": false, "readOnlyDefinition": true, "readOnlyValue": false },
        })
    };
    json!({ "results": writable(kind).iter().map(property).collect::<Vec<_>>() })
}

pub fn pipelines() -> Value {
    const MADE: &str = "2026-01-01T00:00:00.000Z";
    let stage = |(i, (id, label)): (usize, &(&str, &str))| {
        json!({
            "id": id, "label": label, "displayOrder": i, "metadata": { "probability": "0.5" },
            "createdAt": MADE, "updatedAt": MADE, "archived": false,
        })
    };
    json!({ "results": [{
        "id": "default", "label": "Sales Pipeline", "displayOrder": 0,
        "createdAt": MADE, "updatedAt": MADE, "archived": false,
        "stages": STAGES.iter().enumerate().map(stage).collect::<Vec<_>>(),
    }]})
}

pub fn owners() -> Value {
    const MADE: &str = "2026-01-01T00:00:00.000Z";
    let owner = |id: &str, first: &str, last: &str| {
        json!({
            "id": id, "email": format!("{}@seller.example.com", first.to_lowercase()), "type": "PERSON",
            "firstName": first, "lastName": last, "userId": 1, "createdAt": MADE, "updatedAt": MADE, "archived": false,
        })
    };
    json!({ "results": [owner("501", "Ada", "Berg"), owner("502", "Sam", "Ruiz")] })
}

/// The numbers of links (fetched by clients, for they differ by direction).
pub fn link_number(from: &str, to: &str) -> u32 {
    match (from, to) {
        ("notes", "contacts") => 202,
        ("notes", "deals") => 214,
        ("notes", "companies") => 190,
        ("tasks", "contacts") => 204,
        ("tasks", "deals") => 216,
        ("tasks", "companies") => 192,
        ("deals", "contacts") => 3,
        ("deals", "companies") => 341,
        ("contacts", "companies") => 279,
        // The other directions; the stand-in's own numbers.
        _ => 900,
    }
}

pub fn labels(from: &str, to: &str) -> Value {
    json!({ "results": [{ "category": "HUBSPOT_DEFINED", "typeId": link_number(from, to), "label": null }] })
}
