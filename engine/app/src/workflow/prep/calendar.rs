//! The team's calendar as files: read again when one of them changed, and from time to time because the window moves on.

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::{Context, bail};
use jiff::tz::TimeZone;
use reframe_prep::calendar::{self, MAX_BYTES, Read, Window};

/// Files of a folder that are read; more are refused, for half a calendar is worse than none.
const MOST_FILES: usize = 64;
/// So long what was read is good while no file changes, in ms: the window is an hour wider at its far end.
const AGAIN_MS: i64 = 60 * 60 * 1_000;
/// Meetings that are kept back from before now, in ms: a day.
pub const BEHIND_MS: i64 = 24 * 60 * 60 * 1_000;

/// A file as far as one sees without reading it.
type Look = Vec<(PathBuf, u64, Option<SystemTime>)>;

/// A calendar that was read.
#[derive(Default)]
pub struct Calendar {
    seen: Option<(Look, i64)>,
    read: Read,
}

impl Calendar {
    /// What the files say for a day back and so many days ahead.
    ///
    /// # Errors
    /// If any of them cannot be read: what is missing must not look as if it were called off.
    pub fn look(&mut self, path: &Path, days_ahead: u32, now_unix_ms: i64, home: &TimeZone) -> anyhow::Result<&Read> {
        let look = look_at(path)?;
        let fresh =
            self.seen.as_ref().is_some_and(|(seen, at)| *seen == look && (0..AGAIN_MS).contains(&(now_unix_ms - at)));
        if !fresh {
            let ahead = i64::from(days_ahead) * BEHIND_MS + AGAIN_MS;
            let window = Window { from_unix_ms: now_unix_ms - BEHIND_MS, to_unix_ms: now_unix_ms + ahead };
            self.read = read(&look, window, home)?;
            self.seen = Some((look, now_unix_ms));
        }
        Ok(&self.read)
    }
}

/// What the files at `path` say for a window.
///
/// # Errors
/// If one of them cannot be read.
pub fn read_at(path: &Path, window: Window, home: &TimeZone) -> anyhow::Result<Read> {
    read(&look_at(path)?, window, home)
}

fn read(files: &Look, window: Window, home: &TimeZone) -> anyhow::Result<Read> {
    let mut all = Read::default();
    for (path, ..) in files {
        let mut bytes = Vec::new();
        // One byte more than may be is enough for the reader to know, and it says so.
        let most = MAX_BYTES as u64 + 1;
        let cannot = || format!("the calendar {} cannot be read", path.display());
        File::open(path).and_then(|f| f.take(most).read_to_end(&mut bytes)).with_context(cannot)?;
        let google = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json"));
        let one =
            if google { calendar::google(&bytes, window, home) } else { calendar::icalendar(&bytes, window, home) };
        all.meetings.extend(one.meetings);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        all.problems.extend(one.problems.into_iter().map(|mut p| {
            p.place = format!("{name}, {}", p.place);
            p
        }));
    }
    all.meetings.sort_by(|a, b| (a.start_unix_ms, &a.event).cmp(&(b.start_unix_ms, &b.event)));
    Ok(all)
}

/// The calendar's files, by name.
fn look_at(path: &Path) -> anyhow::Result<Look> {
    let cannot = || {
        format!(
            "the calendar {} cannot be read; workflow.prep.calendar is an .ics file or a folder of them",
            path.display()
        )
    };
    let files = if std::fs::metadata(path).with_context(cannot)?.is_dir() {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(path).with_context(cannot)? {
            let file = entry.with_context(cannot)?.path();
            let ending = file.extension().unwrap_or_default();
            if (ending.eq_ignore_ascii_case("ics") || ending.eq_ignore_ascii_case("json")) && file.is_file() {
                files.push(file);
            }
            if files.len() > MOST_FILES {
                bail!("{} holds more than {MOST_FILES} calendars; put fewer there", path.display());
            }
        }
        files.sort();
        files
    } else {
        vec![path.to_owned()]
    };
    let seen = |path: PathBuf| {
        let seen = std::fs::metadata(&path)?;
        Ok((path, seen.len(), seen.modified().ok()))
    };
    files.into_iter().map(seen).collect::<std::io::Result<_>>().with_context(cannot)
}
