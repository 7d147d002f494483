//! `reframe models verify`: the bytes are those that were fetched, and the model runs.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};

use super::{
    VerifyArgs, catalogue,
    lock::{self, Lock},
    models_dir,
};

/// The model inside the program.
pub struct BuiltIn {
    /// Name and content hash.
    pub id: String,
    /// Bytes of its files.
    pub bytes: usize,
    /// What it is, and under which licence.
    pub note: &'static str,
}

/// The model inside the program.
#[must_use]
pub fn built_in() -> BuiltIn {
    let assets = reframe_models::ctc::assets::Assets::embedded();
    BuiltIn {
        id: format!("asr-v1:{}", assets.digest()),
        bytes: assets.size_bytes(),
        note: "streaming phone CTC and phrase spotter, English; Apache-2.0 (sources: docs/THIRD_PARTY.md)",
    }
}

/// Runs the command.
///
/// # Errors
/// If there is nothing of that name.
pub fn run(args: &VerifyArgs, out: &mut dyn Write) -> Result<ExitCode> {
    let mut whole = true;
    match &args.model {
        Some(model) => whole &= folder(&place(model, args.dir.as_deref())?, out)?,
        None => {
            whole &= check_built_in(out)?;
            let dir = models_dir(args.dir.as_deref())?;
            let mut names: Vec<PathBuf> = std::fs::read_dir(&dir)
                .into_iter()
                .flatten()
                .filter_map(|entry| entry.ok().map(|e| e.path()))
                .filter(|p| p.join("config.json").is_file() || p.join(lock::FILE).is_file())
                .collect();
            names.sort();
            if names.is_empty() {
                writeln!(out, "No fetched models in {}.", dir.display())?;
            }
            for name in names {
                whole &= folder(&name, out)?;
            }
        }
    }
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Where the model called `model` lies.
fn place(model: &str, dir: Option<&Path>) -> Result<PathBuf> {
    let path = PathBuf::from(model);
    if path.exists() {
        return Ok(path);
    }
    let name = catalogue::find(model).map_or(model, |entry| entry.name);
    // A name only: no way out of the folder.
    if name.contains(['/', '\\']) || name.starts_with('.') {
        bail!("{model}: there is no such folder");
    }
    let path = models_dir(dir)?.join(name);
    if !path.is_dir() {
        bail!("{model}: not in {}; fetch it with `reframe models fetch {name}`", path.display());
    }
    Ok(path)
}

fn check_built_in(out: &mut dyn Write) -> Result<bool> {
    let id = built_in().id;
    match reframe_models::ctc::CtcRecognizer::embedded(Default::default()) {
        Ok(_) => writeln!(out, "{id}: loads")?,
        Err(e) => {
            writeln!(out, "{id}: DOES NOT LOAD: {e}")?;
            return Ok(false);
        }
    }
    Ok(true)
}

fn folder(path: &Path, out: &mut dyn Write) -> Result<bool> {
    writeln!(out, "{}:", path.display())?;
    let mut whole = true;
    let home = if path.is_dir() { path } else { path.parent().unwrap_or(Path::new(".")) };
    match Lock::read(home) {
        Ok(Some(lock)) => {
            for (file, pinned) in &lock.files {
                match lock::hash_file(&home.join(file), |_| {}) {
                    Ok((bytes, sha256)) if bytes == pinned.bytes && sha256 == pinned.sha256 => {
                        writeln!(out, "  {file}: right, {bytes} bytes, sha256 {}…", &sha256[..12])?;
                    }
                    Ok((bytes, sha256)) => {
                        whole = false;
                        writeln!(
                            out,
                            "  {file}: WRONG, {bytes} bytes with sha256 {sha256}, pinned are {} bytes with {}; delete it \
                             and fetch again",
                            pinned.bytes, pinned.sha256
                        )?;
                    }
                    Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                        whole = false;
                        writeln!(out, "  {file}: MISSING; fetch again")?;
                    }
                    Err(e) => return Err(e).with_context(|| home.join(file).display().to_string()),
                }
            }
        }
        Ok(None) => writeln!(out, "  files not pinned (no model.lock): only loading is checked")?,
        Err(e) => {
            whole = false;
            writeln!(out, "  {e:#}")?;
        }
    }
    if whole { runs(path, out) } else { Ok(false) }
}

#[cfg(not(feature = "whisper"))]
fn runs(_path: &Path, out: &mut dyn Write) -> Result<bool> {
    writeln!(out, "  not run. {}", super::NO_WHISPER)?;
    Ok(true)
}

#[cfg(feature = "whisper")]
fn runs(path: &Path, out: &mut dyn Write) -> Result<bool> {
    use reframe_call::time::MediaTime;
    use reframe_models::whisper::{WhisperModel, refine::Refiner};
    let second = vec![0.0; 16_000];
    let tried = WhisperModel::load(path)
        .and_then(|model| Ok((model.id(), Refiner::new(&model).refine(MediaTime::ZERO, &second)?)));
    match tried {
        Ok((id, _)) => {
            writeln!(out, "  {id}: loads and runs")?;
            Ok(true)
        }
        Err(e) => {
            writeln!(out, "  DOES NOT LOAD: {e}")?;
            Ok(false)
        }
    }
}
