//! The folder that files with signals are dropped into. They stay where they are; which were read is remembered by what is
//! in them, so that a file under another name is not read twice and one that grew is read again.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use anyhow::Context;
use reframe_signal::import::MOST_BYTES;
use reframe_store::{Item, ItemKind};
use reframe_workflow::artifact::Digest;
use serde_json::json;

use super::take::{About, Form};
use crate::workflow::Office;

/// Most files that are looked at; a folder with more is not meant for this.
const MOST_FILES: usize = 1_000;
/// Rest after a file could not be taken in, in ms.
const AGAIN_MS: i64 = 60_000;

/// How a file looked the last time.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Look {
    bytes: u64,
    changed_ms: u128,
}

/// What is known of the folder between two looks.
#[derive(Default)]
pub struct Folder {
    looks: BTreeMap<PathBuf, (Look, bool)>,
    rests_until_unix_ms: i64,
}

impl Folder {
    /// Takes in the files that are new, or others than before, and have not changed since the last look; gives how many
    /// files. Harmless to repeat, and to break off.
    ///
    /// # Errors
    /// If the folder, the store or the CRM cannot be read; the next look goes on with it after a minute.
    pub fn look(&mut self, office: &Office) -> anyhow::Result<usize> {
        let Some(folder) = office.settings.signals.folder.clone() else { return Ok(0) };
        let now = (office.clock)();
        if now < self.rests_until_unix_ms {
            return Ok(0);
        }
        self.rests_until_unix_ms = now + AGAIN_MS;
        let taken = self.look_into(office, &folder)?;
        self.rests_until_unix_ms = 0;
        Ok(taken)
    }

    fn look_into(&mut self, office: &Office, folder: &Path) -> anyhow::Result<usize> {
        let list = std::fs::read_dir(folder)
            .with_context(|| format!("workflow.signals.folder {} cannot be read", folder.display()))?;
        let mut paths: Vec<PathBuf> = list.take(MOST_FILES).filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.sort();
        self.looks.retain(|path, _| paths.contains(path));
        let mut taken = 0;
        for path in paths {
            let hidden = path.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
            // Pasted text needs a person's word for the account.
            let Some(form) = Form::of(&path).filter(|f| *f != Form::Paste && !hidden) else { continue };
            // A link may lead anywhere; only files that were put here are read.
            let Ok(meta) = std::fs::symlink_metadata(&path) else { continue };
            if !meta.is_file() {
                continue;
            }
            let changed = meta.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok());
            let look = Look { bytes: meta.len(), changed_ms: changed.map_or(0, |d| d.as_millis()) };
            match self.looks.get(&path) {
                Some((known, true)) if *known == look => continue,
                Some((known, false)) if *known == look => {}
                // New or still being written: once more at the next look.
                _ => {
                    self.looks.insert(path, (look, false));
                    continue;
                }
            }
            if look.bytes > MOST_BYTES as u64 {
                tracing::warn!(bytes = look.bytes, "a file of signals is too large and was not read; split it");
            } else {
                take(office, &path, form)?;
                taken += 1;
            }
            self.looks.insert(path, (look, true));
        }
        Ok(taken)
    }
}

fn take(office: &Office, path: &Path, form: Form) -> anyhow::Result<()> {
    let bytes = std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let id = format!("file/{}", Digest::of(&bytes));
    if office.store.item(ItemKind::Taken, &id)?.is_some() {
        return Ok(());
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let took = office.take_signals(&bytes, &name, form, &About::default())?;
    if took.refused > 0 {
        tracing::warn!(
            events = took.events,
            new = took.new,
            refused = took.refused,
            "a file of signals was read in part; `reframe signal import` says which lines are wrong"
        );
    } else {
        tracing::info!(events = took.events, new = took.new, "a file of signals was read");
    }
    let body = json!({ "name": name, "events": took.events, "new": took.new, "refused": took.refused });
    let at_unix_ms = (office.clock)();
    office.store.keep_items(&[Item { kind: ItemKind::Taken, id, account: None, at_unix_ms, body }])?;
    Ok(())
}
