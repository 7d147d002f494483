//! What to ask: each question closes a gap that is named: an exit criterion without evidence, somebody who is spoken of and
//! not known, an objection left open, two statements that do not go together.

use std::collections::BTreeSet;

use jiff::Zoned;
use reframe_workflow::{
    artifact::{Claim, Evidence},
    handoff::{AimedQuestion, CallTranscript, Handling, Meeting, NoteProposal},
    hygiene::{DealView, History, Rules, effective_stage, review},
    system::Record,
};

use crate::{
    contradiction::Contradiction,
    wording::{content, plain_words, spoken},
};

/// What is missing, under a name that stays the same until it is closed.
#[derive(Clone, Debug, PartialEq)]
pub struct Gap {
    /// `exit/decision_process`, `missing/amount`, `contact/economic_buyer`, `stakeholder/dana`, `invited/x@y.example`,
    /// `objection/price`, `contradiction/budget`.
    pub id: String,
    /// What shows it.
    pub evidence: Vec<Evidence>,
    /// How sure it is that it is one, 0 to 1.
    pub confidence: f32,
    /// Higher is asked first.
    pub weight: u32,
    /// The question.
    pub question: String,
}

/// What gaps are looked for in. Everything may be empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known<'a> {
    /// The deal under review, as for the nightly one.
    pub deal: Option<&'a DealView>,
    /// Rules of its stages.
    pub rules: Option<&'a Rules>,
    /// The meeting.
    pub meeting: Option<&'a Meeting>,
    /// Contacts of the deal.
    pub contacts: &'a [Record],
    /// Notes of its calls, in order of time.
    pub notes: &'a [NoteProposal],
    /// Contradictions in its calls.
    pub contradictions: &'a [Contradiction],
}

/// Weights of kinds of gaps: what keeps the deal in its stage first, then what cannot be both, then people.
const EXIT: u32 = 100;
const CONTRADICTION: u32 = 90;
const ROLE: u32 = 80;
const STAKEHOLDER: u32 = 70;
const OBJECTION: u32 = 65;
const FIELD: u32 = 50;
const INVITED: u32 = 40;

/// Subjects of a missing thing, by words in which the rules name it, and the question that brings it out.
const ASKS: [(&str, &str, &str); 18] = [
    ("need", "need", "What made you look at this now, and what does it cost you if nothing changes?"),
    ("authority", "authority", "Who besides you has to say yes, and who signs in the end?"),
    ("economic buyer", "economic_buyer", "Whose budget does this come out of, and what do they need to see?"),
    ("timeline", "timeline", "By when does this have to be running, and what hangs on that day?"),
    ("close date", "close_date", "When would you want the paperwork done, counting back from the day you go live?"),
    ("decision criteria", "decision_criteria", "When you compare the options, which three things decide?"),
    (
        "decision process",
        "decision_process",
        "What happens between a yes from you and a signature: which steps, who, how long?",
    ),
    ("budget", "budget", "Is money set aside for this, and how much of it may go here?"),
    ("amount", "amount", "How many people would use it in the first year?"),
    ("contacts", "contacts", "Who else works with this every day, and could they join next time?"),
    ("champion", "champion", "Who on your side loses most if this does not happen?"),
    ("legal", "legal", "Who looks at the contract on your side, and may we send it to them now?"),
    ("procurement", "procurement", "Does purchasing come in, and what do they ask of a new vendor?"),
    ("technical", "technical_buyer", "Who checks the technical side, and what do they look at first?"),
    ("executive sponsor", "executive_sponsor", "Who in the leadership has this on their list for the year?"),
    ("competitor", "competitor", "Who else are you looking at, and what do you like about them?"),
    ("next step", "next_step", "What is the next thing we do together, and on which day?"),
    ("objection", "objection", "What would have to be true for you to be at ease with that?"),
];

/// The subject of what is missing, and its question.
fn asks(missing: &str) -> Vec<(&'static str, &'static str)> {
    let words = format!(" {} ", plain_words(&spoken(missing)).join(" "));
    let found = ASKS.iter().filter(|(cue, ..)| words.contains(&format!(" {cue} ")));
    found.map(|(_, id, question)| (*id, *question)).collect()
}

/// Every gap, the weightiest first; of equals by name. The same gap under two kinds is listed once.
#[must_use]
pub fn gaps(known: Known<'_>, now: &Zoned) -> Vec<Gap> {
    let mut out: Vec<Gap> = Vec::new();
    if let Some((view, rules)) = known.deal.zip(known.rules) {
        exits(view, rules, now, &mut out);
        findings(view, rules, now, &mut out);
    }
    for c in known.contradictions {
        out.push(Gap {
            id: format!("contradiction/{}", c.slot.as_str()),
            evidence: c.claim.evidence().to_vec(),
            confidence: c.claim.confidence(),
            weight: CONTRADICTION,
            question: format!(
                "We have noted two things about {}: {} and {}. Which one holds now?",
                c.slot.spoken(),
                c.first_value,
                c.second_value
            ),
        });
    }
    strangers(known, &mut out);
    open_objections(known.notes, &mut out);
    out.sort_by(|a, b| b.weight.cmp(&a.weight).then(a.id.cmp(&b.id)));
    let mut seen = BTreeSet::new();
    let mut asked = BTreeSet::new();
    out.retain(|g| seen.insert(g.id.clone()) && asked.insert(g.question.clone()));
    out
}

/// What keeps the deal from leaving its stage.
fn exits(view: &DealView, rules: &Rules, now: &Zoned, out: &mut Vec<Gap>) {
    let Some(stage) = effective_stage(view, rules, now) else { return };
    for (n, missing) in (0_u32..).zip(&stage.missing) {
        // "Evidence of authority from a call or contact who is economic buyer": one question closes either.
        let Some((id, question)) = asks(missing).into_iter().next() else { continue };
        out.push(Gap {
            id: format!("exit/{id}"),
            evidence: vec![view.cite_deal("stage")],
            confidence: 0.9,
            weight: EXIT.saturating_sub(n),
            question: question.to_owned(),
        });
    }
}

/// Empty fields, roles nobody has, criteria that say nothing: what the nightly review finds and a question can close.
fn findings(view: &DealView, rules: &Rules, now: &Zoned, out: &mut Vec<Gap>) {
    for finding in review(std::slice::from_ref(view), &History::default(), rules, now) {
        let (kind, subject) = finding.rule.split_once('/').unwrap_or((&finding.rule, ""));
        let weight = match kind {
            "contact" => ROLE,
            "missing" | "decision-criteria" | "next-step" => FIELD,
            _ => continue,
        };
        let words = if kind == "decision-criteria" {
            "decision criteria".to_owned()
        } else {
            subject.replace("too-few", "contacts")
        };
        let words = if kind == "next-step" { "next step".to_owned() } else { words };
        let Some((_, question)) = asks(&words).into_iter().next() else { continue };
        out.push(Gap {
            id: finding.rule.clone(),
            evidence: finding.what.evidence().to_vec(),
            confidence: finding.what.confidence(),
            weight,
            question: question.to_owned(),
        });
    }
}

/// People who are spoken of or invited, and in no record.
fn strangers(known: Known<'_>, out: &mut Vec<Gap>) {
    let names: Vec<String> = known.contacts.iter().filter_map(|c| c.field("name")).map(str::to_lowercase).collect();
    for claim in known.notes.iter().flat_map(|n| &n.absent) {
        let name = claim.text().split(" (").next().unwrap_or_default().trim();
        let unsure = claim.text().starts_with('[');
        let known_name =
            names.iter().any(|n| n.split_whitespace().any(|part| plain_words(name).iter().any(|w| w == part)));
        if name.is_empty() || unsure || known_name {
            continue;
        }
        out.push(Gap {
            id: format!("stakeholder/{}", plain_words(name).join("_")),
            evidence: claim.evidence().to_vec(),
            confidence: claim.confidence(),
            weight: STAKEHOLDER,
            question: format!("You spoke of {name}: what part do they have in this, and when could we talk to them?"),
        });
    }
    let Some(meeting) = known.meeting else { return };
    let ours = meeting.organizer.as_deref().and_then(domain);
    for address in &meeting.invited {
        let in_record =
            known.contacts.iter().any(|c| c.field("email").is_some_and(|e| e.eq_ignore_ascii_case(address)));
        if in_record || domain(address) == ours && ours.is_some() {
            continue;
        }
        out.push(Gap {
            id: format!("invited/{address}"),
            evidence: vec![crate::brief::cite_meeting(meeting, address)],
            confidence: 1.0,
            weight: INVITED,
            question: format!("{address} is new here: what do they do, and what do they want from today?"),
        });
    }
}

fn domain(address: &str) -> Option<&str> {
    address.rsplit_once('@').map(|(_, domain)| domain)
}

/// Objections that were not handled the last time their class came up.
fn open_objections(notes: &[NoteProposal], out: &mut Vec<Gap>) {
    let mut last = std::collections::BTreeMap::new();
    for objection in notes.iter().flat_map(|n| &n.objections) {
        last.insert(objection.label.as_str(), objection);
    }
    for (label, objection) in last.into_iter().filter(|(_, o)| o.handling != Handling::Handled) {
        out.push(Gap {
            id: format!("objection/{label}"),
            evidence: objection.raised.evidence().to_vec(),
            confidence: objection.raised.confidence(),
            weight: OBJECTION,
            question: format!("Last time {} was left open: what would put you at ease there?", spoken(label)),
        });
    }
}

/// Questions for gaps, the most useful first: those that our side has asked in an earlier call already come after the
/// others.
#[must_use]
pub fn aimed(gaps: &[Gap], calls: &[CallTranscript]) -> Vec<AimedQuestion> {
    let asked: Vec<BTreeSet<String>> = calls
        .iter()
        .flat_map(|call| {
            let ours = call.turns.iter().filter(|t| call.side(t) == reframe_call::audio::Party::Rep);
            ours.map(|t| content(&t.words.iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join(" ")))
        })
        .collect();
    let was_asked = |gap: &Gap| {
        let own = content(&gap.question);
        // Most of the question in one turn: the same words, so surely the same question.
        own.len() >= 3 && asked.iter().any(|turn| 3 * own.intersection(turn).count() >= 2 * own.len())
    };
    let (again, first): (Vec<&Gap>, Vec<&Gap>) = gaps.iter().partition(|g| was_asked(g));
    let of = |gap: &Gap| {
        let ask = Claim::new(gap.question.clone(), gap.evidence.clone(), gap.confidence).ok()?;
        Some(AimedQuestion { gap: gap.id.clone(), ask })
    };
    first.into_iter().chain(again).filter_map(of).collect()
}
