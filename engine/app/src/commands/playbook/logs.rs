//! Finds event logs and reads them, one event at a time: files as `reframe` exports them, and stores.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, bail, ensure};
use reframe_call::{
    backtest::truth::Truth,
    event::{Event, EventBody},
    time::MediaTime,
};
use reframe_store::{CallId, EventLog, SqliteLog, SqliteOptions};

/// Longest line of a log in bytes. The longest event is a card, some kilobytes.
const LINE_MAX: u64 = 1 << 20;
/// Folders looked into below one that was named.
const DEPTH_MAX: usize = 4;
/// Events read from a store at a time.
const PAGE: usize = 512;
/// First bytes of every SQLite file.
const SQLITE: &[u8] = b"SQLite format 3\0";

/// The log of one call.
#[derive(Clone)]
pub struct Log {
    /// Name of the call.
    pub name: String,
    /// What should have happened in it, if that is known.
    pub truth: Option<Truth>,
    lies: Lies,
}

#[derive(Clone)]
enum Lies {
    InFile(PathBuf),
    InStore(Arc<SqliteLog>, CallId),
}

/// Finds the logs that `paths` name: files, stores, and folders with either. In order of their paths; of a store, in order
/// of time.
///
/// # Errors
/// If something cannot be read, or there is no log.
pub fn find(paths: &[PathBuf]) -> anyhow::Result<Vec<Log>> {
    let (mut files, mut stores) = (Vec::new(), Vec::new());
    for path in paths {
        let cannot = || format!("{} cannot be read", path.display());
        if path.is_dir() {
            look_into(path, DEPTH_MAX, &mut files, &mut stores).with_context(cannot)?;
        } else if first_bytes(path).with_context(cannot)?.starts_with(SQLITE) {
            stores.push(path.clone());
        } else {
            files.push(path.clone());
        }
    }
    let mut logs = Vec::new();
    let mut stored = BTreeSet::new();
    for path in unique(stores) {
        for log in in_store(&path)? {
            stored.insert(log.name.clone());
            logs.push(log);
        }
    }
    for path in unique(files) {
        let log = in_file(&path)?;
        // A server exports finished calls beside its store: the same call twice would count twice.
        if !(stored.contains(&log.name) && is_export(&path)) {
            logs.push(log);
        }
    }
    ensure!(
        !logs.is_empty(),
        "no event log is there; give files written by `reframe replay --events FILE`, a server's calls/*.events.jsonl, or \
         its reframe.db"
    );
    Ok(logs)
}

/// Each once, in the order they were named.
fn unique(paths: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut seen = BTreeSet::new();
    let real = |p: &PathBuf| p.canonicalize().unwrap_or_else(|_| p.clone());
    paths.into_iter().filter(|p| seen.insert(real(p))).collect()
}

fn first_bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut first = Vec::new();
    File::open(path)?.take(64).read_to_end(&mut first)?;
    Ok(first)
}

fn look_into(dir: &Path, depth: usize, files: &mut Vec<PathBuf>, stores: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(dir)?.map(|e| e.map(|e| e.path())).collect::<std::io::Result<_>>()?;
    entries.sort();
    for path in entries {
        let hidden = path.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
        if path.is_dir() && !path.is_symlink() {
            if depth > 0 && !hidden {
                look_into(&path, depth - 1, files, stores)?;
            }
        } else if path.extension().is_some_and(|e| e == "jsonl") {
            // Other lines lie about as well: records of inputs, data sets.
            if begins_with_a_call(&path) {
                files.push(path);
            }
        } else if path.extension().is_some_and(|e| e == "db") && first_bytes(&path)?.starts_with(SQLITE) {
            stores.push(path);
        }
    }
    Ok(())
}

fn begins_with_a_call(path: &Path) -> bool {
    let mut line = Vec::new();
    let read = File::open(path).and_then(|f| BufReader::new(f.take(LINE_MAX)).read_until(b'\n', &mut line));
    read.is_ok()
        && serde_json::from_slice::<Event>(&line).is_ok_and(|e| matches!(e.body, EventBody::CallStarted { .. }))
}

fn is_export(path: &Path) -> bool {
    path.to_string_lossy().ends_with(".events.jsonl")
}

fn in_file(path: &Path) -> anyhow::Result<Log> {
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let stem = file.strip_suffix(".events.jsonl").or_else(|| file.strip_suffix(".jsonl")).unwrap_or(&file);
    let folder = path.parent().and_then(Path::file_name).map(|f| f.to_string_lossy().into_owned());
    let is_only_one = matches!(stem, "events" | "expected");
    let name = folder.filter(|_| is_only_one).unwrap_or_else(|| stem.to_owned());
    let own = format!("{stem}.truth.toml");
    let beside: &[&str] = if is_only_one { &[&own, "truth.toml", "script.toml"] } else { &[&own] };
    Ok(Log { name, truth: truth_in(path, beside)?, lies: Lies::InFile(path.to_owned()) })
}

/// The first of these files beside `path` that is there.
fn truth_in(path: &Path, names: &[&str]) -> anyhow::Result<Option<Truth>> {
    let Some(path) = names.iter().map(|n| path.with_file_name(n)).find(|p| p.is_file()) else { return Ok(None) };
    let text = std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    match Truth::parse(&text) {
        Ok(truth) => Ok(Some(truth)),
        Err(why) => bail!("{} is no answer key: {why}", path.display()),
    }
}

fn in_store(path: &Path) -> anyhow::Result<Vec<Log>> {
    let store = Arc::new(SqliteLog::open_read_only(path, SqliteOptions::default())?);
    let mut calls = store.calls(None, usize::MAX)?;
    calls.reverse();
    calls
        .into_iter()
        .filter(|c| c.next_seq > 0)
        .map(|c| {
            let id = c.call.id;
            let truth = truth_in(path, &[&format!("{id}.truth.toml")])?;
            Ok(Log { name: id.to_string(), truth, lies: Lies::InStore(Arc::clone(&store), id) })
        })
        .collect()
}

impl Log {
    /// Reads the log, one event at a time.
    ///
    /// # Errors
    /// If it cannot be read or is broken: where, and what is wrong.
    pub fn each(&self, mut take: impl FnMut(&Event)) -> anyhow::Result<()> {
        match &self.lies {
            Lies::InFile(path) => {
                let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
                each_line(&path.display().to_string(), BufReader::with_capacity(1 << 16, file), take)
            }
            Lies::InStore(store, id) => {
                let mut order = Order::default();
                loop {
                    let lines = store.lines(id, order.next, PAGE)?;
                    if lines.is_empty() {
                        return order.finish().with_context(|| format!("call {id}"));
                    }
                    for line in lines {
                        let place = || format!("call {id}, event {}", order.next);
                        let event: Event = serde_json::from_str(&line).with_context(place)?;
                        order.check(&event).with_context(|| format!("call {id}"))?;
                        take(&event);
                    }
                }
            }
        }
    }
}

fn each_line(file: &str, mut lines: impl BufRead, mut take: impl FnMut(&Event)) -> anyhow::Result<()> {
    let mut order = Order::default();
    let mut line = Vec::new();
    for number in 1u64.. {
        line.clear();
        let read = lines.by_ref().take(LINE_MAX + 1).read_until(b'\n', &mut line);
        if read.with_context(|| format!("{file}:{number} cannot be read"))? == 0 {
            break;
        }
        ensure!(line.len() as u64 <= LINE_MAX, "{file}:{number}: the line is longer than any event");
        if line.trim_ascii().is_empty() {
            continue;
        }
        let event: Event = serde_json::from_slice(&line).map_err(|error| match number {
            1 if line.starts_with(b"{\"reframe_inputs\"") => anyhow::anyhow!(
                "{file} is a record of inputs, not an event log; make one of it with `reframe replay {file} --events FILE`"
            ),
            _ if error.is_eof() => anyhow::anyhow!("{file}:{number}: the line is cut off ({error}); take it out"),
            _ => anyhow::anyhow!("{file}:{number}: not an event: {error}"),
        })?;
        order.check(&event).with_context(|| format!("{file}:{number}"))?;
        take(&event);
    }
    order.finish().with_context(|| file.to_owned())
}

/// What must hold from one event to the next.
#[derive(Default)]
struct Order {
    next: u64,
    at: MediaTime,
}

impl Order {
    fn check(&mut self, event: &Event) -> anyhow::Result<()> {
        if self.next == 0 {
            ensure!(
                event.seq == 0 && matches!(event.body, EventBody::CallStarted { .. }),
                "a log begins with event 0, call_started; this one begins in the middle"
            );
        }
        ensure!(event.seq == self.next, "event {} stands where {} should: lines are missing", event.seq, self.next);
        ensure!(event.at >= self.at, "event {} lies before the one in front of it: lines were moved", event.seq);
        (self.next, self.at) = (event.seq + 1, event.at);
        Ok(())
    }

    fn finish(&self) -> anyhow::Result<()> {
        ensure!(self.next > 0, "there is no event in it");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: &str =
        r#"{"seq":0,"at_us":0,"event":"call_started","schema":1,"playbook":"p:1","recognizer":"r","detector":"d"}"#;
    const STALL: &str = r#"{"seq":1,"at_us":50,"event":"audio_resumed"}"#;

    #[track_caller]
    fn refused(text: &str, says: &str) {
        let error = format!("{:#}", each_line("x.jsonl", text.as_bytes(), |_| ()).unwrap_err());
        assert!(error.contains(says), "{error}");
    }

    #[test]
    fn broken_logs_are_refused_with_the_line() {
        let mut n = 0;
        each_line("x", format!("{START}\n\n{STALL}\n").as_bytes(), |_| n += 1).unwrap();
        assert_eq!(n, 2);
        refused("", "x.jsonl: there is no event");
        refused(STALL, "x.jsonl:1: a log begins with event 0");
        refused(&format!("{START}\n{{\"seq\":1}}\n"), "x.jsonl:2: not an event");
        refused(&format!("{START}\n{}", &STALL[..20]), "x.jsonl:2: the line is cut off");
        refused(
            &format!("{START}\n{}\n", STALL.replace("\"seq\":1", "\"seq\":2")),
            "x.jsonl:2: event 2 stands where 1",
        );
        let back = STALL.replace("\"seq\":1", "\"seq\":2").replace(":50", ":49");
        refused(&format!("{START}\n{STALL}\n{back}\n"), "x.jsonl:3: event 2 lies before");
        refused(&format!("{START}\n{}\n", "x".repeat(1 << 20)), "x.jsonl:2: the line is longer");
        refused("{\"reframe_inputs\":1}\n", "is a record of inputs");
    }

    #[test]
    fn logs_are_found_with_their_answer_keys() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("b/expected.jsonl", START);
        write("b/script.toml", "title = \"none may come\"");
        write("a.events.jsonl", START);
        write("c.jsonl", START);
        write("c.truth.toml", "[[objection]]\nlabel = \"price\"\nstart_ms = 1\nend_ms = 2\n");
        write("inputs.jsonl", "{\"reframe_inputs\":1}\n");
        let found = find(&[dir.path().to_owned(), dir.path().join("c.jsonl")]).unwrap();
        let names: Vec<_> = found.iter().map(|l| (l.name.as_str(), l.truth.as_ref().map(Truth::expected))).collect();
        assert_eq!(names, [("a", None), ("b", Some(0)), ("c", Some(1))]);
        write("c.truth.toml", "[[objection]]\nlabel = 3\n");
        let error = find(&[dir.path().to_owned()]).err().unwrap().to_string();
        assert!(error.contains("c.truth.toml is no answer key"), "{error}");
        std::fs::create_dir(dir.path().join("empty")).unwrap();
        assert!(find(&[dir.path().join("empty")]).err().unwrap().to_string().contains("--events"));
    }

    #[test]
    fn a_call_in_the_store_and_beside_it_counts_once() {
        use reframe_store::NewCall;
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteLog::open(dir.path().join("reframe.db"), SqliteOptions::default()).unwrap();
        let id = CallId::new("one").unwrap();
        let call = NewCall {
            id: id.clone(),
            title: String::new(),
            playbook: "p:1".into(),
            started_unix_ms: 0,
            token_hash: String::new(),
        };
        store.create(&call).unwrap();
        store.append(&id, 0, &[serde_json::from_str(START).unwrap(), serde_json::from_str(STALL).unwrap()]).unwrap();
        drop(store);
        std::fs::create_dir(dir.path().join("calls")).unwrap();
        std::fs::write(dir.path().join("calls/one.events.jsonl"), format!("{START}\n")).unwrap();
        let found = find(&[dir.path().to_owned()]).unwrap();
        assert_eq!(found.len(), 1);
        let mut n = 0;
        found[0].each(|_| n += 1).unwrap();
        assert_eq!(n, 2);
    }
}
