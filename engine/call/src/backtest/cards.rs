//! The cards of a call, read from its events: those of a log, or those a replay gives.

use std::collections::BTreeMap;

use crate::{
    audio::TrackId,
    card::{Card, CardEnd},
    event::{CardId, Event, EventBody},
    input::Coaching,
    time::MediaTime,
};

/// Cards of one call that are looked at; a deck shows fewer than ten in ten minutes. Those beyond are counted.
const CARDS_MAX: usize = 10_000;

/// One card and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Number in its call.
    pub id: CardId,
    /// Its play.
    pub play: String,
    /// Its label.
    pub label: String,
    /// Its heading.
    pub title: String,
    /// Why it came, in words.
    pub rule: String,
    /// The phrase of the playbook it rests on; empty if it rests on something else.
    pub phrase: String,
    /// Who said it, if somebody did.
    pub track: Option<TrackId>,
    /// A rule about how the call goes brought it, not something that was said.
    pub by_rule: bool,
    /// Where the phrase begins in the audio.
    pub start: MediaTime,
    /// Where it ends.
    pub end: MediaTime,
    /// When it came on the screen first, if it did.
    pub shown_at: Option<MediaTime>,
    /// How and when it left.
    pub closed: Option<(CardEnd, MediaTime)>,
    /// The rep pinned it at some time.
    pub pinned: bool,
}

impl Seen {
    fn new(card: &Card, raised: Option<&Raised>) -> Self {
        // A follow-up's play is another than the one that was detected; the words are the same.
        let raised = raised.filter(|r| r.start == card.reason.phrase_start);
        Self {
            id: card.id,
            play: card.play.clone(),
            label: card.label.clone(),
            title: card.title.clone(),
            rule: card.reason.rule.clone(),
            phrase: raised.map(|r| r.phrase.clone()).unwrap_or_default(),
            track: raised.and_then(|r| r.track),
            by_rule: raised.is_some_and(|r| r.by_rule),
            start: card.reason.phrase_start,
            end: card.reason.phrase_end,
            shown_at: None,
            closed: None,
            pinned: false,
        }
    }

    /// What the rep said of it: `true` used, `false` dismissed or wrong.
    #[must_use]
    pub fn mark(&self) -> Option<bool> {
        match self.closed?.0 {
            CardEnd::Used => Some(true),
            CardEnd::Dismissed | CardEnd::Wrong => Some(false),
            _ => None,
        }
    }

    /// Taken back by the engine itself: what followed contradicted it.
    #[must_use]
    pub fn taken_back(&self) -> bool {
        matches!(self.closed, Some((CardEnd::Retracted, _)))
    }

    /// Whether it answers the same words as a phrase from `start` to `end`, by the measure of
    /// [`SAME_PHRASE_MS`](super::truth::SAME_PHRASE_MS).
    #[must_use]
    pub fn is_near(&self, start: MediaTime, end: MediaTime) -> bool {
        let slack = super::truth::SAME_PHRASE_MS;
        self.start <= end.plus_ms(slack) && start <= self.end.plus_ms(slack)
    }
}

#[derive(Clone, Debug)]
struct Raised {
    track: Option<TrackId>,
    by_rule: bool,
    phrase: String,
    start: MediaTime,
}

/// Folds events into cards.
#[derive(Clone, Debug, Default)]
pub struct Cards {
    cards: Vec<Seen>,
    at: BTreeMap<CardId, usize>,
    raised: Option<Raised>,
    /// Cards beyond `CARDS_MAX`: counted, not looked at.
    pub beyond: u32,
}

impl Cards {
    /// Takes the next event.
    pub fn event(&mut self, event: &Event) {
        match &event.body {
            EventBody::ObjectionDetected { detection: d } => {
                self.raised = Some(Raised {
                    track: Some(d.track),
                    by_rule: false,
                    phrase: d.evidence.phrase.clone(),
                    start: d.evidence.start,
                });
            }
            EventBody::CueRaised { cue } => {
                let (track, start) = (cue.track, cue.since);
                self.raised = Some(Raised { track, by_rule: true, phrase: String::new(), start });
            }
            EventBody::CardQueued { card } => drop(self.enter(card)),
            EventBody::CardShown { card } => {
                let at = event.at;
                if let Some(seen) = self.enter(card) {
                    seen.shown_at.get_or_insert(at);
                }
            }
            EventBody::CardClosed { card, end } => {
                let at = event.at;
                if let Some(seen) = self.get_mut(*card) {
                    seen.closed = Some((*end, at));
                }
            }
            EventBody::CardPinned { card, pinned: true } => {
                if let Some(seen) = self.get_mut(*card) {
                    seen.pinned = true;
                }
            }
            // Whoever stops the coaching dismisses no card; that they go is a consequence.
            EventBody::CoachingChanged { coaching } if *coaching != Coaching::Live => {
                for seen in self.cards.iter_mut().rev() {
                    if seen.closed == Some((CardEnd::Dismissed, event.at)) {
                        seen.closed = Some((CardEnd::CallEnded, event.at));
                    }
                }
            }
            _ => {}
        }
    }

    fn enter(&mut self, card: &Card) -> Option<&mut Seen> {
        let i = match self.at.get(&card.id) {
            Some(i) => *i,
            None if self.cards.len() == CARDS_MAX => {
                self.beyond += 1;
                return None;
            }
            None => {
                self.cards.push(Seen::new(card, self.raised.as_ref()));
                self.at.insert(card.id, self.cards.len() - 1);
                self.cards.len() - 1
            }
        };
        self.cards.get_mut(i)
    }

    fn get_mut(&mut self, card: CardId) -> Option<&mut Seen> {
        self.cards.get_mut(*self.at.get(&card)?)
    }

    /// A card by its number.
    #[must_use]
    pub fn get(&self, card: CardId) -> Option<&Seen> {
        self.cards.get(*self.at.get(&card)?)
    }

    /// All cards in the order they were made, also those that only waited.
    #[must_use]
    pub fn all(&self) -> &[Seen] {
        &self.cards
    }

    /// Cards that were on the screen.
    pub fn shown(&self) -> impl Iterator<Item = &Seen> {
        self.cards.iter().filter(|c| c.shown_at.is_some())
    }
}
