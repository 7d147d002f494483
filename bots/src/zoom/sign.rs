//! Signatures: ours in handshakes, Zoom's on webhooks; how old a webhook may be; and webhooks that came before. No IO.

use std::{collections::VecDeque, fmt};

use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// How far a webhook's time may be from ours, in seconds: Zoom's own rule.
pub const WINDOW_S: u64 = 300;
/// Most signatures remembered. Zoom sends a handful of webhooks per meeting; more than this within the window is a flood.
pub const MAX_SEEN: usize = 4_096;

/// A secret: compared and used, never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps it.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Nothing was given.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// HMAC-SHA256 of the parts, one after the other, in lower-case hexadecimal.
    fn hmac(&self, parts: &[&[u8]]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_bytes()).expect("HMAC takes keys of any length");
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The signature of a handshake. `meeting` is the meeting's uuid, the session's id or the engagement's id.
#[must_use]
pub fn handshake(client_id: &str, client_secret: &Secret, meeting: &str, stream: &str) -> String {
    let parts = [client_id, ",", meeting, ",", stream];
    client_secret.hmac(&parts.map(str::as_bytes))
}

/// The answer to `endpoint.url_validation`: the token, signed.
#[must_use]
pub fn validation(webhook_secret: &Secret, plain_token: &str) -> String {
    webhook_secret.hmac(&[plain_token.as_bytes()])
}

/// The signature of a webhook, as Zoom's header has it.
#[must_use]
pub fn webhook(webhook_secret: &Secret, timestamp: &str, body: &[u8]) -> String {
    format!("v0={}", webhook_secret.hmac(&[b"v0:", timestamp.as_bytes(), b":", body]))
}

/// Why a webhook was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsigned {
    /// A header is missing.
    #[error("the headers x-zm-request-timestamp and x-zm-signature must be there")]
    Missing,
    /// The time is no number.
    #[error("x-zm-request-timestamp is no number of seconds")]
    BadTimestamp,
    /// Too old, or from the future.
    #[error("x-zm-request-timestamp is more than 300 s away from the clock of this machine")]
    Late,
    /// Not Zoom's, or for another app.
    #[error("x-zm-signature does not fit; check that ZOOM_WEBHOOK_SECRET is the secret token of this app")]
    Wrong,
}

/// Checks that a webhook is Zoom's, and new. Times are seconds since 1970.
///
/// # Errors
/// [`Unsigned`] with the reason, which says what to do.
pub fn check(
    secret: &Secret,
    timestamp: Option<&str>,
    signature: Option<&str>,
    body: &[u8],
    now_s: u64,
) -> Result<(), Unsigned> {
    let (Some(timestamp), Some(signature)) = (timestamp, signature) else { return Err(Unsigned::Missing) };
    let sent: u64 = timestamp.parse().map_err(|_| Unsigned::BadTimestamp)?;
    // Some of Zoom's services count milliseconds: no time in seconds reaches 10^11 before the year 5138.
    let sent = if sent > 100_000_000_000 { sent / 1_000 } else { sent };
    // The signature first: whoever does not know the secret learns nothing, not even about our clock.
    let wanted = webhook(secret, timestamp, body);
    if !bool::from(wanted.as_bytes().ct_eq(signature.as_bytes())) {
        return Err(Unsigned::Wrong);
    }
    if sent.abs_diff(now_s) > WINDOW_S {
        return Err(Unsigned::Late);
    }
    Ok(())
}

/// Signatures that came within the window. Full: the oldest is forgotten.
#[derive(Debug, Default)]
pub struct Seen {
    /// In the order they came: when, in seconds, and what.
    all: VecDeque<(u64, String)>,
}

impl Seen {
    /// True if this one is new; remembers it.
    pub fn is_new(&mut self, signature: &str, now_s: u64) -> bool {
        // Twice the window: a webhook may come from up to 300 s in the future, and stays good for as long after that.
        while self.all.front().is_some_and(|(at, _)| now_s.saturating_sub(*at) > 2 * WINDOW_S) {
            self.all.pop_front();
        }
        if self.all.iter().any(|(_, known)| known == signature) {
            return false;
        }
        if self.all.len() >= MAX_SEEN {
            self.all.pop_front();
        }
        self.all.push_back((now_s, signature.to_owned()));
        true
    }

    /// Takes a signature back: what it came with was not worked on.
    pub fn forget(&mut self, signature: &str) {
        self.all.retain(|(_, known)| known != signature);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test case 2.
    #[test]
    fn the_hmac_is_the_standard_one() {
        let mac = Secret::new("Jefe").hmac(&[b"what do ya want ", b"for nothing?"]);
        assert_eq!(mac, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn the_handshake_signs_client_meeting_and_stream() {
        let secret = Secret::new("s");
        assert_eq!(handshake("id", &secret, "m==", "st"), secret.hmac(&[b"id,m==,st"]));
    }

    #[test]
    fn only_zooms_own_and_new_webhooks_are_taken() {
        let secret = Secret::new("webhook");
        let body = br#"{"event":"meeting.rtms_started"}"#;
        let good = webhook(&secret, "1700000000", body);
        let try_it =
            |time: Option<&str>, signature: Option<&str>, body: &[u8], now| check(&secret, time, signature, body, now);
        let (time, sign) = (Some("1700000000"), Some(good.as_str()));
        assert_eq!(try_it(time, sign, body, 1_700_000_000), Ok(()));
        assert_eq!(try_it(time, sign, body, 1_700_000_300), Ok(()));
        assert_eq!(try_it(time, sign, body, 1_699_999_700), Ok(()));
        assert_eq!(try_it(time, sign, body, 1_700_000_301), Err(Unsigned::Late));
        assert_eq!(try_it(time, sign, body, 1_699_999_699), Err(Unsigned::Late));
        assert_eq!(try_it(None, sign, body, 1_700_000_000), Err(Unsigned::Missing));
        assert_eq!(try_it(time, None, body, 1_700_000_000), Err(Unsigned::Missing));
        assert_eq!(try_it(Some("soon"), sign, body, 1_700_000_000), Err(Unsigned::BadTimestamp));
        assert_eq!(try_it(Some("-1"), sign, body, 1_700_000_000), Err(Unsigned::BadTimestamp));
        assert_eq!(try_it(Some("1700000001"), sign, body, 1_700_000_000), Err(Unsigned::Wrong));
        assert_eq!(try_it(time, sign, b"{}", 1_700_000_000), Err(Unsigned::Wrong));
        assert_eq!(try_it(time, Some(&good[3..]), body, 1_700_000_000), Err(Unsigned::Wrong));
        assert_eq!(try_it(time, Some(""), body, 1_700_000_000), Err(Unsigned::Wrong));
        let in_ms = webhook(&secret, "1700000000000", body);
        assert_eq!(try_it(Some("1700000000000"), Some(&in_ms), body, 1_700_000_000), Ok(()));
    }

    #[test]
    fn a_signature_is_good_once_within_the_window() {
        let mut seen = Seen::default();
        assert!(seen.is_new("a", 1_000));
        assert!(!seen.is_new("a", 1_600));
        assert!(seen.is_new("a", 1_601));
        for n in 0..2 * MAX_SEEN {
            assert!(seen.is_new(&format!("n{n}"), 1_601));
        }
        assert_eq!(seen.all.len(), MAX_SEEN);
    }

    #[test]
    fn a_secret_is_never_shown() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret(…)");
    }
}
