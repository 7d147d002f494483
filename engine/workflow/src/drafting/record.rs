//! A call of a model as the audit log has it, and what a day of them cost. Words are in none of it.

use crate::audit::{Entry, What};

/// Something about a call of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallRecord {
    /// It is about to be asked; written down before anything is sent, so that a program killed meanwhile has still paid.
    Asked {
        /// Prompt: name, version and the beginning of its digest.
        prompt: String,
        /// Most tokens it may cost.
        at_most: u64,
    },
    /// How it ended.
    Ended {
        /// Prompt.
        prompt: String,
        /// Tokens asked and answered; nothing: the provider did not say, and what was set aside counts.
        tokens: Option<(u64, u64)>,
        /// How long it took, in ms.
        ms: u64,
        /// `used`, or why not.
        outcome: &'static str,
    },
    /// It was not asked, or what it wrote came too late.
    NotUsed {
        /// Prompt.
        prompt: String,
        /// Why.
        reason: super::Reason,
    },
}

impl CallRecord {
    /// As the detail of an audit entry. `call` tells calls apart, within a day.
    #[must_use]
    pub fn detail(&self, call: &str) -> String {
        match self {
            Self::Asked { prompt, at_most } => format!("asked call={call} prompt={prompt} at_most={at_most}"),
            Self::Ended { prompt, tokens, ms, outcome } => {
                let tokens = tokens.map_or_else(|| "in=? out=?".to_owned(), |(i, o)| format!("in={i} out={o}"));
                format!("ended call={call} prompt={prompt} {tokens} ms={ms} outcome={outcome}")
            }
            Self::NotUsed { prompt, reason } => {
                format!("not_used call={call} prompt={prompt} outcome={}", reason.code())
            }
        }
    }
}

/// What the calls of a day cost, and how they ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DaySum {
    /// Tokens, asked and answered together; of calls whose end is not known, what was set aside.
    pub tokens: u64,
    /// How many calls ended so.
    pub outcomes: std::collections::BTreeMap<String, u64>,
}

impl DaySum {
    /// Adds up the entries of a day.
    #[must_use]
    pub fn of<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Self {
        let mut calls = std::collections::BTreeMap::new();
        let mut sum = Self::default();
        for entry in entries.into_iter().filter(|e| e.what == What::ModelCalled) {
            let part = |name: &str| {
                entry.detail.split(' ').find_map(|p| p.strip_prefix(name).and_then(|p| p.strip_prefix('=')))
            };
            let number = |name: &str| part(name).and_then(|n| n.parse::<u64>().ok());
            let Some(call) = part("call") else { continue };
            if let Some(at_most) = number("at_most") {
                calls.insert(call.to_owned(), at_most);
            } else if let Some(outcome) = part("outcome") {
                if let (Some(i), Some(o)) = (number("in"), number("out")) {
                    calls.insert(call.to_owned(), i.saturating_add(o));
                }
                *sum.outcomes.entry(outcome.to_owned()).or_default() += 1;
            }
        }
        sum.tokens = calls.values().fold(0, |a, b| a.saturating_add(*b));
        sum
    }
}

/// The subject under which the calls of a day are found: `model-day:2026-11-22`, by UTC.
#[must_use]
pub fn day_subject(unix_ms: i64) -> String {
    let at = jiff::Timestamp::from_millisecond(unix_ms).unwrap_or_default();
    format!("model-day:{}", at.strftime("%Y-%m-%d"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Actor, Happening, Head};

    #[test]
    fn a_day_is_what_was_answered_and_what_was_set_aside() {
        let asked = |at_most| CallRecord::Asked { prompt: "note@1:ab".into(), at_most };
        let ended = |tokens, outcome| CallRecord::Ended { prompt: "note@1:ab".into(), tokens, ms: 9, outcome };
        let mut head = Head::default();
        let mut entries = Vec::new();
        for (call, record) in [
            ("1", asked(900)),
            ("1", ended(Some((300, 40)), "used")),
            ("2", asked(1_000)),
            ("2", ended(None, "out_of_time")),
            // Killed before it ended.
            ("3", asked(50)),
        ] {
            let (entry, after) = head.add(&Happening {
                at_unix_ms: 0,
                by: Actor::model("local:x"),
                what: What::ModelCalled,
                subjects: vec![],
                detail: record.detail(call),
            });
            head = after;
            entries.push(entry);
        }
        let sum = DaySum::of(&entries);
        assert_eq!(sum.tokens, 340 + 1_000 + 50);
        assert_eq!(sum.outcomes.into_iter().collect::<Vec<_>>(), [("out_of_time".into(), 1), ("used".into(), 1)]);
        assert_eq!(day_subject(1_795_374_000_000), "model-day:2026-11-22");
    }
}
