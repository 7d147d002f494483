//! One call, from its first packet to what was seen of it on the socket and in the browser.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use anyhow::Context;
use reframe_bots::play::PlayEvent;
use tokio::{sync::oneshot, time::timeout};

use super::{
    Way,
    meeting::Bot,
    paint::{Painted, Painter},
};
use crate::{
    sample_call::SampleCall,
    screen::{self, CardSeen, Link, Seen},
    serving::Connection,
};

/// Between the server's answer and the first sample: a rep's screen is open before the first word.
const LEAD: Duration = Duration::from_secs(2);
/// How long the screen may take to hear that the call is over, once all was sent.
const LAST_WORDS: Duration = Duration::from_secs(30);

/// How the sending went.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// The furthest a packet was sent behind its time, in ms; the stand-in for Zoom does not tell.
    pub late_ms: Option<u64>,
    /// Packets lost on the way: on purpose, or because nobody was there to take them.
    pub lost: u64,
    /// Packets the server said it threw away.
    pub dropped: u64,
}

/// What was seen of a call.
#[derive(Debug)]
pub struct Played {
    /// Its id in the server.
    pub call: String,
    /// What its screen counted.
    pub seen: Seen,
    /// All its cards.
    pub cards: Vec<CardSeen>,
    /// What was painted; none without a browser.
    pub painted: Option<Painted>,
    /// How the sending went.
    pub sent: Sent,
}

impl Played {
    /// How long after the socket a card was painted, in ms.
    pub fn paint_ms(&self, seen: &CardSeen) -> Option<f64> {
        self.painted.as_ref()?.after_ms(seen.card.id, seen.late?.at)
    }
}

/// What plays calls one after the other, and watches them.
pub struct Stage {
    /// How the sound gets in.
    pub way: Way,
    /// The server.
    pub server: Connection,
    /// Brings meetings to it; for [`Way::Rtms`].
    pub bot: Option<Bot>,
    /// Paints; none without a browser.
    pub painter: Option<Painter>,
}

impl Stage {
    /// Plays a call to its end under this name.
    ///
    /// # Errors
    /// If it cannot be played or watched.
    pub async fn play(&mut self, sample: &SampleCall, id: &str) -> anyhow::Result<Played> {
        let zero = Arc::new(OnceLock::new());
        let (tell, link) = oneshot::channel();
        let truth = screen::truth(&sample.script);
        // A task of its own: what it takes to send a packet must not delay the moment a card is seen.
        let watching = tokio::spawn(watch(link, truth, Arc::clone(&zero), self.painter.take()));
        let sent = match (self.way.over(), &mut self.bot) {
            (None, Some(bot)) => bot.play(sample.call.clone(), id, zero, tell).await?,
            (None, None) => anyhow::bail!("no bot was started"),
            (Some(over), _) => {
                let player = self.server.player(over).call_id(id).lead(LEAD).add(sample.call.clone());
                let mut tell = Some(tell);
                let begun = move |event: PlayEvent| {
                    if let PlayEvent::Started { overlay_url: Some(link), zero: begun, .. } = event
                        && let Some(tell) = tell.take()
                    {
                        let _told_before = zero.set(begun);
                        let _nobody_watches = tell.send(link);
                    }
                };
                let report = player.run_with(begun).await?;
                let late_ms = u64::try_from(report.worst_late.as_millis()).ok();
                Sent { late_ms, lost: report.lost, dropped: report.dropped }
            }
        };
        let watched = timeout(LAST_WORDS, watching).await.context("the screen was not told that the call is over")?;
        let Watched { call, seen, cards, painted, painter } = watched.context("the screen's task failed")??;
        self.painter = painter;
        Ok(Played { call, seen, cards, painted, sent })
    }
}

struct Watched {
    call: String,
    seen: Seen,
    cards: Vec<CardSeen>,
    painted: Option<Painted>,
    painter: Option<Painter>,
}

/// Watches the call of the link it is given, and has it painted.
async fn watch(
    link: oneshot::Receiver<String>,
    truth: reframe_call::backtest::truth::Truth,
    zero: Arc<OnceLock<Instant>>,
    painter: Option<Painter>,
) -> anyhow::Result<Watched> {
    let link = link.await.context("the call never began")?;
    let opening = painter.map(|painter| tokio::spawn(painter.open(link.clone())));
    let mut cards = Vec::new();
    let seen = screen::watch(&link, truth, zero, |card| cards.push(card)).await?;
    let call = Link::parse(&link)?.call;
    let Some(opening) = opening else { return Ok(Watched { call, seen, cards, painted: None, painter: None }) };
    let (painted, painter) = opening.await.context("the browser's task failed")??.close().await?;
    Ok(Watched { call, seen, cards, painted: Some(painted), painter: Some(painter) })
}
