//! `reframe-bot`: brings recordings into a call over the wire, as a meeting bot would.

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand, ValueEnum};
use reframe_bots::play::{Encoding, Loss, Pace, PlayEvent, Player, load};

/// Brings audio into a Reframe call, as a meeting bot would.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Play files (WAV, Opus) or a fixture folder as the participants of a call.
    Play(Play),
}

#[derive(Clone, Copy, ValueEnum)]
enum Speed {
    /// As it was spoken.
    Real,
    /// As fast as the server takes it.
    Fast,
}

#[derive(Clone, Copy, ValueEnum)]
enum Codec {
    /// As the file has it.
    Stored,
    /// PCM.
    Pcm,
}

#[derive(clap::Args)]
struct Play {
    /// WAV or Opus files, or one folder with a script.toml.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// The server's ingest.
    #[arg(long, default_value = "ws://127.0.0.1:7311/v1/ingest", value_name = "URL")]
    to: String,
    /// Token the server asks for; also taken from REFRAME_TOKEN.
    #[arg(long)]
    token: Option<String>,
    /// Id for the call.
    #[arg(long)]
    call: Option<String>,
    /// Title for the call.
    #[arg(long)]
    title: Option<String>,
    /// Playbook to play against.
    #[arg(long)]
    playbook: Option<String>,
    /// Who is on which channel, for plain files: rep,buyer
    #[arg(long, value_delimiter = ',', value_name = "PARTY,...")]
    channels: Vec<String>,
    /// How fast to send.
    #[arg(long, value_enum, default_value = "real")]
    speed: Speed,
    /// Tell the server it is a recording (the default at --speed fast).
    #[arg(long)]
    recorded: bool,
    /// Length of PCM packets in ms, 5 to 1000.
    #[arg(long, default_value_t = 20)]
    packet_ms: u32,
    /// What to send.
    #[arg(long, value_enum, default_value = "stored")]
    codec: Codec,
    /// Sample rate of PCM.
    #[arg(long)]
    rate_hz: Option<u32>,
    /// Packets to lose, in percent.
    #[arg(long, default_value_t = 0.0, value_name = "PERCENT")]
    loss: f64,
    /// Which ones to lose.
    #[arg(long, default_value_t = 0, value_name = "SEED")]
    loss_seed: u64,
    /// How many to lose in a row.
    #[arg(long, default_value_t = 1, value_name = "PACKETS")]
    loss_burst: u32,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Command::Play(arguments) = Arguments::parse().command;
    match play(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("reframe-bot: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn play(a: Play) -> anyhow::Result<()> {
    let call = load(&a.files, &a.channels)?;
    for warning in &call.warnings {
        eprintln!("reframe-bot: {warning}");
    }
    let mut player = Player::new(a.to)
        .packet_ms(a.packet_ms)
        .encoding(match a.codec {
            Codec::Stored => Encoding::AsStored,
            Codec::Pcm => Encoding::Pcm,
        })
        .pace(match a.speed {
            Speed::Real => Pace::RealTime,
            Speed::Fast => Pace::AsFastAsTaken,
        });
    if a.recorded {
        player = player.recorded(true);
    }
    if a.loss > 0.0 {
        player = player.loss(Loss { percent: a.loss, seed: a.loss_seed, burst: a.loss_burst });
    }
    if let Some(hz) = a.rate_hz {
        player = player.rate_hz(hz);
    }
    if let Some(token) = a.token.or_else(|| std::env::var("REFRAME_TOKEN").ok()) {
        player = player.token(token);
    }
    if let Some(id) = a.call {
        player = player.call_id(id);
    }
    if let Some(title) = a.title {
        player = player.title(title);
    }
    if let Some(playbook) = a.playbook {
        player = player.playbook(playbook);
    }
    let report = player
        .add(call)
        .run_with(|event| match event {
            PlayEvent::Started { call, overlay_url, .. } => {
                println!("call {call}");
                if let Some(url) = overlay_url {
                    println!("overlay {url}");
                }
            }
            PlayEvent::Dropped { packets, why } => {
                eprintln!("reframe-bot: the server dropped {packets} packets: {why}")
            }
            PlayEvent::Sent => println!("all sent; waiting for the call to end"),
        })
        .await?;
    println!(
        "played {:.1} s in {} packets; {} lost on purpose, {} dropped by the server; latest packet {} ms behind its time",
        report.media_ms as f64 / 1_000.0,
        report.packets,
        report.lost,
        report.dropped,
        report.worst_late.as_millis()
    );
    Ok(())
}
