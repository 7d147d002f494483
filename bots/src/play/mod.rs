//! Any file as a participant: plays recordings into the engine's WebSocket ingest, at the pace of the world or as fast
//! as it is taken.

mod schedule;
mod source;
mod wire;

use std::time::Duration;

use anyhow::{Context as _, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until, timeout},
};
use tokio_tungstenite::tungstenite::{
    Message,
    client::IntoClientRequest as _,
    http::{HeaderValue, header},
};

pub use self::{
    schedule::Loss,
    source::{Call, Sound, Voice, load},
};
use self::{
    schedule::Schedule,
    wire::{Heard, read},
};
use crate::script::Network;

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
        zero: std::time::Instant,
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
    pub zero: std::time::Instant,
    /// Sound played, in ms of media time.
    pub media_ms: u64,
    /// Packets sent.
    pub packets: u64,
    /// Packets withheld on purpose, as a bad network would.
    pub lost: u64,
    /// Packets the server said it threw away.
    pub dropped: u64,
    /// The furthest any packet was sent behind its time.
    pub worst_late: Duration,
    /// The server's last message, as it came.
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
    loss: Loss,
    lead: Duration,
    voices: Vec<Voice>,
}

impl Player {
    /// A player for the ingest at `url` (`ws://127.0.0.1:PORT/v1/ingest`).
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
            loss: Loss::default(),
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

    /// Packets to lose on purpose.
    #[must_use]
    pub const fn loss(mut self, loss: Loss) -> Self {
        self.loss = loss;
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
            if let Some(Network { loss_percent, seed, burst }) = script.network
                && self.loss == Loss::default()
            {
                self.loss = Loss { percent: loss_percent, seed, burst };
            }
        }
        self
    }

    /// Plays it all, and waits until the server has finished the call.
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
    pub async fn run_with(self, mut on_event: impl FnMut(PlayEvent) + Send) -> anyhow::Result<PlayReport> {
        if !(5..=1_000).contains(&self.packet_ms) {
            bail!("packets of {} ms: use 5 to 1000 ms", self.packet_ms);
        }
        let recorded = self.recorded.unwrap_or(self.pace == Pace::AsFastAsTaken);
        let voices = source::prepare(self.voices, self.encoding, self.rate_hz)?;
        let start = wire::start(&wire::Opening {
            call: self.call.as_deref(),
            title: self.title.as_deref(),
            playbook: self.playbook.as_deref(),
            context: &self.context,
            recorded,
            voices: &voices,
        });

        let (mut sink, mut stream) = connect(&self.url, self.token.as_deref()).await?.split();
        sink.send(Message::Text(start.into())).await?;
        // Bounded: the server's notices are rate limited, and the loop below always listens.
        let (heard, mut ears) = mpsc::channel(64);
        tokio::spawn(async move {
            while let Some(message) = stream.next().await {
                let heard_one = match message {
                    Ok(Message::Text(text)) => read(&text),
                    Ok(Message::Close(_)) => None,
                    Ok(_) => continue,
                    Err(error) => Some(Heard::Broken(error.to_string())),
                };
                let Some(one) = heard_one else { break };
                if heard.send(one).await.is_err() {
                    break;
                }
            }
        });

        let (call, overlay_url) = match timeout(Duration::from_secs(30), ears.recv()).await {
            Ok(Some(Heard::Started { call, overlay_url })) => (call, overlay_url),
            Ok(other) => bail!(refusal(other)),
            Err(_) => bail!("the server did not answer `start` within 30 s"),
        };
        let zero = Instant::now() + self.lead;
        on_event(PlayEvent::Started { call: call.clone(), overlay_url: overlay_url.clone(), zero: zero.into_std() });
        let mut report = PlayReport {
            call,
            overlay_url,
            zero: zero.into_std(),
            media_ms: 0,
            packets: 0,
            lost: 0,
            dropped: 0,
            worst_late: Duration::ZERO,
            ended: serde_json::Value::Null,
        };

        let mut schedule = Schedule::new(&voices, self.packet_ms, self.loss);
        let mut next = schedule.next();
        loop {
            let due = match (&next, self.pace) {
                (Some(packet), Pace::RealTime) => Some(zero + Duration::from_micros(packet.due_us)),
                (Some(_), Pace::AsFastAsTaken) => Some(zero),
                (None, _) => None,
            };
            tokio::select! {
                one = ears.recv() => match one {
                    Some(Heard::Dropped { packets, why }) => {
                        report.dropped += packets;
                        on_event(PlayEvent::Dropped { packets, why });
                    }
                    Some(Heard::Ended(message)) => {
                        report.ended = message;
                        return Ok(report);
                    }
                    Some(Heard::Other) => {}
                    other => bail!(refusal(other)),
                },
                () = sleep_until(due.unwrap_or(zero)), if due.is_some() => {
                    let Some(packet) = next.take() else { continue };
                    next = schedule.next();
                    report.media_ms = packet.due_us / 1_000;
                    if self.pace == Pace::RealTime {
                        let late = due.map_or(Duration::ZERO, |due| due.elapsed());
                        report.worst_late = report.worst_late.max(late);
                    }
                    if packet.lost {
                        report.lost += 1;
                    } else {
                        report.packets += 1;
                        if let Err(error) = sink.send(Message::Binary(packet.message.into())).await {
                            // The server may have said why before it hung up.
                            bail!(why_broken(&mut ears, error.to_string()).await);
                        }
                    }
                    if next.is_none() {
                        sink.send(Message::Text(r#"{"type":"stop"}"#.into())).await?;
                        on_event(PlayEvent::Sent);
                    }
                }
                () = tokio::time::sleep(Duration::from_secs(180)), if due.is_none() => {
                    bail!("the server did not finish the call within 180 s");
                }
            }
        }
    }
}

type Socket = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

async fn connect(url: &str, token: Option<&str>) -> anyhow::Result<Socket> {
    let mut request = url.into_client_request().with_context(|| format!("{url} is no WebSocket address"))?;
    if let Some(token) = token {
        let value = HeaderValue::from_str(&format!("Bearer {token}")).context("the token holds odd characters")?;
        request.headers_mut().insert(header::AUTHORIZATION, value);
    }
    // Small packets at a steady pace: waiting to fill a segment would only add delay.
    match tokio_tungstenite::connect_async_with_config(request, None, true).await {
        Ok((socket, _)) => Ok(socket),
        Err(tokio_tungstenite::tungstenite::Error::Http(response)) => {
            let said = response.body().as_deref().and_then(|body| read(&String::from_utf8_lossy(body)));
            match said {
                Some(Heard::Refused(why)) => bail!("the server refused: {why}"),
                _ => bail!("the server refused with HTTP {}", response.status()),
            }
        }
        Err(error) => Err(error).with_context(|| format!("cannot reach {url}; is the server running?")),
    }
}

fn refusal(heard: Option<Heard>) -> String {
    match heard {
        Some(Heard::Refused(why)) => format!("the server refused: {why}"),
        Some(Heard::Broken(why)) => format!("the connection broke: {why}"),
        Some(_) => "the server said something unexpected".into(),
        None => "the server closed the connection".into(),
    }
}

async fn why_broken(ears: &mut mpsc::Receiver<Heard>, error: String) -> String {
    while let Ok(Some(one)) = timeout(Duration::from_secs(1), ears.recv()).await {
        if matches!(one, Heard::Refused(_)) {
            return refusal(Some(one));
        }
    }
    format!("the connection broke: {error}")
}
