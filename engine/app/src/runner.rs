//! Drives a [`CallSession`]: hands it inputs, drains what it says, and passes that on. The same code for a live call, a
//! replay and the tests.

use std::{
    io::Write,
    time::{Duration, Instant},
};

use anyhow::Context;
use reframe_call::{
    event::Event,
    input::{Input, InputError},
    output::{Caption, Job, Output},
    recorded::{RECORD_VERSION, RecordHeader, Recorder},
    session::{CallSession, SessionSetup},
    time::MediaTime,
};

/// Where a call's outputs go.
pub trait Sink {
    /// A fact. `arrived` is when the packet came in that led to it, if a packet did.
    fn event(&mut self, event: &Event, arrived: Option<Instant>);
    /// What is being said now.
    fn caption(&mut self, caption: &Caption);
    /// Slow work to be done elsewhere.
    fn job(&mut self, job: Job);
}

/// Writes down the inputs of a call as heard.
struct Record {
    recorder: Recorder,
    out: Box<dyn Write + Send>,
}

/// One call being driven.
pub struct Runner {
    session: CallSession,
    record: Option<Record>,
    deadline: Option<MediaTime>,
    stall_after: Duration,
}

impl Runner {
    /// A new call, or one that goes on after `log`; its inputs are written to `record` if given.
    ///
    /// # Errors
    /// If the record cannot be written.
    pub fn new(mut setup: SessionSetup, log: &[Event], record: Option<Box<dyn Write + Send>>) -> anyhow::Result<Self> {
        let record = match record {
            None => None,
            Some(mut out) => {
                let recorder = Recorder::default();
                let header = RecordHeader {
                    reframe_inputs: RECORD_VERSION,
                    recognizer: setup.ears.recognizer.id(),
                    playbook: setup.playbook.id(),
                    context: setup.context.clone(),
                    deal: setup.deal.clone(),
                    settings: setup.settings,
                };
                setup.ears = recorder.wrap(setup.ears);
                write_line(&mut out, &header)?;
                Some(Record { recorder, out })
            }
        };
        let stall_after = Duration::from_millis(setup.settings.stall_ms);
        Ok(Self { session: CallSession::resume(setup, log), record, deadline: None, stall_after })
    }

    /// Passes on what the session says of its own accord: its first event. Call once, before the first input.
    pub fn begin(&mut self, sink: &mut impl Sink) {
        self.drain(None, sink);
    }

    /// Without any audio for this long, the screens say so.
    pub const fn stall_after(&self) -> Duration {
        self.stall_after
    }

    /// Hands over one input and passes on all that follows from it.
    ///
    /// # Errors
    /// If the session refuses the input (a bug in the driver, see [`InputError`]), or the record cannot be written.
    pub fn step(&mut self, input: &Input, arrived: Option<Instant>, sink: &mut impl Sink) -> anyhow::Result<()> {
        match self.session.handle_input(input) {
            Ok(()) => {}
            // Frames of a track whose order the ingest could not keep: lost audio, not a lost call.
            Err(error @ (InputError::Backwards { .. } | InputError::UnknownTrack(_))) => {
                tracing::warn!(%error, "an input was refused");
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        }
        self.drain(arrived, sink);
        if let Some(record) = &mut self.record {
            write_line(&mut record.out, &record.recorder.line(input))?;
        }
        Ok(())
    }

    fn drain(&mut self, arrived: Option<Instant>, sink: &mut impl Sink) {
        loop {
            match self.session.poll_output() {
                Output::Event(event) => sink.event(&event, arrived),
                Output::Caption(caption) => sink.caption(&caption),
                Output::Job(job) => sink.job(job),
                Output::Idle { deadline } => {
                    self.deadline = deadline;
                    return;
                }
            }
        }
    }

    /// Media time of the call.
    pub fn now(&self) -> MediaTime {
        self.session.now()
    }

    /// The session's next timer.
    pub fn deadline(&self) -> Option<MediaTime> {
        self.deadline
    }

    /// Whether the call is over.
    pub fn ended(&self) -> bool {
        self.session.ended()
    }

    /// Writes out what is left of the record.
    ///
    /// # Errors
    /// If that fails.
    pub fn finish(mut self) -> anyhow::Result<()> {
        if let Some(record) = &mut self.record {
            record.out.flush().context("the record of inputs cannot be written")?;
        }
        Ok(())
    }
}

fn write_line(out: &mut impl Write, line: &impl serde::Serialize) -> anyhow::Result<()> {
    let failed = "the record of inputs cannot be written";
    serde_json::to_writer(&mut *out, line).context(failed)?;
    out.write_all(b"\n").context(failed)
}
