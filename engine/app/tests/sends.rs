//! What goes to people outside, through the whole program with the local mailbox: an approved mail is sent if rules, wishes,
//! account and sender allow it at that moment, and else nothing is, with the reason in the inbox.

#![allow(clippy::unwrap_used)]

use std::{path::Path, process::Output};

use crate::support::{approve_first, err, out, run, wait_until};
use jiff::{Timestamp, ToSpan as _, tz::TimeZone};
use reframe_policy::ledger::What;
use reframe_store::{Item, ItemKind, SqliteLog, SqliteOptions};
use reframe_workflow::{
    artifact::{ArtifactId, Claim, Evidence},
    audit::Actor,
    gate::{Action, Approver, Click, Mail, Proposal, ProposalId, Unsubscribe},
    outbox::{Inbox as _, Standing},
};
use serde_json::{Value, json};

const DANA: &str = "dana.fox@acme.example";
const FOOTER: &str = "-- \nSeller Ltd, 1 Main Street, Springfield\nIf you would rather not hear from me, answer \"stop\" \
                      and I will not write again.";

/// The settings, with a text put in place of another.
fn settings(change: (&str, &str)) -> String {
    let text = r#"
[data]
dir = "data"
[workflow]
after_calls = false
nightly_at = ""
from = "ada@try-seller.example"
[workflow.outreach]
company = "Seller Ltd"
postal_address = "1 Main Street, Springfield"
unsubscribe_mail = "stop@try-seller.example"
unsubscribe_url = "https://try-seller.example/u/"
[workflow.outreach.sender]
domain = "try-seller.example"
company_domain = "seller.example"
spf_mechanism = "include:_spf.mail.example"
dkim_selector = "s1"
report_to = "dmarc@seller.example"
zone_file = "zone"
warm_up_began = "2020-01-01"
"#;
    assert!(text.contains(change.0), "{}", change.0);
    text.replacen(change.0, change.1, 1)
}

/// A folder with a CRM, the settings and an empty store.
fn world(change: (&str, &str)) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    std::fs::create_dir_all(at("data/crm")).unwrap();
    std::fs::write(at("reframe.toml"), format!("version = 1\n{}", settings(change))).unwrap();
    let zone = format!(
        "@ IN TXT \"v=spf1 include:_spf.mail.example -all\"\ns1._domainkey IN TXT \"v=DKIM1; p={}\"\n\
         _dmarc IN TXT \"v=DMARC1; p=reject; rua=mailto:dmarc@seller.example\"\n",
        "A".repeat(392)
    );
    std::fs::write(at("zone"), zone).unwrap();
    let contacts = "id,name,email,phone,country,state,company_id\n\
                    1,Dana Fox,Dana.Fox@Acme.example,+49 30 123456,United States,NY,1\n\
                    2,Bo Li,bo@acme.example,,United States,NY,1\n3,Zed Ray,zed@nowhere.example,,,,\n";
    std::fs::write(at("data/crm/contacts.csv"), contacts).unwrap();
    std::fs::write(at("data/crm/companies.csv"), "id,name,domain,industry\n1,Acme,acme.example,Banking\n").unwrap();
    std::fs::write(at("data/crm/deals.csv"), "id,name,stage,company_id\n1,Old,closed_won,1\n").unwrap();
    // No quiet period of the program's examples may hold on the day of the test.
    std::fs::write(at("quiet.toml"), "").unwrap();
    let text = std::fs::read_to_string(at("reframe.toml")).unwrap();
    let text = text.replacen("[workflow.outreach]\n", "[workflow.outreach]\nquiet_file = \"quiet.toml\"\n", 1);
    std::fs::write(at("reframe.toml"), text).unwrap();
    dir
}

fn store(dir: &Path) -> SqliteLog {
    SqliteLog::open(dir.join("data/reframe.db"), SqliteOptions::default()).unwrap()
}

/// A mail with all it must carry.
fn mail(nth: u32, to: &str) -> Mail {
    let https = Some(format!("https://try-seller.example/u/{nth}"));
    Mail {
        message_id: format!("<rf-{nth}@try-seller.example>"),
        to: vec![to.to_owned()],
        cc: vec![],
        subject: "your launch".to_owned(),
        body: format!("Hi, number {nth}.\n\n{FOOTER}"),
        in_reply_to: None,
        thread: None,
        unsubscribe: Some(Unsubscribe { mailto: "stop@try-seller.example".to_owned(), https }),
    }
}

/// Puts a mail in the inbox, as a stage does.
fn propose(dir: &Path, mail: Mail, from: &str, batch: &str) -> ProposalId {
    let because = Claim::new("they launched", vec![Evidence::Event { call: "c".into(), seq: 1 }], 1.0).unwrap();
    let action = Action::SendMail { mail, draft: None };
    let at = Timestamp::now().as_millisecond();
    let proposal = Proposal::new("local", action, None, because, ArtifactId::of(from, b"x"), batch, at);
    store(dir).put_proposals(std::slice::from_ref(&proposal), &Actor::service("outreach"), at).unwrap();
    proposal.id
}

/// A person says yes to the first that waits.
fn review(dir: &Path) -> Output {
    approve_first(dir, "Ada Byron")
}

fn standing(dir: &Path, id: &ProposalId) -> Standing {
    store(dir).proposal(id).unwrap().unwrap().standing
}

/// Messages in the sent folder.
fn sent(dir: &Path) -> Vec<String> {
    let Ok(files) = std::fs::read_dir(dir.join("data/crm/mail/sent")) else { return vec![] };
    files.map(|f| std::fs::read_to_string(f.unwrap().path()).unwrap()).collect()
}

fn contact(dir: &Path, args: &[&str]) -> Output {
    run(dir, &[&["contact"], args].concat())
}

/// Each part of the world that speaks against a mail stops it, and says so; without any it is sent.
#[test]
fn an_approved_mail_is_sent_unless_something_speaks_against_it_at_that_moment() {
    let today = Timestamp::now().to_zoned(TimeZone::UTC);
    let young = format!("\"{}\"", today.checked_sub(20.days()).unwrap().date());
    let quiet = "[[quiet]]\nname = \"reporting\"\nindustries = [\"banking\"]\nfrom = \"01-01\"\nto = \"12-31\"\nsource = \"x\"\n";
    let outage = "[[outage]]\nfrom = \"2020-01-01T00:00:00Z\"\n";
    let same = ("company", "company");
    type Change = fn(&mut Mail);
    let as_is: Change = |_| {};
    let suppress: &[&str] = &["suppress", DANA, "--channel", "linkedin", "--as", "Ada"];
    let by_phone: &[&str] = &["suppress", "+4930123456", "--channel", "call", "--as", "Ada"];
    let domain: &[&str] = &["suppress", "@acme.example", "--reason", "own", "--as", "Ada"];
    let colleague: &[&str] = &["suppress", "bo@acme.example", "--as", "Ada"];
    let withdraw: &[&str] = &["withdraw", DANA, "--method", "mail", "--as", "Ada"];
    // What the inbox says, two files of the system of record, a word to the program before, a change of the mail.
    type Case<'a> = (&'a str, (&'a str, &'a str), (&'a str, &'a str), Option<&'a [&'a str]>, Change);
    let cases: &[Case<'_>] = &[
        ("", same, ("", ""), None, as_is),
        ("they unsubscribed", same, ("", ""), Some(suppress), as_is),
        ("they unsubscribed", same, ("", ""), Some(by_phone), as_is),
        ("somebody of ours decided so", same, ("", ""), Some(domain), as_is),
        ("they took their permission back", same, ("", ""), Some(withdraw), as_is),
        ("somebody there unsubscribed within 90 days", same, ("", ""), Some(colleague), as_is),
        ("in an active deal", same, ("deals.csv", "id,name,stage,company_id\n2,New,proposal,1\n"), None, as_is),
        ("quiet period: reporting", same, ("../../quiet.toml", quiet), None, as_is),
        (
            "our own product is down",
            ("company", "outages_file = \"data/crm/out.toml\"\ncompany"),
            ("out.toml", outage),
            None,
            as_is,
        ),
        (
            "there is a legal dispute",
            ("company", "disputes = [{ account = \"acme.example\" }]\ncompany"),
            ("", ""),
            None,
            as_is,
        ),
        ("being warmed up: day 20 of 28", ("\"2020-01-01\"", &young), ("", ""), None, as_is),
        ("the sender's domain is not set up", ("\"s1\"", "\"s2\""), ("", ""), None, as_is),
        ("no sender is set up", ("ada@try-seller", "ada@other-seller"), ("", ""), None, as_is),
        ("lacks a postal address", same, ("", ""), None, |m| m.body = m.body.replace("Springfield", "Shelbyville")),
        ("lacks a line to unsubscribe", same, ("", ""), None, |m| m.body = m.body.replace("answer", "enjoy")),
        ("lacks the headers to unsubscribe", same, ("", ""), None, |m| m.unsubscribe = None),
        ("nobody knows where they are", same, ("", ""), None, |m| m.to = vec!["zed@nowhere.example".into()]),
        ("nobody knows where they are", same, ("", ""), None, |m| m.cc = vec!["who@else.example".into()]),
    ];
    for (reason, config, file, before, change) in cases {
        let dir = world(*config);
        let dir = dir.path();
        if !file.0.is_empty() {
            std::fs::write(dir.join("data/crm").join(file.0), file.1).unwrap();
        }
        if let Some(args) = before {
            let said = contact(dir, args);
            assert!(said.status.success(), "{reason}: {}", err(&said));
        }
        let mut mail = mail(1, DANA);
        change(&mut mail);
        let id = propose(dir, mail, "signal_card", "outreach");
        let seen = review(dir);
        assert!(seen.status.success(), "{reason}: {}{}", out(&seen), err(&seen));
        let now = standing(dir, &id);
        if reason.is_empty() {
            assert!(matches!(now, Standing::Done { .. }), "{now}");
            assert_eq!(sent(dir).len(), 1);
            continue;
        }
        assert!(matches!(now, Standing::Void { .. }) && now.to_string().contains(reason), "{reason}: {now}");
        assert!(out(&seen).contains(reason), "{reason}: {}", out(&seen));
        let waits = out(&run(dir, &["review", "--list"]));
        assert!(waits.contains(reason), "{reason}: {waits}");
        assert!(sent(dir).is_empty(), "{reason}");
    }
}

/// Without the table the program has no right to send at all.
#[test]
fn without_settings_nothing_is_sent() {
    let dir = world(("company", "company"));
    let dir = dir.path();
    std::fs::write(dir.join("reframe.toml"), "version = 1\n[data]\ndir = \"data\"\n").unwrap();
    let id = propose(dir, mail(1, DANA), "signal_card", "outreach");
    let seen = review(dir);
    assert!(out(&seen).contains("reframe-writer may not do this in local"), "{}{}", out(&seen), err(&seen));
    assert!(matches!(standing(dir, &id), Standing::Void { .. }) && sent(dir).is_empty());
}

/// What was sent is on record with what it rested on, also if the program ended before it noted it; and counts.
#[test]
fn a_sent_mail_leaves_its_basis_and_a_touch_even_after_a_crash() {
    let dir = world(("company", "company"));
    let dir = dir.path();
    let first = propose(dir, mail(1, DANA), "signal_card", "outreach");
    assert!(review(dir).status.success());
    let entries = || store(dir).contacts_from(0, 100).unwrap();
    let touches = |all: &[reframe_policy::ledger::Entry]| {
        all.iter()
            .filter(|e| matches!(&e.what, What::TouchSent { basis: Some(b), .. } if b.rules.contains("can_spam.email")))
            .count()
    };
    let all = entries();
    assert_eq!((all.len(), touches(&all)), (2, 1), "cleared, then sent: {all:?}");
    let record = out(&run(dir, &["audit", "show", &first.to_string()]));
    assert!(record.contains(" cleared ") && record.contains("can_spam.email"), "{record}");
    assert!(!record.contains("acme") && !record.to_lowercase().contains("dana"), "{record}");

    // Killed between the write and its note: the outbox knows.
    let db = rusqlite::Connection::open(dir.join("data/reframe.db")).unwrap();
    assert_eq!(db.execute("DELETE FROM contact_ledger WHERE what LIKE '%touch_sent%'", []).unwrap(), 1);
    drop(db);
    let second = propose(dir, mail(2, DANA), "signal_card", "outreach");
    let seen = review(dir);
    assert!(out(&seen).contains("written to within 3 days"), "{}{}", out(&seen), err(&seen));
    assert!(matches!(standing(dir, &second), Standing::Void { .. }));
    assert_eq!((sent(dir).len(), touches(&entries())), (1, 1));
    // A colleague the day after the first counts too.
    let asked = contact(dir, &["ask", "bo@acme.example", "email", "outreach"]);
    assert!(
        out(&asked).contains("allowed:") && out(&asked).contains("account was written to within 1 days"),
        "{}",
        out(&asked)
    );
    assert_eq!(asked.status.code(), Some(1));
}

/// Approved, and before its turn came they unsubscribed, by another channel: the server sends nothing.
#[test]
fn what_becomes_known_after_the_approval_counts() {
    let dir = world(("company", "company"));
    let dir = dir.path();
    let (stopped, other) = (
        propose(dir, mail(1, DANA), "signal_card", "outreach"),
        propose(dir, mail(2, "zed@nowhere.example"), "signal_card", "outreach"),
    );
    let contacts = std::fs::read_to_string(dir.join("data/crm/contacts.csv")).unwrap();
    let known = contacts.replace("zed@nowhere.example,,,,", "zed@nowhere.example,,US,NY,");
    std::fs::write(dir.join("data/crm/contacts.csv"), known).unwrap();
    for id in [&stopped, &other] {
        let log = store(dir);
        let shown = log.proposal(id).unwrap().unwrap().proposal.digest();
        let click =
            Click { by: Approver::person("Ada").unwrap(), shown, at_unix_ms: Timestamp::now().as_millisecond() };
        log.approve(id, &click).unwrap();
    }
    assert!(contact(dir, &["suppress", "https://linkedin.com/in/nobody", "--as", "Ada"]).status.success());
    let said = contact(dir, &["suppress", "DANA.FOX+news@acme.example", "--channel", "linkedin", "--as", "Ada"]);
    assert!(said.status.success(), "{}", err(&said));
    for channel in ["email", "linkedin", "sms", "call", "ai_call"] {
        let asked = contact(dir, &["ask", DANA, channel, "outreach"]);
        assert_eq!(asked.status.code(), Some(1), "{channel}");
        assert!(out(&asked).contains("denied: they unsubscribed (suppression)"), "{channel}: {}", out(&asked));
    }
    let config = std::fs::read_to_string(dir.join("reframe.toml")).unwrap();
    let served = crate::support::Served::start(dir, config.strip_prefix("version = 1\n").unwrap());
    wait_until("both are over", || {
        [&stopped, &other].iter().all(|id| !matches!(standing(dir, id), Standing::Approved { .. }))
    });
    drop(served);
    assert!(standing(dir, &stopped).to_string().contains("they unsubscribed"), "{}", standing(dir, &stopped));
    assert!(matches!(standing(dir, &other), Standing::Done { .. }), "{}", standing(dir, &other));
    let sent = sent(dir);
    assert!(sent.len() == 1 && sent[0].contains("zed@nowhere.example"), "{sent:?}");
}

/// Whoever is erased leaves nothing but that they are not to be written to, however the address comes back.
#[test]
fn an_erased_person_stays_suppressed_and_may_see_before_what_is_kept() {
    let dir = world(("company", "company"));
    let dir = dir.path();
    let item = |id: &str, text: &str| Item {
        kind: ItemKind::Signal,
        id: id.to_owned(),
        account: None,
        at_unix_ms: 1,
        body: json!({ "excerpt": text }),
    };
    store(dir).keep_items(&[item("a", "Dana Fox speaks at a fair"), item("b", "Dana Foxworth does")]).unwrap();
    propose(dir, mail(1, DANA), "signal_card", "outreach");
    assert!(review(dir).status.success());
    let permit = [
        "permit",
        DANA,
        "--channel",
        "email",
        "--purpose",
        "outreach",
        "--ground",
        "express",
        "--method",
        "form",
        "--proof",
        "form-7",
        "--as",
        "Ada",
    ];
    assert!(contact(dir, &permit).status.success());
    let explained = out(&contact(dir, &["explain", DANA]));
    assert!(
        explained.contains("express, email for outreach") && explained.contains("1 messages to them"),
        "{explained}"
    );

    let access = || -> Value {
        let shown = contact(dir, &["access", DANA, "--as", "Ada"]);
        assert!(shown.status.success(), "{}", err(&shown));
        serde_json::from_str(&out(&shown)).unwrap()
    };
    let all = access();
    assert_eq!(all["ledger"]["entries"].as_array().unwrap().len(), 3, "{all:#}");
    assert_eq!(all["items"][0]["id"], "a");
    assert_eq!(all["items"].as_array().unwrap().len(), 1, "not of somebody else: {all:#}");
    assert_eq!(all["crm"][0]["fields"]["name"], "Dana Fox");
    assert_eq!(all["proposals"].as_array().unwrap().len(), 1);

    let erased = run(dir, &["data", "erase", DANA, "Dana Fox", "--as", "Ada"]);
    assert!(erased.status.success(), "{}", err(&erased));
    let left = access();
    let what: Vec<&str> =
        left["ledger"]["entries"].as_array().unwrap().iter().map(|e| e["what"]["what"].as_str().unwrap()).collect();
    assert_eq!(what, ["erased", "suppressed"], "{left:#}");
    assert!(
        left["items"].as_array().unwrap().is_empty() && left["proposals"].as_array().unwrap().is_empty(),
        "{left:#}"
    );
    // A list brings the address again, and even a permission comes in.
    assert!(contact(dir, &permit).status.success());
    let again = propose(dir, mail(2, "Dana.Fox@acme.example"), "signal_card", "outreach");
    let seen = review(dir);
    assert!(out(&seen).contains("they asked to be forgotten"), "{}{}", out(&seen), err(&seen));
    assert!(matches!(standing(dir, &again), Standing::Void { .. }));
    assert_eq!(sent(dir).len(), 1, "only what went out before");
    let chain = run(dir, &["audit", "verify"]);
    assert!(chain.status.success(), "{}", out(&chain));
}

/// A follow-up goes to people of the call by the rules for it: an open deal does not hold it up, an unsubscribe does, and
/// somebody who was not there is written to as unasked.
#[test]
fn a_follow_up_goes_by_the_rules_for_people_of_the_call() {
    let dir = world(("company", "region_default = \"US-NY\"\ncompany"));
    let dir = dir.path();
    let demo = run(dir, &["demo", "--call-only", "--pace", "max", "--json", "--name", "one", "--data", "data"]);
    assert!(demo.status.success(), "{}", err(&demo));
    let marcus = "marcus.bell@northline.example";
    let contacts = "id,name,email,role,deal_ids,company_id\n1,Marcus Bell,marcus.bell@northline.example,champion,1,1\n\
                    2,Nia Cole,nia@northline.example,,1,1\n";
    std::fs::write(dir.join("data/crm/contacts.csv"), contacts).unwrap();
    std::fs::write(dir.join("data/crm/companies.csv"), "id,name,domain\n1,Northline,northline.example\n").unwrap();
    std::fs::write(dir.join("data/crm/deals.csv"), "id,name,stage,company_id\n1,Northline,proposal,1\n").unwrap();
    let db = rusqlite::Connection::open(dir.join("data/reframe.db")).unwrap();
    db.execute("UPDATE proposals SET standing = 'rejected', detail = '{\"standing\":\"rejected\",\"by\":\"ada\",\"reason\":\"x\"}'", []).unwrap();
    drop(db);
    for (nth, to, from, batch, reason) in [
        (1, marcus, "note_proposal", "call one", None),
        (2, "nia@northline.example", "note_proposal", "call one", Some("in an active deal")),
        (3, marcus, "signal_card", "call one", Some("in an active deal")),
        (4, marcus, "note_proposal", "call two", Some("in an active deal")),
    ] {
        let id = propose(dir, mail(nth, to), from, batch);
        let seen = review(dir);
        let now = standing(dir, &id);
        match reason {
            None => assert!(matches!(now, Standing::Done { .. }), "{nth}: {now} {}{}", out(&seen), err(&seen)),
            Some(reason) => assert!(now.to_string().contains(reason), "{nth}: {now}"),
        }
        let db = rusqlite::Connection::open(dir.join("data/reframe.db")).unwrap();
        let out_of_the_way = "UPDATE proposals SET standing = 'rejected', detail = '{\"standing\":\"rejected\",\"by\":\"ada\",\"reason\":\"x\"}' WHERE standing = 'void'";
        db.execute(out_of_the_way, []).unwrap();
    }
    assert!(contact(dir, &["suppress", marcus, "--as", "Ada"]).status.success());
    let id = propose(dir, mail(5, marcus), "note_proposal", "call one");
    assert!(review(dir).status.success());
    assert!(standing(dir, &id).to_string().contains("they unsubscribed"));
    assert_eq!(sent(dir).len(), 1);
}

/// An answer to what they wrote goes also where outreach would not; an answer to what they did not write is outreach.
#[test]
fn an_answer_goes_to_who_wrote() {
    let dir = world(("company", "company"));
    let dir = dir.path();
    std::fs::write(dir.join("data/crm/deals.csv"), "id,name,stage,company_id\n1,New,proposal,1\n").unwrap();
    let theirs = Item {
        kind: ItemKind::Mail,
        id: "mail/1".to_owned(),
        account: None,
        at_unix_ms: 1,
        body: json!({ "message_id": "<q@acme.example>", "from": "Dana.Fox@acme.example", "text": "How much is it?" }),
    };
    store(dir).keep_items(&[theirs]).unwrap();
    let answer = |nth, to: &str| Mail { in_reply_to: Some("<q@acme.example>".to_owned()), ..mail(nth, to) };
    let unheard = propose(dir, answer(1, DANA), "signal_card", "replies");
    assert!(review(dir).status.success());
    assert!(standing(dir, &unheard).to_string().contains("a message of theirs"), "{}", standing(dir, &unheard));
    assert!(contact(dir, &["replied", DANA, "--as", "Ada"]).status.success());
    // The same again: what stopped it is gone.
    let seen = review(dir);
    assert!(matches!(standing(dir, &unheard), Standing::Done { .. }), "{}{}", out(&seen), err(&seen));
    let other = propose(dir, answer(2, "bo@acme.example"), "signal_card", "replies");
    assert!(review(dir).status.success());
    assert!(standing(dir, &other).to_string().contains("in an active deal"), "{}", standing(dir, &other));
    assert_eq!(sent(dir).len(), 1);
}
