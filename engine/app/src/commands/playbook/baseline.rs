//! Finds the present playbook a call is compared with: the one that is named, or the one the call was made with.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use reframe_call::{backtest::Tried, detect::semantic::SentenceEncoder, playbook::Playbook};

use crate::{playbooks, sentences::Plan};

/// A playbook ready to be tried.
pub fn tried(playbook: Arc<Playbook>, encoder: Option<&Arc<dyn SentenceEncoder>>) -> Tried {
    let Plan { playbook, meaning } = Plan::new(playbook, encoder);
    Tried { playbook, meaning }
}

/// Present playbooks by their names in logs.
pub struct Baselines {
    encoder: Option<Arc<dyn SentenceEncoder>>,
    /// The one that was named.
    named: Option<Tried>,
    built_in: Arc<Playbook>,
    at_hand: BTreeMap<String, Arc<Playbook>>,
    /// Made when first asked for: encoding the examples of a playbook takes a moment.
    made: Mutex<BTreeMap<String, Tried>>,
}

impl Baselines {
    /// The playbook in `named`, or, without one, those at hand: `dir`, the folders beside it, those in `playbooks/` and
    /// the built-in one.
    ///
    /// # Errors
    /// If a named playbook or the built-in one cannot be used.
    pub fn new(dir: &Path, named: Option<&Path>, encoder: Option<&Arc<dyn SentenceEncoder>>) -> anyhow::Result<Self> {
        let built_in = playbooks::load(None)?;
        let mut at_hand = BTreeMap::new();
        let file = playbooks::file_of(dir).canonicalize().unwrap_or_default();
        let parent = file.ancestors().nth(2).map(Path::to_owned);
        for folder in parent.into_iter().chain([PathBuf::from("playbooks")]) {
            let Ok(entries) = std::fs::read_dir(folder) else { continue };
            for path in entries.flatten().map(|e| e.path()).filter(|p| p.join("playbook.toml").is_file()) {
                // One that cannot be used was used for no call.
                if let Ok(playbook) = playbooks::load(Some(&path)) {
                    at_hand.insert(playbook.id(), playbook);
                }
            }
        }
        at_hand.insert(built_in.id(), Arc::clone(&built_in));
        let named = named.map(|path| playbooks::load(Some(path)).map(|p| tried(p, encoder))).transpose()?;
        Ok(Self { encoder: encoder.cloned(), named, built_in, at_hand, made: Mutex::default() })
    }

    /// The playbook to compare a call with that was made with `logged_with`, and whether it is that one or the one that
    /// was named; if not, it is the built-in one for want of a better.
    pub fn of(&self, logged_with: &str) -> (Tried, bool) {
        if let Some(named) = &self.named {
            return (named.clone(), true);
        }
        let found = self.at_hand.get(logged_with);
        let playbook = found.unwrap_or(&self.built_in);
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let tried = made.entry(playbook.id()).or_insert_with(|| tried(Arc::clone(playbook), self.encoder.as_ref()));
        (tried.clone(), found.is_some())
    }
}
