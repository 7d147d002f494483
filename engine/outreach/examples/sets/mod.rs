//! Labelled sets as the examples read them: JSON Lines of replies or drafts.

use std::{collections::BTreeMap, path::Path};

use reframe_outreach::{
    lint::{Candidate, Channel, Language},
    reply::{CLASSES, Class, Received},
};
use serde::Deserialize;

/// An answer and what a person says it means.
#[derive(Clone, Debug, Deserialize)]
#[allow(dead_code)]
pub struct Reply {
    pub id: String,
    pub subject: String,
    pub body: String,
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    pub label: Class,
}

#[allow(dead_code)]
impl Reply {
    pub fn received(&self) -> Received {
        Received { subject: self.subject.clone(), body: self.body.clone(), headers: self.headers.clone() }
    }

    /// Number of its label among the classes.
    pub fn class(&self) -> usize {
        CLASSES.iter().position(|c| *c == self.label).expect("a label of the set")
    }
}

/// A draft and what a person says is wrong with it.
#[derive(Clone, Debug, Deserialize)]
#[allow(dead_code)]
pub struct Labelled {
    pub id: String,
    #[serde(default)]
    pub channel: Channel,
    pub language: String,
    pub seller_first_name: String,
    pub contact_first_name: String,
    pub signal: String,
    #[serde(default)]
    pub facts: Vec<String>,
    pub subject: String,
    pub body: String,
    pub good: bool,
    #[serde(default)]
    pub faults: Vec<String>,
}

#[allow(dead_code)]
impl Labelled {
    pub fn candidate(&self) -> Candidate {
        Candidate {
            channel: self.channel,
            language: Language::of(&self.language).expect("a language of the set"),
            seller_first_name: self.seller_first_name.clone(),
            contact_first_name: self.contact_first_name.clone(),
            signal: self.signal.clone(),
            facts: self.facts.clone(),
            subject: self.subject.clone(),
            body: self.body.clone(),
            in_thread: false,
        }
    }
}

/// The rows of a file.
///
/// # Panics
/// If a line is none: with its number.
pub fn read<T: for<'a> Deserialize<'a>>(path: &Path) -> Vec<T> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let rows = text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty());
    rows.map(|(i, l)| serde_json::from_str(l).unwrap_or_else(|e| panic!("{}:{}: {e}", path.display(), i + 1))).collect()
}
