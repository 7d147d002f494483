//! Turns the f32 tensors of a safetensors file into f16, which halves the file: `pack_model IN.safetensors OUT.safetensors`.
//!
//! With the shipped model this moves log-posteriors by up to 3e-3 and the word error rate not at all.

use half::f16;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(input), Some(output)) = (args.next(), args.next()) else {
        return Err("usage: pack_model IN.safetensors OUT.safetensors".into());
    };
    let bytes = std::fs::read(&input)?;
    let tensors = SafeTensors::deserialize(&bytes)?;
    let mut packed: Vec<(String, Vec<usize>, Dtype, Vec<u8>)> = Vec::new();
    for (name, view) in tensors.tensors() {
        let (dtype, data) = match view.dtype() {
            Dtype::F32 => {
                let values = view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
                (Dtype::F16, values.flat_map(|x| f16::from_f32(x).to_le_bytes()).collect())
            }
            other => (other, view.data().to_vec()),
        };
        packed.push((name, view.shape().to_vec(), dtype, data));
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
    println!("{output}: {} tensors, {} bytes", packed.len(), std::fs::metadata(&output)?.len());
    Ok(())
}
