//! The real ingest on a socket, in front of a host that keeps what it is given.
#![allow(dead_code, missing_docs, clippy::unwrap_used)]

use std::{
    future::Future,
    io::Cursor,
    net::SocketAddr,
    path::{Path, PathBuf},
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use reframe_call::input::Input;
use reframe_ingest::{
    Assembler, AssemblerConfig, CallHandle, CallHost, Calls, CallsConfig, IngestItem, OneToken, What,
    socket::{
        io::{IngestConfig, IngestState, router},
        protocol::{Ended, Refusal, Start, Started},
    },
    whip::{self, WhipConfig, WhipState},
};
use tokio::{sync::watch, task::JoinHandle};

/// Long enough for a machine that has other things to do.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// Any free port of this machine.
const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);
pub const TOKEN: &str = "t-0123456789";

/// What a host's calls say of themselves.
#[derive(Clone)]
pub struct Manner {
    pub disclosure: Option<String>,
    pub cards_shown: u64,
}

impl Default for Manner {
    fn default() -> Self {
        Self { disclosure: Some("we listen".into()), cards_shown: 3 }
    }
}

/// A call as its host has it.
pub struct Call {
    pub id: String,
    pub start: Start,
    manner: Manner,
    pub items: Mutex<Vec<IngestItem>>,
    ended: watch::Sender<bool>,
}

impl Call {
    /// Everything that came, without the times.
    pub fn what(&self) -> Vec<What> {
        self.items.lock().unwrap().iter().map(|item| item.what.clone()).collect()
    }

    /// The inputs the call would have had.
    pub fn inputs(&self) -> (Vec<Input>, Assembler) {
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
        Started {
            call: self.0.id.clone(),
            overlay_url: Some("http://127.0.0.1/overlay".into()),
            disclosure: self.0.manner.disclosure.clone(),
            ..Started::default()
        }
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
            Ended { cards_shown: Some(self.0.manner.cards_shown), ..Ended::default() }
        })
    }
}

/// Opens calls and keeps them.
#[derive(Default)]
pub struct Host {
    manner: Manner,
    calls: Mutex<Vec<Arc<Call>>>,
}

impl Host {
    pub fn calls(&self) -> Vec<Arc<Call>> {
        self.calls.lock().unwrap().clone()
    }

    /// Everything that came to any of its calls, without the times.
    pub fn what(&self) -> Vec<What> {
        self.calls().iter().flat_map(|call| call.what()).collect()
    }

    pub fn last(&self) -> Arc<Call> {
        Arc::clone(self.calls.lock().unwrap().last().unwrap())
    }
}

impl CallHost for Host {
    fn open(&self, start: &Start) -> Result<Box<dyn CallHandle>, Refusal> {
        let mut calls = self.calls.lock().unwrap();
        let id = start.call.clone().unwrap_or_else(|| format!("c{}", calls.len()));
        let (items, ended) = (Mutex::default(), watch::Sender::new(false));
        let call = Arc::new(Call { id, start: start.clone(), manner: self.manner.clone(), items, ended });
        calls.push(Arc::clone(&call));
        Ok(Box::new(Handle(call)))
    }
}

/// A server that can be taken down.
pub struct Server {
    pub addr: SocketAddr,
    pub host: Arc<Host>,
    task: JoinHandle<()>,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Server {
    pub fn url(&self) -> String {
        format!("ws://{}/v1/ingest", self.addr)
    }

    pub fn whip_url(&self) -> String {
        format!("http://{}/v1/whip", self.addr)
    }

    /// Ends it as `kill -9` would: its connections are cut, its calls forgotten.
    pub fn kill(mut self) -> SocketAddr {
        self.task.abort();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
        self.addr
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A server at `addr` (port 0 for any).
pub fn serve_at(addr: SocketAddr) -> Server {
    serve_as(addr, Manner::default())
}

/// A server at any free port of this machine, whose calls say this of themselves.
pub fn serve_with(manner: Manner) -> Server {
    serve_as(ANY, manner)
}

fn serve_as(addr: SocketAddr, manner: Manner) -> Server {
    // On a runtime of its own, so that all its connections can be cut at once.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let host = Arc::new(Host { manner, ..Host::default() });
    let calls = Calls::new(CallsConfig::default(), Arc::clone(&host) as Arc<dyn CallHost>);
    let access = OneToken::new(Some(TOKEN.into()));
    let state = IngestState::new(IngestConfig::default(), Arc::clone(&calls), access.clone());
    let whip = WhipState::new(WhipConfig::new(addr.ip()), calls, access);
    let socket = listen(addr);
    let addr = socket.local_addr().unwrap();
    let task = runtime.spawn(async move {
        let listener = tokio::net::TcpListener::from_std(socket).unwrap();
        axum::serve(listener, router(state).merge(whip::router(whip))).await.unwrap();
    });
    Server { addr, host, task, runtime: Some(runtime) }
}

/// A server at any free port of this machine.
pub fn serve() -> Server {
    serve_at(ANY)
}

fn listen(addr: SocketAddr) -> std::net::TcpListener {
    // The standard library sets SO_REUSEADDR on Unix, so the port of a server that was killed can be taken again.
    let listener = std::net::TcpListener::bind(addr).unwrap();
    listener.set_nonblocking(true).unwrap();
    listener
}

/// An Opus file of a tone, with packets of 20 ms.
pub fn opus(path: &Path, packets: usize) {
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

/// A call of a rep and a buyer, of 50 and 60 packets.
pub fn fixture(folder: &Path, network: &str) {
    opus(&folder.join("rep.opus"), 50);
    opus(&folder.join("buyer.opus"), 60);
    let script = format!(
        r#"
        title = "T"
        summary = "S"
        playbook = "b2b-saas"
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

/// A WAV file of tones, another one in each channel.
pub fn wav(path: &Path, channels: u16, rate_hz: u32, ms: u32) -> PathBuf {
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

/// Waits until `done` gives something.
pub async fn until<T>(what: &str, mut done: impl FnMut() -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(value) = done() {
            return value;
        }
        assert!(tokio::time::Instant::now() < deadline, "it did not happen in time: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
