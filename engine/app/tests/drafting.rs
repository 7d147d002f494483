//! Writing by a language model, through the whole program: what goes out, what is used, and that the rules' text stands
//! whatever fails.
#![allow(clippy::unwrap_used)]

use std::path::Path;

use crate::support::{err, out, run};
use reframe_connect::standin::model::{ModelStandIn, Play};
use reframe_store::{SqliteLog, SqliteOptions};
use reframe_workflow::{
    gate::Action,
    outbox::{Inbox as _, Which},
};
use serde_json::{Value, json};

/// The demo call, written up by the rules.
fn written_up(dir: &Path) {
    let output = run(dir, &["demo", "--call-only", "--pace", "max", "--json", "--name", "one", "--data", "data"]);
    assert!(output.status.success(), "{}{}", out(&output), err(&output));
}

/// Lets the program write the call up again with these settings; what it prints.
fn post_call(dir: &Path, drafting: &str) -> String {
    let config = format!("version = 1\n[data]\ndir = \"data\"\n[workflow.drafting]\n{drafting}\n");
    std::fs::write(dir.join("reframe.toml"), config).unwrap();
    let output = run(dir, &["run", "post-call", "one"]);
    assert!(output.status.success(), "{}{}", out(&output), err(&output));
    out(&output)
}

fn at(standin: &ModelStandIn, provider: &str) -> String {
    format!("provider = \"{provider}\"\nbase_url = \"{}\"\nmodel = \"small-1\"\ntimeout_s = 1\n", standin.url())
}

fn shown(dir: &Path, args: &[&str]) -> String {
    out(&run(dir, args))
}

/// The question in a request, whatever its shape.
fn question(body: &Value) -> String {
    body["messages"].as_array().unwrap().last().unwrap()["content"].as_str().unwrap().to_owned()
}

/// An answer to a question that holds: words of a line that the note rests on, as they stand there.
fn answer(question: &str) -> String {
    let (lines, facts) = question.split_once("What the note holds:").unwrap();
    let numbers = facts.lines().filter_map(|l| l.strip_prefix("- ")?.rsplit_once("line "));
    let numbers = numbers.filter_map(|(_, n)| n.split(',').next());
    let words_of = |number: &str| {
        let line = lines.lines().find_map(|l| l.strip_prefix(&format!("[{number}] ")))?;
        let words: Vec<&str> = line.split_once("): ")?.1.split(' ').collect();
        (words.len() <= 20).then(|| (number.to_owned(), words))
    };
    let (number, words) = numbers.filter_map(words_of).next().unwrap_or_else(|| panic!("no short line: {question}"));
    let sentence = json!({
        "text": format!("It was said: {}.", words.join(" ")),
        "cites": [{ "line": number.parse::<u32>().unwrap(), "words": words.join(" ") }],
    });
    json!({ "headline": sentence, "summary": [sentence] }).to_string()
}

#[test]
fn nothing_is_asked_of_anybody_unless_a_provider_is_named() {
    let dir = tempfile::tempdir().unwrap();
    written_up(dir.path());
    let standin = ModelStandIn::start([]).unwrap();
    let printed = post_call(dir.path(), &format!("base_url = \"{}\"\nmodel = \"small-1\"", standin.url()));
    assert!(!printed.contains("the rules' text stands"), "{printed}");
    assert_eq!(standin.asked(), []);
    assert!(!shown(dir.path(), &["audit", "show", "call one"]).contains("model_called"));
}

#[test]
fn whatever_fails_the_rules_text_stands_and_the_reason_is_on_record() {
    let dir = tempfile::tempdir().unwrap();
    written_up(dir.path());
    let listed = shown(dir.path(), &["review", "--list", "--data", "data"]);
    let said = |text: &str, words: &str| {
        let sentence = json!({"text": text, "cites": [{"line": 1, "words": words}]});
        Play::Say(json!({"headline": sentence, "summary": [sentence]}).to_string())
    };
    let long = "word ".repeat(60);
    for (provider, plays, reason) in [
        ("anthropic", vec![Play::Status(429, Some(60))], "busy"),
        ("openai", vec![Play::Status(500, None), Play::Status(500, None)], "unreachable"),
        ("anthropic", vec![Play::Hang], "out_of_time"),
        ("openai", vec![Play::Status(401, None)], "forbidden"),
        ("openai", vec![Play::CutBody("{}".into()), Play::Say("{\"headline\":".into())], "not_json"),
        ("anthropic", vec![said("Nobody said this.", "never said at all"), Play::Decline], "declined"),
        ("anthropic", vec![said("Nobody said this.", "never said at all"); 2], "wrong_citation"),
        ("openai", vec![said(&long, "never said"); 2], "too_long"),
        ("openai", vec![Play::Say(String::new()); 2], "empty"),
    ] {
        let standin = ModelStandIn::start(plays.clone()).unwrap();
        let printed = post_call(dir.path(), &at(&standin, provider));
        assert!(printed.contains(&format!("note: the rules' text stands ({reason})")), "{plays:?}: {printed}");
        let audit = shown(dir.path(), &["audit", "show", "call one"]);
        let last: Vec<&str> =
            audit.lines().filter(|l| l.contains("model_called") && l.contains("prompt=note@")).collect();
        let last = last.last().unwrap();
        assert!(
            last.contains(&format!("outcome={reason}")) && last.contains(&format!("model {provider}:small-1")),
            "{last}"
        );
        assert_eq!(shown(dir.path(), &["review", "--list", "--data", "data"]), listed, "{plays:?}");
    }
    assert!(out(&run(dir.path(), &["audit", "verify", "--data", "data"])).contains("none changed"));
}

#[test]
fn a_text_that_holds_is_proposed_with_its_maker_and_no_personal_datum_was_sent() {
    let dir = tempfile::tempdir().unwrap();
    written_up(dir.path());
    std::fs::write(dir.path().join("key"), "sk-very-secret\n").unwrap();
    // Asked first for nothing, to see what is asked.
    let standin = ModelStandIn::start([Play::Say(String::new()), Play::Say(String::new())]).unwrap();
    let key = "key_file = \"key\"\n";
    post_call(dir.path(), &(at(&standin, "anthropic") + key));
    let asked = standin.asked();
    let good = answer(&question(&asked[0].body));
    let rules = shown(dir.path(), &["review", "--list", "--data", "data"]);

    let writing = ModelStandIn::start([Play::Say(good)]).unwrap();
    let printed = post_call(dir.path(), &(at(&writing, "anthropic") + key));
    assert!(printed.contains("note: the model's text took the place"), "{printed}");
    let now = shown(dir.path(), &["review", "--list", "--data", "data"]);
    assert_eq!(now.lines().count(), rules.lines().count(), "nothing is proposed twice: {now}");
    let verified = shown(dir.path(), &["verify", "--data", "data"]);
    assert!(verified.starts_with("2 notes,") && verified.contains(" 0 that do not hold"), "{verified}");
    let audit = shown(dir.path(), &["audit", "show", "call one"]);
    for what in ["outcome=used", "superseded", "model anthropic:small-1", "prompt=note@1:", " in="] {
        assert!(audit.contains(what), "{what}: {audit}");
    }
    // What the model wrote once is not asked for again; the gate is as before.
    let idle = ModelStandIn::start([]).unwrap();
    let again = post_call(dir.path(), &(at(&idle, "anthropic") + key));
    assert!(!again.contains("note: the "), "{again}");
    assert!(idle.asked().iter().all(|a| !a.body.to_string().contains("headline")));

    let crm = std::fs::read_to_string(crate::support::call("demo").join("crm/contacts.csv")).unwrap();
    assert!(crm.contains("Marcus Bell"), "the test rests on it: {crm}");
    for request in standin.asked().iter().chain(&writing.asked()) {
        let bytes = String::from_utf8_lossy(&request.bytes).to_lowercase();
        assert!(bytes.contains("sk-very-secret"), "the key goes to the provider");
        for datum in ["marcus", "bell", "dana", "reyes", "northline", "@"] {
            assert!(!bytes.contains(datum), "{datum}: {bytes}");
        }
    }
    let store = SqliteLog::open_read_only(dir.path().join("data/reframe.db"), SqliteOptions::default()).unwrap();
    let waiting = store.proposals(&Which::default(), 10).unwrap();
    let written = waiting.iter().find_map(|l| match &l.proposal.action {
        Action::CreateNote { body, .. } => Some(body),
        _ => None,
    });
    assert!(written.unwrap().contains("It was said: "), "{written:?}");
    for entry in [printed, again, audit] {
        assert!(!entry.contains("sk-very-secret"));
    }
}

#[test]
fn a_days_tokens_are_counted_over_runs_of_the_program() {
    let dir = tempfile::tempdir().unwrap();
    written_up(dir.path());
    let standin = ModelStandIn::start(vec![Play::Say(String::new()); 40]).unwrap();
    // Enough for the first questions of the first runs and for none of the later ones.
    let settings = at(&standin, "openai") + "tokens_per_call = 9000\ntokens_per_day = 9500\nmax_answer_tokens = 1000\n";
    let over = |printed: &str| printed.contains("note: the rules' text stands (over_day_budget)");
    let runs = (0..12).take_while(|_| !over(&post_call(dir.path(), &settings))).count();
    assert!(runs > 0 && runs < 12, "{runs} runs");
    let before = standin.asked().len();
    let printed = post_call(dir.path(), &settings);
    assert!(before > 1 && over(&printed), "{printed}");
    assert_eq!(standin.asked().len(), before, "nothing is sent");
}
