//! From words and sounds to "the buyer has just raised this".
//!
//! Three kinds of evidence meet here: phrases found in the words ([`lexicon`]), phrases heard in the sounds themselves
//! (the recogniser's [`PhraseHit`]s) and what a sentence means ([`meaning`]). [`guards`] and a play's own do-not-trigger
//! phrases hold matches back; [`fusion`] makes one number of what is left.

mod by_meaning;

pub mod fusion;
pub mod guards;
pub mod lexicon;
pub mod line;
pub mod meaning;
pub mod normalize;
pub mod semantic;

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};

use self::{
    by_meaning::{Growing, TalkSoFar},
    lexicon::{Lexicon, LexiconHit, PatternKind},
    meaning::{Meaning, Memory},
    normalize::{Token, tokens_of, tokens_of_text},
};
use crate::{
    audio::{Party, TrackId},
    event::UtteranceId,
    playbook::{Play, Playbook},
    recognize::{Bias, PhraseHit, PhraseId, SpotPhrase, Word},
    time::MediaTime,
};

/// What a buyer may object to: the labels of shipped plays and the classes of the shipped encoder.
pub const OBJECTIONS: [&str; 15] = [
    "price",
    "budget",
    "timing",
    "incumbent",
    "authority",
    "need",
    "trust",
    "integration",
    "security",
    "contract",
    "brush_off",
    "effort",
    "roi",
    "past_experience",
    "build",
];

/// A play that matched, with the evidence for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    /// Id of the play.
    pub play: String,
    /// Its label: `price`, `timing`, …
    pub label: String,
    /// 0..=1, rounded to three decimals.
    pub score: f32,
    /// Who said it.
    pub track: TrackId,
    /// In which utterance.
    pub utterance: UtteranceId,
    /// What it rests on.
    pub evidence: Evidence,
}

/// What a detection rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Rule in words.
    pub rule: String,
    /// The phrase of the playbook that matched (empty for a semantic match).
    pub phrase: String,
    /// Words of the transcript under it (empty if only the sound was recognised).
    pub words: Vec<Word>,
    /// Start of the phrase in the audio.
    #[serde(rename = "start_us")]
    pub start: MediaTime,
    /// End of the phrase in the audio.
    #[serde(rename = "end_us")]
    pub end: MediaTime,
    /// Media time at which the recogniser reported it.
    #[serde(rename = "heard_at_us")]
    pub heard_at: MediaTime,
    /// Score of the phrase spotter, if it took part.
    pub sound: Option<f32>,
    /// Probability that the clause means this, if it was asked.
    pub similarity: Option<f32>,
}

/// What the detector has to say about what it was given.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The play applies.
    Detected(Detection),
    /// The play matched and was held back, and by what.
    Suppressed(Detection, String),
    /// A play detected a moment ago turns out to be contradicted by what followed.
    Contradicted {
        /// Id of the play.
        play: String,
        /// In which utterance.
        utterance: UtteranceId,
        /// Start of the phrase that was detected: which detection is meant.
        start: MediaTime,
        /// By what, in words.
        by: String,
    },
}

/// The utterance under examination.
#[derive(Clone, Copy, Debug)]
pub struct Heard<'a> {
    /// Media time at which the engine knows this.
    pub at: MediaTime,
    /// Who speaks.
    pub track: TrackId,
    /// For which side.
    pub party: Party,
    /// Which utterance.
    pub utterance: UtteranceId,
    /// Words that stay.
    pub committed: &'a [Word],
    /// Words that may change.
    pub tail: &'a [Word],
}

/// Words looked back at. A clause with its phrase and guards is shorter; more would only cost time.
const WINDOW_WORDS: usize = 40;
/// A match in words that may still change must stand this long before it counts. Recognisers revise their last word
/// about as often as they step; two steps of the embedded one.
const TAIL_STABLE_MS: u64 = 200;
/// Two matches nearer than this are one occurrence. The words and the sounds of a phrase are located by different
/// means and disagree by some hundreds of milliseconds.
const SAME_OCCURRENCE_MS: u64 = 1_500;
/// How long a detection can still be contradicted by what follows it.
const RETRACT_WITHIN_MS: u64 = 4_000;
/// A do-not-trigger phrase must be heard nearly as well as the trigger it vetoes: the sounds of the longer phrase
/// contain those of the shorter, so the shorter always scores a little better.
const VETO_SLACK: f32 = 0.4;
/// A silence this long between two words starts a new clause: what stands before it neither negates nor reports what
/// stands after. Gaps between words of one clause, as the recogniser places them, stay under 300 ms.
pub(crate) const CLAUSE_PAUSE_MS: u64 = 450;
/// A do-not-trigger phrase must be heard this clearly. At the triggers' own threshold it is found in sounds that are
/// merely near it: with about 95 such phrases, 5 of 36 right cards were taken back; at -0.8 none of 277 true phrases in
/// two voices reached it, and nearly all real ones did.
const NEVER_MIN_SCORE: f32 = -0.8;
/// A phrase heard in the sounds waits this long before it counts, if its play has do-not-trigger phrases: those are
/// longer, and complete a moment later. Of 24 false cards that were taken back in a test of 202 spoken lines that must
/// not trigger, 21 would have been caught within this time and never been seen.
const HOLD_MS: u64 = 160;
/// A phrase of so many tokens says what it says, and stands whatever the encoder makes of the sentence: whoever wrote it
/// into the playbook knew the trade better. "Too expensive" alone may stand in any story.
const SPEAKS_FOR_ITSELF: usize = 3;
/// Detections remembered for de-duplication and contradiction.
const RECENT_MAX: usize = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spot {
    Trigger { play: usize, phrase: usize },
    Never { play: usize, phrase: usize },
}

#[derive(Clone, Debug)]
struct Recent {
    play: usize,
    track: TrackId,
    utterance: UtteranceId,
    start: MediaTime,
    end: MediaTime,
    decided_at: MediaTime,
    suppressed: bool,
    contradicted: bool,
    by_meaning: bool,
}

impl Recent {
    /// It stands, and is young enough to be contradicted at `at`.
    fn may_be_taken_back(&self, at: MediaTime) -> bool {
        !self.suppressed && !self.contradicted && at.ms_since(self.decided_at) <= RETRACT_WITHIN_MS
    }
}

#[derive(Clone, Debug)]
struct Veto {
    play: usize,
    track: TrackId,
    start: MediaTime,
    end: MediaTime,
    score: f32,
    phrase: String,
}

/// A detection that waits for a veto which may be on its way.
#[derive(Clone, Debug)]
struct Pending {
    due: MediaTime,
    detection: Detection,
}

struct Candidate<'a> {
    play: usize,
    phrase: &'a str,
    words: Vec<Word>,
    start: MediaTime,
    end: MediaTime,
    score: f32,
    rule: String,
    sound: Option<f32>,
    similarity: Option<f32>,
}

/// Watches one call.
pub struct Detector {
    playbook: Arc<Playbook>,
    lexicon: Lexicon,
    spots: Vec<Spot>,
    meaning: Option<Arc<Meaning>>,
    meaning_rests: bool,
    memory: Memory,
    talk: TalkSoFar,
    /// The clause under way on each track.
    growing: BTreeMap<TrackId, Growing>,
    recent: Vec<Recent>,
    vetoes: Vec<Veto>,
    pending: Vec<Pending>,
    /// When each (track, play, phrase) was first seen in a tail.
    in_tail: BTreeMap<(TrackId, usize, String), MediaTime>,
}

impl std::fmt::Debug for Detector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Detector").field("playbook", &self.playbook.name).field("recent", &self.recent.len()).finish()
    }
}

impl Detector {
    /// A detector for `playbook`; `meaning`, if there is one, was made for the same playbook.
    #[must_use]
    pub fn new(playbook: Arc<Playbook>, meaning: Option<Arc<Meaning>>) -> Self {
        let lexicon = Lexicon::new(&playbook);
        let spots = spots(&playbook);
        Self {
            playbook,
            lexicon,
            spots,
            meaning,
            meaning_rests: false,
            memory: Memory::default(),
            talk: TalkSoFar::default(),
            growing: BTreeMap::new(),
            recent: Vec::new(),
            vetoes: Vec::new(),
            pending: Vec::new(),
            in_tail: BTreeMap::new(),
        }
    }

    /// Version of the rules, for the log's first event.
    #[must_use]
    pub fn id(&self) -> String {
        self.meaning.as_ref().map_or_else(|| "phrases-2".to_owned(), |m| format!("phrases-2+{}", m.id()))
    }

    /// Forgets what was detected so far, as if the call began anew.
    pub fn forget(&mut self) {
        self.recent.clear();
        self.vetoes.clear();
        self.pending.clear();
        self.in_tail.clear();
        self.growing.clear();
        self.memory = Memory::default();
    }

    /// Begins anew, as for another call: [`forget`](Self::forget), and what the talk has been like.
    pub fn begin(&mut self) {
        self.forget();
        self.talk = TalkSoFar::default();
    }

    /// Forgets what was detected in the words of `track`; what still waits for a veto never counts.
    pub fn forget_track(&mut self, track: TrackId) {
        self.recent.retain(|r| r.track != track);
        self.vetoes.retain(|v| v.track != track);
        self.pending.retain(|p| p.detection.track != track);
        self.in_tail.retain(|key, _| key.0 != track);
        self.growing.remove(&track);
        self.memory = Memory::default();
    }

    /// Whether meaning is left out for now (the machine is behind).
    pub fn rest_meaning(&mut self, rest: bool) {
        self.meaning_rests = rest;
    }

    /// What to tell the recogniser of a track of `party`: phrases to spot are those its words could trigger; `context`
    /// are names for this call. Phrase numbers are the same for every party.
    #[must_use]
    pub fn bias(&self, party: Party, context: &[String]) -> Bias {
        let mut words: Vec<String> = self.playbook.vocabulary.all().map(str::to_lowercase).collect();
        words.extend(context.iter().map(|c| c.to_lowercase()));
        let mut spot = Vec::new();
        for (id, s) in (0u32..).zip(&self.spots) {
            let (play, text, is_trigger) = match *s {
                Spot::Trigger { play, phrase } => {
                    (&self.playbook.plays[play], &self.playbook.plays[play].phrases[phrase], true)
                }
                Spot::Never { play, phrase } => {
                    (&self.playbook.plays[play], &self.playbook.plays[play].never[phrase], false)
                }
            };
            if !play.speaker.admits(party) {
                continue;
            }
            if is_trigger {
                words.push(text.clone());
            }
            let sounds_like = play
                .sounds_like
                .iter()
                .filter(|(word, _)| text.contains(word.as_str()))
                .map(|(word, like)| text.replace(word.as_str(), like))
                .collect();
            let min_score = (!is_trigger).then_some(NEVER_MIN_SCORE);
            spot.push(SpotPhrase { id: PhraseId(id), text: text.clone(), sounds_like, min_score });
        }
        Bias { context: words, spot }
    }

    /// The number under which a phrase is spotted in the sounds, a trigger or a do-not-trigger phrase. A trigger that
    /// has moved to another play is found there.
    pub(crate) fn spotted_as(&self, play: &str, phrase: &str, trigger: bool) -> Option<PhraseId> {
        let plays = &self.playbook.plays;
        let found = (0u32..).zip(&self.spots).filter(|(_, spot)| match **spot {
            Spot::Trigger { play, phrase: n } => trigger && plays[play].phrases[n] == phrase,
            Spot::Never { play: of, phrase: n } => !trigger && plays[of].id == play && plays[of].never[n] == phrase,
        });
        let own = |spot: &Spot| match *spot {
            Spot::Trigger { play: of, .. } | Spot::Never { play: of, .. } => plays[of].id == play,
        };
        found.max_by_key(|(id, spot)| (own(spot), std::cmp::Reverse(*id))).map(|(id, _)| PhraseId(id))
    }

    /// When the detector next wants to be called, if it does.
    #[must_use]
    pub fn deadline(&self) -> Option<MediaTime> {
        self.pending.iter().map(|p| p.due).min()
    }

    /// Lets go what has waited long enough by `at`.
    pub fn on_time(&mut self, at: MediaTime) -> Vec<Verdict> {
        let (due, waiting) = std::mem::take(&mut self.pending).into_iter().partition(|p| p.due <= at);
        self.pending = waiting;
        let due: Vec<Pending> = due;
        due.into_iter().map(|p| Verdict::Detected(p.detection)).collect()
    }

    /// Keeps fresh detections of sounds back for a moment, and drops those that are contradicted meanwhile.
    fn hold(&mut self, at: MediaTime, verdicts: Vec<Verdict>) -> Vec<Verdict> {
        let mut out = Vec::new();
        for verdict in verdicts {
            match verdict {
                Verdict::Detected(detection)
                    if detection.evidence.sound.is_some()
                        && self.playbook.play(&detection.play).is_some_and(|p| !p.never.is_empty()) =>
                {
                    self.pending.push(Pending { due: at.plus_ms(HOLD_MS), detection });
                }
                Verdict::Contradicted { play, utterance, start, by } => {
                    let waits = |p: &Pending| {
                        let d = &p.detection;
                        d.play == play && d.utterance == utterance && d.evidence.start == start
                    };
                    match self.pending.iter().position(waits) {
                        Some(i) => out.push(Verdict::Suppressed(self.pending.remove(i).detection, by)),
                        None => out.push(Verdict::Contradicted { play, utterance, start, by }),
                    }
                }
                other => out.push(other),
            }
        }
        out
    }

    /// The words of an utterance changed.
    pub fn on_words(&mut self, heard: &Heard<'_>) -> Vec<Verdict> {
        let mut verdicts = self.judge_words(heard);
        verdicts.extend(self.hear_clause(heard));
        self.hold(heard.at, verdicts)
    }

    fn judge_words(&mut self, heard: &Heard<'_>) -> Vec<Verdict> {
        let words: Vec<Word> = heard.committed.iter().chain(heard.tail).cloned().collect();
        let skip = words.len().saturating_sub(WINDOW_WORDS);
        let committed = heard.committed.len().saturating_sub(skip);
        let words = &words[skip..];
        let tokens = tokens_of(words);
        let hits = self.lexicon.find(&tokens);
        let mut out = Vec::new();
        self.contradict(heard, words, &tokens, &hits, committed, &mut out);
        let mut in_tail = Vec::new();
        for hit in longest(&hits) {
            if !self.playbook.plays[hit.play].speaker.admits(heard.party) {
                continue;
            }
            let last_word = tokens[hit.end - 1].word;
            let certain = last_word < committed;
            if !certain {
                let key = (heard.track, hit.play, hit.phrase.clone());
                let since = *self.in_tail.entry(key.clone()).or_insert(heard.at);
                in_tail.push(key);
                if heard.at.ms_since(since) < TAIL_STABLE_MS {
                    continue;
                }
            }
            let first_word = tokens[hit.first].word;
            let phrase_words = words[first_word..=last_word].to_vec();
            let held = self.never_in_words(hit, &hits).or_else(|| {
                guards::held_back_by(clause_before(words, &tokens, hit.first), &tokens[hit.first..hit.end])
            });
            let mut score = if certain { fusion::COMMITTED_TEXT } else { fusion::TAIL_TEXT };
            let similarity = self.meaning_around(heard, words, hit.play);
            let mut unlike = None;
            if let Some(p) = similarity {
                if hit.end - hit.first < SPEAKS_FOR_ITSELF && p < fusion::UNLIKE_BELOW {
                    unlike = Some(format!("the sentence means something else ({p:.2})"));
                }
                score = fusion::combine(&[score, p]);
            }
            if score < fusion::FIRE_AT {
                continue;
            }
            let candidate = Candidate {
                play: hit.play,
                phrase: &hit.phrase,
                start: words[first_word].start,
                end: words[last_word].end,
                words: phrase_words,
                score,
                rule: format!("phrase \"{}\" in the words", hit.phrase),
                sound: None,
                similarity,
            };
            let held = held.or(unlike);
            out.extend(self.decide(heard, candidate, held));
        }
        self.in_tail.retain(|key, _| key.0 != heard.track || in_tail.contains(key));
        out
    }

    /// A phrase was heard in the sounds.
    pub fn on_phrase(&mut self, heard: &Heard<'_>, hit: &PhraseHit) -> Vec<Verdict> {
        let verdicts = self.judge_phrase(heard, hit);
        self.hold(heard.at, verdicts)
    }

    fn judge_phrase(&mut self, heard: &Heard<'_>, hit: &PhraseHit) -> Vec<Verdict> {
        let Some(spot) = self.spots.get(hit.phrase.0 as usize).copied() else {
            return Vec::new();
        };
        let playbook = Arc::clone(&self.playbook);
        match spot {
            Spot::Never { play, phrase } => self.veto(heard, hit, play, &playbook.plays[play].never[phrase]),
            Spot::Trigger { play, phrase } => {
                let rules = &playbook.plays[play];
                if !rules.speaker.admits(heard.party) {
                    return Vec::new();
                }
                let text = &rules.phrases[phrase];
                let words: Vec<Word> = heard.committed.iter().chain(heard.tail).cloned().collect();
                let under = words.iter().filter(|w| middle(w) >= hit.start && middle(w) <= hit.end).cloned().collect();
                let before: Vec<Word> = words.into_iter().filter(|w| middle(w) < hit.start).collect();
                let before = &before[before.len().saturating_sub(WINDOW_WORDS)..];
                let paused = before.last().is_some_and(|w| hit.start.ms_since(w.end) >= CLAUSE_PAUSE_MS);
                let before = if paused { Vec::new() } else { tokens_of(&before[clause_start(before)..]) };
                let held = self
                    .vetoed(heard.track, play, hit)
                    .or_else(|| guards::held_back_by(&before, &tokens_of_text(text)));
                let score = fusion::combine(&[fusion::sound(hit)]);
                if score < fusion::FIRE_AT {
                    return Vec::new();
                }
                let candidate = Candidate {
                    play,
                    phrase: text,
                    words: under,
                    start: hit.start,
                    end: hit.end,
                    score,
                    rule: format!("phrase \"{text}\" heard in the sound"),
                    sound: Some(hit.score),
                    similarity: None,
                };
                self.decide(heard, candidate, held).into_iter().collect()
            }
        }
    }

    /// An utterance is complete.
    pub fn on_utterance_end(&mut self, heard: &Heard<'_>) -> Vec<Verdict> {
        self.in_tail.retain(|key, _| key.0 != heard.track);
        self.close_clause(heard)
    }

    /// What becomes of a candidate that is likely enough; how likely that is, each kind of evidence says for itself.
    fn decide(&mut self, heard: &Heard<'_>, c: Candidate<'_>, held: Option<String>) -> Option<Verdict> {
        let same_sound = |r: &&mut Recent| {
            r.track == heard.track
                && (overlap_us(r.start, r.end, c.start, c.end) > 0
                    || r.play == c.play && gap_ms(r.start, r.end, c.start, c.end) < SAME_OCCURRENCE_MS)
        };
        // One stretch of audio is one objection: the play that got there first keeps it. A stretch that was held or
        // taken back stays so for the same play, and is free for another.
        let stands = |r: &Recent| !r.suppressed && !r.contradicted;
        let known = self.recent.iter_mut().find(|r| same_sound(r) && (r.play == c.play || stands(r)));
        if let Some(known) = known {
            if known.play == c.play {
                known.end = known.end.max(c.end);
            }
            return None;
        }
        let play: &Play = &self.playbook.plays[c.play];
        let detection = Detection {
            play: play.id.clone(),
            label: play.label.clone(),
            score: c.score,
            track: heard.track,
            utterance: heard.utterance,
            evidence: Evidence {
                rule: c.rule,
                phrase: c.phrase.to_owned(),
                words: c.words,
                start: c.start,
                end: c.end,
                heard_at: heard.at,
                sound: c.sound,
                similarity: c.similarity,
            },
        };
        if self.recent.len() == RECENT_MAX {
            self.recent.remove(0);
        }
        self.recent.push(Recent {
            play: c.play,
            track: heard.track,
            utterance: heard.utterance,
            start: c.start,
            end: c.end,
            decided_at: heard.at,
            suppressed: held.is_some(),
            contradicted: false,
            by_meaning: detection.evidence.phrase.is_empty(),
        });
        Some(match held {
            None => Verdict::Detected(detection),
            Some(by) => Verdict::Suppressed(detection, by),
        })
    }

    /// A do-not-trigger phrase that covers the hit, or stands in the clause right around it.
    fn never_in_words(&self, hit: &LexiconHit, hits: &[LexiconHit]) -> Option<String> {
        hits.iter()
            .find(|n| n.kind == PatternKind::Never && n.play == hit.play && n.first <= hit.end && hit.first <= n.end)
            .map(|n| format!("do-not-trigger: \"{}\"", n.phrase))
    }

    fn veto(&mut self, heard: &Heard<'_>, hit: &PhraseHit, play: usize, phrase: &str) -> Vec<Verdict> {
        if self.vetoes.len() == RECENT_MAX {
            self.vetoes.remove(0);
        }
        self.vetoes.push(Veto {
            play,
            track: heard.track,
            start: hit.start,
            end: hit.end,
            score: hit.score,
            phrase: phrase.to_owned(),
        });
        let by = format!("do-not-trigger: \"{phrase}\" heard in the sound");
        let playbook = Arc::clone(&self.playbook);
        self.recent
            .iter_mut()
            .filter(|r| r.play == play && r.track == heard.track && r.may_be_taken_back(heard.at))
            .filter(|r| overlap_us(r.start, r.end, hit.start, hit.end) > 0)
            .map(|r| {
                r.contradicted = true;
                let play = playbook.plays[play].id.clone();
                Verdict::Contradicted { play, utterance: r.utterance, start: r.start, by: by.clone() }
            })
            .collect()
    }

    fn vetoed(&self, track: TrackId, play: usize, hit: &PhraseHit) -> Option<String> {
        self.vetoes
            .iter()
            .rev()
            .find(|v| {
                v.play == play
                    && v.track == track
                    && overlap_us(v.start, v.end, hit.start, hit.end) > 0
                    && v.score >= hit.score - VETO_SLACK
            })
            .map(|v| format!("do-not-trigger: \"{}\" heard in the sound", v.phrase))
    }

    /// Words that are now certain take back a young detection when they negate it, report it, or complete a
    /// do-not-trigger phrase.
    fn contradict(
        &mut self,
        heard: &Heard<'_>,
        words: &[Word],
        tokens: &[Token],
        hits: &[LexiconHit],
        committed: usize,
        out: &mut Vec<Verdict>,
    ) {
        let playbook = Arc::clone(&self.playbook);
        for r in &mut self.recent {
            if r.utterance != heard.utterance || !r.may_be_taken_back(heard.at) {
                continue;
            }
            let by = hits.iter().filter(|h| h.play == r.play && tokens[h.end - 1].word < committed).find_map(|h| {
                let (first, last) = (&words[tokens[h.first].word], &words[tokens[h.end - 1].word]);
                if overlap_us(first.start, last.end, r.start, r.end) == 0 {
                    return None;
                }
                match h.kind {
                    PatternKind::Never => Some(format!("do-not-trigger: \"{}\"", h.phrase)),
                    PatternKind::Trigger => {
                        guards::held_back_by(clause_before(words, tokens, h.first), &tokens[h.first..h.end])
                    }
                }
            });
            if let Some(by) = by {
                r.contradicted = true;
                let play = playbook.plays[r.play].id.clone();
                out.push(Verdict::Contradicted { play, utterance: r.utterance, start: r.start, by });
            }
        }
    }
}

fn spots(playbook: &Playbook) -> Vec<Spot> {
    let mut out = Vec::new();
    for (play, p) in playbook.plays.iter().enumerate() {
        out.extend((0..p.phrases.len()).map(|phrase| Spot::Trigger { play, phrase }));
        out.extend((0..p.never.len()).map(|phrase| Spot::Never { play, phrase }));
    }
    out
}

/// Trigger hits that are not inside a longer trigger hit: "way too expensive" wins over "too expensive".
fn longest(hits: &[LexiconHit]) -> impl Iterator<Item = &LexiconHit> {
    hits.iter().filter(|h| {
        h.kind == PatternKind::Trigger
            && !hits.iter().any(|o| {
                o.kind == PatternKind::Trigger
                    && o.first <= h.first
                    && h.end <= o.end
                    && (o.end - o.first) > (h.end - h.first)
            })
    })
}

/// Index of the first word after the last long pause.
fn clause_start(words: &[Word]) -> usize {
    words.windows(2).rposition(|w| w[1].start.ms_since(w[0].end) >= CLAUSE_PAUSE_MS).map_or(0, |i| i + 1)
}

/// The tokens in front of token `first` that belong to its clause.
fn clause_before<'a>(words: &[Word], tokens: &'a [Token], first: usize) -> &'a [Token] {
    let start = clause_start(&words[..=tokens[first].word]);
    let from = tokens.iter().position(|t| t.word >= start).unwrap_or(first);
    &tokens[from.min(first)..first]
}

fn middle(w: &Word) -> MediaTime {
    MediaTime::from_us(w.start.us() / 2 + w.end.us() / 2)
}

fn overlap_us(a0: MediaTime, a1: MediaTime, b0: MediaTime, b1: MediaTime) -> u64 {
    a1.min(b1).us_since(a0.max(b0))
}

fn gap_ms(a0: MediaTime, a1: MediaTime, b0: MediaTime, b1: MediaTime) -> u64 {
    b0.ms_since(a1).max(a0.ms_since(b1))
}

#[cfg(test)]
mod tests;
