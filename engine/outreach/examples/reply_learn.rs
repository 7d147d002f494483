//! Trains the model of replies: `reply_learn -- train|check|cross [--wrong] [--without-gaps]`, on `fixtures/outreach/replies_train_*.jsonl`.
//!
//! `cross` prints figures for answers of writers that the model has not seen: each group of files is left out once;
//! with `--without-gaps` the file of single sentences is not trained on either.
//! `train` writes `engine/outreach/assets/reply-v2.bin`, `check` says whether it would write the same bytes.
#![allow(clippy::unwrap_used, clippy::cast_precision_loss, clippy::disallowed_methods, clippy::disallowed_types)]

mod learn;
mod score;
mod sets;

use std::path::Path;

use learn::{Row, fit};
use reframe_models::sentence::MiniEncoder;
use reframe_outreach::reply::{
    BUCKETS, Features, Model, ROW, Reading, WIDTH, classify_with, features, sender, strengths, written,
};
use score::Scored;
use sets::Reply;

/// Files by who wrote them: the fourth and fifth share their closing lines. The last one holds single sentences, written to
/// fill gaps: it is trained on always and never scored.
const GROUPS: [&[&str]; 4] = [&["train_1"], &["train_2"], &["train_3"], &["train_4", "train_5"]];
const ALWAYS: &[&str] = &["train_6"];
/// Strength of the pull towards zero.
const L2: f64 = 2e-5;
/// How much an answer counts with its meaning left out, so that the words alone tell something too.
const WITHOUT: f64 = 0.5;
/// Share of unseen answers that may be uncertain.
const UNSURE: f64 = 0.08;

struct Set {
    group: Option<usize>,
    reply: Reply,
    whole: Features,
    /// The same with no meaning.
    words: Features,
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let asset = here.join("assets/reply-v2.bin");
    let encoder = MiniEncoder::embedded().expect("the encoder that is part of the program");
    let mut rows = Vec::new();
    for name in GROUPS.concat().iter().chain(ALWAYS) {
        let group = GROUPS.iter().position(|g| g.contains(name));
        let file = here.join(format!("../../fixtures/outreach/replies_{name}.jsonl"));
        for reply in sets::read::<Reply>(&file) {
            let received = reply.received();
            let (own, sender) = (written(&received.body), sender(&received));
            let whole = features(&received, &own, sender, Some(&encoder));
            let words = features(&received, &own, sender, None);
            rows.push(Set { group, reply, whole, words });
        }
    }
    let has = |flag: &str| args.iter().any(|a| a == flag);
    let thresholds = cross(&rows, has("--wrong"), !has("--without-gaps"));
    match args.first().map(String::as_str) {
        Some("cross") => {}
        Some(what @ ("train" | "check")) => {
            let bytes = train(&rows, |_| true).with_thresholds(thresholds).to_bytes();
            if what == "train" {
                std::fs::write(&asset, &bytes).unwrap();
                println!("wrote {} bytes", bytes.len());
            } else {
                let same = std::fs::read(&asset).unwrap() == bytes;
                println!("{}", if same { "the same bytes" } else { "OTHER BYTES" });
                std::process::exit(i32::from(!same));
            }
        }
        _ => panic!("usage: reply_learn train|check|cross [--wrong] [--without-gaps]"),
    }
}

/// Figures of the whole reading for writers who are left out, with meanings and without, and the thresholds.
fn cross(rows: &[Set], wrong: bool, gaps: bool) -> [f32; 2] {
    let today = jiff::civil::date(2026, 11, 2);
    let mut read: [Vec<(&Reply, Reading)>; 2] = [vec![], vec![]];
    for (group, files) in GROUPS.iter().enumerate() {
        let model = train(rows, |set| set.group.map_or(gaps, |g| g != group));
        let one = |set: &Set, f: &Features| classify_with(&set.reply.received(), f, today, &model);
        let held: Vec<&Set> = rows.iter().filter(|set| set.group == Some(group)).collect();
        let scored = Scored::of(held.iter().map(|set| (&set.reply, one(set, &set.whole))).collect(), 0.0);
        println!("without {files:?}: macro F1 {:.3}", scored.f1());
        for set in held {
            read[0].push((&set.reply, one(set, &set.whole)));
            read[1].push((&set.reply, one(set, &set.words)));
        }
    }
    let mut thresholds = [0.0; 2];
    for ((read, threshold), what) in read.into_iter().zip(&mut thresholds).zip(["with meanings", "words alone"]) {
        let mut sure: Vec<f32> = read.iter().map(|(_, r)| r.confidence).collect();
        sure.sort_by(f32::total_cmp);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        {
            *threshold = sure[(sure.len() as f64 * UNSURE) as usize];
        }
        println!("\n{what}: threshold {threshold:.3}");
        Scored::of(read, *threshold).print(wrong && what == "with meanings");
    }
    thresholds
}

/// Trains on the rows that `of` picks.
fn train(rows: &[Set], of: impl Fn(&Set) -> bool) -> Model {
    let picked: Vec<&Set> = rows.iter().filter(|set| of(set)).collect();
    let row = |set: &Set, f: &Features, weight: f64| Row { strengths: strengths(f), class: set.reply.class(), weight };
    let whole: Vec<Row> = picked.iter().map(|set| row(set, &set.whole, 1.0)).collect();
    let scale = scale(&whole);
    let bare = picked.iter().map(|set| row(set, &set.words, WITHOUT));
    let fitted = fit(&whole.into_iter().chain(bare).collect::<Vec<Row>>(), &scale, L2);
    Model::new(&fitted.weights, fitted.biases, [0.0; 2])
}

/// What a place counts more because few answers have it (Sparck Jones 1972), so that words together, and pieces together,
/// count 1 on average.
fn scale(rows: &[Row]) -> Vec<f64> {
    let mut have = vec![0_u32; ROW];
    rows.iter().flat_map(|r| &r.strengths).for_each(|(at, _)| have[*at] += 1);
    let rare = |at: usize| (rows.len() as f64 / f64::from(have[at].max(1))).ln();
    let mut scale = vec![1.0; ROW];
    for from in [0, BUCKETS] {
        let squares: f64 = rows
            .iter()
            .flat_map(|r| &r.strengths)
            .filter(|(at, _)| (from..from + BUCKETS).contains(at))
            .map(|(at, v)| (rare(*at) * f64::from(*v)).powi(2))
            .sum();
        let unit = (squares / rows.len() as f64).sqrt();
        scale[from..from + BUCKETS].iter_mut().enumerate().for_each(|(i, s)| *s = rare(from + i) / unit);
    }
    debug_assert_eq!(scale.len() - 2 * BUCKETS, WIDTH + reframe_outreach::reply::SIGNS);
    scale
}
