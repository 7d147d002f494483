//! Whether what is cited is there: every quote word for word where it says, every field as it was read.

use reframe_call::event::Event;

use crate::{
    artifact::{Claim, Evidence},
    handoff::CallTranscript,
    system::Record,
};

/// What evidence is checked against.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sources<'a> {
    /// Calls whose words may be cited.
    pub calls: &'a [CallTranscript],
    /// Events that may be cited, with their calls' names.
    pub events: &'a [(String, Vec<Event>)],
    /// Records as they were read when the claim was made.
    pub records: &'a [Record],
    /// What was published or received: our name of each item, and its text.
    pub items: &'a [(String, String)],
}

/// A citation that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{claim}\": {problem}")]
pub struct Broken {
    /// The claim, shortened.
    pub claim: String,
    /// What is wrong with its evidence.
    pub problem: String,
}

/// Checks every citation of `claim`.
#[must_use]
pub fn check(claim: &Claim, sources: Sources<'_>) -> Vec<Broken> {
    let problems = claim.evidence().iter().filter_map(|e| holds(e, sources).err());
    let short: String = claim.text().chars().take(80).collect();
    problems.map(|problem| Broken { claim: short.clone(), problem }).collect()
}

/// Checks every citation of every claim.
#[must_use]
pub fn check_all(claims: &[&Claim], sources: Sources<'_>) -> Vec<Broken> {
    claims.iter().flat_map(|claim| check(claim, sources)).collect()
}

fn holds(evidence: &Evidence, sources: Sources<'_>) -> Result<(), String> {
    match evidence {
        Evidence::Words { call, utterance, from_ms, to_ms, quote } => {
            let transcript =
                sources.calls.iter().find(|c| c.call == *call).ok_or(format!("there is no call `{call}`"))?;
            let turn = transcript.turns.iter().find(|t| t.utterance == *utterance);
            let turn = turn.ok_or(format!("call `{call}` has no utterance {utterance}"))?;
            let from = turn.words.iter().position(|w| w.from_ms == *from_ms);
            let from = from.ok_or(format!("no word of utterance {utterance} begins at {from_ms} ms"))?;
            let n = quote.split(' ').count();
            let words =
                turn.words.get(from..from + n).ok_or(format!("the quote is longer than utterance {utterance}"))?;
            let said = words.iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join(" ");
            if said != *quote {
                return Err(format!("at {from_ms} ms was said \"{said}\", not \"{quote}\""));
            }
            let end = words[n - 1].to_ms;
            if end == *to_ms { Ok(()) } else { Err(format!("the quote ends at {end} ms, not {to_ms} ms")) }
        }
        Evidence::Event { call, seq } => {
            let log =
                sources.events.iter().find(|(name, _)| name == call).ok_or(format!("there is no log of `{call}`"))?;
            let there = log.1.iter().any(|e| e.seq == *seq);
            if there { Ok(()) } else { Err(format!("the log of `{call}` has no event {seq}")) }
        }
        Evidence::Field { record, field, value, .. } => {
            let known = sources.records.iter().find(|r| r.at == *record).ok_or(format!("{record} was never read"))?;
            let is = known.field(field);
            if is == value.as_deref() {
                return Ok(());
            }
            let shown = |v: Option<&str>| v.map_or("nothing".to_owned(), |v| format!("\"{v}\""));
            Err(format!("{record}: {field} reads {}, not {}", shown(is), shown(value.as_deref())))
        }
        Evidence::Source { item, quote, .. } => {
            let (_, text) =
                sources.items.iter().find(|(name, _)| name == item).ok_or(format!("there is no `{item}`"))?;
            let there = !quote.trim().is_empty() && text.contains(quote.as_str());
            if there { Ok(()) } else { Err(format!("`{item}` does not say \"{quote}\"")) }
        }
    }
}
