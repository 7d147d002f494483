//! The trigram as columns of bytes: a third of the size of ARPA text when both are packed, and read without parsing.
//!
//! Little-endian: `trigram1`; how many words, bigrams, trigrams and bytes of spellings there are (`u32` each); the
//! spellings, alphabetical, each ended by a line feed. Then columns, each as long as what it is about:
//!
//! | of | columns |
//! |---|---|
//! | words | log-probability, back-off, bigrams that begin with it (two columns) |
//! | bigrams | log-probability, back-off, second word (two), trigrams that begin with it (two) |
//! | trigrams | log-probability, third word (two) |
//!
//! Two columns are the low and the high bytes of one number. Words of one group are given as steps from the one before,
//! the first from 0. Log-probabilities are tenths of a decimal logarithm below zero (`u8`), back-offs the same with their
//! sign (`i8`). What makes such files: `training/speech/ngrams.py`.

use super::{
    lm::{Grams, LN_10},
    words::{WordId, Words},
};
use crate::error::ModelError;

pub(super) const FILE: &str = "trigram.gz";

/// What such a file begins with.
const MAGIC: &[u8] = b"trigram1";
/// Numbers of words and of a group's members have two bytes.
const MOST_WORDS: usize = 1 << 16;

fn bad(problem: impl Into<String>) -> ModelError {
    ModelError::format(FILE, problem.into())
}

/// Bytes of a column of numbers of two bytes.
struct Wide<'a> {
    low: &'a [u8],
    high: &'a [u8],
}

impl Wide<'_> {
    fn get(&self, n: usize) -> usize {
        usize::from(u16::from_le_bytes([self.low[n], self.high[n]]))
    }
}

/// What is left to read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, bytes: usize) -> Result<&'a [u8], ModelError> {
        let (now, later) = self.0.split_at_checked(bytes).ok_or_else(|| bad("it is cut short"))?;
        self.0 = later;
        Ok(now)
    }

    fn number(&mut self) -> Result<usize, ModelError> {
        let bytes = self.take(4)?.try_into().expect("four bytes were taken");
        Ok(u32::from_le_bytes(bytes) as usize)
    }

    fn wide(&mut self, length: usize) -> Result<Wide<'a>, ModelError> {
        Ok(Wide { low: self.take(length)?, high: self.take(length)? })
    }
}

/// The columns of an unpacked file.
pub(super) struct Columns<'a> {
    spelled: &'a str,
    words: usize,
    word_log: &'a [u8],
    word_back_off: &'a [u8],
    bigrams_of: Wide<'a>,
    bigram_log: &'a [u8],
    bigram_back_off: &'a [u8],
    second: Wide<'a>,
    trigrams_of: Wide<'a>,
    trigram_log: &'a [u8],
    third: Wide<'a>,
}

fn log(byte: u8) -> f32 {
    LN_10 * -(f32::from(byte) / 10.0)
}

fn back_off(byte: u8) -> f32 {
    LN_10 * (f32::from(byte.cast_signed()) / 10.0)
}

impl<'a> Columns<'a> {
    /// Whether `unpacked` is such a file.
    pub(super) fn recognised(unpacked: &[u8]) -> bool {
        unpacked.starts_with(MAGIC)
    }

    /// Finds the columns; nothing is copied.
    ///
    /// # Errors
    /// [`ModelError::Format`] if the file does not hold what its head says.
    pub(super) fn read(unpacked: &'a [u8]) -> Result<Self, ModelError> {
        let mut rest = Rest(unpacked);
        if rest.take(MAGIC.len())? != MAGIC {
            return Err(bad("it does not begin with `trigram1`"));
        }
        let [words, bigrams, trigrams, letters] = [rest.number()?, rest.number()?, rest.number()?, rest.number()?];
        if words > MOST_WORDS {
            return Err(bad(format!("{words} words, more than {MOST_WORDS}")));
        }
        let spelled =
            std::str::from_utf8(rest.take(letters)?).map_err(|e| bad(format!("a spelling is no text ({e})")))?;
        if spelled.lines().count() != words {
            return Err(bad(format!("{} spellings of {words} words", spelled.lines().count())));
        }
        let columns = Self {
            spelled,
            words,
            word_log: rest.take(words)?,
            word_back_off: rest.take(words)?,
            bigrams_of: rest.wide(words)?,
            bigram_log: rest.take(bigrams)?,
            bigram_back_off: rest.take(bigrams)?,
            second: rest.wide(bigrams)?,
            trigrams_of: rest.wide(bigrams)?,
            trigram_log: rest.take(trigrams)?,
            third: rest.wide(trigrams)?,
        };
        if !rest.0.is_empty() {
            return Err(bad(format!("{} bytes follow its end", rest.0.len())));
        }
        Ok(columns)
    }

    /// The words it knows.
    pub(super) fn words(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.spelled.lines()
    }

    /// All n-grams, in the numbers of `words`, which must hold every word of [`words`](Self::words).
    ///
    /// # Errors
    /// [`ModelError::Format`] if a number points outside.
    pub(super) fn grams(&self, words: &Words) -> Result<Grams, ModelError> {
        let unlisted = |word: &str| bad(format!("`{word}` is not in the vocabulary"));
        let ids: Vec<WordId> =
            self.words().map(|w| words.find(w).ok_or_else(|| unlisted(w))).collect::<Result<_, _>>()?;
        let mut grams = Grams::new(words.count());
        grams.bigrams.reserve(self.bigram_log.len());
        grams.trigrams.reserve(self.trigram_log.len());
        let (mut bigram, mut trigram) = (0, 0);
        for first in 0..self.words {
            grams.unigrams[ids[first] as usize] = (log(self.word_log[first]), back_off(self.word_back_off[first]));
            let mut second = 0;
            for _ in 0..self.bigrams_of.get(first) {
                if bigram == self.bigram_log.len() {
                    return Err(bad("words have more bigrams than there are"));
                }
                second += self.second.get(bigram);
                let two = [ids[first], *ids.get(second).ok_or_else(|| bad("a bigram's word is none"))?];
                grams.bigrams.push((two, (log(self.bigram_log[bigram]), back_off(self.bigram_back_off[bigram]))));
                let mut third = 0;
                for _ in 0..self.trigrams_of.get(bigram) {
                    if trigram == self.trigram_log.len() {
                        return Err(bad("bigrams have more trigrams than there are"));
                    }
                    third += self.third.get(trigram);
                    let last = *ids.get(third).ok_or_else(|| bad("a trigram's word is none"))?;
                    grams.trigrams.push(([two[0], two[1], last], log(self.trigram_log[trigram])));
                    trigram += 1;
                }
                bigram += 1;
            }
        }
        if bigram != self.bigram_log.len() || trigram != self.trigram_log.len() {
            return Err(bad("some n-grams belong to nothing"));
        }
        Ok(grams)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::lm::{LanguageModel, SMALL},
        *,
    };

    /// What [`SMALL`] is as columns: words `<s>`, a, b, c; bigrams `<s> a`, `a b`; trigram `<s> a b`.
    fn small() -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        let spelled = b"<s>\na\nb\nc\n";
        for number in [4, 2, 1, spelled.len() as u32] {
            out.extend(number.to_le_bytes());
        }
        out.extend(spelled);
        let columns: [&[i8]; 13] = [
            &[-1, 10, 15, 20], // 255, the least there is
            &[-5, -3, -1, 0],
            &[1, 1, 0, 0],
            &[0; 4],
            &[5, 3],
            &[-8, 0],
            &[1, 2],
            &[0; 2],
            &[1, 0],
            &[0; 2],
            &[1],
            &[2],
            &[0],
        ];
        out.extend(columns.iter().flat_map(|c| c.iter()).map(|b| b.cast_unsigned()));
        out
    }

    fn loaded(bytes: &[u8]) -> Result<(Words, LanguageModel), ModelError> {
        let columns = Columns::read(bytes)?;
        let words = Words::new(FILE, columns.words().chain(["aa"]).collect())?;
        let lm = LanguageModel::new(FILE, &words, columns.grams(&words)?)?;
        Ok((words, lm))
    }

    #[test]
    fn says_what_the_same_n_grams_as_text_say() {
        // To the tenth, as columns have it, and with a word between that only the vocabulary has.
        let text = SMALL.replace("-0.25", "-0.3").replace("-0.125", "-0.1").replace("-0.75", "-0.8");
        let (words, lm) = loaded(&small()).unwrap();
        let same = LanguageModel::parse(&text, &words, |_| {}).unwrap();
        for u in 0..words.count() as WordId {
            for v in 0..words.count() as WordId {
                for w in (0..words.count() as WordId).filter(|w| words.get(*w) != "<s>") {
                    let (a, b) = (lm.score(u, v, w), same.score(u, v, w));
                    assert!((a - b).abs() < 1e-5, "{} {} {}: {a}, {b}", words.get(u), words.get(v), words.get(w));
                }
            }
        }
    }

    #[test]
    fn damaged_files_are_refused() {
        let good = small();
        assert!(loaded(&good).is_ok());
        for end in 0..good.len() {
            assert!(loaded(&good[..end]).is_err(), "cut at {end}");
        }
        let mut long = good.clone();
        long.push(0);
        assert!(loaded(&long).is_err());
        // Wherever a byte is another: an error or a model, never a panic.
        let mut refused = 0;
        for at in 0..good.len() {
            for value in [0, 1, 2, 7, 255] {
                let mut changed = good.clone();
                changed[at] = value;
                refused += u32::from(loaded(&changed).is_err());
            }
        }
        assert!(refused > 100, "{refused}");
    }
}
