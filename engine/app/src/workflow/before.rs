//! What was proposed before tonight, as much of it as a night needs to know.

use std::collections::{BTreeMap, BTreeSet};

use reframe_workflow::{
    artifact::{ArtifactId, Digest, Kind, canonical},
    gate::{Action, Proposal},
    outbox::{Listed, Standing},
    system::RecordRef,
};

use super::office::call_of;

/// What a person said no to, or what was done, is not proposed again for so long: a quarter of a year.
const NOT_AGAIN_MS: i64 = 90 * 24 * 60 * 60 * 1_000;

/// The notes of a call that are about a deal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotesOf {
    /// Name of the call.
    pub call: String,
    /// The deal.
    pub deal: RecordRef,
    /// All that were made of it and that a proposal comes from, each once: by the rules, later by a model, or again of what
    /// an erasure has left.
    pub notes: Vec<ArtifactId>,
}

/// Filled with all proposals, one after the other.
pub struct Before {
    /// Those nobody has decided about that change the system of record.
    pub open: Vec<Listed>,
    /// Notes of calls, each call and deal once.
    pub notes: Vec<NotesOf>,
    /// What tonight's findings are held against.
    pub known: Known,
    crm: String,
    now_unix_ms: i64,
    /// Where in `notes` a call's about a deal are.
    places: BTreeMap<(String, RecordRef), usize>,
}

impl Before {
    /// Nothing yet. `crm` is the name of the system of record.
    pub fn new(crm: &str, now_unix_ms: i64) -> Self {
        let (open, notes, places) = (Vec::new(), Vec::new(), BTreeMap::new());
        Self { open, notes, known: Known::default(), crm: crm.to_owned(), now_unix_ms, places }
    }

    /// One more.
    pub fn add(&mut self, listed: Listed) {
        self.known.add(&listed, self.now_unix_ms);
        let Proposal { batch, action, from, .. } = &listed.proposal;
        let Some(at) = action.target() else { return };
        if let Some(call) = call_of(batch).filter(|_| from.kind() == Kind::NoteProposal.as_str()) {
            let place = *self.places.entry((call.to_owned(), at.clone())).or_insert_with(|| {
                self.notes.push(NotesOf { call: call.to_owned(), deal: at.clone(), notes: Vec::new() });
                self.notes.len() - 1
            });
            let notes = &mut self.notes[place].notes;
            if !notes.contains(from) {
                notes.push(from.clone());
            }
        }
        if matches!(listed.standing, Standing::Open) && at.system == self.crm {
            self.open.push(listed);
        }
    }
}

/// What a proposal wants, whichever night it was made in: to tell proposals that do not say what they mend.
pub fn wish(proposal: &Proposal) -> Digest {
    let mut action = proposal.action.clone();
    if let Action::CreateTask { due, .. } = &mut action {
        // Another day every night.
        *due = None;
    }
    Digest::of(&canonical(&(&proposal.system, &action)))
}

/// What was proposed before.
#[derive(Default)]
pub struct Known {
    /// Findings that are waiting or on their way, or were decided about not long ago.
    pub settled: BTreeSet<String>,
    /// The same of proposals from before findings were told apart by what they are.
    pub wishes: BTreeSet<Digest>,
    /// How many proposals there were about each finding, whatever became of them.
    times: BTreeMap<String, usize>,
}

impl Known {
    fn add(&mut self, listed: &Listed, now_unix_ms: i64) {
        let finding = listed.proposal.finding.as_ref();
        if let Some(finding) = finding {
            *self.times.entry(finding.clone()).or_default() += 1;
        }
        let counts = match listed.standing {
            Standing::Open | Standing::Approved { .. } | Standing::Failed { .. } => true,
            Standing::Rejected { .. } | Standing::Done { .. } => {
                listed.decided_unix_ms.is_some_and(|at| now_unix_ms - at < NOT_AGAIN_MS)
            }
            Standing::Superseded { .. } | Standing::Void { .. } => false,
        };
        match finding {
            _ if !counts => {}
            Some(finding) => drop(self.settled.insert(finding.clone())),
            None => drop(self.wishes.insert(wish(&listed.proposal))),
        }
    }

    /// How many proposals there were about a finding.
    pub fn times(&self, finding: &str) -> usize {
        self.times.get(finding).copied().unwrap_or_default()
    }
}
