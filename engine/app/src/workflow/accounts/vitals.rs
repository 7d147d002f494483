//! What the doctor looks at, from settings, store and CRM. A layer of which nothing can be told here is left out, and the
//! doctor says that nobody looked at it.

use std::collections::{BTreeMap, BTreeSet};

use reframe_call::audio::Party;
use reframe_funnel::{
    doctor::{
        Channel, Conversation, Data, DataSource, Engagement, Finding, Forecast, Identity, Observability, Runtime,
        Severity, Task, Vitals, doctor,
    },
    fact::{Fact, Happened, Step},
};
use reframe_policy::{ledger::What as Contact, rules::Channel as By};
use reframe_store::{CallRecord, EventLog as _, ItemKind};
use reframe_workflow::{
    audit::{Head, verify_chain},
    outbox::{AuditBook as _, Queue as _},
};
use serde::Serialize;

use super::{Accounts, records::Records, snapshot::Snapshot};
use crate::{
    config::People,
    workflow::{office::Office, systems::SERVICE},
};

/// The time the doctor looks back over: the playbook's 30 days.
const LATELY_MS: i64 = 30 * 86_400_000;
/// Calls and meetings looked at: ten a day for each of a team of fifty are fewer.
const MOST: usize = 20_000;
/// A call belongs to a meeting that was to begin at most so long after it, in ms…
const EARLY_MS: i64 = 15 * 60_000;
/// … or so long before it.
const LATE_MS: i64 = 60 * 60_000;
/// Entries of a log read at once.
const AT_ONCE: usize = 10_000;

/// What was looked at and what was found.
#[derive(Debug, Serialize)]
pub struct Examined {
    /// What could not be read at all, and what to do.
    pub unreadable: Vec<String>,
    /// The values.
    pub vitals: Vitals,
    /// What was found, the worst first.
    pub findings: Vec<Finding>,
}

impl Examined {
    /// Whether something must be seen to before anything is built on it.
    #[must_use]
    pub fn blocks(&self) -> bool {
        !self.unreadable.is_empty() || self.findings.iter().any(|f| f.severity == Severity::Gotcha)
    }
}

impl Accounts {
    /// Looks at everything.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn examine(&self, people: &People) -> anyhow::Result<Examined> {
        let office = &*self.office;
        let now = (office.clock)();
        let mut unreadable = Vec::new();
        let records = super::snapshot::records(office).map_err(|error| unreadable.push(format!("{error:#}"))).ok();
        let none = Records::default();
        let known = Snapshot::read(office, records.as_ref().unwrap_or(&none))?;
        let calls = office.store.calls(None, MOST)?;
        let vitals = Vitals {
            data: records.as_ref().map(|records| data(office, records)),
            identity: Some(Identity {
                scored: known.feed.cards,
                unexplained: known.feed.unexplained,
                scored_hours_ago: known.feed.made_unix_ms.map(|at| hours(now.saturating_sub(at))),
            }),
            runtime: Some(runtime(office)),
            engagement: Some(engagement(office, &known, now)?),
            conversation: conversation(office, &calls, people, now)?,
            forecast: Some(Forecast::default()),
            observability: Some(observability(office, &known)?),
        };
        let findings = doctor(&vitals);
        Ok(Examined { unreadable, vitals, findings })
    }
}

fn hours(ms: i64) -> u64 {
    u64::try_from(ms.max(0) / 3_600_000).unwrap_or_default()
}

fn data(office: &Office, records: &Records) -> Data {
    let (all, resolved) = records.resolved();
    let name = office.systems.crm.name().to_owned();
    // The mailbox holds messages, no accounts: there is one source, and everything here works on its records.
    Data { sources: vec![DataSource { name, unified: true, source_of_truth: true }], records: all, resolved }
}

fn runtime(office: &Office) -> Runtime {
    let drafting = &office.settings.drafting;
    let model = drafting.provider.is_some().then(|| drafting.model.clone());
    let task =
        |name: &str, complex, model: Option<&String>| Task { name: name.to_owned(), complex, model: model.cloned() };
    let tasks = vec![
        task("objection_class", false, None),
        task("note", true, model.as_ref()),
        task("follow_up", true, model.as_ref()),
        task("field_changes", false, None),
    ];
    // Which of a vendor's models is its cheapest stands in no setting.
    Runtime { tasks, cheapest: None, drafts: 0, held_back: 0 }
}

fn engagement(office: &Office, known: &Snapshot, now: i64) -> anyhow::Result<Engagement> {
    let since = now.saturating_sub(LATELY_MS);
    let mut mails = BTreeSet::new();
    let mut sent = BTreeSet::new();
    for fact in &known.log {
        match &fact.what {
            Happened::Proposed { proposal, action, .. } if action == "send_mail" => drop(mails.insert(proposal)),
            Happened::Stepped { proposal, step: Step::Done, .. } if fact.at_unix_ms >= since => {
                sent.insert(proposal);
            }
            _ => {}
        }
    }
    let (mut seq, mut recorded) = (0, 0);
    loop {
        let page = office.store.contacts_from(seq, AT_ONCE)?;
        let Some(last) = page.last() else { break };
        seq = last.seq + 1;
        let mail = |what: &Contact| matches!(what, Contact::TouchSent { channel: By::Email, .. });
        recorded += page.iter().filter(|e| e.at_unix_ms >= since && mail(&e.what)).count() as u64;
    }
    let touches = sent.intersection(&mails).count() as u64;
    Ok(Engagement { channels: vec![Channel { name: "email".to_owned(), in_ledger: true, touches, recorded }] })
}

/// Nothing, if no calendar is read and there were calls: nobody can tell then how many meetings were not listened to.
fn conversation(
    office: &Office,
    calls: &[CallRecord],
    people: &People,
    now: i64,
) -> anyhow::Result<Option<Conversation>> {
    let since = now.saturating_sub(LATELY_MS);
    let items = office.store.items(ItemKind::Meeting, None, since, MOST)?;
    let off = |body: &serde_json::Value| body.get("cancelled").and_then(serde_json::Value::as_bool).unwrap_or(false);
    let meetings: Vec<i64> =
        items.iter().filter(|m| m.at_unix_ms <= now && !off(&m.body)).map(|m| m.at_unix_ms).collect();
    let lately: Vec<&CallRecord> = calls.iter().filter(|c| c.call.started_unix_ms >= since).collect();
    if meetings.is_empty() && !lately.is_empty() {
        return Ok(None);
    }
    let heard: BTreeSet<i64> = lately.iter().map(|c| c.call.started_unix_ms).collect();
    let recorded = meetings
        .iter()
        .filter(|at| heard.range(at.saturating_sub(EARLY_MS)..=at.saturating_add(LATE_MS)).next().is_some());
    let reps = lately.iter().flat_map(|c| c.participants.iter().filter(|p| p.party == Party::Rep));
    let active: BTreeSet<String> = reps.map(|p| p.name.to_lowercase()).collect();
    let sellers = people.emails.len().max(people.names.len()) as u64;
    Ok(Some(Conversation {
        meetings: meetings.len() as u64,
        recorded: recorded.count() as u64,
        sellers,
        active: (active.len() as u64).min(sellers),
    }))
}

fn observability(office: &Office, known: &Snapshot) -> anyhow::Result<Observability> {
    let mut head = Head::default();
    let mut whole = true;
    loop {
        let page = office.store.entries_from(head.next, AT_ONCE)?;
        if page.is_empty() {
            break;
        }
        match verify_chain(&page, head) {
            Ok(next) => head = next,
            Err(_) => {
                whole = false;
                break;
            }
        }
    }
    let (writes, unapproved) = writes(&known.log);
    Ok(Observability {
        entries: office.store.head()?.next,
        chain_whole: Some(whole),
        writes,
        unapproved,
        own_identity: office.store.service(SERVICE)?.is_some(),
        // Nothing here sends the log anywhere else.
        streamed: false,
    })
}

/// Writes that were done, and how many of them without an approval that still stood.
fn writes(log: &[Fact]) -> (u64, u64) {
    let mut steps: BTreeMap<_, Vec<(u64, Step)>> = BTreeMap::new();
    for fact in log {
        if let Happened::Stepped { seq, proposal, step, .. } = &fact.what {
            steps.entry(proposal).or_default().push((*seq, *step));
        }
    }
    let (mut writes, mut unapproved) = (0, 0);
    for of in steps.values_mut() {
        of.sort_unstable();
        let (mut approved, mut done) = (false, None);
        for (_, step) in of {
            match step {
                Step::Approved => approved = true,
                Step::Put | Step::Edited | Step::Void | Step::Rejected => approved = false,
                Step::Done => done = Some(done.unwrap_or(true) && approved),
                _ => {}
            }
        }
        writes += u64::from(done.is_some());
        unapproved += u64::from(done == Some(false));
    }
    (writes, unapproved)
}

#[cfg(test)]
mod tests {
    use reframe_workflow::{artifact::ArtifactId, gate::ProposalId};

    use super::*;

    #[test]
    fn a_write_counts_as_approved_only_while_the_yes_stands() {
        use Step::{Approved, Done, Edited, Put, Shown, Tried, Void};
        for (steps, expected) in [
            (&[Put, Shown, Approved, Tried, Done][..], (1, 0)),
            (&[Put, Approved, Tried], (0, 0)),
            (&[Put, Tried, Done], (1, 1)),
            (&[Put, Approved, Edited, Tried, Done], (1, 1)),
            (&[Put, Approved, Void, Approved, Tried, Done, Done], (1, 0)),
        ] {
            let proposal = ProposalId(ArtifactId::of("proposal", b"x"));
            let fact = |(seq, step): (u64, &Step)| Fact {
                // A clock that runs backwards: the number in the log counts.
                at_unix_ms: -i64::try_from(seq).unwrap(),
                what: Happened::Stepped { seq, proposal: proposal.clone(), step: *step, by: String::new() },
            };
            let log: Vec<Fact> = (1..).zip(steps).map(fact).collect();
            assert_eq!(writes(&log), expected, "{steps:?}");
        }
    }
}
