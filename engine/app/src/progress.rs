//! A bar on the terminal while something takes a moment.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::recognizers::OnProgress;

/// Runs `work` and shows how far it is. Shows nothing if standard error is not a terminal.
///
/// # Errors
/// Those of `work`.
pub fn loading<T>(work: impl FnOnce(OnProgress<'_>) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let bar = ProgressBar::new(1_000);
    let style = ProgressStyle::with_template("{spinner} loading the speech model [{bar:24}] {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(100));
    let result = work(&mut |stage, done| {
        bar.set_message(stage);
        // 0..=1 by contract; anything else shows as a full or empty bar.
        bar.set_position((done.clamp(0.0, 1.0) * 1_000.0) as u64);
    });
    bar.finish_and_clear();
    result
}
