//! Which card is on the screen: one at a time, not too often, the most useful first.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::{
    card::{Card, CardEnd},
    event::{CardId, Event, EventBody},
    input::RepAction,
    playbook::Play,
    time::MediaTime,
};

/// Settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DeckSettings {
    /// A card stays at least this long before another of no greater weight takes its place: time to read three lines.
    pub min_show_ms: u64,
    /// A waiting card is dropped after this time: an answer that late is noise.
    pub max_wait_ms: u64,
    /// Cards that may wait; a further one pushes out the lightest.
    pub max_waiting: usize,
    /// A new card this much weightier takes the screen at once.
    pub outranks_by: u16,
}

impl Default for DeckSettings {
    fn default() -> Self {
        Self { min_show_ms: 5_000, max_wait_ms: 20_000, max_waiting: 3, outranks_by: 20 }
    }
}

/// What the deck decided.
#[derive(Clone, Debug, PartialEq)]
pub enum DeckChange {
    /// Put this on the screen.
    Shown(Card),
    /// Keep it for later.
    Queued(Card),
    /// Take this away.
    Closed(CardId, CardEnd),
    /// Pinned, or let go again.
    Pinned(CardId, bool),
}

#[derive(Clone, Debug)]
struct Showing {
    card: Card,
    since: MediaTime,
    pinned: bool,
}

#[derive(Clone, Debug)]
struct Waiting {
    card: Card,
    since: MediaTime,
    pinned: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct History {
    times: u32,
    last: MediaTime,
    before_last: MediaTime,
}

impl History {
    fn count(&mut self, at: MediaTime) {
        self.times += 1;
        self.before_last = std::mem::replace(&mut self.last, at);
    }
}

/// The cards of one call.
#[derive(Clone, Debug, Default)]
pub struct Deck {
    settings: DeckSettings,
    showing: Option<Showing>,
    waiting: VecDeque<Waiting>,
    history: BTreeMap<String, History>,
    next_id: u32,
    shown: u32,
}

impl Deck {
    /// Empty.
    #[must_use]
    pub fn new(settings: DeckSettings) -> Self {
        Self { settings, ..Self::default() }
    }

    /// Number for the next card.
    pub fn take_id(&mut self) -> CardId {
        let id = CardId(self.next_id);
        self.next_id += 1;
        id
    }

    /// Cards shown so far.
    #[must_use]
    pub const fn shown(&self) -> u32 {
        self.shown
    }

    /// Takes up where a restarted server left off, from one event of its log after the other: card numbers go on, plays
    /// remember when they were last shown, and a card that was on the screen or waiting still is.
    pub fn restore(&mut self, event: &Event) {
        let at = event.at;
        match &event.body {
            EventBody::CardShown { card } => {
                let pinned = self.take_waiting(card.id).is_some_and(|w| w.pinned);
                self.remember(card, at);
                self.shown += 1;
                self.showing = Some(Showing { card: card.clone(), since: at, pinned });
            }
            EventBody::CardQueued { card } => {
                self.remember(card, at);
                let was_shown = self.showing.take_if(|s| s.card.id == card.id);
                let pinned = was_shown.is_some_and(|s| s.pinned);
                self.waiting.push_back(Waiting { card: card.clone(), since: at, pinned });
            }
            EventBody::CardPinned { card, pinned } => {
                if let Some(now) = self.showing.as_mut().filter(|s| s.card.id == *card) {
                    now.pinned = *pinned;
                    now.since = at;
                }
            }
            EventBody::CardClosed { card, end } => {
                let shown = self.showing.take_if(|s| s.card.id == *card).map(|s| s.card);
                let closed = shown.or_else(|| self.take_waiting(*card).map(|w| w.card));
                if let Some(card) = closed.filter(|_| *end == CardEnd::Retracted) {
                    self.forgive(&card.play);
                }
            }
            _ => {}
        }
    }

    /// Counts a card against its play, once however often it moves between screen and line.
    fn remember(&mut self, card: &Card, at: MediaTime) {
        let is_new = card.id.0 >= self.next_id;
        self.next_id = self.next_id.max(card.id.0 + 1);
        if is_new {
            self.history.entry(card.play.clone()).or_default().count(at);
        }
    }

    fn take_waiting(&mut self, id: CardId) -> Option<Waiting> {
        let i = self.waiting.iter().position(|w| w.card.id == id)?;
        self.waiting.remove(i)
    }

    /// Why `play` may not have a card now, in words; `None` if it may.
    #[must_use]
    pub fn refuses(&self, play: &Play, at: MediaTime) -> Option<String> {
        let history = self.history.get(&play.id)?;
        if history.times >= play.max_per_call {
            return Some(format!("limit: shown {} of {} times in this call", history.times, play.max_per_call));
        }
        let since_ms = at.ms_since(history.last);
        if since_ms < play.cooldown_ms {
            return Some(format!("cool-down: {} ms left", play.cooldown_ms - since_ms));
        }
        None
    }

    /// Offers a card at `at`. Ask [`Deck::refuses`] first.
    pub fn offer(&mut self, card: Card, at: MediaTime, out: &mut Vec<DeckChange>) {
        self.history.entry(card.play.clone()).or_default().count(at);
        match &self.showing {
            None => self.show(card, at, false, out),
            Some(now) if self.may_replace(now, &card, at) => {
                out.push(DeckChange::Closed(now.card.id, CardEnd::Replaced));
                self.show(card, at, false, out);
            }
            Some(_) => self.queue(card, at, out),
        }
    }

    fn may_replace(&self, now: &Showing, card: &Card, at: MediaTime) -> bool {
        !now.pinned
            && (card.priority >= now.card.priority.saturating_add(self.settings.outranks_by)
                || at.ms_since(now.since) >= self.settings.min_show_ms)
    }

    fn show(&mut self, card: Card, at: MediaTime, pinned: bool, out: &mut Vec<DeckChange>) {
        self.shown += 1;
        self.showing = Some(Showing { card: card.clone(), since: at, pinned });
        out.push(DeckChange::Shown(card));
    }

    fn queue(&mut self, card: Card, at: MediaTime, out: &mut Vec<DeckChange>) {
        if self.waiting.len() >= self.settings.max_waiting.max(1) {
            let lightest = (0..self.waiting.len())
                .filter(|i| !self.waiting[*i].pinned)
                .min_by_key(|i| (self.waiting[*i].card.priority, self.waiting[*i].since));
            if let Some(dropped) = lightest.and_then(|i| self.waiting.remove(i)) {
                out.push(DeckChange::Closed(dropped.card.id, CardEnd::Expired));
            }
        }
        self.waiting.push_back(Waiting { card: card.clone(), since: at, pinned: false });
        out.push(DeckChange::Queued(card));
    }

    /// The rep did something at `at`. What refers to a card that is gone is ignored: the click was a moment late.
    pub fn act(&mut self, action: RepAction, at: MediaTime, out: &mut Vec<DeckChange>) {
        match action {
            RepAction::Used { card } => self.close(card, CardEnd::Used, at, out),
            RepAction::Dismiss { card } => self.close(card, CardEnd::Dismissed, at, out),
            RepAction::Pin { card } => {
                if let Some(now) = self.showing.as_mut().filter(|s| s.card.id == card) {
                    now.pinned = !now.pinned;
                    if !now.pinned {
                        // Its time starts anew; it would vanish under the rep's finger otherwise.
                        now.since = at;
                    }
                    out.push(DeckChange::Pinned(card, now.pinned));
                }
            }
            RepAction::SetParty { .. } | RepAction::SetCoaching { .. } | RepAction::Note { .. } => {}
            RepAction::Next => {
                if self.waiting.is_empty() {
                    return;
                }
                if let Some(now) = self.showing.take() {
                    if now.pinned {
                        self.waiting.push_back(Waiting { card: now.card.clone(), since: at, pinned: true });
                        out.push(DeckChange::Queued(now.card));
                    } else {
                        out.push(DeckChange::Closed(now.card.id, CardEnd::Skipped));
                    }
                }
                self.show_next(at, out);
            }
        }
    }

    /// Takes back the card of `play` that a phrase at `phrase_start` brought, if it is on the screen (and not pinned) or
    /// waiting. Another card of the play, or none because the deck refused it, is left as it is.
    pub fn retract(&mut self, play: &str, phrase_start: MediaTime, at: MediaTime, out: &mut Vec<DeckChange>) {
        let meant = |card: &Card| card.play == play && card.reason.phrase_start == phrase_start;
        let on_screen = self.showing.as_ref().filter(|s| meant(&s.card) && !s.pinned).map(|s| s.card.id);
        if let Some(id) = on_screen {
            self.forgive(play);
            self.close(id, CardEnd::Retracted, at, out);
        } else if let Some(i) = self.waiting.iter().position(|w| meant(&w.card) && !w.pinned) {
            self.forgive(play);
            if let Some(w) = self.waiting.remove(i) {
                out.push(DeckChange::Closed(w.card.id, CardEnd::Retracted));
            }
        }
    }

    /// A retracted card does not count against its play: the real objection may still come. Those before it do.
    fn forgive(&mut self, play: &str) {
        let Some(history) = self.history.get_mut(play) else { return };
        history.times = history.times.saturating_sub(1);
        history.last = history.before_last;
        if history.times == 0 {
            self.history.remove(play);
        }
    }

    fn close(&mut self, id: CardId, end: CardEnd, at: MediaTime, out: &mut Vec<DeckChange>) {
        if self.showing.as_ref().is_some_and(|s| s.card.id == id) {
            self.showing = None;
            out.push(DeckChange::Closed(id, end));
            self.show_next(at, out);
        } else if let Some(i) = self.waiting.iter().position(|w| w.card.id == id) {
            self.waiting.remove(i);
            out.push(DeckChange::Closed(id, end));
        }
    }

    fn show_next(&mut self, at: MediaTime, out: &mut Vec<DeckChange>) {
        let best = (0..self.waiting.len())
            .max_by_key(|i| (!self.waiting[*i].pinned, self.waiting[*i].card.priority, std::cmp::Reverse(*i)));
        if let Some(w) = best.and_then(|i| self.waiting.remove(i)) {
            self.show(w.card, at, w.pinned, out);
        }
    }

    /// When the deck next wants to be called, if it does.
    #[must_use]
    pub fn deadline(&self) -> Option<MediaTime> {
        let expiry = self.showing.as_ref().filter(|s| !s.pinned).map(|s| {
            let swap = !self.waiting.is_empty();
            s.since.plus_ms(if swap { s.card.ttl_ms.min(self.settings.min_show_ms) } else { s.card.ttl_ms })
        });
        let waits = self.waiting.iter().filter(|w| !w.pinned).map(|w| w.since.plus_ms(self.settings.max_wait_ms));
        expiry.into_iter().chain(waits).min()
    }

    /// Does what is due at `at`, which is [`Deck::deadline`] or later.
    pub fn on_time(&mut self, at: MediaTime, out: &mut Vec<DeckChange>) {
        let max_wait_ms = self.settings.max_wait_ms;
        self.waiting.retain(|w| {
            let stale = !w.pinned && at.ms_since(w.since) >= max_wait_ms;
            if stale {
                out.push(DeckChange::Closed(w.card.id, CardEnd::Expired));
            }
            !stale
        });
        let Some(now) = self.showing.as_ref().filter(|s| !s.pinned) else {
            return;
        };
        let shown_ms = at.ms_since(now.since);
        if shown_ms >= now.card.ttl_ms {
            self.close(now.card.id, CardEnd::Expired, at, out);
        } else if !self.waiting.is_empty() && shown_ms >= self.settings.min_show_ms {
            self.close(now.card.id, CardEnd::Replaced, at, out);
        }
    }

    /// Takes away `cards`, pinned or not: what they rest on was taken back. They do not count against their plays.
    pub fn take_away(&mut self, cards: &BTreeSet<CardId>, at: MediaTime, out: &mut Vec<DeckChange>) {
        // Those that wait go first, or one of them would take the place of the one on the screen.
        let waiting = std::mem::take(&mut self.waiting);
        let (gone, stay): (VecDeque<_>, VecDeque<_>) = waiting.into_iter().partition(|w| cards.contains(&w.card.id));
        self.waiting = stay;
        for w in gone {
            self.forgive(&w.card.play);
            out.push(DeckChange::Closed(w.card.id, CardEnd::Retracted));
        }
        let shown = self.showing.as_ref().map(|s| s.card.clone()).filter(|card| cards.contains(&card.id));
        if let Some(card) = shown {
            self.forgive(&card.play);
            self.close(card.id, CardEnd::Retracted, at, out);
        }
    }

    /// Everything goes, and ends as `end`: the call is over, or no card is wanted any more.
    pub fn clear(&mut self, end: CardEnd, out: &mut Vec<DeckChange>) {
        let showing = self.showing.take().map(|s| s.card.id);
        let waiting = std::mem::take(&mut self.waiting);
        for id in showing.into_iter().chain(waiting.into_iter().map(|w| w.card.id)) {
            out.push(DeckChange::Closed(id, end));
        }
    }
}

#[cfg(test)]
mod tests;
