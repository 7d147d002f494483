//! Prompts: files with a version, known by name and digest.

use super::Task;
use crate::artifact::Digest;

/// Longest prompt file, in bytes.
pub const MAX_BYTES: usize = 16 * 1_024;
/// What a prompt's second part must hold; the lines and facts of the call go there.
const SLOTS: [&str; 2] = ["{{lines}}", "{{facts}}"];

/// A prompt file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {problem}")]
pub struct BadPrompt {
    /// Its name.
    pub file: String,
    /// What is wrong, and what to write.
    pub problem: &'static str,
}

/// A prompt, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    id: String,
    system: String,
    user: String,
}

impl Prompt {
    /// The one that comes with the program.
    ///
    /// # Panics
    /// Never: a test reads them all.
    #[must_use]
    pub fn built_in(task: Task) -> Self {
        let text = match task {
            Task::Note => include_str!("../../prompts/note.md"),
            Task::FollowUp => include_str!("../../prompts/follow_up.md"),
        };
        Self::parse(task, &task.file(), text).expect("the built-in prompts are well formed")
    }

    /// Reads a file: `version = N`, a line `--- system` with what the model is to do below, a line `--- user` with the
    /// question, in which `{{lines}}` and `{{facts}}` stand for the call.
    ///
    /// # Errors
    /// [`BadPrompt`].
    pub fn parse(task: Task, file: &str, text: &str) -> Result<Self, BadPrompt> {
        let bad = |problem| BadPrompt { file: file.to_owned(), problem };
        if text.len() > MAX_BYTES {
            return Err(bad("is longer than 16 KiB; shorten it"));
        }
        let (head, rest) = text.split_once("--- system\n").ok_or(bad("has no line `--- system`; write one"))?;
        let (system, user) = rest.split_once("--- user\n").ok_or(bad("has no line `--- user` below; write one"))?;
        let version = head.trim().strip_prefix("version = ").and_then(|v| v.trim().parse::<u32>().ok());
        let version = version.ok_or(bad("must begin with `version = 1`, raised whenever the text changes"))?;
        if SLOTS.iter().any(|slot| user.matches(slot).count() != 1) {
            return Err(bad("must hold {{lines}} and {{facts}} once each below `--- user`"));
        }
        let id = format!("{}@{version}:{}", task.as_str(), Digest::of(text.as_bytes()));
        Ok(Self { id, system: system.trim().to_owned(), user: user.trim().to_owned() })
    }

    /// Name, version and digest: `note@1:3fa2…`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The id with 12 digits of its digest, for the audit log.
    #[must_use]
    pub fn short_id(&self) -> &str {
        let colon = self.id.find(':').unwrap_or(self.id.len());
        &self.id[..self.id.len().min(colon + 13)]
    }

    pub(super) fn system(&self) -> &str {
        &self.system
    }

    /// The question about a call. What was said is put in last, so that nothing in it is taken for a slot.
    pub(super) fn question(&self, lines: &str, facts: &str) -> String {
        let mut out = String::with_capacity(self.user.len() + lines.len() + facts.len());
        let mut rest = self.user.as_str();
        while let Some((at, slot)) = SLOTS.iter().filter_map(|s| Some((rest.find(s)?, *s))).min() {
            out.push_str(&rest[..at]);
            out.push_str(if slot == SLOTS[0] { lines } else { facts });
            rest = &rest[at + slot.len()..];
        }
        out.push_str(rest);
        out
    }
}

/// The prompts of all tasks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompts {
    /// For headline and summary.
    pub note: Prompt,
    /// For the message to the buyer.
    pub follow_up: Prompt,
}

impl Prompts {
    /// Those that come with the program.
    #[must_use]
    pub fn built_in() -> Self {
        Self { note: Prompt::built_in(Task::Note), follow_up: Prompt::built_in(Task::FollowUp) }
    }

    /// The one for a task.
    #[must_use]
    pub const fn of(&self, task: Task) -> &Prompt {
        match task {
            Task::Note => &self.note,
            Task::FollowUp => &self.follow_up,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_prompt_is_another_prompt() {
        let text = "version = 3\n--- system\nWrite.\n--- user\n{{lines}} and {{facts}}\n";
        let prompt = Prompt::parse(Task::Note, "note.md", text).unwrap();
        assert!(prompt.id().starts_with("note@3:") && prompt.id().len() == 71, "{}", prompt.id());
        assert_eq!(prompt.short_id().len(), 19);
        assert_ne!(prompt.id(), Prompt::parse(Task::Note, "note.md", &text.replace("Write.", "Write!")).unwrap().id());
        // What was said is no slot.
        assert_eq!(prompt.question("a {{facts}}", "b"), "a {{facts}} and b");
        assert_ne!(Prompts::built_in().note.id(), Prompts::built_in().follow_up.id());
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said() {
        for (text, problem) in [
            ("--- system\n--- user\n{{lines}}{{facts}}", "version"),
            ("version = 1\n--- user\n{{lines}}{{facts}}", "--- system"),
            ("version = 1\n--- system\nx\n{{lines}}{{facts}}", "--- user"),
            ("version = 1\n--- system\nx\n--- user\n{{lines}}", "{{facts}}"),
        ] {
            let error = Prompt::parse(Task::Note, "note.md", text).unwrap_err().to_string();
            assert!(error.starts_with("note.md: ") && error.contains(problem), "{error}");
        }
    }
}
