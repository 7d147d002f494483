//! Posting webhooks as Zoom does: signed, patient for 3 s, and again if the answer is not 200.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tokio::sync::mpsc;

use super::{connection::News, protocol, report::WebhookSent};

/// How long Zoom waits for an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);
/// How often it tries in all.
const ATTEMPTS: u32 = 3;

/// What is wrong with a webhook on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing.
    Proper,
    /// A second one just like the first.
    Duplicate,
    /// Signed with another secret.
    WrongSignature,
    /// Signed rightly, 10 minutes ago.
    Old,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Proper => "",
            Self::Duplicate => "duplicate",
            Self::WrongSignature => "wrong signature",
            Self::Old => "old",
        }
    }
}

/// What came of one attempt.
pub struct Outcome {
    /// For the report.
    pub sent: WebhookSent,
    /// The answer's body, if there was one that says something.
    pub body: Option<String>,
    /// No further attempt follows.
    pub last: bool,
}

/// Posts to one address.
pub struct Poster {
    /// Where to.
    pub url: String,
    /// Signs them.
    pub secret: String,
    /// Pause before another attempt.
    pub retry_after: Duration,
    /// Where the outcome goes.
    pub tell: mpsc::Sender<News>,
}

impl Poster {
    /// Posts one, in the background; outcomes come as [`News::Posted`], the last of them marked.
    pub fn post(&self, body: &Value, kind: Kind) {
        let event = body.get("event").and_then(Value::as_str).unwrap_or_default().to_owned();
        let body = body.to_string();
        let (url, secret, retry_after) = (self.url.clone(), self.secret.clone(), self.retry_after);
        let tell = self.tell.clone();
        tokio::spawn(async move {
            // Nobody tries again with what was forged.
            let attempts = if matches!(kind, Kind::Proper | Kind::Duplicate) { ATTEMPTS } else { 1 };
            for attempt in 1..=attempts {
                let begun = Instant::now();
                let (status, answer) = once(url.clone(), secret.clone(), body.clone(), kind).await;
                let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
                let last = status == Some(200) || attempt == attempts;
                let sent = WebhookSent { event: event.clone(), kind: kind.name(), status, took_ms, attempt };
                // The meeting may be over.
                if tell.send(News::Posted(Outcome { sent, body: answer, last })).await.is_err() || last {
                    return;
                }
                tokio::time::sleep(retry_after).await;
            }
        });
    }
}

async fn once(url: String, secret: String, body: String, kind: Kind) -> (Option<u16>, Option<String>) {
    let task = tokio::task::spawn_blocking(move || {
        let mut now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        if kind == Kind::Old {
            now = now.saturating_sub(Duration::from_secs(600));
        }
        let timestamp = now.as_secs().to_string();
        let secret = if kind == Kind::WrongSignature { "another secret" } else { &secret };
        let signature = protocol::webhook_signature(secret, &timestamp, &body);
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(ANSWER_WITHIN))
            .http_status_as_error(false)
            .build()
            .new_agent();
        let answer = agent
            .post(&url)
            .header("content-type", "application/json; charset=utf-8")
            .header("user-agent", "Zoom Marketplace/1.0a")
            .header("x-zm-request-timestamp", &timestamp)
            .header("x-zm-signature", &signature)
            .send(&body);
        match answer {
            Ok(mut answer) => {
                let text = answer.body_mut().with_config().limit(64 * 1_024).read_to_string().ok();
                (Some(answer.status().as_u16()), text)
            }
            Err(error) => {
                tracing::debug!(%error, "a webhook found nobody");
                (None, None)
            }
        }
    });
    task.await.unwrap_or_default()
}
