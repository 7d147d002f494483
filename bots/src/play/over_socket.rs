//! Playing over the WebSocket ingest.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until, timeout},
};
use tokio_tungstenite::tungstenite::{
    Message,
    client::IntoClientRequest as _,
    http::{HeaderValue, header},
};

use super::{
    Pace, PlayEvent, PlayReport, Player, begun,
    schedule::Schedule,
    source,
    wire::{self, Heard, read},
};
use crate::{engine::protocol::audio, whip::Bad};

/// Plays over the socket.
pub async fn play(player: Player, on_event: &mut (dyn FnMut(PlayEvent) + Send)) -> anyhow::Result<PlayReport> {
    let bad = Bad { seed: 0, ..player.bad };
    ensure!(
        bad == Bad::default() && player.skew_ppm.is_empty(),
        "a socket keeps packets in order and in time: play to http://…/v1/whip for jitter, reordering and bad clocks"
    );
    let recorded = player.recorded.unwrap_or(player.pace == Pace::AsFastAsTaken);
    let voices = source::prepare(player.voices, player.encoding, player.rate_hz)?;
    let start = wire::start(&wire::Opening {
        call: player.call.as_deref(),
        title: player.title.as_deref(),
        playbook: player.playbook.as_deref(),
        context: &player.context,
        recorded,
        voices: &voices,
    });

    let (mut sink, mut stream) = connect(&player.url, player.token.as_deref()).await?.split();
    sink.send(Message::Text(start.into())).await?;
    // Bounded: the server's notices are rate limited, and the loop below always listens.
    let (heard, mut ears) = mpsc::channel(64);
    tokio::spawn(async move {
        while let Some(message) = stream.next().await {
            let heard_one = match message {
                Ok(Message::Text(text)) => read(&text),
                Ok(Message::Close(_)) => None,
                Ok(_) => continue,
                Err(error) => Some(Heard::Broken(error.to_string())),
            };
            let Some(one) = heard_one else { break };
            if heard.send(one).await.is_err() {
                break;
            }
        }
    });

    let (call, overlay_url) = match timeout(Duration::from_secs(30), ears.recv()).await {
        Ok(Some(Heard::Started { call, overlay_url })) => (call, overlay_url),
        Ok(other) => bail!(refusal(other)),
        Err(_) => bail!("the server did not answer `start` within 30 s"),
    };
    let zero = Instant::now() + player.lead;
    on_event(PlayEvent::Started { call: call.clone(), overlay_url: overlay_url.clone(), zero: zero.into_std() });
    let mut report = begun(call, overlay_url, zero.into_std());
    let mut schedule = Schedule::new(&voices, player.packet_ms, player.loss.unwrap_or_default());
    let mut next = schedule.next();
    loop {
        let due = match (&next, player.pace) {
            (Some(packet), Pace::RealTime) => Some(zero + Duration::from_micros(packet.due_us)),
            (Some(_), Pace::AsFastAsTaken) => Some(zero),
            (None, _) => None,
        };
        tokio::select! {
            one = ears.recv() => match one {
                Some(Heard::Dropped { packets, why }) => {
                    report.dropped += packets;
                    on_event(PlayEvent::Dropped { packets, why });
                }
                Some(Heard::Ended(message)) => {
                    report.ended = message;
                    return Ok(report);
                }
                Some(Heard::Other) => {}
                other => bail!(refusal(other)),
            },
            () = sleep_until(due.unwrap_or(zero)), if due.is_some() => {
                let Some(packet) = next.take() else { continue };
                next = schedule.next();
                report.media_ms = packet.due_us / 1_000;
                if player.pace == Pace::RealTime {
                    let late = due.map_or(Duration::ZERO, |due| due.elapsed());
                    report.worst_late = report.worst_late.max(late);
                }
                if packet.lost {
                    report.lost += 1;
                } else {
                    report.packets += 1;
                let track = voices[packet.voice].track;
                let message = audio(track, packet.sequence, packet.start_us, &packet.payload);
                    if let Err(error) = sink.send(Message::Binary(message.into())).await {
                        // The server may have said why before it hung up.
                        bail!(why_broken(&mut ears, error.to_string()).await);
                    }
                }
                if next.is_none() {
                    sink.send(Message::Text(r#"{"type":"stop"}"#.into())).await?;
                    on_event(PlayEvent::Sent);
                }
            }
            () = tokio::time::sleep(Duration::from_secs(180)), if due.is_none() => {
                bail!("the server did not finish the call within 180 s");
            }
        }
    }
}

type Socket = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

async fn connect(url: &str, token: Option<&str>) -> anyhow::Result<Socket> {
    let mut request = url.into_client_request().with_context(|| format!("{url} is no WebSocket address"))?;
    if let Some(token) = token {
        let value = HeaderValue::from_str(&format!("Bearer {token}")).context("the token holds odd characters")?;
        request.headers_mut().insert(header::AUTHORIZATION, value);
    }
    // Small packets at a steady pace: waiting to fill a segment would only add delay.
    match tokio_tungstenite::connect_async_with_config(request, None, true).await {
        Ok((socket, _)) => Ok(socket),
        Err(tokio_tungstenite::tungstenite::Error::Http(response)) => {
            let said = response.body().as_deref().and_then(|body| read(&String::from_utf8_lossy(body)));
            match said {
                Some(Heard::Refused(why)) => bail!("the server refused: {why}"),
                _ => bail!("the server refused with HTTP {}", response.status()),
            }
        }
        Err(error) => Err(error).with_context(|| format!("cannot reach {url}; is the server running?")),
    }
}

fn refusal(heard: Option<Heard>) -> String {
    match heard {
        Some(Heard::Refused(why)) => format!("the server refused: {why}"),
        Some(Heard::Broken(why)) => format!("the connection broke: {why}"),
        Some(_) => "the server said something unexpected".into(),
        None => "the server closed the connection".into(),
    }
}

async fn why_broken(ears: &mut mpsc::Receiver<Heard>, error: String) -> String {
    while let Ok(Some(one)) = timeout(Duration::from_secs(1), ears.recv()).await {
        if matches!(one, Heard::Refused(_)) {
            return refusal(Some(one));
        }
    }
    format!("the connection broke: {error}")
}
