//! One utterance through the recogniser, and when each word was there.

use std::time::Instant;

use reframe_call::{
    audio::{AudioFrame, FRAME_SAMPLES, TrackId},
    endpoint::EndpointSettings,
    recognize::{Bias, Recognized, Recognizer},
    time::MediaTime,
};

use crate::{figures::Times, process::thread_cpu_s};

/// What came of an utterance.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    /// The committed words.
    pub words: Vec<String>,
    /// Numbers of the phrases heard in the sounds.
    pub phrases: Vec<u32>,
    /// Seconds of audio, the silence at the end included.
    pub audio_s: f64,
    /// Processor seconds.
    pub cpu_s: f64,
}

/// When words were there, counted from the end of each.
#[derive(Clone, Debug, Default)]
pub struct Emission {
    /// When the word stood where it stayed, committed or not: what detection and captions work on.
    pub settled: Times,
    /// When it could not be taken back any more.
    pub committed: Times,
}

/// A word of the hypothesis, and since when it has stood there, in ms.
struct Standing {
    text: String,
    since_ms: f64,
}

/// Plays `frames` to a new stream of `recognizer` as if each arrived the moment its last sample was spoken.
///
/// A step that takes long delays the frames after it, as it would in a call: the time a word is there is the end of the frame
/// it came with, or the end of the work on the frames before if that is later, plus the work on this one. The work is timed on
/// this machine's monotonic clock, so other programs count. The utterance ends as a call's would, after
/// the endpointer's silence.
///
/// # Errors
/// If the stream cannot be started.
pub fn hear(
    recognizer: &dyn Recognizer,
    bias: &Bias,
    frames: &[AudioFrame],
    emission: &mut Emission,
) -> anyhow::Result<Heard> {
    let mut stream = recognizer.start(TrackId(0), bias)?;
    let end = frames.last().map_or(MediaTime::ZERO, AudioFrame::end);
    let silence = (0..EndpointSettings::default().stop_ms / 20).map(|n| AudioFrame {
        track: TrackId(0),
        start: end.plus_ms(n * 20),
        samples: Box::new([0.0; FRAME_SAMPLES]),
    });
    let silence: Vec<AudioFrame> = silence.collect();
    let mut out = Heard { audio_s: (frames.len() + silence.len()) as f64 * 0.02, ..Heard::default() };
    let (mut news, mut tail) = (Vec::new(), Vec::new());
    let mut free_ms = 0.0_f64;
    let begun_s = thread_cpu_s()?;
    let all = frames.iter().chain(&silence).map(Some).chain([None]);
    let mut last_ms = 0.0;
    for frame in all {
        let arrives_ms = frame.map_or(last_ms, |f| f.end().us() as f64 / 1e3);
        last_ms = arrives_ms;
        let begun = Instant::now();
        match frame {
            Some(frame) => stream.accept(frame, &mut news),
            None => stream.finish(&mut news),
        }
        free_ms = arrives_ms.max(free_ms) + begun.elapsed().as_secs_f64() * 1e3;
        for said in news.drain(..) {
            take(said, free_ms, &mut tail, &mut out, emission);
        }
    }
    out.cpu_s = thread_cpu_s()? - begun_s;
    Ok(out)
}

fn take(said: Recognized, now_ms: f64, tail: &mut Vec<Standing>, out: &mut Heard, emission: &mut Emission) {
    let hypothesis = match said {
        Recognized::Phrase(hit) => return out.phrases.push(hit.phrase.0),
        Recognized::Hypothesis(hypothesis) => hypothesis,
    };
    let before = std::mem::take(tail);
    let stood = |i: usize, text: &str| before.get(i).filter(|s| s.text == text).map_or(now_ms, |s| s.since_ms);
    let committed = hypothesis.committed.len();
    for (i, word) in hypothesis.committed.into_iter().enumerate() {
        let end_ms = word.end.us() as f64 / 1e3;
        emission.settled.add_ms(stood(i, &word.text) - end_ms);
        emission.committed.add_ms(now_ms - end_ms);
        out.words.push(word.text);
    }
    *tail = hypothesis
        .tail
        .into_iter()
        .enumerate()
        .map(|(i, w)| Standing { since_ms: stood(committed + i, &w.text), text: w.text })
        .collect();
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use reframe_call::recognize::{Hypothesis, Word};

    use super::*;

    fn word(text: &str, end_ms: u64) -> Word {
        let end = MediaTime::from_ms(end_ms);
        Word { text: text.into(), start: end.minus_ms(100), end, confidence: 1.0 }
    }

    #[test]
    fn a_word_counts_from_when_it_stayed() {
        let (mut tail, mut out, mut emission) = (Vec::new(), Heard::default(), Emission::default());
        let steps = [
            (300.0, vec![], vec![word("two", 200)]),
            (400.0, vec![], vec![word("too", 200), word("dear", 350)]),
            (500.0, vec![], vec![word("too", 200), word("deer", 350)]),
            (600.0, vec![word("too", 200)], vec![word("deer", 350)]),
            (900.0, vec![word("deer", 350)], vec![]),
        ];
        for (now_ms, committed, tail_words) in steps {
            take(
                Recognized::Hypothesis(Hypothesis { committed, tail: tail_words }),
                now_ms,
                &mut tail,
                &mut out,
                &mut emission,
            );
        }
        assert_eq!(out.words, ["too", "deer"]);
        // "too" stood from 400 on and ended at 200; "deer" stood from 500 on and ended at 350.
        let (settled, committed) = (emission.settled.figures(), emission.committed.figures());
        let near = |a: f64, b: f64| (a - b).abs() < 1.0;
        assert!(settled.n == 2 && near(settled.p50_ms, 150.0) && near(settled.max_ms, 200.0), "{settled:?}");
        assert!(near(committed.p50_ms, 400.0) && near(committed.max_ms, 550.0), "{committed:?}");
    }
}
