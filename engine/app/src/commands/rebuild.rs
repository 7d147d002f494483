//! An empty store filled again from the files that every call leaves: what it said of itself, and its event log.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
};

use anyhow::{Context, ensure};
use reframe_call::event::Event;
use reframe_store::{CallId, EventLog, NewCall};

use crate::server::export::{ABOUT, CallFile, Exported};

/// Events put into the store together.
const AT_ONCE: usize = 512;
/// Longest line of an event log, in bytes: the longest call's erased-and-rewritten events are far below.
const LONGEST_LINE: u64 = 16 << 20;
/// Longest file about a call, in bytes.
const LONGEST_ABOUT: u64 = 1 << 20;

/// Reads every call of `data_dir/calls` into the store; gives how many calls and events.
///
/// # Errors
/// If the store is not empty, or a file is missing or cannot be read; then begin again with an empty store.
pub fn rebuild(log: &dyn EventLog, data_dir: &Path) -> anyhow::Result<(usize, u64)> {
    ensure!(log.calls(None, 1)?.is_empty(), "the store holds calls already; move reframe.db away first");
    let calls = data_dir.join("calls");
    let entries = std::fs::read_dir(&calls).with_context(|| format!("{} cannot be read", calls.display()))?;
    let mut found: Vec<CallFile> = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(ABOUT)) {
            found.push(about(&path)?);
        }
    }
    // In the order they were held, as a store that was never lost has them.
    found.sort_by(|a, b| (a.started_unix_ms, &a.call).cmp(&(b.started_unix_ms, &b.call)));
    let mut events = 0;
    for call in &found {
        events += one(log, data_dir, call).with_context(|| format!("call `{}`", call.call))?;
    }
    Ok((found.len(), events))
}

fn about(path: &Path) -> anyhow::Result<CallFile> {
    let broken = || format!("{} is no file about a call", path.display());
    let mut text = String::new();
    File::open(path).and_then(|file| file.take(LONGEST_ABOUT).read_to_string(&mut text)).with_context(broken)?;
    serde_json::from_str(&text).with_context(broken)
}

fn one(log: &dyn EventLog, data_dir: &Path, call: &CallFile) -> anyhow::Result<u64> {
    let id = CallId::new(call.call.as_str())?;
    let path = Exported::paths(data_dir, &id).events;
    let file = File::open(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    log.create(&NewCall {
        id: id.clone(),
        title: call.title.clone(),
        playbook: call.playbook.clone(),
        started_unix_ms: call.started_unix_ms,
        token_hash: String::new(),
    })?;
    let mut lines = BufReader::new(file);
    let mut next = 0;
    let mut part: Vec<Event> = Vec::with_capacity(AT_ONCE);
    loop {
        let place = format!("{}:{}", path.display(), next + part.len() as u64 + 1);
        let mut line = String::new();
        let read = lines.by_ref().take(LONGEST_LINE).read_line(&mut line);
        let over = read.with_context(|| format!("{place} cannot be read"))? == 0;
        if !over {
            let whole = (line.len() as u64) < LONGEST_LINE || line.ends_with('\n');
            ensure!(whole, "{place} is longer than {LONGEST_LINE} bytes");
            part.push(serde_json::from_str(&line).with_context(|| format!("{place} is no event"))?);
        }
        if part.len() == AT_ONCE || (over && !part.is_empty()) {
            next = log.append(&id, next, &part)?.next_seq;
            part.clear();
        }
        if over {
            return Ok(next);
        }
    }
}

#[cfg(test)]
mod tests {
    use reframe_store::{CallState, MemoryLog};

    use super::*;
    use crate::server::export;

    /// More events than are put at once, and an older call; the files of the second store are those of the first.
    #[test]
    fn what_calls_leave_fills_another_store_byte_for_byte() {
        let dir = tempfile::tempdir().unwrap();
        let first = MemoryLog::new();
        for (name, started_unix_ms, notes) in [("b", 2_000, 1_200), ("a", 1_000, 0)] {
            let id = CallId::new(name).unwrap();
            let (title, playbook) = (format!("Talk {name}"), "p@1:00".to_owned());
            first
                .create(&NewCall { id: id.clone(), title, playbook, started_unix_ms, token_hash: "x".into() })
                .unwrap();
            let note =
                |seq: u64| format!(r#"{{"seq":{seq},"at_us":{seq},"event":"note_taken","text":"remember {seq}"}}"#);
            let ended =
                format!(r#"{{"seq":{notes},"at_us":{notes},"event":"call_failed","error":"the line went dead"}}"#);
            let lines = (0..notes).map(note).chain([ended]);
            let events: Vec<Event> = lines.map(|line| serde_json::from_str(&line).unwrap()).collect();
            first.append(&id, 0, &events).unwrap();
            export::export(&first, dir.path(), &id).unwrap();
        }
        let second = MemoryLog::new();
        assert_eq!(rebuild(&second, dir.path()).unwrap(), (2, 1_202));
        let known = |log: &MemoryLog| {
            let calls = log.calls(None, 10).unwrap().into_iter();
            calls.map(|c| (c.call.id, c.call.title, c.call.started_unix_ms, c.state, c.next_seq)).collect::<Vec<_>>()
        };
        assert_eq!(known(&second), known(&first));
        assert!(known(&second).iter().all(|c| c.3 == CallState::Failed));
        let b = CallId::new("b").unwrap();
        assert_eq!(second.lines(&b, 0, 2_000).unwrap(), first.lines(&b, 0, 2_000).unwrap());
        assert!(rebuild(&second, dir.path()).unwrap_err().to_string().contains("holds calls already"));
        std::fs::remove_file(dir.path().join("calls/a.events.jsonl")).unwrap();
        assert!(rebuild(&MemoryLog::new(), dir.path()).unwrap_err().to_string().contains("call `a`"));
    }

    /// A line that is no event, or has no end, is named with its file. Older calls are whole, of this one there is what
    /// was put before; the file stays as it is, and once it is mended an empty store has it all.
    #[test]
    fn a_broken_line_and_an_endless_one_are_named_and_lose_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let first = MemoryLog::new();
        let [a, b] = ["a", "b"].map(|name| CallId::new(name).unwrap());
        for (id, started_unix_ms, notes) in [(&a, 1_000, 2), (&b, 2_000, 600)] {
            let (title, playbook) = (format!("Talk {id}"), "p@1:00".to_owned());
            first
                .create(&NewCall { id: id.clone(), title, playbook, started_unix_ms, token_hash: "x".into() })
                .unwrap();
            let note = |seq: u64| format!(r#"{{"seq":{seq},"at_us":{seq},"event":"note_taken","text":"note {seq}"}}"#);
            let events: Vec<Event> = (0..notes).map(|seq| serde_json::from_str(&note(seq)).unwrap()).collect();
            first.append(id, 0, &events).unwrap();
            export::export(&first, dir.path(), id).unwrap();
        }
        let path = dir.path().join("calls/b.events.jsonl");
        let whole = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = whole.lines().collect();
        let endless = lines[549].replace("note 549", &"x".repeat(usize::try_from(LONGEST_LINE).unwrap()));
        let cases =
            [(3, &lines[2][..20], 0, "is no event"), (550, endless.as_str(), AT_ONCE, "is longer than 16777216 bytes")];
        for (nth, with, put, why) in cases {
            let spoiled = lines.iter().zip(1..).map(|(line, n)| if n == nth { with } else { *line });
            let spoiled: String = spoiled.map(|line| format!("{line}\n")).collect();
            std::fs::write(&path, &spoiled).unwrap();
            let log = MemoryLog::new();
            let error = format!("{:#}", rebuild(&log, dir.path()).unwrap_err());
            assert!(error.starts_with(&format!("call `b`: {}:{nth} {why}", path.display())), "{error}");
            assert_eq!(log.lines(&a, 0, 10).unwrap(), first.lines(&a, 0, 10).unwrap(), "line {nth}");
            assert_eq!(log.lines(&b, 0, 1_000).unwrap(), first.lines(&b, 0, put).unwrap(), "line {nth}");
            // Not `assert_eq`: nobody wants to read that much.
            assert!(std::fs::read_to_string(&path).unwrap() == spoiled, "line {nth}: the file stays as it is");
        }
        std::fs::write(&path, [lines[0].as_bytes(), b"\n\xff\n"].concat()).unwrap();
        let error = format!("{:#}", rebuild(&MemoryLog::new(), dir.path()).unwrap_err());
        assert!(error.starts_with(&format!("call `b`: {}:2 cannot be read", path.display())), "{error}");
        std::fs::write(&path, &whole).unwrap();
        let log = MemoryLog::new();
        assert_eq!(rebuild(&log, dir.path()).unwrap(), (2, 602));
        assert_eq!(log.lines(&b, 0, 1_000).unwrap(), first.lines(&b, 0, 1_000).unwrap());
    }
}
