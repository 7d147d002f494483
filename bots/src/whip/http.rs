//! The HTTP half of WHIP (RFC 9725): posting an offer, deleting the session. Redirects are followed, and what a server
//! says when it refuses is passed on.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use ureq::{
    Agent, Body,
    http::{Response, StatusCode, Uri, header},
};

/// Redirects followed before it is taken for a circle.
const MAX_REDIRECTS: usize = 5;
/// Longest answer read, in bytes: an SDP answer with many tracks and candidates has some 10 kB.
const MAX_BODY: u64 = 256 * 1_024;
/// For one request, redirects not included.
const TIMEOUT: Duration = Duration::from_secs(20);

/// What a WHIP endpoint answered to an offer.
pub struct Created {
    /// The session's address, to delete it by.
    pub session: Uri,
    /// The SDP answer.
    pub answer: String,
    /// The rep's screen, if the server links to it.
    pub overlay: Option<String>,
    /// The call's id, if the server says it.
    pub call: Option<String>,
}

/// A WHIP endpoint and the token it wants. Its methods block.
#[derive(Clone)]
pub struct Endpoint {
    agent: Agent,
    url: Uri,
    token: Option<String>,
}

impl Endpoint {
    /// The endpoint at `url`.
    ///
    /// # Errors
    /// If `url` is no http(s) address.
    pub fn new(url: &str, token: Option<String>) -> anyhow::Result<Self> {
        let url: Uri = url.parse().with_context(|| format!("{url} is no address"))?;
        ensure!(
            matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some(),
            "{url} is no WHIP address: write http://HOST:PORT/v1/whip"
        );
        let config = Agent::config_builder()
            // Followed here: a POST must stay a POST, and the token must not go just anywhere.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .timeout_global(Some(TIMEOUT));
        Ok(Self { agent: config.build().into(), url, token })
    }

    /// Posts an offer.
    ///
    /// # Errors
    /// What went wrong or why the server refused, in its words.
    pub fn offer(&self, sdp: &str) -> anyhow::Result<Created> {
        let mut url = self.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let mut request = self.agent.post(&url).header(header::CONTENT_TYPE, "application/sdp");
            request = request.header(header::ACCEPT, "application/sdp");
            if let Some(authorization) = self.authorization(&url) {
                request = request.header(header::AUTHORIZATION, authorization);
            }
            let mut response = request.send(sdp).with_context(|| unreachable_words(&url))?;
            match response.status() {
                StatusCode::CREATED => {
                    let session =
                        text(&response, header::LOCATION).context("the server did not say where the session is")?;
                    let (overlay, call) = (text(&response, "reframe-overlay"), text(&response, "reframe-call"));
                    let session = resolve(&url, &session)?;
                    return Ok(Created { session, overlay, call, answer: body(&mut response)? });
                }
                StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => {
                    let to = text(&response, header::LOCATION).context("a redirect without a Location")?;
                    url = resolve(&url, &to)?;
                }
                _ => bail!(refusal(&mut response)),
            }
        }
        bail!("{} redirects more than {MAX_REDIRECTS} times", self.url)
    }

    /// Ends a session.
    ///
    /// # Errors
    /// What went wrong or why the server refused, in its words.
    pub fn delete(&self, session: &Uri) -> anyhow::Result<()> {
        let mut request = self.agent.delete(session);
        if let Some(authorization) = self.authorization(session) {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let mut response = request.call().with_context(|| unreachable_words(session))?;
        if !response.status().is_success() {
            bail!(refusal(&mut response));
        }
        Ok(())
    }

    /// The token, where it may be shown: to the host it was given for, or over TLS to one that host sends us to.
    fn authorization(&self, to: &Uri) -> Option<String> {
        let token = self.token.as_ref()?;
        let same = to.authority() == self.url.authority() && to.scheme() == self.url.scheme();
        let safe = to.scheme_str() == Some("https") && self.url.scheme_str() == Some("https");
        (same || safe).then(|| format!("Bearer {token}"))
    }
}

fn unreachable_words(url: &Uri) -> String {
    // Without the query: it may hold names.
    let host = url.authority().map_or("?", |a| a.as_str());
    format!("cannot reach {host}; is the server running?")
}

fn text(response: &Response<Body>, name: impl header::AsHeaderName) -> Option<String> {
    response.headers().get(name)?.to_str().ok().map(str::to_owned)
}

fn body(response: &mut Response<Body>) -> anyhow::Result<String> {
    response.body_mut().with_config().limit(MAX_BODY).read_to_string().context("the server's answer cannot be read")
}

fn refusal(response: &mut Response<Body>) -> String {
    let status = response.status();
    let said = body(response).unwrap_or_default();
    // `application/problem+json` and our own errors say it in a field; else it is text, of which a line will do.
    let json: Option<serde_json::Value> = serde_json::from_str(&said).ok();
    let field = |name: &str| json.as_ref()?.get(name)?.as_str().map(str::to_owned);
    let why = field("detail").or_else(|| field("message")).or_else(|| field("title")).unwrap_or(said);
    let why: String = why.trim().chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect();
    if why.is_empty() {
        format!("the server refused with HTTP {status}")
    } else {
        format!("the server refused: {why} (HTTP {status})")
    }
}

/// A `Location` as an address: whole, or relative to where it came from.
fn resolve(base: &Uri, location: &str) -> anyhow::Result<Uri> {
    let scheme = base.scheme_str().unwrap_or("http");
    let authority = base.authority().map_or("", |a| a.as_str());
    let whole = if location.starts_with("http://") || location.starts_with("https://") {
        location.to_owned()
    } else if let Some(rest) = location.strip_prefix("//") {
        format!("{scheme}://{rest}")
    } else if location.starts_with('/') {
        format!("{scheme}://{authority}{location}")
    } else {
        let folder = base.path().rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{scheme}://{authority}{folder}/{location}")
    };
    whole.parse().with_context(|| "the server's Location is no address".to_owned())
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read as _, Write as _},
        net::TcpListener,
        sync::mpsc,
    };

    use super::*;

    #[test]
    fn locations_are_understood() {
        let base: Uri = "http://h:1/v1/whip?call=a".parse().unwrap();
        for (location, whole) in [
            ("http://x/y", "http://x/y"),
            ("https://x:2/y?z", "https://x:2/y?z"),
            ("//x/y", "http://x/y"),
            ("/v1/whip/abc", "http://h:1/v1/whip/abc"),
            ("abc", "http://h:1/v1/abc"),
            ("whip/abc", "http://h:1/v1/whip/abc"),
        ] {
            assert_eq!(resolve(&base, location).unwrap().to_string(), whole);
        }
        assert!(resolve(&base, "http://").is_err());
    }

    /// Answers one connection per canned response; gives the requests.
    fn server(responses: Vec<String>) -> (String, mpsc::Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap().to_string();
        let (tell, asked) = mpsc::sync_channel(16);
        let own = addr.clone();
        std::thread::spawn(move || {
            for response in responses {
                let (mut socket, _) = listener.accept().unwrap();
                let mut request = Vec::new();
                let mut room = [0; 4_096];
                while !String::from_utf8_lossy(&request).contains("\r\n\r\n")
                    || (request.starts_with(b"POST") && !request.ends_with(b"v=0"))
                {
                    let n = socket.read(&mut room).unwrap();
                    request.extend(&room[..n]);
                }
                socket.write_all(response.replace("SELF", &own).as_bytes()).unwrap();
                tell.send(String::from_utf8_lossy(&request).to_lowercase()).unwrap();
            }
        });
        (addr, asked)
    }

    fn answer(status: &str, headers: &str, body: &str) -> String {
        format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}", body.len())
    }

    #[test]
    fn an_offer_follows_redirects_and_stays_an_offer() {
        let (addr, asked) = server(vec![
            answer("307 x", "Location: /v2/whip\r\n", ""),
            answer("308 x", "Location: http://SELF/v3/whip?call=a\r\n", ""),
            answer(
                "201 Created",
                "Location: whip/77\r\nReframe-Overlay: http://h/overlay#x\r\nReframe-Call: a\r\n",
                "v=0 answer",
            ),
            answer("200 OK", "", ""),
        ]);
        let endpoint = Endpoint::new(&format!("http://{addr}/v1/whip"), Some("secret".into())).unwrap();
        let created = endpoint.offer("v=0").unwrap();
        assert_eq!((created.answer.as_str(), created.call.as_deref()), ("v=0 answer", Some("a")));
        assert_eq!(created.overlay.as_deref(), Some("http://h/overlay#x"));
        assert_eq!(created.session.to_string(), format!("http://{addr}/v3/whip/77"));
        endpoint.delete(&created.session).unwrap();
        let requests: Vec<String> = asked.iter().take(4).collect();
        assert!(requests.iter().all(|r| r.contains("authorization: bearer secret")), "{requests:?}");
        assert!(
            requests[2].starts_with("post /v3/whip?call=a") && requests[2].contains("content-type: application/sdp")
        );
        assert!(requests[3].starts_with("delete /v3/whip/77"));
    }

    #[test]
    fn the_token_does_not_go_to_strangers() {
        let (stranger, asked) = server(vec![answer("201 Created", "Location: /x\r\n", "v=0")]);
        let (addr, _) = server(vec![answer("307 x", &format!("Location: http://{stranger}/whip\r\n"), "")]);
        Endpoint::new(&format!("http://{addr}/whip"), Some("secret".into())).unwrap().offer("v=0").unwrap();
        assert!(!asked.recv().unwrap().contains("secret"));
    }

    #[test]
    fn refusals_are_passed_on() {
        let circle = answer("307 x", "Location: /again\r\n", "");
        for (responses, says) in [
            (vec![answer("415 x", "", "send application/sdp\n")], "send application/sdp (HTTP 415"),
            (
                vec![answer("422 x", "", r#"{"type":"about:blank","title":"T","detail":"no audio"}"#)],
                "no audio (HTTP 422",
            ),
            (
                vec![answer("401 x", "", r#"{"type":"error","code":"unauthorized","message":"wrong token"}"#)],
                "wrong token",
            ),
            (vec![answer("503 x", "", "")], "HTTP 503"),
            (vec![answer("201 x", "", "v=0")], "where the session is"),
            (vec![circle; 6], "more than 5 times"),
        ] {
            let (addr, _asked) = server(responses);
            let endpoint = Endpoint::new(&format!("http://{addr}/whip?track=rep,Rae"), Some("secret".into())).unwrap();
            let error = format!("{:#}", endpoint.offer("v=0").err().unwrap());
            assert!(error.contains(says) && !error.contains("secret"), "{error}");
        }
        let error =
            format!("{:#}", Endpoint::new("http://127.0.0.1:1/w?track=Rae", None).unwrap().offer("").err().unwrap());
        assert!(error.contains("is the server running?") && !error.contains("Rae"), "{error}");
        assert!(Endpoint::new("ws://h/whip", None).is_err());
    }
}
