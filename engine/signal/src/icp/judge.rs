//! An account held against a profile. What is not known is neither yes nor no.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Firmographics, Icp, Predicate};

/// Whether something holds: yes, no, or nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Truth {
    No,
    Unknown,
    Yes,
}

/// What one rule adds to the fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FitPart {
    /// The rule's id.
    pub rule: String,
    /// Whether it holds; nothing: not known.
    pub holds: Option<bool>,
    /// What it adds, in thousandths of the fit.
    pub milli: i64,
}

/// How an account stands to a profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// Which version judged.
    pub version: u32,
    /// 0 to 1,000: exactly the sum of the parts. A rule of which nothing is known adds half of its weight, so that
    /// missing data neither make nor break an account.
    pub fit_milli: i64,
    /// Rule by rule.
    pub parts: Vec<FitPart>,
    /// The exclusions that hold, with their reasons. With any, the account is out.
    pub excluded: Vec<(String, String)>,
    /// Exclusions of which nobody knows whether they hold: look before anything goes out.
    pub unsure: Vec<(String, String)>,
}

impl Icp {
    /// Holds an account against the profile.
    #[must_use]
    pub fn judge(&self, facts: &Firmographics) -> Judgement {
        let total = self.fit.iter().map(|r| i64::from(r.weight)).sum::<i64>().max(1);
        // Shares are cut from a running sum, so that they add up to the whole whatever the weights.
        let share = |upto: i64| (upto * 1_000 + total / 2) / total;
        let mut upto = 0;
        let mut parts = Vec::with_capacity(self.fit.len());
        for rule in &self.fit {
            let whole = share(upto + i64::from(rule.weight)) - share(upto);
            upto += i64::from(rule.weight);
            let (holds, milli) = match rule.when.truth(facts) {
                Truth::Yes => (Some(true), whole),
                Truth::No => (Some(false), 0),
                Truth::Unknown => (None, whole / 2),
            };
            parts.push(FitPart { rule: rule.id.clone(), holds, milli });
        }
        let those = |truth| {
            let rules = self.exclusion.iter().filter(move |r| r.when.truth(facts) == truth);
            rules.map(|r| (r.id.clone(), r.reason.clone())).collect()
        };
        Judgement {
            version: self.version,
            fit_milli: parts.iter().map(|p| p.milli).sum(),
            parts,
            excluded: those(Truth::Yes),
            unsure: those(Truth::Unknown),
        }
    }
}

impl Predicate {
    pub(super) fn truth(&self, facts: &Firmographics) -> Truth {
        let of = |yes| if yes { Truth::Yes } else { Truth::No };
        let same = |a: &str, b: &str| a.trim().to_lowercase() == b.trim().to_lowercase();
        match self {
            Self::OneOf { field, values } => {
                facts.texts.get(field).map_or(Truth::Unknown, |is| of(values.iter().any(|v| same(v, is))))
            }
            Self::Between { field, least, most } => facts.numbers.get(field).map_or(Truth::Unknown, |n| {
                of(least.is_none_or(|least| *n >= least) && most.is_none_or(|most| *n <= most))
            }),
            Self::HasAny { field, values } => facts
                .lists
                .get(field)
                .map_or(Truth::Unknown, |list| of(values.iter().any(|v| list.iter().any(|is| same(v, is))))),
            Self::All { of } => of.iter().map(|p| p.truth(facts)).min().unwrap_or(Truth::Yes),
            Self::Any { of } => of.iter().map(|p| p.truth(facts)).max().unwrap_or(Truth::No),
            Self::Not { of } => match of.truth(facts) {
                Truth::Yes => Truth::No,
                Truth::No => Truth::Yes,
                Truth::Unknown => Truth::Unknown,
            },
        }
    }
}
