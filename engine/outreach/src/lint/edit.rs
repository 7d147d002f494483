//! A draft that a person changed: its words are held against the same as they were when it was written.

use reframe_workflow::{gate::Mail, handoff::Draft};

use super::{Candidate, Channel, Fault, Language, lint};
use crate::voice::Voice;

/// The line between a message and what stands below the name (RFC 3676, 4.3).
const LINE: &str = "-- ";

/// The text with what stands below it.
pub(super) fn whole(text: &str, footer: &str) -> String {
    format!("{}\n\n{LINE}\n{footer}", text.trim_end())
}

/// Why a changed message is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadEdit {
    /// It would go to somebody else, whose address nobody vouched for.
    #[error("it may not go to anybody else; make a draft for them: reframe outreach draft")]
    Recipient,
    /// What the law wants below the name was changed.
    #[error("what stands below the name may not change: who writes, from where, and how to stop it")]
    Footer,
    /// Nobody knows any more what it may say.
    #[error("this draft does not say what it was held against; reject it and draft it anew")]
    NoGrounds,
    /// It breaks rules.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Faults(Vec<Fault>),
}

/// The message as it would go out after an edit: the lines below the name are put back where they were left out.
///
/// # Errors
/// [`BadEdit`], with every rule it breaks.
pub fn edited(draft: &Draft, mail: &Mail, voice: &Voice) -> Result<Mail, BadEdit> {
    let grounds = draft.grounds.as_ref().ok_or(BadEdit::NoGrounds)?;
    if mail.to != draft.mail.to || mail.cc != draft.mail.cc || mail.unsubscribe != draft.mail.unsubscribe {
        return Err(BadEdit::Recipient);
    }
    let lines: Vec<&str> = mail.body.lines().collect();
    let cut = lines.iter().rposition(|l| l.trim() == LINE.trim());
    let text = match cut {
        // A terminal takes blanks at the ends of lines away, and that is no change.
        Some(at) if !same(&lines[at + 1..], &grounds.footer) => return Err(BadEdit::Footer),
        Some(at) => lines[..at].join("\n"),
        None => mail.body.clone(),
    };
    let candidate = Candidate {
        channel: Channel::Email,
        language: draft.language.as_deref().and_then(Language::of).unwrap_or_default(),
        seller_first_name: grounds.seller.clone(),
        contact_first_name: grounds.contact.clone(),
        signal: grounds.signal.clone(),
        facts: grounds.facts.clone(),
        subject: mail.subject.clone(),
        body: text.trim_end().to_owned(),
        in_thread: false,
    };
    let linted = lint(candidate, voice).map_err(BadEdit::Faults)?;
    let candidate = linted.candidate();
    Ok(Mail {
        subject: candidate.subject.trim().to_owned(),
        body: whole(&candidate.body, &grounds.footer),
        ..mail.clone()
    })
}

fn same(lines: &[&str], footer: &str) -> bool {
    let trimmed = |lines: &mut dyn Iterator<Item = &str>| -> Vec<String> {
        lines.map(|l| l.trim().to_owned()).filter(|l| !l.is_empty()).collect()
    };
    trimmed(&mut lines.iter().copied()) == trimmed(&mut footer.lines())
}
