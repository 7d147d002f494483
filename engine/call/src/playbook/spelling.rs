//! Says in words what the TOML reader found wrong, with the nearest known name.

/// Longer names are not compared: the time it takes grows with both lengths.
const MAX_NAME_BYTES: usize = 100;

/// Number of letters put in, left out, changed or swapped with their neighbour that turn one word into the other (optimal
/// string alignment: Damerau 1964 without overlapping edits).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before_last = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let changed = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = changed.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before_last[j - 2] + 1);
            }
        }
        before_last = last;
        last = row;
    }
    last[b.len()]
}

/// The known name most like `name`, if it is like it at all: at most a third of its letters differ, at least two may.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > MAX_NAME_BYTES {
        return None;
    }
    let letters = name.chars().count();
    let most = (letters / 3).max(2);
    // No fewer letters differ than one has more than the other.
    let alike = known.into_iter().filter(|k| k.len() <= MAX_NAME_BYTES && k.chars().count().abs_diff(letters) <= most);
    let (far, best) = alike.map(|k| (distance(name, k), k)).min_by_key(|(far, _)| *far)?;
    // Two letters replaced in a word of two is another word.
    (far <= most && far < letters.max(1)).then_some(best)
}

/// The names a message of serde puts in backticks.
fn quoted(message: &str) -> Vec<&str> {
    message.split('`').skip(1).step_by(2).collect()
}

/// What a message of the TOML reader means for whoever writes the file.
pub(super) fn explain(message: &str) -> String {
    let message = message.trim().replace('\n', " ");
    let names = quoted(&message);
    let (first, known) = (names.first().copied().unwrap_or_default(), names.get(1..).unwrap_or_default());
    if message.starts_with("unknown field") || message.starts_with("unknown variant") {
        let what = if message.starts_with("unknown field") { "key" } else { "value" };
        return match nearest(first, known.iter().copied()) {
            Some(near) => format!("unknown {what} `{first}`; did you mean `{near}`?"),
            None => format!("unknown {what} `{first}`; known here: {}", known.join(", ")),
        };
    }
    if message.starts_with("missing field") {
        return format!("the key `{first}` is missing here; add {first} = …");
    }
    if message.starts_with("invalid type") && message.ends_with("expected a string") {
        return format!("{message}; write it in quotes");
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_near() {
        assert_eq!(distance("phrase", "phrases"), 1);
        assert_eq!(distance("pharses", "phrases"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(nearest("pharses", ["id", "label", "phrases", "never"]), Some("phrases"));
        assert_eq!(nearest("cool_down_ms", ["cooldown_ms", "ttl_ms"]), Some("cooldown_ms"));
        assert_eq!(nearest("colour", ["id", "label", "phrases"]), None);
        assert_eq!(nearest("ad", ["id", "to"]), Some("id"));
        assert_eq!(nearest("a", ["id"]), None, "nothing of it is left");
        assert_eq!(nearest("x", []), None);
        assert_eq!(nearest(&"x".repeat(101), [&*"x".repeat(100)]), None, "too long to be compared");
    }

    #[test]
    fn messages_say_what_to_write() {
        assert_eq!(
            explain("unknown field `pharses`, expected one of `id`, `phrases`"),
            "unknown key `pharses`; did you mean `phrases`?"
        );
        assert_eq!(
            explain("unknown field `colour`, expected `id` or `label`"),
            "unknown key `colour`; known here: id, label"
        );
        assert_eq!(
            explain("unknown variant `seller`, expected one of `buyer`, `rep`, `any`"),
            "unknown value `seller`; known here: buyer, rep, any"
        );
        assert_eq!(explain("missing field `title`"), "the key `title` is missing here; add title = …");
        assert!(explain("invalid type: integer `6`, expected a string").ends_with("write it in quotes"));
        assert_eq!(explain("string values must be quoted\n"), "string values must be quoted");
    }
}
