//! Word errors: the fewest words to put in, take out or change.

/// Words said and errors made in hearing them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wer {
    /// Words said.
    pub words: u64,
    /// Words too many, missing or wrong.
    pub errors: u64,
}

impl Wer {
    /// Of what was said and what was heard. Case, punctuation and hyphens do not count.
    pub fn of(said: &str, heard: &str) -> Self {
        Self::of_words(&normal(said), &normal(heard))
    }

    /// Of words as they are to be compared.
    pub fn of_words(said: &[String], heard: &[String]) -> Self {
        let mut row: Vec<u64> = (0..=heard.len() as u64).collect();
        for (i, word) in said.iter().enumerate() {
            let mut diagonal = row[0];
            row[0] = i as u64 + 1;
            for (j, other) in heard.iter().enumerate() {
                let change = diagonal + u64::from(word != other);
                diagonal = row[j + 1];
                row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
            }
        }
        Self { words: said.len() as u64, errors: row.last().copied().unwrap_or(0) }
    }

    /// Adds those of another text.
    pub const fn add(&mut self, other: &Self) {
        self.words += other.words;
        self.errors += other.errors;
    }

    /// Errors in percent of the words said.
    pub fn percent(&self) -> f64 {
        100.0 * self.errors as f64 / self.words.max(1) as f64
    }
}

fn normal(text: &str) -> Vec<String> {
    let plain = text.to_lowercase().replace('’', "'").replace(|c: char| !c.is_alphanumeric() && c != '\'', " ");
    plain.split_whitespace().map(|w| w.trim_matches('\'').to_owned()).filter(|w| !w.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_counted() {
        for (said, heard, words, errors) in [
            ("It's too expensive.", "it's too expensive", 3, 0),
            ("a b c", "a x c", 3, 1),
            ("a b c", "a c", 3, 1),
            ("a b", "a q b r", 2, 2),
            ("a b", "", 2, 2),
            ("", "a", 0, 1),
            ("one two three four", "two three four one", 4, 2),
        ] {
            assert_eq!(Wer::of(said, heard), Wer { words, errors }, "{said:?} {heard:?}");
        }
    }
}
