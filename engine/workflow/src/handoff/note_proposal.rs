//! What is to be written down about a call.

use reframe_call::date::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::artifact::Claim;

/// Who owes something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Owner {
    /// Whose side: `rep` or `buyer`.
    pub side: String,
    /// Who on it, if it was somebody on the call or somebody named.
    pub name: Option<String>,
}

/// Something somebody said they would do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Commitment {
    /// What, in a line, and the words it rests on.
    pub what: Claim,
    /// Who owes it.
    pub owner: Owner,
    /// The day it is due, if the words give one.
    #[schemars(with = "Option<String>")]
    pub due: Option<Date>,
    /// The words of the day, as they were said: "by friday".
    pub due_words: Option<String>,
    /// Whether any word that decides what or when was heard badly; then a person must look.
    pub unsure: bool,
}

/// How the rep met an objection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Handling {
    /// Answered, and the buyer took it.
    Handled,
    /// Answered; the buyer did not take it, or did not say.
    Answered,
    /// Passed over.
    Open,
}

/// An objection and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ObjectionRaised {
    /// Class: `price`.
    pub label: String,
    /// The buyer's words.
    pub raised: Claim,
    /// What became of it.
    pub handling: Handling,
    /// The answer, and how the buyer took it, if there was one.
    pub answer: Option<Claim>,
}

/// How likely the deal is to go wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Risk {
    /// 1 (none seen) to 5 (it will be lost unless something happens).
    pub level: u8,
    /// Why, in a sentence, and what that rests on.
    pub because: Claim,
}

/// The five parts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Note {
    /// The call in a line.
    pub headline: Option<Claim>,
    /// What it was about.
    pub topics: Vec<Claim>,
    /// What was decided.
    pub decisions: Vec<Claim>,
    /// What comes next.
    pub next_steps: Vec<Claim>,
    /// What it says for the fields of the CRM: field and value with the words for it.
    pub fields: Vec<(String, Claim)>,
}

/// A message to the buyer after the call: fewer than 120 words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FollowUp {
    /// Subject.
    pub subject: String,
    /// Text, plain.
    pub body: String,
    /// Everything in it that states a fact.
    pub claims: Vec<Claim>,
}

/// Something for the rep's list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TaskProposal {
    /// What to do, in a line, and why.
    pub what: Claim,
    /// The day it is due.
    #[schemars(with = "Option<String>")]
    pub due: Option<Date>,
}

/// Everything that a call left to write down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoteProposal {
    /// Name of the call.
    pub call: String,
    /// The five-part note.
    pub note: Note,
    /// One paragraph; every sentence with its words.
    pub summary: Vec<Claim>,
    /// What each side said it would do.
    pub commitments: Vec<Commitment>,
    /// Objections and how they were met.
    pub objections: Vec<ObjectionRaised>,
    /// People who were spoken of and not there: name or role, and the words.
    pub absent: Vec<Claim>,
    /// How the deal stands.
    pub risk: Option<Risk>,
    /// What to send the buyer.
    pub follow_up: Option<FollowUp>,
    /// What to put on the rep's list.
    pub tasks: Vec<TaskProposal>,
    /// What could not be told for bad hearing or missing sound, in words.
    pub caveats: Vec<String>,
}

impl NoteProposal {
    /// Every statement in it, each with what it rests on.
    #[must_use]
    pub fn claims(&self) -> Vec<&Claim> {
        let note = &self.note;
        let parts = note.headline.iter().chain(&note.topics).chain(&note.decisions).chain(&note.next_steps);
        let mut all: Vec<&Claim> = parts.chain(note.fields.iter().map(|(_, claim)| claim)).collect();
        all.extend(&self.summary);
        all.extend(self.commitments.iter().map(|c| &c.what));
        all.extend(self.objections.iter().flat_map(|o| std::iter::once(&o.raised).chain(&o.answer)));
        all.extend(&self.absent);
        all.extend(self.risk.iter().map(|r| &r.because));
        all.extend(self.follow_up.iter().flat_map(|f| &f.claims));
        all.extend(self.tasks.iter().map(|t| &t.what));
        all
    }
}
