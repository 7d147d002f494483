//! What a meeting's session is told, what it says is to be done, and its settings. No IO.

use std::time::Duration;

use super::{
    media::{MediaCounts, ToEngine},
    notice::Webhook,
    protocol::AudioParameters,
    sign::Secret,
};

/// Waiting times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// For a connection and its handshake. Default 10 s.
    pub handshake: Duration,
    /// A socket on which nothing came for so long is lost. Default 35 s: Zoom asks every 10 s when nothing else comes, and
    /// three missed are the end.
    pub keep_alive: Duration,
    /// First wait before trying again; doubles each time. Default 3 s, as Zoom says.
    pub backoff_first: Duration,
    /// Longest wait before trying again. Default 30 s, as Zoom says.
    pub backoff_most: Duration,
    /// How long to try. Default 120 s: Zoom waits 60 s, and its webhook may be late.
    pub give_up: Duration,
    /// How long to wait for a new stream when Zoom stopped one that is to be started again. Default 60 s.
    pub restart: Duration,
    /// How long to wait for the webhook that says why, when the stream ended. Default 3 s.
    pub farewell: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            keep_alive: Duration::from_secs(35),
            backoff_first: Duration::from_secs(3),
            backoff_most: Duration::from_secs(30),
            give_up: Duration::from_secs(120),
            restart: Duration::from_secs(60),
            farewell: Duration::from_secs(3),
        }
    }
}

/// How to speak with Zoom, the same for every meeting.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The app's client id.
    pub client_id: String,
    /// The app's client secret.
    pub client_secret: Secret,
    /// Audio to ask for; `None`: the transcript alone.
    pub audio: Option<AudioParameters>,
    /// Take the transcript where audio is refused.
    pub transcript: bool,
    /// Zoom's own notice counts as consent of everybody in the meeting.
    pub platform_consent: bool,
    /// Waiting times.
    pub timing: Timing,
}

/// Zoom's two sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Socket {
    /// Says how the stream is doing.
    Signalling,
    /// Brings sound or words.
    Media,
}

/// What came in.
#[derive(Debug)]
pub enum Input {
    /// A webhook about this call.
    Webhook(Webhook),
    /// The socket is open.
    Opened(Socket),
    /// A text message came.
    Message(Socket, String),
    /// The socket is closed, or could not be opened.
    Closed(Socket, String),
    /// Time passed.
    Tick,
    /// There is no call of the engine's any more.
    EngineOver(String),
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Open the socket; in place of the one that was open, if there was one.
    Connect(Socket, String),
    /// Send a text message.
    Send(Socket, String),
    /// Close the socket. Nothing is to be heard of it any more.
    Close(Socket),
    /// Tell the engine.
    Engine(ToEngine),
    /// It is over.
    Done(String),
}

/// What became of messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Webhooks that said what was known.
    pub duplicate_webhooks: u64,
    /// Webhooks that came too late to be of use.
    pub stale_webhooks: u64,
    /// Messages that could not be understood.
    pub bad_messages: u64,
    /// Messages of types that are not known here.
    pub unknown_messages: u64,
    /// Keep-alives answered.
    pub keep_alives: u64,
    /// Connections opened again.
    pub reconnects: u64,
    /// Media.
    pub media: MediaCounts,
}
