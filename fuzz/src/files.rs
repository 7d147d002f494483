//! Files a person may hand us: recordings and playbooks.

use std::{io::Cursor, sync::Arc};

use reframe_audio::{ogg_opus::OggOpus, wav::WavFile};
use reframe_call::{
    detect::Detector,
    playbook::{CardFile, Severity, Source, read},
};

/// WAV files. However broken, reading ends, and every channel has the same length.
pub fn wav(data: &[u8]) {
    let Ok(mut file) = WavFile::open(data) else { return };
    let mut total = 0_usize;
    while let Ok(Some(channels)) = file.read(777) {
        assert_eq!(channels.len(), file.channels());
        let length = channels[0].len();
        assert!(length > 0 && channels.iter().all(|c| c.len() == length));
        total += length;
        assert!(total <= data.len() + 1, "more samples than bytes");
    }
    let _ = (file.rate_hz(), file.samples_read(), file.warning());
}

/// Ogg Opus files.
pub fn ogg_opus(data: &[u8]) {
    let Ok(file) = OggOpus::read(Cursor::new(data)) else { return };
    // A packet is up to 120 ms whatever its size, so a small file can ask for much work; the limit is for speed here.
    if file.packets.len() > 400 {
        return;
    }
    let (channels, failed) = file.decode(16_000);
    assert_eq!(channels.len(), file.channels);
    assert!(channels.iter().all(|c| c.len() == channels[0].len()));
    assert!(failed <= file.packets.len());
}

/// Playbooks, with what follows a zero byte as a card file. Either there is a playbook, or an error says where; and what is
/// read can be listened for.
pub fn playbook(data: &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == 0).map(|part| String::from_utf8_lossy(part).into_owned());
    let text = parts.next().unwrap_or_default();
    let cards = parts.map(|text| CardFile { name: "cards/a.md".into(), file: "fuzz/cards/a.md".into(), text });
    let source = Source { file: "fuzz.toml".into(), text, cards: cards.collect(), today: None };
    let (playbook, problems) = read(&source);
    for problem in &problems {
        let text = source.cards.iter().find(|c| c.file == problem.file).map_or(&source.text, |c| &c.text);
        let lines = 1 + text.matches('\n').count();
        assert!((1..=lines).contains(&problem.line), "line {} of {lines} of {}", problem.line, problem.file);
    }
    let Some(playbook) = playbook else {
        assert!(problems.iter().any(|p| p.severity == Severity::Error), "refused without saying why");
        return;
    };
    let playbook = Arc::new(playbook);
    drop(Detector::new(Arc::clone(&playbook), None).id());
}
