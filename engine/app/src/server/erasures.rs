//! Erases what participants took back: a thread that carries out what the logs ask for, in the store and in files, and
//! tries again until it is done. What is due is known to the store, so a server that is killed goes on at its next start.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{File, OpenOptions},
    io::{BufWriter, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::Context;
use crossbeam::channel::{Receiver, Sender, bounded};
use reframe_store::{CallId, Store};

use super::{admission::now_unix_ms, export, log_writer::LogHandle};

/// Events on their way to the store are waited for this long before the store is asked what is due.
const FLUSH_LIMIT: Duration = Duration::from_secs(10);
/// First and longest pause before a failed erasure is tried again.
const RETRY: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(30));
/// First and longest pause before a call is looked at again whose erasure waits for a write.
const AGAIN: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(600));
/// The longest rest: what another program put into the registry is seen after it, and a write that was under way is over.
const REST: Duration = Duration::from_secs(5);
/// Calls looked at in one go.
const BATCH: usize = 100;

/// What the eraser did, for `/metrics`.
#[derive(Debug, Default)]
pub struct EraseStats {
    /// Calls something was erased from.
    pub done: AtomicU64,
    /// Times an erasure failed and was put off.
    pub failed: AtomicU64,
}

struct Shared {
    store: Arc<dyn Store>,
    writer: LogHandle,
    data_dir: PathBuf,
    /// Held while files of finished calls are written, so that none is written from words that are being erased.
    files: Mutex<()>,
    /// Recordings of inputs that are being written now; one per running call.
    records: Mutex<BTreeMap<CallId, Arc<RecordFile>>>,
    stats: Arc<EraseStats>,
    stop: AtomicBool,
}

/// For asking for erasures.
#[derive(Clone)]
pub struct Erasures {
    shared: Arc<Shared>,
    /// Room for one: whoever finds it full knows that the thread will look anyway (`WhenFull::DropNewest`).
    bell: Sender<()>,
}

/// The thread.
pub struct Eraser {
    handle: Erasures,
    thread: JoinHandle<()>,
}

impl Eraser {
    /// Starts it. It first does what a former run of the server left undone.
    ///
    /// # Errors
    /// If its thread cannot be started.
    pub fn start(store: Arc<dyn Store>, writer: LogHandle, data_dir: PathBuf) -> anyhow::Result<Self> {
        let shared = Arc::new(Shared {
            store,
            writer,
            data_dir,
            files: Mutex::new(()),
            records: Mutex::default(),
            stats: Arc::default(),
            stop: AtomicBool::new(false),
        });
        let (bell, rings) = bounded(1);
        let handle = Erasures { shared: Arc::clone(&shared), bell };
        handle.wake();
        let thread = std::thread::Builder::new()
            .name("eraser".to_owned())
            .spawn(move || shared.run(&rings))
            .context("the eraser's thread cannot be started")?;
        Ok(Self { handle, thread })
    }

    /// For asking for erasures.
    #[must_use]
    pub fn handle(&self) -> Erasures {
        self.handle.clone()
    }

    /// Finishes what is due and ends, at the latest at `deadline`; what is left is done at the next start. True if nothing
    /// was.
    pub fn stop(self, deadline: Instant) -> bool {
        self.handle.shared.stop.store(true, Ordering::Release);
        self.handle.wake();
        while !self.thread.is_finished() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.thread.is_finished()
    }
}

impl Erasures {
    /// Something is due, or will be once the log's writer has written what it holds.
    pub fn wake(&self) {
        let _rung_already = self.bell.try_send(());
    }

    /// What was done; does not keep the thread running.
    #[must_use]
    pub fn shared_stats(&self) -> Arc<EraseStats> {
        Arc::clone(&self.shared.stats)
    }

    /// Held while files of a finished call are written.
    pub fn files(&self) -> MutexGuard<'_, ()> {
        lock(&self.shared.files)
    }

    /// The recording of a running call's inputs. It is deleted if anybody's words in it have to go.
    ///
    /// # Errors
    /// If the file cannot be made.
    pub fn record(&self, call: &CallId) -> anyhow::Result<Box<dyn Write + Send>> {
        let path = record_path(&self.shared.data_dir, call);
        let file = Arc::new(RecordFile { out: Mutex::new(Some(BufWriter::new(export::create(&path)?))) });
        lock(&self.shared.records).insert(call.clone(), Arc::clone(&file));
        Ok(Box::new(export::BestEffort::new(RecordWriter(file), path)))
    }

    /// A call is over: its recording is a file like any other.
    pub fn forget_record(&self, call: &CallId) {
        lock(&self.shared.records).remove(call);
    }
}

/// Calls whose erasure waits for a write to be settled, with the pause and its end: each look reads all of the call, and
/// every hand-off.
#[derive(Default)]
struct Waiting {
    calls: BTreeMap<CallId, (Instant, Duration)>,
}

impl Waiting {
    /// Those of `due` whose turn it is. Others that wait are forgotten: they are done.
    fn ready(&mut self, due: Vec<CallId>, now: Instant) -> Vec<CallId> {
        let still: BTreeSet<&CallId> = due.iter().collect();
        self.calls.retain(|call, _| still.contains(call));
        due.into_iter().filter(|call| self.calls.get(call).is_none_or(|(at, _)| *at <= now)).collect()
    }

    /// It still waits.
    fn again(&mut self, call: &CallId, now: Instant) {
        let pause = self.calls.get(call).map_or(AGAIN.0, |(_, pause)| (*pause * 2).min(AGAIN.1));
        self.calls.insert(call.clone(), (now + pause, pause));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each holds a value that is whole after every statement.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn record_path(data_dir: &Path, call: &CallId) -> PathBuf {
    data_dir.join("calls").join(format!("{call}.inputs.jsonl"))
}

impl Shared {
    fn run(&self, rings: &Receiver<()>) {
        let mut pause = RETRY.0;
        let mut left = true;
        let mut waiting = Waiting::default();
        loop {
            // With something left to do the thread looks again by itself.
            let rung = rings.recv_timeout(if left { pause } else { REST }).is_ok();
            let stopping = self.stop.load(Ordering::Acquire);
            match self.pass(&mut waiting) {
                Ok(more) => {
                    left = more;
                    pause = RETRY.0;
                }
                Err(error) => {
                    self.stats.failed.fetch_add(1, Ordering::Relaxed);
                    tracing::error!("words that have to be erased are still there, trying again: {error:#}");
                    left = true;
                    pause = if rung { RETRY.0 } else { (pause * 2).min(RETRY.1) };
                }
            }
            if stopping {
                return;
            }
        }
    }

    /// Does all that is due. True if there is more.
    fn pass(&self, waiting: &mut Waiting) -> anyhow::Result<bool> {
        anyhow::ensure!(self.writer.flush(FLUSH_LIMIT), "the event log is not written yet");
        // Those that wait hold no other up.
        let most = BATCH + waiting.calls.len();
        let due = self.store.erasures_due(most)?;
        let full = due.len() == most;
        let mut all = Ok(());
        for call in waiting.ready(due, Instant::now()) {
            // One that fails holds no other up.
            let done = self.erase(&call).with_context(|| format!("call {call}"));
            if matches!(done, Ok(false)) {
                waiting.again(&call, Instant::now());
            }
            all = all.and(done.map(drop));
        }
        all.and(self.withdrawals())?;
        Ok(full)
    }

    /// Consent that was taken back after calls: out of the store, then out of files.
    fn withdrawals(&self) -> anyhow::Result<()> {
        self.store.carry_out_withdrawals(now_unix_ms())?;
        for (consent, calls) in self.store.withdrawals_to_finish()? {
            for call in &calls {
                let _nobody_writes_files = self.files();
                self.renew_files(call, false).with_context(|| format!("call {call}"))?;
                tracing::info!(%call, consent, "consent was taken back; words and names, and what was made of them, were erased");
            }
            self.store.withdrawal_finished(consent)?;
        }
        Ok(())
    }

    /// Removes the files of a call that hold words which went, and writes anew what is left of it, if it was written. A call
    /// whose files could not be written anew has none, and a mark by which the next try knows that it had.
    fn renew_files(&self, call: &CallId, whole_call: bool) -> anyhow::Result<()> {
        remove(&record_path(&self.data_dir, call))?;
        let files = export::Exported::paths(&self.data_dir, call);
        let mark = files.events.with_extension("renew");
        let written = files.events.exists() || files.transcript.exists() || mark.exists();
        if written && !whole_call {
            std::fs::write(&mark, []).with_context(|| format!("{} cannot be written", mark.display()))?;
        }
        for path in [&files.events, &files.transcript, &files.about] {
            remove(path)?;
        }
        if written && !whole_call {
            export::export(&*self.store, &self.data_dir, call)?;
            remove(&mark)?;
        }
        Ok(())
    }

    /// True if it is done, false if it waits for a write to be settled.
    fn erase(&self, call: &CallId) -> anyhow::Result<bool> {
        let _nobody_writes_files = self.files();
        // The recording first: it goes as a whole, for what was heard in one participant's line may be another's.
        let live = lock(&self.records).get(call).cloned();
        if let Some(live) = live {
            live.discard();
        }
        remove(&record_path(&self.data_dir, call))?;
        let erasure = self.store.erase(call)?;
        let Some(upto) = erasure.upto else { return Ok(true) };
        self.renew_files(call, erasure.whole_call)?;
        if erasure.being_written > 0 {
            // What was made of those words is on its way into a system: once it is known how that ended, it goes too.
            tracing::warn!(%call, "words were erased; what is being written of them follows");
            return Ok(false);
        }
        self.store.erasure_done(call, upto)?;
        self.stats.done.fetch_add(1, Ordering::Relaxed);
        tracing::info!(%call, tracks = erasure.tracks.len(), events = erasure.rewritten, whole_call = erasure.whole_call, "words were erased");
        Ok(true)
    }

    fn files(&self) -> MutexGuard<'_, ()> {
        lock(&self.files)
    }
}

/// Overwrites a file and removes it; one that is not there is removed already.
fn remove(path: &Path) -> anyhow::Result<()> {
    let failed = || format!("{} cannot be removed", path.display());
    let mut file = match OpenOptions::new().write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).with_context(failed),
    };
    let length = file.metadata().with_context(failed)?.len();
    let zeros = [0; 64 * 1_024];
    let mut left = length;
    file.seek(SeekFrom::Start(0)).with_context(failed)?;
    while left > 0 {
        let part = usize::try_from(left).unwrap_or(usize::MAX).min(zeros.len());
        file.write_all(&zeros[..part]).with_context(failed)?;
        left -= part as u64;
    }
    file.sync_all().with_context(failed)?;
    std::fs::remove_file(path).with_context(failed)
}

/// The recording of a call's inputs while it is written. Once discarded it takes what comes and keeps nothing.
struct RecordFile {
    out: Mutex<Option<BufWriter<File>>>,
}

impl RecordFile {
    fn discard(&self) {
        if let Some(out) = lock(&self.out).take() {
            // Dropped as it is, the buffer would be written out.
            drop(out.into_parts());
            tracing::warn!("a recording of inputs was deleted: words in it had to be erased");
        }
    }
}

struct RecordWriter(Arc<RecordFile>);

impl Write for RecordWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        lock(&self.0.out).as_mut().map_or(Ok(bytes.len()), |out| out.write(bytes))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        lock(&self.0.out).as_mut().map_or(Ok(()), Write::flush)
    }
}

#[cfg(test)]
mod tests {
    use reframe_call::{
        audio::TrackId,
        event::{Event, EventBody, UtteranceId},
        recognize::Word,
        time::MediaTime,
    };
    use reframe_store::{EventLog, MemoryLog, NewCall};

    use super::*;
    use crate::server::log_writer::LogWriter;

    fn said(seq: u64, track: u16, text: &str) -> Event {
        let words =
            vec![Word { text: text.into(), start: MediaTime::ZERO, end: MediaTime::from_ms(1), confidence: 1.0 }];
        let utterance = UtteranceId(u32::try_from(seq).unwrap());
        let body = EventBody::WordsCommitted { track: TrackId(track), utterance, words };
        Event { seq, at: MediaTime::ZERO, body }
    }

    fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !done() {
            assert!(begun.elapsed() < Duration::from_secs(60), "waited in vain: {what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn with_call(log: &MemoryLog, id: &CallId) {
        let call = NewCall {
            id: id.clone(),
            title: String::new(),
            playbook: String::new(),
            started_unix_ms: 0,
            token_hash: String::new(),
        };
        log.create(&call).unwrap();
    }

    #[test]
    fn what_waits_is_looked_at_after_pauses_that_double() {
        let (a, b) = (CallId::new("a").unwrap(), CallId::new("b").unwrap());
        let mut waiting = Waiting::default();
        let mut now = Instant::now();
        let due = || vec![a.clone(), b.clone()];
        assert_eq!(waiting.ready(due(), now), due());
        let mut pauses = Vec::new();
        for _ in 0..9 {
            waiting.again(&a, now);
            let pause = waiting.calls[&a].1;
            let almost = now + pause - Duration::from_millis(1);
            assert_eq!(waiting.ready(due(), almost), std::slice::from_ref(&b), "the other is held up by nothing");
            now += pause;
            assert_eq!(waiting.ready(due(), now), due());
            pauses.push(pause.as_secs());
        }
        assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 320, 600, 600]);
        waiting.ready(vec![b.clone()], now);
        waiting.again(&a, now);
        assert_eq!(waiting.calls[&a].1, AGAIN.0, "one that was done begins anew");
    }

    #[test]
    fn what_is_due_is_erased_from_store_files_and_recording() {
        let dir = tempfile::tempdir().unwrap();
        let log = Arc::new(MemoryLog::new());
        let id = Arc::new(CallId::new("c").unwrap());
        with_call(&log, &id);
        log.append(&id, 0, &[said(0, 1, "mysecret"), said(1, 0, "kept")]).unwrap();
        let writer = LogWriter::start(Arc::clone(&log) as Arc<dyn Store>, 64).unwrap();
        let eraser = Eraser::start(Arc::clone(&log) as Arc<dyn Store>, writer.handle(), dir.path().into()).unwrap();
        let erasures = eraser.handle();
        let mut record = erasures.record(&id).unwrap();
        record.write_all(b"mysecret\n").unwrap();
        export::export(&*log, dir.path(), &id).unwrap();
        let events = dir.path().join("calls/c.events.jsonl");
        assert!(std::fs::read_to_string(&events).unwrap().contains("mysecret"));

        let asked = Event { seq: 2, at: MediaTime::ZERO, body: EventBody::WordsErased { track: TrackId(1) } };
        writer.handle().append(&id, asked);
        erasures.wake();
        wait_until("it is erased", || {
            log.call(&id).unwrap().unwrap().next_seq == 3 && log.erasures_due(1).unwrap().is_empty()
        });
        let text = std::fs::read_to_string(&events).unwrap();
        assert!(!text.contains("mysecret") && text.contains("kept"), "{text}");
        record.write_all(b"mysecret again\n").unwrap();
        record.flush().unwrap();
        drop(record);
        assert!(!dir.path().join("calls/c.inputs.jsonl").exists());
        assert!(eraser.stop(Instant::now() + Duration::from_secs(10)));
    }

    #[test]
    fn what_the_last_run_left_undone_is_done_at_the_start() {
        let dir = tempfile::tempdir().unwrap();
        let log = Arc::new(MemoryLog::new());
        let id = CallId::new("c").unwrap();
        with_call(&log, &id);
        let asked = Event { seq: 1, at: MediaTime::ZERO, body: EventBody::CallErased { reason: String::new() } };
        let track = reframe_call::audio::TrackInfo {
            id: TrackId(1),
            party: reframe_call::audio::Party::Buyer,
            name: String::new(),
            email: None,
            consent: None,
        };
        let added = Event { seq: 0, at: MediaTime::ZERO, body: EventBody::TrackAdded { track } };
        log.append(&id, 0, &[added, asked]).unwrap();
        let calls = dir.path().join("calls");
        std::fs::create_dir_all(&calls).unwrap();
        for file in ["c.events.jsonl", "c.transcript.txt", "c.inputs.jsonl", "other.events.jsonl"] {
            std::fs::write(calls.join(file), "mysecret").unwrap();
        }
        let writer = LogWriter::start(Arc::clone(&log) as Arc<dyn Store>, 64).unwrap();
        let eraser = Eraser::start(Arc::clone(&log) as Arc<dyn Store>, writer.handle(), dir.path().into()).unwrap();
        wait_until("it is erased", || log.erasures_due(1).unwrap().is_empty());
        let left: Vec<_> = std::fs::read_dir(&calls).unwrap().map(|f| f.unwrap().file_name()).collect();
        assert_eq!(left, ["other.events.jsonl"]);
        assert!(eraser.stop(Instant::now() + Duration::from_secs(10)));
    }
}
