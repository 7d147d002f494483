//! One number from several pieces of evidence.

use crate::recognize::{PhraseHit, round3};

/// A detection by a phrase fires at this probability or above.
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
    logistic(odds)
}

/// How far above its threshold a phrase scored that was worth `p` by [`sound`]: what a log still knows of it.
#[must_use]
pub fn sound_margin(p: f32) -> f32 {
    // A log has three decimals; at 1 the margin would be endless.
    let p = p.clamp(FIRE_AT, 0.999);
    ((p / (1.0 - p)).ln() - 1.1) / 2.5
}

/// Probability from the meaning of a sentence at which it counts once the sentence is over. The operating point: on the
/// development set about nine in ten are right there (docs/DETECTION.md has the curve).
pub const MEANING_AT: f32 = 0.5;
/// Share of a buyer's turns in a sales call in which something is objected to: 344 of the 2,378 turns of the 52 whole
/// calls among the training lines.
const EXPECTED: f32 = 0.145;
/// How many clauses that expectation weighs as much as. Set by hand: a few minutes of talk.
const EXPECTED_CLAUSES: f32 = 20.0;
/// How much of the way from there to certainty each point of doubt about the words takes: what was misheard means
/// nothing, and the encoder cannot know. Set by hand on the fixture calls.
const DOUBT: f32 = 2.5;
/// Probability from the meaning of a sentence at which it counts before the sentence is over.
pub const EARLY_AT: f32 = 0.9;
/// A detection made early is taken back when the whole sentence leaves it less likely than this.
pub const TAKE_BACK_BELOW: f32 = 0.2;
/// A phrase too short to speak for itself is held back where the meaning of its sentence makes it less likely than this.
pub const UNLIKE_BELOW: f32 = 0.1;

fn logistic(odds: f32) -> f32 {
    1.0 / (1.0 + (-odds).exp())
}

/// Probability at which a meaning counts whose words were heard with this mean confidence, 0..=1.
#[must_use]
pub fn meaning_at(confidence: f32) -> f32 {
    MEANING_AT + (1.0 - MEANING_AT) * (DOUBT * (1.0 - confidence)).clamp(0.0, 1.0)
}

fn log_odds(p: f32) -> f32 {
    let p = p.clamp(1e-6, 1.0 - 1e-6);
    (p / (1.0 - p)).ln()
}

/// What the talk so far says about the next clause, in log-odds, at most 0: `sum` of the probabilities that something is
/// objected to, over `clauses` clauses. Talk in which nobody objects to anything (a meeting of colleagues, a happy
/// customer) makes the next objection less likely; talk full of them changes nothing. The correction of a classifier's
/// probabilities for another share of its classes is Saerens, Latinne and Decaestecker's (2002).
#[must_use]
pub fn prior(sum: f32, clauses: f32) -> f32 {
    let share = (EXPECTED * EXPECTED_CLAUSES + sum) / (EXPECTED_CLAUSES + clauses);
    (log_odds(share) - log_odds(EXPECTED)).min(0.0)
}

/// Probability `p` of a clause on its own, after talk of which [`prior`] says this.
#[must_use]
pub fn after(p: f32, prior: f32) -> f32 {
    logistic(log_odds(p) + prior)
}

/// Score of a sentence of whose class the encoder is sure with probability `p`.
#[must_use]
pub fn meaning(p: f32) -> f32 {
    round3(p)
}

/// Probability that a sentence with this similarity to the nearest `like` line of a play calls for it.
#[must_use]
pub fn by_example(similarity: f32) -> f32 {
    logistic(14.0 * (similarity - 0.46))
}

/// Likeness to three examples at which a play of a label of its own is as likely as not.
const ALIKE_AT: f32 = 0.0;
/// How fast it grows certain with likeness.
const ALIKE_SLOPE: f32 = 14.0;

/// Probability that a sentence of this likeness to the `like` lines of a play calls for it, by an encoder that was taught
/// likeness. The slope is a logistic regression's on plays that the encoder had not learnt from; one half lies where 1.7 %
/// of the lines of the development set call for a play that none of them is about (docs/DETECTION.md).
#[must_use]
pub fn by_likeness(likeness: f32) -> f32 {
    logistic(ALIKE_SLOPE * (likeness - ALIKE_AT))
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
    fn the_margin_is_known_from_the_score() {
        for score in [-1.2f32, -1.0, -0.5, 0.0] {
            assert!((sound_margin(round3(sound(&hit(score)))) - (score + 1.2)).abs() < 0.01, "{score}");
        }
    }

    #[test]
    fn evidence_adds_up() {
        assert_eq!(combine(&[]), 0.0);
        assert_eq!(combine(&[0.5, 0.5]), 0.75);
    }
}
