//! Exit codes that mean something.

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: done.
    Success,
    /// 1: it ran, and something is wrong with what it was given or measured.
    Failure,
    /// 3: it could not start: configuration, playbook, model, port. (2 is a wrong command line.)
    CannotStart,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Success => Self::from(0),
            Exit::Failure => Self::from(1),
            Exit::CannotStart => Self::from(3),
        }
    }
}
