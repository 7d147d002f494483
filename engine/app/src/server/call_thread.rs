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
use reframe_ingest::{Assembler, AssemblerConfig, IngestItem, Mode, What};
use reframe_serve::{CallScreen, ComputeLatency};
use reframe_store::CallId;
use tokio::sync::Notify;

use super::{log_writer::LogHandle, overload::Overload, refine::RefineHandle, stats::EngineStats};
use crate::{
    queue::InputQueue,
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
    Refined(Refined),
}

/// What a call's thread shares with the tasks that feed it.
#[derive(Debug)]
pub struct Inbox {
    /// Queue 1 of the architecture: bounded, `DropOldest` for live calls, `Block` for recordings.
    pub queue: InputQueue<Message>,
    /// Signalled when an item was taken: a recording's sender may go on.
    pub room: Notify,
    /// One bit per track whose packets were pushed out of the queue.
    pub overflowed: AtomicU64,
}

impl Inbox {
    /// Notes that packets of `track` were pushed out; a [`What::Dropped`] will tell the assembler.
    pub fn note_overflow(&self, track: TrackId) {
        self.overflowed.fetch_or(1 << (track.0 & 63), Ordering::Relaxed);
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
        let Self { id, inbox, mut runner, screen, log, refine, stats, mode, starts_at } = self;
        let mut sink = Screens {
            id,
            inbox: Arc::clone(&inbox),
            screen,
            log,
            refine,
            stats,
            next_seq: 0,
            last_at: MediaTime::ZERO,
            cards: 0,
        };
        let body = std::panic::AssertUnwindSafe(|| drive(&inbox, &mut runner, &mut sink, mode, starts_at, parker));
        let failure = match std::panic::catch_unwind(body) {
            Ok(Ok(())) => runner.finish().err().map(|e| format!("{e:#}")),
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
    sink: &mut Screens,
    mode: Mode,
    starts_at: MediaTime,
    parker: &Parker,
) -> anyhow::Result<()> {
    let mut assembler = Assembler::starting_at(AssemblerConfig::new(mode), starts_at);
    let mut overload = Overload::default();
    let mut counted = reframe_ingest::assembler::AssemblerCounters::default();
    runner.begin(sink);
    while !runner.ended() {
        let mut idle = true;
        let overflowed = inbox.overflowed.swap(0, Ordering::Relaxed);
        for track in (0..64u16).filter(|t| overflowed >> t & 1 == 1) {
            let what = What::Dropped { track: TrackId(track), reason: GapReason::Overflow };
            assembler.push(IngestItem::new(Instant::now(), what));
        }
        if let Some(message) = inbox.queue.pop() {
            idle = false;
            inbox.room.notify_one();
            match message {
                Message::Item(item) => assembler.push(item),
                Message::Rep(action) => {
                    let at = assembler.clock().now(Instant::now()).unwrap_or_default().max(runner.now());
                    // A click must not overtake audio that is on its way: the screens would be ahead of the log.
                    let at = at.min(runner.now().plus_ms(TICK_SLACK_MS));
                    runner.step(&Input::Rep { at, action }, None, sink)?;
                }
                Message::Refined(refined) => runner.step(&Input::Refined(refined), None, sink)?,
            }
        } else if inbox.queue.is_closed() && !assembler.is_ended() {
            assembler.push(IngestItem::new(Instant::now(), What::End));
        }
        while let Some((input, arrived)) = assembler.pop(Instant::now()) {
            idle = false;
            runner.step(&input, arrived, sink)?;
        }
        if let Some(load) = overload.observe(inbox.queue.over_half() && mode == Mode::Live, Instant::now()) {
            sink.stats.set_overloaded(load == Load::High);
            runner.step(&Input::Load(load), None, sink)?;
        }
        let now = assembler.counters();
        sink.stats.add_assembler(&counted, &now);
        counted = now;
        if mode == Mode::Live && !runner.ended() {
            tick(runner, &assembler, sink)?;
        }
        if idle && !runner.ended() {
            let wake = assembler.wake_at().map_or(MAX_PARK, |at| at.saturating_duration_since(Instant::now()));
            parker.park_timeout(wake.clamp(Duration::from_millis(1), MAX_PARK));
        }
    }
    if overload.is_high() {
        sink.stats.set_overloaded(false);
    }
    sink.stats.add_tracks(assembler.track_counters().values());
    Ok(())
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
