//! Do-not-trigger lines out of cards that reps marked wrong.
//!
//! A line is made of the words that were really said: the phrase and what stood around it in its clause, three to eight
//! words, generalised no further. It is made only if nothing that works now would stop working: the playbook's own
//! tests, and every card that a rep used.

use std::{collections::BTreeSet, sync::Arc};

use serde::Serialize;

use super::{
    cards::Cards,
    words::{Clause, Words},
};
use crate::{
    card::CardEnd,
    detect::{
        meaning::Meaning,
        normalize::{join, tokens_of_text},
    },
    event::Event,
    playbook::Playbook,
    playbook_test::{self, TestRun},
};

/// A pause that ends a clause, in ms: that of the detector.
const CLAUSE_PAUSE_MS: u64 = crate::detect::CLAUSE_PAUSE_MS;
/// Words of a line, at least and at most. Shorter ones would hold back too much, longer ones nothing but themselves.
const WORDS: (usize, usize) = (3, 8);
/// Marked cards that are looked at. Reps mark a few a week.
const MARKED_MAX: usize = 20_000;

/// A card that a rep marked wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WrongCard {
    /// The call.
    pub call: String,
    /// Media time of the card in ms.
    pub at_ms: u64,
    /// Its play.
    pub play: String,
    /// The phrase it rested on.
    pub phrase: String,
    /// The words of the clause.
    pub said: String,
    #[serde(skip)]
    clause: Clause,
    #[serde(skip)]
    by_rule: bool,
}

/// A line to be added, and the cards it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Suggested {
    /// The play.
    pub play: String,
    /// The line for its `never` list.
    pub line: String,
    /// The cards it would have held back.
    pub from: Vec<WrongCard>,
}

/// Why no line is made of a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "because")]
pub enum NotMade {
    /// The playbook has no such play, or the play no such phrase, any more.
    Gone,
    /// It comes by a rule about the call, which no such line holds back.
    ByRule,
    /// The log has no words for it: they were erased, or it rests on no words.
    NoWords,
    /// Nothing stands around the phrase that could tell this from what is meant.
    Alone,
    /// With the phrase it would be longer than a line may be.
    TooLong,
    /// The play is held back by these words already.
    Known,
    /// A card that a rep used would not have come.
    BlocksUsed {
        /// The call it was used in.
        call: String,
        /// What was said there.
        said: String,
    },
    /// One of the playbook's own tests would fail.
    BreaksTest {
        /// Where it stands in the playbook's file.
        line: usize,
        /// What it tests.
        test: String,
    },
}

impl std::fmt::Display for NotMade {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Gone => f.write_str("the playbook does not have this play or phrase any more"),
            Self::ByRule => f.write_str("it comes by a rule about the call: change the numbers of that rule"),
            Self::NoWords => f.write_str("the log has no words for it"),
            Self::Alone => {
                f.write_str("nothing was said around the phrase: make the phrase itself longer, or take it out")
            }
            Self::TooLong => write!(f, "with the phrase it would be longer than {} words", WORDS.1),
            Self::Known => f.write_str("the play is held back by these words already"),
            Self::BlocksUsed { call, said } => {
                write!(f, "it would hold back a card that was used ({call}: \"{said}\")")
            }
            Self::BreaksTest { line, test } => write!(f, "the playbook's own test in line {line} would fail: {test}"),
        }
    }
}

/// A used card: it must go on coming.
#[derive(Clone, Debug)]
struct UsedCard {
    call: String,
    play: String,
    said: String,
}

/// Collects marked cards from logs, then makes lines of them.
#[derive(Clone, Debug, Default)]
pub struct Suggestions {
    wrong: Vec<WrongCard>,
    used: Vec<UsedCard>,
    cards: Cards,
    words: Words,
}

impl Suggestions {
    /// Takes the next event of a call.
    pub fn event(&mut self, event: &Event) {
        self.cards.event(event);
        self.words.event(event);
    }

    /// The call `name` is over; the next event is another's.
    pub fn end_call(&mut self, name: &str) {
        let (cards, words) = (std::mem::take(&mut self.cards), std::mem::take(&mut self.words));
        for card in cards.all() {
            if self.wrong.len() + self.used.len() >= MARKED_MAX {
                return;
            }
            let clause = words.clause(card, CLAUSE_PAUSE_MS);
            let clause = Clause { under: core(&card.phrase, clause.under), ..clause };
            let said = [&clause.before, &clause.under, &clause.after].map(|w| w.join(" ")).join(" ").trim().to_owned();
            let (call, play) = (name.to_owned(), card.play.clone());
            match card.closed.map(|c| c.0) {
                Some(CardEnd::Wrong) => {
                    let at_ms = card.shown_at.unwrap_or_default().ms();
                    let (phrase, by_rule) = (card.phrase.clone(), card.by_rule);
                    self.wrong.push(WrongCard { call, at_ms, play, phrase, said, clause, by_rule });
                }
                Some(CardEnd::Used) => self.used.push(UsedCard { call, play, said }),
                _ => {}
            }
        }
    }

    /// Cards marked wrong so far.
    #[must_use]
    pub fn wrong(&self) -> &[WrongCard] {
        &self.wrong
    }

    /// Cards used so far.
    #[must_use]
    pub fn used(&self) -> usize {
        self.used.len()
    }

    /// Lines for `playbook`, in the order of its plays, and the cards no line was made of. `meaning` is the playbook's.
    #[must_use]
    pub fn make(
        &self,
        playbook: &Arc<Playbook>,
        meaning: Option<&Arc<Meaning>>,
    ) -> (Vec<Suggested>, Vec<(WrongCard, NotMade)>) {
        let failing = |p: &Arc<Playbook>| -> Vec<TestRun> {
            playbook_test::run(p, meaning).into_iter().filter(|run| !run.passed).collect()
        };
        let before: BTreeSet<usize> = failing(playbook).iter().map(|run| run.line).collect();
        let mut now = Arc::clone(playbook);
        let (mut made, mut not_made) = (Vec::<Suggested>::new(), Vec::new());
        for card in &self.wrong {
            let line = match self.line(card, &now) {
                Ok(line) => line,
                Err(NotMade::Known) => {
                    // By a line made of an earlier card, perhaps.
                    let by = made.iter_mut().find(|s| s.play == card.play && blocks(&s.line, &card.said));
                    match by {
                        Some(suggested) => suggested.from.push(card.clone()),
                        None => not_made.push((card.clone(), NotMade::Known)),
                    }
                    continue;
                }
                Err(because) => {
                    not_made.push((card.clone(), because));
                    continue;
                }
            };
            let mut with = Playbook::clone(&now);
            if let Some(play) = with.plays.iter_mut().find(|p| p.id == card.play) {
                play.never.push(line.clone());
            }
            let with = Arc::new(with);
            if let Some(broken) = failing(&with).into_iter().find(|run| !before.contains(&run.line)) {
                let (line, test) = (broken.line, broken.what);
                not_made.push((card.clone(), NotMade::BreaksTest { line, test }));
                continue;
            }
            now = with;
            made.push(Suggested { play: card.play.clone(), line, from: vec![card.clone()] });
        }
        let place = |s: &Suggested| playbook.plays.iter().position(|p| p.id == s.play);
        made.sort_by_key(place);
        (made, not_made)
    }

    fn line(&self, card: &WrongCard, playbook: &Playbook) -> Result<String, NotMade> {
        let play = playbook.play(&card.play).ok_or(NotMade::Gone)?;
        if card.by_rule {
            return Err(NotMade::ByRule);
        }
        if !card.phrase.is_empty() && !play.phrases.contains(&card.phrase) {
            return Err(NotMade::Gone);
        }
        if play.never.iter().any(|n| blocks(n, &card.said)) {
            return Err(NotMade::Known);
        }
        let line = line_of(&card.clause, card.phrase.is_empty())?;
        let used = self.used.iter().find(|u| u.play == card.play && blocks(&line, &u.said));
        match used {
            Some(used) => Err(NotMade::BlocksUsed { call: used.call.clone(), said: used.said.clone() }),
            None => Ok(line),
        }
    }
}

/// The words of the phrase: as they were said, or, where only the sounds were recognised, as the playbook has them.
fn core(phrase: &str, under: Vec<String>) -> Vec<String> {
    let whole = |words: &[String]| blocks(phrase, &words.join(" "));
    if phrase.is_empty() || phrase.contains("..") || whole(&under) {
        return under;
    }
    phrase.split_whitespace().map(str::to_owned).collect()
}

/// Whether the do-not-trigger line `never` is in `said`.
fn blocks(never: &str, said: &str) -> bool {
    let normal = |text: &str| format!(" {} ", join(&tokens_of_text(text)));
    let never = normal(never);
    never.trim() != "" && normal(said).contains(&never)
}

/// The line of a clause: its core, with words from before and after it in turn, the nearest first, as many as a line may
/// have. Where the meaning decided, the core is the whole clause, and its end is what counts.
fn line_of(clause: &Clause, by_meaning: bool) -> Result<String, NotMade> {
    let (min, max) = WORDS;
    if clause.under.is_empty() {
        return Err(NotMade::NoWords);
    }
    if by_meaning {
        let words = &clause.under[clause.under.len().saturating_sub(max)..];
        return if words.len() < min { Err(NotMade::Alone) } else { Ok(words.join(" ").to_lowercase()) };
    }
    if clause.under.len() >= max {
        return Err(NotMade::TooLong);
    }
    let (mut before, mut after) = (0, 0);
    while clause.under.len() + before + after < max {
        if before < clause.before.len() && (before <= after || after == clause.after.len()) {
            before += 1;
        } else if after < clause.after.len() {
            after += 1;
        } else {
            break;
        }
    }
    let words: Vec<&str> = clause.before[clause.before.len() - before..]
        .iter()
        .chain(&clause.under)
        .chain(&clause.after[..after])
        .map(String::as_str)
        .collect();
    let line = words.join(" ").to_lowercase();
    // Fillers do not count: a line that says no more than the phrase would silence it for good.
    let counts = |text: &str| tokens_of_text(text).len();
    if words.len() < min || counts(&line) <= counts(&clause.under.join(" ")) {
        return Err(NotMade::Alone);
    }
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[track_caller]
    fn check(before: &str, under: &str, after: &str, want: Result<&str, NotMade>) {
        let clause = Clause { before: words(before), under: words(under), after: words(after) };
        assert_eq!(line_of(&clause, false), want.map(str::to_owned));
    }

    #[test]
    fn a_line_is_the_phrase_with_what_stood_around_it() {
        check("the old phone was", "too expensive for us", "", Ok("the old phone was too expensive for us"));
        check(
            "i think that the old phone was",
            "too expensive",
            "back in may",
            Ok("old phone was too expensive back in may"),
        );
        check("", "too expensive", "for a toy", Ok("too expensive for a toy"));
        check("was", "too expensive", "", Ok("was too expensive"));
        check("", "too expensive", "", Err(NotMade::Alone));
        check("um", "too expensive", "really", Err(NotMade::Alone));
        check("a b", "", "c", Err(NotMade::NoWords));
        check("so", "one two three four five six seven eight", "", Err(NotMade::TooLong));
        check("so", "one two three four five six seven", "x", Ok("so one two three four five six seven"));
    }

    #[test]
    fn what_was_only_heard_in_the_sounds_takes_the_playbooks_words() {
        assert_eq!(core("too expensive", words("two ex pensive")), words("too expensive"));
        assert_eq!(core("too expensive", words("too really expensive")), words("too really expensive"));
        assert_eq!(core("", words("that is a lot")), words("that is a lot"));
        assert_eq!(core("too .. expensive", words("too darn expensive")), words("too darn expensive"));
    }
}
