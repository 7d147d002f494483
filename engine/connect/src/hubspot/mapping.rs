//! Our names of fields and HubSpot's, and how their values are written on each side.

use std::collections::BTreeMap;

use reframe_workflow::system::RecordKind;

/// How a value of HubSpot's becomes one of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As it is.
    Text,
    /// Theirs is a time, ours a day.
    Day,
    /// Theirs is a number or a time in another spelling, ours ISO 8601.
    Time,
    /// Theirs is HTML.
    Html,
    /// Theirs is an internal id, ours the name people see.
    Stage,
    /// The same for pipelines.
    Pipeline,
    /// Theirs is an id, ours an e-mail address.
    Owner,
}

/// A field we cannot map.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("[fields.{kind}] {field}: {problem}")]
pub struct BadField {
    kind: String,
    field: String,
    problem: &'static str,
}

const KINDS: [RecordKind; 5] =
    [RecordKind::Deal, RecordKind::Contact, RecordKind::Company, RecordKind::Note, RecordKind::Task];

/// Ours and HubSpot's, for accounts as they are at first.
const fn known(kind: RecordKind) -> &'static [(&'static str, &'static str)] {
    match kind {
        RecordKind::Deal => &[
            ("name", "dealname"),
            ("pipeline", "pipeline"),
            ("stage", "dealstage"),
            ("amount", "amount"),
            ("close_date", "closedate"),
            ("next_step", "hs_next_step"),
            ("owner", "hubspot_owner_id"),
        ],
        RecordKind::Contact => &[
            ("first_name", "firstname"),
            ("last_name", "lastname"),
            ("email", "email"),
            ("phone", "phone"),
            ("title", "jobtitle"),
            ("company", "company"),
            ("role", "hs_buying_role"),
            ("owner", "hubspot_owner_id"),
        ],
        RecordKind::Company => &[("name", "name"), ("domain", "domain"), ("owner", "hubspot_owner_id")],
        RecordKind::Note => &[("body", "hs_note_body"), ("at", "hs_timestamp"), ("owner", "hubspot_owner_id")],
        RecordKind::Task => &[
            ("subject", "hs_task_subject"),
            ("body", "hs_task_body"),
            ("due", "hs_timestamp"),
            ("status", "hs_task_status"),
            ("priority", "hs_task_priority"),
            ("owner", "hubspot_owner_id"),
        ],
        RecordKind::Mail | RecordKind::MailDraft => &[],
    }
}

/// Which property stands for which field.
#[derive(Clone, Debug)]
pub struct Mapping(BTreeMap<RecordKind, BTreeMap<String, String>>);

impl Mapping {
    /// The default, with `changes` by kind: another property for a field, or a field more.
    pub fn with(changes: &BTreeMap<String, BTreeMap<String, String>>) -> Result<Self, BadField> {
        let default = |kind: RecordKind| known(kind).iter().map(|(o, t)| ((*o).to_owned(), (*t).to_owned())).collect();
        let mut kinds: BTreeMap<RecordKind, BTreeMap<String, String>> =
            KINDS.into_iter().map(|kind| (kind, default(kind))).collect();
        for (word, fields) in changes {
            for (field, property) in fields {
                let bad = |problem| BadField { kind: word.clone(), field: field.clone(), problem };
                let kind = KINDS.into_iter().find(|k| k.as_str() == word);
                let kind = kind.ok_or_else(|| bad("no such kind; write deal, contact, company, note or task"))?;
                let clean = |t: &str| {
                    !t.is_empty() && t.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
                };
                if !clean(field) || !clean(property) {
                    return Err(bad("write HubSpot's internal name of the property: small letters, digits and _"));
                }
                kinds.entry(kind).or_default().insert(field.clone(), property.clone());
            }
        }
        Ok(Self(kinds))
    }

    /// Fields of a kind: ours and theirs.
    pub fn fields(&self, kind: RecordKind) -> impl Iterator<Item = (&str, &str)> {
        self.0.get(&kind).into_iter().flatten().map(|(ours, theirs)| (ours.as_str(), theirs.as_str()))
    }

    /// HubSpot's name of a field.
    pub fn theirs(&self, kind: RecordKind, ours: &str) -> Option<&str> {
        self.0.get(&kind)?.get(ours).map(String::as_str)
    }

    /// HubSpot's names of the fields whose history is read: a deal's stage and close date.
    pub fn with_history(&self, kind: RecordKind) -> Vec<&str> {
        if kind != RecordKind::Deal {
            return Vec::new();
        }
        ["stage", "close_date"].into_iter().filter_map(|field| self.theirs(kind, field)).collect()
    }

    /// HubSpot's names of all fields of a kind, as its requests want them.
    pub fn properties(&self, kind: RecordKind) -> Vec<&str> {
        let mut names: Vec<&str> = self.fields(kind).map(|(_, theirs)| theirs).collect();
        if kind == RecordKind::Deal && !names.contains(&"pipeline") {
            // Stages cannot be told apart without it.
            names.push("pipeline");
        }
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// How a property's values are written.
pub fn form(kind: RecordKind, property: &str) -> Form {
    match (kind, property) {
        (RecordKind::Deal, "dealstage") => Form::Stage,
        (RecordKind::Deal, "pipeline") => Form::Pipeline,
        (_, "hubspot_owner_id") => Form::Owner,
        (RecordKind::Deal, "closedate") | (RecordKind::Task, "hs_timestamp") => Form::Day,
        (_, "hs_timestamp") => Form::Time,
        (_, "hs_note_body" | "hs_task_body") => Form::Html,
        _ => Form::Text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_can_be_changed_and_wrong_changes_are_named() {
        let change = |kind: &str, ours: &str, theirs: &str| {
            Mapping::with(&BTreeMap::from([(kind.to_owned(), BTreeMap::from([(ours.to_owned(), theirs.to_owned())]))]))
        };
        let mapping = change("deal", "next_step_date", "next_step_on").unwrap();
        assert_eq!(mapping.theirs(RecordKind::Deal, "next_step_date"), Some("next_step_on"));
        assert_eq!(mapping.theirs(RecordKind::Deal, "stage"), Some("dealstage"));
        let error = change("deals", "a", "b").unwrap_err().to_string();
        assert!(error.contains("[fields.deals] a: no such kind"), "{error}");
        assert!(change("deal", "stage", "Deal Stage").is_err());
    }
}
