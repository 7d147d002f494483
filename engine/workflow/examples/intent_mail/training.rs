//! Trains the classifier. Only sums, products, quotients and square roots decide the weights: the same bytes everywhere.

use reframe_workflow::intent::{BUCKETS, Model, Scale, features};

use super::data::{Labelled, fold};

/// Price of a wrong training sentence against large weights. 1, 2 and 4 were compared in cross-validation.
const COST: f64 = 2.0;
/// Rounds over the training sentences; after 30 the weights no longer move the figures.
const ROUNDS: usize = 30;
/// Folds of the cross-validation.
const FOLDS: u64 = 10;

/// What came out, and how well it did on sentences it had not seen.
pub struct Trained {
    pub model: Model,
    /// Margin and label of every training sentence, by a model that was trained without its fold.
    pub unseen: Vec<(f32, bool)>,
}

/// Trains on all; threshold and probabilities come from cross-validation.
pub fn train(sentences: &[Labelled]) -> Trained {
    let all: Vec<&Labelled> = sentences.iter().collect();
    let mut unseen = Vec::new();
    for held_out in 0..FOLDS {
        let (out, rest): (Vec<_>, Vec<_>) = all.iter().partition(|s| fold(&s.sentence, FOLDS) == held_out);
        let model = fit(&rest, None);
        unseen.extend(out.iter().map(|s| (model.margin(&s.sentence), s.asks)));
    }
    let model = fit(&all, Some(&unseen));
    Trained { model, unseen }
}

fn fit(sentences: &[&Labelled], unseen: Option<&[(f32, bool)]>) -> Model {
    let seen: Vec<Vec<usize>> = sentences.iter().map(|s| features(&s.sentence)).collect();
    let labels: Vec<f64> = sentences.iter().map(|s| if s.asks { 1.0 } else { -1.0 }).collect();
    let telling = telling(&seen, &labels);
    let (weights, bias) = separate(&seen, &labels, &telling);
    let largest = weights.iter().fold(f64::MIN_POSITIVE, |m, w| m.max(w.abs()));
    let unit = largest / 127.0;
    let (slope, offset) = unseen.map_or((1.0, 0.0), platt);
    let threshold = unseen.map_or(0.0, best_threshold);
    let rounded = weights.iter().map(|w| (w / unit).round() as i8).collect();
    Model::new(Scale { unit: unit as f32, bias: bias as f32, slope, offset, threshold }, rounded)
}

/// How much of a feature is taken: half of it at least, more the more its share differs between the two classes (the idea
/// of Wang and Manning 2012, with a quotient in place of the logarithm).
fn telling(seen: &[Vec<usize>], labels: &[f64]) -> Vec<f64> {
    let mut counts = [vec![1.0f64; BUCKETS], vec![1.0f64; BUCKETS]];
    let mut totals = [2.0f64; 2];
    for (places, label) in seen.iter().zip(labels) {
        let class = usize::from(*label > 0.0);
        totals[class] += 1.0;
        places.iter().for_each(|p| counts[class][*p] += 1.0);
    }
    let share = |class: usize, place: usize| counts[class][place] / totals[class];
    (0..BUCKETS).map(|p| 0.5 + (share(0, p) - share(1, p)).abs() / (share(0, p) + share(1, p))).collect()
}

/// A linear support vector machine with squared hinge loss, by dual coordinate descent (Hsieh et al. 2008).
fn separate(seen: &[Vec<usize>], labels: &[f64], telling: &[f64]) -> (Vec<f64>, f64) {
    let (mut weights, mut bias) = (vec![0.0f64; BUCKETS], 0.0f64);
    let mut duals = vec![0.0f64; seen.len()];
    let mut order: Vec<usize> = (0..seen.len()).collect();
    let mut random = 0x0139_408d_cbbf_7a44_u64;
    let length = |places: &[usize]| (places.len().max(1) as f64).sqrt();
    for _ in 0..ROUNDS {
        for i in (1..order.len()).rev() {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            order.swap(i, (random % (i as u64 + 1)) as usize);
        }
        for &i in &order {
            let (places, label, scale) = (&seen[i], labels[i], 1.0 / length(&seen[i]));
            let (mut margin, mut square) = (0.0, 0.0);
            for p in places {
                margin += weights[*p] * telling[*p];
                square += telling[*p] * telling[*p];
            }
            let slope = label * (margin * scale + bias) - 1.0 + duals[i] / (2.0 * COST);
            let dual = (duals[i] - slope / (square * scale * scale + 1.0 + 1.0 / (2.0 * COST))).max(0.0);
            let step = (dual - duals[i]) * label;
            duals[i] = dual;
            places.iter().for_each(|p| weights[*p] += step * scale * telling[*p]);
            bias += step;
        }
    }
    (weights.iter().zip(telling).map(|(w, t)| w * t).collect(), bias)
}

/// Slope and offset of the logistic function that gives unseen sentences the likeliest probabilities, by Newton's method;
/// rounded, so that the last bits of a logarithm do not matter.
fn platt(unseen: &[(f32, bool)]) -> (f32, f32) {
    let (mut slope, mut offset) = (1.0f64, 0.0f64);
    for _ in 0..50 {
        let (mut g, mut h) = ([0.0f64; 2], [0.0f64; 3]);
        for (margin, asks) in unseen {
            let m = f64::from(*margin);
            let p = 1.0 / (1.0 + (-(slope * m + offset)).exp());
            let (error, weight) = (p - f64::from(u8::from(*asks)), p * (1.0 - p));
            g = [g[0] + error * m, g[1] + error];
            h = [h[0] + weight * m * m, h[1] + weight * m, h[2] + weight];
        }
        let determinant = h[0] * h[2] - h[1] * h[1];
        slope -= (h[2] * g[0] - h[1] * g[1]) / determinant;
        offset -= (h[0] * g[1] - h[1] * g[0]) / determinant;
    }
    (((slope * 100.0).round() / 100.0) as f32, ((offset * 100.0).round() / 100.0) as f32)
}

/// The margin, in steps of a hundredth, with the best F1.
fn best_threshold(unseen: &[(f32, bool)]) -> f32 {
    let steps = (-100i16..=100).map(|n| f32::from(n) / 100.0);
    let scored = steps.map(|t| (super::score::Counts::at(unseen, t).f1(), t));
    scored.fold((0.0, 0.0), |best, next| if next.0 > best.0 { next } else { best }).1
}
