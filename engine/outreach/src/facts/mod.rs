//! What may be said about somebody: sourced, professional, published. What is not never becomes a [`Fact`].

mod personal;

use reframe_workflow::artifact::{ArtifactId, Claim, Evidence};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::personal::{Topic, personal};

/// Longest text of a fact, in characters.
const MAX_CHARS: usize = 600;
/// Most facts of a sheet: what a person reads before a first message.
pub const MAX_FACTS: usize = 40;

/// Where something was published. Those that a company or a person put out for business may be used, the others not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SourceClass {
    /// The company's own pages.
    CompanySite,
    /// A release to the press.
    PressRelease,
    /// A newspaper, a trade journal.
    News,
    /// An advertisement of a job.
    JobPosting,
    /// A register, a filing with an authority.
    Filing,
    /// A talk, a panel, a podcast about work.
    Talk,
    /// A profile on a network for work, as a person pasted it.
    ProfessionalProfile,
    /// A post about work on such a network, as a person pasted it.
    ProfessionalPost,
    /// Release notes, documentation, a public repository.
    ProductPage,
    /// What the person wrote to us.
    TheirMail,
    /// A network for private life.
    PrivateSocial,
    /// A picture.
    Photo,
    /// Bought data about a person.
    DataBroker,
    /// What somebody is said to have said.
    Hearsay,
    /// Nobody knows.
    Unknown,
}

impl SourceClass {
    /// Whether what stands there was put out for business.
    #[must_use]
    pub const fn is_professional(self) -> bool {
        !matches!(self, Self::PrivateSocial | Self::Photo | Self::DataBroker | Self::Hearsay | Self::Unknown)
    }
}

/// Something found, not yet looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Found {
    /// What it says, word for word as the source has it.
    pub text: String,
    /// Kind of source.
    pub class: SourceClass,
    /// Where it can be looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Name of the source: "Kestrel Foods newsroom".
    pub source: String,
    /// Name of the item where another stage knows it already: `signal/…`. Else it follows from the contents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<String>,
    /// When it was published, in ms since 1970-01-01 UTC.
    pub at_unix_ms: i64,
}

/// Why something may not be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[serde(tag = "why", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Blocked {
    /// Its source is none for business.
    #[error("the source was not published for business; use what the company or the person put out for work")]
    Source {
        /// The kind of source.
        class: SourceClass,
    },
    /// It is about private life.
    #[error("it is about private life ({topic:?}: \"{words}\"); leave it out")]
    Personal {
        /// What of it.
        topic: Topic,
        /// The words that say so.
        words: String,
    },
    /// It has no source that could be cited.
    #[error("it has no source: give the address or the name of where it stands")]
    Unsourced,
    /// It is empty or too long.
    #[error("it must have 1 to {MAX_CHARS} characters of plain text")]
    Length,
}

/// Something that may be said: the only way to one is [`Fact::screen`], also when it is read from a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Found", into = "Found")]
pub struct Fact {
    found: Found,
    item: String,
}

impl TryFrom<Found> for Fact {
    type Error = Blocked;

    fn try_from(found: Found) -> Result<Self, Blocked> {
        Self::screen(found)
    }
}

impl From<Fact> for Found {
    fn from(fact: Fact) -> Self {
        fact.found
    }
}

impl Fact {
    /// Lets through what is sourced, professional and published.
    ///
    /// # Errors
    /// [`Blocked`] with the reason.
    pub fn screen(found: Found) -> Result<Self, Blocked> {
        if !found.class.is_professional() {
            return Err(Blocked::Source { class: found.class });
        }
        let text = found.text.trim();
        if text.is_empty() || text.chars().count() > MAX_CHARS || text.chars().any(|c| c.is_control() && c != '\n') {
            return Err(Blocked::Length);
        }
        if found.source.trim().is_empty() && found.url.is_none() {
            return Err(Blocked::Unsourced);
        }
        if let Some((topic, words)) = personal(text) {
            return Err(Blocked::Personal { topic, words });
        }
        let contents = (text, &found.source, &found.url, found.at_unix_ms);
        let own = || ArtifactId::of("fact", &reframe_workflow::artifact::canonical(&contents)).as_str().to_owned();
        let item = found.item.clone().unwrap_or_else(own);
        Ok(Self { item, found })
    }

    /// What it says.
    #[must_use]
    pub fn text(&self) -> &str {
        self.found.text.trim()
    }

    /// Name of the source.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.found.source
    }

    /// Name of the item it stands in, as evidence has it.
    #[must_use]
    pub fn item(&self) -> &str {
        &self.item
    }

    /// When it was published, in ms since 1970-01-01 UTC.
    #[must_use]
    pub const fn at_unix_ms(&self) -> i64 {
        self.found.at_unix_ms
    }

    /// A statement that rests on it; `quote` must stand in it, else the whole of it is cited.
    #[must_use]
    pub fn claim(&self, text: &str, quote: &str) -> Option<Claim> {
        let quote = if self.text().contains(quote) && !quote.trim().is_empty() { quote } else { self.text() };
        let evidence = Evidence::Source {
            item: self.item.clone(),
            url: self.found.url.clone(),
            quote: quote.to_owned(),
            at_unix_ms: self.found.at_unix_ms,
        };
        Claim::new(text, vec![evidence], 1.0).ok()
    }
}

/// What is known before anything is written, and what was left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FactSheet {
    facts: Vec<Fact>,
}

impl FactSheet {
    /// The facts of what was found, newest first and each once, and what was blocked, by its place in `found`.
    #[must_use]
    pub fn of(found: Vec<Found>) -> (Self, Vec<(usize, Blocked)>) {
        let mut blocked = Vec::new();
        let mut facts: Vec<Fact> = Vec::new();
        for (i, found) in found.into_iter().enumerate() {
            match Fact::screen(found) {
                Ok(fact) if facts.iter().any(|f| f.text() == fact.text()) => {}
                Ok(fact) => facts.push(fact),
                Err(why) => blocked.push((i, why)),
            }
        }
        facts.sort_by(|a, b| b.at_unix_ms().cmp(&a.at_unix_ms()).then_with(|| a.item.cmp(&b.item)));
        facts.truncate(MAX_FACTS);
        (Self { facts }, blocked)
    }

    /// The facts, newest first.
    #[must_use]
    pub fn facts(&self) -> &[Fact] {
        &self.facts
    }

    /// Name and text of each, to check citations against.
    #[must_use]
    pub fn items(&self) -> Vec<(String, String)> {
        self.facts.iter().map(|f| (f.item.clone(), f.text().to_owned())).collect()
    }
}
