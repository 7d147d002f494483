//! Whisper against the reference implementation, on the toy model of `tests/whisper/` (made by
//! `tools/whisper_golden.py`), and its live stream on the toy's own language.
#![cfg(feature = "whisper")]
#![allow(clippy::unwrap_used)]

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use candle_core::{
    Device, IndexOp, Tensor,
    quantized::{GgmlDType, QTensor, gguf_file},
};
use reframe_call::{
    audio::{AudioFrame, FRAME_SAMPLES, TrackId},
    recognize::{Bias, Recognized, Recognizer, RecognizerStream, Word},
    time::MediaTime,
};
use reframe_models::whisper::{
    Network, WhisperError, WhisperModel,
    decode::{self, DecodeSettings, Doubt, Stop},
    hear::{Ear, Padding},
    live::{LiveSettings, WhisperRecognizer},
    mel::{LogMel, Mel},
    refine::Refiner,
    rules,
};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/whisper")
}

fn model() -> WhisperModel {
    WhisperModel::load(&folder()).unwrap()
}

struct Golden(HashMap<String, Tensor>);

impl Golden {
    fn load() -> Self {
        Self(candle_core::safetensors::load(folder().join("golden.safetensors"), &Device::Cpu).unwrap())
    }
    fn floats(&self, name: &str) -> Vec<f32> {
        self.0[name].flatten_all().unwrap().to_vec1().unwrap()
    }
    fn ids(&self, name: &str) -> Vec<u32> {
        let ids: Vec<i64> = self.0[name].to_vec1().unwrap();
        ids.into_iter().map(|id| id.try_into().unwrap()).collect()
    }
    fn width(&self, name: &str) -> usize {
        self.0[name].dims()[1]
    }
}

fn golden_sound() -> Vec<f32> {
    let mut wav = hound::WavReader::open(folder().join("golden.wav")).unwrap();
    wav.samples::<i16>().map(|s| f32::from(s.unwrap()) / 32_768.0).collect()
}

#[track_caller]
fn assert_close(what: &str, ours: &[f32], theirs: &[f32], most: f32) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let worst = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs()).fold(0f32, f32::max);
    println!("{what}: {} values, largest difference {worst:e}", ours.len());
    assert!(worst <= most, "{what}: differs by {worst:e}, more than {most:e}");
}

/// Scores for every position of `prefix`, and every fourth position of the encoder's output.
fn run(network: &mut Network, mel: &Mel, prefix: &[u32]) -> (Vec<f32>, Vec<f32>) {
    let sound = network.encode(mel, &Device::Cpu).unwrap();
    let rows: Vec<Vec<f32>> = sound.i(0).unwrap().to_vec2().unwrap();
    let encoded = rows.iter().step_by(4).flatten().copied().collect();
    let decoded = network.decode(prefix, &sound, true).unwrap();
    let scores = (0..prefix.len()).flat_map(|at| network.scores(&decoded, at).unwrap()).collect();
    (encoded, scores)
}

#[test]
fn mel_is_the_feature_extractors() {
    let (golden, sound) = (Golden::load(), golden_sound());
    let mel = LogMel::new(80).compute(&sound, 600);
    // Both compute in f32; near the floor a difference of one rounding in the power becomes some 1e-5 in its logarithm.
    assert_close("mel 80", &mel.values, &golden.floats("mel80"), 2e-4);
    let mel = LogMel::new(128).compute(&sound, 400);
    let every8: Vec<f32> =
        mel.values.chunks(mel.frames).flat_map(|row| row.iter().step_by(8).copied().collect::<Vec<_>>()).collect();
    assert_close("mel 128", &every8, &golden.floats("mel128_every8"), 2e-4);
}

#[test]
fn encoder_and_decoder_are_the_references() {
    let (golden, model) = (Golden::load(), model());
    let mut network = model.network();
    let prefix = golden.ids("prefix");
    let mel = Mel { values: golden.floats("mel80"), bins: 80, frames: 600 };
    let (encoded, scores) = run(&mut network, &mel, &prefix);
    // Same arithmetic in another order: the reference with the tanh form of GELU.
    assert_close("encoder", &encoded, &golden.floats("encoder_tanh"), 5e-5);
    assert_close("scores", &scores, &golden.floats("logits_tanh"), 5e-4);
}

/// The published network has the exact GELU, candle's the tanh form: this is all they differ by.
#[test]
fn gelu_form_matters_little() {
    let (golden, model) = (Golden::load(), model());
    let mut network = model.network();
    let mel = model.mel().compute(&golden_sound(), 600);
    let (encoded, scores) = run(&mut network, &mel, &golden.ids("prefix"));
    assert_close("encoder, exact GELU", &encoded, &golden.floats("encoder_exact"), 5e-3);
    assert_close("scores, exact GELU", &scores, &golden.floats("logits_exact"), 3e-2);
}

/// A picture shorter than the context gives what a network with only that many positions gives.
#[test]
fn shorter_input_needs_no_filling() {
    let (golden, model) = (Golden::load(), model());
    let mut network = model.network();
    let mel = model.mel().compute(&golden_sound(), 600);
    let cut =
        Mel { values: mel.values.chunks(600).flat_map(|row| row[..250].to_vec()).collect(), bins: 80, frames: 250 };
    let (encoded, scores) = run(&mut network, &cut, &golden.ids("prefix"));
    assert_close("encoder, 2.5 s", &encoded, &golden.floats("encoder_short"), 5e-3);
    assert_close("scores, 2.5 s", &scores, &golden.floats("logits_short"), 3e-2);
}

#[test]
fn greedy_tokens_are_the_references() {
    let (golden, model) = (Golden::load(), model());
    let mut network = model.network();
    let mel = model.mel().compute(&golden_sound(), 600);
    let sound = network.encode(&mel, &Device::Cpu).unwrap();
    let settings = DecodeSettings { tokens_per_s: 100.0, ..DecodeSettings::default() };
    let ours = decode::greedy(&mut network, model.vocab(), &sound, 3.7, &[], &settings).unwrap();
    let ids: Vec<u32> = ours.tokens.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, golden.ids("greedy_rules"), "{}", model.vocab().text(&ids));
    assert_eq!(ours.stop, Stop::End);
    let total = ours.mean_logprob * (ids.len() + 1) as f32;
    assert_close("log-probability", &[total], &golden.floats("greedy_rules_logprob"), 5e-2);
    assert_close("no speech", &[ours.no_speech], &golden.floats("no_speech_speech"), 1e-2);

    // Without rules: the bare arg-max.
    let mut ids = model.vocab().start.clone();
    let begin = ids.len();
    let expected = golden.ids("greedy_plain");
    for step in 0..=expected.len() {
        let decoded = network.decode(&ids, &sound, step == 0).unwrap();
        let scores = network.scores(&decoded, ids.len() - 1).unwrap();
        let best = (0..scores.len()).max_by(|&a, &b| scores[a].total_cmp(&scores[b])).unwrap();
        ids.push(best as u32);
    }
    assert_eq!(ids[begin..ids.len() - 1], expected);
    assert_eq!(*ids.last().unwrap(), model.vocab().end);
}

#[test]
fn rules_keep_time_going_on() {
    let model = model();
    let v = model.vocab();
    let stamp = |n: u32| v.first_stamp + n;
    let allowed = |said: &[u32]| -> Vec<bool> {
        let mut scores = vec![0.0; v.first_stamp as usize + 301];
        // Text is likelier than all timestamps together, so that only the grammar shows.
        scores[..v.first_stamp as usize].fill(20.0);
        rules::apply(&mut scores, said, v);
        scores.iter().map(|s| *s > f32::NEG_INFINITY).collect()
    };
    let at = |list: &[bool], id: u32| list[id as usize];
    let a = 65;
    let first = allowed(&[]);
    assert!(!at(&first, a) && !at(&first, v.end) && at(&first, stamp(50)) && !at(&first, stamp(51)));
    let opened = allowed(&[stamp(10)]);
    assert!(at(&opened, a) && at(&opened, v.end) && !at(&opened, stamp(11)));
    let text = allowed(&[stamp(10), a]);
    assert!(at(&text, a) && !at(&text, stamp(10)) && at(&text, stamp(11)));
    let closed = allowed(&[stamp(10), a, stamp(20)]);
    assert!(!at(&closed, a) && at(&closed, v.end) && !at(&closed, stamp(19)) && at(&closed, stamp(20)));
    let again = allowed(&[stamp(10), a, stamp(20), stamp(20)]);
    assert!(at(&again, a) && !at(&again, stamp(25)));
    for list in [&first, &opened, &text, &closed, &again] {
        assert!((v.end + 1..v.first_stamp).all(|id| !at(list, id)), "a special token is no text");
    }
    // Half the probability spread over many timestamps outweighs one text token.
    let mut scores = vec![0.0; v.first_stamp as usize + 301];
    rules::apply(&mut scores, &[stamp(10), a], v);
    assert!(scores[..v.first_stamp as usize].iter().all(|s| *s == f32::NEG_INFINITY));
}

/// Writes the toy's weights as a GGUF file: linear and embedding weights in 8 bits, the rest in 32.
fn write_gguf(to: &Path) {
    let weights = candle_core::safetensors::load(folder().join("model.safetensors"), &Device::Cpu).unwrap();
    let quantized: Vec<(String, QTensor)> = weights
        .iter()
        .map(|(name, tensor)| {
            let tensor = tensor.to_dtype(candle_core::DType::F32).unwrap();
            let small = tensor.rank() == 2 && !name.contains("embed_positions");
            let kind = if small { GgmlDType::Q8_0 } else { GgmlDType::F32 };
            (name.clone(), QTensor::quantize(&tensor, kind).unwrap())
        })
        .collect();
    let tensors: Vec<(&str, &QTensor)> = quantized.iter().map(|(n, t)| (n.as_str(), t)).collect();
    gguf_file::write(&mut std::fs::File::create(to).unwrap(), &[], &tensors).unwrap();
}

fn gguf_folder(name: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for file in ["config.json", "tokenizer.json", "generation_config.json"] {
        std::fs::copy(folder().join(file), dir.path().join(file)).unwrap();
    }
    write_gguf(&dir.path().join(name));
    dir
}

#[test]
fn eight_bits_hear_the_same() {
    let (golden, full) = (Golden::load(), model());
    let dir = gguf_folder("toy-q80.gguf");
    let small = WhisperModel::load(dir.path()).unwrap();
    assert!(small.quantized && !full.quantized);
    assert_ne!(small.sha256, full.sha256);
    let mel = full.mel().compute(&golden_sound(), 600);
    let prefix = golden.ids("prefix");
    let (_, theirs) = run(&mut full.network(), &mel, &prefix);
    let (_, ours) = run(&mut small.network(), &mel, &prefix);
    let far: f64 = ours.iter().zip(&theirs).map(|(a, b)| f64::from(a - b).powi(2)).sum();
    let size: f64 = theirs.iter().map(|x| f64::from(*x).powi(2)).sum();
    println!("8-bit scores: relative error {:.4}", (far / size).sqrt());
    assert!((far / size).sqrt() < 0.03);
    let width = golden.width("logits_tanh");
    for (row, (a, b)) in ours.chunks(width).zip(theirs.chunks(width)).enumerate() {
        let top = |r: &[f32]| (0..r.len()).max_by(|&x, &y| r[x].total_cmp(&r[y])).unwrap();
        // The first two positions stand before forced tokens; what is best there is never used.
        assert!(row < 2 || top(a) == top(b), "position {row}");
    }
    // By its own name as well as by its folder's.
    let named = WhisperModel::load(&dir.path().join("toy-q80.gguf")).unwrap();
    assert!(named.id().starts_with("toy-q80:") && named.sha256 == small.sha256);
    let words = |m: &WhisperModel| texts(&Refiner::new(m).refine(MediaTime::ZERO, &golden_sound()).unwrap().words);
    assert_eq!(words(&small), words(&full));
}

#[test]
fn what_is_missing_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let message = |path: &Path| WhisperModel::load(path).unwrap_err().to_string();
    assert!(message(dir.path()).contains("config.json, tokenizer.json, model.safetensors not found"));
    assert!(message(Path::new("no/such/folder")).contains("no/such/folder"));

    let dir = gguf_folder("a.gguf");
    std::fs::copy(dir.path().join("a.gguf"), dir.path().join("b.gguf")).unwrap();
    assert!(matches!(WhisperModel::load(dir.path()), Err(WhisperError::Ambiguous { count: 2, .. })));
    std::fs::remove_file(dir.path().join("b.gguf")).unwrap();
    std::fs::remove_file(dir.path().join("tokenizer.json")).unwrap();
    assert!(message(dir.path()).contains("tokenizer.json not found"));

    let dir = gguf_folder("a.gguf");
    std::fs::write(dir.path().join("a.gguf"), b"not weights at all").unwrap();
    assert!(message(dir.path()).contains("a.gguf: is not a GGUF file"));
    std::fs::write(dir.path().join("model.safetensors"), b"\x10\0\0\0\0\0\0\0{}").unwrap();
    assert!(message(dir.path()).contains("model.safetensors"));
    std::fs::write(dir.path().join("config.json"), b"<html>").unwrap();
    assert!(message(dir.path()).contains("config.json: is not the JSON expected"));
    std::fs::write(
        dir.path().join("config.json"),
        std::fs::read_to_string(folder().join("config.json")).unwrap().replace("\"whisper\"", "\"bert\""),
    )
    .unwrap();
    assert!(message(dir.path()).contains("describes a `bert` model"));
    let config = std::fs::read_to_string(folder().join("config.json")).unwrap();
    std::fs::write(dir.path().join("config.json"), config.replace("\"num_mel_bins\": 80", "\"num_mel_bins\": 64"))
        .unwrap();
    assert!(message(dir.path()).contains("64 mel bins"));

    // Weights of another shape than the configuration's.
    let dir = gguf_folder("a.gguf");
    std::fs::write(dir.path().join("config.json"), config.replace("\"d_model\": 64", "\"d_model\": 128")).unwrap();
    assert!(matches!(WhisperModel::load(dir.path()), Err(WhisperError::Malformed { .. })));
}

// ---- The toy's language -------------------------------------------------------------------------------------------

const WORDS: [&str; 10] = ["price", "budget", "too", "high", "later", "vendor", "call", "team", "the", "and"];
const WORD_SAMPLES: usize = 4_800;

/// The sound of a text, as the toy was taught: a word is two tones of 150 ms, a comma a pause of 0.6 s. Gives also where
/// each word starts and ends, in samples.
fn speak(text: &str, lead: usize) -> (Vec<f32>, Vec<(String, usize, usize)>) {
    let tones = [350.0, 560.0, 900.0, 1440.0, 2300.0f64];
    let pairs: Vec<(usize, usize)> =
        (0..5).flat_map(|a| (0..5).filter(move |b| *b != a).map(move |b| (a, b))).collect();
    let (mut sound, mut at) = (vec![0f32; lead], Vec::new());
    for word in text.split(' ') {
        let plain = word.trim_end_matches(',');
        let index = WORDS.iter().position(|w| *w == plain).unwrap();
        let (first, second) = pairs[index * 7 % pairs.len()];
        let start = sound.len();
        for n in 0..WORD_SAMPLES {
            let tone = if n < WORD_SAMPLES / 2 { tones[first] } else { tones[second] };
            let fade = (n.min(WORD_SAMPLES - 1 - n) as f64 / 320.0).min(1.0);
            sound.push((0.3 * fade * (std::f64::consts::TAU * tone * n as f64 / 16_000.0).sin()) as f32);
        }
        at.push((plain.to_owned(), start, sound.len()));
        let pause = if plain == word { 1_280 } else { 1_280 + 9_600 };
        sound.resize(sound.len() + pause, 0.0);
    }
    // A little noise, the same every time: nothing is silent to the last bit.
    let mut state = 1u32;
    for s in &mut sound {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *s += (state >> 8) as f32 / 16_777_216.0 * 2e-3 - 1e-3;
    }
    sound.resize(sound.len().next_multiple_of(FRAME_SAMPLES), 0.0);
    (sound, at)
}

fn texts(words: &[Word]) -> Vec<String> {
    words.iter().map(|w| w.text.clone()).collect()
}

fn edits(a: &[String], b: &[String]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

const LONG: &str = "the price and the budget, too high the vendor, call later and later, the team call, the vendor \
                    and the price, budget too high, later the team, and the call";

#[test]
fn a_long_utterance_is_heard_in_windows() {
    let model = model();
    let (sound, truth) = speak(LONG, 1_600);
    assert!(sound.len() > 2 * model.context_samples(), "{}", sound.len());
    let start = MediaTime::from_ms(10_000);
    let refined = Refiner::new(&model).refine(start, &sound).unwrap();
    let said: Vec<String> = truth.iter().map(|(w, _, _)| w.clone()).collect();
    let wrong = edits(&said, &texts(&refined.words));
    println!("{wrong} of {} words wrong: {:?}", said.len(), texts(&refined.words).join(" "));
    assert!(wrong * 10 <= said.len(), "more than a tenth wrong");
    assert!(refined.windows >= 3 && refined.dropped == 0);
    for pair in refined.words.windows(2) {
        assert!(pair[0].start <= pair[0].end && pair[0].end <= pair[1].start, "{pair:?}");
    }
    if wrong == 0 {
        for (word, (_, from, to)) in refined.words.iter().zip(&truth) {
            let middle = start.plus_us(MediaTime::from_samples_16k(((from + to) / 2) as u64).us());
            let ours = (word.start.us() + word.end.us()) / 2;
            assert!(ours.abs_diff(middle.us()) < 400_000, "{word:?} should be around {middle}");
        }
    }
    let end = start.plus_us(MediaTime::from_samples_16k(sound.len() as u64).us());
    assert!(refined.words.first().unwrap().start >= start && refined.words.last().unwrap().end <= end);
}

#[test]
fn nobody_speaking_gives_no_words() {
    let model = model();
    let golden = Golden::load();
    let mut ear = Ear::new(&model, Padding::Full, DecodeSettings::default());
    let mut state = 7u32;
    let noise: Vec<f32> = (0..32_000)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 16_777_216.0 * 4e-3 - 2e-3
        })
        .collect();
    let heard = ear.hear(&noise, &[]).unwrap();
    println!(
        "no speech {} (reference on another noise {:?}), mean log-probability {}",
        heard.decoded.no_speech,
        golden.floats("no_speech_silence"),
        heard.decoded.mean_logprob
    );
    assert!(heard.decoded.no_speech > 0.6);
    // The toy is sure of its babble, which real models are not: judged as one that is not.
    let unsure = DecodeSettings { logprob_below: 0.0, ..DecodeSettings::default() };
    assert_eq!(heard.decoded.doubt(&unsure), Some(Doubt::NoSpeech));
    let mut ear = Ear::new(&model, Padding::Full, unsure);
    assert_eq!(ear.hear(&noise, &[]).unwrap().stretches, []);
    assert!(!ear.hear(&golden_sound(), &[]).unwrap().stretches.is_empty(), "speech is not taken for silence");
}

#[test]
fn odd_windows_are_harmless() {
    let model = model();
    for padding in [Padding::Full, Padding::Tail { ms: 0 }, Padding::Tail { ms: 500 }, Padding::Tail { ms: u32::MAX }] {
        let mut ear = Ear::new(&model, padding, DecodeSettings::default());
        for sound in [vec![], vec![0.0; 1], vec![1.0; 320], vec![f32::NAN; 3_200], vec![f32::MAX; 3_200]] {
            ear.hear(&sound, &[]).unwrap();
        }
        let most = ear.context_samples();
        let prompt = ear.prompt(&"the price and the budget ".repeat(40));
        assert!(prompt.len() > 96, "longer than the model's room");
        ear.hear(&vec![0.01; most], &prompt).unwrap();
        assert!(matches!(ear.hear(&vec![0.0; most + 1], &[]), Err(WhisperError::TooLong { .. })));
    }
    assert_eq!(Refiner::new(&model).refine(MediaTime::ZERO, &[]).unwrap().words, []);
}

// ---- Live ---------------------------------------------------------------------------------------------------------

struct Live {
    committed: Vec<Word>,
    /// Per word: media time at which it was committed.
    known_at: Vec<MediaTime>,
    said: Vec<Recognized>,
    longest: usize,
}

fn listen(recognizer: &WhisperRecognizer, sound: &[f32], from: MediaTime) -> Live {
    let mut stream = recognizer.stream(&Bias::default());
    let mut live = Live { committed: vec![], known_at: vec![], said: vec![], longest: 0 };
    let mut now = from;
    let take = |out: Vec<Recognized>, now: MediaTime, live: &mut Live| {
        for one in out {
            let Recognized::Hypothesis(h) = &one else { panic!("Whisper spots no phrases") };
            for word in h.committed.iter().chain(&h.tail) {
                assert!(word.start >= live.committed.last().map_or(from, |w| w.end), "{word:?}");
                assert!(word.end >= word.start && word.end <= now, "{word:?} at {now}");
            }
            live.known_at.extend(h.committed.iter().map(|_| now));
            live.committed.extend(h.committed.iter().cloned());
            live.said.push(one);
        }
    };
    for chunk in sound.chunks_exact(FRAME_SAMPLES) {
        let samples: Box<[f32; FRAME_SAMPLES]> = Box::new(chunk.try_into().unwrap());
        let frame = AudioFrame { track: TrackId(0), start: now, samples };
        now = frame.end();
        let mut out = Vec::new();
        stream.accept(&frame, &mut out);
        live.longest = live.longest.max(stream.window_samples());
        take(out, now, &mut live);
    }
    let mut out = Vec::new();
    stream.finish(&mut out);
    assert_eq!(stream.window_samples(), 0);
    take(out, now, &mut live);
    if let Some(Recognized::Hypothesis(last)) = live.said.last() {
        assert_eq!(last.tail, [], "after the end nothing is open");
    }
    live
}

fn live_settings() -> LiveSettings {
    LiveSettings {
        step_ms: 500,
        max_window_ms: 5_500,
        trim_above_ms: 2_500,
        // The toy was taught with full padding only.
        padding: Padding::Full,
        ..LiveSettings::default()
    }
}

#[test]
fn live_words_come_while_speaking_and_stay() {
    let recognizer = WhisperRecognizer::new(Arc::new(model()), live_settings());
    let (sound, truth) = speak(LONG, 1_600);
    let from = MediaTime::from_ms(7_000);
    let live = listen(&recognizer, &sound, from);
    let said: Vec<String> = truth.iter().map(|(w, _, _)| w.clone()).collect();
    let wrong = edits(&said, &texts(&live.committed));
    println!("{wrong} of {} words wrong: {}; {:?}", said.len(), texts(&live.committed).join(" "), recognizer.counts());
    assert!(wrong * 10 <= said.len(), "more than a tenth wrong");
    assert!(live.longest <= 5_500 * 16, "window of {} samples", live.longest);
    if wrong == 0 {
        let mut late: Vec<u64> = live
            .known_at
            .iter()
            .zip(&truth)
            .map(|(known, (_, _, end))| known.ms_since(from.plus_us(MediaTime::from_samples_16k(*end as u64).us())))
            .collect();
        late.sort_unstable();
        println!("committed after its end: median {} ms, last {} ms", late[late.len() / 2], late[late.len() - 1]);
        assert!(late[late.len() / 2] < 1_500, "live means while speaking");
    }
    // Two streams of one recogniser say the same, whichever order they run in.
    let again = listen(&recognizer, &sound, from);
    assert_eq!(live.said, again.said);
}

#[test]
fn the_window_is_bounded_whatever_is_said() {
    let model = Arc::new(model());
    let settings = LiveSettings { max_window_ms: 3_000, trim_above_ms: 60_000, ..live_settings() };
    let recognizer = WhisperRecognizer::new(Arc::clone(&model), settings);
    // One breathless sentence: nothing to cut at.
    let (sound, truth) = speak(&["the price and the budget too high"; 6].join(" "), 0);
    let live = listen(&recognizer, &sound, MediaTime::ZERO);
    println!("{} of {} words; {:?}", live.committed.len(), truth.len(), recognizer.counts());
    assert!(live.longest <= 3_000 * 16);
    assert!(recognizer.counts().forced > 0);
    assert!(live.committed.len() * 2 > truth.len(), "and still most is heard");
    // A window shorter than a step, and one longer than the context.
    for (max, step) in [(100, 1_000), (60_000, 400), (0, 0)] {
        let settings = LiveSettings { max_window_ms: max, step_ms: step, ..live_settings() };
        let recognizer = WhisperRecognizer::new(Arc::clone(&model), settings);
        let live = listen(&recognizer, &sound[..32_000], MediaTime::ZERO);
        assert!(live.longest <= model.context_samples().min((max as usize * 16).max(FRAME_SAMPLES)));
    }
}

#[test]
fn utterances_do_not_leak_into_each_other() {
    let recognizer = WhisperRecognizer::new(Arc::new(model()), live_settings());
    let (first, _) = speak("the price too high", 800);
    let (second, _) = speak("call the team later", 800);
    let mut alone = listen(&recognizer, &second, MediaTime::from_ms(20_000));
    let mut stream = Recognizer::start(&recognizer, TrackId(3), &Bias::default()).unwrap();
    let mut out = Vec::new();
    for (sound, mut now) in [(&first, MediaTime::ZERO), (&second, MediaTime::from_ms(20_000))] {
        out.clear();
        for chunk in sound.chunks_exact(FRAME_SAMPLES) {
            let frame = AudioFrame { track: TrackId(3), start: now, samples: Box::new(chunk.try_into().unwrap()) };
            now = frame.end();
            stream.accept(&frame, &mut out);
        }
        stream.finish(&mut out);
    }
    assert_eq!(out, std::mem::take(&mut alone.said));
    out.clear();
    stream.finish(&mut out);
    assert_eq!(out, [], "an utterance without sound says nothing");
}
