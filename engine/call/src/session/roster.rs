//! Who is in the call, and on which side.

use super::{CallSession, speech::Ending, track::Track};
use crate::{
    audio::{Party, TrackId, TrackInfo},
    event::EventBody,
    input::InputError,
    recognize::RecognizerStream,
};

/// What the rep said about somebody.
#[derive(Clone, Debug)]
pub(super) struct Settled {
    /// Whom it was about: another name under the same number is another person.
    name: String,
    /// The side the bot had announced. Hearing it again is no news.
    announced: Party,
    /// The side the rep settled.
    party: Party,
}

impl Settled {
    /// From what a log tells of somebody: first what was announced, then, perhaps, something else.
    pub(super) fn follow(known: Option<&Self>, info: &TrackInfo) -> Self {
        let announced = known.filter(|k| k.name == info.name).map_or(info.party, |k| k.announced);
        Self { name: info.name.clone(), announced, party: info.party }
    }
}

impl CallSession {
    pub(super) fn start_stream(&self, info: &TrackInfo) -> Result<Box<dyn RecognizerStream>, InputError> {
        let bias = self.detector.bias(info.party, &self.context);
        self.ears.recognizer.start(info.id, &bias).map_err(|e| InputError::Recognizer(e.to_string()))
    }

    /// The bot announced somebody.
    pub(super) fn announce(&mut self, info: &TrackInfo) -> Result<(), InputError> {
        let settled = self
            .settled
            .get(&info.id)
            .filter(|s| s.name == info.name && (info.party == Party::Unknown || info.party == s.announced));
        match settled.map(|s| s.party) {
            Some(party) => self.join(TrackInfo { party, ..info.clone() }),
            None => {
                self.join(info.clone())?;
                self.settled.remove(&info.id);
                Ok(())
            }
        }
    }

    /// The rep said which side somebody is on.
    pub(super) fn set_party(&mut self, id: TrackId, party: Party) -> Result<(), InputError> {
        let Some(info) = self.tracks.get(&id).map(|t| t.info.clone()) else {
            // The click was a moment late.
            return Ok(());
        };
        let known = self.settled.get(&id).filter(|s| s.name == info.name);
        let announced = known.map_or(info.party, |s| s.announced);
        let settled = Settled { name: info.name.clone(), announced, party };
        if info.party != party {
            self.join(TrackInfo { party, ..info })?;
        }
        self.settled.insert(id, settled);
        Ok(())
    }

    /// Somebody is there, or there with new facts.
    fn join(&mut self, info: TrackInfo) -> Result<(), InputError> {
        let known = self.tracks.get(&info.id);
        let other_party = known.is_some_and(|t| t.info.party != info.party);
        // Made before the track is taken out, so that a failure leaves it as it was.
        let stream = if known.is_none() || other_party { Some(self.start_stream(&info)?) } else { None };
        let track = match (self.tracks.remove(&info.id), stream) {
            (Some(mut known), stream) => {
                if info.consent.is_none() && known.info.consent.is_some() {
                    self.end_utterance(&mut known, Ending::Cut);
                } else if other_party {
                    self.end_utterance(&mut known, Ending::Complete);
                }
                if let Some(stream) = stream {
                    known.stream = Some(stream);
                }
                known.withheld &= info.consent.is_none();
                known.info = info.clone();
                Some(known)
            }
            (None, Some(stream)) => {
                // Waiting for somebody's first sound is not a stall.
                self.last_audio = self.last_audio.max(self.now);
                Some(Track::new(info.clone(), stream, (self.ears.voice)(), self.settings.endpoint))
            }
            (None, None) => None,
        };
        if let Some(track) = track {
            self.tracks.insert(info.id, track);
        }
        self.names.insert(info.id, info.name.clone());
        self.settle_gate([EventBody::TrackAdded { track: info }]);
        Ok(())
    }

    /// Somebody left, and nobody waits for them any more.
    pub(super) fn leave(&mut self, id: TrackId) -> Result<(), InputError> {
        let mut gone = self.take_track(id)?;
        self.end_utterance(&mut gone, Ending::Complete);
        self.settle_gate([EventBody::TrackEnded { track: id }]);
        Ok(())
    }
}
