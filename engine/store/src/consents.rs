//! The port of the consent registry: records are added and read, never changed.

use reframe_consent::{ConsentRecord, NewRecord, Person};

use crate::error::StoreError;

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
}
