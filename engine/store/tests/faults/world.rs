//! The world outside: time, a system with an append-only journal, and all that goes wrong on the way to it.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
};

use reframe_workflow::{
    gate::{Action, Approved},
    outbox::Limits,
    system::{FieldInfo, Listing, ReadError, Receipt, Record, RecordKind, RecordRef, SystemOfRecord, WriteError},
};

use super::{
    dice::Dice,
    made::{SYSTEM, deal},
};

/// A write that took effect.
#[derive(Clone, Debug)]
pub struct Landed {
    pub marker: String,
    pub action: Action,
    pub seen_version: Option<String>,
    /// When the request was sent, by true time and by the clock of the machine.
    pub sent_true: i64,
    pub sent_wall: i64,
    /// Whether the identity was revoked when it was sent.
    pub revoked: bool,
}

/// Rules that a run can be made to break, to show that the checks see it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Planted {
    #[default]
    Nothing,
    /// The system is never asked what an earlier attempt left.
    Blind,
    /// "Not found" counts at once.
    Hasty,
    /// Nobody asks whether the identity was revoked.
    Deaf,
    /// The keeper forgets what it was told of an attempt.
    Forgetful,
    /// What was said to be done was not.
    Liar,
    /// Other bytes go out than were approved.
    Swapped,
}

#[derive(Debug)]
pub struct State {
    pub dice: Dice,
    /// True time in ms.
    pub time: i64,
    /// What the machine's clock is off by.
    pub offset: i64,
    /// The program was killed: nothing it does has an effect.
    pub dead: bool,
    /// No more faults.
    pub calm: bool,
    pub revoked: bool,
    pub journal: Vec<Landed>,
    late: Vec<(i64, Landed)>,
    pub fields: BTreeMap<String, String>,
    pub faults: BTreeMap<&'static str, u64>,
    /// A person does something while a request is under way.
    pub meddle: bool,
    pub planted: Planted,
}

#[derive(Debug)]
pub struct World(Mutex<State>);

impl World {
    pub fn new(seed: u64, planted: Planted) -> Self {
        let start = 1_800_000_000_000;
        Self(Mutex::new(State {
            dice: Dice(seed),
            time: start,
            offset: 0,
            dead: false,
            calm: false,
            revoked: false,
            journal: vec![],
            late: vec![],
            fields: BTreeMap::new(),
            faults: BTreeMap::new(),
            meddle: false,
            planted,
        }))
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    pub fn limits(&self) -> Limits {
        let usual = Limits::default();
        if self.state().planted == Planted::Hasty { Limits { in_flight_ms: 0, ..usual } } else { usual }
    }
}

impl State {
    pub fn wall(&self) -> i64 {
        self.time + self.offset
    }

    pub fn advance(&mut self, ms: u64) {
        self.time += ms.cast_signed();
        let (due, late) = std::mem::take(&mut self.late).into_iter().partition(|(at, _)| *at <= self.time);
        self.late = late;
        let due: Vec<(i64, Landed)> = due;
        for (_, landed) in due {
            drop(self.take_effect(landed));
        }
    }

    pub fn count(&mut self, fault: &'static str) {
        *self.faults.entry(fault).or_default() += 1;
    }

    /// The program dies here, `percent` times in a hundred.
    pub fn dies(&mut self, percent: u64, where_: &'static str) -> bool {
        if !self.dead && !self.calm && self.dice.chance(percent) {
            self.count(where_);
            self.dead = true;
        }
        self.dead
    }

    fn key(record: &RecordRef, field: &str) -> String {
        format!("{} {field}", record.id)
    }

    /// Somebody else changes a field.
    pub fn meddle_with(&mut self, record: &RecordRef, field: &str) {
        let value = format!("theirs {}", self.time);
        self.fields.insert(Self::key(record, field), value);
        self.count("target changed");
    }

    fn take_effect(&mut self, landed: Landed) -> Result<Receipt, WriteError> {
        if let Action::UpdateField { record, field, before, after } = &landed.action {
            let key = Self::key(record, field);
            if self.fields.get(&key) != before.as_ref() {
                return Err(WriteError::TargetChanged { problem: format!("{field} reads otherwise") });
            }
            match after {
                Some(after) => self.fields.insert(key, after.clone()),
                None => self.fields.remove(&key),
            };
        }
        self.journal.push(landed);
        Ok(receipt(self.journal.len()))
    }

    fn write(&mut self, mut landed: Landed) -> Result<Receipt, WriteError> {
        let unknown = |problem: &str| Err(WriteError::Unknown { problem: problem.to_owned() });
        let wait = self.dice.roll(60_000);
        self.advance(1 + wait / 500);
        let swap = self.planted == Planted::Swapped && self.dice.chance(5);
        if let Action::CreateNote { body, .. } = &mut landed.action
            && swap
        {
            body.push('!');
        }
        let roll = if self.calm { 99 } else { self.dice.roll(100) };
        match roll {
            0..=6 => {
                self.count("time-out before commit");
                self.advance(30_000);
                unknown("time-out")
            }
            7..=13 => {
                self.count("time-out after commit");
                let did = self.take_effect(landed);
                self.advance(30_000);
                did.and_then(|_| unknown("time-out"))
            }
            14..=19 => {
                self.count("time-out, commit later");
                // Up to two minutes after it was sent, less what passes until we stop listening.
                let at = self.time + 1 + self.dice.roll(110_000).cast_signed();
                self.late.push((at, landed));
                self.advance(1_000);
                unknown("time-out")
            }
            20..=24 => {
                self.count("429 before commit");
                Err(WriteError::NotDone { problem: "429".into(), wait_ms: wait })
            }
            25..=27 => {
                self.count("429 after commit");
                self.take_effect(landed)?;
                Err(WriteError::NotDone { problem: "429".into(), wait_ms: wait })
            }
            28..=32 => {
                self.count("500 before commit");
                unknown("500")
            }
            33..=38 => {
                self.count("500 after commit");
                self.take_effect(landed)?;
                unknown("500")
            }
            39..=42 => {
                self.count("connection refused");
                Err(WriteError::NotDone { problem: "refused to connect".into(), wait_ms: 0 })
            }
            43..=48 => {
                self.count("connection dropped");
                if self.dice.chance(50) {
                    self.take_effect(landed)?;
                }
                unknown("connection reset")
            }
            49..=52 => {
                self.count("killed before commit");
                self.dead = true;
                unknown("killed")
            }
            53..=57 => {
                self.count("killed after commit");
                self.dead = true;
                drop(self.take_effect(landed));
                unknown("killed")
            }
            58..=60 => {
                self.count("killed, commit later");
                self.dead = true;
                let at = self.time + 1 + self.dice.roll(110_000).cast_signed();
                self.late.push((at, landed));
                unknown("killed")
            }
            61..=62 => {
                self.count("refused for good");
                Err(WriteError::Refused { problem: "400".into() })
            }
            _ if self.planted == Planted::Liar && self.dice.chance(5) => Ok(receipt(0)),
            _ => self.take_effect(landed),
        }
    }

    fn find(&mut self, marker: &str) -> Result<Option<Receipt>, ReadError> {
        let system = SYSTEM.to_owned();
        let roll = if self.calm { 99 } else { self.dice.roll(100) };
        if self.planted == Planted::Blind {
            return Ok(None);
        }
        // What it says held when it was asked, however long the answer took.
        let found = self.journal.iter().position(|l| l.marker == marker).map(|at| receipt(at + 1));
        let slow = self.dice.roll(150_000);
        match roll {
            0..=7 => {
                self.count("search unreachable");
                Err(ReadError::Unreachable { system, problem: "time-out".into() })
            }
            8..=13 => {
                self.count("search 429");
                Err(ReadError::Busy { system, wait_ms: slow })
            }
            14..=21 => {
                self.count("search slow");
                self.advance(slow);
                Ok(found)
            }
            22..=25 => {
                self.count("killed in search");
                self.dead = true;
                Err(ReadError::Unreachable { system, problem: "killed".into() })
            }
            _ => {
                self.advance(20);
                Ok(found)
            }
        }
    }
}

fn receipt(n: usize) -> Receipt {
    let record = RecordRef { kind: RecordKind::Note, id: n.to_string(), ..deal("") };
    Receipt { record, version: None, url: None }
}

/// The system; `meddler` is called while a request is under way.
pub struct Sim<'a> {
    pub world: &'a World,
    pub meddler: &'a (dyn Fn() + Send + Sync),
}

impl SystemOfRecord for Sim<'_> {
    fn name(&self) -> &str {
        SYSTEM
    }

    fn read(&self, _: &RecordRef) -> Result<Option<Record>, ReadError> {
        Ok(None)
    }

    fn list(&self, _: RecordKind, _: &Listing) -> Result<Vec<Record>, ReadError> {
        Ok(vec![])
    }

    fn fields(&self, _: RecordKind) -> Result<Vec<FieldInfo>, ReadError> {
        Ok(vec![])
    }

    fn find(&self, write: &Approved) -> Result<Option<Receipt>, ReadError> {
        let mut state = self.world.state();
        if state.dead {
            return Err(ReadError::Unreachable { system: SYSTEM.into(), problem: "killed".into() });
        }
        state.find(write.marker().as_str())
    }

    fn write(&self, write: &Approved) -> Result<Receipt, WriteError> {
        let landed = {
            let mut state = self.world.state();
            if state.dead {
                return Err(WriteError::Unknown { problem: "killed".into() });
            }
            state.count("requests");
            Landed {
                marker: write.marker().as_str().to_owned(),
                action: write.action().clone(),
                seen_version: write.seen_version().map(str::to_owned),
                sent_true: state.time,
                sent_wall: state.wall(),
                revoked: state.revoked,
            }
        };
        let meddle = {
            let mut state = self.world.state();
            !state.calm && state.dice.chance(15)
        };
        if meddle {
            (self.meddler)();
        }
        self.world.state().write(landed)
    }
}
