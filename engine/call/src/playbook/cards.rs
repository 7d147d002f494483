//! Cards: from what is written to what is shown, with everything that is wrong.

use toml::Spanned;

use super::{
    BASE_VARIANT, CardText, CaseStudyText, MAX_SAY_CHARS, MAX_SAY_LINES, Variant,
    parse::is_snake_case,
    problem::Reporter,
    raw::{RawCard, RawCaseStudy, RawDay, RawProof},
};
use crate::{card::Proof, date::Date};

/// Wordings of a card besides its own; with more, none is shown often enough to be judged.
pub const MAX_VARIANTS: usize = 9;

/// Makes a card of what is written; `at` is its place for what has none of its own.
pub(super) fn make(report: &mut Reporter<'_>, at: usize, play: &str, raw: &RawCard, today: Option<Date>) -> CardText {
    let mut maker = Maker { report, play, today };
    if raw.title.get_ref().trim().is_empty() {
        maker.error(raw.title.span().start, "card.title is empty: write in a few words what was raised");
    }
    let say = match &raw.say {
        Some(say) => maker.say("card.say", say),
        None => {
            maker.error(at, "the card says nothing: add say = [\"…\"] with one to three lines");
            Vec::new()
        }
    };
    let ask = raw.ask.as_ref().map(|ask| maker.line("card.ask", ask));
    let avoid = raw.avoid.as_ref().map(|avoid| maker.line("card.avoid", avoid));
    if let (Some(_), Some(first)) = (&raw.proof, raw.proofs.first()) {
        maker.error(first.span().start, "there is `proof` and `proofs`: put them all into proofs = [ … ]");
    }
    let proofs = raw.proof.iter().chain(&raw.proofs).map(|proof| maker.proof(proof)).collect();
    let variants = maker.variants(raw);
    let case_studies = raw.case_study.iter().map(|study| maker.case_study(study)).collect();
    CardText { title: raw.title.get_ref().clone(), say, ask, avoid, proofs, variants, case_studies }
}

struct Maker<'r, 'a> {
    report: &'r mut Reporter<'a>,
    play: &'r str,
    today: Option<Date>,
}

impl Maker<'_, '_> {
    fn error(&mut self, at: usize, message: impl std::fmt::Display) {
        self.report.error(at, format!("play `{}`: {message}", self.play));
    }

    fn warn(&mut self, at: usize, message: impl std::fmt::Display) {
        self.report.warn(at, format!("play `{}`: {message}", self.play));
    }

    fn say(&mut self, name: &str, raw: &Spanned<Vec<Spanned<String>>>) -> Vec<String> {
        let n = raw.get_ref().len();
        if n == 0 || n > MAX_SAY_LINES {
            let message = format!("{name} has {n} lines; a rep in mid-sentence reads one to {MAX_SAY_LINES}");
            self.error(raw.span().start, message);
        }
        raw.get_ref().iter().map(|line| self.line(name, line)).collect()
    }

    fn line(&mut self, name: &str, line: &Spanned<String>) -> String {
        let text = line.get_ref();
        let n = text.chars().count();
        if text.trim().is_empty() {
            self.error(line.span().start, format!("a line of {name} is empty: write it, or take it out"));
        } else if n > MAX_SAY_CHARS {
            let message =
                format!("a line of {name} has {n} characters; keep it to {MAX_SAY_CHARS} or split it: \"{text}\"");
            self.warn(line.span().start, message);
        }
        text.clone()
    }

    fn day(&mut self, raw: Option<&Spanned<RawDay>>) -> Option<Date> {
        let raw = raw?;
        match raw.get_ref().0.parse() {
            Ok(day) => Some(day),
            Err(why) => {
                self.error(raw.span().start, why);
                None
            }
        }
    }

    fn proof(&mut self, raw: &Spanned<RawProof>) -> Proof {
        let (at, written) = (raw.span().start, raw.get_ref());
        let source = written.source.clone().unwrap_or_default();
        if written.text.trim().is_empty() {
            self.error(at, "a proof without text: write the fact, or take the proof out");
        }
        if source.trim().is_empty() {
            self.error(
                at,
                "a proof without source: add source = \"where a sceptic can check it\", or take the proof out",
            );
        }
        if written.number.as_ref().is_some_and(|n| n.trim().is_empty()) {
            self.error(
                at,
                "the proof's number is empty: write it as it is read aloud, like \"6 hours\", or leave it out",
            );
        }
        let date = self.day(written.date.as_ref());
        let valid_until = self.day(written.valid_until.as_ref());
        if let (Some(until), Some(last)) = (&written.valid_until, valid_until) {
            let at = until.span().start;
            if let Some(date) = date.filter(|date| last < *date) {
                self.error(at, format!("valid_until {last} is before date {date}; write a later day"));
            } else if self.today.is_some_and(|today| today > last) {
                self.warn(
                    at,
                    format!("this proof ran out on {last} and is not shown any more; renew it or take it out"),
                );
            }
        }
        Proof { text: written.text.clone(), source, number: written.number.clone(), date, valid_until }
    }

    fn variants(&mut self, raw: &RawCard) -> Vec<Variant> {
        let mut variants: Vec<Variant> = Vec::with_capacity(raw.variant.len());
        for written in &raw.variant {
            let (id, at) = (written.id.get_ref(), written.id.span().start);
            if !is_snake_case(id) {
                self.error(at, format!("variant id `{id}`: use lower-case letters, digits and _ only"));
            }
            if id == BASE_VARIANT {
                self.error(at, format!("variant id `{BASE_VARIANT}` is the card's own wording; choose another"));
            }
            if variants.iter().any(|v| v.id == *id) {
                self.error(at, format!("variant id `{id}` is used twice: every variant needs its own"));
            }
            if variants.len() == MAX_VARIANTS {
                self.error(at, format!("a card has at most {MAX_VARIANTS} variants; take the weakest out"));
            }
            let say = self.say("variant.say", &written.say);
            variants.push(Variant { id: id.clone(), say, ask: written.ask.clone() });
        }
        variants
    }

    fn case_study(&mut self, raw: &Spanned<RawCaseStudy>) -> CaseStudyText {
        let (at, written) = (raw.span().start, raw.get_ref());
        let source = written.source.clone().unwrap_or_default();
        if written.text.trim().is_empty() {
            self.error(at, "a case study without text: write what became of the customer, or take it out");
        }
        if source.trim().is_empty() {
            self.error(
                at,
                "a case study without source: add source = \"where a sceptic can check it\", or take it out",
            );
        }
        CaseStudyText {
            text: written.text.clone(),
            source,
            industry: written.industry.clone(),
            size: written.size.clone(),
            competitor: written.competitor.clone(),
            stage: written.stage.clone(),
            language: written.language.clone(),
        }
    }
}
