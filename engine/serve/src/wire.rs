//! The wire form of the screen protocol: own structs, converted from the call's types, never those types themselves.

mod client;
mod status;

use reframe_call::{
    audio::TrackId,
    card::{Card, CardEnd},
    output::Caption,
    recognize::Word,
};
use serde::{Deserialize, Serialize};

pub use self::{
    client::{Action, BadAction, ClientMessage, MAX_NOTE_CHARS, WireAction, WireParty},
    status::{AudioStatus, LoadStatus, Participant, RuleMessage, SourceMessage, Status, WireCoaching},
};

/// Version of the protocol, the `v` of every message.
pub const VERSION: u8 = 1;

/// Lines to say on one card. More than three cannot be taken in while somebody is talking.
pub const MAX_SAY_LINES: usize = 3;

/// Anything the server sends: `{"v":1,"type":"card",…}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServerMessage {
    /// Protocol version, 1.
    pub v: u8,
    /// What it says.
    #[serde(flatten)]
    pub body: ServerBody,
}

/// What a server message says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
// Becomes text at once and none is kept: a box would cost more than the bytes.
#[allow(clippy::large_enum_variant)]
pub enum ServerBody {
    /// The hello was good; what follows is a `state`, or what the client missed.
    HelloAck(HelloAck),
    /// The whole screen as it is now. Replaces whatever the client believed.
    State(State),
    /// A card is on the screen from now on.
    Card(CardMessage),
    /// A card left the screen or the waiting line.
    CardClosed(CardClosed),
    /// A card was pinned or let go.
    CardPinned(CardPinned),
    /// A card joined the waiting line, from the screen if it was there.
    Queue(QueueChanged),
    /// What is being said, as it looks now. Replaces the last caption of that track.
    Caption(CaptionMessage),
    /// What was said, when the speaker stopped. Replaces the last caption of that track.
    Final(FinalMessage),
    /// How the call is doing. Replaces the last status.
    Status(Status),
    /// The rep wrote something down.
    Note(NoteMessage),
    /// What somebody said was erased: forget every word of it.
    Erased(Erased),
    /// The call is over.
    Ended(Ended),
    /// An action was not carried out.
    Refused(Refused),
    /// Are you there? Answer with `pong`.
    Ping {
        /// Number to send back.
        n: u64,
    },
}

/// First message after a good `hello`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelloAck {
    /// The call.
    pub call: String,
    /// Sequence number of the last card message of the call so far; `null` before the first.
    pub seq: Option<u64>,
    /// Whether the messages after `resume_from` follow (`true`), or a `state` (`false`).
    pub resumed: bool,
    /// The server's clock, microseconds since 1970, so that a client can compute how old a card is.
    pub now_unix_us: u64,
    /// How often the server sends `ping`, in ms. A client that hears nothing for longer is cut off.
    pub ping_ms: u64,
}

/// The whole screen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The call.
    pub call: String,
    /// What the call is about, for the heading.
    pub title: String,
    /// Sequence number of the last card message this state includes; `null` before the first.
    pub seq: Option<u64>,
    /// The card on the screen.
    pub card: Option<CardMessage>,
    /// Cards waiting.
    pub queue_len: u32,
    /// How the call is doing.
    pub status: Status,
    /// Card messages this client will never get one by one, because it fell behind or was away for too long.
    pub missed: Option<Missed>,
    /// What became of the cards so far.
    pub recap: Recap,
    /// The last notes, oldest first; not all of them in a call with many.
    #[serde(default)]
    pub notes: Vec<NoteMessage>,
    /// How the call ended, if it did.
    pub ended: Option<EndReason>,
}

/// A range of card messages, both ends included. Numbers need not be consecutive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missed {
    /// First number that may be missing.
    pub from_seq: u64,
    /// Last number that may be missing.
    pub to_seq: u64,
}

/// A card to show.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CardMessage {
    /// Sequence number.
    pub seq: u64,
    /// Number of the card in its call.
    pub id: u32,
    /// Class of objection.
    pub label: String,
    /// Short heading.
    pub title: String,
    /// At most three short lines to say.
    pub say: Vec<String>,
    /// A fact and its source.
    pub proof: Option<ProofMessage>,
    /// Question to hand the conversation back with.
    pub ask: Option<String>,
    /// What not to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avoid: Option<String>,
    /// What became of a customer like this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case_study: Option<CaseStudyMessage>,
    /// Time after which it leaves by itself, in ms from being shown.
    pub ttl_ms: u64,
    /// Whether the rep keeps it: a pinned card that comes back from the waiting line is still pinned.
    pub pinned: bool,
    /// Cards waiting behind it.
    pub queue_len: u32,
    /// Why it is here.
    pub reason: ReasonMessage,
    /// How long it took.
    pub latency: Latency,
    /// When the server sent it first, microseconds since 1970.
    pub sent_unix_us: u64,
}

/// A fact and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofMessage {
    /// The fact.
    pub text: String,
    /// Where a sceptic can check it.
    pub source: String,
    /// The figure in it, as it is read aloud.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// The day it was found, `2026-05-01`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
}

/// What became of another customer, and where that comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseStudyMessage {
    /// What became of them.
    pub text: String,
    /// Where a sceptic can check it.
    pub source: String,
}

/// Why a card was shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReasonMessage {
    /// Rule that decided, in words.
    pub rule: String,
    /// The words it rests on; empty if only the sound was recognised.
    pub words: Vec<WordMessage>,
    /// Who said it.
    pub speaker: String,
    /// Their track; `null` if that is not known.
    #[serde(default)]
    pub track: Option<u16>,
    /// 0..=1.
    pub score: f32,
    /// Where in the audio the phrase began, ms since the start of the call.
    pub phrase_start_ms: u64,
    /// Where in the audio the phrase ended, ms since the start of the call.
    pub phrase_end_ms: u64,
    /// Where the time went.
    pub stages: StagesMessage,
}

/// A word and when it was said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WordMessage {
    /// The word.
    pub text: String,
    /// ms since the start of the call.
    pub start_ms: u64,
    /// ms since the start of the call.
    pub end_ms: u64,
    /// 0..=1.
    pub confidence: f32,
}

/// Algorithmic delay per stage, ms of media time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StagesMessage {
    /// End of the phrase until it was recognised.
    pub recognize_ms: u64,
    /// From then until the detector decided.
    pub detect_ms: u64,
    /// From then until the card was let on the screen.
    pub deck_ms: u64,
}

/// How long a card took, from the end of the decisive phrase.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Waiting that the method itself needs, ms of media time: the sum of the stages.
    pub algorithmic_ms: u64,
    /// Computing, ms of wall time; `null` where it was not measured (a card from before a restart).
    pub compute_ms: Option<f64>,
}

/// A card is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardClosed {
    /// Sequence number.
    pub seq: u64,
    /// Which card.
    pub id: u32,
    /// How.
    pub end: WireEnd,
    /// Cards waiting from now on.
    pub queue_len: u32,
}

/// How a card left the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WireEnd {
    /// The rep used it.
    Used,
    /// The rep dismissed it.
    Dismissed,
    /// The rep says that it should not have come.
    Wrong,
    /// Its time was up.
    Expired,
    /// A more important one took its place.
    Replaced,
    /// The rep asked for the next one.
    Skipped,
    /// The words that followed contradicted it.
    Retracted,
    /// The call ended.
    CallEnded,
}

/// A card was pinned or let go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardPinned {
    /// Sequence number.
    pub seq: u64,
    /// Which card.
    pub id: u32,
    /// Pinned from now on?
    pub pinned: bool,
}

/// A card joined the waiting line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueChanged {
    /// Sequence number.
    pub seq: u64,
    /// The card that waits from now on; if it was on the screen (pinned, and the rep asked for the next), it no longer is.
    pub id: u32,
    /// Cards waiting from now on.
    pub queue_len: u32,
}

/// What is being said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptionMessage {
    /// Whose track.
    pub track: u16,
    /// Name to show.
    pub speaker: String,
    /// Which side: `rep`, `buyer`, `unknown`.
    pub party: String,
    /// Number of the utterance in the call.
    pub utterance: u32,
    /// Words that stay.
    pub committed: String,
    /// Words that may still change.
    pub tail: String,
}

/// What was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinalMessage {
    /// Whose track.
    pub track: u16,
    /// Name to show.
    pub speaker: String,
    /// Which side: `rep`, `buyer`, `unknown`.
    pub party: String,
    /// Number of the utterance in the call.
    pub utterance: u32,
    /// All its words.
    pub text: String,
    /// Where it began, ms since the start of the call.
    pub start_ms: u64,
    /// Where it ended, ms since the start of the call.
    pub end_ms: u64,
}

/// What the rep wrote down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteMessage {
    /// Sequence number.
    pub seq: u64,
    /// When, ms since the start of the call.
    pub at_ms: u64,
    /// What.
    pub text: String,
}

/// What somebody said is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    /// Sequence number.
    pub seq: u64,
    /// Whose words; `null`: everybody's.
    pub track: Option<u16>,
}

/// The call is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// Sequence number of the last card message.
    pub seq: Option<u64>,
    /// How.
    pub reason: EndReason,
    /// What became of the cards.
    pub recap: Recap,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// In order.
    Ended,
    /// Because of a fault; the log says which.
    Failed,
    /// The server let go of the call without an end in its log.
    Closed,
}

/// What became of a call's cards.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recap {
    /// Cards that were on the screen.
    pub shown: u32,
    /// Cards the rep used.
    pub used: u32,
    /// Cards the rep dismissed.
    pub dismissed: u32,
    /// Cards the rep marked as wrong.
    #[serde(default)]
    pub wrong: u32,
    /// Notes the rep took.
    #[serde(default)]
    pub notes: u32,
    /// The last cards that closed, oldest first; not all of them in a long call.
    pub cards: Vec<RecapCard>,
}

/// A card that is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecapCard {
    /// Number of the card.
    pub id: u32,
    /// Class of objection.
    pub label: String,
    /// Short heading.
    pub title: String,
    /// How it left.
    pub end: WireEnd,
}

/// An action was not carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The card it was about, if any.
    pub card: Option<u32>,
    /// Why: `too_fast`, `too_long`, `call_ended`, `not_accepted`.
    pub reason: String,
    /// Which action it was.
    #[serde(rename = "do", default)]
    pub act: Option<WireAction>,
}

impl ServerBody {
    /// The JSON text of this message.
    ///
    /// # Panics
    /// Never: the wire types hold only strings, numbers and lists, which always have a JSON form.
    #[must_use]
    pub fn to_json(self) -> String {
        serde_json::to_string(&ServerMessage { v: VERSION, body: self }).expect("wire types always have a JSON form")
    }
}

impl From<CardEnd> for WireEnd {
    fn from(end: CardEnd) -> Self {
        match end {
            CardEnd::Used => Self::Used,
            CardEnd::Dismissed => Self::Dismissed,
            CardEnd::Wrong => Self::Wrong,
            CardEnd::Expired => Self::Expired,
            CardEnd::Replaced => Self::Replaced,
            CardEnd::Skipped => Self::Skipped,
            CardEnd::Retracted => Self::Retracted,
            CardEnd::CallEnded => Self::CallEnded,
        }
    }
}

impl From<&Word> for WordMessage {
    fn from(word: &Word) -> Self {
        Self { text: word.text.clone(), start_ms: word.start.ms(), end_ms: word.end.ms(), confidence: word.confidence }
    }
}

impl CardMessage {
    /// The wire form of `card`, which rests on words of `track`, sent first at `sent_unix_us`, after `compute_us` of
    /// computing if that was measured.
    #[must_use]
    pub fn new(
        seq: u64,
        card: &Card,
        track: Option<TrackId>,
        queue_len: u32,
        compute_us: Option<u64>,
        sent_unix_us: u64,
    ) -> Self {
        let reason = &card.reason;
        Self {
            seq,
            id: card.id.0,
            label: card.label.clone(),
            title: card.title.clone(),
            say: card.say.iter().take(MAX_SAY_LINES).cloned().collect(),
            proof: card.proof.as_ref().map(|proof| ProofMessage {
                text: proof.text.clone(),
                source: proof.source.clone(),
                number: proof.number.clone(),
                date: proof.date.map(|date| date.to_string()),
            }),
            ask: card.ask.clone(),
            avoid: card.avoid.clone(),
            case_study: card
                .case_study
                .as_ref()
                .map(|case| CaseStudyMessage { text: case.text.clone(), source: case.source.clone() }),
            ttl_ms: card.ttl_ms,
            pinned: false,
            queue_len,
            reason: ReasonMessage {
                rule: reason.rule.clone(),
                words: reason.words.iter().map(WordMessage::from).collect(),
                speaker: reason.speaker.clone(),
                track: track.map(|track| track.0),
                // JSON has no NaN, and a client cannot do anything with one.
                score: if reason.score.is_finite() { reason.score } else { 0.0 },
                phrase_start_ms: reason.phrase_start.ms(),
                phrase_end_ms: reason.phrase_end.ms(),
                stages: StagesMessage {
                    recognize_ms: reason.stages.recognize_ms,
                    detect_ms: reason.stages.detect_ms,
                    deck_ms: reason.stages.deck_ms,
                },
            },
            latency: Latency {
                algorithmic_ms: reason.stages.total_ms(),
                // Tenths of a millisecond are all that a screen can show.
                #[allow(clippy::cast_precision_loss)]
                compute_ms: compute_us.map(|us| (us / 100) as f64 / 10.0),
            },
            sent_unix_us,
        }
    }
}

impl CaptionMessage {
    /// The wire form of `caption`, said by `speaker` of `party`.
    #[must_use]
    pub fn new(caption: &Caption, speaker: &str, party: &str) -> Self {
        Self {
            track: caption.track.0,
            speaker: speaker.to_owned(),
            party: party.to_owned(),
            utterance: caption.utterance.0,
            committed: caption.committed.clone(),
            tail: caption.tail.clone(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn messages_carry_version_and_type() {
        let json = ServerBody::CardPinned(CardPinned { seq: 7, id: 3, pinned: true }).to_json();
        assert_eq!(json, r#"{"v":1,"type":"card_pinned","seq":7,"id":3,"pinned":true}"#);
        let json = ServerBody::Ping { n: 4 }.to_json();
        assert_eq!(json, r#"{"v":1,"type":"ping","n":4}"#);
        let back: ServerMessage = serde_json::from_str(&json).unwrap();
        assert_eq!(back.body, ServerBody::Ping { n: 4 });
    }
}
