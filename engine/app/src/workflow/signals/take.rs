//! From bytes to kept events: files, deliveries of other systems, pasted text. Each event is kept once, whatever brings it
//! how often.

use std::{cell::RefCell, path::Path};

use anyhow::{Context, bail};
use reframe_signal::{
    event::{AccountHint, SignalEvent, SignalKind, dedupe},
    import::{self, Delivery, FeedAbout, Imported, Origin, Pasted, Problem, Refused},
};
use reframe_store::{Item, ItemKind};
use serde::Serialize;
use serde_json::json;

use crate::workflow::Office;

/// Events kept in one transaction: nobody waits long for the file.
const AT_ONCE: usize = 5_000;
/// Most events of which a feed is made; of more, the newest.
const MOST_EVENTS: usize = 300_000;
/// How far back events are read, in days: three years, of which a fit needs two and a year before.
const LOOK_BACK_DAYS: i64 = 3 * 365;
/// A day in ms.
const DAY_MS: i64 = 86_400_000;
/// Under which deliveries of the webhook are remembered.
const DELIVERIES: &str = "webhook";
/// Deliveries forgotten in one go, once they are too old to be replayed.
const FORGOTTEN: usize = 200;

/// How a file is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// A table with a header line
    Csv,
    /// One JSON object a line
    Jsonl,
    /// RSS 2.0
    Rss,
    /// Atom
    Atom,
    /// A passage of text
    Paste,
}

impl Form {
    /// By a file's name, if it tells.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        let end = path.extension()?.to_str()?.to_ascii_lowercase();
        Some(match end.as_str() {
            "csv" | "tsv" => Self::Csv,
            "jsonl" | "ndjson" => Self::Jsonl,
            "rss" | "xml" => Self::Rss,
            "atom" => Self::Atom,
            "txt" | "md" => Self::Paste,
            _ => return None,
        })
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
            Self::Rss => "rss",
            Self::Atom => "atom",
            Self::Paste => "paste",
        }
    }
}

/// What a person says of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// The account all of it is about: a domain, an id in the CRM, or a name.
    pub account: Option<String>,
    /// What kind of signal all of it is.
    pub kind: Option<SignalKind>,
}

/// What was taken in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Took {
    /// Events that were read.
    pub events: usize,
    /// How many of them were not known.
    pub new: usize,
    /// Lines, or rests of files, that were refused.
    pub refused: usize,
    /// Items of a feed that name no account on record.
    pub not_ours: usize,
    /// What is wrong, and where; the first 200.
    pub problems: Vec<Problem>,
    /// Problems beyond those.
    pub more_problems: usize,
}

impl Office {
    /// Reads bytes into events and keeps them. `name` is the file's.
    ///
    /// # Errors
    /// If what is said of it does not fit its form, or the store or the CRM cannot be read. Nothing is lost by a
    /// repetition.
    pub fn take_signals(&self, bytes: &[u8], name: &str, form: Form, about: &About) -> anyhow::Result<Took> {
        let source = format!("{}:{name}", form.word());
        let origin = Origin { source: &source, received_unix_ms: (self.clock)() };
        let table = matches!(form, Form::Csv | Form::Jsonl);
        if table && (about.account.is_some() || about.kind.is_some()) {
            bail!("a table names account and kind in each line; leave --account and --kind out");
        }
        let imported = match form {
            Form::Csv => import::csv(bytes, origin),
            Form::Jsonl => import::json_lines(bytes, origin),
            Form::Rss | Form::Atom => match &about.account {
                Some(account) => import::feed(bytes, FeedAbout::Account(&self.hint(account)?), about.kind, origin),
                None => import::feed(bytes, FeedAbout::Watch(&self.watched()?), about.kind, origin),
            },
            Form::Paste => {
                let account = about.account.as_ref().context("say which account the text is about: --account")?;
                let text = std::str::from_utf8(bytes).context("the text is no UTF-8")?;
                let about = Pasted { account: self.hint(account)?, kind: about.kind, ..Pasted::default() };
                import::pasted(text, &about, origin).0
            }
        };
        self.took(imported)
    }

    /// Takes in what another system delivered, once.
    ///
    /// # Errors
    /// Inside: why it is refused, to be answered to the sender. Outside: if the store cannot be used; then nothing was
    /// taken and it may be delivered again.
    pub fn deliver_signals(&self, secret: &str, delivery: Delivery<'_>) -> anyhow::Result<Result<Took, Refused>> {
        let now = (self.clock)();
        let fault = RefCell::new(None);
        let seen = |id: &str| match self.store.item(ItemKind::Taken, &delivered(id)) {
            Ok(known) => known.is_some(),
            Err(error) => {
                *fault.borrow_mut() = Some(error);
                true
            }
        };
        let read = import::webhook(secret.as_bytes(), delivery, now, &seen, "webhook:events");
        if let Some(error) = fault.into_inner() {
            return Err(error.into());
        }
        let (id, imported) = match read {
            Ok(read) => read,
            Err(refused) => return Ok(Err(refused)),
        };
        let took = self.took(imported)?;
        // After the events: a crash in between leaves a delivery that may come again, whose events are known by then.
        let body = json!({ "events": took.events, "refused": took.refused });
        let remembered = Item {
            kind: ItemKind::Taken,
            id: delivered(&id),
            account: Some(DELIVERIES.to_owned()),
            at_unix_ms: now,
            body,
        };
        self.store.keep_items(&[remembered])?;
        // The signature's own time keeps what is older than minutes out.
        for old in self.store.items(ItemKind::Taken, Some(DELIVERIES), 0, FORGOTTEN)? {
            if old.at_unix_ms < now - DAY_MS {
                self.store.drop_item(ItemKind::Taken, &old.id)?;
            }
        }
        Ok(Ok(took))
    }

    fn took(&self, imported: Imported) -> anyhow::Result<Took> {
        let refused = imported.refused();
        let Imported { mut events, problems, more_problems, not_ours, .. } = imported;
        let read = events.len();
        dedupe(&mut events);
        let mut new = 0;
        for part in events.chunks(AT_ONCE) {
            let items: Vec<Item> = part.iter().map(item).collect::<anyhow::Result<_>>()?;
            new += self.store.keep_items(&items)?;
        }
        Ok(Took { events: read, new, refused, not_ours, problems, more_problems })
    }

    /// What a person's word for an account says: a domain, an id of the CRM, or a name.
    fn hint(&self, account: &str) -> anyhow::Result<AccountHint> {
        let account = account.trim();
        if account.contains('.') && !account.contains(' ') {
            return Ok(AccountHint::domain(account));
        }
        let known = self.companies()?;
        Ok(match known.into_iter().find(|c| c.at.id == account) {
            Some(company) => AccountHint { id: Some(company.at.id), ..AccountHint::default() },
            None => AccountHint::name(account),
        })
    }

    /// The names that items of a feed are looked through for.
    fn watched(&self) -> anyhow::Result<Vec<(String, AccountHint)>> {
        let named = self.companies()?.into_iter().filter_map(|company| {
            let name = company.field("name")?.to_owned();
            let hint = match company.field("domain") {
                Some(domain) => AccountHint { name: Some(name.clone()), ..AccountHint::domain(domain) },
                None => AccountHint { id: Some(company.at.id.clone()), ..AccountHint::name(&name) },
            };
            Some((name, hint))
        });
        Ok(named.collect())
    }

    /// The events that are kept, back to three years or the newest as many as a feed may be made of; and what was left out.
    pub(in crate::workflow) fn events(&self) -> anyhow::Result<(Vec<SignalEvent>, Option<String>)> {
        self.newest_events(MOST_EVENTS)
    }

    fn newest_events(&self, most: usize) -> anyhow::Result<(Vec<SignalEvent>, Option<String>)> {
        let since = (self.clock)() - LOOK_BACK_DAYS * DAY_MS;
        // One more than may be tells whether something is left out.
        let mut items = self.store.latest_items(ItemKind::Signal, None, since, most.saturating_add(1))?;
        let cut = if items.len() > most {
            items.drain(..items.len() - most);
            let oldest = items.first().map_or(since, |item| item.at_unix_ms);
            let day = self.zoned(oldest)?.date();
            Some(format!("there are more than {most} events; only the newest of them, back to {day}, were looked at"))
        } else {
            None
        };
        let events = items.into_iter().filter_map(|item| serde_json::from_value::<SignalEvent>(item.body).ok());
        Ok((events.filter(SignalEvent::is_genuine).collect(), cut))
    }
}

fn delivered(id: &str) -> String {
    format!("delivery/{id}")
}

/// An event as it is kept.
pub(in crate::workflow) fn item(event: &SignalEvent) -> anyhow::Result<Item> {
    Ok(Item {
        kind: ItemKind::Signal,
        id: event.id.clone(),
        account: Some(event.account.key()),
        at_unix_ms: event.at_unix_ms,
        body: serde_json::to_value(event)?,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use reframe_store::SqliteLog;

    use super::*;
    use crate::workflow::WorkflowSettings;

    /// What is cut off is what is oldest, and it is said back to when events count.
    #[test]
    fn of_too_many_events_the_newest_count() {
        let dir = tempfile::tempdir().unwrap();
        // 2 March 2026, 00:00 UTC.
        let clock: fn() -> i64 = || 1_772_409_600_000;
        let store = Arc::new(SqliteLog::in_memory().unwrap());
        let office = Office::open(&WorkflowSettings::default(), dir.path(), store, clock).unwrap();
        let row = |day: i64| format!("news,acme.example,2026-02-{day:02},Acme says something on day {day}\n");
        let table = format!("kind,domain,at,title\n{}", (1..=20).map(row).collect::<String>());
        let took = office.take_signals(table.as_bytes(), "a.csv", Form::Csv, &About::default()).unwrap();
        assert_eq!((took.new, took.refused), (20, 0), "{:?}", took.problems);
        let days = |most| {
            let (events, cut) = office.newest_events(most).unwrap();
            (events.iter().map(|e| e.at_unix_ms).collect::<Vec<_>>(), cut)
        };
        let (all, none_cut) = days(20);
        assert_eq!((all.len(), none_cut), (20, None));
        let (newest, cut) = days(3);
        assert_eq!(newest, all[17..]);
        assert!(cut.as_ref().is_some_and(|c| c.contains("more than 3") && c.contains("2026-02-18")), "{cut:?}");
    }
}
