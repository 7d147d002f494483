//! What was written and what happened at an account, as a brief takes it: mails, events, facts.

use std::collections::BTreeSet;

use reframe_prep::brief::Item;
use reframe_signal::event::AccountHint;
use reframe_store::{Item as Kept, ItemKind};
use reframe_workflow::system::Record;
use serde_json::Value;

use super::super::office::Office;

/// Mails and news of everybody that are looked through, the newest, and how far back, in ms: half a year.
const ITEMS: usize = 2_000;
const ITEMS_MS: i64 = 180 * 24 * 60 * 60 * 1_000;
/// Mails, and news, of one account that go into a brief's input, the latest first.
const OF_ACCOUNT: usize = 50;

/// Mails, and what happened, in order of time.
pub struct Things {
    /// Mails of the account, and from its people.
    pub mails: Vec<Item>,
    /// Events and facts.
    pub news: Vec<Item>,
}

impl Office {
    /// What was written and what happened at an account of late: the newest of it.
    pub(super) fn things_of(
        &self,
        company: Option<&Record>,
        deal: Option<&Record>,
        contacts: &[Record],
        now: i64,
    ) -> anyhow::Result<Things> {
        let keys = account_keys(company, deal);
        let filed = filed_under(company, deal);
        let ours = |kept: &Kept| of_account(kept, &keys);
        let mails = self.items_of(ItemKind::Mail, now, &filed, |kept| ours(kept) || from_one_of(kept, contacts))?;
        let mut news = self.items_of(ItemKind::Signal, now, &filed, ours)?;
        news.extend(self.items_of(ItemKind::Fact, now, &filed, ours)?);
        Ok(Things { mails, news })
    }

    /// The latest things of a kind that are wanted: of the newest of everybody's, and of what is filed under the account,
    /// however much happened elsewhere since.
    fn items_of(
        &self,
        kind: ItemKind,
        now: i64,
        filed: &BTreeSet<String>,
        wanted: impl Fn(&Kept) -> bool,
    ) -> anyhow::Result<Vec<Item>> {
        let since = now - ITEMS_MS;
        let mut kept = self.store.latest_items(kind, None, since, ITEMS)?;
        for account in filed {
            kept.extend(self.store.latest_items(kind, Some(account), since, OF_ACCOUNT)?);
        }
        kept.sort_by(|a, b| (a.at_unix_ms, &a.id).cmp(&(b.at_unix_ms, &b.id)));
        kept.dedup_by(|a, b| a.id == b.id);
        kept.retain(|k| k.at_unix_ms <= now && wanted(k));
        let from = kept.len().saturating_sub(OF_ACCOUNT);
        Ok(kept[from..].iter().filter_map(item).collect())
    }
}

/// What an account may be called where things are kept: its id, name and domain, and those of its deal.
fn account_keys(company: Option<&Record>, deal: Option<&Record>) -> BTreeSet<String> {
    let records = company.into_iter().chain(deal);
    let mut keys: BTreeSet<String> = records.clone().map(|r| r.at.to_string().to_lowercase()).collect();
    keys.extend(company.map(|c| c.at.id.to_lowercase()));
    let fields = company.into_iter().flat_map(|c| ["name", "domain"].into_iter().filter_map(|f| c.field(f)));
    keys.extend(fields.map(|f| f.trim().to_lowercase()).filter(|f| !f.is_empty()));
    keys
}

/// What things of an account are filed under, as it is written there: by events, by facts and mails.
fn filed_under(company: Option<&Record>, deal: Option<&Record>) -> BTreeSet<String> {
    let mut filed: BTreeSet<String> = company.into_iter().chain(deal).map(|r| r.at.to_string()).collect();
    if let Some(company) = company {
        let hints = [
            Some(AccountHint { id: Some(company.at.id.clone()), ..AccountHint::default() }),
            company.field("domain").map(AccountHint::domain),
            company.field("name").map(AccountHint::name),
        ];
        filed.extend(hints.into_iter().flatten().filter(|hint| !hint.is_empty()).map(|hint| hint.key()));
    }
    filed
}

/// Whether a kept thing is the account's: by what it is filed under, or by what its body says of the account.
fn of_account(kept: &Kept, keys: &BTreeSet<String>) -> bool {
    let known = |text: &str| {
        let text = text.trim().to_lowercase();
        let bare = text.strip_prefix("id:").or(text.strip_prefix("domain:")).or(text.strip_prefix("name:"));
        keys.contains(bare.unwrap_or(&text))
    };
    let hint = kept.body.get("account");
    let said = ["id", "domain", "name"].into_iter().filter_map(|key| hint?.get(key)?.as_str());
    kept.account.as_deref().into_iter().chain(hint.and_then(Value::as_str)).chain(said).any(known)
}

fn from_one_of(kept: &Kept, contacts: &[Record]) -> bool {
    let from = text_of(&kept.body, &["from"]).unwrap_or_default().to_lowercase();
    let addresses = contacts.iter().filter_map(|c| c.field("email")).map(|a| a.trim().to_lowercase());
    addresses.filter(|a| !a.is_empty()).any(|a| from.contains(&a))
}

/// The first of these members that is a text.
fn text_of(body: &Value, members: &[&str]) -> Option<String> {
    members.iter().find_map(|m| body.get(*m)?.as_str()).filter(|t| !t.trim().is_empty()).map(str::to_owned)
}

/// A kept thing as a brief takes it: its texts as they stand, for they are quoted.
fn item(kept: &Kept) -> Option<Item> {
    // A mail is told by what it says, not by its subject.
    let texts: &[&str] =
        if kept.kind == ItemKind::Mail { &["text", "body"] } else { &["title", "excerpt", "text", "quote"] };
    let said: Vec<String> = texts.iter().filter_map(|member| text_of(&kept.body, &[*member])).collect();
    (!said.is_empty()).then(|| Item {
        item: if kept.id.contains('/') { kept.id.clone() } else { format!("{}/{}", named(kept.kind), kept.id) },
        at_unix_ms: kept.at_unix_ms,
        url: text_of(&kept.body, &["url"]),
        from: text_of(&kept.body, &["from"]).unwrap_or_default(),
        text: said.join("\n"),
    })
}

const fn named(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::Mail => "mail",
        ItemKind::Fact => "fact",
        _ => "signal",
    }
}
