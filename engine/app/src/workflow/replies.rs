//! Answers to what was sent: read, kept, put before a person in time; a wish for no more messages counts at once.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use anyhow::{Context as _, bail};
use reframe_call::detect::semantic::SentenceEncoder;
use reframe_connect::message::{self, Message};
use reframe_outreach::{
    reply::{Answered, Class, Handling, Reading, Received, Route, Suppression, Wish, classify, handle},
    sequence::Happened,
};
use reframe_policy::{
    Channel,
    ledger::{PersonKey, Reason, Subject, What},
};
use reframe_store::{Item, ItemKind};
use reframe_workflow::{
    artifact::{ArtifactId, Claim, Digest, Evidence},
    audit::Actor,
    gate::{Action, Proposal, Seen},
    outbox::Inbox as _,
    system::{Record, RecordKind, RecordRef},
};
use serde_json::json;

use super::{known_contact::keys_of, office::Office, outreach::KeptSequence, signals::ContactAt};
use crate::sentences;

/// Largest mail that is read, in bytes: the limit of most mailboxes.
pub const MOST_BYTES: usize = 25 << 20;
/// Headers that are looked at, at most.
const MOST_HEADERS: usize = 500;
/// Longest text of a mail that is kept, in characters.
const MOST_CHARS: usize = 20_000;

/// What was made of an answer.
#[derive(Debug)]
pub struct Replied {
    /// Under which name it is kept.
    pub item: String,
    /// Address that wrote, or that a returned mail was to.
    pub address: String,
    /// What it means.
    pub reading: Reading,
    /// Who sees it by when, and why.
    pub handling: Handling,
    /// What a person is asked to approve.
    pub proposals: Vec<Proposal>,
    /// Whether they are suppressed by it.
    pub suppressed: bool,
    /// How the sequence stands after it: `over: replied`, nothing if there is none.
    pub sequence: Option<String>,
    /// What a person should know.
    pub notes: Vec<String>,
}

impl Office {
    /// Takes in a mail that came. Harmless to repeat.
    ///
    /// # Errors
    /// If it is no mail, or the store or the CRM cannot be used. A wish for no more messages is on record before the CRM
    /// is asked.
    pub fn take_reply(&self, bytes: &[u8]) -> anyhow::Result<Replied> {
        if bytes.len() > MOST_BYTES {
            bail!("{} bytes are more than {MOST_BYTES}; this is no answer to a message", bytes.len());
        }
        let mail = message::read(bytes).context("this is no mail; give the message as it came, with its headers")?;
        let headers = headers(bytes);
        let now = (self.clock)();
        // A date that is ahead, or missing, is not believed.
        let at = mail.date_unix_ms.filter(|at| (0..=now).contains(at)).unwrap_or(now);
        let from = mail.from.clone().context("the mail does not say who wrote it; it has no From")?;
        let received = Received { subject: mail.subject.clone(), body: mail.body.clone(), headers: headers.clone() };
        let today = self.zoned(at)?.date();
        let mut reading = classify(&received, today, encoder());
        // What is cited has to stand in what is kept.
        let kept = mail_text(&mail.subject, &clipped(&mail.body));
        if reading.quote.trim().is_empty() || !kept.contains(&reading.quote) {
            let own = mail.body.lines().chain(mail.subject.lines()).map(str::trim).find(|l| !l.is_empty());
            reading.quote = own.unwrap_or_default().chars().take(200).collect::<String>().trim_end().to_owned();
        }
        let bounced = reading.class == Class::Bounce;
        let answered = mail.in_reply_to.as_deref().map(|id| self.sequence_of_message(id)).transpose()?.flatten();
        // A returned mail comes from a machine; it is about who did not get it.
        let failed = header(&headers, "x-failed-recipients").and_then(|v| v.split(',').next());
        let failed = failed.map(|v| v.trim().trim_matches(['<', '>']).to_owned());
        let about =
            if bounced { failed.or_else(|| answered.as_ref().map(|k| k.address.clone())) } else { Some(from.clone()) };
        let item = self.keep_mail(&mail, &from, at, bytes, &reading, answered.as_ref())?;
        let mut notes = Vec::new();
        let Some(address) = about else {
            notes.push("whom it did not reach cannot be told; suppress the address by hand".to_owned());
            let handling = self.handling(&reading, &from, &item, at, None, None)?;
            let (suppressed, sequence, proposals) = (false, None, vec![]);
            return Ok(Replied { item, address: from, reading, handling, proposals, suppressed, sequence, notes });
        };
        let key = PersonKey::new(&address).context("the address of who wrote cannot be read")?;
        let early = self.handling(&reading, &address, &item, at, None, answered.as_ref())?;
        // Before anything else: what they ask for must hold even if all that follows fails.
        let suppressed = self.note_reply(&key, &reading, early.suppression.as_ref(), at)?;
        let sequence = self.go_on(&key, &address, &reading, at, answered)?;
        let market = self.market(&[])?;
        let contact = market.contacts.iter().find(|c| c.email().is_some_and(|e| e.eq_ignore_ascii_case(&address)));
        if let Some(contact) = contact.filter(|_| !bounced) {
            // One under their profile or number hears of it too.
            let others: Vec<PersonKey> = keys_of(&contact.record).into_iter().filter(|k| *k != key).collect();
            self.tell_sequences(&others, &happened(&reading, true, at))?;
        }
        let handling = self.handling(&reading, &address, &item, at, contact, sequence.as_ref())?;
        let mut proposals: Vec<Proposal> = handling.proposal.clone().into_iter().collect();
        match (&handling.route, contact) {
            (Route::Person { by_unix_ms }, Some(contact)) => {
                let task = self.task(&reading, contact, &item, at, *by_unix_ms, sequence.as_ref())?;
                if task.is_none() {
                    notes.push("the answer has no words that could be cited; look at it in the mailbox".to_owned());
                }
                proposals.extend(task);
            }
            (Route::Person { .. }, None) => {
                notes.push(format!("{address} is no contact in the CRM, so no task is proposed"))
            }
            (Route::LowStakes, _) => {}
        }
        proposals.retain(|p| p.action.check().is_ok());
        self.store.put_proposals(&proposals, &Actor::service("outreach"), now)?;
        let sequence = sequence.map(|kept| match &kept.sequence.stopped {
            Some(why) => format!("over: {}", why.in_words()),
            None => format!("goes on after {} messages", kept.sequence.sent),
        });
        Ok(Replied { item, address, reading, handling, proposals, suppressed, sequence, notes })
    }

    /// Suppresses who a wish for no more messages came from by its address (`List-Unsubscribe-Post`).
    ///
    /// # Errors
    /// If nobody has this token, or the store cannot be used.
    pub fn take_stop(&self, token: &str) -> anyhow::Result<String> {
        let found = self.sequence_where(|kept| kept.is_stopped_by(token.trim()))?;
        let mut kept = found.context("no message had this at its end")?;
        let key = PersonKey::new(&kept.address)?;
        let now = (self.clock)();
        self.suppress(&key, Reason::Unsubscribe, now)?;
        let what = Happened::Reply {
            class: Class::Unsubscribe,
            brief: false,
            slow_down: false,
            back_on: None,
            at_unix_ms: now,
        };
        kept.sequence.happened(&what);
        self.keep_sequence(&key, &kept)?;
        Ok(kept.address)
    }

    fn keep_mail(
        &self,
        mail: &Message,
        from: &str,
        at: i64,
        bytes: &[u8],
        reading: &Reading,
        answered: Option<&KeptSequence>,
    ) -> anyhow::Result<String> {
        let id = format!("mail/{}", &Digest::of(bytes).as_str()[..24]);
        let body = json!({
            "message_id": mail.message_id,
            "from": from,
            "to": mail.to,
            "subject": mail.subject,
            "text": clipped(&mail.body),
            "in_reply_to": mail.in_reply_to,
            "class": reading.class,
        });
        let account = answered.map(|kept| kept.account.to_string());
        let item = Item { kind: ItemKind::Mail, id: id.clone(), account, at_unix_ms: at, body };
        self.store.keep_items(&[item])?;
        Ok(id)
    }

    /// Notes in the ledger that they wrote, and what they do not want any more. Whether they are suppressed by it.
    fn note_reply(
        &self,
        key: &PersonKey,
        reading: &Reading,
        suppression: Option<&Suppression>,
        at: i64,
    ) -> anyhow::Result<bool> {
        let about = || Subject::Person { key: key.clone() };
        let mut what = Vec::new();
        let machine = matches!(reading.class, Class::Bounce | Class::Ooo);
        if !machine {
            what.push((about(), What::ReplyReceived { channel: Channel::Email }));
        }
        let reason = match suppression {
            // A returned mail says something of the address and nothing of the person.
            None if reading.class == Class::Bounce => Some((Reason::Bounce, true)),
            None => None,
            Some(_) if reading.class == Class::Complaint => {
                what.push((about(), What::Complaint { channel: Channel::Email }));
                Some((Reason::Complaint, false))
            }
            // Only a chance of a wish counts as one too; a permission that they give anew ends it.
            Some(_) => Some((Reason::Unsubscribe, false)),
        };
        let suppressed = reason.is_some();
        if let Some((reason, only_there)) = reason {
            what.push((about(), What::Suppressed { reason, channel: Some(Channel::Email), only_there }));
        }
        if !what.is_empty() && !self.is_noted(key, at)? {
            self.store.note_contacts(&what, "outreach", at)?;
        }
        Ok(suppressed)
    }

    /// Whether an answer of this moment is in the ledger already: the same mail given twice is one answer.
    fn is_noted(&self, key: &PersonKey, at: i64) -> anyhow::Result<bool> {
        let known = self.store.contacts_of(std::slice::from_ref(key), self.clearing.0.salt())?;
        Ok(known.iter().any(|e| e.at_unix_ms == at && e.by == "outreach" && matches!(e.about, Subject::Person { .. })))
    }

    fn suppress(&self, key: &PersonKey, reason: Reason, at: i64) -> anyhow::Result<()> {
        let what = What::Suppressed { reason, channel: Some(Channel::Email), only_there: false };
        self.store.note_contacts(&[(Subject::Person { key: key.clone() }, what)], "outreach", at)?;
        Ok(())
    }

    /// Tells the sequence what happened, and keeps how it stands.
    fn go_on(
        &self,
        key: &PersonKey,
        address: &str,
        reading: &Reading,
        at: i64,
        answered: Option<KeptSequence>,
    ) -> anyhow::Result<Option<KeptSequence>> {
        // Somebody else may answer for them; then it is the sequence of the message that counts.
        let (key, kept) = match (self.sequence(key)?, answered) {
            (Some(own), _) => (key.clone(), Some(own)),
            (None, Some(other)) => {
                let key = PersonKey::new(&other.address)?;
                let fresh = self.sequence(&key)?;
                (key, fresh)
            }
            (None, None) => (key.clone(), None),
        };
        let Some(mut kept) = kept else { return Ok(None) };
        let mine = kept.address.eq_ignore_ascii_case(address);
        kept.sequence.happened(&happened(reading, mine, at));
        self.keep_sequence(&key, &kept)?;
        Ok(Some(kept))
    }

    fn handling(
        &self,
        reading: &Reading,
        address: &str,
        item: &str,
        at: i64,
        contact: Option<&ContactAt>,
        sequence: Option<&KeptSequence>,
    ) -> anyhow::Result<Handling> {
        let record = contact.map(|c| {
            let seen = Seen { version: c.record.version.clone(), at_unix_ms: (self.clock)() };
            (c.record.at.clone(), seen, c.record.field("email_opt_out").map(str::to_owned))
        });
        let from = touched(sequence, item);
        let answered = Answered { address, item, at_unix_ms: at, contact: record, from, above_threshold: false };
        Ok(handle(reading, &answered, self.hours()))
    }

    /// That somebody looks at it, on the list of who works on the account.
    fn task(
        &self,
        reading: &Reading,
        contact: &ContactAt,
        item: &str,
        at: i64,
        by_unix_ms: i64,
        sequence: Option<&KeptSequence>,
    ) -> anyhow::Result<Option<Proposal>> {
        let by = self.zoned(by_unix_ms)?;
        let class = reading.class.as_str().replace('_', " ");
        let quote = reading.quote.lines().next().unwrap_or_default().trim().to_owned();
        if quote.is_empty() {
            return Ok(None);
        }
        let evidence = Evidence::Source { item: item.to_owned(), url: None, quote: quote.clone(), at_unix_ms: at };
        let because = Claim::new(format!("They answered ({class})."), vec![evidence], reading.confidence)?;
        let deal: Option<RecordRef> = contact.record.linked.iter().find(|r| r.kind == RecordKind::Deal).cloned();
        let subject = format!("Answer {} by {}", contact.name, by.strftime("%Y-%m-%d %H:%M %Z"));
        let owner = owner(&contact.record);
        let action = Action::CreateTask {
            about: deal.unwrap_or_else(|| contact.record.at.clone()),
            subject,
            body: format!("They wrote ({class}): \"{quote}\""),
            due: by.date().to_string().parse().ok(),
            owner,
        };
        let system = contact.record.at.system.clone();
        let batch = format!("reply/{item}");
        // By the time of the mail: the same mail given twice is the same proposal.
        Ok(Some(Proposal::new(system, action, None, because, touched(sequence, item), batch, at)))
    }
}

/// What a sequence is told of an answer; `mine`: whoever it writes to wrote it.
fn happened(reading: &Reading, mine: bool, at_unix_ms: i64) -> Happened {
    match reading.class {
        Class::Bounce => Happened::Bounced,
        class => Happened::Reply {
            class: if reading.wish == Wish::Certain && mine { Class::Unsubscribe } else { class },
            brief: reading.brief,
            slow_down: reading.slow_down,
            back_on: reading.away.as_ref().map(|a| a.back),
            at_unix_ms,
        },
    }
}

/// What sentences mean, loaded with the first answer: the encoder that is part of the program, in whose space the weights for
/// answers were learnt. Without it an answer is read by its words.
fn encoder() -> Option<&'static dyn SentenceEncoder> {
    static ENCODER: OnceLock<Option<Arc<dyn SentenceEncoder>>> = OnceLock::new();
    let load = || {
        let loaded = sentences::embedded();
        loaded.inspect_err(|error| tracing::warn!("answers are read by their words alone: {error:#}")).ok()
    };
    ENCODER.get_or_init(load).as_deref()
}

/// The message that was answered; if that is not known, the answer itself.
fn touched(sequence: Option<&KeptSequence>, item: &str) -> ArtifactId {
    let last = sequence.and_then(|kept| kept.touches.last());
    last.map_or_else(|| ArtifactId::of("mail", item.as_bytes()), |t| t.draft.clone())
}

fn owner(record: &Record) -> Option<String> {
    record.field("owner").map(str::to_owned)
}

fn header<'a>(headers: &'a BTreeMap<String, String>, name: &str) -> Option<&'a str> {
    headers.get(name).map(String::as_str)
}

fn clipped(body: &str) -> String {
    body.chars().take(MOST_CHARS).collect()
}

/// What of a mail may be cited: the subject, and below it the text.
pub(super) fn mail_text(subject: &str, text: &str) -> String {
    format!("{subject}\n{text}")
}

/// The headers of a mail by their names in small letters; folded lines are one, and of several of a name the first counts.
fn headers(bytes: &[u8]) -> BTreeMap<String, String> {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(256 * 1024)]);
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines().take_while(|line| !line.trim_end().is_empty()) {
        let full = lines.len() == MOST_HEADERS;
        match lines.last_mut() {
            Some(last) if line.starts_with([' ', '\t']) => {
                last.push(' ');
                last.push_str(line.trim());
            }
            _ if full => break,
            _ => lines.push(line.trim_end().to_owned()),
        }
    }
    let mut out = BTreeMap::new();
    for (name, value) in lines.iter().filter_map(|line| line.split_once(':')) {
        out.entry(name.trim().to_lowercase()).or_insert_with(|| value.trim().to_owned());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_unfolded_and_the_first_of_a_name_counts() {
        let mail = b"From: A <a@x.example>\r\nX-Failed-Recipients: b@y.example,\r\n c@y.example\r\nfrom: z@z.example\r\n\r\nAuto-Submitted: no";
        let read = headers(mail);
        assert_eq!(header(&read, "from"), Some("A <a@x.example>"));
        assert_eq!(header(&read, "x-failed-recipients"), Some("b@y.example, c@y.example"));
        assert_eq!(header(&read, "auto-submitted"), None, "the body is no header");
    }
}
