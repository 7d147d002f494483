//! A desk that keeps everything in memory, for the demo and for tests: the gate is the real one, the systems are not.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use reframe_serve::review::{
    Batch, Changes, DebriefView, DeskError, Hit, Item, OpenDebrief, Piece, Progress, ReviewDesk, Sent, Verdict,
};
use reframe_workflow::{
    artifact::Digest,
    gate::{self, Action, Approver, Click, Proposal, ProposalId, Refusal},
    handoff::{CallTranscript, NoteProposal},
    outbox::{Listed, Standing, VoidWhy},
    rubric::{self, Release, Role, Rubric, Viewer},
    system::{Receipt, RecordKind, RecordRef},
};

/// Polls that an approved write takes from waiting to being written, and from there to its system, in the demo.
const POLLS_PER_STEP: u32 = 2;

struct Kept {
    listed: Listed,
    /// Count of changes at its last one.
    changed: u64,
    sent: Option<Sent>,
    polls: u32,
}

#[derive(Default)]
struct State {
    kept: Vec<Kept>,
    batches: Vec<Batch>,
    calls: Vec<CallTranscript>,
    notes: Vec<NoteProposal>,
    upto: u64,
    refuse: BTreeMap<ProposalId, String>,
    clicks: Vec<(ProposalId, Digest, String)>,
    /// Calls whose debrief the seller has opened, with the time.
    released: BTreeMap<String, i64>,
    lands: bool,
    down: bool,
}

/// Proposals, calls and notes in memory.
#[derive(Default)]
pub struct MemoryDesk {
    state: Mutex<State>,
}

impl MemoryDesk {
    /// One that writes what is approved by itself, a few polls later.
    #[must_use]
    pub fn that_lands() -> Self {
        let desk = Self::default();
        desk.state().lands = true;
        desk
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn up(&self) -> Result<MutexGuard<'_, State>, DeskError> {
        let state = self.state();
        if state.down { Err(DeskError::Down("the store does not answer".into())) } else { Ok(state) }
    }

    /// Puts a batch on the desk.
    pub fn put(&self, batch: Batch, proposals: Vec<Proposal>) {
        let mut state = self.state();
        state.upto += 1;
        let changed = state.upto;
        state.batches.push(batch);
        state.kept.extend(proposals.into_iter().map(|proposal| Kept {
            listed: Listed { proposal, standing: Standing::Open, shown_unix_ms: None, decided_unix_ms: None },
            changed,
            sent: None,
            polls: 0,
        }));
    }

    /// Puts a call on the desk.
    pub fn put_call(&self, call: CallTranscript, note: NoteProposal) {
        let mut state = self.state();
        state.calls.push(call);
        state.notes.push(note);
    }

    /// From now on a yes to this is refused; with no reason, no longer.
    pub fn refuse(&self, id: &ProposalId, reason: Option<&str>) {
        let mut state = self.state();
        match reason {
            Some(reason) => state.refuse.insert(id.clone(), reason.to_owned()),
            None => state.refuse.remove(id),
        };
    }

    /// Whether the store fails.
    pub fn set_down(&self, down: bool) {
        self.state().down = down;
    }

    /// Somebody else edits this, on another screen.
    pub fn edit_elsewhere(&self, id: &ProposalId, action: Action) {
        let mut state = self.state();
        state.change(id, |kept| kept.listed.proposal = kept.listed.proposal.edited(action));
    }

    /// An approved write ends.
    pub fn settle(&self, id: &ProposalId, end: Progress) {
        self.state().settle(id, end);
    }

    /// Every click of yes that came in, in order.
    pub fn clicks(&self) -> Vec<(ProposalId, Digest, String)> {
        self.state().clicks.clone()
    }

    /// A proposal as it stands.
    pub fn listed(&self, id: &ProposalId) -> Listed {
        self.state().kept.iter().find(|k| k.listed.proposal.id == *id).expect("it was put").listed.clone()
    }

    /// Names of all proposals, in order.
    pub fn ids(&self) -> Vec<ProposalId> {
        self.state().kept.iter().map(|k| k.listed.proposal.id.clone()).collect()
    }
}

impl State {
    fn find(&self, id: &ProposalId) -> Result<&Kept, DeskError> {
        let found = self.kept.iter().find(|k| k.listed.proposal.id == *id);
        found.ok_or_else(|| DeskError::Unknown(format!("proposal {id}")))
    }

    fn change(&mut self, id: &ProposalId, how: impl FnOnce(&mut Kept)) {
        self.upto += 1;
        let upto = self.upto;
        if let Some(kept) = self.kept.iter_mut().find(|k| k.listed.proposal.id == *id) {
            how(kept);
            kept.changed = upto;
        }
    }

    fn settle(&mut self, id: &ProposalId, end: Progress) {
        self.change(id, |kept| {
            match &end {
                Progress::Done { receipt } => kept.listed.standing = Standing::Done { receipt: receipt.clone() },
                Progress::Failed { reason } => kept.listed.standing = Standing::Failed { reason: reason.clone() },
                Progress::Void { reason } => {
                    let why = VoidWhy::TargetChanged { problem: reason.clone() };
                    kept.listed.standing = Standing::Void { why };
                }
                _ => {}
            }
            if let Some(sent) = &mut kept.sent {
                sent.progress = end;
            }
        });
    }

    /// Whether `click` was on what is there now and that can still be decided.
    fn open(&self, id: &ProposalId, click: &Click) -> Result<(), DeskError> {
        let listed = &self.find(id)?.listed;
        let now = || Box::new(Item::from(listed.clone()));
        if matches!(listed.standing, Standing::Done { .. } | Standing::Rejected { .. } | Standing::Superseded { .. }) {
            return Err(DeskError::Decided { now: now() });
        }
        if click.shown != listed.proposal.digest() {
            return Err(DeskError::Changed { now: now() });
        }
        Ok(())
    }

    fn approve(&mut self, id: &ProposalId, click: &Click) -> Verdict {
        self.clicks.push((id.clone(), click.shown.clone(), click.by.as_str().to_owned()));
        let Ok(kept) = self.find(id) else {
            return Verdict::Refused { reason: "it is not there any more; load the page again".into() };
        };
        let listed = kept.listed.clone();
        if let Standing::Approved { by, .. } = &listed.standing {
            return Verdict::Already { by: by.as_str().to_owned() };
        }
        if let Some(reason) = self.refuse.get(id) {
            return Verdict::Refused { reason: reason.clone() };
        }
        if !listed.standing.may_be_approved() {
            return Verdict::Refused { reason: listed.standing.to_string() };
        }
        match gate::approve(&listed.proposal, click) {
            Err(Refusal::Changed) => Verdict::Changed { now: Box::new(listed.into()) },
            Err(other) => Verdict::Refused { reason: other.to_string() },
            Ok(approved) => {
                let approval = approved.approval().clone();
                let (by, at_unix_ms) = (approval.by.as_str().to_owned(), approval.at_unix_ms);
                self.change(id, |kept| {
                    kept.listed.standing = Standing::Approved { by: approval.by.clone(), at_unix_ms };
                    kept.listed.decided_unix_ms = Some(at_unix_ms);
                    let progress = Progress::Pending { note: None };
                    kept.sent = Some(Sent { id: id.clone(), by, at_unix_ms, progress });
                    kept.polls = 0;
                });
                Verdict::Approved { expires_unix_ms: approval.expires_unix_ms }
            }
        }
    }

    /// Takes what was approved a step further, if this desk lands things.
    fn tick(&mut self) {
        let mut next = Vec::new();
        for kept in self.kept.iter_mut().filter(|_| self.lands) {
            let Some(sent) = &kept.sent else { continue };
            let id = kept.listed.proposal.id.clone();
            kept.polls += 1;
            match sent.progress {
                Progress::Pending { .. } if kept.polls >= POLLS_PER_STEP => next.push((id, Progress::Sending)),
                Progress::Sending if kept.polls >= 2 * POLLS_PER_STEP => {
                    let receipt = receipt_of(&kept.listed.proposal);
                    next.push((id, Progress::Done { receipt }));
                }
                _ => {}
            }
        }
        for (id, progress) in next {
            self.settle(&id, progress);
        }
    }
}

/// Where a write would land.
fn receipt_of(proposal: &Proposal) -> Receipt {
    let made =
        |kind| RecordRef { system: proposal.system.clone(), kind, id: proposal.marker().as_str()[3..9].to_owned() };
    let record = match &proposal.action {
        Action::CreateNote { .. } => made(RecordKind::Note),
        Action::CreateTask { .. } => made(RecordKind::Task),
        Action::UpdateField { record, .. } => record.clone(),
        Action::CreateDraft { .. } => made(RecordKind::MailDraft),
        Action::SendMail { .. } => made(RecordKind::Mail),
    };
    let url = matches!(record.kind, RecordKind::Deal).then(|| format!("https://crm.example.com/deals/{}", record.id));
    Receipt { record, version: None, url }
}

impl ReviewDesk for MemoryDesk {
    fn inbox(&self) -> Result<Vec<Batch>, DeskError> {
        let state = self.up()?;
        let counted = state.batches.iter().map(|batch| {
            let of = || state.kept.iter().filter(|k| k.listed.proposal.batch == batch.batch);
            let waiting = of().filter(|k| k.listed.standing.waits()).count();
            Batch { waiting, total: of().count(), ..batch.clone() }
        });
        Ok(counted.collect())
    }

    fn batch(&self, batch: &str) -> Result<Vec<Item>, DeskError> {
        let state = self.up()?;
        let of = state.kept.iter().filter(|k| k.listed.proposal.batch == batch);
        Ok(of.map(|k| k.listed.clone().into()).collect())
    }

    fn item(&self, id: &ProposalId) -> Result<Option<Item>, DeskError> {
        Ok(self.up()?.find(id).ok().map(|kept| kept.listed.clone().into()))
    }

    fn changes(&self, since: Option<u64>) -> Result<Changes, DeskError> {
        let mut state = self.up()?;
        if since.is_some() {
            state.tick();
        }
        let since = since.unwrap_or(u64::MAX);
        let items = state.kept.iter().filter(|k| k.changed > since).map(|k| k.listed.clone().into());
        Ok(Changes { upto: state.upto, items: items.collect() })
    }

    fn shown(&self, ids: &[ProposalId], _to: &Approver, at_unix_ms: i64) -> Result<(), DeskError> {
        let mut state = self.up()?;
        for kept in state.kept.iter_mut().filter(|k| ids.contains(&k.listed.proposal.id)) {
            kept.listed.shown_unix_ms.get_or_insert(at_unix_ms);
        }
        Ok(())
    }

    fn approve(&self, clicks: &[(ProposalId, Click)]) -> Result<Vec<Verdict>, DeskError> {
        let mut state = self.up()?;
        Ok(clicks.iter().map(|(id, click)| state.approve(id, click)).collect())
    }

    fn reject(&self, id: &ProposalId, click: &Click, reason: &str) -> Result<Item, DeskError> {
        let mut state = self.up()?;
        state.open(id, click)?;
        let by = as_person(&click.by);
        state.change(id, |kept| {
            kept.listed.standing = Standing::Rejected { by, reason: reason.to_owned() };
            kept.listed.decided_unix_ms = Some(click.at_unix_ms);
        });
        Ok(state.find(id)?.listed.clone().into())
    }

    fn edit(&self, id: &ProposalId, click: &Click, action: Action) -> Result<Item, DeskError> {
        let mut state = self.up()?;
        state.open(id, click)?;
        state.change(id, |kept| {
            kept.listed.proposal = kept.listed.proposal.edited(action);
            // An approval given before was on other bytes.
            kept.listed.standing = match kept.sent.take() {
                Some(_) => Standing::Void { why: VoidWhy::Edited },
                None => Standing::Open,
            };
        });
        Ok(state.find(id)?.listed.clone().into())
    }

    fn outbox(&self) -> Result<Vec<Sent>, DeskError> {
        Ok(self.up()?.kept.iter().filter_map(|k| k.sent.clone()).collect())
    }

    fn transcript(&self, call: &str) -> Result<Option<CallTranscript>, DeskError> {
        Ok(self.up()?.calls.iter().find(|c| c.call == call).cloned())
    }

    fn note(&self, call: &str) -> Result<Option<NoteProposal>, DeskError> {
        Ok(self.up()?.notes.iter().find(|n| n.call == call).cloned())
    }

    fn debrief(&self, call: &str, viewer: &Approver) -> Result<Option<DebriefView>, DeskError> {
        let state = self.up()?;
        let found = state.calls.iter().zip(&state.notes).find(|(c, _)| c.call == call);
        let Some((transcript, note)) = found else { return Ok(None) };
        let (release, own) = (release_of(transcript, &state), sells(transcript, viewer));
        let viewer = Viewer { person: as_person(viewer), role: if own { Role::Seller } else { Role::Other } };
        if let Err(denied) = release.visible_to(&viewer, transcript.started_unix_ms) {
            return Ok(Some(DebriefView::Closed { says: denied.to_string() }));
        }
        let debrief = rubric::debrief(transcript, note, &Rubric::built_in());
        let trends = rubric::trends(std::slice::from_ref(&debrief));
        let released_unix_ms = state.released.get(call).copied();
        let opens_unix_ms = transcript.started_unix_ms + 180 * 24 * 60 * 60 * 1_000;
        Ok(Some(DebriefView::Open(Box::new(OpenDebrief {
            debrief,
            trends,
            calls: 1,
            own,
            released_unix_ms,
            opens_unix_ms,
        }))))
    }

    fn release_debrief(&self, call: &str, by: &Approver, at_unix_ms: i64) -> Result<(), DeskError> {
        let mut state = self.up()?;
        let known = state.calls.iter().find(|c| c.call == call);
        let transcript = known.ok_or_else(|| DeskError::Unknown(format!("call {call}")))?;
        if !sells(transcript, by) {
            return Err(DeskError::Impossible(rubric::NotYours.to_string()));
        }
        state.released.entry(call.to_owned()).or_insert(at_unix_ms);
        Ok(())
    }

    fn search(&self, query: &str, limit: usize) -> Result<Vec<Hit>, DeskError> {
        let state = self.up()?;
        let wanted = query.to_lowercase();
        let mut hits = Vec::new();
        for call in &state.calls {
            for turn in &call.turns {
                let is_hit = |text: &str| wanted.split_whitespace().any(|w| text.starts_with(w));
                if !turn.words.iter().any(|w| is_hit(&w.text)) {
                    continue;
                }
                let snippet = turn.words.iter().map(|w| Piece { text: w.text.clone(), hit: is_hit(&w.text) }).collect();
                hits.push(Hit {
                    call: call.call.clone(),
                    title: call.title.clone(),
                    started_unix_ms: call.started_unix_ms,
                    utterance: turn.utterance,
                    speaker: call.participants[turn.speaker].name.clone(),
                    from_ms: turn.words[0].from_ms,
                    snippet,
                });
            }
        }
        hits.truncate(limit);
        Ok(hits)
    }
}

/// Whether this is a seller of the call.
fn sells(call: &CallTranscript, who: &Approver) -> bool {
    call.participants.iter().any(|p| p.side == "rep" && Approver::person(&p.name).is_ok_and(|p| p == *who))
}

fn release_of(call: &CallTranscript, state: &State) -> Release {
    let seller = call.participants.iter().find(|p| p.side == "rep").map_or("the seller", |p| &p.name);
    let seller = reframe_consent::Person::new(seller).expect("a name");
    let release = Release::new(seller.clone(), call.started_unix_ms, 180);
    match state.released.get(&call.call) {
        Some(at) => release.clone().release(&seller, *at).unwrap_or(release),
        None => release,
    }
}

/// The same person, as standings name them.
fn as_person(who: &Approver) -> reframe_consent::Person {
    reframe_consent::Person::new(who.as_str()).expect("an approver is a person")
}
