//! Logs are made by real calls, then replayed with the same playbook and with changed ones.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::{
    audio::{Consent, Party, TrackId, TrackInfo},
    event::CardId,
    input::{Coaching, Input, RepAction},
    output::Output,
    playbook::{Playbook, parse},
    recognize::Word,
    recorded::Playback,
    session::{CallSession, SessionSetup, from_log::Logged},
    time::MediaTime,
};

const REP: TrackId = TrackId(0);
const BUYER: TrackId = TrackId(1);

const PLAYBOOK: &str = r#"
version = 1
name = "tiny"
[[play]]
id = "price"
label = "price"
phrases = ["too expensive for us", "more than we pay"]
never = ["was too expensive for us"]
cooldown_ms = 20000
[play.card]
title = "Price"
say = ["One line."]
[[play]]
id = "timing"
label = "timing"
phrases = ["not a good time"]
[play.card]
title = "Timing"
say = ["One line."]
[[test]]
say = "it is too expensive for us"
expect = "price"
"#;

fn playbook(text: &str) -> Arc<Playbook> {
    let (playbook, problems) = parse("tiny", text);
    Arc::new(playbook.unwrap_or_else(|| panic!("{problems:?}")))
}

fn tried(text: &str) -> Tried {
    Tried { playbook: playbook(text), meaning: None }
}

/// A call as it goes: everything takes place at a time in ms.
struct Call {
    session: CallSession,
    log: Vec<Event>,
}

impl Call {
    fn new(text: &str) -> Self {
        let session = CallSession::new(SessionSetup {
            settings: SessionSettings::default(),
            playbook: playbook(text),
            context: Vec::new(),
            deal: Deal::default(),
            ears: Playback::new("made".to_owned()).ears(),
            semantic: None,
        });
        let mut call = Self { session, log: Vec::new() };
        call.drain();
        for (id, party, name) in [(REP, Party::Rep, "Rae"), (BUYER, Party::Buyer, "Bo")] {
            let consent = Some(Consent { basis: "test".into(), reference: String::new() });
            call.input(Input::TrackAdded(TrackInfo { id, party, name: name.into(), email: None, consent }));
        }
        call
    }

    fn drain(&mut self) {
        loop {
            match self.session.poll_output() {
                Output::Event(event) => self.log.push(event),
                Output::Idle { .. } => return,
                _ => {}
            }
        }
    }

    fn input(&mut self, input: Input) {
        self.session.handle_input(&input).unwrap();
        self.drain();
    }

    fn logged(&mut self, at_ms: u64, track: TrackId, what: &Logged) {
        self.session.pass_logged(MediaTime::from_ms(at_ms), true);
        self.drain();
        assert!(self.session.take_logged(track, what));
        self.drain();
    }

    /// Words, 300 ms each, two at a time known 400 ms after they were said; then the utterance ends.
    fn says(&mut self, at_ms: u64, track: TrackId, text: &str) -> &mut Self {
        let t = MediaTime::from_ms;
        let words: Vec<Word> = (0u64..)
            .zip(text.split_whitespace())
            .map(|(i, w)| Word {
                text: w.into(),
                start: t(at_ms + i * 300),
                end: t(at_ms + i * 300 + 300),
                confidence: 1.0,
            })
            .collect();
        self.logged(at_ms + 60, track, &Logged::Began { start: t(at_ms) });
        for pair in words.chunks(2) {
            self.logged(pair[pair.len() - 1].end.plus_ms(400).ms(), track, &Logged::Words(pair.to_vec()));
        }
        let end = words[words.len() - 1].end;
        self.logged(end.plus_ms(700).ms(), track, &Logged::Ended { end });
        self
    }

    fn sound(&mut self, at_ms: u64, play: &str, phrase: &str, trigger: bool) -> &mut Self {
        let (start, end) = (MediaTime::from_ms(at_ms - 1_400), MediaTime::from_ms(at_ms - 400));
        let (play, phrase) = (play.to_owned(), phrase.to_owned());
        let heard = Logged::Phrase { play, phrase, trigger, start, end, score: -0.5, threshold: -1.2 };
        self.logged(at_ms, BUYER, &heard);
        self
    }

    fn does(&mut self, at_ms: u64, action: RepAction) -> &mut Self {
        self.input(Input::Rep { at: MediaTime::from_ms(at_ms), action });
        self
    }

    fn end(&mut self, at_ms: u64) -> Vec<Event> {
        self.input(Input::Tick(MediaTime::from_ms(at_ms)));
        self.input(Input::End);
        std::mem::take(&mut self.log)
    }
}

fn test(log: &[Event], present: &str, changed: &str, truth: Option<&str>) -> CallResult {
    let mut test = CallTest::new("made", SessionSettings::default(), tried(present), tried(changed));
    log.iter().for_each(|e| test.event(e));
    test.finish(truth.map(|t| Truth::parse(t).unwrap()).as_ref())
}

fn kinds(result: &CallResult) -> Vec<(Kind, &str, u64)> {
    result.changes.iter().map(|c| (c.kind, c.play.as_str(), c.by_ms)).collect()
}

fn two_objections() -> Vec<Event> {
    let mut call = Call::new(PLAYBOOK);
    call.says(1_000, REP, "shall we talk about the number")
        .says(5_000, BUYER, "well to be fair it is too expensive for us i fear")
        .says(40_000, BUYER, "and now is not a good time for it")
        .end(60_000)
}

#[test]
fn the_same_playbook_gives_the_same_cards_at_the_same_times() {
    let log = two_objections();
    let result = test(&log, PLAYBOOK, PLAYBOOK, None);
    assert_eq!(result.replayed, stats::Rate { of: 2, n: 2 });
    assert_eq!((result.counts.same, result.changes.len()), (2, 0));
    assert_eq!(result.logged, result.present);
    assert_eq!(result.present, result.changed);
    assert_eq!((result.judged_by, result.length_ms), (JudgedBy::Nothing, 60_000));
    assert_eq!(result.present.all.precision.n, 0);
    // The words were known 400 ms after they were said, three words before the end of eleven.
    let lead = result.present.plays["price"].lead.summary();
    assert_eq!((lead.n, lead.median_ms), (1, Some(200)));
}

#[test]
fn cards_appear_disappear_and_move() {
    let log = two_objections();
    let changed = PLAYBOOK
        .replace("not a good time", "talk about the number")
        .replace("\"too expensive for us\"", "\"too expensive\"");
    let changed = changed.replace("[\"was too expensive for us\"]", "[]");
    let result = test(&log, PLAYBOOK, &changed, None);
    // The rep's words trigger nothing, so the play that now listens for them is silent.
    assert_eq!(kinds(&result), [(Kind::Earlier, "price", 600), (Kind::Disappears, "timing", 0)]);
    let around = &result.changes[0].around;
    assert_eq!((around.before.as_str(), around.under.as_str()), ("well to be fair it is", "too expensive"));
    assert_eq!(around.after, "for us i fear");
    let back = test(&log, &changed, PLAYBOOK, None);
    assert_eq!(kinds(&back), [(Kind::Later, "price", 600), (Kind::Appears, "timing", 0)]);
    assert_eq!(back.changes[1].at_ms, result.changes[1].at_ms);
}

#[test]
fn another_play_in_the_same_place_is_named() {
    let changed = PLAYBOOK.replacen("id = \"price\"", "id = \"cost\"", 1);
    let result = test(&two_objections(), PLAYBOOK, &changed, None);
    let instead: Vec<_> = result.changes.iter().map(|c| (c.kind, c.instead.as_deref())).collect();
    assert_eq!(instead, [(Kind::Appears, Some("price")), (Kind::Disappears, Some("cost"))]);
}

#[test]
fn what_was_heard_in_the_sounds_is_heard_again_as_long_as_the_playbook_has_it() {
    let mut call = Call::new(PLAYBOOK);
    let log = call.sound(5_000, "price", "more than we pay", true).end(30_000);
    let result = test(&log, PLAYBOOK, &PLAYBOOK.replace(", \"more than we pay\"", ""), None);
    assert_eq!(result.replayed, stats::Rate { of: 1, n: 1 });
    assert_eq!(
        (result.present_sounds, result.changed_sounds),
        (Sounds { heard: 1, unknown: 0 }, Sounds { heard: 0, unknown: 1 })
    );
    assert_eq!(kinds(&result), [(Kind::Disappears, "price", 0)]);
    // Heard at 5,000; held back 160 ms for a veto, as in the call.
    assert_eq!(result.changes[0].at_ms, 5_160);
    let moved = PLAYBOOK.replace(", \"more than we pay\"", "").replace("\"not a good time\"", "\"more than we pay\"");
    let result = test(&log, PLAYBOOK, &moved, None);
    assert_eq!(result.changed_sounds, Sounds { heard: 1, unknown: 0 });
    assert_eq!(result.changed.plays.keys().collect::<Vec<_>>(), ["timing"]);
}

#[test]
fn a_veto_heard_in_the_sounds_holds_again_until_it_is_taken_out() {
    let mut call = Call::new(PLAYBOOK);
    call.sound(5_000, "price", "was too expensive for us", false);
    let log = call.sound(5_000, "price", "too expensive for us", true).end(30_000);
    let result = test(&log, PLAYBOOK, &PLAYBOOK.replace("[\"was too expensive for us\"]", "[]"), None);
    assert_eq!((result.logged.all.cards, result.present.all.cards, result.changed.all.cards), (0, 0, 1));
}

#[test]
fn a_phrase_at_the_end_of_speech_counts_before_the_end() {
    let mut call = Call::new(PLAYBOOK);
    let t = MediaTime::from_ms;
    call.logged(3_600, BUYER, &Logged::Began { start: t(3_500) });
    let log = call.sound(5_000, "price", "more than we pay", true);
    log.logged(5_000, BUYER, &Logged::Ended { end: t(4_700) });
    let log = log.end(30_000);
    let result = test(&log, PLAYBOOK, PLAYBOOK, None);
    assert_eq!(result.present, result.logged);
    assert_eq!(result.present.all.lead.summary().median_ms, Some(-460));
}

fn marked() -> Vec<Event> {
    let mut call = Call::new(PLAYBOOK);
    call.says(5_000, BUYER, "it is too expensive for us");
    call.does(9_000, RepAction::Used { card: CardId(0) });
    call.says(40_000, BUYER, "my old phone and its case are too expensive for us said no one ever");
    call.does(46_000, RepAction::Wrong { card: CardId(1) });
    call.says(80_000, BUYER, "and it is not a good time");
    call.does(84_000, RepAction::Pin { card: CardId(2) });
    call.does(85_000, RepAction::Dismiss { card: CardId(2) });
    call.says(110_000, BUYER, "more than we pay in a year").end(150_000)
}

#[test]
fn without_an_answer_key_the_reps_marks_judge() {
    let log = marked();
    let changed = PLAYBOOK.replace("[\"was too", "[\"its case are too expensive\", \"was too");
    let result = test(&log, PLAYBOOK, &changed, None);
    assert_eq!(result.judged_by, JudgedBy::Marks);
    let all = |side: &Side| (side.all.cards, side.all.precision, side.all.recall);
    let rate = |of, n| stats::Rate { of, n };
    assert_eq!(all(&result.logged), (4, rate(1, 3), rate(1, 1)));
    assert_eq!(all(&result.present), (4, rate(1, 3), rate(1, 1)));
    assert_eq!(all(&result.changed), (3, rate(1, 2), rate(1, 1)));
    assert_eq!(kinds(&result), [(Kind::Disappears, "price", 0)]);
    assert_eq!(result.changes[0].worth, Worth::Wrong);
    // A change that loses the used card loses recall.
    let worse = test(&log, PLAYBOOK, &PLAYBOOK.replace("\"too expensive for us\", ", ""), None);
    assert_eq!(worse.changed.all.recall, rate(0, 1));
}

/// Two marked cards answer the same words, and the rep used one of them: its use counts for both, whichever came first.
#[test]
fn of_two_marks_near_each_other_the_use_counts() {
    use crate::card::CardEnd::{Dismissed, Used, Wrong};

    let card = |id: u32, from_ms: u64| crate::card::Card {
        id: CardId(id),
        play: "price".into(),
        label: "price".into(),
        title: String::new(),
        say: vec![],
        proof: None,
        ask: None,
        avoid: None,
        case_study: None,
        variant: None,
        ttl_ms: 30_000,
        priority: 1,
        reason: crate::card::Reason {
            rule: String::new(),
            words: vec![],
            speaker: String::new(),
            score: 1.0,
            phrase_start: MediaTime::from_ms(from_ms),
            phrase_end: MediaTime::from_ms(from_ms + 500),
            stages: crate::card::Stages::default(),
        },
    };
    for (first, second, apart_ms, worths) in [
        (Used, Wrong, 2_000, [Worth::Right, Worth::Right]),
        (Dismissed, Used, 2_000, [Worth::Right, Worth::Right]),
        (Dismissed, Wrong, 2_000, [Worth::Wrong, Worth::Wrong]),
        // Further apart they are two objections, each with its own mark.
        (Used, Wrong, 9_000, [Worth::Right, Worth::Wrong]),
    ] {
        let mut cards = Cards::default();
        for (id, from_ms, end) in [(0, 10_000, first), (1, 10_000 + apart_ms, second)] {
            let at = MediaTime::from_ms(from_ms + 1_000);
            for body in
                [EventBody::CardShown { card: card(id, from_ms) }, EventBody::CardClosed { card: CardId(id), end }]
            {
                cards.event(&Event { seq: 0, at, body });
            }
        }
        let (side, found) = Judge::new(None, &cards).side(&cards, &Words::default());
        assert_eq!(found, worths, "{first:?} {second:?} {apart_ms} ms apart");
        let right = worths.iter().filter(|worth| **worth == Worth::Right).count();
        assert_eq!((side.all.precision.of as usize, side.all.precision.n), (right, 2));
    }
}

#[test]
fn the_answer_key_goes_before_the_marks() {
    let truth = "[[objection]]\nlabel = \"price\"\nplay = \"price\"\nstart_ms = 5600\nend_ms = 6800\n\
                 [[objection]]\nlabel = \"security\"\nplay = \"security\"\nstart_ms = 20000\nend_ms = 21000\n";
    let result = test(&marked(), PLAYBOOK, PLAYBOOK, Some(truth));
    assert_eq!(result.judged_by, JudgedBy::Truth);
    assert_eq!(result.present.all.precision, stats::Rate { of: 1, n: 4 });
    assert_eq!(result.present.all.recall, stats::Rate { of: 1, n: 2 });
    assert_eq!(result.present.plays["security"].recall, stats::Rate { of: 0, n: 1 });
}

#[test]
fn what_the_rep_did_is_done_again() {
    let mut call = Call::new(PLAYBOOK);
    call.says(5_000, BUYER, "more than we pay but now is not a good time");
    // The second card waits until the first is off the screen: here sooner than by itself.
    call.does(10_000, RepAction::Used { card: CardId(0) });
    let log = call.end(60_000);
    let result = test(&log, PLAYBOOK, PLAYBOOK, None);
    assert_eq!((result.logged.all.cards, result.logged == result.present), (2, true), "{result:?}");
}

/// A call through real ears, in which the buyer objects while the rep speaks.
fn spoken_over() -> Vec<Event> {
    let t = MediaTime::from_ms;
    let rep = (0..4).map(|i| (REP, t(11_000 + i * 1_000), "and so we go on".to_owned()));
    let buyer = (BUYER, t(12_200), "too expensive for us".to_owned());
    let mut call = Call::new(PLAYBOOK);
    let mut session = CallSession::new(SessionSetup {
        settings: SessionSettings::default(),
        playbook: playbook(PLAYBOOK),
        context: Vec::new(),
        deal: Deal::default(),
        ears: crate::testing::scripted_ears(rep.chain([buyer]).collect()),
        semantic: None,
    });
    std::mem::swap(&mut session, &mut call.session);
    call.log.clear();
    call.drain();
    for (id, party, name) in [(REP, Party::Rep, "Rae"), (BUYER, Party::Buyer, "Bo")] {
        let consent = Some(Consent { basis: "test".into(), reference: String::new() });
        call.input(Input::TrackAdded(TrackInfo { id, party, name: name.into(), email: None, consent }));
    }
    for at in (0..20_000).step_by(20) {
        for (track, speech) in [(REP, 10_000..14_000), (BUYER, 11_400..12_400)] {
            let level = if speech.contains(&at) { 1.0 } else { 0.0 };
            call.input(Input::Audio(crate::testing::frame(track, t(at), level)));
        }
    }
    call.end(30_000)
}

#[test]
fn a_card_waits_for_the_rep_as_it_did() {
    let log = spoken_over();
    assert!(log.iter().any(|e| matches!(e.body, EventBody::CardQueued { .. })), "the rep was speaking");
    let result = test(&log, PLAYBOOK, PLAYBOOK, None);
    let lead = |side: &Side| side.all.lead.summary().median_ms.unwrap();
    let (logged, replayed) = (lead(&result.logged), lead(&result.present));
    assert!(logged < -1_500, "it waited: {logged}");
    assert!((logged - replayed).abs() <= 100, "{logged} {replayed}");
}

#[test]
fn rules_about_the_call_fire_again_and_no_key_judges_them() {
    let rule = "[[play]]\nid = \"long\"\nlabel = \"coaching\"\nurgent = true\n[play.when]\nrule = \"monologue\"\nspeaker = \"rep\"\n\
                longer_than_s = 20\n[play.card]\ntitle = \"Long\"\nsay = [\"Ask.\"]\n[[test]]\n";
    let with = PLAYBOOK.replacen("[[test]]\n", rule, 1);
    let mut call = Call::new(&with);
    let log = call.says(5_000, REP, &"and so we go on ".repeat(20)).end(60_000);
    let result = test(&log, PLAYBOOK, &with, Some("title = \"no objection\""));
    assert_eq!(kinds(&result), [(Kind::Appears, "long", 0)]);
    assert_eq!((result.changed.all.cards, result.changed.all.precision.n), (1, 0));
    assert_eq!(result.changed, result.logged);
}

#[test]
fn who_stops_the_coaching_dismisses_no_card() {
    let mut call = Call::new(PLAYBOOK);
    call.says(5_000, BUYER, "it is too expensive for us");
    let log = call.does(9_000, RepAction::SetCoaching { coaching: Coaching::Off }).end(30_000);
    let result = test(&log, PLAYBOOK, PLAYBOOK, None);
    assert_eq!((result.judged_by, result.present.all.cards), (JudgedBy::Nothing, 1));
}

#[test]
fn usage_counts_every_card_once_and_puts_the_worst_first() {
    let mut usage = Usage::default();
    let mut one = Usage::default();
    marked().iter().for_each(|e| one.event(e));
    one.finish();
    usage.add(&one);
    usage.add(&one);
    assert_eq!((usage.calls, usage.length_ms), (2, 300_000));
    let plays = usage.plays();
    assert_eq!(plays.iter().map(|p| p.play.as_str()).collect::<Vec<_>>(), ["price", "timing"]);
    let price = plays[0].counts;
    assert_eq!((price.detected, price.shown, price.used, price.wrong, price.expired), (6, 6, 2, 2, 2));
    assert_eq!((price.dismissed, price.pinned, price.gone), (0, 0, 0));
    assert_eq!((plays[1].counts.pinned, plays[1].counts.dismissed), (2, 2));
    assert_eq!(plays[0].wrong_rate, stats::Rate { of: 2, n: 6 });
}

fn suggestions(log: &[Event]) -> Suggestions {
    let mut suggestions = Suggestions::default();
    log.iter().for_each(|e| suggestions.event(e));
    suggestions.end_call("made");
    suggestions
}

#[test]
fn a_line_is_made_of_a_wrong_card() {
    let suggestions = suggestions(&marked());
    assert_eq!((suggestions.wrong().len(), suggestions.used()), (1, 1));
    let (made, not_made) = suggestions.make(&playbook(PLAYBOOK), None);
    assert!(not_made.is_empty(), "{not_made:?}");
    assert_eq!(made.len(), 1);
    assert_eq!((made[0].play.as_str(), made[0].line.as_str()), ("price", "case are too expensive for us said no"));
    let text = add_never(PLAYBOOK, "price", &[made[0].line.clone()]).unwrap();
    let result = test(&marked(), PLAYBOOK, &text, None);
    // "said no" comes after the card: it is taken back.
    assert_eq!(kinds(&result), [(Kind::TakenBack, "price", 0)]);
    assert_eq!((result.changes[0].worth, result.changes[0].taken_back), (Worth::Wrong, true));
    assert_eq!((result.counts.taken_back, result.counts.same), (1, 3));
}

#[test]
fn no_line_is_made_that_would_hold_back_what_is_right() {
    let mut call = Call::new(PLAYBOOK);
    call.says(5_000, BUYER, "it is too expensive for us");
    call.does(9_000, RepAction::Used { card: CardId(0) });
    call.says(40_000, BUYER, "is too expensive for us");
    call.does(46_000, RepAction::Wrong { card: CardId(1) });
    let log = call.end(60_000);
    let (made, not_made) = suggestions(&log).make(&playbook(PLAYBOOK), None);
    assert!(made.is_empty() && matches!(not_made[0].1, NotMade::BlocksUsed { .. }), "{made:?} {not_made:?}");

    let mut call = Call::new(PLAYBOOK);
    call.says(40_000, BUYER, "it is too expensive for us");
    call.does(46_000, RepAction::Wrong { card: CardId(0) });
    let log = call.end(60_000);
    let (made, not_made) = suggestions(&log).make(&playbook(PLAYBOOK), None);
    assert!(made.is_empty() && matches!(not_made[0].1, NotMade::BreaksTest { .. }), "{made:?} {not_made:?}");

    let without =
        PLAYBOOK.replace("\"too expensive for us\", ", "").replace("it is too expensive for us", "more than we pay");
    let (made, not_made) = suggestions(&log).make(&playbook(&without), None);
    assert!(made.is_empty() && not_made[0].1 == NotMade::Gone, "{made:?} {not_made:?}");
}

#[test]
fn two_cards_of_the_same_words_make_one_line() {
    let mut both = suggestions(&marked());
    marked().iter().for_each(|e| both.event(e));
    both.end_call("again");
    let (made, not_made) = both.make(&playbook(PLAYBOOK), None);
    assert!(not_made.is_empty(), "{not_made:?}");
    assert_eq!((made.len(), made[0].from.len()), (1, 2));
}

#[test]
fn erased_words_bring_no_card_and_no_line() {
    let mut log = marked();
    let mut eraser = crate::event::Eraser::new(BUYER);
    for event in &mut log {
        eraser.event(event);
    }
    let result = test(&log, PLAYBOOK, PLAYBOOK, None);
    assert_eq!(result.present.all.cards, 0);
    let (made, not_made) = suggestions(&log).make(&playbook(PLAYBOOK), None);
    assert!(made.is_empty() && not_made[0].1 == NotMade::NoWords, "{made:?} {not_made:?}");
}

#[test]
fn calls_add_up() {
    let result = test(&marked(), PLAYBOOK, PLAYBOOK, None);
    let mut totals = Totals::default();
    totals.add(&result);
    totals.add(&result);
    assert_eq!((totals.calls, totals.judged_by_marks, totals.judged_by_truth), (2, 2, 0));
    assert_eq!(totals.present.all.cards, 8);
    assert_eq!(totals.per_hour(&totals.present), Some(8.0 * 3_600.0 / 300.0));
    assert_eq!(totals.counts.same, 8);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// A log may be cut anywhere, miss lines and be of another order than it should: never a panic, and always the same.
    #[test]
    fn any_pieces_of_a_log_are_taken(picks in proptest::collection::vec(0usize..200, 0..120)) {
        let log = marked();
        let pieces: Vec<Event> = picks.iter().map(|i| log[i % log.len()].clone()).collect();
        let run = || test(&pieces, PLAYBOOK, &PLAYBOOK.replace("not a good", "a good"), None);
        let first = run();
        prop_assert_eq!(&first, &run());
        let mut usage = Usage::default();
        pieces.iter().for_each(|e| usage.event(e));
        usage.finish();
        drop(suggestions(&pieces).make(&playbook(PLAYBOOK), None));
    }
}
