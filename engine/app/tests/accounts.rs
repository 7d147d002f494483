//! Accounts, funnel, morning and doctor through the whole program, over a call that was written up and approved.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use crate::support::{Served, err, out, run};
use serde_json::Value;

fn demo(dir: &Path) {
    let args = [
        "demo",
        "--call-only",
        "--pace",
        "max",
        "--json",
        "--name",
        "one",
        "--data",
        "data",
        "--approve-as",
        "Dana Reyes",
    ];
    let output = run(dir, &args);
    assert!(output.status.success(), "{}{}", out(&output), err(&output));
}

fn ask(dir: &Path, args: &[&str]) -> (i32, String, String) {
    let output = run(dir, &[args, &["--data", "data"]].concat());
    (output.status.code().unwrap(), out(&output), err(&output))
}

fn json(dir: &Path, args: &[&str]) -> Value {
    let (code, text, problem) = ask(dir, &[args, &["--json"]].concat());
    assert_eq!(code, 0, "{args:?}: {problem}");
    serde_json::from_str(&text).unwrap()
}

/// What the store and the CRM know comes together: the call is its account's, its note was approved and is done, and every
/// id finds the account.
#[test]
fn an_account_over_the_six_stages() {
    let dir = tempfile::tempdir().unwrap();
    demo(dir.path());
    let (_, list, _) = ask(dir.path(), &["account"]);
    assert_eq!(list.lines().count(), 1, "{list}");
    assert!(list.contains("Post-call") && list.contains("done") && list.contains("(local:company/1)"), "{list}");

    let page = json(dir.path(), &["account", "northline"]);
    assert_eq!((page["id"].as_str(), page["n"].as_u64()), (Some("local:company/1"), Some(1)));
    assert_eq!(page["gaps"], serde_json::json!([]));
    assert_eq!(page["summary"]["calls"], 1, "{}", page["summary"]);
    let stages = page["walks"][0]["stages"].as_array().unwrap();
    let call = &stages[3]["items"][0];
    assert_eq!((call["is"].as_str(), call["call"].as_str()), (Some("call"), Some("one")));
    assert!(call["ended_unix_ms"].as_i64() > call["at_unix_ms"].as_i64(), "{call}");
    let asks: Vec<&Value> = stages[4]["items"].as_array().unwrap().iter().filter(|i| i["is"] == "proposal").collect();
    assert!(asks.len() >= 2, "{asks:?}");
    for ask in &asks {
        assert_eq!((ask["state"].as_str(), ask["approved_by"].as_str()), (Some("done"), Some("person dana reyes")));
        assert_eq!(json(dir.path(), &["account", ask["id"].as_str().unwrap()])["id"], page["id"]);
    }
    for id in ["one", "local:deal/1", "NORTHLINE LOGISTICS", asks[0]["from"].as_str().unwrap()] {
        assert_eq!(json(dir.path(), &["account", id])["id"], page["id"], "{id}");
    }
    let (_, text, _) = ask(dir.path(), &["account", "local:company/1"]);
    assert!(text.contains("Live call") && text.contains("Lineage: unbroken"), "{text}");
    let (code, text, problem) = ask(dir.path(), &["account", "nobody"]);
    assert_eq!((code, text.as_str()), (1, ""));
    assert!(problem.contains("`reframe account` lists them"), "{problem}");

    // Two of a name: both are named, and nobody guesses.
    std::fs::write(dir.path().join("data/crm/companies.csv"), "id,name\n1,Northline Logistics\n2,Northline Air\n")
        .unwrap();
    let (code, _, problem) = ask(dir.path(), &["account", "northline"]);
    assert!(code == 1 && problem.contains("local:company/1") && problem.contains("local:company/2"), "{problem}");
}

#[test]
fn funnel_and_morning() {
    let dir = tempfile::tempdir().unwrap();
    demo(dir.path());
    let page = json(dir.path(), &["funnel", "--from", "live_call", "--to", "post_call.done", "--by", "month"]);
    let all = &page["asked"]["all"];
    assert_eq!((&all["entered"], &all["advanced"], &all["open"]), (&1.into(), &1.into(), &0.into()), "{all}");
    let (code, text, _) = ask(dir.path(), &["funnel"]);
    assert!(code == 0 && text.contains("post_call → hygiene\n  entered 1 = advanced 0 + dropped 0 + open 1"), "{text}");
    // The deal is lost: what was open has dropped out.
    let deals = dir.path().join("data/crm/deals.csv");
    let lost = std::fs::read_to_string(&deals).unwrap().replace(",proposal,", ",closed_lost,");
    std::fs::write(&deals, lost).unwrap();
    let (_, text, _) = ask(dir.path(), &["funnel", "--from", "post_call", "--to", "hygiene"]);
    assert!(text.contains("entered 1 = advanced 0 + dropped 1 + open 0"), "{text}");
    for (args, code, says) in [
        (&["funnel", "--from", "demo", "--to", "signal"][..], 2, "call_prep"),
        (&["funnel", "--from", "signal"], 2, "--to"),
        (&["huddle", "--date", "yesterday"], 2, "--date"),
    ] {
        let (got, _, problem) = ask(dir.path(), args);
        assert!(got == code && problem.contains(says), "{args:?}: {problem}");
    }

    let began = json(dir.path(), &["account", "one"])["walks"][0]["stages"][3]["begun_unix_ms"].as_i64().unwrap();
    let day = jiff::Timestamp::from_millisecond(began).unwrap().to_zoned(jiff::tz::TimeZone::UTC).date();
    let (day, next) = (day.to_string(), day.tomorrow().unwrap().to_string());
    let page = json(dir.path(), &["huddle", "--date", &next]);
    assert_eq!(
        (&page["huddle"]["window"]["last"], page["huddle"]["lines"].as_array().unwrap().len()),
        (&day.into(), 7)
    );
    assert_eq!(page["huddle"]["lines"][6]["items"][0]["links"][0], "local:deal/1", "lost, and nothing had flagged it");
    assert!(page["time_on_task"]["all"]["unseen"].as_u64().unwrap() >= 2, "approved without a page: {page}");
}

/// Exit code 1 if something must be seen to; what is not known is said, and is no pass.
#[test]
fn the_doctor_finds_what_is_planted() {
    let dir = tempfile::tempdir().unwrap();
    demo(dir.path());
    let (code, text, problem) = ask(dir.path(), &["doctor"]);
    assert_eq!(code, 0, "{text}{problem}");
    for line in ["Data                 ok", "Conversation         not known", "Observability        warning"] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let examined = json(dir.path(), &["doctor"]);
    let seen = &examined["vitals"]["observability"];
    assert!(seen["writes"].as_u64().unwrap() >= 2 && seen["unapproved"] == 0 && seen["own_identity"] == true, "{seen}");
    assert_eq!(examined["vitals"]["data"]["records"], 2);

    let store = rusqlite::Connection::open(dir.path().join("data/reframe.db")).unwrap();
    store
        .execute_batch(
            "DROP TRIGGER audit_is_not_changed;
             UPDATE audit SET body = replace(body, 'dana reyes', 'somebody else')",
        )
        .unwrap();
    let (code, text, _) = ask(dir.path(), &["doctor"]);
    assert!(code == 1 && text.contains("the audit log was changed from outside"), "{text}");
    std::fs::write(dir.path().join("data/crm/deals.csv"), [0xff, 0xfe]).unwrap();
    let (code, text, _) = ask(dir.path(), &["doctor"]);
    assert!(code == 1 && text.contains("cannot be read: accounts are read from local"), "{text}");
    assert!(text.contains("Data                 not known"), "{text}");
}

/// Commands that findings name are there.
#[test]
fn what_the_doctor_says_to_do_can_be_done() {
    let dir = tempfile::tempdir().unwrap();
    let source =
        |name: &str| std::fs::read_to_string(crate::support::root().join("engine/funnel/src").join(name)).unwrap();
    let texts = source("doctor/layers.rs") + &source("preflight.rs");
    let mut named = 0;
    for command in texts.split("`reframe ").skip(1).filter_map(|rest| rest.split('`').next()) {
        let words: Vec<&str> = command.split(' ').take_while(|w| w.chars().all(char::is_lowercase)).collect();
        let help = run(dir.path(), &[words.as_slice(), &["--help"]].concat());
        assert!(help.status.success(), "`reframe {command}` is named in a finding: {}", err(&help));
        named += 1;
    }
    assert!(named >= 3, "{named} commands were found in the texts");
}

/// The running server serves the page, and its documents to nobody without the key.
#[test]
fn the_server_has_the_pages() {
    let dir = tempfile::tempdir().unwrap();
    let served = Served::start(dir.path(), "");
    assert_eq!(served.get("/accounts").0, 200);
    for document in ["accounts", "account?id=x", "funnel", "huddle"] {
        assert_eq!(served.get(&format!("/v1/accounts/{document}")).0, 401, "{document}");
    }
}
