//! Likeness to a handful of examples: where a sentence lies for plays that no class covers.
//!
//! A small layer over the pieces of the encoder's last one and a weighting of them, taught by plays of three examples
//! each (`training/sentence/likeness.py`); the encoder beneath is as it was.

use safetensors::SafeTensors;

use super::network::{Table, add_scaled, dot, gelu, softmax, table};
use crate::{
    error::ModelError,
    integer::{IntegerLinear, Scratch},
    weights::tensor_f32,
};

pub(super) const FILE: &str = "likeness.safetensors";
/// Lines of the crowd that count for how near it is.
const NEAREST: usize = 8;

/// The layer, and a crowd of ordinary lines.
pub(super) struct Likeness {
    up: IntegerLinear,
    down: IntegerLinear,
    /// Weighs the pieces.
    pool: Vec<f32>,
    /// The mean of labelled lines, taken off.
    centre: Vec<f32>,
    /// Lines one after the other, of length 1.
    crowd: Vec<f32>,
}

impl Likeness {
    /// Reads `likeness.safetensors` for an encoder of this `width`.
    pub(super) fn load(bytes: &[u8], width: usize) -> Result<Self, ModelError> {
        let file = SafeTensors::deserialize(bytes).map_err(|e| ModelError::format(FILE, e.to_string()))?;
        // How many rows a tensor has is the file's own affair.
        let rows = |name: &str| -> Result<usize, ModelError> {
            let missing = |e| ModelError::format(FILE, format!("tensor `{name}` is missing ({e})"));
            Ok(file.tensor(name).map_err(missing)?.shape().first().copied().unwrap_or(0))
        };
        let linear = |name: &str, input: usize, output: usize| {
            let Table { values, scales } = table(FILE, &file, &format!("{name}.weight"), &[output, input])?;
            let bias = tensor_f32(FILE, &file, &format!("{name}.bias"), &[output])?;
            IntegerLinear::new(FILE, &values, &scales, &bias, input)
        };
        let (inner, many) = (rows("up.bias")?, rows("crowd.scale")?);
        if inner == 0 || many <= NEAREST {
            return Err(ModelError::format(FILE, format!("an inner width of {inner}, a crowd of {many}: too few")));
        }
        let crowd = table(FILE, &file, "crowd", &[many, width])?;
        Ok(Self {
            up: linear("up", width, inner)?,
            down: linear("down", inner, width)?,
            pool: table(FILE, &file, "pool.weight", &[1, width])?.row(0, width).collect(),
            centre: tensor_f32(FILE, &file, "centre", &[width])?,
            crowd: (0..many).flat_map(|line| crowd.row(line, width)).collect(),
        })
    }

    /// The place of a sentence, of length 1. `x` holds its pieces as the encoder's last layer has them, row by row.
    #[inline(always)]
    pub(super) fn place(&self, x: &[f32], scratch: &mut Scratch) -> Vec<f32> {
        let width = self.pool.len();
        let (mut inner, mut moved) = (Vec::new(), Vec::new());
        self.up.apply(x, scratch, &mut inner);
        inner.iter_mut().for_each(|v| *v = gelu(*v));
        self.down.apply(&inner, scratch, &mut moved);
        add_scaled(&mut moved, x, 1.0);
        let mut weights: Vec<f32> = moved.chunks_exact(width).map(|row| dot(row, &self.pool)).collect();
        softmax(&mut weights);
        let mut place = vec![0.0; width];
        for (row, weight) in moved.chunks_exact(width).zip(weights) {
            add_scaled(&mut place, row, weight);
        }
        to_length_one(&mut place);
        add_scaled(&mut place, &self.centre, -1.0);
        to_length_one(&mut place);
        place
    }

    /// How near `place` lies to the nearest lines of the crowd, in the mean.
    pub(super) fn crowd(&self, place: &[f32]) -> f32 {
        let mut near: Vec<f32> = self.crowd.chunks_exact(self.pool.len()).map(|line| dot(line, place)).collect();
        let rest = near.len() - NEAREST - 1;
        let (_, _, nearest) = near.select_nth_unstable_by(rest, f32::total_cmp);
        // In a fixed order, so that the sum is the same each time.
        nearest.sort_unstable_by(f32::total_cmp);
        nearest.iter().sum::<f32>() / NEAREST as f32
    }
}

#[inline(always)]
fn to_length_one(x: &mut [f32]) {
    let length = dot(x, x).sqrt().max(f32::MIN_POSITIVE);
    x.iter_mut().for_each(|v| *v /= length);
}
