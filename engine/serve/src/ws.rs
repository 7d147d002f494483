//! One client on one screen: hello, then messages out and actions in, until somebody leaves.

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes};
use futures_util::{Sink, SinkExt as _, Stream, StreamExt as _};
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, sleep_until, timeout},
};

use crate::{
    gate::RateLimit,
    hub::{Hub, JoinError},
    live::{Away, Next, Watcher},
    router::ServeOptions,
    wire::{BadAction, ClientMessage, ServerBody, VERSION},
};

/// How long a client may take to answer our close before we hang up.
const CLOSE_WITHIN: std::time::Duration = std::time::Duration::from_secs(1);
/// Messages of any kind are refused beyond this many times the limit for actions; a client that sends more is cut off.
const FLOOD_FACTOR: u32 = 4;

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The client left, or the connection broke.
    Left,
    /// It stopped reading or answering.
    Lost,
    /// Sent away: close code, reason for people, reason for the counter.
    Refused(u16, &'static str, &'static str),
    /// The call is over.
    CallOver,
    /// The server stops.
    Stopping,
}

impl End {
    const NOT_A_HELLO: Self = Self::Refused(4400, "the first message must be a hello of version 1", "bad_hello");
    const NO_HELLO: Self = Self::Refused(4408, "no hello came in time", "hello_timeout");
    const BAD_MESSAGE: Self = Self::Refused(4400, "not a message of this protocol", "bad_message");
    const NOT_TEXT: Self = Self::Refused(1003, "messages are text", "bad_message");
    const TOO_BIG: Self = Self::Refused(1009, "the message is too big", "too_big");
    const FLOOD: Self = Self::Refused(4429, "too many messages", "flood");

    fn close(self) -> Option<CloseFrame> {
        let (code, reason) = match self {
            Self::Left | Self::Lost => return None,
            Self::Refused(code, reason, _) => (code, reason),
            Self::CallOver => (4410, "the call is over"),
            Self::Stopping => (1001, "the server is stopping"),
        };
        Some(CloseFrame { code, reason: Utf8Bytes::from_static(reason) })
    }
}

impl From<JoinError> for End {
    fn from(error: JoinError) -> Self {
        match error {
            JoinError::NotFound => Self::Refused(4401, "no such call, or a wrong token", "token"),
            JoinError::TooManyClients => Self::Refused(4429, "this call is open on too many screens", "too_many"),
            JoinError::ShuttingDown => Self::Stopping,
        }
    }
}

/// Runs a session on `socket` to its end. `stranger` is given back once the client has proved that it may be here.
pub(crate) async fn run<S, E>(
    hub: &Hub,
    call: &str,
    mut socket: S,
    options: &ServeOptions,
    stranger: OwnedSemaphorePermit,
) where
    S: Stream<Item = Result<Message, E>> + Sink<Message> + Unpin,
{
    let end = match hello(hub, call, &mut socket, options).await {
        Err(end) => end,
        Ok(watcher) => {
            drop(stranger);
            let (mut sink, mut stream) = (&mut socket).split();
            // Reading and writing go on at the same time: a client that does not read can still act, and the other way round.
            tokio::select! {
                end = read(&watcher, &mut stream, options) => end,
                end = write(hub, &watcher, &mut sink, options) => end,
            }
        }
    };
    match end {
        End::Refused(_, _, reason) => hub.stats().turned_away(reason),
        End::Lost => hub.stats().clients_lost.inc(),
        End::Left | End::CallOver | End::Stopping => {}
    }
    tracing::debug!(call, ?end, "screen left");
    if let Some(frame) = end.close() {
        let goodbye = async {
            if socket.send(Message::Close(Some(frame))).await.is_ok() {
                // Hanging up with unread messages would make the kernel throw away our close frame.
                while let Some(Ok(message)) = socket.next().await {
                    if matches!(message, Message::Close(_)) {
                        break;
                    }
                }
            }
        };
        if timeout(CLOSE_WITHIN, goodbye).await.is_err() {
            tracing::debug!(call, "screen did not answer the close");
        }
    }
}

async fn hello<S, E>(hub: &Hub, call: &str, socket: &mut S, options: &ServeOptions) -> Result<Watcher, End>
where
    S: Stream<Item = Result<Message, E>> + Unpin,
{
    let first = async {
        loop {
            match socket.next().await {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => return other,
            }
        }
    };
    let text = match timeout(options.hello_timeout, first).await {
        Err(_) => return Err(End::NO_HELLO),
        Ok(None | Some(Err(_) | Ok(Message::Close(_)))) => return Err(End::Left),
        Ok(Some(Ok(Message::Text(text)))) => text,
        Ok(Some(Ok(_))) => return Err(End::NOT_TEXT),
    };
    if text.len() > options.max_message_bytes {
        return Err(End::TOO_BIG);
    }
    match serde_json::from_str(text.as_str()) {
        Ok(ClientMessage::Hello { v: VERSION, token, resume_from }) => Ok(hub.join(call, &token, resume_from)?),
        _ => Err(End::NOT_A_HELLO),
    }
}

async fn read<S, E>(watcher: &Watcher, stream: &mut S, options: &ServeOptions) -> End
where
    S: Stream<Item = Result<Message, E>> + Unpin,
{
    let mut actions = RateLimit::new(options.actions_per_s, Instant::now());
    let mut messages = RateLimit::new(options.actions_per_s.saturating_mul(FLOOD_FACTOR), Instant::now());
    loop {
        let text = match timeout(options.idle_timeout, stream.next()).await {
            Err(_) => return End::Lost,
            Ok(None | Some(Err(_) | Ok(Message::Close(_)))) => return End::Left,
            Ok(Some(Ok(Message::Text(text)))) => text,
            Ok(Some(Ok(Message::Binary(_)))) => return End::NOT_TEXT,
            Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => Utf8Bytes::default(),
        };
        if !messages.allow(Instant::now()) {
            return End::FLOOD;
        }
        if text.is_empty() {
            continue;
        }
        if text.len() > options.max_message_bytes {
            return End::TOO_BIG;
        }
        match serde_json::from_str(text.as_str()) {
            Ok(ClientMessage::Pong { .. }) => {}
            Ok(ClientMessage::Action(action)) => {
                let done = action.to_rep();
                if done == Err(BadAction::Incomplete) {
                    return End::BAD_MESSAGE;
                }
                match done {
                    _ if !actions.allow(Instant::now()) => watcher.refuse(action.act, action.card, "too_fast"),
                    Ok(rep) => watcher.act(rep),
                    Err(_) => watcher.refuse(action.act, action.card, "too_long"),
                }
            }
            Ok(ClientMessage::Hello { .. }) | Err(_) => return End::BAD_MESSAGE,
        }
    }
}

async fn write<S>(hub: &Hub, watcher: &Watcher, sink: &mut S, options: &ServeOptions) -> End
where
    S: Sink<Message> + Unpin,
{
    let ping = hub.options().ping;
    let (mut next_ping, mut pings) = (Instant::now() + ping, 0u64);
    let mut captions_from = Instant::now();
    let mut first = Some(watcher.ack.clone());
    loop {
        let now = Instant::now();
        let text: Utf8Bytes = if let Some(ack) = first.take() {
            ack.to_json().into()
        } else if now >= next_ping {
            next_ping = now + ping;
            pings += 1;
            ServerBody::Ping { n: pings }.to_json().into()
        } else {
            let wake_at = match watcher.next(now >= captions_from) {
                Next::Send(text) => Ok(text),
                Next::SendCaption(text) => {
                    captions_from = now + options.caption_gap;
                    Ok(text)
                }
                Next::Wait => Err(next_ping),
                Next::CaptionLater => Err(next_ping.min(captions_from)),
                Next::Leave(Away::CallOver) => return End::CallOver,
                Next::Leave(Away::Stopping) => return End::Stopping,
            };
            match wake_at {
                Ok(text) => text,
                Err(at) => {
                    tokio::select! {
                        () = watcher.notify.notified() => {}
                        () = sleep_until(at) => {}
                    }
                    continue;
                }
            }
        };
        match timeout(options.write_timeout, sink.send(Message::Text(text))).await {
            Err(_) => return End::Lost,
            Ok(Err(_)) => return End::Left,
            Ok(Ok(())) => hub.stats().messages.inc(),
        }
    }
}
