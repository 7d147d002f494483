//! `reframe playbook suggest`: do-not-trigger lines out of cards that reps marked wrong, as a patch to be read and
//! applied by a person.

use std::{
    collections::BTreeSet,
    io::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;
use reframe_call::{
    backtest::{Kind, NotMade, Suggested, Suggestions, Worth, WrongCard, add_never},
    detect::semantic::SentenceEncoder,
    playbook::Playbook,
    session::SessionSettings,
};

use super::{
    backtest::run_all,
    baseline::{Baselines, tried},
    logs::{self, Log},
    remember::Remembering,
};
use crate::{config::Config, exit::Exit, playbooks, sentences};

/// Suggest do-not-trigger lines out of cards that were marked wrong
///
/// A line is the phrase with the words around it, as they were said: three to eight words. It is suggested only if the
/// playbook's own tests still pass and every card that a rep used still comes. Prints a patch for playbook.toml and
/// changes nothing: apply it with `git apply` or `patch -p1`. Comments stay where they are.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder with a playbook.toml
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Event logs: files, folders with *.jsonl, or a server's reframe.db
    #[arg(long, required = true, num_args = 1.., value_name = "PATH")]
    calls: Vec<PathBuf>,
    /// Write the patch to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    patch: Option<PathBuf>,
    /// Leave the sentence encoder out of the checks: seconds instead of minutes
    #[arg(long)]
    phrases_only: bool,
    /// Configuration file, for the settings of calls (default: reframe.toml in this folder, if there is one)
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Runs it.
///
/// # Errors
/// If the playbook or a log cannot be used, or the patch cannot be written.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let config = Config::load(args.config.as_deref())?;
    let playbook = playbooks::load(Some(&args.dir))?;
    let logs = logs::find(&args.calls)?;
    let mut marked = Suggestions::default();
    for log in &logs {
        log.each(|event| marked.event(event))?;
        marked.end_call(&log.name);
    }
    let encoder = if args.phrases_only { None } else { sentences::load(&config.encoder)? };
    let encoder = encoder.map(|e| Arc::new(Remembering::new(e)) as Arc<dyn SentenceEncoder>);
    let present = tried(Arc::clone(&playbook), encoder.as_ref());
    let (made, not_made) = marked.make(&playbook, present.meaning.as_ref());
    let check = Check { dir: &args.dir, logs: &logs, settings: config.session, encoder: encoder.as_ref() };
    let (made, lost) = check.keep_what_is_used(&playbook, made)?;
    eprint!("{}", told(&marked, &made, &not_made, &lost));

    let file = playbooks::file_of(&args.dir);
    let before = std::fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
    let mut after = before.clone();
    for suggested in &made {
        after = add_never(&after, &suggested.play, std::slice::from_ref(&suggested.line))
            .with_context(|| format!("{} cannot be added to", file.display()))?;
    }
    let patch = patch(&file, &before, &after);
    match &args.patch {
        Some(path) => {
            std::fs::write(path, &patch).with_context(|| format!("{} cannot be written", path.display()))?;
            eprintln!("patch: {}", path.display());
        }
        None => write!(std::io::stdout(), "{patch}")?,
    }
    Ok(Exit::Success)
}

/// The last check: all calls, once more, with the lines in place.
struct Check<'a> {
    dir: &'a Path,
    logs: &'a [Log],
    settings: SessionSettings,
    encoder: Option<&'a Arc<dyn SentenceEncoder>>,
}

impl Check<'_> {
    /// Takes out the lines of plays whose used cards would not come any more, and says which. Every round takes out at
    /// least one play, so it ends.
    fn keep_what_is_used(
        &self,
        playbook: &Arc<Playbook>,
        mut made: Vec<Suggested>,
    ) -> anyhow::Result<(Vec<Suggested>, Vec<Suggested>)> {
        let mut lost = Vec::new();
        while !made.is_empty() {
            let mut with = Playbook::clone(playbook);
            for suggested in &made {
                if let Some(play) = with.plays.iter_mut().find(|p| p.id == suggested.play) {
                    play.never.push(suggested.line.clone());
                }
            }
            let baselines = Baselines::new(self.dir, Some(self.dir), self.encoder)?;
            let tests = run_all(self.logs, self.settings, &baselines, &tried(Arc::new(with), self.encoder))?;
            let gone: BTreeSet<&str> = tests
                .iter()
                .flat_map(|t| &t.result.changes)
                .filter(|c| matches!(c.kind, Kind::Disappears | Kind::TakenBack) && c.worth == Worth::Right)
                .map(|c| c.play.as_str())
                .collect();
            let (out, stay): (Vec<_>, Vec<_>) = made.into_iter().partition(|s| gone.contains(s.play.as_str()));
            made = stay;
            if out.is_empty() {
                break;
            }
            lost.extend(out);
        }
        Ok((made, lost))
    }
}

/// What was made and what not, for a person to read beside the patch.
fn told(marked: &Suggestions, made: &[Suggested], not_made: &[(WrongCard, NotMade)], lost: &[Suggested]) -> String {
    let mut out = format!("{} card(s) marked wrong, {} used\n", marked.wrong().len(), marked.used());
    for s in made {
        out += &format!("{}: \"{}\"\n", s.play, s.line);
        for card in &s.from {
            out += &format!("  {} {}: \"{}\"\n", card.call, super::text::clock(card.at_ms), card.said);
        }
    }
    for (card, because) in not_made {
        let (at, said) = (super::text::clock(card.at_ms), &card.said);
        out += &format!("{}: no line for {} {at} \"{said}\": {because}\n", card.play, card.call);
    }
    for s in lost {
        out += &format!("{}: not \"{}\": with it a card that was used would not come\n", s.play, s.line);
    }
    out
}

/// A patch that `git apply` and `patch -p1` take in the folder the program runs in, if the file lies below it, or else in
/// the file's own. Empty if nothing changes.
fn patch(file: &Path, before: &str, after: &str) -> String {
    let here = std::env::current_dir().and_then(|d| d.canonicalize()).unwrap_or_default();
    let full = file.canonicalize().unwrap_or_else(|_| file.to_owned());
    let name = full.strip_prefix(&here).ok().map(Path::to_owned);
    let name = name.unwrap_or_else(|| PathBuf::from(file.file_name().unwrap_or_default()));
    let name = name.to_string_lossy().replace('\\', "/");
    similar::TextDiff::from_lines(before, after)
        .unified_diff()
        .context_radius(3)
        .header(&format!("a/{name}"), &format!("b/{name}"))
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_changed_is_no_patch() {
        assert_eq!(patch(Path::new("x/playbook.toml"), "a\n", "a\n"), "");
        let changed = patch(Path::new("x/playbook.toml"), "a\nb", "a\nc\nb");
        assert_eq!(
            changed,
            "--- a/playbook.toml\n+++ b/playbook.toml\n@@ -1,2 +1,3 @@\n a\n+c\n b\n\\ No newline at end of file\n"
        );
    }
}
