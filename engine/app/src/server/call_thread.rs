//! One thread per call: takes what arrived, runs the call, passes on what it says. Plain code, no locks on the way.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crossbeam::sync::Parker;
use reframe_call::{
    audio::TrackId,
    event::{Event, EventBody},
    input::{GapReason, Input, Load, Refined, RepAction},
    output::{Caption, Job},
    time::MediaTime,
};
use reframe_consent::NewRecord;
use reframe_ingest::{Assembler, AssemblerConfig, IngestItem, Mode, What};
use reframe_serve::{CallScreen, ComputeLatency};
use reframe_store::CallId;
use tokio::sync::Notify;

use super::{
    admission::Admission, erasures::Erasures, log_writer::LogHandle, overload::Overload, refine::RefineHandle,
    stats::EngineStats,
};
use crate::{
    queue::{InputQueue, Pushed},
    runner::{Runner, Sink},
};

/// Longest sleep of a call's thread: how late it notices what has no wake-up of its own.
const MAX_PARK: Duration = Duration::from_millis(100);
/// A timer's media time must be this far behind the clock before a tick stands in for audio: more than the assembler
/// waits for a lagging track, so that audio which is merely late is never overtaken.
const TICK_SLACK_MS: u64 = 500;

/// What can come in over a call's queue.
#[derive(Debug)]
pub enum Message {
    /// From the ingest.
    Item(IngestItem),
    /// From a screen.
    Rep(RepAction),
    /// From the second pass.
    Refined {
        /// What it heard.
        refined: Refined,
        /// How often words of the call had been erased when it was asked.
        erasures: u64,
    },
    /// Somebody's consent was given or withdrawn by hand.
    OnRecord(Arc<NewRecord>),
}

/// What a call's thread shares with the tasks that feed it.
#[derive(Debug)]
pub struct Inbox {
    /// Queue 1 of the architecture: bounded, `DropOldest` for live calls, `Block` for recordings.
    pub queue: InputQueue<Message>,
    /// Signalled when an item was taken: a recording's sender may go on.
    pub room: Notify,
    /// One bit per track whose packets were pushed out of the queue; the protocol numbers tracks 0 to 255.
    overflowed: [AtomicU64; 4],
    /// How often words of this call were erased.
    erasures: AtomicU64,
    stats: Arc<EngineStats>,
}

impl Inbox {
    /// Around `queue`; what is pushed out of it is counted in `stats`.
    pub fn new(queue: InputQueue<Message>, stats: Arc<EngineStats>) -> Self {
        Self { queue, room: Notify::new(), overflowed: Default::default(), erasures: AtomicU64::new(0), stats }
    }

    /// How often words of this call were erased so far.
    pub fn erasures(&self) -> u64 {
        self.erasures.load(Ordering::Acquire)
    }

    /// Puts a message in without waiting. Gives the number of packets that had to make room for it; `None` if the call
    /// does not take it: it is over, or its thread has stood still for very long.
    pub fn put(&self, message: Message) -> Option<u64> {
        match self.queue.push(message) {
            Pushed::Taken => Some(0),
            Pushed::Displaced(old) => Some(self.make_way(old)),
            Pushed::Full(_) if self.queue.is_closed() => None,
            // A click or a second opinion need not wait behind the packets of a recording.
            Pushed::Full(message) => self.save(message).then_some(0),
        }
    }

    /// Deals with what was pushed out: audio leaves a gap, anything else is put back. Gives the packets lost.
    pub fn make_way(&self, old: Message) -> u64 {
        if let Message::Item(IngestItem { what: What::Packet(packet), .. }) = &old {
            // Leads to a [`What::Dropped`] that tells the assembler.
            self.overflowed[usize::from(packet.track.0 / 64) % 4]
                .fetch_or(1 << (packet.track.0 % 64), Ordering::Relaxed);
            self.stats.queue_dropped.fetch_add(1, Ordering::Relaxed);
            return 1;
        }
        self.save(old);
        0
    }

    fn save(&self, message: Message) -> bool {
        let Pushed::Full(message) = self.queue.rescue(message) else { return true };
        if matches!(message, Message::Item(_) | Message::OnRecord(_)) {
            // News about tracks must not be lost, withdrawn consent least of all: then rather no call.
            tracing::error!("a call's thread stands still and its sender goes on announcing; the call is ended");
            self.queue.close_with(message);
        }
        false
    }

    /// Tracks whose packets were pushed out since the last time.
    fn take_overflowed(&self) -> impl Iterator<Item = TrackId> {
        (0u16..).zip(&self.overflowed).flat_map(|(word, bits)| {
            let bits = bits.swap(0, Ordering::Relaxed);
            (0..64u16).filter(move |bit| bits >> bit & 1 == 1).map(move |bit| TrackId(word * 64 + bit))
        })
    }
}

/// Tells the engine while this call is behind, and takes it back when the call ends, however it ends: one call that
/// failed under load must not keep others out.
struct Behind<'a> {
    overload: Overload,
    stats: &'a EngineStats,
}

impl Behind<'_> {
    fn observe(&mut self, over_half: bool) -> Option<Load> {
        let load = self.overload.observe(over_half, Instant::now())?;
        self.stats.set_overloaded(load == Load::High);
        Some(load)
    }
}

impl Drop for Behind<'_> {
    fn drop(&mut self) {
        if self.overload.is_high() {
            self.stats.set_overloaded(false);
        }
    }
}

/// Everything a call's thread works with.
pub struct CallThread {
    /// Its name.
    pub id: Arc<CallId>,
    /// What comes in.
    pub inbox: Arc<Inbox>,
    /// The call.
    pub runner: Runner,
    /// The rep's screens.
    pub screen: CallScreen,
    /// The event log.
    pub log: LogHandle,
    /// The second pass, if there is one.
    pub refine: Option<RefineHandle>,
    /// Settles who is who and who agreed.
    pub admission: Admission,
    /// Erases what has to go.
    pub erasures: Erasures,
    /// Counters of the whole engine.
    pub stats: Arc<EngineStats>,
    /// Live or recorded.
    pub mode: Mode,
    /// Media time at which its audio goes on (0 for a new call).
    pub starts_at: MediaTime,
}

/// How a call's thread ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Events in the call's log.
    pub events: u64,
    /// Cards shown.
    pub cards: u64,
    /// The thread failed; the log says how.
    pub failed: bool,
}

struct Screens {
    id: Arc<CallId>,
    inbox: Arc<Inbox>,
    screen: CallScreen,
    log: LogHandle,
    refine: Option<RefineHandle>,
    erasures: Erasures,
    stats: Arc<EngineStats>,
    next_seq: u64,
    last_at: MediaTime,
    cards: u64,
}

impl Sink for Screens {
    fn event(&mut self, event: &Event, arrived: Option<Instant>) {
        let is_card = matches!(event.body, EventBody::CardShown { .. });
        let compute_us = arrived.map(|a| u64::try_from(a.elapsed().as_micros()).unwrap_or(u64::MAX));
        // Screens first: a slow disk delays no card.
        self.screen.publish(event, compute_us.map(|compute_us| ComputeLatency { compute_us }));
        if is_card {
            self.cards += 1;
            if let Some(us) = compute_us {
                self.stats.card_compute.record_us(us);
            }
        }
        self.stats.note_event(event);
        self.next_seq = event.seq + 1;
        self.last_at = event.at;
        self.log.append(&self.id, event.clone());
        if matches!(event.body, EventBody::WordsErased { .. } | EventBody::CallErased { .. }) {
            self.inbox.erasures.fetch_add(1, Ordering::AcqRel);
            self.erasures.wake();
        }
    }

    fn caption(&mut self, caption: &Caption) {
        self.screen.caption(caption);
    }

    fn job(&mut self, job: Job) {
        match &self.refine {
            Some(refine) if refine.submit(job, Arc::clone(&self.inbox)) => {}
            _ => {
                self.stats.refine_skipped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

impl CallThread {
    /// Runs the call to its end. A panic inside ends this call with `CallFailed` in its log, and no other.
    #[must_use]
    pub fn run(self, parker: &Parker) -> Outcome {
        let Self { id, inbox, mut runner, screen, log, refine, mut admission, erasures, stats, mode, starts_at } = self;
        let mut sink = Screens {
            id,
            inbox: Arc::clone(&inbox),
            screen,
            log,
            refine,
            erasures,
            stats,
            next_seq: 0,
            last_at: MediaTime::ZERO,
            cards: 0,
        };
        let mut assembler = Assembler::starting_at(AssemblerConfig::new(mode), starts_at);
        let body = std::panic::AssertUnwindSafe(|| {
            drive(&inbox, &mut runner, &mut admission, &mut assembler, &mut sink, mode, parker)
        });
        let failure = match std::panic::catch_unwind(body) {
            Ok(Ok(())) => {
                // The call is over and its log complete; this is no failure of the call.
                if let Err(error) = runner.finish() {
                    tracing::error!(call = %sink.id, "{error:#}");
                }
                None
            }
            Ok(Err(error)) => Some(format!("{error:#}")),
            Err(panic) => Some(panic_text(panic.as_ref())),
        };
        if let Some(error) = &failure {
            tracing::error!(call = %sink.id, error, "a call failed; others go on");
            sink.stats.calls_failed.fetch_add(1, Ordering::Relaxed);
            let body = EventBody::CallFailed { error: error.clone() };
            let event = Event { seq: sink.next_seq, at: sink.last_at, body };
            sink.event(&event, None);
        }
        sink.stats.add_tracks(assembler.track_counters().values());
        // Nobody may wait for room in a queue that nobody reads.
        inbox.queue.close();
        inbox.room.notify_waiters();
        inbox.room.notify_one();
        Outcome { events: sink.next_seq, cards: sink.cards, failed: failure.is_some() }
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text =
        panic.downcast_ref::<&str>().map(|s| (*s).to_owned()).or_else(|| panic.downcast_ref::<String>().cloned());
    format!("the call's thread failed: {}", text.as_deref().unwrap_or("no message"))
}

fn drive(
    inbox: &Inbox,
    runner: &mut Runner,
    admission: &mut Admission,
    assembler: &mut Assembler,
    sink: &mut Screens,
    mode: Mode,
    parker: &Parker,
) -> anyhow::Result<()> {
    let stats = Arc::clone(&sink.stats);
    let mut behind = Behind { overload: Overload::default(), stats: &stats };
    let mut counted = reframe_ingest::assembler::AssemblerCounters::default();
    let mut admitted = Vec::new();
    let mut silence = SilentStart { since: Instant::now(), told: false };
    runner.begin(sink);
    while !runner.ended() {
        let mut idle = true;
        for track in inbox.take_overflowed() {
            let what = What::Dropped { track, reason: GapReason::Overflow };
            assembler.push(IngestItem::new(Instant::now(), what));
        }
        if let Some(message) = inbox.queue.pop() {
            idle = false;
            inbox.room.notify_one();
            match message {
                Message::Item(item) => admission.admit(item, &mut admitted),
                Message::OnRecord(record) => admission.on_record(&record, &mut admitted),
                Message::Rep(action) => {
                    let at = assembler.clock().now(Instant::now()).unwrap_or_default().max(runner.now());
                    // A click must not overtake audio that is on its way: the screens would be ahead of the log.
                    let at = at.min(runner.now().plus_ms(TICK_SLACK_MS));
                    runner.step(&Input::Rep { at, action }, None, sink)?;
                }
                Message::Refined { refined, erasures } if erasures == inbox.erasures() => {
                    runner.step(&Input::Refined(refined), None, sink)?;
                }
                Message::Refined { .. } => {}
            }
            for item in admitted.drain(..) {
                assembler.push(item);
            }
        } else if inbox.queue.is_closed() && !assembler.is_ended() {
            assembler.push(IngestItem::new(Instant::now(), What::End));
        }
        while let Some((input, arrived)) = assembler.pop(Instant::now()) {
            idle = false;
            if let (Input::Audio(_), Some(arrived)) = (&input, arrived) {
                stats.packet_to_frame.record_us(u64::try_from(arrived.elapsed().as_micros()).unwrap_or(u64::MAX));
            }
            runner.step(&input, arrived, sink)?;
        }
        // An ended call takes no more inputs, this one neither.
        if !runner.ended()
            && let Some(load) = behind.observe(inbox.queue.over_half() && mode == Mode::Live)
        {
            runner.step(&Input::Load(load), None, sink)?;
        }
        let now = assembler.counters();
        sink.stats.add_assembler(&counted, &now);
        counted = now;
        if mode == Mode::Live && !runner.ended() {
            tick(runner, assembler, sink)?;
            silence.observe(runner, assembler, sink)?;
        }
        if idle && !runner.ended() {
            let wake = assembler.wake_at().map_or(MAX_PARK, |at| at.saturating_duration_since(Instant::now()));
            parker.park_timeout(wake.clamp(Duration::from_millis(1), MAX_PARK));
        }
    }
    Ok(())
}

/// Before its first packet a call has no media time, so that its own timer cannot tell that nothing comes.
struct SilentStart {
    since: Instant,
    told: bool,
}

impl SilentStart {
    fn observe(&mut self, runner: &mut Runner, assembler: &Assembler, sink: &mut Screens) -> anyhow::Result<()> {
        if self.told || assembler.clock().now(Instant::now()).is_some() {
            self.told = true;
            return Ok(());
        }
        if self.since.elapsed() >= runner.stall_after() {
            self.told = true;
            runner.step(&Input::Silent, None, sink)?;
        }
        Ok(())
    }
}

/// Fires a timer whose time has passed on the wall while no audio came to carry it.
fn tick(runner: &mut Runner, assembler: &Assembler, sink: &mut Screens) -> anyhow::Result<()> {
    let Some(wall) = assembler.clock().now(Instant::now()) else {
        return Ok(());
    };
    while let Some(due) = runner.deadline().filter(|d| d.plus_ms(TICK_SLACK_MS) <= wall) {
        runner.step(&Input::Tick(due), None, sink)?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "call_thread_tests.rs"]
mod tests;
