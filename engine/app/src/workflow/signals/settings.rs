//! The `[workflow.signals]` part of `reframe.toml`.

use std::{io::Read as _, path::PathBuf};

use anyhow::{Context, bail};
use reframe_signal::feed::MOST_CARDS;
use serde::Deserialize;

/// Longest file with a secret, in bytes.
const MOST_SECRET: u64 = 4_096;
/// Shortest secret of the webhook, in bytes: what the check of signatures asks for.
const LEAST_SECRET: usize = 16;

/// What the feed of a day is made by, and where events come from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SignalSettings {
    /// File with the profile of whom we sell to (`icp.json`); without one no feed is made.
    pub icp: Option<PathBuf>,
    /// Accounts in the feed of a day, at most.
    pub most_cards: usize,
    /// Accounts with open deals that one owner can work on; at that many their other accounts are left out. Without it
    /// nobody counts as busy.
    pub most_per_owner: Option<u32>,
    /// Folder that is looked into for dropped files: `.csv`, `.jsonl`, `.rss`, `.atom`, `.xml`. They are read, not moved.
    pub folder: Option<PathBuf>,
    /// Name of the environment variable that holds the webhook's secret. Without this and the next, there is no webhook.
    pub webhook_secret_env: Option<String>,
    /// File that holds the webhook's secret and nothing else.
    pub webhook_secret_file: Option<PathBuf>,
}

impl Default for SignalSettings {
    fn default() -> Self {
        Self {
            icp: None,
            most_cards: 25,
            most_per_owner: None,
            folder: None,
            webhook_secret_env: None,
            webhook_secret_file: None,
        }
    }
}

impl SignalSettings {
    /// Checks what can be checked without opening anything.
    ///
    /// # Errors
    /// Names the field and what to write.
    pub fn check(&self) -> anyhow::Result<()> {
        if !(1..=MOST_CARDS).contains(&self.most_cards) {
            bail!("workflow.signals.most_cards is {}; write 1 to {MOST_CARDS}", self.most_cards);
        }
        if self.most_per_owner == Some(0) {
            bail!("workflow.signals.most_per_owner is 0, so nobody could work on anything; write 1 or more");
        }
        if self.webhook_secret_env.is_some() && self.webhook_secret_file.is_some() {
            bail!("workflow.signals names both webhook_secret_env and webhook_secret_file; keep one of them");
        }
        Ok(())
    }

    /// The webhook's secret; nothing: there is no webhook.
    ///
    /// # Errors
    /// If it is named and not there, or shorter than 16 bytes.
    pub fn webhook_secret(&self) -> anyhow::Result<Option<String>> {
        let secret = match (&self.webhook_secret_env, &self.webhook_secret_file) {
            (Some(name), _) => std::env::var(name).map_err(|_| {
                anyhow::anyhow!("workflow.signals.webhook_secret_env names {name}, and that is not set")
            })?,
            (None, Some(path)) => {
                let mut text = String::new();
                let file = std::fs::File::open(path).and_then(|f| f.take(MOST_SECRET).read_to_string(&mut text));
                file.with_context(|| {
                    format!("workflow.signals.webhook_secret_file {} cannot be read", path.display())
                })?;
                text
            }
            (None, None) => return Ok(None),
        };
        let secret = secret.trim();
        if secret.len() < LEAST_SECRET {
            bail!("the webhook's secret has fewer than {LEAST_SECRET} bytes; make one with: openssl rand -hex 32");
        }
        Ok(Some(secret.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_meant_is_named() {
        SignalSettings::default().check().unwrap();
        assert_eq!(SignalSettings::default().webhook_secret().unwrap(), None);
        let with = |change: fn(&mut SignalSettings)| {
            let mut settings = SignalSettings::default();
            change(&mut settings);
            settings.check().unwrap_err().to_string()
        };
        assert!(with(|s| s.most_cards = 0).contains("most_cards is 0"));
        assert!(with(|s| s.most_cards = 201).contains("1 to 200"));
        assert!(with(|s| s.most_per_owner = Some(0)).contains("most_per_owner"));
        let both = |s: &mut SignalSettings| {
            s.webhook_secret_env = Some("A".into());
            s.webhook_secret_file = Some("b".into());
        };
        assert!(with(both).contains("keep one"));
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("secret");
        std::fs::write(&file, "short\n").unwrap();
        let settings = SignalSettings { webhook_secret_file: Some(file), ..SignalSettings::default() };
        assert!(settings.webhook_secret().unwrap_err().to_string().contains("fewer than 16"));
    }
}
