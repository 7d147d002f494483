//! What of a note is to be done in the systems of a team: one batch of proposals for the gate, all of one call.

use reframe_call::audio::Party;

use super::{Settings, stage::STAGES};
use crate::{
    artifact::{Artifact, Claim, Evidence},
    gate::{Action, Mail, Proposal, Seen},
    handoff::{CallTranscript, Handling, NoteProposal},
    system::Record,
};

/// Fields of a deal that a call may change, under our names.
const WRITABLE: [&str; 4] = ["stage", "close_date", "next_step", "next_step_date"];

/// Note, tasks and field changes on `deal` as it was read, and the follow-up among the rep's drafts; nothing for a deal
/// that is not known, no draft without a recipient. `made_unix_ms` is when it was read and drafted. A stage is never
/// moved back, and a field that reads so already is left alone.
#[must_use]
pub fn proposals(
    note: &Artifact<NoteProposal>,
    call: &CallTranscript,
    deal: Option<&Record>,
    settings: &Settings,
    made_unix_ms: i64,
) -> Vec<Proposal> {
    let batch = format!("call {}", one_line(&note.body.call));
    let propose = |system: &str, action: Action, seen: Option<Seen>, because: Claim| {
        action.check().ok()?;
        Some(Proposal::new(system, action, seen, because, note.id.clone(), batch.clone(), made_unix_ms))
    };
    let mut all = Vec::new();
    if let Some(deal) = deal {
        let seen = || Some(Seen { version: deal.version.clone(), at_unix_ms: made_unix_ms });
        let system = deal.at.system.as_str();
        if let Some(because) = first_claim(&note.body) {
            let body = text(&note.body, call);
            let action = Action::CreateNote { about: deal.at.clone(), body, at_unix_ms: call.started_unix_ms };
            all.extend(propose(system, action, seen(), because));
        }
        for (n, task) in note.body.tasks.iter().enumerate() {
            let commitment = note.body.commitments.iter().filter(|c| c.owner.side == Party::Rep.as_str()).nth(n);
            let who =
                commitment.and_then(|c| c.owner.name.as_deref()).map_or_else(String::new, |n| format!("For {n}. "));
            let body = format!("{who}Said in the call: {}", quotes(&task.what));
            let action = Action::CreateTask {
                about: deal.at.clone(),
                subject: one_line(task.what.text()),
                body,
                due: task.due,
                owner: deal.field("owner").map(str::to_owned),
            };
            all.extend(propose(system, action, seen(), task.what.clone()));
        }
        for (field, claim) in &note.body.note.fields {
            let before = deal.field(field).map(str::to_owned);
            if !WRITABLE.contains(&field.as_str()) || field == "stage" && !goes_on(before.as_deref(), claim.text()) {
                continue;
            }
            let action = Action::UpdateField {
                record: deal.at.clone(),
                field: field.clone(),
                before,
                after: Some(one_line(claim.text())),
            };
            all.extend(propose(system, action, seen(), claim.clone()));
        }
    }
    if let Some(follow_up) = note.body.follow_up.as_ref().filter(|_| !settings.recipients.is_empty()) {
        let because = follow_up.claims.first().cloned();
        let mail = Mail {
            message_id: format!("<rf-{}@{}>", note.id.as_str(), settings.mail_domain),
            to: settings.recipients.clone(),
            cc: vec![],
            subject: one_line(&follow_up.subject),
            body: follow_up.body.clone(),
            in_reply_to: None,
            thread: None,
            unsubscribe: None,
        };
        all.extend(
            because.and_then(|because| propose(&settings.mail_system, Action::CreateDraft { mail }, None, because)),
        );
    }
    all
}

/// Whether a deal would move forward. From a stage nobody knows it is not moved.
fn goes_on(from: Option<&str>, to: &str) -> bool {
    let rank = |name: &str| STAGES.iter().position(|s| *s == name.to_lowercase());
    match (from.map(rank), rank(to)) {
        (None, Some(_)) => true,
        (Some(Some(from)), Some(to)) => to > from,
        _ => false,
    }
}

fn first_claim(note: &NoteProposal) -> Option<Claim> {
    let said = note.note.headline.iter().chain(&note.summary).chain(&note.note.topics);
    said.chain(note.commitments.iter().map(|c| &c.what)).next().cloned()
}

/// The note as it goes into the CRM: what is read first stands first.
fn text(note: &NoteProposal, call: &CallTranscript) -> String {
    let mut out = vec![format!("Call: {}", one_line(&call.title))];
    out.extend(note.note.headline.iter().map(|h| h.text().to_owned()));
    let mut part = |title: &str, lines: Vec<String>| {
        if !lines.is_empty() {
            out.push(format!("\n{title}"));
            out.extend(lines.into_iter().map(|l| format!("- {}", one_line(&l))));
        }
    };
    let texts = |claims: &[Claim]| claims.iter().map(|c| c.text().to_owned()).collect::<Vec<_>>();
    let topics = texts(&note.note.topics).join(", ");
    part("Topics", if topics.is_empty() { vec![] } else { vec![topics] });
    part("Decisions", texts(&note.note.decisions));
    part("Next steps", texts(&note.note.next_steps));
    for side in [Party::Rep, Party::Buyer] {
        let theirs = note.commitments.iter().filter(|c| c.owner.side == side.as_str());
        let lines = theirs.map(|c| {
            let who =
                c.owner.name.as_deref().map_or_else(String::new, |n| format!("{}: ", super::wording::name_case(n)));
            let due = c.due.map_or_else(String::new, |d| format!(" (due {d})"));
            let unsure = if c.unsure { " [unsure]" } else { "" };
            format!("{who}{}{due}{unsure}", c.what.text())
        });
        part(if side == Party::Rep { "We promised" } else { "They promised" }, lines.collect());
    }
    let objections = note.objections.iter().map(|o| {
        let how = match o.handling {
            Handling::Handled => "handled",
            Handling::Answered => "answered",
            Handling::Open => "open",
        };
        format!("{} ({how}): {}", o.label.replace('_', " "), o.raised.text())
    });
    part("Objections", objections.collect());
    part("Not on the call", texts(&note.absent));
    part("Risk", note.risk.iter().map(|r| format!("{} of 5: {}", r.level, r.because.text())).collect());
    part("Summary", texts(&note.summary));
    part("Heard badly or not at all", note.caveats.clone());
    out.join("\n")
}

fn quotes(claim: &Claim) -> String {
    let said = claim.evidence().iter().filter_map(|e| match e {
        Evidence::Words { quote, .. } => Some(format!("\"{}\"", one_line(quote))),
        _ => None,
    });
    said.collect::<Vec<_>>().join(" / ")
}

/// Text from outside as one line: a title may hold anything.
fn one_line(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    line.trim().chars().take(900).collect()
}
