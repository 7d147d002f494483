//! Which token may follow which: the grammar of Whisper's timestamps, and tokens that are never said.
//!
//! The rules are those of the paper's reference decoder (Radford et al., 2022, section 4.5 and its `ApplyTimestampRules`
//! filter); a test compares them with another implementation token by token.

use super::vocab::Vocab;

const NEVER: f32 = f32::NEG_INFINITY;

/// Forbids in `scores` (one per token of the vocabulary) what may not follow `said`, the tokens since the start
/// sequence.
pub fn apply(scores: &mut [f32], said: &[u32], vocab: &Vocab) {
    let (eot, stamps) = (vocab.end as usize, vocab.first_stamp as usize);
    for &id in &vocab.suppressed {
        forbid(scores, id);
    }
    forbid(scores, vocab.no_stamps);
    if said.is_empty() {
        for &id in &vocab.suppressed_first {
            forbid(scores, id);
        }
        // The first token is a timestamp, and not a late one.
        scores[..stamps].fill(NEVER);
        if let Some(latest) = vocab.latest_first_stamp {
            let after = (stamps + latest as usize + 1).min(scores.len());
            scores[after..].fill(NEVER);
        }
    }
    let is_stamp = |id: &u32| *id >= vocab.first_stamp;
    if let Some(last) = said.last().filter(|id| is_stamp(id)) {
        let opens = said.len() < 2 || is_stamp(&said[said.len() - 2]);
        if opens {
            scores[stamps..].fill(NEVER);
        } else {
            // It closed a stretch: either the next stretch opens or all is said.
            scores[..eot].fill(NEVER);
            scores[stamps..*last as usize].fill(NEVER);
        }
    } else if let Some(latest) = said.iter().rev().find(|id| is_stamp(id)) {
        // Time goes on; a stretch has a length.
        let after = (*latest as usize + 1).min(scores.len());
        scores[stamps..after].fill(NEVER);
    }
    // Many timestamps with a little probability each still mean "now a timestamp".
    let (text, times) = scores.split_at(stamps);
    let best_text = text.iter().copied().fold(NEVER, f32::max);
    if log_sum_exp(times) > best_text {
        scores[..stamps].fill(NEVER);
    }
}

fn forbid(scores: &mut [f32], id: u32) {
    if let Some(score) = scores.get_mut(id as usize) {
        *score = NEVER;
    }
}

/// `ln(sum(exp(scores)))`, minus infinity for nothing.
#[must_use]
pub fn log_sum_exp(scores: &[f32]) -> f32 {
    let top = scores.iter().copied().fold(NEVER, f32::max);
    if top == NEVER {
        return NEVER;
    }
    let sum: f64 = scores.iter().map(|&s| f64::from(s - top).exp()).sum();
    top + sum.ln() as f32
}
