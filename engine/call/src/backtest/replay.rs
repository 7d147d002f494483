//! One playbook over the log of one call: a real [`CallSession`], fed with what the log says was heard.

use std::sync::Arc;

use super::{
    cards::{Cards, Seen},
    steps::{Did, Step, What},
};
use crate::{
    deal::Deal,
    detect::meaning::Meaning,
    input::{Input, RepAction},
    output::Output,
    playbook::Playbook,
    recorded::Playback,
    session::{CallSession, SessionSettings, SessionSetup, from_log::Logged},
    time::MediaTime,
};

/// A playbook to be tried, made once for all calls.
#[derive(Clone)]
pub struct Tried {
    /// The playbook.
    pub playbook: Arc<Playbook>,
    /// What it means, if meaning is to be asked; made for this very playbook.
    pub meaning: Option<Arc<Meaning>>,
}

/// Phrases heard in the sounds, by what became of them in a replay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Sounds {
    /// The playbook still has them.
    pub heard: u32,
    /// It has not: what was said is known only by its words.
    pub unknown: u32,
}

/// One playbook over one log.
pub(super) struct Replay {
    session: CallSession,
    pub cards: Cards,
    pub sounds: Sounds,
    /// Whether audio comes.
    audio: bool,
}

impl Replay {
    pub fn new(tried: &Tried, settings: SessionSettings, deal: Deal) -> Self {
        let setup = SessionSetup {
            settings: SessionSettings { refine: false, ..settings },
            playbook: Arc::clone(&tried.playbook),
            context: Vec::new(),
            deal,
            ears: Playback::new("log".to_owned()).ears(),
            semantic: tried.meaning.clone(),
        };
        let session = CallSession::new(setup);
        let mut replay = Self { session, cards: Cards::default(), sounds: Sounds::default(), audio: true };
        replay.drain();
        replay
    }

    pub fn step(&mut self, step: &Step) {
        if self.session.ended() {
            return;
        }
        self.session.pass_logged(step.at, self.audio);
        self.drain();
        match &step.what {
            What::Joined(info) => self.input(&Input::TrackAdded(info.clone())),
            What::Left(track) => self.input(&Input::TrackEnded(*track)),
            What::Paused(track) => self.input(&Input::Paused(*track)),
            What::Coaching(coaching) => {
                self.input(&Input::Rep { at: step.at, action: RepAction::SetCoaching { coaching: *coaching } });
            }
            What::Heard(track, logged) => {
                let taken = self.session.take_logged(*track, logged);
                if matches!(logged, Logged::Phrase { trigger: true, .. }) {
                    *(if taken { &mut self.sounds.heard } else { &mut self.sounds.unknown }) += 1;
                }
                self.drain();
            }
            What::Rep(did, card) => self.act(step.at, *did, card),
            What::Audio(comes) => self.audio = *comes,
            What::Restarted => {
                self.session.cut_logged();
                self.drain();
            }
        }
    }

    pub fn end(&mut self) {
        if !self.session.ended() {
            self.input(&Input::End);
        }
    }

    /// What the rep did with a card of the log, done again with the card that stands for it here, if there is one.
    fn act(&mut self, at: MediaTime, did: Did, logged: &Seen) {
        let same = |c: &&Seen| c.closed.is_none() && c.play == logged.play && c.is_near(logged.start, logged.end);
        let Some(card) = self.cards.all().iter().rev().find(same).map(|c| c.id) else { return };
        let action = match did {
            Did::Used => RepAction::Used { card },
            Did::Dismissed => RepAction::Dismiss { card },
            Did::Wrong => RepAction::Wrong { card },
            Did::Pinned => RepAction::Pin { card },
            Did::Skipped => RepAction::Next,
        };
        self.input(&Input::Rep { at, action });
    }

    /// What the session refuses (a track that is gone already) cannot be made good here, and changes nothing.
    fn input(&mut self, input: &Input) {
        drop(self.session.handle_input(input));
        self.drain();
    }

    fn drain(&mut self) {
        loop {
            match self.session.poll_output() {
                Output::Event(event) => self.cards.event(&event),
                Output::Caption(_) | Output::Job(_) => {}
                Output::Idle { .. } => return,
            }
        }
    }
}
