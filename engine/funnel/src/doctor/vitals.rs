//! What the doctor looks at: plain values, filled in by whoever can read them. A layer left out was not looked at.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// All seven layers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Vitals {
    /// Where accounts and contacts are kept.
    pub data: Option<Data>,
    /// Who somebody is and what they care about.
    pub identity: Option<Identity>,
    /// What drafts and classifies.
    pub runtime: Option<Runtime>,
    /// What reaches a buyer.
    pub engagement: Option<Engagement>,
    /// What is recorded of calls.
    pub conversation: Option<Conversation>,
    /// What is expected to be sold.
    pub forecast: Option<Forecast>,
    /// What is known of all that afterwards.
    pub observability: Option<Observability>,
}

/// A system that holds accounts or contacts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataSource {
    /// Its name.
    pub name: String,
    /// Whether its records go into the one model of accounts and contacts.
    pub unified: bool,
    /// Whether it is the one that is right when two differ.
    pub source_of_truth: bool,
}

/// Where accounts and contacts are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Data {
    /// Systems that hold them.
    pub sources: Vec<DataSource>,
    /// Accounts and contacts there are.
    pub records: u64,
    /// Of these, how many are resolved to one identity.
    pub resolved: u64,
}

/// Who somebody is and what they care about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Identity {
    /// Accounts on the feed.
    pub scored: u64,
    /// Of these, how many cite no event.
    pub unexplained: u64,
    /// Hours since the scores were made; nothing: never.
    pub scored_hours_ago: Option<u64>,
}

/// A task that drafts or classifies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// Its name: `reply_class`, `first_touch`.
    pub name: String,
    /// Whether it is a complex one: first messages, briefs.
    pub complex: bool,
    /// The model it uses; nothing: rules.
    pub model: Option<String>,
}

/// What drafts and classifies.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Runtime {
    /// Tasks.
    pub tasks: Vec<Task>,
    /// The cheapest model of those that may be used.
    pub cheapest: Option<String>,
    /// Drafts that were linted.
    pub drafts: u64,
    /// Of these, how many the linter held back at first.
    pub held_back: u64,
}

/// A way to reach a buyer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    /// Its name: `email`, `linkedin`, `phone`.
    pub name: String,
    /// Whether what it does stands in the one list of touches that is asked before each touch.
    pub in_ledger: bool,
    /// Touches of the last 30 days its own system tells of.
    pub touches: u64,
    /// Of these, how many stand in the list.
    pub recorded: u64,
}

/// What reaches a buyer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Engagement {
    /// Channels in use.
    pub channels: Vec<Channel>,
}

/// What is recorded of calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Conversation {
    /// Meetings with buyers in the last 30 days.
    pub meetings: u64,
    /// Of these, how many were listened to. Those in which somebody did not agree are not counted in either.
    pub recorded: u64,
    /// People who should use it.
    pub sellers: u64,
    /// Of these, how many had at least one listened to.
    pub active: u64,
}

/// What a forecast is made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// The stage in the CRM.
    Stage,
    /// The sellers' own numbers.
    Commit,
    /// What was said in calls.
    Conversation,
    /// Who answered what, and when.
    Engagement,
    /// Closing rates of the past.
    History,
}

/// What is expected to be sold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Forecast {
    /// What it is made from; empty: there is none yet.
    pub inputs: BTreeSet<Input>,
    /// Days since it was last made anew.
    pub days_old: Option<u64>,
}

/// What is known of all that afterwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Observability {
    /// Entries of the audit log.
    pub entries: u64,
    /// Whether its chain was checked and is whole; nothing: not checked.
    pub chain_whole: Option<bool>,
    /// Writes that were done.
    pub writes: u64,
    /// Of these, how many have no approval in the log.
    pub unapproved: u64,
    /// Whether the program writes under an identity of its own, not a person's.
    pub own_identity: bool,
    /// Whether the log also goes somewhere else, so that a cut end is noticed.
    pub streamed: bool,
}
