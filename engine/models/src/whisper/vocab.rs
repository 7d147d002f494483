//! Token numbers: the special ones, those never said, and which of them make up a word.

use std::path::Path;

use serde::Deserialize;
use tokenizers::Tokenizer;

use super::error::WhisperError;

/// OpenAI's own rule: from this many tokens on a model speaks several languages (`Whisper.is_multilingual`).
const MULTILINGUAL_FROM: usize = 51_865;
/// Seconds from one timestamp token to the next (Radford et al., 2022, section 2.3).
pub const STAMP_S: f32 = 0.02;

/// What `generation_config.json` may say; all of it can be absent.
#[derive(Debug, Default, Deserialize)]
pub struct Generation {
    is_multilingual: Option<bool>,
    no_timestamps_token_id: Option<u32>,
    max_initial_timestamp_index: Option<u32>,
    suppress_tokens: Option<Vec<i64>>,
    begin_suppress_tokens: Option<Vec<i64>>,
}

/// A word as the tokens have it.
#[derive(Clone, Debug, PartialEq)]
pub struct SpokenWord {
    /// As written by the model, with its punctuation.
    pub text: String,
    /// Mean log-probability of its tokens.
    pub logprob: f32,
}

/// The tokens of one model.
#[derive(Debug)]
pub struct Vocab {
    tokenizer: Tokenizer,
    /// `<|endoftext|>`; every token below it is text.
    pub end: u32,
    /// What a transcript begins with: start, and for a model of several languages English and transcribe.
    pub start: Vec<u32>,
    /// `<|startofprev|>`, before the text a transcript should lean towards.
    pub previous: Option<u32>,
    /// `<|nospeech|>` (`<|nocaptions|>` in older files).
    pub no_speech: Option<u32>,
    /// `<|notimestamps|>`.
    pub no_stamps: u32,
    /// `<|0.00|>`; this and every token above it is a timestamp.
    pub first_stamp: u32,
    /// The first timestamp is at most this many steps of [`STAMP_S`] in.
    pub latest_first_stamp: Option<u32>,
    /// Never said.
    pub suppressed: Vec<u32>,
    /// Never said first.
    pub suppressed_first: Vec<u32>,
}

impl Vocab {
    /// Reads the special tokens out of a tokenizer. `size` is the network's vocabulary, `listed` the tokens
    /// `config.json` wants suppressed.
    ///
    /// # Errors
    /// [`WhisperError::Malformed`] if a token every Whisper has is missing.
    pub fn new(
        tokenizer: Tokenizer,
        path: &Path,
        size: usize,
        listed: Option<Vec<i64>>,
        generation: Generation,
    ) -> Result<Self, WhisperError> {
        let find = |text: &str| tokenizer.token_to_id(text).filter(|&id| (id as usize) < size);
        let need = |text: &str| {
            find(text).ok_or_else(|| WhisperError::Malformed {
                path: path.to_owned(),
                why: format!("has no token {text} below the model's {size}: it belongs to another model"),
            })
        };
        let end = need("<|endoftext|>")?;
        let no_stamps = match generation.no_timestamps_token_id {
            Some(id) if (id as usize) + 1 < size && id > end => id,
            _ => need("<|notimestamps|>")?,
        };
        let first_stamp = no_stamps + 1;
        if first_stamp as usize >= size || first_stamp <= end {
            return Err(WhisperError::Malformed {
                path: path.to_owned(),
                why: format!("has no timestamps after token {no_stamps} of the model's {size}"),
            });
        }
        let mut start = vec![need("<|startoftranscript|>")?];
        if generation.is_multilingual.unwrap_or(size >= MULTILINGUAL_FROM) {
            start.push(need("<|en|>")?);
            start.push(need("<|transcribe|>")?);
        }
        let known = |ids: Vec<i64>| -> Vec<u32> {
            // Some files say -1 for "the usual ones"; numbers outside the vocabulary mean nothing here.
            ids.into_iter().filter_map(|id| u32::try_from(id).ok()).filter(|&id| (id as usize) < size).collect()
        };
        let mut suppressed = known(generation.suppress_tokens.or(listed).unwrap_or_default());
        // Whatever the files say: special tokens other than the end are no text.
        suppressed.extend(end + 1..first_stamp);
        let suppressed_first = match generation.begin_suppress_tokens {
            Some(ids) => known(ids),
            None => find("Ġ").into_iter().chain([end]).collect(),
        };
        Ok(Self {
            end,
            previous: find("<|startofprev|>"),
            no_speech: find("<|nospeech|>").or_else(|| find("<|nocaptions|>")),
            // 1 s, as the reference decoder has it, where the file does not say.
            latest_first_stamp: Some(generation.max_initial_timestamp_index.unwrap_or(50)),
            start,
            no_stamps,
            first_stamp,
            suppressed,
            suppressed_first,
            tokenizer,
        })
    }

    /// Seconds a timestamp token stands for; `None` for any other token.
    #[must_use]
    pub fn stamp_s(&self, id: u32) -> Option<f32> {
        id.checked_sub(self.first_stamp).map(|n| n as f32 * STAMP_S)
    }

    /// Whether a token is text.
    #[must_use]
    pub fn is_text(&self, id: u32) -> bool {
        id < self.end
    }

    /// Tokens of a text.
    #[must_use]
    pub fn encode(&self, text: &str) -> Vec<u32> {
        let ids = self.tokenizer.encode_fast(text, false).map(|e| e.get_ids().to_vec()).unwrap_or_default();
        ids.into_iter().filter(|&id| self.is_text(id)).collect()
    }

    /// The text of tokens; those that are not text are left out.
    #[must_use]
    pub fn text(&self, ids: &[u32]) -> String {
        let ids: Vec<u32> = ids.iter().copied().filter(|&id| self.is_text(id)).collect();
        self.tokenizer.decode(&ids, true).unwrap_or_default()
    }

    /// Text tokens with their log-probabilities, grouped into words: a word starts where a token starts with a space.
    #[must_use]
    pub fn words(&self, tokens: &[(u32, f32)]) -> Vec<SpokenWord> {
        let mut words = Vec::new();
        let mut from = 0;
        for at in 1..=tokens.len() {
            // "Ġ" is how byte-level tokens spell a leading space.
            let starts = |id: u32| self.tokenizer.id_to_token(id).is_some_and(|t| t.starts_with('Ġ'));
            if at < tokens.len() && !starts(tokens[at].0) {
                continue;
            }
            let (ids, logprobs): (Vec<u32>, Vec<f32>) = tokens[from..at].iter().copied().unzip();
            if !ids.is_empty() {
                words.push(SpokenWord {
                    text: self.text(&ids).trim().to_owned(),
                    logprob: logprobs.iter().sum::<f32>() / logprobs.len() as f32,
                });
            }
            from = at;
        }
        words
    }
}
