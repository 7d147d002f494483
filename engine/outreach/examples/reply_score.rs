//! Scores the reading of answers on a labelled file: `reply_score -- FILE [--words] [--wrong]`.
//!
//! `--words` leaves the meaning of sentences out, `--wrong` prints the ids of what was read wrong.
#![allow(clippy::unwrap_used, clippy::cast_precision_loss, clippy::disallowed_methods, clippy::disallowed_types)]

mod score;
mod sets;

use std::path::Path;

use reframe_call::detect::semantic::SentenceEncoder;
use reframe_models::sentence::MiniEncoder;
use reframe_outreach::reply::{Model, classify};
use score::Scored;
use sets::Reply;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| args.iter().any(|a| a == flag);
    let file = args.iter().find(|a| !a.starts_with("--")).expect("usage: reply_score FILE [--words] [--wrong]");
    let rows: Vec<Reply> = sets::read(Path::new(file));
    let encoder = MiniEncoder::embedded().expect("the encoder that is part of the program");
    let encoder: Option<&dyn SentenceEncoder> = (!has("--words")).then_some(&encoder);
    let today = jiff::civil::date(2026, 11, 2);
    let read = rows.iter().map(|row| (row, classify(&row.received(), today, encoder))).collect();
    Scored::of(read, Model::embedded().threshold(encoder.is_some())).print(has("--wrong"));
}
