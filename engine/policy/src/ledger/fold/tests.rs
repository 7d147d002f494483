//! What allows and what forbids, in every order.

use super::*;
use crate::ledger::{Ledger, access};

fn key(text: &str) -> PersonKey {
    PersonKey::new(text).unwrap()
}

fn salt() -> Salt {
    Salt::new(b"a salt of the tests").unwrap()
}

fn dana() -> PersonKey {
    key("dana@acme.example")
}

fn about(key: PersonKey) -> Subject {
    Subject::Person { key }
}

fn given(channel: Channel, ground: Ground) -> What {
    What::Permission {
        channel,
        purpose: Purpose::Outreach,
        ground,
        method: "form".into(),
        proof: "form-7".into(),
        ends_unix_ms: None,
    }
}

fn stopped(reason: Reason, channel: Option<Channel>, only_there: bool) -> What {
    What::Suppressed { reason, channel, only_there }
}

/// What holds for Dana at 100, after these.
fn after(entries: impl IntoIterator<Item = (i64, What)>) -> Standing {
    let mut ledger = Ledger::default();
    for (at, what) in entries {
        ledger.append(at, about(dana()), what, "test");
    }
    ledger.standing(&[dana()], &salt(), 100)
}

fn stopped_on(standing: &Standing) -> Vec<Channel> {
    Channel::ALL.into_iter().filter(|c| standing.stop_on(*c).is_some()).collect()
}

#[test]
fn what_a_person_said_on_one_channel_is_heard_on_all_at_once() {
    let all = Channel::ALL.to_vec();
    for (reason, only_there, on) in [
        (Reason::Unsubscribe, true, all.clone()),
        (Reason::Objection, true, all.clone()),
        (Reason::Complaint, true, all.clone()),
        (Reason::Erasure, true, all.clone()),
        (Reason::Legal, true, all.clone()),
        (Reason::Bounce, true, vec![Channel::Sms]),
        (Reason::Bounce, false, all.clone()),
        (Reason::Own, true, vec![Channel::Sms]),
    ] {
        // Also when the clock of whoever wrote it down was ahead.
        for at in [100, 10_000_000] {
            let standing = after([(at, stopped(reason, Some(Channel::Sms), only_there))]);
            assert_eq!(stopped_on(&standing), on, "{reason:?} {only_there} {at}");
        }
    }
    assert_eq!(stopped_on(&after([(5, What::Complaint { channel: Channel::Email })])), all);
    assert_eq!(stopped_on(&after([(5, What::Withdrawn { channel: None, method: "call".into() })])), all);
    let narrow = after([(5, What::Withdrawn { channel: Some(Channel::Call), method: "call".into() })]);
    assert_eq!(stopped_on(&narrow), [Channel::Call]);
}

#[test]
fn only_a_persons_own_later_yes_ends_an_unsubscribe_and_only_there() {
    let email = Channel::Email;
    for (reason, ground, still_on_email) in [
        (Reason::Unsubscribe, Ground::Express, false),
        (Reason::Unsubscribe, Ground::Written, false),
        (Reason::Unsubscribe, Ground::Customer, true),
        (Reason::Unsubscribe, Ground::Published, true),
        (Reason::Objection, Ground::Express, true),
        (Reason::Complaint, Ground::Express, true),
        (Reason::Erasure, Ground::Express, true),
        (Reason::Own, Ground::Express, true),
    ] {
        let standing = after([(1, stopped(reason, None, false)), (2, given(email, ground))]);
        assert_eq!(standing.stop_on(email).is_some(), still_on_email, "{reason:?} {ground:?}");
        assert!(standing.stop_on(Channel::Sms).is_some(), "{reason:?} {ground:?}");
        // A yes from before does not count, whatever its clock says.
        let before = after([(90, given(email, ground)), (1, stopped(reason, None, false))]);
        assert!(before.stop_on(email).is_some(), "{reason:?} {ground:?}");
    }
}

#[test]
fn a_permission_needs_a_proof_its_time_and_the_person_themself() {
    assert_eq!(after([(100, given(Channel::Email, Ground::Express))]).permissions.len(), 1);
    assert_eq!(after([(101, given(Channel::Email, Ground::Express))]).permissions, []);
    let mut without = given(Channel::Email, Ground::Express);
    if let What::Permission { proof, .. } = &mut without {
        " ".clone_into(proof);
    }
    assert_eq!(after([(1, without)]).permissions, []);
    let mut ledger = Ledger::default();
    let domain = Subject::Domain { domain: "acme.example".into() };
    ledger.append(1, domain, given(Channel::Email, Ground::Express), "test");
    assert_eq!(ledger.standing(&[dana()], &salt(), 100).permissions, []);
}

#[test]
fn a_withdrawal_ends_what_was_given_before_it() {
    let both = [(1, given(Channel::Email, Ground::Express)), (1, given(Channel::Sms, Ground::Written))];
    let narrow = (2, What::Withdrawn { channel: Some(Channel::Sms), method: "sms".into() });
    let left = after(both.clone().into_iter().chain([narrow]));
    assert_eq!(left.permissions.iter().map(|p| p.channel).collect::<Vec<_>>(), [Channel::Email]);
    let all = (2, What::Withdrawn { channel: None, method: "mail".into() });
    let again = after(both.into_iter().chain([all, (3, given(Channel::Email, Ground::Express))]));
    assert_eq!(again.permissions.len(), 1);
    assert_eq!(stopped_on(&again).len(), Channel::ALL.len() - 1);
}

#[test]
fn a_company_that_wants_none_is_heard_for_each_of_its_people() {
    let mut ledger = Ledger::default();
    let domain = Subject::Domain { domain: "acme.example".into() };
    ledger.append(1, domain, stopped(Reason::Unsubscribe, None, false), "test");
    ledger.append(2, about(dana()), given(Channel::Email, Ground::Express), "test");
    for (person, stops) in [
        ("dana@acme.example", true),
        ("lee@mail.acme.example", true),
        ("lee@notacme.example", false),
        ("+4930123456", false),
    ] {
        let standing = ledger.standing(&[key(person)], &salt(), 100);
        assert_eq!(standing.stop_on(Channel::Email).is_some(), stops, "{person}");
    }
}

#[test]
fn a_person_of_several_addresses_is_one_person() {
    let mut ledger = Ledger::default();
    let (mail, phone) = (dana(), key("+4930123456"));
    ledger.append(1, about(phone.clone()), stopped(Reason::Unsubscribe, Some(Channel::Sms), true), "test");
    let both = [mail.clone(), phone];
    assert_eq!(stopped_on(&ledger.standing(&both, &salt(), 100)), Channel::ALL);
    assert_eq!(stopped_on(&ledger.standing(&[mail], &salt(), 100)), []);
    ledger.erase(&both, &salt(), 2, "test");
    assert!(ledger.standing(&[dana()], &salt(), 100).erased);
}

#[test]
fn an_erased_person_stays_unreachable_and_nothing_else_of_them_is_left() {
    let mut ledger = Ledger::default();
    ledger.append(1, about(dana()), given(Channel::Email, Ground::Express), "test");
    ledger.append(2, about(key("lee@acme.example")), given(Channel::Email, Ground::Express), "test");
    assert_eq!(ledger.erase(&[dana()], &salt(), 3, "test"), 1);
    assert!(!serde_json::to_string(&ledger).unwrap().contains("dana"));
    // They come back with a yes of theirs, in another spelling; a list that was bought brings them again.
    ledger.append(4, about(key("Dana+x@ACME.example")), given(Channel::Email, Ground::Express), "test");
    let standing = ledger.standing(&[dana()], &salt(), 100);
    assert!(standing.erased);
    assert_eq!(stopped_on(&standing), Channel::ALL);
    assert_eq!(stopped_on(&ledger.standing(&[key("lee@acme.example")], &salt(), 100)), []);
    // Under another salt nobody is found again: the salt must be kept.
    let other = Salt::new(b"another salt, of no use").unwrap();
    assert!(!ledger.standing(&[dana()], &other, 100).erased);
    // Numbers go on.
    let seqs: Vec<u64> = ledger.entries().iter().map(|e| e.seq).collect();
    assert_eq!(seqs, [1, 2, 3, 4]);
}

#[test]
fn access_gives_a_person_all_of_theirs_and_nobody_elses() {
    let mut ledger = Ledger::default();
    ledger.append(1, about(dana()), given(Channel::Email, Ground::Express), "test");
    ledger.append(2, about(key("lee@acme.example")), What::ProfilingOptOut, "test");
    ledger.append(3, about(dana()), What::ReplyReceived { channel: Channel::Email }, "test");
    let given = access(ledger.entries(), &[dana()], &salt(), 100);
    assert_eq!(given.entries.iter().map(|e| e.seq).collect::<Vec<_>>(), [0, 2]);
    assert!(!serde_json::to_string(&given).unwrap().contains("lee"));
    assert_eq!(given.standing.replies, [(3, Channel::Email)]);
}

#[test]
fn entries_are_read_as_they_were_written() {
    let mut ledger = Ledger::default();
    ledger.append(1, about(dana()), given(Channel::Email, Ground::Express), "test");
    ledger.append(2, about(dana()), stopped(Reason::Bounce, Some(Channel::Email), true), "test");
    let text = serde_json::to_string(ledger.entries()).unwrap();
    let read: Vec<Entry> = serde_json::from_str(&text).unwrap();
    assert_eq!(Ledger::of(read.into_iter().rev().collect()), ledger);
}
