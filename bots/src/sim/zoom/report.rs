//! What the bot did, as Zoom saw it.

use std::collections::BTreeMap;

/// Most lines and connections kept; more are only counted. A meeting of an hour has a few hundred.
const MOST: usize = 10_000;

/// What the bot did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// The bot knew the webhook secret when it was asked. `None`: it was not asked, or did not answer.
    pub url_validated: Option<bool>,
    /// All webhooks posted, in order, repetitions too.
    pub webhooks: Vec<WebhookSent>,
    /// Handshakes on the signalling socket.
    pub signalling: Vec<SignallingConnection>,
    /// Handshakes on media sockets.
    pub media: Vec<MediaConnection>,
    /// Signatures that were right, in both handshakes.
    pub signatures_ok: u64,
    /// Signatures that were wrong.
    pub signatures_bad: u64,
    /// How often the bot said that it is ready.
    pub ready: u64,
    /// Events it wants to hear of, by number; `false` if it unsubscribed.
    pub subscriptions: BTreeMap<u64, bool>,
    /// Keep-alives sent.
    pub keep_alives_sent: u64,
    /// Keep-alives answered.
    pub keep_alives_answered: u64,
    /// Sockets cut because three keep-alives were not answered.
    pub cut_for_silence: u64,
    /// Sockets cut because the bot did not read.
    pub cut_for_slowness: u64,
    /// Signalling sockets closed because the bot opened another one.
    pub pushed_out: u64,
    /// Audio messages sent.
    pub audio_sent: u64,
    /// Audio messages that nobody was there to take: no media socket, a pause, a dead link.
    pub audio_missed: u64,
    /// Audio messages sent after the one that follows them.
    pub reordered: u64,
    /// Transcript messages sent.
    pub transcripts_sent: u64,
    /// Messages of the bot that could not be read, or are unknown.
    pub odd_messages: u64,
    /// Sockets that the bot closed properly, and sockets that just broke.
    pub closed_by_bot: (u64, u64),
    /// Why it ended.
    pub end: Option<End>,
    /// Everything in plain words, in order. At most 10,000 lines.
    pub lines: Vec<String>,
}

/// Why a meeting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// Zoom's `stop_reason`.
    pub stop_reason: u16,
}

/// A webhook, once posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookSent {
    /// Its event, `meeting.rtms_started` for example.
    pub event: String,
    /// What made it special: `duplicate`, `wrong signature`, `old`; empty if nothing.
    pub kind: &'static str,
    /// HTTP status; `None` if there was no answer within 3 s.
    pub status: Option<u16>,
    /// How long the answer took, in ms.
    pub took_ms: u64,
    /// 1 for the first time, 2 and 3 for repetitions because of a bad answer.
    pub attempt: u32,
}

/// A handshake on the signalling socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignallingConnection {
    /// 0 or 1: which server.
    pub server: usize,
    /// The status given.
    pub status: u16,
}

/// A handshake on a media socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediaConnection {
    /// 0 or 1: which server.
    pub server: usize,
    /// Kinds asked for.
    pub media_type: u64,
    /// The status given.
    pub status: u16,
}

impl Report {
    /// Adds a line.
    pub(super) fn line(&mut self, line: &str) {
        if self.lines.len() < MOST {
            self.lines.push(line.to_owned());
        }
    }

    /// Adds to a list, but not for ever.
    pub(super) fn keep<T>(list: &mut Vec<T>, one: T) {
        if list.len() < MOST {
            list.push(one);
        }
    }

    /// Is there a line that holds these words?
    #[must_use]
    pub fn says(&self, words: &str) -> bool {
        self.lines.iter().any(|line| line.contains(words))
    }
}
