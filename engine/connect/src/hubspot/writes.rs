//! Writing to HubSpot. Each is one request; what must hold is read just before it.

use reframe_workflow::{
    gate::{Action, Approved},
    system::{Receipt, RecordKind, RecordRef, WriteError},
};
use serde_json::{Value, json};

use super::{
    API, HubSpot,
    mapping::{Form, form},
    object, reads,
};
use crate::{
    http::{Mutation, Path, Verb, outcome::write_without_read},
    text,
    time::{iso, noon_ms},
};

/// Longest body of a note or task, in characters (HubSpot's limit).
const MAX_BODY: usize = 65_536;

fn refused(problem: impl Into<String>) -> WriteError {
    WriteError::Refused { problem: problem.into() }
}

fn changed(problem: impl Into<String>) -> WriteError {
    WriteError::TargetChanged { problem: problem.into() }
}

impl HubSpot {
    pub(super) fn carry_out(&self, write: &Approved) -> Result<Receipt, WriteError> {
        match write.action() {
            Action::CreateNote { about, body, at_unix_ms } => {
                let properties = json!({
                    "hs_timestamp": iso(*at_unix_ms),
                    "hs_note_body": html(body, write)?,
                });
                self.create(write, RecordKind::Note, about, properties)
            }
            Action::CreateTask { about, subject, body, due, owner } => {
                // Without a day of its own it is due from the moment it was approved, which is the same in every attempt.
                let due = due.and_then(|day| noon_ms(day, &self.zone)).unwrap_or(write.approval().at_unix_ms);
                let mut properties = json!({
                    "hs_timestamp": iso(due),
                    "hs_task_subject": subject,
                    "hs_task_body": html(body, write)?,
                    "hs_task_status": "NOT_STARTED",
                    "hs_task_type": "TODO",
                });
                if let Some(owner) = owner {
                    let id = self.owner_id(owner).map_err(|e| write_without_read(&e))?;
                    let id = id.ok_or_else(|| refused(format!("`{owner}` is nobody's e-mail address in HubSpot")))?;
                    properties["hubspot_owner_id"] = id.into();
                }
                self.create(write, RecordKind::Task, about, properties)
            }
            Action::UpdateField { record, field, before, after } => {
                self.update(write, record, field, before.as_deref(), after.as_deref())
            }
            Action::CreateDraft { .. } | Action::SendMail { .. } => Err(refused("HubSpot is no mailbox for us")),
        }
    }

    /// Makes a note or task on `about`.
    fn create(
        &self,
        write: &Approved,
        kind: RecordKind,
        about: &RecordRef,
        properties: Value,
    ) -> Result<Receipt, WriteError> {
        if !reads::is_ours(about) || object(about.kind).is_none() {
            return Err(refused(format!("{about} is no record of HubSpot's")));
        }
        let link = self.link(kind, about.kind).map_err(|e| write_without_read(&e))?;
        if self.object(about.kind, &about.id).map_err(|e| write_without_read(&e))?.is_none() {
            return Err(changed(format!("{about} is no longer there")));
        }
        let body = json!({
            "properties": properties,
            "associations": [{
                "to": { "id": about.id },
                "types": [{ "associationCategory": "HUBSPOT_DEFINED", "associationTypeId": link }],
            }],
        });
        let path = path(kind, &[])?;
        let made = self.http.write(&Mutation::new(write, Verb::Post, path, body))?;
        let unclear = || WriteError::Unknown { problem: "HubSpot said yes, but not under which id".into() };
        let id = made["id"].as_str().filter(|id| super::is_id(id)).ok_or_else(unclear)?;
        let version = made["updatedAt"].as_str().map(str::to_owned);
        Ok(Receipt { record: Self::at(kind, id), version, url: self.url(about) })
    }

    /// Overwrites one property, if it reads as it did. The check and the write are two requests, for HubSpot has no
    /// conditional ones; what somebody changes in between is lost, as when two people press save.
    fn update(
        &self,
        write: &Approved,
        at: &RecordRef,
        field: &str,
        before: Option<&str>,
        after: Option<&str>,
    ) -> Result<Receipt, WriteError> {
        if !reads::is_ours(at) || object(at.kind).is_none() {
            return Err(refused(format!("{at} is no record of HubSpot's")));
        }
        let property = self.mapping.theirs(at.kind, field);
        let property = property.ok_or_else(|| {
            refused(format!("no property stands for `{field}`; name one under [fields.{}]", at.kind.as_str()))
        })?;
        let gone = || changed(format!("{at} is no longer there"));
        let now = self.object(at.kind, &at.id).map_err(|e| write_without_read(&e))?.ok_or_else(gone)?;
        let pipeline = now.properties.get("pipeline").cloned().flatten();
        let record = self.record(at.kind, now).map_err(|e| write_without_read(&e))?;
        let is = record.field(field);
        if is == after {
            return Ok(Receipt { record: at.clone(), version: Some(record.version), url: self.url(at) });
        }
        // The version is that of the whole record, and moves with every note put on it: what counts is this property.
        if is != before {
            let mut problem = crate::reads_otherwise(field, is, before);
            if write.seen_version().is_some_and(|seen| seen != record.version) {
                problem.push_str(&format!("; it was changed at {}", record.version));
            }
            return Err(changed(problem));
        }
        let value = match after {
            // How HubSpot is told to clear a property.
            None => String::new(),
            Some(after) => self.theirs(at.kind, property, after, pipeline.as_deref())?,
        };
        let body = json!({ "properties": { property: value } });
        let answer = self.http.write(&Mutation::new(write, Verb::Patch, path(at.kind, &[&at.id])?, body))?;
        let version = answer["updatedAt"].as_str().map(str::to_owned);
        Ok(Receipt { record: at.clone(), version, url: self.url(at) })
    }

    /// Our value as HubSpot wants it.
    fn theirs(
        &self,
        kind: RecordKind,
        property: &str,
        value: &str,
        pipeline: Option<&str>,
    ) -> Result<String, WriteError> {
        let unread = |e| write_without_read(&e);
        match form(kind, property) {
            Form::Text => Ok(value.to_owned()),
            Form::Html => Ok(text::to_html(value)),
            Form::Day => {
                let day = value.parse().map_err(|_| refused(format!("`{value}` is no day; write YYYY-MM-DD")))?;
                noon_ms(day, &self.zone).map(iso).ok_or_else(|| refused(format!("`{value}` is out of range")))
            }
            Form::Time => Ok(crate::time::parse_ms(value).map_or_else(|| value.to_owned(), iso)),
            Form::Stage => self.stage_id(pipeline, value).map_err(unread)?.ok_or_else(|| {
                refused(format!("the deal's pipeline has no stage `{value}`, or more than one; name one it has"))
            }),
            Form::Pipeline => Err(refused("a deal changes its pipeline together with its stage; do that in HubSpot")),
            Form::Owner => self
                .owner_id(value)
                .map_err(unread)?
                .ok_or_else(|| refused(format!("`{value}` is nobody's e-mail address in HubSpot"))),
        }
    }
}

fn path(kind: RecordKind, more: &[&str]) -> Result<Path, WriteError> {
    let object = object(kind).ok_or_else(|| refused("HubSpot is no mailbox for us"))?;
    Path::new(API.objects, &[&[object], more].concat()).map_err(|e| refused(e.to_string()))
}

/// The text with its mark as HTML.
fn html(body: &str, write: &Approved) -> Result<String, WriteError> {
    let html = text::to_html(&text::marked(body, write.marker().as_str()));
    if html.chars().count() > MAX_BODY {
        return Err(refused(format!("with its mark and as HTML it is longer than {MAX_BODY} characters; shorten it")));
    }
    Ok(html)
}
