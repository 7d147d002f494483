//! Makes the f32 or f16 tensors of a safetensors file small: `pack_model IN.safetensors OUT.safetensors [--int8]`.
//!
//! Without `--int8` they become f16. With it, matrices and kernels become whole numbers of 8 bits with a factor for each row
//! (first dimension) in `NAME.scale`, chosen so that the largest of the row is 127; what has one dimension stays f16.
//! docs/SPEECH_MODEL.md says what that costs in word error.

use half::f16;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

type Packed = (String, Vec<usize>, Dtype, Vec<u8>);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (int8, files): (Vec<_>, Vec<_>) = args.iter().partition(|a| *a == "--int8");
    let [input, output] = files[..] else {
        return Err("usage: pack_model IN.safetensors OUT.safetensors [--int8]".into());
    };
    let bytes = std::fs::read(input)?;
    let tensors = SafeTensors::deserialize(&bytes)?;
    let mut packed: Vec<Packed> = Vec::new();
    for (name, view) in tensors.tensors() {
        let values: Vec<f32> = match view.dtype() {
            Dtype::F32 => view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
            Dtype::F16 => view.data().chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32()).collect(),
            other => {
                packed.push((name, view.shape().to_vec(), other, view.data().to_vec()));
                continue;
            }
        };
        let shape = view.shape().to_vec();
        if int8.is_empty() || shape.len() < 2 {
            packed.push((name, shape, Dtype::F16, halves(&values)));
        } else {
            packed.extend(whole(name, shape, &values));
        }
    }
    // Sorted, so that the same weights always give the same file and the same content hash.
    packed.sort();
    let views: Result<Vec<_>, _> = packed
        .iter()
        .map(|(name, shape, dtype, data)| {
            Ok::<_, safetensors::SafeTensorError>((name, TensorView::new(*dtype, shape.clone(), data)?))
        })
        .collect();
    safetensors::serialize_to_file(views?, None, output.as_ref())?;
    println!("{output}: {} tensors, {} bytes", packed.len(), std::fs::metadata(output)?.len());
    Ok(())
}

fn halves(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|x| f16::from_f32(*x).to_le_bytes()).collect()
}

/// A tensor of rows in whole numbers, and the factors of its rows.
fn whole(name: String, shape: Vec<usize>, values: &[f32]) -> [Packed; 2] {
    let rows = shape[0];
    let (mut numbers, mut scales) = (Vec::with_capacity(values.len()), Vec::with_capacity(rows * 4));
    for row in values.chunks_exact(values.len() / rows) {
        let most = row.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
        let scale = if most > 0.0 { most / 127.0 } else { 1.0 };
        // Between -127 and 127 by the choice of the factor.
        numbers.extend(row.iter().map(|x| ((x / scale).round() as i8).to_le_bytes()[0]));
        scales.extend(scale.to_le_bytes());
    }
    [(format!("{name}.scale"), vec![rows], Dtype::F32, scales), (name, shape, Dtype::I8, numbers)]
}
