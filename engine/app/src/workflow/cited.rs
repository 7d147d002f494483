//! The text of what claims cite: events, facts, mails, as they are kept.

use std::collections::{BTreeMap, BTreeSet};

use reframe_outreach::facts::Fact;
use reframe_signal::event::SignalEvent;
use reframe_store::ItemKind;
use reframe_workflow::{
    artifact::{Claim, Kind},
    handoff::Draft,
    outbox::{Inbox as _, Which},
    verify::{Broken, Sources, check_all},
};

use super::{
    office::Office,
    replies::mail_text,
    signals::{self, cited_items},
};

/// Proposals looked at.
const MOST: usize = 100_000;

impl Office {
    /// The text of a kept thing by the name that evidence has for it: `signal/…`, `mail/…`, `fact-…`; nothing if it is not
    /// kept, or no longer what its name says.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn item_text(&self, name: &str) -> anyhow::Result<Option<String>> {
        let kind = if name.starts_with("signal/") {
            ItemKind::Signal
        } else if name.starts_with("mail/") {
            ItemKind::Mail
        } else {
            ItemKind::Fact
        };
        let Some(item) = self.store.item(kind, name)? else { return Ok(None) };
        Ok(match kind {
            ItemKind::Signal => {
                let event = serde_json::from_value::<SignalEvent>(item.body).ok();
                event.filter(SignalEvent::is_genuine).map(|event| event.text())
            }
            ItemKind::Mail => {
                let part = |name: &str| item.body.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
                Some(mail_text(part("subject"), part("text")))
            }
            _ => serde_json::from_value::<Fact>(item.body).ok().map(|fact| fact.text().to_owned()),
        })
    }

    /// Holds what the cards of the last feeds, the messages drafted and the proposals of answers cite against what is kept:
    /// how many of them there are, their citations, and those that do not hold.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn check_before_calls(&self) -> anyhow::Result<(usize, usize, Vec<Broken>)> {
        let mut looked_at = BTreeSet::new();
        let mut claims: Vec<Claim> = Vec::new();
        for (id, card) in self.cards_shown()? {
            if looked_at.insert(id.to_string()) {
                claims.extend(signals::claims(&card).into_iter().cloned());
            }
        }
        for listed in self.store.proposals(&Which::default(), MOST)? {
            let proposal = listed.proposal;
            if !cited_items(&proposal.because).is_empty() {
                looked_at.insert(proposal.id.to_string());
                claims.push(proposal.because);
            }
            if proposal.from.kind() == Kind::Draft.as_str() && looked_at.insert(proposal.from.to_string()) {
                let kept = self.store.artifact(&proposal.from)?;
                let draft = kept.and_then(|kept| serde_json::from_value::<Draft>(kept.artifact.body).ok());
                claims.extend(draft.into_iter().flat_map(|draft| draft.because));
            }
        }
        let (cited, broken) = self.check_cited(&claims.iter().collect::<Vec<_>>())?;
        Ok((looked_at.len(), cited, broken))
    }

    /// Holds what claims cite of events, facts and mails against what is kept: the number of citations, and those that do
    /// not hold. Citations of calls and records are not looked at.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn check_cited(&self, claims: &[&Claim]) -> anyhow::Result<(usize, Vec<Broken>)> {
        let mut texts = BTreeMap::new();
        let mut cited = 0;
        let mut theirs = Vec::new();
        for claim in claims {
            let names = cited_items(claim);
            if names.is_empty() || names.len() < claim.evidence().len() {
                continue;
            }
            cited += names.len();
            theirs.push(*claim);
            for name in names {
                if !texts.contains_key(&name)
                    && let Some(text) = self.item_text(&name)?
                {
                    texts.insert(name, text);
                }
            }
        }
        let items: Vec<(String, String)> = texts.into_iter().collect();
        Ok((cited, check_all(&theirs, Sources { items: &items, ..Sources::default() })))
    }
}
