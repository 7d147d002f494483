//! From what somebody typed to what SQLite is asked: every piece quoted by us, so that nothing typed is an error.

/// Longest query that is read, in characters; the rest is left out.
const MAX_CHARS: usize = 500;
/// Most words and phrases of a query.
const MAX_PARTS: usize = 32;

/// The words and phrases of a query. A quotation mark without its partner begins a phrase that ends with the query.
pub(super) fn parts(typed: &str) -> Vec<String> {
    let typed: String = typed.chars().take(MAX_CHARS).collect();
    let mut parts = Vec::new();
    for (n, piece) in typed.split(['"', '“', '”', '„']).enumerate() {
        // Every second piece stood between quotation marks.
        if n % 2 == 1 {
            parts.push(piece.split_whitespace().collect::<Vec<_>>().join(" "));
        } else {
            parts.extend(piece.split_whitespace().map(str::to_owned));
        }
    }
    // A part of signs alone holds nothing that could be found.
    parts.retain(|part| part.chars().any(char::is_alphanumeric));
    parts.truncate(MAX_PARTS);
    parts
}

/// The parts as an FTS5 query: all of them must be there. Nothing: there is nothing to look for.
pub(super) fn expression(typed: &str) -> Option<String> {
    let quoted: Vec<String> = parts(typed)
        .iter()
        .map(|part| {
            // NUL ends a text in SQLite; quotation marks cannot be left in a part.
            let plain: String = part.chars().map(|c| if c == '\0' { ' ' } else { c }).collect();
            format!("\"{plain}\"")
        })
        .collect();
    if quoted.is_empty() { None } else { Some(quoted.join(" ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_phrases_are_told_apart() {
        for (typed, expected) in [
            ("too expensive", vec!["too", "expensive"]),
            ("\"too expensive\" now", vec!["too expensive", "now"]),
            ("now \"too  expensive", vec!["now", "too expensive"]),
            ("“per seat”", vec!["per seat"]),
            (
                "AND OR NOT NEAR(a b) col:x a* -b ^c",
                vec!["AND", "OR", "NOT", "NEAR(a", "b)", "col:x", "a*", "-b", "^c"],
            ),
            ("\" \" ' -- ; () *", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(parts(typed), expected, "{typed}");
        }
        assert_eq!(expression("a \"b c\"").unwrap(), "\"a\" \"b c\"");
        assert_eq!(expression("\"\""), None);
        assert_eq!(parts(&"x ".repeat(4_000)).len(), MAX_PARTS);
    }
}
