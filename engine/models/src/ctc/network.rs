//! The acoustic network: log-mel rows in, rows of log-posteriors over the phones out, exact at any chunk size.
//!
//! Two strided convolutions and a chain of splice blocks. Matrix products run in candle; what lies between them is
//! plain loops over slices, because a tensor operation on two or four rows costs more to set up than to compute.
//! What a convolution sees before the first and after the last row is 0.0, after the normalisation that precedes it.

use safetensors::SafeTensors;

use super::config::{Config, Conv};
use crate::{
    error::ModelError,
    layers::{LayerNorm, Linear},
    weights::tensor_f32,
};

const FILE: &str = "model.safetensors";

struct Convolution {
    shape: Conv,
    product: Linear,
}

struct Block {
    norm: LayerNorm,
    /// First row of each spliced row, counted from the oldest row needed.
    offsets: Vec<usize>,
    left: usize,
    right: usize,
    expand: Linear,
    contract: Linear,
}

/// The weights, shared by all tracks.
pub struct Network {
    convolutions: [Convolution; 2],
    blocks: Vec<Block>,
    feed_back_after: usize,
    mid_norm: LayerNorm,
    mid_out: Linear,
    feed_back: Linear,
    top_norm: LayerNorm,
    top_out: Linear,
    width: usize,
    symbols: usize,
}

/// What a step gives: rows of log-posteriors `[rows, symbols]`, end to end.
///
/// Row for row both speak of the same time, but the middle output looks less far ahead and so is some rows further.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// The output half way up, which is fed back. Trained by itself, so its phones stand without the help of words.
    pub middle: Vec<f32>,
    /// The last output. Trained together with a model of phone sequences: right about words, less about single phones.
    pub top: Vec<f32>,
}

impl Rows {
    /// Forgets the rows, keeps the space.
    pub fn clear(&mut self) {
        self.middle.clear();
        self.top.clear();
    }
}

/// What one track's network remembers between steps, and scratch space.
pub struct NetworkState {
    /// Input rows of each convolution that are still needed.
    convolved: [Vec<f32>; 2],
    /// Per block: normalised rows still needed, and inputs waiting to be added to their own output.
    blocks: Vec<(Vec<f32>, Vec<f32>)>,
    spliced: Vec<f32>,
    hidden: Vec<f32>,
    result: Vec<f32>,
    rows: Vec<f32>,
    next: Vec<f32>,
}

impl Convolution {
    /// Replaces `rows` (input rows) by the output rows that can be finished.
    fn step(
        &self,
        kept: &mut Vec<f32>,
        rows: &mut Vec<f32>,
        patch: &mut Vec<f32>,
        last: bool,
    ) -> Result<(), ModelError> {
        let Conv { input, kernel, stride, pad_right, .. } = self.shape;
        kept.extend_from_slice(rows);
        if last {
            kept.resize(kept.len() + pad_right * input, 0.0);
        }
        let finished = (kept.len() / input).checked_sub(kernel).map_or(0, |rest| rest / stride + 1);
        patch.clear();
        for row in 0..finished {
            let start = row * stride * input;
            patch.extend_from_slice(&kept[start..start + kernel * input]);
        }
        kept.drain(..finished * stride * input);
        self.product.apply(patch, rows)?;
        relu(rows);
        Ok(())
    }
}

fn relu(x: &mut [f32]) {
    x.iter_mut().for_each(|v| *v = v.max(0.0));
}

/// Turns every row of `width` values into log-probabilities.
fn log_softmax(x: &mut [f32], width: usize) {
    for row in x.chunks_exact_mut(width) {
        let max = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let log_sum = row.iter().map(|v| (v - max).exp()).sum::<f32>().ln() + max;
        row.iter_mut().for_each(|v| *v -= log_sum);
    }
}

impl Network {
    /// Reads the weights from `model.safetensors` (f32, f16 or bf16), checked against `config`. `done` is told the
    /// finished share, 0..=1.
    ///
    /// # Errors
    /// [`ModelError::Format`] names the tensor that is missing or has a wrong shape.
    pub fn load(bytes: &[u8], config: &Config, mut done: impl FnMut(f32)) -> Result<Self, ModelError> {
        let file = SafeTensors::deserialize(bytes).map_err(|e| ModelError::format(FILE, e.to_string()))?;
        let m = &config.model;
        let (width, symbols) = (m.d_model, config.symbols());
        let tensor = |name: String, shape: &[usize]| tensor_f32(FILE, &file, &name, shape);
        let linear = |name: &str, input: usize, output: usize| {
            let weight = tensor(format!("{name}.weight"), &[output, input])?;
            Linear::new(weight, tensor(format!("{name}.bias"), &[output])?, input)
        };
        let norm = |name: &str| -> Result<LayerNorm, ModelError> {
            Ok(LayerNorm {
                weight: tensor(format!("{name}.weight"), &[width])?,
                bias: tensor(format!("{name}.bias"), &[width])?,
                eps: m.layer_norm_eps,
            })
        };
        let convolution = |name: &str, shape: &Conv| -> Result<Convolution, ModelError> {
            let Conv { input, output, kernel, .. } = *shape;
            let stored = tensor(format!("{name}.weight"), &[output, input, kernel])?;
            // From [out, in, kernel] to [out, kernel * in]: a patch is the rows under the kernel, one after the other.
            let mut flat = Vec::with_capacity(stored.len());
            for filter in stored.chunks_exact(input * kernel) {
                for k in 0..kernel {
                    flat.extend(filter.iter().skip(k).step_by(kernel));
                }
            }
            let bias = tensor(format!("{name}.bias"), &[output])?;
            Ok(Convolution { shape: shape.clone(), product: Linear::new(flat, bias, input * kernel)? })
        };
        let convolutions = [convolution("c1", &m.conv1)?, convolution("c2", &m.conv2)?];
        let mut blocks = Vec::with_capacity(m.blocks.len());
        for (i, block) in m.blocks.iter().enumerate() {
            let left = block.left();
            let offsets: Vec<usize> = block.splice.iter().map(|&s| left.wrapping_add_signed(s as isize)).collect();
            blocks.push(Block {
                norm: norm(&format!("bl.{i}.ln"))?,
                left,
                right: block.right(),
                expand: linear(&format!("bl.{i}.p1"), width * offsets.len(), m.hidden)?,
                contract: linear(&format!("bl.{i}.p2"), m.hidden, width)?,
                offsets,
            });
            done((i + 1) as f32 / m.blocks.len() as f32);
        }
        Ok(Self {
            convolutions,
            blocks,
            feed_back_after: m.self_condition.after_block_index,
            mid_norm: norm("lnm")?,
            mid_out: linear("phm", width, symbols)?,
            feed_back: linear("fb", symbols, width)?,
            top_norm: norm("lno")?,
            top_out: linear("ph", width, symbols)?,
            width,
            symbols,
        })
    }

    /// The state at the start of an utterance.
    #[must_use]
    pub fn start(&self) -> NetworkState {
        let [one, two] = &self.convolutions;
        let zeros = |c: &Convolution| vec![0.0; c.shape.pad_left * c.shape.input];
        NetworkState {
            convolved: [zeros(one), zeros(two)],
            blocks: self.blocks.iter().map(|b| (vec![0.0; b.left * self.width], Vec::new())).collect(),
            spliced: Vec::new(),
            hidden: Vec::new(),
            result: Vec::new(),
            rows: Vec::new(),
            next: Vec::new(),
        }
    }

    /// Takes log-mel rows `[frames, mel]` and appends the finished rows of log-posteriors to `out`.
    /// With `last` everything held back is flushed; the state must then be made anew.
    ///
    /// # Errors
    /// [`ModelError::Compute`] if a matrix product fails.
    pub fn push(&self, state: &mut NetworkState, mel: &[f32], last: bool, out: &mut Rows) -> Result<(), ModelError> {
        let NetworkState { convolved, blocks, spliced, hidden, result, rows, next } = state;
        rows.clear();
        rows.extend_from_slice(mel);
        for (convolution, kept) in self.convolutions.iter().zip(convolved) {
            convolution.step(kept, rows, spliced, last)?;
        }
        for (index, (block, (normed, waiting))) in self.blocks.iter().zip(blocks).enumerate() {
            block.norm.apply(rows, normed);
            if last {
                normed.resize(normed.len() + block.right * self.width, 0.0);
            }
            waiting.extend_from_slice(rows);
            let finished = (normed.len() / self.width).saturating_sub(block.left + block.right);
            spliced.clear();
            for row in 0..finished {
                for offset in &block.offsets {
                    let start = (row + offset) * self.width;
                    spliced.extend_from_slice(&normed[start..start + self.width]);
                }
            }
            block.expand.apply(spliced, hidden)?;
            relu(hidden);
            block.contract.apply(hidden, result)?;
            rows.clear();
            rows.extend(waiting.iter().zip(result.iter()).map(|(x, y)| x + y));
            normed.drain(..finished * self.width);
            waiting.drain(..finished * self.width);
            if index == self.feed_back_after {
                next.clear();
                self.mid_norm.apply(rows, next);
                self.mid_out.apply(next, hidden)?;
                log_softmax(hidden, self.symbols);
                out.middle.extend_from_slice(hidden);
                hidden.iter_mut().for_each(|v| *v = v.exp());
                self.feed_back.apply(hidden, result)?;
                rows.iter_mut().zip(result.iter()).for_each(|(x, y)| *x += y);
            }
        }
        next.clear();
        self.top_norm.apply(rows, next);
        self.top_out.apply(next, result)?;
        log_softmax(result, self.symbols);
        out.top.extend_from_slice(result);
        Ok(())
    }
}
