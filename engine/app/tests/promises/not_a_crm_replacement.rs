//! Not a CRM replacement: what was decided stands in the CRM and the mailbox, whatever becomes of our store; and the store is
//! made again from them and from the calls' event logs.

use std::collections::{BTreeMap, BTreeSet};

use reframe_store::{CallId, EventLog as _};
use reframe_workflow::gate::{Action, Proposal};

use super::{
    landed::{changes, things},
    team::{ACCOUNTS, Team, address},
};
use crate::support::{err, out};

/// What a proposal would do, with names that follow from what it was made from left out.
fn wish(proposal: &Proposal) -> String {
    let mut action = proposal.action.clone();
    if let Action::CreateDraft { mail } | Action::SendMail { mail, .. } = &mut action {
        mail.message_id = String::new();
    }
    serde_json::to_string(&action).unwrap()
}

fn wishes(team: &Team, batch: &str) -> BTreeSet<String> {
    team.batch(batch).iter().map(|listed| wish(&listed.proposal)).collect()
}

/// Throws the store away.
fn lose(team: &Team) {
    for file in std::fs::read_dir(team.path().join("data")).unwrap().map(|entry| entry.unwrap().path()) {
        if file.file_name().unwrap().to_string_lossy().starts_with("reframe.db") {
            std::fs::remove_file(file).unwrap();
        }
    }
}

#[test]
fn the_store_can_be_thrown_away_and_made_again() {
    let team = Team::walked();
    let crm = team.path().join("data/crm");
    // One call is decided and has landed, the other waits.
    let first: Vec<String> = team.batch("call call-1").iter().map(|l| l.proposal.id.to_string()).collect();
    team.review(|line| if first.iter().any(|id| line.starts_with(id.as_str())) { "a" } else { "n" });
    let (there, drafted) = (things(&crm), wishes(&team, "call call-2"));
    let events = |team: &Team, call: &str| team.store().lines(&CallId::new(call).unwrap(), 0, 10_000).unwrap();
    let heard: BTreeMap<&str, Vec<String>> = ["call-1", "call-2"].map(|call| (call, events(&team, call))).into();
    let found = team.says(&["search", "budget"]);
    let accounts = |team: &Team| -> BTreeSet<String> {
        let list = team.json(&["account"])["accounts"].as_array().unwrap().clone();
        list.iter().map(|line| format!("{} {}", line["id"], line["name"])).collect()
    };
    let known = accounts(&team);

    lose(&team);
    assert_eq!(things(&crm), there, "the CRM and the mailbox have it all");
    let refused = team.run(&["data", "rebuild", "--data", "nowhere"]);
    assert!(!refused.status.success() && err(&refused).contains("nowhere"), "{}", err(&refused));
    let read = team.says(&["data", "rebuild"]);
    assert!(read.contains("2 calls with ") && read.contains("wishes for no more messages"), "{read}");
    for (call, lines) in &heard {
        assert_eq!(&events(&team, call), lines, "{call}");
    }
    let twice = team.run(&["data", "rebuild"]);
    assert!(err(&twice).contains("holds calls already"), "{}", err(&twice));

    // The stages begin again where the CRM says they are.
    team.says(&["signal", "import", "events.csv"]);
    let feed = team.says(&["signal", "feed"]);
    assert!(ACCOUNTS[4..].iter().all(|(company, _)| feed.contains(company)), "{feed}");
    team.says(&["run", "post-call"]);
    assert_eq!(team.says(&["search", "budget"]), found);
    assert_eq!(wishes(&team, "call call-2"), drafted, "what nobody has decided is asked again, word for word");
    let again = team.batch("call call-1");
    let only = |l: &reframe_workflow::outbox::Listed| matches!(l.proposal.action, Action::CreateDraft { .. });
    assert!(!again.is_empty() && again.iter().all(only), "what stands in the CRM is not asked for again: {again:?}");
    team.says(&["run", "hygiene"]);
    assert_eq!(accounts(&team), known, "accounts are the CRM's");
    assert_eq!(things(&crm), there, "none of that wrote anything");

    // Yes to all of it: the other call lands, and of the first no second note, task or field.
    let ids: Vec<String> = team.batch("call call-2").iter().map(|l| l.proposal.id.to_string()).collect();
    team.review(|line| if ids.iter().any(|id| line.starts_with(id.as_str())) { "a" } else { "n" });
    let new = changes(&there, &things(&crm));
    let notes: Vec<&String> = new.keys().filter(|name| name.starts_with("notes/")).collect();
    assert_eq!(notes.len(), 1, "{new:?}");
    assert!(new.keys().all(|name| !name.starts_with("deals.csv/1/")), "{new:?}");
    let chain = team.says(&["audit", "verify"]);
    assert!(!chain.is_empty());
}

/// A wish for no more mail that has come into the CRM, by an approved change or by anybody's hand, holds without our store.
#[test]
fn whoever_asked_for_no_more_mail_is_in_the_crm_after_a_yes() {
    let team = Team::new();
    let contacts = std::fs::read_to_string(team.path().join("data/crm/contacts.csv")).unwrap();
    let mut lines = contacts.lines();
    let heading = format!("{},email_opt_out\n", lines.next().unwrap());
    team.crm("contacts.csv", &lines.fold(heading, |text, line| format!("{text}{line},\n")));
    team.says(&["signal", "import", "events.csv"]);
    team.says(&["signal", "feed"]);
    team.answered(1, "Please unsubscribe me.");
    team.review(|line| if line.contains("email_opt_out") { "a" } else { "n" });
    let row = std::fs::read_to_string(team.path().join("data/crm/contacts.csv")).unwrap();
    let row = row.lines().find(|line| line.contains(&address(1))).unwrap().to_owned();
    assert!(row.ends_with(",true"), "{row}");
    lose(&team);
    team.says(&["signal", "import", "events.csv"]);
    team.says(&["signal", "feed"]);
    let drafted = team.run(&["outreach", "draft", "1"]);
    if drafted.status.success() {
        let said = team.review(|line| if line.contains(&address(1)) { "a" } else { "n" });
        assert!(said.contains("they unsubscribed"), "{said}");
    } else {
        assert!(out(&drafted).contains("they unsubscribed"), "{}", out(&drafted));
    }
    assert_eq!(team.sent(), 0);
}
