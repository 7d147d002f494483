//! What a hypothesis update costs: every line word by word against a playbook of three hundred plays, on one core.

use std::{hint::black_box, sync::Arc, time::Instant};

use anyhow::Context;
use hdrhistogram::Histogram;
use reframe_call::{
    detect::{
        Detector, guards,
        lexicon::Lexicon,
        meaning::Meaning,
        normalize::{Token, join, tokens_of},
        semantic::SentenceEncoder,
    },
    playbook::Playbook,
    recognize::Word,
};
use serde_json::{Map, Value, json};

use super::{
    patterns::RegexList,
    playbooks,
    stream::{end_of, heard, partials, spoken},
    systems::NearestExample,
};

/// Plays in the playbook that is measured.
pub const PLAYS: usize = 300;
/// Words that the detector looks back at most.
const WINDOW_WORDS: usize = 40;
/// A minute in nanoseconds: no update takes longer.
const LONGEST_NS: u64 = 60_000_000_000;

/// Times of one kind of work.
struct Timer {
    name: &'static str,
    ns: Histogram<u64>,
}

impl Timer {
    fn new(name: &'static str) -> anyhow::Result<Self> {
        Ok(Self { name, ns: Histogram::new_with_bounds(1, LONGEST_NS, 3).context("a histogram")? })
    }

    fn time<T>(&mut self, work: impl FnOnce() -> T) {
        let start = Instant::now();
        black_box(work());
        let ns = u64::try_from(start.elapsed().as_nanos()).unwrap_or(LONGEST_NS);
        self.ns.saturating_record(ns);
    }

    fn us(&self, quantile: f64) -> f64 {
        self.ns.value_at_quantile(quantile) as f64 / 1_000.0
    }

    fn json(&self) -> Value {
        json!({
            "n": self.ns.len(), "p50_us": self.us(0.5), "p90_us": self.us(0.9), "p95_us": self.us(0.95),
            "p99_us": self.us(0.99), "max_us": self.us(1.0), "mean_us": (self.ns.mean() / 100.0).round() / 10.0,
        })
    }

    fn print(&self) {
        let [p50, p90, p95, p99, max] = [0.5, 0.9, 0.95, 0.99, 1.0].map(|q| self.us(q));
        let name = self.name;
        println!("  {name:32} {p50:>9.1} {p90:>9.1} {p95:>9.1} {p99:>9.1} {max:>9.1}  {:>7}", self.ns.len());
    }
}

/// Everything that is timed, and what it works on.
struct Bench {
    plays: usize,
    detector: Detector,
    phrases_only: Detector,
    lexicon: Lexicon,
    meaning: Option<Arc<Meaning>>,
    encoder: Option<Arc<dyn SentenceEncoder>>,
    regexes: RegexList,
    general: Option<NearestExample>,
    update: Timer,
    end: Timer,
    update_phrases: Timer,
    normal: Timer,
    find: Timer,
    guard: Timer,
    encode: Timer,
    judge: Timer,
    regex: Timer,
    nearest: Timer,
}

/// Times `lines` and prints what came of it. `general` is a full-size encoder to compare with.
///
/// # Errors
/// If the rival expressions do not compile.
pub fn run(
    book: &Playbook,
    lines: &[&str],
    encoder: Option<&Arc<dyn SentenceEncoder>>,
    general: Option<&Arc<dyn SentenceEncoder>>,
) -> anyhow::Result<Value> {
    let mut bench = Bench::new(book, encoder, general)?;
    // Once without counting: caches and branch predictors are warm in a call that has gone on for a while.
    bench.lines(&lines[..lines.len().min(20)]);
    bench.forget_times();
    bench.lines(lines);
    println!("  {} plays; microseconds per update", bench.plays);
    println!("  {:32} {:>9} {:>9} {:>9} {:>9} {:>9}  {:>7}", "", "p50", "p90", "p95", "p99", "max", "n");
    let mut out = Map::new();
    for timer in bench.timers().into_iter().filter(|t| !t.ns.is_empty()) {
        timer.print();
        out.insert(timer.name.to_owned(), timer.json());
    }
    Ok(json!({ "plays": bench.plays, "lines": lines.len(), "work": out }))
}

impl Bench {
    fn new(
        book: &Playbook,
        encoder: Option<&Arc<dyn SentenceEncoder>>,
        general: Option<&Arc<dyn SentenceEncoder>>,
    ) -> anyhow::Result<Self> {
        let big = playbooks::blown_up(book, PLAYS);
        let shared = encoder.map(|e| Arc::new(Meaning::new(Arc::clone(e), &big)));
        Ok(Self {
            plays: big.plays.len(),
            detector: Detector::new(Arc::clone(&big), shared.clone()),
            phrases_only: Detector::new(Arc::clone(&big), None),
            lexicon: Lexicon::new(&big),
            meaning: shared,
            encoder: encoder.cloned(),
            regexes: RegexList::new()?,
            general: general.map(|g| NearestExample::new(Arc::clone(g), &big)),
            update: Timer::new("whole update")?,
            end: Timer::new("end of utterance")?,
            update_phrases: Timer::new("whole update, phrases alone")?,
            normal: Timer::new("  of it: normalising")?,
            find: Timer::new("  of it: lexicon")?,
            guard: Timer::new("  of it: guards, per phrase")?,
            encode: Timer::new("  of it: encoder")?,
            judge: Timer::new("  of it: encoder and examples")?,
            regex: Timer::new("rival: regular expressions")?,
            nearest: Timer::new("rival: nearest example")?,
        })
    }

    fn timers(&mut self) -> [&mut Timer; 10] {
        [
            &mut self.update,
            &mut self.end,
            &mut self.update_phrases,
            &mut self.normal,
            &mut self.find,
            &mut self.guard,
            &mut self.encode,
            &mut self.judge,
            &mut self.regex,
            &mut self.nearest,
        ]
    }

    fn forget_times(&mut self) {
        self.timers().into_iter().for_each(|t| t.ns.reset());
    }

    fn lines(&mut self, lines: &[&str]) {
        for line in lines {
            self.detector.forget();
            self.phrases_only.forget();
            let words = spoken(line);
            for (committed, tail) in partials(&words) {
                self.update(committed, tail);
            }
            let whole = heard(&words, &[], end_of(&words, &[]));
            self.end.time(|| self.detector.on_utterance_end(&whole));
        }
    }

    fn update(&mut self, committed: &[Word], tail: &[Word]) {
        let now = heard(committed, tail, end_of(committed, tail));
        self.update.time(|| self.detector.on_words(&now));
        self.update_phrases.time(|| self.phrases_only.on_words(&now));
        let words: Vec<Word> = committed.iter().chain(tail).cloned().collect();
        let words = &words[words.len().saturating_sub(WINDOW_WORDS)..];
        self.normal.time(|| tokens_of(words));
        let tokens: Vec<Token> = tokens_of(words);
        self.find.time(|| self.lexicon.find(&tokens));
        if let Some((last, before)) = tokens.split_last() {
            self.guard.time(|| guards::held_back_by(before, std::slice::from_ref(last)));
        }
        let text = join(&tokens);
        if let Some(encoder) = &self.encoder {
            self.encode.time(|| encoder.encode(&text));
        }
        if let Some(meaning) = &self.meaning {
            self.judge.time(|| meaning.judge(&text));
        }
        let said = words.iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join(" ");
        self.regex.time(|| self.regexes.first(&said));
        if let Some(general) = &self.general {
            self.nearest.time(|| general.nearest(&said).map(|(_, s)| s));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_update_is_timed_once() {
        let book = playbooks::built_in().unwrap();
        let got = run(&book, &["it's too expensive", "good morning"], None, None).unwrap();
        assert_eq!(got["plays"], 300);
        let of = |name: &str| got["work"][name]["n"].as_u64();
        assert_eq!((of("whole update"), of("end of utterance")), (Some(4 + 3), Some(2)));
        assert_eq!(of("  of it: lexicon"), Some(7));
        assert_eq!(of("rival: nearest example"), None, "there is no encoder to compare with");
    }
}
