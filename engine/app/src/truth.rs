//! What a fixture's script says should happen, against what did.

use reframe_bots::script::{Objection, Script};

/// A card's phrase is located by the recogniser, the script's by the synthesiser; they are the same objection when no
/// further apart than this.
const SAME_PHRASE_MS: u64 = 2_000;

/// Matches cards to scripted objections, each at most once.
#[derive(Debug)]
pub struct Truth {
    objections: Vec<(Objection, bool)>,
    false_cards: u32,
    wrong_label: u32,
}

/// What the truth says of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged {
    /// It answers this objection, whose phrase ended here.
    Right {
        /// End of the phrase in the audio, ms.
        phrase_end_ms: u64,
    },
    /// An objection was there, but not of this kind.
    WrongLabel,
    /// Nothing was there.
    False,
}

impl Truth {
    /// Of a script.
    #[must_use]
    pub fn new(script: &Script) -> Self {
        Self {
            objections: script.objection.iter().map(|o| (o.clone(), false)).collect(),
            false_cards: 0,
            wrong_label: 0,
        }
    }

    /// Judges a card with this label, whose phrase was heard from `start_ms` to `end_ms`.
    pub fn judge(&mut self, label: &str, start_ms: u64, end_ms: u64) -> Judged {
        let near = |o: &Objection| start_ms <= o.end_ms + SAME_PHRASE_MS && o.start_ms <= end_ms + SAME_PHRASE_MS;
        if let Some((o, found)) = self.objections.iter_mut().find(|(o, found)| !found && o.label == label && near(o)) {
            *found = true;
            return Judged::Right { phrase_end_ms: o.end_ms };
        }
        if self.objections.iter().any(|(o, _)| near(o)) {
            self.wrong_label += 1;
            return Judged::WrongLabel;
        }
        self.false_cards += 1;
        Judged::False
    }

    /// Scripted objections.
    #[must_use]
    pub fn expected(&self) -> usize {
        self.objections.len()
    }

    /// Those that brought the right card.
    #[must_use]
    pub fn found(&self) -> usize {
        self.objections.iter().filter(|o| o.1).count()
    }

    /// Those that did not.
    pub fn missed(&self) -> impl Iterator<Item = &Objection> {
        self.objections.iter().filter(|o| !o.1).map(|o| &o.0)
    }

    /// Cards where nothing was there.
    #[must_use]
    pub const fn false_cards(&self) -> u32 {
        self.false_cards
    }

    /// Cards of the wrong kind.
    #[must_use]
    pub const fn wrong_label(&self) -> u32 {
        self.wrong_label
    }
}
