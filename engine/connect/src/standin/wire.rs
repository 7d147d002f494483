//! As much HTTP/1.1 as the stand-in needs: one request a connection, bodies with a length or in chunks.

use std::io::{self, BufRead, Read, Write};

use serde_json::Value;

/// Longest line of a head, in bytes.
const MAX_LINE: u64 = 64 * 1_024;
/// Longest body, in bytes: Gmail's largest message in base64.
const MAX_BODY: u64 = 50 * 1_024 * 1_024;

/// A request.
#[derive(Debug)]
pub struct Request {
    pub method: String,
    /// Path without its query and without a slash at its end; decoded parts are had by [`parts`](Self::parts).
    pub path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("Content-Type", "application/json;charset=utf-8".to_owned())];
        Self { status, headers, body: body.to_string().into_bytes() }
    }

    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    pub fn page(status: u16) -> Self {
        let body = format!("<html><head><title>{status}</title></head><body><h1>Sorry</h1></body></html>");
        Self { status, headers: vec![("Content-Type", "text/html".to_owned())], body: body.into_bytes() }
    }

    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub fn send(&self, mut to: impl Write) -> io::Result<()> {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if self.status != 204 {
            head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        head.push_str("Connection: close\r\n\r\n");
        to.write_all(head.as_bytes())?;
        to.write_all(&self.body)?;
        to.flush()
    }
}

const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        207 => "Multi-Status",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        409 => "Conflict",
        423 => "Locked",
        429 => "Too Many Requests",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Status",
    }
}

impl Request {
    /// Reads one; nothing if the other side has closed. `to` is told to go on where it asks.
    pub fn read(mut from: impl BufRead, mut to: impl Write) -> io::Result<Option<Self>> {
        let bad = |problem: &str| io::Error::new(io::ErrorKind::InvalidData, problem.to_owned());
        let first = line(&mut from)?;
        if first.is_empty() {
            return Ok(None);
        }
        let mut words = first.split(' ');
        let (Some(method), Some(target)) = (words.next(), words.next()) else { return Err(bad("no request line")) };
        let mut headers = Vec::new();
        loop {
            let line = line(&mut from)?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').ok_or_else(|| bad("a header without a colon"))?;
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let header = |name: &str| headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        if header("expect").is_some() {
            to.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let body = match (header("transfer-encoding"), header("content-length")) {
            (Some(_), _) => chunks(&mut from)?,
            (None, Some(length)) => {
                let length: u64 = length.parse().map_err(|_| bad("a length that is no number"))?;
                let mut body = Vec::new();
                from.take(length.min(MAX_BODY)).read_to_end(&mut body)?;
                body
            }
            (None, None) => Vec::new(),
        };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let query = fields(query);
        let path = path.trim_end_matches('/').to_owned();
        Ok(Some(Self { method: method.to_owned(), path, query, headers, body }))
    }

    /// Decoded parts of the path.
    pub fn parts(&self) -> Vec<String> {
        self.path.split('/').filter(|p| !p.is_empty()).map(|p| decode(p, false)).collect()
    }

    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// The values of a parameter that may come several times, or joined by commas.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let values = self.query.iter().filter(|(n, _)| n == name).flat_map(|(_, v)| v.split(','));
        values.filter(|v| !v.is_empty()).collect()
    }

    pub fn number(&self, name: &str, otherwise: usize, most: usize) -> usize {
        self.query(name).and_then(|v| v.parse().ok()).unwrap_or(otherwise).clamp(1, most)
    }

    pub fn bearer(&self) -> Option<&str> {
        let header = self.headers.iter().find(|(n, _)| n == "authorization");
        header.and_then(|(_, v)| v.split_once(' ')).map(|(_, token)| token)
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// A field of a form body.
    pub fn form(&self, name: &str) -> Option<String> {
        let body = String::from_utf8_lossy(&self.body).into_owned();
        fields(&body).into_iter().find(|(n, _)| n == name).map(|(_, v)| v)
    }
}

fn line(from: &mut impl BufRead) -> io::Result<String> {
    let mut bytes = Vec::new();
    from.take(MAX_LINE).read_until(b'\n', &mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).trim_end().to_owned())
}

fn chunks(from: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = line(from)?;
        let size = u64::from_str_radix(size.split(';').next().unwrap_or("").trim(), 16).unwrap_or(0);
        if size == 0 || body.len() as u64 + size > MAX_BODY {
            line(from)?;
            return Ok(body);
        }
        from.take(size).read_to_end(&mut body)?;
        line(from)?;
    }
}

fn fields(text: &str) -> Vec<(String, String)> {
    let pairs = text.split('&').filter(|p| !p.is_empty()).map(|p| p.split_once('=').unwrap_or((p, "")));
    pairs.map(|(n, v)| (decode(n, true), decode(v, true))).collect()
}

fn decode(text: &str, plus: bool) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let hex = bytes.get(i + 1..i + 3).and_then(|h| std::str::from_utf8(h).ok());
        match (bytes[i], hex.and_then(|h| u8::from_str_radix(h, 16).ok())) {
            (b'%', Some(byte)) => {
                out.push(byte);
                i += 2;
            }
            (b'+', _) if plus => out.push(b' '),
            (byte, _) => out.push(byte),
        }
        i += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}
