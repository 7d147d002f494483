//! The deck's rules, one table each.

use super::*;
use crate::card::{Reason, Stages};

fn deck(settings: DeckSettings) -> Deck {
    Deck::new(settings, &[])
}

pub(super) fn card(deck: &mut Deck, play: &str, priority: u16) -> Card {
    Card {
        id: deck.take_id(),
        play: play.to_owned(),
        label: play.to_owned(),
        title: String::new(),
        say: vec![],
        proof: None,
        ask: None,
        avoid: None,
        case_study: None,
        variant: None,
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

/// Of two cards that wait and weigh the same the likely one comes up first, and the other goes where there are too many; a
/// weightier one comes before both. Without such a list the older one is first.
#[test]
fn of_equals_the_likely_one_comes_up_first() {
    for (likely, first, out) in [(&[][..], "shown 1", 1), (&["c", "b"], "shown 2", 1), (&["b"], "shown 1", 2)] {
        let likely: Vec<String> = likely.iter().map(|p| (*p).to_owned()).collect();
        let filled = |max_waiting| {
            let mut d = deck(DeckSettings { max_waiting, ..DeckSettings::default() });
            d.expect(&likely);
            offer(&mut d, "a", 50, 0);
            offer(&mut d, "b", 40, 1_000);
            offer(&mut d, "c", 40, 2_000);
            d
        };
        assert_eq!(time(&mut filled(3)), (5_000, vec!["Replaced 0".into(), first.into()]), "{likely:?}");
        let pushed = offer(&mut filled(2), "d", 45, 3_000);
        assert_eq!(pushed, [format!("Expired {out}"), "queued 3".into()], "{likely:?}");
        let mut weightier = filled(3);
        offer(&mut weightier, "d", 45, 3_000);
        assert_eq!(time(&mut weightier).1[1], "shown 3", "{likely:?}");
    }
}

#[test]
fn one_at_a_time_and_the_second_waits_until_the_first_was_readable() {
    let mut d = deck(DeckSettings::default());
    assert_eq!(offer(&mut d, "a", 50, 0), ["shown 0"]);
    assert_eq!(offer(&mut d, "b", 50, 1_000), ["queued 1"]);
    assert_eq!(time(&mut d), (5_000, vec!["Replaced 0".into(), "shown 1".into()]));
    assert_eq!(time(&mut d), (35_000, vec!["Expired 1".into()]));
    assert_eq!(d.deadline(), None);
}

#[test]
fn a_weightier_card_takes_the_screen_at_once() {
    let mut d = deck(DeckSettings::default());
    offer(&mut d, "a", 50, 0);
    assert_eq!(offer(&mut d, "b", 70, 1_000), ["Replaced 0", "shown 1"]);
}

#[test]
fn a_pinned_card_stays_until_it_is_let_go() {
    let mut d = deck(DeckSettings::default());
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
    let mut d = deck(DeckSettings::default());
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
    let mut d = deck(DeckSettings::default());
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
    let mut d = deck(DeckSettings::default());
    offer(&mut d, "a", 50, 0);
    let mut out = Vec::new();
    d.retract("a", MediaTime::ZERO, MediaTime::from_ms(500), &mut out);
    assert_eq!(names(&out), ["Retracted 0"]);
    assert_eq!(d.refuses(&cool, MediaTime::from_ms(600)), None);
}

#[test]
fn late_clicks_are_ignored() {
    let mut d = deck(DeckSettings::default());
    offer(&mut d, "a", 50, 0);
    assert_eq!(act(&mut d, RepAction::Used { card: CardId(0) }, 10), ["Used 0"]);
    assert_eq!(act(&mut d, RepAction::Used { card: CardId(0) }, 11), [""; 0]);
    assert_eq!(act(&mut d, RepAction::Pin { card: CardId(7) }, 12), [""; 0]);
    assert_eq!(act(&mut d, RepAction::Next, 13), [""; 0]);
}

#[test]
fn taking_back_a_card_leaves_the_earlier_ones_counted() {
    let mut d = deck(DeckSettings::default());
    offer(&mut d, "a", 50, 0);
    act(&mut d, RepAction::Used { card: CardId(0) }, 1_000);
    offer(&mut d, "a", 50, 60_000);
    d.retract("a", MediaTime::ZERO, MediaTime::from_ms(61_000), &mut Vec::new());
    assert!(d.refuses(&play(0, 1), MediaTime::from_ms(62_000)).is_some_and(|r| r.contains("1 of 1")));
    assert_eq!(d.refuses(&play(70_000, 9), MediaTime::from_ms(62_000)).as_deref(), Some("cool-down: 8000 ms left"));
}

#[test]
fn only_the_card_of_that_phrase_is_taken_back() {
    let mut d = deck(DeckSettings::default());
    offer(&mut d, "a", 50, 0);
    let mut out = Vec::new();
    d.retract("a", MediaTime::from_ms(900), MediaTime::from_ms(1_000), &mut out);
    assert_eq!(out, []);
    assert!(d.showing.is_some());
}

/// A rep who speaks from `from_ms` to `until_ms`; what is due meanwhile happens, and is given with its time.
fn speak(deck: &mut Deck, from_ms: u64, until_ms: u64) -> Vec<(u64, String)> {
    let mut happened = Vec::new();
    for ms in (from_ms..=until_ms).step_by(20) {
        happened.extend(pass(deck, ms));
        deck.rep_spoke(MediaTime::from_ms(ms));
    }
    happened
}

/// Time passes up to `to_ms`.
fn pass(deck: &mut Deck, to_ms: u64) -> Vec<(u64, String)> {
    let mut happened = Vec::new();
    while deck.deadline().is_some_and(|d| d.ms() <= to_ms) {
        let (at, what) = time(deck);
        happened.extend(what.into_iter().map(|w| (at, w)));
    }
    happened
}

fn happened(list: &[(u64, &str)]) -> Vec<(u64, String)> {
    list.iter().map(|(at, what)| (*at, (*what).to_owned())).collect()
}

#[test]
fn a_card_waits_until_the_rep_pauses() {
    let mut d = deck(DeckSettings::default());
    speak(&mut d, 1_000, 2_000);
    assert_eq!(offer(&mut d, "a", 50, 2_000), ["queued 0"]);
    assert_eq!(speak(&mut d, 2_200, 4_000), []);
    assert_eq!(pass(&mut d, 5_000), happened(&[(4_300, "shown 0")]));
    assert_eq!(offer(&mut d, "b", 99, 5_000), ["Replaced 0", "shown 1"], "a silent rep costs no time");
}

#[test]
fn a_card_stays_until_the_next_one_may_come() {
    let mut d = deck(DeckSettings::default());
    offer(&mut d, "a", 50, 0);
    offer(&mut d, "b", 50, 1_000);
    assert_eq!(speak(&mut d, 4_000, 7_000), []);
    assert_eq!(offer(&mut d, "c", 99, 7_000), ["queued 2"], "not even a weightier one");
    assert_eq!(pass(&mut d, 7_500), happened(&[(7_300, "Replaced 0"), (7_300, "shown 2")]));
}

#[test]
fn an_urgent_card_does_not_wait() {
    let urgent = Play { urgent: true, ..play(0, 9) };
    let mut d = Deck::new(DeckSettings::default(), &[urgent]);
    speak(&mut d, 0, 1_000);
    assert_eq!(offer(&mut d, "a", 50, 1_000), ["shown 0"]);
    let mut d = Deck::new(DeckSettings::default(), &[Play { urgent: true, ..play(0, 9) }]);
    speak(&mut d, 0, 1_000);
    offer(&mut d, "b", 90, 1_000);
    assert_eq!(offer(&mut d, "a", 10, 1_000), ["shown 1"], "though another one waits");
}

#[test]
fn who_asks_for_a_card_gets_it_while_speaking() {
    let mut d = deck(DeckSettings::default());
    speak(&mut d, 0, 1_000);
    offer(&mut d, "a", 50, 1_000);
    assert_eq!(act(&mut d, RepAction::Next, 1_100), ["shown 0"]);
    act(&mut d, RepAction::Pin { card: CardId(0) }, 1_200);
    offer(&mut d, "b", 50, 1_200);
    assert_eq!(act(&mut d, RepAction::Next, 1_220), ["queued 0", "shown 1"]);
    offer(&mut d, "c", 50, 1_240);
    assert_eq!(act(&mut d, RepAction::Used { card: CardId(1) }, 1_250), ["Used 1", "shown 0"], "the rep's own, not c");
}

#[test]
fn noise_on_the_reps_line_loses_no_card() {
    let mut d = deck(DeckSettings::default());
    speak(&mut d, 1_000, 2_000);
    offer(&mut d, "a", 50, 2_000);
    let up_at = 1_000 + floor::LONGEST_STRETCH_MS;
    assert_eq!(speak(&mut d, 2_020, 20_000), happened(&[(up_at, "shown 0")]));
    assert!(floor::LONGEST_STRETCH_MS < DeckSettings::default().max_wait_ms);
}

#[test]
fn a_card_nobody_saw_does_not_count() {
    let settings = DeckSettings { max_wait_ms: 3_000, ..DeckSettings::default() };
    let mut d = deck(settings);
    speak(&mut d, 0, 1_000);
    offer(&mut d, "a", 50, 1_000);
    assert_eq!(speak(&mut d, 1_020, 4_500), happened(&[(4_000, "Expired 0")]));
    assert_eq!(d.refuses(&play(60_000, 1), MediaTime::from_ms(4_500)), None, "the buyer may raise it again");
}

#[test]
fn what_has_waited_too_long_does_not_come_up_late() {
    let mut d = deck(DeckSettings::default());
    speak(&mut d, 0, 1_000);
    offer(&mut d, "a", 50, 1_000);
    let mut out = Vec::new();
    d.on_time(MediaTime::from_ms(60_000), &mut out);
    assert_eq!(names(&out), ["Expired 0"]);
}

#[test]
fn ten_minutes_have_room_for_so_many_cards() {
    let mut d = deck(DeckSettings { max_per_10_min: 2, ..DeckSettings::default() });
    let next = play(0, 9);
    let refused = |d: &Deck, ms: u64| d.refuses(&next, MediaTime::from_ms(ms));
    offer(&mut d, "b", 50, 0);
    assert_eq!(refused(&d, 10), None);
    offer(&mut d, "c", 50, 10);
    assert_eq!(refused(&d, 20).as_deref(), Some("budget: 1 cards in the last 10 minutes, 1 waiting"));
    pass(&mut d, 100_000);
    assert_eq!(refused(&d, 100_000).as_deref(), Some("budget: 2 cards in the last 10 minutes"));
    assert_eq!(refused(&d, 600_000), None);
    let one = DeckSettings { max_per_10_min: 1, ..DeckSettings::default() };
    let mut d = Deck::new(one, &[Play { urgent: true, ..play(0, 9) }]);
    offer(&mut d, "a", 50, 0);
    assert_eq!(d.refuses(&Play { id: "b".into(), label: "b".into(), ..play(0, 9) }, MediaTime::ZERO), None);
    let mut d = Deck::new(
        DeckSettings { max_per_10_min: 0, ..DeckSettings::default() },
        &[Play { urgent: true, ..play(0, 9) }],
    );
    offer(&mut d, "a", 50, 0);
    assert_eq!(refused(&d, 1), None, "nor are urgent ones refused");
    let other = Play { id: "b".into(), label: "b".into(), ..play(0, 9) };
    assert_eq!(d.refuses(&other, MediaTime::ZERO).as_deref(), Some("budget: 0 cards in the last 10 minutes"));
}

#[test]
fn a_play_marked_wrong_twice_rests() {
    let any = play(0, 9);
    let mut d = deck(DeckSettings::default());
    for n in 0..2 {
        assert_eq!(d.refuses(&any, MediaTime::from_ms(n * 90_000)), None);
        offer(&mut d, "a", 50, n * 90_000);
        let wrong = RepAction::Wrong { card: CardId(n as u32) };
        assert_eq!(act(&mut d, wrong.clone(), n * 90_000 + 10), [format!("Wrong {n}")]);
        assert_eq!(act(&mut d, wrong, n * 90_000 + 20), [""; 0], "once a card");
    }
    let refused = d.refuses(&any, MediaTime::from_ms(3_000_000));
    assert_eq!(refused.as_deref(), Some("the rep marked it wrong twice"));
    assert_eq!(d.refuses(&Play { id: "b".into(), ..any }, MediaTime::from_ms(3_000_000)), None);
}

#[test]
fn what_stands_in_is_taken_back_with_what_was_detected() {
    let mut d = deck(DeckSettings::default());
    let card = card(&mut d, "follow_up", 50);
    d.offer_for("a", card, MediaTime::ZERO, &mut Vec::new());
    let mut out = Vec::new();
    d.retract("follow_up", MediaTime::ZERO, MediaTime::from_ms(10), &mut out);
    assert_eq!(out, [], "this is not what was detected");
    d.retract("a", MediaTime::ZERO, MediaTime::from_ms(10), &mut out);
    assert_eq!(names(&out), ["Retracted 0"]);
    assert_eq!(d.history, History::default());
}
