//! The deck's rules, one table each.

use super::*;
use crate::card::{Reason, Stages};

fn card(deck: &mut Deck, play: &str, priority: u16) -> Card {
    Card {
        id: deck.take_id(),
        play: play.to_owned(),
        label: play.to_owned(),
        title: String::new(),
        say: vec![],
        proof: None,
        ask: None,
        ttl_ms: 30_000,
        priority,
        reason: Reason {
            rule: String::new(),
            words: vec![],
            speaker: String::new(),
            score: 1.0,
            phrase_start: MediaTime::ZERO,
            phrase_end: MediaTime::ZERO,
            stages: Stages::default(),
        },
    }
}

fn offer(deck: &mut Deck, play: &str, priority: u16, at_ms: u64) -> Vec<String> {
    let card = card(deck, play, priority);
    let mut out = Vec::new();
    deck.offer(card, MediaTime::from_ms(at_ms), &mut out);
    names(&out)
}

fn names(changes: &[DeckChange]) -> Vec<String> {
    changes
        .iter()
        .map(|c| match c {
            DeckChange::Shown(c) => format!("shown {}", c.id.0),
            DeckChange::Queued(c) => format!("queued {}", c.id.0),
            DeckChange::Closed(id, end) => format!("{end:?} {}", id.0),
            DeckChange::Pinned(id, p) => format!("pinned {} {p}", id.0),
        })
        .collect()
}

fn act(deck: &mut Deck, action: RepAction, at_ms: u64) -> Vec<String> {
    let mut out = Vec::new();
    deck.act(action, MediaTime::from_ms(at_ms), &mut out);
    names(&out)
}

fn time(deck: &mut Deck) -> (u64, Vec<String>) {
    let at = deck.deadline().expect("a timer runs");
    let mut out = Vec::new();
    deck.on_time(at, &mut out);
    (at.ms(), names(&out))
}

#[test]
fn one_at_a_time_and_the_second_waits_until_the_first_was_readable() {
    let mut d = Deck::new(DeckSettings::default());
    assert_eq!(offer(&mut d, "a", 50, 0), ["shown 0"]);
    assert_eq!(offer(&mut d, "b", 50, 1_000), ["queued 1"]);
    assert_eq!(time(&mut d), (5_000, vec!["Replaced 0".into(), "shown 1".into()]));
    assert_eq!(time(&mut d), (35_000, vec!["Expired 1".into()]));
    assert_eq!(d.deadline(), None);
}

#[test]
fn a_weightier_card_takes_the_screen_at_once() {
    let mut d = Deck::new(DeckSettings::default());
    offer(&mut d, "a", 50, 0);
    assert_eq!(offer(&mut d, "b", 70, 1_000), ["Replaced 0", "shown 1"]);
}

#[test]
fn a_pinned_card_stays_until_it_is_let_go() {
    let mut d = Deck::new(DeckSettings::default());
    offer(&mut d, "a", 50, 0);
    assert_eq!(act(&mut d, RepAction::Pin { card: CardId(0) }, 100), ["pinned 0 true"]);
    assert_eq!(d.deadline(), None);
    assert_eq!(offer(&mut d, "b", 99, 9_000), ["queued 1"]);
    assert_eq!(act(&mut d, RepAction::Next, 9_500), ["queued 0", "shown 1"]);
    assert_eq!(act(&mut d, RepAction::Dismiss { card: CardId(1) }, 9_600), ["Dismissed 1", "shown 0"]);
    assert_eq!(d.deadline(), None, "still pinned");
    assert_eq!(act(&mut d, RepAction::Pin { card: CardId(0) }, 9_700), ["pinned 0 false"]);
    assert_eq!(time(&mut d).0, 39_700);
}

#[test]
fn waiting_cards_grow_stale_and_few() {
    let mut d = Deck::new(DeckSettings::default());
    offer(&mut d, "a", 50, 0);
    act(&mut d, RepAction::Pin { card: CardId(0) }, 0);
    offer(&mut d, "b", 10, 0);
    offer(&mut d, "c", 20, 0);
    offer(&mut d, "d", 30, 0);
    assert_eq!(offer(&mut d, "e", 40, 0), ["Expired 1", "queued 4"]);
    assert_eq!(time(&mut d), (20_000, vec!["Expired 2".into(), "Expired 3".into(), "Expired 4".into()]));
}

fn play(cooldown_ms: u64, max_per_call: u32) -> Play {
    let text = "version = 1\nname = \"x\"\n[[play]]\nid = \"a\"\nlabel = \"a\"\nphrases = [\"some phrase\"]\n\
                [play.card]\ntitle = \"t\"\nsay = [\"s\"]\n";
    let (book, problems) = crate::playbook::parse("x", text);
    let mut play = book.unwrap_or_else(|| panic!("{problems:?}")).plays.remove(0);
    play.cooldown_ms = cooldown_ms;
    play.max_per_call = max_per_call;
    play
}

#[test]
fn cool_down_and_limit() {
    let (cool, limited) = (play(60_000, 9), play(0, 2));
    let mut d = Deck::new(DeckSettings::default());
    assert_eq!(d.refuses(&cool, MediaTime::ZERO), None);
    offer(&mut d, "a", 50, 0);
    assert_eq!(d.refuses(&cool, MediaTime::from_ms(59_999)).as_deref(), Some("cool-down: 1 ms left"));
    assert_eq!(d.refuses(&cool, MediaTime::from_ms(60_000)), None);
    offer(&mut d, "a", 50, 60_000);
    assert!(d.refuses(&limited, MediaTime::from_ms(999_000)).is_some_and(|r| r.contains("2 of 2")));
}

#[test]
fn a_retracted_card_does_not_count() {
    let cool = play(60_000, 1);
    let mut d = Deck::new(DeckSettings::default());
    offer(&mut d, "a", 50, 0);
    let mut out = Vec::new();
    d.retract("a", MediaTime::ZERO, MediaTime::from_ms(500), &mut out);
    assert_eq!(names(&out), ["Retracted 0"]);
    assert_eq!(d.refuses(&cool, MediaTime::from_ms(600)), None);
}

#[test]
fn late_clicks_are_ignored() {
    let mut d = Deck::new(DeckSettings::default());
    offer(&mut d, "a", 50, 0);
    assert_eq!(act(&mut d, RepAction::Used { card: CardId(0) }, 10), ["Used 0"]);
    assert_eq!(act(&mut d, RepAction::Used { card: CardId(0) }, 11), [""; 0]);
    assert_eq!(act(&mut d, RepAction::Pin { card: CardId(7) }, 12), [""; 0]);
    assert_eq!(act(&mut d, RepAction::Next, 13), [""; 0]);
}

#[test]
fn taking_back_a_card_leaves_the_earlier_ones_counted() {
    let mut d = Deck::new(DeckSettings::default());
    offer(&mut d, "a", 50, 0);
    act(&mut d, RepAction::Used { card: CardId(0) }, 1_000);
    offer(&mut d, "a", 50, 60_000);
    d.retract("a", MediaTime::ZERO, MediaTime::from_ms(61_000), &mut Vec::new());
    assert!(d.refuses(&play(0, 1), MediaTime::from_ms(62_000)).is_some_and(|r| r.contains("1 of 1")));
    assert_eq!(d.refuses(&play(70_000, 9), MediaTime::from_ms(62_000)).as_deref(), Some("cool-down: 8000 ms left"));
}

#[test]
fn only_the_card_of_that_phrase_is_taken_back() {
    let mut d = Deck::new(DeckSettings::default());
    offer(&mut d, "a", 50, 0);
    let mut out = Vec::new();
    d.retract("a", MediaTime::from_ms(900), MediaTime::from_ms(1_000), &mut out);
    assert_eq!(out, []);
    assert!(d.showing.is_some());
}
