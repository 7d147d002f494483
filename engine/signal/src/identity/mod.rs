//! Which mentions are the same account and which the same person, why, and which contact data two sources agree on.

mod account;
mod contact;
mod domain;
mod name;

pub use self::{
    account::{Account, Identities, Join, Mention, resolve},
    contact::{
        Agreed, ContactFact, ContactField, FRESH_MS, Person, PersonMention, Unvouched, Vouched, agreement, people,
        vouch,
    },
    domain::{domain_of, mail_domain},
    name::name_key,
};
