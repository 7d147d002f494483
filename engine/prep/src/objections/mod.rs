//! What the buyer is likely to object in the coming meeting: from the deal's own calls, the team's history, open points.
//!
//! The chance of a class is built up on the log-odds scale: how often the team meets it at all, how much more often at this
//! stage, in this segment and industry (each share pulled towards the overall one while it rests on few calls), and what
//! this deal's own calls say: raised and not handled, raised and handled, spoken of in notes and open points. The numbers
//! are in [`Weights`].

mod cues;
pub mod score;

use std::collections::{BTreeMap, BTreeSet};

use reframe_call::{
    detect::OBJECTIONS,
    playbook::{Play, Playbook},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::cues::classes_in;

/// Objections that a brief lists.
pub const LISTED: usize = 5;

/// One call of the team's past.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PastCall {
    /// Name of the call.
    pub call: String,
    /// Its deal, as its system names it.
    pub deal: String,
    /// Stage of the deal at the time.
    pub stage: String,
    /// Segment of the account: `mid-market`.
    #[serde(default)]
    pub segment: String,
    /// Its industry.
    #[serde(default)]
    pub industry: String,
    /// Classes that were raised, in any order.
    pub objections: Vec<String>,
    /// Plays whose cards were used.
    #[serde(default)]
    pub answered_with: Vec<String>,
}

/// An objection of an earlier call of this deal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Raised {
    /// Class.
    pub class: String,
    /// Whether it was answered and the buyer took it.
    pub handled: bool,
    /// The buyer's words.
    #[serde(default)]
    pub words: String,
}

/// An earlier call of this deal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EarlierCall {
    /// Name of the call.
    pub call: String,
    /// The day it was, `2026-03-02`; used for its order alone.
    #[serde(default)]
    pub day: String,
    /// What was raised in it.
    #[serde(default)]
    pub objections: Vec<Raised>,
    /// What was written down about it.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// What is known before a meeting.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outlook<'a> {
    /// Stage of the deal.
    pub stage: &'a str,
    /// Segment of the account; empty: not known.
    pub segment: &'a str,
    /// Its industry; empty: not known.
    pub industry: &'a str,
    /// Calls of the deal, in order of time.
    pub earlier: &'a [EarlierCall],
    /// What is still open, in words.
    pub open_points: &'a [String],
}

/// A class and how likely it is to be raised.
#[derive(Clone, Debug, PartialEq)]
pub struct Likely {
    /// Class.
    pub label: String,
    /// How likely, 0 to 1.
    pub likelihood: f64,
    /// Why, the weightiest first.
    pub why: Vec<Reason>,
}

/// What speaks for a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Raised in these earlier calls and not handled the last time.
    Unhandled(Vec<String>),
    /// Raised in these earlier calls and handled.
    Handled(Vec<String>),
    /// Spoken of in this open point.
    OpenPoint(String),
    /// Spoken of in a note of this call.
    Note {
        /// Name of the call.
        call: String,
        /// The note.
        text: String,
    },
    /// The team met it in so many of so many calls at this stage.
    AtStage {
        /// Calls with it.
        with: usize,
        /// Calls.
        of: usize,
    },
    /// The team met it in so many of so many calls at all.
    Overall {
        /// Calls with it.
        with: usize,
        /// Calls.
        of: usize,
    },
}

/// The numbers of the sum. Set by judgement and looked at on the development set of `fixtures/prep` alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weights {
    /// Calls with the overall share that are added to those of a stage, segment or industry (additive smoothing towards
    /// the whole: a stage with this many calls counts half).
    pub smoothing: f64,
    /// Share of the log-odds difference of the stage that counts.
    pub stage: f64,
    /// The same of the segment.
    pub segment: f64,
    /// The same of the industry.
    pub industry: f64,
    /// Added if it was raised and not handled the last time.
    pub unhandled: f64,
    /// Added for each more call it was raised in.
    pub again: f64,
    /// Added if it was raised and handled the last time.
    pub handled: f64,
    /// Added if an open point speaks of it.
    pub open_point: f64,
    /// Added if a note of an earlier call speaks of it.
    pub note: f64,
    /// Share of the weight of a raised objection that is left for each call since.
    pub fading: f64,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            smoothing: 20.0,
            stage: 0.9,
            segment: 0.6,
            industry: 0.6,
            unhandled: 3.0,
            again: 0.4,
            handled: 0.3,
            open_point: 2.0,
            note: 0.8,
            fading: 0.85,
        }
    }
}

/// The team's past calls, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    calls: usize,
    all: BTreeMap<String, usize>,
    by: BTreeMap<(Kind, String), Counts>,
    plays: BTreeMap<(String, String), usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Stage,
    Segment,
    Industry,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Counts {
    calls: usize,
    with: BTreeMap<String, usize>,
}

fn same_name(text: &str) -> String {
    text.trim().to_lowercase().replace(['-', ' '], "_")
}

impl History {
    /// Counts past calls. Names of stages, segments and industries are the same in capitals and with hyphens.
    #[must_use]
    pub fn of(calls: &[PastCall]) -> Self {
        let mut history = Self { calls: calls.len(), ..Self::default() };
        for call in calls {
            let raised: BTreeSet<&String> = call.objections.iter().collect();
            let places = [(Kind::Stage, &call.stage), (Kind::Segment, &call.segment), (Kind::Industry, &call.industry)];
            for (kind, name) in places.into_iter().filter(|(_, name)| !name.trim().is_empty()) {
                let counts = history.by.entry((kind, same_name(name))).or_default();
                counts.calls += 1;
                for class in &raised {
                    *counts.with.entry((*class).clone()).or_default() += 1;
                }
            }
            for class in raised {
                *history.all.entry(class.clone()).or_default() += 1;
                for play in &call.answered_with {
                    *history.plays.entry((class.clone(), play.clone())).or_default() += 1;
                }
            }
        }
        history
    }

    /// Number of calls.
    #[must_use]
    pub const fn calls(&self) -> usize {
        self.calls
    }

    /// Classes by how many calls they were raised in, the most frequent first: the baseline that prediction is held
    /// against.
    #[must_use]
    pub fn most_frequent(&self) -> Vec<String> {
        let mut all: Vec<(&String, usize)> = self.all.iter().map(|(c, n)| (c, *n)).collect();
        all.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        all.into_iter().map(|(c, _)| c.clone()).collect()
    }

    /// Calls at a stage, and those of them with a class.
    #[must_use]
    pub fn at_stage(&self, stage: &str, class: &str) -> (usize, usize) {
        let counts = self.by.get(&(Kind::Stage, same_name(stage)));
        counts.map_or((0, 0), |c| (c.calls, c.with.get(class).copied().unwrap_or(0)))
    }

    /// Calls with a class.
    #[must_use]
    pub fn with(&self, class: &str) -> usize {
        self.all.get(class).copied().unwrap_or(0)
    }

    /// The play whose card was used most often in calls with this class; of equals the first by name.
    #[must_use]
    pub fn usual_play(&self, class: &str) -> Option<&str> {
        let used = self.plays.iter().filter(|((c, _), _)| c == class);
        used.min_by_key(|((_, play), n)| (std::cmp::Reverse(**n), play)).map(|((_, play), _)| play.as_str())
    }

    /// Share of calls with a class, with 24 calls added of which an eighth has it: what was never met may yet come.
    #[allow(clippy::cast_precision_loss, reason = "counts of calls are far below 2^52")]
    fn share(&self, class: &str) -> f64 {
        let with = self.all.get(class).copied().unwrap_or(0) as f64;
        (with + 3.0) / (self.calls as f64 + 24.0)
    }

    /// How much likelier a class is at a place than at all, on the log-odds scale.
    #[allow(clippy::cast_precision_loss, reason = "counts of calls are far below 2^52")]
    fn lift(&self, kind: Kind, name: &str, class: &str, smoothing: f64) -> f64 {
        let Some(counts) = self.by.get(&(kind, same_name(name))) else { return 0.0 };
        let overall = self.share(class);
        let with = counts.with.get(class).copied().unwrap_or(0) as f64;
        let share = (with + smoothing * overall) / (counts.calls as f64 + smoothing);
        log_odds(share) - log_odds(overall)
    }
}

fn log_odds(share: f64) -> f64 {
    let p = share.clamp(1e-4, 1.0 - 1e-4);
    (p / (1.0 - p)).ln()
}

/// Every class by how likely it is to be raised, the likeliest first; of equals by name.
#[must_use]
pub fn rank(history: &History, outlook: Outlook<'_>, weights: &Weights) -> Vec<Likely> {
    let classes: BTreeSet<&str> = OBJECTIONS.into_iter().chain(history.all.keys().map(String::as_str)).collect();
    let mut spoken: BTreeMap<&str, Vec<Reason>> = BTreeMap::new();
    for point in outlook.open_points {
        for class in classes_in(point) {
            spoken.entry(class).or_default().push(Reason::OpenPoint(point.clone()));
        }
    }
    for call in outlook.earlier {
        for text in &call.notes {
            for class in classes_in(text) {
                let reason = Reason::Note { call: call.call.clone(), text: text.clone() };
                spoken.entry(class).or_default().push(reason);
            }
        }
    }
    let mut out: Vec<Likely> = classes
        .into_iter()
        .map(|class| {
            let places = [
                (Kind::Stage, outlook.stage, weights.stage),
                (Kind::Segment, outlook.segment, weights.segment),
                (Kind::Industry, outlook.industry, weights.industry),
            ];
            let mut sum = log_odds(history.share(class));
            for (kind, name, weight) in places {
                sum += weight * history.lift(kind, name, class, weights.smoothing);
            }
            let mut why = Vec::new();
            sum += own_calls(outlook.earlier, class, weights, &mut why);
            let told = spoken.remove(class).unwrap_or_default();
            if told.iter().any(|r| matches!(r, Reason::OpenPoint(_))) {
                sum += weights.open_point;
            } else if !told.is_empty() {
                sum += weights.note;
            }
            why.extend(told);
            let (of, with) = history.at_stage(outlook.stage, class);
            if with > 0 {
                why.push(Reason::AtStage { with, of });
            } else if let Some(with) = history.all.get(class) {
                why.push(Reason::Overall { with: *with, of: history.calls });
            }
            Likely { label: class.to_owned(), likelihood: 1.0 / (1.0 + (-sum).exp()), why }
        })
        .collect();
    out.sort_by(|a, b| b.likelihood.total_cmp(&a.likelihood).then(a.label.cmp(&b.label)));
    out
}

/// What the deal's own calls add to a class.
fn own_calls(earlier: &[EarlierCall], class: &str, weights: &Weights, why: &mut Vec<Reason>) -> f64 {
    let mut calls: Vec<&EarlierCall> = earlier.iter().collect();
    calls.sort_by(|a, b| a.day.cmp(&b.day));
    let raised = |call: &&EarlierCall| call.objections.iter().any(|o| o.class == class);
    let Some(last) = calls.iter().rposition(raised) else { return 0.0 };
    let names: Vec<String> = calls.iter().filter(|c| raised(c)).map(|c| c.call.clone()).collect();
    // Handled is what was so whenever it came up in the last call it came up in.
    let handled = calls[last].objections.iter().filter(|o| o.class == class).all(|o| o.handled);
    let since = i32::try_from(calls.len() - 1 - last).unwrap_or(i32::MAX);
    let more = f64::from(u32::try_from(names.len() - 1).unwrap_or(u32::MAX));
    why.push(if handled { Reason::Handled(names) } else { Reason::Unhandled(names) });
    let own = if handled { weights.handled } else { weights.unhandled };
    (own + weights.again * more) * weights.fading.powi(since)
}

/// The play that answers a class: the one the team used most if the playbook still has it and it is no draft, else the one
/// of the highest priority that has a card; of equals the first in the file.
#[must_use]
pub fn play_for<'a>(playbook: &'a Playbook, history: &History, class: &str) -> Option<&'a Play> {
    let fits =
        |play: &&Play| play.enabled && play.label == class && !play.card.say.is_empty() && play.follows.is_none();
    let usual = history.usual_play(class).and_then(|id| playbook.play(id)).filter(fits);
    let best = playbook.plays.iter().filter(fits).fold(None, |best: Option<&Play>, play| match best {
        Some(b) if b.priority >= play.priority => Some(b),
        _ => Some(play),
    });
    usual.or(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn past(stage: &str, segment: &str, objections: &[&str], play: &str) -> PastCall {
        PastCall {
            call: String::new(),
            deal: String::new(),
            stage: stage.into(),
            segment: segment.into(),
            industry: "retail".into(),
            objections: objections.iter().map(|s| (*s).to_owned()).collect(),
            answered_with: vec![play.to_owned()],
        }
    }

    fn history() -> History {
        let mut calls = vec![past("discovery", "smb", &["need", "timing"], "a"); 40];
        calls.extend(vec![past("proposal", "smb", &["price"], "b"); 30]);
        calls.extend(vec![past("proposal", "enterprise", &["security", "price"], "c"); 10]);
        History::of(&calls)
    }

    fn top(outlook: Outlook<'_>, n: usize) -> Vec<String> {
        rank(&history(), outlook, &Weights::default()).into_iter().take(n).map(|l| l.label).collect()
    }

    fn earlier(call: &str, class: &str, handled: bool) -> EarlierCall {
        let raised = Raised { class: class.into(), handled, words: String::new() };
        EarlierCall { call: call.into(), day: format!("2026-03-{call}"), objections: vec![raised], notes: Vec::new() }
    }

    #[test]
    fn stage_segment_and_the_deals_own_calls_decide() {
        assert_eq!(history().most_frequent(), ["need", "price", "timing", "security"]);
        assert_eq!(top(Outlook { stage: "Discovery", ..Outlook::default() }, 2), ["need", "timing"]);
        assert_eq!(top(Outlook { stage: "proposal", ..Outlook::default() }, 1), ["price"]);
        let at = |segment| {
            rank(&history(), Outlook { stage: "proposal", segment, ..Outlook::default() }, &Weights::default())
        };
        let of = |list: &[Likely], label: &str| list.iter().find(|l| l.label == label).unwrap().likelihood;
        assert!(of(&at("enterprise"), "security") > of(&at("smb"), "security"));
        // Raised and left open beats what the stage speaks for; handled weighs less; an old one less than a new one.
        let chance = |calls: &[EarlierCall]| {
            of(
                &rank(
                    &history(),
                    Outlook { stage: "discovery", earlier: calls, ..Outlook::default() },
                    &Weights::default(),
                ),
                "contract",
            )
        };
        let (none, open, handled) =
            (chance(&[]), chance(&[earlier("02", "contract", false)]), chance(&[earlier("02", "contract", true)]));
        assert!(open > handled && handled > none, "{open} {handled} {none}");
        let old =
            chance(&[earlier("02", "contract", false), earlier("03", "price", true), earlier("04", "price", true)]);
        assert!(old < open);
        // Whatever the order they are given in.
        assert_eq!(
            chance(&[earlier("03", "contract", true), earlier("02", "contract", false)]),
            chance(&[earlier("02", "contract", false), earlier("03", "contract", true)])
        );
        let open_points = ["legal wants changes to the liability clause".to_owned()];
        let list = rank(
            &history(),
            Outlook { stage: "discovery", open_points: &open_points, ..Outlook::default() },
            &Weights::default(),
        );
        assert!(of(&list, "contract") > none);
        assert_eq!(
            list.iter().find(|l| l.label == "contract").unwrap().why,
            [Reason::OpenPoint(open_points[0].clone())]
        );
    }

    #[test]
    fn few_calls_say_little() {
        let mut calls = vec![past("proposal", "smb", &["price"], "b"); 100];
        calls.push(past("pilot", "smb", &["roi"], "b"));
        let list = rank(&History::of(&calls), Outlook { stage: "pilot", ..Outlook::default() }, &Weights::default());
        assert_eq!(list[0].label, "price", "one call at a stage does not overrule a hundred");
    }

    #[test]
    fn the_team_s_usual_card_is_taken_if_it_still_stands() {
        let text = "version = 1\nname = \"x\"\n[[play]]\nid = \"a\"\nlabel = \"price\"\npriority = 10\nphrases = [\"too much money\"]\n[play.card]\ntitle = \"t\"\nsay = [\"s\"]\n[[play]]\nid = \"b\"\nlabel = \"price\"\npriority = 90\nphrases = [\"some other phrase\"]\n[play.card]\ntitle = \"t\"\nsay = [\"s\"]\n";
        let playbook = reframe_call::playbook::parse("x", text).0.unwrap();
        let id = |history: &History| play_for(&playbook, history, "price").map(|p| p.id.clone());
        assert_eq!(id(&History::default()).as_deref(), Some("b"));
        assert_eq!(id(&History::of(&[past("proposal", "smb", &["price"], "a")])).as_deref(), Some("a"));
        assert_eq!(id(&History::of(&[past("proposal", "smb", &["price"], "gone")])).as_deref(), Some("b"));
        assert!(play_for(&playbook, &History::default(), "security").is_none());
    }
}
