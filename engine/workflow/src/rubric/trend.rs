//! Whether a seller gets better at something: mean and slope of a criterion over their calls.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::debrief::Debrief;

/// Fewer scores than this are no trend.
const FEWEST: usize = 5;
/// Two-sided 95 % points of Student's t for 1 to 30 degrees of freedom (any table of it); beyond, that of 30 is used, which
/// is a little too wide and never too narrow.
const T_95: [f64; 30] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
    2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
];

/// Change of a score from one call to the next.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slope {
    /// Points per call, by least squares.
    pub per_call: f64,
    /// Lower end of its 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// How one criterion went over a seller's calls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Trend {
    /// Id of the criterion.
    pub criterion: String,
    /// Calls in which it was judged.
    pub n: usize,
    /// Mean score, 1 to 5.
    pub mean: f64,
    /// How it changes; nothing with fewer than five.
    pub slope: Option<Slope>,
    /// In words.
    pub says: String,
}

/// The trend of every criterion over `debriefs`, one seller's in order of time. Only those made under the rubric of the
/// last one count, for scores under other words are others.
#[must_use]
pub fn trends(debriefs: &[Debrief]) -> Vec<Trend> {
    let Some(last) = debriefs.last() else { return Vec::new() };
    let mut series: Vec<(String, Vec<(f64, f64)>)> = Vec::new();
    for (i, debrief) in debriefs.iter().filter(|d| d.rubric_digest == last.rubric_digest).enumerate() {
        for score in &debrief.scores {
            let at = series.iter().position(|(name, _)| *name == score.criterion).unwrap_or_else(|| {
                series.push((score.criterion.clone(), Vec::new()));
                series.len() - 1
            });
            series[at].1.push((i as f64, f64::from(score.score)));
        }
    }
    series.into_iter().map(|(criterion, points)| trend(criterion, &points)).collect()
}

fn trend(criterion: String, points: &[(f64, f64)]) -> Trend {
    let n = points.len();
    let mean = points.iter().map(|p| p.1).sum::<f64>() / n.max(1) as f64;
    let slope = if n < FEWEST { None } else { slope(points) };
    let says = match slope {
        None => format!("too few calls for a trend: {n} of {FEWEST}"),
        Some(s) if s.low > 0.0 => "rising".to_owned(),
        Some(s) if s.high < 0.0 => "falling".to_owned(),
        Some(_) => "no trend that could not be chance".to_owned(),
    };
    Trend { criterion, n, mean, slope, says }
}

/// Least squares with the usual interval of the slope.
fn slope(points: &[(f64, f64)]) -> Option<Slope> {
    let n = points.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / n;
    let (x0, y0) = (mean(|p| p.0), mean(|p| p.1));
    let sxx: f64 = points.iter().map(|p| (p.0 - x0).powi(2)).sum();
    if sxx <= 0.0 {
        return None;
    }
    let per_call = points.iter().map(|p| (p.0 - x0) * (p.1 - y0)).sum::<f64>() / sxx;
    let residual: f64 = points.iter().map(|p| (p.1 - y0 - per_call * (p.0 - x0)).powi(2)).sum();
    let t = T_95[(points.len() - 3).min(T_95.len() - 1)];
    let half = t * (residual / (n - 2.0) / sxx).sqrt();
    Some(Slope { per_call, low: per_call - half, high: per_call + half })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(y: &[f64]) -> Vec<(f64, f64)> {
        y.iter().enumerate().map(|(i, y)| (i as f64, *y)).collect()
    }

    #[test]
    fn five_calls_make_a_trend_and_four_do_not() {
        let four = trend("x".into(), &points(&[1.0, 2.0, 3.0, 4.0]));
        assert_eq!((four.slope, four.says.as_str()), (None, "too few calls for a trend: 4 of 5"));
        let five = trend("x".into(), &points(&[1.0, 2.0, 3.0, 4.0, 5.0]));
        assert_eq!((five.n, five.mean, five.says.as_str()), (5, 3.0, "rising"));
        assert_eq!(trend("x".into(), &points(&[5.0, 4.0, 4.0, 2.0, 1.0])).says, "falling");
        let flat = trend("x".into(), &points(&[3.0, 4.0, 3.0, 2.0, 3.0]));
        assert_eq!(flat.says, "no trend that could not be chance");
    }

    /// By hand: x 0..4, y 1 2 2 3 5 gives slope 0.9, residual sum 1.1, standard error sqrt(1.1 / 3 / 10).
    #[test]
    fn the_interval_is_the_textbooks() {
        let s = slope(&points(&[1.0, 2.0, 2.0, 3.0, 5.0])).unwrap();
        let half = 3.182 * (1.1_f64 / 3.0 / 10.0).sqrt();
        assert!(
            (s.per_call - 0.9).abs() < 1e-12 && (s.high - 0.9 - half).abs() < 1e-9 && (0.9 - half - s.low).abs() < 1e-9
        );
    }

    #[test]
    fn chance_alone_is_called_a_trend_about_once_in_twenty() {
        // Knuth's MMIX generator: fixed, so that the count below is.
        let mut state = 1_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as f64 / (1_u64 << 31) as f64
        };
        let mut wrong = 0;
        let mut found = 0;
        for _ in 0..1_000 {
            let noise: Vec<f64> = (0..12).map(|_| 1.0 + (next() * 5.0).floor()).collect();
            wrong += usize::from(!trend("x".into(), &points(&noise)).says.starts_with("no"));
            let planted: Vec<f64> =
                (0..12).map(|i| (1.0 + 0.3 * f64::from(i) + 2.0 * next() - 1.0).clamp(1.0, 5.0)).collect();
            found += usize::from(trend("x".into(), &points(&planted)).says == "rising");
        }
        assert!((25..=75).contains(&wrong), "{wrong} of 1000");
        assert!(found > 950, "{found} of 1000");
    }
}
