//! What a server takes before anybody speaks: its start, and calls in silence.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use reframe_bots::play::{self, Sound, Voice};

use super::watch;
use crate::{
    dice::Dice,
    figures::{Figures, Times},
    serving::{Over, Serving, fixture},
};

/// From starting the program to its taking connections, several times, each with an empty data folder.
///
/// # Errors
/// If the program is missing or does not start.
pub fn cold_starts(times: usize) -> anyhow::Result<Figures> {
    let mut all = Times::default();
    for _ in 0..times {
        all.add(Serving::start(1)?.ready());
    }
    Ok(all.figures())
}

/// Share of a core, and MiB, with so many calls in which nobody speaks.
///
/// # Errors
/// If a call fails.
pub fn at_rest(calls: u32, seconds: u64) -> anyhow::Result<(f64, f64)> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let server = Serving::start(calls)?;
    let mut demo = play::load(&[fixture("demo")], &[])?;
    for voice in &mut demo.voices {
        *voice = Voice { sound: quiet(u64::from(voice.track), seconds + 20), ..voice.clone() };
    }
    let mut players = tokio::task::JoinSet::new();
    for n in 0..calls {
        let player = server.connection().player(Over::Socket).call_id(format!("silent-{n}")).add(demo.clone());
        players.spawn_on(player.run(), runtime.handle());
        std::thread::sleep(Duration::from_millis(37));
    }
    std::thread::sleep(Duration::from_secs(3));
    while let Some(early) = players.try_join_next() {
        early.context("a silent call's task died")?.context("a silent call failed")?;
    }
    let open = server.metric("reframe_calls_open")?;
    ensure!(open == f64::from(calls), "{open} of {calls} silent calls are open");
    let seen = watch::watch(&server, Duration::from_secs(seconds))?;
    Ok((seen.engine_s / seen.wall_s, seen.memory_kib as f64 / 1024.0))
}

/// A room in which nobody speaks: noise of about -66 dBFS, since digital silence is cheaper than any real line.
fn quiet(seed: u64, seconds: u64) -> Sound {
    let mut dice = Dice(seed);
    let samples = (0..seconds * 16_000).map(|_| dice.roll(33) as i16 - 16).collect();
    Sound::Pcm { rate_hz: 16_000, samples }
}
