//! What each call says about its deal, kept from when the call was written up, so that a night reads no logs.

use std::collections::BTreeMap;

use reframe_store::CallId;
use reframe_workflow::{
    artifact::ArtifactId,
    handoff::{CallTranscript, NoteProposal},
    hygiene::{self, CallDigest},
    outbox::Inbox as _,
    system::RecordRef,
};

use super::{before::NotesOf, office::Office};

impl Office {
    /// Keeps what a call says, as it was heard when its events had been rewritten so often; not, if they were since.
    pub(super) fn keep_digest(
        &self,
        transcript: &CallTranscript,
        note: (&ArtifactId, &NoteProposal),
        times_rewritten: u64,
    ) -> anyhow::Result<()> {
        let digest = CallDigest::of(transcript, note.1);
        self.store.keep_digest(&digest, note.0, hygiene::VERSION, times_rewritten)?;
        Ok(())
    }

    /// What the calls said, by the deal their notes are about: of each call by the latest note that is still there.
    pub(super) fn digests(&self, of: &[NotesOf]) -> anyhow::Result<BTreeMap<RecordRef, Vec<CallDigest>>> {
        let mut out: BTreeMap<RecordRef, Vec<CallDigest>> = BTreeMap::new();
        for NotesOf { call, deal, notes } in of {
            let Ok(id) = CallId::new(call.as_str()) else { continue };
            // Most have one, and its age says nothing then.
            let ordered = if notes.len() > 1 { self.store.latest_first(notes)? } else { notes.clone() };
            for note in &ordered {
                if let Some(digest) = self.digest(&id, note)? {
                    out.entry(deal.clone()).or_default().push(digest);
                    break;
                }
            }
        }
        Ok(out)
    }

    /// What a call said by this note; nothing, if the note or the words were erased. One that is not kept is made of the log
    /// and kept.
    fn digest(&self, call: &CallId, note: &ArtifactId) -> anyhow::Result<Option<CallDigest>> {
        if let Some(kept) = self.store.digest(note, hygiene::VERSION)? {
            return Ok(Some(kept));
        }
        let times_rewritten = self.store.times_rewritten(call)?;
        let Some(kept) = self.store.artifact(note)? else { return Ok(None) };
        let Ok(body) = serde_json::from_value::<NoteProposal>(kept.artifact.body) else { return Ok(None) };
        // A call whose words were erased says nothing any more.
        let Ok(heard) = self.hear(call) else { return Ok(None) };
        let digest = CallDigest::of(&heard.transcript, &body);
        self.store.keep_digest(&digest, note, hygiene::VERSION, times_rewritten)?;
        Ok(Some(digest))
    }
}

#[cfg(test)]
#[path = "digests_tests.rs"]
mod tests;
