//! The overlay page in a real browser.

#![allow(clippy::unwrap_used, missing_docs)]

mod cdp;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use cdp::{Browser, Page};
use reframe_call::{
    audio::{Consent, Party, TrackId, TrackInfo},
    card::{Card, CardEnd, Proof, Reason, Stages},
    event::{CardId, Event, EventBody, UtteranceId},
    input::{Load, RepAction},
    output::Caption,
    recognize::Word,
    time::MediaTime,
};
use reframe_serve::{
    CallMeta, CallScreen, ComputeLatency, Hub, HubOptions, Metrics, ServeOptions, Token, overlay_link, router, serve,
};
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

/// A call on a server that can be stopped and started again with the log it had.
struct Call {
    port: u16,
    token: Token,
    log: Vec<Event>,
    actions: Arc<Mutex<Vec<RepAction>>>,
    running: Option<(CallScreen, oneshot::Sender<()>, JoinHandle<std::io::Result<()>>)>,
}

impl Call {
    async fn start() -> Self {
        let mut call =
            Self { port: 0, token: Token::generate(), log: Vec::new(), actions: Arc::default(), running: None };
        call.up().await;
        for (id, party, name) in [(0, Party::Rep, "Rae"), (1, Party::Buyer, "Dana <b>W</b>")] {
            let consent = Some(Consent { basis: "fixture".into(), reference: String::new() });
            call.event(EventBody::TrackAdded {
                track: TrackInfo { id: TrackId(id), party, name: name.into(), consent },
            });
        }
        call
    }

    async fn up(&mut self) {
        let metrics = Metrics::new();
        let hub = Hub::new(HubOptions::default(), &metrics);
        let sink = Arc::clone(&self.actions);
        let actions = move |action| {
            sink.lock().unwrap().push(action);
            true
        };
        let meta = CallMeta { id: "call-1".into(), title: "Acme, second call".into(), token: self.token.clone() };
        let screen = hub.open_call(meta, Arc::new(actions)).unwrap();
        screen.restore(&self.log);
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        self.port = listener.local_addr().unwrap().port();
        let (stop, stopped) = oneshot::channel();
        let app = router(hub.clone(), ServeOptions::new(metrics));
        let task = tokio::spawn(serve(listener, hub, app, async move {
            stopped.await.ok();
        }));
        self.running = Some((screen, stop, task));
    }

    async fn down(&mut self) {
        let (screen, stop, task) = self.running.take().unwrap();
        stop.send(()).unwrap();
        task.await.unwrap().unwrap();
        drop(screen);
    }

    /// Something happens, whether or not anybody is served.
    fn event(&mut self, body: EventBody) {
        let seq = self.log.len() as u64;
        let event = Event { seq, at: MediaTime::from_ms(seq), body };
        if let Some((screen, ..)) = &self.running {
            screen.publish(&event, Some(ComputeLatency { compute_us: 41_000 }));
        }
        self.log.push(event);
    }

    fn show(&mut self, id: u32, title: &str, first: &str) {
        self.event(EventBody::CardShown { card: card(id, title, first) });
    }

    fn link(&self) -> String {
        overlay_link(&format!("http://127.0.0.1:{}", self.port), "call-1", &self.token)
    }

    /// Waits for the actions heard since the last time.
    async fn heard(&self, count: usize) -> Vec<RepAction> {
        for _ in 0..400 {
            if self.actions.lock().unwrap().len() >= count {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        std::mem::take(&mut *self.actions.lock().unwrap())
    }
}

fn card(id: u32, title: &str, first: &str) -> Card {
    let word = |text: &str, start_ms| Word {
        text: text.into(),
        start: MediaTime::from_ms(start_ms),
        end: MediaTime::from_ms(start_ms + 300),
        confidence: 0.9,
    };
    Card {
        id: CardId(id),
        play: "price".into(),
        label: "price".into(),
        title: title.into(),
        say: vec![first.into(), "Second line.".into(), "Third line.".into()],
        proof: Some(Proof { text: "9 of 10 stay.".into(), source: "Survey 2025".into() }),
        ask: Some("What would waiting cost?".into()),
        ttl_ms: 120_000,
        priority: 1,
        reason: Reason {
            rule: "phrase \"too expensive\"".into(),
            words: vec![word("just", 61_000), word("expensive", 61_400)],
            speaker: "Dana".into(),
            score: 0.93,
            phrase_start: MediaTime::from_ms(61_400),
            phrase_end: MediaTime::from_ms(61_700),
            stages: Stages { recognize_ms: 320, detect_ms: 20, deck_ms: 0 },
        },
    }
}

const TITLE: &str = ".card-title";

fn shows(title: &str) -> String {
    format!("document.querySelector('{TITLE}').textContent === {}", serde_json::json!(title))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overlay_in_a_browser() {
    let Some(program) = Browser::find() else {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "CI needs Chromium for this test: install the package `chromium`"
        );
        println!("skipped: no Chromium on this machine");
        return;
    };
    let mut browser = Browser::start(&program).await;
    shows_a_card(&mut browser).await;
    shows_markup_as_text(&mut browser).await;
    keys_send_actions(&mut browser).await;
    says_how_the_call_is_doing(&mut browser).await;
    is_readable_in_light_and_dark(&mut browser).await;
    moves_into_the_small_window(&mut browser).await;
    assert!(browser.complaints.is_empty(), "{:?}", browser.complaints);
    survives_a_restart(&mut browser).await;
}

async fn shows_a_card(browser: &mut Browser) {
    let mut call = Call::start().await;
    let page = browser.open(&call.link(), (400, 700), "light").await;
    browser.wait(&page, "document.querySelector('.empty h2').textContent === 'Listening'").await;
    assert_eq!(browser.text(&page, "#title").await, "Acme, second call");
    assert_eq!(browser.text(&page, "#status").await, "Listening");
    assert_eq!(browser.eval(&page, "location.hash").await, "#call=call-1", "the token leaves the address bar");

    call.show(0, "Too expensive", "Compared with what?");
    browser.wait(&page, "performance.getEntriesByName('card:0:painted').length === 1").await;
    assert_eq!(browser.text(&page, TITLE).await, "Too expensive");
    let lines = browser.eval(&page, "[...document.querySelectorAll('.say li')].map((line) => line.textContent)").await;
    assert_eq!(lines, serde_json::json!(["Compared with what?", "Second line.", "Third line."]));
    assert_eq!(browser.text(&page, ".proof").await, "9 of 10 stay.Survey 2025");
    assert!(browser.text(&page, ".ask").await.ends_with("What would waiting cost?"));
    assert!(browser.text(&page, "#announce").await.contains("Compared with what?"));
    assert_eq!(browser.eval(&page, "document.querySelector('.why').open").await, false);
    browser.press(&page, "w", 0).await;
    browser.wait(&page, "document.querySelector('.why').open").await;
    let why = browser.text(&page, ".reason").await;
    for part in
        ["Dana, 1:01.4 to 1:01.7", "phrase \"too expensive\"", "0.93", "381 ms after the phrase ended", "Compute 41 ms"]
    {
        assert!(why.contains(part), "{part} in {why}");
    }
    assert_eq!(browser.text(&page, ".hit").await, "expensive");

    call.event(EventBody::CardClosed { card: CardId(0), end: CardEnd::Expired });
    browser.wait(&page, "document.querySelector('.card') === null && document.querySelector('.empty')").await;

    // A page that is loaded again finds its way with the token it kept.
    call.show(1, "Another", "One.");
    browser.call(Some(&page), "Page.reload", serde_json::json!({})).await;
    browser.wait(&page, &format!("{} && window.__reframe.link === 'online'", shows("Another"))).await;
    browser.close(&page).await;
}

async fn shows_markup_as_text(browser: &mut Browser) {
    let mut call = Call::start().await;
    let page = browser.open(&call.link(), (400, 700), "light").await;
    let (title, line) =
        ("<script>window.hacked = 1</script>", "<img src=x onerror=\"window.hacked = 1\"> <b>x</b> &amp;");
    call.show(0, title, line);
    browser.wait(&page, &shows(title)).await;
    assert_eq!(browser.text(&page, ".say li").await, line);
    if let Some((screen, ..)) = &call.running {
        let (track, utterance) = (TrackId(1), UtteranceId(0));
        screen.caption(&Caption { track, utterance, committed: "<i>so</i>".into(), tail: "<u>dear".into() });
    }
    browser.wait(&page, "document.querySelector('#caption-text').textContent === '<i>so</i> <u>dear'").await;
    assert_eq!(browser.text(&page, "#caption-who").await, "Dana <b>W</b>");
    let made =
        browser.eval(&page, "document.querySelectorAll('#app img, #app b, #app i, #app u, #app script').length").await;
    assert_eq!(made, 0);
    assert_eq!(browser.eval(&page, "typeof window.hacked").await, "undefined");
    browser.close(&page).await;
}

async fn keys_send_actions(browser: &mut Browser) {
    let mut call = Call::start().await;
    let page = browser.open(&call.link(), (400, 700), "light").await;
    call.show(7, "Keys", "One.");
    browser.wait(&page, &shows("Keys")).await;
    browser.press(&page, "n", 0).await;
    browser.press(&page, "u", 2).await;
    browser.press(&page, "p", 0).await;
    assert_eq!(
        call.heard(1).await,
        [RepAction::Pin { card: CardId(7) }],
        "n has nothing to show, ctrl-u is the browser's"
    );
    call.event(EventBody::CardPinned { card: CardId(7), pinned: true });
    browser.wait(&page, "document.querySelector('.card').dataset.pinned === 'true'").await;
    call.event(EventBody::CardQueued { card: card(8, "Waits", "Two.") });
    browser.wait(&page, "document.querySelector('.waiting').textContent === '1 waiting'").await;
    browser.press(&page, "n", 0).await;
    assert_eq!(call.heard(1).await, [RepAction::Next]);
    // What the deck does with a pinned card that makes way.
    call.event(EventBody::CardQueued { card: card(7, "Keys", "One.") });
    call.show(8, "Waits", "Two.");
    browser.wait(&page, &shows("Waits")).await;
    browser.press(&page, "d", 0).await;
    assert_eq!(call.heard(1).await, [RepAction::Dismiss { card: CardId(8) }]);
    call.event(EventBody::CardClosed { card: CardId(8), end: CardEnd::Dismissed });
    call.show(7, "Keys", "One.");
    browser.wait(&page, "document.querySelector('.card').dataset.pinned === 'true'").await;
    browser.click(&page, ".act.first").await;
    assert_eq!(call.heard(1).await, [RepAction::Used { card: CardId(7) }]);
    call.event(EventBody::CardClosed { card: CardId(7), end: CardEnd::Used });
    call.event(EventBody::CallEnded { cards_shown: 2, utterances: 3 });
    browser.wait(&page, "document.querySelector('.recap')").await;
    let counts =
        browser.eval(&page, "[...document.querySelectorAll('.recap dd')].map((count) => count.textContent)").await;
    assert_eq!(counts, serde_json::json!(["2", "1", "1"]));
    assert_eq!(browser.text(&page, "#status").await, "Call ended");
    browser.close(&page).await;
}

async fn says_how_the_call_is_doing(browser: &mut Browser) {
    let mut call = Call::start().await;
    let page = browser.open(&call.link(), (400, 700), "light").await;
    let says =
        |part: &str| format!("document.querySelector('#status').textContent.includes({})", serde_json::json!(part));
    call.event(EventBody::AudioStalled { since: MediaTime::ZERO });
    browser.wait(&page, &says("No sound for 10 s")).await;
    call.event(EventBody::AudioResumed);
    browser.wait(&page, &says("Listening")).await;
    call.event(EventBody::ConsentChanged { track: TrackId(1), consent: None });
    browser.wait(&page, &says("Not listening to Dana <b>W</b>: no consent on record")).await;
    call.event(EventBody::LoadChanged { load: Load::High });
    browser.wait(&page, &says("Machine is behind")).await;
    let consent = Some(Consent { basis: "fixture".into(), reference: String::new() });
    call.event(EventBody::TrackAdded {
        track: TrackInfo { id: TrackId(1), party: Party::Unknown, name: "Room".into(), consent },
    });
    browser.wait(&page, &says("Speaker unknown")).await;
    browser.close(&page).await;
}

async fn is_readable_in_light_and_dark(browser: &mut Browser) {
    let mut call = Call::start().await;
    call.show(0, "Readable", "Compared with what?");
    let mut grounds = Vec::new();
    for scheme in ["light", "dark"] {
        let page = browser.open(&call.link(), (360, 640), scheme).await;
        browser.wait(&page, &shows("Readable")).await;
        browser.eval(&page, "document.getAnimations().forEach((each) => each.finish())").await;
        assert_eq!(
            browser.eval(&page, "document.documentElement.scrollWidth <= innerWidth").await,
            true,
            "no sideways scrolling"
        );
        grounds.push(browser.eval(&page, "getComputedStyle(document.body).backgroundColor").await);
        let worst = browser.eval(&page, CONTRAST).await;
        assert!(worst[0].as_f64().unwrap() >= 4.5, "{scheme}: {worst}");
        browser.close(&page).await;
    }
    assert_ne!(grounds[0], grounds[1]);
}

/// The lowest contrast ratio of any text on the page to what lies behind it, as WCAG defines it, and where.
const CONTRAST: &str = "(() => {
    const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const light = (colour) => {
        const [r, g, b] = numbers(colour).map((x) => x / 255).map((x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (node) => {
        for (let at = node; at; at = at.parentElement) {
            const colour = getComputedStyle(at).backgroundColor;
            if (colour.startsWith('rgb(')) return colour;
        }
        return 'rgb(255, 255, 255)';
    };
    let worst = [99, ''];
    for (const node of document.querySelectorAll('#app *')) {
        const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
        if (!own || !node.checkVisibility() || node.closest(':disabled, .only-read')) continue;
        const [a, b] = [light(getComputedStyle(node).color), light(behind(node))].sort((x, y) => y - x);
        const ratio = (a + 0.05) / (b + 0.05);
        if (ratio < worst[0]) worst = [ratio, node.className + ' ' + node.textContent];
    }
    return worst;
})()";

async fn moves_into_the_small_window(browser: &mut Browser) {
    let mut call = Call::start().await;
    call.show(0, "Small", "One.");
    let page: Page = browser.open(&call.link(), (400, 700), "light").await;
    browser.wait(&page, &shows("Small")).await;
    if browser.eval(&page, "'documentPictureInPicture' in window").await != true {
        println!("skipped: this browser has no Document Picture-in-Picture");
        return;
    }
    browser.click(&page, "#pip").await;
    browser.wait(&page, "documentPictureInPicture.window.document.querySelector('.card')").await;
    let small = "documentPictureInPicture.window.document";
    let styled =
        format!("{small}.defaultView.getComputedStyle({small}.querySelector('.card')).borderRadius === '16px'");
    browser.wait(&page, &styled).await;
    assert_eq!(browser.eval(&page, "document.querySelector('#away').hidden").await, false);
    call.show(1, "Second", "Two.");
    browser.wait(&page, &format!("{small}.querySelector('{TITLE}').textContent === 'Second'")).await;
    browser.click(&page, "#bring-back").await;
    browser.wait(&page, &format!("{} && document.querySelector('#away').hidden", shows("Second"))).await;
    browser.close(&page).await;
}

async fn survives_a_restart(browser: &mut Browser) {
    let mut call = Call::start().await;
    let page = browser.open(&call.link(), (400, 700), "light").await;
    call.show(0, "Before", "One.");
    browser.wait(&page, &shows("Before")).await;
    call.down().await;
    browser
        .wait(&page, "document.querySelector('#status-line').textContent.startsWith('Offline, trying again in ')")
        .await;
    call.event(EventBody::CardClosed { card: CardId(0), end: CardEnd::Expired });
    call.show(1, "While away", "Two.");
    call.up().await;
    browser.wait(&page, "performance.getEntriesByName('card:1:painted').length === 1").await;
    browser.wait(&page, "document.querySelector('#status').textContent === 'Listening'").await;
    assert_eq!(browser.text(&page, TITLE).await, "While away");
    call.show(2, "After", "Three.");
    browser.wait(&page, &shows("After")).await;
    browser.wait(&page, "performance.getEntriesByName('card:2:painted').length === 1").await;
    let painted = browser.eval(&page, "window.__reframe.painted.map((each) => each.id)").await;
    assert_eq!(painted, serde_json::json!([0, 1, 2]), "each card appears exactly once");
}
