//! Adds do-not-trigger lines to the text of a playbook and leaves every other byte as it is.

use serde::Deserialize;
use toml::Spanned;

/// Why a playbook's text cannot be added to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// It is no playbook.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
    /// The play is not in it.
    #[error("it has no play `{0}`")]
    NoPlay(String),
    /// The play is written in a form that cannot be added to without rewriting it.
    #[error("play `{0}` cannot be added to: write it as a [[play]] with each key on a line of its own")]
    Form(String),
}

#[derive(Deserialize)]
struct RawPlaybook {
    #[serde(default)]
    play: Vec<RawPlay>,
}

#[derive(Deserialize)]
struct RawPlay {
    id: Spanned<String>,
    label: Option<Spanned<toml::Value>>,
    never: Option<Spanned<Vec<Spanned<String>>>>,
}

fn read(text: &str) -> Result<Vec<RawPlay>, EditError> {
    let raw: RawPlaybook = toml::from_str(text).map_err(|e| EditError::Unreadable(e.message().trim().to_owned()))?;
    Ok(raw.play)
}

/// `text` with `lines` at the end of the `never` list of `play`. A list is made if there is none.
///
/// # Errors
/// [`EditError`]; nothing is half done.
pub fn add_never(text: &str, play: &str, lines: &[String]) -> Result<String, EditError> {
    let plays = read(text)?;
    let found = plays.iter().find(|p| p.id.get_ref() == play).ok_or_else(|| EditError::NoPlay(play.to_owned()))?;
    let had: Vec<String> = found.never.iter().flat_map(|n| n.get_ref()).map(|n| n.get_ref().clone()).collect();
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let edited = match &found.never {
        Some(never) => into_list(text, never, lines, newline),
        None => {
            let list: String = lines.iter().map(|l| format!("  {},{newline}", quoted(l))).collect();
            let key = format!("never = [{newline}{list}]{newline}");
            let last = found.label.as_ref().map_or_else(|| found.id.span(), Spanned::span);
            text[last.end..].find('\n').map(|i| spliced(text, last.end + i + 1, &key))
        }
    };
    // Read again: the list must be what it was and the lines, whatever form the file has.
    let edited = edited.ok_or_else(|| EditError::Form(play.to_owned()))?;
    let wanted: Vec<&String> = had.iter().chain(lines).collect();
    let holds = |p: &RawPlay| {
        p.id.get_ref() == play
            && p.never.iter().flat_map(|n| n.get_ref()).map(Spanned::get_ref).collect::<Vec<_>>() == wanted
    };
    match read(&edited) {
        Ok(plays) if plays.iter().any(holds) => Ok(edited),
        _ => Err(EditError::Form(play.to_owned())),
    }
}

fn spliced(text: &str, at: usize, new: &str) -> String {
    format!("{}{new}{}", &text[..at], &text[at..])
}

fn quoted(line: &str) -> String {
    toml::Value::String(line.to_owned()).to_string()
}

fn into_list(text: &str, never: &Spanned<Vec<Spanned<String>>>, lines: &[String], newline: &str) -> Option<String> {
    let span = never.span();
    let close = span.end.checked_sub(1).filter(|at| text.as_bytes().get(*at) == Some(&b']'))?;
    let last = never.get_ref().last().map(|n| n.span().end);
    let all = || lines.iter().map(|l| quoted(l)).collect::<Vec<_>>();
    let comma = last.is_some_and(|end| !has_comma(&text[end..close]));
    let line_start = text[..close].rfind('\n').map_or(0, |i| i + 1);
    if line_start > span.start && text[line_start..close].trim().is_empty() {
        // The bracket stands on a line of its own: new lines go before it, indented like the last entry.
        let indent = last.map_or("  ", |end| {
            let line = &text[text[..end].rfind('\n').map_or(0, |i| i + 1)..];
            let width = line.len() - line.trim_start().len();
            if line.starts_with([' ', '\t']) { &line[..width] } else { "  " }
        });
        let new: String = all().iter().map(|l| format!("{indent}{l},{newline}")).collect();
        let edited = spliced(text, line_start, &new);
        return Some(match last.filter(|_| comma) {
            Some(end) => spliced(&edited, end, ","),
            None => edited,
        });
    }
    let at = if text[span.start + 1..close].contains('\n') { close } else { last.unwrap_or(span.start + 1) };
    let sep = match last {
        None => "",
        Some(_) if at == close && !comma => " ",
        Some(_) => ", ",
    };
    Some(spliced(text, at, &format!("{sep}{}", all().join(", "))))
}

/// Whether a comma stands in what follows the last entry, outside comments.
fn has_comma(rest: &str) -> bool {
    rest.lines().any(|line| line.split('#').next().unwrap_or_default().contains(','))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn play(never: &str) -> String {
        format!(
            "# head, with [[play]]\n[[play]]\nid = \"a\" # first\nlabel = \"a\"\nphrases = [\"x y\"]\n{never}[play.card]\ntitle = \"t\"\n\n[[play]]\nid = \"b\"\nlabel = \"b\"\n"
        )
    }

    #[track_caller]
    fn check(never: &str, want: &str) {
        let lines = ["not \"so\" dear".to_owned(), "by far".to_owned()];
        assert_eq!(add_never(&play(never), "a", &lines).unwrap(), play(want));
    }

    #[test]
    fn lists_of_every_form_are_added_to() {
        const BOTH: &str = "'not \"so\" dear', \"by far\"";
        const TWO: &str = "  'not \"so\" dear',\n  \"by far\",\n";
        check("never = []\n", &format!("never = [{BOTH}]\n"));
        check("never = [\"one\"] # why\n", &format!("never = [\"one\", {BOTH}] # why\n"));
        check("never = [ \"one\", ]\n", &format!("never = [ \"one\", {BOTH}, ]\n"));
        check("never = [\n  \"one\", # why\n]\n", &format!("never = [\n  \"one\", # why\n{TWO}]\n"));
        check("never = [\n  \"one\" # a, b\n]\n", &format!("never = [\n  \"one\", # a, b\n{TWO}]\n"));
        check(
            "never = [\n\t\"one\",\n\t# last\n]\n",
            &format!("never = [\n\t\"one\",\n\t# last\n{}]\n", TWO.replace("  ", "\t")),
        );
        check("never = [\n]\n", &format!("never = [\n{TWO}]\n"));
        check("never = [\"one\",\n  \"two\"]\n", &format!("never = [\"one\",\n  \"two\", {BOTH}]\n"));
    }

    #[test]
    fn a_list_is_made_where_there_is_none() {
        let text = play("");
        let got = add_never(&text, "a", &["by far".to_owned()]).unwrap();
        assert_eq!(got, text.replacen("label = \"a\"\n", "label = \"a\"\nnever = [\n  \"by far\",\n]\n", 1));
        assert!(add_never(&text, "b", &["by far".to_owned()]).unwrap().ends_with("never = [\n  \"by far\",\n]\n"));
    }

    #[test]
    fn what_cannot_be_edited_is_refused() {
        let lines = ["by far".to_owned()];
        assert_eq!(add_never(&play(""), "c", &lines), Err(EditError::NoPlay("c".into())));
        assert!(matches!(add_never("play = [", "c", &lines), Err(EditError::Unreadable(_))));
        let inline = "play = [{ id = \"a\", label = \"a\" }]\n";
        assert_eq!(add_never(inline, "a", &lines), Err(EditError::Form("a".into())));
    }

    #[test]
    fn line_ends_stay() {
        let text = play("never = [\n  \"one\",\n]\n").replace('\n', "\r\n");
        let got = add_never(&text, "a", &["by far".to_owned()]).unwrap();
        assert_eq!(got, text.replace("\"one\",\r\n", "\"one\",\r\n  \"by far\",\r\n"));
    }
}
