//! Notes as files: a few lines of `name: value`, a blank line, the text.

use reframe_workflow::system::{RecordKind, RecordRef};

use crate::time::{iso, parse_ms};

/// A note.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Note {
    /// What it is about: kind and id.
    pub about: Option<(RecordKind, String)>,
    /// When what it tells of happened, in ms since 1970-01-01 UTC.
    pub at_unix_ms: Option<i64>,
    /// The mark it was written with.
    pub mark: Option<String>,
    /// Its text.
    pub body: String,
}

impl Note {
    /// Reads it. A file without such lines is all text: a note that somebody wrote by hand.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let plain = || Self { body: text.trim_end().to_owned(), ..Self::default() };
        let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
        let Some((head, body)) = text.split_once("\n\n") else { return plain() };
        let mut note = Self { body: body.trim_end_matches('\n').to_owned(), ..Self::default() };
        for line in head.lines() {
            let Some((name, value)) = line.split_once(':') else { return plain() };
            let value = value.trim();
            match name {
                "about" => note.about = value.split_once('/').and_then(|(k, id)| Some((kind(k)?, id.to_owned()))),
                "at" => note.at_unix_ms = parse_ms(value),
                "ref" => note.mark = Some(value.to_owned()),
                _ => return plain(),
            }
        }
        note
    }

    /// The file's text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        if let Some((kind, id)) = &self.about {
            text.push_str(&format!("about: {}/{id}\n", kind.as_str()));
        }
        if let Some(at) = self.at_unix_ms {
            text.push_str(&format!("at: {}\n", iso(at)));
        }
        if let Some(mark) = &self.mark {
            text.push_str(&format!("ref: {mark}\n"));
        }
        format!("{text}\n{}\n", self.body)
    }

    /// What it is about, as a record of `system`.
    #[must_use]
    pub fn about_in(&self, system: &str) -> Vec<RecordRef> {
        let about = self.about.iter();
        about.map(|(kind, id)| RecordRef { system: system.to_owned(), kind: *kind, id: id.clone() }).collect()
    }
}

fn kind(word: &str) -> Option<RecordKind> {
    [RecordKind::Deal, RecordKind::Contact, RecordKind::Company].into_iter().find(|k| k.as_str() == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_and_those_of_people_are_read() {
        let note = Note {
            about: Some((RecordKind::Deal, "7".into())),
            at_unix_ms: Some(0),
            mark: Some("rf-1".into()),
            body: "about: nothing\n\nref: x".into(),
        };
        assert_eq!(
            note.to_text(),
            "about: deal/7\nat: 1970-01-01T00:00:00.000Z\nref: rf-1\n\nabout: nothing\n\nref: x\n"
        );
        assert_eq!(Note::parse(&note.to_text()), note);
        assert_eq!(Note::parse(&note.to_text().replace('\n', "\r\n")), note);
        for body in ["just a line", "Dear all: hello\n\nthere", "two\n\nparts"] {
            assert_eq!(Note::parse(body), Note { body: body.into(), ..Note::default() });
        }
    }
}
