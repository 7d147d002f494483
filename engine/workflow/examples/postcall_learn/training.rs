//! Trains one linear model. Only sums, products, quotients and square roots decide the weights: the same bytes everywhere.

use reframe_workflow::postcall::learned::{BUCKETS, Feature, Model};

use super::support::FOLDS;

/// Rounds over the examples; after 30 the weights no longer move the figures.
const ROUNDS: usize = 30;

/// One labelled example.
pub struct Example {
    /// Which tenth of the calls it is from.
    pub fold: u64,
    /// What is to be seen of it.
    pub features: Vec<Feature>,
    /// Its label.
    pub yes: bool,
}

/// What a threshold is chosen for.
#[derive(Clone, Copy)]
pub enum Goal {
    /// Most right.
    Accuracy,
    /// Best F1 of the yeses.
    F1,
}

impl Goal {
    /// The margin, in steps of a hundredth, that does best on examples that were not trained on.
    pub fn threshold(self, unseen: &[(f32, bool)]) -> f32 {
        let steps = (-100i16..=100).map(|n| f32::from(n) / 100.0);
        let scored = steps.map(|t| (self.score(unseen, t), t));
        scored.fold((0.0, 0.0), |best, next| if next.0 > best.0 { next } else { best }).1
    }

    fn score(self, unseen: &[(f32, bool)], threshold: f32) -> f64 {
        let [hits, said, yes] = counts(unseen, threshold);
        match self {
            Self::Accuracy => (unseen.len() + 2 * hits - said - yes) as f64 / unseen.len() as f64,
            Self::F1 => 2.0 * hits as f64 / (said + yes).max(1) as f64,
        }
    }

    /// How well a threshold does.
    pub fn show(self, unseen: &[(f32, bool)], threshold: f32) -> String {
        let [hits, said, yes] = counts(unseen, threshold);
        format!(
            "in cross-validation: right {:.3}   precision {:.3} ({hits}/{said})   recall {:.3} ({hits}/{yes})   n {}   \
             threshold {threshold}",
            Self::Accuracy.score(unseen, threshold),
            hits as f64 / said.max(1) as f64,
            hits as f64 / yes.max(1) as f64,
            unseen.len()
        )
    }
}

/// Right yeses, all that were said, all there are.
fn counts(unseen: &[(f32, bool)], threshold: f32) -> [usize; 3] {
    let said = |m: f32| m >= threshold;
    [
        unseen.iter().filter(|(m, yes)| *yes && said(*m)).count(),
        unseen.iter().filter(|(m, _)| said(*m)).count(),
        unseen.iter().filter(|(_, yes)| *yes).count(),
    ]
}

/// Margin and label of every example, by a model that was trained without its tenth of the calls.
pub fn cross(examples: &[&Example], cost: f64) -> Vec<(f32, bool)> {
    let mut unseen = Vec::new();
    for held_out in 0..FOLDS {
        let (out, rest): (Vec<_>, Vec<_>) = examples.iter().copied().partition(|e| e.fold == held_out);
        if !out.is_empty() {
            let model = fit(&rest, cost, 0.0);
            unseen.extend(out.iter().map(|e| (model.margin(&e.features), e.yes)));
        }
    }
    unseen
}

/// A model of these examples; `cost` is the price of a wrong one against large weights.
pub fn fit(examples: &[&Example], cost: f64, threshold: f32) -> Model {
    let telling = telling(examples);
    let (weights, bias) = separate(examples, &telling, cost);
    let largest = weights.iter().fold(f64::MIN_POSITIVE, |m, w| m.max(w.abs()));
    let unit = largest / 127.0;
    let weights = weights.iter().map(|w| (w / unit).round() as i8).collect();
    Model { unit: unit as f32, bias: bias as f32, threshold, weights }
}

/// How much of a feature is taken: half of it at least, more the more its share differs between the two classes (the idea
/// of Wang and Manning 2012, with a quotient in place of the logarithm).
fn telling(examples: &[&Example]) -> Vec<f64> {
    let mut counts = [vec![1.0f64; BUCKETS], vec![1.0f64; BUCKETS]];
    let mut totals = [2.0f64; 2];
    for e in examples {
        let class = usize::from(e.yes);
        totals[class] += 1.0;
        e.features.iter().for_each(|(at, _)| counts[class][*at] += 1.0);
    }
    let share = |class: usize, at: usize| counts[class][at] / totals[class];
    (0..BUCKETS).map(|at| 0.5 + (share(0, at) - share(1, at)).abs() / (share(0, at) + share(1, at))).collect()
}

/// A linear support vector machine with squared hinge loss, by dual coordinate descent (Hsieh et al. 2008).
fn separate(examples: &[&Example], telling: &[f64], cost: f64) -> (Vec<f64>, f64) {
    let (mut weights, mut bias) = (vec![0.0f64; BUCKETS], 0.0f64);
    let mut duals = vec![0.0f64; examples.len()];
    let mut order: Vec<usize> = (0..examples.len()).collect();
    let mut random = 0x0139_408d_cbbf_7a44_u64;
    let square = |n: i8| f64::from(n) * f64::from(n);
    for _ in 0..ROUNDS {
        for i in (1..order.len()).rev() {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            order.swap(i, (random % (i as u64 + 1)) as usize);
        }
        for &i in &order {
            let Example { features, yes, .. } = examples[i];
            let label = if *yes { 1.0 } else { -1.0 };
            let scale = 1.0 / features.iter().map(|(_, n)| square(*n)).sum::<f64>().max(1.0).sqrt();
            let (mut margin, mut length) = (0.0, 0.0);
            for (at, n) in features {
                let value = f64::from(*n) * telling[*at];
                margin += weights[*at] * value;
                length += value * value;
            }
            let slope = label * (margin * scale + bias) - 1.0 + duals[i] / (2.0 * cost);
            let dual = (duals[i] - slope / (length * scale * scale + 1.0 + 1.0 / (2.0 * cost))).max(0.0);
            let step = (dual - duals[i]) * label;
            duals[i] = dual;
            features.iter().for_each(|(at, n)| weights[*at] += step * scale * f64::from(*n) * telling[*at]);
            bias += step;
        }
    }
    (weights.iter().zip(telling).map(|(w, t)| w * t).collect(), bias)
}
