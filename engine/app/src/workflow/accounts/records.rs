//! Accounts from the records of the CRM: a company with its deals and contacts; a deal without a company stands for itself.

use std::collections::{BTreeMap, BTreeSet};

use reframe_call::date::Date;
use reframe_funnel::{
    account::Account,
    fact::{End as Ended, Fact, Happened},
    huddle::Turn,
};
use reframe_workflow::{
    hygiene::{End, Rules, field},
    system::{Listing, ReadError, Record, RecordKind, RecordRef, SystemOfRecord},
};

/// What the CRM holds, as far as accounts go.
#[derive(Debug, Default)]
pub struct Records {
    /// Companies, in order of their ids.
    pub companies: Vec<Record>,
    /// Deals.
    pub deals: Vec<Record>,
    /// Contacts.
    pub contacts: Vec<Record>,
}

impl Records {
    /// Reads all of them.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn read(crm: &dyn SystemOfRecord) -> Result<Self, ReadError> {
        let all = |kind| crm.list(kind, &Listing::default());
        Ok(Self {
            companies: all(RecordKind::Company)?,
            deals: all(RecordKind::Deal)?,
            contacts: all(RecordKind::Contact)?,
        })
    }

    /// The accounts: first companies, then deals of none. A contact is its company's, else its deal's.
    #[must_use]
    pub fn accounts(&self) -> Vec<Account> {
        let account = |record: &Record| Account {
            id: record.at.to_string(),
            name: record.field("name").unwrap_or(&record.at.id).to_owned(),
            records: vec![record.at.clone()],
        };
        let mut accounts: Vec<Account> = self.companies.iter().map(account).collect();
        let mut of: BTreeMap<&RecordRef, usize> = self.companies.iter().map(|c| &c.at).zip(0..).collect();
        let links = self.links();
        let near = |record: &Record, of: &BTreeMap<&RecordRef, usize>| -> Option<usize> {
            links.get(&record.at).into_iter().flatten().find_map(|other| of.get(other)).copied()
        };
        for deal in &self.deals {
            let n = near(deal, &of).unwrap_or_else(|| {
                accounts.push(account(deal));
                accounts.len() - 1
            });
            of.insert(&deal.at, n);
        }
        for contact in &self.contacts {
            if let Some(n) = near(contact, &of) {
                of.insert(&contact.at, n);
            }
        }
        for (record, n) in of {
            let records = &mut accounts[n].records;
            if records[0] != *record {
                records.push(record.clone());
            }
        }
        accounts
    }

    /// What each record is linked to, from whichever side the link is kept; companies first, then deals, so that the nearest
    /// comes first.
    fn links(&self) -> BTreeMap<&RecordRef, Vec<&RecordRef>> {
        let mut links: BTreeMap<&RecordRef, BTreeSet<(bool, &RecordRef)>> = BTreeMap::new();
        let order = |record: &RecordRef| record.kind != RecordKind::Company;
        for record in self.companies.iter().chain(&self.deals).chain(&self.contacts) {
            for other in &record.linked {
                links.entry(&record.at).or_default().insert((order(other), other));
                links.entry(other).or_default().insert((order(&record.at), &record.at));
            }
        }
        links.into_iter().map(|(of, others)| (of, others.into_iter().map(|(_, other)| other).collect())).collect()
    }

    /// The deals that are over. Of one whose system keeps no history only the record's last change is known, which somebody
    /// who edits a table may not have written down: it did not end before its last call, which `last_call` tells.
    #[must_use]
    pub fn closed(&self, rules: &Rules, now_unix_ms: i64, last_call: &BTreeMap<RecordRef, i64>) -> Vec<Fact> {
        let of = |deal: &Record| {
            let end = match rules.stage(deal.field(field::STAGE)?)?.end? {
                End::Won => Ended::Won,
                End::Lost => Ended::Lost,
            };
            let called = last_call.get(&deal.at).copied().unwrap_or(i64::MIN);
            let at_unix_ms = closed_at(deal, rules).unwrap_or(deal.updated_unix_ms.max(called)).min(now_unix_ms);
            Some(Fact { at_unix_ms, what: Happened::Closed { record: deal.at.clone(), end } })
        };
        self.deals.iter().filter_map(of).collect()
    }

    /// Deals that were lost, of those that are over, and close dates that were put off.
    #[must_use]
    pub fn turns(&self, closed: &[Fact]) -> Vec<Turn> {
        let lost = closed.iter().filter_map(|fact| match &fact.what {
            Happened::Closed { record, end: Ended::Lost } => {
                Some(Turn { deal: record.clone(), at_unix_ms: fact.at_unix_ms, says: "lost".to_owned() })
            }
            _ => None,
        });
        lost.chain(self.deals.iter().flat_map(put_off)).collect()
    }

    /// Companies and contacts, and how many of them are told apart from all others: by domain, by address.
    #[must_use]
    pub fn resolved(&self) -> (u64, u64) {
        let unique = |records: &[Record], name: &str| {
            let mut times: BTreeMap<String, u64> = BTreeMap::new();
            for text in records.iter().filter_map(|r| r.field(name)) {
                *times.entry(text.trim().to_lowercase()).or_default() += 1;
            }
            times.into_values().filter(|n| *n == 1).count() as u64
        };
        let all = (self.companies.len() + self.contacts.len()) as u64;
        (all, unique(&self.companies, "domain") + unique(&self.contacts, "email"))
    }
}

/// When a deal that is over came to its end, by its system's history.
fn closed_at(deal: &Record, rules: &Rules) -> Option<i64> {
    let over = |value: &Option<String>| {
        value.as_deref().and_then(|stage| rules.stage(stage)).is_some_and(|stage| stage.end.is_some())
    };
    let past = deal.history.get(field::STAGE).map_or(&[][..], Vec::as_slice);
    let last_open = past.iter().rposition(|p| !over(&p.value)).map_or(0, |at| at + 1);
    past.get(last_open).map(|p| p.at_unix_ms)
}

fn put_off(deal: &Record) -> Vec<Turn> {
    let day = |value: &Option<String>| value.as_deref().and_then(|t| t.get(..10)).and_then(|t| t.parse::<Date>().ok());
    let past = deal.history.get(field::CLOSE_DATE).into_iter().flatten();
    let days: Vec<(i64, Date)> = past.filter_map(|p| Some((p.at_unix_ms, day(&p.value)?))).collect();
    let later = days.windows(2).filter(|pair| pair[1].1 > pair[0].1);
    later
        .map(|pair| Turn {
            deal: deal.at.clone(),
            at_unix_ms: pair[1].0,
            says: format!("close date moved to {}", pair[1].1),
        })
        .collect()
}

#[cfg(test)]
#[path = "records_tests.rs"]
mod tests;
