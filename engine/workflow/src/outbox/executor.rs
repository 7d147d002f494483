//! The executor: takes one entry of the outbox as far as it goes now.

use super::{
    Claim, Clearing, Entry, LedgerError, Next, NotCleared, Outcome, Queue, VoidWhy, Worker, clearing::reaches_somebody,
};
use crate::{
    gate::{Approved, Refusal, reopen},
    system::{ReadError, SystemOfRecord, WriteError},
};

/// Wait when a system could not be asked, or is not set up, in ms: long enough not to be a burden, short against the day
/// an approval holds.
const ASK_AGAIN_MS: u64 = 60_000;

/// What a step came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Nothing is due.
    Idle {
        /// When something will be, in ms since 1970-01-01 UTC; nothing: the outbox is empty.
        next_unix_ms: Option<i64>,
    },
    /// The identity may write nothing; nothing was sent.
    Stopped {
        /// Why.
        why: &'static str,
    },
    /// An entry was taken as far as it goes now.
    Settled(Box<Entry>),
    /// The claim was somebody else's in the end; nothing was sent.
    Lost,
}

/// Takes the entry whose turn it is through: look for what an earlier attempt left, check approval, identity and claim,
/// send, write down what came of it. At most one request that changes anything is sent.
///
/// What reaches a person outside is asked of `clearing` before each attempt: refused, the approval is void; not to be
/// answered, it waits. The answer comes before [`Queue::begin`], since nothing slow may stand between that and the request.
///
/// `now` is asked again before each decision that depends on it, in ms since 1970-01-01 UTC; within one
/// [`Worker::run`] it must never go back (start from the machine's clock once and add what a monotonic clock says).
///
/// # Errors
/// [`LedgerError::Store`]. What was under way is then settled after the lease, by looking first.
pub fn step(
    queue: &(impl Queue + ?Sized),
    systems: &[&dyn SystemOfRecord],
    worker: &Worker,
    clearing: &dyn Clearing,
    now: &dyn Fn() -> i64,
) -> Result<Step, LedgerError> {
    match queue.service(&worker.service)? {
        None => return Ok(Step::Stopped { why: "it was never enrolled" }),
        Some(service) if service.revoked_unix_ms.is_some() => return Ok(Step::Stopped { why: "it was revoked" }),
        Some(_) => {}
    }
    let Some(claim) = queue.claim(worker, now())? else {
        return Ok(Step::Idle { next_unix_ms: queue.next_due()? });
    };
    let (held, outcome) = match carry_out(queue, systems, worker, clearing, now, &claim) {
        Ok(ended) => ended,
        Err(LedgerError::Lost(_)) => return Ok(Step::Lost),
        Err(LedgerError::Stopped { why, .. }) => {
            let later = Outcome::Later { problem: why.to_owned(), wait_ms: 0 };
            return match queue.settle(&claim.entry, worker, &later, now()) {
                Ok(_) | Err(LedgerError::Lost(_)) => Ok(Step::Stopped { why }),
                Err(error) => Err(error),
            };
        }
        Err(error) => return Err(error),
    };
    match queue.settle(&held, worker, &outcome, now()) {
        Ok(entry) => Ok(Step::Settled(Box::new(entry))),
        Err(LedgerError::Lost(_)) => Ok(Step::Lost),
        Err(error) => Err(error),
    }
}

fn carry_out(
    queue: &(impl Queue + ?Sized),
    systems: &[&dyn SystemOfRecord],
    worker: &Worker,
    clearing: &dyn Clearing,
    now: &dyn Fn() -> i64,
    claim: &Claim,
) -> Result<(Entry, Outcome), LedgerError> {
    let Claim { entry, proposal } = claim;
    let over = |outcome| Ok((entry.clone(), outcome));
    let Some(system) = systems.iter().find(|s| s.name() == proposal.system) else {
        let problem = format!("{} is not set up; set it up, or reject what waits for it", proposal.system);
        return over(Outcome::Later { problem, wait_ms: ASK_AGAIN_MS });
    };
    if entry.next() == Next::Find {
        // To look is no write: also what has expired since must be found if it was done in time.
        match reopen(proposal, &entry.approval, entry.approval.at_unix_ms) {
            Ok(approved) => {
                if let Some(outcome) = look(*system, &approved, entry, worker, now) {
                    return over(outcome);
                }
            }
            // Nothing was ever sent under other bytes than the approved ones, yet these are not there to look with.
            Err(_) => return over(Outcome::Void(VoidWhy::Tampered)),
        }
    }
    let approved = match reopen(proposal, &entry.approval, now()) {
        Ok(approved) => approved,
        Err(Refusal::Expired { .. }) => return over(Outcome::Void(VoidWhy::Expired)),
        Err(Refusal::Impossible(why)) => return over(Outcome::Failed { reason: why.to_string() }),
        Err(Refusal::Changed) => return over(Outcome::Void(VoidWhy::Tampered)),
    };
    let may = queue.service(&worker.service)?.is_some_and(|s| {
        // Revoked is not void: `begin` stops below, and the entry waits for another identity.
        s.revoked_unix_ms.is_some() || s.may(approved.system(), approved.action())
    });
    if !may {
        let (service, system) = (worker.service.clone(), proposal.system.clone());
        return over(Outcome::Void(VoidWhy::NotPermitted { service, system }));
    }
    if reaches_somebody(approved.action()) {
        match clearing.clear(&approved, now()) {
            Ok(()) => {}
            Err(NotCleared::Refused { why }) => return over(Outcome::Void(VoidWhy::NotCleared { reason: why })),
            Err(NotCleared::Unavailable { problem }) => {
                return over(Outcome::Later { problem, wait_ms: ASK_AGAIN_MS });
            }
        }
    }
    let begun = queue.begin(entry, worker, now())?;
    let outcome = match system.write(&approved) {
        Ok(receipt) => Outcome::Done(receipt),
        Err(WriteError::NotDone { problem, wait_ms }) => Outcome::NotDone { problem, wait_ms },
        Err(WriteError::Unknown { problem }) => Outcome::Unknown { problem },
        Err(WriteError::TargetChanged { problem }) => Outcome::Void(VoidWhy::TargetChanged { problem }),
        Err(WriteError::Refused { problem }) => Outcome::Failed { reason: problem },
    };
    Ok((begun, outcome))
}

/// Looks for what an earlier attempt left. Nothing: it left nothing, and may be made again.
fn look(
    system: &dyn SystemOfRecord,
    approved: &Approved,
    entry: &Entry,
    worker: &Worker,
    now: &dyn Fn() -> i64,
) -> Option<Outcome> {
    // Taken before the question is sent: what takes effect while it is answered may be missing from the answer.
    let in_flight_ms = entry.in_flight_for_ms(now(), worker.limits);
    match system.find(approved) {
        Ok(Some(receipt)) => Some(Outcome::Found(receipt)),
        Ok(None) if in_flight_ms == 0 => None,
        Ok(None) => {
            let problem = "not found yet; an earlier request may still take effect".to_owned();
            Some(Outcome::Later { problem, wait_ms: in_flight_ms })
        }
        Err(error) => {
            let wait_ms = if let ReadError::Busy { wait_ms, .. } = &error { *wait_ms } else { ASK_AGAIN_MS };
            Some(Outcome::Later { problem: error.to_string(), wait_ms })
        }
    }
}

#[cfg(test)]
#[path = "executor_tests.rs"]
mod tests;
