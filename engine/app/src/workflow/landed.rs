//! What a call has left in the system of record already, where the store does not know it any more.

use jiff::Timestamp;
use reframe_workflow::{
    gate::{Action, Proposal},
    system::{Listing, Record, RecordKind, RecordRef, SystemOfRecord},
};

use super::office::Office;

impl Office {
    /// Takes out what stands in the system of record: a note of ours about that moment, whatever a person made of its words;
    /// a task of ours of that name; a message of that `Message-ID`. A field that reads so already is never proposed.
    ///
    /// # Errors
    /// If the CRM or the mailbox cannot be read.
    pub(super) fn drop_what_landed(&self, proposals: &mut Vec<Proposal>) -> anyhow::Result<()> {
        let mut left = Vec::with_capacity(proposals.len());
        for proposal in proposals.drain(..) {
            if !self.has_landed(&proposal.action)? {
                left.push(proposal);
            }
        }
        *proposals = left;
        Ok(())
    }

    fn has_landed(&self, action: &Action) -> anyhow::Result<bool> {
        Ok(match action {
            Action::CreateNote { about, at_unix_ms, .. } => {
                linked(&*self.systems.crm, RecordKind::Note, about)?.iter().any(|note| is_of(note, *at_unix_ms))
            }
            Action::CreateTask { about, subject, .. } => linked(&*self.systems.crm, RecordKind::Task, about)?
                .iter()
                .any(|task| task.field("subject").is_some_and(|s| s.trim() == subject.trim())),
            Action::CreateDraft { mail } | Action::SendMail { mail, .. } => {
                let field = Some(("message_id".to_owned(), mail.message_id.clone()));
                let which = Listing { field, ..Listing::default() };
                let there = |kind| self.systems.mail.list(kind, &which).map(|found| !found.is_empty());
                there(RecordKind::MailDraft)? || there(RecordKind::Mail)?
            }
            Action::UpdateField { .. } => false,
        })
    }
}

fn linked(crm: &dyn SystemOfRecord, kind: RecordKind, about: &RecordRef) -> anyhow::Result<Vec<Record>> {
    Ok(crm.list(kind, &Listing { linked_to: Some(about.clone()), ..Listing::default() })?)
}

/// Whether a note bears our mark and is about this moment.
fn is_of(note: &Record, at_unix_ms: i64) -> bool {
    let at = note.field("at").and_then(|at| at.parse::<Timestamp>().ok());
    note.field("ref").is_some() && at.is_some_and(|at| at.as_millisecond() == at_unix_ms)
}
