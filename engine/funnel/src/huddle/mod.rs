//! The morning page: what went out yesterday and what came back, each with its number and the things to look at.
//!
//! *Yesterday* is everything since the last working day began: on a Monday Friday to Sunday. The numbers are there to be
//! talked about with the things themselves at hand; none of them is a metric ([`crate::metrics`]).

mod flags;
mod moments;
mod text;
mod window;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    flags::{Flag, Turn, judge},
    moments::{of_calls, of_log},
    text::text,
    window::{BadTime, Window, WorkWeek, window},
};

/// Things that are listed in a line; the rest is counted.
pub const LISTED: usize = 50;

/// What a line of the page is about, in the page's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// Messages that went out.
    Sent,
    /// Messages that came back.
    Reply,
    /// Meetings that were booked.
    Meeting,
    /// Messages that were held back by a kill rule.
    Kill,
    /// Cards a rep marked as used in a call.
    CardUsed,
    /// Flags that were right.
    FlagRight,
    /// What went wrong without a flag.
    FlagMissed,
}

impl Topic {
    /// All, in the page's order.
    pub const ALL: [Self; 7] =
        [Self::Sent, Self::Reply, Self::Meeting, Self::Kill, Self::CardUsed, Self::FlagRight, Self::FlagMissed];

    /// The words on screens.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Sent => "Sent",
            Self::Reply => "Replies",
            Self::Meeting => "Meetings booked",
            Self::Kill => "Held back",
            Self::CardUsed => "Cards used",
            Self::FlagRight => "Flags that were right",
            Self::FlagMissed => "Missed without a flag",
        }
    }
}

/// Something that happened and belongs on the page.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Moment {
    /// When, in ms since 1970-01-01 UTC.
    pub at_unix_ms: i64,
    /// What it is about.
    pub topic: Topic,
    /// Ids of what there is to look at: artifacts, proposals, calls, records. At least one; the first names it.
    pub links: Vec<String>,
    /// In a few words what it was: the class of a reply, the rule of a kill, the play of a card.
    pub says: String,
}

/// One line of the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// What it is about.
    pub topic: Topic,
    /// How many.
    pub n: u64,
    /// The first fifty, in order of time.
    pub items: Vec<Moment>,
}

/// The page's values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Huddle {
    /// What time it is about.
    pub window: Window,
    /// Seven lines, in the page's order; those of which nothing happened too.
    pub lines: Vec<Line>,
}

/// The page of a morning. The same thing told twice (same topic, same first link, same time) is counted once.
#[must_use]
pub fn huddle(window: Window, moments: &[Moment]) -> Huddle {
    let within = |m: &&Moment| m.at_unix_ms >= window.from_unix_ms && m.at_unix_ms < window.to_unix_ms;
    let mut all: Vec<&Moment> = moments.iter().filter(within).collect();
    all.sort_unstable();
    all.dedup_by(|a, b| a.topic == b.topic && a.at_unix_ms == b.at_unix_ms && a.links.first() == b.links.first());
    let line = |topic| {
        let of: Vec<&Moment> = all.iter().copied().filter(|m| m.topic == topic).collect();
        Line { topic, n: of.len() as u64, items: of.into_iter().take(LISTED).cloned().collect() }
    };
    let lines = Topic::ALL.into_iter().map(line).collect();
    Huddle { window, lines }
}
