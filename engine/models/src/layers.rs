//! The two layers all our networks are made of, over plain rows of `f32`.

use candle_core::{Device, Storage, Tensor};

use crate::error::ModelError;

/// Up to so many rows a product is done row by row: measured, three vector products together are faster than one
/// matrix product, which first rearranges the weights.
const FEW_ROWS: usize = 3;

/// `y = W x + b` for each row `x`, with `W` as stored: `[out, in]`. For the few rows of a live stream.
pub(crate) struct Linear {
    weight: Tensor,
    bias: Vec<f32>,
    input: usize,
}

impl Linear {
    /// `weight` is `[out, in]`, `out` being the length of `bias`.
    pub(crate) fn new(weight: Vec<f32>, bias: Vec<f32>, input: usize) -> Result<Self, ModelError> {
        Ok(Self { weight: Tensor::from_vec(weight, (bias.len(), input), &Device::Cpu)?, bias, input })
    }

    /// Replaces `out` by the products; `x` is `[rows, in]`, `out` becomes `[rows, out]`.
    pub(crate) fn apply(&self, x: &[f32], out: &mut Vec<f32>) -> Result<(), ModelError> {
        out.clear();
        let rows = x.len() / self.input;
        if rows <= FEW_ROWS {
            for row in x.chunks_exact(self.input) {
                self.product(row, 1, out)?;
            }
            Ok(())
        } else {
            self.product(x, rows, out)
        }
    }

    /// One candle product over all of `x`. The weights stand on the left, where they are read as they lie in memory.
    fn product(&self, x: &[f32], rows: usize, out: &mut Vec<f32>) -> Result<(), ModelError> {
        let y = self.weight.matmul(&Tensor::from_slice(x, (rows, self.input), &Device::Cpu)?.t()?)?;
        let (storage, _) = y.storage_and_layout();
        if let Storage::Cpu(cpu) = &*storage {
            let y = cpu.as_slice::<f32>()?;
            for row in 0..rows {
                out.extend(y.iter().skip(row).step_by(rows).zip(&self.bias).map(|(y, b)| y + b));
            }
        }
        Ok(())
    }
}

/// Every row to mean 0 and variance 1, then scaled and shifted per column.
pub(crate) struct LayerNorm {
    pub(crate) weight: Vec<f32>,
    pub(crate) bias: Vec<f32>,
    pub(crate) eps: f32,
}

impl LayerNorm {
    /// Appends the normalised rows of `x` to `out`.
    #[inline(always)]
    pub(crate) fn apply(&self, x: &[f32], out: &mut Vec<f32>) {
        let width = self.weight.len();
        for row in x.chunks_exact(width) {
            let mean = row.iter().sum::<f32>() / width as f32;
            let variance = row.iter().map(|v| (v - mean) * (v - mean)).sum::<f32>() / width as f32;
            let scale = 1.0 / (variance + self.eps).sqrt();
            let scaled = row.iter().zip(self.weight.iter().zip(&self.bias));
            out.extend(scaled.map(|(v, (w, b))| (v - mean) * scale * w + b));
        }
    }
}
