//! One row of token passing: how ways to understand the sound so far go on, compete and are dropped.

use super::{
    config,
    context::{Context, NAME_LOG_PROBABILITY, Place},
    history::{HeardWord, Histories, HistoryId, NO_HISTORY},
    lexicon::{NodeId, Phone, Trie},
    lm::LanguageModel,
    words::WordId,
};

/// Marks nodes of the context's own trie, which stands beside the lexicon's and shares its root.
const CONTEXT_NODE: NodeId = 1 << 31;

/// One way to understand what was heard so far.
#[derive(Clone, Copy)]
pub struct Token {
    node: NodeId,
    /// The last symbol was a blank.
    blank: bool,
    /// The two words before the present one.
    context: [WordId; 2],
    place: Place,
    /// Relative to the best token of the row before.
    pub(super) score: f32,
    pub(super) history: HistoryId,
    first_row: u32,
    last_row: u32,
    /// Sum over the word's phones of how far each stayed behind the row's best symbol, in the row where it did least.
    deficit: f32,
    /// The same of the present phone alone.
    spike: f32,
    phones: u16,
}

/// What token passing relies on besides the tokens.
#[derive(Clone, Copy)]
pub struct Knowledge<'a> {
    /// Pronunciations of the vocabulary.
    pub trie: &'a Trie,
    /// Probabilities of the vocabulary.
    pub lm: &'a LanguageModel,
    /// What stands in the language model's context for a name it does not know.
    pub unknown: WordId,
    /// Words in the vocabulary; names have numbers from here on.
    pub known: WordId,
    /// Phrases and names of this call.
    pub context: &'a Context,
    /// Settings.
    pub settings: &'a config::Decoder,
}

impl Token {
    /// The only token at the start of a stretch of words.
    #[must_use]
    pub fn start(knowledge: &Knowledge<'_>, row: u32) -> Self {
        Self {
            node: 0,
            blank: true,
            context: [knowledge.lm.sentence_start(); 2],
            place: 0,
            score: 0.0,
            history: NO_HISTORY,
            first_row: row,
            last_row: row,
            deficit: 0.0,
            spike: 0.0,
            phones: 0,
        }
    }

    /// Whether it stands before the first word.
    #[must_use]
    pub fn at_root(&self) -> bool {
        self.node == 0
    }

    /// The word in progress, taken to be `word` and complete.
    #[must_use]
    pub fn heard(&self, word: WordId) -> HeardWord {
        let confidence = (self.deficit / f32::from(self.phones.max(1))).exp().clamp(0.0, 1.0);
        HeardWord { word, first_row: self.first_row, last_row: self.last_row, confidence }
    }

    /// The word in progress if it may be complete here: the likeliest of those that sound so, and the score with it.
    #[must_use]
    pub fn completion(&self, knowledge: &Knowledge<'_>) -> Option<(HeardWord, f32)> {
        let complete = |&word: &WordId| {
            let done = knowledge.complete(self, word);
            (word, done.score + knowledge.context.give_up(done.place))
        };
        let words = knowledge.words(self.node).iter().map(complete);
        // Of equals the first, so that the result does not hang on the order of evaluation.
        let best = words.reduce(|a, b| if b.1 > a.1 { b } else { a })?;
        Some((self.heard(best.0), best.1))
    }

    fn enter(&self, node: NodeId, score: f32, row: u32, behind: f32) -> Self {
        let deficit = self.deficit + behind;
        let phones = self.phones.saturating_add(1);
        Self { node, blank: false, score, last_row: row, deficit, spike: behind, phones, ..*self }
    }

    fn enter_word(&self, node: NodeId, score: f32, row: u32, behind: f32) -> Self {
        Self { first_row: row, deficit: 0.0, phones: 0, ..*self }.enter(node, score, row, behind)
    }

    /// Tokens with the same key have the same future, so only the better one is kept.
    fn key(&self) -> (NodeId, bool, [WordId; 2], Place) {
        (self.node, self.blank, self.context, self.place)
    }

    fn hash(&self) -> usize {
        // Odd multipliers from the fractional digits of the golden ratio and of square roots; only speed hangs on them.
        let mixed = u64::from(self.node << 1 | NodeId::from(self.blank)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
            ^ u64::from(self.context[0]).wrapping_mul(0x6A09_E667_F3BC_C909)
            ^ u64::from(self.context[1]).wrapping_mul(0xBB67_AE85_84CA_A73B)
            ^ u64::from(self.place).wrapping_mul(0x3C6E_F372_FE94_F82B);
        (mixed ^ mixed >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9) as usize >> 20
    }
}

impl<'a> Knowledge<'a> {
    fn at(&self, node: NodeId) -> (&'a Trie, NodeId) {
        if node & CONTEXT_NODE == 0 { (self.trie, node) } else { (self.context.trie(), node & !CONTEXT_NODE) }
    }

    fn words(&self, node: NodeId) -> &'a [WordId] {
        let (trie, node) = self.at(node);
        trie.words(node)
    }

    /// `token` after its word turned out to be `word`; still at the word's last node.
    fn complete(&self, token: &Token, word: WordId) -> Token {
        let [before, previous] = token.context;
        let mut log_probability = self.lm.score(before, previous, word);
        if word >= self.known {
            log_probability += NAME_LOG_PROBABILITY - self.lm.unigram(word);
        }
        let (place, bonus) = self.context.advance(token.place, word);
        let (trie, node) = self.at(token.node);
        let gain = self.settings.lm_weight * (log_probability - trie.look_ahead(node));
        let score = token.score + gain + self.settings.word_bonus + bonus;
        let known_as = if word < self.known { word } else { self.unknown };
        Token { context: [previous, known_as], place, score, ..*token }
    }
}

/// Work space of [`Passing::row`], kept between rows.
#[derive(Default)]
pub struct Passing {
    next: Vec<Token>,
    /// Open-addressed: `(generation, place in next)`.
    table: Vec<(u32, u32)>,
    generation: u32,
    /// What entering each child of the root costs in the present row.
    entries: Vec<(NodeId, Phone, f32)>,
    biased: Vec<f32>,
    best: f32,
}

impl Passing {
    /// Moves `tokens` over `row` (log-posteriors, the blank first), which has number `number` in the utterance.
    pub fn row(
        &mut self,
        knowledge: &Knowledge<'_>,
        tokens: &mut Vec<Token>,
        histories: &mut Histories,
        row: &[f32],
        number: u32,
    ) {
        let config::Decoder { lm_weight, blank_bias, beam, max_active, min_phone_logp, .. } = *knowledge.settings;
        if tokens.len() > max_active {
            tokens.select_nth_unstable_by(max_active, |a, b| b.score.total_cmp(&a.score));
            tokens.truncate(max_active);
        }
        let top = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let behind = |phone: Phone| row[phone as usize] - top;
        self.biased.clear();
        self.biased.extend_from_slice(row);
        self.biased[0] += blank_bias;
        let biased = std::mem::take(&mut self.biased);
        let best_entry = self.price_entries(knowledge, &biased, lm_weight, min_phone_logp);
        let entries = std::mem::take(&mut self.entries);
        self.begin_row();
        // Staying in a blank is always possible, so the best that does is a bound from the start.
        self.best = tokens.iter().map(|t| t.score).fold(f32::NEG_INFINITY, f32::max) + biased[0];

        for token in tokens.iter() {
            self.put(beam, Token { blank: true, score: token.score + biased[0], ..*token });
            if token.node == 0 {
                for &(child, phone, cost) in &entries {
                    self.put(beam, token.enter_word(child, token.score + cost, number, behind(phone)));
                }
                continue;
            }
            let (trie, local) = knowledge.at(token.node);
            // A phone that no blank followed cannot be entered again at once: that is the same phone going on.
            let mut going_on = 0;
            if !token.blank {
                going_on = trie.phone(local);
                let score = token.score + biased[going_on as usize];
                let spike = token.spike.max(behind(going_on));
                let deficit = token.deficit + spike - token.spike;
                self.put(beam, Token { score, last_row: number, deficit, spike, ..*token });
            }
            let here = trie.look_ahead(local);
            for child in trie.children(local) {
                let phone = trie.phone(child);
                let emitted = biased[phone as usize];
                if phone != going_on && emitted >= min_phone_logp {
                    let score = token.score + emitted + lm_weight * (trie.look_ahead(child) - here);
                    self.put(beam, token.enter(child | token.node & CONTEXT_NODE, score, number, behind(phone)));
                }
            }
            for &word in trie.words(local) {
                let done = knowledge.complete(token, word);
                if done.score + best_entry < self.best - beam {
                    continue;
                }
                // The word joins the history only if a token lives on with it.
                let mut history = None;
                for &(child, phone, cost) in entries.iter().filter(|e| e.1 != going_on) {
                    let entered = done.enter_word(child, done.score + cost, number, behind(phone));
                    if let Some(slot) = self.put(beam, entered) {
                        let id = history.get_or_insert_with(|| histories.append(token.history, token.heard(word)));
                        self.next[slot].history = *id;
                    }
                }
            }
        }
        let best = self.best;
        self.next.retain(|token| token.score > best - beam);
        // Relative scores keep their precision however long the stretch becomes.
        self.next.iter_mut().for_each(|token| token.score -= best);
        std::mem::swap(tokens, &mut self.next);
        self.biased = biased;
        self.entries = entries;
    }

    fn price_entries(&mut self, knowledge: &Knowledge<'_>, biased: &[f32], lm_weight: f32, min_logp: f32) -> f32 {
        self.entries.clear();
        let mut best = f32::NEG_INFINITY;
        for (trie, mark) in [(knowledge.trie, 0), (knowledge.context.trie(), CONTEXT_NODE)] {
            for child in trie.children(0) {
                let phone = trie.phone(child);
                let emitted = biased[phone as usize];
                if emitted >= min_logp {
                    let cost = emitted + lm_weight * trie.look_ahead(child);
                    best = best.max(cost);
                    self.entries.push((child | mark, phone, cost));
                }
            }
        }
        best
    }

    fn begin_row(&mut self) {
        self.next.clear();
        self.generation = self.generation.wrapping_add(1);
        if self.generation == 0 || self.table.is_empty() {
            self.table.clear();
            self.table.resize(4_096, (0, 0));
            self.generation = 1;
        }
    }

    /// Adds `token` unless it is out of the beam or no better than one with the same future; tells where it went.
    fn put(&mut self, beam: f32, token: Token) -> Option<usize> {
        if token.score < self.best - beam {
            return None;
        }
        self.best = self.best.max(token.score);
        if self.next.len() * 2 >= self.table.len() {
            self.grow();
        }
        let mask = self.table.len() - 1;
        let mut at = token.hash() & mask;
        loop {
            let (generation, slot) = self.table[at];
            if generation != self.generation {
                self.table[at] = (self.generation, self.next.len() as u32);
                self.next.push(token);
                return Some(self.next.len() - 1);
            }
            let held = &mut self.next[slot as usize];
            if held.key() == token.key() {
                if held.score >= token.score {
                    return None;
                }
                *held = token;
                return Some(slot as usize);
            }
            at = (at + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let size = self.table.len() * 2;
        self.table.clear();
        self.table.resize(size, (0, 0));
        for (slot, token) in self.next.iter().enumerate() {
            let mut at = token.hash() & (size - 1);
            while self.table[at].0 == self.generation {
                at = (at + 1) & (size - 1);
            }
            self.table[at] = (self.generation, slot as u32);
        }
    }
}
