//! The pages, built into the binary.

use axum::{extract::Path, response::Response};

use crate::page::{JAVASCRIPT, asset, one_of};

/// File name, content type and text of all that is these pages' own. They share `base.css`, icon and `elements.js` with the
/// overlay, and `review.css` with the review page.
const ASSETS: [(&str, &str, &str); 11] = [
    ("accounts.css", "text/css; charset=utf-8", include_str!("../../assets/accounts/accounts.css")),
    ("accounts.js", JAVASCRIPT, include_str!("../../assets/accounts/accounts.js")),
    ("account.js", JAVASCRIPT, include_str!("../../assets/accounts/account.js")),
    ("api.js", JAVASCRIPT, include_str!("../../assets/accounts/api.js")),
    ("briefs.css", "text/css; charset=utf-8", include_str!("../../assets/accounts/briefs.css")),
    ("briefs.js", JAVASCRIPT, include_str!("../../assets/accounts/briefs.js")),
    ("format.js", JAVASCRIPT, include_str!("../../assets/accounts/format.js")),
    ("funnel.js", JAVASCRIPT, include_str!("../../assets/accounts/funnel.js")),
    ("journey.css", "text/css; charset=utf-8", include_str!("../../assets/accounts/journey.css")),
    ("journey.js", JAVASCRIPT, include_str!("../../assets/accounts/journey.js")),
    ("huddle.js", JAVASCRIPT, include_str!("../../assets/accounts/huddle.js")),
];
const HTML: &str = include_str!("../../assets/accounts/accounts.html");

/// `GET /accounts`.
pub(super) async fn html() -> Response {
    asset("text/html; charset=utf-8", HTML)
}

/// `GET /assets/accounts/{name}`.
pub(super) async fn file(Path(name): Path<String>) -> Response {
    one_of(&ASSETS, &name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::rules;

    #[test]
    fn the_pages_keep_the_rules_of_all_pages() {
        let all = || ASSETS.iter().map(|(name, _, text)| (*name, *text)).chain([("accounts.html", HTML)]);
        rules::no_text_becomes_markup_or_code(all());
        rules::nobody_else_is_asked(all());
        rules::one_script(HTML, "/assets/accounts/accounts.js");
    }

    #[test]
    fn the_pages_only_read() {
        for (name, _, text) in ASSETS {
            for word in ["method:", "POST", "/v1/review"] {
                assert!(!text.contains(word), "{name} has {word}");
            }
        }
    }
}
