//! Logistic regression with an L2 penalty by Newton's method; small and dense.

/// Coefficients, the first being the intercept.
pub(super) type Coefficients = Vec<f64>;

/// Strength of the penalty, on the coefficients' squares and not on the intercept's: a normal prior of variance one on the
/// log-odds of one fresh event.
const L2: f64 = 1.0;
/// Most steps; from a near start two or three are enough.
const STEPS: usize = 30;

/// Rows of features (without the constant), side by side.
pub(super) struct Rows {
    pub width: usize,
    pub values: Vec<f64>,
    pub won: Vec<bool>,
}

impl Rows {
    pub(super) fn row(&self, i: usize) -> &[f64] {
        &self.values[i * self.width..(i + 1) * self.width]
    }
}

/// Probability of a win.
pub(super) fn chance(beta: &[f64], row: &[f64]) -> f64 {
    let z = beta[0] + beta[1..].iter().zip(row).map(|(b, x)| b * x).sum::<f64>();
    1.0 / (1.0 + (-z.clamp(-40.0, 40.0)).exp())
}

/// Negative log likelihood of one case.
pub(super) fn loss(p: f64, won: bool) -> f64 {
    -(if won { p } else { 1.0 - p }).max(1e-12).ln()
}

/// Penalised negative log likelihood over the rows that are taken.
pub(super) fn objective(rows: &Rows, beta: &[f64], taken: &dyn Fn(usize) -> bool) -> f64 {
    let data: f64 =
        (0..rows.won.len()).filter(|i| taken(*i)).map(|i| loss(chance(beta, rows.row(i)), rows.won[i])).sum();
    data + 0.5 * L2 * beta[1..].iter().map(|b| b * b).sum::<f64>()
}

/// The minimum from a start, with its objective.
pub(super) fn minimise(rows: &Rows, start: &[f64], taken: &dyn Fn(usize) -> bool) -> (Coefficients, f64) {
    let n = rows.width + 1;
    let mut beta = start.to_vec();
    let mut at = objective(rows, &beta, taken);
    for _ in 0..STEPS {
        let mut gradient = vec![0.0; n];
        let mut hessian = vec![0.0; n * n];
        for i in (0..rows.won.len()).filter(|i| taken(*i)) {
            let row = rows.row(i);
            let p = chance(&beta, row);
            let error = p - f64::from(u8::from(rows.won[i]));
            let curve = (p * (1.0 - p)).max(1e-9);
            let x = |j: usize| if j == 0 { 1.0 } else { row[j - 1] };
            for j in 0..n {
                let xj = x(j);
                if xj == 0.0 {
                    continue;
                }
                gradient[j] += error * xj;
                for k in 0..=j {
                    hessian[j * n + k] += curve * xj * x(k);
                }
            }
        }
        for j in 1..n {
            gradient[j] += L2 * beta[j];
            hessian[j * n + j] += L2;
        }
        hessian[0] += 1e-9;
        let Some(step) = solve(&mut hessian, &gradient) else { break };
        // Newton may overshoot far from the minimum: halve until it gets better.
        let mut length = 1.0;
        let mut better = None;
        while length > 1e-3 {
            let next: Vec<f64> = beta.iter().zip(&step).map(|(b, s)| b - length * s).collect();
            let value = objective(rows, &next, taken);
            if value < at {
                better = Some((next, value));
                break;
            }
            length *= 0.5;
        }
        let Some((next, value)) = better else { break };
        let gain = at - value;
        (beta, at) = (next, value);
        if gain < 1e-6 {
            break;
        }
    }
    (beta, at)
}

/// Solves `A x = b` for a symmetric positive `A`, of which the lower half is given, by Cholesky.
fn solve(a: &mut [f64], b: &[f64]) -> Option<Vec<f64>> {
    let n = b.len();
    for j in 0..n {
        for k in 0..=j {
            let sum: f64 = (0..k).map(|m| a[j * n + m] * a[k * n + m]).sum();
            let value = a[j * n + k] - sum;
            if j == k {
                if value <= 0.0 || !value.is_finite() {
                    return None;
                }
                a[j * n + j] = value.sqrt();
            } else {
                a[j * n + k] = value / a[k * n + k];
            }
        }
    }
    let mut x = b.to_vec();
    for j in 0..n {
        let sum: f64 = (0..j).map(|k| a[j * n + k] * x[k]).sum();
        x[j] = (x[j] - sum) / a[j * n + j];
    }
    for j in (0..n).rev() {
        let sum: f64 = (j + 1..n).map(|k| a[k * n + j] * x[k]).sum();
        x[j] = (x[j] - sum) / a[j * n + j];
    }
    Some(x)
}
