//! A deal's turns as the pair model reads them: words, phrases of the lexicon, numbers, months, and what stands around them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use reframe_call::date::MONTHS;

use super::{
    Slot, SpokenCall,
    lexicon::{CLASSES, Class, Hit, class_of, hits},
    line::{Sentence, Token, sentences, stem},
    number::numbers,
};

/// A number and what it is of: a word in the singular, `money`, `percent`, or nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Amount {
    /// The middle of what it can mean.
    pub value: f64,
    /// What it is of.
    pub unit: String,
}

/// A turn.
#[derive(Clone, Debug)]
pub struct Reading {
    /// Number of the call.
    pub call: usize,
    /// Number of the turn in it.
    pub turn: usize,
    /// Whether the buyer's side speaks.
    pub buyer: bool,
    /// Its words, without punctuation and contractions.
    pub words: Sentence,
    /// Phrases of the lexicon in it.
    pub hits: Vec<Hit>,
    /// How many phrases of each class it has.
    pub counts: [u8; CLASSES],
    /// Its numbers but a bare "one".
    pub amounts: Vec<Amount>,
    /// Months it names or that a season or quarter in it covers, a bit each.
    pub months: u16,
    /// Words that carry a subject, as numbers, in order.
    pub stems: Vec<u32>,
    /// Those and the ones of the turn it answers.
    pub context: Vec<u32>,
    /// Words of denial.
    pub denials: usize,
    /// Whether it asks at its end.
    pub asks: bool,
    /// The turn of the other side just before.
    pub before: Option<usize>,
    /// The turn of the other side just after.
    pub after: Option<usize>,
    /// The other side's next turn after that one.
    pub later: Option<usize>,
    /// How much it is about each slot, what it answers counted with it.
    pub topics: [f32; Slot::ALL.len()],
}

/// A deal's turns.
#[derive(Clone, Debug)]
pub struct Deal {
    /// Every turn, in order of time.
    pub turns: Vec<Reading>,
    /// How telling each subject word is within the deal: 0 for one that is in every turn.
    pub telling: Vec<f32>,
    /// The day of each call.
    pub days: Vec<Date>,
}

const DENIALS: [&str; 9] = ["not", "no", "never", "nobody", "nothing", "none", "without", "nor", "nowhere"];
/// What a question counts beside its answer, when it is told what the answer is about. By judgement.
const QUESTION: f32 = 0.6;
/// The logarithm of the number of turns that development deals have: subject words of longer deals are put on their scale.
const USUAL: f32 = 3.2;

/// Words without punctuation, and contractions as the words they stand for.
pub fn flat(heard: &[&str]) -> Sentence {
    let mut words = Vec::new();
    for token in sentences(heard.iter().copied()).into_iter().flat_map(|s| s.words) {
        for text in expanded(&token.text) {
            words.push(Token { text, at: token.at, name: token.name });
        }
    }
    Sentence::of(words)
}

/// The words a contraction stands for.
fn expanded(word: &str) -> Vec<String> {
    const IS: [&str; 13] = [
        "it",
        "that",
        "there",
        "he",
        "she",
        "who",
        "what",
        "where",
        "here",
        "everything",
        "nobody",
        "nothing",
        "everyone",
    ];
    let two = |a: &str, b: &str| vec![a.to_owned(), b.to_owned()];
    match word {
        "can't" | "cannot" => return two("can", "not"),
        "won't" => return two("will", "not"),
        "ain't" => return two("is", "not"),
        "let's" => return two("let", "us"),
        "gonna" => return two("going", "to"),
        _ => {}
    }
    for (end, full) in [("n't", "not"), ("'re", "are"), ("'ve", "have"), ("'ll", "will"), ("'m", "am"), ("'d", "would")]
    {
        if let Some(first) = word.strip_suffix(end).filter(|f| !f.is_empty()) {
            return two(first, full);
        }
    }
    match word.strip_suffix("'s") {
        Some(first) if IS.contains(&first) => two(first, "is"),
        Some(first) => vec![first.to_owned()],
        None => vec![word.to_owned()],
    }
}

impl Reading {
    fn new(call: usize, turn: usize, buyer: bool, heard: &[&str]) -> Self {
        let words = flat(heard);
        let last = sentences(heard.iter().copied()).pop();
        Self {
            call,
            turn,
            buyer,
            hits: hits(&words),
            counts: [0; CLASSES],
            amounts: amounts(&words),
            months: months(&words),
            stems: Vec::new(),
            context: Vec::new(),
            denials: words.words.iter().filter(|w| DENIALS.contains(&w.text.as_str())).count(),
            asks: last.is_some_and(|s| s.asks),
            before: None,
            after: None,
            later: None,
            topics: [0.0; Slot::ALL.len()],
            words,
        }
    }

    /// How many phrases of a class it has.
    pub fn count(&self, class: Class) -> u8 {
        self.counts[class.index()]
    }

    /// Word `i`; empty past the end.
    pub fn word(&self, i: usize) -> &str {
        self.words.words.get(i).map_or("", |w| w.text.as_str())
    }

    /// How many words it has.
    pub fn len(&self) -> usize {
        self.words.words.len()
    }
}

fn amounts(words: &Sentence) -> Vec<Amount> {
    let word = |i: usize| words.words.get(i).map_or("", |w| w.text.as_str());
    let told = numbers(words).into_iter().filter(|n| n.to > n.from + 1 || !["one", "zero"].contains(&word(n.from)));
    told.map(|n| {
        let next = word(n.to);
        let single = next.strip_suffix('s').filter(|w| w.len() > 2).unwrap_or(next);
        let unit = if n.percent {
            "percent"
        } else if n.money {
            "money"
        } else {
            match single {
                "head" | "seat" | "user" | "person" => "person",
                other => other,
            }
        };
        Amount { value: f64::midpoint(n.low, n.high), unit: unit.to_owned() }
    })
    .collect()
}

/// Months that are named, and those of a season or quarter: January is the lowest bit.
fn months(words: &Sentence) -> u16 {
    const MAY_AFTER: [&str; 19] = [
        "not", "i", "we", "be", "have", "go", "write", "tell", "run", "stop", "take", "see", "come", "you", "only",
        "as", "even", "well", "want",
    ];
    const MAY_BEFORE: [&str; 8] = ["we", "i", "you", "they", "it", "he", "she", "who"];
    const QUARTERS: [&str; 4] = ["first", "second", "third", "fourth"];
    let word = |i: usize| words.words.get(i).map_or("", |w| w.text.as_str());
    let mut out = 0;
    for i in 0..words.words.len() {
        let before = if i == 0 { "" } else { word(i - 1) };
        let quarter = |n: usize| 0b111 << (3 * n);
        out |= match word(i) {
            "may" if MAY_AFTER.contains(&word(i + 1)) || MAY_BEFORE.contains(&before) => 0,
            "christmas" | "xmas" => 1 << 11,
            "easter" => 0b1100,
            "spring" => 0b1_1100,
            "summer" => 0b1110_0000,
            "autumn" | "fall" => 0b111_0000_0000,
            "winter" => 0b1000_0000_0011,
            "q1" => quarter(0),
            "q2" => quarter(1),
            "q3" => quarter(2),
            "q4" => quarter(3),
            "quarter" => QUARTERS.iter().position(|q| *q == before).map_or(0, quarter),
            "year" if before == "new" => 1,
            named => MONTHS.iter().position(|m| *m == named).map_or(0, |n| 1 << n),
        };
    }
    out
}

fn log(count: u8) -> f32 {
    f32::from(count).ln_1p()
}

impl Deal {
    /// Reads the calls of a deal, in order of time. `phrases`: those of the lexicon that count; none: all.
    pub fn read(calls: &[SpokenCall<'_>], phrases: Option<&BTreeSet<u16>>) -> Self {
        let mut turns: Vec<Reading> = Vec::new();
        for (call, spoken) in calls.iter().enumerate() {
            let first = turns.len();
            for (turn, said) in spoken.turns.iter().enumerate() {
                turns.push(Reading::new(call, turn, said.buyer, &said.words));
            }
            for i in first..turns.len() {
                let other = |at: Option<usize>| {
                    at.filter(|at| (first..turns.len()).contains(at) && turns[*at].buyer != turns[i].buyer)
                };
                let (before, after, later) = (other(i.checked_sub(1)), other(Some(i + 1)), other(Some(i + 3)));
                (turns[i].before, turns[i].after, turns[i].later) = (before, after, later);
            }
        }
        let mut out = Self { turns, telling: Vec::new(), days: calls.iter().map(|c| c.now.date()).collect() };
        out.count(phrases);
        out.name_subjects();
        out
    }

    fn count(&mut self, phrases: Option<&BTreeSet<u16>>) {
        for turn in &mut self.turns {
            for hit in turn.hits.iter().filter(|h| phrases.is_none_or(|p| p.contains(&h.phrase))) {
                let count = &mut turn.counts[class_of(hit.phrase)];
                *count = count.saturating_add(1);
            }
        }
        for i in 0..self.turns.len() {
            let asked = self.turns[i].before;
            for (n, slot) in Slot::ALL.into_iter().enumerate() {
                let question = asked.map_or(0, |q| self.turns[q].count(Class::Topic(slot)));
                self.turns[i].topics[n] = log(self.turns[i].count(Class::Topic(slot))) + QUESTION * log(question);
            }
        }
    }

    fn name_subjects(&mut self) {
        let mut names: BTreeMap<String, u32> = BTreeMap::new();
        let mut turns_with: Vec<u32> = Vec::new();
        for turn in &mut self.turns {
            let subjects: BTreeSet<String> = turn.words.words.iter().filter_map(|w| stem(&w.text)).collect();
            for subject in subjects {
                let next = u32::try_from(names.len()).unwrap_or(u32::MAX);
                let number = *names.entry(subject).or_insert(next);
                if number == next {
                    turns_with.push(0);
                }
                turns_with[number as usize] += 1;
                turn.stems.push(number);
            }
            turn.stems.sort_unstable();
        }
        for i in 0..self.turns.len() {
            let mut context = self.turns[i].stems.clone();
            if let Some(q) = self.turns[i].before {
                context.extend_from_slice(&self.turns[q].stems);
                context.sort_unstable();
                context.dedup();
            }
            self.turns[i].context = context;
        }
        #[allow(clippy::cast_precision_loss, reason = "counts of turns are far below 2^24")]
        let all = (self.turns.len() as f32 + 1.0).ln();
        #[allow(clippy::cast_precision_loss, reason = "counts of turns are far below 2^24")]
        let telling = |with: &u32| USUAL * (1.0 - (*with as f32).ln() / all);
        self.telling = turns_with.iter().map(telling).collect();
    }
}
