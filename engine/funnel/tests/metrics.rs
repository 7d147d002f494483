//! What must not be measured cannot be registered, whatever it is called; what may be, can.
#![allow(clippy::unwrap_used)]

use reframe_funnel::metrics::{Ban, Metric, MetricError, MetricKind, Registry};

fn metric(id: &str, title: &str, of: &str) -> Metric {
    Metric { id: id.into(), title: title.into(), kind: MetricKind::Count, of: of.into(), per: None }
}

#[test]
fn a_banned_number_is_refused_with_why_and_what_instead() {
    for (id, ban, why, instead) in [
        ("messages_sent", Ban::MessagesSent, "friction", "qualified_meetings"),
        ("suggestions_accepted", Ban::SuggestionsAccepted, "decision changed", "decisions_changed"),
        ("week_6_satisfaction", Ban::Satisfaction, "polite", "win_rate"),
        ("open_rate", Ban::Opens, "machines", "reply_rate"),
        ("clicks", Ban::Clicks, "machines", "reply_rate"),
    ] {
        let mut registry = Registry::standard();
        let before = registry.metrics().count();
        let error = registry.register(metric(id, "Something", "something")).unwrap_err();
        assert_eq!(error, MetricError::Banned { name: id.into(), ban });
        let says = error.to_string();
        assert!(says.contains(why) && says.contains(instead), "{says}");
        let named = instead;
        assert!(registry.metrics().any(|m| m.id == named), "{named} is there to be measured instead");
        assert_eq!(registry.metrics().count(), before);
        assert!(
            matches!(registry.value(id, Some(1.0), 1), Err(MetricError::Unknown(_))),
            "and no number of it can be made"
        );
    }
}

#[test]
fn a_harmless_name_does_not_help() {
    let mut registry = Registry::standard();
    for (title, of) in [
        ("Engagement", "Emails sent by the team"),
        ("Emails sent", "engagement"),
        ("Reach", "How often mails were opened"),
    ] {
        assert!(
            matches!(registry.register(metric("engagement", title, of)), Err(MetricError::Banned { .. })),
            "{title}: {of}"
        );
    }
    // What it is divided by may be anything.
    let bounces = Metric {
        kind: MetricKind::Rate,
        per: Some("messages sent".into()),
        ..metric("bounce_rate", "Bounces", "Mails that came back undelivered")
    };
    registry.register(bounces).unwrap();
}

#[test]
fn the_playbooks_metrics_are_there() {
    let mut registry = Registry::standard();
    for id in [
        "pipeline_per_seller",
        "win_rate",
        "time_to_close",
        "forecast_accuracy",
        "decisions_changed",
        "reply_rate",
        "qualified_meetings",
        "opt_out_rate",
        "complaint_rate",
        "workflow_completions",
        "draft_distance",
    ] {
        let metric = registry.metrics().find(|m| m.id == id).cloned().unwrap_or_else(|| panic!("{id} is missing"));
        assert_eq!(registry.register(metric), Err(MetricError::Taken(id.into())));
    }
    let rate = registry.rate("win_rate", 5, 8).unwrap();
    assert_eq!((rate.metric(), rate.value(), rate.n()), ("win_rate", Some(0.625), 8));
    assert!(rate.interval().is_some_and(|(low, high)| low < 0.625 && 0.625 < high));
    assert_eq!(registry.rate("win_rate", 0, 0).unwrap().interval(), None);
    assert!(matches!(registry.value("win_rate", Some(0.5), 2), Err(MetricError::OtherKind(..))));
    assert_eq!(registry.value("time_to_close", Some(f64::NAN), 0).unwrap().value(), None);
    for (bad, kind) in [("Reply Rate", MetricKind::Count), ("", MetricKind::Count), ("a__b", MetricKind::Count)] {
        assert!(
            matches!(registry.register(Metric { kind, ..metric(bad, "T", "o") }), Err(MetricError::BadName(_))),
            "{bad}"
        );
    }
    let rate = Metric { kind: MetricKind::Rate, ..metric("some_rate", "T", "o") };
    assert_eq!(registry.register(rate), Err(MetricError::Undefined("some_rate".into())));
}
