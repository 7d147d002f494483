//! The linear model: tables of small weights for each class, trained by `examples/reply_learn` on
//! `fixtures/outreach/replies_train_*.jsonl`, which writes the embedded file.

use std::sync::OnceLock;

use super::{
    BUCKETS, Class, Features,
    features::{SIGNS, WIDTH},
};

/// The weights that are part of the program.
const EMBEDDED: &[u8] = include_bytes!("../../assets/reply-v2.bin");
/// First bytes of a file of weights: the format, and the version of the features they were trained on.
const MAGIC: &[u8; 8] = b"RFRPL\x02\x00\x01";
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
/// Weights of one class: words, pieces, meaning, signs.
pub const ROW: usize = 2 * BUCKETS + WIDTH + SIGNS;
/// Where each kind begins in a row.
const STARTS: [usize; 4] = [0, BUCKETS, 2 * BUCKETS, 2 * BUCKETS + WIDTH];
/// Thresholds: with meanings and without.
const THRESHOLDS: usize = 2;
/// Bytes before the weights: [`MAGIC`], of each class a unit for each kind and a bias, the thresholds.
const HEADER: usize = 8 + 4 * (N * (STARTS.len() + 1) + THRESHOLDS);

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
    /// Of each class, what one step of a weight of each kind is.
    units: [[f32; STARTS.len()]; N],
    biases: [f32; N],
    thresholds: [f32; THRESHOLDS],
    weights: Vec<i8>,
}

/// How strongly a sign counts: a tenth of the square that the words together have.
const SIGN: f32 = 0.3;

/// Places in a row of weights and how strongly each counts: words count together 1, whatever their number, and so do pieces
/// and the meaning.
#[must_use]
pub fn strengths(features: &Features) -> Vec<(usize, f32)> {
    let mut out = Vec::with_capacity(features.words.len() + features.pieces.len() + WIDTH + SIGNS);
    for (list, start) in [(&features.words, STARTS[0]), (&features.pieces, STARTS[1])] {
        #[allow(clippy::cast_precision_loss)]
        let each = 1.0 / (list.len().max(1) as f32).sqrt();
        out.extend(list.iter().map(|at| (start + usize::from(*at), each)));
    }
    out.extend(features.meaning.iter().take(WIDTH).enumerate().map(|(i, v)| (STARTS[2] + i, *v)));
    out.extend(features.signs.iter().enumerate().filter(|s| *s.1).map(|(i, _)| (STARTS[3] + i, SIGN)));
    out
}

impl Model {
    /// The one that is part of the program; of no opinion if its file is broken, so that everything goes to a person.
    #[must_use]
    pub fn embedded() -> &'static Self {
        static MODEL: OnceLock<Model> = OnceLock::new();
        MODEL.get_or_init(|| Self::from_bytes(EMBEDDED).unwrap_or_else(|_| Self::new(&[], [0.0; N], [1.1; THRESHOLDS])))
    }

    /// One of these weights: [`ROW`] for each class, in the order of [`CLASSES`], rounded to 8 bits; missing ones count for
    /// nothing. The thresholds are probabilities under which it is not sure: with meanings, and without.
    #[must_use]
    pub fn new(weights: &[f32], biases: [f32; N], thresholds: [f32; THRESHOLDS]) -> Self {
        let mut units = [[0.0; STARTS.len()]; N];
        let mut small = vec![0_i8; N * ROW];
        for (class, row) in weights.chunks(ROW).take(N).enumerate() {
            for (kind, start) in STARTS.into_iter().enumerate() {
                let end = STARTS.get(kind + 1).copied().unwrap_or(ROW).min(row.len());
                let part = &row[start.min(end)..end];
                let unit = part.iter().fold(0.0_f32, |most, w| most.max(w.abs())).max(1e-9) / 127.0;
                units[class][kind] = unit;
                #[allow(clippy::cast_possible_truncation)]
                for (to, w) in small[class * ROW + start..].iter_mut().zip(part) {
                    *to = (w / unit).round() as i8;
                }
            }
        }
        Self { units, biases, thresholds, weights: small }
    }

    /// The same with other thresholds.
    #[must_use]
    pub fn with_thresholds(self, thresholds: [f32; THRESHOLDS]) -> Self {
        Self { thresholds, ..self }
    }

    /// Probability under which it is not sure, of an answer whose meaning is known or not.
    #[must_use]
    pub fn threshold(&self, meaning: bool) -> f32 {
        self.thresholds[usize::from(!meaning)]
    }

    /// Reads what [`Model::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`NotAModel`] for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotAModel> {
        let wrong = || NotAModel { bytes: bytes.len() };
        if bytes.len() != HEADER + N * ROW || !bytes.starts_with(MAGIC) {
            return Err(wrong());
        }
        let mut numbers = bytes[MAGIC.len()..HEADER].as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b));
        let mut next = || numbers.next().filter(|n| n.is_finite()).ok_or_else(wrong);
        let (mut units, mut biases, mut thresholds) = ([[0.0; STARTS.len()]; N], [0.0; N], [0.0; THRESHOLDS]);
        for number in units.iter_mut().flatten().chain(&mut biases).chain(&mut thresholds) {
            *number = next()?;
        }
        let weights = bytes[HEADER..].iter().map(|b| b.cast_signed()).collect();
        Ok(Self { units, biases, thresholds, weights })
    }

    /// The model as a file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        let numbers = self.units.iter().flatten().chain(&self.biases).chain(&self.thresholds);
        bytes.extend(numbers.flat_map(|n| n.to_le_bytes()));
        bytes.extend(self.weights.iter().map(|w| w.cast_unsigned()));
        bytes
    }

    /// Probability of each class, in the order of [`CLASSES`].
    #[must_use]
    pub fn probabilities(&self, features: &Features) -> [f32; N] {
        let strengths = strengths(features);
        let margins: [f32; N] = std::array::from_fn(|class| {
            let row = &self.weights[class * ROW..(class + 1) * ROW];
            let mut sums = [0.0_f32; STARTS.len()];
            for (at, strength) in &strengths {
                let kind = STARTS.iter().rposition(|start| at >= start).unwrap_or(0);
                sums[kind] += f32::from(row[*at]) * strength;
            }
            self.biases[class] + sums.iter().zip(&self.units[class]).map(|(s, u)| s * u).sum::<f32>()
        });
        let top = margins.iter().copied().fold(f32::MIN, f32::max);
        let exps = margins.map(|m| (m - top).exp());
        let sum: f32 = exps.iter().sum();
        exps.map(|e| e / sum)
    }

    /// The likeliest class and its probability, and that of [`Class::Unsubscribe`].
    pub(super) fn judge(&self, features: &Features) -> (Class, f32, f32) {
        let all = self.probabilities(features);
        // The first of equals.
        let best = (0..N).rev().max_by(|a, b| all[*a].total_cmp(&all[*b])).unwrap_or(0);
        (CLASSES[best], all[best], all[6])
    }
}
