//! What the bot says, and how Zoom answers.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Live, MAX_SOCKETS, Role, Socket};
use crate::sim::zoom::{
    connection::News,
    protocol::{self, AudioParams, FromClient, Identity, Status, event_type, session_state, stop_reason, stream_state},
    report::{MediaConnection, Report, SignallingConnection},
    sound::Sounds,
};

impl Live {
    pub(super) async fn hear(&mut self, news: News) {
        match news {
            News::Opened { id, server, path, client } => {
                if self.ended || self.failed == Some(server) || self.sockets.len() >= MAX_SOCKETS {
                    client.cut();
                    return;
                }
                let socket = Socket {
                    client,
                    server,
                    path,
                    role: Role::New,
                    opened: Instant::now(),
                    unanswered: 0,
                    asked: 0,
                    dead: false,
                };
                self.sockets.insert(id, socket);
            }
            News::Gone { id, properly } => {
                if !self.ended && self.sockets.contains_key(&id) {
                    self.report(|r| if properly { r.closed_by_bot.0 += 1 } else { r.closed_by_bot.1 += 1 });
                    self.gone(id, properly);
                }
            }
            News::Posted(outcome) => self.posted(outcome),
            News::Said { id, message } => self.said(id, &message).await,
        }
    }

    pub(super) async fn said(&mut self, id: u64, message: &[u8]) {
        let Some(socket) = self.sockets.get_mut(&id).filter(|s| !s.dead) else { return };
        let role = socket.role;
        let read = protocol::read(message);
        match (role, read) {
            (Role::New, Ok(FromClient::Signalling(identity))) if socket.path.starts_with("/signalling") => {
                self.greet_signalling(id, &identity);
            }
            (Role::New, Ok(FromClient::Media { identity, media_type, params }))
                if socket.path.starts_with("/media/") =>
            {
                self.greet_media(id, &identity, media_type, &params).await;
            }
            (Role::New, read) => {
                let status = if read.is_err() { Status::InvalidPayload } else { Status::InvalidMessageType };
                let media = socket.path.starts_with("/media/");
                self.say(&format!("an odd first message: {}", read.err().unwrap_or_else(|| status.reason().into())));
                self.report(|r| r.odd_messages += 1);
                let no =
                    if media { protocol::media_refused(0, status) } else { protocol::signalling_refused(0, status) };
                self.send(id, &no);
                self.close(id);
            }
            (_, Ok(FromClient::KeepAlive { .. })) => {
                socket.unanswered = 0;
                self.report(|r| r.keep_alives_answered += 1);
            }
            (Role::Signalling, Ok(FromClient::Subscribe(events))) => self.subscribe(&events),
            (Role::Signalling, Ok(FromClient::Ready { stream })) if stream == self.options.stream_id => {
                self.report(|r| r.ready += 1);
                self.say("the bot is ready");
                self.ready = true;
                self.begin_if(true);
                let now = self.now_ms();
                self.tell_states(session_state::STARTED, stream_state::ACTIVE, now);
                if self.paused {
                    self.tell_states(session_state::PAUSED, stream_state::PAUSED, now);
                }
            }
            (Role::Signalling, Ok(FromClient::SessionState)) => {
                let state = if self.paused { session_state::PAUSED } else { session_state::STARTED };
                let answer = json!({"msg_type": 11, "rtms_session_id": self.session_id(), "session_state": state});
                self.send(id, &answer);
            }
            (Role::Signalling, Ok(FromClient::StreamState)) => {
                let state = if self.paused { stream_state::PAUSED } else { stream_state::ACTIVE };
                let answer = json!({"msg_type": 20, "rtms_stream_id": self.options.stream_id, "state": state});
                self.send(id, &answer);
            }
            (Role::Signalling, Ok(FromClient::Close)) => {
                self.say("the bot asks for the end");
                let answer =
                    json!({"msg_type": 22, "rtms_stream_id": self.options.stream_id, "status_code": 0, "reason": ""});
                self.send(id, &answer);
                self.stop(stop_reason::RECEIVER_REQUEST);
            }
            (_, read) => {
                self.report(|r| r.odd_messages += 1);
                match read {
                    Err(error) => self.say(&format!("the bot said something that cannot be read: {error}")),
                    Ok(_) => self.say("the bot said something that does not belong there"),
                }
            }
        }
    }

    pub(super) fn subscribe(&mut self, events: &[(u64, bool)]) {
        let mut anew = false;
        for &(event, wanted) in events.iter().take(64) {
            anew |= event == event_type::JOIN && wanted;
            self.report(|r| {
                r.subscriptions.insert(event, wanted);
            });
        }
        self.say(&format!("the bot subscribes to {events:?}"));
        // Those who are there already are told as if they came now.
        if anew {
            let there: Vec<usize> = (0..self.present.len()).filter(|w| self.present[*w]).collect();
            let now = self.now_ms();
            self.tell_participants(event_type::JOIN, now, &there);
        }
    }

    pub(super) fn judge(&self, identity: &Identity) -> Status {
        let options = &self.options;
        let (id, secret) = (&options.credentials.client_id, &options.credentials.client_secret);
        let right = protocol::handshake_signature(secret, id, &options.meeting_uuid, &options.stream_id);
        // A simulator keeps no secret from the bot it tests: a plain comparison will do.
        let signed = identity.signature == right;
        let status = if identity.version != 1 {
            Status::InvalidPayload
        } else if identity.stream != options.stream_id {
            Status::InvalidStreamId
        } else if identity.meeting != options.meeting_uuid {
            Status::InvalidMeeting
        } else if !signed {
            Status::InvalidSignature
        } else {
            Status::Ok
        };
        self.report(|r| if signed { r.signatures_ok += 1 } else { r.signatures_bad += 1 });
        status
    }

    pub(super) fn greet_signalling(&mut self, id: u64, identity: &Identity) {
        let status = self.judge(identity);
        let Some(server) = self.sockets.get(&id).map(|s| s.server) else { return };
        self.report(|r| {
            Report::keep(&mut r.signalling, SignallingConnection { server, status: status.code() });
        });
        if status != Status::Ok {
            self.say(&format!("the signalling handshake is refused: {}", status.reason()));
            self.send(id, &protocol::signalling_refused(identity.sequence, status));
            self.close(id);
            return;
        }
        if let Some(old) = self.signalling.take() {
            // One connection per stream: the later one wins.
            let dead = self.sockets.get(&old).is_some_and(|s| s.dead);
            self.report(|r| r.pushed_out += u64::from(!dead));
            self.say("another signalling connection pushes out the first");
            self.close(old);
            for media in self.media_sockets() {
                self.close(media);
            }
        }
        self.signalling = Some(id);
        self.signalling_by = None;
        self.ready = false;
        self.report(|r| r.subscriptions.clear());
        if let Some(socket) = self.sockets.get_mut(&id) {
            socket.role = Role::Signalling;
        }
        self.say("the bot is on the signalling server");
        let base = format!("ws://{}/media", self.servers[server]);
        self.send(id, &protocol::signalling_accepted(identity.sequence, &base));
    }

    pub(super) async fn greet_media(&mut self, id: u64, identity: &Identity, media_type: u64, params: &Value) {
        let mut status = self.judge(identity);
        let Some((server, path)) = self.sockets.get(&id).map(|s| (s.server, s.path.clone())) else { return };
        let all = media_type & protocol::ALL != 0;
        let (audio, transcripts) =
            (all || media_type & protocol::AUDIO != 0, all || media_type & protocol::TRANSCRIPT != 0);
        if status == Status::Ok {
            status = match (path.as_str(), media_type) {
                _ if self.signalling.is_none() => Status::InvalidStreamId,
                (_, kind) if kind & 2 != 0 => Status::VideoNotSupported,
                (_, kind) if kind & 4 != 0 => Status::ShareNotSupported,
                (_, kind) if kind & 16 != 0 => Status::ChatNotSupported,
                ("/media/audio", protocol::AUDIO) | ("/media/transcript", protocol::TRANSCRIPT) => Status::Ok,
                ("/media/all", _) if audio || transcripts => Status::Ok,
                _ => Status::InvalidMediaType,
            };
        }
        let taken = self.sockets.values().filter(|s| !s.dead).any(|s| match s.role {
            Role::Media { audio: a, transcripts: t } => a && audio || t && transcripts,
            _ => false,
        });
        if status == Status::Ok && taken {
            status = Status::DuplicateMedia;
        }
        let mut echo = params.clone();
        if status == Status::Ok && audio {
            match AudioParams::negotiate(params) {
                Ok(wanted) => status = self.prepare(wanted, &mut echo).await,
                Err(refused) => status = refused,
            }
        }
        self.report(|r| {
            Report::keep(&mut r.media, MediaConnection { server, media_type, status: status.code() });
        });
        if status != Status::Ok {
            self.say(&format!("the media handshake is refused: {}", status.reason()));
            self.send(id, &protocol::media_refused(identity.sequence, status));
            self.close(id);
            return;
        }
        let dead: Vec<u64> = self.media_sockets().into_iter().filter(|m| self.sockets[m].dead).collect();
        for old in dead {
            self.cut(old);
        }
        if let Some(socket) = self.sockets.get_mut(&id) {
            socket.role = Role::Media { audio, transcripts };
        }
        if audio {
            self.media_by = None;
            self.held.clear();
        }
        let kinds = match (audio, transcripts) {
            (true, true) => "audio and transcripts",
            (true, false) => "audio",
            _ => "transcripts",
        };
        self.say(&format!("the bot is on the media server, for {kinds}"));
        let slow = self.options.chaos.slow_media_ms;
        let later = (slow > 0).then(|| Instant::now() + Duration::from_millis(slow));
        self.send_text(id, protocol::media_accepted(identity.sequence, &echo).to_string(), later);
    }

    /// Brings the voices into the form agreed on.
    pub(super) async fn prepare(&mut self, mut params: AudioParams, echo: &mut Value) -> Status {
        let chaos = &self.options.chaos;
        if chaos.mixed {
            params.per_participant = false;
        }
        if let Some(ms) = chaos.send_rate_ms
            && params.coding != protocol::Coding::Opus
        {
            params.send_rate_ms = ms;
        }
        if let Some(audio) = echo.get_mut("audio").filter(|a| a.is_object()) {
            audio["data_opt"] = json!(if params.per_participant { 2 } else { 1 });
            audio["send_rate"] = json!(params.send_rate_ms);
        }
        if self.sounds.as_ref().is_some_and(|(have, _)| *have == params) {
            return Status::Ok;
        }
        let voices = Arc::clone(&self.voices);
        match tokio::task::spawn_blocking(move || Sounds::new(&voices, params)).await {
            Ok(Ok(sounds)) => {
                self.sounds = Some((params, sounds));
                Status::Ok
            }
            Ok(Err(error)) => {
                self.say(&format!("the voices cannot be brought into this form: {error:#}"));
                Status::AudioRate
            }
            Err(error) => {
                self.say(&format!("the voices cannot be prepared: {error}"));
                Status::InvalidMediaParams
            }
        }
    }
}
