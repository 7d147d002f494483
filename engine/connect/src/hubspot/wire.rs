//! HubSpot's JSON, as far as we read it. Whatever may be left out is optional.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// A record.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Object {
    pub id: String,
    #[serde(default)]
    pub properties: BTreeMap<String, Option<String>>,
    /// Of properties whose history was asked for: what they read, the latest first.
    #[serde(default)]
    pub properties_with_history: BTreeMap<String, Vec<Past>>,
    pub updated_at: Option<String>,
    #[serde(default)]
    pub archived: bool,
    #[serde(default)]
    pub associations: BTreeMap<String, Page<Linked>>,
}

/// What a property read from a time on.
#[derive(Debug, Deserialize)]
pub struct Past {
    pub value: Option<String>,
    pub timestamp: Option<String>,
}

/// One end of a link, in a record.
#[derive(Debug, Deserialize)]
pub struct Linked {
    pub id: String,
}

/// One end of a link, in a list of links.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkedTo {
    /// A number in the API's replies; a text is taken too.
    pub to_object_id: Value,
}

impl LinkedTo {
    pub fn id(&self) -> String {
        self.to_object_id.as_str().map_or_else(|| self.to_object_id.to_string(), str::to_owned)
    }
}

/// One page of anything.
#[derive(Debug, Deserialize)]
pub struct Page<T> {
    #[serde(default = "Vec::new")]
    pub results: Vec<T>,
    pub paging: Option<Paging>,
}

impl<T> Page<T> {
    /// Where the next page begins.
    pub fn after(&self) -> Option<&str> {
        Some(self.paging.as_ref()?.next.as_ref()?.after.as_str())
    }
}

#[derive(Debug, Deserialize)]
pub struct Paging {
    pub next: Option<Next>,
}

#[derive(Debug, Deserialize)]
pub struct Next {
    pub after: String,
}

/// A pipeline of deals.
#[derive(Clone, Debug, Deserialize)]
pub struct Pipeline {
    pub id: String,
    #[serde(default)]
    pub label: String,
    #[serde(default)]
    pub stages: Vec<Stage>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Stage {
    pub id: String,
    #[serde(default)]
    pub label: String,
}

/// Somebody who may own records.
#[derive(Clone, Debug, Deserialize)]
pub struct OwnerOf {
    pub id: String,
    pub email: Option<String>,
}

/// A property.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Property {
    pub name: String,
    #[serde(default)]
    pub options: Vec<Choice>,
    pub modification_metadata: Option<Modification>,
}

#[derive(Debug, Deserialize)]
pub struct Choice {
    pub value: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Modification {
    #[serde(default)]
    pub read_only_value: bool,
}

/// A kind of link.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkKind {
    #[serde(default)]
    pub category: String,
    pub type_id: u32,
    pub label: Option<String>,
}
