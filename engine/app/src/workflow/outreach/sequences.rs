//! Where the touches to one person stand: the plan, what went out, what waits, and why it ended.

use anyhow::Context as _;
use reframe_outreach::sequence::{Around, Happened, Held, Sequence};
use reframe_policy::{clock::Calendar, ledger::PersonKey};
use reframe_store::{Item, ItemKind, SqliteLog};
use reframe_workflow::{
    artifact::{ArtifactId, Digest},
    gate::ProposalId,
    outbox::{Inbox as _, Standing},
    system::RecordRef,
};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use super::by_hand::KeptCard;
use crate::workflow::Office;

/// Sequences that are looked through for one.
pub(super) const MOST: usize = 100_000;

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
    /// Their address; of somebody without one their profile or number.
    pub address: String,
    /// Their record.
    pub contact: RecordRef,
    /// Where they work.
    pub account: RecordRef,
    /// How it stands.
    pub sequence: Sequence,
    /// Its messages.
    pub touches: Vec<Touched>,
    /// Its touches that a person makes by hand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cards: Vec<KeptCard>,
    /// What stands at the end of the address that takes a wish to get no more.
    pub token: String,
    /// What stood there in messages that went out before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_tokens: Vec<String>,
}

impl KeptSequence {
    /// Whether somebody who has this had it from one of its messages; in a time that does not depend on how much is right.
    #[must_use]
    pub fn is_stopped_by(&self, token: &str) -> bool {
        let same = |own: &String| bool::from(own.as_bytes().ct_eq(token.as_bytes()));
        // All are looked at, whichever it is.
        self.former_tokens.iter().chain([&self.token]).fold(false, |found, own| found | same(own))
    }

    /// The card that waits for a person's word, if the touch whose turn it is is one.
    #[must_use]
    pub fn waiting_card(&self) -> Option<&KeptCard> {
        self.cards.iter().rev().find(|card| card.ended.is_none() && Some(card.nth) == self.sequence.waiting)
    }
}

/// Name of the sequence to a person, and of its plan in drafts.
pub(super) fn plan_name(key: &PersonKey) -> String {
    Digest::of(key.as_str().as_bytes()).as_str()[..24].to_owned()
}

fn id(key: &PersonKey) -> String {
    format!("sequence/{}", plan_name(key))
}

/// The sequence to a person under one of their keys, with what was decided about its messages meanwhile.
fn read(store: &SqliteLog, key: &PersonKey) -> anyhow::Result<Option<KeptSequence>> {
    let Some(item) = store.item(ItemKind::Sequence, &id(key))? else { return Ok(None) };
    let mut kept: KeptSequence = serde_json::from_value(item.body).context("a kept sequence cannot be read")?;
    let waiting = kept.sequence.waiting;
    if kept.waiting_card().is_some() {
        return Ok(Some(kept));
    }
    let Some(touch) = kept.touches.iter().rev().find(|t| Some(t.nth) == waiting) else { return Ok(Some(kept)) };
    let listed = store.proposal(&touch.proposal)?;
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

/// Every sequence to a person who is known under several keys, each with its own.
pub(in crate::workflow) fn sequences_of(
    store: &SqliteLog,
    keys: &[PersonKey],
) -> anyhow::Result<Vec<(PersonKey, KeptSequence)>> {
    let mut found = Vec::new();
    for key in keys {
        found.extend(read(store, key)?.map(|kept| (key.clone(), kept)));
    }
    Ok(found)
}

/// What is heard around the sequence under `own`: in others of the same person, and in those of their account.
pub(in crate::workflow) fn around(
    store: &SqliteLog,
    own: &PersonKey,
    keys: &[PersonKey],
    account: &RecordRef,
    now_unix_ms: i64,
) -> anyhow::Result<Around> {
    let theirs: Vec<(PersonKey, KeptSequence)> = sequences_of(store, keys)?;
    let names: Vec<String> = keys.iter().map(id).collect();
    let there = store.items(ItemKind::Sequence, Some(&account.to_string()), i64::MIN, MOST)?;
    let there = there.into_iter().filter(|item| item.id != id(own) && !names.contains(&item.id));
    let mut others: Vec<Sequence> = Vec::new();
    for item in there {
        let kept: KeptSequence = serde_json::from_value(item.body).context("a kept sequence cannot be read")?;
        others.push(kept.sequence);
    }
    others.extend(theirs.into_iter().filter(|(key, _)| key != own).map(|(_, kept)| kept.sequence));
    Ok(Around::heard(&others, now_unix_ms))
}

/// Why a mail of a sequence does not go now, as its sequence has it; nothing: it may.
pub(in crate::workflow) fn held(
    store: &SqliteLog,
    (proposal, nth): (&ProposalId, u8),
    keys: &[PersonKey],
    time: &Calendar,
    now_unix_ms: i64,
) -> anyhow::Result<Option<Held>> {
    let theirs = sequences_of(store, keys)?;
    let its = theirs.iter().find(|(_, kept)| kept.touches.iter().any(|t| t.proposal == *proposal));
    // A sequence that does not know it waits for none of it.
    let Some((key, kept)) = its else { return Ok(Some(Held::NotItsTurn)) };
    let around = around(store, key, keys, &kept.account, now_unix_ms)?;
    Ok(kept.sequence.may_send(nth, now_unix_ms, time, &around).err())
}

impl Office {
    /// The team's working time.
    pub(in crate::workflow) fn hours(&self) -> &Calendar {
        self.clearing.0.working()
    }

    /// The sequence to a person, under whichever of their keys it is kept; a new one under the first if there is none.
    pub(super) fn sequence_to(
        &self,
        keys: &[PersonKey],
        address: &str,
        (contact, account): (&RecordRef, &RecordRef),
    ) -> anyhow::Result<(PersonKey, KeptSequence)> {
        if let Some(known) = sequences_of(&self.store, keys)?.into_iter().next() {
            return Ok(known);
        }
        let key = keys.first().context("nobody is written to without an address")?.clone();
        let kept = KeptSequence {
            address: address.to_owned(),
            contact: contact.clone(),
            account: account.clone(),
            sequence: Sequence::new(self.settings.messages.plan.clone()),
            touches: Vec::new(),
            cards: Vec::new(),
            token: self.secret.stop_token(key.as_str()),
            former_tokens: Vec::new(),
        };
        Ok((key, kept))
    }

    /// The sequence under a key, with what was decided about its messages meanwhile.
    pub(in crate::workflow) fn sequence(&self, key: &PersonKey) -> anyhow::Result<Option<KeptSequence>> {
        read(&self.store, key)
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

    /// Tells every sequence to a person what happened.
    pub(in crate::workflow) fn tell_sequences(&self, keys: &[PersonKey], what: &Happened) -> anyhow::Result<()> {
        for (key, mut kept) in sequences_of(&self.store, keys)? {
            kept.sequence.happened(what);
            self.keep_sequence(&key, &kept)?;
        }
        Ok(())
    }

    /// The sequence in which a message went out.
    pub(in crate::workflow) fn sequence_of_message(&self, message_id: &str) -> anyhow::Result<Option<KeptSequence>> {
        self.sequence_where(|kept| kept.touches.iter().any(|t| t.message_id == message_id))
    }

    /// The first sequence of which this is so.
    pub(in crate::workflow) fn sequence_where(
        &self,
        is: impl Fn(&KeptSequence) -> bool,
    ) -> anyhow::Result<Option<KeptSequence>> {
        let all = self.store.items(ItemKind::Sequence, None, i64::MIN, MOST)?;
        Ok(all.into_iter().filter_map(|item| serde_json::from_value(item.body).ok()).find(is))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a former version of the program kept it: its token was the digest that names it, and is recognised still.
    #[test]
    fn what_was_kept_before_is_read_with_the_token_that_was_sent() {
        let text = r#"{"address":"dana@acme.example","contact":{"system":"local","kind":"contact","id":"1"},
            "account":{"system":"local","kind":"company","id":"1"},
            "sequence":{"plan":[{"channel":"email","after_days":0},{"channel":"email","after_days":4},
              {"channel":"email","after_days":4},{"channel":"email","after_days":6}],"sent":1,"last_unix_ms":5,
              "waiting":null,"soft_nos":0,"silence_counted":false,"away_until":null,"away_since_unix_ms":null,
              "stopped":null},
            "touches":[],"token":"0123456789abcdef01234567"}"#;
        let mut kept: KeptSequence = serde_json::from_str(text).unwrap();
        assert!(kept.is_stopped_by("0123456789abcdef01234567") && !kept.is_stopped_by("0123456789abcdef0123456"));
        let old = std::mem::replace(&mut kept.token, "f".repeat(32));
        kept.former_tokens.push(old);
        let again: KeptSequence = serde_json::from_str(&serde_json::to_string(&kept).unwrap()).unwrap();
        assert!(again.is_stopped_by("0123456789abcdef01234567") && again.is_stopped_by(&"f".repeat(32)));
        assert!(!again.is_stopped_by("") && !again.is_stopped_by(&"e".repeat(32)));
    }
}
