//! What the tests of the program share: running it, and finding fixtures.

use std::{
    io::{BufRead, BufReader, Lines, Read, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Output, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use futures_util::{SinkExt, StreamExt};
use reframe_call::event::Event;
use reframe_serve::wire::{ClientMessage, ServerBody, ServerMessage};
use reframe_store::{CallId, EventLog, SqliteLog, SqliteOptions};
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The folder of a fixture call.
pub fn call(name: &str) -> PathBuf {
    root().join("fixtures/calls").join(name)
}

/// The program, in an empty folder so that no configuration lies around.
pub fn reframe(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reframe"));
    command.current_dir(dir).env("NO_COLOR", "1");
    command
}

/// Runs it to its end.
pub fn run(dir: &Path, args: &[&str]) -> Output {
    reframe(dir).args(args).stdin(Stdio::null()).output().unwrap()
}

/// Runs it with text on standard input.
pub fn run_with_input(dir: &Path, args: &[&str], input: &str) -> Output {
    fed(reframe(dir).args(args), input)
}

fn fed(command: &mut Command, input: &str) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// A person goes through the inbox at a terminal and types these lines.
pub fn review(dir: &Path, name: &str, typed: &str) -> Output {
    fed(reframe(dir).args(["review", "--as", name]).env("REFRAME_REVIEW_FROM_PIPE", "1"), typed)
}

/// A person says yes to the first that waits.
pub fn approve_first(dir: &Path, name: &str) -> Output {
    review(dir, name, "a\nq\n")
}

/// Settings of a team that may write first messages, from `[workflow.messages]` on, with more lines for outreach and for
/// its sender.
pub fn outreach_settings(outreach: &str, sender: &str) -> String {
    format!(
        r#"
[workflow.messages]
seller = "Tom"
voice = "voice.toml"
sponsor = "Ada King"
[[workflow.messages.pains]]
language = "en"
clause = "stock lists stop matching the shelves"
topic = "stock across two sites"
[workflow.outreach]
company = "Us Ltd"
postal_address = "1 High Street, Leeds"
unsubscribe_mail = "stop@try-us.example"
unsubscribe_url = "https://try-us.example/u/"
{outreach}
[workflow.outreach.sender]
domain = "try-us.example"
company_domain = "us.example"
spf_mechanism = "include:_spf.mail.example"
dkim_selector = "s1"
report_to = "dmarc@us.example"
warm_up_began = "2020-01-01"
{sender}
"#
    )
}

/// Standard output as text.
pub fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Standard error as text.
pub fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A running `reframe serve`. Killed when dropped.
pub struct Served {
    /// The process.
    pub child: Child,
    /// `127.0.0.1:PORT`.
    pub addr: String,
    /// What bots must show.
    pub token: String,
    /// What the pages for reviewing and for accounts must show.
    pub key: String,
    stderr: Arc<Mutex<String>>,
}

impl Served {
    /// Starts it with this configuration text in `dir/reframe.toml`, and waits until it listens.
    pub fn start(dir: &Path, config: &str) -> Self {
        Self::start_with(dir, config, &[])
    }

    /// The same, with these environment variables.
    pub fn start_with(dir: &Path, config: &str, env: &[(&str, &str)]) -> Self {
        Self::start_and(dir, config, env, |lines| drop(std::thread::spawn(move || lines.for_each(drop))))
    }

    /// The same; and once it listens nobody reads its output any more.
    pub fn start_unread(dir: &Path, config: &str) -> Self {
        Self::start_and(dir, config, &[], drop)
    }

    fn start_and(
        dir: &Path,
        config: &str,
        env: &[(&str, &str)],
        then: impl FnOnce(Lines<BufReader<ChildStdout>>),
    ) -> Self {
        std::fs::write(dir.join("reframe.toml"), format!("version = 1\n{config}")).unwrap();
        let mut child = reframe(dir)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = Arc::new(Mutex::new(String::new()));
        let (sink, mut pipe) = (Arc::clone(&stderr), child.stderr.take().unwrap());
        std::thread::spawn(move || {
            let mut part = [0; 4096];
            while let Ok(n @ 1..) = pipe.read(&mut part) {
                sink.lock().unwrap().push_str(&String::from_utf8_lossy(&part[..n]));
            }
        });
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (mut addr, mut token, mut key) = (None, None, None);
        while addr.is_none() || token.is_none() || key.is_none() {
            let Some(Ok(line)) = lines.next() else {
                panic!("the server did not start: {}", stderr.lock().unwrap());
            };
            if let Some(rest) = line.strip_prefix("listening on http://") {
                addr = Some(rest.to_owned());
            }
            if let Some(rest) = line.strip_prefix("token:") {
                token = Some(rest.trim().to_owned());
            }
            if let Some((_, rest)) = line.strip_prefix("review:").and_then(|link| link.split_once("#token=")) {
                key = Some(rest.trim().to_owned());
            }
        }
        then(lines);
        Self { child, addr: addr.unwrap(), token: token.unwrap(), key: key.unwrap(), stderr }
    }

    /// Where bots connect.
    pub fn ingest(&self) -> String {
        format!("ws://{}/v1/ingest", self.addr)
    }

    /// What it has written to standard error.
    pub fn log(&self) -> String {
        self.stderr.lock().unwrap().clone()
    }

    /// Asks it to stop, as a service manager does, and gives its exit code.
    pub fn terminate(&mut self) -> Option<i32> {
        self.signal("-TERM");
        self.child.wait().unwrap().code()
    }

    /// Sends a signal, as `kill` names it.
    pub fn signal(&self, name: &str) {
        Command::new("kill").arg(name).arg(self.child.id().to_string()).status().unwrap();
    }

    /// Kills it without warning.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Resident memory in kB; `None` where there is no `/proc`.
    pub fn resident_kb(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find(|l| l.starts_with("VmRSS:"))?;
        line.split_whitespace().nth(1)?.parse().ok()
    }

    /// The value of a metric without labels.
    pub fn metric(&self, name: &str) -> u64 {
        let (_, text) = self.get("/metrics");
        let line = text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in:\n{text}")).parse::<f64>().unwrap() as u64
    }

    /// GET over plain HTTP; status and body.
    pub fn get(&self, path: &str) -> (u16, String) {
        let mut socket = std::net::TcpStream::connect(&self.addr).unwrap();
        write!(socket, "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.addr).unwrap();
        let mut text = String::new();
        socket.read_to_string(&mut text).unwrap();
        let status = text.split(' ').nth(1).unwrap().parse().unwrap();
        (status, text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _already_waited = self.child.wait();
    }
}

/// The event log of a data folder, whether a server runs on it or not.
pub fn log(dir: &Path) -> SqliteLog {
    SqliteLog::open(dir.join("reframe-data/reframe.db"), SqliteOptions::default()).unwrap()
}

/// What is stored of a call; nothing if there is no such call.
pub fn stored(dir: &Path, id: &str) -> Vec<Event> {
    let id = CallId::new(id).unwrap();
    let log = log(dir);
    if log.call(&id).unwrap().is_none() { Vec::new() } else { log.read(&id, 0).unwrap() }
}

/// A screen's connection.
pub type Screen = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Host, socket address and token of a screen's link.
pub fn screen_of(link: &str) -> (String, String, String) {
    let (page, fragment) = link.split_once('#').unwrap();
    let (call, token) = fragment.strip_prefix("call=").unwrap().split_once("&token=").unwrap();
    let host = page.strip_prefix("http://").unwrap().strip_suffix("/overlay").unwrap();
    (host.to_owned(), format!("ws://{host}/v1/calls/{call}/screen"), token.to_owned())
}

/// A screen's first message.
pub fn hello(token: String) -> Message {
    Message::text(serde_json::to_string(&ClientMessage::Hello { v: 1, token, resume_from: None }).unwrap())
}

/// A screen that said hello.
pub async fn open_screen(link: &str) -> Screen {
    let (_, url, token) = screen_of(link);
    let (mut socket, _) = tokio_tungstenite::connect_async(url).await.unwrap();
    socket.send(hello(token)).await.unwrap();
    socket
}

/// What a screen is told next; `None` once it is told nothing more.
pub async fn told(screen: &mut Screen) -> Option<ServerBody> {
    while let Some(Ok(message)) = screen.next().await {
        let Message::Text(text) = message else { continue };
        return Some(serde_json::from_str::<ServerMessage>(&text).unwrap().body);
    }
    None
}

/// A screen that collects what it is told until the call is over.
pub async fn watch(link: String) -> Vec<ServerBody> {
    let mut screen = open_screen(&link).await;
    let mut bodies = Vec::new();
    while let Some(body) = told(&mut screen).await {
        let over = matches!(body, ServerBody::Ended(_));
        bodies.push(body);
        if over {
            break;
        }
    }
    bodies
}

/// A database that nobody else can write to, until this is dropped.
pub struct Locked {
    _connection: rusqlite::Connection,
}

impl Locked {
    /// Locks it.
    pub fn new(database: &Path) -> Self {
        let connection = rusqlite::Connection::open(database).unwrap();
        connection.busy_timeout(Duration::from_secs(10)).unwrap();
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        Self { _connection: connection }
    }
}

/// Waits until `done` holds; panics with `what` after a generous while. For events that follow, never for speed.
pub fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(60), "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Both sides of a fixture call as one stereo WAV, rep left, buyer right, at 16 kHz.
pub fn stereo_wav(name: &str, to: &Path) {
    let side = |file: &str| {
        let bytes = std::fs::read(call(name).join(file)).unwrap();
        let opus = reframe_audio::ogg_opus::OggOpus::read(std::io::Cursor::new(bytes)).unwrap();
        opus.decode(16_000).0.remove(0)
    };
    let (rep, buyer) = (side("rep.opus"), side("buyer.opus"));
    let samples = rep.len().max(buyer.len());
    let mut wav = Vec::with_capacity(44 + samples * 4);
    let bytes = u32::try_from(samples * 4).unwrap();
    wav.extend(b"RIFF");
    wav.extend((36 + bytes).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    wav.extend(16u32.to_le_bytes());
    for half in [1u16, 2] {
        wav.extend(half.to_le_bytes());
    }
    wav.extend(16_000u32.to_le_bytes());
    wav.extend(64_000u32.to_le_bytes());
    for half in [4u16, 16] {
        wav.extend(half.to_le_bytes());
    }
    wav.extend(b"data");
    wav.extend(bytes.to_le_bytes());
    for i in 0..samples {
        for channel in [&rep, &buyer] {
            wav.extend(channel.get(i).copied().unwrap_or(0).to_le_bytes());
        }
    }
    std::fs::write(to, wav).unwrap();
}
