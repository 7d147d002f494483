//! Decodes rows of log-posteriors that training left in a file: `decode_rows MODEL_DIR ROWS [LM,WORD,BLANK]..`
//!
//! ROWS holds, little-endian, the number of clips (u32) and for each the number of rows (u32) and the rows (f32). One
//! line of words per clip is printed for each setting of language-model weight, word bonus and blank bias; without one,
//! those of the model's `config.json` are used. Weights of the network in MODEL_DIR are not looked at.

use std::{io::Write, path::Path};

use reframe_models::ctc::{
    CtcModel,
    decoder::{Decoder, Finality},
};

fn number(bytes: &mut &[u8]) -> Result<[u8; 4], Box<dyn std::error::Error>> {
    let (head, rest) = bytes.split_at_checked(4).ok_or("the rows end early")?;
    *bytes = rest;
    Ok(head.try_into()?)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(dir), Some(file)) = (args.next(), args.next()) else {
        return Err("usage: decode_rows MODEL_DIR ROWS [LM,WORD,BLANK]..".into());
    };
    let mut model = CtcModel::load(Path::new(&dir), &mut |_, _| {})?;
    let bytes = std::fs::read(&file)?;
    let (mut rest, mut clips) = (bytes.as_slice(), Vec::new());
    for _ in 0..u32::from_le_bytes(number(&mut rest)?) {
        let rows = u32::from_le_bytes(number(&mut rest)?) as usize;
        let mut clip = Vec::with_capacity(rows.min(1 << 20) * model.config.symbols());
        for _ in 0..rows * model.config.symbols() {
            clip.push(f32::from_le_bytes(number(&mut rest)?));
        }
        clips.push(clip);
    }
    let shipped = &model.config.decoder;
    let mut settings = vec![[shipped.lm_weight, shipped.word_bonus, shipped.blank_bias]];
    for (n, asked) in args.enumerate() {
        let three: Vec<f32> = asked.split(',').map(str::parse).collect::<Result<_, _>>()?;
        settings.truncate(n);
        settings.push(three.try_into().map_err(|_| "a setting is three numbers: LM,WORD,BLANK")?);
    }
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for [lm_weight, word_bonus, blank_bias] in settings {
        let decoder = &mut model.config.decoder;
        (decoder.lm_weight, decoder.word_bonus, decoder.blank_bias) = (lm_weight, word_bonus, blank_bias);
        let context = model.context(&[], 0.0);
        let knowledge = model.knowledge(&context);
        for clip in &clips {
            let mut words = Vec::new();
            let mut decoder = Decoder::new(Finality { pause_rows: None, age_rows: None });
            clip.chunks_exact(model.config.symbols()).for_each(|row| decoder.push(&knowledge, row));
            decoder.finish(&knowledge, &mut words);
            let said: Vec<_> = words.iter().map(|w| model.spelling(&context, w.word)).collect();
            writeln!(out, "{}", said.join(" "))?;
        }
    }
    Ok(())
}
