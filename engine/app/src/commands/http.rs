//! The little HTTP the commands need to talk to a running server: one request, one JSON answer, no encryption.

use std::{
    io::{Read, Write},
    net::{TcpStream, ToSocketAddrs},
    time::Duration,
};

use anyhow::{Context, bail};

/// How long a server may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest answer read, in bytes.
const MAX_ANSWER: u64 = 16 * 1_024 * 1_024;

/// Where a server is: the `http://host:port` people write.
#[derive(Clone, Debug)]
pub struct Place {
    authority: String,
}

impl std::str::FromStr for Place {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        let say = "write http://HOST:PORT; encrypted addresses are not spoken here, so run this where the server runs";
        let authority = url.strip_prefix("http://").ok_or(say)?.trim_end_matches('/');
        if authority.is_empty() || authority.contains(|c: char| c.is_whitespace() || c.is_control() || c == '/') {
            return Err(say.to_owned());
        }
        let authority = if authority.rsplit(']').next().is_some_and(|rest| rest.contains(':')) {
            authority.to_owned()
        } else {
            format!("{authority}:80")
        };
        Ok(Self { authority })
    }
}

/// Percent-encodes a value for a query.
#[must_use]
pub fn escape(value: &str) -> String {
    value.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        out
    })
}

impl Place {
    /// Sends a request and gives the answer's body.
    ///
    /// # Errors
    /// If the server cannot be reached, or refuses; then with its own words.
    pub fn ask(&self, method: &str, path: &str, token: &str, body: Option<&str>) -> anyhow::Result<String> {
        let place = &self.authority;
        let cannot = || format!("the server at {place} cannot be asked; does it run?");
        let address = place.to_socket_addrs().with_context(cannot)?.next().with_context(cannot)?;
        let mut socket = TcpStream::connect_timeout(&address, PATIENCE).with_context(cannot)?;
        socket.set_read_timeout(Some(PATIENCE)).and_then(|()| socket.set_write_timeout(Some(PATIENCE)))?;
        // HTTP/1.0: the answer comes in one piece and ends with the connection.
        let mut request = format!(
            "{method} {path} HTTP/1.0\r\nHost: {place}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n"
        );
        if let Some(body) = body {
            request.push_str(&format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len()));
        }
        request.push_str("\r\n");
        request.push_str(body.unwrap_or_default());
        socket.write_all(request.as_bytes()).with_context(cannot)?;
        let mut answer = String::new();
        socket.take(MAX_ANSWER).read_to_string(&mut answer).with_context(cannot)?;
        let (head, body) = answer.split_once("\r\n\r\n").with_context(|| format!("{place} does not speak HTTP"))?;
        let status: u16 = head.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0);
        if (200..300).contains(&status) {
            return Ok(body.to_owned());
        }
        let said = serde_json::from_str::<serde_json::Value>(body).ok();
        let why = said.as_ref().and_then(|v| v.get("error")?.as_str()).unwrap_or(body);
        bail!("the server refused ({status}): {why}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_as_people_write_them() {
        for (url, authority) in [
            ("http://127.0.0.1:7311", "127.0.0.1:7311"),
            ("http://localhost:7311/", "localhost:7311"),
            ("http://example.com", "example.com:80"),
            ("http://[::1]:7311", "[::1]:7311"),
            ("http://[::1]", "[::1]:80"),
        ] {
            assert_eq!(url.parse::<Place>().unwrap().authority, authority);
        }
        for bad in
            ["", "127.0.0.1:7311", "https://example.com", "http://", "http://a b", "http://a/b", "http://a\r\nX: y"]
        {
            assert!(bad.parse::<Place>().is_err(), "{bad}");
        }
        assert_eq!(escape("dana+x@acme.example"), "dana%2Bx%40acme.example");
    }
}
