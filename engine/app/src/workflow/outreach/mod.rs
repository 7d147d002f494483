//! Stage two in the program: from a card of the feed to a message that a person decides about, and what may be said in it.
//!
//! Nothing in here sends. A draft becomes a proposal in the inbox; whether it goes out after a person's yes is asked anew
//! at that moment, by the contact book.

mod draft;
mod edits;
mod facts;
mod hours;
mod preflight;
mod sequences;
mod settings;

pub(super) use self::sequences::KeptSequence;
pub use self::{draft::Asked, settings::MessageSettings};
