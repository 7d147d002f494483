//! What a call that begins is told: of the brief that was made for its meeting.

use std::sync::Arc;

use reframe_call::deal::Deal;
use reframe_ingest::socket::protocol::Start;
use reframe_workflow::handoff::{Arm, Meeting};

use super::{super::office::Office, KeptMeeting};

/// Finds what a call is told before it begins.
pub type Arms = Arc<dyn Fn(&Start) -> Option<Arm> + Send + Sync>;

/// A call may begin so long before its meeting, in ms, and still be its call: people come early, and a bot earlier.
const EARLY_MS: i64 = 15 * 60 * 1_000;
/// The same after its end: meetings begin late.
const LATE_MS: i64 = 30 * 60 * 1_000;
/// For a call whose bot names the deal the brief counts so long around its meeting, in ms: a day.
const SAME_DEAL_MS: i64 = 24 * 60 * 60 * 1_000;

/// How a call was found to be a meeting's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum By {
    /// Its bot names the deal.
    Deal,
    /// Somebody on it is invited.
    Address,
    /// It is called the same. Then the deal is not taken over: what is written down after the call would go there.
    Title,
}

impl Office {
    /// What a call that begins now is told; nothing, if no brief was made for its meeting. Whatever goes wrong here is a
    /// warning in the log: a call begins without it.
    #[must_use]
    pub fn arm(&self, start: &Start) -> Option<Arm> {
        match self.arm_for(start, (self.clock)()) {
            Ok(arm) => arm,
            Err(error) => {
                tracing::warn!("a call begins without its brief: {error:#}");
                None
            }
        }
    }

    fn arm_for(&self, start: &Start, now: i64) -> anyhow::Result<Option<Arm>> {
        let meetings = self.meetings(now - SAME_DEAL_MS)?;
        let with_brief = meetings.iter().filter(|k| k.brief.is_some() && !k.meeting.cancelled);
        let mut found: Vec<(By, i64, &KeptMeeting)> = with_brief
            .filter_map(|kept| {
                let by = is_of(start, &kept.meeting, now)?;
                Some((by, (kept.meeting.start_unix_ms - now).abs(), kept))
            })
            .collect();
        found.sort_by(|a, b| (a.0, a.1, &a.2.meeting.event).cmp(&(b.0, b.1, &b.2.meeting.event)));
        let Some((by, _, kept)) = found.first() else { return Ok(None) };
        if *by == By::Title && found.iter().filter(|f| f.0 == By::Title).count() > 1 {
            return Ok(None);
        }
        let Some(brief) = kept.brief.as_ref().map(|b| self.brief(&b.artifact)).transpose()?.flatten() else {
            return Ok(None);
        };
        Ok(brief.arm.map(|mut arm| {
            if *by == By::Title {
                arm.deal.crm_id = None;
            }
            if arm.deal.check().is_err() {
                arm.deal = Deal::default();
            }
            arm
        }))
    }
}

/// Whether a call that begins at `now` is this meeting's, and how one knows.
fn is_of(start: &Start, meeting: &Meeting, now: i64) -> Option<By> {
    let about = |before: i64, after: i64| {
        let end = meeting.end_unix_ms.max(meeting.start_unix_ms);
        (meeting.start_unix_ms - before..=end + after).contains(&now)
    };
    if let Some(deal) = &start.deal.crm_id {
        let same = meeting.deal.as_ref().is_some_and(|d| d.id == *deal);
        return (same && about(SAME_DEAL_MS, SAME_DEAL_MS)).then_some(By::Deal);
    }
    if !about(EARLY_MS, LATE_MS) {
        return None;
    }
    // Our own people are in all of our meetings.
    let ours = meeting.organizer.as_deref().and_then(|o| o.rsplit_once('@')).map(|(_, domain)| domain.to_lowercase());
    let theirs = |address: &str| {
        let domain = address.rsplit_once('@').map(|(_, domain)| domain.to_lowercase());
        domain.is_some() && domain != ours
    };
    let mut on_it = start.tracks.iter().filter_map(|t| t.email.as_deref()).filter(|a| theirs(a));
    if on_it.any(|a| meeting.invited.iter().any(|i| i.eq_ignore_ascii_case(a.trim()))) {
        return Some(By::Address);
    }
    let same = |title: &String| !title.trim().is_empty() && title.trim().eq_ignore_ascii_case(meeting.title.trim());
    start.title.as_ref().is_some_and(same).then_some(By::Title)
}
