//! The call as text, read from its events.

use crate::{
    audio::{Party, TrackId, TrackInfo},
    event::{Event, EventBody, UtteranceId},
    recognize::Word,
    time::MediaTime,
};

/// One speaker's finished stretch.
#[derive(Clone, Debug, PartialEq)]
pub struct Utterance {
    /// Number in the call.
    pub id: UtteranceId,
    /// Who.
    pub track: TrackId,
    /// Where it begins.
    pub start: MediaTime,
    /// Where it ends.
    pub end: MediaTime,
    /// Its words; a second pass's, if there was one.
    pub words: Vec<Word>,
}

/// Who said what when.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transcript {
    /// Participants in order of joining.
    pub tracks: Vec<TrackInfo>,
    /// Finished utterances in order of starting.
    pub utterances: Vec<Utterance>,
}

impl Transcript {
    /// Reads it from a log.
    #[must_use]
    pub fn from_events<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut transcript = Self::default();
        let mut open = std::collections::BTreeMap::<UtteranceId, Vec<Word>>::new();
        for event in events {
            match &event.body {
                EventBody::TrackAdded { track } => {
                    transcript.tracks.retain(|t| t.id != track.id);
                    transcript.tracks.push(track.clone());
                }
                EventBody::WordsCommitted { utterance, words, .. } => {
                    open.entry(*utterance).or_default().extend(words.iter().cloned());
                }
                EventBody::UtteranceEnded { track, utterance, start, end, .. } => {
                    let words = open.remove(utterance).unwrap_or_default();
                    let done = Utterance { id: *utterance, track: *track, start: *start, end: *end, words };
                    transcript.utterances.push(done);
                }
                EventBody::UtteranceRefined { utterance, words, .. } => {
                    if let Some(u) = transcript.utterances.iter_mut().find(|u| u.id == *utterance) {
                        u.words.clone_from(words);
                    }
                }
                EventBody::CallErased { .. } => transcript.utterances.iter_mut().for_each(|u| u.words.clear()),
                EventBody::WordsErased { track } => {
                    transcript.utterances.iter_mut().filter(|u| u.track == *track).for_each(|u| u.words.clear());
                }
                _ => {}
            }
        }
        transcript.utterances.sort_by_key(|u| (u.start, u.id));
        transcript
    }

    /// Name and party of a track.
    #[must_use]
    pub fn speaker(&self, track: TrackId) -> (&str, Party) {
        self.tracks.iter().find(|t| t.id == track).map_or(("?", Party::Unknown), |t| (t.name.as_str(), t.party))
    }

    /// As plain text: one line per utterance that has words, `mm:ss.mmm  Name (party): words`.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        for u in self.utterances.iter().filter(|u| !u.words.is_empty()) {
            let (name, party) = self.speaker(u.track);
            let words = crate::session::text_of(&u.words);
            out.push_str(&format!("{}  {name} ({}): {words}\n", u.start, party.as_str()));
        }
        out
    }
}
