//! The seven parts, line by line.

use reframe_workflow::{
    artifact::{Claim, Evidence},
    handoff::NoteProposal,
    system::Record,
};

use super::{Item, Worked, cite, cite_meeting, cite_play, date, day};
use crate::wording::{count, first_words, same_thing, spoken};

/// Words of each part; together the target. A part may be longer by its last line.
const BUDGETS: [usize; 7] = [60, 45, 85, 80, 60, 40, 30];
/// Longest line, in words.
const LINE_WORDS: usize = 40;
/// Questions and objections that are shown.
const SHOWN: usize = 5;

/// Lines of each part, and what would fill it if it is empty.
pub fn all(w: &Worked<'_>) -> [(Vec<Claim>, &'static str); 7] {
    let parts = [
        (account(w), "link the meeting to a deal or an account, or import news about the company"),
        (contact(w), "add the people who are invited to the CRM, or invite them in the calendar"),
        (prior(w), "no call, mail or note of this deal is known: record a call, or paste the mail thread"),
        (objections(w), "calls of this deal or of the team in which objections were raised"),
        (questions(w), "rules of the stages (stages.toml) and a deal with a stage: gaps come from there"),
        (talk_track(w), "a note of an earlier call, or a playbook with cards for what is likely to come up"),
        (next_steps(w), "a deal with a stage, or promises made in a call"),
    ];
    let mut budgets = BUDGETS.into_iter();
    parts.map(|(claims, fill)| (fitting(claims, budgets.next().unwrap_or(0)), fill))
}

/// As many lines as fit, the first in any case.
fn fitting(claims: Vec<Claim>, words: usize) -> Vec<Claim> {
    let mut used = 0;
    let short = claims.into_iter().map(|c| c.reworded(first_words(c.text(), LINE_WORDS)));
    short
        .take_while(|c| {
            let fits = used == 0 || used + count(c.text()) <= words;
            used += count(c.text());
            fits
        })
        .collect()
}

fn claim(text: String, evidence: Vec<Evidence>, confidence: f32) -> Option<Claim> {
    Claim::new(text, evidence, confidence).ok()
}

/// Fields of a record that say something, as "label value", with what they rest on.
fn fields(w: &Worked<'_>, record: &Record, names: &[(&str, &str)]) -> (Vec<String>, Vec<Evidence>) {
    let said = names.iter().filter_map(|(field, label)| {
        let value = record.field(field).filter(|v| !v.trim().is_empty())?;
        Some((format!("{label}{}", value.trim()), cite(w.input, record, field)))
    });
    said.unzip()
}

fn account(w: &Worked<'_>) -> Vec<Claim> {
    let mut out = Vec::new();
    if let Some(company) = w.input.company {
        let names = [("name", ""), ("industry", ""), ("employees", "employees: "), ("country", ""), ("segment", "")];
        let (texts, evidence) = fields(w, company, &names);
        out.extend(claim(texts.join(", "), evidence, 1.0));
    }
    if let Some(view) = w.input.deal {
        let names = [
            ("name", "Deal: "),
            ("stage", "stage "),
            ("amount", "worth "),
            ("close_date", "to close "),
            ("competitor", "against "),
        ];
        let (texts, evidence) = fields(w, &view.deal, &names);
        out.extend(claim(texts.join(", "), evidence, 1.0));
    }
    let mut news: Vec<&Item> = w.input.signals.iter().collect();
    news.sort_by(|a, b| (b.at_unix_ms, &a.item).cmp(&(a.at_unix_ms, &b.item)));
    for item in news.into_iter().take(3) {
        out.extend(said_by(item, |quote| format!("{}: {quote}", day(item.at_unix_ms, w.now))));
    }
    out
}

/// The first line of an item that says something, as a claim.
fn said_by(item: &Item, text: impl Fn(&str) -> String) -> Option<Claim> {
    let line = item.text.lines().map(str::trim).find(|l| l.split_whitespace().count() >= 3)?;
    // A sentence, or as much of it as can be read: always a piece of the text as it stands.
    let end = line.char_indices().filter(|(_, c)| c.is_whitespace()).map(|(i, _)| i).nth(24).unwrap_or(line.len());
    let quote = line[..end].trim_end();
    let evidence = Evidence::Source {
        item: item.item.clone(),
        url: item.url.clone(),
        quote: quote.to_owned(),
        at_unix_ms: item.at_unix_ms,
    };
    claim(text(quote), vec![evidence], 0.9)
}

fn contact(w: &Worked<'_>) -> Vec<Claim> {
    let invited = |record: &&Record| {
        record.field("email").is_some_and(|e| w.input.meeting.invited.iter().any(|i| i.eq_ignore_ascii_case(e)))
    };
    let mut out = Vec::new();
    let shown = |record: &Record, lead: &str| {
        let names = [("name", lead), ("title", ""), ("role", "role: ")];
        let (texts, evidence) = fields(w, record, &names);
        claim(spoken(&texts.join(", ")), evidence, 1.0)
    };
    for record in w.input.contacts.iter().filter(invited) {
        out.extend(shown(record, ""));
    }
    for address in &w.input.meeting.invited {
        let known = w.input.contacts.iter().any(|c| c.field("email").is_some_and(|e| e.eq_ignore_ascii_case(address)));
        let ours = w.input.meeting.organizer.as_deref().and_then(|o| o.rsplit_once('@'));
        let own = ours.is_some_and(|(_, domain)| address.ends_with(&format!("@{domain}")));
        if !known && !own {
            let text = format!("{address} is invited and in no record.");
            out.extend(claim(text, vec![cite_meeting(w.input.meeting, address)], 1.0));
        }
    }
    let deciding =
        |c: &&Record| c.field("role").is_some_and(|r| ["economic_buyer", "champion", "blocker"].contains(&r));
    for record in w.input.contacts.iter().filter(|c| !invited(c)).filter(deciding) {
        out.extend(shown(record, "Not invited: "));
    }
    out
}

fn prior(w: &Worked<'_>) -> Vec<Claim> {
    let mut out: Vec<Claim> = Vec::new();
    if let Some(last) = w.notes.first() {
        out.extend(last.note.headline.iter().map(|h| h.reworded(format!("Last call: {}", h.text()))));
        out.extend(last.summary.iter().take(2).cloned());
    }
    out.extend(w.contradictions.iter().take(3).map(|c| c.claim.clone()));
    for note in w.notes.iter().take(2) {
        out.extend(promised(note));
    }
    let mut mails: Vec<&Item> = w.input.mails.iter().collect();
    mails.sort_by(|a, b| (b.at_unix_ms, &a.item).cmp(&(a.at_unix_ms, &b.item)));
    if let Some(mail) = mails.first() {
        let line =
            said_by(mail, |quote| format!("{} wrote on {}: \"{quote}\"", mail.from, day(mail.at_unix_ms, w.now)));
        // The last mail is newer than what was promised before it.
        let at = out.len().min(1);
        out.splice(at..at, line);
    }
    out
}

/// Promises of a note, both sides'.
fn promised(note: &NoteProposal) -> impl Iterator<Item = Claim> + '_ {
    note.commitments.iter().map(|c| {
        let side = if c.owner.side == "buyer" { "They" } else { "We" };
        let who = c.owner.name.as_deref().unwrap_or(side);
        let due = c.due.map_or_else(String::new, |d| format!(", due {}", date(d)));
        c.what.reworded(format!("{who} promised: {}{due}", c.what.text()))
    })
}

fn objections(w: &Worked<'_>) -> Vec<Claim> {
    let shown = w.likely.iter().take(SHOWN).filter_map(|l| {
        let mut evidence = l.because.evidence().to_vec();
        let mut text = l.because.text().to_owned();
        let play = l.play.as_deref().and_then(|id| w.input.playbook?.play(id));
        if let Some((play, line)) = play.and_then(|p| Some((p, p.card.say.first()?))) {
            text.push_str(&format!(". Say: \"{line}\""));
            evidence.push(cite_play(w.input, &play.id, line));
        }
        claim(text, evidence, l.likelihood)
    });
    shown.collect()
}

fn questions(w: &Worked<'_>) -> Vec<Claim> {
    w.questions.iter().take(SHOWN).map(|q| q.ask.clone()).collect()
}

fn talk_track(w: &Worked<'_>) -> Vec<Claim> {
    let mut out = Vec::new();
    // Begin with their own words.
    let own =
        w.notes.iter().find_map(|n| n.summary.first().or(n.note.headline.as_ref()).or_else(|| n.note.topics.first()));
    out.extend(own.map(|c| c.reworded(format!("Begin with what was said: {}", c.text()))));
    let today = reframe_call::date::Date::new(
        u16::try_from(w.now.year()).unwrap_or(1),
        u8::try_from(w.now.month()).unwrap_or(1),
        u8::try_from(w.now.day()).unwrap_or(1),
    );
    for likely in w.likely.iter().take(2) {
        let Some(play) = likely.play.as_deref().and_then(|id| w.input.playbook?.play(id)) else { continue };
        if let Some(proof) = play.card.proof_on(today) {
            let text = format!("On {}: {}", spoken(&likely.label), proof.text);
            out.extend(claim(text, vec![cite_play(w.input, &play.id, &proof.text)], 0.9));
        }
        if let Some(ask) = &play.card.ask {
            let text = format!("If {} comes up, ask: {ask}", spoken(&likely.label));
            out.extend(claim(text, vec![cite_play(w.input, &play.id, ask)], 0.9));
        }
    }
    out
}

fn next_steps(w: &Worked<'_>) -> Vec<Claim> {
    let mut out: Vec<Claim> = Vec::new();
    let exits = w.gaps.iter().filter(|g| g.id.starts_with("exit/")).take(3);
    let names: Vec<(String, &[Evidence])> =
        exits.map(|g| (spoken(g.id.trim_start_matches("exit/")), g.evidence.as_slice())).collect();
    if !names.is_empty() {
        let what = names.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
        let mut evidence: Vec<Evidence> = names.iter().flat_map(|(_, e)| e.to_vec()).collect();
        evidence.dedup();
        out.extend(claim(format!("Leave with: {what}."), evidence, 0.9));
    }
    if let Some(view) = w.input.deal {
        let (texts, evidence) = fields(w, &view.deal, &[("next_step", "On record: "), ("next_step_date", "by ")]);
        out.extend(claim(texts.join(", "), evidence, 1.0));
    }
    let theirs = w.notes.iter().take(1).flat_map(|n| &n.commitments).filter(|c| c.owner.side == "buyer");
    for c in theirs.take(2) {
        if !out.iter().any(|o| same_thing(o.text(), c.what.text())) {
            out.push(c.what.reworded(format!("Ask for what they promised: {}", c.what.text())));
        }
    }
    out
}
