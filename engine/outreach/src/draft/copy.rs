//! A touch that a person makes themselves: copy the text, open the conversation, paste, send, confirm; or call, and confirm.
//! Nothing in this program talks to LinkedIn or to a telephone network.

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
    /// The text to copy; of a call, what to say.
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
    /// A card of a message that the linter let through. `below` are the lines that stand below the name: who writes, how
    /// to get no more, and what else a law asks for.
    ///
    /// # Errors
    /// [`CopyError`].
    pub fn of(message: &Linted, open: &str, below: &[String]) -> Result<Self, CopyError> {
        let candidate = message.candidate();
        let copied = |place| {
            let paste = "Paste it, read it once more and send it";
            ["Copy the text", place, paste, "Confirm here that you sent it"]
        };
        let steps = match candidate.channel {
            Channel::Email => return Err(CopyError::Email),
            Channel::Linkedin => copied("Open the profile in your browser and begin a message"),
            Channel::Sms => copied("Open a message to the number on your telephone"),
            Channel::Call => [
                "Call the number yourself; no machine dials or speaks",
                "Say your name and your company first, then what stands here in your own words",
                "If they want no more calls, enter it at once: reframe contact suppress",
                "Confirm here that you called",
            ],
        };
        let mut text = candidate.body.trim().to_owned();
        if !below.is_empty() {
            text = format!("{text}\n\n{}", below.join("\n"));
        }
        if text.chars().count() > MAX_CHARS {
            return Err(CopyError::Length);
        }
        if open.trim().is_empty() {
            return Err(CopyError::Open);
        }
        let steps = steps.map(str::to_owned).to_vec();
        Ok(Self { channel: candidate.channel, text, open: open.trim().to_owned(), steps })
    }
}
