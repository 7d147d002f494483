//! The HTTP side of WHIP, without IO: what is asked in headers, and how refusals are worded.

use serde::Serialize;

use super::config::IceServer;
use crate::socket::protocol::{Code, Refusal};

/// Where sessions are made.
pub const ENDPOINT: &str = "/v1/whip";
/// Media type of offers and answers.
pub const SDP: &str = "application/sdp";
/// Media type of candidates and of ICE restarts.
pub const FRAGMENT: &str = "application/trickle-ice-sdpfrag";
/// Media type of refusals (RFC 9457).
pub const PROBLEM: &str = "application/problem+json";
/// Largest body of a request, in bytes: an offer of a browser has 5 kB.
pub const MAX_BODY_BYTES: usize = 64 * 1_024;

/// A refusal, as HTTP says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{detail}")]
pub struct Refused {
    /// HTTP status.
    pub status: u16,
    /// For people: what was wrong and what to send.
    pub detail: String,
}

impl Refused {
    /// A refusal.
    #[must_use]
    pub fn new(status: u16, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into() }
    }

    /// The body: a problem document.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a number and a string")
    }
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal.code {
            Code::Unauthorized => 401,
            Code::OriginRefused => 403,
            Code::CallEnded => 409,
            Code::UnknownPlaybook | Code::UnknownTrack => 422,
            Code::Busy => 503,
            Code::Internal => 500,
            _ => 400,
        };
        Self::new(status, refusal.message)
    }
}

/// Whether a `Content-Type` is `wanted`; parameters do not matter.
///
/// # Errors
/// 415, saying what to send.
pub fn check_type(header: Option<&str>, wanted: &str) -> Result<(), Refused> {
    let essence = header.map(|h| h.split(';').next().unwrap_or_default().trim());
    match essence {
        Some(essence) if essence.eq_ignore_ascii_case(wanted) => Ok(()),
        Some(essence) if essence.eq_ignore_ascii_case(SDP) => Err(Refused::new(
            415,
            format!(
                "a session is not negotiated anew: send `{wanted}` here, or end this session with DELETE and POST the new offer"
            ),
        )),
        Some(essence) => {
            let essence: String = essence.chars().take(60).collect();
            Err(Refused::new(415, format!("a body of type `{essence}` is not taken here; send `{wanted}`")))
        }
        None => Err(Refused::new(415, format!("the request has no Content-Type; send `{wanted}`"))),
    }
}

/// Whether an `Accept` header lets us answer with `offered`. Everything does that is not there.
///
/// # Errors
/// 406, saying what we would answer with.
pub fn check_accept(header: Option<&str>, offered: &str) -> Result<(), Refused> {
    let Some(header) = header else { return Ok(()) };
    let group = offered.split('/').next().unwrap_or_default();
    let fits = header.split(',').any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let range = parts.next().unwrap_or_default();
        let refused = parts.any(|p| p.strip_prefix("q=").is_some_and(|q| q.parse::<f32>().is_ok_and(|q| q <= 0.0)));
        let named = range.eq_ignore_ascii_case(offered)
            || range == "*/*"
            || range.strip_suffix("/*").is_some_and(|g| g.eq_ignore_ascii_case(group));
        named && !refused
    });
    if fits {
        return Ok(());
    }
    Err(Refused::new(
        406,
        format!("the answer is `{offered}`, and the Accept header does not take that; accept it, or leave Accept out"),
    ))
}

/// What an `If-Match` header of a PATCH asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// The ICE session as it is.
    Current,
    /// Any: an ICE restart.
    Any,
}

/// Reads an `If-Match` header against the entity tag of the ICE session, with its quotes.
///
/// # Errors
/// 428 without the header, 412 if it names another tag.
pub fn check_match(header: Option<&str>, etag: &str) -> Result<Match, Refused> {
    let Some(header) = header else {
        return Err(Refused::new(
            428,
            "a PATCH needs If-Match: the ETag of the last answer for candidates, or * for an ICE restart",
        ));
    };
    if header.trim() == "*" {
        return Ok(Match::Any);
    }
    if header.split(',').any(|tag| tag.trim() == etag) {
        return Ok(Match::Current);
    }
    Err(Refused::new(
        412,
        "If-Match names another ICE session; use the ETag of the last answer, or * for an ICE restart",
    ))
}

/// Whether a page of `origin` may ask: one of this very host, or one that is listed.
#[must_use]
pub fn origin_may(origin: &str, host: Option<&str>, allowed: &[String]) -> bool {
    if allowed.iter().any(|a| a.trim_end_matches('/').eq_ignore_ascii_case(origin)) {
        return true;
    }
    [("http://", ":80"), ("https://", ":443")].iter().any(|(scheme, port)| {
        let bare = |name: &str| name.strip_suffix(port).unwrap_or(name).to_ascii_lowercase();
        origin.strip_prefix(scheme).zip(host).is_some_and(|(authority, host)| bare(authority) == bare(host))
    })
}

/// The `Link` header of an ICE server (RFC 9725, section 4.6). Holds its credential: for those who may come in alone.
#[must_use]
pub fn link(server: &IceServer) -> String {
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let mut link = format!("<{}>; rel=\"ice-server\"", server.url);
    if let Some((username, credential)) = &server.credential {
        link += &format!(
            "; username=\"{}\"; credential=\"{}\"; credential-type=\"password\"",
            quoted(username),
            quoted(credential)
        );
    }
    link
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(result: Result<impl std::fmt::Debug, Refused>) -> u16 {
        let refused = result.unwrap_err();
        assert!(refused.detail.len() > 20, "{}", refused.detail);
        refused.status
    }

    #[test]
    fn content_types() {
        for good in ["application/sdp", "Application/SDP", "application/sdp; charset=utf-8"] {
            assert_eq!(check_type(Some(good), SDP), Ok(()), "{good}");
        }
        for bad in [None, Some(""), Some("text/plain"), Some("application/sdpx"), Some("application/json")] {
            assert_eq!(status(check_type(bad, SDP)), 415, "{bad:?}");
        }
        assert!(check_type(Some(SDP), FRAGMENT).unwrap_err().detail.contains("DELETE"), "says what to do instead");
    }

    #[test]
    fn accepts() {
        for good in [None, Some("*/*"), Some("application/*"), Some("text/html, application/sdp;q=0.5")] {
            assert_eq!(check_accept(good, SDP), Ok(()), "{good:?}");
        }
        for bad in ["text/html", "application/json", "application/sdp;q=0", ""] {
            assert_eq!(status(check_accept(Some(bad), SDP)), 406, "{bad}");
        }
    }

    #[test]
    fn matches() {
        assert_eq!(status(check_match(None, "\"a\"")), 428);
        for stale in ["\"b\"", "a", "", "W/\"a\""] {
            assert_eq!(status(check_match(Some(stale), "\"a\"")), 412, "{stale}");
        }
        assert_eq!(check_match(Some("\"a\""), "\"a\""), Ok(Match::Current));
        assert_eq!(check_match(Some("\"x\", \"a\""), "\"a\""), Ok(Match::Current));
        assert_eq!(check_match(Some("*"), "\"a\""), Ok(Match::Any));
    }

    #[test]
    fn origins() {
        let listed = ["https://crm.example.com".to_owned()];
        for (origin, may) in [
            ("http://127.0.0.1:7311", true),
            ("https://127.0.0.1:7311", true),
            ("http://127.0.0.1:7312", false),
            ("https://crm.example.com", true),
            ("https://crm.example.com.evil.example", false),
            ("null", false),
            ("", false),
        ] {
            assert_eq!(origin_may(origin, Some("127.0.0.1:7311"), &listed), may, "{origin}");
        }
        assert!(origin_may("https://reframe.example.com", Some("reframe.example.com:443"), &[]));
        assert!(!origin_may("https://reframe.example.com", None, &[]));
    }

    #[test]
    fn links() {
        let stun = IceServer { url: "stun:stun.example.net:3478".into(), credential: None };
        assert_eq!(link(&stun), "<stun:stun.example.net:3478>; rel=\"ice-server\"");
        let turn = IceServer { url: "turn:t.example.net".into(), credential: Some(("u".into(), "p\"q".into())) };
        assert!(link(&turn).ends_with("; username=\"u\"; credential=\"p\\\"q\"; credential-type=\"password\""));
        assert!(!format!("{turn:?}").contains("p\\\"q"), "Debug shows no credential");
    }
}
