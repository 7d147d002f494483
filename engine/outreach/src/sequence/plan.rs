//! Four to seven touches, each some working days after the one before.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::lint::Channel;

/// Fewest and most touches of a plan.
pub const TOUCHES: std::ops::RangeInclusive<usize> = 4..=7;
/// A longer gap, in working days, is a mistake in the plan.
const LONGEST_GAP: u32 = 60;

/// One touch of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Touch {
    /// Where.
    pub channel: Channel,
    /// Working days after the one before.
    pub after_days: u32,
}

/// A plan for one contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Vec<Touch>", into = "Vec<Touch>")]
pub struct Plan {
    touches: Vec<Touch>,
}

/// A plan that cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a plan has 4 to 7 touches, the first no text message, the others 1 to {LONGEST_GAP} working days apart: {0}")]
pub struct BadPlan(String);

impl TryFrom<Vec<Touch>> for Plan {
    type Error = BadPlan;

    fn try_from(touches: Vec<Touch>) -> Result<Self, BadPlan> {
        if !TOUCHES.contains(&touches.len()) {
            return Err(BadPlan(format!("this one has {}", touches.len())));
        }
        if touches.first().is_some_and(|t| t.channel == Channel::Sms) {
            return Err(BadPlan("this one begins with a text message".into()));
        }
        let wrong = touches.iter().skip(1).position(|t| t.after_days == 0 || t.after_days > LONGEST_GAP);
        wrong.map_or(Ok(Self { touches }), |i| Err(BadPlan(format!("touch {} does not", i + 2))))
    }
}

impl From<Plan> for Vec<Touch> {
    fn from(plan: Plan) -> Self {
        plan.touches
    }
}

impl Default for Plan {
    /// Four messages by e-mail over about three weeks.
    fn default() -> Self {
        let touches = [0, 4, 4, 6].map(|after_days| Touch { channel: Channel::Email, after_days });
        Self { touches: touches.to_vec() }
    }
}

impl Plan {
    /// Five touches over three weeks, by e-mail and LinkedIn.
    #[must_use]
    pub fn usual() -> Self {
        let touch = |channel, after_days| Touch { channel, after_days };
        let touches = vec![
            touch(Channel::Email, 0),
            touch(Channel::Linkedin, 2),
            touch(Channel::Email, 4),
            touch(Channel::Linkedin, 4),
            touch(Channel::Email, 5),
        ];
        Self { touches }
    }

    /// The touches, in order.
    #[must_use]
    pub fn touches(&self) -> &[Touch] {
        &self.touches
    }
}
