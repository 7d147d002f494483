//! What is measured and what it is measured against, behind one question: what is this line?

use std::sync::Arc;

use reframe_call::{
    audio::Party,
    detect::{
        fusion,
        line::LineDetector,
        meaning::Meaning,
        normalize::{join, tokens_of_text},
        semantic::SentenceEncoder,
    },
    playbook::Playbook,
};

use super::{data::is_objection, patterns::RegexList};

/// A class and how sure it is, 0..=1.
#[derive(Clone, Debug, PartialEq)]
pub struct Sure {
    /// The class.
    pub label: String,
    /// How sure.
    pub score: f64,
}

/// A score of three decimals, as they are written: 0.9 and not what is next to it in single precision.
fn decimal(score: f32) -> f64 {
    (f64::from(score) * 1_000.0).round() / 1_000.0
}

/// What a system makes of a line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// Class of the card that came, if one came.
    pub label: Option<String>,
    /// Id of its play, where there are plays.
    pub play: Option<String>,
    /// The likeliest class, also where it was not likely enough for a card. None where nothing is likely at all or what
    /// was likely was held back.
    pub likeliest: Option<Sure>,
}

impl Answer {
    fn card(label: &str, play: Option<String>, score: f64) -> Self {
        let likeliest = Some(Sure { label: label.to_owned(), score });
        Self { label: Some(label.to_owned()), play, likeliest }
    }

    /// How sure it is of an objection; 0 of none.
    pub fn objection_score(&self) -> f64 {
        self.likeliest.as_ref().filter(|s| is_objection(&s.label)).map_or(0.0, |s| s.score)
    }

    /// Whether the card that came, if any, answers an objection.
    pub fn objects(&self) -> bool {
        self.label.as_deref().is_some_and(is_objection)
    }
}

/// Something that hears objections in lines.
pub trait System {
    /// For tables.
    fn name(&self) -> &str;

    /// What a line of the buyer's is.
    fn answer(&mut self, text: &str) -> Answer;
}

/// The detector as it ships.
pub struct Ours {
    name: &'static str,
    playbook: Arc<Playbook>,
    line: LineDetector,
    meaning: Option<Arc<Meaning>>,
}

impl Ours {
    /// With `playbook`, and by meaning too if there is an encoder.
    pub fn new(name: &'static str, playbook: Arc<Playbook>, encoder: Option<&Arc<dyn SentenceEncoder>>) -> Self {
        let meaning = encoder.map(|e| Arc::new(Meaning::new(Arc::clone(e), &playbook)));
        Self { name, line: LineDetector::new(Arc::clone(&playbook), meaning.clone()), playbook, meaning }
    }

    /// What it means, if that alone decided; plays in `held` may not come.
    fn meant(&self, text: &str, held: &[String]) -> Option<Sure> {
        let meaning = self.meaning.as_ref()?;
        let judged = meaning.judge(&join(&tokens_of_text(text)));
        let plays = &self.playbook.plays;
        let admits = |p: usize| {
            let listens = !plays[p].like.is_empty() || !plays[p].phrases.is_empty();
            listens && plays[p].speaker.admits(Party::Buyer) && !held.contains(&plays[p].id)
        };
        let (play, p) = meaning.best(&judged, fusion::MEANING_AT, admits)?;
        Some(Sure { label: plays[play].label.clone(), score: decimal(fusion::meaning(p)) })
    }
}

impl System for Ours {
    fn name(&self) -> &str {
        self.name
    }

    fn answer(&mut self, text: &str) -> Answer {
        let result = self.line.detect(Party::Buyer, text);
        match result.detection {
            Some(d) => Answer::card(&d.label, Some(d.play), decimal(d.score)),
            None => {
                let held: Vec<String> = result.suppressed.into_iter().map(|(d, _)| d.play).collect();
                Answer { likeliest: self.meant(text, &held), ..Answer::default() }
            }
        }
    }
}

impl System for RegexList {
    fn name(&self) -> &'static str {
        "regular expressions"
    }

    fn answer(&mut self, text: &str) -> Answer {
        self.first(text).map_or_else(Answer::default, |label| Answer::card(label, None, 1.0))
    }
}

/// The nearest example of a playbook by the similarity of a general encoder, as one would build it from parts.
pub struct NearestExample {
    encoder: Arc<dyn SentenceEncoder>,
    examples: Vec<(String, Vec<f32>)>,
    /// Similarity from which on a line counts.
    pub threshold: f64,
}

impl NearestExample {
    /// Encodes every example of `playbook`, or the phrases of plays that have none.
    pub fn new(encoder: Arc<dyn SentenceEncoder>, playbook: &Playbook) -> Self {
        let of = |play: &reframe_call::playbook::Play| {
            let lines = if play.like.is_empty() { play.phrases.clone() } else { play.like.clone() };
            lines.into_iter().map(|line| (play.label.clone(), line)).collect::<Vec<_>>()
        };
        let lines = playbook.plays.iter().filter(|p| p.speaker.admits(Party::Buyer)).flat_map(of);
        let examples = lines.map(|(label, line)| (label, encoder.encode(&line.to_lowercase()).embedding)).collect();
        Self { encoder, examples, threshold: 0.6 }
    }

    /// The nearest example's label and similarity, -1..=1.
    pub fn nearest(&self, text: &str) -> Option<(&str, f64)> {
        let at = self.encoder.encode(text).embedding;
        let dot = |e: &[f32]| f64::from(e.iter().zip(&at).map(|(a, b)| a * b).sum::<f32>());
        let all = self.examples.iter().map(|(label, e)| (label.as_str(), dot(e)));
        all.max_by(|a, b| a.1.total_cmp(&b.1))
    }
}

impl System for NearestExample {
    fn name(&self) -> &'static str {
        "nearest example"
    }

    fn answer(&mut self, text: &str) -> Answer {
        let Some((label, score)) = self.nearest(text).map(|(l, s)| (l.to_owned(), s.clamp(0.0, 1.0))) else {
            return Answer::default();
        };
        let fired = (score >= self.threshold).then(|| label.clone());
        Answer { label: fired, play: None, likeliest: Some(Sure { label, score }) }
    }
}

/// The threshold at which objections are told best from the rest: highest F1 over `lines`.
pub fn best_threshold(answers: &[Answer], there: &[bool]) -> f64 {
    let all = there.iter().filter(|t| **t).count() as u64;
    let f1_at = |threshold: f64| {
        let fired = answers.iter().zip(there).filter(|(a, _)| a.objection_score() >= threshold);
        let (n, found) = fired.fold((0, 0), |(n, found), (_, there)| (n + 1, found + u64::from(*there)));
        super::stats::f1(found, n, all)
    };
    let steps = (1..100).map(|i| f64::from(i) / 100.0);
    steps.max_by(|a, b| f1_at(*a).total_cmp(&f1_at(*b))).unwrap_or(0.5)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use reframe_call::detect::semantic::Sentence;

    use super::*;
    use crate::detect::playbooks;

    /// Tells sentences by their first letters.
    pub struct Letters(Vec<String>);

    impl SentenceEncoder for Letters {
        fn id(&self) -> String {
            "letters".into()
        }
        fn labels(&self) -> &[String] {
            &self.0
        }
        fn encode(&self, text: &str) -> Sentence {
            let mut embedding = vec![0.0; 26];
            let first = text.bytes().next().unwrap_or(b'a').to_ascii_lowercase();
            embedding[usize::from(first.saturating_sub(b'a')).min(25)] = 1.0;
            Sentence { embedding, classes: vec![0.0; self.0.len()], ..Sentence::default() }
        }
    }

    #[test]
    fn phrases_alone_find_what_the_playbook_says() {
        let mut ours = Ours::new("phrases", playbooks::built_in().unwrap(), None);
        let answer = ours.answer("honestly it's too expensive for us");
        assert_eq!(answer.label.as_deref(), Some("price"));
        assert!(answer.objects() && answer.objection_score() > 0.6);
        assert_eq!(ours.answer("good morning"), Answer::default());
    }

    #[test]
    fn the_nearest_example_counts_from_its_threshold_on() {
        let book = playbooks::built_in().unwrap();
        let mut near = NearestExample::new(Arc::new(Letters(vec![])), &book);
        let first = book.plays[0].like[0].to_lowercase();
        let answer = near.answer(&first);
        assert!(answer.label.is_some(), "{first}: {answer:?}");
        near.threshold = 1.5;
        let answer = near.answer(&first);
        assert_eq!((answer.label.is_some(), answer.likeliest.unwrap().score), (false, 1.0));
    }

    #[test]
    fn the_threshold_parts_what_can_be_parted() {
        let answer = |score| Answer { likeliest: Some(Sure { label: "price".into(), score }), ..Answer::default() };
        let answers = [0.2, 0.3, 0.55, 0.7, 0.8].map(answer);
        let threshold = best_threshold(&answers, &[false, false, false, true, true]);
        assert!(threshold > 0.55 && threshold <= 0.7, "{threshold}");
    }
}
