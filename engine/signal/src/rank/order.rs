//! The order itself.

use std::collections::BTreeMap;

use reframe_workflow::system::RecordRef;
use serde::{Deserialize, Serialize};

use crate::{icp::Judgement, warmth::Warmth};

/// How busy an owner is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// Accounts they are working on.
    pub busy: u32,
    /// The most they can.
    pub most: u32,
}

impl Load {
    /// The share that is free, in thousandths; 0 at or above the most.
    #[must_use]
    pub fn free_milli(self) -> i64 {
        let free = i64::from(self.most.saturating_sub(self.busy));
        if self.most == 0 { 0 } else { free * 1_000 / i64::from(self.most) }
    }
}

/// How busy the owners of accounts are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capacity {
    /// By owner.
    #[serde(default)]
    pub owners: BTreeMap<String, Load>,
    /// For accounts of nobody, and of owners who are not listed; nothing: they count as free.
    #[serde(default)]
    pub others: Option<Load>,
}

impl Capacity {
    /// The free share of an account's owner, in thousandths.
    #[must_use]
    pub fn of(&self, owner: Option<&str>) -> i64 {
        let listed = owner.and_then(|owner| self.owners.get(owner)).copied();
        listed.or(self.others).map_or(1_000, Load::free_milli)
    }
}

/// An account with what it is ranked by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The account.
    pub account: RecordRef,
    /// What it is called.
    pub name: String,
    /// How it stands to the profile.
    pub judgement: Judgement,
    /// How warm it is.
    pub warmth: Warmth,
    /// How much room its owner has, 0 to 1,000.
    pub capacity_milli: i64,
}

/// Why an account is not in the feed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Why {
    /// An exclusion of the profile holds; it wins over everything.
    Excluded {
        /// The rule.
        rule: String,
        /// Its reason.
        reason: String,
    },
    /// Its owner has no room.
    NoCapacity,
    /// Nothing of the profile fits.
    NoFit,
    /// No signal speaks for it today: `PASS`.
    Pass,
    /// Others come before it.
    BeyondCap {
        /// Its place, from 1.
        place: usize,
    },
}

/// An account that is not in the feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    /// The account.
    pub account: RecordRef,
    /// What it is called.
    pub name: String,
    /// Why.
    #[serde(flatten)]
    pub why: Why,
}

/// An account with its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranked {
    /// `fit · warmth · capacity / 1,000,000`, in thousandths of a point.
    pub milli: i64,
    /// What it is made of.
    pub candidate: Candidate,
}

/// Who is in and who is out.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Order {
    /// The first `cap`, the highest number first; equal ones in order of their record.
    pub top: Vec<Ranked>,
    /// All others, in order of their record.
    pub removed: Vec<Removed>,
}

/// Ranks candidates and keeps the first `cap`.
#[must_use]
pub fn order(candidates: Vec<Candidate>, cap: usize) -> Order {
    let mut ranked = Vec::new();
    let mut removed = Vec::new();
    for candidate in candidates {
        let product = i128::from(candidate.judgement.fit_milli)
            * i128::from(candidate.warmth.milli)
            * i128::from(candidate.capacity_milli);
        let milli = i64::try_from(product / 1_000_000).unwrap_or(i64::MAX);
        let why = if let Some((rule, reason)) = candidate.judgement.excluded.first() {
            Why::Excluded { rule: rule.clone(), reason: reason.clone() }
        } else if candidate.capacity_milli <= 0 {
            Why::NoCapacity
        } else if candidate.judgement.fit_milli <= 0 {
            Why::NoFit
        } else if milli <= 0 {
            Why::Pass
        } else {
            ranked.push(Ranked { milli, candidate });
            continue;
        };
        removed.push(Removed { account: candidate.account, name: candidate.name, why });
    }
    ranked.sort_by(|a, b| (b.milli, &a.candidate.account).cmp(&(a.milli, &b.candidate.account)));
    let beyond = ranked.split_off(cap.min(ranked.len()));
    removed.extend((cap + 1..).zip(beyond).map(|(place, r)| Removed {
        account: r.candidate.account,
        name: r.candidate.name,
        why: Why::BeyondCap { place },
    }));
    removed.sort_by(|a, b| a.account.cmp(&b.account));
    Order { top: ranked, removed }
}

/// An account that moved between two orders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The account.
    pub account: RecordRef,
    /// Its place before, from 1; nothing: it was not in.
    pub before: Option<usize>,
    /// Its place now.
    pub now: Option<usize>,
    /// Which part moved most, in words.
    pub because: String,
}

/// What moved between two orders of the same cap, and through which part of the number.
#[must_use]
pub fn changes(before: &Order, now: &Order) -> Vec<Change> {
    let places = |order: &Order| -> BTreeMap<RecordRef, usize> {
        (1..).zip(&order.top).map(|(n, r)| (r.candidate.account.clone(), n)).collect()
    };
    let (old, new) = (places(before), places(now));
    let mut accounts: Vec<&RecordRef> = old.keys().chain(new.keys()).collect();
    accounts.sort();
    accounts.dedup();
    let moved = accounts.into_iter().filter(|a| old.get(a) != new.get(a)).map(|account| {
        let at = |order: &Order, places: &BTreeMap<RecordRef, usize>| {
            places.get(account).and_then(|n| order.top.get(n - 1)).cloned()
        };
        let because = match (at(before, &old), at(now, &new)) {
            (Some(a), Some(b)) => moved_by(&a.candidate, &b.candidate),
            (None, Some(_)) => "came in".to_owned(),
            _ => now.removed.iter().find(|r| r.account == *account).map_or("is gone".to_owned(), |r| match &r.why {
                Why::Excluded { reason, .. } => format!("excluded: {reason}"),
                Why::NoCapacity => "its owner has no room".into(),
                Why::NoFit => "it does not fit".into(),
                Why::Pass => "no signal speaks for it any more".into(),
                Why::BeyondCap { place } => format!("others came before it; it is number {place}"),
            }),
        };
        Change { account: account.clone(), before: old.get(account).copied(), now: new.get(account).copied(), because }
    });
    moved.collect()
}

fn moved_by(a: &Candidate, b: &Candidate) -> String {
    let parts = [
        ("fit", a.judgement.fit_milli, b.judgement.fit_milli),
        ("warmth", a.warmth.milli, b.warmth.milli),
        ("capacity", a.capacity_milli, b.capacity_milli),
    ];
    let ratio = |x: i64, y: i64| ((y.max(1)) as f64 / (x.max(1)) as f64).ln().abs();
    let most = parts.into_iter().max_by(|x, y| ratio(x.1, x.2).total_cmp(&ratio(y.1, y.2)));
    match most {
        Some((name, x, y)) if x != y => format!("{name} went from {x} to {y} thousandths"),
        _ => "others moved".to_owned(),
    }
}
