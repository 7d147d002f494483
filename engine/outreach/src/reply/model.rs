//! The linear model: a table of small weights for each class, trained by `examples/reply_learn` on
//! `fixtures/outreach/replies_train_*.jsonl`, which reproduces the embedded file byte for byte.

use std::sync::OnceLock;

use super::{BUCKETS, Class, Feature, Received, Sender, Written, features};

/// The weights that are part of the program.
const EMBEDDED: &[u8] = include_bytes!("../../assets/reply-v1.bin");
/// First bytes of a file of weights: the format, and the version of the features they were trained on.
const MAGIC: &[u8; 8] = b"RFRPL\x01\x00\x01";
/// Classes the model knows, in the order of its tables.
pub const CLASSES: [Class; 8] = [
    Class::PositiveMeeting,
    Class::PositiveInfo,
    Class::NegativeNow,
    Class::NegativeEver,
    Class::WrongPerson,
    Class::Ooo,
    Class::Unsubscribe,
    Class::Complaint,
];
const N: usize = CLASSES.len();
/// Bytes before the weights: [`MAGIC`], a unit and a bias for each class, the threshold.
const HEADER: usize = 8 + 4 * (2 * N + 1);

/// Why bytes are no model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these {bytes} bytes are no weights for replies: make them anew with the example `reply_learn -- train`")]
pub struct NotAModel {
    /// How many there were.
    pub bytes: usize,
}

/// The classifier.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    units: [f32; N],
    biases: [f32; N],
    threshold: f32,
    weights: Vec<i8>,
}

impl Model {
    /// The one that is part of the program; of no opinion if its file is broken, so that everything goes to a person.
    #[must_use]
    pub fn embedded() -> &'static Self {
        static MODEL: OnceLock<Model> = OnceLock::new();
        MODEL.get_or_init(|| Self::from_bytes(EMBEDDED).unwrap_or_else(|_| Self::new([0.0; N], [0.0; N], 1.1, vec![])))
    }

    /// One of these weights: [`BUCKETS`] for each class, in the order of [`CLASSES`]; missing ones count for nothing.
    #[must_use]
    pub fn new(units: [f32; N], biases: [f32; N], threshold: f32, mut weights: Vec<i8>) -> Self {
        weights.resize(N * BUCKETS, 0);
        Self { units, biases, threshold, weights }
    }

    /// Probability under which it is not sure.
    #[must_use]
    pub const fn threshold(&self) -> f32 {
        self.threshold
    }

    /// Reads what [`Model::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`NotAModel`] for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotAModel> {
        let wrong = || NotAModel { bytes: bytes.len() };
        if bytes.len() != HEADER + N * BUCKETS || !bytes.starts_with(MAGIC) {
            return Err(wrong());
        }
        let mut numbers = bytes[MAGIC.len()..HEADER].as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b));
        let mut next = || numbers.next().filter(|n| n.is_finite()).ok_or_else(wrong);
        let (mut units, mut biases) = ([0.0; N], [0.0; N]);
        for number in units.iter_mut().chain(&mut biases) {
            *number = next()?;
        }
        let threshold = next()?;
        let weights = bytes[HEADER..].iter().map(|b| b.cast_signed()).collect();
        Ok(Self { units, biases, threshold, weights })
    }

    /// The model as a file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        let numbers = self.units.iter().chain(&self.biases).chain([&self.threshold]);
        bytes.extend(numbers.flat_map(|n| n.to_le_bytes()));
        bytes.extend(self.weights.iter().map(|w| w.cast_unsigned()));
        bytes
    }

    /// Probability of each class, in the order of [`CLASSES`].
    #[must_use]
    pub fn probabilities(&self, features: &[Feature]) -> [f32; N] {
        let square: i32 = features.iter().map(|(_, n)| i32::from(*n) * i32::from(*n)).sum();
        let mut margins = [0.0_f32; N];
        for (class, margin) in margins.iter_mut().enumerate() {
            let table = &self.weights[class * BUCKETS..(class + 1) * BUCKETS];
            let sum: i32 = features.iter().map(|(at, n)| i32::from(table[*at]) * i32::from(*n)).sum();
            // Fewer than 2^13 features of at most 127 times 3 each: exact in 24 bits.
            #[allow(clippy::cast_precision_loss)]
            let mean = sum as f32 / (square.max(1) as f32).sqrt();
            *margin = self.biases[class] + self.units[class] * mean;
        }
        let top = margins.iter().copied().fold(f32::MIN, f32::max);
        let exps = margins.map(|m| (m - top).exp());
        let sum: f32 = exps.iter().sum();
        exps.map(|e| e / sum)
    }

    /// The likeliest class and its probability, and that of [`Class::Unsubscribe`].
    pub(super) fn judge(&self, received: &Received, written: &Written, sender: Sender) -> (Class, f32, f32) {
        let all = self.probabilities(&features(received, written, sender));
        // The first of equals.
        let best = (0..N).rev().max_by(|a, b| all[*a].total_cmp(&all[*b])).unwrap_or(0);
        (CLASSES[best], all[best], all[6])
    }
}
