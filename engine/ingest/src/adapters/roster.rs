//! Who is in a vendor's meeting: numbers for their ids, and the clock of those whose packets carry no time.

use std::collections::BTreeMap;

use reframe_audio::decode::Codec;
use reframe_call::audio::Party;

use super::{Facts, MAX_PEOPLE, Person, Step};
use crate::{item::Who, socket::protocol::Refusal};

/// How far audio that comes without times may drift from its arrival before it is taken for a new stretch, in
/// microseconds: vendors send in pieces of up to 200 ms, and a TCP stall is no silence.
const REANCHOR_US: u64 = 500_000;

struct Known {
    person: Person,
    sequence: u16,
    /// End of its last packet, by count of samples.
    next_us: Option<u64>,
    left: bool,
}

/// The people of one connection.
pub struct Roster {
    facts: Facts,
    /// The vendor's id of the meeting.
    meeting: String,
    people: BTreeMap<String, Known>,
}

impl Roster {
    /// Nobody yet.
    #[must_use]
    pub const fn new(facts: Facts) -> Self {
        Self { facts, meeting: String::new(), people: BTreeMap::new() }
    }

    /// What the address said.
    #[must_use]
    pub const fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The vendor's first message said more about the call than the address could.
    ///
    /// # Errors
    /// If it says something unknown.
    pub fn learn<'a>(&mut self, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<(), Refusal> {
        self.facts.add(pairs)
    }

    /// The meeting became known: the step that opens its call.
    pub fn open(&mut self, meeting: &str, token: Option<String>) -> Step {
        self.meeting = meeting.chars().filter(|c| !c.is_control()).take(128).collect();
        Step::Open { call: self.facts.call_id(&self.meeting), facts: Box::new(self.facts.clone()), token }
    }

    /// Whether [`open`](Self::open) was called.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.meeting.is_empty()
    }

    /// Somebody with this id is in the meeting; which side they are on follows from the address. Gives its number, and the
    /// step that announces it if it is new, back, or changed; `None` if there are more people than can be told apart.
    pub fn person(&mut self, id: &str, name: &str, who: Who, codec: Codec) -> Option<(u8, Option<Step>)> {
        self.announce(id, name, who, codec, None)
    }

    /// One of the two sides of a telephone call; `usual` is the side that is ours unless the address names another. The
    /// rest as [`person`](Self::person).
    pub fn side(&mut self, side: &str, usual: &str, caller: &str, codec: Codec) -> Option<(u8, Option<Step>)> {
        let ours = self.facts.is_ours(side, usual);
        let (name, party) = match (ours, caller.trim()) {
            (true, _) => ("Our side", Party::Rep),
            (false, "") => ("Caller", Party::Buyer),
            (false, name) => (name, Party::Buyer),
        };
        self.announce(side, name, Who::default(), codec, Some(party))
    }

    fn announce(
        &mut self,
        id: &str,
        name: &str,
        who: Who,
        codec: Codec,
        party: Option<Party>,
    ) -> Option<(u8, Option<Step>)> {
        let number = u8::try_from(self.people.len()).ok()?;
        if !self.people.contains_key(id) && self.people.len() >= MAX_PEOPLE {
            return None;
        }
        let name = tidy(name);
        let before = self.people.get(id);
        // News that leave something out do not take it back.
        let old = before.map(|k| k.person.who.clone()).unwrap_or_default();
        let who = Who {
            email: who.email.or(old.email),
            host: who.host.or(old.host),
            jurisdiction: who.jurisdiction.or(old.jurisdiction),
        };
        let name = match before {
            Some(known) if name.is_empty() => known.person.name.clone(),
            None if name.is_empty() => format!("Participant {}", number + 1),
            _ => name,
        };
        let party = party.unwrap_or_else(|| self.facts.party(&name, who.email.as_deref()));
        let number = before.map_or(number, |k| k.person.person);
        let consent = self.facts.consent(&self.meeting);
        let person = Person { person: number, name, party, consent, who, codec };
        if before.is_some_and(|k| k.person == person && !k.left) {
            return Some((number, None));
        }
        let known = self.people.entry(id.to_owned()).or_insert_with(|| Known {
            person: person.clone(),
            sequence: 0,
            next_us: None,
            left: false,
        });
        known.person = person.clone();
        known.left = false;
        Some((number, Some(Step::Person(person))))
    }

    /// Somebody is gone; the step that says so, if they were here.
    pub fn leave(&mut self, id: &str) -> Option<Step> {
        let known = self.people.get_mut(id).filter(|k| !k.left)?;
        known.left = true;
        known.next_us = None;
        Some(Step::Leave(known.person.person))
    }

    /// A packet of somebody who is known, at the vendor's own time.
    pub fn audio_at(&mut self, id: &str, timestamp_us: u64, payload: Vec<u8>) -> Option<Step> {
        let known = self.people.get_mut(id)?;
        let sequence = known.sequence;
        known.sequence = known.sequence.wrapping_add(1);
        Some(Step::Audio { person: known.person.person, sequence, timestamp_us, payload })
    }

    /// A packet of somebody who is known, by its arrival: it follows on the last one unless there was a break.
    pub fn audio_now(&mut self, id: &str, now_us: u64, payload: Vec<u8>) -> Option<Step> {
        let known = self.people.get_mut(id)?;
        let length_us = known.person.codec.duration_us(&payload).unwrap_or(0);
        let arrived_us = now_us.saturating_sub(length_us);
        let start_us = match known.next_us {
            Some(next) if next.abs_diff(arrived_us) < REANCHOR_US => next,
            _ => arrived_us,
        };
        known.next_us = Some(start_us + length_us);
        self.audio_at(id, start_us, payload)
    }
}

/// A name as it can be shown: no control characters, no more than fits.
fn tidy(name: &str) -> String {
    let name: String = name.chars().filter(|c| !c.is_control()).take(crate::socket::protocol::MAX_CHARS).collect();
    name.trim().to_owned()
}
