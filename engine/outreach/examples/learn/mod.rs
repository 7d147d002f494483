//! Softmax regression with L2 over sparse rows, by L-BFGS (Nocedal and Wright 2006, algorithm 7.4) with backtracking.

use reframe_outreach::reply::{CLASSES, ROW};

const N: usize = CLASSES.len();
/// Weights and a bias for each class.
const PARAMETERS: usize = N * (ROW + 1);
const ROUNDS: usize = 120;
/// Steps that are remembered.
const MEMORY: usize = 10;
/// Share of the slope that a step has to win (Armijo).
const ENOUGH: f64 = 1e-4;
/// Improvement of the loss under which it ends.
const END: f64 = 1e-7;

/// A row: its places with their strengths, its class, how much it counts.
pub struct Row {
    pub strengths: Vec<(usize, f32)>,
    pub class: usize,
    pub weight: f64,
}

/// Weights of [`ROW`] for each class, and the biases.
pub struct Fitted {
    pub weights: Vec<f32>,
    pub biases: [f32; N],
}

/// Fits `rows` with the mean loss plus `l2` times the squares of the weights, each weight in units of its `scale`.
#[allow(clippy::cast_possible_truncation)]
pub fn fit(rows: &[Row], scale: &[f64], l2: f64) -> Fitted {
    let mut at = vec![0.0_f64; PARAMETERS];
    let (mut loss, mut slope) = value(rows, scale, l2, &at);
    let mut memory: Vec<(Vec<f64>, Vec<f64>, f64)> = Vec::new();
    for _ in 0..ROUNDS {
        let mut direction: Vec<f64> = slope.iter().map(|g| -g).collect();
        let mut alphas = Vec::new();
        for (s, y, rho) in memory.iter().rev() {
            let alpha = rho * dot(s, &direction);
            add(&mut direction, y, -alpha);
            alphas.push(alpha);
        }
        if let Some((s, y, _)) = memory.last() {
            let unit = dot(s, y) / dot(y, y);
            direction.iter_mut().for_each(|d| *d *= unit);
        }
        for ((s, y, rho), alpha) in memory.iter().zip(alphas.iter().rev()) {
            let beta = rho * dot(y, &direction);
            add(&mut direction, s, alpha - beta);
        }
        let downhill = dot(&slope, &direction);
        let mut step = if memory.is_empty() { 1.0 / dot(&slope, &slope).sqrt().max(1e-12) } else { 1.0 };
        let (next, next_loss, next_slope) = loop {
            let mut next = at.clone();
            add(&mut next, &direction, step);
            let (loss_there, slope_there) = value(rows, scale, l2, &next);
            if loss_there <= loss + ENOUGH * step * downhill || step < 1e-10 {
                break (next, loss_there, slope_there);
            }
            step *= 0.5;
        };
        let s: Vec<f64> = next.iter().zip(&at).map(|(a, b)| a - b).collect();
        let y: Vec<f64> = next_slope.iter().zip(&slope).map(|(a, b)| a - b).collect();
        let curve = dot(&s, &y);
        let won = loss - next_loss;
        (at, loss, slope) = (next, next_loss, next_slope);
        if won < END {
            break;
        }
        if curve > 1e-12 {
            memory.push((s, y, 1.0 / curve));
            if memory.len() > MEMORY {
                memory.remove(0);
            }
        }
    }
    let weights = (0..N).flat_map(|c| (0..ROW).map(move |j| (c, j)));
    let weights = weights.map(|(c, j)| (at[j * N + c] * scale[j]) as f32).collect();
    let biases = std::array::from_fn(|c| at[ROW * N + c] as f32);
    Fitted { weights, biases }
}

/// The loss at a point and its slope there. Parameters of one place stand side by side.
fn value(rows: &[Row], scale: &[f64], l2: f64, at: &[f64]) -> (f64, Vec<f64>) {
    let mut slope = vec![0.0_f64; PARAMETERS];
    let all: f64 = rows.iter().map(|r| r.weight).sum();
    let mut loss = 0.0;
    for row in rows {
        let mut margins: [f64; N] = std::array::from_fn(|c| at[ROW * N + c]);
        for (j, v) in &row.strengths {
            let v = f64::from(*v) * scale[*j];
            margins.iter_mut().zip(&at[j * N..]).for_each(|(m, w)| *m += w * v);
        }
        let top = margins.iter().copied().fold(f64::MIN, f64::max);
        let exps = margins.map(|m| (m - top).exp());
        let sum: f64 = exps.iter().sum();
        loss -= row.weight * (margins[row.class] - top - sum.ln());
        let errors: [f64; N] =
            std::array::from_fn(|c| row.weight / all * (exps[c] / sum - f64::from(u8::from(c == row.class))));
        for (j, v) in &row.strengths {
            let v = f64::from(*v) * scale[*j];
            slope[j * N..].iter_mut().zip(&errors).for_each(|(g, e)| *g += e * v);
        }
        slope[ROW * N..].iter_mut().zip(&errors).for_each(|(g, e)| *g += e);
    }
    let mut squares = 0.0;
    for (g, w) in slope.iter_mut().zip(at).take(ROW * N) {
        squares += w * w;
        *g += 2.0 * l2 * w;
    }
    (loss / all + l2 * squares, slope)
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add(to: &mut [f64], x: &[f64], times: f64) {
    to.iter_mut().zip(x).for_each(|(t, x)| *t += x * times);
}
