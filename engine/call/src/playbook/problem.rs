//! What is wrong with a playbook, and the collecting of it.

/// How bad a [`Problem`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The playbook works, but probably not as meant.
    Warning,
    /// The playbook cannot be used.
    Error,
}

/// Something wrong with a playbook, where, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// How bad.
    pub severity: Severity,
    /// What is wrong and what to write instead.
    pub message: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, "{}:{}: {kind}: {}", self.file, self.line, self.message)
    }
}

/// Line of a byte of `text`, from 1.
pub(super) fn line_at(text: &[u8], byte: usize) -> usize {
    1 + text.iter().take(byte).filter(|b| **b == b'\n').count()
}

/// Takes down what is wrong with one file.
pub(super) struct Reporter<'a> {
    file: &'a str,
    text: &'a str,
    problems: Vec<Problem>,
}

impl<'a> Reporter<'a> {
    pub fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text, problems: Vec::new() }
    }

    fn say(&mut self, severity: Severity, byte: usize, message: String) {
        let line = self.line(byte);
        self.problems.push(Problem { file: self.file.to_owned(), line, severity, message });
    }

    pub fn error(&mut self, byte: usize, message: impl Into<String>) {
        self.say(Severity::Error, byte, message.into());
    }

    pub fn warn(&mut self, byte: usize, message: impl Into<String>) {
        self.say(Severity::Warning, byte, message.into());
    }

    pub fn line(&self, byte: usize) -> usize {
        line_at(self.text.as_bytes(), byte)
    }

    pub fn text(&self) -> &'a str {
        self.text
    }

    pub fn take(self) -> Vec<Problem> {
        self.problems
    }
}
