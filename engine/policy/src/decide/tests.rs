//! Decision tables, one per regime, and an enumeration of everything.

use super::*;
use crate::{
    clock::months_after,
    ledger::{Ledger, Reason, Salt, Subject, What},
};

const NOW: i64 = 1_795_305_600_000; // 2026-11-22T00:00Z

fn salt() -> Salt {
    Salt::new(b"a salt of the tests").unwrap()
}

fn region(code: &str) -> Region {
    Region::new(code).unwrap()
}

fn given(channel: Channel, purpose: Purpose, ground: Ground) -> What {
    let (method, proof) = ("form".to_owned(), "form-7".to_owned());
    What::Permission { channel, purpose, ground, method, proof, ends_unix_ms: None }
}

fn tested(regions: &[&str], passed: bool) -> What {
    What::BalancingTest {
        test: "outreach-1".into(),
        regions: regions.iter().map(|r| region(r)).collect(),
        channels: [Channel::Email, Channel::Linkedin].into(),
        purposes: [Purpose::Outreach].into(),
        passed,
    }
}

/// Somebody there, of a company, with this history.
fn somebody(places: &[&str], subscriber: Subscriber, history: &[(i64, What)]) -> Recipient {
    let key = PersonKey::new("dana@acme.example").unwrap();
    let mut ledger = Ledger::default();
    for (at, what) in history {
        let about = match what {
            What::BalancingTest { .. } => Subject::Everybody,
            _ => Subject::Person { key: key.clone() },
        };
        ledger.append(*at, about, what.clone(), "test");
    }
    let standing = ledger.standing(std::slice::from_ref(&key), &salt(), NOW);
    Recipient { keys: vec![key], regions: places.iter().map(|p| region(p)).collect(), subscriber, standing }
}

fn email(to: &Recipient, purpose: Purpose) -> Decision {
    policy(&Rules::shipped(), to, Channel::Email, purpose, NOW)
}

fn says(decision: &Decision) -> String {
    match decision {
        Decision::Allow { .. } => "allow".to_owned(),
        Decision::Deny { rule, .. } => rule.clone(),
    }
}

fn basis(decision: Decision) -> Basis {
    let Decision::Allow { basis } = decision else { panic!("{decision:?}") };
    *basis
}

#[test]
fn cold_mail_by_place_and_by_what_is_on_record() {
    use Ground::{Customer, Express, Inquiry, Published, SoftOptIn};
    let e = |ground| (NOW - 5, given(Channel::Email, Purpose::Outreach, ground));
    let (firm, own, open) = (Subscriber::Corporate, Subscriber::Individual, Subscriber::Unknown);
    for (place, whose, history, expected) in [
        ("US-NY", open, vec![], "allow"),
        ("US", open, vec![], "allow"),
        ("CA", firm, vec![], "casl.electronic"),
        ("CA-QC", firm, vec![e(Express)], "allow"),
        ("CA", firm, vec![e(Customer)], "allow"),
        ("CA", firm, vec![e(Inquiry)], "allow"),
        ("CA", firm, vec![e(Published)], "allow"),
        ("CA", firm, vec![e(SoftOptIn)], "casl.electronic"),
        ("DE", firm, vec![], "gdpr.basis"),
        ("DE", firm, vec![(NOW - 5, tested(&["DE"], true))], "eprivacy.opt_in"),
        ("DE", firm, vec![e(Express)], "allow"),
        ("DE", firm, vec![e(SoftOptIn)], "gdpr.basis"),
        ("DE", firm, vec![e(SoftOptIn), (NOW - 5, tested(&["DE"], true))], "allow"),
        ("DE", firm, vec![e(Published), (NOW - 5, tested(&["DE"], true))], "eprivacy.opt_in"),
        ("FR", firm, vec![], "gdpr.basis"),
        ("FR", firm, vec![(NOW - 5, tested(&["FR"], true))], "allow"),
        ("FR", own, vec![(NOW - 5, tested(&["FR"], true))], "eprivacy.opt_out"),
        ("FR", open, vec![(NOW - 5, tested(&["FR"], true))], "eprivacy.opt_out"),
        ("FR", firm, vec![(NOW - 5, tested(&["DE"], true))], "gdpr.basis"),
        ("FR", firm, vec![(NOW - 9, tested(&["FR"], true)), (NOW - 5, tested(&["FR"], false))], "gdpr.basis"),
        ("FR", firm, vec![(months_after(NOW, 0) - 400 * DAY_MS, tested(&["FR"], true))], "gdpr.basis"),
        ("GB", firm, vec![(NOW - 5, tested(&["GB"], true))], "allow"),
        ("GB", own, vec![(NOW - 5, tested(&["GB"], true))], "pecr.electronic"),
        ("GB", own, vec![e(Express)], "allow"),
        ("US-CA", open, vec![(NOW - 5, What::ProfilingOptOut)], "us_states.privacy"),
        ("US-NY", open, vec![(NOW - 5, What::ProfilingOptOut)], "allow"),
        // Of whom only the country is known, the strictest of its states counts.
        ("US", open, vec![(NOW - 5, What::ProfilingOptOut)], "us_states.privacy"),
        ("US-ZZ", open, vec![], "default.region"),
        ("BR", firm, vec![e(Express)], "default.region"),
        ("CH", firm, vec![e(Express)], "default.region"),
    ] {
        let to = somebody(&[place], whose, &history);
        assert_eq!(says(&email(&to, Purpose::Outreach)), expected, "{place} {whose:?} {history:?}");
    }
    let nowhere = somebody(&[], firm, &[e(Express)]);
    assert_eq!(says(&email(&nowhere, Purpose::Outreach)), "default.region");
    // A person of two places is under the laws of both.
    let both = somebody(&["US-NY", "DE"], firm, &[]);
    assert_eq!(says(&email(&both, Purpose::Outreach)), "gdpr.basis");
}

#[test]
fn what_the_law_takes_for_consent_ends_on_its_day() {
    let rules = Rules::shipped();
    let start: i64 = "2026-01-31T12:00:00Z".parse::<jiff::Timestamp>().unwrap().as_millisecond();
    for (ground, months) in [(Ground::Customer, 24), (Ground::Inquiry, 6), (Ground::Published, 6)] {
        let to = somebody(&["CA"], Subscriber::Corporate, &[(start, given(Channel::Email, Purpose::Outreach, ground))]);
        let end = months_after(start, months);
        let at = |now| policy(&rules, &to, Channel::Email, Purpose::Outreach, now);
        assert_eq!(basis(at(end - 1)).expires_unix_ms, Some(end), "{ground:?}");
        assert_eq!(says(&at(end)), "casl.electronic", "{ground:?}");
    }
    // Six months from the end of January is the end of July.
    assert_eq!(months_after(start, 6), "2026-07-31T12:00:00Z".parse::<jiff::Timestamp>().unwrap().as_millisecond());
}

#[test]
fn texts_and_calls_by_machine_need_written_consent_and_without_it_are_no_tool() {
    let rules = Rules::shipped();
    let tools = |to: &Recipient| allowed_channels(&rules, to, Purpose::Outreach, NOW);
    let plain = somebody(&["US-NY"], Subscriber::Corporate, &[]);
    assert_eq!(tools(&plain), [Channel::Email, Channel::Linkedin]);
    let express = |channel| (NOW - 5, given(channel, Purpose::Outreach, Ground::Express));
    let said_yes = somebody(&["US-NY"], Subscriber::Corporate, &[express(Channel::Sms), express(Channel::AiCall)]);
    assert_eq!(tools(&said_yes), [Channel::Email, Channel::Linkedin]);
    let written = |channel| (NOW - 5, given(channel, Purpose::Outreach, Ground::Written));
    let signed = somebody(&["US-NY"], Subscriber::Corporate, &[written(Channel::Sms)]);
    assert_eq!(tools(&signed), [Channel::Email, Channel::Linkedin, Channel::Sms]);
    let looked_up = (NOW - 5, given(Channel::Call, Purpose::Outreach, Ground::RegisterChecked));
    let call = somebody(&["US-NY"], Subscriber::Corporate, &[looked_up]);
    assert_eq!(tools(&call), [Channel::Email, Channel::Linkedin, Channel::Call]);
    let long_ago = (NOW - 28 * DAY_MS, given(Channel::Call, Purpose::Outreach, Ground::RegisterChecked));
    assert!(!tools(&somebody(&["US-NY"], Subscriber::Corporate, &[long_ago])).contains(&Channel::Call));
    assert_eq!(tools(&somebody(&["DE"], Subscriber::Corporate, &[])), []);
}

#[test]
fn an_answer_goes_to_who_wrote_and_for_a_month() {
    for place in ["US-NY", "CA", "DE", "FR", "GB"] {
        let history = |ago: i64| [(NOW - ago, What::ReplyReceived { channel: Channel::Email })];
        for (history, expected) in [(vec![], false), (history(5).into(), true), (history(30 * DAY_MS).into(), false)] {
            let to = somebody(&[place], Subscriber::Corporate, &history);
            assert_eq!(email(&to, Purpose::Reply).is_allowed(), expected, "{place} {history:?}");
        }
    }
}

#[test]
fn what_a_message_must_carry_follows_from_the_place() {
    use Need::{
        AiDisclosure, ObjectionNotice, PostalAddress, SenderIdentity, SourceOfData, UnsubscribeHeaders, UnsubscribeLine,
    };
    let american = [SenderIdentity, PostalAddress, UnsubscribeLine, UnsubscribeHeaders];
    let needs = |rules: &Rules, place: &str, history: &[(i64, What)]| {
        let to = somebody(&[place], Subscriber::Corporate, history);
        basis(policy(rules, &to, Channel::Email, Purpose::Outreach, NOW)).needs
    };
    let shipped = Rules::shipped();
    assert_eq!(needs(&shipped, "US-NY", &[]), american.into());
    let with_ai: BTreeSet<Need> = american.into_iter().chain([AiDisclosure]).collect();
    assert_eq!(needs(&shipped, "US-TX", &[]), with_ai);
    assert_eq!(needs(&shipped, "US", &[]), with_ai, "the state is not known");
    let french: BTreeSet<Need> = with_ai.iter().copied().chain([ObjectionNotice, SourceOfData]).collect();
    assert_eq!(needs(&shipped, "FR", &[(NOW - 5, tested(&["FR"], true))]), french);
    let switched = Rules::shipped().with_disclosure([(region("US-TX"), false), (region("US-NY"), true)].into());
    assert_eq!(needs(&switched, "US-TX", &[]), american.into());
    assert_eq!(needs(&switched, "US-NY", &[]), with_ai);
    // Off where the rule does not let it be is not off.
    let off = Rules::shipped().with_disclosure([(region("DE"), false)].into());
    let yes = (NOW - 5, given(Channel::AiCall, Purpose::Outreach, Ground::Express));
    let to = somebody(&["DE"], Subscriber::Corporate, &[yes]);
    let call = |now| basis(policy(&off, &to, Channel::AiCall, Purpose::Outreach, now)).needs;
    assert!(call(NOW).contains(&AiDisclosure));
}

#[test]
fn a_rule_holds_from_its_day_on() {
    let rules = Rules::shipped();
    let begins = "2026-08-02T00:00:00Z".parse::<jiff::Timestamp>().unwrap().as_millisecond();
    let to = somebody(&["FI"], Subscriber::Corporate, &[(begins - DAY_MS, tested(&["FI"], true))]);
    let needs = |now| basis(policy(&rules, &to, Channel::Email, Purpose::Outreach, now)).needs;
    assert!(!needs(begins - 1).contains(&Need::AiDisclosure));
    assert!(needs(begins).contains(&Need::AiDisclosure));
}

#[test]
fn the_basis_names_rules_version_and_the_entry_it_rests_on() {
    let rules = Rules::shipped();
    let to = somebody(
        &["CA"],
        Subscriber::Corporate,
        &[(NOW - 5, given(Channel::Email, Purpose::Outreach, Ground::Customer))],
    );
    let basis = basis(email(&to, Purpose::Outreach));
    assert_eq!(basis.regimes, ["CASL".to_owned()].into());
    assert_eq!(basis.rules, ["casl.electronic".to_owned(), "casl.headers".to_owned()].into());
    assert_eq!((basis.rules_version, &basis.rules_digest), (rules.version(), rules.digest()));
    assert_eq!(
        basis.rests_on.iter().map(|r| (r.fact, r.entry)).collect::<Vec<_>>(),
        [(Fact::ExistingCustomer, Some(0))]
    );
    let text = serde_json::to_string(&basis).unwrap();
    assert_eq!(serde_json::from_str::<Basis>(&text).unwrap(), basis);
}

#[test]
fn a_rule_that_only_adds_conditions_allows_nothing() {
    let condition = "[[rule]]
id = \"only.condition\"
regime = \"R\"
applies_to = [\"CH\"]
channels = [\"email\"]
purposes = [\"outreach\"]
requires = { all_of = [\"no_profiling_opt_out\"], message = [\"sender_identity\"] }
source = \"s\"
as_of = \"2026-11-22\"
checked = \"memory\"
note = \"n\"
";
    let shipped = include_str!("../../assets/rules.toml");
    let rules = |more: &str| Rules::parse(&format!("{shipped}\n{condition}{more}")).unwrap();
    let to = somebody(
        &["CH"],
        Subscriber::Corporate,
        &[(NOW - 5, given(Channel::Email, Purpose::Outreach, Ground::Express))],
    );
    let asked = |rules: &Rules, channel| says(&policy(rules, &to, channel, Purpose::Outreach, NOW));
    assert_eq!(asked(&rules(""), Channel::Email), "default.uncovered");
    assert_eq!(asked(&rules(""), Channel::Sms), "default.uncovered");
    let basis = condition
        .replace("only.condition", "basis")
        .replace("all_of = [\"no_profiling_opt_out\"]", "any_of = [\"express_consent\"]");
    assert_eq!(asked(&rules(&basis), Channel::Email), "allow");
}

/// Every place of the file and three that are not in it, every channel, purpose, subscriber and ground: whoever is stopped is
/// refused whatever else holds; no place is open for machines without consent; what nobody wrote down allows nothing but
/// what rests on no opt-out; each refusal says why and each permission names its rules.
#[test]
fn everything_at_once() {
    let rules = Rules::shipped();
    let mut places: BTreeSet<Region> = rules.all().iter().flat_map(|r| r.applies_to.iter().cloned()).collect();
    places.extend(["BR", "ZZ", "US-ZZ"].map(region));
    let grounds = [
        None,
        Some(Ground::Express),
        Some(Ground::Written),
        Some(Ground::Customer),
        Some(Ground::Inquiry),
        Some(Ground::Published),
        Some(Ground::SoftOptIn),
        Some(Ground::Agreed),
        Some(Ground::RegisterChecked),
    ];
    let mut seen = 0;
    for place in &places {
        for (channel, purpose) in Channel::ALL.into_iter().flat_map(|c| Purpose::ALL.map(|p| (c, p))) {
            for ground in grounds {
                let history: Vec<_> = ground.map(|g| (NOW - 5, given(channel, purpose, g))).into_iter().collect();
                for whose in [Subscriber::Corporate, Subscriber::Individual, Subscriber::Unknown] {
                    let mut to = somebody(&[place.as_str()], whose, &history);
                    let decision = policy(&rules, &to, channel, purpose, NOW);
                    let case = format!("{place} {channel:?} {purpose:?} {ground:?} {whose:?}: {decision:?}");
                    match &decision {
                        Decision::Allow { basis } => {
                            assert!(
                                rules.knows(place) && !basis.rules.is_empty() && !basis.rests_on.is_empty(),
                                "{case}"
                            );
                            let consent = matches!(ground, Some(Ground::Express | Ground::Written));
                            assert!(channel != Channel::AiCall || consent, "{case}");
                            assert!(ground.is_some() || place.country() == "US", "{case}");
                        }
                        Decision::Deny { rule, why } => assert!(!rule.is_empty() && !why.is_empty(), "{case}"),
                    }
                    to.standing.stops = somebody(
                        &[place.as_str()],
                        whose,
                        &[(NOW, What::Suppressed { reason: Reason::Unsubscribe, channel: None, only_there: false })],
                    )
                    .standing
                    .stops;
                    assert_eq!(says(&policy(&rules, &to, channel, purpose, NOW)), "suppression", "{case}");
                    seen += 1;
                }
            }
        }
    }
    assert_eq!(seen, places.len() * 15 * 9 * 3);
}
