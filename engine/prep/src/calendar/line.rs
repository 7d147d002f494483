//! Lines of an iCalendar file: unfolded (RFC 5545 section 3.1), and cut into name, parameters and value.

/// One property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// Line of the file it begins in, from 1.
    pub line: usize,
    /// Name in capitals: `DTSTART`.
    pub name: String,
    /// Parameters, names in capitals.
    pub params: Vec<(String, String)>,
    /// As it stands there; texts still have their backslashes.
    pub value: String,
}

impl Property {
    /// A parameter.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// The value of a text property: `\n`, `\,`, `\;` and `\\` undone.
    pub fn text(&self) -> String {
        let mut out = String::with_capacity(self.value.len());
        let mut chars = self.value.chars();
        while let Some(c) = chars.next() {
            match (c, if c == '\\' { chars.next() } else { None }) {
                ('\\', Some('n' | 'N')) => out.push('\n'),
                ('\\', Some(other)) => out.push(other),
                _ => out.push(c),
            }
        }
        out
    }
}

/// Every line of a file; of one that is no property, its number and what is wrong.
pub fn properties(bytes: &[u8]) -> Vec<Result<Property, (usize, String)>> {
    let mut logical: Vec<(usize, Vec<u8>)> = Vec::new();
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    for (number, line) in (1..).zip(bytes.split(|b| *b == b'\n')) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        // Folded anywhere, even within a character: put together as bytes.
        if let (Some(b' ' | b'\t'), Some((_, last))) = (line.first(), logical.last_mut()) {
            last.extend_from_slice(&line[1..]);
        } else if !line.is_empty() {
            logical.push((number, line.to_vec()));
        }
    }
    logical.into_iter().map(|(number, line)| property(number, &String::from_utf8_lossy(&line))).collect()
}

fn property(line: usize, text: &str) -> Result<Property, (usize, String)> {
    let mut quoted = false;
    let mut cuts = Vec::new();
    let mut colon = None;
    for (i, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ';' if !quoted => cuts.push(i),
            ':' if !quoted => {
                colon = Some(i);
                break;
            }
            _ => {}
        }
    }
    let Some(colon) = colon else {
        let begin: String = text.chars().take(30).collect();
        return Err((line, format!("\"{begin}\" is no property; write NAME:value")));
    };
    cuts.push(colon);
    let name = text[..cuts[0]].trim().to_ascii_uppercase();
    let params = cuts.windows(2).filter_map(|cut| {
        let (name, value) = text[cut[0] + 1..cut[1]].split_once('=')?;
        Some((name.trim().to_ascii_uppercase(), value.trim().trim_matches('"').to_owned()))
    });
    Ok(Property { line, name, params: params.collect(), value: text[colon + 1..].to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_lines_are_put_together_and_keep_their_number() {
        let file = "BEGIN:VCALENDAR\r\nSUMMARY:Gr\u{fc}\r\n \u{df}e;\\, und\r\n\t mehr\r\n\r\nX\r\nATTENDEE;CN=\"A; B: C\";ROLE=CHAIR:mailto:a@b.de\r\n";
        let read = properties(file.as_bytes());
        assert_eq!(read.len(), 4);
        let summary = read[1].as_ref().unwrap();
        assert_eq!((summary.line, summary.text().as_str()), (2, "Gr\u{fc}\u{df}e;, und mehr"));
        assert_eq!(read[2].as_ref().unwrap_err().0, 6);
        let attendee = read[3].as_ref().unwrap();
        assert_eq!((attendee.param("CN"), attendee.param("ROLE")), (Some("A; B: C"), Some("CHAIR")));
        assert_eq!(attendee.value, "mailto:a@b.de");
        // Folded within a character.
        let cut = [b"SUMMARY:".as_slice(), &[0xc3], b"\r\n ", &[0xbc], b"ber"].concat();
        assert_eq!(properties(&cut)[0].as_ref().unwrap().value, "\u{fc}ber");
    }
}
