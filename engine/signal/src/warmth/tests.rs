//! Decay, additivity, and planted effects that must be found again.

use proptest::prelude::*;

use super::*;
use crate::{chance::Chance, testing::event};

const NOW: i64 = 1_780_000_000_000;

fn some_events(picks: &[(usize, i64)]) -> Vec<SignalEvent> {
    picks
        .iter()
        .enumerate()
        .map(|(n, (kind, age))| event(SignalKind::ALL[kind % 13], "acme.example", NOW - age, &format!("event {n}")))
        .collect()
}

proptest! {
    #[test]
    fn parts_sum_to_the_number_and_sets_add_up(
        a in prop::collection::vec((0_usize..13, 0_i64..200 * DAY_MS), 0..20),
        b in prop::collection::vec((0_usize..13, 0_i64..200 * DAY_MS), 0..20),
    ) {
        let weights = Weights::defaults("test");
        let all = some_events(&[a.clone(), b.clone()].concat());
        let (first, second) = all.split_at(a.len());
        let whole = warmth(&all, &weights, NOW);
        prop_assert_eq!(whole.milli, whole.contributions.iter().map(|c| c.milli).sum::<i64>());
        prop_assert_eq!(whole.milli, warmth(first, &weights, NOW).milli + warmth(second, &weights, NOW).milli);
    }

    #[test]
    fn without_news_nothing_gets_warmer(
        picks in prop::collection::vec((0_usize..13, 0_i64..200 * DAY_MS), 1..20),
        wait in 1_i64..100 * DAY_MS,
    ) {
        let weights = Weights::defaults("test");
        let events: Vec<_> = some_events(&picks).into_iter().filter(|e| e.kind != SignalKind::Layoffs).collect();
        prop_assert!(warmth(&events, &weights, NOW + wait).milli <= warmth(&events, &weights, NOW).milli);
    }
}

#[test]
fn a_half_life_halves_and_the_future_counts_nothing() {
    let weights = Weights::defaults("test");
    let visit = SignalKind::WebsiteVisit;
    assert_eq!(weights.milli(visit, 0), 6_000);
    assert_eq!(weights.milli(visit, 3 * DAY_MS), 3_000);
    // The vendor's claim that the default rests on: day 1 is four times day 7.
    assert_eq!(weights.milli(visit, DAY_MS) / weights.milli(visit, 7 * DAY_MS), 4);
    assert_eq!(weights.milli(visit, -1), 0);
}

/// Deals whose chance follows planted weights (log-odds) and half-lives; none: pure chance.
fn history(seed: u64, n: usize, planted: &[(SignalKind, f64, f64)]) -> Vec<Case> {
    let mut chance = Chance::new(seed);
    let kinds = [SignalKind::Funding, SignalKind::WebsiteVisit, SignalKind::Hiring];
    (0..n)
        .map(|i| {
            let mut events = Vec::new();
            for kind in kinds {
                for _ in 0..chance.below(4) {
                    events.push((kind, (chance.unit() * 60.0 * DAY_MS as f64) as i64));
                }
            }
            let effect: f64 = planted
                .iter()
                .map(|(kind, w, h)| {
                    w * events.iter().filter(|(k, _)| k == kind).map(|(_, age)| left(*age, *h)).sum::<f64>()
                })
                .sum();
            let won = chance.unit() < 1.0 / (1.0 + (1.5 - effect).exp());
            Case { deal: i.to_string(), account: format!("a{}", i % (n / 3)), at_unix_ms: NOW + i as i64, won, events }
        })
        .collect()
}

#[test]
fn a_planted_half_life_and_planted_weights_are_found_again() {
    let planted = [(SignalKind::Funding, 1.5, 30.0), (SignalKind::WebsiteVisit, 3.0, 5.0)];
    let fitted = fit(&history(7, 4_000, &planted), &Weights::defaults(""));
    assert!(matches!(fitted.basis, Basis::Fitted { .. }), "{}", fitted.basis);
    let (funding, visit, hiring) =
        (fitted.of(SignalKind::Funding), fitted.of(SignalKind::WebsiteVisit), fitted.of(SignalKind::Hiring));
    assert!((14.0..=60.0).contains(&funding.1), "{funding:?}");
    assert!((3.0..=10.0).contains(&visit.1), "{visit:?}");
    // Twice the log-odds is twice the points, and what has no effect has next to none.
    assert!((1.4..=2.8).contains(&(visit.0 / funding.0)), "{visit:?} {funding:?}");
    assert!(hiring.0.abs() < 0.25 * funding.0, "{hiring:?} {funding:?}");
    // A kind that never occurred keeps what it had.
    assert_eq!(fitted.of(SignalKind::Launch), Weights::defaults("").of(SignalKind::Launch));
}

#[test]
fn without_enough_history_or_without_effect_it_says_defaults() {
    let planted = [(SignalKind::Funding, 1.5, 30.0)];
    let few = fit(&history(1, 120, &planted), &Weights::defaults(""));
    assert!(few.basis.to_string().starts_with("defaults: "), "{}", few.basis);
    assert!(few.basis.to_string().contains("fitted from 50 won and 150 lost"));
    let nothing = (1..=8).filter(|seed| {
        let fitted = fit(&history(*seed, 900, &[]), &Weights::defaults(""));
        matches!(fitted.basis, Basis::Fitted { .. })
    });
    assert!(nothing.count() <= 1, "chance is taken for an effect");
}

#[test]
fn what_happened_after_a_deal_began_is_not_in_its_case() {
    let deal = PastDeal { id: "d".into(), account: "acme".into(), opened_unix_ms: NOW, won: true };
    let events = some_events(&[(1, -DAY_MS), (1, 0), (2, DAY_MS), (3, 400 * DAY_MS)]);
    let made = cases(&[deal], events.iter().map(|e| ("acme", e)));
    assert_eq!(made[0].events, [(SignalKind::WebsiteVisit, DAY_MS)]);
}
