//! The figures that count, taken out of each command's record: value, unit, how sure, of how many, and the goal.

use serde_json::Value;

pub use super::figure::Figure;
use super::figure::{Unit, number};

use crate::detect::stats::{Share, poisson_upper};

/// The figures of a command's result, the most telling first; none for a command nobody has chosen figures of yet.
pub fn of(command: &str, result: &Value) -> Vec<Figure> {
    let found = match command {
        "latency" => latency(result),
        "load" => load(result),
        "detect" => detect(result),
        "asr" => asr(result),
        "peers" => peers(result),
        "recognizer" => recognizer(result),
        "server" => server(result),
        "ingest" => ingest(result),
        "loss" => loss(result),
        "soak" => soak(result),
        "workflow" => workflow(result),
        "micro" => micro(result),
        _ => None,
    };
    found.unwrap_or_default()
}

/// A number at a JSON pointer.
pub fn at(value: &Value, pointer: &str) -> Option<f64> {
    value.pointer(pointer).and_then(Value::as_f64)
}

fn count(value: &Value, pointer: &str) -> Option<u64> {
    value.pointer(pointer).and_then(Value::as_u64)
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}

/// The elements of a list; none where there is none.
pub fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Cards missed out of all that had to come.
pub fn missed(result: &Value) -> Option<Share> {
    let (all, right) = (count(result, "/objections")?, count(result, "/right")?);
    Some(Share { k: all.saturating_sub(right), n: all })
}

/// How late the cards of one way in were: on the socket, and painted where that was measured.
fn late(r: &Value, over: &str) -> Option<Vec<Figure>> {
    let mut out = Vec::new();
    for row in list(r, "/latency") {
        let name = text(row, "/part")?;
        if !matches!(name, "card on the socket" | "card painted") {
            continue;
        }
        let n = format!("{} cards", count(row, "/n")?);
        for (quantile, pointer, goal) in [("p50", "/p50_ms", 500.0), ("p95", "/p95_ms", 800.0)] {
            let name = format!("{name}{over}, {quantile}");
            out.push(Figure::new(name, Unit::Ms, at(row, pointer)?, n.clone()).at_most(goal));
        }
    }
    Some(out)
}

fn latency(r: &Value) -> Option<Vec<Figure>> {
    let mut out: Vec<Figure> = late(r, "")?.into_iter().map(Figure::front).collect();
    for other in list(r, "/others") {
        // As above: no lateness without what was missed.
        let missed = missed(other)?;
        let of = |f: Figure| Figure { n: format!("{}, {} of {} missed", f.n, missed.k, missed.n), ..f };
        out.extend(late(other, &format!(" over {}", text(other, "/over")?))?.into_iter().map(of));
    }
    let (cards, hours) = (count(r, "/false_or_wrong_cards")?, at(r, "/audio_s")? / 3_600.0);
    let hour = Figure::new(
        "false cards in these calls",
        Unit::PerHour,
        cards as f64 / hours,
        format!("{cards} in {hours:.2} h"),
    );
    out.push(hour.between(0.0, poisson_upper(cards) / hours).front());
    let missed = missed(r)?;
    let (low, high) = missed.interval();
    let share = Figure::new(
        "cards missed in these calls",
        Unit::Percent,
        100.0 * missed.value(),
        format!("{} of {}", missed.k, missed.n),
    );
    out.push(share.between(100.0 * low, 100.0 * high).front());
    Some(out)
}

fn load(r: &Value) -> Option<Vec<Figure>> {
    let mut out = Vec::new();
    let best = list(r, "/steps").iter().find(|s| s["calls"] == r["calls"]);
    if let (Some(calls), Some(best)) = (at(r, "/calls"), best) {
        let n = format!("{} cards, p95 {} ms", count(best, "/cards/n")?, number(at(best, "/cards/p95_ms")?));
        out.push(
            Figure::new("calls at once, card p95 within 1 s and nothing shed", Unit::Count, calls, n)
                .at_least(20.0)
                .front(),
        );
        out.push(
            Figure::new(
                "calls per core of the server",
                Unit::Count,
                at(r, "/calls_per_core")?,
                format!("{calls:.0} calls"),
            )
            .more(),
        );
        let (right, all) = (count(best, "/right")?, count(best, "/expected")?);
        let missed = Share { k: all.saturating_sub(right), n: all };
        let (low, high) = missed.interval();
        let n = format!("{} of {all}, {} false or wrong", missed.k, count(best, "/wrong")?);
        out.push(
            Figure::new("cards missed with so many calls", Unit::Percent, 100.0 * missed.value(), n)
                .between(100.0 * low, 100.0 * high),
        );
    }
    let most = list(r, "/steps").iter().filter_map(|s| count(s, "/calls")).max().unwrap_or(0);
    if let Some(mib) = at(r, "/mib_per_call") {
        out.push(
            Figure::new("memory per added call, under load", Unit::Mib, mib, format!("slope up to {most} calls"))
                .at_most(15.0)
                .front(),
        );
    }
    if let (Some(cores), Some(calls)) = (at(r, "/silent/cores"), count(r, "/silent/calls")) {
        let figure =
            Figure::new("silent calls, share of one core", Unit::Percent, 100.0 * cores, format!("{calls} calls"));
        out.push(figure.at_most(10.0).front());
    }
    if let Some(ms) = at(r, "/cold_start/p50_ms") {
        let n = format!("{} starts, p50", count(r, "/cold_start/n")?);
        out.push(Figure::new("from start to taking connections", Unit::Ms, ms, n).at_most(1_500.0).front());
    }
    Some(out)
}

fn share(r: &Value, name: &str, pointer: &str) -> Option<Figure> {
    let s = r.pointer(pointer)?;
    let n = format!("{} of {}", count(s, "/k")?, count(s, "/n")?);
    let figure = Figure::new(name, Unit::Percent, 100.0 * at(s, "/value")?, n);
    Some(figure.between(100.0 * at(s, "/low")?, 100.0 * at(s, "/high")?))
}

fn detect(r: &Value) -> Option<Vec<Figure>> {
    let set = format!(" ({} set)", text(r, "/set")?);
    let mut out = vec![
        share(r, &format!("precision, word by word{set}"), "/word_by_word/precision")?.more().front(),
        share(r, &format!("recall, word by word{set}"), "/word_by_word/recall")?.more().front(),
        share(r, "near misses that fired", "/word_by_word/hard_negatives_fired")?,
    ];
    if let Some(all) = list(r, "/ordinary").iter().find(|o| o["talk"] == "all") {
        let n = format!("{} in {:.1} h", count(all, "/cards")?, at(all, "/hours")?);
        let figure = Figure::new("false cards in ordinary talk", Unit::PerHour, at(all, "/per_hour")?, n);
        out.push(figure.between(0.0, at(all, "/per_hour_upper_95")?).front());
    }
    if let Some(update) = r.pointer("/cost/work/whole update") {
        let n = format!("{} updates, {} plays", count(update, "/n")?, count(r, "/cost/plays")?);
        out.push(Figure::new("a hypothesis update, p95", Unit::Ms, at(update, "/p95_us")? / 1_000.0, n));
    }
    Some(out)
}

fn asr(r: &Value) -> Option<Vec<Figure>> {
    let mut out = Vec::new();
    for row in list(r, "/conditions") {
        let name = text(row, "/condition")?;
        let n = format!("{} words", count(row, "/wer/words")?);
        let wer = Figure::new(format!("word errors, {name}"), Unit::Percent, at(row, "/wer/percent")?, n);
        let mut wer = wer.between(at(row, "/wer/low")?, at(row, "/wer/high")?);
        wer.front = name == "clean";
        out.push(wer);
        if name == "clean" {
            let n = format!("{} words", count(row, "/emission/settled/n")?);
            for (what, key) in [("settled", "settled"), ("committed", "committed")] {
                for q in ["p50", "p95"] {
                    let ms = at(row, &format!("/emission/{key}/{q}_ms"))?;
                    out.push(Figure::new(format!("a word {what} after its end, {q}"), Unit::Ms, ms, n.clone()));
                }
            }
            let n = format!("{:.0} s of audio", at(row, "/audio_s")?);
            out.push(Figure::new("share of one core", Unit::Percent, 100.0 * at(row, "/real_time_factor")?, n).front());
        }
    }
    for (name, key) in [("with biasing", "biased"), ("without biasing", "plain")] {
        let Some(row) = r.pointer(&format!("/phrases/{key}")) else { continue };
        if let Some(found) = share(row, &format!("playbook phrases recalled, {name}"), "/recall") {
            out.push(found.more());
        }
    }
    if let Some(mib) = at(r, "/memory_mib/most") {
        out.push(Figure::new("memory, most", Unit::Mib, mib, "one process"));
    }
    Some(out)
}

fn peers(r: &Value) -> Option<Vec<Figure>> {
    let mut out = Vec::new();
    for row in list(r, "/recognition") {
        let name = text(row, "/system")?;
        if let Some(ratio) = at(row, "/error_ratio/value") {
            let n = format!("{} words", count(row, "/wer/words")?);
            let figure =
                Figure::new(format!("word errors of {name}, ours being 1"), Unit::Times, ratio, n).at_least(1.0);
            let mut figure = match (at(row, "/error_ratio/low"), at(row, "/error_ratio/high")) {
                (Some(low), Some(high)) => figure.between(low, high),
                _ => figure,
            };
            figure.front = true;
            out.push(figure);
        }
        if let Some(ratio) = at(row, "/time_ratio") {
            let n = format!("{:.0} s of audio", at(r, "/audio_s")?);
            out.push(
                Figure::new(format!("processor time of {name}, ours being 1"), Unit::Times, ratio, n).more().front(),
            );
        }
    }
    for row in list(r, "/detection") {
        let Some(ratio) = at(row, "/miss_ratio") else { continue };
        let n = format!("{} objections", count(row, "/recall/n")?);
        out.push(
            Figure::new(format!("objections missed by {}, ours being 1", text(row, "/system")?), Unit::Times, ratio, n)
                .at_least(1.0),
        );
    }
    Some(out)
}

fn recognizer(r: &Value) -> Option<Vec<Figure>> {
    let n = format!("{:.0} s, one track", at(r, "/audio_s")?);
    let of = |row: &Value| {
        let name = text(row, "/what")?;
        let figure = Figure::new(name.trim(), Unit::Percent, 100.0 * at(row, "/of_one_core")?, n.clone());
        Some(Figure { name: format!("{}, share of one core", figure.name), ..figure })
    };
    list(r, "/core_share").iter().map(of).collect()
}

fn server(r: &Value) -> Option<Vec<Figure>> {
    let calls = count(r, "/calls")?;
    let n = format!("{calls} calls, {:.0} s", at(r, "/wall_s")?);
    let per_call = (at(r, "/most_mib")? - at(r, "/idle_mib")?) / calls.max(1) as f64;
    Some(vec![
        Figure::new("memory per added call", Unit::Mib, per_call, n.clone()).at_most(15.0).front(),
        Figure::new("memory, no call", Unit::Mib, at(r, "/idle_mib")?, "one server"),
        Figure::new("one track, share of one core", Unit::Percent, 100.0 * at(r, "/of_one_core_per_track")?, n),
    ])
}

fn ingest(r: &Value) -> Option<Vec<Figure>> {
    let of = |row: &Value| {
        let calls = count(row, "/calls")?;
        let plural = if calls == 1 { "call" } else { "calls" };
        let n = format!("{:.0} frames", at(row, "/frames")?);
        Some(Figure::new(format!("packet to frame, {calls} {plural}, p99"), Unit::Ms, at(row, "/p99_ms")?, n))
    };
    list(r, "/rows").iter().map(of).collect()
}

fn loss(r: &Value) -> Option<Vec<Figure>> {
    let of = |row: &Value| {
        let name = match text(row, "/network")? {
            "bad" => format!("bad network, {} % lost", at(r, "/loss_percent")?),
            other => format!("{other} network"),
        };
        let n = format!("{} words", count(row, "/words")?);
        Some(Figure::new(format!("word errors of whole calls, {name}"), Unit::Percent, at(row, "/wer_percent")?, n))
    };
    list(r, "/rows").iter().filter(|row| row["call"] == "all").map(of).collect()
}

fn soak(r: &Value) -> Option<Vec<Figure>> {
    let n = format!("{:.0} minutes", at(r, "/minutes")?);
    let mut out = vec![Figure::new("memory grown", Unit::Mib, at(r, "/memory_growth_mib")?, n.clone())];
    if let Some(ms) = at(r, "/packet_to_frame_ms/p99") {
        out.push(Figure::new("packet to frame, p99", Unit::Ms, ms, n));
    }
    Some(out)
}

fn workflow(r: &Value) -> Option<Vec<Figure>> {
    let of = |goal: &Value| {
        let (part, worst) = (text(goal, "/part")?, text(goal, "/of")?);
        let n = list(r, "/rows").iter().find(|row| row["name"] == worst).and_then(|row| count(row, "/n")).unwrap_or(0);
        let name = match part {
            "hygiene" => "review of all deals at night, worst run",
            "search" => "search over all calls, p95",
            "review" => "review page, slowest request, p95",
            "post-call" => "draft after an hour's call, p95",
            other => other,
        };
        let figure = Figure::new(
            name,
            Unit::Ms,
            at(goal, "/p95_ms")?,
            if n == 1 { "1 run".to_owned() } else { format!("{n} runs") },
        );
        Some(figure.at_most(at(goal, "/goal_ms")?).front())
    };
    list(r, "/goals").iter().map(of).collect()
}

fn micro(r: &Value) -> Option<Vec<Figure>> {
    let mut out = Vec::new();
    for row in list(r, "/bodies") {
        let n = format!("{} samples", count(row, "/samples")?);
        let figure = Figure::new(text(row, "/name")?, Unit::Us, at(row, "/ns")? / 1e3, n);
        out.push(figure.between(at(row, "/low_ns")? / 1e3, at(row, "/high_ns")? / 1e3));
    }
    for row in list(r, "/instructions") {
        let name = format!("{}, instructions", text(row, "/name")?);
        out.push(Figure::new(name, Unit::Instructions, at(row, "/instructions")?, "callgrind, one run"));
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn a_late_number_comes_with_what_was_missed_and_what_was_false() {
        let result = json!({
            "latency": [{"part": "card on the socket", "n": 16, "p50_ms": 422.1, "p95_ms": 870.9},
                        {"part": "compute (packet in to card out)", "n": 16, "p50_ms": 0.1, "p95_ms": 2.4}],
            "objections": 16, "right": 15, "false_or_wrong_cards": 1, "audio_s": 1_800.0 });
        let figures = of("latency", &result);
        let names: Vec<&str> = figures.iter().map(|f| f.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "card on the socket, p50",
                "card on the socket, p95",
                "false cards in these calls",
                "cards missed in these calls"
            ]
        );
        assert_eq!((figures[0].met(), figures[1].met()), (Some(true), Some(false)));
        assert_eq!((figures[2].value, figures[2].n.as_str()), (2.0, "1 in 0.50 h"));
        assert!((figures[2].range.unwrap().1 - 9.488).abs() < 0.01, "{:?}", figures[2]);
        assert_eq!((figures[3].value, figures[3].n.as_str()), (6.25, "1 of 16"));
        assert!(figures.iter().all(|f| !f.n.is_empty()));
    }

    #[test]
    fn other_ways_in_stand_below_and_say_what_they_missed() {
        let way = |over: &str, p95: f64| {
            json!({"over": over, "objections": 16, "right": 15, "false_or_wrong_cards": 0, "audio_s": 360.0, "latency": [
                {"part": "card painted", "n": 15, "p50_ms": 450.0, "p95_ms": p95},
                {"part": "paint (socket to screen)", "n": 15, "p50_ms": 30.0, "p95_ms": 40.0}]})
        };
        let mut whole = way("whip", 600.0);
        whole["others"] = json!([way("rtms", 900.0)]);
        let figures = of("latency", &whole);
        assert!(figures.iter().all(|f| !f.name.starts_with("paint")), "a part is no total");
        let other = figures.iter().find(|f| f.name == "card painted over rtms, p95").unwrap();
        assert_eq!((other.n.as_str(), other.met(), other.front), ("15 cards, 1 of 16 missed", Some(false), false));
        assert!(figures.iter().any(|f| f.name == "card painted, p95" && f.front));
        whole["others"][0].as_object_mut().unwrap().remove("right");
        assert_eq!(of("latency", &whole), []);
    }

    #[test]
    fn where_another_is_better_it_says_so() {
        let result = json!({ "audio_s": 60.0, "recognition": [{ "system": "X", "wer": {"words": 500}, "time_ratio": 10.0,
                             "error_ratio": {"value": 0.9, "low": 0.7, "high": 1.1} }] });
        let figures = of("peers", &result);
        assert_eq!((figures[0].met(), figures[1].met()), (Some(false), None));
        assert!(figures.iter().all(|f| f.front), "a bad ratio stands in README as a good one does");
    }

    #[test]
    fn without_what_was_missed_or_false_there_is_no_latency() {
        let whole = json!({ "latency": [{"part": "card on the socket", "n": 16, "p50_ms": 422.1, "p95_ms": 1.0}],
                            "objections": 16, "right": 15, "false_or_wrong_cards": 1, "audio_s": 1_800.0 });
        assert!(!of("latency", &whole).is_empty());
        for key in ["objections", "right", "false_or_wrong_cards", "audio_s"] {
            let mut less = whole.clone();
            less.as_object_mut().unwrap().remove(key);
            assert_eq!(of("latency", &less), [], "without {key}");
        }
        assert_eq!(of("something new", &whole), []);
    }
}
