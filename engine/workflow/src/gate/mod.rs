//! The gate between what is drafted and what is done: `Proposal → Approved → executed`.
//!
//! [`Approved`] has private fields, no `Deserialize` and no public constructor: it comes from [`approve`], given a
//! person's [`Click`] on exactly the bytes they were shown, or from [`reopen`], given the stored row of such a click. All
//! writes take it, so what goes round the gate does not compile. There is no policy and no setting that approves.

mod action;
mod approval;
mod proposal;

pub use self::{
    action::{Action, ActionError, Mail, Unsubscribe},
    approval::{Approval, Approved, Approver, BadApprover, Click, Refusal, approve, reopen},
    proposal::{Marker, Proposal, ProposalId, Seen},
};
