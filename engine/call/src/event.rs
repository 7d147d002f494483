//! What happened in a call. The log is a list of these and nothing else.

mod erase;

use serde::{Deserialize, Serialize};

pub use self::erase::{Eraser, unquote};

use crate::{
    audio::{Consent, TrackId, TrackInfo},
    card::{Card, CardEnd},
    cues::Cue,
    deal::Deal,
    detect::Detection,
    input::{Coaching, ConsentRule, Disclosure, GapReason, Load, SourceStatus},
    recognize::Word,
    time::MediaTime,
};

/// Number of an utterance in its call, from 0, in order of starting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UtteranceId(pub u32);

/// Number of a card in its call, from 0, in order of being made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CardId(pub u32);

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Position in the call's log: 0, 1, 2 … without holes.
    pub seq: u64,
    /// Media time at which the engine *knew* it; never decreases. Where in the audio it lies is in the body.
    #[serde(rename = "at_us")]
    pub at: MediaTime,
    /// What.
    #[serde(flatten)]
    pub body: EventBody,
}

/// What happened. Past tense: these are facts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EventBody {
    /// First event of every log. Two logs are comparable only if these agree.
    CallStarted {
        /// Version of this event vocabulary.
        schema: u32,
        /// Playbook name, version and content hash: `b2b-saas@3:ab12…`.
        playbook: String,
        /// Recogniser name and content hash.
        recognizer: String,
        /// Detector settings hash.
        detector: String,
        /// What is known of the deal.
        #[serde(default, skip_serializing_if = "Deal::is_empty")]
        deal: Deal,
    },
    /// A participant joined or its facts changed.
    TrackAdded {
        /// The participant.
        track: TrackInfo,
    },
    /// Consent was recorded (`Some`) or withdrawn (`None`).
    ConsentChanged {
        /// Whose.
        track: TrackId,
        /// The record.
        consent: Option<Consent>,
    },
    /// Audio arrived for a participant without consent and was thrown away unprocessed. Logged once per stretch.
    AudioWithheld {
        /// Whose.
        track: TrackId,
    },
    /// From now on it takes the consent of these participants before anybody is listened to; empty: all have given it.
    /// Said when it changes; a call in which all agreed from the start never says it.
    ConsentAwaited {
        /// Whose is missing.
        tracks: Vec<TrackId>,
    },
    /// Whose consent it takes was decided anew.
    ConsentRuleChanged {
        /// The rule from now on.
        rule: ConsentRule,
        /// Why.
        because: String,
    },
    /// What this participant said was erased: from the log before this event, from screens and files too.
    WordsErased {
        /// Whose.
        track: TrackId,
    },
    /// What was received of this call was erased: everybody's words, from the log before this event, from screens and
    /// files too.
    CallErased {
        /// Why.
        reason: String,
    },
    /// The connection to the meeting changed its state.
    SourceChanged {
        /// How it is now.
        source: SourceStatus,
    },
    /// The participants were told that they are listened to.
    DisclosurePosted {
        /// How, and in which words.
        disclosure: Disclosure,
    },
    /// Reframe listens, takes notes only, or stopped.
    CoachingChanged {
        /// What it does from now on.
        coaching: Coaching,
    },
    /// The rep wrote something down.
    NoteTaken {
        /// What.
        text: String,
    },
    /// A participant has nothing to say until its audio goes on.
    TrackPaused {
        /// Who.
        track: TrackId,
    },
    /// Audio is missing.
    AudioGap {
        /// Whose.
        track: TrackId,
        /// From.
        from: MediaTime,
        /// Until.
        until: MediaTime,
        /// Why.
        reason: GapReason,
    },
    /// No audio from anyone for a while (10 s unless configured).
    AudioStalled {
        /// When audio was last heard.
        since: MediaTime,
    },
    /// Audio is back.
    AudioResumed,
    /// Somebody began to speak.
    SpeechStarted {
        /// Who.
        track: TrackId,
        /// The utterance that began.
        utterance: UtteranceId,
        /// Where in the audio.
        start: MediaTime,
    },
    /// Words that will not be taken back.
    WordsCommitted {
        /// Who.
        track: TrackId,
        /// Of which utterance.
        utterance: UtteranceId,
        /// The words.
        words: Vec<Word>,
    },
    /// Somebody stopped speaking.
    UtteranceEnded {
        /// Who.
        track: TrackId,
        /// Which utterance.
        utterance: UtteranceId,
        /// Where it began.
        start: MediaTime,
        /// Where it ended.
        end: MediaTime,
        /// All its words, joined with spaces.
        text: String,
    },
    /// A second pass corrected an utterance's words. Never withdraws a card.
    UtteranceRefined {
        /// Which utterance.
        utterance: UtteranceId,
        /// Its corrected text.
        text: String,
        /// Its corrected words.
        words: Vec<Word>,
        /// By which model.
        model: String,
    },
    /// The detector decided that an objection (or another label with a play) was raised.
    ObjectionDetected {
        /// What, why and where.
        detection: Detection,
    },
    /// Something matched a play, and a guard held it back. Logged so that silence can be explained.
    DetectionSuppressed {
        /// What matched.
        detection: Detection,
        /// Which guard, in words: `negation: "not"`, `do-not-trigger: "…"`, `cool-down: 12000 ms left`.
        by: String,
    },
    /// A rule about how the call goes, or about what was not said in it, fired.
    CueRaised {
        /// What, why and since when.
        cue: Cue,
    },
    /// A rule fired, and the deck held its card back.
    CueSuppressed {
        /// What fired.
        cue: Cue,
        /// Which limit, in words.
        by: String,
    },
    /// A card is on the screen from now on.
    CardShown {
        /// The whole card, with the reason for it.
        card: Card,
    },
    /// A card waits because another is on the screen.
    CardQueued {
        /// The whole card.
        card: Card,
    },
    /// A card left the screen or the queue.
    CardClosed {
        /// Which.
        card: CardId,
        /// How.
        end: CardEnd,
    },
    /// The rep pinned a card, or let it go again.
    CardPinned {
        /// Which.
        card: CardId,
        /// Pinned from now on?
        pinned: bool,
    },
    /// The machine fell behind or caught up.
    LoadChanged {
        /// New level.
        load: Load,
    },
    /// A participant left.
    TrackEnded {
        /// Who.
        track: TrackId,
    },
    /// Last event of a call that ended in order.
    CallEnded {
        /// Cards shown.
        cards_shown: u32,
        /// Utterances heard.
        utterances: u32,
    },
    /// Last event of a call whose thread failed.
    CallFailed {
        /// What went wrong.
        error: String,
    },
    /// The server was restarted in mid-call; what was said between the last event and this one is lost.
    CallResumed {
        /// Sequence number of the last event found in the store.
        after_seq: u64,
    },
}
