//! Calendars into meetings: iCalendar files (RFC 5545) and what Google Calendar's `events.list` answers.
//!
//! What is read: events with a time of day, their repetitions within a window, changes and cancellations of single
//! repetitions, who was invited, where it is. All-day events are no meetings and are left out without a word. An event that
//! cannot be read loses only itself, with a [`Problem`] that says where and why. Sizes are bounded by the constants below.

mod event;
mod google;
mod line;
mod rule;
mod zone;

#[cfg(test)]
mod tests;

use jiff::tz::TimeZone;
use reframe_workflow::handoff::Meeting;

/// Longest calendar that is read, in bytes; what a mailbox of ten years exports is below it.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;
/// Most events of a calendar that are read.
pub const MAX_EVENTS: usize = 20_000;
/// Most meetings that one repeating event gives within the window.
pub const MAX_REPEATS: usize = 1_000;
/// Most problems that are told; the others are counted in the last one.
pub const MAX_PROBLEMS: usize = 100;
/// Longest title or place that is kept, in characters.
pub const MAX_TEXT_CHARS: usize = 500;
/// Most people of a meeting that are kept.
pub const MAX_INVITED: usize = 200;

/// From when to when meetings are wanted, in ms since 1970-01-01 UTC; those that begin at `to_unix_ms` are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// First instant.
    pub from_unix_ms: i64,
    /// First instant after it.
    pub to_unix_ms: i64,
}

impl Window {
    fn has(self, at_unix_ms: i64) -> bool {
        (self.from_unix_ms..self.to_unix_ms).contains(&at_unix_ms)
    }
}

/// Something that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct Problem {
    /// Where: `line 12`, `item 3`.
    pub place: String,
    /// What is wrong and what would be right.
    pub message: String,
}

/// What a calendar says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// Meetings that begin in the window, and cancelled ones whose time is not told, in order of time.
    pub meetings: Vec<Meeting>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// Reads an iCalendar file. `home` is the zone of times that name none.
#[must_use]
pub fn icalendar(bytes: &[u8], window: Window, home: &TimeZone) -> Read {
    if let Some(too_large) = too_large(bytes) {
        return too_large;
    }
    finish(event::read(bytes, window, home))
}

/// Reads what Google Calendar answers to `events.list`: an object with `items`, or the list itself.
#[must_use]
pub fn google(bytes: &[u8], window: Window, home: &TimeZone) -> Read {
    if let Some(too_large) = too_large(bytes) {
        return too_large;
    }
    finish(google::read(bytes, window, home))
}

fn too_large(bytes: &[u8]) -> Option<Read> {
    let message =
        format!("the calendar has {} bytes, at most {MAX_BYTES} are read; export fewer years of it", bytes.len());
    let problem = Problem { place: "line 1".to_owned(), message };
    (bytes.len() > MAX_BYTES).then(|| Read { meetings: Vec::new(), problems: vec![problem] })
}

fn finish(mut read: Read) -> Read {
    read.meetings.sort_by(|a, b| (a.start_unix_ms, &a.event).cmp(&(b.start_unix_ms, &b.event)));
    if read.problems.len() > MAX_PROBLEMS {
        let more = read.problems.len() - MAX_PROBLEMS;
        read.problems.truncate(MAX_PROBLEMS);
        let message = format!("{more} more problems like these");
        read.problems.push(Problem { place: "and so on".to_owned(), message });
    }
    read
}

/// The first so many characters of a text, without its control characters.
fn short(text: &str) -> String {
    text.trim().chars().filter(|c| !c.is_control()).take(MAX_TEXT_CHARS).collect()
}

/// Hosts of video meetings, by which an address in a text is known for the one to join by.
const MEETING_HOSTS: [&str; 6] =
    ["zoom.us", "meet.google.com", "teams.microsoft.com", "teams.live.com", "webex.com", "whereby.com"];

/// The first address of a video meeting in a text.
fn join_address(text: &str) -> Option<String> {
    let words = text.split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '(' | ')' | ','));
    let host = |word: &&str| {
        let rest = word.strip_prefix("https://")?;
        let host = rest.split(['/', '?', ':']).next().unwrap_or_default();
        MEETING_HOSTS.iter().find(|h| host == **h || host.strip_suffix(**h).is_some_and(|sub| sub.ends_with('.')))
    };
    words.into_iter().find(|w| host(w).is_some()).map(short)
}
