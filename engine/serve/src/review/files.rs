//! The review page, built into the binary.

use axum::{extract::Path, response::Response};

use crate::page::{JAVASCRIPT, asset, one_of};

/// File name, content type and text of all that is the review page's own. `base.css`, icon and `elements.js` it shares with
/// the overlay.
const ASSETS: [(&str, &str, &str); 15] = [
    ("review.css", "text/css; charset=utf-8", include_str!("../../assets/review/review.css")),
    ("review.js", JAVASCRIPT, include_str!("../../assets/review/review.js")),
    ("api.js", JAVASCRIPT, include_str!("../../assets/review/api.js")),
    ("cards.js", JAVASCRIPT, include_str!("../../assets/review/cards.js")),
    ("cite.js", JAVASCRIPT, include_str!("../../assets/review/cite.js")),
    ("debrief.js", JAVASCRIPT, include_str!("../../assets/review/debrief.js")),
    ("decisions.js", JAVASCRIPT, include_str!("../../assets/review/decisions.js")),
    ("editor.js", JAVASCRIPT, include_str!("../../assets/review/editor.js")),
    ("inbox.js", JAVASCRIPT, include_str!("../../assets/review/inbox.js")),
    ("keys.js", JAVASCRIPT, include_str!("../../assets/review/keys.js")),
    ("note.js", JAVASCRIPT, include_str!("../../assets/review/note.js")),
    ("results.js", JAVASCRIPT, include_str!("../../assets/review/results.js")),
    ("state.js", JAVASCRIPT, include_str!("../../assets/review/state.js")),
    ("transcript.js", JAVASCRIPT, include_str!("../../assets/review/transcript.js")),
    ("words.js", JAVASCRIPT, include_str!("../../assets/review/words.js")),
];
const HTML: &str = include_str!("../../assets/review/review.html");

/// `GET /review`.
pub(super) async fn html() -> Response {
    asset("text/html; charset=utf-8", HTML)
}

/// `GET /assets/review/{name}`.
pub(super) async fn file(Path(name): Path<String>) -> Response {
    one_of(&ASSETS, &name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::rules;

    #[test]
    fn the_page_keeps_the_rules_of_all_pages() {
        let all = || ASSETS.iter().map(|(name, _, text)| (*name, *text)).chain([("review.html", HTML)]);
        rules::no_text_becomes_markup_or_code(all());
        rules::nobody_else_is_asked(all());
        rules::one_script(HTML, "/assets/review/review.js");
    }

    #[test]
    fn the_page_decides_nothing_by_itself() {
        // A yes comes from a click or a key: one place sends it, and nothing that runs by a clock does.
        let senders: Vec<&str> =
            ASSETS.iter().filter(|(_, _, text)| text.contains("post(\"approve\"")).map(|(name, ..)| *name).collect();
        assert_eq!(senders, ["decisions.js"]);
        for (name, _, text) in ASSETS {
            for line in text.lines().filter(|line| line.contains("setInterval") || line.contains("setTimeout")) {
                assert!(!line.contains("approve"), "{name}: {line}");
            }
        }
    }
}
