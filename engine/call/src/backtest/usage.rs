//! What became of each play's cards in real calls, from their logs alone.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{cards::Cards, stats::Rate};
use crate::{
    card::CardEnd,
    event::{Event, EventBody},
};

/// What became of one play.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Use {
    /// Times it was detected.
    pub detected: u32,
    /// Times it matched and was held back.
    pub held_back: u32,
    /// Cards shown.
    pub shown: u32,
    /// Cards that waited and never came on the screen.
    pub never_shown: u32,
    /// Used by the rep.
    pub used: u32,
    /// Dismissed by the rep.
    pub dismissed: u32,
    /// Marked wrong by the rep.
    pub wrong: u32,
    /// Pinned at some time.
    pub pinned: u32,
    /// Gone by themselves: their time was up.
    pub expired: u32,
    /// Gone for another reason: replaced, skipped, the call ended.
    pub gone: u32,
    /// Taken back by the engine.
    pub taken_back: u32,
}

impl Use {
    /// A share of the cards shown.
    #[must_use]
    pub const fn of_shown(&self, of: u32) -> Rate {
        // A card can end without having been shown; the share is of what the rep saw.
        Rate { of: if of > self.shown { self.shown } else { of }, n: self.shown }
    }

    const fn add(&mut self, o: &Self) {
        self.detected += o.detected;
        self.held_back += o.held_back;
        self.shown += o.shown;
        self.never_shown += o.never_shown;
        self.used += o.used;
        self.dismissed += o.dismissed;
        self.wrong += o.wrong;
        self.pinned += o.pinned;
        self.expired += o.expired;
        self.gone += o.gone;
        self.taken_back += o.taken_back;
    }
}

/// What became of the plays of one call, or of several.
#[derive(Clone, Debug, Default)]
pub struct Usage {
    /// Calls.
    pub calls: u32,
    /// Their length in ms of media time.
    pub length_ms: u64,
    plays: BTreeMap<String, Use>,
    cards: Cards,
}

/// A play and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlayUse {
    /// Its id.
    pub play: String,
    /// Counts.
    #[serde(flatten)]
    pub counts: Use,
    /// Used, of those shown.
    pub used_rate: Rate,
    /// Dismissed, of those shown.
    pub dismissed_rate: Rate,
    /// Marked wrong, of those shown.
    pub wrong_rate: Rate,
}

impl Usage {
    /// Takes the next event of a call.
    pub fn event(&mut self, event: &Event) {
        self.length_ms = self.length_ms.max(event.at.ms());
        self.cards.event(event);
        match &event.body {
            EventBody::ObjectionDetected { detection } => self.play(&detection.play).detected += 1,
            EventBody::DetectionSuppressed { detection, .. } => self.play(&detection.play).held_back += 1,
            EventBody::CueRaised { cue } => self.play(&cue.play).detected += 1,
            EventBody::CueSuppressed { cue, .. } => self.play(&cue.play).held_back += 1,
            _ => {}
        }
    }

    fn play(&mut self, play: &str) -> &mut Use {
        self.plays.entry(play.to_owned()).or_default()
    }

    /// The call is over. Call before [`add`](Self::add).
    pub fn finish(&mut self) {
        self.calls = 1;
        for card in std::mem::take(&mut self.cards).all() {
            let play = self.play(&card.play);
            if card.shown_at.is_none() {
                play.never_shown += 1;
                continue;
            }
            play.shown += 1;
            play.pinned += u32::from(card.pinned);
            match card.closed.map(|(end, _)| end) {
                Some(CardEnd::Used) => play.used += 1,
                Some(CardEnd::Dismissed) => play.dismissed += 1,
                Some(CardEnd::Wrong) => play.wrong += 1,
                Some(CardEnd::Expired) => play.expired += 1,
                Some(CardEnd::Retracted) => play.taken_back += 1,
                Some(CardEnd::Replaced | CardEnd::Skipped | CardEnd::CallEnded) | None => play.gone += 1,
            }
        }
    }

    /// Counts what another call has counted.
    pub fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.length_ms += other.length_ms;
        for (play, counts) in &other.plays {
            self.plays.entry(play.clone()).or_default().add(counts);
        }
    }

    /// All plays, those most often wrong first, then those most often dismissed, then by name.
    #[must_use]
    pub fn plays(&self) -> Vec<PlayUse> {
        let mut plays: Vec<PlayUse> = self
            .plays
            .iter()
            .map(|(play, u)| PlayUse {
                play: play.clone(),
                counts: *u,
                used_rate: u.of_shown(u.used),
                dismissed_rate: u.of_shown(u.dismissed),
                wrong_rate: u.of_shown(u.wrong),
            })
            .collect();
        // Stable: equal ones stay in order of their names.
        plays.sort_by_key(|p| std::cmp::Reverse((p.counts.wrong, p.counts.dismissed)));
        plays
    }
}
