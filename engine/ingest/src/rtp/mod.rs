//! RTP of one track to items for a call: order, loss, padding, pauses and the way from RTP time to sender's time. No IO.

pub mod clock;
pub mod order;
pub mod track;

pub use track::{RtpCounters, RtpPacket, RtpTrack};
