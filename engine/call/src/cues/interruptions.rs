//! The rep interrupts the buyer.

use std::collections::VecDeque;

use super::{
    Finding, Watch, minutes_ms,
    phrases::Ear,
    scene::{Fact, Scene, Turn},
};
use crate::{audio::Party, event::UtteranceId, time::MediaTime};

/// The buyer must have spoken this long.
const AFTER_MS: u64 = 1_000;
/// The buyer stops within this time.
const YIELDS_MS: u64 = 1_500;
/// Less than this at the same time is how turns change hands: the next speaker comes in on the last syllable. The gap
/// between turns is 200 ms on average (Levinson and Torreira 2015), and often below zero.
const OVERLAP_MS: u64 = 200;
/// Turns of the rep that may still become interruptions.
const PENDING_MAX: usize = 16;

/// The rep begins while the buyer speaks, takes the floor, and the buyer stops.
#[derive(Debug)]
pub(super) struct Interruptions {
    at_least: usize,
    within_ms: u64,
    /// The rep's turn and the buyer's that was broken off, until it is known whether the rep's takes the floor.
    pending: VecDeque<(UtteranceId, UtteranceId)>,
    /// The last interruptions: when, and the buyer's turn.
    times: VecDeque<(MediaTime, UtteranceId)>,
    news: bool,
}

impl Interruptions {
    pub fn new(at_least: u32, within_min: u32) -> Self {
        Self {
            at_least: at_least as usize,
            within_ms: minutes_ms(within_min),
            pending: VecDeque::new(),
            times: VecDeque::new(),
            news: false,
        }
    }

    fn pair(&mut self, rep: &Turn, buyer: &Turn) {
        let Some(end) = buyer.end else { return };
        let into_ms = rep.start.ms_since(buyer.start);
        let overlap_ms = end.ms_since(rep.start);
        if into_ms >= AFTER_MS && (OVERLAP_MS..=YIELDS_MS).contains(&overlap_ms) {
            if self.pending.len() == PENDING_MAX {
                self.pending.pop_front();
            }
            self.pending.push_back((rep.utterance, buyer.utterance));
        }
    }

    /// Settles which of the pending turns took the floor, as far as is known at `at`.
    fn settle(&mut self, scene: &Scene, at: MediaTime) {
        let pending = std::mem::take(&mut self.pending);
        for (rep, buyer) in pending {
            let Some(turn) = scene.turns.iter().rev().find(|t| t.utterance == rep) else { continue };
            if turn.takes_the_floor(at) {
                if self.times.iter().all(|(_, b)| *b != buyer) {
                    self.times.push_back((turn.start, buyer));
                    self.news = true;
                }
            } else if turn.end.is_none() {
                self.pending.push_back((rep, buyer));
            }
        }
        while self.times.len() > self.at_least {
            self.times.pop_front();
        }
    }
}

impl Watch for Interruptions {
    fn observe(&mut self, scene: &Scene, fact: &Fact<'_>, _: &mut Ear) {
        // The rep's beginning and the buyer's end may become known in either order.
        let (known, other) = match fact {
            Fact::Began { utterance, track } if scene.party(*track) == Party::Rep => (utterance, Party::Buyer),
            Fact::Ended { utterance, track, .. } if scene.party(*track) == Party::Buyer => (utterance, Party::Rep),
            _ => return,
        };
        let Some(turn) = scene.turns.iter().rev().find(|t| t.utterance == *known) else { return };
        for t in scene.turns.iter().filter(|t| scene.party(t.track) == other) {
            if other == Party::Buyer { self.pair(turn, t) } else { self.pair(t, turn) }
        }
    }

    fn due(&self, scene: &Scene) -> Option<MediaTime> {
        let open = |(rep, _): &(UtteranceId, UtteranceId)| {
            scene.turns.iter().rev().find(|t| t.utterance == *rep).filter(|t| t.end.is_none()).map(Turn::floor_at)
        };
        self.pending.iter().filter_map(open).min()
    }

    fn evaluate(&mut self, scene: &Scene, at: MediaTime, _: bool) -> Option<Finding> {
        self.settle(scene, at);
        if !std::mem::take(&mut self.news) {
            return None;
        }
        let from = at.minus_ms(self.within_ms);
        self.times.retain(|(when, _)| *when > from);
        let (count, (since, _)) = (self.times.len(), *self.times.front()?);
        if count < self.at_least || scene.is_deaf() {
            return None;
        }
        self.times.clear();
        let within = self.within_ms / 60_000;
        let because =
            format!("the rep cut the buyer off {count} times in the last {within} min (limit {})", self.at_least);
        Some(Finding::of(because, None, since))
    }
}
