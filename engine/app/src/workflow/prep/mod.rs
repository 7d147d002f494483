//! Before a meeting: keeps what the calendar says, makes each brief when its time has come and again when the meeting or its
//! facts changed, and asks a person whether it shall stand on the deal.
//!
//! What was made is known to the store alone ([`KeptMeeting`]), so everything may be killed at any moment and run again: a
//! brief that is there already is taken up and not made a second time. Nothing is written anywhere without a person's yes.

mod arming;
mod calendar;
mod gather;
mod page;
mod settings;
#[cfg(test)]
mod tests;
mod things;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::bail;
use jiff::{Timestamp, Zoned};
use reframe_prep::{
    VERSION,
    brief::{self, cite_meeting},
    calendar::{Read, Window},
    deal_summary::{self, DealSummary},
    schedule::{self, Booked, Due, Made},
};
use reframe_store::{ConsentBook as _, Item, ItemKind};
use reframe_workflow::{
    artifact::{Artifact, ArtifactId, Claim, Digest, Kind, Maker},
    audit::Actor,
    gate::{Action, Proposal, ProposalId},
    handoff::{Brief, Draft, Meeting},
    outbox::{AuditBook as _, Inbox as _, Kept, Redraft, Standing, is_untouched},
    system::RecordRef,
};
use serde::{Deserialize, Serialize};

pub use self::{arming::Arms, settings::PrepSettings};
use self::{
    calendar::{BEHIND_MS, Calendar},
    gather::{Material, Shared},
};
use super::office::Office;

/// Time between two looks at the calendar and at the facts of meetings whose brief is there, in ms. Set by judgement: a
/// minute late is early enough for something that is to be read in half an hour.
const LOOK_EVERY_MS: i64 = 60 * 1_000;
/// So long what a meeting's brief is made from counts as the same while its stamp is, in ms. The stamp cannot miss a change
/// that is known of; if it ever did, a brief would be behind by this.
const SAME_MS: i64 = 10 * 60 * 1_000;
/// Meetings that are kept from one look.
const MOST_MEETINGS: usize = 5_000;
/// Briefs and drafts that are looked through, the latest first.
const LATELY: usize = 200;

/// A meeting as it is kept, with the brief that was made for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptMeeting {
    /// As the calendar has it, with its deal.
    pub meeting: Meeting,
    /// Its name among the hand-offs.
    pub artifact: ArtifactId,
    /// The brief that is of use now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brief: Option<KeptBrief>,
}

/// A brief that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptBrief {
    /// When, and from what.
    pub made: Made,
    /// Its name among the hand-offs.
    pub artifact: ArtifactId,
    /// The proposal to put it on the deal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal: Option<ProposalId>,
}

/// What a look came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prepped {
    /// Meetings ahead in the calendar.
    pub ahead: usize,
    /// Briefs that were made, in the order of their meetings.
    pub made: Vec<Due>,
    /// Meetings whose brief was dropped.
    pub dropped: Vec<String>,
    /// Times the calls of a meeting's deal were read: those of the others were as they were.
    pub heard: usize,
    /// Meetings of which something could not be read; they are tried again.
    pub failed: usize,
    /// Entries of the calendar that cannot be read.
    pub problems: usize,
}

/// Looks after the meetings: the clerk's memory of when to look again, and of what it has read lately. All else is in the
/// store, and none of it is lost with this.
#[derive(Default)]
pub struct Prep {
    calendar: Calendar,
    next_unix_ms: Option<i64>,
    known: Known,
}

/// What was found of each meeting whose brief is due, by its event, so that a deal's calls are not read every minute. Digests
/// alone: no word of a call stays here.
type Known = BTreeMap<String, Found>;

/// What was found of a meeting.
struct Found {
    /// Of what can be read without hearing its calls.
    stamp: Digest,
    /// Of all its brief is made from.
    facts: String,
    at_unix_ms: i64,
}

impl Prep {
    /// Looks, if it is time to. Nothing without a calendar.
    ///
    /// # Errors
    /// If the calendar or the store cannot be read; the next look is a minute later.
    pub fn look(&mut self, office: &Office) -> anyhow::Result<Option<Prepped>> {
        let now = (office.clock)();
        // A clock that was put back must not keep it waiting.
        let early = self.next_unix_ms.is_some_and(|at| (now..=now + LOOK_EVERY_MS).contains(&at) && at > now);
        let Some(path) = office.settings.prep.calendar.as_ref().filter(|_| !early) else { return Ok(None) };
        self.next_unix_ms = Some(now + LOOK_EVERY_MS);
        let zone = office.settings.zone()?;
        let read = self.calendar.look(path, office.settings.prep.days_ahead, now, &zone)?;
        let (done, wake) = office.look_after(read, &mut self.known, now)?;
        self.next_unix_ms = Some(wake.unwrap_or(i64::MAX).min(now + LOOK_EVERY_MS));
        Ok(Some(done))
    }
}

impl Office {
    /// A moment, where the team is.
    pub(in crate::workflow) fn zoned(&self, unix_ms: i64) -> anyhow::Result<Zoned> {
        Ok(Timestamp::from_millisecond(unix_ms)?.to_zoned(self.settings.zone()?))
    }

    /// The settings of what is made ready before a meeting.
    #[must_use]
    pub const fn prep_settings(&self) -> &PrepSettings {
        &self.settings.prep
    }

    /// Where the team is.
    ///
    /// # Errors
    /// If there is no such zone.
    pub fn zone(&self) -> anyhow::Result<jiff::tz::TimeZone> {
        self.settings.zone()
    }

    /// Meetings that are kept and begin at or after a time, in order of time. What was erased of them is not among them.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn meetings(&self, from_unix_ms: i64) -> anyhow::Result<Vec<KeptMeeting>> {
        let items = self.store.items(ItemKind::Meeting, None, from_unix_ms, MOST_MEETINGS)?;
        Ok(items.into_iter().filter_map(|item| serde_json::from_value(item.body).ok()).collect())
    }

    /// A kept brief; nothing, if there is none or its words were erased.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn brief(&self, id: &ArtifactId) -> anyhow::Result<Option<Brief>> {
        let kept = self.store.artifact(id)?;
        Ok(kept.and_then(|kept| serde_json::from_value(kept.artifact.body).ok()))
    }

    /// What a calendar says of a window, read from its files, with what cannot be read.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn calendar(&self, path: &std::path::Path, days_ahead: u32) -> anyhow::Result<Read> {
        let now = (self.clock)();
        let to_unix_ms = now + i64::from(days_ahead) * BEHIND_MS;
        calendar::read_at(path, Window { from_unix_ms: now - BEHIND_MS, to_unix_ms }, &self.settings.zone()?)
    }

    /// A brief for a meeting from what is known now, with the meeting and its deal. Nothing of it is kept.
    ///
    /// # Errors
    /// If the store or the CRM cannot be read, or a citation does not hold.
    pub fn brief_now(&self, meeting: Meeting) -> anyhow::Result<(Meeting, Brief)> {
        let now = (self.clock)();
        self.store.carry_out_withdrawals(now)?;
        let zoned = self.zoned(now)?;
        let shared = self.shared(&zoned)?;
        let material = self.material(meeting, &shared)?;
        let made = self.checked(&material, &shared, &zoned)?;
        Ok((material.meeting, made))
    }

    /// All calls of a deal in one.
    ///
    /// # Errors
    /// If the deal is not there, or the store or the CRM cannot be read.
    pub fn deal_summary(&self, deal: &RecordRef) -> anyhow::Result<DealSummary> {
        let now = (self.clock)();
        self.store.carry_out_withdrawals(now)?;
        if self.systems.crm.read(deal)?.is_none() {
            bail!("{deal} is not there; name a deal by its id in the CRM");
        }
        let heard = self.calls_of(deal)?;
        Ok(deal_summary::summarize(&heard.calls, &heard.notes, self.zoned(now)?.date()))
    }

    /// A deal of the CRM by its id there.
    #[must_use]
    pub fn deal_ref(&self, id: &str) -> RecordRef {
        let kind = reframe_workflow::system::RecordKind::Deal;
        RecordRef { system: self.systems.crm.name().to_owned(), kind, id: id.to_owned() }
    }

    /// People of a deal by e-mail address: who is met if no calendar says.
    ///
    /// # Errors
    /// If the deal is not there, or the CRM cannot be read.
    pub fn people_of(&self, deal: &RecordRef) -> anyhow::Result<Vec<String>> {
        let Some(record) = self.systems.crm.read(deal)? else {
            bail!("{deal} is not there; name a deal by its id in the CRM");
        };
        Ok(self.contacts(&record)?.iter().filter_map(|c| c.field("email")).map(str::to_owned).collect())
    }

    /// The brief, if all that it cites is there.
    fn checked(&self, material: &Material, shared: &Shared, now: &Zoned) -> anyhow::Result<Brief> {
        let made = material.brief(self, shared, now);
        let broken = material.broken(self, shared, &made);
        if !broken.is_empty() {
            // A fault of ours, which goes to nobody. Not which: errors are logged, and the words of a call are not.
            bail!("{} citations of a brief do not hold; it is not shown", broken.len());
        }
        Ok(made)
    }

    /// Keeps what the calendar says and makes the briefs that are due. Gives also when to look again.
    fn look_after(&self, read: &Read, known: &mut Known, now: i64) -> anyhow::Result<(Prepped, Option<i64>)> {
        let zoned = self.zoned(now)?;
        let mut shared: Option<Shared> = None;
        let mut done = Prepped { problems: read.problems.len(), ..Prepped::default() };
        let from = self.store.head()?.next;
        let (mut live, gone) = self.take_in(read, &mut shared, &zoned, &mut done)?;
        done.ahead = live.values().filter(|k| !k.meeting.cancelled && k.meeting.start_unix_ms > now).count();
        let lead = self.settings.prep.lead_ms();
        let mut ready: BTreeMap<String, (Option<Material>, String)> = BTreeMap::new();
        let mut failed: BTreeSet<String> = BTreeSet::new();
        for (event, kept) in &live {
            let Meeting { start_unix_ms, cancelled, .. } = kept.meeting;
            if cancelled || start_unix_ms <= now || start_unix_ms - lead > now {
                continue;
            }
            match self.ready(&kept.meeting, &mut shared, known, &zoned) {
                Ok(found) => {
                    done.heard += usize::from(found.0.is_some());
                    ready.insert(event.clone(), found);
                }
                Err(error) => {
                    tracing::error!("what is known for a meeting cannot be read, and is tried again: {error:#}");
                    failed.insert(event.clone());
                }
            }
        }
        known.retain(|event, _| ready.contains_key(event));
        let facts_of = |event: &String, kept: &KeptMeeting| match (ready.get(event), &kept.brief) {
            (Some((_, facts)), _) => facts.clone(),
            // Before its time, and where nothing can be read, nothing has changed.
            (None, Some(brief)) => brief.made.facts.clone(),
            (None, None) => String::new(),
        };
        let facts: BTreeMap<String, String> = live.iter().map(|(e, k)| (e.clone(), facts_of(e, k))).collect();
        let booked: Vec<Booked<'_>> =
            live.iter().map(|(event, k)| Booked { meeting: &k.meeting, facts: &facts[event] }).collect();
        let made: Vec<Made> =
            live.values().chain(gone.values()).filter_map(|k| Some(k.brief.as_ref()?.made.clone())).collect();
        let plan = schedule::plan_ahead(&booked, &made, lead, now);
        drop(booked);
        for event in &plan.drop {
            if let Some(kept) = live.get_mut(event) {
                self.take_back(kept.brief.take(), now)?;
                self.put_meeting(kept)?;
            } else if let Some(kept) = gone.get(event) {
                self.take_back(kept.brief.clone(), now)?;
            }
        }
        for event in gone.keys() {
            self.store.drop_item(ItemKind::Meeting, event)?;
        }
        for due in plan.make {
            let Some(((material, facts), kept)) = ready.remove(&due.event).zip(live.get_mut(&due.event)) else {
                continue;
            };
            let shared = shared.as_ref().expect("what is ready was read with it");
            let found = match material {
                Some(material) => Ok((material, facts)),
                // It is as it was, and a brief of it is due now.
                None => self.material(kept.meeting.clone(), shared).map(|material| {
                    done.heard += 1;
                    let facts = material.facts(self, shared);
                    (material, facts)
                }),
            };
            match found.and_then(|(material, facts)| self.make(kept, &material, &facts, shared, &zoned)) {
                Ok(()) => done.made.push(due),
                Err(error) => {
                    tracing::error!("a brief cannot be made, and is tried again: {error:#}");
                    failed.insert(due.event);
                }
            }
        }
        done.dropped = plan.drop;
        done.failed = failed.len();
        // What went between the reading and the keeping.
        for call in self.erased_since(from)? {
            self.store.retract(&call, now)?;
        }
        Ok((done, plan.wake_unix_ms))
    }

    /// Keeps what the calendar says. Gives the meetings it has, and those that were kept, are ahead and that it has no more.
    fn take_in(
        &self,
        read: &Read,
        shared: &mut Option<Shared>,
        now: &Zoned,
        done: &mut Prepped,
    ) -> anyhow::Result<(BTreeMap<String, KeptMeeting>, BTreeMap<String, KeptMeeting>)> {
        let now_ms = now.timestamp().as_millisecond();
        let known = self.meetings(now_ms - BEHIND_MS)?.into_iter();
        let mut known: BTreeMap<String, KeptMeeting> = known.map(|k| (k.meeting.event.clone(), k)).collect();
        let mut live: BTreeMap<String, KeptMeeting> = BTreeMap::new();
        for meeting in read.meetings.iter().take(MOST_MEETINGS) {
            let before = match known.remove(&meeting.event).or_else(|| live.remove(&meeting.event)) {
                Some(before) => Some(before),
                None => {
                    let item = self.store.item(ItemKind::Meeting, &meeting.event)?;
                    item.and_then(|item| serde_json::from_value::<KeptMeeting>(item.body).ok())
                }
            };
            let mut meeting = meeting.clone();
            match &before {
                // Of one that was never known there is nothing to call off.
                None if meeting.cancelled => continue,
                Some(before) => {
                    if meeting.cancelled && meeting.start_unix_ms == 0 {
                        meeting.start_unix_ms = before.meeting.start_unix_ms;
                        meeting.end_unix_ms = before.meeting.end_unix_ms;
                    }
                    if meeting.deal.is_none() && meeting.invited == before.meeting.invited {
                        meeting.deal.clone_from(&before.meeting.deal);
                    }
                }
                None => {}
            }
            let same = before.as_ref().is_some_and(|b| b.meeting == meeting);
            let kept = if same {
                before
            } else {
                if meeting.deal.is_none() && !meeting.cancelled && meeting.start_unix_ms > now_ms {
                    // That it is booked is kept also while the CRM does not answer; its deal is looked for again.
                    match self.with_shared(shared, now).and_then(|shared| self.deal_of(&meeting, shared)) {
                        Ok(deal) => meeting.deal = deal,
                        Err(error) => {
                            tracing::warn!("the deal of a meeting cannot be looked for: {error:#}");
                            done.failed += 1;
                        }
                    }
                }
                let brief = before.and_then(|b| b.brief);
                Some(self.keep_meeting(meeting, brief)?)
            };
            live.extend(kept.map(|k| (k.meeting.event.clone(), k)));
        }
        // An entry that cannot be read may be any of those that are missing.
        let whole = read.problems.is_empty() && read.meetings.len() <= MOST_MEETINGS;
        known.retain(|_, k| k.meeting.start_unix_ms > now_ms && !k.meeting.cancelled);
        if whole {
            return Ok((live, known));
        }
        live.extend(known);
        Ok((live, BTreeMap::new()))
    }

    fn with_shared<'a>(&self, shared: &'a mut Option<Shared>, now: &Zoned) -> anyhow::Result<&'a Shared> {
        if shared.is_none() {
            *shared = Some(self.shared(now)?);
        }
        Ok(shared.as_ref().expect("it was just put there"))
    }

    /// Digest of what is known for a meeting; with all of it, if its calls had to be heard for that.
    fn ready(
        &self,
        meeting: &Meeting,
        shared: &mut Option<Shared>,
        known: &mut Known,
        now: &Zoned,
    ) -> anyhow::Result<(Option<Material>, String)> {
        let now_ms = now.timestamp().as_millisecond();
        let shared = self.with_shared(shared, now)?;
        let outline = self.outline(meeting.clone(), shared)?;
        let stamp = outline.stamp(self, shared);
        let same = |found: &&Found| found.stamp == stamp && (0..SAME_MS).contains(&(now_ms - found.at_unix_ms));
        if let Some(found) = known.get(&meeting.event).filter(same) {
            return Ok((None, found.facts.clone()));
        }
        let material = outline.heard(self);
        let facts = material.facts(self, shared);
        known.insert(meeting.event.clone(), Found { stamp, facts: facts.clone(), at_unix_ms: now_ms });
        Ok((Some(material), facts))
    }

    /// Keeps a meeting as it is now, as a hand-off whose parents are the messages that led to it.
    fn keep_meeting(&self, meeting: Meeting, brief: Option<KeptBrief>) -> anyhow::Result<KeptMeeting> {
        let made =
            Artifact::new(Kind::Meeting, self.invitations(&meeting)?, Maker::rules("calendar", VERSION), meeting);
        self.keep(Kind::Meeting, &made)?;
        let kept = KeptMeeting { meeting: made.body, artifact: made.id, brief };
        self.put_meeting(&kept)?;
        Ok(kept)
    }

    fn put_meeting(&self, kept: &KeptMeeting) -> anyhow::Result<()> {
        let account = kept.meeting.deal.as_ref().map(ToString::to_string);
        let (id, at_unix_ms) = (kept.meeting.event.clone(), kept.meeting.start_unix_ms);
        let body = serde_json::to_value(kept)?;
        Ok(self.store.replace_item(&Item { kind: ItemKind::Meeting, id, account, at_unix_ms, body })?)
    }

    /// The latest of our messages that went to somebody who is invited. One that was not sent led to nothing.
    fn invitations(&self, meeting: &Meeting) -> anyhow::Result<Vec<ArtifactId>> {
        for Kept { artifact, .. } in self.store.latest_artifacts(Kind::Draft, LATELY)? {
            let Ok(draft) = serde_json::from_value::<Draft>(artifact.body) else { continue };
            let mut to = draft.mail.to.iter();
            let invited = to.any(|to| meeting.invited.iter().any(|i| i.eq_ignore_ascii_case(to)));
            if invited && self.went_out(&artifact.id)? {
                return Ok(vec![artifact.id]);
            }
        }
        Ok(Vec::new())
    }

    /// Whether a draft was sent, or put into the mailbox from which its seller sends it.
    fn went_out(&self, draft: &ArtifactId) -> anyhow::Result<bool> {
        let kept = self.sequence_where(|kept| kept.touches.iter().any(|touch| touch.draft == *draft))?;
        let touch = kept.and_then(|kept| kept.touches.into_iter().find(|touch| touch.draft == *draft));
        let listed = touch.map(|touch| self.store.proposal(&touch.proposal)).transpose()?.flatten();
        Ok(listed.is_some_and(|listed| matches!(listed.standing, Standing::Done { .. })))
    }

    /// Makes a meeting's brief, or takes up the one that is there already, and proposes to put it on the deal.
    fn make(
        &self,
        kept: &mut KeptMeeting,
        material: &Material,
        facts: &str,
        shared: &Shared,
        now: &Zoned,
    ) -> anyhow::Result<()> {
        let now_ms = now.timestamp().as_millisecond();
        if material.meeting != kept.meeting {
            // Its deal is known by now.
            *kept = self.keep_meeting(material.meeting.clone(), kept.brief.take())?;
        }
        let start_unix_ms = kept.meeting.start_unix_ms;
        let (artifact, made) = match self.made_already(&kept.meeting, facts)? {
            Some(there) => there,
            None => {
                let made = self.checked(material, shared, now)?;
                let parents = std::iter::once(kept.artifact.clone()).chain(material.note_ids.iter().cloned()).collect();
                let made = Artifact::new(Kind::Brief, parents, Maker::rules("prep", VERSION), made);
                self.keep(Kind::Brief, &made)?;
                (made.id, made.body)
            }
        };
        let before = kept.brief.as_ref().and_then(|b| b.proposal.clone());
        let proposal = self.propose(kept, &artifact, &made, before, now_ms)?;
        let event = kept.meeting.event.clone();
        let made = Made { event, start_unix_ms, facts: facts.to_owned(), made_unix_ms: now_ms };
        kept.brief = Some(KeptBrief { made, artifact, proposal });
        self.put_meeting(kept)
    }

    /// The brief of this meeting at this time from these facts, if a run that was killed has kept it.
    fn made_already(&self, meeting: &Meeting, facts: &str) -> anyhow::Result<Option<(ArtifactId, Brief)>> {
        for Kept { artifact, .. } in self.store.latest_artifacts(Kind::Brief, LATELY)? {
            let Ok(made) = serde_json::from_value::<Brief>(artifact.body) else { continue };
            if made.event == meeting.event && made.start_unix_ms == meeting.start_unix_ms && made.facts == facts {
                return Ok(Some((artifact.id, made)));
            }
        }
        Ok(None)
    }

    /// Asks a person whether the brief shall stand on the deal as a note. What nobody has looked at yet takes the new text;
    /// whoever said no for this meeting is not asked again.
    fn propose(
        &self,
        kept: &KeptMeeting,
        artifact: &ArtifactId,
        made: &Brief,
        before: Option<ProposalId>,
        now: i64,
    ) -> anyhow::Result<Option<ProposalId>> {
        let meeting = &kept.meeting;
        let quoted =
            [Some(&meeting.title), meeting.invited.first()].into_iter().flatten().find(|t| !t.trim().is_empty());
        let Some((deal, quoted)) = meeting.deal.as_ref().zip(quoted) else { return Ok(before) };
        let starts = self.zoned(meeting.start_unix_ms)?.strftime("%-d %B %Y, %H:%M %Q").to_string();
        let body = format!("{}\n\n{}", heading(meeting, &starts), brief::markdown(made, &self.zoned(now)?));
        let action = Action::CreateNote { about: deal.clone(), body, at_unix_ms: meeting.start_unix_ms };
        let why = format!("The brief for the meeting of {starts}");
        let because = Claim::new(why, vec![cite_meeting(meeting, quoted)], 1.0)?;
        if let Some(listed) = before.as_ref().map(|id| self.store.proposal(id)).transpose()?.flatten() {
            if listed.proposal.from == *artifact || matches!(listed.standing, Standing::Rejected { .. }) {
                return Ok(before);
            }
            let was = listed.proposal.digest();
            if is_untouched(&listed, &was) {
                let draft = self.store.artifact(artifact)?;
                let new = Redraft { id: listed.proposal.id, was, action: action.clone(), because: because.clone() };
                if let Some(draft) = draft
                    && self.store.redraft(&draft, &[new], &Actor::service("prep"), now)? == [true]
                {
                    return Ok(before);
                }
            }
        }
        let batch = format!("meeting {}", meeting.event);
        let proposal = Proposal::new(&deal.system, action, None, because, artifact.clone(), batch, now);
        let id = proposal.id.clone();
        self.store.put_proposals(&[proposal], &Actor::service("prep"), now)?;
        Ok(Some(id))
    }

    /// Takes back what was proposed of a brief that is of no use any more.
    fn take_back(&self, brief: Option<KeptBrief>, now: i64) -> anyhow::Result<()> {
        let Some(id) = brief.and_then(|b| b.proposal) else { return Ok(()) };
        self.store.outrun(&id, "the meeting was called off or is over", &Actor::service("prep"), now)?;
        Ok(())
    }
}

/// The first line of a brief where it stands by itself.
#[must_use]
pub fn heading(meeting: &Meeting, starts: &str) -> String {
    let title = meeting.title.split_whitespace().collect::<Vec<_>>().join(" ");
    if title.is_empty() { format!("Brief for {starts}") } else { format!("Brief for \"{title}\", {starts}") }
}
