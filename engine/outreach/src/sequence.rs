//! Four to seven touches as a plan. Each is written, checked and approved on its own; the plan only says when the next may
//! be proposed, and when there is none any more.

mod around;
mod plan;

use reframe_call::date::Date;
use reframe_policy::clock::Calendar;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    around::Around,
    plan::{BadPlan, Plan, TOUCHES, Touch},
};
use crate::{lint::Channel, reply::Class};

/// Touches without an answer that count as a soft no.
pub const SILENT: u8 = 3;
/// How often a soft no may be heard before it is a no.
const SOFT_NOS: u8 = 2;
/// Most doublings of a gap: four make four days three months.
const DOUBLINGS: u8 = 4;

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

impl Stopped {
    /// In words, for people; no names.
    #[must_use]
    pub fn in_words(&self) -> &str {
        match self {
            Self::Replied => "replied",
            Self::Unsubscribed => "unsubscribed",
            Self::Complained => "complained",
            Self::MeetingBooked => "meeting booked",
            Self::Killed { reason } => reason,
            Self::SoftNo => "soft no",
            Self::ByHand => "by hand",
            Self::Bounced => "bounced",
            Self::Done => "done",
        }
    }
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
    /// When the last of them was heard, in ms since 1970-01-01 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub soft_no_unix_ms: Option<i64>,
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

/// Why a touch that was approved does not go out now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Held {
    /// There is no more.
    #[error("its sequence is over: {}", .why.in_words())]
    Over {
        /// Why.
        why: Stopped,
    },
    /// The sequence waits for another touch, or for none.
    #[error("its sequence does not wait for it any more; draft it anew")]
    NotItsTurn,
    /// It is too early.
    #[error("its turn in the sequence has not come")]
    Early {
        /// When it has, in ms since 1970-01-01 UTC.
        until_unix_ms: i64,
    },
}

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
            soft_no_unix_ms: None,
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
                if usize::from(self.sent) >= self.plan.touches().len() {
                    self.stop(Stopped::Done);
                } else if self.sent >= SILENT && !self.silence_counted {
                    self.silence_counted = true;
                    self.soft_no(*at_unix_ms);
                }
            }
            Happened::Declined { nth } if self.waiting == Some(*nth) => self.waiting = None,
            Happened::Reply { class: Class::Ooo, back_on, at_unix_ms, .. } => {
                self.waiting = None;
                self.away_until = *back_on;
                self.away_since_unix_ms = back_on.is_none().then_some(*at_unix_ms);
            }
            // The same answer given twice is heard once.
            Happened::Reply { brief: true, at_unix_ms, .. } | Happened::Reply { slow_down: true, at_unix_ms, .. }
                if self.soft_no_unix_ms == Some(*at_unix_ms) => {}
            Happened::Reply { brief, slow_down, at_unix_ms, .. } if *brief || *slow_down => {
                self.waiting = None;
                self.soft_no(*at_unix_ms);
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

    fn soft_no(&mut self, at_unix_ms: i64) {
        self.soft_nos += 1;
        self.soft_no_unix_ms = self.soft_no_unix_ms.max(Some(at_unix_ms));
        if self.soft_nos >= SOFT_NOS {
            self.stop(Stopped::SoftNo);
        }
    }

    /// Whether a touch that was approved may still go out: asked again at the moment of sending.
    ///
    /// # Errors
    /// [`Held`] says why not.
    pub fn may_send(&self, nth: u8, now_unix_ms: i64, time: &Calendar, around: &Around) -> Result<(), Held> {
        if let Some(why) = &self.stopped {
            return Err(Held::Over { why: why.clone() });
        }
        let due = self.due(time, around).filter(|_| self.waiting == Some(nth)).ok_or(Held::NotItsTurn)?;
        if due <= now_unix_ms { Ok(()) } else { Err(Held::Early { until_unix_ms: due }) }
    }

    /// What comes next.
    #[must_use]
    pub fn next(&self, now_unix_ms: i64, time: &Calendar, around: &Around) -> Next {
        if let Some(why) = &self.stopped {
            return Next::Over { why: why.clone() };
        }
        if let Some(nth) = self.waiting {
            return Next::Decide { nth };
        }
        let Some(touch) = self.plan.touches().get(usize::from(self.sent)) else {
            return Next::Over { why: Stopped::Done };
        };
        let due = self.due(time, around).unwrap_or(i64::MAX);
        let until_unix_ms = time.next_working(due.max(now_unix_ms)).unwrap_or(i64::MAX);
        if until_unix_ms <= now_unix_ms {
            Next::Propose { nth: self.sent + 1, channel: touch.channel }
        } else {
            Next::Wait { until_unix_ms }
        }
    }

    /// From when on the next touch may go out.
    fn due(&self, time: &Calendar, around: &Around) -> Option<i64> {
        let touch = self.plan.touches().get(usize::from(self.sent))?;
        // Before a first touch there is no gap to double: it waits as long after what was heard as the second would.
        let (since, touch) = match self.last_unix_ms {
            Some(last) => (Some(last), touch),
            None => (around.last_unix_ms, self.plan.touches().get(1)?),
        };
        let doublings = self.soft_nos.saturating_add(around.soft_nos).min(DOUBLINGS);
        let gap = touch.after_days.saturating_mul(1 << doublings);
        let mut due = since.map_or(i64::MIN, |since| time.business_days_later(since, gap));
        if let Some(day) = &self.away_until {
            // The first morning back belongs to what piled up: a working day later.
            due = due.max(time.begins(day).map_or(i64::MAX, |begins| time.business_days_later(begins, 1)));
        }
        if let Some(since) = self.away_since_unix_ms {
            due = due.max(time.business_days_later(since, AWAY_DAYS));
        }
        Some(due)
    }
}

#[cfg(test)]
mod tests;
