//! The debrief on the review page: for the seller first, each score with its words.

use serde_json::json;

use crate::{
    cdp::Browser,
    review::{NARROW, Review, WIDE, escape, name},
};

pub async fn is_shown_to_the_seller_first(browser: &mut Browser) {
    let review = Review::of_the_demo().await;
    let page = review.open(browser, WIDE, "light").await;
    browser.wait(&page, "document.querySelector('#debrief button')").await;
    let before = browser.text(&page, "#debrief").await;
    assert!(before.contains("The seller of this call sees it first") && !before.contains("of 5"), "{before}");

    // Somebody else: nothing of it.
    let ask = "document.querySelector('#who').click()";
    browser.eval(&page, "document.querySelector('#debrief button').click()").await;
    name(browser, &page, "Lee Park").await;
    browser.wait(&page, "document.querySelector('#debrief')?.textContent.includes('seen by its seller')").await;
    assert_eq!(browser.eval(&page, "document.querySelectorAll('.measures, .criterion').length").await, 0);

    // The seller, spelled as they like.
    browser.eval(&page, ask).await;
    name(browser, &page, "rae  LINDEN").await;
    browser.wait(&page, "document.querySelectorAll('.measures dt').length === 5").await;
    let facts = browser.text(&page, ".measures").await;
    for word in ["You spoke", "Longest monologue", "Questions", "Next step", "Decision criteria"] {
        assert!(facts.contains(word), "{facts}");
    }
    browser.eval(&page, "document.querySelector('#debrief summary').click()").await;
    let criteria = browser.eval(&page, "document.querySelectorAll('.criterion').length").await;
    assert!(criteria.as_u64().unwrap() >= 3, "{criteria}");
    let bare = "[...document.querySelectorAll('.criterion')].filter((each) => !each.querySelector('.cite') || !each.querySelector('.anchor').textContent).length";
    assert_eq!(browser.eval(&page, bare).await, 0, "each has an anchor, and words that can be looked up");
    // A quotation leads to its words.
    browser.eval(&page, "document.querySelector('.said .cite').click()").await;
    let quoted = "(() => { const said = document.querySelector('.said li').firstChild.textContent.trim().slice(1, -1); return document.querySelector('#side mark')?.textContent === said })()";
    browser.wait(&page, quoted).await;
    escape(browser, &page).await;

    browser.eval(&page, "document.querySelector('.release button').click()").await;
    browser.wait(&page, "document.querySelector('#debrief')?.textContent.includes('Open to the manager since')").await;
    assert_eq!(browser.eval(&page, "document.querySelectorAll('.release button').length").await, 0);
    assert_eq!(browser.eval(&page, "document.querySelector('#debrief details').open").await, true, "it stays unfolded");
    assert!(review.clicks_none(), "looking decides nothing");
    browser.close(&page).await;

    let page = review.open(browser, NARROW, "dark").await;
    browser.eval(&page, ask).await;
    name(browser, &page, "Rae Linden").await;
    browser.wait(&page, "document.querySelectorAll('.criterion').length > 0").await;
    browser.eval(&page, "document.querySelector('#debrief summary').click()").await;
    let wide = "document.documentElement.scrollWidth <= innerWidth && [...document.querySelectorAll('#debrief *')].every((each) => each.getBoundingClientRect().right <= innerWidth + 1)";
    assert_eq!(browser.eval(&page, wide).await, json!(true), "it fits a narrow screen");
    browser.close(&page).await;
}
