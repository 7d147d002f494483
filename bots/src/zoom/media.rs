//! From Zoom's participants, audio and transcript to the tracks of a call. No IO.

use std::collections::BTreeMap;

use super::{
    order::{Clock, Order, Ordered, Verdict},
    people::{People, Seat},
    protocol::{AudioParameters, Person},
};
use crate::engine::{Codec, Consent, Party, SourceState, Track};

/// A track that says nothing for so long is paused, in ms over the length of its messages: Zoom sends nothing for who is
/// muted, and an utterance must not stay open for it.
const SILENCE_MS: u64 = 1_500;
/// Longest audio message, in ms: Zoom's own limit, and the engine's.
const MAX_LENGTH_MS: u64 = 1_000;

/// What the engine is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToEngine {
    /// A participant joined, came back, or its facts changed.
    Track(Track),
    /// Sound.
    Audio {
        /// Whose.
        track: u8,
        /// Time of the first sample, in µs.
        at_us: u64,
        /// As the track's codec has it.
        data: Vec<u8>,
    },
    /// Words of an utterance that is over.
    Words {
        /// Whose.
        track: u8,
        /// When it began, in µs.
        start_us: u64,
        /// When it ended, in µs.
        end_us: u64,
        /// The words.
        text: String,
    },
    /// Nothing of this track until it goes on.
    Pause(u8),
    /// A participant left.
    Leave(u8),
    /// How the connection to the meeting is doing.
    Status {
        /// Which state.
        state: SourceState,
        /// In words, for the rep.
        detail: String,
    },
    /// Everything received must be deleted.
    Erase {
        /// Why.
        reason: String,
    },
    /// The call is over.
    Stop,
}

/// Audio as it comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// 16-bit PCM, mono.
    Pcm {
        /// Samples a second: 8000, 16000 or 48000.
        rate_hz: u32,
    },
    /// G.711, A-law: the only one of the two Zoom sends.
    ALaw,
    /// One Opus packet a message.
    Opus,
}

impl Format {
    /// The format behind Zoom's numbers.
    ///
    /// # Errors
    /// What it is that the engine cannot read.
    pub fn of(audio: &AudioParameters) -> Result<Self, String> {
        if audio.channel == 2 {
            return Err("Zoom sends stereo, which cannot be told apart by speaker".into());
        }
        match (audio.codec, audio.sample_rate) {
            (1, 0) => Ok(Self::Pcm { rate_hz: 8_000 }),
            (1, 1) => Ok(Self::Pcm { rate_hz: 16_000 }),
            (1, 3) => Ok(Self::Pcm { rate_hz: 48_000 }),
            (2, _) => Ok(Self::ALaw),
            (4, _) => Ok(Self::Opus),
            (codec, rate) => Err(format!("Zoom sends audio in a form nobody asked for (codec {codec}, rate {rate})")),
        }
    }

    const fn codec(self) -> Codec {
        match self {
            Self::Pcm { rate_hz } => Codec::PcmS16le { rate_hz },
            Self::ALaw => Codec::Pcma,
            Self::Opus => Codec::Opus { pre_skip: None },
        }
    }

    /// How long a message of so many bytes lasts, in ms. `None` if there is no such message.
    fn length_ms(self, bytes: usize, send_rate_ms: u64) -> Option<u64> {
        let bytes = bytes as u64;
        let length = match self {
            Self::Pcm { .. } if bytes % 2 == 1 => return None,
            Self::Pcm { rate_hz } => bytes * 500 / u64::from(rate_hz),
            Self::ALaw => bytes / 8,
            Self::Opus => send_rate_ms,
        };
        (length <= MAX_LENGTH_MS).then_some(length)
    }
}

/// What became of media messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MediaCounts {
    /// Audio messages passed on or held for a moment.
    pub audio: u64,
    /// Transcript messages passed on.
    pub words: u64,
    /// Audio that came twice.
    pub duplicate: u64,
    /// Audio whose time had passed.
    pub late: u64,
    /// Messages with a time that cannot be.
    pub bad_time: u64,
    /// Audio of an impossible length.
    pub bad_length: u64,
    /// Audio that came although the stream was paused, and was thrown away.
    pub while_paused: u64,
    /// Audio of participants for whom there is no track.
    pub no_track: u64,
}

struct Heard {
    order: Order,
    /// When audio came last.
    heard_ms: u64,
    paused: bool,
}

/// The participants of one meeting and what is heard of them.
pub struct Media {
    people: People,
    heard: BTreeMap<u8, Heard>,
    clock: Clock,
    format: Format,
    /// One track for everybody.
    mixed: bool,
    /// No audio: words come instead.
    words_only: bool,
    send_rate_ms: u64,
    consent: Option<Consent>,
    counts: MediaCounts,
}

/// Zoom's number for everybody at once.
const EVERYBODY: i64 = 0;

impl Media {
    /// Nobody yet. `consent` is what holds for everybody in the meeting.
    #[must_use]
    pub fn new(format: Format, mixed: bool, send_rate_ms: u64, consent: Option<Consent>) -> Self {
        Self {
            people: People::default(),
            heard: BTreeMap::new(),
            clock: Clock::default(),
            format,
            mixed,
            words_only: false,
            send_rate_ms,
            consent,
            counts: MediaCounts::default(),
        }
    }

    /// What became of media messages.
    #[must_use]
    pub const fn counts(&self) -> MediaCounts {
        self.counts
    }

    /// Media begins (again), in this form; `None`: words only. Announces everybody again whose audio changed its form.
    pub fn open(&mut self, format: Option<Format>, out: &mut Vec<ToEngine>) {
        let words_only = format.is_none();
        let changed = words_only != self.words_only || format.is_some_and(|f| f != self.format);
        self.words_only = words_only;
        self.format = format.unwrap_or(self.format);
        for heard in self.heard.values_mut() {
            heard.order = Order::new(self.send_rate_ms);
        }
        if changed {
            let present: Vec<(i64, u8)> = self.people.present().collect();
            out.extend(present.into_iter().map(|(user, track)| self.track(user, track)));
        }
    }

    /// Participants joined.
    pub fn joined(&mut self, people: &[Person], out: &mut Vec<ToEngine>) {
        for person in people {
            self.meet(person, out);
        }
    }

    /// Participants left.
    pub fn left(&mut self, people: &[Person], out: &mut Vec<ToEngine>) {
        for person in people {
            if let Some(track) = self.people.leave(person.user) {
                self.flush(track, out);
                self.heard.remove(&track);
                out.push(ToEngine::Leave(track));
            }
        }
    }

    fn meet(&mut self, person: &Person, out: &mut Vec<ToEngine>) -> Option<u8> {
        // Zoom gives nobody the number 0, and its own client says −1 for mixed audio.
        let user = person.user.max(EVERYBODY);
        let name = if user == EVERYBODY { "Meeting" } else { person.name.as_str() };
        match self.people.meet(user, name) {
            Seat::Known(track) => Some(track),
            Seat::Announce(track) => {
                out.push(self.track(user, track));
                Some(track)
            }
            Seat::Full => None,
        }
    }

    fn track(&self, user: i64, track: u8) -> ToEngine {
        // In mixed audio the participants themselves have no sound; they are named so that their consent counts.
        let silent = self.words_only || (self.mixed && user != EVERYBODY);
        ToEngine::Track(Track {
            party: Party::Unknown,
            consent: self.consent.clone(),
            ..Track::new(track, self.people.name(track), if silent { Codec::Text } else { self.format.codec() })
        })
    }

    /// Sound came.
    pub fn audio(&mut self, person: &Person, at_ms: u64, data: Vec<u8>, now_ms: u64, out: &mut Vec<ToEngine>) {
        if self.words_only {
            return;
        }
        let Some(length_ms) = self.format.length_ms(data.len(), self.send_rate_ms) else {
            self.counts.bad_length += 1;
            return;
        };
        let Some(at_ms) = self.clock.place(at_ms, now_ms) else {
            self.counts.bad_time += 1;
            return;
        };
        // What is asked for mixed is everybody's, whoever Zoom says it is.
        let everybody = Person { user: EVERYBODY, name: String::new() };
        let Some(track) = self.meet(if self.mixed { &everybody } else { person }, out) else {
            self.counts.no_track += 1;
            return;
        };
        let send_rate_ms = self.send_rate_ms;
        let fresh = || Heard { order: Order::new(send_rate_ms), heard_ms: now_ms, paused: false };
        let heard = self.heard.entry(track).or_insert_with(fresh);
        let mut ready = Vec::new();
        match heard.order.push(at_ms, length_ms, data, now_ms, &mut ready) {
            Verdict::Taken => {
                self.counts.audio += 1;
                heard.heard_ms = now_ms;
                heard.paused = false;
            }
            Verdict::Duplicate => self.counts.duplicate += 1,
            Verdict::Late => self.counts.late += 1,
        }
        pass_on(track, ready, out);
    }

    /// Words came.
    pub fn words(
        &mut self,
        person: &Person,
        start_ms: u64,
        end_ms: u64,
        text: String,
        now_ms: u64,
        out: &mut Vec<ToEngine>,
    ) {
        if !self.words_only || text.is_empty() {
            return;
        }
        let Some(start_ms) = self.clock.place(start_ms, now_ms) else {
            self.counts.bad_time += 1;
            return;
        };
        let end_ms = self.clock.place(end_ms, now_ms).unwrap_or(start_ms).max(start_ms);
        let Some(track) = self.meet(person, out) else {
            self.counts.no_track += 1;
            return;
        };
        self.counts.words += 1;
        out.push(ToEngine::Words { track, start_us: start_ms * 1_000, end_us: end_ms * 1_000, text });
    }

    /// Throws away what is held back: it may not be passed on any more.
    pub fn discard(&mut self) {
        for heard in self.heard.values_mut() {
            heard.order = Order::new(self.send_rate_ms);
        }
    }

    /// Audio came while the stream was paused: nobody may hear it.
    pub fn ignore_paused(&mut self) {
        self.counts.while_paused += 1;
    }

    /// Nothing comes for the moment: everybody is paused.
    pub fn pause(&mut self, out: &mut Vec<ToEngine>) {
        let tracks: Vec<u8> = self.heard.keys().copied().collect();
        for track in tracks {
            self.flush(track, out);
            if let Some(heard) = self.heard.get_mut(&track)
                && !heard.paused
            {
                heard.paused = true;
                out.push(ToEngine::Pause(track));
            }
        }
    }

    fn flush(&mut self, track: u8, out: &mut Vec<ToEngine>) {
        if let Some(heard) = self.heard.get_mut(&track) {
            let mut ready = Vec::new();
            heard.order.flush(&mut ready);
            pass_on(track, ready, out);
        }
    }

    /// Time passes.
    pub fn tick(&mut self, now_ms: u64, out: &mut Vec<ToEngine>) {
        for (&track, heard) in &mut self.heard {
            let mut ready = Vec::new();
            heard.order.release(now_ms, &mut ready);
            pass_on(track, ready, out);
            if !heard.paused && now_ms.saturating_sub(heard.heard_ms) > SILENCE_MS + self.send_rate_ms {
                heard.paused = true;
                out.push(ToEngine::Pause(track));
            }
        }
    }
}

fn pass_on(track: u8, ready: Vec<Ordered>, out: &mut Vec<ToEngine>) {
    out.extend(ready.into_iter().map(|o| ToEngine::Audio { track, at_us: o.at_ms * 1_000, data: o.data }));
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: u64 = 1_700_000_000_000;

    fn person(user: i64, name: &str) -> Person {
        Person { user, name: name.into() }
    }

    fn media(mixed: bool) -> Media {
        Media::new(Format::Pcm { rate_hz: 16_000 }, mixed, 20, None)
    }

    fn audio_times(out: &[ToEngine]) -> Vec<(u8, u64)> {
        let time = |one: &ToEngine| match one {
            ToEngine::Audio { track, at_us, .. } => Some((*track, at_us / 1_000 - T)),
            _ => None,
        };
        out.iter().filter_map(time).collect()
    }

    #[test]
    fn each_participant_is_a_track_announced_before_its_sound() {
        let (mut media, mut out) = (media(false), Vec::new());
        media.joined(&[person(7, "Ann"), person(8, "Bo")], &mut out);
        for n in 0..3u64 {
            media.audio(&person(8, "Bo"), T + n * 20, vec![0; 640], n * 20, &mut out);
            media.audio(&person(9, "Cy"), T + n * 20, vec![0; 640], n * 20, &mut out);
        }
        media.tick(200, &mut out);
        let names: Vec<&str> =
            out.iter().filter_map(|o| if let ToEngine::Track(t) = o { Some(t.name.as_str()) } else { None }).collect();
        assert_eq!(names, ["Ann", "Bo", "Cy"]);
        assert_eq!(audio_times(&out).len(), 6);
        let announced = out.iter().position(|o| matches!(o, ToEngine::Track(t) if t.id == 2)).unwrap();
        let sounded = out.iter().position(|o| matches!(o, ToEngine::Audio { track: 2, .. })).unwrap();
        assert!(announced < sounded);
    }

    #[test]
    fn mixed_audio_is_one_track_of_nobody_in_particular() {
        let (mut media, mut out) = (media(true), Vec::new());
        media.joined(&[person(7, "Ann")], &mut out);
        media.audio(&person(0, ""), T, vec![0; 640], 0, &mut out);
        media.audio(&person(-1, ""), T + 20, vec![0; 640], 20, &mut out);
        media.tick(100, &mut out);
        let tracks: Vec<(&str, Codec)> = out
            .iter()
            .filter_map(|o| if let ToEngine::Track(t) = o { Some((t.name.as_str(), t.codec)) } else { None })
            .collect();
        assert_eq!(tracks, [("Ann", Codec::Text), ("Meeting", Codec::PcmS16le { rate_hz: 16_000 })]);
        assert_eq!(audio_times(&out), [(1, 0), (1, 20)]);
    }

    #[test]
    fn silence_pauses_a_track_once() {
        let (mut media, mut out) = (media(false), Vec::new());
        media.audio(&person(7, "Ann"), T, vec![0; 640], 0, &mut out);
        for now in (0..5_000).step_by(20) {
            media.tick(now, &mut out);
        }
        assert_eq!(out.iter().filter(|o| **o == ToEngine::Pause(0)).count(), 1);
        media.audio(&person(7, "Ann"), T + 5_000, vec![0; 640], 5_000, &mut out);
        media.tick(8_000, &mut out);
        assert_eq!(out.iter().filter(|o| **o == ToEngine::Pause(0)).count(), 2);
    }

    #[test]
    fn what_cannot_be_audio_is_counted_and_dropped() {
        let (mut media, mut out) = (media(false), Vec::new());
        media.audio(&person(7, "Ann"), T, vec![0; 641], 0, &mut out);
        media.audio(&person(7, "Ann"), T, vec![0; 64_000], 0, &mut out);
        assert_eq!((media.counts().bad_length, out.len()), (2, 0));
    }

    #[test]
    fn everybody_is_announced_again_when_only_words_are_left() {
        let (mut media, mut out) = (media(false), Vec::new());
        media.joined(&[person(7, "Ann")], &mut out);
        media.words(&person(7, "Ann"), T, T + 900, "hello".into(), 0, &mut out);
        out.clear();
        media.open(None, &mut out);
        assert!(matches!(&out[..], [ToEngine::Track(t)] if t.codec == Codec::Text && t.id == 0));
        media.words(&person(7, "Ann"), T, T + 900, "too expensive".into(), 1_000, &mut out);
        let said =
            ToEngine::Words { track: 0, start_us: T * 1_000, end_us: (T + 900) * 1_000, text: "too expensive".into() };
        assert_eq!(out.last(), Some(&said));
        // The same form again: nobody needs to be told.
        out.clear();
        media.open(None, &mut out);
        assert!(out.is_empty());
    }
}
