//! Who is on which of the three virtual streams, slot by slot; and what the server says of people, in which order. No IO,
//! and nothing but the seed decides.

use serde_json::{Value, json};

use super::guest::{Guest, GuestKind};
use crate::meet::{protocol::channel, roster::LOUDEST};

/// Virtual audio streams: what Meet has.
pub const STREAMS: usize = 3;
/// Opus for 20 ms of nothing: full band CELT, frame of two bytes, as encoders send it for digital silence.
const SILENCE: [u8; 3] = [0xf8, 0xff, 0xfe];
/// News about people is spread over so many slots (300 ms) after they came.
const NEWS_SPREAD: u64 = 15;

/// SplitMix64: small, and the same everywhere.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Rolls the same for the same seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `below` (which is not 0).
    pub fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below.max(1)
    }
}

/// The CSRC of one stay of a guest. Never 42.
#[must_use]
pub fn csrc(guest: usize, stay: usize) -> u32 {
    u32::try_from(1_000 + 100 * guest + stay).unwrap_or(u32::MAX)
}

/// What goes out on a stream in one slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Which stream, 0 to 2.
    pub stream: usize,
    /// Contributing sources in the order they are listed.
    pub csrcs: Vec<u32>,
    /// One Opus packet.
    pub payload: Vec<u8>,
}

/// Puts speakers on streams.
#[derive(Clone, Debug)]
pub struct Mixer {
    dice: Dice,
    /// Once in so many slots somebody changes the stream in mid-sentence; 0 for never.
    restless: u64,
    on: [Option<usize>; STREAMS],
    used: [bool; STREAMS],
}

impl Mixer {
    /// Nobody speaks yet.
    #[must_use]
    pub const fn new(seed: u64, restless: u64) -> Self {
        Self { dice: Dice::new(seed), restless, on: [None; STREAMS], used: [false; STREAMS] }
    }

    /// Goes on by one slot.
    pub fn slot(&mut self, guests: &[Guest], slot: u64) -> Vec<Sent> {
        let mut speakers: Vec<(usize, f32)> = guests
            .iter()
            .enumerate()
            .filter(|(_, g)| g.stay_at(slot).is_some())
            .filter_map(|(n, g)| Some((n, g.loudness(slot)?)))
            .collect();
        speakers.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        speakers.truncate(STREAMS);
        for place in &mut self.on {
            *place = place.filter(|who| speakers.iter().any(|(n, _)| n == who));
        }
        for (who, _) in &speakers {
            if !self.on.contains(&Some(*who)) {
                let free: Vec<usize> = (0..STREAMS).filter(|s| self.on[*s].is_none()).collect();
                // At most three speakers share three streams, so one is free.
                if let Some(&stream) = free.get(self.dice.roll(free.len() as u64) as usize) {
                    self.on[stream] = Some(*who);
                }
            }
        }
        if self.restless > 0 && self.dice.roll(self.restless) == 0 {
            let (a, b) = (self.dice.roll(3) as usize, self.dice.roll(3) as usize);
            self.on.swap(a, b);
        }
        let loudest = speakers.first().map(|(n, _)| *n);
        let mut out = Vec::new();
        for stream in 0..STREAMS {
            match self.on[stream] {
                Some(who) => {
                    self.used[stream] = true;
                    let guest = &guests[who];
                    let (Some(stay), Some(payload)) = (guest.stay_at(slot), guest.packet(slot)) else { continue };
                    let mut csrcs = vec![csrc(who, stay)];
                    if loudest == Some(who) {
                        csrcs.insert(self.dice.roll(2) as usize, LOUDEST);
                    }
                    out.push(Sent { stream, csrcs, payload: payload.to_vec() });
                }
                // Before its first speaker a stream carries silence of nobody; afterwards it rests.
                None if !self.used[stream] => out.push(Sent { stream, csrcs: Vec::new(), payload: SILENCE.to_vec() }),
                None => {}
            }
        }
        out
    }
}

/// One message about people.
#[derive(Clone, Debug, PartialEq)]
pub struct News {
    /// When, in slots.
    pub slot: u64,
    /// On which data channel.
    pub channel: &'static str,
    /// The message.
    pub message: Value,
}

/// All news of a conference for a session that begins at `from`, in the order it is sent: by slot, and shuffled within
/// a person's coming, so that entries come before participants or after.
#[must_use]
pub fn news(guests: &[Guest], seed: u64, from: u64) -> Vec<News> {
    let mut dice = Dice::new(seed ^ 0x6e65_7773);
    let mut out = Vec::new();
    for (n, guest) in guests.iter().enumerate() {
        for (stay, &(begin, end)) in guest.stays.iter().enumerate().filter(|(_, (_, end))| *end > from) {
            let begin = begin.max(from);
            let id = csrc(n, stay);
            let key = format!("participants/guest-{n}");
            let entry = json!({"resources": [{"id": id, "mediaEntry": {
                "participant": format!("spaces/sim/participants/{n}"), "participantKey": key,
                "session": format!("s{n}-{stay}"), "sessionName": format!("spaces/sim/sessions/{n}-{stay}"),
                "audioCsrc": id, "videoCsrcs": [], "presenter": false, "screenshare": false,
                "audioMuted": false, "videoMuted": true}}]});
            let user = match guest.kind {
                GuestKind::SignedIn => {
                    json!({"signedInUser": {"user": format!("users/{n}"), "displayName": guest.name}})
                }
                GuestKind::Anonymous => json!({"anonymousUser": {"displayName": guest.name}}),
                GuestKind::Phone => json!({"phoneUser": {"displayName": guest.name}}),
            };
            let mut participant = json!({"participantId": n, "name": format!("spaces/sim/participants/{n}"),
                "participantKey": key});
            if let (Some(fields), Some(user)) = (participant.as_object_mut(), user.as_object()) {
                fields.extend(user.clone());
            }
            let participant = json!({"resources": [{"id": n, "participant": participant}]});
            for (channel, message) in [(channel::MEDIA_ENTRIES, entry), (channel::PARTICIPANTS, participant)] {
                out.push((begin + dice.roll(NEWS_SPREAD), dice.roll(1_000), channel, message));
            }
            if end != u64::MAX {
                // Spread as above, but never before the coming of a very short stay.
                let late = end.max(begin + NEWS_SPREAD);
                let gone = json!({"deletedResources": [{"id": id, "mediaEntry": true}]});
                out.push((late, 0, channel::MEDIA_ENTRIES, gone));
                let gone = json!({"deletedResources": [{"id": n, "participant": true}]});
                out.push((late, 1, channel::PARTICIPANTS, gone));
            }
        }
    }
    out.sort_by_key(|(slot, order, ..)| (*slot, *order));
    out.into_iter().map(|(slot, _, channel, message)| News { slot, channel, message }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Somebody who makes noise in these slots.
    fn guest(name: &str, noisy: &[std::ops::Range<usize>], level: f32) -> Guest {
        let mut samples = vec![0i16; 320 * 400];
        for range in noisy {
            for (n, s) in samples[range.start * 320..range.end * 320].iter_mut().enumerate() {
                *s = ((n as f32 * 0.3).sin() * level) as i16;
            }
        }
        Guest::from_samples(name, &samples).unwrap()
    }

    #[test]
    fn the_three_loudest_share_three_streams_and_the_loudest_is_marked() {
        let guests: Vec<Guest> =
            (0..4).map(|n| guest("g", std::slice::from_ref(&(100..200)), 2_000.0 + 4_000.0 * n as f32)).collect();
        let mut mixer = Mixer::new(1, 0);
        let silent = mixer.slot(&guests, 0);
        assert_eq!(silent.len(), 3);
        assert!(silent.iter().all(|s| s.csrcs.is_empty()), "silence is nobody's");
        let sent = mixer.slot(&guests, 150);
        let mut heard: Vec<u32> = sent.iter().flat_map(|s| s.csrcs.clone()).collect();
        heard.sort_unstable();
        assert_eq!(heard, [42, csrc(1, 0), csrc(2, 0), csrc(3, 0)]);
        let marked = sent.iter().find(|s| s.csrcs.contains(&42)).unwrap();
        assert!(marked.csrcs.contains(&csrc(3, 0)));
        assert!(mixer.slot(&guests, 300).is_empty(), "streams that were used rest");
    }

    #[test]
    fn the_same_seed_is_the_same_conference() {
        let guests = [guest("a", &[10..90, 150..220], 9_000.0), guest("b", &[100..140, 180..300], 5_000.0)];
        let run = |seed| {
            let mut mixer = Mixer::new(seed, 20);
            (0..400).map(|slot| mixer.slot(&guests, slot)).collect::<Vec<_>>()
        };
        assert_eq!(run(3), run(3));
        assert_ne!(run(3), run(4));
        let streams: std::collections::BTreeSet<usize> =
            run(3).iter().flatten().filter(|s| s.csrcs.contains(&csrc(0, 0))).map(|s| s.stream).collect();
        assert!(streams.len() > 1, "speakers move");
        assert_eq!(news(&guests, 1, 0), news(&guests, 1, 0));
        let orders: std::collections::BTreeSet<String> =
            (0..20).map(|seed| news(&guests, seed, 0).iter().map(|n| &n.channel[..1]).collect()).collect();
        assert!(orders.len() > 3, "{orders:?}");
    }

    #[test]
    fn who_leaves_and_returns_has_a_new_csrc() {
        let mut guest = guest("a", &[0..100, 300..400], 9_000.0);
        guest.stays = vec![(0, 200), (250, u64::MAX)];
        let news = news(std::slice::from_ref(&guest), 1, 0);
        assert_eq!(news.iter().filter(|n| n.message.to_string().contains("deletedResources")).count(), 2);
        let mut mixer = Mixer::new(1, 0);
        let heard = |sent: Vec<Sent>| sent.into_iter().flat_map(|s| s.csrcs).filter(|c| *c != 42).max();
        assert_eq!(heard(mixer.slot(std::slice::from_ref(&guest), 50)), Some(csrc(0, 0)));
        assert_eq!(heard(mixer.slot(std::slice::from_ref(&guest), 350)), Some(csrc(0, 1)));
    }
}
