//! Each layer's usual fault is found in a fixture that has it, and in none that has not.
#![allow(clippy::unwrap_used)]

use reframe_funnel::doctor::{Layer, Severity, Vitals, doctor, text};
use serde_json::{Value, json};

/// A stack without a fault.
fn well() -> Value {
    json!({
        "data": {
            "sources": [
                { "name": "hubspot", "unified": true, "source_of_truth": true },
                { "name": "product usage", "unified": true, "source_of_truth": false }
            ],
            "records": 1000, "resolved": 980
        },
        "identity": { "scored": 800, "unexplained": 0, "scored_hours_ago": 9 },
        "runtime": {
            "tasks": [
                { "name": "reply_class", "complex": false, "model": "small" },
                { "name": "first_touch", "complex": true, "model": "large" }
            ],
            "cheapest": "small", "drafts": 100, "held_back": 12
        },
        "engagement": { "channels": [{ "name": "email", "in_ledger": true, "touches": 90, "recorded": 90 }] },
        "conversation": { "meetings": 40, "recorded": 36, "sellers": 8, "active": 8 },
        "forecast": { "inputs": ["stage", "commit", "conversation"], "days_old": 3 },
        "observability": {
            "entries": 500, "chain_whole": true, "writes": 60, "unapproved": 0, "own_identity": true, "streamed": true
        }
    })
}

fn vitals(change: &[(&str, Value)]) -> Vitals {
    let mut all = well();
    for (at, value) in change {
        *all.pointer_mut(at).unwrap() = value.clone();
    }
    serde_json::from_value(all).unwrap()
}

#[test]
fn each_gotcha_is_found_in_its_fixture_and_nowhere_else() {
    assert_eq!(doctor(&vitals(&[])), []);
    let cheap = json!([
        { "name": "reply_class", "complex": false, "model": "small" },
        { "name": "first_touch", "complex": true, "model": "small" }
    ]);
    let linkedin = json!([
        { "name": "email", "in_ledger": true, "touches": 90, "recorded": 90 },
        { "name": "linkedin", "in_ledger": false, "touches": 0, "recorded": 0 }
    ]);
    for (layer, id, change) in [
        (Layer::Data, "silos", vec![("/data/sources/1/unified", json!(false))]),
        (Layer::Data, "silos", vec![("/data/sources/0/source_of_truth", json!(false))]),
        (Layer::Data, "silos", vec![("/data/sources/1/source_of_truth", json!(true))]),
        (Layer::Identity, "unexplained", vec![("/identity/unexplained", json!(1))]),
        (Layer::Runtime, "one_tier", vec![("/runtime/tasks", cheap)]),
        (Layer::Engagement, "silo", vec![("/engagement/channels", linkedin)]),
        (Layer::Engagement, "silo", vec![("/engagement/channels/0/recorded", json!(89))]),
        (Layer::Conversation, "adoption", vec![("/conversation/recorded", json!(19))]),
        (Layer::Conversation, "adoption", vec![("/conversation/active", json!(3))]),
        (Layer::Forecast, "stage_only", vec![("/forecast/inputs", json!(["stage"]))]),
        (Layer::Forecast, "stage_only", vec![("/forecast/inputs", json!(["stage", "history"]))]),
        (Layer::Observability, "no_trail", vec![("/observability/entries", json!(0))]),
        (Layer::Observability, "no_trail", vec![("/observability/unapproved", json!(1))]),
        (Layer::Observability, "broken_chain", vec![("/observability/chain_whole", json!(false))]),
        (Layer::Observability, "identity", vec![("/observability/own_identity", json!(false))]),
    ] {
        let found = doctor(&vitals(&change));
        assert_eq!(found.len(), 1, "{change:?}: {found:?}");
        let f = &found[0];
        assert_eq!((f.layer, f.id.as_str(), f.severity), (layer, id, Severity::Gotcha), "{change:?}");
        assert!(!f.todo.is_empty() && text(&found).contains(layer.gotcha()), "{f:?}");
    }
}

#[test]
fn what_is_only_weak_is_a_warning() {
    for (layer, id, change) in [
        (Layer::Data, "identity", ("/data/resolved", json!(949))),
        (Layer::Identity, "old_scores", ("/identity/scored_hours_ago", json!(37))),
        (Layer::Runtime, "quality", ("/runtime/held_back", json!(30))),
        (Layer::Conversation, "adoption", ("/conversation/recorded", json!(31))),
        (Layer::Forecast, "old_forecast", ("/forecast/days_old", json!(8))),
        (Layer::Observability, "one_copy", ("/observability/streamed", json!(false))),
    ] {
        let found = doctor(&vitals(&[change]));
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].layer, found[0].id.as_str(), found[0].severity), (layer, id, Severity::Warning));
    }
    for (at, value) in [
        ("/data/resolved", json!(950)),
        ("/identity/scored_hours_ago", json!(36)),
        ("/runtime/held_back", json!(29)),
        ("/conversation/recorded", json!(32)),
        ("/forecast/days_old", json!(7)),
    ] {
        assert_eq!(doctor(&vitals(&[(at, value)])), [], "{at}");
    }
}

#[test]
fn what_nobody_looked_at_is_not_well() {
    let found = doctor(&Vitals::default());
    let layers: Vec<Layer> = found.iter().map(|f| f.layer).collect();
    assert_eq!(layers, Layer::ALL);
    assert!(found.iter().all(|f| f.severity == Severity::Unknown));
    assert_eq!(text(&found).matches("not known\n").count(), 7);
    // Rules alone are no cheap model.
    let rules = json!([{ "name": "first_touch", "complex": true, "model": null }]);
    assert_eq!(doctor(&vitals(&[("/runtime/tasks", rules)])), []);
    // The worst comes first.
    let both = doctor(&vitals(&[("/observability/streamed", json!(false)), ("/forecast/inputs", json!(["stage"]))]));
    assert_eq!(both.iter().map(|f| f.severity).collect::<Vec<_>>(), [Severity::Gotcha, Severity::Warning]);
}
