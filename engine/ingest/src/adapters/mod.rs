//! Other vendors' meeting bots and telephone bridges, which bring audio in their own words over a WebSocket to an address
//! we give them: `GET /v1/adapters/{vendor}`. One vendor, one file; what they share is here, the network is in [`io`].
//!
//! Adapters are plain state machines: a message in, [`Step`]s out, the time brought by the caller.

pub mod attendee;
pub mod facts;
pub mod genesys;
pub mod io;
pub mod meet_stream;
pub mod meeting_baas;
pub mod recall;
pub mod roster;
pub mod twilio;

use reframe_audio::decode::Codec;
use reframe_call::{
    audio::{Consent, Party},
    input::SourceStatus,
};

pub use self::facts::Facts;
use crate::{item::Who, socket::protocol::Refusal};

/// Longest message taken from a vendor, in bytes: two seconds of 48 kHz PCM in base64, with room to spare.
pub const MAX_MESSAGE_BYTES: usize = 512 * 1_024;
/// Participants an adapter tells apart; a meeting with more than that many microphones is no sales call.
pub const MAX_PEOPLE: usize = 64;

/// A participant, by the adapter's own number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The adapter's number for it.
    pub person: u8,
    /// Name to show.
    pub name: String,
    /// Which side, as far as the address said.
    pub party: Party,
    /// Consent, if the address says that the vendor's bot obtains it.
    pub consent: Option<Consent>,
    /// What else the vendor says.
    pub who: Who,
    /// How its packets are to be read.
    pub codec: Codec,
}

/// What an adapter wants done. In order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The call can be opened now; nothing of it before that.
    Open {
        /// The call's id unless the facts name one.
        call: String,
        /// What the address, or the vendor's first message, said about the call.
        facts: Box<Facts>,
        /// A token that came in a message instead of a header.
        token: Option<String>,
    },
    /// Somebody joined, or their facts changed.
    Person(Person),
    /// A packet of somebody's audio.
    Audio {
        /// Whose.
        person: u8,
        /// Counts the packets of this person.
        sequence: u16,
        /// Time of the first sample on the clock the adapter keeps, in microseconds.
        timestamp_us: u64,
        /// The bytes.
        payload: Vec<u8>,
    },
    /// Somebody's words, where the vendor recognises speech.
    Words {
        /// Whose.
        person: u8,
        /// When the first began, in microseconds.
        start_us: u64,
        /// When the last ended, in microseconds.
        end_us: u64,
        /// The words.
        text: String,
        /// They stay.
        last: bool,
    },
    /// Nothing of this person until its audio goes on.
    Pause(u8),
    /// Somebody left.
    Leave(u8),
    /// How the vendor's connection to the meeting is doing.
    Source(SourceStatus),
    /// To be sent back.
    Reply(String),
    /// The vendor is done: the call ends.
    Stop,
}

/// One connection of one vendor.
pub trait Adapter: Send + Sync {
    /// A text message; what follows from it is appended to `steps`. `now_us` is this machine's clock, in microseconds
    /// since any fixed moment.
    ///
    /// # Errors
    /// [`Refusal`] if it, or its last part, cannot be understood; the steps before that are to be carried out, and the
    /// connection goes on unless there are many such messages.
    fn text(&mut self, text: &str, now_us: u64, steps: &mut Vec<Step>) -> Result<(), Refusal>;

    /// A binary message.
    ///
    /// # Errors
    /// As [`text`](Self::text).
    fn binary(&mut self, bytes: &[u8], now_us: u64, steps: &mut Vec<Step>) -> Result<(), Refusal>;

    /// How to say in this protocol that we end the connection, if there is a way besides closing it.
    fn farewell(&mut self, why: &str) -> Option<String> {
        let _nothing_to_say = why;
        None
    }
}

/// The vendors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Vendor {
    /// Recall.ai.
    Recall,
    /// Attendee.
    Attendee,
    /// Meeting BaaS.
    MeetingBaas,
    /// MeetStream.
    MeetStream,
    /// Twilio Media Streams.
    Twilio,
    /// Telnyx media streaming: Twilio's shapes under other names.
    Telnyx,
    /// Genesys AudioHook.
    Genesys,
}

impl Vendor {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Recall, Self::Attendee, Self::MeetingBaas, Self::MeetStream, Self::Twilio, Self::Telnyx, Self::Genesys];

    /// The name in the address.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Recall => "recall",
            Self::Attendee => "attendee",
            Self::MeetingBaas => "meeting-baas",
            Self::MeetStream => "meetstream",
            Self::Twilio => "twilio",
            Self::Telnyx => "telnyx",
            Self::Genesys => "genesys",
        }
    }

    /// The vendor of a name in an address.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|vendor| vendor.name() == name)
    }

    /// Whether the token may come in a message: this vendor can neither set headers nor keep a query string.
    #[must_use]
    pub const fn token_in_message(self) -> bool {
        matches!(self, Self::Twilio | Self::Telnyx)
    }

    /// A new connection's adapter.
    #[must_use]
    pub fn adapter(self, facts: Facts) -> Box<dyn Adapter> {
        match self {
            Self::Recall => Box::new(recall::Recall::new(facts)),
            Self::Attendee => Box::new(attendee::Attendee::new(facts)),
            Self::MeetingBaas => Box::new(meeting_baas::MeetingBaas::new(facts)),
            Self::MeetStream => Box::new(meet_stream::MeetStream::new(facts)),
            Self::Twilio | Self::Telnyx => Box::new(twilio::Twilio::new(self, facts)),
            Self::Genesys => Box::new(genesys::Genesys::new(facts)),
        }
    }
}

#[cfg(test)]
mod tests;
