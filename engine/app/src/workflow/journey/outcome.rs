//! What came of a call becomes a signal of its account, once a person approved it and it stands in the system of record.
//!
//! The signal holds the call's name and the write it came of, and no word of anybody: there is nothing in it to take back.

use std::collections::BTreeSet;

use jiff::civil;
use reframe_signal::event::{AccountHint, Raw, SignalEvent, SignalKind};
use reframe_store::{CallId, EventLog as _};
use reframe_workflow::{
    artifact::{ArtifactId, Kind},
    audit::What,
    gate::ProposalId,
    outbox::{AuditBook as _, Inbox as _, Listed, Standing},
    system::{Listing, Record, RecordKind},
};

use crate::workflow::{
    office::{Office, call_of},
    signals,
};

/// Entries of the audit log looked back through by a run of the executor that begins: what was written while no server ran.
const LOOK_BACK: u64 = 1_000;
/// Entries of the audit log read at once.
const AT_ONCE: usize = 1_000;
/// Beginning of such an event's source; the id of the write follows.
const SOURCE: &str = "outcome:";

/// The write that an event came of, if it is such an event.
pub(in crate::workflow) fn came_of(event: &SignalEvent) -> Option<ProposalId> {
    let id = event.source.strip_prefix(SOURCE).filter(|_| event.kind == SignalKind::Outcome)?;
    id.parse::<ArtifactId>().ok().map(ProposalId)
}

impl Office {
    /// Keeps a signal for each call of which the first write was done since the entry `from` of the audit log, and moves that
    /// on. Gives how many are new. Harmless to repeat: a call has one such signal, whatever is written of it later.
    ///
    /// # Errors
    /// If the store or the CRM cannot be read; `from` is then where it broke off.
    pub(in crate::workflow) fn keep_outcomes(&self, from: &mut Option<u64>) -> anyhow::Result<usize> {
        let next = self.store.head()?.next;
        let mut seq = from.unwrap_or_else(|| next.saturating_sub(LOOK_BACK));
        let mut new = 0;
        while seq < next {
            let entries = self.store.entries_from(seq, AT_ONCE)?;
            let Some(last) = entries.last() else { break };
            let upto = last.seq + 1;
            let done = entries.iter().filter(|e| matches!(e.what, What::Done | What::Found));
            let written: BTreeSet<ArtifactId> = done.flat_map(|e| &e.subjects).filter_map(|s| s.parse().ok()).collect();
            for id in written.into_iter().filter(|id| id.kind() == "proposal") {
                if let Some(event) =
                    self.store.proposal(&ProposalId(id))?.map(|l| self.outcome(&l)).transpose()?.flatten()
                {
                    new += self.store.keep_items(&[signals::item(&event)?])?;
                }
            }
            seq = upto;
            *from = Some(seq);
        }
        *from = Some(seq);
        Ok(new)
    }

    /// The signal that a write which was done is; nothing, if it does not come from a call's note or is on no deal.
    fn outcome(&self, listed: &Listed) -> anyhow::Result<Option<SignalEvent>> {
        let proposal = &listed.proposal;
        let of_note = proposal.from.kind() == Kind::NoteProposal.as_str();
        let done = matches!(listed.standing, Standing::Done { .. });
        let deal = proposal.action.target().filter(|at| at.kind == RecordKind::Deal);
        let call = call_of(&proposal.batch).and_then(|call| CallId::new(call).ok());
        let (true, true, Some(deal), Some(call)) = (of_note, done, deal, call) else { return Ok(None) };
        let Some(record) = self.store.call(&call)? else { return Ok(None) };
        let companies = Listing { linked_to: Some(deal.clone()), ..Listing::default() };
        let company = self.systems.crm.list(RecordKind::Company, &companies)?.into_iter().next();
        let account = match company {
            Some(company) => hint(&company),
            None => match self.systems.crm.read(deal)?.as_ref().and_then(|d| d.field("name")) {
                Some(name) => AccountHint::name(name),
                None => return Ok(None),
            },
        };
        let at_unix_ms = record.call.started_unix_ms;
        let day: civil::Date = self.zoned(at_unix_ms)?.date();
        let raw = Raw {
            kind: SignalKind::Outcome,
            account,
            person: None,
            // The call's own time: whichever of its writes is seen first, it is the same event.
            at_unix_ms,
            url: None,
            title: format!("What came of our call on {day} was approved and stands in the CRM"),
            excerpt: format!("call {call}"),
            source: format!("{SOURCE}{}", proposal.id),
            amount: None,
        };
        Ok(SignalEvent::new(raw).ok())
    }
}

fn hint(company: &Record) -> AccountHint {
    let own = |name: &str| company.field(name).map(str::to_owned);
    AccountHint { id: Some(company.at.id.clone()), domain: own("domain"), name: own("name") }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use reframe_call::audio::Party;
    use reframe_store::{ItemKind, SqliteLog};
    use reframe_workflow::{
        gate::{Action, Approver, Click},
        outbox::Which,
    };

    use super::*;
    use crate::workflow::{Executor, WorkflowSettings, test_call::ended_call};

    const NOW: i64 = 1_772_418_600_000;
    const HOUR: i64 = 3_600_000;

    /// One signal for a call, from its first write on; none before a yes; and what a later run finds again is known.
    #[test]
    fn a_call_has_one_signal_once_the_first_of_it_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let crm = |name: &str, text: &str| {
            std::fs::create_dir_all(dir.path().join("crm")).unwrap();
            std::fs::write(dir.path().join("crm").join(name), text).unwrap();
        };
        crm("companies.csv", "id,name,domain\n3,Acme,acme.example\n");
        crm("deals.csv", "id,name,stage,company_id\n7,Acme,discovery,3\n");
        crm("contacts.csv", "id,name,email,deal_ids,company_id\n1,Dana Whitfield,dana@acme.example,7,3\n");
        let store = Arc::new(SqliteLog::in_memory().unwrap());
        let office = Office::open(&WorkflowSettings::default(), dir.path(), store, || NOW).unwrap();
        let talk = [
            (Party::Rep, "what happens next on your side"),
            (Party::Buyer, "i will send you the contract by friday and my boss has to sign it"),
        ];
        for (name, ago) in [("first", 5), ("second", 3)] {
            let call = ended_call(&office.store, name, NOW - ago * HOUR, &talk);
            office.post_call(&call, None).unwrap();
        }
        let kept = || -> Vec<SignalEvent> {
            let items = office.store.items(ItemKind::Signal, None, 0, 10).unwrap();
            items.into_iter().map(|item| serde_json::from_value(item.body).unwrap()).collect()
        };
        let approve = |wanted: &dyn Fn(&Listed) -> bool| -> Vec<ProposalId> {
            let listed = office.store.proposals(&Which::default(), 100).unwrap();
            let open = listed.into_iter().filter(|l| l.standing == Standing::Open && wanted(l));
            let click = |l: Listed| {
                let by = Approver::person("Ada King").unwrap();
                let click = Click { by, shown: l.proposal.digest(), at_unix_ms: NOW };
                office.store.approve(&l.proposal.id, &click).unwrap();
                l.proposal.id
            };
            open.map(click).collect()
        };
        let executor = Executor::new(&office);
        executor.carry_out(&office, &|| false).unwrap();
        assert_eq!(kept(), [], "nobody said yes");

        let note =
            |l: &Listed| matches!(l.proposal.action, Action::CreateNote { .. }) && l.proposal.batch == "call first";
        let written = approve(&note);
        executor.carry_out(&office, &|| false).unwrap();
        let (one, [write]) = (kept(), written.as_slice()) else { panic!("{written:?}") };
        assert_eq!((one.len(), came_of(&one[0]).as_ref(), one[0].at_unix_ms), (1, Some(write), NOW - 5 * HOUR));
        assert_eq!((one[0].account.id.as_deref(), one[0].account.domain.as_deref()), (Some("3"), Some("acme.example")));
        assert!(!one[0].text().to_lowercase().contains("dana") && one[0].person.is_none(), "{one:?}");

        assert!(approve(&|_| true).len() > 2, "or this test shows little");
        executor.carry_out(&office, &|| false).unwrap();
        let both = kept();
        assert_eq!((both.len(), &both[0]), (2, &one[0]), "{both:?}");
        assert_eq!(office.keep_outcomes(&mut None).unwrap(), 0, "another run of the program looks back and knows them");

        let other = SignalEvent { source: "csv:a.csv".into(), ..one[0].clone() };
        assert_eq!(came_of(&other), None, "what somebody imports came of no write of ours");
    }
}
