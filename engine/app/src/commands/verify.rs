//! `reframe verify`: every citation of notes, briefs, cards and messages, word for word.

use std::io::Write;

use anyhow::Context;
use reframe_store::CallId;
use reframe_workflow::{
    handoff::NoteProposal,
    outbox::{Inbox as _, Which},
    verify::{Broken, check_all},
};

use super::run::Place;
use crate::{
    exit::Exit,
    workflow::{BRIEFS, Held, Office},
};

/// Proposals looked at for the notes they come from.
const MOST: usize = 100_000;

/// Check that every line of notes, briefs, cards and messages is backed by what it cites
///
/// Holds each citation against the event log, the calendar's entries, mails, news and facts: the words must stand there exactly.
/// Fields of records and lines of cards are compared with what they read now; they change, so another value is counted and no
/// fault. Exit code 1 if a citation does not hold.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only the notes of these calls
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
    let proposals = office.store().proposals(&Which::default(), MOST)?;
    let mut notes = std::collections::BTreeMap::new();
    for listed in &proposals {
        let from = &listed.proposal.from;
        if from.kind() == "note_proposal" && !notes.contains_key(from) {
            let kept = office.store().artifact(from)?.with_context(|| format!("{from} is not in the store"))?;
            // A tombstone says nothing, and so nothing wrong.
            if let Ok(note) = serde_json::from_value::<NoteProposal>(kept.artifact.body) {
                notes.insert(from.clone(), note);
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
        let (n, before) = office.check_before_calls(&proposals)?;
        broken += told("cards, messages and answers", n, &before, &mut out)?;
        let (n, briefs) = office.check_briefs(&proposals)?;
        let what = if n == BRIEFS { "of the latest briefs" } else { "briefs" };
        broken += told(what, n, &briefs, &mut out)?;
    }
    Ok(if broken == 0 { Exit::Success } else { Exit::Failure })
}

/// Prints what the citations of so many things came to, if there are any; gives how many do not hold.
fn told(what: &str, n: usize, held: &Held, out: &mut impl Write) -> anyhow::Result<usize> {
    let Held { cited, broken, otherwise, unasked } = held;
    if n == 0 {
        return Ok(0);
    }
    broken.iter().try_for_each(|problem| writeln!(out, "{problem}"))?;
    writeln!(out, "{n} {what}, {cited} citations, {} that do not hold", broken.len())?;
    if *otherwise > 0 {
        writeln!(
            out,
            "  {otherwise} fields of records or lines of cards read otherwise now than when they were cited"
        )?;
    }
    if *unasked > 0 {
        writeln!(
            out,
            "  {unasked} fields of records were not looked at: the CRM does not answer, or they are too many"
        )?;
    }
    Ok(broken.len())
}

fn one(office: &Office, note: &NoteProposal) -> anyhow::Result<(usize, Vec<Broken>)> {
    let heard = office.hear(&CallId::new(&note.call)?)?;
    let claims = note.claims();
    let cited = claims.iter().map(|c| c.evidence().len()).sum();
    Ok((cited, check_all(&claims, heard.sources())))
}
