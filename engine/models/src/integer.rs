//! Matrix products in whole numbers: 8-bit weights as they are stored, activations rounded to 14 bits.
//!
//! Sums of integers come out the same in whatever order they are taken, so every processor computes the same bits,
//! and twice as many of them fit into a vector register as of `f32`.

use crate::error::ModelError;

/// Largest rounded activation. With it, [`MOST_INPUTS`] products of an 8-bit weight add up to less than 2³¹.
const MOST: f32 = 8191.0;
/// 8191 × 127 × 2048 < 2³¹.
const MOST_INPUTS: usize = 2048;
/// Weight rows worked on together, so that what is read of `x` is used four times.
const PANEL: usize = 4;
/// Values in a 256-bit register; rows are filled up with zeros to a multiple of it.
const LANES: usize = 16;
/// Added to a small number, it leaves the number rounded, ties to even, in the low bits: 1.5 × 2²³.
const ROUNDER: f32 = 12_582_912.0;

/// `y = W x + b` for each row `x`, with `W` in 8 bits and a scale per row.
pub(crate) struct IntegerLinear {
    /// `[out rounded up to PANEL, in rounded up to LANES]`.
    weight: Vec<i8>,
    /// Of each panel.
    scales: Vec<[f32; PANEL]>,
    bias: Vec<[f32; PANEL]>,
    input: usize,
    padded: usize,
    outputs: usize,
}

/// What a product works in, kept from one to the next.
#[derive(Default)]
pub(crate) struct Scratch {
    x: Vec<i16>,
    steps: Vec<f32>,
    panel: Vec<i16>,
    sums: Vec<[i32; PANEL]>,
}

impl IntegerLinear {
    /// `weight` is `[out, in]`, `scales` and `bias` have the length `out`.
    ///
    /// # Errors
    /// [`ModelError::Format`] if `input` is so large that a sum could overflow.
    pub(crate) fn new(
        file: &'static str,
        weight: &[i8],
        scales: &[f32],
        bias: &[f32],
        input: usize,
    ) -> Result<Self, ModelError> {
        if input == 0 || input > MOST_INPUTS {
            return Err(ModelError::format(
                file,
                format!("a layer of {input} inputs; 1 to {MOST_INPUTS} can be summed"),
            ));
        }
        let padded = input.next_multiple_of(LANES);
        let mut rows = vec![0; bias.len().next_multiple_of(PANEL) * padded];
        for (to, row) in rows.chunks_exact_mut(padded).zip(weight.chunks_exact(input)) {
            to[..input].copy_from_slice(row);
        }
        let panels = |values: &[f32]| {
            let four = |part: &[f32]| std::array::from_fn(|n| part.get(n).copied().unwrap_or(0.0));
            values.chunks(PANEL).map(four).collect()
        };
        Ok(Self { weight: rows, scales: panels(scales), bias: panels(bias), input, padded, outputs: bias.len() })
    }

    /// Replaces `out` by the products; `x` is `[rows, in]`, `out` becomes `[rows, out]`.
    #[inline(always)]
    pub(crate) fn apply(&self, x: &[f32], scratch: &mut Scratch, out: &mut Vec<f32>) {
        let (rows, outputs) = (x.len() / self.input, self.outputs);
        self.round(x, scratch);
        out.clear();
        out.resize(rows * outputs, 0.0);
        scratch.sums.resize(rows, [0; PANEL]);
        for (panel, weights) in self.weight.chunks_exact(PANEL * self.padded).enumerate() {
            scratch.panel.resize(weights.len(), 0);
            products(weights, &mut scratch.panel, &scratch.x, self.padded, &mut scratch.sums);
            let first = panel * PANEL;
            let wanted = PANEL.min(outputs - first);
            let (scales, bias) = (&self.scales[panel], &self.bias[panel]);
            for ((sums, step), y) in scratch.sums.iter().zip(&scratch.steps).zip(out.chunks_exact_mut(outputs)) {
                let four: [f32; PANEL] = std::array::from_fn(|n| sums[n] as f32 * (step * scales[n]) + bias[n]);
                y[first..first + wanted].copy_from_slice(&four[..wanted]);
            }
        }
    }

    /// Each row in steps of its own, so that its largest value is [`MOST`] of them.
    #[inline(always)]
    fn round(&self, x: &[f32], scratch: &mut Scratch) {
        scratch.x.clear();
        scratch.steps.clear();
        for row in x.chunks_exact(self.input) {
            let most = largest(row);
            let per_unit = if most > 0.0 { MOST / most } else { 0.0 };
            scratch.steps.push(most / MOST);
            let whole = |v: &f32| ((v * per_unit + ROUNDER).to_bits().wrapping_sub(ROUNDER.to_bits())) as i16;
            scratch.x.extend(row.iter().map(whole));
            scratch.x.resize(scratch.x.len() + self.padded - self.input, 0);
        }
    }
}

/// The largest distance from zero.
#[inline(always)]
fn largest(row: &[f32]) -> f32 {
    // Eight side by side: one alone would wait for itself.
    let mut most = [0.0f32; 8];
    let (chunks, rest) = row.as_chunks::<8>();
    for chunk in chunks {
        for (most, v) in most.iter_mut().zip(chunk) {
            *most = most.max(v.abs());
        }
    }
    most.iter().chain(rest).fold(0.0, |most, v| most.max(v.abs()))
}

/// For each row of `x`, its products with the rows of `weights`, which are widened into `panel` first.
fn products(weights: &[i8], panel: &mut [i16], x: &[i16], padded: usize, sums: &mut [[i32; PANEL]]) {
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = pulp::x86::V3::try_new() {
        return avx2::products(simd, weights, panel, x, padded, sums);
    }
    plain(weights, panel, x, padded, sums);
}

/// The same, on any processor.
fn plain(weights: &[i8], panel: &mut [i16], x: &[i16], padded: usize, sums: &mut [[i32; PANEL]]) {
    panel.iter_mut().zip(weights).for_each(|(wide, w)| *wide = i16::from(*w));
    for (row, sums) in x.chunks_exact(padded).zip(sums) {
        for (weights, sum) in panel.chunks_exact(padded).zip(sums) {
            *sum = weights.iter().zip(row).map(|(w, x)| i32::from(*w) * i32::from(*x)).sum();
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    //! Sixteen products at a time.

    use std::arch::x86_64::__m256i;

    use pulp::{
        NullaryFnOnce,
        bytemuck::{cast_slice, cast_slice_mut},
        cast, i8x16, i16x16, i32x8,
        x86::V3,
    };

    use super::{LANES, PANEL};

    struct Work<'a> {
        simd: V3,
        weights: &'a [i8x16],
        panel: &'a mut [i16x16],
        x: &'a [i16x16],
        /// Registers a row takes.
        width: usize,
        sums: &'a mut [[i32; PANEL]],
    }

    pub(super) fn products(
        simd: V3,
        weights: &[i8],
        panel: &mut [i16],
        x: &[i16],
        padded: usize,
        sums: &mut [[i32; PANEL]],
    ) {
        let (weights, panel, x) = (cast_slice(weights), cast_slice_mut(panel), cast_slice(x));
        simd.vectorize(Work { simd, weights, panel, x, width: padded / LANES, sums });
    }

    impl NullaryFnOnce for Work<'_> {
        type Output = ();

        #[inline(always)]
        fn call(self) {
            let Self { simd, weights, panel, x, width, sums } = self;
            for (wide, w) in panel.iter_mut().zip(weights) {
                *wide = cast(simd.avx2._mm256_cvtepi8_epi16(cast(*w)));
            }
            let mut rows = x.chunks_exact(2 * width);
            let mut pairs = sums.chunks_exact_mut(2);
            for (x, sums) in (&mut rows).zip(&mut pairs) {
                let (a, b) = x.split_at(width);
                let [first, second] = tile(simd, panel, [a, b], width);
                sums[0] = first;
                sums[1] = second;
            }
            if let ([sum], last) = (pairs.into_remainder(), rows.remainder())
                && last.len() == width
            {
                let [only] = tile(simd, panel, [last], width);
                *sum = only;
            }
        }
    }

    /// The products of a whole panel with `ROWS` rows, which stay in registers until they are whole.
    #[inline(always)]
    fn tile<const ROWS: usize>(simd: V3, panel: &[i16x16], x: [&[i16x16]; ROWS], width: usize) -> [[i32; PANEL]; ROWS] {
        let (w0, rest) = panel.split_at(width);
        let (w1, rest) = rest.split_at(width);
        let (w2, w3) = rest.split_at(width);
        let w3 = &w3[..width];
        let x = x.map(|row| &row[..width]);
        let add = |sum: __m256i, a: i16x16, b: i16x16| {
            simd.avx2._mm256_add_epi32(sum, simd.avx2._mm256_madd_epi16(cast(a), cast(b)))
        };
        let mut sums = [[simd.avx._mm256_setzero_si256(); PANEL]; ROWS];
        for k in 0..width {
            for (sums, x) in sums.iter_mut().zip(&x) {
                sums[0] = add(sums[0], w0[k], x[k]);
                sums[1] = add(sums[1], w1[k], x[k]);
                sums[2] = add(sums[2], w2[k], x[k]);
                sums[3] = add(sums[3], w3[k], x[k]);
            }
        }
        sums.map(|[a, b, c, d]| {
            let (ab, cd) = (simd.avx2._mm256_hadd_epi32(a, b), simd.avx2._mm256_hadd_epi32(c, d));
            let i32x8(a, b, c, d, e, f, g, h) = cast(simd.avx2._mm256_hadd_epi32(ab, cd));
            [a + e, b + f, c + g, d + h]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers without a pattern, from -1 to 1.
    fn noise(n: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        let next = |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f64::from(state) as f32 / 2_147_483_648.0 - 1.0
        };
        (0..n).map(next).collect()
    }

    #[test]
    fn it_multiplies_like_floats_to_a_part_in_thousands() {
        for (rows, input, output) in [(1, 16, 4), (2, 384, 20), (7, 30, 3), (31, 768, 9), (3, 2048, 5)] {
            let weight: Vec<i8> = noise(output * input, 1).iter().map(|v| (v * 127.0) as i8).collect();
            let (scales, bias) = (noise(output, 2), noise(output, 3));
            let x = noise(rows * input, 4);
            let linear = IntegerLinear::new("x", &weight, &scales, &bias, input).unwrap();
            let (mut scratch, mut got) = (Scratch::default(), vec![9.0; 3]);
            linear.apply(&x, &mut scratch, &mut got);
            assert_eq!(got.len(), rows * output);
            for (n, got) in got.iter().enumerate() {
                let (row, out) = (n / output, n % output);
                let (x, w) = (&x[row * input..][..input], &weight[out * input..][..input]);
                let sum: f64 = x.iter().zip(w).map(|(x, w)| f64::from(*x) * f64::from(*w)).sum();
                let want = sum * f64::from(scales[out]) + f64::from(bias[out]);
                // Half a step of the activations, a random walk of them over the inputs, ten times that for the worst.
                let off = 10.0 * 0.5 / f64::from(MOST) * 127.0 * (input as f64).sqrt();
                assert!((f64::from(*got) - want).abs() < off, "{rows} {input} {output} at {n}: {got}, not {want}");
            }
        }
    }

    #[test]
    fn every_processor_computes_the_same_sums_even_the_largest() {
        for rows in [1, 2, 5] {
            let padded = MOST_INPUTS;
            let weights: Vec<i8> = noise(PANEL * padded, 5).iter().map(|v| if *v > 0.9 { -127 } else { 127 }).collect();
            let (mut fast_panel, mut slow_panel) = (vec![1; weights.len()], vec![2; weights.len()]);
            let x = vec![MOST as i16; rows * padded];
            let (mut fast, mut slow) = (vec![[1; PANEL]; rows], vec![[2; PANEL]; rows]);
            products(&weights, &mut fast_panel, &x, padded, &mut fast);
            plain(&weights, &mut slow_panel, &x, padded, &mut slow);
            assert_eq!(fast, slow);
        }
        let most = vec![127; PANEL * MOST_INPUTS];
        let (mut panel, mut sums) = (vec![0; most.len()], [[0; PANEL]]);
        plain(&most, &mut panel, &vec![MOST as i16; MOST_INPUTS], MOST_INPUTS, &mut sums);
        assert_eq!(sums, [[8191 * 127 * 2048; PANEL]], "the most there can be still fits");
    }

    #[test]
    fn silence_and_rows_of_different_loudness() {
        let linear = IntegerLinear::new("x", &[1, 2, 3, 4], &[0.5], &[1.0], 4).unwrap();
        let x = [0.0, 0.0, 0.0, 0.0, 1e-6, 0.0, 0.0, -1e-6, 1e6, 0.0, 0.0, 0.0];
        let mut out = Vec::new();
        linear.apply(&x, &mut Scratch::default(), &mut out);
        assert_eq!(out[0], 1.0);
        assert!((out[1] - (1.0 - 1.5e-6)).abs() < 1e-6 && (out[2] - 500_001.0).abs() < 1.0, "{out:?}");
    }

    #[test]
    fn a_layer_that_could_overflow_is_refused() {
        let error = IntegerLinear::new("model", &[0; 2049], &[1.0], &[0.0], 2049).err().unwrap().to_string();
        assert!(error.contains("model") && error.contains("2048"), "{error}");
    }
}
