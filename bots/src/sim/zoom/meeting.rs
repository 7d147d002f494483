//! The meeting itself: one task that owns all sockets, the conversation's clock and what goes wrong on purpose.

mod conversation;
mod heard;
mod posts;

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until},
};

use super::{
    Meeting,
    connection::{Client, News},
    protocol::{self, AudioParams, event_type, session_state, stop_reason, stream_state},
    report::{End, Report},
    script::{Action, agenda},
    sound::Sounds,
    webhook::{Kind, Poster},
};
use crate::play::Voice;

/// Zoom numbers participants in steps of 1,024 from 16 Mi.
const FIRST_USER: u32 = 16_778_240;
/// Most sockets at once; more are turned away.
const MAX_SOCKETS: usize = 64;
/// Time a client has for its handshake.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);
/// Keep-alives without an answer that end a connection.
const MISSED: u32 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    New,
    Signalling,
    Media { audio: bool, transcripts: bool },
}

struct Socket {
    client: Client,
    server: usize,
    path: String,
    role: Role,
    opened: Instant,
    unanswered: u32,
    asked: u64,
    /// It looks open and is dead: nothing is sent, nothing is heard.
    dead: bool,
}

/// Where the webhooks are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Validating,
    Forging(usize),
    Waiting(Instant),
    Started,
}

/// A running meeting.
pub struct Live {
    options: Meeting,
    voices: Arc<Vec<Voice>>,
    servers: [SocketAddr; 2],
    poster: Option<Poster>,
    report: Arc<Mutex<Report>>,
    sockets: BTreeMap<u64, Socket>,
    signalling: Option<u64>,
    server: usize,
    failed: Option<usize>,
    phase: Phase,
    event_ts: u64,
    ready: bool,
    told_first: bool,
    begun: Option<Instant>,
    base_ms: u64,
    cursor_ms: u64,
    agenda: VecDeque<(u64, Action)>,
    sounds: Option<(AudioParams, Sounds)>,
    present: Vec<bool>,
    paused: bool,
    held: BTreeMap<usize, String>,
    keep_alive_at: Instant,
    signalling_by: Option<Instant>,
    media_by: Option<Instant>,
    undelivered: usize,
    ended: bool,
}

fn unix_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

impl Live {
    /// A meeting that has not begun.
    pub fn new(
        options: Meeting,
        servers: [SocketAddr; 2],
        tell: mpsc::Sender<News>,
        report: Arc<Mutex<Report>>,
    ) -> Self {
        let poster = options.webhook.clone().map(|url| Poster {
            url,
            secret: options.credentials.webhook_secret.clone(),
            retry_after: options.retry_after,
            tell,
        });
        let late: Vec<&str> = options.chaos.join_at.iter().map(|(name, _)| name.as_str()).collect();
        Self {
            voices: Arc::new(options.call.voices.clone()),
            present: options.call.voices.iter().map(|v| !late.contains(&v.name.as_str())).collect(),
            agenda: agenda(&options.call, &options.chaos).into(),
            keep_alive_at: Instant::now() + options.keep_alive,
            options,
            servers,
            poster,
            report,
            sockets: BTreeMap::new(),
            signalling: None,
            server: 0,
            failed: None,
            phase: Phase::Validating,
            event_ts: unix_ms(),
            ready: false,
            told_first: false,
            begun: None,
            base_ms: 0,
            cursor_ms: 0,
            sounds: None,
            paused: false,
            held: BTreeMap::new(),
            signalling_by: None,
            media_by: None,
            undelivered: 0,
            ended: false,
        }
    }

    /// Runs it to its end.
    pub async fn run(mut self, mut news: mpsc::Receiver<News>) {
        if self.poster.is_some() {
            let plain = format!("plain{:016x}", self.options.chaos.seed);
            self.post(
                json!({"event": "endpoint.url_validation", "event_ts": unix_ms(), "payload": {"plainToken": plain}}),
                Kind::Proper,
            );
        } else {
            self.phase = Phase::Started;
            self.say("no webhook is posted; the bot must be told where the server is");
            self.begin_if(self.options.talk_at_once);
        }
        while !(self.ended && self.undelivered == 0) {
            let due = self.next_due();
            tokio::select! {
                one = news.recv() => match one {
                    Some(one) => self.hear(one).await,
                    None => return,
                },
                () = sleep_until(due) => {}
            }
            if !self.ended {
                self.go_on();
            }
        }
    }

    fn report(&self, change: impl FnOnce(&mut Report)) {
        change(&mut self.report.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn say(&self, what: &str) {
        let at = self.begun.map_or_else(|| "      - ".into(), |_| format!("{:7.2}s", self.media_ms() as f64 / 1_000.0));
        let line = format!("{at}  {what}");
        self.report(|r| r.line(&line));
        (self.options.watcher)(&line);
    }

    fn media_ms(&self) -> u64 {
        self.begun.map_or(0, |begun| (begun.elapsed().as_secs_f64() * 1_000.0 * self.options.speed) as u64)
    }

    fn wall(&self, media_ms: u64) -> Option<Instant> {
        let begun = self.begun?;
        Some(begun + Duration::from_secs_f64(media_ms as f64 / 1_000.0 / self.options.speed))
    }

    fn now_ms(&self) -> u64 {
        if self.begun.is_some() { self.base_ms + self.media_ms() } else { unix_ms() }
    }

    fn step_ms(&self) -> u64 {
        u64::from(self.sounds.as_ref().map_or(20, |(params, _)| params.send_rate_ms))
    }

    fn next_due(&self) -> Instant {
        let mut due = self.keep_alive_at;
        let soonest = [
            self.signalling_by,
            self.media_by,
            self.wall(self.cursor_ms + self.step_ms()),
            self.agenda.front().and_then(|(at, _)| self.wall(*at)),
            if let Phase::Waiting(at) = self.phase { Some(at) } else { None },
        ];
        for at in soonest.into_iter().flatten() {
            due = due.min(at);
        }
        due
    }

    fn begin_if(&mut self, now: bool) {
        if now && self.begun.is_none() {
            self.begun = Some(Instant::now());
            self.base_ms = self.options.epoch_ms.unwrap_or_else(unix_ms);
            self.say("the conversation begins");
        }
    }

    /// Does all that is due.
    fn go_on(&mut self) {
        let now = Instant::now();
        if let Phase::Waiting(at) = self.phase
            && at <= now
        {
            self.phase = Phase::Started;
            self.post_started();
            self.begin_if(self.options.talk_at_once);
        }
        if self.begun.is_some() {
            self.talk();
        }
        if self.ended {
            return;
        }
        if self.keep_alive_at <= now {
            self.keep_alive_at = now + self.options.keep_alive;
            self.keep_alives();
        }
        if self.signalling_by.is_some_and(|by| by <= now) {
            self.say("the signalling socket did not come back in time");
            self.stop(stop_reason::AWAIT_RECONNECTION_TIMEOUT);
        } else if self.media_by.is_some_and(|by| by <= now) {
            self.say("the media socket did not come back in time");
            self.stop(stop_reason::AWAIT_RECONNECTION_TIMEOUT);
        }
        let late: Vec<u64> = self
            .sockets
            .iter()
            .filter(|(_, s)| s.role == Role::New && s.opened + HANDSHAKE_WITHIN <= now)
            .map(|(id, _)| *id)
            .collect();
        for id in late {
            self.say("a client that says nothing is turned away");
            self.cut(id);
        }
    }

    fn media_sockets(&self) -> Vec<u64> {
        self.sockets.iter().filter(|(_, s)| matches!(s.role, Role::Media { .. })).map(|(id, _)| *id).collect()
    }

    fn send_text(&mut self, id: u64, text: String, not_before: Option<Instant>) {
        let Some(socket) = self.sockets.get(&id).filter(|s| !s.dead) else { return };
        let audio = matches!(socket.role, Role::Media { audio: true, .. }) && text.contains("\"msg_type\":14");
        if socket.client.send(text, self.options.chaos.binary_frames, not_before) {
            self.report(|r| r.audio_sent += u64::from(audio));
        } else {
            self.say("the bot reads too slowly; its socket is cut");
            self.report(|r| r.cut_for_slowness += 1);
            self.gone(id, false);
        }
    }

    fn send(&mut self, id: u64, message: &Value) {
        self.send_text(id, message.to_string(), None);
    }

    /// On the signalling socket, if there is one.
    fn signal(&mut self, message: &Value) {
        if let Some(id) = self.signalling {
            self.send(id, message);
        }
    }

    fn cut(&mut self, id: u64) {
        if let Some(socket) = self.sockets.remove(&id) {
            socket.client.cut();
        }
        if self.signalling == Some(id) {
            self.signalling = None;
        }
    }

    fn close(&mut self, id: u64) {
        if let Some(socket) = self.sockets.remove(&id) {
            socket.client.close();
        }
        if self.signalling == Some(id) {
            self.signalling = None;
        }
    }

    /// The signalling socket is lost, and the media sockets with it.
    fn lose_signalling(&mut self, tell_by_webhook: bool) {
        let all: Vec<u64> = self.sockets.keys().copied().collect();
        for id in all {
            self.cut(id);
        }
        self.ready = false;
        self.held.clear();
        self.media_by = None;
        self.signalling_by = Some(Instant::now() + self.options.signalling_back_within);
        if tell_by_webhook {
            self.post_about("meeting.rtms_interrupted", &json!({}));
        }
    }

    /// A socket is gone, by the bot's doing or because we cut it for something the bot did.
    fn gone(&mut self, id: u64, properly: bool) {
        let Some(socket) = self.sockets.remove(&id) else { return };
        let (role, dead) = (socket.role, socket.dead);
        socket.client.cut();
        match role {
            Role::New => {}
            Role::Signalling if self.signalling == Some(id) => {
                self.signalling = None;
                self.say(if properly { "the bot closed the signalling socket" } else { "the signalling socket broke" });
                self.lose_signalling(!properly && !dead);
            }
            Role::Signalling => {}
            Role::Media { audio, .. } => {
                self.say(if properly { "the bot closed a media socket" } else { "a media socket broke" });
                if self.signalling.is_some() && audio {
                    self.held.clear();
                    let now = self.now_ms();
                    self.signal(&protocol::event(event_type::MEDIA_INTERRUPTED, now));
                    self.media_by = Some(Instant::now() + self.options.media_back_within);
                }
            }
        }
    }

    fn keep_alives(&mut self) {
        let now = self.now_ms();
        let all: Vec<u64> =
            self.sockets.iter().filter(|(_, s)| s.role != Role::New && !s.dead).map(|(id, _)| *id).collect();
        for id in all {
            let Some(socket) = self.sockets.get_mut(&id) else { continue };
            if socket.unanswered >= MISSED {
                self.say("three keep-alives were not answered; the socket is cut");
                self.report(|r| r.cut_for_silence += 1);
                self.gone(id, false);
                continue;
            }
            socket.unanswered += 1;
            socket.asked += 1;
            let message = protocol::keep_alive(socket.asked, now);
            self.report(|r| r.keep_alives_sent += 1);
            self.send(id, &message);
        }
    }

    fn stop(&mut self, reason: u16) {
        if let Some(audio) = self.audio_socket() {
            for (_, held) in std::mem::take(&mut self.held) {
                self.send_text(audio, held, None);
            }
        }
        let now = self.now_ms();
        let stream = self.options.stream_id.clone();
        for state in [stream_state::TERMINATING, stream_state::TERMINATED] {
            self.signal(&protocol::stream_state(&stream, state, reason, now));
        }
        let session = self.session_id();
        self.signal(&protocol::session_state(&session, session_state::STOPPED, reason, now));
        self.post_about("meeting.rtms_stopped", &json!({"stop_reason": reason}));
        for id in self.sockets.keys().copied().collect::<Vec<_>>() {
            self.close(id);
        }
        self.report(|r| r.end = Some(End { stop_reason: reason }));
        self.ended = true;
    }
}

/// The number Zoom gives a participant.
fn user(who: usize) -> u32 {
    FIRST_USER + 1_024 * u32::try_from(who).unwrap_or(0)
}
