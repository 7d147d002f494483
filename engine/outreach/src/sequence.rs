//! Four to seven touches as a plan. Each is written, checked and approved on its own; the plan only says when the next may
//! be proposed, and when there is none any more.

use reframe_call::date::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{calendar::WorkingTime, lint::Channel, reply::Class};

/// Fewest and most touches of a plan.
pub const TOUCHES: std::ops::RangeInclusive<usize> = 4..=7;
/// Touches without an answer that count as a soft no.
pub const SILENT: u8 = 3;
/// How often a soft no may be heard before it is a no.
const SOFT_NOS: u8 = 2;
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
#[error("a plan has 4 to 7 touches, the first by e-mail, the others 1 to {LONGEST_GAP} working days apart: {0}")]
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

/// Why a sequence is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "why", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stopped {
    /// They answered: a person goes on.
    Replied,
    /// They want no more.
    Unsubscribed,
    /// They complained.
    Complained,
    /// There is a meeting.
    MeetingBooked,
    /// A reason not to write came up.
    Killed {
        /// Which.
        reason: String,
    },
    /// They said no softly, twice.
    SoftNo,
    /// A person ended it.
    ByHand,
    /// The address does not take mail.
    Bounced,
    /// All touches were made.
    Done,
}

/// What happens to a sequence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "what", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Happened {
    /// A touch was drafted and waits for a person.
    Proposed {
        /// Which, from 1.
        nth: u8,
    },
    /// A person approved it and it went out, or they confirmed that they sent it.
    Sent {
        /// Which, from 1.
        nth: u8,
        /// When, in ms since 1970-01-01 UTC.
        at_unix_ms: i64,
    },
    /// A person turned it down, or its approval was void: it may be proposed anew.
    Declined {
        /// Which, from 1.
        nth: u8,
    },
    /// They answered.
    Reply {
        /// As what it was read.
        class: Class,
        /// A bare "ok, thanks" and nothing else.
        #[serde(default)]
        brief: bool,
        /// They ask for fewer messages.
        #[serde(default)]
        slow_down: bool,
        /// The day they are back, if they are away and said it.
        #[serde(default)]
        #[schemars(with = "Option<String>")]
        back_on: Option<Date>,
        /// When, in ms since 1970-01-01 UTC.
        at_unix_ms: i64,
    },
    /// A meeting was booked.
    MeetingBooked,
    /// A reason not to write came up.
    Killed {
        /// Which, in words.
        reason: String,
    },
    /// A person ended it.
    Ended,
    /// Mail to the address comes back.
    Bounced,
}

/// A plan and how far it got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sequence {
    /// The plan.
    pub plan: Plan,
    /// Touches that went out.
    pub sent: u8,
    /// When the last of them did, in ms since 1970-01-01 UTC.
    pub last_unix_ms: Option<i64>,
    /// The touch that waits for a person.
    pub waiting: Option<u8>,
    /// Soft noes heard; each doubles the gaps.
    pub soft_nos: u8,
    /// Whether silence was counted as one already.
    pub silence_counted: bool,
    /// They are away until work begins on this day.
    #[schemars(with = "Option<String>")]
    pub away_until: Option<Date>,
    /// They are away for an unknown time, since then.
    pub away_since_unix_ms: Option<i64>,
    /// Over, and why.
    pub stopped: Option<Stopped>,
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "next", rename_all = "snake_case")]
pub enum Next {
    /// Draft this touch and put it before a person.
    Propose {
        /// Which, from 1.
        nth: u8,
        /// Where.
        channel: Channel,
    },
    /// Nothing until then.
    Wait {
        /// In ms since 1970-01-01 UTC.
        until_unix_ms: i64,
    },
    /// A person has to decide on a touch.
    Decide {
        /// Which, from 1.
        nth: u8,
    },
    /// Nothing any more.
    Over {
        /// Why.
        why: Stopped,
    },
}

/// Working days to wait when somebody is away and did not say until when.
const AWAY_DAYS: u32 = 10;

impl Sequence {
    /// A sequence of which nothing was done.
    #[must_use]
    pub const fn new(plan: Plan) -> Self {
        Self {
            plan,
            sent: 0,
            last_unix_ms: None,
            waiting: None,
            soft_nos: 0,
            silence_counted: false,
            away_until: None,
            away_since_unix_ms: None,
            stopped: None,
        }
    }

    /// Takes note of what happened. Once it is over it stays so; only an unsubscription or a complaint still becomes its
    /// reason.
    pub fn happened(&mut self, what: &Happened) {
        let grave = match what {
            Happened::Reply { class: Class::Unsubscribe, .. } => Some(Stopped::Unsubscribed),
            Happened::Reply { class: Class::Complaint, .. } => Some(Stopped::Complained),
            _ => None,
        };
        if let Some(grave) = grave {
            self.stop(grave);
            return;
        }
        if self.stopped.is_some() {
            return;
        }
        match what {
            Happened::Proposed { nth } if *nth == self.sent + 1 => self.waiting = Some(*nth),
            Happened::Sent { nth, at_unix_ms } if *nth == self.sent + 1 => {
                self.sent = *nth;
                self.last_unix_ms = Some(*at_unix_ms);
                self.waiting = None;
                if usize::from(self.sent) >= self.plan.touches.len() {
                    self.stop(Stopped::Done);
                } else if self.sent >= SILENT && !self.silence_counted {
                    self.silence_counted = true;
                    self.soft_no();
                }
            }
            Happened::Declined { nth } if self.waiting == Some(*nth) => self.waiting = None,
            Happened::Reply { class: Class::Ooo, back_on, at_unix_ms, .. } => {
                self.waiting = None;
                self.away_until = *back_on;
                self.away_since_unix_ms = back_on.is_none().then_some(*at_unix_ms);
            }
            Happened::Reply { brief, slow_down, .. } if *brief || *slow_down => {
                self.waiting = None;
                self.soft_no();
            }
            Happened::Reply { .. } => self.stop(Stopped::Replied),
            Happened::MeetingBooked => self.stop(Stopped::MeetingBooked),
            Happened::Killed { reason } => self.stop(Stopped::Killed { reason: reason.clone() }),
            Happened::Ended => self.stop(Stopped::ByHand),
            Happened::Bounced => self.stop(Stopped::Bounced),
            Happened::Proposed { .. } | Happened::Sent { .. } | Happened::Declined { .. } => {}
        }
    }

    fn stop(&mut self, why: Stopped) {
        self.stopped = Some(why);
        self.waiting = None;
    }

    fn soft_no(&mut self) {
        self.soft_nos += 1;
        if self.soft_nos >= SOFT_NOS {
            self.stop(Stopped::SoftNo);
        }
    }

    /// Whether a touch that was approved may still go out: asked again at the moment of sending.
    #[must_use]
    pub fn may_send(&self, nth: u8, now_unix_ms: i64, time: &impl WorkingTime) -> bool {
        self.stopped.is_none() && self.waiting == Some(nth) && self.due(time).is_some_and(|due| due <= now_unix_ms)
    }

    /// What comes next.
    #[must_use]
    pub fn next(&self, now_unix_ms: i64, time: &impl WorkingTime) -> Next {
        if let Some(why) = &self.stopped {
            return Next::Over { why: why.clone() };
        }
        if let Some(nth) = self.waiting {
            return Next::Decide { nth };
        }
        let Some(touch) = self.plan.touches.get(usize::from(self.sent)) else {
            return Next::Over { why: Stopped::Done };
        };
        let due = self.due(time).unwrap_or(i64::MAX);
        let until_unix_ms = due.max(time.next_working(due.max(now_unix_ms)));
        if until_unix_ms <= now_unix_ms {
            Next::Propose { nth: self.sent + 1, channel: touch.channel }
        } else {
            Next::Wait { until_unix_ms }
        }
    }

    /// From when on the next touch may go out.
    fn due(&self, time: &impl WorkingTime) -> Option<i64> {
        let touch = self.plan.touches.get(usize::from(self.sent))?;
        let gap = touch.after_days.saturating_mul(1 << self.soft_nos.min(4));
        let mut due = self.last_unix_ms.map_or(i64::MIN, |last| time.add_days(last, gap));
        if let Some(day) = self.away_until {
            // The first morning back belongs to what piled up: a working day later.
            due = due.max(time.add_days(time.begins(day), 1));
        }
        if let Some(since) = self.away_since_unix_ms {
            due = due.max(time.add_days(since, AWAY_DAYS));
        }
        Some(due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::{AllHours, DAY_MS};

    const T0: i64 = 1_780_000_000_000;

    fn sent(sequence: &mut Sequence, nth: u8, day: i64) {
        sequence.happened(&Happened::Proposed { nth });
        sequence.happened(&Happened::Sent { nth, at_unix_ms: T0 + day * DAY_MS });
    }

    fn reply(class: Class) -> Happened {
        Happened::Reply { class, brief: false, slow_down: false, back_on: None, at_unix_ms: T0 }
    }

    #[test]
    fn each_touch_waits_for_its_day_and_its_person() {
        let mut s = Sequence::new(Plan::usual());
        assert_eq!(s.next(T0, &AllHours), Next::Propose { nth: 1, channel: Channel::Email });
        // Not sent unless it was proposed and nothing is skipped.
        s.happened(&Happened::Sent { nth: 2, at_unix_ms: T0 });
        assert_eq!(s.sent, 0);
        s.happened(&Happened::Proposed { nth: 1 });
        assert_eq!(s.next(T0, &AllHours), Next::Decide { nth: 1 });
        assert!(s.may_send(1, T0, &AllHours) && !s.may_send(2, T0, &AllHours));
        s.happened(&Happened::Declined { nth: 1 });
        assert_eq!(s.next(T0, &AllHours), Next::Propose { nth: 1, channel: Channel::Email });
        sent(&mut s, 1, 0);
        assert_eq!(s.next(T0 + DAY_MS, &AllHours), Next::Wait { until_unix_ms: T0 + 2 * DAY_MS });
        assert_eq!(s.next(T0 + 2 * DAY_MS, &AllHours), Next::Propose { nth: 2, channel: Channel::Linkedin });
    }

    #[test]
    fn it_ends_for_every_reason() {
        for (what, why) in [
            (reply(Class::PositiveInfo), Stopped::Replied),
            (reply(Class::Uncertain), Stopped::Replied),
            (reply(Class::Unsubscribe), Stopped::Unsubscribed),
            (reply(Class::Complaint), Stopped::Complained),
            (Happened::MeetingBooked, Stopped::MeetingBooked),
            (Happened::Killed { reason: "outage".into() }, Stopped::Killed { reason: "outage".into() }),
            (Happened::Ended, Stopped::ByHand),
            (Happened::Bounced, Stopped::Bounced),
        ] {
            let mut s = Sequence::new(Plan::usual());
            sent(&mut s, 1, 0);
            s.happened(&Happened::Proposed { nth: 2 });
            s.happened(&what);
            assert_eq!(s.next(T0 + 90 * DAY_MS, &AllHours), Next::Over { why: why.clone() });
            // What was approved before must not go out after.
            assert!(!s.may_send(2, T0 + 90 * DAY_MS, &AllHours));
            s.happened(&Happened::Proposed { nth: 2 });
            s.happened(&Happened::Sent { nth: 2, at_unix_ms: T0 });
            assert_eq!((s.sent, s.stopped.clone()), (1, Some(why)));
            s.happened(&reply(Class::Unsubscribe));
            assert_eq!(s.stopped, Some(Stopped::Unsubscribed));
        }
    }

    #[test]
    fn soft_noes_slow_it_down_and_then_end_it() {
        let mut s = Sequence::new(Plan::usual());
        sent(&mut s, 1, 0);
        sent(&mut s, 2, 2);
        sent(&mut s, 3, 6);
        // Three without an answer: the gap of four days becomes eight.
        assert_eq!(s.next(T0 + 10 * DAY_MS, &AllHours), Next::Wait { until_unix_ms: T0 + 14 * DAY_MS });
        let slow =
            Happened::Reply { class: Class::NegativeNow, brief: false, slow_down: true, back_on: None, at_unix_ms: T0 };
        s.happened(&slow);
        assert_eq!(s.stopped, Some(Stopped::SoftNo));
        let mut s = Sequence::new(Plan::usual());
        sent(&mut s, 1, 0);
        s.happened(&Happened::Reply {
            class: Class::PositiveInfo,
            brief: true,
            slow_down: false,
            back_on: None,
            at_unix_ms: T0,
        });
        assert_eq!(s.next(T0, &AllHours), Next::Wait { until_unix_ms: T0 + 4 * DAY_MS });
    }

    #[test]
    fn nobody_is_written_to_while_away() {
        let mut s = Sequence::new(Plan::usual());
        sent(&mut s, 1, 0);
        let back: jiff::Timestamp = "2026-06-22T00:00Z".parse().unwrap();
        let away =
            |back_on| Happened::Reply { class: Class::Ooo, brief: false, slow_down: false, back_on, at_unix_ms: T0 };
        s.happened(&Happened::Proposed { nth: 2 });
        s.happened(&away(Date::new(2026, 6, 22)));
        let monday = back.as_millisecond();
        assert_eq!(s.next(T0 + 3 * DAY_MS, &AllHours), Next::Wait { until_unix_ms: monday + DAY_MS });
        s.happened(&Happened::Proposed { nth: 2 });
        assert!(!s.may_send(2, monday, &AllHours) && s.may_send(2, monday + DAY_MS, &AllHours));
        let mut s = Sequence::new(Plan::usual());
        sent(&mut s, 1, 0);
        s.happened(&away(None));
        assert_eq!(s.next(T0, &AllHours), Next::Wait { until_unix_ms: T0 + 10 * DAY_MS });
    }

    #[test]
    fn plans_have_four_to_seven_touches() {
        let touch = Touch { channel: Channel::Email, after_days: 3 };
        for (n, good) in [(3, false), (4, true), (7, true), (8, false)] {
            assert_eq!(Plan::try_from(vec![touch; n]).is_ok(), good, "{n}");
        }
        let mut touches = vec![touch; 4];
        touches[2].after_days = 0;
        assert!(Plan::try_from(touches).unwrap_err().to_string().contains("touch 3"));
        assert!(serde_json::from_str::<Plan>("[]").is_err());
    }
}
