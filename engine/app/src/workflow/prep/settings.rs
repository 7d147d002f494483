//! The `[workflow.prep]` part of `reframe.toml`.

use std::path::PathBuf;

use anyhow::bail;
use reframe_prep::brief::MAX_WORDS;
use serde::Deserialize;

/// Fewest words a brief may be held to: the titles of its parts and a line of each.
const LEAST_WORDS: usize = 200;
/// Longest time before a meeting, in minutes: a day.
const MOST_MINUTES: u32 = 24 * 60;
/// Farthest look ahead, in days.
const MOST_DAYS: u32 = 400;

/// What is made ready before a meeting.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PrepSettings {
    /// The team's calendar: an `.ics` file, what Google's `events.list` answered as a `.json` file, or a folder of both. Left
    /// out: no meeting is known, and briefs are made by hand alone.
    pub calendar: Option<PathBuf>,
    /// Minutes before a meeting at which its brief is there.
    pub minutes_before: u32,
    /// Words a brief has at most.
    pub most_words: usize,
    /// Days ahead for which meetings are kept.
    pub days_ahead: u32,
}

impl Default for PrepSettings {
    fn default() -> Self {
        Self { calendar: None, minutes_before: 30, most_words: MAX_WORDS, days_ahead: 14 }
    }
}

impl PrepSettings {
    /// Checks what can be checked without opening anything.
    ///
    /// # Errors
    /// Names the field and what to write.
    pub fn check(&self) -> anyhow::Result<()> {
        if self.calendar.as_ref().is_some_and(|c| c.as_os_str().is_empty()) {
            bail!(
                "workflow.prep.calendar is empty; write the path of an .ics file or a folder of them, or leave it out"
            );
        }
        if !(1..=MOST_MINUTES).contains(&self.minutes_before) {
            bail!("workflow.prep.minutes_before is {}; write 1 to {MOST_MINUTES}", self.minutes_before);
        }
        if !(LEAST_WORDS..=MAX_WORDS).contains(&self.most_words) {
            bail!("workflow.prep.most_words is {}; write {LEAST_WORDS} to {MAX_WORDS}", self.most_words);
        }
        if !(1..=MOST_DAYS).contains(&self.days_ahead) {
            bail!("workflow.prep.days_ahead is {}; write 1 to {MOST_DAYS}", self.days_ahead);
        }
        Ok(())
    }

    /// How long before a meeting its brief is there, in ms.
    #[must_use]
    pub fn lead_ms(&self) -> i64 {
        i64::from(self.minutes_before) * 60_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_meant_is_named() {
        PrepSettings::default().check().unwrap();
        type Change = fn(&mut PrepSettings);
        let wrong: [(&str, Change); 6] = [
            ("calendar is empty", |s| s.calendar = Some(PathBuf::new())),
            ("minutes_before is 0", |s| s.minutes_before = 0),
            ("minutes_before is 1441", |s| s.minutes_before = 1_441),
            ("most_words is 901", |s| s.most_words = 901),
            ("most_words is 199", |s| s.most_words = 199),
            ("days_ahead is 0", |s| s.days_ahead = 0),
        ];
        for (says, change) in wrong {
            let mut settings = PrepSettings::default();
            change(&mut settings);
            let error = settings.check().unwrap_err().to_string();
            assert!(error.starts_with("workflow.prep.") && error.contains(says), "{error}");
        }
    }
}
