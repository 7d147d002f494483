//! Where the messages to one person stand: the plan, what went out, what waits, and why it ended.

use reframe_outreach::{
    lint::Channel,
    sequence::{Happened, Plan, Sequence, Touch},
};
use reframe_policy::ledger::PersonKey;
use reframe_store::{Item, ItemKind};
use reframe_workflow::{
    artifact::{ArtifactId, Digest},
    gate::ProposalId,
    outbox::{Inbox as _, Standing},
    system::RecordRef,
};
use serde::{Deserialize, Serialize};

use crate::workflow::Office;

/// Sequences that are looked through for the message an answer is to.
const MOST: usize = 100_000;

/// A message of a sequence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Touched {
    /// Which, from 1.
    pub nth: u8,
    /// Its `Message-ID`.
    pub message_id: String,
    /// The draft.
    pub draft: ArtifactId,
    /// What a person decides about.
    pub proposal: ProposalId,
}

/// A sequence to one person, as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptSequence {
    /// Their address.
    pub address: String,
    /// Their record.
    pub contact: RecordRef,
    /// Where they work.
    pub account: RecordRef,
    /// How it stands.
    pub sequence: Sequence,
    /// Its messages.
    pub touches: Vec<Touched>,
    /// What stands at the end of the address that takes a wish to get no more.
    pub token: String,
}

/// The plan: four messages over about three weeks, all by mail, for nothing else is drafted by the program.
fn plan() -> Plan {
    let touch = |after_days| Touch { channel: Channel::Email, after_days };
    Plan::try_from([0, 4, 4, 6].map(touch).to_vec()).expect("four touches by mail are a plan")
}

fn id(key: &PersonKey) -> String {
    format!("sequence/{}", &Digest::of(key.as_str().as_bytes()).as_str()[..24])
}

impl Office {
    /// The sequence to a person; a new one if there is none.
    pub(in crate::workflow) fn sequence_to(
        &self,
        key: &PersonKey,
        address: &str,
        contact: &RecordRef,
        account: &RecordRef,
    ) -> anyhow::Result<KeptSequence> {
        let fresh = || KeptSequence {
            address: address.to_owned(),
            contact: contact.clone(),
            account: account.clone(),
            sequence: Sequence::new(plan()),
            touches: Vec::new(),
            token: id(key).rsplit('/').next().unwrap_or_default().to_owned(),
        };
        Ok(self.sequence(key)?.unwrap_or_else(fresh))
    }

    /// The sequence to a person, with what was decided about its messages meanwhile.
    pub(in crate::workflow) fn sequence(&self, key: &PersonKey) -> anyhow::Result<Option<KeptSequence>> {
        let Some(item) = self.store.item(ItemKind::Sequence, &id(key))? else { return Ok(None) };
        let mut kept: KeptSequence = serde_json::from_value(item.body)?;
        let waiting = kept.sequence.waiting;
        let Some(touch) = kept.touches.iter().rev().find(|t| Some(t.nth) == waiting) else { return Ok(Some(kept)) };
        let listed = self.store.proposal(&touch.proposal)?;
        let decided = listed.as_ref().and_then(|l| l.decided_unix_ms);
        let what = match listed.map(|l| l.standing) {
            Some(Standing::Done { .. }) => {
                Some(Happened::Sent { nth: touch.nth, at_unix_ms: decided.unwrap_or(item.at_unix_ms) })
            }
            Some(Standing::Rejected { .. } | Standing::Superseded { .. }) | None => {
                Some(Happened::Declined { nth: touch.nth })
            }
            _ => None,
        };
        what.iter().for_each(|what| kept.sequence.happened(what));
        Ok(Some(kept))
    }

    /// Keeps how a sequence stands.
    pub(in crate::workflow) fn keep_sequence(&self, key: &PersonKey, kept: &KeptSequence) -> anyhow::Result<()> {
        let item = Item {
            kind: ItemKind::Sequence,
            id: id(key),
            account: Some(kept.account.to_string()),
            at_unix_ms: (self.clock)(),
            body: serde_json::to_value(kept)?,
        };
        Ok(self.store.replace_item(&item)?)
    }

    /// The sequence in which a message went out.
    pub(in crate::workflow) fn sequence_of_message(&self, message_id: &str) -> anyhow::Result<Option<KeptSequence>> {
        let all = self.store.items(ItemKind::Sequence, None, i64::MIN, MOST)?;
        let read = all.into_iter().filter_map(|item| serde_json::from_value::<KeptSequence>(item.body).ok());
        Ok(read.into_iter().find(|kept| kept.touches.iter().any(|t| t.message_id == message_id)))
    }
}
