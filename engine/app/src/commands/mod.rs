//! One module per subcommand.

pub mod check;
pub mod demo;
pub mod detect;
pub mod playbook;
pub mod replay;
pub mod serve;
pub mod transcribe;
