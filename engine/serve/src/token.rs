//! The secret that lets a browser watch one call.

use std::sync::Arc;

use rand::{TryRngCore, rngs::OsRng};
use subtle::ConstantTimeEq;

/// Shortest token accepted, in bytes: 16 random hex digits would be 64 bits, more than can be tried over a network.
pub const MIN_TOKEN_BYTES: usize = 16;

/// Says whether a token lets a browser in now. Must take as long for a near miss as for a far one.
pub type TokenCheck = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// A call's secret. Never printed: `Debug` shows dots.
#[derive(Clone)]
pub struct Token {
    text: String,
    check: Option<TokenCheck>,
}

impl Token {
    /// A new one: 128 random bits from the operating system, as 32 hex digits.
    ///
    /// # Panics
    /// If the operating system gives no random numbers; nothing secret can be done then.
    #[must_use]
    pub fn generate() -> Self {
        let mut bytes = [0u8; 16];
        OsRng.try_fill_bytes(&mut bytes).expect("the operating system gives random numbers");
        Self::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    }

    /// A token made elsewhere. [`open_call`](crate::Hub::open_call) refuses one shorter than [`MIN_TOKEN_BYTES`].
    #[must_use]
    pub fn new(token: impl Into<String>) -> Self {
        Self { text: token.into(), check: None }
    }

    /// A token for links, where `check` decides what is good: tokens that expire, or several for one call.
    #[must_use]
    pub fn checked(token: impl Into<String>, check: TokenCheck) -> Self {
        Self { text: token.into(), check: Some(check) }
    }

    /// The secret itself, for the link handed to the rep. Keep it out of logs.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// Whether `given` is this token, or passes its check, in a time that does not depend on how much of it is right.
    #[must_use]
    pub fn matches(&self, given: &str) -> bool {
        match &self.check {
            Some(check) => check(given),
            None => self.text.as_bytes().ct_eq(given.as_bytes()).into(),
        }
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// The link to hand to the rep. Call and token stand in the fragment, which browsers never send to a server.
/// `base` is like `http://127.0.0.1:7300`.
#[must_use]
pub fn overlay_link(base: &str, call: &str, token: &Token) -> String {
    format!("{}/overlay#call={call}&token={}", base.trim_end_matches('/'), token.reveal())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_match_themselves_and_hide() {
        let (a, b) = (Token::generate(), Token::generate());
        assert!(a.matches(a.reveal()) && !a.matches(b.reveal()) && !a.matches(""));
        assert_eq!(a.reveal().len(), 32);
        assert!(!format!("{a:?}").contains(a.reveal()));
        let checked = Token::checked("link", Arc::new(|given| given == "other"));
        assert!(checked.matches("other") && !checked.matches("link") && checked.reveal() == "link");
    }
}
