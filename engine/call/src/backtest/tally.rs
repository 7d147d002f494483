//! What the cards of one side come to: as logged, with the present playbook, with the changed one.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    cards::{Cards, Seen},
    stats::{Leads, Rate},
    truth::{Judged, Truth},
    words::Words,
};

/// By what a call's cards are judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum JudgedBy {
    /// An answer key: what was raised, and where. It says nothing of cards that rules about the call bring.
    Truth,
    /// The rep: used is right; dismissed or wrong is not. Cards without a mark are not judged, and what no card
    /// answered is not known.
    Marks,
    /// Nothing.
    #[default]
    Nothing,
}

/// What a card is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Worth {
    /// It answers what was raised.
    Right,
    /// It does not.
    Wrong,
    /// Nobody knows.
    #[default]
    Unknown,
}

/// Cards counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Cards shown.
    pub cards: u32,
    /// Right cards of those judged.
    pub precision: Rate,
    /// Objections that brought the right card.
    pub recall: Rate,
    /// Cards the engine took back itself. The rep saw them: they count as shown.
    pub taken_back: u32,
    /// How long before the end of the utterance they came.
    pub lead: Leads,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.cards += other.cards;
        self.precision.add(other.precision);
        self.recall.add(other.recall);
        self.taken_back += other.taken_back;
        self.lead.add(&other.lead);
    }
}

/// One side of the comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Side {
    /// All cards.
    pub all: Tally,
    /// By play.
    pub plays: BTreeMap<String, Tally>,
}

impl Side {
    /// Counts what another has counted.
    pub fn add(&mut self, other: &Self) {
        self.all.add(&other.all);
        for (play, tally) in &other.plays {
            self.plays.entry(play.clone()).or_default().add(tally);
        }
    }

    fn count(&mut self, play: &str, mut how: impl FnMut(&mut Tally)) {
        how(&mut self.all);
        how(self.plays.entry(play.to_owned()).or_default());
    }
}

/// By what a call is judged, with what that takes.
pub(super) enum Judge<'a> {
    Truth(&'a Truth),
    Marks(Vec<&'a Seen>),
    Nobody,
}

impl<'a> Judge<'a> {
    pub fn new(truth: Option<&'a Truth>, logged: &'a Cards) -> Self {
        let marked: Vec<&Seen> = logged.all().iter().filter(|c| c.mark().is_some()).collect();
        match truth {
            Some(truth) => Self::Truth(truth),
            None if marked.is_empty() => Self::Nobody,
            None => Self::Marks(marked),
        }
    }

    pub const fn by(&self) -> JudgedBy {
        match self {
            Self::Truth(_) => JudgedBy::Truth,
            Self::Marks(_) => JudgedBy::Marks,
            Self::Nobody => JudgedBy::Nothing,
        }
    }

    /// The tally of `cards`, and what each shown one of them is worth, in their order.
    pub fn side(&self, cards: &Cards, words: &Words) -> (Side, Vec<Worth>) {
        let mut side = Side::default();
        let worths = self.worths(cards, &mut side);
        for (card, worth) in cards.shown().zip(&worths) {
            let lead = lead_ms(card, words);
            side.count(&card.play, |t| {
                t.cards += 1;
                t.taken_back += u32::from(card.taken_back());
                if *worth != Worth::Unknown {
                    t.precision.count(*worth == Worth::Right);
                }
                if let Some(ms) = lead {
                    t.lead.count(ms);
                }
            });
        }
        (side, worths)
    }

    fn worths(&self, cards: &Cards, side: &mut Side) -> Vec<Worth> {
        match self {
            Self::Nobody => cards.shown().map(|_| Worth::Unknown).collect(),
            Self::Truth(truth) => {
                let mut truth = (*truth).clone();
                let worth = |c: &Seen| match c.by_rule {
                    true => Worth::Unknown,
                    false => match truth.judge(&c.label, c.start.ms(), c.end.ms()) {
                        Judged::Right { .. } => Worth::Right,
                        Judged::WrongLabel | Judged::False => Worth::Wrong,
                    },
                };
                let worths = cards.shown().map(worth).collect();
                for (objection, found) in truth.objections() {
                    let play = if objection.play.is_empty() { &objection.label } else { &objection.play };
                    side.count(play, |t| t.recall.count(found));
                }
                worths
            }
            Self::Marks(marked) => {
                let same = |c: &Seen, m: &Seen| c.label == m.label && c.is_near(m.start, m.end);
                for used in marked.iter().filter(|m| m.mark() == Some(true)) {
                    let found = cards.shown().any(|c| same(c, used));
                    side.count(&used.play, |t| t.recall.count(found));
                }
                let worth = |c: &Seen| {
                    // Of two marks near each other, the rep's use counts.
                    let marks = marked.iter().filter(|m| same(c, m)).filter_map(|m| m.mark());
                    match marks.max() {
                        Some(true) => Worth::Right,
                        Some(false) => Worth::Wrong,
                        None => Worth::Unknown,
                    }
                };
                cards.shown().map(worth).collect()
            }
        }
    }
}

/// How long before the end of its utterance a card came, in ms; negative: after it.
pub(super) fn lead_ms(card: &Seen, words: &Words) -> Option<i64> {
    let (end, shown) = (words.sentence_end(card)?, card.shown_at?);
    let ms = |t: crate::time::MediaTime| i64::try_from(t.ms()).unwrap_or(i64::MAX);
    Some(ms(end) - ms(shown))
}
