//! `[whip]` of the configuration: who may join over WebRTC, and by which addresses and ports.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::{Context, bail};
use reframe_ingest::whip::{IceServer, WhipConfig, WhipCounters};
use reframe_serve::{Metrics, metrics::Kind};
use serde::Deserialize;

/// Joining with a browser or an encoder, over WHIP.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Whip {
    /// Whether `/v1/whip` and the page `/whip` are there.
    pub enabled: bool,
    /// UDP ports for media: `0` for any that is free, or `FIRST-LAST`. Each session takes one.
    pub udp_ports: String,
    /// Addresses people's browsers are told to send to. Empty: loopback if `server.listen` is, else every interface of this
    /// machine. An address that is not of this machine is taken for its public one.
    pub addresses: Vec<IpAddr>,
    /// STUN servers: `stun:HOST:PORT`. None: nobody outside is asked for our address.
    pub stun: Vec<String>,
    /// TURN servers.
    pub turn: Vec<Turn>,
    /// Sessions at the same time; a further one is refused.
    pub max_sessions: usize,
}

/// A TURN server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    /// `turn:HOST:PORT?transport=udp`; several are several ways to one server.
    pub urls: Vec<String>,
    /// Name of the environment variable that holds the user name.
    pub username_env: String,
    /// Name of the environment variable that holds the password.
    pub credential_env: String,
}

impl Default for Whip {
    fn default() -> Self {
        Self {
            enabled: true,
            udp_ports: "0".to_owned(),
            addresses: Vec::new(),
            stun: Vec::new(),
            turn: Vec::new(),
            max_sessions: 32,
        }
    }
}

impl Whip {
    /// Whether the values make sense.
    ///
    /// # Errors
    /// If not; the message says what to write.
    pub fn check(&self) -> anyhow::Result<()> {
        ports(&self.udp_ports)?;
        if self.max_sessions == 0 {
            bail!("whip.max_sessions = 0 would let nobody in; write 1 or more, or whip.enabled = false");
        }
        if let Some(url) = self.stun.iter().find(|url| !url.starts_with("stun:")) {
            bail!("whip.stun has `{url}`; write stun:HOST:PORT");
        }
        let urls = self.turn.iter().flat_map(|turn| &turn.urls);
        if let Some(url) = urls.clone().find(|url| !(url.starts_with("turn:") || url.starts_with("turns:"))) {
            bail!("whip.turn has `{url}`; write turn:HOST:PORT?transport=udp");
        }
        Ok(())
    }

    /// The settings of the ingest, with the passwords from the environment.
    ///
    /// # Errors
    /// If a variable that is named is not set.
    pub fn ingest(&self, listen: SocketAddr, max_tracks: usize, origins: &[String]) -> anyhow::Result<WhipConfig> {
        let mut config = WhipConfig::new(listen.ip());
        config.udp_ports = ports(&self.udp_ports)?;
        config.addresses.clone_from(&self.addresses);
        config.max_sessions = self.max_sessions;
        config.max_tracks = config.max_tracks.min(max_tracks);
        config.allowed_origins = origins.to_vec();
        let stun = |url: &String| IceServer { url: url.clone(), credential: None };
        config.ice_servers = self.stun.iter().map(stun).collect();
        for turn in &self.turn {
            let variable = |name: &String| {
                std::env::var(name).with_context(|| {
                    format!("whip.turn names {name}, and that is not set; set it, or take the server out")
                })
            };
            let credential = Some((variable(&turn.username_env)?, variable(&turn.credential_env)?));
            let server = |url: &String| IceServer { url: url.clone(), credential: credential.clone() };
            config.ice_servers.extend(turn.urls.iter().map(server));
        }
        Ok(config)
    }
}

/// Shows what WHIP counts in `/metrics`.
pub fn export(metrics: &Metrics, counters: &Arc<WhipCounters>) {
    let counters = Arc::clone(counters);
    metrics.source(move |text| {
        let c = &counters;
        text.family("reframe_whip_sessions", Kind::Gauge, "WHIP sessions open.");
        text.sample("reframe_whip_sessions", &[], c.open.load(Ordering::Relaxed) as f64);
        let all: [(&str, &str, &AtomicU64); 12] = [
            ("reframe_whip_sessions_total", "WHIP sessions made.", &c.sessions),
            ("reframe_whip_refused_total", "WHIP requests refused.", &c.refused),
            ("reframe_whip_ice_restarts_total", "ICE restarts.", &c.restarts),
            ("reframe_whip_returned_total", "Peers that came back on a new connection.", &c.returned),
            ("reframe_whip_packets_total", "RTP packets handed to calls.", &c.packets),
            ("reframe_whip_overflowed_total", "RTP packets a session had no room for.", &c.overflowed),
            ("reframe_whip_too_fast_total", "RTP packets dropped: faster than real time.", &c.too_fast),
            ("reframe_whip_lost_total", "RTP packets that never came, of sessions that are over.", &c.lost),
            ("reframe_whip_late_total", "RTP packets too late or twice, of sessions that are over.", &c.late),
            ("reframe_whip_reordered_total", "RTP packets put back in order, of sessions that are over.", &c.reordered),
            ("reframe_whip_pauses_total", "Times nothing came of a track, of sessions that are over.", &c.pauses),
            (
                "reframe_whip_corrections_total",
                "Corrections of tracks against this machine's clock, of sessions that are over.",
                &c.corrections,
            ),
        ];
        for (name, help, value) in all {
            text.family(name, Kind::Counter, help);
            text.sample(name, &[], value.load(Ordering::Relaxed) as f64);
        }
    });
}

/// `0`, or `FIRST-LAST`.
fn ports(text: &str) -> anyhow::Result<Option<(u16, u16)>> {
    let range = text
        .split_once('-')
        .and_then(|(first, last)| Some((first.trim().parse::<u16>().ok()?, last.trim().parse::<u16>().ok()?)));
    match (text.trim(), range) {
        ("0", _) => Ok(None),
        (_, Some((first, last))) if 0 < first && first <= last => Ok(Some((first, last))),
        _ => bail!("whip.udp_ports = \"{text}\" is no range of ports; write \"0\" or, for example, \"50000-50010\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_ports() {
        assert_eq!(ports("0").unwrap(), None);
        assert_eq!(ports("50000-50010").unwrap(), Some((50_000, 50_010)));
        assert_eq!(ports("50000 - 50000").unwrap(), Some((50_000, 50_000)));
        for bad in ["", "-", "5", "0-5", "10-5", "1-70000", "a-b"] {
            assert!(ports(bad).unwrap_err().to_string().contains("50000-50010"), "{bad}");
        }
    }

    #[test]
    fn what_makes_no_sense_says_what_to_write() {
        let of = |change: fn(&mut Whip)| {
            let mut whip = Whip::default();
            change(&mut whip);
            whip.check().unwrap_err().to_string()
        };
        assert!(of(|w| w.max_sessions = 0).contains("enabled = false"));
        assert!(of(|w| w.stun.push("example.net".into())).contains("stun:HOST:PORT"));
        let turn = || Turn { urls: vec!["example.net".into()], username_env: "U".into(), credential_env: "P".into() };
        assert!(
            of(|w| w.turn.push(Turn {
                urls: vec!["example.net".into()],
                username_env: "U".into(),
                credential_env: "P".into()
            }))
            .contains("turn:HOST")
        );
        let mut whip = Whip { turn: vec![turn()], ..Whip::default() };
        whip.turn[0].urls = vec!["turn:example.net".into()];
        whip.turn[0].username_env = "REFRAME_TEST_VARIABLE_THAT_IS_NOT_SET".into();
        let error = whip.ingest(([127, 0, 0, 1], 1).into(), 4, &[]).unwrap_err().to_string();
        assert!(error.contains("REFRAME_TEST_VARIABLE_THAT_IS_NOT_SET"), "{error}");
    }
}
