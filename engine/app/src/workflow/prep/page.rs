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

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::Arc};

    use reframe_prep::deal_summary::Person;
    use reframe_store::{SqliteLog, SqliteOptions};
    use reframe_workflow::{
        artifact::{ArtifactId, Evidence},
        handoff::Meeting,
    };

    use super::*;
    use crate::workflow::WorkflowSettings;

    /// 2026-03-02 02:30 UTC.
    const NOW: i64 = 1_772_418_600_000;
    const MIN: i64 = 60_000;

    fn office(dir: &Path) -> Office {
        std::fs::create_dir_all(dir.join("crm")).unwrap();
        std::fs::write(dir.join("crm/deals.csv"), "id,name,stage\n7,Acme,discovery\n").unwrap();
        let store = SqliteLog::open(dir.join("reframe.db"), SqliteOptions::default()).unwrap();
        Office::open(&WorkflowSettings::default(), dir, Arc::new(store), || NOW).unwrap()
    }

    /// A meeting from so many minutes from now to so many.
    fn meeting(event: &str, from: i64, to: i64) -> KeptMeeting {
        let meeting = Meeting {
            event: event.to_owned(),
            start_unix_ms: NOW + from * MIN,
            end_unix_ms: NOW + to * MIN,
            ..Meeting::default()
        };
        KeptMeeting { meeting, artifact: ArtifactId::of("meeting", event.as_bytes()), brief: None }
    }

    fn claim(text: &str) -> Claim {
        Claim::new(text, vec![Evidence::Event { call: "one".into(), seq: 1 }], 1.0).unwrap()
    }

    /// What is over or called off is not in the list; of what is ahead, the next fifty are, and the rest is counted.
    #[test]
    fn the_list_has_the_next_meetings_and_counts_the_rest() {
        let dir = tempfile::tempdir().unwrap();
        let office = office(dir.path());
        let mut off = meeting("off", 20, 50);
        off.meeting.cancelled = true;
        let mut kept = vec![meeting("over", -90, -60), meeting("just-over", -30, 0), off];
        kept.extend((0..51).rev().map(|n| meeting(&format!("m{n}"), 60 + n, 90 + n)));
        // Nobody knows when this one ends.
        kept.push(meeting("no-end", 5, -100));
        kept.push(meeting("running", -10, 20));
        kept.iter().for_each(|kept| office.put_meeting(kept).unwrap());
        let page = office.briefs_page().unwrap();
        let ids: Vec<&str> = page.meetings.iter().map(|row| row.id.as_str()).collect();
        assert_eq!((ids.len(), page.more), (50, 3));
        assert_eq!((&ids[..4], ids[49]), (&["running", "no-end", "m0", "m1"][..], "m47"));
        assert_eq!((page.now_unix_ms, page.calendar), (NOW, false));
        assert_eq!(page.meetings[0].due_unix_ms, NOW - 10 * MIN - office.settings.prep.lead_ms());
    }

    /// Of the promises the latest six, the last one first, each with its owner or else its side; of the people eight,
    /// none of ours.
    #[test]
    fn a_page_has_the_latest_promises_and_the_people_of_the_other_side() {
        let dir = tempfile::tempdir().unwrap();
        let office = office(dir.path());
        let promise = |n: usize, side: &str, owner: Option<&str>, kept: Kept| Tracked {
            what: claim(&format!("p{n}")),
            side: side.to_owned(),
            owner: owner.map(str::to_owned),
            due: Some(format!("2026-03-{n:02}")),
            kept,
        };
        let person = |n: usize, side: &str| Person {
            name: format!("{side} {n}"),
            side: side.to_owned(),
            calls: 1,
            shown: claim("speaks"),
        };
        let summary = DealSummary {
            promises: vec![
                promise(1, "buyer", None, Kept::Open),
                promise(2, "rep", None, Kept::Open),
                promise(3, "buyer", None, Kept::Kept),
                promise(4, "rep", None, Kept::Late),
                promise(5, "buyer", Some("Dana"), Kept::Open),
                promise(6, "rep", Some("Ada"), Kept::Late),
                promise(7, "buyer", None, Kept::Late),
                promise(8, "rep", None, Kept::Kept),
            ],
            people: [person(0, "rep")].into_iter().chain((1..=9).map(|n| person(n, "buyer"))).collect(),
            ..DealSummary::default()
        };
        let page = office.page_of(&meeting("m1", 60, 90), false, Brief::default(), summary, Vec::new());
        let told: Vec<(&str, &str, &str)> =
            page.promises.iter().map(|p| (p.what.text(), p.who.as_str(), p.state.as_str())).collect();
        assert_eq!(
            told,
            [
                ("p8", "We", "kept"),
                ("p7", "They", "late"),
                ("p6", "Ada", "late"),
                ("p5", "Dana", "open"),
                ("p4", "We", "late"),
                ("p3", "They", "kept"),
            ]
        );
        assert_eq!(page.promises[0].due.as_deref(), Some("2026-03-08"));
        let heard: Vec<&str> = page.heard.iter().map(|heard| heard.name.as_str()).collect();
        assert_eq!((heard.len(), heard[0], heard[7]), (8, "buyer 1", "buyer 8"));
        assert_eq!((page.kept, page.meeting.made_unix_ms), (false, None), "made now, to look at");
    }
}
