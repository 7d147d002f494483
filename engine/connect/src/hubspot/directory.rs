//! What HubSpot numbers and people name: stages, pipelines, owners, kinds of links. Kept for a while.

use std::{
    collections::BTreeMap,
    sync::{MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use reframe_workflow::system::{ReadError, RecordKind};

use super::{
    API, HubSpot, object, odd,
    wire::{LinkKind, OwnerOf, Page, Pipeline},
};
use crate::http::{Path, ReadRequest};

/// How long names are kept. Who adds a stage can wait that long for its name.
const KEPT: Duration = Duration::from_secs(10 * 60);
/// Most pages of owners read: 5,000 people.
const MAX_PAGES: usize = 50;

/// Names got so far, with the time.
#[derive(Debug, Default)]
pub struct Cached {
    pipelines: Option<(Instant, Vec<Pipeline>)>,
    owners: Option<(Instant, Vec<OwnerOf>)>,
    links: BTreeMap<(RecordKind, RecordKind), u32>,
}

fn fresh<T: Clone>(kept: Option<&(Instant, T)>) -> Option<T> {
    kept.filter(|(at, _)| at.elapsed() < KEPT).map(|(_, value)| value.clone())
}

impl HubSpot {
    fn cached(&self) -> MutexGuard<'_, Cached> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn pipelines(&self) -> Result<Vec<Pipeline>, ReadError> {
        if let Some(known) = fresh(self.cached().pipelines.as_ref()) {
            return Ok(known);
        }
        let path = Path::new(API.pipelines, &[]).map_err(|e| odd(e.to_string()))?;
        let page: Option<Page<Pipeline>> = self.http.read(&ReadRequest::get(path))?;
        let pipelines = page.map(|p| p.results).unwrap_or_default();
        self.cached().pipelines = Some((Instant::now(), pipelines.clone()));
        Ok(pipelines)
    }

    /// Owners; nobody if the key may not see them.
    pub(super) fn owners(&self) -> Result<Vec<OwnerOf>, ReadError> {
        if let Some(known) = fresh(self.cached().owners.as_ref()) {
            return Ok(known);
        }
        let mut owners = Vec::new();
        let mut after: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let path = Path::new(API.owners, &[]).map_err(|e| odd(e.to_string()))?.query("limit", "100");
            let path = match &after {
                Some(after) => path.query("after", after),
                None => path,
            };
            let page: Page<OwnerOf> = match self.http.read(&ReadRequest::get(path)) {
                Ok(Some(page)) => page,
                Ok(None) | Err(ReadError::Forbidden { .. }) => break,
                Err(error) => return Err(error),
            };
            after = page.after().map(str::to_owned);
            owners.extend(page.results);
            if after.is_none() {
                break;
            }
        }
        self.cached().owners = Some((Instant::now(), owners.clone()));
        Ok(owners)
    }

    /// Number of the plain link between two kinds.
    pub(super) fn link(&self, from: RecordKind, to: RecordKind) -> Result<u32, ReadError> {
        if let Some(known) = self.cached().links.get(&(from, to)) {
            return Ok(*known);
        }
        let (Some(a), Some(b)) = (object(from), object(to)) else { return Err(odd("mail cannot be linked")) };
        let path = Path::new(API.link_kinds, &[a, b, "labels"]).map_err(|e| odd(e.to_string()))?;
        let page: Option<Page<LinkKind>> = self.http.read(&ReadRequest::get(path))?;
        let kinds = page.map(|p| p.results).unwrap_or_default();
        let plain = kinds.iter().find(|k| k.category == "HUBSPOT_DEFINED" && k.label.is_none());
        let number = plain.ok_or_else(|| odd(format!("it knows no plain link from {a} to {b}")))?.type_id;
        self.cached().links.insert((from, to), number);
        Ok(number)
    }

    /// Name of a stage; its id if nobody knows it.
    pub(super) fn stage_name(&self, pipeline: Option<&str>, id: &str) -> Result<String, ReadError> {
        let pipelines = self.pipelines()?;
        let mut all = pipelines.iter().filter(|p| pipeline.is_none_or(|id| p.id == id)).flat_map(|p| &p.stages);
        Ok(all.find(|s| s.id == id).map_or(id, |s| &s.label).to_owned())
    }

    /// Id of a stage of a pipeline by its name, or by its id.
    pub(super) fn stage_id(&self, pipeline: Option<&str>, name: &str) -> Result<Option<String>, ReadError> {
        let pipelines = self.pipelines()?;
        let all = || pipelines.iter().filter(|p| pipeline.is_none_or(|id| p.id == id)).flat_map(|p| &p.stages);
        let named: Vec<_> = all().filter(|s| s.label == name).collect();
        // Two stages of a name: nobody can tell which is meant.
        let found = if let [one] = named[..] { Some(one) } else { all().find(|s| s.id == name) };
        Ok(found.map(|s| s.id.clone()))
    }

    pub(super) fn pipeline_name(&self, id: &str) -> Result<String, ReadError> {
        Ok(self.pipelines()?.iter().find(|p| p.id == id).map_or(id, |p| &p.label).to_owned())
    }

    pub(super) fn owner_name(&self, id: &str) -> Result<String, ReadError> {
        let owners = self.owners()?;
        Ok(owners.iter().find(|o| o.id == id).and_then(|o| o.email.as_deref()).unwrap_or(id).to_owned())
    }

    /// Id of an owner by e-mail address, or by id.
    pub(super) fn owner_id(&self, name: &str) -> Result<Option<String>, ReadError> {
        let owners = self.owners()?;
        let by_mail = owners.iter().find(|o| o.email.as_deref().is_some_and(|e| e.eq_ignore_ascii_case(name)));
        let known = by_mail.or_else(|| owners.iter().find(|o| o.id == name));
        Ok(known.map(|o| o.id.clone()).or_else(|| super::is_id(name).then(|| name.to_owned())))
    }
}
