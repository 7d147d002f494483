//! The CRM's companies, people and deals as stage one sees them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use reframe_signal::{
    event::SignalEvent,
    feed::{AccountRecord, events_of},
    icp::{Firmographics, ListField, NumberField, TextField},
    identity::{ContactFact, ContactField, Unvouched, Vouched, vouch},
    rank::{Capacity, Load},
    stakeholders::{Known, stakeholders},
    warmth::PastDeal,
};
use reframe_store::ItemKind;
use reframe_workflow::system::{Listing, Record, RecordKind, RecordRef};

use crate::workflow::Office;

/// Mails and facts that are looked through for addresses: those of half a year, as long as an address counts as fresh; of
/// more, the newest.
const LOOKED_THROUGH: usize = 20_000;
/// How long an address counts as fresh, in ms.
const FRESH_MS: i64 = 180 * 24 * 60 * 60 * 1_000;

/// Somebody at an account.
#[derive(Clone, Debug)]
pub struct ContactAt {
    /// Their record.
    pub record: Record,
    /// Where they work.
    pub account: RecordRef,
    /// Their name.
    pub name: String,
    /// What all sources say of their address.
    pub said: Vec<ContactFact>,
}

impl ContactAt {
    /// Their address in the CRM.
    #[must_use]
    pub fn email(&self) -> Option<&str> {
        self.record.field("email").map(str::trim).filter(|e| !e.is_empty())
    }

    /// What they are greeted by: the first name the CRM has, else the first word of the name.
    #[must_use]
    pub fn first_name(&self) -> &str {
        let word = || self.name.split_whitespace().next().unwrap_or_default();
        self.record.field("first_name").map(str::trim).filter(|n| !n.is_empty()).unwrap_or_else(word)
    }

    /// The address they may be written to.
    ///
    /// # Errors
    /// [`Unvouched`] says what to do.
    pub fn vouched(&self, now_unix_ms: i64) -> Result<Vouched, Unvouched> {
        vouch(&self.said, now_unix_ms)
    }

    fn is(&self, name: &str) -> bool {
        let plain = |n: &str| n.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ");
        !name.trim().is_empty() && plain(&self.name) == plain(name)
    }
}

/// Everybody we could sell to, as it is on record.
#[derive(Clone, Debug, Default)]
pub struct Market {
    /// Accounts, in order of their records.
    pub accounts: Vec<AccountRecord>,
    /// People at them.
    pub contacts: Vec<ContactAt>,
    /// Deals that are over and of which it is known when they began.
    pub past: Vec<PastDeal>,
    /// How busy owners are.
    pub capacity: Capacity,
}

impl Market {
    /// The account that a person means by an id, a record's name, a domain or a name.
    ///
    /// # Errors
    /// If there is none, or several: in words.
    pub fn find(&self, account: &str) -> Result<&AccountRecord, String> {
        let asked = account.trim().to_lowercase();
        let exact = |a: &&AccountRecord| a.at.id == account.trim() || a.at.to_string() == account.trim();
        let named = |a: &&AccountRecord| {
            a.name.to_lowercase() == asked || a.domains.iter().any(|d| d.trim().to_lowercase() == asked)
        };
        let mut found: Vec<&AccountRecord> = self.accounts.iter().filter(exact).collect();
        if found.is_empty() {
            found = self.accounts.iter().filter(named).collect();
        }
        match found.as_slice() {
            [one] => Ok(one),
            [] => {
                Err(format!("no account `{account}` is on record; write its id, its domain or its name as in the CRM"))
            }
            more => {
                let ids: Vec<String> = more.iter().map(|a| a.at.to_string()).collect();
                Err(format!("`{account}` may be {}; write the id", ids.join(" or ")))
            }
        }
    }

    /// People at an account.
    pub fn people<'a>(&'a self, account: &'a RecordRef) -> impl Iterator<Item = &'a ContactAt> {
        self.contacts.iter().filter(move |c| c.account == *account)
    }
}

impl Office {
    /// Companies on record.
    pub(super) fn companies(&self) -> anyhow::Result<Vec<Record>> {
        Ok(self.systems.crm.list(RecordKind::Company, &Listing::default())?)
    }

    /// Reads the CRM: four lists, however many accounts there are.
    pub(in crate::workflow) fn market(&self, events: &[SignalEvent]) -> anyhow::Result<Market> {
        let crm = &*self.systems.crm;
        let companies = self.companies()?;
        let contacts = crm.list(RecordKind::Contact, &Listing::default())?;
        let deals = crm.list(RecordKind::Deal, &Listing::default())?;
        let of_deal = companies_of(&companies, &deals);
        let known: BTreeSet<&RecordRef> = companies.iter().map(|c| &c.at).collect();
        let mut people: Vec<ContactAt> = Vec::new();
        for record in contacts {
            let own = record.linked.iter().find(|r| known.contains(r));
            let by_deal = || record.linked.iter().find_map(|r| of_deal.get(r));
            let by_company = || companies.iter().find(|c| c.linked.contains(&record.at)).map(|c| &c.at);
            let Some(account) = own.or_else(by_deal).or_else(by_company).cloned() else { continue };
            let Some(name) = name_of(&record) else { continue };
            people.push(ContactAt { said: said_by_crm(&record), account, name, record });
        }
        let mut market = Market { contacts: people, ..Market::default() };
        market.accounts = companies.iter().map(|company| account(company, &market, &deals, &of_deal)).collect();
        market.accounts.sort_by(|a, b| a.at.cmp(&b.at));
        self.hear_others(&mut market, events)?;
        let now = (self.clock)();
        for account in &mut market.accounts {
            let known = market.contacts.iter().filter(|c| c.account == account.at).map(|c| Known {
                name: c.name.clone(),
                title: c.record.field("title").or_else(|| c.record.field("role")).map(str::to_owned),
                vouched: vouch(&c.said, now).is_ok(),
            });
            account.people = stakeholders(&known.collect::<Vec<_>>(), &[]);
        }
        market.past = deals.iter().filter_map(|deal| past(deal, &of_deal)).collect();
        market.capacity = capacity(&deals, &of_deal, self.settings.signals.most_per_owner);
        Ok(market)
    }

    /// What others than the CRM say of addresses: events that name people, mails from them, passages that give the address.
    fn hear_others(&self, market: &mut Market, events: &[SignalEvent]) -> anyhow::Result<()> {
        let since = (self.clock)() - FRESH_MS;
        let mut mails: BTreeMap<String, i64> = BTreeMap::new();
        for mail in self.store.latest_items(ItemKind::Mail, None, since, LOOKED_THROUGH)? {
            if let Some(from) = mail.body.get("from").and_then(serde_json::Value::as_str) {
                let newest = mails.entry(from.trim().to_lowercase()).or_insert(mail.at_unix_ms);
                *newest = mail.at_unix_ms.max(*newest);
            }
        }
        let facts = self.facts_since(since, LOOKED_THROUGH)?;
        let told = events_of(&market.accounts, events);
        for contact in &mut market.contacts {
            let email = contact.email().map(str::to_lowercase);
            let mut said = Vec::new();
            let mut say = |value: &str, source: &str, at_unix_ms: i64| {
                let (field, value, source) = (ContactField::Email, value.to_owned(), source.to_owned());
                said.push(ContactFact { field, value, source, at_unix_ms });
            };
            for event in told.get(&contact.account).into_iter().flatten() {
                let Some(person) = &event.person else { continue };
                let Some(address) = &person.email else { continue };
                if contact.is(&person.name) || email.as_deref() == Some(address.trim().to_lowercase().as_str()) {
                    // Two exports of one vendor are one source, and whose they are nobody knows: all tables are one.
                    let (way, _) = event.source.split_once(':').unwrap_or((&event.source, ""));
                    say(
                        address,
                        if ["csv", "jsonl"].contains(&way) { "imported tables" } else { way },
                        event.at_unix_ms,
                    );
                }
            }
            if let Some(email) = &email {
                if let Some(at) = mails.get(email) {
                    say(email, "a mail from them", *at);
                }
                for (_, fact) in facts.iter().filter(|(account, _)| *account == contact.account.to_string()) {
                    if stands_in(email, &fact.text().to_lowercase()) {
                        say(email, fact.source(), fact.at_unix_ms());
                    }
                }
            }
            contact.said.extend(said);
        }
        Ok(())
    }
}

/// Whether an address stands in a text whole: `ann@a.example` not in `joann@a.example`.
fn stands_in(email: &str, text: &str) -> bool {
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || "._%+-".contains(c));
    text.match_indices(email).any(|(at, _)| {
        let mut after = text[at + email.len()..].chars();
        // A full stop ends a sentence unless something of a domain follows it.
        let ends = match after.next() {
            Some('.') => !part(after.next()),
            next => !part(next),
        };
        ends && !part(text[..at].chars().next_back())
    })
}

fn name_of(record: &Record) -> Option<String> {
    let parts = [record.field("first_name"), record.field("last_name")];
    let joined = parts.into_iter().flatten().map(str::trim).collect::<Vec<_>>().join(" ");
    let name = record.field("name").map_or(joined, |n| n.trim().to_owned());
    (!name.is_empty()).then_some(name)
}

fn said_by_crm(record: &Record) -> Vec<ContactFact> {
    let fact = |value: &str| ContactFact {
        field: ContactField::Email,
        value: value.trim().to_owned(),
        source: format!("the CRM ({})", record.at.system),
        at_unix_ms: record.updated_unix_ms,
    };
    record.field("email").map(fact).into_iter().collect()
}

/// The company of each deal, from whichever side the link is kept.
fn companies_of(companies: &[Record], deals: &[Record]) -> BTreeMap<RecordRef, RecordRef> {
    let known: BTreeSet<&RecordRef> = companies.iter().map(|c| &c.at).collect();
    let mut out = BTreeMap::new();
    for company in companies {
        for deal in company.linked.iter().filter(|r| r.kind == RecordKind::Deal) {
            out.insert(deal.clone(), company.at.clone());
        }
    }
    for deal in deals {
        if let Some(company) = deal.linked.iter().find(|r| known.contains(r)) {
            out.insert(deal.at.clone(), company.clone());
        }
    }
    out
}

fn account(
    company: &Record,
    market: &Market,
    deals: &[Record],
    of_deal: &BTreeMap<RecordRef, RecordRef>,
) -> AccountRecord {
    let list = |name: &str| -> Vec<String> {
        let values = company.field(name).into_iter().flat_map(|v| v.split([';', ',']));
        values.map(|v| v.trim().to_owned()).filter(|v| !v.is_empty()).collect()
    };
    let emails = market.contacts.iter().filter(|c| c.account == company.at).filter_map(ContactAt::email);
    let of_open = deals.iter().find(|d| is_open(d) && of_deal.get(&d.at) == Some(&company.at));
    let owner = company.field("owner").or_else(|| of_open.and_then(|d| d.field("owner")));
    AccountRecord {
        at: company.at.clone(),
        name: company.field("name").unwrap_or(&company.at.id).to_owned(),
        domains: ["domain", "website", "url"].into_iter().flat_map(list).collect(),
        emails: emails.map(str::to_owned).collect(),
        facts: firmographics(company),
        owner: owner.map(str::to_owned),
        people: Vec::new(),
    }
}

/// What the CRM knows of a company, by our names of the fields.
fn firmographics(company: &Record) -> Firmographics {
    let text = |name: &str| company.field(name).map(str::trim).filter(|v| !v.is_empty());
    let texts = [
        (TextField::Industry, "industry"),
        (TextField::Country, "country"),
        (TextField::Segment, "segment"),
        (TextField::Ownership, "ownership"),
    ];
    let numbers = [
        (NumberField::Employees, "employees"),
        (NumberField::Sellers, "sellers"),
        (NumberField::RevenueUsd, "revenue_usd"),
        (NumberField::Founded, "founded"),
    ];
    let lists = [(ListField::Tech, "tech"), (ListField::Tags, "tags")];
    // "1,200" and "1 200" are numbers; "200-500" is none that could be compared.
    let number = |v: &str| v.replace([',', ' ', '\u{a0}', '\''], "").parse::<i64>().ok();
    let split = |v: &str| v.split([';', ',']).map(|p| p.trim().to_owned()).filter(|p| !p.is_empty()).collect();
    Firmographics {
        texts: texts.into_iter().filter_map(|(field, name)| Some((field, text(name)?.to_owned()))).collect(),
        numbers: numbers.into_iter().filter_map(|(field, name)| Some((field, number(text(name)?)?))).collect(),
        lists: lists.into_iter().filter_map(|(field, name)| Some((field, split(text(name)?)))).collect(),
    }
}

fn is_open(deal: &Record) -> bool {
    !deal.field("stage").is_some_and(|s| s.to_lowercase().starts_with("closed"))
}

/// A deal that is over, if it is known when it began: by its history, else by the day the CRM says it was made.
fn past(deal: &Record, of_deal: &BTreeMap<RecordRef, RecordRef>) -> Option<PastDeal> {
    if is_open(deal) {
        return None;
    }
    let account = of_deal.get(&deal.at)?.to_string();
    let letters: String = deal.field("stage")?.to_lowercase().chars().filter(char::is_ascii_alphabetic).collect();
    let by_history = || Some(deal.history.get("stage")?.first()?.at_unix_ms);
    let said = ["created", "created_at", "opened"].into_iter().find_map(|name| deal.field(name)).and_then(instant);
    Some(PastDeal {
        id: deal.at.to_string(),
        account,
        opened_unix_ms: said.or_else(by_history)?,
        won: letters == "closedwon",
    })
}

fn instant(text: &str) -> Option<i64> {
    let day = || format!("{}T00:00:00Z", text.get(..10)?).parse::<Timestamp>().ok();
    text.parse::<Timestamp>().ok().or_else(day).map(Timestamp::as_millisecond)
}

/// How busy owners are: by accounts with open deals.
fn capacity(deals: &[Record], of_deal: &BTreeMap<RecordRef, RecordRef>, most: Option<u32>) -> Capacity {
    let Some(most) = most else { return Capacity::default() };
    let mut busy: BTreeMap<String, BTreeSet<&RecordRef>> = BTreeMap::new();
    for deal in deals.iter().filter(|d| is_open(d)) {
        if let Some((owner, account)) = deal.field("owner").zip(of_deal.get(&deal.at)) {
            busy.entry(owner.to_owned()).or_default().insert(account);
        }
    }
    let load = |accounts: BTreeSet<&RecordRef>| Load { busy: u32::try_from(accounts.len()).unwrap_or(u32::MAX), most };
    Capacity { owners: busy.into_iter().map(|(owner, accounts)| (owner, load(accounts))).collect(), others: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_stands_in_a_text_whole_or_not_at_all() {
        for (text, there) in [
            ("write to ann@a.example.", true),
            ("<ann@a.example>", true),
            ("joann@a.example", false),
            ("ann@a.example.com", false),
            ("jo.ann@a.example", false),
            ("ann@a.examples", false),
        ] {
            assert_eq!(stands_in("ann@a.example", text), there, "{text}");
        }
    }
}
