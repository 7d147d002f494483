//! From an approval to a write that is done once: proposals and decisions, the outbox, its executor, and the program's
//! own identity.
//!
//! ```text
//! put_proposals ─► inbox ─► approve (gate, approval, outbox, audit: one transaction) ─► step: claim
//!                   ▲                                                                    │ look for the marker,
//!                   └──────────── void, failed: a person looks again ◄───────────────────┤ unless nothing was ever sent
//!                                                                                        │ reopen the gate, check rights,
//!                                                                                        │ clear what reaches a person
//!                                           done (receipt) ◄── write ◄── begin ◄─────────┘
//! ```
//!
//! # What is promised
//!
//! - Nothing is written without a person's approval of exactly these bytes, still valid when it is sent.
//! - Nothing is written twice: an attempt is written down before it is sent, and once one was begun, every later one looks
//!   first. It rests on three things outside: `find` reads consistently; no request takes effect later than
//!   [`Limits::in_flight_ms`] after it was sent; and no run of the program stands still between [`Queue::begin`] and the
//!   request for longer than [`Limits::lease_ms`] and then goes on while another has taken over.
//! - Nothing approved is lost: an entry ends as done, as failed with what its system said, or void with the reason, and
//!   the last two are back in front of a person.
//! - Nothing reaches a person outside unless a [`Clearing`] said yes for this attempt; it is an argument of [`step`], so there
//!   is no way around it. What becomes known between that yes and the request, one local transaction later, comes too late.
//! - Revoking the identity stops the next write, not the one whose request is already out.
//!
//! # What does not compile
//!
//! A write takes an [`Approved`](crate::gate::Approved). Nobody outside the gate can put one together,
//!
//! ```compile_fail
//! use reframe_workflow::gate::{Action, Approval, Approved, Marker};
//! fn forge(approval: Approval, system: String, marker: Marker, action: Action) -> Approved {
//!     Approved { approval, system, marker, action, seen_version: None }
//! }
//! ```
//!
//! (what is kept of an approval can be put together, and is no key to anything,)
//!
//! ```
//! use reframe_workflow::{artifact::Digest, gate::{Approval, ProposalId}};
//! use reframe_consent::Person;
//! fn row(proposal: ProposalId, digest: Digest, by: Person) -> Approval {
//!     Approval { proposal, revision: 1, digest, by, at_unix_ms: 0, expires_unix_ms: 0 }
//! }
//! ```
//!
//! nor read one from a file or the network,
//!
//! ```compile_fail
//! use reframe_workflow::gate::Approved;
//! fn read(json: &str) -> Option<Approved> {
//!     serde_json::from_str(json).ok()
//! }
//! ```
//!
//! ```
//! use reframe_workflow::gate::Approval;
//! fn read(json: &str) -> Option<Approval> {
//!     serde_json::from_str(json).ok()
//! }
//! ```
//!
//! nor work off the outbox without saying who clears what goes out,
//!
//! ```compile_fail
//! use reframe_workflow::{outbox::{LedgerError, Queue, Step, Worker, step}, system::SystemOfRecord};
//! fn go(queue: &dyn Queue, systems: &[&dyn SystemOfRecord], worker: &Worker) -> Result<Step, LedgerError> {
//!     step(queue, systems, worker, &|| 0)
//! }
//! ```
//!
//! ```
//! use reframe_workflow::{outbox::{LedgerError, NoSends, Queue, Step, Worker, step}, system::SystemOfRecord};
//! fn go(queue: &dyn Queue, systems: &[&dyn SystemOfRecord], worker: &Worker) -> Result<Step, LedgerError> {
//!     step(queue, systems, worker, &NoSends, &|| 0)
//! }
//! ```
//!
//! nor write a proposal that nobody approved.
//!
//! ```compile_fail
//! use reframe_workflow::{gate::Proposal, system::{Receipt, SystemOfRecord, WriteError}};
//! fn write(system: &dyn SystemOfRecord, what: &Proposal) -> Result<Receipt, WriteError> {
//!     system.write(what)
//! }
//! ```
//!
//! ```
//! use reframe_workflow::{gate::Approved, system::{Receipt, SystemOfRecord, WriteError}};
//! fn write(system: &dyn SystemOfRecord, what: &Approved) -> Result<Receipt, WriteError> {
//!     system.write(what)
//! }
//! ```

mod clearing;
mod entry;
mod executor;
mod identity;
mod ledger;

pub use self::{
    clearing::{Clearing, NoSends, NotCleared},
    entry::{Doubt, Entry, Limits, Lost, Next, Outcome, State, VoidWhy, backoff_ms},
    executor::{Step, step},
    identity::{Right, Service},
    ledger::{
        AuditBook, Claim, Inbox, Kept, Ledger, LedgerError, Listed, Put, Queue, Redraft, Standing, Which, Worker,
        is_untouched, slot, subjects, whole_record,
    },
};
