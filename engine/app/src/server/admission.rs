//! Between the ingest and a call: settles whose side a participant is on, whether they agreed to be listened to, and whose
//! agreement the call needs. Sits on the call's own thread, so that nothing overtakes what it decides.
//!
//! What a bot brings counts as a record and goes into the registry; where it brings nothing, the registry is asked. A
//! withdrawal on record is not undone by an announcement, only by a later record: a `consent` message, or one given by hand.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use reframe_call::{
    audio::{Consent, Party, TrackId},
    event::{Event, EventBody},
    input::ConsentRule,
};
use reframe_consent::{ConsentRecord, NewRecord, Participant, Person, Policy, RuleSetting, Scope, Standing, decide};
use reframe_ingest::{IngestItem, What, item::Who};
use reframe_store::{CallId, Store};

use super::{log_writer::LogHandle, people::People};

/// Records about one person that are looked at for one call; the latest decide.
const MAX_RECORDS: usize = 1_000;
/// Records of this call that the store may not hold yet: the log's writer is never that far behind.
const MAX_PENDING: usize = 1_000;

/// What the settings say, the same for every call.
#[derive(Debug)]
pub struct Rules {
    /// Our people.
    pub people: People,
    /// The list of places.
    pub policy: Policy,
    /// Whether that list may relax anything.
    pub setting: RuleSetting,
    /// Nobody is listened to before the bot has said that it told everybody.
    pub require_disclosure: bool,
}

impl Default for Rules {
    /// Everybody's consent, nobody known to be ours, no disclosure asked for.
    fn default() -> Self {
        Self {
            people: People::default(),
            policy: Policy::shipped(),
            setting: RuleSetting::default(),
            require_disclosure: false,
        }
    }
}

struct Present {
    who: Participant,
    jurisdiction: Option<String>,
    /// As the bot last announced it.
    announced: Option<Consent>,
    /// As it stands.
    decided: Option<Consent>,
    /// There was consent, and it was taken back.
    withdrawn: bool,
    left: bool,
}

/// The admission to one call.
pub struct Admission {
    call: Arc<CallId>,
    rules: Arc<Rules>,
    store: Arc<dyn Store>,
    log: LogHandle,
    tracks: BTreeMap<TrackId, Present>,
    disclosed: bool,
    /// Given and withdrawn in this call, in order.
    pending: Vec<NewRecord>,
    rule: ConsentRule,
    because: String,
    /// Tracks whose words stand in the log from before a restart.
    spoke: BTreeSet<TrackId>,
}

impl Admission {
    /// For a call with this log so far.
    #[must_use]
    pub fn new(call: Arc<CallId>, rules: Arc<Rules>, store: Arc<dyn Store>, log: LogHandle, history: &[Event]) -> Self {
        let mut spoke = BTreeSet::new();
        let mut disclosed = false;
        for event in history {
            match &event.body {
                EventBody::WordsCommitted { track, words, .. } if !words.is_empty() => {
                    spoke.insert(*track);
                }
                EventBody::WordsErased { track } => {
                    spoke.remove(track);
                }
                EventBody::CallErased { .. } => spoke.clear(),
                EventBody::DisclosurePosted { .. } => disclosed = true,
                _ => {}
            }
        }
        Self {
            call,
            disclosed: disclosed || !rules.require_disclosure,
            rules,
            store,
            log,
            tracks: BTreeMap::new(),
            pending: Vec::new(),
            // What every call begins with.
            rule: ConsentRule::Everyone,
            because: String::new(),
            spoke,
        }
    }

    /// Takes what arrived, and puts into `out` what the call is to hear of it, in order.
    pub fn admit(&mut self, item: IngestItem, out: &mut Vec<IngestItem>) {
        let arrived = item.arrived;
        let mut tell = |what| out.push(IngestItem::new(arrived, what));
        match item.what {
            What::Track { info, codec, who } => {
                let track = info.id;
                let mut info = info;
                if info.party == Party::Unknown {
                    info.party = self.rules.people.party(&info.name, &who);
                }
                let (decided, take_back) = self.announce(track, &info.name, info.consent.take(), &who);
                // Of those who have not agreed nothing is kept that the call does not need.
                let email = who.email.as_deref().filter(|_| decided.is_some()).and_then(|e| Person::new(e).ok());
                info.email = email.filter(Person::is_email).map(|e| e.as_str().to_owned());
                self.review_rule(&mut tell);
                if let Some(before) = take_back {
                    // The call takes words back from those it knows to have agreed.
                    info.consent = Some(before);
                    tell(What::Track { info, codec, who });
                    tell(What::Consent { track, consent: None });
                } else {
                    info.consent = decided.filter(|_| self.disclosed);
                    tell(What::Track { info, codec, who });
                }
            }
            What::Consent { track, consent } => {
                self.consent_message(track, consent.as_ref());
                let stands = consent.filter(|_| self.tracks.get(&track).is_some_and(|p| p.decided.is_some()));
                if stands.is_none() || self.disclosed {
                    tell(What::Consent { track, consent: stands });
                }
            }
            What::Disclosed(disclosure) => {
                tell(What::Disclosed(disclosure));
                if !std::mem::replace(&mut self.disclosed, true) {
                    for (&track, present) in self.tracks.iter().filter(|(_, p)| !p.left && p.decided.is_some()) {
                        tell(What::Consent { track, consent: present.decided.clone() });
                    }
                }
            }
            What::Leave { track } => {
                if let Some(present) = self.tracks.get_mut(&track) {
                    present.left = true;
                }
                tell(What::Leave { track });
                self.review_rule(&mut tell);
            }
            What::Erase { reason } => {
                let tracks: Vec<TrackId> = self.tracks.keys().copied().collect();
                for track in tracks {
                    if self.withdraw(track, "permission revoked", &reason) {
                        tell(What::Consent { track, consent: None });
                    }
                }
                tell(What::Erase { reason });
            }
            // Whose consent it takes is not for a sender to say.
            What::ConsentRule { .. } => {}
            what => tell(what),
        }
    }

    /// A record was added by hand. Puts into `out` what the call is to hear of it.
    pub fn on_record(&mut self, record: &NewRecord, out: &mut Vec<IngestItem>) {
        self.remember(record.clone());
        let as_record = ConsentRecord { id: 0, says: record.clone() };
        let consent = record.withdrawn_unix_ms.is_none().then(|| as_consent(record));
        let ids: Vec<TrackId> = self.tracks.keys().copied().collect();
        for track in ids {
            let who = Participant { namesake: self.has_namesake(track), ..self.tracks[&track].who.clone() };
            let meant = who.is_meant_by(&as_record) && record.scope.covers(self.call.as_str(), Some(track.0));
            let Some(present) = self.tracks.get_mut(&track).filter(|_| meant) else { continue };
            present.withdrawn = consent.is_none();
            present.decided.clone_from(&consent);
            if consent.is_none() || self.disclosed {
                let what = What::Consent { track, consent: consent.clone() };
                out.push(IngestItem::new(Instant::now(), what));
            }
        }
    }

    /// Decides about an announced participant. Gives the consent as it stands; and what stood before, if the
    /// announcement takes it back or words from before a restart must go.
    fn announce(
        &mut self,
        track: TrackId,
        name: &str,
        brought: Option<Consent>,
        who: &Who,
    ) -> (Option<Consent>, Option<Consent>) {
        let unnamed = format!("participant {track}");
        let name = if name.trim().is_empty() { &unnamed } else { name };
        let participant = Participant::new(who.email.as_deref(), name, track.0);
        let jurisdiction = who.jurisdiction.clone();
        if let Some(known) = self.tracks.get_mut(&track).filter(|known| known.who == participant) {
            known.left = false;
            known.jurisdiction.clone_from(&jurisdiction);
            if known.announced == brought {
                return (known.decided.clone(), None);
            }
            if brought.is_none() {
                known.announced = None;
                let before = known.decided.clone();
                self.withdraw(track, "bot", "announced without consent");
                return (None, before);
            }
        }
        // Whoever took consent back has not given it again by being called by another name.
        let withdrawn = self.tracks.get(&track).is_some_and(|before| !before.left && before.withdrawn);
        let announced = brought.clone();
        let present = Present { who: participant, jurisdiction, announced, decided: None, withdrawn, left: false };
        self.tracks.insert(track, present);
        if withdrawn {
            return (None, None);
        }
        let (decided, withdrawn) = self.evaluate(track, brought.as_ref());
        let take_back = (withdrawn && self.spoke.remove(&track)).then(|| Consent {
            basis: "withdrawn".to_owned(),
            reference: "before the server was restarted".to_owned(),
        });
        if let Some(present) = self.tracks.get_mut(&track) {
            present.decided.clone_from(&decided);
        }
        (decided, take_back)
    }

    /// Consent by the registry and by what the bot brought; and whether it was withdrawn.
    fn evaluate(&mut self, track: TrackId, brought: Option<&Consent>) -> (Option<Consent>, bool) {
        let Some(present) = self.tracks.get(&track) else { return (None, false) };
        let who = Participant { namesake: self.has_namesake(track), ..present.who.clone() };
        let jurisdiction = present.jurisdiction.clone();
        let records = match self.records(&who) {
            Ok(records) => records,
            Err(error) => {
                tracing::error!(call = %self.call, %track, %error, "consent on record cannot be read; this participant is not listened to");
                return (None, false);
            }
        };
        match (decide(&records, &who, self.call.as_str()), brought) {
            (Standing::Withdrawn(_), _) => (None, true),
            (Standing::Given(record), None) => (Some(as_consent(&record.says)), false),
            (Standing::Unknown, None) => (None, false),
            (_, Some(brought)) => {
                let new = self.bots_record(&who, jurisdiction, brought);
                let known = records.iter().any(|r| same(&r.says, &new));
                if known || self.append(new) { (Some(brought.clone()), false) } else { (None, false) }
            }
        }
    }

    /// A `consent` message: somebody agreed, or took it back, just now.
    fn consent_message(&mut self, track: TrackId, consent: Option<&Consent>) {
        let Some(present) = self.tracks.get(&track) else { return };
        match consent {
            None => drop(self.withdraw(track, "bot", "consent null")),
            Some(consent) if present.decided.as_ref() == Some(consent) => {}
            Some(consent) => {
                let new = self.bots_record(&present.who, present.jurisdiction.clone(), consent);
                let decided = self.append(new).then(|| consent.clone());
                if let Some(present) = self.tracks.get_mut(&track) {
                    present.withdrawn &= decided.is_none();
                    present.decided = decided;
                }
            }
        }
    }

    /// Takes consent back and says so in the registry. False if there was none.
    fn withdraw(&mut self, track: TrackId, method: &str, proof: &str) -> bool {
        let Some(present) = self.tracks.get_mut(&track) else { return false };
        if present.decided.take().is_none() {
            return false;
        }
        present.withdrawn = true;
        let consent = Consent { basis: method.to_owned(), reference: proof.to_owned() };
        let (who, jurisdiction) = (present.who.clone(), present.jurisdiction.clone());
        let mut record = self.bots_record(&who, jurisdiction, &consent);
        record.withdrawn_unix_ms = Some(record.given_unix_ms);
        // Whether or not it can be written down: from now on nobody listens.
        self.append(record);
        true
    }

    /// The record that follows from what a bot says. Somebody known by name alone is meant as this very participant.
    fn bots_record(&self, who: &Participant, jurisdiction: Option<String>, consent: &Consent) -> NewRecord {
        let call = self.call.as_str().to_owned();
        let track = who.track.unwrap_or_default();
        let nobody = || Person::new("participant").expect("a word is a name");
        let (person, scope) = match (&who.email, &who.name) {
            (Some(email), _) => (email.clone(), Scope::Call(call)),
            (None, Some(name)) => (name.clone(), Scope::Track(call, track)),
            (None, None) => (nobody(), Scope::Track(call, track)),
        };
        NewRecord {
            person,
            scope,
            jurisdiction,
            method: consent.basis.clone(),
            proof: consent.reference.clone(),
            given_unix_ms: now_unix_ms(),
            withdrawn_unix_ms: None,
        }
    }

    fn append(&mut self, record: NewRecord) -> bool {
        if let Err(error) = record.check() {
            tracing::warn!(call = %self.call, %error, "consent that a bot brought is not taken");
            return false;
        }
        self.remember(record.clone());
        self.log.append_consent(record);
        true
    }

    fn remember(&mut self, record: NewRecord) {
        if self.pending.len() >= MAX_PENDING {
            self.pending.remove(0);
        }
        self.pending.push(record);
    }

    /// What is on record about a participant: what the store has, then what it does not have yet.
    fn records(&mut self, who: &Participant) -> Result<Vec<ConsentRecord>, reframe_store::StoreError> {
        let mut records = Vec::new();
        for person in who.spellings() {
            records.extend(self.store.consents_about(person, self.call.as_str(), MAX_RECORDS)?);
        }
        let mut next = records.iter().map(|r| r.id).max().unwrap_or(0) + 1;
        for says in &self.pending {
            if !records.iter().any(|r| r.says == *says) {
                records.push(ConsentRecord { id: next, says: says.clone() });
                next += 1;
            }
        }
        Ok(records)
    }

    fn has_namesake(&self, track: TrackId) -> bool {
        let name = |p: &Present| p.who.name.clone();
        let Some(own) = self.tracks.get(&track).and_then(name) else { return false };
        self.tracks.iter().any(|(&other, p)| other != track && !p.left && p.who.name.as_ref() == Some(&own))
    }

    /// Says whose consent it takes, if that changed.
    fn review_rule(&mut self, tell: &mut impl FnMut(What)) {
        if self.rules.setting == RuleSetting::Everyone {
            return;
        }
        let places = self.tracks.values().filter(|p| !p.left).map(|p| p.jurisdiction.as_deref());
        let (rule, because) = self.rules.policy.rule_for(places, self.rules.setting);
        if rule != self.rule || because != self.because {
            (self.rule, self.because) = (rule, because.clone());
            tell(What::ConsentRule { rule, because });
        }
    }
}

/// A record as the call's log shows it.
fn as_consent(record: &NewRecord) -> Consent {
    Consent { basis: record.method.clone(), reference: record.proof.clone() }
}

/// The same statement, at whatever time it was made.
fn same(a: &NewRecord, b: &NewRecord) -> bool {
    a.withdrawn_unix_ms.is_none()
        && (&a.person, &a.scope, &a.method, &a.proof) == (&b.person, &b.scope, &b.method, &b.proof)
}

/// Milliseconds since 1970 by the machine's clock.
#[must_use]
pub fn now_unix_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[path = "admission_tests.rs"]
mod tests;
