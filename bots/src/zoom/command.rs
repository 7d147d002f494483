//! `reframe-bot zoom`: its options, its secrets, and running it.

use std::{net::SocketAddr, sync::Arc};

use anyhow::{Context as _, bail};
use clap::{Args, ValueEnum};
use tokio::net::TcpListener;

use super::{
    exchange::{Settings, Timing},
    io::{self, Config},
    protocol::AudioParameters,
    sign::Secret,
    webhook::WebhookCounters,
};
use crate::engine::Opening;

/// What audio to ask Zoom for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Codec {
    /// PCM at 16 kHz: nothing is lost, 256 kbit/s for each participant.
    L16,
    /// Opus: a tenth of that.
    Opus,
}

/// What counts as everybody's consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ConsentFrom {
    /// Nothing: nobody is heard before consent is on record.
    None,
    /// Zoom's own notice to everybody in the meeting.
    Platform,
}

/// When to work from Zoom's transcript.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Transcript {
    /// Never.
    Never,
    /// When Zoom refuses the audio.
    Fallback,
    /// Always; no audio is asked for.
    Only,
}

/// Options of `reframe-bot zoom`. Secrets come from the environment: `ZOOM_CLIENT_ID`, `ZOOM_CLIENT_SECRET`,
/// `ZOOM_WEBHOOK_SECRET`, `REFRAME_TOKEN`.
#[derive(Args, Clone, Debug)]
pub struct Zoom {
    /// Where Zoom's webhooks come in. Put a proxy with TLS before it: Zoom speaks https alone.
    #[arg(long, default_value = "127.0.0.1:7312", value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// The engine's ingest.
    #[arg(long, default_value = "ws://127.0.0.1:7311/v1/ingest", value_name = "URL")]
    pub engine: String,
    /// Playbook to play against.
    #[arg(long)]
    pub playbook: Option<String>,
    /// Title for the calls.
    #[arg(long, default_value = "Zoom meeting")]
    pub title: String,
    /// Length of Zoom's audio messages in ms: 20 to 1000, in steps of 20. Longer ones make cards come later.
    #[arg(long, default_value_t = 20, value_name = "MS")]
    pub send_rate: u32,
    /// Codec of Zoom's audio. Opus only with a send rate of 20.
    #[arg(long, value_enum, default_value = "l16")]
    pub codec: Codec,
    /// One track for everybody: the speakers are then unknown.
    #[arg(long)]
    pub mixed: bool,
    /// Work from Zoom's transcript.
    #[arg(long, value_enum, default_value = "never", num_args = 0..=1, default_missing_value = "fallback")]
    pub transcript: Transcript,
    /// What counts as consent of everybody in the meeting.
    #[arg(long, value_enum, default_value = "none")]
    pub consent: ConsentFrom,
    /// The host tells everybody what has to be told; put it on record.
    #[arg(long)]
    pub disclosed_by_host: bool,
    /// Most meetings at once.
    #[arg(long, default_value_t = 16)]
    pub max_meetings: usize,
}

impl Zoom {
    /// The settings, with the secrets that `env` knows by name.
    ///
    /// # Errors
    /// If a secret is missing or options do not go together; says what to do.
    pub fn config(&self, env: impl Fn(&str) -> Option<String>) -> anyhow::Result<Config> {
        let needed = |name: &str| match env(name) {
            Some(value) if !value.trim().is_empty() => Ok(value.trim().to_owned()),
            _ => bail!(
                "{name} is not set; it is in the Zoom Marketplace, on the page of your app (docs/platforms/zoom.md)"
            ),
        };
        let audio = (self.transcript != Transcript::Only).then(|| self.audio()).transpose()?;
        let mut engine = Opening::new(self.engine.clone());
        engine.token = env("REFRAME_TOKEN");
        engine.playbook.clone_from(&self.playbook);
        engine.title = Some(self.title.clone());
        Ok(Config {
            webhook_secret: Secret::new(needed("ZOOM_WEBHOOK_SECRET")?),
            settings: Settings {
                client_id: needed("ZOOM_CLIENT_ID")?,
                client_secret: Secret::new(needed("ZOOM_CLIENT_SECRET")?),
                audio,
                transcript: self.transcript != Transcript::Never,
                platform_consent: self.consent == ConsentFrom::Platform,
                timing: Timing::default(),
            },
            engine,
            max_meetings: self.max_meetings.max(1),
            disclosed_by_host: self.disclosed_by_host,
        })
    }

    /// Zoom's numbers for the audio asked for.
    fn audio(&self) -> anyhow::Result<AudioParameters> {
        if !(20..=1_000).contains(&self.send_rate) || !self.send_rate.is_multiple_of(20) {
            bail!("--send-rate {} is not possible; use 20 to 1000 in steps of 20", self.send_rate);
        }
        if self.codec == Codec::Opus && self.send_rate != 20 {
            bail!("--codec opus needs --send-rate 20: a message must hold exactly one packet");
        }
        let (codec, sample_rate) = match self.codec {
            Codec::L16 => (1, 1),
            Codec::Opus => (4, 3),
        };
        Ok(AudioParameters {
            content_type: 2,
            sample_rate,
            channel: 1,
            codec,
            data_opt: if self.mixed { 1 } else { 2 },
            send_rate: self.send_rate,
        })
    }
}

/// Runs `reframe-bot zoom` until ctrl-c.
///
/// # Errors
/// If an option or a secret is wrong, or the address is taken.
pub async fn run(options: Zoom) -> anyhow::Result<()> {
    let config = options.config(|name| std::env::var(name).ok())?;
    let listener = TcpListener::bind(options.listen)
        .await
        .with_context(|| format!("cannot listen on {}; choose another --listen", options.listen))?;
    println!("waiting for Zoom's webhooks on http://{}", listener.local_addr()?);
    tokio::select! {
        ran = io::run(listener, config, Arc::new(WebhookCounters::default())) => ran,
        _ = tokio::signal::ctrl_c() => {
            println!("stopped; meetings that are still on are gone on with if the bot is started again within 30 s");
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        zoom: Zoom,
    }

    fn options(words: &[&str]) -> Zoom {
        Program::parse_from(std::iter::once("zoom").chain(words.iter().copied())).zoom
    }

    fn secrets(name: &str) -> Option<String> {
        Some(format!("{name}-value"))
    }

    #[test]
    fn defaults_wait_for_consent_and_ask_for_everybody_apart() {
        let config = options(&[]).config(secrets).unwrap();
        let audio = config.settings.audio.unwrap();
        assert_eq!((audio.codec, audio.sample_rate, audio.data_opt, audio.send_rate), (1, 1, 2, 20));
        assert!(!config.settings.platform_consent && !config.settings.transcript && !config.disclosed_by_host);
        assert_eq!(config.engine.token.as_deref(), Some("REFRAME_TOKEN-value"));
        let shown = format!("{config:?}");
        for secret in ["ZOOM_CLIENT_SECRET-value", "ZOOM_WEBHOOK_SECRET-value", "REFRAME_TOKEN-value"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }

    #[test]
    fn options_that_do_not_go_together_say_so() {
        for bad in [
            &["--send-rate", "30"][..],
            &["--send-rate", "0"],
            &["--send-rate", "1020"],
            &["--codec", "opus", "--send-rate", "100"],
        ] {
            assert!(options(bad).config(secrets).is_err(), "{bad:?}");
        }
        let missing = options(&[]).config(|name| (name != "ZOOM_CLIENT_SECRET").then(|| "x".into())).unwrap_err();
        assert!(missing.to_string().contains("ZOOM_CLIENT_SECRET"), "{missing}");
        assert!(options(&["--transcript"]).config(secrets).unwrap().settings.transcript);
        assert_eq!(options(&["--transcript", "only"]).config(secrets).unwrap().settings.audio, None);
        assert_eq!(options(&["--mixed"]).config(secrets).unwrap().settings.audio.unwrap().data_opt, 1);
    }
}
