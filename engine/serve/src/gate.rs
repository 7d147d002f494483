//! Who may knock and how fast: the check of a browser's `Origin`, and a limit on messages per second.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, header};
use tokio::time::Instant;

/// Why a request's origin is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OriginError {
    /// A page of another site.
    #[error("pages of this origin may not watch calls: add it to allowed_origins if they should")]
    Foreign,
    /// A browser that does not say which page it acts for.
    #[error("a browser must say which page asks: no Origin header came")]
    Missing,
}

/// Headers only browsers send, and always do when they leave `Origin` out.
const BROWSER_HEADERS: [HeaderName; 3] = [
    HeaderName::from_static("sec-fetch-site"),
    HeaderName::from_static("sec-fetch-mode"),
    HeaderName::from_static("sec-fetch-dest"),
];

/// Whether the page behind a request may open a screen: a page of this very host, one that is `allowed` by name, or no page
/// at all (a program, which could write any `Origin` anyway).
pub(crate) fn check_origin(headers: &HeaderMap, allowed: &[String]) -> Result<(), OriginError> {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let Some(origin) = origins.next() else {
        let browser = BROWSER_HEADERS.iter().any(|name| headers.contains_key(name));
        return if browser { Err(OriginError::Missing) } else { Ok(()) };
    };
    let origin = origin.to_str().map_err(|_| OriginError::Foreign)?;
    if origins.next().is_some() {
        return Err(OriginError::Foreign);
    }
    if allowed.iter().any(|allowed| allowed.trim_end_matches('/').eq_ignore_ascii_case(origin)) {
        return Ok(());
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).ok_or(OriginError::Foreign)?;
    let same = [("http://", ":80"), ("https://", ":443")].iter().any(|(scheme, port)| {
        origin.strip_prefix(scheme).is_some_and(|authority| {
            let bare = |name: &'_ str| name.strip_suffix(port).unwrap_or(name).to_ascii_lowercase();
            bare(authority) == bare(host)
        })
    });
    if same { Ok(()) } else { Err(OriginError::Foreign) }
}

/// Lets through `per_s` things a second on average, and as many at once.
#[derive(Debug)]
pub(crate) struct RateLimit {
    per_s: f64,
    left: f64,
    at: Instant,
}

impl RateLimit {
    pub(crate) fn new(per_s: u32, now: Instant) -> Self {
        Self { per_s: f64::from(per_s), left: f64::from(per_s), at: now }
    }

    /// Whether one more is within the limit.
    pub(crate) fn allow(&mut self, now: Instant) -> bool {
        let passed: Duration = now.saturating_duration_since(self.at);
        self.at = now;
        self.left = (self.left + passed.as_secs_f64() * self.per_s).min(self.per_s);
        let ok = self.left >= 1.0;
        if ok {
            self.left -= 1.0;
        }
        ok
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn check(pairs: &[(&'static str, &str)]) -> Result<(), OriginError> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        check_origin(&headers, &["https://crm.example".into()])
    }

    #[test]
    fn own_pages_listed_pages_and_programs_pass() {
        assert_eq!(check(&[("host", "127.0.0.1:7300"), ("origin", "http://127.0.0.1:7300")]), Ok(()));
        assert_eq!(check(&[("host", "Cards.Example"), ("origin", "https://cards.example:443")]), Ok(()));
        assert_eq!(check(&[("host", "127.0.0.1:7300"), ("origin", "https://CRM.example")]), Ok(()));
        assert_eq!(check(&[("host", "127.0.0.1:7300")]), Ok(()));
    }

    #[test]
    fn others_do_not() {
        for origin in [
            "http://evil.example",
            "null",
            "http://127.0.0.1:7301",
            "http://127.0.0.1",
            "http://127.0.0.1:7300.evil.example",
            "",
        ] {
            assert_eq!(check(&[("host", "127.0.0.1:7300"), ("origin", origin)]), Err(OriginError::Foreign), "{origin}");
        }
        assert_eq!(check(&[("origin", "http://a")]), Err(OriginError::Foreign));
        let two = [("host", "a"), ("origin", "http://a"), ("origin", "http://b")];
        assert_eq!(check(&two), Err(OriginError::Foreign));
        assert_eq!(check(&[("host", "a"), ("sec-fetch-mode", "websocket")]), Err(OriginError::Missing));
    }

    #[test]
    fn rate_limit_refills() {
        let start = Instant::now();
        let mut limit = RateLimit::new(20, start);
        assert_eq!((0..100).filter(|_| limit.allow(start)).count(), 20);
        let later = start + Duration::from_millis(500);
        assert_eq!((0..100).filter(|_| limit.allow(later)).count(), 10);
        let much_later = start + Duration::from_secs(3_600);
        assert_eq!((0..100).filter(|_| limit.allow(much_later)).count(), 20);
    }
}
