//! Writes a message so that every mailer reads it back as it was approved, and no field can add a header.
//!
//! Headers that are not plain ASCII become encoded words (RFC 2047), the body quoted-printable or base64 (RFC 2045). The
//! same mail always gives the same bytes.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use reframe_workflow::gate::Mail;

use crate::time::rfc5322;

/// Longest line we write, in bytes without its end (RFC 5322, 2.1.1: should be at most 78; RFC 2047: 76).
const LINE: usize = 76;
/// Bytes of text per encoded word: 45 become 60 of base64, and with the frame 72 of the 75 allowed.
const WORD_BYTES: usize = 45;
/// Longest address (RFC 5321, 4.5.3.1.3, less its angle brackets).
const ADDRESS: usize = 254;
/// Longest message id we pass on; a line must stay under 998 bytes.
const MESSAGE_ID: usize = 900;
/// Longest address for unsubscribing.
const LINK: usize = 500;

/// A mail that cannot be written as an internet message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {problem}")]
pub struct Unsendable {
    /// Which part.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

/// The bytes of `mail`. `from` may be left out where the mailbox puts it in; `date_unix_ms` is in ms since 1970.
///
/// # Errors
/// [`Unsendable`]: an address or id that could be misread, or that needs more than ASCII.
pub fn write(mail: &Mail, from: Option<&str>, date_unix_ms: i64) -> Result<Vec<u8>, Unsendable> {
    let mut out = String::with_capacity(mail.body.len() * 2 + 512);
    header(&mut out, "Date", &rfc5322(date_unix_ms));
    if let Some(from) = from {
        header(&mut out, "From", address("from", from)?);
    }
    if mail.to.is_empty() {
        return Err(Unsendable { field: "to", problem: "names nobody".into() });
    }
    for (name, field, list) in [("To", "to", &mail.to), ("Cc", "cc", &mail.cc)] {
        if !list.is_empty() {
            let list: Result<Vec<&str>, _> = list.iter().map(|a| address(field, a)).collect();
            header(&mut out, name, &list?.join(",\r\n "));
        }
    }
    header(&mut out, "Subject", &unstructured("Subject", &mail.subject));
    header(&mut out, "Message-ID", message_id("message_id", &mail.message_id)?);
    if let Some(answered) = &mail.in_reply_to {
        let answered = message_id("in_reply_to", answered)?;
        header(&mut out, "In-Reply-To", answered);
        header(&mut out, "References", answered);
    }
    if let Some(stop) = &mail.unsubscribe {
        let mailto = address("unsubscribe", &stop.mailto)?;
        // RFC 8058, 3.1: one https address, and the field that says that a POST to it is enough.
        match stop.https.as_deref() {
            Some(https) => {
                let https = link("unsubscribe", https)?;
                header(&mut out, "List-Unsubscribe", &format!("<mailto:{mailto}>,\r\n <{https}>"));
                header(&mut out, "List-Unsubscribe-Post", "List-Unsubscribe=One-Click");
            }
            None => header(&mut out, "List-Unsubscribe", &format!("<mailto:{mailto}>")),
        }
    }
    header(&mut out, "MIME-Version", "1.0");
    header(&mut out, "Content-Type", "text/plain; charset=utf-8");
    let body = mail.body.replace("\r\n", "\n").replace('\r', "\n");
    let others = body.bytes().filter(|b| !b.is_ascii()).count();
    // Each byte that is not ASCII costs three in quoted-printable; base64 costs a third of everything.
    if others * 6 > body.len() {
        header(&mut out, "Content-Transfer-Encoding", "base64");
        out.push_str("\r\n");
        base64_body(&mut out, &body);
    } else {
        header(&mut out, "Content-Transfer-Encoding", "quoted-printable");
        out.push_str("\r\n");
        quoted_printable_body(&mut out, &body);
    }
    Ok(out.into_bytes())
}

fn header(out: &mut String, name: &str, value: &str) {
    out.push_str(name);
    out.push_str(": ");
    out.push_str(value);
    out.push_str("\r\n");
}

fn address<'a>(field: &'static str, text: &'a str) -> Result<&'a str, Unsendable> {
    let wrong = |problem: &str| {
        let shown: String = text.chars().take(60).flat_map(char::escape_default).collect();
        Err(Unsendable { field, problem: format!("`{shown}` {problem}") })
    };
    if !text.is_ascii() {
        return wrong("holds letters that mail addresses cannot carry everywhere; use the ASCII spelling");
    }
    let atom = |part: &str| {
        let ok = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b);
        !part.is_empty()
            && part.bytes().all(ok)
            && !part.starts_with('.')
            && !part.ends_with('.')
            && !part.contains("..")
    };
    match text.rsplit_once('@') {
        Some((local, domain)) if atom(local) && atom(domain) && text.len() <= ADDRESS => Ok(text),
        _ => wrong("is no address; write name@example.com"),
    }
}

fn message_id<'a>(field: &'static str, text: &'a str) -> Result<&'a str, Unsendable> {
    let inner = text.strip_prefix('<').and_then(|t| t.strip_suffix('>')).unwrap_or_default();
    let clean = inner.bytes().all(|b| b.is_ascii_graphic() && !b"<>()\\,;:\"[]".contains(&b));
    let halves = inner.split_once('@').is_some_and(|(l, d)| !l.is_empty() && !d.is_empty() && !d.contains('@'));
    if clean && halves && text.len() <= MESSAGE_ID {
        return Ok(text);
    }
    Err(Unsendable { field, problem: "must read <name@domain>, in plain ASCII".into() })
}

fn link<'a>(field: &'static str, text: &'a str) -> Result<&'a str, Unsendable> {
    let clean = text.bytes().all(|b| b.is_ascii_graphic() && !b"<>,\"".contains(&b));
    if clean && text.starts_with("https://") && text.len() <= LINK {
        return Ok(text);
    }
    Err(Unsendable { field, problem: "must read https://…, in plain ASCII".into() })
}

/// The value of a header that is words: as it is if that is safe, else as encoded words.
fn unstructured(name: &str, text: &str) -> String {
    let plain = text.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
    let framed = !text.is_empty() && text.trim() == text && !text.contains("=?");
    if plain && framed && name.len() + 2 + text.len() <= LINE {
        return text.to_owned();
    }
    let mut words = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let mut end = rest.len().min(WORD_BYTES);
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        words.push(format!("=?utf-8?B?{}?=", STANDARD.encode(&rest[..end])));
        rest = &rest[end..];
    }
    words.join("\r\n ")
}

fn base64_body(out: &mut String, body: &str) {
    let encoded = STANDARD.encode(body.replace('\n', "\r\n"));
    for line in encoded.as_bytes().chunks(LINE) {
        out.extend(line.iter().map(|b| char::from(*b)));
        out.push_str("\r\n");
    }
}

fn quoted_printable_body(out: &mut String, body: &str) {
    for line in body.split('\n') {
        let bytes = line.as_bytes();
        let mut width = 0;
        for (i, &byte) in bytes.iter().enumerate() {
            let last = i + 1 == bytes.len();
            let blank = byte == b' ' || byte == b'\t';
            // Blanks at the end are lost, and a dot or "From" at the beginning is changed, on some ways.
            let fragile = (blank && last) || (i == 0 && (byte == b'.' || bytes.starts_with(b"From ")));
            let plain = (byte.is_ascii_graphic() || blank) && byte != b'=' && !fragile;
            let cost = if plain { 1 } else { 3 };
            // One column is left for the `=` of the soft break.
            if width + cost > LINE - 1 {
                out.push_str("=\r\n");
                width = 0;
            }
            width += cost;
            if plain {
                out.push(char::from(byte));
            } else {
                out.push_str(&format!("={byte:02X}"));
            }
        }
        out.push_str("\r\n");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use reframe_workflow::gate::Unsubscribe;

    use super::{super::read, *};

    fn mail() -> Mail {
        Mail {
            message_id: "<rf-1@reframe.example>".into(),
            to: vec!["dana@buyer.example.com".into()],
            cc: vec![],
            subject: "our call".into(),
            body: "Thanks.".into(),
            in_reply_to: None,
            thread: None,
            unsubscribe: None,
        }
    }

    #[test]
    fn is_written_as_the_standard_has_it() {
        let mail =
            Mail { in_reply_to: Some("<a@b.example>".into()), cc: vec!["eve@buyer.example.com".into()], ..mail() };
        let text = String::from_utf8(write(&mail, Some("ada@seller.example"), 1_777_636_800_000).unwrap()).unwrap();
        let expected = "Date: Fri, 01 May 2026 12:00:00 +0000\r\nFrom: ada@seller.example\r\nTo: dana@buyer.example.com\r\n\
             Cc: eve@buyer.example.com\r\nSubject: our call\r\nMessage-ID: <rf-1@reframe.example>\r\n\
             In-Reply-To: <a@b.example>\r\nReferences: <a@b.example>\r\nMIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nThanks.\r\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn how_to_stop_is_in_the_headers() {
        let stop = |https: Option<&str>| {
            Some(Unsubscribe { mailto: "stop@seller.example".into(), https: https.map(str::to_owned) })
        };
        let written = |unsubscribe| {
            let mail = Mail { unsubscribe, ..mail() };
            let bytes = write(&mail, None, 0).unwrap();
            assert_eq!(read(&bytes).unwrap().differs_from(&mail), None);
            String::from_utf8(bytes).unwrap()
        };
        let both = written(stop(Some("https://seller.example/u/1?m=a")));
        let expected = "List-Unsubscribe: <mailto:stop@seller.example>,\r\n <https://seller.example/u/1?m=a>\r\n\
             List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n";
        assert!(both.contains(expected), "{both}");
        let post = "List-Unsubscribe-Post";
        assert!(!written(stop(None)).contains(post) && !written(None).contains("List-"));
        for bad in ["http://seller.example/u", "https://a.example/\r\nBcc: x@y.example", "https://a.example/>,<b"] {
            let mail = Mail { unsubscribe: stop(Some(bad)), ..mail() };
            assert_eq!(write(&mail, None, 0).unwrap_err().field, "unsubscribe", "{bad}");
        }
        // A mailbox that drops it has not kept what was approved.
        let bytes = write(&mail(), None, 0).unwrap();
        let wanted = Mail { unsubscribe: stop(None), ..mail() };
        assert_eq!(read(&bytes).unwrap().differs_from(&wanted), Some("how to stop further ones"));
    }

    #[test]
    fn no_field_can_add_a_header() {
        for (field, bad) in [
            ("to", Mail { to: vec!["a@b.example\r\nBcc: x@y.example".into()], ..mail() }),
            ("to", Mail { to: vec!["a@b.example, x@y.example".into()], ..mail() }),
            ("to", Mail { to: vec!["Dana <a@b.example>".into()], ..mail() }),
            ("to", Mail { to: vec!["dänä@b.example".into()], ..mail() }),
            ("to", Mail { to: vec![], ..mail() }),
            ("cc", Mail { cc: vec!["a(b)@c.example".into()], ..mail() }),
            ("message_id", Mail { message_id: "<a@b>\r\nX: y".into(), ..mail() }),
            ("message_id", Mail { message_id: "<a@b> <c@d>".into(), ..mail() }),
            ("in_reply_to", Mail { in_reply_to: Some("hello".into()), ..mail() }),
        ] {
            assert_eq!(write(&bad, None, 0).unwrap_err().field, field, "{bad:?}");
        }
        // What may hold anything is encoded.
        let odd = Mail { subject: "x\r\nBcc: y@z.example".into(), body: "a\r\n.\r\nb".into(), ..mail() };
        let text = String::from_utf8(write(&odd, None, 0).unwrap()).unwrap();
        assert!(!text.contains("\nBcc") && !text.contains("\n.\r"), "{text}");
    }

    proptest! {
        #[test]
        fn any_mail_is_read_back_as_it_was(
            subject in "\\PC{1,200}",
            body in "(\\PC{0,120}\n){0,5}[ -~]{0,200}",
            local in "[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,20}",
            more in prop::collection::vec("[a-z]{1,9}@[a-z]{1,9}\\.example", 0..12),
            reply in prop::option::of("<[a-z0-9.+=_-]{1,40}@[a-z.]{1,20}>"),
        ) {
            let to = vec![format!("{local}@buyer.example")];
            let mail = Mail { subject, body, to, cc: more, in_reply_to: reply, ..mail() };
            let bytes = write(&mail, Some("ada@seller.example"), 1_777_636_800_000).unwrap();
            prop_assert!(bytes.is_ascii());
            prop_assert!(bytes.split(|b| *b == b'\n').all(|l| l.len() <= 998), "long line");
            let back = read(&bytes).unwrap();
            prop_assert_eq!(&back.message_id, &mail.message_id);
            prop_assert_eq!(&back.subject, &mail.subject);
            prop_assert_eq!(back.body.trim_end_matches('\n'), mail.body.trim_end_matches('\n'));
            prop_assert_eq!(&back.to, &mail.to);
            prop_assert_eq!(&back.cc, &mail.cc);
            prop_assert_eq!(&back.in_reply_to, &mail.in_reply_to);
            prop_assert_eq!(back.from.as_deref(), Some("ada@seller.example"));
            prop_assert_eq!(back.date_unix_ms, Some(1_777_636_800_000));
            prop_assert_eq!(back.differs_from(&mail), None);
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _message = read(&bytes);
        }
    }
}
