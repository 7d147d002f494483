//! The morning page over a change of the clocks, against a golden text, and over its edges.
#![allow(clippy::unwrap_used)]

use crate::support::*;
use jiff::tz::TimeZone;
use reframe_funnel::{
    gather::log,
    huddle::{Flag, LISTED, Moment, Topic, Turn, WorkWeek, huddle, judge, of_calls, of_log, text, window},
};
use reframe_workflow::{
    artifact::Kind,
    handoff::{CallTranscript, CardMoment, CardOutcome},
    system::RecordKind,
};
use serde_json::json;

fn transcript(started_unix_ms: i64) -> CallTranscript {
    let card =
        |seq, play: &str, at_ms, outcome| CardMoment { seq, play: play.into(), label: "price".into(), at_ms, outcome };
    CallTranscript {
        call: "call-1".into(),
        title: "Intro".into(),
        started_unix_ms,
        zone: "Europe/Berlin".into(),
        deal: None,
        participants: vec![],
        turns: vec![],
        objections: vec![],
        cards: vec![
            card(14, "price_too_high", 90_000, CardOutcome::Used),
            card(20, "price_later", 120_000, CardOutcome::Dismissed),
            card(31, "budget_gone", 700_000, CardOutcome::Used),
        ],
        notes: vec![],
        missing_ms: 0,
    }
}

/// Berlin sets its clocks forward in the night to Sunday, 29 March 2026. The page of Monday covers Friday to Sunday: 71
/// hours. Something lies just before, at and just after each of its ends.
#[test]
fn the_page_over_a_change_of_the_clocks_is_the_golden_one() {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let page = window(at("2026-03-30T06:30:00Z"), &zone, &WorkWeek::default()).unwrap();
    assert_eq!(page.from_unix_ms, at("2026-03-26T23:00:00Z"), "Friday begins in winter time");
    assert_eq!(page.to_unix_ms, at("2026-03-29T22:00:00Z"), "Sunday ends in summer time");

    let mut world = World::default();
    let company = json!(record(RecordKind::Company, "7"));
    let card = world.make(Kind::SignalCard, &[], json!({ "account": company }), at("2026-03-20T08:00:00Z"));
    let draft = world.make(Kind::Draft, &[&card], json!({ "to": "dana" }), at("2026-03-26T09:00:00Z"));
    let late = world.propose(mail("thursday"), &draft, "signal/1", at("2026-03-26T09:00:00Z"));
    world.carry_out(late, at("2026-03-26T22:59:00Z"));
    let sent = world.propose(mail("friday"), &draft, "signal/1", at("2026-03-26T09:00:00Z"));
    world.carry_out(sent, at("2026-03-27T08:00:00Z"));
    let today = world.propose(mail("monday"), &draft, "signal/1", at("2026-03-26T09:00:00Z"));
    world.carry_out(today, at("2026-03-29T22:00:00Z"));
    let body = json!({ "title": "Intro with Dana", "deal": record(RecordKind::Deal, "7") });
    let meeting = world.make(Kind::Meeting, &[&draft], body, at("2026-03-29T01:30:00Z"));

    let moment = |when, topic, links: &[&str], says: &str| Moment {
        at_unix_ms: at(when),
        topic,
        links: links.iter().map(|l| (*l).to_owned()).collect(),
        says: says.into(),
    };
    let mut moments = of_log(&log(world.sources()));
    moments.extend(of_calls(&[transcript(at("2026-03-29T00:59:00Z"))]));
    moments.extend([
        moment("2026-03-29T21:59:59.999Z", Topic::Reply, &["mail/2"], "positive_meeting"),
        moment("2026-03-26T23:00:00Z", Topic::Reply, &["mail/1"], "unsubscribe"),
        moment("2026-03-26T23:00:00Z", Topic::Reply, &["mail/1"], "unsubscribe"),
        moment("2026-03-26T22:59:59.999Z", Topic::Reply, &["mail/0"], "ooo"),
        moment("2026-03-28T10:00:00Z", Topic::Kill, &["draft/9", "local:company/9"], "recent_unsubscribe"),
    ]);
    let deal = |id: &str| record(RecordKind::Deal, id);
    let flags = [Flag {
        deal: deal("7"),
        rule: "risk/no-sponsor".into(),
        link: "proposal-a".into(),
        raised_unix_ms: at("2026-02-20T02:00:00Z"),
        cleared_unix_ms: None,
    }];
    let turns =
        ["7", "8"].map(|id| Turn { deal: deal(id), at_unix_ms: at("2026-03-27T15:00:00Z"), says: "lost".into() });
    moments.extend(judge(&flags, &turns));

    let page = huddle(page, &moments);
    let named = [
        (world.proposals[sent].proposal.id.to_string(), "FRIDAY"),
        (draft.to_string(), "DRAFT"),
        (meeting.to_string(), "MEETING"),
    ];
    let shown = named.iter().fold(text(&page), |text, (id, name)| text.replace(id, name));
    assert_eq!(shown, include_str!("golden/huddle.txt"));
    let n: Vec<u64> = page.lines.iter().map(|l| l.n).collect();
    assert_eq!(n, [1, 2, 1, 1, 2, 1, 1]);
    assert!(page.lines.iter().flat_map(|l| &l.items).all(|m| !m.links.is_empty()), "each can be looked at");
}

#[test]
fn a_page_lists_fifty_and_counts_all() {
    let page = window(at("2026-03-11T07:00:00Z"), &TimeZone::get("UTC").unwrap(), &WorkWeek::default()).unwrap();
    let moments: Vec<Moment> = (0..75)
        .map(|n| Moment {
            at_unix_ms: page.from_unix_ms + n,
            topic: Topic::Kill,
            links: vec![format!("draft/{n}")],
            says: "quiet".into(),
        })
        .collect();
    let line = &huddle(page.clone(), &moments).lines[3];
    assert_eq!((line.n, line.items.len()), (75, LISTED));
    let mut mixed = moments.clone();
    mixed.reverse();
    assert_eq!(huddle(page.clone(), &mixed), huddle(page, &moments));
}
