//! The page of meetings and briefs in a real browser: what is expected with its answer, each line leading to the words it rests
//! on, and no text becoming markup.

use reframe_serve::Token;
use serde_json::json;

use crate::{
    accounts::{follow, shows, start},
    browser,
    review::{NARROW, WIDE},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn briefs_in_a_browser() {
    let Some(mut browser) = browser().await else { return };
    let token = Token::generate();
    let base = start(&token).await;
    for (size, scheme) in [(WIDE, "light"), (NARROW, "dark")] {
        let link = format!("{base}/accounts#token={}&view=briefs", token.reveal());
        let page = browser.open(&link, size, scheme).await;
        shows(&mut browser, &page, "Meetings and briefs").await;
        assert!(browser.text(&page, ".meeting").await.contains("in 20 min"));
        assert_eq!(browser.eval(&page, "document.querySelectorAll('.meeting').length").await, 2);

        follow(&mut browser, &page, ".meeting").await;
        shows(&mut browser, &page, "Northwind: the offer for eighteen seats").await;
        let current = "document.querySelector('[data-view=briefs]').getAttribute('aria-current')";
        assert_eq!(browser.eval(&page, current).await, "page");
        // What comes, with its answer, is in sight before anything else.
        assert!(browser.text(&page, ".objection").await.contains("Compared with what it costs you today"));
        let below = "document.querySelector('.objection .say').getBoundingClientRect().bottom <= innerHeight";
        assert_eq!(browser.eval(&page, below).await, true);
        for (part, words) in [
            ("[data-part=contradictions]", "thirty two thousand"),
            ("[data-part=promises]", "late, due Wed"),
            ("[data-part=who]", "only spoken of"),
            ("[data-part=plays]", "gone is not in the playbook any more"),
            ("[data-part=missing]", "Next-step targets: a deal with a stage"),
        ] {
            let text = browser.text(&page, part).await;
            assert!(text.contains(words), "{part}: {text}");
        }
        assert_eq!(browser.eval(&page, "document.querySelectorAll('[data-part=ask] > ul > li').length").await, 3);
        // Every line that rests on words of a call opens them there, marked, and gives the focus back.
        for (part, words) in [
            (".because", "it is honestly just too expensive for forty seats"),
            ("[data-part=promises]", "i will send you the security pack by wednesday"),
            ("[data-part=contradictions]", "it is honestly just too expensive for forty seats"),
        ] {
            follow(&mut browser, &page, &format!("{part} button.cite")).await;
            let marked = format!("document.querySelector('#side mark')?.textContent === {}", json!(words));
            browser.wait(&page, &marked).await;
            let visible = "(() => { const mark = document.querySelector('#side mark').getBoundingClientRect(); return mark.top >= 0 && mark.bottom <= innerHeight; })()";
            assert_eq!(browser.eval(&page, visible).await, true, "{part}");
            follow(&mut browser, &page, "#side-close").await;
            assert_eq!(browser.eval(&page, "document.querySelector('#side').hidden").await, true);
        }
        let dead = "[...document.querySelectorAll('#main .claim')].filter((line) => line.querySelector('.cite') === null).length";
        assert_eq!(browser.eval(&page, dead).await, 0, "a line without what it rests on");
        let join = "[...document.querySelectorAll('a.join')].map((a) => a.href + ' ' + a.rel)";
        assert_eq!(browser.eval(&page, join).await, json!(["https://meet.example/northwind noreferrer noopener"]));

        follow(&mut browser, &page, "[data-view=briefs]").await;
        shows(&mut browser, &page, "Meetings and briefs").await;
        follow(&mut browser, &page, "a[href*='later%2F2026']").await;
        shows(&mut browser, &page, "Contoso <b>Ltd</b> <img src=x onerror=\"window.hacked = 1\">").await;
        assert!(browser.text(&page, "#main .about").await.contains("Made now to look at"));
        assert!(browser.text(&page, "[data-part=missing]").await.contains("invite <i>somebody</i>"));
        browser.close(&page).await;
    }
    assert!(browser.complaints.is_empty(), "{:?}", browser.complaints);
}
