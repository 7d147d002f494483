//! Every phrase of a playbook in one automaton over normalised tokens.

use aho_corasick::{AhoCorasick, MatchKind};

use super::normalize::{Token, join, tokens_of_text};
use crate::playbook::Playbook;

/// What a pattern stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatternKind {
    /// A triggering phrase of play number `play`.
    Trigger,
    /// A do-not-trigger phrase of play number `play`.
    Never,
}

/// A phrase of the playbook found in tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LexiconHit {
    /// Index of the play in its playbook.
    pub play: usize,
    /// Trigger or do-not-trigger.
    pub kind: PatternKind,
    /// The phrase as the playbook writes it.
    pub phrase: String,
    /// First token.
    pub first: usize,
    /// One past the last token.
    pub end: usize,
}

#[derive(Debug)]
struct Pattern {
    play: usize,
    kind: PatternKind,
    phrase: String,
}

/// Aho-Corasick over `" token token token "`: the blanks make every hit start and end on a token edge.
#[derive(Debug)]
pub struct Lexicon {
    automaton: AhoCorasick,
    patterns: Vec<Pattern>,
}

impl Lexicon {
    /// All trigger and do-not-trigger phrases of `playbook`.
    ///
    /// # Panics
    /// If the phrases together exceed what an automaton can hold (2 GiB of states; a playbook file is far smaller).
    #[must_use]
    pub fn new(playbook: &Playbook) -> Self {
        let mut patterns = Vec::new();
        let mut texts = Vec::new();
        for (play, p) in playbook.plays.iter().enumerate() {
            let triggers = p.phrases.iter().map(|t| (PatternKind::Trigger, t));
            let nevers = p.never.iter().map(|t| (PatternKind::Never, t));
            for (kind, phrase) in triggers.chain(nevers) {
                let normal = join(&tokens_of_text(phrase));
                if normal.is_empty() {
                    continue;
                }
                texts.push(format!(" {normal} "));
                patterns.push(Pattern { play, kind, phrase: phrase.clone() });
            }
        }
        // Overlapping search needs `Standard`: all phrases that end at a token are wanted, not the first only.
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .build(&texts)
            .expect("a playbook's phrases fit an automaton");
        Self { automaton, patterns }
    }

    /// All phrases in `tokens`, in order of their ends.
    #[must_use]
    pub fn find(&self, tokens: &[Token]) -> Vec<LexiconHit> {
        let mut text = String::with_capacity(tokens.len() * 7 + 1);
        // Byte offset of the blank in front of each token, and of the last blank.
        let mut edges = Vec::with_capacity(tokens.len() + 1);
        text.push(' ');
        for token in tokens {
            edges.push(text.len() - 1);
            text.push_str(&token.text);
            text.push(' ');
        }
        edges.push(text.len() - 1);
        self.automaton
            .find_overlapping_iter(&text)
            .filter_map(|m| {
                let first = edges.binary_search(&m.start()).ok()?;
                let end = edges.binary_search(&(m.end() - 1)).ok()?;
                let p = &self.patterns[m.pattern().as_usize()];
                Some(LexiconHit { play: p.play, kind: p.kind, phrase: p.phrase.clone(), first, end })
            })
            .collect()
    }
}
