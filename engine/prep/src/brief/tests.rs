//! The brief of a made-up deal: parts, evidence, limits, and what is gone when its source is.

use jiff::Zoned;
use reframe_workflow::{
    handoff::NoteProposal,
    hygiene::Rules,
    verify::{Sources, check_all},
};

use super::*;
use crate::{objections::PastCall, sample};

struct World {
    calls: Vec<CallTranscript>,
    notes: Vec<NoteProposal>,
    contacts: Vec<Record>,
    company: Record,
    view: DealView,
    mails: Vec<Item>,
    signals: Vec<Item>,
    rules: Rules,
    playbook: Playbook,
    history: History,
    meeting: Meeting,
}

fn world() -> World {
    let calls = sample::calls();
    let notes: Vec<NoteProposal> = calls.iter().map(sample::note).collect();
    let contacts = vec![
        sample::contact("p1", "Dana Whitlock", "champion", "dana@buyer.example"),
        sample::contact("p2", "Lee Ortega", "economic_buyer", "lee@buyer.example"),
    ];
    let past = PastCall {
        call: "h1".into(),
        deal: "x".into(),
        stage: "proposal".into(),
        segment: "smb".into(),
        industry: "logistics".into(),
        objections: vec!["price".into(), "contract".into()],
        answered_with: vec![],
    };
    World {
        view: sample::view(&calls, &notes, &contacts),
        notes,
        calls,
        contacts,
        company: sample::company(),
        mails: sample::mails(),
        signals: sample::signals(),
        rules: Rules::built_in(),
        playbook: sample::playbook(),
        history: History::of(&vec![past; 12]),
        meeting: sample::meeting(),
    }
}

impl World {
    fn input(&self) -> Input<'_> {
        Input {
            meeting: &self.meeting,
            deal: Some(&self.view),
            company: Some(&self.company),
            contacts: &self.contacts,
            read_unix_ms: sample::READ,
            calls: &self.calls,
            notes: &self.notes,
            mails: &self.mails,
            signals: &self.signals,
            rules: Some(&self.rules),
            playbook: Some(&self.playbook),
            playbook_unix_ms: sample::READ,
            history: &self.history,
            segment: "smb",
        }
    }
}

fn now() -> Zoned {
    "2026-04-19T15:00[Europe/Berlin]".parse().unwrap()
}

fn part<'a>(brief: &'a Brief, name: &str) -> &'a [Claim] {
    &brief.parts.iter().find(|(part, _)| part == name).unwrap().1
}

fn all(brief: &Brief) -> Vec<&Claim> {
    let own = brief.parts.iter().flat_map(|(_, claims)| claims);
    own.chain(brief.objections.iter().map(|o| &o.because)).chain(brief.questions.iter().map(|q| &q.ask)).collect()
}

#[test]
fn seven_parts_each_line_with_evidence_that_holds() {
    let w = world();
    let brief = make(w.input(), &now());
    assert_eq!(brief.parts.iter().map(|(n, _)| n.as_str()).collect::<Vec<_>>(), PARTS);
    assert!(brief.parts.iter().all(|(_, claims)| !claims.is_empty()), "{:?}", brief.empty);
    assert_eq!(brief.empty, []);
    let records: Vec<Record> =
        std::iter::once(&w.view.deal).chain(&w.contacts).chain(&w.view.tasks).chain([&w.company]).cloned().collect();
    let items = sources(w.input(), &brief);
    let broken =
        check_all(&all(&brief), Sources { calls: &w.calls, records: &records, items: &items, ..Sources::default() });
    assert_eq!(broken, []);
    let n = words(&brief);
    assert!((150..=TARGET_WORDS + 150).contains(&n), "{n} words");
    assert_eq!(brief, make(w.input(), &now()), "the same input gives the same brief");
    // What the parts are about.
    assert!(part(&brief, "account")[0].text().contains("Harbor Logistics"));
    assert!(part(&brief, "account").iter().any(|c| c.text().contains("second terminal")));
    assert!(part(&brief, "contact").iter().any(|c| c.text().contains("Dana Whitlock")));
    assert!(part(&brief, "contact").iter().any(|c| c.text().contains("new@buyer.example is invited")));
    assert!(part(&brief, "contact").iter().any(|c| c.text().starts_with("Not invited: Lee Ortega")));
    let prior = part(&brief, "prior conversation");
    assert!(
        prior.iter().any(|c| c.text().contains("eighty thousand") && c.text().contains("fifty thousand")),
        "{prior:#?}"
    );
    let first = &part(&brief, "likely objections")[0];
    assert!(first.text().starts_with("price") && first.text().contains("Compared to what?"), "{}", first.text());
    assert_eq!(brief.objections[0].play.as_deref(), Some("price_high"));
    assert!(brief.questions.iter().all(|q| !q.gap.is_empty()));
    let gaps: Vec<&str> = brief.questions.iter().map(|q| q.gap.as_str()).collect();
    assert!(gaps.iter().any(|g| g.starts_with("exit/")) && gaps.contains(&"contradiction/budget"), "{gaps:?}");
    assert!(gaps.contains(&"invited/new@buyer.example"), "{gaps:?}");
    let arm = brief.arm.as_ref().unwrap();
    assert!(
        ["dana", "harbor logistics", "quillstone", "larkspan"].iter().all(|n| arm.context.contains(&(*n).to_owned())),
        "{arm:?}"
    );
    assert_eq!(arm.plays[0], "price_high");
}

#[test]
fn what_rests_on_a_source_goes_with_it() {
    let whole = make(world().input(), &now());
    let cites = |brief: &Brief, fits: &dyn Fn(&Evidence) -> bool| -> Vec<String> {
        all(brief).iter().filter(|c| c.evidence().iter().any(fits)).map(|c| c.text().to_owned()).collect()
    };
    type Without = (&'static str, Box<dyn Fn(&mut World)>, Box<dyn Fn(&Evidence) -> bool>);
    let source =
        |kind: &'static str| move |e: &Evidence| matches!(e, Evidence::Source { item, .. } if item.starts_with(kind));
    let of_record = |kind: reframe_workflow::system::RecordKind| move |e: &Evidence| matches!(e, Evidence::Field { record, .. } if record.kind == kind);
    let cases: Vec<Without> = vec![
        ("mails", Box::new(|w| w.mails.clear()), Box::new(source("mail/"))),
        ("signals", Box::new(|w| w.signals.clear()), Box::new(source("signal/"))),
        (
            "company",
            Box::new(|w| w.company.fields.clear()),
            Box::new(of_record(reframe_workflow::system::RecordKind::Company)),
        ),
        (
            "contacts",
            Box::new(|w| {
                w.contacts.clear();
                w.view.contacts.clear();
            }),
            Box::new(of_record(reframe_workflow::system::RecordKind::Contact)),
        ),
        ("history", Box::new(|w| w.history = History::default()), Box::new(source("history/"))),
        (
            "playbook",
            Box::new(|w| {
                w.playbook.plays.clear();
                w.playbook.hash = "another".into();
            }),
            Box::new(source("play/")),
        ),
        (
            "call c3",
            Box::new(|w| {
                w.calls.retain(|c| c.call != "c3");
                w.notes.retain(|n| n.call != "c3");
                w.view.calls.retain(|c| c.call != "c3");
            }),
            Box::new(|e| matches!(e, Evidence::Words { call, .. } if call == "c3")),
        ),
    ];
    for (name, take, fits) in cases {
        let before = cites(&whole, &*fits);
        assert!(!before.is_empty(), "{name} is cited by nothing");
        let mut w = world();
        take(&mut w);
        let brief = make(w.input(), &now());
        assert_eq!(cites(&brief, &*fits), Vec::<String>::new(), "{name}");
        assert_ne!(brief.facts, whole.facts, "{name} is no part of the digest");
        // What rested on it alone is said no more.
        let alone = all(&whole).into_iter().filter(|c| c.evidence().iter().all(&*fits)).map(|c| c.text().to_owned());
        for text in alone {
            assert!(all(&brief).iter().all(|c| c.text() != text), "{name}: {text}");
        }
    }
}

#[test]
fn an_empty_part_says_what_would_fill_it() {
    let meeting = Meeting { event: "m".into(), ..Meeting::default() };
    let history = History::default();
    let input = Input {
        meeting: &meeting,
        deal: None,
        company: None,
        contacts: &[],
        read_unix_ms: 0,
        calls: &[],
        notes: &[],
        mails: &[],
        signals: &[],
        rules: None,
        playbook: None,
        playbook_unix_ms: 0,
        history: &history,
        segment: "",
    };
    let brief = make(input, &now());
    assert_eq!(brief.empty.iter().map(|(n, _)| n.as_str()).collect::<Vec<_>>(), PARTS);
    let text = markdown(&brief, &now());
    assert_eq!(text.matches("Nothing found. What would fill this: ").count(), 7, "{text}");
    assert!(words(&brief) < TARGET_WORDS);
}

#[test]
fn a_brief_is_never_too_long() {
    let mut w = world();
    let long = "word ".repeat(300);
    w.company.fields.insert("name".into(), long.clone());
    w.view.deal.fields.insert("name".into(), long.clone());
    for n in 0..60 {
        w.contacts.push(sample::contact(
            &format!("x{n}"),
            &format!("{long}{n}"),
            "economic_buyer",
            &format!("x{n}@b.example"),
        ));
        w.meeting.invited.push(format!("y{n}@b.example"));
        w.signals.push(Item { item: format!("signal/x{n}"), text: long.clone(), ..Item::default() });
    }
    let brief = make(w.input(), &now());
    assert!(words(&brief) <= MAX_WORDS, "{}", words(&brief));
    // And by the cut alone, whatever the parts would let pass.
    let mut fat = brief.clone();
    for (_, claims) in &mut fat.parts {
        let line = claims[0].reworded("ten words in a line that is ten words long");
        claims.extend(vec![line; 40]);
    }
    assert!(words(&fat) > MAX_WORDS);
    shorten(&mut fat, MAX_WORDS);
    assert!(words(&fat) <= MAX_WORDS && fat.parts.iter().all(|(_, c)| !c.is_empty()));
}

#[test]
fn markdown_and_json_carry_the_evidence_and_no_markup_of_others() {
    let mut w = world();
    w.signals[0].text = "Harbor <img src=x> [click](https://evil.example) opens a terminal".into();
    let brief = make(w.input(), &now());
    let text = markdown(&brief, &now());
    assert!(text.contains("## Evidence") && text.contains("## Likely objections"));
    assert!(!text.contains(" <img") && !text.contains("[click]("), "{text}");
    let back: Brief = serde_json::from_slice(&json(&brief)).unwrap();
    assert_eq!(back.parts, brief.parts);
    assert_eq!(facts(w.input()), brief.facts);
}

#[test]
fn questions_that_were_asked_come_later() {
    let w = world();
    let brief = make(w.input(), &now());
    let first = brief.questions[0].clone();
    let mut calls = w.calls.clone();
    let asked: Vec<String> = crate::wording::plain_words(first.ask.text());
    calls.push(sample::call("c4", sample::READ - 1, &[(0, asked.join(" ").as_str())]));
    let gaps = work(w.input(), &now()).gaps;
    let again = questions::aimed(&gaps, &calls);
    assert_eq!(again.len(), brief.questions.len());
    assert_ne!(again[0].gap, first.gap);
    assert!(again.iter().any(|q| q.gap == first.gap));
}
