//! Who may see a debrief, and from when: the seller at once, their manager when the seller says so or time is up.

use reframe_consent::Person;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// What somebody is to the seller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The seller themselves, or another one: the name decides.
    Seller,
    /// The seller's manager.
    Manager,
    /// Anybody else.
    Other,
}

/// Somebody who would like to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// Who.
    pub person: Person,
    /// What they are to the seller.
    pub role: Role,
}

/// Why somebody may not look. Whoever refuses writes it to the audit log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Denied {
    /// The seller has not released it yet.
    #[error("the seller sees it first; it opens when they release it, or at {opens_unix_ms} (unix ms)")]
    NotYet {
        /// When it opens by itself.
        opens_unix_ms: i64,
    },
    /// It is none of their business.
    #[error("a debrief is seen by its seller and, later, by the seller's manager")]
    Never,
}

/// Only the seller may release a debrief.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("only the seller whose call it was may release a debrief")]
pub struct NotYours;

/// Whether a debrief was released.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// Whose call it was.
    #[schemars(with = "String")]
    seller: Person,
    /// When the debrief was made, and lay ready for the seller, in ms since 1970-01-01 UTC.
    made_unix_ms: i64,
    /// When it opens by itself.
    opens_unix_ms: i64,
    /// When the seller released it.
    released_unix_ms: Option<i64>,
}

impl Release {
    /// Of a debrief made at a time, under a rubric that opens it after so many days (at least one).
    #[must_use]
    pub fn new(seller: Person, made_unix_ms: i64, manager_after_days: u32) -> Self {
        let wait = i64::from(manager_after_days.max(1)) * DAY_MS;
        Self { seller, made_unix_ms, opens_unix_ms: made_unix_ms.saturating_add(wait), released_unix_ms: None }
    }

    /// The seller lets the manager see it. A second time changes nothing.
    ///
    /// # Errors
    /// [`NotYours`] for anybody but the seller.
    pub fn release(self, by: &Person, at_unix_ms: i64) -> Result<Self, NotYours> {
        if *by != self.seller {
            return Err(NotYours);
        }
        let released_unix_ms = Some(self.released_unix_ms.unwrap_or(at_unix_ms).max(self.made_unix_ms));
        Ok(Self { released_unix_ms, ..self })
    }

    /// Whether somebody may see it at a time.
    ///
    /// # Errors
    /// [`Denied`].
    pub fn visible_to(&self, viewer: &Viewer, now_unix_ms: i64) -> Result<(), Denied> {
        match viewer.role {
            _ if viewer.person == self.seller => Ok(()),
            Role::Manager => {
                let released = self.released_unix_ms.is_some_and(|at| now_unix_ms >= at);
                if released || now_unix_ms >= self.opens_unix_ms {
                    Ok(())
                } else {
                    Err(Denied::NotYet { opens_unix_ms: self.opens_unix_ms })
                }
            }
            Role::Seller | Role::Other => Err(Denied::Never),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seller_sees_it_first() {
        let person = |name: &str| Person::new(name).unwrap();
        let viewer = |name: &str, role| Viewer { person: person(name), role };
        let made = 1_000;
        let opens = made + 7 * DAY_MS;
        let fresh = Release::new(person("Maya"), made, 7);
        let released = fresh.clone().release(&person("maya"), made + 50).unwrap();
        let not_yet = Err(Denied::NotYet { opens_unix_ms: opens });
        for (state, who, role, at, may) in [
            (&fresh, "maya", Role::Seller, made, Ok(())),
            (&fresh, "maya", Role::Manager, made, Ok(())),
            (&fresh, "lee", Role::Manager, made, not_yet.clone()),
            (&fresh, "lee", Role::Manager, opens - 1, not_yet.clone()),
            (&fresh, "lee", Role::Manager, opens, Ok(())),
            (&fresh, "sam", Role::Seller, opens, Err(Denied::Never)),
            (&fresh, "sam", Role::Other, opens, Err(Denied::Never)),
            (&released, "lee", Role::Manager, made + 49, not_yet),
            (&released, "lee", Role::Manager, made + 50, Ok(())),
            (&released, "sam", Role::Other, opens, Err(Denied::Never)),
        ] {
            assert_eq!(state.visible_to(&viewer(who, role), at), may, "{who} as {role:?} at {at}");
        }
        assert_eq!(fresh.clone().release(&person("lee"), opens), Err(NotYours));
        assert_eq!(released.clone().release(&person("maya"), opens).unwrap(), released);
        // No setting opens it at once.
        assert!(Release::new(person("maya"), made, 0).visible_to(&viewer("lee", Role::Manager), made).is_err());
    }
}
