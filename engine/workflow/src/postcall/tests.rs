//! What the rules make of small calls made for one mechanism each. Thursday 12 March 2026, ten in the morning.

use super::{Settings, run};
use crate::handoff::{CallTranscript, Handling, HeardWord, NoteProposal, ObjectionMoment, Participant, Turn};

/// A call from lines `side name: words`.
pub(super) fn call(lines: &[&str]) -> CallTranscript {
    let mut participants: Vec<Participant> = Vec::new();
    let mut at = 0;
    let turns = lines.iter().enumerate().map(|(n, line)| {
        let (who, words) = line.split_once(": ").unwrap();
        let (side, name) = who.split_once(' ').unwrap();
        let speaker = participants.iter().position(|p| p.name == name).unwrap_or_else(|| {
            participants.push(Participant { name: name.into(), side: side.into(), email: None });
            participants.len() - 1
        });
        let words = words.split(' ').map(|w| {
            at += 400;
            HeardWord { text: w.into(), from_ms: at - 400, to_ms: at, confidence: 0.95 }
        });
        Turn { utterance: u32::try_from(n).unwrap() + 1, speaker, words: words.collect() }
    });
    let turns = turns.collect();
    CallTranscript {
        call: "c".into(),
        title: "A call".into(),
        started_unix_ms: "2026-03-12T15:00:00Z".parse::<jiff::Timestamp>().unwrap().as_millisecond(),
        zone: "America/Chicago".into(),
        deal: None,
        participants,
        turns,
        objections: vec![],
        cards: vec![],
        notes: vec![],
        missing_ms: 0,
    }
}

fn noted(lines: &[&str]) -> NoteProposal {
    run(&call(lines), &Settings::default())
}

/// Owner and day of every commitment: "maya 03-13".
fn promised(lines: &[&str]) -> Vec<String> {
    let note = noted(lines);
    let day = |d: Option<reframe_call::date::Date>| d.map_or("-".to_owned(), |d| d.to_string()[5..].to_owned());
    note.commitments.iter().map(|c| format!("{} {}", c.owner.name.as_deref().unwrap_or("?"), day(c.due))).collect()
}

#[test]
fn a_day_said_elsewhere_binds_where_the_words_tie_it() {
    let cases: &[(&[&str], &[&str])] = &[
        // Pointed to: another promise, the day named last, the next meeting, an event that has a day.
        (
            &[
                "rep maya: i'll send you the security pack by friday",
                "buyer tom: great and the pen test",
                "rep maya: i'll put the pen test in the same email",
            ],
            &["maya 03-13", "maya 03-13"],
        ),
        (
            &[
                "buyer tom: the board meets on the twentieth",
                "rep maya: okay i'll send you the final numbers before that",
            ],
            &["maya 03-20"],
        ),
        (
            &["buyer tom: we see the auditors on the twentieth", "rep maya: i'll email you the export the day before"],
            &["maya 03-19"],
        ),
        (
            &[
                "rep maya: wednesday the eighteenth at ten for the next call",
                "buyer tom: ten works for me",
                "rep maya: and i'll send you the summary before we talk",
            ],
            &["maya 03-18"],
        ),
        (
            &[
                "buyer tom: the steering committee sits on the twenty fourth",
                "rep maya: right",
                "buyer tom: and i want your pricing in the room",
                "rep maya: i'll get you the pricing before the committee",
            ],
            &["maya 03-24"],
        ),
        // Asked for before, and after.
        (&["buyer tom: we'd need the quote by tuesday", "rep maya: sure i'll send the quote over"], &["maya 03-17"]),
        (
            &["rep maya: i'll send you the quote", "buyer tom: when could you have it", "rep maya: say tuesday"],
            &["maya 03-17"],
        ),
        (
            &[
                "rep maya: i'll send you the quote",
                "buyer tom: but before the eighteenth",
                "rep maya: oh yes definitely",
            ],
            &["maya 03-18"],
        ),
        (
            &[
                "rep maya: i'll redo the quote and when's good for that",
                "buyer tom: before next thursday",
                "rep maya: so wednesday the eighteenth",
                "buyer tom: wednesday's good",
            ],
            &["maya 03-18"],
        ),
        (&["rep maya: i'll redo the quote and when's good", "buyer tom: say tuesday"], &["maya 03-17"]),
        // One day for several, and days given when all is gone through again.
        (
            &[
                "rep maya: i'll redo the quote with the new seats",
                "buyer tom: good",
                "rep maya: and i'll draft a letter for your board",
                "buyer tom: lovely",
                "rep maya: both of those by tuesday",
            ],
            &["maya 03-17", "maya 03-17"],
        ),
        (
            &["rep maya: would you send her the forms", "buyer tom: yep", "buyer tom: i'd see her monday"],
            &["tom 03-16"],
        ),
        // Said without a day's name.
        (&["rep maya: okay i'll send you that in the morning"], &["maya 03-13"]),
        (&["rep maya: i'll send it over after this"], &["maya 03-12"]),
        (&["rep maya: i'll send you those by four o'clock"], &["maya 03-12"]),
        // Nobody holds "next week" to its last day; "by the end of next week" is held to it.
        (&["rep maya: i'll send you the form early next week"], &["maya -"]),
        (&["rep maya: i'll send you the form by the end of next week"], &["maya 03-20"]),
        // "The friday" follows the day before it; what is put right is right.
        (
            &["buyer tom: we meet philip on thursday the nineteenth", "buyer tom: and then i'll sign it on the friday"],
            &["tom 03-20"],
        ),
        (
            &["buyer tom: i'll have it read for you by the third", "buyer ann: no it moved it's the tenth of april"],
            &["tom 04-10"],
        ),
    ];
    for (lines, expected) in cases {
        assert_eq!(promised(lines), *expected, "{lines:?}");
    }
}

#[test]
fn no_day_is_given_where_none_belongs_to_the_promise() {
    let cases: &[(&[&str], &[&str])] = &[
        // It waits for something else.
        (
            &["rep maya: we'd need it by thursday the nineteenth", "buyer tom: fine i'll sign it the minute it comes"],
            &["tom -"],
        ),
        // An invitation has the day of the meeting.
        (&["buyer tom: can we do it by tuesday", "rep maya: sure i'll send the invite over"], &["maya -"]),
        // A day that is ruled out.
        (&["rep maya: i'll send you the letter it won't be tomorrow though"], &["maya -"]),
        // Talk of something else in between.
        (
            &[
                "rep maya: i'll send you the quote",
                "buyer tom: we were at the lake on sunday and then the whole week went on like that because of the auditors",
                "rep maya: friday",
            ],
            &["maya -"],
        ),
        // "Today" is not what "before that" points to.
        (&["buyer tom: i'm off today", "rep maya: okay i'll email you the list no later than that"], &["maya -"]),
    ];
    for (lines, expected) in cases {
        assert_eq!(promised(lines), *expected, "{lines:?}");
    }
}

#[test]
fn who_does_it_and_whether_it_binds() {
    let filler =
        "rep viktor: the truck is at the dock and the driver he waits for the paper and the paper is with the office ";
    let talk = filler.to_owned()
        + &"the load goes out in the morning and it comes back at night with the blanket wrap ".repeat(15);
    let without_will = talk.trim_end();
    let cases: &[(&[&str], &[&str])] = &[
        // A pronoun means the one who was named last, also lines before.
        (
            &["rep maya: our mobile lead is anders", "buyer tom: okay", "rep maya: he'll write you up what happened"],
            &["anders -"],
        ),
        (&["rep maya: let me get our settlements team to put the times in writing"], &["settlements team -"]),
        (&["buyer tom: i'll tell yvonne what's coming i see her this afternoon"], &["tom 03-12"]),
        // "And send them over" goes on with what she does.
        (
            &["buyer tom: so priya she'll scan the forms for you and send them over this week", "rep maya: great"],
            &["priya 03-13"],
        ),
        // A verb nobody listed, done for the listener or with a day.
        (&["rep maya: could we get that turned on", "buyer tom: yeah i can flip that for you"], &["tom -"]),
        (&["buyer tom: i'll dig it out on sunday"], &["tom 03-15"]),
        // "Go and see, and tell you" is one promise.
        (
            &["rep maya: i'll put it to our pricing people and i'll come back to you tomorrow either way"],
            &["maya 03-13"],
        ),
        // Present tense binds those who never say "will".
        (&[without_will, "rep viktor: and i bring the agreement printed"], &["viktor -"]),
        (&["rep maya: and i bring the agreement printed"], &[]),
        // Weighed, explained, shown.
        (&["buyer tom: i could put nine in front of council but then they'd laugh", "rep maya: okay sure"], &[]),
        (&["buyer tom: tell me the seats because i'll need to put it in the schedule"], &[]),
        (&["rep maya: you can add a level", "buyer tom: go for it"], &[]),
        (&["buyer tom: i'll tell him"], &[]),
    ];
    for (lines, expected) in cases {
        assert_eq!(promised(lines), *expected, "{lines:?}");
    }
}

#[test]
fn terms_that_the_other_side_takes_are_decisions() {
    let decided = |lines: &[&str]| noted(lines).note.decisions.len();
    for (lines, expected) in [
        (
            &[
                "rep maya: so one year or three years",
                "buyer tom: okay let's say one year then",
                "rep maya: one year that's fine",
            ][..],
            1,
        ),
        (&["buyer tom: then consider it approved for the sandbox only", "rep maya: good thank you"], 1),
        (&["buyer tom: i can live with that twenty four months with a break at twelve", "rep maya: done"], 1),
        // Asked, supposed, talked about.
        (&["rep maya: shall we say one year", "buyer tom: hm"], 0),
        (&["buyer tom: if the price was lower i could live with one year", "rep maya: right"], 0),
        (&["buyer tom: once it's in writing i can live with twenty four months", "rep maya: right"], 0),
        (&["rep maya: let's see what the numbers say about that", "buyer tom: okay"], 0),
    ] {
        assert_eq!(decided(lines), expected, "{lines:?}");
    }
}

#[test]
fn the_next_meeting_is_the_day_that_was_agreed_with_its_time() {
    let note = noted(&[
        "buyer tom: i'd need the paper by thursday the nineteenth",
        "rep maya: thursday the nineteenth yes",
        "rep maya: and we talk again on monday the twenty third at ten",
        "buyer tom: ten's good",
        "rep maya: i'll have all of the rows in there on friday the twentieth",
        "buyer tom: lovely so monday the twenty third at ten",
    ]);
    let [step] = note.note.next_steps.as_slice() else { panic!("{:?}", note.note.next_steps) };
    assert!(step.text().contains("23 March"), "{}", step.text());
    assert!(step.evidence().len() > 1, "proposed and said again: {:?}", step.evidence());
}

#[test]
fn an_answer_that_is_to_come_has_handled_nothing() {
    let handling = |lines: &[&str]| {
        let mut call = call(lines);
        let words = &call.turns[0].words;
        let (from_ms, to_ms) = (words[0].from_ms, words[words.len() - 1].to_ms);
        call.objections =
            vec![ObjectionMoment { seq: 0, label: "contract".into(), score: 0.9, utterance: 1, from_ms, to_ms }];
        run(&call, &Settings::default()).objections[0].handling
    };
    for (answer, reaction, expected) in [
        (
            "rep maya: you get your data back as a plain file on any day",
            "buyer tom: okay that makes sense",
            Handling::Handled,
        ),
        ("rep maya: i'd have to check with legal what the notice is", "buyer tom: okay thank you", Handling::Answered),
        ("rep maya: let me find out and come back to you", "buyer tom: that's good", Handling::Answered),
        ("rep maya: it is thirty days and it is in the agreement", "buyer tom: oh", Handling::Answered),
    ] {
        assert_eq!(
            handling(&["buyer tom: and what if your company shuts down", answer, reaction]),
            expected,
            "{answer}"
        );
    }
}

#[test]
fn names_in_no_list_are_learnt_from_how_they_are_used() {
    let absent = |lines: &[&str]| -> Vec<String> { noted(lines).absent.iter().map(|c| c.text().to_owned()).collect() };
    // Twice, and told something: a person. A thing is used.
    let found = absent(&[
        "buyer tom: you'd better tell zorvath",
        "rep maya: is zorvath in on the budget",
        "buyer tom: yes zorvath signs it",
    ]);
    assert_eq!(found, ["Zorvath"]);
    let none = absent(&[
        "buyer tom: we use zorvath for the payments",
        "rep maya: ask zorvath for the export",
        "buyer tom: the zorvath export",
    ]);
    assert_eq!(none, Vec::<String>::new());
    let role = absent(&["buyer tom: our information security officer has to approve it"]);
    assert_eq!(role, ["information security officer"]);
    assert_eq!(absent(&["buyer tom: the city manager can sign it under twenty five"]).len(), 1);
}
