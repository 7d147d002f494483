//! What Zoom's webhooks say: reading their JSON. No IO.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::codes::StopReason;

/// Longest webhook taken, in bytes. Zoom's are below 2 kB.
pub const MAX_BODY_BYTES: usize = 64 * 1_024;
/// Longest id or address taken, in characters.
const MAX_CHARS: usize = 1_000;

/// A webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Webhook {
    /// When it happened, as Zoom counts: Unix time in ms; 0 if it was left out.
    pub at_ms: u64,
    /// What happened.
    pub notice: Notice,
}

/// What a webhook says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Notice {
    /// Zoom wants to know whether the address is ours: to be answered at once with the token, signed.
    Validation {
        /// The token.
        plain_token: String,
    },
    /// A stream is there to be joined.
    Started {
        /// Which.
        stream: StreamId,
        /// Where to connect, in the order Zoom names them.
        urls: Vec<String>,
    },
    /// The signalling connection of a stream broke, as Zoom sees it.
    Interrupted {
        /// Which.
        stream: StreamId,
        /// Where to connect now; empty: where it was.
        urls: Vec<String>,
    },
    /// A stream is over.
    Stopped {
        /// Which.
        stream: StreamId,
        /// Why.
        reason: StopReason,
    },
    /// More streams were asked for than the account may have at once.
    TooManyStreams,
    /// Something that does not concern streams.
    Other {
        /// The event's name, at most 80 characters.
        event: String,
    },
}

/// Names a stream.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StreamId {
    /// What it is a stream of.
    pub product: Product,
    /// The meeting's uuid, the session's id or the engagement's id: goes into the signature.
    pub meeting: String,
    /// The stream's own id.
    pub stream: String,
}

/// What is streamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Product {
    /// A meeting.
    Meeting,
    /// A webinar. It has a meeting's uuid.
    Webinar,
    /// A session of the video SDK.
    Session,
    /// A call of the contact centre. One call may have several streams.
    ContactCenter,
}

impl StreamId {
    /// Do both belong to one call of ours? In the contact centre each stream is a call of its own; elsewhere the meeting
    /// is, and a new stream of it takes the old one's place.
    #[must_use]
    pub fn same_call(&self, other: &Self) -> bool {
        self.product == other.product
            && self.meeting == other.meeting
            && (self.product != Product::ContactCenter || self.stream == other.stream)
    }
}

/// A webhook that cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadNotice(String);

#[derive(Deserialize)]
struct Body {
    event: String,
    #[serde(default)]
    event_ts: Value,
    #[serde(default)]
    payload: Value,
}

/// Reads the body of a webhook. The facts may be in `payload` or in `payload.object`: Zoom has used both.
///
/// # Errors
/// [`BadNotice`] with what is missing.
pub fn parse(body: &[u8]) -> Result<Webhook, BadNotice> {
    let bad = |why: String| BadNotice(why);
    if body.len() > MAX_BODY_BYTES {
        return Err(bad(format!("a webhook of {} bytes; at most {MAX_BODY_BYTES} are taken", body.len())));
    }
    let body: Body = serde_json::from_slice(body).map_err(|error| bad(format!("not a webhook of Zoom: {error}")))?;
    let at_ms = body.event_ts.as_u64().unwrap_or(0);
    Ok(Webhook { at_ms, notice: read(&body)? })
}

fn read(body: &Body) -> Result<Notice, BadNotice> {
    let bad = |why: String| BadNotice(why);
    let event = body.event.as_str();
    let facts = Facts { event, payload: &body.payload };
    if event == "endpoint.url_validation" {
        return Ok(Notice::Validation { plain_token: facts.text(&["plainToken"])? });
    }
    if event == "rtms.concurrency_limited" {
        return Ok(Notice::TooManyStreams);
    }
    let Some((product, what)) = event.split_once('.').and_then(|(whose, what)| {
        let (product, what) = match whose {
            "meeting" => (Product::Meeting, what),
            "webinar" => (Product::Webinar, what),
            "session" => (Product::Session, what),
            "contact_center" => (Product::ContactCenter, what.strip_prefix("voice_")?),
            _ => return None,
        };
        Some((product, what.strip_prefix("rtms_")?))
    }) else {
        return Ok(Notice::Other { event: event.chars().take(80).collect() });
    };
    let stream = || -> Result<StreamId, BadNotice> {
        let meeting = match product {
            // Webinars name their meeting; the second name is what the published client also takes.
            Product::Meeting | Product::Webinar => facts.text(&["meeting_uuid", "webinar_uuid"])?,
            Product::Session => facts.text(&["session_id"])?,
            Product::ContactCenter => facts.text(&["engagement_id"])?,
        };
        Ok(StreamId { product, meeting, stream: facts.text(&["rtms_stream_id"])? })
    };
    match what {
        "started" => {
            let urls = facts.urls()?;
            if urls.is_empty() {
                return Err(bad(format!("{event}: server_urls is missing")));
            }
            Ok(Notice::Started { stream: stream()?, urls })
        }
        "interrupted" => Ok(Notice::Interrupted { stream: stream()?, urls: facts.urls()? }),
        "stopped" => {
            let reason = facts.get("stop_reason").and_then(number).unwrap_or(0);
            Ok(Notice::Stopped { stream: stream()?, reason: StopReason::from_code(reason) })
        }
        _ => Ok(Notice::Other { event: event.chars().take(80).collect() }),
    }
}

fn number(value: &Value) -> Option<u32> {
    let whole = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
    u32::try_from(whole).ok()
}

/// The facts of a webhook, wherever they are.
struct Facts<'a> {
    event: &'a str,
    payload: &'a Value,
}

impl Facts<'_> {
    fn get(&self, name: &str) -> Option<&Value> {
        let there = |value: &&Value| !value.is_null();
        self.payload.get(name).filter(there).or_else(|| self.payload.get("object")?.get(name).filter(there))
    }

    fn text(&self, names: &[&str]) -> Result<String, BadNotice> {
        let text = names.iter().find_map(|name| self.get(name)?.as_str()).unwrap_or_default();
        self.checked(names[0], text)
    }

    fn checked(&self, name: &str, text: &str) -> Result<String, BadNotice> {
        let event = self.event.chars().take(80).collect::<String>();
        if text.is_empty() {
            return Err(BadNotice(format!("{event}: {name} is missing")));
        }
        if text.chars().count() > MAX_CHARS || text.chars().any(char::is_control) {
            return Err(BadNotice(format!("{event}: {name} is too long, or no plain text")));
        }
        Ok(text.to_owned())
    }

    /// `server_urls`: one address, several with commas between, or a list.
    fn urls(&self) -> Result<Vec<String>, BadNotice> {
        let texts: Vec<&str> = match self.get("server_urls") {
            None => Vec::new(),
            Some(Value::String(text)) => text.split(',').map(str::trim).filter(|url| !url.is_empty()).collect(),
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            Some(_) => return Err(BadNotice("server_urls is neither a text nor a list".into())),
        };
        texts.into_iter().take(8).map(|url| self.checked("server_urls", url)).collect()
    }
}

/// May we connect there? Only over TLS; without it on this machine alone, for simulators.
#[must_use]
pub fn is_allowed(url: &str) -> bool {
    if let Some(rest) = url.strip_prefix("wss://") {
        return host(rest).is_some();
    }
    let Some(host) = url.strip_prefix("ws://").and_then(host) else { return false };
    host == "localhost" || host == "[::1]" || host.parse::<std::net::Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
}

/// The host of an address without its scheme. `None` if there is none, or if a name and password stand before it.
fn host(rest: &str) -> Option<&str> {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains(['@', '\\']) {
        return None;
    }
    let host = match authority.rfind(':') {
        Some(colon) if !authority[colon..].contains(']') => &authority[..colon],
        _ => authority,
    };
    (!host.is_empty()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tls_or_this_machine() {
        for good in
            ["wss://rtms-sjc.zoom.us/ws", "wss://x:443", "ws://127.0.0.1:9092/a", "ws://localhost:1", "ws://[::1]:5/x"]
        {
            assert!(is_allowed(good), "{good}");
        }
        for bad in [
            "ws://zoom.us",
            "ws://10.0.0.1",
            "http://127.0.0.1",
            "wss://",
            "ws://127.0.0.1@evil.example/",
            "ws://localhost.evil.example",
            "ws://evil.example/127.0.0.1",
            "",
        ] {
            assert!(!is_allowed(bad), "{bad}");
        }
    }
}
