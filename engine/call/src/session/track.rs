//! What a session keeps of one participant.

use std::collections::VecDeque;

use crate::{
    audio::{AudioFrame, FRAME_US, TrackInfo},
    endpoint::{EndpointSettings, Endpointer},
    event::UtteranceId,
    recognize::{RecognizerStream, VoiceDetector, Word},
    time::MediaTime,
};

pub(super) struct Track {
    pub info: TrackInfo,
    pub stream: Box<dyn RecognizerStream>,
    pub endpointer: Endpointer,
    pub utterance: UtteranceInProgress,
    /// Earliest start of the next frame.
    pub next: MediaTime,
    /// Audio without consent was already reported.
    pub withheld: bool,
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
            stream,
            voice,
            endpointer: Endpointer::new(settings),
            utterance: UtteranceInProgress::default(),
            next: MediaTime::ZERO,
            withheld: false,
            preroll: VecDeque::new(),
        }
    }

    /// Rounded to percent: the log of recorded inputs carries it, and replay must decide alike.
    pub fn speech_probability(&mut self, frame: &AudioFrame) -> f32 {
        (self.voice.speech_probability(frame).clamp(0.0, 1.0) * 100.0).round() / 100.0
    }

    pub fn begin(&mut self, id: UtteranceId, start: MediaTime) {
        let audio_start = self.preroll.front().map_or(start, |f| f.start);
        self.utterance = UtteranceInProgress { id, start, audio_start, ..UtteranceInProgress::default() };
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
}
