//! Tests of accounts from records.

use reframe_workflow::system::PastValue;

use super::*;

fn at(kind: RecordKind, id: &str) -> RecordRef {
    RecordRef { system: "local".into(), kind, id: id.into() }
}

fn record(kind: RecordKind, id: &str, fields: &[(&str, &str)], linked: &[RecordRef]) -> Record {
    Record {
        at: at(kind, id),
        version: "1".into(),
        updated_unix_ms: 900,
        fields: fields.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect(),
        linked: linked.to_vec(),
        history: BTreeMap::new(),
    }
}

use RecordKind::{Company, Contact, Deal};

/// Links stand on either side; a contact is its company's also where its deal is another's; what hangs on nothing is in none.
#[test]
fn a_company_has_its_deals_and_contacts_and_a_deal_without_one_is_an_account() {
    let records = Records {
        companies: vec![record(Company, "1", &[("name", "Acme")], &[at(Deal, "11")]), record(Company, "2", &[], &[])],
        deals: vec![
            record(Deal, "11", &[], &[]),
            record(Deal, "12", &[], &[at(Company, "1")]),
            record(Deal, "13", &[("name", "Lone")], &[at(Contact, "33")]),
        ],
        contacts: vec![
            record(Contact, "31", &[], &[at(Company, "1")]),
            record(Contact, "32", &[], &[at(Deal, "13"), at(Company, "2")]),
            record(Contact, "33", &[], &[]),
            record(Contact, "34", &[], &[]),
        ],
    };
    let accounts = records.accounts();
    let of: Vec<(&str, &str, Vec<String>)> = accounts
        .iter()
        .map(|a| (a.id.as_str(), a.name.as_str(), a.records[1..].iter().map(|r| r.id.clone()).collect()))
        .collect();
    let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    assert_eq!(of[0], ("local:company/1", "Acme", ids(&["11", "12", "31"])));
    assert_eq!(of[1], ("local:company/2", "2", ids(&["32"])));
    assert_eq!(of[2], ("local:deal/13", "Lone", ids(&["33"])));
    assert_eq!(of.len(), 3);
    assert_eq!(Records::default().accounts(), []);
}

#[test]
fn a_deal_ended_when_it_last_left_the_open_stages() {
    let rules = Rules::built_in();
    let stage = |value: &str, at_unix_ms| PastValue { value: Some(value.into()), at_unix_ms };
    let deal = |now: &str, past: &[(&str, i64)]| {
        let mut deal = record(Deal, "1", &[("stage", now)], &[]);
        deal.history.insert("stage".into(), past.iter().map(|(s, at)| stage(s, *at)).collect());
        deal
    };
    for (now, past, expected) in [
        ("closed_lost", &[("discovery", 10), ("closed_lost", 50)][..], Some((50, Ended::Lost))),
        // Opened again and won; the reason was corrected afterwards.
        (
            "closed_won",
            &[("closed_lost", 20), ("proposal", 30), ("closed_lost", 60), ("closed_won", 70)],
            Some((60, Ended::Won)),
        ),
        ("closed_won", &[], Some((900, Ended::Won))),
        ("proposal", &[("closed_lost", 20), ("proposal", 30)], None),
        ("nobody knows this stage", &[], None),
    ] {
        let records = Records { deals: vec![deal(now, past)], ..Records::default() };
        let closed = records.closed(&rules, 1_000, &BTreeMap::new());
        let got = closed.first().map(|fact| match &fact.what {
            Happened::Closed { end, .. } => (fact.at_unix_ms, *end),
            other => panic!("{other:?}"),
        });
        assert_eq!(got, expected, "{now} {past:?}");
        let early = records.closed(&rules, 5, &BTreeMap::new());
        assert_eq!(early.first().map(|fact| fact.at_unix_ms), expected.map(|_| 5), "not after now");
        // The last call counts where there is no history.
        let called = records.closed(&rules, 1_000, &BTreeMap::from([(at(Deal, "1"), 950)]));
        let late = expected.map(|(at, _)| if past.is_empty() { 950 } else { at });
        assert_eq!(called.first().map(|fact| fact.at_unix_ms), late, "{now} {past:?}");
    }
}

#[test]
fn a_close_date_that_comes_nearer_is_no_bad_turn() {
    let mut deal = record(Deal, "1", &[("stage", "proposal")], &[]);
    let day = |value: &str, at_unix_ms| PastValue { value: Some(value.into()), at_unix_ms };
    let past = [("2026-03-01", 1), ("2026-04-01", 2), ("2026-03-15", 3), ("", 4), ("2026-06-30T00:00:00Z", 5)];
    deal.history.insert("close_date".into(), past.iter().map(|(v, at)| day(v, *at)).collect());
    let turns = Records { deals: vec![deal], ..Records::default() }.turns(&[]);
    let got: Vec<(i64, &str)> = turns.iter().map(|t| (t.at_unix_ms, t.says.as_str())).collect();
    assert_eq!(got, [(2, "close date moved to 2026-04-01"), (5, "close date moved to 2026-06-30")]);
}

#[test]
fn two_of_the_same_address_are_not_resolved() {
    let contact = |id: &str, email: &str| record(Contact, id, &[("email", email)], &[]);
    let records = Records {
        companies: vec![record(Company, "1", &[("domain", "acme.example")], &[]), record(Company, "2", &[], &[])],
        contacts: vec![contact("1", "a@x.example"), contact("2", "A@x.example "), contact("3", "b@x.example")],
        ..Records::default()
    };
    assert_eq!(records.resolved(), (5, 2));
}
