//! What is on the rep's screen, as it follows from the call's events. Pure: no clock, no socket.

use std::collections::BTreeMap;

use reframe_call::{
    audio::{Party, TrackId, TrackInfo},
    card::{Card, CardEnd},
    event::{CardId, Event, EventBody},
    input::Load,
    output::Caption,
    time::MediaTime,
};

use crate::wire::{
    AudioStatus, CaptionMessage, CardClosed, CardMessage, CardPinned, EndReason, Ended, FinalMessage, LoadStatus,
    Missed, Participant, QueueChanged, Recap, RecapCard, ServerBody, State, Status, WireEnd,
};

/// Closed cards a recap lists; about an hour of calls with a card every two minutes.
const RECAP_CARDS: usize = 32;
/// Participants remembered; those who left longest ago are forgotten first. A screen cannot show more.
const MAX_PARTICIPANTS: usize = 64;
/// Cards remembered as waiting. The deck keeps a handful; more would be a fault.
const MAX_WAITING: usize = 64;
/// A card still there this long after its time in media time has lost its end to a restart and is taken away.
const OVERDUE_MS: u64 = 2_000;

/// What an event changes for those who watch.
#[derive(Clone, Debug, PartialEq)]
// One or two exist at a time and none is kept: a box would cost more than the bytes.
#[allow(clippy::large_enum_variant)]
pub(crate) enum Change {
    /// A message with a sequence number that every client must get.
    Sequenced {
        /// Its number: that of the event.
        seq: u64,
        /// The message.
        body: ServerBody,
    },
    /// An utterance ended; replaces the track's caption.
    Final(FinalMessage),
    /// The status is another one.
    Status,
    /// The track's caption no longer holds.
    CaptionGone(TrackId),
}

struct Shown {
    since: MediaTime,
    card: CardMessage,
}

/// The screen of one call.
pub(crate) struct Screen {
    call: String,
    title: String,
    log_seq: Option<u64>,
    seq: Option<u64>,
    participants: BTreeMap<TrackId, (Party, Participant)>,
    stalled: bool,
    load: LoadStatus,
    shown: Option<Shown>,
    /// Cards waiting; with the card itself if it was on the screen before.
    waiting: BTreeMap<u32, Option<CardMessage>>,
    recap: Recap,
    ended: Option<EndReason>,
}

impl Screen {
    /// An empty screen.
    pub(crate) fn new(call: String, title: String) -> Self {
        Self {
            call,
            title,
            log_seq: None,
            seq: None,
            participants: BTreeMap::new(),
            stalled: false,
            load: LoadStatus::Normal,
            shown: None,
            waiting: BTreeMap::new(),
            recap: Recap::default(),
            ended: None,
        }
    }

    /// Sequence number of the last card message.
    pub(crate) const fn seq(&self) -> Option<u64> {
        self.seq
    }

    /// How the call ended, if it did.
    pub(crate) const fn ended(&self) -> Option<EndReason> {
        self.ended
    }

    /// Takes the next event. `None` if this event, or a later one, was taken before.
    pub(crate) fn apply(&mut self, event: &Event, compute_us: Option<u64>, sent_unix_us: u64) -> Option<Vec<Change>> {
        if self.log_seq.is_some_and(|last| event.seq <= last) {
            return None;
        }
        self.log_seq = Some(event.seq);
        let mut changes = Vec::new();
        let before = self.status();
        match &event.body {
            EventBody::TrackAdded { track } => self.join(track),
            EventBody::ConsentChanged { track, consent } => {
                if let Some((_, participant)) = self.participants.get_mut(track) {
                    participant.consent = consent.is_some();
                }
            }
            EventBody::AudioWithheld { track } => {
                if let Some((_, participant)) = self.participants.get_mut(track) {
                    participant.consent = false;
                }
                changes.push(Change::CaptionGone(*track));
            }
            EventBody::AudioStalled { .. } => self.stalled = true,
            EventBody::AudioResumed | EventBody::SpeechStarted { .. } => self.stalled = false,
            EventBody::CallResumed { .. } => self.resume(),
            EventBody::UtteranceEnded { track, utterance, start, end, text } => {
                let (speaker, party) = self.who(*track);
                changes.push(Change::Final(FinalMessage {
                    track: track.0,
                    speaker,
                    party,
                    utterance: utterance.0,
                    text: text.clone(),
                    start_ms: start.ms(),
                    end_ms: end.ms(),
                }));
            }
            EventBody::TrackEnded { track } => {
                if let Some((_, participant)) = self.participants.get_mut(track) {
                    participant.present = false;
                }
                changes.push(Change::CaptionGone(*track));
            }
            EventBody::LoadChanged { load } => {
                self.load = match load {
                    Load::Normal => LoadStatus::Normal,
                    Load::High => LoadStatus::High,
                };
            }
            EventBody::CardShown { card } => changes.push(self.show(event, card, compute_us, sent_unix_us)),
            EventBody::CardQueued { card } => changes.push(self.queue(event.seq, card.id)),
            EventBody::CardClosed { card, end } => changes.push(self.close(event.seq, *card, *end)),
            EventBody::CardPinned { card, pinned } => {
                if let Some(shown) = self.shown.as_mut().filter(|shown| shown.card.id == card.0) {
                    shown.card.pinned = *pinned;
                    // A card that is let go starts its time anew.
                    shown.since = event.at;
                }
                let body = ServerBody::CardPinned(CardPinned { seq: event.seq, id: card.0, pinned: *pinned });
                changes.push(self.sequenced(event.seq, body));
            }
            EventBody::CallEnded { .. } => changes.push(self.end(event.seq, EndReason::Ended)),
            EventBody::CallFailed { .. } => changes.push(self.end(event.seq, EndReason::Failed)),
            EventBody::CallStarted { .. }
            | EventBody::AudioGap { .. }
            | EventBody::ConsentAwaited { .. }
            | EventBody::ConsentRuleChanged { .. }
            | EventBody::WordsErased { .. }
            | EventBody::SourceChanged { .. }
            | EventBody::DisclosurePosted { .. }
            | EventBody::CoachingChanged { .. }
            | EventBody::NoteTaken { .. }
            | EventBody::TrackPaused { .. }
            | EventBody::WordsCommitted { .. }
            | EventBody::UtteranceRefined { .. }
            | EventBody::ObjectionDetected { .. }
            | EventBody::DetectionSuppressed { .. } => {}
        }
        self.drop_overdue(event.at);
        if self.status() != before {
            changes.push(Change::Status);
        }
        Some(changes)
    }

    /// The call is let go without an end in its log. `None` if it had ended before.
    pub(crate) fn close_without_event(&mut self) -> Option<ServerBody> {
        if self.ended.is_some() {
            return None;
        }
        self.ended = Some(EndReason::Closed);
        self.clear_cards();
        Some(self.ended_body(EndReason::Closed))
    }

    /// The wire form of a caption.
    pub(crate) fn caption(&self, caption: &Caption) -> CaptionMessage {
        let (speaker, party) = self.who(caption.track);
        CaptionMessage::new(caption, &speaker, &party)
    }

    /// How the call is doing.
    pub(crate) fn status(&self) -> Status {
        let present = || self.participants.values().filter(|(_, participant)| participant.present);
        let heard = present().any(|(_, participant)| participant.consent);
        Status {
            audio: match (heard, self.stalled) {
                (false, _) => AudioStatus::Waiting,
                (true, true) => AudioStatus::NoAudio,
                (true, false) => AudioStatus::Listening,
            },
            speaker_unknown: present().any(|(party, participant)| *party == Party::Unknown && participant.consent),
            load: self.load,
            consent_missing: present()
                .filter(|(_, participant)| !participant.consent)
                .map(|(_, participant)| participant.name.clone())
                .collect(),
            participants: self.participants.values().map(|(_, participant)| participant.clone()).collect(),
        }
    }

    /// Everything, for a client that has nothing or lost its place.
    pub(crate) fn state(&self, missed: Option<Missed>) -> State {
        State {
            call: self.call.clone(),
            title: self.title.clone(),
            seq: self.seq,
            card: self.shown.as_ref().map(|shown| shown.card.clone()),
            queue_len: self.queue_len(),
            status: self.status(),
            missed,
            recap: self.recap.clone(),
            ended: self.ended,
        }
    }

    fn sequenced(&mut self, seq: u64, body: ServerBody) -> Change {
        self.seq = Some(seq);
        Change::Sequenced { seq, body }
    }

    fn queue_len(&self) -> u32 {
        u32::try_from(self.waiting.len()).unwrap_or(u32::MAX)
    }

    fn who(&self, track: TrackId) -> (String, String) {
        self.participants.get(&track).map_or_else(
            || (format!("Track {track}"), Party::Unknown.as_str().to_owned()),
            |(party, participant)| (participant.name.clone(), party.as_str().to_owned()),
        )
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

    fn show(&mut self, event: &Event, card: &Card, compute_us: Option<u64>, sent_unix_us: u64) -> Change {
        let before = self.waiting.remove(&card.id.0).flatten();
        let mut message = CardMessage::new(event.seq, card, self.queue_len(), compute_us, sent_unix_us);
        match before {
            Some(before) => message.pinned = before.pinned,
            None => self.recap.shown += 1,
        }
        self.shown = Some(Shown { since: event.at, card: message.clone() });
        self.sequenced(event.seq, ServerBody::Card(message))
    }

    fn queue(&mut self, seq: u64, card: CardId) -> Change {
        let was_shown = self.shown.take_if(|shown| shown.card.id == card.0).map(|shown| shown.card);
        if self.waiting.len() < MAX_WAITING {
            self.waiting.insert(card.0, was_shown);
        }
        let body = ServerBody::Queue(QueueChanged { seq, id: card.0, queue_len: self.queue_len() });
        self.sequenced(seq, body)
    }

    fn close(&mut self, seq: u64, card: CardId, end: CardEnd) -> Change {
        let end = WireEnd::from(end);
        let waited = self.waiting.remove(&card.0).flatten();
        let shown = self.shown.take_if(|shown| shown.card.id == card.0).map(|shown| shown.card);
        if let Some(card) = shown.or(waited) {
            self.note_end(&card, end);
        }
        let body = ServerBody::CardClosed(CardClosed { seq, id: card.0, end, queue_len: self.queue_len() });
        self.sequenced(seq, body)
    }

    /// The call goes on after a restart: those present will be announced again. The deck still has the card on the screen
    /// and those that wait.
    fn resume(&mut self) {
        self.stalled = false;
        for (_, participant) in self.participants.values_mut() {
            participant.present = false;
        }
    }

    fn end(&mut self, seq: u64, reason: EndReason) -> Change {
        self.ended = Some(reason);
        self.clear_cards();
        self.seq = Some(seq);
        Change::Sequenced { seq, body: self.ended_body(reason) }
    }

    fn ended_body(&self, reason: EndReason) -> ServerBody {
        ServerBody::Ended(Ended { seq: self.seq, reason, recap: self.recap.clone() })
    }

    fn clear_cards(&mut self) {
        let waited = std::mem::take(&mut self.waiting).into_values().flatten();
        let left: Vec<CardMessage> = self.shown.take().map(|shown| shown.card).into_iter().chain(waited).collect();
        for card in left {
            self.note_end(&card, WireEnd::CallEnded);
        }
    }

    fn note_end(&mut self, card: &CardMessage, end: WireEnd) {
        match end {
            WireEnd::Used => self.recap.used += 1,
            WireEnd::Dismissed => self.recap.dismissed += 1,
            WireEnd::Expired | WireEnd::Replaced | WireEnd::Skipped | WireEnd::Retracted | WireEnd::CallEnded => {}
        }
        if self.recap.cards.len() >= RECAP_CARDS {
            self.recap.cards.remove(0);
        }
        self.recap.cards.push(RecapCard { id: card.id, label: card.label.clone(), title: card.title.clone(), end });
    }

    fn drop_overdue(&mut self, now: MediaTime) {
        let overdue =
            |shown: &mut Shown| !shown.card.pinned && shown.since.plus_ms(shown.card.ttl_ms).plus_ms(OVERDUE_MS) < now;
        if let Some(shown) = self.shown.take_if(overdue) {
            self.note_end(&shown.card, WireEnd::Expired);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use reframe_call::{audio::Consent, event::UtteranceId};

    use super::*;
    use crate::sample;

    fn apply(screen: &mut Screen, seq: u64, at_ms: u64, body: EventBody) -> Vec<Change> {
        screen.apply(&Event { seq, at: MediaTime::from_ms(at_ms), body }, Some(1_500), 99).unwrap()
    }

    fn track(id: u16, party: Party, name: &str, consent: bool) -> EventBody {
        let consent = consent.then(|| Consent { basis: "fixture".into(), reference: String::new() });
        EventBody::TrackAdded { track: TrackInfo { id: TrackId(id), party, name: name.into(), consent } }
    }

    #[test]
    fn an_event_is_taken_once() {
        let mut screen = Screen::new("c".into(), "t".into());
        let event = Event { seq: 4, at: MediaTime::ZERO, body: EventBody::CardShown { card: sample::card(0) } };
        assert_eq!(screen.apply(&event, None, 0).unwrap().len(), 1);
        assert_eq!(screen.apply(&event, None, 0), None);
        assert_eq!(screen.state(None).recap.shown, 1);
    }

    #[test]
    fn consent_and_unknown_speakers_show_in_the_status() {
        let mut screen = Screen::new("c".into(), "t".into());
        assert_eq!(screen.status().audio, AudioStatus::Waiting);
        apply(&mut screen, 0, 0, track(0, Party::Rep, "Rae", true));
        assert_eq!(screen.status().audio, AudioStatus::Listening);
        let changes = apply(&mut screen, 1, 0, track(1, Party::Unknown, "Dana", false));
        assert_eq!(changes, [Change::Status]);
        assert_eq!(screen.status().consent_missing, ["Dana"]);
        assert!(!screen.status().speaker_unknown, "nobody who is not listened to can be mixed up");
        let consent = Some(Consent { basis: "verbal".into(), reference: String::new() });
        apply(&mut screen, 2, 0, EventBody::ConsentChanged { track: TrackId(1), consent });
        assert!(screen.status().consent_missing.is_empty() && screen.status().speaker_unknown);
        apply(&mut screen, 3, 0, EventBody::TrackEnded { track: TrackId(1) });
        assert!(!screen.status().speaker_unknown);
        apply(&mut screen, 4, 0, EventBody::AudioStalled { since: MediaTime::ZERO });
        assert_eq!(screen.status().audio, AudioStatus::NoAudio);
    }

    #[test]
    fn cards_wait_show_pin_and_close() {
        let mut screen = Screen::new("c".into(), "t".into());
        apply(&mut screen, 0, 0, EventBody::CardShown { card: sample::card(0) });
        apply(&mut screen, 1, 10, EventBody::CardQueued { card: sample::card(1) });
        assert_eq!(screen.state(None).queue_len, 1);
        apply(&mut screen, 2, 20, EventBody::CardPinned { card: CardId(0), pinned: true });
        assert!(screen.state(None).card.unwrap().pinned);
        apply(&mut screen, 3, 30, EventBody::CardClosed { card: CardId(0), end: CardEnd::Used });
        let changes = apply(&mut screen, 4, 30, EventBody::CardShown { card: sample::card(1) });
        let Change::Sequenced { seq: 4, body: ServerBody::Card(card) } = &changes[0] else { panic!("{changes:?}") };
        assert_eq!((card.id, card.queue_len, card.latency.compute_ms), (1, 0, Some(1.5)));
        let state = screen.state(None);
        assert_eq!((state.card.unwrap().id, state.seq, state.recap.used), (1, Some(4), 1));
        let changes = apply(&mut screen, 5, 40, EventBody::CallEnded { cards_shown: 2, utterances: 1 });
        let Change::Sequenced { body: ServerBody::Ended(ended), .. } = &changes[0] else { panic!("{changes:?}") };
        assert_eq!(
            ended.recap.cards.iter().map(|card| card.end).collect::<Vec<_>>(),
            [WireEnd::Used, WireEnd::CallEnded]
        );
        assert!(screen.close_without_event().is_none());
    }

    #[test]
    fn a_card_whose_end_was_lost_does_not_stay() {
        let mut screen = Screen::new("c".into(), "t".into());
        let card = sample::card(0);
        let ttl_ms = card.ttl_ms;
        apply(&mut screen, 0, 0, EventBody::CardShown { card });
        apply(&mut screen, 1, ttl_ms + 1_000, EventBody::AudioResumed);
        assert!(screen.state(None).card.is_some());
        apply(&mut screen, 2, ttl_ms + 3_000, EventBody::CallResumed { after_seq: 1 });
        assert!(screen.state(None).card.is_none());
    }

    #[test]
    fn a_pinned_card_that_makes_way_comes_back_pinned_and_counts_once() {
        let mut screen = Screen::new("c".into(), "t".into());
        apply(&mut screen, 0, 0, EventBody::CardShown { card: sample::card(0) });
        apply(&mut screen, 1, 0, EventBody::CardPinned { card: CardId(0), pinned: true });
        apply(&mut screen, 2, 0, EventBody::CardQueued { card: sample::card(0) });
        let state = screen.state(None);
        assert!(state.card.is_none() && state.queue_len == 1);
        apply(&mut screen, 3, 0, EventBody::CardShown { card: sample::card(1) });
        apply(&mut screen, 4, 0, EventBody::CardClosed { card: CardId(1), end: CardEnd::Dismissed });
        let changes = apply(&mut screen, 5, 0, EventBody::CardShown { card: sample::card(0) });
        assert!(matches!(&changes[0], Change::Sequenced { body: ServerBody::Card(card), .. } if card.pinned));
        assert_eq!(screen.state(None).recap.shown, 2);
    }

    #[test]
    fn a_restart_keeps_the_card_and_what_waits() {
        let mut screen = Screen::new("c".into(), "t".into());
        apply(&mut screen, 0, 0, track(1, Party::Buyer, "Dana", true));
        apply(&mut screen, 1, 0, EventBody::CardShown { card: sample::card(0) });
        apply(&mut screen, 2, 0, EventBody::CardQueued { card: sample::card(1) });
        let changes = apply(&mut screen, 3, 0, EventBody::CallResumed { after_seq: 2 });
        assert_eq!(changes, [Change::Status]);
        let state = screen.state(None);
        assert!(state.card.is_some() && state.status.audio == AudioStatus::Waiting);
        assert_eq!(state.queue_len, 1, "the deck still has it, and the rep may ask for it");
    }

    #[test]
    fn captions_carry_names() {
        let mut screen = Screen::new("c".into(), "t".into());
        let caption =
            Caption { track: TrackId(1), utterance: UtteranceId(0), committed: "it is".into(), tail: "too".into() };
        assert_eq!(screen.caption(&caption).speaker, "Track 1");
        apply(&mut screen, 0, 0, track(1, Party::Buyer, "Dana", true));
        let message = screen.caption(&caption);
        assert_eq!((message.speaker.as_str(), message.party.as_str()), ("Dana", "buyer"));
    }
}
