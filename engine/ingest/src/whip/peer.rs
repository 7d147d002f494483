//! Our end of one WebRTC connection: answers an offer, hands on packets as they come, and says how it is doing.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodec, RTCRtpCodecParameters, RTCRtpHeaderExtensionCapability, RtpCodecKind,
};
use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};
use webrtc::{
    media_stream::track_remote::{TrackRemote, TrackRemoteEvent},
    peer_connection::{
        MediaEngine, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCConfigurationBuilder,
        RTCIceCandidateInit, RTCIceGatheringState, RTCIceServer, RTCPeerConnectionState, RTCSessionDescription,
        Registry, SettingEngineBuilder, configure_rtcp_reports,
    },
};

use super::{
    config::WhipConfig,
    ports::{Lease, Ports},
    protocol::Refused,
    sdp::{Ice, Offer},
};
use crate::rtp::RtpPacket;

/// A packet as it came from the network.
pub struct Arrived {
    /// Which audio line, counted from 0.
    pub line: usize,
    /// When.
    pub at: Instant,
    /// What.
    pub packet: RtpPacket,
}

/// How a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerState {
    /// On the way.
    Connecting,
    /// Media can flow.
    Connected,
    /// Nothing comes; it may come back.
    Disconnected,
    /// It will not come back by itself.
    Failed,
}

/// Our end of a connection.
pub struct Peer {
    connection: Arc<dyn PeerConnection>,
    state: watch::Receiver<PeerState>,
    gathered: watch::Receiver<u64>,
    gather_timeout: Duration,
    public: Vec<IpAddr>,
    /// Given back once the sockets are closed.
    _port: Lease,
}

struct Handler {
    state: watch::Sender<PeerState>,
    gathered: watch::Sender<u64>,
    packets: mpsc::Sender<Arrived>,
    overflowed: Arc<AtomicU64>,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        let state = match state {
            RTCPeerConnectionState::Connected => PeerState::Connected,
            RTCPeerConnectionState::Disconnected => PeerState::Disconnected,
            RTCPeerConnectionState::Failed | RTCPeerConnectionState::Closed => PeerState::Failed,
            // On the way again, after a break: not connected yet.
            _ if *self.state.borrow() == PeerState::Connecting => PeerState::Connecting,
            _ => PeerState::Disconnected,
        };
        self.state.send_replace(state);
    }

    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.gathered.send_modify(|times| *times += 1);
        }
    }

    async fn on_track(&self, track: Arc<dyn TrackRemote>) {
        let (packets, overflowed) = (self.packets.clone(), Arc::clone(&self.overflowed));
        // This runs on the connection's own task, which must go on.
        tokio::spawn(async move {
            let name = track.track_id().await;
            let Some(line) = name.strip_prefix("line-").and_then(|n| n.parse().ok()) else {
                return tracing::warn!("a track that no line of the offer announced");
            };
            hand_on(track.as_ref(), line, &packets, &overflowed).await;
        });
    }
}

/// Hands packets on as they come and does nothing else: what is not taken in time is lost before we see it.
async fn hand_on(track: &dyn TrackRemote, line: usize, packets: &mpsc::Sender<Arrived>, overflowed: &AtomicU64) {
    while let Some(event) = track.poll().await {
        let at = Instant::now();
        match event {
            TrackRemoteEvent::OnRtpPacket(packet) => {
                let packet = RtpPacket {
                    ssrc: packet.header.ssrc,
                    sequence: packet.header.sequence_number,
                    timestamp: packet.header.timestamp,
                    contributor: packet.header.csrc.first().copied(),
                    payload: packet.payload.to_vec(),
                };
                match packets.try_send(Arrived { line, at, packet }) {
                    Ok(()) => {}
                    Err(mpsc::error::TrySendError::Full(_)) => {
                        overflowed.fetch_add(1, Ordering::Relaxed);
                    }
                    Err(mpsc::error::TrySendError::Closed(_)) => return,
                }
            }
            TrackRemoteEvent::OnEnded => return,
            _ => {}
        }
    }
}

/// Where media is taken, and what peers are told if that is something else.
fn addresses(config: &WhipConfig) -> (Vec<IpAddr>, Vec<IpAddr>) {
    let ours = |address: &IpAddr| UdpSocket::bind((*address, 0)).is_ok();
    let (local, public): (Vec<IpAddr>, Vec<IpAddr>) = config.addresses.iter().partition(|a| ours(a));
    if !public.is_empty() {
        return (vec![Ipv4Addr::UNSPECIFIED.into()], config.addresses.clone());
    }
    if !local.is_empty() {
        return (local, Vec::new());
    }
    let any = if config.listen_ip.is_loopback() { config.listen_ip } else { Ipv4Addr::UNSPECIFIED.into() };
    (vec![any], Vec::new())
}

fn internal(error: impl std::fmt::Display) -> Refused {
    Refused::new(500, format!("the connection could not be set up: {error}"))
}

impl Peer {
    /// Answers `offer`; packets go to `packets`, and what it has no room for is counted in `overflowed`.
    ///
    /// # Errors
    /// 422 if nothing can be made of the offer, 503 if no port is free, 500 if our side fails.
    pub async fn answer(
        config: &WhipConfig,
        ports: &Arc<Ports>,
        offer: &Offer,
        packets: mpsc::Sender<Arrived>,
        overflowed: Arc<AtomicU64>,
    ) -> Result<(Self, String), Refused> {
        let (bind, public) = addresses(config);
        let port = ports
            .lease(&bind)
            .ok_or_else(|| Refused::new(503, "every UDP port of whip.udp_ports is in use; try again later"))?;
        let (state, state_seen) = watch::channel(PeerState::Connecting);
        let (gathered, gathered_seen) = watch::channel(0);
        let handler = Handler { state, gathered, packets, overflowed };
        let ice_servers = config.ice_servers.iter().map(|server| {
            let (username, credential) = server.credential.clone().unwrap_or_default();
            RTCIceServer { urls: vec![server.url.clone()], username, credential }
        });
        let settings = SettingEngineBuilder::new()
            .with_include_loopback_candidate(bind.iter().any(IpAddr::is_loopback))
            // Between disconnected and failed lies the time a peer has to come back; a keep-alive must fit into the time
            // until disconnected more than once.
            .with_ice_timeouts(
                Some(config.disconnected_after),
                Some(config.return_timeout),
                Some(config.disconnected_after / 4),
            )
            .build();
        let media = media_engine().map_err(internal)?;
        let registry = configure_rtcp_reports(Registry::new());
        let connection = PeerConnectionBuilder::new()
            .with_configuration(RTCConfigurationBuilder::new().with_ice_servers(ice_servers.collect()).build())
            .with_media_engine(media)
            .with_setting_engine(settings)
            .with_interceptor_registry(registry)
            .with_handler(Arc::new(handler))
            .with_udp_addrs(bind.iter().map(|&ip| SocketAddr::new(ip, port.port)).collect())
            .build()
            .await
            .map_err(internal)?;
        let peer = Self {
            connection: Arc::new(connection),
            state: state_seen,
            gathered: gathered_seen,
            gather_timeout: config.gather_timeout,
            public,
            _port: port,
        };
        match peer.negotiate(offer).await {
            Ok(answer) => Ok((peer, answer)),
            Err(refused) => {
                peer.close().await;
                Err(refused)
            }
        }
    }

    /// Applies an offer, the first or one that restarts ICE, and gives the answer for the peer.
    ///
    /// # Errors
    /// 422 if nothing can be made of it, 500 if our side fails.
    pub async fn negotiate(&self, offer: &Offer) -> Result<String, Refused> {
        let mut gathered = self.gathered.clone();
        let before = *gathered.borrow_and_update();
        let unfit = |error: webrtc::error::Error| Refused::new(422, format!("the offer cannot be used: {error}"));
        let theirs = RTCSessionDescription::offer(offer.for_peer()).map_err(unfit)?;
        self.connection.set_remote_description(theirs).await.map_err(unfit)?;
        let ours = self.connection.create_answer(None).await.map_err(unfit)?;
        self.connection.set_local_description(ours).await.map_err(internal)?;
        // Late candidates of a slow STUN server are done without.
        if timeout(self.gather_timeout, gathered.wait_for(|&times| times > before)).await.is_err() {
            tracing::warn!("STUN or TURN servers did not answer in time; peers are told the candidates there are");
        }
        let ours = self.connection.local_description().await.ok_or_else(|| internal("no answer was made"))?;
        offer.answer(&ours.sdp, &self.public)
    }

    /// More candidates of the peer. One that cannot be used is left out; others may do.
    pub async fn add_candidates(&self, ice: &Ice) {
        for candidate in &ice.candidates {
            let init = RTCIceCandidateInit {
                candidate: candidate.clone(),
                sdp_mline_index: Some(0),
                username_fragment: Some(ice.ufrag.clone()),
                ..RTCIceCandidateInit::default()
            };
            if let Err(error) = self.connection.add_ice_candidate(init).await {
                tracing::debug!(%error, "a candidate of a WHIP peer is left out");
            }
        }
    }

    /// How it is doing.
    pub fn state(&self) -> watch::Receiver<PeerState> {
        self.state.clone()
    }

    /// Closes it. Its sockets are free afterwards.
    pub async fn close(&self) {
        if let Err(error) = self.connection.close().await {
            tracing::debug!(%error, "a WHIP connection was closed already");
        }
    }
}

/// Opus and nothing else.
fn media_engine() -> Result<MediaEngine, webrtc::error::Error> {
    let mut media = MediaEngine::default();
    let opus = RTCRtpCodecParameters {
        rtp_codec: RTCRtpCodec {
            mime_type: "audio/opus".into(),
            clock_rate: 48_000,
            channels: 2,
            // One channel, and the loss of a packet partly made good by the next.
            sdp_fmtp_line: "minptime=10;useinbandfec=1".into(),
            rtcp_feedback: Vec::new(),
        },
        payload_type: 111,
    };
    media.register_codec(opus, RtpCodecKind::Audio)?;
    let mid = RTCRtpHeaderExtensionCapability { uri: "urn:ietf:params:rtp-hdrext:sdes:mid".into() };
    media.register_header_extension(mid, RtpCodecKind::Audio, None)?;
    Ok(media)
}
