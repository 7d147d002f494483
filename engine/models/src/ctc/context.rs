//! What a call's words should lean towards: playbook phrases and names, as a trie over words that decoder tokens walk,
//! and the names the lexicon lacks.

use super::{
    lexicon::{Phone, Trie},
    words::{WordId, Words},
};

/// Position in a [`Context`]; 0 is "in no phrase".
pub type Place = u32;

/// Log-probability given to a name the language model does not know: once in about 20,000 words, rarer than common
/// words and more likely than the model's own rare ones (-13).
pub const NAME_LOG_PROBABILITY: f32 = -10.0;

#[derive(Default)]
struct Node {
    /// Sorted by word.
    next: Vec<(WordId, Place)>,
    parent: Place,
    ends: bool,
    /// Words matched since the last complete phrase on the way here; their bonus is lost when the match breaks.
    at_risk: f32,
}

/// Phrases of one call.
pub struct Context {
    nodes: Vec<Node>,
    bonus: f32,
    /// Spellings of the words beyond the vocabulary; the first has the number `known`.
    names: Vec<String>,
    known: WordId,
    /// Pronunciations of `names`.
    trie: Trie,
}

impl Context {
    /// Builds the context of `phrases`. Words that are not in `words` are learned with the pronunciations `pronounce`
    /// gives; where it gives none, the phrase is cut at that word. For a known word it gives those the lexicon lacks.
    #[must_use]
    pub fn new(phrases: &[String], bonus: f32, words: &Words, pronounce: impl Fn(&str) -> Vec<Vec<Phone>>) -> Self {
        let known = words.count() as WordId;
        let mut nodes = vec![Node::default()];
        let mut names: Vec<String> = Vec::new();
        let mut sounds: Vec<(Vec<Phone>, WordId)> = Vec::new();
        for phrase in phrases {
            let mut ids: Vec<WordId> = Vec::new();
            for word in phrase.split_whitespace().map(str::to_lowercase) {
                if let Some(id) = words.find(&word) {
                    ids.push(id);
                    sounds.extend(pronounce(&word).into_iter().filter(|v| !v.is_empty()).map(|v| (v, id)));
                    continue;
                }
                let learned = || names.iter().position(|n| *n == word).map(|i| known + i as WordId);
                if let Some(id) = learned() {
                    ids.push(id);
                    continue;
                }
                let variants = pronounce(&word);
                if variants.iter().all(Vec::is_empty) {
                    insert(&mut nodes, &std::mem::take(&mut ids));
                    continue;
                }
                let id = known + names.len() as WordId;
                sounds.extend(variants.into_iter().filter(|v| !v.is_empty()).map(|v| (v, id)));
                names.push(word);
                ids.push(id);
            }
            insert(&mut nodes, &ids);
        }
        for place in 1..nodes.len() {
            // Parents have smaller numbers, so theirs is final.
            nodes[place].at_risk =
                if nodes[place].ends { 0.0 } else { nodes[nodes[place].parent as usize].at_risk + 1.0 };
        }
        let entries = sounds.iter().map(|(phones, word)| (phones.as_slice(), *word)).collect();
        Self { nodes, bonus, trie: Trie::from_entries(entries, |_| NAME_LOG_PROBABILITY), names, known }
    }

    /// Spelling of a word beyond the vocabulary.
    #[must_use]
    pub fn name(&self, word: WordId) -> Option<&str> {
        word.checked_sub(self.known).and_then(|i| self.names.get(i as usize)).map(String::as_str)
    }

    /// Pronunciations of the words beyond the vocabulary.
    #[must_use]
    pub fn trie(&self) -> &Trie {
        &self.trie
    }

    /// Place after hearing `word` at `place`, and the change in score: the bonus for going on in a phrase or starting
    /// one, less what was given in advance for a phrase that broke off.
    #[must_use]
    pub fn advance(&self, place: Place, word: WordId) -> (Place, f32) {
        let (next, change) = match self.follow(place, word) {
            Some(next) => (next, self.bonus),
            None => {
                let lost = self.give_up(place);
                self.follow(0, word).map_or((0, lost), |next| (next, lost + self.bonus))
            }
        };
        let node = &self.nodes[next as usize];
        (if node.ends && node.next.is_empty() { 0 } else { next }, change)
    }

    /// Change in score (`<= 0`) when nothing follows `place`.
    #[must_use]
    pub fn give_up(&self, place: Place) -> f32 {
        -self.bonus * self.nodes[place as usize].at_risk
    }

    fn follow(&self, place: Place, word: WordId) -> Option<Place> {
        let next = &self.nodes[place as usize].next;
        next.binary_search_by_key(&word, |n| n.0).ok().map(|i| next[i].1)
    }
}

fn insert(nodes: &mut Vec<Node>, words: &[WordId]) {
    let mut at = 0;
    for &word in words {
        at = match nodes[at].next.binary_search_by_key(&word, |n| n.0) {
            Ok(i) => nodes[at].next[i].1 as usize,
            Err(i) => {
                let new = nodes.len();
                nodes.push(Node { parent: at as Place, ..Node::default() });
                nodes[at].next.insert(i, (word, new as Place));
                new
            }
        };
    }
    if at != 0 {
        nodes[at].ends = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(phrases: &[&str]) -> (Context, Words) {
        let words = Words::new("test", vec!["expensive", "is", "much", "too", "we", "use"]).unwrap();
        let phrases: Vec<String> = phrases.iter().map(ToString::to_string).collect();
        let say = |word: &str| if word == "zeblo" { vec![vec![1, 2]] } else { Vec::new() };
        (Context::new(&phrases, 1.0, &words, say), words)
    }

    fn total(context: &Context, words: &Words, heard: &str) -> f32 {
        let mut place = 0;
        let mut sum = 0.0;
        for word in heard.split(' ') {
            let id = words.find(word).unwrap_or(words.count() as WordId);
            let (next, change) = context.advance(place, id);
            place = next;
            sum += change;
        }
        sum + context.give_up(place)
    }

    #[test]
    fn a_whole_phrase_keeps_its_bonus_and_a_part_gives_it_back() {
        let (c, w) = context(&["is too expensive", "too much", "too expensive is is"]);
        for (heard, bonus) in [
            ("is too expensive", 3.0),
            ("is too expensive too much", 5.0),
            ("is too", 0.0),
            ("is too we", 0.0),
            ("is is too expensive", 3.0),
            ("too expensive is", 0.0),
            ("we we", 0.0),
        ] {
            assert_eq!(total(&c, &w, heard), bonus, "{heard}");
        }
    }

    #[test]
    fn unknown_names_are_learned_and_unspeakable_ones_cut_the_phrase() {
        let (c, w) = context(&["we use zeblo", "much xq too expensive"]);
        assert_eq!(c.name(w.count() as WordId), Some("zeblo"));
        assert_eq!(c.trie().words(c.trie().nodes() as u32 - 1), [w.count() as WordId]);
        assert_eq!(total(&c, &w, "we use zeblo"), 3.0);
        assert_eq!(total(&c, &w, "too expensive"), 2.0);
    }
}
