//! The words of a call and its utterances, kept while its log is read, to show what was said around a card.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

use super::cards::Seen;
use crate::{
    audio::TrackId,
    event::{Event, EventBody},
    recognize::Word,
    time::MediaTime,
};

/// Words kept of a participant: about ten hours of talk without a pause. Those before are forgotten.
const WORDS_MAX: usize = 100_000;
/// Utterances kept of a participant.
const UTTERANCES_MAX: usize = 20_000;
/// What is shown before and after the words a card rests on.
const AROUND_MS: u64 = 3_000;

/// What was said around a card.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Around {
    /// Just before.
    pub before: String,
    /// What it rests on.
    pub under: String,
    /// Just after.
    pub after: String,
}

/// Words by their place relative to a phrase, each in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clause {
    /// Before the phrase.
    pub before: Vec<String>,
    /// Under it.
    pub under: Vec<String>,
    /// After it.
    pub after: Vec<String>,
}

#[derive(Clone, Debug, Default)]
struct Spoken {
    words: VecDeque<Word>,
    utterances: VecDeque<(MediaTime, MediaTime)>,
}

/// What everybody said.
#[derive(Clone, Debug, Default)]
pub struct Words {
    of: BTreeMap<TrackId, Spoken>,
}

fn middle(w: &Word) -> MediaTime {
    MediaTime::from_us(w.start.us() / 2 + w.end.us() / 2)
}

fn keep<T>(list: &mut VecDeque<T>, new: T, max: usize) {
    if list.len() == max {
        list.pop_front();
    }
    list.push_back(new);
}

impl Words {
    /// Takes the next event of a log.
    pub fn event(&mut self, event: &Event) {
        match &event.body {
            EventBody::WordsCommitted { track, words, .. } => {
                let spoken = self.of.entry(*track).or_default();
                words.iter().for_each(|w| keep(&mut spoken.words, w.clone(), WORDS_MAX));
            }
            EventBody::UtteranceEnded { track, start, end, .. } => {
                keep(&mut self.of.entry(*track).or_default().utterances, (*start, *end), UTTERANCES_MAX);
            }
            EventBody::WordsErased { track } => {
                if let Some(spoken) = self.of.get_mut(track) {
                    spoken.words.clear();
                }
            }
            EventBody::CallErased { .. } => self.of.values_mut().for_each(|s| s.words.clear()),
            _ => {}
        }
    }

    /// Where the utterance ends in which `card`'s words were said.
    #[must_use]
    pub fn sentence_end(&self, card: &Seen) -> Option<MediaTime> {
        let spoken = self.of.get(&card.track?)?;
        // Words begin a little before the endpointer notices speech.
        let holds = |(start, end): &&(MediaTime, MediaTime)| start.minus_ms(1_000) <= card.start && card.start <= *end;
        spoken.utterances.iter().rev().find(holds).map(|(_, end)| *end)
    }

    /// What was said around `card` by the one who raised it.
    #[must_use]
    pub fn around(&self, card: &Seen) -> Around {
        let clause = self.within(card, card.start.minus_ms(AROUND_MS), card.end.plus_ms(AROUND_MS));
        Around { before: clause.before.join(" "), under: clause.under.join(" "), after: clause.after.join(" ") }
    }

    /// The clause `card` rests on: from the last pause before its words to the next one after them.
    #[must_use]
    pub fn clause(&self, card: &Seen, pause_ms: u64) -> Clause {
        let Some(spoken) = card.track.and_then(|t| self.of.get(&t)) else { return Clause::default() };
        let (mut from, mut until) = (card.start, card.end);
        for w in spoken.words.iter().rev().filter(|w| middle(w) < card.start) {
            if from.ms_since(w.end) >= pause_ms {
                break;
            }
            from = from.min(w.start);
        }
        for w in spoken.words.iter().filter(|w| middle(w) > card.end) {
            if w.start.ms_since(until) >= pause_ms {
                break;
            }
            until = until.max(w.end);
        }
        self.within(card, from, until)
    }

    fn within(&self, card: &Seen, from: MediaTime, until: MediaTime) -> Clause {
        let mut clause = Clause::default();
        let Some(spoken) = card.track.and_then(|t| self.of.get(&t)) else { return clause };
        for w in spoken.words.iter().filter(|w| middle(w) >= from && middle(w) <= until) {
            let place = match middle(w) {
                at if at < card.start => &mut clause.before,
                at if at > card.end => &mut clause.after,
                _ => &mut clause.under,
            };
            place.push(w.text.clone());
        }
        clause
    }
}
