//! The name a call is stored under.

use crate::error::StoreError;

/// Longest [`CallId`], in bytes.
const MAX_BYTES: usize = 128;

/// Name of a call: 1 to 128 ASCII letters, digits, `-`, `_` or `.`, not starting with `.`, so that it can stand in an
/// address and in a file name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(String);

impl CallId {
    /// Checks and takes a name.
    ///
    /// # Errors
    /// [`StoreError::BadCallId`] if it is empty, too long or has other characters.
    pub fn new(id: impl Into<String>) -> Result<Self, StoreError> {
        let id = id.into();
        let fits = !id.is_empty()
            && id.len() <= MAX_BYTES
            && !id.starts_with('.')
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        if fits { Ok(Self(id)) } else { Err(StoreError::BadCallId { bytes: id.len() }) }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for CallId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for CallId {
    type Err = StoreError;

    fn from_str(s: &str) -> Result<Self, StoreError> {
        Self::new(s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_names_that_fit_an_address_and_refuses_others() {
        for good in ["a", "call-1", "2026-11-22_demo.v1", &"x".repeat(128)] {
            assert!(CallId::new(good).is_ok(), "{good}");
        }
        for bad in ["", ".", "../etc", "a/b", "a b", "é", &"x".repeat(129)] {
            assert!(CallId::new(bad).is_err(), "{bad}");
        }
    }
}
