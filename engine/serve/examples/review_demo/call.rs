//! An invented call with everything a review can have: note, tasks, field changes, follow-up; and a night's finding.

use reframe_call::date::Date;
use reframe_serve::review::Batch;
use reframe_workflow::{
    artifact::{ArtifactId, Claim, Evidence},
    gate::{Action, Mail, Proposal, Seen},
    handoff::{
        CallTranscript, Commitment, FollowUp, Handling, HeardWord, Note, NoteProposal, ObjectionRaised, Owner,
        Participant, Risk, TaskProposal, Turn,
    },
    system::{RecordKind, RecordRef},
};

/// Name of the call.
pub const CALL: &str = "call-7";
/// When it began: 27 November 2026, 15:00 in Berlin.
const STARTED_UNIX_MS: i64 = 1_795_788_000_000;
/// Length of a spoken word, in ms.
const WORD_MS: u64 = 310;

/// Who speaks (0 rep, 1 Dana, 2 Priya), and the words; `~` before a word: it was heard badly.
const TALK: [(usize, &str); 22] = [
    (0, "thanks for making the time dana and priya good to see you both"),
    (1, "yeah of course so we have been through the proposal with the team"),
    (0, "great what stood out"),
    (1, "the coaching part is what people liked we want to start with the emea team first"),
    (2, "from my side i need to know where the recordings are kept our security team will ask"),
    (0, "they stay in frankfurt i will send you the security pack by wednesday"),
    (2, "ok and the penetration test report too please"),
    (0, "sure that is part of it"),
    (1, "the thing is it is honestly just too expensive for forty seats right now"),
    (0, "i hear you what are you comparing it with"),
    (1, "well we budgeted about ~thirty ~two thousand for the year"),
    (0, "if we start with the emea team that is eighteen seats which fits in there and we grow from that"),
    (1, "that could work yes let me put that to marcus he signs everything above twenty"),
    (0, "would it help if i joined that conversation"),
    (1, "maybe let me talk to him first i will get back to you on friday with his answer"),
    (0, "perfect when would you want to be live"),
    (1, "realistically the kickoff has to be before the eleventh of january or we lose the quarter"),
    (2, "and legal needs the data processing agreement two weeks before that"),
    (0, "then i send the agreement tomorrow together with the offer for eighteen seats"),
    (1, "good so we decided emea first eighteen seats that is the plan"),
    (0, "shall we put a call in for next thursday at ten"),
    (1, "thursday at ten works send the invite thanks everyone"),
];

fn deal() -> RecordRef {
    RecordRef { system: "local".into(), kind: RecordKind::Deal, id: "northwind-42".into() }
}

/// What was said.
#[must_use]
pub fn transcript() -> CallTranscript {
    let mut at = 41_000;
    let turns = TALK.iter().zip(0..).map(|((speaker, text), utterance)| {
        let words = text.split(' ').map(|word| {
            let from_ms = at;
            at += WORD_MS;
            let confidence = if word.starts_with('~') { 0.42 } else { 0.94 };
            HeardWord { text: word.trim_start_matches('~').into(), from_ms, to_ms: from_ms + WORD_MS - 30, confidence }
        });
        let turn = Turn { utterance, speaker: *speaker, words: words.collect() };
        at += 1_400;
        turn
    });
    let turns = turns.collect();
    let person = |name: &str, side: &str| Participant { name: name.into(), side: side.into(), email: None };
    CallTranscript {
        call: CALL.into(),
        title: "Northwind, second call".into(),
        started_unix_ms: STARTED_UNIX_MS,
        zone: "Europe/Berlin".into(),
        deal: Some(deal()),
        participants: vec![
            person("Rae Linden", "rep"),
            person("Dana Whitfield", "buyer"),
            person("Priya Raman", "buyer"),
        ],
        turns,
        objections: vec![],
        cards: vec![],
        notes: vec![],
        missing_ms: 0,
    }
}

/// The words of turn `utterance` that read `quote`.
fn said(utterance: u32, quote: &str) -> Evidence {
    let call = transcript();
    let turn = &call.turns[utterance as usize];
    let n = quote.split(' ').count();
    let from = (0..=turn.words.len() - n)
        .find(|&i| turn.words[i..i + n].iter().map(|w| w.text.as_str()).eq(quote.split(' ')))
        .expect("the quote is in the turn");
    call.quote(turn, from..from + n)
}

fn claim(text: &str, evidence: &[(u32, &str)], confidence: f32) -> Claim {
    let evidence = evidence.iter().map(|(turn, quote)| said(*turn, quote)).collect();
    Claim::new(text, evidence, confidence).expect("each has its words")
}

fn day(year: u16, month: u8, of_month: u8) -> Option<Date> {
    Date::new(year, month, of_month)
}

fn owner(side: &str, name: &str) -> Owner {
    Owner { side: side.into(), name: Some(name.into()) }
}

/// What the call left to write down.
#[must_use]
pub fn note() -> NoteProposal {
    let commitment = |text, evidence: &[(u32, &str)], who, due, due_words: &str, unsure| Commitment {
        what: claim(text, evidence, if unsure { 0.55 } else { 0.9 }),
        owner: who,
        due,
        due_words: Some(due_words.into()),
        unsure,
    };
    NoteProposal {
        call: CALL.into(),
        note: Note {
            headline: Some(claim(
                "Northwind starts with the EMEA team: 18 seats, kickoff before 11 January, if Marcus agrees.",
                &[(19, "we decided emea first eighteen seats"), (16, "before the eleventh of january")],
                0.92,
            )),
            topics: vec![
                claim("Price for 40 seats", &[(8, "too expensive for forty seats")], 0.9),
                claim("Where recordings are kept", &[(4, "where the recordings are kept")], 0.9),
                claim("Coaching", &[(3, "the coaching part is what people liked")], 0.85),
            ],
            decisions: vec![claim("EMEA first, 18 seats", &[(19, "we decided emea first eighteen seats")], 0.93)],
            next_steps: vec![claim(
                "Call on Thursday, 3 December, 10:00",
                &[(20, "next thursday at ten"), (21, "thursday at ten works")],
                0.95,
            )],
            fields: vec![(
                "budget".into(),
                claim("about 32,000 a year", &[(10, "budgeted about thirty two thousand for the year")], 0.42),
            )],
        },
        summary: vec![
            claim("Dana’s team liked the coaching part.", &[(3, "the coaching part is what people liked")], 0.85),
            claim(
                "Forty seats are too expensive this year; they will start with 18 in EMEA.",
                &[(8, "too expensive for forty seats"), (19, "emea first eighteen seats")],
                0.9,
            ),
            claim("Priya needs the security pack.", &[(4, "our security team will ask")], 0.9),
        ],
        commitments: vec![
            commitment(
                "Send the security pack with the penetration test report",
                &[(5, "i will send you the security pack by wednesday"), (6, "the penetration test report too")],
                owner("rep", "Rae Linden"),
                day(2026, 12, 2),
                "by wednesday",
                false,
            ),
            commitment(
                "Send the agreement and the offer for 18 seats",
                &[(18, "i send the agreement tomorrow together with the offer for eighteen seats")],
                owner("rep", "Rae Linden"),
                day(2026, 11, 28),
                "tomorrow",
                false,
            ),
            commitment(
                "Answer from Marcus",
                &[(14, "i will get back to you on friday with his answer")],
                owner("buyer", "Dana Whitfield"),
                day(2026, 12, 4),
                "on friday",
                true,
            ),
        ],
        objections: vec![ObjectionRaised {
            label: "price".into(),
            raised: claim("Too expensive for 40 seats", &[(8, "honestly just too expensive for forty seats")], 0.93),
            handling: Handling::Handled,
            answer: Some(claim(
                "Start with 18 seats; Dana: “that could work”",
                &[(11, "eighteen seats which fits in there"), (12, "that could work yes")],
                0.8,
            )),
        }],
        absent: vec![claim(
            "Marcus, signs everything above 20,000",
            &[(12, "marcus he signs everything above twenty")],
            0.75,
        )],
        risk: Some(Risk {
            level: 3,
            because: claim(
                "The person who signs was not on the call, and no meeting with him is set.",
                &[(12, "marcus he signs everything"), (14, "let me talk to him first")],
                0.7,
            ),
        }),
        follow_up: Some(FollowUp { subject: follow_up().subject, body: follow_up().body, claims: vec![] }),
        tasks: vec![TaskProposal {
            what: claim("Send the security pack", &[(5, "i will send you the security pack")], 0.9),
            due: day(2026, 12, 2),
        }],
        caveats: vec!["The budget was heard badly: listen again before it is used.".into()],
    }
}

fn follow_up() -> Mail {
    Mail {
        message_id: "<rf-call-7-follow-up@example.com>".into(),
        to: vec!["dana@northwind.example".into()],
        cc: vec!["priya@northwind.example".into()],
        subject: "EMEA first: what we agreed".into(),
        body: "Hi Dana, hi Priya,\n\nthank you for today. We agreed to start with the EMEA team, 18 seats, with the \
               kickoff before 11 January.\n\nFrom me: the data processing agreement and the offer for 18 seats \
               tomorrow, and the security pack with the penetration test report by Wednesday.\n\nFrom you: Marcus’s \
               answer on Friday. We speak on Thursday at 10:00; the invitation is on its way.\n\nBest,\nRae"
            .into(),
        in_reply_to: None,
        thread: None,
        unsubscribe: None,
    }
}

const NOTE_BODY: &str = "Northwind starts with the EMEA team: 18 seats, kickoff before 11 January, if Marcus agrees.\n\n\
    Next: call on Thursday 3 December, 10:00.\n\
    We owe: agreement and offer for 18 seats (28 Nov); security pack with penetration test report (2 Dec).\n\
    They owe: answer from Marcus (4 Dec).\n\
    Objection: price for 40 seats; answered with 18 seats, accepted.\n\
    Not there: Marcus, signs everything above 20,000.";

/// What is proposed after the call: note, three tasks, two field changes, a follow-up.
#[must_use]
pub fn proposals() -> Vec<Proposal> {
    let from = ArtifactId::of("note_proposal", CALL.as_bytes());
    let made = STARTED_UNIX_MS + 2_700_000;
    let seen = || Some(Seen { version: "v17".into(), at_unix_ms: made });
    let propose =
        |system: &str, action, seen, because| Proposal::new(system, action, seen, because, from.clone(), CALL, made);
    let task = |subject: &str, body: &str, due, owner: &str| Action::CreateTask {
        about: deal(),
        subject: subject.into(),
        body: body.into(),
        due,
        owner: Some(owner.into()),
    };
    let field = |field: &str, before: Option<&str>, after: &str| Action::UpdateField {
        record: deal(),
        field: field.into(),
        before: before.map(Into::into),
        after: Some(after.into()),
    };
    vec![
        propose(
            "local",
            Action::CreateNote { about: deal(), body: NOTE_BODY.into(), at_unix_ms: STARTED_UNIX_MS },
            None,
            claim("What the call came to", &[(19, "we decided emea first eighteen seats that is the plan")], 0.92),
        ),
        propose(
            "local",
            task("Send the agreement and the offer for 18 seats", "", day(2026, 11, 28), "rae@reframe.example"),
            None,
            claim(
                "You said you would",
                &[(18, "i send the agreement tomorrow together with the offer for eighteen seats")],
                0.93,
            ),
        ),
        propose(
            "local",
            task(
                "Send the security pack",
                "With the penetration test report.",
                day(2026, 12, 2),
                "rae@reframe.example",
            ),
            None,
            claim("You said you would", &[(5, "i will send you the security pack by wednesday")], 0.94),
        ),
        propose(
            "local",
            task("Ask Dana for the answer from Marcus", "", day(2026, 12, 4), "rae@reframe.example"),
            None,
            claim("Dana said she would", &[(14, "i will get back to you on friday with his answer")], 0.55),
        ),
        propose(
            "local",
            field("stage", Some("discovery"), "proposal"),
            seen(),
            claim(
                "They asked for an offer and named who signs",
                &[(12, "let me put that to marcus he signs everything above twenty"), (19, "that is the plan")],
                0.81,
            ),
        ),
        propose(
            "local",
            field("close_date", Some("2026-12-18"), "2027-01-08"),
            seen(),
            claim(
                "The kickoff has to be before 11 January",
                &[(16, "the kickoff has to be before the eleventh of january")],
                0.58,
            ),
        ),
        propose(
            "gmail",
            Action::CreateDraft { mail: follow_up() },
            None,
            claim(
                "Recap of what both sides said they would do",
                &[(19, "good so we decided emea first"), (21, "send the invite")],
                0.88,
            ),
        ),
    ]
}

/// The call as a batch.
#[must_use]
pub fn batch() -> Batch {
    Batch {
        batch: CALL.into(),
        title: "Northwind, second call".into(),
        call: Some(CALL.into()),
        at_unix_ms: STARTED_UNIX_MS,
        waiting: 0,
        total: 0,
    }
}

/// What a night's review of the pipeline found.
#[must_use]
pub fn night() -> (Batch, Vec<Proposal>) {
    let name = "night 2026-11-27";
    let made = STARTED_UNIX_MS - 43_200_000;
    let from = ArtifactId::of("field_proposal", name.as_bytes());
    let find = |id: &str, field: &str, value: &str, after: &str, why: &str, confidence| {
        let record = RecordRef { id: id.into(), ..deal() };
        let read = |field: &str, value: &str| Evidence::Field {
            record: record.clone(),
            field: field.into(),
            value: Some(value.into()),
            read_unix_ms: made,
        };
        let because = Claim::new(why, vec![read(field, value), read("last_activity", "2026-09-30")], confidence);
        let action = Action::UpdateField {
            record: record.clone(),
            field: field.into(),
            before: Some(value.into()),
            after: Some(after.into()),
        };
        let seen = Some(Seen { version: "v3".into(), at_unix_ms: made });
        Proposal::new("local", action, seen, because.expect("it has its fields"), from.clone(), name, made)
    };
    let batch = Batch {
        batch: name.into(),
        title: "Nightly review".into(),
        call: None,
        at_unix_ms: made,
        waiting: 0,
        total: 0,
    };
    let found = vec![
        find(
            "harbor-7",
            "stage",
            "negotiation",
            "discovery",
            "No meeting with a buyer in 58 days; deals won here had one every 12",
            0.77,
        ),
        find(
            "lumen-3",
            "close_date",
            "2026-11-20",
            "2027-01-29",
            "The close date has passed, and no step is planned",
            0.9,
        ),
    ];
    (batch, found)
}
