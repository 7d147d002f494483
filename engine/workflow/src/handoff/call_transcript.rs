//! What was said in a call, and what the engine showed and the rep did, read from the call's events.

use std::collections::BTreeMap;

use reframe_call::{
    audio::Party,
    card::CardEnd,
    event::{Event, EventBody},
    time::MediaTime,
    transcript::Transcript,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{artifact::Evidence, system::RecordRef};

/// One word as it was heard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeardWord {
    /// As the recogniser writes it: lower case, no punctuation.
    pub text: String,
    /// Where it begins, in ms since the call's first sample.
    pub from_ms: u64,
    /// Where it ends.
    pub to_ms: u64,
    /// How sure the recogniser is, 0 to 1.
    pub confidence: f32,
}

/// One speaker's finished stretch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    /// Its number in the call; evidence points at it.
    pub utterance: u32,
    /// Index into [`CallTranscript::participants`].
    pub speaker: usize,
    /// Its words, at least one.
    pub words: Vec<HeardWord>,
}

/// Somebody on the call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Participant {
    /// As the meeting shows it.
    pub name: String,
    /// Whose side: `rep`, `buyer`, `unknown`.
    pub side: String,
    /// Their e-mail address, if the meeting gave it and they agreed to be listened to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// An objection (or another play) that the detector heard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ObjectionMoment {
    /// Number of the event in the log.
    pub seq: u64,
    /// Class: `price`.
    pub label: String,
    /// How sure, 0 to 1.
    pub score: f32,
    /// In which utterance.
    pub utterance: u32,
    /// Where its words begin.
    pub from_ms: u64,
    /// Where they end.
    pub to_ms: u64,
}

/// What became of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CardOutcome {
    /// The rep said it was of use.
    Used,
    /// The rep put it away.
    Dismissed,
    /// The rep said it was wrong.
    Wrong,
    /// It went by itself.
    Lapsed,
}

/// A card that was on the screen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CardMoment {
    /// Number of the event in the log.
    pub seq: u64,
    /// Play it came from.
    pub play: String,
    /// Class of the play.
    pub label: String,
    /// When it came on, in ms of media time.
    pub at_ms: u64,
    /// What became of it.
    pub outcome: CardOutcome,
}

/// What was said in a call: the engine's hand-off to the stages after it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CallTranscript {
    /// Name of the call.
    pub call: String,
    /// Its title.
    pub title: String,
    /// When it began, in ms since 1970-01-01 UTC.
    pub started_unix_ms: i64,
    /// Time zone dates are meant in: `Europe/Berlin`.
    pub zone: String,
    /// The deal it was about, if that is known.
    pub deal: Option<RecordRef>,
    /// Who was on it, in order of joining.
    pub participants: Vec<Participant>,
    /// Turns that have words, in order of starting.
    pub turns: Vec<Turn>,
    /// What the detector heard.
    pub objections: Vec<ObjectionMoment>,
    /// What was on the rep's screen.
    pub cards: Vec<CardMoment>,
    /// What the rep wrote down, with the number of the event.
    pub notes: Vec<(u64, String)>,
    /// Sound that is missing for whatever reason, in ms over all participants.
    pub missing_ms: u64,
}

/// What is known of a call besides its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallFacts {
    /// Name of the call.
    pub call: String,
    /// Its title.
    pub title: String,
    /// When it began, in ms since 1970-01-01 UTC.
    pub started_unix_ms: i64,
    /// Time zone dates are meant in.
    pub zone: String,
    /// The deal it was about.
    pub deal: Option<RecordRef>,
}

impl CallTranscript {
    /// Reads it from a call's log.
    #[must_use]
    pub fn from_events(facts: CallFacts, events: &[Event]) -> Self {
        let transcript = Transcript::from_events(events);
        let ms = MediaTime::ms;
        let speaker = |track| transcript.tracks.iter().position(|t| t.id == track);
        let turns = transcript.utterances.iter().filter(|u| !u.words.is_empty()).filter_map(|u| {
            let words = u.words.iter().map(|w| HeardWord {
                text: w.text.to_string(),
                from_ms: ms(w.start),
                to_ms: ms(w.end),
                confidence: w.confidence,
            });
            Some(Turn { utterance: u.id.0, speaker: speaker(u.track)?, words: words.collect() })
        });
        let turns: Vec<Turn> = turns.collect();
        let mut objections = Vec::new();
        let mut cards = BTreeMap::new();
        let mut notes = Vec::new();
        let mut missing_ms = 0;
        for event in events {
            match &event.body {
                EventBody::ObjectionDetected { detection } => objections.push(ObjectionMoment {
                    seq: event.seq,
                    label: detection.label.clone(),
                    score: detection.score,
                    utterance: detection.utterance.0,
                    from_ms: ms(detection.evidence.start),
                    to_ms: ms(detection.evidence.end),
                }),
                EventBody::CardShown { card } => {
                    let moment = CardMoment {
                        seq: event.seq,
                        play: card.play.clone(),
                        label: card.label.clone(),
                        at_ms: ms(event.at),
                        outcome: CardOutcome::Lapsed,
                    };
                    cards.entry(card.id).or_insert(moment);
                }
                EventBody::CardClosed { card, end } => {
                    if let Some(moment) = cards.get_mut(card) {
                        moment.outcome = match end {
                            CardEnd::Used => CardOutcome::Used,
                            CardEnd::Dismissed => CardOutcome::Dismissed,
                            CardEnd::Wrong => CardOutcome::Wrong,
                            _ => CardOutcome::Lapsed,
                        };
                    }
                }
                EventBody::NoteTaken { text } => notes.push((event.seq, text.clone())),
                EventBody::AudioGap { from, until, .. } => missing_ms += ms(*until).saturating_sub(ms(*from)),
                _ => {}
            }
        }
        let participants = transcript.tracks.iter().map(|t| Participant {
            name: t.name.to_string(),
            side: t.party.as_str().to_owned(),
            email: t.email.clone(),
        });
        let CallFacts { call, title, started_unix_ms, zone, deal } = facts;
        Self {
            call,
            title,
            started_unix_ms,
            zone,
            deal,
            participants: participants.collect(),
            turns,
            objections,
            cards: cards.into_values().collect(),
            notes,
            missing_ms,
        }
    }

    /// Whose side a turn's speaker is on.
    #[must_use]
    pub fn side(&self, turn: &Turn) -> Party {
        match self.participants.get(turn.speaker).map(|p| p.side.as_str()) {
            Some("rep") => Party::Rep,
            Some("buyer") => Party::Buyer,
            _ => Party::Unknown,
        }
    }

    /// Evidence for words `from..to` of a turn.
    ///
    /// # Panics
    /// If the range is empty or outside the turn.
    #[must_use]
    pub fn quote(&self, turn: &Turn, words: std::ops::Range<usize>) -> Evidence {
        let words = &turn.words[words];
        Evidence::Words {
            call: self.call.clone(),
            utterance: turn.utterance,
            from_ms: words[0].from_ms,
            to_ms: words[words.len() - 1].to_ms,
            quote: words.iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join(" "),
        }
    }

    /// Where its last word ends, in ms.
    #[must_use]
    pub fn length_ms(&self) -> u64 {
        self.turns.iter().flat_map(|t| t.words.last()).map(|w| w.to_ms).max().unwrap_or(0)
    }
}
