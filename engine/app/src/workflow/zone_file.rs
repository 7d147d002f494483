//! TXT records out of a zone file (RFC 1035, section 5.1): as much of the format as such records need.

use anyhow::bail;
use reframe_policy::sender::TxtRecord;

/// Most records taken from one file.
const MOST: usize = 10_000;

/// A piece of a line.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Word(String),
    Quoted(String),
}

/// All TXT records; `origin` is the domain that names without a dot at their end lie under, unless the file says another.
///
/// # Errors
/// Names the line, and what is wrong.
pub fn txt_records(text: &str, origin: &str) -> anyhow::Result<Vec<TxtRecord>> {
    let mut origin = origin.trim_end_matches('.').to_owned();
    let mut owner = origin.clone();
    let mut found = Vec::new();
    for (line, indented, pieces) in entries(text)? {
        let mut pieces = pieces.into_iter();
        let mut first = pieces.next();
        if let Some(Piece::Word(word)) = &first {
            if word.eq_ignore_ascii_case("$ORIGIN") {
                match pieces.next() {
                    Some(Piece::Word(name)) => origin = name.trim_end_matches('.').to_owned(),
                    _ => bail!("line {line}: $ORIGIN names no domain"),
                }
                continue;
            }
            if word.starts_with('$') {
                continue;
            }
            if !indented {
                owner = absolute(word, &origin);
                first = pieces.next();
            }
        }
        // Time to live and class may stand before the type, in any order.
        while let Some(Piece::Word(word)) = &first {
            let class = ["IN", "CH", "HS"].iter().any(|c| word.eq_ignore_ascii_case(c));
            if !class && !word.starts_with(|c: char| c.is_ascii_digit()) {
                break;
            }
            first = pieces.next();
        }
        if !matches!(&first, Some(Piece::Word(word)) if word.eq_ignore_ascii_case("TXT")) {
            continue;
        }
        let text: String = pieces
            .map(|piece| match piece {
                Piece::Word(text) | Piece::Quoted(text) => text,
            })
            .collect();
        found.push(TxtRecord { name: owner.clone(), text });
        if found.len() > MOST {
            bail!("more than {MOST} TXT records; name a file of this one domain");
        }
    }
    Ok(found)
}

fn absolute(name: &str, origin: &str) -> String {
    match name.strip_suffix('.') {
        Some(whole) => whole.to_owned(),
        None if name == "@" => origin.to_owned(),
        None => format!("{name}.{origin}"),
    }
}

/// Entries with the line they begin on, and whether it begins with white space; lines in parentheses are one.
fn entries(text: &str) -> anyhow::Result<Vec<(usize, bool, Vec<Piece>)>> {
    let mut all = Vec::new();
    let (mut line, mut depth, mut began) = (1, 0u32, 1);
    let mut indented = text.starts_with([' ', '\t']);
    let mut pieces = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            ';' => while chars.next_if(|c| *c != '\n').is_some() {},
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '\n' => {
                line += 1;
                if depth == 0 {
                    if !pieces.is_empty() {
                        all.push((began, indented, std::mem::take(&mut pieces)));
                    }
                    began = line;
                    indented = chars.peek().is_some_and(|c| c.is_whitespace());
                }
            }
            '"' => {
                let mut text = String::new();
                loop {
                    match chars.next() {
                        Some('"') => break,
                        Some('\\') => text.extend(chars.next()),
                        Some('\n') | None => bail!("line {line}: a quotation mark is never closed"),
                        Some(c) => text.push(c),
                    }
                }
                pieces.push(Piece::Quoted(text));
            }
            c if c.is_whitespace() => {}
            c => {
                let mut word = String::from(c);
                while let Some(c) = chars.next_if(|c| !c.is_whitespace() && !"();\"".contains(*c)) {
                    word.push(c);
                }
                pieces.push(Piece::Word(word));
            }
        }
    }
    if depth > 0 {
        bail!("line {began}: a parenthesis is never closed");
    }
    if !pieces.is_empty() {
        all.push((began, indented, pieces));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_with_their_whole_names() {
        let zone = "$TTL 3600 ; an hour\n@ IN SOA ns1 admin ( 1 2\n 3 4 5 )\n\
                    @ 300 IN TXT \"v=spf1 include:_spf.mail.example -all\"\n\
                    \tTXT \"second; of the same \\\"name\\\"\"\n\
                    s1._domainkey IN 300 TXT ( \"v=DKIM1; p=AAAA\" ; first half\n \"BBBB\" )\n\
                    _dmarc.try.example. TXT v=DMARC1\nwww A 192.0.2.1\n$ORIGIN mail.try.example.\nx TXT \"y\"";
        let found = txt_records(zone, "try.example").unwrap();
        let found: Vec<_> = found.iter().map(|r| (r.name.as_str(), r.text.as_str())).collect();
        assert_eq!(
            found,
            [
                ("try.example", "v=spf1 include:_spf.mail.example -all"),
                ("try.example", "second; of the same \"name\""),
                ("s1._domainkey.try.example", "v=DKIM1; p=AAAABBBB"),
                ("_dmarc.try.example", "v=DMARC1"),
                ("x.mail.try.example", "y"),
            ]
        );
        for (bad, says) in [("@ TXT \"open\n", "line 1"), ("a TXT x\n@ TXT ( \"x\"\n", "line 2")] {
            assert!(txt_records(bad, "try.example").unwrap_err().to_string().contains(says), "{bad}");
        }
    }
}
