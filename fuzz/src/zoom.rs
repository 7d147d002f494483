//! Zoom: messages of its sockets and its webhooks; and times of audio messages, put in order. The files are taken as they
//! are instead of through their crate, which would bring WebRTC into this build.
#![allow(dead_code)]

#[path = "../../bots/src/zoom/codes.rs"]
mod codes;
#[path = "../../bots/src/zoom/notice.rs"]
mod notice;
#[path = "../../bots/src/zoom/order.rs"]
mod order;
#[path = "../../bots/src/zoom/protocol.rs"]
mod protocol;

use notice::Notice;
use order::{Clock, Order};
use protocol::Incoming;

/// Lines are messages. What can be read as a webhook is one too. Each audio message goes into the order of its participant.
pub fn run(data: &[u8]) {
    if let Ok(webhook) = notice::parse(data)
        && let Notice::Started { urls, .. } | Notice::Interrupted { urls, .. } = webhook.notice
    {
        let _ = urls.iter().filter(|url| notice::is_allowed(url)).count();
    }
    let (mut clock, mut order, mut out, mut now_ms) = (Clock::default(), Order::new(20), Vec::new(), 0);
    let mut pushed = 0;
    for line in String::from_utf8_lossy(data).lines() {
        now_ms += 20;
        match protocol::parse(line) {
            Ok(Incoming::Audio { data, at_ms, .. }) => {
                assert!(!data.is_empty() && at_ms > 0);
                if let Some(at_ms) = clock.place(at_ms, now_ms) {
                    pushed += 1;
                    let _ = order.push(at_ms, 20, data, now_ms, &mut out);
                }
            }
            Ok(Incoming::Transcript { start_ms, end_ms, .. }) => assert!(start_ms <= end_ms),
            Ok(Incoming::Event { people, .. }) => assert!(people.len() <= protocol::MAX_PARTICIPANTS + 1),
            _ => {}
        }
    }
    order.flush(&mut out);
    assert!(out.len() <= pushed);
    assert!(out.windows(2).all(|pair| pair[0].at_ms < pair[1].at_ms));
}
