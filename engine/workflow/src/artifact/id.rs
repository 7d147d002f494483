//! Names that follow from contents.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// SHA-256 of some bytes, written as 64 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Digest(String);

/// A text that is no id of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no id: {1}")]
pub struct BadId(pub String, pub &'static str);

impl Digest {
    /// Of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect())
    }

    /// The 64 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Digest {
    type Error = BadId;

    fn try_from(text: String) -> Result<Self, BadId> {
        let hex = text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if text.len() == 64 && hex { Ok(Self(text)) } else { Err(BadId(text, "write 64 digits 0-9 a-f")) }
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.0
    }
}

/// Kind and first 24 hexadecimal digits of a digest (96 bits): `note_proposal-3fa2…`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct ArtifactId(String);

/// Digits of a digest that stand in an id.
const DIGITS: usize = 24;

impl ArtifactId {
    /// Of something of this kind with these contents.
    #[must_use]
    pub fn of(kind: &str, contents: &[u8]) -> Self {
        Self(format!("{kind}-{}", &Digest::of(contents).0[..DIGITS]))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The word before the digits.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.0.rsplit_once('-').map_or("", |(kind, _)| kind)
    }
}

impl std::fmt::Display for ArtifactId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ArtifactId {
    type Error = BadId;

    fn try_from(text: String) -> Result<Self, BadId> {
        let fits = text.rsplit_once('-').is_some_and(|(kind, hex)| {
            let word = !kind.is_empty() && kind.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            word && hex.len() == DIGITS && hex.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase())
        });
        if fits {
            Ok(Self(text))
        } else {
            Err(BadId(text, "write kind-digits, like note_proposal-0123456789abcdef01234567"))
        }
    }
}

impl std::str::FromStr for ArtifactId {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        text.to_owned().try_into()
    }
}

impl From<ArtifactId> for String {
    fn from(id: ArtifactId) -> Self {
        id.0
    }
}

/// The one JSON text of a value: members of objects in order of their names, no spaces. What is signed, hashed and
/// approved is this.
///
/// # Panics
/// If the value has no JSON form (a map whose keys are no strings): a fault in our types.
#[must_use]
pub fn canonical(value: &impl Serialize) -> Vec<u8> {
    // `serde_json::Value` keeps its objects in a `BTreeMap`, hence in order.
    let value = serde_json::to_value(value).expect("our types have a JSON form");
    serde_json::to_vec(&value).expect("a JSON value can be written")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_members_does_not_matter() {
        #[derive(Serialize)]
        struct A {
            b: u8,
            a: u8,
        }
        #[derive(Serialize)]
        struct B {
            a: u8,
            b: u8,
        }
        assert_eq!(canonical(&A { b: 1, a: 2 }), canonical(&B { a: 2, b: 1 }));
        assert_eq!(canonical(&B { a: 2, b: 1 }), br#"{"a":2,"b":1}"#);
    }

    #[test]
    fn only_ids_are_ids() {
        let id = ArtifactId::of("draft", b"x");
        assert_eq!(id.as_str().parse::<ArtifactId>().unwrap(), id);
        assert_eq!(id.kind(), "draft");
        for bad in ["", "draft", "draft-12", "Draft-0123456789abcdef01234567", "draft-0123456789ABCDEF01234567"] {
            assert!(bad.parse::<ArtifactId>().is_err(), "{bad}");
        }
        assert!(Digest::try_from("00".to_owned()).is_err());
    }
}
