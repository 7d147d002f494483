//! The meetings ahead and a brief as the page shows them: put together of what is kept, or made now to look at.

use reframe_call::playbook::Playbook;
use reframe_prep::{
    brief::words,
    deal_summary::{DealSummary, Kept, Tracked},
};
use reframe_serve::accounts::briefs::{
    Answering, Armed, BriefPage, BriefsPage, Expected, Heard, MeetingRow, Missing, Promised,
};
use reframe_store::ItemKind;
use reframe_workflow::{artifact::Claim, handoff::Brief};

use super::{KeptMeeting, calendar::BEHIND_MS};
use crate::workflow::Office;

/// Meetings in the list.
const MEETINGS: usize = 50;
/// Promises that are shown, the latest.
const PROMISES: usize = 6;
/// People of the calls that are shown.
const PEOPLE: usize = 8;

impl Office {
    /// The meetings ahead, the next one first.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn briefs_page(&self) -> anyhow::Result<BriefsPage> {
        let now = (self.clock)();
        let ahead = |kept: &KeptMeeting| {
            let meeting = &kept.meeting;
            !meeting.cancelled && meeting.end_unix_ms.max(meeting.start_unix_ms) > now
        };
        let mut kept = self.meetings(now - BEHIND_MS)?;
        kept.retain(ahead);
        let more = kept.len().saturating_sub(MEETINGS);
        let meetings = kept.iter().take(MEETINGS).map(|kept| -> anyhow::Result<MeetingRow> {
            let brief = kept.brief.as_ref().map(|b| self.brief(&b.artifact)).transpose()?.flatten();
            Ok(self.row(kept, brief.as_ref()))
        });
        Ok(BriefsPage {
            zone: self.settings.zone.clone(),
            now_unix_ms: now,
            calendar: self.settings.prep.calendar.is_some(),
            meetings: meetings.collect::<anyhow::Result<_>>()?,
            more,
        })
    }

    /// A meeting by its id in the calendar, with its brief: the one that is kept, else one made now. Nothing, if no such meeting
    /// is known.
    ///
    /// # Errors
    /// If the store or the CRM cannot be read, or a citation of what is made now does not hold.
    pub fn brief_page(&self, event: &str) -> anyhow::Result<Option<BriefPage>> {
        let Some(item) = self.store.item(ItemKind::Meeting, event)? else { return Ok(None) };
        // What is left of an erased one says nothing.
        let Ok(mut kept) = serde_json::from_value::<KeptMeeting>(item.body) else { return Ok(None) };
        let made = kept.brief.as_ref().map(|b| self.brief(&b.artifact)).transpose()?.flatten();
        let is_kept = made.is_some();
        let made = match made {
            Some(made) => made,
            None => {
                let (meeting, made) = self.brief_now(kept.meeting.clone())?;
                kept.meeting = meeting;
                made
            }
        };
        let mut missing: Vec<Missing> =
            made.empty.iter().map(|(what, fill)| Missing { what: what.clone(), fill: fill.clone() }).collect();
        let summary = match &kept.meeting.deal {
            Some(deal) => self.deal_summary(deal).unwrap_or_else(|error| {
                missing.push(Missing { what: "deal".to_owned(), fill: format!("{error:#}") });
                DealSummary::default()
            }),
            None => {
                let fill = "invite the deal's people by the address the CRM has, or link them to one open deal";
                missing.push(Missing { what: "deal".to_owned(), fill: fill.to_owned() });
                DealSummary::default()
            }
        };
        Ok(Some(self.page_of(&kept, is_kept, made, summary, missing)))
    }

    fn page_of(
        &self,
        kept: &KeptMeeting,
        is_kept: bool,
        made: Brief,
        summary: DealSummary,
        missing: Vec<Missing>,
    ) -> BriefPage {
        // Read once: outside the server it comes from its folder.
        let playbook = self.playbook.get().and_then(|current| current());
        let card_of = |play: &str| playbook.as_ref().and_then(|playbook| answering(playbook, play));
        let part = |name: &str| -> Vec<Claim> {
            made.parts.iter().find(|(of, _)| of == name).map(|(_, claims)| claims.clone()).unwrap_or_default()
        };
        let objections = made.objections.iter().map(|likely| Expected {
            label: likely.label.replace('_', " "),
            likelihood: likely.likelihood,
            because: likely.because.clone(),
            card: likely.play.as_deref().and_then(card_of),
        });
        let plays = made
            .arm
            .iter()
            .flat_map(|arm| &arm.plays)
            .map(|play| Armed { play: play.clone(), title: card_of(play).map(|card| card.title) });
        let heard = summary.people.into_iter().filter(|p| p.side != "rep").take(PEOPLE).map(|p| Heard {
            name: p.name,
            side: p.side,
            calls: p.calls,
            shown: p.shown,
        });
        BriefPage {
            meeting: self.row(kept, is_kept.then_some(&made)),
            zone: self.settings.zone.clone(),
            url: kept.meeting.url.clone(),
            invited: kept.meeting.invited.clone(),
            made_unix_ms: made.made_unix_ms,
            kept: is_kept,
            words: words(&made),
            objections: objections.collect(),
            contradictions: summary.contradictions.into_iter().map(|c| c.claim).collect(),
            promises: summary.promises.into_iter().rev().take(PROMISES).map(promised).collect(),
            people: part("contact"),
            heard: heard.collect(),
            questions: part("discovery questions"),
            plays: plays.collect(),
            missing,
            parts: made.parts.clone(),
        }
    }

    fn row(&self, kept: &KeptMeeting, brief: Option<&Brief>) -> MeetingRow {
        let meeting = &kept.meeting;
        MeetingRow {
            id: meeting.event.clone(),
            title: meeting.title.clone(),
            start_unix_ms: meeting.start_unix_ms,
            end_unix_ms: meeting.end_unix_ms,
            invited: meeting.invited.len(),
            deal: meeting.deal.as_ref().map(ToString::to_string),
            made_unix_ms: brief.map(|b| b.made_unix_ms),
            due_unix_ms: meeting.start_unix_ms - self.settings.prep.lead_ms(),
            first: brief.and_then(|b| b.objections.first()).map(|o| o.label.replace('_', " ")),
            empty: brief.map(|b| b.empty.iter().map(|(part, _)| part.clone()).collect()).unwrap_or_default(),
        }
    }
}

/// The card of a play, as the playbook has it now.
fn answering(playbook: &Playbook, play: &str) -> Option<Answering> {
    let play = playbook.play(play)?;
    let card = &play.card;
    Some(Answering { play: play.id.clone(), title: card.title.clone(), say: card.say.clone(), ask: card.ask.clone() })
}

fn promised(tracked: Tracked) -> Promised {
    let state = match tracked.kept {
        Kept::Kept => "kept",
        Kept::Open => "open",
        Kept::Late => "late",
    };
    let side = if tracked.side == "buyer" { "They" } else { "We" };
    Promised {
        who: tracked.owner.unwrap_or_else(|| side.to_owned()),
        what: tracked.what,
        due: tracked.due,
        state: state.to_owned(),
    }
}
