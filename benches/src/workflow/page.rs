//! The review page in a headless Chromium: from opening it to what is painted.

use anyhow::Context as _;
use serde_json::json;

use super::Row;
use crate::{cdp::Browser, figures::Times};

/// Size of the window: wide enough for the words beside the proposals.
const WINDOW: (u32, u32) = (1280, 860);
/// Becomes the time in ms at which what `there` waits for is on the screen: the frame after the one it was put into is
/// begun when the first was handed over. That is up to a frame (17 ms) more than a person waits, never less.
const PAINTED: &str = "const painted = async (there, from) => {
  while (!there()) await new Promise((done) => requestAnimationFrame(done));
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - from;
};";

/// Opens the page so many times, then goes through as many calls by click. None without Chromium.
///
/// # Errors
/// If the page says something else than expected.
pub fn measure(link: &str, rounds: usize) -> anyhow::Result<Option<(Vec<Row>, Times)>> {
    let Some(program) = Browser::find() else { return Ok(None) };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let mut browser = Browser::start(&program).await;
        let (mut opened, mut clicked, mut noted) = (Times::default(), Times::default(), Times::default());
        let open = format!("(async () => {{ {PAINTED} return painted(() => document.querySelector('.item'), 0); }})()");
        for round in 0..rounds {
            let page = browser.open(link, WINDOW, "light").await;
            // A tab that nobody looks at paints nothing.
            browser.call(Some(&page), "Page.bringToFront", json!({})).await;
            let ms = browser.eval(&page, &open).await.as_f64().context("the page was not painted")?;
            // The first one starts the browser's own machinery.
            if round > 0 {
                opened.add_ms(ms);
            }
            if round + 1 < rounds {
                browser.close(&page).await;
                continue;
            }
            for n in 0..rounds {
                let both = browser.eval(&page, &click(n + 1)).await;
                clicked.add_ms(both[0].as_f64().context("a call was not painted")?);
                noted.add_ms(both[1].as_f64().context("a note was not painted")?);
            }
        }
        let mut all = opened.clone();
        all.add_all(&clicked);
        let rows = vec![
            Row::new("review", "page: opened, painted", &opened),
            Row::new("review", "page: click on a call, proposals painted", &clicked),
            Row::new("review", "page: click on a call, its note painted", &noted),
        ];
        // What the page complained of would make its times mean nothing.
        anyhow::ensure!(browser.complaints.is_empty(), "the page complained: {}", json!(browser.complaints));
        Ok(Some((rows, all)))
    })
}

/// Clicks on a call of the inbox (nights are passed by) and becomes the times until its proposals and its note are painted.
fn click(number: usize) -> String {
    format!(
        "(async () => {{ {PAINTED}
          const calls = [...document.querySelectorAll('#batches button')].filter((each) => each.textContent.includes('Call ·'));
          const one = calls[{number} % calls.length];
          document.querySelector('#note').replaceChildren();
          const from = performance.now();
          one.click();
          const open = () => one.hasAttribute('aria-current') && document.querySelector('.item');
          const items = await painted(open, from);
          const note = await painted(() => document.querySelector('#note').childElementCount > 0, from);
          return [items, note];
        }})()"
    )
}
