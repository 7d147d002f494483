//! `reframe demo`: a fixture call through the whole of Reframe, over the network, with its numbers.

mod after_call;
mod before_call;
mod journey;
mod market;
mod report;
mod watch;

use std::{
    io::{IsTerminal as _, Write},
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, bail};
use reframe_bots::{
    play::{Loss, Pace, PlayEvent, Player},
    whip::Bad,
};
use tokio::sync::mpsc;

use self::{
    market::Market,
    report::{News, Reporter},
    watch::watch,
};
use crate::{
    config::Config,
    exit::Exit,
    fixtures, playbooks, progress, recognizers,
    sentences::Plan,
    server::{admission::now_unix_ms, export::Exported, listen::Server},
};
use reframe_store::CallId;
use reframe_workflow::gate::Approver;

/// Messages from the player and the screen that may wait for the terminal. The screen's own queue is the one that drops;
/// this one only smooths.
const NEWS: usize = 256;
/// How long the screen may take to say that the call is over, once the bot knows.
const LAST_WORDS: Duration = Duration::from_secs(10);
/// The call whose buyer's account is walked from signal to signal.
const BUYER_OF: &str = "demo";

/// Play a fixture call through the whole system and show what the rep would see
///
/// Starts the server on this machine only, sends a two-party call to it over WebRTC as a meeting bot would, and watches
/// the cards over the network as a screen would. Before the call an account is walked from a signal to the meeting, after
/// it on to the CRM and to a new signal. Nothing is sent: mail goes into a folder. Needs no key, no model file and no
/// connection.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which call; see --list
    #[arg(long, default_value = "demo", value_name = "NAME")]
    call: String,
    /// List the fixture calls
    #[arg(long)]
    list: bool,
    /// real: as it was spoken; max: as fast as this machine can
    #[arg(long, value_enum, default_value_t = PaceArg::Real)]
    pace: PaceArg,
    /// How the sound gets in: by WebRTC (WHIP), or by WebSocket (the only way at --pace max)
    #[arg(long, value_enum, value_name = "WAY")]
    over: Option<Over>,
    /// Packets to lose on the way, in percent (default: as the call's script says)
    #[arg(long, value_name = "PERCENT")]
    loss: Option<f64>,
    /// Packets overtaken by the next one on the way, in percent; over WebRTC only
    #[arg(long, value_name = "PERCENT", default_value_t = 0.0)]
    reorder: f64,
    /// Most delay on the way, in ms; over WebRTC only
    #[arg(long, value_name = "MS", default_value_t = 0)]
    jitter: u32,
    /// Which packets are lost, overtaken and delayed; the same in every run
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Print JSON lines instead
    #[arg(long)]
    json: bool,
    /// Length of the packets, 5 to 1000 ms (recorded Opus packets stay as they are)
    #[arg(long, value_name = "MS", default_value_t = 20)]
    packet_ms: u32,
    /// Address and port to listen on; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Folder for the event log and the transcript
    #[arg(long, value_name = "DIR", default_value = "reframe-data")]
    data: PathBuf,
    /// Name of the call in the log (default: made up); a call of the same name shows the same variants of its cards
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Folder with a playbook.toml (default: the built-in playbook)
    #[arg(long, value_name = "DIR")]
    playbook: Option<PathBuf>,
    /// Also record the inputs as heard, for `reframe replay`
    #[arg(long)]
    record_inputs: bool,
    /// Keep the server running afterwards, so that its pages can be looked at; Ctrl-C ends it (at a terminal it does so
    /// anyway)
    #[arg(long)]
    stay: bool,
    /// Approve everything that is drafted in this person's name, as a click on the review page would
    #[arg(long, value_name = "NAME")]
    approve_as: Option<String>,
    /// Play the call alone: no signal, message and meeting before it, no review of the deal and no new signal after it
    #[arg(long)]
    call_only: bool,
    /// Wait up to this long, before anything of the call, for somebody to approve the first message on the review page
    #[arg(long, value_name = "SECONDS", default_value_t = 0, conflicts_with_all = ["approve_as", "call_only"])]
    hold_call: u64,
    /// Wait this long before the call begins, to open the screen first
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    wait: u64,
}

impl Args {
    /// Whether the server outlives the call: a person at a terminal wants to open the links that were printed; a script, or
    /// whoever had everything approved, wants an end.
    fn stays(&self) -> bool {
        let watched = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        self.stay || (watched && !self.json && self.approve_as.is_none())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum PaceArg {
    Real,
    Max,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Over {
    /// WebRTC
    Whip,
    /// WebSocket
    Socket,
}

impl Args {
    fn over(&self) -> anyhow::Result<Over> {
        match (self.over, self.pace) {
            (Some(Over::Whip), PaceArg::Max) => {
                bail!("WebRTC is live: leave out --pace max, or say --over socket");
            }
            (Some(over), _) => Ok(over),
            (None, PaceArg::Real) => Ok(Over::Whip),
            (None, PaceArg::Max) => Ok(Over::Socket),
        }
    }

    fn player(&self, server: &Server, over: Over) -> Player {
        let url = match over {
            Over::Whip => format!("http://{}/v1/whip", server.addr),
            Over::Socket => server.ingest_url(),
        };
        let player = Player::new(url)
            .token(&server.ingest_token)
            .pace(if self.pace == PaceArg::Real { Pace::RealTime } else { Pace::AsFastAsTaken })
            .packet_ms(self.packet_ms)
            .bad(Bad { reorder_percent: self.reorder, jitter_ms: self.jitter, seed: self.seed })
            .lead(Duration::from_secs(self.wait).max(Duration::from_millis(50)));
        let player = match &self.name {
            Some(name) => player.call_id(name),
            None => player,
        };
        match self.loss {
            Some(percent) => player.loss(Loss { percent, seed: self.seed, burst: 1 }),
            None => player,
        }
    }
}

/// Runs it.
///
/// # Errors
/// If the server cannot start or the call cannot be played.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    if args.list {
        for (name, script) in fixtures::list()? {
            writeln!(
                std::io::stdout(),
                "{name:14} {} ({} objections)\n{:14} {}",
                script.title,
                script.objection.len(),
                "",
                script.summary
            )?;
        }
        return Ok(Exit::Success);
    }
    let over = args.over()?;
    let by = args.approve_as.as_deref().map(Approver::person).transpose()?;
    let (call, script) = fixtures::load(&args.call)?;
    let mut config = Config::default();
    config.server.listen = args.listen;
    config.server.resume_grace_s = 2;
    config.data.dir.clone_from(&args.data);
    config.data.record_inputs = args.record_inputs;
    config.log.level = "warn".to_owned();
    let crm = config.workflow.folder(&config.data.dir);
    // The account is that of one call's buyer.
    let whole = args.call == BUYER_OF && !args.call_only;
    let market = if whole { Market::furnish(&args.data, &crm, now_unix_ms())?.map(Arc::new) } else { None };
    if let Some(market) = &market {
        config.workflow = market.settings()?;
    }
    config.check()?;
    crate::logging::start(&config.log)?;
    if market.is_none() {
        after_call::furnish(&crm)?;
    }
    let plan = Plan::embedded(playbooks::load(args.playbook.as_deref())?)?;
    let recognizer = progress::loading(|p| recognizers::load(&config.recognizer, p))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("the network threads cannot be started")?;
    runtime.block_on(async {
        let server = Server::start(&config, plan, recognizer).await?;
        let mut reporter = Reporter::new(args.json, args.pace == PaceArg::Real, &args.call, &script);
        let mut walked = true;
        if let Some(market) = &market {
            let patience = Duration::from_secs(args.hold_call);
            // The call is played whatever became of what comes before it.
            match before_call::walk(&server, market, by.as_ref(), patience, &mut reporter).await {
                Ok(written) => walked = written,
                Err(error) => {
                    walked = false;
                    reporter.note(&format!("what comes before the call failed: {error:#}"))?;
                }
            }
        } else if whole {
            reporter.note(&format!(
                "{} holds deals of its own: what comes before the call is left out; a new folder shows it (--data DIR)",
                crm.display()
            ))?;
        }
        let player = args.player(&server, over).add(call);
        let outcome = play(player, &mut reporter).await;
        let mut written = true;
        if let Ok(call) = &outcome {
            let call = CallId::new(call.as_str())?;
            let paths = Exported::paths(&args.data, &call);
            // The summary is the last of the JSON lines, and the first thing for people once the call is over.
            if !args.json {
                reporter.summary(&paths)?;
            }
            written = after_call::show(&server, &call, by.as_ref(), &mut reporter).await? && walked;
            if market.is_some() {
                written &= journey::close(&server, &call, by.as_ref(), &mut reporter).await?;
            }
            if args.json {
                reporter.summary(&paths)?;
            }
            if args.stays() {
                reporter.note("the server keeps running; Ctrl-C ends it")?;
                tokio::signal::ctrl_c().await.context("Ctrl-C cannot be listened for")?;
            } else if !args.json {
                reporter.note("the server ends here; --stay keeps its pages open")?;
            }
        }
        let clean = server.stop(Duration::from_secs(10)).await;
        outcome?;
        Ok(if clean && written && reporter.good() { Exit::Success } else { Exit::Failure })
    })
}

/// Plays the call and reports on it until both the bot and the screen know that it is over. Gives the call's id.
async fn play(player: Player, reporter: &mut Reporter) -> anyhow::Result<String> {
    let (tell, mut news) = mpsc::channel(NEWS);
    let from_player = tell.clone();
    let mut playing = tokio::spawn(player.run_with(move |event| {
        if let PlayEvent::Started { overlay_url: Some(url), .. } = &event {
            // Watched from the first packet on; the player's lead gives it the time to connect.
            tokio::spawn(watch(url.clone(), from_player.clone()));
        }
        if from_player.try_send(News::Player(event)).is_err() {
            tracing::warn!("the terminal is too slow to be told everything");
        }
    }));
    drop(tell);
    let mut report = None;
    let mut deadline = None;
    loop {
        let last_words = async {
            match deadline {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            item = news.recv() => match item {
                Some(item) => reporter.take(item)?,
                None if report.is_some() => break,
                None => report = Some((&mut playing).await??),
            },
            done = &mut playing, if report.is_none() => {
                report = Some(done??);
                deadline = Some(tokio::time::Instant::now() + LAST_WORDS);
            }
            () = last_words => break,
        }
    }
    let report = report.context("the call was not played to its end")?;
    reporter.played(&report);
    Ok(report.call)
}
