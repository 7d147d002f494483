//! `reframe run`: the stages between calls, by hand.

use std::{
    io::{IsTerminal as _, Write},
    path::PathBuf,
    sync::Arc,
};

use anyhow::Context;
use reframe_store::{CallId, CallState, EventLog as _};
use reframe_workflow::gate::Proposal;

use crate::{
    config::Config,
    exit::Exit,
    workflow::{Office, Prep},
};

/// Draft what there is to write down: after calls, or over all deals
///
/// What is drafted waits for a person (`reframe review`, or the review page of the server); nothing is written anywhere.
/// Harmless to repeat, and to break off.
#[derive(Debug, clap::Subcommand)]
pub enum RunCommand {
    /// Write up calls that are over: note, tasks, field changes, follow-up
    PostCall(PostCall),
    /// Look through all deals: stages without evidence, silence, wishful dates, missing people, lapsed promises
    Hygiene(Place),
    /// Take in the calendar and make the briefs that are due
    Prep(Place),
}

/// Where the data are.
#[derive(Debug, clap::Args)]
pub struct Place {
    /// Configuration file (default: reframe.toml in this folder, if there is one)
    #[arg(long, short, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Data folder, instead of data.dir
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
}

/// `reframe run post-call`.
#[derive(Debug, clap::Args)]
pub struct PostCall {
    /// Names of calls (default: those that were not written up yet)
    calls: Vec<String>,
    /// The deal's id in the CRM, instead of the one found by who was on the call
    #[arg(long, value_name = "ID", requires = "calls")]
    deal: Option<String>,
    #[command(flatten)]
    place: Place,
}

impl Place {
    /// The configuration, with the data folder that is meant.
    ///
    /// # Errors
    /// If it is wrong.
    pub fn settings(&self) -> anyhow::Result<Config> {
        let mut config = Config::load(self.config.as_deref())?;
        if let Some(data) = &self.data {
            config.data.dir.clone_from(data);
        }
        Ok(config)
    }

    /// Opens the office over the data folder.
    ///
    /// # Errors
    /// If the configuration is wrong, or the folder or a key is missing.
    pub fn office(&self) -> anyhow::Result<Arc<Office>> {
        let config = self.settings()?;
        crate::logging::start(&config.log)?;
        Ok(Arc::new(Office::at(&config)?))
    }
}

/// Runs it.
///
/// # Errors
/// If the data cannot be read, or a call is not there.
pub fn run(command: &RunCommand) -> anyhow::Result<Exit> {
    match command {
        RunCommand::PostCall(args) => post_call(args),
        RunCommand::Hygiene(place) => hygiene(&*place.office()?),
        RunCommand::Prep(place) => prep(&*place.office()?),
    }
}

fn post_call(args: &PostCall) -> anyhow::Result<Exit> {
    let office = args.place.office()?;
    let calls = if args.calls.is_empty() {
        office.due(true)?
    } else {
        let named = args.calls.iter().map(|name| CallId::new(name).with_context(|| format!("`{name}` names no call")));
        named.collect::<anyhow::Result<_>>()?
    };
    let mut out = std::io::stdout();
    if calls.is_empty() {
        let ended = office.store().calls(Some(CallState::Ended), 1)?;
        let what = if ended.is_empty() { "no call is over yet" } else { "every call that is over is written up" };
        writeln!(out, "{what}")?;
        return Ok(Exit::Success);
    }
    let mut exit = Exit::Success;
    for call in &calls {
        match office.post_call(call, args.deal.as_deref()) {
            Ok(done) => {
                writeln!(
                    out,
                    "{call}: {} proposals, {} of them new ({})",
                    done.proposals.len(),
                    done.new,
                    done.artifact
                )?;
                if let Some(headline) = &done.note.note.headline {
                    writeln!(out, "  {}", headline.text())?;
                }
                for caveat in done.without_deal.iter().chain(&done.note.caveats) {
                    writeln!(out, "  note: {caveat}")?;
                }
                done.proposals.iter().try_for_each(|p| writeln!(out, "  {}", line(p)))?;
                if let Some(basis) = &done.basis {
                    for (task, outcome) in office.redraft(basis)? {
                        match outcome {
                            Ok(()) => {
                                writeln!(out, "  {}: the model's text took the place of the rules'", task.as_str())?
                            }
                            Err(reason) => writeln!(out, "  {}: the rules' text stands ({reason})", task.as_str())?,
                        }
                    }
                }
                if done.without_deal.is_some() {
                    writeln!(out, "  name the deal: reframe run post-call {call} --deal ID")?;
                }
            }
            Err(error) => {
                exit = Exit::Failure;
                eprintln!("error: {call}: {error:#}");
            }
        }
    }
    writeln!(out, "review them: reframe review, or the review page of reframe serve")?;
    Ok(exit)
}

fn hygiene(office: &Office) -> anyhow::Result<Exit> {
    let mut shown = 0;
    let fancy = std::io::stderr().is_terminal();
    let night = office.night(&mut |done, total| {
        if fancy && total > 0 && done * 100 / total >= shown {
            eprint!("\r{done} of {total} deals");
            shown = done * 100 / total + 1;
        }
    })?;
    if fancy {
        eprintln!();
    }
    let mut out = std::io::stdout();
    for finding in &night.findings {
        writeln!(out, "{:?} {} {}: {}", finding.level, finding.deal, finding.rule, finding.what.text())?;
    }
    let (deals, found) = (night.deals, night.findings.len());
    writeln!(out, "{deals} deals, {found} findings, {} of them new in the inbox ({})", night.new, night.batch)?;
    if night.void > 0 {
        writeln!(out, "{} proposals were outrun by their records", night.void)?;
    }
    Ok(Exit::Success)
}

fn prep(office: &Office) -> anyhow::Result<Exit> {
    let mut out = std::io::stdout();
    let Some(done) = Prep::default().look(office)? else {
        writeln!(out, "no calendar is set up; set workflow.prep.calendar to an .ics file or a folder of them")?;
        return Ok(Exit::Failure);
    };
    writeln!(out, "{} meetings ahead, {} briefs made, {} dropped", done.ahead, done.made.len(), done.dropped.len())?;
    for due in &done.made {
        writeln!(out, "  {}: {:?}", due.event, due.why)?;
    }
    if done.problems > 0 {
        writeln!(out, "{} entries of the calendar cannot be read; reframe prep says which", done.problems)?;
    }
    if done.failed > 0 {
        writeln!(out, "{} meetings could not be made ready; the log says why, and they are tried again", done.failed)?;
        return Ok(Exit::Failure);
    }
    Ok(Exit::Success)
}

/// A proposal in a line.
#[must_use]
pub fn line(proposal: &Proposal) -> String {
    use reframe_workflow::gate::Action;
    let or_nothing = |text: &Option<String>| text.as_deref().map_or("nothing".to_owned(), |t| format!("\"{t}\""));
    let what = match &proposal.action {
        Action::CreateNote { about, body, .. } => format!("note on {about}, {} words", body.split_whitespace().count()),
        Action::CreateTask { subject, due, .. } => {
            format!("task: {subject}{}", due.map(|d| format!(" (due {d})")).unwrap_or_default())
        }
        Action::UpdateField { record, field, before, after } => {
            format!("{record} {field}: {} -> {}", or_nothing(before), or_nothing(after))
        }
        Action::CreateDraft { mail } => format!("draft to {}: {}", mail.to.join(", "), mail.subject),
        Action::SendMail { mail, .. } => format!("send to {}: {}", mail.to.join(", "), mail.subject),
    };
    format!("[{}] {what}", proposal.system)
}
