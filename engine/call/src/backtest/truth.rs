//! What should have happened in a call, and what cards are worth against it.

use serde::Deserialize;

/// A card's phrase is located by the recogniser, the truth's by a synthesiser or a person; they are the same objection
/// when no further apart than this.
pub const SAME_PHRASE_MS: u64 = 2_000;

/// Something a buyer said that should bring a card.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Objection {
    /// Its class: `price`, `timing`, …
    pub label: String,
    /// The play that answers it.
    #[serde(default)]
    pub play: String,
    /// The decisive words.
    #[serde(default)]
    pub phrase: String,
    /// Where their sound begins.
    pub start_ms: u64,
    /// Where it ends.
    pub end_ms: u64,
    /// Which of the script's lines they are in, from 0, where there is a script.
    #[serde(default)]
    pub line: usize,
}

/// Matches cards to the objections of a call, each at most once.
#[derive(Clone, Debug, Default)]
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
    /// Of these objections.
    #[must_use]
    pub fn new(objections: impl IntoIterator<Item = Objection>) -> Self {
        let objections = objections.into_iter().map(|o| (o, false)).collect();
        Self { objections, false_cards: 0, wrong_label: 0 }
    }

    /// Reads the `[[objection]]` entries of a script; everything else in it is passed over. A file without any says that
    /// no card may appear.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct File {
            #[serde(default)]
            objection: Vec<Objection>,
        }
        let file: File = toml::from_str(text).map_err(|e| e.to_string().trim().to_owned())?;
        if let Some(n) = file.objection.iter().position(|o| o.start_ms >= o.end_ms) {
            return Err(format!("[[objection]] number {} ends before it begins", n + 1));
        }
        Ok(Self::new(file.objection))
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

    /// All objections, and whether each brought the right card.
    pub fn objections(&self) -> impl Iterator<Item = (&Objection, bool)> {
        self.objections.iter().map(|(o, found)| (o, *found))
    }

    /// Objections there are.
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

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "title = \"x\"\n[[line]]\nwho = \"rep\"\n[[objection]]\nlabel = \"price\"\nstart_ms = 1000\nend_ms = 2000\n";

    #[test]
    fn each_objection_is_found_once() {
        let mut truth = Truth::parse(TEXT).unwrap();
        assert_eq!(truth.judge("timing", 1_000, 2_000), Judged::WrongLabel);
        assert_eq!(truth.judge("price", 3_900, 4_200), Judged::Right { phrase_end_ms: 2_000 });
        assert_eq!(truth.judge("price", 1_000, 2_000), Judged::WrongLabel);
        assert_eq!(truth.judge("price", 4_001, 4_200), Judged::False);
        assert_eq!((truth.expected(), truth.found(), truth.missed().count()), (1, 1, 0));
        assert_eq!((truth.wrong_label(), truth.false_cards()), (2, 1));
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(Truth::parse("title = \"nothing may come\"").unwrap().expected(), 0);
        assert!(Truth::parse(&TEXT.replace("2000", "900")).unwrap_err().contains("ends before"));
        assert!(Truth::parse(&TEXT.replace("label", "lable")).unwrap_err().contains("lable"));
    }
}
