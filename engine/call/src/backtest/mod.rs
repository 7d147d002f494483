//! The back-test: what a changed playbook would have done in calls that are long over.
//!
//! Events of a log go in, a comparison comes out. [`CallTest`] runs the present and the changed playbook side by side,
//! each in a real [`CallSession`](crate::session::CallSession), fed with what the log says was heard: words at the time
//! they became certain, beginnings and ends of speech, phrases heard in the sounds, and what the rep did with the cards.
//! The sounds themselves are not there, so a phrase that nobody listened for can only be found in the words.

mod cards;
mod compare;
mod edit;
mod gate;
mod replay;
pub mod stats;
mod steps;
mod suggest;
mod tally;
#[cfg(test)]
mod tests;
pub mod truth;
mod usage;
mod words;

pub use self::{
    cards::{Cards, Seen},
    compare::{CallResult, Change, Counts, Kind, Totals},
    edit::{EditError, add_never},
    gate::Gate,
    replay::{Sounds, Tried},
    suggest::{NotMade, Suggested, Suggestions, WrongCard},
    tally::{JudgedBy, Side, Tally, Worth},
    usage::{PlayUse, Usage, Use},
    words::{Around, Clause, Words},
};
use self::{replay::Replay, steps::Steps, tally::Judge, truth::Truth};
use crate::{
    deal::Deal,
    event::{Event, EventBody},
    session::SessionSettings,
};

/// One call under test: its events go in, in order, a [`CallResult`] comes out.
pub struct CallTest {
    settings: SessionSettings,
    present: Tried,
    changed: Tried,
    /// Both replays, once the log has begun.
    replays: Option<(Replay, Replay)>,
    steps: Steps,
    logged: Cards,
    words: Words,
    result: CallResult,
}

impl CallTest {
    /// For the call `name`, with the settings it would be run with.
    #[must_use]
    pub fn new(name: &str, settings: SessionSettings, present: Tried, changed: Tried) -> Self {
        let result =
            CallResult { name: name.to_owned(), present_playbook: present.playbook.id(), ..CallResult::default() };
        Self {
            settings,
            present,
            changed,
            replays: None,
            steps: Steps::default(),
            logged: Cards::default(),
            words: Words::default(),
            result,
        }
    }

    /// Takes the next event of the log.
    pub fn event(&mut self, event: &Event) {
        if let EventBody::CallStarted { playbook, deal, .. } = &event.body {
            self.result.logged_with.clone_from(playbook);
            self.begin(deal);
        }
        self.result.length_ms = self.result.length_ms.max(event.at.ms());
        self.steps.event(event, &self.logged);
        self.logged.event(event);
        self.words.event(event);
        self.run();
    }

    fn begin(&mut self, deal: &Deal) {
        let replay = |tried: &Tried| Replay::new(tried, self.settings, deal.clone());
        self.replays = Some((replay(&self.present), replay(&self.changed)));
    }

    fn run(&mut self) {
        while let Some(step) = self.steps.pop() {
            if self.replays.is_none() {
                self.begin(&Deal::default());
            }
            if let Some((present, changed)) = &mut self.replays {
                present.step(&step);
                changed.step(&step);
            }
        }
    }

    /// The log is over: what came of it, judged by `truth` if there is one, else by the rep's marks in the log.
    #[must_use]
    pub fn finish(mut self, truth: Option<&Truth>) -> CallResult {
        self.steps.finish();
        self.run();
        let mut result = self.result;
        let Some((mut present, mut changed)) = self.replays else { return result };
        present.end();
        changed.end();
        let judge = Judge::new(truth, &self.logged);
        let words = &self.words;
        result.judged_by = judge.by();
        (result.logged, _) = judge.side(&self.logged, words);
        let (side, present_worth) = judge.side(&present.cards, words);
        result.present = side;
        let (side, changed_worth) = judge.side(&changed.cards, words);
        result.changed = side;
        (result.changes, result.counts) =
            compare::compare((&present.cards, &present_worth), (&changed.cards, &changed_worth), words);
        for card in self.logged.shown() {
            let again = |c: &Seen| c.play == card.play && c.is_near(card.start, card.end);
            result.replayed.count(present.cards.shown().any(again));
        }
        result.present_sounds = present.sounds;
        result.changed_sounds = changed.sounds;
        result.not_looked_at = self.logged.beyond + present.cards.beyond + changed.cards.beyond;
        result
    }
}
