//! A playbook exactly as it is written: every key there is, and nothing else. The JSON Schema is made of these types, so
//! their comments are what an editor shows.

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};
use toml::Spanned;

use super::{SpeakerRule, Vocabulary, When};
use crate::{audio::Party, deal::Deal};

/// A Reframe playbook: what to listen for in a call, what to put on the rep's screen, and the lines that test it.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Playbook"))]
#[serde(deny_unknown_fields)]
pub(super) struct RawPlaybook {
    /// Version of this format: 1.
    #[cfg_attr(feature = "schema", schemars(with = "u32", range(min = 1, max = 1)))]
    pub version: Spanned<u32>,
    /// Short name; the folder's. Lower-case letters, digits, - and _.
    #[cfg_attr(feature = "schema", schemars(with = "String", regex(pattern = "^[a-z0-9_-]+$")))]
    pub name: Spanned<String>,
    /// Name to show.
    #[serde(default)]
    pub title: String,
    /// Names the recogniser should lean towards.
    #[serde(default)]
    pub vocabulary: Vocabulary,
    /// The plays.
    #[serde(default)]
    pub play: Vec<RawPlay>,
    /// Lines and little calls, and what must come of them.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<RawTest>"))]
    pub test: Vec<Spanned<RawTest>>,
}

/// One thing that may be said or happen in a call, and the card that answers it.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Play"))]
#[serde(deny_unknown_fields)]
pub(super) struct RawPlay {
    /// Its own name: lower-case letters, digits and _.
    #[cfg_attr(feature = "schema", schemars(with = "String", regex(pattern = "^[a-z0-9_]+$")))]
    pub id: Spanned<String>,
    /// Class: price, timing, … Several plays may share it. Lower-case letters, digits and _; `none` is reserved.
    #[cfg_attr(feature = "schema", schemars(with = "String", regex(pattern = "^[a-z0-9_]+$")))]
    pub label: Spanned<String>,
    /// Whose words count: buyer (also anybody whose side is not known), rep or any.
    #[serde(default)]
    pub speaker: SpeakerRule,
    /// 0 to 100; when two plays match, the higher one is shown.
    #[serde(default = "default_priority")]
    #[cfg_attr(feature = "schema", schemars(range(max = 100)))]
    pub priority: u16,
    /// What is said, word for word. `..` stands for up to three words between: "too .. expensive".
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
    pub phrases: Vec<Spanned<String>>,
    /// What contains a phrase, or nearly, and must not bring the card.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
    pub never: Vec<Spanned<String>>,
    /// Whole sentences that should bring the card, in other words than the phrases.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
    pub like: Vec<Spanned<String>>,
    /// Sentences near it that should not.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>"))]
    pub not_like: Vec<Spanned<String>>,
    /// How a name may sound that no dictionary has: [["hubspot", "hub spot"]].
    #[serde(default)]
    pub sounds_like: Vec<(String, String)>,
    /// Not again within this time, in milliseconds.
    #[serde(default = "default_cooldown_ms")]
    pub cooldown_ms: u64,
    /// At most once in a call.
    #[serde(default)]
    pub once: bool,
    /// At most this often in a call.
    #[serde(default = "default_max_per_call")]
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub max_per_call: u32,
    /// Leaves the screen after this time, in milliseconds; 3000 or more.
    #[serde(default = "default_ttl_ms")]
    #[cfg_attr(feature = "schema", schemars(range(min = 3_000)))]
    pub ttl_ms: u64,
    /// Who looks after it.
    #[serde(default)]
    pub owner: Option<String>,
    /// `false` makes it a draft: checked and tested, and never fires in a call.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// May come up while the rep speaks.
    #[serde(default)]
    pub urgent: bool,
    /// Id of the play this one follows up: its card comes when that one's was shown within the last five minutes and the
    /// same label is raised again.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub follows: Option<Spanned<String>>,
    /// A rule beyond what is said in one sentence, in place of phrases and like.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<When>"))]
    pub when: Option<Spanned<When>>,
    /// What the rep sees: a table, or a Markdown file of this folder, like "cards/price.md".
    #[cfg_attr(feature = "schema", schemars(with = "RawCardPlace"))]
    pub card: Spanned<RawCardPlace>,
}

/// A card beside its play, or the name of its file.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(untagged), schemars(rename = "CardPlace"))]
pub(super) enum RawCardPlace {
    /// A Markdown file of this folder: "cards/price.md".
    File(String),
    /// The card itself.
    Here(Box<RawCard>),
}

// By hand: an untagged enum would lose the place of every key in the file.
impl<'de> Deserialize<'de> for RawCardPlace {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Place;
        impl<'de> Visitor<'de> for Place {
            type Value = RawCardPlace;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("the card's keys, or the name of its file, like \"cards/price.md\"")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<RawCardPlace, E> {
                Ok(RawCardPlace::File(name.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawCardPlace, A::Error> {
                RawCard::deserialize(MapAccessDeserializer::new(map)).map(|card| RawCardPlace::Here(Box::new(card)))
            }
        }
        input.deserialize_any(Place)
    }
}

/// What the rep sees.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Card"))]
#[serde(deny_unknown_fields)]
pub(super) struct RawCard {
    /// Short heading: what the buyer raised.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub title: Spanned<String>,
    /// The reframe: one to three short lines the rep can say. In a Markdown card they stand below as a list.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>", length(min = 1, max = 3)))]
    pub say: Option<Spanned<Vec<Spanned<String>>>>,
    /// Question to hand the conversation back with.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub ask: Option<Spanned<String>>,
    /// What not to say.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub avoid: Option<Spanned<String>>,
    /// A fact with its source.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<RawProof>"))]
    pub proof: Option<Spanned<RawProof>>,
    /// Several facts; the first that has not run out is shown.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<RawProof>"))]
    pub proofs: Vec<Spanned<RawProof>>,
    /// Other wordings: each call shows one of them, or the card's own.
    #[serde(default)]
    pub variant: Vec<RawVariant>,
    /// Other customers; the one most like the deal is shown.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<RawCaseStudy>"))]
    pub case_study: Vec<Spanned<RawCaseStudy>>,
}

/// A fact with its source.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Proof"))]
#[serde(deny_unknown_fields)]
pub(super) struct RawProof {
    /// The fact.
    pub text: String,
    /// Where a sceptic can check it.
    #[cfg_attr(feature = "schema", schemars(required))]
    pub source: Option<String>,
    /// The figure in it, as it is read aloud: "6 hours".
    #[serde(default)]
    pub number: Option<String>,
    /// When it was found: "2026-05-01".
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<RawDay>"))]
    pub date: Option<Spanned<RawDay>>,
    /// Last day on which it is shown: "2027-05-01".
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<RawDay>"))]
    pub valid_until: Option<Spanned<RawDay>>,
}

/// A day in quotes: "2026-05-01".
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(transparent), schemars(rename = "Day"))]
pub(super) struct RawDay(
    #[cfg_attr(feature = "schema", schemars(regex(pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$")))] pub String,
);

impl<'de> Deserialize<'de> for RawDay {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        struct Day;
        impl Visitor<'_> for Day {
            type Value = RawDay;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a day in quotes, like \"2026-05-01\"")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<RawDay, E> {
                Ok(RawDay(text.to_owned()))
            }
        }
        input.deserialize_any(Day)
    }
}

/// Another wording of a card.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Variant"))]
#[serde(deny_unknown_fields)]
pub(super) struct RawVariant {
    /// Its name: lower-case letters, digits and _; `base` is the card's own wording.
    #[cfg_attr(feature = "schema", schemars(with = "String", regex(pattern = "^[a-z0-9_]+$")))]
    pub id: Spanned<String>,
    /// One to three short lines.
    #[cfg_attr(feature = "schema", schemars(with = "Vec<String>", length(min = 1, max = 3)))]
    pub say: Spanned<Vec<Spanned<String>>>,
    /// Its question; the card's own if it has none.
    #[serde(default)]
    pub ask: Option<String>,
}

/// Another customer, and the deals it fits. An attribute left out fits every deal.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "CaseStudy"))]
#[serde(deny_unknown_fields)]
pub(super) struct RawCaseStudy {
    /// What became of them.
    pub text: String,
    /// Where a sceptic can check it.
    #[cfg_attr(feature = "schema", schemars(required))]
    pub source: Option<String>,
    /// Industries: ["logistics"].
    #[serde(default)]
    pub industry: Vec<String>,
    /// Size in employees: "120", "11-200", "1000+", or a word of your own.
    #[serde(default)]
    pub size: Option<String>,
    /// Who else they talked to.
    #[serde(default)]
    pub competitor: Vec<String>,
    /// Stages of the deal it helps in: ["pilot"].
    #[serde(default)]
    pub stage: Vec<String>,
    /// Languages it is written in: ["en"].
    #[serde(default)]
    pub language: Vec<String>,
}

/// A line (`say`) or a little call (`call`), and what must come of it.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Test"))]
#[serde(deny_unknown_fields)]
pub(super) struct RawTest {
    /// The line.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub say: Option<Spanned<String>>,
    /// Who says it; the buyer if left out.
    #[serde(default)]
    pub speaker: Option<Party>,
    /// The line as it was heard before it was complete, from its beginning: ["it's just", "it's just too expensive"].
    #[serde(default)]
    pub partial: Vec<String>,
    /// The label that must be raised, or "none".
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub expect: Option<Spanned<String>>,
    /// The very play that must raise it.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub play: Option<Spanned<String>>,
    /// A little call: who says what, and when.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<Vec<RawStep>>"))]
    pub call: Option<Vec<Spanned<RawStep>>>,
    /// Ids of the plays whose cards must come up in that call, in this order; [] for none.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "Option<Vec<String>>"))]
    pub expect_cards: Option<Vec<Spanned<String>>>,
    /// What is known of that call's deal.
    #[serde(default)]
    pub deal: Option<Deal>,
}

/// Somebody says something, or time passes.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Step"))]
#[serde(deny_unknown_fields)]
pub(super) struct RawStep {
    /// When it begins, in seconds from the start of the call.
    #[cfg_attr(feature = "schema", schemars(range(min = 0, max = 86_400)))]
    pub at_s: f64,
    /// What the rep says.
    #[serde(default)]
    pub rep: Option<String>,
    /// What the buyer says.
    #[serde(default)]
    pub buyer: Option<String>,
    /// How long it takes to say; 0.3 s a word if left out.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(range(min = 0, max = 86_400)))]
    pub for_s: Option<f64>,
}

const fn yes() -> bool {
    true
}
const fn default_priority() -> u16 {
    50
}
const fn default_cooldown_ms() -> u64 {
    60_000
}
const fn default_max_per_call() -> u32 {
    3
}
const fn default_ttl_ms() -> u64 {
    30_000
}
