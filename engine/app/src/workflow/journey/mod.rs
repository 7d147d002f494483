//! An account's way through the six stages and back to its beginning: what a page tells of it beside ids and times, and the
//! signal that a call's outcome is.

mod outcome;
mod told;
