//! What a session keeps of one participant.

use std::collections::VecDeque;

use crate::{
    audio::{AudioFrame, FRAME_US, TrackInfo},
    endpoint::{Boundary, EndpointSettings, Endpointer, Speaking},
    event::UtteranceId,
    recognize::{RecognizerStream, VoiceDetector, Word},
    time::MediaTime,
};

/// An utterance ends when media time has moved on this far, in ms, since its track last brought audio: it just stopped.
/// A sender may pack up to 1,000 ms into a packet, and in a live call tracks do not wait long for one another: one may
/// rightly be 1,000 ms and some jitter behind. In a recording tracks wait for each other, so it never comes to this.
const AUDIO_GONE_MS: u64 = 2_000;
/// The same for an utterance that comes in words, in ms. Platforms send what they have at least every few seconds while
/// somebody speaks, often seconds late.
const WORDS_GONE_MS: u64 = 10_000;

/// What a track's speech comes as. Whichever comes first stays; the other is ignored, or all would be heard twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Feed {
    Audio,
    Words,
}

pub(super) struct Track {
    pub info: TrackInfo,
    /// None while the track is held back: what the recogniser was told is forgotten.
    pub stream: Option<Box<dyn RecognizerStream>>,
    pub utterance: UtteranceInProgress,
    /// Earliest start of the next frame.
    pub next: MediaTime,
    /// May be listened to.
    pub open: bool,
    /// Audio or words without consent were already reported.
    pub withheld: bool,
    /// Said to have nothing until it goes on.
    pub paused: bool,
    /// The call's time when something of it came last.
    pub heard_at: MediaTime,
    feed: Option<Feed>,
    endpointer: Endpointer,
    /// End of the last word of an utterance in progress that comes in words.
    words_end: Option<MediaTime>,
    voice: Box<dyn VoiceDetector>,
    preroll: VecDeque<AudioFrame>,
}

#[derive(Debug, Default)]
pub(super) struct UtteranceInProgress {
    pub id: UtteranceId,
    pub start: MediaTime,
    /// Start of the first sample given to the recogniser (earlier than `start` by the pre-roll).
    pub audio_start: MediaTime,
    pub committed: Vec<Word>,
    pub tail: Vec<Word>,
    /// Its audio, kept only when a second pass will hear it.
    pub samples: Vec<f32>,
}

impl UtteranceInProgress {
    pub fn take(&mut self) -> Self {
        std::mem::take(self)
    }
}

impl Track {
    pub fn new(
        info: TrackInfo,
        stream: Box<dyn RecognizerStream>,
        voice: Box<dyn VoiceDetector>,
        settings: EndpointSettings,
    ) -> Self {
        Self {
            info,
            stream: Some(stream),
            voice,
            endpointer: Endpointer::new(settings),
            utterance: UtteranceInProgress::default(),
            next: MediaTime::ZERO,
            open: false,
            withheld: false,
            paused: false,
            heard_at: MediaTime::ZERO,
            feed: None,
            words_end: None,
            preroll: VecDeque::new(),
        }
    }

    /// Whether speech that comes as `feed` counts; the first that comes decides.
    pub fn takes(&mut self, feed: Feed) -> bool {
        *self.feed.get_or_insert(feed) == feed
    }

    pub fn is_fed_words(&self) -> bool {
        self.feed == Some(Feed::Words)
    }

    /// Rounded to percent: the log of recorded inputs carries it, and replay must decide alike.
    pub fn speech_probability(&mut self, frame: &AudioFrame) -> f32 {
        (self.voice.speech_probability(frame).clamp(0.0, 1.0) * 100.0).round() / 100.0
    }

    pub fn on_frame(&mut self, start: MediaTime, speech: f32) -> Boundary {
        self.endpointer.on_frame(start, speech)
    }

    pub fn begin(&mut self, id: UtteranceId, start: MediaTime) {
        let audio_start = self.preroll.front().map_or(start, |f| f.start);
        self.utterance = UtteranceInProgress { id, start, audio_start, ..UtteranceInProgress::default() };
    }

    /// Words of the utterance in progress reach up to `end`.
    pub fn words_until(&mut self, end: MediaTime) {
        self.words_end = self.words_end.max(Some(end));
    }

    pub fn in_utterance(&self) -> bool {
        self.endpointer.in_utterance() || self.words_end.is_some()
    }

    /// Whether the last frame is speech of an utterance.
    pub fn speaks(&self) -> bool {
        self.endpointer.state() == Speaking::Speaking
    }

    /// Media time at which the utterance in progress ends because nothing comes any more.
    pub fn gone_at(&self) -> Option<MediaTime> {
        let ms = if self.words_end.is_some() { WORDS_GONE_MS } else { AUDIO_GONE_MS };
        self.in_utterance().then(|| self.heard_at.plus_ms(ms))
    }

    /// Breaks off the utterance in progress, if there is one, and gives where it ended.
    pub fn interrupt(&mut self) -> Option<MediaTime> {
        let words_end = self.words_end.take().map(|end| end.max(self.utterance.start));
        match self.endpointer.interrupt() {
            Boundary::Ended(end) => Some(end),
            _ => words_end,
        }
    }

    pub fn take_preroll(&mut self) -> VecDeque<AudioFrame> {
        std::mem::take(&mut self.preroll)
    }

    pub fn keep_preroll(&mut self, frame: &AudioFrame, settings: EndpointSettings) {
        let keep = ((settings.preroll_ms + settings.start_ms) * 1_000 / FRAME_US).max(1);
        // Only an unbroken stretch may be handed to the recogniser.
        if self.preroll.back().is_some_and(|last| last.end() != frame.start) {
            self.preroll.clear();
        }
        while self.preroll.len() as u64 >= keep {
            self.preroll.pop_front();
        }
        self.preroll.push_back(frame.clone());
    }

    pub fn forget_audio(&mut self) {
        self.preroll.clear();
    }

    /// From now on it is held back: nothing that was heard is kept. `voice` is a detector that has heard nothing.
    pub fn shut(&mut self, voice: Box<dyn VoiceDetector>) {
        self.forget_audio();
        self.open = false;
        self.stream = None;
        self.voice = voice;
    }
}
