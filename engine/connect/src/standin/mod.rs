//! A stand-in for HubSpot and Gmail: one server on this machine with a face for each, for tests and for trying the
//! program without an account.
//!
//! It keeps everything in memory, writes each request into a journal that only grows, has a clock of its own that is moved
//! by hand, and misbehaves by script ([`Fault`]): that is what the connectors' conduct is proved with. That it is like the
//! vendors is checked by driving it with their own published clients (tests/vendors).
//!
//! `GET /_journal`, `POST /_clock/advance {"ms":…}` and `POST /_faults [{…}]` are for tests that cannot reach [`StandIn`].

mod faults;
mod gmail;
mod hubspot;
mod journal;
pub mod model;
mod serve;
mod tokens;
mod wire;
mod world;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};

use self::world::World;
pub use self::{
    faults::{Fault, Rule, SLOW_MS},
    journal::{Change, Entry},
};

/// The key that is always accepted, unless a fault says otherwise.
pub const KEY: &str = "standin-key";
/// The refresh token for which access tokens are given out.
pub const REFRESH_TOKEN: &str = "standin-refresh";

/// How a stand-in behaves where no script says anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Port on this machine; 0: any that is free.
    pub port: u16,
    /// Life of an access token, in ms of its clock.
    pub token_life_ms: u64,
    /// How long after a write the search does not know of it, in ms of its clock.
    pub search_lag_ms: u64,
    /// Requests in ten seconds of its clock that HubSpot's face answers; nothing: any number.
    pub per_10_s: Option<u32>,
    /// Of 100 requests, how many meet a fault drawn by lot.
    pub percent_faulty: u8,
    /// What the lots are drawn from; the same seed and the same requests give the same faults.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { port: 0, token_life_ms: 30 * 60 * 1_000, search_lag_ms: 0, per_10_s: None, percent_faulty: 0, seed: 1 }
    }
}

/// A running stand-in; stops when it is dropped.
#[derive(Debug)]
pub struct StandIn {
    at: SocketAddr,
    world: Arc<Mutex<World>>,
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl StandIn {
    /// Starts one on this machine.
    ///
    /// # Errors
    /// If its port cannot be had.
    pub fn start(options: &Options) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))?;
        let at = listener.local_addr()?;
        let world = Arc::new(Mutex::new(World::new(options)));
        let stopping = Arc::new(AtomicBool::new(false));
        let (shared, stop) = (Arc::clone(&world), Arc::clone(&stopping));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stop.load(Ordering::SeqCst) {
                    break;
                }
                let Ok(stream) = stream else { continue };
                let world = Arc::clone(&shared);
                // One thread a connection: a slow answer must not hold up the others.
                std::thread::spawn(move || serve::connection(&stream, &world));
            }
        });
        Ok(Self { at, world, stopping, thread: Some(thread) })
    }

    /// Its address: `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.at)
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds faults to the script.
    pub fn fault(&self, rules: impl IntoIterator<Item = Rule>) {
        self.world().script.add(rules);
    }

    /// Moves its clock on.
    pub fn advance(&self, ms: u64) {
        self.world().advance(ms);
    }

    /// Every request so far.
    #[must_use]
    pub fn journal(&self) -> Vec<Entry> {
        self.world().journal.clone()
    }

    /// Every change that took effect so far, and was asked for over the wire.
    #[must_use]
    pub fn changes(&self) -> Vec<Change> {
        self.journal().into_iter().filter_map(|e| e.change).collect()
    }

    /// Puts a record of HubSpot's there, as if somebody had made it by hand; gives its id. `links` are kind and id.
    pub fn put(&self, kind: &str, properties: &[(&str, &str)], links: &[(&str, &str)]) -> String {
        self.world().put(kind, properties, links)
    }

    /// Changes a property of a record of HubSpot's by hand.
    pub fn touch(&self, kind: &str, id: &str, property: &str, value: &str) {
        self.world().touch(kind, id, property, value);
    }

    /// Changes a draft of Gmail's by hand.
    pub fn edit_draft(&self, id: &str, raw: &[u8]) {
        self.world().edit_draft(id, raw);
    }

    /// Waits until it is stopped from outside: for the program that is nothing but a stand-in.
    pub fn wait(mut self) {
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for a connection.
        TcpStream::connect(self.at).ok();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}
