//! The people of a run: two who look, click, click twice, edit and reject, on screens that may be old, and one who
//! revokes the program's identity. It remembers what was approved, for nothing else may be found in the journal.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
};

use reframe_workflow::{
    artifact::Digest,
    audit::Actor,
    gate::{Action, Approver, Click, Proposal, Seen},
    outbox::{Inbox, Put, Queue},
};

use super::{Keeper, enrol, made::action, world::World};

/// An approval that the keeper took.
#[derive(Clone, Debug)]
pub struct Given {
    pub proposal: usize,
    pub digest: Digest,
    pub marker: String,
    pub action: Action,
    pub seen_version: Option<String>,
    pub at_wall: i64,
    pub expires_wall: i64,
    /// When it was taken back or overtaken by an edit, by true time.
    pub void_true: Option<i64>,
}

struct Mind {
    /// What each of the two has on the screen.
    screens: BTreeMap<(usize, usize), Proposal>,
    given: Vec<Given>,
    identity: u64,
    edits: u64,
}

pub struct People<'a> {
    keeper: &'a Keeper<'a>,
    world: &'a World,
    proposals: Vec<Proposal>,
    mind: Mutex<Mind>,
}

const NAMES: [&str; 2] = ["ada@example.com", "grace@example.com"];

impl<'a> People<'a> {
    pub fn new(keeper: &'a Keeper<'a>, world: &'a World, proposals: Vec<Proposal>) -> Self {
        let mind = Mind { screens: BTreeMap::new(), given: vec![], identity: 0, edits: 0 };
        world.state().revoked = true;
        Self { keeper, world, proposals, mind: Mutex::new(mind) }
    }

    fn mind(&self) -> MutexGuard<'_, Mind> {
        self.mind.lock().unwrap()
    }

    pub fn approvals(&self) -> Vec<Given> {
        self.mind().given.clone()
    }

    /// Identity the program writes under now.
    pub fn service(&self) -> String {
        format!("writer-{}", self.mind().identity)
    }

    /// Gives the program an identity if it has none that counts.
    pub fn restore(&self) {
        if self.world.state().revoked {
            self.mind().identity += 1;
            let at = self.world.state().wall();
            enrol(&self.keeper.log(), &self.service(), at);
            self.world.state().revoked = false;
        }
    }

    fn revoke(&self) {
        let at = self.world.state().wall();
        self.keeper.log().revoke(&self.service(), &Actor::service("setup"), at).unwrap();
        let mut state = self.world.state();
        state.revoked = true;
        state.count("revoked");
    }

    fn look(&self, who: usize, which: usize) -> Proposal {
        let now = self.keeper.log().proposal(&self.proposals[which].id).unwrap().unwrap().proposal;
        self.mind().screens.insert((who, which), now.clone());
        now
    }

    fn click(&self, who: usize, seen: &Proposal) -> Click {
        let at_unix_ms = self.world.state().wall();
        Click { by: Approver::person(NAMES[who]).unwrap(), shown: seen.digest(), at_unix_ms }
    }

    fn approve(&self, who: usize, which: usize) {
        let on_screen = self.mind().screens.get(&(who, which)).cloned();
        let old = on_screen.is_some() && self.world.state().dice.chance(40);
        let seen = on_screen.filter(|_| old).unwrap_or_else(|| self.look(who, which));
        let click = self.click(who, &seen);
        let Ok(approval) = self.keeper.log().approve(&seen.id, &click) else { return };
        let seen_version = seen.seen.as_ref().filter(|_| !seen.action.only_adds()).map(|s| s.version.clone());
        self.mind().given.push(Given {
            proposal: which,
            digest: seen.digest(),
            marker: seen.marker().as_str().to_owned(),
            action: seen.action.clone(),
            seen_version,
            at_wall: approval.at_unix_ms,
            expires_wall: approval.expires_unix_ms,
            void_true: None,
        });
    }

    fn overtaken(&self, which: usize) {
        let now = self.world.state().time;
        for given in self.mind().given.iter_mut().filter(|g| g.proposal == which) {
            given.void_true.get_or_insert(now);
        }
    }

    /// Somebody does something.
    pub fn act(&self) {
        let (what, who, which) = {
            let mut state = self.world.state();
            state.advance(3);
            let n = self.proposals.len() as u64;
            (state.dice.roll(100), state.dice.roll(2) as usize, state.dice.roll(n) as usize)
        };
        match what {
            0..=39 => self.approve(who, which),
            40..=49 => {
                self.world.state().count("double click");
                self.approve(who, which);
                self.approve(who, which);
            }
            50..=59 => {
                self.world.state().count("two approvers");
                self.look(0, which);
                self.look(1, which);
                self.approve(0, which);
                self.approve(1, which);
            }
            60..=72 => {
                let seen = self.look(who, which);
                let text = {
                    let mut mind = self.mind();
                    mind.edits += 1;
                    format!("edited {}", mind.edits)
                };
                let next = match &seen.action {
                    Action::UpdateField { record, field, before, .. } => {
                        let (record, field, before) = (record.clone(), field.clone(), before.clone());
                        Action::UpdateField { record, field, before, after: Some(text) }
                    }
                    Action::CreateNote { .. } => action(&seen.batch, 0, &text),
                    Action::CreateTask { .. } => action(&seen.batch, 3, &text),
                    _ => action(&seen.batch, 2, &text),
                };
                if self.keeper.log().revise(&seen.id, &self.click(who, &seen), next).is_ok() {
                    self.world.state().count("edited");
                    self.overtaken(which);
                }
            }
            73..=77 => {
                let seen = self.look(who, which);
                if self.keeper.log().reject(&seen.id, &self.click(who, &seen), "no").is_ok() {
                    self.world.state().count("rejected");
                    self.overtaken(which);
                }
            }
            78..=83 => self.revoke_or_restore(),
            84..=90 => {
                if let Action::UpdateField { record, field, .. } = &self.proposals[which].action {
                    self.world.state().meddle_with(record, field);
                }
            }
            _ => {
                // The stage runs again and finds the target as it is now.
                let at = self.world.state().wall();
                let seen = Some(Seen { version: format!("v{at}"), at_unix_ms: at });
                let again = Proposal { seen, made_unix_ms: at, ..self.proposals[which].clone() };
                let put = self.keeper.log().put_proposals(&[again], &Actor::service("stages"), at).unwrap();
                assert!(matches!(put[0], Put::Known | Put::Refreshed), "{put:?}");
            }
        }
    }

    fn revoke_or_restore(&self) {
        let revoked = self.world.state().revoked;
        if revoked { self.restore() } else { self.revoke() }
    }
}
