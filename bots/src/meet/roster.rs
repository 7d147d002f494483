//! Who is in the conference, and whose sound a CSRC is. News comes in any order: entries before participants, or after.

use std::collections::BTreeMap;

use super::protocol::{MediaEntry, Participant, Update};

/// The CSRC that marks the loudest stream. It names nobody.
pub const LOUDEST: u32 = 42;
/// Most resources kept of each kind: twice what a Meet conference holds.
const MAX_KEPT: usize = 2_000;

/// Identifies a person for as long as the conference runs, also when leaving and coming back.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PersonKey(String);

impl PersonKey {
    /// Somebody of whom nothing but the sound is known.
    #[must_use]
    pub fn of_csrc(csrc: u32) -> Self {
        Self(format!("csrc {csrc}"))
    }
}

/// How somebody takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PersonKind {
    /// With a Google account.
    SignedIn,
    /// Without; the name was typed by the person.
    Anonymous,
    /// By phone.
    Phone,
    /// Nothing was said yet.
    Unknown,
}

/// Somebody in the conference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Name to show; empty while it is not known.
    pub name: String,
    /// How the person takes part.
    pub kind: PersonKind,
}

/// What became of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Is there, or has another name.
    Here(PersonKey, Person),
    /// Is gone.
    Gone(PersonKey),
}

/// Who is there.
#[derive(Debug, Default)]
pub struct Roster {
    entries: BTreeMap<i64, MediaEntry>,
    participants: BTreeMap<i64, Participant>,
    told: BTreeMap<PersonKey, Person>,
    by_csrc: BTreeMap<u32, PersonKey>,
    unknown: u64,
    /// Of a new session: which kinds of news did not come yet. Until both have, nobody is gone.
    expects: Option<(bool, bool)>,
}

impl Roster {
    /// Nobody yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Resources that were not kept: of unknown kinds, or beyond what a conference holds.
    #[must_use]
    pub const fn unknown(&self) -> u64 {
        self.unknown
    }

    /// Everybody who is there.
    pub fn people(&self) -> impl Iterator<Item = (&PersonKey, &Person)> {
        self.told.iter()
    }

    /// Whose sound this CSRC is, if that was said.
    #[must_use]
    pub fn speaker(&self, csrc: u32) -> Option<&PersonKey> {
        if csrc == LOUDEST { None } else { self.by_csrc.get(&csrc) }
    }

    /// News of `media-entries`.
    pub fn entries(&mut self, update: Update<MediaEntry>) -> Vec<Change> {
        self.unknown += update.unknown as u64;
        self.unknown += keep(&mut self.entries, update.resources, &update.deleted);
        self.expects = self.expects.and_then(|(_, participants)| participants.then_some((false, true)));
        self.settle()
    }

    /// News of `participants`.
    pub fn participants(&mut self, update: Update<Participant>) -> Vec<Change> {
        self.unknown += update.unknown as u64;
        self.unknown += keep(&mut self.participants, update.resources, &update.deleted);
        self.expects = self.expects.and_then(|(entries, _)| entries.then_some((true, false)));
        self.settle()
    }

    /// The session is new: all resources will be sent again. Nobody is gone before they have been.
    pub fn start_over(&mut self) {
        self.entries.clear();
        self.participants.clear();
        self.by_csrc.clear();
        self.expects = Some((true, true));
    }

    /// Derives everything from the resources as they are now, so that their order leaves no trace.
    fn settle(&mut self) -> Vec<Change> {
        let mut now: BTreeMap<PersonKey, Person> = BTreeMap::new();
        for participant in self.participants.values() {
            if let Some(key) = participant.participant_key.as_ref().or(participant.name.as_ref()) {
                now.insert(PersonKey(key.clone()), person(participant));
            }
        }
        self.by_csrc.clear();
        for (id, entry) in &self.entries {
            let key = self.key_of(*id, entry);
            now.entry(key.clone()).or_insert_with(|| Person { name: String::new(), kind: PersonKind::Unknown });
            if let Some(csrc) = entry.audio_csrc.filter(|csrc| *csrc != LOUDEST) {
                self.by_csrc.insert(csrc, key);
            }
        }
        for (key, was) in &self.told {
            match now.get_mut(key) {
                None if self.expects.is_some() => drop(now.insert(key.clone(), was.clone())),
                // What a resource does not say (yet) takes nothing away.
                Some(person) if person.kind == PersonKind::Unknown => *person = was.clone(),
                _ => {}
            }
        }
        let mut changes = Vec::new();
        for key in self.told.keys().filter(|key| !now.contains_key(key)) {
            changes.push(Change::Gone(key.clone()));
        }
        for (key, person) in &now {
            if self.told.get(key) != Some(person) {
                changes.push(Change::Here(key.clone(), person.clone()));
            }
        }
        self.told = now;
        changes
    }

    fn key_of(&self, id: i64, entry: &MediaEntry) -> PersonKey {
        if let Some(key) = &entry.participant_key {
            return PersonKey(key.clone());
        }
        let Some(name) = &entry.participant else { return PersonKey(format!("entry {id}")) };
        let known = self.participants.values().find(|p| p.name.as_ref() == Some(name));
        PersonKey(known.and_then(|p| p.participant_key.as_ref()).unwrap_or(name).clone())
    }
}

/// Applies resources and deletions; returns how many were beyond what is kept.
fn keep<T>(kept: &mut BTreeMap<i64, T>, resources: Vec<(i64, T)>, deleted: &[i64]) -> u64 {
    for id in deleted {
        kept.remove(id);
    }
    let mut beyond = 0;
    for (id, resource) in resources {
        if kept.len() < MAX_KEPT || kept.contains_key(&id) {
            kept.insert(id, resource);
        } else {
            beyond += 1;
        }
    }
    beyond
}

fn person(participant: &Participant) -> Person {
    let (user, kind) = match participant {
        Participant { signed_in_user: Some(user), .. } => (user, PersonKind::SignedIn),
        Participant { anonymous_user: Some(user), .. } => (user, PersonKind::Anonymous),
        Participant { phone_user: Some(user), .. } => (user, PersonKind::Phone),
        _ => return Person { name: String::new(), kind: PersonKind::Unknown },
    };
    Person { name: user.display_name.clone().unwrap_or_default(), kind }
}

#[cfg(test)]
#[path = "roster_tests.rs"]
mod tests;
