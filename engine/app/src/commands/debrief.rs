//! `reframe debrief`: how a call was led, in the terminal, for those who may see it.

use std::io::Write;

use anyhow::{Context, bail};
use reframe_consent::Person;
use reframe_serve::review::OpenDebrief;
use reframe_store::CallId;
use reframe_workflow::artifact::Evidence;

use super::run::Place;
use crate::{exit::Exit, server::admission::now_unix_ms};

/// Show how a call was led: scores with the words they rest on, what was counted, trends over the seller's calls
///
/// The seller of the call sees it first; their manager (`workflow.managers`) once it is released, or after
/// `workflow.manager_after_days`. Who asks without being allowed to stands in the audit log.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Name of the call
    call: String,
    /// Who looks: the seller's name or e-mail address, as the call has it
    #[arg(long = "as", value_name = "NAME")]
    by: String,
    /// Open it to the manager now; only its seller can
    #[arg(long)]
    release: bool,
    #[command(flatten)]
    place: Place,
}

/// Runs it.
///
/// # Errors
/// If there is no such debrief, or it is not theirs to see.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let office = args.place.office()?;
    let call = CallId::new(&args.call).with_context(|| format!("`{}` names no call", args.call))?;
    let by = Person::new(&args.by).context("--as names nobody")?;
    let none = || format!("there is no debrief of call {call}; it is made when the call is written up");
    if args.release {
        office.release_debrief(&call, &by, now_unix_ms())?.with_context(none)??;
    }
    let open = match office.debrief(&call, &by)?.with_context(none)? {
        Ok(open) => open,
        Err(says) => bail!("{says}"),
    };
    show(&open, &mut std::io::stdout())?;
    Ok(Exit::Success)
}

fn show(open: &OpenDebrief, out: &mut impl Write) -> anyhow::Result<()> {
    let debrief = &open.debrief;
    let mean = debrief.mean.map_or("not judged".to_owned(), |mean| format!("{mean:.1} of 5"));
    writeln!(out, "{}: {mean}, by {:.0} % of the rubric", debrief.call, debrief.judged_share * 100.0)?;
    let m = &debrief.measures;
    let share = m.rep_talk_share.map_or("nobody was heard".to_owned(), |share| format!("{:.0} %", share * 100.0));
    writeln!(out, "  seller spoke       {share}")?;
    writeln!(out, "  longest monologue  {}", clock(m.longest_monologue_ms))?;
    let before = if m.first_pitch.is_some() {
        format!(", {} before the pitch", m.questions_before_pitch)
    } else {
        String::new()
    };
    writeln!(out, "  questions          {}{before}", m.questions.len())?;
    let next = m
        .next_step_day
        .as_ref()
        .map_or("none with a day".to_owned(), |(day, claim)| format!("{day}: {}", claim.text()));
    writeln!(out, "  next step          {next}")?;
    let criteria = if m.criteria.is_empty() { "none named".to_owned() } else { format!("{} named", m.criteria.len()) };
    writeln!(out, "  decision criteria  {criteria}")?;
    m.criteria.iter().try_for_each(|evidence| quote(evidence, out))?;
    for score in &debrief.scores {
        let result = match score.passed {
            Some(true) => "yes".to_owned(),
            Some(false) => "no".to_owned(),
            None => format!("{} of 5", score.score),
        };
        writeln!(out, "\n{}: {result} (weight {:.0} %)", score.title, score.weight * 100.0)?;
        writeln!(out, "  {}\n  {}", score.anchor, score.because.text())?;
        score.because.evidence().iter().try_for_each(|evidence| quote(evidence, out))?;
        if let Some(trend) = open.trends.iter().find(|t| t.criterion == score.criterion && t.n > 1) {
            writeln!(out, "  trend: {}; mean {:.1} over {} calls", trend.says, trend.mean, trend.n)?;
        }
    }
    for left in &debrief.not_judged {
        writeln!(out, "\n{}: not judged, {}", left.criterion, left.why)?;
    }
    let at = |ms: i64| {
        jiff::Timestamp::from_millisecond(ms).map_or_else(|_| ms.to_string(), |at| at.strftime("%Y-%m-%d").to_string())
    };
    match open.released_unix_ms {
        Some(ms) => writeln!(out, "\nopen to the manager since {}", at(ms))?,
        None => writeln!(out, "\nit opens to the manager on {}, or with --release", at(open.opens_unix_ms))?,
    }
    Ok(())
}

fn quote(evidence: &Evidence, out: &mut impl Write) -> anyhow::Result<()> {
    if let Evidence::Words { from_ms, quote, .. } = evidence {
        writeln!(out, "    {} \"{quote}\"", clock(*from_ms))?;
    }
    Ok(())
}

/// Minutes and seconds.
fn clock(ms: u64) -> String {
    format!("{:02}:{:02}", ms / 60_000, ms / 1_000 % 60)
}
