//! How long a night's hygiene takes: 5,000 deals with four calls each, on one core. Run it with `--release`.

#[path = "../tests/hygiene_portfolio/mod.rs"]
mod hygiene_portfolio;

use std::time::Instant;

use reframe_workflow::hygiene::{DealView, Rules, review};

/// Deals, and calls of each.
const DEALS: usize = 5_000;
const CALLS: usize = 4;

fn main() {
    let rules = Rules::built_in();
    let history = hygiene_portfolio::history(&rules);
    let cases: Vec<DealView> = hygiene_portfolio::portfolio().into_iter().map(|(c, ..)| c.view).collect();
    let deal = |i: usize| {
        let mut view = cases[i % cases.len()].clone();
        view.deal.at.id = format!("{i}");
        let first = view.calls.first().cloned();
        for n in 1..CALLS {
            view.calls.extend(first.clone().map(|mut call| {
                call.call = format!("call-{i}-{n}");
                call.at_unix_ms -= n as i64 * hygiene_portfolio::DAY_MS;
                call
            }));
        }
        view
    };
    let deals: Vec<DealView> = (0..DEALS).map(deal).collect();
    let calls: usize = deals.iter().map(|d| d.calls.len()).sum();
    let now = hygiene_portfolio::now();
    // A driver may look at a clock; the review itself is given the time.
    #[allow(clippy::disallowed_methods, reason = "this measures")]
    let start = Instant::now();
    let findings = review(&deals, &history, &rules, &now);
    let took = start.elapsed();
    println!("{DEALS} deals, {calls} calls: {} findings in {took:.1?}", findings.len());
}
