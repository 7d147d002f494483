//! What the server and this program took while a load lasted, thread by thread.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use crate::{process, serving::Serving};

/// How often threads are looked at: a call's thread that ends in between keeps up to so much of its time to itself.
const LOOK: Duration = Duration::from_millis(250);

/// What sheds, by the name of its counter, and what that means.
pub const SHED: [(&str, &str); 4] = [
    ("reframe_packets_displaced_total", "packets pushed out of a full queue"),
    ("reframe_ingest_dropped_total", "packets thrown away before a queue"),
    ("reframe_calls_refused_total", "calls refused"),
    ("reframe_audio_gaps_total", "stretches of missing audio"),
];

/// What was seen in a stretch of time.
#[derive(Clone, Debug, Default)]
pub struct Stretch {
    /// Its length in seconds.
    pub wall_s: f64,
    /// Processor seconds of the server.
    pub engine_s: f64,
    /// Processor seconds of this program: players and screens.
    pub generator_s: f64,
    /// Processor seconds of the server by kind of thread.
    pub stages: BTreeMap<&'static str, f64>,
    /// Memory of the server in KiB, the middle of all looks.
    pub memory_kib: u64,
    /// Most calls at the same time that the server said were behind.
    pub behind: u64,
    /// Least and most calls that were open.
    pub open: (f64, f64),
    /// What was shed, in the order of [`SHED`].
    pub shed: [f64; 4],
}

/// Looks at the server for so long.
///
/// # Errors
/// If it is gone.
pub fn watch(server: &Serving, time: Duration) -> anyhow::Result<Stretch> {
    let begun = Instant::now();
    let me = std::process::id();
    let shed = |text: &str| SHED.map(|(name, _)| crate::serving::value(text, name).unwrap_or(0.0));
    let before = (process::cpu_s(server.pid())?, process::cpu_s(me)?, shed(&server.metrics()?));
    let mut threads = process::threads(server.pid())?;
    let (mut memory, mut out, mut last_metrics, mut looks) = (Vec::new(), Stretch::default(), Instant::now(), 0);
    while begun.elapsed() < time {
        std::thread::sleep(LOOK.min(time.saturating_sub(begun.elapsed())));
        memory.push(server.memory_kib()?);
        let now = process::threads(server.pid())?;
        for (tid, (name, cpu_s)) in &now {
            let then = threads.get(tid).map_or(0.0, |(_, s)| *s);
            *out.stages.entry(stage(name)).or_default() += cpu_s - then;
        }
        threads = now;
        if last_metrics.elapsed() > Duration::from_secs(1) {
            last_metrics = Instant::now();
            let text = server.metrics()?;
            let value = |name| crate::serving::value(&text, name).unwrap_or(0.0);
            out.behind = out.behind.max(value("reframe_calls_overloaded") as u64);
            let open = value("reframe_calls_open");
            out.open = (if looks == 0 { open } else { out.open.0.min(open) }, out.open.1.max(open));
            looks += 1;
        }
    }
    out.wall_s = begun.elapsed().as_secs_f64();
    out.engine_s = process::cpu_s(server.pid())? - before.0;
    out.generator_s = process::cpu_s(me)? - before.1;
    let after = shed(&server.metrics()?);
    out.shed = std::array::from_fn(|i| after[i] - before.2[i]);
    memory.sort_unstable();
    out.memory_kib = memory.get(memory.len() / 2).copied().unwrap_or(0);
    Ok(out)
}

/// What a thread of this name does.
fn stage(name: &str) -> &'static str {
    match name {
        n if n.starts_with("call-") => "calls (decode, recognise, detect, deck)",
        n if n.starts_with("tokio") => "network (ingest, screens, requests)",
        "event-log" => "event log",
        "clerk" => "after the call (notes, index)",
        "refine" => "second opinion",
        _ => "others",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_are_told_apart() {
        assert_ne!(stage("call-load-1-2"), stage("tokio-rt-worker"));
        assert_eq!(stage("clerk"), "after the call (notes, index)");
        assert_eq!(stage("reframe"), "others");
    }
}
