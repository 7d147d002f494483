//! The connection behind an engine call: opens it, sends what waits, and opens it again when it breaks.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{
    SinkExt as _, StreamExt as _,
    stream::{SplitSink, SplitStream},
};
use tokio::{
    net::TcpStream,
    task::AbortHandle,
    time::{sleep, timeout},
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest as _,
        http::{HeaderValue, header},
    },
};

use super::{
    Link, Mode, Opening, Over, Shared,
    outbox::Next,
    protocol::{Ended, Heard, Start, Started, read},
    roster::Roster,
};

/// First pause before connecting again; every further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// Longest pause before connecting again.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// For opening a socket, and for the answer to `start` (which may have to load a playbook).
const ANSWER: Duration = Duration::from_secs(10);
/// A send that takes longer means that nobody reads.
const SEND: Duration = Duration::from_secs(10);
/// For reading what came before a connection broke.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// How often the engine is asked for a sign of life when there is nothing else to learn.
const PING_EVERY: Duration = Duration::from_secs(5);
/// A live engine that does not answer for so long is gone.
const PONG_WITHIN: Duration = Duration::from_secs(15);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Why one connection, or one attempt at it, came to its end.
enum Cut {
    /// Try again.
    Broken(String),
    /// There is no call any more.
    Over(Over),
}

/// Connects for the first time and leaves a task behind that keeps the connection.
pub async fn open(opening: Opening, shared: Arc<Shared>) -> Result<AbortHandle, Over> {
    let roster = Roster::default();
    let (socket, started) = match connect(&opening, &roster, opening.call.as_deref()).await {
        Ok(connected) => connected,
        Err(Cut::Broken(why)) => return Err(Over::Lost(why)),
        Err(Cut::Over(over)) => return Err(over),
    };
    shared.started.send_replace(started);
    let task = tokio::spawn(async move {
        let over = keep(&opening, &shared, roster, socket).await;
        tracing::debug!(%over, "the call is over for its bot");
        end(&shared, over);
    });
    Ok(task.abort_handle())
}

/// Says that there is no call any more. The first reason given stays.
pub fn end(shared: &Shared, over: Over) {
    shared.link.send_if_modified(|link| {
        let first = !matches!(link, Link::Over(_));
        if first {
            *link = Link::Over(over);
        }
        first
    });
    shared.room.notify_waiters();
}

async fn keep(opening: &Opening, shared: &Shared, mut roster: Roster, first: Socket) -> Over {
    let mut socket = first;
    loop {
        let why = match session(opening.mode, shared, &mut roster, socket).await {
            Cut::Over(over) => return over,
            Cut::Broken(why) => why,
        };
        tracing::warn!("the connection to the engine broke: {why}; connecting again");
        shared.link.send_replace(Link::Away { why });
        shared.outbox().rewind();
        socket = match come_back(opening, shared, &roster).await {
            Ok(socket) => socket,
            Err(over) => return over,
        };
        shared.outbox().counts_mut().reconnects += 1;
        shared.link.send_replace(Link::Up);
    }
}

/// Connects again, within the grace.
async fn come_back(opening: &Opening, shared: &Shared, roster: &Roster) -> Result<Socket, Over> {
    let call = shared.started.borrow().call.clone();
    let (begun, mut pause) = (Instant::now(), FIRST_PAUSE);
    loop {
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
        shared.outbox().drop_old(Instant::now());
        let left = opening.grace.saturating_sub(begun.elapsed());
        let why = match timeout(left, connect(opening, roster, Some(&call))).await {
            Ok(Ok((socket, started))) => {
                tracing::info!(call, "connected again");
                shared.started.send_replace(started);
                return Ok(socket);
            }
            Ok(Err(Cut::Over(over))) => return Err(over),
            Ok(Err(Cut::Broken(why))) => why,
            Err(_) => "it did not answer".to_owned(),
        };
        if begun.elapsed() + pause >= opening.grace {
            let grace_s = opening.grace.as_secs();
            return Err(Over::Lost(format!("the engine stayed away for {grace_s} s, the last time because: {why}")));
        }
    }
}

/// Opens a socket, says `start` with everything known, and waits for the answer.
async fn connect(opening: &Opening, roster: &Roster, call: Option<&str>) -> Result<(Socket, Started), Cut> {
    match timeout(ANSWER, connect_untimed(opening, roster, call)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Cut::Broken(format!("{} did not answer within {} s", opening.url, ANSWER.as_secs()))),
    }
}

async fn connect_untimed(opening: &Opening, roster: &Roster, call: Option<&str>) -> Result<(Socket, Started), Cut> {
    let fatal = |message: String| Cut::Over(Over::Refused { code: "bad_address".into(), message });
    let mut request = opening
        .url
        .as_str()
        .into_client_request()
        .map_err(|error| fatal(format!("{} is no WebSocket address: {error}", opening.url)))?;
    if let Some(token) = &opening.token {
        let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
            .map_err(|_| fatal("the token holds characters that a header cannot; copy it again".into()))?;
        value.set_sensitive(true);
        request.headers_mut().insert(header::AUTHORIZATION, value);
    }
    // Small packets at a steady pace: waiting to fill a segment would only add delay.
    let mut socket = match tokio_tungstenite::connect_async_with_config(request, None, true).await {
        Ok((socket, _)) => socket,
        Err(Error::Http(response)) => {
            let heard = response.body().as_deref().and_then(|body| read(&String::from_utf8_lossy(body)));
            let status = response.status();
            return Err(match heard {
                Some(Heard::Refused { code, message }) => refused(code, message),
                _ if status.is_server_error() => Cut::Broken(format!("HTTP {status}")),
                _ => fatal(format!("HTTP {status}; is {} the ingest's address?", opening.url)),
            });
        }
        Err(error) => {
            return Err(Cut::Broken(format!("cannot reach {} ({error}); is the engine running?", opening.url)));
        }
    };
    let start = Start {
        call,
        title: opening.title.as_deref(),
        playbook: opening.playbook.as_deref(),
        context: &opening.context,
        recorded: opening.mode == Mode::Recorded,
    };
    for text in roster.opening(&start) {
        socket.feed(Message::Text(text.into())).await.map_err(broken)?;
    }
    socket.flush().await.map_err(broken)?;
    loop {
        match hear(socket.next().await)? {
            Some(Heard::Started(started)) => return Ok((socket, started)),
            Some(Heard::Refused { code, message }) => return Err(refused(code, message)),
            Some(Heard::Ended(ended)) => return Err(Cut::Over(Over::Ended(ended))),
            _ => {}
        }
    }
}

/// One connection, until it breaks or the call is over.
async fn session(mode: Mode, shared: &Shared, roster: &mut Roster, socket: Socket) -> Cut {
    let (sink, mut stream) = socket.split();
    let mut session = Session { mode, shared, roster, sink, asked: None };
    match session.run(&mut stream).await {
        Ok(cut) | Err(cut @ Cut::Over(_)) => cut,
        Err(Cut::Broken(why)) => last_words(&mut stream).await.unwrap_or(Cut::Broken(why)),
    }
}

/// What the engine said before it hung up, if sending failed before that was read.
async fn last_words(stream: &mut SplitStream<Socket>) -> Option<Cut> {
    let listening = async {
        loop {
            match hear(stream.next().await) {
                Ok(Some(Heard::Ended(ended))) => return Some(Cut::Over(Over::Ended(ended))),
                Ok(Some(Heard::Refused { code, message })) => return Some(refused(code, message)),
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    };
    timeout(LAST_WORDS, listening).await.ok().flatten()
}

struct Session<'a> {
    mode: Mode,
    shared: &'a Shared,
    roster: &'a mut Roster,
    sink: SplitSink<Socket, Message>,
    /// When a `ping` went out that was not answered yet, and up to which news its answer settles.
    asked: Option<(Instant, u64)>,
}

impl Session<'_> {
    async fn run(&mut self, stream: &mut SplitStream<Socket>) -> Result<Cut, Cut> {
        let mut life = tokio::time::interval(PING_EVERY);
        // The first tick of an interval comes at once.
        life.tick().await;
        self.send_waiting().await?;
        loop {
            tokio::select! {
                message = stream.next() => match hear(message)? {
                    Some(Heard::Pong) => {
                        if let Some((_, up_to)) = self.asked.take() {
                            let taken = self.shared.outbox().settle(up_to);
                            taken.into_iter().for_each(|news| self.roster.apply(news));
                        }
                        self.ask_if_unsure().await?;
                    }
                    Some(Heard::Dropped { packets, why }) => {
                        self.shared.outbox().counts_mut().dropped_by_server += packets;
                        tracing::warn!(packets, "the engine dropped audio: {why}");
                    }
                    Some(Heard::Ended(ended)) => return Ok(Cut::Over(Over::Ended(ended))),
                    Some(Heard::Refused { code, message }) => return Err(refused(code, message)),
                    Some(Heard::Started(_) | Heard::Other) | None => {}
                },
                () = self.shared.wake.notified() => self.send_waiting().await?,
                _ = life.tick() => {
                    // An engine that is busy with a recording may leave anything unread for as long as it likes.
                    let live = self.mode == Mode::Live;
                    match self.asked {
                        Some((at, _)) if live && at.elapsed() > PONG_WITHIN => {
                            return Err(Cut::Broken(format!("no answer for {} s", PONG_WITHIN.as_secs())));
                        }
                        Some(_) => {}
                        None => self.ask(0).await?,
                    }
                }
            }
        }
    }

    async fn send_waiting(&mut self) -> Result<(), Cut> {
        self.shared.outbox().drop_old(Instant::now());
        loop {
            let next = self.shared.outbox().pop();
            let message = match next {
                None => break,
                Some(Next::News(text)) => Message::Text(text.into()),
                Some(Next::Audio(track, bytes)) => {
                    self.roster.sounds(track);
                    Message::Binary(bytes.into())
                }
            };
            self.send(message).await?;
            self.shared.room.notify_waiters();
        }
        self.ask_if_unsure().await
    }

    /// News is certain to have arrived once a `ping` sent after it was answered.
    async fn ask_if_unsure(&mut self) -> Result<(), Cut> {
        let unsure = self.shared.outbox().last_unsure();
        match unsure {
            Some(up_to) if self.asked.is_none() => self.ask(up_to).await,
            _ => Ok(()),
        }
    }

    async fn ask(&mut self, up_to: u64) -> Result<(), Cut> {
        self.asked = Some((Instant::now(), up_to));
        self.send(Message::Text(r#"{"type":"ping"}"#.into())).await
    }

    async fn send(&mut self, message: Message) -> Result<(), Cut> {
        let patience = if self.mode == Mode::Live { SEND } else { Duration::from_secs(300) };
        match timeout(patience, self.sink.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(broken(error)),
            Err(_) => Err(Cut::Broken(format!("nothing was taken for {} s", patience.as_secs()))),
        }
    }
}

fn broken(error: Error) -> Cut {
    Cut::Broken(error.to_string())
}

/// What a message says; `None` if nothing for us.
fn hear(message: Option<Result<Message, Error>>) -> Result<Option<Heard>, Cut> {
    match message {
        Some(Ok(Message::Text(text))) => Ok(read(&text)),
        Some(Ok(Message::Close(_))) | None => Err(Cut::Broken("the engine closed the connection".into())),
        Some(Ok(_)) => Ok(None),
        Some(Err(error)) => Err(broken(error)),
    }
}

/// Whether it is worth trying again after a refusal.
fn refused(code: String, message: String) -> Cut {
    match code.as_str() {
        "call_ended" => Cut::Over(Over::Ended(Ended::default())),
        "busy" | "idle_timeout" | "internal" => Cut::Broken(message),
        _ => Cut::Over(Over::Refused { code, message }),
    }
}
