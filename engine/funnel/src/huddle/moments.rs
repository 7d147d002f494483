//! What of the log and of the calls belongs on the morning page. Replies and kills are told by outreach itself.

use std::collections::BTreeMap;

use reframe_workflow::{
    artifact::Kind,
    gate::ProposalId,
    handoff::{CallTranscript, CardOutcome},
};

use super::{Moment, Topic};
use crate::fact::{Fact, Happened, Step};

/// Messages that went out (through the gate, or by hand and confirmed) and meetings that were booked.
#[must_use]
pub fn of_log(log: &[Fact]) -> Vec<Moment> {
    let mut mails: BTreeMap<&ProposalId, &str> = BTreeMap::new();
    for fact in log {
        if let Happened::Proposed { proposal, from, action, .. } = &fact.what
            && action == "send_mail"
        {
            mails.insert(proposal, from.as_str());
        }
    }
    let moment = |fact: &Fact| {
        let (topic, links, says) = match &fact.what {
            Happened::Stepped { proposal, step: Step::Done, .. } => {
                let from = mails.get(proposal)?;
                (Topic::Sent, vec![proposal.to_string(), (*from).to_owned()], "mail".to_owned())
            }
            Happened::Touched { touch, channel, from } => {
                (Topic::Sent, vec![touch.clone(), from.to_string()], channel.clone())
            }
            Happened::Made { id, kind: Kind::Meeting, parents, title, .. } => {
                let links = std::iter::once(id).chain(parents).map(ToString::to_string).collect();
                (Topic::Meeting, links, title.clone())
            }
            _ => return None,
        };
        Some(Moment { at_unix_ms: fact.at_unix_ms, topic, links, says })
    };
    let mut moments: Vec<Moment> = log.iter().filter_map(moment).collect();
    // A write that is done is said to be so again when an earlier attempt is found: once is enough.
    moments.sort_unstable();
    let mut seen = std::collections::BTreeSet::new();
    moments.retain(|m| m.topic != Topic::Sent || seen.insert(m.links[0].clone()));
    moments
}

/// Cards that a rep marked as used, with call and number of the event.
#[must_use]
pub fn of_calls(calls: &[CallTranscript]) -> Vec<Moment> {
    let used = calls.iter().flat_map(|call| call.cards.iter().map(move |card| (call, card)));
    let used = used.filter(|(_, card)| card.outcome == CardOutcome::Used);
    let moment = |(call, card): (&CallTranscript, &reframe_workflow::handoff::CardMoment)| Moment {
        at_unix_ms: call.started_unix_ms.saturating_add(i64::try_from(card.at_ms).unwrap_or(i64::MAX)),
        topic: Topic::CardUsed,
        links: vec![format!("{}#{}", call.call, card.seq), call.call.clone()],
        says: card.play.clone(),
    };
    used.map(moment).collect()
}
