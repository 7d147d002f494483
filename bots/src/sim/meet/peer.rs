//! The answering WebRTC peer of the simulated conference: three tracks that carry CSRCs, and the client's data channels.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context as _, anyhow};
use rtc::{
    media_stream::MediaStreamTrack,
    peer_connection::configuration::media_engine::MIME_TYPE_OPUS,
    rtp,
    rtp_transceiver::rtp_sender::{
        RTCRtpCodec, RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters,
        RTCRtpHeaderExtensionCapability, RtpCodecKind,
    },
};
use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};
use webrtc::{
    data_channel::{DataChannel, DataChannelEvent},
    media_stream::track_local::{TrackLocal, static_rtp::TrackLocalStaticRTP},
    peer_connection::{
        MediaEngine, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCIceGatheringState,
        RTCPeerConnectionState, RTCSessionDescription, Registry, SettingEngineBuilder, configure_rtcp_reports,
    },
};

use super::{mixer::STREAMS, offer};

/// Messages and states that may wait for the session. When full, the data channel waits.
const QUEUE: usize = 256;
/// For gathering; there are only local addresses.
const GATHERING: Duration = Duration::from_secs(10);
/// What Google's clients call Opus; a client may call it otherwise.
const OPUS_PAYLOAD_TYPE: u8 = 111;

/// What happens on a client's connection.
pub enum ClientEvent {
    /// The client opened a data channel.
    Open(String, Arc<dyn DataChannel>),
    /// The client says something.
    Says(String, Vec<u8>),
    /// The connection changed.
    State(RTCPeerConnectionState),
}

/// A client's connection.
pub struct ClientPeer {
    connection: Arc<dyn PeerConnection>,
    tracks: Vec<Sender>,
}

struct Sender {
    track: Arc<TrackLocalStaticRTP>,
    ssrc: u32,
    sequence: u16,
    /// RTP time of slot 0.
    base: u32,
    payload_type: u8,
}

impl ClientPeer {
    /// Answers an offer. `first_ssrc` and what follows it are the virtual streams'. Gives the address media comes from,
    /// and the answer without candidates.
    ///
    /// # Errors
    /// If the offer cannot be answered.
    pub async fn answer(
        offer: &str,
        ip: std::net::IpAddr,
        first_ssrc: u32,
    ) -> anyhow::Result<(Self, mpsc::Receiver<ClientEvent>, SocketAddr, String)> {
        let (events_in, events) = mpsc::channel(QUEUE);
        let (gathered_in, mut gathered) = watch::channel(false);
        let handler = Arc::new(Handler { events: events_in, gathered: gathered_in });
        let mut media = MediaEngine::default();
        media.register_codec(opus(), RtpCodecKind::Audio)?;
        for uri in ["urn:ietf:params:rtp-hdrext:ssrc-audio-level", "urn:ietf:params:rtp-hdrext:sdes:mid"] {
            let capability = RTCRtpHeaderExtensionCapability { uri: uri.into() };
            media.register_header_extension(capability, RtpCodecKind::Audio, None)?;
        }
        let connection: Arc<dyn PeerConnection> = Arc::new(
            PeerConnectionBuilder::new()
                .with_media_engine(media)
                .with_setting_engine(SettingEngineBuilder::new().with_include_loopback_candidate(true).build())
                .with_interceptor_registry(configure_rtcp_reports(Registry::new()))
                .with_handler(handler)
                .with_udp_addrs(vec![format!("{ip}:0")])
                .build()
                .await?,
        );
        // The client is heard by the way it takes to us, and reached by the same.
        let offer = RTCSessionDescription::offer(offer::with_candidate(offer, None))?;
        connection.set_remote_description(offer).await?;
        let mut tracks = Vec::new();
        for n in 0..STREAMS as u32 {
            let (track, ssrc) = (track(first_ssrc + n), first_ssrc + n);
            let local: Arc<dyn TrackLocal> = Arc::clone(&track) as Arc<dyn TrackLocal>;
            let sender = connection.add_track(local).await?;
            tracks.push((track, ssrc, sender));
        }
        let answer = connection.create_answer(None).await?;
        connection.set_local_description(answer).await?;
        timeout(GATHERING, gathered.wait_for(|done| *done)).await.context("no addresses were found")??;
        let answer = connection.local_description().await.ok_or_else(|| anyhow!("WebRTC made no answer"))?.sdp;
        let inner = candidate(&answer).context("the answer names no address")?;
        let mut senders = Vec::new();
        for (track, ssrc, sender) in tracks {
            let codecs = sender.get_parameters().await?.rtp_parameters.codecs;
            let payload_type = codecs.first().map_or(OPUS_PAYLOAD_TYPE, |codec| codec.payload_type);
            // Anywhere, as real ones begin anywhere; close to the wrap, so that it is met.
            let (sequence, base) = (65_000 + (ssrc % 500) as u16, u32::MAX - 48_000 * (ssrc % 20));
            senders.push(Sender { track, ssrc, sequence, base, payload_type });
        }
        let answer = offer::with_candidate(&answer, None);
        Ok((Self { connection, tracks: senders }, events, inner, answer))
    }

    /// Sends a packet on a stream, in its slot.
    ///
    /// # Errors
    /// If the connection is gone.
    pub async fn send(&mut self, stream: usize, slot: u64, csrcs: Vec<u32>, payload: Vec<u8>) -> anyhow::Result<()> {
        let sender = self.tracks.get_mut(stream).context("there are three streams")?;
        sender.sequence = sender.sequence.wrapping_add(1);
        let header = rtp::header::Header {
            version: 2,
            payload_type: sender.payload_type,
            sequence_number: sender.sequence,
            // RTP time wraps; the truncating cast is meant.
            timestamp: sender.base.wrapping_add((slot * super::guest::SLOT_SAMPLES) as u32),
            ssrc: sender.ssrc,
            csrc: csrcs,
            ..Default::default()
        };
        sender.track.write_rtp(rtp::Packet { header, payload: payload.into() }).await?;
        Ok(())
    }

    /// Hangs up.
    pub async fn close(&self) {
        if let Err(error) = self.connection.close().await {
            tracing::debug!(%error, "closing a client's connection");
        }
    }
}

fn opus() -> RTCRtpCodecParameters {
    RTCRtpCodecParameters {
        rtp_codec: RTCRtpCodec {
            mime_type: MIME_TYPE_OPUS.to_owned(),
            clock_rate: 48_000,
            channels: 2,
            sdp_fmtp_line: "minptime=10;useinbandfec=1".to_owned(),
            rtcp_feedback: vec![],
        },
        payload_type: OPUS_PAYLOAD_TYPE,
    }
}

fn track(ssrc: u32) -> Arc<TrackLocalStaticRTP> {
    let coding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters { ssrc: Some(ssrc), ..Default::default() },
        codec: opus().rtp_codec,
        ..Default::default()
    };
    let (stream, id) = (format!("virtual-{ssrc}"), format!("audio-{ssrc}"));
    Arc::new(TrackLocalStaticRTP::new(MediaStreamTrack::new(stream, id.clone(), id, RtpCodecKind::Audio, vec![coding])))
}

/// The address of the first UDP candidate.
fn candidate(sdp: &str) -> Option<SocketAddr> {
    sdp.lines().filter_map(|l| l.strip_prefix("a=candidate:")).find_map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        let &[_, _, protocol, _, ip, port, ..] = words.as_slice() else { return None };
        let at = SocketAddr::new(ip.parse().ok()?, port.parse().ok()?);
        protocol.eq_ignore_ascii_case("udp").then_some(at)
    })
}

struct Handler {
    events: mpsc::Sender<ClientEvent>,
    gathered: watch::Sender<bool>,
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Handler {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.gathered.send_replace(true);
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        if self.events.try_send(ClientEvent::State(state)).is_err() {
            tracing::debug!(?state, "the session is over");
        }
    }

    async fn on_data_channel(&self, data: Arc<dyn DataChannel>) {
        let events = self.events.clone();
        tokio::spawn(async move {
            let Ok(label) = data.label().await else { return };
            if events.send(ClientEvent::Open(label.clone(), Arc::clone(&data))).await.is_err() {
                return;
            }
            while let Some(event) = data.poll().await {
                let DataChannelEvent::OnMessage(message) = event else { continue };
                if events.send(ClientEvent::Says(label.clone(), message.data.to_vec())).await.is_err() {
                    return;
                }
            }
        });
    }
}
