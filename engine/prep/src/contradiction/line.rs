//! What was said, as the rules read it: words without punctuation, cut into sentences, and patterns looked for in them.

/// One word: lower case, without punctuation, and which word as heard it is part of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The word; of `go-live` there are two.
    pub text: String,
    /// Place among the words as heard.
    pub at: usize,
    /// Whether it was written with a capital letter inside a sentence: likely a name.
    pub name: bool,
}

/// One sentence of a turn; of words without punctuation the whole turn is one.
#[derive(Clone, Debug, Default)]
pub struct Sentence {
    /// Its words.
    pub words: Vec<Token>,
    /// Whether it asks.
    pub asks: bool,
    /// After which words a comma stands.
    pub commas: Vec<usize>,
    /// A bit for the beginning of each word: most patterns are told apart by it at once.
    beginnings: u128,
}

/// The bit of a word's beginning.
fn beginning(word: &str) -> u128 {
    let bytes = word.as_bytes();
    let of = |i: usize| usize::from(bytes.get(i).copied().unwrap_or(0));
    1 << ((of(0) * 31 + of(1)) % 128)
}

/// Words by which a sentence without punctuation asks.
const ASKING: &[&str] = &[
    "what|which|who|whose|when|where|why|how",
    "so what|who|when|where|why|how|which",
    "and what|who|when|where|why|how|which",
    "is|are|do|does|did|can|could|would|will|have|has|should that|it|you|we|they|there|i",
    "and|so|but is|are|do|does|did|can|could|would|will|have|should that|it|you|we|they|there|i",
    "would it|that|you",
    "may i",
];

/// Words that begin like a question and are none: "what we need is".
const TELLING: &[&str] = &[
    "what|when|where|how|whatever we|i|they|he|she|it|our|my|matters|i'd|we'd|we'll|i'm|we're",
    "so|and|but what|when|where|how we|i|they|he|she|it|our|my|matters|i'd|we'd|we'll",
    "have|has been",
    "which is|means|we|i",
];

/// Cuts words into sentences.
pub fn sentences<'a>(words: impl Iterator<Item = &'a str>) -> Vec<Sentence> {
    let mut out = vec![Sentence::default()];
    let mut punctuated = false;
    for (at, heard) in words.enumerate() {
        let last = out.last_mut().expect("begins with one");
        let first = last.words.is_empty();
        let capital = heard.chars().next().is_some_and(char::is_uppercase);
        for part in heard.split(['-', '–', '—', '/', '…']) {
            let keep = |c: char| c.is_alphanumeric() || matches!(c, '$' | '€' | '£' | '%');
            let text = part.trim_matches(|c| !keep(c)).replace('’', "'").to_lowercase();
            if !text.is_empty() {
                let name = capital && !first && text != "i" && !text.starts_with("i'");
                last.words.push(Token { text, at, name });
            }
        }
        match heard.chars().last() {
            Some('.' | '!' | '?') if !last.words.is_empty() => {
                last.asks = heard.ends_with('?');
                punctuated = true;
                out.push(Sentence::default());
            }
            Some(',' | ';' | ':') => {
                punctuated = true;
                let n = last.words.len();
                last.commas.push(n);
            }
            _ => {}
        }
    }
    out.retain(|s| !s.words.is_empty());
    for sentence in &mut out {
        sentence.beginnings = sentence.words.iter().map(|w| beginning(&w.text)).fold(0, |all, bit| all | bit);
    }
    if !punctuated {
        for sentence in &mut out {
            sentence.asks = ASKING.iter().any(|p| sentence.starts(p)) && !TELLING.iter().any(|p| sentence.starts(p));
        }
    }
    out
}

impl Sentence {
    /// Words that tell.
    pub fn of(words: Vec<Token>) -> Self {
        let beginnings = words.iter().map(|w| beginning(&w.text)).fold(0, |all, bit| all | bit);
        Self { words, beginnings, ..Self::default() }
    }

    /// Words `from..to` of it, as a sentence of its own.
    pub fn part(&self, from: usize, to: usize) -> Self {
        Self::of(self.words[from..to].to_vec())
    }

    /// Its words as text.
    #[cfg(test)]
    pub fn text(&self) -> Vec<&str> {
        self.words.iter().map(|w| w.text.as_str()).collect()
    }

    /// Where a pattern begins and ends, the first time it is met at or after word `from`. `a|b` is one of several words,
    /// `x?` may be missing, `_` is any word, `~` up to three words of any kind, `approv*` any word that begins so.
    pub fn find_from(&self, pattern: &str, from: usize) -> Option<(usize, usize)> {
        if !self.may(pattern) {
            return None;
        }
        (from..self.words.len()).find_map(|i| self.at(i, pattern).map(|end| (i, end)))
    }

    /// The same from the beginning.
    pub fn find(&self, pattern: &str) -> Option<(usize, usize)> {
        self.find_from(pattern, 0)
    }

    /// Whether one of these patterns is met.
    pub fn any(&self, patterns: &[&str]) -> bool {
        patterns.iter().any(|p| self.find(p).is_some())
    }

    /// The first of these patterns' places, by where it begins.
    pub fn first(&self, patterns: &[&str]) -> Option<(usize, usize)> {
        patterns.iter().filter_map(|p| self.find(p)).min()
    }

    /// Whether it begins with a pattern.
    pub fn starts(&self, pattern: &str) -> bool {
        self.at(0, pattern).is_some()
    }

    /// Whether words begin as those that a pattern cannot do without.
    fn may(&self, pattern: &str) -> bool {
        pattern.split(' ').all(|place| {
            place == "~"
                || place.ends_with('?')
                || place.split('|').any(|p| {
                    let p = p.strip_suffix('*').unwrap_or(p);
                    p.len() < 2 || self.beginnings & beginning(p) != 0
                })
        })
    }

    /// Where a pattern that begins at word `i` ends.
    pub fn at(&self, i: usize, places: &str) -> Option<usize> {
        if places.is_empty() {
            return Some(i);
        }
        let (place, rest) = places.split_once([' ', '\n']).unwrap_or((places, ""));
        if place == "~" {
            return (0..=3).find_map(|skip| self.at(i + skip, rest).filter(|_| i + skip <= self.words.len()));
        }
        let (place, may_miss) = place.strip_suffix('?').map_or((place, false), |p| (p, true));
        let taken = self.words.get(i).filter(|w| takes(place, &w.text)).and_then(|_| self.at(i + 1, rest));
        taken.or_else(|| if may_miss { self.at(i, rest) } else { None })
    }

    /// Whether one of these words stands among the `reach` before word `i`, in the same part between commas.
    pub fn before(&self, i: usize, reach: usize, words: &[&str]) -> bool {
        let comma = self.commas.iter().copied().filter(|c| *c <= i).max().unwrap_or(0);
        (comma.max(i.saturating_sub(reach))..i).any(|k| words.contains(&self.words[k].text.as_str()))
    }

    /// Whether one of these words stands among the `reach` from word `i` on.
    pub fn after(&self, i: usize, reach: usize, words: &[&str]) -> bool {
        (i..self.words.len().min(i + reach)).any(|k| words.contains(&self.words[k].text.as_str()))
    }

    /// Whether what stands at word `i` is only imagined: "if we had", "suppose", "could".
    pub fn imagined(&self, i: usize) -> bool {
        self.before(i, 9, &["if", "suppose", "imagine", "assuming", "hypothetically", "unless", "whether", "wish"])
            || self.before(i, 5, &["could", "might", "would", "we'd", "i'd"])
                && !self.before(i, 5, &["like", "want", "say", "need"])
            || self.after(i, 6, &["if", "hypothetically"]) && self.before(i, 8, &["would", "could", "might"])
    }

    /// Whether a side taken at word `i` is only imagined: what "if it's good" leads to is meant.
    pub fn supposed(&self, i: usize) -> bool {
        self.before(i, 4, &["if", "suppose", "imagine", "assuming", "unless", "whether", "could", "might"])
    }

    /// Whether what stands at word `i` is over: "last year", "used to", "back then".
    pub fn over(&self, i: usize) -> bool {
        let near = |p: &str| self.find(p).is_some_and(|(from, to)| from < i + 6 && i < to + 7);
        [
            "last year*",
            "last time",
            "used to",
            "back then",
            "years ago",
            "year ago",
            "previously",
            "previous year",
            "at my old|last|former|previous",
            "old company",
            "originally",
            "at the time",
            "in the past",
        ]
        .iter()
        .any(|p| near(p))
    }

    /// Whether what stands at word `i` is somebody else's: "the consultants said", "their budget".
    pub fn elsewhere(&self, i: usize) -> bool {
        const OTHERS: [&str; 20] = [
            "they",
            "they're",
            "they've",
            "their",
            "somebody",
            "someone",
            "consultants",
            "subsidiary",
            "sister",
            "group",
            "parent",
            "friend",
            "brother",
            "neighbour",
            "neighbours",
            "competitor",
            "you",
            "you're",
            "you've",
            "your",
        ];
        self.before(i, 6, &OTHERS)
            || self.any(&[
                "not for this",
                "isn't for this",
                "different project",
                "another project",
                "separate project",
                "doesn't matter",
                "not part of this",
                "aren't part of this",
                "nothing to do with",
            ])
    }
}

/// Whether a word is one of those that a place of a pattern asks for.
pub fn takes(place: &str, word: &str) -> bool {
    place.split('|').any(|p| match p.strip_suffix('*') {
        Some(stem) => word.starts_with(stem),
        None => p == "_" || p == word,
    })
}

/// Words that carry no subject of their own, by their beginnings.
const EMPTY: &[&str] = &[
    "about",
    "after",
    "again",
    "ahead",
    "already",
    "also",
    "always",
    "another",
    "anyone",
    "anything",
    "around",
    "asked",
    "back",
    "because",
    "been",
    "before",
    "being",
    "best",
    "better",
    "call",
    "can't",
    "clear",
    "come",
    "could",
    "course",
    "day",
    "days",
    "did",
    "didn't",
    "does",
    "doesn't",
    "doing",
    "don't",
    "each",
    "else",
    "even",
    "every",
    "everybody",
    "everyone",
    "everything",
    "exactly",
    "fine",
    "first",
    "from",
    "getting",
    "give",
    "goes",
    "going",
    "good",
    "great",
    "guess",
    "have",
    "haven't",
    "here",
    "hers",
    "him",
    "how",
    "into",
    "isn't",
    "it's",
    "just",
    "kind",
    "know",
    "last",
    "later",
    "like",
    "little",
    "look",
    "looked",
    "made",
    "make",
    "many",
    "maybe",
    "mean",
    "meeting",
    "month",
    "months",
    "more",
    "most",
    "much",
    "must",
    "need",
    "needed",
    "needs",
    "never",
    "next",
    "nobody",
    "nothing",
    "offer",
    "okay",
    "once",
    "only",
    "other",
    "over",
    "people",
    "perfect",
    "point",
    "probably",
    "really",
    "right",
    "said",
    "same",
    "says",
    "send",
    "should",
    "side",
    "some",
    "somebody",
    "something",
    "sorry",
    "still",
    "such",
    "sure",
    "take",
    "talk",
    "tell",
    "than",
    "thank",
    "thanks",
    "that",
    "that's",
    "their",
    "them",
    "then",
    "there",
    "there's",
    "these",
    "they",
    "they're",
    "thing",
    "things",
    "think",
    "this",
    "those",
    "thought",
    "time",
    "today",
    "told",
    "topic",
    "turns",
    "under",
    "until",
    "very",
    "want",
    "wanted",
    "we'd",
    "we'll",
    "we're",
    "we've",
    "week",
    "weeks",
    "well",
    "were",
    "what",
    "what's",
    "when",
    "where",
    "which",
    "while",
    "who",
    "whole",
    "will",
    "with",
    "without",
    "won't",
    "work",
    "would",
    "year",
    "years",
    "yes",
    "you",
    "you'd",
    "you'll",
    "you're",
    "you've",
    "your",
    "any",
    "are",
    "but",
    "for",
    "get",
    "got",
    "had",
    "has",
    "her",
    "his",
    "its",
    "let",
    "may",
    "not",
    "now",
    "off",
    "one",
    "our",
    "out",
    "own",
    "put",
    "say",
    "see",
    "she",
    "the",
    "too",
    "two",
    "was",
    "way",
    "why",
    "and",
    "all",
    "i'll",
    "i'm",
    "i've",
    "i'd",
    "let's",
    "quite",
    "three",
    "four",
    "five",
    "ten",
    "hundred",
    "thousand",
    "long",
    "both",
    "bit",
    "lot",
    "actually",
    "anymore",
    "important",
    "matter",
    "matters",
    "main",
    "mainly",
    "big",
    "small",
    "new",
    "old",
    "buy",
    "bought",
    "use",
    "using",
    "used",
    "problem",
    "issue",
    "secondary",
    "necessary",
    "required",
    "require",
    "requires",
    "allowed",
    "part",
    "start",
    "version",
    "piece",
    "really",
    "case",
    "keep",
    "far",
    "per",
    "via",
];

/// The beginning (six letters) of a word that carries a subject.
pub fn stem(word: &str) -> Option<String> {
    let word = word.strip_suffix("'s").unwrap_or(word);
    let plain = word.chars().all(|c| c.is_alphabetic() || c == '\'');
    if !plain || word.chars().count() < 3 || EMPTY.contains(&word) {
        return None;
    }
    let single = word.strip_suffix('s').filter(|w| w.len() > 3 && !w.ends_with('s')).unwrap_or(word);
    Some(single.chars().take(6).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Sentence {
        sentences(text.split(' ')).remove(0)
    }

    #[test]
    fn sentences_questions_and_patterns() {
        let all = sentences("It's fine. Would June work? Go-live is $80,000, all in.".split(' '));
        assert_eq!(all.len(), 3);
        assert_eq!((all[0].asks, all[1].asks, all[2].asks), (false, true, false));
        assert_eq!(all[2].text(), ["go", "live", "is", "$80,000", "all", "in"]);
        assert_eq!(all[2].commas, [4]);
        assert!(
            one("so when do you start").asks
                && one("would it also work in march").asks
                && !one("we start in june").asks
        );
        let s = one("the board really has to approve everything");
        assert_eq!(s.find("board ~ has to approve|sign"), Some((1, 6)));
        assert_eq!(s.find("board has to approve"), None);
        assert_eq!(s.find("approv* every*"), Some((5, 7)));
        assert!(one("i only need the forecast").any(&["i just|only? need"]));
    }

    #[test]
    fn what_is_not_so_is_told() {
        let at = |text: &str, word: &str| {
            let s = one(text);
            let i = s.words.iter().position(|w| w.text == word).unwrap();
            (s.imagined(i), s.over(i), s.elsewhere(i))
        };
        assert_eq!(at("if we had 64 i'd take it", "64"), (true, false, false));
        assert_eq!(at("last year we had 64 thousand", "64"), (false, true, false));
        assert_eq!(at("the consultants said it takes until august", "august"), (false, false, true));
        assert_eq!(at("we have 64 thousand for it", "64"), (false, false, false));
    }
}
