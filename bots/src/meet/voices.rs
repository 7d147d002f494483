//! Pieces of sound to the tracks of people: numbering people, following a speaker from stream to stream, cutting
//! utterances where the speaker of a stream changes. No IO.

use std::collections::{BTreeMap, VecDeque};

use super::{
    roster::{Change, Person, PersonKey, PersonKind, Roster},
    streams::Piece,
};

/// A speaker whose stream went to somebody else may turn up on another one within this time; then the utterance goes on.
/// Three packets.
pub const MOVE_US: u64 = 60_000;
/// A speaker of whom nothing came for so long has paused. Short of the 250 ms that the engine waits for a track.
pub const IDLE_US: u64 = 200_000;
/// Sound of a CSRC nobody has named yet waits this long for a name, in microseconds.
pub const UNNAMED_US: u64 = 500_000;
/// Most packets that wait so, over all CSRCs: 8 people for half a second.
const MAX_UNNAMED: usize = 200;
/// What a person is called who has no name yet.
const NO_NAME: &str = "Unknown speaker";

/// What the engine is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Say {
    /// Somebody is there, or has another name.
    Track {
        /// Number.
        track: u8,
        /// Name to show.
        name: String,
    },
    /// A packet.
    Audio {
        /// Whose.
        track: u8,
        /// Time of its first sample, in microseconds; never before the end of the last one.
        at_us: u64,
        /// Packets lost just before it.
        lost_before: u16,
        /// One Opus packet.
        payload: Vec<u8>,
    },
    /// The utterance is over.
    Pause {
        /// Whose.
        track: u8,
    },
    /// Somebody left.
    Leave {
        /// Who.
        track: u8,
    },
}

/// What became of pieces of sound that did not become audio.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VoiceCounts {
    /// Silence of nobody.
    pub nobody: u64,
    /// The same sound as on another stream, or older than what was passed on.
    pub overlapping: u64,
    /// Of people beyond those a call may have.
    pub crowd: u64,
    /// Speakers who went on on another stream.
    pub moves: u64,
    /// Sound that waited for a name, and had to go for lack of room.
    pub unnamed_dropped: u64,
}

#[derive(Debug)]
struct Voice {
    track: u8,
    name: String,
    here: bool,
    speaking: bool,
    /// The stream it was last heard on.
    ssrc: u32,
    /// Put between the stream's time and the track's, to follow on without overlap.
    shift_us: u64,
    end_us: u64,
    heard_us: u64,
    /// Its stream went to somebody else; when the utterance is over unless it turns up elsewhere.
    cut_us: Option<u64>,
}

/// The people of a conference as tracks.
#[derive(Debug)]
pub struct Voices {
    /// Most tracks.
    most: usize,
    voices: BTreeMap<PersonKey, Voice>,
    /// Who is on which stream.
    on: BTreeMap<u32, PersonKey>,
    unnamed: VecDeque<(u64, Piece)>,
    /// CSRCs that go by themselves because nobody named them in time.
    nameless: BTreeMap<u32, PersonKey>,
    counts: VoiceCounts,
}

impl Voices {
    /// Nobody yet; there will be at most so many tracks.
    #[must_use]
    pub const fn new(most: usize) -> Self {
        Self {
            most,
            voices: BTreeMap::new(),
            on: BTreeMap::new(),
            unnamed: VecDeque::new(),
            nameless: BTreeMap::new(),
            counts: VoiceCounts { nobody: 0, overlapping: 0, crowd: 0, moves: 0, unnamed_dropped: 0 },
        }
    }

    /// What became of sound that was not passed on.
    #[must_use]
    pub const fn counts(&self) -> VoiceCounts {
        self.counts
    }

    /// News of people.
    pub fn people(&mut self, now_us: u64, changes: Vec<Change>, roster: &Roster, out: &mut Vec<Say>) {
        for change in changes {
            match change {
                Change::Here(key, person) => self.here(key, &person, out),
                Change::Gone(key) => self.gone(&key, out),
            }
        }
        self.name_the_unnamed(now_us, roster, out);
        // Who went without a name and has one now goes on under it.
        let named = self.nameless.keys().copied().filter(|csrc| roster.speaker(*csrc).is_some()).collect::<Vec<_>>();
        for csrc in named {
            if let Some(key) = self.nameless.remove(&csrc) {
                self.gone(&key, out);
            }
        }
    }

    /// A piece of sound was let go at `now_us`.
    pub fn hear(&mut self, now_us: u64, piece: Piece, roster: &Roster, out: &mut Vec<Say>) {
        let Some(csrc) = piece.csrc else {
            self.counts.nobody += 1;
            self.leaves_stream(now_us, piece.ssrc, None);
            return;
        };
        let Some(key) = roster.speaker(csrc).or_else(|| self.nameless.get(&csrc)).cloned() else {
            self.leaves_stream(now_us, piece.ssrc, None);
            if self.unnamed.len() >= MAX_UNNAMED {
                self.unnamed.pop_front();
                self.counts.unnamed_dropped += 1;
            }
            self.unnamed.push_back((now_us, piece));
            return;
        };
        self.speaks(now_us, key, piece, out);
    }

    /// It is `now_us`: utterances that are over are cut, and sound that waits for a name waits no longer.
    pub fn tick(&mut self, now_us: u64, roster: &Roster, out: &mut Vec<Say>) {
        self.name_the_unnamed(now_us, roster, out);
        for voice in self.voices.values_mut().filter(|v| v.speaking) {
            let moved_away = voice.cut_us.is_some_and(|cut| cut <= now_us);
            if moved_away || voice.heard_us + IDLE_US <= now_us {
                voice.speaking = false;
                voice.cut_us = None;
                out.push(Say::Pause { track: voice.track });
            }
        }
    }

    /// The session broke: whoever spoke has paused.
    pub fn start_over(&mut self, out: &mut Vec<Say>) {
        self.on.clear();
        self.unnamed.clear();
        for voice in self.voices.values_mut().filter(|v| v.speaking) {
            voice.speaking = false;
            voice.cut_us = None;
            out.push(Say::Pause { track: voice.track });
        }
    }

    fn here(&mut self, key: PersonKey, person: &Person, out: &mut Vec<Say>) {
        let next = self.voices.len();
        let known = self.voices.get(&key).map(|v| v.name.as_str());
        let name = match (person.name.as_str(), known) {
            // A nameless resource takes nobody's name away.
            ("", Some(known)) => known.to_owned(),
            ("", None) => NO_NAME.to_owned(),
            (name, _) if person.kind == PersonKind::Phone => format!("{name} (phone)"),
            (name, _) => name.to_owned(),
        };
        if let Some(voice) = self.voices.get_mut(&key) {
            if voice.name != name || !voice.here {
                voice.name.clone_from(&name);
                voice.here = true;
                out.push(Say::Track { track: voice.track, name });
            }
            return;
        }
        let Some(track) = u8::try_from(next).ok().filter(|_| next < self.most) else {
            self.counts.crowd += 1;
            return;
        };
        out.push(Say::Track { track, name: name.clone() });
        let voice = Voice {
            track,
            name,
            here: true,
            speaking: false,
            ssrc: 0,
            shift_us: 0,
            end_us: 0,
            heard_us: 0,
            cut_us: None,
        };
        self.voices.insert(key, voice);
    }

    fn gone(&mut self, key: &PersonKey, out: &mut Vec<Say>) {
        self.on.retain(|_, who| who != key);
        if let Some(voice) = self.voices.get_mut(key).filter(|v| v.here) {
            voice.here = false;
            voice.speaking = false;
            voice.cut_us = None;
            out.push(Say::Leave { track: voice.track });
        }
    }

    /// Somebody else, or nobody, is on this stream from now on.
    fn leaves_stream(&mut self, now_us: u64, ssrc: u32, next: Option<&PersonKey>) {
        if self.on.get(&ssrc) == next {
            return;
        }
        let gone = match next {
            Some(next) => self.on.insert(ssrc, next.clone()),
            None => self.on.remove(&ssrc),
        };
        if let Some(voice) = gone.and_then(|gone| self.voices.get_mut(&gone))
            && voice.speaking
            && voice.ssrc == ssrc
        {
            voice.cut_us = Some(now_us + MOVE_US);
        }
    }

    fn speaks(&mut self, now_us: u64, key: PersonKey, piece: Piece, out: &mut Vec<Say>) {
        self.leaves_stream(now_us, piece.ssrc, Some(&key));
        if self.voices.get(&key).is_none_or(|v| !v.here) {
            // The sound is here before the news, or still here after it.
            self.here(key.clone(), &Person { name: String::new(), kind: PersonKind::Unknown }, out);
        }
        let Some(voice) = self.voices.get_mut(&key) else {
            self.counts.crowd += 1;
            return;
        };
        let same_run = voice.speaking && voice.ssrc == piece.ssrc && voice.cut_us.is_none();
        let behind_us = (voice.end_us).saturating_sub(piece.at_us + if same_run { voice.shift_us } else { 0 });
        // The copy of a packet that moved lies a whole packet back; clocks of two streams differ by less than half of one.
        // What a stream's own clock was put back by is made good in the same way.
        if behind_us > piece.length_us / 2 {
            self.counts.overlapping += 1;
            return;
        }
        let moved = voice.speaking && voice.ssrc != piece.ssrc;
        voice.shift_us = behind_us + if same_run { voice.shift_us } else { 0 };
        let at_us = piece.at_us + voice.shift_us;
        let lost_before = if same_run { piece.lost_before } else { 0 };
        voice.ssrc = piece.ssrc;
        voice.speaking = true;
        voice.cut_us = None;
        voice.heard_us = now_us;
        voice.end_us = at_us + piece.length_us;
        out.push(Say::Audio { track: voice.track, at_us, lost_before, payload: piece.payload });
        self.counts.moves += u64::from(moved);
    }

    fn name_the_unnamed(&mut self, now_us: u64, roster: &Roster, out: &mut Vec<Say>) {
        if self.unnamed.is_empty() {
            return;
        }
        for (since_us, piece) in std::mem::take(&mut self.unnamed) {
            let Some(csrc) = piece.csrc else { continue };
            let key = match roster.speaker(csrc).or_else(|| self.nameless.get(&csrc)) {
                Some(key) => key.clone(),
                None if since_us + UNNAMED_US <= now_us => {
                    let key = PersonKey::of_csrc(csrc);
                    // Bounded by the tracks a call can have; beyond them nobody is heard anyway.
                    if self.nameless.len() < self.most {
                        self.nameless.insert(csrc, key.clone());
                    }
                    key
                }
                None => {
                    self.unnamed.push_back((since_us, piece));
                    continue;
                }
            };
            self.speaks(now_us, key, piece, out);
        }
    }
}

#[cfg(test)]
#[path = "voices_tests.rs"]
mod tests;
