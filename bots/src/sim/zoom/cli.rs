//! `reframe-bot sim zoom`: the simulator from the command line.

use std::{net::SocketAddr, path::PathBuf, str::FromStr, time::Duration};

use anyhow::Context as _;

use super::{Chaos, Credentials, Meeting};
use crate::play::load;

/// Play Zoom for a bot: webhooks, signalling and media servers, and a meeting whose participants speak from files.
#[derive(clap::Args, Debug)]
pub struct Zoom {
    /// Audio files, or one folder with a script.toml.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Where the bot takes webhooks; without it none are posted, and the bot must be told the server's address.
    #[arg(long, value_name = "URL")]
    webhook: Option<String>,
    /// The client id of the bot's Zoom app; also taken from ZOOM_CLIENT_ID. The secrets come from ZOOM_CLIENT_SECRET
    /// and ZOOM_WEBHOOK_SECRET.
    #[arg(long)]
    client_id: Option<String>,
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// Who is on which channel, for plain files: rep,buyer
    #[arg(long, value_delimiter = ',', value_name = "PARTY,...")]
    channels: Vec<String>,
    /// How many times faster than the world people talk.
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// Seconds between keep-alives.
    #[arg(long, default_value_t = 10.0, value_name = "S")]
    keep_alive: f64,
    /// People do not wait for the bot.
    #[arg(long)]
    talk_at_once: bool,
    /// Decides what chaos does; the same seed, the same meeting.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Post rtms_started that late.
    #[arg(long, default_value_t = 0, value_name = "MS")]
    late_webhook_ms: u64,
    /// Post every webhook twice.
    #[arg(long)]
    duplicate_webhooks: bool,
    /// Post forged and old webhooks first.
    #[arg(long)]
    forged_webhooks: bool,
    /// Wrap the payload in `payload.object`.
    #[arg(long)]
    wrapped_payload: bool,
    /// Let the media server answer late, and its messages be up to that late.
    #[arg(long, default_value_t = 0, value_name = "MS")]
    slow_media_ms: u64,
    /// Packets that swap places with the next one.
    #[arg(long, default_value_t = 0.0, value_name = "PERCENT")]
    reorder: f64,
    /// Mix all participants into one stream.
    #[arg(long)]
    mixed: bool,
    /// Sound per message, whatever the bot asks for: a multiple of 20 up to 1000.
    #[arg(long, value_name = "MS")]
    send_rate: Option<u32>,
    /// Send nothing for a participant who is silent.
    #[arg(long)]
    skip_silence: bool,
    /// Send binary frames instead of text frames.
    #[arg(long)]
    binary_frames: bool,
    /// Let both sockets go dead without closing them, at that second (5 if none is given).
    #[arg(long, value_name = "S", num_args = 0..=1, default_missing_value = "5")]
    miss_keepalives: Option<f64>,
    /// Cut the media socket at that second.
    #[arg(long, value_name = "S")]
    drop_media_at: Option<f64>,
    /// Cut both sockets at that second, and post rtms_interrupted.
    #[arg(long, value_name = "S")]
    interrupt_at: Option<f64>,
    /// Let the server fail at that second, and another one take over.
    #[arg(long, value_name = "S")]
    failover_at: Option<f64>,
    /// Let the host pause the stream from one second to the other.
    #[arg(long, value_name = "S:S", value_parser = pair::<f64, f64>)]
    pause_at: Option<(f64, f64)>,
    /// Revoke the stream at that second.
    #[arg(long, value_name = "S")]
    revoke_at: Option<f64>,
    /// Let a participant leave at that second; can be given several times.
    #[arg(long, value_name = "NAME:S", value_parser = pair::<String, f64>)]
    leave_at: Vec<(String, f64)>,
    /// Let a participant come at that second only; can be given several times.
    #[arg(long, value_name = "NAME:S", value_parser = pair::<String, f64>)]
    join_at: Vec<(String, f64)>,
}

fn pair<A: FromStr, B: FromStr>(text: &str) -> Result<(A, B), String> {
    let wrong = || format!("{text:?} is not two values with a colon between");
    let (a, b) = text.rsplit_once(':').ok_or_else(wrong)?;
    Ok((a.parse().map_err(|_| wrong())?, b.parse().map_err(|_| wrong())?))
}

/// Runs the simulator until its meeting is over.
///
/// # Errors
/// If a file cannot be read, an option makes no sense or a secret is missing; says what to do.
pub async fn run(a: Zoom) -> anyhow::Result<()> {
    let call = load(&a.files, &a.channels)?;
    for warning in &call.warnings {
        eprintln!("reframe-bot: {warning}");
    }
    let from_env = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let client_id = a
        .client_id
        .or_else(|| from_env("ZOOM_CLIENT_ID"))
        .context("no client id: give --client-id or set ZOOM_CLIENT_ID, any text that the bot is given too")?;
    let secret = |name: &str| {
        from_env(name).with_context(|| format!("{name} is not set: set it to any text, and give the bot the same"))
    };
    let webhook_secret = if a.webhook.is_some() { secret("ZOOM_WEBHOOK_SECRET")? } else { String::new() };
    let credentials = Credentials::new(client_id, secret("ZOOM_CLIENT_SECRET")?, webhook_secret);
    anyhow::ensure!((0.05..=3_600.0).contains(&a.keep_alive), "--keep-alive {}: use 0.05 to 3600 s", a.keep_alive);
    let chaos = Chaos {
        seed: a.seed,
        late_webhook_ms: a.late_webhook_ms,
        duplicate_webhooks: a.duplicate_webhooks,
        forged_webhooks: a.forged_webhooks,
        wrapped_payload: a.wrapped_payload,
        slow_media_ms: a.slow_media_ms,
        reorder_percent: a.reorder,
        mixed: a.mixed,
        send_rate_ms: a.send_rate,
        skip_silence: a.skip_silence,
        binary_frames: a.binary_frames,
        miss_keep_alives_at: a.miss_keepalives,
        drop_media_at: a.drop_media_at,
        interrupt_at: a.interrupt_at,
        failover_at: a.failover_at,
        pause: a.pause_at,
        revoke_at: a.revoke_at,
        leave_at: a.leave_at,
        join_at: a.join_at,
    };
    let mut meeting = Meeting::new(call, credentials)
        .listen(a.listen)
        .chaos(chaos)
        .speed(a.speed)
        .keep_alive(Duration::from_secs_f64(a.keep_alive))
        .watch(|line| println!("{line}"));
    if let Some(url) = a.webhook {
        meeting = meeting.webhook(url);
    }
    if a.talk_at_once {
        meeting = meeting.talk_at_once();
    }
    let running = meeting.start().await?;
    println!("signalling server {}", running.server_url());
    let report = running.finished().await;
    println!(
        "sent {} audio messages ({} more had nobody to take them) and {} transcripts; keep-alives {} of {} answered; \
         signatures {} right, {} wrong",
        report.audio_sent,
        report.audio_missed,
        report.transcripts_sent,
        report.keep_alives_answered,
        report.keep_alives_sent,
        report.signatures_ok,
        report.signatures_bad
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read() {
        assert_eq!(pair::<f64, f64>("3:4.5"), Ok((3.0, 4.5)));
        assert_eq!(pair::<String, f64>("Ann: B:7"), Ok(("Ann: B".into(), 7.0)));
        assert!(pair::<f64, f64>("3").is_err() && pair::<f64, f64>("a:b").is_err());
    }
}
