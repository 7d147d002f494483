//! Who sees an answer, by when, and what is done at once.

use reframe_policy::clock::Calendar;
use reframe_workflow::{
    artifact::{ArtifactId, Claim, Evidence},
    gate::{Action, Proposal, Seen},
    system::RecordRef,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Class, Reading, Wish};

/// Working minutes within which a person sees an answer of substance.
pub const SLA_MINUTES: u32 = 30;
/// Our name of the field of a contact that says that they want no mail.
const OPT_OUT_FIELD: &str = "email_opt_out";

/// Who sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "to", rename_all = "snake_case")]
pub enum Route {
    /// A person, by then.
    Person {
        /// In ms since 1970-01-01 UTC.
        by_unix_ms: i64,
    },
    /// It is dealt with and listed; nobody has to hurry.
    LowStakes,
}

/// That somebody gets no more messages, from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Suppression {
    /// Address that wrote.
    pub address: String,
    /// The same moment the answer was read, in ms since 1970-01-01 UTC.
    pub at_unix_ms: i64,
    /// Whether they said so, or only may have: then a person looks and may lift it.
    pub certain: bool,
    /// The words.
    pub quote: String,
}

/// An answer with what is known of it.
#[derive(Clone, Debug)]
pub struct Answered<'a> {
    /// Address that wrote.
    pub address: &'a str,
    /// Our name of the mail: `mail/…`.
    pub item: &'a str,
    /// When it came, in ms since 1970-01-01 UTC.
    pub at_unix_ms: i64,
    /// The contact's record, with the version it was read at and what the field for opt-outs says.
    pub contact: Option<(RecordRef, Seen, Option<String>)>,
    /// What the proposal comes from: the touch that was answered.
    pub from: ArtifactId,
    /// Whether the account is worth so much that a person sees everything.
    pub above_threshold: bool,
}

/// What is done with an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Handling {
    /// Who sees it.
    pub route: Route,
    /// What holds at once.
    pub suppression: Option<Suppression>,
    /// What a person may approve for the CRM.
    pub proposal: Option<Proposal>,
    /// In words, why.
    pub why: String,
}

/// Decides what is done.
#[must_use]
pub fn handle(reading: &Reading, answered: &Answered<'_>, time: &Calendar) -> Handling {
    let low = matches!(reading.class, Class::Ooo | Class::WrongPerson | Class::Unsubscribe | Class::Bounce);
    // What only might be a wish, is unsure or comes from a large account is a person's business.
    let hurried = !low || reading.wish == Wish::Chance || answered.above_threshold;
    let route = if hurried {
        // Never, where nobody ever works.
        let by = time.add_minutes(answered.at_unix_ms, i64::from(SLA_MINUTES));
        Route::Person { by_unix_ms: by.unwrap_or(i64::MAX) }
    } else {
        Route::LowStakes
    };
    let complained = reading.class == Class::Complaint;
    let certain = reading.wish == Wish::Certain || reading.class == Class::Unsubscribe;
    let suppressed = certain || reading.wish == Wish::Chance || complained;
    let suppression = suppressed.then(|| Suppression {
        address: answered.address.to_owned(),
        at_unix_ms: answered.at_unix_ms,
        certain: certain || complained,
        quote: reading.quote.clone(),
    });
    let proposal = if certain { opt_out(reading, answered) } else { None };
    let why = match (reading.class, reading.wish) {
        (Class::Unsubscribe, _) | (_, Wish::Certain) => "they want no more messages: nothing goes out any more",
        (Class::Complaint, _) => "a complaint: nothing goes out any more, a person answers",
        (_, Wish::Chance) => "they may want no more messages: nothing goes out until a person has looked",
        (Class::Uncertain, _) => "it cannot be told what they mean: a person reads it",
        (Class::Ooo, _) => "they are away: the sequence waits",
        (Class::WrongPerson, _) => "somebody else: the sequence ends",
        (Class::Bounce, _) => "the mail came back: the address is not used again",
        _ => "they answered: a person goes on",
    };
    Handling { route, suppression, proposal, why: why.to_owned() }
}

fn opt_out(reading: &Reading, answered: &Answered<'_>) -> Option<Proposal> {
    let (record, seen, before) = answered.contact.clone()?;
    let after = Some("true".to_owned());
    if before == after {
        return None;
    }
    let quote = if reading.quote.trim().is_empty() { "unsubscribe".to_owned() } else { reading.quote.clone() };
    let evidence =
        Evidence::Source { item: answered.item.to_owned(), url: None, quote, at_unix_ms: answered.at_unix_ms };
    let because = Claim::new("They want no more messages.", vec![evidence], reading.confidence).ok()?;
    let system = record.system.clone();
    let action = Action::UpdateField { record, field: OPT_OUT_FIELD.into(), before, after };
    let batch = format!("reply/{}", answered.item);
    Some(Proposal::new(system, action, Some(seen), because, answered.from.clone(), batch, answered.at_unix_ms))
}
