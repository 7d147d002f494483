//! A made-up deal for tests: records, three calls, a mail, news and a playbook.

use reframe_call::playbook::{self, Playbook};
use reframe_workflow::{
    handoff::{CallTranscript, HeardWord, Meeting, NoteProposal, Participant, Turn},
    hygiene::{CallDigest, DealView},
    postcall,
    system::{Record, RecordKind, RecordRef},
};

use crate::brief::Item;

pub const READ: i64 = 1_776_600_000_000;

pub fn record(kind: RecordKind, id: &str, fields: &[(&str, &str)]) -> Record {
    Record {
        at: RecordRef { system: "local".into(), kind, id: id.into() },
        version: "1".into(),
        updated_unix_ms: READ,
        fields: fields.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        linked: Vec::new(),
        history: Default::default(),
    }
}

pub fn deal() -> Record {
    record(
        RecordKind::Deal,
        "d1",
        &[("name", "Harbor rollout"), ("stage", "proposal"), ("amount", "80000"), ("competitor", "Quillstone")],
    )
}

pub fn company() -> Record {
    record(RecordKind::Company, "o1", &[("name", "Harbor Logistics"), ("industry", "Logistics"), ("employees", "400")])
}

pub fn contact(id: &str, name: &str, role: &str, email: &str) -> Record {
    record(RecordKind::Contact, id, &[("name", name), ("role", role), ("email", email)])
}

pub fn call(name: &str, started_unix_ms: i64, lines: &[(usize, &str)]) -> CallTranscript {
    let mut at = 0;
    let turns = lines.iter().enumerate().map(|(n, (speaker, text))| {
        let words = text.split(' ').map(|w| {
            at += 300;
            HeardWord { text: w.into(), from_ms: at - 300, to_ms: at - 20, confidence: 0.95 }
        });
        let words = words.collect();
        at += 500;
        Turn { utterance: u32::try_from(n).unwrap(), speaker: *speaker, words }
    });
    let turns = turns.collect();
    let who = |name: &str, side: &str| Participant { name: name.into(), side: side.into(), email: None };
    CallTranscript {
        call: name.into(),
        title: format!("Call {name}"),
        started_unix_ms,
        zone: "Europe/Berlin".into(),
        deal: Some(deal().at),
        participants: vec![who("sam", "rep"), who("dana", "buyer")],
        turns,
        objections: Vec::new(),
        cards: Vec::new(),
        notes: Vec::new(),
        missing_ms: 0,
    }
}

/// Three calls: 2 March, 16 March and 13 April 2026, in the morning.
pub fn calls() -> Vec<CallTranscript> {
    vec![
        call(
            "c1",
            1_772_442_000_000,
            &[
                (0, "what made you look at this now"),
                (1, "we are losing two days a week on the night shift because everything is in spreadsheets"),
                (0, "and is there a budget for it"),
                (1, "we've got eighty thousand set aside in the budget for this project"),
                (0, "great i'll send you the security questionnaire by thursday"),
                (1, "good and our cfo priya has to see the numbers too"),
            ],
        ),
        call(
            "c2",
            1_773_651_600_000,
            &[
                (0, "did you get it"),
                (1, "yes i got the security questionnaire thank you our people are on it"),
                (1, "honestly that's too expensive for us as it stands"),
                (0, "i hear you compared to what"),
                (1, "compared to what we pay today"),
                (0, "let's talk about that next week then"),
            ],
        ),
        call(
            "c3",
            1_776_067_200_000,
            &[
                (0, "so where do we stand with the budget"),
                (1, "well they cut the budget so we've got fifty thousand for it now"),
                (0, "okay i'll send you a smaller proposal by friday"),
                (1, "please do and i'll talk to priya on monday"),
            ],
        ),
    ]
}

pub fn note(call: &CallTranscript) -> NoteProposal {
    postcall::run(call, &postcall::Settings::default())
}

pub fn view(calls: &[CallTranscript], notes: &[NoteProposal], contacts: &[Record]) -> DealView {
    DealView {
        deal: deal(),
        read_unix_ms: READ,
        contacts: contacts.to_vec(),
        notes: Vec::new(),
        tasks: vec![record(
            RecordKind::Task,
            "t1",
            &[("subject", "Legal wants changes to the liability clause"), ("due", "2026-05-30")],
        )],
        calls: calls.iter().zip(notes).map(|(c, n)| CallDigest::of(c, n)).collect(),
        buyer_activity: Vec::new(),
        stages: Vec::new(),
        close_dates: Vec::new(),
    }
}

pub fn meeting() -> Meeting {
    Meeting {
        event: "m1".into(),
        title: "Harbor: proposal".into(),
        start_unix_ms: READ + 3_600_000,
        end_unix_ms: READ + 5_400_000,
        invited: vec!["dana@buyer.example".into(), "sam@larkspan.example".into(), "new@buyer.example".into()],
        organizer: Some("sam@larkspan.example".into()),
        ..Meeting::default()
    }
}

pub fn mails() -> Vec<Item> {
    vec![Item {
        item: "mail/1".into(),
        at_unix_ms: READ - 86_400_000,
        url: None,
        from: "dana@buyer.example".into(),
        text: "Hi Sam,\nwe still need an answer on the liability clause before Friday.\nDana".into(),
    }]
}

pub fn signals() -> Vec<Item> {
    vec![Item {
        item: "signal/1".into(),
        at_unix_ms: READ - 3 * 86_400_000,
        url: Some("https://news.example/harbor".into()),
        from: String::new(),
        text: "Harbor Logistics opens a second terminal in Tessenow this summer.".into(),
    }]
}

pub fn playbook() -> Playbook {
    let text = "version = 1\nname = \"x\"\n[vocabulary]\nproducts = [\"larkspan\"]\ncompetitors = [\"quillstone\"]\npeople = []\n[[play]]\nid = \"price_high\"\nlabel = \"price\"\npriority = 80\nphrases = [\"too expensive for us\"]\n[play.card]\ntitle = \"Too expensive\"\nsay = [\"Fair. Compared to what?\"]\nask = \"What does a lost day cost you?\"\n[play.card.proof]\ntext = \"Two terminals saved six hours a week.\"\nsource = \"sample data\"\n";
    let (playbook, problems) = playbook::parse("x", text);
    playbook.unwrap_or_else(|| panic!("{problems:?}"))
}
