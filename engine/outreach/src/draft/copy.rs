//! A message that a person sends themselves: copy the text, open the conversation, paste, send, confirm. Nothing in this
//! program talks to LinkedIn or to a telephone network.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::lint::{Channel, Linted};

/// Longest note with an invitation on LinkedIn is shorter; this is for messages to connections.
const MAX_CHARS: usize = 1_900;

/// What is shown to copy from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// Where the person sends it.
    pub channel: Channel,
    /// The text to copy.
    pub text: String,
    /// What the person opens: the address of a profile, or a telephone number. This program does not open it.
    pub open: String,
    /// What to do, in order.
    pub steps: Vec<String>,
}

/// Why there is no card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// E-mail goes through the gate.
    #[error("e-mail is sent by the program after approval; make a proposal of it")]
    Email,
    /// It is too long for the channel.
    #[error("it is longer than {MAX_CHARS} characters")]
    Length,
    /// There is nothing to open.
    #[error("give the address of the profile, or the telephone number")]
    Open,
}

impl Card {
    /// A card of a message that the linter let through.
    ///
    /// # Errors
    /// [`CopyError`].
    pub fn of(message: &Linted, open: &str) -> Result<Self, CopyError> {
        let candidate = message.candidate();
        let place = match candidate.channel {
            Channel::Email => return Err(CopyError::Email),
            Channel::Linkedin => "Open the profile in your browser and begin a message",
            Channel::Sms => "Open a message to the number on your telephone",
        };
        let text = candidate.body.trim().to_owned();
        if text.chars().count() > MAX_CHARS {
            return Err(CopyError::Length);
        }
        if open.trim().is_empty() {
            return Err(CopyError::Open);
        }
        let steps =
            ["Copy the text", place, "Paste it, read it once more and send it", "Confirm here that you sent it"];
        let steps = steps.map(str::to_owned).to_vec();
        Ok(Self { channel: candidate.channel, text, open: open.trim().to_owned(), steps })
    }
}
