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
use tempfile::TempDir;

use crate::process;

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

/// A running server; killed when dropped, its data with it.
pub struct Serving {
    child: Child,
    addr: String,
    dir: TempDir,
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
        let dir = tempfile::tempdir()?;
        let config =
            format!("version = 1\n[server]\ningest_token_env = \"{TOKEN_ENV}\"\n[limits]\nmax_calls = {calls}\n");
        std::fs::write(dir.path().join("reframe.toml"), config)?;
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
        let mut this = Self { child, addr: String::new(), dir };
        while this.addr.is_empty() {
            let Some(line) = lines.next() else { bail!("the server did not start") };
            if let Some(addr) = line?.strip_prefix("listening on http://") {
                addr.clone_into(&mut this.addr);
            }
        }
        std::thread::spawn(move || lines.for_each(drop));
        Ok(this)
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A player into it.
    pub fn player(&self, over: Over) -> Player {
        let url = match over {
            Over::Whip => format!("http://{}/v1/whip", self.addr),
            Over::Socket => format!("ws://{}/v1/ingest", self.addr),
        };
        Player::new(url).token(TOKEN)
    }

    /// Memory it uses now, in KiB.
    ///
    /// # Errors
    /// If that cannot be read (Linux only).
    pub fn memory_kib(&self) -> anyhow::Result<u64> {
        process::status_kib(self.pid(), "VmRSS")
    }

    /// A value of its `/metrics`, by its name with labels.
    ///
    /// # Errors
    /// If it does not answer, or has no such value.
    pub fn metric(&self, name: &str) -> anyhow::Result<f64> {
        let mut socket = TcpStream::connect(&self.addr)?;
        socket.set_read_timeout(Some(Duration::from_secs(10)))?;
        write!(socket, "GET /metrics HTTP/1.0\r\nHost: {}\r\n\r\n", self.addr)?;
        let mut text = String::new();
        socket.read_to_string(&mut text)?;
        let line = text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|v| v.trim().parse().ok()).with_context(|| format!("the server has no metric {name}"))
    }

    /// The event log of a finished call, waited for.
    ///
    /// # Errors
    /// If it is not written within a minute.
    pub fn events(&self, call: &str) -> anyhow::Result<Vec<serde_json::Value>> {
        let path = self.dir.path().join(format!("reframe-data/calls/{call}.events.jsonl"));
        let text = waited_for(&path)?;
        text.lines().map(|l| serde_json::from_str(l).context("the event log is not JSON")).collect()
    }
}

fn waited_for(path: &Path) -> anyhow::Result<String> {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !path.is_file() {
        if Instant::now() > deadline {
            bail!("{} was not written", path.display());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(std::fs::read_to_string(path)?)
}

/// The folder of a fixture call.
pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/calls").join(name)
}
