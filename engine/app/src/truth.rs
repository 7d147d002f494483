//! What a fixture's script says should happen, against what did.

use reframe_bots::script::Script;
use reframe_call::backtest::truth::Objection;
pub use reframe_call::backtest::truth::{Judged, Truth};

/// The answer key of a script.
#[must_use]
pub fn of(script: &Script) -> Truth {
    Truth::new(script.objection.iter().map(|o| Objection {
        label: o.label.clone(),
        play: o.play.clone(),
        phrase: o.phrase.clone(),
        start_ms: o.start_ms,
        end_ms: o.end_ms,
        line: o.line,
    }))
}
