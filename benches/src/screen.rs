//! A rep's screen without a browser: watches one call and judges its cards by what the script says.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use reframe_bots::script::Script;
use reframe_call::backtest::truth::{Judged, Objection, Truth};
use reframe_serve::wire::{CardMessage, ClientMessage, LoadStatus, ServerBody, ServerMessage};
use tokio_tungstenite::tungstenite::Message;

/// How late a right card was.
#[derive(Clone, Copy, Debug)]
pub struct Late {
    /// When it was there.
    pub at: Instant,
    /// How long after the end of its phrase, in ms.
    pub late_ms: f64,
    /// How much of that is audio the engine had to hear first, in ms.
    pub heard_ms: u64,
}

/// A card on a screen.
#[derive(Clone, Debug)]
pub struct CardSeen {
    /// As the server sent it.
    pub card: CardMessage,
    /// What the script says of it.
    pub judged: Judged,
    /// From the server's sending to its being there, in ms by this machine's clock.
    pub push_ms: f64,
    /// How late it was, if it is right.
    pub late: Option<Late>,
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
    /// Objections that no right card answered.
    pub missed: Vec<Objection>,
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

/// Watches the call `link` points to until it is over, and tells of its cards as they come. `zero` is when its first
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
    let Link { screen, token, .. } = Link::parse(link)?;
    let (socket, _) = tokio_tungstenite::connect_async(&screen).await.context("the screen cannot connect")?;
    let (mut sink, mut stream) = socket.split();
    let say = |message: &ClientMessage| serde_json::to_string(message).map(Message::text);
    sink.send(say(&ClientMessage::Hello { v: 1, token, resume_from: None })?).await?;
    let mut seen = Seen { expected: truth.expected(), ..Seen::default() };
    while let Some(message) = stream.next().await {
        let (at, unix_us) = (Instant::now(), unix_us());
        let Message::Text(text) = message.context("the screen's connection broke")? else { continue };
        let message: ServerMessage = serde_json::from_str(&text).context("the server said something unexpected")?;
        match message.body {
            ServerBody::Ping { n } => sink.send(say(&ClientMessage::Pong { n })?).await?,
            ServerBody::Card(card) => {
                let judged = truth.judge(&card.label, card.reason.phrase_start_ms, card.reason.phrase_end_ms);
                let late = match judged {
                    Judged::Right { phrase_end_ms } => {
                        seen.right += 1;
                        let zero = zero.get().context("a card came before the first sound")?;
                        let spoken = *zero + Duration::from_millis(phrase_end_ms);
                        let late_ms = at.saturating_duration_since(spoken).as_secs_f64() * 1e3;
                        let known_ms = card.reason.phrase_end_ms + card.latency.algorithmic_ms;
                        Some(Late { at, late_ms, heard_ms: known_ms.saturating_sub(phrase_end_ms) })
                    }
                    Judged::WrongLabel | Judged::False => {
                        seen.wrong += 1;
                        None
                    }
                };
                let push_ms = (unix_us as f64 - card.sent_unix_us as f64) / 1e3;
                tell(CardSeen { card, judged, push_ms, late });
            }
            ServerBody::Status(status) => seen.behind |= status.load == LoadStatus::High,
            ServerBody::Ended(_) => {
                seen.missed = truth.missed().cloned().collect();
                return Ok(seen);
            }
            _ => {}
        }
    }
    bail!("the server closed the screen before the call was over")
}

/// Microseconds since 1970 by this machine's clock, which is the server's too.
fn unix_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// What an overlay link says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The call's id.
    pub call: String,
    /// Address of the screen's socket.
    screen: String,
    token: String,
}

impl Link {
    /// Reads one.
    ///
    /// # Errors
    /// If it has another form than the server's.
    pub fn parse(link: &str) -> anyhow::Result<Self> {
        let parts = || {
            let (page, fragment) = link.split_once('#')?;
            let (call, token) = fragment.strip_prefix("call=")?.split_once("&token=")?;
            let host = page.strip_prefix("http://")?.strip_suffix("/overlay")?;
            let screen = format!("ws://{host}/v1/calls/{call}/screen");
            Some(Self { call: call.to_owned(), screen, token: token.to_owned() })
        };
        parts().context("the server's link to the screen has an unexpected form")
    }
}

#[cfg(test)]
mod tests {
    use reframe_serve::{Token, overlay_link};

    use super::*;

    #[test]
    fn reads_the_links_the_server_writes() {
        let link = Link::parse(&overlay_link("http://127.0.0.1:7311", "a-1", &Token::new("0123456789abcdef"))).unwrap();
        assert_eq!(
            (link.call.as_str(), link.screen.as_str(), link.token.as_str()),
            ("a-1", "ws://127.0.0.1:7311/v1/calls/a-1/screen", "0123456789abcdef")
        );
        assert!(Link::parse("http://127.0.0.1:7311/overlay").is_err());
    }
}
