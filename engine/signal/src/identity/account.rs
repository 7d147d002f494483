//! Accounts from mentions: union-find over domains, ids and names, with the reason of each join.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::domain::{domain_of, label, mail_domain};
use super::name::name_key;
use crate::event::AccountHint;

/// Shortest name, in letters, that may be joined to one it differs from.
const FUZZY_LETTERS: usize = 9;
/// Most names that are compared letter by letter with others that begin alike.
const FUZZY_BLOCK: usize = 2_000;

/// One place where an account is named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mention {
    /// Our key of the mention, unique: `hubspot:company/17`, or a hint's key.
    pub key: String,
    /// The id that the source says it has; equal ids are the same account.
    pub id: Option<String>,
    /// Names it goes by.
    pub names: Vec<String>,
    /// Its domains or addresses of its pages.
    pub domains: Vec<String>,
    /// Mail addresses of people there.
    pub emails: Vec<String>,
    /// Its country, if it is said (`DE`); differing ones keep similar names apart.
    pub country: Option<String>,
}

impl Mention {
    /// Of what an event says.
    #[must_use]
    pub fn of_hint(hint: &AccountHint) -> Self {
        let list = |t: &Option<String>| t.iter().cloned().collect();
        Self {
            key: hint.key(),
            id: hint.id.clone(),
            names: list(&hint.name),
            domains: list(&hint.domain),
            ..Self::default()
        }
    }
}

/// Why two mentions are one account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Join {
    /// One mention's key.
    pub a: String,
    /// The other's.
    pub b: String,
    /// In words: "same domain acme.example".
    pub because: String,
}

/// One account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The least key of its mentions.
    pub key: String,
    /// Keys of all of them, in order.
    pub mentions: Vec<String>,
    /// What joined them.
    pub joins: Vec<Join>,
}

/// All accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identities {
    /// In order of their keys.
    pub accounts: Vec<Account>,
    /// Names that fit more than one account, with those accounts' first mentions: a person has to say which is meant.
    pub doubtful: Vec<(String, Vec<String>)>,
    of: BTreeMap<String, usize>,
}

impl Identities {
    /// The account of a mention.
    #[must_use]
    pub fn account(&self, mention: &str) -> Option<&Account> {
        self.of.get(mention).and_then(|i| self.accounts.get(*i))
    }

    /// Are two mentions the same account?
    #[must_use]
    pub fn same(&self, a: &str, b: &str) -> bool {
        self.of.get(a).is_some_and(|i| self.of.get(b) == Some(i))
    }
}

struct Sets {
    parent: Vec<usize>,
    /// Domains of everything in the set, kept at its root.
    domains: Vec<BTreeSet<String>>,
    joins: Vec<(usize, usize, String)>,
}

impl Sets {
    fn root(&mut self, mut i: usize) -> usize {
        while self.parent[i] != i {
            self.parent[i] = self.parent[self.parent[i]];
            i = self.parent[i];
        }
        i
    }

    /// Domains of everything that is in one account with `i` by now.
    fn domains_of(&mut self, i: usize) -> BTreeSet<String> {
        let root = self.root(i);
        self.domains[root].clone()
    }

    fn join(&mut self, a: usize, b: usize, because: impl FnOnce() -> String) {
        let (x, y) = (self.root(a), self.root(b));
        if x != y {
            self.parent[x.max(y)] = x.min(y);
            let mut more = std::mem::take(&mut self.domains[x.max(y)]);
            self.domains[x.min(y)].append(&mut more);
            self.joins.push((a, b, because()));
        }
    }
}

/// Joins mentions to accounts.
///
/// - the same id, or the same registered domain (of the site or of mail addresses; never a mailbox provider's);
/// - the same name without legal form, if at most one account of that name has a domain, or the domains differ in a
///   country's ending alone (`acme.com`, `acme.de`);
/// - names of 9 letters and more that differ in one letter, not the first of a word and no digit, where one of the two
///   has no domain and the countries do not differ.
///
/// Mentions with the same key are taken as one (the first). Output does not depend on the order of the input.
#[must_use]
pub fn resolve(mentions: &[Mention]) -> Identities {
    let mut nodes: Vec<&Mention> = mentions.iter().collect();
    nodes.sort_by(|a, b| a.key.cmp(&b.key));
    nodes.dedup_by(|a, b| a.key == b.key);
    let registered = |m: &&Mention| -> BTreeSet<String> {
        m.domains.iter().filter_map(|d| domain_of(d)).chain(m.emails.iter().filter_map(|e| mail_domain(e))).collect()
    };
    let domains: Vec<BTreeSet<String>> = nodes.iter().map(registered).collect();
    let mut sets = Sets { parent: (0..nodes.len()).collect(), domains: domains.clone(), joins: Vec::new() };
    let mut first: BTreeMap<String, usize> = BTreeMap::new();
    for (i, node) in nodes.iter().enumerate() {
        let ids = node.id.iter().map(|id| ("id", id.trim().to_owned())).filter(|(_, id)| !id.is_empty());
        let keys = ids.chain(domains[i].iter().map(|d| ("domain", d.clone())));
        for (what, text) in keys {
            let other = *first.entry(format!("{what} {text}")).or_insert(i);
            sets.join(other, i, || format!("same {what} {text}"));
        }
    }
    let mut by_name: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    for (i, node) in nodes.iter().enumerate() {
        for key in node.names.iter().map(|n| name_key(n)).filter(|k| !k.is_empty()) {
            by_name.entry(key).or_default().insert(i);
        }
    }
    let mut doubtful = Vec::new();
    for (key, members) in &by_name {
        if let Some(of) = same_name(key, members, &nodes, &mut sets) {
            doubtful.push((key.clone(), of));
        }
    }
    similar_names(&by_name, &nodes, &mut sets);
    collect(&nodes, sets, doubtful)
}

fn same_name(key: &str, members: &BTreeSet<usize>, nodes: &[&Mention], sets: &mut Sets) -> Option<Vec<String>> {
    if members.len() < 2 {
        return None;
    }
    let mut with: Vec<(usize, BTreeSet<String>)> = Vec::new();
    let mut without = Vec::new();
    let mut roots = BTreeSet::new();
    for i in members {
        if roots.insert(sets.root(*i)) {
            let theirs = sets.domains_of(*i);
            if theirs.is_empty() {
                without.push(*i);
            } else {
                with.push((*i, theirs));
            }
        }
    }
    for n in 1..with.len() {
        for m in 0..n {
            if with[m].1.iter().any(|a| with[n].1.iter().any(|b| differ_by_country(a, b))) {
                sets.join(with[m].0, with[n].0, || format!("same name \"{key}\", domains that differ in the country"));
            }
        }
    }
    let owners: BTreeSet<usize> = with.iter().map(|(i, _)| sets.root(*i)).collect();
    if owners.len() > 1 && !without.is_empty() {
        return Some(owners.iter().map(|i| nodes[*i].key.clone()).collect());
    }
    let country = |i: usize| nodes[i].country.as_deref().map(str::to_uppercase);
    let base = with.first().map(|(i, _)| *i).or_else(|| without.first().copied())?;
    for i in without.into_iter().filter(|i| *i != base) {
        let apart = country(base).zip(country(i)).is_some_and(|(a, b)| a != b);
        if !apart {
            sets.join(base, i, || format!("same name \"{key}\""));
        }
    }
    None
}

/// `acme.com` and `acme.de`, `acme.de` and `acme.co.uk`; not `acme.com` and `acme.io`, which anybody may hold.
fn differ_by_country(a: &str, b: &str) -> bool {
    let ((a, a_end), (b, b_end)) = (label(a), label(b));
    // Endings of two letters that are sold as words.
    const SOLD: [&str; 8] = ["io", "ai", "co", "me", "tv", "cc", "to", "ly"];
    let country = |end: &str| {
        let last = end.rsplit('.').next().unwrap_or(end);
        last.len() == 2 && !SOLD.contains(&end)
    };
    let fits = |x: &str, y: &str| country(x) && (y == "com" || country(y));
    a == b && a.len() >= 3 && a_end != b_end && (fits(a_end, b_end) || fits(b_end, a_end))
}

fn similar_names(by_name: &BTreeMap<String, BTreeSet<usize>>, nodes: &[&Mention], sets: &mut Sets) {
    let mut blocks: BTreeMap<String, Vec<&String>> = BTreeMap::new();
    for key in by_name.keys().filter(|k| k.chars().filter(|c| *c != ' ').count() >= FUZZY_LETTERS) {
        blocks.entry(key.chars().take(3).collect()).or_default().push(key);
    }
    for block in blocks.values().filter(|b| b.len() <= FUZZY_BLOCK) {
        for (n, a) in block.iter().enumerate() {
            let near: Vec<&String> = block[n + 1..].iter().copied().filter(|b| one_slip(a, b)).collect();
            // With two candidates nobody knows which is meant.
            let [b] = near.as_slice() else { continue };
            let (Some(&i), Some(&j)) = (by_name[*a].first(), by_name[*b].first()) else { continue };
            let both = !sets.domains_of(i).is_empty() && !sets.domains_of(j).is_empty();
            let country = |i: usize| nodes[i].country.as_deref().map(str::to_uppercase);
            let apart = country(i).zip(country(j)).is_some_and(|(a, b)| a != b);
            if !both && !apart {
                sets.join(i, j, || format!("similar names \"{a}\" and \"{b}\""));
            }
        }
    }
}

/// One letter more, less, other or swapped; not the first of a word, no digit, the same number of words (or a space more).
fn one_slip(a: &str, b: &str) -> bool {
    let digits = |t: &str| t.chars().filter(char::is_ascii_digit).collect::<String>();
    if digits(a) != digits(b) || a.len().abs_diff(b.len()) > 2 {
        return false;
    }
    let joined = |t: &str| t.chars().filter(|c| *c != ' ').collect::<String>();
    if joined(a) == joined(b) {
        return true;
    }
    let firsts = |t: &str| t.split(' ').filter_map(|w| w.chars().next()).collect::<String>();
    firsts(a) == firsts(b) && strsim::osa_distance(a, b) == 1 && !differs_in_a_real_word(a, b)
}

/// A short word that differs is another word ("north", "south"; "air", "aid"), no slip of a long one.
fn differs_in_a_real_word(a: &str, b: &str) -> bool {
    a.split(' ').zip(b.split(' ')).any(|(a, b)| a != b && a.chars().count().min(b.chars().count()) < 7)
}

fn collect(nodes: &[&Mention], mut sets: Sets, doubtful: Vec<(String, Vec<String>)>) -> Identities {
    let mut accounts: Vec<Account> = Vec::new();
    let mut place: BTreeMap<usize, usize> = BTreeMap::new();
    let mut of = BTreeMap::new();
    for (i, node) in nodes.iter().enumerate() {
        let at = *place.entry(sets.root(i)).or_insert_with(|| {
            accounts.push(Account { key: node.key.clone(), mentions: Vec::new(), joins: Vec::new() });
            accounts.len() - 1
        });
        accounts[at].mentions.push(node.key.clone());
        of.insert(node.key.clone(), at);
    }
    for (a, b, because) in std::mem::take(&mut sets.joins) {
        let at = of[&nodes[a].key];
        accounts[at].joins.push(Join { a: nodes[a].key.clone(), b: nodes[b].key.clone(), because });
    }
    Identities { accounts, doubtful, of }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn m(key: &str, name: &str, domain: &str, email: &str) -> Mention {
        let list = |t: &str| if t.is_empty() { vec![] } else { vec![t.to_owned()] };
        Mention { key: key.into(), names: list(name), domains: list(domain), emails: list(email), ..Mention::default() }
    }

    #[test]
    fn joins_have_reasons_and_do_not_depend_on_order() {
        let mut all = vec![
            m("1", "Acme Inc", "acme.example", ""),
            m("2", "ACME", "", ""),
            m("3", "", "", "jo@mail.acme.example"),
            m("4", "Apex", "apex.example", ""),
        ];
        let found = resolve(&all);
        assert_eq!(found.accounts.len(), 2);
        assert_eq!(found.account("3").unwrap().mentions, ["1", "2", "3"]);
        let reasons: Vec<&str> = found.accounts[0].joins.iter().map(|j| j.because.as_str()).collect();
        assert_eq!(reasons, ["same domain acme.example", "same name \"acme\""]);
        all.reverse();
        assert_eq!(resolve(&all), found);
    }

    #[test]
    fn a_name_that_two_accounts_bear_joins_neither_and_is_shown() {
        let found = resolve(&[
            m("1", "Delta", "delta-air.example", ""),
            m("2", "Delta Inc.", "delta-taps.example", ""),
            m("3", "Delta", "", ""),
        ]);
        assert_eq!(found.accounts.len(), 3);
        assert_eq!(found.doubtful, [("delta".to_owned(), vec!["1".to_owned(), "2".to_owned()])]);
    }

    #[test]
    fn mailbox_providers_join_nobody() {
        let found = resolve(&[m("1", "Acme", "", "a@gmail.com"), m("2", "Apex", "gmail.com", "b@gmail.com")]);
        assert_eq!(found.accounts.len(), 2);
    }
}
