//! What outreach is measured by: replies, meetings, opt-outs, complaints, each with its interval.
//!
//! Whether a message was opened or a link in it clicked is not measured and cannot be: mail programs fetch pictures and
//! links by themselves, and the messages carry neither.

use reframe_call::wilson;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A share with its 95 % interval (Wilson 1927), 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// How many.
    pub count: u32,
    /// Out of how many.
    pub of: u32,
    /// The share; nothing: there was nothing to count.
    pub rate: Option<f64>,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Rate {
    /// `count` out of `of`; more than all count as all.
    #[must_use]
    pub fn new(count: u32, of: u32) -> Self {
        let count = count.min(of);
        let (low, high) = wilson::interval(count.into(), of.into());
        let rate = (of > 0).then(|| f64::from(count) / f64::from(of));
        Self { count, of, rate, low, high }
    }
}

/// What was counted over some time, by contact: somebody written to three times counts once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Contacts that got at least one message which did not bounce.
    pub contacts: u32,
    /// Of them, who answered themselves: absence notes and bounces are no answers.
    pub replied: u32,
    /// Of them, with whom a meeting took place that a person called qualified.
    pub qualified_meetings: u32,
    /// Of them, who want no more messages.
    pub opted_out: u32,
    /// Of them, who complained.
    pub complained: u32,
}

/// The shares.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rates {
    /// Who answered.
    pub reply: Rate,
    /// With whom there was a qualified meeting.
    pub qualified_meeting: Rate,
    /// Who wants no more.
    pub opt_out: Rate,
    /// Who complained.
    pub complaint: Rate,
}

impl Counts {
    /// The shares of the contacts.
    #[must_use]
    pub fn rates(&self) -> Rates {
        let of = |count| Rate::new(count, self.contacts);
        Rates {
            reply: of(self.replied),
            qualified_meeting: of(self.qualified_meetings),
            opt_out: of(self.opted_out),
            complaint: of(self.complained),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_wilsons() {
        // Published values: 0/10 gives [0, .2775], 1/10 [.0179, .4042], 5/10 [.2366, .7634].
        for (count, of, low, high) in [(0, 10, 0.0, 0.2775), (1, 10, 0.0179, 0.4042), (5, 10, 0.2366, 0.7634)] {
            let rate = Rate::new(count, of);
            assert!((rate.low - low).abs() < 5e-5 && (rate.high - high).abs() < 5e-5, "{rate:?}");
        }
        assert_eq!(Rate::new(0, 0).rate, None);
        let rates = Counts { contacts: 200, replied: 12, qualified_meetings: 4, opted_out: 2, complained: 0 }.rates();
        assert_eq!((rates.reply.rate, rates.complaint.rate), (Some(0.06), Some(0.0)));
        assert!(rates.complaint.high < 0.019);
    }
}
