//! From tokens to words with times.
//!
//! Whisper only says when a stretch of several words starts and ends. Within it a word gets time by its length in
//! letters, which is off by 0.1 to 0.3 s in ordinary speech: good enough to place an utterance, not to cut audio.

use reframe_call::{
    recognize::{Word, round3},
    time::MediaTime,
};

use super::{
    decode::Decoded,
    vocab::{SpokenWord, Vocab},
};

/// A stretch of words between two timestamps of a window.
#[derive(Clone, Debug, PartialEq)]
pub struct Stretch {
    /// Seconds from the window's start.
    pub start_s: f32,
    /// Seconds from the window's start.
    pub end_s: f32,
    /// Whether a timestamp closed it; the last one of a window may be left open.
    pub closed: bool,
    /// What was said.
    pub words: Vec<TimedWord>,
}

/// A word of a [`Stretch`].
#[derive(Clone, Debug, PartialEq)]
pub struct TimedWord {
    /// Lower case, no punctuation.
    pub text: String,
    /// Seconds from the window's start.
    pub start_s: f32,
    /// Seconds from the window's start.
    pub end_s: f32,
    /// 0..=1: the mean probability of its tokens (geometric).
    pub confidence: f32,
}

impl TimedWord {
    /// The word in media time, its window starting at `window`.
    #[must_use]
    pub fn at(&self, window: MediaTime) -> Word {
        let time = |s: f32| window.plus_us((f64::from(s.max(0.0)) * 1e6).round() as u64);
        Word {
            text: self.text.clone(),
            start: time(self.start_s),
            end: time(self.end_s),
            confidence: round3(self.confidence.clamp(0.0, 1.0)),
        }
    }
}

/// The stretches of a decoded window of `seconds`. No time lies outside the window.
#[must_use]
pub fn stretches(decoded: &Decoded, vocab: &Vocab, seconds: f32) -> Vec<Stretch> {
    let mut found = Vec::new();
    let (mut opened, mut text) = (0f32, Vec::new());
    let mut close = |start: f32, end: f32, closed: bool, text: &mut Vec<(u32, f32)>| {
        let start_s = start.min(seconds);
        let end_s = end.clamp(start_s, seconds);
        let words = spread(&vocab.words(text), start_s, end_s);
        text.clear();
        if !words.is_empty() {
            found.push(Stretch { start_s, end_s, closed, words });
        }
    };
    for &(id, logprob) in &decoded.tokens {
        match vocab.stamp_s(id) {
            Some(at) => {
                close(opened, at, true, &mut text);
                opened = at;
            }
            None if vocab.is_text(id) => text.push((id, logprob)),
            None => {}
        }
    }
    close(opened, seconds, false, &mut text);
    found
}

/// Gives each word its part of `start_s..end_s`, by letters.
fn spread(spoken: &[SpokenWord], start_s: f32, end_s: f32) -> Vec<TimedWord> {
    let plain: Vec<(String, f32)> = spoken
        .iter()
        .flat_map(|word| plain_words(&word.text).into_iter().map(|text| (text, word.logprob.exp())))
        .collect();
    // One more for the gap after it, so that "a" is not said in no time.
    let weight = |text: &str| (text.chars().count() + 1) as f32;
    let total: f32 = plain.iter().map(|(text, _)| weight(text)).sum();
    let mut before = 0.0;
    plain
        .into_iter()
        .map(|(text, confidence)| {
            let from = start_s + (end_s - start_s) * before / total;
            before += weight(&text);
            let to = start_s + (end_s - start_s) * before / total;
            TimedWord { text, start_s: from, end_s: to, confidence }
        })
        .collect()
}

/// A word as the model writes it, the way the rest of the program spells words: lower case, letters, digits and inner
/// apostrophes only. A hyphen separates two words; `%` and `&` are spoken.
#[must_use]
pub fn plain_words(written: &str) -> Vec<String> {
    let mut spaced = String::with_capacity(written.len() + 8);
    for c in written.chars() {
        match c {
            '%' => spaced.push_str(" percent "),
            '&' => spaced.push_str(" and "),
            '\'' | '\u{2019}' => spaced.push('\''),
            c if c.is_alphanumeric() => spaced.extend(c.to_lowercase()),
            // "1,000" and "2.5" are one word each, and the lexicon knows no separators.
            ',' => {}
            '.' => spaced.push('.'),
            _ => spaced.push(' '),
        }
    }
    spaced
        .split_whitespace()
        .map(|w| w.trim_matches(|c| c == '\'' || c == '.'))
        .map(|w| {
            let number = w.chars().all(|c| c.is_ascii_digit() || c == '.');
            if number { w.to_owned() } else { w.replace('.', "") }
        })
        .filter(|w| !w.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spells_words_the_plain_way() {
        for (written, expected) in [
            ("Price,", vec!["price"]),
            ("don\u{2019}t", vec!["don't"]),
            ("'quoted'", vec!["quoted"]),
            ("follow-up", vec!["follow", "up"]),
            ("20%.", vec!["20", "percent"]),
            ("$1,000", vec!["1000"]),
            ("2.5", vec!["2.5"]),
            ("U.S.", vec!["us"]),
            ("AT&T", vec!["at", "and", "t"]),
            ("...", vec![]),
            ("\u{266a}", vec![]),
            ("\u{c9}t\u{e9}", vec!["\u{e9}t\u{e9}"]),
        ] {
            assert_eq!(plain_words(written), expected, "{written}");
        }
    }

    #[test]
    fn words_share_their_stretch_by_letters() {
        let spoken = |text: &str| SpokenWord { text: text.to_owned(), logprob: 0.0 };
        let words = spread(&[spoken("A"), spoken("price"), spoken("...")], 1.0, 2.6);
        assert_eq!(words.len(), 2);
        assert_eq!((words[0].start_s, words[1].end_s), (1.0, 2.6));
        assert!((words[0].end_s - 1.4).abs() < 1e-6);
        assert_eq!(words[0].end_s, words[1].start_s);
    }

    #[test]
    fn media_time_is_rounded_to_a_microsecond_and_confidence_to_three_decimals() {
        let word = TimedWord { text: "a".into(), start_s: 0.02, end_s: 0.5, confidence: 0.123_456 };
        let word = word.at(MediaTime::from_ms(1_000));
        assert_eq!((word.start.us(), word.end.us()), (1_020_000, 1_500_000));
        assert_eq!(word.confidence, 0.123);
    }
}
