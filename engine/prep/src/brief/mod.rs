//! The brief before a meeting: seven parts, each line a claim with what it rests on, an empty part with what would fill it.
//!
//! A line is only made from what it cites: take a call, a mail, a signal, a record or a play away, and every line that rested
//! on it is gone. A brief aims at 400 words and never has more than 900, so it is read in well under five minutes.

mod parts;
mod render;
#[cfg(test)]
mod tests;

use jiff::Zoned;
use reframe_call::{date::Date, playbook::Playbook};
use reframe_workflow::{
    artifact::{Claim, Digest, Evidence, canonical},
    handoff::{Brief, CallTranscript, Handling, LikelyObjection, Meeting, NoteProposal},
    hygiene::{DealView, Rules},
    system::Record,
};

pub use self::render::{json, markdown, shorten, words};
use crate::{
    arm::{self, Names},
    contradiction::{self, Contradiction},
    objections::{self, EarlierCall, History, LISTED, Likely, Outlook, Raised, Reason, Weights},
    questions::{self, Gap, Known},
    wording::{first_words, spoken},
};

/// Words a brief aims at (item 53 of the requirements).
pub const TARGET_WORDS: usize = 400;
/// Words it never exceeds.
pub const MAX_WORDS: usize = 900;
/// Its parts, in the order they are read (item 52).
pub const PARTS: [&str; 7] = [
    "account",
    "contact",
    "prior conversation",
    "likely objections",
    "discovery questions",
    "talk track",
    "next-step targets",
];

/// Something that was received or published: a mail, news, a passage that was pasted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Item {
    /// Our name of it: `mail/…`, `signal/…`, `fact/…`.
    pub item: String,
    /// When it was received or published, in ms since 1970-01-01 UTC.
    pub at_unix_ms: i64,
    /// Where it can be looked at.
    pub url: Option<String>,
    /// Who wrote it: an address or a name; empty: nobody in particular.
    pub from: String,
    /// Its text.
    pub text: String,
}

/// Everything a brief is made from. All but the meeting may be missing.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The meeting.
    pub meeting: &'a Meeting,
    /// The deal as it is reviewed at night.
    pub deal: Option<&'a DealView>,
    /// The account.
    pub company: Option<&'a Record>,
    /// People of the buyer's.
    pub contacts: &'a [Record],
    /// When the records were read, in ms since 1970-01-01 UTC.
    pub read_unix_ms: i64,
    /// The deal's calls, in any order.
    pub calls: &'a [CallTranscript],
    /// Their notes, in any order.
    pub notes: &'a [NoteProposal],
    /// Mails of the deal, in any order.
    pub mails: &'a [Item],
    /// News and facts about the account, in any order.
    pub signals: &'a [Item],
    /// Rules of the stages.
    pub rules: Option<&'a Rules>,
    /// Cards that are approved.
    pub playbook: Option<&'a Playbook>,
    /// When they came into force, in ms since 1970-01-01 UTC.
    pub playbook_unix_ms: i64,
    /// The team's past calls.
    pub history: &'a History,
    /// Segment of the account; empty: not known.
    pub segment: &'a str,
}

/// What was worked out before any line is written.
struct Worked<'a> {
    input: Input<'a>,
    now: &'a Zoned,
    /// Notes, the latest call's first.
    notes: Vec<&'a NoteProposal>,
    contradictions: Vec<Contradiction>,
    gaps: Vec<Gap>,
    likely: Vec<LikelyObjection>,
    questions: Vec<reframe_workflow::handoff::AimedQuestion>,
}

/// Evidence for words of a meeting's entry in the calendar.
#[must_use]
pub fn cite_meeting(meeting: &Meeting, quote: &str) -> Evidence {
    Evidence::Source {
        item: format!("meeting/{}", meeting.event),
        url: None,
        quote: quote.to_owned(),
        at_unix_ms: meeting.start_unix_ms,
    }
}

/// Name and text of a meeting's entry in the calendar, as [`cite_meeting`] cites it: title, who is invited, place.
#[must_use]
pub fn entry(meeting: &Meeting) -> (String, String) {
    let lines = std::iter::once(&meeting.title).chain(&meeting.invited).chain(&meeting.location);
    (format!("meeting/{}", meeting.event), lines.map(String::as_str).collect::<Vec<_>>().join("\n"))
}

/// Makes the brief.
#[must_use]
pub fn make(input: Input<'_>, now: &Zoned) -> Brief {
    let worked = work(input, now);
    let mut brief = Brief {
        event: input.meeting.event.clone(),
        start_unix_ms: input.meeting.start_unix_ms,
        made_unix_ms: now.timestamp().as_millisecond(),
        facts: facts(input),
        ..Brief::default()
    };
    for (name, (claims, fill)) in PARTS.iter().zip(parts::all(&worked)) {
        if claims.is_empty() {
            brief.empty.push(((*name).to_owned(), fill.to_owned()));
        }
        brief.parts.push(((*name).to_owned(), claims));
    }
    shorten(&mut brief, MAX_WORDS);
    let plays = worked.likely.iter().filter_map(|l| l.play.clone()).collect();
    let absent = worked.notes.iter().flat_map(|n| &n.absent);
    let spoken_of: Vec<String> = absent
        .filter(|claim| !claim.text().starts_with('['))
        .filter_map(|claim| claim.text().split(" (").next().map(str::to_owned))
        .collect();
    let names = Names {
        contacts: input.contacts,
        spoken_of: &spoken_of,
        company: input.company,
        deal: input.deal.map(|d| &d.deal),
        others: &[],
    };
    brief.arm = Some(arm::arm(names, input.playbook, plays));
    brief.objections = worked.likely;
    brief.questions = worked.questions;
    brief
}

fn work<'a>(input: Input<'a>, now: &'a Zoned) -> Worked<'a> {
    let began = |call: &str| input.calls.iter().find(|c| c.call == call).map_or(i64::MIN, |c| c.started_unix_ms);
    let mut notes: Vec<&NoteProposal> = input.notes.iter().collect();
    notes.sort_by(|a, b| (began(&b.call), &b.call).cmp(&(began(&a.call), &a.call)));
    let contradictions = contradiction::in_calls(input.calls);
    let in_time: Vec<NoteProposal> = notes.iter().rev().map(|n| (*n).clone()).collect();
    let known = Known {
        deal: input.deal,
        rules: input.rules,
        meeting: Some(input.meeting),
        contacts: input.contacts,
        notes: &in_time,
        contradictions: &contradictions,
    };
    let gaps = questions::gaps(known, now);
    let questions = questions::aimed(&gaps, input.calls);
    let likely = likely(input, &in_time);
    Worked { input, now, notes, contradictions, gaps, likely, questions }
}

/// What is still open, in words, with what it rests on: promises and tasks that are not done.
fn open_points(input: Input<'_>, notes: &[NoteProposal]) -> Vec<(String, Vec<Evidence>)> {
    let promised = notes.last().into_iter().flat_map(|n| &n.commitments);
    let mut out: Vec<(String, Vec<Evidence>)> =
        promised.map(|c| (c.what.text().to_owned(), c.what.evidence().to_vec())).collect();
    for task in input.deal.into_iter().flat_map(|d| &d.tasks) {
        let done = task
            .field("status")
            .is_some_and(|s| ["done", "completed", "closed", "cancelled"].contains(&s.to_lowercase().as_str()));
        if let Some(subject) = task.field("subject").filter(|_| !done) {
            out.push((subject.to_owned(), vec![cite(input, task, "subject")]));
        }
    }
    out
}

/// The first five, each with what it rests on and the play that answers it. What rests on nothing that can be shown is left
/// out.
fn likely(input: Input<'_>, notes: &[NoteProposal]) -> Vec<LikelyObjection> {
    let stage = input.deal.and_then(|d| d.deal.field("stage")).unwrap_or_default();
    let company = |field: &str| input.company.and_then(|c| c.field(field)).unwrap_or_default();
    let earlier: Vec<EarlierCall> = notes
        .iter()
        .enumerate()
        .map(|(n, note)| EarlierCall {
            call: note.call.clone(),
            day: format!("{n:06}"),
            objections: note
                .objections
                .iter()
                .map(|o| Raised {
                    class: o.label.clone(),
                    handled: o.handling == Handling::Handled,
                    words: o.raised.text().to_owned(),
                })
                .collect(),
            notes: note.note.topics.iter().map(|t| t.text().to_owned()).collect(),
        })
        .collect();
    let open = open_points(input, notes);
    let open_texts: Vec<String> = open.iter().map(|(text, _)| text.clone()).collect();
    let outlook = Outlook {
        stage,
        segment: input.segment,
        industry: company("industry"),
        earlier: &earlier,
        open_points: &open_texts,
    };
    let ranked = objections::rank(input.history, outlook, &Weights::default());
    ranked.into_iter().filter_map(|l| because(input, notes, &open, stage, &l)).take(LISTED).collect()
}

fn because(
    input: Input<'_>,
    notes: &[NoteProposal],
    open: &[(String, Vec<Evidence>)],
    stage: &str,
    likely: &Likely,
) -> Option<LikelyObjection> {
    let raised: Vec<Evidence> = notes
        .iter()
        .rev()
        .flat_map(|n| &n.objections)
        .filter(|o| o.label == likely.label)
        .take(2)
        .flat_map(|o| o.raised.evidence().to_vec())
        .collect();
    let mut why = Vec::new();
    let mut evidence = Vec::new();
    for reason in &likely.why {
        match reason {
            Reason::Unhandled(calls) => {
                why.push(format!("raised in {} and left open", times(calls.len())));
                evidence.extend(raised.iter().cloned());
            }
            Reason::Handled(calls) => {
                why.push(format!("raised in {} and answered", times(calls.len())));
                evidence.extend(raised.iter().cloned());
            }
            Reason::OpenPoint(text) => {
                if let Some((_, shown)) = open.iter().find(|(t, _)| t == text) {
                    why.push(format!("open: {}", first_words(text, 8)));
                    evidence.extend(shown.iter().cloned());
                }
            }
            Reason::Note { call, text } => {
                let note = notes.iter().find(|n| n.call == *call);
                if let Some(claim) = note.and_then(|n| n.note.topics.iter().find(|t| t.text() == text)) {
                    why.push("spoken of".to_owned());
                    evidence.extend(claim.evidence().iter().cloned());
                }
            }
            Reason::AtStage { .. } | Reason::Overall { .. } => {
                let text = history_line(&likely.label, stage, reason);
                evidence.push(Evidence::Source {
                    item: history_item(&text),
                    url: None,
                    quote: text.clone(),
                    at_unix_ms: input.read_unix_ms,
                });
                why.push(text);
            }
        }
    }
    why.truncate(2);
    evidence.dedup();
    #[allow(clippy::cast_possible_truncation, reason = "a share needs no more digits")]
    let likelihood = likely.likelihood as f32;
    let text = format!("{} ({:.0} %): {}", spoken(&likely.label), likely.likelihood * 100.0, why.join("; "));
    let because = Claim::new(text, evidence, likelihood).ok()?;
    let play = input.playbook.and_then(|p| objections::play_for(p, input.history, &likely.label)).map(|p| p.id.clone());
    Some(LikelyObjection { label: likely.label.clone(), likelihood, play, because })
}

fn times(n: usize) -> String {
    if n == 1 { "one call".to_owned() } else { format!("{n} calls") }
}

fn history_line(label: &str, stage: &str, reason: &Reason) -> String {
    match reason {
        Reason::AtStage { with, of } => format!("{} came up in {with} of our {of} calls in {stage}", spoken(label)),
        Reason::Overall { with, of } => format!("{} came up in {with} of our {of} calls", spoken(label)),
        _ => String::new(),
    }
}

/// Name of a line of the team's history, `history/DIGEST`: its words decide it, so that a citation of it can be checked by
/// itself.
#[must_use]
pub fn history_item(line: &str) -> String {
    format!("history/{}", &Digest::of(line.as_bytes()).as_str()[..12])
}

/// Evidence for a field of a record as it was read.
fn cite(input: Input<'_>, record: &Record, field: &str) -> Evidence {
    Evidence::Field {
        record: record.at.clone(),
        field: field.to_owned(),
        value: record.field(field).map(str::to_owned),
        read_unix_ms: input.read_unix_ms,
    }
}

/// Evidence for a line of a play.
fn cite_play(input: Input<'_>, play: &str, quote: &str) -> Evidence {
    Evidence::Source {
        item: format!("play/{play}"),
        url: None,
        quote: quote.to_owned(),
        at_unix_ms: input.playbook_unix_ms,
    }
}

/// Name and text of everything a brief may cite that is neither call nor record: mails, signals, plays, the meeting's entry
/// and lines of the team's history. What [`reframe_workflow::verify::check`] is given as `items`.
#[must_use]
pub fn sources(input: Input<'_>, brief: &Brief) -> Vec<(String, String)> {
    let mut out: Vec<(String, String)> =
        input.mails.iter().chain(input.signals).map(|i| (i.item.clone(), i.text.clone())).collect();
    out.push(entry(input.meeting));
    for play in input.playbook.into_iter().flat_map(|p| &p.plays) {
        let card = &play.card;
        let mut text = vec![card.title.clone()];
        text.extend(card.say.iter().cloned());
        text.extend(card.ask.clone());
        text.extend(card.proofs.iter().map(|p| p.text.clone()));
        out.push((format!("play/{}", play.id), text.join("\n")));
    }
    // The history is counted, not kept as text: its lines are made again, and must come out the same.
    let stage = input.deal.and_then(|d| d.deal.field("stage")).unwrap_or_default();
    for likely in &brief.objections {
        let (of, with) = input.history.at_stage(stage, &likely.label);
        let lines = [
            history_line(&likely.label, stage, &Reason::AtStage { with, of }),
            history_line(
                &likely.label,
                stage,
                &Reason::Overall { with: input.history.with(&likely.label), of: input.history.calls() },
            ),
        ];
        out.extend(lines.into_iter().map(|line| (history_item(&line), line)));
    }
    out
}

/// Digest of all that a brief is made from. Another one means that the last brief is out of date; when the records were
/// read, and in which order things are given, does not matter.
#[must_use]
pub fn facts(input: Input<'_>) -> String {
    let mut things: Vec<Vec<u8>> = Vec::new();
    let m = input.meeting;
    things.push(canonical(&(&m.event, &m.title, &m.invited, &m.location, &m.url)));
    if let Some(d) = input.deal {
        things.push(canonical(&(&d.deal.at, &d.deal.fields)));
        things.extend(d.tasks.iter().chain(&d.contacts).map(|r| canonical(&(&r.at, &r.fields))));
    }
    things.extend(input.company.iter().map(|r| canonical(&(&r.at, &r.fields))));
    things.extend(input.contacts.iter().map(|r| canonical(&(&r.at, &r.fields))));
    // The words of a call never change but by being taken back.
    things.extend(
        input.calls.iter().map(|c| canonical(&(&c.call, c.turns.iter().map(|t| t.words.len()).collect::<Vec<_>>()))),
    );
    things.extend(input.notes.iter().map(canonical));
    things.extend(input.mails.iter().chain(input.signals).map(|i| canonical(&(&i.item, &i.text))));
    things.extend(input.playbook.map(|p| canonical(&p.id())));
    things.push(canonical(&(input.history.calls(), input.segment)));
    things.sort();
    things.dedup();
    Digest::of(&things.join(&b'\n')).to_string()
}

/// "3 March".
fn day(unix_ms: i64, now: &Zoned) -> String {
    let at = jiff::Timestamp::from_millisecond(unix_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.to_zoned(now.time_zone().clone()).strftime("%-d %B").to_string()
}

/// The same of a day.
fn date(day: Date) -> String {
    let day: Option<jiff::civil::Date> = day.to_string().parse().ok();
    day.map_or_else(String::new, |d| d.strftime("%-d %B").to_string())
}
