//! Opening the file: who may read it, how commits reach the disk, how large it may grow.

use std::{fs, io, path::Path, sync::Mutex, time::Duration};

use rusqlite::{Connection, OpenFlags};

use crate::{
    error::StoreError,
    sqlite::{SqliteLog, faults::Faults, lock, schema},
};

/// How to open a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SqliteOptions {
    /// How long an append waits for another program that holds the file, in ms.
    pub busy_ms: u64,
    /// Largest size of the file in bytes; `None` is no limit of our own. An append that would pass it is refused with
    /// [`StoreError::Full`].
    pub max_bytes: Option<u64>,
}

impl Default for SqliteOptions {
    /// Waits 2 s, which is longer than any checkpoint of ours takes and shorter than the writer's queue is deep.
    fn default() -> Self {
        Self { busy_ms: 2_000, max_bytes: None }
    }
}

impl SqliteLog {
    /// Opens the file, making it and its folder if they are not there; only this user may enter a new folder
    /// and read a new file. An older
    /// format is brought up to date.
    ///
    /// # Errors
    /// [`StoreError::Open`], [`ReadOnly`](StoreError::ReadOnly), [`Locked`](StoreError::Locked),
    /// [`Corrupt`](StoreError::Corrupt), [`NewerFormat`](StoreError::NewerFormat), [`NotOurs`](StoreError::NotOurs),
    /// [`Full`](StoreError::Full). A file that is refused is left as it was.
    pub fn open(path: impl AsRef<Path>, options: SqliteOptions) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let faults = Faults { path: path.to_owned(), busy_ms: options.busy_ms };
        prepare_file(path).map_err(|e| match e.kind() {
            io::ErrorKind::StorageFull => StoreError::Full { path: path.to_owned() },
            io::ErrorKind::ReadOnlyFilesystem => StoreError::ReadOnly { path: path.to_owned() },
            _ => StoreError::Open { path: path.to_owned(), reason: e.to_string() },
        })?;
        let mut writer = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, &faults)?;
        if writer.is_readonly("main").map_err(|e| faults.name(e))? {
            return Err(StoreError::ReadOnly { path: path.to_owned() });
        }
        schema::check(&writer, path, &faults)?;
        let mode: String =
            writer.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).map_err(|e| faults.name(e))?;
        if mode != "wal" {
            let reason = format!("its file system allows no write-ahead log, only `{mode}`; use a local disk");
            return Err(StoreError::Open { path: path.to_owned(), reason });
        }
        // FULL: a commit waits for the disk, so an acknowledged event survives a power cut. It costs one flush per
        // append, and appends come in batches off the path to the screens. `fullfsync` is what makes a flush a flush on
        // macOS. `secure_delete` overwrites what is deleted: a call somebody wanted gone is gone.
        writer
            .execute_batch(
                "PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON;
                 PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON;",
            )
            .map_err(|e| faults.name(e))?;
        limit(&writer, options.max_bytes).map_err(|e| faults.name(e))?;
        schema::migrate(&mut writer, path, &faults)?;
        let reader = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY, &faults)?;
        Ok(Self { writer: Mutex::new(writer), reader: Some(Mutex::new(reader)), faults })
    }

    /// A store in memory, gone when it is dropped: for tests, and for running without a file.
    ///
    /// # Errors
    /// Errors of SQLite.
    pub fn in_memory() -> Result<Self, StoreError> {
        let faults = Faults { path: ":memory:".into(), busy_ms: 0 };
        let mut writer = Connection::open_in_memory().map_err(|e| faults.name(e))?;
        writer.execute_batch("PRAGMA foreign_keys = ON;").map_err(|e| faults.name(e))?;
        schema::migrate(&mut writer, &faults.path, &faults)?;
        Ok(Self { writer: Mutex::new(writer), reader: None, faults })
    }

    /// Opens an existing file for reading only, also while a server writes to it. Every write is refused with
    /// [`StoreError::ReadOnly`].
    ///
    /// # Errors
    /// As [`open`](Self::open); also [`StoreError::Open`] if there is no such file, or if it has an older format (open
    /// it for writing once).
    pub fn open_read_only(path: impl AsRef<Path>, options: SqliteOptions) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let faults = Faults { path: path.to_owned(), busy_ms: options.busy_ms };
        let first = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY, &faults)?;
        let format = schema::check(&first, path, &faults)?;
        if format < schema::FORMAT {
            let reason = format!("it has format {format}; start the server on it once to make it {}", schema::FORMAT);
            return Err(StoreError::Open { path: path.to_owned(), reason });
        }
        let second = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY, &faults)?;
        Ok(Self { writer: Mutex::new(first), reader: Some(Mutex::new(second)), faults })
    }
}

impl Drop for SqliteLog {
    /// Puts everything into the one file, so that a copy of it is a copy of the log. If that fails, the next start
    /// does it; nothing acknowledged depends on it.
    fn drop(&mut self) {
        let writer = lock(&self.writer);
        drop(writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())));
    }
}

fn connect(path: &Path, access: OpenFlags, faults: &Faults) -> Result<Connection, StoreError> {
    // NO_MUTEX: our own mutex is around each connection. No URI: a file name is a file name.
    let conn =
        Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(|e| faults.name(e))?;
    conn.busy_timeout(Duration::from_millis(faults.busy_ms)).map_err(|e| faults.name(e))?;
    Ok(conn)
}

/// Makes the file and its folder if they are missing. SQLite gives its helper files the rights of the main one.
fn prepare_file(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        // Transcripts are written beside the log: a folder made here is for its owner alone.
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(e),
        _ => Ok(()),
    }
}

/// Sets the largest size of the file.
pub(super) fn limit(conn: &Connection, max_bytes: Option<u64>) -> rusqlite::Result<()> {
    let page: i64 = conn.query_row("PRAGMA page_size", [], |row| row.get(0))?;
    // 4294967294 is the most pages SQLite can count (sqlite.org/limits.html).
    let pages = max_bytes.map_or(4_294_967_294, |bytes| (bytes / page.unsigned_abs().max(1)).clamp(1, 4_294_967_294));
    conn.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))
}
