//! How late a card is: fixture calls in real time through the program, over the network, to the painted card.

mod meeting;
mod outcome;
mod paint;
mod parts;
mod played;
mod replay;
mod why;

use std::collections::BTreeSet;

use anyhow::{Context, anyhow, ensure};
use reframe_call::event::Event;
use serde_json::{Value, json};

use self::{
    meeting::Bot,
    outcome::Outcome,
    paint::Painter,
    played::{Played, Stage},
    replay::Ear,
};
use crate::{
    cdp::Browser,
    figures::Figures,
    plot::Bars,
    record,
    sample_call::SampleCall,
    serving::{Options, Over, Serving},
};

/// Card latency, with what was missed and what was wrong
///
/// Plays fixture calls in real time into a server that is a process of its own: from the end of the needed phrase, as the
/// synthesiser placed it, to the card's receipt on the WebSocket, and to its being painted in a headless Chromium. Each
/// card's delay is counted from its own phrase, not from the card before, so a stall counts for every card it delays and
/// nothing needs to be corrected for. For what was missed, or is false, the engine's log is asked why.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which fixture calls
    #[arg(long, value_delimiter = ',', default_value = "demo,cold-call,procurement,bad-line,no-objection,real-speech")]
    calls: Vec<String>,
    /// How often
    #[arg(long, default_value_t = 1)]
    rounds: u32,
    /// How the sound gets in; several are measured one after the other, and the first stands in the report's large figures
    #[arg(long, value_enum, value_delimiter = ',', default_value = "whip")]
    over: Vec<Way>,
    /// Seven seconds of one call over all ways at once, to see that everything works; goals are not looked at
    #[arg(long)]
    quick: bool,
}

/// A way into the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Way {
    /// WebRTC
    Whip,
    /// WebSocket
    Socket,
    /// A Zoom meeting: Realtime Media Streams of a stand-in, brought by our bot
    Rtms,
}

impl Way {
    const ALL: [Self; 3] = [Self::Whip, Self::Socket, Self::Rtms];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Whip => Over::Whip.as_str(),
            Self::Socket => Over::Socket.as_str(),
            Self::Rtms => "rtms",
        }
    }

    /// For a player; none if it takes a meeting.
    const fn over(self) -> Option<Over> {
        match self {
            Self::Whip => Some(Over::Whip),
            Self::Socket => Some(Over::Socket),
            Self::Rtms => None,
        }
    }
}

/// A call that was played, by its place among the samples, with the log the engine kept of it.
struct Heard {
    sample: usize,
    played: Played,
    log: Vec<Event>,
}

/// All calls over one way.
struct Measured {
    way: Way,
    calls: Vec<Heard>,
    decode: Figures,
}

/// Runs it.
///
/// # Errors
/// If a program is missing, a call fails, or what comes out cannot be.
pub fn run(args: &Args, keep: bool) -> anyhow::Result<Value> {
    let samples: Vec<SampleCall> = if args.quick {
        vec![SampleCall::short()?]
    } else {
        args.calls.iter().map(|name| SampleCall::load(name)).collect::<anyhow::Result<_>>()?
    };
    ensure!(!samples.is_empty() && !args.over.is_empty() && args.rounds > 0, "nothing to play");
    let painted = Browser::find().is_some();
    if !painted {
        println!("no Chromium on this machine: no card is painted, and what that takes stays empty");
    }
    let measured = if args.quick {
        at_once(&samples)?
    } else {
        args.over.iter().map(|way| measure(*way, &samples, args.rounds)).collect::<anyhow::Result<_>>()?
    };
    let ear = Ear::new()?;
    let replayed = samples.iter().map(|sample| ear.hear(sample)).collect::<anyhow::Result<Vec<_>>>()?;
    let outcomes: Vec<Outcome> = measured.iter().map(|m| Outcome::of(m, &samples, &replayed)).collect();
    outcomes.iter().for_each(Outcome::print);
    for outcome in &outcomes {
        outcome.check(painted)?;
    }
    if keep {
        let path = record::beside("latency", "svg")?;
        std::fs::write(&path, Bars::page(&outcomes.iter().flat_map(Outcome::bars).collect::<Vec<_>>()))?;
        println!("drawn in {}", path.display());
    }
    let (first, others) = outcomes.split_first().context("nothing was measured")?;
    let mut whole = first.json();
    whole["calls"] = samples.iter().map(|sample| sample.name.as_str()).collect();
    whole["rounds"] = args.rounds.into();
    if args.quick {
        whole["quick"] = true.into();
    }
    if !others.is_empty() {
        whole["others"] = others.iter().map(Outcome::json).collect();
    }
    whole["note"] = json!(
        "players, screens and the browser ran on the same machine as the engine; recognition and detection are those of a replay"
    );
    Ok(whole)
}

/// Every way at the same time: times mean little, but every path was gone.
fn at_once(samples: &[SampleCall]) -> anyhow::Result<Vec<Measured>> {
    std::thread::scope(|scope| {
        let running = Way::ALL.map(|way| scope.spawn(move || measure(way, samples, 1)));
        running.into_iter().map(|one| one.join().map_err(|_| anyhow!("a measurement broke off"))?).collect()
    })
}

/// Plays all calls over one way, one after the other, into a server of their own.
fn measure(way: Way, samples: &[SampleCall], rounds: u32) -> anyhow::Result<Measured> {
    let meetings = way == Way::Rtms;
    let people = if meetings { reps(samples) } else { Vec::new() };
    // A call that has just ended may still be open as the next one begins.
    let server = Serving::with(&Options { calls: 2, people, data: None })?;
    let playbook = samples.first().map_or("", |sample| sample.script.playbook.as_str());
    let bot = if meetings { Some(Bot::start(&server.connection(), playbook)?) } else { None };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let played = runtime.block_on(async {
        let mut stage = Stage { way, server: server.connection(), bot, painter: Painter::start().await? };
        let mut all = Vec::new();
        for round in 0..rounds {
            for (n, sample) in samples.iter().enumerate() {
                let id = format!("{}-{}-{round}", sample.name, way.as_str());
                let one = stage.play(sample, &id).await;
                let one = one.with_context(|| format!("{} over {} failed", sample.name, way.as_str()))?;
                println!("{} over {}: {} of {}", sample.name, way.as_str(), one.seen.right, one.seen.expected);
                all.push((n, one));
            }
        }
        anyhow::Ok(all)
    })?;
    let logged = |(sample, played): (usize, Played)| {
        let log = server.events(&played.call)?;
        anyhow::Ok(Heard { sample, played, log })
    };
    let calls = played.into_iter().map(logged).collect::<anyhow::Result<_>>()?;
    Ok(Measured { way, calls, decode: server.packet_to_frame()? })
}

/// Names of those on our side: a platform tells names, not sides.
fn reps(samples: &[SampleCall]) -> Vec<String> {
    let all = samples.iter().flat_map(|sample| &sample.script.participant).filter(|p| p.party == "rep");
    all.map(|p| p.name.clone()).collect::<BTreeSet<_>>().into_iter().collect()
}
