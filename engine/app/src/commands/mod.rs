//! One module per subcommand.

pub mod account;
pub mod audit;
pub mod check;
pub mod consent;
pub mod contact;
pub mod data;
pub mod debrief;
pub mod demo;
pub mod detect;
pub mod doctor;
pub mod funnel;
pub mod http;
pub mod huddle;
pub mod outreach;
pub mod playbook;
pub mod prep;
pub mod replay;
pub mod review;
pub mod run;
pub mod schema;
pub mod search;
pub mod serve;
pub mod signal;
pub mod token;
pub mod transcribe;
pub mod verify;
