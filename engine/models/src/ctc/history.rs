//! Word histories of the decoder's tokens: a tree of back-pointers that is pruned as words become final.

use super::words::WordId;

/// Number of an entry; [`NO_HISTORY`] before the first word.
pub type HistoryId = u32;

/// The empty history.
pub const NO_HISTORY: HistoryId = u32::MAX;

/// A word with where it was heard, in output rows of the utterance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HeardWord {
    /// Which word.
    pub word: WordId,
    /// Row of its first phone.
    pub first_row: u32,
    /// Last row of its last phone.
    pub last_row: u32,
    /// 0..=1.
    pub confidence: f32,
}

#[derive(Clone, Copy)]
struct Entry {
    before: HistoryId,
    /// Words up to and including this one since the histories began.
    depth: u32,
    heard: HeardWord,
}

/// All histories of one track.
#[derive(Default)]
pub struct Histories {
    entries: Vec<Entry>,
    /// Words of this depth and below are final, and no longer looked at.
    final_depth: u32,
    moved: Vec<HistoryId>,
}

impl Histories {
    /// Forgets everything.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.final_depth = 0;
    }

    /// How many entries are kept.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.entries.len()
    }

    fn depth(&self, id: HistoryId) -> u32 {
        self.entries.get(id as usize).map_or(self.final_depth, |e| e.depth)
    }

    /// The history that goes on from `before` with `heard`.
    pub fn append(&mut self, before: HistoryId, heard: HeardWord) -> HistoryId {
        let depth = self.depth(before) + 1;
        self.entries.push(Entry { before, depth, heard });
        (self.entries.len() - 1) as HistoryId
    }

    /// Words of history `id` that are not final yet, oldest first, into `out`.
    pub fn open_words(&self, id: HistoryId, out: &mut Vec<HeardWord>) {
        out.clear();
        let mut at = id;
        while let Some(entry) = self.entries.get(at as usize).filter(|e| e.depth > self.final_depth) {
            out.push(entry.heard);
            at = entry.before;
        }
        out.reverse();
    }

    /// Declares the next `words` words final in every history still in use.
    pub fn finalise(&mut self, words: usize) {
        self.final_depth += words as u32;
    }

    /// Drops what none of `live` needs and renumbers those.
    pub fn compact<'a>(&mut self, live: impl Iterator<Item = &'a mut HistoryId>) {
        const NEEDED: HistoryId = NO_HISTORY - 1;
        let live: Vec<&mut HistoryId> = live.collect();
        self.moved.clear();
        self.moved.resize(self.entries.len(), NO_HISTORY);
        for id in &live {
            let mut at = **id as usize;
            while let Some(entry) = self.entries.get(at).filter(|e| e.depth > self.final_depth) {
                if self.moved[at] == NEEDED {
                    break;
                }
                self.moved[at] = NEEDED;
                at = entry.before as usize;
            }
        }
        let mut kept = 0;
        for old in 0..self.entries.len() {
            if self.moved[old] == NEEDED {
                let mut entry = self.entries[old];
                // An entry is appended after the one before it, so that one has its new number already.
                entry.before = self.moved.get(entry.before as usize).copied().unwrap_or(NO_HISTORY);
                self.entries[kept] = entry;
                self.moved[old] = kept as HistoryId;
                kept += 1;
            }
        }
        self.entries.truncate(kept);
        for id in live {
            *id = self.moved.get(*id as usize).copied().unwrap_or(NO_HISTORY);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(word: WordId) -> HeardWord {
        HeardWord { word, first_row: 0, last_row: 0, confidence: 1.0 }
    }

    #[test]
    fn final_words_go_and_open_ones_stay() {
        let mut h = Histories::default();
        let a = h.append(NO_HISTORY, heard(1));
        let _dead = h.append(NO_HISTORY, heard(9));
        let b = h.append(a, heard(2));
        let mut c = h.append(a, heard(3));
        let mut d = h.append(b, heard(4));
        h.finalise(1);
        let mut first = a;
        h.compact([&mut c, &mut d, &mut first].into_iter());
        assert_eq!(h.kept(), 3);
        let mut words = Vec::new();
        h.open_words(d, &mut words);
        assert_eq!(words.iter().map(|w| w.word).collect::<Vec<_>>(), [2, 4]);
        h.open_words(c, &mut words);
        assert_eq!(words.iter().map(|w| w.word).collect::<Vec<_>>(), [3]);
        assert_eq!(first, NO_HISTORY);
        // A history whose words are all final goes on counting from there.
        let e = h.append(first, heard(7));
        h.open_words(e, &mut words);
        assert_eq!(words.iter().map(|w| w.word).collect::<Vec<_>>(), [7]);
    }
}
