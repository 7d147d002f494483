//! The overlay page, built into the binary, and the headers that keep it to itself.

use axum::{
    extract::Path,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

/// File name, content type and text of all the page consists of.
const ASSETS: [(&str, &str, &str); 10] = [
    ("base.css", "text/css; charset=utf-8", include_str!("../assets/base.css")),
    ("overlay.css", "text/css; charset=utf-8", include_str!("../assets/overlay.css")),
    ("overlay.js", JAVASCRIPT, include_str!("../assets/overlay.js")),
    ("connection.js", JAVASCRIPT, include_str!("../assets/connection.js")),
    ("model.js", JAVASCRIPT, include_str!("../assets/model.js")),
    ("elements.js", JAVASCRIPT, include_str!("../assets/elements.js")),
    ("notices.js", JAVASCRIPT, include_str!("../assets/notices.js")),
    ("panels.js", JAVASCRIPT, include_str!("../assets/panels.js")),
    ("view.js", JAVASCRIPT, include_str!("../assets/view.js")),
    ("icon.svg", "image/svg+xml", include_str!("../assets/icon.svg")),
];
pub(crate) const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const HTML: &str = include_str!("../assets/overlay.html");

/// Only this server's own script and style, connections only to this server, in nobody's frame, and no text that could be
/// turned into a script (the page never needs to).
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
    trusted-types 'none'";

/// `GET /` and `GET /overlay`.
pub(crate) async fn html() -> Response {
    asset("text/html; charset=utf-8", HTML)
}

/// `GET /assets/{name}`.
pub(crate) async fn file(Path(name): Path<String>) -> Response {
    one_of(&ASSETS, &name)
}

/// The file of this name, if it is one of a page's.
pub(crate) fn one_of(assets: &[(&str, &'static str, &'static str)], name: &str) -> Response {
    let found = assets.iter().find(|(known, _, _)| *known == name);
    found.map_or_else(|| StatusCode::NOT_FOUND.into_response(), |(_, kind, text)| asset(kind, text))
}

pub(crate) fn asset(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

/// Adds the headers every answer carries.
pub(crate) async fn secure(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let mut set = |name, value| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    set(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(header::REFERRER_POLICY, "no-referrer");
    // Names and what was said must not stay behind in a cache; a new version of the page must not wait for one.
    set(header::CACHE_CONTROL, "no-store");
    set(header::HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    set(header::HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=(), payment=()");
    response
}

/// What every page of this server keeps to.
#[cfg(test)]
pub(crate) mod rules {
    pub(crate) fn no_text_becomes_markup_or_code<'a>(files: impl Iterator<Item = (&'a str, &'a str)>) {
        let banned = [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "DOMParser",
            "createContextualFragment",
            "setHTML",
            "srcdoc",
            "eval(",
            "new Function",
            "javascript:",
            "import(",
            "localStorage",
            "document.cookie",
        ];
        for (name, text) in files {
            for word in banned {
                assert!(!text.contains(word), "{name} uses {word}");
            }
        }
    }

    pub(crate) fn nobody_else_is_asked<'a>(files: impl Iterator<Item = (&'a str, &'a str)>) {
        for (name, text) in files {
            for word in ["http://", "https://", "//cdn", "@import", "url("] {
                // The namespace of SVG is a name, not an address anybody opens.
                let text = text.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
                assert!(!text.contains(word), "{name} contains {word}");
            }
        }
    }

    /// The page has this script and no other, and no style or handler of its own.
    pub(crate) fn one_script(html: &str, script: &str) {
        for word in ["style=\"", "<style", " onclick", " onload"] {
            assert!(!html.contains(word), "{word} in the page");
        }
        let scripts = html.matches("<script").count();
        assert_eq!(scripts, html.matches(&format!("<script type=\"module\" src=\"{script}\">")).count());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
        ASSETS.iter().map(|(name, _, text)| (*name, *text)).chain([("overlay.html", HTML)])
    }

    #[test]
    fn the_page_turns_no_text_into_markup_or_code() {
        rules::no_text_becomes_markup_or_code(all());
        rules::one_script(HTML, "/assets/overlay.js");
    }

    #[test]
    fn the_page_asks_nobody_else_for_anything() {
        rules::nobody_else_is_asked(all());
    }
}
