//! Whether something that goes to a person outside may go now: asked right before the write, whatever was approved before.

use crate::gate::{Action, Approved};

/// It may not go now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotCleared {
    /// It must not be sent; the approval is void, and a person looks again.
    #[error("{why}")]
    Refused {
        /// Why, for people: in the audit log too, so without names, addresses or words of the message.
        why: String,
    },
    /// Nobody could say; it waits and is asked again.
    #[error("{problem}")]
    Unavailable {
        /// What could not be asked, without names.
        problem: String,
    },
}

/// Who knows whether a person may be written to. Asked after the claim and before each attempt; an answer holds for that
/// attempt alone.
pub trait Clearing: Send + Sync {
    /// Whether this may go out now, in ms since 1970-01-01 UTC.
    ///
    /// # Errors
    /// [`NotCleared`].
    fn clear(&self, write: &Approved, now_unix_ms: i64) -> Result<(), NotCleared>;
}

/// Clears nothing: for a program that sends nothing to people outside.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSends;

impl Clearing for NoSends {
    fn clear(&self, _: &Approved, _: i64) -> Result<(), NotCleared> {
        let why = "nothing is sent to people outside: no rules for it are set up".to_owned();
        Err(NotCleared::Refused { why })
    }
}

/// Whether an action reaches a person outside as soon as it is done. A new action must say so here before it compiles.
pub(super) const fn reaches_somebody(action: &Action) -> bool {
    match action {
        Action::SendMail { .. } => true,
        // A draft lies in the rep's own mailbox.
        Action::CreateNote { .. }
        | Action::CreateTask { .. }
        | Action::UpdateField { .. }
        | Action::CreateDraft { .. } => false,
    }
}
