//! What a person changes in a draft of ours in the inbox is held against the same rules as the draft was; nothing that
//! breaks one can be approved.

use reframe_outreach::lint::{BadEdit, edited};
use reframe_workflow::{
    artifact::Kind,
    gate::{Action, Mail, Proposal, ProposalId},
    handoff::Draft,
    outbox::Inbox as _,
};

use crate::workflow::Office;

impl Office {
    /// The action as it is kept after an edit: of a message of outreach with the lines below the name put back, of
    /// everything else as it is. Inside: every rule it breaks, with what to write.
    ///
    /// # Errors
    /// If the store or the voice guide cannot be read.
    pub(in crate::workflow) fn checked_edit(
        &self,
        id: &ProposalId,
        action: Action,
    ) -> anyhow::Result<Result<Action, BadEdit>> {
        let Some(listed) = self.store.proposal(id)? else { return Ok(Ok(action)) };
        Ok(self.held(&listed.proposal, &action)?.map(|mail| match (mail, action) {
            (Some(mail), Action::CreateDraft { .. }) => Action::CreateDraft { mail },
            (Some(mail), Action::SendMail { draft, .. }) => Action::SendMail { mail, draft },
            (_, action) => action,
        }))
    }

    /// Whether a proposal that is about to be approved still breaks no rule: the voice guide may have changed since.
    ///
    /// # Errors
    /// As [`checked_edit`](Self::checked_edit).
    pub(in crate::workflow) fn may_be_approved(&self, id: &ProposalId) -> anyhow::Result<Result<(), BadEdit>> {
        let Some(listed) = self.store.proposal(id)? else { return Ok(Ok(())) };
        Ok(self.held(&listed.proposal, &listed.proposal.action)?.map(|_| ()))
    }

    /// A message of outreach as it may go out; nothing if this is none.
    fn held(&self, proposal: &Proposal, action: &Action) -> anyhow::Result<Result<Option<Mail>, BadEdit>> {
        let (Action::CreateDraft { mail } | Action::SendMail { mail, .. }) = action else { return Ok(Ok(None)) };
        if proposal.from.kind() != Kind::Draft.as_str() {
            return Ok(Ok(None));
        }
        let kept = self.store.artifact(&proposal.from)?;
        let Some(draft) = kept.and_then(|kept| serde_json::from_value::<Draft>(kept.artifact.body).ok()) else {
            return Ok(Err(BadEdit::NoGrounds));
        };
        let voice = self.settings.messages.voice()?.unwrap_or_default();
        Ok(edited(&draft, mail, &voice).map(Some))
    }
}
