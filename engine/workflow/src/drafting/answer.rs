//! A model's answer as JSON, and nothing but what was asked for.

use serde::{Deserialize, de::DeserializeOwned};

use super::Reason;

/// Longest answer that is read, in bytes.
const MAX_BYTES: usize = 64 * 1_024;

/// Words of a line that a sentence rests on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cite {
    /// Number of the line.
    pub line: u32,
    /// The words, with placeholders.
    pub words: String,
}

/// One sentence.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sentence {
    /// What it says, with placeholders.
    pub text: String,
    /// What it rests on.
    pub cites: Vec<Cite>,
}

/// Answer to the task of the note.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoteAnswer {
    /// The call in a line.
    pub headline: Sentence,
    /// One paragraph.
    pub summary: Vec<Sentence>,
}

/// Answer to the task of the message.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FollowUpAnswer {
    /// Paragraphs of sentences.
    pub paragraphs: Vec<Vec<Sentence>>,
}

/// Reads an answer. A fence around it is put up with: many models cannot do without.
///
/// # Errors
/// [`Reason::Empty`], [`Reason::TooLong`], [`Reason::NotJson`].
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Reason> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Reason::Empty);
    }
    if text.len() > MAX_BYTES {
        return Err(Reason::TooLong);
    }
    let bare = text.strip_prefix("```json").or_else(|| text.strip_prefix("```"));
    let bare = bare.and_then(|t| t.strip_suffix("```")).unwrap_or(text);
    serde_json::from_str(bare.trim()).map_err(|_| Reason::NotJson)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_asked_for() {
        let good = r#"{"paragraphs":[[{"text":"a","cites":[{"line":1,"words":"b c"}]}]]}"#;
        assert!(parse::<FollowUpAnswer>(good).is_ok());
        assert!(parse::<FollowUpAnswer>(&format!("```json\n{good}\n```")).is_ok());
        for (text, reason) in [
            ("", Reason::Empty),
            ("  \n", Reason::Empty),
            (&good[..good.len() - 3], Reason::NotJson),
            (&format!("Here it is: {good}"), Reason::NotJson),
            (&good.replace("paragraphs", "text"), Reason::NotJson),
            (&good.replace("\"text\"", "\"html\":\"x\",\"text\""), Reason::NotJson),
            (&"x".repeat(70_000), Reason::TooLong),
        ] {
            assert_eq!(parse::<FollowUpAnswer>(text).unwrap_err(), reason, "{text:.60}");
        }
    }
}
