//! A playbook that changes while the server runs: new calls get the new one, running calls keep theirs, and one that is
//! broken changes nothing.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use crate::feed::{Bot, runtime, start};
use crate::support::{Served, out, run, stored, wait_until};
use reframe_call::{card::Card, event::EventBody};
use serde_json::{Value, json};

const BOOK: &str = r#"version = 1
name = "book"
[[play]]
id = "price"
label = "price"
phrases = ["far too expensive for us"]
card = "cards/price.md"
[[test]]
say = "that is far too expensive for us"
expect = "price"
[[test]]
call = [{ at_s = 0, rep = "hello" }, { at_s = 3, buyer = "that is far too expensive for us" }]
expect_cards = ["price"]
"#;

const CARD: &str = r#"+++
title = "Price"
proofs = [{ text = "Old.", source = "s", valid_until = "2001-01-01" }, { text = "New.", source = "s" }]
[[case_study]]
text = "A mill."
source = "s"
industry = ["milling"]
[[case_study]]
text = "A port."
source = "s"
industry = ["logistics"]
+++
- Say the first.
"#;

fn write(dir: &Path, book: &str, card: &str) {
    std::fs::create_dir_all(dir.join("book/cards")).unwrap();
    std::fs::write(dir.join("book/cards/price.md"), card).unwrap();
    std::fs::write(dir.join("book/playbook.toml"), book).unwrap();
}

fn health(server: &Served) -> Value {
    let (status, body) = server.get("/healthz");
    assert_eq!(status, 200, "a refused playbook is no reason to take the server out: {body}");
    serde_json::from_str::<Value>(&body).unwrap()["playbook"].clone()
}

async fn join(server: &Served, call: &str) -> Bot {
    let track = |n: u8, party: &str| json!({"track": n, "name": party, "party": party, "codec": "text", "rate_hz": 16_000, "consent": {"basis": "t"}});
    let mut hello = start(call, "recorded", &[track(0, "rep"), track(1, "buyer")]);
    hello["deal"] = json!({"industry": "Logistics", "planned_minutes": 30});
    Bot::connect(server, &server.token, &hello, "demo").await
}

async fn object(mut bot: Bot) {
    let words = json!({"type": "words", "track": 1, "start_us": 1_000_000, "end_us": 3_000_000,
        "text": "That is far too expensive for us.", "final": true});
    bot.say(&words).await;
    bot.stop().await;
}

/// The only card of a call, and the playbook it ran with.
fn card(dir: &Path, call: &str) -> (Card, String) {
    let events = stored(dir, call);
    let EventBody::CallStarted { playbook, deal, .. } = &events[0].body else { panic!("{:?}", events[0]) };
    assert_eq!((deal.id.as_deref(), deal.industry.as_deref()), (Some(call), Some("Logistics")));
    assert!(deal.date.is_some(), "the day a call began decides which proofs hold");
    let cards = events.iter().filter_map(|e| match &e.body {
        EventBody::CardShown { card } => Some(card.clone()),
        _ => None,
    });
    let [card] = &cards.collect::<Vec<_>>()[..] else { panic!("{events:#?}") };
    (card.clone(), playbook.clone())
}

#[test]
fn a_changed_playbook_serves_new_calls_and_a_broken_one_none() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    write(dir, BOOK, CARD);
    let mut server = Served::start(dir, "[playbook]\ndir = \"book\"\n");
    let first = health(&server);
    assert_eq!(first["refused"], json!([]));
    let runtime = runtime();
    let before = runtime.block_on(join(&server, "before"));

    write(dir, BOOK, &CARD.replace("first", "second"));
    wait_until("the new playbook", || health(&server)["id"] != first["id"]);
    let second = health(&server)["id"].clone();
    assert!(server.log().contains("new calls run with it") && server.log().contains(second.as_str().unwrap()));
    let after = runtime.block_on(join(&server, "after"));
    runtime.block_on(object(before));
    runtime.block_on(object(after));

    write(dir, &BOOK.replace("label", "lable"), CARD);
    wait_until("the broken one is refused", || health(&server)["refused"] != json!([]));
    let told = health(&server)["refused"][0].as_str().unwrap().to_owned();
    assert!(told.contains("playbook.toml:5: error: unknown key `lable`; did you mean `label`?"), "{told}");
    assert!(server.log().contains("did you mean `label`?") && server.log().contains("calls go on with the one before"));
    assert_eq!(health(&server)["id"], second);
    runtime.block_on(async { object(join(&server, "still").await).await });

    let shown = |call: &str| {
        let (card, playbook) = card(dir, call);
        assert_eq!(card.proof.unwrap().text, "New.", "the other ran out long ago");
        assert_eq!(card.case_study.unwrap().text, "A port.");
        (card.say[0].clone(), Value::from(playbook))
    };
    assert_eq!(shown("before"), ("Say the first.".into(), first["id"].clone()), "a running call keeps its playbook");
    assert_eq!(shown("after"), ("Say the second.".into(), second.clone()));
    assert_eq!(shown("still"), ("Say the second.".into(), second));
    assert_eq!(server.terminate(), Some(0));
}

#[test]
fn the_tests_in_a_playbook_are_run_from_the_command_line() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    write(dir, BOOK, CARD);
    let output = run(dir, &["playbook", "test", "book", "-v"]);
    assert!(output.status.success(), "{}", out(&output));
    let text = out(&output);
    assert!(text.contains("book/playbook.toml:9: passed: \"that is far too expensive for us\" (buyer)"), "{text}");
    assert!(text.contains("book/playbook.toml:11: passed: the call of 2 steps gave the cards price"), "{text}");
    assert!(text.contains("book: 2 of 2 tests passed"), "{text}");

    write(dir, &BOOK.replace("expect_cards = [\"price\"]", "expect_cards = []"), CARD);
    for command in ["test", "check"] {
        let output = run(dir, &["playbook", command, "book"]);
        assert_eq!(output.status.code(), Some(1), "{command}");
        let text = out(&output);
        assert!(text.contains(":11: failed: the call of 2 steps gave the cards price, wanted no card"), "{text}");
        assert!(text.contains("1 of 2 tests passed"), "{text}");
    }
    write(dir, BOOK, "no card");
    let output = run(dir, &["playbook", "test", "book"]);
    assert_eq!(output.status.code(), Some(1));
    let text = out(&output);
    assert!(text.contains("book/cards/price.md:1: error:") && text.contains("cannot be tested"), "{text}");
}
