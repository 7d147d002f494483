//! The `[workflow]` part of `reframe.toml`.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use jiff::{civil::Time, tz::TimeZone};
use reframe_connect::{gmail, hubspot};
use serde::Deserialize;

use super::{
    drafting::DraftingSettings, outreach::MessageSettings, outreach_settings::OutreachSettings, prep::PrepSettings,
    signals::SignalSettings,
};

/// Where deals, contacts, notes and tasks are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CrmKind {
    /// A folder of CSV and text files.
    #[default]
    Local,
    /// A HubSpot account; see `[workflow.hubspot]`.
    Hubspot,
}

/// Where messages are drafted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailKind {
    /// The same folder.
    #[default]
    Local,
    /// A Gmail mailbox; see `[workflow.gmail]`.
    Gmail,
}

/// What happens after calls and at night. There is no setting that writes without a person's approval.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WorkflowSettings {
    /// Draft a note, tasks, field changes and a follow-up when a call ends.
    pub after_calls: bool,
    /// Look through all deals once a night at this time, `02:30`; empty: never.
    pub nightly_at: String,
    /// Where deals are kept.
    pub crm: CrmKind,
    /// Where messages are drafted.
    pub mail: MailKind,
    /// Folder of the files of `local`; left out: `crm` in the data folder.
    pub folder: Option<PathBuf>,
    /// Our address, for the messages of `local`.
    pub from: Option<String>,
    /// Time zone that days in calls are meant in: `Europe/Berlin`.
    pub zone: String,
    /// Month in which the fiscal year starts, 1 to 12.
    pub fiscal_year_starts: i8,
    /// Folder with a `stages.toml`, `risks.toml` and `rubric.toml` of your own; left out: the built-in ones.
    pub rules_dir: Option<PathBuf>,
    /// Days after which a manager may see a debrief that the seller has not released.
    pub manager_after_days: u32,
    /// Who manages the sellers, by name or e-mail address: they may see a debrief once it is released, or after these days.
    pub managers: Vec<String>,
    /// A language model that writes headline, summary and follow-up; off unless one is named.
    pub drafting: DraftingSettings,
    /// What happened at accounts, and the feed of each day.
    pub signals: SignalSettings,
    /// How first messages are drafted.
    pub messages: MessageSettings,
    /// What goes to people outside; left out: nothing does.
    pub outreach: Option<OutreachSettings>,
    /// What is made ready before a meeting.
    pub prep: PrepSettings,
    /// The HubSpot account.
    pub hubspot: hubspot::Settings,
    /// The Gmail mailbox.
    pub gmail: gmail::Settings,
}

impl Default for WorkflowSettings {
    fn default() -> Self {
        Self {
            after_calls: true,
            nightly_at: "02:30".to_owned(),
            crm: CrmKind::default(),
            mail: MailKind::default(),
            folder: None,
            from: None,
            zone: "UTC".to_owned(),
            fiscal_year_starts: 1,
            rules_dir: None,
            manager_after_days: 180,
            managers: Vec::new(),
            drafting: DraftingSettings::default(),
            signals: SignalSettings::default(),
            messages: MessageSettings::default(),
            outreach: None,
            prep: PrepSettings::default(),
            hubspot: hubspot::Settings::default(),
            gmail: gmail::Settings::default(),
        }
    }
}

impl WorkflowSettings {
    /// Checks what can be checked without opening anything.
    ///
    /// # Errors
    /// Names the field and what to write.
    pub fn check(&self) -> anyhow::Result<()> {
        self.zone()?;
        self.nightly_at()?;
        self.drafting.check()?;
        self.prep.check()?;
        self.signals.check()?;
        self.messages.check()?;
        if !(1..=12).contains(&self.fiscal_year_starts) {
            bail!("workflow.fiscal_year_starts is {}; write the number of a month, 1 to 12", self.fiscal_year_starts);
        }
        if !(1..=3650).contains(&self.manager_after_days) {
            bail!("workflow.manager_after_days is {}; write 1 to 3650", self.manager_after_days);
        }
        if let Some(from) = &self.from
            && !reframe_consent::Person::new(from).is_ok_and(|p| p.is_email())
        {
            bail!("workflow.from is `{from}`; write an address like name@example.com");
        }
        Ok(())
    }

    /// The time zone.
    ///
    /// # Errors
    /// If there is none of that name.
    pub fn zone(&self) -> anyhow::Result<TimeZone> {
        TimeZone::get(&self.zone)
            .with_context(|| format!("workflow.zone is `{}`; write a name like Europe/Berlin", self.zone))
    }

    /// When the nightly review runs, if it does.
    ///
    /// # Errors
    /// If it is no time of day.
    pub fn nightly_at(&self) -> anyhow::Result<Option<Time>> {
        if self.nightly_at.trim().is_empty() {
            return Ok(None);
        }
        let wrong = || format!("workflow.nightly_at is `{}`; write a time like 02:30, or nothing", self.nightly_at);
        Ok(Some(self.nightly_at.parse::<Time>().with_context(wrong)?))
    }

    /// Folder of the files of `local`.
    #[must_use]
    pub fn folder(&self, data_dir: &Path) -> PathBuf {
        self.folder.clone().unwrap_or_else(|| data_dir.join("crm"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_meant_is_named() {
        let with = |change: fn(&mut WorkflowSettings)| {
            let mut settings = WorkflowSettings::default();
            change(&mut settings);
            settings.check().unwrap_err().to_string()
        };
        WorkflowSettings::default().check().unwrap();
        assert!(with(|s| s.zone = "Berlin".into()).contains("workflow.zone is `Berlin`"));
        assert!(with(|s| s.nightly_at = "half two".into()).contains("workflow.nightly_at is `half two`"));
        assert!(with(|s| s.fiscal_year_starts = 13).contains("workflow.fiscal_year_starts is 13"));
        assert!(with(|s| s.from = Some("dana".into())).contains("workflow.from is `dana`"));
        let never = WorkflowSettings { nightly_at: String::new(), ..WorkflowSettings::default() };
        assert_eq!(never.nightly_at().unwrap(), None);
    }

    #[test]
    fn nothing_approves_by_itself() {
        // The whole of what may be set, by name. Whoever adds a field must ask whether it writes without a click.
        let error = toml::from_str::<WorkflowSettings>("auto_approve = true").unwrap_err().to_string();
        assert!(error.contains("unknown field `auto_approve`"), "{error}");
        for word in ["auto", "approv", "sync", "policy"] {
            let known = error.split("expected one of").nth(1).expect("the fields are listed");
            assert!(!known.contains(word), "a setting named with `{word}`: {known}");
        }
    }
}
