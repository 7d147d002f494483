//! The WebRTC side of a session: the offer Google asks for, the data channels, and every RTP packet as it comes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, anyhow};
use rtc::{
    interceptor::{Interceptor, Packet, Slot, StreamInfo, TaggedPacket},
    peer_connection::configuration::media_engine::MIME_TYPE_OPUS,
    rtp_transceiver::rtp_sender::{
        RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RTCRtpHeaderExtensionCapability, RtpCodecKind,
    },
    sansio::Protocol,
    statistics::{StatsSelector, report::RTCStatsReportEntry},
};
use serde::Serialize;
use serde_json::{Map, Value};
use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};
use webrtc::{
    data_channel::{DataChannel, DataChannelEvent},
    error::Error as RtcError,
    peer_connection::{
        MediaEngine, PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCBundlePolicy,
        RTCConfigurationBuilder, RTCIceGatheringState, RTCIceServer, RTCPeerConnectionState, RTCSessionDescription,
        Registry, SettingEngineBuilder, configure_rtcp_reports, configure_twcc_receiver_only,
    },
};

use super::{
    protocol::{Sdp, StatsSection, channel, with_streams_named},
    streams::RtpIn,
};

/// Audio media sections an offer must have: Meet sends the three loudest people.
const AUDIO_SECTIONS: usize = 3;
/// Payload type of Opus in our offers.
const OPUS_PAYLOAD_TYPE: u8 = 111;
/// Packets that may wait for the session's loop: three streams for five seconds. When full, the newest is dropped and
/// counted.
const MEDIA_QUEUE: usize = 750;
/// Events that may wait for the session's loop. When full, the data channel waits.
const EVENT_QUEUE: usize = 256;
/// For gathering candidates; a STUN server that does not answer must not hold the call up for longer.
const GATHERING: Duration = Duration::from_secs(10);
/// Without a word of the other side for so long, ICE calls itself disconnected; after as long again it fails.
const ICE_SILENCE: Duration = Duration::from_secs(5);
/// How often ICE asks for a sign of life.
const ICE_KEEP_ALIVE: Duration = Duration::from_secs(2);

/// RTP header extensions of the offer, in the order of Google's clients.
const EXTENSIONS: [&str; 4] = [
    "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    "urn:ietf:params:rtp-hdrext:sdes:mid",
];

/// How to reach the other side.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// STUN servers to ask for our outside address: `stun:host:port`. None unless configured.
    pub stun: Vec<String>,
    /// Local addresses to use, `host:port`, port 0 for any.
    pub local: Vec<String>,
    /// Offer addresses of the loopback interface too.
    pub loopback: bool,
}

/// What happens on a session.
#[derive(Debug)]
pub enum PeerEvent {
    /// A data channel says something.
    Message(&'static str, Vec<u8>),
    /// A data channel is closed.
    Closed(&'static str),
    /// The connection changed.
    State(RTCPeerConnectionState),
}

/// An offered, and later connected, session.
pub struct Peer {
    connection: Arc<dyn PeerConnection>,
    session_control: Arc<dyn DataChannel>,
    media_stats: Arc<dyn DataChannel>,
    dropped: Arc<AtomicU64>,
}

/// What comes from a session.
pub struct Incoming {
    /// Packets with the moment they came.
    pub media: mpsc::Receiver<(Instant, RtpIn)>,
    /// Everything else.
    pub events: mpsc::Receiver<PeerEvent>,
}

impl Peer {
    /// Prepares a session and the offer for it, with all candidates.
    ///
    /// # Errors
    /// If no socket can be had or no offer made.
    pub async fn offer(network: &Network) -> anyhow::Result<(Self, Incoming, Sdp)> {
        let (media_in, media) = mpsc::channel(MEDIA_QUEUE);
        let (events_in, events) = mpsc::channel(EVENT_QUEUE);
        let (gathered_in, mut gathered) = watch::channel(false);
        let dropped = Arc::new(AtomicU64::new(0));
        let tap = Tap {
            to: media_in,
            dropped: Arc::clone(&dropped),
            waiting: Default::default(),
            leaving: Default::default(),
        };
        let handler = Arc::new(Handler { events: events_in.clone(), gathered: gathered_in });
        let connection = connection(network, tap, handler).await.context("WebRTC cannot start")?;

        for _ in 0..AUDIO_SECTIONS {
            connection.add_transceiver_from_kind(RtpCodecKind::Audio, None).await?;
        }
        // Meet looks for them in the offer, so they come before it. Without options a channel is reliable and ordered.
        let mut channels = Vec::new();
        for label in channel::ALL {
            let data = connection.create_data_channel(label, None).await?;
            tokio::spawn(pump(label, Arc::clone(&data), events_in.clone()));
            channels.push(data);
        }
        let mut channels = channels.into_iter();
        let session_control = channels.next().context("session-control is the first channel")?;
        let media_stats = channels.next().context("media-stats is the second channel")?;

        let offer = connection.create_offer(None).await?;
        connection.set_local_description(offer).await?;
        if timeout(GATHERING, gathered.wait_for(|done| *done)).await.is_err() {
            tracing::warn!("not all addresses were found within {} s; is the STUN server right?", GATHERING.as_secs());
        }
        let offer = connection.local_description().await.ok_or_else(|| anyhow!("WebRTC made no offer"))?;
        let peer = Self { connection, session_control, media_stats, dropped };
        Ok((peer, Incoming { media, events }, Sdp(offer.sdp)))
    }

    /// Takes the answer.
    ///
    /// # Errors
    /// If it does not fit the offer.
    pub async fn accept(&self, answer: &Sdp) -> anyhow::Result<()> {
        let answer = RTCSessionDescription::answer(with_streams_named(answer).0)
            .context("the answer is no session description")?;
        self.connection.set_remote_description(answer).await.context("the answer does not fit the offer")
    }

    /// Says something on `session-control`.
    ///
    /// # Errors
    /// If the channel is not open.
    pub async fn say(&self, text: &str) -> anyhow::Result<()> {
        Ok(self.session_control.send_text(text).await?)
    }

    /// Says something on `media-stats`.
    ///
    /// # Errors
    /// If the channel is not open.
    pub async fn report(&self, text: &str) -> anyhow::Result<()> {
        Ok(self.media_stats.send_text(text).await?)
    }

    /// Packets that were dropped because the session's loop did not keep up.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Statistics of the connection, as WebRTC names them.
    pub async fn statistics(&self) -> Vec<StatsSection> {
        let report = self.connection.get_stats(Instant::now(), StatsSelector::None).await;
        report.iter().filter_map(section).collect()
    }

    /// Hangs up.
    pub async fn close(&self) {
        if let Err(error) = self.connection.close().await {
            tracing::debug!(%error, "closing the connection");
        }
    }
}

async fn connection(network: &Network, tap: Tap, handler: Arc<Handler>) -> anyhow::Result<Arc<dyn PeerConnection>> {
    let mut media = MediaEngine::default();
    media.register_codec(opus(), RtpCodecKind::Audio)?;
    for uri in EXTENSIONS {
        media.register_header_extension(
            RTCRtpHeaderExtensionCapability { uri: uri.into() },
            RtpCodecKind::Audio,
            None,
        )?;
    }
    let registry = configure_rtcp_reports(Registry::new()).with(Slot::from(TAP_SLOT), tap);
    let registry = configure_twcc_receiver_only(registry, &mut media)?;
    let setting = SettingEngineBuilder::new()
        .with_include_loopback_candidate(network.loopback)
        .with_ice_timeouts(Some(ICE_SILENCE), Some(ICE_SILENCE), Some(ICE_KEEP_ALIVE))
        .build();
    let servers =
        network.stun.iter().map(|url| RTCIceServer { urls: vec![url.clone()], ..Default::default() }).collect();
    let configuration =
        RTCConfigurationBuilder::new().with_bundle_policy(RTCBundlePolicy::MaxBundle).with_ice_servers(servers).build();
    let local = if network.local.is_empty() { vec!["0.0.0.0:0".to_owned()] } else { network.local.clone() };
    let connection = PeerConnectionBuilder::new()
        .with_configuration(configuration)
        .with_media_engine(media)
        .with_setting_engine(setting)
        .with_interceptor_registry(registry)
        .with_handler(handler)
        .with_udp_addrs(local)
        .build()
        .await?;
    Ok(Arc::new(connection))
}

/// Opus as Google's clients offer it (RFC 7587).
fn opus() -> RTCRtpCodecParameters {
    RTCRtpCodecParameters {
        rtp_codec: RTCRtpCodec {
            mime_type: MIME_TYPE_OPUS.to_owned(),
            clock_rate: 48_000,
            channels: 2,
            sdp_fmtp_line: "minptime=10;useinbandfec=1".to_owned(),
            rtcp_feedback: vec![RTCPFeedback { typ: "transport-cc".into(), parameter: String::new() }],
        },
        payload_type: OPUS_PAYLOAD_TYPE,
    }
}

/// Passes on what a data channel says.
async fn pump(label: &'static str, data: Arc<dyn DataChannel>, to: mpsc::Sender<PeerEvent>) {
    while let Some(event) = data.poll().await {
        let event = match event {
            DataChannelEvent::OnMessage(message) => PeerEvent::Message(label, message.data.to_vec()),
            DataChannelEvent::OnClose => PeerEvent::Closed(label),
            _ => continue,
        };
        if to.send(event).await.is_err() {
            return;
        }
    }
}

struct Handler {
    events: mpsc::Sender<PeerEvent>,
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
        // A full queue means that the loop is busy with earlier news; this must not hold up the connection itself.
        if self.events.try_send(PeerEvent::State(state)).is_err() {
            tracing::debug!(?state, "nobody is there to hear of the connection");
        }
    }
}

/// Closest to the network, so that packets are seen in the order and at the time they come.
const TAP_SLOT: usize = 100;

/// Copies every RTP packet that was decrypted. Meet's answer need not name the SSRCs of its virtual streams, and the
/// library delivers several media sections' packets only by a name of theirs; here they need none.
struct Tap {
    to: mpsc::Sender<(Instant, RtpIn)>,
    dropped: Arc<AtomicU64>,
    waiting: std::collections::VecDeque<TaggedPacket>,
    leaving: std::collections::VecDeque<TaggedPacket>,
}

impl Protocol<TaggedPacket, TaggedPacket, ()> for Tap {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = RtcError;
    type Time = Instant;

    fn handle_read(&mut self, packet: TaggedPacket) -> Result<(), Self::Error> {
        if let Packet::Rtp(rtp) = &packet.message.packet
            && rtp.header.payload_type == OPUS_PAYLOAD_TYPE
        {
            let copy = RtpIn {
                ssrc: rtp.header.ssrc,
                sequence: rtp.header.sequence_number,
                timestamp: rtp.header.timestamp,
                csrcs: rtp.header.csrc.clone(),
                payload: rtp.payload.to_vec(),
            };
            if self.to.try_send((packet.now, copy)).is_err() {
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.waiting.push_back(packet);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<Self::Rout> {
        self.waiting.pop_front()
    }

    fn handle_write(&mut self, packet: TaggedPacket) -> Result<(), Self::Error> {
        self.leaving.push_back(packet);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<Self::Wout> {
        self.leaving.pop_front()
    }

    fn handle_timeout(&mut self, _now: Instant) -> Result<(), Self::Error> {
        Ok(())
    }

    fn poll_timeout(&mut self) -> Option<Self::Time> {
        None
    }
}

impl Interceptor for Tap {
    fn bind_local_stream(&mut self, _info: &StreamInfo) {}
    fn unbind_local_stream(&mut self, _info: &StreamInfo) {}
    fn bind_remote_stream(&mut self, _info: &StreamInfo) {}
    fn unbind_remote_stream(&mut self, _info: &StreamInfo) {}
}

fn section(entry: &RTCStatsReportEntry) -> Option<StatsSection> {
    match entry {
        RTCStatsReportEntry::Codec(stats) => spelled("codec", stats),
        RTCStatsReportEntry::Transport(stats) => spelled("transport", stats),
        RTCStatsReportEntry::IceCandidatePair(stats) => spelled("candidate-pair", stats),
        RTCStatsReportEntry::LocalCandidate(stats) => spelled("local-candidate", stats),
        RTCStatsReportEntry::RemoteCandidate(stats) => spelled("remote-candidate", stats),
        RTCStatsReportEntry::InboundRtp(stats) => spelled("inbound-rtp", stats),
        _ => None,
    }
}

fn spelled(kind: &str, stats: &impl Serialize) -> Option<StatsSection> {
    let Ok(Value::Object(values)) = serde_json::to_value(stats) else { return None };
    let id = values.get("id").and_then(Value::as_str)?.to_owned();
    // Lists and groups have no place in a report.
    let values: Map<String, Value> = values.into_iter().filter(|(_, v)| v.is_number() || v.is_string()).collect();
    Some(StatsSection { kind: kind.to_owned(), id, values })
}
