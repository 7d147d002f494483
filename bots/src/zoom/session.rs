//! One meeting's stream from its first webhook to its end, as a state machine: what came in, what to do. No IO, no clock.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{
    codes::{EventType, SessionState, Status, StopReason, StreamState},
    exchange::{Action, Counts, Input, Settings, Socket},
    media::{Format, Media, ToEngine},
    notice::{Notice, StreamId, Webhook, is_allowed},
    protocol::{self, AudioAnswer, Handshake, Incoming, MediaUrls, Wanted},
    sign::handshake,
};
use crate::engine::{Consent, SourceState};

/// Most sessions of a stream that are remembered.
const MAX_SESSIONS: usize = 64;
/// How often a paused stream that sends audio is asked for its state, in ms.
const ASK_EVERY_MS: u64 = 5_000;

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    Down,
    /// To be opened again.
    Waiting {
        at: u64,
    },
    /// Opened, but not greeted yet.
    Opening {
        since: u64,
    },
    Up {
        since: u64,
        heard: u64,
    },
}

struct Line {
    link: Link,
    attempts: u32,
}

impl Line {
    const fn new() -> Self {
        Self { link: Link::Down, attempts: 0 }
    }
}

/// One call: a meeting's stream, and the streams that take its place.
pub struct Session {
    settings: Arc<Settings>,
    stream: StreamId,
    urls: Vec<String>,
    /// When Zoom said so last, in its own time.
    told_ms: u64,
    signalling: Line,
    media_line: Line,
    media_urls: MediaUrls,
    /// Audio is refused: words only.
    words_only: bool,
    media: Media,
    sessions: BTreeMap<String, SessionState>,
    stream_paused: bool,
    asked_ms: u64,
    status: Option<(SourceState, String)>,
    /// Not in the meeting since.
    lost_since: Option<u64>,
    /// Zoom stopped the stream, and may start it again until then.
    restart_until: Option<u64>,
    /// Zoom ended the stream; its webhook may say why until then.
    farewell: Option<(u64, StopReason)>,
    over: bool,
    counts: Counts,
    out: Vec<Action>,
}

impl Session {
    /// A call for a stream that has started. What is to be done first comes out of the first [`handle`](Self::handle).
    #[must_use]
    pub fn new(settings: Arc<Settings>, stream: StreamId, urls: Vec<String>, told_ms: u64, now_ms: u64) -> Self {
        let asked = settings.audio;
        let format = asked.and_then(|audio| Format::of(&audio).ok()).unwrap_or(Format::Pcm { rate_hz: 16_000 });
        let consent = settings.platform_consent.then(|| Consent {
            basis: "platform".into(),
            reference: format!("Zoom's notice, meeting {}, stream {}", stream.meeting, stream.stream),
        });
        let mixed = asked.is_some_and(|audio| audio.data_opt == 1);
        let send_rate_ms = asked.map_or(20, |audio| u64::from(audio.send_rate));
        let mut session = Self {
            words_only: asked.is_none(),
            media: Media::new(format, mixed, send_rate_ms, consent),
            settings,
            stream,
            urls,
            told_ms,
            signalling: Line::new(),
            media_line: Line::new(),
            media_urls: MediaUrls::default(),
            sessions: BTreeMap::new(),
            stream_paused: false,
            asked_ms: 0,
            status: None,
            lost_since: Some(now_ms),
            restart_until: None,
            farewell: None,
            over: false,
            counts: Counts::default(),
            out: Vec::new(),
        };
        session.tell_status(SourceState::Connecting, "joining the meeting's stream");
        session.connect_signalling(now_ms);
        session
    }

    /// The stream it is about now.
    #[must_use]
    pub const fn stream(&self) -> &StreamId {
        &self.stream
    }

    /// Is it over?
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.over
    }

    /// What became of messages.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts { media: self.media.counts(), ..self.counts }
    }

    /// Takes what came in at `now_ms` (Unix time in ms that never goes back) and says what to do, in order.
    pub fn handle(&mut self, input: Input, now_ms: u64) -> Vec<Action> {
        if !self.over {
            match input {
                Input::Webhook(webhook) => self.webhook(webhook, now_ms),
                Input::Opened(socket) => self.opened(socket),
                Input::Message(socket, text) => self.message(socket, &text, now_ms),
                Input::Closed(socket, why) => self.closed(socket, &why, now_ms),
                Input::Tick => self.tick(now_ms),
                Input::EngineOver(why) => {
                    // Nobody listens any more, so nobody may send.
                    if matches!(self.signalling.link, Link::Up { .. }) {
                        self.send(Socket::Signalling, protocol::close_stream(&self.stream.stream));
                    }
                    self.finish(&why, false);
                }
            }
        }
        std::mem::take(&mut self.out)
    }

    // ---- webhooks ------------------------------------------------------------------------------------------------

    /// Something Zoom said before what it said last, and sent late.
    fn is_stale(&mut self, at_ms: u64) -> bool {
        let stale = at_ms != 0 && at_ms < self.told_ms;
        if stale {
            self.counts.stale_webhooks += 1;
            tracing::info!(stream = self.stream.stream, "a late webhook is of no use any more");
        }
        stale
    }

    /// News of a stream that was left for another.
    fn is_other(&mut self, stream: &StreamId) -> bool {
        let other = stream.stream != self.stream.stream;
        self.counts.stale_webhooks += u64::from(other);
        other
    }

    fn webhook(&mut self, webhook: Webhook, now_ms: u64) {
        let Webhook { at_ms, notice } = webhook;
        match notice {
            Notice::Started { stream, urls } => {
                let same = stream == self.stream && urls == self.urls;
                let waiting = self.restart_until.is_some() || self.farewell.is_some();
                if same && !waiting {
                    self.counts.duplicate_webhooks += 1;
                    return;
                }
                if self.is_stale(at_ms) {
                    return;
                }
                tracing::info!(stream = stream.stream, "Zoom moved the meeting to another server or stream; following");
                self.stream = stream;
                self.move_to(urls, at_ms);
                self.tell_status(SourceState::Reconnecting, "Zoom moved the stream to another server; following it");
                self.connect_signalling(now_ms);
            }
            Notice::Interrupted { stream, urls } => {
                if self.is_other(&stream) || self.is_stale(at_ms) {
                    return;
                }
                // Zoom may tell late what we saw and mended ourselves.
                if let Link::Up { since, .. } = self.signalling.link
                    && at_ms != 0
                    && at_ms < since
                {
                    self.counts.stale_webhooks += 1;
                    return;
                }
                let urls = if urls.is_empty() { self.urls.clone() } else { urls };
                let waiting = matches!(self.signalling.link, Link::Waiting { .. });
                let attempts = self.signalling.attempts;
                let link = self.signalling.link;
                self.move_to(urls, at_ms);
                self.tell_status(SourceState::Reconnecting, "Zoom says that the connection broke; connecting again");
                self.lost_since.get_or_insert(now_ms);
                // An attempt that is due already stays due.
                self.signalling.attempts = attempts;
                if waiting { self.signalling.link = link } else { self.retry(Socket::Signalling, now_ms) }
            }
            Notice::Stopped { stream, reason } => {
                if self.is_other(&stream) || self.is_stale(at_ms) {
                    return;
                }
                self.told_ms = self.told_ms.max(at_ms);
                self.stopped(reason, now_ms);
            }
            Notice::Validation { .. } | Notice::TooManyStreams | Notice::Other { .. } => {}
        }
    }

    /// Leaves the old servers. What comes next is at `urls`.
    fn move_to(&mut self, urls: Vec<String>, at_ms: u64) {
        self.told_ms = self.told_ms.max(at_ms);
        self.urls = urls;
        self.hang_up();
        self.signalling = Line::new();
        self.media_line = Line::new();
        self.restart_until = None;
        self.farewell = None;
        self.sessions.clear();
        self.stream_paused = false;
    }

    /// The stream is over, as far as Zoom is concerned.
    fn stopped(&mut self, reason: StopReason, now_ms: u64) {
        tracing::info!(
            stream = self.stream.stream,
            reason = reason.code(),
            "the stream was stopped: {}",
            reason.meaning()
        );
        if reason == StopReason::StreamRevoked {
            self.media.discard();
            self.tell(ToEngine::Erase { reason: "Zoom revoked the stream".into() });
            tracing::warn!(
                stream = self.stream.stream,
                "permission was revoked: everything received of this meeting was ordered to be deleted"
            );
            self.finish(reason.meaning(), true);
        } else if reason.wants_restart() {
            self.hang_up();
            self.signalling = Line::new();
            self.media_line = Line::new();
            self.farewell = None;
            self.restart_until = Some(now_ms + ms(self.settings.timing.restart));
            let state = if reason == StopReason::AuthenticationFailure {
                SourceState::TokenExpired
            } else {
                SourceState::Reconnecting
            };
            self.tell_status(state, &format!("{}; start the stream again in Zoom", reason.meaning()));
        } else {
            self.finish(reason.meaning(), true);
        }
    }

    /// The end. With `stop` the engine is told so.
    fn finish(&mut self, why: &str, stop: bool) {
        self.hang_up();
        if stop {
            self.tell_status(SourceState::Disconnected, why);
            self.tell(ToEngine::Stop);
        }
        self.out.push(Action::Done(why.to_owned()));
        self.over = true;
    }

    // ---- sockets -------------------------------------------------------------------------------------------------

    fn line(&mut self, socket: Socket) -> &mut Line {
        match socket {
            Socket::Signalling => &mut self.signalling,
            Socket::Media => &mut self.media_line,
        }
    }

    fn send(&mut self, socket: Socket, text: String) {
        self.out.push(Action::Send(socket, text));
    }

    /// Closes what is open, and pauses everybody.
    fn hang_up(&mut self) {
        for socket in [Socket::Media, Socket::Signalling] {
            if !matches!(self.line(socket).link, Link::Down | Link::Waiting { .. }) {
                self.out.push(Action::Close(socket));
            }
            self.line(socket).link = Link::Down;
        }
        self.pause_all();
    }

    fn pause_all(&mut self) {
        let mut out = Vec::new();
        self.media.pause(&mut out);
        self.pass(out);
    }

    fn connect_signalling(&mut self, now_ms: u64) {
        // Each attempt tries the next of the addresses Zoom named.
        let count = self.urls.len().max(1);
        let url = self.urls.get(self.signalling.attempts as usize % count).cloned().unwrap_or_default();
        self.connect(Socket::Signalling, url, now_ms);
    }

    fn connect_media(&mut self, now_ms: u64) {
        let own = if self.words_only { &self.media_urls.transcript } else { &self.media_urls.audio };
        let Some(url) = own.clone().or_else(|| self.media_urls.all.clone()) else {
            self.media_refused(Status::AudioNotSupported, "Zoom named no server for it", now_ms);
            return;
        };
        self.connect(Socket::Media, url, now_ms);
    }

    fn connect(&mut self, socket: Socket, url: String, now_ms: u64) {
        if !is_allowed(&url) {
            let why = "Zoom named an address that is not wss://; not connecting";
            tracing::warn!("{why}");
            self.finish(why, true);
            return;
        }
        self.line(socket).link = Link::Opening { since: now_ms };
        self.out.push(Action::Connect(socket, url));
    }

    fn signature(&self) -> String {
        let s = &self.settings;
        handshake(&s.client_id, &s.client_secret, &self.stream.meeting, &self.stream.stream)
    }

    fn wanted(&self) -> Wanted {
        match self.settings.audio {
            Some(audio) if !self.words_only => Wanted::Audio(audio),
            _ => Wanted::Transcript,
        }
    }

    fn opened(&mut self, socket: Socket) {
        let signature = self.signature();
        let who = Handshake { meeting: &self.stream.meeting, stream: &self.stream.stream, signature: &signature };
        let greeting = match socket {
            Socket::Signalling => protocol::open_signalling(who),
            Socket::Media => protocol::open_media(who, self.wanted()),
        };
        self.send(socket, greeting);
    }

    fn closed(&mut self, socket: Socket, why: &str, now_ms: u64) {
        if self.farewell.is_some() || self.restart_until.is_some() {
            self.line(socket).link = Link::Down;
            return;
        }
        let was_up = matches!(self.line(socket).link, Link::Up { .. });
        if was_up || self.line(socket).attempts == 0 {
            tracing::info!(stream = self.stream.stream, ?socket, "the connection broke: {why}");
        }
        self.line(socket).link = Link::Down;
        self.lost(socket, SourceState::Reconnecting, "the connection to Zoom broke; connecting again", now_ms);
    }

    /// A socket is lost: closes what hangs on it, says so, and tries again later.
    fn lost(&mut self, socket: Socket, state: SourceState, detail: &str, now_ms: u64) {
        self.lost_since.get_or_insert(now_ms);
        match socket {
            // The media hangs on the signalling.
            Socket::Signalling => {
                self.hang_up();
                self.media_line = Line::new();
            }
            Socket::Media => {
                if !matches!(self.media_line.link, Link::Down | Link::Waiting { .. }) {
                    self.out.push(Action::Close(Socket::Media));
                }
                self.pause_all();
            }
        }
        // While it is tried again, the first trouble is the one worth reading.
        let again = self.line(socket).attempts > 0;
        if !again || self.status.as_ref().is_none_or(|(now, _)| *now == SourceState::Connecting) {
            self.tell_status(state, detail);
        }
        self.retry(socket, now_ms);
    }

    /// Opens a socket again after a while that doubles each time.
    fn retry(&mut self, socket: Socket, now_ms: u64) {
        let timing = self.settings.timing;
        let line = self.line(socket);
        let wait = ms(timing.backoff_first).saturating_mul(1 << line.attempts.min(16)).min(ms(timing.backoff_most));
        line.attempts += 1;
        line.link = Link::Waiting { at: now_ms + wait };
        self.counts.reconnects += 1;
    }

    // ---- messages ------------------------------------------------------------------------------------------------

    fn message(&mut self, socket: Socket, text: &str, now_ms: u64) {
        if let Link::Up { heard, .. } = &mut self.line(socket).link {
            *heard = now_ms;
        }
        let message = match protocol::parse(text) {
            Ok(message) => message,
            Err(why) => {
                self.counts.bad_messages += 1;
                // The first few are enough to know that something is wrong.
                if self.counts.bad_messages <= 5 {
                    tracing::warn!(?socket, "a message of Zoom was not understood: {why}");
                }
                return;
            }
        };
        match message {
            Incoming::KeepAlive { timestamp } => {
                self.counts.keep_alives += 1;
                self.send(socket, protocol::alive(timestamp));
            }
            Incoming::Signalling { status, reason, media } if socket == Socket::Signalling => {
                self.signalling_answer(status, &reason, media, now_ms);
            }
            Incoming::Media { status, reason, audio, encrypted } if socket == Socket::Media => {
                self.media_answer(status, &reason, audio, encrypted, now_ms);
            }
            Incoming::Event { event, people, .. } => self.event(event, &people, now_ms),
            Incoming::Stream { state, reason } => self.stream_state(state, reason, now_ms),
            Incoming::Session { session, state, .. } => self.session_state(session, state),
            Incoming::Audio { person, at_ms, data } => {
                if self.is_paused() {
                    self.media.ignore_paused();
                    self.ask_state(now_ms);
                    return;
                }
                let mut out = Vec::new();
                self.media.audio(&person, at_ms, data, now_ms, &mut out);
                self.pass(out);
            }
            Incoming::Transcript { person, start_ms, end_ms, text } => {
                if self.is_paused() {
                    self.media.ignore_paused();
                    self.ask_state(now_ms);
                    return;
                }
                let mut out = Vec::new();
                self.media.words(&person, start_ms, end_ms, text, now_ms, &mut out);
                self.pass(out);
            }
            Incoming::Unknown { .. } => self.counts.unknown_messages += 1,
            Incoming::Signalling { .. }
            | Incoming::Media { .. }
            | Incoming::Closed { .. }
            | Incoming::Unused { .. } => {}
        }
    }

    fn pass(&mut self, all: Vec<ToEngine>) {
        self.out.extend(all.into_iter().map(Action::Engine));
    }

    fn tell(&mut self, one: ToEngine) {
        self.out.push(Action::Engine(one));
    }

    fn tell_status(&mut self, state: SourceState, detail: &str) {
        if self.status.as_ref().is_none_or(|(now, words)| *now != state || words != detail) {
            self.status = Some((state, detail.to_owned()));
            self.tell(ToEngine::Status { state, detail: detail.to_owned() });
        }
    }

    fn signalling_answer(&mut self, status: Status, reason: &str, media: MediaUrls, now_ms: u64) {
        if !matches!(self.signalling.link, Link::Opening { .. }) {
            return;
        }
        if status != Status::Ok {
            self.refused(Socket::Signalling, status, reason, now_ms);
            return;
        }
        self.signalling = Line { link: Link::Up { since: now_ms, heard: now_ms }, attempts: 0 };
        self.media_urls = media;
        self.send(Socket::Signalling, protocol::subscribe());
        self.connect_media(now_ms);
    }

    fn media_answer(&mut self, status: Status, reason: &str, audio: Option<AudioAnswer>, encrypted: bool, now_ms: u64) {
        if !matches!(self.media_line.link, Link::Opening { .. }) {
            return;
        }
        if status != Status::Ok {
            self.media_refused(status, reason, now_ms);
            return;
        }
        let format = match (self.wanted(), audio) {
            _ if encrypted => Err("Zoom encrypts the audio, though it was not asked to".to_owned()),
            (Wanted::Transcript, _) => Ok(None),
            // What Zoom leaves out of its answer is as it was asked for.
            (Wanted::Audio(asked), answer) => Format::of(&answer.unwrap_or_default().over(asked)).map(Some),
        };
        let format = match format {
            Ok(format) => format,
            Err(why) => {
                tracing::warn!("{why}");
                self.media_refused(Status::InvalidAudio, &why, now_ms);
                return;
            }
        };
        self.media_line = Line { link: Link::Up { since: now_ms, heard: now_ms }, attempts: 0 };
        self.lost_since = None;
        let mut out = Vec::new();
        self.media.open(format, &mut out);
        self.pass(out);
        self.send(Socket::Signalling, protocol::ready(&self.stream.stream));
        self.tell_joined();
    }

    fn tell_joined(&mut self) {
        if self.is_paused() {
            self.tell_status(SourceState::Paused, "the stream is paused in Zoom");
        } else if self.words_only {
            self.tell_status(SourceState::Joined, "no audio from Zoom: working from its transcript");
        } else {
            self.tell_status(SourceState::Joined, "");
        }
    }

    fn media_refused(&mut self, status: Status, reason: &str, now_ms: u64) {
        if status.refuses_audio() && self.settings.transcript && !self.words_only {
            tracing::warn!("no audio from Zoom ({}); asking for its transcript instead", status.meaning());
            self.words_only = true;
            if !matches!(self.media_line.link, Link::Down | Link::Waiting { .. }) {
                self.out.push(Action::Close(Socket::Media));
            }
            self.media_line = Line::new();
            self.connect_media(now_ms);
            return;
        }
        self.refused(Socket::Media, status, reason, now_ms);
    }

    fn refused(&mut self, socket: Socket, status: Status, reason: &str, now_ms: u64) {
        tracing::warn!(?socket, status = status.code(), "Zoom refused: {} ({reason})", status.meaning());
        if status == Status::InvalidSignature {
            // The same signature will not become right; a new stream after the secret was mended will.
            self.hang_up();
            self.restart_until = Some(now_ms + ms(self.settings.timing.restart));
            self.tell_status(SourceState::TokenExpired, status.meaning());
            return;
        }
        let detail = format!("Zoom refused: {}", status.meaning());
        let known = self.status.as_ref().is_some_and(|(_, words)| *words == detail);
        self.lost(socket, SourceState::Reconnecting, &detail, now_ms);
        if !known {
            self.tell_status(SourceState::Reconnecting, &detail);
        }
    }

    fn event(&mut self, event: EventType, people: &[protocol::Person], now_ms: u64) {
        let mut out = Vec::new();
        match event {
            EventType::ParticipantJoin => self.media.joined(people, &mut out),
            EventType::ParticipantLeave => self.media.left(people, &mut out),
            EventType::MediaInterrupted => self.media_interrupted(now_ms),
            // Who speaks is said by the audio itself.
            _ => {}
        }
        self.pass(out);
    }

    fn media_interrupted(&mut self, now_ms: u64) {
        // Told by an event and by the stream's state, and perhaps seen before that: once is enough.
        if matches!(self.media_line.link, Link::Up { .. }) {
            tracing::info!(stream = self.stream.stream, "Zoom says that the media connection broke");
            self.lost(Socket::Media, SourceState::Reconnecting, "Zoom's audio broke off; connecting again", now_ms);
        }
    }

    fn stream_state(&mut self, state: StreamState, reason: StopReason, now_ms: u64) {
        match state {
            StreamState::Active | StreamState::Resumed => self.set_paused(false),
            StreamState::Paused => self.set_paused(true),
            StreamState::Interrupted if reason == StopReason::MediaInterrupted => self.media_interrupted(now_ms),
            StreamState::Terminated => {
                if reason == StopReason::StreamRevoked || reason.wants_restart() {
                    self.stopped(reason, now_ms);
                } else if self.farewell.is_none() {
                    // Only the webhook is sure to say why; a revoked permission must not be missed.
                    self.farewell = Some((now_ms + ms(self.settings.timing.farewell), reason));
                    self.hang_up();
                }
            }
            _ => {}
        }
    }

    fn session_state(&mut self, session: String, state: SessionState) {
        match state {
            SessionState::Stopped | SessionState::Inactive => drop(self.sessions.remove(&session)),
            _ if self.sessions.len() < MAX_SESSIONS || self.sessions.contains_key(&session) => {
                self.sessions.insert(session, state);
            }
            _ => {}
        }
        self.after_pause_changed();
    }

    fn set_paused(&mut self, paused: bool) {
        self.stream_paused = paused;
        if !paused {
            // The stream runs, so at least one session does; Zoom may not name each.
            for state in self.sessions.values_mut().filter(|s| **s == SessionState::Paused) {
                *state = SessionState::Resumed;
            }
        }
        self.after_pause_changed();
    }

    /// A stream is paused if Zoom says so, or if all of its sessions are.
    fn is_paused(&self) -> bool {
        let all = |state: &SessionState| *state == SessionState::Paused;
        self.stream_paused || (!self.sessions.is_empty() && self.sessions.values().all(all))
    }

    fn after_pause_changed(&mut self) {
        if matches!(self.media_line.link, Link::Up { .. }) {
            if self.is_paused() {
                self.pause_all();
            }
            self.tell_joined();
        }
    }

    /// Audio in a paused stream: either it is a leftover, or we missed that it goes on.
    fn ask_state(&mut self, now_ms: u64) {
        if now_ms.saturating_sub(self.asked_ms) >= ASK_EVERY_MS {
            self.asked_ms = now_ms;
            self.send(Socket::Signalling, protocol::ask_stream_state(&self.stream.stream));
        }
    }

    // ---- time ----------------------------------------------------------------------------------------------------

    fn tick(&mut self, now_ms: u64) {
        let timing = self.settings.timing;
        if let Some((until, reason)) = self.farewell
            && now_ms >= until
        {
            self.stopped(reason, now_ms);
        }
        if self.restart_until.is_some_and(|until| now_ms >= until) {
            let why = match &self.status {
                Some((SourceState::TokenExpired, words)) => words.clone(),
                _ => "Zoom stopped the stream and did not start it again".to_owned(),
            };
            self.finish(&why, true);
        } else if self.restart_until.is_none()
            && self.lost_since.is_some_and(|since| now_ms.saturating_sub(since) >= ms(timing.give_up))
        {
            self.finish("Zoom could not be reached again", true);
        }
        for socket in [Socket::Signalling, Socket::Media] {
            if self.over {
                return;
            }
            match self.line(socket).link {
                Link::Waiting { at } if now_ms >= at => match socket {
                    Socket::Signalling => self.connect_signalling(now_ms),
                    Socket::Media => self.connect_media(now_ms),
                },
                Link::Opening { since } if now_ms.saturating_sub(since) >= ms(timing.handshake) => {
                    self.out.push(Action::Close(socket));
                    self.line(socket).link = Link::Down;
                    self.lost(socket, SourceState::Reconnecting, "Zoom does not answer; trying again", now_ms);
                }
                Link::Up { heard, .. } if now_ms.saturating_sub(heard) >= ms(timing.keep_alive) => {
                    tracing::warn!(stream = self.stream.stream, ?socket, "Zoom's keep-alives stay away");
                    let detail = "Zoom's signs of life stay away; connecting again";
                    self.lost(socket, SourceState::KeepAliveLost, detail, now_ms);
                }
                _ => {}
            }
        }
        let mut out = Vec::new();
        self.media.tick(now_ms, &mut out);
        self.pass(out);
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
