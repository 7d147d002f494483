//! The JSON documents of the pages: what they hold, and that each reads back as it was written.
#![allow(clippy::unwrap_used)]

use crate::support::*;
use jiff::tz::TimeZone;
use reframe_funnel::{
    deal::{CallNote, summary},
    fact::Approval,
    funnel::{By, Question, cases},
    huddle::{WorkWeek, huddle, window},
    page::{AccountPage, AccountsPage, FunnelPage, HuddlePage, Item, account_page, accounts_page, funnel_page},
    stage::{Point, Stage},
    time_on_task::{LEFT_OPEN_MS, time_on_task},
};
use reframe_workflow::{
    artifact::{ArtifactId, Claim, Evidence, Kind},
    handoff::{Commitment, Handling, Note, NoteProposal, ObjectionRaised, Owner, Risk},
};
use serde::{Serialize, de::DeserializeOwned};

fn reads_back<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(page: &T) -> serde_json::Value {
    let text = serde_json::to_string(page).unwrap();
    assert_eq!(serde_json::from_str::<T>(&text).unwrap(), *page);
    serde_json::from_str(&text).unwrap()
}

#[test]
fn an_accounts_page_can_be_clicked_through() {
    let mut world = World::default();
    let start = at("2026-03-02T08:00:00Z");
    let first = walk(&mut world, "7", start, &[]);
    walk(&mut world, "7", start + 10 * DAY, &[&first.fields]);
    let state = world.state("7");
    let page: AccountPage = account_page(&state, None, "Europe/Berlin");
    let json = reads_back(&page);
    assert_eq!(json["walks"][0]["no"], 2, "the latest walk first");
    assert_eq!(json["walks"][1]["stages"][1]["items"][1]["is"], "proposal");
    assert_eq!(page.gaps, Vec::<String>::new());
    // Every parent and child that is named stands on the page itself.
    let all: Vec<&Item> = page.walks.iter().flat_map(|w| w.stages.iter().flat_map(|s| &s.items)).collect();
    let known: Vec<&ArtifactId> =
        all.iter().filter_map(|i| if let Item::Artifact { id, .. } = i { Some(id) } else { None }).collect();
    let mut links = 0;
    for item in &all {
        match item {
            Item::Artifact { id, parents, children, .. } => {
                for near in parents.iter().chain(children) {
                    assert!(known.contains(&near), "{id} → {near}");
                    links += 1;
                }
            }
            Item::Proposal { from, .. } => assert!(known.contains(&from)),
            Item::Call { .. } => {}
        }
    }
    assert_eq!(links, 26, "six links in each of two walks and one between, seen from both ends");
    let list: AccountsPage = accounts_page(&[state], "Europe/Berlin");
    reads_back(&list);
    assert_eq!((list.accounts[0].stage, list.accounts[0].approval), (Some(Stage::Hygiene), Some(Approval::Done)));
}

#[test]
fn funnel_and_huddle_read_back() {
    let mut world = World::default();
    let start = at("2026-03-02T08:00:00Z");
    walk(&mut world, "7", start, &[]);
    let states = [world.state("7")];
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let question = Question {
        from: Point::begun(Stage::Outreach),
        to: Point::begun(Stage::LiveCall),
        now_unix_ms: start + 9 * DAY,
        zone: zone.clone(),
        by: By::Month,
        lapse_ms: None,
    };
    let page: FunnelPage = funnel_page(&cases(&states), &question, true);
    let json = reads_back(&page);
    assert_eq!(json["steps"][0]["from"], "signal");
    assert_eq!(json["asked"]["cohorts"][0]["name"], "2026-03");
    let page = HuddlePage {
        huddle: huddle(window(start, &zone, &WorkWeek::default()).unwrap(), &[]),
        time_on_task: Some(time_on_task(&[])),
    };
    assert_eq!(reads_back(&page)["huddle"]["lines"].as_array().unwrap().len(), 7);
}

#[test]
fn time_on_task_leaves_nothing_out_in_silence() {
    let mut world = World::default();
    let from = world.make(Kind::NoteProposal, &[], serde_json::json!({}), 0);
    for n in 0..12 {
        world.propose(if n < 10 { note("7", n) } else { mail(&n.to_string()) }, &from, "c", n);
    }
    // Seconds on the screen; then one left open, one never shown, one not decided, one whose clock went back.
    let seconds = [10, 20, 30, 40, 50, 60, 70, 80];
    for (n, listed) in world.proposals.iter_mut().enumerate() {
        listed.shown_unix_ms = Some(1_000);
        listed.decided_unix_ms = match n {
            0..8 => Some(1_000 + seconds[n] * 1_000),
            8 => Some(1_001 + LEFT_OPEN_MS),
            9 => Some(999),
            10 => None,
            _ => Some(9_000),
        };
    }
    world.proposals[11].shown_unix_ms = None;
    let times = time_on_task(&world.proposals);
    let all = &times.all;
    assert_eq!((all.n, all.left_open, all.unseen, all.undecided, all.within_30_s), (8, 1, 2, 1, 3));
    assert_eq!((all.median_ms, all.q25_ms, all.q90_ms), (Some(45_000.0), Some(27_500.0), Some(73_000.0)));
    assert_eq!(all.median_interval_ms, Some((10_000, 80_000)));
    assert_eq!(all.n + all.left_open + all.unseen + all.undecided, 12);
    assert_eq!((times.by_action["create_note"].n, times.by_action["send_mail"].n), (8, 0));
}

fn claim(text: &str) -> Claim {
    Claim::new(text, vec![Evidence::Event { call: "c".into(), seq: 1 }], 0.9).unwrap()
}

fn noted(call: &str, level: u8, price: Handling, promises: &[(&str, Option<&str>)]) -> NoteProposal {
    let commitment = |(what, due): &(&str, Option<&str>)| Commitment {
        what: claim(what),
        owner: Owner { side: "rep".into(), name: None },
        due: due.map(|d| d.parse().unwrap()),
        due_words: None,
        unsure: false,
    };
    NoteProposal {
        call: call.into(),
        note: Note { headline: Some(claim(&format!("headline of {call}"))), ..Note::default() },
        summary: vec![],
        commitments: promises.iter().map(commitment).collect(),
        objections: vec![ObjectionRaised {
            label: "price".into(),
            raised: claim("too much"),
            handling: price,
            answer: None,
        }],
        absent: vec![],
        risk: Some(Risk { level, because: claim(&format!("risk after {call}")) }),
        follow_up: None,
        tasks: vec![],
        caveats: vec![],
    }
}

#[test]
fn a_whole_deal_stands_on_one_page() {
    let notes = [
        noted("first", 4, Handling::Open, &[("send the offer", Some("2026-03-05")), ("think", None)]),
        noted(
            "third",
            2,
            Handling::Handled,
            &[("book the pilot", Some("2026-03-20")), ("call Dana", Some("2026-03-12"))],
        ),
        noted("second", 3, Handling::Answered, &[("ask security", Some("2026-03-09"))]),
    ];
    let ids: Vec<ArtifactId> = notes.iter().map(|n| ArtifactId::of("note_proposal", n.call.as_bytes())).collect();
    let given: Vec<CallNote<'_>> = notes
        .iter()
        .zip(&ids)
        .zip([1, 3, 2])
        .map(|((note, id), day)| CallNote { id, at_unix_ms: day * DAY, note })
        .collect();
    let page = summary(&given, "2026-03-10".parse().unwrap());
    reads_back(&page);
    let texts = |lines: Vec<&Claim>| lines.into_iter().map(|c| c.text().to_owned()).collect::<Vec<_>>();
    let headlines = texts(page.headlines.lines.iter().map(|l| &l.what).collect());
    assert_eq!(headlines, ["headline of third", "headline of second", "headline of first"]);
    let promises = texts(page.promises.lines.iter().map(|p| &p.line.what).collect());
    assert_eq!(promises, ["call Dana", "book the pilot", "ask security", "send the offer", "think"]);
    let price = &page.objections.lines[0];
    assert_eq!((price.raised, price.last, price.line.call.as_str()), (3, Handling::Handled, "third"));
    assert_eq!(page.risk.iter().map(|(_, level)| *level).collect::<Vec<_>>(), [4, 3, 2]);
    assert_eq!(page.risk_because.unwrap().what.text(), "risk after third");
    let many: Vec<CallNote<'_>> = (0..50).map(|n| CallNote { at_unix_ms: n, ..given[0] }).collect();
    let page = summary(&many, "2026-03-10".parse().unwrap());
    assert_eq!((page.calls, page.headlines.n, page.headlines.lines.len()), (50, 50, 12));
}
