//! What a client says: hello, what the rep did, and that it is still there.

use reframe_call::{
    audio::{Party, TrackId},
    event::CardId,
    input::{Coaching, RepAction},
};
use serde::{Deserialize, Serialize};

use super::WireCoaching;

/// Characters of a note; what the call keeps of one.
pub const MAX_NOTE_CHARS: usize = 2_000;

/// Anything a client sends: `{"v":1,"type":"hello",…}`. Unknown fields are ignored, unknown types are an error.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientMessage {
    /// Must be the first message.
    Hello {
        /// Protocol version, 1.
        v: u8,
        /// The call's token.
        token: String,
        /// Sequence number of the last numbered message the client has.
        #[serde(default)]
        resume_from: Option<u64>,
    },
    /// A key or click.
    Action(Action),
    /// Answer to `ping`.
    Pong {
        /// The number that came with it.
        #[serde(default)]
        n: u64,
    },
}

/// What the rep did, with what it takes to do it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// What.
    #[serde(rename = "do")]
    pub act: WireAction,
    /// Which card; for `used`, `dismiss`, `wrong` and `pin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub card: Option<u32>,
    /// Whose track; for `set_party`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub track: Option<u16>,
    /// Which side; for `set_party`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub party: Option<WireParty>,
    /// What to do from now on; for `coaching`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<WireCoaching>,
    /// What to write down, at most [`MAX_NOTE_CHARS`] characters; for `note`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// Kinds of actions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WireAction {
    /// Said it.
    Used,
    /// Not helpful now.
    Dismiss,
    /// It should not have come.
    Wrong,
    /// Keep it, or let it go again.
    Pin,
    /// Show the next waiting card.
    Next,
    /// This participant is on that side.
    SetParty,
    /// Listen, take notes only, or stop.
    Coaching,
    /// Write this down.
    Note,
}

/// Sides of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WireParty {
    /// The seller's.
    Rep,
    /// The other one.
    Buyer,
    /// Not known.
    Unknown,
}

/// Why an action cannot be passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAction {
    /// Something it needs is missing.
    #[error("this action lacks a field it needs")]
    Incomplete,
    /// The note is too long.
    #[error("a note has at most {MAX_NOTE_CHARS} characters: write two")]
    TooLong,
}

impl Action {
    /// The call's form of it.
    ///
    /// # Errors
    /// [`BadAction`] if something is missing or too long.
    pub fn to_rep(&self) -> Result<RepAction, BadAction> {
        let card = || self.card.map(CardId).ok_or(BadAction::Incomplete);
        Ok(match self.act {
            WireAction::Used => RepAction::Used { card: card()? },
            WireAction::Dismiss => RepAction::Dismiss { card: card()? },
            WireAction::Wrong => RepAction::Wrong { card: card()? },
            WireAction::Pin => RepAction::Pin { card: card()? },
            WireAction::Next => RepAction::Next,
            WireAction::SetParty => RepAction::SetParty {
                track: self.track.map(TrackId).ok_or(BadAction::Incomplete)?,
                party: self.party.ok_or(BadAction::Incomplete)?.into(),
            },
            WireAction::Coaching => {
                RepAction::SetCoaching { coaching: Coaching::from(self.to.ok_or(BadAction::Incomplete)?) }
            }
            WireAction::Note => {
                let text = self.text.as_deref().map(str::trim).filter(|text| !text.is_empty());
                let text = text.ok_or(BadAction::Incomplete)?;
                if text.chars().count() > MAX_NOTE_CHARS {
                    return Err(BadAction::TooLong);
                }
                RepAction::Note { text: text.to_owned() }
            }
        })
    }
}

impl WireAction {
    /// The kind of a call's action, and the card it is about.
    #[must_use]
    pub const fn of(action: &RepAction) -> (Self, Option<u32>) {
        match action {
            RepAction::Used { card } => (Self::Used, Some(card.0)),
            RepAction::Dismiss { card } => (Self::Dismiss, Some(card.0)),
            RepAction::Wrong { card } => (Self::Wrong, Some(card.0)),
            RepAction::Pin { card } => (Self::Pin, Some(card.0)),
            RepAction::Next => (Self::Next, None),
            RepAction::SetParty { .. } => (Self::SetParty, None),
            RepAction::SetCoaching { .. } => (Self::Coaching, None),
            RepAction::Note { .. } => (Self::Note, None),
        }
    }
}

impl From<WireParty> for Party {
    fn from(party: WireParty) -> Self {
        match party {
            WireParty::Rep => Self::Rep,
            WireParty::Buyer => Self::Buyer,
            WireParty::Unknown => Self::Unknown,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<RepAction, BadAction> {
        match serde_json::from_str::<ClientMessage>(text).unwrap() {
            ClientMessage::Action(action) => action.to_rep(),
            _ => panic!("not an action"),
        }
    }

    #[test]
    fn actions_become_those_of_the_call() {
        assert_eq!(parse(r#"{"type":"action","do":"used","card":2}"#), Ok(RepAction::Used { card: CardId(2) }));
        assert_eq!(parse(r#"{"type":"action","do":"wrong","card":2}"#), Ok(RepAction::Wrong { card: CardId(2) }));
        assert_eq!(parse(r#"{"type":"action","do":"next"}"#), Ok(RepAction::Next));
        let party = parse(r#"{"type":"action","do":"set_party","track":4,"party":"buyer"}"#);
        assert_eq!(party, Ok(RepAction::SetParty { track: TrackId(4), party: Party::Buyer }));
        let coaching = parse(r#"{"type":"action","do":"coaching","to":"notes_only"}"#);
        assert_eq!(coaching, Ok(RepAction::SetCoaching { coaching: Coaching::NotesOnly }));
        let note = parse(r#"{"type":"action","do":"note","text":"  call back\n Friday "}"#);
        assert_eq!(note, Ok(RepAction::Note { text: "call back\n Friday".into() }));
    }

    #[test]
    fn what_an_action_needs_must_be_there() {
        for text in [
            r#"{"type":"action","do":"pin"}"#,
            r#"{"type":"action","do":"wrong"}"#,
            r#"{"type":"action","do":"set_party","track":4}"#,
            r#"{"type":"action","do":"set_party","party":"rep"}"#,
            r#"{"type":"action","do":"coaching"}"#,
            r#"{"type":"action","do":"note"}"#,
            r#"{"type":"action","do":"note","text":" \n "}"#,
        ] {
            assert_eq!(parse(text), Err(BadAction::Incomplete), "{text}");
        }
        for text in [
            r#"{"type":"action","do":"reboot"}"#,
            r#"{"type":"action","do":"set_party","track":4,"party":"them"}"#,
            r#"{"type":"action","do":"set_party","track":-1,"party":"rep"}"#,
            r#"{"type":"action","do":"coaching","to":"loud"}"#,
            r#"{"type":"hello","v":1}"#,
        ] {
            assert!(serde_json::from_str::<ClientMessage>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_note_counts_characters_and_not_bytes() {
        let note = |chars: usize| {
            Action {
                act: WireAction::Note,
                card: None,
                track: None,
                party: None,
                to: None,
                text: Some("ä".repeat(chars)),
            }
            .to_rep()
        };
        assert!(note(MAX_NOTE_CHARS).is_ok());
        assert_eq!(note(MAX_NOTE_CHARS + 1), Err(BadAction::TooLong));
    }
}
