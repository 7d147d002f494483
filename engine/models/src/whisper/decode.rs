//! Greedy decoding of one window, with guards against the ways Whisper goes wrong: silence, loops, babble.

use std::io::Write;

use candle_core::Tensor;

use super::{error::WhisperError, network::Network, rules, vocab::Vocab};

/// When to stop and what to disbelieve.
#[derive(Clone, Debug, PartialEq)]
pub struct DecodeSettings {
    /// Tokens allowed per second of sound, on top of [`spare_tokens`](Self::spare_tokens). Fast conversational English
    /// has about 5 words or 7 tokens a second; twice that is no speech.
    pub tokens_per_s: f32,
    /// Tokens allowed however short the sound is: timestamps, and a word or two.
    pub spare_tokens: usize,
    /// Above this probability of no speech, a transcript with little confidence is silence (0.6 in the reference
    /// decoder).
    pub no_speech_above: f32,
    /// Mean log-probability per token below which a transcript has little confidence (-1 in the reference decoder).
    pub logprob_below: f32,
    /// Text that a compressor shortens by more than this factor repeats itself (2.4 in the reference decoder).
    pub compression_above: f32,
    /// Whether such doubtful texts are dropped. Only a test of the bare network switches this off.
    pub guard: bool,
}

impl Default for DecodeSettings {
    fn default() -> Self {
        Self {
            tokens_per_s: 14.0,
            spare_tokens: 16,
            no_speech_above: 0.6,
            logprob_below: -1.0,
            compression_above: 2.4,
            guard: true,
        }
    }
}

/// Why decoding ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The model said so.
    End,
    /// The sound is too short for more tokens, or the model has no room for them.
    Limit,
    /// It began to say the same thing over and over; what repeats was cut off.
    Loop,
}

/// Why a transcript is not to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Nobody speaks.
    NoSpeech,
    /// The text repeats itself.
    Repetitive,
}

/// What one window was decoded to.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// Tokens after the start sequence, without the end, each with its log-probability among those allowed.
    pub tokens: Vec<(u32, f32)>,
    /// Mean of the log-probabilities, the end included.
    pub mean_logprob: f32,
    /// Probability that nobody speaks; 0 for a model that cannot tell.
    pub no_speech: f32,
    /// Length of the text over its compressed length.
    pub compression: f32,
    /// Why it ended.
    pub stop: Stop,
}

impl Decoded {
    /// Whether, and why, this is not to be believed.
    #[must_use]
    pub fn doubt(&self, settings: &DecodeSettings) -> Option<Doubt> {
        if self.no_speech > settings.no_speech_above && self.mean_logprob < settings.logprob_below {
            return Some(Doubt::NoSpeech);
        }
        (self.compression > settings.compression_above).then_some(Doubt::Repetitive)
    }
}

/// Decodes `sound`, the encoder's output for `seconds` of audio. `prompt` holds text tokens the transcript should lean
/// towards; every one of them makes every step slower.
///
/// # Errors
/// [`WhisperError::Network`] if the arithmetic fails.
pub fn greedy(
    network: &mut Network,
    vocab: &Vocab,
    sound: &Tensor,
    seconds: f32,
    prompt: &[u32],
    settings: &DecodeSettings,
) -> Result<Decoded, WhisperError> {
    let room = network.config().max_target_positions;
    let mut ids = Vec::with_capacity(room);
    if let Some(previous) = vocab.previous.filter(|_| !prompt.is_empty()) {
        // At most half the room, as in the reference decoder; the end of the prompt counts most.
        let kept = prompt.len().min((room / 2).saturating_sub(1));
        ids.push(previous);
        ids.extend_from_slice(&prompt[prompt.len() - kept..]);
    }
    let start_at = ids.len();
    ids.extend_from_slice(&vocab.start);
    let begin = ids.len();
    let by_length = settings.spare_tokens + (seconds * settings.tokens_per_s).ceil() as usize;
    let limit = by_length.min(room.saturating_sub(begin)).min(room / 2);

    let mut logprobs: Vec<f32> = Vec::with_capacity(limit);
    let (mut sum, mut no_speech, mut stop) = (0f64, 0f32, Stop::Limit);
    for step in 0..limit {
        let decoded = network.decode(&ids, sound, step == 0)?;
        if let (0, Some(token)) = (step, vocab.no_speech) {
            let scores = network.scores(&decoded, start_at)?;
            no_speech = (scores[token as usize] - rules::log_sum_exp(&scores)).exp();
        }
        let mut scores = network.scores(&decoded, ids.len() - 1)?;
        rules::apply(&mut scores, &ids[begin..], vocab);
        let Some((best, score)) = best(&scores) else { break };
        let logprob = score - rules::log_sum_exp(&scores);
        sum += f64::from(logprob);
        if best == vocab.end {
            stop = Stop::End;
            break;
        }
        ids.push(best);
        logprobs.push(logprob);
        if vocab.is_text(best)
            && let Some(cut) = loop_start(&ids[begin..], vocab)
        {
            ids.truncate(begin + cut);
            logprobs.truncate(cut);
            sum = logprobs.iter().map(|&l| f64::from(l)).sum();
            stop = Stop::Loop;
            break;
        }
    }
    let said = &ids[begin..];
    // As in the reference decoder the end counts as a token.
    let mean_logprob = (sum / (said.len() + 1) as f64) as f32;
    let compression = compression(&vocab.text(said));
    let tokens = said.iter().copied().zip(logprobs).collect();
    Ok(Decoded { tokens, mean_logprob, no_speech, compression, stop })
}

/// The highest score and whose it is; the lower token where two are equal, nothing where nothing is allowed.
fn best(scores: &[f32]) -> Option<(u32, f32)> {
    let mut found: Option<(u32, f32)> = None;
    for (id, &score) in (0u32..).zip(scores) {
        if score > f32::NEG_INFINITY && found.is_none_or(|(_, top)| score > top) {
            found = Some((id, score));
        }
    }
    found
}

/// If the text tokens at the end of `said` are one group repeated more often than people do, the index in `said` at
/// which the second round begins. People do say "no no no no"; nobody repeats five words four times.
fn loop_start(said: &[u32], vocab: &Vocab) -> Option<usize> {
    let text: Vec<usize> = (0..said.len()).filter(|&at| vocab.is_text(said[at])).collect();
    (1..=16).find_map(|group| {
        let rounds = match group {
            1 => 8,
            2 => 6,
            3 | 4 => 5,
            _ => 4,
        };
        let tail = text.len().checked_sub(group * rounds)?;
        let same = (tail + group..text.len()).all(|at| said[text[at]] == said[text[at - group]]);
        same.then(|| text[tail + group])
    })
}

/// Length of a text over its zlib-compressed length.
fn compression(text: &str) -> f32 {
    if text.is_empty() {
        return 0.0;
    }
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    let written = encoder.write_all(text.as_bytes()).and_then(|()| encoder.finish());
    let compressed = written.expect("writing to a Vec does not fail");
    text.len() as f32 / compressed.len() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compression_tells_babble_from_speech() {
        let speech = "honestly the price is a lot higher than what we have set aside for this quarter";
        assert!(compression(speech) < 1.6, "{}", compression(speech));
        assert!(compression(&"thank you very much ".repeat(8)) > 2.4);
        assert_eq!(compression(""), 0.0);
    }

    #[test]
    fn the_best_of_nothing_is_nothing() {
        assert_eq!(best(&[f32::NEG_INFINITY; 3]), None);
        assert_eq!(best(&[f32::NAN, 1.0, 1.0, 0.5]), Some((1, 1.0)));
    }
}
