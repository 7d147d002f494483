//! Reading of rule files: strict keys, and everything that is wrong with its line and what to write instead.

use std::ops::Range;

use reframe_call::playbook::{Problem, Severity};
use serde::de::DeserializeOwned;

/// Longest rule file, in bytes. One that a team writes by hand has some thousands.
const MAX_FILE_BYTES: usize = 256 << 10;

/// One file while it is read.
pub(crate) struct RuleFile<'a> {
    file: &'a str,
    text: &'a str,
    problems: Vec<Problem>,
}

impl<'a> RuleFile<'a> {
    /// A file of this name (to print in problems) with these contents.
    pub fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text, problems: Vec::new() }
    }

    /// Its contents, if they are TOML with the keys of `T` and no others.
    pub fn read<T: DeserializeOwned>(&mut self) -> Option<T> {
        if self.text.len() > MAX_FILE_BYTES {
            let may = MAX_FILE_BYTES >> 10;
            self.error(&(0..0), format!("the file is larger than {may} KiB; leave out what no rule needs"));
            return None;
        }
        match toml::from_str(self.text) {
            Ok(value) => Some(value),
            Err(error) => {
                self.error(&error.span().unwrap_or(0..0), error.message().to_owned());
                None
            }
        }
    }

    /// Takes down what is wrong with the bytes `at`, and what to write instead.
    pub fn error(&mut self, at: &Range<usize>, message: impl Into<String>) {
        let line = 1 + self.text.bytes().take(at.start).filter(|b| *b == b'\n').count();
        let problem = Problem { file: self.file.to_owned(), line, severity: Severity::Error, message: message.into() };
        self.problems.push(problem);
    }

    /// Everything that was taken down.
    pub fn problems(self) -> Vec<Problem> {
        self.problems
    }
}

/// The words of a list for an error: "`a`, `b`, `c`".
pub(crate) fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", ")
}
