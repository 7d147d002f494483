//! `reframe verify`: every citation of every note, word for word.

use std::io::Write;

use anyhow::Context;
use reframe_store::CallId;
use reframe_workflow::{
    handoff::NoteProposal,
    outbox::{Inbox as _, Which},
    verify::{Broken, check_all},
};

use super::run::Place;
use crate::{exit::Exit, workflow::Office};

/// Proposals looked at for the notes they come from.
const MOST: usize = 100_000;

/// Check that every line of every note is backed by the words it cites
///
/// Holds each citation against the event log: the words must stand there exactly, at that time. Exit code 1 if one does not
/// hold.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only these calls
    calls: Vec<String>,
    #[command(flatten)]
    place: Place,
}

/// Runs it.
///
/// # Errors
/// If the data cannot be read.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let office = args.place.office()?;
    let mut notes = std::collections::BTreeMap::new();
    for listed in office.store().proposals(&Which::default(), MOST)? {
        let from = listed.proposal.from;
        if from.kind() == "note_proposal" && !notes.contains_key(&from) {
            let kept = office.store().artifact(&from)?.with_context(|| format!("{from} is not in the store"))?;
            // A tombstone says nothing, and so nothing wrong.
            if let Ok(note) = serde_json::from_value::<NoteProposal>(kept.artifact.body) {
                notes.insert(from, note);
            }
        }
    }
    notes.retain(|_, note| args.calls.is_empty() || args.calls.contains(&note.call));
    let mut out = std::io::stdout();
    let (mut cited, mut broken) = (0, 0);
    for (id, note) in &notes {
        let (n, problems) = one(&office, note)?;
        cited += n;
        broken += problems.len();
        for problem in problems {
            writeln!(out, "{id}: {problem}")?;
        }
    }
    writeln!(out, "{} notes, {cited} citations, {broken} that do not hold", notes.len())?;
    if args.calls.is_empty() {
        let (n, cited, problems) = office.check_before_calls()?;
        problems.iter().try_for_each(|problem| writeln!(out, "{problem}"))?;
        if n > 0 {
            writeln!(out, "{n} cards, messages and answers, {cited} citations, {} that do not hold", problems.len())?;
        }
        broken += problems.len();
    }
    Ok(if broken == 0 { Exit::Success } else { Exit::Failure })
}

fn one(office: &Office, note: &NoteProposal) -> anyhow::Result<(usize, Vec<Broken>)> {
    let heard = office.hear(&CallId::new(&note.call)?)?;
    let claims = note.claims();
    let cited = claims.iter().map(|c| c.evidence().len()).sum();
    Ok((cited, check_all(&claims, heard.sources())))
}
