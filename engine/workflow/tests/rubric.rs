//! Debriefs of made-up calls: scores that quote their words, and what cannot be judged left out.
#![allow(clippy::unwrap_used)]

use reframe_workflow::{
    artifact::{Claim, Evidence},
    handoff::{CallTranscript, Commitment, HeardWord, Note, NoteProposal, Owner, Participant, Turn},
    rubric::{Debrief, Measures, Rubric, debrief, trends},
    verify::{self, Sources},
};

const RUBRIC: &str = include_str!("../../../fixtures/workflow_rules/rubric.toml");

/// A call from lines `rep: words`, at 2.6 words a second with a second between turns.
fn call(lines: &[&str]) -> CallTranscript {
    let mut at = 0;
    let turns = lines.iter().enumerate().map(|(i, line)| {
        let (side, text) = line.split_once(": ").unwrap();
        let words = text.split(' ').map(|w| {
            let from_ms = at;
            at += 385;
            HeardWord { text: w.into(), from_ms, to_ms: from_ms + 300, confidence: 0.9 }
        });
        let turn = Turn { utterance: i as u32 + 1, speaker: usize::from(side == "buyer"), words: words.collect() };
        at += 1_000;
        turn
    });
    CallTranscript {
        call: "c".into(),
        title: "x".into(),
        turns: turns.collect(),
        started_unix_ms: 1_773_327_600_000,
        zone: "America/Chicago".into(),
        deal: None,
        participants: ["rep", "buyer"].map(|s| Participant { name: s.into(), side: s.into(), email: None }).into(),
        objections: vec![],
        cards: vec![],
        notes: vec![],
        missing_ms: 0,
    }
}

fn empty_note() -> NoteProposal {
    NoteProposal {
        call: "c".into(),
        note: Note::default(),
        summary: vec![],
        commitments: vec![],
        objections: vec![],
        absent: vec![],
        risk: None,
        follow_up: None,
        tasks: vec![],
        caveats: vec![],
    }
}

fn promise(call: &CallTranscript, turn: usize, side: &str, due: Option<&str>) -> Commitment {
    let t = &call.turns[turn];
    let what = Claim::new("promised", vec![call.quote(t, 0..t.words.len())], 0.9).unwrap();
    let owner = Owner { side: side.into(), name: None };
    Commitment { what, owner, due: due.map(|d| d.parse().unwrap()), due_words: None, unsure: false }
}

const GOOD: &[&str] = &[
    "rep: thanks for making time what i'd like to cover today is how you plan routes and whether we fit",
    "buyer: sounds good",
    "rep: so how do you plan the routes today",
    "buyer: mostly by hand in a spreadsheet and it takes us two days every week to plan the routes",
    "rep: and who does that",
    "buyer: two of our dispatchers and the biggest problem is they never know which driver is late so we lose customers",
    "rep: okay what happens when a driver is late",
    "buyer: we find out from the customer and last month that cost us about twelve thousand dollars",
    "rep: how many drivers do you have",
    "buyer: about eighty",
    "rep: what would you need to see to decide on this",
    "buyer: it has to work with our telematics and the most important thing is that dispatchers learn it in a day",
    "rep: and who else is in the decision",
    "buyer: our operations director has the final say",
    "rep: so two days every week for planning routes that is a lot let me show you how we do it we help fleets like yours \
     our platform reads the telematics you have and plans the routes every morning and tells dispatch who is late before \
     the customer does",
    "buyer: that looks useful",
    "rep: i'll send you a pilot plan by tuesday",
    "buyer: and i'll get you the volume numbers by friday",
];
const BAD: &[&str] = &[
    "rep: hi there thanks for joining so we are the leading platform and our product has every feature you can think of it \
     plans it tracks it reports it warns and our customers love it and it is the fastest there is and it comes with a mobile \
     app and an interface that wins prizes and there are dashboards for everybody and for every role that a company has and \
     then we also have the module for finance and the module for people and the module for stock and all of these are in \
     one price and that price is the best there is anywhere as far as we know and so on and so forth",
    "buyer: mm hm",
    "rep: and then there is the part for suppliers and the part for drivers and the part for customers and you can have all \
     of them today if you like and it is really the best there is and all our users say that it changed their lives and the \
     lives of everybody around them and more of the same and more of the same and more of the same and more of the same and \
     then the next release has even more and more of the same and more of the same and a lot more of the same and more",
    "buyer: okay we will think about it thank you for the call",
];

fn score(d: &Debrief, id: &str) -> u8 {
    d.scores.iter().find(|s| s.criterion == id).unwrap_or_else(|| panic!("{id}: {:?}", d.not_judged)).score
}

fn judged(lines: &[&str], note: impl Fn(&CallTranscript) -> NoteProposal) -> (CallTranscript, Debrief) {
    let call = call(lines);
    let note = note(&call);
    let debrief = debrief(&call, &note, &Rubric::built_in());
    (call, debrief)
}

fn good_note(call: &CallTranscript) -> NoteProposal {
    let ours = promise(call, 16, "rep", Some("2026-03-17"));
    let theirs = promise(call, 17, "buyer", Some("2026-03-20"));
    NoteProposal { commitments: vec![ours, theirs], ..empty_note() }
}

#[test]
fn a_call_led_well_and_one_led_badly_are_told_apart() {
    let (_, good) = judged(GOOD, good_note);
    let (_, bad) = judged(BAD, |_| empty_note());
    for (id, high, low) in [
        ("agenda", 5, 1),
        ("asked-first", 5, 1),
        ("pain", 5, 1),
        ("criteria", 5, 1),
        ("next-step", 5, 1),
        ("talk-share", 4, 1),
        ("monologue", 5, 5),
    ] {
        assert_eq!((score(&good, id), score(&bad, id)), (high, low), "{id}: {good:#?}");
    }
    assert!((good.judged_share - 1.0).abs() < 1e-9 && (bad.judged_share - 1.0).abs() < 1e-9);
    assert!((good.mean.unwrap() - 4.9).abs() < 1e-9, "{:?}", good.mean);
    let m: &Measures = &good.measures;
    assert_eq!((m.questions.len(), m.questions_before_pitch), (6, 6), "{:#?}", m.questions);
    assert_eq!(m.next_step_day.as_ref().unwrap().0.to_string(), "2026-03-17");
    // A backchannel does not end a stretch.
    assert!(bad.measures.longest_monologue_ms > 70_000, "{}", bad.measures.longest_monologue_ms);
}

#[test]
fn each_score_quotes_words_that_were_said() {
    for (lines, note) in [(GOOD, good_note as fn(&CallTranscript) -> NoteProposal), (BAD, |_| empty_note())] {
        let (call, d) = judged(lines, note);
        assert_eq!(d.scores.len(), 7);
        let calls = [call];
        for s in &d.scores {
            let words = s.because.evidence().iter().all(|e| matches!(e, Evidence::Words { .. }));
            assert!(words, "{}", s.criterion);
            assert_eq!(
                verify::check(&s.because, Sources { calls: &calls, ..Sources::default() }),
                [],
                "{}",
                s.criterion
            );
            assert!(!s.anchor.is_empty());
        }
        let again = debrief(&calls[0], &note(&calls[0]), &Rubric::built_in());
        assert_eq!(again, d);
    }
}

#[test]
fn what_cannot_be_judged_is_left_out_of_the_mean() {
    let rubric = Rubric::built_in();
    let mut gappy = call(BAD);
    gappy.missing_ms = gappy.length_ms();
    let d = debrief(&gappy, &empty_note(), &rubric);
    // Nothing found may have been said in the half that is missing; shares and lengths are off too.
    assert!(d.scores.is_empty() && d.mean.is_none() && d.judged_share == 0.0, "{d:#?}");
    assert!(d.not_judged.iter().all(|n| n.why == "50 % of the sound is missing"), "{:?}", d.not_judged);
    let mut gappy = call(GOOD);
    gappy.missing_ms = gappy.length_ms();
    let d = debrief(&gappy, &good_note(&gappy), &rubric);
    // What was heard was said.
    let left: Vec<_> = d.not_judged.iter().map(|n| n.criterion.as_str()).collect();
    assert_eq!(left, ["talk-share", "monologue"]);
    assert!((d.judged_share - 0.85).abs() < 1e-9 && (d.mean.unwrap() - 5.0).abs() < 1e-9, "{d:#?}");
    let mut muffled = call(BAD);
    muffled.turns.iter_mut().flat_map(|t| &mut t.words).for_each(|w| w.confidence = 0.3);
    assert!(debrief(&muffled, &empty_note(), &rubric).scores.is_empty());
    let silent: Vec<&str> = GOOD.iter().copied().filter(|l| l.starts_with("rep")).collect();
    let d = debrief(&call(&silent), &empty_note(), &rubric);
    assert!(d.not_judged.len() == 7 && d.not_judged[0].why.contains("nothing was heard of the buyer"), "{d:#?}");
    for lines in [&[][..], &["rep: hello", "buyer: hello"]] {
        assert_eq!(debrief(&call(lines), &empty_note(), &rubric).scores, []);
    }
}

#[test]
fn an_unsure_promise_is_no_next_step() {
    let lines = call(GOOD);
    let mut note = good_note(&lines);
    note.commitments.iter_mut().for_each(|c| c.unsure = true);
    assert_eq!(score(&debrief(&lines, &note, &Rubric::built_in()), "next-step"), 1);
    let mut note = good_note(&lines);
    note.commitments.truncate(1);
    assert_eq!(score(&debrief(&lines, &note, &Rubric::built_in()), "next-step"), 3);
    note.commitments[0].due = None;
    assert_eq!(score(&debrief(&lines, &note, &Rubric::built_in()), "next-step"), 2);
}

#[test]
fn what_is_wrong_with_a_rubric_is_named_with_its_line() {
    let line_of = |text: &str, part: &str| 1 + text[..text.find(part).unwrap()].matches('\n').count();
    for (from, to, at, says) in [
        ("weight = 0.10", "weight = 0.15", "id = \"monologue\"", "the weights sum to 1.050"),
        ("weight = 0.10", "weight = -0.10", "id = \"agenda\"", "above 0 and at most 1"),
        ("steps = [1, 2, 4, 6]", "steps = [1, 2, 2, 6]", "id = \"asked-first\"", "write four"),
        ("steps = [1, 2, 4, 6]", "steps = [1, 2, 6]", "id = \"asked-first\"", "write four"),
        ("  \"Pitched without a question.\",\n", "", "id = \"asked-first\"", "write five sentences"),
        ("  \"Pitched without a question.\",", "  \" \",", "id = \"asked-first\"", "write five sentences"),
        ("fail = \"The call", "# fail = \"The call", "id = \"agenda\"", "write a sentence for each"),
        ("pass_at_least = 1\n", "", "id = \"agenda\"", "write one of `pass_at_least`"),
        ("steps = [1, 2, 4, 6]", "steps = [1, 2, 4, 6]\npass = \"x\"", "id = \"asked-first\"", "write either"),
        ("measure = \"agenda\"", "measure = \"agendas\"", "\"agendas\"", "unknown variant `agendas`"),
        ("id = \"pain\"", "id = \"agenda\"", "title = \"Named", "another criterion already"),
        ("weight = 0.10", "wieght = 0.10", "wieght", "unknown field `wieght`"),
        ("manager_after_days = 7", "manager_after_days = 0", "manager_after_days", "the seller sees a debrief first"),
    ] {
        let bad = RUBRIC.replacen(from, to, 1);
        assert_ne!(bad, RUBRIC, "{from}");
        let problems = Rubric::parse("rubric.toml", &bad).unwrap_err();
        let hit = problems.iter().find(|p| p.message.contains(says)).unwrap_or_else(|| panic!("{to}: {problems:#?}"));
        assert!(line_of(&bad, at).abs_diff(hit.line) <= 2, "{to}: line {}", hit.line);
    }
    let whole: Vec<&str> = RUBRIC.split("[[criterion]]").collect();
    for n in [1, 4, 9] {
        let part = whole[0].to_owned()
            + &whole[1..].iter().cycle().take(n).map(|c| format!("[[criterion]]{c}")).collect::<String>();
        let problems = Rubric::parse("rubric.toml", &part).unwrap_err();
        assert!(problems.iter().any(|p| p.message.contains("write 5 to 8")), "{n}: {problems:#?}");
    }
}

#[test]
fn trends_compare_only_what_one_rubric_scored() {
    let (_, good) = judged(GOOD, good_note);
    let (_, bad) = judged(BAD, |_| empty_note());
    let few = trends(&[bad.clone(), good.clone(), bad.clone(), good.clone()]);
    assert!(few.iter().all(|t| t.slope.is_none() && t.says.starts_with("too few")), "{few:?}");
    let rising = trends(&[bad.clone(), bad.clone(), bad.clone(), good.clone(), good.clone(), good.clone()]);
    let pain = rising.iter().find(|t| t.criterion == "pain").unwrap();
    assert!(pain.n == 6 && (pain.mean - 3.0).abs() < 1e-9 && pain.says == "rising", "{pain:?}");
    let older = RUBRIC.replacen("discovery call", "another call", 1);
    let older = Rubric::parse("r", &older).unwrap();
    let call = call(BAD);
    let other = debrief(&call, &empty_note(), &older);
    let mixed = trends(&[other.clone(), other.clone(), other, good.clone(), bad]);
    assert!(mixed.iter().all(|t| t.n == 2), "{mixed:?}");
    assert_eq!(trends(&[]), []);
}
