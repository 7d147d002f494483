//! Why the rules' text stands and not the model's.

/// One word for each; they are counted and stand in the audit log, so they never hold anybody's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{}", self.code())]
pub enum Reason {
    /// The rules wrote no such text, so there is nothing to write better.
    NothingToWrite,
    /// Even the shortest form of the question would take more tokens than one call may.
    OverCallBudget,
    /// The tokens of the day are used up.
    OverDayBudget,
    /// The time for the model was over.
    OutOfTime,
    /// The provider asked us to wait longer than there was time.
    Busy,
    /// The provider cannot be reached, or failed.
    Unreachable,
    /// The provider does not let us in.
    Forbidden,
    /// The provider's answer is none we understand.
    OddAnswer,
    /// The model would not write it.
    Declined,
    /// The answer was cut off.
    CutOff,
    /// The answer is empty.
    Empty,
    /// The answer is not the JSON that was asked for.
    NotJson,
    /// More words or sentences than there may be.
    TooLong,
    /// A sentence cites nothing.
    NoCitation,
    /// A citation names a line that was not given, or words that do not stand there.
    WrongCitation,
    /// A placeholder that was never given out, or one that none of the cited words holds.
    UnknownPlaceholder,
    /// A number that none of the cited words holds.
    InventedNumber,
    /// A day or time that neither the cited words nor the note hold.
    InventedDay,
    /// A sum whose currency or percentage nobody named.
    InventedMoney,
    /// A name that none of the cited words holds.
    InventedName,
    /// A link, an address, markup or a control character.
    Markup,
    /// Something is promised or agreed that the note does not hold.
    PromiseNotInNote,
    /// "not" was lost or added on the way.
    Turned,
    /// Too little of the sentence is in the cited words.
    NotInTheWords,
    /// A person had it on their screen, or had decided, before the model's text came.
    TooLate,
}

impl Reason {
    /// The word in the audit log.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::NothingToWrite => "nothing_to_write",
            Self::OverCallBudget => "over_call_budget",
            Self::OverDayBudget => "over_day_budget",
            Self::OutOfTime => "out_of_time",
            Self::Busy => "busy",
            Self::Unreachable => "unreachable",
            Self::Forbidden => "forbidden",
            Self::OddAnswer => "odd_answer",
            Self::Declined => "declined",
            Self::CutOff => "cut_off",
            Self::Empty => "empty",
            Self::NotJson => "not_json",
            Self::TooLong => "too_long",
            Self::NoCitation => "no_citation",
            Self::WrongCitation => "wrong_citation",
            Self::UnknownPlaceholder => "unknown_placeholder",
            Self::InventedNumber => "invented_number",
            Self::InventedDay => "invented_day",
            Self::InventedMoney => "invented_money",
            Self::InventedName => "invented_name",
            Self::Markup => "markup",
            Self::PromiseNotInNote => "promise_not_in_note",
            Self::Turned => "turned",
            Self::NotInTheWords => "not_in_the_words",
            Self::TooLate => "too_late",
        }
    }

    /// Whether asking once more may help: the answer was bad, or the provider failed for a moment.
    #[must_use]
    pub const fn may_pass(self) -> bool {
        !matches!(
            self,
            Self::NothingToWrite
                | Self::OverCallBudget
                | Self::OverDayBudget
                | Self::OutOfTime
                | Self::Forbidden
                | Self::Declined
                | Self::TooLate
        )
    }
}
