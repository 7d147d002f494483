//! Recognisers and voice detectors that need no model: for examples, and for tests of this crate's users.

use std::sync::Arc;

use crate::{
    audio::{AudioFrame, FRAME_SAMPLES, TrackId},
    recognize::{Bias, Hypothesis, RecognizeError, Recognized, Recognizer, RecognizerStream, VoiceDetector, Word},
    session::Ears,
    time::MediaTime,
};

/// Ears that hear nothing.
#[must_use]
pub fn deaf_ears() -> Ears {
    scripted_ears(Vec::new())
}

/// Ears that hear `script`: each entry is a track, the media time at which the words are recognised, and the words.
/// A frame counts as speech if its first sample is not zero.
#[must_use]
pub fn scripted_ears(script: Vec<(TrackId, MediaTime, String)>) -> Ears {
    Ears { recognizer: Arc::new(Scripted(script)), voice: Arc::new(|| Box::new(Loudness)) }
}

/// A frame of constant `level`.
#[must_use]
pub fn frame(track: TrackId, start: MediaTime, level: f32) -> AudioFrame {
    AudioFrame { track, start, samples: Box::new([level; FRAME_SAMPLES]) }
}

struct Scripted(Vec<(TrackId, MediaTime, String)>);

struct ScriptedStream {
    lines: Vec<(MediaTime, String)>,
    next: usize,
}

struct Loudness;

impl Recognizer for Scripted {
    fn id(&self) -> String {
        "scripted".to_owned()
    }

    fn start(&self, track: TrackId, _: &Bias) -> Result<Box<dyn RecognizerStream>, RecognizeError> {
        let lines = self.0.iter().filter(|l| l.0 == track).map(|l| (l.1, l.2.clone())).collect();
        Ok(Box::new(ScriptedStream { lines, next: 0 }))
    }
}

impl RecognizerStream for ScriptedStream {
    fn accept(&mut self, frame: &AudioFrame, out: &mut Vec<Recognized>) {
        while let Some((at, text)) = self.lines.get(self.next).filter(|l| l.0 <= frame.end()) {
            let words: Vec<&str> = text.split_whitespace().collect();
            let n = words.len() as u64;
            let committed = (0u64..)
                .zip(words)
                .map(|(i, w)| Word {
                    text: w.to_owned(),
                    start: at.minus_ms((n - i) * 200),
                    end: at.minus_ms((n - i - 1) * 200),
                    confidence: 1.0,
                })
                .collect();
            out.push(Recognized::Hypothesis(Hypothesis { committed, tail: Vec::new() }));
            self.next += 1;
        }
    }

    fn finish(&mut self, _: &mut Vec<Recognized>) {}
}

impl VoiceDetector for Loudness {
    fn speech_probability(&mut self, frame: &AudioFrame) -> f32 {
        if frame.samples[0] == 0.0 { 0.0 } else { 1.0 }
    }
}
