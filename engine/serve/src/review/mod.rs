//! The review page: what the stages would like to have done, shown to a person with the words it rests on, and that
//! person's decision. Merge its router with [`router`](crate::router()), which serves the files both pages share, and put
//! [`answer_only_to`](crate::answer_only_to) around both. What it shows and what a click does comes from a
//! [`ReviewDesk`]; docs/REVIEW.md has the page and its HTTP interface.

pub(crate) mod access;
pub(crate) mod answer;
mod debrief;
mod decide;
mod desk;
mod edit;
mod files;
mod read;
mod routes;

pub use self::{
    debrief::{DebriefView, OpenDebrief},
    desk::{Batch, Changes, DeskError, Hit, Item, Piece, Progress, ReviewDesk, Sent, Verdict},
    routes::{ReviewOptions, review_link, review_router},
};
