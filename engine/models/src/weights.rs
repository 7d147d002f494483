//! Reads f32, f16 and bf16 tensors out of a safetensors file, with their shapes checked.

use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors};

use crate::error::ModelError;

/// Tensor `name` as f32, if it has exactly `shape`.
pub(crate) fn tensor_f32(
    file: &'static str,
    tensors: &SafeTensors<'_>,
    name: &str,
    shape: &[usize],
) -> Result<Vec<f32>, ModelError> {
    let view =
        tensors.tensor(name).map_err(|e| ModelError::format(file, format!("tensor `{name}` is missing ({e})")))?;
    if view.shape() != shape {
        let problem = format!("tensor `{name}` has shape {:?}, config.json asks for {shape:?}", view.shape());
        return Err(ModelError::format(file, problem));
    }
    let bytes = view.data();
    let pair = |b: &[u8]| [b[0], b[1]];
    let values: Vec<f32> = match view.dtype() {
        Dtype::F32 => bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
        Dtype::F16 => bytes.chunks_exact(2).map(|b| f16::from_le_bytes(pair(b)).to_f32()).collect(),
        Dtype::BF16 => bytes.chunks_exact(2).map(|b| bf16::from_le_bytes(pair(b)).to_f32()).collect(),
        other => {
            return Err(ModelError::format(file, format!("tensor `{name}` is {other:?}, not F32, F16 or BF16")));
        }
    };
    if values.iter().any(|x| !x.is_finite()) {
        return Err(ModelError::format(file, format!("tensor `{name}` holds a value that is not a number")));
    }
    Ok(values)
}
