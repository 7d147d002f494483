//! Reading from HubSpot: records, lists page by page, what is linked, what is known of fields.

use reframe_workflow::system::{FieldInfo, PastValue, ReadError, Record, RecordKind, RecordRef};
use serde_json::json;

use super::{
    API, HubSpot, NAME,
    mapping::{Form, form},
    object, odd,
    wire::{LinkedTo, Object, Page, Property},
};
use crate::{
    http::{Path, ReadRequest},
    text, time,
};

/// Records a page, and a batch, at most (HubSpot's limit).
const PAGE: usize = 100;
/// The same where the history of properties is asked for (HubSpot's limit).
const PAGE_WITH_HISTORY: usize = 50;
/// Links a page at most.
const LINKS: &str = "500";
/// Most pages read of anything: 100,000 records. More is no list to hold in memory.
const MAX_PAGES: usize = 1_000;
/// Kinds that records link to.
const ENDS: [RecordKind; 3] = [RecordKind::Deal, RecordKind::Contact, RecordKind::Company];

impl HubSpot {
    fn path(kind: RecordKind, more: &[&str]) -> Result<Path, ReadError> {
        let object = object(kind).ok_or_else(|| odd("it keeps no mail for us; ask the mailbox"))?;
        Path::new(API.objects, &[&[object], more].concat()).map_err(|e| odd(e.to_string()))
    }

    fn with_properties(&self, path: Path, kind: RecordKind) -> Path {
        let others: Vec<&str> = ENDS.iter().filter(|k| **k != kind).filter_map(|k| object(*k)).collect();
        let path =
            path.query("properties", &self.mapping.properties(kind).join(",")).query("associations", &others.join(","));
        let history = self.mapping.with_history(kind);
        if history.is_empty() { path } else { path.query("propertiesWithHistory", &history.join(",")) }
    }

    /// One record as HubSpot has it.
    pub(super) fn object(&self, kind: RecordKind, id: &str) -> Result<Option<Object>, ReadError> {
        let path = self.with_properties(Self::path(kind, &[id])?, kind);
        let object: Option<Object> = self.http.read(&ReadRequest::get(path))?;
        Ok(object.filter(|o| !o.archived))
    }

    /// All records of a kind.
    pub(super) fn all(&self, kind: RecordKind) -> Result<Vec<Record>, ReadError> {
        let mut records = Vec::new();
        let first = self.with_properties(Self::path(kind, &[])?.query("limit", &self.page(kind).to_string()), kind);
        self.pages(&first, |object: Object| {
            records.push(self.record(kind, object)?);
            Ok(())
        })?;
        Ok(records)
    }

    fn page(&self, kind: RecordKind) -> usize {
        if self.mapping.with_history(kind).is_empty() { PAGE } else { PAGE_WITH_HISTORY }
    }

    fn pages<T: serde::de::DeserializeOwned>(
        &self,
        first: &Path,
        mut take: impl FnMut(T) -> Result<(), ReadError>,
    ) -> Result<(), ReadError> {
        let mut path = first.clone();
        for _ in 0..MAX_PAGES {
            let Some(page) = self.http.read::<Page<T>>(&ReadRequest::get(path))? else { return Ok(()) };
            let after = page.after().map(str::to_owned);
            page.results.into_iter().try_for_each(&mut take)?;
            let Some(after) = after else { return Ok(()) };
            path = first.clone().query("after", &after);
        }
        Err(odd(format!("its list {} does not end", first.without_query())))
    }

    /// Ids of the records of a kind that are linked to `other`. Not from the search, which lags.
    fn linked_ids(&self, kind: RecordKind, other: &RecordRef) -> Result<Vec<String>, ReadError> {
        let (Some(a), Some(b)) = (object(other.kind), object(kind)) else { return Ok(Vec::new()) };
        let path = Path::new(API.links, &[a, &other.id, "associations", b]).map_err(|e| odd(e.to_string()))?;
        let mut ids = Vec::new();
        self.pages(&path.query("limit", LINKS), |link: LinkedTo| {
            ids.push(link.id());
            Ok(())
        })?;
        ids.sort();
        ids.dedup();
        Ok(ids)
    }

    fn batch(&self, kind: RecordKind, ids: &[String], properties: &[&str]) -> Result<Vec<Object>, ReadError> {
        let mut objects = Vec::new();
        let history = self.mapping.with_history(kind);
        for ids in ids.chunks(self.page(kind)) {
            let inputs: Vec<_> = ids.iter().map(|id| json!({ "id": id })).collect();
            let mut body = json!({ "properties": properties, "inputs": inputs });
            if !history.is_empty() {
                body["propertiesWithHistory"] = json!(history);
            }
            let request = ReadRequest::post(Self::path(kind, &["batch", "read"])?, body);
            let request = request.ok_or_else(|| odd("reading many records at once is not on our list of reads"))?;
            let page: Option<Page<Object>> = self.http.read(&request)?;
            objects.extend(page.into_iter().flat_map(|p| p.results).filter(|o| !o.archived));
        }
        Ok(objects)
    }

    /// Records of a kind that are linked to `other`. Their other links are not told.
    pub(super) fn linked(&self, kind: RecordKind, other: &RecordRef) -> Result<Vec<Record>, ReadError> {
        let ids = self.linked_ids(kind, other)?;
        let objects = self.batch(kind, &ids, &self.mapping.properties(kind))?;
        let record = |object| {
            let mut record = self.record(kind, object)?;
            record.linked.push(other.clone());
            Ok(record)
        };
        objects.into_iter().map(record).collect()
    }

    /// The note or task on `about` that bears the mark.
    pub(super) fn bearing(
        &self,
        kind: RecordKind,
        about: &RecordRef,
        marker: &str,
    ) -> Result<Option<Object>, ReadError> {
        let body = if kind == RecordKind::Note { "hs_note_body" } else { "hs_task_body" };
        let objects = self.batch(kind, &self.linked_ids(kind, about)?, &[body])?;
        let bears =
            |o: &Object| o.properties.get(body).and_then(Option::as_deref).is_some_and(|t| text::bears(t, marker));
        Ok(objects.into_iter().find(bears))
    }

    /// A record under our names.
    pub(super) fn record(&self, kind: RecordKind, object: Object) -> Result<Record, ReadError> {
        let mut record = Record {
            at: Self::at(kind, &object.id),
            version: object.updated_at.clone().unwrap_or_default(),
            updated_unix_ms: object.updated_at.as_deref().and_then(time::parse_ms).unwrap_or(0),
            fields: std::collections::BTreeMap::new(),
            linked: Vec::new(),
            history: std::collections::BTreeMap::new(),
        };
        for (ours, theirs) in self.mapping.fields(kind) {
            let value = object.properties.get(theirs).and_then(Option::as_deref).filter(|v| !v.is_empty());
            let Some(value) = value else { continue };
            let mut value = self.ours(kind, theirs, value, &object)?;
            if form(kind, theirs) == Form::Html {
                let (body, mark) = text::unmarked(&value);
                value = body;
                record.fields.extend(mark.map(|m| ("ref".to_owned(), m)));
            }
            if !value.is_empty() {
                record.fields.insert(ours.to_owned(), value);
            }
        }
        for (ours, theirs) in self.mapping.fields(kind) {
            let Some(past) = object.properties_with_history.get(theirs) else { continue };
            let mut values = Vec::with_capacity(past.len());
            for one in past {
                let Some(at_unix_ms) = one.timestamp.as_deref().and_then(time::parse_ms) else { continue };
                let value = one.value.as_deref().filter(|v| !v.is_empty());
                let value = value.map(|v| self.ours(kind, theirs, v, &object)).transpose()?;
                values.push(PastValue { value, at_unix_ms });
            }
            values.sort_by_key(|v| v.at_unix_ms);
            if !values.is_empty() {
                record.history.insert(ours.to_owned(), values);
            }
        }
        for end in ENDS {
            let links = object.associations.iter().filter(|(name, _)| object_named(name) == Some(end));
            record.linked.extend(links.flat_map(|(_, page)| &page.results).map(|l| Self::at(end, &l.id)));
        }
        record.linked.sort();
        record.linked.dedup();
        Ok(record)
    }

    /// A value under our names.
    fn ours(&self, kind: RecordKind, property: &str, value: &str, object: &Object) -> Result<String, ReadError> {
        let pipeline = object.properties.get("pipeline").and_then(Option::as_deref);
        Ok(match form(kind, property) {
            Form::Text => value.to_owned(),
            Form::Day => time::day_of(value, &self.zone).map_or_else(|| value.to_owned(), |d| d.to_string()),
            Form::Time => time::parse_ms(value).map_or_else(|| value.to_owned(), time::iso),
            Form::Html => text::from_html(value),
            Form::Stage => self.stage_name(pipeline, value)?,
            Form::Pipeline => self.pipeline_name(value)?,
            Form::Owner => self.owner_name(value)?,
        })
    }

    /// What is known of the fields of a kind.
    pub(super) fn field_infos(&self, kind: RecordKind) -> Result<Vec<FieldInfo>, ReadError> {
        let Some(object) = object(kind) else { return Ok(Vec::new()) };
        let path = Path::new(API.properties, &[object]).map_err(|e| odd(e.to_string()))?;
        let page: Option<Page<Property>> = self.http.read(&ReadRequest::get(path))?;
        let properties = page.map(|p| p.results).unwrap_or_default();
        let mut infos = Vec::new();
        for (ours, theirs) in self.mapping.fields(kind) {
            // A property the account does not have is a field it does not have.
            let Some(property) = properties.iter().find(|p| p.name == theirs) else { continue };
            let options = match form(kind, theirs) {
                Form::Stage => self.pipelines()?.iter().flat_map(|p| &p.stages).map(|s| s.label.clone()).collect(),
                Form::Pipeline => self.pipelines()?.iter().map(|p| p.label.clone()).collect(),
                Form::Owner => self.owners()?.into_iter().filter_map(|o| o.email).collect(),
                _ => property.options.iter().map(|o| o.value.clone()).collect(),
            };
            infos.push(FieldInfo {
                name: ours.to_owned(),
                theirs: theirs.to_owned(),
                options,
                writable: !property.modification_metadata.as_ref().is_some_and(|m| m.read_only_value),
            });
        }
        Ok(infos)
    }
}

/// The kind by its name among a record's associations, which for labelled links has a tail.
fn object_named(name: &str) -> Option<RecordKind> {
    ENDS.into_iter().find(|kind| object(*kind).is_some_and(|o| name == o || name.starts_with(&format!("{o}_"))))
}

/// Whether a reference is to this system at all.
pub(super) fn is_ours(record: &RecordRef) -> bool {
    record.system == NAME && super::is_id(&record.id)
}
