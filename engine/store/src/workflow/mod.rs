//! What lies between a draft and its write, in the file of the event log: drafts, decisions, the outbox, the audit log.
//!
//! The rules are `reframe_workflow`'s; here they are carried out on rows, one transaction per method, with the audit
//! entries in the same transaction.

mod about;
mod after_call;
pub(crate) mod audit_book;
pub(crate) mod contacts;
mod digests;
mod inbox;
pub(crate) mod items;
mod overview;
mod queue;
mod redraft;
mod rows;
mod sent_mail;

pub use self::{
    items::{Item, ItemKind},
    overview::{BatchCount, CallOutline},
    sent_mail::SentMail,
};
use reframe_workflow::outbox::{LedgerError, Lost};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    error::StoreError,
    sqlite::{SqliteLog, unreadable},
};

impl From<StoreError> for LedgerError {
    fn from(error: StoreError) -> Self {
        Self::Store(Box::new(error))
    }
}

/// Why a transaction was not carried out: the file, or a rule.
enum Fault {
    File(rusqlite::Error),
    Rule(LedgerError),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::File(error)
    }
}

impl From<LedgerError> for Fault {
    fn from(error: LedgerError) -> Self {
        Self::Rule(error)
    }
}

impl From<Lost> for Fault {
    fn from(error: Lost) -> Self {
        Self::Rule(error.into())
    }
}

impl SqliteLog {
    /// Runs `body` in a write transaction: all of it, or nothing on any error.
    fn change<T>(&self, body: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>) -> Result<T, LedgerError> {
        let mut writer = self.writer();
        let run = || -> Result<T, Fault> {
            let tx = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let value = body(&tx)?;
            tx.commit()?;
            Ok(value)
        };
        run().map_err(|fault| self.name(fault))
    }

    /// Runs `body` on one state of the file.
    fn look<T>(&self, body: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<T, LedgerError> {
        let mut reader = self.reader();
        let run = || -> Result<T, Fault> {
            let tx = reader.transaction_with_behavior(TransactionBehavior::Deferred)?;
            body(&tx)
        };
        run().map_err(|fault| self.name(fault))
    }

    fn name(&self, fault: Fault) -> LedgerError {
        match fault {
            Fault::File(error) => self.faults().name(error).into(),
            Fault::Rule(error) => error,
        }
    }
}

/// A value as its column has it.
fn to_column(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("our types have a JSON form")
}

/// A value from column `at`.
fn from_column<T: DeserializeOwned>(row: &rusqlite::Row<'_>, at: usize) -> rusqlite::Result<T> {
    let text: String = row.get(at)?;
    serde_json::from_str(&text).map_err(|e| unreadable(at, e.into()))
}
