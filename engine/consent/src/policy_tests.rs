//! The list that ships, and every combination of its kinds of places.

use super::*;

const BY: RuleSetting = RuleSetting::ByJurisdiction;

fn codes(list: &str) -> Vec<String> {
    list.split(' ').map(|s| format!("US-{s}")).collect()
}

#[test]
fn the_list_that_ships_holds_both_lists_with_source_and_date() {
    let policy = Policy::shipped();
    let requirement = |code: &str| policy.place(code).unwrap_or_else(|| panic!("{code} is missing")).requirement;
    for code in codes("CA FL IL MD MA MT NV NH PA WA") {
        assert_eq!(requirement(&code), Requirement::AllParty, "{code}");
        assert!(policy.place(&code).unwrap().sources.contains(&"playbook".to_owned()), "{code}");
    }
    for code in codes("CT DE MI OR MO VT HI") {
        assert_eq!(requirement(&code), Requirement::AllParty, "{code}");
    }
    let flagged: Vec<&str> = policy.places().filter(|p| p.flagged).map(|p| p.code.as_str()).collect();
    assert_eq!(flagged, ["US-HI", "US-MI", "US-MO", "US-OR", "US-VT"]);
    // All of the United States, and not one state twice.
    assert_eq!(policy.places().filter(|p| p.code.starts_with("US-")).count(), 51);
    assert_eq!(policy.places().filter(|p| p.requirement == Requirement::OneParty).count(), 34);
    // 27 of the union, 3 more of the EEA, and the United Kingdom.
    assert_eq!(policy.places().filter(|p| p.requirement == Requirement::Explicit).count(), 31);
    for source in policy.sources.values() {
        let date: Vec<&str> = source.as_of.split('-').collect();
        assert!(matches!(date[..], [y, m, d] if y.len() == 4 && m.len() == 2 && d.len() == 2), "{source:?}");
    }
}

#[test]
fn the_rule_is_everybody_unless_told_otherwise() {
    let policy = Policy::shipped();
    for place in policy.places() {
        let (rule, _) = policy.rule_for([Some(place.code.as_str())], RuleSetting::Everyone);
        assert_eq!(rule, ConsentRule::Everyone, "{}", place.code);
    }
    assert_eq!(RuleSetting::default(), RuleSetting::Everyone);
}

#[test]
fn the_strictest_participant_decides() {
    let policy = Policy::shipped();
    for (participants, rule, why) in [
        (&[][..], ConsentRule::Everyone, "nobody is in the call"),
        (&[Some("US-NY"), Some("US-TX")], ConsentRule::EachOwn, "one-party"),
        (&[Some("us-ny "), Some("US-TX")], ConsentRule::EachOwn, "one-party"),
        (&[Some("US-NY"), Some("US-CA"), Some("US-FL")], ConsentRule::Everyone, "California (all-party consent)"),
        (&[Some("US-CA"), Some("DE-BY")], ConsentRule::Everyone, "Germany (explicit consent)"),
        (&[Some("US-NY"), None], ConsentRule::Everyone, "nobody knows where"),
        (&[Some("US-NY"), Some("US")], ConsentRule::Everyone, "not listed"),
        (&[Some("US-NY"), Some("BR")], ConsentRule::Everyone, "not listed"),
        (&[Some("US-NY"), Some("New York")], ConsentRule::Everyone, "not listed"),
        (&[Some("US-NY"), Some("")], ConsentRule::Everyone, "not listed"),
        // Delaware is not Germany, and California is not Canada.
        (&[Some("US-DE")], ConsentRule::Everyone, "Delaware (all-party"),
        (&[Some("CA")], ConsentRule::Everyone, "not listed"),
        (&[Some("US-NY-1")], ConsentRule::Everyone, "not listed"),
    ] {
        let (found, because) = policy.rule_for(participants.iter().copied(), BY);
        assert_eq!(found, rule, "{participants:?}");
        assert!(because.contains(why), "{participants:?}: {because}");
    }
}

/// Every multiset of up to four kinds of participants: a call is relaxed exactly if all are in one-party places.
#[test]
fn no_combination_relaxes_what_one_of_them_forbids() {
    let policy = Policy::shipped();
    let kinds = [Some("US-NY"), Some("US-MO"), Some("US-CA"), Some("FR"), Some("ZZ"), Some("x"), None];
    let mut checked = 0;
    for a in 0..kinds.len() {
        for b in 0..kinds.len() {
            for c in 0..kinds.len() {
                for d in 0..kinds.len() {
                    let all = [a, b, c, d];
                    for length in 1..=4 {
                        let who = all[..length].iter().map(|&k| kinds[k]);
                        let relaxed = all[..length].iter().all(|&k| k == 0);
                        let (rule, _) = policy.rule_for(who, BY);
                        assert_eq!(rule == ConsentRule::EachOwn, relaxed, "{:?}", &all[..length]);
                        checked += 1;
                    }
                }
            }
        }
    }
    assert_eq!(checked, 4 * 7usize.pow(4));
    // And every single place by itself, and beside a one-party one.
    for place in policy.places() {
        let relaxed = place.requirement == Requirement::OneParty;
        for who in [vec![Some(place.code.as_str())], vec![Some("US-NY"), Some(place.code.as_str())]] {
            assert_eq!(policy.rule_for(who, BY).0 == ConsentRule::EachOwn, relaxed, "{}", place.code);
        }
    }
}

#[test]
fn a_list_that_contradicts_itself_is_refused() {
    let list = |places: &str| {
        Policy::parse(&format!("version = 1\n[source.s]\ntitle = \"t\"\nas_of = \"2026-01-01\"\n{places}"))
    };
    let place = |code: &str, rest: &str| {
        format!("[[place]]\ncode = \"{code}\"\nname = \"n\"\nrequirement = \"one_party\"\n{rest}\n")
    };
    assert!(list(&place("US-NY", "sources = [\"s\"]")).is_ok());
    for (bad, part) in [
        (place("us-ny", "sources = [\"s\"]"), "capitals"),
        (place("US-NY", "sources = []"), "source"),
        (place("US-NY", "sources = [\"x\"]"), "source"),
        (place("US-NY", "sources = [\"s\"]\nflagged = true\nnote = \"n\""), "never one-party"),
        (place("US-NY", "sources = [\"s\"]").repeat(2), "twice"),
        (place("US-NY", "sources = [\"s\"]\ncolour = 1"), "colour"),
    ] {
        let error = list(&bad).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}
