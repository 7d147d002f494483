//! A person as records name them: an e-mail address or a name, spelled one way.

use serde::{Deserialize, Serialize};

/// Longest spelling of a person, in characters; the ingest takes no longer names either.
const MAX_CHARS: usize = 200;

/// An e-mail address, or the name of somebody whose address nobody knows; lower case, single spaces. An address tells one
/// person from all others; a name does so only within one call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Person(String);

/// Why a text names nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("name a person by an e-mail address or a name of 1 to {MAX_CHARS} characters")]
pub struct BadPerson;

impl Person {
    /// Takes an e-mail address or a name.
    ///
    /// # Errors
    /// [`BadPerson`] if it is empty, too long, or holds control characters.
    pub fn new(text: &str) -> Result<Self, BadPerson> {
        let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
        let spelled = words.join(" ");
        let fits =
            !spelled.is_empty() && spelled.chars().count() <= MAX_CHARS && !spelled.chars().any(char::is_control);
        if fits { Ok(Self(spelled)) } else { Err(BadPerson) }
    }

    /// The spelling.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Is it an e-mail address? Anything with an `@` between two parts counts; names have none.
    #[must_use]
    pub fn is_email(&self) -> bool {
        self.domain().is_some()
    }

    /// The part of an e-mail address after the `@`.
    #[must_use]
    pub fn domain(&self) -> Option<&str> {
        let (local, domain) = self.0.rsplit_once('@')?;
        (!local.is_empty() && !domain.is_empty() && !self.0.contains(' ')).then_some(domain)
    }
}

impl TryFrom<String> for Person {
    type Error = BadPerson;

    fn try_from(text: String) -> Result<Self, BadPerson> {
        Self::new(&text)
    }
}

impl From<Person> for String {
    fn from(person: Person) -> Self {
        person.0
    }
}

impl std::fmt::Display for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_for_one_person() {
        for (given, spelled, domain) in [
            (" Dana@Acme.Example ", "dana@acme.example", Some("acme.example")),
            ("Dana   WHITFIELD", "dana whitfield", None),
            ("@acme", "@acme", None),
            ("a b@c", "a b@c", None),
            ("Ünal", "ünal", None),
        ] {
            let person = Person::new(given).unwrap();
            assert_eq!((person.as_str(), person.domain()), (spelled, domain), "{given}");
        }
        for bad in ["", "  ", "a\u{7}b", &"x".repeat(201)] {
            assert_eq!(Person::new(bad), Err(BadPerson), "{bad:?}");
        }
        assert!(serde_json::from_str::<Person>("\"\"").is_err());
    }
}
