//! Any file as a participant: plays recordings into a call over every way in, at the pace of the world or as fast as it
//! is taken.

pub mod cli;
mod decode;
mod opus;
mod over_rtms;
mod over_socket;
mod over_whip;
mod schedule;
mod source;
mod wire;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::bail;

pub use self::{
    schedule::Loss,
    source::{Call, Sound, Voice, load},
};
use crate::{script::Network, whip::Bad};

/// How fast to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Every packet at the moment its last sample is spoken.
    RealTime,
    /// As fast as the server takes it. For recordings.
    AsFastAsTaken,
}

/// What to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Opus files as they are stored, everything else as PCM.
    AsStored,
    /// Everything as PCM.
    Pcm,
}

/// What happens while playing.
#[derive(Clone, Debug, PartialEq)]
pub enum PlayEvent {
    /// The call is open and sound begins.
    Started {
        /// Its id.
        call: String,
        /// Where the rep's screen is, if the server says so.
        overlay_url: Option<String>,
        /// Wall time of the first sample: media time `t` is spoken at `zero + t`. Only of meaning at
        /// [`Pace::RealTime`].
        zero: Instant,
    },
    /// The connection is gone for now; sound goes on into the void until it is back.
    Broken {
        /// How it broke.
        why: String,
    },
    /// The server threw packets away.
    Dropped {
        /// How many.
        packets: u64,
        /// Why, in its words.
        why: String,
    },
    /// All sound was sent; the server is finishing the call.
    Sent,
}

/// How it went.
#[derive(Clone, Debug, PartialEq)]
pub struct PlayReport {
    /// The call's id.
    pub call: String,
    /// Where the rep's screen was, if the server said so.
    pub overlay_url: Option<String>,
    /// Wall time of the first sample: media time `t` was spoken at `zero + t`. Only of meaning at [`Pace::RealTime`].
    pub zero: Instant,
    /// Sound played, in ms of media time.
    pub media_ms: u64,
    /// Packets sent.
    pub packets: u64,
    /// Packets withheld on purpose, as a bad network would.
    pub lost: u64,
    /// Packets the server said it threw away.
    pub dropped: u64,
    /// Packets that were overtaken on purpose.
    pub reordered: u64,
    /// The furthest any packet was sent behind its time.
    pub worst_late: Duration,
    /// The server's last message, as it came; null over WHIP, which has none.
    pub ended: serde_json::Value,
}

/// Plays voices as the participants of one call.
#[derive(Clone, Debug)]
pub struct Player {
    url: String,
    token: Option<String>,
    call: Option<String>,
    title: Option<String>,
    playbook: Option<String>,
    context: Vec<String>,
    pace: Pace,
    recorded: Option<bool>,
    packet_ms: u32,
    encoding: Encoding,
    rate_hz: Option<u32>,
    loss: Option<Loss>,
    bad: Bad,
    skew_ppm: Vec<f64>,
    lead: Duration,
    voices: Vec<Voice>,
}

impl Player {
    /// A player for the server at `url`: `ws://HOST:PORT/v1/ingest` is its socket, `http://HOST:PORT/v1/whip` WebRTC
    /// (`wss` and `https` too); `rtms://HOST:PORT` is no server but a Zoom bot that takes webhooks there, and its secrets
    /// come from the environment. Without a path the usual one is taken.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            token: None,
            call: None,
            title: None,
            playbook: None,
            context: Vec::new(),
            pace: Pace::RealTime,
            recorded: None,
            packet_ms: 20,
            encoding: Encoding::AsStored,
            rate_hz: None,
            loss: None,
            bad: Bad::default(),
            skew_ppm: Vec::new(),
            lead: Duration::from_millis(50),
            voices: Vec::new(),
        }
    }

    /// Token to show.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Id to ask for.
    #[must_use]
    pub fn call_id(mut self, call: impl Into<String>) -> Self {
        self.call = Some(call.into());
        self
    }

    /// Title to show.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Playbook to play against.
    #[must_use]
    pub fn playbook(mut self, playbook: impl Into<String>) -> Self {
        self.playbook = Some(playbook.into());
        self
    }

    /// Names that may be said.
    #[must_use]
    pub fn context(mut self, names: Vec<String>) -> Self {
        self.context = names;
        self
    }

    /// How fast to send. [`Pace::RealTime`] unless said otherwise.
    #[must_use]
    pub const fn pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// Is it a recording to the server? Unless said otherwise it is one exactly if it is not played in real time.
    #[must_use]
    pub const fn recorded(mut self, recorded: bool) -> Self {
        self.recorded = Some(recorded);
        self
    }

    /// Length of PCM packets, 5 to 1000 ms. 20 unless said otherwise; Opus keeps its own.
    #[must_use]
    pub const fn packet_ms(mut self, packet_ms: u32) -> Self {
        self.packet_ms = packet_ms;
        self
    }

    /// What to send. [`Encoding::AsStored`] unless said otherwise.
    #[must_use]
    pub const fn encoding(mut self, encoding: Encoding) -> Self {
        self.encoding = encoding;
        self
    }

    /// Sample rate of PCM: 8000, 16000, 24000, 44100 or 48000. The file's own (16000 for Opus) unless said otherwise.
    #[must_use]
    pub const fn rate_hz(mut self, rate_hz: u32) -> Self {
        self.rate_hz = Some(rate_hz);
        self
    }

    /// Packets to lose on purpose; what the call's script says unless said otherwise.
    #[must_use]
    pub const fn loss(mut self, loss: Loss) -> Self {
        self.loss = Some(loss);
        self
    }

    /// Packets to delay and to reorder on purpose; over WHIP only, a socket keeps the order.
    #[must_use]
    pub const fn bad(mut self, bad: Bad) -> Self {
        self.bad = bad;
        self
    }

    /// How much slower than this machine's clock each participant's own runs, in parts per million: a sound card that
    /// takes 1.0001 s for what it calls a second has 100. Over WHIP only; those not named have good clocks.
    #[must_use]
    pub fn skew_ppm(mut self, skew_ppm: Vec<f64>) -> Self {
        self.skew_ppm = skew_ppm;
        self
    }

    /// Time between the server's answer and the first sample. 50 ms unless said otherwise.
    #[must_use]
    pub const fn lead(mut self, lead: Duration) -> Self {
        self.lead = lead;
        self
    }

    /// Adds a participant.
    #[must_use]
    pub fn voice(mut self, voice: Voice) -> Self {
        self.voices.push(voice);
        self
    }

    /// Adds all of a loaded call: its participants, and its title, playbook and network where none were given.
    #[must_use]
    #[allow(clippy::should_implement_trait)]
    pub fn add(mut self, call: Call) -> Self {
        self.voices.extend(call.voices);
        if let Some(script) = call.script {
            self.title.get_or_insert(script.title);
            self.playbook.get_or_insert(script.playbook);
            if let Some(Network { loss_percent, seed, burst }) = script.network {
                self.loss.get_or_insert(Loss { percent: loss_percent, seed, burst });
            }
        }
        self
    }

    /// Plays it all, and waits until the server has finished the call (over WHIP: has taken its end).
    ///
    /// # Errors
    /// If the server cannot be reached or refuses something: in its words, which say what to do.
    pub async fn run(self) -> anyhow::Result<PlayReport> {
        self.run_with(|_| {}).await
    }

    /// As [`run`](Self::run), telling `on_event` what happens meanwhile.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub async fn run_with(mut self, mut on_event: impl FnMut(PlayEvent) + Send) -> anyhow::Result<PlayReport> {
        if !(5..=1_000).contains(&self.packet_ms) {
            bail!("packets of {} ms: use 5 to 1000 ms", self.packet_ms);
        }
        let way = Way::of(&self.url)?;
        self.url = way.url(&self.url);
        match way {
            Way::Socket => over_socket::play(self, &mut on_event).await,
            Way::Whip => over_whip::play(self, &mut on_event).await,
            Way::Rtms => over_rtms::play(self, &mut on_event).await,
        }
    }
}

/// A way into the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Socket,
    Whip,
    Rtms,
}

impl Way {
    fn of(url: &str) -> anyhow::Result<Self> {
        match url.split_once("://").map(|(scheme, _)| scheme) {
            Some("ws" | "wss") => Ok(Self::Socket),
            Some("http" | "https") => Ok(Self::Whip),
            Some("rtms") => Ok(Self::Rtms),
            _ => bail!(
                "{url:?} is no server: write ws://HOST:PORT/v1/ingest, http://HOST:PORT/v1/whip, or rtms://HOST:PORT for \
                 a Zoom bot"
            ),
        }
    }

    /// `url`, with the usual path if it has none.
    fn url(self, url: &str) -> String {
        let bare = url.split_once("://").is_some_and(|(_, rest)| !rest.trim_end_matches('/').contains(['/', '?']));
        let path = match self {
            Self::Socket => "/v1/ingest",
            Self::Whip => "/v1/whip",
            Self::Rtms => "/",
        };
        if bare { format!("{}{path}", url.trim_end_matches('/')) } else { url.to_owned() }
    }
}

/// An id for a call that was given none: nothing else would let a second connection find it.
fn new_id(kind: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("{kind}-{}", now.as_micros())
}

/// A report of a call that has just begun.
fn begun(call: String, overlay_url: Option<String>, zero: Instant) -> PlayReport {
    PlayReport {
        call,
        overlay_url,
        zero,
        media_ms: 0,
        packets: 0,
        lost: 0,
        dropped: 0,
        reordered: 0,
        worst_late: Duration::ZERO,
        ended: serde_json::Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_path_is_filled_in() {
        for (given, meant) in [
            ("http://h:1", "http://h:1/v1/whip"),
            ("https://h/", "https://h/v1/whip"),
            ("http://h:1/own/whip?x=1", "http://h:1/own/whip?x=1"),
            ("ws://h:1", "ws://h:1/v1/ingest"),
            ("rtms://h:1", "rtms://h:1/"),
            ("wss://h/v1/ingest", "wss://h/v1/ingest"),
        ] {
            assert_eq!(Way::of(given).unwrap().url(given), meant);
        }
        assert!(Way::of("h:1").is_err() && Way::of("ftp://h").is_err());
    }
}
