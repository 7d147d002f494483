//! Times of day: "two thirty", "ten a m eastern", "half past two", "noon".

use super::{
    lexicon,
    mention::{Clock, ClockZone},
    reader::Reader,
};

/// Hours from this one to noon are taken as morning, those below as afternoon: calls are in office hours, 7:00 to
/// 18:59.
const FIRST_MORNING_HOUR: i64 = 7;

impl Reader {
    /// A time of day at `i`, and where it ends. `beside_day`: it touches a day, so bare numbers ("two thirty") count.
    pub fn clock(&self, i: usize, beside_day: bool) -> Option<(Clock, usize)> {
        let start = self.skip(
            i,
            &[
                "at around",
                "at like",
                "at say",
                "at about",
                "at",
                "around",
                "for",
                "by",
                "before",
                "after",
                "say",
                "from",
            ],
        );
        let prompted = start > i && self.is(i, &["at"]);
        let start = self.skip(start, &["about", "around", "exactly"]);
        let (hour, minute, mut at, plain) = self.face(start)?;
        let mut half = None;
        if let Some(to) = self.any(at, &["a m", "am", "p m", "pm"]) {
            half = Some(self.at(at).starts_with('p'));
            at = to;
        } else if let Some(to) = self.any(at, &["o'clock in the morning", "in the morning"]) {
            (half, at) = (Some(false), to);
        } else if let Some(to) = self.any(at, &["in the afternoon", "in the evening"]) {
            (half, at) = (Some(true), to);
        }
        let (zone, zone_to) = self.clock_zone(at);
        // A bare number is a time only where something says so; "at ten percent" and "at two sites" are none.
        let said = !plain || half.is_some() || zone_to > at;
        let free =
            self.stops(zone_to) || self.weekday(zone_to).is_some() || self.is(zone_to, &["tomorrow", "today", "sharp"]);
        if !(said || (prompted || beside_day) && free) {
            return None;
        }
        let hour = match half {
            Some(true) if hour < 12 => hour + 12,
            Some(false) if hour == 12 => 0,
            None if plain && hour < FIRST_MORNING_HOUR => hour + 12,
            _ => hour,
        };
        let clock = Clock { hour: i8::try_from(hour).ok()?, minute: i8::try_from(minute).ok()?, zone };
        (hour < 24 && minute < 60).then_some((clock, self.skip(zone_to, &["sharp"])))
    }

    /// Hour and minute as said, where they end, and whether only a number says so.
    fn face(&self, i: usize) -> Option<(i64, i64, usize, bool)> {
        if self.is(i, &["noon", "midday"]) {
            return Some((12, 0, i + 1, false));
        }
        if self.is(i, &["midnight"]) {
            return Some((0, 0, i + 1, false));
        }
        let (first, past) = match self.at(i) {
            "half" if self.is(i + 1, &["past"]) => (30, i + 2),
            "quarter" if self.is(i + 1, &["past", "after"]) => (15, i + 2),
            "quarter" if self.is(i + 1, &["to", "of"]) => (-15, i + 2),
            _ => (0, i),
        };
        let (hour, at) = self.number(past).filter(|(h, _)| (1..=12).contains(h))?;
        let afternoon = |h: i64| if h < FIRST_MORNING_HOUR { h + 12 } else { h };
        match first {
            0 => {}
            -15 => return Some((afternoon(if hour == 1 { 12 } else { hour - 1 }), 45, at, false)),
            minute => return Some((afternoon(hour), minute, at, false)),
        }
        if self.is(at, &["o'clock"]) {
            return Some((afternoon(hour), 0, at + 1, false));
        }
        if self.is(at, &["oh"]) && self.number(at + 1).is_some_and(|(m, _)| m < 10) {
            let (minute, to) = self.number(at + 1)?;
            return Some((hour, minute, to, true));
        }
        match self.number(at) {
            Some((minute, to)) if (10..60).contains(&minute) => Some((hour, minute, to, true)),
            Some(_) => None,
            None => Some((hour, 0, at, true)),
        }
    }

    /// The zone said after a time.
    fn clock_zone(&self, i: usize) -> (ClockZone, usize) {
        if let Some(to) = self.any(i, &["your time", "their time", "his time", "her time", "your end", "on your end"]) {
            return (ClockZone::Somebodys, to);
        }
        if let Some(to) = self.any(i, &["my time", "our time", "local time"]) {
            return (ClockZone::Call, to);
        }
        let letters = format!("{}{}{}", self.at(i), self.at(i + 1), self.at(i + 2));
        if self.at(i).len() == 1
            && let Some(name) = lexicon::zone(&letters)
        {
            return (ClockZone::Named(name), i + 3);
        }
        match lexicon::zone(self.at(i)) {
            Some(name) => (ClockZone::Named(name), self.skip(i + 1, &["standard time", "daylight time", "time"])),
            None => (ClockZone::Call, i),
        }
    }
}
