//! The detector on single lines of text: for a playbook's own tests and for `reframe detect`.

use std::sync::Arc;

use super::{Detection, Detector, Heard, Verdict, meaning::Meaning};
use crate::{
    audio::{Party, TrackId},
    event::UtteranceId,
    playbook::Playbook,
    recognize::Word,
    time::MediaTime,
};

/// Speaking time given to a word of a line that has no audio; conversational English runs at about 200 words a minute.
const WORD_MS: u64 = 300;

/// Runs lines through a detector, each on its own: nothing of one line is remembered in the next.
#[derive(Debug)]
pub struct LineDetector {
    playbook: Arc<Playbook>,
    detector: Detector,
}

/// What came of a line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LineResult {
    /// The best match, if any was let through.
    pub detection: Option<Detection>,
    /// Matches that were held back, and by what.
    pub suppressed: Vec<(Detection, String)>,
}

impl LineDetector {
    /// For `playbook`; `meaning`, if there is one, was made for it.
    #[must_use]
    pub fn new(playbook: Arc<Playbook>, meaning: Option<Arc<Meaning>>) -> Self {
        Self { detector: Detector::new(Arc::clone(&playbook), meaning), playbook }
    }

    /// What it listens for.
    #[must_use]
    pub fn playbook(&self) -> &Playbook {
        &self.playbook
    }

    /// Detects in one line.
    pub fn detect(&mut self, party: Party, line: &str) -> LineResult {
        let words: Vec<Word> = (0u64..)
            .zip(line.split_whitespace())
            .map(|(i, text)| Word {
                text: text.to_lowercase(),
                start: MediaTime::from_ms(i * WORD_MS),
                end: MediaTime::from_ms((i + 1) * WORD_MS),
                confidence: 1.0,
            })
            .collect();
        self.detector.begin();
        let heard = Heard {
            at: words.last().map_or(MediaTime::ZERO, |w| w.end),
            track: TrackId(0),
            party,
            utterance: UtteranceId(0),
            committed: &words,
            tail: &[],
        };
        let mut verdicts = self.detector.on_words(&heard);
        verdicts.extend(self.detector.on_utterance_end(&heard));
        let mut result = LineResult::default();
        for verdict in verdicts {
            match verdict {
                Verdict::Detected(d) => {
                    if result.detection.as_ref().is_none_or(|best| self.rank(&d) > self.rank(best)) {
                        result.detection = Some(d);
                    }
                }
                Verdict::Suppressed(d, by) => result.suppressed.push((d, by)),
                Verdict::Contradicted { .. } => result.detection = None,
            }
        }
        result
    }

    fn rank(&self, d: &Detection) -> (u16, usize) {
        (self.playbook.play(&d.play).map_or(0, |p| p.priority), d.evidence.phrase.len())
    }
}
