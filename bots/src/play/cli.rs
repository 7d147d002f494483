//! `reframe-bot play`.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use clap::ValueEnum;
use tokio::task::JoinSet;

use super::{Encoding, Loss, Pace, PlayEvent, PlayReport, Player, load};
use crate::whip::Bad;

/// Play files (WAV, FLAC, MP3, Opus, Vorbis) or a fixture folder as the participants of a call
#[derive(Debug, clap::Args)]
pub struct Play {
    /// Sound files, or one folder with a script.toml
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The server: ws://…/v1/ingest is its socket, http://…/v1/whip WebRTC; rtms://HOST:PORT is a Zoom bot that takes
    /// webhooks there, for whom this is a meeting
    #[arg(long, default_value = "ws://127.0.0.1:7311/v1/ingest", value_name = "URL")]
    to: String,
    /// Token the server asks for; better put it into REFRAME_TOKEN
    #[arg(long)]
    token: Option<String>,
    /// Id for the call
    #[arg(long)]
    call: Option<String>,
    /// Title for the call
    #[arg(long)]
    title: Option<String>,
    /// Playbook to play against
    #[arg(long)]
    playbook: Option<String>,
    /// Who is on which channel, for plain files: rep,buyer
    #[arg(long, value_delimiter = ',', value_name = "PARTY,...")]
    channels: Vec<String>,
    /// So many copies of the call at once, each a call of its own
    #[arg(long, default_value_t = 1, value_name = "N")]
    calls: u16,
    /// How fast to send; WebRTC is always real
    #[arg(long, value_enum, default_value = "real")]
    speed: Speed,
    /// Tell the server it is a recording (the default at --speed fast)
    #[arg(long)]
    recorded: bool,
    /// Length of packets that are not stored as Opus in ms, 5 to 1000; over WebRTC 5, 10, 20, 40 or 60
    #[arg(long, default_value_t = 20)]
    packet_ms: u32,
    /// What to send over the socket
    #[arg(long, value_enum, default_value = "stored")]
    codec: Codec,
    /// Sample rate of PCM
    #[arg(long)]
    rate_hz: Option<u32>,
    /// Packets to lose, in percent
    #[arg(long, default_value_t = 0.0, value_name = "PERCENT")]
    loss: f64,
    /// How many to lose in a row
    #[arg(long, default_value_t = 1, value_name = "PACKETS")]
    loss_burst: u32,
    /// Packets overtaken by the next, in percent; WebRTC only
    #[arg(long, default_value_t = 0.0, value_name = "PERCENT")]
    reorder: f64,
    /// Most delay on the way, in ms; WebRTC only
    #[arg(long, default_value_t = 0, value_name = "MS")]
    jitter: u32,
    /// Which packets are lost, overtaken and delayed; the same in every run
    #[arg(long, alias = "loss-seed", default_value_t = 0)]
    seed: u64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Speed {
    /// As it was spoken
    Real,
    /// As fast as the server takes it
    Fast,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Codec {
    /// As the file has it
    Stored,
    /// PCM
    Pcm,
}

impl Play {
    /// Plays, and prints what happens.
    ///
    /// # Errors
    /// If a file cannot be read, or a call cannot be played to its end.
    pub async fn run(self) -> anyhow::Result<()> {
        ensure!(self.calls > 0, "--calls 0 plays nothing");
        for (name, percent) in [("--loss", self.loss), ("--reorder", self.reorder)] {
            ensure!((0.0..=100.0).contains(&percent), "{name} {percent}: write 0 to 100 percent");
        }
        let call = load(&self.files, &self.channels)?;
        for warning in &call.warnings {
            eprintln!("reframe-bot: {warning}");
        }
        let player = self.player().add(call);
        if self.calls == 1 {
            let report = player.run_with(|event| told(None, event)).await?;
            println!("{}", line(&report));
            return Ok(());
        }
        self.many(&player).await
    }

    async fn many(&self, player: &Player) -> anyhow::Result<()> {
        let base = self.call.clone().unwrap_or_else(|| format!("play-{}", std::process::id()));
        let mut calls = JoinSet::new();
        for n in 1..=self.calls {
            let player = player.clone().call_id(format!("{base}-{n}"));
            calls.spawn(async move { (n, player.run_with(move |event| told(Some(n), event)).await) });
        }
        let (mut reports, mut failed) = (Vec::new(), 0);
        while let Some(done) = calls.join_next().await {
            match done.context("a call's task died")? {
                (n, Ok(report)) => {
                    println!("{n}: {}", line(&report));
                    reports.push(report);
                }
                (n, Err(error)) => {
                    eprintln!("reframe-bot: {n}: {error:#}");
                    failed += 1;
                }
            }
        }
        let sum = |part: fn(&PlayReport) -> u64| reports.iter().map(part).sum::<u64>();
        let late = reports.iter().map(|r| r.worst_late.as_millis()).max().unwrap_or(0);
        println!(
            "{} of {} calls played, {:.1} s in all, in {} packets; {} lost and {} overtaken on purpose, {} dropped by the \
             server; latest packet {late} ms behind its time",
            reports.len(),
            self.calls,
            sum(|r| r.media_ms) as f64 / 1_000.0,
            sum(|r| r.packets),
            sum(|r| r.lost),
            sum(|r| r.reordered),
            sum(|r| r.dropped),
        );
        ensure!(failed == 0, "{failed} of {} calls failed", self.calls);
        Ok(())
    }

    fn player(&self) -> Player {
        let mut player = Player::new(self.to.clone())
            .packet_ms(self.packet_ms)
            .bad(Bad { reorder_percent: self.reorder, jitter_ms: self.jitter, seed: self.seed })
            .encoding(match self.codec {
                Codec::Stored => Encoding::AsStored,
                Codec::Pcm => Encoding::Pcm,
            })
            .pace(match self.speed {
                Speed::Real => Pace::RealTime,
                Speed::Fast => Pace::AsFastAsTaken,
            });
        if self.recorded {
            player = player.recorded(true);
        }
        if self.loss > 0.0 {
            player = player.loss(Loss { percent: self.loss, seed: self.seed, burst: self.loss_burst });
        }
        if let Some(hz) = self.rate_hz {
            player = player.rate_hz(hz);
        }
        if let Some(token) = self.token.clone().or_else(|| std::env::var("REFRAME_TOKEN").ok()) {
            player = player.token(token);
        }
        if let Some(id) = &self.call {
            player = player.call_id(id.clone());
        }
        if let Some(title) = &self.title {
            player = player.title(title.clone());
        }
        if let Some(playbook) = &self.playbook {
            player = player.playbook(playbook.clone());
        }
        player
    }
}

/// Prints what happens; with its number if there are several calls.
fn told(number: Option<u16>, event: PlayEvent) {
    let of = number.map_or_else(String::new, |n| format!("{n}: "));
    match event {
        PlayEvent::Started { call, overlay_url, .. } => {
            println!("{of}call {call}");
            if let Some(url) = overlay_url {
                println!("{of}overlay {url}");
            }
        }
        PlayEvent::Broken { why } => eprintln!("reframe-bot: {of}the connection broke: {why}; waiting for it"),
        PlayEvent::Dropped { packets, why } => {
            eprintln!("reframe-bot: {of}the server dropped {packets} packets: {why}")
        }
        PlayEvent::Sent if number.is_none() => println!("all sent"),
        PlayEvent::Sent => {}
    }
}

fn line(report: &PlayReport) -> String {
    format!(
        "played {:.1} s in {} packets; {} lost and {} overtaken on purpose, {} dropped by the server; latest packet {} ms \
         behind its time",
        report.media_ms as f64 / 1_000.0,
        report.packets,
        report.lost,
        report.reordered,
        report.dropped,
        report.worst_late.as_millis()
    )
}
