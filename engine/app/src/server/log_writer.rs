//! The thread that writes events to the store: batches them, tries again while the disk is full, names what it gave up.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::Context;
use crossbeam::channel::{Receiver, Sender, bounded};
use reframe_call::event::Event;
use reframe_consent::NewRecord;
use reframe_store::{Append, CallId, Store, StoreError};

/// Events written together at the most.
const BATCH_EVENTS: usize = 100;
/// An event waits this long for others to be written with.
const BATCH_WAIT: Duration = Duration::from_millis(50);
/// First and longest pause before a failed write is tried again.
const RETRY: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

enum Item {
    /// Boxed, so that the queue's room for a thousand items stays small.
    Event(Arc<CallId>, Box<Event>),
    /// For the consent registry.
    Consent(Box<NewRecord>),
    /// Answered once everything sent before it is in the store.
    Flush(Sender<()>),
    /// Write out what is queued and end.
    Stop,
}

/// What the writer did, for `/metrics`.
#[derive(Debug, Default)]
pub struct LogStats {
    /// Events in the store.
    pub written: AtomicU64,
    /// Events that could not be stored.
    pub lost: AtomicU64,
    /// The last write failed and is being tried again.
    pub failing: AtomicBool,
}

/// Sends events to the writer's thread. When its queue is full the sender waits (`WhenFull::Block`): nothing of a call's
/// record may be lost, and a queue of a thousand events is minutes of slack.
#[derive(Clone)]
pub struct LogHandle {
    queue: Sender<Item>,
    stats: Arc<LogStats>,
}

/// The thread.
pub struct LogWriter {
    handle: LogHandle,
    thread: JoinHandle<()>,
    give_up: Arc<AtomicBool>,
}

impl LogHandle {
    /// Sends an event to be stored.
    pub fn append(&self, call: &Arc<CallId>, event: Event) {
        if self.queue.send(Item::Event(Arc::clone(call), Box::new(event))).is_err() {
            self.stats.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Sends a consent record to be stored: before every event sent after it, and as safely.
    pub fn append_consent(&self, record: NewRecord) {
        if self.queue.send(Item::Consent(Box::new(record))).is_err() {
            self.stats.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until everything sent before is stored; false if that did not happen within `limit`.
    pub fn flush(&self, limit: Duration) -> bool {
        let (done, wait) = bounded(1);
        self.queue.send_timeout(Item::Flush(done), limit).is_ok() && wait.recv_timeout(limit).is_ok()
    }

    /// Whether the queue is more than half full.
    pub fn behind(&self) -> bool {
        self.queue.capacity().is_some_and(|c| self.queue.len() * 2 > c)
    }
}

impl LogWriter {
    /// Starts the thread with room for `capacity` events.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub fn start(log: Arc<dyn Store>, capacity: usize) -> anyhow::Result<Self> {
        let (queue, items) = bounded(capacity);
        let (stats, give_up) = (Arc::new(LogStats::default()), Arc::new(AtomicBool::new(false)));
        let writer = Writer { log, stats: Arc::clone(&stats), give_up: Arc::clone(&give_up), broken: BTreeSet::new() };
        let thread = std::thread::Builder::new()
            .name("event-log".to_owned())
            .spawn(move || writer.run(&items))
            .context("the event log's thread cannot be started")?;
        Ok(Self { handle: LogHandle { queue, stats }, thread, give_up })
    }

    /// What the writer did; does not keep it running.
    pub fn shared_stats(&self) -> Arc<LogStats> {
        Arc::clone(&self.handle.stats)
    }

    /// For sending events.
    pub fn handle(&self) -> LogHandle {
        self.handle.clone()
    }

    /// Writes out what is queued and stops, at the latest at `deadline`; then whatever cannot be written is given up
    /// and counted. Events sent after this are counted as lost. True if nothing was given up.
    pub fn stop(self, deadline: Instant) -> bool {
        let Self { handle, thread, give_up } = self;
        let stats = Arc::clone(&handle.stats);
        let left = deadline.saturating_duration_since(Instant::now());
        let told = handle.queue.send_timeout(Item::Stop, left).is_ok();
        drop(handle);
        while !thread.is_finished() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        give_up.store(true, Ordering::Release);
        let finished = thread.is_finished();
        if !finished {
            tracing::error!("stuck at shutdown: the event log's writer");
        }
        told && finished && stats.lost.load(Ordering::Relaxed) == 0
    }
}

struct Writer {
    log: Arc<dyn Store>,
    stats: Arc<LogStats>,
    give_up: Arc<AtomicBool>,
    /// Calls whose log refused an event; more of them cannot follow without a hole.
    broken: BTreeSet<Arc<CallId>>,
}

impl Writer {
    fn run(mut self, items: &Receiver<Item>) {
        loop {
            let Ok(first) = items.recv() else { return };
            let mut stop = false;
            let mut batch = BTreeMap::<Arc<CallId>, Vec<Event>>::new();
            let mut consents = Vec::new();
            let mut flushes = Vec::new();
            let due = Instant::now() + BATCH_WAIT;
            let mut next = Some(first);
            let mut events = 0;
            while let Some(item) = next.take() {
                match item {
                    Item::Event(call, event) => {
                        batch.entry(call).or_default().push(*event);
                        events += 1;
                    }
                    Item::Consent(record) => {
                        consents.push(*record);
                        events += 1;
                    }
                    Item::Flush(done) => {
                        flushes.push(done);
                        break;
                    }
                    Item::Stop => {
                        stop = true;
                        break;
                    }
                }
                if events < BATCH_EVENTS {
                    next = items.recv_deadline(due).ok();
                }
            }
            self.write_consents(&consents);
            self.write(&batch);
            for done in flushes {
                // Whoever asked may have given up waiting.
                let _gone = done.send(());
            }
            if stop {
                return;
            }
        }
    }

    fn write(&mut self, batch: &BTreeMap<Arc<CallId>, Vec<Event>>) {
        let (kept, given_up): (Vec<_>, Vec<_>) = batch.iter().partition(|(call, _)| !self.broken.contains(*call));
        let lost: usize = given_up.iter().map(|(_, events)| events.len()).sum();
        self.stats.lost.fetch_add(lost as u64, Ordering::Relaxed);
        let parts: Vec<Append<'_>> =
            kept.into_iter().map(|(call, events)| Append { call, expected_seq: events[0].seq, events }).collect();
        if parts.is_empty() {
            return;
        }
        let total: u64 = parts.iter().map(|p| p.events.len() as u64).sum();
        match self.insist(total, |log| log.append_batch(&parts)) {
            Ok(results) => {
                for (part, result) in parts.iter().zip(results) {
                    match result {
                        Ok(done) => {
                            self.stats.written.fetch_add(done.written as u64, Ordering::Relaxed);
                        }
                        Err(error) => {
                            tracing::error!(call = %part.call, %error, "the log of this call stops here; the call goes on");
                            self.stats.lost.fetch_add(part.events.len() as u64, Ordering::Relaxed);
                            self.broken.insert(Arc::new(part.call.clone()));
                        }
                    }
                }
            }
            Err(error) => {
                self.stats.lost.fetch_add(total, Ordering::Relaxed);
                tracing::error!(%error, lost = total, "events cannot be stored");
                self.broken.extend(parts.iter().map(|p| Arc::new(p.call.clone())));
            }
        }
    }

    fn write_consents(&self, records: &[NewRecord]) {
        if records.is_empty() {
            return;
        }
        let total = records.len() as u64;
        if let Err(error) = self.insist(total, |log| log.add_consents(records)) {
            self.stats.lost.fetch_add(total, Ordering::Relaxed);
            tracing::error!(%error, lost = total, "consent records cannot be stored");
        }
    }

    /// Tries until it goes through, or cannot, or is to be given up.
    fn insist<T>(&self, waiting: u64, work: impl Fn(&dyn Store) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut pause = RETRY.0;
        loop {
            match work(&*self.log) {
                Ok(done) => {
                    self.stats.failing.store(false, Ordering::Relaxed);
                    return Ok(done);
                }
                Err(error) if error.is_worth_retrying() && !self.give_up.load(Ordering::Acquire) => {
                    if !self.stats.failing.swap(true, Ordering::Relaxed) {
                        tracing::error!(%error, waiting, "events cannot be stored for now; trying again");
                    }
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(RETRY.1);
                }
                Err(error) => {
                    self.stats.failing.store(true, Ordering::Relaxed);
                    return Err(error);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use reframe_call::{event::EventBody, time::MediaTime};
    use reframe_store::{EventLog, MemoryLog, NewCall};

    use super::*;

    fn event(seq: u64) -> Event {
        Event { seq, at: MediaTime::from_ms(seq), body: EventBody::AudioResumed }
    }

    fn new_call(id: &str) -> NewCall {
        NewCall {
            id: CallId::new(id).unwrap(),
            title: String::new(),
            playbook: String::new(),
            started_unix_ms: 0,
            token_hash: String::new(),
        }
    }

    #[test]
    fn everything_sent_is_stored_in_order() {
        let log = Arc::new(MemoryLog::new());
        for id in ["a", "b"] {
            log.create(&new_call(id)).unwrap();
        }
        let writer = LogWriter::start(Arc::clone(&log) as Arc<dyn Store>, 16).unwrap();
        let handle = writer.handle();
        let ids = ["a", "b"].map(|id| Arc::new(CallId::new(id).unwrap()));
        for seq in 0..500 {
            for id in &ids {
                handle.append(id, event(seq));
            }
        }
        assert!(handle.flush(Duration::from_secs(10)));
        for id in &ids {
            let seqs: Vec<u64> = log.read(id, 0).unwrap().iter().map(|e| e.seq).collect();
            assert_eq!(seqs, (0..500).collect::<Vec<_>>());
        }
        drop(handle);
        assert!(writer.stop(Instant::now() + Duration::from_secs(10)));
    }

    #[test]
    fn a_call_with_a_hole_is_given_up_and_counted_and_others_go_on() {
        let log = Arc::new(MemoryLog::new());
        for id in ["a", "b"] {
            log.create(&new_call(id)).unwrap();
        }
        let writer = LogWriter::start(Arc::clone(&log) as Arc<dyn Store>, 16).unwrap();
        let handle = writer.handle();
        let [a, b] = ["a", "b"].map(|id| Arc::new(CallId::new(id).unwrap()));
        handle.append(&a, event(5));
        handle.append(&b, event(0));
        assert!(handle.flush(Duration::from_secs(10)));
        handle.append(&a, event(0));
        assert!(handle.flush(Duration::from_secs(10)));
        assert_eq!(writer.shared_stats().lost.load(Ordering::Relaxed), 2, "the one that follows is lost too");
        assert_eq!((log.read(&a, 0).unwrap().len(), log.read(&b, 0).unwrap().len()), (0, 1));
        drop(handle);
        assert!(!writer.stop(Instant::now() + Duration::from_secs(10)), "something was lost");
    }
}
