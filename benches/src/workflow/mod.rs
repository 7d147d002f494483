//! What happens between calls, at the size of a large team: how long the night takes, a search, the review page, a draft.

mod page;
mod pipeline;
mod requests;
mod speech;
mod world;

use std::{path::PathBuf, process::Command};

use anyhow::{Context, bail, ensure};
use serde::Serialize;
use serde_json::{Value, json};

use self::world::{HOUR, HOUR_WORDS, Size, World};
use crate::{
    figures::{Figures, Times},
    plot::Bars,
    process::{self, Ran},
    record,
    serving::{Options, Serving},
};

/// Times that are to be kept, from the requirements: nightly hygiene, one search, the review page, a note after an hour.
const GOALS: [(&str, f64); 4] = [("hygiene", 120_000.0), ("search", 100.0), ("review", 200.0), ("post-call", 10_000.0)];

/// Between calls: the night's review, search, the review page and a draft, with a year of a large team's calls
///
/// Makes a system of record and a store of calls in a temporary folder, the same for the same seed, and has the program
/// itself work on them, each time as a process of its own: `run post-call`, `run hygiene`, and `serve` with the requests of
/// the review page, and the page in Chromium if this machine has it. The folder needs 10 GB; TMPDIR says where it is.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Deals in the system of record
    #[arg(long, default_value_t = 5_000)]
    deals: usize,
    /// Calls in the store
    #[arg(long, default_value_t = 20_000)]
    calls: usize,
    /// Utterances of each call
    #[arg(long, default_value_t = 150)]
    utterances: usize,
    /// Latest calls whose proposals wait for a person
    #[arg(long, default_value_t = 2_000)]
    waiting: usize,
    /// Looks through the inbox
    #[arg(long, default_value_t = 300)]
    rounds: usize,
    /// What the invented world follows from
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// Make the world there first and move it: a memory file system makes it much faster
    #[arg(long, value_name = "DIR")]
    make_in: Option<PathBuf>,
    /// A small world, to see in a minute that everything works; goals are not looked at
    #[arg(long)]
    quick: bool,
}

/// A line of the table.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Which goal it belongs to.
    part: &'static str,
    name: String,
    #[serde(flatten)]
    figures: Figures,
}

impl Row {
    /// Of these times.
    pub fn new(part: &'static str, name: &str, times: &Times) -> Self {
        Self { part, name: name.to_owned(), figures: times.figures() }
    }
}

/// Runs it.
///
/// # Errors
/// If the program is missing, fails, or says something that cannot be.
pub fn run(args: &Args, keep: bool) -> anyhow::Result<Value> {
    let full = Size { deals: args.deals, calls: args.calls, utterances: args.utterances, waiting: args.waiting };
    let small = Size { deals: 200, calls: 400, utterances: 60, waiting: 100 };
    let size = if args.quick { small } else { full };
    let rounds = if args.quick { 20 } else { args.rounds };
    ensure!(
        size.waiting > 0 && size.waiting <= size.calls && size.deals > 0,
        "some calls must wait, and not more than there are"
    );
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let world = make(args, size, &data)?;
    println!(
        "{} deals, {} calls of {} utterances, {} proposals ({} wait), {} notes; {:.0} MB, made in {:.0} s",
        size.deals,
        size.calls,
        size.utterances,
        world.proposals,
        world.waiting,
        world.notes,
        world.bytes as f64 / 1e6,
        world.took.as_secs_f64()
    );
    let mut rows = Vec::new();
    let mut memory = Vec::new();

    let (draft, drafts) = post_call(&world, rounds.min(5))?;
    rows.push(Row::new("post-call", &format!("run post-call, {HOUR_WORDS} words"), &draft));
    memory.push(("run post-call", drafts));

    let first = night(&world)?;
    let second = night(&world)?;
    ensure!(first.deals == size.deals, "{} deals were reviewed", first.deals);
    ensure!(
        first.new > 0 && second.new == 0,
        "{} findings were new in the first night, {} in the second",
        first.new,
        second.new
    );
    for (name, night) in [("first", &first), ("second", &second)] {
        let mut times = Times::default();
        times.add(night.ran.wall);
        rows.push(Row::new("hygiene", &format!("run hygiene, {name} night"), &times));
        memory.push((if name == "first" { "run hygiene, first" } else { "run hygiene, second" }, night.ran.most_kib));
    }

    let server = Serving::with(&Options { calls: 1, data: Some(world.data.clone()), ..Options::default() })?;
    let client = requests::Client::new(server.review())?;
    let asked = requests::ask(&client, rounds, &world.queries, args.seed)?;
    ensure!(asked.hits > 0, "no search found anything");
    rows.extend(asked.rows);
    rows.push(Row::new("review", "all requests but a night's", &asked.others));
    rows.push(Row::new("search", "all searches", &asked.searches));
    match page::measure(server.review(), if args.quick { 5 } else { 25 })? {
        Some((painted, _)) => rows.extend(painted),
        None => println!("no Chromium on this machine: the page was not painted"),
    }
    memory.push(("serve, after all this", process::status_kib(server.pid(), "VmHWM")?));
    drop(server);

    let goals = goals(&rows);
    print(&rows, &memory, &goals);
    println!(
        "hygiene: {} findings, {} new; processor {:.1} s and {:.1} s",
        first.findings, first.new, first.ran.cpu_s, second.ran.cpu_s
    );
    if keep {
        let path = record::beside("workflow", "svg")?;
        std::fs::write(&path, picture(&rows))?;
        println!("drawn in {}", path.display());
    }
    Ok(json!({
        "size": size, "seed": args.seed, "quick": args.quick, "proposals": world.proposals, "waiting": world.waiting,
        "notes": world.notes, "store_mb": world.bytes as f64 / 1e6, "rows": rows, "goals": goals,
        "memory_mib": memory.iter().map(|(name, kib)| json!({"of": name, "mib": kib / 1024})).collect::<Vec<_>>(),
        "hygiene": {"findings": first.findings, "new": first.new, "cpu_s": [first.ran.cpu_s, second.ran.cpu_s]},
        "search_hits": asked.hits,
    }))
}

fn make(args: &Args, size: Size, data: &std::path::Path) -> anyhow::Result<World> {
    let Some(first) = &args.make_in else { return World::make(data, size, args.seed) };
    let place = tempfile::tempdir_in(first).with_context(|| format!("{} cannot be used", first.display()))?;
    let mut world = World::make(&place.path().join("data"), size, args.seed)?;
    copy(&place.path().join("data"), data)?;
    data.clone_into(&mut world.data);
    Ok(world)
}

fn copy(from: &std::path::Path, to: &std::path::Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let there = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &there)?
        } else {
            std::fs::copy(entry.path(), &there).map(drop)?
        }
    }
    Ok(())
}

/// Drafts the call of an hour so many times: the times, and the most memory in KiB. Only the first leaves something new.
fn post_call(world: &World, times: usize) -> anyhow::Result<(Times, u64)> {
    let (mut all, mut most) = (Times::default(), 0);
    for n in 0..times.max(1) {
        let mut command = Command::new(process::reframe()?);
        let ran = process::run(command.args(["run", "post-call", HOUR, "--data"]).arg(&world.data))?;
        let made = number_before(&ran.output, " proposals,").context("post-call says nothing of proposals")?;
        ensure!(made > 3, "only {made} proposals of {HOUR_WORDS} words");
        ensure!(
            (n == 0) != ran.output.contains(" 0 of them new"),
            "a call was drafted twice, or never: {}",
            ran.output
        );
        all.add(ran.wall);
        most = most.max(ran.most_kib);
    }
    Ok((all, most))
}

struct Night {
    ran: Ran,
    deals: usize,
    findings: usize,
    new: usize,
}

fn night(world: &World) -> anyhow::Result<Night> {
    let mut command = Command::new(process::reframe()?);
    let ran = process::run(command.args(["run", "hygiene", "--data"]).arg(&world.data))?;
    let said = |before: &str| number_before(&ran.output, before);
    let (Some(deals), Some(findings), Some(new)) = (said(" deals,"), said(" findings,"), said(" of them new")) else {
        bail!("hygiene says something unexpected: {}", ran.output.lines().last().unwrap_or_default());
    };
    Ok(Night { deals, findings, new, ran })
}

/// The number that stands before these words, where they stand last.
fn number_before(text: &str, words: &str) -> Option<usize> {
    let before = &text[..text.rfind(words)?];
    before.rsplit(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Each goal with the worst row that it is for, in ms.
fn goals(rows: &[Row]) -> Vec<Value> {
    let of = |(part, goal): &(&'static str, f64)| {
        // Single kinds of searches are for finding what is slow; people search for all of them.
        let counts = |r: &&Row| r.part == *part && (*part != "search" || r.name == "all searches");
        let worst = rows.iter().filter(counts).max_by(|a, b| a.figures.p95_ms.total_cmp(&b.figures.p95_ms))?;
        let (p95, name) = (worst.figures.p95_ms, &worst.name);
        Some(json!({"part": part, "goal_ms": goal, "p95_ms": p95, "of": name, "met": p95 < *goal}))
    };
    GOALS.iter().filter_map(of).collect()
}

fn print(rows: &[Row], memory: &[(&str, u64)], goals: &[Value]) {
    println!("\n{:50} {:>5} {:>9} {:>9} {:>9} {:>9}", "ms", "n", "p50", "p95", "p99", "max");
    for Row { name, figures: f, .. } in rows {
        println!("{name:50} {:>5} {:>9.1} {:>9.1} {:>9.1} {:>9.1}", f.n, f.p50_ms, f.p95_ms, f.p99_ms, f.max_ms);
    }
    println!("\n{:50} {:>5}", "most memory", "MiB");
    for (name, kib) in memory {
        println!("{name:50} {:>5}", kib / 1024);
    }
    println!();
    for goal in goals {
        let word = if goal["met"] == true { "met" } else { "MISSED" };
        println!(
            "{:10} under {:>7} ms: {word} (p95 {} ms: {})",
            goal["part"].as_str().unwrap_or_default(),
            goal["goal_ms"],
            goal["p95_ms"],
            goal["of"]
        );
    }
}

/// Times against their goals, one bar each.
fn picture(rows: &[Row]) -> String {
    let bars = GOALS.iter().map(|(part, goal)| Bars {
        title: format!("{part}: p95 in ms (limit {goal})"),
        limit: *goal,
        bars: rows.iter().filter(|r| r.part == *part).map(|r| (r.name.clone(), r.figures.p95_ms)).collect(),
    });
    Bars::page(&bars.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_program_prints_is_read() {
        let text = "x deals, 7 of them new\n5000 deals, 812 findings, 31 of them new in the inbox (night)\n";
        assert_eq!(number_before(text, " deals,"), Some(5_000));
        assert_eq!(number_before(text, " findings,"), Some(812));
        assert_eq!(number_before(text, " of them new"), Some(31));
        assert_eq!(number_before("findings,", " findings,"), None);
    }

    #[test]
    fn a_goal_is_held_against_the_worst_of_its_rows() {
        let row = |part, name: &str, ms| {
            let mut times = Times::default();
            times.add_ms(ms);
            Row::new(part, name, &times)
        };
        let rows = [
            row("review", "a", 10.0),
            row("review", "b", 300.0),
            row("search", "x", 900.0),
            row("search", "all searches", 5.0),
        ];
        let found = goals(&rows);
        assert_eq!(found.len(), 2);
        assert!(found.iter().any(|g| g["part"] == "review" && g["of"] == "b" && g["met"] == false));
        assert!(found.iter().any(|g| g["part"] == "search" && g["met"] == true));
    }
}
