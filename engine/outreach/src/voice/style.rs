//! How a seller writes, measured from mails they sent: lengths, contractions, greetings, function words.
//!
//! Function words are counted because nobody chooses them by topic; two styles are compared by the mean difference of
//! their standardised counts (Burrows 2002, "Delta").

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Tone;
use crate::text::{key, plain, sentences, words};

/// Mails that it takes to know a style.
pub const MIN_MAILS: usize = 10;
/// Most mails that are read.
const MAX_MAILS: usize = 500;
/// Function words that are counted, as keys.
const FUNCTION: &[&str] = &[
    "the", "a", "an", "and", "but", "or", "so", "if", "as", "of", "to", "in", "on", "at", "for", "with", "from", "by",
    "about", "i", "we", "you", "it", "this", "that", "my", "our", "your", "me", "us", "is", "are", "was", "be", "have",
    "has", "do", "will", "would", "can", "could", "should", "just", "also", "then", "not", "no", "all", "some", "any",
    "there", "what", "which", "when", "how", "please", "thanks", "here", "up", "out", "more", "quite", "very",
    "perhaps", "maybe", "however", "really",
];
/// Measures besides the function words.
const SHAPES: usize = 8;

/// How somebody begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Greeting {
    /// "Hi …".
    Hi,
    /// "Hello …".
    Hello,
    /// "Hey …".
    Hey,
    /// "Dear …".
    Dear,
    /// The name alone, or nothing.
    None,
}

/// What is measured of one mail or of many: rates, in a fixed order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Style(Vec<f64>);

/// A seller's style.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StyleProfile {
    /// Mails it was measured from.
    pub mails: usize,
    /// Mean of each measure.
    pub mean: Style,
    /// Words in a sentence, on average.
    pub sentence_words: f64,
    /// Contractions in a hundred words.
    pub contractions: f64,
    /// How they mostly begin.
    pub greeting: Greeting,
    /// The tone of phrasings that is nearest.
    pub nearest: Tone,
}

/// Too few mails to know a style.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{have} mails are too few to know a style: give at least {MIN_MAILS} that the seller wrote themselves")]
pub struct FewMails {
    /// How many there were.
    pub have: usize,
}

impl Style {
    /// Measures a text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let text = plain(text);
        let key = key(&text);
        let tokens: Vec<&str> = key.split(' ').filter(|t| !t.is_empty()).collect();
        // Far fewer than 2^52: exact.
        #[allow(clippy::cast_precision_loss)]
        let n = tokens.len().max(1) as f64;
        #[allow(clippy::cast_precision_loss)]
        let rate = |count: usize| 100.0 * count as f64 / n;
        let mut measures: Vec<f64> = FUNCTION.iter().map(|f| rate(tokens.iter().filter(|t| *t == f).count())).collect();
        let read = sentences(&text);
        #[allow(clippy::cast_precision_loss)]
        let mean = |sum: usize, of: usize| sum as f64 / of.max(1) as f64;
        let sign = |signs: &[char]| text.chars().filter(|c| signs.contains(c)).count();
        measures.extend([
            mean(read.iter().map(|s| words(&s.text).len()).sum(), read.len()),
            rate(contractions(&text)),
            mean(tokens.iter().map(|t| t.len()).sum(), tokens.len()),
            rate(sign(&[','])),
            rate(sign(&['!'])),
            rate(sign(&['?'])),
            rate(sign(&['\u{2013}', '\u{2014}', ';', ':'])),
            mean(tokens.len(), 20),
        ]);
        debug_assert_eq!(measures.len(), FUNCTION.len() + SHAPES);
        Self(measures)
    }

    /// Mean of several.
    fn mean(styles: &[Self]) -> Self {
        #[allow(clippy::cast_precision_loss)]
        let n = styles.len().max(1) as f64;
        let at = |i: usize| styles.iter().map(|s| s.0.get(i).copied().unwrap_or(0.0)).sum::<f64>() / n;
        Self((0..FUNCTION.len() + SHAPES).map(at).collect())
    }
}

impl StyleProfile {
    /// Measures a seller's mails; the first 500 are read.
    ///
    /// # Errors
    /// [`FewMails`] under ten that hold words.
    pub fn measure<'a>(mails: impl IntoIterator<Item = &'a str>) -> Result<Self, FewMails> {
        let mails: Vec<&str> = mails.into_iter().filter(|m| words(m).len() >= 5).take(MAX_MAILS).collect();
        if mails.len() < MIN_MAILS {
            return Err(FewMails { have: mails.len() });
        }
        let styles: Vec<Style> = mails.iter().map(|m| Style::of(m)).collect();
        let mean = Style::mean(&styles);
        let (sentence_words, contractions) = (mean.0[FUNCTION.len()], mean.0[FUNCTION.len() + 1]);
        let marks = mean.0[FUNCTION.len() + 4];
        let all = [Greeting::Hi, Greeting::Hello, Greeting::Hey, Greeting::Dear, Greeting::None];
        let greetings: Vec<Greeting> = mails.iter().map(|m| greeting(m)).collect();
        let count = |g: &Greeting| greetings.iter().filter(|x| *x == g).count();
        // The first of equals in the order above.
        let greeting = all.into_iter().rev().max_by_key(count).unwrap_or(Greeting::Hi);
        let nearest = if contractions < 0.4 && sentence_words > 12.0 {
            Tone::Formal
        } else if marks > 0.8 || matches!(greeting, Greeting::Hey) {
            Tone::Warm
        } else if sentence_words < 9.5 {
            Tone::Direct
        } else if contractions > 1.5 {
            Tone::Warm
        } else {
            Tone::Plain
        };
        Ok(Self { mails: mails.len(), mean, sentence_words, contractions, greeting, nearest })
    }
}

/// Words with an apostrophe inside that shorten two.
fn contractions(text: &str) -> usize {
    const ENDS: [&str; 7] = ["'m", "'re", "'ve", "'ll", "'d", "n't", "'s"];
    let lower = text.to_lowercase();
    let short = |w: &str| {
        let w = w.trim_matches(|c: char| !c.is_alphanumeric() && c != '\'');
        let s = ["it's", "that's", "there's", "what's", "here's", "let's", "he's", "she's", "who's", "how's"];
        ENDS[..6].iter().any(|e| w.ends_with(e)) || s.contains(&w)
    };
    lower.split_whitespace().filter(|w| short(w)).count()
}

fn greeting(mail: &str) -> Greeting {
    let line = key(mail.lines().find(|l| !l.trim().is_empty()).unwrap_or_default());
    match line.split(' ').next().unwrap_or_default() {
        "hi" => Greeting::Hi,
        "hello" => Greeting::Hello,
        "hey" => Greeting::Hey,
        "dear" => Greeting::Dear,
        _ => Greeting::None,
    }
}

/// How much more a text sounds like `own` than like `other`, above zero: like `own`. `spread` are mails of many, from which
/// it is known how much each measure varies.
#[must_use]
pub fn authorship(text: &str, own: &StyleProfile, other: &StyleProfile, spread: &[Style]) -> f64 {
    let it = Style::of(text);
    let mean = Style::mean(spread);
    #[allow(clippy::cast_precision_loss)]
    let n = spread.len().max(1) as f64;
    let deviation = |i: usize| {
        let square = spread.iter().map(|s| (s.0[i] - mean.0[i]).powi(2)).sum::<f64>() / n;
        square.sqrt()
    };
    let distance = |profile: &StyleProfile| {
        let terms = (0..it.0.len()).filter_map(|i| {
            let deviation = deviation(i);
            // A measure that hardly varies says nothing, and one outlier must not decide.
            (deviation > 1e-9).then(|| ((it.0[i] - profile.mean.0[i]) / deviation).abs().min(3.0))
        });
        terms.sum::<f64>()
    };
    distance(other) - distance(own)
}
