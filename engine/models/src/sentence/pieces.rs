//! Words to word pieces: greedy longest match, as in BERT's WordPiece (Wu et al. 2016), over normalised text.

use std::collections::HashMap;

use crate::error::ModelError;

const FILE: &str = "vocabulary.txt";
/// Longest word that is taken apart, in bytes; a longer one is unknown.
const LONGEST_WORD: usize = 64;

/// A vocabulary: one piece per line, the line's number its id; pieces inside a word begin with `##`.
pub(super) struct Pieces {
    whole: HashMap<Box<str>, u32>,
    inner: HashMap<Box<str>, u32>,
    len: usize,
    most: usize,
    unknown: u32,
    open: u32,
    close: u32,
}

impl Pieces {
    /// Reads a vocabulary. Sentences have at most `most` pieces.
    pub(super) fn parse(bytes: &[u8], most: usize) -> Result<Self, ModelError> {
        let text = std::str::from_utf8(bytes).map_err(|e| ModelError::format(FILE, e.to_string()))?;
        let (mut whole, mut inner, mut len) = (HashMap::new(), HashMap::new(), 0);
        for (id, line) in (0u32..).zip(text.lines()) {
            match line.strip_prefix("##") {
                Some(rest) => inner.insert(rest.into(), id),
                None => whole.insert(line.into(), id),
            };
            len += 1;
        }
        let special = |name: &str| {
            whole.get(name).copied().ok_or_else(|| ModelError::format(FILE, format!("the piece {name} is missing")))
        };
        let (unknown, open, close) = (special("[UNK]")?, special("[CLS]")?, special("[SEP]")?);
        Ok(Self { whole, inner, len, most, unknown, open, close })
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Ids of a sentence between its opening and closing piece. Of one that is too long the end is kept: what was said
    /// last decides.
    pub(super) fn encode(&self, text: &str) -> Vec<u32> {
        let mut body = Vec::new();
        for word in text.split_whitespace() {
            // An apostrophe is a piece of its own.
            for part in word.split_inclusive('\'').flat_map(|p| match p.strip_suffix('\'') {
                Some(before) => [before, "'"],
                None => [p, ""],
            }) {
                self.word(part, &mut body);
            }
        }
        let skip = body.len().saturating_sub(self.most - 2);
        let mut ids = Vec::with_capacity(self.most);
        ids.push(self.open);
        ids.extend_from_slice(&body[skip..]);
        ids.push(self.close);
        ids
    }

    fn word(&self, word: &str, out: &mut Vec<u32>) {
        if word.is_empty() {
            return;
        }
        let (before, mut rest) = (out.len(), word);
        while !rest.is_empty() && word.len() <= LONGEST_WORD {
            let known = if rest.len() == word.len() { &self.whole } else { &self.inner };
            let ends = rest.char_indices().map(|(i, c)| i + c.len_utf8()).rev();
            let Some((end, id)) = ends.filter_map(|end| Some((end, *known.get(&rest[..end])?))).next() else { break };
            out.push(id);
            rest = &rest[end..];
        }
        if !rest.is_empty() {
            out.truncate(before);
            out.push(self.unknown);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces() -> Pieces {
        Pieces::parse(b"[PAD]\n[UNK]\n[CLS]\n[SEP]\nprice\n##y\npric\n'\ns\n##e\n", 6).unwrap()
    }

    #[test]
    fn the_longest_piece_wins_and_what_cannot_be_made_is_unknown() {
        assert_eq!(pieces().encode("price pricy x"), [2, 4, 6, 5, 1, 3]);
        assert_eq!(pieces().encode("price's"), [2, 4, 7, 8, 3]);
        assert_eq!(pieces().encode(""), [2, 3]);
        assert_eq!(pieces().encode("é"), [2, 1, 3]);
    }

    #[test]
    fn a_long_sentence_keeps_its_end() {
        assert_eq!(pieces().encode("s s s s price"), [2, 8, 8, 8, 4, 3]);
    }

    #[test]
    fn a_vocabulary_without_its_marks_is_refused() {
        let error = Pieces::parse(b"a\nb\n", 6).err().unwrap();
        assert!(error.to_string().contains("[UNK]"), "{error}");
    }
}
