//! How likely two turns contradict each other, and about what: a logistic regression over the numbers of a pair, and a
//! choice among slots. The weights (`weights.tsv`) are made by the example `contradiction_train`.

use std::sync::LazyLock;

use super::{
    Slot,
    lexicon::Class,
    pair::{FEATURES, NAMES, Row, side},
    reading::{Deal, Reading},
};

/// How many numbers tell of a slot.
pub const SLOT_FEATURES: usize = 9;
const SLOT_NAMES: [&str; SLOT_FEATURES] = [
    "first/topic",
    "second/topic",
    "before first/topic",
    "before second/topic",
    "after second/topic",
    "side/opposed",
    "first/sides",
    "second/sides",
    "topic/both",
];

/// Weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Of the numbers of a pair, in the order of `NAMES`.
    pub weights: [f32; FEATURES],
    /// Log-odds where all of them are 0.
    pub bias: f32,
    /// Of what tells of a slot.
    pub slot_weights: [f32; SLOT_FEATURES],
    /// Of each slot, as it comes, in the order of [`Slot::ALL`].
    pub slot_biases: [f32; Slot::ALL.len()],
    /// Probability from which on a pair is shown.
    pub threshold: f32,
}

static SHIPPED: LazyLock<Model> =
    LazyLock::new(|| Model::read(include_str!("weights.tsv")).expect("a test reads the file that is built in"));

impl Model {
    /// The one that is built in.
    #[must_use]
    pub fn shipped() -> &'static Self {
        &SHIPPED
    }

    /// Reads weights as [`write`](Self::write) writes them; none if one is missing or is no number.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let value = |kind: &str, name: &str| -> Option<f32> {
            let line = text
                .lines()
                .find_map(|l| l.strip_prefix(kind)?.strip_prefix('\t')?.strip_prefix(name)?.strip_prefix('\t'))?;
            line.trim().parse().ok()
        };
        let mut out = Self {
            weights: [0.0; FEATURES],
            bias: value("bias", "pair")?,
            slot_weights: [0.0; SLOT_FEATURES],
            slot_biases: [0.0; Slot::ALL.len()],
            threshold: value("threshold", "pair")?,
        };
        for (weight, name) in out.weights.iter_mut().zip(NAMES) {
            *weight = value("pair", name)?;
        }
        for (weight, name) in out.slot_weights.iter_mut().zip(SLOT_NAMES) {
            *weight = value("slot", name)?;
        }
        for (bias, slot) in out.slot_biases.iter_mut().zip(Slot::ALL) {
            *bias = value("slot bias", slot.as_str())?;
        }
        Some(out)
    }

    /// The weights as a file: a kind, a name and a number on each line.
    #[must_use]
    pub fn write(&self) -> String {
        let mut out = String::new();
        let mut line = |kind: &str, name: &str, value: f32| {
            out.push_str(&format!("{kind}\t{name}\t{value:.4}\n"));
        };
        line("threshold", "pair", self.threshold);
        line("bias", "pair", self.bias);
        for (name, weight) in NAMES.iter().zip(self.weights) {
            line("pair", name, weight);
        }
        for (name, weight) in SLOT_NAMES.iter().zip(self.slot_weights) {
            line("slot", name, weight);
        }
        for (slot, bias) in Slot::ALL.iter().zip(self.slot_biases) {
            line("slot bias", slot.as_str(), bias);
        }
        out
    }

    /// How likely a pair is a contradiction, 0 to 1.
    #[must_use]
    pub fn probability(&self, row: &Row) -> f32 {
        let odds = self.bias + self.weights.iter().zip(row).map(|(w, x)| w * x).sum::<f32>();
        1.0 / (1.0 + (-odds).exp())
    }

    /// The slot that two turns are likeliest about.
    #[must_use]
    pub fn slot(&self, rows: &[[f32; SLOT_FEATURES]; Slot::ALL.len()]) -> Slot {
        let score =
            |n: usize| self.slot_biases[n] + self.slot_weights.iter().zip(rows[n]).map(|(w, x)| w * x).sum::<f32>();
        let best = (0..Slot::ALL.len()).max_by(|a, b| score(*a).total_cmp(&score(*b)).then(b.cmp(a)));
        Slot::ALL[best.unwrap_or_default()]
    }
}

/// What tells, of each slot, whether two turns are about it.
pub fn slot_rows(deal: &Deal, first: &Reading, second: &Reading) -> [[f32; SLOT_FEATURES]; Slot::ALL.len()] {
    let log = |count: u8| f32::from(count).ln_1p();
    let topic = |t: Option<usize>, slot| t.map_or(0.0, |t| log(deal.turns[t].count(Class::Topic(slot))));
    let taken = |t: &Reading, slot| log(t.count(Class::Side(slot, 0)).saturating_add(t.count(Class::Side(slot, 1))));
    let mut out = [[0.0; SLOT_FEATURES]; Slot::ALL.len()];
    for (n, slot) in Slot::ALL.into_iter().enumerate() {
        out[n] = [
            log(first.count(Class::Topic(slot))),
            log(second.count(Class::Topic(slot))),
            topic(first.before, slot),
            topic(second.before, slot),
            topic(second.after, slot),
            (-side(first, slot) * side(second, slot)).max(0.0),
            taken(first, slot),
            taken(second, slot),
            first.topics[n].min(second.topics[n]),
        ];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_survive_the_file() {
        let model = Model::shipped();
        assert_eq!(Model::read(&model.write()).as_ref(), Some(model));
        assert_eq!(Model::read(&model.write().replacen("pair\tdays", "pair\thours", 1)), None);
        assert!((0.0..1.0).contains(&model.threshold) && model.probability(&[0.0; FEATURES]) < 0.1);
    }
}
