//! Whether the order beats the newest signal and chance, on deals that came later than those it was fitted on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    chance::{Chance, of_text},
    warmth::{Case, Weights},
};

/// Times the accounts are drawn anew.
const DRAWS: usize = 1_000;
/// Least number of wins and of losses among the deals it is measured on.
const LEAST: usize = 20;

/// A number with its interval: the 2.5 and 97.5 hundredths of draws over accounts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// On all deals.
    pub value: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// What the comparison says of one baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Better in precision and in NDCG, both intervals above zero.
    Better,
    /// Anything between.
    NoEvidence,
    /// Worse in both.
    Worse,
}

/// How the order did against two baselines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Deals it was measured on.
    pub deals: usize,
    /// Of these won.
    pub won: usize,
    /// The `k` of precision and NDCG.
    pub k: usize,
    /// Precision and NDCG of the order, of the newest signal first, and of chance.
    pub ours: (f64, f64),
    /// See `ours`.
    pub recency: (f64, f64),
    /// See `ours`: the expectation of precision, and the mean NDCG of the draws.
    pub random: (f64, f64),
    /// Ours minus recency's: precision, NDCG.
    pub over_recency: (Estimate, Estimate),
    /// Ours minus chance's.
    pub over_random: (Estimate, Estimate),
    /// Against the newest signal first.
    pub recency_verdict: Verdict,
    /// Against chance.
    pub random_verdict: Verdict,
    /// What may be said of it.
    pub text: String,
}

/// Holds the weights against deals later than all they were fitted on: each deal is ranked by how warm its account was when
/// it began. `k` is how many of them a team could have worked on. The same seed gives the same numbers.
///
/// Nothing if fewer than 20 of the deals were won or fewer than 20 lost, or `k` is 0.
#[must_use]
pub fn compare(held: &[Case], weights: &Weights, k: usize, seed: u64) -> Option<Comparison> {
    let won = held.iter().filter(|c| c.won).count();
    if won < LEAST || held.len() - won < LEAST || k == 0 {
        return None;
    }
    let mut accounts: BTreeMap<&str, usize> = BTreeMap::new();
    for case in held {
        let n = accounts.len();
        accounts.entry(&case.account).or_insert(n);
    }
    let of: Vec<usize> = held.iter().map(|c| accounts[c.account.as_str()]).collect();
    let score = |c: &Case| c.events.iter().map(|(kind, age)| weights.milli(*kind, *age)).sum::<i64>();
    let newest = |c: &Case| c.events.iter().map(|(_, age)| -age).max().unwrap_or(i64::MIN);
    // Equals are put in an order that has nothing to do with how deals ended.
    let sorted = |key: &dyn Fn(&Case) -> i64| {
        let mut all: Vec<(i64, u64, usize)> =
            held.iter().enumerate().map(|(i, c)| (-key(c).max(-i64::MAX), of_text(&c.deal), i)).collect();
        all.sort_unstable();
        all.into_iter().map(|(_, _, i)| i).collect::<Vec<_>>()
    };
    let (ours, recency) = (sorted(&score), sorted(&newest));
    let mut chance = Chance::new(seed);
    let mut shuffled: Vec<usize> = (0..held.len()).collect();
    let mut times = vec![1_u32; accounts.len()];
    let value = |order: &[usize], times: &[u32]| measure(order, held, &of, times, k);
    let whole = (value(&ours, &times), value(&recency, &times));
    let mut draws: [Vec<f64>; 4] = Default::default();
    let mut random_ndcg = 0.0;
    for _ in 0..DRAWS {
        times.fill(0);
        for _ in 0..times.len() {
            let drawn = chance.below(times.len());
            times[drawn] += 1;
        }
        for i in (1..shuffled.len()).rev() {
            shuffled.swap(i, chance.below(i + 1));
        }
        let (a, b, c) = (value(&ours, &times), value(&recency, &times), value(&shuffled, &times));
        for (list, x) in draws.iter_mut().zip([a.0 - b.0, a.1 - b.1, a.0 - c.0, a.1 - c.1]) {
            list.push(x);
        }
        random_ndcg += c.1 / DRAWS as f64;
    }
    let base = won as f64 / held.len() as f64;
    let random = (base, random_ndcg);
    let [p_recency, n_recency, p_random, n_random] = draws;
    let over_recency = (interval(whole.0.0 - whole.1.0, p_recency), interval(whole.0.1 - whole.1.1, n_recency));
    let over_random = (interval(whole.0.0 - random.0, p_random), interval(whole.0.1 - random.1, n_random));
    let (recency_verdict, random_verdict) = (verdict(over_recency), verdict(over_random));
    let text = words(held.len(), won, k, (recency_verdict, over_recency), (random_verdict, over_random));
    Some(Comparison {
        deals: held.len(),
        won,
        k,
        ours: whole.0,
        recency: whole.1,
        random,
        over_recency,
        over_random,
        recency_verdict,
        random_verdict,
        text,
    })
}

/// Precision and NDCG of the first `k`, each deal counting as often as its account was drawn.
fn measure(order: &[usize], held: &[Case], of: &[usize], times: &[u32], k: usize) -> (f64, f64) {
    let discount = |place: usize| 1.0 / ((place + 2) as f64).log2();
    let (mut place, mut hits, mut gain) = (0, 0, 0.0);
    for i in order {
        for _ in 0..times[of[*i]] {
            if place < k && held[*i].won {
                hits += 1;
                gain += discount(place);
            }
            place += 1;
        }
        if place >= k {
            break;
        }
    }
    let won: usize = held.iter().zip(of).filter(|(c, _)| c.won).map(|(_, a)| times[*a] as usize).sum();
    let best: f64 = (0..won.min(k)).map(discount).sum();
    let shown = place.min(k).max(1);
    (f64::from(hits) / shown as f64, if best > 0.0 { gain / best } else { 0.0 })
}

fn interval(value: f64, mut draws: Vec<f64>) -> Estimate {
    draws.sort_by(f64::total_cmp);
    let at = |share: f64| draws[((draws.len() - 1) as f64 * share).round() as usize];
    Estimate { value, low: at(0.025), high: at(0.975) }
}

fn verdict((precision, ndcg): (Estimate, Estimate)) -> Verdict {
    if precision.low > 0.0 && ndcg.low > 0.0 {
        Verdict::Better
    } else if precision.high < 0.0 && ndcg.high < 0.0 {
        Verdict::Worse
    } else {
        Verdict::NoEvidence
    }
}

type Against = (Verdict, (Estimate, Estimate));

fn words(deals: usize, won: usize, k: usize, recency: Against, random: Against) -> String {
    let say = |(verdict, (p, n)): Against, than: &str| {
        let what = match verdict {
            Verdict::Better => "better than",
            Verdict::NoEvidence => "no evidence that it is better than",
            Verdict::Worse => "worse than",
        };
        format!(
            "{what} {than} (precision {:+.3} [{:+.3}, {:+.3}], NDCG {:+.3} [{:+.3}, {:+.3}])",
            p.value, p.low, p.high, n.value, n.low, n.high
        )
    };
    format!(
        "On {deals} later deals, {won} won, the first {k}: {}; {}.",
        say(recency, "the newest signal first"),
        say(random, "chance")
    )
}
