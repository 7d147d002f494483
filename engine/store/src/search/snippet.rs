//! The words around a hit.

use std::ops::Range;

/// Put around what matched by SQLite; the recogniser writes no control characters.
pub(super) const OPEN: char = '\u{1}';
/// Its end.
pub(super) const CLOSE: char = '\u{2}';
/// Words shown before the first hit, and in all: two lines of a screen.
const WORDS: (usize, usize) = (8, 28);

/// A piece of an utterance with what matched in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snippet {
    /// The words; `…` where some were left out.
    pub text: String,
    /// What matched, in bytes of `text`.
    pub hits: Vec<Range<usize>>,
}

impl Snippet {
    /// From a whole utterance in which SQLite marked what matched.
    pub(super) fn of(marked: &str) -> Self {
        let words: Vec<&str> = marked.split(' ').filter(|w| !w.is_empty()).collect();
        let first = words.iter().position(|w| w.contains(OPEN)).unwrap_or(0);
        let from = first.saturating_sub(WORDS.0);
        let to = words.len().min(from + WORDS.1);
        let mut out = Self::default();
        let mut open = None;
        if from > 0 {
            out.text.push_str("… ");
        }
        for (n, word) in words[from..to].iter().enumerate() {
            if n > 0 {
                out.text.push(' ');
            }
            for c in word.chars() {
                match c {
                    OPEN => open = Some(out.text.len()),
                    CLOSE => out.hits.extend(open.take().map(|start| start..out.text.len())),
                    c => out.text.push(c),
                }
            }
        }
        // A phrase that goes on beyond the piece.
        out.hits.extend(open.map(|start| start..out.text.len()));
        if to < words.len() {
            out.text.push_str(" …");
        }
        out
    }

    /// The text in stretches, none of them empty, each with whether it matched.
    pub fn pieces(&self) -> impl Iterator<Item = (&str, bool)> {
        let ends = self.hits.iter().flat_map(|hit| [(hit.start, false), (hit.end, true)]);
        let mut at = 0;
        let stretches = ends.chain([(self.text.len(), false)]).map(move |(end, hit)| {
            let piece = &self.text[at..end];
            at = end;
            (piece, hit)
        });
        stretches.filter(|(piece, _)| !piece.is_empty())
    }

    /// The text with signs around what matched.
    #[must_use]
    pub fn marked(&self, open: &str, close: &str) -> String {
        let mark = |(piece, hit): (&str, bool)| if hit { format!("{open}{piece}{close}") } else { piece.to_owned() };
        self.pieces().map(mark).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_piece_around_the_first_hit_is_shown() {
        let short = Snippet::of("it is \u{1}too expensive\u{2} for \u{1}us\u{2}");
        assert_eq!(short.marked("[", "]"), "it is [too expensive] for [us]");
        let long = format!("{}\u{1}here\u{2} {}", "before ".repeat(50), "after ".repeat(50));
        let shown = Snippet::of(&long).marked("[", "]");
        assert!(shown.starts_with("… before") && shown.ends_with("after …") && shown.contains("[here]"), "{shown}");
        assert_eq!(shown.split(' ').count(), WORDS.1 + 2);
        let cut = Snippet::of(&format!("\u{1}{}\u{2}", "x ".repeat(60).trim()));
        assert_eq!(cut.hits.len(), 1);
        assert_eq!(Snippet::of(""), Snippet::default());
    }
}
