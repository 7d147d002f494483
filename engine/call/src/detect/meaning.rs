//! What a sentence calls for, by what it means: the encoder's classes, and nearness to the plays' own examples.
//!
//! Built once per playbook and shared by all calls; a call keeps a [`Memory`] of what it has judged, because the same
//! words are asked about again while the recogniser thinks.

use std::{collections::VecDeque, sync::Arc};

use super::{
    fusion,
    normalize::{join, tokens_of_text},
    semantic::{Sentence, SentenceEncoder},
};
use crate::playbook::{Play, Playbook};

/// Texts whose judgement is remembered in a call. A hypothesis goes through a handful of forms before it stands.
const REMEMBERED: usize = 16;
/// Phrases that stand in as examples of a play that has no `like` lines.
const PHRASES_AS_EXAMPLES: usize = 4;
/// A sentence this near to a `not_like` line, and nearer than to any `like` line, is held to be one of them. Two lines of
/// the development set in other words lie at 0.5 to 0.7.
const NOT_LIKE_AT: f32 = 0.8;
/// A sentence of fewer words calls for no play by its examples alone: two words lie near anything.
const EXAMPLE_WORDS: usize = 4;

/// The examples of one play.
#[derive(Debug, Default)]
struct Examples {
    like: Vec<Vec<f32>>,
    middle: Vec<f32>,
    not_like: Vec<Vec<f32>>,
}

/// A playbook as the encoder sees it.
pub struct Meaning {
    encoder: Arc<dyn SentenceEncoder>,
    plays: Vec<Examples>,
    /// Index of each play's label among the encoder's classes, if it is one of them.
    class_of: Vec<Option<usize>>,
}

impl std::fmt::Debug for Meaning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Meaning").field("encoder", &self.encoder.id()).field("plays", &self.plays.len()).finish()
    }
}

/// What a sentence was found to mean.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judged {
    /// Probability of each class of the encoder.
    pub classes: Vec<f32>,
    /// The likeliest objection among them, and how likely it is that something is objected to at all.
    pub objection: Option<(usize, f32)>,
    /// Per play of the playbook: likeness to the middle of its `like` lines, -1..=1, less what a nearer `not_like` line takes.
    pub near: Vec<f32>,
    /// Per play: whether it is as good as one of the play's `not_like` lines.
    pub denied: Vec<bool>,
    /// Words of the sentence.
    pub words: usize,
}

/// What a call has judged lately.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    judged: VecDeque<(String, Arc<Judged>)>,
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn nearest(examples: &[Vec<f32>], sentence: &[f32]) -> f32 {
    examples.iter().map(|e| dot(e, sentence)).fold(-1.0, f32::max)
}

/// Where the middle of some places lies, at length 1. On new plays of three examples it finds more than the nearest of
/// them does (39 % of what strangers say against 20 %, at 2 % false), which one odd example fools.
fn middle(examples: &[Vec<f32>]) -> Vec<f32> {
    let mut sum = vec![0.0; examples.first().map_or(0, Vec::len)];
    for example in examples {
        sum.iter_mut().zip(example).for_each(|(s, e)| *s += e);
    }
    let length = dot(&sum, &sum).sqrt();
    if length > 0.0 {
        sum.iter_mut().for_each(|s| *s /= length);
    }
    sum
}

impl Meaning {
    /// Encodes the examples of `playbook`, about two milliseconds of one core each.
    #[must_use]
    pub fn new(encoder: Arc<dyn SentenceEncoder>, playbook: &Playbook) -> Self {
        let examples = |p: &Play| {
            let phrases = &p.phrases[..p.phrases.len().min(PHRASES_AS_EXAMPLES)];
            if p.like.is_empty() { phrases.to_vec() } else { p.like.clone() }
        };
        let lines = playbook.plays.iter().flat_map(|p| examples(p).into_iter().chain(p.not_like.iter().cloned()));
        let lines: Vec<String> = lines.map(|line| join(&tokens_of_text(&line))).collect();
        // All at once, so that an encoder may use every core for them.
        let mut places = encoder.encode_all(&lines).into_iter().map(|s| s.embedding);
        let mut next = |n: usize| -> Vec<Vec<f32>> { places.by_ref().take(n).collect() };
        let plays = playbook.plays.iter().map(|p| {
            let like = next(examples(p).len());
            Examples { middle: middle(&like), like, not_like: next(p.not_like.len()) }
        });
        let plays = plays.collect();
        let class = |label: &String| encoder.labels().iter().position(|l| l == label);
        let class_of = playbook.plays.iter().map(|p| class(&p.label)).collect();
        Self { encoder, plays, class_of }
    }

    /// Name of the encoder.
    #[must_use]
    pub fn id(&self) -> String {
        self.encoder.id()
    }

    /// The encoder, for rules that compare sentences of their own.
    #[must_use]
    pub fn encoder(&self) -> Arc<dyn SentenceEncoder> {
        Arc::clone(&self.encoder)
    }

    /// Judges `text`, normalised tokens with single spaces.
    #[must_use]
    pub fn judge(&self, text: &str) -> Judged {
        let Sentence { embedding, classes } = self.encoder.encode(text);
        let (mut near, mut denied) = (Vec::new(), Vec::new());
        for p in &self.plays {
            let (like, not_like) = (nearest(&p.like, &embedding), nearest(&p.not_like, &embedding));
            // A line that is nearer to what the play is not about is not about it.
            near.push(if p.like.is_empty() { -1.0 } else { dot(&p.middle, &embedding) - (not_like - like).max(0.0) });
            denied.push(not_like >= NOT_LIKE_AT && not_like > like);
        }
        let objections = (0..classes.len()).filter(|c| self.encoder.objections().get(*c) == Some(&true));
        let likeliest = objections.clone().max_by(|a, b| classes[*a].total_cmp(&classes[*b]).then(b.cmp(a)));
        let objection = likeliest.map(|c| (c, objections.map(|c| classes[c]).sum()));
        Judged { near, denied, objection, classes, words: text.split_whitespace().count() }
    }

    /// [`judge`](Self::judge), remembered.
    pub fn judge_once(&self, text: &str, memory: &mut Memory) -> Arc<Judged> {
        if let Some((_, known)) = memory.judged.iter().find(|(t, _)| t == text) {
            return Arc::clone(known);
        }
        if memory.judged.len() == REMEMBERED {
            memory.judged.pop_front();
        }
        let judged = Arc::new(self.judge(text));
        memory.judged.push_back((text.to_owned(), Arc::clone(&judged)));
        judged
    }

    /// Probability that `play` is called for: of its class where the encoder knows it (of any objection, if that class is
    /// the likeliest one), else by its examples.
    #[must_use]
    pub fn probability(&self, judged: &Judged, play: usize) -> f32 {
        match self.class_of.get(play).copied().flatten() {
            // "No line for that": price or budget? That it is an objection is surer than which.
            Some(class) => match judged.objection {
                Some((likeliest, any)) if likeliest == class => any,
                _ => judged.classes.get(class).copied().unwrap_or(0.0),
            },
            None if judged.words < EXAMPLE_WORDS => 0.0,
            None => fusion::by_example(judged.near.get(play).copied().unwrap_or(-1.0)),
        }
    }

    /// How likely it is that something is objected to at all, if the encoder knows what an objection is.
    #[must_use]
    pub fn objection(judged: &Judged) -> Option<f32> {
        judged.objection.map(|(_, any)| any)
    }

    /// Whether a play is recognised by its class, and not by its examples alone.
    #[must_use]
    pub fn has_class(&self, play: usize) -> bool {
        self.class_of.get(play).copied().flatten().is_some()
    }

    /// The play that fits best among those that `admits` lets through, and the probability that it is called for: the
    /// most probable class or own label, and in it the play with the nearest example.
    pub fn best(&self, judged: &Judged, admits: impl Fn(usize) -> bool) -> Option<(usize, f32)> {
        let rank = |&play: &usize| (self.probability(judged, play), judged.near[play]);
        let better = |a: &usize, b: &usize| {
            let ((pa, na), (pb, nb)) = (rank(a), rank(b));
            pa.total_cmp(&pb).then(na.total_cmp(&nb)).then(b.cmp(a))
        };
        let plays = (0..self.plays.len()).filter(|p| admits(*p));
        plays.max_by(better).map(|play| (play, self.probability(judged, play)))
    }
}
