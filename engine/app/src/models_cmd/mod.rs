//! `reframe models`: which speech models there are, fetching more of them, and checking those that are here.

mod catalogue;
#[cfg(feature = "whisper")]
mod fetch;
mod lock;
mod verify;

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, anyhow, bail};
use clap::{Args, Subcommand};

use catalogue::{ENTRIES, Entry};

/// Speech models.
#[derive(Clone, Debug, Subcommand)]
pub enum ModelsCommand {
    /// Show the built-in model, the Whisper models known here, and which of them are on this machine
    List(ListArgs),
    /// Fetch a Whisper model. The only command that opens a connection to the outside
    Fetch(FetchArgs),
    /// Check that models are whole and load: by checksum, then by running them on a second of silence
    Verify(VerifyArgs),
}

/// `reframe models list`.
#[derive(Clone, Debug, Args)]
pub struct ListArgs {
    /// Folder the models lie in, one folder each [default: the user's data folder]
    #[arg(long, value_name = "FOLDER")]
    pub dir: Option<PathBuf>,
}

/// `reframe models fetch`.
#[derive(Clone, Debug, Args)]
pub struct FetchArgs {
    /// A name from `reframe models list`, such as whisper-tiny.en
    pub name: String,
    /// Folder the models lie in, one folder each [default: the user's data folder]
    #[arg(long, value_name = "FOLDER")]
    pub dir: Option<PathBuf>,
    /// Where to fetch from: the hub at huggingface.co, or a mirror laid out like it
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,
}

/// `reframe models verify`.
#[derive(Clone, Debug, Args)]
pub struct VerifyArgs {
    /// A name from `reframe models list`, or a folder or .gguf file [default: the built-in model and all fetched ones]
    pub model: Option<String>,
    /// Folder the models lie in, one folder each [default: the user's data folder]
    #[arg(long, value_name = "FOLDER")]
    pub dir: Option<PathBuf>,
}

/// Runs the command, writing what it finds to `out`.
///
/// # Errors
/// With what went wrong and what to do. A model found damaged is no error but a failing exit code.
pub fn run(command: &ModelsCommand, out: &mut dyn Write) -> Result<ExitCode> {
    match command {
        ModelsCommand::List(args) => list(args, out),
        ModelsCommand::Fetch(args) => fetch(args, out),
        ModelsCommand::Verify(args) => verify::run(args, out),
    }
}

fn list(args: &ListArgs, out: &mut dyn Write) -> Result<ExitCode> {
    let built_in = verify::built_in();
    writeln!(out, "Built in (always there, no network):")?;
    writeln!(out, "  {}  {:.1} MB  {}", built_in.id, built_in.bytes as f64 / 1e6, built_in.note)?;
    let dir = args.dir.clone().or_else(default_dir);
    writeln!(out, "\nWhisper models that `reframe models fetch NAME` gets:")?;
    writeln!(out, "  {:<24}{:>8}  {:<12}{:<12}", "name", "params", "licence", "here")?;
    for entry in ENTRIES {
        let here = match dir.as_ref().map(|d| lock::Lock::read(&d.join(entry.name))) {
            Some(Ok(Some(lock))) => {
                let bytes: u64 = lock.files.values().map(|f| f.bytes).sum();
                format!("{} MB", bytes.div_ceil(1_000_000))
            }
            Some(Err(_)) => "damaged".to_owned(),
            _ => "-".to_owned(),
        };
        let params = format!("{} M", entry.params_m);
        writeln!(out, "  {:<24}{params:>8}  {:<12}{here:<12}{}", entry.name, entry.licence, entry.note)?;
        writeln!(out, "  {:<24}{:>8}  from {}", "", "", entry.repo)?;
    }
    match dir {
        Some(dir) => writeln!(out, "\nFetched models lie in {}.", dir.display())?,
        None => writeln!(out, "\nThis user has no home folder; say where models lie with --dir.")?,
    }
    if cfg!(not(feature = "whisper")) {
        writeln!(out, "{NO_WHISPER}")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What a build without the feature says.
const NO_WHISPER: &str = "This build can neither fetch nor run Whisper models. Build one that can with\n  \
                          cargo build --release --features whisper";

#[cfg(not(feature = "whisper"))]
fn fetch(args: &FetchArgs, _out: &mut dyn Write) -> Result<ExitCode> {
    wanted(&args.name)?;
    bail!("{NO_WHISPER}")
}

#[cfg(feature = "whisper")]
fn fetch(args: &FetchArgs, out: &mut dyn Write) -> Result<ExitCode> {
    let entry = wanted(&args.name)?;
    let dir = models_dir(args.dir.as_deref())?;
    let folder = dir.join(entry.name);
    let endpoint = args.endpoint.as_deref().unwrap_or(fetch::HUB);
    if !endpoint.starts_with("https://") && !endpoint.starts_with("http://") {
        bail!("--endpoint {endpoint}: write an address that starts with https://");
    }
    writeln!(
        out,
        "Fetching {} ({} M parameters, {}) from {endpoint}/{}",
        entry.name, entry.params_m, entry.licence, entry.repo
    )?;
    let lock = fetch::fetch(entry, &folder, &fetch::Settings::new(endpoint), &mut Bars::default())?;
    for (file, pinned) in &lock.files {
        let who = match pinned.source {
            lock::Source::Hub => "as the hub names it",
            lock::Source::FirstFetch => "pinned as it first came",
        };
        writeln!(out, "  {file:<24}{:>14} bytes  sha256 {}…  {who}", pinned.bytes, &pinned.sha256[..12])?;
    }
    writeln!(out, "In {}. Check it with: reframe models verify {}", folder.display(), entry.name)?;
    Ok(ExitCode::SUCCESS)
}

/// Progress on the terminal.
#[cfg(feature = "whisper")]
#[derive(Default)]
struct Bars(Option<indicatif::ProgressBar>);

#[cfg(feature = "whisper")]
impl fetch::Watch for Bars {
    fn begin(&mut self, file: &str, bytes: Option<u64>) {
        self.end();
        let bar = bytes.map_or_else(indicatif::ProgressBar::no_length, indicatif::ProgressBar::new);
        let style = indicatif::ProgressStyle::with_template(
            "{msg:24} {bar:30} {bytes:>10} of {total_bytes:>10}, {binary_bytes_per_sec}, {eta} left",
        );
        let bar = bar.with_message(file.to_owned());
        self.0 = Some(match style {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        });
    }

    fn at(&mut self, bytes: u64) {
        if let Some(bar) = &self.0 {
            bar.set_position(bytes);
        }
    }

    fn note(&mut self, line: &str) {
        self.end();
        eprintln!("{line}");
    }

    fn end(&mut self) {
        if let Some(bar) = self.0.take() {
            bar.finish_and_clear();
        }
    }
}

fn wanted(name: &str) -> Result<&'static Entry> {
    catalogue::find(name)
        .ok_or_else(|| anyhow!("`{name}` is not a model known here; `reframe models list` shows those that are"))
}

/// The folder models lie in: the one given, or the user's own.
fn models_dir(given: Option<&Path>) -> Result<PathBuf> {
    given.map(Path::to_owned).or_else(default_dir).context("this user has no home folder; say where with --dir FOLDER")
}

/// `reframe/models` in the user's data folder, by the conventions of the system.
fn default_dir() -> Option<PathBuf> {
    let var = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let base = if cfg!(windows) {
        var("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        var("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        // Relative values are to be ignored (XDG Base Directory Specification).
        var("XDG_DATA_HOME").filter(|p| p.is_absolute()).or_else(|| var("HOME").map(|home| home.join(".local/share")))
    };
    base.map(|base| base.join("reframe").join("models"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(command: &ModelsCommand) -> String {
        let mut out = Vec::new();
        run(command, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_list_names_every_model_and_where_they_lie() {
        let dir = tempfile::tempdir().unwrap();
        let text = said(&ModelsCommand::List(ListArgs { dir: Some(dir.path().to_owned()) }));
        assert!(text.contains("asr-v1:"), "{text}");
        for entry in ENTRIES {
            assert!(text.contains(entry.name) && text.contains(entry.repo), "{}", entry.name);
        }
        assert!(text.contains(&dir.path().display().to_string()));
    }

    #[test]
    fn a_name_nobody_knows_is_refused_before_anything_happens() {
        let dir = tempfile::tempdir().unwrap();
        let args = FetchArgs { name: "../x".into(), dir: Some(dir.path().to_owned()), endpoint: None };
        let error = run(&ModelsCommand::Fetch(args), &mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("reframe models list"), "{error}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[cfg(not(feature = "whisper"))]
    #[test]
    fn a_build_without_whisper_says_how_to_get_one() {
        let args = FetchArgs { name: "tiny.en".into(), dir: None, endpoint: None };
        let error = run(&ModelsCommand::Fetch(args), &mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("--features whisper"), "{error}");
    }

    #[test]
    fn a_whole_model_passes_and_a_changed_one_fails() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("whisper-tiny.en");
        std::fs::create_dir(&folder).unwrap();
        // The test model of reframe-models, a real if small Whisper.
        let toy = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/tests/whisper");
        let mut lock =
            lock::Lock { version: 1, repo: "a/b".into(), revision: "main".into(), files: Default::default() };
        for file in ["config.json", "tokenizer.json", "model.safetensors", "generation_config.json"] {
            std::fs::copy(toy.join(file), folder.join(file)).unwrap();
            let (bytes, sha256) = lock::hash_file(&folder.join(file), |_| {}).unwrap();
            lock.files.insert(file.into(), lock::Pinned { bytes, sha256, source: lock::Source::Hub });
        }
        let verify = |model: Option<&str>| {
            let args = VerifyArgs { model: model.map(str::to_owned), dir: Some(dir.path().to_owned()) };
            let mut out = Vec::new();
            let code = run(&ModelsCommand::Verify(args), &mut out).unwrap();
            // ExitCode cannot be compared; its Debug form can.
            (format!("{code:?}") == format!("{:?}", ExitCode::SUCCESS), String::from_utf8(out).unwrap())
        };
        let (good, text) = verify(Some("tiny.en"));
        assert!(good && text.contains("not pinned"), "{text}");
        lock.write(&folder).unwrap();
        let (good, text) = verify(None);
        assert!(good && text.contains("asr-v1") && !text.contains("not pinned"), "{text}");
        let (good, _) = verify(Some(folder.to_str().unwrap()));
        assert!(good);

        let mut weights = std::fs::read(folder.join("model.safetensors")).unwrap();
        *weights.last_mut().unwrap() ^= 1;
        std::fs::write(folder.join("model.safetensors"), weights).unwrap();
        let (good, text) = verify(Some("whisper-tiny.en"));
        assert!(!good && text.contains("model.safetensors: WRONG"), "{text}");
        std::fs::remove_file(folder.join("tokenizer.json")).unwrap();
        let (good, text) = verify(None);
        assert!(!good && text.contains("tokenizer.json: MISSING"), "{text}");
    }
}
