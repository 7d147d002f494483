//! Plain text to the vendors' HTML and back, and the line that carries our mark.

/// Words before the mark. They stand in the CRM for everybody to read, so they say what it is.
const MARK_WORDS: &str = "Reference: ";

/// The text with the line by which it is found again.
pub fn marked(body: &str, marker: &str) -> String {
    let gap = if body.is_empty() { "" } else { "\n\n" };
    format!("{body}{gap}{MARK_WORDS}{marker}")
}

/// Text and mark, if its last line is one.
pub fn unmarked(text: &str) -> (String, Option<String>) {
    let text = text.trim_end();
    let (body, last) = text.rsplit_once('\n').unwrap_or(("", text));
    match last.trim().strip_prefix(MARK_WORDS).filter(|m| is_marker(m)) {
        Some(marker) => (body.trim_end().to_owned(), Some(marker.to_owned())),
        None => (text.to_owned(), None),
    }
}

/// Whether the mark stands in it as a word of its own, wherever people have moved it.
pub fn bears(text: &str, marker: &str) -> bool {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).any(|word| word == marker)
}

fn is_marker(text: &str) -> bool {
    text.strip_prefix("rf-").is_some_and(|rest| rest.len() == 20 && rest.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Plain text as HTML: what HubSpot shows of a note is HTML, in which line breaks and `<` would be lost.
pub fn to_html(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + 64);
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '\n' => html.push_str("<br>"),
            c => html.push(c),
        }
    }
    html
}

/// The words of an HTML text: tags go, breaks and ends of blocks become line breaks, the common entities are resolved.
pub fn from_html(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&']) {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let taken = if rest.starts_with('<') { tag(rest, &mut text) } else { entity(rest, &mut text) };
        rest = &rest[taken..];
    }
    text.push_str(rest);
    text.trim_end().to_owned()
}

/// Reads one tag at the start of `rest`; gives its length in bytes.
fn tag(rest: &str, text: &mut String) -> usize {
    let named = rest[1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '!');
    let Some(end) = rest.find('>').filter(|_| named) else {
        text.push('<');
        return 1;
    };
    let name: String = rest[1..end].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '/').collect();
    if matches!(name.to_ascii_lowercase().as_str(), "br" | "br/" | "/p" | "/div" | "/li" | "/h1" | "/h2" | "/h3") {
        text.push('\n');
    }
    end + 1
}

/// Reads one entity at the start of `rest`; gives its length in bytes.
fn entity(rest: &str, text: &mut String) -> usize {
    const LONGEST: usize = 10;
    let end = rest.bytes().take(LONGEST).position(|b| b == b';');
    let read = end.and_then(|end| {
        let name = &rest[1..end];
        let c = match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            "nbsp" => ' ',
            _ => {
                let number = name.strip_prefix('#')?;
                let hex = number.strip_prefix(['x', 'X']).map(|h| u32::from_str_radix(h, 16));
                char::from_u32(hex.unwrap_or_else(|| number.parse()).ok()?)?
            }
        };
        Some((c, end + 1))
    });
    let (c, taken) = read.unwrap_or(('&', 1));
    text.push(c);
    taken
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MARKER: &str = "rf-0123456789abcdef0123";

    #[test]
    fn people_edit_notes_and_the_mark_is_still_found() {
        assert_eq!(marked("a\nb", MARKER), format!("a\nb\n\nReference: {MARKER}"));
        assert_eq!(unmarked(&marked("a\nb", MARKER)), ("a\nb".into(), Some(MARKER.into())));
        assert_eq!(unmarked(&marked("", MARKER)), (String::new(), Some(MARKER.into())));
        assert_eq!(unmarked("Reference: ISO 9001"), ("Reference: ISO 9001".into(), None));
        assert!(bears(&format!("<p>x</p><p><b>Reference: {MARKER}</b></p>"), MARKER));
        assert!(!bears(&format!("{MARKER}9"), MARKER));
        assert!(!bears(&format!("x{MARKER}"), MARKER));
    }

    #[test]
    fn html_of_others_is_read() {
        for (html, text) in [
            ("<div>one</div><div>two</div>", "one\ntwo"),
            ("a<BR/>b<br >c", "a\nb\nc"),
            ("1 < 2 &amp; 3 &gt; 2 &#8364; &#x20AC; &bogus; &", "1 < 2 & 3 > 2 € € &bogus; &"),
            ("<p class=\"x\">x", "x"),
            ("an <unclosed", "an <unclosed"),
            ("&ééééééé;", "&ééééééé;"),
        ] {
            assert_eq!(from_html(html), text, "{html}");
        }
    }

    proptest! {
        #[test]
        fn any_text_comes_back_from_html(text in "\\PC{0,40}(\n\\PC{0,40}){0,3}") {
            prop_assert_eq!(from_html(&to_html(&text)), text.trim_end());
        }

        #[test]
        fn any_html_is_read_without_panic(html in ".{0,80}") {
            let _text = from_html(&html);
        }
    }
}
