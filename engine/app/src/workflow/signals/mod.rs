//! Stage one in the program: what happened at accounts is taken in, and the feed of each day is made, shown and kept.

mod day;
mod folder;
mod market;
mod settings;
mod take;

pub use self::{
    day::{DayFeed, Explained},
    folder::Folder,
    market::{ContactAt, Market},
    settings::SignalSettings,
    take::{About, Form, Took},
};
pub(super) use self::{
    day::{cited_items, claims},
    take::item,
};
