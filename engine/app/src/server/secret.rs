//! Tokens that survive a restart: derived from one secret in the data folder, so that a screen or a bot can come back.

use std::{io::Write, path::Path};

use anyhow::{Context, bail};
use hmac::{Hmac, Mac};
use rand::TryRngCore;
use reframe_serve::Token;
use sha2::{Digest, Sha256};

/// Bytes of the secret: as many as HMAC-SHA-256 has security for.
const SECRET_BYTES: usize = 32;

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

    fn random() -> anyhow::Result<Self> {
        let mut bytes = [0; SECRET_BYTES];
        rand::rngs::OsRng.try_fill_bytes(&mut bytes).context("the system gives no random numbers")?;
        Ok(Self(bytes))
    }

    /// The token of a call's screens.
    #[must_use]
    pub fn screen_token(&self, call: &str) -> Token {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(b"reframe screen 1:");
        mac.update(call.as_bytes());
        Token::new(hex(&mac.finalize().into_bytes()[..16]))
    }
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

    #[test]
    fn tokens_survive_a_restart_and_differ_by_call() {
        let dir = tempfile::tempdir().unwrap();
        let first = Secret::load(dir.path()).unwrap();
        let again = Secret::load(dir.path()).unwrap();
        assert_eq!(first.screen_token("a").reveal(), again.screen_token("a").reveal());
        assert_ne!(first.screen_token("a").reveal(), first.screen_token("b").reveal());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(dir.path().join("secret")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_damaged_secret_is_not_used() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("secret"), b"short").unwrap();
        let error = Secret::load(dir.path()).err().unwrap().to_string();
        assert!(error.contains("5 bytes") && error.contains("remove it"), "{error}");
    }
}
