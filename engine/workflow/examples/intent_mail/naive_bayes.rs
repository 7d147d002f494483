//! The floor: multinomial naive Bayes over pairs of words, with or without single words.

use std::collections::BTreeMap;

use super::data::Labelled;

/// Counts of the terms of each class.
pub struct NaiveBayes {
    singles: bool,
    counts: BTreeMap<String, [f64; 2]>,
    totals: [f64; 2],
    sentences: [f64; 2],
}

impl NaiveBayes {
    /// Counts, one added to each. With `singles`, words count beside pairs.
    pub fn train(sentences: &[Labelled], singles: bool) -> Self {
        let mut it = Self { singles, counts: BTreeMap::new(), totals: [0.0; 2], sentences: [0.0; 2] };
        for s in sentences {
            let class = usize::from(s.asks);
            it.sentences[class] += 1.0;
            for term in terms(&s.sentence, singles) {
                it.counts.entry(term).or_default()[class] += 1.0;
                it.totals[class] += 1.0;
            }
        }
        it
    }

    /// Logarithm of the odds that a sentence asks.
    pub fn margin(&self, sentence: &str) -> f32 {
        let terms_known = self.counts.len() as f64;
        let mut odds = (self.sentences[1] / self.sentences[0]).ln();
        for n in terms(sentence, self.singles).iter().filter_map(|t| self.counts.get(t)) {
            let share = |class: usize| (n[class] + 1.0) / (self.totals[class] + terms_known);
            odds += (share(1) / share(0)).ln();
        }
        odds as f32
    }
}

fn terms(sentence: &str, singles: bool) -> Vec<String> {
    let low = sentence.to_lowercase();
    let mut words = vec!["<s>"];
    words.extend(low.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|w| !w.is_empty()));
    words.push("</s>");
    let mut terms: Vec<String> = words.windows(2).map(|w| w.join(" ")).collect();
    if singles {
        terms.extend(words[1..words.len() - 1].iter().map(|w| (*w).to_owned()));
    }
    terms
}
