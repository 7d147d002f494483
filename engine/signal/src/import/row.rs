//! One row of named texts, whichever file it stood in, to one event.

use std::collections::BTreeMap;

use super::{Origin, instant};
use crate::event::{AccountHint, DAY_MS, PersonHint, Raw, SignalEvent, SignalKind};

/// Names of fields that are read, each with the other names that exports use.
pub const FIELDS: [(&str, &[&str]); 12] = [
    ("kind", &["type", "signal", "event", "event_type"]),
    ("domain", &["website", "company_domain", "account_domain"]),
    ("company", &["account", "account_name", "company_name", "organisation", "organization"]),
    ("account_id", &["company_id", "crm_id"]),
    ("person", &["contact", "contact_name", "full_name"]),
    ("person_title", &["job_title", "role", "position"]),
    ("email", &["contact_email", "person_email"]),
    ("at", &["date", "time", "timestamp", "occurred_at", "published_at", "created_at"]),
    ("url", &["link", "source_url"]),
    ("title", &["headline", "subject", "summary"]),
    ("excerpt", &["text", "description", "body", "content", "details"]),
    ("amount", &["value", "funding_amount"]),
];

/// Our name of a column, whatever its case and separators.
pub(super) fn field_name(column: &str) -> Option<&'static str> {
    let plain: String = column.trim().chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    let plain = plain.to_lowercase();
    FIELDS.iter().find(|(name, others)| *name == plain || others.contains(&plain.as_str())).map(|(name, _)| *name)
}

/// The event of a row whose keys are our names.
pub(super) fn event(row: &BTreeMap<&'static str, String>, origin: Origin<'_>) -> Result<SignalEvent, String> {
    let text = |name: &str| row.get(name).map(|t| t.trim()).filter(|t| !t.is_empty());
    let own = |name: &str| text(name).map(str::to_owned);
    let kind = text("kind").ok_or_else(|| format!("there is no `kind`: write one of {}", kinds()))?;
    let kind = SignalKind::parse(kind).ok_or_else(|| {
        let shown: String = kind.chars().take(40).collect();
        format!("`{shown}` is no kind of signal: write one of {}", kinds())
    })?;
    let at = text("at").ok_or("there is no `at`: write when it happened, as YYYY-MM-DD or RFC 3339")?;
    let at_unix_ms = instant(at).ok_or_else(|| {
        let shown: String = at.chars().take(40).collect();
        format!("`{shown}` is no date: write YYYY-MM-DD or RFC 3339, like 2026-05-01T09:00:00Z")
    })?;
    not_ahead(at_unix_ms, origin)?;
    let (name, email) = (own("person"), own("email"));
    let person = (name.is_some() || email.is_some()).then(|| PersonHint {
        name: name.unwrap_or_default(),
        title: own("person_title"),
        email,
    });
    let account = AccountHint { domain: own("domain"), name: own("company"), id: own("account_id") };
    let raw = Raw {
        kind,
        account,
        person,
        at_unix_ms,
        url: own("url"),
        title: own("title").unwrap_or_default(),
        excerpt: own("excerpt").unwrap_or_default(),
        source: origin.source.to_owned(),
        amount: own("amount"),
    };
    SignalEvent::new(raw).map_err(|e| e.to_string())
}

/// Refuses what lies more than a day (any zone's lead, and a clock that is off) after it arrived.
pub(super) fn not_ahead(at_unix_ms: i64, origin: Origin<'_>) -> Result<(), String> {
    if at_unix_ms > origin.received_unix_ms.saturating_add(DAY_MS) {
        return Err("it is dated later than it arrived: write when it happened".into());
    }
    Ok(())
}

fn kinds() -> String {
    SignalKind::ALL.map(SignalKind::as_str).join(", ")
}
