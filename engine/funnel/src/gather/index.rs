//! Which account each name in a log belongs to.

use std::collections::{BTreeMap, BTreeSet};

use reframe_workflow::system::RecordRef;

use super::ids::Ids;
use crate::{
    account::Account,
    fact::{Fact, Happened},
};

/// The names a fact has, as numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Link {
    /// The artifact it is, or was drafted in.
    artifact: Option<usize>,
    /// The proposal it is about.
    proposal: Option<usize>,
}

/// Which account each name belongs to.
pub(super) struct Index<'a> {
    records: BTreeMap<&'a RecordRef, usize>,
    calls: BTreeMap<&'a str, usize>,
    /// Of each artifact that names a record or call of one account, or was made from such: which.
    own: Vec<Option<usize>>,
    /// Of the others: accounts of what was made from them and of the proposals drafted in them.
    lent: BTreeMap<usize, BTreeSet<usize>>,
    /// Of each proposal.
    proposals: Vec<Option<usize>>,
    /// Names of the facts, one for each in their order.
    pub(super) links: Vec<Link>,
}

impl<'a> Index<'a> {
    pub(super) fn of(accounts: &'a [Account], log: &'a [Fact]) -> Self {
        let mut records = BTreeMap::new();
        for (n, account) in accounts.iter().enumerate() {
            for record in &account.records {
                records.entry(record).or_insert(n);
            }
        }
        let mut calls = BTreeMap::new();
        for fact in log {
            if let Happened::Called { call, deal: Some(deal), .. } = &fact.what
                && let Some(&n) = records.get(deal)
            {
                calls.entry(call.as_str()).or_insert(n);
            }
        }
        let artifacts = Ids::of(log.iter().flat_map(|fact| {
            let (one, more) = match &fact.what {
                Happened::Made { id, parents, .. } => (Some(id), parents.as_slice()),
                Happened::Proposed { from, .. } | Happened::Touched { from, .. } => (Some(from), &[][..]),
                _ => (None, &[][..]),
            };
            one.into_iter().chain(more).map(|id| id.as_str())
        }));
        let asked = Ids::of(log.iter().filter_map(|fact| match &fact.what {
            Happened::Proposed { proposal, .. } | Happened::Stepped { proposal, .. } => Some(proposal.0.as_str()),
            _ => None,
        }));
        let link = |fact: &Fact| match &fact.what {
            Happened::Made { id, .. } | Happened::Touched { from: id, .. } => {
                Link { artifact: artifacts.find(id.as_str()), proposal: None }
            }
            Happened::Proposed { proposal, from, .. } => {
                Link { artifact: artifacts.find(from.as_str()), proposal: asked.find(proposal.0.as_str()) }
            }
            Happened::Stepped { proposal, .. } => Link { artifact: None, proposal: asked.find(proposal.0.as_str()) },
            Happened::Called { .. } | Happened::Closed { .. } => Link::default(),
        };
        let links = log.iter().map(link).collect();
        let (own, proposals) = (vec![None; artifacts.len()], vec![None; asked.len()]);
        let mut index = Self { records, calls, own, lent: BTreeMap::new(), proposals, links };
        let parents: Vec<Vec<usize>> = log.iter().map(|fact| parents(fact, &artifacts)).collect();
        index.artifacts(log, &parents);
        index.proposals(log);
        index.lend(&parents);
        index
    }

    /// By what they name, then by what they were made from.
    fn artifacts(&mut self, log: &[Fact], parents: &[Vec<usize>]) {
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); self.own.len()];
        let mut known = Vec::new();
        for ((fact, link), parents) in log.iter().zip(&self.links).zip(parents) {
            let (Happened::Made { about, call, .. }, Some(id)) = (&fact.what, link.artifact) else { continue };
            let named = about.iter().find_map(|record| self.records.get(record));
            let of_call = || call.as_deref().and_then(|call| self.calls.get(call));
            if let Some(&n) = named.or_else(of_call) {
                self.own[id].get_or_insert(n);
                known.push(id);
            }
            for &parent in parents {
                children[parent].push(id);
            }
        }
        while let Some(id) = known.pop() {
            for &child in &children[id] {
                if self.own[child].is_none() {
                    self.own[child] = self.own[id];
                    known.push(child);
                }
            }
        }
    }

    fn proposals(&mut self, log: &[Fact]) {
        for (fact, link) in log.iter().zip(&self.links) {
            let Happened::Proposed { target, rests_on, .. } = &fact.what else { continue };
            let (Some(from), Some(proposal)) = (link.artifact, link.proposal) else { continue };
            let by_target = target.as_ref().and_then(|record| self.records.get(record)).copied();
            let by_call = || rests_on.iter().find_map(|item| self.calls.get(item.as_str())).copied();
            let Some(n) = by_target.or(self.own[from]).or_else(by_call) else { continue };
            self.proposals[proposal].get_or_insert(n);
            if self.own[from].is_none() {
                self.lent.entry(from).or_default().insert(n);
            }
        }
    }

    /// What names no account stands in those of its children: the latest first, so that it goes all the way back.
    fn lend(&mut self, parents: &[Vec<usize>]) {
        for (link, parents) in self.links.iter().zip(parents).rev() {
            let Some(id) = link.artifact else { continue };
            if parents.iter().all(|&parent| self.own[parent].is_some()) {
                continue;
            }
            let of =
                self.own[id].map_or_else(|| self.lent.get(&id).cloned().unwrap_or_default(), |n| BTreeSet::from([n]));
            for &parent in parents.iter().filter(|parent| self.own[**parent].is_none()) {
                self.lent.entry(parent).or_default().extend(&of);
            }
        }
    }

    /// Tells each account of a fact; nothing, once, if there is none.
    pub(super) fn each_account_of(&self, fact: &Fact, link: &Link, tell: &mut impl FnMut(Option<usize>)) {
        let one = match &fact.what {
            Happened::Called { call, .. } => self.calls.get(call.as_str()).copied(),
            Happened::Made { .. } | Happened::Touched { .. } => {
                let own = link.artifact.and_then(|id| self.own[id]);
                let lent = link.artifact.and_then(|id| self.lent.get(&id)).filter(|lent| !lent.is_empty());
                match (own, lent) {
                    (None, Some(lent)) => return lent.iter().for_each(|n| tell(Some(*n))),
                    (own, _) => own,
                }
            }
            Happened::Proposed { .. } | Happened::Stepped { .. } => link.proposal.and_then(|id| self.proposals[id]),
            Happened::Closed { record, .. } => self.records.get(record).copied(),
        };
        tell(one);
    }
}

/// What a fact's artifact was made from.
fn parents(fact: &Fact, artifacts: &Ids<'_>) -> Vec<usize> {
    let Happened::Made { parents, .. } = &fact.what else { return Vec::new() };
    parents.iter().filter_map(|parent| artifacts.find(parent.as_str())).collect()
}
