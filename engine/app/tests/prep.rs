//! Before a meeting, through the whole program: the demo call is what was said before, a calendar file says who is met when.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use crate::feed::{Bot, runtime, start};
use crate::meetings::{CONFIG, meeting_in, prep, world};
use crate::support::{Served, err, log, out, run, stored, wait_until};
use jiff::{Timestamp, Zoned, tz::TimeZone};
use reframe_call::event::{Event, EventBody};
use reframe_store::{CallId, EventLog as _};
use reframe_workflow::{
    artifact::{Claim, Evidence},
    handoff::{Brief, CallFacts, CallTranscript},
    verify,
};
use serde_json::{Value, json};

fn brief(dir: &Path, args: &[&str]) -> Brief {
    let output = run(dir, &[&["prep", "--json"], args].concat());
    assert!(output.status.success(), "{}", err(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Citations of words, held against the call's own log.
fn said(dir: &Path, claims: &[Claim]) -> Vec<String> {
    let store = log(dir);
    let id = CallId::new("one").unwrap();
    let events = store.read(&id, 0).unwrap();
    let record = store.call(&id).unwrap().unwrap();
    let facts = CallFacts {
        call: "one".into(),
        title: record.call.title,
        started_unix_ms: record.call.started_unix_ms,
        zone: "Europe/Berlin".into(),
        deal: None,
    };
    let calls = [CallTranscript::from_events(facts, &events)];
    let sources = verify::Sources { calls: &calls, ..verify::Sources::default() };
    let mut quotes = Vec::new();
    for claim in claims {
        let words = claim.evidence().iter().filter(|e| matches!(e, Evidence::Words { .. })).cloned().collect();
        let Ok(only) = Claim::new(claim.text(), words, 1.0) else { continue };
        assert_eq!(verify::check(&only, sources), []);
        quotes.extend(only.evidence().iter().map(|e| match e {
            Evidence::Words { quote, .. } => quote.clone(),
            _ => String::new(),
        }));
    }
    quotes
}

/// Thirty minutes before a meeting its brief is there: what was said, cited; again when it moved; gone when it was called off;
/// and nothing of it in the CRM without a yes.
#[test]
fn the_brief_before_a_meeting_tells_what_was_said_and_waits_for_a_yes() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    world(dir);
    meeting_in(dir, 50, "");
    assert!(prep(dir).starts_with("1 meetings ahead, 0 briefs made"), "not yet");
    meeting_in(dir, 20, "SEQUENCE:1\n");
    assert!(prep(dir).starts_with("1 meetings ahead, 1 briefs made, 0 dropped\n  m1: New"));
    assert!(prep(dir).starts_with("1 meetings ahead, 0 briefs made"), "once");

    let made = brief(dir, &["--next"]);
    assert_eq!(made.parts.len(), 7);
    assert!(reframe_prep::brief::words(&made) <= 900);
    let prior = &made.parts[2].1;
    let quotes = said(dir, prior);
    assert!(!quotes.is_empty(), "nothing of the call: {prior:?}");
    let all: Vec<Claim> = made.parts.iter().flat_map(|(_, claims)| claims.clone()).collect();
    assert!(said(dir, &all).len() >= quotes.len());
    assert!(made.objections.iter().any(|o| o.play.is_some()), "the playbook's cards are known: {:?}", made.objections);
    let arm = made.arm.unwrap();
    assert_eq!((arm.deal.crm_id.as_deref(), arm.deal.plays.is_empty()), (Some("1"), false));
    assert!(arm.context.contains(&"marcus bell".to_owned()) && arm.context.contains(&"northline logistics".to_owned()));

    let shown = out(&run(dir, &["prep", "m1"]));
    assert!(shown.starts_with("# Brief for \"Northline proposal\"") && shown.contains("Europe/Berlin"), "{shown}");
    assert!(shown.contains("[1]") && shown.contains("## Evidence") && shown.contains("one at "), "{shown}");
    let listed = out(&run(dir, &["prep"]));
    assert!(listed.contains("Northline proposal  (deal 1; brief of "), "{listed}");

    // It waits for a person, and is not in the CRM.
    let waits = out(&run(dir, &["review", "--list"]));
    let notes = |text: &str| text.lines().filter(|l| l.contains("note on local:deal/1")).count();
    assert_eq!(notes(&waits), 2, "the call's and the brief's: {waits}");
    assert!(
        !dir.join("reframe-data/crm/notes").exists()
            || std::fs::read_dir(dir.join("reframe-data/crm/notes")).unwrap().count() == 0
    );

    meeting_in(dir, 25, "SEQUENCE:2\n");
    assert!(prep(dir).contains("1 briefs made, 0 dropped\n  m1: Moved"));
    assert_eq!(notes(&out(&run(dir, &["review", "--list"]))), 2, "nobody had looked: it is the same proposal");
    meeting_in(dir, 25, "SEQUENCE:3\nSTATUS:CANCELLED\n");
    assert!(prep(dir).starts_with("0 meetings ahead, 0 briefs made, 1 dropped"));
    let none = run(dir, &["prep", "--next"]);
    assert!(!none.status.success() && out(&none).contains("no meeting ahead"), "{}", out(&none));

    // Without a calendar: for a deal, and a deal as a whole.
    let by_deal = brief(dir, &["--deal", "1"]);
    assert_eq!(by_deal.parts[2].1, *prior);
    let whole = out(&run(dir, &["prep", "deal", "1"]));
    for part in ["Calls\n", "Promises\n", "Objections\n", "People\n", "Contradictions\n", "Marcus Bell", "one at "] {
        assert!(whole.contains(part), "{part}: {whole}");
    }
    let nobody = run(dir, &["prep", "deal", "99"]);
    assert!(!nobody.status.success() && err(&nobody).contains("local:deal/99 is not there"), "{}", err(&nobody));
    // With the call's words its brief goes.
    let erased = run(dir, &["data", "erase", "Marcus Bell", "--as", "Dana Reyes"]);
    assert!(erased.status.success(), "{}", err(&erased));
    let bytes = std::fs::read(dir.join("reframe-data/reframe.db")).unwrap();
    assert!(!bytes.windows(11).any(|w| w == b"Marcus Bell"), "the name is still in the file");
}

/// On the day the clocks go forward half an hour is half an hour: 03:15 has its brief at 01:45.
#[test]
fn on_the_day_the_clocks_change_half_an_hour_is_half_an_hour() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    std::fs::create_dir(dir.join("reframe-data")).unwrap();
    std::fs::write(dir.join("reframe.toml"), format!("version = 1\n{CONFIG}")).unwrap();
    let berlin = TimeZone::get("Europe/Berlin").unwrap();
    let short =
        |day: &Zoned| (day.tomorrow().unwrap().timestamp() - day.timestamp()).total(jiff::Unit::Hour).unwrap() < 24.0;
    let mut day = Timestamp::now().to_zoned(berlin).start_of_day().unwrap().tomorrow().unwrap();
    while !short(&day) {
        day = day.tomorrow().unwrap();
    }
    let text = format!(
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:early\nSUMMARY:Early\nDTSTART;TZID=Europe/Berlin:{}T031500\nEND:VEVENT\nEND:VCALENDAR\n",
        day.strftime("%Y%m%d")
    );
    std::fs::write(dir.join("dst.ics"), text).unwrap();
    let listed = out(&run(dir, &["prep", "--calendar", "dst.ics", "--days", "400"]));
    let date = day.strftime("%Y-%m-%d");
    assert!(listed.starts_with(&format!("{date} 03:15 Europe/Berlin  Early")), "{listed}");
    assert!(listed.contains(&format!("brief at {date} 01:45 Europe/Berlin")), "{listed}");
}

/// The server makes the brief by itself, a call of its deal begins with what it knows, and its record says so: played again it
/// gives the same events.
#[test]
fn a_call_is_armed_with_its_brief_and_replays_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    world(dir);
    meeting_in(dir, 5, "");
    let mut server = Served::start(dir, CONFIG);
    let kept = || {
        let listed = run(dir, &["prep", "--json"]);
        serde_json::from_slice::<Value>(&listed.stdout).is_ok_and(|rows| rows[0]["brief"].is_string())
    };
    wait_until("the clerk makes the brief", kept);
    runtime().block_on(async {
        let track = |n: u8, party: &str, email: &str| {
            json!({"track": n, "name": party, "party": party, "codec": "text", "rate_hz": 16_000,
                   "consent": {"basis": "t"}, "email": email})
        };
        let tracks = [track(0, "rep", "dana@reframe.example"), track(1, "buyer", "marcus.bell@northline.example")];
        let mut bot = Bot::connect(&server, &server.token, &start("two", "recorded", &tracks), "demo").await;
        let words = json!({"type": "words", "track": 1, "start_us": 1_000_000, "end_us": 3_000_000,
            "text": "That is far too expensive for us.", "final": true});
        bot.say(&words).await;
        bot.stop().await;
    });
    let events = stored(dir, "two");
    let EventBody::CallStarted { deal, .. } = &events[0].body else { panic!("{:?}", events[0]) };
    assert_eq!((deal.crm_id.as_deref(), deal.stage.as_deref()), (Some("1"), Some("proposal")));
    assert!(!deal.plays.is_empty(), "{deal:?}");
    assert_eq!(server.terminate(), Some(0));
    let record = std::fs::read_dir(dir.join("reframe-data/calls")).unwrap().map(|f| f.unwrap().path());
    let record = record.into_iter().find(|p| {
        let name = p.file_name().unwrap().to_string_lossy().into_owned();
        name.starts_with("two") && name.contains("inputs")
    });
    let record = record.unwrap();
    let header: Value =
        serde_json::from_str(std::fs::read_to_string(&record).unwrap().lines().next().unwrap()).unwrap();
    assert!(header["context"].as_array().unwrap().contains(&json!("northline logistics")), "{header}");
    assert_eq!(header["deal"]["plays"], json!(deal.plays));
    let again = run(dir, &["replay", record.to_str().unwrap(), "--events", "-"]);
    assert!(again.status.success(), "{}", err(&again));
    let again: Vec<Event> = out(&again).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(again, events);
}
