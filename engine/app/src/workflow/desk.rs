//! The review page's desk, over the store.

use std::sync::Arc;

use reframe_consent::Person;
use reframe_serve::review::{
    Batch, Changes, DebriefView, DeskError, Hit, Item, Piece, Progress, ReviewDesk, Sent, Verdict,
};
use reframe_store::{CallId, EventLog as _, search::Filters};
use reframe_workflow::{
    artifact::Kind,
    gate::{Action, Approval, Approver, Click, ProposalId, Refusal},
    handoff::{CallTranscript, NoteProposal},
    outbox::{AuditBook as _, Entry, Inbox as _, LedgerError, Listed, Standing, State, Which},
};

use super::{
    clerk::Bell,
    office::{Office, call_of},
};

/// Proposals of one batch that are shown.
const IN_BATCH: usize = 2_000;
/// Batches that are listed.
const BATCHES: usize = 200;
/// Entries of the audit log that one look for changes goes through.
const CHANGES: usize = 500;
/// Writes that are listed.
const SENT: usize = 200;

/// The desk.
pub struct Desk {
    office: Arc<Office>,
    bell: Option<Bell>,
}

impl Desk {
    /// A desk over `office`. `bell` wakes who carries out what is approved, if that is another thread.
    #[must_use]
    pub const fn new(office: Arc<Office>, bell: Option<Bell>) -> Self {
        Self { office, bell }
    }

    fn listed(&self, id: &ProposalId) -> Result<Option<Item>, DeskError> {
        Ok(self.office.store.proposal(id).map_err(down)?.map(Item::from))
    }

    fn now(&self, id: &ProposalId) -> Result<Box<Item>, DeskError> {
        self.listed(id)?.map(Box::new).ok_or_else(|| DeskError::Unknown(id.to_string()))
    }

    /// What became of a click.
    fn verdict(&self, id: &ProposalId, result: Option<Result<Approval, LedgerError>>) -> Result<Verdict, DeskError> {
        match result {
            Some(Ok(approval)) => Ok(Verdict::Approved { expires_unix_ms: approval.expires_unix_ms }),
            Some(Err(LedgerError::Decided { standing: Standing::Approved { by, .. } })) => {
                Ok(Verdict::Already { by: by.as_str().to_owned() })
            }
            Some(Err(LedgerError::Refused(Refusal::Changed))) => Ok(Verdict::Changed { now: self.now(id)? }),
            Some(Err(error)) => Ok(Verdict::Refused { reason: error.to_string() }),
            None => Err(DeskError::Unknown(id.to_string())),
        }
    }

    /// What the keeper said, as the page understands it.
    fn trouble(&self, id: &ProposalId, error: LedgerError) -> DeskError {
        let now = |make: fn(Box<Item>) -> DeskError| self.now(id).map_or_else(|e| e, make);
        match error {
            LedgerError::Unknown(what) => DeskError::Unknown(what),
            LedgerError::Decided { .. } => now(|now| DeskError::Decided { now }),
            LedgerError::Refused(Refusal::Changed) => now(|now| DeskError::Changed { now }),
            LedgerError::Refused(refusal) => DeskError::Impossible(refusal.to_string()),
            LedgerError::Impossible(why) => DeskError::Impossible(why.to_string()),
            LedgerError::BeingWritten => DeskError::BeingWritten,
            other => down(other),
        }
    }
}

/// What a batch that is no call's is called.
fn title(batch: &str) -> String {
    let is = |prefix: &str, words: fn(&str) -> String| batch.strip_prefix(prefix).map(words);
    is("night ", |day| format!("Deals, night of {day}"))
        .or_else(|| is("outreach ", |day| format!("First messages, {day}")))
        .or_else(|| is("meeting ", |_| "Brief for a meeting".to_owned()))
        .or_else(|| is("reply/", |_| "An answer that came".to_owned()))
        .unwrap_or_else(|| batch.to_owned())
}

fn down(error: impl Into<anyhow::Error>) -> DeskError {
    let error = error.into();
    tracing::error!("the review desk: {error:#}");
    DeskError::Down(format!("{error:#}"))
}

impl ReviewDesk for Desk {
    fn inbox(&self) -> Result<Vec<Batch>, DeskError> {
        let store = &self.office.store;
        let counts = store.batches(BATCHES).map_err(down)?;
        let mut out = Vec::with_capacity(counts.len());
        for count in counts {
            let call = call_of(&count.batch).map(str::to_owned);
            let mut at_unix_ms = count.made_unix_ms;
            let title = match &call {
                Some(id) => {
                    let record = CallId::new(id).ok().map(|id| store.call(&id)).transpose().map_err(down)?.flatten();
                    if let Some(record) = &record {
                        at_unix_ms = record.call.started_unix_ms;
                    }
                    record.map_or_else(|| id.clone(), |r| r.call.title)
                }
                None => title(&count.batch),
            };
            out.push(Batch { batch: count.batch, title, call, at_unix_ms, waiting: count.waiting, total: count.total });
        }
        Ok(out)
    }

    fn batch(&self, batch: &str) -> Result<Vec<Item>, DeskError> {
        let which = Which { batch: Some(batch.to_owned()), ..Which::default() };
        let listed = self.office.store.proposals(&which, IN_BATCH).map_err(down)?;
        let replaced = |l: &Listed| matches!(l.standing, Standing::Superseded { .. });
        Ok(listed.into_iter().filter(|l| !replaced(l)).map(Item::from).collect())
    }

    fn item(&self, id: &ProposalId) -> Result<Option<Item>, DeskError> {
        self.listed(id)
    }

    fn changes(&self, since: Option<u64>) -> Result<Changes, DeskError> {
        let store = &self.office.store;
        let Some(since) = since else {
            return Ok(Changes { upto: store.head().map_err(down)?.next, items: vec![] });
        };
        let entries = store.entries_from(since, CHANGES).map_err(down)?;
        let upto = entries.last().map_or(since, |e| e.seq + 1);
        let mut ids: Vec<ProposalId> = Vec::new();
        for subject in entries.iter().flat_map(|e| &e.subjects).filter(|s| s.starts_with("proposal-")) {
            let Ok(id) = subject.parse().map(ProposalId) else { continue };
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        let mut items = Vec::with_capacity(ids.len());
        for id in &ids {
            items.extend(self.listed(id)?);
        }
        Ok(Changes { upto, items })
    }

    fn shown(&self, ids: &[ProposalId], to: &Approver, at_unix_ms: i64) -> Result<(), DeskError> {
        let person = Person::new(to.as_str()).map_err(down)?;
        self.office.store.shown(ids, &person, at_unix_ms).map_err(down)
    }

    fn approve(&self, clicks: &[(ProposalId, Click)]) -> Result<Vec<Verdict>, DeskError> {
        // A message that breaks a rule of ours is not approved; the others of the batch are.
        let mut broken = Vec::with_capacity(clicks.len());
        for (id, _) in clicks {
            broken.push(self.office.may_be_approved(id).map_err(down)?.err());
        }
        let whole: Vec<(ProposalId, Click)> =
            clicks.iter().zip(&broken).filter(|(_, b)| b.is_none()).map(|(click, _)| click.clone()).collect();
        let mut results = self.office.store.approve_batch(&whole).map_err(down)?.into_iter();
        let verdicts = clicks.iter().zip(broken).map(|((id, _), broken)| match broken {
            Some(why) => Ok(Verdict::Refused { reason: why.to_string() }),
            None => self.verdict(id, results.next()),
        });
        let verdicts = verdicts.collect();
        if let Some(bell) = &self.bell {
            bell.ring();
        }
        verdicts
    }

    fn reject(&self, id: &ProposalId, click: &Click, reason: &str) -> Result<Item, DeskError> {
        self.office.store.reject(id, click, reason).map_err(|e| self.trouble(id, e))?;
        self.now(id).map(|item| *item)
    }

    fn edit(&self, id: &ProposalId, click: &Click, action: Action) -> Result<Item, DeskError> {
        let checked = self.office.checked_edit(id, action).map_err(down)?;
        let action = checked.map_err(|broken| DeskError::Impossible(broken.to_string()))?;
        self.office.store.revise(id, click, action).map_err(|e| self.trouble(id, e))?;
        self.now(id).map(|item| *item)
    }

    fn outbox(&self) -> Result<Vec<Sent>, DeskError> {
        let entries = self.office.store.latest_entries(SENT).map_err(down)?;
        Ok(entries.into_iter().map(sent).collect())
    }

    fn transcript(&self, call: &str) -> Result<Option<CallTranscript>, DeskError> {
        let Ok(id) = CallId::new(call) else { return Ok(None) };
        if self.office.store.call(&id).map_err(down)?.is_none() {
            return Ok(None);
        }
        Ok(Some(self.office.hear(&id).map_err(down)?.transcript))
    }

    fn note(&self, call: &str) -> Result<Option<NoteProposal>, DeskError> {
        let Ok(id) = CallId::new(call) else { return Ok(None) };
        let which = Which { batch: Some(super::office::batch_of(&id)), ..Which::default() };
        let listed = self.office.store.proposals(&which, IN_BATCH).map_err(down)?;
        let of_note = |l: &&Listed| l.proposal.from.kind() == Kind::NoteProposal.as_str();
        // The note that will be written, else whatever the call's other proposals come from.
        let written =
            listed.iter().rev().filter(of_note).find(|l| matches!(l.proposal.action, Action::CreateNote { .. }));
        let from = written.or_else(|| listed.iter().rev().find(of_note)).map(|l| &l.proposal.from);
        let Some(from) = from else { return Ok(None) };
        let kept = self.office.store.artifact(from).map_err(down)?;
        Ok(kept.and_then(|kept| serde_json::from_value(kept.artifact.body).ok()))
    }

    fn debrief(&self, call: &str, viewer: &Approver) -> Result<Option<DebriefView>, DeskError> {
        let Ok(id) = CallId::new(call) else { return Ok(None) };
        let viewer = Person::new(viewer.as_str()).map_err(down)?;
        Ok(match self.office.debrief(&id, &viewer).map_err(down)? {
            None => None,
            Some(Ok(open)) => Some(DebriefView::Open(Box::new(open))),
            Some(Err(says)) => Some(DebriefView::Closed { says }),
        })
    }

    fn release_debrief(&self, call: &str, by: &Approver, at_unix_ms: i64) -> Result<(), DeskError> {
        let unknown = || DeskError::Unknown(format!("debrief of call {call}"));
        let id = CallId::new(call).map_err(|_| unknown())?;
        let by = Person::new(by.as_str()).map_err(down)?;
        match self.office.release_debrief(&id, &by, at_unix_ms).map_err(down)? {
            None => Err(unknown()),
            Some(released) => released.map_err(|not_yours| DeskError::Impossible(not_yours.to_string())),
        }
    }

    fn search(&self, query: &str, limit: usize) -> Result<Vec<Hit>, DeskError> {
        let found = self.office.store.search(query, &Filters::default(), limit, (self.office.clock)()).map_err(down)?;
        let hits = found.hits.into_iter().map(|hit| Hit {
            call: hit.call.to_string(),
            title: hit.title,
            started_unix_ms: hit.started_unix_ms,
            utterance: hit.utterance.0,
            speaker: hit.speaker,
            from_ms: hit.at_ms,
            snippet: hit.snippet.pieces().map(|(text, hit)| Piece { text: text.to_owned(), hit }).collect(),
        });
        Ok(hits.collect())
    }
}

fn sent(entry: Entry) -> Sent {
    let progress = match entry.state {
        State::Pending => Progress::Pending { note: Some(entry.last).filter(|last| !last.is_empty()) },
        State::Claimed { .. } => Progress::Sending,
        State::Done { receipt, .. } => Progress::Done { receipt },
        State::Failed { reason } => Progress::Failed { reason },
        State::Void { why } => Progress::Void { reason: why.to_string() },
    };
    Sent {
        id: entry.approval.proposal.clone(),
        by: entry.approval.by.as_str().to_owned(),
        at_unix_ms: entry.approval.at_unix_ms,
        progress,
    }
}
