//! Every phrase of a playbook in one automaton over the stems of normalised tokens: "prices" is found where "price" is
//! written, and `too .. expensive` with up to three words between.

use aho_corasick::{AhoCorasick, MatchKind};
use rust_stemmers::{Algorithm, Stemmer};

use super::normalize::{Token, tokens_of_text};
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

/// Written in a phrase for "a few words may stand here".
pub const GAP: &str = "..";
/// Words that may stand in a gap. "Too, you know, bloody expensive": more than three is another thought.
pub const GAP_WORDS: usize = 3;

#[derive(Debug)]
struct Phrase {
    play: usize,
    kind: PatternKind,
    text: String,
    segments: usize,
}

/// One uninterrupted part of a phrase.
#[derive(Clone, Copy, Debug)]
struct Segment {
    phrase: usize,
    index: usize,
}

/// Aho-Corasick over `" stem stem stem "`: the blanks make every hit start and end on a token edge.
pub struct Lexicon {
    automaton: AhoCorasick,
    segments: Vec<Segment>,
    phrases: Vec<Phrase>,
    stemmer: Stemmer,
}

impl std::fmt::Debug for Lexicon {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lexicon").field("phrases", &self.phrases.len()).finish_non_exhaustive()
    }
}

impl Lexicon {
    /// All trigger and do-not-trigger phrases of `playbook`.
    ///
    /// # Panics
    /// If the phrases together exceed what an automaton can hold (2 GiB of states; a playbook file is far smaller).
    #[must_use]
    pub fn new(playbook: &Playbook) -> Self {
        Self::of(playbook.plays.iter().enumerate().flat_map(|(play, p)| {
            let triggers = p.phrases.iter().map(move |t| (play, PatternKind::Trigger, t.as_str()));
            let nevers = p.never.iter().map(move |t| (play, PatternKind::Never, t.as_str()));
            triggers.chain(nevers)
        }))
    }

    /// Of these phrases, each with the number its hits carry as `play`. Those without a word that counts are left out.
    ///
    /// # Panics
    /// As [`new`](Self::new).
    #[must_use]
    pub fn of<'a>(phrases: impl IntoIterator<Item = (usize, PatternKind, &'a str)>) -> Self {
        let stemmer = Stemmer::create(Algorithm::English);
        let (mut all, mut segments, mut texts) = (Vec::new(), Vec::new(), Vec::new());
        for (play, kind, text) in phrases {
            let parts: Vec<String> = text
                .split(GAP)
                .map(|part| padded(&stemmer, &tokens_of_text(part)).0)
                .filter(|part| !part.trim().is_empty())
                .collect();
            segments.extend((0..parts.len()).map(|index| Segment { phrase: all.len(), index }));
            all.push(Phrase { play, kind, text: text.to_owned(), segments: parts.len() });
            texts.extend(parts);
        }
        // Overlapping search needs `Standard`: all phrases that end at a token are wanted, not the first only.
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .build(&texts)
            .expect("a playbook's phrases fit an automaton");
        Self { automaton, segments, phrases: all, stemmer }
    }

    /// All phrases in `tokens`, in order of their ends.
    #[must_use]
    pub fn find(&self, tokens: &[Token]) -> Vec<LexiconHit> {
        let (text, edges) = padded(&self.stemmer, tokens);
        let mut hits = Vec::new();
        let mut parts: Vec<(Segment, usize, usize)> = Vec::new();
        for m in self.automaton.find_overlapping_iter(&text) {
            let (Ok(first), Ok(end)) = (edges.binary_search(&m.start()), edges.binary_search(&(m.end() - 1))) else {
                continue;
            };
            let segment = self.segments[m.pattern().as_usize()];
            match self.phrases[segment.phrase].segments {
                1 => hits.push(self.hit(segment.phrase, first, end)),
                _ => parts.push((segment, first, end)),
            }
        }
        self.join_parts(&parts, &mut hits);
        hits
    }

    fn hit(&self, phrase: usize, first: usize, end: usize) -> LexiconHit {
        let Phrase { play, kind, text, .. } = &self.phrases[phrase];
        LexiconHit { play: *play, kind: *kind, phrase: text.clone(), first, end }
    }

    /// Phrases with gaps, from the parts that were found.
    fn join_parts(&self, parts: &[(Segment, usize, usize)], hits: &mut Vec<LexiconHit>) {
        if parts.is_empty() {
            return;
        }
        for &(start, first, mut end) in parts.iter().filter(|(s, ..)| s.index == 0) {
            let follows = |index: usize, after: usize| {
                let next = |&&(s, first, _): &&(Segment, usize, usize)| {
                    s.phrase == start.phrase && s.index == index && (after..=after + GAP_WORDS).contains(&first)
                };
                parts.iter().find(next).map(|p| p.2)
            };
            let whole = (1..self.phrases[start.phrase].segments).all(|index| match follows(index, end) {
                Some(next) => {
                    end = next;
                    true
                }
                None => false,
            });
            if whole {
                hits.push(self.hit(start.phrase, first, end));
            }
        }
        hits.sort_by_key(|h| h.end);
    }
}

/// `" stem stem "` and, for each token, the offset of the blank in front of it; last, that of the last blank.
fn padded(stemmer: &Stemmer, tokens: &[Token]) -> (String, Vec<usize>) {
    let mut text = String::with_capacity(tokens.len() * 7 + 1);
    let mut edges = Vec::with_capacity(tokens.len() + 1);
    text.push(' ');
    for token in tokens {
        edges.push(text.len() - 1);
        text.push_str(&stemmer.stem(&token.text));
        text.push(' ');
    }
    edges.push(text.len() - 1);
    (text, edges)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn found(phrases: &[&str], said: &str) -> Vec<(String, usize, usize)> {
        let lexicon = Lexicon::of(phrases.iter().map(|p| (0, PatternKind::Trigger, *p)));
        lexicon.find(&tokens_of_text(said)).into_iter().map(|h| (h.phrase, h.first, h.end)).collect()
    }

    #[test]
    fn inflection_does_not_matter() {
        assert_eq!(found(&["your price is too high"], "well your prices are too high").len(), 0, "another verb");
        assert_eq!(found(&["raise the price"], "they keep raising the prices").len(), 1);
        assert_eq!(found(&["budget"], "it was not budgeted"), [("budget".into(), 3, 4)]);
        assert_eq!(found(&["art"], "the party starts"), []);
    }

    #[test]
    fn a_gap_holds_three_words_and_no_more() {
        let p = &["too .. expensive"];
        assert_eq!(found(p, "it is too expensive"), [("too .. expensive".into(), 2, 4)]);
        assert_eq!(found(p, "it is too bloody damn expensive"), [("too .. expensive".into(), 2, 6)]);
        assert_eq!(found(p, "too late for us and expensive"), []);
        assert_eq!(found(p, "expensive it is too"), []);
        assert_eq!(found(&["not .. in .. budget"], "not this year in the budget").len(), 1);
    }

    #[test]
    fn hits_come_in_the_order_of_their_ends() {
        let got = found(&["a .. d", "b c", "a"], "a b c d");
        assert_eq!(got.iter().map(|h| h.2).collect::<Vec<_>>(), [1, 3, 4]);
    }
}
