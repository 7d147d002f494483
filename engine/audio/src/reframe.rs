//! A run of 16 kHz samples to frames of exactly 20 ms.

use reframe_call::{
    audio::{AudioFrame, FRAME_SAMPLES, FRAME_US, TrackId},
    time::MediaTime,
};

/// Cuts a track into frames. The first frame starts at the time given; each next one 20 ms later.
pub struct Reframer {
    track: TrackId,
    /// Start of the frame being filled.
    next: MediaTime,
    pending: Vec<f32>,
}

impl Reframer {
    /// A reframer whose first frame starts at `start`.
    #[must_use]
    pub const fn new(track: TrackId, start: MediaTime) -> Self {
        Self { track, next: start, pending: Vec::new() }
    }

    /// Start of the frame being filled: no later frame will start before it.
    #[must_use]
    pub const fn next_start(&self) -> MediaTime {
        self.next
    }

    /// Samples waiting for the rest of their frame.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Appends samples; hands every frame that is full to `full`.
    pub fn push(&mut self, mut samples: &[f32], mut full: impl FnMut(AudioFrame)) {
        while !samples.is_empty() {
            let room = FRAME_SAMPLES - self.pending.len();
            let (now, later) = samples.split_at(room.min(samples.len()));
            self.pending.extend_from_slice(now);
            samples = later;
            if self.pending.len() == FRAME_SAMPLES {
                let mut frame = Box::new([0.0; FRAME_SAMPLES]);
                frame.copy_from_slice(&self.pending);
                full(AudioFrame { track: self.track, start: self.next, samples: frame });
                self.pending.clear();
                self.next = self.next.plus_us(FRAME_US);
            }
        }
    }

    /// Fills the frame in work with silence and hands it over; nothing happens if it is empty.
    pub fn pad(&mut self, full: impl FnMut(AudioFrame)) {
        if !self.pending.is_empty() {
            let silence = [0.0; FRAME_SAMPLES];
            self.push(&silence[self.pending.len()..], full);
        }
    }

    /// Goes on at `start`, which must lie on the grid of frames (a whole number of frames after the present one).
    pub fn jump(&mut self, start: MediaTime) {
        self.pending.clear();
        self.next = start;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_follow_each_other() {
        let mut reframer = Reframer::new(TrackId(3), MediaTime::from_us(123));
        let mut frames = Vec::new();
        for _ in 0..10 {
            reframer.push(&[0.25; 100], |f| frames.push(f));
        }
        assert_eq!(frames.len(), 3);
        assert_eq!(frames.iter().map(|f| f.start.us()).collect::<Vec<_>>(), [123, 20_123, 40_123]);
        reframer.pad(|f| frames.push(f));
        assert_eq!(frames.len(), 4);
        assert_eq!(frames[3].samples[39..41], [0.25, 0.0]);
        reframer.pad(|f| frames.push(f));
        assert_eq!(frames.len(), 4, "nothing to pad");
    }
}
