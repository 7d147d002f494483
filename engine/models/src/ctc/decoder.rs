//! From rows of phone posteriors to words, and when a word is final.
//!
//! Words become final ("committed") when all live tokens agree on them, when they are older than a bound, at a pause,
//! and at the end of the utterance; a final word is never taken back.

use std::collections::VecDeque;

use super::{
    history::{HeardWord, Histories, NO_HISTORY},
    passing::{Knowledge, Passing, Token},
};

/// `p(blank)` from which a row counts as pause.
const PAUSE_PROBABILITY: f32 = 0.9;
/// Rows before the first sound after a pause that are decoded with it (0.2 s), so that its onset is whole.
const LEAD_IN_ROWS: usize = 5;
/// History entries above which dead ones are swept out.
const SWEEP_AT: usize = 8_192;

/// When words become final, in output rows (40 ms with the shipped model).
#[derive(Clone, Copy, Debug)]
pub struct Finality {
    /// So many rows of pause end a stretch of words. `None`: only the end of the utterance does.
    pub pause_rows: Option<usize>,
    /// Words that ended so many rows ago become final, whatever other tokens say. `None`: they wait.
    pub age_rows: Option<u32>,
}

/// The decoder of one track.
pub struct Decoder {
    finality: Finality,
    tokens: Vec<Token>,
    passing: Passing,
    histories: Histories,
    /// The last rows, for the lead-in of the next stretch.
    lead_in: VecDeque<Vec<f32>>,
    row: u32,
    pause: usize,
    /// Between stretches: nothing to decode until a sound comes.
    idle: bool,
    /// Final words nobody has fetched yet.
    committed: Vec<HeardWord>,
    best: Vec<HeardWord>,
    other: Vec<HeardWord>,
    seen: Vec<bool>,
}

impl Decoder {
    /// A decoder at the start of an utterance.
    #[must_use]
    pub fn new(finality: Finality) -> Self {
        Self {
            finality,
            tokens: Vec::new(),
            passing: Passing::default(),
            histories: Histories::default(),
            lead_in: VecDeque::new(),
            row: 0,
            pause: 0,
            idle: true,
            committed: Vec::new(),
            best: Vec::new(),
            other: Vec::new(),
            seen: Vec::new(),
        }
    }

    /// Entries held by histories, tokens and words not yet fetched; bounded, however long the utterance.
    #[must_use]
    pub fn held_entries(&self) -> usize {
        self.histories.kept() + self.tokens.len() + self.committed.len()
    }

    /// Takes the next row of log-posteriors, the blank first.
    pub fn push(&mut self, knowledge: &Knowledge<'_>, row: &[f32]) {
        let blank = row.first().copied().unwrap_or(0.0);
        self.pause = if blank >= PAUSE_PROBABILITY.ln() { self.pause + 1 } else { 0 };
        if self.idle && (self.pause == 0 || self.finality.pause_rows.is_none()) {
            let lead_in = std::mem::take(&mut self.lead_in);
            let first = self.row - lead_in.len() as u32;
            self.tokens.clear();
            self.tokens.push(Token::start(knowledge, first));
            self.histories.clear();
            for (earlier, number) in lead_in.iter().zip(first..) {
                self.passing.row(knowledge, &mut self.tokens, &mut self.histories, earlier, number);
            }
            self.lead_in = lead_in;
            self.idle = false;
        }
        if !self.idle {
            self.passing.row(knowledge, &mut self.tokens, &mut self.histories, row, self.row);
            // In every row, so that what is final does not hang on how many rows come at a time.
            self.settle_open_words();
            if self.finality.pause_rows.is_some_and(|rows| self.pause >= rows) {
                self.end_stretch(knowledge);
            }
            if self.histories.kept() > SWEEP_AT {
                self.histories.compact(self.tokens.iter_mut().map(|t| &mut t.history));
            }
        }
        let mut slot =
            if self.lead_in.len() < LEAD_IN_ROWS { None } else { self.lead_in.pop_front() }.unwrap_or_default();
        slot.clear();
        slot.extend_from_slice(row);
        self.lead_in.push_back(slot);
        self.row += 1;
    }

    /// Appends the words that became final since the last call to `committed`, and replaces `tail` by what the best
    /// token makes of the rest, a word in progress included if it may be complete.
    pub fn take(&mut self, knowledge: &Knowledge<'_>, committed: &mut Vec<HeardWord>, tail: &mut Vec<HeardWord>) {
        tail.clear();
        committed.append(&mut self.committed);
        if let Some(best) = self.best_token() {
            self.histories.open_words(best.history, tail);
            tail.extend(best.completion(knowledge).map(|(word, _)| word));
        }
    }

    /// The utterance is over: every word becomes final, and the decoder is as new.
    pub fn finish(&mut self, knowledge: &Knowledge<'_>, committed: &mut Vec<HeardWord>) {
        if !self.idle {
            self.end_stretch(knowledge);
        }
        committed.append(&mut self.committed);
        self.lead_in.clear();
        self.row = 0;
        self.pause = 0;
    }

    /// The best token; the first of equals.
    fn best_token(&self) -> Option<Token> {
        self.tokens.iter().copied().reduce(|a, b| if b.score > a.score { b } else { a })
    }

    /// Words all tokens agree on, and words too old to wait for agreement.
    fn settle_open_words(&mut self) {
        let Some(best) = self.best_token() else { return };
        self.histories.open_words(best.history, &mut self.best);
        let mut agreed = self.best.len();
        self.seen.clear();
        self.seen.resize(self.histories.kept(), false);
        for token in &self.tokens {
            if agreed == 0 {
                break;
            }
            match self.seen.get_mut(token.history as usize) {
                Some(seen) if !*seen => *seen = true,
                Some(_) => continue,
                None => {
                    agreed = 0;
                    break;
                }
            }
            self.histories.open_words(token.history, &mut self.other);
            agreed = common_prefix(&self.best[..agreed], &self.other);
        }
        let due = self.finality.age_rows.map_or(0, |age| {
            let horizon = self.row.saturating_sub(age);
            self.best.iter().take_while(|w| w.last_row < horizon).count()
        });
        if due > agreed {
            let Self { tokens, histories, best, other, .. } = self;
            tokens.retain(|token| {
                histories.open_words(token.history, other);
                common_prefix(&best[..due], other) == due
            });
        }
        let words = agreed.max(due);
        self.committed.extend_from_slice(&self.best[..words]);
        self.histories.finalise(words);
    }

    /// Takes the best way to end here, completes its words, and waits for the next sound.
    fn end_stretch(&mut self, knowledge: &Knowledge<'_>) {
        let endings = self.tokens.iter().filter_map(|token| {
            if token.at_root() { Some((token, None, token.score)) } else { None }
                .or_else(|| token.completion(knowledge).map(|(word, score)| (token, Some(word), score)))
        });
        let best = endings.reduce(|a, b| if b.2 > a.2 { b } else { a });
        // No token at the end of a word: the last word was broken off, the ones before it stand.
        let broken_off = || self.best_token().map(|token| (token.history, None));
        let chosen = best.map(|(token, word, _)| (token.history, word)).or_else(broken_off);
        let (history, last) = chosen.unwrap_or((NO_HISTORY, None));
        self.histories.open_words(history, &mut self.best);
        self.committed.extend(self.best.drain(..).chain(last));
        self.tokens.clear();
        self.histories.clear();
        self.idle = true;
    }
}

/// How many words two lists have in common at their start.
fn common_prefix(a: &[HeardWord], b: &[HeardWord]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a.word == b.word).count()
}
