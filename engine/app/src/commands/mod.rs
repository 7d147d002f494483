//! One module per subcommand.

pub mod audit;
pub mod check;
pub mod consent;
pub mod data;
pub mod debrief;
pub mod demo;
pub mod detect;
pub mod http;
pub mod playbook;
pub mod replay;
pub mod review;
pub mod run;
pub mod schema;
pub mod search;
pub mod serve;
pub mod token;
pub mod transcribe;
pub mod verify;
