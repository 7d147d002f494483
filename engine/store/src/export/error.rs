//! Why nothing was exported or imported, and what to do about it.

use std::path::PathBuf;

use crate::error::StoreError;

/// Why an export or import was not done. Nothing of it is left then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// There is something at the place of the export.
    #[error("{} is there already and not empty: name another folder, or empty this one", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// A file or folder cannot be read or written.
    #[error("{} cannot be read or written ({reason})", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The store has a table this program does not know how to export.
    #[error("the store has a table `{table}` that an export would leave out: use the program that made it")]
    UnknownTable {
        /// Its name.
        table: String,
    },
    /// The store to import into holds something.
    #[error("the store is not empty (`{table}` has rows): import into a new one")]
    StoreNotEmpty {
        /// The first table with rows.
        table: String,
    },
    /// The export is of another version.
    #[error("the export says `{found}` and this program reads `{known}`: use the program that made it, or a newer one")]
    Version {
        /// What the export says.
        found: String,
        /// What is known here.
        known: String,
    },
    /// A file is not what the manifest says.
    #[error("{file}: {problem}; take the export again, or from a copy")]
    Damaged {
        /// The file, within the export.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A line cannot be taken.
    #[error("{file}, line {line}: {problem}")]
    Line {
        /// The file, within the export.
        file: String,
        /// Its line, from 1.
        line: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
