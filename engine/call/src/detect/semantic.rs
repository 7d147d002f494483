//! What a sentence means: the seam for the encoder.

/// What the encoder makes of a sentence.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sentence {
    /// Unit vector; the dot product of two is how alike their sentences are, -1..=1.
    pub embedding: Vec<f32>,
    /// Probability of each of the encoder's labels, in their order; together 1.
    pub classes: Vec<f32>,
    /// Unit vector in a space of its own, taught to bring together what different people say for the same thing: for plays
    /// that no class covers. Empty where the encoder has none.
    pub alike: Vec<f32>,
}

/// Places sentences. Deterministic: the same text gives the same bits on the same kind of processor.
pub trait SentenceEncoder: Send + Sync {
    /// Name and content hash of the weights.
    fn id(&self) -> String;

    /// The classes it was trained to tell apart; may be empty. `none` is ordinary talk.
    fn labels(&self) -> &[String];

    /// Which of the labels are objections, in the order of [`labels`](Self::labels): together they say how likely it is that
    /// something is objected to, even where it is open what. None, unless the encoder knows.
    fn objections(&self) -> &[bool] {
        &[]
    }

    /// How near a place of the kind of [`Sentence::alike`] lies to a crowd of ordinary lines, -1..=1: what is near to
    /// everything is like nothing in particular. 0 where the encoder has no such places.
    fn crowd(&self, alike: &[f32]) -> f32 {
        let _ = alike;
        0.0
    }

    /// Encodes `text`: normalised tokens with single spaces. If it cannot, the embedding is zero and no class is likely.
    fn encode(&self, text: &str) -> Sentence;

    /// Encodes many texts, in their order and to the same bits as one by one. For a playbook's examples, before a call.
    fn encode_all(&self, texts: &[String]) -> Vec<Sentence> {
        texts.iter().map(|text| self.encode(text)).collect()
    }
}
