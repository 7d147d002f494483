//! The player against the real ingest, over a real socket: what arrives is the call that was played.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use crate::support::{TOKEN, fixture, serve, wav};
use reframe_bots::{
    play::{Encoding, Loss, Pace, PlayEvent, Player, load},
    whip::Bad,
};
use reframe_call::{audio::TrackId, input::Input};
use reframe_ingest::What;

#[tokio::test(flavor = "multi_thread")]
async fn packets_of_any_length_make_the_same_call() {
    let server = serve();
    let (url, host) = (server.url(), &server.host);
    let folder = tempfile::tempdir().unwrap();
    let file = wav(&folder.path().join("a.wav"), 2, 44_100, 2_030);
    let mut first: Option<Vec<Input>> = None;
    for packet_ms in [20, 5, 100, 1_000] {
        let player = Player::new(&url).token(TOKEN).pace(Pace::AsFastAsTaken).packet_ms(packet_ms);
        let report = player.add(load(&[&file], &[]).unwrap()).run().await.unwrap();
        assert_eq!(report.media_ms, 2_030);
        assert_eq!(report.ended["cards_shown"], 3);
        let inputs = host.last().inputs().0;
        assert_eq!(inputs.len(), 2 + 2 * 102 + 1);
        match &first {
            None => first = Some(inputs),
            Some(first) => assert!(*first == inputs, "packets of {packet_ms} ms"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fixture_folder_is_played_as_its_script_says() {
    let server = serve();
    let (url, host) = (server.url(), &server.host);
    let folder = tempfile::tempdir().unwrap();
    fixture(folder.path(), "");
    for (encoding, packets) in [(Encoding::AsStored, 110), (Encoding::Pcm, 110)] {
        let call = load(&[folder.path()], &[]).unwrap();
        let player = Player::new(&url).token(TOKEN).pace(Pace::AsFastAsTaken).encoding(encoding);
        let report = player.add(call).run().await.unwrap();
        assert!(report.packets.abs_diff(packets) <= 2, "{}", report.packets);
        let call = host.last();
        assert_eq!(call.start.playbook.as_deref(), Some("b2b-saas"));
        assert_eq!(call.start.tracks[1].name, "Bo");
        let (inputs, assembler) = call.inputs();
        let frames = inputs.iter().filter(|i| matches!(i, Input::Audio(_))).count();
        assert!(frames.abs_diff(110) <= 2, "{frames}");
        assert!(assembler.track_counters().values().all(|c| c.lost + c.undecodable + c.late + c.duplicate == 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn real_time_is_kept_and_told() {
    let server = serve();
    let (url, host) = (server.url(), &server.host);
    let folder = tempfile::tempdir().unwrap();
    let file = wav(&folder.path().join("a.wav"), 1, 16_000, 400);
    let mut zero = None;
    let report = Player::new(&url)
        .token(TOKEN)
        .add(load(&[&file], &["buyer".into()]).unwrap())
        .run_with(|event| {
            if let PlayEvent::Started { zero: z, overlay_url, .. } = event {
                assert!(overlay_url.is_some());
                zero = Some(z);
            }
        })
        .await
        .unwrap();
    assert_eq!(zero, Some(report.zero));
    let call = host.last();
    let arrived: BTreeMap<u64, Instant> = call
        .items
        .lock()
        .unwrap()
        .iter()
        .filter_map(|i| if let What::Packet(p) = &i.what { Some((p.timestamp_us, i.arrived)) } else { None })
        .collect();
    assert_eq!(arrived.len(), 20);
    for (timestamp_us, arrived) in arrived {
        let due = report.zero + Duration::from_micros(timestamp_us + 20_000);
        assert!(arrived >= due, "a packet came before its last sample was spoken");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_network_loses_what_the_script_says() {
    let server = serve();
    let (url, host) = (server.url(), &server.host);
    let folder = tempfile::tempdir().unwrap();
    fixture(folder.path(), "[network]\nloss_percent = 20.0\nseed = 5\nburst = 2\n");
    let play = || Player::new(&url).token(TOKEN).pace(Pace::AsFastAsTaken);
    let report = play().add(load(&[folder.path()], &[]).unwrap()).run().await.unwrap();
    assert!((8..50).contains(&report.lost), "{}", report.lost);
    let (inputs, assembler) = host.last().inputs();
    let counters = assembler.track_counters();
    let counted: u64 = counters.values().map(|c| c.lost).sum();
    assert!(counted > 0 && counted <= report.lost, "{counted} of {}", report.lost);
    let ends: Vec<u64> = inputs
        .iter()
        .filter_map(|i| match i {
            Input::Audio(f) if f.track == TrackId(1) => Some(f.end().ms()),
            _ => None,
        })
        .collect();
    assert!(ends.is_sorted() && *ends.last().unwrap() > 1_000, "the clock did not shift");

    let same = play().add(load(&[folder.path()], &[]).unwrap()).run().await.unwrap();
    assert_eq!(same.lost, report.lost, "the same packets in every run");
    let none = Loss { percent: 0.0, seed: 1, burst: 1 };
    let clean = play().loss(none).add(load(&[folder.path()], &[]).unwrap()).run().await.unwrap();
    assert_eq!(clean.lost, 0, "the caller's word goes before the script's");
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_passed_on_in_words() {
    let server = serve();
    let url = server.url();
    let folder = tempfile::tempdir().unwrap();
    let file = wav(&folder.path().join("a.wav"), 1, 16_000, 100);
    let call = || load(&[&file], &[]).unwrap();
    let error = Player::new(&url).token("wrong").add(call()).run().await.unwrap_err().to_string();
    assert!(error.contains("wrong or missing token"), "{error}");
    let error = Player::new(&url).token(TOKEN).call_id("no spaces").add(call()).run().await.unwrap_err().to_string();
    assert!(error.contains("letters, digits"), "{error}");
    let error = Player::new("ws://127.0.0.1:1/v1/ingest").add(call()).run().await.unwrap_err().to_string();
    assert!(error.contains("is the server running?"), "{error}");
    let error = load(&[&file], &["rep".into(), "buyer".into()]).unwrap_err().to_string();
    assert!(error.contains("name one per channel"), "{error}");
    let odd = Bad { jitter_ms: 5, ..Bad::default() };
    let error = Player::new(&url).token(TOKEN).bad(odd).add(call()).run().await.unwrap_err().to_string();
    assert!(error.contains("keeps packets in order"), "{error}");
    std::fs::write(folder.path().join("empty.wav"), b"").unwrap();
    let error = load(&[folder.path().join("empty.wav")], &[]).unwrap_err();
    assert!(format!("{error:#}").contains("0 bytes"), "{error:#}");
}
