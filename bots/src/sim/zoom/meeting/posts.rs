//! Webhooks: which, when, and what their answers mean.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Live, Phase, unix_ms};
use crate::sim::zoom::{
    protocol,
    report::Report,
    webhook::{Kind, Outcome},
};

impl Live {
    pub(super) fn post(&mut self, body: Value, kind: Kind) {
        if let Some(poster) = &self.poster {
            poster.post(&body, kind);
            self.undelivered += 1;
            if self.options.chaos.duplicate_webhooks && kind == Kind::Proper {
                poster.post(&body, Kind::Duplicate);
                self.undelivered += 1;
            }
        }
    }

    pub(super) fn payload(&self, more: &Value) -> Value {
        let mut payload = json!({
            "meeting_uuid": self.options.meeting_uuid, "rtms_stream_id": self.options.stream_id,
        });
        for (key, value) in more.as_object().into_iter().flatten() {
            payload[key] = value.clone();
        }
        if self.options.chaos.wrapped_payload { json!({"account_id": "simulated", "object": payload}) } else { payload }
    }

    pub(super) fn post_about(&mut self, event: &str, more: &Value) {
        let body = json!({"event": event, "event_ts": unix_ms(), "payload": self.payload(more)});
        self.post(body, Kind::Proper);
    }

    pub(super) fn started(&self, url: &str) -> Value {
        let more = json!({"operator_id": "simulated_operator", "server_urls": url});
        json!({"event": "meeting.rtms_started", "event_ts": self.event_ts, "payload": self.payload(&more)})
    }

    pub(super) fn post_started(&mut self) {
        let url = format!("ws://{}/signalling", self.servers[self.server]);
        self.say(&format!("rtms_started names {url}"));
        let body = self.started(&url);
        self.post(body, Kind::Proper);
        self.signalling_by = Some(Instant::now() + self.options.signalling_back_within);
    }

    pub(super) fn posted(&mut self, outcome: Outcome) {
        let Outcome { sent, body, last } = outcome;
        let answer = sent.status.map_or_else(|| "no answer".into(), |status| format!("HTTP {status}"));
        let kind = if sent.kind.is_empty() { String::new() } else { format!(" ({})", sent.kind) };
        self.say(&format!("webhook {}{kind}: {answer} after {} ms", sent.event, sent.took_ms));
        let validation = sent.event == "endpoint.url_validation";
        if validation && sent.status.is_some() {
            let right = self.proves(body.as_deref().unwrap_or_default());
            if !right {
                self.say("the answer does not prove the webhook secret: Zoom would not accept this address");
            }
            self.report(|r| r.url_validated = Some(right && r.url_validated != Some(false)));
        }
        let kind = sent.kind;
        self.report(|r| Report::keep(&mut r.webhooks, sent));
        if !last {
            return;
        }
        self.undelivered = self.undelivered.saturating_sub(1);
        match self.phase {
            Phase::Validating if validation && kind.is_empty() => {
                if self.options.chaos.forged_webhooks {
                    self.phase = Phase::Forging(2);
                    let nowhere = self.started("ws://127.0.0.1:9/forged");
                    self.post(nowhere.clone(), Kind::WrongSignature);
                    self.post(nowhere, Kind::Old);
                } else {
                    self.wait_to_start();
                }
            }
            Phase::Forging(left) if matches!(kind, "wrong signature" | "old") => {
                self.phase = Phase::Forging(left - 1);
                if left == 1 {
                    self.wait_to_start();
                }
            }
            _ => {}
        }
    }

    pub(super) fn wait_to_start(&mut self) {
        self.event_ts = unix_ms();
        self.phase = Phase::Waiting(Instant::now() + Duration::from_millis(self.options.chaos.late_webhook_ms));
    }

    pub(super) fn proves(&self, answer: &str) -> bool {
        let plain = format!("plain{:016x}", self.options.chaos.seed);
        let token = protocol::validation_token(&self.options.credentials.webhook_secret, &plain);
        serde_json::from_str::<Value>(answer)
            .is_ok_and(|v| v["plainToken"] == plain.as_str() && v["encryptedToken"] == token.as_str())
    }
}
