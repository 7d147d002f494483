//! Playbooks: what to listen for, what to answer, and the lines that test it. Parsed from TOML, checked before use.

mod card;
mod card_file;
mod cards;
mod follows;
mod parse;
mod phrase;
mod problem;
mod raw;
#[cfg(feature = "schema")]
mod schema;
mod spelling;
#[cfg(test)]
mod tests;
mod tests_of;
mod when;

use std::sync::Arc;

use serde::Deserialize;

#[cfg(feature = "schema")]
pub use self::schema::schema;
pub use self::{
    card::{BASE_VARIANT, CardText, CaseStudyText, Variant, Wording},
    cards::MAX_VARIANTS,
    parse::{
        CardFile, MAX_CARD_BYTES, MAX_CARD_FILES, MAX_FILE_BYTES, MAX_PLAYS, Source, parse, read, text_of, too_large,
    },
    phrase::GAP,
    problem::{Problem, Severity},
    when::{MAX_MINUTES, NameList, Names, When},
};
use crate::{audio::Party, deal::Deal, time::MediaTime};

/// Version of the file format this code reads.
pub const PLAYBOOK_VERSION: u32 = 1;
/// Lines of a card a rep can take in while somebody talks.
pub const MAX_SAY_LINES: usize = 3;
/// Characters of a card line; longer ones wrap on a 380 px overlay and are not read.
pub const MAX_SAY_CHARS: usize = 90;

/// What to listen for and what to answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Playbook {
    /// Short name: the folder's.
    pub name: String,
    /// Name to show.
    pub title: String,
    /// First 12 hex digits of the SHA-256 of its files; part of the log's first event.
    pub hash: String,
    /// Names the recogniser should lean towards.
    pub vocabulary: Vocabulary,
    /// The plays, in file order.
    pub plays: Vec<Play>,
    /// The lines that test them.
    pub tests: Vec<PlayTest>,
    /// The little calls that test them.
    pub calls: Vec<CallTest>,
}

impl Playbook {
    /// `name:hash`, as it stands in the log.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}:{}", self.name, self.hash)
    }

    /// The play with this id.
    #[must_use]
    pub fn play(&self, id: &str) -> Option<&Play> {
        self.plays.iter().find(|p| p.id == id)
    }

    /// What runs in a call: the playbook without its drafts.
    #[must_use]
    pub fn in_force(self: &Arc<Self>) -> Arc<Self> {
        if self.plays.iter().all(|p| p.enabled) {
            return Arc::clone(self);
        }
        let mut playbook = Self::clone(self);
        playbook.plays.retain(|p| p.enabled);
        Arc::new(playbook)
    }
}

/// Names the recogniser should lean towards.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Vocabulary {
    /// What we sell.
    pub products: Vec<String>,
    /// Who else sells it.
    pub competitors: Vec<String>,
    /// People likely to be named.
    pub people: Vec<String>,
}

impl Vocabulary {
    /// All names, in file order.
    pub fn all(&self) -> impl Iterator<Item = &str> {
        self.products.iter().chain(&self.competitors).chain(&self.people).map(String::as_str)
    }
}

/// Whose words can trigger a play.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SpeakerRule {
    /// The buyer, or somebody whose party is not known.
    #[default]
    Buyer,
    /// The rep.
    Rep,
    /// Anyone.
    Any,
}

impl SpeakerRule {
    /// Whether words of `party` count.
    #[must_use]
    pub const fn admits(self, party: Party) -> bool {
        match self {
            Self::Any => true,
            Self::Buyer => !matches!(party, Party::Rep),
            Self::Rep => matches!(party, Party::Rep),
        }
    }
}

/// One thing a buyer may say, and the card that answers it.
#[derive(Clone, Debug, PartialEq)]
pub struct Play {
    /// Unique in its playbook.
    pub id: String,
    /// Class: `price`, `timing`, …
    pub label: String,
    /// Whose words count.
    pub speaker: SpeakerRule,
    /// 0..=100; higher goes first.
    pub priority: u16,
    /// Phrases that trigger it.
    pub phrases: Vec<String>,
    /// Phrases that look like it and are not: they hold it back.
    pub never: Vec<String>,
    /// Sentences like those it should answer (for the semantic detector).
    pub like: Vec<String>,
    /// Sentences near it that it should not answer.
    pub not_like: Vec<String>,
    /// How it may sound when the recogniser cannot know a word of a phrase: `[["hub spot", "hubspot"]]`.
    pub sounds_like: Vec<(String, String)>,
    /// Not again within this time.
    pub cooldown_ms: u64,
    /// At most once in a call.
    pub once: bool,
    /// At most this often in a call.
    pub max_per_call: u32,
    /// Leaves the screen after this time.
    pub ttl_ms: u64,
    /// Who looks after it.
    pub owner: Option<String>,
    /// A play that is not enabled is a draft: checked and tested, and never fires in a call.
    pub enabled: bool,
    /// May come up while the rep speaks.
    pub urgent: bool,
    /// The play this one follows up: its card comes when that one's was shown and the same label is raised again.
    pub follows: Option<String>,
    /// A rule beyond what is said in one sentence.
    pub when: Option<When>,
    /// Where it begins in its file, from 1.
    pub line: usize,
    /// What the rep sees.
    pub card: CardText,
}

/// A line and what must come of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlayTest {
    /// The line.
    pub say: String,
    /// Who says it.
    pub speaker: Party,
    /// The line as it was heard before it was complete, in order; each replaces the one before.
    pub partial: Vec<String>,
    /// Label, or `none`.
    pub expect: String,
    /// The very play that must raise it, if that matters.
    pub play: Option<String>,
    /// Line in the file, for messages.
    pub line: usize,
}

/// A little call and the cards that must come up in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallTest {
    /// What happens, in order of time.
    pub steps: Vec<Step>,
    /// What is known of the deal.
    pub deal: Deal,
    /// Ids of the plays whose cards must be shown, in order.
    pub expect_cards: Vec<String>,
    /// Line in the file, for messages.
    pub line: usize,
}

/// One thing that happens in a [`CallTest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// When it begins.
    pub at: MediaTime,
    /// Who says what; without it, time passes.
    pub who: Option<(Party, String)>,
    /// How long it takes, in ms; at the usual pace if not given.
    pub for_ms: Option<u64>,
}
