//! Writing by a language model: headline, summary and message to the buyer, if somebody has set one up.
//!
//! The rules have written all of it before. A model is given lines of the call without what is somebody's
//! ([`redact`](Redactor)), answers in JSON, and what it writes is used only if every sentence cites words that stand there
//! and says nothing beyond them (`check`). Whatever fails, the rules' text stands, and a [`Reason`] is counted.
//!
//! ```text
//! CallTranscript ─► page (redacted lines) ─┐                       ┌─► check ─► NoteProposal with a model's text
//! NoteProposal ───► fact (lines and days) ─┴─► prompt ─► model ─► answer ─┤
//!                                                                  └─► Reason, the rules' text stands
//! ```
//!
//! Pure: the model is a port ([`WritingModel`]), time and money are another ([`Meter`]).

mod answer;
mod check;
mod fact;
mod figures;
mod lists;
mod model;
mod page;
mod prompt;
mod reason;
mod record;
mod redact;
mod spoken;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use self::{
    answer::{FollowUpAnswer, NoteAnswer, Sentence, parse},
    check::Ground,
    fact::{Fact, FactKind},
};
pub use self::{
    model::{ModelError, Reply, Request, WritingModel},
    page::Page,
    prompt::{BadPrompt, MAX_BYTES as MAX_PROMPT_BYTES, Prompt, Prompts},
    reason::Reason,
    record::{CallRecord, DaySum, day_subject},
    redact::{Known, Piece, Redactor, company_of},
};
use crate::{
    artifact::{Claim, Maker},
    handoff::{CallTranscript, FollowUp, NoteProposal},
    postcall::{FEWER_THAN, closing, count, greeting},
    verify,
};

/// Version of these rules, for [`Maker`].
pub const VERSION: u32 = 1;
/// Words of a headline, and of a summary: what is read in half a minute.
const HEADLINE_WORDS: usize = 25;
const SUMMARY_WORDS: usize = 150;
/// Sentences of a summary, and of the middle of a message.
const SENTENCES: usize = 8;
/// Attempts per text: one, and one more.
const ATTEMPTS: u32 = 2;
/// With less time than this nobody is asked.
const LEAST_MS: u64 = 300;
/// Bytes of text per token, taken low so that the estimate is high; plus what surrounds a question.
const BYTES_PER_TOKEN: usize = 3;
const AROUND_TOKENS: u64 = 100;

/// What a model may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Task {
    /// Headline and summary of the note.
    Note,
    /// The message to the buyer.
    FollowUp,
}

impl Task {
    /// All, in the order they are asked for.
    pub const ALL: [Self; 2] = [Self::Note, Self::FollowUp];

    /// Its word in the audit log, and the name of its prompt.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::FollowUp => "follow_up",
        }
    }

    /// Name of its prompt file.
    #[must_use]
    pub fn file(self) -> String {
        format!("{}.md", self.as_str())
    }
}

/// Time, money and the record: what a pure stage cannot know by itself.
pub trait Meter {
    /// What is left of the time for the model, in ms.
    fn left_ms(&self) -> u64;
    /// Waits, if that is sensible with what is left.
    fn wait(&mut self, ms: u64) -> bool;
    /// Sets tokens aside for a call that is about to be made, and writes that down.
    ///
    /// # Errors
    /// [`Reason::OverDayBudget`], or [`Reason::Unreachable`] if it cannot be written down: then nobody may be asked.
    fn set_aside(&mut self, prompt: &str, at_most: u64) -> Result<(), Reason>;
    /// Writes down how that call ended.
    fn ended(&mut self, record: CallRecord);
}

/// What may be spent on one question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most tokens of one call, question and answer together.
    pub tokens_per_call: u64,
    /// Most tokens of an answer.
    pub max_answer_tokens: u32,
}

/// What is to be written better.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// The call.
    pub call: &'a CallTranscript,
    /// What the rules made of it.
    pub note: &'a NoteProposal,
    /// Who else is known.
    pub known: &'a Known,
    /// What the model is told.
    pub prompts: &'a Prompts,
    /// What it may cost.
    pub limits: Limits,
    /// Texts that are still wanted.
    pub tasks: &'a [Task],
}

/// What became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// The note with the model's texts where they held, and the rules' where they did not.
    pub note: NoteProposal,
    /// How each task ended.
    pub outcomes: Vec<(Task, Result<(), Reason>)>,
    /// Who made it, if the model's text is in it.
    pub maker: Option<Maker>,
}

impl Written {
    /// Whether a text of the model is in it.
    #[must_use]
    pub fn used(&self, task: Task) -> bool {
        self.outcomes.contains(&(task, Ok(())))
    }
}

/// Asks the model for each text, checks what comes, and puts it in place of the rules'.
pub fn write(model: &dyn WritingModel, order: Order<'_>, meter: &mut dyn Meter) -> Written {
    let page = Page::new(order.call, order.known);
    let facts = fact::of(order.note);
    let mut written = Written { note: order.note.clone(), outcomes: Vec::new(), maker: None };
    let mut prompts: Vec<&str> = Vec::new();
    for (nth, task) in order.tasks.iter().copied().enumerate() {
        // Whoever comes first leaves a third of the time to whoever comes next.
        let keep_ms = if nth + 1 < order.tasks.len() { meter.left_ms() / 3 } else { 0 };
        let job = Job { model, order, page: &page, facts: &facts, task, keep_ms };
        let outcome = job.run(meter, &mut written.note);
        if outcome.is_ok() {
            prompts.push(order.prompts.of(task).id());
        }
        written.outcomes.push((task, outcome));
    }
    if !prompts.is_empty() {
        let (model, prompt) = (Some(model.name().to_owned()), Some(prompts.join(" ")));
        written.maker = Some(Maker { task: "drafting".to_owned(), version: VERSION, model, prompt });
    }
    written
}

/// One text to be written.
struct Job<'a> {
    model: &'a dyn WritingModel,
    order: Order<'a>,
    page: &'a Page<'a>,
    facts: &'a [Fact],
    task: Task,
    keep_ms: u64,
}

impl Job<'_> {
    fn run(&self, meter: &mut dyn Meter, note: &mut NoteProposal) -> Result<(), Reason> {
        let wanted = match self.task {
            Task::Note => note.note.headline.is_some() || !note.summary.is_empty(),
            Task::FollowUp => note.follow_up.is_some(),
        };
        if !wanted {
            return Err(Reason::NothingToWrite);
        }
        let (question, given) = self.question()?;
        let prompt = self.order.prompts.of(self.task);
        let mut last = Reason::OutOfTime;
        for attempt in 0..ATTEMPTS {
            let again = if attempt == 0 { String::new() } else { retry(last) };
            let request = Request {
                system: prompt.system().to_owned(),
                prompt: format!("{question}{again}"),
                max_tokens: self.order.limits.max_answer_tokens,
                timeout_ms: meter.left_ms().saturating_sub(self.keep_ms),
            };
            if request.timeout_ms < LEAST_MS {
                return Err(Reason::OutOfTime);
            }
            meter.set_aside(prompt.short_id(), self.cost(&request))?;
            let before = meter.left_ms();
            let reply = self.model.write(&request);
            let ms = before.saturating_sub(meter.left_ms());
            let tokens = match &reply {
                Ok(reply) => reply.tokens_in.zip(reply.tokens_out),
                // Turned away at the door: nothing was read, and nothing is charged.
                Err(ModelError::Busy { .. } | ModelError::Forbidden { .. }) => Some((0, 0)),
                Err(_) => None,
            };
            let wait_ms = match &reply {
                Err(ModelError::Busy { wait_ms }) => *wait_ms,
                _ => 0,
            };
            let text = reply.map(|r| r.text).map_err(|e| e.reason());
            let outcome = text.and_then(|text| self.take(&text, given.as_ref(), note));
            let said = outcome.map_or_else(Reason::code, |()| "used");
            meter.ended(CallRecord::Ended { prompt: prompt.short_id().to_owned(), tokens, ms, outcome: said });
            match outcome {
                Ok(()) => return Ok(()),
                Err(reason) if !reason.may_pass() => return Err(reason),
                Err(reason) => last = reason,
            }
            if wait_ms > 0 && (attempt + 1 == ATTEMPTS || !meter.wait(wait_ms)) {
                break;
            }
        }
        Err(last)
    }

    fn cost(&self, request: &Request) -> u64 {
        let bytes = (request.system.len() + request.prompt.len()).div_ceil(BYTES_PER_TOKEN);
        bytes as u64 + AROUND_TOKENS + u64::from(request.max_tokens)
    }

    /// The question, and which lines are in it; nothing: all. Of a long call only the lines that the note rests on, and of
    /// what goes to the buyer no others anyway: what need not leave this machine stays.
    fn question(&self) -> Result<(String, Option<BTreeSet<u32>>), Reason> {
        let prompt = self.order.prompts.of(self.task);
        let facts = fact::text(self.facts, self.page);
        let rests_on = |which: fn(&Fact) -> bool| -> BTreeSet<u32> {
            self.facts.iter().filter(|f| which(f)).flat_map(|f| f.words.iter().map(|w| w.0)).collect()
        };
        let lines = match self.task {
            Task::Note => vec![None, Some(rests_on(|_| true))],
            Task::FollowUp => vec![Some(rests_on(|f| f.kind != FactKind::Said))],
        };
        let retry = retry(Reason::UnknownPlaceholder).len();
        for given in lines {
            let question = prompt.question(&self.page.text(given.as_ref()), &facts);
            let bytes = (prompt.system().len() + question.len() + retry).div_ceil(BYTES_PER_TOKEN) as u64;
            let all = bytes + AROUND_TOKENS + u64::from(self.order.limits.max_answer_tokens);
            if all <= self.order.limits.tokens_per_call {
                return Ok((question, given));
            }
        }
        Err(Reason::OverCallBudget)
    }

    /// Puts what the answer says into the note, all of it or nothing.
    fn take(&self, text: &str, given: Option<&BTreeSet<u32>>, note: &mut NoteProposal) -> Result<(), Reason> {
        let ground = Ground::new(self.page, self.facts, given, self.task);
        let claims = |sentences: &[Sentence]| -> Result<Vec<Claim>, Reason> {
            if sentences.is_empty() {
                return Err(Reason::Empty);
            }
            sentences.iter().map(|s| ground.claim(s)).collect()
        };
        match self.task {
            Task::Note => {
                let answer: NoteAnswer = parse(text)?;
                let headline = ground.claim(&answer.headline)?;
                let summary = claims(&answer.summary)?;
                let words: usize = summary.iter().map(|c| count(c.text())).sum();
                let long = count(headline.text()) > HEADLINE_WORDS || words > SUMMARY_WORDS;
                if long || summary.len() > SENTENCES {
                    return Err(Reason::TooLong);
                }
                self.verified(std::iter::once(&headline).chain(&summary))?;
                note.note.headline = Some(headline);
                note.summary = summary;
            }
            Task::FollowUp => {
                let answer: FollowUpAnswer = parse(text)?;
                if answer.paragraphs.is_empty() {
                    return Err(Reason::Empty);
                }
                let paragraphs = answer.paragraphs.iter().map(|p| claims(p)).collect::<Result<Vec<_>, _>>()?;
                let body = self.message(&paragraphs);
                let claims = paragraphs.concat();
                if count(&body) >= FEWER_THAN || claims.len() > SENTENCES {
                    return Err(Reason::TooLong);
                }
                self.verified(claims.iter())?;
                let subject = note.follow_up.as_ref().map(|f| f.subject.clone()).unwrap_or_default();
                note.follow_up = Some(FollowUp { subject, body, claims });
            }
        }
        Ok(())
    }

    fn message(&self, paragraphs: &[Vec<Claim>]) -> String {
        let said = paragraphs.iter().map(|p| p.iter().map(Claim::text).collect::<Vec<_>>().join(" "));
        let mut parts = vec![greeting(self.order.call), "Thank you for your time.".to_owned()];
        parts.extend(said);
        parts.push(closing(self.order.call));
        parts.join("\n\n").trim_end().to_owned()
    }

    /// The same check as for the rules' own claims, word for word.
    fn verified<'c>(&self, claims: impl Iterator<Item = &'c Claim>) -> Result<(), Reason> {
        let claims: Vec<&Claim> = claims.collect();
        let sources = verify::Sources { calls: std::slice::from_ref(self.order.call), ..verify::Sources::default() };
        if verify::check_all(&claims, sources).is_empty() { Ok(()) } else { Err(Reason::WrongCitation) }
    }
}

/// What is added to the question when it is asked again: why, in a word of ours, and nothing of the answer.
fn retry(last: Reason) -> String {
    format!("\n\nYour last answer was refused ({}). Answer again, by the rules.", last.code())
}
