//! Finds playbooks and reads their files: the built-in one, or a folder's.

use std::{
    io::{ErrorKind, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, bail};
use reframe_call::{
    date::Date,
    playbook::{
        self, CardFile, MAX_CARD_BYTES, MAX_CARD_FILES, MAX_FILE_BYTES, Playbook, Problem, Severity, Source, text_of,
        too_large,
    },
};

/// The playbook that is built in.
const BUILT_IN: &str = include_str!("../../../playbooks/b2b-saas/playbook.toml");
/// Its card files.
const BUILT_IN_CARDS: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/built_in_cards.rs"));
/// Its folder, as problems name it.
const BUILT_IN_FOLDER: &str = "playbooks/b2b-saas (built in)";
/// Folder of a playbook's card files.
const CARDS: &str = "cards";

/// Today, where this machine is.
#[must_use]
pub fn today() -> Option<Date> {
    let today = jiff::Zoned::now().date();
    let part = |n: i8| u8::try_from(n).ok();
    Date::new(u16::try_from(today.year()).ok()?, part(today.month())?, part(today.day())?)
}

/// The file of the playbook at `path`: `path` itself, or the `playbook.toml` in it.
#[must_use]
pub fn file_of(path: &Path) -> PathBuf {
    if path.is_dir() { path.join("playbook.toml") } else { path.to_owned() }
}

/// Reads `dir/playbook.toml` (or `dir` itself, if it is a file) with the `cards` beside it; without one, the built-in
/// playbook. Drafts are in it.
///
/// # Errors
/// If a file cannot be read. What is wrong with what is in it is among the problems.
pub fn read(dir: Option<&Path>) -> anyhow::Result<(Option<Playbook>, Vec<Problem>)> {
    match source(dir)? {
        Ok(source) => Ok(playbook::read(&source)),
        Err(problems) => Ok((None, problems)),
    }
}

/// Reads a playbook that is going to be used: without its drafts.
///
/// # Errors
/// If it cannot be read or has an error; the message holds all errors.
pub fn load(dir: Option<&Path>) -> anyhow::Result<Arc<Playbook>> {
    let (playbook, problems) = read(dir)?;
    match playbook {
        Some(playbook) => Ok(Arc::new(playbook).in_force()),
        None => bail!("the playbook cannot be used:\n{}", errors(&problems)),
    }
}

/// The errors among `problems`, one per line.
#[must_use]
pub fn errors(problems: &[Problem]) -> String {
    let errors: Vec<String> =
        problems.iter().filter(|p| p.severity == Severity::Error).map(ToString::to_string).collect();
    errors.join("\n")
}

/// The texts of a playbook, or why they are none.
///
/// # Errors
/// If a file cannot be read.
pub fn source(dir: Option<&Path>) -> anyhow::Result<Result<Source, Vec<Problem>>> {
    let Some(dir) = dir else {
        let cards = BUILT_IN_CARDS.iter().map(|(name, text)| CardFile {
            name: format!("{CARDS}/{name}"),
            file: format!("{BUILT_IN_FOLDER}/{CARDS}/{name}"),
            text: (*text).to_owned(),
        });
        let file = format!("{BUILT_IN_FOLDER}/playbook.toml");
        return Ok(Ok(Source { file, text: BUILT_IN.to_owned(), cards: cards.collect(), today: today() }));
    };
    let file = file_of(dir);
    let text = read_text(&file, MAX_FILE_BYTES)
        .with_context(|| format!("{} cannot be read; a playbook is a folder with a playbook.toml", file.display()))?;
    let mut problems = Vec::new();
    let mut cards = Vec::new();
    for path in card_files(&file)? {
        let text = read_text(&path, MAX_CARD_BYTES).with_context(|| format!("{} cannot be read", path.display()))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        match text {
            Ok(text) => {
                cards.push(CardFile { name: format!("{CARDS}/{name}"), file: path.display().to_string(), text })
            }
            Err(problem) => problems.push(problem),
        }
    }
    Ok(match text {
        Ok(text) if problems.is_empty() => Ok(Source { file: file.display().to_string(), text, cards, today: today() }),
        text => Err(text.err().into_iter().chain(problems).collect()),
    })
}

/// The card files beside a playbook's file, by name.
///
/// # Errors
/// If their folder cannot be read, or holds too many.
pub fn card_files(file: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let folder = file.with_file_name(CARDS);
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("{} cannot be read", folder.display())),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("{} cannot be read", folder.display()))?.path();
        if path.extension().is_some_and(|e| e == "md") && path.is_file() {
            files.push(path);
        }
        if files.len() > MAX_CARD_FILES {
            bail!("{} holds more than {MAX_CARD_FILES} cards; split the playbook", folder.display());
        }
    }
    files.sort();
    Ok(files)
}

/// The text of a file of at most `most` bytes; a larger one is not read.
fn read_text(path: &Path, most: usize) -> std::io::Result<Result<String, Problem>> {
    let (name, file) = (path.display().to_string(), std::fs::File::open(path)?);
    let bytes = file.metadata()?.len();
    if bytes > most as u64 {
        return Ok(Err(too_large(&name, bytes, most)));
    }
    // It may be growing, or be no plain file and have no length: one byte more than may be is enough to know.
    let mut text = Vec::new();
    file.take(most as u64 + 1).read_to_end(&mut text)?;
    Ok(text_of(&name, &text, most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_playbook_is_the_folder() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../playbooks/b2b-saas");
        let (built_in, folder) = (load(None).unwrap(), load(Some(&folder)).unwrap());
        assert_eq!(built_in.id(), folder.id());
    }

    fn folder(text: &[u8], cards: &[(&str, &[u8])]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("playbook.toml"), text).unwrap();
        std::fs::create_dir(dir.path().join("cards")).unwrap();
        for (name, text) in cards {
            std::fs::write(dir.path().join("cards").join(name), text).unwrap();
        }
        dir
    }

    const BOOK: &[u8] =
        b"version = 1\nname = \"x\"\n[[play]]\nid = \"a\"\nlabel = \"a\"\nphrases = [\"some phrase\"]\n\
        card = \"cards/a.md\"\n[[play]]\nid = \"b\"\nlabel = \"a\"\nphrases = [\"another one\"]\nenabled = false\n\
        card = \"cards/a.md\"\n[[test]]\nsay = \"x\"\nexpect = \"none\"\n";
    const CARD: &[u8] = b"+++\ntitle = \"t\"\n+++\n- Say this.\n";

    #[test]
    fn cards_lie_beside_and_drafts_stay_out() {
        let dir = folder(BOOK, &[("a.md", CARD), ("notes.txt", b"\xff")]);
        let (playbook, problems) = read(Some(dir.path())).unwrap();
        assert_eq!((problems.len(), playbook.unwrap().plays.len()), (0, 2));
        let playbook = load(Some(&dir.path().join("playbook.toml"))).unwrap();
        assert_eq!((playbook.plays.len(), playbook.plays[0].card.say[0].as_str()), (1, "Say this."));
    }

    #[test]
    fn what_cannot_be_read_is_told_by_file() {
        let dir = folder(&vec![b'#'; 10 << 20], &[("a.md", b"+++\n\xff")]);
        let (playbook, problems) = read(Some(dir.path())).unwrap();
        assert!(playbook.is_none());
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(told[0].contains("playbook.toml:1: error: the file has 10240 KiB"), "{told:?}");
        assert!(told[1].contains("a.md:2: error: byte 0xff here is no UTF-8"), "{told:?}");
        assert!(load(Some(dir.path())).unwrap_err().to_string().contains("10240 KiB"));
        assert!(read(Some(Path::new("nowhere"))).unwrap_err().to_string().contains("a playbook is a folder"));
    }

    #[test]
    fn today_is_a_day() {
        assert!(today().unwrap() > "2026-01-01".parse().unwrap());
    }
}
