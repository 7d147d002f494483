//! Puts what was found into the lines a person reads: headline, summary, fields of the CRM, risk, caveats.

use reframe_call::date::Date;

use super::{
    central,
    reading::Reading,
    stage::{self, Slot},
    talk::{Span, Talk, UNSURE_BELOW},
    wording::Wording,
};
use crate::{
    artifact::{Claim, Evidence},
    handoff::{CallTranscript, Handling, Risk},
};

/// Sentences of a summary.
const SENTENCES: usize = 8;
/// Longest summary, in words: with the note's own lines it is read in half a minute.
const SUMMARY_WORDS: usize = 150;
/// Words up to which a summary is filled with the passages the call turned on.
const FILLED_WORDS: usize = 110;
/// Share of words heard badly from which the reader is told.
const BADLY_HEARD: f64 = 0.08;

/// A claim about a span that was found: it always has evidence.
pub fn claim(text: String, evidence: Vec<Evidence>, confidence: f32) -> Claim {
    Claim::new(text, evidence, confidence).expect("whatever a rule found has words")
}

/// A claim that says one span.
pub fn cite(wording: Wording<'_, '_>, text: String, span: &Span, confidence: f32) -> Claim {
    claim(text, vec![wording.talk.quote(span)], confidence * wording.talk.heard(span))
}

/// "Friday 13 March".
pub fn day(date: Date) -> String {
    let date: Option<jiff::civil::Date> = date.to_string().parse().ok();
    date.map_or_else(String::new, |d| d.strftime("%A %-d %B").to_string())
}

/// The call in a line: what was settled last, else when it goes on, else what hurts.
pub fn headline(wording: Wording<'_, '_>, found: &Reading) -> Option<Claim> {
    let settled = found.decisions.iter().max_by(|a, b| a.confidence.total_cmp(&b.confidence));
    let (lead, span, confidence) = if let Some(d) = settled {
        ("Agreed", &d.said, d.confidence)
    } else if let Some(n) = &found.next {
        return Some(cite(wording, format!("To be continued on {}.", day(n.day)), &n.said, n.confidence));
    } else if let Some(f) = found.fact(Slot::Need) {
        ("The need", &f.said, 0.6)
    } else {
        let o = found.objections.first()?;
        ("The sticking point", &o.raised, o.score)
    };
    Some(cite(wording, format!("{lead}, {}", wording.quoted(span)), span, confidence))
}

/// One paragraph of what was said, in the order it was said.
pub fn summary(wording: Wording<'_, '_>, found: &Reading) -> Vec<Claim> {
    let mut chosen: Vec<(Span, f32)> = Vec::new();
    let mut add = |span: &Span, confidence: f32| {
        let again = chosen.iter().any(|(s, _)| s.line == span.line && s.from < span.to && span.from < s.to);
        if !again {
            chosen.push((span.clone(), confidence));
        }
    };
    // In the order of what the reader would miss most; the two that follow one another are of different kinds.
    for slot in [Slot::Need, Slot::Authority, Slot::Timeline, Slot::Budget] {
        if let Some(f) = found.fact(slot) {
            add(&f.said, 0.7);
        }
    }
    if let Some(o) = found.objections.iter().find(|o| o.handling != Handling::Handled).or(found.objections.first()) {
        add(&o.raised, o.score);
    }
    for d in found.decisions.iter().rev().take(2) {
        add(&d.said, d.confidence);
    }
    if let Some(n) = &found.next {
        add(&n.said, n.confidence);
    }
    let dated = found.promises.iter().filter(|p| p.due.is_some());
    for p in dated {
        add(&p.spans[0], p.confidence);
    }
    if let Some(f) = found.fact(Slot::Competitor) {
        add(&f.said, 0.7);
    }
    let mut words = 0;
    chosen.retain(|(span, _)| {
        words += span.to - span.from;
        words <= SUMMARY_WORDS
    });
    chosen.truncate(SENTENCES);
    let have: Vec<Span> = chosen.iter().map(|(span, _)| span.clone()).collect();
    let said: usize = have.iter().map(|s| s.to - s.from).sum();
    let more = central::passages(wording.talk, wording.people, &have, FILLED_WORDS.saturating_sub(said));
    // Not what was promised or settled, only what it was about.
    chosen.extend(more.into_iter().take(SENTENCES - have.len()).map(|span| (span, 0.5)));
    chosen.sort_by(|a, b| a.0.cmp(&b.0));
    chosen.into_iter().map(|(span, c)| cite(wording, wording.quoted(&span), &span, c)).collect()
}

/// What the call says for the fields of the CRM: our names, the values, and the words for them.
pub fn fields(wording: Wording<'_, '_>, found: &Reading) -> Vec<(String, Claim)> {
    let mut fields = Vec::new();
    if let Some((name, facts)) = stage::infer(&found.facts) {
        let evidence = facts.iter().map(|f| wording.talk.quote(&f.said)).collect();
        fields.push(("stage".to_owned(), claim(name.to_owned(), evidence, 0.6)));
    }
    if let Some((date, span)) = &found.closes {
        fields.push(("close_date".to_owned(), cite(wording, date.to_string(), span, 0.7)));
    }
    if let Some(next) = &found.next {
        let step = wording.sentence(&next.said);
        fields.push((
            "next_step".to_owned(),
            cite(wording, format!("{}: {step}", next.day), &next.said, next.confidence),
        ));
        fields.push(("next_step_date".to_owned(), cite(wording, next.day.to_string(), &next.said, next.confidence)));
    }
    fields
}

/// How the deal stands. Points for what speaks against it, each with its words; the sentence names the heaviest.
pub fn risk(wording: Wording<'_, '_>, found: &Reading) -> Option<Risk> {
    let mut reasons: Vec<(u8, String, Span)> = Vec::new();
    let open: Vec<_> = found.objections.iter().filter(|o| o.handling != Handling::Handled).collect();
    if let Some(o) = open.iter().find(|o| o.handling == Handling::Open).or(open.last()) {
        let how = if o.handling == Handling::Open { "was passed over" } else { "was answered but not laid to rest" };
        let points = if open.len() > 2 { 2 } else { 1 };
        reasons.push((points, format!("An objection ({}) {how}", o.label.replace('_', " ")), o.raised.clone()));
    }
    if let Some(f) = found.fact(Slot::Competitor) {
        reasons.push((1, "They look at somebody else".to_owned(), f.said.clone()));
    }
    let tight = found.facts.iter().filter(|f| f.slot == Slot::Budget).find(|f| {
        wording
            .talk
            .words(&f.said)
            .iter()
            .any(|w| ["freeze", "no", "ain't", "isn't", "not", "frozen", "cut", "above"].contains(w))
    });
    if let Some(f) = tight {
        reasons.push((2, "The money is not there yet".to_owned(), f.said.clone()));
    }
    let theirs = found.promises.iter().filter(|p| p.side == reframe_call::audio::Party::Buyer).count();
    let good = u8::from(found.next.is_some()) + u8::from(theirs > 0);
    let bad: u8 = reasons.iter().map(|r| r.0).sum();
    // Two is where a deal stands of which nothing is known but that it is alive.
    let level = (2 + bad).saturating_sub(good).clamp(1, 5);
    reasons.sort_by_key(|r| std::cmp::Reverse(r.0));
    let (why, span) = match reasons.into_iter().next() {
        Some((_, why, span)) => {
            let eased = if good == 2 { "; the next step and the buyer's own promises speak for it" } else { "" };
            let alone = if found.next.is_none() { "; no next meeting was agreed" } else { "" };
            (format!("{why}{eased}{alone}."), span)
        }
        None => {
            let span = found
                .next
                .as_ref()
                .map(|n| n.said.clone())
                .or_else(|| found.decisions.last().map(|d| d.said.clone()))?;
            ("Nothing was left open, and it goes on.".to_owned(), span)
        }
    };
    Some(Risk { level, because: cite(wording, why, &span, 0.6) })
}

/// What the reader must know about how well the call was heard.
pub fn caveats(talk: &Talk<'_>, call: &CallTranscript, unsure: usize, recipients: usize) -> Vec<String> {
    let mut caveats = Vec::new();
    let words = call.turns.iter().flat_map(|t| &t.words);
    let (mut all, mut bad) = (0u32, 0u32);
    for word in words {
        all += 1;
        bad += u32::from(word.confidence < UNSURE_BELOW);
    }
    if all == 0 {
        caveats.push("No words were recognised, so no note can be drafted.".to_owned());
        return caveats;
    }
    if call.missing_ms >= 1_000 {
        caveats.push(format!("{} s of sound are missing; what was said in them is not here.", call.missing_ms / 1_000));
    }
    let share = f64::from(bad) / f64::from(all);
    if share >= BADLY_HEARD {
        let percent = share * 100.0;
        caveats.push(format!(
            "{percent:.0} % of the words were heard badly; numbers, names and dates among them are marked."
        ));
    }
    if unsure > 0 {
        caveats.push(format!("{unsure} of the commitments hang on a word that was heard badly; listen to them again."));
    }
    if talk.lines.iter().any(|l| l.side == reframe_call::audio::Party::Unknown) {
        caveats.push(
            "Of somebody on the call it is not known whose side they are on; their promises are not listed.".to_owned(),
        );
    }
    if recipients == 0 {
        caveats.push(
            "No e-mail address of the buyer is known: the follow-up will not be put among your drafts.".to_owned(),
        );
    }
    caveats
}
