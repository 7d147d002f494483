//! One approved write on its way: `pending → claimed → done | failed | void`, as a pure state machine.
//!
//! What makes it exactly once: an attempt is written down before it is sent ([`Entry::begun`]), and whatever was begun
//! is looked for by its marker before anything is sent again ([`Entry::next`]). A request whose fate is unknown may still
//! take effect after we stopped listening, so "not found" counts only after [`Limits::in_flight_ms`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    gate::{Approval, ProposalId},
    system::Receipt,
};

/// Wait after the first attempt that failed, in ms. It doubles with each: HubSpot's limit is counted over 10 s, so the
/// third attempt falls into another window.
const FIRST_WAIT_MS: i64 = 2_000;
/// Longest wait of our own, in ms: a system that was down for long is asked four times an hour.
const LONGEST_WAIT_MS: i64 = 15 * 60 * 1_000;
/// Longest wait a system may ask for, in ms: a day, the longest window of any limit we know (HubSpot's daily one).
const LONGEST_ASKED_MS: i64 = 24 * 60 * 60 * 1_000;

/// Time limits of the executor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long a claim holds without news, in ms. Longer than the connectors' own time limits together.
    pub lease_ms: i64,
    /// How long a request whose answer was lost may still take effect, in ms. Longer than any gateway waits for what is
    /// behind it.
    pub in_flight_ms: i64,
}

impl Default for Limits {
    /// Two minutes each: connectors give up after 30 s, common gateways after 60 s.
    fn default() -> Self {
        Self { lease_ms: 120_000, in_flight_ms: 120_000 }
    }
}

/// Why an approval no longer counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[serde(tag = "why", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum VoidWhy {
    /// It was edited after it was approved.
    #[error("it was edited after it was approved")]
    Edited,
    /// A person said no after all.
    #[error("it was taken back")]
    TakenBack,
    /// The approval was too old when its turn came.
    #[error("the approval ran out before it could be done")]
    Expired,
    /// What is stored is not what was approved, and nobody edited it.
    #[error("what is stored is not what was approved; the file was changed from outside")]
    Tampered,
    /// The record reads otherwise than when it was proposed.
    #[error("the record has changed since: {problem}")]
    TargetChanged {
        /// What is different.
        problem: String,
    },
    /// It would have reached a person outside who may not be written to now.
    #[error("it may not be sent now: {reason}")]
    NotCleared {
        /// Why, without names of people.
        reason: String,
    },
    /// The program's identity may not do this.
    #[error("{service} may not do this in {system}; give it the right, then approve again")]
    NotPermitted {
        /// Which identity.
        service: String,
        /// Where.
        system: String,
    },
}

/// Where an entry stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "is", rename_all = "snake_case", deny_unknown_fields)]
pub enum State {
    /// Waits for its turn.
    Pending,
    /// A worker has it.
    Claimed {
        /// Which worker.
        worker: String,
        /// Until when, in ms since 1970-01-01 UTC.
        until_unix_ms: i64,
    },
    /// It is in its system.
    Done {
        /// What was left there.
        receipt: Receipt,
    },
    /// Its system will never take it.
    Failed {
        /// What the system said.
        reason: String,
    },
    /// Its approval no longer counts; it surely was not done.
    Void {
        /// Why.
        why: VoidWhy,
    },
}

impl State {
    /// The word in the store and on screens.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Claimed { .. } => "claimed",
            Self::Done { .. } => "done",
            Self::Failed { .. } => "failed",
            Self::Void { .. } => "void",
        }
    }

    /// Whether nothing more will happen to it.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        matches!(self, Self::Done { .. } | Self::Failed { .. } | Self::Void { .. })
    }
}

/// A request that may have taken effect, or may still.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Doubt {
    /// By whose clock: clocks of two runs of the program cannot be compared, for the machine's may have been set.
    pub worker: String,
    /// Since when, in ms since 1970-01-01 UTC: it was sent then at the latest.
    pub since_unix_ms: i64,
}

/// An approved write on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its number in the outbox.
    pub no: u64,
    /// What was approved, and by whom.
    pub approval: Approval,
    /// Where it stands.
    pub state: State,
    /// How often it was claimed. Who settles it must know the number, so a worker that was late cannot.
    pub claims: u32,
    /// How many attempts were begun.
    pub attempts: u32,
    /// When its turn is, in ms since 1970-01-01 UTC.
    pub due_unix_ms: i64,
    /// A request that may have taken effect, or may still.
    pub doubt: Option<Doubt>,
    /// What happened last, in words; empty at first.
    pub last: String,
}

/// What is to be done with a claimed entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Look for what an earlier attempt left.
    Find,
    /// Send it: nothing was sent before.
    Write,
}

/// How a claim ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The write was answered with yes.
    Done(Receipt),
    /// An earlier attempt had done it.
    Found(Receipt),
    /// It surely was not done. Again after `wait_ms`, or later.
    NotDone {
        /// What happened.
        problem: String,
        /// Least wait, in ms.
        wait_ms: u64,
    },
    /// Nobody knows whether it was done.
    Unknown {
        /// What happened.
        problem: String,
    },
    /// Nothing was sent, and what is known is what was known before.
    Later {
        /// What it waits for.
        problem: String,
        /// Least wait, in ms.
        wait_ms: u64,
    },
    /// The system will never take it.
    Failed {
        /// What it said.
        reason: String,
    },
    /// The approval no longer counts.
    Void(VoidWhy),
}

/// The claim is no longer the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry {no} of the outbox is no longer held by this worker")]
pub struct Lost {
    /// Which entry.
    pub no: u64,
}

impl Entry {
    /// A fresh one.
    #[must_use]
    pub fn new(no: u64, approval: Approval) -> Self {
        let due_unix_ms = approval.at_unix_ms;
        let last = String::new();
        Self { no, approval, state: State::Pending, claims: 0, attempts: 0, due_unix_ms, doubt: None, last }
    }

    /// Of which proposal it is.
    #[must_use]
    pub const fn proposal(&self) -> &ProposalId {
        &self.approval.proposal
    }

    /// Whether a worker may claim it: its turn has come, or the worker that had it is silent. A time so far ahead that no
    /// rule of ours can have set it comes from a clock that has been set back since, and holds nothing up.
    #[must_use]
    pub fn is_due(&self, now_unix_ms: i64, limits: Limits) -> bool {
        let (at, furthest) = match &self.state {
            State::Pending => (self.due_unix_ms, LONGEST_ASKED_MS),
            State::Claimed { until_unix_ms, .. } => (*until_unix_ms, limits.lease_ms),
            _ => return false,
        };
        at <= now_unix_ms || at > now_unix_ms.saturating_add(furthest)
    }

    /// Gives it to a worker; the caller has asked [`is_due`](Self::is_due).
    #[must_use]
    pub fn claimed(mut self, worker: &str, now_unix_ms: i64, limits: Limits) -> Self {
        // A worker that fell silent may have sent it. And a doubt of another run is counted anew by this run's clock.
        let silent = matches!(self.state, State::Claimed { .. });
        if silent || self.doubt.as_ref().is_some_and(|d| d.worker != worker) {
            self.doubt = Some(Doubt { worker: worker.to_owned(), since_unix_ms: now_unix_ms });
        }
        self.claims += 1;
        self.hold(worker, now_unix_ms, limits);
        self
    }

    fn hold(&mut self, worker: &str, now_unix_ms: i64, limits: Limits) {
        let until_unix_ms = now_unix_ms.saturating_add(limits.lease_ms);
        self.state = State::Claimed { worker: worker.to_owned(), until_unix_ms };
    }

    /// What comes first. After any attempt that was begun it is to look, also when the system swore it did nothing.
    #[must_use]
    pub const fn next(&self) -> Next {
        if self.attempts > 0 || self.doubt.is_some() { Next::Find } else { Next::Write }
    }

    /// How long "not found" proves nothing yet, in ms; 0: it does now.
    #[must_use]
    pub fn in_flight_for_ms(&self, now_unix_ms: i64, limits: Limits) -> u64 {
        let end = self.doubt.as_ref().map(|d| d.since_unix_ms.saturating_add(limits.in_flight_ms));
        end.map_or(0, |end| u64::try_from(end.saturating_sub(now_unix_ms)).unwrap_or(0))
    }

    /// Whether `self`, as it is stored, is still the claim `held`.
    ///
    /// # Errors
    /// [`Lost`].
    pub fn is_held_as(&self, held: &Self) -> Result<(), Lost> {
        let same = self.no == held.no && self.claims == held.claims && matches!(self.state, State::Claimed { .. });
        if same { Ok(()) } else { Err(Lost { no: held.no }) }
    }

    /// Writes down that the request is about to go out, and holds it for a full lease from now.
    ///
    /// # Errors
    /// [`Lost`] if it is not claimed by `worker`, or the claim has run out.
    pub fn begun(mut self, worker: &str, now_unix_ms: i64, limits: Limits) -> Result<Self, Lost> {
        match &self.state {
            State::Claimed { worker: by, until_unix_ms } if by == worker && now_unix_ms < *until_unix_ms => {}
            _ => return Err(Lost { no: self.no }),
        }
        self.attempts += 1;
        self.doubt = Some(Doubt { worker: worker.to_owned(), since_unix_ms: now_unix_ms });
        self.hold(worker, now_unix_ms, limits);
        Ok(self)
    }

    /// Ends a claim.
    #[must_use]
    pub fn settled(mut self, outcome: &Outcome, now_unix_ms: i64) -> Self {
        let mut again = |wait_ms: u64, problem: &str| {
            let asked = i64::try_from(wait_ms).unwrap_or(LONGEST_ASKED_MS).min(LONGEST_ASKED_MS);
            self.due_unix_ms = now_unix_ms.saturating_add(asked);
            problem.clone_into(&mut self.last);
            State::Pending
        };
        let own = backoff_ms(self.attempts);
        self.state = match outcome {
            Outcome::Done(receipt) | Outcome::Found(receipt) => State::Done { receipt: receipt.clone() },
            Outcome::NotDone { problem, wait_ms } => again(own.max(*wait_ms), problem),
            Outcome::Unknown { problem } => again(own, problem),
            Outcome::Later { problem, wait_ms } => again(*wait_ms, problem),
            Outcome::Failed { reason } => State::Failed { reason: reason.clone() },
            Outcome::Void(why) => State::Void { why: why.clone() },
        };
        if self.state.is_over() || matches!(outcome, Outcome::NotDone { .. }) {
            self.doubt = None;
        }
        self
    }
}

/// Our own wait after this many attempts, in ms: doubles, capped, and the same every time, for one executor has nobody to
/// keep out of step with.
#[must_use]
pub fn backoff_ms(attempts: u32) -> u64 {
    let doublings = attempts.saturating_sub(1).min(20);
    (FIRST_WAIT_MS << doublings).min(LONGEST_WAIT_MS).unsigned_abs()
}

#[cfg(test)]
mod tests {
    use reframe_consent::Person;

    use super::*;
    use crate::{
        artifact::{ArtifactId, Digest},
        system::{RecordKind, RecordRef},
    };

    const LIMITS: Limits = Limits { lease_ms: 100, in_flight_ms: 1_000 };

    fn entry() -> Entry {
        let approval = Approval {
            proposal: ProposalId(ArtifactId::of("proposal", b"p")),
            revision: 1,
            digest: Digest::of(b"bytes"),
            by: Person::new("ada").unwrap(),
            at_unix_ms: 50,
            expires_unix_ms: 1_000_000,
        };
        Entry::new(1, approval)
    }

    fn receipt() -> Receipt {
        let record = RecordRef { system: "local".into(), kind: RecordKind::Note, id: "9".into() };
        Receipt { record, version: None, url: None }
    }

    fn sent(worker: &str, now: i64) -> Entry {
        entry().claimed(worker, now, LIMITS).begun(worker, now, LIMITS).unwrap()
    }

    #[test]
    fn waits_double_up_to_a_quarter_of_an_hour() {
        let waits: Vec<u64> = [0, 1, 2, 3, 4, 9, 10, 11, u32::MAX].map(backoff_ms).into();
        assert_eq!(waits, [2_000, 2_000, 4_000, 8_000, 16_000, 512_000, 900_000, 900_000, 900_000]);
    }

    #[test]
    fn the_first_attempt_writes_and_every_other_looks_first() {
        let fresh = entry().claimed("w", 60, LIMITS);
        assert_eq!(fresh.next(), Next::Write);
        for outcome in [
            Outcome::Unknown { problem: "time-out".into() },
            Outcome::NotDone { problem: "429".into(), wait_ms: 1 },
            Outcome::Later { problem: "x".into(), wait_ms: 1 },
        ] {
            let again = sent("w", 60).settled(&outcome, 70).claimed("w", 9_000, LIMITS);
            assert_eq!(again.next(), Next::Find, "{outcome:?}");
        }
        // Silent since the claim: the attempt may have been sent although nobody said so.
        assert_eq!(entry().claimed("w", 60, LIMITS).claimed("v", 500, LIMITS).next(), Next::Find);
    }

    #[test]
    fn not_found_proves_something_only_when_the_request_cannot_be_in_flight() {
        let unknown = Outcome::Unknown { problem: "time-out".into() };
        let again = sent("w", 60).settled(&unknown, 90).claimed("w", 200, LIMITS);
        assert_eq!([again.in_flight_for_ms(200, LIMITS), again.in_flight_for_ms(1_060, LIMITS)], [860, 0]);
        // Another run of the program starts to count when it takes it over, wherever the clock was before.
        for (sent_at, now) in [(60, 5_000), (900_000, 5_000)] {
            let taken = sent("w", sent_at).settled(&unknown, sent_at).claimed("v", now, LIMITS);
            assert_eq!(taken.in_flight_for_ms(now, LIMITS), 1_000);
        }
        // "Not done" leaves no doubt, hence no wait.
        let sure = sent("w", 60).settled(&Outcome::NotDone { problem: "429".into(), wait_ms: 0 }, 90);
        assert_eq!(sure.in_flight_for_ms(90, LIMITS), 0);
    }

    #[test]
    fn waits_asked_for_are_honoured_within_a_day() {
        let due = |wait_ms| sent("w", 0).settled(&Outcome::NotDone { problem: "x".into(), wait_ms }, 0).due_unix_ms;
        assert_eq!([due(0), due(30_000), due(u64::MAX)], [2_000, 30_000, 86_400_000]);
    }

    #[test]
    fn a_lease_holds_until_it_runs_out_and_a_late_worker_can_do_nothing() {
        let held = entry().claimed("w", 60, LIMITS);
        assert!(!held.is_due(159, LIMITS));
        assert!(held.is_due(160, LIMITS));
        assert_eq!(held.clone().begun("w", 160, LIMITS), Err(Lost { no: 1 }));
        let taken = held.clone().claimed("v", 160, LIMITS);
        assert_eq!(taken.is_held_as(&held), Err(Lost { no: 1 }));
        assert!(taken.clone().begun("w", 170, LIMITS).is_err());
        assert!(taken.begun("v", 170, LIMITS).is_ok());
    }

    #[test]
    fn a_clock_that_was_set_back_holds_nothing_up() {
        let day = 24 * 60 * 60 * 1_000;
        let far = entry().claimed("w", 900 * day, LIMITS);
        assert!(far.is_due(5, LIMITS));
        let waits = far.settled(&Outcome::Later { problem: "x".into(), wait_ms: 10 }, 900 * day);
        assert!(waits.is_due(5, LIMITS));
    }

    #[test]
    fn what_is_over_is_never_due() {
        for outcome in
            [Outcome::Done(receipt()), Outcome::Failed { reason: "no".into() }, Outcome::Void(VoidWhy::Expired)]
        {
            let over = sent("w", 60).settled(&outcome, 70);
            assert!(over.state.is_over() && over.doubt.is_none());
            assert!(!over.is_due(i64::MAX, LIMITS), "{outcome:?}");
            assert!(over.begun("w", 80, LIMITS).is_err());
        }
    }
}
