//! Keys and tokens: taken from the environment by name or from a file, and never shown.

use std::{io::Read as _, path::Path};

/// Longest file with a key, in bytes.
const MAX_FILE: u64 = 8 * 1_024;

/// A key or token. Neither `Debug` nor anything else prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// A secret that is not there, or cannot be one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the environment variable {name} {problem}")]
pub struct NoSecret {
    /// Name of the variable.
    pub name: String,
    /// What is wrong, and what to do.
    pub problem: &'static str,
}

/// A file that holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the file {path} {problem}; put the key into it, readable by this program alone")]
pub struct BadSecretFile {
    /// Its path.
    pub path: String,
    /// What is wrong. Never anything of its contents.
    pub problem: String,
}

impl Secret {
    /// Takes it from the variable `name`.
    ///
    /// # Errors
    /// [`NoSecret`] if it is not set, empty, or holds what no header may hold.
    pub fn from_env(name: &str) -> Result<Self, NoSecret> {
        let wrong = |problem| NoSecret { name: name.to_owned(), problem };
        let value = std::env::var(name).map_err(|_| wrong("is not set; set it to the key or token"))?;
        Self::new(&value).ok_or_else(|| wrong("is empty or holds spaces or control characters; set it to the bare key"))
    }

    /// Takes it from a file that holds nothing else.
    ///
    /// # Errors
    /// [`BadSecretFile`] if it cannot be read, is too long, or holds what no header may hold.
    pub fn from_file(path: &Path) -> Result<Self, BadSecretFile> {
        let bad = |problem: String| BadSecretFile { path: path.display().to_string(), problem };
        let mut text = String::new();
        let file = std::fs::File::open(path).map_err(|e| bad(format!("cannot be read ({e})")))?;
        file.take(MAX_FILE).read_to_string(&mut text).map_err(|_| bad("is no text".to_owned()))?;
        Self::new(&text).ok_or_else(|| bad("must hold the bare key and nothing else".to_owned()))
    }

    /// A secret that came another way: the answer of a token endpoint. Nothing if it is empty or holds what no header may
    /// hold.
    #[must_use]
    pub fn new(value: &str) -> Option<Self> {
        let value = value.trim();
        let clean = !value.is_empty() && value.bytes().all(|b| b.is_ascii_graphic());
        clean.then(|| Self(value.to_owned()))
    }

    /// The bare text, for a header or a form and nothing else.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_never_printed() {
        let secret = Secret::new("  pat-eu1-very-secret\n").unwrap();
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        assert_eq!(secret.expose(), "pat-eu1-very-secret");
        for bad in ["", " ", "a b", "a\r\nX: y", "ключ"] {
            assert!(Secret::new(bad).is_none(), "{bad:?}");
        }
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("key");
        std::fs::write(&file, "sk-very-secret\n").unwrap();
        assert_eq!(Secret::from_file(&file).unwrap().expose(), "sk-very-secret");
        std::fs::write(&file, "sk very secret").unwrap();
        let error = Secret::from_file(&file).unwrap_err().to_string();
        assert!(error.contains("the bare key") && !error.contains("very"), "{error}");
        assert!(Secret::from_file(&dir.path().join("none")).is_err());
        let error = Secret::from_env("REFRAME_NO_SUCH_VARIABLE").unwrap_err();
        assert!(error.to_string().contains("REFRAME_NO_SUCH_VARIABLE is not set"));
    }
}
