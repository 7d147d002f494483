//! One number from several pieces of evidence.

use crate::recognize::{PhraseHit, round3};

/// A detection fires at this probability or above.
pub const FIRE_AT: f32 = 0.6;

/// Probability that a phrase was meant as written when its words stand in committed text. Set by hand, to be calibrated
/// with the detector's own back-test.
pub const COMMITTED_TEXT: f32 = 0.9;
/// The same when part of the words may still change.
pub const TAIL_TEXT: f32 = 0.75;

/// Probability that a phrase was said, from the sounds alone.
///
/// At the threshold itself spotting is right about three times in four (asr-v0: 88 % of phrases found at five false
/// accepts an hour); each 0.3 above it roughly halves the doubt. Logistic, with those two points.
#[must_use]
pub fn sound(hit: &PhraseHit) -> f32 {
    let margin = hit.score - hit.threshold;
    let odds = 1.1 + 2.5 * margin;
    1.0 / (1.0 + (-odds).exp())
}

/// Noisy-or: independent pieces of evidence add up, none subtracts. Rounded to three decimals.
#[must_use]
pub fn combine(evidence: &[f32]) -> f32 {
    round3(1.0 - evidence.iter().map(|p| 1.0 - p.clamp(0.0, 1.0)).product::<f32>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{recognize::PhraseId, time::MediaTime};

    fn hit(score: f32) -> PhraseHit {
        PhraseHit { phrase: PhraseId(0), start: MediaTime::ZERO, end: MediaTime::ZERO, score, threshold: -1.2 }
    }

    #[test]
    fn a_hit_at_its_threshold_fires_and_a_better_one_scores_more() {
        assert!(sound(&hit(-1.2)) >= FIRE_AT);
        assert!(sound(&hit(-0.2)) > sound(&hit(-1.0)));
    }

    #[test]
    fn evidence_adds_up() {
        assert_eq!(combine(&[]), 0.0);
        assert_eq!(combine(&[0.5, 0.5]), 0.75);
    }
}
