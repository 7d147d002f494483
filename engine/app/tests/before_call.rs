//! From what happened at an account to a message that waits for a person, through the whole program; and what an answer
//! does.

#![allow(clippy::unwrap_used)]

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
};

use crate::support::{err, out, run, run_with_input};
use reframe_signal::import::sign;
use reframe_store::{ItemKind, SqliteLog, SqliteOptions};
use reframe_workflow::{
    artifact::Evidence,
    handoff::{Draft, SignalCard},
    outbox::{Inbox as _, Which},
    verify::{Sources, check_all},
};

const DAY_MS: i64 = 86_400_000;

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// `YYYY-MM-DD`, so many days before today in UTC.
fn day(ago: i64) -> String {
    jiff::Timestamp::from_millisecond(now_ms() - ago * DAY_MS).unwrap().to_string()[..10].to_owned()
}

/// A team with two accounts, everything that outreach needs, and a week of events.
fn team(dir: &Path) {
    std::fs::create_dir_all(dir.join("data/crm")).unwrap();
    let crm = |name: &str, text: String| std::fs::write(dir.join("data/crm").join(name), text).unwrap();
    let updated = format!("{}T09:00:00Z", day(20));
    crm(
        "companies.csv",
        format!(
            "id,updated,name,domain,country,industry,employees\n\
             1,{updated},Kestrel Foods,kestrel.example,US,software,400\n\
             2,{updated},Bly Tools,bly.example,US,software,90\n"
        ),
    );
    crm(
        "contacts.csv",
        format!(
            "id,updated,name,email,title,deal_ids,company_id\n\
             11,{updated},Dana Fox,dana.fox@kestrel.example,Sales Manager,,1\n\
             12,{updated},Eve Lund,eve.lund@kestrel.example,VP Sales,,1\n"
        ),
    );
    crm(
        "deals.csv",
        format!("id,updated,name,stage,owner,company_id\n21,{updated},Bly,closed_lost,tom@try-us.example,2\n"),
    );
    std::fs::write(
        dir.join("icp.json"),
        format!(
            r#"{{"name": "Software with sellers", "version": 1, "valid_from": "{}", "refresh_by": "{}",
                "fit": [{{"id": "industry", "weight": 2, "when": {{"is": "one_of", "field": "industry", "values": ["software"]}}}}]}}"#,
            day(10),
            day(-60)
        ),
    )
    .unwrap();
    std::fs::write(dir.join("voice.toml"), "tone = \"plain\"\n[forbidden]\nsynergy = \"\"\n").unwrap();
    std::fs::write(dir.join("secret"), "a secret of more than sixteen bytes\n").unwrap();
    std::fs::create_dir_all(dir.join("drop")).unwrap();
    std::fs::write(dir.join("reframe.toml"), config(true)).unwrap();
    std::fs::write(
        dir.join("events.csv"),
        format!(
            "kind,domain,company,person,person_title,email,at,url,title\n\
             website_visit,kestrel.example,,,,,{d1},,visited /pricing\n\
             launch,kestrel.example,Kestrel Foods,Dana Fox,VP Sales,dana.fox@kestrel.example,{d2},https://kestrel.example/news/1,Kestrel Foods opened a second warehouse in Leeds\n\
             rumour,kestrel.example,,,,,{d1},,Somebody heard something\n",
            d1 = day(1),
            d2 = day(2)
        ),
    )
    .unwrap();
}

fn config(messages: bool) -> String {
    let mut text = "version = 1\n[data]\ndir = \"data\"\n[workflow]\nfrom = \"tom@try-us.example\"\n\
        [workflow.signals]\nicp = \"icp.json\"\nfolder = \"drop\"\nwebhook_secret_file = \"secret\"\n"
        .to_owned();
    if messages {
        let more = "[workflow.messages]\nseller = \"Tom\"\nvoice = \"voice.toml\"\nsponsor = \"Ada King\"\n\
            [[workflow.messages.pains]]\nlanguage = \"en\"\nclause = \"stock lists stop matching the shelves\"\n\
            topic = \"stock across two sites\"\n\
            [workflow.outreach]\ncompany = \"Us Ltd\"\npostal_address = \"1 High Street, Leeds\"\n\
            unsubscribe_mail = \"stop@try-us.example\"\n\
            [workflow.outreach.sender]\ndomain = \"try-us.example\"\ncompany_domain = \"us.example\"\n\
            spf_mechanism = \"include:_spf.mail.example\"\ndkim_selector = \"s1\"\nreport_to = \"dmarc@us.example\"\n\
            warm_up_began = \"2026-01-01\"\n\
            records = [\n\
            { name = \"try-us.example\", text = \"v=spf1 include:_spf.mail.example -all\" },\n\
            { name = \"s1._domainkey.try-us.example\", text = \"v=DKIM1; k=rsa; p=KEY\" },\n\
            { name = \"_dmarc.try-us.example\", text = \"v=DMARC1; p=quarantine; rua=mailto:dmarc@us.example\" },\n]\n"
            .replace("KEY", &format!("MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A{}", "MIIBCgKCAQEA".repeat(30)));
        text += &more;
    }
    text
}

fn store(dir: &Path) -> SqliteLog {
    SqliteLog::open(dir.join("data/reframe.db"), SqliteOptions::default()).unwrap()
}

/// The text of an event, as evidence cites it.
fn texts(store: &SqliteLog) -> Vec<(String, String)> {
    let events = store.items(ItemKind::Signal, None, 0, 100).unwrap();
    events.into_iter().map(|e| (e.id.clone(), e.body["title"].as_str().unwrap().to_owned())).collect()
}

#[test]
fn from_an_event_to_a_message_in_the_inbox_and_to_its_answer() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    team(at);

    // A bad line loses itself, is named, and makes the exit code; the rest is kept, once.
    let imported = run(at, &["signal", "import", "events.csv"]);
    let says = out(&imported);
    assert_eq!(imported.status.code(), Some(1), "{says}{}", err(&imported));
    assert!(says.contains("events.csv:4: `rumour` is no kind of signal"), "{says}");
    assert!(says.contains("2 events, 2 of them new, 1 lines refused"), "{says}");
    assert!(out(&run(at, &["signal", "import", "events.csv"])).contains("2 events, 0 of them new"));

    // The feed of the day, and why.
    let feed = run(at, &["signal", "feed"]);
    assert!(feed.status.success(), "{}", err(&feed));
    let shown = out(&feed);
    assert!(shown.contains("1. Kestrel Foods") && shown.contains("begin with Dana Fox"), "{shown}");
    assert!(shown.contains("defaults: 0 won and 0 lost deals are known"), "{shown}");
    let explained = out(&run(at, &["signal", "explain", "kestrel.example"]));
    assert!(
        explained.contains("place 1 in the feed") && explained.contains("launch: Kestrel Foods opened"),
        "{explained}"
    );
    assert!(out(&run(at, &["signal", "explain", "Bly Tools"])).contains("PASS"));

    // What comes late does not change the day that was shown.
    let late = format!(
        "{{\"kind\": \"funding\", \"domain\": \"bly.example\", \"at\": \"{}\", \"title\": \"Bly raises\"}}\n",
        day(3)
    );
    let taken = run_with_input(at, &["signal", "import", "--as", "jsonl", "-"], &late);
    assert!(taken.status.success(), "{}{}", out(&taken), err(&taken));
    assert_eq!(out(&run(at, &["signal", "feed"])), shown);

    // One source vouches for nobody.
    let one = run(at, &["outreach", "draft", "Kestrel Foods", "--to", "eve.lund@kestrel.example"]);
    assert_eq!(one.status.code(), Some(1), "{}", err(&one));
    assert!(out(&one).contains("Eve Lund is not written to: only the crm (local)"), "{}", out(&one));

    // What is private is not kept; what is public may be told.
    let facts = format!(
        "[{{\"text\": \"Kestrel Foods has 400 staff\", \"class\": \"company_site\", \"source\": \"Kestrel\", \"at_unix_ms\": {0}}},
          {{\"text\": \"Her daughter was born in May\", \"class\": \"private_social\", \"source\": \"a photo\", \"at_unix_ms\": {0}}}]",
        now_ms() - 9 * DAY_MS
    );
    let kept = run_with_input(at, &["outreach", "facts", "-", "--account", "1"], &facts);
    assert_eq!(kept.status.code(), Some(1));
    assert!(out(&kept).contains("statement 2 is not kept") && out(&kept).contains("1 statements, 1 of them new"));

    let drafted = run(at, &["outreach", "draft", "1"]);
    let text = out(&drafted);
    assert!(drafted.status.success(), "{text}{}", err(&drafted));
    assert!(text.contains("Hi Dana,") && text.contains("opened a second warehouse in Leeds"), "{text}");
    assert!(!text.contains("/pricing"), "what we know of visits is told to nobody: {text}");
    let again = run(at, &["outreach", "draft", "1"]);
    assert!(out(&again).contains("message 1 to Dana Fox waits in the inbox"), "{}", out(&again));

    // The card is the draft's parent, and every citation holds.
    let store_ = store(at);
    let listed = store_.proposals(&Which::default(), 10).unwrap();
    assert_eq!(listed.len(), 1);
    let proposal = &listed[0].proposal;
    let kept = store_.artifact(&proposal.from).unwrap().unwrap();
    assert_eq!(kept.artifact.parents.len(), 1);
    let card = store_.artifact(&kept.artifact.parents[0]).unwrap().unwrap();
    let (draft, card): (Draft, SignalCard) =
        (serde_json::from_value(kept.artifact.body).unwrap(), serde_json::from_value(card.artifact.body).unwrap());
    assert_eq!(card.account.id, "1");
    let items = texts(&store_);
    let claims: Vec<_> = draft.because.iter().chain(&card.reasons).chain(&card.rationale).collect();
    assert!(claims.iter().all(|c| c.evidence().iter().all(|e| matches!(e, Evidence::Source { .. }))));
    assert_eq!(check_all(&claims, Sources { items: &items, ..Sources::default() }), vec![]);
    let verified = run(at, &["verify"]);
    let says = out(&verified);
    assert!(
        verified.status.success()
            && says.contains("cards, messages and answers")
            && says.contains(" 0 that do not hold"),
        "{says}"
    );

    // An edit that breaks a rule is refused with what to write, at a terminal too; the draft stays as it was.
    let edit = |body: &str| {
        let mut review = crate::support::reframe(at);
        review.args(["review", "--as", "Tom Miller"]).env("REFRAME_REVIEW_FROM_PIPE", "1");
        let mut child = review
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(format!("e\n{body}\n.\nq\n").as_bytes()).unwrap();
        out(&child.wait_with_output().unwrap())
    };
    let broken = edit("Hi Dana,\n\nI hope this finds you well, with synergy.\n\nTom");
    assert!(broken.contains("synergy") && broken.contains("three sentences"), "{broken}");
    assert_eq!(store_.proposal(&proposal.id).unwrap().unwrap().proposal.revision, 1);
    let candidate = draft.mail.body.split("\n\n-- \n").next().unwrap().replace("stock across two sites", "stock");
    edit(&candidate);
    let now = store_.proposal(&proposal.id).unwrap().unwrap().proposal;
    assert_eq!(now.revision, 2);
    let reframe_workflow::gate::Action::SendMail { mail, .. } = &now.action else { panic!("{now:?}") };
    assert!(mail.body.contains("1 High Street, Leeds"), "the lines below the name come back: {}", mail.body);

    // The voice guide changes: what broke no rule yesterday is not approved today.
    std::fs::write(at.join("voice.toml"), "[forbidden]\nwarehouse = \"\"\n").unwrap();
    let mut review = crate::support::reframe(at);
    review.args(["review", "--as", "Tom Miller"]).env("REFRAME_REVIEW_FROM_PIPE", "1");
    let mut child = review.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"a\nq\n").unwrap();
    let refused = out(&child.wait_with_output().unwrap());
    assert!(refused.contains("not approved:") && refused.contains("warehouse"), "{refused}");
    assert!(!at.join("data/crm/mail/sent").exists());

    // They want no more: on record at once, for good, and a person is asked about the CRM.
    let mail = format!(
        "From: Dana Fox <Dana.Fox@kestrel.example>\r\nTo: tom@try-us.example\r\nSubject: Re: Stock\r\nIn-Reply-To: {}\r\n\
         Message-ID: <a1@kestrel.example>\r\nDate: {}\r\n\r\nPlease unsubscribe me.\r\n",
        draft.mail.message_id,
        jiff::Timestamp::from_millisecond(now_ms() - 60_000).unwrap().strftime("%a, %d %b %Y %H:%M:%S +0000")
    );
    let reply = run_with_input(at, &["outreach", "reply", "-"], &mail);
    let says = out(&reply);
    assert!(reply.status.success(), "{says}{}", err(&reply));
    assert!(says.contains(": unsubscribe (") && says.contains("not written to any more"), "{says}");
    assert!(says.contains("over: unsubscribed") && says.contains("email_opt_out: nothing -> \"true\""), "{says}");
    assert_eq!(store_.items(ItemKind::Mail, None, 0, 9).unwrap().len(), 1);
    let stopped = run(at, &["outreach", "draft", "1"]);
    assert!(out(&stopped).contains("Dana Fox is not written to: they unsubscribed"), "{}", out(&stopped));
    let before = store_.contacts_from(0, 100).unwrap().len();
    assert!(run_with_input(at, &["outreach", "reply", "-"], &mail).status.success());
    assert_eq!(store_.contacts_from(0, 100).unwrap().len(), before, "the same mail twice is one answer");
    assert!(out(&run(at, &["verify"])).contains(" 0 that do not hold"));
}

/// An answer of substance is a person's, within half an hour of working time.
#[test]
fn an_answer_of_substance_is_put_before_a_person_in_time() {
    let dir = tempfile::tempdir().unwrap();
    team(dir.path());
    // A Friday a quarter to five: the half hour ends on Monday at a quarter past nine.
    let mail = "From: eve.lund@kestrel.example\r\nTo: tom@try-us.example\r\nSubject: Re: Stock\r\nMessage-ID: <b1@k.example>\r\n\
        Date: Fri, 20 Nov 2026 16:45:00 +0000\r\n\r\nYes, happy to talk. How does Tuesday at 10 work for a call?\r\n";
    let reply = run_with_input(dir.path(), &["outreach", "reply", "-"], mail);
    let says = out(&reply);
    assert!(reply.status.success(), "{says}{}", err(&reply));
    assert!(says.contains("a person sees it by 2026-11-23 09:15 UTC"), "{says}");
    assert!(says.contains("task: Answer Eve Lund by 2026-11-23 09:15 UTC (due 2026-11-23)"), "{says}");
    assert!(!says.contains("not written to any more"), "{says}");
    // Now two sources know the address: the CRM and a mail from it.
    run(dir.path(), &["signal", "import", "events.csv"]);
    run(dir.path(), &["signal", "feed"]);
    let drafted = run(dir.path(), &["outreach", "draft", "1", "--to", "eve.lund@kestrel.example"]);
    assert!(!out(&drafted).contains("only "), "{}", out(&drafted));
}

/// Everything that is missing is named, and nothing is drafted.
#[test]
fn outreach_does_not_start_before_all_is_there() {
    let dir = tempfile::tempdir().unwrap();
    team(dir.path());
    assert!(
        run(dir.path(), &["outreach", "ready"]).status.success(),
        "{}",
        out(&run(dir.path(), &["outreach", "ready"]))
    );
    std::fs::write(dir.path().join("reframe.toml"), "version = 1\n[data]\ndir = \"data\"\n").unwrap();
    let ready = run(dir.path(), &["outreach", "ready"]);
    assert_eq!(ready.status.code(), Some(1));
    let refused = out(&run(dir.path(), &["outreach", "draft", "1"]));
    for what in ["customer profile", "voice guide", "sender set-up", "sponsor"] {
        assert!(refused.contains(what) && out(&ready).contains(what), "{what}: {refused}");
    }
    let feed = run(dir.path(), &["signal", "feed"]);
    assert!(err(&feed).contains("[workflow.signals]"), "{}", err(&feed));
}

/// One request, by hand; status and body.
fn post(addr: &str, headers: &[(&str, &str)], body: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(addr).unwrap();
    let mut head =
        format!("POST /v1/signals HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).unwrap();
    // A server that refuses by the length may close before it has read all.
    let _may_be_closed = stream.write_all(body);
    let mut answer = Vec::new();
    let _may_be_reset = stream.read_to_end(&mut answer);
    let text = String::from_utf8_lossy(&answer).into_owned();
    let status = text.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
    (status, text)
}

#[test]
fn deliveries_are_signed_and_taken_once_and_dropped_files_are_read() {
    let dir = tempfile::tempdir().unwrap();
    team(dir.path());
    let text = config(false).replace("version = 1\n", "");
    let served = crate::support::Served::start(dir.path(), &text);
    let secret = b"a secret of more than sixteen bytes";
    let now = (now_ms() / 1_000).to_string();
    let body = format!(
        "{{\"id\": \"d1\", \"events\": [{{\"kind\": \"funding\", \"domain\": \"bly.example\", \"at\": \"{}\", \"title\": \"Bly raises\"}}]}}",
        day(1)
    );
    let send = |timestamp: &str, body: &[u8], secret: &[u8]| {
        let signature = sign(secret, timestamp, body).unwrap();
        post(&served.addr, &[("X-Reframe-Timestamp", timestamp), ("X-Reframe-Signature", &signature)], body)
    };
    let old = (now_ms() / 1_000 - 3_600).to_string();
    let big = vec![b' '; (1 << 20) + 1];
    assert_eq!(post(&served.addr, &[], body.as_bytes()).0, 401);
    assert_eq!(send(&now, body.as_bytes(), b"another secret of sixteen").0, 401);
    assert_eq!(send(&old, body.as_bytes(), secret).0, 401);
    assert_eq!(send(&now, b"{}", secret).0, 422);
    assert_eq!(send(&now, b"{\"id\": \"d0\", \"events\": [{\"kind\": \"rumour\"}]}", secret).0, 422);
    assert_eq!(send(&now, &big, secret).0, 413);
    let first = send(&now, body.as_bytes(), secret);
    assert!(first.0 == 200 && first.1.contains("\"new\":1"), "{}", first.1);
    let replayed = send(&now, body.as_bytes(), secret);
    assert!(replayed.0 == 409 && replayed.1.contains("delivered before"), "{}", replayed.1);

    std::fs::copy(dir.path().join("events.csv"), dir.path().join("drop/week.csv")).unwrap();
    let known = store(dir.path());
    let begun = std::time::Instant::now();
    while known.items(ItemKind::Signal, None, 0, 9).unwrap().len() < 3 {
        assert!(begun.elapsed().as_secs() < 60, "the dropped file was not read");
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    assert!(dir.path().join("drop/week.csv").exists(), "what was dropped stays");
}
