//! What holds of the deck whatever happens.

use proptest::prelude::*;

use super::{tests::card, *};

/// Five plays: two classes with two plays each and a follow-up, and one that is urgent.
fn plays() -> Vec<Play> {
    let text: String = [
        ("a0", "a", 50, ""),
        ("a1", "a", 70, "follows = \"a0\""),
        ("b0", "b", 60, ""),
        ("b1", "b", 20, "max_per_call = 2"),
        ("u", "u", 40, "urgent = true"),
    ]
    .iter()
    .map(|(id, label, priority, more)| {
        format!(
            "[[play]]\nid = \"{id}\"\nlabel = \"{label}\"\nphrases = [\"the phrase of {id}\"]\npriority = {priority}\n\
             cooldown_ms = 3000\nttl_ms = 9000\nmax_per_call = 1000\n{more}\n[play.card]\ntitle = \"t\"\nsay = [\"s\"]\n"
        )
        .replace("max_per_call = 1000\nmax_per_call", "max_per_call")
    })
    .collect();
    let (book, problems) = crate::playbook::parse("x", &format!("version = 1\nname = \"x\"\n{text}"));
    book.unwrap_or_else(|| panic!("{problems:?}")).plays
}

/// A deck, and what somebody who only reads its log believes.
struct Watched {
    plays: Vec<Play>,
    settings: DeckSettings,
    deck: Deck,
    now: MediaTime,
    log: Vec<Event>,
    on_screen: Option<CardId>,
    pinned: BTreeSet<CardId>,
    seen: BTreeSet<CardId>,
    /// When cards came up that count.
    counted: Vec<MediaTime>,
    /// Since when the rep has spoken without a pause, and until when.
    speech: Option<(MediaTime, MediaTime)>,
}

impl Watched {
    fn new(settings: DeckSettings) -> Self {
        let plays = plays();
        Self {
            deck: Deck::new(settings, &plays),
            plays,
            settings,
            now: MediaTime::ZERO,
            log: Vec::new(),
            on_screen: None,
            pinned: BTreeSet::new(),
            seen: BTreeSet::new(),
            counted: Vec::new(),
            speech: None,
        }
    }

    fn is_speaking(&self) -> bool {
        self.speech.is_some_and(|(since, until)| {
            self.now.ms_since(until) < self.settings.rep_pause_ms
                && self.now.ms_since(since) < floor::LONGEST_STRETCH_MS
        })
    }

    fn take(&mut self, changes: Vec<DeckChange>, asked_for: bool) {
        for change in changes {
            let body = match change {
                DeckChange::Shown(card) => {
                    assert_eq!(self.on_screen, None, "two cards at once");
                    self.on_screen = Some(card.id);
                    let urgent = card.play == "u";
                    let own = asked_for || self.pinned.contains(&card.id);
                    assert!(urgent || own || !self.is_speaking(), "a card came up while the rep spoke");
                    if self.seen.insert(card.id) && !urgent {
                        self.counted.push(self.now);
                    }
                    EventBody::CardShown { card }
                }
                DeckChange::Queued(card) => {
                    if self.on_screen == Some(card.id) {
                        self.on_screen = None;
                    }
                    EventBody::CardQueued { card }
                }
                DeckChange::Closed(card, end) => {
                    if self.on_screen == Some(card) {
                        self.on_screen = None;
                    }
                    EventBody::CardClosed { card, end }
                }
                DeckChange::Pinned(card, pinned) => {
                    if pinned {
                        self.pinned.insert(card)
                    } else {
                        self.pinned.remove(&card)
                    };
                    EventBody::CardPinned { card, pinned }
                }
            };
            self.log.push(Event { seq: self.log.len() as u64, at: self.now, body });
        }
        let recent = self.counted.iter().filter(|at| self.now.ms_since(**at) < budget::WINDOW_MS).count();
        assert!(recent <= self.settings.max_per_10_min as usize, "{recent} cards in ten minutes");
        assert!(self.deck.waiting.len() <= self.settings.max_waiting.max(1) + self.pinned.len());
    }

    fn advance(&mut self, to: MediaTime) {
        let mut steps = 0;
        while let Some(due) = self.deck.deadline().filter(|d| *d <= to) {
            self.now = self.now.max(due);
            let mut out = Vec::new();
            self.deck.on_time(self.now, &mut out);
            assert!(!out.is_empty(), "a timer that does nothing would run for ever");
            self.take(out, false);
            steps += 1;
            assert!(steps < 1_000, "timers without end");
        }
        self.now = to;
    }

    fn speak(&mut self, ms: u64) {
        for _ in 0..ms / 20 {
            self.advance(self.now.plus_ms(20));
            self.deck.rep_spoke(self.now);
            let pauses = |(_, until): &(MediaTime, MediaTime)| self.now.ms_since(*until) >= self.settings.rep_pause_ms;
            let since = self.speech.filter(|s| !pauses(s)).map_or(self.now, |(since, _)| since);
            self.speech = Some((since, self.now));
        }
    }

    fn detect(&mut self, play: usize) {
        let detected = &self.plays[play % self.plays.len()];
        let Ok(answer) = self.deck.answer(&self.plays, detected, self.now.minus_ms(500), self.now) else { return };
        let new = Card {
            label: answer.play.label.clone(),
            ttl_ms: 9_000,
            ..card(&mut self.deck, &answer.play.id, answer.play.priority)
        };
        let new = Card { reason: crate::card::Reason { phrase_start: self.now, ..new.reason.clone() }, ..new };
        let mut out = Vec::new();
        self.deck.offer_for(&detected.id, new, self.now, &mut out);
        self.take(out, false);
    }

    fn act(&mut self, action: RepAction) {
        let mut out = Vec::new();
        let asked_for = action == RepAction::Next;
        self.deck.act(action, self.now, &mut out);
        self.take(out, asked_for);
    }

    fn restored(&self) -> Deck {
        let mut deck = Deck::new(self.settings, &self.plays);
        for event in &self.log {
            deck.restore(event);
        }
        deck
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// Whatever happens: one card at a time, no more of them than the budget has room for, none into the rep's words, every
    /// timer does something, and a deck made from the log is the deck that wrote it.
    #[test]
    fn no_more_than_the_rep_can_take(
        steps in proptest::collection::vec((0u8..14, 0u32..12, 0u64..20_000), 0..150),
        max_per_10_min in 0u32..5,
        rep_pause_ms in prop_oneof![Just(0u64), Just(300), Just(1_000)],
        max_wait_ms in prop_oneof![Just(20_000u64), Just(2_000)],
    ) {
        let settings = DeckSettings { max_per_10_min, rep_pause_ms, max_wait_ms, max_waiting: 2, ..DeckSettings::default() };
        let mut w = Watched::new(settings);
        for (kind, n, ms) in steps {
            w.advance(w.now.plus_ms(ms / 7));
            let card = CardId(w.deck.next_id.saturating_sub(n % 4 + 1));
            match kind {
                0..=4 => w.detect(n as usize),
                5 => w.speak(ms),
                6 => w.act(RepAction::Used { card }),
                7 => w.act(RepAction::Dismiss { card }),
                8 => w.act(RepAction::Wrong { card }),
                9 => w.act(RepAction::Pin { card }),
                10 => w.act(RepAction::Next),
                11 => {
                    let mut out = Vec::new();
                    let play = w.plays[n as usize % w.plays.len()].id.clone();
                    w.deck.retract(&play, w.now.minus_ms(ms / 7), w.now, &mut out);
                    w.take(out, false);
                }
                12 => {
                    let mut out = Vec::new();
                    w.deck.take_away(&BTreeSet::from([card]), w.now, &mut out);
                    w.take(out, false);
                }
                _ => w.advance(w.now.plus_ms(ms * 20)),
            }
            let again = w.restored();
            prop_assert_eq!(&again.showing, &w.deck.showing);
            prop_assert_eq!(&again.waiting, &w.deck.waiting);
            prop_assert_eq!(&again.history, &w.deck.history);
            prop_assert_eq!(&again.budget, &w.deck.budget);
            prop_assert_eq!((again.next_id, again.shown), (w.deck.next_id, w.deck.shown));
            if n == 11 {
                // A restart: whether the rep was speaking is not known any more.
                w.deck = again;
                w.speech = None;
            }
        }
    }
}
