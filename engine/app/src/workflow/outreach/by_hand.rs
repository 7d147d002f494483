//! Touches that a person makes by hand: a message on LinkedIn, a text, a call. The text is shown once all allows it, the
//! person sends it themselves, and their word alone puts it on record. Nothing in here opens, dials or sends.

use std::collections::BTreeSet;

use anyhow::{Context, bail};
use reframe_outreach::{
    draft::Card,
    lint::{Candidate, Channel, Language, lint},
    message::{Footer, helped_line, stop_line},
    sequence::{Happened, Held},
};
use reframe_policy::{
    Decision, PersonKey,
    ledger::{Subject, What},
    policy,
    rules::{Need, Purpose},
};
use reframe_store::ItemKind;
use reframe_workflow::{
    artifact::{ArtifactId, Claim, Digest, canonical},
    gate::Approver,
};
use serde::{Deserialize, Serialize};

use super::{
    draft::NotDrafted,
    prepare::{Reach, Ready, instant},
    sequences::{KeptSequence, MOST, around},
};
use crate::workflow::{
    Office,
    contact_book::{ByHand, Person},
    outreach_settings::OutreachSettings,
};

/// How a card ended: what a person said of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ended {
    /// Whether they sent it, or called.
    pub sent: bool,
    /// Who says so.
    pub by: String,
    /// When that was, in ms since 1970-01-01 UTC.
    pub at_unix_ms: i64,
}

/// A touch by hand, as it is kept with its sequence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptCard {
    /// Its name: `card-` and 12 hexadecimal digits.
    pub id: String,
    /// Which touch it is, from 1.
    pub nth: u8,
    /// The message, with what it may say.
    pub candidate: Candidate,
    /// Lines below the name.
    pub below: Vec<String>,
    /// What the person opens.
    pub open: String,
    /// Their name.
    pub name: String,
    /// What it rests on.
    pub because: Claim,
    /// The signal card it comes from.
    pub from: ArtifactId,
    /// When it was made, in ms since 1970-01-01 UTC.
    pub made_unix_ms: i64,
    /// How it ended; nothing: it waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
}

/// A card that may be seen now.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// Its name, by which the person confirms.
    pub id: String,
    /// Which touch it is, from 1.
    pub nth: u8,
    /// To whom, by name.
    pub name: String,
    /// What to copy, what to open, what to do.
    pub card: Card,
    /// The rules it rests on.
    pub rules: Vec<String>,
}

/// A card that waits for a person's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its name.
    pub id: String,
    /// Which touch it is, from 1.
    pub nth: u8,
    /// By what.
    pub channel: Channel,
    /// To whom, by name.
    pub name: String,
    /// When it was made, in ms since 1970-01-01 UTC.
    pub made_unix_ms: i64,
}

/// What became of a person's word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmed {
    /// To whom, by name.
    pub name: String,
    /// What spoke against it at the moment of the confirmation: it is on record all the same, for it was sent.
    pub against: Vec<String>,
}

impl KeptCard {
    /// The text as the person gets it, held against the voice guide of now.
    fn card(&self, office: &Office) -> anyhow::Result<Result<Card, NotDrafted>> {
        let voice = office.settings.messages.voice()?.unwrap_or_default();
        match lint(self.candidate.clone(), &voice) {
            Ok(linted) => Ok(Ok(Card::of(&linted, &self.open, &self.below)?)),
            Err(faults) => Ok(Err(NotDrafted::Faults(faults))),
        }
    }
}

impl Office {
    /// Makes a card of what is ready, and shows it. Inside: why not.
    pub(super) fn make_card(&self, ready: Ready) -> anyhow::Result<Result<Shown, NotDrafted>> {
        let Ready { card_id, name, person, key, mut kept, nth, drafted, because, reach, .. } = ready;
        let Reach::ByHand { channel, open } = reach else { bail!("this touch goes by mail") };
        let now = (self.clock)();
        let outreach = self.settings.outreach.as_ref().context("[workflow.outreach] is missing")?;
        let rules = reframe_policy::Book::rules(&self.clearing.0);
        let needs = match policy(rules, &person.recipient, channel.into(), Purpose::Outreach, now) {
            Decision::Allow { basis } => basis.needs,
            Decision::Deny { rule, why } => {
                return Ok(Err(NotDrafted::Suppressed { name, why: format!("{why} ({rule})") }));
            }
        };
        let candidate = drafted.message.candidate().clone();
        let below = below(&needs, channel, candidate.language, outreach, self.discloses());
        let contents = canonical(&(key.as_str(), nth, channel, &candidate.body, &below, now));
        let made = KeptCard {
            id: format!("card-{}", &Digest::of(&contents).as_str()[..12]),
            nth,
            candidate,
            below,
            open,
            name,
            because,
            from: card_id,
            made_unix_ms: now,
            ended: None,
        };
        let shown = match self.show(&made, &person, None, now)? {
            Ok(shown) => shown,
            Err(why) => return Ok(Err(why)),
        };
        kept.sequence.happened(&Happened::Proposed { nth });
        kept.cards.push(made);
        self.keep_sequence(&key, &kept)?;
        Ok(Ok(shown))
    }

    /// The text of a card, if all allows it at this moment: asked as before a mail, with what is kept of the answer.
    fn show(
        &self,
        kept: &KeptCard,
        person: &Person,
        sequence_over: Option<&str>,
        now: i64,
    ) -> anyhow::Result<Result<Shown, NotDrafted>> {
        let card = match kept.card(self)? {
            Ok(card) => card,
            Err(why) => return Ok(Err(why)),
        };
        let (book, text) = (&self.clearing.0, card.text.as_str());
        let message = ByHand { channel: card.channel.into(), text, sequence_over };
        let clearance = match book.clear_by_hand(person, &message, now)? {
            Ok(clearance) => clearance,
            Err(blocked) => {
                let why: Vec<String> = blocked.iter().map(ToString::to_string).collect();
                return Ok(Err(NotDrafted::Suppressed { name: kept.name.clone(), why: why.join("; ") }));
            }
        };
        let key = person.recipient.keys.first().context("nobody is written to without a key")?;
        book.keep_by_hand(key, &message, &clearance, now)?;
        let rules = clearance.basis().rules.iter().cloned().collect();
        Ok(Ok(Shown { id: kept.id.clone(), nth: kept.nth, name: kept.name.clone(), card, rules }))
    }

    /// Cards that wait for a person's word, the oldest first.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn waiting_cards(&self) -> anyhow::Result<Vec<Waiting>> {
        let all = self.store.items(ItemKind::Sequence, None, i64::MIN, MOST)?;
        let kept = all.into_iter().filter_map(|item| serde_json::from_value::<KeptSequence>(item.body).ok());
        let waits = |kept: KeptSequence| {
            let card = kept.waiting_card()?;
            let (channel, name) = (card.candidate.channel, card.name.clone());
            Some(Waiting { id: card.id.clone(), nth: card.nth, channel, name, made_unix_ms: card.made_unix_ms })
        };
        let mut cards: Vec<Waiting> = kept.filter_map(waits).collect();
        cards.sort_by(|a, b| (a.made_unix_ms, &a.id).cmp(&(b.made_unix_ms, &b.id)));
        Ok(cards)
    }

    /// Shows a card again, if all allows it now. Inside: why not.
    ///
    /// # Errors
    /// If nobody has a card of this name, or the store or the CRM cannot be read.
    pub fn show_card(&self, id: &str) -> anyhow::Result<Result<Shown, NotDrafted>> {
        let (_, kept, card) = self.find_card(id)?;
        if let Some(ended) = &card.ended {
            let what = if ended.sent { "confirmed" } else { "put aside" };
            let said = format!("{id} was {what} by {} at {}", ended.by, instant(ended.at_unix_ms));
            return Ok(Err(NotDrafted::NotNow(said)));
        }
        let now = (self.clock)();
        self.clearing.0.note_sent()?;
        let person = self.person_of(&kept, now)?;
        match self.card_is_held(&kept, &card, &person, now)? {
            Some(Held::Early { until_unix_ms }) => {
                let until = instant(until_unix_ms);
                Ok(Err(NotDrafted::NotNow(format!("the next message to {} is not before {until}", card.name))))
            }
            Some(held) => self.show(&card, &person, Some(&held.to_string()), now),
            None => self.show(&card, &person, None, now),
        }
    }

    /// A person says that they sent a card's message, or made the call: that alone is put on record.
    ///
    /// # Errors
    /// If there is no such card, it was dealt with, the time lies ahead or before it was made, or the store cannot be used.
    pub fn confirm_card(&self, id: &str, by: &Approver, at_unix_ms: Option<i64>) -> anyhow::Result<Confirmed> {
        let (key, mut kept, card) = self.find_card(id)?;
        let now = (self.clock)();
        let at = at_unix_ms.unwrap_or(now);
        if card.ended.is_some() {
            bail!("{id} was dealt with before; what is on record: reframe contact explain");
        }
        if !(card.made_unix_ms..=now).contains(&at) {
            bail!(
                "the message was drafted at {}, and now is {}; write a time between",
                instant(card.made_unix_ms),
                instant(now)
            );
        }
        // What was sent counts, whatever a rule or the guide says of it by now.
        let channel = card.candidate.channel;
        let text = card.whole();
        let message = ByHand { channel: channel.into(), text: &text, sequence_over: None };
        let person = self.person_of(&kept, now)?;
        let against = match self.clearing.0.clear_by_hand(&person, &message, now)? {
            Ok(_) => vec![],
            Err(blocked) => blocked.iter().map(ToString::to_string).collect(),
        };
        let first = person.recipient.keys.first().context("nobody is written to without a key")?;
        let digest = message.digest();
        let known = self.store.contacts_of(&person.recipient.keys, self.clearing.0.salt())?;
        let noted = known.iter().any(|e| matches!(&e.what, What::TouchSent { message, .. } if *message == digest));
        // A run that ended between the two notes is made good by the next.
        if !noted {
            let basis = known.iter().rev().find_map(|e| match &e.what {
                What::Cleared { message, basis, .. } if *message == digest => Some(basis.clone()),
                _ => None,
            });
            let what = What::TouchSent { channel: channel.into(), purpose: Purpose::Outreach, message: digest, basis };
            self.note_contact(Subject::Person { key: first.clone() }, what, by, at)?;
        }
        kept.sequence.happened(&Happened::Sent { nth: card.nth, at_unix_ms: at });
        let ended = Ended { sent: true, by: by.as_str().to_owned(), at_unix_ms: at };
        self.end_card(&key, kept, &card.id, ended)?;
        Ok(Confirmed { name: card.name, against })
    }

    /// A person says that they did not send a card's message, and will not: the touch may be drafted anew.
    ///
    /// # Errors
    /// As [`confirm_card`](Self::confirm_card).
    pub fn put_card_aside(&self, id: &str, by: &Approver) -> anyhow::Result<String> {
        let (key, mut kept, card) = self.find_card(id)?;
        if card.ended.is_some() {
            bail!("{id} was dealt with before; what is on record: reframe contact explain");
        }
        kept.sequence.happened(&Happened::Declined { nth: card.nth });
        let ended = Ended { sent: false, by: by.as_str().to_owned(), at_unix_ms: (self.clock)() };
        self.end_card(&key, kept, &card.id, ended)?;
        Ok(card.name)
    }

    fn end_card(&self, key: &PersonKey, mut kept: KeptSequence, id: &str, ended: Ended) -> anyhow::Result<()> {
        kept.cards.iter_mut().filter(|card| card.id == id).for_each(|card| card.ended = Some(ended.clone()));
        self.keep_sequence(key, &kept)
    }

    /// The card of a name, with its sequence as it stands.
    fn find_card(&self, id: &str) -> anyhow::Result<(PersonKey, KeptSequence, KeptCard)> {
        let id = id.trim();
        let found = self.sequence_where(|kept| kept.cards.iter().any(|card| card.id == id))?;
        let kept = found.with_context(|| format!("there is no card `{id}`; list them with: reframe outreach cards"))?;
        let key = PersonKey::new(&kept.address)?;
        let kept = self.sequence(&key)?.unwrap_or(kept);
        let card = kept.cards.iter().find(|card| card.id == id).cloned().context("the card is gone")?;
        Ok((key, kept, card))
    }

    fn person_of(&self, kept: &KeptSequence, now: i64) -> anyhow::Result<Person> {
        Ok(self.clearing.0.person(&PersonKey::new(&kept.address)?, &kept.address, now)?)
    }

    /// Why a card does not go now, as its sequence has it.
    fn card_is_held(
        &self,
        kept: &KeptSequence,
        card: &KeptCard,
        person: &Person,
        now: i64,
    ) -> anyhow::Result<Option<Held>> {
        let (key, keys) = (PersonKey::new(&kept.address)?, &person.recipient.keys);
        let around = around(&self.store, &key, keys, &kept.account, now)?;
        Ok(kept.sequence.may_send(card.nth, now, self.hours(), &around).err())
    }
}

impl KeptCard {
    /// Its text as it was shown.
    fn whole(&self) -> String {
        let body = self.candidate.body.trim();
        if self.below.is_empty() { body.to_owned() } else { format!("{body}\n\n{}", self.below.join("\n")) }
    }
}

/// What stands below the name: what the rules ask for and words can say, no more, for these are short messages.
fn below(
    needs: &BTreeSet<Need>,
    channel: Channel,
    language: Language,
    ours: &OutreachSettings,
    discloses: bool,
) -> Vec<String> {
    let footer =
        Footer { company: ours.company.clone(), postal_address: ours.postal_address.clone(), discloses_ai: false };
    let mut lines: Vec<String> = Vec::new();
    if needs.contains(&Need::PostalAddress) {
        lines.extend(footer.sender());
    } else if needs.contains(&Need::SenderIdentity) && channel != Channel::Linkedin {
        lines.push(ours.company.trim().to_owned());
    }
    let sentences = &ours.sentences;
    for (need, said) in [(Need::SourceOfData, &sentences.source_of_data), (Need::ObjectionNotice, &sentences.objection)]
    {
        lines.extend(said.first().filter(|_| needs.contains(&need)).cloned());
    }
    if needs.contains(&Need::UnsubscribeLine) {
        lines.push(stop_line(language).to_owned());
    }
    // In a call a person speaks.
    if needs.contains(&Need::AiDisclosure) || (discloses && channel != Channel::Call) {
        lines.push(helped_line(language).to_owned());
    }
    lines.retain(|line| !line.is_empty());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn below_the_name_stands_what_is_asked_for_and_no_more() {
        let ours: OutreachSettings = toml::from_str(
            "company = \"Us Ltd\"\npostal_address = \"1 High Street, Leeds\"\n[sentences]\n\
             source_of_data = [\"Your number is from your website.\"]\nobjection = [\"You may object at any time.\"]\n",
        )
        .unwrap();
        let stop = stop_line(Language::English);
        let helped = helped_line(Language::English);
        for (needs, channel, discloses, want) in [
            (vec![Need::SenderIdentity], Channel::Linkedin, false, vec![]),
            (vec![Need::SenderIdentity], Channel::Linkedin, true, vec![helped]),
            (vec![Need::SenderIdentity], Channel::Sms, false, vec!["Us Ltd"]),
            (vec![Need::SenderIdentity], Channel::Call, true, vec!["Us Ltd"]),
            (
                vec![Need::SenderIdentity, Need::PostalAddress, Need::UnsubscribeLine],
                Channel::Sms,
                false,
                vec!["Us Ltd, 1 High Street, Leeds", stop],
            ),
            (
                vec![Need::SourceOfData, Need::ObjectionNotice, Need::AiDisclosure],
                Channel::Linkedin,
                false,
                vec!["Your number is from your website.", "You may object at any time.", helped],
            ),
        ] {
            let needs: BTreeSet<Need> = needs.into_iter().collect();
            assert_eq!(below(&needs, channel, Language::English, &ours, discloses), want, "{needs:?} {channel:?}");
        }
    }
}
