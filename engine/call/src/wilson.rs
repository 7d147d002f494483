//! How sure a share is.

/// The 97.5 % point of the normal distribution: both sides together leave 5 %.
pub const Z: f64 = 1.959_963_984_540_054;

/// The 95 % score interval of `k` out of `n`, 0 to 1, without continuity correction (Wilson, J. Am. Stat. Assoc. 22 (1927)
/// 209): sound for small `n` and near 0 and 1. Of nothing it is the whole of 0 to 1; `k` above `n` counts as `n`.
#[must_use]
pub fn interval(k: u64, n: u64) -> (f64, f64) {
    if n == 0 {
        return (0.0, 1.0);
    }
    let k = k.min(n);
    #[allow(clippy::cast_precision_loss, reason = "counts of cases are far below 2^52")]
    let (p, m) = (k as f64 / n as f64, n as f64);
    let z2 = Z * Z;
    let middle = (p + z2 / (2.0 * m)) / (1.0 + z2 / m);
    let half = Z / (1.0 + z2 / m) * (p * (1.0 - p) / m + z2 / (4.0 * m * m)).sqrt();
    // At none and at all the formula gives exactly 0 and 1; rounding must not put it a hair beside.
    let low = if k == 0 { 0.0 } else { (middle - half).max(0.0) };
    let high = if k == n { 1.0 } else { (middle + half).min(1.0) };
    (low, high)
}
