//! One run of the executor: the name it writes under, and the clock it writes by.

use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

use reframe_workflow::outbox::{Limits, Step, Worker, step};

use super::{office::Office, systems::SERVICE};

/// A run of the executor. One for as long as a thread or a command works off the outbox.
pub struct Executor {
    worker: Worker,
    /// The machine's clock when the run began, in ms since 1970-01-01 UTC.
    start_unix_ms: i64,
    began: Instant,
    /// Up to which entry of the audit log what came of calls was kept as signals; nothing: not looked yet.
    outcomes_upto: Mutex<Option<u64>>,
}

impl Executor {
    /// A run under a name no other run has.
    #[must_use]
    pub fn new(office: &Office) -> Self {
        let start_unix_ms = (office.clock)();
        let worker = Worker {
            run: format!("{}-{start_unix_ms}", std::process::id()),
            service: SERVICE.to_owned(),
            limits: Limits::default(),
        };
        Self { worker, start_unix_ms, began: Instant::now(), outcomes_upto: Mutex::default() }
    }

    /// The machine's clock was asked once, when the run began: within a run it must never go back, and that one may be set.
    fn now_unix_ms(&self) -> i64 {
        let since = i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.start_unix_ms.saturating_add(since)
    }

    /// Takes every write that is due as far as it goes now.
    ///
    /// # Errors
    /// If the store cannot be used.
    pub fn carry_out(&self, office: &Office, stop: &dyn Fn() -> bool) -> anyhow::Result<()> {
        let systems = office.systems.all();
        // Also what a former run sent and did not come to note.
        office.clearing.0.note_sent()?;
        while !stop() {
            match step(&*office.store, &systems, &self.worker, &office.clearing, &|| self.now_unix_ms())? {
                Step::Idle { .. } => break,
                Step::Stopped { why } => {
                    tracing::warn!("nothing is written: {SERVICE} {why}");
                    break;
                }
                Step::Settled(entry) => {
                    tracing::info!(proposal = %entry.approval.proposal, "a write was taken further")
                }
                Step::Lost => tracing::warn!("another run of the program took over a write"),
            }
        }
        office.clearing.0.note_sent()?;
        let mut upto = self.outcomes_upto.lock().unwrap_or_else(PoisonError::into_inner);
        // Nothing that was approved waits for this; the next run goes on with it.
        if let Err(error) = office.keep_outcomes(&mut upto) {
            tracing::warn!("what came of a call could not be kept as a signal: {error:#}");
        }
        Ok(())
    }
}
