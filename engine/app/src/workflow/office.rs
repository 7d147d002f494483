//! The stages over the store and the team's systems. What is due and what was done is known to the store alone, so that
//! everything may be killed at any moment and run again.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use anyhow::{Context, bail};
use reframe_call::playbook::Playbook;
use reframe_policy::ledger::Salt;
use reframe_store::{CallId, CallState, EventLog as _, SqliteLog, SqliteOptions};
use reframe_workflow::{
    artifact::{Artifact, Kind, Maker},
    audit::Actor,
    hygiene::Rules,
    outbox::{Inbox as _, Kept, Queue as _, Which},
    rubric::Rubric,
};
use serde::Serialize;

use super::{
    contact_book::ContactBook,
    drafting::Writer,
    settings::{MailKind, WorkflowSettings},
    systems::{SERVICE, Systems},
};
use crate::{
    config::Config,
    playbooks,
    server::{admission::now_unix_ms, tokens::Secret},
};

/// Calls looked at for what a former run of the program left undone.
const LATELY: usize = 200;

/// Gives the playbook in force, if it can be read.
pub type PlaybookSource = Box<dyn Fn() -> Option<Arc<Playbook>> + Send + Sync>;

/// The stages and all they need.
pub struct Office {
    pub(super) store: Arc<SqliteLog>,
    pub(super) systems: Systems,
    pub(super) settings: WorkflowSettings,
    pub(super) rules: Rules,
    pub(super) rubric: Rubric,
    pub(super) clock: fn() -> i64,
    /// What the executor asks before anything goes to a person outside.
    pub(super) clearing: reframe_policy::Desk<ContactBook>,
    /// What tokens in messages are derived from.
    pub(super) secret: Secret,
    /// The language model, if one is set up.
    pub(super) writer: Option<Writer>,
    /// Where the playbook comes from; see [`read_playbook`](Self::read_playbook).
    pub(super) playbook: OnceLock<PlaybookSource>,
    /// Calls this run has looked at. The store remembers those it could make something of; one that failed is tried again
    /// by the next run of the program.
    looked_at: Mutex<BTreeSet<CallId>>,
}

impl Office {
    /// Opens the systems, reads the rules, and gives the program's identity the rights it needs there.
    ///
    /// # Errors
    /// If a folder or a key is missing, a rule file is wrong, or the store cannot be written.
    pub fn open(
        settings: &WorkflowSettings,
        data_dir: &Path,
        store: Arc<SqliteLog>,
        clock: fn() -> i64,
    ) -> anyhow::Result<Self> {
        settings.check()?;
        let systems = Systems::open(settings, data_dir)?;
        let from = match settings.mail {
            MailKind::Local => settings.from.clone(),
            MailKind::Gmail => settings.gmail.from.clone(),
        };
        let outreach = settings.outreach.clone().unwrap_or_default().open(&settings.zone()?)?;
        let secret = Secret::load(data_dir)?;
        let salt = Salt::new(&secret.salt())?;
        let book = ContactBook::new(Arc::clone(&store), Arc::clone(&systems.crm), outreach, salt, from);
        let (rules, rubric) = rules(settings.rules_dir.as_deref())?;
        let writer = Writer::open(&settings.drafting)?;
        let known = store.service(SERVICE)?;
        let wanted = systems.service(settings.outreach.is_some());
        // One that was revoked stays so, and nothing is written until a person enrols it anew.
        if known.as_ref().is_none_or(|s| s.revoked_unix_ms.is_none() && s.rights != wanted.rights) {
            store.enrol(&wanted, &Actor::service(SERVICE), clock())?;
        }
        Ok(Self {
            store,
            systems,
            settings: settings.clone(),
            rules,
            rubric,
            clock,
            clearing: reframe_policy::Desk(book),
            secret,
            writer,
            playbook: OnceLock::new(),
            looked_at: Mutex::default(),
        })
    }

    /// Opens the office over a data folder that is there, by the machine's clock.
    ///
    /// # Errors
    /// As [`open`](Self::open); if there is no such folder.
    pub fn at(config: &Config) -> anyhow::Result<Self> {
        let dir = &config.data.dir;
        if !dir.is_dir() {
            bail!("the data folder {} is not there; name it with --data, or let a call run first", dir.display());
        }
        let store = Arc::new(SqliteLog::open(dir.join("reframe.db"), SqliteOptions::default())?);
        let office = Self::open(&config.workflow, dir, store, now_unix_ms)?;
        let folder = config.playbook.dir.clone();
        // Most commands ask for none, so it is not read before somebody does.
        office.read_playbook(Box::new(move || playbooks::load(folder.as_deref()).ok()));
        Ok(office)
    }

    /// Says where the playbook in force comes from; the first word counts. Without one, briefs know no cards.
    pub fn read_playbook(&self, source: PlaybookSource) {
        let _first_counts = self.playbook.set(source);
    }

    /// Keeps what a stage made.
    pub(super) fn keep<T: Serialize + Clone>(&self, kind: Kind, made: &Artifact<T>) -> anyhow::Result<bool> {
        let body = serde_json::to_value(&made.body).context("a hand-off has no JSON form")?;
        let artifact = Artifact { id: made.id.clone(), parents: made.parents.clone(), maker: made.maker.clone(), body };
        let kept = Kept { kind, artifact, at_unix_ms: (self.clock)() };
        Ok(self.store.put_artifact(&kept, &actor(&made.maker))?)
    }

    /// Calls that ended lately, that were not looked at yet and of which nothing was drafted, the oldest first. With
    /// `again` those too that were looked at and left nothing, or of which nobody knew the deal.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn due(&self, again: bool) -> anyhow::Result<Vec<CallId>> {
        let mut due = Vec::new();
        for record in self.store.calls(Some(CallState::Ended), LATELY)? {
            let id = &record.call.id;
            if !again && (self.has_looked_at(id) || self.store.was_looked_at(id)?) {
                continue;
            }
            let which = Which { batch: Some(batch_of(&record.call.id)), ..Which::default() };
            if self.store.proposals(&which, 1)?.is_empty() {
                due.push(record.call.id);
            }
        }
        due.reverse();
        Ok(due)
    }

    /// Notes that a call was looked at.
    pub(super) fn look_at(&self, call: &CallId) {
        self.looked_at.lock().unwrap_or_else(PoisonError::into_inner).insert(call.clone());
    }

    /// Whether this run has looked at a call.
    #[must_use]
    pub fn has_looked_at(&self, call: &CallId) -> bool {
        self.looked_at.lock().unwrap_or_else(PoisonError::into_inner).contains(call)
    }

    /// The store.
    #[must_use]
    pub const fn store(&self) -> &Arc<SqliteLog> {
        &self.store
    }
}

/// Who made something, for the audit log.
pub(super) fn actor(maker: &Maker) -> Actor {
    maker.model.as_ref().map_or_else(|| Actor::service(maker.task.clone()), |model| Actor::model(model.clone()))
}

/// The batch a call's proposals are in.
#[must_use]
pub fn batch_of(call: &CallId) -> String {
    format!("call {call}")
}

/// The call a batch is of, if it is one's.
#[must_use]
pub fn call_of(batch: &str) -> Option<&str> {
    batch.strip_prefix("call ")
}

/// The rules in `dir`, or the built-in ones.
fn rules(dir: Option<&Path>) -> anyhow::Result<(Rules, Rubric)> {
    let Some(dir) = dir else { return Ok((Rules::built_in(), Rubric::built_in())) };
    let read = |name: &str| -> anyhow::Result<(String, String)> {
        let path = dir.join(name);
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("{} cannot be read; workflow.rules_dir needs it", path.display()))?;
        Ok((path.display().to_string(), text))
    };
    let told = |problems: Vec<_>| {
        let lines: Vec<String> = problems.iter().map(|p: &reframe_call::playbook::Problem| p.to_string()).collect();
        anyhow::anyhow!("{}", lines.join("\n"))
    };
    let (stages, risks, rubric) = (read("stages.toml")?, read("risks.toml")?, read("rubric.toml")?);
    let rules = Rules::parse((&stages.0, &stages.1), (&risks.0, &risks.1)).map_err(told)?;
    let rubric = Rubric::parse(&rubric.0, &rubric.1).map_err(told)?;
    Ok((rules, rubric))
}
