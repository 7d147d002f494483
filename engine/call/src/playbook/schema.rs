//! The JSON Schema of `playbook.toml`, for editors that check while one writes.

use schemars::generate::SchemaSettings;

use super::raw::RawPlaybook;

/// The schema, made of the types that read the file. Draft 7: the newest that TOML editors (taplo) know.
#[must_use]
pub fn schema() -> serde_json::Value {
    SchemaSettings::draft07().into_generator().into_root_schema_for::<RawPlaybook>().to_value()
}
