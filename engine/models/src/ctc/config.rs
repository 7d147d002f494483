//! `config.json` of a model: its sizes and settings, checked so that the rest can rely on them.

use serde::Deserialize;

use crate::error::ModelError;

const FILE: &str = "config.json";
/// Upper bound on any size, so that a damaged number cannot ask for all the memory there is.
const MAX_SIZE: usize = 1 << 14;

/// The whole of `config.json` that the engine uses.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    /// Name of the model.
    pub name: String,
    /// The log-mel front end.
    pub features: Features,
    /// The network.
    pub model: Network,
    /// The output symbols.
    pub ctc: Ctc,
    /// Settings of the word decoder.
    pub decoder: Decoder,
    /// Settings of the phrase spotter.
    pub spotter: Spotter,
}

/// The log-mel front end.
#[derive(Clone, Debug, Deserialize)]
pub struct Features {
    /// Sample rate in Hz.
    pub sample_rate: u32,
    /// Samples in a window.
    pub window_length: usize,
    /// Samples between windows.
    pub hop: usize,
    /// FFT length in samples.
    pub fft_size: usize,
    /// Mel bands.
    pub num_mels: usize,
    /// Added to the power before the logarithm.
    pub floor_added: f32,
    /// Subtracted after the logarithm.
    pub mean: f32,
    /// Divided by at the end.
    pub std: f32,
}

/// The network.
#[derive(Clone, Debug, Deserialize)]
pub struct Network {
    /// Width of the rows between blocks.
    pub d_model: usize,
    /// Width inside a block.
    pub hidden: usize,
    /// First convolution.
    pub conv1: Conv,
    /// Second convolution.
    pub conv2: Conv,
    /// The blocks, in order.
    pub blocks: Vec<Block>,
    /// Added to the variance in a layer norm.
    pub layer_norm_eps: f32,
    /// Where the intermediate symbols are fed back.
    pub self_condition: SelfCondition,
}

/// A strided convolution over time, followed by ReLU.
#[derive(Clone, Debug, Deserialize)]
pub struct Conv {
    /// Channels in.
    #[serde(rename = "in")]
    pub input: usize,
    /// Channels out.
    #[serde(rename = "out")]
    pub output: usize,
    /// Rows under the kernel.
    pub kernel: usize,
    /// Rows between outputs.
    pub stride: usize,
    /// Rows of zeros before the first.
    pub pad_left: usize,
    /// Rows of zeros after the last.
    pub pad_right: usize,
}

/// One block: which rows, relative to the present one, are put side by side.
#[derive(Clone, Debug, Deserialize)]
pub struct Block {
    /// Row offsets, oldest first.
    pub splice: Vec<i32>,
}

impl Block {
    /// Rows needed before the present one.
    #[must_use]
    pub fn left(&self) -> usize {
        self.splice.iter().map(|&s| (-s).max(0)).max().unwrap_or(0).unsigned_abs() as usize
    }

    /// Rows needed after the present one.
    #[must_use]
    pub fn right(&self) -> usize {
        self.splice.iter().map(|&s| s.max(0)).max().unwrap_or(0).unsigned_abs() as usize
    }
}

/// Where the intermediate symbols are fed back.
#[derive(Clone, Debug, Deserialize)]
pub struct SelfCondition {
    /// Index of the block after which it happens.
    pub after_block_index: usize,
}

/// The output symbols.
#[derive(Clone, Debug, Deserialize)]
pub struct Ctc {
    /// Symbols in column order; the first is the blank.
    pub phones: Vec<String>,
}

/// Settings of the word decoder.
#[derive(Clone, Debug, Deserialize)]
pub struct Decoder {
    /// Factor on language-model log-probabilities.
    pub lm_weight: f32,
    /// Added per word.
    pub word_bonus: f32,
    /// Added to the blank's log-posterior.
    pub blank_bias: f32,
    /// Tokens worse than the best by more than this are dropped.
    pub beam: f32,
    /// Tokens kept per row.
    pub max_active: usize,
    /// Phones below this log-posterior are not entered.
    pub min_phone_logp: f32,
}

/// Which output of the network something is looked for in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Output {
    /// The one half way up, which is some rows further.
    Middle,
    /// The last.
    #[default]
    Top,
}

/// Settings of the phrase spotter.
#[derive(Clone, Debug, Deserialize)]
pub struct Spotter {
    /// Where phrases are looked for; models from before there was a choice were made for the last output.
    #[serde(default)]
    pub listens_to: Output,
    /// Ranges of phone counts, both ends inclusive.
    pub buckets_by_phone_count: Vec<[usize; 2]>,
    /// Threshold for each range.
    pub threshold_default: Vec<f32>,
    /// Threshold for each range that misses less and alarms more.
    pub threshold_sensitive: Vec<f32>,
    /// Phrases with fewer phones are refused.
    pub min_phones: usize,
}

impl Spotter {
    /// Threshold for a phrase of `phones` phones out of `table`, one of the two tables above.
    #[must_use]
    pub fn threshold(&self, table: &[f32], phones: usize) -> f32 {
        let bucket = self.buckets_by_phone_count.iter().position(|&[low, high]| (low..=high).contains(&phones));
        // Checked at load: as many thresholds as ranges, at least one.
        bucket.and_then(|b| table.get(b)).or(table.last()).copied().unwrap_or(0.0)
    }
}

impl Config {
    /// Parses and checks `config.json`.
    ///
    /// # Errors
    /// [`ModelError::Format`] says which setting is wrong.
    pub fn parse(json: &[u8]) -> Result<Self, ModelError> {
        let config: Self =
            serde_json::from_slice(json).map_err(|e| ModelError::format(FILE, format!("it does not parse ({e})")))?;
        config.check().map_err(|problem| ModelError::format(FILE, problem))?;
        Ok(config)
    }

    /// Samples between output rows.
    #[must_use]
    pub fn samples_per_row(&self) -> usize {
        self.features.hop * self.model.conv1.stride * self.model.conv2.stride
    }

    /// Symbols per output row, the blank included.
    #[must_use]
    pub fn symbols(&self) -> usize {
        self.ctc.phones.len()
    }

    fn check(&self) -> Result<(), String> {
        let (f, m) = (&self.features, &self.model);
        let sizes = [
            ("features.window_length", f.window_length),
            ("features.hop", f.hop),
            ("features.fft_size", f.fft_size),
            ("features.num_mels", f.num_mels),
            ("model.d_model", m.d_model),
            ("model.hidden", m.hidden),
            ("model.conv1.in", m.conv1.input),
            ("model.conv1.out", m.conv1.output),
            ("model.conv1.kernel", m.conv1.kernel),
            ("model.conv1.stride", m.conv1.stride),
            ("model.conv2.in", m.conv2.input),
            ("model.conv2.out", m.conv2.output),
            ("model.conv2.kernel", m.conv2.kernel),
            ("model.conv2.stride", m.conv2.stride),
            ("decoder.max_active", self.decoder.max_active),
        ];
        for (name, size) in sizes {
            if size == 0 || size > MAX_SIZE {
                return Err(format!("{name} is {size}, not between 1 and {MAX_SIZE}"));
            }
        }
        if f.sample_rate != 16_000 {
            return Err(format!("features.sample_rate is {}, only 16000 is supported", f.sample_rate));
        }
        if f.fft_size < f.window_length || f.fft_size % 2 != 0 || f.window_length % 2 != 0 {
            return Err(format!("window of {} and FFT of {} samples do not fit", f.window_length, f.fft_size));
        }
        if m.conv1.input != f.num_mels || m.conv2.input != m.conv1.output || m.conv2.output != m.d_model {
            return Err("the convolutions do not fit each other, num_mels and d_model".into());
        }
        for conv in [&m.conv1, &m.conv2] {
            if conv.pad_left >= conv.kernel || conv.pad_right >= conv.kernel || conv.stride > conv.kernel {
                return Err("padding or stride of a convolution exceeds its kernel".into());
            }
        }
        if m.blocks.is_empty() || m.blocks.len() > 256 {
            return Err(format!("{} blocks", m.blocks.len()));
        }
        for (i, block) in m.blocks.iter().enumerate() {
            let bad = block.splice.is_empty() || block.splice.len() > 16;
            if bad || block.splice.iter().any(|s| s.unsigned_abs() > 1_000) {
                return Err(format!("the splice of block {i} is {:?}", block.splice));
            }
        }
        if m.self_condition.after_block_index >= m.blocks.len() {
            return Err(format!("self_condition.after_block_index is {}", m.self_condition.after_block_index));
        }
        if !(2..=127).contains(&self.symbols()) {
            return Err(format!("{} symbols in ctc.phones, not between 2 and 127", self.symbols()));
        }
        let numbers = [
            f.floor_added,
            f.mean,
            f.std,
            m.layer_norm_eps,
            self.decoder.lm_weight,
            self.decoder.word_bonus,
            self.decoder.blank_bias,
            self.decoder.beam,
            self.decoder.min_phone_logp,
        ];
        if numbers.iter().any(|x| !x.is_finite()) || f.std == 0.0 || f.floor_added <= 0.0 || self.decoder.beam <= 0.0 {
            return Err("a number in features or decoder is out of range".into());
        }
        let s = &self.spotter;
        let ranges = s.buckets_by_phone_count.len();
        if ranges == 0 || s.threshold_default.len() != ranges || s.threshold_sensitive.len() != ranges {
            return Err("spotter: as many thresholds as buckets_by_phone_count are needed".into());
        }
        Ok(())
    }
}
