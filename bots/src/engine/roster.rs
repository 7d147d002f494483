//! What the server has been told for certain: what a new connection has to begin with. No IO.

use std::collections::BTreeMap;

use super::protocol::{News, SourceState, Start, Track};

/// Participants and the state of the meeting, as of the last news the server is known to have taken.
#[derive(Clone, Debug, Default)]
pub struct Roster {
    tracks: BTreeMap<u8, Known>,
    status: Option<(SourceState, String)>,
    disclosed: Option<(String, String)>,
}

#[derive(Clone, Debug)]
struct Known {
    track: Track,
    paused: bool,
}

impl Roster {
    /// Takes news in.
    pub fn apply(&mut self, news: News) {
        match news {
            News::Track(track) => {
                self.tracks.insert(track.id, Known { track, paused: false });
            }
            News::Consent { track, consent } => {
                if let Some(known) = self.tracks.get_mut(&track) {
                    known.track.consent = consent;
                }
            }
            News::Pause { track } => {
                if let Some(known) = self.tracks.get_mut(&track) {
                    known.paused = true;
                }
            }
            News::Leave { track } => {
                self.tracks.remove(&track);
            }
            News::Status { state, detail } => self.status = Some((state, detail)),
            News::Disclosed { via, text } => self.disclosed = Some((via, text)),
            News::Gap { .. } | News::Words { .. } | News::Erase { .. } | News::Stop => {}
        }
    }

    /// Audio of this track went out: it is not paused any more.
    pub fn sounds(&mut self, track: u8) {
        if let Some(known) = self.tracks.get_mut(&track) {
            known.paused = false;
        }
    }

    /// The first message of a connection, and what has to follow it at once. A server that was restarted remembers
    /// neither pauses nor the state of the meeting nor that the participants were told.
    pub fn opening(&self, start: &Start<'_>) -> Vec<String> {
        let mut out = vec![start.to_json(self.tracks.values().map(|k| &k.track))];
        let paused = self.tracks.values().filter(|k| k.paused).map(|k| News::Pause { track: k.track.id });
        let status = self.status.clone().map(|(state, detail)| News::Status { state, detail });
        let disclosed = self.disclosed.clone().map(|(via, text)| News::Disclosed { via, text });
        out.extend(disclosed.into_iter().chain(status).chain(paused).map(|news| news.to_json()));
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{engine::protocol::Codec, script::Consent};

    #[test]
    fn a_new_connection_begins_with_what_is_so_now() {
        let mut roster = Roster::default();
        let consent = Some(Consent { basis: "verbal".into(), reference: String::new() });
        roster.apply(News::Track(Track::new(1, "Ann", Codec::Pcmu)));
        roster.apply(News::Track(Track::new(2, "Bob", Codec::Pcmu)));
        roster.apply(News::Track(Track::new(3, "Cy", Codec::Pcmu)));
        roster.apply(News::Consent { track: 2, consent: consent.clone() });
        roster.apply(News::Leave { track: 1 });
        roster.apply(News::Pause { track: 2 });
        roster.apply(News::Pause { track: 3 });
        roster.sounds(3);
        roster.apply(News::Status { state: SourceState::Joined, detail: String::new() });
        roster.apply(News::Disclosed { via: "chat".into(), text: "hi".into() });
        let start = Start { call: Some("c"), title: None, playbook: None, context: &[], recorded: false };
        let opening = roster.opening(&start);
        assert_eq!(opening.len(), 4);
        assert!(opening[0].contains("Bob") && opening[0].contains("verbal") && !opening[0].contains("Ann"));
        assert!(opening[1].contains("disclosed") && opening[2].contains("joined"));
        assert!(opening[3].contains(r#""track":2"#) && opening[3].contains("pause"));
    }
}
