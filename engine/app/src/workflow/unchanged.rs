//! Sees to it that nothing is made of words that are taken back while it is made.

use anyhow::bail;
use reframe_store::CallId;
use reframe_workflow::artifact::{Digest, canonical};

use super::{office::Office, post_call::Drafted};

/// Times a call is drafted at the most: words are taken back once or twice, and not without end.
const TRIES: usize = 3;

impl Office {
    /// Drafts everything there is to write down about a call that is over, and puts it in the inbox. Harmless to repeat.
    /// `deal` names the deal in the CRM, if it is to be another than the one that would be found. What was made of words
    /// that were erased meanwhile is taken back, and made again of what is left.
    ///
    /// # Errors
    /// If the call is not there or not over, or the store or the CRM cannot be read; if its words go while it is read.
    pub fn post_call(&self, call: &CallId, deal: Option<&str>) -> anyhow::Result<Drafted> {
        for _ in 0..TRIES {
            let drafted = self.draft(call, deal)?;
            // A call that was erased as a whole cannot be heard any more.
            let now = self.hear(call).ok().map(|heard| Digest::of(&canonical(&heard.transcript)));
            if now.as_ref() == Some(&drafted.read) {
                return Ok(drafted);
            }
            self.store.retract(call, (self.clock)())?;
            tracing::info!(%call, "words of a call were erased while it was written up; that was taken back");
        }
        bail!("words of call `{call}` are being erased; write it up later: reframe run post-call {call}")
    }
}
