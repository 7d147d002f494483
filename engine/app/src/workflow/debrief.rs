//! Who may see how a call was led, and what they see: the seller first, the manager when the seller says so or time is up.

use jiff::Timestamp;
use reframe_call::audio::Party;
use reframe_consent::Person;
use reframe_serve::review::OpenDebrief;
use reframe_store::{CallId, CallRecord, EventLog as _};
use reframe_workflow::{
    artifact::Kind,
    audit::{Actor, Happening, What},
    outbox::{AuditBook as _, Kept},
    rubric::{Debrief, Denied, NotYours, Release, Role, Viewer, trends},
};

use super::office::Office;

/// Debriefs looked through for a seller's other calls, the latest first: a team of ten has that many in a month.
const LOOKED_THROUGH: usize = 1_000;
/// Calls of a seller that a trend is over, at most.
const IN_TREND: usize = 50;

/// A debrief with whose call it was.
struct Led {
    record: CallRecord,
    debrief: Debrief,
    made_unix_ms: i64,
}

impl Office {
    /// The debrief of a call as `viewer` may see it now; nothing if there is none, why not if they may not. That they may
    /// not goes into the audit log.
    ///
    /// # Errors
    /// If the store cannot be used.
    pub fn debrief(&self, call: &CallId, viewer: &Person) -> anyhow::Result<Option<Result<OpenDebrief, String>>> {
        let Some(led) = self.store.debrief_of(call)?.map(|kept| self.led(kept)).transpose()?.flatten() else {
            return Ok(None);
        };
        let now = (self.clock)();
        let own = sells(&led.record, viewer);
        if let Err(denied) = self.visible(&led, viewer, now)? {
            let (by, what) = (Actor::Person { name: viewer.clone() }, What::Denied);
            let subjects = vec![format!("call {call}")];
            self.store.note(&[Happening { at_unix_ms: now, by, what, subjects, detail: "debrief".to_owned() }])?;
            return Ok(Some(Err(self.says(&denied)?)));
        }
        let seller = seller(&led.record, viewer);
        let others = self.of_seller(&led, &seller, viewer, now)?;
        let released_unix_ms = self.store.debrief_released(call)?;
        Ok(Some(Ok(OpenDebrief {
            trends: trends(&others),
            calls: others.len(),
            own,
            released_unix_ms,
            opens_unix_ms: led.made_unix_ms.saturating_add(self.wait_ms()),
            debrief: led.debrief,
        })))
    }

    /// A seller opens the debrief of their call to their manager; nothing if there is none.
    ///
    /// # Errors
    /// If the store cannot be used; [`NotYours`] inside, for anybody else.
    pub fn release_debrief(
        &self,
        call: &CallId,
        by: &Person,
        at_unix_ms: i64,
    ) -> anyhow::Result<Option<Result<(), NotYours>>> {
        let Some(led) = self.store.debrief_of(call)?.map(|kept| self.led(kept)).transpose()?.flatten() else {
            return Ok(None);
        };
        let release = Release::new(seller(&led.record, by), led.made_unix_ms, self.settings.manager_after_days);
        let by_seller = if sells(&led.record, by) { seller(&led.record, by) } else { by.clone() };
        if let Err(not_yours) = release.release(&by_seller, at_unix_ms) {
            return Ok(Some(Err(not_yours)));
        }
        self.store.release_debrief(call, by, at_unix_ms)?;
        Ok(Some(Ok(())))
    }

    /// What was kept, with its call; nothing of a call whose words were erased.
    fn led(&self, kept: Kept) -> anyhow::Result<Option<Led>> {
        let Ok(debrief) = serde_json::from_value::<Debrief>(kept.artifact.body) else { return Ok(None) };
        let Ok(id) = CallId::new(&debrief.call) else { return Ok(None) };
        let record = self.store.call(&id)?;
        Ok(record.map(|record| Led { record, debrief, made_unix_ms: kept.at_unix_ms }))
    }

    fn visible(&self, led: &Led, viewer: &Person, now: i64) -> anyhow::Result<Result<(), Denied>> {
        let seller = seller(&led.record, viewer);
        let mut release = Release::new(seller.clone(), led.made_unix_ms, self.settings.manager_after_days);
        if let Some(at) = self.store.debrief_released(&led.record.call.id)? {
            release = release.clone().release(&seller, at).unwrap_or(release);
        }
        let own = sells(&led.record, viewer);
        let manages = self.settings.managers.iter().any(|m| Person::new(m).is_ok_and(|m| m == *viewer));
        let role = match (own, manages) {
            (true, _) => Role::Seller,
            (false, true) => Role::Manager,
            (false, false) => Role::Other,
        };
        // The seller may be spelled by address or by name.
        let person = if own { seller } else { viewer.clone() };
        Ok(release.visible_to(&Viewer { person, role }, now))
    }

    /// The seller's debriefs up to and with this one that the viewer may see, in order of their calls.
    fn of_seller(&self, led: &Led, seller: &Person, viewer: &Person, now: i64) -> anyhow::Result<Vec<Debrief>> {
        let mut of: Vec<(i64, Debrief)> = Vec::new();
        let upto = led.record.call.started_unix_ms;
        for kept in self.store.latest_artifacts(Kind::Debrief, LOOKED_THROUGH)? {
            let Some(other) = self.led(kept)? else { continue };
            let started = other.record.call.started_unix_ms;
            let again = of.iter().any(|(_, known)| known.call == other.debrief.call);
            let counts = started <= upto && !again && sells(&other.record, seller);
            if counts && self.visible(&other, viewer, now)?.is_ok() {
                of.push((started, other.debrief));
            }
            if of.len() == IN_TREND {
                break;
            }
        }
        of.sort_by(|a, b| (a.0, &a.1.call).cmp(&(b.0, &b.1.call)));
        Ok(of.into_iter().map(|(_, debrief)| debrief).collect())
    }

    fn wait_ms(&self) -> i64 {
        i64::from(self.settings.manager_after_days.max(1)) * 24 * 60 * 60 * 1_000
    }

    /// For a person, with the day in their zone.
    fn says(&self, denied: &Denied) -> anyhow::Result<String> {
        Ok(match denied {
            Denied::NotYet { opens_unix_ms } => {
                let at = Timestamp::from_millisecond(*opens_unix_ms)?.to_zoned(self.settings.zone()?);
                format!("the seller sees it first; it opens when they release it, or on {}", at.date())
            }
            other => other.to_string(),
        })
    }
}

/// Whether somebody is a seller of a call, by name or address.
fn sells(call: &CallRecord, who: &Person) -> bool {
    reps(call).any(|rep| rep == *who)
}

/// The seller of a call whom `who` is; if they are none, the first.
fn seller(call: &CallRecord, who: &Person) -> Person {
    let first = reps(call).next();
    reps(call).find(|rep| rep == who).or(first).unwrap_or_else(|| Person::new("the seller").expect("words are a name"))
}

fn reps(call: &CallRecord) -> impl Iterator<Item = Person> + '_ {
    let reps = call.participants.iter().filter(|p| p.party == Party::Rep);
    reps.flat_map(|p| [Some(p.name.as_str()), p.email.as_deref()]).flatten().filter_map(|name| Person::new(name).ok())
}
