//! What a sentence means: the seam for the encoder.

/// What the encoder makes of a sentence.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sentence {
    /// Unit vector; the dot product of two is how alike their sentences are, -1..=1.
    pub embedding: Vec<f32>,
    /// Probability of each of the encoder's labels, in their order; together 1.
    pub classes: Vec<f32>,
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

    /// Encodes `text`: normalised tokens with single spaces. If it cannot, the embedding is zero and no class is likely.
    fn encode(&self, text: &str) -> Sentence;

    /// Encodes many texts, in their order and to the same bits as one by one. For a playbook's examples, before a call.
    fn encode_all(&self, texts: &[String]) -> Vec<Sentence> {
        texts.iter().map(|text| self.encode(text)).collect()
    }
}
