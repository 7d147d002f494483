//! Recognisers of others, each a process of its own on the same WAV files.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, bail, ensure};
use serde_json::Value;

use crate::process;

/// What a recogniser heard in each file, and what it took.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// Its name.
    pub system: String,
    /// Its version, as it tells it.
    pub version: String,
    /// A text for each file.
    pub texts: Vec<String>,
    /// Processor seconds for all of them, without loading where it can be told.
    pub cpu_s: f64,
}

/// A virtual environment of our own with these packages, made where building leaves its things.
///
/// # Errors
/// If there is no Python, or the packages cannot be had.
fn python(packages: &[&str]) -> anyhow::Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../target/peers")
        .join(packages.join("-").replace(['<', '>', '=', ','], "_"));
    let program = folder.join("bin/python");
    let ready = folder.join("ready");
    if ready.is_file() {
        return Ok(program);
    }
    println!("making {} with {}", folder.display(), packages.join(" "));
    let run = |command: &mut Command| -> anyhow::Result<()> {
        let output = command.stdin(Stdio::null()).output().context("Python cannot be run")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{}", said.lines().rfind(|l| !l.trim().is_empty()).unwrap_or("it failed"));
        Ok(())
    };
    run(Command::new("python3").args(["-m", "venv"]).arg(&folder))?;
    run(Command::new(&program)
        .args(["-m", "pip", "install", "--quiet", "--timeout", "20", "--retries", "1"])
        .args(packages))?;
    std::fs::write(&ready, "")?;
    Ok(program)
}

/// PocketSphinx with the model it comes with.
///
/// # Errors
/// If it cannot be had, or fails.
pub fn pocketsphinx(files: &[PathBuf]) -> anyhow::Result<Heard> {
    script(&python(&["pocketsphinx>=5,<6"])?, include_str!("pocketsphinx.py"), &[], files)
}

/// faster-whisper with the model in `folder`.
///
/// # Errors
/// If it cannot be had, or fails.
pub fn faster_whisper(folder: &Path, files: &[PathBuf]) -> anyhow::Result<Heard> {
    script(&python(&["faster-whisper>=1,<2"])?, include_str!("faster_whisper.py"), &[folder], files)
}

fn script(python: &Path, text: &str, args: &[&Path], files: &[PathBuf]) -> anyhow::Result<Heard> {
    let mut child = Command::new(python)
        .args(["-c", text])
        .args(args)
        .env("OMP_NUM_THREADS", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("Python cannot be run")?;
    let mut input = child.stdin.take().context("no input")?;
    let names: String = files.iter().map(|f| format!("{}\n", f.display())).collect();
    // From a thread of its own: it reads the next name when it is done with the last.
    let feeder = std::thread::spawn(move || input.write_all(names.as_bytes()));
    let output = child.wait_with_output()?;
    let fed = feeder.join().is_ok_and(|r| r.is_ok());
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success() && fed, "{}", said.lines().rfind(|l| !l.trim().is_empty()).unwrap_or("it failed"));
    answers(&String::from_utf8_lossy(&output.stdout), files.len())
}

/// One line that names the system, then one for each file.
fn answers(text: &str, files: usize) -> anyhow::Result<Heard> {
    let mut lines = text.lines().map(serde_json::from_str::<Value>);
    let first = lines.next().context("it said nothing")??;
    let name = |key: &str| first[key].as_str().map(str::to_owned).with_context(|| format!("it does not say its {key}"));
    let mut out =
        Heard { system: name("system")?, version: name("version")?, texts: Vec::with_capacity(files), cpu_s: 0.0 };
    for line in lines {
        let line = line?;
        out.texts.push(line["text"].as_str().context("an answer without text")?.to_owned());
        out.cpu_s += line["cpu_s"].as_f64().context("an answer without its time")?;
    }
    if out.texts.len() != files {
        bail!("{} answers to {files} files", out.texts.len());
    }
    Ok(out)
}

/// whisper.cpp's program with a model file, on one thread. Its time holds the loading of the model, once for all files.
///
/// # Errors
/// If it cannot be run, or leaves no text for a file.
pub fn whisper_cpp(program: &Path, model: &Path, files: &[PathBuf]) -> anyhow::Result<Heard> {
    let mut command = Command::new(program);
    command.arg("-m").arg(model).args(["-t", "1", "-p", "1", "-l", "en", "-nt", "-np", "-otxt"]);
    let ran = process::run(command.args(files))?;
    let text = |f: &PathBuf| {
        let file = PathBuf::from(format!("{}.txt", f.display()));
        std::fs::read_to_string(&file).with_context(|| format!("whisper.cpp left no {}", file.display()))
    };
    let texts = files.iter().map(text).collect::<anyhow::Result<_>>()?;
    let version = model.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Heard { system: "whisper.cpp".into(), version, texts, cpu_s: ran.cpu_s })
}

/// `samples` as a WAV file: mono, 16 bit, with the 44 bytes of heading that programs expect.
pub fn wav(samples: &[i16], rate_hz: u32) -> Vec<u8> {
    let bytes = u32::try_from(samples.len() * 2).unwrap_or(u32::MAX - 36);
    let mut out = Vec::with_capacity(44 + samples.len() * 2);
    out.extend(b"RIFF");
    out.extend((36 + bytes).to_le_bytes());
    out.extend(b"WAVEfmt ");
    out.extend(16_u32.to_le_bytes());
    out.extend(1_u16.to_le_bytes());
    out.extend(1_u16.to_le_bytes());
    out.extend(rate_hz.to_le_bytes());
    out.extend((rate_hz * 2).to_le_bytes());
    out.extend(2_u16.to_le_bytes());
    out.extend(16_u16.to_le_bytes());
    out.extend(b"data");
    out.extend(bytes.to_le_bytes());
    samples.iter().for_each(|s| out.extend(s.to_le_bytes()));
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_file_must_have_an_answer() {
        let first = r#"{"system":"X","version":"5"}"#;
        let line = |text: &str| format!("{{\"text\":\"{text}\",\"cpu_s\":0.5}}");
        let heard = answers(&format!("{first}\n{}\n{}\n", line("a"), line("")), 2).unwrap();
        assert_eq!((heard.version.as_str(), heard.texts.len(), heard.cpu_s), ("5", 2, 1.0));
        assert!(answers(&format!("{first}\n{}\n", line("a")), 2).is_err());
        assert!(answers("", 0).is_err());
    }

    #[test]
    fn a_wav_file_is_read_as_it_was_written() {
        let samples: Vec<i16> = (0..1_000).map(|n| n * 7 - 3_000).collect();
        let mut file = reframe_audio::wav::WavFile::open(std::io::Cursor::new(wav(&samples, 16_000))).unwrap();
        assert_eq!((file.rate_hz(), file.channels()), (16_000, 1));
        assert_eq!(file.read(5_000).unwrap().unwrap()[0], samples);
    }
}
