//! One module per subcommand.

pub mod check;
pub mod consent;
pub mod demo;
pub mod detect;
pub mod http;
pub mod playbook;
pub mod replay;
pub mod serve;
pub mod token;
pub mod transcribe;
