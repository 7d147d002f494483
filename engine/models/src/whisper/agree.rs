//! Local agreement: what two successive hypotheses of a growing window have in common stays (Liu, Spanakis, Niehues,
//! "Low-Latency Sequence-to-Sequence Speech Recognition and Translation", Interspeech 2020, with n = 2).

/// Remembers the last hypothesis of a window and what of it has been committed.
#[derive(Clone, Debug, Default)]
pub struct Agreement {
    /// Committed words whose sound still lies in the window.
    committed: Vec<String>,
    /// What followed them in the last hypothesis.
    open: Vec<String>,
}

/// What a new hypothesis comes to: words `..known` were committed before (in this or a similar spelling), `known..agreed`
/// are committed by it, the rest is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    /// Words the window had committed before.
    pub known: usize,
    /// Words committed now, counted from the start.
    pub agreed: usize,
}

impl Agreement {
    /// Takes the next hypothesis of the window.
    pub fn take(&mut self, words: &[&str]) -> Split {
        let known = closest_prefix(&self.committed, words);
        let rest = &words[known..];
        let same = rest.iter().zip(&self.open).take_while(|(a, b)| **a == b.as_str()).count();
        self.committed.extend(rest[..same].iter().map(|w| (*w).to_owned()));
        self.open = rest[same..].iter().map(|w| (*w).to_owned()).collect();
        Split { known, agreed: known + same }
    }

    /// The first `count` words after the agreed ones count as committed without having been heard twice.
    pub fn commit_open(&mut self, count: usize) {
        let count = count.min(self.open.len());
        self.committed.extend(self.open.drain(..count));
    }

    /// The window's start moved: the words `gone`, the first of the last hypothesis, no longer lie in it.
    pub fn cut(&mut self, gone: &[&str]) {
        let gone: Vec<String> = gone.iter().map(|w| (*w).to_owned()).collect();
        let committed: Vec<&str> = self.committed.iter().map(String::as_str).collect();
        let count = closest_prefix(&gone, &committed);
        self.committed.drain(..count);
    }

    /// The next window has nothing to do with this one.
    pub fn clear(&mut self) {
        self.committed.clear();
        self.open.clear();
    }
}

/// The length of the prefix of `words` that is closest to `said` by edit distance; the one nearest in length to `said`
/// where several are. So a committed word that is now heard differently is still recognised as said, not said twice.
fn closest_prefix(said: &[String], words: &[&str]) -> usize {
    if said.is_empty() {
        return 0;
    }
    // One row of the edit-distance table: from the first `i` of `said` to each prefix of `words`.
    let mut row: Vec<usize> = (0..=words.len()).collect();
    for (i, a) in said.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in words.iter().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    (0..=words.len()).min_by_key(|&j| (row[j], j.abs_diff(said.len()))).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(hypotheses: &[&str]) -> Vec<String> {
        let mut agreement = Agreement::default();
        let mut committed = Vec::new();
        for hypothesis in hypotheses {
            let words: Vec<&str> = hypothesis.split(' ').filter(|w| !w.is_empty()).collect();
            let split = agreement.take(&words);
            assert!(split.known <= split.agreed && split.agreed <= words.len());
            committed.extend(words[split.known..split.agreed].iter().map(|w| (*w).to_owned()));
        }
        committed
    }

    #[test]
    fn two_that_agree_commit() {
        assert_eq!(run(&["it is"]), [""; 0]);
        assert_eq!(run(&["it is", "it is too"]), ["it", "is"]);
        assert_eq!(
            run(&["it is", "it is too", "it is too expensive", "it is too expensive for"]).join(" "),
            "it is too expensive"
        );
    }

    #[test]
    fn what_changes_waits() {
        assert_eq!(run(&["it was", "it is too", "it is two", "it is too"]).join(" "), "it is");
    }

    #[test]
    fn a_committed_word_heard_differently_is_not_said_twice() {
        assert_eq!(
            run(&["the prize", "the prize is", "the price is high", "the price is high"]).join(" "),
            "the prize is high"
        );
        assert_eq!(run(&["a b c", "a b c", "x a b c d", "x a b c d"]).join(" "), "a b c d");
        assert_eq!(run(&["a b c", "a b c", "b c d", "b c d"]).join(" "), "a b c d");
    }

    #[test]
    fn a_shorter_hypothesis_takes_nothing_back() {
        assert_eq!(run(&["a b", "a b", "a", "", "a b c", "a b c"]).join(" "), "a b c");
    }

    #[test]
    fn a_cut_forgets_what_lies_before_it() {
        let mut agreement = Agreement::default();
        agreement.take(&["a", "b", "c", "d"]);
        agreement.take(&["a", "b", "c", "e"]);
        agreement.cut(&["a", "x"]);
        assert_eq!(agreement.committed, ["c"]);
        assert_eq!(agreement.take(&["c", "e", "f"]), Split { known: 1, agreed: 2 });
        agreement.commit_open(5);
        assert_eq!(agreement.committed, ["c", "e", "f"]);
    }

    #[test]
    fn words_repeated_on_purpose_count() {
        assert_eq!(run(&["no no no", "no no no", "no no no no", "no no no no"]).join(" "), "no no no no");
    }
}
