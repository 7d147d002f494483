//! Playbook phrases in what was said and in what was heard.

use std::collections::{BTreeMap, BTreeSet};

use reframe_call::{
    audio::Party,
    detect::{
        lexicon::{Lexicon, PatternKind},
        normalize::tokens_of_text,
    },
    playbook::Playbook,
};
use serde_json::{Value, json};

use crate::detect::stats::{Share, poisson_upper};

/// The phrases a buyer's words can trigger.
pub struct Phrases {
    lexicon: Lexicon,
    names: Vec<String>,
}

/// Phrases said and heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Heard of those said.
    pub recall: Share,
    /// Heard though not said, or more often than said.
    pub invented: u64,
}

impl Phrases {
    /// Those of `book`.
    pub fn new(book: &Playbook) -> Self {
        let plays = book.plays.iter().filter(|p| p.speaker.admits(Party::Buyer));
        let names: BTreeSet<&str> = plays.flat_map(|p| p.phrases.iter().map(String::as_str)).collect();
        let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
        let lexicon = Lexicon::of(names.iter().enumerate().map(|(n, text)| (n, PatternKind::Trigger, text.as_str())));
        Self { lexicon, names }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// How often each stands in `text`.
    fn counts(&self, text: &str) -> BTreeMap<String, u64> {
        let mut out = BTreeMap::new();
        for hit in self.lexicon.find(&tokens_of_text(text)) {
            *out.entry(self.names[hit.play].clone()).or_default() += 1;
        }
        out
    }

    /// Counts those of `said` in `heard`.
    pub fn compare(&self, said: &str, heard: &str, into: &mut Count) {
        into.add(&self.counts(said), &self.counts(heard));
    }

    /// Counts those of `said` among phrases heard in the sounds.
    pub fn compare_sounds<'a>(&self, said: &str, heard: impl Iterator<Item = &'a str>, into: &mut Count) {
        let mut counts = BTreeMap::new();
        for phrase in heard.filter(|p| self.names.iter().any(|n| n == p)) {
            *counts.entry(phrase.to_owned()).or_default() += 1;
        }
        into.add(&self.counts(said), &counts);
    }
}

impl Count {
    fn add(&mut self, said: &BTreeMap<String, u64>, heard: &BTreeMap<String, u64>) {
        let of = |counts: &BTreeMap<String, u64>, phrase: &str| counts.get(phrase).copied().unwrap_or(0);
        for (phrase, n) in said {
            self.recall.n += n;
            self.recall.k += of(heard, phrase).min(*n);
        }
        self.invented += heard.iter().map(|(phrase, n)| n.saturating_sub(of(said, phrase))).sum::<u64>();
    }

    /// For the record, in so many hours of speech.
    pub fn json(&self, hours: f64) -> Value {
        let hours = hours.max(1e-9);
        json!({ "recall": self.recall.json(), "invented": self.invented, "invented_per_hour": self.invented as f64 / hours,
                "invented_per_hour_upper_95": poisson_upper(self.invented) / hours })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::detect::playbooks;

    #[test]
    fn what_was_said_is_found_once_and_what_was_not_is_invented() {
        let phrases = Phrases::new(&playbooks::built_in().unwrap());
        assert!(phrases.len() > 50);
        let mut count = Count::default();
        let said = "honestly it's too expensive for us";
        phrases.compare(said, "honestly it is too expensive for us", &mut count);
        let one = count.recall.n;
        assert!(one > 0 && count.recall.k == one && count.invented == 0, "{count:?}");
        phrases.compare(said, "honestly it is two extensive for us", &mut count);
        assert_eq!((count.recall.n, count.recall.k, count.invented), (2 * one, one, 0));
        phrases.compare("good morning", "good morning, too expensive for us", &mut count);
        assert!(count.recall.n == 2 * one && count.invented >= 1, "{count:?}");
    }
}
