//! Whether a sentence of a model says what the words it cites say: each rule refuses by itself, and one refusal is enough.

use std::collections::BTreeSet;

use reframe_call::audio::Party;
use rust_stemmers::{Algorithm, Stemmer};

use super::{
    Reason, Task,
    answer::Sentence,
    fact::{Fact, FactKind},
    figures,
    lists::{BINDING, CONCESSIONS, DAYS, FILLERS, MONEY, NEGATIONS, PARTS, SPANS, VERB_MONTHS},
    page::{Page, Quote, normal},
    redact::next_placeholder,
};
use crate::{
    artifact::Claim,
    postcall::{People, bare, count, day, is_common},
};

/// So many words before a quotation are looked at for a "not" that was left out of it.
const BEFORE_A_QUOTE: usize = 3;
/// Longest sentence, in words.
const SENTENCE_WORDS: usize = 45;
/// Most citations of one sentence.
const MOST_CITED: usize = 6;
/// Share of a sentence's own words that must be among the cited ones; of a promise, more.
const SHARE: f64 = 0.3;
const SHARE_OF_PROMISE: f64 = 0.6;
/// How much less sure a sentence is than the words were heard: a model put them together.
const MODEL_SURE: f32 = 0.8;

/// What sentences are held against.
pub struct Ground<'a> {
    /// The call.
    pub page: &'a Page<'a>,
    /// What the note holds.
    pub facts: &'a [Fact],
    /// Lines that the model was given; nothing: all.
    pub given: Option<&'a BTreeSet<u32>>,
    /// What is being written.
    pub task: Task,
    people: People,
    stemmer: Stemmer,
}

/// A word of a sentence.
struct Token {
    /// As it stands there, without punctuation around it.
    raw: String,
    /// In lower case.
    low: String,
    /// It begins the sentence.
    first: bool,
}

impl<'a> Ground<'a> {
    /// Of a call.
    #[must_use]
    pub fn new(page: &'a Page<'a>, facts: &'a [Fact], given: Option<&'a BTreeSet<u32>>, task: Task) -> Self {
        let people = People::new(page.call.participants.iter().map(|p| p.name.as_str()));
        Self { page, facts, given, task, people, stemmer: Stemmer::create(Algorithm::English) }
    }

    /// The sentence as a claim, placeholders put back.
    ///
    /// # Errors
    /// The first rule it breaks.
    pub fn claim(&self, sentence: &Sentence) -> Result<Claim, Reason> {
        let text = sentence.text.trim();
        if text.is_empty() {
            return Err(Reason::Empty);
        }
        if count(text) > SENTENCE_WORDS || sentence.cites.len() > MOST_CITED {
            return Err(Reason::TooLong);
        }
        let quotes = self.quotes(sentence)?;
        plain(text)?;
        self.placeholders(text, &quotes)?;
        let tokens = tokens(text);
        let binding = tokens.iter().any(|t| BINDING.contains(&t.low.as_str()) || t.low.ends_with("'ll"));
        // A promise rests on what the note holds, and on nothing cited beside it.
        let bound: Vec<&Quote> =
            quotes.iter().filter(|q| self.facts.iter().any(|f| f.binds() && f.is_said_in(self.page, q))).collect();
        let support: Vec<&Quote> = if binding { bound } else { quotes.iter().collect() };
        if binding && support.is_empty() {
            return Err(Reason::PromiseNotInNote);
        }
        self.numbers(&tokens, &support)?;
        self.days(&tokens, &support)?;
        self.money(text, &tokens, &support)?;
        self.invented_names(&tokens, &support)?;
        self.bound(&tokens, &support, binding)?;
        self.turned(&tokens, &support)?;
        self.in_the_words(&tokens, &support, binding)?;
        let restored = self.page.redactor().restore(text)?;
        let evidence = quotes.iter().filter_map(|q| self.page.evidence(q)).collect();
        let heard = quotes.iter().map(|q| self.page.heard(q)).sum::<f32>() / quotes.len().max(1) as f32;
        Claim::new(ended(restored), evidence, heard * MODEL_SURE).map_err(|_| Reason::NoCitation)
    }

    fn quotes(&self, sentence: &Sentence) -> Result<Vec<Quote>, Reason> {
        if sentence.cites.is_empty() {
            return Err(Reason::NoCitation);
        }
        let find = |c: &super::answer::Cite| self.page.find(c.line, &c.words, self.given).ok_or(Reason::WrongCitation);
        sentence.cites.iter().map(find).collect()
    }

    /// Every placeholder stands in the cited words, or is whoever said them.
    fn placeholders(&self, text: &str, quotes: &[Quote]) -> Result<(), Reason> {
        let mut held: BTreeSet<&str> = quotes.iter().filter_map(|q| self.page.speaker(q.utterance)).collect();
        for quote in quotes {
            held.extend(
                self.page.pieces(quote).filter_map(|(p, _)| next_placeholder(p).map(|(from, to)| &p[from..to])),
            );
        }
        let mut rest = text;
        while let Some((from, to)) = next_placeholder(rest) {
            let whole = rest[to..].chars().next().is_none_or(|c| !c.is_alphanumeric() && c != '_');
            if !whole || !held.contains(&rest[from..to]) {
                return Err(Reason::UnknownPlaceholder);
            }
            rest = &rest[to..];
        }
        if rest.contains('_') { Err(Reason::Markup) } else { Ok(()) }
    }

    /// The cited words, those heard badly left out if a number, day or name may hang on them.
    fn words(&self, quotes: &[&Quote], sure: bool) -> BTreeSet<String> {
        let pieces = quotes.iter().flat_map(|q| self.page.pieces(q));
        pieces.filter(|(_, heard)| *heard || !sure).map(|(p, _)| normal(p)).collect()
    }

    /// Days of what the note holds about these words, as they are written out.
    fn dues(&self, quotes: &[&Quote]) -> BTreeSet<String> {
        let dues = self.facts.iter().filter(|f| quotes.iter().any(|q| f.is_in(self.page, q))).filter_map(|f| f.due);
        let text = |d: reframe_call::date::Date| format!("{} {d}", day(d)).to_lowercase();
        dues.flat_map(|d| text(d).split(' ').map(str::to_owned).collect::<Vec<_>>()).collect()
    }

    fn numbers(&self, tokens: &[Token], support: &[&Quote]) -> Result<(), Reason> {
        let mut there = BTreeSet::new();
        for quote in support {
            // What was heard badly interrupts a number.
            let pieces: Vec<String> =
                self.page.pieces(quote).map(|(p, heard)| if heard { normal(p) } else { "?".to_owned() }).collect();
            there.extend(figures::of(pieces.iter().map(|p| number_word(p))));
        }
        let dues = self.dues(support);
        there.extend(figures::of(dues.iter().map(String::as_str)));
        let low: Vec<&str> = tokens.iter().map(|t| number_word(&t.low)).collect();
        let beside = |i: usize| low.get(i).is_some_and(|w| figures::is_word(w));
        // "one of them", "at first": no numbers, if they stand alone.
        let said = low.iter().enumerate().map(|(i, w)| {
            let alone = !beside(i + 1) && !i.checked_sub(1).is_some_and(beside);
            if alone && ["one", "first", "second"].contains(w) { "" } else { w }
        });
        if !figures::of(said).is_subset(&there) {
            return Err(Reason::InventedNumber);
        }
        let words = self.words(support, true);
        let part = tokens.iter().find(|t| PARTS.contains(&t.low.as_str()) && !words.contains(&t.low));
        if part.is_some_and(|t| t.low != "third" && t.low != "quarter") { Err(Reason::InventedNumber) } else { Ok(()) }
    }

    fn days(&self, tokens: &[Token], support: &[&Quote]) -> Result<(), Reason> {
        let mut words: BTreeSet<String> = self.words(support, true).iter().map(|w| singular(w).to_owned()).collect();
        words.extend(self.dues(support));
        for token in tokens {
            let low = singular(&token.low);
            let month = VERB_MONTHS.contains(&token.raw.as_str()) && !token.first;
            if (month || DAYS.contains(&low) || SPANS.contains(&low)) && !words.contains(low) {
                return Err(Reason::InventedDay);
            }
        }
        Ok(())
    }

    fn money(&self, text: &str, tokens: &[Token], support: &[&Quote]) -> Result<(), Reason> {
        let words = self.words(support, true);
        for (sign, said) in MONEY {
            let meant = if sign.len() < 4 && !sign.is_ascii() || sign.len() == 1 {
                text.contains(sign)
            } else {
                tokens.iter().any(|t| t.low == *sign)
            };
            let there = || said.iter().any(|s| words.iter().any(|w| w == s || s.chars().count() == 1 && w.contains(s)));
            if meant && !there() {
                return Err(Reason::InventedMoney);
            }
        }
        Ok(())
    }

    /// Names come as placeholders. What else looks like one must be among the cited words.
    fn invented_names(&self, tokens: &[Token], support: &[&Quote]) -> Result<(), Reason> {
        let words = self.words(support, true);
        for token in tokens.iter().filter(|t| next_placeholder(&t.raw).is_none()) {
            let low = bare(&token.low);
            let there = words.iter().any(|w| bare(w) == low);
            if there {
                continue;
            }
            let capital = token.raw.chars().next().is_some_and(char::is_uppercase);
            let capitals = token.raw.len() > 1 && token.raw.chars().all(|c| c.is_uppercase() || c == '&');
            let pronoun = ["i", "i'm"].contains(&token.low.as_str()) || low == "i";
            let dated = DAYS.contains(&singular(low)) || VERB_MONTHS.contains(&token.raw.as_str());
            let ordinary = is_common(low) || is_common(singular(low));
            let like = match (token.first, capital) {
                _ if pronoun || dated => false,
                _ if self.people.is_name(low) => true,
                (true, true) => !ordinary && !ordinary_form(low),
                (false, true) => !(capitals && ordinary),
                (_, false) => false,
            };
            if like {
                return Err(Reason::InventedName);
            }
        }
        Ok(())
    }

    /// Who is bound to what: "we will" by a promise of ours, "you will" by one of theirs; and what costs us something only
    /// in words of ours.
    fn bound(&self, tokens: &[Token], support: &[&Quote], binding: bool) -> Result<(), Reason> {
        let holds = |kind: FactKind| {
            self.facts.iter().any(|f| f.kind == kind && support.iter().any(|q| f.is_said_in(self.page, q)))
        };
        let shared = holds(FactKind::Decision) || holds(FactKind::NextStep) || holds(FactKind::CloseDate);
        if self.task == Task::FollowUp && binding {
            let says = |who: &[&str]| {
                tokens
                    .windows(2)
                    .any(|w| who.contains(&w[0].low.as_str()) && ["will", "shall"].contains(&w[1].low.as_str()))
                    || tokens.iter().any(|t| t.low.strip_suffix("'ll").is_some_and(|p| who.contains(&p)))
            };
            let (we, you) = (holds(FactKind::OurPromise), holds(FactKind::TheirPromise));
            // What one side promised is not shared for being a next step too.
            let ours = says(&["we", "i"]) && !we && (you || !shared);
            let theirs = says(&["you"]) && !you && (we || !shared);
            if ours || theirs {
                return Err(Reason::PromiseNotInNote);
            }
        }
        if self.task == Task::FollowUp || binding {
            let ours: Vec<&Quote> =
                support.iter().copied().filter(|q| self.page.side(q.utterance) == Party::Rep).collect();
            let words: BTreeSet<String> = self.words(&ours, false).iter().map(|w| self.stem(w)).collect();
            let given = |t: &&Token| CONCESSIONS.iter().any(|c| self.stem(c) == self.stem(&t.low));
            if tokens.iter().filter(given).any(|t| !words.contains(&self.stem(&t.low))) {
                return Err(Reason::PromiseNotInNote);
            }
        }
        Ok(())
    }

    /// A "not" is in the sentence if, and only if, one is in the cited words or just before them, where a quotation may have
    /// been cut. That turns some good sentences away ("no problem, we start in march"); a lost "not" is worse.
    fn turned(&self, tokens: &[Token], support: &[&Quote]) -> Result<(), Reason> {
        let negative = |w: &str| NEGATIONS.contains(&w) || w.ends_with("n't");
        let here = tokens.iter().any(|t| negative(&t.low));
        let there = support.iter().any(|quote| {
            let pieces = self.page.lines.get(&quote.utterance).map_or(&[][..], |line| &line.pieces);
            let from = quote.pieces.start.saturating_sub(BEFORE_A_QUOTE);
            pieces.iter().take(quote.pieces.end).skip(from).any(|p| negative(&normal(&p.text)))
        });
        if here == there { Ok(()) } else { Err(Reason::Turned) }
    }

    fn in_the_words(&self, tokens: &[Token], support: &[&Quote], binding: bool) -> Result<(), Reason> {
        let there: BTreeSet<String> =
            self.words(support, false).iter().chain(&self.dues(support)).map(|w| self.stem(w)).collect();
        let own = tokens.iter().filter(|t| {
            let low = t.low.as_str();
            let said = next_placeholder(&t.raw).is_none() && !BINDING.contains(&low) && !FILLERS.contains(&low);
            said && low.chars().count() >= 4 && low.chars().all(|c| c.is_alphabetic() || c == '\'' || c == '-')
        });
        let (mut all, mut found) = (0u32, 0u32);
        for token in own {
            all += 1;
            found += u32::from(there.contains(&self.stem(&token.low)));
        }
        let share = if binding { SHARE_OF_PROMISE } else { SHARE };
        // A sentence of placeholders alone says nothing that was cited.
        let least = if all == 0 { tokens.len() > 4 } else { f64::from(found) < f64::from(all) * share };
        if least { Err(Reason::NotInTheWords) } else { Ok(()) }
    }

    fn stem(&self, word: &str) -> String {
        self.stemmer.stem(bare(word)).into_owned()
    }
}

/// "$48,000" and "20%" as their numbers.
fn number_word(word: &str) -> &str {
    word.trim_matches(|c| "$€£%".contains(c))
}

fn singular(word: &str) -> &str {
    let word = bare(word);
    word.strip_suffix('s').filter(|w| w.len() > 2).unwrap_or(word)
}

/// A form of an ordinary word that the list of those has not.
fn ordinary_form(word: &str) -> bool {
    ["s", "ly", "ed", "ing", "d"].iter().any(|e| word.strip_suffix(e).is_some_and(|w| w.len() > 2 && is_common(w)))
}

fn tokens(text: &str) -> Vec<Token> {
    let mut out = Vec::new();
    let mut first = true;
    for word in text.split(|c: char| c.is_whitespace() || c == '—' || c == '–') {
        let raw = word.trim_matches(|c: char| !c.is_alphanumeric() && !"$€£%".contains(c)).replace('’', "'");
        if !raw.is_empty() {
            out.push(Token { low: raw.to_lowercase(), raw, first });
            first = false;
        }
        if word.ends_with(['.', '!', '?', ':', '"', '”']) {
            first = true;
        }
    }
    out
}

/// Plain text and nothing that leads anywhere or means something to a program.
fn plain(text: &str) -> Result<(), Reason> {
    let low = text.to_lowercase();
    let leads =
        ["://", "www.", "@", "mailto", " dot com", " dot net", " dot org", "http"].iter().any(|l| low.contains(l));
    let marks = text.chars().any(|c| c.is_control() || "<>{}[]|`*#\\~^=".contains(c));
    // A dot within a word, with letters behind it: a host or a file.
    let host = low.split_whitespace().any(|w| {
        let w = w.trim_matches(|c: char| !c.is_alphanumeric());
        w.rsplit_once('.').is_some_and(|(a, b)| {
            !a.is_empty() && b.len() >= 2 && b.chars().all(char::is_alphabetic) && a != "i" && !w.contains("..")
        })
    });
    // Characters that are not seen, or that turn the direction of the text.
    let unseen = text
        .chars()
        .any(|c| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'));
    if leads || marks || host || unseen { Err(Reason::Markup) } else { Ok(()) }
}

fn ended(mut text: String) -> String {
    if let Some(first) = text.chars().next() {
        let upper: String = first.to_uppercase().collect();
        text.replace_range(..first.len_utf8(), &upper);
    }
    if !text.ends_with(['.', '!', '?']) {
        text.push('.');
    }
    text
}
