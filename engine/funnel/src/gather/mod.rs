//! Which facts belong to which account: by the records they name, by their call, and by what they were made from.

mod ids;
mod index;

use reframe_workflow::{
    audit,
    outbox::{Kept, Listed},
};
use serde::{Deserialize, Serialize};

use self::{ids::Ids, index::Index};
use crate::{
    account::{Account, AccountState},
    fact::{CallKept, Fact, Happened},
};

/// Everything the store has, as it has it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sources<'a> {
    /// Hand-offs.
    pub artifacts: &'a [Kept],
    /// Proposals in their latest revision.
    pub proposals: &'a [Listed],
    /// The audit log, or the part of it that is about these.
    pub audit: &'a [audit::Entry],
    /// Calls.
    pub calls: &'a [CallKept],
    /// What only the caller knows: touches beside the gate, deals that ended.
    pub more: &'a [Fact],
}

/// The log of all that, in order of time. The same sources in any order give the same log.
#[must_use]
pub fn log(sources: Sources<'_>) -> Vec<Fact> {
    let mut all = Collector::default();
    sources.artifacts.iter().for_each(|kept| all.artifact(kept));
    sources.proposals.iter().for_each(|listed| all.proposal(listed));
    sources.audit.iter().for_each(|entry| all.entry(entry));
    sources.calls.iter().for_each(|call| all.call(call));
    sources.more.iter().for_each(|fact| all.fact(fact.clone()));
    all.finish()
}

/// Takes what the store has one after the other, in any order, so that texts of hand-offs and proposals need not be in
/// memory together: a fact is a tenth of them.
#[derive(Clone, Debug, Default)]
pub struct Collector {
    facts: Vec<Fact>,
    proposed: Vec<(Fact, Option<Fact>)>,
}

impl Collector {
    /// A hand-off.
    pub fn artifact(&mut self, kept: &Kept) {
        self.facts.push(Fact::of_artifact(kept));
    }

    /// A proposal in its latest revision.
    pub fn proposal(&mut self, listed: &Listed) {
        self.proposed.push((Fact::of_proposal(listed), Fact::of_standing(listed)));
    }

    /// An entry of the audit log.
    pub fn entry(&mut self, entry: &audit::Entry) {
        self.facts.extend(Fact::of_entry(entry));
    }

    /// A call.
    pub fn call(&mut self, call: &CallKept) {
        self.facts.push(Fact::of_call(call));
    }

    /// What only the caller knows.
    pub fn fact(&mut self, fact: Fact) {
        self.facts.push(fact);
    }

    /// Facts taken so far, those of one proposal counted once.
    #[must_use]
    pub fn len(&self) -> usize {
        self.facts.len() + self.proposed.len()
    }

    /// Whether nothing was taken yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The log, in order of time.
    #[must_use]
    pub fn finish(self) -> Vec<Fact> {
        let Self { mut facts, proposed } = self;
        let mut put = Vec::with_capacity(proposed.len());
        let ids = Ids::of(facts.iter().filter_map(stepped));
        let mut began: Vec<Option<i64>> = vec![None; ids.len()];
        for fact in &facts {
            if let Some(id) = stepped(fact).and_then(|id| ids.find(id)) {
                began[id] = Some(began[id].map_or(fact.at_unix_ms, |at| at.min(fact.at_unix_ms)));
            }
        }
        for (fact, standing) in proposed {
            let Happened::Proposed { proposal, .. } = &fact.what else { continue };
            match ids.find(proposal.0.as_str()).and_then(|id| began[id]) {
                // One that was put again bears the time of that; its history began earlier.
                Some(began) => put.push(Fact { at_unix_ms: fact.at_unix_ms.min(began), ..fact }),
                None => {
                    put.extend(standing);
                    put.push(fact);
                }
            }
        }
        facts.append(&mut put);
        in_order(facts)
    }
}

/// The proposal something was done with.
fn stepped(fact: &Fact) -> Option<&str> {
    match &fact.what {
        Happened::Stepped { proposal, .. } => Some(proposal.0.as_str()),
        _ => None,
    }
}

/// The facts in order of time, each once.
#[must_use]
pub fn in_order(facts: Vec<Fact>) -> Vec<Fact> {
    // A fact is large and its time is not: places are sorted, and each fact is moved once.
    let mut places: Vec<(i64, usize)> = facts.iter().map(|fact| fact.at_unix_ms).zip(0..).collect();
    places.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| facts[a.1].what.cmp(&facts[b.1].what)));
    let mut facts: Vec<Option<Fact>> = facts.into_iter().map(Some).collect();
    let mut log: Vec<Fact> = places.into_iter().filter_map(|(_, place)| facts[place].take()).collect();
    log.dedup();
    log
}

/// All accounts, and what belongs to none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Gathered {
    /// In the order given.
    pub accounts: Vec<AccountState>,
    /// Facts of no account: calls without a deal, artifacts that name nothing and come from nothing.
    pub unassigned: Vec<Fact>,
}

/// Sorts a log into accounts and replays each. A record that two accounts claim is the first one's.
///
/// An artifact of many accounts (a night's review) names no record; it comes to each account that has a proposal from it.
#[must_use]
pub fn by_account(accounts: &[Account], log: &[Fact]) -> Gathered {
    let index = Index::of(accounts, log);
    let mut of: Vec<Vec<&Fact>> = vec![Vec::new(); accounts.len()];
    let mut unassigned = Vec::new();
    for (fact, link) in log.iter().zip(&index.links) {
        index.each_account_of(fact, link, &mut |to| match to {
            Some(account) => of[account].push(fact),
            None => unassigned.push(fact.clone()),
        });
    }
    let accounts = accounts.iter().zip(&of).map(|(account, facts)| AccountState::replay(account.clone(), facts));
    Gathered { accounts: accounts.collect(), unassigned }
}
