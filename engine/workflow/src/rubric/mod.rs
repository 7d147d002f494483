//! The debrief: how a call was led, measured against a published rubric, for the seller first.
//!
//! [`debrief`] is a pure function of the call, its note and the [`Rubric`]: run again it says the same. Every score quotes
//! the words it rests on; where the fault is that something was never said, that is where it would have stood. What cannot
//! be judged is not scored, and the share of the rubric that was judged stands beside the mean.

mod debrief;
mod file;
mod measure;
mod phrases;
mod questions;
mod release;
pub(crate) mod spoken;
mod trend;

pub use self::{
    debrief::{Debrief, NotJudged, Score, debrief},
    file::{Criterion, Measure, Rubric, Scale},
    measure::Measures,
    release::{Denied, NotYours, Release, Role, Viewer},
    trend::{Slope, Trend, trends},
};

/// Version of these rules' text: raised when scores may change though neither the call nor the rubric did.
pub const VERSION: u32 = 1;
