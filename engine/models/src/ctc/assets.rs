//! The files of a model: embedded in the program, or read from a folder.

use std::{borrow::Cow, io::Read, path::Path};

use sha2::{Digest, Sha256};

use super::{columns, lm};
use crate::error::ModelError;

/// Names of the files in a model folder.
const EXPECTED: &str = "config.json, model.safetensors, frontend.safetensors, lexicon.txt.gz, trigram.gz or lm.arpa.gz, cmudict.txt.gz and lts.txt.gz";

/// Largest unpacked size accepted of a packed file, in bytes. A language model as text may have tens of MB; a file that
/// unpacks to more than this is damaged or hostile.
const MAX_UNPACKED: u64 = 512 << 20;

/// The files of one model, unparsed.
pub struct Assets {
    pub(super) config: Cow<'static, [u8]>,
    pub(super) weights: Cow<'static, [u8]>,
    pub(super) frontend: Cow<'static, [u8]>,
    pub(super) lexicon: Cow<'static, [u8]>,
    pub(super) lm: Cow<'static, [u8]>,
    /// Name of the file that `lm` is.
    pub(super) lm_file: &'static str,
    pub(super) cmudict: Cow<'static, [u8]>,
    pub(super) lts: Cow<'static, [u8]>,
}

impl Assets {
    /// The model that is part of the program.
    #[must_use]
    // Inlined into two units of compilation, the program would hold all of these bytes twice.
    #[inline(never)]
    pub fn embedded() -> Self {
        macro_rules! file {
            ($name:literal) => {
                Cow::Borrowed(include_bytes!(concat!("../../assets/asr-v1/", $name)).as_slice())
            };
        }
        Self {
            config: file!("config.json"),
            weights: file!("model.safetensors"),
            frontend: file!("frontend.safetensors"),
            lexicon: file!("lexicon.txt.gz"),
            lm: file!("trigram.gz"),
            lm_file: columns::FILE,
            cmudict: file!("cmudict.txt.gz"),
            lts: file!("lts.txt.gz"),
        }
    }

    /// The model in folder `dir`.
    ///
    /// # Errors
    /// [`ModelError::Read`] names the first file that cannot be read.
    pub fn from_dir(dir: &Path) -> Result<Self, ModelError> {
        let read = |name: &str| {
            let path = dir.join(name);
            std::fs::read(&path).map(Cow::Owned).map_err(|source| ModelError::Read { path, source, expected: EXPECTED })
        };
        // The language model in either form; ARPA is what other tools write.
        let lm_file = if dir.join(columns::FILE).exists() { columns::FILE } else { lm::FILE };
        Ok(Self {
            config: read("config.json")?,
            weights: read("model.safetensors")?,
            frontend: read("frontend.safetensors")?,
            lexicon: read("lexicon.txt.gz")?,
            lm: read(lm_file)?,
            lm_file,
            cmudict: read("cmudict.txt.gz")?,
            lts: read("lts.txt.gz")?,
        })
    }

    /// Bytes of all files together.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        [&self.config, &self.weights, &self.frontend, &self.lexicon, &self.lm, &self.cmudict, &self.lts]
            .iter()
            .map(|file| file.len())
            .sum()
    }

    /// First 12 hex digits of the SHA-256 over all files and their lengths, in a fixed order.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut sha = Sha256::new();
        for file in [&self.config, &self.weights, &self.frontend, &self.lexicon, &self.lm, &self.cmudict, &self.lts] {
            sha.update((file.len() as u64).to_le_bytes());
            sha.update(file);
        }
        sha.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Unpacks a gzip file.
pub(super) fn gunzip(file: &'static str, packed: &[u8]) -> Result<Vec<u8>, ModelError> {
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(packed)
        .take(MAX_UNPACKED)
        .read_to_end(&mut bytes)
        .map_err(|e| ModelError::format(file, format!("it does not unpack as gzip ({e})")))?;
    Ok(bytes)
}

/// Unpacks a gzip text file.
pub(super) fn gunzip_text(file: &'static str, packed: &[u8]) -> Result<String, ModelError> {
    String::from_utf8(gunzip(file, packed)?).map_err(|e| ModelError::format(file, format!("it is not text ({e})")))
}
