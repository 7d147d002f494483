//! Words from a platform's own recogniser, placed among the frames.

use std::time::Instant;

use reframe_call::{input::Input, recognize::Word, time::MediaTime};

use super::{Assembler, Queued};
use crate::item::Words;

/// Words taken of one message; more is no utterance. The protocol's own limit on characters is lower.
const MAX_WORDS: usize = 2_000;

impl Assembler {
    /// Takes words. Their times may be anything: they are clamped into the call, and to what the track said before.
    pub(super) fn words(&mut self, words: &Words, arrived: Instant) {
        let hears = self.hears(words.track);
        let Some(track) = self.tracks.get_mut(&words.track).filter(|t| !t.left) else {
            self.counters.unknown_track += 1;
            return;
        };
        let (start, end) = self.clock.place_words(words.start_us, words.end_us, arrived);
        // Where words come, no packet is waited for.
        track.idle = true;
        let start = start.max(track.words_from);
        let end = end.max(start);
        if words.last {
            track.words_from = end;
        }
        let spread = if hears {
            spread(&words.text, start, end)
        } else {
            self.counters.withheld += 1;
            Vec::new()
        };
        let (id, done) = (words.track, words.last);
        let (words, tail) = if done { (spread, Vec::new()) } else { (Vec::new(), spread) };
        // Of what is held back only this goes on, that something came: for the log.
        let input = Input::Words { track: id, words, tail, done };
        track.last_key = track.last_key.max(end);
        track.queue.push_back(Queued { input, key: track.last_key, arrived });
    }
}

/// The words of `text`, each given an equal share of the time.
fn spread(text: &str, start: MediaTime, end: MediaTime) -> Vec<Word> {
    let texts: Vec<&str> = text.split_whitespace().take(MAX_WORDS).collect();
    let (length_us, n) = (end.us_since(start), texts.len() as u64);
    let at = |i: u64| start.plus_us(length_us * i / n.max(1));
    (0u64..)
        .zip(texts)
        .map(|(i, text)| Word { text: text.to_owned(), start: at(i), end: at(i + 1), confidence: 1.0 })
        .collect()
}
