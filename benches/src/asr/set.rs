//! Speech with its truth: utterances of a list, and the lines of the fixture calls.

use std::{
    io::Cursor,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, bail, ensure};
use reframe_audio::{ogg_opus::OggOpus, wav::WavFile};
use reframe_bots::script::Script;

/// Rate at which all speech is handed on, in Hz.
pub const RATE_HZ: u32 = 16_000;
/// Audio kept before a line of a call and after it, in ms, where the neighbours leave it.
const AROUND_MS: (u64, u64) = (300, 500);
/// Longest utterance that is read, in seconds: a list of whole hours would be measured as one word error.
const LONGEST_S: f64 = 60.0;

/// Something said, and the sound of it.
#[derive(Clone, Debug)]
pub struct Utterance {
    /// Where it is from: a corpus or a call.
    pub tag: String,
    /// What was said.
    pub said: String,
    sound: Sound,
}

#[derive(Clone, Debug)]
enum Sound {
    File(PathBuf),
    Part(Arc<Vec<i16>>, Range<usize>),
}

impl Utterance {
    /// Its samples, mono at [`RATE_HZ`]. Files are read each time, so that a long list takes no memory.
    ///
    /// # Errors
    /// If the file cannot be read or is no Ogg Opus or WAV file at that rate.
    pub fn samples(&self) -> anyhow::Result<Vec<i16>> {
        match &self.sound {
            Sound::Part(all, part) => Ok(all[part.clone()].to_vec()),
            Sound::File(path) => read(path).with_context(|| path.display().to_string()),
        }
    }
}

/// The samples of a mono file.
///
/// # Errors
/// If it cannot be read, or is of another kind.
pub fn read(path: &Path) -> anyhow::Result<Vec<i16>> {
    let bytes = std::fs::read(path)?;
    if bytes.starts_with(b"RIFF") {
        let mut file = WavFile::open(Cursor::new(bytes))?;
        ensure!(file.rate_hz() == RATE_HZ, "{} Hz; convert it to {RATE_HZ} Hz", file.rate_hz());
        let mut samples = Vec::new();
        while let Some(mut channels) = file.read(65_536)? {
            ensure!(channels.len() == 1, "{} channels; one is needed", channels.len());
            samples.append(&mut channels[0]);
        }
        return Ok(samples);
    }
    let (mut channels, failed) = OggOpus::read(Cursor::new(bytes))?.decode(RATE_HZ);
    ensure!(channels.len() == 1 && failed == 0, "{} channels and {failed} broken packets; convert it", channels.len());
    Ok(channels.remove(0))
}

/// The utterances of a list: tab-separated columns `path` (from the list's folder), `speaker`, `seconds` and `transcript`,
/// with a heading that names them. The tag is the folder of the corpus.
///
/// # Errors
/// Names file and line.
pub fn list(file: &Path) -> anyhow::Result<Vec<Utterance>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let mut lines = text.lines();
    let heading: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let column = |name: &str| {
        heading.iter().position(|h| *h == name).with_context(|| {
            format!("{} has no column {name}; it needs path, speaker, seconds and transcript", file.display())
        })
    };
    let (path, seconds, said) = (column("path")?, column("seconds")?, column("transcript")?);
    column("speaker")?;
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut out = Vec::new();
    for (n, line) in lines.enumerate().filter(|(_, l)| !l.trim().is_empty()) {
        let fields: Vec<&str> = line.split('\t').collect();
        let at = || format!("{}:{}", file.display(), n + 2);
        let field = |i: usize| fields.get(i).copied().with_context(|| format!("{}: a column is missing", at()));
        let length: f64 = field(seconds)?.parse().with_context(at)?;
        ensure!(
            length <= LONGEST_S,
            "{}: {length} seconds; cut it into utterances of {LONGEST_S} seconds at most",
            at()
        );
        let place = field(path)?;
        let tag = Path::new(place).components().rev().nth(2).map_or_else(
            || file.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            |c| c.as_os_str().to_string_lossy().into_owned(),
        );
        out.push(Utterance { tag, said: field(said)?.to_owned(), sound: Sound::File(folder.join(place)) });
    }
    if out.is_empty() {
        bail!("{} lists nothing", file.display());
    }
    Ok(out)
}

/// The lines of every call below `folder`, each cut out of its speaker's track.
///
/// # Errors
/// If a script or a track cannot be read.
pub fn calls(folder: &Path) -> anyhow::Result<Vec<Utterance>> {
    let dir = std::fs::read_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))?;
    let mut names: Vec<PathBuf> = dir.map(|e| Ok(e?.path())).collect::<anyhow::Result<_>>()?;
    names.retain(|p| p.join("script.toml").is_file());
    names.sort();
    let mut out = Vec::new();
    for call in names {
        let name = call.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let script =
            Script::parse(&std::fs::read_to_string(call.join("script.toml"))?).with_context(|| name.clone())?;
        let mut files: Vec<&str> = script.participant.iter().map(|p| p.file.as_str()).collect();
        files.sort_unstable();
        files.dedup();
        for file in files {
            let samples = Arc::new(read(&call.join(file)).with_context(|| format!("{name}/{file}"))?);
            let mut lines: Vec<_> = script
                .line
                .iter()
                .filter(|l| script.speaker(l).is_some_and(|p| p.file == file))
                .map(|l| (l.start_ms, l.end_ms, &l.text))
                .collect();
            lines.sort_unstable();
            for (i, (start, end, text)) in lines.iter().enumerate() {
                let before = i.checked_sub(1).map_or(0, |p| u64::midpoint(lines[p].1, *start));
                let after = lines.get(i + 1).map_or(u64::MAX, |next| u64::midpoint(*end, next.0));
                let from = start.saturating_sub(AROUND_MS.0).max(before.min(*start));
                let to = (end + AROUND_MS.1).min(after.max(*end));
                let sample =
                    |ms: u64| usize::try_from(ms * u64::from(RATE_HZ) / 1_000).unwrap_or(usize::MAX).min(samples.len());
                let sound = Sound::Part(Arc::clone(&samples), sample(from)..sample(to));
                out.push(Utterance { tag: format!("call {name}"), said: (*text).clone(), sound });
            }
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_line_of_the_calls_has_its_sound() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/calls");
        let all = calls(&folder).unwrap();
        assert!(all.len() > 50, "{}", all.len());
        for one in &all {
            let seconds = one.samples().unwrap().len() as f64 / f64::from(RATE_HZ);
            let words = one.said.split_whitespace().count() as f64;
            // Nobody says more than six words a second, or fewer than one in three.
            assert!(
                seconds > words / 6.0 && seconds < 1.5 + words * 3.0,
                "{}: {words} words in {seconds} s: {}",
                one.tag,
                one.said
            );
        }
    }

    #[test]
    fn a_list_is_read_by_its_heading() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("x.tsv");
        std::fs::write(&file, "speaker\tpath\ttranscript\tseconds\nann\teval/corpus/ann/1.opus\thello there\t1.5\n")
            .unwrap();
        let all = list(&file).unwrap();
        assert_eq!((all[0].tag.as_str(), all[0].said.as_str()), ("corpus", "hello there"));
        std::fs::write(&file, "speaker\tpath\tseconds\n").unwrap();
        assert!(list(&file).unwrap_err().to_string().contains("no column transcript"));
        std::fs::write(&file, "speaker\tpath\ttranscript\tseconds\nann\tx\ty\t3600\n").unwrap();
        assert!(list(&file).unwrap_err().to_string().contains("x.tsv:2"));
    }
}
