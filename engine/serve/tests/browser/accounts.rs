//! The account pages in a real browser: every view opens, ids lead to their places, no text becomes markup.

use std::sync::Arc;

use reframe_serve::{
    AllowedHosts, Hub, HubOptions, Metrics, ServeOptions, Token,
    accounts::accounts_router,
    answer_only_to,
    review::{ReviewOptions, review_router},
    router, serve,
};
use serde_json::json;
use tokio::net::TcpListener;

use crate::{
    CONTRAST, browser,
    cdp::{Browser, Page},
    demo_accounts::DemoAccounts,
    demo_call as call,
    desk::MemoryDesk,
    review::{NARROW, WIDE},
};

pub async fn start(token: &Token) -> String {
    let desk = MemoryDesk::default();
    desk.put_call(call::transcript(), call::note());
    desk.put(call::batch(), call::proposals());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let metrics = Metrics::new();
    let hub = Hub::new(HubOptions::default(), &metrics);
    let options = ReviewOptions { token: token.clone(), allowed_origins: Vec::new() };
    let pages = accounts_router(Arc::new(DemoAccounts::default()), options.clone());
    let app =
        router(hub.clone(), ServeOptions::new(metrics)).merge(review_router(Arc::new(desk), options)).merge(pages);
    tokio::spawn(serve(listener, hub, answer_only_to(AllowedHosts::new(addr, [""; 0]), app), std::future::pending()));
    format!("http://{addr}")
}

pub async fn shows(browser: &mut Browser, page: &Page, title: &str) {
    let there = format!("document.querySelector('#main h2')?.textContent === {}", json!(title));
    browser.wait(page, &there).await;
    let wide = "document.documentElement.scrollWidth <= innerWidth";
    assert_eq!(browser.eval(page, wide).await, true, "{title}: no sideways scrolling");
    let worst = browser.eval(page, CONTRAST).await;
    assert!(worst[0].as_f64().unwrap() >= 4.5, "{title}: {worst}");
    let made = browser.eval(page, "document.querySelectorAll('#app img, #app b').length").await;
    assert_eq!((made, browser.eval(page, "typeof window.hacked").await), (json!(0), json!("undefined")), "{title}");
}

pub async fn follow(browser: &mut Browser, page: &Page, selector: &str) {
    browser.eval(page, &format!("document.querySelector({}).click()", json!(selector))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_in_a_browser() {
    let Some(mut browser) = browser().await else { return };
    let token = Token::generate();
    let base = start(&token).await;
    for (size, scheme) in [(WIDE, "light"), (NARROW, "dark")] {
        let link = format!("{base}/review#token={}", token.reveal());
        let page = browser.open(&link, size, scheme).await;
        browser.wait(&page, "document.querySelectorAll('.item').length > 0").await;
        // From the review page, with the same key.
        follow(&mut browser, &page, "a[href='/accounts']").await;
        shows(&mut browser, &page, "Morning of 2026-03-10").await;
        let counts = "[...document.querySelectorAll('.big')].slice(0, 3).map((n) => n.textContent)";
        assert_eq!(browser.eval(&page, counts).await, json!(["1", "1", "1"]), "sent, replies, meetings");
        // A thing of the morning leads to its place on its account's page.
        follow(&mut browser, &page, "[aria-label^='Meetings'] a").await;
        shows(&mut browser, &page, "Contoso <b>Ltd</b>").await;
        browser.wait(&page, "document.querySelector('.link[data-here]')?.textContent.includes('<img src=x')").await;
        assert!(browser.text(&page, ".gap").await.contains("does not say which draft"));

        follow(&mut browser, &page, "[data-view=accounts]").await;
        shows(&mut browser, &page, "Accounts").await;
        follow(&mut browser, &page, "a[href$='company%2F7']").await;
        shows(&mut browser, &page, "Northwind").await;
        assert_eq!(browser.eval(&page, "document.querySelectorAll('.stage').length").await, 6);
        assert!(browser.text(&page, ".whole").await.contains("Lineage unbroken"));
        // Every id on the page leads somewhere on it, and from the last write one clicks back to the signal.
        let dead = "[...document.querySelectorAll('.ids .cite')].filter((each) => { each.click(); return each.disabled; }).length";
        assert_eq!(browser.eval(&page, dead).await, 0);
        let first = "(() => { document.querySelectorAll('.chain')[5].querySelector('.ids .cite').click(); return document.querySelector('.link[data-here]').id.startsWith('at-note_proposal-') })()";
        assert_eq!(browser.eval(&page, first).await, true);
        for kind in ["call_transcript", "brief", "meeting", "draft", "signal_card"] {
            let step = format!(
                "(() => {{ const from = [...document.querySelectorAll('.link[data-here] .ids')].find((row) => row.textContent.startsWith('made from')); from?.querySelector('.cite').click(); return document.querySelector('.link[data-here]').id.startsWith('at-{kind}-') }})()"
            );
            assert_eq!(browser.eval(&page, &step).await, true, "{kind}");
        }

        // The walk on one page: its seven rows, the way back to the signal, and what is missing.
        follow(&mut browser, &page, "a[href*='view=journey']").await;
        shows(&mut browser, &page, "Northwind: from signal to signal").await;
        assert_eq!(browser.eval(&page, "document.querySelectorAll('.step').length").await, 7);
        assert!(browser.text(&page, ".whole").await.contains("Lineage unbroken"));
        let missing = browser.text(&page, ".step:nth-child(2)").await;
        assert!(missing.contains("no answer is on record") && missing.contains("Approved by ada"), "{missing}");
        let note = "(() => { [...document.querySelectorAll('.trail .cite')].find((each) => each.title.startsWith('note_proposal-')).click(); return document.querySelector('.link[data-here]').id.startsWith('at-note_proposal-') })()";
        assert_eq!(browser.eval(&page, note).await, true);

        follow(&mut browser, &page, "[data-view=funnel]").await;
        shows(&mut browser, &page, "Funnel").await;
        assert!(browser.text(&page, ".panel").await.contains("3 entered = 1 advanced + 1 dropped + 1 open"));
        let ask = "(() => { document.querySelector('[name=to]').value = 'outreach.done'; document.querySelector('[name=by]').value = 'month'; document.querySelector('.ask button').click() })()";
        browser.eval(&page, ask).await;
        browser.wait(&page, "document.querySelector('.panel')?.textContent.includes('3 entered = 2 advanced')").await;
        follow(&mut browser, &page, "a[href='/review']").await;
        browser.wait(&page, "document.querySelectorAll('.item').length > 0").await;
        browser.close(&page).await;
    }
    // Without the key there is a sentence and nothing else.
    let page = browser.open(&format!("{base}/accounts"), WIDE, "light").await;
    browser.wait(&page, "document.querySelector('#trouble-text').textContent.includes('no key')").await;
    assert_eq!(browser.text(&page, "#main").await.trim(), "");
    browser.close(&page).await;
    assert!(browser.complaints.is_empty(), "{:?}", browser.complaints);
}
