//! Accounts over the six stages, the funnel and the morning, from the store and the CRM.
//!
//! Everything is worked out anew from what is kept. The server keeps the last [`Snapshot`] until something new stands in the
//! audit log.

mod briefed;
mod records;
mod snapshot;
mod vitals;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Context as _;
use jiff::{civil, tz::TimeZone};
use reframe_call::date::Date;
use reframe_funnel::{
    account::AccountState,
    deal::{CallNote, DealSummary, summary},
    funnel::{Question, cases},
    huddle::{self, Moment, Topic, WorkWeek, judge},
    page::{AccountPage, AccountsPage, FunnelPage, HuddlePage, account_page, accounts_page, funnel_page},
    stage::{Point, Stage},
};
use reframe_policy::ledger::What;
use reframe_serve::{
    accounts::{
        AccountsDesk, FunnelAsked,
        briefs::{BriefPage, BriefsPage},
        journey::{JourneyPage, journey, walk_of},
    },
    review::DeskError,
};
use reframe_store::CallId;
use reframe_workflow::{
    artifact::{ArtifactId, Kind},
    handoff::{CallTranscript, NoteProposal},
    outbox::{AuditBook as _, Inbox as _},
};

pub(in crate::workflow) use self::briefed::brief_of;
use self::snapshot::Snapshot;
use super::office::Office;

/// What was read is used this long even if there is something newer, in ms, so that a page that is loaded again and again
/// does not read the whole store each time.
const FRESH_MS: i64 = 5_000;
/// And this long if the audit log has nothing newer: what the CRM says may have changed without it.
const KEPT_MS: i64 = 60_000;
/// Notes a summary of a deal is put together from, the latest.
const NOTES: usize = 200;
/// Calls of a morning whose cards are read.
const CALLS: usize = 200;
/// Entries of the contact ledger read at once.
const AT_ONCE: usize = 10_000;
/// Accounts that are named if it is not clear which is meant.
const LIKELY: usize = 5;

/// An account that is not known, or not one alone.
#[derive(Debug, thiserror::Error)]
pub enum NotFound {
    /// None.
    #[error("account `{0}`")]
    None(String),
    /// Several: their ids.
    #[error("one account `{0}`, but several: {1}")]
    Several(String, String),
}

/// The desk of the account pages and of the commands.
pub struct Accounts {
    office: Arc<Office>,
    kept: Mutex<Option<Arc<Snapshot>>>,
}

impl Accounts {
    /// Over this office. Nothing is read yet.
    #[must_use]
    pub const fn new(office: Arc<Office>) -> Self {
        Self { office, kept: Mutex::new(None) }
    }

    /// The team's zone.
    ///
    /// # Errors
    /// If there is none of that name.
    pub fn zone(&self) -> anyhow::Result<TimeZone> {
        self.office.settings.zone()
    }

    /// What is known now, or was a few seconds ago.
    fn known(&self) -> anyhow::Result<Arc<Snapshot>> {
        let (head, now) = (self.office.store.head()?.next, (self.office.clock)());
        // Whoever asks meanwhile waits here and then finds it done.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let good = |known: &&Arc<Snapshot>| {
            let age = now.saturating_sub(known.at_unix_ms);
            (0..if known.upto == head { KEPT_MS } else { FRESH_MS }).contains(&age)
        };
        if let Some(known) = kept.as_ref().filter(good) {
            return Ok(Arc::clone(known));
        }
        // The old one is not needed while the new one is made.
        *kept = None;
        let records = snapshot::records(&self.office)?;
        let read = Arc::new(Snapshot::read(&self.office, &records)?);
        *kept = Some(Arc::clone(&read));
        Ok(read)
    }

    /// All accounts, those with the latest news first.
    ///
    /// # Errors
    /// If the store or the CRM cannot be read.
    pub fn list(&self) -> anyhow::Result<AccountsPage> {
        Ok(accounts_page(&self.known()?.accounts, &self.office.settings.zone))
    }

    /// One account and its page: by id or name, or the id of a record, call, hand-off or proposal of it.
    ///
    /// # Errors
    /// [`NotFound`] inside; if the store or the CRM cannot be read.
    pub fn one(&self, wanted: &str) -> anyhow::Result<Result<(AccountState, AccountPage), NotFound>> {
        let known = self.known()?;
        let state = match find(&known.accounts, wanted) {
            Ok(state) => state,
            Err(not_found) => return Ok(Err(not_found)),
        };
        let page = account_page(state, self.summary(state)?, &self.office.settings.zone);
        Ok(Ok((state.clone(), page)))
    }

    /// One walk of an account, stage by stage; without a number, the latest. The account as for [`one`](Self::one).
    ///
    /// # Errors
    /// [`NotFound`] inside; if the store or the CRM cannot be read.
    pub fn journey_of(&self, wanted: &str, walk: Option<u32>) -> anyhow::Result<Result<JourneyPage, NotFound>> {
        let known = self.known()?;
        let state = match find(&known.accounts, wanted) {
            Ok(state) => state,
            Err(not_found) => return Ok(Err(not_found)),
        };
        let told = self.office.told(state, walk_of(state, walk))?;
        let none = || NotFound::None(format!("{wanted}, walk {}", walk.unwrap_or_default()));
        Ok(journey(state, walk, &told, &self.office.settings.zone).ok_or_else(none))
    }

    /// What its calls left, if there were any.
    fn summary(&self, state: &AccountState) -> anyhow::Result<Option<DealSummary>> {
        let notes = state.nodes.iter().filter(|(_, node)| node.kind == Kind::NoteProposal);
        let mut ids: Vec<(i64, &ArtifactId)> = notes.map(|(id, node)| (node.at_unix_ms, id)).collect();
        ids.sort_unstable_by(|a, b| b.cmp(a));
        let (mut seen, mut read) = (BTreeSet::new(), Vec::new());
        for (at_unix_ms, id) in ids {
            let Some(kept) = self.office.store.artifact(id)? else { continue };
            // A tombstone says nothing; of a call's notes the last counts.
            let Ok(note) = serde_json::from_value::<NoteProposal>(kept.artifact.body) else { continue };
            if seen.insert(note.call.clone()) {
                let began = state.calls.get(&note.call).map_or(at_unix_ms, |call| call.started_unix_ms);
                read.push((began, id, note));
            }
            if read.len() == NOTES {
                break;
            }
        }
        let notes: Vec<CallNote<'_>> =
            read.iter().map(|(at_unix_ms, id, note)| CallNote { id, at_unix_ms: *at_unix_ms, note }).collect();
        Ok((!notes.is_empty()).then_some(summary(&notes, self.today()?)))
    }

    fn today(&self) -> anyhow::Result<Date> {
        let day = self.office.zoned((self.office.clock)())?.date();
        day.to_string().parse().ok().context("the clock of this machine is far from our time; set it")
    }

    /// What is lost from stage to stage.
    ///
    /// # Errors
    /// If the store or the CRM cannot be read.
    pub fn lost(&self, asked: &FunnelAsked) -> anyhow::Result<FunnelPage> {
        let known = self.known()?;
        let (from, to) = asked.between.unwrap_or((Point::begun(Stage::Signal), Point::done(Stage::Hygiene)));
        let question =
            Question { from, to, now_unix_ms: (self.office.clock)(), zone: self.zone()?, by: asked.by, lapse_ms: None };
        Ok(funnel_page(&cases(&known.accounts), &question, asked.between.is_some()))
    }

    /// The morning of a day; without one, today's.
    ///
    /// # Errors
    /// If the store or the CRM cannot be read.
    pub fn morning(&self, day: Option<Date>) -> anyhow::Result<HuddlePage> {
        let (known, zone) = (self.known()?, self.zone()?);
        let now = match day {
            Some(day) => {
                let noon = day.to_string().parse::<civil::Date>()?.at(12, 0, 0, 0);
                noon.to_zoned(zone.clone())?.timestamp().as_millisecond()
            }
            None => (self.office.clock)(),
        };
        let window = huddle::window(now, &zone, &WorkWeek::default())?;
        let within = |at: i64| at >= window.from_unix_ms && at < window.to_unix_ms;
        let mut moments = huddle::of_log(&known.log);
        moments.extend(huddle::of_calls(&self.heard(&known, &within)?));
        moments.extend(judge(&known.flags, &known.turns));
        moments.extend(known.kills.iter().cloned());
        moments.extend(self.replies(&within)?);
        Ok(HuddlePage { huddle: huddle::huddle(window, &moments), time_on_task: Some(known.decisions.clone()) })
    }

    /// What was said in the calls of a time, as far as it is still there.
    fn heard(&self, known: &Snapshot, within: &dyn Fn(i64) -> bool) -> anyhow::Result<Vec<CallTranscript>> {
        let mut calls = Vec::new();
        for fact in known.log.iter().rev() {
            let reframe_funnel::fact::Happened::Called { call, .. } = &fact.what else { continue };
            if !within(fact.at_unix_ms) || calls.len() == CALLS {
                continue;
            }
            // Its words may have been erased; then nothing of it is left to show.
            if let Ok(heard) = self.office.hear(&CallId::new(call)?) {
                calls.push(heard.transcript);
            }
        }
        Ok(calls)
    }

    /// Messages that came back, as the contact ledger has them. Who wrote is there, not here.
    fn replies(&self, within: &dyn Fn(i64) -> bool) -> anyhow::Result<Vec<Moment>> {
        let (mut seq, mut out) = (0, Vec::new());
        loop {
            let page = self.office.store.contacts_from(seq, AT_ONCE)?;
            let Some(last) = page.last() else { return Ok(out) };
            seq = last.seq + 1;
            for entry in &page {
                if let What::ReplyReceived { channel } = entry.what
                    && within(entry.at_unix_ms)
                {
                    out.push(Moment {
                        at_unix_ms: entry.at_unix_ms,
                        topic: Topic::Reply,
                        links: vec![format!("contact/{}", entry.seq)],
                        says: format!("{channel:?}").to_lowercase(),
                    });
                }
            }
        }
    }
}

/// The account that is meant.
fn find<'a>(accounts: &'a [AccountState], wanted: &str) -> Result<&'a AccountState, NotFound> {
    let wanted = wanted.trim();
    let artifact = wanted.parse::<ArtifactId>().ok();
    let has = |state: &&AccountState| {
        state.account.id == wanted
            || state.account.records.iter().any(|record| record.to_string() == wanted)
            || state.calls.contains_key(wanted)
            || artifact.as_ref().is_some_and(|id| {
                state.nodes.contains_key(id) || state.asks.contains_key(&reframe_workflow::gate::ProposalId(id.clone()))
            })
    };
    if let Some(state) = accounts.iter().find(has) {
        return Ok(state);
    }
    let lower = wanted.to_lowercase();
    let named: Vec<&AccountState> = accounts.iter().filter(|s| s.account.name.to_lowercase() == lower).collect();
    let likely = if named.is_empty() && !lower.is_empty() {
        accounts.iter().filter(|s| s.account.name.to_lowercase().contains(&lower)).collect()
    } else {
        named
    };
    match likely.as_slice() {
        [one] => Ok(one),
        [] => Err(NotFound::None(wanted.to_owned())),
        several => {
            let mut names: Vec<String> =
                several.iter().take(LIKELY).map(|s| format!("{} ({})", s.account.id, s.account.name)).collect();
            if several.len() > LIKELY {
                names.push(format!("{} more", several.len() - LIKELY));
            }
            Err(NotFound::Several(wanted.to_owned(), names.join(", ")))
        }
    }
}

fn down(error: anyhow::Error) -> DeskError {
    tracing::error!("the desk of the account pages: {error:#}");
    DeskError::Down(format!("{error:#}"))
}

impl AccountsDesk for Accounts {
    fn accounts(&self) -> Result<AccountsPage, DeskError> {
        self.list().map_err(down)
    }

    fn account(&self, id: &str) -> Result<AccountPage, DeskError> {
        let found = self.one(id).map_err(down)?;
        found.map(|(_, page)| page).map_err(|not_found| DeskError::Unknown(not_found.to_string()))
    }

    fn journey(&self, id: &str, walk: Option<u32>) -> Result<JourneyPage, DeskError> {
        let found = self.journey_of(id, walk).map_err(down)?;
        found.map_err(|not_found| DeskError::Unknown(not_found.to_string()))
    }

    fn funnel(&self, asked: &FunnelAsked) -> Result<FunnelPage, DeskError> {
        self.lost(asked).map_err(down)
    }

    fn huddle(&self, day: Option<Date>) -> Result<HuddlePage, DeskError> {
        self.morning(day).map_err(down)
    }

    fn briefs(&self) -> Result<BriefsPage, DeskError> {
        self.office.briefs_page().map_err(down)
    }

    fn brief(&self, id: &str) -> Result<BriefPage, DeskError> {
        self.office.brief_page(id).map_err(down)?.ok_or_else(|| DeskError::Unknown(format!("meeting `{id}`")))
    }
}
