//! The overlay page in a real browser.

#![allow(clippy::unwrap_used, missing_docs)]

mod accounts;
mod briefs;
mod call;
mod cdp;
mod debrief;
#[path = "../../examples/review_demo/accounts.rs"]
mod demo_accounts;
#[allow(dead_code, reason = "the demo uses the rest")]
#[path = "../../examples/review_demo/call.rs"]
mod demo_call;
#[allow(dead_code, reason = "the demo uses the rest")]
#[path = "../../examples/review_demo/desk.rs"]
mod desk;
mod review;
mod troubles;

use call::{Call, card};
use cdp::{Browser, Page};
use reframe_call::{
    card::{Card, CardEnd, CaseStudy, Proof},
    date::Date,
    event::{CardId, EventBody},
    input::RepAction,
};

const TITLE: &str = ".card-title";

pub fn shows(title: &str) -> String {
    format!("document.querySelector('{TITLE}').textContent === {}", serde_json::json!(title))
}

/// Chromium, started; without one on this machine a test is skipped, but not in CI.
pub async fn browser() -> Option<Browser> {
    let Some(program) = Browser::find() else {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "CI needs Chromium for this test: install the package `chromium`"
        );
        println!("skipped: no Chromium on this machine");
        return None;
    };
    Some(Browser::start(&program).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overlay_in_a_browser() {
    let Some(mut browser) = browser().await else { return };
    shows_a_card(&mut browser).await;
    shows_markup_as_text(&mut browser).await;
    keys_send_actions(&mut browser).await;
    shows_all_a_card_can_have(&mut browser).await;
    troubles::each_has_a_line(&mut browser).await;
    troubles::none_covers_the_card(&mut browser).await;
    troubles::one_click_settles_a_side(&mut browser).await;
    troubles::notes_are_kept(&mut browser).await;
    troubles::listening_can_be_stopped(&mut browser).await;
    troubles::erased_words_leave_the_page(&mut browser).await;
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
    call.say(1, "<i>so</i>", "<u>dear");
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
    a_wrong_card_goes(browser, &page, &mut call).await;
    call.event(EventBody::CallEnded { cards_shown: 4, utterances: 3 });
    browser.wait(&page, "document.querySelector('.recap')").await;
    let counts =
        browser.eval(&page, "[...document.querySelectorAll('.recap dd')].map((count) => count.textContent)").await;
    assert_eq!(counts, serde_json::json!(["4", "1", "1", "2"]));
    let ends = browser.eval(&page, "[...document.querySelectorAll('.recap .end')].map((end) => end.textContent)").await;
    assert_eq!(ends, serde_json::json!(["dismissed", "used", "marked wrong", "marked wrong"]));
    assert_eq!(browser.text(&page, "#status").await, "Call ended");
    browser.close(&page).await;
}

/// By key and by click.
async fn a_wrong_card_goes(browser: &mut Browser, page: &Page, call: &mut Call) {
    for (id, title) in [(9, "Wrong by key"), (10, "Wrong by click")] {
        call.show(id, title, "One.");
        browser.wait(page, &shows(title)).await;
        if id == 9 {
            browser.press(page, "x", 0).await;
        } else {
            browser.click(page, "[data-do='wrong']").await;
        }
        assert_eq!(call.heard(1).await, [RepAction::Wrong { card: CardId(id) }]);
        browser.wait(page, "document.querySelector('.card').classList.contains('sent')").await;
        call.event(EventBody::CardClosed { card: CardId(id), end: CardEnd::Wrong });
        browser.wait(page, "document.querySelector('.card') === null").await;
    }
}

async fn shows_all_a_card_can_have(browser: &mut Browser) {
    let mut call = Call::start().await;
    let page = browser.open(&call.link(), (380, 600), "light").await;
    call.event(EventBody::CardQueued { card: full_card(0) });
    browser.wait(&page, "!document.querySelector('.held').hidden").await;
    assert_eq!(browser.eval(&page, "document.querySelector('.card')").await, serde_json::Value::Null);
    browser.press(&page, "n", 0).await;
    assert_eq!(call.heard(1).await, [RepAction::Next]);
    call.event(EventBody::CardShown { card: full_card(0) });
    browser.wait(&page, &shows("Full")).await;
    assert_eq!(browser.text(&page, ".avoid").await, "Don’t: promise a discount.");
    assert_eq!(browser.text(&page, ".proof").await, "9 of 10 stay.Survey, May 2026");
    assert_eq!(browser.text(&page, ".proof strong").await, "9 of 10");
    assert_eq!(browser.text(&page, ".case").await, "A customer like thisHarbor stayed.Signed letter");
    assert_eq!(browser.eval(&page, "document.body.textContent.includes('wording-b')").await, false);
    let inside = "[...document.querySelectorAll('.card *')].every((each) => each.getBoundingClientRect().right <= document.querySelector('.card').getBoundingClientRect().right)";
    assert_eq!(browser.eval(&page, inside).await, true, "nothing hangs over the card's edge");
    assert_eq!(browser.eval(&page, "document.documentElement.scrollWidth <= innerWidth").await, true);
    call.event(EventBody::CardPinned { card: CardId(0), pinned: true });
    browser.wait(&page, "document.querySelector('[data-do=pin] .word').textContent === 'Pinned'").await;
    let cut = "[...document.querySelectorAll('.act')].filter((each) => each.scrollWidth > each.clientWidth).map((each) => each.textContent)";
    assert_eq!(browser.eval(&page, cut).await, serde_json::json!([]), "every button has room for its word");
    let worst = browser.eval(&page, CONTRAST).await;
    assert!(worst[0].as_f64().unwrap() >= 4.5, "{worst}");
    browser.close(&page).await;
}

/// A card with everything a card can have.
fn full_card(id: u32) -> Card {
    let long = "Averyveryveryverylongwordwithoutanyspacethatmustnotbreakthelayout";
    let plain = card(id, "Full", long);
    Card {
        proof: Some(Proof {
            text: "9 of 10 stay.".into(),
            source: "Survey".into(),
            number: Some("9 of 10".into()),
            date: Date::new(2026, 5, 1),
            valid_until: None,
        }),
        case_study: Some(CaseStudy { text: "Harbor stayed.".into(), source: "Signed letter".into() }),
        avoid: Some("promise a discount.".into()),
        variant: Some("wording-b".into()),
        ..plain
    }
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
pub const CONTRAST: &str = "(() => {
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
    browser.wait(&page, "document.querySelector('#status').textContent.startsWith('Offline, trying again in ')").await;
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

    // What is being written survives, and is sent when there is somebody to send it to.
    browser.press(&page, "t", 0).await;
    browser.press(&page, "a", 0).await;
    call.down().await;
    browser.wait(&page, "document.querySelector('#status').textContent.startsWith('Offline')").await;
    browser.enter(&page).await;
    browser.wait(&page, "document.querySelector('#toast').textContent === 'Offline: not sent'").await;
    assert_eq!(browser.eval(&page, "document.activeElement.value").await, "a");
    call.up().await;
    browser.wait(&page, "document.querySelector('#status').textContent === 'Listening'").await;
    browser.enter(&page).await;
    assert_eq!(call.heard(1).await, [RepAction::Note { text: "a".into() }]);
}
