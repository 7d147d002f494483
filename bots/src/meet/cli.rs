//! `reframe-bot meet`: arguments and environment.

use std::{path::PathBuf, time::Duration};

use anyhow::Context as _;
use clap::ValueEnum;

use super::{
    Network,
    http::{GOOGLE, TokenSource},
    io::{MeetConfig, MeetEnd, run},
};
use crate::engine::{Consent, Opening};

/// What counts as everybody's consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ConsentFrom {
    /// Nothing: nobody is heard before consent is on record with the engine.
    None,
    /// Google Meet's own notice that an app listens.
    Platform,
}

/// Listen to a Google Meet conference by the Meet Media API (a developer preview).
///
/// The access token comes from MEET_ACCESS_TOKEN, or from a file that somebody keeps up to date.
#[derive(clap::Args)]
pub struct Meet {
    /// The meeting: its code (abc-defg-hij) or its space (spaces/…).
    space: String,
    /// The engine's ingest.
    #[arg(long, default_value = "ws://127.0.0.1:7311/v1/ingest", value_name = "URL")]
    to: String,
    /// Token the engine asks for; also taken from REFRAME_TOKEN.
    #[arg(long)]
    token: Option<String>,
    /// Id for the engine's call.
    #[arg(long)]
    call: Option<String>,
    /// Title for the call.
    #[arg(long)]
    title: Option<String>,
    /// Playbook to listen with.
    #[arg(long)]
    playbook: Option<String>,
    /// File with Google's access token, read anew whenever one is needed.
    #[arg(long, value_name = "FILE")]
    meet_token_file: Option<PathBuf>,
    /// Where Google answers; a simulator's address for trying.
    #[arg(long, default_value = GOOGLE, value_name = "URL")]
    meet_url: String,
    /// The host tells everybody what has to be told; put it on record. Where the engine asks for a notice, nothing is
    /// listened to without it: this bot cannot write into the chat.
    #[arg(long)]
    disclosed_by_host: bool,
    /// What counts as consent of everybody in the meeting.
    #[arg(long, value_enum, default_value = "none")]
    consent: ConsentFrom,
    /// A STUN server, if the bot is behind NAT: stun:stun.l.google.com:19302
    #[arg(long, value_name = "URL")]
    stun: Vec<String>,
    /// Local address and port for media; any unless given.
    #[arg(long, value_name = "HOST:PORT")]
    local: Vec<String>,
    /// Most people who are listened to, in the order they come; no more than the engine's limits.max_tracks.
    #[arg(long, default_value_t = 16, value_name = "PEOPLE")]
    most_people: usize,
    /// Seconds to try for a meeting that has not begun, an expired token, or a broken connection.
    #[arg(long, default_value_t = 120, value_name = "SECONDS")]
    patience: u64,
}

/// Runs until the meeting ends or the program is interrupted.
///
/// # Errors
/// If the settings or the engine make it impossible, or if the bot was refused or did not get in.
pub async fn run_cli(arguments: Meet) -> anyhow::Result<()> {
    let token = match arguments.meet_token_file {
        Some(path) => TokenSource::File(path),
        None => TokenSource::Fixed(
            std::env::var("MEET_ACCESS_TOKEN")
                .context("no access token: set MEET_ACCESS_TOKEN, or name a file with --meet-token-file")?,
        ),
    };
    let here = ["http://127.", "http://localhost", "http://[::1]"].iter().any(|p| arguments.meet_url.starts_with(p));
    anyhow::ensure!(
        here || arguments.meet_url.starts_with("https://"),
        "--meet-url must begin with https://, or the access token could be read on the way"
    );
    let local = match arguments.local {
        given if !given.is_empty() => given,
        // A simulator on this machine is reached by the loopback interface, which is not among "all".
        _ if here => vec!["127.0.0.1:0".to_owned()],
        _ => Vec::new(),
    };
    let mut engine = Opening::new(arguments.to);
    engine.token = arguments.token.or_else(|| std::env::var("REFRAME_TOKEN").ok());
    engine.call = arguments.call;
    engine.title = arguments.title;
    engine.playbook = arguments.playbook;
    let consent = (arguments.consent == ConsentFrom::Platform).then(|| Consent {
        basis: "platform".into(),
        reference: format!("Google Meet's notice in {}", arguments.space),
    });
    let config = MeetConfig {
        base_url: arguments.meet_url,
        space: arguments.space,
        token,
        engine,
        consent,
        told: arguments.disclosed_by_host.then(|| "host".to_owned()),
        network: Network { stun: arguments.stun, local, loopback: here },
        most_people: arguments.most_people,
        patience: Duration::from_secs(arguments.patience),
    };
    let report = run(config, async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::warn!(%error, "interrupts cannot be heard");
            std::future::pending::<()>().await;
        }
    })
    .await?;
    let s = report.streams;
    println!(
        "{} packets; {} lost, {} late, {} put in order; {} speakers moved; {} sessions; {} cards",
        s.packets,
        s.lost,
        s.late,
        s.reordered,
        report.voices.moves,
        report.reconnects + 1,
        report.cards_shown.unwrap_or(0)
    );
    match report.end {
        MeetEnd::Left => Ok(()),
        MeetEnd::Disconnected(reason) => {
            println!("{}", reason.in_words());
            Ok(())
        }
        MeetEnd::EngineOver(why) => {
            println!("{why}");
            Ok(())
        }
        MeetEnd::Refused(why) | MeetEnd::GaveUp(why) => anyhow::bail!("{why}"),
    }
}
