//! One line of the consent registry: somebody agreed, or took it back. Lines are only ever added.

use serde::{Deserialize, Serialize};

use crate::person::Person;

/// Longest method and proof, in characters.
const MAX_CHARS: usize = 500;

/// What a record covers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Scope {
    /// Every call.
    AllCalls,
    /// The call of this id.
    Call(String),
    /// One participant of a call, by track: what a bot says of somebody whose e-mail address it does not know. Another
    /// participant of the same name is not covered.
    Track(String, u16),
}

/// Why a record cannot be taken. The message says what to give instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadRecord {
    /// A scope that is none.
    #[error("a scope is `*` (all calls), `call:ID` or `call:ID/track:N`")]
    Scope,
    /// A name for all calls.
    #[error("a name alone may be anybody's: give an e-mail address, or name the call")]
    NameForAllCalls,
    /// Nothing says how consent was given.
    #[error(
        "say how it was given or withdrawn (method: verbal, platform, contract, written …), in 1 to {MAX_CHARS} characters"
    )]
    Method,
    /// Too long, or not plain text.
    #[error("{0} must be plain text of at most {MAX_CHARS} characters")]
    Text(&'static str),
}

impl Scope {
    /// Does it cover this participant of this call?
    #[must_use]
    pub fn covers(&self, call: &str, track: Option<u16>) -> bool {
        match self {
            Self::AllCalls => true,
            Self::Call(id) => id == call,
            Self::Track(id, number) => id == call && track == Some(*number),
        }
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AllCalls => f.write_str("*"),
            Self::Call(id) => write!(f, "call:{id}"),
            Self::Track(id, track) => write!(f, "call:{id}/track:{track}"),
        }
    }
}

impl std::str::FromStr for Scope {
    type Err = BadRecord;

    fn from_str(text: &str) -> Result<Self, BadRecord> {
        if text == "*" {
            return Ok(Self::AllCalls);
        }
        let rest = text.strip_prefix("call:").ok_or(BadRecord::Scope)?;
        let (call, track) = match rest.split_once("/track:") {
            Some((call, track)) => (call, Some(track.parse().map_err(|_| BadRecord::Scope)?)),
            None => (rest, None),
        };
        // The characters of a call id in the store.
        let fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if call.is_empty() || call.len() > 128 || !call.chars().all(fine) {
            return Err(BadRecord::Scope);
        }
        Ok(match track {
            Some(track) => Self::Track(call.to_owned(), track),
            None => Self::Call(call.to_owned()),
        })
    }
}

impl TryFrom<String> for Scope {
    type Error = BadRecord;

    fn try_from(text: String) -> Result<Self, BadRecord> {
        text.parse()
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.to_string()
    }
}

/// A record before the store has numbered it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewRecord {
    /// Who.
    pub person: Person,
    /// For which calls.
    pub scope: Scope,
    /// Where the person was, as an ISO 3166 code (`US-CA`, `DE`), if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jurisdiction: Option<String>,
    /// How: `verbal`, `platform` (the meeting platform asked), `contract`, `written` … For a withdrawal: how we learnt it.
    pub method: String,
    /// Where the proof lies: a meeting's number, a document, a moment in a recording. May be empty.
    #[serde(default)]
    pub proof: String,
    /// When it was given, in ms since 1970-01-01 UTC; for a withdrawal the same as `withdrawn_unix_ms`.
    pub given_unix_ms: i64,
    /// `Some`: this record takes back what earlier ones gave, from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn_unix_ms: Option<i64>,
}

impl NewRecord {
    /// Whether it may be added to the registry.
    ///
    /// # Errors
    /// [`BadRecord`] says what to change.
    pub fn check(&self) -> Result<(), BadRecord> {
        let plain = |text: &str| text.chars().count() <= MAX_CHARS && !text.chars().any(char::is_control);
        // Taking back too much only ever silences us.
        if self.withdrawn_unix_ms.is_none() && self.scope == Scope::AllCalls && !self.person.is_email() {
            return Err(BadRecord::NameForAllCalls);
        }
        if self.method.trim().is_empty() || !plain(&self.method) {
            return Err(BadRecord::Method);
        }
        if !plain(&self.proof) {
            return Err(BadRecord::Text("proof"));
        }
        if !self.jurisdiction.as_deref().is_none_or(|j| plain(j) && j.len() <= 16) {
            return Err(BadRecord::Text("jurisdiction"));
        }
        Ok(())
    }
}

/// A record as it stands in the registry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentRecord {
    /// Its number: later records have higher ones, and the last word counts.
    pub id: u64,
    /// What it says.
    #[serde(flatten)]
    pub says: NewRecord,
}

impl ConsentRecord {
    /// Does it take consent back?
    #[must_use]
    pub const fn is_withdrawal(&self) -> bool {
        self.says.withdrawn_unix_ms.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_have_one_spelling_each() {
        for (text, scope) in [
            ("*", Scope::AllCalls),
            ("call:acme-1", Scope::Call("acme-1".into())),
            ("call:a.b/track:3", Scope::Track("a.b".into(), 3)),
        ] {
            assert_eq!(text.parse::<Scope>().unwrap(), scope);
            assert_eq!(scope.to_string(), text);
        }
        for bad in ["", "all", "call:", "call:a b", "call:a/track:", "call:a/track:-1", "call:a/track:70000", "call:ä"]
        {
            assert_eq!(bad.parse::<Scope>(), Err(BadRecord::Scope), "{bad}");
        }
    }

    #[test]
    fn a_record_that_could_mean_anybody_or_nothing_is_refused() {
        let good = NewRecord {
            person: Person::new("dana@acme.example").unwrap(),
            scope: Scope::AllCalls,
            jurisdiction: Some("US-CA".into()),
            method: "contract".into(),
            proof: "§ 4".into(),
            given_unix_ms: 1,
            withdrawn_unix_ms: None,
        };
        good.check().unwrap();
        let named = NewRecord { person: Person::new("Dana").unwrap(), ..good.clone() };
        assert_eq!(named.check(), Err(BadRecord::NameForAllCalls));
        NewRecord { withdrawn_unix_ms: Some(1), ..named.clone() }.check().unwrap();
        NewRecord { scope: Scope::Call("a".into()), ..named }.check().unwrap();
        assert_eq!(NewRecord { method: " ".into(), ..good.clone() }.check(), Err(BadRecord::Method));
        assert_eq!(NewRecord { proof: "x".repeat(501), ..good.clone() }.check(), Err(BadRecord::Text("proof")));
        let json = serde_json::to_string(&ConsentRecord { id: 7, says: good.clone() }).unwrap();
        assert_eq!(serde_json::from_str::<ConsentRecord>(&json).unwrap().says, good);
        assert!(json.contains("\"scope\":\"*\""), "{json}");
    }
}
