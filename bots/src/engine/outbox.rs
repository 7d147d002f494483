//! What waits to be sent: audio, of which the oldest is thrown away, and news, none of which ever is. No IO.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, Instant},
};

use super::protocol::{self, MAX_TRACKS, News};

/// Audio that could not be sent for so long is of no use to a live call any more.
pub const MAX_AGE: Duration = Duration::from_secs(2);
/// Most audio kept, in bytes: two seconds of 32 participants at 16-bit 48 kHz PCM are 6.1 MB.
const MAX_AUDIO_BYTES: usize = 8 << 20;
/// Most news kept. A bot that has more of it than this waiting is not doing its work; the call is given up.
const MAX_NEWS: usize = 4_096;

/// What goes out next.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// A text message.
    News(String),
    /// A binary message, and whose sound is in it.
    Audio(u8, Vec<u8>),
}

struct Packet {
    order: u64,
    since: Instant,
    track: u8,
    message: Vec<u8>,
}

/// The queue between a bot and its connection.
pub struct Outbox {
    recorded: bool,
    order: u64,
    audio: VecDeque<Packet>,
    audio_bytes: usize,
    news: VecDeque<(u64, News)>,
    /// Sent, but not known to be taken.
    unsure: VecDeque<(u64, News)>,
    /// Next sequence number of every track that may have audio. Kept for those that left: they may come back.
    tracks: BTreeMap<u8, Numbers>,
    counts: Counts,
}

#[derive(Clone, Copy)]
struct Numbers {
    next: u16,
    present: bool,
}

/// What became of audio on its way to the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Packets handed to the connection.
    pub sent: u64,
    /// Packets thrown away here: too old, or too many.
    pub dropped: u64,
    /// Packets of a participant who was not announced, or had left.
    pub unknown: u64,
    /// Packets that are no use to anybody: empty, or too long for the protocol.
    pub refused: u64,
    /// Packets the server said it threw away.
    pub dropped_by_server: u64,
    /// Times the connection came back.
    pub reconnects: u64,
}

/// More news waits than a bot should ever have.
#[derive(Debug)]
pub struct TooMuchNews;

impl Outbox {
    pub fn new(recorded: bool) -> Self {
        Self {
            recorded,
            order: 0,
            audio: VecDeque::new(),
            audio_bytes: 0,
            news: VecDeque::new(),
            unsure: VecDeque::new(),
            tracks: BTreeMap::new(),
            counts: Counts::default(),
        }
    }

    pub const fn counts(&self) -> Counts {
        self.counts
    }

    pub const fn counts_mut(&mut self) -> &mut Counts {
        &mut self.counts
    }

    /// May one more participant be announced?
    pub fn admits(&self, track: u8) -> bool {
        self.tracks.contains_key(&track) || self.tracks.len() < MAX_TRACKS
    }

    pub fn push_news(&mut self, news: News) -> Result<(), TooMuchNews> {
        if self.news.len() + self.unsure.len() >= MAX_NEWS {
            return Err(TooMuchNews);
        }
        match &news {
            News::Track(track) => {
                self.tracks.entry(track.id).or_insert(Numbers { next: 0, present: true }).present = true;
            }
            News::Leave { track } => {
                if let Some(numbers) = self.tracks.get_mut(track) {
                    numbers.present = false;
                }
            }
            _ => {}
        }
        self.order += 1;
        self.news.push_back((self.order, news));
        Ok(())
    }

    /// Is this participant announced and still there?
    pub fn knows(&self, track: u8) -> bool {
        self.tracks.get(&track).is_some_and(|n| n.present)
    }

    pub fn push_audio(&mut self, track: u8, timestamp_us: u64, payload: &[u8], now: Instant) {
        if payload.is_empty() || payload.len() > 128 * 1_024 - 12 {
            self.counts.refused += 1;
            return;
        }
        let Some(numbers) = self.tracks.get_mut(&track).filter(|n| n.present) else {
            self.counts.unknown += 1;
            return;
        };
        let message = protocol::audio(track, numbers.next, timestamp_us, payload);
        numbers.next = numbers.next.wrapping_add(1);
        self.order += 1;
        self.audio_bytes += message.len();
        self.audio.push_back(Packet { order: self.order, since: now, track, message });
        self.drop_old(now);
    }

    /// Packets that never came from the platform: their numbers are used up.
    pub fn skip(&mut self, track: u8, packets: u16) {
        if let Some(numbers) = self.tracks.get_mut(&track) {
            numbers.next = numbers.next.wrapping_add(packets);
        }
    }

    /// Throws away what nobody will want any more.
    pub fn drop_old(&mut self, now: Instant) {
        while let Some(oldest) = self.audio.front() {
            let old = !self.recorded && now.saturating_duration_since(oldest.since) > MAX_AGE;
            if !old && self.audio_bytes <= MAX_AUDIO_BYTES {
                return;
            }
            self.audio_bytes -= oldest.message.len();
            self.audio.pop_front();
            self.counts.dropped += 1;
        }
    }

    /// Is there room for more of a recording?
    pub fn has_room(&self) -> bool {
        self.audio_bytes < MAX_AUDIO_BYTES / 4 && self.news.len() < MAX_NEWS / 2
    }

    /// Takes out what goes next. News stays on the books until it is [`settle`](Self::settle)d.
    pub fn pop(&mut self) -> Option<Next> {
        let news_first = match (self.news.front(), self.audio.front()) {
            (Some((news, _)), Some(packet)) => *news < packet.order,
            (news, _) => news.is_some(),
        };
        if news_first {
            let (order, news) = self.news.pop_front()?;
            let text = news.to_json();
            self.unsure.push_back((order, news));
            return Some(Next::News(text));
        }
        let packet = self.audio.pop_front()?;
        self.audio_bytes -= packet.message.len();
        self.counts.sent += 1;
        Some(Next::Audio(packet.track, packet.message))
    }

    /// Number of the last news sent whose arrival is not certain yet.
    pub fn last_unsure(&self) -> Option<u64> {
        self.unsure.back().map(|&(order, _)| order)
    }

    /// The server has taken all news up to this number; gives them, oldest first.
    pub fn settle(&mut self, up_to: u64) -> Vec<News> {
        let mut taken = Vec::new();
        while self.unsure.front().is_some_and(|&(order, _)| order <= up_to) {
            taken.extend(self.unsure.pop_front().map(|(_, news)| news));
        }
        taken
    }

    /// The connection broke: what is not certain to have arrived goes out again.
    pub fn rewind(&mut self) {
        while let Some(entry) = self.unsure.pop_back() {
            self.news.push_front(entry);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::protocol::{Codec, Track};

    fn outbox(recorded: bool) -> Outbox {
        let mut outbox = Outbox::new(recorded);
        outbox.push_news(News::Track(Track::new(1, "Ann", Codec::PcmS16le { rate_hz: 16_000 }))).unwrap();
        outbox
    }

    fn sequences(outbox: &mut Outbox) -> Vec<u16> {
        std::iter::from_fn(|| outbox.pop())
            .filter_map(|n| if let Next::Audio(_, m) = n { Some(u16::from_le_bytes([m[2], m[3]])) } else { None })
            .collect()
    }

    #[test]
    fn the_oldest_audio_goes_and_the_news_stays() {
        let mut outbox = outbox(false);
        let begin = Instant::now();
        for n in 0..300 {
            outbox.push_audio(1, n * 20_000, &[0; 640], begin + Duration::from_millis(n * 20));
        }
        outbox.push_news(News::Pause { track: 1 }).unwrap();
        // 5.98 s is the last one's time: those from 3.98 s on are kept.
        assert_eq!(outbox.counts().dropped, 199);
        assert!(matches!(outbox.pop(), Some(Next::News(text)) if text.contains("Ann")));
        assert_eq!(sequences(&mut outbox), (199..300).collect::<Vec<u16>>());
        assert_eq!(outbox.last_unsure(), Some(302));
        assert_eq!(outbox.settle(302).len(), 2);
        assert_eq!((outbox.last_unsure(), outbox.audio_bytes), (None, 0));
    }

    #[test]
    fn a_recording_is_bounded_by_size_alone() {
        let mut outbox = outbox(true);
        let begin = Instant::now();
        for n in 0..100 {
            outbox.push_audio(1, n * 20_000, &[0; 640], begin + Duration::from_secs(n));
        }
        assert_eq!(outbox.counts().dropped, 0);
        assert!(outbox.has_room());
        for _ in 0..200 {
            outbox.push_audio(1, 0, &[0; 100_000], begin);
        }
        assert!(outbox.audio_bytes <= MAX_AUDIO_BYTES && !outbox.has_room());
        assert!(outbox.counts().dropped > 100);
    }

    #[test]
    fn what_may_not_have_arrived_goes_out_again_in_order() {
        let mut outbox = outbox(false);
        outbox.push_news(News::Pause { track: 1 }).unwrap();
        outbox.push_news(News::Leave { track: 1 }).unwrap();
        let texts = |outbox: &mut Outbox| {
            std::iter::from_fn(|| outbox.pop())
                .filter_map(|n| if let Next::News(t) = n { Some(t) } else { None })
                .collect::<Vec<_>>()
        };
        let first = texts(&mut outbox);
        assert_eq!(first.len(), 3);
        outbox.settle(1);
        outbox.rewind();
        outbox.push_news(News::Stop).unwrap();
        let again = texts(&mut outbox);
        assert_eq!((&again[..2], again[2].as_str()), (&first[1..], r#"{"type":"stop"}"#));
    }

    #[test]
    fn nothing_of_nobody_and_nothing_without_end() {
        let mut outbox = outbox(false);
        let now = Instant::now();
        outbox.push_audio(2, 0, &[0; 640], now);
        outbox.push_news(News::Leave { track: 1 }).unwrap();
        outbox.push_audio(1, 0, &[0; 640], now);
        outbox.push_audio(1, 0, &[], now);
        assert_eq!((outbox.counts().unknown, outbox.counts().refused), (2, 1));
        while outbox.push_news(News::Stop).is_ok() {}
        assert_eq!(outbox.news.len(), MAX_NEWS);
        let mut outbox = Outbox::new(false);
        for id in 0..=255 {
            if outbox.admits(id) {
                outbox.push_news(News::Track(Track::new(id, "", Codec::Pcmu))).unwrap();
            }
        }
        assert_eq!(outbox.tracks.len(), MAX_TRACKS);
    }

    #[test]
    fn numbers_of_lost_packets_are_used_up() {
        let mut outbox = outbox(false);
        let now = Instant::now();
        outbox.push_audio(1, 0, &[0; 640], now);
        outbox.skip(1, 3);
        outbox.push_audio(1, 80_000, &[0; 640], now);
        assert_eq!(sequences(&mut outbox), [0, 4]);
    }
}
