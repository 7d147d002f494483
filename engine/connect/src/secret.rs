//! Keys and tokens: taken from the environment by name, and never shown.

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
        let error = Secret::from_env("REFRAME_NO_SUCH_VARIABLE").unwrap_err();
        assert!(error.to_string().contains("REFRAME_NO_SUCH_VARIABLE is not set"));
    }
}
