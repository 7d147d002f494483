//! The player against the real ingest, over a real socket: what arrives is the call that was played.
#![allow(missing_docs, clippy::unwrap_used)]

use std::{
    collections::BTreeMap,
    future::Future,
    io::Cursor,
    path::{Path, PathBuf},
    pin::Pin,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use reframe_bots::play::{Encoding, Loss, Pace, PlayEvent, Player, load};
use reframe_call::{audio::TrackId, input::Input};
use reframe_ingest::{
    Assembler, AssemblerConfig, CallHandle, CallHost, Calls, CallsConfig, IngestItem, OneToken, What,
    socket::{
        io::{IngestConfig, IngestState, router},
        protocol::{Ended, Refusal, Start, Started},
    },
};
use tokio::sync::watch;

struct Call {
    start: Start,
    items: Mutex<Vec<IngestItem>>,
    ended: watch::Sender<bool>,
}

impl Call {
    /// The inputs the call would have had.
    fn inputs(&self) -> (Vec<Input>, Assembler) {
        let mut assembler = Assembler::new(AssemblerConfig::new(self.start.mode));
        let mut out = Vec::new();
        for item in self.items.lock().unwrap().clone() {
            let now = item.arrived;
            assembler.push(item);
            while let Some((input, _)) = assembler.pop(now) {
                out.push(input);
            }
        }
        (out, assembler)
    }
}

struct Handle(Arc<Call>);

impl Handle {
    fn take(&self, item: IngestItem) {
        let end = item.what == What::End;
        self.0.items.lock().unwrap().push(item);
        if end {
            self.0.ended.send_replace(true);
        }
    }
}

impl CallHandle for Handle {
    fn started(&self) -> Started {
        Started { call: "c".into(), overlay_url: Some("http://127.0.0.1/overlay".into()), ..Started::default() }
    }
    fn push(&self, item: IngestItem) -> u64 {
        self.take(item);
        0
    }
    fn push_when_room<'a>(&'a self, item: IngestItem) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move { self.take(item) })
    }
    fn finished<'a>(&'a self) -> Pin<Box<dyn Future<Output = Ended> + Send + 'a>> {
        Box::pin(async move {
            self.0.ended.subscribe().wait_for(|e| *e).await.unwrap();
            Ended { cards_shown: Some(3), ..Ended::default() }
        })
    }
}

#[derive(Default)]
struct Host(Mutex<Vec<Arc<Call>>>);

impl CallHost for Host {
    fn open(&self, start: &Start) -> Result<Box<dyn CallHandle>, Refusal> {
        let call = Arc::new(Call { start: start.clone(), items: Mutex::default(), ended: watch::Sender::new(false) });
        self.0.lock().unwrap().push(Arc::clone(&call));
        Ok(Box::new(Handle(call)))
    }
}

async fn serve() -> (String, Arc<Host>) {
    let host = Arc::new(Host::default());
    let calls = Calls::new(CallsConfig::default(), Arc::clone(&host) as Arc<dyn CallHost>);
    let state = IngestState::new(IngestConfig::default(), calls, OneToken::new(Some("t".into())));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/v1/ingest", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router(state)).await.unwrap() });
    (url, host)
}

fn last(host: &Host) -> Arc<Call> {
    Arc::clone(host.0.lock().unwrap().last().unwrap())
}

fn wav(path: &Path, channels: u16, rate_hz: u32, ms: u32) -> PathBuf {
    let spec =
        hound::WavSpec { channels, sample_rate: rate_hz, bits_per_sample: 16, sample_format: hound::SampleFormat::Int };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    for n in 0..rate_hz * ms / 1_000 {
        for channel in 0..channels {
            writer.write_sample(((n as f32 * 0.03 * f32::from(channel + 1)).sin() * 9_000.0) as i16).unwrap();
        }
    }
    writer.finalize().unwrap();
    path.to_owned()
}

fn opus(path: &Path, packets: usize) {
    let mut encoder = ropus::Encoder::builder(48_000, ropus::Channels::Mono, ropus::Application::Voip).build().unwrap();
    let mut writer = ogg::PacketWriter::new(Cursor::new(Vec::new()));
    let head = b"OpusHead\x01\x01\x38\x01\x80\xbb\0\0\0\0\0".to_vec();
    writer.write_packet(head, 1, ogg::PacketWriteEndInfo::EndPage, 0).unwrap();
    writer.write_packet(b"OpusTags".to_vec(), 1, ogg::PacketWriteEndInfo::EndPage, 0).unwrap();
    let mut room = [0u8; 4_000];
    for n in 0..packets {
        let pcm: Vec<i16> = (n * 960..(n + 1) * 960).map(|i| ((i as f32 * 0.05).sin() * 9_000.0) as i16).collect();
        let len = encoder.encode(&pcm, &mut room).unwrap();
        let end =
            if n + 1 == packets { ogg::PacketWriteEndInfo::EndStream } else { ogg::PacketWriteEndInfo::NormalPacket };
        writer.write_packet(room[..len].to_vec(), 1, end, ((n + 1) * 960) as u64).unwrap();
    }
    std::fs::write(path, writer.into_inner().into_inner()).unwrap();
}

fn fixture(folder: &Path, network: &str) {
    opus(&folder.join("rep.opus"), 50);
    opus(&folder.join("buyer.opus"), 60);
    let script = format!(
        r#"
        title = "T"
        summary = "S"
        playbook = "saas"
        {network}
        [[participant]]
        track = 0
        file = "rep.opus"
        party = "rep"
        name = "Rae"
        consent = {{ basis = "fixture" }}
        [[participant]]
        track = 1
        file = "buyer.opus"
        party = "buyer"
        name = "Bo"
        consent = {{ basis = "fixture" }}
        "#
    );
    std::fs::write(folder.join("script.toml"), script).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn packets_of_any_length_make_the_same_call() {
    let (url, host) = serve().await;
    let folder = tempfile::tempdir().unwrap();
    let file = wav(&folder.path().join("a.wav"), 2, 44_100, 2_030);
    let mut first: Option<Vec<Input>> = None;
    for packet_ms in [20, 5, 100, 1_000] {
        let player = Player::new(&url).token("t").pace(Pace::AsFastAsTaken).packet_ms(packet_ms);
        let report = player.add(load(&[&file], &[]).unwrap()).run().await.unwrap();
        assert_eq!(report.media_ms, 2_030);
        assert_eq!(report.ended["cards_shown"], 3);
        let inputs = last(&host).inputs().0;
        assert_eq!(inputs.len(), 2 + 2 * 102 + 1);
        match &first {
            None => first = Some(inputs),
            Some(first) => assert!(*first == inputs, "packets of {packet_ms} ms"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fixture_folder_is_played_as_its_script_says() {
    let (url, host) = serve().await;
    let folder = tempfile::tempdir().unwrap();
    fixture(folder.path(), "");
    for (encoding, packets) in [(Encoding::AsStored, 110), (Encoding::Pcm, 110)] {
        let call = load(&[folder.path()], &[]).unwrap();
        let player = Player::new(&url).token("t").pace(Pace::AsFastAsTaken).encoding(encoding);
        let report = player.add(call).run().await.unwrap();
        assert!(report.packets.abs_diff(packets) <= 2, "{}", report.packets);
        let call = last(&host);
        assert_eq!(call.start.playbook.as_deref(), Some("saas"));
        assert_eq!(call.start.tracks[1].name, "Bo");
        let (inputs, assembler) = call.inputs();
        let frames = inputs.iter().filter(|i| matches!(i, Input::Audio(_))).count();
        assert!(frames.abs_diff(110) <= 2, "{frames}");
        assert!(assembler.track_counters().values().all(|c| c.lost + c.undecodable + c.late + c.duplicate == 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn real_time_is_kept_and_told() {
    let (url, host) = serve().await;
    let folder = tempfile::tempdir().unwrap();
    let file = wav(&folder.path().join("a.wav"), 1, 16_000, 400);
    let mut zero = None;
    let report = Player::new(&url)
        .token("t")
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
    let call = last(&host);
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
    let (url, host) = serve().await;
    let folder = tempfile::tempdir().unwrap();
    fixture(folder.path(), "[network]\nloss_percent = 20.0\nseed = 5\nburst = 2\n");
    let play = || Player::new(&url).token("t").pace(Pace::AsFastAsTaken);
    let report = play().add(load(&[folder.path()], &[]).unwrap()).run().await.unwrap();
    assert!((8..50).contains(&report.lost), "{}", report.lost);
    let (inputs, assembler) = last(&host).inputs();
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
    let (url, _) = serve().await;
    let folder = tempfile::tempdir().unwrap();
    let file = wav(&folder.path().join("a.wav"), 1, 16_000, 100);
    let call = || load(&[&file], &[]).unwrap();
    let error = Player::new(&url).token("wrong").add(call()).run().await.unwrap_err().to_string();
    assert!(error.contains("wrong or missing token"), "{error}");
    let error = Player::new(&url).token("t").call_id("no spaces").add(call()).run().await.unwrap_err().to_string();
    assert!(error.contains("letters, digits"), "{error}");
    let error = Player::new("ws://127.0.0.1:1/v1/ingest").add(call()).run().await.unwrap_err().to_string();
    assert!(error.contains("is the server running?"), "{error}");
    let error = load(&[&file], &["rep".into(), "buyer".into()]).unwrap_err().to_string();
    assert!(error.contains("name one per channel"), "{error}");
    std::fs::write(folder.path().join("empty.wav"), b"").unwrap();
    let error = load(&[folder.path().join("empty.wav")], &[]).unwrap_err();
    assert!(format!("{error:#}").contains("0 bytes"), "{error:#}");
}
