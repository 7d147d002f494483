//! Whether a sentence of an e-mail asks for an action or proposes one: "please send me the order form", "shall we meet?".
//!
//! A linear classifier over hashed features of the sentence, trained on the sentences of ParakweetLabs' EmailIntentDataSet
//! by `examples/intent_mail`, which reproduces the embedded weights byte for byte. For replies to outreach and for the
//! commitments in mails. It reads English; of other languages it says mostly no.

mod features;
mod tokens;

use std::sync::OnceLock;

pub use self::features::{BUCKETS, features};

/// The weights that are part of the program.
const EMBEDDED: &[u8] = include_bytes!("../../assets/intent-v1.bin");
/// First bytes of a file of weights: the format, and the version of the features they were trained on.
const MAGIC: &[u8; 8] = b"RFINT\x01\x00\x01";
/// Bytes before the weights: [`MAGIC`] and the five numbers of [`Scale`].
const HEADER: usize = 8 + 5 * 4;

/// What turns a sum of weights into a margin, and a margin into a probability.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    /// Margin of one unit of a weight.
    pub unit: f32,
    /// Margin of a sentence with no known feature.
    pub bias: f32,
    /// The probability is the logistic function of `slope · margin + offset` (Platt 1999).
    pub slope: f32,
    /// See `slope`.
    pub offset: f32,
    /// Margin from which a sentence asks: the one with the best F1 in cross-validation.
    pub threshold: f32,
}

/// Why bytes are no model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these {bytes} bytes are no weights for intent: make them anew with the example `intent_mail -- train`")]
pub struct NotAModel {
    /// How many there were.
    pub bytes: usize,
}

/// The classifier.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    scale: Scale,
    weights: Vec<i8>,
}

impl Model {
    /// The classifier that is part of the program.
    ///
    /// # Panics
    /// Never: a test reads it.
    #[must_use]
    pub fn embedded() -> &'static Self {
        static MODEL: OnceLock<Model> = OnceLock::new();
        MODEL.get_or_init(|| Self::from_bytes(EMBEDDED).expect("the embedded weights are a model"))
    }

    /// One of these weights, [`BUCKETS`] of them; missing ones count for nothing.
    #[must_use]
    pub fn new(scale: Scale, mut weights: Vec<i8>) -> Self {
        weights.resize(BUCKETS, 0);
        Self { scale, weights }
    }

    /// Its scale.
    #[must_use]
    pub fn scale(&self) -> Scale {
        self.scale
    }

    /// Reads what [`Model::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`NotAModel`] for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotAModel> {
        let wrong = NotAModel { bytes: bytes.len() };
        if bytes.len() != HEADER + BUCKETS || !bytes.starts_with(MAGIC) {
            return Err(wrong);
        }
        let mut numbers = bytes[MAGIC.len()..HEADER].as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b));
        let mut next = || numbers.next().filter(|n| n.is_finite()).ok_or_else(|| wrong.clone());
        let scale = Scale { unit: next()?, bias: next()?, slope: next()?, offset: next()?, threshold: next()? };
        Ok(Self { scale, weights: bytes[HEADER..].iter().map(|b| b.cast_signed()).collect() })
    }

    /// The model as a file: 128 KiB and a header.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let Scale { unit, bias, slope, offset, threshold } = self.scale;
        let mut bytes = MAGIC.to_vec();
        bytes.extend([unit, bias, slope, offset, threshold].iter().flat_map(|n| n.to_le_bytes()));
        bytes.extend(self.weights.iter().map(|w| w.cast_unsigned()));
        bytes
    }

    /// How far a sentence lies on the asking side; below zero: on the other. The same on every machine.
    #[must_use]
    pub fn margin(&self, sentence: &str) -> f32 {
        let places = features(sentence);
        let sum: i32 = places.iter().map(|p| i32::from(self.weights[*p])).sum();
        // A sentence has fewer than 2^12 features of at most 127 each: exact in 24 bits.
        #[allow(clippy::cast_precision_loss)]
        let mean = sum as f32 / (places.len().max(1) as f32).sqrt();
        self.scale.bias + self.scale.unit * mean
    }

    /// Probability that a sentence asks for an action or proposes one, 0 to 1, if about as many do as in the training
    /// sentences (47 %).
    #[must_use]
    pub fn asks_for_action(&self, sentence: &str) -> f32 {
        self.probability(self.margin(sentence))
    }

    /// The probability from which [`Model::asks`] says yes.
    #[must_use]
    pub fn threshold(&self) -> f32 {
        self.probability(self.scale.threshold)
    }

    /// Whether a sentence asks for an action or proposes one, at the threshold with the best F1 on training sentences.
    #[must_use]
    pub fn asks(&self, sentence: &str) -> bool {
        self.margin(sentence) >= self.scale.threshold
    }

    fn probability(&self, margin: f32) -> f32 {
        1.0 / (1.0 + (-(self.scale.slope * margin + self.scale.offset)).exp())
    }
}

#[cfg(test)]
mod tests;
