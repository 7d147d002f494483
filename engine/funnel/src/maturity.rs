//! Which features a team is ready for: the second year's refuse to start until the first year's work is done.
//!
//! The playbook: year 1 is hygiene, a base for engagement, conversations and one or two
//! agents; year 2 forecasting, coaching, deal risk; year 3 optimisation. "Teams that try to skip year 1 and start in year
//! 2 produce expensive deployments that disappoint at month nine."

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Share of open deals whose required fields are filled and were reviewed in the last week, for year 2, in percent. Our
/// choice: the playbook asks for coverage and names no number.
const HYGIENE_PERCENT: u64 = 80;
/// Meetings that are listened to, for year 2, in percent (the playbook's default for a working programme).
const RECORDED_PERCENT: u64 = 80;
/// Deals that have ended with their walk on record, for a forecast that learns from them. Our choice: with fewer than 50
/// a rate of one in five is known to within 11 points at best.
const ENDED_DEALS: u64 = 50;
/// Weeks of forecasts held against outcomes, for year 3: the playbook's six months of calibration.
const CALIBRATED_WEEKS: u64 = 26;

/// A year of the curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Year {
    /// Hygiene, engagement, conversations.
    Foundation,
    /// Forecasting, coaching, deal risk.
    Augmentation,
    /// Analytics across all, agents of one's own.
    Optimisation,
}

/// Something that can be switched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Feature {
    /// The daily feed.
    Signals,
    /// Drafts and sequences.
    Outreach,
    /// Briefs.
    CallPrep,
    /// Cards in the call.
    LiveCoach,
    /// Notes and tasks.
    PostCall,
    /// The nightly review.
    Hygiene,
    /// Probabilities of closing.
    ForecastModel,
    /// Scores of deals beyond the rules of the risk library.
    DealRiskModel,
    /// Trends of skills over a team.
    TeamCoaching,
    /// Numbers across all layers.
    CrossStackAnalytics,
    /// Agents a team builds itself.
    OwnAgents,
}

impl Feature {
    /// The year it belongs to.
    #[must_use]
    pub const fn year(self) -> Year {
        match self {
            Self::Signals | Self::Outreach | Self::CallPrep | Self::LiveCoach | Self::PostCall | Self::Hygiene => {
                Year::Foundation
            }
            Self::ForecastModel | Self::DealRiskModel | Self::TeamCoaching => Year::Augmentation,
            Self::CrossStackAnalytics | Self::OwnAgents => Year::Optimisation,
        }
    }
}

/// How far a team is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Coverage {
    /// Open deals.
    pub open_deals: u64,
    /// Of these, how many have their required fields filled and were reviewed in the last week.
    pub clean_deals: u64,
    /// Meetings with buyers in the last 30 days.
    pub meetings: u64,
    /// Of these, how many were listened to.
    pub recorded: u64,
    /// Deals that have ended and whose walk is on record.
    pub ended_deals: u64,
    /// Weeks in which a forecast was held against what came.
    pub forecast_weeks: u64,
}

/// What is still to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lack {
    /// What: `hygiene`, `recording`, `history`, `calibration`.
    pub of: String,
    /// With the numbers.
    pub says: String,
    /// What to do.
    pub todo: String,
}

/// A feature that does not start yet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not yet: {}", .lacks.iter().map(|l| format!("{}; {}", l.says, l.todo)).collect::<Vec<_>>().join(". "))]
pub struct NotYet {
    /// What is lacking, in the order to see to it.
    pub lacks: Vec<Lack>,
}

/// Whether a team may switch a feature on.
///
/// # Errors
/// [`NotYet`], with everything that is lacking.
pub fn gate(feature: Feature, coverage: &Coverage) -> Result<(), NotYet> {
    let c = coverage;
    let mut lacks = Vec::new();
    let mut need = |holds: bool, of: &str, says: String, todo: &str| {
        if !holds {
            lacks.push(Lack { of: of.to_owned(), says, todo: todo.to_owned() });
        }
    };
    // None of nothing is no coverage: an empty pipeline has shown nothing.
    let reaches = |k: u64, n: u64, percent: u64| n > 0 && u128::from(k) * 100 >= u128::from(n) * u128::from(percent);
    if feature.year() >= Year::Augmentation {
        need(
            reaches(c.clean_deals, c.open_deals, HYGIENE_PERCENT),
            "hygiene",
            format!("{} of {} open deals are clean, {HYGIENE_PERCENT} % are needed", c.clean_deals, c.open_deals),
            "go through what the nightly review proposes",
        );
        need(
            reaches(c.recorded, c.meetings, RECORDED_PERCENT),
            "recording",
            format!("{} of {} meetings were listened to, {RECORDED_PERCENT} % are needed", c.recorded, c.meetings),
            "add the bot to invitations",
        );
        need(
            feature == Feature::TeamCoaching || c.ended_deals >= ENDED_DEALS,
            "history",
            format!("{} deals have ended on record, {ENDED_DEALS} are needed", c.ended_deals),
            "wait, or import the history of the CRM",
        );
    }
    if feature.year() >= Year::Optimisation {
        need(
            c.forecast_weeks >= CALIBRATED_WEEKS,
            "calibration",
            format!(
                "{} weeks of forecasts were held against outcomes, {CALIBRATED_WEEKS} are needed",
                c.forecast_weeks
            ),
            "hold the weekly review until then",
        );
    }
    if lacks.is_empty() { Ok(()) } else { Err(NotYet { lacks }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READY: Coverage =
        Coverage { open_deals: 100, clean_deals: 80, meetings: 50, recorded: 40, ended_deals: 50, forecast_weeks: 26 };

    #[test]
    fn the_second_year_waits_for_the_first() {
        use Feature::*;
        let lacking = |feature, coverage: Coverage| {
            gate(feature, &coverage).err().map_or_else(Vec::new, |e| e.lacks.into_iter().map(|l| l.of).collect())
        };
        for feature in [Signals, Outreach, CallPrep, LiveCoach, PostCall, Hygiene] {
            assert!(gate(feature, &Coverage::default()).is_ok(), "{feature:?}");
        }
        let all = [ForecastModel, DealRiskModel, TeamCoaching, CrossStackAnalytics, OwnAgents];
        for feature in all {
            assert!(gate(feature, &READY).is_ok(), "{feature:?}");
            assert_eq!(lacking(feature, Coverage { clean_deals: 79, ..READY }), ["hygiene"], "{feature:?}");
            assert_eq!(lacking(feature, Coverage { recorded: 39, ..READY }), ["recording"], "{feature:?}");
        }
        assert_eq!(lacking(ForecastModel, Coverage::default()), ["hygiene", "recording", "history"]);
        assert_eq!(lacking(TeamCoaching, Coverage { ended_deals: 0, ..READY }), [""; 0]);
        assert_eq!(lacking(OwnAgents, Coverage { forecast_weeks: 25, ..READY }), ["calibration"]);
        let says = gate(ForecastModel, &Coverage { clean_deals: 3, ..READY }).unwrap_err().to_string();
        assert!(says.contains("3 of 100 open deals") && says.contains("nightly review"), "{says}");
    }
}
