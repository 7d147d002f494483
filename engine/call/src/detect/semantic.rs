//! The seam for a detector that understands sentences rather than phrases. None ships yet; the session already calls
//! one when it is given one, and lets it rest while the machine is behind.

/// How near a sentence is to a play's examples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Similarity {
    /// Index of the play in its playbook.
    pub play: usize,
    /// Probability, 0..=1, that the sentence calls for this play.
    pub probability: f32,
}

/// Scores a sentence against a playbook. Deterministic: the same text gives the same bits.
pub trait SemanticScorer: Send {
    /// Plays that `text` (normalised tokens with single spaces) may call for, best first. Empty if none comes near.
    fn score(&mut self, text: &str) -> Vec<Similarity>;
}
