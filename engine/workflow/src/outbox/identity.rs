//! Who the program is when it writes: an identity of its own, with a list of what it may do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::gate::Action;

/// One thing an identity may do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Right {
    /// System it holds in: `hubspot`.
    pub system: String,
    /// Name of the action ([`Action::name`]): `create_note`.
    pub action: String,
}

/// An identity of the program; never a person's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Its name, as the audit log has it: `reframe-writer`.
    pub name: String,
    /// All it may do; what is not named here it may not.
    pub rights: Vec<Right>,
    /// Since when it may do nothing at all, in ms since 1970-01-01 UTC.
    pub revoked_unix_ms: Option<i64>,
}

impl Service {
    /// An identity that may do these actions in these systems.
    #[must_use]
    pub fn new(name: impl Into<String>, rights: &[(&str, &[&str])]) -> Self {
        let rights = rights.iter().flat_map(|(system, actions)| {
            actions.iter().map(|action| Right { system: (*system).to_owned(), action: (*action).to_owned() })
        });
        Self { name: name.into(), rights: rights.collect(), revoked_unix_ms: None }
    }

    /// Whether it may do this there now.
    #[must_use]
    pub fn may(&self, system: &str, action: &Action) -> bool {
        let listed = self.rights.iter().any(|r| r.system == system && r.action == action.name());
        listed && self.revoked_unix_ms.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::{RecordKind, RecordRef};

    #[test]
    fn what_is_not_listed_is_not_allowed_and_after_revocation_nothing_is() {
        let about = RecordRef { system: "hubspot".into(), kind: RecordKind::Deal, id: "1".into() };
        let note = Action::CreateNote { about: about.clone(), body: "x".into(), at_unix_ms: 0 };
        let field = Action::UpdateField { record: about, field: "stage".into(), before: None, after: Some("a".into()) };
        let service = Service::new("w", &[("hubspot", &["create_note"]), ("local", &["update_field"])]);
        assert!(service.may("hubspot", &note));
        assert!(!service.may("hubspot", &field));
        assert!(service.may("local", &field));
        assert!(!service.may("gmail", &note));
        let revoked = Service { revoked_unix_ms: Some(5), ..service };
        assert!(!revoked.may("hubspot", &note) && !revoked.may("local", &field));
    }
}
