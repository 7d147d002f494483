//! Playing as a Zoom meeting: the simulator calls a bot's webhook, and the bot takes the sound to the server.

use std::time::Instant;

use anyhow::{Context as _, ensure};

use super::{Encoding, Pace, PlayEvent, PlayReport, Player, begun, source, source::Call};
use crate::{
    sim::zoom::{Chaos, Credentials, Meeting},
    whip::Bad,
};

/// Plays as a meeting whose bot takes webhooks at `rtms://HOST:PORT`.
pub async fn play(player: Player, on_event: &mut (dyn FnMut(PlayEvent) + Send)) -> anyhow::Result<PlayReport> {
    ensure!(player.pace == Pace::RealTime, "a meeting is live: play in real time");
    let usual = Bad { reorder_percent: player.bad.reorder_percent, seed: player.bad.seed, ..Bad::default() };
    ensure!(
        player.bad == usual && player.loss.unwrap_or_default().percent == 0.0 && player.skew_ppm.is_empty(),
        "a meeting's sockets lose nothing: leave loss and jitter out, or play to http://…/v1/whip"
    );
    // The token, if there is one in the environment, is the bot's business.
    let webhook = player.url.replacen("rtms://", "http://", 1);
    let voices = source::prepare(player.voices, Encoding::AsStored, None)?;
    let chaos = Chaos { seed: player.bad.seed, reorder_percent: player.bad.reorder_percent, ..Chaos::default() };
    let id = player.call.unwrap_or_else(|| super::new_id("meeting"));
    let meeting = Meeting::new(Call { voices, script: None, warnings: Vec::new() }, credentials()?)
        .ids(id.clone(), format!("{id}-stream"))
        .webhook(webhook)
        .chaos(chaos);
    let zero = Instant::now();
    let running = meeting.start().await?;
    on_event(PlayEvent::Started { call: id.clone(), overlay_url: None, zero });
    let done = running.finished().await;
    on_event(PlayEvent::Sent);
    let mut report = begun(id, None, zero);
    report.media_ms = u64::try_from(zero.elapsed().as_millis()).unwrap_or(u64::MAX);
    report.packets = done.audio_sent;
    report.lost = done.audio_missed;
    ensure!(
        done.audio_sent > 0,
        "no bot came to the meeting: is `reframe-bot zoom` listening there, with the same ZOOM_ secrets?"
    );
    Ok(report)
}

fn credentials() -> anyhow::Result<Credentials> {
    let secret = |name: &str| {
        let value = std::env::var(name).ok().filter(|value| !value.is_empty());
        value.with_context(|| format!("{name} is not set: set it to any text, and give the bot the same"))
    };
    Ok(Credentials::new(secret("ZOOM_CLIENT_ID")?, secret("ZOOM_CLIENT_SECRET")?, secret("ZOOM_WEBHOOK_SECRET")?))
}
