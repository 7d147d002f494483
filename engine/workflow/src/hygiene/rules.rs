//! What a team holds of its stages and risks: `stages.toml` and `risks.toml`, read and checked.

use reframe_call::playbook::Problem;
use serde::Deserialize;
use toml::Spanned;

use super::{
    change::is_protected,
    finding::Level,
    predicate::Predicate,
    raw::{RawPredicate, Vocabulary, conditions},
    rule_file::{RuleFile, listed},
};

/// Version of both files this program reads.
const FILE_VERSION: u32 = 1;
/// The files that come with the program.
const STAGES: (&str, &str) =
    ("fixtures/workflow_rules/stages.toml", include_str!("../../../../fixtures/workflow_rules/stages.toml"));
const RISKS: (&str, &str) =
    ("fixtures/workflow_rules/risks.toml", include_str!("../../../../fixtures/workflow_rules/risks.toml"));

/// How a deal ends that comes into a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// It was won.
    Won,
    /// It was lost.
    Lost,
}

/// One stage.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// What stands in the deal's field.
    pub name: String,
    /// Other spellings of it.
    pub also: Vec<String>,
    /// Set if deals in it are over.
    pub end: Option<End>,
    /// Ready for the next stage when all of these hold.
    pub exit: Vec<Predicate>,
    /// Fields that must say something here.
    pub needs: Vec<String>,
    /// Roles of which a contact must be known here.
    pub roles: Vec<String>,
    /// Least number of contacts.
    pub contacts: usize,
    /// Must there be a next step with a day?
    pub next_step: bool,
    /// Must the buyer have said what decides?
    pub decision_criteria: bool,
    /// Longest silence of the buyer, in days, while there is too little history to measure it.
    pub silence_days: u32,
    /// Shortest way from here to the signature, in days, while there is too little history to measure it.
    pub fast_days: u32,
}

/// Numbers that hold for all stages.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Words of a call count from this confidence on, 0 to 1.
    pub min_confidence: f32,
    /// Fewer past deals than this are no history.
    pub history_at_least: usize,
    /// A silence is stale when this share of the deals that went on were never silent so long.
    pub stale_share: f32,
    /// A close date is too soon when this share of the won deals took longer from here.
    pub slower_share: f32,
    /// So many moves of the close date to a later day are too many.
    pub pushes: usize,
    /// Days that a task or a promise may be late before it is called lapsed.
    pub grace_days: u32,
    /// A deal is put back only if so many of its calls were heard: what was said in others cannot be missed.
    pub calls_to_put_back: usize,
    /// Words that say nothing about a next step or a criterion.
    pub vague: Vec<String>,
}

/// A risk of certain stages.
#[derive(Clone, Debug, PartialEq)]
pub struct RiskRule {
    /// Name: `no-executive-sponsor`.
    pub id: String,
    /// Stages it is a risk in; none: in all.
    pub stages: Vec<String>,
    /// It is there when all of these hold.
    pub when: Vec<Predicate>,
    /// How bad.
    pub level: Level,
    /// How sure that is, 0 to 1.
    pub confidence: f32,
    /// The sentence for it.
    pub says: String,
    /// What to do about it.
    pub task: String,
}

/// Both files, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    pub(super) stages: Vec<Stage>,
    pub(super) limits: Limits,
    pub(super) risks: Vec<RiskRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStages {
    version: Spanned<u32>,
    slots: Vec<String>,
    roles: Vec<String>,
    limits: Spanned<Limits>,
    stage: Vec<Spanned<RawStage>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStage {
    name: String,
    #[serde(default)]
    also: Vec<String>,
    end: Option<End>,
    #[serde(default)]
    exit: Vec<Spanned<RawPredicate>>,
    #[serde(default)]
    needs: Vec<String>,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    contacts: usize,
    #[serde(default)]
    next_step: bool,
    #[serde(default)]
    decision_criteria: bool,
    silence_days: Option<u32>,
    fast_days: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRisks {
    version: Spanned<u32>,
    #[serde(default)]
    risk: Vec<Spanned<RawRisk>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRisk {
    id: String,
    #[serde(default)]
    stages: Vec<String>,
    when: Vec<Spanned<RawPredicate>>,
    level: Level,
    confidence: f32,
    says: String,
    task: String,
}

impl Rules {
    /// The rules that come with the program.
    ///
    /// # Panics
    /// Never: a test reads them.
    #[must_use]
    pub fn built_in() -> Self {
        Self::parse(STAGES, RISKS).expect("the rules that come with the program are right")
    }

    /// Reads both files, each given as its name (to print in problems) and its text.
    ///
    /// # Errors
    /// Everything that is wrong, with file, line and what to write instead.
    pub fn parse(stages: (&str, &str), risks: (&str, &str)) -> Result<Self, Vec<Problem>> {
        let mut file = RuleFile::new(stages.0, stages.1);
        let raw = file.read::<RawStages>();
        let read = raw.map(|raw| self::stages(&mut file, raw));
        let mut problems = file.problems();
        let mut file = RuleFile::new(risks.0, risks.1);
        let raw = file.read::<RawRisks>();
        let known = read.as_ref().map(|(names, stages, _)| (names, stages.as_slice()));
        let risks = raw.zip(known).map(|(raw, (names, stages))| self::risks(&mut file, raw, names, stages));
        problems.extend(file.problems());
        match (read, risks) {
            (Some((_, stages, limits)), Some(risks)) if problems.is_empty() => Ok(Self { stages, limits, risks }),
            _ => Err(problems),
        }
    }

    /// Its stages, in order; those that end a deal among them.
    #[must_use]
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// Its risks.
    #[must_use]
    pub fn risks(&self) -> &[RiskRule] {
        &self.risks
    }

    /// Its numbers.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Number of the stage that a field's text means.
    #[must_use]
    pub fn stage_index(&self, text: &str) -> Option<usize> {
        let same = |name: &String| name.eq_ignore_ascii_case(text.trim());
        self.stages.iter().position(|s| same(&s.name) || s.also.iter().any(same))
    }

    /// The stage that a field's text means.
    #[must_use]
    pub fn stage(&self, text: &str) -> Option<&Stage> {
        self.stage_index(text).map(|i| &self.stages[i])
    }
}

fn version(file: &mut RuleFile<'_>, version: &Spanned<u32>) {
    if *version.get_ref() != FILE_VERSION {
        file.error(
            &version.span(),
            format!("this program reads version {FILE_VERSION}; write `version = {FILE_VERSION}`"),
        );
    }
}

fn stages(file: &mut RuleFile<'_>, raw: RawStages) -> (Vocabulary, Vec<Stage>, Limits) {
    version(file, &raw.version);
    let names = Vocabulary { slots: raw.slots, roles: raw.roles };
    let limits_at = raw.limits.span();
    let limits = raw.limits.into_inner();
    for (name, share) in [
        ("min_confidence", limits.min_confidence),
        ("stale_share", limits.stale_share),
        ("slower_share", limits.slower_share),
    ] {
        if !(0.0..=1.0).contains(&share) {
            file.error(&limits_at, format!("`{name}` is a share; write a number from 0.0 to 1.0"));
        }
    }
    if limits.pushes == 0 || limits.history_at_least == 0 {
        file.error(&limits_at, "`pushes` and `history_at_least` count things; write 1 or more");
    }
    let mut out: Vec<Stage> = Vec::new();
    for stage in &raw.stage {
        let stage = self::stage(file, stage, &names, &out);
        out.push(stage);
    }
    if !out.iter().any(|s| s.end.is_none()) {
        file.error(&(0..0), "there is no stage in which a deal is open; write at least one `[[stage]]` without `end`");
    }
    (names, out, limits)
}

fn stage(file: &mut RuleFile<'_>, raw: &Spanned<RawStage>, names: &Vocabulary, before: &[Stage]) -> Stage {
    let (at, s) = (raw.span(), raw.get_ref());
    for name in std::iter::once(&s.name).chain(&s.also) {
        if name.trim().is_empty() {
            file.error(&at, "a stage has an empty name; write what stands in the deal's field");
        }
        if before
            .iter()
            .any(|b| b.name.eq_ignore_ascii_case(name) || b.also.iter().any(|a| a.eq_ignore_ascii_case(name)))
        {
            file.error(&at, format!("`{name}` is another stage already; write each name once"));
        }
    }
    for role in &s.roles {
        Vocabulary::check(file, &at, "role", role, &names.roles);
    }
    for field in s.needs.iter().filter(|f| is_protected(f)) {
        file.error(
            &at,
            format!("`{field}` belongs to the seller alone, and no rule asks for it; take it out of `needs`"),
        );
    }
    if s.end.is_some() && !(s.exit.is_empty() && s.needs.is_empty() && s.roles.is_empty()) {
        file.error(
            &at,
            "a deal in a stage with `end` is over, and nothing is asked of it; leave out `exit`, `needs` and `roles`",
        );
    }
    if s.end.is_none() {
        if before.iter().any(|b| b.end.is_some()) {
            file.error(
                &at,
                "an open stage stands after one with `end`; write the stages in the order of a deal, ends last",
            );
        }
        for (key, value) in [("silence_days", s.silence_days), ("fast_days", s.fast_days)] {
            if value.is_none() {
                file.error(&at, format!("`{key}` is missing; write the number to use until there is enough history"));
            }
        }
    }
    Stage {
        name: s.name.clone(),
        also: s.also.clone(),
        end: s.end,
        exit: conditions(file, &s.exit, names),
        needs: s.needs.clone(),
        roles: s.roles.clone(),
        contacts: s.contacts,
        next_step: s.next_step,
        decision_criteria: s.decision_criteria,
        silence_days: s.silence_days.unwrap_or_default(),
        fast_days: s.fast_days.unwrap_or_default(),
    }
}

fn risks(file: &mut RuleFile<'_>, raw: RawRisks, names: &Vocabulary, stages: &[Stage]) -> Vec<RiskRule> {
    version(file, &raw.version);
    let mut out: Vec<RiskRule> = Vec::new();
    for risk in raw.risk {
        let (at, r) = (risk.span(), risk.into_inner());
        if out.iter().any(|o| o.id == r.id) {
            file.error(&at, format!("`{}` is another risk already; write each id once", r.id));
        }
        if r.id.is_empty() || !r.id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
            file.error(
                &at,
                "an id is made of the letters a-z, digits and hyphens; write one like `no-executive-sponsor`",
            );
        }
        for name in &r.stages {
            if !stages.iter().any(|s| s.name == *name && s.end.is_none()) {
                let known = listed(stages.iter().filter(|s| s.end.is_none()).map(|s| s.name.as_str()));
                file.error(&at, format!("there is no open stage `{name}`; write one of {known}"));
            }
        }
        if r.when.is_empty() {
            file.error(&at, "`when` is empty, so every deal would run this risk; write at least one condition");
        }
        if r.says.trim().is_empty() || r.task.trim().is_empty() {
            file.error(&at, "`says` or `task` is empty; write one sentence for what is wrong and one for what to do");
        }
        if !(0.0..=1.0).contains(&r.confidence) {
            file.error(&at, "`confidence` is a share; write a number from 0.0 to 1.0");
        }
        out.push(RiskRule {
            when: conditions(file, &r.when, names),
            id: r.id,
            stages: r.stages,
            level: r.level,
            confidence: r.confidence,
            says: r.says,
            task: r.task,
        });
    }
    out
}
