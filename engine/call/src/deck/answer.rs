//! Which play answers a detection: the one that was detected, its follow-up, or none because it was just answered.

use super::history::History;
use crate::{playbook::Play, time::MediaTime};

/// The same is raised again, and not still being said, if its phrase begins this long, in ms, after the card came up: time
/// for the rep to take it in and begin to answer.
pub const RAISED_AGAIN_AFTER_MS: u64 = 4_000;
/// After this long, in ms, it is raised anew. One topic of a sales call seldom takes longer.
pub const RAISED_AGAIN_WITHIN_MS: u64 = 5 * 60 * 1_000;

/// The play whose card answers a detection.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer<'p> {
    /// The play.
    pub play: &'p Play,
    /// Why it is not simply the one that was detected, in words.
    pub because: Option<String>,
    /// Whether it follows up a card the rep has had.
    pub follows_up: bool,
}

impl Answer<'_> {
    /// `what` with the reason in front why another play answers.
    #[must_use]
    pub fn in_words(&self, what: &str) -> String {
        self.because.as_ref().map_or_else(|| what.to_owned(), |because| format!("{because}: {what}"))
    }
}

/// Which of `plays` answers `detected`, one of them, whose phrase began at `raised`:
/// - a follow-up whose first card came up between 4 s and 5 minutes before: if it was detected itself, or else if the same
///   class is raised again and it had no card yet. Of several the one whose first card is the latest, then file order;
/// - the play it follows, if a follow-up was detected and that one had no card within the 5 minutes;
/// - the one that was detected.
pub(super) fn answer<'p>(plays: &'p [Play], detected: &'p Play, raised: MediaTime, history: &History) -> Answer<'p> {
    let shown = |play: &str| history.of(play).filter(|past| past.times > 0).and_then(|past| past.shown);
    let mut play = detected;
    // A chain of follow-ups is no longer than there are plays.
    for _ in plays {
        let Some(first) = &play.follows else { break };
        match shown(first) {
            Some(at) if is_again(at, raised) => return follow_up(play, first),
            // Still being said: the deck calls it a repeat.
            Some(at) if raised.ms_since(at) <= RAISED_AGAIN_WITHIN_MS => return plain(detected),
            _ => match plays.iter().find(|p| p.id == *first && p.enabled && p.label == detected.label) {
                Some(first) => play = first,
                None => break,
            },
        }
    }
    if play.id != detected.id {
        return Answer { play, because: Some(format!("comes before {}", detected.id)), follows_up: false };
    }
    let next = |first: &str| {
        plays.iter().find(|p| {
            p.enabled
                && p.label == detected.label
                && p.follows.as_deref() == Some(first)
                && history.of(&p.id).is_none_or(|past| past.times == 0)
        })
    };
    let mut firsts: Vec<(MediaTime, &Play)> = plays
        .iter()
        .filter(|p| p.label == detected.label)
        .filter_map(|p| Some((shown(&p.id)?, p)))
        .filter(|(at, _)| is_again(*at, raised))
        .collect();
    firsts.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    let found = firsts.into_iter().find_map(|(_, first)| Some((next(&first.id)?, first)));
    found.map_or_else(|| plain(detected), |(play, first)| follow_up(play, &first.id))
}

/// Whether something said from `raised` on raises again what a card answered that came up at `shown`.
fn is_again(shown: MediaTime, raised: MediaTime) -> bool {
    raised >= shown.plus_ms(RAISED_AGAIN_AFTER_MS) && raised.ms_since(shown) <= RAISED_AGAIN_WITHIN_MS
}

const fn plain(play: &Play) -> Answer<'_> {
    Answer { play, because: None, follows_up: false }
}

fn follow_up<'p>(play: &'p Play, first: &str) -> Answer<'p> {
    Answer { play, because: Some(format!("follow-up to {first}")), follows_up: true }
}

/// Why `play` would only say again, at `at`, what a card of another play of its class said within `repeat_ms`, in words.
pub(super) fn repeats(play: &Play, at: MediaTime, repeat_ms: u64, history: &History) -> Option<String> {
    let (other, past) = history.last_other(&play.label, &play.id)?;
    let ago_ms = at.ms_since(past.last);
    (ago_ms < repeat_ms).then(|| format!("repeat: {other} had a card for {} {ago_ms} ms ago", play.label))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deck::{Deck, DeckSettings, tests::card};

    /// Two plays about price, a follow-up of the first and one of that, a second follow-up, and a play about time.
    fn plays() -> Vec<Play> {
        let lines = [
            ("high", "price", ""),
            ("other", "price", ""),
            ("still", "price", "follows = \"high\""),
            ("at_all", "price", "follows = \"still\""),
            ("too", "price", "follows = \"high\""),
            ("later", "timing", ""),
        ];
        let play = |(id, label, more): &(&str, &str, &str)| {
            format!(
                "[[play]]\nid = \"{id}\"\nlabel = \"{label}\"\nphrases = [\"the phrase of {id}\"]\ncooldown_ms = 0\n{more}\n\
                 [play.card]\ntitle = \"t\"\nsay = [\"s\"]\n"
            )
        };
        let text: String = lines.iter().map(play).collect();
        let (book, problems) = crate::playbook::parse("x", &format!("version = 1\nname = \"x\"\n{text}"));
        book.unwrap_or_else(|| panic!("{problems:?}")).plays
    }

    /// A deck in which these plays had cards at these times, in ms, and each was used at once.
    fn after(plays: &[Play], cards: &[(&str, u64)]) -> Deck {
        let mut deck = Deck::new(DeckSettings::default(), plays);
        for (id, ms) in cards {
            let play = plays.iter().find(|p| p.id == *id).unwrap();
            let at = MediaTime::from_ms(*ms);
            let card = crate::card::Card { label: play.label.clone(), ..card(&mut deck, id, 50) };
            let used = crate::input::RepAction::Used { card: card.id };
            deck.offer(card, at, &mut Vec::new());
            deck.act(used, at, &mut Vec::new());
        }
        deck
    }

    /// What comes of `detected`, whose phrase begins at `raised_ms` and ends 1,500 ms later.
    fn then(cards: &[(&str, u64)], detected: &str, raised_ms: u64) -> String {
        let plays = plays();
        let detected = plays.iter().find(|p| p.id == detected).unwrap();
        let (raised, at) = (MediaTime::from_ms(raised_ms), MediaTime::from_ms(raised_ms + 1_500));
        match after(&plays, cards).answer(&plays, detected, raised, at) {
            Ok(answer) => answer.in_words(&answer.play.id),
            Err(by) => by,
        }
    }

    #[test]
    fn raised_again_it_is_answered_by_the_follow_up() {
        let first = [("high", 10_000)];
        assert_eq!(then(&[], "high", 0), "high");
        assert_eq!(then(&first, "high", 14_000), "follow-up to high: still");
        assert_eq!(then(&first, "other", 14_000), "follow-up to high: still", "whatever play of the class says so");
        assert_eq!(then(&first, "too", 14_000), "follow-up to high: too", "the one that was detected before others");
        assert_eq!(then(&first, "other", 310_000), "follow-up to high: still");
        assert_eq!(then(&first, "other", 310_001), "other");
        assert_eq!(then(&first, "later", 14_000), "later");
    }

    #[test]
    fn still_being_said_it_is_a_repeat() {
        let first = [("high", 10_000)];
        assert_eq!(then(&first, "other", 13_999), "repeat: high had a card for price 5499 ms ago");
        assert_eq!(then(&first, "still", 13_999), "repeat: high had a card for price 5499 ms ago");
        // The end of the sentence that brought the card.
        assert_eq!(then(&first, "other", 8_500), "repeat: high had a card for price 0 ms ago");
        assert_eq!(then(&first, "later", 13_999), "later");
    }

    #[test]
    fn without_a_follow_up_left_a_repeat_has_to_wait() {
        let both = [("high", 10_000), ("still", 20_000), ("at_all", 30_000), ("too", 40_000)];
        assert_eq!(then(&both, "other", 50_000), "repeat: too had a card for price 11500 ms ago");
        assert_eq!(then(&both, "other", 83_500), "other", "45 s later it may be said anew");
        assert_eq!(then(&both, "high", 83_500), "high");
        assert_eq!(then(&both[..2], "high", 50_000), "follow-up to still: at_all", "the latest first");
        assert_eq!(then(&both[..3], "high", 50_000), "follow-up to high: too");
    }

    #[test]
    fn a_follow_up_does_not_come_first() {
        assert_eq!(then(&[], "still", 10_000), "comes before still: high");
        assert_eq!(then(&[], "at_all", 10_000), "comes before at_all: high");
        assert_eq!(then(&[("high", 0)], "at_all", 10_000), "follow-up to high: still");
        assert_eq!(then(&[("high", 0)], "still", 300_001), "comes before still: high");
    }

    #[test]
    fn what_was_wrong_has_no_follow_up() {
        let plays = plays();
        let mut deck = Deck::new(DeckSettings::default(), &plays);
        let card = crate::card::Card { label: "price".into(), ..card(&mut deck, "high", 50) };
        let wrong = crate::input::RepAction::Wrong { card: card.id };
        deck.offer(card, MediaTime::ZERO, &mut Vec::new());
        deck.act(wrong, MediaTime::ZERO, &mut Vec::new());
        let at = MediaTime::from_ms(60_000);
        assert_eq!(deck.answer(&plays, &plays[1], at, at).map(|a| a.play.id.as_str()), Ok("other"));
    }

    #[test]
    fn a_draft_stands_in_for_nothing() {
        let mut plays = plays();
        plays[2].enabled = false;
        plays[4].enabled = false;
        let deck = after(&plays, &[("high", 0)]);
        let at = MediaTime::from_ms(60_000);
        assert_eq!(deck.answer(&plays, &plays[1], at, at).map(|a| a.play.id.as_str()), Ok("other"));
    }
}
