//! From a signal to a proposal: nothing without a reason, the same input the same words, nothing round the linter.
#![allow(clippy::unwrap_used)]

use reframe_outreach::{
    draft::{Card, CopyError, NoDraft, Pain, Request, draft},
    facts::{Fact, FactSheet, Found, SourceClass},
    lint::{BadEdit, Channel, Footing, Language, NotSendable, Rule, edited},
    message::{Carried, Footer},
    voice::{Tone, Voice},
};
use reframe_workflow::{
    gate::{Action, Unsubscribe},
    verify::{Sources, check_all},
};

fn fact(text: &str) -> Fact {
    let source = "Kestrel Foods newsroom".to_owned();
    Fact::screen(Found {
        text: text.into(),
        class: SourceClass::PressRelease,
        url: None,
        source,
        item: None,
        at_unix_ms: 5,
    })
    .unwrap()
}

fn pain(language: Language) -> Pain {
    let (clause, topic) = match language {
        Language::German => {
            ("die Bestandslisten stimmen nicht mehr mit den Regalen überein", "Bestände an zwei Standorten")
        }
        Language::French => ("les stocks ne correspondent plus aux listes", "les stocks sur deux sites"),
        _ => ("stock lists stop matching the shelves", "stock across two sites"),
    };
    Pain { clause: clause.into(), topic: topic.into(), language }
}

fn request<'a>(signal: Option<&'a Fact>, sheet: &'a FactSheet, pain: &'a Pain, voice: &'a Voice) -> Request<'a> {
    Request {
        channel: Channel::Email,
        seller_first_name: "Tom",
        contact_first_name: "Dana",
        signal,
        sheet,
        pain,
        voice,
        tone: None,
        seed: 1,
    }
}

fn footing(signal: &Fact, quote: &str) -> Footing {
    Footing {
        to: "dana@kestrel.example".into(),
        mail_domain: "seller.example".into(),
        system: "gmail".into(),
        because: vec![signal.claim("They opened a second site.", quote).unwrap()],
        parents: vec![],
        account: None,
        touch: None,
        phrasing: None,
        footer: Footer {
            company: "Seller Ltd".into(),
            postal_address: "1 High Street, Leeds".into(),
            discloses_ai: true,
        },
        unsubscribe: Unsubscribe { mailto: "stop@seller.example".into(), https: None },
        batch: "2026-03-04".into(),
        made_unix_ms: 10,
    }
}

#[test]
fn without_a_signal_there_is_no_draft() {
    let (sheet, voice, pain) = (FactSheet::default(), Voice::default(), pain(Language::English));
    assert_eq!(draft(&request(None, &sheet, &pain, &voice)), Err(NoDraft::NoSignal));
}

#[test]
fn every_wording_names_its_signal_and_breaks_no_rule() {
    let signals = [
        "Kestrel Foods opened a second warehouse in Leeds on 3 March",
        "Second warehouse for Kestrel Foods in Leeds",
        "Kestrel Foods hires a head of logistics, two planners and a team for its second warehouse in Leeds, which opens in May 2026 with 120 staff",
    ];
    let (sheet, voice) = (FactSheet::default(), Voice::default());
    let mut words = Vec::new();
    for text in signals {
        let signal = fact(text);
        for language in [Language::English, Language::German, Language::French] {
            let pain = pain(language);
            for tone in [Tone::Plain, Tone::Warm, Tone::Direct, Tone::Formal] {
                for seed in 0..18 {
                    let request = Request { tone: Some(tone), seed, ..request(Some(&signal), &sheet, &pain, &voice) };
                    let one = draft(&request).unwrap_or_else(|e| panic!("{language:?} {tone:?} {seed}: {e}"));
                    assert_eq!(one, draft(&request).unwrap());
                    let body = &one.message.candidate().body;
                    assert!(body.contains(&one.quote) && signal.text().contains(&one.quote), "{body}");
                    words.push(body.clone());
                }
            }
        }
    }
    words.sort();
    words.dedup();
    assert!(words.len() > 100, "{} wordings", words.len());
}

#[test]
fn a_proposal_carries_what_it_must() {
    let signal = fact("Kestrel Foods opened a second warehouse in Leeds on 3 March");
    let (sheet, voice, pain) = (FactSheet::default(), Voice::default(), pain(Language::English));
    let made = draft(&request(Some(&signal), &sheet, &pain, &voice)).unwrap();
    let footing = footing(&signal, &made.quote);
    let (artifact, proposal) = made.message.proposal(&footing).unwrap();
    let Action::SendMail { mail, .. } = &proposal.action else { panic!("{proposal:?}") };
    assert_eq!(proposal.action.check(), Ok(()));
    assert!(
        mail.body.contains("1 High Street") && mail.body.contains("A program helped") && mail.unsubscribe.is_some()
    );
    assert_eq!(mail.message_id, made.message.draft(&footing).unwrap().body.mail.message_id);
    let other = Footing { to: "eve@kestrel.example".into(), ..footing.clone() };
    assert_ne!(mail.message_id, made.message.draft(&other).unwrap().body.mail.message_id);
    let items = vec![(signal.item().to_owned(), signal.text().to_owned())];
    let claims: Vec<_> = artifact.body.because.iter().collect();
    assert_eq!(check_all(&claims, Sources { items: &items, ..Sources::default() }), vec![]);
    assert_eq!(made.message.draft(&Footing { because: vec![], ..footing.clone() }), Err(NotSendable::NoReason));
    let nowhere = Footing { footer: Footer::default(), ..footing.clone() };
    assert_eq!(made.message.draft(&nowhere), Err(NotSendable::NoAddress));
    let carried = Carried::by(&footing.footer, Some(&footing.unsubscribe));
    assert_eq!(carried, Carried { unsubscribe: true, one_click: false, postal_address: true, discloses_ai: true });
}

#[test]
fn other_channels_are_copied_by_a_person() {
    let signal = fact("Kestrel Foods opened a second warehouse in Leeds on 3 March");
    let (sheet, voice, pain) = (FactSheet::default(), Voice::default(), pain(Language::English));
    for channel in [Channel::Linkedin, Channel::Sms, Channel::Call] {
        let request = Request { channel, ..request(Some(&signal), &sheet, &pain, &voice) };
        let made = draft(&request).unwrap();
        assert_eq!(made.message.draft(&footing(&signal, &made.quote)), Err(NotSendable::Copied));
        let text = made.message.candidate().body.as_str();
        let card = Card::of(&made.message, "linkedin.example/in/dana", &[]).unwrap();
        assert_eq!((card.text.as_str(), card.steps.len()), (text, 4));
        assert!(card.steps[3].starts_with("Confirm here that you "), "{:?}", card.steps);
        let below = ["Seller Ltd".to_owned(), "Answer stop.".to_owned()];
        let whole = Card::of(&made.message, "+15551234567", &below).unwrap();
        assert_eq!(whole.text, format!("{text}\n\nSeller Ltd\nAnswer stop."));
        assert_eq!(Card::of(&made.message, " ", &[]), Err(CopyError::Open));
        assert_eq!(Card::of(&made.message, "x", &["y".repeat(1_900)]), Err(CopyError::Length));
    }
    let mail = draft(&request(Some(&signal), &sheet, &pain, &voice)).unwrap();
    assert_eq!(Card::of(&mail.message, "x", &[]), Err(CopyError::Email));
}

/// What a person changes is held against the same rules; the footer stays, and so does who gets it.
#[test]
fn an_edit_breaks_no_rule_either() {
    let signal = fact("Kestrel Foods opened a second warehouse in Leeds on 3 March");
    let (sheet, voice, pain) = (FactSheet::default(), Voice::default(), pain(Language::English));
    let made = draft(&request(Some(&signal), &sheet, &pain, &voice)).unwrap();
    let artifact = made.message.draft(&footing(&signal, &made.quote)).unwrap();
    let (draft, mail) = (&artifact.body, &artifact.body.mail);
    assert_eq!(edited(draft, mail, &voice).as_ref(), Ok(mail));
    let text = made.message.candidate().body.clone();
    let with = |body: String| reframe_workflow::gate::Mail { body, ..mail.clone() };
    // Without what stands below, and with it as a terminal leaves it: both are whole again.
    assert_eq!(edited(draft, &with(text.clone()), &voice).as_ref(), Ok(mail));
    let trimmed = mail.body.lines().map(str::trim).collect::<Vec<_>>().join("\n");
    assert_eq!(edited(draft, &with(trimmed), &voice).as_ref(), Ok(mail));
    assert_eq!(edited(draft, &with(mail.body.replace("1 High Street", "Nowhere")), &voice), Err(BadEdit::Footer));
    let elsewhere = reframe_workflow::gate::Mail { to: vec!["eve@kestrel.example".into()], ..mail.clone() };
    assert_eq!(edited(draft, &elsewhere, &voice), Err(BadEdit::Recipient));
    let worn = text.replacen("\n\n", "\n\nI hope this finds you well. ", 1);
    let Err(BadEdit::Faults(faults)) = edited(draft, &with(worn), &voice) else { panic!("it passed") };
    assert!(faults.iter().any(|f| f.rule == Rule::Sentences), "{faults:?}");
    let bare = reframe_workflow::handoff::Draft { grounds: None, ..draft.clone() };
    assert_eq!(edited(&bare, mail, &voice), Err(BadEdit::NoGrounds));
}
