//! Between calls: what the stages hand to one another, the gate that every write passes, and the stages themselves.
//!
//! Pure: no clock, socket, file or database. Times are given, records come through [`system::SystemOfRecord`], and what
//! must be kept goes through [`outbox::Ledger`]. The walk of one call:
//!
//! ```text
//! events ─► CallTranscript ─► postcall ─► NoteProposal, FieldProposal ─► Proposal ─┬─► a person ─► Approved ─► outbox
//! records of the CRM ───────► hygiene ─► FieldProposal ────────────────► Proposal ─┘      (gate)                │
//!                                                             system of record ◄── SystemOfRecord::write ◄──────┘
//! ```
//!
//! Nothing in here, and nothing that uses it, can build a write from anything but an [`gate::Approved`].
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod artifact;
pub mod audit;
pub mod dates;
pub mod drafting;
pub mod gate;
pub mod handoff;
pub mod hygiene;
pub mod intent;
pub mod mailbox_provider;
pub mod outbox;
pub mod postcall;
pub mod rubric;
pub mod system;
pub mod verify;
