//! Taking what somebody said out of a log, when the consent to have heard it is withdrawn.
//!
//! What is left says that somebody spoke, and when; not what. Sequence numbers, times and kinds of events stay.

use std::collections::BTreeMap;

use super::{CardId, Event, EventBody, UtteranceId};
use crate::{
    audio::TrackId,
    card::Card,
    detect::Detection,
    recognize::Word,
    recorded::{InputRecord, RecordLine},
};

/// Stands for a quotation that was taken out.
const QUOTED: &str = "\"…\"";

/// Erases the words of one track from a log, whose events it must see in order: some say only which utterance or which
/// card they belong to.
///
/// ```
/// # use reframe_call::{audio::TrackId, event::{Eraser, Event, EventBody, UtteranceId}, time::MediaTime};
/// # let body = EventBody::UtteranceEnded { track: TrackId(1), utterance: UtteranceId(0), start: MediaTime::ZERO,
/// #     end: MediaTime::ZERO, text: "a secret".into() };
/// # let mut log = vec![Event { seq: 0, at: MediaTime::ZERO, body }];
/// let mut eraser = Eraser::new(TrackId(1));
/// for event in &mut log {
///     eraser.event(event);
/// }
/// assert!(!format!("{log:?}").contains("secret"));
/// ```
#[derive(Clone, Debug)]
pub struct Eraser {
    track: TrackId,
    /// Utterances seen so far, and whether they are the track's.
    utterances: BTreeMap<UtteranceId, bool>,
    /// Cards seen so far, and whether they rest on the track's words.
    cards: BTreeMap<CardId, bool>,
    /// Whether the last detection rests on the track's words: the next new card follows from it.
    detected: bool,
}

impl Eraser {
    /// For the words of `track`.
    #[must_use]
    pub const fn new(track: TrackId) -> Self {
        Self { track, utterances: BTreeMap::new(), cards: BTreeMap::new(), detected: false }
    }

    /// Takes the track's words out of the next event. Says whether there were any. An utterance or card that no event
    /// before this one explains is taken for the track's.
    pub fn event(&mut self, event: &mut Event) -> bool {
        match &mut event.body {
            EventBody::SpeechStarted { track, utterance, .. } => {
                self.utterances.insert(*utterance, *track == self.track);
                false
            }
            EventBody::WordsCommitted { track, utterance, .. } | EventBody::UtteranceEnded { track, utterance, .. } => {
                self.utterances.insert(*utterance, *track == self.track);
                event.erase(self.track)
            }
            EventBody::UtteranceRefined { utterance, text, words, .. } => {
                let ours = self.is_theirs(*utterance);
                ours && clear(text) | clear_words(words)
            }
            EventBody::ObjectionDetected { detection } => {
                self.detected = detection.track == self.track;
                event.erase(self.track)
            }
            EventBody::CueRaised { cue } => {
                self.detected = cue.track == Some(self.track);
                event.erase(self.track)
            }
            EventBody::CardShown { card } | EventBody::CardQueued { card } => {
                let ours = *self.cards.entry(card.id).or_insert(self.detected);
                ours && erase_card(card)
            }
            _ => event.erase(self.track),
        }
    }

    /// Takes the track's words out of a line of recorded inputs. Says whether there were any. To know whose a second
    /// opinion is the eraser must have seen the call's events first; without them every second opinion is erased.
    pub fn line(&mut self, line: &mut RecordLine) -> bool {
        let mut erased = match &mut line.input {
            InputRecord::Words { track, words, tail, .. } if *track == self.track => {
                clear_words(words) | clear_words(tail)
            }
            InputRecord::Refined(refined) if self.is_theirs(refined.utterance) => clear_words(&mut refined.words),
            _ => false,
        };
        let before = line.recognized.len();
        line.forget(self.track);
        erased |= line.recognized.len() != before;
        erased
    }

    fn is_theirs(&self, utterance: UtteranceId) -> bool {
        self.utterances.get(&utterance).copied().unwrap_or(true)
    }
}

impl Event {
    /// Takes the words of `track` out of this event, as far as the event itself says whose they are; an [`Eraser`] also
    /// knows second opinions and cards. Says whether there were any.
    pub fn erase(&mut self, track: TrackId) -> bool {
        match &mut self.body {
            EventBody::WordsCommitted { track: whose, words, .. } if *whose == track => clear_words(words),
            EventBody::UtteranceEnded { track: whose, text, .. } if *whose == track => clear(text),
            EventBody::ObjectionDetected { detection } if detection.track == track => erase_detection(detection),
            EventBody::DetectionSuppressed { detection, by } if detection.track == track => {
                erase_detection(detection) | unquote(by)
            }
            EventBody::CueRaised { cue } | EventBody::CueSuppressed { cue, .. } if cue.track == Some(track) => {
                clear_words(&mut cue.words) | unquote(&mut cue.because)
            }
            _ => false,
        }
    }
}

fn erase_detection(detection: &mut Detection) -> bool {
    let evidence = &mut detection.evidence;
    clear_words(&mut evidence.words) | clear(&mut evidence.phrase) | unquote(&mut evidence.rule)
}

fn erase_card(card: &mut Card) -> bool {
    clear_words(&mut card.reason.words) | unquote(&mut card.reason.rule)
}

fn clear_words(words: &mut Vec<Word>) -> bool {
    let any = !words.is_empty();
    words.clear();
    any
}

fn clear(text: &mut String) -> bool {
    let any = !text.is_empty();
    text.clear();
    any
}

/// Takes out what stands between the first quotation mark and the last: rules say in words what matched. Says whether
/// anything changed.
pub fn unquote(text: &mut String) -> bool {
    let Some(first) = text.find('"') else { return false };
    let last = text.rfind('"').filter(|last| *last > first);
    let rest = last.map_or(String::new(), |last| text[last + 1..].to_owned());
    let unquoted = format!("{}{QUOTED}{rest}", &text[..first]);
    let changed = *text != unquoted;
    *text = unquoted;
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotations_go_and_the_rest_stays() {
        for (text, left) in [
            ("phrase \"too expensive\" in the words", "phrase \"…\" in the words"),
            ("do-not-trigger: \"say \"no\" to it\"", "do-not-trigger: \"…\""),
            ("negation: \"not", "negation: \"…\""),
            ("cool-down: 12000 ms left", "cool-down: 12000 ms left"),
        ] {
            let mut got = text.to_owned();
            assert_eq!(unquote(&mut got), text != left);
            assert_eq!(got, left);
            assert!(!unquote(&mut got), "a second time changes nothing");
            assert_eq!(got, left);
        }
    }
}
