//! Events that another system sends: signed, fresh, and each delivery once.

use hmac::{Hmac, Mac as _};
use serde::Deserialize;
use serde_json::Value;
use sha2::Sha256;

use super::{Imported, Origin, table::object};

/// How far the timestamp of a delivery may be from now, either way: 5 minutes, in ms.
pub const WINDOW_MS: i64 = 300_000;
/// Shortest secret, in bytes (128 bits).
const LEAST_SECRET: usize = 16;
/// Largest body, in bytes.
const MOST_BODY: usize = 1 << 20;
/// Most events of one delivery.
const MOST_ROWS: usize = 1_000;

/// One request as it came in.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// Header `X-Reframe-Timestamp`: seconds since 1970-01-01 UTC.
    pub timestamp: &'a str,
    /// Header `X-Reframe-Signature`: `sha256=` and 64 hexadecimal digits, HMAC-SHA256 over `TIMESTAMP.BODY`.
    pub signature: &'a str,
    /// `{"id": "…", "events": [{…}]}`, rows named as in [`super::FIELDS`].
    pub body: &'a [u8],
}

/// Why a delivery is refused. What it says may be answered to the sender.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Our own secret is short.
    #[error("the webhook's secret has fewer than 16 bytes: set a longer one")]
    WeakSecret,
    /// Too much at once.
    #[error("the body is larger than 1 MiB: send fewer events at a time")]
    TooLarge,
    /// Not signed with our secret, or changed on the way.
    #[error("the signature does not fit: send `sha256=` and HMAC-SHA256 of `timestamp.body` in hexadecimal")]
    BadSignature,
    /// Too old or too far ahead.
    #[error("the timestamp is more than 5 minutes off: sign when you send, and set the clock")]
    NotNow,
    /// Delivered before.
    #[error("`{0}` was delivered before")]
    Replayed(String),
    /// Signed, but not in the form.
    #[error(
        "the body is not as agreed ({0}): send {{\"id\": \"…\", \"events\": [{{…}}]}}, the id in 1 to 100 characters"
    )]
    BadBody(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    id: String,
    events: Vec<Value>,
}

/// The signature of a body, as the sender has to make it.
///
/// # Errors
/// [`Refused::WeakSecret`].
pub fn sign(secret: &[u8], timestamp: &str, body: &[u8]) -> Result<String, Refused> {
    let tag = mac(secret, timestamp, body)?.finalize().into_bytes();
    Ok(format!("sha256={}", tag.iter().map(|b| format!("{b:02x}")).collect::<String>()))
}

fn mac(secret: &[u8], timestamp: &str, body: &[u8]) -> Result<Hmac<Sha256>, Refused> {
    if secret.len() < LEAST_SECRET {
        return Err(Refused::WeakSecret);
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    Ok(mac)
}

/// Checks a delivery and reads its events. `seen` says whether an id was delivered before; the caller keeps the id that
/// comes back for at least twice [`WINDOW_MS`], after the events are kept.
///
/// The signature is checked first and in constant time, so nothing unsigned is parsed.
///
/// # Errors
/// [`Refused`]; nothing is taken then. Bad rows of a good delivery are problems in [`Imported`], counted from 1.
pub fn webhook(
    secret: &[u8],
    delivery: Delivery<'_>,
    now_unix_ms: i64,
    seen: &dyn Fn(&str) -> bool,
    source: &str,
) -> Result<(String, Imported), Refused> {
    let Delivery { timestamp, signature, body } = delivery;
    if body.len() > MOST_BODY {
        return Err(Refused::TooLarge);
    }
    let sent = mac(secret, timestamp, body)?;
    let tag = signature.strip_prefix("sha256=").and_then(unhex).ok_or(Refused::BadSignature)?;
    sent.verify_slice(&tag).map_err(|_| Refused::BadSignature)?;
    let digits = (1..=12).contains(&timestamp.len()) && timestamp.bytes().all(|b| b.is_ascii_digit());
    let at = timestamp.parse::<i64>().ok().filter(|_| digits).ok_or(Refused::NotNow)? * 1_000;
    if now_unix_ms.abs_diff(at) > WINDOW_MS.unsigned_abs() {
        return Err(Refused::NotNow);
    }
    let body: Body = serde_json::from_slice(body).map_err(|e| Refused::BadBody(e.to_string()))?;
    if body.id.is_empty() || body.id.chars().count() > 100 || body.id.chars().any(char::is_control) {
        return Err(Refused::BadBody("the id".into()));
    }
    if body.events.len() > MOST_ROWS {
        return Err(Refused::BadBody(format!("more than {MOST_ROWS} events")));
    }
    if seen(&body.id) {
        return Err(Refused::Replayed(body.id));
    }
    let origin = Origin { source, received_unix_ms: now_unix_ms };
    let mut out = Imported::default();
    for (line, row) in (1..).zip(&body.events) {
        out.take(line, object(row, origin));
    }
    Ok((body.id, out))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    (0..64).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).ok()).collect()
}
