//! One track's recognition: frames in, words and phrases out, in media time.

use std::sync::Arc;

use reframe_call::{
    audio::{AudioFrame, SAMPLE_RATE_HZ},
    recognize::{Hypothesis, PhraseHit, PhraseId, Recognized, RecognizerStream, Word, round3},
    time::MediaTime,
};

use super::{
    config::Output,
    context::Context,
    decoder::{Decoder, Finality},
    frontend::FrontendState,
    history::HeardWord,
    model::CtcModel,
    network::{NetworkState, Rows},
    spotter::{Spotted, Spotter},
};

/// Pause that ends a stretch of words, in output rows (0.8 s): chosen with the decoder's other settings.
const PAUSE_ROWS: usize = 20;
/// Age at which a word becomes final, in output rows (2.5 s).
const AGE_ROWS: u32 = 62;
/// A phone's posterior peaks inside it: its sound starts about so long before the centre of its first row ...
const ONSET_US: u64 = 40_000;
/// ... and ends about so long after the centre of its last.
const OFFSET_US: u64 = 40_000;
/// Shortest length a word is given.
const SHORTEST_WORD_US: u64 = 20_000;

/// One utterance in progress.
struct Utterance {
    start: MediaTime,
    /// Samples taken from frames so far.
    samples: u64,
    frontend: FrontendState,
    network: NetworkState,
    /// End of the last committed word.
    last_end: MediaTime,
}

/// The state of one track.
pub struct CtcStream {
    model: Arc<CtcModel>,
    context: Context,
    phrases: Vec<PhraseId>,
    step_frames: usize,
    utterance: Option<Utterance>,
    decoder: Decoder,
    spotter: Spotter,
    /// Samples of frames that wait for the step to be full.
    pending: Vec<f32>,
    pending_frames: usize,
    mel: Vec<f32>,
    rows: Rows,
    committed: Vec<HeardWord>,
    tail: Vec<HeardWord>,
    spotted: Vec<Spotted>,
    /// The tail given last.
    shown: Vec<Word>,
}

impl CtcStream {
    pub(super) fn new(
        model: Arc<CtcModel>,
        context: Context,
        phrases: Vec<PhraseId>,
        spotter: Spotter,
        step_frames: usize,
    ) -> Self {
        Self {
            model,
            context,
            phrases,
            step_frames,
            utterance: None,
            decoder: Decoder::new(Finality { pause_rows: Some(PAUSE_ROWS), age_rows: Some(AGE_ROWS) }),
            spotter,
            pending: Vec::new(),
            pending_frames: 0,
            mel: Vec::new(),
            rows: Rows::default(),
            committed: Vec::new(),
            tail: Vec::new(),
            spotted: Vec::new(),
            shown: Vec::new(),
        }
    }

    /// Entries the decoder holds; bounded, however long the utterance.
    #[must_use]
    pub fn held_entries(&self) -> usize {
        self.decoder.held_entries()
    }

    /// Runs front end, network, decoder and spotter over the waiting samples.
    fn step(&mut self, last: bool, out: &mut Vec<Recognized>) {
        let Some(utterance) = self.utterance.as_mut() else { return };
        let model = &*self.model;
        self.mel.clear();
        model.frontend.push(&mut utterance.frontend, &self.pending, last, &mut self.mel);
        utterance.samples += self.pending.len() as u64;
        self.pending.clear();
        self.pending_frames = 0;
        self.rows.clear();
        model
            .network
            .push(&mut utterance.network, &self.mel, last, &mut self.rows)
            .expect("the shapes of all products were checked when the model was loaded");
        let knowledge = model.knowledge(&self.context);
        self.spotted.clear();
        let symbols = model.config.symbols();
        for row in self.rows.top.chunks_exact(symbols) {
            self.decoder.push(&knowledge, row);
        }
        let sounds = match model.config.spotter.listens_to {
            Output::Middle => &self.rows.middle,
            Output::Top => &self.rows.top,
        };
        for row in sounds.chunks_exact(symbols) {
            self.spotter.push(row, &mut self.spotted);
        }
        let clock = Clock::new(model, utterance);
        for spotted in &self.spotted {
            out.push(Recognized::Phrase(PhraseHit {
                phrase: self.phrases[spotted.phrase],
                start: clock.onset(spotted.first_row),
                end: clock.offset(spotted.last_row),
                score: round3(spotted.score),
                threshold: round3(spotted.threshold),
            }));
        }
        self.committed.clear();
        self.tail.clear();
        if last {
            self.decoder.finish(&knowledge, &mut self.committed);
        } else {
            self.decoder.take(&knowledge, &mut self.committed, &mut self.tail);
        }
        let spell = |heard: &HeardWord, last_end: &mut MediaTime| {
            let start = clock.onset(heard.first_row).max(*last_end);
            let end = clock.offset(heard.last_row).max(start.plus_us(SHORTEST_WORD_US));
            *last_end = end;
            let text = model.spelling(&self.context, heard.word).to_owned();
            Word { text, start, end, confidence: round3(heard.confidence) }
        };
        let committed: Vec<Word> = self.committed.iter().map(|w| spell(w, &mut utterance.last_end)).collect();
        let mut last_end = utterance.last_end;
        let tail: Vec<Word> = self.tail.iter().map(|w| spell(w, &mut last_end)).collect();
        if !committed.is_empty() || tail != self.shown {
            self.shown.clone_from(&tail);
            out.push(Recognized::Hypothesis(Hypothesis { committed, tail }));
        }
    }
}

impl RecognizerStream for CtcStream {
    fn accept(&mut self, frame: &AudioFrame, out: &mut Vec<Recognized>) {
        let expected = self.utterance.as_ref().map(|u| {
            let taken = u.samples + self.pending.len() as u64;
            u.start.plus_samples_16k(taken)
        });
        if expected.is_some_and(|expected| expected != frame.start) {
            // The caller skipped audio without saying so. Words must not be glued together across the hole.
            self.finish(out);
        }
        if self.utterance.is_none() {
            self.spotter.reset();
            self.utterance = Some(Utterance {
                start: frame.start,
                samples: 0,
                frontend: self.model.frontend.start(),
                network: self.model.network.start(),
                last_end: frame.start,
            });
        }
        self.pending.extend_from_slice(&frame.samples[..]);
        self.pending_frames += 1;
        if self.pending_frames >= self.step_frames {
            self.step(false, out);
        }
    }

    fn finish(&mut self, out: &mut Vec<Recognized>) {
        self.step(true, out);
        self.utterance = None;
    }
}

/// Turns output rows into media time.
struct Clock {
    start: MediaTime,
    us_per_row: u64,
    /// No word ends after the audio heard.
    end: MediaTime,
}

impl Clock {
    fn new(model: &CtcModel, utterance: &Utterance) -> Self {
        let us_per_row = model.config.samples_per_row() as u64 * 1_000_000 / u64::from(SAMPLE_RATE_HZ);
        let end = utterance.start.plus_samples_16k(utterance.samples);
        Self { start: utterance.start, us_per_row, end }
    }

    fn onset(&self, row: u32) -> MediaTime {
        self.start.plus_us((u64::from(row) * self.us_per_row).saturating_sub(ONSET_US)).min(self.end)
    }

    fn offset(&self, row: u32) -> MediaTime {
        self.start.plus_us(u64::from(row) * self.us_per_row + OFFSET_US).min(self.end)
    }
}
