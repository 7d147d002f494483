//! Tokens: who may feed a call, watch it, or administer the server. Derived from one secret in the data folder instead of
//! stored, so that a restart needs no table of them; each says what it is for, for which call, and until when.

use std::{
    io::Write,
    path::Path,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, bail};
use hmac::{Hmac, Mac};
use rand::TryRngCore;
use reframe_ingest::{
    Access,
    access::{Grant, wrong_token},
    socket::protocol::{Code, Refusal},
};
use reframe_serve::Token;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Bytes of the secret: as many as HMAC-SHA-256 has security for.
const SECRET_BYTES: usize = 32;
/// Bytes kept of the HMAC: 128 bits cannot be tried over a network.
const MAC_BYTES: usize = 16;
/// A call's screens may be opened for so long after the call began, in seconds: the day of the call.
pub const SCREEN_TTL_S: u64 = 24 * 3_600;

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Feed a call with audio.
    Ingest,
    /// Watch a call and press its buttons.
    Screen,
    /// Add to the consent registry, prepare calls.
    Admin,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Ingest, Self::Screen, Self::Admin];

    /// The word at the beginning of a token.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Screen => "screen",
            Self::Admin => "admin",
        }
    }
}

/// Why a token is refused. Never says what a good one would look like.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// None, or not one of ours.
    #[error("wrong or missing token; send it as `Authorization: Bearer TOKEN`")]
    Wrong,
    /// One of ours, for something else.
    #[error(
        "this is a token for {found}, and this takes one for {wanted}; make one with `reframe token mint --kind {wanted}`"
    )]
    Kind {
        /// What it is for.
        found: &'static str,
        /// What is needed.
        wanted: &'static str,
    },
    /// One of ours, too old.
    #[error("this token expired {ago_s} s ago; ask for a new one")]
    Expired {
        /// Since when.
        ago_s: u64,
    },
    /// One of ours, for another call.
    #[error("this token is for another call; ask for one for this call")]
    Call,
}

/// The server's secret.
pub struct Secret([u8; SECRET_BYTES]);

impl Secret {
    /// Reads `dir/secret`, or makes it, readable by its owner alone.
    ///
    /// # Errors
    /// If the file cannot be read or made, or has another length.
    pub fn load(dir: &Path) -> anyhow::Result<Self> {
        let path = dir.join("secret");
        match std::fs::read(&path) {
            Ok(bytes) => match <[u8; SECRET_BYTES]>::try_from(bytes.as_slice()) {
                Ok(secret) => Ok(Self(secret)),
                Err(_) => bail!(
                    "{} has {} bytes and should have {SECRET_BYTES}; remove it to make a new one (links to open calls stop working)",
                    path.display(),
                    bytes.len()
                ),
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let secret = Self::random()?;
                write_private(&path, &secret.0).with_context(|| format!("{} cannot be written", path.display()))?;
                Ok(secret)
            }
            Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
        }
    }

    /// Bytes for digests of people who asked to be forgotten, made from the secret and telling nothing about it.
    #[must_use]
    pub fn salt(&self) -> Vec<u8> {
        use sha2::Digest as _;
        sha2::Sha256::new().chain_update(b"reframe: forgotten").chain_update(self.0).finalize().to_vec()
    }

    /// What stands at the end of the address that takes somebody's wish to get no more messages: it follows from their key
    /// and cannot be worked out without the secret.
    #[must_use]
    pub fn stop_token(&self, person: &str) -> String {
        self.mac_of(&format!("reframe stop 1\n{person}"))
    }

    fn random() -> anyhow::Result<Self> {
        let mut bytes = [0; SECRET_BYTES];
        rand::rngs::OsRng.try_fill_bytes(&mut bytes).context("the system gives no random numbers")?;
        Ok(Self(bytes))
    }

    /// Over kind, expiry and call; none of the parts can run into the next one.
    fn mac(&self, kind: Kind, expires_unix_s: u64, call: &str) -> String {
        self.mac_of(&format!("reframe token 2\n{}\n{expires_unix_s}\n{call}", kind.as_str()))
    }

    fn mac_of(&self, text: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(text.as_bytes());
        hex(&mac.finalize().into_bytes()[..MAC_BYTES])
    }
}

/// Makes and checks tokens.
pub struct Tokens {
    secret: Secret,
    /// Tokens somebody chose, good for any call and without end.
    ingest: Option<String>,
    admin: Option<String>,
}

/// A token reads `KIND.EXPIRY.MAC.CALL`; expiry in seconds since 1970-01-01 UTC, hexadecimal; the call may be empty (any).
/// Nothing in it needs escaping in an address.
impl Tokens {
    /// From the secret, and the tokens of the settings.
    #[must_use]
    pub fn new(secret: Secret, ingest: Option<String>, admin: Option<String>) -> Arc<Self> {
        Arc::new(Self { secret, ingest, admin })
    }

    /// Makes a token for `call` (any call: `None`) that is good until `expires_unix_s`. The same arguments give the same
    /// token, also after a restart.
    #[must_use]
    pub fn mint(&self, kind: Kind, call: Option<&str>, expires_unix_s: u64) -> String {
        let call = call.unwrap_or_default();
        format!("{}.{expires_unix_s:x}.{}.{call}", kind.as_str(), self.secret.mac(kind, expires_unix_s, call))
    }

    /// What `token` allows its bearer, of `kind`, now: the one call it is for, or any.
    ///
    /// # Errors
    /// [`TokenError`] says what is wrong with it.
    pub fn check(&self, kind: Kind, token: &str, now_unix_s: u64) -> Result<Option<String>, TokenError> {
        let chosen = match kind {
            Kind::Ingest => self.ingest.as_ref(),
            Kind::Admin => self.admin.as_ref(),
            Kind::Screen => None,
        };
        if chosen.is_some_and(|chosen| bool::from(chosen.as_bytes().ct_eq(token.as_bytes()))) {
            return Ok(None);
        }
        let mut parts = token.splitn(4, '.');
        let mut part = || parts.next().ok_or(TokenError::Wrong);
        let (word, expiry, mac, call) = (part()?, part()?, part()?, part()?);
        let found = Kind::ALL.into_iter().find(|k| k.as_str() == word).ok_or(TokenError::Wrong)?;
        let expires = u64::from_str_radix(expiry, 16).map_err(|_| TokenError::Wrong)?;
        // In a time that does not depend on how much of it is right; and before anything is said about it.
        if !bool::from(self.secret.mac(found, expires, call).as_bytes().ct_eq(mac.as_bytes())) {
            return Err(TokenError::Wrong);
        }
        if found != kind {
            return Err(TokenError::Kind { found: found.as_str(), wanted: kind.as_str() });
        }
        if now_unix_s >= expires {
            return Err(TokenError::Expired { ago_s: now_unix_s - expires });
        }
        Ok((!call.is_empty()).then(|| call.to_owned()))
    }

    /// As [`check`](Self::check), for one call.
    ///
    /// # Errors
    /// Also [`TokenError::Call`].
    pub fn check_for(&self, kind: Kind, token: &str, call: &str, now_unix_s: u64) -> Result<(), TokenError> {
        match self.check(kind, token, now_unix_s)? {
            Some(own) if own != call => Err(TokenError::Call),
            _ => Ok(()),
        }
    }

    /// The text of the link to a call's screens: the same for a call that began at `started_unix_ms` however often the
    /// server is restarted.
    #[must_use]
    pub fn screen(&self, call: &str, started_unix_ms: i64) -> String {
        let started = u64::try_from(started_unix_ms / 1_000).unwrap_or(0);
        self.mint(Kind::Screen, Some(call), started + SCREEN_TTL_S)
    }

    /// The check of a call's screens: any good token for them, whoever made it.
    #[must_use]
    pub fn screen_token(self: &Arc<Self>, call: &str, started_unix_ms: i64) -> Token {
        let (tokens, id) = (Arc::clone(self), call.to_owned());
        let good = move |given: &str| tokens.check_for(Kind::Screen, given, &id, now_unix_s()).is_ok();
        Token::checked(self.screen(call, started_unix_ms), Arc::new(good))
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens(…)")
    }
}

impl Access for Tokens {
    fn admit(&self, token: Option<&str>) -> Result<Grant, Refusal> {
        let token = token.filter(|t| !t.is_empty()).ok_or_else(wrong_token)?;
        match self.check(Kind::Ingest, token, now_unix_s()) {
            Ok(call) => Ok(Grant { call }),
            Err(TokenError::Wrong) => Err(wrong_token()),
            Err(error) => Err(Refusal::new(Code::Unauthorized, error.to_string())),
        }
    }
}

/// Seconds since 1970 by the machine's clock.
#[must_use]
pub fn now_unix_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// What the store keeps of a token.
#[must_use]
pub fn token_hash(token: &Token) -> String {
    hex(&Sha256::digest(token.reveal().as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> Arc<Tokens> {
        Tokens::new(Secret([7; SECRET_BYTES]), Some("chosen-ingest-token".into()), Some("chosen-admin-token".into()))
    }

    #[test]
    fn a_token_opens_what_it_was_made_for_and_nothing_else() {
        let t = tokens();
        for kind in Kind::ALL {
            let (one, any) = (t.mint(kind, Some("a.b-c"), 100), t.mint(kind, None, 100));
            assert_eq!(t.check(kind, &one, 99), Ok(Some("a.b-c".to_owned())));
            assert_eq!(t.check(kind, &any, 99), Ok(None));
            assert_eq!(t.check_for(kind, &one, "a.b-c", 99), Ok(()));
            assert_eq!(t.check_for(kind, &one, "a", 99), Err(TokenError::Call));
            assert_eq!(t.check_for(kind, &any, "a", 99), Ok(()));
            assert_eq!(t.check(kind, &one, 100), Err(TokenError::Expired { ago_s: 0 }));
            for other in Kind::ALL.into_iter().filter(|k| *k != kind) {
                let error = t.check(other, &one, 99).unwrap_err();
                assert_eq!(error, TokenError::Kind { found: kind.as_str(), wanted: other.as_str() });
                assert!(error.to_string().contains(other.as_str()), "{error}");
            }
        }
    }

    #[test]
    fn no_part_of_a_token_can_be_changed() {
        let t = tokens();
        let token = t.mint(Kind::Ingest, Some("call"), 0x100);
        for at in 0..token.len() {
            for put in *b"0aZ." {
                let mut bytes = token.clone().into_bytes();
                if std::mem::replace(&mut bytes[at], put) != put {
                    let changed = String::from_utf8(bytes).unwrap();
                    assert!(t.check(Kind::Ingest, &changed, 1).is_err(), "{changed}");
                }
            }
            assert_eq!(t.check(Kind::Ingest, &token[..at], 1), Err(TokenError::Wrong));
        }
        // One made with another secret; and parts moved over a border.
        let other = Tokens::new(Secret([8; SECRET_BYTES]), None, None);
        assert_eq!(other.check(Kind::Ingest, &token, 1), Err(TokenError::Wrong));
        assert_eq!(t.check(Kind::Ingest, &format!("{token}x"), 1), Err(TokenError::Wrong));
        for nonsense in ["", ".", "...", "ingest.", "ingest.zz.x.y", "ingest.-1.x.y", "admin.100..", "é.1.2.3"] {
            assert_eq!(t.check(Kind::Ingest, nonsense, 1), Err(TokenError::Wrong), "{nonsense}");
        }
    }

    #[test]
    fn chosen_tokens_open_their_own_door_only() {
        let t = tokens();
        assert_eq!(t.check(Kind::Ingest, "chosen-ingest-token", u64::MAX), Ok(None));
        assert_eq!(t.check(Kind::Admin, "chosen-admin-token", u64::MAX), Ok(None));
        assert!(t.check(Kind::Admin, "chosen-ingest-token", 0).is_err());
        assert!(t.check(Kind::Screen, "chosen-ingest-token", 0).is_err());
        assert!(t.check(Kind::Ingest, "chosen-admin-token", 0).is_err());
        assert!(t.check(Kind::Ingest, "chosen-ingest-toke", 0).is_err());
        assert!(t.admit(Some("")).is_err() && t.admit(None).is_err());
        assert_eq!(t.admit(Some("chosen-ingest-token")).unwrap(), Grant::default());
        let expired = t.admit(Some(&t.mint(Kind::Ingest, None, 1))).unwrap_err();
        assert!(expired.message.contains("expired"), "{expired}");
        assert!(!format!("{t:?}").contains("chosen"));
    }

    #[test]
    fn a_calls_link_stays_the_same_and_ends_with_its_day() {
        let t = tokens();
        let link = t.screen("a", 1_000_000);
        assert_eq!(link, t.screen("a", 1_000_999));
        assert_ne!(link, t.screen("b", 1_000_000));
        assert_eq!(t.check(Kind::Screen, &link, 1_000 + SCREEN_TTL_S - 1), Ok(Some("a".into())));
        assert!(matches!(t.check(Kind::Screen, &link, 1_000 + SCREEN_TTL_S), Err(TokenError::Expired { .. })));
        let now_ms = i64::try_from(now_unix_s()).unwrap() * 1_000;
        let token = t.screen_token("a", now_ms);
        assert!(token.matches(token.reveal()));
        assert!(token.matches(&t.mint(Kind::Screen, Some("a"), now_unix_s() + 60)), "any good token for the call");
        assert!(!token.matches(&t.mint(Kind::Screen, Some("b"), now_unix_s() + 60)));
        assert!(!token.matches(&t.mint(Kind::Ingest, Some("a"), now_unix_s() + 60)));
        let old = t.screen_token("a", 0);
        assert!(!old.matches(old.reveal()), "a link of another day");
    }

    #[test]
    fn the_secret_survives_a_restart_and_is_its_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let make = || Tokens::new(Secret::load(dir.path()).unwrap(), None, None).screen("a", 0);
        assert_eq!(make(), make());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(dir.path().join("secret")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_stop_token_follows_from_person_and_secret_and_opens_nothing() {
        let (one, other) = (Secret([7; SECRET_BYTES]), Secret([8; SECRET_BYTES]));
        let token = one.stop_token("mail:dana@acme.example");
        assert_eq!(token, one.stop_token("mail:dana@acme.example"));
        assert_ne!(token, one.stop_token("mail:bo@acme.example"));
        assert_ne!(token, other.stop_token("mail:dana@acme.example"));
        assert_eq!(token.len(), 2 * MAC_BYTES);
        assert!(!hex(&Sha256::digest(b"mail:dana@acme.example")).contains(&token));
        assert_eq!(tokens().check(Kind::Admin, &token, 0), Err(TokenError::Wrong));
    }

    #[test]
    fn a_damaged_secret_is_not_used() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("secret"), b"short").unwrap();
        let error = Secret::load(dir.path()).err().unwrap().to_string();
        assert!(error.contains("5 bytes") && error.contains("remove it"), "{error}");
    }
}
