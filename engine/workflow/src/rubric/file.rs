//! The rubric: a file of five to eight weighted criteria, each with the words for its scores.

use reframe_call::playbook::Problem;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use crate::{artifact::Digest, hygiene::rule_file::RuleFile};

/// Version of the file this program reads.
const FILE_VERSION: u32 = 1;
/// Fewest criteria, and most.
const CRITERIA: std::ops::RangeInclusive<usize> = 5..=8;
/// Weights are written with a few digits; their sum may miss 1 by this much.
const SUM_SLACK: f64 = 0.001;
/// The rubric that comes with the program.
const BUILT_IN: (&str, &str) =
    ("fixtures/workflow_rules/rubric.toml", include_str!("../../../../fixtures/workflow_rules/rubric.toml"));

/// What a criterion rests on; the file itself says what each counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Whether the rep said what the call is about: 0 or 1.
    Agenda,
    /// Questions before the first pitch.
    AskedBeforePitching,
    /// How far the buyer's pain was brought out: 0 to 4.
    Pain,
    /// How far it is known by what they decide: 0 to 4.
    DecisionCriteria,
    /// How firm the next step is: 0 to 4.
    NextStep,
    /// The rep's share of the talk, in percent.
    TalkShare,
    /// The rep's questions in ten minutes.
    Questions,
    /// The rep's longest stretch, in seconds.
    LongestMonologue,
}

/// How a measure becomes a score.
#[derive(Clone, Debug, PartialEq)]
pub enum Scale {
    /// 1 to 5.
    Anchors {
        /// From which number on the scores 2 to 5 are given; falling: less is better.
        steps: [f64; 4],
        /// The words for the scores 1 to 5.
        anchors: [String; 5],
    },
    /// Passed, which counts as 5, or failed, which counts as 1.
    PassFail {
        /// The number that passes at least; or, if less is better, at most.
        at: f64,
        /// Whether less is better.
        at_most: bool,
        /// The words for a pass.
        pass: String,
        /// The words for a fail.
        fail: String,
    },
}

/// One criterion.
#[derive(Clone, Debug, PartialEq)]
pub struct Criterion {
    /// Name: `next-step`.
    pub id: String,
    /// What it is about, in a line.
    pub title: String,
    /// Its share of the mean, above 0 and at most 1.
    pub weight: f64,
    /// What it rests on.
    pub measure: Measure,
    /// How that becomes a score.
    pub scale: Scale,
}

/// A checked rubric.
#[derive(Clone, Debug, PartialEq)]
pub struct Rubric {
    /// Its name.
    pub name: String,
    /// Digest of its text: scores under different texts are not compared.
    pub digest: Digest,
    /// Days after which a manager sees a debrief that the seller has not released.
    pub manager_after_days: u32,
    criteria: Vec<Criterion>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    version: Spanned<u32>,
    name: String,
    release: RawRelease,
    #[serde(default)]
    criterion: Vec<Spanned<RawCriterion>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRelease {
    manager_after_days: Spanned<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawCriterion {
    id: String,
    title: String,
    weight: f64,
    measure: Measure,
    steps: Option<Vec<f64>>,
    anchors: Option<Vec<String>>,
    pass_at_least: Option<f64>,
    pass_at_most: Option<f64>,
    pass: Option<String>,
    fail: Option<String>,
}

impl Rubric {
    /// The rubric that comes with the program.
    ///
    /// # Panics
    /// Never: a test reads it.
    #[must_use]
    pub fn built_in() -> Self {
        Self::parse(BUILT_IN.0, BUILT_IN.1).expect("the rubric that comes with the program is right")
    }

    /// Reads a file, given as its name (to print in problems) and its text.
    ///
    /// # Errors
    /// Everything that is wrong, with file, line and what to write instead.
    pub fn parse(name: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let mut file = RuleFile::new(name, text);
        let read = file.read::<Raw>().map(|raw| rubric(&mut file, raw, text));
        let problems = file.problems();
        read.filter(|_| problems.is_empty()).ok_or(problems)
    }

    /// Its criteria, in the file's order.
    #[must_use]
    pub fn criteria(&self) -> &[Criterion] {
        &self.criteria
    }
}

fn rubric(file: &mut RuleFile<'_>, raw: Raw, text: &str) -> Rubric {
    if *raw.version.get_ref() != FILE_VERSION {
        file.error(
            &raw.version.span(),
            format!("this program reads version {FILE_VERSION}; write `version = {FILE_VERSION}`"),
        );
    }
    let n = raw.criterion.len();
    if !CRITERIA.contains(&n) {
        let (least, most) = (CRITERIA.start(), CRITERIA.end());
        file.error(
            &(0..0),
            format!("there are {n} criteria; write {least} to {most}, for a person can mend no more at once"),
        );
    }
    let sum: f64 = raw.criterion.iter().map(|c| c.get_ref().weight).sum();
    if n > 0 && (sum - 1.0).abs() > SUM_SLACK || !sum.is_finite() {
        let last = raw.criterion.last().map_or(0..0, Spanned::span);
        file.error(&last, format!("the weights sum to {sum:.3}; change them so that they sum to 1"));
    }
    let mut criteria: Vec<Criterion> = Vec::new();
    for c in raw.criterion {
        let (at, c) = (c.span(), c.into_inner());
        if c.id.trim().is_empty() || c.title.trim().is_empty() {
            file.error(&at, "`id` or `title` is empty; write a name like `next-step` and a line for people");
        }
        if criteria.iter().any(|o| o.id == c.id) {
            file.error(&at, format!("`{}` is another criterion already; write each id once", c.id));
        }
        if !(c.weight > 0.0 && c.weight <= 1.0) {
            file.error(&at, "`weight` is this criterion's share; write a number above 0 and at most 1");
        }
        if let Some(scale) = scale(file, &at, &c) {
            let RawCriterion { id, title, weight, measure, .. } = c;
            criteria.push(Criterion { id, title, weight, measure, scale });
        }
    }
    let manager_after_days = *raw.release.manager_after_days.get_ref();
    if manager_after_days == 0 {
        file.error(&raw.release.manager_after_days.span(), "the seller sees a debrief first; write 1 day or more");
    }
    Rubric { name: raw.name, digest: Digest::of(text.as_bytes()), manager_after_days, criteria }
}

fn scale(file: &mut RuleFile<'_>, at: &std::ops::Range<usize>, c: &RawCriterion) -> Option<Scale> {
    let numbered = c.steps.is_some() || c.anchors.is_some();
    let passed = c.pass_at_least.is_some() || c.pass_at_most.is_some() || c.pass.is_some() || c.fail.is_some();
    if numbered == passed {
        file.error(at, "write either `steps` and `anchors`, or `pass_at_least` (or `pass_at_most`), `pass` and `fail`");
        return None;
    }
    let is_text = |text: &str| !text.trim().is_empty();
    if numbered {
        let steps: Option<[f64; 4]> = c.steps.as_deref().and_then(|s| s.try_into().ok());
        let ordered = |s: &[f64; 4]| s.windows(2).all(|w| w[0] < w[1]) || s.windows(2).all(|w| w[0] > w[1]);
        let steps = steps.filter(|s| ordered(s) && s.iter().all(|n| n.is_finite()));
        if steps.is_none() {
            file.error(at, "`steps` are the numbers for the scores 2, 3, 4 and 5; write four, each larger (or each smaller) than the one before");
        }
        let anchors: Option<[String; 5]> = c.anchors.clone().and_then(|a| a.try_into().ok());
        let anchors = anchors.filter(|a| a.iter().all(|t| is_text(t)));
        if anchors.is_none() {
            file.error(at, "`anchors` say what the scores 1 to 5 stand for; write five sentences");
        }
        return Some(Scale::Anchors { steps: steps?, anchors: anchors? });
    }
    let number = match (c.pass_at_least, c.pass_at_most) {
        (Some(n), None) => Some((n, false)),
        (None, Some(n)) => Some((n, true)),
        _ => None,
    };
    let number = number.filter(|(n, _)| n.is_finite());
    if number.is_none() {
        file.error(at, "write one of `pass_at_least` and `pass_at_most`, with the number that passes");
    }
    let words = c.pass.clone().zip(c.fail.clone()).filter(|(pass, fail)| is_text(pass) && is_text(fail));
    if words.is_none() {
        file.error(at, "`pass` and `fail` say what the two stand for; write a sentence for each");
    }
    let ((at, at_most), (pass, fail)) = number.zip(words)?;
    Some(Scale::PassFail { at, at_most, pass, fail })
}

impl Scale {
    /// The score of a number, 1 to 5, and the words for it.
    #[must_use]
    pub fn score(&self, value: f64) -> (u8, &str) {
        match self {
            Self::Anchors { steps, anchors } => {
                let less = steps[0] > steps[3];
                let taken = steps.iter().filter(|s| if less { value <= **s } else { value >= **s }).count();
                // At most four steps are taken.
                (1 + taken as u8, &anchors[taken])
            }
            Self::PassFail { at, at_most, pass, fail } => {
                let passes = if *at_most { value <= *at } else { value >= *at };
                if passes { (5, pass) } else { (1, fail) }
            }
        }
    }

    /// Whether it is only passed or failed.
    #[must_use]
    pub const fn is_pass_fail(&self) -> bool {
        matches!(self, Self::PassFail { .. })
    }
}
