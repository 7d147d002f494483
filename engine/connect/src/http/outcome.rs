//! What an answer, or none, means for a write and for a read. The table of docs/CONNECTORS.md stands here in code.

use reframe_workflow::system::{ReadError, WriteError};
use serde_json::Value;

/// HubSpot's shorter limit counts over ten seconds.
const SHORT_WINDOW_MS: u64 = 10_000;
/// After a daily limit the rest of the day is unknown; once an hour is seldom enough not to annoy.
const DAILY_MS: u64 = 60 * 60 * 1_000;
/// HubSpot on 423: wait at least two seconds.
const LOCKED_MS: u64 = 2_000;
/// A vendor that is down, moving (477) or hidden behind somebody's error page.
const DOWN_MS: u64 = 60_000;
/// When a person must repair something first (key, address): seldom, for each attempt is wasted.
const REPAIR_MS: u64 = 15 * 60 * 1_000;
/// Longest wait a vendor may ask for: HubSpot's 477 asks for up to 24 hours.
const LONGEST_MS: u64 = 24 * 60 * 60 * 1_000;
/// Longest part of an answer that is passed on, in characters.
const SHOWN_CHARS: usize = 200;

/// A vendor's answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Its `Retry-After`, in ms.
    pub retry_after_ms: Option<u64>,
    /// The body, or why it could not be read to its end.
    pub body: Result<Vec<u8>, String>,
}

/// A request without an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Broken {
    /// It surely never got there.
    NeverLeft(String),
    /// It may have.
    Lost(String),
}

/// What an error body says; vendors leave out any part of it.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    /// Whether the vendor itself spoke, and not something between.
    vendor: bool,
    message: String,
    /// Categories, reasons and policies, in capitals.
    reasons: Vec<String>,
}

impl Answer {
    /// Whether it is a yes.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        matches!(self.status, 200..=299)
    }

    /// The body as JSON; an empty one is `null`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn json(&self) -> Result<Value, String> {
        let body = self.body.as_ref().map_err(Clone::clone)?;
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(body).map_err(|_| format!("it is no JSON: {}", shown(&String::from_utf8_lossy(body))))
    }

    fn said(&self) -> Said {
        let Ok(Value::Object(body)) = self.json() else {
            let message = self.body.as_ref().map_or_else(Clone::clone, |b| shown(&String::from_utf8_lossy(b)));
            return Said { message, ..Said::default() };
        };
        // Google wraps it (`error`), HubSpot does not, and their token endpoints use RFC 6749's form.
        let inner = body.get("error").and_then(Value::as_object).unwrap_or(&body);
        let text = |name: &str| inner.get(name).and_then(Value::as_str);
        let mut reasons: Vec<&str> =
            ["category", "subCategory", "policyName", "status"].into_iter().filter_map(text).collect();
        reasons.extend(body.get("error").and_then(Value::as_str));
        let errors = inner.get("errors").and_then(Value::as_array).into_iter().flatten();
        let mut messages: Vec<&str> = text("message").into_iter().chain(text("error_description")).collect();
        for error in errors {
            reasons.extend(["reason", "code"].into_iter().filter_map(|n| error.get(n).and_then(Value::as_str)));
            messages.extend(error.get("message").and_then(Value::as_str));
        }
        messages.dedup();
        let vendor = !messages.is_empty() || !reasons.is_empty();
        let mut message = shown(&messages.join("; "));
        if message.is_empty() {
            message = reasons.join(", ");
        }
        Said { vendor, message, reasons: reasons.iter().map(|r| r.to_uppercase()).collect() }
    }
}

fn shown(text: &str) -> String {
    let mut words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((at, _)) = words.char_indices().nth(SHOWN_CHARS) {
        words.truncate(at);
        words.push('…');
    }
    words
}

/// What a failure means, before it is said as an error of reading or writing.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// Not done; the vendor asks for quiet.
    Busy(u64),
    /// Not done; the way there or the key is wrong.
    Locked(u64),
    /// Not done, and there is nothing by that name.
    Gone,
    /// Not done, for the target is not what we said it was.
    Changed,
    /// Not done, and it will not be.
    Refused,
    /// May be done.
    Unknown,
}

fn verdict(answer: &Answer, said: &Said) -> Verdict {
    let asked = |otherwise: u64| answer.retry_after_ms.unwrap_or(otherwise).min(LONGEST_MS);
    let names = |word: &str| said.reasons.iter().any(|r| r.contains(word));
    match answer.status {
        429 if names("DAILY") => Verdict::Busy(asked(DAILY_MS)),
        429 => Verdict::Busy(asked(SHORT_WINDOW_MS)),
        403 if names("DAILYLIMITEXCEEDED") || names("QUOTAEXCEEDED") => Verdict::Busy(asked(DAILY_MS)),
        403 if names("RATELIMITEXCEEDED") => Verdict::Busy(asked(SHORT_WINDOW_MS)),
        423 => Verdict::Busy(asked(LOCKED_MS).max(LOCKED_MS)),
        477 => Verdict::Busy(asked(DOWN_MS)),
        // A gateway may say 503 after it has passed the request on; the vendor itself says it before it begins.
        503 if said.vendor || answer.retry_after_ms.is_some() => Verdict::Busy(asked(DOWN_MS)),
        401 => Verdict::Locked(REPAIR_MS),
        403 if said.vendor => Verdict::Refused,
        408 => Verdict::Unknown,
        // Nobody's API answers in pages: something between us and the vendor did, and passed nothing on.
        300..=499 if !said.vendor => Verdict::Locked(REPAIR_MS),
        404 | 410 => Verdict::Gone,
        412 => Verdict::Changed,
        400..=499 => Verdict::Refused,
        _ => Verdict::Unknown,
    }
}

/// What `answer`, which is no yes, means for a write.
#[must_use]
pub fn write_error(answer: &Answer) -> WriteError {
    let said = answer.said();
    let problem = format!("HTTP {}: {}", answer.status, said.message);
    match verdict(answer, &said) {
        Verdict::Busy(wait_ms) => WriteError::NotDone { problem, wait_ms },
        Verdict::Locked(wait_ms) => {
            let problem = format!("{problem}; check the key, its rights and the address");
            WriteError::NotDone { problem, wait_ms }
        }
        Verdict::Gone | Verdict::Changed => WriteError::TargetChanged { problem },
        Verdict::Refused => WriteError::Refused { problem },
        Verdict::Unknown => WriteError::Unknown { problem },
    }
}

/// What `answer`, which is no yes, means for a read.
#[must_use]
pub fn read_error(system: &str, answer: &Answer) -> ReadError {
    let said = answer.said();
    let (system, problem) = (system.to_owned(), format!("HTTP {}: {}", answer.status, said.message));
    match (answer.status, verdict(answer, &said)) {
        (500.., Verdict::Unknown) | (408, _) => ReadError::Unreachable { system, problem },
        (_, Verdict::Busy(wait_ms)) => ReadError::Busy { system, wait_ms },
        (401 | 403, _) => ReadError::Forbidden { system, problem },
        _ => ReadError::Odd { system, problem },
    }
}

/// How long the vendor wants nothing more from us, in ms, if it said so.
pub(super) fn pause_ms(answer: &Answer) -> Option<u64> {
    match verdict(answer, &answer.said()) {
        // A locked record is that record's matter, not ours.
        Verdict::Busy(wait_ms) if answer.status != 423 => Some(wait_ms),
        _ => None,
    }
}

/// What no answer means for a write.
#[must_use]
pub fn write_without_answer(broken: &Broken) -> WriteError {
    match broken {
        Broken::NeverLeft(problem) => WriteError::NotDone { problem: problem.clone(), wait_ms: LOCKED_MS },
        Broken::Lost(problem) => WriteError::Unknown { problem: problem.clone() },
    }
}

/// What it means for a write that something had to be read first and could not: nothing was sent.
#[must_use]
pub fn write_without_read(error: &ReadError) -> WriteError {
    let problem = error.to_string();
    match error {
        ReadError::Busy { wait_ms, .. } => WriteError::NotDone { problem, wait_ms: *wait_ms },
        ReadError::Forbidden { .. } => WriteError::NotDone { problem, wait_ms: REPAIR_MS },
        _ => WriteError::NotDone { problem, wait_ms: LOCKED_MS },
    }
}

/// What an error of `ureq` says about how far the request came.
pub(super) fn broken(error: &ureq::Error) -> Broken {
    use std::io::ErrorKind;
    let problem = error.to_string();
    let never = match error {
        ureq::Error::HostNotFound
        | ureq::Error::ConnectionFailed
        | ureq::Error::BadUri(_)
        | ureq::Error::Http(_)
        | ureq::Error::InvalidProxyUrl
        | ureq::Error::ConnectProxyFailed(_)
        | ureq::Error::TlsRequired
        | ureq::Error::RequireHttpsOnly(_)
        | ureq::Error::Timeout(ureq::Timeout::Resolve | ureq::Timeout::Connect) => true,
        ureq::Error::Io(io) => {
            let kinds = [ErrorKind::ConnectionRefused, ErrorKind::HostUnreachable, ErrorKind::NetworkUnreachable];
            kinds.contains(&io.kind())
        }
        _ => false,
    };
    if never { Broken::NeverLeft(problem) } else { Broken::Lost(problem) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, retry_after_ms: Option<u64>, body: &str) -> Answer {
        Answer { status, retry_after_ms, body: Ok(body.as_bytes().to_vec()) }
    }

    #[test]
    fn the_table() {
        const HUB: &str = r#"{"status":"error","message":"no","category":"VALIDATION_ERROR"}"#;
        const DAILY: &str = r#"{"message":"x","policyName":"DAILY"}"#;
        const TEN: &str =
            r#"{"message":"You have reached your ten_secondly_rolling limit.","policyName":"TEN_SECONDLY_ROLLING"}"#;
        const RATE: &str = r#"{"error":{"code":403,"message":"slow","errors":[{"domain":"usageLimits","reason":"userRateLimitExceeded"}]}}"#;
        const SCOPE: &str = r#"{"error":{"code":403,"message":"no scope","status":"PERMISSION_DENIED"}}"#;
        const PAGE: &str = "<html><h1>Sorry</h1></html>";
        for (status, retry_after_ms, body, kind, wait) in [
            (400, None, HUB, "refused", 0),
            (400, None, PAGE, "not done", REPAIR_MS),
            (401, None, HUB, "not done", REPAIR_MS),
            (403, None, RATE, "not done", SHORT_WINDOW_MS),
            (403, None, SCOPE, "refused", 0),
            (403, None, PAGE, "not done", REPAIR_MS),
            (404, None, HUB, "changed", 0),
            (404, None, PAGE, "not done", REPAIR_MS),
            (408, None, "", "unknown", 0),
            (409, None, HUB, "refused", 0),
            (412, None, HUB, "changed", 0),
            (423, None, HUB, "not done", LOCKED_MS),
            (423, Some(100), HUB, "not done", LOCKED_MS),
            (429, None, TEN, "not done", SHORT_WINDOW_MS),
            (429, None, DAILY, "not done", DAILY_MS),
            (429, Some(3_000), PAGE, "not done", 3_000),
            (477, Some(LONGEST_MS * 9), "{}", "not done", LONGEST_MS),
            (500, None, HUB, "unknown", 0),
            (502, None, PAGE, "unknown", 0),
            (503, None, HUB, "not done", DOWN_MS),
            (503, Some(7_000), "", "not done", 7_000),
            (503, None, PAGE, "unknown", 0),
            (504, None, "", "unknown", 0),
            (524, None, PAGE, "unknown", 0),
            (302, None, "", "not done", REPAIR_MS),
        ] {
            let error = write_error(&answer(status, retry_after_ms, body));
            let is = match &error {
                WriteError::NotDone { wait_ms, .. } => ("not done", *wait_ms),
                WriteError::Unknown { .. } => ("unknown", 0),
                WriteError::TargetChanged { .. } => ("changed", 0),
                WriteError::Refused { .. } => ("refused", 0),
                _ => ("?", 0),
            };
            assert_eq!(is, (kind, wait), "{status} {body}: {error}");
        }
    }

    #[test]
    fn error_bodies_may_lack_anything() {
        for (body, message) in [
            (r#"{"message":"A","errors":[{"message":"B","code":"C"},{}]}"#, "A; B"),
            (r#"{"error":"invalid_grant","error_description":"expired"}"#, "expired"),
            (r#"{"error":"invalid_grant"}"#, "invalid_grant"),
            (r#"{"category":"CONFLICT"}"#, "CONFLICT"),
            (r#"{"errors":"none"}"#, ""),
            ("[]", "[]"),
            ("<b>x</b>", "<b>x</b>"),
        ] {
            assert_eq!(answer(400, None, body).said().message, message, "{body}");
        }
        let cut = Answer { status: 500, retry_after_ms: None, body: Err("cut off".into()) };
        assert_eq!(cut.said().message, "cut off");
        assert_eq!(shown(&"ü".repeat(300)).chars().count(), SHOWN_CHARS + 1);
    }

    #[test]
    fn reads_say_who_must_act() {
        let kind = |status, body: &str| read_error("hubspot", &answer(status, None, body));
        assert!(matches!(kind(401, "{}"), ReadError::Forbidden { .. }));
        assert!(matches!(kind(429, "{}"), ReadError::Busy { wait_ms: SHORT_WINDOW_MS, .. }));
        assert!(matches!(kind(502, "<html>"), ReadError::Unreachable { .. }));
        assert!(matches!(kind(400, r#"{"message":"x"}"#), ReadError::Odd { .. }));
    }
}
