//! What the detector is measured on: labelled lines, ordinary talk, plays nobody foresaw.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
pub use reframe_call::detect::OBJECTIONS;
use serde::Deserialize;

/// What a card may come for though nothing is objected to.
pub const TOPICS: [&str; 4] = ["buying_signal", "pricing_question", "competitor_mention", "next_step"];
/// Everything else a buyer says.
pub const NONE: &str = "none";
/// In sets of others: an objection whose class is not told.
pub const ANY_OBJECTION: &str = "objection";

/// Words in an hour of talk: 150 to 160 a minute is the rate usually given for conversational English (150 by the
/// National Center for Voice and Speech), pauses included.
pub const WORDS_PER_HOUR: f64 = 9_500.0;

/// Whether a card for `label` answers an objection.
pub fn is_objection(label: &str) -> bool {
    label == ANY_OBJECTION || OBJECTIONS.contains(&label)
}

/// The labels of our own files, in the order of tables.
pub fn labels() -> impl Iterator<Item = &'static str> {
    OBJECTIONS.into_iter().chain(TOPICS).chain([NONE])
}

/// A line somebody said, and what a careful person makes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// One of [`labels`], or [`ANY_OBJECTION`].
    pub label: String,
    /// The objection it is easily taken for: a hard negative.
    pub near: Option<String>,
    /// What was said, or what a recogniser made of it.
    pub text: String,
    /// What was said, where `text` was recognised.
    pub said: Option<String>,
    /// Name of its file and line in it.
    pub at: (String, usize),
}

/// The sets that must not share lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Split {
    /// The encoder learnt from it.
    Train,
    /// Thresholds were set on it.
    Dev,
    /// Nothing was set on it.
    Test,
}

impl Split {
    /// As files are called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Dev => "dev",
            Self::Test => "test",
        }
    }

    /// The files of the set in `folder`, in the order of their names.
    fn files(self, folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
        if self != Self::Train {
            return Ok(vec![folder.join(format!("{}.tsv", self.name()))]);
        }
        let dir = folder.join("train");
        let entries = std::fs::read_dir(&dir).with_context(|| format!("{} cannot be read", dir.display()))?;
        let mut files: Vec<PathBuf> = entries.map(|e| Ok(e?.path())).collect::<anyhow::Result<_>>()?;
        files.retain(|f| f.extension().is_some_and(|e| e == "tsv"));
        files.sort();
        Ok(files)
    }

    /// Its lines, as they stand.
    ///
    /// # Errors
    /// If a file cannot be read or a line has too few columns.
    pub fn read(self, folder: &Path) -> anyhow::Result<Vec<Line>> {
        let mut out = Vec::new();
        for file in self.files(folder)? {
            out.extend(read_lines(&file)?);
        }
        Ok(out)
    }
}

/// Reads a file of tab-separated columns: label, near, text and, for recognised words, what was said.
///
/// # Errors
/// If it cannot be read or a line has too few or too many columns.
pub fn read_lines(file: &Path) -> anyhow::Result<Vec<Line>> {
    let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let name = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let lines = (1..).zip(text.lines()).filter(|(_, l)| !l.trim().is_empty());
    lines.map(|(n, l)| parse_line(&name, n, l)).collect()
}

fn parse_line(file: &str, n: usize, line: &str) -> anyhow::Result<Line> {
    let columns: Vec<&str> = line.split('\t').collect();
    let (&[label, near, text], said) = match columns.split_first_chunk::<3>() {
        Some((first, rest)) if rest.len() <= 1 => (first, rest.first()),
        _ => bail!("{file}:{n}: {} columns; write label, near and text with tabs between", columns.len()),
    };
    Ok(Line {
        label: label.to_owned(),
        near: (near != "-").then(|| near.to_owned()),
        text: text.to_owned(),
        said: said.map(|s| (*s).to_owned()),
        at: (file.to_owned(), n),
    })
}

/// Makes sure that every line has a label that can be counted.
///
/// # Errors
/// Names the first line that has not.
pub fn ensure_labels(lines: &[Line]) -> anyhow::Result<()> {
    for line in lines {
        let known = is_objection(&line.label) || labels().any(|l| l == line.label);
        let (file, n) = &line.at;
        ensure!(known, "{file}:{n}: no label {:?}; use one of {:?}", line.label, labels().collect::<Vec<_>>());
    }
    ensure!(!lines.is_empty(), "there are no lines in it");
    Ok(())
}

/// Talk in which nothing is objected to.
pub struct Talk {
    /// What it is.
    pub name: &'static str,
    /// One stretch of a speaker each.
    pub lines: Vec<String>,
}

impl Talk {
    /// Reads `file`; empty lines part calls, and stay as they are.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read(name: &'static str, file: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
        let lines = text.lines().map(|l| l.trim().to_owned()).collect();
        Ok(Self { name, lines })
    }

    /// All there is: meetings in which a product is designed, and calls of happy customers.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn all(folder: &Path) -> anyhow::Result<Vec<Self>> {
        Ok(vec![
            Self::read("meetings", &folder.join("ordinary/meetings.txt"))?,
            Self::read("happy calls", &folder.join("happy_calls.txt"))?,
        ])
    }

    /// Every `n`-th line of it.
    #[must_use]
    pub fn every(self, n: usize) -> Self {
        Self { lines: self.lines.into_iter().step_by(n).collect(), ..self }
    }

    /// How long it lasts when spoken.
    pub fn hours(&self) -> f64 {
        self.lines.iter().map(|l| l.split_whitespace().count()).sum::<usize>() as f64 / WORDS_PER_HOUR
    }
}

/// A play as a team would add it, and how strangers say the same.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPlay {
    /// Its name and label.
    pub id: String,
    /// What the team writes down.
    pub like: Vec<String>,
    /// What must be found.
    pub probe: Vec<String>,
}

/// Reads `new_plays_SPLIT.toml`.
///
/// # Errors
/// If it cannot be read or holds anything else.
pub fn new_plays(folder: &Path, split: Split) -> anyhow::Result<Vec<NewPlay>> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Raw {
        play: Vec<NewPlay>,
    }
    let file = folder.join(format!("new_plays_{}.toml", split.name()));
    let text = std::fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
    let raw: Raw = toml::from_str(&text).with_context(|| format!("{} is not as it should be", file.display()))?;
    Ok(raw.play)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn columns() {
        let line = parse_line("f", 3, "none\tprice\tit was cheap").unwrap();
        assert_eq!((line.near.as_deref(), line.said), (Some("price"), None));
        let line = parse_line("f", 3, "price\t-\tits to deer\tit's too dear").unwrap();
        assert_eq!((line.near, line.said.as_deref()), (None, Some("it's too dear")));
        for bad in ["price\ttoo dear", "a\tb\tc\td\te", "price"] {
            assert!(parse_line("f", 3, bad).unwrap_err().to_string().contains("f:3: "), "{bad}");
        }
    }

    #[test]
    fn a_line_that_cannot_be_counted_is_named() {
        let line = |label: &str| parse_line("f", 7, &format!("{label}\t-\tx")).unwrap();
        ensure_labels(&[line("price"), line("none"), line("objection")]).unwrap();
        assert!(ensure_labels(&[line("prise")]).unwrap_err().to_string().starts_with("f:7: no label \"prise\""));
        ensure_labels(&[]).unwrap_err();
    }
}
