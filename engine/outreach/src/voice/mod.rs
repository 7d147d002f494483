//! How a company wants to sound, and how a seller does.

mod style;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::style::{FewMails, Greeting, MIN_MAILS, Style, StyleProfile, authorship};
use crate::text::{has, key};

/// Longest list of words in a voice file.
const MAX_WORDS: usize = 500;

/// The tone that phrasings are chosen by, where the seller's own style is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// Short and without ornament.
    #[default]
    Plain,
    /// Friendly, with contractions.
    Warm,
    /// Straight to the point.
    Direct,
    /// Without contractions, full forms.
    Formal,
}

/// The voice guide of a company.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Voice {
    /// Tone.
    pub tone: Tone,
    /// Words that must not be used, each with what to write instead; empty: nothing.
    pub forbidden: BTreeMap<String, String>,
    /// Words that are liked better: what is often written, and what to write.
    pub preferred: BTreeMap<String, String>,
    /// How messages may begin: `i_saw`, `i_read`, `noticed`. Empty: any.
    pub openers: Vec<Opener>,
    /// Most words by channel; never above the linter's own limit.
    pub words: BTreeMap<crate::lint::Channel, usize>,
}

/// A way to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Opener {
    /// "I saw that …".
    ISaw,
    /// "I read that …".
    IRead,
    /// "Noticed that …".
    Noticed,
}

/// A voice file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("voice file: {0}")]
pub struct BadVoice(pub String);

impl Voice {
    /// Reads `voice.toml`.
    ///
    /// # Errors
    /// [`BadVoice`] with line and what to write.
    pub fn read(text: &str) -> Result<Self, BadVoice> {
        let voice: Self = toml::from_str(text).map_err(|e| BadVoice(e.to_string()))?;
        for (name, list) in [("forbidden", &voice.forbidden), ("preferred", &voice.preferred)] {
            if list.len() > MAX_WORDS {
                return Err(BadVoice(format!("[{name}] has {} entries; {MAX_WORDS} are the most", list.len())));
            }
            if let Some(word) = list.keys().find(|w| key(w).is_empty()) {
                return Err(BadVoice(format!("[{name}]: \"{word}\" is no word; write one or more words in quotes")));
            }
        }
        if let Some((word, _)) = voice.preferred.iter().find(|(_, to)| voice.forbidden(&key(to)).is_some()) {
            return Err(BadVoice(format!("[preferred]: what \"{word}\" becomes is forbidden; choose another word")));
        }
        if let Some((channel, most)) = voice.words.iter().find(|(_, n)| **n < 20) {
            let channel = channel.as_str();
            return Err(BadVoice(format!(
                "[words]: {channel} = {most} leaves no room for three sentences; write 20 to 89"
            )));
        }
        Ok(voice)
    }

    /// The first forbidden word in a [`key`], and what to write instead.
    #[must_use]
    pub fn forbidden(&self, text_key: &str) -> Option<(String, Option<&str>)> {
        let found = self.forbidden.iter().find(|(word, _)| has(text_key, &key(word)));
        found.map(|(word, instead)| (word.clone(), Some(instead.as_str()).filter(|i| !i.is_empty())))
    }

    /// Whether a message on this channel may begin so.
    #[must_use]
    pub fn allows(&self, opener: Opener) -> bool {
        self.openers.is_empty() || self.openers.contains(&opener)
    }

    /// Puts preferred words in: whole words, as they are spelt in the file.
    #[must_use]
    pub fn prefer(&self, text: &str) -> String {
        self.preferred.iter().fold(text.to_owned(), |text, (from, to)| replace_words(&text, from, to))
    }

    /// Most words on a channel: fewer than the linter's own limit.
    #[must_use]
    pub fn most_words(&self, channel: crate::lint::Channel) -> usize {
        self.words.get(&channel).copied().unwrap_or(usize::MAX).min(crate::lint::MAX_WORDS - 1)
    }
}

fn replace_words(text: &str, from: &str, to: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(from) {
        let end = at + from.len();
        let border = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
        let whole = border(rest[..at].chars().next_back()) && border(rest[end..].chars().next());
        out.push_str(&rest[..at]);
        out.push_str(if whole { to } else { from });
        rest = &rest[end..];
        if from.is_empty() {
            break;
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_voice_file_is_read_and_checked() {
        let voice = Voice::read(
            "tone = \"warm\"\nopeners = [\"i_saw\"]\n[forbidden]\n\"game-changing\" = \"\"\nleverage = \"use\"\n[preferred]\nclients = \"customers\"\n[words]\nemail = 70\n",
        )
        .unwrap();
        assert_eq!(voice.forbidden(&key("We leverage it")), Some(("leverage".into(), Some("use"))));
        assert_eq!(voice.forbidden(&key("Game\u{2011}changing!")), Some(("game-changing".into(), None)));
        assert_eq!(voice.prefer("our clients and clientserver"), "our customers and clientserver");
        assert!(voice.allows(Opener::ISaw) && !voice.allows(Opener::Noticed));
        assert_eq!(
            (voice.most_words(crate::lint::Channel::Email), voice.most_words(crate::lint::Channel::Sms)),
            (70, 89)
        );
        for (bad, says) in [
            ("tone = \"loud\"", "tone"),
            ("[forbidden]\n\"--\" = \"\"", "is no word"),
            ("[forbidden]\nuse = \"\"\n[preferred]\nutilise = \"use\"", "is forbidden"),
            ("[words]\nemail = 5", "leaves no room"),
            ("colour = 1", "colour"),
        ] {
            assert!(Voice::read(bad).unwrap_err().to_string().contains(says), "{bad}");
        }
    }
}
