//! Which card is on the screen: one at a time, not too often, never into the rep's own words, the most useful first.

mod answer;
mod budget;
mod floor;
mod history;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub use self::answer::{Answer, RAISED_AGAIN_AFTER_MS, RAISED_AGAIN_WITHIN_MS};

use self::{budget::Budget, floor::Floor, history::History};
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
    /// Cards that may come up within ten minutes; those of urgent plays neither count nor are refused. 0: only theirs.
    pub max_per_10_min: u32,
    /// A silence of the rep this long is a pause, in which a card may come up: while the rep speaks only those of urgent
    /// plays do. Shorter than the pause between two sentences (about 500 ms), longer than a stop within a word (up to
    /// about 200 ms). 0: cards come up while the rep speaks.
    pub rep_pause_ms: u64,
    /// For this long after a card, another play of the same class brings none: it would say the same. A follow-up does.
    pub repeat_ms: u64,
}

impl Default for DeckSettings {
    fn default() -> Self {
        Self {
            min_show_ms: 5_000,
            max_wait_ms: 20_000,
            max_waiting: 3,
            outranks_by: 20,
            max_per_10_min: 6,
            rep_pause_ms: 300,
            repeat_ms: 45_000,
        }
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

/// A card on the screen, or one that waits.
#[derive(Clone, Debug, PartialEq)]
struct Held {
    card: Card,
    /// When it came up, or began to wait.
    since: MediaTime,
    /// A card that waits and is pinned was on the screen before.
    pinned: bool,
}

/// The cards of one call.
#[derive(Clone, Debug, Default)]
pub struct Deck {
    settings: DeckSettings,
    /// Plays whose cards may come up at any time.
    urgent: BTreeSet<String>,
    /// Plays that are likely to be needed in this call, by their place among them.
    likely: BTreeMap<String, usize>,
    showing: Option<Held>,
    waiting: VecDeque<Held>,
    history: History,
    budget: Budget,
    floor: Floor,
    /// What was detected, for cards that another play brought.
    stands_in: BTreeMap<CardId, String>,
    next_id: u32,
    shown: u32,
}

impl Deck {
    /// Empty, for a call with these plays.
    #[must_use]
    pub fn new(settings: DeckSettings, plays: &[Play]) -> Self {
        let urgent = plays.iter().filter(|p| p.urgent).map(|p| p.id.clone()).collect();
        Self { settings, urgent, ..Self::default() }
    }

    /// Names the plays that are likely to be needed in this call, the likeliest first. Among cards that wait and weigh the
    /// same theirs come up first, and go last where there are too many.
    pub fn expect(&mut self, plays: &[String]) {
        // The first place counts where one is named twice.
        self.likely = plays.iter().rev().zip((0..plays.len()).rev()).map(|(p, i)| (p.clone(), i)).collect();
    }

    /// The place of a card among what is likely: the smaller the likelier.
    fn place(&self, card: &Card) -> usize {
        self.likely.get(&card.play).copied().unwrap_or(usize::MAX)
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
    /// remember when they were last shown and what the rep thought of them, the budget is what is left of it, and a card
    /// that was on the screen or waiting still is. Whether the rep is speaking shows when the rep is heard again.
    pub fn restore(&mut self, event: &Event) {
        let at = event.at;
        match &event.body {
            EventBody::CardShown { card } => {
                self.remember(card, at);
                let pinned = self.take_waiting(card.id).is_some_and(|w| w.pinned);
                self.came_up(card.clone(), at, pinned);
            }
            EventBody::CardQueued { card } => {
                self.remember(card, at);
                let was_shown = self.showing.take_if(|s| s.card.id == card.id);
                let pinned = was_shown.is_some_and(|s| s.pinned);
                self.waiting.push_back(Held { card: card.clone(), since: at, pinned });
            }
            EventBody::CardPinned { card, pinned } => {
                if let Some(now) = self.showing.as_mut().filter(|s| s.card.id == *card) {
                    now.pinned = *pinned;
                    if !*pinned {
                        now.since = at;
                    }
                }
            }
            EventBody::CardClosed { card, end } => {
                if let Some(held) = self.showing.take_if(|s| s.card.id == *card) {
                    self.went(&held, *end, true);
                } else if let Some(held) = self.take_waiting(*card) {
                    self.went(&held, *end, held.pinned);
                }
            }
            _ => {}
        }
    }

    /// Counts a card against its play, once however often it moves between screen and line.
    fn remember(&mut self, card: &Card, at: MediaTime) {
        let is_new = card.id.0 >= self.next_id;
        self.next_id = self.next_id.max(card.id.0.saturating_add(1));
        if is_new {
            self.history.count(card, at);
        }
    }

    fn take_waiting(&mut self, id: CardId) -> Option<Held> {
        let i = self.waiting.iter().position(|w| w.card.id == id)?;
        self.waiting.remove(i)
    }

    /// Which of `plays` answers `detected`, one of them, whose phrase began at `raised`: itself, its follow-up, or what
    /// must come before it. `Err` says in words why no card may come at `at`.
    ///
    /// # Errors
    /// What speaks against a card now, as in [`Deck::refuses`].
    pub fn answer<'p>(
        &self,
        plays: &'p [Play],
        detected: &'p Play,
        raised: MediaTime,
        at: MediaTime,
    ) -> Result<Answer<'p>, String> {
        let answer = answer::answer(plays, detected, raised, &self.history);
        let refused = self.is_spent(answer.play, at).or_else(|| {
            // A follow-up says something new.
            let repeated = (!answer.follows_up).then(|| self.repeats(answer.play, at)).flatten();
            repeated.or_else(|| self.is_too_much(answer.play, at))
        });
        match refused {
            Some(by) => Err(answer.in_words(&by)),
            None => Ok(answer),
        }
    }

    /// Why `play` may not have a card now, in words; `None` if it may.
    #[must_use]
    pub fn refuses(&self, play: &Play, at: MediaTime) -> Option<String> {
        self.is_spent(play, at).or_else(|| self.repeats(play, at)).or_else(|| self.is_too_much(play, at))
    }

    /// What the play's own past has against it.
    fn is_spent(&self, play: &Play, at: MediaTime) -> Option<String> {
        let past = self.history.of(&play.id)?;
        if let Some(rests) = self.history.rests(&play.id) {
            return Some(rests);
        }
        if past.times >= play.max_per_call {
            return Some(format!("limit: shown {} of {} times in this call", past.times, play.max_per_call));
        }
        let since_ms = at.ms_since(past.last);
        if past.times > 0 && since_ms < play.cooldown_ms {
            return Some(format!("cool-down: {} ms left", play.cooldown_ms - since_ms));
        }
        None
    }

    fn repeats(&self, play: &Play, at: MediaTime) -> Option<String> {
        answer::repeats(play, at, self.settings.repeat_ms, &self.history)
    }

    /// What the cards of the other plays have against it.
    fn is_too_much(&self, play: &Play, at: MediaTime) -> Option<String> {
        if self.urgent.contains(&play.id) {
            return None;
        }
        // What waits has its place, or it could not come up any more.
        let waiting = self.waiting.iter().filter(|w| !w.pinned && !self.is_urgent(&w.card)).count();
        self.budget.refuses(self.settings.max_per_10_min, waiting, at)
    }

    fn is_urgent(&self, card: &Card) -> bool {
        self.urgent.contains(&card.play)
    }

    /// The rep was heard speaking up to `until`.
    pub fn rep_spoke(&mut self, until: MediaTime) {
        self.floor.spoke(until, self.settings.rep_pause_ms);
    }

    /// Offers a card at `at` that answers a detection of the play `detected`. Ask [`Deck::answer`] first.
    pub fn offer_for(&mut self, detected: &str, card: Card, at: MediaTime, out: &mut Vec<DeckChange>) {
        if card.play != detected {
            self.stands_in.insert(card.id, detected.to_owned());
        }
        self.offer(card, at, out);
    }

    /// Offers a card at `at`. Ask [`Deck::refuses`] first.
    pub fn offer(&mut self, card: Card, at: MediaTime, out: &mut Vec<DeckChange>) {
        let may_come = self.is_urgent(&card) || !self.floor.is_taken(at, self.settings.rep_pause_ms);
        match &self.showing {
            None if may_come => self.show_new(card, at, out),
            Some(now) if may_come && self.may_replace(now, &card, at) => {
                let id = now.card.id;
                self.close(id, CardEnd::Replaced, out);
                self.show_new(card, at, out);
            }
            _ => self.queue(card, at, out),
        }
    }

    fn show_new(&mut self, card: Card, at: MediaTime, out: &mut Vec<DeckChange>) {
        self.history.count(&card, at);
        self.show(card, at, false, out);
    }

    fn may_replace(&self, now: &Held, card: &Card, at: MediaTime) -> bool {
        !now.pinned
            && (card.priority >= now.card.priority.saturating_add(self.settings.outranks_by)
                || at.ms_since(now.since) >= self.settings.min_show_ms)
    }

    fn show(&mut self, card: Card, at: MediaTime, pinned: bool, out: &mut Vec<DeckChange>) {
        self.came_up(card.clone(), at, pinned);
        out.push(DeckChange::Shown(card));
    }

    /// The card is on the screen from now on; one that is pinned was there before.
    fn came_up(&mut self, card: Card, at: MediaTime, pinned: bool) {
        self.shown += 1;
        if !pinned {
            self.history.shown(&card, at);
            if !self.is_urgent(&card) {
                self.budget.spend(at);
            }
        }
        self.showing = Some(Held { card, since: at, pinned });
    }

    fn queue(&mut self, card: Card, at: MediaTime, out: &mut Vec<DeckChange>) {
        if self.waiting.len() >= self.settings.max_waiting.max(1) {
            let lightest = (0..self.waiting.len()).filter(|i| !self.waiting[*i].pinned).min_by_key(|i| {
                let held = &self.waiting[*i];
                (held.card.priority, std::cmp::Reverse(self.place(&held.card)), held.since)
            });
            if let Some(id) = lightest.map(|i| self.waiting[i].card.id) {
                self.close(id, CardEnd::Expired, out);
            }
        }
        self.history.count(&card, at);
        self.waiting.push_back(Held { card: card.clone(), since: at, pinned: false });
        out.push(DeckChange::Queued(card));
    }

    /// The rep did something at `at`. What refers to a card that is gone is ignored: the click was a moment late.
    pub fn act(&mut self, action: RepAction, at: MediaTime, out: &mut Vec<DeckChange>) {
        match action {
            RepAction::Used { card } => self.close_and_go_on(card, CardEnd::Used, at, out),
            RepAction::Dismiss { card } => self.close_and_go_on(card, CardEnd::Dismissed, at, out),
            RepAction::Wrong { card } => self.close_and_go_on(card, CardEnd::Wrong, at, out),
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
                // Who asks for a card gets it, speaking or not.
                let Some(next) = self.best(|_| true) else { return };
                if let Some(now) = self.showing.take_if(|s| s.pinned) {
                    self.waiting.push_back(Held { since: at, ..now.clone() });
                    out.push(DeckChange::Queued(now.card));
                } else if let Some(id) = self.showing.as_ref().map(|s| s.card.id) {
                    self.close(id, CardEnd::Skipped, out);
                }
                self.show_waiting(next, at, out);
            }
        }
    }

    /// Takes back the card that a phrase of the play `detected` at `phrase_start` brought, if it is on the screen (and not
    /// pinned) or waiting. Another card of the play, or none because the deck refused it, is left as it is.
    pub fn retract(&mut self, detected: &str, phrase_start: MediaTime, at: MediaTime, out: &mut Vec<DeckChange>) {
        let brought_by = |card: &Card| self.stands_in.get(&card.id).unwrap_or(&card.play) == detected;
        let meant = |h: &&Held| h.card.reason.phrase_start == phrase_start && !h.pinned && brought_by(&h.card);
        let found = self.showing.iter().chain(&self.waiting).find(meant).map(|h| h.card.id);
        if let Some(id) = found {
            self.close_and_go_on(id, CardEnd::Retracted, at, out);
        }
    }

    /// What a card that is gone leaves behind. `was_shown`: it was on the screen, now or before.
    fn went(&mut self, held: &Held, end: CardEnd, was_shown: bool) {
        let play = &held.card.play;
        self.stands_in.remove(&held.card.id);
        match end {
            CardEnd::Wrong => self.history.wrong(play),
            CardEnd::Retracted => self.history.forgive(play),
            // Nobody saw it.
            CardEnd::Expired if !was_shown => self.history.forgive(play),
            _ => {}
        }
    }

    /// Takes a card away, from the screen or the line; says whether there was one.
    fn close(&mut self, id: CardId, end: CardEnd, out: &mut Vec<DeckChange>) -> bool {
        let (held, was_shown) = match self.showing.take_if(|s| s.card.id == id) {
            Some(held) => (held, true),
            None => match self.take_waiting(id) {
                Some(held) => {
                    let was_shown = held.pinned;
                    (held, was_shown)
                }
                None => return false,
            },
        };
        self.went(&held, end, was_shown);
        out.push(DeckChange::Closed(id, end));
        true
    }

    fn close_and_go_on(&mut self, id: CardId, end: CardEnd, at: MediaTime, out: &mut Vec<DeckChange>) {
        if self.close(id, end, out) && self.showing.is_none() {
            self.show_next(at, out);
        }
    }

    /// The card that should come up next, of those that wait and `may`.
    fn best(&self, may: impl Fn(&Held) -> bool) -> Option<CardId> {
        let able = (0..self.waiting.len()).filter(|i| may(&self.waiting[*i]));
        let best = able.max_by_key(|i| {
            let Held { card, pinned, .. } = &self.waiting[*i];
            (!pinned, card.priority, std::cmp::Reverse((self.place(card), *i)))
        })?;
        Some(self.waiting[best].card.id)
    }

    /// When a card that waits may come up, as far as the rep's own words go. A pinned one is the rep's own choice.
    fn heard_out_at(&self, waiting: &Held) -> MediaTime {
        let free = if waiting.pinned || self.is_urgent(&waiting.card) {
            None
        } else {
            self.floor.free_at(self.settings.rep_pause_ms)
        };
        free.unwrap_or(MediaTime::ZERO).max(waiting.since)
    }

    fn is_stale(&self, waiting: &Held, at: MediaTime) -> bool {
        !waiting.pinned && at.ms_since(waiting.since) > self.settings.max_wait_ms
    }

    fn show_next(&mut self, at: MediaTime, out: &mut Vec<DeckChange>) {
        if let Some(next) = self.next_at(at) {
            self.show_waiting(next, at, out);
        }
    }

    fn next_at(&self, at: MediaTime) -> Option<CardId> {
        self.best(|w| self.heard_out_at(w) <= at && !self.is_stale(w, at))
    }

    fn show_waiting(&mut self, id: CardId, at: MediaTime, out: &mut Vec<DeckChange>) {
        if let Some(w) = self.take_waiting(id) {
            self.show(w.card, at, w.pinned, out);
        }
    }

    /// When the deck next wants to be called, if it does.
    #[must_use]
    pub fn deadline(&self) -> Option<MediaTime> {
        let (expiry, free) = match &self.showing {
            None => (None, Some(MediaTime::ZERO)),
            Some(s) if s.pinned => (None, None),
            Some(s) => (Some(s.since.plus_ms(s.card.ttl_ms)), Some(s.since.plus_ms(self.settings.min_show_ms))),
        };
        let turn = free.and_then(|free| self.waiting.iter().map(|w| self.heard_out_at(w).max(free)).min());
        let waits = self.waiting.iter().filter(|w| !w.pinned).map(|w| w.since.plus_ms(self.settings.max_wait_ms));
        expiry.into_iter().chain(turn).chain(waits).min()
    }

    /// Does what is due at `at`, which is [`Deck::deadline`] or later.
    pub fn on_time(&mut self, at: MediaTime, out: &mut Vec<DeckChange>) {
        let shown = self.showing.as_ref().filter(|s| !s.pinned);
        if let Some((id, end)) = shown.and_then(|s| {
            let shown_ms = at.ms_since(s.since);
            let has_had_its_time = shown_ms >= self.settings.min_show_ms && self.next_at(at).is_some();
            let end = if shown_ms >= s.card.ttl_ms { CardEnd::Expired } else { CardEnd::Replaced };
            (end == CardEnd::Expired || has_had_its_time).then_some((s.card.id, end))
        }) {
            self.close(id, end, out);
        }
        if self.showing.is_none() {
            self.show_next(at, out);
        }
        let max_wait_ms = self.settings.max_wait_ms;
        let stale: Vec<CardId> = self
            .waiting
            .iter()
            .filter(|w| !w.pinned && at.ms_since(w.since) >= max_wait_ms)
            .map(|w| w.card.id)
            .collect();
        for id in stale {
            self.close(id, CardEnd::Expired, out);
        }
    }

    /// Takes away `cards`, pinned or not: what they rest on was taken back. They do not count against their plays.
    pub fn take_away(&mut self, cards: &BTreeSet<CardId>, at: MediaTime, out: &mut Vec<DeckChange>) {
        // Those that wait go first, or one of them would take the place of the one on the screen.
        let waiting: Vec<CardId> = self.waiting.iter().map(|w| w.card.id).filter(|id| cards.contains(id)).collect();
        for id in waiting {
            self.close(id, CardEnd::Retracted, out);
        }
        if let Some(id) = self.showing.as_ref().map(|s| s.card.id).filter(|id| cards.contains(id)) {
            self.close_and_go_on(id, CardEnd::Retracted, at, out);
        }
    }

    /// Everything goes, and ends as `end`: the call is over, or no card is wanted any more.
    pub fn clear(&mut self, end: CardEnd, out: &mut Vec<DeckChange>) {
        let all: Vec<CardId> = self.showing.iter().chain(&self.waiting).map(|h| h.card.id).collect();
        for id in all {
            self.close(id, end, out);
        }
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
