//! One session with Google Meet, from the answer to its end: packets, messages, status, statistics, the goodbye.

use std::{
    future::Future,
    pin::{Pin, pin},
    time::{Duration, Instant},
};

use tokio::time::{MissedTickBehavior, interval, timeout};
use webrtc::peer_connection::RTCPeerConnectionState;

use super::{Bot, LEAVE_WITHIN, SessionEnd};
use crate::{
    engine::{Codec, SourceState, Track},
    meet::{
        peer::{Incoming, Peer, PeerEvent},
        protocol::{self, SessionStatus, StatsConfiguration, Unreadable, channel},
        streams::Piece,
        voices::Say,
    },
};

/// How often what waits is looked at: a packet's length.
const TICK: Duration = Duration::from_millis(20);
/// For ICE, DTLS and the data channels, after the answer.
const CONNECT_WITHIN: Duration = Duration::from_secs(20);

/// What a message meant for the session itself.
enum Heard {
    Session(SessionStatus),
    Stats(StatsConfiguration),
}

impl Bot {
    /// One session, until it ends. `was_in` tells whether we had joined.
    pub(super) async fn session(
        &mut self,
        peer: &Peer,
        mut incoming: Incoming,
        mut stop: Pin<&mut impl Future<Output = ()>>,
        was_in: &mut bool,
    ) -> SessionEnd {
        let begun = Instant::now();
        let (mut connected, mut leaving) = (false, None::<Instant>);
        let mut stats = StatsConfiguration::default();
        let mut next_report = None::<Instant>;
        let call = self.call.clone();
        let mut over = pin!(call.over());
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                packet = incoming.media.recv() => {
                    let Some((arrived, packet)) = packet else { return SessionEnd::Broken("the connection is gone".into()) };
                    if !*was_in || !self.told {
                        self.unheard += 1;
                        continue;
                    }
                    let now_us = self.us(arrived);
                    let mut pieces = Vec::new();
                    self.streams.push(now_us, packet, &mut pieces);
                    self.hear(now_us, pieces);
                }
                event = incoming.events.recv() => match event {
                    None => return SessionEnd::Broken("the connection is gone".into()),
                    Some(PeerEvent::State(RTCPeerConnectionState::Connected)) => {
                        connected = true;
                        if *was_in {
                            self.joined();
                        }
                    }
                    Some(PeerEvent::State(RTCPeerConnectionState::Disconnected)) if *was_in => {
                        self.status(SourceState::Reconnecting, "Google Meet cannot be heard");
                        connected = false;
                    }
                    Some(PeerEvent::State(RTCPeerConnectionState::Failed | RTCPeerConnectionState::Closed)) => {
                        return SessionEnd::Broken("the connection to Google Meet broke".into());
                    }
                    Some(PeerEvent::State(_)) => {}
                    Some(PeerEvent::Closed(label)) => {
                        tracing::debug!(label, "a data channel was closed");
                        if label == channel::SESSION_CONTROL {
                            let why = "Google Meet closed the session".to_owned();
                            return if leaving.is_some() { SessionEnd::Left } else { SessionEnd::Broken(why) };
                        }
                    }
                    Some(PeerEvent::Message(label, message)) => {
                        match self.message(label, &message) {
                            Ok(Some(Heard::Session(SessionStatus::Waiting))) => {
                                self.status(SourceState::WaitingRoom, "somebody in the meeting has to let the bot in");
                            }
                            Ok(Some(Heard::Session(SessionStatus::Joined))) => {
                                *was_in = true;
                                self.ever_in = true;
                                self.joined();
                            }
                            Ok(Some(Heard::Session(SessionStatus::Disconnected(reason)))) => {
                                return if leaving.is_some() { SessionEnd::Left } else { SessionEnd::Disconnected(reason) };
                            }
                            Ok(Some(Heard::Stats(configuration))) => {
                                let every = Duration::from_secs(u64::from(configuration.upload_interval_s));
                                next_report = (!every.is_zero()).then(|| Instant::now() + every);
                                stats = configuration;
                            }
                            Ok(None) => {}
                            Err(error) => {
                                self.unknown += 1;
                                tracing::warn!(label, %error, "a message of Google Meet is passed over");
                            }
                        }
                    }
                },
                _ = tick.tick() => {
                    if *was_in {
                        self.tell_of_crowd();
                    }
                    let now = Instant::now();
                    let now_us = self.us(now);
                    let mut pieces = Vec::new();
                    self.streams.tick(now_us, &mut pieces);
                    self.hear(now_us, pieces);
                    if next_report.is_some_and(|at| at <= now) {
                        next_report = Some(now + Duration::from_secs(u64::from(stats.upload_interval_s)));
                        self.report(peer, &stats).await;
                    }
                    if !connected && !*was_in && begun.elapsed() > CONNECT_WITHIN {
                        let why = "no connection to Google Meet came about; does the firewall let UDP out?".to_owned();
                        return SessionEnd::Broken(why);
                    }
                    if leaving.is_some_and(|since| since.elapsed() > LEAVE_WITHIN) {
                        return SessionEnd::Left;
                    }
                }
                () = stop.as_mut(), if leaving.is_none() => {
                    if self.leave(peer).await.is_err() {
                        return SessionEnd::Left;
                    }
                    leaving = Some(Instant::now());
                }
                over = over.as_mut() => {
                    let _told = timeout(LEAVE_WITHIN, self.leave(peer)).await;
                    return SessionEnd::Engine(over);
                }
            }
        }
    }

    fn joined(&mut self) {
        let detail = match (self.told, self.call.started().disclosure) {
            (false, Some(text)) => {
                format!("not listening yet: tell everybody “{text}”, then start the bot with --disclosed-by-host")
            }
            _ => String::new(),
        };
        self.status(SourceState::Joined, detail);
    }

    /// Who is not listened to must be known, once.
    fn tell_of_crowd(&mut self) {
        if self.voices.counts().crowd > 0 && !std::mem::replace(&mut self.crowd_told, true) {
            let most = self.config.most_people;
            self.status(SourceState::Joined, format!("only the first {most} people are listened to"));
        }
    }

    async fn leave(&mut self, peer: &Peer) -> anyhow::Result<()> {
        let request = protocol::leave_request(self.request_id());
        peer.say(&request).await
    }

    const fn request_id(&mut self) -> i64 {
        self.next_request += 1;
        self.next_request - 1
    }

    async fn report(&mut self, peer: &Peer, wanted: &StatsConfiguration) {
        let sections = peer.statistics().await;
        let id = self.request_id();
        let Some(request) = protocol::stats_request(id, wanted, &sections) else { return };
        match peer.report(&request).await {
            Ok(()) => self.reports += 1,
            Err(error) => tracing::debug!(%error, "a statistics report could not be sent"),
        }
    }

    fn message(&mut self, label: &str, message: &[u8]) -> Result<Option<Heard>, Unreadable> {
        let now_us = self.us(Instant::now());
        match label {
            channel::SESSION_CONTROL => {
                let update = protocol::session_control(message)?;
                self.unknown += update.unknown as u64;
                self.answered(update.response);
                return Ok(update.resources.into_iter().next_back().map(|(_, status)| Heard::Session(status)));
            }
            channel::MEDIA_STATS => {
                let update = protocol::media_stats(message)?;
                self.unknown += update.unknown as u64;
                self.answered(update.response);
                return Ok(update.resources.into_iter().next_back().map(|(_, stats)| Heard::Stats(stats)));
            }
            channel::MEDIA_ENTRIES => {
                let changes = self.roster.entries(protocol::media_entries(message)?);
                let mut out = Vec::new();
                self.voices.people(now_us, changes, &self.roster, &mut out);
                self.say(out);
            }
            channel::PARTICIPANTS => {
                let changes = self.roster.participants(protocol::participants(message)?);
                let mut out = Vec::new();
                self.voices.people(now_us, changes, &self.roster, &mut out);
                self.say(out);
            }
            _ => self.unknown += 1,
        }
        Ok(None)
    }

    fn answered(&self, response: Option<protocol::Response>) {
        if let Some(response) = response.filter(|r| r.code != 0) {
            tracing::warn!(
                request = response.request_id,
                code = response.code,
                "Google Meet refused: {}",
                response.message
            );
        }
    }

    fn hear(&mut self, now_us: u64, pieces: Vec<Piece>) {
        let mut out = Vec::new();
        for piece in pieces {
            self.voices.hear(now_us, piece, &self.roster, &mut out);
        }
        self.voices.tick(now_us, &self.roster, &mut out);
        self.say(out);
    }

    /// The connection is gone: what was held is let go, and whoever spoke has paused.
    pub(super) fn quiet(&mut self) {
        let now_us = self.us(Instant::now());
        let mut pieces = Vec::new();
        self.streams.start_over(&mut pieces);
        self.hear(now_us, pieces);
        let mut out = Vec::new();
        self.voices.start_over(&mut out);
        self.say(out);
        self.roster.start_over();
    }

    fn say(&self, out: Vec<Say>) {
        for say in out {
            match say {
                Say::Track { track, name } => {
                    let consent = self.config.consent.clone();
                    let track = Track { consent, ..Track::new(track, name, Codec::Opus { pre_skip: None }) };
                    if let Err(error) = self.call.track(track) {
                        tracing::warn!("{error}");
                    }
                }
                Say::Audio { track, at_us, lost_before, payload } => {
                    if lost_before > 0 {
                        self.call.missed(track, lost_before);
                    }
                    self.call.audio(track, at_us, &payload);
                }
                Say::Pause { track } => self.call.pause(track),
                Say::Leave { track } => self.call.leave(track),
            }
        }
    }
}
