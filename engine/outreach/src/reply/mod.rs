//! What an answer means, and who has to see it by when.
//!
//! Headers first, then the text that its writer wrote (no quoted history, no signature), then rules for a wish to be left
//! alone, then a small linear model that may say that it is not sure.

mod away;
mod cues;
mod features;
mod handle;
mod headers;
mod model;
mod signature;
mod stop;
mod written;

use std::collections::BTreeMap;

use reframe_call::detect::semantic::SentenceEncoder;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    away::{Away, back_on},
    features::{BUCKETS, Features, SIGNS, WIDTH, features, meaning, said},
    handle::{Answered, Handling, Route, SLA_MINUTES, Suppression, handle},
    headers::{Sender, sender},
    model::{CLASSES, Model, NotAModel, ROW, strengths},
    stop::{Wish, wish},
    written::{Written, written},
};
use crate::text::{key, words};

/// Longest text that is looked at, in bytes: what comes after says nothing new.
const MAX_BYTES: usize = 32 * 1024;

/// What an answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Class {
    /// They want or accept a conversation.
    PositiveMeeting,
    /// They ask something of substance, or want material.
    PositiveInfo,
    /// Not now.
    NegativeNow,
    /// Not at all.
    NegativeEver,
    /// Somebody else, or nobody there any more.
    WrongPerson,
    /// Away.
    Ooo,
    /// No more messages.
    Unsubscribe,
    /// A complaint, a threat, a question where we have the address from.
    Complaint,
    /// The mail came back.
    Bounce,
    /// It cannot be told: a person reads it.
    Uncertain,
}

impl Class {
    /// The word in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PositiveMeeting => "positive_meeting",
            Self::PositiveInfo => "positive_info",
            Self::NegativeNow => "negative_now",
            Self::NegativeEver => "negative_ever",
            Self::WrongPerson => "wrong_person",
            Self::Ooo => "ooo",
            Self::Unsubscribe => "unsubscribe",
            Self::Complaint => "complaint",
            Self::Bounce => "bounce",
            Self::Uncertain => "uncertain",
        }
    }
}

/// An answer as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Received {
    /// Subject.
    pub subject: String,
    /// Text, plain.
    pub body: String,
    /// Headers, by name in any case.
    pub headers: BTreeMap<String, String>,
}

/// What decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// A header.
    Header,
    /// A rule for words.
    Rule,
    /// The model.
    Model,
}

/// How an answer was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// What it means.
    pub class: Class,
    /// What it most likely means, also where `class` is uncertain.
    pub likely: Class,
    /// How sure, 0 to 1.
    pub confidence: f32,
    /// What decided.
    pub by: By,
    /// Whether they want no more messages: also a mere chance of it suppresses.
    pub wish: Wish,
    /// When they are back, if they are away.
    pub away: Option<Away>,
    /// A bare "ok, thanks" and nothing else.
    pub brief: bool,
    /// They ask for fewer messages.
    pub slow_down: bool,
    /// The part of it that its writer wrote, shortened: to cite.
    pub quote: String,
}

/// Probability from which the model's own suspicion of a wish to get no more counts: low, as a wish that is missed costs more
/// than a person's look.
const SUSPICION: f32 = 0.04;
/// Probability from which a class is likelier than all others together.
const EVEN: f32 = 0.5;
/// Longest bare acknowledgement, in words.
const BRIEF_WORDS: usize = 6;

/// Reads an answer. `today` is the day it came, for "back on Monday"; `encoder` knows what sentences mean: without one only
/// the words count, and more is read wrong.
#[must_use]
pub fn classify(received: &Received, today: jiff::civil::Date, encoder: Option<&dyn SentenceEncoder>) -> Reading {
    let written = written(clip(&received.body));
    let features = features(received, &written, sender(received), encoder);
    classify_with(received, &features, today, Model::embedded())
}

/// Reads an answer of these features with another model.
#[must_use]
pub fn classify_with(received: &Received, features: &Features, today: jiff::civil::Date, model: &Model) -> Reading {
    let sender = sender(received);
    let written = written(clip(&received.body));
    let text = written.text.as_str();
    let all = key(&format!("{}\n{text}", received.subject));
    let mut wish = wished(received, &written);
    let (likely, probability, suspicion) = model.judge(features);
    if suspicion >= SUSPICION && wish == Wish::None && !matches!(sender, Sender::Bounce | Sender::Abuse) {
        wish = Wish::Chance;
    }
    let (class, likely, confidence, by) = if sender == Sender::Bounce {
        (Class::Bounce, Class::Bounce, 1.0, By::Header)
    } else if sender == Sender::Abuse {
        (Class::Complaint, Class::Complaint, 1.0, By::Header)
    } else if wish == Wish::Certain {
        (Class::Unsubscribe, Class::Unsubscribe, 1.0, By::Rule)
    } else if sender == Sender::Machine {
        // An automatic answer says that somebody is away, or is there no more.
        let gone = cues::gone(&all) || (likely == Class::WrongPerson && probability >= EVEN);
        let class = if gone { Class::WrongPerson } else { Class::Ooo };
        (class, class, 1.0, By::Header)
    } else if !answers(&received.subject)
        && cues::away_subject(&key(&received.subject))
        && !cues::gone(&all)
        && likely != Class::PositiveMeeting
    {
        (Class::Ooo, Class::Ooo, 0.95, By::Rule)
    } else if text.trim().is_empty() {
        (Class::Uncertain, likely, 0.0, By::Rule)
    } else {
        let sure = probability >= model.threshold(!features.meaning.is_empty());
        (if sure { likely } else { Class::Uncertain }, likely, probability, By::Model)
    };
    let short = key(text);
    let away = (class == Class::Ooo).then(|| back_on(text, today)).flatten();
    Reading {
        class,
        likely,
        confidence,
        by,
        wish,
        away,
        brief: words(text).len() <= BRIEF_WORDS && cues::is_acknowledgement(&short),
        slow_down: cues::slow_down(&short),
        quote: text.trim().chars().take(200).collect::<String>().trim_end().to_owned(),
    }
}

/// Whether they want no more: what stands in the block that says who wrote is a chance of it at most.
fn wished(received: &Received, written: &Written) -> Wish {
    let of = |text: &str| wish(&received.subject, text, &received.headers);
    of(&written.core).max(of(&written.text).min(Wish::Chance))
}

/// Whether a subject is ours, answered or forwarded, not one of their own.
fn answers(subject: &str) -> bool {
    const MARKS: [&str; 10] = ["re ", "aw ", "sv ", "antw ", "fwd ", "fw ", "wg ", "tr ", "rif ", "res "];
    let subject = key(subject);
    MARKS.iter().any(|m| subject.starts_with(m))
}

fn clip(text: &str) -> &str {
    let mut end = text.len().min(MAX_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests;
