//! Turns what SQLite says into errors that say what to do.

use std::path::PathBuf;

use rusqlite::ErrorCode;

use crate::error::StoreError;

/// Knows the file's name and settings, for the messages.
#[derive(Clone, Debug)]
pub(crate) struct Faults {
    pub(crate) path: PathBuf,
    pub(crate) busy_ms: u64,
}

impl Faults {
    /// Our error for SQLite's.
    pub(crate) fn name(&self, error: rusqlite::Error) -> StoreError {
        let path = self.path.clone();
        let Some(code) = error.sqlite_error_code() else {
            return StoreError::Database { path, source: error };
        };
        let detail = error.to_string();
        match code {
            ErrorCode::DiskFull => StoreError::Full { path },
            ErrorCode::ReadOnly => StoreError::ReadOnly { path },
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Locked { path, waited_ms: self.busy_ms },
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreError::Corrupt { path, detail },
            ErrorCode::SystemIoFailure => StoreError::Disk { path, detail },
            ErrorCode::CannotOpen | ErrorCode::PermissionDenied => StoreError::Open { path, reason: detail },
            _ => StoreError::Database { path, source: error },
        }
    }
}
