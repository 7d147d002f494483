//! What wins, what is left out, and a verdict that is right on a planted effect and on none.

use reframe_workflow::system::RecordKind;

use super::*;
use crate::{
    chance::Chance,
    event::{DAY_MS, SignalKind},
    icp::Judgement,
    warmth::{Case, Warmth, Weights, left},
};
use reframe_workflow::system::RecordRef;

fn candidate(id: &str, fit: i64, warmth: i64, capacity: i64) -> Candidate {
    Candidate {
        account: RecordRef { system: "local".into(), kind: RecordKind::Company, id: id.into() },
        name: id.to_uppercase(),
        judgement: Judgement { version: 1, fit_milli: fit, parts: vec![], excluded: vec![], unsure: vec![] },
        warmth: Warmth { milli: warmth, contributions: vec![] },
        capacity_milli: capacity,
    }
}

#[test]
fn exclusion_and_no_capacity_remove_and_the_reason_is_kept() {
    let mut out = candidate("a", 1_000, 90_000, 1_000);
    out.judgement.excluded = vec![("competitor".into(), "they sell what we sell".into())];
    let all = vec![
        out,
        candidate("b", 1_000, 80_000, 0),
        candidate("c", 500, 40_000, 1_000),
        candidate("d", 1_000, 30_000, 900),
        candidate("e", 1_000, 10_000, 1_000),
        candidate("f", 0, 10_000, 1_000),
        candidate("g", 1_000, -5, 1_000),
    ];
    let ordered = order(all, 2);
    let top: Vec<(&str, i64)> = ordered.top.iter().map(|r| (r.candidate.account.id.as_str(), r.milli)).collect();
    assert_eq!(top, [("d", 27_000), ("c", 20_000)]);
    let why: Vec<(&str, Why)> = ordered.removed.iter().map(|r| (r.account.id.as_str(), r.why.clone())).collect();
    let excluded = Why::Excluded { rule: "competitor".into(), reason: "they sell what we sell".into() };
    assert_eq!(
        why,
        [
            ("a", excluded),
            ("b", Why::NoCapacity),
            ("e", Why::BeyondCap { place: 3 }),
            ("f", Why::NoFit),
            ("g", Why::Pass)
        ]
    );
}

#[test]
fn load_becomes_capacity_and_moves_are_explained() {
    for (busy, most, want) in [(0, 10, 1_000), (5, 10, 500), (10, 10, 0), (12, 10, 0), (0, 0, 0)] {
        assert_eq!(Load { busy, most }.free_milli(), want);
    }
    assert_eq!(Capacity::default().of(None), 1_000);
    let before = order(vec![candidate("a", 900, 10_000, 1_000), candidate("b", 900, 9_000, 1_000)], 2);
    let now = order(vec![candidate("a", 900, 9_900, 500), candidate("b", 900, 9_000, 1_000)], 2);
    let moved = changes(&before, &now);
    assert_eq!(moved[0].because, "capacity went from 1000 to 500 thousandths");
    assert_eq!((moved[0].before, moved[0].now, moved[1].because.as_str()), (Some(1), Some(2), "others moved"));
}

/// Held-out deals. Funding weighs much and fades slowly; visits are new and many and say nothing: recency is led astray.
fn held(seed: u64, n: usize, effect: f64) -> Vec<Case> {
    let mut chance = Chance::new(seed);
    (0..n)
        .map(|i| {
            let mut events: Vec<(SignalKind, i64)> = (0..chance.below(4))
                .map(|_| (SignalKind::WebsiteVisit, (chance.unit() * 10.0 * DAY_MS as f64) as i64))
                .collect();
            events.extend(
                (0..chance.below(3)).map(|_| (SignalKind::Funding, (chance.unit() * 90.0 * DAY_MS as f64) as i64)),
            );
            let funding: f64 =
                events.iter().filter(|(k, _)| *k == SignalKind::Funding).map(|(_, age)| left(*age, 60.0)).sum();
            let won = chance.unit() < 1.0 / (1.0 + (2.0 - effect * funding).exp());
            Case { deal: format!("d{i}"), account: format!("a{}", i / 2), at_unix_ms: i as i64, won, events }
        })
        .collect()
}

#[test]
fn a_planted_effect_is_called_better_and_none_is_called_no_evidence() {
    let weights = Weights::defaults("");
    let good = compare(&held(3, 1_200, 2.0), &weights, 120, 1).unwrap();
    assert_eq!((good.recency_verdict, good.random_verdict), (Verdict::Better, Verdict::Better), "{}", good.text);
    assert!(good.text.contains("better than chance") && !good.text.contains("no evidence"));
    assert_eq!(good, compare(&held(3, 1_200, 2.0), &weights, 120, 1).unwrap());
    let mut wrong = 0;
    for seed in 1..=8 {
        let none = compare(&held(seed, 600, 0.0), &weights, 60, 1).unwrap();
        if none.recency_verdict == Verdict::Better || none.random_verdict == Verdict::Better {
            wrong += 1;
        } else {
            assert!(none.text.contains("no evidence"), "{}", none.text);
        }
    }
    assert!(wrong <= 1, "chance was called better {wrong} times of 8");
    assert!(compare(&held(1, 30, 0.0), &weights, 3, 1).is_none());
}

#[test]
fn precision_and_gain_are_what_they_are_by_hand() {
    // Funding at once, then never: the order is d0, d1, …; wins at places 1 and 3 of 4, k = 3.
    let case = |i: usize, won: bool| Case {
        deal: format!("d{i}"),
        account: format!("a{i}"),
        at_unix_ms: 0,
        won,
        events: vec![(SignalKind::Funding, i as i64 * DAY_MS)],
    };
    let mut all: Vec<Case> = (0..40).map(|i| case(i, i == 0 || i == 2)).collect();
    all.extend((40..60).map(|i| case(i, true)));
    let found = compare(&all, &Weights::defaults(""), 3, 1).unwrap();
    assert!((found.ours.0 - 2.0 / 3.0).abs() < 1e-9);
    let (dcg, best) = (1.0 + 0.5, 1.0 + 1.0 / 3_f64.log2() + 0.5);
    assert!((found.ours.1 - dcg / best).abs() < 1e-9);
    assert!((found.random.0 - 22.0 / 60.0).abs() < 1e-9);
}
