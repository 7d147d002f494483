//! The thread that works between calls: drafts when a call ends, reviews at night, and carries out what was approved.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::Context;
use crossbeam::channel::{Receiver, Sender, bounded};
use jiff::{Timestamp, ToSpan as _, Zoned};
use reframe_store::ConsentBook as _;

use super::{drafting::Pen, executor::Executor, office::Office, prep::Prep, signals::Folder};

/// So long after a night that failed the next one is tried: its lists are long, and a refusal seldom is short.
const NIGHT_AGAIN_MS: i64 = 15 * 60 * 1_000;
/// The longest rest: what another program put into the store is seen after it.
const REST: Duration = Duration::from_secs(5);
/// Calls whose words go into the index in one transaction.
const INDEXED: usize = 50;
/// Rest after the store failed.
const REST_AFTER_FAULT: Duration = Duration::from_secs(10);

/// For waking the clerk.
#[derive(Clone)]
pub struct Bell {
    /// Room for one: whoever finds it full knows that the clerk will look anyway (`WhenFull::DropNewest`).
    ring: Sender<()>,
}

impl Bell {
    /// Something is due.
    pub fn ring(&self) {
        let _rung_already = self.ring.try_send(());
    }
}

/// The thread.
pub struct Clerk {
    bell: Bell,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Clerk {
    /// Starts it. It first does what a former run left undone.
    ///
    /// # Errors
    /// If its thread cannot be started.
    pub fn start(office: Arc<Office>) -> anyhow::Result<Self> {
        let (ring, rings) = bounded(1);
        let bell = Bell { ring };
        bell.ring();
        let stop = Arc::new(AtomicBool::new(false));
        let mut work = Work::new(office, Arc::clone(&stop))?;
        let thread = std::thread::Builder::new()
            .name("clerk".to_owned())
            .spawn(move || work.run(&rings))
            .context("the clerk's thread cannot be started")?;
        Ok(Self { bell, stop, thread })
    }

    /// For waking it.
    #[must_use]
    pub fn bell(&self) -> Bell {
        self.bell.clone()
    }

    /// Ends it after what it is at, at the latest at `deadline`. What is left is done at the next start. True if it ended.
    pub fn stop(self, deadline: Instant) -> bool {
        self.stop.store(true, Ordering::Release);
        self.bell.ring();
        while !self.thread.is_finished() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.thread.is_finished()
    }
}

struct Work {
    office: Arc<Office>,
    stop: Arc<AtomicBool>,
    executor: Executor,
    /// The folder that files with signals are dropped into.
    folder: Folder,
    /// Who waits for the language model, if one is set up.
    pen: Option<Pen>,
    /// When the next nightly review is due, in ms since 1970-01-01 UTC.
    night_unix_ms: Option<i64>,
    /// Looks after the meetings ahead.
    prep: Prep,
}

impl Work {
    fn new(office: Arc<Office>, stop: Arc<AtomicBool>) -> anyhow::Result<Self> {
        let executor = Executor::new(&office);
        let pen = Pen::start(&office)?;
        let folder = Folder::default();
        let mut work = Self { office, stop, executor, folder, pen, night_unix_ms: None, prep: Prep::default() };
        work.night_unix_ms = work.next_night()?;
        Ok(work)
    }

    fn stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    fn run(&mut self, rings: &Receiver<()>) {
        while !self.stopping() {
            let rest = match self.round() {
                Ok(()) => REST,
                Err(error) => {
                    tracing::error!("between calls: {error:#}");
                    REST_AFTER_FAULT
                }
            };
            if !self.stopping() {
                let _woken_or_rested = rings.recv_timeout(rest);
            }
        }
    }

    fn round(&mut self) -> anyhow::Result<()> {
        // First of all: what somebody has taken back must be in no draft, and nothing that was approved of it be written.
        self.office.store.carry_out_withdrawals((self.office.clock)()).context("consent that was taken back")?;
        if self.office.settings.after_calls {
            for call in self.office.due(false)? {
                if self.stopping() {
                    return Ok(());
                }
                let result = self.office.post_call(&call, None);
                self.office.look_at(&call);
                match result {
                    Ok(done) => {
                        self.office.store.look_at(&call, (self.office.clock)())?;
                        // Not which deal was looked for: that names people.
                        let deal_found = done.without_deal.is_none();
                        tracing::info!(%call, proposals = done.new, deal_found, "a call was written up");
                        if let Some((pen, basis)) = self.pen.as_ref().zip(done.basis) {
                            pen.write(basis);
                        }
                    }
                    Err(error) => tracing::error!(%call, "a call could not be written up: {error:#}"),
                }
            }
        }
        while self.office.store.index(INDEXED)?.left > 0 && !self.stopping() {}
        // A folder that cannot be read keeps nothing else from being done.
        if let Err(error) = self.folder.look(&self.office) {
            tracing::warn!("the folder of signals: {error:#}");
        }
        // Before the night, whose lists a system may refuse for hours: what was approved does not wait for them.
        self.executor.carry_out(&self.office, &|| self.stopping())?;
        // Before the night too: a meeting does not wait.
        match self.prep.look(&self.office) {
            Ok(Some(done)) if !(done.made.is_empty() && done.dropped.is_empty()) => {
                let (ahead, made, dropped) = (done.ahead, done.made.len(), done.dropped.len());
                tracing::info!(ahead, made, dropped, "briefs for meetings");
            }
            Ok(Some(_) | None) => {}
            // The night, and what was approved, need no calendar.
            Err(error) => tracing::error!("meetings: {error:#}"),
        }
        let now = (self.office.clock)();
        if self.night_unix_ms.is_some_and(|due| due <= now) {
            self.night_unix_ms = Some(now + NIGHT_AGAIN_MS);
            // One has nothing to do with the other: neither's fault costs the other its night.
            let feed = self.office.feed_of_the_night().context("the feed of the day");
            let night = self.office.night(&mut |_, _| {}).context("the nightly review")?;
            tracing::info!(deals = night.deals, new = night.new, void = night.void, "the deals were reviewed");
            if let Some(feed) = feed? {
                tracing::info!(cards = feed.cards.len(), weights = feed.weights, "the feed of the day was made");
            }
            self.night_unix_ms = self.next_night()?;
        }
        Ok(())
    }

    fn next_night(&self) -> anyhow::Result<Option<i64>> {
        let Some(time) = self.office.settings.nightly_at()? else { return Ok(None) };
        let now = Timestamp::from_millisecond((self.office.clock)())?.to_zoned(self.office.settings.zone()?);
        let today: Zoned = now.date().to_datetime(time).to_zoned(now.time_zone().clone())?;
        let next = if today > now { today } else { today.checked_add(1.day())? };
        Ok(Some(next.timestamp().as_millisecond()))
    }
}

#[cfg(test)]
#[path = "clerk_tests.rs"]
mod tests;
