//! Whisper as a live recogniser: the window is decoded again and again while it grows, and what two successive passes
//! agree on is committed.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use reframe_call::{
    audio::{AudioFrame, FRAME_SAMPLES, TrackId},
    recognize::{Bias, Hypothesis, RecognizeError, Recognized, Recognizer, RecognizerStream, Word},
    time::MediaTime,
};

use super::{
    agree::Agreement,
    decode::DecodeSettings,
    error::WhisperError,
    hear::{Ear, Padding},
    load::WhisperModel,
    words::TimedWord,
};

const SAMPLES_PER_MS: usize = 16;
/// Kept before the first word when a window is cut in a pause, in seconds.
const LEAD_S: f32 = 0.2;

/// How a live stream works. The defaults are for a machine that decodes a window in well under
/// [`step_ms`](Self::step_ms).
#[derive(Clone, Debug, PartialEq)]
pub struct LiveSettings {
    /// New audio before the window is decoded again. Words are committed one to two steps after they were said.
    pub step_ms: u32,
    /// The window never holds more than this (nor more than the model's context). Words that two passes have not
    /// agreed on by then are committed as they are.
    pub max_window_ms: u32,
    /// A window longer than this is cut at the end of the last stretch that is committed whole.
    pub trim_above_ms: u32,
    /// Silence after the window, in the encoder.
    pub padding: Padding,
    /// Tokens of the call's context (names, phrases) given to the model as a prompt; 0 for none. Each slows every step
    /// of the decoder.
    pub prompt_tokens: usize,
    /// When to stop and what to disbelieve.
    pub decode: DecodeSettings,
}

impl Default for LiveSettings {
    fn default() -> Self {
        Self {
            step_ms: 1_000,
            max_window_ms: 15_000,
            trim_above_ms: 6_000,
            padding: Padding::Tail { ms: 2_000 },
            prompt_tokens: 0,
            decode: DecodeSettings::default(),
        }
    }
}

/// What went wrong in all streams of a recogniser; none of it stops a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LiveCounts {
    /// Windows decoded.
    pub windows: u64,
    /// Windows the network failed on; their words come from the pass before, if there was one.
    pub failed: u64,
    /// Windows whose text was not believed (nobody speaks, or it repeats itself).
    pub doubted: u64,
    /// Windows that reached their longest and were cut without agreement.
    pub forced: u64,
}

#[derive(Debug, Default)]
struct Counters {
    windows: AtomicU64,
    failed: AtomicU64,
    doubted: AtomicU64,
    forced: AtomicU64,
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Makes live streams on one model. Spots no phrases in the sounds: phrases are found in its words.
#[derive(Debug)]
pub struct WhisperRecognizer {
    model: Arc<WhisperModel>,
    settings: LiveSettings,
    counters: Arc<Counters>,
}

impl WhisperRecognizer {
    /// A recogniser on `model`.
    #[must_use]
    pub fn new(model: Arc<WhisperModel>, settings: LiveSettings) -> Self {
        Self { model, settings, counters: Arc::default() }
    }

    /// A recogniser on the model in `path`, with the default settings; see [`WhisperModel::load`].
    ///
    /// # Errors
    /// [`WhisperError`] naming the file and what is wrong with it.
    pub fn from_dir(path: &Path) -> Result<Self, WhisperError> {
        Ok(Self::new(Arc::new(WhisperModel::load(path)?), LiveSettings::default()))
    }

    /// What went wrong so far.
    #[must_use]
    pub fn counts(&self) -> LiveCounts {
        let read = |c: &AtomicU64| c.load(Ordering::Relaxed);
        let c = &self.counters;
        LiveCounts {
            windows: read(&c.windows),
            failed: read(&c.failed),
            doubted: read(&c.doubted),
            forced: read(&c.forced),
        }
    }

    /// A stream of the concrete type, which can say how long its window is.
    #[must_use]
    pub fn stream(&self, bias: &Bias) -> WhisperStream {
        let s = &self.settings;
        let ear = Ear::new(&self.model, s.padding, s.decode.clone());
        let max = (s.max_window_ms as usize * SAMPLES_PER_MS).clamp(FRAME_SAMPLES, ear.context_samples());
        let mut prompt = if s.prompt_tokens == 0 { Vec::new() } else { ear.prompt(&bias.context.join(", ")) };
        prompt.truncate(s.prompt_tokens);
        WhisperStream {
            max,
            // Half the window at most, so that a cut always makes room for the next step.
            step: (s.step_ms as usize * SAMPLES_PER_MS).clamp(FRAME_SAMPLES, (max / 2).max(FRAME_SAMPLES)),
            trim: s.trim_above_ms as usize * SAMPLES_PER_MS,
            prompt,
            ear,
            counters: Arc::clone(&self.counters),
            samples: Vec::with_capacity(max),
            start: MediaTime::ZERO,
            fresh: 0,
            agreement: Agreement::default(),
            tail: Vec::new(),
            committed_to: MediaTime::ZERO,
        }
    }
}

impl Recognizer for WhisperRecognizer {
    fn id(&self) -> String {
        self.model.id()
    }

    fn start(&self, _track: TrackId, bias: &Bias) -> Result<Box<dyn RecognizerStream>, RecognizeError> {
        Ok(Box::new(self.stream(bias)))
    }
}

/// One track's stream.
#[derive(Debug)]
pub struct WhisperStream {
    ear: Ear,
    counters: Arc<Counters>,
    prompt: Vec<u32>,
    /// Longest window, samples between decodes, and length from which committed stretches are cut off; in samples.
    max: usize,
    step: usize,
    trim: usize,
    samples: Vec<f32>,
    /// Media time of the first sample of the window.
    start: MediaTime,
    /// Samples not decoded yet.
    fresh: usize,
    agreement: Agreement,
    /// Words after the committed ones, as last shown.
    tail: Vec<Word>,
    committed_to: MediaTime,
}

impl WhisperStream {
    /// Samples (16 kHz) in the window now.
    #[must_use]
    pub fn window_samples(&self) -> usize {
        self.samples.len()
    }

    /// Decodes the window. `None` if the network failed.
    fn listen(&mut self) -> Option<Pass> {
        self.fresh = 0;
        count(&self.counters.windows);
        let Ok(heard) = self.ear.hear(&self.samples, &self.prompt) else {
            count(&self.counters.failed);
            return None;
        };
        if heard.doubt.is_some() {
            count(&self.counters.doubted);
        }
        let mut pass = Pass { words: Vec::new(), cuts: Vec::new() };
        let starts: Vec<f32> = heard.stretches.iter().skip(1).map(|s| s.start_s).collect();
        for (at, stretch) in heard.stretches.into_iter().enumerate() {
            pass.words.extend(stretch.words);
            // Only between two stretches: the end of the last one moves while the window grows, and what is cut off too
            // early is heard twice. In a long pause, well into it: a window that starts with silence is heard badly.
            if let (true, Some(next)) = (stretch.closed, starts.get(at)) {
                pass.cuts.push((pass.words.len(), stretch.end_s.max(next - LEAD_S)));
            }
        }
        Some(pass)
    }

    fn advance(&mut self, out: &mut Vec<Recognized>) {
        let full = self.samples.len() + self.step > self.max;
        let Some(Pass { words, cuts }) = self.listen() else {
            if full {
                self.give_up(out);
            }
            return;
        };
        let texts: Vec<&str> = words.iter().map(|w| w.text.as_str()).collect();
        let split = self.agreement.take(&texts);
        let mut agreed = split.agreed;
        let whole = cuts.iter().rev().find(|(upto, _)| *upto <= agreed && *upto > 0);
        let mut cut = match whole {
            Some(&(upto, at_s)) if self.samples.len() > self.trim => Some((upto, samples_to(at_s))),
            _ => None,
        };
        let left = self.samples.len() - cut.map_or(0, |(_, at)| at.min(self.samples.len()));
        if left + self.step > self.max {
            // No agreement in all this time: the older half is committed as it is.
            count(&self.counters.forced);
            let at = self.samples.len() - self.max / 2;
            let upto = words.iter().take_while(|w| samples_to((w.start_s + w.end_s) / 2.0) < at).count();
            self.agreement.commit_open(upto.saturating_sub(agreed));
            agreed = agreed.max(upto);
            cut = Some((upto, at));
        }
        let committed = self.timed(&words[split.known..agreed], true);
        let tail = self.timed(&words[agreed..], false);
        if let Some((upto, at)) = cut {
            self.agreement.cut(&texts[..upto]);
            self.drop_front(at);
        }
        self.say(committed, tail, out);
    }

    /// The network keeps failing and the window is full: what was last heard is committed and half the window dropped.
    fn give_up(&mut self, out: &mut Vec<Recognized>) {
        count(&self.counters.forced);
        let committed = std::mem::take(&mut self.tail);
        if let Some(last) = committed.last() {
            self.committed_to = last.end;
        }
        self.agreement.clear();
        self.drop_front(self.samples.len() - self.max / 2);
        if !committed.is_empty() {
            out.push(Recognized::Hypothesis(Hypothesis { committed, tail: Vec::new() }));
        }
    }

    /// In media time, none starting before the end of the one before it: estimates move from pass to pass.
    fn timed(&mut self, words: &[TimedWord], commit: bool) -> Vec<Word> {
        let mut from = self.committed_to;
        let timed = words
            .iter()
            .map(|word| {
                let mut word = word.at(self.start);
                word.start = word.start.max(from);
                word.end = word.end.max(word.start);
                from = word.end;
                word
            })
            .collect();
        if commit {
            self.committed_to = from;
        }
        timed
    }

    fn drop_front(&mut self, count: usize) {
        // Whole frames, so that the window's start stays exact in microseconds.
        let count = count.min(self.samples.len()) / FRAME_SAMPLES * FRAME_SAMPLES;
        self.samples.drain(..count);
        self.start = self.start.plus_samples_16k(count as u64);
    }

    fn say(&mut self, committed: Vec<Word>, tail: Vec<Word>, out: &mut Vec<Recognized>) {
        if committed.is_empty() && tail == self.tail {
            return;
        }
        self.tail.clone_from(&tail);
        out.push(Recognized::Hypothesis(Hypothesis { committed, tail }));
    }
}

/// What one decode of the window gave.
#[derive(Debug)]
struct Pass {
    words: Vec<TimedWord>,
    /// For each stretch the model closed, except the last: how many words lie up to its end, and where the window could
    /// be cut after it, in seconds.
    cuts: Vec<(usize, f32)>,
}

fn samples_to(seconds: f32) -> usize {
    (f64::from(seconds.max(0.0)) * 16_000.0) as usize
}

impl RecognizerStream for WhisperStream {
    fn accept(&mut self, frame: &AudioFrame, out: &mut Vec<Recognized>) {
        if self.samples.is_empty() {
            self.start = frame.start;
        }
        self.samples.extend_from_slice(frame.samples.as_slice());
        self.fresh += FRAME_SAMPLES;
        if self.fresh >= self.step || self.samples.len() + FRAME_SAMPLES > self.max {
            self.advance(out);
        }
    }

    fn finish(&mut self, out: &mut Vec<Recognized>) {
        let committed = if self.fresh == 0 {
            // Heard to its end already: what is open is what the last pass said.
            std::mem::take(&mut self.tail)
        } else {
            match self.listen() {
                Some(Pass { words, .. }) => {
                    let texts: Vec<&str> = words.iter().map(|w| w.text.as_str()).collect();
                    let known = self.agreement.take(&texts).known;
                    self.timed(&words[known..], true)
                }
                None => std::mem::take(&mut self.tail),
            }
        };
        self.say(committed, Vec::new(), out);
        self.tail.clear();
        self.samples.clear();
        self.fresh = 0;
        self.agreement.clear();
    }
}
