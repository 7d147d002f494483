//! A first message from one signal: observation, what it mostly brings, next step. Without a signal there is none.

mod copy;
mod phrasing;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::copy::{Card, CopyError};
use crate::{
    facts::{Fact, FactSheet},
    lint::{Candidate, Channel, Fault, Language, Linted, lint},
    text::plain,
    voice::{Tone, Voice},
};

/// Longest quote of a signal in a message, in words.
const MAX_QUOTE: usize = 22;
/// Wordings that are tried before it is said that none fits.
const TRIES: u64 = 12;

/// What the ideal customer mostly struggles with after such a signal. General; it says nothing of this company.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pain {
    /// A clause that begins small and has no end mark: "teams that open a second site lose sight of stock for weeks".
    pub clause: String,
    /// What the conversation is about: "stock across two sites".
    pub topic: String,
    /// Language of both.
    pub language: Language,
}

/// What a draft is made from.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Where it goes.
    pub channel: Channel,
    /// First name of who signs.
    pub seller_first_name: &'a str,
    /// First name of who gets it.
    pub contact_first_name: &'a str,
    /// The one signal; without it nothing is written.
    pub signal: Option<&'a Fact>,
    /// What else is known.
    pub sheet: &'a FactSheet,
    /// What it mostly brings.
    pub pain: &'a Pain,
    /// The company's voice.
    pub voice: &'a Voice,
    /// The seller's own tone, if it was measured; else the voice's.
    pub tone: Option<Tone>,
    /// Chooses among phrasings; the same seed gives the same words.
    pub seed: u64,
}

/// Why there is no draft.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoDraft {
    /// Nothing happened that would be a reason.
    #[error("there is no signal: nothing is written without a reason; wait for one, or paste what you saw")]
    NoSignal,
    /// It is not written in this language.
    #[error("messages in {0:?} are checked, not written: write it by hand and have it checked")]
    Language(Language),
    /// Every wording broke a rule.
    #[error("every wording breaks a rule; the last: {}", faults.first().map(ToString::to_string).unwrap_or_default())]
    Faulty {
        /// The rules the last one broke.
        faults: Vec<Fault>,
    },
}

/// A message and how it came to its words.
#[derive(Clone, Debug, PartialEq)]
pub struct Drafted {
    /// The message, checked.
    pub message: Linted,
    /// The words of the signal that it cites.
    pub quote: String,
    /// Tone and number of the phrasing: `plain/3`.
    pub phrasing: String,
}

/// Writes a message.
///
/// # Errors
/// [`NoDraft`].
pub fn draft(request: &Request<'_>) -> Result<Drafted, NoDraft> {
    let signal = request.signal.ok_or(NoDraft::NoSignal)?;
    let language = request.pain.language;
    if language == Language::Japanese {
        return Err(NoDraft::Language(language));
    }
    let tone = request.tone.unwrap_or(request.voice.tone);
    let quote = quote(signal.text());
    let mut last = Vec::new();
    for nth in 0..TRIES {
        let variant = request.seed.wrapping_add(nth);
        let Some(text) = phrasing::sentences(language, tone, variant, &quote, signal, request.pain, request.voice)
        else {
            continue;
        };
        let text = request.voice.prefer(&text);
        let greeting = language.greeting(request.contact_first_name);
        let body = format!("{greeting}\n\n{text}\n\n{}", request.seller_first_name);
        let facts = request.sheet.facts().iter().map(|f| f.text().to_owned());
        // The pain is the company's own word about its market: it may be said, not of the reader.
        let facts = facts.chain([request.pain.clause.clone(), request.pain.topic.clone(), signal.source().to_owned()]);
        let candidate = Candidate {
            channel: request.channel,
            language,
            seller_first_name: request.seller_first_name.to_owned(),
            contact_first_name: request.contact_first_name.to_owned(),
            signal: signal.text().to_owned(),
            facts: facts.collect(),
            subject: if request.channel == Channel::Email { phrasing::subject(request.pain) } else { String::new() },
            body,
            in_thread: false,
        };
        match lint(candidate, request.voice) {
            Ok(message) => {
                let phrasing = format!("{tone:?}/{}", variant % phrasing::VARIANTS).to_lowercase();
                return Ok(Drafted { message, quote, phrasing });
            }
            Err(faults) => last = faults,
        }
    }
    Err(NoDraft::Faulty { faults: last })
}

/// The beginning of a signal that can be cited whole: its first sentence, cut at a comma if it is long. The words are
/// those of the source, so that the citation holds.
fn quote(text: &str) -> String {
    let first_line = text.lines().next().unwrap_or_default();
    let read = crate::text::sentences(first_line);
    let first = read.first().map_or(first_line, |s| s.text.as_str()).trim().trim_end_matches(['.', '!', '?']);
    let count = |t: &str| crate::text::words(t).len();
    if count(first) <= MAX_QUOTE {
        return first.to_owned();
    }
    let cuts = first.char_indices().filter(|(_, c)| matches!(c, ',' | ';' | '\u{2013}' | '\u{2014}')).map(|(i, _)| i);
    let shorter = cuts.map(|i| first[..i].trim()).rfind(|t| (4..=MAX_QUOTE).contains(&count(t)));
    shorter.map_or_else(
        || {
            let end = crate::text::words(first).get(MAX_QUOTE).map_or(first.len(), |w| w.0);
            first[..end].trim().to_owned()
        },
        str::to_owned,
    )
}

/// Whether a text holds two equal halves of a quotation as readers see it.
fn quotable(text: &str) -> bool {
    !plain(text).contains('"')
}
