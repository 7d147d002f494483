//! The transformer, one sentence at a time: matrix products in whole numbers, the rest plain loops over rows.

use pulp::{Arch, NullaryFnOnce};
use reframe_call::detect::semantic::Sentence;
use safetensors::{Dtype, SafeTensors};

use super::{assets::Config, likeness::Likeness};
use crate::{
    error::ModelError,
    integer::{IntegerLinear, Scratch},
    layers::LayerNorm,
    weights::tensor_f32,
};

const FILE: &str = "model.safetensors";
/// BERT's own.
const EPS: f32 = 1e-12;

/// A table of vectors, kept as 8-bit integers: of ten thousand rows a sentence needs twenty.
pub(super) struct Table {
    pub(super) values: Vec<i8>,
    pub(super) scales: Vec<f32>,
}

struct Layer {
    /// Query, key and value of a piece, one after the other.
    qkv: IntegerLinear,
    out: IntegerLinear,
    norm1: LayerNorm,
    up: IntegerLinear,
    down: IntegerLinear,
    norm2: LayerNorm,
}

pub(super) struct Network {
    words: Table,
    positions: Vec<f32>,
    norm: LayerNorm,
    layers: Vec<Layer>,
    pool: IntegerLinear,
    head1: IntegerLinear,
    head2: IntegerLinear,
    width: usize,
    heads: usize,
    pools: usize,
    classes: usize,
    temperature: f32,
}

/// Reads 8-bit rows and their scales.
pub(super) fn table(
    from: &'static str,
    file: &SafeTensors<'_>,
    name: &str,
    shape: &[usize; 2],
) -> Result<Table, ModelError> {
    let view = file.tensor(name).map_err(|e| ModelError::format(from, format!("tensor `{name}` is missing ({e})")))?;
    if view.dtype() != Dtype::I8 || view.shape() != shape {
        let problem = format!("tensor `{name}` is {:?} {:?}, not I8 {shape:?}", view.dtype(), view.shape());
        return Err(ModelError::format(from, problem));
    }
    let values = view.data().iter().map(|b| i8::from_le_bytes([*b])).collect();
    Ok(Table { values, scales: tensor_f32(from, file, &format!("{name}.scale"), &[shape[0]])? })
}

impl Table {
    /// Row `index` of `width` values.
    pub(super) fn row(&self, index: usize, width: usize) -> impl Iterator<Item = f32> {
        let scale = self.scales[index];
        self.values[index * width..(index + 1) * width].iter().map(move |v| f32::from(*v) * scale)
    }
}

#[inline(always)]
pub(super) fn softmax(x: &mut [f32]) {
    let most = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for v in x.iter_mut() {
        *v = (*v - most).exp();
        sum += *v;
    }
    x.iter_mut().for_each(|v| *v /= sum);
}

/// `x Φ(x)` (Hendrycks and Gimpel 2016), with the error function as an odd polynomial: a least-squares fit on |z| ≤ 3,
/// wrong by at most 2.2e-5 anywhere, and free of branches and exponentials so that it runs in vector registers.
#[inline(always)]
pub(super) fn gelu(x: f32) -> f32 {
    const P: [f32; 10] = [
        1.128_352_4,
        -0.375_898_42,
        0.112_258_16,
        -0.026_178_775,
        0.004_764_946,
        -0.000_663_593_5,
        6.755_36e-5,
        -4.673_156e-6,
        1.941_320_4e-7,
        -3.625_886_5e-9,
    ];
    let z = (x * std::f32::consts::FRAC_1_SQRT_2).clamp(-3.0, 3.0);
    let t = z * z;
    let mut erf = P[9];
    for p in P[..9].iter().rev() {
        erf = erf * t + p;
    }
    0.5 * x * (1.0 + erf * z)
}

#[inline(always)]
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    // Eight sums side by side: one alone would wait for itself.
    let mut sums = [0.0f32; 8];
    for (a, b) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
        for (s, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *s += a * b;
        }
    }
    let rest = a.chunks_exact(8).remainder().iter().zip(b.chunks_exact(8).remainder());
    sums.iter().sum::<f32>() + rest.map(|(a, b)| a * b).sum::<f32>()
}

/// Adds `scale * x` to `to`.
#[inline(always)]
pub(super) fn add_scaled(to: &mut [f32], x: &[f32], scale: f32) {
    to.iter_mut().zip(x).for_each(|(t, x)| *t += scale * x);
}

/// The whole computation, for [`Arch::dispatch`].
struct Run<'a> {
    network: &'a Network,
    likeness: Option<&'a Likeness>,
    ids: &'a [u32],
}

impl NullaryFnOnce for Run<'_> {
    type Output = Sentence;

    #[inline(always)]
    fn call(self) -> Sentence {
        self.network.compute(self.likeness, self.ids)
    }
}

impl Network {
    pub(super) fn load(bytes: &[u8], config: &Config, vocabulary: usize) -> Result<Self, ModelError> {
        let file = SafeTensors::deserialize(bytes).map_err(|e| ModelError::format(FILE, e.to_string()))?;
        let width = config.width;
        let plain = |name: &str, n: usize| tensor_f32(FILE, &file, name, &[n]);
        let linear = |name: &str, input: usize, output: usize| {
            let Table { values, scales } = table(FILE, &file, &format!("{name}.weight"), &[output, input])?;
            IntegerLinear::new(FILE, &values, &scales, &plain(&format!("{name}.bias"), output)?, input)
        };
        let norm = |name: &str| -> Result<LayerNorm, ModelError> {
            let (weight, bias) = (plain(&format!("{name}.weight"), width)?, plain(&format!("{name}.bias"), width)?);
            Ok(LayerNorm { weight, bias, eps: EPS })
        };
        let layer = |i: usize| -> Result<Layer, ModelError> {
            let name = |part: &str| format!("layers.{i}.{part}");
            Ok(Layer {
                qkv: linear(&name("qkv"), width, 3 * width)?,
                out: linear(&name("out"), width, width)?,
                norm1: norm(&name("norm1"))?,
                up: linear(&name("up"), width, config.hidden)?,
                down: linear(&name("down"), config.hidden, width)?,
                norm2: norm(&name("norm2"))?,
            })
        };
        Ok(Self {
            words: table(FILE, &file, "words.weight", &[vocabulary, width])?,
            positions: tensor_f32(FILE, &file, "positions.weight", &[config.max_pieces, width])?,
            norm: norm("norm")?,
            layers: (0..config.layers).map(layer).collect::<Result<_, _>>()?,
            pool: linear("pool", width, config.pools)?,
            head1: linear("head1", config.pools * width, config.head)?,
            head2: linear("head2", config.head, config.labels.len())?,
            width,
            heads: config.heads,
            pools: config.pools,
            classes: config.labels.len(),
            temperature: config.temperature,
        })
    }

    /// Word pieces to a place, classes and, with it, a place by `likeness`.
    pub(super) fn run(&self, likeness: Option<&Likeness>, ids: &[u32]) -> Sentence {
        Arch::new().dispatch(Run { network: self, likeness, ids })
    }

    // What follows is compiled once more for wider registers, which takes inlining; what is computed stays the same, as
    // nothing but the instructions differs.

    #[inline(always)]
    fn compute(&self, likeness: Option<&Likeness>, ids: &[u32]) -> Sentence {
        let width = self.width;
        let mut sum = Vec::with_capacity(ids.len() * width);
        for (id, position) in ids.iter().zip(self.positions.chunks_exact(width)) {
            sum.extend(self.words.row(*id as usize, width).zip(position).map(|(w, p)| w + p));
        }
        let mut x = Vec::with_capacity(sum.len());
        self.norm.apply(&sum, &mut x);
        let (mut qkv, mut mixed, mut inner) = (Vec::new(), Vec::new(), Vec::new());
        let mut scratch = Scratch::default();
        for layer in &self.layers {
            layer.qkv.apply(&x, &mut scratch, &mut qkv);
            self.attend(&qkv, &mut mixed);
            layer.out.apply(&mixed, &mut scratch, &mut sum);
            add_scaled(&mut sum, &x, 1.0);
            x.clear();
            layer.norm1.apply(&sum, &mut x);
            layer.up.apply(&x, &mut scratch, &mut inner);
            inner.iter_mut().for_each(|v| *v = gelu(*v));
            layer.down.apply(&inner, &mut scratch, &mut sum);
            add_scaled(&mut sum, &x, 1.0);
            x.clear();
            layer.norm2.apply(&sum, &mut x);
        }
        let alike = match likeness {
            Some(likeness) => likeness.place(&x, &mut scratch),
            None => Vec::new(),
        };
        Sentence { embedding: self.embedding(&x), classes: self.classes(&x, &mut scratch), alike }
    }

    /// Every piece looks at all pieces, in each head for itself.
    #[inline(always)]
    fn attend(&self, qkv: &[f32], out: &mut Vec<f32>) {
        let (width, size) = (self.width, self.width / self.heads);
        let pieces = qkv.len() / (3 * width);
        let scale = 1.0 / (size as f32).sqrt();
        let part = |row: usize, which: usize, head: usize| {
            let at = row * 3 * width + which * width + head * size;
            &qkv[at..at + size]
        };
        out.clear();
        out.resize(pieces * width, 0.0);
        let mut weights = vec![0.0; pieces];
        for row in 0..pieces {
            for head in 0..self.heads {
                for (other, w) in weights.iter_mut().enumerate() {
                    *w = dot(part(row, 0, head), part(other, 1, head)) * scale;
                }
                softmax(&mut weights);
                let to = &mut out[row * width + head * size..][..size];
                for (other, w) in weights.iter().enumerate() {
                    add_scaled(to, part(other, 2, head), *w);
                }
            }
        }
    }

    /// Mean of the pieces, length 1.
    #[inline(always)]
    fn embedding(&self, x: &[f32]) -> Vec<f32> {
        let mut mean = vec![0.0; self.width];
        for row in x.chunks_exact(self.width) {
            add_scaled(&mut mean, row, 1.0);
        }
        let length = dot(&mean, &mean).sqrt().max(f32::MIN_POSITIVE);
        mean.iter_mut().for_each(|v| *v /= length);
        mean
    }

    /// Several learned weightings of the pieces, one hidden layer, probabilities.
    #[inline(always)]
    fn classes(&self, x: &[f32], scratch: &mut Scratch) -> Vec<f32> {
        let (mut scores, mut hidden, mut classes) = (Vec::new(), Vec::new(), Vec::with_capacity(self.classes));
        self.pool.apply(x, scratch, &mut scores);
        let mut pooled = vec![0.0; self.pools * self.width];
        for (pool, to) in pooled.chunks_exact_mut(self.width).enumerate() {
            let mut weights: Vec<f32> = scores.iter().skip(pool).step_by(self.pools).copied().collect();
            softmax(&mut weights);
            for (row, w) in x.chunks_exact(self.width).zip(weights) {
                add_scaled(to, row, w);
            }
        }
        self.head1.apply(&pooled, scratch, &mut hidden);
        hidden.iter_mut().for_each(|v| *v = gelu(*v));
        self.head2.apply(&hidden, scratch, &mut classes);
        classes.iter_mut().for_each(|v| *v /= self.temperature);
        softmax(&mut classes);
        classes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gelu_is_what_it_says() {
        // Values of x Φ(x) from a table of the normal distribution.
        for (x, want) in [(0.0, 0.0), (1.0, 0.841_345), (-1.0, -0.158_655), (2.5, 2.484_476), (-6.0, 0.0), (8.0, 8.0)] {
            assert!((gelu(x) - want).abs() < 2e-4, "gelu({x}) = {}", gelu(x));
        }
    }

    #[test]
    fn softmax_sums_to_one_and_survives_large_values() {
        let mut x = [1000.0, 999.0, -1000.0];
        softmax(&mut x);
        assert!((x.iter().sum::<f32>() - 1.0).abs() < 1e-6 && x[0] > x[1] && x[2] == 0.0);
    }
}
