//! The executor's side of the keeper, of a program that may die before or after every call.

use reframe_store::SqliteLog;
use reframe_workflow::{
    audit::Actor,
    outbox::{Claim, Entry, LedgerError, Outcome, Queue, Service, Worker},
};

use super::world::{Planted, World};

pub struct Mortal<'a> {
    pub log: &'a SqliteLog,
    pub world: &'a World,
}

impl Mortal<'_> {
    fn call<T>(&self, body: impl FnOnce() -> Result<T, LedgerError>) -> Result<T, LedgerError> {
        let dead = || Err(LedgerError::Store("killed".into()));
        if self.world.state().dies(1, "killed before a commit of ours") {
            return dead();
        }
        let value = body();
        let mut state = self.world.state();
        state.advance(2);
        if state.dies(1, "killed after a commit of ours") { dead() } else { value }
    }

    fn is(&self, planted: Planted) -> bool {
        self.world.state().planted == planted
    }
}

impl Queue for Mortal<'_> {
    fn enrol(&self, service: &Service, by: &Actor, at_unix_ms: i64) -> Result<(), LedgerError> {
        self.call(|| self.log.enrol(service, by, at_unix_ms))
    }

    fn revoke(&self, service: &str, by: &Actor, at_unix_ms: i64) -> Result<(), LedgerError> {
        self.call(|| self.log.revoke(service, by, at_unix_ms))
    }

    fn service(&self, name: &str) -> Result<Option<Service>, LedgerError> {
        let found = self.call(|| self.log.service(name))?;
        let deaf = self.is(Planted::Deaf);
        Ok(found.map(|s| if deaf { Service { revoked_unix_ms: None, ..s } } else { s }))
    }

    fn claim(&self, worker: &Worker, now_unix_ms: i64) -> Result<Option<Claim>, LedgerError> {
        self.call(|| {
            let claim = self.log.claim(worker, now_unix_ms)?;
            let forgetful = self.is(Planted::Forgetful);
            Ok(claim.map(|mut c| {
                if forgetful {
                    (c.entry.attempts, c.entry.doubt) = (0, None);
                }
                c
            }))
        })
    }

    fn begin(&self, held: &Entry, worker: &Worker, now_unix_ms: i64) -> Result<Entry, LedgerError> {
        if self.is(Planted::Deaf) {
            return Ok(held.clone());
        }
        self.call(|| self.log.begin(held, worker, now_unix_ms))
    }

    fn settle(&self, held: &Entry, worker: &Worker, outcome: &Outcome, now_unix_ms: i64) -> Result<Entry, LedgerError> {
        self.call(|| self.log.settle(held, worker, outcome, now_unix_ms))
    }

    fn next_due(&self) -> Result<Option<i64>, LedgerError> {
        self.call(|| self.log.next_due())
    }

    fn entries(&self, state: Option<&str>, from_no: u64, limit: usize) -> Result<Vec<Entry>, LedgerError> {
        self.call(|| self.log.entries(state, from_no, limit))
    }
}
