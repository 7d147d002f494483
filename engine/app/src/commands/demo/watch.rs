//! A screen without a browser: connects as the overlay does and passes on what it is told.

use std::time::Instant;

use anyhow::{Context, bail};
use futures_util::{SinkExt, StreamExt};
use reframe_serve::wire::{ClientMessage, ServerBody, ServerMessage};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;

use super::report::News;

/// Watches the call that `url` (an overlay link) points to, until it is over.
pub async fn watch(url: String, tell: mpsc::Sender<News>) {
    if let Err(error) = run(&url, &tell).await {
        let _terminal_gone = tell.send(News::ScreenFailed(format!("{error:#}"))).await;
    }
}

async fn run(url: &str, tell: &mpsc::Sender<News>) -> anyhow::Result<()> {
    let (socket_url, token) = parse(url)?;
    let (socket, _) = tokio_tungstenite::connect_async(&socket_url).await.context("the screen cannot connect")?;
    let (mut sink, mut stream) = socket.split();
    let hello = ClientMessage::Hello { v: 1, token, resume_from: None };
    sink.send(Message::text(serde_json::to_string(&hello)?)).await?;
    while let Some(message) = stream.next().await {
        let at = Instant::now();
        let Message::Text(text) = message.context("the screen's connection broke")? else { continue };
        let message: ServerMessage = serde_json::from_str(&text).context("the server said something unexpected")?;
        if let ServerBody::Ping { n } = message.body {
            let pong = serde_json::to_string(&ClientMessage::Pong { n })?;
            sink.send(Message::text(pong)).await?;
            continue;
        }
        let over = matches!(message.body, ServerBody::Ended(_));
        if tell.send(News::Screen { at, body: Box::new(message.body) }).await.is_err() || over {
            return Ok(());
        }
    }
    bail!("the server closed the screen before the call was over")
}

/// WebSocket address and token of an overlay link: `http://HOST/overlay#call=ID&token=TOKEN`.
fn parse(url: &str) -> anyhow::Result<(String, String)> {
    let parts = || {
        let (page, fragment) = url.split_once('#')?;
        let (call, token) = fragment.strip_prefix("call=")?.split_once("&token=")?;
        let host = page.strip_prefix("http://")?.strip_suffix("/overlay")?;
        Some((format!("ws://{host}/v1/calls/{call}/screen"), token.to_owned()))
    };
    parts().context("the server's overlay link has an unexpected form")
}

#[cfg(test)]
mod tests {
    use reframe_serve::{Token, overlay_link};

    use super::*;

    #[test]
    fn reads_the_links_the_server_writes() {
        let link = overlay_link("http://127.0.0.1:7311", "a-1", &Token::new("0123456789abcdef"));
        let (socket, token) = parse(&link).unwrap();
        assert_eq!((socket.as_str(), token.as_str()), ("ws://127.0.0.1:7311/v1/calls/a-1/screen", "0123456789abcdef"));
    }
}
