//! Times the daily feed on 800 accounts, 100,000 events and 5,000 deals: `cargo run --release -p reframe-signal --example
//! feed_speed`.

#![allow(clippy::disallowed_methods)] // The library knows no clock; a measurement needs one.

use std::time::Instant;

use jiff::tz::TimeZone;
use reframe_signal::{
    event::{AccountHint, DAY_MS, Raw, SignalEvent, SignalKind, dedupe},
    feed::{AccountRecord, FeedInput, feed},
    icp::{Firmographics, ListField, NumberField, TextField, read},
    rank::{Capacity, compare},
    stakeholders::{Known, stakeholders},
    warmth::{PastDeal, Weights, cases, fit},
};
use reframe_workflow::system::{RecordKind, RecordRef};

const ACCOUNTS: u64 = 800;
const EVENTS: u64 = 100_000;
const DEALS: u64 = 5_000;
const DAY: &str = "2026-05-05";

struct Chance(u64);

impl Chance {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let icp = read(include_bytes!("../assets/icp.example.json"))?;
    let now: i64 = DAY.parse::<jiff::civil::Date>()?.to_zoned(TimeZone::UTC)?.timestamp().as_millisecond();
    let mut chance = Chance(7);
    let accounts: Vec<AccountRecord> = (0..ACCOUNTS).map(|i| account(i, &mut chance)).collect();
    let began = Instant::now();
    let mut events = (0..EVENTS).map(|i| event(i, now, &mut chance)).collect::<Result<Vec<_>, _>>()?;
    let doubles = dedupe(&mut events);
    println!("events made, hashed and deduplicated: {} ms ({doubles} doubles)", began.elapsed().as_millis());
    let deals: Vec<PastDeal> = (0..DEALS).map(|i| deal(i, now, &mut chance)).collect();

    let began = Instant::now();
    let by_account = || {
        events.iter().map(|e| {
            let domain = e.account.domain.as_deref().or(e.account.name.as_deref()).unwrap_or_default();
            (domain, e)
        })
    };
    let all = cases(&deals, by_account());
    let (past, later) = all.split_at(all.len() * 7 / 10);
    println!("cases: {} ms", began.elapsed().as_millis());
    let began = Instant::now();
    let weights = fit(past, &Weights::of_icp(&icp, "nothing fitted yet"));
    println!("weights fitted on {} deals: {} ms ({})", past.len(), began.elapsed().as_millis(), weights.basis);
    let began = Instant::now();
    if let Some(compared) = compare(later, &weights, later.len() / 10, 1) {
        println!("compared: {} ms. {}", began.elapsed().as_millis(), compared.text);
    }
    let input = FeedInput {
        day: DAY.parse()?,
        zone: &TimeZone::UTC,
        accounts: &accounts,
        events: &events,
        icp: &icp,
        weights: &weights,
        capacity: &Capacity::default(),
        cap: 25,
    };
    for _ in 0..3 {
        let began = Instant::now();
        let made = feed(input);
        println!("daily feed: {} ms ({} cards)", began.elapsed().as_millis(), made.cards.len());
    }
    Ok(())
}

fn account(i: u64, chance: &mut Chance) -> AccountRecord {
    let mut facts = Firmographics::default();
    facts.texts.insert(TextField::Industry, if chance.below(2) == 0 { "software" } else { "retail" }.into());
    facts.numbers.insert(NumberField::Employees, 10 + chance.below(3_000).cast_signed());
    facts.lists.insert(ListField::Tags, Default::default());
    let title = ["VP Sales", "Sales Enablement Manager", "CTO", "General Counsel", "Account Executive"];
    let known: Vec<Known> =
        title.iter().map(|t| Known { name: format!("{t} {i}"), title: Some((*t).to_owned()), vouched: true }).collect();
    AccountRecord {
        at: RecordRef { system: "local".into(), kind: RecordKind::Company, id: i.to_string() },
        name: format!("Company {i}"),
        domains: vec![format!("company{i}.example")],
        emails: vec![format!("jo@company{i}.example")],
        facts,
        owner: None,
        people: stakeholders(&known, &[]),
    }
}

fn event(i: u64, now: i64, chance: &mut Chance) -> Result<SignalEvent, reframe_signal::event::NotAnEvent> {
    // Domains and, for one in ten, the name alone; one in fifty of a company that is on no record.
    let of = chance.below(ACCOUNTS * 51 / 50);
    let domain = format!("company{of}.example");
    let account = if i.is_multiple_of(10) {
        AccountHint::name(&format!("Company {of} Inc."))
    } else {
        AccountHint::domain(&domain)
    };
    SignalEvent::new(Raw {
        kind: SignalKind::ALL[chance.below(12) as usize],
        account,
        person: None,
        at_unix_ms: now - (chance.below(365 * 1_440) * 60_000).cast_signed(),
        url: Some(format!("https://{domain}/{i}")),
        title: format!("Something of note happened at company {of}, item {}", chance.below(1_000)),
        excerpt: "A passage of some two hundred characters, as it would stand in a report on what happened. ".repeat(2),
        source: "made".into(),
        amount: None,
    })
}

fn deal(i: u64, now: i64, chance: &mut Chance) -> PastDeal {
    PastDeal {
        id: i.to_string(),
        account: format!("company{}.example", chance.below(ACCOUNTS)),
        opened_unix_ms: now - chance.below(300).cast_signed() * DAY_MS,
        won: chance.below(4) == 0,
    }
}
