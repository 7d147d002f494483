//! A WHIP client (RFC 9725): one peer connection, one sending audio line per participant. Who calls it numbers the RTP
//! packets, so that a bad network can be played.

mod http;
mod network;
mod packets;

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, bail, ensure};
use rtc::{
    media_stream::MediaStreamTrack,
    peer_connection::configuration::media_engine::MIME_TYPE_OPUS,
    rtp_transceiver::{
        RTCRtpTransceiverDirection, RTCRtpTransceiverInit,
        rtp_sender::{
            RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters, RtpCodecKind,
        },
    },
};
use tokio::{sync::watch, time::timeout};
use webrtc::{
    media_stream::track_local::{TrackLocal, static_rtp::TrackLocalStaticRTP},
    peer_connection::{
        MediaEngine, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceGatheringState,
        RTCPeerConnectionState, RTCSessionDescription, Registry, SettingEngineBuilder, register_default_interceptors,
    },
};

use self::http::Endpoint;
pub use self::{
    network::{Bad, Network, Random},
    packets::{Line, Numbered},
};

/// The payload type browsers use for Opus, too.
const OPUS: u8 = 111;
/// For gathering our own addresses; without STUN that takes no time.
const GATHER: Duration = Duration::from_secs(10);
/// From the server's answer to sound: ICE and DTLS.
const CONNECT: Duration = Duration::from_secs(20);

/// How the connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// On the way.
    Connecting,
    /// Up.
    Connected,
    /// Gone for now; it may come back by itself.
    Disconnected,
    /// Gone for good.
    Failed,
}

/// A WHIP session that sends.
pub struct Session {
    peer: Arc<dyn PeerConnection>,
    lines: Vec<(Arc<TrackLocalStaticRTP>, u32)>,
    endpoint: Endpoint,
    session: ureq::http::Uri,
    state: watch::Receiver<State>,
    /// Where the rep's screen is, if the server says so. Holds a token: show it to the rep, never log it.
    pub overlay_url: Option<String>,
    /// The call's id, if the server says it.
    pub call: Option<String>,
}

struct Events {
    gathered: watch::Sender<bool>,
    state: watch::Sender<State>,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Events {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.gathered.send_replace(true);
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        tracing::debug!(%state, "WHIP connection");
        self.state.send_replace(match state {
            RTCPeerConnectionState::Connected => State::Connected,
            RTCPeerConnectionState::Disconnected => State::Disconnected,
            RTCPeerConnectionState::Failed | RTCPeerConnectionState::Closed => State::Failed,
            _ => State::Connecting,
        });
    }
}

fn opus() -> RTCRtpCodec {
    RTCRtpCodec {
        mime_type: MIME_TYPE_OPUS.to_owned(),
        clock_rate: 48_000,
        // Always two (RFC 7587), whatever is in the packets.
        channels: 2,
        sdp_fmtp_line: "minptime=10;useinbandfec=1".to_owned(),
        rtcp_feedback: vec![],
    }
}

impl Session {
    /// Opens a session at the WHIP endpoint `url` with one audio line for each name in `lines`, and waits until sound
    /// can be sent.
    ///
    /// # Errors
    /// What went wrong or why the server refused, in its words.
    pub async fn open(url: &str, token: Option<String>, lines: &[Line]) -> anyhow::Result<Self> {
        ensure!(!lines.is_empty(), "a WHIP session needs a line to send");
        let endpoint = Endpoint::new(url, token)?;
        let (gathered, mut gathering) = watch::channel(false);
        let (tell, state) = watch::channel(State::Connecting);
        let peer =
            peer(Events { gathered, state: tell }, is_local(url)).await.context("no WebRTC connection can be made")?;
        let mut sending = Vec::new();
        for (n, line) in lines.iter().enumerate() {
            let track = Arc::new(TrackLocalStaticRTP::new(MediaStreamTrack::new(
                // All lines are of one stream, as RFC 9725 has it.
                "reframe".to_owned(),
                format!("line-{n}"),
                format!("line-{n}"),
                RtpCodecKind::Audio,
                vec![RTCRtpEncodingParameters {
                    rtp_coding_parameters: RTCRtpCodingParameters { ssrc: Some(line.ssrc), ..Default::default() },
                    codec: opus(),
                    ..Default::default()
                }],
            )));
            let init = RTCRtpTransceiverInit {
                direction: RTCRtpTransceiverDirection::Sendonly,
                streams: vec![],
                send_encodings: vec![],
            };
            peer.add_transceiver_from_track(Arc::clone(&track) as Arc<dyn TrackLocal>, Some(init)).await?;
            sending.push((track, line.ssrc));
        }
        let offer = peer.create_offer(None).await?;
        peer.set_local_description(offer).await?;
        timeout(GATHER, gathering.wait_for(|done| *done))
            .await
            .context("this machine's addresses cannot be found")??;
        let offer = peer.local_description().await.context("no offer was made")?.sdp;
        let created = {
            let endpoint = endpoint.clone();
            tokio::task::spawn_blocking(move || endpoint.offer(&offer)).await?
        };
        let created = match created {
            Ok(created) => created,
            Err(error) => {
                close(&peer).await;
                return Err(error);
            }
        };
        let mut this = Self {
            peer,
            lines: sending,
            endpoint,
            session: created.session,
            state,
            overlay_url: created.overlay,
            call: created.call,
        };
        if let Err(error) = this.connect(created.answer).await {
            // The server must not keep a session nobody sends to.
            this.close().await.unwrap_or_else(|also| tracing::debug!("the session could not be ended: {also:#}"));
            return Err(error);
        }
        Ok(this)
    }

    async fn connect(&mut self, answer: String) -> anyhow::Result<()> {
        let answer = RTCSessionDescription::answer(answer).context("the server's answer is no SDP")?;
        self.peer.set_remote_description(answer).await.context("the server's answer does not fit the offer")?;
        let settled = self.state.wait_for(|s| matches!(s, State::Connected | State::Failed));
        match timeout(CONNECT, settled).await {
            Ok(Ok(state)) if *state == State::Connected => Ok(()),
            Ok(_) => bail!("the connection failed; are the server's UDP ports open?"),
            Err(_) => bail!("no connection within {} s; are the server's UDP ports open?", CONNECT.as_secs()),
        }
    }

    /// How the connection is doing, now and as it changes.
    #[must_use]
    pub fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// Sends one Opus packet as the next of a line: see [`Line`] for its numbers.
    ///
    /// # Errors
    /// If the connection is closed.
    pub async fn send(&self, line: usize, packet: &Numbered) -> anyhow::Result<()> {
        let (track, ssrc) = self.lines.get(line).context("no such line")?;
        let header = rtc::rtp::header::Header {
            version: 2,
            payload_type: OPUS,
            marker: packet.marker,
            sequence_number: packet.sequence,
            timestamp: packet.timestamp,
            ssrc: *ssrc,
            ..Default::default()
        };
        let packet = rtc::rtp::packet::Packet { header, payload: packet.payload.clone().into() };
        track.write_rtp(packet).await.context("the WebRTC connection is closed")
    }

    /// Ends the session: `DELETE`, then the connection.
    ///
    /// # Errors
    /// If the server could not be told; the connection is closed all the same.
    pub async fn close(self) -> anyhow::Result<()> {
        let (endpoint, session) = (self.endpoint, self.session);
        let told = tokio::task::spawn_blocking(move || endpoint.delete(&session)).await;
        close(&self.peer).await;
        told?
    }

    /// Cuts the connection without a word, as a program that dies would.
    pub async fn abandon(self) {
        close(&self.peer).await;
    }
}

async fn close(peer: &Arc<dyn PeerConnection>) {
    if let Err(error) = peer.close().await {
        tracing::debug!("closing the WebRTC connection: {error}");
    }
}

async fn peer(events: Events, local: bool) -> anyhow::Result<Arc<dyn PeerConnection>> {
    let mut media = MediaEngine::default();
    let parameters = RTCRtpCodecParameters { rtp_codec: opus(), payload_type: OPUS };
    media.register_codec(parameters, RtpCodecKind::Audio)?;
    let registry = register_default_interceptors(Registry::new(), &mut media)?;
    let settings = SettingEngineBuilder::new().with_include_loopback_candidate(local).build();
    // `0.0.0.0` stands for every address but loopback.
    let address = if local { "127.0.0.1:0" } else { "0.0.0.0:0" };
    let peer = PeerConnectionBuilder::new()
        .with_media_engine(media)
        .with_setting_engine(settings)
        .with_interceptor_registry(registry)
        .with_handler(Arc::new(events))
        .with_udp_addrs(vec![address.to_owned()])
        .build()
        .await?;
    Ok(Arc::new(peer))
}

/// Is the server on this machine?
fn is_local(url: &str) -> bool {
    let host = url.parse::<ureq::http::Uri>().ok().and_then(|u| u.host().map(str::to_owned)).unwrap_or_default();
    let ip = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
}
