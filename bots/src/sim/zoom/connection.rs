//! One socket of a client: brought up, read, and written to in order.

use std::{sync::Arc, time::Duration};

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Notify, mpsc},
    time::{Instant, sleep_until, timeout},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        self, Message,
        handshake::server::{Request, Response},
        http::{HeaderValue, header::SEC_WEBSOCKET_PROTOCOL},
        protocol::{CloseFrame, WebSocketConfig, frame::coding::CloseCode},
    },
};

use super::protocol::MAX_CLIENT_BYTES;

/// Messages that wait for a slow client: 40 s of two participants at 20 ms, so that a busy machine cuts nobody off. When
/// full, the client is.
const WAITING: usize = 4_096;

/// What a socket tells the meeting.
pub enum News {
    /// A client connected; it has said nothing yet.
    Opened {
        /// Number of the connection.
        id: u64,
        /// Which server.
        server: usize,
        /// The path asked for.
        path: String,
        /// How to send to it.
        client: Client,
    },
    /// It said something.
    Said {
        /// Number of the connection.
        id: u64,
        /// What.
        message: Vec<u8>,
    },
    /// It is gone.
    Gone {
        /// Number of the connection.
        id: u64,
        /// It said good-bye.
        properly: bool,
    },
    /// A webhook was delivered, or given up.
    Posted(super::webhook::Outcome),
}

enum Out {
    Message { message: Message, not_before: Option<Instant> },
    Close,
}

/// The meeting's end of a socket. Dropped, the socket closes once all is sent.
pub struct Client {
    out: mpsc::Sender<Out>,
    cut: Arc<Notify>,
}

impl Client {
    /// Sends, at the earliest at `not_before`; `false` if the client does not read.
    pub fn send(&self, text: String, binary: bool, not_before: Option<Instant>) -> bool {
        let message = if binary { Message::Binary(text.into_bytes().into()) } else { Message::Text(text.into()) };
        match self.out.try_send(Out::Message { message, not_before }) {
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => true,
            Err(mpsc::error::TrySendError::Full(_)) => false,
        }
    }

    /// Closes it as good manners ask, after what was sent before.
    pub fn close(self) {
        // Full or closed: it ends all the same, as this was the last sender.
        drop(self.out.try_send(Out::Close));
    }

    /// Cuts it without a word, whatever is still to be sent.
    pub fn cut(self) {
        self.cut.notify_one();
    }
}

/// Takes connections for ever.
pub async fn accept(listener: TcpListener, server: usize, tell: mpsc::Sender<News>) {
    // Even numbers for one server, odd ones for the other.
    let mut id = server as u64;
    loop {
        match listener.accept().await {
            Ok((socket, _)) => {
                id += 2;
                tokio::spawn(serve(socket, id, server, tell.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "the simulator cannot take a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn serve(socket: TcpStream, id: u64, server: usize, tell: mpsc::Sender<News>) {
    // Audio in small messages at a steady pace: waiting to fill a segment would only add delay.
    if let Err(error) = socket.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let mut path = String::new();
    #[allow(clippy::result_large_err)] // the callback's type is the crate's
    let look = |request: &Request, mut response: Response| {
        request.uri().path().clone_into(&mut path);
        // Zoom's SDK asks for the subprotocol "websocket" and hangs up if it does not get it.
        let wanted = request.headers().get(SEC_WEBSOCKET_PROTOCOL).and_then(|v| v.to_str().ok());
        if let Some(first) = wanted.and_then(|all| all.split(',').next())
            && let Ok(value) = HeaderValue::from_str(first.trim())
        {
            response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, value);
        }
        Ok(response)
    };
    let config =
        WebSocketConfig::default().max_message_size(Some(MAX_CLIENT_BYTES)).max_frame_size(Some(MAX_CLIENT_BYTES));
    let upgrade = tokio_tungstenite::accept_hdr_async_with_config(socket, look, Some(config));
    let Ok(Ok(mut socket)) = timeout(Duration::from_secs(10), upgrade).await else { return };
    let (out, outbox) = mpsc::channel(WAITING);
    let cut = Arc::new(Notify::new());
    let client = Client { out, cut: Arc::clone(&cut) };
    if tell.send(News::Opened { id, server, path, client }).await.is_err() {
        return;
    }
    tokio::select! {
        () = cut.notified() => {}
        () = talk(&mut socket, id, outbox, tell) => {}
    }
}

async fn talk(
    socket: &mut WebSocketStream<TcpStream>,
    id: u64,
    mut outbox: mpsc::Receiver<Out>,
    tell: mpsc::Sender<News>,
) {
    let mut waiting: Option<(Message, Instant)> = None;
    let properly = loop {
        let due = waiting.as_ref().map(|(_, due)| *due);
        tokio::select! {
            message = socket.next() => match message {
                Some(Ok(Message::Text(text))) => {
                    if tell.send(News::Said { id, message: text.as_bytes().to_vec() }).await.is_err() {
                        return;
                    }
                }
                Some(Ok(Message::Binary(bytes))) => {
                    if tell.send(News::Said { id, message: bytes.to_vec() }).await.is_err() {
                        return;
                    }
                }
                Some(Ok(Message::Close(_))) => break true,
                Some(Ok(_)) => {}
                Some(Err(tungstenite::Error::ConnectionClosed)) => break true,
                Some(Err(_)) | None => break false,
            },
            one = outbox.recv(), if waiting.is_none() => match one {
                Some(Out::Message { message, not_before }) => {
                    match not_before {
                        Some(due) if due > Instant::now() => waiting = Some((message, due)),
                        _ => if socket.send(message).await.is_err() { break false },
                    }
                }
                Some(Out::Close) | None => {
                    let frame = CloseFrame { code: CloseCode::Normal, reason: "".into() };
                    // The client may be gone already; if not, it has a moment to answer.
                    let farewell = async {
                        drop(socket.close(Some(frame)).await);
                        while let Some(Ok(_)) = socket.next().await {}
                    };
                    drop(timeout(Duration::from_secs(2), farewell).await);
                    return;
                }
            },
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                if let Some((message, _)) = waiting.take()
                    && socket.send(message).await.is_err()
                {
                    break false;
                }
            }
        }
    };
    // The meeting may be over.
    drop(tell.send(News::Gone { id, properly }).await);
}
