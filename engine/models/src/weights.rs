//! Reads tensors out of a safetensors file as f32, with their shapes checked. They are f32, f16 or bf16, or whole numbers of
//! 8 bits, of which each row (first dimension) has a factor in `NAME.scale`.

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
        Dtype::I8 => {
            let rows = shape.first().copied().unwrap_or(0);
            let scales = tensor_f32(file, tensors, &format!("{name}.scale"), &[rows])?;
            let row = |(row, scale): (&[u8], f32)| -> Vec<f32> {
                row.iter().map(|b| f32::from(i8::from_le_bytes([*b])) * scale).collect()
            };
            bytes.chunks_exact((bytes.len() / rows.max(1)).max(1)).zip(scales).flat_map(row).collect()
        }
        other => {
            return Err(ModelError::format(file, format!("tensor `{name}` is {other:?}, not F32, F16, BF16 or I8")));
        }
    };
    if values.iter().any(|x| !x.is_finite()) {
        return Err(ModelError::format(file, format!("tensor `{name}` holds a value that is not a number")));
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use safetensors::tensor::TensorView;

    use super::*;

    /// Reads `w`, two rows of three, from a file with it and what else is given.
    fn read(kind: Dtype, bytes: &[u8], scales: Option<&[f32]>) -> Result<Vec<f32>, ModelError> {
        let scales: Option<Vec<u8>> = scales.map(|s| s.iter().flat_map(|x| x.to_le_bytes()).collect());
        let mut views = vec![("w", TensorView::new(kind, vec![2, 3], bytes).unwrap())];
        if let Some(s) = &scales {
            views.push(("w.scale", TensorView::new(Dtype::F32, vec![s.len() / 4], s).unwrap()));
        }
        let file = safetensors::serialize(views, None).unwrap();
        tensor_f32("a file", &SafeTensors::deserialize(&file).unwrap(), "w", &[2, 3])
    }

    #[test]
    fn whole_numbers_have_a_factor_for_each_row() {
        let bytes: Vec<u8> = [1_i8, -2, 127, -127, 0, 4].iter().flat_map(|x| x.to_le_bytes()).collect();
        let values = read(Dtype::I8, &bytes, Some(&[0.5, 2.0])).unwrap();
        assert_eq!(values, [0.5, -1.0, 63.5, -254.0, 0.0, 8.0]);
        let missing = read(Dtype::I8, &bytes, None).unwrap_err().to_string();
        assert!(missing.contains("`w.scale` is missing"), "{missing}");
        let short = read(Dtype::I8, &bytes, Some(&[0.5])).unwrap_err().to_string();
        assert!(short.contains("`w.scale` has shape [1]"), "{short}");
        assert!(read(Dtype::I8, &bytes, Some(&[0.5, f32::NAN])).is_err());
        let other = read(Dtype::U8, &bytes, None).unwrap_err().to_string();
        assert!(other.contains("U8, not F32"), "{other}");
    }
}
