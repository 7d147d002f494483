//! Judgements learnt from labelled calls: how an objection ended, and whether what has the form of a promise is one.
//!
//! Linear models over hashed words and the verdicts of the rules, trained on `fixtures/postcall/{train,dev}` by
//! `examples/postcall_learn`, which reproduces the embedded weights byte for byte. The rules find; these decide.

mod act;
mod ending;
mod features;
#[cfg(test)]
mod tests;

use std::sync::OnceLock;

pub use self::features::{BUCKETS, Feature};
pub(super) use self::{
    act::ActSeen,
    ending::{EndingSeen, Raised, Tables},
};
use super::{Settings, Talk, anchor, objection, people::People, promise::Finder};
use crate::{artifact::Evidence, handoff::CallTranscript};

/// The weights that are part of the program.
const EMBEDDED: &[u8] = include_bytes!("../../../assets/postcall-v1.bin");
/// First bytes of a file of weights: the format, and the version of the features they were trained on.
const MAGIC: &[u8; 8] = b"RFPCL\x01\x00\x01";
/// Bytes of one model: unit, bias and threshold, then a byte a weight.
const MODEL: usize = 3 * 4 + BUCKETS;
/// Models in a file.
const MODELS: usize = 3;

/// Why bytes are no models.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these {bytes} bytes are no weights for notes: make them anew with the example `postcall_learn -- train`")]
pub struct NotModels {
    /// How many there were.
    pub bytes: usize,
}

/// One linear model.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Margin of one unit of a weight.
    pub unit: f32,
    /// Margin of nothing known.
    pub bias: f32,
    /// Margin from which it says yes.
    pub threshold: f32,
    /// One byte for each of [`BUCKETS`] places.
    pub weights: Vec<i8>,
}

impl Model {
    /// How far features lie on the yes side. The same on every machine.
    #[must_use]
    pub fn margin(&self, features: &[Feature]) -> f32 {
        let sum: i32 = features.iter().map(|(at, n)| i32::from(self.weights[*at]) * i32::from(*n)).sum();
        let square: i32 = features.iter().map(|(_, n)| i32::from(*n) * i32::from(*n)).sum();
        // Fewer than 2^15 features of at most 127 times 4 each: exact in 24 bits.
        #[allow(clippy::cast_precision_loss)]
        let mean = sum as f32 / (square.max(1) as f32).sqrt();
        self.bias + self.unit * mean
    }

    /// Whether it says yes.
    #[must_use]
    pub fn says(&self, features: &[Feature]) -> bool {
        self.margin(features) >= self.threshold
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut numbers = bytes[..12].as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b));
        let mut next = || numbers.next().filter(|n| n.is_finite());
        let (unit, bias, threshold) = (next()?, next()?, next()?);
        Some(Self { unit, bias, threshold, weights: bytes[12..].iter().map(|b| b.cast_signed()).collect() })
    }
}

/// All that is judged so.
#[derive(Clone, Debug, PartialEq)]
pub struct Judges {
    /// Whether the buyer took the answer to an objection.
    pub handled: Model,
    /// Of objections that were not taken care of: whether there was an answer at all.
    pub answered: Model,
    /// Whether what has the form of a promise is one.
    pub promise: Model,
}

impl Judges {
    /// Those that are part of the program.
    ///
    /// # Panics
    /// Never: a test reads them.
    #[must_use]
    pub fn embedded() -> &'static Self {
        static JUDGES: OnceLock<Judges> = OnceLock::new();
        JUDGES.get_or_init(|| Self::from_bytes(EMBEDDED).expect("the embedded weights are models"))
    }

    /// Reads what [`Judges::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`NotModels`] for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotModels> {
        let wrong = || NotModels { bytes: bytes.len() };
        let body = bytes.strip_prefix(MAGIC).filter(|b| b.len() == MODELS * MODEL).ok_or_else(wrong)?;
        let mut models = body.chunks(MODEL).map(Model::read);
        let mut next = || models.next().flatten().ok_or_else(wrong);
        Ok(Self { handled: next()?, answered: next()?, promise: next()? })
    }

    /// The models as a file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for model in [&self.handled, &self.answered, &self.promise] {
            bytes.extend([model.unit, model.bias, model.threshold].iter().flat_map(|n| n.to_le_bytes()));
            bytes.extend(model.weights.iter().map(|w| w.cast_unsigned()));
        }
        bytes
    }
}

/// Something to judge, with the words it is about.
#[derive(Clone, Debug)]
pub struct Seen {
    /// What a model looks at.
    pub features: Vec<Feature>,
    /// What was said: the objection; the act, and the yes to it if it takes one.
    pub said: Vec<Evidence>,
    /// Acts that say the same have the same number; endings have one each.
    pub group: usize,
}

/// What there is to judge in a call, to train on.
#[derive(Clone, Debug, Default)]
pub struct Examples {
    /// Of every objection, for [`Judges::handled`].
    pub handled: Vec<Seen>,
    /// Of every objection, for [`Judges::answered`].
    pub answered: Vec<Seen>,
    /// Of everything with the form of a promise, for [`Judges::promise`].
    pub promise: Vec<Seen>,
}

/// What there is to judge in a call.
#[must_use]
pub fn examples(call: &CallTranscript, settings: &Settings) -> Examples {
    let talk = Talk::read(call, &anchor(call, settings));
    let mut people = People::new(call.participants.iter().map(|p| p.name.as_str()));
    people.learn(talk.lines.iter().map(|l| l.words.as_slice()));
    let mut out = Examples::default();
    for (group, (span, seen)) in objection::endings(&talk).into_iter().enumerate() {
        let said = vec![talk.quote(&span)];
        out.handled.push(Seen { features: seen.handled, said: said.clone(), group });
        out.answered.push(Seen { features: seen.answered, said, group });
    }
    for (spans, features, group) in Finder::default().candidates(&talk, &people) {
        let said = spans.iter().map(|s| talk.quote(s)).collect();
        out.promise.push(Seen { features, said, group });
    }
    out
}
