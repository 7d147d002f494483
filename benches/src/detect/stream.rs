//! Lines as a call brings them: word by word, the newest word uncertain until the next one comes.

use reframe_call::{
    audio::{Party, TrackId},
    detect::{Detector, Heard, Verdict},
    event::UtteranceId,
    recognize::Word,
    time::MediaTime,
};

/// Speaking time of a word; conversational English runs at about 200 words a minute while somebody speaks.
const WORD_MS: u64 = 300;

/// The words of a line with times, as a recogniser writes them.
pub fn spoken(text: &str) -> Vec<Word> {
    let words = (0u64..).zip(text.split_whitespace());
    words
        .map(|(i, text)| Word {
            text: text.to_lowercase(),
            start: MediaTime::from_ms(i * WORD_MS),
            end: MediaTime::from_ms((i + 1) * WORD_MS),
            confidence: 1.0,
        })
        .collect()
}

/// The partial hypotheses that lead to `words`: what is certain and what may change. The last has all of them certain.
pub fn partials(words: &[Word]) -> impl Iterator<Item = (&[Word], &[Word])> {
    let growing = (1..=words.len()).map(|n| words[..n].split_at(n - 1));
    growing.chain((!words.is_empty()).then_some((words, &words[..0])))
}

/// One of [`partials`] as the detector hears it.
pub const fn heard<'a>(committed: &'a [Word], tail: &'a [Word], at: MediaTime) -> Heard<'a> {
    Heard { at, track: TrackId(0), party: Party::Buyer, utterance: UtteranceId(0), committed, tail }
}

/// When the newest of the words ends.
pub fn end_of(committed: &[Word], tail: &[Word]) -> MediaTime {
    tail.last().or(committed.last()).map_or(MediaTime::ZERO, |w| w.end)
}

/// A card that came while a line went on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// Class.
    pub label: String,
    /// Play.
    pub play: String,
    /// Words heard until then.
    pub after_words: usize,
    /// Whether what followed took it back.
    pub taken_back: bool,
}

/// Every card that `detector` asks for in the course of a line. What came before the line is forgotten.
pub fn follow(detector: &mut Detector, text: &str) -> Vec<Shown> {
    detector.forget();
    let words = spoken(text);
    let mut out: Vec<Shown> = Vec::new();
    let mut take = |verdicts: Vec<Verdict>, after_words: usize| {
        for verdict in verdicts {
            match verdict {
                Verdict::Detected(d) => {
                    out.push(Shown { label: d.label, play: d.play, after_words, taken_back: false });
                }
                Verdict::Contradicted { play, .. } => {
                    for shown in out.iter_mut().filter(|s| s.play == play) {
                        shown.taken_back = true;
                    }
                }
                Verdict::Suppressed(..) => {}
            }
        }
    };
    for (committed, tail) in partials(&words) {
        let heard = heard(committed, tail, end_of(committed, tail));
        let n = committed.len() + tail.len();
        take(detector.on_time(heard.at), n);
        take(detector.on_words(&heard), n);
        if n == words.len() && tail.is_empty() {
            take(detector.on_utterance_end(&heard), n);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::detect::playbooks;

    #[test]
    fn every_word_comes_once_as_uncertain_and_all_end_certain() {
        let words = spoken("it is Dear");
        let sizes: Vec<(usize, usize)> = partials(&words).map(|(c, t)| (c.len(), t.len())).collect();
        assert_eq!(sizes, [(0, 1), (1, 1), (2, 1), (3, 0)]);
        assert_eq!(words[2].text, "dear");
        assert_eq!(partials(&[]).count(), 0);
    }

    #[test]
    fn cards_come_as_soon_as_their_phrase_is_certain() {
        let mut detector = Detector::new(playbooks::built_in().unwrap(), None);
        let shown = follow(&mut detector, "honestly it's too expensive for us and i have to go and see my mother now");
        assert_eq!(
            (shown.len(), shown[0].label.as_str(), shown[0].after_words),
            (1, "price", 7),
            "its last word stands when the next one comes"
        );
        assert!(follow(&mut detector, "good morning").is_empty());
        assert!(follow(&mut detector, "").is_empty());
        let held = follow(&mut detector, "i'm not saying it's too expensive for us");
        assert!(held.iter().all(|s| s.taken_back), "{held:?}");
    }
}
