//! From frames and words to utterances: what somebody says, from the first sound to the last.

use super::{
    CallSession, text_of,
    track::{Feed, Track, UtteranceInProgress},
};
use crate::{
    audio::{AudioFrame, Party, TrackId},
    detect::Heard,
    endpoint::Boundary,
    event::{EventBody, UtteranceId},
    input::{Coaching, InputError},
    output::{Caption, Job, Output},
    recognize::{Hypothesis, Recognized, Word},
    time::MediaTime,
};

/// Second opinions waited for at a time; the oldest is given up. The worker's queue is shorter.
const REFINING_MAX: usize = 32;
/// Words of an utterance that comes in words: at most so many, then it is cut. Ten minutes of talking.
const UTTERANCE_WORDS_MAX: usize = 2_000;

/// How an utterance comes to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// With all that was heard in it.
    Complete,
    /// With the words that are certain; nothing more is made of what was heard.
    Cut,
    /// Without any word: it is taken back.
    Erased,
}

impl CallSession {
    pub(super) fn hear(&mut self, frame: &AudioFrame) -> Result<(), InputError> {
        let known = self.tracks.get(&frame.track).ok_or(InputError::UnknownTrack(frame.track))?;
        let expected = known.next;
        if frame.start < expected {
            return Err(InputError::Backwards { track: frame.track, start: frame.start, expected });
        }
        if known.open && known.stream.is_none() && !known.is_fed_words() {
            // It could not start when the track was let in. Said before anything changes.
            let stream = Some(self.start_stream(&known.info)?);
            if let Some(track) = self.tracks.get_mut(&frame.track) {
                track.stream = stream;
            }
        }
        // Before the track is taken out: without any track the stall timer does not run.
        self.advance(frame.end());
        let mut track = self.take_track(frame.track)?;
        track.next = frame.end();
        self.noticed(&mut track);
        if self.may_process(&mut track, Feed::Audio) {
            self.cues.heard_audio(frame.track, self.now);
            self.listen(&mut track, frame);
        }
        self.tracks.insert(frame.track, track);
        Ok(())
    }

    /// Words from somewhere else. As with audio, media time moves up to their end.
    pub(super) fn read(&mut self, id: TrackId, words: &[Word], tail: &[Word], done: bool) -> Result<(), InputError> {
        if !self.tracks.contains_key(&id) {
            return Err(InputError::UnknownTrack(id));
        }
        let end = words.iter().chain(tail).map(|w| w.end).max();
        if let Some(end) = end {
            self.advance(end);
        }
        let mut track = self.take_track(id)?;
        self.noticed(&mut track);
        if self.may_process(&mut track, Feed::Words) {
            if let (Some(first), Some(end)) = (words.first().or(tail.first()), end) {
                if track.info.party == Party::Rep {
                    // Words may come late: what matters is when they were said.
                    self.deck.rep_spoke(end);
                }
                if !track.in_utterance() {
                    self.begin_utterance(&mut track, first.start);
                }
                track.words_until(end);
            }
            if track.in_utterance() {
                let hypothesis = Hypothesis { committed: words.to_vec(), tail: tail.to_vec() };
                self.take_news(&mut track, vec![Recognized::Hypothesis(hypothesis)]);
                if done || track.utterance.committed.len() >= UTTERANCE_WORDS_MAX {
                    self.end_utterance(&mut track, Ending::Complete);
                }
            }
        }
        self.tracks.insert(id, track);
        Ok(())
    }

    /// The track has nothing until it goes on.
    pub(super) fn pause(&mut self, id: TrackId) -> Result<(), InputError> {
        let mut track = self.take_track(id)?;
        self.end_utterance(&mut track, Ending::Complete);
        if !track.paused && self.coaching == Coaching::Live {
            self.emit(EventBody::TrackPaused { track: id });
        }
        track.paused = true;
        self.tracks.insert(id, track);
        Ok(())
    }

    /// Something came of a track.
    fn noticed(&mut self, track: &mut Track) {
        track.paused = false;
        track.heard_at = self.now;
        self.last_audio = self.now;
        if self.stalled && self.coaching == Coaching::Live {
            self.stalled = false;
            self.emit(EventBody::AudioResumed);
        }
    }

    /// Whether what came of a track may be looked at. The one way to voice detector and recogniser is behind it.
    fn may_process(&mut self, track: &mut Track, feed: Feed) -> bool {
        if !track.open {
            if self.coaching == Coaching::Live && track.info.consent.is_none() && !track.withheld {
                track.withheld = true;
                self.emit(EventBody::AudioWithheld { track: track.info.id });
            }
            return false;
        }
        let takes = track.takes(feed);
        if !takes {
            self.ignored += 1;
        }
        takes
    }

    fn listen(&mut self, track: &mut Track, frame: &AudioFrame) {
        let speech = track.speech_probability(frame);
        let was_in_utterance = track.in_utterance();
        let boundary = track.on_frame(frame.start, speech);
        if track.speaks() && track.info.party == Party::Rep {
            self.deck.rep_spoke(self.now);
        }
        if let Boundary::Began(start) = boundary {
            self.begin_utterance(track, start);
            for earlier in track.take_preroll() {
                self.recognize(track, &earlier);
            }
            self.recognize(track, frame);
        } else if was_in_utterance {
            self.recognize(track, frame);
        } else {
            track.keep_preroll(frame, self.settings.endpoint);
        }
        if let Boundary::Ended(end) = boundary {
            self.finish_utterance(track, end, Ending::Complete);
        }
    }

    pub(super) fn begin_utterance(&mut self, track: &mut Track, start: MediaTime) {
        let utterance = UtteranceId(self.next_utterance);
        self.next_utterance += 1;
        track.begin(utterance, start);
        self.emit(EventBody::SpeechStarted { track: track.info.id, utterance, start });
    }

    fn recognize(&mut self, track: &mut Track, frame: &AudioFrame) {
        if self.settings.refine {
            track.utterance.samples.extend_from_slice(&frame.samples[..]);
        }
        let mut news = Vec::new();
        if let Some(stream) = &mut track.stream {
            stream.accept(frame, &mut news);
        }
        self.take_news(track, news);
    }

    pub(super) fn take_news(&mut self, track: &mut Track, news: Vec<Recognized>) {
        let caption_before = track.utterance.caption(track.info.id);
        for item in news {
            match item {
                Recognized::Hypothesis(hypothesis) => {
                    if !hypothesis.committed.is_empty() {
                        track.utterance.committed.extend(hypothesis.committed.iter().cloned());
                        self.spoke.insert(track.info.id);
                        self.emit(EventBody::WordsCommitted {
                            track: track.info.id,
                            utterance: track.utterance.id,
                            words: hypothesis.committed,
                        });
                    }
                    track.utterance.tail = hypothesis.tail;
                    let verdicts = self.detector.on_words(&heard(self.now, track));
                    self.decide(verdicts);
                }
                Recognized::Phrase(hit) => {
                    // Only the sound may have been recognised; what follows from it is a trace of the words all the same.
                    self.spoke.insert(track.info.id);
                    let verdicts = self.detector.on_phrase(&heard(self.now, track), &hit);
                    self.decide(verdicts);
                }
            }
        }
        let caption = track.utterance.caption(track.info.id);
        if caption != caption_before {
            self.outputs.push_back(Output::Caption(caption));
        }
    }

    /// Ends the utterance in progress, if there is one, at the last speech heard.
    pub(super) fn end_utterance(&mut self, track: &mut Track, ending: Ending) {
        if let Some(end) = track.interrupt() {
            self.finish_utterance(track, end, ending);
        }
        track.forget_audio();
    }

    pub(super) fn finish_utterance(&mut self, track: &mut Track, end: MediaTime, ending: Ending) {
        if ending == Ending::Complete {
            let (mut news, fed_words) = (Vec::new(), track.is_fed_words());
            if let Some(stream) = track.stream.as_mut().filter(|_| !fed_words) {
                stream.finish(&mut news);
            }
            self.take_news(track, news);
            let verdicts = self.detector.on_utterance_end(&heard(self.now, track));
            self.decide(verdicts);
        }
        let done = track.utterance.take();
        let text = if ending == Ending::Erased { String::new() } else { text_of(&done.committed) };
        let id = track.info.id;
        self.emit(EventBody::UtteranceEnded { track: id, utterance: done.id, start: done.start, end, text });
        if ending != Ending::Complete {
            // Nothing that was not certain may stay on the screen.
            let none = UtteranceInProgress { id: done.id, ..UtteranceInProgress::default() };
            self.outputs.push_back(Output::Caption(none.caption(id)));
        } else if self.settings.refine && !done.samples.is_empty() {
            if self.refining.len() == REFINING_MAX {
                self.refining.pop_first();
            }
            self.refining.insert(done.id, id);
            self.outputs.push_back(Output::Job(Job::Refine {
                utterance: done.id,
                track: id,
                start: done.audio_start,
                samples: done.samples,
                words: done.committed,
            }));
        }
    }
}

fn heard(now: MediaTime, track: &Track) -> Heard<'_> {
    Heard {
        at: now,
        track: track.info.id,
        party: track.info.party,
        utterance: track.utterance.id,
        committed: &track.utterance.committed,
        tail: &track.utterance.tail,
    }
}

impl UtteranceInProgress {
    fn caption(&self, track: TrackId) -> Caption {
        Caption { track, utterance: self.id, committed: text_of(&self.committed), tail: text_of(&self.tail) }
    }
}
