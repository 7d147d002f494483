//! Briefs on their page and under `reframe verify`, through the whole program.

#![allow(clippy::unwrap_used)]

use std::{
    io::{Read as _, Write as _},
    path::Path,
};

use crate::meetings::{CONFIG, meeting_called, meeting_in, prep, world};
use crate::support::{Served, err, log, out, run, wait_until};
use reframe_workflow::{
    artifact::{Artifact, Claim, Evidence, Kind, Maker},
    audit::Actor,
    handoff::Brief,
    outbox::{Inbox as _, Kept},
};
use serde_json::Value;

/// Exit code and output of `reframe verify`.
fn verify(dir: &Path) -> (i32, String) {
    let output = run(dir, &["verify"]);
    (output.status.code().unwrap(), out(&output) + &err(&output))
}

/// The line about briefs, with how many citations they have.
fn citations(says: &str) -> (usize, usize) {
    let line = says.lines().find(|l| l.contains(" briefs, ")).unwrap_or_else(|| panic!("nothing of briefs: {says}"));
    let number =
        |word: &str| line.split(", ").find_map(|p| p.split_once(word)).and_then(|(n, _)| n.parse().ok()).unwrap();
    (number(" briefs"), number(" citations"))
}

/// Every citation of a brief is held against what is there: what was never said or written is found, and what merely reads
/// otherwise by now is no fault.
#[test]
fn verify_looks_at_briefs_as_it_does_at_notes() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    world(dir);
    meeting_in(dir, 20, "");
    assert!(prep(dir).contains("1 briefs made"));
    let (code, says) = verify(dir);
    let (n, cited) = citations(&says);
    assert!(code == 0 && n == 1 && cited > 10 && !says.contains("read otherwise"), "{says}");

    // The calendar calls it otherwise by now, and the amount is another one: neither is a fault of what was made before.
    meeting_called(dir, "Northline the offer", 20, "SEQUENCE:1\n");
    let deals = dir.join("reframe-data/crm/deals.csv");
    let before = std::fs::read_to_string(&deals).unwrap();
    let amount = before.lines().nth(1).unwrap().split(',').find(|c| c.len() > 3 && c.parse::<f64>().is_ok()).unwrap();
    std::fs::write(&deals, before.replacen(amount, "4711", 1)).unwrap();
    prep(dir);
    let (code, says) = verify(dir);
    assert!(code == 0 && says.contains("read otherwise now than when they were cited"), "{says}");

    // One word, one day, one line that is not there: each is found, and nothing else.
    let store = log(dir);
    let kept = store.latest_artifacts(Kind::Brief, 1).unwrap().remove(0);
    let whole: Brief = serde_json::from_value(kept.artifact.body.clone()).unwrap();
    let spoken = |e: &&Evidence| matches!(e, Evidence::Words { quote, .. } if quote.split(' ').count() >= 4);
    let claims = whole.claims();
    let words = claims.iter().flat_map(|c| c.evidence()).find(spoken).unwrap().clone();
    let Evidence::Words { call, utterance, from_ms, to_ms, .. } = words else { unreachable!() };
    let source =
        |item: &str, quote: &str| Evidence::Source { item: item.into(), url: None, quote: quote.into(), at_unix_ms: 0 };
    for (evidence, says) in [
        (
            Evidence::Words { call, utterance, from_ms, to_ms, quote: "nobody ever said this".into() },
            "not \"nobody ever",
        ),
        (Evidence::Event { call: "one".into(), seq: 999_999 }, "has no event 999999"),
        (Evidence::Event { call: "none".into(), seq: 0 }, "there is no log of `none`"),
        (source("meeting/m1", "Another company"), "`meeting/m1` does not say"),
        (source("mail/never-came", "we buy"), "there is no `mail/never-came`"),
        (source("history/000000000000", "price came up in 9 of our 9 calls"), "there is no `history/000000000000`"),
    ] {
        let mut forged = whole.clone();
        forged.parts[0].1 = vec![Claim::new("They said so", vec![evidence], 1.0).unwrap()];
        let forged = serde_json::to_value(forged).unwrap();
        let artifact = Artifact::new(Kind::Brief, kept.artifact.parents.clone(), Maker::rules("test", 1), forged);
        let copy = tempfile::tempdir().unwrap();
        for name in ["reframe-data", "reframe-data/crm"] {
            std::fs::create_dir_all(copy.path().join(name)).unwrap();
            for file in std::fs::read_dir(dir.join(name)).unwrap().map(|f| f.unwrap().path()).filter(|f| f.is_file()) {
                std::fs::copy(&file, copy.path().join(name).join(file.file_name().unwrap())).unwrap();
            }
        }
        std::fs::copy(dir.join("reframe.toml"), copy.path().join("reframe.toml")).unwrap();
        let planted = Kept { kind: Kind::Brief, artifact, at_unix_ms: kept.at_unix_ms };
        log(copy.path()).put_artifact(&planted, &Actor::service("test")).unwrap();
        let (code, told) = verify(copy.path());
        assert!(code == 1 && told.contains(says) && told.contains("1 that do not hold"), "{says}: {told}");
    }
}

/// An answer of the account pages to whoever has the key.
fn ask(served: &Served, path: &str) -> (u16, Value) {
    let mut socket = std::net::TcpStream::connect(&served.addr).unwrap();
    let (addr, key) = (&served.addr, &served.key);
    write!(socket, "GET {path} HTTP/1.1\r\nHost: {addr}\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut text = String::new();
    socket.read_to_string(&mut text).unwrap();
    let status = text.split(' ').nth(1).unwrap().parse().unwrap();
    let body = text.split_once("\r\n\r\n").unwrap().1;
    (status, serde_json::from_str(body).unwrap_or_else(|error| panic!("{path}: {error}: {body}")))
}

/// The page has what a rep needs before the meeting, and each of its lines leads to the words it rests on.
#[test]
fn the_page_of_a_meeting_has_answers_promises_and_what_each_rests_on() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    world(dir);
    meeting_in(dir, 20, "");
    let served = Served::start(dir, CONFIG);
    wait_until("the brief", || {
        let (code, list) = ask(&served, "/v1/accounts/briefs");
        assert_eq!(code, 200, "{list}");
        list["meetings"][0]["made_unix_ms"].is_i64()
    });
    let (_, list) = ask(&served, "/v1/accounts/briefs");
    let row = &list["meetings"][0];
    assert_eq!((row["id"].as_str(), row["title"].as_str()), (Some("m1"), Some("Northline proposal")));
    assert_eq!((&list["zone"], &list["calendar"]), (&"Europe/Berlin".into(), &true.into()));
    assert!(row["first"].is_string() && row["deal"] == "local:deal/1", "{row}");

    let (code, page) = ask(&served, "/v1/accounts/brief?id=m1");
    assert_eq!((code, &page["kept"]), (200, &true.into()), "{page}");
    let answered = page["objections"].as_array().unwrap().iter().find(|o| o["card"].is_object()).unwrap();
    assert!(!answered["card"]["say"].as_array().unwrap().is_empty(), "{answered}");
    assert!(page["plays"].as_array().unwrap().iter().all(|p| p["title"].is_string()), "{}", page["plays"]);
    assert!(!page["promises"].as_array().unwrap().is_empty() && !page["questions"].as_array().unwrap().is_empty());
    let heard: Vec<&str> = page["heard"].as_array().unwrap().iter().filter_map(|h| h["name"].as_str()).collect();
    assert!(heard.contains(&"Marcus Bell"), "{heard:?}");
    assert_eq!(page["parts"].as_array().unwrap().len(), 7);

    // Wherever a line cites words, the review page's transcript has them at that place.
    let mut cited = Vec::new();
    evidence_of(&page, &mut cited);
    let words: Vec<&Value> = cited.into_iter().filter(|e| e["kind"] == "words").collect();
    assert!(words.len() > 3, "{page}");
    for evidence in words {
        let (call, utterance) = (evidence["call"].as_str().unwrap(), &evidence["utterance"]);
        let path = format!("/v1/review/transcript?call={call}&utterance={utterance}&around=0");
        let (code, stretch) = ask(&served, &path);
        let turn = &stretch["transcript"]["turns"][0];
        let said: Vec<&str> = turn["words"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|w| {
                w["from_ms"].as_u64() >= evidence["from_ms"].as_u64()
                    && w["to_ms"].as_u64() <= evidence["to_ms"].as_u64()
            })
            .filter_map(|w| w["text"].as_str())
            .collect();
        assert_eq!((code, said.join(" ").as_str()), (200, evidence["quote"].as_str().unwrap()));
    }
    let (code, unknown) = ask(&served, "/v1/accounts/brief?id=m2");
    assert!(code == 404 && unknown["says"].as_str().unwrap().contains("m2"), "{unknown}");
    for path in ["/v1/accounts/briefs", "/v1/accounts/brief?id=m1"] {
        assert_eq!(served.get(path).0, 401, "{path}");
    }
    assert!(served.get("/accounts").1.contains("view=briefs"));
}

/// All evidence in a document.
fn evidence_of<'a>(value: &'a Value, into: &mut Vec<&'a Value>) {
    match value {
        Value::Array(all) => all.iter().for_each(|each| evidence_of(each, into)),
        Value::Object(fields) => {
            if let Some(Value::Array(evidence)) = fields.get("evidence") {
                into.extend(evidence);
            }
            fields.values().for_each(|each| evidence_of(each, into));
        }
        _ => {}
    }
}
