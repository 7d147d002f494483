//! A call joined with browsers: each party on the page `/whip` of a Chromium of its own, with a fixture's voice as its
//! microphone; the cards come out at the screen's socket.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use crate::cdp::{Browser, Page};
use crate::support::{Served, call, open_screen, told, wait_until};
use futures_util::SinkExt as _;
use reframe_serve::wire::{ClientMessage, ServerBody};
use tokio_tungstenite::tungstenite::Message;

/// One side of a fixture call, as a file for a browser's pretended microphone.
fn wav(name: &str, file: &str, to: &Path) {
    let bytes = std::fs::read(call(name).join(file)).unwrap();
    let opus = reframe_audio::ogg_opus::OggOpus::read(std::io::Cursor::new(bytes)).unwrap();
    let samples = opus.decode(48_000).0.remove(0);
    let bytes = u32::try_from(samples.len() * 2).unwrap();
    let mut wav = Vec::with_capacity(44 + samples.len() * 2);
    wav.extend(b"RIFF");
    wav.extend((36 + bytes).to_le_bytes());
    wav.extend(b"WAVEfmt ");
    wav.extend(16u32.to_le_bytes());
    wav.extend(1u16.to_le_bytes());
    wav.extend(1u16.to_le_bytes());
    wav.extend(48_000u32.to_le_bytes());
    wav.extend(96_000u32.to_le_bytes());
    wav.extend(2u16.to_le_bytes());
    wav.extend(16u16.to_le_bytes());
    wav.extend(b"data");
    wav.extend(bytes.to_le_bytes());
    samples.iter().for_each(|s| wav.extend(s.to_le_bytes()));
    std::fs::write(to, wav).unwrap();
}

async fn browser(program: &Path, microphone: &Path) -> Browser {
    let file = format!("--use-file-for-fake-audio-capture={}%noloop", microphone.display());
    let flags = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", &file];
    Browser::start_with(program, &flags).await
}

/// Fills in the form and joins.
async fn join(browser: &mut Browser, server: &Served, name: &str, party: &str) -> Page {
    let url = format!("http://{}/whip?call=chromium&name={name}&party={party}#token={}", server.addr, server.token);
    let page = browser.open(&url, (800, 600), "light").await;
    browser.wait(&page, "document.getElementById('token').value.length > 20").await;
    assert_eq!(browser.eval(&page, "location.hash").await, "", "the token does not stay in the address");
    browser.eval(&page, "document.getElementById('consent').click()").await;
    browser.eval(&page, "document.getElementById('join').click()").await;
    browser.wait(&page, "document.getElementById('state').textContent === 'You are heard.'").await;
    page
}

/// A screen that waits for so many cards.
async fn cards(link: &str, wanted: usize) -> Vec<String> {
    let mut screen = open_screen(link).await;
    let mut labels = Vec::new();
    while let Some(body) = told(&mut screen).await {
        match body {
            ServerBody::Card(card) => labels.push(card.label.clone()),
            ServerBody::Ping { n } => {
                let pong = serde_json::to_string(&ClientMessage::Pong { n }).unwrap();
                screen.send(Message::text(pong)).await.unwrap();
            }
            ServerBody::Ended(_) => break,
            _ => {}
        }
        if labels.len() >= wanted {
            break;
        }
    }
    labels
}

#[tokio::test(flavor = "multi_thread")]
async fn two_browsers_make_a_call_and_its_cards_come() {
    let Some(program) = Browser::find() else {
        assert!(std::env::var_os("CI").is_none(), "no Chromium; .ci/run prepare installs it");
        eprintln!("skipped: no Chromium on this machine");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let mut server = Served::start(dir.path(), "[server]\nresume_grace_s = 2\n");
    let (rep, buyer) = (dir.path().join("rep.wav"), dir.path().join("buyer.wav"));
    wav("procurement", "rep.opus", &rep);
    wav("procurement", "buyer.opus", &buyer);
    let mut sellers = browser(&program, &rep).await;
    let mut buyers = browser(&program, &buyer).await;
    let seller = join(&mut sellers, &server, "Rae", "rep").await;
    let customer = join(&mut buyers, &server, "Dana", "buyer").await;

    let link = sellers.eval(&seller, "document.getElementById('screen').href").await;
    let link = link.as_str().unwrap().to_owned();
    assert!(link.contains("/overlay#call=chromium&token="), "the seller finds the screen");
    let watched = tokio::spawn(async move { cards(&link, 2).await });
    let labels = tokio::time::timeout(std::time::Duration::from_secs(120), watched).await;
    let labels = labels.unwrap_or_else(|_| panic!("no cards in two minutes: {}", server.log())).unwrap();
    assert_eq!(labels, ["contract", "price"]);

    // Muted and back: the session stays.
    buyers.eval(&customer, "document.getElementById('mute').click()").await;
    buyers.wait(&customer, "document.getElementById('state').textContent === 'You are muted.'").await;
    for (browser, page) in [(&mut buyers, &customer), (&mut sellers, &seller)] {
        browser.eval(page, "document.getElementById('leave').click()").await;
        browser.wait(page, "document.getElementById('state').textContent === 'You have left.'").await;
    }
    assert_eq!(sellers.complaints, [""; 0]);
    assert_eq!(buyers.complaints, [""; 0]);
    wait_until("the sessions are over", || server.metric("reframe_whip_sessions") == 0);
    wait_until("the call is over", || server.metric("reframe_calls_open") == 0);
    assert_eq!(server.metric("reframe_whip_sessions_total"), 2);
    assert_eq!(server.metric("reframe_packets_undecodable_total"), 0);
    eprintln!(
        "{}",
        server
            .get("/metrics")
            .1
            .lines()
            .filter(|l| l.contains("packet_to_frame") || l.contains("reframe_whip"))
            .collect::<Vec<_>>()
            .join("\n")
    );
    assert_eq!(server.terminate(), Some(0));
}
