//! What may be cited by name as it is kept, and what `reframe verify` holds against it beside notes: cards, messages, briefs.

use std::collections::{BTreeMap, BTreeSet};

use reframe_outreach::facts::Fact;
use reframe_prep::brief::entry;
use reframe_signal::event::SignalEvent;
use reframe_store::ItemKind;
use reframe_workflow::{
    artifact::{ArtifactId, Claim, Kind},
    handoff::{Brief, Draft, Meeting},
    outbox::{Inbox as _, Kept, Listed},
};

use super::{
    citations::{Held, Shelf},
    office::Office,
    replies::mail_text,
    signals::{self, cited_items},
};

/// Briefs looked at, the latest: those of a year of a team that has eight meetings a working day.
pub const BRIEFS: usize = 2_000;

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

    /// Holds what the cards of the last feeds, the messages drafted and the proposals of answers cite against what is there:
    /// how many of them there are, and what their citations came to.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn check_before_calls(&self, proposals: &[Listed]) -> anyhow::Result<(usize, Held)> {
        let mut looked_at = BTreeSet::new();
        let mut shelf = Shelf::new(self);
        let mut held = Held::default();
        for (id, card) in self.cards_shown()? {
            if looked_at.insert(id.to_string()) {
                held.add(shelf.hold(&signals::claims(&card), &[])?);
            }
        }
        // A brief's own proposals are looked at with it.
        for Listed { proposal, .. } in proposals.iter().filter(|l| l.proposal.from.kind() != Kind::Brief.as_str()) {
            if !cited_items(&proposal.because).is_empty() {
                looked_at.insert(proposal.id.to_string());
                held.add(shelf.hold(&[&proposal.because], &[])?);
            }
            if proposal.from.kind() == Kind::Draft.as_str() && looked_at.insert(proposal.from.to_string()) {
                let kept = self.store.artifact(&proposal.from)?;
                let draft = kept.and_then(|kept| serde_json::from_value::<Draft>(kept.artifact.body).ok());
                let because: Vec<&Claim> = draft.iter().flat_map(|draft| &draft.because).collect();
                held.add(shelf.hold(&because, &[])?);
            }
        }
        Ok((looked_at.len(), held))
    }

    /// Holds every line of the latest briefs, and what proposals of them rest on, against what is there: how many briefs were
    /// looked at, and what their citations came to. One whose words were erased says nothing.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn check_briefs(&self, proposals: &[Listed]) -> anyhow::Result<(usize, Held)> {
        let mut asked: BTreeMap<&ArtifactId, Vec<&Claim>> = BTreeMap::new();
        for Listed { proposal, .. } in proposals {
            asked.entry(&proposal.from).or_default().push(&proposal.because);
        }
        let mut shelf = Shelf::new(self);
        let (mut n, mut held) = (0, Held::default());
        for Kept { artifact, .. } in self.store.latest_artifacts(Kind::Brief, BRIEFS)? {
            let Ok(brief) = serde_json::from_value::<Brief>(artifact.body) else { continue };
            // As the entry was then: the meeting of its name may be called otherwise by now.
            let mut own = Vec::new();
            for parent in artifact.parents.iter().filter(|id| id.kind() == Kind::Meeting.as_str()) {
                let kept = self.store.artifact(parent)?;
                let meeting = kept.and_then(|kept| serde_json::from_value::<Meeting>(kept.artifact.body).ok());
                own.extend(meeting.as_ref().map(entry));
            }
            let mut claims = brief.claims();
            claims.extend(asked.get(&artifact.id).into_iter().flatten());
            held.add(shelf.hold(&claims, &own)?);
            n += 1;
        }
        Ok((n, held))
    }
}
