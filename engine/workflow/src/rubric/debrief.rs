//! From what was counted to scores with the words they rest on.

use reframe_call::audio::Party;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    file::{Criterion, Measure, Rubric},
    measure::Measures,
    spoken::Spoken,
};
use crate::{
    artifact::{Claim, Digest, Evidence},
    handoff::{CallTranscript, NoteProposal},
};

/// A shorter call shows nothing of how it was led, in ms.
const SHORTEST_MS: u64 = 60_000;
/// With more of the sound missing than this share, what was not heard may still have been said.
const MISSING_SHARE: f64 = 0.2;
/// A word heard with less confidence is as often wrong as right.
const BADLY_HEARD: f32 = 0.5;
/// With more of the words heard badly than this share, what was not heard may still have been said.
const BADLY_HEARD_SHARE: f64 = 0.4;
/// How sure a score is that rests on phrases and counts; set by judgement, not measured.
const CONFIDENCE: f32 = 0.7;

/// One criterion's score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// Id of the criterion.
    pub criterion: String,
    /// Its title.
    pub title: String,
    /// Its share of the rubric, 0 to 1.
    pub weight: f64,
    /// 1 to 5.
    pub score: u8,
    /// Of a criterion that is only passed or failed: which.
    pub passed: Option<bool>,
    /// What the score stands for, in the rubric's words.
    pub anchor: String,
    /// What was counted, and the words for it.
    pub because: Claim,
}

/// A criterion that could not be judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NotJudged {
    /// Id of the criterion.
    pub criterion: String,
    /// Its share of the rubric, 0 to 1.
    pub weight: f64,
    /// Why, for the seller.
    pub why: String,
}

/// How one call was led.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Debrief {
    /// Name of the call.
    pub call: String,
    /// Name of the rubric.
    pub rubric: String,
    /// Digest of its text: scores under different texts are not compared.
    pub rubric_digest: Digest,
    /// What was judged, in the rubric's order.
    pub scores: Vec<Score>,
    /// What could not be.
    pub not_judged: Vec<NotJudged>,
    /// Weighted mean of the scores, 1 to 5; nothing if there is none.
    pub mean: Option<f64>,
    /// Share of the rubric, by weight, that the mean rests on.
    pub judged_share: f64,
    /// What was counted.
    pub measures: Measures,
}

/// A number, a sentence for it and its words.
struct Reading {
    value: f64,
    says: String,
    evidence: Vec<Evidence>,
    /// Whether it would be higher or lower if more had been heard.
    needs_all: bool,
}

/// Measures a call against a rubric.
#[must_use]
pub fn debrief(call: &CallTranscript, note: &NoteProposal, rubric: &Rubric) -> Debrief {
    let measures = Measures::of(call, note);
    let spoken = Spoken::of(call);
    let unheard = unheard(call);
    let (mut scores, mut not_judged) = (Vec::new(), Vec::new());
    for criterion in rubric.criteria() {
        let judged = unjudgeable(&spoken, measures.length_ms).map_or_else(
            || {
                let reading = read(criterion.measure, &measures, &spoken);
                match &unheard {
                    Some(why) if reading.needs_all => Err(why.clone()),
                    _ => score(criterion, reading),
                }
            },
            Err,
        );
        match judged {
            Ok(score) => scores.push(score),
            Err(why) => not_judged.push(NotJudged { criterion: criterion.id.clone(), weight: criterion.weight, why }),
        }
    }
    let judged_share: f64 = scores.iter().map(|s| s.weight).sum();
    let sum: f64 = scores.iter().map(|s| s.weight * f64::from(s.score)).sum();
    Debrief {
        call: call.call.clone(),
        rubric: rubric.name.clone(),
        rubric_digest: rubric.digest.clone(),
        mean: (judged_share > 0.0).then(|| sum / judged_share),
        scores,
        not_judged,
        judged_share,
        measures,
    }
}

/// Why nothing about the call can be judged.
fn unjudgeable(spoken: &Spoken<'_>, length_ms: u64) -> Option<String> {
    for (side, name) in [(Party::Rep, "our side"), (Party::Buyer, "the buyer's side")] {
        if spoken.turns(side).next().is_none() {
            return Some(format!("nothing was heard of {name}"));
        }
    }
    (length_ms < SHORTEST_MS).then(|| format!("the call was shorter than {} seconds", SHORTEST_MS / 1_000))
}

/// Why what was not heard may still have been said.
fn unheard(call: &CallTranscript) -> Option<String> {
    let whole = call.length_ms().saturating_mul(call.participants.len() as u64).max(1);
    let missing = call.missing_ms as f64 / whole as f64;
    if missing > MISSING_SHARE {
        return Some(format!("{:.0} % of the sound is missing", missing * 100.0));
    }
    let words = call.turns.iter().flat_map(|t| &t.words);
    let (all, bad) = words.fold((0_u64, 0_u64), |(all, bad), w| (all + 1, bad + u64::from(w.confidence < BADLY_HEARD)));
    let share = bad as f64 / all.max(1) as f64;
    (share > BADLY_HEARD_SHARE).then(|| format!("{:.0} % of the words were heard badly", share * 100.0))
}

fn score(criterion: &Criterion, reading: Reading) -> Result<Score, String> {
    let (score, anchor) = criterion.scale.score(reading.value);
    let because = Claim::new(reading.says, reading.evidence, CONFIDENCE);
    Ok(Score {
        criterion: criterion.id.clone(),
        title: criterion.title.clone(),
        weight: criterion.weight,
        score,
        passed: criterion.scale.is_pass_fail().then_some(score == 5),
        anchor: anchor.to_owned(),
        because: because.map_err(|_| "no words of the call show it".to_owned())?,
    })
}

/// Reads a measure off the counts. Where nothing was found, the evidence is where it would have stood.
fn read(measure: Measure, m: &Measures, spoken: &Spoken<'_>) -> Reading {
    let first_of_rep = || spoken.turns(Party::Rep).next().and_then(|(turn, _)| spoken.beginning(turn));
    let most_of_buyer = || spoken.longest(Party::Buyer).and_then(|turn| spoken.beginning(turn));
    let last = || (0..spoken.call().turns.len()).rev().find_map(|turn| spoken.beginning(turn));
    let found = |all: Vec<Option<&Evidence>>| all.into_iter().flatten().cloned().collect::<Vec<_>>();
    let or = |mut list: Vec<Evidence>, instead: Option<Evidence>| {
        if list.is_empty() {
            list.extend(instead);
        }
        list
    };
    match measure {
        Measure::Agenda => Reading {
            value: f64::from(u8::from(m.agenda.is_some())),
            says: if m.agenda.is_some() {
                "The rep said what the call is for."
            } else {
                "The call began so, and nobody said what it is for."
            }
            .to_owned(),
            needs_all: m.agenda.is_none(),
            evidence: or(found(vec![m.agenda.as_ref()]), first_of_rep()),
        },
        Measure::AskedBeforePitching => {
            let n = m.questions_before_pitch;
            let says = match &m.first_pitch {
                Some(_) => format!("{n} questions came before the first pitch."),
                None => format!("{n} questions, and no pitch."),
            };
            let shown = m.questions.iter().take(n.min(3)).chain(m.first_pitch.as_ref()).cloned().collect();
            Reading { value: n as f64, says, needs_all: n == 0, evidence: or(shown, first_of_rep()) }
        }
        Measure::Pain => {
            let parts = [!m.pains.is_empty(), m.pains.len() > 1, m.pain_consequence.is_some(), m.pain_echo.is_some()];
            let says = if parts[0] {
                let yes = |b, text| if b { text } else { "" };
                format!(
                    "The buyer named a pain{}{}{}.",
                    yes(parts[1], ", more than once"),
                    yes(parts[2], ", with what it costs"),
                    yes(parts[3], ", and the rep took it up")
                )
            } else {
                "The buyer named no pain; here they said most.".to_owned()
            };
            let shown = found(vec![m.pains.first(), m.pains.get(1), m.pain_consequence.as_ref(), m.pain_echo.as_ref()]);
            points(parts, says, or(shown, most_of_buyer()))
        }
        Measure::DecisionCriteria => {
            let parts = [
                !m.criteria.is_empty(),
                m.criteria.len() > 1,
                m.criteria_asked.is_some(),
                m.decision_process.is_some(),
            ];
            let says = if parts.contains(&true) {
                format!("{} of four things are known about how they decide.", parts.iter().filter(|p| **p).count())
            } else {
                "Nothing was said about how or by what they decide; here the buyer said most.".to_owned()
            };
            let shown = found(vec![
                m.criteria.first(),
                m.criteria.get(1),
                m.criteria_asked.as_ref(),
                m.decision_process.as_ref(),
            ]);
            points(parts, says, or(shown, most_of_buyer()))
        }
        Measure::NextStep => {
            let (day, owes) = (m.next_step_day.as_ref(), m.buyer_owes.as_ref().or(m.buyer_day.as_ref()));
            let parts = [!m.agreed.is_empty(), day.is_some(), day.is_some() && owes.is_some(), m.buyer_day.is_some()];
            let says = match (m.agreed.first(), day) {
                (_, Some((day, what))) => format!("Agreed for {day}: {}", what.text()),
                (Some(what), None) => format!("Agreed, without a day: {}", what.text()),
                (None, None) => "Nothing was agreed; the call ended so.".to_owned(),
            };
            let claims = [m.agreed.first(), day.map(|(_, c)| c), owes, m.buyer_day.as_ref()];
            let mut shown: Vec<Evidence> = Vec::new();
            for evidence in claims.into_iter().flatten().flat_map(|c| c.evidence()) {
                if !shown.contains(evidence) {
                    shown.push(evidence.clone());
                }
            }
            points(parts, says, or(shown, last()))
        }
        Measure::TalkShare => {
            let percent = f64::from(m.rep_talk_share.unwrap_or_default() * 100.0).round();
            let says = format!("The rep had {percent:.0} % of the talk; the longest stretch begins so.");
            let shown = found(vec![m.longest_monologue.as_ref()]);
            Reading { value: percent, says, needs_all: true, evidence: shown }
        }
        Measure::Questions => {
            let rate = m.questions_in_ten_minutes();
            let says = format!("The rep asked {} questions, {rate:.1} in ten minutes.", m.questions.len());
            let shown = m.questions.iter().take(3).cloned().collect();
            Reading { value: rate, says, needs_all: true, evidence: or(shown, first_of_rep()) }
        }
        Measure::LongestMonologue => {
            let seconds = m.longest_monologue_ms.div_ceil(1_000);
            let says = format!("The rep's longest stretch took {seconds} seconds.");
            let shown = found(vec![m.longest_monologue.as_ref()]);
            Reading { value: seconds as f64, says, needs_all: true, evidence: shown }
        }
    }
}

/// As many points as parts are there.
fn points(parts: [bool; 4], says: String, evidence: Vec<Evidence>) -> Reading {
    let n = parts.iter().filter(|p| **p).count();
    Reading { value: n as f64, says, needs_all: n == 0, evidence }
}
