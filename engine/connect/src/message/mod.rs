//! Internet messages (RFC 5322): ours written, anybody's read.

mod read;
mod write;

pub use self::{
    read::{FIELDS, Message, read},
    write::{Unsendable, write},
};
