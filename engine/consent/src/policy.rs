//! Which places need whose consent, and the rule for a call whose participants are spread over several.

use std::collections::BTreeMap;

use reframe_call::input::ConsentRule;
use serde::{Deserialize, Serialize};

/// What a place asks for; a later one is stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Requirement {
    /// Each for themselves is enough.
    OneParty,
    /// Everybody must agree.
    AllParty,
    /// Everybody must agree, by a clear act (data protection law).
    Explicit,
}

impl Requirement {
    /// In words, for people.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::OneParty => "one-party consent",
            Self::AllParty => "all-party consent",
            Self::Explicit => "explicit consent",
        }
    }
}

/// What the settings say about whose consent it takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleSetting {
    /// Everybody's, everywhere.
    #[default]
    Everyone,
    /// What the strictest place among the participants asks for; a place nobody knows asks for everybody's.
    ByJurisdiction,
}

/// Where a line of the list comes from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Its title or address.
    pub title: String,
    /// The day it was read, or came into force: `2026-11-22`.
    pub as_of: String,
}

/// A place in the list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// ISO 3166 code: a country (`DE`) or one of its parts (`US-CA`).
    pub code: String,
    /// Its name.
    pub name: String,
    /// What it asks for.
    pub requirement: Requirement,
    /// Keys of the sources that say so.
    pub sources: Vec<String>,
    /// The law, where the list names it.
    #[serde(default)]
    pub law: Option<String>,
    /// A source lists it with special provisions.
    #[serde(default)]
    pub flagged: bool,
    /// What is special.
    #[serde(default)]
    pub note: Option<String>,
}

/// The list, as its file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    source: BTreeMap<String, Source>,
    place: Vec<Place>,
}

/// Why a list cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// It cannot be read.
    #[error("the list of jurisdictions cannot be read: {0}")]
    Unreadable(String),
    /// It contradicts itself.
    #[error("the list of jurisdictions is wrong at {code}: {why}")]
    Wrong {
        /// Where.
        code: String,
        /// How.
        why: String,
    },
}

/// Places and what they ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Version of the list.
    pub version: u32,
    /// Where it comes from, by key.
    pub sources: BTreeMap<String, Source>,
    places: BTreeMap<String, Place>,
}

const SHIPPED: &str = include_str!("jurisdictions.toml");

impl Policy {
    /// The list this program carries.
    ///
    /// # Panics
    /// Never: a test reads it.
    #[must_use]
    pub fn shipped() -> Self {
        Self::parse(SHIPPED).expect("a test reads the list that ships")
    }

    /// Reads a list.
    ///
    /// # Errors
    /// [`PolicyError`] says what is wrong with it, and where.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let file: File = toml::from_str(text).map_err(|e| PolicyError::Unreadable(e.to_string()))?;
        let mut places = BTreeMap::new();
        for place in file.place {
            let wrong = |why: &str| PolicyError::Wrong { code: place.code.clone(), why: why.to_owned() };
            if !is_code(&place.code) {
                return Err(wrong("write an ISO 3166 code in capitals: DE, US-CA"));
            }
            if place.sources.is_empty() || !place.sources.iter().all(|s| file.source.contains_key(s)) {
                return Err(wrong("every place needs a source, and every source must be listed"));
            }
            if place.flagged && (place.note.is_none() || place.requirement == Requirement::OneParty) {
                return Err(wrong("a flagged place needs a note, and is never one-party"));
            }
            if places.contains_key(&place.code) {
                return Err(wrong("it is listed twice"));
            }
            places.insert(place.code.clone(), place);
        }
        Ok(Self { version: file.version, sources: file.source, places })
    }

    /// All places.
    pub fn places(&self) -> impl Iterator<Item = &Place> {
        self.places.values()
    }

    /// The place of a code, or that of its country if the country is listed as a whole. Letters of any case.
    #[must_use]
    pub fn place(&self, code: &str) -> Option<&Place> {
        let code = code.trim().to_ascii_uppercase();
        let country = code.split('-').next().unwrap_or_default();
        self.places.get(&code).or_else(|| self.places.get(country)).filter(|_| is_code(&code))
    }

    /// Whose consent a call needs, and why, in words without names of people. One entry per participant: where they are,
    /// if that is known.
    #[must_use]
    pub fn rule_for<'a>(
        &self,
        participants: impl IntoIterator<Item = Option<&'a str>>,
        setting: RuleSetting,
    ) -> (ConsentRule, String) {
        if setting == RuleSetting::Everyone {
            return (ConsentRule::Everyone, "the settings ask for everybody's consent".to_owned());
        }
        let mut strictest: Option<&Place> = None;
        for code in participants {
            let Some(place) = code.and_then(|code| self.place(code)) else {
                let why = match code {
                    Some(_) => "a participant is in a place that is not listed",
                    None => "nobody knows where a participant is",
                };
                return (ConsentRule::Everyone, why.to_owned());
            };
            // The first of the strictest, so that the reason does not change with every further participant.
            if strictest.is_none_or(|s| place.requirement > s.requirement) {
                strictest = Some(place);
            }
        }
        match strictest {
            None => (ConsentRule::Everyone, "nobody is in the call yet".to_owned()),
            Some(place) if place.requirement == Requirement::OneParty => {
                (ConsentRule::EachOwn, "all participants are in places of one-party consent".to_owned())
            }
            Some(place) => (ConsentRule::Everyone, format!("{} ({})", place.name, place.requirement.in_words())),
        }
    }
}

/// Two capitals, and perhaps a dash and one to three capitals or digits.
fn is_code(code: &str) -> bool {
    let (country, part) = match code.split_once('-') {
        Some((country, part)) => (country, Some(part)),
        None => (code, None),
    };
    let part_fits =
        |p: &str| (1..=3).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    country.len() == 2 && country.bytes().all(|b| b.is_ascii_uppercase()) && part.is_none_or(part_fits)
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
