//! Who is in the call and how it is doing, as it follows from events. Pure.

use std::collections::{BTreeMap, BTreeSet};

use reframe_call::{
    audio::{Party, TrackId, TrackInfo},
    event::{Event, EventBody},
    input::{Coaching, Load, SourceStatus},
};

use crate::wire::{AudioStatus, LoadStatus, Participant, RuleMessage, SourceMessage, Status};

/// Participants remembered; those who left longest ago are forgotten first. A screen cannot show more.
const MAX_PARTICIPANTS: usize = 64;

/// The people of a call, and what stands in the way of listening to them.
#[derive(Default)]
pub(super) struct Room {
    participants: BTreeMap<TrackId, (Party, Participant)>,
    speaking: BTreeSet<TrackId>,
    /// Since when nobody is heard, microseconds since 1970.
    silent_since_unix_us: Option<u64>,
    behind: bool,
    awaited: Vec<TrackId>,
    rule: Option<RuleMessage>,
    source: Option<SourceStatus>,
    coaching: Coaching,
    disclosed: Option<String>,
}

impl Room {
    /// Takes in what an event says about people and troubles; everything else in it is for others. `now_unix_us` is the
    /// server's clock.
    pub(super) fn take(&mut self, event: &Event, now_unix_us: u64) {
        match &event.body {
            EventBody::TrackAdded { track } => self.join(track),
            EventBody::TrackEnded { track } => {
                self.speaking.remove(track);
                if let Some((_, participant)) = self.participants.get_mut(track) {
                    participant.present = false;
                }
            }
            EventBody::ConsentChanged { track, consent } => {
                if let Some((_, participant)) = self.participants.get_mut(track) {
                    participant.consent = consent.is_some();
                }
            }
            EventBody::ConsentAwaited { tracks } => {
                self.awaited.clone_from(tracks);
                if !tracks.is_empty() {
                    self.speaking.clear();
                }
            }
            EventBody::ConsentRuleChanged { rule, because } => self.rule = Some(RuleMessage::new(*rule, because)),
            EventBody::SourceChanged { source } => self.source = Some(source.clone()),
            EventBody::DisclosurePosted { disclosure } => self.disclosed = Some(disclosure.via.clone()),
            EventBody::CoachingChanged { coaching } => {
                self.coaching = *coaching;
                if *coaching != Coaching::Live {
                    self.speaking.clear();
                }
            }
            EventBody::AudioStalled { since } => {
                let silence_us = event.at.us().saturating_sub(since.us());
                self.silent_since_unix_us = Some(now_unix_us.saturating_sub(silence_us));
                self.speaking.clear();
            }
            EventBody::AudioResumed => self.silent_since_unix_us = None,
            EventBody::SpeechStarted { track, .. } => {
                self.silent_since_unix_us = None;
                self.speaking.insert(*track);
            }
            EventBody::UtteranceEnded { track, .. }
            | EventBody::AudioWithheld { track }
            | EventBody::TrackPaused { track }
            | EventBody::WordsErased { track } => drop(self.speaking.remove(track)),
            EventBody::CallErased { .. } => self.speaking.clear(),
            EventBody::LoadChanged { load } => self.behind = *load == Load::High,
            EventBody::CallResumed { .. } => self.resume(),
            _ => {}
        }
    }

    /// How the call is doing.
    pub(super) fn status(&self) -> Status {
        let present = || self.participants.values().filter(|(_, participant)| participant.present);
        let consenting = || present().filter(|(_, participant)| participant.consent);
        let open = self.coaching == Coaching::Live && self.awaited.is_empty();
        let heard = open && consenting().next().is_some();
        let silent = heard && self.silent_since_unix_us.is_some();
        Status {
            audio: match (heard, silent) {
                (false, _) => AudioStatus::Waiting,
                (true, true) => AudioStatus::NoAudio,
                (true, false) => AudioStatus::Listening,
            },
            silent_since_unix_us: self.silent_since_unix_us.filter(|_| silent),
            speaker_unknown: consenting().any(|(party, _)| *party == Party::Unknown),
            load: if self.behind { LoadStatus::High } else { LoadStatus::Normal },
            consent_missing: present()
                .filter(|(_, participant)| !participant.consent)
                .map(|(_, participant)| participant.name.clone())
                .collect(),
            consent_awaited: self.awaited.iter().map(|track| self.who(*track).0).collect(),
            consent_rule: self.rule.clone(),
            source: self.source.as_ref().map(SourceMessage::from),
            coaching: self.coaching.into(),
            disclosed: self.disclosed.clone(),
            speaking: self.speaking.iter().map(|track| track.0).collect(),
            participants: self.participants.values().map(|(_, participant)| participant.clone()).collect(),
        }
    }

    /// Name and side of a track.
    pub(super) fn who(&self, track: TrackId) -> (String, Party) {
        self.participants.get(&track).map_or_else(
            || (format!("Track {track}"), Party::Unknown),
            |(party, participant)| (participant.name.clone(), *party),
        )
    }

    /// The track of the only participant who ever had this name.
    pub(super) fn named(&self, name: &str) -> Option<TrackId> {
        let mut found = self.participants.iter().filter(|(_, (_, participant))| participant.name == name);
        let (track, _) = found.next()?;
        found.next().is_none().then_some(*track)
    }

    fn join(&mut self, track: &TrackInfo) {
        if self.participants.len() >= MAX_PARTICIPANTS && !self.participants.contains_key(&track.id) {
            let gone = self.participants.iter().find(|(_, (_, participant))| !participant.present).map(|(id, _)| *id);
            match gone {
                Some(id) => drop(self.participants.remove(&id)),
                None => return,
            }
        }
        let name = if track.name.trim().is_empty() { format!("Track {}", track.id) } else { track.name.clone() };
        let participant = Participant {
            track: track.id.0,
            name,
            party: track.party.as_str().to_owned(),
            consent: track.consent.is_some(),
            present: true,
        };
        self.participants.insert(track.id, (track.party, participant));
    }

    /// The call goes on after a restart: those present will be announced again. The rest stands until an event changes it.
    fn resume(&mut self) {
        self.silent_since_unix_us = None;
        self.speaking.clear();
        for (_, participant) in self.participants.values_mut() {
            participant.present = false;
        }
    }
}
