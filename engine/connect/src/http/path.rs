//! Paths and queries of requests, built from parts so that no id can add a segment or a parameter.

use std::fmt::Write as _;

/// The path and query of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    path: String,
    query: String,
}

/// Something that can be no segment of a path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no id")]
pub struct BadSegment(String);

impl Path {
    /// Appends `segments`, each percent-encoded, to `prefix`, which is written in our code and taken as it is.
    ///
    /// # Errors
    /// [`BadSegment`] for an empty one, `.` and `..`: those would name another resource.
    pub fn new(prefix: &'static str, segments: &[&str]) -> Result<Self, BadSegment> {
        let mut path = prefix.to_owned();
        for segment in segments {
            if matches!(*segment, "" | "." | "..") {
                return Err(BadSegment(segment.chars().take(60).collect()));
            }
            path.push('/');
            encode(segment, &mut path);
        }
        Ok(Self { path, query: String::new() })
    }

    /// With a parameter more.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.query.push(if self.query.is_empty() { '?' } else { '&' });
        encode(name, &mut self.query);
        self.query.push('=');
        encode(value, &mut self.query);
        self
    }

    /// The path without its query: what may stand in a log.
    #[must_use]
    pub fn without_query(&self) -> &str {
        &self.path
    }
}

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.path, self.query)
    }
}

/// Percent-encodes all but the unreserved characters of RFC 3986.
fn encode(text: &str, into: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            into.push(char::from(byte));
        } else {
            write!(into, "%{byte:02X}").expect("writing to a String cannot fail");
        }
    }
}

/// A form body: `name=value` joined by `&`.
pub(super) fn form(fields: &[(&str, &str)]) -> String {
    let mut body = String::new();
    for (name, value) in fields {
        if !body.is_empty() {
            body.push('&');
        }
        encode(name, &mut body);
        body.push('=');
        encode(value, &mut body);
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_stays_one_segment() {
        let path = Path::new("/crm/v3/objects", &["deals", "7/../8?x=1#y"]).unwrap().query("q", "a&b=<c@d>");
        assert_eq!(path.to_string(), "/crm/v3/objects/deals/7%2F..%2F8%3Fx%3D1%23y?q=a%26b%3D%3Cc%40d%3E");
        for bad in ["", ".", ".."] {
            assert!(Path::new("/x", &[bad]).is_err());
        }
        assert_eq!(form(&[("a", "1 2"), ("b", "ü")]), "a=1%202&b=%C3%BC");
    }
}
