//! The playbooks that are measured: the built-in one, with a play more, and blown up.

use std::{path::Path, sync::Arc};

use anyhow::{Context, bail};
use reframe_call::playbook::{self, CardFile, Play, Playbook, Problem, Severity, Source, SpeakerRule};

use super::data::NewPlay;

/// The playbook that is built into the program.
///
/// # Errors
/// If it cannot be used.
pub fn built_in() -> anyhow::Result<Arc<Playbook>> {
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../playbooks/b2b-saas"))
}

/// The playbook in `folder`, without its drafts.
///
/// # Errors
/// If it cannot be read or used.
pub fn read(folder: &Path) -> anyhow::Result<Arc<Playbook>> {
    let file = folder.join("playbook.toml");
    let text_of =
        |path: &Path| std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()));
    let text = text_of(&file)?;
    let mut cards = Vec::new();
    let folder = folder.join("cards");
    for entry in if folder.is_dir() { Some(std::fs::read_dir(&folder)?) } else { None }.into_iter().flatten() {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".md") {
            let (name, file) = (format!("cards/{name}"), path.display().to_string());
            cards.push(CardFile { name, file, text: text_of(&path)? });
        }
    }
    cards.sort_by(|a, b| a.name.cmp(&b.name));
    let source = Source { file: file.display().to_string(), text, cards, today: None };
    Ok(usable(playbook::read(&source))?.in_force())
}

fn usable((book, problems): (Option<Playbook>, Vec<Problem>)) -> anyhow::Result<Arc<Playbook>> {
    let Some(book) = book else {
        let errors: Vec<String> =
            problems.iter().filter(|p| p.severity == Severity::Error).map(ToString::to_string).collect();
        bail!("the playbook cannot be used:\n{}", errors.join("\n"));
    };
    Ok(Arc::new(book))
}

/// A play with these texts and, for the rest, what a play has that says nothing else.
fn plain(book: &Playbook, id: &str, phrases: Vec<String>, never: Vec<String>, like: Vec<String>) -> Play {
    Play {
        id: id.to_owned(),
        label: id.to_owned(),
        speaker: SpeakerRule::Buyer,
        phrases,
        never,
        like,
        not_like: Vec::new(),
        sounds_like: Vec::new(),
        enabled: true,
        follows: None,
        when: None,
        ..book.plays[0].clone()
    }
}

/// `book` and one play that it did not foresee, known by its examples only.
pub fn with_new(book: &Playbook, new: &NewPlay) -> Arc<Playbook> {
    let mut out = book.clone();
    out.plays.push(plain(book, &new.id, Vec::new(), Vec::new(), new.like.clone()));
    Arc::new(out)
}

const OWNERS: [&str; 20] = [
    "warehouse",
    "payroll",
    "parking",
    "kitchen",
    "fleet",
    "night shift",
    "reception",
    "harvest",
    "museum",
    "ferry",
    "clinic",
    "workshop",
    "archive",
    "greenhouse",
    "orchestra",
    "stadium",
    "laundry",
    "quarry",
    "nursery",
    "printing",
];
const THINGS: [&str; 15] = [
    "permits",
    "insurance",
    "uniforms",
    "signage",
    "lighting",
    "rota",
    "invoices",
    "inspections",
    "deliveries",
    "keys",
    "tickets",
    "heating",
    "translations",
    "waste",
    "handover",
];

/// `book` and as many made-up plays as it takes to have `plays`: ten phrases, three do-not-trigger phrases and three
/// examples each, all different. At most 300 are made up.
pub fn blown_up(book: &Playbook, plays: usize) -> Arc<Playbook> {
    let mut out = book.clone();
    let topics = OWNERS.iter().flat_map(|o| THINGS.iter().map(move |t| (*o, *t)));
    for (owner, thing) in topics.take(plays.saturating_sub(book.plays.len())) {
        let topic = format!("{owner} {thing}");
        let of = |lines: &[&str]| -> Vec<String> { lines.iter().map(|l| l.replace('#', &topic)).collect() };
        let phrases = of(&[
            "worried about the #",
            "who pays for the #",
            "nobody looks after the #",
            "what happens to our #",
            "we can't touch the #",
            "the # are not covered",
            "you don't handle #",
            "no plan for the #",
            "we lost the # last time",
            "the # have to come first",
        ]);
        let never = of(&["not worried about the #", "the # are all covered", "used to be the #"]);
        let like = of(&[
            "I don't see what you would do about our #.",
            "If the # go wrong we stand there with nothing.",
            "Before anything else somebody has to sort out the #.",
        ]);
        out.plays.push(plain(book, &topic.replace(' ', "_"), phrases, never, like));
    }
    Arc::new(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_blown_up_playbook_has_that_many_plays_and_all_differ() {
        let book = built_in().unwrap();
        let big = blown_up(&book, 300);
        assert_eq!(big.plays.len(), 300);
        let ids: BTreeSet<&str> = big.plays.iter().map(|p| p.id.as_str()).collect();
        let phrases: BTreeSet<&str> = big.plays.iter().flat_map(|p| &p.phrases).map(String::as_str).collect();
        assert_eq!(ids.len(), 300);
        assert_eq!(phrases.len(), big.plays.iter().map(|p| p.phrases.len()).sum::<usize>());
        assert_eq!(big.plays[..book.plays.len()], book.plays);
    }

    #[test]
    fn a_new_play_is_one_more() {
        let book = built_in().unwrap();
        let new = NewPlay { id: "tides".into(), like: vec!["The tide is out.".into()], probe: vec![] };
        let with = with_new(&book, &new);
        assert_eq!(with.plays.len(), book.plays.len() + 1);
        let play = with.plays.last().unwrap();
        assert_eq!((play.label.as_str(), &play.like, play.phrases.len()), ("tides", &new.like, 0));
    }
}
