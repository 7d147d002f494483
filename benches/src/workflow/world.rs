//! A year of a sales team's work, invented: deals, calls, what was drafted after them, what people decided.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    slice::from_ref,
    time::{Duration, Instant},
};

use anyhow::Context;
use jiff::{SignedDuration, Timestamp};
use reframe_call::event::Event;
use reframe_connect::local::Local;
use reframe_store::{Append, CallId, EventLog as _, NewCall, SqliteLog, SqliteOptions};
use reframe_workflow::{
    artifact::{Artifact, Kind, Maker},
    audit::Actor,
    gate::{Action, Proposal},
    handoff::{CallFacts, CallTranscript, NoteProposal},
    outbox::{Inbox as _, Kept, Standing},
    postcall,
    system::{Listing, Receipt, Record, RecordKind, RecordRef, SystemOfRecord as _},
};
use rusqlite::{Connection, params};

use super::{
    pipeline,
    speech::{Speech, events},
};
use crate::dice::Dice;

/// Calls that go into the store at once.
const AT_ONCE: usize = 200;
/// Calls lie on so many days of the past year.
const DAYS: usize = 26;
const YEAR_DAYS: i64 = 365;
/// Name of the call of an hour.
pub const HOUR: &str = "hour";
/// Words of it.
pub const HOUR_WORDS: usize = 10_000;

/// How much there is of everything.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct Size {
    /// Deals in the system of record.
    pub deals: usize,
    /// Calls in the store.
    pub calls: usize,
    /// Utterances of each.
    pub utterances: usize,
    /// Latest calls whose proposals still wait for a person; those of the others were carried out.
    pub waiting: usize,
}

/// What was made.
pub struct World {
    /// Data folder of the program.
    pub data: PathBuf,
    /// What to search for.
    pub queries: Vec<(&'static str, String)>,
    /// Proposals in the store.
    pub proposals: usize,
    /// Of these, such as wait.
    pub waiting: usize,
    /// Notes in the system of record.
    pub notes: usize,
    /// How long it took to make.
    pub took: Duration,
    /// Size of the store, in bytes.
    pub bytes: u64,
}

struct Build<'a> {
    size: Size,
    now: Timestamp,
    speech: Speech,
    deals: Vec<Record>,
    crm: PathBuf,
    store: &'a SqliteLog,
    /// Notes by stretch and day: their claims are the same in every call that takes the stretch over on that day.
    notes: BTreeMap<(usize, usize), (CallTranscript, String)>,
    settings: postcall::Settings,
}

struct Made {
    id: CallId,
    events: Vec<Event>,
    note: Kept,
    proposals: Vec<Proposal>,
    carried_out: bool,
}

impl World {
    /// Makes it in `data`, the same for the same seed and day.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn make(data: &Path, size: Size, seed: u64) -> anyhow::Result<Self> {
        let begun = Instant::now();
        let now = Timestamp::now();
        let mut dice = Dice(seed);
        let crm = data.join("crm");
        std::fs::create_dir_all(&crm)?;
        pipeline::write(&crm, size.deals, now, &mut dice)?;
        let deals = Local::open(&crm, None)?.list(RecordKind::Deal, &Listing::default())?;
        let path = data.join("reframe.db");
        let store = SqliteLog::open(&path, SqliteOptions::default())?;
        // What people decided is entered by the row: a year of clicks and writes, one transaction each, would take hours.
        let mut rows = Connection::open(&path)?;
        rows.busy_timeout(Duration::from_secs(10))?;
        rows.pragma_update(None, "synchronous", "off")?;
        let settings = postcall::Settings { recipients: vec!["buyer@buyer.example".into()], ..Default::default() };
        let speech = Speech::read()?;
        let mut build = Build { size, now, speech, deals, crm, store: &store, notes: BTreeMap::new(), settings };
        let (mut proposals, mut waiting, mut notes) = (0, 0, 0);
        for first in (0..size.calls).step_by(AT_ONCE) {
            let made: Vec<Made> =
                (first..size.calls.min(first + AT_ONCE)).map(|n| build.call(n, &mut dice)).collect::<Result<_, _>>()?;
            let all: Vec<Proposal> = made.iter().flat_map(|m| m.proposals.clone()).collect();
            store.put_proposals(&all, &Actor::service("post_call"), now.as_millisecond())?;
            let parts: Vec<_> =
                made.iter().map(|m| Append { call: &m.id, expected_seq: 0, events: &m.events }).collect();
            for done in store.append_batch(&parts)? {
                done?;
            }
            for m in &made {
                store.put_artifact(&m.note, &Actor::service("post_call"))?;
            }
            let over: Vec<&Made> = made.iter().filter(|m| m.carried_out).collect();
            notes += build.carried_out(&mut rows, &over)?;
            proposals += all.len();
            waiting += made.iter().filter(|m| !m.carried_out).map(|m| m.proposals.len()).sum::<usize>();
        }
        build.hour()?;
        while store.index(AT_ONCE)?.left > 0 {}
        let queries = queries(&build.speech, &mut dice);
        drop(rows);
        drop(build);
        drop(store);
        let bytes = std::fs::metadata(&path)?.len();
        Ok(Self { data: data.to_owned(), queries, proposals, waiting, notes, took: begun.elapsed(), bytes })
    }
}

impl Build<'_> {
    /// Ten in the morning of a day with calls; 0 is the longest ago.
    fn day(&self, day: usize) -> anyhow::Result<Timestamp> {
        let ago = YEAR_DAYS - YEAR_DAYS * day as i64 / DAYS as i64;
        let at = self.now - SignedDuration::from_hours(24 * ago);
        Ok(format!("{}T10:00:00Z", at.strftime("%Y-%m-%d")).parse()?)
    }

    fn facts(&self, id: &str, at: Timestamp, deal: Option<&Record>) -> CallFacts {
        CallFacts {
            call: id.to_owned(),
            title: format!("Call with {}", deal.and_then(|d| d.field("name")).unwrap_or("nobody")),
            started_unix_ms: at.as_millisecond(),
            zone: "UTC".to_owned(),
            deal: deal.map(|d| d.at.clone()),
        }
    }

    fn open(&self, facts: &CallFacts) -> anyhow::Result<CallId> {
        let id = CallId::new(facts.call.clone())?;
        self.store.create(&NewCall {
            id: id.clone(),
            title: facts.title.clone(),
            playbook: "b2b-saas@1:0".into(),
            started_unix_ms: facts.started_unix_ms,
            token_hash: String::new(),
        })?;
        Ok(id)
    }

    fn call(&mut self, n: usize, dice: &mut Dice) -> anyhow::Result<Made> {
        let day = n * DAYS / self.size.calls;
        let at = self.day(day)?;
        let stretch = dice.roll(self.speech.stretches.len() as u64) as usize;
        let people = self.speech.stretches[stretch].people.clone();
        let said = self.speech.call(&self.speech.stretches[stretch], self.size.utterances, dice);
        let deal = self.deals[n % self.deals.len()].clone();
        if !self.notes.contains_key(&(stretch, day)) {
            let log = events("TEMPLATE", &people, said.iter().filter(|s| s.scripted));
            let call = CallTranscript::from_events(self.facts("TEMPLATE", at, None), &log);
            let note = serde_json::to_string(&postcall::run(&call, &self.settings))?;
            self.notes.insert((stretch, day), (call, note));
        }
        let name = format!("call-{n:06}");
        let facts = self.facts(&name, at, Some(&deal));
        let id = self.open(&facts)?;
        let (call, note) = &self.notes[&(stretch, day)];
        let call = CallTranscript { call: name.clone(), title: facts.title, deal: facts.deal, ..call.clone() };
        let body: NoteProposal = serde_json::from_str(&note.replace("\"TEMPLATE\"", &format!("{name:?}")))?;
        let note = Artifact::new(Kind::NoteProposal, vec![], Maker::rules("post_call", postcall::VERSION), body);
        let made_unix_ms = at.as_millisecond() + 3_600_000;
        let proposals = postcall::proposals(&note, &call, Some(&deal), &self.settings, made_unix_ms);
        let body = serde_json::to_value(&note.body)?;
        let artifact = Artifact { id: note.id, parents: note.parents, maker: note.maker, body };
        let note = Kept { kind: Kind::NoteProposal, artifact, at_unix_ms: made_unix_ms };
        let carried_out = n + self.size.waiting < self.size.calls;
        let log = events(&deal.at.id, &people, &said);
        Ok(Made { id, events: log, note, proposals, carried_out })
    }

    /// Enters that these were approved and carried out, and puts the notes where they went. How many notes.
    fn carried_out(&self, rows: &mut Connection, made: &[&Made]) -> anyhow::Result<usize> {
        let tx = rows.transaction()?;
        let mut notes = 0;
        {
            let mut stand = tx.prepare(
                "UPDATE proposals SET standing = ?2, detail = ?3, decided_unix_ms = ?4 WHERE id = ?1 AND standing = 'open'",
            )?;
            for proposal in made.iter().flat_map(|m| &m.proposals) {
                let record = match &proposal.action {
                    Action::UpdateField { record, .. } => record.clone(),
                    action => {
                        let kind = match action {
                            Action::CreateNote { .. } => RecordKind::Note,
                            Action::CreateTask { .. } => RecordKind::Task,
                            _ => RecordKind::MailDraft,
                        };
                        let id = proposal.marker().as_str().to_owned();
                        RecordRef { system: proposal.system.clone(), kind, id }
                    }
                };
                if let Action::CreateNote { about, body, at_unix_ms } = &proposal.action {
                    let at = Timestamp::from_millisecond(*at_unix_ms)?;
                    pipeline::note(&self.crm, &about.id, proposal.marker().as_str(), at, body)?;
                    notes += 1;
                }
                let done = Standing::Done { receipt: Receipt { record, version: None, url: None } };
                let at = proposal.made_unix_ms + 600_000;
                stand.execute(params![proposal.id.0.as_str(), done.as_str(), serde_json::to_string(&done)?, at])?;
            }
        }
        tx.commit()?;
        Ok(notes)
    }

    /// The call of an hour, of which nothing was drafted yet. It is about the first deal.
    fn hour(&self) -> anyhow::Result<()> {
        let (people, said) = self.speech.hour(HOUR_WORDS);
        let at = self.now - SignedDuration::from_hours(1);
        let deal = self.deals.first().context("no deals")?;
        let id = self.open(&self.facts(HOUR, at, Some(deal)))?;
        let events = events(&deal.at.id, &people, &said);
        let part = Append { call: &id, expected_seq: 0, events: &events };
        for done in self.store.append_batch(from_ref(&part))? {
            done?;
        }
        Ok(())
    }
}

/// What people look for: words as frequent as those they remember, and what they remember of a sentence.
fn queries(speech: &Speech, dice: &mut Dice) -> Vec<(&'static str, String)> {
    let v = &speech.vocabulary;
    let common = |d: &mut Dice| v[d.roll(20) as usize].clone();
    let middle = |d: &mut Dice| v[100 + d.roll(1_000) as usize].clone();
    let rare = |d: &mut Dice| v[10_000 + d.roll(10_000) as usize].clone();
    let mut all = Vec::new();
    for _ in 0..100 {
        let d = &mut *dice;
        all.push(("one common word", common(d)));
        all.push(("one word", middle(d)));
        all.push(("one rare word", rare(d)));
        all.push(("two words", format!("{} {}", middle(d), middle(d))));
        all.push(("two common and one word", format!("{} {} {}", common(d), common(d), middle(d))));
        all.push(("phrase of two common words", format!("\"{} {}\"", common(d), common(d))));
    }
    all
}

/// Checks that the made calls would be found sound by the program: every citation of a note is in its call.
///
/// # Errors
/// If not.
#[cfg(test)]
fn holds(store: &SqliteLog, id: &CallId, note: &NoteProposal) -> anyhow::Result<usize> {
    use reframe_workflow::verify;
    let record = store.call(id)?.context("no call")?;
    let log = store.read(id, 0)?;
    let facts = CallFacts {
        call: id.to_string(),
        title: record.call.title,
        started_unix_ms: record.call.started_unix_ms,
        zone: "UTC".into(),
        deal: None,
    };
    let call = CallTranscript::from_events(facts, &log);
    let log = (id.to_string(), log);
    let sources = verify::Sources { calls: from_ref(&call), events: from_ref(&log), ..verify::Sources::default() };
    let claims = note.claims();
    let broken = verify::check_all(&claims, sources);
    anyhow::ensure!(broken.is_empty(), "{} of {} claims do not hold", broken.len(), claims.len());
    Ok(claims.len())
}

#[cfg(test)]
mod tests {
    use reframe_workflow::outbox::Which;

    use super::*;

    #[test]
    fn what_is_made_is_what_the_program_would_have_made() {
        let dir = tempfile::tempdir().unwrap();
        let size = Size { deals: 10, calls: 30, utterances: 150, waiting: 10 };
        let world = World::make(dir.path(), size, 7).unwrap();
        let store = SqliteLog::open(dir.path().join("reframe.db"), SqliteOptions::default()).unwrap();
        let all = store.proposals(&Which::default(), 10_000).unwrap();
        assert_eq!(all.len(), world.proposals);
        let done = all.iter().filter(|l| matches!(l.standing, Standing::Done { .. })).count();
        assert!(done > 20 && world.waiting > 10 && world.notes == 20, "{done} {} {}", world.waiting, world.notes);
        let mut claims = 0;
        for listed in &all {
            let kept = store.artifact(&listed.proposal.from).unwrap().unwrap();
            let note: NoteProposal = serde_json::from_value(kept.artifact.body).unwrap();
            claims += holds(&store, &CallId::new(note.call.clone()).unwrap(), &note).unwrap();
        }
        assert!(claims > 1_000, "{claims}");
        let found = world.queries.iter().filter(|(kind, q)| {
            *kind == "one word" && !store.search(q, &Default::default(), 5, 0).unwrap().hits.is_empty()
        });
        assert!(found.count() > 50, "words that are searched for are said");
    }
}
