//! What is known about accounts besides signals: statements with their source, screened before they are kept.

use anyhow::{Context, bail};
use reframe_outreach::facts::{Blocked, Fact, FactSheet, Found, MAX_FACTS};
use reframe_store::{Item, ItemKind};
use reframe_workflow::system::RecordRef;

use crate::workflow::Office;

/// Largest file of facts, in bytes.
const MOST_BYTES: usize = 4 << 20;
/// Most statements of one file.
const MOST: usize = 5_000;

/// What was taken in of a file of facts.
#[derive(Debug, Default)]
pub struct FactsTaken {
    /// Statements that may be used.
    pub facts: usize,
    /// How many of them were not known.
    pub new: usize,
    /// Those that may not, by their place in the file from 1, with the reason.
    pub blocked: Vec<(usize, Blocked)>,
}

impl Office {
    /// Keeps the statements of a file about an account: a JSON list, or one object a line. Those that are private,
    /// unsourced or not published for business are left out.
    ///
    /// # Errors
    /// If the file is none of these, or the account is not on record.
    pub fn take_facts(&self, bytes: &[u8], account: &str) -> anyhow::Result<FactsTaken> {
        if bytes.len() > MOST_BYTES {
            bail!("{} bytes are more than {MOST_BYTES}; split the file", bytes.len());
        }
        let found = parse(bytes)?;
        if found.len() > MOST {
            bail!("{} statements are more than {MOST}; split the file", found.len());
        }
        let market = self.market(&[])?;
        let at = market.find(account).map_err(anyhow::Error::msg)?.at.to_string();
        let mut taken = FactsTaken::default();
        let mut items = Vec::new();
        for (nth, mut found) in (1..).zip(found) {
            // Its name follows from what it says; a file cannot put words under the name of something else.
            found.item = None;
            match Fact::screen(found) {
                Ok(fact) => items.push(Item {
                    kind: ItemKind::Fact,
                    id: fact.item().to_owned(),
                    account: Some(at.clone()),
                    at_unix_ms: fact.at_unix_ms(),
                    body: serde_json::to_value(&fact)?,
                }),
                Err(why) => taken.blocked.push((nth, why)),
            }
        }
        taken.facts = items.len();
        taken.new = self.store.keep_items(&items)?;
        Ok(taken)
    }

    /// What may be said about an account, the newest first.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(in crate::workflow) fn sheet(&self, account: &RecordRef) -> anyhow::Result<FactSheet> {
        let kept = self.store.latest_items(ItemKind::Fact, Some(&account.to_string()), i64::MIN, MAX_FACTS)?;
        let found = kept.into_iter().rev().filter_map(|item| serde_json::from_value::<Found>(item.body).ok()).collect();
        Ok(FactSheet::of(found).0)
    }

    /// Facts published since a time, each with its account's record; of too many, the newest.
    pub(in crate::workflow) fn facts_since(&self, since: i64, most: usize) -> anyhow::Result<Vec<(String, Fact)>> {
        let kept = self.store.latest_items(ItemKind::Fact, None, since, most)?;
        let read = kept.into_iter().filter_map(|item| Some((item.account?, serde_json::from_value(item.body).ok()?)));
        Ok(read.collect())
    }
}

fn parse(bytes: &[u8]) -> anyhow::Result<Vec<Found>> {
    let form =
        "write a list of {\"text\": …, \"class\": \"company_site\", \"source\": …, \"url\": …, \"at_unix_ms\": …}";
    if bytes.trim_ascii_start().first() == Some(&b'[') {
        return serde_json::from_slice(bytes).context(form);
    }
    let lines = (1..).zip(bytes.split(|b| *b == b'\n')).filter(|(_, line)| !line.trim_ascii().is_empty());
    lines.map(|(n, line)| serde_json::from_slice(line).with_context(|| format!("line {n}: {form}"))).collect()
}
