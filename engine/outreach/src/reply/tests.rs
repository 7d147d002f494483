//! Headers, own words, wishes to stop, days of return, and what is done.

use std::collections::BTreeMap;

use reframe_call::{
    date::Date,
    detect::semantic::{Sentence, SentenceEncoder},
};
use reframe_workflow::{
    artifact::ArtifactId,
    gate::{Action, Seen},
    system::{RecordKind, RecordRef},
};

use super::*;

fn all_hours() -> reframe_policy::clock::Calendar {
    reframe_policy::clock::Calendar::around_the_clock(jiff::tz::TimeZone::UTC)
}

fn mail(subject: &str, body: &str) -> Received {
    Received { subject: subject.into(), body: body.into(), headers: BTreeMap::new() }
}

fn headed(body: &str, name: &str, value: &str) -> Received {
    Received { headers: BTreeMap::from([(name.into(), value.into())]), ..mail("Re: stock", body) }
}

fn read(received: &Received) -> Reading {
    classify(received, jiff::civil::date(2026, 7, 29), None)
}

#[test]
fn headers_come_first() {
    for (received, class) in [
        (headed("I am away.", "auto-submitted", "auto-replied (vacation)"), Class::Ooo),
        (headed("Away.", "X-Autoreply", "yes"), Class::Ooo),
        (headed("Dana has left the company.", "Auto-Submitted", "auto-replied"), Class::WrongPerson),
        (headed("x", "Content-Type", "multipart/report; report-type=delivery-status"), Class::Bounce),
        (headed("x", "X-Failed-Recipients", "dana@buyer.example"), Class::Bounce),
        (mail("Automatische Antwort: stock", "Ich bin im Urlaub."), Class::Ooo),
        (mail("Réponse automatique : stock", "En congés."), Class::Ooo),
        (headed("Please remove me.", "Auto-Submitted", "auto-replied"), Class::Unsubscribe),
        (mail("Out of office", "Reached you. See the notice."), Class::Ooo),
    ] {
        assert_eq!(read(&received).class, class, "{received:?}");
    }
    assert_eq!(sender(&headed("x", "Auto-Submitted", "no")), Sender::Person);
    let ours = mail("Re: Absence management", "What does it cost for thirty people? Please send the price list.");
    assert_eq!(read(&ours).class, Class::PositiveInfo, "a subject of ours says nothing of them");
}

#[test]
fn only_own_words_count() {
    for (body, own) in [
        ("Yes.\n\nOn Mon, 3 Mar 2026 at 10:00, Tom wrote:\n> to unsubscribe reply STOP", "Yes."),
        ("Ja.\n\nAm 3.3.2026 um 10:00 schrieb Tom <tom@seller.example>:\nSie können sich abmelden", "Ja."),
        ("Oui.\n\nLe 3 mars 2026 à 10:00, Tom a écrit :\n> x", "Oui."),
        ("Fine.\n\n-----Original Message-----\nFrom: Tom\nStop", "Fine."),
        ("Fine.\n\nFrom: Tom Miller\nSent: Monday\nTo: Dana\nSubject: stock\n\nunsubscribe here", "Fine."),
        ("Sure.\n-- \nDana Ives\nRegistered in England", "Sure."),
        ("Sure.\n\nSent from my iPhone", "Sure."),
        ("> old\nSee above.\n> older", "See above."),
        ("Great.\n\nIf you would rather not hear from me, answer \"stop\" and I will not write again.", "Great."),
    ] {
        assert_eq!(written(body).text, own, "{body}");
    }
}

#[test]
fn a_wish_to_stop_is_never_missed() {
    let none = BTreeMap::new();
    for text in [
        "STOP",
        "unsubscribe",
        "Unsubscribe.",
        "please take me off your list",
        "Could you kindly rem\u{43e}ve me?",
        "un\u{200b}subscribe",
        "Thanks, interesting, but please don\u{2019}t contact me again.",
        "I wish you luck. No further e-mails please.",
        "bitte keine weiteren Mails",
        "Nehmen Sie mich aus dem Verteiler.",
        "Merci de me retirer de votre liste",
        "désabonnez-moi",
        "por favor, darme de baja",
        "Cancellatemi dalla lista",
        "Graag uitschrijven.",
        "Opt me out pls",
        "quit emailing me",
    ] {
        assert_eq!(wish("Re: stock", text, &none), Wish::Certain, "{text}");
    }
    for text in [
        "How do you handle unsubscribe requests of our own customers, say in three systems and two languages?",
        "Why am I on so many lists?",
    ] {
        assert_eq!(wish("Re: stock", text, &none), Wish::Chance, "{text}");
    }
    for text in [
        "Do stop by our booth in hall 4!",
        "Please send the deck.",
        "Remove the second paragraph from the offer and I sign.",
    ] {
        assert_eq!(wish("Re: Stop guessing stock", text, &none), Wish::None, "{text}");
    }
    assert_eq!(wish("Unsubscribe", "", &none), Wish::Certain);
    assert_eq!(
        wish("Unsubscribe: Newsletter 4", "Generated because somebody clicked a button in a mail client.", &none),
        Wish::Certain
    );
    let one_click = BTreeMap::from([("List-Unsubscribe-Post".to_owned(), "List-Unsubscribe=One-Click".to_owned())]);
    assert_eq!(wish("", "", &one_click), Wish::Certain);
}

#[test]
fn the_day_of_return_is_read() {
    // 29 July 2026 is a Wednesday.
    let today = jiff::civil::date(2026, 7, 29);
    for (text, back) in [
        ("I am out until 14 August 2026 with limited access.", Some((2026, 8, 15))),
        ("I'm away through August 14th and back on Monday, 17 August.", Some((2026, 8, 17))),
        ("Ich bin bis einschließlich 03.08. im Urlaub.", Some((2026, 8, 4))),
        ("Ab dem 10.08.2026 bin ich wieder erreichbar.", Some((2026, 8, 10))),
        ("Je serai de retour le 24 août.", Some((2026, 8, 24))),
        ("Back on Monday.", Some((2026, 8, 3))),
        ("Returning 2026-09-01.", Some((2026, 9, 1))),
        ("Out from 27/07/2026 to 31/07/2026.", Some((2026, 8, 1))),
        ("Back on 03/04.", None),
        ("I was away until 3 July 2026.", None),
        ("Away for a while.", None),
    ] {
        let expected = back.map(|(y, m, d)| Date::new(y, m, d).unwrap());
        assert_eq!(back_on(text, today).map(|a| a.back), expected, "{text}");
    }
}

fn answered() -> Answered<'static> {
    let contact = RecordRef { system: "local".into(), kind: RecordKind::Contact, id: "7".into() };
    Answered {
        address: "dana@buyer.example",
        item: "mail/1",
        at_unix_ms: 1_000,
        contact: Some((contact, Seen { version: "3".into(), at_unix_ms: 900 }, None)),
        from: ArtifactId::of("draft", b"x"),
        above_threshold: false,
    }
}

fn reading(class: Class, wish: Wish) -> Reading {
    Reading {
        class,
        likely: class,
        confidence: 0.9,
        by: By::Model,
        wish,
        away: None,
        brief: false,
        slow_down: false,
        quote: "no more".into(),
    }
}

#[test]
fn substance_goes_to_a_person_in_thirty_working_minutes() {
    use Class::*;
    for (class, wish, person, suppressed, proposed) in [
        (PositiveMeeting, Wish::None, true, false, false),
        (PositiveInfo, Wish::None, true, false, false),
        (NegativeNow, Wish::None, true, false, false),
        (NegativeEver, Wish::None, true, false, false),
        (Uncertain, Wish::None, true, false, false),
        (Uncertain, Wish::Chance, true, true, false),
        (Ooo, Wish::None, false, false, false),
        (WrongPerson, Wish::None, false, false, false),
        (WrongPerson, Wish::Chance, true, true, false),
        (Unsubscribe, Wish::Certain, false, true, true),
        (Complaint, Wish::None, true, true, false),
    ] {
        let handling = handle(&reading(class, wish), &answered(), &all_hours());
        let route = if person { Route::Person { by_unix_ms: 1_000 + 30 * 60_000 } } else { Route::LowStakes };
        assert_eq!(handling.route, route, "{class:?}");
        assert_eq!(handling.suppression.is_some(), suppressed, "{class:?}");
        assert!(handling.suppression.is_none_or(|s| s.at_unix_ms == 1_000), "suppressed later than it came");
        assert_eq!(handling.proposal.is_some(), proposed, "{class:?}");
    }
    let large = Answered { above_threshold: true, ..answered() };
    assert!(matches!(handle(&reading(Ooo, Wish::None), &large, &all_hours()).route, Route::Person { .. }));
    let proposal = handle(&reading(Unsubscribe, Wish::Certain), &answered(), &all_hours()).proposal.unwrap();
    assert!(
        matches!(&proposal.action, Action::UpdateField { field, after, .. } if field == "email_opt_out" && after.as_deref() == Some("true"))
    );
    let done = Answered { contact: answered().contact.map(|(r, s, _)| (r, s, Some("true".into()))), ..answered() };
    assert!(handle(&reading(Unsubscribe, Wish::Certain), &done, &all_hours()).proposal.is_none());
}

/// Places every sentence at its number of words: enough to see that a meaning arrives.
struct Stub(usize);

impl SentenceEncoder for Stub {
    fn id(&self) -> String {
        "stub".into()
    }

    fn labels(&self) -> &[String] {
        &[]
    }

    fn encode(&self, text: &str) -> Sentence {
        let mut embedding = vec![0.0; self.0];
        embedding[text.split(' ').count() % self.0] = 1.0;
        Sentence { embedding, ..Sentence::default() }
    }
}

#[test]
fn meaning_is_the_mean_of_the_sentences_and_of_one_width_only() {
    let two = meaning("Not now. Ask me again in the spring please.", &Stub(WIDTH));
    assert_eq!((two.len(), two[2], two[7]), (WIDTH, 0.5_f32.sqrt(), 0.5_f32.sqrt()));
    assert!(meaning("Not now.", &Stub(WIDTH - 1)).is_empty(), "an encoder of another width knows nothing");
    assert!(meaning("...", &Stub(WIDTH)).is_empty());
    let own = written("Not now.\n\nKind regards\nDana");
    let of = |e: Option<&dyn SentenceEncoder>| features(&mail("Re: x", "y"), &own, Sender::Person, e);
    let (with, without) = (of(Some(&Stub(WIDTH))), of(None));
    assert_eq!(with.meaning[2], 1.0, "who wrote is no part of the meaning");
    assert_eq!((with.signs[3], without.signs[3]), (false, true));
    assert_eq!((with.words, with.pieces), (without.words, without.pieces));
}

#[test]
fn an_unsure_answer_goes_to_a_person() {
    let unsure = Model::new(&[], [0.0; 8], [0.2; 2]);
    let received = mail("Re: stock", "Well.");
    let own = written(&received.body);
    let features = features(&received, &own, Sender::Person, None);
    let reading = classify_with(&received, &features, jiff::civil::date(2026, 7, 29), &unsure);
    assert_eq!((reading.class, reading.wish), (Class::Uncertain, Wish::Chance), "an eighth each: {reading:?}");
    let sure = unsure.with_thresholds([1.0, 0.1]);
    assert_ne!(classify_with(&received, &features, jiff::civil::date(2026, 7, 29), &sure).class, Class::Uncertain);
}

#[test]
fn weights_are_kept_in_eight_bits() {
    let mut weights = vec![0.0; 8 * ROW];
    (weights[0], weights[ROW - 1], weights[5 * ROW + BUCKETS]) = (1.27, -0.3, 2.54);
    let model = Model::new(&weights, [0.5; 8], [0.3, 0.2]);
    let again = Model::from_bytes(&model.to_bytes()).unwrap();
    assert_eq!(again, model);
    assert_eq!((again.threshold(true), again.threshold(false)), (0.3, 0.2));
    let features = Features { words: vec![0], pieces: vec![0], signs: [false, false, false, true], meaning: vec![] };
    let odds = again.probabilities(&features);
    let close = |a: f32, b: f32| (a - b).abs() < 1e-4;
    assert!(close((odds[0] / odds[1]).ln(), 1.27 - 0.3 * 0.3), "{odds:?}");
    assert!(close((odds[5] / odds[1]).ln(), 2.54), "{odds:?}");
}

#[test]
fn the_embedded_weights_are_a_model() {
    let bytes = Model::embedded().to_bytes();
    assert!(bytes.len() <= 300_000);
    assert_eq!(&Model::from_bytes(&bytes).unwrap(), Model::embedded());
    assert!(Model::embedded().threshold(true) <= 1.0, "the file in assets is no model");
    assert!(Model::from_bytes(&bytes[1..]).is_err());
}

#[test]
fn clear_answers_are_read() {
    for (body, class) in [
        ("Happy to chat, Tuesday at 10 works for me. Send me an invite.", Class::PositiveMeeting),
        ("We are not interested, we already have a tool for this and are happy with it.", Class::NegativeEver),
        ("Not now, our budget is frozen until next year. Try me again in Q2.", Class::NegativeNow),
        ("Can you send pricing and a case study? Does it integrate with our ERP?", Class::PositiveInfo),
        ("I'm not the right person for this, please contact my colleague Ana in logistics.", Class::WrongPerson),
        ("I am on annual leave until 14 August with no access to e-mail.", Class::Ooo),
        ("Where did you get my data? This is spam and I will report it under GDPR.", Class::Complaint),
        ("Away from my desk until the 5th, will answer then.", Class::Ooo),
        ("Not now, we are in the middle of a move. Ask me again in October.", Class::NegativeNow),
        ("I only do the garden, ask Anna in purchasing.", Class::WrongPerson),
        ("How much is it for ten people?", Class::PositiveInfo),
        ("no thanks", Class::NegativeEver),
        ("thursday at 3? send invite", Class::PositiveMeeting),
        ("Kein Bedarf, danke.", Class::NegativeEver),
        ("Quel est le prix pour dix utilisateurs ?", Class::PositiveInfo),
        ("", Class::Uncertain),
    ] {
        let reading = read(&mail("Re: stock", body));
        assert_eq!(reading.class, class, "{body}: {reading:?}");
    }
}

#[test]
fn what_stands_below_a_name_is_a_chance_of_a_wish_at_most() {
    let below = mail(
        "Re: stock",
        "Ask Anna in purchasing, please.\n\nBest,\nTom\nFair of the north. Unsubscribe from our newsletter: x.example",
    );
    assert_eq!(read(&below).wish, Wish::Chance);
    assert_ne!(read(&below).class, Class::Unsubscribe);
    let own = mail("Re: stock", "Ask Anna.\n\nBest,\nTom\nPS: please take me off your list");
    assert_eq!(read(&own).class, Class::Unsubscribe);
}

#[test]
fn wishes_that_no_rule_knows_are_suppressed() {
    for body in [
        "I would be obliged if my name no longer appeared among those you write to.",
        "We ask that you refrain from any further approach to our staff.",
        "Please see to it that nothing of this kind reaches us in future.",
        "My address is not to be used by you for any purpose whatsoever.",
        "Consider this our final word and do not come back to us.",
        "Do me a favor and loose my adress.",
        "Bitte belästigen Sie uns künftig nicht weiter mit Ihren Schreiben.",
        "Je vous prie de ne plus utiliser mon adresse.",
    ] {
        let reading = read(&mail("Re: stock", body));
        assert!(reading.wish != Wish::None || reading.class == Class::Complaint, "{body}: {reading:?}");
    }
}
