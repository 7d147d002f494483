//! Dates in recognised speech: which days the words of a call mean, or that they mean none.
//!
//! The words are as a recogniser writes them: lower case, no punctuation, numbers in words, fillers left in. They are
//! read at the call's own day in its own zone. What cannot be told gives no date: a missing due date is put in by hand,
//! a wrong one is believed.
//!
//! Conventions, where speakers or companies differ:
//!
//! - Weeks begin on Monday (ISO 8601). "Friday" is the next one, never today; "this friday" may be today; "next friday"
//!   is the one of the following week, so said on a Wednesday not the one in two days. Speakers differ on this one (some
//!   mean the nearest), hence its lower certainty, except where both readings are the same day.
//! - "Last tuesday" is the nearest one behind. A weekday, month or quarter is in the past only if a plain past verb
//!   stands near it ("we launched in november"); else it is the coming one, since calls plan more than they look back.
//! - "A week from tuesday" and "two weeks thursday" count from the coming one; "thursday in two weeks" is in the week
//!   after next.
//! - "End of" a week is its Friday; of a month, quarter or year the days from its last working day to its last day, the
//!   former being due. A range is due on its last working day: somebody has to be at work to do it. "Before friday" and
//!   "by friday" are both due on Friday; "after friday" only tells where time begins and is due never.
//! - Early, mid and late cut a month after its 10th and 20th day, a quarter or year into three; of a week they are
//!   Monday and Tuesday, Wednesday, Thursday and Friday.
//! - Quarters and halves with a number follow the company's fiscal year, as whoever sets one means them so ("calendar q
//!   three" does not); "the year" is the calendar's. "Fiscal twenty seven" ends in 2027.
//! - "In a couple of weeks" is two weeks; "in a few weeks", "soon" and whatever waits for an event has no date.
//! - A bare hour from one to six is in the afternoon, from seven to twelve as it stands: office hours. The daylight
//!   saving of a named zone is the place's on that day, also for "e s t".
//! - "Month day" needs no setting for its order in words; bare numbers ("three four") are never dates.
//!
//! An expression is read from at most twelve words around it.

pub mod calendar;
mod clock;
mod day;
mod holiday;
mod join;
mod lexicon;
mod mention;
mod period;
mod reader;
mod role;
#[cfg(test)]
mod table;

use jiff::civil;
use reframe_call::date::Date;

pub use self::mention::{Anchor, Clock, ClockZone, Meaning, Mention, Role, Settings, UNSURE_BELOW, Why};
use self::{
    calendar::WorkDays,
    lexicon::Words,
    reader::{Item, Reader, What},
};

/// The time expressions in `words`, in order, as they are meant at `anchor`. For words whose confidences are known use
/// [`mentions_heard`].
///
/// ```
/// use reframe_workflow::dates::{Anchor, mentions};
/// let anchor = Anchor { now: "2026-03-11T10:00[America/Chicago]".parse()?, fiscal_year_starts: 1 };
/// let words: Vec<&str> = "i'll send it by end of day friday".split(' ').collect();
/// let due = mentions(&words, &anchor)[0].due().expect("a day was said");
/// assert_eq!(due.to_string(), "2026-03-13");
/// # Ok::<(), jiff::Error>(())
/// ```
#[must_use]
pub fn mentions(words: &[&str], anchor: &Anchor) -> Vec<Mention> {
    mentions_heard(words, &[], anchor, &Settings::default())
}

/// The time expressions in `words`; `confidences` (0 to 1, one for each word; those that are missing count as 1) decide
/// which of them are [`Mention::unsure`].
#[must_use]
pub fn mentions_heard(words: &[&str], confidences: &[f32], anchor: &Anchor, settings: &Settings) -> Vec<Mention> {
    let fiscal = if (1..=12).contains(&anchor.fiscal_year_starts) { anchor.fiscal_year_starts } else { 1 };
    let reader = Reader {
        words: Words::of(words),
        today: anchor.now.date(),
        hour: anchor.now.hour(),
        fiscal,
        work: WorkDays { us_federal_holidays: settings.us_federal_holidays },
    };
    let items = reader.join(reader.read());
    items.iter().filter_map(|item| mention(&reader, item, words, confidences, settings)).collect()
}

/// Words that decide nothing: heard wrong, the meaning is the same.
const LINKS: &[&str] = &["a", "an", "and", "at", "by", "for", "in", "of", "on", "the", "um", "uh", "er", "like"];

fn mention(reader: &Reader, item: &Item, words: &[&str], heard: &[f32], settings: &Settings) -> Option<Mention> {
    let first = reader.words.at.get(item.from)?.0;
    let last = reader.words.at.get(item.to.checked_sub(1)?)?.1;
    let meaning = match item.what {
        What::Day(day) => Meaning::Day { day: ours(day)?, time: item.time },
        What::Span(span) => {
            Meaning::Days { earliest: ours(span.first)?, latest: ours(span.last)?, due: ours(span.due(reader.work))? }
        }
        What::Time(clock) => Meaning::Time(clock),
        What::Recurring => Meaning::Recurring,
        What::Never(why) => Meaning::Unresolvable { why },
    };
    let unsure = (first..last).any(|i| {
        let confidence = heard.get(i).copied().unwrap_or(1.0);
        (confidence.is_nan() || confidence < settings.unsure_below) && !words.get(i).is_some_and(|w| LINKS.contains(w))
    });
    let role = item.role.unwrap_or(Role::Ahead);
    Some(Mention { words: first..last, meaning, role, certainty: item.certainty, unsure })
}

/// The calendar day in the type that the other crates use; none before the year 1.
pub(crate) fn ours(day: civil::Date) -> Option<Date> {
    Date::new(u16::try_from(day.year()).ok()?, u8::try_from(day.month()).ok()?, u8::try_from(day.day()).ok()?)
}

/// The same day in the type that calendar arithmetic uses.
pub(crate) fn theirs(day: Date) -> Option<civil::Date> {
    day.to_string().parse().ok()
}

/// The weekday a word names.
pub(crate) fn weekday(word: &str) -> Option<civil::Weekday> {
    lexicon::weekday(word)
}
