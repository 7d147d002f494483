//! What happens when in the meeting: the agenda, from the call's script and the chaos asked for. No IO.

use super::{Chaos, protocol};
use crate::play::Call;

/// Time between the end of a sentence and its words in the transcript; Zoom takes about that long.
const TRANSCRIPT_DELAY_MS: u64 = 800;
/// Silence after the last word.
const TAIL_MS: u64 = 1_000;

/// Something that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// This participant comes.
    Join(usize),
    /// This participant leaves.
    Leave(usize),
    /// This participant begins to speak.
    Speaks(usize),
    /// The words of a line are known.
    Transcript {
        /// Whose.
        who: usize,
        /// The words.
        words: String,
        /// When they began, in ms of media.
        start_ms: u64,
        /// When they ended.
        end_ms: u64,
    },
    /// The host pauses the stream.
    Pause,
    /// The host resumes it.
    Resume,
    /// Sockets die without being closed.
    GoSilent,
    /// The media socket is cut.
    DropMedia,
    /// Both sockets are cut.
    Interrupt,
    /// The server fails.
    FailOver,
    /// The stream ends for that reason.
    Stop(u16),
}

/// Everything that happens, by ms of media; ends with a [`Action::Stop`].
#[must_use]
pub fn agenda(call: &Call, chaos: &Chaos) -> Vec<(u64, Action)> {
    let ms = |seconds: f64| (seconds.max(0.0) * 1_000.0).round() as u64;
    let named = |name: &str| call.voices.iter().position(|voice| voice.name == name);
    let mut list = Vec::new();
    if let Some(script) = &call.script {
        for line in &script.line {
            // A script and its voices come from the same folder: every speaker is there.
            let Some(who) = script.speaker(line).and_then(|p| named(&p.name)) else { continue };
            list.push((line.start_ms, Action::Speaks(who)));
            let (start_ms, end_ms) = (line.start_ms, line.end_ms);
            list.push((
                end_ms + TRANSCRIPT_DELAY_MS,
                Action::Transcript { who, words: line.text.clone(), start_ms, end_ms },
            ));
        }
    }
    list.extend(chaos.join_at.iter().filter_map(|(name, at)| Some((ms(*at), Action::Join(named(name)?)))));
    list.extend(chaos.leave_at.iter().filter_map(|(name, at)| Some((ms(*at), Action::Leave(named(name)?)))));
    if let Some((from, to)) = chaos.pause {
        list.extend([(ms(from), Action::Pause), (ms(to), Action::Resume)]);
    }
    for (at, action) in [
        (chaos.miss_keep_alives_at, Action::GoSilent),
        (chaos.drop_media_at, Action::DropMedia),
        (chaos.interrupt_at, Action::Interrupt),
        (chaos.failover_at, Action::FailOver),
        (chaos.revoke_at, Action::Stop(protocol::stop_reason::STREAM_REVOKED)),
    ] {
        list.extend(at.map(|at| (ms(at), action)));
    }
    let end = call.voices.iter().map(|voice| super::sound::length_ms(&voice.sound)).max().unwrap_or(0);
    list.push((end + TAIL_MS, Action::Stop(protocol::stop_reason::MEETING_ENDED)));
    // Stable: what was named first happens first.
    list.sort_by_key(|(at, _)| *at);
    if let Some(last) = list.iter().position(|(_, action)| matches!(action, Action::Stop(_))) {
        list.truncate(last + 1);
    }
    list
}

/// A number that is always the same for the same seed, participant and packet, and evenly spread over 0 to 1.
#[must_use]
pub fn draw(seed: u64, who: usize, packet: u64) -> f64 {
    // SplitMix64: small, and the same everywhere.
    let mut z = seed
        .wrapping_add((who as u64) << 48)
        .wrapping_add(packet.wrapping_mul(0x9e37_79b9_7f4a_7c15))
        .wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::play::{Sound, Voice};

    fn call() -> Call {
        let voice = |name: &str, ms: usize| Voice {
            track: 0,
            name: name.into(),
            party: "buyer".into(),
            consent: None,
            sound: Sound::Pcm { rate_hz: 8_000, samples: vec![0; ms * 8] },
        };
        Call { voices: vec![voice("Ann", 3_000), voice("Bob", 5_000)], script: None, warnings: Vec::new() }
    }

    #[test]
    fn the_meeting_ends_when_the_last_voice_does_or_when_it_is_revoked() {
        let plain = agenda(&call(), &Chaos::default());
        assert_eq!(plain, [(6_000, Action::Stop(6))]);
        let chaos = Chaos {
            revoke_at: Some(2.0),
            leave_at: vec![("Bob".into(), 1.0), ("Ann".into(), 4.0)],
            pause: Some((0.5, 1.5)),
            ..Chaos::default()
        };
        let list = agenda(&call(), &chaos);
        assert_eq!(
            list,
            [(500, Action::Pause), (1_000, Action::Leave(1)), (1_500, Action::Resume), (2_000, Action::Stop(8))]
        );
    }

    #[test]
    fn draws_repeat_and_are_even() {
        let all: Vec<f64> = (0..10_000).map(|n| draw(7, 1, n)).collect();
        assert_eq!(all, (0..10_000).map(|n| draw(7, 1, n)).collect::<Vec<_>>());
        assert!(all.iter().all(|d| (0.0..1.0).contains(d)));
        let below = all.iter().filter(|d| **d < 0.1).count();
        assert!((900..1_100).contains(&below), "{below}");
        assert_ne!(draw(7, 1, 5), draw(8, 1, 5));
        assert_ne!(draw(7, 1, 5), draw(7, 2, 5));
    }
}
