//! The port to a language model: one question, one answer. Implementations speak HTTP; nothing here does.

use super::Reason;

/// What a model is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What it is to do, the same for every call.
    pub system: String,
    /// What it is to do it with. Personal data have been taken out.
    pub prompt: String,
    /// Most tokens of its answer.
    pub max_tokens: u32,
    /// Longest wait for the whole answer, in ms.
    pub timeout_ms: u64,
}

/// What it answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// Its text, as it came.
    pub text: String,
    /// Tokens of what it was asked, as the provider counts them; nothing: it did not say.
    pub tokens_in: Option<u64>,
    /// Tokens of its answer.
    pub tokens_out: Option<u64>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// Too many requests, or the provider is overloaded.
    #[error("the model's provider asks us to wait {} s", wait_ms.div_ceil(1_000))]
    Busy {
        /// For how long, in ms.
        wait_ms: u64,
    },
    /// It did not answer in time.
    #[error("the model did not answer in time")]
    TimedOut,
    /// It cannot be reached, or broke off.
    #[error("the model cannot be reached: {problem}")]
    Unreachable {
        /// What happened.
        problem: String,
    },
    /// The key is missing or wrong, or may not use this model.
    #[error(
        "the model's provider does not let us in (HTTP {status}); check workflow.drafting.key_env, key_file and model"
    )]
    Forbidden {
        /// Its answer.
        status: u16,
    },
    /// It answered something we do not understand.
    #[error("the model's provider answered something unexpected: {problem}")]
    Odd {
        /// What, without any of its text.
        problem: String,
    },
    /// It would not write this.
    #[error("the model declined")]
    Declined,
    /// The answer is longer than it was allowed to be.
    #[error("the model's answer was cut off; raise workflow.drafting.max_answer_tokens")]
    CutOff,
}

impl ModelError {
    /// The same as a reason why the rules' text stands.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Busy { .. } => Reason::Busy,
            Self::TimedOut => Reason::OutOfTime,
            Self::Unreachable { .. } => Reason::Unreachable,
            Self::Forbidden { .. } => Reason::Forbidden,
            Self::Odd { .. } => Reason::OddAnswer,
            Self::Declined => Reason::Declined,
            Self::CutOff => Reason::CutOff,
        }
    }
}

/// A language model.
pub trait WritingModel: Send + Sync {
    /// Provider and model, as artifacts and the audit log name it: `anthropic:NAME`.
    fn name(&self) -> &str;

    /// Asks once and waits for the answer. It is not asked again in here.
    ///
    /// # Errors
    /// [`ModelError`].
    fn write(&self, request: &Request) -> Result<Reply, ModelError>;
}
