//! Half an hour of sound: does the time of each track stay with the wall clock, and the memory where it is?

use std::time::{Duration, Instant};

use anyhow::ensure;
use reframe_bots::play::{self, Sound, Voice};
use serde_json::{Value, json};

use crate::{
    plot::{Axis, Line, Plot},
    record,
    serving::{Over, Serving, fixture},
};

/// An utterance whose beginning is further from every one of the first round is another one (a card's phrase was cut
/// elsewhere), and says nothing about the clock.
const SAME_MS: f64 = 150.0;

/// Drift and memory over a long call
///
/// Plays the demo call over and over as one call, in real time, with sound cards that run too slow and too fast, into a
/// server that is a process of its own. Where speech begins in the server's log is compared with where it began on the
/// wall, the first round being the measure. With --record, a picture is kept beside the numbers.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How long
    #[arg(long, default_value_t = 30.0)]
    minutes: f64,
    /// How the sound gets in; the WebSocket has good clocks only
    #[arg(long, value_enum, default_value = "whip")]
    over: Over,
    /// How much too slow each participant's clock runs, in parts per million
    #[arg(long, value_delimiter = ',', allow_hyphen_values = true, default_value = "100,-100")]
    skew_ppm: Vec<f64>,
    /// Which fixture call
    #[arg(long, default_value = "demo")]
    call: String,
}

/// Runs it.
///
/// # Errors
/// If the program is missing, or the call fails.
pub fn run(args: &Args, keep: bool) -> anyhow::Result<Value> {
    let call = play::load(&[fixture(&args.call)], &[])?;
    let names: Vec<String> = call.voices.iter().map(|v| v.name.clone()).collect();
    let length_48k = length_48k(&call.voices);
    let round_s = length_48k as f64 / 48_000.0;
    let rounds = (args.minutes * 60.0 / round_s).ceil().max(2.0) as u64;
    let skew =
        |track: usize| if args.over == Over::Whip { args.skew_ppm.get(track).copied().unwrap_or(0.0) } else { 0.0 };
    let server = Serving::start(1)?;
    let mut player = server.player(args.over).call_id("soak").playbook("b2b-saas");
    if args.over == Over::Whip {
        player = player.skew_ppm(args.skew_ppm.clone());
    }
    for voice in call.voices {
        player = player.voice(repeated(voice, length_48k, rounds)?);
    }
    println!("{rounds} rounds of {round_s:.1} s: {:.1} minutes", rounds as f64 * round_s / 60.0);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let playing = runtime.spawn(player.run());
    let begun = Instant::now();
    let mut memory = Vec::new();
    while !playing.is_finished() {
        memory.push((begun.elapsed().as_secs_f64() / 60.0, server.memory_kib()? as f64 / 1_024.0));
        std::thread::sleep(Duration::from_secs(2));
    }
    let report = runtime.block_on(playing)??;
    let events: Vec<Value> = server.events(&report.call)?;
    let tracks: Vec<Track> = (0..names.len())
        .map(|n| Track::new(&names[n], &events, n, round_s * 1e3, skew(n)))
        .collect::<Result<_, _>>()?;
    let growth = growth_mib(&memory);
    let worst = tracks.iter().map(|t| t.worst_ms).fold(0.0, f64::max);
    let apart = apart_ms(&tracks);
    for track in &tracks {
        println!(
            "{:20} {:4} beginnings of speech, furthest from the wall clock {:6.1} ms",
            track.name, track.points, track.worst_ms
        );
    }
    println!("tracks furthest apart: {apart:.1} ms");
    println!("memory: {:.1} MiB after the first fifth, {:+.2} MiB since", growth.0, growth.1);
    println!("latest packet {} ms behind its time when sent", report.worst_late.as_millis());
    let quantile =
        |q: &str| server.metric(&format!("reframe_packet_to_frame_seconds{{quantile=\"{q}\"}}")).map(|s| s * 1e3).ok();
    if keep {
        let path = record::beside("soak", "svg")?;
        std::fs::write(&path, picture(&tracks, &memory, args))?;
        println!("drawn in {}", path.display());
    }
    Ok(json!({
        "minutes": rounds as f64 * round_s / 60.0, "over": args.over.as_str(), "call": args.call, "skew_ppm": args.skew_ppm,
        "worst_drift_ms": worst, "worst_between_tracks_ms": apart,
        "tracks": tracks.iter().map(|t| json!({"name": t.name, "beginnings": t.points, "worst_ms": t.worst_ms, "drift_by_minute_ms": t.by_minute})).collect::<Vec<_>>(),
        "memory_mib": memory.iter().step_by(15).map(|(minute, mib)| json!([round2(*minute), round2(*mib)])).collect::<Vec<_>>(),
        "memory_early_mib": growth.0, "memory_growth_mib": growth.1,
        "packet_to_frame_ms": {"p50": quantile("0.5"), "p99": quantile("0.99"), "max": quantile("1")},
        "latest_packet_ms": report.worst_late.as_millis() as u64,
    }))
}

fn round2(v: f64) -> f64 {
    (v * 100.0).round() / 100.0
}

/// One round: the longest voice, in whole packets.
fn length_48k(voices: &[Voice]) -> u64 {
    let length = |voice: &Voice| match &voice.sound {
        Sound::Opus(file) => file.packets.last().map_or(0, |p| p.start_48k + u64::from(p.samples_48k)),
        Sound::Pcm { rate_hz, samples } => samples.len() as u64 * 48_000 / u64::from(*rate_hz),
    };
    voices.iter().map(length).max().unwrap_or(0).next_multiple_of(960)
}

/// A voice that says the same again and again.
fn repeated(mut voice: Voice, length_48k: u64, rounds: u64) -> anyhow::Result<Voice> {
    let Sound::Opus(file) = &mut voice.sound else { anyhow::bail!("{}: the fixture is not Opus", voice.name) };
    let first = std::mem::take(&mut file.packets);
    for round in 0..rounds {
        file.packets.extend(first.iter().cloned().map(|mut p| {
            p.start_48k += round * length_48k;
            p
        }));
    }
    file.samples_48k = rounds * length_48k;
    Ok(voice)
}

struct Track {
    name: String,
    points: usize,
    worst_ms: f64,
    /// Minute, and how far the track's time was ahead of the wall clock in its middle, in ms.
    by_minute: Vec<(f64, f64)>,
}

impl Track {
    fn new(name: &str, events: &[Value], track: usize, round_ms: f64, skew_ppm: f64) -> anyhow::Result<Self> {
        let starts: Vec<f64> = events
            .iter()
            .filter(|e| e["event"] == "speech_started" && e["track"] == track)
            .filter_map(|e| e["start"].as_f64().map(|us| us / 1e3))
            .collect();
        let first: Vec<f64> = starts.iter().copied().filter(|&s| s < round_ms - SAME_MS).collect();
        ensure!(!first.is_empty(), "{name}: no speech was heard in the first round");
        // On the wall, a round of a clock that is too slow takes longer.
        let wall_ms = round_ms * (1.0 + skew_ppm / 1e6);
        let mut errors: Vec<(f64, f64)> = Vec::new();
        for &start in &starts {
            let round = (start / wall_ms).floor();
            let nearest = [round - 1.0, round]
                .into_iter()
                .filter(|r| *r >= 0.0)
                .flat_map(|r| first.iter().map(move |f| start - r * wall_ms - f))
                .min_by(|a, b| a.abs().total_cmp(&b.abs()));
            errors.extend(nearest.filter(|e| e.abs() < SAME_MS).map(|e| (start / 60_000.0, e)));
        }
        let last = errors.last().map_or(0.0, |(minute, _)| *minute);
        let mut by_minute = Vec::new();
        for minute in 0..=last as u32 {
            let mut here: Vec<f64> =
                errors.iter().filter(|(m, _)| *m as u32 == minute).map(|(_, error)| *error).collect();
            here.sort_by(f64::total_cmp);
            // Speech begins on a frame of 20 ms; the middle of many is finer.
            if let Some(&middle) = here.get(here.len() / 2) {
                by_minute.push((f64::from(minute), middle));
            }
        }
        let worst_ms = by_minute.iter().map(|(_, e)| e.abs()).fold(0.0, f64::max);
        Ok(Self { name: name.to_owned(), points: errors.len(), worst_ms, by_minute })
    }
}

fn apart_ms(tracks: &[Track]) -> f64 {
    let at = |t: &Track, minute: f64| t.by_minute.iter().find(|(m, _)| *m == minute).map(|(_, e)| *e);
    let minutes = tracks.first().map(|t| t.by_minute.iter().map(|(m, _)| *m).collect::<Vec<_>>()).unwrap_or_default();
    minutes
        .iter()
        .map(|&m| {
            let here: Vec<f64> = tracks.iter().filter_map(|t| at(t, m)).collect();
            let (low, high) = here.iter().fold((f64::MAX, f64::MIN), |(l, h), &e| (l.min(e), h.max(e)));
            if here.len() > 1 { high - low } else { 0.0 }
        })
        .fold(0.0, f64::max)
}

/// Memory after the first fifth, when everything has been used once, and how much the last fifth is above it.
fn growth_mib(memory: &[(f64, f64)]) -> (f64, f64) {
    let fifth = (memory.len() / 5).max(1);
    let mean = |part: &[(f64, f64)]| part.iter().map(|(_, mib)| mib).sum::<f64>() / part.len().max(1) as f64;
    let early = mean(&memory[fifth.min(memory.len() - 1)..(2 * fifth).min(memory.len())]);
    (early, mean(&memory[memory.len().saturating_sub(fifth)..]) - early)
}

fn picture(tracks: &[Track], memory: &[(f64, f64)], args: &Args) -> String {
    let drift = tracks.iter().enumerate().map(|(n, t)| {
        let skew = args.skew_ppm.get(n).copied().unwrap_or(0.0);
        Line { name: format!("{} (clock {skew:+} ppm)", t.name), points: t.by_minute.clone(), dotted: false }
    });
    let last = memory.last().map_or(1.0, |(minute, _)| *minute);
    let limits =
        [20.0, -20.0].map(|at| Line { name: String::new(), points: vec![(0.0, at), (last, at)], dotted: true });
    let most = memory.iter().map(|(_, mib)| *mib).fold(0.0, f64::max);
    let above = Plot {
        title: format!("Track time ahead of the wall clock, over {} (limit 20 ms)", args.over.as_str()),
        x: Axis { name: "minutes".into(), from: 0.0, to: last },
        y: Axis { name: "ms".into(), from: -40.0, to: 40.0 },
        lines: drift.chain(limits).collect(),
    };
    let below = Plot {
        title: "Memory of the server".into(),
        x: Axis { name: "minutes".into(), from: 0.0, to: last },
        y: Axis { name: "MiB".into(), from: 0.0, to: (most * 1.2).max(1.0) },
        lines: vec![Line { name: String::new(), points: memory.to_vec(), dotted: false }],
    };
    Plot::page(&[above, below])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(starts_ms: &[f64]) -> Vec<Value> {
        starts_ms.iter().map(|ms| json!({"event": "speech_started", "track": 0, "start": ms * 1e3})).collect()
    }

    #[test]
    fn drift_is_seen_and_a_slow_clock_that_is_followed_is_none() {
        let first = [1_000.0, 21_000.0, 45_000.0];
        let rounds = |wall_ms: f64| (0..20).flat_map(|r| first.map(|f| f + f64::from(r) * wall_ms)).collect::<Vec<_>>();
        let kept = Track::new("x", &events(&rounds(60_000.0)), 0, 60_000.0, 0.0).unwrap();
        assert_eq!((kept.worst_ms, kept.points), (0.0, 60));
        // 100 ppm are 6 ms a round.
        let followed = Track::new("x", &events(&rounds(60_006.0)), 0, 60_000.0, 100.0).unwrap();
        assert!(followed.worst_ms < 0.001 && followed.points == 60, "{}", followed.worst_ms);
        let ignored = Track::new("x", &events(&rounds(60_000.0)), 0, 60_000.0, 100.0).unwrap();
        assert!((ignored.worst_ms - 114.0).abs() < 0.1, "{}", ignored.worst_ms);
        assert!((apart_ms(&[followed, ignored]) - 114.0).abs() < 0.1);
        assert!(Track::new("x", &[], 0, 60_000.0, 0.0).is_err());
    }

    #[test]
    fn growth_is_seen() {
        let flat: Vec<(f64, f64)> = (0..100).map(|n| (f64::from(n), 50.0)).collect();
        assert_eq!(growth_mib(&flat), (50.0, 0.0));
        let leak: Vec<(f64, f64)> = (0..100).map(|n| (f64::from(n), 50.0 + f64::from(n))).collect();
        assert!((growth_mib(&leak).1 - 60.0).abs() < 1.0);
        assert_eq!(growth_mib(&[(0.0, 5.0)]), (5.0, 0.0));
    }
}
