//! Which packet goes out when: all voices cut into packets, in order of their last samples; and which ones a bad
//! network would lose.

use super::source::{Sound, Voice};
use crate::whip::Random;

/// Packets lost on purpose.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Loss {
    /// How many, in percent.
    pub percent: f64,
    /// Decides which ones; the same in every run.
    pub seed: u64,
    /// How many in a row.
    pub burst: u32,
}

impl Default for Loss {
    fn default() -> Self {
        Self { percent: 0.0, seed: 0, burst: 1 }
    }
}

/// A packet and its time.
pub struct Scheduled {
    /// When its last sample is spoken, in microseconds from the first sample of the call, on this machine's clock.
    pub due_us: u64,
    /// Whose: index of the voice.
    pub voice: usize,
    /// Its number in the voice; wraps.
    pub sequence: u16,
    /// Where its first sample lies, in microseconds from the first sample of the call.
    pub start_us: u64,
    /// One packet of sound.
    pub payload: Vec<u8>,
    /// The bad network lost it.
    pub lost: bool,
}

/// All packets of a call in order. Made one at a time: a long recording is not copied as a whole.
pub struct Schedule<'a> {
    voices: Vec<Cursor<'a>>,
    packet_ms: u32,
    loss: Loss,
}

struct Cursor<'a> {
    voice: &'a Voice,
    /// Samples (PCM) or packets (Opus) handed out.
    at: usize,
    sequence: u16,
    random: Random,
    losing: u32,
    /// How much longer everything takes than the voice's own clock says.
    stretch: f64,
}

impl<'a> Schedule<'a> {
    pub fn new(voices: &'a [Voice], packet_ms: u32, loss: Loss) -> Self {
        let voices = voices
            .iter()
            .map(|voice| Cursor {
                voice,
                at: 0,
                sequence: 0,
                random: Random::new(loss.seed ^ (u64::from(voice.track) << 32)),
                losing: 0,
                stretch: 1.0,
            })
            .collect();
        Self { voices, packet_ms, loss }
    }

    /// With voices whose clocks are slow by so many parts per million, in their order.
    pub fn with_skew(mut self, skew_ppm: &[f64]) -> Self {
        for (voice, ppm) in self.voices.iter_mut().zip(skew_ppm) {
            voice.stretch = 1.0 + ppm / 1e6;
        }
        self
    }
}

impl Iterator for Schedule<'_> {
    type Item = Scheduled;

    fn next(&mut self) -> Option<Scheduled> {
        let packet_ms = self.packet_ms;
        let (_, _, n) = self
            .voices
            .iter()
            .enumerate()
            .filter_map(|(n, c)| c.due_us(packet_ms).map(|due| (due, c.voice.track, n)))
            .min()?;
        self.voices[n].next(n, packet_ms, self.loss)
    }
}

fn us(samples: usize, rate_hz: u32) -> u64 {
    samples as u64 * 1_000_000 / u64::from(rate_hz)
}

impl Cursor<'_> {
    /// First and last sample (PCM) or start and end at 48 kHz (Opus) of the next packet.
    fn bounds(&self, packet_ms: u32) -> Option<(usize, usize, u32)> {
        match &self.voice.sound {
            Sound::Pcm { rate_hz, samples } => {
                let end = (self.at + (rate_hz * packet_ms / 1_000) as usize).min(samples.len());
                (self.at < end).then_some((self.at, end, *rate_hz))
            }
            Sound::Opus(file) => file.packets.get(self.at).map(|p| {
                let start = p.start_48k as usize;
                (start, start + p.samples_48k as usize, 48_000)
            }),
        }
    }

    fn due_us(&self, packet_ms: u32) -> Option<u64> {
        self.bounds(packet_ms).map(|(_, end, rate_hz)| self.spoken_us(end, rate_hz))
    }

    /// When a sample is spoken by this machine's clock.
    fn spoken_us(&self, sample: usize, rate_hz: u32) -> u64 {
        (us(sample, rate_hz) as f64 * self.stretch).round() as u64
    }

    fn next(&mut self, voice: usize, packet_ms: u32, loss: Loss) -> Option<Scheduled> {
        let (start, end, rate_hz) = self.bounds(packet_ms)?;
        let payload = match &self.voice.sound {
            Sound::Pcm { samples, .. } => {
                self.at = end;
                reframe_audio::decode::to_s16le(&samples[start..end])
            }
            Sound::Opus(file) => {
                self.at += 1;
                file.packets[self.at - 1].data.clone()
            }
        };
        let sequence = self.sequence;
        self.sequence = sequence.wrapping_add(1);
        let lost = self.loses(loss);
        Some(Scheduled {
            due_us: self.spoken_us(end, rate_hz),
            voice,
            sequence,
            start_us: us(start, rate_hz),
            payload,
            lost,
        })
    }

    fn loses(&mut self, loss: Loss) -> bool {
        if self.losing > 0 {
            self.losing -= 1;
            return true;
        }
        let draw = self.random.share();
        let burst = loss.burst.max(1);
        let share = (loss.percent / 100.0).clamp(0.0, 1.0);
        // A burst begins so often that in all `share` of the packets are lost.
        let begins = share / (share + f64::from(burst) * (1.0 - share));
        let lost = share > 0.0 && draw < begins;
        if lost {
            self.losing = burst - 1;
        }
        lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voice(track: u8, rate_hz: u32, ms: u32) -> Voice {
        Voice {
            track,
            name: "x".into(),
            party: "buyer".into(),
            consent: None,
            sound: Sound::Pcm { rate_hz, samples: vec![1; (rate_hz * ms / 1_000) as usize] },
        }
    }

    #[test]
    fn packets_are_due_at_their_last_sample_and_in_order() {
        let voices = [voice(0, 48_000, 1_000), voice(1, 16_000, 500)];
        let all: Vec<_> = Schedule::new(&voices, 100, Loss::default()).collect();
        assert_eq!(all.len(), 15);
        assert!(all.is_sorted_by_key(|p| p.due_us));
        assert_eq!((all[0].due_us, all[0].voice, all[1].voice), (100_000, 0, 1));
        assert_eq!((all[2].start_us, all[2].sequence, all[2].payload.len()), (100_000, 1, 9_600));
    }

    #[test]
    fn a_slow_clock_stretches_the_time_and_not_the_stamps() {
        let voices = [voice(0, 48_000, 10_000), voice(1, 48_000, 10_000)];
        let all: Vec<_> = Schedule::new(&voices, 20, Loss::default()).with_skew(&[0.0, 1_000.0]).collect();
        assert!(all.is_sorted_by_key(|p| p.due_us));
        let last = |voice| all.iter().rfind(|p| p.voice == voice).map(|p| (p.due_us, p.start_us));
        assert_eq!((last(0), last(1)), (Some((10_000_000, 9_980_000)), Some((10_010_000, 9_980_000))));
    }

    #[test]
    fn loss_is_of_the_size_asked_for_and_repeats() {
        let voices = [voice(0, 8_000, 200_000)];
        for burst in [1, 5] {
            let loss = Loss { percent: 10.0, seed: 3, burst };
            let run = || Schedule::new(&voices, 20, loss).map(|p| p.lost).collect::<Vec<_>>();
            let lost = run().iter().filter(|l| **l).count();
            assert!((800..1_200).contains(&lost), "{lost} of 10000 in bursts of {burst}");
            assert_eq!(run(), run());
        }
    }
}
