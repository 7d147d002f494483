//! Places, by their ISO 3166 codes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A country (`DE`) or one of its parts (`US-CA`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Region(String);

/// Not the code of a place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no place; write an ISO 3166 code: DE, US-CA")]
pub struct BadRegion(String);

impl Region {
    /// The place of a code, in letters of any case.
    ///
    /// # Errors
    /// [`BadRegion`].
    pub fn new(code: &str) -> Result<Self, BadRegion> {
        let spelled = code.trim().to_ascii_uppercase();
        let (country, part) = spelled.split_once('-').map_or((spelled.as_str(), None), |(c, p)| (c, Some(p)));
        let letters = country.len() == 2 && country.bytes().all(|b| b.is_ascii_uppercase());
        let fits = |p: &str| (1..=3).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphanumeric());
        if letters && part.is_none_or(fits) {
            Ok(Self(spelled))
        } else {
            Err(BadRegion(code.chars().take(20).collect()))
        }
    }

    /// The code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The code of its country.
    #[must_use]
    pub fn country(&self) -> &str {
        self.0.get(..2).unwrap_or(&self.0)
    }

    /// Whether it is a whole country.
    #[must_use]
    pub fn is_country(&self) -> bool {
        self.0.len() == 2
    }

    /// Its country.
    #[must_use]
    pub fn whole(&self) -> Self {
        Self(self.country().to_owned())
    }
}

impl TryFrom<String> for Region {
    type Error = BadRegion;

    fn try_from(text: String) -> Result<Self, BadRegion> {
        Self::new(&text)
    }
}

impl From<Region> for String {
    fn from(region: Region) -> Self {
        region.0
    }
}

impl std::fmt::Display for Region {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
