//! The pieces that are timed alone. Each is made ready once and then run again and again on the same input; the program
//! `micro` and `cargo bench` share them.

use std::{hint::black_box, io::Cursor, path::Path};

use anyhow::{Context, bail};
use reframe_audio::{ogg_opus::OggOpus, resample::Resampler};
use reframe_call::{
    audio::TrackId,
    card::{Card, Proof, Reason, Stages},
    detect::{
        fusion,
        lexicon::{Lexicon, PatternKind},
        normalize::tokens_of_text,
        semantic::SentenceEncoder,
    },
    event::{CardId, Event, EventBody, UtteranceId},
    recognize::{Bias, PhraseHit, PhraseId, SpotPhrase, Word},
    time::MediaTime,
};
use reframe_models::{
    ctc::{
        CtcModel, CtcOptions, CtcRecognizer,
        decoder::{Decoder, Finality},
        network::Rows,
        spotter::{Spotter, SpotterPhrase},
    },
    sentence::MiniEncoder,
};
use reframe_serve::wire::{CardMessage, ServerBody};
use reframe_store::{CallId, EventLog, NewCall, SqliteLog, SqliteOptions};

/// One run of a piece.
pub type Body = Box<dyn FnMut()>;

/// What can be timed, in the order sound becomes a card.
pub const NAMES: [&str; 13] = [
    "resampler, 1 s of 48 kHz",
    "features, 1 s",
    "model step, 40 ms",
    "beam search, 10 s of rows",
    "phrase spotter, 10 s of rows",
    "lexicon, 10 phrases",
    "lexicon, 100 phrases",
    "lexicon, 1,000 phrases",
    "lexicon, 10,000 phrases",
    "sentence encoder, 12 words",
    "fusion of three pieces",
    "card to JSON",
    "event append, 100 in a commit",
];

/// Steps a network is given before it is timed: two seconds, several times its look-ahead of 392 ms.
const PRIMED: usize = 50;

/// A clause as long as the detector looks back on.
const CLAUSE: &str = "well to be honest with you i am not sure that we could get this through before the end of the quarter because \
                      the budget was cut and our people are busy with the new warehouse so maybe later";

/// Makes a piece ready.
///
/// # Errors
/// If there is no such piece, or what it needs cannot be read.
pub fn make(name: &str) -> anyhow::Result<Body> {
    Ok(match name {
        "resampler, 1 s of 48 kHz" => resampler()?,
        "features, 1 s" => features()?,
        "model step, 40 ms" => model_step()?,
        "beam search, 10 s of rows" => beam_search()?,
        "phrase spotter, 10 s of rows" => spotter()?,
        "lexicon, 10 phrases" => lexicon(10),
        "lexicon, 100 phrases" => lexicon(100),
        "lexicon, 1,000 phrases" => lexicon(1_000),
        "lexicon, 10,000 phrases" => lexicon(10_000),
        "sentence encoder, 12 words" => encoder()?,
        "fusion of three pieces" => combine(),
        "card to JSON" => card_to_json(),
        "event append, 100 in a commit" => append()?,
        _ => bail!("there is no piece {name:?}; there are: {}", NAMES.join("; ")),
    })
}

fn repository(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// The first seconds of the demo call's buyer, at 16 kHz.
fn speech(seconds: usize) -> anyhow::Result<Vec<f32>> {
    let bytes = std::fs::read(repository("fixtures/calls/demo/buyer.opus"))
        .context("fixtures/calls/demo/buyer.opus cannot be read")?;
    let (mut channels, _) = OggOpus::read(Cursor::new(bytes))?.decode(16_000);
    let all: Vec<f32> = channels.remove(0).iter().map(|s| f32::from(*s) / 32_768.0).collect();
    // He begins to speak after some seconds of silence.
    let first = all.iter().position(|s| s.abs() > 0.1).unwrap_or(0);
    Ok(all[first..].iter().copied().take(seconds * 16_000).collect())
}

fn resampler() -> anyhow::Result<Body> {
    let sound = speech(1)?;
    let wide: Vec<f32> = sound.iter().flat_map(|s| [*s; 3]).collect();
    let mut resampler = Resampler::new(48_000, 16_000)?;
    let mut out = Vec::new();
    Ok(Box::new(move || {
        out.clear();
        // Packets of 20 ms, as they come.
        wide.chunks(960).for_each(|packet| resampler.push(packet, &mut out));
        black_box(&out);
    }))
}

fn features() -> anyhow::Result<Body> {
    let (sound, model) = (speech(1)?, CtcModel::embedded(&mut |_, _| {})?);
    let (mut state, mut mel) = (model.frontend.start(), Vec::new());
    Ok(Box::new(move || {
        mel.clear();
        sound.chunks(640).for_each(|step| {
            model.frontend.push(&mut state, step, false, &mut mel);
        });
        black_box(&mel);
    }))
}

/// Log-mel rows of ten seconds of speech.
fn mel(model: &CtcModel) -> anyhow::Result<Vec<f32>> {
    let mut mel = Vec::new();
    model.frontend.push(&mut model.frontend.start(), &speech(10)?, false, &mut mel);
    Ok(mel)
}

fn model_step() -> anyhow::Result<Body> {
    let model = CtcModel::embedded(&mut |_, _| {})?;
    let mel = mel(&model)?;
    let mut state = model.network.start();
    // Four rows of 10 ms, as the program steps.
    let step = 4 * model.config.features.num_mels;
    let (mut rows, mut at) = (Rows::default(), step * PRIMED);
    // Until its look-ahead is filled, a step gives nothing and costs next to nothing.
    model.network.push(&mut state, &mel[..at], false, &mut rows)?;
    Ok(Box::new(move || {
        if at + step > mel.len() {
            at = 0;
        }
        rows.clear();
        model
            .network
            .push(&mut state, &mel[at..at + step], false, &mut rows)
            .expect("the shapes were checked when the model was loaded");
        at += step;
        black_box(&rows);
    }))
}

/// Rows of log-posteriors of ten seconds of speech.
fn posteriors(model: &CtcModel) -> anyhow::Result<Vec<f32>> {
    let mut rows = Rows::default();
    model.network.push(&mut model.network.start(), &mel(model)?, true, &mut rows)?;
    Ok(rows.top)
}

fn beam_search() -> anyhow::Result<Body> {
    let model = CtcModel::embedded(&mut |_, _| {})?;
    let rows = posteriors(&model)?;
    let context = model.context(&phrases()?, CtcOptions::default().context_bonus);
    let (mut words, mut tail) = (Vec::new(), Vec::new());
    Ok(Box::new(move || {
        let knowledge = model.knowledge(&context);
        // A stream's own settings: 0.8 s of pause, 2.5 s of age.
        let mut decoder = Decoder::new(Finality { pause_rows: Some(20), age_rows: Some(62) });
        words.clear();
        for row in rows.chunks_exact(model.config.symbols()) {
            decoder.push(&knowledge, row);
            decoder.take(&knowledge, &mut words, &mut tail);
        }
        decoder.finish(&knowledge, &mut words);
        black_box(&words);
    }))
}

/// The phrases of the built-in playbook.
fn phrases() -> anyhow::Result<Vec<String>> {
    let text = std::fs::read_to_string(repository("playbooks/b2b-saas/playbook.toml"))
        .context("the built-in playbook cannot be read")?;
    let book: toml::Value = toml::from_str(&text)?;
    let plays = book.get("play").and_then(toml::Value::as_array).into_iter().flatten();
    let all = plays.flat_map(|p| p.get("phrases").and_then(toml::Value::as_array).into_iter().flatten());
    Ok(all.filter_map(|p| p.as_str()).filter(|p| !p.contains("..")).map(str::to_lowercase).collect())
}

fn spotter() -> anyhow::Result<Body> {
    let recognizer = CtcRecognizer::embedded(CtcOptions::default())?;
    let rows = posteriors(recognizer.model())?;
    let spot =
        |(n, text): (u32, String)| SpotPhrase { id: PhraseId(n), text, sounds_like: Vec::new(), min_score: None };
    let bias = Bias { context: Vec::new(), spot: (0..).zip(phrases()?).map(spot).collect() };
    let phrases: Vec<SpotterPhrase> = bias.spot.iter().map(|p| recognizer.phrase(p)).collect();
    let mut spotter = Spotter::new(&phrases);
    let (symbols, mut found) = (recognizer.model().config.symbols(), Vec::new());
    Ok(Box::new(move || {
        spotter.reset();
        found.clear();
        rows.chunks_exact(symbols).for_each(|row| spotter.push(row, &mut found));
        black_box(&found);
    }))
}

/// So many phrases of three words, and a clause that holds none of them.
fn lexicon(phrases: usize) -> Body {
    const WORDS: [&str; 22] = [
        "price", "budget", "vendor", "later", "contract", "quarter", "team", "switch", "pilot", "renewal", "legal",
        "boss", "proof", "risk", "cloud", "export", "manual", "seat", "discount", "rollout", "trial", "usage",
    ];
    let n = WORDS.len();
    let text = |i: usize| format!("{} {} {}", WORDS[i % n], WORDS[i / n % n], WORDS[(i / n / n + i) % n]);
    let all: Vec<String> = (0..phrases).map(text).collect();
    let lexicon = Lexicon::of(all.iter().enumerate().map(|(i, p)| (i, PatternKind::Trigger, p.as_str())));
    let tokens = tokens_of_text(CLAUSE);
    Box::new(move || {
        black_box(lexicon.find(black_box(&tokens)));
    })
}

fn encoder() -> anyhow::Result<Body> {
    let encoder = MiniEncoder::embedded()?;
    let text = CLAUSE.split(' ').skip(8).take(12).collect::<Vec<_>>().join(" ");
    Ok(Box::new(move || {
        black_box(encoder.encode(black_box(&text)));
    }))
}

fn combine() -> Body {
    let hit = PhraseHit {
        phrase: PhraseId(0),
        start: MediaTime::ZERO,
        end: MediaTime::from_ms(900),
        score: -0.8,
        threshold: -1.2,
    };
    Box::new(move || {
        let hit = black_box(&hit);
        let meaning = fusion::after(fusion::by_example(black_box(0.6)), fusion::prior(black_box(3.0), black_box(40.0)));
        black_box(fusion::combine(&[fusion::sound(hit), fusion::COMMITTED_TEXT, fusion::meaning(meaning)]));
    })
}

fn word(n: u64, text: &str) -> Word {
    Word {
        text: text.to_owned(),
        start: MediaTime::from_ms(n * 300),
        end: MediaTime::from_ms(n * 300 + 250),
        confidence: 0.912,
    }
}

fn card_to_json() -> Body {
    let card = Card {
        id: CardId(3),
        play: "price".into(),
        label: "price".into(),
        title: "Price".into(),
        say: vec![
            "Fair point. What would it have to bring in?".into(),
            "Most teams have it back in four months.".into(),
            "I can send the calculation we did for a team of your size.".into(),
        ],
        proof: Some(Proof {
            text: "31 % fewer late invoices".into(),
            source: "customer survey".into(),
            ..Proof::default()
        }),
        ask: Some("What do you compare it with?".into()),
        avoid: None,
        case_study: None,
        variant: None,
        ttl_ms: 20_000,
        priority: 2,
        reason: Reason {
            rule: "phrase \"more than we pay today\"".into(),
            words: (0..5).zip("more than we pay today".split(' ')).map(|(n, w)| word(n, w)).collect(),
            speaker: "Marcus Bell".into(),
            score: 0.93,
            phrase_start: MediaTime::from_ms(12_000),
            phrase_end: MediaTime::from_ms(13_200),
            stages: Stages { recognize_ms: 320, detect_ms: 20, deck_ms: 0 },
        },
    };
    Box::new(move || {
        let message = CardMessage::new(7, black_box(&card), Some(TrackId(1)), 0, Some(1_500), 1_700_000_000_000_000);
        black_box(ServerBody::Card(message).to_json());
    })
}

fn append() -> anyhow::Result<Body> {
    let folder = tempfile::tempdir()?;
    let log = SqliteLog::open(folder.path().join("reframe.db"), SqliteOptions::default())?;
    let id = CallId::new("micro")?;
    log.create(&NewCall {
        id: id.clone(),
        title: "micro".into(),
        playbook: "b2b-saas@1:0".into(),
        started_unix_ms: 1_700_000_000_000,
        token_hash: "hash".into(),
    })?;
    let event = |seq: u64| {
        let words = (0..4).map(|n| word(seq * 4 + n, "warehouse")).collect();
        let body = EventBody::WordsCommitted { track: TrackId(1), utterance: UtteranceId(seq as u32), words };
        Event { seq, at: MediaTime::from_ms(seq * 20), body }
    };
    let mut next = 0;
    Ok(Box::new(move || {
        // Held here, the folder goes when the piece does.
        black_box(&folder);
        let events: Vec<Event> = (next..next + 100).map(event).collect();
        let done = log.append(&id, next, &events).expect("a new log in a folder of its own takes events");
        next = done.next_seq;
    }))
}
