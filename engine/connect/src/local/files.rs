//! Files of a folder: written whole or not at all, by one writer at a time.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Name of the lock file.
const LOCK: &str = ".reframe.lock";
/// Beginning of the names of files that are not finished.
const UNFINISHED: &str = ".reframe-unfinished-";
/// Longest wait for another writer. A write takes some ms.
const PATIENCE: Duration = Duration::from_secs(5);

/// Longest id, in bytes: names of files end at 255 on common systems.
const MAX_ID: usize = 200;

/// Why a file was not written.
#[derive(Debug)]
pub enum WriteFailed {
    /// It is as it was.
    Unchanged(io::Error),
    /// There is one of that name already; it is as it was.
    Exists,
    /// The new one is there, but may be gone after a power cut.
    Unsure(io::Error),
}

/// The right to write; ends when it is dropped, or the process ends.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "holding it open is all")] File);

/// Waits for the right to write into `folder`, and removes what an earlier writer left unfinished in it and its folders.
///
/// # Errors
/// If the folder cannot be written to, or another program does not stop writing.
pub fn lock(folder: &Path) -> io::Result<Lock> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(folder.join(LOCK))?;
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Lock(file)),
            Err(fs::TryLockError::WouldBlock) if began.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(fs::TryLockError::WouldBlock) => {
                return Err(io::Error::new(io::ErrorKind::WouldBlock, "another program is writing into it"));
            }
            Err(fs::TryLockError::Error(e)) => return Err(e),
        }
    }
}

/// Removes what an earlier writer left unfinished in `folder`. Only under the [`Lock`].
///
/// # Errors
/// If the folder cannot be read.
pub fn sweep(folder: &Path, _lock: &Lock) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Puts `bytes` in the place of `path`: under another name first, then renamed. With `fresh`, only if there is none yet.
///
/// # Errors
/// [`WriteFailed`].
pub fn write(path: &Path, bytes: &[u8], fresh: bool, lock: &Lock) -> Result<(), WriteFailed> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let prepare = || {
        fs::create_dir_all(folder)?;
        sweep(folder, lock)?;
        let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder)?;
        file.write_all(bytes)?;
        // What the old one allowed, so that those who could read it still can.
        if let Ok(old) = fs::metadata(path) {
            file.as_file().set_permissions(old.permissions())?;
        }
        file.as_file().sync_all()?;
        Ok(file)
    };
    let file = prepare().map_err(WriteFailed::Unchanged)?;
    let placed = if fresh { file.persist_noclobber(path) } else { file.persist(path) };
    placed.map_err(|e| match e.error.kind() {
        io::ErrorKind::AlreadyExists => WriteFailed::Exists,
        _ => WriteFailed::Unchanged(e.error),
    })?;
    sync_folder(folder).map_err(WriteFailed::Unsure)
}

/// Makes the names in a folder last.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// The bytes of a file; nothing if there is none.
///
/// # Errors
/// If there is one and it cannot be read.
pub fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// When it was changed last, in ms since 1970; 0 if nobody knows.
pub fn changed_ms(path: &Path) -> i64 {
    let at = fs::metadata(path).and_then(|m| m.modified()).ok();
    let since = at.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    since.and_then(|d| i64::try_from(d.as_millis()).ok()).unwrap_or(0)
}

/// Names without `suffix` of the finished files of a folder that end in it, in order; none if there is no folder.
///
/// # Errors
/// If it cannot be read.
pub fn names(folder: &Path, suffix: &str) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(e),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if let Some(stem) = name.strip_suffix(suffix).filter(|s| is_file_id(s)) {
            names.push(stem.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Whether an id can be the name of a file in its folder and nowhere else: no separators of any system, no leading dot.
pub fn is_file_id(id: &str) -> bool {
    let clean = !id.chars().any(|c| c.is_control() || "/\\:".contains(c));
    clean && !id.is_empty() && id.len() <= MAX_ID && !id.starts_with('.')
}

/// Address of a file, for a person to open.
pub fn url(path: &Path) -> Option<String> {
    let path: PathBuf = fs::canonicalize(path).ok()?;
    Some(format!("file://{}", path.display().to_string().replace('%', "%25").replace(' ', "%20")))
}
