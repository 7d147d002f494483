//! What is left of a call when it is over: its transcript and its event log as files, and what the log does not say.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use anyhow::Context;
use reframe_call::{event::EventBody, transcript::Transcript};
use reframe_store::{CallId, EventLog};
use serde::{Deserialize, Serialize};

/// Files of a finished call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// What is known of it besides its events: a [`CallFile`].
    pub about: PathBuf,
    /// Who said what, as text.
    pub transcript: PathBuf,
    /// All events, one JSON object per line.
    pub events: PathBuf,
}

impl Exported {
    /// Where the files of `call` lie.
    #[must_use]
    pub fn paths(data_dir: &Path, call: &CallId) -> Self {
        let calls = data_dir.join("calls");
        Self {
            about: calls.join(format!("{call}{ABOUT}")),
            transcript: calls.join(format!("{call}.transcript.txt")),
            events: calls.join(format!("{call}.events.jsonl")),
        }
    }
}

/// End of the name of a [`CallFile`].
pub const ABOUT: &str = ".call.json";

/// What the store knows of a call and its events do not say; with them it can be read into another store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallFile {
    /// Name of the call.
    pub call: String,
    /// Title to show.
    pub title: String,
    /// Playbook it ran with, as in its first event.
    pub playbook: String,
    /// When it began, in ms since 1970-01-01 UTC.
    pub started_unix_ms: i64,
}

/// Writes the files from the store. None of a call that was erased as a whole.
///
/// # Errors
/// If the store cannot be read or a file cannot be written.
pub fn export(log: &dyn EventLog, data_dir: &Path, call: &CallId) -> anyhow::Result<Option<Exported>> {
    let events = log.read(call, 0)?;
    if events.iter().any(|e| matches!(e.body, EventBody::CallErased { .. })) {
        return Ok(None);
    }
    let paths = Exported::paths(data_dir, call);
    let failed = |path: &Path| format!("{} cannot be written", path.display());
    let known = log.call(call)?.with_context(|| format!("there is no call `{call}`"))?.call;
    let about = CallFile {
        call: call.to_string(),
        title: known.title,
        playbook: known.playbook,
        started_unix_ms: known.started_unix_ms,
    };
    let about = serde_json::to_vec(&about).context("what is known of a call has no JSON form")?;
    create(&paths.about)?.write_all(&about).with_context(|| failed(&paths.about))?;
    let mut out = BufWriter::new(create(&paths.events)?);
    log.export_jsonl(call, &mut out)?;
    out.flush().with_context(|| failed(&paths.events))?;
    let text = Transcript::from_events(&events).to_text();
    create(&paths.transcript)?.write_all(text.as_bytes()).with_context(|| failed(&paths.transcript))?;
    Ok(Some(paths))
}

/// A writer whose failure is told once and then forgotten: a full disk must not end the call that is being recorded.
pub struct BestEffort<W> {
    inner: W,
    path: PathBuf,
    failed: bool,
}

impl<W: Write> BestEffort<W> {
    /// Over `inner`, which writes to `path`.
    pub const fn new(inner: W, path: PathBuf) -> Self {
        Self { inner, path, failed: false }
    }

    fn attempt(&mut self, work: impl FnOnce(&mut W) -> std::io::Result<()>) {
        if self.failed {
            return;
        }
        if let Err(error) = work(&mut self.inner) {
            self.failed = true;
            let path = self.path.display();
            tracing::error!(%error, "{path} is cut short here and cannot be replayed to its end; the call goes on");
        }
    }
}

impl<W: Write> Write for BestEffort<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.attempt(|w| w.write_all(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.attempt(Write::flush);
        Ok(())
    }
}

/// Makes a file, and its folder if need be.
///
/// # Errors
/// If either cannot be made; the message names the file.
pub fn create(path: &Path) -> anyhow::Result<File> {
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir).with_context(|| format!("the folder {} cannot be made", dir.display()))?;
    }
    File::create(path).with_context(|| format!("{} cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_cannot_be_written_holds_nothing_up() {
        let mut room = [0u8; 4];
        let mut out = BestEffort::new(&mut room[..], PathBuf::from("x"));
        for _ in 0..3 {
            out.write_all(b"abc").unwrap();
        }
        out.flush().unwrap();
        assert!(out.failed);
    }
}
