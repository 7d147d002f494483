//! Sees to it that nothing is made of words that are taken back while it is made.

use std::collections::BTreeSet;

use anyhow::bail;
use reframe_store::{CallId, ConsentBook as _};
use reframe_workflow::{
    artifact::{Digest, canonical},
    audit::What,
    outbox::AuditBook as _,
};

use super::{office::Office, post_call::Drafted};

/// Times something is made at the most: words are taken back once or twice, and not without end.
pub(super) const TRIES: usize = 3;
/// Entries of the audit log that are read together.
const ENTRIES: usize = 1_000;

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
            if self.words_now(call).as_ref() == Some(&drafted.read) {
                return Ok(drafted);
            }
            self.store.retract(call, (self.clock)())?;
            tracing::info!(%call, "words of a call were erased while it was written up; that was taken back");
        }
        bail!("words of call `{call}` are being erased; write it up later: reframe run post-call {call}")
    }

    /// Calls of which something was erased since this entry of the audit log.
    pub(super) fn erased_since(&self, mut entry: u64) -> anyhow::Result<BTreeSet<CallId>> {
        let mut calls = BTreeSet::new();
        loop {
            let entries = self.store.entries_from(entry, ENTRIES)?;
            let Some(last) = entries.last() else { return Ok(calls) };
            entry = last.seq + 1;
            let erased = entries.iter().filter(|e| e.what == What::Erased).flat_map(|e| &e.subjects);
            calls.extend(erased.filter_map(|s| s.strip_prefix("call ")).filter_map(|call| CallId::new(call).ok()));
        }
    }

    /// Whether a call still reads as it did, with what was taken back until now taken out.
    pub(super) fn reads_as(&self, call: &CallId, words: &Digest) -> anyhow::Result<bool> {
        self.store.carry_out_withdrawals((self.clock)())?;
        Ok(self.words_now(call).as_ref() == Some(words))
    }

    /// Digest of a call's words; none of one that was erased as a whole, which cannot be heard any more.
    fn words_now(&self, call: &CallId) -> Option<Digest> {
        self.hear(call).ok().map(|heard| Digest::of(&canonical(&heard.transcript)))
    }
}
