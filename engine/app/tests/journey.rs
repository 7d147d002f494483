//! One account from a signal to an approved write in the CRM and back into a new signal, through the whole program: unbroken
//! lineage, nothing typed twice, nothing written without a yes, and nothing twice if it is run twice.

#![allow(clippy::unwrap_used)]

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::Stdio,
};

use crate::support::{err, out, reframe, run, wait_until};
use jiff::tz::TimeZone;
use reframe_connect::{local::Local, message};
use reframe_signal::{
    event::SignalEvent,
    feed::{AccountRecord, FeedInput, feed},
    icp::{self, Firmographics, TextField},
    rank::Capacity,
    warmth::Weights,
};
use reframe_store::{CallId, EventLog as _, ItemKind, SqliteLog, SqliteOptions};
use reframe_workflow::{
    artifact::{Artifact, ArtifactId, Evidence, Kind},
    gate::{Action, Proposal, ProposalId},
    handoff::{Brief, Draft, Meeting, NoteProposal, SignalCard},
    outbox::{Inbox as _, Kept, Listed, Queue as _, Standing, State, Which},
    system::SystemOfRecord as _,
};
use serde_json::Value;

const YES: [&str; 2] = ["--approve-as", "Dana Reyes"];

/// The JSON lines of a demo whose call has this name.
fn demo(dir: &Path, call: &str, more: &[&str]) -> Vec<Value> {
    let args = [&["demo", "--pace", "max", "--json", "--name", call, "--data", "data"], more].concat();
    let output = run(dir, &args);
    assert!(output.status.success(), "{}{}", out(&output), err(&output));
    out(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The page that a demo ends with.
fn page(lines: &[Value]) -> &Value {
    let line = lines.iter().find(|line| line["type"] == "journey");
    &line.unwrap_or_else(|| panic!("no journey in {lines:?}"))["page"]
}

/// The rows of the page, as they are called on screens.
const ROWS: [&str; 7] = ["Signal", "Outreach", "Call prep", "Live call", "Post-call", "CRM hygiene", "New signal"];

/// The walk a demo ends with, as a person reads it: the heading's end, the seven rows, the lineage, the link.
fn in_words(dir: &Path, more: &[&str]) -> Vec<String> {
    let args = [&["demo", "--pace", "max", "--name", "one", "--data", "data"], more].concat();
    let output = run(dir, &args);
    let said = out(&output);
    assert!(output.status.success(), "{said}{}", err(&output));
    let (_, walk) = said.split_once("\nfrom signal to signal: ").unwrap_or_else(|| panic!("no walk in {said}"));
    walk.lines().map(str::to_owned).collect()
}

/// What stands in a row behind its name and this state.
fn row_of<'a>(walk: &'a [String], n: usize, state: &str) -> &'a str {
    let begins = format!("  {n} {:<12} {state:<18} ", ROWS[n - 1]);
    walk[n].strip_prefix(&begins).unwrap_or_else(|| panic!("{begins:?} does not begin {:?}", walk[n]))
}

fn store(dir: &Path) -> SqliteLog {
    SqliteLog::open(dir.join("data/reframe.db"), SqliteOptions::default()).unwrap()
}

fn signals(store: &SqliteLog) -> Vec<SignalEvent> {
    let items = store.items(ItemKind::Signal, None, 0, 1_000).unwrap();
    let events: Vec<SignalEvent> = items.into_iter().map(|i| serde_json::from_value(i.body).unwrap()).collect();
    assert!(events.iter().all(SignalEvent::is_genuine), "{events:?}");
    events
}

fn all(store: &SqliteLog) -> Vec<Listed> {
    store.proposals(&Which::default(), 1_000).unwrap()
}

/// Text files below a folder of the CRM.
fn files(dir: &Path, below: &str) -> Vec<(String, String)> {
    let Ok(entries) = std::fs::read_dir(dir.join("data/crm").join(below)) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let read = |path: std::path::PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (!name.starts_with('.')).then(|| (name, std::fs::read_to_string(path).unwrap()))
    };
    let mut found: Vec<(String, String)> = paths.filter_map(read).collect();
    found.sort();
    found
}

/// What a hand-off is, as it is kept: its contents make its id.
fn kept(store: &SqliteLog, id: &ArtifactId) -> Kept {
    let kept = store.artifact(id).unwrap().unwrap_or_else(|| panic!("{id} is not kept"));
    assert_eq!(kept.kind.as_str(), id.kind());
    kept
}

fn body<T: serde::de::DeserializeOwned>(kept: &Kept) -> T {
    serde_json::from_value(kept.artifact.body.clone()).unwrap()
}

/// The one parent of a kind.
fn parent(of: &Kept, kind: Kind) -> ArtifactId {
    let parents: Vec<&ArtifactId> = of.artifact.parents.iter().filter(|p| p.kind() == kind.as_str()).collect();
    let [one] = parents.as_slice() else { panic!("{} names {parents:?} of {kind:?}", of.artifact.id) };
    (*one).clone()
}

/// From the last signal back to the first: each hand-off names the one before by its id, and what one stage knows is what the
/// other was given.
#[test]
fn hand_off() {
    let dir = tempfile::tempdir().unwrap();
    let lines = demo(dir.path(), "one", &YES);
    let store = store(dir.path());

    let (new, first): (Vec<SignalEvent>, Vec<SignalEvent>) =
        signals(&store).into_iter().partition(|event| event.source.starts_with("outcome:"));
    let [new] = new.as_slice() else { panic!("{new:?}") };
    assert_eq!(first.len(), 3, "{first:?}");
    let write: ArtifactId = new.source.strip_prefix("outcome:").unwrap().parse().unwrap();
    let write = store.proposal(&ProposalId(write)).unwrap().unwrap();
    assert!(matches!(write.standing, Standing::Done { .. }), "{write:?}");

    let note = kept(&store, &write.proposal.from);
    let heard = kept(&store, &parent(&note, Kind::CallTranscript));
    let brief = kept(&store, &parent(&heard, Kind::Brief));
    let meeting = kept(&store, &parent(&brief, Kind::Meeting));
    let draft = kept(&store, &parent(&meeting, Kind::Draft));
    let card = kept(&store, &parent(&draft, Kind::SignalCard));
    for each in [&note, &heard, &brief, &meeting, &draft, &card] {
        let Kept { kind, artifact, .. } = each;
        assert!(Artifact::is_genuine(artifact, *kind), "{}", artifact.id);
    }

    let (said, told): (SignalCard, Draft) = (body(&card), body(&draft));
    let (booked, made): (Meeting, Brief) = (body(&meeting), body(&brief));
    let noted: NoteProposal = body(&note);
    let cited = |claims: &[reframe_workflow::artifact::Claim]| -> Vec<String> {
        let items = claims.iter().flat_map(|c| c.evidence()).filter_map(|e| match e {
            Evidence::Source { item, .. } => Some(item.clone()),
            _ => None,
        });
        items.collect()
    };
    let known: Vec<&str> = first.iter().map(|event| event.id.as_str()).collect();
    for (what, items) in [("card", cited(&said.reasons)), ("draft", cited(&told.because))] {
        assert!(!items.is_empty() && items.iter().all(|item| known.contains(&item.as_str())), "{what}: {items:?}");
    }
    // What was given on was not typed again: account, person, meeting, call, deal are the same all the way.
    assert_eq!(told.account.as_ref(), Some(&said.account));
    assert_eq!(told.grounds.as_ref().map(|g| g.contact.as_str()), Some("Marcus"));
    assert!(said.opening.unwrap().name.starts_with("Marcus"));
    assert!(told.mail.to.iter().all(|to| booked.invited.contains(to)) && !told.mail.to.is_empty());
    assert_eq!((made.event.as_str(), made.start_unix_ms), (booked.event.as_str(), booked.start_unix_ms));
    assert_eq!((noted.call.as_str(), heard.artifact.body["call"].as_str()), ("one", Some("one")));
    assert_eq!(write.proposal.action.target(), booked.deal.as_ref());
    assert_eq!(new.account.id.as_deref(), Some(said.account.id.as_str()));
    // The answer is to that very message, and the call began with what the brief had for it.
    let mails = store.items(ItemKind::Mail, None, 0, 10).unwrap();
    assert_eq!((mails.len(), mails[0].body["in_reply_to"].as_str()), (1, Some(told.mail.message_id.as_str())));
    let events = store.read(&CallId::new("one").unwrap(), 0).unwrap();
    let began = serde_json::to_value(&events[0]).unwrap();
    assert_eq!(began["deal"]["stage"], serde_json::to_value(made.arm.unwrap().deal.stage).unwrap(), "{began}");

    // From the next day on it is a reason like any other, and the card that cites it begins the account's next walk.
    let icp = icp::read(&std::fs::read(dir.path().join("data/journey/icp.json")).unwrap()).unwrap();
    let account = AccountRecord {
        at: said.account.clone(),
        name: said.name.clone(),
        domains: vec!["northline.example".to_owned()],
        emails: vec![],
        facts: Firmographics {
            texts: [(TextField::Industry, "logistics".to_owned())].into(),
            ..Firmographics::default()
        },
        owner: None,
        people: vec![],
    };
    let tomorrow =
        jiff::Timestamp::from_millisecond(new.at_unix_ms).unwrap().to_zoned(TimeZone::UTC).tomorrow().unwrap();
    let events: Vec<SignalEvent> = signals(&store);
    let next = feed(FeedInput {
        day: tomorrow.date().to_string().parse().unwrap(),
        zone: &TimeZone::UTC,
        accounts: &[account],
        events: &events,
        icp: &icp,
        weights: &Weights::of_icp(&icp, ""),
        capacity: &Capacity::default(),
        cap: 5,
    });
    let again = cited(&next.cards[0].body.reasons);
    assert!(again.contains(&new.id), "{again:?}");

    // The page says the same.
    let page = page(&lines);
    let trail: Vec<&str> = page["trail"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    let way = [&note, &heard, &brief, &meeting, &draft, &card].map(|each| each.artifact.id.as_str());
    assert_eq!((trail[0], trail[1]), (new.id.as_str(), write.proposal.id.0.as_str()));
    assert_eq!((&trail[2..8], &page["gap"]), (&way[..], &Value::Null));
    assert!(trail[8..].iter().all(|id| known.contains(id)) && trail.len() > 8, "{trail:?}");
    for row in page["rows"].as_array().unwrap() {
        assert_eq!((row["state"].as_str(), row["missing"].as_array().map(Vec::len)), (Some("done"), Some(0)), "{row}");
    }
}

/// Every byte that was approved is what landed, once; whoever approved is named; the message went by the rules.
#[test]
fn what_landed_is_what_was_approved() {
    let dir = tempfile::tempdir().unwrap();
    let lines = demo(dir.path(), "one", &YES);
    let store = store(dir.path());
    let local = Local::open(&dir.path().join("data/crm"), None).unwrap();
    let sent: BTreeMap<ProposalId, _> =
        store.entries(None, 0, 1_000).unwrap().into_iter().map(|e| (e.approval.proposal.clone(), e)).collect();
    let mut fields: BTreeMap<String, (i64, Option<String>, Option<String>)> = BTreeMap::new();
    let mut done = 0;
    for Listed { proposal, standing, decided_unix_ms, .. } in all(&store) {
        let receipt = match standing {
            Standing::Done { receipt } => receipt,
            Standing::Superseded { .. } => continue,
            other => panic!("{} is {other}", proposal.id),
        };
        let entry = &sent[&proposal.id];
        assert!(matches!(entry.state, State::Done { .. }));
        assert_eq!(entry.approval.digest, proposal.digest());
        assert!(entry.approval.by.as_str().eq_ignore_ascii_case("Dana Reyes"));
        let record = local.read(&receipt.record).unwrap().unwrap();
        let Proposal { action, .. } = &proposal;
        match action {
            Action::CreateNote { body, .. } => assert_eq!(record.field("body").unwrap().trim(), body.trim()),
            Action::CreateTask { subject, .. } => assert_eq!(record.field("subject"), Some(subject.as_str())),
            Action::UpdateField { record: at, field, after, .. } => {
                let now = (decided_unix_ms.unwrap(), after.clone(), record.field(field).map(str::to_owned));
                // Of several changes of a field the last one stands there.
                let slot = fields.entry(format!("{at} {field}")).or_insert_with(|| now.clone());
                *slot = now.max(slot.clone());
            }
            Action::CreateDraft { mail } | Action::SendMail { mail, .. } => {
                let folder = if matches!(action, Action::SendMail { .. }) { "mail/sent" } else { "mail/drafts" };
                let name = format!("{}.eml", receipt.record.id);
                let text = files(dir.path(), folder).into_iter().find(|(file, _)| *file == name).unwrap().1;
                assert_eq!(message::read(text.as_bytes()).unwrap().differs_from(mail), None, "{text}");
            }
        }
        done += 1;
    }
    assert!(fields.values().all(|(_, after, stands)| after == stands), "{fields:?}");
    assert_eq!((done, files(dir.path(), "mail/sent").len()), (sent.len(), 1));
    let outreach = &page(&lines)["rows"][1];
    let made = outreach["made"].as_array().unwrap();
    let mail = made.iter().find(|made| made["what"] == "send mail").unwrap();
    assert_eq!((&mail["decided"]["by"], &mail["decided"]["state"]), (&"person dana reyes".into(), &"done".into()));
    assert!(mail["says"].to_string().contains("can_spam.email"), "{mail}");
    assert!(mail["places"].to_string().contains("local:mail/"), "{mail}");
    let chain = run(dir.path(), &["audit", "verify", "--data", "data"]);
    assert!(chain.status.success(), "{}{}", out(&chain), err(&chain));
    let held = run(dir.path(), &["verify", "--data", "data"]);
    assert!(held.status.success() && out(&held).contains(" 0 that do not hold"), "{}", out(&held));
}

/// Without a yes nothing goes out and nothing is written, and the page says what is missing instead of making it up.
#[test]
fn without_a_yes_nothing_is_written_and_the_page_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let lines = demo(dir.path(), "one", &[]);
    let store = store(dir.path());
    assert!(store.entries(None, 0, 10).unwrap().is_empty());
    let open = |l: &Listed| matches!(l.standing, Standing::Open | Standing::Superseded { .. });
    assert!(all(&store).iter().all(open));
    let names: Vec<String> = files(dir.path(), "").into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["companies.csv", "contacts.csv", "deals.csv"]);
    for below in ["mail/sent", "mail/drafts", "notes"] {
        assert!(files(dir.path(), below).is_empty(), "{below}");
    }
    assert!(signals(&store).iter().all(|event| !event.source.starts_with("outcome:")));
    assert!(store.items(ItemKind::Mail, None, 0, 10).unwrap().is_empty(), "nobody answers what was not sent");

    let page = page(&lines);
    let row = |n: usize| (page["rows"][n]["state"].as_str().unwrap(), page["rows"][n]["missing"].to_string());
    assert_eq!(row(0), ("done", "[]".to_owned()));
    let (state, missing) = row(1);
    assert!(state == "waits" && missing.contains("no message went out"), "{missing}");
    let (_, missing) = row(2);
    assert!(missing.contains("the meeting does not say which message it came from"), "{missing}");
    assert_eq!(row(3).0, "done", "the call has its brief all the same");
    assert!(row(4).0 == "waits" && row(4).1.contains("nothing of it stands"), "{:?}", row(4));
    assert_eq!(row(6), ("not_yet", "[]".to_owned()));
    assert!(page["gap"].as_str().unwrap().contains("which draft"), "{page}");
}

/// For a person the walk is a line for each row, short enough for a terminal, with who approved how much; and unbroken.
#[test]
fn in_words_every_row_is_done_and_the_lineage_is_unbroken() {
    let dir = tempfile::tempdir().unwrap();
    let walk = in_words(dir.path(), &YES);
    assert!(walk[0].ends_with(" (local:company/1)"), "{walk:?}");
    for n in 1..=ROWS.len() {
        let text = row_of(&walk, n, "done");
        assert!(!text.is_empty() && text.chars().count() <= 110, "{n}: {text}");
    }
    let outreach = row_of(&walk, 2, "done");
    assert!(outreach.starts_with("To marcus.bell@northline.example: "), "{outreach}");
    // The message and the task to answer what came back.
    assert!(outreach.ends_with("; 2 approved by dana reyes and done"), "{outreach}");
    assert!(!row_of(&walk, 4, "done").contains("approved"), "a call is nobody's to approve: {walk:?}");
    let lineage = walk[8].strip_prefix("  lineage unbroken over ").and_then(|rest| rest.strip_suffix(" links"));
    // A new signal, the write it came of, six hand-offs and at least one signal: eight links or more.
    assert!(lineage.and_then(|n| n.parse::<usize>().ok()).is_some_and(|n| n >= 8), "{:?}", walk[8]);
    assert!(walk[9].starts_with("the walk: http://") && walk[9].contains("view=journey"), "{walk:?}");
}

/// Without a yes each row says in words what is missing, and the lineage where it breaks off and what to do.
#[test]
fn in_words_a_walk_without_a_yes_says_where_it_breaks_off() {
    let dir = tempfile::tempdir().unwrap();
    let walk = in_words(dir.path(), &[]);
    let (done, waits) = ("done", "waits for a person");
    assert!(!row_of(&walk, 1, done).is_empty() && !row_of(&walk, 4, done).is_empty(), "{walk:?}");
    assert_eq!(row_of(&walk, 2, waits), "no message went out");
    let prepared = row_of(&walk, 3, waits);
    assert!(prepared.starts_with("the meeting does not say which message it came from: "), "{prepared}");
    assert_eq!(row_of(&walk, 5, waits), "nothing of it stands in the system of record");
    assert!(!row_of(&walk, 6, waits).is_empty(), "{walk:?}");
    assert_eq!(row_of(&walk, 7, "not yet"), "");
    let gap = walk[8].strip_prefix("  lineage breaks off: meeting-").unwrap_or_else(|| panic!("{walk:?}"));
    assert!(gap.ends_with(" does not say which draft it came from; put its id among the parents"), "{gap}");
    assert!(walk.iter().all(|line| !line.contains("approved by") && !line.contains("unbroken")), "{walk:?}");
}

/// What a person says yes to too late is held back by the rules of that moment: the account is in a deal by then.
#[test]
fn a_yes_that_comes_too_late_is_held_back() {
    let dir = tempfile::tempdir().unwrap();
    demo(dir.path(), "one", &[]);
    let mut review = reframe(dir.path());
    review.args(["review", "--as", "Dana Reyes", "--config", "data/journey/reframe.toml"]);
    review.env("REFRAME_REVIEW_FROM_PIPE", "1").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = review.spawn().unwrap();
    child.stdin.take().unwrap().write_all("a\n".repeat(60).as_bytes()).unwrap();
    let said = out(&child.wait_with_output().unwrap());
    let held = all(&store(dir.path())).into_iter().find(|l| matches!(l.proposal.action, Action::SendMail { .. }));
    let held = held.unwrap().standing;
    assert!(matches!(held, Standing::Void { .. }) && held.to_string().contains("in an active deal"), "{held}: {said}");
    assert!(files(dir.path(), "mail/sent").is_empty());
    // What else was approved in the terminal is written, and what came of the call is a signal all the same.
    assert_eq!(files(dir.path(), "notes").len(), 2, "the brief and the note");
    assert_eq!(signals(&store(dir.path())).iter().filter(|e| e.source.starts_with("outcome:")).count(), 1);
}

/// The same folder again: the signals, the card, the message, the answer, the meeting and its brief are there once. The
/// second call is a call of its own.
#[test]
fn twice_is_not_double() {
    let dir = tempfile::tempdir().unwrap();
    demo(dir.path(), "one", &YES);
    let kinds = [Kind::SignalCard, Kind::Draft, Kind::Meeting, Kind::Brief];
    let counts = || {
        let store = store(dir.path());
        let made = kinds.map(|kind| store.latest_artifacts(kind, 100).unwrap().len());
        let kept = [ItemKind::Feed, ItemKind::Mail, ItemKind::Meeting, ItemKind::Sequence]
            .map(|kind| store.items(kind, None, 0, 100).unwrap().len());
        let calls = signals(&store).iter().filter(|e| e.source.starts_with("outcome:")).count();
        let others = signals(&store).len() - calls;
        (made, kept, others, files(dir.path(), "mail/sent").len(), calls)
    };
    let (made, kept, others, mails, calls) = counts();
    assert_eq!((others, mails, calls), (3, 1, 1));
    // By then the meeting has begun, so that nothing makes its brief anew.
    let begins = store(dir.path()).items(ItemKind::Meeting, None, 0, 10).unwrap()[0].at_unix_ms;
    wait_until("the meeting begins", || jiff::Timestamp::now().as_millisecond() > begins);
    let lines = demo(dir.path(), "two", &YES);
    assert_eq!(counts(), (made, kept, 3, 1, 2), "a signal for each call, and nothing else twice");
    let page = page(&lines);
    assert_eq!((&page["walk"], &page["walks"], &page["gap"]), (&1.into(), &1.into(), &Value::Null));
    assert_eq!(page["rows"][3]["n"], 4, "two calls with their transcripts: {}", page["rows"][3]);
}

/// A folder whose deals are not the demo's is left as it is: the call alone is played.
#[test]
fn other_peoples_deals_are_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("data/crm")).unwrap();
    let deals = "id,name,stage\n9,Ours,discovery\n";
    std::fs::write(dir.path().join("data/crm/deals.csv"), deals).unwrap();
    let output = run(dir.path(), &["demo", "--pace", "max", "--json", "--name", "one", "--data", "data"]);
    let text = out(&output);
    assert!(output.status.success() && text.contains("holds deals of its own"), "{text}{}", err(&output));
    assert!(!text.contains("\"journey\"") && !dir.path().join("data/journey").exists(), "{text}");
    assert_eq!(files(dir.path(), ""), [("deals.csv".to_owned(), deals.to_owned())]);
}

/// The page is where the demo says, with the key of its link and not without.
#[test]
fn the_page_is_served_where_the_demo_says() {
    let dir = tempfile::tempdir().unwrap();
    let mut command = reframe(dir.path());
    command.args(["demo", "--pace", "max", "--json", "--stay", "--name", "one", "--data", "data"]).args(YES);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    // Kept until the end: a program whose output nobody reads any more ends.
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(|line| line.unwrap());
    let mut said = lines.by_ref().map(|line| serde_json::from_str::<Value>(&line).unwrap());
    let shown = said.find(|line| line["type"] == "journey").unwrap();
    let url = shown["url"].as_str().unwrap();
    let (base, rest) = url.strip_prefix("http://").unwrap().split_once("/accounts#token=").unwrap();
    let (token, view) = rest.split_once("&view=journey&id=").unwrap();
    assert_eq!(view, "local%3Acompany%2F1");
    let get = |path: &str, header: &str| {
        let mut socket = TcpStream::connect(base).unwrap();
        write!(socket, "GET {path} HTTP/1.1\r\nHost: {base}\r\nConnection: close\r\n{header}\r\n").unwrap();
        let mut text = String::new();
        socket.read_to_string(&mut text).unwrap();
        text
    };
    let bearer = format!("Authorization: Bearer {token}\r\n");
    let served = get(&format!("/v1/accounts/journey?id={view}&walk=1"), &bearer);
    let refused = get(&format!("/v1/accounts/journey?id={view}"), "");
    let html = get("/accounts", "");
    child.kill().unwrap();
    child.wait().unwrap();
    drop(lines);
    assert!(served.starts_with("HTTP/1.1 200"), "{served}");
    let served: Value = serde_json::from_str(served.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!(served, shown["page"]);
    assert!(refused.starts_with("HTTP/1.1 401") && !refused.contains("Northline"), "{refused}");
    assert!(html.starts_with("HTTP/1.1 200") && !html.contains("Northline"));
}
