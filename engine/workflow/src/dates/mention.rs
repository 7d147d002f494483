//! What a time expression is: where it stands, which days it means, and how sure that is.

use std::ops::Range;

use jiff::{Zoned, civil, tz::TimeZone};
use reframe_call::date::Date;

/// Below which confidence of a deciding word a mention is [`Mention::unsure`]. The recogniser's confidences are
/// calibrated (0.5: as often wrong as right), so below it the word is more likely wrong than not.
pub const UNSURE_BELOW: f32 = 0.5;

/// When and where the words are spoken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The call's local time, in the zone its dates are meant in.
    pub now: Zoned,
    /// Month in which the company's fiscal year starts, 1 to 12; anything else counts as January.
    pub fiscal_year_starts: i8,
}

/// How expressions are read where companies differ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Whether the federal holidays of the United States are days off when working days are counted.
    pub us_federal_holidays: bool,
    /// Confidence of a deciding word (0 to 1) below which a mention is unsure.
    pub unsure_below: f32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { us_federal_holidays: false, unsure_below: UNSURE_BELOW }
    }
}

/// Whose clock a time of day is read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockZone {
    /// Nothing was said: the call's own zone.
    Call,
    /// A zone was named: `America/New_York` for "eastern".
    Named(&'static str),
    /// "Your time", "their time": whose that is, the words do not say.
    Somebodys,
}

/// A time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// 0 to 23.
    pub hour: i8,
    /// 0 to 59.
    pub minute: i8,
    /// On whose clock.
    pub zone: ClockZone,
}

/// Why an expression gives no date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It hangs on something that has no date: "after the board meets".
    Event,
    /// It is vague: "soon", "at some point".
    Vague,
    /// The calendar has no such day: "february thirtieth".
    NoSuchDay,
}

/// Which days an expression means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// One day.
    Day {
        /// The day.
        day: Date,
        /// The time of day, if one was said with it.
        time: Option<Clock>,
    },
    /// Some day from `earliest` to `latest`, both included.
    Days {
        /// First day.
        earliest: Date,
        /// Last day.
        latest: Date,
        /// Last working day of them, or `latest` if none is.
        due: Date,
    },
    /// A time of day on a day that was not said with it.
    Time(Clock),
    /// Again and again: "every monday".
    Recurring,
    /// A time that is no date.
    Unresolvable {
        /// Why not.
        why: Why,
    },
}

/// What the days of a mention are to what is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Today or later: may be a due date.
    Ahead,
    /// Behind the speaker.
    Past,
    /// Where time begins ("after easter"): something comes later, nobody said when.
    After,
    /// What is talked about ("the q three numbers"), not when something is done.
    Topic,
}

/// One time expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Mention {
    /// Words it stands in, as indexes into the slice that was given; never empty.
    pub words: Range<usize>,
    /// Which days it means.
    pub meaning: Meaning,
    /// What those days are to what is said.
    pub role: Role,
    /// How sure the reading is if the words were heard right, 0 to 1.
    pub certainty: f32,
    /// A word that decides the meaning was heard with low confidence: show it marked, or not at all.
    pub unsure: bool,
}

impl Mention {
    /// The day to use as a due date: the day itself, the last working day of a range; none for what is past, a topic,
    /// recurring, or has no date.
    #[must_use]
    pub fn due(&self) -> Option<Date> {
        match (self.role, self.meaning) {
            (Role::Ahead, Meaning::Day { day, .. }) => Some(day),
            (Role::Ahead, Meaning::Days { due, .. }) => Some(due),
            _ => None,
        }
    }

    /// The last day that is meant, whatever its role.
    #[must_use]
    pub const fn latest(&self) -> Option<Date> {
        match self.meaning {
            Meaning::Day { day, .. } => Some(day),
            Meaning::Days { latest, .. } => Some(latest),
            _ => None,
        }
    }

    /// The first day that is meant, whatever its role.
    #[must_use]
    pub const fn earliest(&self) -> Option<Date> {
        match self.meaning {
            Meaning::Day { day, .. } => Some(day),
            Meaning::Days { earliest, .. } => Some(earliest),
            _ => None,
        }
    }

    /// The moment that is meant, if a day and a time of day were said: on the named clock, else on the call's. A time
    /// that the change to summer time skips is moved on by the gap; of a time that occurs twice it is the first. None
    /// for somebody else's clock.
    #[must_use]
    pub fn moment(&self, anchor: &Anchor) -> Option<Zoned> {
        let Meaning::Day { day, time: Some(clock) } = self.meaning else { return None };
        let zone = match clock.zone {
            ClockZone::Call => anchor.now.time_zone().clone(),
            ClockZone::Named(name) => TimeZone::get(name).ok()?,
            ClockZone::Somebodys => return None,
        };
        let time = civil::Time::new(clock.hour, clock.minute, 0, 0).ok()?;
        let day: civil::Date = day.to_string().parse().ok()?;
        day.to_datetime(time).to_zoned(zone).ok()
    }
}
