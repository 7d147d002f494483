//! Lists the card files of the built-in playbook, so that adding one to its folder is enough.

use std::{env, error::Error, fmt::Write as _, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let cards = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../playbooks/b2b-saas/cards");
    // A folder that is not there yet is watched through the one it will be in.
    let watched = if cards.is_dir() { cards.clone() } else { cards.with_file_name("") };
    println!("cargo::rerun-if-changed={}", watched.display());
    let mut names = Vec::new();
    if cards.is_dir() {
        for entry in fs::read_dir(&cards)? {
            let name = entry?.file_name().into_string().map_err(|name| format!("{} is no UTF-8", name.display()))?;
            if name.ends_with(".md") {
                names.push(name);
            }
        }
    }
    names.sort();
    let mut list = String::from("[\n");
    for name in names {
        let file = cards.join(&name).canonicalize()?;
        writeln!(list, "    ({name:?}, include_str!({:?})),", file.display().to_string())?;
    }
    list.push(']');
    fs::write(PathBuf::from(env::var("OUT_DIR")?).join("built_in_cards.rs"), list)?;
    Ok(())
}
