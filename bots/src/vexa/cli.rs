//! `reframe-bot vexa`: the Vexa client from the command line.

use std::path::PathBuf;

use anyhow::Context as _;

use super::{Bot, Key, protocol::Meeting, run as listen};
use crate::engine::{Consent, Opening};

/// Take the live transcript of a meeting from a Vexa server whose bot is in it. Words only, no audio.
#[derive(clap::Args, Debug)]
pub struct Vexa {
    /// The meeting, as Vexa names it: google_meet/abc-defg-hij, teams/ID or zoom/ID.
    #[arg(value_name = "PLATFORM/ID", value_parser = Meeting::parse)]
    meeting: Meeting,
    /// Vexa's socket. The key comes from VEXA_API_KEY.
    #[arg(long, default_value = "ws://localhost:18056/ws", value_name = "URL")]
    vexa: String,
    /// A file with the key, read anew for every connection, instead of VEXA_API_KEY.
    #[arg(long, value_name = "FILE")]
    api_key_file: Option<PathBuf>,
    /// The engine's ingest. The token comes from REFRAME_TOKEN.
    #[arg(long, default_value = "ws://127.0.0.1:7311/v1/ingest", value_name = "URL")]
    engine: String,
    /// Id for the call; the platform's id of the meeting unless given.
    #[arg(long)]
    call: Option<String>,
    /// Title for the call.
    #[arg(long)]
    title: Option<String>,
    /// Playbook to play against.
    #[arg(long)]
    playbook: Option<String>,
    /// Consent: `none` waits for it to be recorded; `platform` states that the meeting platform asked everybody.
    #[arg(long, default_value = "none", value_parser = ["none", "platform"])]
    consent: String,
}

fn from_env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Runs until the meeting is over, or Ctrl-C.
///
/// # Errors
/// If something is missing, or the engine cannot be reached; says what to do.
pub async fn run(a: Vexa) -> anyhow::Result<()> {
    let key = match a.api_key_file {
        Some(file) => Key::File(file),
        None => {
            Key::Text(from_env("VEXA_API_KEY").context("VEXA_API_KEY is not set: set it to a key of your Vexa server")?)
        }
    };
    let mut opening = Opening::new(a.engine);
    opening.token = from_env("REFRAME_TOKEN");
    // Not every id of a platform is an id of ours.
    let usable = |id: &String| id.len() <= 64 && id.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    opening.call = a.call.or_else(|| Some(a.meeting.native_id.clone()).filter(usable));
    opening.title = a.title;
    opening.playbook = a.playbook;
    let reference = format!("{} {}", a.meeting.platform, a.meeting.native_id);
    let mut bot = Bot::new(a.vexa, key, a.meeting, opening);
    if a.consent == "platform" {
        bot.consent = Some(Consent { basis: "platform".into(), reference });
    }
    let ctrl_c = async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::warn!(%error, "Ctrl-C cannot be heard");
            std::future::pending::<()>().await;
        }
    };
    let ended = listen(bot, ctrl_c, |call| {
        let started = call.started();
        println!("call {}", started.call);
        if let Some(url) = started.overlay_url {
            println!("overlay {url}");
        }
    })
    .await?;
    println!("the call is over; {} cards were shown", ended.cards_shown.unwrap_or(0));
    Ok(())
}
