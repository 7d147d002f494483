//! What the stages before a call keep, and what an erasure leaves of it.
#![allow(clippy::unwrap_used)]

use reframe_consent::Person;
use reframe_policy::ledger::{Ledger, PersonKey, Reason, Salt, Subject, What};
use reframe_policy::rules::Channel;
use reframe_store::{Item, ItemKind, SqliteLog, SqliteOptions};
use reframe_workflow::audit::Actor;
use serde_json::json;

const SALT: &[u8] = b"sixteen bytes and more";

fn open(dir: &tempfile::TempDir) -> SqliteLog {
    SqliteLog::open(dir.path().join("log.db"), SqliteOptions::default()).unwrap()
}

fn signal(id: &str, account: &str, at_unix_ms: i64, text: &str) -> Item {
    let (id, account) = (id.to_owned(), Some(account.to_owned()));
    Item { kind: ItemKind::Signal, id, account, at_unix_ms, body: json!({ "excerpt": text }) }
}

fn person(key: &str) -> Subject {
    Subject::Person { key: PersonKey::new(key).unwrap() }
}

fn unsubscribed() -> What {
    What::Suppressed { reason: Reason::Unsubscribe, channel: Some(Channel::Email), only_there: false }
}

#[test]
fn things_are_kept_once_and_listed_by_account_and_time() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(&dir);
    let all = [signal("b", "acme", 20, "funding"), signal("a", "acme", 10, "hiring"), signal("c", "other", 15, "news")];
    assert_eq!(log.keep_items(&all).unwrap(), 3);
    assert_eq!(log.keep_items(&[signal("a", "acme", 99, "changed")]).unwrap(), 0, "the first stays");
    let ids = |account, from, limit| {
        let found = log.items(ItemKind::Signal, account, from, limit).unwrap();
        found.into_iter().map(|i| i.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(Some("acme"), 0, 10), ["a", "b"]);
    assert_eq!(ids(None, 11, 10), ["c", "b"]);
    assert_eq!(ids(None, 0, 1), ["a"]);
    let latest = |account, from, limit| {
        let found = log.latest_items(ItemKind::Signal, account, from, limit).unwrap();
        found.into_iter().map(|i| i.id).collect::<Vec<_>>()
    };
    assert_eq!(latest(None, 0, 1), ["b"]);
    assert_eq!(latest(None, 0, 2), ["c", "b"], "in order of time");
    assert_eq!(latest(None, 0, 9), ["a", "c", "b"]);
    assert_eq!(latest(Some("acme"), 0, 1), ["b"]);
    assert_eq!(latest(Some("other"), 16, 9), [""; 0]);
    // Of one moment the bound leaves the later names, so that two pages never disagree.
    log.keep_items(&[signal("d", "acme", 20, "launch")]).unwrap();
    assert_eq!(latest(None, 0, 1), ["d"]);
    log.replace_item(&signal("a", "acme", 30, "moved")).unwrap();
    assert_eq!(log.item(ItemKind::Signal, "a").unwrap().unwrap().at_unix_ms, 30);
    assert!(log.item(ItemKind::Mail, "a").unwrap().is_none());
    assert!(log.drop_item(ItemKind::Signal, "a").unwrap() && !log.drop_item(ItemKind::Signal, "a").unwrap());
}

#[test]
fn the_ledger_gives_back_what_bears_on_a_person_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(&dir);
    let domain = Subject::Domain { domain: "northline.example".to_owned() };
    let reply = What::ReplyReceived { channel: Channel::Email };
    let entries = [
        (person("marcus@northline.example"), reply.clone()),
        (person("somebody@else.example"), unsubscribed()),
        (domain.clone(), reply),
        (person("marcus@northline.example"), unsubscribed()),
    ];
    let noted = log.note_contacts(&entries, "dana", 5).unwrap();
    let salt = Salt::new(SALT).unwrap();
    let key = PersonKey::new("Marcus+news@Northline.example").unwrap();
    let his = log.contacts_of(std::slice::from_ref(&key), &salt).unwrap();
    assert_eq!(his, [noted[0].clone(), noted[2].clone(), noted[3].clone()]);
    assert!(!Ledger::of(his).standing(&[key], &salt, 6).stops.is_empty());
    assert_eq!(log.contacts_from(noted[2].seq, 10).unwrap().len(), 2);
}

/// What is said of a domain holds for those below it and no other, and a domain's people are found with theirs.
#[test]
fn a_domain_reaches_down_and_not_sideways() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(&dir);
    let stop = What::Suppressed { reason: Reason::Own, channel: None, only_there: false };
    let whole = Subject::Domain { domain: "northline.example".to_owned() };
    let people = ["a@northline.example", "b@mail.northline.example", "c@southnorthline.example"];
    let mut entries: Vec<_> = people.iter().map(|p| (person(p), unsubscribed())).collect();
    entries.push((whole, stop));
    let noted = log.note_contacts(&entries, "dana", 5).unwrap();
    let salt = Salt::new(SALT).unwrap();
    for (nth, stopped) in [(0, true), (1, true), (2, false)] {
        let key = PersonKey::new(people[nth]).unwrap();
        let theirs = log.contacts_of(std::slice::from_ref(&key), &salt).unwrap();
        assert_eq!(theirs.contains(&noted[3]), stopped, "{}", people[nth]);
        let stops = Ledger::of(theirs).standing(&[key], &salt, 6).stops;
        assert_eq!(stops.iter().any(|s| s.company), stopped, "{}", people[nth]);
    }
    let there =
        |domain: &str, from| log.contacts_at(domain, from).unwrap().into_iter().map(|e| e.seq).collect::<Vec<_>>();
    assert_eq!(there("northline.example", 0), [noted[0].seq, noted[1].seq]);
    assert_eq!(there("mail.northline.example", 5), [noted[1].seq]);
    assert!(there("northline.example", 6).is_empty());
}

/// An erased person's mails, sequences and entries are gone; that they are not to be written to stays.
#[test]
fn an_erased_person_stays_suppressed_and_nothing_else_of_them_stays() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(&dir);
    log.keep_items(&[
        signal("a", "northline", 1, "Marcus Bell joins as VP of sales"),
        signal("b", "northline", 2, "opens a second warehouse"),
        signal("c", "northline", 3, "Marcus Bellamy speaks at a fair"),
        signal("d", "northline", 4, "write to MARCUS@northline.example"),
    ])
    .unwrap();
    let told = What::ReplyReceived { channel: Channel::Email };
    log.note_contacts(&[(person("marcus@northline.example"), told)], "dana", 5).unwrap();
    let who = ["marcus@northline.example", "Marcus Bell"].map(|n| Person::new(n).unwrap());
    for _ in 0..2 {
        log.erase_person(&who, SALT, &Actor::Person { name: Person::new("dana").unwrap() }, 9).unwrap();
    }
    let left: Vec<String> = log.items(ItemKind::Signal, None, 0, 9).unwrap().into_iter().map(|i| i.id).collect();
    assert_eq!(left, ["b", "c"]);
    let salt = Salt::new(SALT).unwrap();
    let key = PersonKey::new("marcus@northline.example").unwrap();
    let entries = log.contacts_of(std::slice::from_ref(&key), &salt).unwrap();
    assert_eq!(entries.len(), 2, "{entries:?}");
    assert!(!Ledger::of(entries).standing(&[key], &salt, 10).stops.is_empty());
    drop(log);
    let bytes = std::fs::read(dir.path().join("log.db")).unwrap();
    for gone in ["marcus@northline", "Marcus Bell joins"] {
        assert!(!bytes.windows(gone.len()).any(|w| w == gone.as_bytes()), "{gone} is still in the file");
    }
}
