//! The demo's first half: from what happened at the buyer's account to the brief for the call, by the program's own stages.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, bail};
use reframe_serve::review::ReviewDesk;
use reframe_workflow::{
    gate::{Action, Approver, Mail, Proposal},
    outbox::Standing,
};
use serde_json::json;

use super::{
    after_call::{PATIENCE, approve, blocking, wait},
    market::Market,
    report::Reporter,
};
use crate::{
    commands::run::line,
    server::{admission::now_unix_ms, listen::Server},
    workflow::{About, Asked, Form, Office, Prep},
};

/// Time between two looks at a message that waits for a person.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Takes the account as far as the brief for its call: signal, card, message, answer, meeting. The message goes out if `by`
/// approves it, or a person does on the review page within `patience`; if nobody does, no answer comes. What a former run has
/// done is not done again. False if something that was approved was not written.
///
/// # Errors
/// If a stage fails, or the demo's folder cannot be used.
pub async fn walk(
    server: &Server,
    market: &Arc<Market>,
    by: Option<&Approver>,
    patience: Duration,
    reporter: &mut Reporter,
) -> anyhow::Result<bool> {
    let (office, desk) = (Arc::clone(&server.office), &server.desk);
    let mut written = true;
    reporter.note("before the call")?;
    let (asked, laid) = (Arc::clone(&office), Arc::clone(market));
    let Signals { says, proposal } = blocking(move || signals(&asked, &laid)).await?;
    for (stage, text) in says {
        reporter.stage(stage, &text)?;
    }
    if let Some(proposal) = proposal {
        reporter.stage("outreach", &line(&proposal))?;
        if let Some(by) = by {
            written &= approve(desk, &proposal.batch, by, reporter).await?;
        } else {
            let how = "--hold-call SECONDS holds the call back for that, --approve-as NAME says yes for you";
            reporter.note(&format!("  it waits for a person: {} ({how})", server.review_url))?;
        }
        let sent = sent(desk, &proposal, if by.is_some() { Duration::ZERO } else { patience }).await?;
        if let Some(mail) = sent {
            let (asked, laid) = (Arc::clone(&office), Arc::clone(market));
            let (says, batch) = blocking(move || answer(&asked, &laid, &mail)).await?;
            reporter.stage("outreach", &says)?;
            if let Some((batch, by)) = batch.zip(by) {
                written &= approve(desk, &batch, by, reporter).await?;
            }
        }
    }
    let (asked, laid) = (Arc::clone(&office), Arc::clone(market));
    let (says, batches) = blocking(move || meeting(&asked, &laid)).await?;
    reporter.stage("call_prep", &says)?;
    for batch in batches {
        if let Some(by) = by {
            written &= approve(desk, &batch, by, reporter).await?;
        }
    }
    reporter.note("")?;
    Ok(written)
}

struct Signals {
    says: Vec<(&'static str, String)>,
    /// The message, if one was drafted now.
    proposal: Option<Proposal>,
}

/// Takes in what happened, makes the feed of the day and drafts the first message to whom its first card says.
fn signals(office: &Office, market: &Market) -> anyhow::Result<Signals> {
    let (bytes, name) = market.events()?;
    let took = office.take_signals(&bytes, name, Form::Csv, &About::default())?;
    if took.refused > 0 {
        bail!("{} lines of {name} in the demo's folder were refused; use another folder with --data", took.refused);
    }
    let feed = office.day_feed(office.today()?)?;
    let mut says = vec![("signal", format!("{} events, {} of them new", took.events, took.new))];
    let Some((id, card)) = feed.cards.into_iter().next() else {
        says.push(("signal", "nothing speaks for an account today, so nothing is written".to_owned()));
        return Ok(Signals { says, proposal: None });
    };
    let reason = card.rationale.as_ref().map_or_else(String::new, |because| because.text().to_owned());
    says.push(("signal", format!("{id}: {reason}")));
    // The account is named by the card, and whom to write to as well.
    let asked = Asked { account: card.account.to_string(), ..Asked::default() };
    let proposal = match office.draft_message(&asked)? {
        Ok(written) => Some(written.proposal),
        Err(why) => {
            says.push(("outreach", format!("no message: {why}")));
            None
        }
    };
    Ok(Signals { says, proposal })
}

/// The message, once it went out; nothing, if nobody approved it in time or it may not go out.
async fn sent(desk: &Arc<dyn ReviewDesk>, proposal: &Proposal, patience: Duration) -> anyhow::Result<Option<Mail>> {
    let deadline = tokio::time::Instant::now() + patience;
    loop {
        let items = wait(desk, &proposal.batch, |_| true).await?;
        let item = items.into_iter().find(|item| item.proposal.id == proposal.id).context("the message is gone")?;
        let now = tokio::time::Instant::now();
        let over = match item.standing {
            Standing::Open => now >= deadline,
            Standing::Approved { .. } => now >= deadline + PATIENCE,
            _ => true,
        };
        if over {
            let done = matches!(item.standing, Standing::Done { .. });
            return Ok(match item.proposal.action {
                Action::SendMail { mail, .. } if done => Some(mail),
                _ => None,
            });
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// The buyer's answer comes. Gives also the batch of what is proposed for it.
fn answer(office: &Office, market: &Market, to: &Mail) -> anyhow::Result<(String, Option<String>)> {
    let Some(bytes) = market.answer(to, now_unix_ms())? else {
        return Ok(("they have answered before".to_owned(), None));
    };
    let replied = office.take_reply(&bytes)?;
    // They said yes to a call: the seller opens the deal, which what is proposed is about.
    market.open_deal()?;
    let says = format!("{} from {}: {}", replied.item, replied.address, replied.reading.class.as_str());
    Ok((says, replied.proposals.into_iter().next().map(|proposal| proposal.batch)))
}

/// The meeting is in the calendar, and its brief is made. Gives also the batches of what is proposed for the deal.
fn meeting(office: &Office, market: &Market) -> anyhow::Result<(String, Vec<String>)> {
    market.open_deal()?;
    market.book(now_unix_ms())?;
    let looked = Prep::default().look(office)?.context("the demo has no calendar")?;
    let batches = looked.made.iter().map(|due| format!("meeting {}", due.event)).collect();
    let says = format!("{} meetings ahead, {} briefs made", looked.ahead, looked.made.len());
    Ok((says, batches))
}

impl Reporter {
    /// Shows what a stage came to.
    pub(super) fn stage(&mut self, stage: &str, says: &str) -> anyhow::Result<()> {
        if self.is_json() {
            return self.json(&json!({"type": "stage", "stage": stage, "says": says}));
        }
        self.note(&format!("  {stage:<10} {says}"))
    }
}
