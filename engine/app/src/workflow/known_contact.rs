//! What the CRM knows of somebody a mail goes to: contact, account, colleagues, open deals; read anew each time.

use std::collections::BTreeSet;

use reframe_connect::local;
use reframe_policy::{
    Subscriber,
    kill::Account,
    ledger::{PersonKey, domain_key},
};
use reframe_workflow::{
    mailbox_provider::is_mailbox_provider,
    system::{Listing, ReadError, Record, RecordKind, RecordRef, SystemOfRecord},
};

/// Colleagues whose own deals and entries are looked at; beyond that only the account's.
const COLLEAGUES: usize = 20;
/// Fields of a contact that hold a way to reach them.
const KEYS: [&str; 6] = ["email", "email_2", "phone", "mobile", "linkedin", "linkedin_url"];

/// Field of a contact that says that they want no mail.
const OPT_OUT: &str = "email_opt_out";

/// What the CRM knows of a person.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The person as contacts, mostly one.
    pub contacts: Vec<Record>,
    companies: Vec<Record>,
    colleagues: Vec<Record>,
    /// Deals of the person, their account or their colleagues that are not over.
    pub open_deals: u32,
}

/// Looks a person up by one of their keys.
///
/// # Errors
/// [`ReadError`].
pub fn look_up(crm: &dyn SystemOfRecord, key: &PersonKey, written: &str) -> Result<Known, ReadError> {
    let contacts = contacts(crm, key, written)?;
    let mut companies = Vec::new();
    for contact in &contacts {
        companies.extend(linked(crm, RecordKind::Company, &contact.at)?);
    }
    if let Some(domain) = own_domain(key) {
        let which = Listing { field: Some(("domain".to_owned(), domain.to_owned())), ..Listing::default() };
        companies.extend(crm.list(RecordKind::Company, &which)?);
    }
    once(&mut companies);
    let mut colleagues = Vec::new();
    for company in &companies {
        colleagues.extend(linked(crm, RecordKind::Contact, &company.at)?);
    }
    once(&mut colleagues);
    colleagues.retain(|c| !contacts.iter().any(|own| own.at == c.at));
    colleagues.truncate(COLLEAGUES);
    let mut deals = Vec::new();
    for record in contacts.iter().chain(&companies).chain(&colleagues) {
        deals.extend(linked(crm, RecordKind::Deal, &record.at)?);
    }
    once(&mut deals);
    let open_deals = u32::try_from(deals.iter().filter(|d| is_open(d)).count()).unwrap_or(u32::MAX);
    Ok(Known { contacts, companies, colleagues, open_deals })
}

/// The contacts that are this person. A folder is read whole, for there people write an address as they like; a CRM is asked
/// for the address first.
fn contacts(crm: &dyn SystemOfRecord, key: &PersonKey, written: &str) -> Result<Vec<Record>, ReadError> {
    let is = |contact: &Record| keys_of(contact).contains(key);
    if crm.name() != local::NAME {
        let mut found = Vec::new();
        let spelled = key.as_str().split_once(':').map_or(written, |(_, rest)| rest);
        for text in BTreeSet::from([written.to_owned(), written.to_lowercase(), spelled.to_owned()]) {
            let which = Listing { field: Some(("email".to_owned(), text)), ..Listing::default() };
            found.extend(crm.list(RecordKind::Contact, &which)?);
        }
        found.retain(is);
        if !found.is_empty() {
            once(&mut found);
            return Ok(found);
        }
    }
    let mut all = crm.list(RecordKind::Contact, &Listing::default())?;
    all.retain(is);
    Ok(all)
}

fn linked(crm: &dyn SystemOfRecord, kind: RecordKind, to: &RecordRef) -> Result<Vec<Record>, ReadError> {
    crm.list(kind, &Listing { linked_to: Some(to.clone()), ..Listing::default() })
}

fn once(records: &mut Vec<Record>) {
    records.sort_by(|a, b| a.at.cmp(&b.at));
    records.dedup_by(|a, b| a.at == b.at);
}

/// Whatever its pipeline is called, a deal is over where its stage says so; one without a stage is not.
fn is_open(deal: &Record) -> bool {
    let stage = deal.field("stage").unwrap_or_default().trim().to_lowercase();
    !(stage.starts_with("closed") || stage == "won" || stage == "lost")
}

/// Every way to reach a contact that their record has, addresses first.
pub fn keys_of(contact: &Record) -> Vec<PersonKey> {
    KEYS.iter().filter_map(|name| contact.field(name)).filter_map(|text| PersonKey::new(text).ok()).collect()
}

/// The domain of a person's address, unless anybody may have one there.
fn own_domain(key: &PersonKey) -> Option<&str> {
    key.domain().filter(|domain| !is_mailbox_provider(domain))
}

impl Known {
    /// All keys of the person, the one they were looked up by first.
    pub fn keys(&self, first: &PersonKey) -> Vec<PersonKey> {
        let mut keys = vec![first.clone()];
        for key in self.contacts.iter().flat_map(keys_of) {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys
    }

    /// Whether the CRM says that they want no mail: somebody ticked it there, or what was asked of it after an answer was
    /// approved. It holds also where our own ledger knows nothing of it.
    pub fn opted_out(&self) -> bool {
        let yes = |text: &str| matches!(text.trim().to_lowercase().as_str(), "true" | "yes" | "y" | "1" | "x");
        self.contacts.iter().filter_map(|c| c.field(OPT_OUT)).any(yes)
    }

    /// What the person is called.
    pub fn names(&self) -> Vec<String> {
        let name = |c: &Record| match (c.field("name"), c.field("first_name"), c.field("last_name")) {
            (Some(name), ..) => Some(name.to_owned()),
            (None, Some(first), Some(last)) => Some(format!("{first} {last}")),
            _ => None,
        };
        self.contacts.iter().filter_map(name).collect()
    }

    /// Whose their address is: a company's, where the account they belong to has its domain.
    pub fn subscriber(&self, key: &PersonKey) -> Subscriber {
        let Some(own) = own_domain(key) else { return Subscriber::Unknown };
        let has = |c: &Record| c.field("domain").and_then(domain_key).is_some_and(|domain| domain == own);
        if self.companies.iter().any(has) { Subscriber::Corporate } else { Subscriber::Unknown }
    }

    /// Every name the account goes by: ids in the CRM, domains.
    pub fn account_names(&self, key: &PersonKey) -> BTreeSet<String> {
        let ids = self.companies.iter().map(|c| c.at.id.clone());
        ids.chain(self.domains(key)).collect()
    }

    /// The account's domains.
    pub fn domains(&self, key: &PersonKey) -> BTreeSet<String> {
        let of_companies = self.companies.iter().filter_map(|c| c.field("domain")).filter_map(domain_key);
        let own = own_domain(key).map(str::to_owned);
        of_companies.filter(|domain| !is_mailbox_provider(domain)).chain(own).collect()
    }

    /// Keys of the people of the account whom the CRM knows, without this one.
    pub fn colleagues(&self) -> Vec<PersonKey> {
        self.colleagues.iter().flat_map(keys_of).collect()
    }

    /// The account.
    pub fn account(&self, key: &PersonKey) -> Account {
        let names = self.account_names(key);
        let first = self.companies.first().map(|c| c.at.id.clone()).or_else(|| names.into_iter().next());
        let mut industries = BTreeSet::new();
        for text in self.companies.iter().filter_map(|c| c.field("industry")) {
            for one in text.split(';').map(str::trim).filter(|one| !one.is_empty()) {
                industries.insert(one.to_owned());
                // As some systems have it: FINANCIAL_SERVICES.
                industries.insert(one.replace('_', " "));
            }
        }
        let zone = self.companies.iter().chain(&self.contacts).find_map(|r| r.field("time_zone")).map(str::to_owned);
        Account { id: first.unwrap_or_default(), industries, zone }
    }
}
