//! `reframe playbook schema`: the JSON Schema of a playbook's file, for editors.

use std::io::Write;

use reframe_call::playbook;

use crate::exit::Exit;

/// Print the JSON Schema of playbook.toml
///
/// Editors that know TOML (taplo, Even Better TOML) check a playbook while you write, if its first line is
/// `#:schema ../playbook.schema.json`. The schema checks keys and kinds of values; `reframe playbook check` the rest.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs it.
///
/// # Errors
/// If nothing can be printed.
pub fn run(_: &Args) -> anyhow::Result<Exit> {
    write!(std::io::stdout(), "{}", text()?)?;
    Ok(Exit::Success)
}

fn text() -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(&playbook::schema())? + "\n")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_published_schema_is_this_one() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../playbooks/playbook.schema.json");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&file, text().unwrap()).unwrap();
        }
        let published = std::fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(published, text().unwrap(), "UPDATE_GOLDEN=1 rewrites {}, if this is meant", file.display());
    }

    #[test]
    fn it_knows_every_key_and_no_other() {
        let schema = playbook::schema();
        assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
        assert_eq!((&schema["title"], &schema["additionalProperties"]), (&"Playbook".into(), &false.into()));
        let play = &schema["definitions"]["Play"];
        assert_eq!(play["additionalProperties"], false);
        for key in ["id", "label", "phrases", "never", "follows", "when", "urgent", "enabled", "owner", "card"] {
            assert!(play["properties"][key].is_object(), "{key}");
        }
        assert_eq!(play["required"], serde_json::json!(["id", "label", "card"]));
        let card = &schema["definitions"]["Card"];
        assert_eq!(card["required"], serde_json::json!(["title", "say"]));
    }
}
