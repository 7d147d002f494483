//! The `[workflow.messages]` part of `reframe.toml`: in whose name and in which voice first messages are drafted.

use std::path::PathBuf;

use anyhow::{Context, bail};
use reframe_outreach::{draft::Pain, lint::Language, sequence::Plan, voice::Voice};
use reframe_signal::event::SignalKind;
use serde::Deserialize;

/// Longest clause and topic of a pain, in characters; three sentences have room for no more.
const MOST_CHARS: usize = 200;

/// How first messages are drafted. Each of them waits for a person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MessageSettings {
    /// First name of who signs.
    pub seller: String,
    /// The company's voice guide, `voice.toml`.
    pub voice: Option<PathBuf>,
    /// Who answers for the outcome of outreach, by name; without one it does not start.
    pub sponsor: Option<String>,
    /// What the accounts we sell to mostly struggle with, by language and by kind of signal.
    pub pains: Vec<PainSettings>,
    /// The touches to one person: `{ channel = "linkedin", after_days = 4 }`, four to seven; four by e-mail if left out.
    /// What is under way keeps the plan it began with.
    pub plan: Plan,
}

/// What accounts mostly struggle with after such a signal.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PainSettings {
    /// Language of both texts: `en`, `de`, `fr`.
    pub language: Language,
    /// A clause that begins small and has no end mark.
    pub clause: String,
    /// What a conversation would be about.
    pub topic: String,
    /// Kinds of signals it goes with; empty: all.
    #[serde(default)]
    pub kinds: Vec<SignalKind>,
}

impl MessageSettings {
    /// Checks what can be checked without opening anything.
    ///
    /// # Errors
    /// Names the field and what to write.
    pub fn check(&self) -> anyhow::Result<()> {
        if self.seller.split_whitespace().count() > 1 {
            bail!(
                "workflow.messages.seller is `{}`; write the first name alone, as the message is signed",
                self.seller
            );
        }
        for pain in &self.pains {
            for (field, text) in [("clause", &pain.clause), ("topic", &pain.topic)] {
                if text.trim().is_empty() || text.chars().count() > MOST_CHARS || text.contains('\n') {
                    bail!(
                        "workflow.messages.pains: {field} `{text}` has to be one line of 1 to {MOST_CHARS} characters"
                    );
                }
            }
        }
        Ok(())
    }

    /// The pain for a signal in a language: one for its kind before one for all.
    #[must_use]
    pub fn pain(&self, kind: SignalKind, language: Language) -> Option<Pain> {
        let spoken = || self.pains.iter().filter(|p| p.language == language);
        let found = spoken().find(|p| p.kinds.contains(&kind)).or_else(|| spoken().find(|p| p.kinds.is_empty()))?;
        Some(Pain { clause: found.clause.clone(), topic: found.topic.clone(), language })
    }

    /// The voice guide, if one is named.
    ///
    /// # Errors
    /// If it cannot be read, or says what cannot be meant.
    pub fn voice(&self) -> anyhow::Result<Option<Voice>> {
        let Some(path) = &self.voice else { return Ok(None) };
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("workflow.messages.voice {} cannot be read", path.display()))?;
        Ok(Some(Voice::read(&text).with_context(|| path.display().to_string())?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pain_of_the_kind_comes_before_that_of_all() {
        let settings: MessageSettings = toml::from_str(
            "seller = \"Tom\"\n[[pains]]\nlanguage = \"en\"\nclause = \"a\"\ntopic = \"b\"\n\
             [[pains]]\nlanguage = \"en\"\nclause = \"c\"\ntopic = \"d\"\nkinds = [\"funding\"]\n",
        )
        .unwrap();
        settings.check().unwrap();
        let clause = |kind, language| settings.pain(kind, language).map(|p| p.clause);
        assert_eq!(clause(SignalKind::Funding, Language::English).as_deref(), Some("c"));
        assert_eq!(clause(SignalKind::Launch, Language::English).as_deref(), Some("a"));
        assert_eq!(clause(SignalKind::Launch, Language::German), None);
        let two = MessageSettings { seller: "Tom Miller".into(), ..MessageSettings::default() };
        assert!(two.check().unwrap_err().to_string().contains("first name alone"));
        assert_eq!(settings.plan, Plan::default());
        let plan = |text: &str| toml::from_str::<MessageSettings>(text).map(|s| s.plan.touches().len());
        let touch = "{ channel = \"linkedin\", after_days = 4 }";
        assert_eq!(plan(&format!("plan = [{}]", [touch; 4].join(", "))).unwrap(), 4);
        let error = plan(&format!("plan = [{}]", [touch; 3].join(", "))).unwrap_err().to_string();
        assert!(error.contains("4 to 7 touches") && error.contains("has 3"), "{error}");
        let error = toml::from_str::<MessageSettings>("auto_send = true").unwrap_err().to_string();
        assert!(error.contains("unknown field"), "{error}");
    }
}
