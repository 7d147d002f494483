//! What a call was about: the terms that stand out against everyday sales talk.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::OnceLock,
};

use rust_stemmers::{Algorithm, Stemmer};

use super::{
    people::{People, bare},
    talk::{Span, Talk},
};

/// In how many of so many lines of our own labelled speech a word stands; the first line has their number. Made by
/// `examples/background_words.rs`.
const BACKGROUND: &str = include_str!("background.tsv");

/// Topics that are listed.
const MOST: usize = 6;
/// Times a term must be said to be a topic.
const LEAST_SAID: u32 = 2;

struct Background {
    lines: f64,
    words: BTreeMap<&'static str, u32>,
    stems: BTreeMap<String, u32>,
}

fn background() -> &'static Background {
    static TABLE: OnceLock<Background> = OnceLock::new();
    TABLE.get_or_init(|| {
        let stemmer = Stemmer::create(Algorithm::English);
        let rows =
            || BACKGROUND.lines().filter_map(|l| l.split_once('\t')?.1.parse::<u32>().ok().zip(l.split('\t').next()));
        let mut table = Background { lines: 1.0, words: BTreeMap::new(), stems: BTreeMap::new() };
        for (n, word) in rows() {
            if word.is_empty() {
                table.lines = f64::from(n);
                continue;
            }
            table.words.insert(word, n);
            *table.stems.entry(stemmer.stem(word).into_owned()).or_default() += n;
        }
        table
    })
}

/// Whether a word is plain English as far as the background knows.
pub fn is_common(word: &str) -> bool {
    background().words.contains_key(word)
}

/// Words that never make a topic, however rare.
const NEVER: &[&str] = &[
    "yeah",
    "okay",
    "gonna",
    "mm",
    "hm",
    "ha",
    "haha",
    "oh",
    "um",
    "uh",
    "alright",
    "lot",
    "thing",
    "things",
    "stuff",
    "bit",
    "kind",
    "sort",
    "guys",
    "people",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "twenty",
    "thirty",
    "forty",
    "fifty",
    "sixty",
    "seventy",
    "eighty",
    "ninety",
    "hundred",
    "thousand",
    "million",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "today",
    "tomorrow",
    "morning",
    "afternoon",
    "week",
    "weeks",
    "month",
    "months",
    "year",
    "years",
    "day",
    "days",
    "minute",
    "minutes",
    "hour",
    "hours",
    "time",
    "thanks",
    "thank",
    "bye",
    "cheers",
    "hello",
    "hey",
    "hi",
    "sorry",
    "eleven",
    "twelve",
    "fifteen",
    "eighteen",
    "first",
    "second",
    "third",
    "mate",
    "somebody",
    "someone",
    "everybody",
    "everyone",
    "anybody",
    "y'all",
    "ain't",
    "aye",
    "nah",
    "lovely",
    "love",
    "brilliant",
    "fantastic",
    "perfect",
    "awesome",
    "mhm",
    "yep",
    "yup",
    "thirteen",
    "fourteen",
    "sixteen",
    "seventeen",
    "nineteen",
    "quid",
    "bloody",
    "reckon",
    "folks",
    "ma'am",
    "sir",
    "hon",
    "gosh",
    "god",
    "jesus",
    "christ",
    "christmas",
    "half",
    "dollars",
    "grand",
    "pounds",
    "euros",
    "percent",
    "cent",
    "him",
    "her",
    "his",
    "hers",
    "she",
    "them",
    "their",
    "himself",
    "herself",
    "enough",
    "fair",
    "fella",
    "bloke",
    "lad",
    "fourth",
    "fifth",
    "eighth",
    "ninth",
    "tenth",
    "twelfth",
    "nowt",
    "owt",
];

/// Whether a word can be part of what a call is about.
pub fn content(word: &str, people: &People) -> bool {
    word.len() > 2 && word.chars().all(char::is_alphabetic) && !NEVER.contains(&word) && !people.is_name(word)
}

/// How surprising a line with a word of this stem is, in nats.
pub fn rarity(stem: &str) -> f64 {
    let table = background();
    (table.lines / (1.0 + f64::from(table.stems.get(stem).copied().unwrap_or(0)))).ln()
}

/// A topic: its words, and where it was first said.
#[derive(Clone, Debug, PartialEq)]
pub struct Topic {
    /// "open chair report".
    pub text: String,
    /// The first two places it was said at.
    pub said: Vec<Span>,
    /// How much it stands out.
    pub weight: f64,
}

/// The topics, the weightiest first.
pub fn of(talk: &Talk<'_>, people: &People) -> Vec<Topic> {
    let stemmer = Stemmer::create(Algorithm::English);
    let mut terms: BTreeMap<String, (u32, Vec<Span>, f64)> = BTreeMap::new();
    let mut pairs: BTreeMap<(String, String), (u32, Vec<Span>)> = BTreeMap::new();
    for (n, line) in talk.lines.iter().enumerate() {
        let stems: Vec<Option<String>> = line
            .words
            .iter()
            .enumerate()
            .map(|(i, w)| (content(w, people) && !line.unsure(i)).then(|| stemmer.stem(bare(w)).into_owned()))
            .collect();
        for (i, stem) in stems.iter().enumerate() {
            let Some(stem) = stem else { continue };
            let term = terms.entry(stem.clone()).or_insert((0, Vec::new(), rarity(stem)));
            term.0 += 1;
            term.1.push(Span::new(n, i..i + 1));
            if let Some(Some(next)) = stems.get(i + 1) {
                let pair = pairs.entry((stem.clone(), next.clone())).or_default();
                pair.0 += 1;
                pair.1.push(Span::new(n, i..i + 2));
            }
        }
    }
    // Everyday words carry little: below this a word stands in more than one line of two hundred.
    let rare = 5.3;
    let mut topics = Vec::new();
    for ((a, b), (n, said)) in &pairs {
        let sum = terms[a].2 + terms[b].2;
        if *n >= LEAST_SAID && (terms[a].2 > rare || terms[b].2 > rare) && terms[a].2.min(terms[b].2) > 3.5 {
            topics.push(Topic { text: words(talk, &said[0]), said: said.clone(), weight: f64::from(*n) * sum });
        }
    }
    for (n, said, rarity) in terms.values() {
        if *n > LEAST_SAID && *rarity > rare {
            topics.push(Topic {
                text: words(talk, &said[0]),
                said: said.clone(),
                weight: f64::from(*n).powf(0.8) * rarity,
            });
        }
    }
    topics.sort_by(|a, b| b.weight.total_cmp(&a.weight).then_with(|| a.text.cmp(&b.text)));
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut chosen = Vec::new();
    for mut topic in topics {
        let stems: Vec<String> = topic.text.split(' ').map(|w| stemmer.stem(w).into_owned()).collect();
        if stems.iter().any(|s| taken.contains(s)) {
            continue;
        }
        taken.extend(stems);
        topic.said.truncate(2);
        chosen.push(topic);
        if chosen.len() == MOST {
            break;
        }
    }
    chosen
}

fn words(talk: &Talk<'_>, span: &Span) -> String {
    talk.words(span).iter().map(|w| bare(w)).collect::<Vec<_>>().join(" ")
}
