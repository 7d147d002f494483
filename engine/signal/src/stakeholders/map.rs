//! One list of people with their parts, and with whom to begin.

use std::collections::BTreeSet;

use reframe_workflow::artifact::Claim;
use serde::{Deserialize, Serialize};

use super::{Role, Spoken, role_of_title};

/// Somebody at an account, as records have them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Their name.
    pub name: String,
    /// Their title.
    pub title: Option<String>,
    /// Whether two sources agree on their address (see [`crate::identity::vouch`]).
    pub vouched: bool,
}

/// Somebody with their part in the decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stakeholder {
    /// Their name; nothing: they were only spoken of.
    pub name: Option<String>,
    /// Their title, or the words for them in a call.
    pub title: Option<String>,
    /// Their part.
    pub role: Role,
    /// How sure, 0 to 1.
    pub confidence: f32,
    /// What was said, if it rests on a call.
    pub because: Vec<Claim>,
    /// Whether two sources agree on their address.
    pub vouched: bool,
}

/// Puts together what titles and calls say. What somebody said of themselves outweighs their title; who was only spoken of
/// stands without a name, once.
#[must_use]
pub fn stakeholders(known: &[Known], said: &[Spoken]) -> Vec<Stakeholder> {
    let same = |a: &str, b: &str| a.trim().to_lowercase() == b.trim().to_lowercase();
    let mut out: Vec<Stakeholder> = known
        .iter()
        .map(|person| {
            let guess = person.title.as_deref().map(role_of_title);
            let mut it = Stakeholder {
                name: Some(person.name.clone()),
                title: person.title.clone(),
                role: guess.map_or(Role::Unknown, |g| g.role),
                confidence: guess.map_or(0.0, |g| g.confidence),
                because: Vec::new(),
                vouched: person.vouched,
            };
            own_words(&mut it, said.iter().filter(|s| s.name.as_deref().is_some_and(|n| same(n, &person.name))));
            it
        })
        .collect();
    let mut added: BTreeSet<String> = known.iter().map(|k| k.name.trim().to_lowercase()).collect();
    for s in said {
        let of_name = s.name.as_ref().map(|n| n.trim().to_lowercase());
        let key = of_name.clone().or_else(|| s.title.clone().map(|t| format!("title {t}"))).unwrap_or_default();
        if !added.insert(key.clone()) {
            continue;
        }
        let mut it = Stakeholder {
            name: s.name.clone(),
            title: s.title.clone(),
            role: Role::Unknown,
            confidence: 0.0,
            because: Vec::new(),
            vouched: false,
        };
        let theirs = |o: &&Spoken| match &of_name {
            Some(name) => o.name.as_ref().is_some_and(|n| same(n, name)),
            None => o.name.is_none() && o.title == s.title,
        };
        own_words(&mut it, said.iter().filter(theirs));
        out.push(it);
    }
    out
}

/// The strongest thing said decides; a blocker stays one whatever else is said.
fn own_words<'a>(it: &mut Stakeholder, said: impl Iterator<Item = &'a Spoken>) {
    let said: Vec<&Spoken> = said.collect();
    it.because = said.iter().map(|s| s.claim.clone()).take(3).collect();
    let strength = |s: &&Spoken| (s.role == Role::Blocker, s.claim.confidence());
    let best = said
        .into_iter()
        .rev()
        .max_by(|a, b| strength(a).partial_cmp(&strength(b)).unwrap_or(std::cmp::Ordering::Equal));
    if let Some(best) = best
        && best.claim.confidence() >= 0.5
    {
        it.role = best.role;
        it.confidence = best.claim.confidence();
    }
}

/// With whom to begin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// Their name.
    pub name: String,
    /// Their part.
    pub role: Role,
    /// Why they.
    pub reason: String,
}

/// Size up to which the one who decides on money reads their own mail: judgement.
const SMALL: i64 = 50;

/// Recommends whom to write to first: who speaks for it inside; in a company of up to 50 people who decides on the money;
/// then users, then technical people. Never a blocker or somebody of whom nothing is known. People whose address two
/// sources agree on come before others of the same part.
#[must_use]
pub fn opening(people: &[Stakeholder], employees: Option<i64>) -> Option<Opening> {
    let small = employees.is_some_and(|n| n <= SMALL);
    let place = |role: Role| match role {
        Role::Economic if small => Some(0),
        Role::Champion => Some(1),
        Role::Economic => Some(2),
        Role::User => Some(3),
        Role::Technical => Some(4),
        Role::Blocker | Role::Unknown => None,
    };
    let ranked = people.iter().filter_map(|p| Some((place(p.role)?, p.name.as_ref()?, p)));
    let best = ranked.min_by(|a, b| {
        let rest = |p: &Stakeholder| (p.vouched, p.confidence);
        let later = rest(b.2).partial_cmp(&rest(a.2)).unwrap_or(std::cmp::Ordering::Equal);
        a.0.cmp(&b.0).then(later).then(a.1.cmp(b.1))
    })?;
    let (_, name, person) = best;
    let mut reason = match person.role {
        Role::Economic if small => "decides on the money, and the company is small enough to ask directly".to_owned(),
        Role::Economic => "decides on the money; nobody is known who would speak for it".to_owned(),
        Role::Champion => "would speak for it inside".to_owned(),
        Role::User => "would work with it; nobody above is known".to_owned(),
        _ => "is the only one known; ask who owns the subject".to_owned(),
    };
    if !person.because.is_empty() {
        reason.push_str(", by what they said in a call");
    } else if let Some(title) = &person.title {
        reason.push_str(&format!(", by the title \"{title}\""));
    }
    if !person.vouched {
        reason.push_str("; their address needs a second source before anything is sent");
    }
    Some(Opening { name: name.clone(), role: person.role, reason })
}
