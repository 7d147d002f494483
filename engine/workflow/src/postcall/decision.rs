//! What was settled in a call: terms that one side states and the other takes.
//!
//! Hardly anybody says "we decided". What is settled is said as terms, after talk about them, and said again by the other
//! side or taken with a word; so several weak signs are counted.

use std::sync::LazyLock;

use reframe_call::audio::Party;

use super::{
    acts::YES,
    cues::{Cues, cue},
    stage::is_figure,
    talk::{Span, Talk},
};

/// Decisions that are kept.
const MOST: usize = 6;
/// Least score of one.
const LEAST: f32 = 1.0;

/// Phrases that settle something, with their weight.
static SETTLING: LazyLock<Cues<f32>> = LazyLock::new(|| {
    Cues::new(&[
        cue("let's go with|ahead|for", 0.8),
        cue("let's do it", 0.8),
        cue("let's say|call|do|keep|leave|stick|park|skip|lock|start|make", 0.5),
        cue("let's say|call that|it", 0.7),
        cue("we'll just? go with|ahead|for|live", 0.7),
        cue("we'll say|do|take|keep|stick|leave|park|skip|drop|start", 0.5),
        cue("we'll park", 0.7),
        cue("we go live on|the", 0.7),
        cue("i'll take the|that|it", 0.5),
        cue("we're|i'm going|gonna|moving? with|ahead|for|go", 0.7),
        cue("that's what|how we're|we|i'm do|doing|doin|going|it", 0.7),
        cue("i'm|we're|we've|i've deciding|decided", 0.9),
        cue("we've|we agreed|settled on|to|that", 0.7),
        cue("are|we're|that's|it's agreed|settled|decided", 0.8),
        cue("it's|that's a deal|yes", 0.8),
        cue("we have|you've|you got a deal", 0.8),
        cue("i'm|we're happy|fine|okay|good|alright|content|comfortable with|that", 0.7),
        cue("happy|fine|okay|good|alright|content with that|the|those", 0.5),
        cue("i|we can live with", 0.8),
        cue("consider it approved|done|agreed|signed", 0.8),
        cue("firm|final answer", 0.8),
        cue("put it|us|me at|as|down|on", 0.5),
        cue("leave|take|drop _ _? out|off", 0.5),
        cue("go on then", 0.6),
        cue("count us|me in", 0.8),
        cue("green light", 0.6),
        cue("not this year|quarter|time", 0.4),
        cue("i'm saying no|yes", 0.6),
        cue("proceed with", 0.5),
        cue("it is", 0.2),
        cue("no let's|just", 0.3),
        cue("only", 0.15),
        cue("altogether|as is", 0.2),
        cue("is alright|fine|okay|acceptable", 0.4),
        cue("works for us|me", 0.4),
    ])
});

/// Words of the terms of a deal.
const TERMS: [&str; 36] = [
    "year",
    "years",
    "month",
    "months",
    "monthly",
    "annual",
    "annually",
    "percent",
    "cent",
    "seat",
    "seats",
    "licence",
    "license",
    "licences",
    "users",
    "pilot",
    "trial",
    "phase",
    "site",
    "sites",
    "price",
    "term",
    "clause",
    "start",
    "live",
    "option",
    "package",
    "plan",
    "tier",
    "module",
    "renew",
    "quarterly",
    "sandbox",
    "parallel",
    "discount",
    "notice",
];

/// Something that was settled.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The words.
    pub said: Span,
    /// How sure, 0 to 1.
    pub confidence: f32,
}

/// The decisions of a call, in order.
pub fn decisions(talk: &Talk<'_>) -> Vec<Decision> {
    let yes = Cues::new(YES);
    let mut found: Vec<(f32, Span)> = Vec::new();
    for n in 0..talk.lines.len() {
        let Some((score, said)) = weighed(talk, n, &yes) else { continue };
        // What is said again two lines on is settled once: the plainer words stay.
        match found.last_mut().filter(|(_, s)| n - s.line <= 3 && shared(talk, s.line, n) >= 1) {
            Some(last) if last.0 < score => *last = (score, said),
            Some(_) => {}
            None => found.push((score, said)),
        }
    }
    found.retain(|f| f.0 >= LEAST);
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    found.truncate(MOST);
    let mut found: Vec<Decision> =
        found.into_iter().map(|(score, said)| Decision { said, confidence: (0.4 * score).clamp(0.3, 0.9) }).collect();
    found.sort_by(|a, b| a.said.cmp(&b.said));
    found
}

fn weighed(talk: &Talk<'_>, n: usize, yes: &Cues<()>) -> Option<(f32, Span)> {
    const ASKS: [&str; 18] = [
        "what", "how", "when", "who", "why", "where", "can", "could", "do", "does", "did", "is", "are", "would",
        "should", "which", "shall", "have",
    ];
    const OPENS: [&str; 12] =
        ["okay", "ok", "alright", "right", "righto", "fine", "so", "yes", "yeah", "good", "then", "done"];
    const SUPPOSES: [&str; 14] = [
        "if", "would", "could", "might", "maybe", "think", "wonder", "unless", "whether", "because", "last", "used",
        "was", "were",
    ];
    let line = &talk.lines[n];
    let words = &line.words;
    if line.side == Party::Unknown || words.len() < 4 {
        return None;
    }
    let settles = SETTLING.all(words);
    let (cue, at) =
        settles.iter().map(|(r, w)| (*w, r.clone())).max_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or((0.0, 0..1));
    let before = &words[at.start.saturating_sub(4)..at.start];
    let after = words.get(at.end).copied().unwrap_or("");
    let talked = ["see", "talk", "look", "back", "over", "through", "you", "what"].contains(&after);
    let supposed = before.iter().any(|w| SUPPOSES.contains(w) || *w == "when" || *w == "once");
    let cue = if talked || supposed { 0.0 } else { cue };
    let said = talk.passage(n, at.clone(), 24);
    let terms = talk.words(&said).iter().filter(|w| TERMS.contains(w) || is_number(w)).count().min(2);
    let dated = line.days.iter().any(|d| d.words.start >= said.from && d.words.end <= said.to);
    let reply = talk.reply(n, 1);
    let taken = reply.is_some_and(|r| yes.any(&talk.lines[r].words[..talk.lines[r].words.len().min(3)]));
    let echoed = reply.is_some_and(|r| shared(talk, n, r) >= 1);
    let echoes = (n.saturating_sub(2)..n).any(|b| talk.lines[b].side != line.side && shared(talk, b, n) >= 1);
    let asks = ASKS.contains(&words[0]) || words.len() > 1 && OPENS.contains(&words[0]) && ASKS.contains(&words[1]);
    let wavers = talk.words(&said).iter().filter(|w| SUPPOSES.contains(w)).count().min(2);
    let flag = |on: bool, weight: f32| if on { weight } else { 0.0 };
    // At most two of each.
    #[allow(clippy::cast_precision_loss)]
    let score = cue
        + 0.15 * terms as f32
        + flag(dated, 0.1)
        + flag(OPENS.contains(&words[0]), 0.15)
        + flag(taken, 0.15)
        + flag(echoed, 0.25)
        + flag(echoes, 0.2)
        + flag(line.side == Party::Buyer, 0.15)
        + 0.2 * (n as f32 / talk.lines.len() as f32)
        - 0.2 * wavers as f32
        - flag(asks, 0.5)
        - flag(words.len() > 45, 0.2);
    (cue > 0.1 && said.to - said.from >= 4).then_some((score, said))
}

/// How many words of weight two lines share: figures, and words that are not in every sentence.
fn shared(talk: &Talk<'_>, a: usize, b: usize) -> usize {
    let theirs = &talk.lines[b].words;
    let mut mine: Vec<&str> =
        talk.lines[a].words.iter().copied().filter(|w| is_number(w) || TERMS.contains(w) || w.len() > 6).collect();
    mine.sort_unstable();
    mine.dedup();
    mine.iter().filter(|w| theirs.contains(w)).count()
}

fn is_number(word: &str) -> bool {
    const SMALL: [&str; 12] =
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "half", "quarter", "quarters"];
    is_figure(word) || SMALL.contains(&word)
}
