//! A language model's text in place of the rules', where one is set up and the text holds.
//!
//! The rules' note is in the inbox first, within its ten seconds, whatever the model does: it is asked afterwards, on a
//! thread of its own, so that neither the next call nor a write that was approved waits for it. What it writes becomes the
//! next revision of a proposal that no person has seen yet; one that somebody has on their screen does not change under
//! their eyes, and the model's text is thrown away. A program that is killed in between leaves the rules' text.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use crossbeam::channel::{Receiver, Sender, bounded};
use reframe_connect::{
    model::{Endpoint, HttpModel, Provider},
    secret::Secret,
};
use reframe_store::CallId;
use reframe_workflow::{
    artifact::{Artifact, ArtifactId, Digest, Kind, canonical},
    audit::{Actor, Happening, What},
    drafting::{
        self, CallRecord, DaySum, Known, Limits, MAX_PROMPT_BYTES, Meter, Order, Prompt, Prompts, Reason, Task,
        WritingModel, company_of, day_subject,
    },
    gate::{Action, Proposal},
    handoff::{CallTranscript, NoteProposal},
    outbox::{AuditBook as _, Inbox as _, Kept, Redraft, is_untouched},
    postcall,
    system::Record,
};
use serde::Deserialize;

use super::office::{Office, batch_of};

/// Notes that may wait for the model; a further one keeps the rules' text (`WhenFull::DropNewest`).
const WAITING: usize = 4;

/// `[workflow.drafting]`. Without a `provider` nothing is asked and no connection is made.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DraftingSettings {
    /// The shape of the endpoint.
    pub provider: Option<Provider>,
    /// Its address without the path; left out: the vendor's own.
    pub base_url: Option<String>,
    /// Name of the model there.
    pub model: String,
    /// Environment variable with the key.
    pub key_env: Option<String>,
    /// File with the key, instead.
    pub key_file: Option<PathBuf>,
    /// Folder with a `note.md` and a `follow_up.md` of your own; left out: the built-in ones.
    pub prompts_dir: Option<PathBuf>,
    /// Time the model has for all texts of a call, in s.
    pub timeout_s: u64,
    /// Most tokens of one question with its answer.
    pub tokens_per_call: u64,
    /// Most tokens of a day (UTC).
    pub tokens_per_day: u64,
    /// Most tokens of one answer.
    pub max_answer_tokens: u32,
}

impl Default for DraftingSettings {
    fn default() -> Self {
        Self {
            provider: None,
            base_url: None,
            model: String::new(),
            key_env: None,
            key_file: None,
            prompts_dir: None,
            timeout_s: 30,
            // A call of an hour is some 10,000 words, hence about 20,000 tokens by our estimate, which is high.
            tokens_per_call: 40_000,
            tokens_per_day: 1_000_000,
            max_answer_tokens: 1_500,
        }
    }
}

impl DraftingSettings {
    /// Checks what can be checked without opening anything.
    ///
    /// # Errors
    /// Names the field and what to write.
    pub fn check(&self) -> anyhow::Result<()> {
        if self.provider.is_none() {
            return Ok(());
        }
        if self.model.trim().is_empty() {
            bail!("workflow.drafting.model is empty; write the name of a model at the provider");
        }
        if self.key_env.is_some() && self.key_file.is_some() {
            bail!("workflow.drafting has both key_env and key_file; keep one");
        }
        if !(1..=600).contains(&self.timeout_s) {
            bail!("workflow.drafting.timeout_s is {}; write 1 to 600", self.timeout_s);
        }
        if self.max_answer_tokens == 0 || u64::from(self.max_answer_tokens) >= self.tokens_per_call {
            bail!("workflow.drafting.max_answer_tokens must be more than 0 and less than tokens_per_call");
        }
        Ok(())
    }

    fn key(&self) -> anyhow::Result<Option<Secret>> {
        Ok(match (&self.key_env, &self.key_file) {
            (Some(name), _) => Some(Secret::from_env(name)?),
            (None, Some(path)) => Some(Secret::from_file(path)?),
            (None, None) => None,
        })
    }
}

/// A model that is set up, with what it is told and what it may cost.
pub struct Writer {
    model: Box<dyn WritingModel>,
    prompts: Prompts,
    limits: Limits,
    time: Duration,
    tokens_per_day: u64,
}

impl Writer {
    /// The one the settings name, if they name one. Nothing is asked of it yet.
    ///
    /// # Errors
    /// If the address is none, the key is missing, or a prompt file is wrong.
    pub fn open(settings: &DraftingSettings) -> anyhow::Result<Option<Self>> {
        let Some(provider) = settings.provider else { return Ok(None) };
        let (base_url, model) = (settings.base_url.clone(), settings.model.trim().to_owned());
        let key = settings.key().context("[workflow.drafting]")?;
        let endpoint = Endpoint { provider, base_url, model, key };
        let model = HttpModel::new(endpoint).context("workflow.drafting.base_url")?;
        let limits =
            Limits { tokens_per_call: settings.tokens_per_call, max_answer_tokens: settings.max_answer_tokens };
        Ok(Some(Self {
            model: Box::new(model),
            prompts: prompts(settings.prompts_dir.as_deref())?,
            limits,
            time: Duration::from_secs(settings.timeout_s),
            tokens_per_day: settings.tokens_per_day,
        }))
    }
}

fn prompts(dir: Option<&Path>) -> anyhow::Result<Prompts> {
    use std::io::Read as _;
    let Some(dir) = dir else { return Ok(Prompts::built_in()) };
    let read = |task: Task| -> anyhow::Result<Prompt> {
        let path = dir.join(task.file());
        let cannot = || format!("{} cannot be read; workflow.drafting.prompts_dir needs it", path.display());
        let mut text = String::new();
        let file = std::fs::File::open(&path).with_context(cannot)?;
        file.take(MAX_PROMPT_BYTES as u64 + 1).read_to_string(&mut text).with_context(cannot)?;
        Ok(Prompt::parse(task, &path.display().to_string(), &text)?)
    };
    Ok(Prompts { note: read(Task::Note)?, follow_up: read(Task::FollowUp)? })
}

/// A call as the rules have written it up: what a model's text is made from and put in place of.
pub struct Basis {
    /// Digest of the words as they were heard: what was taken back since is sent to nobody.
    pub(super) words: Digest,
    pub(super) transcript: CallTranscript,
    /// The transcript as an artifact.
    pub(super) read: ArtifactId,
    pub(super) noted: Artifact<NoteProposal>,
    pub(super) deal: Option<Record>,
    pub(super) settings: postcall::Settings,
    pub(super) proposals: Vec<Proposal>,
    pub(super) known: Known,
}

/// How each text ended.
pub type Outcomes = Vec<(Task, Result<(), Reason>)>;

impl Office {
    /// Whether a model is set up.
    #[must_use]
    pub fn has_writer(&self) -> bool {
        self.writer.is_some()
    }

    /// Who and what is to be taken out of questions, besides those on the call: contacts and companies of the deal.
    pub(super) fn known(&self, deal: Option<&Record>) -> anyhow::Result<Known> {
        let Some(deal) = deal else { return Ok(Known::default()) };
        let mut known = Known::default();
        known.companies.extend(["name", "company"].iter().filter_map(|f| deal.field(f)).map(str::to_owned));
        for contact in self.contacts(deal)? {
            known.people.extend(contact.field("name").map(str::to_owned));
            known.companies.extend(contact.field("company").map(str::to_owned));
            known.companies.extend(contact.field("email").and_then(company_of).map(str::to_owned));
        }
        Ok(known)
    }

    /// Lets the model write, if one is set up, and puts what holds in place of the rules' text. Harmless to repeat: what
    /// was written by it, or seen by a person, is not asked for again.
    ///
    /// # Errors
    /// If the store cannot be used. A model that fails is no error.
    pub fn redraft(&self, basis: &Basis) -> anyhow::Result<Outcomes> {
        let Some(writer) = &self.writer else { return Ok(Vec::new()) };
        let call = CallId::new(&basis.transcript.call)?;
        // What somebody has taken back, or had erased, since the note was drafted goes out to nobody.
        if !self.reads_as(&call, &basis.words)? {
            tracing::info!(%call, "words were taken back; no model is asked");
            return Ok(Vec::new());
        }
        let mut wanted = Vec::new();
        for task in Task::ALL {
            let Some(proposal) = basis.proposals.iter().find(|p| is_for(task, &p.action)) else { continue };
            let listed = self.store.proposal(&proposal.id)?;
            if listed.is_some_and(|l| is_untouched(&l, &proposal.digest())) {
                wanted.push(task);
            }
        }
        let mut gauge = Gauge::new(self, writer, &call, basis);
        let order = Order {
            call: &basis.transcript,
            note: &basis.noted.body,
            known: &basis.known,
            prompts: &writer.prompts,
            limits: writer.limits,
            tasks: &wanted,
        };
        let written = drafting::write(&*writer.model, order, &mut gauge);
        let mut outcomes = written.outcomes.clone();
        if let Some(maker) = written.maker {
            let parents = vec![basis.read.clone(), basis.noted.id.clone()];
            let made = Artifact::new(Kind::NoteProposal, parents, maker, written.note);
            let used: Vec<Task> = outcomes.iter().filter(|(_, o)| o.is_ok()).map(|(task, _)| *task).collect();
            let put = self.put_redraft(basis, &made, &used)?;
            let times_rewritten = self.store.times_rewritten(&call)?;
            // A model writes for minutes, and of all that was said.
            if !self.reads_as(&call, &basis.words)? {
                tracing::info!(%call, "words were taken back while a model wrote; what was made of them goes");
                self.store.retract(&call, (self.clock)())?;
                self.post_call(&call, basis.deal.as_ref().map(|deal| deal.at.id.as_str()))?;
                return Ok(Vec::new());
            }
            if put.contains(&true) {
                self.keep_digest(&basis.transcript, (&made.id, &made.body), times_rewritten)?;
            }
            for (task, put) in used.into_iter().zip(put) {
                if !put {
                    outcomes.iter_mut().filter(|(t, _)| *t == task).for_each(|(_, o)| *o = Err(Reason::TooLate));
                }
            }
        }
        for (task, outcome) in &outcomes {
            if let Err(reason) = outcome
                && !gauge.has_ended_with(*task, *reason)
            {
                let prompt = writer.prompts.of(*task).short_id().to_owned();
                gauge.note(&CallRecord::NotUsed { prompt, reason: *reason });
            }
            let outcome = outcome.map_or_else(Reason::code, |()| "used");
            tracing::info!(call = basis.transcript.call, text = task.as_str(), outcome, "a model was to write");
        }
        gauge.failed.map_or(Ok(outcomes), Err)
    }

    fn put_redraft(&self, basis: &Basis, made: &Artifact<NoteProposal>, used: &[Task]) -> anyhow::Result<Vec<bool>> {
        let now = (self.clock)();
        let fresh = postcall::proposals(made, &basis.transcript, basis.deal.as_ref(), &basis.settings, now);
        let mut new = Vec::with_capacity(used.len());
        for task in used {
            let was = basis.proposals.iter().find(|p| is_for(*task, &p.action));
            let now = fresh.iter().find(|p| is_for(*task, &p.action));
            let (was, now) = was.zip(now).context("a text of the model makes no proposal")?;
            let mut action = now.action.clone();
            // It stays the same message: its name is what it is found by.
            if let (Action::CreateDraft { mail }, Action::CreateDraft { mail: before }) = (&mut action, &was.action) {
                mail.message_id.clone_from(&before.message_id);
            }
            new.push(Redraft { id: was.id.clone(), was: was.digest(), action, because: now.because.clone() });
        }
        let body = serde_json::to_value(&made.body).context("a hand-off has no JSON form")?;
        let artifact = Artifact { id: made.id.clone(), parents: made.parents.clone(), maker: made.maker.clone(), body };
        debug_assert_eq!(canonical(&artifact.body), canonical(&made.body), "the same bytes");
        let draft = Kept { kind: Kind::NoteProposal, artifact, at_unix_ms: now };
        Ok(self.store.redraft(&draft, &new, &super::office::actor(&made.maker), now)?)
    }
}

const fn is_for(task: Task, action: &Action) -> bool {
    match task {
        Task::Note => matches!(action, Action::CreateNote { .. }),
        Task::FollowUp => matches!(action, Action::CreateDraft { .. }),
    }
}

/// Time, money and the audit log for the texts of one call.
struct Gauge<'o> {
    office: &'o Office,
    writer: &'o Writer,
    call: CallId,
    words: Digest,
    began: Instant,
    subjects: Vec<String>,
    /// Calls of the model so far, and the name of the present one.
    calls: u32,
    name: String,
    ended: Vec<(String, &'static str)>,
    failed: Option<anyhow::Error>,
}

impl<'o> Gauge<'o> {
    fn new(office: &'o Office, writer: &'o Writer, call: &CallId, basis: &Basis) -> Self {
        let subjects = vec![basis.noted.id.to_string(), batch_of(call)];
        Self {
            office,
            writer,
            call: call.clone(),
            words: basis.words.clone(),
            began: Instant::now(),
            subjects,
            calls: 0,
            name: String::new(),
            ended: Vec::new(),
            failed: None,
        }
    }

    fn has_ended_with(&self, task: Task, reason: Reason) -> bool {
        let prompt = self.writer.prompts.of(task).short_id();
        self.ended.iter().any(|(p, outcome)| p == prompt && *outcome == reason.code())
    }

    /// Writes it down. A store that fails is told at the end.
    fn note(&mut self, record: &CallRecord) -> bool {
        let at_unix_ms = (self.office.clock)();
        let mut subjects = self.subjects.clone();
        subjects.push(day_subject(at_unix_ms));
        let by = Actor::model(self.writer.model.name());
        let detail = record.detail(&self.name);
        let happening = Happening { at_unix_ms, by, what: What::ModelCalled, subjects, detail };
        match self.office.store.note(&[happening]) {
            Ok(()) => true,
            Err(error) => {
                self.failed.get_or_insert_with(|| error.into());
                false
            }
        }
    }
}

impl Meter for Gauge<'_> {
    fn left_ms(&self) -> u64 {
        u64::try_from(self.writer.time.saturating_sub(self.began.elapsed()).as_millis()).unwrap_or(u64::MAX)
    }

    fn wait(&mut self, ms: u64) -> bool {
        // What is left after the wait must still be of use.
        let sensible = ms.saturating_mul(2) < self.left_ms();
        if sensible {
            std::thread::sleep(Duration::from_millis(ms));
        }
        sensible
    }

    fn set_aside(&mut self, prompt: &str, at_most: u64) -> Result<(), Reason> {
        // Before every question: what was taken back since the last one is sent to nobody.
        match self.office.reads_as(&self.call, &self.words) {
            Ok(true) => {}
            Ok(false) => return Err(Reason::TooLate),
            Err(error) => {
                self.failed.get_or_insert(error);
                return Err(Reason::Unreachable);
            }
        }
        let now = (self.office.clock)();
        let entries = match self.office.store.record_of(&day_subject(now)) {
            Ok(entries) => entries,
            Err(error) => {
                self.failed.get_or_insert_with(|| error.into());
                return Err(Reason::Unreachable);
            }
        };
        if DaySum::of(&entries).tokens.saturating_add(at_most) > self.writer.tokens_per_day {
            return Err(Reason::OverDayBudget);
        }
        self.calls += 1;
        self.name = format!("{}-{now}-{}", std::process::id(), self.calls);
        let asked = CallRecord::Asked { prompt: prompt.to_owned(), at_most };
        if self.note(&asked) { Ok(()) } else { Err(Reason::Unreachable) }
    }

    fn ended(&mut self, record: CallRecord) {
        if let CallRecord::Ended { prompt, outcome, .. } = &record {
            self.ended.push((prompt.clone(), outcome));
        }
        self.note(&record);
    }
}

/// The thread that waits for the model. It ends when its clerk does, after what it is at; nobody waits for it.
pub struct Pen {
    queue: Sender<Box<Basis>>,
}

impl Pen {
    /// Starts it, if a model is set up.
    ///
    /// # Errors
    /// If its thread cannot be started.
    pub fn start(office: &Arc<Office>) -> anyhow::Result<Option<Self>> {
        if !office.has_writer() {
            return Ok(None);
        }
        let (queue, notes) = bounded(WAITING);
        let office = Arc::clone(office);
        let run = move || work(&office, &notes);
        std::thread::Builder::new().name("pen".to_owned()).spawn(run).context("the pen's thread cannot be started")?;
        Ok(Some(Self { queue }))
    }

    /// Lets the model write about a call, unless too many wait already.
    pub fn write(&self, basis: Box<Basis>) {
        if let Err(full) = self.queue.try_send(basis) {
            let call = full.into_inner().transcript.call;
            tracing::warn!(call, "the model is behind; the rules' text of this call stands");
        }
    }
}

fn work(office: &Office, notes: &Receiver<Box<Basis>>) {
    while let Ok(basis) = notes.recv() {
        if let Err(error) = office.redraft(&basis) {
            tracing::error!(call = basis.transcript.call, "a model's text could not be kept: {error:#}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn off_unless_set_up_and_a_key_never_stands_in_the_settings() {
        assert!(Writer::open(&DraftingSettings::default()).unwrap().is_none());
        let wrong = |text: &str| {
            let settings = toml::from_str::<DraftingSettings>(text);
            let checked = settings.map_err(anyhow::Error::from).and_then(|s| {
                s.check()?;
                Writer::open(&s).map(drop)
            });
            format!("{:#}", checked.unwrap_err())
        };
        for (text, says) in [
            ("key = \"sk-1\"", "unknown field `key`"),
            ("provider = \"other\"", "unknown variant"),
            ("provider = \"openai\"", "workflow.drafting.model is empty"),
            ("provider = \"openai\"\nmodel = \"m\"\nkey_env = \"A\"\nkey_file = \"b\"", "keep one"),
            (
                "provider = \"openai\"\nmodel = \"m\"\nkey_env = \"REFRAME_NO_SUCH_KEY\"",
                "REFRAME_NO_SUCH_KEY is not set",
            ),
            ("provider = \"openai\"\nmodel = \"m\"\nbase_url = \"http://models.example\"", "https://HOST"),
            ("provider = \"openai\"\nmodel = \"m\"\ntimeout_s = 0", "write 1 to 600"),
            ("provider = \"openai\"\nmodel = \"m\"\ntokens_per_call = 9", "less than tokens_per_call"),
            ("provider = \"openai\"\nmodel = \"m\"\nprompts_dir = \"none-such\"", "note.md cannot be read"),
        ] {
            assert!(wrong(text).contains(says), "{text}: {}", wrong(text));
        }
    }
}
