//! What the store tells of the things in a walk, beyond their ids, times and approvals: each read as its page shows it.
//!
//! It is read when somebody asks, and not kept: what was erased is not there.

use std::collections::BTreeSet;

use reframe_funnel::{
    account::{AccountState, Walk},
    stage::Stage,
};
use reframe_policy::clock::DAY_MS;
use reframe_serve::accounts::journey::{Answer, Booked, Cite, MOST_MADE, NewSignal, Place, Telling, Told};
use reframe_signal::event::{AccountHint, SignalEvent};
use reframe_store::{CallId, Item, ItemKind};
use reframe_workflow::{
    artifact::{ArtifactId, Claim, Evidence, Kind},
    audit::What,
    gate::{Action, ProposalId},
    handoff::{Brief, Draft, Meeting, NoteProposal, SignalCard},
    outbox::{AuditBook as _, Inbox as _, Kept, Listed, Standing},
    system::{RecordKind, RecordRef},
};
use serde::de::DeserializeOwned;

use super::outcome::came_of;
use crate::{
    commands::run::line,
    workflow::{office::Office, post_call::TranscriptRef, signals::cited_items},
};

/// Citations of one thing that are shown; the rest is counted.
const CITES: usize = 6;
/// Longest quotation that is shown, in characters.
const QUOTE_CHARS: usize = 240;
/// Mails and events of one account that are looked through.
const LOOKED_THROUGH: usize = 2_000;

impl Office {
    /// What is kept of the things of a walk: of each stage's latest forty.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(in crate::workflow) fn told(&self, state: &AccountState, walk: Option<&Walk>) -> anyhow::Result<Told> {
        let mut told = Told { now_unix_ms: (self.clock)(), ..Told::default() };
        let Some(walk) = walk else { return Ok(told) };
        let mut sent: Vec<(ArtifactId, String)> = Vec::new();
        for stage in &walk.stages {
            for id in stage.artifacts.iter().rev().take(MOST_MADE) {
                let Some(kept) = self.store.artifact(id)? else { continue };
                if let Some(draft) = body::<Draft>(&kept, Kind::Draft) {
                    sent.push((id.clone(), draft.mail.message_id));
                }
                self.hand_off(&kept, &mut told)?;
            }
            for call in stage.calls.iter().rev().take(MOST_MADE) {
                told.calls.insert(call.clone(), self.call_in_words(call));
            }
            for id in stage.asks.iter().rev().take(MOST_MADE) {
                if let Some(listed) = self.store.proposal(id)? {
                    told.proposals.insert(id.clone(), self.proposal_in_words(&listed)?);
                }
            }
        }
        told.answers = self.answers(state, &sent)?;
        let asks: BTreeSet<&ProposalId> =
            [Stage::PostCall, Stage::Hygiene].into_iter().flat_map(|stage| &walk.stage(stage).asks).collect();
        told.new_signals = self.new_signals(state, &asks)?;
        Ok(told)
    }

    fn hand_off(&self, kept: &Kept, told: &mut Told) -> anyhow::Result<()> {
        let id = &kept.artifact.id;
        let telling = if let Some(card) = body::<SignalCard>(kept, Kind::SignalCard) {
            let cited: Vec<String> = card.reasons.iter().flat_map(cited_items).collect();
            let telling = self.card_in_words(&card, &cited)?;
            told.cited.insert(id.clone(), cited);
            telling
        } else if let Some(draft) = body::<Draft>(kept, Kind::Draft) {
            let (cites, more_cites) = cites(&draft.because.iter().collect::<Vec<_>>());
            let says = vec![format!("To {}: {}", draft.mail.to.join(", "), draft.mail.subject)];
            Telling { says, cites, more_cites, places: Vec::new() }
        } else if let Some(meeting) = body::<Meeting>(kept, Kind::Meeting) {
            let Meeting { event, title, start_unix_ms, cancelled, deal, .. } = meeting;
            let about = deal.map(|deal| format!("About {deal}"));
            let off = cancelled.then(|| "Called off".to_owned());
            told.meetings.insert(id.clone(), Booked { event, start_unix_ms, cancelled });
            Telling { says: [Some(title), about, off].into_iter().flatten().collect(), ..Telling::default() }
        } else if let Some(brief) = body::<Brief>(kept, Kind::Brief) {
            brief_in_words(&brief)
        } else if let Some(note) = body::<NoteProposal>(kept, Kind::NoteProposal) {
            note_in_words(&note)
        } else if let Some(read) = body::<TranscriptRef>(kept, Kind::CallTranscript) {
            let says =
                vec![format!("As it was heard up to event {}; the words are in the event log alone", read.last_seq)];
            Telling { says, ..Telling::default() }
        } else {
            // A night's review is of many deals: what it found of this one are its proposals.
            return Ok(());
        };
        told.artifacts.insert(id.clone(), telling);
        Ok(())
    }

    fn card_in_words(&self, card: &SignalCard, cited: &[String]) -> anyhow::Result<Telling> {
        let (cites, more_cites) = cites(&card.reasons.iter().collect::<Vec<_>>());
        let mut says: Vec<String> = card.rationale.iter().map(|because| because.text().to_owned()).collect();
        says.extend(
            card.opening.as_ref().map(|with| format!("Begin with {} ({}): {}", with.name, with.role, with.reason)),
        );
        for id in cited {
            let event = self.store.item(ItemKind::Signal, id)?.and_then(event);
            says.extend(
                event.as_ref().and_then(came_of).map(|write| format!("{id} came of {write}, a walk before this one")),
            );
        }
        Ok(Telling { says, cites, more_cites, places: Vec::new() })
    }

    /// How many turns were heard and cards shown; the words are the review page's.
    fn call_in_words(&self, call: &str) -> Telling {
        let heard = CallId::new(call).map_err(anyhow::Error::from).and_then(|id| self.hear(&id));
        let says = match heard {
            Ok(heard) => {
                let (turns, cards) = (heard.transcript.turns.len(), heard.transcript.cards.len());
                let objections = heard.transcript.objections.len();
                format!("{turns} turns, {objections} objections heard, {cards} cards shown")
            }
            Err(_) => "Its words are not there any more".to_owned(),
        };
        Telling { says: vec![says], ..Telling::default() }
    }

    fn proposal_in_words(&self, listed: &Listed) -> anyhow::Result<Telling> {
        let proposal = &listed.proposal;
        let mut says = vec![line(proposal), proposal.because.text().to_owned()];
        if let Standing::Void { .. } | Standing::Failed { .. } | Standing::Rejected { .. } = listed.standing {
            says.push(listed.standing.to_string());
        }
        let sends = matches!(proposal.action, Action::SendMail { .. });
        if sends {
            let record = self.store.record_of(&proposal.id.to_string())?;
            let cleared = record.into_iter().rev().find(|entry| entry.what == What::Cleared);
            says.extend(cleared.map(|entry| format!("May go out by {}", by_rules(&entry.detail))));
        }
        let mut places = vec![Place::Review { batch: proposal.batch.clone() }];
        if let Standing::Done { receipt } = &listed.standing {
            places.push(Place::Record { record: receipt.record.to_string(), at: receipt.url.clone() });
        }
        let (cites, more_cites) = cites(&[&proposal.because]);
        Ok(Telling { says, cites, more_cites, places })
    }

    /// Mails that answer one of these messages.
    fn answers(&self, state: &AccountState, sent: &[(ArtifactId, String)]) -> anyhow::Result<Vec<Answer>> {
        let mut answers = Vec::new();
        if sent.is_empty() {
            return Ok(answers);
        }
        for company in of_kind(state, RecordKind::Company) {
            for mail in self.store.latest_items(ItemKind::Mail, Some(&company.to_string()), 0, LOOKED_THROUGH)? {
                let text = |name: &str| mail.body.get(name).and_then(|v| v.as_str()).unwrap_or_default();
                let Some((to, _)) = sent.iter().find(|(_, id)| text("in_reply_to") == id) else { continue };
                let says = vec![format!("{}, read as: {}", text("subject"), text("class").replace('_', " "))];
                let telling = Telling { says, ..Telling::default() };
                answers.push(Answer { item: mail.id.clone(), at_unix_ms: mail.at_unix_ms, to: to.clone(), telling });
            }
        }
        Ok(answers)
    }

    /// Signals of the account that came of one of these writes.
    fn new_signals(&self, state: &AccountState, writes: &BTreeSet<&ProposalId>) -> anyhow::Result<Vec<NewSignal>> {
        let mut found = Vec::new();
        if writes.is_empty() {
            return Ok(found);
        }
        // A call may be written down months later; what came of it bears the call's own time.
        let since = state.calls.values().map(|call| call.started_unix_ms).min().unwrap_or_default() - DAY_MS;
        let by_id = of_kind(state, RecordKind::Company).map(|at| format!("id:{}", at.id));
        let keys: BTreeSet<String> = by_id.chain([AccountHint::name(&state.account.name).key()]).collect();
        for key in keys {
            let items = self.store.latest_items(ItemKind::Signal, Some(&key), since, LOOKED_THROUGH)?;
            for event in items.into_iter().filter_map(event) {
                let Some(of) = came_of(&event).filter(|write| writes.contains(write)) else { continue };
                let says = vec![event.line().to_owned(), event.excerpt.clone()];
                let telling = Telling { says, ..Telling::default() };
                found.push(NewSignal { item: event.id, at_unix_ms: event.at_unix_ms, of, telling });
            }
        }
        Ok(found)
    }
}

fn of_kind(state: &AccountState, kind: RecordKind) -> impl Iterator<Item = &RecordRef> {
    state.account.records.iter().filter(move |record| record.kind == kind)
}

/// A hand-off's contents, if it is of this kind and its words are still there.
fn body<T: DeserializeOwned>(kept: &Kept, kind: Kind) -> Option<T> {
    if kept.kind != kind {
        return None;
    }
    serde_json::from_value(kept.artifact.body.clone()).ok()
}

fn event(item: Item) -> Option<SignalEvent> {
    serde_json::from_value(item.body).ok().filter(SignalEvent::is_genuine)
}

/// The rules of a clearance, as the audit log has them: `rules VERSION DIGEST: NAMES`.
fn by_rules(detail: &str) -> &str {
    detail.rsplit_once(": ").map_or(detail, |(_, names)| names)
}

fn brief_in_words(brief: &Brief) -> Telling {
    let claims: Vec<&Claim> = brief.parts.iter().flat_map(|(_, claims)| claims).collect();
    let filled = brief.parts.iter().filter(|(_, claims)| !claims.is_empty()).count();
    let (cites, more_cites) = cites(&claims);
    let says = format!(
        "{} statements in {filled} of {} parts, {} questions, {} likely objections",
        claims.len(),
        brief.parts.len(),
        brief.questions.len(),
        brief.objections.len()
    );
    Telling { says: vec![says], cites, more_cites, places: Vec::new() }
}

fn note_in_words(note: &NoteProposal) -> Telling {
    let claims = note.claims();
    let (cites, more_cites) = cites(&claims);
    let mut says: Vec<String> = note.note.headline.iter().map(|claim| claim.text().to_owned()).collect();
    says.push(format!(
        "{} promises, {} objections, {} tasks, {} fields",
        note.commitments.len(),
        note.objections.len(),
        note.tasks.len(),
        note.note.fields.len()
    ));
    Telling { says, cites, more_cites, places: Vec::new() }
}

/// The first citations of these claims, each once, and how many more there are.
fn cites(claims: &[&Claim]) -> (Vec<Cite>, usize) {
    let mut all: Vec<Cite> = Vec::new();
    for cite in claims.iter().flat_map(|claim| claim.evidence()).map(cite) {
        if !all.contains(&cite) {
            all.push(cite);
        }
    }
    let more = all.len().saturating_sub(CITES);
    all.truncate(CITES);
    (all, more)
}

fn cite(evidence: &Evidence) -> Cite {
    let (item, quote) = match evidence {
        Evidence::Words { call, from_ms, quote, .. } => {
            (format!("{call} at {}:{:02}", from_ms / 60_000, from_ms / 1_000 % 60), quote.clone())
        }
        Evidence::Event { call, seq } => (format!("{call}, event {seq}"), String::new()),
        Evidence::Field { record, field, value, .. } => {
            (format!("{record} {field}"), value.clone().unwrap_or_else(|| "nothing".to_owned()))
        }
        Evidence::Source { item, quote, .. } => (item.clone(), quote.clone()),
    };
    Cite { item, quote: quote.chars().take(QUOTE_CHARS).collect() }
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::Arc};

    use reframe_call::{
        audio::Party,
        event::{Event, EventBody},
        time::MediaTime,
    };
    use reframe_store::{EventLog as _, NewCall, SqliteLog, SqliteOptions};
    use reframe_workflow::artifact::{Artifact, Maker};
    use serde_json::{Value, json};

    use super::*;
    use crate::workflow::{WorkflowSettings, test_call::ended_call};

    /// 2026-03-02 02:30 UTC.
    const NOW: i64 = 1_772_418_600_000;

    fn office(dir: &Path) -> Office {
        std::fs::create_dir_all(dir.join("crm")).unwrap();
        std::fs::write(dir.join("crm/deals.csv"), "id,name,stage\n7,Acme,discovery\n").unwrap();
        let store = SqliteLog::open(dir.join("reframe.db"), SqliteOptions::default()).unwrap();
        Office::open(&WorkflowSettings::default(), dir, Arc::new(store), || NOW).unwrap()
    }

    fn source(item: &str, quote: &str) -> Evidence {
        Evidence::Source { item: item.to_owned(), url: None, quote: quote.to_owned(), at_unix_ms: NOW }
    }

    /// A meeting that was called off says so, and the walk knows it; one that stands does not. What is left of one that
    /// was erased says nothing.
    #[test]
    fn a_meeting_that_was_called_off_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let office = office(dir.path());
        let mut told = Told::default();
        let mut tell = |body: Value| {
            let artifact = Artifact::new(Kind::Meeting, Vec::new(), Maker::rules("test", 1), body);
            let id = artifact.id.clone();
            office.hand_off(&Kept { kind: Kind::Meeting, artifact, at_unix_ms: NOW }, &mut told).unwrap();
            let says = told.artifacts.get(&id).map(|telling| telling.says.clone());
            (says, told.meetings.get(&id).map(|booked| booked.cancelled))
        };
        let meeting = |cancelled: bool| {
            let deal = RecordRef { system: "local".into(), kind: RecordKind::Deal, id: "7".into() };
            let (event, title) = ("m1".to_owned(), "Next steps".to_owned());
            let meeting = Meeting { event, title, deal: Some(deal), cancelled, ..Meeting::default() };
            serde_json::to_value(meeting).unwrap()
        };
        let lines = |lines: &[&str]| Some(lines.iter().map(|line| (*line).to_owned()).collect::<Vec<String>>());
        assert_eq!(tell(meeting(false)), (lines(&["Next steps", "About local:deal/7"]), Some(false)));
        assert_eq!(tell(meeting(true)), (lines(&["Next steps", "About local:deal/7", "Called off"]), Some(true)));
        assert_eq!(tell(json!({ "erased": true })), (None, None));
    }

    /// What a call's words come to is counted; of one whose words are gone, or that nobody knows, that is said instead.
    #[test]
    fn a_call_without_its_words_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let office = office(dir.path());
        let talk = [(Party::Rep, "what happens next on your side"), (Party::Buyer, "we will look at it on friday")];
        ended_call(&office.store, "whole", NOW - DAY_MS, &talk);
        let gone = NewCall {
            id: CallId::new("gone").unwrap(),
            title: "A call".into(),
            playbook: "p".into(),
            started_unix_ms: NOW - DAY_MS,
            token_hash: String::new(),
        };
        office.store.create(&gone).unwrap();
        let erased = EventBody::CallErased { reason: "revoked".into() };
        office.store.append(&gone.id, 0, &[Event { seq: 0, at: MediaTime::ZERO, body: erased }]).unwrap();
        for (call, says) in [
            ("whole", "2 turns, 0 objections heard, 0 cards shown"),
            ("gone", "Its words are not there any more"),
            ("unknown", "Its words are not there any more"),
            ("no/name", "Its words are not there any more"),
        ] {
            assert_eq!(office.call_in_words(call).says, [says], "{call}");
        }
    }

    /// Six citations are shown, each once, and the rest is counted; a quotation is no longer than 240 characters.
    #[test]
    fn citations_are_shown_once_and_not_without_end() {
        let claim = |evidence: Vec<Evidence>| Claim::new("They said so", evidence, 1.0).unwrap();
        let first = claim((0..5).map(|n| source(&format!("mail/{n}"), "yes")).collect());
        let second = claim((3..9).map(|n| source(&format!("mail/{n}"), "yes")).collect());
        let (shown, more) = cites(&[&first, &second]);
        let items: Vec<&str> = shown.iter().map(|cite| cite.item.as_str()).collect();
        assert_eq!(items, ["mail/0", "mail/1", "mail/2", "mail/3", "mail/4", "mail/5"]);
        assert_eq!(more, 3);
        assert_eq!(cites(&[&first]).1, 0);
        // Characters, not bytes.
        let (long, whole) = ("ä".repeat(241), "ä".repeat(240));
        assert_eq!(cite(&source("mail/1", &long)).quote, whole);
        assert_eq!(cite(&source("mail/1", &whole)).quote, whole);
        let words = |from_ms: u64| Evidence::Words {
            call: "one".into(),
            utterance: 0,
            from_ms,
            to_ms: from_ms + 500,
            quote: "yes".into(),
        };
        assert_eq!(cite(&words(65_900)).item, "one at 1:05");
        assert_eq!(cite(&words(605_000)).item, "one at 10:05");
    }
}
