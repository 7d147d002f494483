//! The detector's ear for meaning: clauses as they grow, judged by [`super::meaning`], and what that does to matches of
//! other kinds.

use std::sync::Arc;

use super::{
    Candidate, Detector, Heard, Verdict, clause_start, fusion,
    lexicon::PatternKind,
    meaning::{Judged, Meaning},
    normalize::{Token, join, tokens_of},
};
use crate::{audio::Party, playbook::Play, recognize::Word, time::MediaTime};

/// Words of a clause that are judged: its end. The encoder was trained on no more, and its cost grows with them.
const MEANING_WORDS: usize = 24;
/// A clause that runs on beyond what is judged at once is taken for whole every so many words, or its middle would go
/// unheard.
const RUN_ON_WORDS: usize = 8;
/// A clause shorter than this is not judged before it is over: two words may become anything.
const EARLY_WORDS: usize = 4;

/// A detection made by meaning while the clause went on: what the whole clause must confirm.
#[derive(Clone, Copy, Debug)]
pub(super) struct Growing {
    /// Where the clause begins.
    start: MediaTime,
    /// Words it had when it was judged last.
    words: usize,
    /// The play that was likely enough then, if any.
    likely: Option<usize>,
}

/// What the talk of a call has been like: how many clauses were judged whole, and how likely each was to object.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct TalkSoFar {
    clauses: f32,
    objections: f32,
}

impl TalkSoFar {
    fn hear(&mut self, judged: &Judged, words: usize) {
        // "Mhm" and "okay" say nothing about what kind of talk it is.
        if let Some(p) = Meaning::objection(judged).filter(|_| words >= EARLY_WORDS) {
            self.clauses += 1.0;
            self.objections += p;
        }
    }

    /// A play's probability in this talk.
    fn weigh(self, meaning: &Meaning, (play, p): (usize, f32)) -> (usize, f32) {
        let prior = if meaning.has_class(play) { fusion::prior(self.objections, self.clauses) } else { 0.0 };
        (play, fusion::after(p, prior))
    }
}

impl Detector {
    /// Whether meaning is asked at all for words of `party`.
    fn listens_for_meaning(&self, party: Party) -> bool {
        self.meaning.is_some() && !self.meaning_rests && party != Party::Rep
    }

    /// Committed words grew: judges the clause that just ended, if a pause came before the newest word, and the one
    /// under way.
    pub(super) fn hear_clause(&mut self, heard: &Heard<'_>) -> Vec<Verdict> {
        if !self.listens_for_meaning(heard.party) || heard.committed.is_empty() {
            return Vec::new();
        }
        let words = heard.committed;
        let begin = clause_start(words);
        let clause = &words[begin..];
        let known = self.growing.get(&heard.track).copied();
        let mut out = Vec::new();
        if let Some(before) = known.filter(|g| g.start < clause[0].start) {
            let from = words.iter().position(|w| w.start >= before.start).unwrap_or(begin);
            if from < begin {
                out.extend(self.judge_clause(heard, tail(&words[from..begin]), true));
            }
        }
        let same = known.filter(|g| g.start == clause[0].start);
        if same.is_some_and(|g| g.words == clause.len()) {
            return out;
        }
        let likely = (clause.len() >= EARLY_WORDS).then(|| self.likely(heard, tail(clause))).flatten();
        // Likely twice running, with a word more between: one word alone must not decide.
        let early = likely.is_some() && same.is_some_and(|g| g.likely == likely);
        let run_on = clause.len() > MEANING_WORDS && clause.len().is_multiple_of(RUN_ON_WORDS);
        if early || run_on {
            out.extend(self.judge_clause(heard, tail(clause), run_on));
        }
        self.growing.insert(heard.track, Growing { start: clause[0].start, words: clause.len(), likely });
        out
    }

    /// The utterance is over: its last clause stands as it is.
    pub(super) fn close_clause(&mut self, heard: &Heard<'_>) -> Vec<Verdict> {
        self.growing.remove(&heard.track);
        if !self.listens_for_meaning(heard.party) || heard.committed.is_empty() {
            return Vec::new();
        }
        let begin = clause_start(heard.committed);
        self.judge_clause(heard, tail(&heard.committed[begin..]), true)
    }

    /// The play that an unfinished clause already calls for, if it is clear enough.
    fn likely(&mut self, heard: &Heard<'_>, clause: &[Word]) -> Option<usize> {
        let (play, p) = self.best(heard, clause, fusion::EARLY_AT)?;
        (p >= fusion::EARLY_AT).then_some(play)
    }

    fn best(&mut self, heard: &Heard<'_>, clause: &[Word], at: f32) -> Option<(usize, f32)> {
        let (meaning, judged) = self.judged(&tokens_of(clause))?;
        self.best_of(&meaning, &judged, at, heard)
    }

    /// What a clause means, if meaning is asked at all.
    fn judged(&mut self, clause: &[Token]) -> Option<(Arc<Meaning>, Arc<Judged>)> {
        let meaning = self.meaning.clone()?;
        let judged = meaning.judge_once(&join(clause), &mut self.memory);
        Some((meaning, judged))
    }

    /// The play that fits best where probability `at` counts.
    fn best_of(&self, meaning: &Meaning, judged: &Judged, at: f32, heard: &Heard<'_>) -> Option<(usize, f32)> {
        let plays = &self.playbook.plays;
        let best = meaning.best(judged, at, |p| listens(&plays[p]) && plays[p].speaker.admits(heard.party))?;
        Some(self.talk.weigh(meaning, best))
    }

    fn judge_clause(&mut self, heard: &Heard<'_>, clause: &[Word], whole: bool) -> Vec<Verdict> {
        let mut out = Vec::new();
        let tokens = tokens_of(clause);
        let Some((meaning, judged)) = self.judged(&tokens) else { return out };
        if whole {
            self.take_back_by_meaning(heard, clause, &meaning, &judged, &mut out);
        }
        let sure = clause.iter().map(|w| w.confidence).sum::<f32>() / clause.len() as f32;
        let at = fusion::meaning_at(sure);
        let best = self.best_of(&meaning, &judged, at, heard);
        if whole {
            self.talk.hear(&judged, tokens.len());
        }
        let Some((play, p)) = best else { return out };
        if p < at {
            return out;
        }
        // What one play of the label must not be triggered by, another of it must not either: the encoder tells labels
        // apart, not plays.
        let label = &self.playbook.plays[play].label;
        let of_label = |other: usize| self.playbook.plays[other].label == *label;
        let hits = self.lexicon.find(&tokens);
        let never = hits.iter().find(|h| of_label(h.play) && h.kind == PatternKind::Never);
        let held = never.map(|h| format!("do-not-trigger: \"{}\"", h.phrase)).or_else(|| {
            let denied = (0..judged.denied.len()).any(|other| judged.denied[other] && of_label(other));
            denied.then(|| "it is like a not_like line".to_owned())
        });
        let candidate = Candidate {
            play,
            phrase: "",
            start: clause[0].start,
            end: clause[clause.len() - 1].end,
            words: clause.to_vec(),
            score: fusion::meaning(p),
            rule: format!("it means {}", self.playbook.plays[play].label),
            sound: None,
            similarity: Some(p),
        };
        out.extend(self.decide(heard, candidate, held));
        out
    }

    /// How likely the label of `play` is by the meaning of the clause around `phrase`, words of which stand in the
    /// transcript. `None` where meaning is not asked.
    pub(super) fn meaning_around(&mut self, heard: &Heard<'_>, words: &[Word], play: usize) -> Option<f32> {
        if !self.listens_for_meaning(heard.party) || words.is_empty() {
            return None;
        }
        let (meaning, judged) = self.judged(&tokens_of(tail(&words[clause_start(words)..])))?;
        Some(meaning.probability(&judged, play))
    }

    /// What was detected in a clause by its meaning, before it was over, and does not hold for the whole of it.
    fn take_back_by_meaning(
        &mut self,
        heard: &Heard<'_>,
        clause: &[Word],
        meaning: &Meaning,
        judged: &Judged,
        out: &mut Vec<Verdict>,
    ) {
        let (from, until) = (clause[0].start, clause[clause.len() - 1].end);
        let young = |r: &super::Recent| {
            r.by_meaning
                && r.track == heard.track
                && r.may_be_taken_back(heard.at)
                && r.start >= from
                && r.start <= until
        };
        for r in self.recent.iter_mut().filter(|r| young(r)) {
            if meaning.probability(judged, r.play) < fusion::TAKE_BACK_BELOW {
                r.contradicted = true;
                let play = self.playbook.plays[r.play].id.clone();
                let by = "the whole sentence means something else".to_owned();
                out.push(Verdict::Contradicted { play, utterance: r.utterance, start: r.start, by });
            }
        }
    }
}

/// The part of a clause that is judged.
fn tail(clause: &[Word]) -> &[Word] {
    &clause[clause.len().saturating_sub(MEANING_WORDS)..]
}

/// Whether a play may be called for by meaning at all: rules that measure something else are not.
fn listens(play: &Play) -> bool {
    match &play.when {
        Some(when) => when.is_heard(),
        None => !play.like.is_empty() || !play.phrases.is_empty(),
    }
}
