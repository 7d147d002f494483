//! Outreach through the whole program: a contact of the CRM from a signal to a message that was approved and sent, to an
//! answer that is heard on every channel; touches that a person makes by hand; and what comes up after an approval.

#![allow(clippy::unwrap_used)]

use std::{path::Path, process::Output};

use crate::support::{approve_first, err, out, outreach_settings, run, run_with_input, wait_until};
use jiff::Timestamp;
use reframe_policy::{
    ledger::{Entry, What},
    rules::Channel,
};
use reframe_store::{Item, ItemKind, SqliteLog, SqliteOptions};
use reframe_workflow::{
    artifact::Digest,
    gate::{Approver, Click, ProposalId},
    outbox::{AuditBook as _, Inbox as _, Standing, Which},
};
use serde_json::{Value, json};

const DAY_MS: i64 = 86_400_000;
const DANA: &str = "dana.fox@kestrel.example";
const EVE: &str = "eve.lund@kestrel.example";
const MOBILE: &str = "+12125550123";
const PROFILE: &str = "https://www.linkedin.com/in/dana-fox";
/// Every channel of the policy.
const CHANNELS: [&str; 5] = ["email", "linkedin", "sms", "call", "ai_call"];

fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

/// `YYYY-MM-DD`, so many days before today in UTC.
fn day(ago: i64) -> String {
    Timestamp::from_millisecond(now_ms() - ago * DAY_MS).unwrap().to_string()[..10].to_owned()
}

fn config() -> String {
    let key = format!("MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A{}", "MIIBCgKCAQEA".repeat(30));
    let records = r#"records = [
  { name = "try-us.example", text = "v=spf1 include:_spf.mail.example -all" },
  { name = "s1._domainkey.try-us.example", text = "v=DKIM1; k=rsa; p=KEY" },
  { name = "_dmarc.try-us.example", text = "v=DMARC1; p=quarantine; rua=mailto:dmarc@us.example" },
]"#;
    r#"
[data]
dir = "data"
[workflow]
after_calls = false
nightly_at = ""
from = "tom@try-us.example"
[workflow.signals]
icp = "icp.json"
"#
    .to_owned()
        + &outreach_settings("", &records.replace("KEY", &key))
}

/// A team with one account and two people there whom two sources know, its settings, and a feed of today that shows it.
fn world() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let write = |name: &str, text: String| std::fs::write(at(name), text).unwrap();
    std::fs::create_dir_all(at("data/crm")).unwrap();
    let updated = format!("{}T09:00:00Z", day(20));
    write(
        "data/crm/companies.csv",
        format!(
            "id,updated,name,domain,country,industry,employees\n\
             1,{updated},Kestrel Foods,kestrel.example,US,software,400\n"
        ),
    );
    write(
        "data/crm/contacts.csv",
        format!(
            "id,updated,name,email,title,mobile,linkedin,country,state,deal_ids,company_id\n\
             11,{updated},Dana Fox,{DANA},Sales Manager,{MOBILE},{PROFILE},US,NY,,1\n"
        ),
    );
    write("data/crm/deals.csv", "id,updated,name,stage,owner,company_id\n".to_owned());
    write(
        "icp.json",
        format!(
            r#"{{"name": "Software with sellers", "version": 1, "valid_from": "{}", "refresh_by": "{}",
                "fit": [{{"id": "industry", "weight": 2, "when": {{"is": "one_of", "field": "industry", "values": ["software"]}}}}]}}"#,
            day(10),
            day(-60)
        ),
    );
    write("voice.toml", "tone = \"plain\"\n".to_owned());
    write("reframe.toml", format!("version = 1\n{}", config()));
    let (d1, d2) = (day(1), day(2));
    write(
        "events.csv",
        format!(
            "kind,domain,company,person,person_title,email,at,url,title\n\
             hiring,kestrel.example,Kestrel Foods,Eve Lund,VP Sales,{EVE},{d1},https://kestrel.example/jobs/1,Kestrel Foods hires two planners for Leeds\n\
             launch,kestrel.example,Kestrel Foods,Dana Fox,VP Sales,{DANA},{d2},https://kestrel.example/news/1,Kestrel Foods opened a second warehouse in Leeds\n"
        ),
    );
    // One more contact, added by hand as people do in a table.
    let contacts = std::fs::read_to_string(at("data/crm/contacts.csv")).unwrap();
    write("data/crm/contacts.csv", format!("{contacts}12,{updated},Eve Lund,{EVE},VP Sales,,,US,NY,,1\n"));
    let imported = run(dir.path(), &["signal", "import", "events.csv"]);
    assert!(imported.status.success(), "{}{}", out(&imported), err(&imported));
    let feed = run(dir.path(), &["signal", "feed"]);
    assert!(out(&feed).contains("1. Kestrel Foods"), "{}{}", out(&feed), err(&feed));
    dir
}

fn store(dir: &Path) -> SqliteLog {
    SqliteLog::open(dir.join("data/reframe.db"), SqliteOptions::default()).unwrap()
}

fn ledger(dir: &Path) -> Vec<Entry> {
    store(dir).contacts_from(0, 1_000).unwrap()
}

/// By which channels something is on record as sent.
fn touches(dir: &Path) -> Vec<Channel> {
    let channel = |e: &Entry| match &e.what {
        What::TouchSent { channel, .. } => Some(*channel),
        _ => None,
    };
    ledger(dir).iter().filter_map(channel).collect()
}

/// Messages in the sent folder.
fn sent(dir: &Path) -> Vec<String> {
    let Ok(files) = std::fs::read_dir(dir.join("data/crm/mail/sent")) else { return vec![] };
    files.map(|f| std::fs::read_to_string(f.unwrap().path()).unwrap()).collect()
}

/// `reframe outreach draft 1` with more; exit code and what it says.
fn draft(dir: &Path, more: &[&str]) -> (bool, String) {
    let drafted = run(dir, &[&["outreach", "draft", "1"], more].concat());
    (drafted.status.success(), format!("{}{}", out(&drafted), err(&drafted)))
}

fn contact(dir: &Path, args: &[&str]) -> Output {
    run(dir, &[&["contact"], args].concat())
}

/// A person enters something about a contact; it has to work.
fn enter(dir: &Path, args: &[&str]) {
    let entered = contact(dir, &[args, &["--as", "Ada King"]].concat());
    assert!(entered.status.success(), "{args:?}: {}{}", out(&entered), err(&entered));
}

/// A person says yes to the first that waits; what the program says.
fn review(dir: &Path) -> String {
    let done = approve_first(dir, "Tom Miller");
    format!("{}{}", out(&done), err(&done))
}

/// The one proposal to send a mail.
fn proposal(dir: &Path) -> ProposalId {
    let listed = store(dir).proposals(&Which::default(), 10).unwrap();
    assert_eq!(listed.len(), 1, "{listed:?}");
    listed[0].proposal.id.clone()
}

/// A person says yes, and nobody carries it out yet.
fn approve(dir: &Path, id: &ProposalId) {
    let log = store(dir);
    let shown = log.proposal(id).unwrap().unwrap().proposal.digest();
    let click = Click { by: Approver::person("Tom Miller").unwrap(), shown, at_unix_ms: now_ms() };
    log.approve(id, &click).unwrap();
}

fn standing(dir: &Path, id: &ProposalId) -> Standing {
    store(dir).proposal(id).unwrap().unwrap().standing
}

fn serve(dir: &Path) -> crate::support::Served {
    crate::support::Served::start(dir, &config())
}

/// A mail from somebody, as it comes in.
fn answer(dir: &Path, from: &str, to: &str, text: &str) -> String {
    let at =
        Timestamp::from_millisecond(now_ms() - 60_000).unwrap().strftime("%a, %d %b %Y %H:%M:%S +0000").to_string();
    let mail = format!(
        "From: {from}\r\nTo: tom@try-us.example\r\nSubject: Re: Stock\r\nIn-Reply-To: {to}\r\n\
         Message-ID: <a1@kestrel.example>\r\nDate: {at}\r\n\r\n{text}\r\n"
    );
    let reply = run_with_input(dir, &["outreach", "reply", "-"], &mail);
    assert!(reply.status.success(), "{}{}", out(&reply), err(&reply));
    out(&reply)
}

/// Under which name a sequence is kept.
fn sequence_id(key: &str) -> String {
    format!("sequence/{}", &Digest::of(key.as_bytes()).as_str()[..24])
}

/// The kept sequence under a key, with a change made to it.
fn change(dir: &Path, key: &str, change: impl FnOnce(&mut Value)) {
    let log = store(dir);
    let mut item = log.item(ItemKind::Sequence, &sequence_id(key)).unwrap().unwrap();
    change(&mut item.body);
    log.replace_item(&item).unwrap();
}

/// A sequence as it might have been kept: one message out some days ago, and soft noes.
fn keep_sequence(dir: &Path, (key, address, account): (&str, &str, &str), soft_nos: u8, ago: i64, token: &str) {
    let plan: Vec<Value> = [0, 4, 4, 6].iter().map(|d| json!({ "channel": "email", "after_days": d })).collect();
    let at = now_ms() - ago * DAY_MS;
    let body = json!({
        "address": address,
        "contact": { "system": "local", "kind": "contact", "id": "12" },
        "account": { "system": "local", "kind": "company", "id": account },
        "sequence": {
            "plan": plan, "sent": 1, "last_unix_ms": at, "waiting": null, "soft_nos": soft_nos,
            "soft_no_unix_ms": at, "silence_counted": false, "away_until": null, "away_since_unix_ms": null,
            "stopped": null,
        },
        "touches": [],
        "token": token,
    });
    let account = serde_json::from_value::<reframe_workflow::system::RecordRef>(body["account"].clone()).unwrap();
    let item = Item {
        kind: ItemKind::Sequence,
        id: sequence_id(key),
        account: Some(account.to_string()),
        at_unix_ms: at,
        body,
    };
    store(dir).replace_item(&item).unwrap();
}

/// The card's name, from what the draft says.
fn card_of(said: &str) -> String {
    let line = said.lines().find(|l| l.starts_with("card-")).unwrap_or_else(|| panic!("no card: {said}"));
    line.split(':').next().unwrap().to_owned()
}

/// From a row in a table to a mail that was approved and sent, and to an answer that is heard on every channel.
#[test]
fn a_contact_goes_from_the_table_to_a_sent_mail_and_is_suppressed_on_every_channel() {
    let dir = world();
    let dir = dir.path();
    let (good, said) = draft(dir, &["--to", DANA]);
    assert!(good && said.contains("Hi Dana,"), "{said}");
    let id = proposal(dir);
    assert!(sent(dir).is_empty() && touches(dir).is_empty(), "a draft sends nothing");
    let reviewed = review(dir);
    assert!(matches!(standing(dir, &id), Standing::Done { .. }), "{reviewed}");
    let mails = sent(dir);
    assert_eq!((mails.len(), touches(dir)), (1, vec![Channel::Email]));
    let by_rule =
        |e: &Entry| matches!(&e.what, What::TouchSent { basis: Some(b), .. } if b.rules.contains("can_spam.email"));
    assert!(ledger(dir).iter().any(by_rule), "with what it rested on");

    // The sequence goes on in its time, and not before.
    let (good, said) = draft(dir, &["--to", DANA]);
    assert!(!good && said.contains("the next message to Dana Fox is not before"), "{said}");
    let (good, said) = draft(dir, &["--to", EVE]);
    assert!(!good && said.contains("Eve Lund is not written to: the account was written to within 1 days"), "{said}");

    let id = mails[0].lines().find_map(|l| l.strip_prefix("Message-ID: ")).unwrap().to_owned();
    let replied = answer(dir, "Dana Fox <Dana.Fox@kestrel.example>", &id, "Please unsubscribe me.");
    assert!(replied.contains("over: unsubscribed"), "{replied}");
    for who in [DANA, "DANA.FOX+news@kestrel.example", MOBILE, PROFILE] {
        for channel in CHANNELS {
            let asked = contact(dir, &["ask", who, channel, "outreach"]);
            assert_eq!(asked.status.code(), Some(1), "{who} {channel}");
            assert!(
                out(&asked).contains("denied: they unsubscribed (suppression)"),
                "{who} {channel}: {}",
                out(&asked)
            );
        }
    }
    for channel in ["email", "linkedin", "sms", "call"] {
        let (good, said) = draft(dir, &["--to", DANA, "--channel", channel]);
        assert!(!good && said.contains("Dana Fox is not written to: they unsubscribed"), "{channel}: {said}");
    }
    let (good, said) = draft(dir, &["--to", EVE]);
    assert!(!good && said.contains("somebody there unsubscribed within 90 days"), "{said}");
    assert_eq!(sent(dir).len(), 1);
}

/// A mail that came back says something of the address alone: nothing more goes there, the contact says why, other
/// channels and other people stay open. Where nobody can tell whom it did not reach, a person is told so.
#[test]
fn a_mail_that_came_back_ends_mails_to_its_address_and_nothing_else() {
    let dir = world();
    let dir = dir.path();
    assert!(draft(dir, &["--to", DANA]).0);
    let at =
        Timestamp::from_millisecond(now_ms() - 60_000).unwrap().strftime("%a, %d %b %Y %H:%M:%S +0000").to_string();
    let came_back = |id: &str, more: &str| {
        let mail = format!(
            "From: Mail Delivery Subsystem <mailer-daemon@kestrel.example>\r\nTo: tom@try-us.example\r\n\
             Subject: Delivery Status Notification (Failure)\r\n{more}Message-ID: <{id}@kestrel.example>\r\n\
             Date: {at}\r\n\r\nThe address was not found.\r\n"
        );
        let taken = run_with_input(dir, &["outreach", "reply", "-"], &mail);
        assert!(taken.status.success(), "{}{}", out(&taken), err(&taken));
        out(&taken)
    };
    let said = came_back("b1", "");
    assert!(said.contains(": bounce (") && said.contains("suppress the address by hand"), "{said}");
    assert!(!said.contains("not written to any more") && ledger(dir).is_empty(), "{said}");

    let failed = "X-Failed-Recipients: <Dana.Fox@kestrel.example>\r\n";
    let said = came_back("b2", failed);
    assert!(said.contains("from Dana.Fox@kestrel.example: bounce ("), "{said}");
    assert!(said.contains("the mail came back: the address is not used again"), "{said}");
    assert!(said.contains("nobody has to hurry") && said.contains("over: bounced"), "{said}");
    assert!(
        said.contains("Dana.Fox@kestrel.example is not written to any more") && !said.contains("proposed:"),
        "{said}"
    );
    let entries = ledger(dir).len();
    came_back("b2", failed);
    assert_eq!((entries, ledger(dir).len()), (1, 1), "the same mail twice is on record once");

    let (good, said) = draft(dir, &["--to", DANA]);
    assert!(!good && said.contains("Dana Fox is not written to: the address does not work"), "{said}");
    let explained = out(&contact(dir, &["explain", DANA]));
    assert!(explained.contains("email    outreach  denied: the address does not work (suppression)"), "{explained}");
    assert!(explained.contains(": the address does not work, on email\n"), "{explained}");
    assert!(
        explained.contains("0 messages to them, 0 from them"),
        "a machine's mail is no answer of hers: {explained}"
    );
    let by_profile = contact(dir, &["ask", DANA, "linkedin", "outreach"]);
    assert_eq!(by_profile.status.code(), Some(0), "{}", out(&by_profile));
    let (good, said) = draft(dir, &["--to", EVE]);
    assert!(good && said.contains("Hi Eve,"), "{said}");
    // What waited before the mail came back does not go out by a yes that comes after.
    let hers = |line: &str| line.contains("[local] send to dana.fox@");
    let list = || out(&run(dir, &["review", "--list"]));
    let listed = list();
    assert!(listed.lines().any(hers), "{listed}");
    let typed: String = listed.lines().map(|line| if hers(line) { "a\n" } else { "n\n" }).collect();
    let reviewed = crate::support::review(dir, "Tom Miller", &typed);
    assert!(sent(dir).is_empty() && touches(dir).is_empty(), "{listed}{}", out(&reviewed));
    assert!(list().contains("void: it may not be sent now: the address does not work"), "{}", list());
}

/// LinkedIn is copy, open, confirm: a person's word, by name, is the only thing that puts it on record.
#[test]
fn a_message_by_hand_is_on_record_by_a_persons_word_alone() {
    let dir = world();
    let dir = dir.path();
    let (good, said) = draft(dir, &["--to", DANA, "--channel", "linkedin"]);
    assert!(good, "{said}");
    for part in [
        "message 1 to Dana Fox, by linkedin, by hand",
        "open: https://www.linkedin.com/in/dana-fox",
        "| Hi Dana,",
        "Copy the text",
        "Confirm here",
        "us.linkedin",
        "nothing is sent by this program",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let id = card_of(&said);
    assert!(out(&run(dir, &["outreach", "cards"])).contains(&format!("{id}: message 1 to Dana Fox, by linkedin")));
    assert!(touches(dir).is_empty() && store(dir).proposals(&Which::default(), 9).unwrap().is_empty());
    assert_eq!(contact(dir, &["ask", DANA, "email", "outreach"]).status.code(), Some(0), "nothing went to them yet");
    let (good, again) = draft(dir, &["--to", DANA, "--channel", "linkedin"]);
    assert!(!good && again.contains("message 1 to Dana Fox waits"), "{again}");
    let shown = run(dir, &["outreach", "card", &id]);
    assert!(shown.status.success() && out(&shown).contains("| Hi Dana,"), "{}{}", out(&shown), err(&shown));

    // Nobody's word is none.
    assert_eq!(run(dir, &["outreach", "sent", &id]).status.code(), Some(2));
    assert!(!run(dir, &["outreach", "sent", &id, "--as", "system"]).status.success());
    assert!(!run(dir, &["outreach", "sent", "card-000000000000", "--as", "Tom Miller"]).status.success());
    let early = run(dir, &["outreach", "sent", &id, "--as", "Tom Miller", "--at", "2026-01-01T00:00:00Z"]);
    assert!(err(&early).contains("write a time between"), "{}", err(&early));
    assert!(touches(dir).is_empty());

    let done = run(dir, &["outreach", "sent", &id, "--as", "Tom Miller"]);
    assert!(done.status.success() && out(&done).contains("on record"), "{}{}", out(&done), err(&done));
    let all = ledger(dir);
    let entry = all.iter().find(|e| matches!(e.what, What::TouchSent { .. })).unwrap();
    let What::TouchSent { channel, basis, .. } = &entry.what else { panic!("{entry:?}") };
    assert_eq!((*channel, entry.by.as_str()), (Channel::Linkedin, "tom miller"));
    assert!(basis.as_ref().is_some_and(|b| b.rules.contains("us.linkedin")), "{entry:?}");
    let twice = run(dir, &["outreach", "sent", &id, "--as", "Tom Miller"]);
    assert!(err(&twice).contains("dealt with before"), "{}", err(&twice));
    assert_eq!(touches(dir).len(), 1);

    // It counts on every channel, for colleagues too, and the sequence waits.
    for (who, why) in [(DANA, "they were written to within 3 days"), (EVE, "the account was written to within 1 days")]
    {
        let asked = contact(dir, &["ask", who, "email", "outreach"]);
        assert!(asked.status.code() == Some(1) && out(&asked).contains(why), "{who}: {}", out(&asked));
    }
    let (good, next) = draft(dir, &["--to", DANA]);
    assert!(!good && next.contains("is not before"), "{next}");
    // The audit log has it, and no name of theirs.
    let log = store(dir);
    let audit = log.entries_from(0, 500).unwrap();
    let told = format!("{audit:?}");
    assert!(told.contains("\"touch\"") && !told.to_lowercase().contains("dana"), "{told}");

    // They answer there; whoever hears it enters it, and the sequence is over.
    enter(dir, &["replied", PROFILE, "--channel", "linkedin"]);
    let (good, over) = draft(dir, &["--to", DANA]);
    assert!(!good && over.contains("the messages to Dana Fox are over: replied"), "{over}");
    assert!(sent(dir).is_empty());
}

/// What speaks against a mail speaks against a message by hand: when it is drafted, and when its text is shown again.
#[test]
fn a_text_to_copy_is_not_shown_where_a_mail_would_not_be_sent() {
    type Change = fn(&Path);
    let unsubscribed: Change = |dir| enter(dir, &["suppress", DANA, "--channel", "email"]);
    let colleague: Change = |dir| enter(dir, &["suppress", EVE]);
    let deal: Change = |dir| {
        std::fs::write(dir.join("data/crm/deals.csv"), "id,name,stage,company_id\n2,New,proposal,1\n").unwrap();
    };
    let nowhere: Change = |dir| {
        let path = dir.join("data/crm/contacts.csv");
        let text = std::fs::read_to_string(&path).unwrap().replace(",US,NY,", ",,,");
        std::fs::write(path, text).unwrap();
    };
    let guide: Change =
        |dir| std::fs::write(dir.join("voice.toml"), "[forbidden]\nwarehouse = \"\"\nplanners = \"\"\n").unwrap();
    let touched: Change = |dir| {
        let (good, said) = draft(dir, &["--to", EVE, "--channel", "email"]);
        assert!(good, "{said}");
        review(dir);
        assert_eq!(sent(dir).len(), 1);
    };
    for (change, why) in [
        (unsubscribed, "they unsubscribed"),
        (colleague, "somebody there unsubscribed within 90 days"),
        (deal, "the account is in an active deal"),
        (nowhere, "nobody knows where they are"),
        (guide, "the voice guide does not allow it"),
        (touched, "the account was written to within 1 days"),
    ] {
        let dir = world();
        let dir = dir.path();
        change(dir);
        let (good, said) = draft(dir, &["--to", DANA, "--channel", "linkedin"]);
        let told = said.contains(why) || why.contains("voice") && said.contains("every wording breaks a rule");
        assert!(!good && told && !said.contains("| Hi"), "{why}: {said}");

        // The same after it was drafted: the text is not shown again, and the person is told if they sent it all the same.
        let dir = world();
        let dir = dir.path();
        let (good, said) = draft(dir, &["--to", DANA, "--channel", "linkedin"]);
        assert!(good, "{said}");
        let id = card_of(&said);
        change(dir);
        let shown = run(dir, &["outreach", "card", &id]);
        let said = out(&shown);
        assert_eq!(shown.status.code(), Some(1), "{why}: {said}");
        assert!(said.contains(why) && !said.contains("| Hi"), "{why}: {said}");
        let done = run(dir, &["outreach", "sent", &id, "--as", "Tom Miller"]);
        assert!(done.status.success(), "{why}: {}", err(&done));
        // What the message said in the end only the person knows.
        assert_eq!(out(&done).contains(why), !why.contains("voice"), "{why}: {}", out(&done));
        assert!(touches(dir).contains(&Channel::Linkedin), "what was sent counts");
    }
}

/// Who is away, or answered, while the text waits to be copied is not written to.
#[test]
fn a_card_waits_for_its_sequence_too() {
    let dir = world();
    let dir = dir.path();
    let (good, said) = draft(dir, &["--to", DANA, "--channel", "linkedin"]);
    assert!(good, "{said}");
    let id = card_of(&said);
    enter(dir, &["replied", DANA]);
    let shown = run(dir, &["outreach", "card", &id]);
    assert!(out(&shown).contains("its sequence is over: replied"), "{}{}", out(&shown), err(&shown));
    let aside = run(dir, &["outreach", "unsent", &id, "--as", "Tom Miller"]);
    assert!(aside.status.success() && out(&aside).contains("put aside"), "{}", err(&aside));
    let shown = run(dir, &["outreach", "card", &id]);
    assert!(out(&shown).contains("was put aside by tom miller"), "{}", out(&shown));
    assert!(out(&run(dir, &["outreach", "cards"])).contains("no touch by hand waits"));
    assert!(touches(dir).is_empty());
}

/// Texts need written consent, calls a look into the register: without it not even the words are shown.
#[test]
fn texts_and_calls_ask_for_the_consent_of_the_law() {
    let dir = world();
    let dir = dir.path();
    let permit = |who: &str, channel: &str, ground: &str| {
        let what = ["--purpose", "outreach", "--method", "form", "--proof", "form-7", "--ground", ground];
        enter(dir, &[["permit", who, "--channel", channel].as_slice(), what.as_slice()].concat());
    };
    let (good, said) = draft(dir, &["--to", DANA, "--channel", "call"]);
    assert!(!good && said.contains("TCPA asks for") && said.contains("(us.call)"), "{said}");
    permit(MOBILE, "call", "register_checked");
    let (good, said) = draft(dir, &["--to", MOBILE, "--channel", "call"]);
    assert!(good, "{said}");
    for part in [&*format!("open: {MOBILE}"), "no machine dials or speaks", "| Us Ltd", "Confirm here that you called"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
    let id = card_of(&said);
    assert!(run(dir, &["outreach", "unsent", &id, "--as", "Tom Miller"]).status.success());

    let (good, said) = draft(dir, &["--to", DANA, "--channel", "sms"]);
    assert!(!good && said.contains("a first message is no text message"), "{said}");
    // The first touch was long ago.
    change(dir, &format!("mail:{DANA}"), |body| {
        body["sequence"]["sent"] = json!(1);
        body["sequence"]["last_unix_ms"] = json!(now_ms() - 20 * DAY_MS);
    });
    // A yes to calls, or by mouth, is none to texts.
    permit(MOBILE, "sms", "express");
    let (good, said) = draft(dir, &["--to", DANA, "--channel", "sms"]);
    assert!(!good && said.contains("TCPA asks for written consent") && !said.contains("| Hi"), "{said}");
    permit(MOBILE, "sms", "written");
    let (good, said) = draft(dir, &["--to", DANA, "--channel", "sms"]);
    assert!(good && said.contains("tcpa.machine") && said.contains("| Us Ltd"), "{said}");
    let id = card_of(&said);
    // They take it back before it is copied.
    enter(dir, &["withdraw", MOBILE, "--method", "text"]);
    assert!(out(&run(dir, &["outreach", "card", &id])).contains("they took their permission back"));
    let (good, said) = draft(dir, &["--to", EVE, "--channel", "call"]);
    assert!(!good && said.contains("Eve Lund has no number"), "{said}");
    assert!(touches(dir).is_empty() && sent(dir).is_empty());
}

/// Approved, and before its turn came they answered: no rule and no kill speaks against it, the sequence alone does.
#[test]
fn an_answer_after_the_approval_stops_a_mail_of_the_sequence() {
    let dir = world();
    let dir = dir.path();
    assert!(draft(dir, &["--to", DANA]).0);
    let id = proposal(dir);
    approve(dir, &id);
    let said = answer(dir, DANA, "<x@try-us.example>", "Yes, happy to talk. How does Tuesday at 10 work for a call?");
    assert!(said.contains("over: replied") && !said.contains("not written to any more"), "{said}");
    assert_eq!(contact(dir, &["ask", DANA, "email", "outreach"]).status.code(), Some(0), "nothing else holds it up");
    let served = serve(dir);
    wait_until("it is over", || !matches!(standing(dir, &id), Standing::Approved { .. }));
    drop(served);
    let now = standing(dir, &id).to_string();
    assert!(now.contains("its sequence is over: replied"), "{now}");
    assert!(sent(dir).is_empty() && touches(dir).is_empty());
}

/// A soft no at the account after an approval: what was to go at once waits, and nothing is void.
#[test]
fn a_soft_no_after_the_approval_holds_a_mail_back() {
    let dir = world();
    let dir = dir.path();
    assert!(draft(dir, &["--to", DANA]).0);
    let id = proposal(dir);
    approve(dir, &id);
    keep_sequence(dir, (&format!("mail:{EVE}"), EVE, "1"), 1, 2, "x");
    let served = serve(dir);
    let last = || {
        let entries = store(dir).latest_entries(5).unwrap();
        entries.first().map(|e| e.last.clone()).unwrap_or_default()
    };
    wait_until("it was asked", || last().contains("its turn in the sequence has not come"));
    drop(served);
    assert!(matches!(standing(dir, &id), Standing::Approved { .. }), "{}", standing(dir, &id));
    assert!(sent(dir).is_empty());
}

/// A soft no lowers the cadence of every sequence of the person and of the account, for as long as it is heard.
#[test]
fn a_soft_no_is_heard_wherever_a_touch_is_planned() {
    let (eve, profile) = (format!("mail:{EVE}"), "profile:linkedin.com/in/dana-fox");
    for (what, kept, soft_nos, ago, waits) in [
        ("a colleague", (eve.as_str(), EVE, "1"), 1, 2, true),
        ("a colleague, long ago", (eve.as_str(), EVE, "1"), 1, 91, false),
        ("a colleague without one", (eve.as_str(), EVE, "1"), 0, 2, false),
        ("somebody elsewhere", (eve.as_str(), EVE, "2"), 1, 2, false),
    ] {
        let dir = world();
        let dir = dir.path();
        keep_sequence(dir, kept, soft_nos, ago, "x");
        let (good, said) = draft(dir, &["--to", DANA]);
        assert_eq!(good, !waits, "{what}: {said}");
        assert_eq!(said.contains("the next message to Dana Fox is not before"), waits, "{what}: {said}");
    }
    // Another sequence of the same person, under their profile, kept when they were at another account.
    let dir = world();
    let dir = dir.path();
    assert!(draft(dir, &["--to", DANA]).0);
    review(dir);
    let due = |said: &str| said.split("is not before ").nth(1).and_then(|t| t[..10].parse::<jiff::civil::Date>().ok());
    let (_, before) = draft(dir, &["--to", DANA]);
    keep_sequence(dir, (profile, PROFILE, "9"), 1, 2, "x");
    let (_, after) = draft(dir, &["--to", DANA]);
    let (before, after) = (due(&before).unwrap(), due(&after).unwrap());
    // Four working days become eight: at least four more.
    assert!(after.duration_since(before).as_hours() >= 4 * 24, "{before} {after}");
}

/// The token in a message cannot be worked out from an address; those that were sent before are recognised still.
#[test]
fn a_stop_token_needs_the_secret_and_former_ones_still_count() {
    let dir = world();
    let dir = dir.path();
    assert!(draft(dir, &["--to", DANA]).0);
    review(dir);
    let mail = sent(dir).remove(0);
    let unfolded = mail.replace("\r\n ", " ").replace("\n ", " ");
    let token =
        unfolded.split("https://try-us.example/u/").nth(1).unwrap().split('>').next().unwrap().trim().to_owned();
    let digest = sequence_id(&format!("mail:{DANA}")).rsplit('/').next().unwrap().to_owned();
    assert!(token.len() >= 32 && !token.contains(&digest) && !digest.contains(&token), "{token}");
    for guessed in [digest.as_str(), &token[..token.len() - 1], ""] {
        let stop = run(dir, &["outreach", "stop", guessed]);
        assert!(!stop.status.success(), "{guessed:?}: {}", out(&stop));
    }
    assert_eq!(contact(dir, &["explain", DANA]).status.code(), Some(0));
    let stop = run(dir, &["outreach", "stop", &token]);
    assert!(out(&stop).contains(&format!("{DANA} is not written to any more")), "{}{}", out(&stop), err(&stop));

    // As a former version kept it: the digest was sent, so it counts, before and after the next draft.
    for drafted in [false, true] {
        let dir = world();
        let dir = dir.path();
        let key = format!("mail:{DANA}");
        let old = sequence_id(&key).rsplit('/').next().unwrap().to_owned();
        keep_sequence(dir, (&key, DANA, "1"), 0, 30, &old);
        if drafted {
            let (good, said) = draft(dir, &["--to", DANA]);
            assert!(good, "{said}");
            let kept = store(dir).item(ItemKind::Sequence, &sequence_id(&key)).unwrap().unwrap().body;
            assert!(kept["token"] != json!(old) && kept["former_tokens"] == json!([old]), "{kept}");
        }
        let stop = run(dir, &["outreach", "stop", &old]);
        assert!(out(&stop).contains(DANA), "{drafted}: {}{}", out(&stop), err(&stop));
        let (good, said) = draft(dir, &["--to", DANA]);
        assert!(!good && said.contains("they unsubscribed"), "{said}");
    }
}

/// A person of ours may set the plan; the next touch goes the way it says.
#[test]
fn the_plan_of_the_settings_is_followed() {
    let dir = world();
    let dir = dir.path();
    let touch = "{ channel = \"linkedin\", after_days = 4 }";
    let plan = format!("sponsor = \"Ada King\"\nplan = [{}]\n", [touch; 4].join(", "));
    let text = config().replace("sponsor = \"Ada King\"\n", &plan);
    std::fs::write(dir.join("reframe.toml"), format!("version = 1\n{text}")).unwrap();
    let (good, said) = draft(dir, &["--to", DANA]);
    assert!(good && said.contains("by linkedin, by hand"), "{said}");
    let (good, said) = draft(dir, &["--to", EVE]);
    assert!(!good && said.contains("Eve Lund has no profile"), "{said}");
}
