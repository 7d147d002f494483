//! Events for tests.

use crate::event::{AccountHint, Raw, SignalEvent, SignalKind};

/// An event with a title and nothing else.
pub(crate) fn event(kind: SignalKind, domain: &str, at_unix_ms: i64, title: &str) -> SignalEvent {
    SignalEvent::new(Raw {
        kind,
        account: AccountHint::domain(domain),
        person: None,
        at_unix_ms,
        url: Some(format!("https://{domain}/news")),
        title: title.into(),
        excerpt: String::new(),
        source: "test".into(),
        amount: None,
    })
    .unwrap()
}
