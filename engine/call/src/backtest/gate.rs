//! What a changed playbook must reach before it goes live.

use serde::{Deserialize, Serialize};

use super::compare::Totals;

/// Bounds for the changed playbook over all calls of a back-test. What is left out is not asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Gate {
    /// Right cards among those judged, at least; 0..=1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_precision: Option<f64>,
    /// Objections that bring the right card, at least; 0..=1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_recall: Option<f64>,
    /// Cards an hour, at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_cards_per_hour: Option<f64>,
}

impl Gate {
    /// Reads a gate file.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse(text: &str) -> Result<Self, String> {
        let gate: Self = toml::from_str(text).map_err(|e| e.to_string().trim().to_owned())?;
        gate.check()?;
        Ok(gate)
    }

    /// # Errors
    /// If a bound is one that no playbook could be measured by.
    pub fn check(&self) -> Result<(), String> {
        for (name, share) in [("min_precision", self.min_precision), ("min_recall", self.min_recall)] {
            if share.is_some_and(|s| !(0.0..=1.0).contains(&s)) {
                return Err(format!("{name} is a share: write 0.0 to 1.0"));
            }
        }
        if self.max_cards_per_hour.is_some_and(|n| !(n >= 0.0 && n.is_finite())) {
            return Err("max_cards_per_hour: write a number from 0 up".to_owned());
        }
        Ok(())
    }

    /// Bounds of `other` in place of these, where it has some.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            min_precision: other.min_precision.or(self.min_precision),
            min_recall: other.min_recall.or(self.min_recall),
            max_cards_per_hour: other.max_cards_per_hour.or(self.max_cards_per_hour),
        }
    }

    /// Why the changed playbook does not pass, a sentence each; nothing if it does. What could not be measured does not
    /// pass: a gate that asks for something is there to see it.
    #[must_use]
    pub fn failures(&self, totals: &Totals) -> Vec<String> {
        let all = &totals.changed.all;
        let mut out = Vec::new();
        let shares = [
            ("precision", self.min_precision, all.precision, "no card was judged"),
            ("recall", self.min_recall, all.recall, "no objection is known"),
        ];
        for (name, min, rate, unknown) in shares {
            let Some(min) = min else { continue };
            match rate.share() {
                None => {
                    out.push(format!("{name}: {unknown}, so {min:.2} is not shown; add answer keys or marked calls"))
                }
                Some(share) if share < min => out.push(format!("{name}: {rate} is below {min:.2}")),
                Some(_) => {}
            }
        }
        if let Some(max) = self.max_cards_per_hour {
            match totals.per_hour(&totals.changed) {
                None => out.push("cards per hour: the calls have no length".to_owned()),
                Some(n) if n > max => out.push(format!("cards per hour: {n:.1} is above {max:.1}")),
                Some(_) => {}
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backtest::stats::Rate;

    fn totals() -> Totals {
        let mut totals = Totals { calls: 1, length_ms: 1_800_000, ..Totals::default() };
        totals.changed.all.cards = 4;
        totals.changed.all.precision = Rate { of: 3, n: 4 };
        totals.changed.all.recall = Rate { of: 3, n: 3 };
        totals
    }

    #[test]
    fn what_is_reached_passes_and_what_is_not_is_named() {
        let gate = Gate::parse("min_precision = 0.75\nmin_recall = 1.0\nmax_cards_per_hour = 8.0").unwrap();
        assert_eq!(gate.failures(&totals()), Vec::<String>::new());
        let stricter = Gate { min_precision: Some(0.76), max_cards_per_hour: Some(7.9), ..Gate::default() };
        let failures = gate.or(stricter).failures(&totals());
        assert_eq!(failures.len(), 2, "{failures:?}");
        assert!(failures[0].contains("precision: 3 of 4") && failures[0].contains("0.76"), "{failures:?}");
        assert!(failures[1].contains("8.0 is above 7.9"), "{failures:?}");
    }

    #[test]
    fn what_cannot_be_measured_does_not_pass() {
        let gate = Gate { min_precision: Some(0.5), min_recall: Some(0.5), max_cards_per_hour: Some(1.0) };
        assert_eq!(gate.failures(&Totals::default()).len(), 3);
        assert!(Gate::default().failures(&Totals::default()).is_empty());
    }

    #[test]
    fn mistakes_are_named() {
        assert!(Gate::parse("min_precision = 75").unwrap_err().contains("0.0 to 1.0"));
        assert!(Gate::parse("min_precisoin = 0.7").unwrap_err().contains("min_precisoin"));
        assert!(Gate::parse("max_cards_per_hour = -1").unwrap_err().contains("from 0 up"));
    }
}
