//! People at accounts, and which of their data two sources agree on: nobody is written to on one source's word.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::name::words;
use crate::event::DAY_MS;

/// How old the newest of the agreeing facts may be: 180 days, in ms. Judgement; contact data are said to go stale by 35 to
/// 60 % (a vendor's figure without a period).
pub const FRESH_MS: i64 = 180 * DAY_MS;

/// A person as one source has them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonMention {
    /// Our key of the mention, unique.
    pub key: String,
    /// The account they are at, as [`super::Account::key`].
    pub account: Option<String>,
    /// Their name.
    pub name: String,
    /// Their mail address.
    pub email: Option<String>,
}

/// One person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The least key of their mentions.
    pub key: String,
    /// Keys of all of them, in order.
    pub mentions: Vec<String>,
}

/// A mail address to compare by: lower case, without what stands behind a plus sign.
fn mailbox(email: &str) -> Option<String> {
    let email = email.trim().to_lowercase();
    let (user, host) = email.rsplit_once('@')?;
    let user = user.split('+').next().filter(|u| !u.is_empty())?;
    host.contains('.').then(|| format!("{user}@{host}"))
}

/// Joins mentions to people: the same mail address, or the same name (marks and titles aside) at the same account unless
/// two different addresses there say otherwise.
#[must_use]
pub fn people(mentions: &[PersonMention]) -> Vec<Person> {
    let mut nodes: Vec<&PersonMention> = mentions.iter().collect();
    nodes.sort_by(|a, b| a.key.cmp(&b.key));
    nodes.dedup_by(|a, b| a.key == b.key);
    let mut group: Vec<usize> = (0..nodes.len()).collect();
    let rename = |group: &mut Vec<usize>, a: usize, b: usize| {
        let (x, y) = (group[a].min(group[b]), group[a].max(group[b]));
        group.iter_mut().filter(|g| **g == y).for_each(|g| *g = x);
    };
    let boxes: Vec<Option<String>> = nodes.iter().map(|n| n.email.as_deref().and_then(mailbox)).collect();
    let mut first: BTreeMap<String, usize> = BTreeMap::new();
    for (i, mailbox) in boxes.iter().enumerate() {
        if let Some(mailbox) = mailbox {
            let other = *first.entry(mailbox.clone()).or_insert(i);
            rename(&mut group, other, i);
        }
    }
    let mut named: BTreeMap<(String, String), Vec<usize>> = BTreeMap::new();
    for (i, node) in nodes.iter().enumerate() {
        let name: Vec<String> = words(&node.name)
            .into_iter()
            .filter(|w| !["dr", "prof", "mr", "mrs", "ms", "herr", "frau"].contains(&w.as_str()))
            .collect();
        // A first name alone is nobody.
        if let Some(account) = node.account.as_ref().filter(|_| name.len() >= 2) {
            named.entry((account.clone(), name.join(" "))).or_default().push(i);
        }
    }
    for members in named.values() {
        let addresses: BTreeSet<&String> = members.iter().filter_map(|i| boxes[*i].as_ref()).collect();
        if addresses.len() <= 1 {
            members.windows(2).for_each(|pair| rename(&mut group, pair[0], pair[1]));
        }
    }
    let mut out: BTreeMap<usize, Person> = BTreeMap::new();
    for (i, node) in nodes.iter().enumerate() {
        let person = out.entry(group[i]).or_insert_with(|| Person { key: node.key.clone(), mentions: Vec::new() });
        person.mentions.push(node.key.clone());
    }
    out.into_values().collect()
}

/// What can be said of a contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContactField {
    /// Mail address.
    Email,
    /// Where they work.
    Company,
    /// What they do there.
    Title,
    /// Telephone number.
    Phone,
}

/// One source's word on one field of one contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactFact {
    /// Which field.
    pub field: ContactField,
    /// What it reads.
    pub value: String,
    /// Who says so, by origin and not by file: two exports of one vendor are one source.
    pub source: String,
    /// As of when, in ms since 1970-01-01 UTC.
    pub at_unix_ms: i64,
}

/// What sources say of a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreed {
    /// Which field.
    pub field: ContactField,
    /// The value most sources name, the newer of equals.
    pub value: String,
    /// Who names it.
    pub sources: BTreeSet<String>,
    /// The newest of these facts.
    pub newest_unix_ms: i64,
    /// Other values with who names them.
    pub others: Vec<(String, BTreeSet<String>)>,
}

/// Sums up what sources say, field by field. An older word of a source is replaced by its newer one.
#[must_use]
pub fn agreement(facts: &[ContactFact]) -> Vec<Agreed> {
    let mut newest: BTreeMap<(ContactField, String), &ContactFact> = BTreeMap::new();
    for fact in facts.iter().filter(|f| !f.value.trim().is_empty()) {
        let slot = newest.entry((fact.field, fact.source.trim().to_lowercase())).or_insert(fact);
        if (fact.at_unix_ms, &fact.value) > (slot.at_unix_ms, &slot.value) {
            *slot = fact;
        }
    }
    let mut values: BTreeMap<(ContactField, String), (String, BTreeSet<String>, i64)> = BTreeMap::new();
    for ((field, source), fact) in newest {
        let compared = match field {
            ContactField::Email => mailbox(&fact.value).unwrap_or_default(),
            ContactField::Company => super::name_key(&fact.value),
            ContactField::Title => words(&fact.value).join(" "),
            ContactField::Phone => fact.value.chars().filter(char::is_ascii_digit).collect(),
        };
        if compared.is_empty() {
            continue;
        }
        let slot = values
            .entry((field, compared))
            .or_insert_with(|| (fact.value.trim().to_owned(), BTreeSet::new(), i64::MIN));
        slot.1.insert(source);
        slot.2 = slot.2.max(fact.at_unix_ms);
    }
    let mut fields: BTreeMap<ContactField, Vec<(String, BTreeSet<String>, i64)>> = BTreeMap::new();
    for ((field, _), value) in values {
        fields.entry(field).or_default().push(value);
    }
    let sum = |(field, mut values): (ContactField, Vec<(String, BTreeSet<String>, i64)>)| {
        values.sort_by(|a, b| (b.1.len(), b.2, &a.0).cmp(&(a.1.len(), a.2, &b.0)));
        let mut values = values.into_iter();
        let (value, sources, newest_unix_ms) = values.next()?;
        let others = values.map(|(value, sources, _)| (value, sources)).collect();
        Some(Agreed { field, value, sources, newest_unix_ms, others })
    };
    fields.into_iter().filter_map(sum).collect()
}

/// Why a contact may not be written to yet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unvouched {
    /// Nobody knows an address.
    #[error("no source gives a mail address: find one in two places")]
    NoAddress,
    /// One source is not enough.
    #[error(
        "only {0} gives this address: confirm it from a second source (their site, a mail from them, another vendor)"
    )]
    OneSource(String),
    /// As many say otherwise.
    #[error("as many sources give another address ({0}): ask or wait for a mail from them")]
    Disputed(String),
    /// All of it is old.
    #[error("the newest source is {0} days old: confirm the address again")]
    Stale(i64),
}

/// A mail address that at least two sources agree on. Only [`vouch`] makes one; a draft needs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Vouched {
    email: String,
    sources: BTreeSet<String>,
}

impl Vouched {
    /// The address.
    #[must_use]
    pub fn email(&self) -> &str {
        &self.email
    }

    /// Who agrees on it, at least two.
    #[must_use]
    pub const fn sources(&self) -> &BTreeSet<String> {
        &self.sources
    }
}

/// The address a contact may be written to, if at least two sources agree on it, more than on any other, and the newest of
/// them is at most [`FRESH_MS`] old.
///
/// # Errors
/// [`Unvouched`], which says what to do.
pub fn vouch(facts: &[ContactFact], now_unix_ms: i64) -> Result<Vouched, Unvouched> {
    let email = agreement(facts).into_iter().find(|a| a.field == ContactField::Email).ok_or(Unvouched::NoAddress)?;
    if email.sources.len() < 2 {
        return Err(Unvouched::OneSource(email.sources.into_iter().next().unwrap_or_default()));
    }
    if let Some((other, _)) = email.others.iter().find(|(_, s)| s.len() >= email.sources.len()) {
        return Err(Unvouched::Disputed(other.clone()));
    }
    let age = now_unix_ms.saturating_sub(email.newest_unix_ms);
    if age > FRESH_MS {
        return Err(Unvouched::Stale(age / DAY_MS));
    }
    Ok(Vouched { email: email.value, sources: email.sources })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(value: &str, source: &str, day: i64) -> ContactFact {
        ContactFact { field: ContactField::Email, value: value.into(), source: source.into(), at_unix_ms: day * DAY_MS }
    }

    #[test]
    fn one_source_is_never_enough_however_often_it_says_so() {
        let one =
            [fact("j@a.example", "vendor", 1), fact("j@a.example", "Vendor", 2), fact("J@a.example", "vendor ", 3)];
        assert_eq!(vouch(&one, 3 * DAY_MS), Err(Unvouched::OneSource("vendor".into())));
        let two = [fact("j@a.example", "vendor", 1), fact("J+x@A.example", "site", 2)];
        assert_eq!(vouch(&two, 3 * DAY_MS).unwrap().sources().len(), 2);
        assert!(matches!(vouch(&two, 300 * DAY_MS), Err(Unvouched::Stale(298))));
        let tie = [two[0].clone(), two[1].clone(), fact("k@a.example", "crm", 3), fact("k@a.example", "mail", 4)];
        assert!(matches!(vouch(&tie, 5 * DAY_MS), Err(Unvouched::Disputed(_))));
        // The vendor changed its mind: its old word counts no more.
        let moved = [two[0].clone(), two[1].clone(), fact("new@a.example", "vendor", 9)];
        assert!(vouch(&moved, 10 * DAY_MS).is_err());
        assert_eq!(vouch(&[], 0), Err(Unvouched::NoAddress));
    }

    #[test]
    fn people_are_joined_by_address_or_by_name_at_one_account() {
        let p = |key: &str, account: Option<&str>, name: &str, email: Option<&str>| PersonMention {
            key: key.into(),
            account: account.map(str::to_owned),
            name: name.into(),
            email: email.map(str::to_owned),
        };
        let found = people(&[
            p("1", Some("acme"), "Jörg Müller", None),
            p("2", Some("acme"), "Dr. Joerg Mueller", Some("jm@acme.example")),
            p("3", None, "J. M.", Some("JM+x@acme.example")),
            p("4", Some("apex"), "Jörg Müller", None),
            p("5", Some("acme"), "Jörg", None),
            p("6", Some("apex"), "Ann Lee", Some("ann@apex.example")),
            p("7", Some("apex"), "Ann Lee", Some("ann.lee2@apex.example")),
        ]);
        let groups: Vec<Vec<String>> = found.into_iter().map(|p| p.mentions).collect();
        assert_eq!(groups, [vec!["1", "2", "3"], vec!["4"], vec!["5"], vec!["6"], vec!["7"]]);
    }
}
