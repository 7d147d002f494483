//! Importers: what is read, what is refused with which words, and that no bytes whatever make them fall over.

use proptest::prelude::*;

use super::*;
use crate::event::{AccountHint, EXCERPT_CHARS, SHORT_CHARS, SignalKind, TITLE_CHARS};

const NOW: i64 = 1_777_680_000_000; // 2026-05-02T00:00:00Z

fn origin() -> Origin<'static> {
    Origin { source: "test", received_unix_ms: NOW }
}

fn fixture(name: &str) -> Vec<u8> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/signal/");
    std::fs::read(format!("{root}{name}")).unwrap()
}

#[test]
fn a_bad_line_of_csv_loses_only_itself_and_says_what_to_write() {
    let read = csv(&fixture("events.csv"), origin());
    let kinds: Vec<SignalKind> = read.events.iter().map(|e| e.kind).collect();
    assert_eq!(
        kinds,
        [SignalKind::NewHire, SignalKind::Funding, SignalKind::WebsiteVisit, SignalKind::Hiring],
        "{:?}",
        read.problems
    );
    assert_eq!(read.events[1].amount.as_deref(), Some("12.5M EUR"));
    assert_eq!(read.events[0].person.as_ref().unwrap().title.as_deref(), Some("VP Sales"));
    assert_eq!(read.events[3].excerpt, "Two lines, with a comma");
    let problems: Vec<(u64, &str)> = read.problems.iter().map(|p| (p.line, p.what.as_str())).collect();
    for (n, (line, says)) in [
        (1, "columns that are not read: score"),
        (4, "`rumour` is no kind of signal: write one of new_hire"),
        (5, "`03/05/2026` is no date: write YYYY-MM-DD"),
        (6, "it names no account: give a `domain`"),
        (10, "later than it arrived"),
        (11, "more cells than the header has"),
    ]
    .into_iter()
    .enumerate()
    {
        assert!(problems[n].0 == line && problems[n].1.contains(says), "{:?} is not {line}: {says}", problems[n]);
    }
    assert_eq!(problems.len(), 6);
    let none = csv(b"a,b\n1,2\n", origin());
    assert!(none.problems[0].what.contains("no column has a name that is known"));
    let semicolons = csv(b"kind;domain;at;title\nnews;a.example;2026-05-01;x, y\n", origin());
    assert_eq!(semicolons.events[0].title, "x, y");
}

#[test]
fn a_bad_line_of_json_loses_only_itself() {
    let read = json_lines(&fixture("events.jsonl"), origin());
    assert_eq!(read.events.len(), 3, "{:?}", read.problems);
    let lines: Vec<u64> = read.problems.iter().map(|p| p.line).collect();
    assert_eq!(lines, [2, 4, 6]);
    assert!(read.problems[0].what.contains("write one object a line"));
    assert!(read.problems[1].what.contains("`title` is no text"));
    assert!(read.problems[2].what.contains("https://"));
}

#[test]
fn rss_and_atom_give_the_same_kind_of_event() {
    let account = AccountHint::domain("northwind.example");
    let rss = feed(&fixture("newsroom.rss"), FeedAbout::Account(&account), None, origin());
    assert_eq!(rss.problems.len(), 1, "{:?}", rss.problems);
    assert!(rss.problems[0].line == 21 && rss.problems[0].what.contains("is no date"), "{:?}", rss.problems);
    let first = &rss.events[0];
    assert_eq!((first.kind, first.title.as_str()), (SignalKind::Funding, "Northwind raises $12M & plans more"));
    assert_eq!(first.excerpt, "The round was led by Example Ventures – “a big step”.");
    assert_eq!(first.url.as_deref(), Some("https://northwind.example/news/1?a=1&b=2"));
    assert_eq!(first.at_unix_ms, instant("2026-05-01T09:00:00Z").unwrap());
    assert_eq!(rss.events[1].at_unix_ms, NOW, "without a date it counts as of its arrival");
    let watch = [("Northwind".to_owned(), account.clone()), ("Acme".to_owned(), AccountHint::domain("acme.example"))];
    let atom = feed(&fixture("trade.atom"), FeedAbout::Watch(&watch), None, origin());
    assert_eq!((atom.events.len(), atom.not_ours), (2, 1), "{:?}", atom.problems);
    assert_eq!(atom.events[0].account, AccountHint::domain("acme.example"));
    assert_eq!(atom.events[0].url.as_deref(), Some("https://trade.example/1"));
    assert!(atom.events[1].excerpt.contains("Northwind lays off"), "{:?}", atom.events[1]);
    let page = feed(b"<html><body>hello</body></html>", FeedAbout::Account(&account), None, origin());
    assert!(page.problems[0].what.contains("neither RSS nor Atom"));
    let cut = feed(b"<rss><channel>\n<item><title>x", FeedAbout::Account(&account), None, origin());
    assert!(cut.problems[0].line == 2 && cut.problems[0].what.contains("not closed"), "{:?}", cut.problems);
}

#[test]
fn entities_of_a_feed_do_not_explode_and_unknown_ones_stay() {
    let bomb = r#"<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>
<rss><channel><item><title>x &b; &nbsp;y &amp;amp; z & w</title></item></channel></rss>"#;
    let read = feed(bomb.as_bytes(), FeedAbout::Account(&AccountHint::domain("a.example")), None, origin());
    assert_eq!(read.events[0].title, "x &b; y & z & w");
}

#[test]
fn a_pasted_passage_has_its_kind_said_or_guessed_or_asked_for() {
    let about = Pasted { account: AccountHint::name("Acme"), ..Pasted::default() };
    let (read, guess) = pasted("Acme raises 12M\nled by Example Ventures", &about, origin());
    assert_eq!(read.events[0].kind, SignalKind::Funding);
    assert!(guess.unwrap().confidence >= 0.5);
    assert_eq!(read.events[0].at_unix_ms, NOW);
    let (read, _) = pasted("We had a lovely summer party", &about, origin());
    assert!(read.events.is_empty() && read.problems[0].what.contains("say the kind"));
    let said = Pasted { kind: Some(SignalKind::News), ..about };
    assert_eq!(pasted("We had a lovely summer party", &said, origin()).0.events[0].kind, SignalKind::News);
}

const SECRET: &[u8] = b"0123456789abcdef-test";
const BODY: &str =
    r#"{"id":"d1","events":[{"kind":"funding","domain":"a.example","at":"2026-05-01","title":"x"},{"kind":"?"}]}"#;

#[test]
fn the_signature_is_the_one_of_rfc_4231_form() {
    // HMAC-SHA256 of "1777680000.{}" under this secret, made with another program (openssl dgst -hmac).
    let tag = sign(SECRET, "1777680000", b"{}").unwrap();
    assert_eq!(tag, WANT_TAG);
}

const WANT_TAG: &str = "sha256=9ef8c4afb8c37b112e0a50b695b910c85de025b1ee63719337b5088b7a3a1f69";

#[test]
fn a_delivery_counts_once_while_it_is_fresh_and_unchanged() {
    let now = NOW;
    let at = |offset_s: i64| (now / 1_000 + offset_s).to_string();
    let fresh = |_: &str| false;
    let send = |timestamp: &str, signature: &str, body: &str, seen: &dyn Fn(&str) -> bool| {
        webhook(SECRET, Delivery { timestamp, signature, body: body.as_bytes() }, now, seen, "webhook:test")
    };
    let good = sign(SECRET, &at(0), BODY.as_bytes()).unwrap();
    let (id, read) = send(&at(0), &good, BODY, &fresh).unwrap();
    assert_eq!((id.as_str(), read.events.len(), read.problems[0].line), ("d1", 1, 2));
    assert_eq!(send(&at(0), &good, BODY, &|id| id == "d1"), Err(Refused::Replayed("d1".into())));
    for offset in [-300, 300] {
        let signed = sign(SECRET, &at(offset), BODY.as_bytes()).unwrap();
        assert!(send(&at(offset), &signed, BODY, &fresh).is_ok(), "{offset}");
    }
    for offset in [-301, 301] {
        let signed = sign(SECRET, &at(offset), BODY.as_bytes()).unwrap();
        assert_eq!(send(&at(offset), &signed, BODY, &fresh), Err(Refused::NotNow), "{offset}");
    }
    // An old signature under a new time, another body, another secret, other forms.
    let other = sign(b"another-secret-of-16-bytes", &at(0), BODY.as_bytes()).unwrap();
    for (timestamp, signature, body) in [
        (at(1), good.clone(), BODY.to_owned()),
        (at(0), good.clone(), BODY.replace("\"x\"", "\"y\"")),
        (at(0), other, BODY.to_owned()),
        (at(0), good.replace("sha256=", ""), BODY.to_owned()),
        (at(0), good[..good.len() - 2].to_owned(), BODY.to_owned()),
        (at(0), String::new(), BODY.to_owned()),
    ] {
        assert_eq!(send(&timestamp, &signature, &body, &fresh), Err(Refused::BadSignature));
    }
    let signed = sign(SECRET, &at(0), b"[]").unwrap();
    assert!(matches!(send(&at(0), &signed, "[]", &fresh), Err(Refused::BadBody(_))));
    assert_eq!(sign(b"short", "1", b""), Err(Refused::WeakSecret));
}

/// What every importer promises of whatever it reads.
fn sound(read: &Imported) -> Result<(), TestCaseError> {
    prop_assert!(read.problems.len() <= MOST_PROBLEMS);
    for e in &read.events {
        prop_assert!(e.is_genuine() && !e.text().trim().is_empty() && !e.account.is_empty());
        prop_assert!(e.title.chars().count() <= TITLE_CHARS && e.excerpt.chars().count() <= EXCERPT_CHARS);
        prop_assert!(e.text().contains(e.line()) && !e.line().trim().is_empty());
        let hints = [&e.account.domain, &e.account.name, &e.account.id];
        prop_assert!(hints.iter().all(|h| h.as_ref().is_none_or(|h| h.chars().count() <= SHORT_CHARS)));
    }
    Ok(())
}

/// A good file with some bytes put in, taken out or changed.
fn spoiled(name: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let good = fixture(name);
    let cuts = prop::collection::vec((0..good.len(), 0_usize..12, prop::collection::vec(any::<u8>(), 0..6)), 0..6);
    cuts.prop_map(move |cuts| {
        let mut bytes = good.clone();
        for (at, gone, new) in cuts {
            let at = at.min(bytes.len());
            let end = (at + gone).min(bytes.len());
            bytes.splice(at..end, new);
        }
        bytes
    })
}

fn all(bytes: &[u8]) -> Result<(), TestCaseError> {
    let account = AccountHint::domain("a.example");
    let watch = [("Acme".to_owned(), account.clone())];
    sound(&csv(bytes, origin()))?;
    sound(&json_lines(bytes, origin()))?;
    sound(&feed(bytes, FeedAbout::Account(&account), None, origin()))?;
    sound(&feed(bytes, FeedAbout::Watch(&watch), Some(SignalKind::News), origin()))?;
    let about = Pasted { account, ..Pasted::default() };
    sound(&pasted(&String::from_utf8_lossy(bytes), &about, origin()).0)?;
    let timestamp = (NOW / 1_000).to_string();
    let signature = sign(SECRET, &timestamp, bytes).unwrap();
    let delivery = Delivery { timestamp: &timestamp, signature: &signature, body: bytes };
    if let Ok((_, read)) = webhook(SECRET, delivery, NOW, &|_| false, "x") {
        sound(&read)?;
    }
    // The text of a request decides nothing but refusal.
    let text = String::from_utf8_lossy(bytes);
    let bad = Delivery { timestamp: &text, signature: &text, body: bytes };
    prop_assert!(webhook(SECRET, bad, NOW, &|_| false, "x").is_err());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn no_bytes_make_an_importer_fall_over(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        all(&bytes)?;
    }

    #[test]
    fn no_spoiled_file_does_either(
        bytes in prop_oneof![
            spoiled("events.csv"), spoiled("events.jsonl"), spoiled("newsroom.rss"), spoiled("trade.atom")
        ]
    ) {
        all(&bytes)?;
    }

    #[test]
    fn no_text_of_markup_does_either(text in "[<>&;/a-z!\\[\\]\"'=?# \\n0-9é-]{0,200}") {
        all(text.as_bytes())?;
        all(format!("<rss><item><title>{text}</title><description>{text}</description></item></rss>").as_bytes())?;
    }
}
