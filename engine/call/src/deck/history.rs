//! What the deck remembers of each play in this call.

use std::collections::BTreeMap;

use crate::{card::Card, time::MediaTime};

/// A play the rep marked as wrong this often rests for the rest of the call.
const WRONG_MAX: u32 = 2;

/// What became of one play so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Past {
    /// Its class.
    pub label: String,
    /// Cards it had, on the screen or waiting.
    pub times: u32,
    /// When the last of them was decided.
    pub last: MediaTime,
    /// When its last card came up on the screen.
    pub shown: Option<MediaTime>,
    before_last: MediaTime,
    shown_before: Option<MediaTime>,
    wrong: u32,
}

/// What became of the plays of a call; one entry for each that had a card.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct History {
    plays: BTreeMap<String, Past>,
}

impl History {
    /// What became of `play`.
    pub fn of(&self, play: &str) -> Option<&Past> {
        self.plays.get(play)
    }

    /// The play of class `label`, other than `play`, that had the last card, and what became of it.
    pub fn last_other(&self, label: &str, play: &str) -> Option<(&str, &Past)> {
        let alike = self.plays.iter().filter(|(id, past)| *id != play && past.label == label && past.times > 0);
        alike.max_by_key(|(_, past)| past.last).map(|(id, past)| (id.as_str(), past))
    }

    /// A card was decided at `at`.
    pub fn count(&mut self, card: &Card, at: MediaTime) {
        let past = self.plays.entry(card.play.clone()).or_default();
        past.label.clone_from(&card.label);
        past.times += 1;
        past.before_last = std::mem::replace(&mut past.last, at);
        past.shown_before = past.shown;
    }

    /// A card came up on the screen for the first time.
    pub fn shown(&mut self, card: &Card, at: MediaTime) {
        if let Some(past) = self.plays.get_mut(&card.play) {
            past.shown = Some(at);
        }
    }

    /// The last card of `play` does not count: it was taken back, or never seen. The real objection may still come. Those
    /// before it count.
    pub fn forgive(&mut self, play: &str) {
        let Some(past) = self.plays.get_mut(play) else { return };
        past.times = past.times.saturating_sub(1);
        past.last = past.before_last;
        past.shown = past.shown_before;
        if past.times == 0 && past.wrong == 0 {
            self.plays.remove(play);
        }
    }

    /// The rep says that the last card of `play` was wrong: nobody raised this, so nothing follows it up.
    pub fn wrong(&mut self, play: &str) {
        if let Some(past) = self.plays.get_mut(play) {
            past.wrong = past.wrong.saturating_add(1);
            past.shown = past.shown_before;
        }
    }

    /// Why `play` rests, in words, if it does.
    pub fn rests(&self, play: &str) -> Option<String> {
        let wrong = self.plays.get(play)?.wrong;
        (wrong >= WRONG_MAX).then(|| "the rep marked it wrong twice".to_owned())
    }
}
