//! The Meet bot itself: joins, feeds the engine, comes back when the connection breaks, leaves, and says how it is doing.

mod session;

use std::{
    future::Future,
    pin::pin,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use tokio::time::sleep;

use super::{
    http::{self, ConnectError, TokenSource},
    peer::{Incoming, Network, Peer},
    protocol::{self, ConnectRefused, DisconnectReason},
    roster::Roster,
    streams::{StreamCounts, Streams},
    voices::{VoiceCounts, Voices},
};
use crate::engine::{Consent, Counts, EngineCall, EngineClient, MAX_TRACKS, Opening, Over, SourceState};

/// For the goodbye.
const LEAVE_WITHIN: Duration = Duration::from_secs(3);
/// First pause before trying again; every further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Longest pause before trying again.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// The clock of all tracks begins here, in microseconds, so that nothing lies before zero.
const CLOCK_BEGINS_US: u64 = 10_000_000;

/// What to join, and whom to feed.
#[derive(Clone, Debug)]
pub struct MeetConfig {
    /// Where Google answers: [`http::GOOGLE`], or a simulator.
    pub base_url: String,
    /// The meeting: `spaces/abc`, or its code `abc-defg-hij`.
    pub space: String,
    /// The access token.
    pub token: TokenSource,
    /// The engine's call.
    pub engine: Opening,
    /// Consent that is on record for everybody in the meeting, if so. Nothing is assumed: without it the engine's own
    /// register decides.
    pub consent: Option<Consent>,
    /// How the participants were told that they are listened to, if they were: `host`, `invitation`. A Media API client
    /// cannot write into the chat.
    pub told: Option<String>,
    /// How to reach Google.
    pub network: Network,
    /// Most people who get a track, in the order they come. The engine hangs up on more than its `limits.max_tracks`.
    pub most_people: usize,
    /// How long to try for a meeting that has not begun, a token that is being renewed, or a connection that broke.
    pub patience: Duration,
}

/// How it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeetReport {
    /// Why it ended.
    pub end: MeetEnd,
    /// The engine's call.
    pub call: String,
    /// Cards shown, if the engine said so.
    pub cards_shown: Option<u64>,
    /// What became of packets on the way in.
    pub streams: StreamCounts,
    /// What became of sound that was nobody's, or twice there.
    pub voices: VoiceCounts,
    /// What became of packets on the way to the engine.
    pub engine: Counts,
    /// Sessions beyond the first.
    pub reconnects: u64,
    /// Statistics reports that were sent.
    pub reports: u64,
    /// Messages and resources that could not be read or are not known.
    pub unknown: u64,
    /// Packets before we had joined, without the participants told, or more than could be taken.
    pub unheard: u64,
}

/// Why a bot is no longer in the meeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MeetEnd {
    /// It was asked to leave, and did.
    Left,
    /// Google ended it.
    Disconnected(DisconnectReason),
    /// The engine ended the call.
    EngineOver(String),
    /// Google, a host or somebody who has to agree refused.
    Refused(String),
    /// It could not get in, or not back in.
    GaveUp(String),
}

/// What a session came to.
enum SessionEnd {
    Left,
    Disconnected(DisconnectReason),
    Engine(Over),
    Broken(String),
}

/// Joins and stays until `stop` resolves, the meeting is over, or the engine ends the call. Then the engine's call is
/// ended too.
///
/// # Errors
/// If the engine cannot be reached, or something is wrong with the settings. Whatever happens in the meeting is told by the
/// report.
pub async fn run(config: MeetConfig, stop: impl Future<Output = ()>) -> anyhow::Result<MeetReport> {
    anyhow::ensure!(
        protocol::is_space(&config.space),
        "{:?} is no meeting: give its code (abc-defg-hij) or its space (spaces/…)",
        config.space
    );
    config.token.read().context("no access token")?;
    let call = EngineClient::open(config.engine.clone()).await.context("the engine does not take the call")?;
    let mut bot = Bot {
        told: true,
        ever_in: false,
        crowd_told: false,
        said: None,
        call,
        begun: Instant::now(),
        roster: Roster::new(),
        streams: Streams::new(),
        voices: Voices::new(config.most_people.min(MAX_TRACKS)),
        reconnects: 0,
        reports: 0,
        unknown: 0,
        unheard: 0,
        next_request: 1,
        config,
    };
    bot.disclose();
    let end = bot.stay(stop).await;
    bot.finish(end).await
}

struct Bot {
    config: MeetConfig,
    call: EngineCall,
    begun: Instant,
    roster: Roster,
    streams: Streams,
    voices: Voices,
    /// The participants were told what they must be told.
    told: bool,
    /// We were in the meeting, at least once.
    ever_in: bool,
    /// That not everybody is listened to was told.
    crowd_told: bool,
    /// The last status.
    said: Option<(SourceState, String)>,
    reconnects: u64,
    reports: u64,
    unknown: u64,
    unheard: u64,
    next_request: i64,
}

impl Bot {
    fn us(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.begun).as_micros();
        CLOCK_BEGINS_US + u64::try_from(since).unwrap_or(u64::MAX / 2)
    }

    /// What the engine wants to be said in the meeting is said by people: this kind of bot has no voice and no chat.
    fn disclose(&mut self) {
        let Some(text) = self.call.started().disclosure else { return };
        match &self.config.told {
            Some(via) => self.call.disclosed(via.clone(), text),
            None => self.told = false,
        }
    }

    /// Says how it is going, unless it was just said.
    fn status(&mut self, state: SourceState, detail: impl Into<String>) {
        let now = (state, detail.into());
        if self.said.as_ref() != Some(&now) {
            tracing::info!(state = ?now.0, detail = now.1, "meeting");
            self.call.status(now.0, now.1.clone());
            self.said = Some(now);
        }
    }

    /// We are not in the meeting, and try again.
    fn not_yet(&mut self, why: &str) {
        let state = if self.ever_in { SourceState::Reconnecting } else { SourceState::Connecting };
        self.status(state, why);
    }

    /// Sessions, one after the other.
    async fn stay(&mut self, stop: impl Future<Output = ()>) -> MeetEnd {
        let mut stop = pin!(stop);
        let (mut pause, mut trouble_since) = (FIRST_PAUSE, None::<Instant>);
        self.status(SourceState::Connecting, "");
        loop {
            let mut was_in = false;
            let end = match self.connect(stop.as_mut()).await {
                Ok(Some((peer, incoming))) => {
                    let end = self.session(&peer, incoming, stop.as_mut(), &mut was_in).await;
                    self.unheard += peer.dropped();
                    peer.close().await;
                    if let SessionEnd::Broken(why) = &end {
                        self.not_yet(why);
                    }
                    end
                }
                Ok(None) => return MeetEnd::Left,
                Err(error) => match self.not_in(error) {
                    Ok(why) => SessionEnd::Broken(why),
                    Err(end) => return end,
                },
            };
            let why = match end {
                SessionEnd::Left => return MeetEnd::Left,
                SessionEnd::Engine(over) => return MeetEnd::EngineOver(over.to_string()),
                SessionEnd::Disconnected(reason) if !reason.may_reconnect() => return self.out(reason),
                SessionEnd::Disconnected(reason) => {
                    self.not_yet(reason.in_words());
                    reason.in_words().to_owned()
                }
                SessionEnd::Broken(why) => why,
            };
            self.quiet();
            if was_in {
                self.reconnects += 1;
                (pause, trouble_since) = (FIRST_PAUSE, None);
            }
            let since = *trouble_since.get_or_insert_with(Instant::now);
            if since.elapsed() >= self.config.patience {
                self.status(SourceState::Disconnected, format!("gave up: {why}"));
                return MeetEnd::GaveUp(why);
            }
            tracing::warn!("not in the meeting: {why}; trying again");
            tokio::select! {
                () = sleep(pause) => {}
                () = stop.as_mut() => return MeetEnd::Left,
                over = self.call.over() => return MeetEnd::EngineOver(over.to_string()),
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Google ended the session, for good.
    fn out(&mut self, reason: DisconnectReason) -> MeetEnd {
        let state = match reason {
            // Who stops the bot does not agree to it.
            DisconnectReason::UserStopped => SourceState::ConsentRefused,
            _ => SourceState::Disconnected,
        };
        self.status(state, reason.in_words());
        MeetEnd::Disconnected(reason)
    }

    /// We did not get in. Why, if it may be tried again.
    fn not_in(&mut self, error: ConnectError) -> Result<String, MeetEnd> {
        let words = error.to_string();
        match error {
            ConnectError::Refused(ConnectRefused::Token(_)) if self.config.token.may_change() => {
                self.status(SourceState::TokenExpired, "renew the access token; the bot reads its file again");
                Ok(words)
            }
            ConnectError::Refused(ConnectRefused::Token(_)) => {
                self.status(SourceState::TokenExpired, "get a new access token and start the bot again");
                Err(MeetEnd::Refused(words))
            }
            ConnectError::Refused(ConnectRefused::Forbidden(_)) => {
                self.status(SourceState::ConsentRefused, words.clone());
                Err(MeetEnd::Refused(words))
            }
            ConnectError::Refused(ConnectRefused::BadRequest(_)) | ConnectError::Setup(_) => {
                self.status(SourceState::Disconnected, words.clone());
                Err(MeetEnd::Refused(words))
            }
            ConnectError::Refused(ConnectRefused::NoConference(_)) => {
                self.not_yet("no meeting is running there (yet)");
                Ok(words)
            }
            ConnectError::Refused(ConnectRefused::Busy(_) | ConnectRefused::Strange(_)) | ConnectError::Offline(_) => {
                self.not_yet(&words);
                Ok(words)
            }
        }
    }

    /// Offer and answer. `None` if asked to stop.
    async fn connect(&self, stop: impl Future<Output = ()>) -> Result<Option<(Peer, Incoming)>, ConnectError> {
        let connected = async {
            let token = self.config.token.read().map_err(ConnectError::Setup)?;
            let (peer, incoming, offer) = Peer::offer(&self.config.network).await.map_err(ConnectError::Setup)?;
            let answered = async {
                let answer = http::connect(&self.config.base_url, &self.config.space, &token, &offer).await?;
                peer.accept(&answer).await.map_err(|why| ConnectRefused::Strange(format!("{why:#}")))?;
                Ok(())
            };
            match answered.await {
                Ok(()) => Ok(Some((peer, incoming))),
                Err(error) => {
                    peer.close().await;
                    Err(error)
                }
            }
        };
        tokio::select! {
            outcome = connected => outcome,
            () = stop => Ok(None),
        }
    }

    async fn finish(mut self, end: MeetEnd) -> anyhow::Result<MeetReport> {
        self.quiet();
        if end == MeetEnd::Left {
            self.status(SourceState::Disconnected, DisconnectReason::ClientLeft.in_words());
        }
        let call = self.call.started().call;
        let cards_shown = match &end {
            MeetEnd::EngineOver(_) => None,
            _ => self.call.stop().await.context("the engine did not end the call as asked")?.cards_shown,
        };
        Ok(MeetReport {
            end,
            call,
            cards_shown,
            streams: self.streams.counts(),
            voices: self.voices.counts(),
            engine: self.call.counts(),
            reconnects: self.reconnects,
            reports: self.reports,
            unknown: self.unknown + self.roster.unknown(),
            unheard: self.unheard,
        })
    }
}
