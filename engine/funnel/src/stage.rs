//! The six stages, what each takes and gives, and the points of a walk that can be measured.

use std::str::FromStr;

use reframe_workflow::artifact::Kind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A stage of a deal, in the order they follow one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Something happened that makes an account worth a person's time.
    Signal,
    /// A first message and what follows it.
    Outreach,
    /// From a booked meeting to what to know before it.
    CallPrep,
    /// The call.
    LiveCall,
    /// What is written down about it.
    PostCall,
    /// The fields that are kept true between calls.
    Hygiene,
}

impl Stage {
    /// All six, in order.
    pub const ALL: [Self; 6] =
        [Self::Signal, Self::Outreach, Self::CallPrep, Self::LiveCall, Self::PostCall, Self::Hygiene];

    /// Its place, from 0.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The word in JSON and on the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Signal => "signal",
            Self::Outreach => "outreach",
            Self::CallPrep => "call_prep",
            Self::LiveCall => "live_call",
            Self::PostCall => "post_call",
            Self::Hygiene => "hygiene",
        }
    }

    /// The words on screens.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Signal => "Signal",
            Self::Outreach => "Outreach",
            Self::CallPrep => "Call prep",
            Self::LiveCall => "Live call",
            Self::PostCall => "Post-call",
            Self::Hygiene => "CRM hygiene",
        }
    }

    /// What it hands to the next stage. Outreach ends in a meeting: the draft is what it works on.
    #[must_use]
    pub const fn gives(self) -> Kind {
        match self {
            Self::Signal => Kind::SignalCard,
            Self::Outreach => Kind::Meeting,
            Self::CallPrep => Kind::Brief,
            Self::LiveCall => Kind::CallTranscript,
            Self::PostCall => Kind::NoteProposal,
            Self::Hygiene => Kind::FieldProposal,
        }
    }

    /// What it is handed: what the stage before gives; the last one's goes back to the first.
    #[must_use]
    pub const fn takes(self) -> Kind {
        match self {
            Self::Signal => Self::Hygiene.gives(),
            Self::Outreach => Self::Signal.gives(),
            Self::CallPrep => Self::Outreach.gives(),
            Self::LiveCall => Self::CallPrep.gives(),
            Self::PostCall => Self::LiveCall.gives(),
            Self::Hygiene => Self::PostCall.gives(),
        }
    }

    /// The stage an artifact of this kind stands in on the page: a meeting is where call prep begins.
    #[must_use]
    pub const fn of(kind: Kind) -> Self {
        match kind {
            Kind::SignalCard => Self::Signal,
            Kind::Draft => Self::Outreach,
            Kind::Meeting | Kind::Brief => Self::CallPrep,
            Kind::CallTranscript => Self::LiveCall,
            Kind::NoteProposal | Kind::Debrief => Self::PostCall,
            Kind::FieldProposal => Self::Hygiene,
        }
    }

    /// Whether what it does passes a person: signals and calls write nothing, a brief is only read.
    #[must_use]
    pub const fn is_gated(self) -> bool {
        matches!(self, Self::Outreach | Self::PostCall | Self::Hygiene)
    }
}

/// Which kinds may stand directly before this one in a lineage; empty: with this one a walk begins. Hygiene also reads
/// calls directly.
#[must_use]
pub const fn before(kind: Kind) -> &'static [Kind] {
    match kind {
        Kind::SignalCard => &[],
        Kind::Draft => &[Kind::SignalCard],
        Kind::Meeting => &[Kind::Draft],
        Kind::Brief => &[Kind::Meeting],
        Kind::CallTranscript => &[Kind::Brief],
        Kind::NoteProposal | Kind::Debrief => &[Kind::CallTranscript],
        Kind::FieldProposal => &[Kind::NoteProposal, Kind::CallTranscript],
    }
}

/// Which end of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Edge {
    /// The stage has something to work on.
    Begun,
    /// Its output is there: mail sent, brief made, call over, write done.
    Done,
}

/// A point of a walk that can be measured: `outreach` (begun) or `outreach.done`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Point {
    /// Of which stage.
    pub stage: Stage,
    /// Which end.
    pub edge: Edge,
}

impl Point {
    /// Where a stage begins.
    #[must_use]
    pub const fn begun(stage: Stage) -> Self {
        Self { stage, edge: Edge::Begun }
    }

    /// Where a stage has given what it gives.
    #[must_use]
    pub const fn done(stage: Stage) -> Self {
        Self { stage, edge: Edge::Done }
    }
}

impl std::fmt::Display for Point {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.stage.as_str())?;
        if self.edge == Edge::Done { f.write_str(".done") } else { Ok(()) }
    }
}

/// A text that names no point.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no point of a walk: write a stage (signal, outreach, call_prep, live_call, post_call, hygiene), or a stage and `.done`"
)]
pub struct BadPoint(String);

impl FromStr for Point {
    type Err = BadPoint;

    fn from_str(text: &str) -> Result<Self, BadPoint> {
        let (word, edge) = text.strip_suffix(".done").map_or((text, Edge::Begun), |word| (word, Edge::Done));
        let stage = Stage::ALL.into_iter().find(|s| s.as_str() == word);
        stage.map(|stage| Self { stage, edge }).ok_or_else(|| BadPoint(text.chars().take(40).collect()))
    }
}

impl TryFrom<String> for Point {
    type Error = BadPoint;

    fn try_from(text: String) -> Result<Self, BadPoint> {
        text.parse()
    }
}

impl From<Point> for String {
    fn from(point: Point) -> Self {
        point.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_written_and_read() {
        for stage in Stage::ALL {
            for point in [Point::begun(stage), Point::done(stage)] {
                assert_eq!(point.to_string().parse::<Point>().unwrap(), point);
            }
        }
        assert!("demo".parse::<Point>().unwrap_err().to_string().contains("call_prep"));
        assert!("outreach.begun".parse::<Point>().is_err());
    }
}
