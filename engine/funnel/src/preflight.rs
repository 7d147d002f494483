//! What must exist before outreach may start: a valid profile, the voice guide, a sender that is set up, a sponsor.
//!
//! The playbook's failed programmes had a thin profile, no sponsor and volume first. [`Cleared`] is the
//! only proof that all is there: it cannot be put together or read from a file.
//!
//! ```compile_fail
//! use reframe_funnel::preflight::Cleared;
//! fn forge() -> Cleared {
//!     Cleared(())
//! }
//! ```
//!
//! ```compile_fail
//! use reframe_funnel::preflight::Preflight;
//! fn read(json: &str) -> Option<Preflight> {
//!     serde_json::from_str(json).ok()
//! }
//! ```
//!
//! (A line of the list can be read, and is no key to anything.)
//!
//! ```
//! use reframe_funnel::preflight::Item;
//! fn read(json: &str) -> Option<Item> {
//!     serde_json::from_str(json).ok()
//! }
//! ```

use reframe_call::date::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One of the four things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Need {
    /// The ideal customer profile.
    Profile,
    /// The brand's voice guide.
    Voice,
    /// The mailbox and domain that mails go out from.
    Sender,
    /// The person who answers for the outcome.
    Sponsor,
}

/// What there is, as the caller found it; whoever reads the files fills this in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setup {
    /// The profile, if there is a file.
    pub profile: Option<Profile>,
    /// The voice guide, if there is a file.
    pub voice: Option<Checked>,
    /// The sender set-up, if one is configured.
    pub sender: Option<Checked>,
    /// The sponsor, if one is recorded.
    pub sponsor: Option<Sponsor>,
}

/// The profile as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// What is wrong with it; empty: it is valid.
    pub problems: Vec<String>,
    /// The day by which it is to be reviewed.
    pub review_by: Date,
}

/// A part that was checked by who knows how to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// What is wrong with it; empty: it is in order.
    pub problems: Vec<String>,
}

/// The person who answers for the outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sponsor {
    /// Who.
    pub name: String,
    /// Since when, in ms since 1970-01-01 UTC.
    pub recorded_unix_ms: i64,
}

/// How one of the things stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stands {
    /// In order.
    Ready,
    /// Not there.
    Missing,
    /// There, and wrong.
    Wrong,
    /// There, and past its review.
    Stale,
}

/// One line of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// What.
    pub need: Need,
    /// How it stands.
    pub stands: Stands,
    /// What is wrong; empty if nothing is.
    pub says: String,
    /// What to do; empty if there is nothing to do.
    pub todo: String,
}

/// Whether outreach may start. It can be shown, and made only by looking.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Preflight {
    items: Vec<Item>,
}

/// Outreach may start: all four were in order when this was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cleared(());

/// Outreach may not start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("outreach does not start: {0}")]
pub struct Blocked(String);

impl Preflight {
    /// The four things, in the order to see to them.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The key outreach asks for.
    ///
    /// # Errors
    /// [`Blocked`], with everything that is missing and what to do about it.
    pub fn cleared(&self) -> Result<Cleared, Blocked> {
        let open = |item: &&Item| item.stands != Stands::Ready;
        let missing: Vec<String> =
            self.items.iter().filter(open).map(|item| format!("{}; {}", item.says, item.todo)).collect();
        if missing.is_empty() { Ok(Cleared(())) } else { Err(Blocked(missing.join(". "))) }
    }
}

/// Looks at the four things on a day.
#[must_use]
pub fn preflight(setup: &Setup, today: Date) -> Preflight {
    let item = |need, stands, says: String, todo: &str| Item { need, stands, says, todo: todo.to_owned() };
    let ready = |need| item(need, Stands::Ready, String::new(), "");
    let checked = |need, name: &str, part: Option<&Checked>, make: &str, mend: &str| match part {
        None => item(need, Stands::Missing, format!("there is no {name}"), make),
        Some(part) if part.problems.is_empty() => ready(need),
        Some(part) => item(need, Stands::Wrong, format!("the {name} is wrong: {}", part.problems.join(", ")), mend),
    };
    let profile = match &setup.profile {
        None => item(
            Need::Profile,
            Stands::Missing,
            "there is no customer profile".into(),
            "write `icp.json` with fit, intent and exclusion rules and a review-by date (docs/SIGNAL.md has one)",
        ),
        Some(p) if !p.problems.is_empty() => item(
            Need::Profile,
            Stands::Wrong,
            format!("the customer profile is wrong: {}", p.problems.join(", ")),
            "mend `icp.json`",
        ),
        Some(p) if p.review_by < today => item(
            Need::Profile,
            Stands::Stale,
            format!("the customer profile was to be reviewed by {}", p.review_by),
            "review it, then set its review-by date to at most 90 days from now",
        ),
        Some(_) => ready(Need::Profile),
    };
    let voice = checked(
        Need::Voice,
        "voice guide",
        setup.voice.as_ref(),
        "write `voice.toml`: tone, forbidden words, openers, lengths",
        "mend `voice.toml`",
    );
    let sender = checked(
        Need::Sender,
        "sender set-up",
        setup.sender.as_ref(),
        "set up a domain for outreach with SPF, DKIM and DMARC, and record when its warm-up began",
        "mend the records that are named, or wait for the end of the warm-up",
    );
    let sponsor = match &setup.sponsor {
        Some(sponsor) if !sponsor.name.trim().is_empty() => ready(Need::Sponsor),
        _ => item(
            Need::Sponsor,
            Stands::Missing,
            "no sponsor is recorded".into(),
            "record the executive who answers for the outcome, by name",
        ),
    };
    Preflight { items: vec![profile, voice, sender, sponsor] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn setup(there: [bool; 4]) -> Setup {
        Setup {
            profile: there[0].then(|| Profile { problems: vec![], review_by: day("2026-04-01") }),
            voice: there[1].then(Checked::default),
            sender: there[2].then(Checked::default),
            sponsor: there[3].then(|| Sponsor { name: "Ada".into(), recorded_unix_ms: 0 }),
        }
    }

    /// All sixteen rows: only with all four does it start, and each missing one is named with what to do.
    #[test]
    fn each_missing_thing_blocks() {
        let words = ["customer profile", "voice guide", "sender set-up", "sponsor"];
        for row in 0..16_u8 {
            let there = [0, 1, 2, 3].map(|bit| row & 1 << bit != 0);
            let answer = preflight(&setup(there), day("2026-03-01")).cleared();
            assert_eq!(answer.is_ok(), there == [true; 4], "{there:?}");
            let says = answer.err().map_or_else(String::new, |e| e.to_string());
            for (there, word) in there.iter().zip(words) {
                assert_eq!(says.contains(word), !there, "{says}");
            }
        }
    }

    #[test]
    fn what_is_wrong_or_stale_blocks_too() {
        let today = day("2026-04-01");
        assert!(preflight(&setup([true; 4]), today).cleared().is_ok(), "the day of the review is in time");
        let stale = preflight(&setup([true; 4]), day("2026-04-02"));
        assert_eq!(stale.items[0].stands, Stands::Stale);
        assert!(stale.cleared().is_err());
        let wrong = || Checked { problems: vec!["no DKIM record".into()] };
        for (n, broken) in [
            Setup { sender: Some(wrong()), ..setup([true; 4]) },
            Setup { voice: Some(wrong()), ..setup([true; 4]) },
            Setup { sponsor: Some(Sponsor { name: " ".into(), recorded_unix_ms: 0 }), ..setup([true; 4]) },
        ]
        .iter()
        .enumerate()
        {
            assert!(preflight(broken, today).cleared().is_err(), "{n}");
        }
        let says = preflight(&Setup { sender: Some(wrong()), ..setup([true; 4]) }, today).cleared().unwrap_err();
        assert!(says.to_string().contains("no DKIM record"), "{says}");
    }
}
