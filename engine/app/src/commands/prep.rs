//! `reframe prep`: the brief before a meeting, at once; and a deal's calls in one.

use std::{io::Write, path::PathBuf};

use anyhow::{Context, bail};
use jiff::Timestamp;
use reframe_prep::{
    brief::{self, words},
    deal_summary::{DealSummary, Kept},
};
use reframe_workflow::{
    artifact::{Claim, Evidence},
    handoff::{Brief, Meeting},
};
use serde_json::json;

use super::run::Place;
use crate::{
    exit::Exit,
    server::admission::now_unix_ms,
    workflow::{KeptMeeting, Office, heading},
};

/// What to know before a meeting: the brief, made at once of what is known now
///
/// Without a name it lists the meetings ahead. Each line of a brief is marked with what it rests on. Nothing is kept and
/// nothing proposed: the server does that by itself 30 minutes before each meeting (`[workflow.prep]`), and `reframe run
/// prep` by hand. Exit code 1 if there is no such meeting.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    of: Option<Whole>,
    /// The meeting: its id in the calendar, or words of its title
    meeting: Option<String>,
    /// A deal's id in the CRM, instead of a meeting: for its next one, or for none in particular
    #[arg(long, value_name = "ID", conflicts_with_all = ["meeting", "next"])]
    deal: Option<String>,
    /// The next meeting
    #[arg(long, conflicts_with = "meeting")]
    next: bool,
    /// Calendar to look in, instead of workflow.prep.calendar: an .ics file or a folder of them
    #[arg(long, value_name = "FILE")]
    calendar: Option<PathBuf>,
    /// Days ahead to look at, instead of workflow.prep.days_ahead
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=400))]
    days: Option<u32>,
    /// Print JSON instead
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// Print Markdown alone, without the line of figures above it
    #[arg(long)]
    markdown: bool,
    #[command(flatten)]
    place: Place,
}

/// More than a brief.
#[derive(Debug, clap::Subcommand)]
enum Whole {
    /// A deal over all of its calls: what happened when, promises and what became of them, objections, people, contradictions
    Deal(WholeDeal),
}

/// `reframe prep deal`.
#[derive(Debug, clap::Args)]
struct WholeDeal {
    /// The deal's id in the CRM
    deal: String,
    /// Print JSON instead
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: Place,
}

/// Runs it.
///
/// # Errors
/// If the data, the CRM or the calendar cannot be read.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let mut out = std::io::stdout();
    if let Some(Whole::Deal(whole)) = &args.of {
        let office = whole.place.office()?;
        let deal = office.deal_ref(&whole.deal);
        let summary = office.deal_summary(&deal)?;
        if whole.json {
            writeln!(out, "{}", serde_json::to_string_pretty(&summary)?)?;
        } else {
            show_deal(&summary, &office, &mut out)?;
        }
        return Ok(Exit::Success);
    }
    let office = args.place.office()?;
    let meetings = meetings(args, &office)?;
    let now = now_unix_ms();
    let ahead = |m: &&Known| !m.meeting.cancelled && m.meeting.end_unix_ms.max(m.meeting.start_unix_ms) > now;
    let wanted = if let Some(deal) = &args.deal {
        let at = office.deal_ref(deal);
        // Whom nobody has written down for the deal are its people.
        let of_deal = meetings.iter().filter(ahead).find(|m| m.meeting.deal.as_ref() == Some(&at));
        Some(match of_deal {
            Some(found) => found.meeting.clone(),
            None => Meeting {
                event: format!("deal/{deal}"),
                start_unix_ms: now,
                end_unix_ms: now,
                invited: office.people_of(&at)?,
                deal: Some(at),
                ..Meeting::default()
            },
        })
    } else if let Some(name) = &args.meeting {
        let Some(found) = named(&meetings, name)? else {
            writeln!(out, "no meeting is called `{name}`; list them: reframe prep")?;
            return Ok(Exit::Failure);
        };
        Some(found.meeting.clone())
    } else if args.next {
        let Some(next) = meetings.iter().filter(ahead).find(|m| m.meeting.start_unix_ms > now) else {
            writeln!(out, "there is no meeting ahead; see workflow.prep.calendar, or name a file with --calendar")?;
            return Ok(Exit::Failure);
        };
        Some(next.meeting.clone())
    } else {
        None
    };
    let Some(wanted) = wanted else {
        return list(args, &office, &meetings.iter().filter(ahead).collect::<Vec<_>>(), &mut out);
    };
    let (meeting, made) = office.brief_now(wanted)?;
    show(args, &office, &meeting, &made, &mut out)?;
    Ok(Exit::Success)
}

/// A meeting, with its brief if one was made.
struct Known {
    meeting: Meeting,
    kept: Option<KeptMeeting>,
}

/// Meetings of the calendar that is named, with what is kept of them; without a calendar those that are kept.
fn meetings(args: &Args, office: &Office) -> anyhow::Result<Vec<Known>> {
    let settings = office.prep_settings();
    let kept = office.meetings(now_unix_ms() - 24 * 60 * 60 * 1_000)?;
    let Some(path) = args.calendar.as_ref().or(settings.calendar.as_ref()) else {
        return Ok(kept.into_iter().map(|k| Known { meeting: k.meeting.clone(), kept: Some(k) }).collect());
    };
    let read = office.calendar(path, args.days.unwrap_or(settings.days_ahead))?;
    for problem in &read.problems {
        eprintln!("warning: {problem}");
    }
    let with_kept = read.meetings.into_iter().map(|mut meeting| {
        let kept = kept.iter().find(|k| k.meeting.event == meeting.event).cloned();
        if meeting.deal.is_none() {
            let same = kept.as_ref().filter(|k| k.meeting.invited == meeting.invited);
            meeting.deal = same.and_then(|k| k.meeting.deal.clone());
        }
        Known { meeting, kept }
    });
    Ok(with_kept.collect())
}

/// The meeting of this id, else the one whose title has these words.
fn named<'a>(meetings: &'a [Known], name: &str) -> anyhow::Result<Option<&'a Known>> {
    if let Some(found) = meetings.iter().find(|m| m.meeting.event == name) {
        return Ok(Some(found));
    }
    let name = name.to_lowercase();
    let now = now_unix_ms();
    let mut found = meetings.iter().filter(|m| {
        let is_over = m.meeting.end_unix_ms.max(m.meeting.start_unix_ms) <= now;
        !is_over && !m.meeting.cancelled && m.meeting.title.to_lowercase().contains(&name)
    });
    let first = found.next();
    if let Some(first) = first {
        // A repetition is the same meeting: the next of them is meant.
        let series =
            |m: &Known| m.meeting.event.rsplit_once('/').map_or(m.meeting.event.clone(), |(s, _)| s.to_owned());
        if found.any(|other| series(other) != series(first)) {
            bail!("several meetings have `{name}` in their title; name one by its id: reframe prep");
        }
    }
    Ok(first)
}

fn list(args: &Args, office: &Office, meetings: &[&Known], out: &mut impl Write) -> anyhow::Result<Exit> {
    if args.json {
        let rows: Vec<_> = meetings
            .iter()
            .map(|m| {
                let brief = m.kept.as_ref().and_then(|k| k.brief.as_ref());
                json!({
                    "meeting": m.meeting,
                    "brief_at_unix_ms": m.meeting.start_unix_ms - office.prep_settings().lead_ms(),
                    "brief": brief.map(|b| &b.artifact),
                })
            })
            .collect();
        writeln!(out, "{}", serde_json::to_string_pretty(&rows)?)?;
        return Ok(Exit::Success);
    }
    for Known { meeting, kept } in meetings {
        let at = when(office, meeting.start_unix_ms)?;
        let title = if meeting.title.is_empty() { "(no title)" } else { meeting.title.as_str() };
        let deal = meeting.deal.as_ref().map_or("no deal known yet".to_owned(), |d| format!("deal {}", d.id));
        let ready = match kept.as_ref().and_then(|k| k.brief.as_ref()) {
            Some(brief) => format!("brief of {}", when(office, brief.made.made_unix_ms)?),
            None => format!("brief at {}", when(office, meeting.start_unix_ms - office.prep_settings().lead_ms())?),
        };
        writeln!(out, "{at}  {title}  ({deal}; {ready})\n  {}", meeting.event)?;
    }
    if meetings.is_empty() {
        writeln!(out, "no meeting ahead is known; see workflow.prep.calendar, or name a file with --calendar")?;
        return Ok(Exit::Failure);
    }
    Ok(Exit::Success)
}

fn show(args: &Args, office: &Office, meeting: &Meeting, made: &Brief, out: &mut impl Write) -> anyhow::Result<()> {
    if args.json {
        out.write_all(&brief::json(made))?;
        writeln!(out)?;
        return Ok(());
    }
    let title = heading(meeting, &when(office, meeting.start_unix_ms)?);
    let now = Timestamp::from_millisecond(made.made_unix_ms)?.to_zoned(office.zone()?);
    writeln!(out, "# {title}\n")?;
    if !args.markdown {
        let deal = meeting.deal.as_ref().map_or("no deal found".to_owned(), ToString::to_string);
        writeln!(out, "{deal}; {} words; {} people invited\n", words(made), meeting.invited.len())?;
    }
    write!(out, "{}", brief::markdown(made, &now))?;
    Ok(())
}

fn when(office: &Office, unix_ms: i64) -> anyhow::Result<String> {
    let at = Timestamp::from_millisecond(unix_ms).context("a time of the calendar is out of range")?;
    Ok(at.to_zoned(office.zone()?).strftime("%Y-%m-%d %H:%M %Q").to_string())
}

fn show_deal(deal: &DealSummary, office: &Office, out: &mut impl Write) -> anyhow::Result<()> {
    writeln!(out, "Calls")?;
    for moment in &deal.timeline {
        let what = moment.what.as_ref().map_or("", |c| c.text());
        writeln!(out, "  {}  {}  {}: {what}", when(office, moment.at_unix_ms)?, moment.call, moment.title)?;
    }
    writeln!(out, "\nPromises")?;
    for promise in &deal.promises {
        let state = match promise.kept {
            Kept::Kept => "kept",
            Kept::Open => "open",
            Kept::Late => "late",
        };
        let who = promise.owner.as_deref().unwrap_or(&promise.side);
        let due = promise.due.as_ref().map_or(String::new(), |d| format!(", due {d}"));
        writeln!(out, "  [{state}] {who}: {}{due}", promise.what.text())?;
        cited(&promise.what, out)?;
    }
    writeln!(out, "\nObjections")?;
    for course in &deal.objections {
        writeln!(out, "  {} ({} times, last time {:?})", course.label, course.raised.len(), course.last)?;
        course.raised.iter().try_for_each(|claim| cited(claim, out))?;
    }
    writeln!(out, "\nPeople")?;
    for person in &deal.people {
        writeln!(out, "  {} ({}, {} calls)", person.name, person.side, person.calls)?;
    }
    writeln!(out, "\nContradictions")?;
    for contradiction in &deal.contradictions {
        writeln!(out, "  {}", contradiction.claim.text())?;
        cited(&contradiction.claim, out)?;
    }
    Ok(())
}

/// The words a claim rests on.
fn cited(claim: &Claim, out: &mut impl Write) -> anyhow::Result<()> {
    for evidence in claim.evidence() {
        if let Evidence::Words { call, from_ms, quote, .. } = evidence {
            let s = from_ms / 1_000;
            writeln!(out, "    {call} at {:02}:{:02} \"{quote}\"", s / 60, s % 60)?;
        }
    }
    Ok(())
}
