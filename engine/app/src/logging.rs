//! What the program says about itself: to standard error, never a word of what was said in a call.

use anyhow::Context;
use tracing_subscriber::EnvFilter;

use crate::config::Log;

/// Starts it. A second call has no effect.
///
/// # Errors
/// If the level is not one.
pub fn start(log: &Log) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&log.level).with_context(|| {
        format!("log.level = \"{}\" is not a level; write error, warn, info, debug or trace", log.level)
    })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let _already_started = if log.json { builder.json().try_init() } else { builder.try_init() };
    Ok(())
}
