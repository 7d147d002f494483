//! Lines of text in, normalised tokens with single spaces out: what the detector compares, for the training of the
//! sentence encoder. `cargo run --release -p reframe-call --example normalize < lines.txt`

use std::io::{BufRead as _, Write as _};

use reframe_call::detect::normalize::{join, tokens_of_text};

fn main() -> std::io::Result<()> {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for line in std::io::stdin().lock().lines() {
        writeln!(out, "{}", join(&tokens_of_text(&line?)))?;
    }
    out.flush()
}
