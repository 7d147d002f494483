//! What a log says was heard, taken in place of the sound it was heard in: the way of the back-test into a call.
//!
//! A log knows when somebody began and stopped speaking, which words became certain when, and which phrases were heard
//! in the sounds. It does not know the sounds, so voice detector and recogniser have no part in this.

use super::{CallSession, speech::Ending};
use crate::{
    audio::{Party, TrackId},
    recognize::{Hypothesis, PhraseHit, Recognized, Word},
    time::MediaTime,
};

/// Audio comes in pieces no longer than this, or the rules of a playbook would take it for missing.
const AUDIO_STEP_MS: u64 = 400;

/// One thing a log says was heard.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Logged {
    /// Somebody began to speak.
    Began {
        /// Where in the audio.
        start: MediaTime,
    },
    /// Words became certain.
    Words(Vec<Word>),
    /// A phrase was heard in the sounds.
    Phrase {
        /// The play it belonged to.
        play: String,
        /// The phrase as the playbook wrote it.
        phrase: String,
        /// A trigger, or a do-not-trigger phrase.
        trigger: bool,
        /// Where its sound starts.
        start: MediaTime,
        /// Where it ends.
        end: MediaTime,
        /// Score of the phrase spotter.
        score: f32,
        /// The threshold that had to be reached.
        threshold: f32,
    },
    /// A word is being said that ends at this time: whoever says it has the floor.
    Speaks(MediaTime),
    /// Somebody stopped speaking.
    Ended {
        /// Where in the audio.
        end: MediaTime,
    },
}

impl CallSession {
    /// Moves media time to `at`, as [`Input::Tick`](crate::input::Input::Tick) does, but no utterance ends and no stall is
    /// noticed on the way for want of audio: the log says what happened. `audio`: it came all the while, from everybody
    /// who is there and not paused. Drain the outputs before and after.
    pub(crate) fn pass_logged(&mut self, at: MediaTime, audio: bool) {
        while self.now < at {
            let to = self.now.plus_ms(AUDIO_STEP_MS).min(at);
            self.last_audio = to;
            for track in self.tracks.values_mut() {
                track.heard_at = track.heard_at.max(to);
            }
            self.advance(to);
            for (id, track) in &self.tracks {
                if audio && !track.paused {
                    self.cues.heard_audio(*id, to);
                }
            }
        }
        self.raise_cues();
    }

    /// The log breaks off here and goes on later: who was speaking is cut off.
    pub(crate) fn cut_logged(&mut self) {
        for (id, mut track) in std::mem::take(&mut self.tracks) {
            self.end_utterance(&mut track, Ending::Complete);
            self.tracks.insert(id, track);
        }
        self.raise_cues();
    }

    /// Takes what the log says was heard of `track` by now. False if nothing can come of it: nobody of that number is
    /// there, or the playbook has no such phrase.
    pub(crate) fn take_logged(&mut self, id: TrackId, what: &Logged) -> bool {
        let Some(mut track) = self.tracks.remove(&id) else { return false };
        let mut taken = true;
        match what {
            Logged::Began { start } => {
                if !track.in_utterance() {
                    self.begin_utterance(&mut track, *start);
                }
                track.paused = false;
                track.words_until(*start);
            }
            Logged::Speaks(until) => {
                if track.info.party == Party::Rep {
                    self.deck.rep_spoke(*until);
                }
            }
            Logged::Words(words) => {
                if let (Some(first), Some(end)) = (words.first(), words.iter().map(|w| w.end).max()) {
                    if !track.in_utterance() {
                        self.begin_utterance(&mut track, first.start);
                    }
                    track.paused = false;
                    track.words_until(end);
                    let hypothesis = Hypothesis { committed: words.clone(), tail: Vec::new() };
                    self.take_news(&mut track, vec![Recognized::Hypothesis(hypothesis)]);
                }
            }
            Logged::Phrase { play, phrase, trigger, start, end, score, threshold } => {
                match self.detector.spotted_as(play, phrase, *trigger) {
                    None => taken = false,
                    Some(phrase) => {
                        let (score, threshold) = (*score, *threshold);
                        let hit = PhraseHit { phrase, start: *start, end: *end, score, threshold };
                        self.take_news(&mut track, vec![Recognized::Phrase(hit)]);
                    }
                }
            }
            Logged::Ended { end } => {
                if track.interrupt().is_some() {
                    self.finish_utterance(&mut track, *end, Ending::Complete);
                }
            }
        }
        self.tracks.insert(id, track);
        self.raise_cues();
        taken
    }
}
