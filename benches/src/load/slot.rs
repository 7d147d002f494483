//! One call after the other, for as long as the load lasts: what one seller in a team of many does.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use reframe_bots::play::{Call, PlayEvent};
use tokio::sync::mpsc::Sender;

use crate::{
    dice::Dice,
    screen::{self, Late, Seen},
    serving::{Connection, Over},
};

/// What a slot tells.
#[derive(Debug)]
pub enum News {
    /// A right card is there.
    Card(Late),
    /// A call ended.
    Ended(Ended),
}

/// A call that ended.
#[derive(Debug)]
pub struct Ended {
    /// What its screen saw; why not, if it could not watch.
    pub seen: Result<Seen, String>,
    /// Packets the server said it threw away.
    pub dropped: u64,
    /// The furthest a packet was sent behind its time, in ms: above some tens the generator itself is late, and what it
    /// measures is not the server's.
    pub late_ms: u64,
}

/// What all slots share.
pub struct Shared {
    /// The server.
    pub server: Connection,
    /// How the sound gets in.
    pub over: Over,
    /// What is played.
    pub calls: Vec<Call>,
    /// Set, the slots begin no further call.
    pub stop: AtomicBool,
    /// Where cards and ended calls go. Bounded: a slot waits, and its next call begins later; a card that finds it full is
    /// counted and not waited for, so that the screen goes on.
    pub tell: Sender<News>,
    /// Cards that found it full.
    pub untold: AtomicU64,
    /// Calls the server refused, or broke off.
    pub refused: AtomicU64,
}

/// Plays calls one after the other until told to stop. The first begins somewhere within `spread_ms`, as calls do.
pub async fn run(shared: Arc<Shared>, number: u64, spread_ms: u64) {
    let mut dice = Dice(number.wrapping_mul(0x9e37_79b9));
    tokio::time::sleep(std::time::Duration::from_millis(dice.roll(spread_ms.max(1)))).await;
    let mut turn = number as usize;
    while !shared.stop.load(Ordering::Relaxed) {
        let call = shared.calls[turn % shared.calls.len()].clone();
        turn += 1;
        let zero = Arc::new(OnceLock::new());
        let truth = call.script.as_ref().map(screen::truth);
        let mut watching = None;
        let player = shared.server.player(shared.over).call_id(format!("load-{number}-{turn}")).add(call);
        // A rep's screen is open before the first word.
        let player = player.lead(std::time::Duration::from_millis(500));
        let played = player
            .run_with(|event| {
                if let PlayEvent::Started { overlay_url: Some(link), zero: begun, .. } = event {
                    // Told once per call.
                    let _told_before = zero.set(begun);
                    let zero = Arc::clone(&zero);
                    let shared = Arc::clone(&shared);
                    watching = truth.clone().map(|truth| {
                        let tell = move |card: screen::CardSeen| {
                            if card.late.is_some_and(|late| shared.tell.try_send(News::Card(late)).is_err()) {
                                shared.untold.fetch_add(1, Ordering::Relaxed);
                            }
                        };
                        tokio::spawn(async move {
                            screen::watch(&link, truth, zero, tell).await.map_err(|e| format!("{e:#}"))
                        })
                    });
                }
            })
            .await;
        let Ok(report) = played else {
            shared.refused.fetch_add(1, Ordering::Relaxed);
            if let Some(task) = watching {
                task.abort();
            }
            // Refused is what a full server does: the seller tries again in a moment.
            tokio::time::sleep(std::time::Duration::from_secs(2)).await;
            continue;
        };
        let seen = match watching {
            None => Ok(Seen::default()),
            Some(task) => match tokio::time::timeout(std::time::Duration::from_secs(20), task).await {
                Ok(Ok(seen)) => seen,
                Ok(Err(error)) => Err(error.to_string()),
                Err(_) => Err("the screen was not told of the call's end within 20 s".into()),
            },
        };
        let late_ms = u64::try_from(report.worst_late.as_millis()).unwrap_or(u64::MAX);
        if shared.tell.send(News::Ended(Ended { seen, dropped: report.dropped, late_ms })).await.is_err() {
            return;
        }
    }
}
