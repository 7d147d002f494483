//! Soft noes that are heard beyond the sequence they came to.

use reframe_policy::{clock::DAY_MS, kill::KillSettings};

use super::{Sequence, Stopped};

/// What is heard around a sequence: soft noes in other sequences of the same person and in those of their colleagues. Each
/// doubles the gaps here as one heard here does; none of them ends it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Around {
    /// How many are still heard.
    pub soft_nos: u8,
    /// When the last of them was, in ms since 1970-01-01 UTC.
    pub last_unix_ms: Option<i64>,
}

impl Around {
    /// What is heard of other sequences at a time: soft noes of the last 90 days (as long as policy hears one), except
    /// where an answer of substance or a meeting followed.
    #[must_use]
    pub fn heard<'a>(others: impl IntoIterator<Item = &'a Sequence>, now_unix_ms: i64) -> Self {
        let days = i64::from(KillSettings::default().soft_no_days);
        let mut all = Self::default();
        for other in others {
            let answered = matches!(other.stopped, Some(Stopped::Replied | Stopped::MeetingBooked));
            // What was kept before the time was: at the last touch, which is never later.
            let Some(at) = other.soft_no_unix_ms.or(other.last_unix_ms) else { continue };
            if other.soft_nos > 0 && !answered && now_unix_ms < at.saturating_add(days * DAY_MS) {
                all.soft_nos = all.soft_nos.saturating_add(other.soft_nos);
                all.last_unix_ms = all.last_unix_ms.max(Some(at));
            }
        }
        all
    }
}
