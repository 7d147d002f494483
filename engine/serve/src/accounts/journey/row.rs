//! The rows of the page: what each stage made, how it stands, and which links are missing in it.

use std::collections::BTreeMap;

use reframe_funnel::{
    account::{AccountState, Ask, Node, StageState, Walk},
    fact::Approval,
    stage::Stage,
};
use reframe_workflow::{
    artifact::{ArtifactId, Kind},
    gate::ProposalId,
};

use super::{Decided, JourneyRow, MOST_MADE, Made, Place, RowState, Told};

/// What stands for the six stages' own names in the last row.
const NEW_SIGNAL: &str = "New signal";
/// A write that goes to a person outside.
const SENDS: &str = "send_mail";

/// The seven rows of a walk.
pub(super) fn rows(state: &AccountState, walk: &Walk, told: &Told) -> Vec<JourneyRow> {
    let mut rows: Vec<JourneyRow> = walk.stages.iter().map(|of| stage_row(state, walk, of, told)).collect();
    rows.push(new_signal_row(state, walk, told));
    rows
}

/// The seven rows of an account that no walk has begun at.
pub(super) fn nothing_yet() -> Vec<JourneyRow> {
    let row = |stage: Option<Stage>| JourneyRow {
        stage,
        title: stage.map_or(NEW_SIGNAL, Stage::title).to_owned(),
        state: RowState::NotYet,
        n: 0,
        made: Vec::new(),
        missing: Vec::new(),
    };
    Stage::ALL.into_iter().map(Some).chain([None]).map(row).collect()
}

fn stage_row(state: &AccountState, walk: &Walk, of: &StageState, told: &Told) -> JourneyRow {
    let later = walk.stages.iter().any(|other| other.stage > of.stage && !other.begun.is_empty());
    let around = Around { state, of, later, told };
    let missing = match of.stage {
        Stage::Signal => around.signal(walk),
        Stage::Outreach => around.outreach(walk),
        Stage::CallPrep => around.call_prep(),
        Stage::LiveCall => around.live_call(),
        Stage::PostCall => around.post_call(walk),
        Stage::Hygiene => Vec::new(),
    };
    let waits = of.counts.proposed + of.counts.void + of.counts.failed > 0;
    let begun = later || !of.begun.is_empty();
    let stands = match (waits, missing.is_empty(), begun) {
        (true, ..) => RowState::Waits,
        (_, false, _) => RowState::Missing,
        (.., true) => RowState::Done,
        (.., false) => RowState::NotYet,
    };
    let (n, made) = latest(around.made());
    JourneyRow { stage: Some(of.stage), title: of.stage.title().to_owned(), state: stands, n, made, missing }
}

/// How many there are, and the latest forty in order of time.
fn latest(mut made: Vec<Made>) -> (usize, Vec<Made>) {
    // Mail knows whole seconds alone: within one, what is made stands before what answers it and what is proposed of it.
    made.sort_by_key(|each| each.at_unix_ms.div_euclid(1_000));
    let n = made.len();
    (n, made.split_off(n.saturating_sub(MOST_MADE)))
}

fn new_signal_row(state: &AccountState, walk: &Walk, told: &Told) -> JourneyRow {
    let here = told.new_signals.iter().filter(|s| state.asks.get(&s.of).is_some_and(|ask| ask.walk == walk.no));
    let made = here.map(|signal| Made {
        id: signal.item.clone(),
        what: "signal".to_owned(),
        at_unix_ms: signal.at_unix_ms,
        from: vec![signal.of.to_string()],
        telling: signal.telling.clone(),
        decided: None,
    });
    let (n, made) = latest(made.collect());
    let written = walk.stage(Stage::PostCall).counts.done > 0;
    let (stands, missing) = match (n > 0, written) {
        (true, _) => (RowState::Done, Vec::new()),
        (false, true) => (RowState::Missing, vec!["what was written of the call has become no signal".to_owned()]),
        (false, false) => (RowState::NotYet, Vec::new()),
    };
    JourneyRow { stage: None, title: NEW_SIGNAL.to_owned(), state: stands, n, made, missing }
}

/// One stage with all that its row is made of.
struct Around<'a> {
    state: &'a AccountState,
    of: &'a StageState,
    /// Whether a later stage has begun.
    later: bool,
    told: &'a Told,
}

impl Around<'_> {
    /// Hand-offs of a kind that stand in the stage.
    fn of_kind(&self, kind: Kind) -> impl Iterator<Item = (&ArtifactId, &Node)> {
        let nodes = self.of.artifacts.iter().filter_map(move |id| Some((id, self.state.nodes.get(id)?)));
        nodes.filter(move |(_, node)| node.kind == kind)
    }

    fn asks(&self) -> impl Iterator<Item = (&ProposalId, &Ask)> {
        let asks = self.of.asks.iter().filter_map(move |id| Some((id, self.state.asks.get(id)?)));
        asks.filter(|(_, ask)| ask.state != Approval::Superseded)
    }

    /// Whether it names something of this kind as what it was made from.
    fn came_from(&self, node: &Node, kind: Kind) -> bool {
        node.parents.iter().any(|parent| self.state.nodes.get(parent).is_some_and(|p| p.kind == kind))
    }

    fn made(&self) -> Vec<Made> {
        let page = |id: &str| Place::Account { id: id.to_owned() };
        let calls = self.of.calls.iter().filter_map(|name| {
            let call = self.state.calls.get(name)?;
            let mut telling = self.told.calls.get(name).cloned().unwrap_or_default();
            telling.says.insert(0, if call.title.is_empty() { name.clone() } else { call.title.clone() });
            telling.places.push(page(name));
            let (id, at_unix_ms) = (name.clone(), call.started_unix_ms);
            Some(Made { id, what: "call".to_owned(), at_unix_ms, from: Vec::new(), telling, decided: None })
        });
        // How a call was led is its seller's to see first, on the review page.
        let nodes = self.of.artifacts.iter().filter_map(|id| Some((id, self.state.nodes.get(id)?)));
        let nodes = nodes.filter(|(_, node)| node.kind != Kind::Debrief).map(|(id, node)| {
            let mut telling = self.told.artifacts.get(id).cloned().unwrap_or_default();
            telling.places.push(page(id.as_str()));
            Made {
                id: id.to_string(),
                what: word(node.kind).to_owned(),
                at_unix_ms: node.at_unix_ms,
                from: node.parents.iter().map(ToString::to_string).collect(),
                telling,
                decided: None,
            }
        });
        let drafts: Vec<&ArtifactId> = self.of_kind(Kind::Draft).map(|(id, _)| id).collect();
        let answers = self.told.answers.iter().filter(|answer| drafts.contains(&&answer.to)).map(|answer| Made {
            id: answer.item.clone(),
            what: "answer".to_owned(),
            at_unix_ms: answer.at_unix_ms,
            from: vec![answer.to.to_string()],
            telling: answer.telling.clone(),
            decided: None,
        });
        let asks = self.asks().map(|(id, ask)| {
            let mut telling = self.told.proposals.get(id).cloned().unwrap_or_default();
            telling.places.push(page(&id.to_string()));
            let (at_unix_ms, by) = ask.approved.clone().map_or((None, None), |(at, by)| (Some(at), Some(by)));
            let decided = Decided { state: ask.state, by, at_unix_ms, done_unix_ms: ask.done_unix_ms };
            Made {
                id: id.to_string(),
                what: ask.action.replace('_', " "),
                at_unix_ms: ask.proposed_unix_ms,
                from: vec![ask.from.to_string()],
                telling,
                decided: Some(decided),
            }
        });
        calls.chain(nodes).chain(answers).chain(asks).collect()
    }

    fn signal(&self, walk: &Walk) -> Vec<String> {
        let cards: Vec<&ArtifactId> = self.of_kind(Kind::SignalCard).map(|(id, _)| id).collect();
        if cards.is_empty() {
            let first = walk.stages.iter().filter_map(|s| Some((s.begun_unix_ms()?, s.stage))).min();
            let began = first.map_or("nothing", |(_, stage)| stage.title());
            return vec![format!("no signal led here: this walk began with {}", began.to_lowercase())];
        }
        let of = |id: &ArtifactId| match self.told.cited.get(id) {
            None => Some(format!("what {id} rested on is not kept any more")),
            Some(cited) if cited.is_empty() => Some(format!("{id} cites no signal")),
            Some(_) => None,
        };
        cards.into_iter().rev().take(MOST_MADE).filter_map(of).collect()
    }

    fn outreach(&self, walk: &Walk) -> Vec<String> {
        let drafts: Vec<(&ArtifactId, &Node)> = self.of_kind(Kind::Draft).collect();
        let booked = !walk.stage(Stage::CallPrep).begun.is_empty();
        if drafts.is_empty() {
            let way = if booked { "the meeting came another way" } else { "the call came another way" };
            return if self.later { vec![format!("no message was drafted: {way}")] } else { Vec::new() };
        }
        let stray = drafts.iter().filter(|(_, node)| !self.came_from(node, Kind::SignalCard));
        let mut missing: Vec<String> =
            stray.map(|(id, _)| format!("{id} does not say which signal card it came from")).collect();
        let sent = self.asks().any(|(_, ask)| ask.action == SENDS && ask.state == Approval::Done);
        let answered = self.told.answers.iter().any(|answer| drafts.iter().any(|(id, _)| **id == answer.to));
        if !sent {
            missing.push("no message went out".to_owned());
        } else if booked && !answered {
            missing.push("no answer is on record between the message and the meeting".to_owned());
        }
        missing
    }

    fn call_prep(&self) -> Vec<String> {
        let mut meetings: BTreeMap<&str, Vec<(&ArtifactId, &Node)>> = BTreeMap::new();
        for (id, node) in self.of_kind(Kind::Meeting) {
            // One that moved is kept anew under the same name of the calendar.
            let event = self.told.meetings.get(id).map_or(id.as_str(), |booked| booked.event.as_str());
            meetings.entry(event).or_default().push((id, node));
        }
        if meetings.is_empty() {
            return if self.later {
                vec!["no meeting was booked, so no brief was made".to_owned()]
            } else {
                Vec::new()
            };
        }
        let mut missing = Vec::new();
        for kept in meetings.values() {
            let Some((last, node)) = kept.last() else { continue };
            let booked = self.told.meetings.get(*last);
            if booked.is_some_and(|booked| booked.cancelled) {
                continue;
            }
            let name = if node.title.is_empty() { last.as_str() } else { &node.title };
            if !kept.iter().any(|(_, node)| self.came_from(node, Kind::Draft)) {
                missing.push(format!("the meeting does not say which message it came from: {name}"));
            }
            let of_it = |brief: &Node| kept.iter().any(|(id, _)| brief.parents.contains(id));
            let ahead = booked.is_some_and(|booked| booked.start_unix_ms > self.told.now_unix_ms);
            if !ahead && !self.of_kind(Kind::Brief).any(|(_, brief)| of_it(brief)) {
                missing.push(format!("no brief was made for this meeting: {name}"));
            }
        }
        missing
    }

    fn live_call(&self) -> Vec<String> {
        if self.of.calls.is_empty() {
            return if self.later { vec!["no call is on record".to_owned()] } else { Vec::new() };
        }
        let of = |name: &String| {
            let title = self.state.calls.get(name).map(|call| call.title.as_str()).filter(|title| !title.is_empty());
            let title = title.unwrap_or(name);
            let read = self.of_kind(Kind::CallTranscript).filter(|(_, node)| node.call.as_ref() == Some(name)).last();
            match read {
                None => Some(format!("this call was not written up: {title}")),
                Some((_, node)) if !self.came_from(node, Kind::Brief) => {
                    Some(format!("no brief was there when this call began: {title}"))
                }
                Some(_) => None,
            }
        };
        self.of.calls.iter().rev().take(MOST_MADE).filter_map(of).collect()
    }

    fn post_call(&self, walk: &Walk) -> Vec<String> {
        let noted = |name: &String| {
            let mut notes = self.of_kind(Kind::NoteProposal);
            notes.any(|(_, node)| node.call.as_ref() == Some(name))
        };
        let calls = &walk.stage(Stage::LiveCall).calls;
        let title = |name: &String| self.state.calls.get(name).map_or_else(|| name.clone(), |c| c.title.clone());
        let without = calls.iter().rev().take(MOST_MADE).filter(|name| !noted(name));
        let mut missing: Vec<String> =
            without.map(|name| format!("no note was drafted of this call: {}", title(name))).collect();
        if self.of.counts.total() > 0 && self.of.counts.done == 0 {
            missing.push("nothing of it stands in the system of record".to_owned());
        }
        missing
    }
}

/// What a hand-off is called on the page.
const fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::SignalCard => "signal card",
        Kind::Draft => "message",
        Kind::Meeting => "meeting",
        Kind::Brief => "brief",
        Kind::CallTranscript => "transcript",
        Kind::NoteProposal => "note",
        Kind::FieldProposal => "review of the deals",
        Kind::Debrief => "debrief",
    }
}
