//! Account resolution on labelled pairs: precision and recall, pairwise.
#![allow(clippy::unwrap_used)]

use reframe_signal::identity::{Mention, resolve};
use serde_json::Value;

const PAIRS: &str = include_str!("../../../fixtures/signal/account_pairs.jsonl");

fn mention(key: String, side: &Value) -> Mention {
    let text = |name: &str| side[name].as_str().map(str::to_owned);
    Mention {
        key,
        id: None,
        names: text("name").into_iter().collect(),
        domains: text("domain").into_iter().collect(),
        emails: text("email").into_iter().collect(),
        country: text("country"),
    }
}

#[test]
fn pairs_are_joined_with_precision_before_recall() {
    let pairs: Vec<Value> = PAIRS.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert!(pairs.len() >= 150);
    let (mut both, mut joined, mut same) = (0, 0, 0);
    let mut wrong = Vec::new();
    for pair in &pairs {
        let id = pair["id"].as_str().unwrap();
        let (a, b) = (format!("{id}a"), format!("{id}b"));
        let found = resolve(&[mention(a.clone(), &pair["a"]), mention(b.clone(), &pair["b"])]);
        let (is, says) = (pair["same"].as_bool().unwrap(), found.same(&a, &b));
        both += usize::from(is && says);
        joined += usize::from(says);
        same += usize::from(is);
        if is != says {
            wrong.push(pair.to_string());
        }
    }
    let (precision, recall) = (f64::from(both as u32) / f64::from(joined as u32), both as f64 / same as f64);
    println!("pairs {} same {same}: precision {precision:.3} recall {recall:.3}", pairs.len());
    assert!(precision >= 0.97 && recall >= 0.85, "{precision:.3} {recall:.3}\n{}", wrong.join("\n"));
}

#[test]
fn all_at_once_no_join_crosses_the_pairs_domains() {
    // The same mentions together: transitive joins may not put two domains into one account that no pair puts there.
    let pairs: Vec<Value> = PAIRS.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let different = pairs.iter().filter(|p| p["same"] == false && p["why"] == "the same name, other companies");
    let mut all = Vec::new();
    let mut apart = Vec::new();
    for pair in different {
        let id = pair["id"].as_str().unwrap();
        for (side, key) in [("a", format!("{id}a")), ("b", format!("{id}b"))] {
            all.push(mention(key, &pair[side]));
        }
        // A third that has the name alone must not bridge them.
        let mut bare = mention(format!("{id}c"), &pair["a"]);
        bare.domains.clear();
        bare.emails.clear();
        all.push(bare);
        apart.push(id.to_owned());
    }
    let found = resolve(&all);
    assert!(apart.len() >= 8);
    for id in &apart {
        assert!(!found.same(&format!("{id}a"), &format!("{id}b")), "{id}");
    }
    assert_eq!(found.doubtful.len(), apart.len());
}
