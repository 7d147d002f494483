//! The feed: capped, the same every time, every sentence cited, exclusion and stale profiles heard.

use reframe_workflow::{
    system::RecordKind,
    verify::{Sources, check_all},
};

use super::*;
use crate::{
    event::{AccountHint, DAY_MS},
    icp::{self, ListField, TextField},
    rank::Load,
    stakeholders::{Known, stakeholders},
    testing::event,
};

fn account(id: &str, name: &str, domain: &str) -> AccountRecord {
    let mut facts = Firmographics::default();
    facts.texts.insert(TextField::Industry, "software".into());
    facts.numbers.insert(NumberField::Employees, 200);
    facts.numbers.insert(NumberField::Sellers, 20);
    facts.lists.insert(ListField::Tech, ["hubspot".to_owned()].into());
    facts.lists.insert(ListField::Tags, BTreeSet::new());
    let known = [Known { name: "Jo Lind".into(), title: Some("Head of Sales Enablement".into()), vouched: true }];
    AccountRecord {
        at: RecordRef { system: "local".into(), kind: RecordKind::Company, id: id.into() },
        name: name.into(),
        domains: vec![domain.into()],
        emails: vec![],
        facts,
        owner: Some("kim".into()),
        people: stakeholders(&known, &[]),
    }
}

struct World {
    accounts: Vec<AccountRecord>,
    events: Vec<SignalEvent>,
    icp: Icp,
    capacity: Capacity,
    zone: TimeZone,
}

fn world() -> World {
    let icp = icp::read(include_bytes!("../../assets/icp.example.json")).unwrap();
    let noon = begins("2026-05-04".parse().unwrap(), &TimeZone::UTC) + DAY_MS / 2;
    let mut accounts = vec![
        account("1", "Acme GmbH", "acme.example"),
        account("2", "Apex", "apex.example"),
        account("3", "Birch", "birch.example"),
        account("4", "Cedar", "cedar.example"),
    ];
    accounts[2].facts.lists.insert(ListField::Tags, ["competitor".to_owned()].into());
    let mut by_name = event(SignalKind::Funding, "x.example", noon - DAY_MS, "Acme raises 12M");
    by_name.account = AccountHint::name("ACME");
    let events = vec![
        event(SignalKind::Funding, "acme.example", noon - DAY_MS, "Acme raises 12M"),
        // The same report under the account's name: counts once.
        by_name,
        event(SignalKind::Layoffs, "acme.example", noon - 200 * DAY_MS, "Acme lets 5 people go"),
        event(SignalKind::NewHire, "www.apex.example", noon - 2 * DAY_MS, "Jane Roe joins as CRO"),
        event(SignalKind::NewHire, "birch.example", noon - DAY_MS, "Birch hires a CRO"),
        event(SignalKind::WebsiteVisit, "stranger.example", noon - DAY_MS, "visited /pricing"),
        event(SignalKind::NewHire, "cedar.example", noon + DAY_MS, "Cedar hires a CRO"),
    ];
    World { accounts, events, icp, capacity: Capacity::default(), zone: TimeZone::UTC }
}

impl World {
    fn feed(&self, day: &str, cap: usize) -> Feed {
        let weights = Weights::of_icp(&self.icp, "test");
        feed(FeedInput {
            day: day.parse().unwrap(),
            zone: &self.zone,
            accounts: &self.accounts,
            events: &self.events,
            icp: &self.icp,
            weights: &weights,
            capacity: &self.capacity,
            cap,
        })
    }
}

#[test]
fn every_card_cites_events_that_say_so_and_its_numbers_add_up() {
    let world = world();
    let feed = world.feed("2026-05-05", 10);
    let items: Vec<(String, String)> = world.events.iter().map(|e| (e.id.clone(), e.text())).collect();
    let names: Vec<&str> = feed.cards.iter().map(|c| c.body.name.as_str()).collect();
    assert_eq!(names, ["Apex", "Acme GmbH"]);
    for card in &feed.cards {
        assert!(card.is_genuine(Kind::SignalCard));
        let card = &card.body;
        let claims: Vec<&Claim> = card.reasons.iter().chain(&card.rationale).collect();
        assert!(!card.reasons.is_empty());
        assert_eq!(check_all(&claims, Sources { items: &items, ..Sources::default() }), []);
        let score = card.score.as_ref().unwrap();
        let sum = |parts: &[SignalPart]| parts.iter().map(|p| p.milli).sum::<i64>();
        assert_eq!((sum(&score.fit), sum(&score.warmth)), (score.fit_milli, score.warmth_milli));
        assert_eq!(score.milli, score.fit_milli * score.warmth_milli * score.capacity_milli / 1_000_000);
        assert_eq!(card.opening.as_ref().unwrap().name, "Jo Lind");
    }
    let acme = feed.cards[1].body.rationale.as_ref().unwrap().text();
    assert!(acme.contains("funding \"Acme raises 12M\" (1 day ago, 100 % of the warmth)"), "{acme}");
    assert!(acme.contains("Against it: layoffs"), "{acme}");
    // One funding, one layoff: the double is gone.
    assert_eq!(feed.cards[1].body.score.as_ref().unwrap().warmth.len(), 2);
}

#[test]
fn exclusion_no_signal_strangers_and_the_cap() {
    let mut world = world();
    let feed = world.feed("2026-05-05", 1);
    assert_eq!(feed.cards.len(), 1);
    let why: Vec<(&str, &Why)> = feed.removed().iter().map(|r| (r.name.as_str(), &r.why)).collect();
    assert!(matches!(why[0], ("Acme GmbH", Why::BeyondCap { place: 2 })), "{why:?}");
    assert!(matches!(why[1], ("Birch", Why::Excluded { .. })), "{why:?}");
    // Cedar's hire comes tomorrow: today nothing speaks for it.
    assert_eq!(why[2], ("Cedar", &Why::Pass));
    assert_eq!(feed.row(&world.accounts[3].at).as_deref(), Some("PASS"));
    assert_eq!(feed.strangers, [("domain:stranger.example".to_owned(), 1)]);
    assert_eq!(world.feed("2026-05-06", 1).cards[0].body.name, "Cedar");
    world.capacity.owners.insert("kim".into(), Load { busy: 5, most: 5 });
    assert!(world.feed("2026-05-05", 10).cards.is_empty());
    world.capacity.owners.clear();
    for i in 0..300 {
        let domain = format!("many{i}.example");
        world.accounts.push(account(&format!("m{i}"), &format!("Many {i}"), &domain));
        world.events.push(event(SignalKind::Funding, &domain, world.events[0].at_unix_ms, "raises 1M"));
    }
    assert_eq!(world.feed("2026-05-05", usize::MAX).cards.len(), MOST_CARDS);
}

#[test]
fn a_day_made_twice_or_from_another_order_is_the_same() {
    let mut world = world();
    let first = world.feed("2026-05-05", 10);
    assert_eq!(first, world.feed("2026-05-05", 10));
    world.events.reverse();
    world.accounts.reverse();
    let again = world.feed("2026-05-05", 10);
    assert_eq!(first.cards, again.cards);
    assert_eq!(first.removed(), again.removed());
    assert_ne!(first.cards[0].id, world.feed("2026-05-06", 10).cards[0].id);
}

#[test]
fn two_records_of_one_account_share_its_events_once_and_are_told_of() {
    let mut world = world();
    world.accounts.push(account("9", "Apex Ltd", "www.apex.example"));
    let feed = world.feed("2026-05-05", 10);
    assert_eq!(feed.cards.iter().filter(|c| c.body.name.starts_with("Apex")).count(), 1);
    assert_eq!(feed.warnings, ["local:company/2 and local:company/9 seem to be one account: merge them in the CRM"]);
    assert!(feed.cards.iter().all(|c| c.body.warnings.is_empty()));
    // The same id in another system is another account.
    world.accounts[4] = account("1", "Quite Another", "another.example");
    world.accounts[4].at.system = "hubspot".into();
    assert!(world.feed("2026-05-05", 10).warnings.is_empty());
}

#[test]
fn a_stale_profile_is_said_on_every_card_and_an_unknown_exclusion_too() {
    let mut world = world();
    assert!(world.feed("2026-05-05", 10).warnings.is_empty());
    let late = world.feed("2026-07-20", 10);
    assert!(late.warnings[0].contains("refresh it"));
    assert!(!late.cards.is_empty() && late.cards.iter().all(|c| c.body.warnings.contains(&late.warnings[0])));
    world.accounts[0].facts.lists.remove(&ListField::Tags);
    let unsure = world.feed("2026-05-05", 10);
    let acme = unsure.cards.iter().find(|c| c.body.name == "Acme GmbH").unwrap();
    assert!(acme.body.warnings[0].contains("exclusion `competitor`"), "{:?}", acme.body.warnings);
}

#[test]
fn the_day_begins_in_the_teams_zone() {
    let mut world = world();
    let day: Date = "2026-03-29".parse().unwrap();
    for (zone, at) in [("Europe/Berlin", "2026-03-28T23:00:00Z"), ("America/New_York", "2026-03-29T04:00:00Z")] {
        world.zone = TimeZone::get(zone).unwrap();
        let at: jiff::Timestamp = at.parse().unwrap();
        assert_eq!(begins(day, &world.zone), at.as_millisecond());
        world.events = vec![event(SignalKind::Funding, "apex.example", at.as_millisecond(), "at the first moment")];
        assert_eq!(world.feed("2026-03-29", 5).cards.len(), 1, "{zone}");
        world.events = vec![event(SignalKind::Funding, "apex.example", at.as_millisecond() + 1, "a moment later")];
        assert_eq!(world.feed("2026-03-29", 5).cards.len(), 0, "{zone}");
    }
}
