//! What people in the meeting do: they speak, come and leave, as the agenda says.

use std::{sync::PoisonError, time::Duration};

use serde_json::Value;
use tokio::time::Instant;

use super::{Live, Role, unix_ms, user};
use crate::sim::zoom::{
    protocol::{self, event_type, session_state, stop_reason, stream_state},
    script::{Action, draw},
};

impl Live {
    /// The conversation up to now: sound and agenda in the order of media time.
    pub(super) fn talk(&mut self) {
        let until = self.media_ms();
        while !self.ended {
            let sound = self.cursor_ms + self.step_ms();
            let next = self.agenda.front().map_or(u64::MAX, |(at, _)| *at);
            if sound.min(next) > until {
                return;
            }
            if next < sound {
                if let Some((_, action)) = self.agenda.pop_front() {
                    self.act(action);
                }
            } else {
                self.sound();
                self.cursor_ms = sound;
            }
        }
    }

    /// The socket that carries audio, if it can.
    pub(super) fn audio_socket(&self) -> Option<u64> {
        self.sockets
            .iter()
            .find(|(_, s)| matches!(s.role, Role::Media { audio: true, .. }) && !s.dead)
            .map(|(id, _)| *id)
            .filter(|_| self.ready && !self.paused)
    }

    pub(super) fn sound(&mut self) {
        let at = self.cursor_ms;
        let timestamp = self.base_ms + at;
        let packet = at / self.step_ms();
        let Some(id) = self.audio_socket() else {
            let missed = self.present.iter().filter(|p| **p).count() as u64;
            self.report(|r| r.audio_missed += missed);
            return;
        };
        let Some((params, mut sounds)) = self.sounds.take() else { return };
        if !self.told_first {
            self.told_first = true;
            self.signal(&protocol::event(event_type::FIRST_PACKET, timestamp));
        }
        let mut messages: Vec<(usize, anyhow::Result<Value>)> = Vec::new();
        if params.per_participant {
            for (who, voice) in self.voices.iter().enumerate().filter(|(who, _)| self.present[*who]) {
                if self.options.chaos.skip_silence && sounds.silent(who, at) {
                    continue;
                }
                let spelt = sounds.of(who, at).map(|data| protocol::audio(user(who), &voice.name, &data, timestamp));
                messages.push((who, spelt));
            }
        } else {
            let spelt = sounds.mixed(&self.present, at).map(|data| protocol::audio(0, "", &data, timestamp));
            messages.push((0, spelt));
        }
        self.sounds = Some((params, sounds));
        let chaos = &self.options.chaos;
        let (seed, share, slow) = (chaos.seed, chaos.reorder_percent / 100.0, chaos.slow_media_ms);
        for (who, message) in messages {
            let text = match message {
                Ok(message) => message.to_string(),
                Err(error) => {
                    self.say(&format!("sound was lost: {error:#}"));
                    continue;
                }
            };
            let later = (slow > 0)
                .then(|| Instant::now() + Duration::from_secs_f64(draw(!seed, who, packet) * slow as f64 / 1_000.0));
            if let Some(held) = self.held.remove(&who) {
                self.send_text(id, text, later);
                self.send_text(id, held, later);
                self.report(|r| r.reordered += 1);
            } else if draw(seed, who, packet) < share {
                self.held.insert(who, text);
                continue;
            } else {
                self.send_text(id, text, later);
            }
        }
    }

    pub(super) fn act(&mut self, action: Action) {
        let now = self.now_ms();
        match action {
            Action::Join(who) => {
                self.present[who] = true;
                self.say(&format!("{} comes", self.voices[who].name));
                self.tell_participants(event_type::JOIN, now, &[who]);
            }
            Action::Leave(who) => {
                self.present[who] = false;
                self.say(&format!("{} leaves", self.voices[who].name));
                self.tell_participants(event_type::LEAVE, now, &[who]);
            }
            Action::Speaks(who) => {
                if self.subscribed(event_type::ACTIVE_SPEAKER) && self.present[who] {
                    self.signal(&protocol::active_speaker(now, user(who), &self.voices[who].name));
                }
            }
            Action::Transcript { who, words, start_ms, end_ms } => self.transcript(who, &words, start_ms, end_ms),
            Action::Pause => {
                self.paused = true;
                self.say("the host pauses the stream");
                self.tell_states(session_state::PAUSED, stream_state::PAUSED, now);
            }
            Action::Resume => {
                self.paused = false;
                self.say("the host resumes the stream");
                self.tell_states(session_state::RESUMED, stream_state::RESUMED, now);
            }
            Action::GoSilent => {
                self.say("both sockets go silent without being closed");
                for socket in self.sockets.values_mut().filter(|s| s.role != Role::New) {
                    socket.dead = true;
                }
            }
            Action::DropMedia => {
                self.say("the media socket is cut");
                for id in self.media_sockets() {
                    self.cut(id);
                }
                self.signal(&protocol::event(event_type::MEDIA_INTERRUPTED, now));
                self.media_by = Some(Instant::now() + self.options.media_back_within);
            }
            Action::Interrupt => {
                self.say("both sockets are cut");
                self.lose_signalling(true);
            }
            Action::FailOver => {
                self.say("the server fails; another one takes over");
                self.failed = Some(self.server);
                self.server = 1 - self.server;
                self.lose_signalling(false);
                self.event_ts = unix_ms();
                self.post_started();
            }
            Action::Stop(reason) => {
                self.say(match reason {
                    stop_reason::STREAM_REVOKED => "the stream is revoked",
                    _ => "the meeting is over",
                });
                self.stop(reason);
            }
        }
    }

    pub(super) fn transcript(&mut self, who: usize, words: &str, start_ms: u64, end_ms: u64) {
        if !self.options.transcripts || self.paused || !self.ready || !self.present[who] {
            return;
        }
        let socket = self
            .sockets
            .iter()
            .find(|(_, s)| matches!(s.role, Role::Media { transcripts: true, .. }) && !s.dead)
            .map(|(id, _)| *id);
        if let Some(id) = socket {
            let name = &self.voices[who].name;
            let (start, end) = (self.base_ms + start_ms, self.base_ms + end_ms);
            let message = protocol::transcript(user(who), name, words, start, end);
            self.send(id, &message);
            self.report(|r| r.transcripts_sent += 1);
        }
    }

    pub(super) fn subscribed(&self, event: u64) -> bool {
        let report = self.report.lock().unwrap_or_else(PoisonError::into_inner);
        report.subscriptions.get(&event).copied().unwrap_or(false)
    }

    pub(super) fn tell_participants(&mut self, event: u64, now: u64, who: &[usize]) {
        if self.subscribed(event) && !who.is_empty() {
            let list: Vec<(u32, &str)> = who.iter().map(|&w| (user(w), self.voices[w].name.as_str())).collect();
            let message = protocol::participants(event, now, &list);
            self.signal(&message);
        }
    }

    pub(super) fn tell_states(&mut self, session: u16, stream: u16, now: u64) {
        let message = protocol::stream_state(&self.options.stream_id, stream, 0, now);
        self.signal(&message);
        let message = protocol::session_state(&self.session_id(), session, 0, now);
        self.signal(&message);
    }

    pub(super) fn session_id(&self) -> String {
        format!("session-{}", self.options.stream_id)
    }
}
