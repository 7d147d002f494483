//! The audit log: who did what to which draft, in entries that each carry the digest of the one before.
//!
//! An entry says *that* something happened, to what, when and through whom; it never holds the text of a draft, words of a
//! call or the reason a person gave, so that those can be erased while the chain stays whole. A changed, removed,
//! swapped or added entry breaks the chain at that place ([`verify_chain`]). Cutting off its end leaves a chain that is
//! whole but shorter: who wants to notice that keeps a [`Head`] elsewhere and compares.

use reframe_consent::Person;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::artifact::{Digest, canonical};

/// Longest detail of an entry, in characters: numbers, digests and codes need less.
pub const MAX_DETAIL_CHARS: usize = 300;

/// What the log may say of how a system answered: the HTTP status. The rest is the system's own text, in which anything
/// may stand that was sent to it, names and addresses too; it is kept with the write, where it can be erased.
#[must_use]
pub fn code_of(answer: &str) -> String {
    let status = answer.match_indices("HTTP ").find_map(|(at, word)| {
        let rest = &answer[at + word.len()..];
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        (digits == 3).then(|| &rest[..digits])
    });
    status.map_or_else(|| "no status".to_owned(), |status| format!("http {status}"))
}

/// Who did something. The three never share a name space: a model is not a person, whatever it is called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Actor {
    /// Somebody at a screen.
    Person {
        /// E-mail address or name.
        #[schemars(with = "String")]
        name: Person,
    },
    /// The program, under its own identity.
    Service {
        /// Name of the identity.
        name: String,
    },
    /// A model that wrote something.
    Model {
        /// Provider and model: `anthropic:claude-…`.
        name: String,
    },
}

impl Actor {
    /// The program under this identity.
    #[must_use]
    pub fn service(name: impl Into<String>) -> Self {
        Self::Service { name: name.into() }
    }

    /// A model.
    #[must_use]
    pub fn model(name: impl Into<String>) -> Self {
        Self::Model { name: name.into() }
    }

    /// `person`, `service` or `model`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Person { .. } => "person",
            Self::Service { .. } => "service",
            Self::Model { .. } => "model",
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Person { name } => name.as_str(),
            Self::Service { name } | Self::Model { name } => name,
        }
    }
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind(), self.name())
    }
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// A stage made a hand-off.
    ArtifactMade,
    /// A model was asked to write.
    ModelCalled,
    /// A stage proposed something.
    Proposed,
    /// A newer proposal, or a newer state of its target, took its place.
    Superseded,
    /// A person had it on their screen for the first time in this revision.
    Shown,
    /// A person said yes to the bytes of this digest.
    Approved,
    /// A person changed it; what was approved before is void.
    Edited,
    /// A person said no.
    Rejected,
    /// What reaches a person outside may go out now; what that rests on is in the contact ledger.
    Cleared,
    /// The executor is about to send a write.
    WriteAttempted,
    /// What an earlier attempt left was found by its marker.
    Found,
    /// It was done.
    Done,
    /// It surely was not done and will be tried again.
    NotDone,
    /// Nobody knows whether it was done; it will be looked for.
    Unknown,
    /// The system will never take it.
    Failed,
    /// The approval no longer counts; a person must look again.
    Void,
    /// An identity of the program was given rights, or others.
    Enrolled,
    /// An identity of the program lost all its rights.
    Revoked,
    /// A person's words went; the subject is their salted digest, or the call and the record in the consent registry.
    Erased,
    /// A seller opened the debrief of a call to others.
    Released,
    /// Somebody asked for a debrief that is not theirs to see, or not yet.
    Denied,
    /// Something about a person outside was entered in the contact ledger; the subject is their salted digest.
    ContactNoted,
    /// All that is kept about a person outside was put together; the subject is their salted digest.
    ContactShown,
}

impl What {
    /// The word in the log and on screens.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ArtifactMade => "artifact_made",
            Self::ModelCalled => "model_called",
            Self::Proposed => "proposed",
            Self::Superseded => "superseded",
            Self::Shown => "shown",
            Self::Approved => "approved",
            Self::Edited => "edited",
            Self::Rejected => "rejected",
            Self::Cleared => "cleared",
            Self::WriteAttempted => "write_attempted",
            Self::Found => "found",
            Self::Done => "done",
            Self::NotDone => "not_done",
            Self::Unknown => "unknown",
            Self::Failed => "failed",
            Self::Void => "void",
            Self::Enrolled => "enrolled",
            Self::Revoked => "revoked",
            Self::Erased => "erased",
            Self::Released => "released",
            Self::Denied => "denied",
            Self::ContactNoted => "contact_noted",
            Self::ContactShown => "contact_shown",
        }
    }
}

/// Something to be written into the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happening {
    /// When, in ms since 1970-01-01 UTC.
    pub at_unix_ms: i64,
    /// Who.
    pub by: Actor,
    /// What.
    pub what: What,
    /// Ids of everything it was about: proposals, artifacts, calls, identities.
    pub subjects: Vec<String>,
    /// Digests, numbers and codes ([`code_of`]); never words of people, nor what a system answered in its own.
    pub detail: String,
}

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its number, from 0 without holes.
    pub seq: u64,
    /// When, in ms since 1970-01-01 UTC, by the clock of the program that wrote it.
    pub at_unix_ms: i64,
    /// Who.
    pub by: Actor,
    /// What.
    pub what: What,
    /// Ids of everything it was about.
    pub subjects: Vec<String>,
    /// More of it.
    pub detail: String,
    /// Digest of the entry before; of nothing, in the first.
    pub before: Digest,
}

/// Where a chain stands: number and digest of what comes next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Number the next entry gets; hence how many there are.
    pub next: u64,
    /// Digest of the last entry.
    pub digest: Digest,
}

impl Default for Head {
    /// Of an empty log.
    fn default() -> Self {
        Self { next: 0, digest: Digest::of(b"") }
    }
}

impl Head {
    /// The entry that comes next, and where the chain stands after it.
    #[must_use]
    pub fn add(&self, new: &Happening) -> (Entry, Self) {
        let mut subjects = new.subjects.clone();
        subjects.sort_unstable();
        subjects.dedup();
        let entry = Entry {
            seq: self.next,
            at_unix_ms: new.at_unix_ms,
            by: new.by.clone(),
            what: new.what,
            subjects,
            detail: new.detail.chars().take(MAX_DETAIL_CHARS).collect(),
            before: self.digest.clone(),
        };
        let after = Self { next: self.next + 1, digest: entry.digest() };
        (entry, after)
    }
}

impl Entry {
    /// Digest of all of it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&canonical(self))
    }
}

/// Where a chain is broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the audit log was tampered with at entry {seq}: {problem}; compare the file with a copy")]
pub struct Tampered {
    /// Number at which it shows. The entry before may be the one that was changed.
    pub seq: u64,
    /// What is wrong.
    pub problem: &'static str,
}

/// Checks entries that follow `from`, and tells where the chain stands after them. A long log is checked in pieces.
///
/// # Errors
/// [`Tampered`] at the first entry that does not fit onto the one before.
pub fn verify_chain<'a>(entries: impl IntoIterator<Item = &'a Entry>, from: Head) -> Result<Head, Tampered> {
    entries.into_iter().try_fold(from, |head, entry| {
        if entry.seq != head.next {
            return Err(Tampered { seq: head.next, problem: "the entry is missing, or another stands in its place" });
        }
        if entry.before != head.digest {
            return Err(Tampered {
                seq: entry.seq,
                problem: "the entry before it is not the one it was written after",
            });
        }
        Ok(Head { next: head.next + 1, digest: entry.digest() })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(n: u64) -> (Vec<Entry>, Head) {
        let mut head = Head::default();
        let entries = (0..n).map(|i| {
            let (entry, after) = head.add(&Happening {
                at_unix_ms: 1_000 + i.cast_signed(),
                by: if i % 2 == 0 { Actor::service("reframe") } else { Actor::model("local:x") },
                what: What::Proposed,
                subjects: vec![format!("p-{}", i % 3), "call".into(), "call".into()],
                detail: String::new(),
            });
            head = after;
            entry
        });
        let entries = entries.collect();
        (entries, head)
    }

    #[test]
    fn a_whole_chain_is_accepted_at_once_and_in_pieces() {
        let (entries, head) = chain(10);
        assert_eq!(verify_chain(&entries, Head::default()), Ok(head.clone()));
        let half = verify_chain(&entries[..4], Head::default()).unwrap();
        assert_eq!(verify_chain(&entries[4..], half), Ok(head));
    }

    #[test]
    fn every_kind_of_tampering_is_found() {
        let (entries, head) = chain(10);
        let broken = |change: &dyn Fn(&mut Vec<Entry>)| {
            let mut copy = entries.clone();
            change(&mut copy);
            verify_chain(&copy, Head::default())
        };
        for i in 0..9 {
            assert!(broken(&|e| e[i].detail = "x".into()).is_err(), "changed text {i}");
            assert!(broken(&|e| e[i].at_unix_ms += 1).is_err(), "changed time {i}");
            assert!(broken(&|e| e[i].by = Actor::service("other")).is_err(), "changed actor {i}");
            assert!(broken(&|e| drop(e.remove(i))).is_err(), "removed {i}");
            assert!(broken(&|e| e.swap(i, i + 1)).is_err(), "swapped {i}");
            assert!(broken(&|e| e.insert(i, e[i].clone())).is_err(), "added {i}");
        }
        // The last entry has none after it, and a cut end leaves none: only a head kept elsewhere tells.
        assert_ne!(broken(&|e| e[9].detail = "x".into()), Ok(head.clone()));
        assert_ne!(broken(&|e| e.truncate(7)), Ok(head));
    }

    #[test]
    fn of_an_answer_only_its_status_is_told() {
        for (answer, code) in [
            ("HTTP 400: Contact dana@acme.example already exists", "http 400"),
            ("hubspot does not let us in: HTTP 403: Dana may not", "http 403"),
            ("HTTP 12345: Dana", "no status"),
            ("the connection broke while Dana Whitfield was written", "no status"),
            ("HTTP", "no status"),
            ("HTTP é", "no status"),
            ("", "no status"),
        ] {
            assert_eq!(code_of(answer), code, "{answer}");
        }
    }

    #[test]
    fn people_services_and_models_are_told_apart() {
        let person = Actor::Person { name: Person::new("reframe").unwrap() };
        let texts = [person, Actor::service("reframe"), Actor::model("reframe")].map(|a| canonical(&a));
        assert!(texts[0] != texts[1] && texts[1] != texts[2] && texts[0] != texts[2]);
    }
}
