//! All tracks of a call, merged into one order of inputs. A plain state machine: the caller brings the time.

mod words;

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use reframe_audio::{
    decode::{Codec, us_to_samples},
    track::{EncodedPacket, TrackCounters, TrackItem, TrackPipeline},
};
use reframe_call::{
    audio::{Consent, FRAME_US, TrackId, TrackInfo},
    input::{ConsentRule, GapReason, Input},
    time::MediaTime,
};

use serde::{Deserialize, Serialize};

use crate::{
    clock::{CallClock, Placed},
    item::{IngestItem, Packet, What},
};

/// Where the audio comes from, and so who may wait for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// A call going on now: nobody waits long.
    Live,
    /// A recording: tracks wait for each other, so that the order does not depend on packets or speed.
    Recorded,
}

/// Settings of an [`Assembler`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssemblerConfig {
    /// Live or recorded.
    pub mode: Mode,
    /// Live: how long a frame waits for a lagging track, from its own arrival. Default 250 ms: above the 100 ms packets
    /// some platforms send, below what a rep would notice.
    pub max_wait: Duration,
    /// Audio a track may have in hand while it waits for another, in ms; beyond it the lagging track is not waited for.
    /// Default 30 s. Keeps the memory of a recording with a silent track bounded.
    pub max_hold_ms: u64,
    /// Whose consent it takes, until [`What::ConsentRule`] says otherwise. The call has the same rule of its own.
    pub consent: ConsentRule,
}

impl AssemblerConfig {
    /// Defaults for a mode.
    #[must_use]
    pub const fn new(mode: Mode) -> Self {
        Self { mode, max_wait: Duration::from_millis(250), max_hold_ms: 30_000, consent: ConsentRule::Everyone }
    }
}

/// What became of what came in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AssemblerCounters {
    /// Times a track was not waited for any longer.
    pub idled: u64,
    /// Packets of tracks nobody announced.
    pub unknown_track: u64,
    /// Packets with times outside any call.
    pub out_of_range: u64,
    /// Packets whose number came twice.
    pub duplicate: u64,
    /// Things that arrived after the end.
    pub after_end: u64,
    /// Packets and words that were not looked at because somebody's consent was missing.
    pub withheld: u64,
}

struct Queued {
    input: Input,
    /// Place in the order: media time this accounts for up to its end.
    key: MediaTime,
    arrived: Instant,
}

struct Track {
    codec: Codec,
    /// Consent is on record.
    consent: bool,
    pipeline: TrackPipeline,
    queue: VecDeque<Queued>,
    /// Key of the last thing queued.
    last_key: MediaTime,
    /// End of the last words that stay.
    words_from: MediaTime,
    /// Not waited for until it delivers again.
    idle: bool,
    left: bool,
}

impl Track {
    /// Makes silence of all that was taken in and has not gone out.
    fn forget(&mut self, arrived: Instant) {
        let mut rest = Vec::new();
        self.pipeline.finish(&mut rest);
        for item in rest {
            let key = item.end();
            if let TrackItem::Frame(frame) = item {
                self.last_key = key;
                self.queue.push_back(Queued { input: Input::Audio(frame), key, arrived });
            }
        }
        for queued in &mut self.queue {
            match &mut queued.input {
                Input::Audio(frame) => frame.samples.fill(0.0),
                Input::Words { words, tail, .. } => {
                    words.clear();
                    tail.clear();
                }
                _ => {}
            }
        }
    }
}

/// Merges a call's tracks in the order of (end of frame, track).
pub struct Assembler {
    config: AssemblerConfig,
    /// Where new tracks begin.
    start: MediaTime,
    clock: CallClock,
    tracks: BTreeMap<TrackId, Track>,
    /// News about the call itself, or about who left it: they wait for no audio. Emptied by every `pop` until nothing
    /// comes, as its caller has promised to do after every push.
    news: VecDeque<(Input, Instant)>,
    /// Everything arrived; `Some` until [`Input::End`] was handed out.
    ending: Option<Instant>,
    ended: bool,
    counters: AssemblerCounters,
    /// Tracks that left: end of their audio, and what became of their packets.
    gone: BTreeMap<TrackId, (MediaTime, TrackCounters)>,
    scratch: Vec<TrackItem>,
}

impl Assembler {
    /// An assembler for one call.
    #[must_use]
    pub const fn new(config: AssemblerConfig) -> Self {
        Self::starting_at(config, MediaTime::ZERO)
    }

    /// An assembler for a call whose audio goes on at `start`: the server was restarted in the middle of it.
    #[must_use]
    pub const fn starting_at(config: AssemblerConfig, start: MediaTime) -> Self {
        Self {
            clock: CallClock::starting_at(matches!(config.mode, Mode::Recorded), start),
            config,
            start,
            tracks: BTreeMap::new(),
            news: VecDeque::new(),
            ending: None,
            ended: false,
            counters: AssemblerCounters {
                idled: 0,
                unknown_track: 0,
                out_of_range: 0,
                duplicate: 0,
                after_end: 0,
                withheld: 0,
            },
            gone: BTreeMap::new(),
            scratch: Vec::new(),
        }
    }

    /// The call's clock: for clicks, and for measuring.
    #[must_use]
    pub const fn clock(&self) -> &CallClock {
        &self.clock
    }

    /// What became of what came in.
    #[must_use]
    pub const fn counters(&self) -> AssemblerCounters {
        self.counters
    }

    /// What became of each track's packets, tracks that left included.
    #[must_use]
    pub fn track_counters(&self) -> BTreeMap<TrackId, TrackCounters> {
        let mut all: BTreeMap<_, _> = self.gone.iter().map(|(&id, &(_, counters))| (id, counters)).collect();
        for (&id, track) in &self.tracks {
            let old = all.entry(id).or_default();
            *old = add(*old, track.pipeline.counters());
        }
        all
    }

    /// Takes what arrived. Never waits; what it completes comes out of [`pop`](Self::pop).
    pub fn push(&mut self, item: IngestItem) {
        let arrived = item.arrived;
        if self.ending.is_some() || self.ended {
            self.counters.after_end += 1;
            return;
        }
        match item.what {
            What::Track { info, codec, .. } => self.add_track(info, codec, arrived),
            What::Packet(packet) => self.packet(packet, arrived),
            What::Gap { track, until_us } => {
                if let Some(until) = self.clock.skip_to(track, until_us, arrived) {
                    self.on_track(track, arrived, |t, out| t.pipeline.gap(until, GapReason::Sender, out));
                }
            }
            What::Consent { track, consent } => self.consent(track, consent, arrived),
            What::Words(words) => self.words(&words, arrived),
            What::Pause { track } => {
                self.on_track(track, arrived, |t, out| {
                    t.pipeline.finish(out);
                    t.idle = true;
                });
                self.enqueue(track, Input::Paused(track), arrived);
            }
            What::Source(source) => self.news.push_back((Input::Source(source), arrived)),
            What::Disclosed(disclosure) => self.news.push_back((Input::Disclosed(disclosure), arrived)),
            What::ConsentRule { rule, because } => {
                self.config.consent = rule;
                self.news.push_back((Input::ConsentRule { rule, because }, arrived));
            }
            What::Erase { reason } => {
                for track in self.tracks.values_mut() {
                    track.consent = false;
                    track.forget(arrived);
                }
                self.news.push_back((Input::Erase { reason }, arrived));
            }
            What::Dropped { track, reason } => {
                self.on_track(track, arrived, |t, _| t.pipeline.expect_gap(reason));
            }
            What::Leave { track } => {
                self.on_track(track, arrived, |t, out| t.pipeline.finish(out));
                self.enqueue(track, Input::TrackEnded(track), arrived);
                if let Some(t) = self.tracks.get_mut(&track) {
                    t.left = true;
                }
            }
            What::Resumed => self.clock.resume(),
            What::End => {
                let ids: Vec<TrackId> = self.tracks.iter().filter(|(_, t)| !t.left).map(|(&id, _)| id).collect();
                for track in ids {
                    self.on_track(track, arrived, |t, out| t.pipeline.finish(out));
                }
                self.ending = Some(arrived);
            }
        }
    }

    /// The next input, if it may go out by `now`, with the moment the packet that completed it arrived.
    pub fn pop(&mut self, now: Instant) -> Option<(Input, Option<Instant>)> {
        if let Some((input, arrived)) = self.news.pop_front() {
            return Some((input, Some(arrived)));
        }
        let Some((key, id, arrived)) = self.head() else {
            let arrived = self.ending.take()?;
            self.ended = true;
            return Some((Input::End, Some(arrived)));
        };
        if self.ending.is_none() {
            let waiting_for = self.lagging(key, id);
            if !waiting_for.is_empty() {
                if !self.waited_enough(id, arrived, now) {
                    return None;
                }
                for track in waiting_for {
                    self.counters.idled += 1;
                    if let Some(t) = self.tracks.get_mut(&track) {
                        t.idle = true;
                    }
                }
            }
        }
        let track = self.tracks.get_mut(&id)?;
        let queued = track.queue.pop_front()?;
        if track.left && track.queue.is_empty() {
            let (end, counters) = (track.pipeline.position().unwrap_or(track.last_key), track.pipeline.counters());
            self.tracks.remove(&id);
            let old = self.gone.entry(id).or_default();
            *old = (end, add(old.1, counters));
        }
        Some((queued.input, Some(queued.arrived)))
    }

    /// When [`pop`](Self::pop) is worth another call although nothing arrived; `None` if nothing waits.
    #[must_use]
    pub fn wake_at(&self) -> Option<Instant> {
        let (_, _, arrived) = self.head()?;
        (self.config.mode == Mode::Live).then(|| arrived + self.config.max_wait)
    }

    /// Nothing will come out any more.
    #[must_use]
    pub const fn is_ended(&self) -> bool {
        self.ended
    }

    /// Frames and news held back for now, over all tracks.
    #[must_use]
    pub fn held(&self) -> usize {
        self.tracks.values().map(|t| t.queue.len()).sum::<usize>() + self.news.len()
    }

    /// The first thing in the order.
    fn head(&self) -> Option<(MediaTime, TrackId, Instant)> {
        self.tracks
            .iter()
            .filter_map(|(&id, t)| t.queue.front().map(|q| (q.key, id, q.arrived)))
            .min_by_key(|&(key, id, _)| (key, id))
    }

    /// Tracks that may still deliver something that belongs before `(key, id)`.
    fn lagging(&self, key: MediaTime, id: TrackId) -> Vec<TrackId> {
        // Before its first packet a track's earliest frame is the first of the call.
        let earliest = |t: &Track| t.pipeline.next_end().unwrap_or(MediaTime::from_us(FRAME_US));
        self.tracks
            .iter()
            .filter(|&(&other, t)| {
                other != id && !t.idle && !t.left && t.queue.is_empty() && (earliest(t), other) < (key, id)
            })
            .map(|(&other, _)| other)
            .collect()
    }

    fn waited_enough(&self, id: TrackId, arrived: Instant, now: Instant) -> bool {
        if self.config.mode == Mode::Live && now.saturating_duration_since(arrived) >= self.config.max_wait {
            return true;
        }
        // Counted in frames: a long gap is one entry and holds no memory.
        self.tracks.get(&id).is_some_and(|t| t.queue.len() as u64 * FRAME_US / 1_000 > self.config.max_hold_ms)
    }

    fn add_track(&mut self, info: TrackInfo, codec: Codec, arrived: Instant) {
        let id = info.id;
        // In a recording the place of a newcomer is where the others are; in a live call it is now.
        let present = match self.config.mode {
            Mode::Live => MediaTime::ZERO,
            Mode::Recorded => self.tracks.values().map(|t| t.last_key).max().unwrap_or(MediaTime::ZERO),
        };
        let back_at = self.gone.get(&id).map(|&(end, _)| end);
        let start = back_at.unwrap_or(self.start);
        let track = self.tracks.entry(id).or_insert_with(|| Track {
            codec,
            consent: info.consent.is_some(),
            pipeline: if start == MediaTime::ZERO {
                TrackPipeline::new(id)
            } else {
                TrackPipeline::starting_at(id, start)
            },
            queue: VecDeque::new(),
            last_key: present,
            words_from: MediaTime::ZERO,
            idle: false,
            left: false,
        });
        track.codec = codec;
        track.consent = info.consent.is_some();
        // It left and is back before its leaving was handed out: it goes on.
        track.left = false;
        self.enqueue(id, Input::TrackAdded(info), arrived);
    }

    /// Consent was given or withdrawn. Withdrawn, what waits of the track goes out as silence.
    fn consent(&mut self, track: TrackId, consent: Option<Consent>, arrived: Instant) {
        if let Some(t) = self.tracks.get_mut(&track).filter(|t| !t.left) {
            t.consent = consent.is_some();
            if consent.is_none() {
                t.forget(arrived);
            }
            self.enqueue(track, Input::Consent { track, consent }, arrived);
        } else {
            // Who has left may still take back what was said.
            self.tracks.get_mut(&track).into_iter().for_each(|t| t.forget(arrived));
            self.news.push_back((Input::Consent { track, consent }, arrived));
        }
    }

    /// Whether what comes of a track now may be looked at.
    fn hears(&self, id: TrackId) -> bool {
        match self.config.consent {
            ConsentRule::EachOwn => self.tracks.get(&id).is_some_and(|t| t.consent),
            ConsentRule::Everyone => self.tracks.values().all(|t| t.left || t.consent),
        }
    }

    fn packet(&mut self, packet: Packet, arrived: Instant) {
        let Some(codec) = self.tracks.get(&packet.track).filter(|t| !t.left).map(|t| t.codec) else {
            self.counters.unknown_track += 1;
            return;
        };
        let length_us = codec.duration_us(&packet.payload);
        let last_for_now = codec.is_silence(&packet.payload);
        // Decided when the packet comes: what is held back is never decoded, its time passes as silence.
        let (codec, payload) = if self.hears(packet.track) {
            (codec, packet.payload)
        } else {
            self.counters.withheld += 1;
            silence(length_us.unwrap_or(0))
        };
        let (sequence, exact) = (packet.sequence, packet.exact);
        match self.clock.place(packet.track, sequence, packet.timestamp_us, exact, length_us, arrived) {
            Placed::At { at, lost_before } => {
                let packet = EncodedPacket { track: packet.track, at, codec, payload, lost_before };
                self.on_track(packet.track, arrived, |t, out| {
                    t.pipeline.push(&packet, out);
                    // Such a packet stands for a long silence: the next one comes when it must.
                    t.idle = last_for_now;
                });
            }
            Placed::Duplicate => self.counters.duplicate += 1,
            Placed::OutOfRange => self.counters.out_of_range += 1,
        }
    }

    /// Lets a track work and queues what comes of it.
    fn on_track(&mut self, id: TrackId, arrived: Instant, work: impl FnOnce(&mut Track, &mut Vec<TrackItem>)) {
        let Some(track) = self.tracks.get_mut(&id).filter(|t| !t.left) else {
            self.counters.unknown_track += 1;
            return;
        };
        work(track, &mut self.scratch);
        for item in self.scratch.drain(..) {
            let key = item.end();
            let input = match item {
                TrackItem::Frame(frame) => Input::Audio(frame),
                TrackItem::Gap { until, reason } => Input::Gap { track: id, until, reason },
            };
            track.last_key = key;
            track.queue.push_back(Queued { input, key, arrived });
        }
    }

    /// Queues news about a track behind its audio so far.
    fn enqueue(&mut self, id: TrackId, input: Input, arrived: Instant) {
        if let Some(track) = self.tracks.get_mut(&id).filter(|t| !t.left) {
            track.queue.push_back(Queued { input, key: track.last_key, arrived });
        } else {
            self.counters.unknown_track += 1;
        }
    }
}

/// Silence as long as the packet of somebody who has not agreed to be listened to.
fn silence(length_us: u64) -> (Codec, Vec<u8>) {
    const RATE_HZ: u32 = 16_000;
    // A packet is at most a second long; more is a broken header.
    let samples = us_to_samples(length_us.min(1_000_000), RATE_HZ);
    (Codec::PcmS16le { rate_hz: RATE_HZ }, vec![0; usize::try_from(samples * 2).unwrap_or(0)])
}

const fn add(a: TrackCounters, b: TrackCounters) -> TrackCounters {
    TrackCounters {
        packets: a.packets + b.packets,
        lost: a.lost + b.lost,
        concealed_ms: a.concealed_ms + b.concealed_ms,
        late: a.late + b.late,
        duplicate: a.duplicate + b.duplicate,
        undecodable: a.undecodable + b.undecodable,
        trimmed: a.trimmed + b.trimmed,
        gaps: a.gaps + b.gaps,
    }
}

#[cfg(test)]
#[path = "assembler_tests.rs"]
mod tests;

#[cfg(test)]
mod consent_tests;
#[cfg(test)]
mod source_tests;
