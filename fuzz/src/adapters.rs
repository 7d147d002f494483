//! Vendors' messages in any order: the first byte chooses the vendor, then texts and binary messages follow, cut at
//! zero bytes; what an adapter hands on must stay within its promises.

use reframe_ingest::adapters::{Facts, MAX_PEOPLE, Step, Vendor};

/// Feeds `data` to one vendor's adapter.
pub fn run(data: &[u8]) {
    let Some((&first, rest)) = data.split_first() else { return };
    let vendor = Vendor::ALL[usize::from(first) % Vendor::ALL.len()];
    let query = [("rep", "Rae"), ("consent", "platform"), ("input", if first & 0x80 == 0 { "audio" } else { "words" })];
    let facts = Facts::read(vendor, query).expect("a good address");
    let mut adapter = vendor.adapter(facts);
    let (mut open, mut people) = (false, 0);
    for (nth, message) in rest.split(|&byte| byte == 0).enumerate() {
        let now_us = nth as u64 * 20_000;
        let mut steps = Vec::new();
        let _understood = match std::str::from_utf8(message) {
            Ok(text) if !text.starts_with('\u{1}') => adapter.text(text, now_us, &mut steps),
            _ => adapter.binary(message, now_us, &mut steps),
        };
        for step in steps {
            match step {
                Step::Open { call, .. } => {
                    assert!(!open, "a call is opened once");
                    assert!(!call.is_empty() && call.len() <= 64, "an id the engine takes");
                    open = true;
                }
                Step::Person(person) => {
                    assert!(open, "nobody before the call");
                    assert!(!person.name.chars().any(char::is_control));
                    people = people.max(usize::from(person.person) + 1);
                    assert!(people <= MAX_PEOPLE);
                }
                Step::Audio { person, payload, .. } => {
                    assert!(open && usize::from(person) < people, "audio of somebody who was announced");
                    assert!(!payload.is_empty());
                }
                Step::Words { person, start_us, end_us, .. } => {
                    assert!(open && usize::from(person) < people && start_us <= end_us);
                }
                Step::Pause(_) | Step::Leave(_) | Step::Source(_) | Step::Reply(_) | Step::Stop => {}
            }
        }
    }
    if let Some(farewell) = adapter.farewell("over") {
        serde_json::from_str::<serde_json::Value>(&farewell).expect("JSON");
    }
}
