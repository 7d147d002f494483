//! The recogniser as a live call uses it: any step, any time, bad files, long calls.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::sync::OnceLock;

use common::{Golden, assets, model, posteriors};
use reframe_call::{
    audio::{AudioFrame, FRAME_SAMPLES, TrackId},
    recognize::{Bias, PhraseHit, PhraseId, Recognized, Recognizer, RecognizerStream, SpotPhrase, Word},
    time::MediaTime,
};
use reframe_models::ctc::{
    CtcModel, CtcOptions, CtcRecognizer, ModelError, Sensitivity,
    decoder::{Decoder, Finality},
};

fn recognizer(step_frames: usize) -> CtcRecognizer {
    let options = CtcOptions { step_frames, ..CtcOptions::default() };
    CtcRecognizer::new(CtcModel::embedded(&mut |_, _| {}).unwrap(), options).unwrap()
}

fn shared() -> &'static CtcRecognizer {
    static SHARED: OnceLock<CtcRecognizer> = OnceLock::new();
    SHARED.get_or_init(|| recognizer(CtcOptions::default().step_frames))
}

fn frames(samples: &[f32], start: MediaTime) -> Vec<AudioFrame> {
    let frame = |(n, chunk): (usize, &[f32])| {
        let mut samples = Box::new([0.0; FRAME_SAMPLES]);
        samples[..chunk.len()].copy_from_slice(chunk);
        let start = start.plus_us(MediaTime::from_samples_16k((n * FRAME_SAMPLES) as u64).us());
        AudioFrame { track: TrackId(0), start, samples }
    };
    samples.chunks(FRAME_SAMPLES).enumerate().map(frame).collect()
}

fn run(stream: &mut dyn RecognizerStream, frames: &[AudioFrame]) -> Vec<Recognized> {
    let mut out = Vec::new();
    frames.iter().for_each(|frame| stream.accept(frame, &mut out));
    stream.finish(&mut out);
    out
}

fn committed(out: &[Recognized]) -> Vec<Word> {
    let words = out.iter().filter_map(|r| match r {
        Recognized::Hypothesis(h) => Some(h.committed.clone()),
        Recognized::Phrase(_) => None,
    });
    words.flatten().collect()
}

fn text(out: &[Recognized]) -> String {
    committed(out).iter().map(|w| w.text.as_str()).collect::<Vec<_>>().join(" ")
}

fn hits(out: &[Recognized]) -> Vec<PhraseHit> {
    let hits = out.iter().filter_map(|r| match r {
        Recognized::Phrase(hit) => Some(hit.clone()),
        Recognized::Hypothesis(_) => None,
    });
    hits.collect()
}

fn spot(id: u32, text: &str) -> SpotPhrase {
    SpotPhrase { id: PhraseId(id), text: text.into(), sounds_like: Vec::new(), min_score: None }
}

#[test]
fn any_chunk_gives_the_same_posteriors() {
    let model = model();
    let golden = Golden::load("clip1");
    let short = &golden.samples[..20_000];
    let whole = posteriors(model, short, short.len());
    for chunk in [1, 7, 160, 777, 1_600, 5_120] {
        let chunked = posteriors(model, short, chunk);
        for (chunked, whole) in [(&chunked.middle, &whole.middle), (&chunked.top, &whole.top)] {
            assert_eq!(chunked.len(), whole.len(), "chunks of {chunk}");
            let difference = chunked.iter().zip(whole).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            println!("chunks of {chunk}: {difference:.1e}");
            // The products of other sizes add up in another order; the reference implementation moved by 8e-6.
            assert!(difference < 1e-4, "chunks of {chunk}: {difference}");
        }
    }
}

#[test]
fn any_step_gives_the_same_words() {
    let recognizers = [1, 2, 4, 8].map(recognizer);
    for golden in Golden::all() {
        let texts = recognizers
            .each_ref()
            .map(|r| text(&run(&mut r.stream(&Bias::default()), &frames(&golden.samples, MediaTime::ZERO))));
        assert!(!texts[0].is_empty());
        for other in &texts[1..] {
            assert_eq!(*other, texts[0], "{}", golden.name);
        }
    }
}

#[test]
fn the_same_frames_give_the_same_output() {
    let golden = Golden::load("clip3");
    let bias = Bias { context: vec!["too expensive".into()], spot: vec![spot(0, &golden.reference)] };
    let input = frames(&golden.samples, MediaTime::from_ms(5_000));
    let mut stream = shared().stream(&bias);
    let first = run(&mut stream, &input);
    // The same stream again, after finish, and another stream.
    assert_eq!(run(&mut stream, &input), first);
    assert_eq!(run(&mut shared().stream(&bias), &input), first);
    assert!(!hits(&first).is_empty());
}

#[test]
fn committed_only_grows_and_time_runs_forward() {
    let start = MediaTime::from_ms(90_000);
    for golden in Golden::all() {
        let input = frames(&golden.samples, start);
        let mut stream = shared().stream(&Bias::default());
        let (mut words, mut tail): (Vec<Word>, Vec<Word>) = (Vec::new(), Vec::new());
        let mut partials = 0;
        for frame in input.iter().map(Some).chain([None]) {
            let mut out = Vec::new();
            let now = frame.map_or(input.last().unwrap().end(), AudioFrame::end);
            match frame {
                Some(frame) => stream.accept(frame, &mut out),
                None => stream.finish(&mut out),
            }
            for one in out {
                let Recognized::Hypothesis(h) = one else { continue };
                assert!(!h.committed.is_empty() || h.tail != tail, "nothing new was reported");
                words.extend(h.committed);
                tail = h.tail;
                partials += 1;
                for pair in words.iter().chain(&tail).collect::<Vec<_>>().windows(2) {
                    assert!(pair[0].end <= pair[1].start, "{pair:?}");
                }
                for word in words.iter().chain(&tail) {
                    assert!(start <= word.start && word.start < word.end && word.end <= now, "{word:?} at {now}");
                    assert!((0.0..=1.0).contains(&word.confidence) && !word.text.is_empty());
                }
            }
        }
        assert!(tail.is_empty(), "a tail was left after finish");
        assert!(partials > words.len() / 2, "{partials} reports for {} words", words.len());
    }
}

#[test]
fn context_turns_the_transcript_to_a_phrase() {
    let golden = Golden::load("clip1");
    let input = frames(&golden.samples, MediaTime::ZERO);
    let plain = text(&run(&mut shared().stream(&Bias::default()), &input));
    // Two spellings of one sound: whatever the weights are, only the words around it can choose.
    assert!(plain.contains("rained"), "the example has become another: {plain}");
    let bias = Bias { context: vec!["lucid indifference reigned".into()], spot: Vec::new() };
    let leaning = text(&run(&mut shared().stream(&bias), &input));
    assert!(leaning.contains("lucid indifference reigned"), "{leaning}");
}

#[test]
fn a_name_no_dictionary_knows_can_be_heard() {
    let golden = Golden::load("clip1");
    // The clip's "lucid" under a spelling that no dictionary has.
    let name = "loosid";
    println!("{name}: {:?}", shared().pronounce(name));
    let bias = Bias { context: vec![format!("{name} indifference")], spot: Vec::new() };
    let heard = text(&run(&mut shared().stream(&bias), &frames(&golden.samples, MediaTime::ZERO)));
    assert!(heard.contains("loosid indifference"), "{heard}");
}

#[test]
fn a_phrase_is_reported_once_per_occurrence_where_it_was_said() {
    let golden = Golden::load("clip1");
    let bias = Bias {
        context: Vec::new(),
        spot: vec![spot(7, "lucid indifference reigned in"), spot(8, "that is too expensive for us")],
    };
    let mut samples = golden.samples.clone();
    let once = hits(&run(&mut shared().stream(&bias), &frames(&samples, MediaTime::ZERO)));
    assert_eq!(once.len(), 1, "{once:?}");
    let hit = &once[0];
    assert_eq!(hit.phrase, PhraseId(7));
    assert!(hit.score >= hit.threshold);
    // 2.1 s of speech in a clip of 4.3 s; the best score of the whole phrase is in row 80 = 3.2 s.
    assert!(hit.start.ms() > 700 && hit.start.ms() < 1_600, "{hit:?}");
    assert!(hit.end.ms() > 2_500 && hit.end.ms() < 3_400, "{hit:?}");
    samples.extend_from_slice(&golden.samples);
    let twice = hits(&run(&mut shared().stream(&bias), &frames(&samples, MediaTime::ZERO)));
    assert_eq!(twice.len(), 2, "{twice:?}");
}

#[test]
fn short_phrases_are_refused_with_advice() {
    let bias = Bias {
        context: Vec::new(),
        spot: vec![
            spot(1, "too high"),
            spot(2, "?!"),
            spot(3, "that is way too expensive"),
            spot(4, "our hubspot contract"),
        ],
    };
    let refused = shared().unspottable(&bias);
    assert_eq!(refused.iter().map(|r| r.0.0).collect::<Vec<_>>(), [1, 2]);
    assert!(refused[0].1.contains("`too high` has 4 speech sounds, 10 are needed"), "{}", refused[0].1);
    assert!(refused[1].1.contains("has no pronunciation"), "{}", refused[1].1);
}

#[test]
fn sound_alikes_count_as_the_phrase() {
    let mut odd = spot(1, "xqzzt");
    odd.sounds_like = vec!["lucid indifference reigned in".into()];
    let bias = Bias { context: Vec::new(), spot: vec![odd] };
    assert!(shared().unspottable(&bias).is_empty());
    let golden = Golden::load("clip1");
    let found = hits(&run(&mut shared().stream(&bias), &frames(&golden.samples, MediaTime::ZERO)));
    assert_eq!(found.len(), 1);
}

#[test]
fn a_hole_in_the_frames_ends_the_utterance() {
    let golden = Golden::load("clip1");
    let mut input = frames(&golden.samples, MediaTime::ZERO);
    let later = frames(&golden.samples, MediaTime::from_ms(60_000));
    let alone = text(&run(&mut shared().stream(&Bias::default()), &input));
    input.extend(later);
    let out = run(&mut shared().stream(&Bias::default()), &input);
    assert_eq!(text(&out), format!("{alone} {alone}"));
    let words = committed(&out);
    let second = &words[words.len() / 2..];
    assert!(second.iter().all(|w| w.start >= MediaTime::from_ms(60_000)));
}

#[test]
fn bad_samples_do_no_lasting_harm() {
    let golden = Golden::load("clip1");
    let clean = frames(&golden.samples, MediaTime::from_ms(400));
    let mut input = frames(&[0.0; 20 * FRAME_SAMPLES], MediaTime::ZERO);
    for (n, frame) in input.iter_mut().enumerate() {
        frame.samples.fill([f32::NAN, f32::INFINITY, -1e30, f32::NEG_INFINITY][n % 4]);
    }
    input.extend(clean);
    let heard = text(&run(&mut shared().stream(&Bias::default()), &input));
    assert!(heard.contains("indifference"), "{heard}");
}

#[test]
fn finishing_nothing_says_nothing() {
    let mut stream = shared().start(TrackId(3), &Bias::default()).unwrap();
    let mut out = Vec::new();
    stream.finish(&mut out);
    assert!(out.is_empty());
    let silence = frames(&[0.0; 50 * FRAME_SAMPLES], MediaTime::ZERO);
    assert_eq!(text(&run(&mut *stream, &silence)), "");
    // Shorter than the network's first look.
    assert_eq!(text(&run(&mut *stream, &silence[..1])), "");
}

/// In output rows.
const TEN_MINUTES: usize = 25 * 60 * 10;

#[test]
fn memory_stays_bounded_without_a_pause() {
    let model = model();
    let rows: Vec<f32> = Golden::all().into_iter().flat_map(|g| g.logpost.top).collect();
    let context = model.context(&["too expensive".into()], 1.0);
    let knowledge = model.knowledge(&context);
    let mut decoder = Decoder::new(Finality { pause_rows: None, age_rows: Some(62) });
    let (mut words, mut tail, mut most, mut longest_tail) = (Vec::new(), Vec::new(), 0, 0);
    let mut total = 0;
    for row in rows.chunks_exact(model.config.symbols()).cycle().take(TEN_MINUTES) {
        decoder.push(&knowledge, row);
        decoder.take(&knowledge, &mut words, &mut tail);
        total += words.len();
        words.clear();
        most = most.max(decoder.held_entries());
        longest_tail = longest_tail.max(tail.len());
    }
    println!("{total} words; at most {most} entries held, {longest_tail} words in the tail");
    assert!(total > 1_000);
    assert!(most < 16_000, "{most} entries");
    // 2.5 s of the fastest speech.
    assert!(longest_tail < 25, "{longest_tail} words were not final");
}

#[test]
fn names_change_with_content() {
    let recognizer = shared();
    let id = recognizer.id();
    assert!(id.starts_with("asr-v1:") && id.len() == "asr-v1:".len() + 12, "{id}");
    assert_eq!(recognizer.id(), id);
}

#[test]
fn options_out_of_range_are_refused() {
    for options in [
        CtcOptions { step_frames: 0, ..CtcOptions::default() },
        CtcOptions { step_frames: 51, ..CtcOptions::default() },
        CtcOptions { context_bonus: f32::NAN, ..CtcOptions::default() },
        CtcOptions { context_bonus: -1.0, sensitivity: Sensitivity::High, ..CtcOptions::default() },
    ] {
        assert!(matches!(CtcRecognizer::embedded(options), Err(ModelError::Option(_))));
    }
}

const FILES: [&str; 7] = [
    "config.json",
    "model.safetensors",
    "frontend.safetensors",
    "lexicon.txt.gz",
    "trigram.gz",
    "cmudict.txt.gz",
    "lts.txt.gz",
];

/// A folder with the shipped model, `file` replaced by `content`.
fn folder_with(file: &str, content: Option<&[u8]>) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for name in FILES {
        let to = dir.path().join(name);
        match (name == file, content) {
            (false, _) => drop(std::fs::copy(assets().join(name), to).unwrap()),
            (true, Some(bytes)) => std::fs::write(to, bytes).unwrap(),
            (true, None) => {}
        }
    }
    dir
}

#[test]
fn a_model_loads_from_a_folder() {
    let dir = folder_with("", None);
    let mut stages = Vec::new();
    let mut seen = |stage: &'static str, share: f32| stages.push((stage, share));
    let loaded = CtcModel::load(dir.path(), &mut seen).unwrap();
    assert_eq!(loaded.id(), model().id());
    assert!(stages.iter().all(|s| (0.0..=1.0).contains(&s.1)));
    for stage in ["network", "language model", "lexicon"] {
        assert!(stages.iter().any(|s| s.0 == stage), "{stage}: {stages:?}");
    }
}

#[test]
fn a_folder_may_have_the_trigram_as_text() {
    let dir = folder_with("trigram.gz", None);
    let text = "\\data\\\nngram 1=4\n\n\\1-grams:\n-99\t<s>\t-0.5\n-3\t<unk>\n-1\thello\n-1.5\tthere\n\n\
                \\2-grams:\n-0.5\t<s> hello\n\n\\end\\\n";
    let file = std::fs::File::create(dir.path().join("lm.arpa.gz")).unwrap();
    let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, text.as_bytes()).unwrap();
    packed.finish().unwrap();
    let loaded = CtcModel::load(dir.path(), &mut |_, _| {}).unwrap();
    assert_ne!(loaded.id(), model().id());
}

#[test]
fn damaged_files_are_named() {
    for name in FILES {
        let whole = std::fs::read(assets().join(name)).unwrap();
        let mut flipped = whole.clone();
        let middle = flipped.len() / 2;
        flipped[..64.min(middle)].fill(0xff);
        let cases: [(&str, Option<&[u8]>); 5] = [
            ("missing", None),
            ("empty", Some(b"")),
            ("cut short", Some(&whole[..whole.len() * 2 / 3])),
            ("not even the right kind", Some(b"hello, this is no model")),
            ("overwritten", Some(&flipped)),
        ];
        for (case, content) in cases {
            let dir = folder_with(name, content);
            match CtcModel::load(dir.path(), &mut |_, _| {}) {
                Ok(_) => panic!("{name} was accepted although it is {case}"),
                Err(e) => assert!(e.to_string().contains(name), "{name} is {case}: {e}"),
            }
        }
    }
}

#[test]
fn a_config_that_does_not_fit_is_refused() {
    let config: serde_json::Value =
        serde_json::from_slice(&std::fs::read(assets().join("config.json")).unwrap()).unwrap();
    let cases: [(&str, serde_json::Value); 12] = [
        ("/model/d_model", 0.into()),
        ("/model/d_model", 128.into()),
        ("/model/hidden", 1_000_000_000_u64.into()),
        ("/model/conv1/stride", 0.into()),
        ("/model/conv1/pad_left", 9.into()),
        ("/model/blocks", serde_json::json!([])),
        ("/model/blocks/0/splice", serde_json::json!([-2_000_000_000_i64, 0, 1])),
        ("/model/self_condition/after_block_index", 10.into()),
        ("/features/sample_rate", 8_000.into()),
        ("/features/fft_size", 256.into()),
        ("/ctc/phones", serde_json::json!(["<blk>"])),
        ("/spotter/threshold_default", serde_json::json!([])),
    ];
    for (path, value) in cases {
        let mut changed = config.clone();
        *changed.pointer_mut(path).unwrap() = value.clone();
        let dir = folder_with("config.json", Some(changed.to_string().as_bytes()));
        let result = CtcModel::load(dir.path(), &mut |_, _| {});
        assert!(matches!(result, Err(ModelError::Format { .. })), "{path} = {value} was accepted");
    }
}
