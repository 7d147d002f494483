//! Fit × warmth × capacity: who comes first today, who is left out and why, and whether the order is worth anything.

mod compare;
mod order;

pub use self::{
    compare::{Comparison, Estimate, Verdict, compare},
    order::{Candidate, Capacity, Change, Load, Order, Ranked, Removed, Why, changes, order},
};

#[cfg(test)]
mod tests;
