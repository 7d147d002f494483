//! A rep's screen without a browser: watches one call and judges its cards by what the script says.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use reframe_bots::script::Script;
use reframe_call::backtest::truth::{Judged, Objection, Truth};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

/// A right card on a screen.
#[derive(Clone, Copy, Debug)]
pub struct CardSeen {
    /// When it was there.
    pub at: Instant,
    /// How long after the end of its phrase, in ms.
    pub late_ms: f64,
    /// How much of that is audio the engine had to hear first, in ms.
    pub heard_ms: u64,
}

/// What a screen saw of one call.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Objections in the script.
    pub expected: usize,
    /// Of these, answered.
    pub right: usize,
    /// Cards for nothing, or with another's label.
    pub wrong: usize,
    /// Whether the server said that this call was behind.
    pub behind: bool,
}

/// The answer key of a fixture call.
pub fn truth(script: &Script) -> Truth {
    Truth::new(script.objection.iter().map(|o| Objection {
        label: o.label.clone(),
        play: o.play.clone(),
        phrase: o.phrase.clone(),
        start_ms: o.start_ms,
        end_ms: o.end_ms,
        line: o.line,
    }))
}

/// Watches the call `link` points to until it is over, and tells of its right cards as they come. `zero` is when its first
/// sample is spoken.
///
/// # Errors
/// If the server breaks off or says something unexpected.
pub async fn watch(
    link: &str,
    mut truth: Truth,
    zero: Arc<OnceLock<Instant>>,
    mut tell: impl FnMut(CardSeen) + Send,
) -> anyhow::Result<Seen> {
    let (url, token) = parse(link)?;
    let (socket, _) = tokio_tungstenite::connect_async(&url).await.context("the screen cannot connect")?;
    let (mut sink, mut stream) = socket.split();
    sink.send(Message::text(json!({"type": "hello", "v": 1, "token": token, "resume_from": null}).to_string())).await?;
    let mut seen = Seen { expected: truth.expected(), ..Seen::default() };
    while let Some(message) = stream.next().await {
        let at = Instant::now();
        let Message::Text(text) = message.context("the screen's connection broke")? else { continue };
        let message: Value = serde_json::from_str(&text).context("the server said something unexpected")?;
        match message["type"].as_str() {
            Some("ping") => sink.send(Message::text(json!({"type": "pong", "n": message["n"]}).to_string())).await?,
            Some("card") => {
                let reason = &message["reason"];
                let ms = |of: &Value| of.as_u64().context("a card has no time");
                let (start, end) = (ms(&reason["phrase_start_ms"])?, ms(&reason["phrase_end_ms"])?);
                let label = message["label"].as_str().unwrap_or_default();
                let Judged::Right { phrase_end_ms } = truth.judge(label, start, end) else {
                    seen.wrong += 1;
                    continue;
                };
                seen.right += 1;
                let spoken =
                    *zero.get().context("a card came before the first sound")? + Duration::from_millis(phrase_end_ms);
                let known = end + ms(&message["latency"]["algorithmic_ms"])?;
                let late_ms = at.saturating_duration_since(spoken).as_secs_f64() * 1e3;
                tell(CardSeen { at, late_ms, heard_ms: known.saturating_sub(phrase_end_ms) });
            }
            Some("status") => seen.behind |= message["load"] == "high",
            Some("ended") => return Ok(seen),
            _ => {}
        }
    }
    bail!("the server closed the screen before the call was over")
}

/// WebSocket address and token of an overlay link.
fn parse(link: &str) -> anyhow::Result<(String, String)> {
    let parts = || {
        let (page, fragment) = link.split_once('#')?;
        let (call, token) = fragment.strip_prefix("call=")?.split_once("&token=")?;
        let host = page.strip_prefix("http://")?.strip_suffix("/overlay")?;
        Some((format!("ws://{host}/v1/calls/{call}/screen"), token.to_owned()))
    };
    parts().context("the server's link to the screen has an unexpected form")
}
