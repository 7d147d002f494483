//! Where an utterance begins and ends: a four-state machine over speech probabilities.

use crate::{audio::FRAME_US, time::MediaTime};

/// Settings, in ms of audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EndpointSettings {
    /// Speech must last this long to begin an utterance.
    pub start_ms: u64,
    /// Silence must last this long to end one. Longer than the recogniser's look-ahead (392 ms for asr-v1), so that
    /// the last word is complete; shorter than a thinking pause.
    pub stop_ms: u64,
    /// Audio kept from before the speech was noticed, so that no first sound is lost.
    pub preroll_ms: u64,
    /// An utterance longer than this ends at the next short pause.
    pub long_ms: u64,
    /// That short pause.
    pub long_stop_ms: u64,
    /// No utterance is longer than this: it is cut where it stands.
    pub max_ms: u64,
    /// Percent speech probability that counts as speech while quiet.
    pub enter_percent: u8,
    /// Percent below which it counts as silence while speaking. Lower than `enter_percent`, so that the state does not
    /// flutter.
    pub leave_percent: u8,
}

impl Default for EndpointSettings {
    fn default() -> Self {
        Self {
            start_ms: 60,
            stop_ms: 700,
            preroll_ms: 400,
            long_ms: 20_000,
            long_stop_ms: 300,
            max_ms: 60_000,
            enter_percent: 50,
            leave_percent: 35,
        }
    }
}

/// What the speaker is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaking {
    /// Nothing.
    Quiet,
    /// Perhaps beginning to speak.
    Starting,
    /// Speaking.
    Speaking,
    /// Perhaps done.
    Stopping,
}

/// What a frame changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boundary {
    /// Nothing.
    None,
    /// An utterance began; its first speech was at this time.
    Began(MediaTime),
    /// The utterance ended; its last speech ended at this time.
    Ended(MediaTime),
}

/// Quiet -> starting -> speaking -> stopping -> quiet.
#[derive(Clone, Debug)]
pub struct Endpointer {
    settings: EndpointSettings,
    state: Speaking,
    first_speech: MediaTime,
    last_speech: MediaTime,
}

impl Endpointer {
    /// Quiet.
    #[must_use]
    pub const fn new(settings: EndpointSettings) -> Self {
        Self { settings, state: Speaking::Quiet, first_speech: MediaTime::ZERO, last_speech: MediaTime::ZERO }
    }

    /// Present state.
    #[must_use]
    pub const fn state(&self) -> Speaking {
        self.state
    }

    /// Whether an utterance is in progress.
    #[must_use]
    pub const fn in_utterance(&self) -> bool {
        matches!(self.state, Speaking::Speaking | Speaking::Stopping)
    }

    /// Takes the speech probability of the frame that starts at `start`.
    pub fn on_frame(&mut self, start: MediaTime, probability: f32) -> Boundary {
        let end = start.plus_us(FRAME_US);
        let bar = if self.in_utterance() { self.settings.leave_percent } else { self.settings.enter_percent };
        let speech = probability * 100.0 >= f32::from(bar);
        match (self.state, speech) {
            (Speaking::Quiet, true) => {
                self.first_speech = start;
                self.last_speech = end;
                self.state = Speaking::Starting;
                self.begin_if_due(end)
            }
            (Speaking::Quiet, false) => Boundary::None,
            (Speaking::Starting, true) => {
                self.last_speech = end;
                self.begin_if_due(end)
            }
            (Speaking::Starting, false) => {
                self.state = Speaking::Quiet;
                Boundary::None
            }
            (Speaking::Speaking | Speaking::Stopping, true) => {
                self.last_speech = end;
                self.state = Speaking::Speaking;
                if end.ms_since(self.first_speech) >= self.settings.max_ms { self.finish() } else { Boundary::None }
            }
            (Speaking::Speaking | Speaking::Stopping, false) => {
                self.state = Speaking::Stopping;
                let long = end.ms_since(self.first_speech) >= self.settings.long_ms;
                let stop_ms = if long { self.settings.long_stop_ms } else { self.settings.stop_ms };
                if end.ms_since(self.last_speech) >= stop_ms { self.finish() } else { Boundary::None }
            }
        }
    }

    /// Ends the utterance in progress, if there is one: the track ended, or its audio is interrupted.
    pub fn interrupt(&mut self) -> Boundary {
        if self.in_utterance() {
            self.finish()
        } else {
            self.state = Speaking::Quiet;
            Boundary::None
        }
    }

    fn begin_if_due(&mut self, end: MediaTime) -> Boundary {
        if end.ms_since(self.first_speech) >= self.settings.start_ms {
            self.state = Speaking::Speaking;
            Boundary::Began(self.first_speech)
        } else {
            Boundary::None
        }
    }

    fn finish(&mut self) -> Boundary {
        self.state = Speaking::Quiet;
        Boundary::Ended(self.last_speech)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a line of frames, `#` for speech and `.` for silence, and gives the boundaries with their frame numbers.
    fn run(settings: EndpointSettings, line: &str) -> Vec<(u64, Boundary)> {
        let mut e = Endpointer::new(settings);
        (0u64..)
            .zip(line.chars())
            .map(|(i, c)| (i, e.on_frame(MediaTime::from_ms(i * 20), if c == '#' { 0.9 } else { 0.1 })))
            .filter(|(_, b)| *b != Boundary::None)
            .collect()
    }

    fn settings() -> EndpointSettings {
        EndpointSettings { start_ms: 60, stop_ms: 100, ..EndpointSettings::default() }
    }

    #[test]
    fn begins_after_three_frames_and_ends_after_five() {
        let got = run(settings(), "..####......");
        let began = Boundary::Began(MediaTime::from_ms(40));
        let ended = Boundary::Ended(MediaTime::from_ms(120));
        assert_eq!(got, [(4, began), (10, ended)]);
    }

    #[test]
    fn a_click_is_not_speech_and_a_pause_is_not_an_end() {
        assert_eq!(run(settings(), ".##..#..##.."), []);
        assert_eq!(run(settings(), "####...####...##").len(), 1);
    }

    #[test]
    fn a_long_utterance_ends_at_a_short_pause_and_at_the_latest_at_its_limit() {
        let s = EndpointSettings { long_ms: 200, long_stop_ms: 40, max_ms: 400, ..settings() };
        assert_eq!(run(s, "############..##").len(), 2);
        assert_eq!(run(s, &"#".repeat(45)).iter().filter(|b| matches!(b.1, Boundary::Ended(_))).count(), 2);
    }

    #[test]
    fn leaving_needs_a_lower_probability_than_entering() {
        let mut e = Endpointer::new(EndpointSettings { start_ms: 20, stop_ms: 20, ..EndpointSettings::default() });
        assert_eq!(e.on_frame(MediaTime::ZERO, 0.4), Boundary::None);
        assert!(matches!(e.on_frame(MediaTime::from_ms(20), 0.6), Boundary::Began(_)));
        assert_eq!(e.on_frame(MediaTime::from_ms(40), 0.4), Boundary::None);
        assert!(matches!(e.on_frame(MediaTime::from_ms(60), 0.1), Boundary::Ended(_)));
    }
}
