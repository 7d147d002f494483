//! What is on the rep's screen, as it follows from the call's events. Pure: no clock, no socket.

mod room;

use std::collections::{BTreeMap, VecDeque};

use reframe_call::{
    audio::TrackId,
    card::{Card, CardEnd},
    event::{CardId, Event, EventBody},
    output::Caption,
    time::MediaTime,
};

use self::room::Room;
use crate::{
    erase::scrub_card,
    wire::{
        CaptionMessage, CardClosed, CardMessage, CardPinned, EndReason, Ended, Erased, FinalMessage, Missed,
        NoteMessage, QueueChanged, Recap, RecapCard, ServerBody, State, Status, WireEnd,
    },
};

/// Closed cards a recap lists; about an hour of calls with a card every two minutes.
const RECAP_CARDS: usize = 32;
/// Notes a state carries. They are the rep's own, and the call's log has them all.
const NOTES: usize = 20;
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

/// A card that waits.
struct Waiting {
    /// Whose words it rests on.
    track: Option<TrackId>,
    /// The card itself, if it was on the screen before.
    was_shown: Option<CardMessage>,
}

/// The screen of one call.
pub(crate) struct Screen {
    call: String,
    title: String,
    log_seq: Option<u64>,
    seq: Option<u64>,
    room: Room,
    /// Class and track of the last detection: a card that comes now is there because of it, though perhaps another play
    /// of the class brought it.
    detected: Option<(String, TrackId)>,
    shown: Option<Shown>,
    waiting: BTreeMap<u32, Waiting>,
    notes: VecDeque<NoteMessage>,
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
            room: Room::default(),
            detected: None,
            shown: None,
            waiting: BTreeMap::new(),
            notes: VecDeque::new(),
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
        self.room.take(event, sent_unix_us);
        match &event.body {
            EventBody::AudioWithheld { track } | EventBody::TrackEnded { track } => {
                changes.push(Change::CaptionGone(*track));
            }
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
            EventBody::ObjectionDetected { detection } => {
                self.detected = Some((detection.label.clone(), detection.track));
            }
            EventBody::CueRaised { cue } => {
                // Of nobody in particular: the next card rests on nobody's words.
                self.detected = cue.track.map(|track| (cue.label.clone(), track));
            }
            EventBody::CardShown { card } => changes.push(self.show(event, card, compute_us, sent_unix_us)),
            EventBody::CardQueued { card } => changes.push(self.queue(event.seq, card)),
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
            EventBody::NoteTaken { text } => changes.push(self.note(event, text)),
            EventBody::WordsErased { track } => changes.push(self.erased(event.seq, Some(*track))),
            EventBody::CallErased { .. } => changes.push(self.erased(event.seq, None)),
            EventBody::CallEnded { .. } => changes.push(self.end(event.seq, EndReason::Ended)),
            EventBody::CallFailed { .. } => changes.push(self.end(event.seq, EndReason::Failed)),
            // The room's, or nothing that a screen shows.
            EventBody::CallStarted { .. }
            | EventBody::TrackAdded { .. }
            | EventBody::ConsentChanged { .. }
            | EventBody::ConsentAwaited { .. }
            | EventBody::ConsentRuleChanged { .. }
            | EventBody::SourceChanged { .. }
            | EventBody::DisclosurePosted { .. }
            | EventBody::CoachingChanged { .. }
            | EventBody::TrackPaused { .. }
            | EventBody::AudioGap { .. }
            | EventBody::AudioStalled { .. }
            | EventBody::AudioResumed
            | EventBody::SpeechStarted { .. }
            | EventBody::WordsCommitted { .. }
            | EventBody::UtteranceRefined { .. }
            | EventBody::DetectionSuppressed { .. }
            | EventBody::CueSuppressed { .. }
            | EventBody::LoadChanged { .. }
            | EventBody::CallResumed { .. } => {}
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
        self.room.status()
    }

    /// Forgets what a participant (`None`: anybody) said: cards keep their advice and lose the words they rest on.
    pub(crate) fn erase(&mut self, track: Option<TrackId>) {
        let waited = self.waiting.values_mut().filter_map(|waiting| waiting.was_shown.as_mut());
        for card in self.shown.as_mut().map(|shown| &mut shown.card).into_iter().chain(waited) {
            scrub_card(card, track);
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
            notes: self.notes.iter().cloned().collect(),
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
        let (name, party) = self.room.who(track);
        (name, party.as_str().to_owned())
    }

    /// Whose words a new card rests on: those of the detection that came just before it. A log that begins in the middle
    /// leaves only the name to go by.
    fn origin(&self, card: &Card) -> Option<TrackId> {
        let detected = self.detected.as_ref().filter(|(label, _)| *label == card.label).map(|(_, track)| *track);
        detected.or_else(|| self.room.named(&card.reason.speaker))
    }

    fn show(&mut self, event: &Event, card: &Card, compute_us: Option<u64>, sent_unix_us: u64) -> Change {
        let (track, before) = match self.waiting.remove(&card.id.0) {
            Some(waiting) => (waiting.track, waiting.was_shown),
            None => (self.origin(card), None),
        };
        let mut message = CardMessage::new(event.seq, card, track, self.queue_len(), compute_us, sent_unix_us);
        match before {
            Some(before) => message.pinned = before.pinned,
            None => self.recap.shown += 1,
        }
        self.shown = Some(Shown { since: event.at, card: message.clone() });
        self.sequenced(event.seq, ServerBody::Card(message))
    }

    fn queue(&mut self, seq: u64, card: &Card) -> Change {
        let was_shown = self.shown.take_if(|shown| shown.card.id == card.id.0).map(|shown| shown.card);
        if self.waiting.len() < MAX_WAITING {
            let track = match &was_shown {
                Some(shown) => shown.reason.track.map(TrackId),
                None => self.origin(card),
            };
            self.waiting.insert(card.id.0, Waiting { track, was_shown });
        }
        let body = ServerBody::Queue(QueueChanged { seq, id: card.id.0, queue_len: self.queue_len() });
        self.sequenced(seq, body)
    }

    fn close(&mut self, seq: u64, card: CardId, end: CardEnd) -> Change {
        let end = WireEnd::from(end);
        let waited = self.waiting.remove(&card.0).and_then(|waiting| waiting.was_shown);
        let shown = self.shown.take_if(|shown| shown.card.id == card.0).map(|shown| shown.card);
        if let Some(card) = shown.or(waited) {
            self.note_end(&card, end);
        }
        let body = ServerBody::CardClosed(CardClosed { seq, id: card.0, end, queue_len: self.queue_len() });
        self.sequenced(seq, body)
    }

    fn erased(&mut self, seq: u64, track: Option<TrackId>) -> Change {
        self.erase(track);
        self.sequenced(seq, ServerBody::Erased(Erased { seq, track: track.map(|track| track.0) }))
    }

    fn note(&mut self, event: &Event, text: &str) -> Change {
        let note = NoteMessage { seq: event.seq, at_ms: event.at.ms(), text: text.to_owned() };
        if self.notes.len() >= NOTES {
            self.notes.pop_front();
        }
        self.notes.push_back(note.clone());
        self.recap.notes += 1;
        self.sequenced(event.seq, ServerBody::Note(note))
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
        let waited = std::mem::take(&mut self.waiting).into_values().filter_map(|waiting| waiting.was_shown);
        let left: Vec<CardMessage> = self.shown.take().map(|shown| shown.card).into_iter().chain(waited).collect();
        for card in left {
            self.note_end(&card, WireEnd::CallEnded);
        }
    }

    fn note_end(&mut self, card: &CardMessage, end: WireEnd) {
        match end {
            WireEnd::Used => self.recap.used += 1,
            WireEnd::Dismissed => self.recap.dismissed += 1,
            WireEnd::Wrong => self.recap.wrong += 1,
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
mod tests;
