//! `reframe review`: the inbox in the terminal.

use std::{
    io::{BufRead, IsTerminal as _, Write},
    sync::Arc,
};

use anyhow::{Context, bail};
use reframe_serve::review::{DeskError, Item, ReviewDesk as _, Verdict};
use reframe_workflow::{
    artifact::Evidence,
    gate::{Action, Approver, Click},
    outbox::Standing,
};

use super::run::{Place, line};
use crate::{
    exit::Exit,
    server::admission::now_unix_ms,
    workflow::{Desk, Executor, Office},
};

/// Go through what was drafted: approve, edit, reject
///
/// Shows one proposal after the other with what it rests on. What you approve is written at once, exactly as shown, and
/// where it landed is said. The same inbox is on the review page of `reframe serve`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Who decides: your e-mail address or name
    #[arg(long = "as", value_name = "NAME", required_unless_present = "list")]
    by: Option<String>,
    /// Only list what waits
    #[arg(long)]
    list: bool,
    /// Show the exact bytes that an approval is of
    #[arg(long)]
    bytes: bool,
    #[command(flatten)]
    place: Place,
}

/// Runs it.
///
/// # Errors
/// If the data cannot be read, or nobody sits at the terminal.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let office = args.place.office()?;
    let desk = Desk::new(Arc::clone(&office), None);
    let waiting = waiting(&desk)?;
    let mut out = std::io::stdout();
    if waiting.is_empty() {
        writeln!(out, "nothing waits for you")?;
        return Ok(Exit::Success);
    }
    let Some(by) = args.by.as_deref().filter(|_| !args.list) else {
        for item in &waiting {
            let again = if item.standing == Standing::Open { String::new() } else { format!("  ({})", item.says) };
            writeln!(out, "{}  {}{again}", item.proposal.id, line(&item.proposal))?;
        }
        return Ok(Exit::Success);
    };
    let by = Approver::person(by)?;
    if !std::io::stdin().is_terminal() && std::env::var_os("REFRAME_REVIEW_FROM_PIPE").is_none() {
        bail!("a person decides at a terminal; this input is none");
    }
    let total = waiting.len();
    let executor = Executor::new(&office);
    let mut input = std::io::stdin().lock();
    for (n, item) in waiting.into_iter().enumerate() {
        writeln!(out, "\n{} of {total}", n + 1)?;
        if !decide((&office, &executor), &desk, &by, item, args.bytes, &mut input, &mut out)? {
            break;
        }
    }
    Ok(Exit::Success)
}

fn waiting(desk: &Desk) -> anyhow::Result<Vec<Item>> {
    let mut all = Vec::new();
    for batch in desk.inbox()?.into_iter().filter(|b| b.waiting > 0) {
        all.extend(desk.batch(&batch.batch)?.into_iter().filter(|i| i.waits));
    }
    Ok(all)
}

/// One proposal until it is decided or passed by; false: no more of them.
fn decide(
    (office, executor): (&Office, &Executor),
    desk: &Desk,
    by: &Approver,
    mut item: Item,
    bytes: bool,
    input: &mut impl BufRead,
    out: &mut impl Write,
) -> anyhow::Result<bool> {
    loop {
        show(&item, bytes, out)?;
        desk.shown(std::slice::from_ref(&item.proposal.id), by, now_unix_ms())?;
        write!(out, "a approve, e edit, r reject, n next, q quit > ")?;
        out.flush()?;
        let Some(answer) = read(input)? else { return Ok(false) };
        let click = || Click { by: by.clone(), shown: item.digest.clone(), at_unix_ms: now_unix_ms() };
        let id = item.proposal.id.clone();
        let again = match answer.as_str() {
            "a" => {
                let verdict = desk.approve(&[(id.clone(), click())])?.pop().context("the store gave no answer")?;
                match verdict {
                    Verdict::Approved { .. } => {
                        executor.carry_out(office, &|| false)?;
                        landed(desk, &item, out)?;
                        return Ok(true);
                    }
                    Verdict::Already { by } => {
                        writeln!(out, "{by} had approved it already")?;
                        return Ok(true);
                    }
                    Verdict::Changed { now } => Err(DeskError::Changed { now }),
                    Verdict::Refused { reason } => {
                        writeln!(out, "not approved: {reason}")?;
                        continue;
                    }
                }
            }
            "e" => {
                let Some(action) = edited(&item.proposal.action, input, out)? else { continue };
                desk.edit(&id, &click(), action).map(Some)
            }
            "r" => {
                write!(out, "why > ")?;
                out.flush()?;
                let Some(reason) = read(input)?.filter(|r| !r.is_empty()) else { continue };
                desk.reject(&id, &click(), &reason).map(|_| None)
            }
            "n" | "" => return Ok(true),
            "q" => return Ok(false),
            _ => continue,
        };
        match again {
            Ok(Some(now)) => item = now,
            Ok(None) => return Ok(true),
            Err(DeskError::Changed { now } | DeskError::Decided { now }) => {
                writeln!(out, "this has changed since you looked: {}", now.says)?;
                item = *now;
                if !item.waits {
                    return Ok(true);
                }
            }
            Err(error) => writeln!(out, "{error}")?,
        }
    }
}

fn read(input: &mut impl BufRead) -> anyhow::Result<Option<String>> {
    let mut line = String::new();
    Ok((input.read_line(&mut line)? > 0).then(|| line.trim().to_owned()))
}

fn show(item: &Item, bytes: bool, out: &mut impl Write) -> anyhow::Result<()> {
    let proposal = &item.proposal;
    writeln!(out, "{}", line(proposal))?;
    match &proposal.action {
        Action::CreateNote { body, .. } => writeln!(out, "{}", indented(body))?,
        Action::CreateTask { body, .. } if !body.is_empty() => writeln!(out, "{}", indented(body))?,
        Action::CreateDraft { mail } | Action::SendMail { mail, .. } => writeln!(out, "{}", indented(&mail.body))?,
        _ => {}
    }
    writeln!(out, "  why: {} ({:.0} % sure)", proposal.because.text(), proposal.because.confidence() * 100.0)?;
    for evidence in proposal.because.evidence() {
        match evidence {
            Evidence::Words { from_ms, quote, .. } => {
                writeln!(out, "  {:02}:{:02} \"{quote}\"", from_ms / 60_000, from_ms / 1_000 % 60)?;
            }
            Evidence::Event { call, seq } => writeln!(out, "  event {seq} of call {call}")?,
            Evidence::Field { record, field, value, .. } => {
                writeln!(out, "  {record} {field}: {}", value.as_deref().unwrap_or("nothing"))?;
            }
            Evidence::Source { item, url, quote, .. } => {
                writeln!(out, "  {} \"{quote}\"", url.as_deref().unwrap_or(item))?;
            }
        }
    }
    if item.standing != Standing::Open {
        writeln!(out, "  {}", item.says)?;
    }
    if let Some(problem) = &item.problem {
        writeln!(out, "  it cannot be done as it stands: {problem}")?;
    }
    if bytes {
        writeln!(out, "  {}\n  sha256 {}", item.bytes, item.digest)?;
    }
    Ok(())
}

fn indented(text: &str) -> String {
    text.lines().map(|l| format!("  | {l}")).collect::<Vec<_>>().join("\n")
}

/// The same action with another text: of a task its subject, of a field its value, of a message and a note the whole body.
fn edited(action: &Action, input: &mut impl BufRead, out: &mut impl Write) -> anyhow::Result<Option<Action>> {
    let mut action = action.clone();
    let whole = matches!(action, Action::CreateNote { .. } | Action::CreateDraft { .. } | Action::SendMail { .. });
    let asked = if whole { "new text, a single dot ends it" } else { "new text" };
    writeln!(out, "{asked} (nothing: leave it)")?;
    let mut lines = Vec::new();
    while let Some(line) = read(input)? {
        if whole && line == "." {
            break;
        }
        lines.push(line);
        if !whole {
            break;
        }
    }
    let text = lines.join("\n");
    if text.trim().is_empty() {
        return Ok(None);
    }
    match &mut action {
        Action::CreateNote { body, .. } => *body = text,
        Action::CreateTask { subject, .. } => *subject = text,
        Action::UpdateField { after, .. } => *after = Some(text),
        Action::CreateDraft { mail } | Action::SendMail { mail, .. } => mail.body = text,
    }
    Ok(Some(action))
}

/// Says what became of an approved write.
fn landed(desk: &Desk, item: &Item, out: &mut impl Write) -> anyhow::Result<()> {
    let now = desk.item(&item.proposal.id)?.context("the proposal is gone")?;
    writeln!(out, "{}", now.says)?;
    Ok(())
}
