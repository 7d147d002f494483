//! One client's session: channels, waiting, joined, streams and news in their slots, and the end.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, sleep_until, timeout_at},
};
use webrtc::{data_channel::DataChannel, peer_connection::RTCPeerConnectionState};

use super::{
    CHANNELS_WITHIN, DisconnectReason, Orders, Shared,
    guest::SLOT_MS,
    mixer::{Dice, Mixer, News, news},
    offer,
    peer::{ClientEvent, ClientPeer},
    road::Road,
};
use crate::meet::protocol::channel;

/// After its last word the conference stays for so many slots (2 s): who listens may be late.
const AFTERWARDS: u64 = 100;

/// Answers the offer and leaves the session to itself.
pub async fn begin(shared: Arc<Shared>, number: u64, offer: &str) -> anyhow::Result<String> {
    let seed = shared.plan.seed.wrapping_add(number);
    let first_ssrc = 100_000 + Dice::new(seed).roll(1_000_000) as u32;
    let (peer, events, inner, answer) = ClientPeer::answer(offer, shared.ip, first_ssrc).await?;
    let road = Road::to(inner, shared.plan.weather, seed).await?;
    let answer = offer::with_candidate(&answer, Some(road.outer()));
    let answer = if shared.plan.names_ssrcs { answer } else { offer::without_ssrcs(&answer) };
    tokio::spawn(async move {
        let mut session = Session { shared: Arc::clone(&shared), number, peer, road, events, open: BTreeMap::new() };
        let end = session.run().await;
        if let Some(reason) = end {
            session.control(&disconnected(reason)).await;
            // Time for the message to arrive before the connection goes.
            sleep(Duration::from_millis(500)).await;
        }
        session.peer.close().await;
        shared.sessions.lock().unwrap_or_else(PoisonError::into_inner).1 -= 1;
    });
    Ok(answer)
}

fn disconnected(reason: DisconnectReason) -> Value {
    let reason = match reason {
        DisconnectReason::ClientLeft => "REASON_CLIENT_LEFT",
        DisconnectReason::UserStopped => "REASON_USER_STOPPED",
        DisconnectReason::ConferenceEnded => "REASON_CONFERENCE_ENDED",
        DisconnectReason::SessionUnhealthy | DisconnectReason::Unknown => "REASON_SESSION_UNHEALTHY",
    };
    json!({"resources": [{"id": 0, "sessionStatus":
        {"connectionState": "STATE_DISCONNECTED", "disconnectReason": reason}}]})
}

struct Session {
    shared: Arc<Shared>,
    number: u64,
    peer: ClientPeer,
    road: Road,
    events: mpsc::Receiver<ClientEvent>,
    open: BTreeMap<String, Arc<dyn DataChannel>>,
}

impl Session {
    /// Until it ends; with a reason if the client is to be told.
    async fn run(&mut self) -> Option<DisconnectReason> {
        if !self.channels().await {
            self.shared.seen().incomplete += 1;
            return Some(DisconnectReason::SessionUnhealthy);
        }
        let configuration = json!({"resources": [{"id": 0, "configuration": {
            "uploadIntervalSeconds": self.shared.plan.stats_interval_s,
            "allowlist": {"inbound-rtp": {"keys": ["ssrc", "packetsReceived", "packetsLost", "jitter"]},
                "codec": {"keys": ["mimeType", "payloadType"]}, "candidate-pair": {"keys": ["state", "bytesReceived"]},
                "transport": {"keys": ["bytesReceived"]}}}}]});
        self.say(channel::MEDIA_STATS, &configuration).await;
        let mut orders = self.shared.orders.subscribe();
        if !orders.borrow_and_update().admitted {
            self.control(&json!({"resources": [{"sessionStatus": {"connectionState": "STATE_WAITING"}}]})).await;
        }
        while !orders.borrow_and_update().admitted {
            if let Some(reason) = orders.borrow().over {
                return Some(reason);
            }
            tokio::select! {
                changed = orders.changed() => changed.ok()?,
                event = self.events.recv() => if let Some(end) = self.client(event?).await { return end },
            }
        }
        self.control(&json!({"resources": [{"sessionStatus": {"connectionState": "STATE_JOINED"}}]})).await;
        self.shared.seen().joined += 1;
        self.conference(&mut orders).await
    }

    /// Waits for the channels a client must open. All that a client opens comes at once.
    async fn channels(&mut self) -> bool {
        let until = Instant::now() + CHANNELS_WITHIN;
        while !channel::ALL.iter().all(|label| self.open.contains_key(*label)) {
            match timeout_at(until, self.events.recv()).await {
                Ok(Some(event)) => {
                    if self.client(event).await.is_some() {
                        return false;
                    }
                }
                // The other two are the client's choice.
                _ => {
                    return self.open.contains_key(channel::SESSION_CONTROL)
                        && self.open.contains_key(channel::MEDIA_STATS);
                }
            }
        }
        true
    }

    async fn conference(&mut self, orders: &mut tokio::sync::watch::Receiver<Orders>) -> Option<DisconnectReason> {
        let shared = Arc::clone(&self.shared);
        let plan = &shared.plan;
        let begun = shared.begin();
        let slot_of = |at: Instant| at.duration_since(begun).as_millis() as u64 / SLOT_MS;
        let first = slot_of(Instant::now());
        // A conference goes on while a client is away; who comes back finds its streams where they are now.
        let mut mixer = Mixer::new(plan.seed, plan.restless);
        let mut news = news(&plan.guests, plan.seed.wrapping_add(self.number), first).into_iter().peekable();
        for slot in 0.. {
            if slot < first {
                mixer.slot(&plan.guests, slot);
                continue;
            }
            let due = begun + Duration::from_millis(slot * SLOT_MS);
            loop {
                if let Some(reason) = orders.borrow_and_update().over {
                    return Some(reason);
                }
                if orders.borrow().cut >= self.number {
                    self.road.cut();
                }
                tokio::select! {
                    () = sleep_until(due) => break,
                    changed = orders.changed() => changed.ok()?,
                    event = self.events.recv() => if let Some(end) = self.client(event?).await { return end },
                }
            }
            while let Some(News { channel, message, .. }) = news.next_if(|n| n.slot <= slot) {
                self.say(channel, &message).await;
            }
            for sent in mixer.slot(&plan.guests, slot) {
                if let Err(error) = self.peer.send(sent.stream, slot, sent.csrcs, sent.payload).await {
                    tracing::debug!(%error, "a client's connection is gone");
                    return None;
                }
            }
            if plan.ends && slot > shared.slots() + AFTERWARDS {
                shared.orders.send_modify(|o| o.over = o.over.or(Some(DisconnectReason::ConferenceEnded)));
            }
        }
        None
    }

    /// Something from the client; `Some` if the session ends by it.
    async fn client(&mut self, event: ClientEvent) -> Option<Option<DisconnectReason>> {
        match event {
            ClientEvent::State(RTCPeerConnectionState::Failed | RTCPeerConnectionState::Closed) => return Some(None),
            ClientEvent::State(_) => {}
            ClientEvent::Open(label, data) => {
                self.shared.seen().channels.push(label.clone());
                self.open.insert(label, data);
            }
            ClientEvent::Says(label, message) => {
                let message: Value = serde_json::from_slice(&message).unwrap_or(Value::Null);
                let Some(id) = message["request"]["requestId"].as_i64() else {
                    self.shared.seen().bad_requests += 1;
                    return None;
                };
                let request = &message["request"];
                let good = json!({"code": 0, "message": ""});
                if label == channel::SESSION_CONTROL && request["leave"].is_object() {
                    self.shared.seen().leaves += 1;
                    self.control(&json!({"response": {"requestId": id, "status": good, "leave": {}}})).await;
                    return Some(Some(DisconnectReason::ClientLeft));
                }
                if label == channel::MEDIA_STATS
                    && let Some(sections) = request["uploadMediaStats"]["sections"].as_array()
                {
                    let kinds = sections.iter().filter_map(Value::as_object);
                    let kinds = kinds.flat_map(|s| s.keys().filter(|k| *k != "id").cloned()).collect();
                    self.shared.seen().reports.push(kinds);
                    let answer = json!({"response": {"requestId": id, "status": good, "uploadMediaStats": {}}});
                    self.say(channel::MEDIA_STATS, &answer).await;
                } else {
                    self.shared.seen().bad_requests += 1;
                }
            }
        }
        None
    }

    async fn control(&self, message: &Value) {
        self.say(channel::SESSION_CONTROL, message).await;
    }

    async fn say(&self, label: &str, message: &Value) {
        if let Some(data) = self.open.get(label)
            && let Err(error) = data.send_text(&message.to_string()).await
        {
            tracing::debug!(%error, label, "a client does not hear");
        }
    }
}
