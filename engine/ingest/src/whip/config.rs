//! Settings of the WHIP ingest.

use std::{net::IpAddr, time::Duration};

use crate::socket::limit::LimitConfig;

/// A STUN or TURN server. Its `Debug` leaves the credential out.
#[derive(Clone, PartialEq, Eq)]
pub struct IceServer {
    /// `stun:HOST:PORT` or `turn:HOST:PORT?transport=udp`.
    pub url: String,
    /// TURN: who asks, and the password.
    pub credential: Option<(String, String)>,
}

impl std::fmt::Debug for IceServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IceServer").field("url", &self.url).finish_non_exhaustive()
    }
}

/// Settings of the WHIP ingest.
#[derive(Clone, Debug)]
pub struct WhipConfig {
    /// First and last UDP port for media; `None`: any free one. Every session takes one.
    pub udp_ports: Option<(u16, u16)>,
    /// Addresses peers are told to send to. One that is not of this machine is taken for its public address: media is then
    /// taken on all interfaces, and peers are told this one. None: `listen_ip` decides.
    pub addresses: Vec<IpAddr>,
    /// Where the server listens for HTTP: on loopback, media is taken on loopback, else on all interfaces.
    pub listen_ip: IpAddr,
    /// STUN and TURN servers, for us and, in `Link` headers, for peers. None unless listed: nothing is asked outside.
    pub ice_servers: Vec<IceServer>,
    /// Sessions at the same time. Default 32.
    pub max_sessions: usize,
    /// Audio lines of one session. Default 8.
    pub max_tracks: usize,
    /// Web origins, besides this server's own, whose pages may join: `https://crm.example.com`.
    pub allowed_origins: Vec<String>,
    /// What a session may send.
    pub limit: LimitConfig,
    /// How long a request's body may take. Default 10 s.
    pub body_timeout: Duration,
    /// How long the gathering of candidates may take. Default 5 s; without STUN and TURN it takes a moment.
    pub gather_timeout: Duration,
    /// A session that is not connected by then is closed. Default 30 s.
    pub connect_timeout: Duration,
    /// Nothing, not even a keep-alive, for so long: disconnected. Default 4 s.
    pub disconnected_after: Duration,
    /// A disconnected session is kept for its peer for so long. Default 30 s.
    pub return_timeout: Duration,
}

impl WhipConfig {
    /// Defaults for a server that listens for HTTP on `listen_ip`.
    #[must_use]
    pub const fn new(listen_ip: IpAddr) -> Self {
        Self {
            udp_ports: None,
            addresses: Vec::new(),
            listen_ip,
            ice_servers: Vec::new(),
            max_sessions: 32,
            max_tracks: 8,
            allowed_origins: Vec::new(),
            limit: LimitConfig::DEFAULT,
            body_timeout: Duration::from_secs(10),
            gather_timeout: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(30),
            disconnected_after: Duration::from_secs(4),
            return_timeout: Duration::from_secs(30),
        }
    }
}
