//! Whether something was said: phrases in the words, through the detector's own lexicon and normaliser, and sentences
//! like given ones, through its encoder.

use std::{collections::VecDeque, sync::Arc};

use crate::{
    detect::{
        fusion,
        lexicon::{Lexicon, PatternKind},
        normalize::{join, tokens_of, tokens_of_text},
        semantic::SentenceEncoder,
    },
    recognize::Word,
};

/// Words looked back at for a phrase that ends in new ones: longer than any phrase a playbook may have.
const WINDOW_WORDS: usize = 40;
/// Texts whose place is remembered: several rules ask about the same clause.
const REMEMBERED: usize = 16;

/// The encoder, if there is one, with the clauses it placed last. Shared by all rules of a call.
pub(super) struct Ear {
    encoder: Option<Arc<dyn SentenceEncoder>>,
    placed: VecDeque<(String, Vec<f32>)>,
}

impl Ear {
    pub fn new(encoder: Option<Arc<dyn SentenceEncoder>>) -> Self {
        Self { encoder, placed: VecDeque::new() }
    }

    fn place(&mut self, text: &str) -> Option<&[f32]> {
        let encoder = self.encoder.as_ref()?;
        let known = self.placed.iter().position(|(t, _)| t == text);
        let at = known.unwrap_or_else(|| {
            if self.placed.len() == REMEMBERED {
                self.placed.pop_front();
            }
            self.placed.push_back((text.to_owned(), encoder.encode(text).embedding));
            self.placed.len() - 1
        });
        Some(&self.placed[at].1)
    }

    /// Forgets the texts it was asked about.
    pub fn forget(&mut self) {
        self.placed.clear();
    }
}

/// A phrase that was said.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Said {
    /// As the playbook writes it.
    pub phrase: String,
    /// The words of it.
    pub words: Vec<Word>,
}

/// What counts as having said something.
#[derive(Debug)]
pub(super) struct Phrases {
    lexicon: Lexicon,
    like: Vec<String>,
    /// Places of `like`; none until the encoder was asked.
    places: Option<Vec<Vec<f32>>>,
}

impl Phrases {
    pub fn new(phrases: &[String], like: &[String]) -> Self {
        let triggers = phrases.iter().map(|p| (0, PatternKind::Trigger, p.as_str()));
        Self { lexicon: Lexicon::of(triggers), like: like.to_vec(), places: None }
    }

    /// Whether sentences count as well.
    pub fn has_like(&self) -> bool {
        !self.like.is_empty()
    }

    /// The longest phrase that ends within the last `new` words of `said`.
    pub fn in_words(&self, said: &[Word], new: usize) -> Option<Said> {
        let fresh = said.len().saturating_sub(new);
        let skip = fresh.saturating_sub(WINDOW_WORDS);
        let words = &said[skip..];
        let tokens = tokens_of(words);
        let hits = self.lexicon.find(&tokens);
        let ends_fresh = hits.iter().filter(|h| h.end > h.first && skip + tokens[h.end - 1].word >= fresh);
        let hit = ends_fresh.max_by_key(|h| (h.end - h.first, std::cmp::Reverse(h.first)))?;
        let words = words[tokens[hit.first].word..=tokens[hit.end - 1].word].to_vec();
        Some(Said { phrase: hit.phrase.clone(), words })
    }

    /// Whether a clause means the same as one of the `like` lines.
    pub fn like(&mut self, clause: &[Word], ear: &mut Ear) -> bool {
        if self.like.is_empty() {
            return false;
        }
        if self.places.is_none()
            && let Some(encoder) = &ear.encoder
        {
            let place = |line: &String| encoder.encode(&join(&tokens_of_text(line))).embedding;
            self.places = Some(self.like.iter().map(place).collect());
        }
        let text = join(&tokens_of(&clause[clause.len().saturating_sub(WINDOW_WORDS)..]));
        let (Some(examples), Some(place)) = (&self.places, ear.place(&text)) else { return false };
        let dot = |a: &[f32]| a.iter().zip(place).map(|(a, b)| a * b).sum::<f32>();
        let nearest = examples.iter().map(|e| dot(e)).fold(-1.0, f32::max);
        fusion::by_example(nearest) >= fusion::FIRE_AT
    }

    /// [`like`](Self::like) of any clause of an utterance.
    pub fn any_like(&mut self, said: &[Word], ear: &mut Ear) -> bool {
        let mut from = 0;
        super::question::clause_ends(said).into_iter().any(|end| {
            let clause = &said[std::mem::replace(&mut from, end)..end];
            self.like(clause, ear)
        })
    }
}
