//! Stage two in the program: from a card of the feed to a message that a person decides about, and what may be said in it.
//!
//! Nothing in here sends. A draft becomes a proposal in the inbox; whether it goes out after a person's yes is asked anew
//! at that moment, by the contact book. What goes by LinkedIn, text or telephone a person does themselves; they are shown
//! the words once the contact book allows it, and their word puts it on record.

mod by_hand;
mod draft;
mod edits;
mod facts;
mod look;
mod preflight;
mod prepare;
mod sequences;
mod settings;
mod telling;

pub(super) use self::sequences::{KeptSequence, held};
pub use self::{
    by_hand::Shown,
    draft::{Asked, Made},
    look::{Look, Stand},
    settings::MessageSettings,
};
