//! Zoom's numbers by name: message types, states, reasons and refusals, each with its meaning in plain words. No IO.
//!
//! Source: developers.zoom.us/docs/rtms/data-types/.

use serde::{Serialize, Serializer};

/// Makes an enum of numbers that keeps numbers it does not know.
macro_rules! codes {
    ($(#[$about:meta])* $name:ident { $($number:literal $variant:ident $meaning:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $(#[doc = $meaning] $variant,)*
            /// A number Zoom had not published when this was written.
            Other(u32),
        }

        impl $name {
            /// By Zoom's number.
            #[must_use]
            pub const fn from_code(code: u32) -> Self {
                match code {
                    $($number => Self::$variant,)*
                    other => Self::Other(other),
                }
            }

            /// Zoom's number.
            #[must_use]
            pub const fn code(self) -> u32 {
                match self {
                    $(Self::$variant => $number,)*
                    Self::Other(other) => other,
                }
            }

            /// What it means, in words for people.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => $meaning,)*
                    Self::Other(_) => "Zoom gave a reason this program does not know",
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_u32(self.code())
            }
        }
    };
}

codes! {
    /// Kinds of messages, `msg_type`.
    MessageType {
        1 SignallingRequest "request to open the signalling connection",
        2 SignallingResponse "answer to the request to open the signalling connection",
        3 MediaRequest "request to open a media connection",
        4 MediaResponse "answer to the request to open a media connection",
        5 EventSubscription "which events to be told about",
        6 EventUpdate "something happened in the meeting",
        7 ClientReady "we are ready for media",
        8 StreamStateUpdate "the stream's state changed",
        9 SessionStateUpdate "a session's state changed",
        10 SessionStateRequest "question for a session's state",
        11 SessionStateResponse "answer with a session's state",
        12 KeepAliveRequest "are you there?",
        13 KeepAliveResponse "I am here",
        14 Audio "audio",
        15 Video "video",
        16 Share "screen share",
        17 Transcript "transcript",
        18 Chat "chat",
        19 StreamStateRequest "question for the stream's state",
        20 StreamStateResponse "answer with the stream's state",
        21 StreamCloseRequest "request to end the stream",
        22 StreamCloseResponse "answer to the request to end the stream",
    }
}

codes! {
    /// State of a stream.
    StreamState {
        0 Inactive "not started",
        1 Active "running",
        2 Interrupted "interrupted",
        3 Terminating "about to end",
        4 Terminated "over",
        5 Paused "paused",
        6 Resumed "running again",
    }
}

codes! {
    /// State of one user's session within a stream.
    SessionState {
        0 Inactive "not started",
        1 Initialize "starting",
        2 Started "running",
        3 Paused "paused",
        4 Resumed "running again",
        5 Stopped "over",
    }
}

codes! {
    /// Why a stream or a session ended.
    StopReason {
        0 Unknown "Zoom gave no reason",
        1 Host "the host stopped it",
        2 User "a participant stopped it",
        3 UserLeft "the participant who started it left the meeting",
        4 UserEjected "the participant who started it was removed from the meeting",
        5 HostDisabledApp "the host switched the app off",
        6 MeetingEnded "the meeting is over",
        7 StreamCancelled "the stream was cancelled",
        8 StreamRevoked "permission was revoked: what was received must be deleted",
        9 AllAppsDisabled "all apps were switched off in this meeting",
        10 InternalException "trouble inside Zoom",
        11 ConnectionTimeout "our connection came too late",
        12 InstanceInterrupted "one of Zoom's servers failed",
        13 SignallingInterrupted "the signalling connection broke",
        14 MediaInterrupted "the media connection broke",
        15 SignallingClosed "the signalling connection was closed abnormally",
        16 MediaClosed "the media connection was closed abnormally",
        17 ExitSignal "one of Zoom's servers was shut down",
        18 AuthenticationFailure "Zoom refused our signature: check ZOOM_CLIENT_ID and ZOOM_CLIENT_SECRET",
        19 ReconnectionTimeout "we did not come back in time",
        20 ReceiverClosed "we asked for the end",
        21 CustomerDisconnected "the customer hung up",
        22 AgentDisconnected "the agent hung up",
        23 AdminDisabledApp "an administrator switched the app off",
        24 KeepAliveTimeout "our answers to Zoom's keep-alives stayed away",
        25 ManualApi "it was stopped over Zoom's API",
        26 NotSupported "this meeting cannot be streamed",
    }
}

impl StopReason {
    /// Does Zoom say that such a stream is to be started again from the beginning?
    #[must_use]
    pub const fn wants_restart(self) -> bool {
        matches!(self.code(), 10..=19 | 24)
    }
}

codes! {
    /// Why Zoom took or refused a connection, `status_code`.
    Status {
        0 Ok "fine",
        1 InvalidMessageType "Zoom did not know the type of a message of ours",
        2 InvalidStream "Zoom does not know this stream (any more)",
        3 InvalidSignature "Zoom refused our signature: check ZOOM_CLIENT_ID and ZOOM_CLIENT_SECRET",
        4 InvalidPayload "Zoom did not understand a message of ours",
        5 InvalidEvents "Zoom did not understand which events we asked for",
        6 InvalidEventType "Zoom does not have an event we asked for",
        7 InvalidMediaType "Zoom does not have that kind of media",
        8 DuplicateSignalling "another program is connected to this stream already",
        9 AudioNotSupported "the app may not have audio: add the scope for meeting audio",
        10 VideoNotSupported "the app may not have video",
        11 ShareNotSupported "the app may not have the screen share",
        12 TranscriptNotSupported "the app may not have the transcript: add the scope for meeting transcripts",
        13 ChatNotSupported "the app may not have the chat",
        15 AllConnected "all connections of this stream are there already",
        16 DuplicateMedia "another program gets this stream's media already",
        17 InvalidMediaParameters "Zoom did not understand what media we asked for",
        18 InvalidAudio "Zoom cannot send audio as we asked for it",
        19 InvalidAudioContent "Zoom cannot send audio in the form we asked for",
        20 InvalidAudioRate "Zoom cannot send audio at the rate we asked for",
        21 InvalidAudioChannel "Zoom cannot send as many channels as we asked for",
        22 InvalidAudioCodec "Zoom cannot send audio in the codec we asked for",
        23 InvalidAudioOption "Zoom cannot send one stream for each participant",
        24 InvalidAudioSendRate "Zoom cannot send audio in pieces of the length we asked for",
        40 InvalidSession "Zoom does not know this session",
        41 InvalidClientReady "Zoom did not understand that we are ready",
        42 InvalidLanguage "Zoom has no transcript in that language",
        43 LanguageNotSet "Zoom wants a language for the transcript",
        44 DuplicateVideo "the video was asked for twice",
        45 Internal "trouble inside Zoom",
    }
}

impl Status {
    /// Is it the audio that was refused, so that the transcript may still be had?
    #[must_use]
    pub const fn refuses_audio(self) -> bool {
        matches!(self.code(), 7 | 9 | 17..=24)
    }
}

codes! {
    /// Kinds of events within a meeting.
    EventType {
        1 FirstPacket "time of the first packet",
        2 ActiveSpeaker "somebody else speaks",
        3 ParticipantJoin "participants joined",
        4 ParticipantLeave "participants left",
        5 SharingStart "somebody shares the screen",
        6 SharingStop "the screen is no longer shared",
        7 MediaInterrupted "a media connection broke",
        8 VideoOn "a camera was switched on",
        9 VideoOff "a camera was switched off",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_comes_back() {
        for n in 0..100 {
            assert_eq!(StopReason::from_code(n).code(), n);
            assert_eq!(Status::from_code(n).code(), n);
            assert_eq!(MessageType::from_code(n).code(), n);
            assert_eq!(EventType::from_code(n).code(), n);
            assert_eq!(StreamState::from_code(n).code(), n);
            assert_eq!(SessionState::from_code(n).code(), n);
        }
        assert_eq!(StopReason::from_code(8), StopReason::StreamRevoked);
        assert_eq!(Status::from_code(3), Status::InvalidSignature);
    }

    #[test]
    fn only_broken_streams_are_started_again() {
        let restarted: Vec<u32> = (0..40).filter(|&n| StopReason::from_code(n).wants_restart()).collect();
        assert_eq!(restarted, [10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 24]);
    }
}
