//! What the rep sees.

use serde::{Deserialize, Serialize};

use crate::{date::Date, event::CardId, recognize::Word, time::MediaTime};

/// One thing on the rep's screen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// Number in this call.
    pub id: CardId,
    /// The play it comes from.
    pub play: String,
    /// Class of objection: `price`, `timing`, …
    pub label: String,
    /// Short heading: what the buyer raised.
    pub title: String,
    /// The reframe, at most three short lines the rep can say.
    pub say: Vec<String>,
    /// Proof point, if the play has one.
    pub proof: Option<Proof>,
    /// Question to hand the conversation back with.
    pub ask: Option<String>,
    /// What not to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avoid: Option<String>,
    /// A customer like this one, if the play has one that fits the deal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case_study: Option<CaseStudy>,
    /// Which wording this call shows, if the play has several; `base` is the card's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// Time after which it leaves the screen by itself, in ms from being shown.
    pub ttl_ms: u64,
    /// Higher goes first.
    pub priority: u16,
    /// Why it is here.
    pub reason: Reason,
}

/// A fact and where it comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// The fact.
    pub text: String,
    /// Where a sceptic can check it.
    pub source: String,
    /// The figure in it, as it is read aloud: `6 hours`, `31 %`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// When it was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<Date>,
    /// Last day on which it may be shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Date>,
}

/// What became of another customer, and where that comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseStudy {
    /// What became of them.
    pub text: String,
    /// Where a sceptic can check it.
    pub source: String,
}

/// Why a card was shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// Rule that decided, in words: `phrase "too expensive" heard in the sound`.
    pub rule: String,
    /// The words it rests on, with their times. Empty if only the sound was recognised.
    pub words: Vec<Word>,
    /// Who said it.
    pub speaker: String,
    /// 0..=1.
    pub score: f32,
    /// Where in the audio the decisive phrase began.
    pub phrase_start: MediaTime,
    /// Where in the audio the decisive phrase ended.
    pub phrase_end: MediaTime,
    /// Media time spent per stage.
    pub stages: Stages,
}

/// Algorithmic delay per stage in ms of media time; the same in every replay. (Compute and transport are wall time and
/// never in the log.)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stages {
    /// End of the phrase until the recogniser reported it.
    pub recognize_ms: u64,
    /// From then until the detector decided.
    pub detect_ms: u64,
    /// From then until the deck let it on the screen.
    pub deck_ms: u64,
}

impl Stages {
    /// End of the phrase until the card was decided.
    #[must_use]
    pub const fn total_ms(&self) -> u64 {
        self.recognize_ms + self.detect_ms + self.deck_ms
    }
}

/// How a card left the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CardEnd {
    /// The rep used it.
    Used,
    /// The rep dismissed it.
    Dismissed,
    /// The rep says that it should not have come: nobody raised this.
    Wrong,
    /// Its time was up.
    Expired,
    /// A more important one took its place.
    Replaced,
    /// The rep asked for the next one.
    Skipped,
    /// The words that followed contradicted it, or the words it rests on were taken back.
    Retracted,
    /// The call ended.
    CallEnded,
}
