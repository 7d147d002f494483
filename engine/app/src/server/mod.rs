//! The running server: calls on their own threads, screens and bots on tokio, one writer for the log.

pub mod admission;
pub mod api;
pub mod call_thread;
pub mod engine;
pub mod erasures;
pub mod export;
pub mod listen;
pub mod log_writer;
pub mod overload;
pub mod people;
pub mod playbook_reload;
pub mod refine;
pub mod signals;
pub mod stats;
pub mod tokens;
