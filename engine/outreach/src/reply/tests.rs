//! Headers, own words, wishes to stop, days of return, and what is done.

use std::collections::BTreeMap;

use reframe_call::date::Date;
use reframe_workflow::{
    artifact::ArtifactId,
    gate::{Action, Seen},
    system::{RecordKind, RecordRef},
};

use super::*;
use crate::calendar::AllHours;

fn mail(subject: &str, body: &str) -> Received {
    Received { subject: subject.into(), body: body.into(), headers: BTreeMap::new() }
}

fn headed(body: &str, name: &str, value: &str) -> Received {
    Received { headers: BTreeMap::from([(name.into(), value.into())]), ..mail("Re: stock", body) }
}

fn read(received: &Received) -> Reading {
    classify(received, jiff::civil::date(2026, 7, 29))
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
    ] {
        assert_eq!(read(&received).class, class, "{received:?}");
    }
    assert_eq!(sender(&headed("x", "Auto-Submitted", "no")), Sender::Person);
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
        let handling = handle(&reading(class, wish), &answered(), &AllHours);
        let route = if person { Route::Person { by_unix_ms: 1_000 + 30 * 60_000 } } else { Route::LowStakes };
        assert_eq!(handling.route, route, "{class:?}");
        assert_eq!(handling.suppression.is_some(), suppressed, "{class:?}");
        assert!(handling.suppression.is_none_or(|s| s.at_unix_ms == 1_000), "suppressed later than it came");
        assert_eq!(handling.proposal.is_some(), proposed, "{class:?}");
    }
    let large = Answered { above_threshold: true, ..answered() };
    assert!(matches!(handle(&reading(Ooo, Wish::None), &large, &AllHours).route, Route::Person { .. }));
    let proposal = handle(&reading(Unsubscribe, Wish::Certain), &answered(), &AllHours).proposal.unwrap();
    assert!(
        matches!(&proposal.action, Action::UpdateField { field, after, .. } if field == "email_opt_out" && after.as_deref() == Some("true"))
    );
    let done = Answered { contact: answered().contact.map(|(r, s, _)| (r, s, Some("true".into()))), ..answered() };
    assert!(handle(&reading(Unsubscribe, Wish::Certain), &done, &AllHours).proposal.is_none());
}

#[test]
fn the_embedded_weights_are_a_model() {
    let bytes = Model::embedded().to_bytes();
    assert!(bytes.len() <= 200 * 1024);
    assert_eq!(&Model::from_bytes(&bytes).unwrap(), Model::embedded());
    assert!(Model::embedded().threshold() <= 1.0, "the file in assets is no model");
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
        ("", Class::Uncertain),
    ] {
        let reading = read(&mail("Re: stock", body));
        assert_eq!(reading.class, class, "{body}: {reading:?}");
    }
}
