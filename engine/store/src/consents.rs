//! The port of the consent registry: records are added and read, never changed.

use reframe_consent::{ConsentRecord, NewRecord, Person};

use crate::{error::StoreError, id::CallId};

/// What a withdrawal took out of calls that are over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Withdrawn {
    /// Number of the record in the registry.
    pub consent: u64,
    /// Calls that lost words or a name: files of them outside the store have to go as well.
    pub calls: Vec<CallId>,
    /// Events that were rewritten.
    pub events: usize,
    /// Hand-offs that are tombstones now.
    pub artifacts: usize,
    /// Proposals whose texts went.
    pub proposals: usize,
    /// A call of theirs still runs, or a proposal is being written: the rest is done once that is over.
    pub waits: bool,
}

/// A store of consent records. The order of adding is the order of their numbers, and the last word counts.
pub trait ConsentBook: Send + Sync {
    /// Adds records, all or none. `Ok` means they are as safe as events of the log.
    ///
    /// # Errors
    /// [`StoreError::BadConsent`] if one of them may not stand in a registry; errors of the file.
    fn add_consents(&self, new: &[NewRecord]) -> Result<Vec<ConsentRecord>, StoreError>;

    /// Records about a person, so spelled, that concern the call: those for all calls, for this call, and for its tracks.
    /// The latest first, at most `limit`.
    ///
    /// # Errors
    /// Errors of the file.
    fn consents_about(&self, person: &Person, call: &str, limit: usize) -> Result<Vec<ConsentRecord>, StoreError>;

    /// All records, or all about a person. The latest first, at most `limit`.
    ///
    /// # Errors
    /// Errors of the file.
    fn consents(&self, person: Option<&Person>, limit: usize) -> Result<Vec<ConsentRecord>, StoreError>;

    /// Takes out of calls that are over what people said there who have taken their consent back, and whatever quotes or
    /// names them: notes, debriefs, proposals, the index. What was approved of it and not begun is void. Returns when
    /// nothing reads it any more; the pages of the file are cleaned by
    /// [`withdrawals_to_finish`](Self::withdrawals_to_finish). Nearly free if nothing is due; any number of threads may ask,
    /// and one does it. One that waits (a call runs, a proposal is being written) is due again when that is over, else after
    /// 5 s, and each time after twice that, up to 10 min. A store without hand-offs does nothing.
    ///
    /// # Errors
    /// Errors of the file. Then it is still due.
    fn carry_out_withdrawals(&self, _at_unix_ms: i64) -> Result<(), StoreError> {
        Ok(())
    }

    /// Withdrawals that are carried out in the store, whose pages this cleans if anything in them was rewritten since they
    /// were, with the calls whose files outside have to go. Each is to be [finished](Self::withdrawal_finished) then.
    ///
    /// # Errors
    /// Errors of the file. Then try again: the words may still be in its pages.
    fn withdrawals_to_finish(&self) -> Result<Vec<(u64, Vec<CallId>)>, StoreError> {
        Ok(Vec::new())
    }

    /// Nothing of it is left outside the store either.
    ///
    /// # Errors
    /// Errors of the file.
    fn withdrawal_finished(&self, _consent: u64) -> Result<(), StoreError> {
        Ok(())
    }
}
