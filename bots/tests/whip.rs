//! The player over WHIP against the real ingest: what arrives over WebRTC is the call that was played, over good networks
//! and bad ones.
#![allow(missing_docs, clippy::unwrap_used)]

use crate::support::{Call, TOKEN, fixture, serve, until, wav};
use reframe_bots::{
    play::{Loss, Pace, PlayEvent, Player, load},
    whip::Bad,
};
use reframe_call::{
    audio::{Party, TrackId},
    input::Input,
};
use reframe_ingest::{Mode, What, item::Packet};

fn packets(call: &Call, track: u16) -> Vec<Packet> {
    let of = |what: What| if let What::Packet(p) = what { Some(p).filter(|p| p.track == TrackId(track)) } else { None };
    call.what().into_iter().filter_map(of).collect()
}

fn sequences(call: &Call, track: u16) -> Vec<u16> {
    packets(call, track).iter().filter_map(|p| p.sequence).collect()
}

/// Media times of a track's packets in microseconds, from its first one.
fn times(call: &Call, track: u16) -> Vec<i64> {
    let packets = packets(call, track);
    packets.iter().map(|p| p.timestamp_us as i64 - packets[0].timestamp_us as i64).collect()
}

/// Name, party and whether there is consent, of everybody announced.
fn people(call: &Call) -> Vec<(String, Party, bool)> {
    let who = |what: What| match what {
        What::Track { info, .. } => Some((info.name, info.party, info.consent.is_some())),
        _ => None,
    };
    call.what().into_iter().filter_map(who).collect()
}

async fn ended(call: &Call) {
    until("the end of the call", || call.what().contains(&What::End).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fixture_arrives_as_it_is() {
    let server = serve();
    let folder = tempfile::tempdir().unwrap();
    fixture(folder.path(), "");
    let mut started = None;
    let report = Player::new(server.whip_url())
        .token(TOKEN)
        .call_id("acme-1")
        .add(load(&[folder.path()], &[]).unwrap())
        .run_with(|event| {
            if let PlayEvent::Started { call, overlay_url, zero } = event {
                started = Some((call, overlay_url, zero));
            }
        })
        .await
        .unwrap();
    let (call, overlay_url, zero) = started.unwrap();
    assert_eq!((call.as_str(), zero, report.zero), ("acme-1", report.zero, report.zero));
    assert_eq!(overlay_url.as_deref(), Some("http://127.0.0.1/overlay"));
    assert_eq!((report.packets, report.lost, report.reordered), (110, 0, 0));

    let call = server.host.last();
    ended(&call).await;
    assert_eq!(
        (call.start.mode, call.start.playbook.as_deref(), call.start.title.as_deref()),
        (Mode::Live, Some("b2b-saas"), Some("T"))
    );
    assert_eq!(people(&call), [("Rae".into(), Party::Rep, true), ("Bo".into(), Party::Buyer, true)]);
    assert_eq!(times(&call, 0), (0..50).map(|n| n * 20_000).collect::<Vec<_>>());
    assert_eq!(times(&call, 1), (0..60).map(|n| n * 20_000).collect::<Vec<_>>());
    let (inputs, assembler) = call.inputs();
    let frames = inputs.iter().filter(|i| matches!(i, Input::Audio(_))).count();
    assert!(frames.abs_diff(110) <= 4, "{frames}");
    assert!(assembler.track_counters().values().all(|c| c.lost + c.undecodable + c.late + c.duplicate == 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_network_costs_the_packets_it_loses_and_no_more() {
    let server = serve();
    let folder = tempfile::tempdir().unwrap();
    fixture(folder.path(), "");
    let report = Player::new(server.whip_url())
        .token(TOKEN)
        .loss(Loss { percent: 10.0, seed: 3, burst: 1 })
        .bad(Bad { reorder_percent: 5.0, jitter_ms: 40, seed: 3 })
        .add(load(&[folder.path()], &[]).unwrap())
        .run()
        .await
        .unwrap();
    assert!(report.lost > 2 && report.reordered > 1, "{report:?}");
    assert_eq!(report.packets + report.lost, 110);
    let call = server.host.last();
    ended(&call).await;
    for track in 0..2 {
        // A first packet that was held up on the way sets the clock late, and later ones set it right, in whole frames:
        // times may step back then, numbers never do.
        let numbers = sequences(&call, track);
        let ahead = |w: &[u16]| (1..20).contains(&w[1].wrapping_sub(w[0]));
        assert!(numbers.windows(2).all(ahead), "packets of track {track} are in order again: {numbers:?}");
        assert!(times(&call, track).iter().all(|t| t.rem_euclid(20_000) == 0));
    }
    let arrived = times(&call, 0).len() + times(&call, 1).len();
    assert_eq!(arrived as u64, report.packets, "what was overtaken by one packet is not lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn any_file_is_encoded() {
    let server = serve();
    let folder = tempfile::tempdir().unwrap();
    let file = wav(&folder.path().join("a.wav"), 2, 44_100, 500);
    let call = load(&[&file], &["buyer".into(), "rep".into()]).unwrap();
    let report = Player::new(server.whip_url()).token(TOKEN).add(call).run().await.unwrap();
    let call = server.host.last();
    ended(&call).await;
    let parties: Vec<Party> = people(&call).into_iter().map(|(_, party, _)| party).collect();
    assert_eq!(parties, [Party::Buyer, Party::Rep]);
    assert!(call.start.call.as_ref().unwrap().starts_with("play-"), "every call has a name to come back by");
    assert_eq!((times(&call, 0).len(), report.packets), (26, 52), "0.5 s, and what the encoder holds back");
    let loud = |track: u16| {
        let (inputs, _) = call.inputs();
        let sound = inputs.iter().filter_map(|i| match i {
            Input::Audio(f) if f.track == TrackId(track) => Some(f.samples.iter().map(|s| s.abs()).fold(0.0, f32::max)),
            _ => None,
        });
        sound.fold(0.0, f32::max)
    };
    assert!(loud(0) > 0.2 && loud(1) > 0.2, "{} {}", loud(0), loud(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn several_at_once_are_calls_of_their_own() {
    let server = serve();
    let folder = tempfile::tempdir().unwrap();
    fixture(folder.path(), "");
    let call = load(&[folder.path()], &[]).unwrap();
    let players = (0..3).map(|n| {
        tokio::spawn(Player::new(server.whip_url()).token(TOKEN).call_id(format!("c-{n}")).add(call.clone()).run())
    });
    for player in players.collect::<Vec<_>>() {
        assert_eq!(player.await.unwrap().unwrap().packets, 110);
    }
    assert_eq!(server.host.calls().len(), 3);
    for call in server.host.calls() {
        ended(&call).await;
        assert_eq!((times(&call, 0).len(), times(&call, 1).len()), (50, 60));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_passed_on_in_words() {
    let server = serve();
    let folder = tempfile::tempdir().unwrap();
    let file = wav(&folder.path().join("a.wav"), 1, 16_000, 100);
    let player = || Player::new(server.whip_url()).token(TOKEN).add(load(&[&file], &[]).unwrap());
    for (player, says) in [
        (player().token("wrong"), "token"),
        (player().call_id("no spaces"), "letters, digits"),
        (player().pace(Pace::AsFastAsTaken), "WebRTC is live"),
        (player().rate_hz(8_000), "carries Opus"),
        (player().packet_ms(30), "use 5, 10, 20, 40 or 60"),
    ] {
        let error = format!("{:#}", player.run().await.unwrap_err());
        assert!(error.contains(says) && !error.contains(TOKEN), "{error}");
    }
    let nobody = Player::new("http://127.0.0.1:1").add(load(&[&file], &[]).unwrap()).run().await.unwrap_err();
    assert!(format!("{nobody:#}").contains("is the server running?"), "{nobody:#}");
    assert!(server.host.calls().is_empty(), "no call is opened for nothing");
}
