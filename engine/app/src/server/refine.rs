//! The second pass: one worker that hears utterances again, beside the calls and never in their way.

use std::sync::Arc;

use anyhow::Context;
use crossbeam::channel::{Sender, bounded};
use reframe_call::{input::Refined, output::Job};

use super::call_thread::{Inbox, Message};

/// Utterances that may wait (`WhenFull::DropNewest`): a second opinion that is minutes late helps nobody, and the live
/// words stand.
const QUEUE: usize = 4;

/// Hears an utterance again.
pub type Refine = Box<dyn FnMut(&Job) -> Option<Refined> + Send>;

/// For handing utterances to the worker.
#[derive(Clone)]
pub struct RefineHandle(Sender<Waiting>);

/// An utterance to be heard again, for a call whose words were erased so many times when it was handed over.
struct Waiting {
    job: Job,
    inbox: Arc<Inbox>,
    erasures: u64,
}

impl RefineHandle {
    /// Starts the worker. It ends when the last handle is gone.
    ///
    /// # Errors
    /// If its thread cannot be started.
    pub fn start(mut refine: Refine) -> anyhow::Result<Self> {
        let (jobs, queue) = bounded::<Waiting>(QUEUE);
        std::thread::Builder::new()
            .name("refine".to_owned())
            .spawn(move || {
                for Waiting { job, inbox, erasures } in queue {
                    // Somebody's words were taken back meanwhile; whose, is not worth finding out for a second opinion.
                    if inbox.erasures() != erasures {
                        continue;
                    }
                    let Some(refined) = refine(&job) else { continue };
                    if inbox.put(Message::Refined { refined, erasures }).is_none() {
                        tracing::debug!("a second opinion came after the end of its call");
                    }
                }
            })
            .context("the second pass's thread cannot be started")?;
        Ok(Self(jobs))
    }

    /// Hands over an utterance; false if there is no room.
    pub fn submit(&self, job: Job, inbox: Arc<Inbox>) -> bool {
        let erasures = inbox.erasures();
        self.0.try_send(Waiting { job, inbox, erasures }).is_ok()
    }
}

/// The second pass the configuration asks for.
///
/// # Errors
/// If its model cannot be loaded, or this program was built without it.
#[cfg(feature = "whisper")]
pub fn load(dir: &std::path::Path) -> anyhow::Result<Refine> {
    use reframe_models::whisper::{Refiner, WhisperModel};

    let model =
        WhisperModel::load(dir).with_context(|| format!("the Whisper model in {} cannot be loaded", dir.display()))?;
    let mut refiner = Refiner::new(&model);
    Ok(Box::new(move |job| {
        let Job::Refine { utterance, start, samples, .. } = job;
        match refiner.refine(*start, samples) {
            // Text that repeats itself is no better than what was heard live.
            Ok(refinement) if refinement.dropped > 0 || refinement.words.is_empty() => None,
            Ok(refinement) => {
                Some(Refined { utterance: *utterance, words: refinement.words, model: refiner.id().to_owned() })
            }
            Err(error) => {
                tracing::warn!(%error, "an utterance could not be heard again");
                None
            }
        }
    }))
}

/// The second pass the configuration asks for.
///
/// # Errors
/// Always: this program was built without it.
#[cfg(not(feature = "whisper"))]
pub fn load(_: &std::path::Path) -> anyhow::Result<Refine> {
    anyhow::bail!("this program was built without Whisper; build it with: cargo build --release --features whisper")
}
