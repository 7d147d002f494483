//! A `reframe serve` of our own to measure, as a process of its own.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use reframe_bots::play::Player;
use serde::de::DeserializeOwned;
use tempfile::TempDir;

use crate::{figures::Figures, process};

/// The server listens on this machine only, for as long as the measurement takes.
const TOKEN: &str = "the-token-of-a-measurement-on-loopback";
/// Where the server finds it.
const TOKEN_ENV: &str = "REFRAME_BENCH_TOKEN";

/// A way into the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Over {
    /// WebRTC
    Whip,
    /// WebSocket
    Socket,
}

impl Over {
    /// As `reframe demo --over` has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Whip => "whip",
            Self::Socket => "socket",
        }
    }
}

/// The way to a server.
#[derive(Clone, Debug)]
pub struct Connection {
    addr: String,
}

impl Connection {
    /// A player into it.
    pub fn player(&self, over: Over) -> Player {
        let url = match over {
            Over::Whip => format!("http://{}/v1/whip", self.addr),
            Over::Socket => self.ingest(),
        };
        Player::new(url).token(TOKEN)
    }

    /// Address of its WebSocket ingest.
    pub fn ingest(&self) -> String {
        format!("ws://{}/v1/ingest", self.addr)
    }

    /// What a bot has to show there.
    pub const fn token(&self) -> &'static str {
        TOKEN
    }
}

/// What a server is started with.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Calls it takes at once.
    pub calls: u32,
    /// A data folder that is there already; without one, an empty one of its own.
    pub data: Option<PathBuf>,
    /// Names of our own people, for platforms that do not say who is the rep.
    pub people: Vec<String>,
}

/// A running server; killed when dropped, its data with it, unless they were there before.
pub struct Serving {
    child: Child,
    addr: String,
    /// Link to the review page, with its token.
    review: String,
    /// From starting the program to its taking connections.
    ready: Duration,
    data: PathBuf,
    _dir: TempDir,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _already_waited = self.child.wait();
    }
}

impl Serving {
    /// Starts one that takes `calls` calls at once.
    ///
    /// # Errors
    /// If the program is missing or does not start.
    pub fn start(calls: u32) -> anyhow::Result<Self> {
        Self::with(&Options { calls, ..Options::default() })
    }

    /// Starts one. It does not review the deals at night, so that no measurement falls into that.
    ///
    /// # Errors
    /// If the program is missing or does not start.
    pub fn with(options: &Options) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let data = options.data.clone().unwrap_or_else(|| dir.path().join("reframe-data"));
        let config = format!(
            "version = 1\n[server]\ningest_token_env = \"{TOKEN_ENV}\"\n[limits]\nmax_calls = {}\n[data]\ndir = {data:?}\n\
             [workflow]\nnightly_at = \"\"\n[people]\nnames = {:?}\n",
            options.calls, options.people
        );
        std::fs::write(dir.path().join("reframe.toml"), config)?;
        let begun = Instant::now();
        let mut child = Command::new(process::reframe()?)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .current_dir(dir.path())
            .env(TOKEN_ENV, TOKEN)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("the server cannot be started")?;
        let mut lines = BufReader::new(child.stdout.take().context("no output")?).lines();
        let (addr, review, ready) = (String::new(), String::new(), Duration::ZERO);
        let mut this = Self { child, addr, review, ready, data, _dir: dir };
        while this.review.is_empty() {
            let Some(line) = lines.next() else { bail!("the server did not start") };
            let line = line?;
            if let Some(addr) = line.strip_prefix("listening on http://") {
                this.ready = begun.elapsed();
                addr.clone_into(&mut this.addr);
            }
            if let Some(url) = line.strip_prefix("review:") {
                url.trim().clone_into(&mut this.review);
            }
        }
        std::thread::spawn(move || lines.for_each(drop));
        Ok(this)
    }

    /// Link to the review page, with its token.
    pub fn review(&self) -> &str {
        &self.review
    }

    /// From starting the program to its taking connections.
    pub const fn ready(&self) -> Duration {
        self.ready
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A player into it.
    pub fn player(&self, over: Over) -> Player {
        self.connection().player(over)
    }

    /// The way to it, for whoever does not hold it.
    pub fn connection(&self) -> Connection {
        Connection { addr: self.addr.clone() }
    }

    /// Memory it uses now, in KiB.
    ///
    /// # Errors
    /// If that cannot be read (Linux only).
    pub fn memory_kib(&self) -> anyhow::Result<u64> {
        process::status_kib(self.pid(), "VmRSS")
    }

    /// All of its `/metrics`.
    ///
    /// # Errors
    /// If it does not answer.
    pub fn metrics(&self) -> anyhow::Result<String> {
        let mut socket = TcpStream::connect(&self.addr)?;
        socket.set_read_timeout(Some(Duration::from_secs(10)))?;
        write!(socket, "GET /metrics HTTP/1.0\r\nHost: {}\r\n\r\n", self.addr)?;
        let mut text = String::new();
        socket.read_to_string(&mut text)?;
        Ok(text)
    }

    /// A value of its `/metrics`, by its name with labels.
    ///
    /// # Errors
    /// If it does not answer, or has no such value.
    pub fn metric(&self, name: &str) -> anyhow::Result<f64> {
        value(&self.metrics()?, name).with_context(|| format!("the server has no metric {name}"))
    }

    /// From a packet's being read from its socket to its frames being handed to their call, over all frames so far: decoding,
    /// resampling, putting in order, and waiting for the other participants' packets are in it.
    ///
    /// # Errors
    /// If it does not answer, or does not say.
    pub fn packet_to_frame(&self) -> anyhow::Result<Figures> {
        const NAME: &str = "reframe_packet_to_frame_seconds";
        let text = self.metrics()?;
        let read = |name: String| value(&text, &name).with_context(|| format!("the server has no metric {name}"));
        let ms = |quantile: &str| -> anyhow::Result<f64> {
            Ok((read(format!("{NAME}{{quantile=\"{quantile}\"}}"))? * 1e5).round() / 100.0)
        };
        let n = read(format!("{NAME}_count"))? as u64;
        let (p50_ms, p90_ms, p95_ms) = (ms("0.5")?, ms("0.9")?, ms("0.95")?);
        Ok(Figures { n, p50_ms, p90_ms, p95_ms, p99_ms: ms("0.99")?, max_ms: ms("1")? })
    }

    /// The event log of a finished call, waited for.
    ///
    /// # Errors
    /// If it is not written within a minute, or its lines are something else.
    pub fn events<T: DeserializeOwned>(&self, call: &str) -> anyhow::Result<Vec<T>> {
        let text = waited_for(&self.data.join(format!("calls/{call}.events.jsonl")))?;
        text.lines().map(|l| serde_json::from_str(l).context("the event log is not JSON")).collect()
    }
}

/// A value in the text of `/metrics`, by its name with labels.
pub fn value(metrics: &str, name: &str) -> Option<f64> {
    metrics.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
}

/// The text of an event log once its last event is in it.
fn waited_for(path: &Path) -> anyhow::Result<String> {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        if text.ends_with('\n') && text.lines().last().is_some_and(is_last) {
            return Ok(text);
        }
        if Instant::now() > deadline {
            bail!("{} was not written to its end", path.display());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Whether an event is the last of a call.
fn is_last(line: &str) -> bool {
    let event: Option<serde_json::Value> = serde_json::from_str(line).ok();
    event.is_some_and(|e| matches!(e["event"].as_str(), Some("call_ended" | "call_failed")))
}

/// The folder of a fixture call.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/calls").join(name)
}
