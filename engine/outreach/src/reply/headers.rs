//! What the headers tell before the text is read: a person, a machine, or a mail that came back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Received;
use crate::text::{has, key};

/// Who wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sender {
    /// A person, as far as the headers tell.
    Person,
    /// A program answers for somebody (RFC 3834).
    Machine,
    /// A mail server reports that it could not deliver (RFC 3464).
    Bounce,
    /// A provider reports that somebody marked a message as junk (RFC 5965).
    Abuse,
}

/// Subjects of absence notes that mailers write themselves, as keys.
const MACHINE_SUBJECTS: &[&str] = &[
    "automatic reply",
    "auto reply",
    "autoreply",
    "automatische antwort",
    "automatische abwesenheit",
    "reponse automatique",
    "respuesta automatica",
    "abwesenheitsnotiz",
    "out of office autoreply",
    "risposta automatica",
    "automatisch antwoord",
    "resposta automatica",
    "autosvar",
    "automaattinen vastaus",
];
/// Subjects of reports, as keys.
const BOUNCED: &[&str] = &[
    "undeliverable",
    "delivery status notification",
    "undelivered mail returned",
    "mail delivery failed",
    "mail delivery failure",
    "returned mail",
    "delivery failure",
    "unzustellbar",
    "nicht zustellbar",
    "failure notice",
    "echec de la remise",
];

/// Who wrote it.
#[must_use]
pub fn sender(received: &Received) -> Sender {
    let header = |name: &str| {
        let found = received.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim().to_lowercase())
    };
    let subject = key(&received.subject);
    let begins = |list: &[&str]| list.iter().any(|s| subject.starts_with(s));
    let from = header("From").unwrap_or_default();
    let daemon = ["mailer-daemon", "postmaster@"].iter().any(|d| from.contains(d));
    let junk = [
        "blocklist",
        "policy violation",
        "abuse report",
        "email feedback report",
        "complaint notification",
        "spam report",
    ];
    if header("Content-Type").is_some_and(|c| c.contains("feedback-report")) || junk.iter().any(|j| has(&subject, j)) {
        return Sender::Abuse;
    }
    let report = header("Content-Type").is_some_and(|c| c.contains("delivery-status"));
    if report || header("X-Failed-Recipients").is_some() || (daemon && begins(BOUNCED)) {
        return Sender::Bounce;
    }
    let submitted = header("Auto-Submitted").is_some_and(|v| !v.is_empty() && !v.starts_with("no"));
    let said = |name: &str| header(name).is_some_and(|v| !v.is_empty() && v != "no" && v != "false");
    let precedence = header("Precedence").is_some_and(|v| ["auto_reply", "auto-reply"].contains(&v.as_str()));
    let replied = said("X-Autoreply")
        || said("X-Autorespond")
        || said("X-Autoresponder")
        || said("X-Auto-Reply")
        || said("X-Auto-Replied");
    if submitted || replied || precedence || begins(MACHINE_SUBJECTS) || has(&subject, "automatic reply") {
        return Sender::Machine;
    }
    Sender::Person
}
