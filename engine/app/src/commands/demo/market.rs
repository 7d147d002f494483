//! The world around the demo's call, in the demo's data folder: a profile, what happened at the buyer's account, the rules
//! messages go out by, an empty calendar. What others than Reframe do there is done here: the buyer answers, the seller opens
//! the deal and books the meeting.

use std::path::{Path, PathBuf};

use anyhow::Context;
use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use reframe_workflow::gate::Mail;

use super::after_call::CRM;
use crate::{config::Config, server::listen::private_folder, workflow::WorkflowSettings};

macro_rules! fixture {
    ($name:literal) => {
        ($name, include_str!(concat!("../../../../../fixtures/journey/", $name)))
    };
}

/// What lies in the folder from the first run on.
const FILES: [(&str, &str); 5] = [
    fixture!("icp.json"),
    fixture!("voice.toml"),
    fixture!("quiet.toml"),
    fixture!("reframe.toml"),
    // The last: where it lies, the others do.
    fixture!("events.csv"),
];
const MEETING: &str = fixture!("meeting.ics").1;
const ANSWER: &str = fixture!("reply.eml").1;
const EVENTS: &str = "events.csv";
const DEALS: &str = "deals.csv";
const CALENDAR: &str = "calendar";
/// Characters of a public key of 2,048 bits in base64.
const KEY_CHARS: usize = 392;
/// The meeting begins so long after it is booked, in ms: its brief comes first, and the call soon.
const AHEAD_MS: i64 = 10_000;
/// And lasts so long, in ms.
const LASTS_MS: i64 = 30 * 60_000;

/// The market, laid out.
pub struct Market {
    folder: PathBuf,
    crm: PathBuf,
}

impl Market {
    /// Lays it out beside a CRM folder; what is there already stays as it is. Nothing, if that folder holds deals which are not
    /// the demo's.
    ///
    /// # Errors
    /// If a folder cannot be written.
    pub fn furnish(data: &Path, crm: &Path, now_unix_ms: i64) -> anyhow::Result<Option<Self>> {
        let market = Self { folder: data.join("journey"), crm: crm.to_owned() };
        if crm.join(DEALS).exists() && !market.folder.join(EVENTS).exists() {
            return Ok(None);
        }
        for folder in [crm, market.folder.as_path(), market.calendar().as_path()] {
            private_folder(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        }
        let today = Timestamp::from_millisecond(now_unix_ms)?.to_zoned(TimeZone::UTC).date();
        // The deal is opened when the buyer has answered.
        for (name, text) in CRM.into_iter().filter(|(name, _)| *name != DEALS) {
            put(&crm.join(name), text)?;
        }
        for (name, text) in FILES {
            let text = dated(text, today)?.replace("<key>", &"A".repeat(KEY_CHARS));
            put(&market.folder.join(name), &market.placed(&text, data)?)?;
        }
        Ok(Some(market))
    }

    /// The text with the paths of this folder in place of `"<icp.json>"` and the like.
    fn placed(&self, text: &str, data: &Path) -> anyhow::Result<String> {
        let mut text = text.to_owned();
        let own = ["icp.json", "voice.toml", "quiet.toml", CALENDAR].map(|name| (name, self.folder.join(name)));
        for (name, path) in own.into_iter().chain([("data", data.to_owned())]) {
            let path = std::path::absolute(&path).with_context(|| format!("{} has no path", path.display()))?;
            let quoted = toml::Value::String(path.display().to_string()).to_string();
            text = text.replace(&format!("\"<{name}>\""), &quoted);
        }
        Ok(text)
    }

    /// The settings of the stages between calls. They are those of the file in the folder, which may have been moved since it
    /// was laid out.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn settings(&self) -> anyhow::Result<WorkflowSettings> {
        let path = self.folder.join("reframe.toml");
        let text = std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        let config: Config = toml::from_str(&text).with_context(|| path.display().to_string())?;
        let mut settings = config.workflow;
        settings.signals.icp = Some(self.folder.join("icp.json"));
        settings.messages.voice = Some(self.folder.join("voice.toml"));
        settings.prep.calendar = Some(self.calendar());
        if let Some(outreach) = &mut settings.outreach {
            outreach.quiet_file = Some(self.folder.join("quiet.toml"));
        }
        Ok(settings)
    }

    /// What happened at accounts, as a table.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn events(&self) -> anyhow::Result<(Vec<u8>, &'static str)> {
        let path = self.folder.join(EVENTS);
        let bytes = std::fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        Ok((bytes, EVENTS))
    }

    /// The buyer answers a message: the mail as it comes. Nothing, if they have answered before.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn answer(&self, to: &Mail, now_unix_ms: i64) -> anyhow::Result<Option<Vec<u8>>> {
        let path = self.folder.join("reply.eml");
        if path.exists() {
            return Ok(None);
        }
        let date = Timestamp::from_millisecond(now_unix_ms)?.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string();
        let mail =
            ANSWER.replace("<subject>", &to.subject).replace("<message-id>", &to.message_id).replace("<date>", &date);
        put(&path, &mail)?;
        Ok(Some(mail.into_bytes()))
    }

    /// The seller opens the deal in the CRM, once.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn open_deal(&self) -> anyhow::Result<()> {
        CRM.into_iter().filter(|(name, _)| *name == DEALS).try_for_each(|(name, text)| put(&self.crm.join(name), text))
    }

    /// The seller books the meeting, once.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn book(&self, now_unix_ms: i64) -> anyhow::Result<()> {
        let stamp = |unix_ms: i64| -> anyhow::Result<String> {
            Ok(Timestamp::from_millisecond(unix_ms)?.strftime("%Y%m%dT%H%M%SZ").to_string())
        };
        let begins = now_unix_ms + AHEAD_MS;
        let meeting = MEETING.replace("<start>", &stamp(begins)?).replace("<end>", &stamp(begins + LASTS_MS)?);
        put(&self.calendar().join("team.ics"), &meeting)
    }

    fn calendar(&self) -> PathBuf {
        self.folder.join(CALENDAR)
    }
}

/// Writes a file that is not there, whole or not at all.
fn put(path: &Path, text: &str) -> anyhow::Result<()> {
    if path.exists() {
        return Ok(());
    }
    let cannot = || format!("{} cannot be written", path.display());
    let new = path.with_extension("new");
    std::fs::write(&new, text).with_context(cannot)?;
    std::fs::rename(&new, path).with_context(cannot)
}

/// The text with days in place of `<day-4>` and `<day+80>`, counted from today.
fn dated(text: &str, today: Date) -> anyhow::Result<String> {
    let mut parts = text.split("<day");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (days, rest) = part.split_once('>').context("a day in the demo's files has no end")?;
        let days: i64 = days.parse().context("a day in the demo's files is no number")?;
        out.push_str(&today.checked_add(days.days())?.to_string());
        out.push_str(rest);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_772_438_400_000;

    #[test]
    fn what_is_there_stays_and_other_peoples_deals_are_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let crm = dir.path().join("crm");
        let market = Market::furnish(dir.path(), &crm, NOW).unwrap().unwrap();
        let events = || String::from_utf8(market.events().unwrap().0).unwrap();
        let first = events();
        assert!(first.contains("2026-02-28") && !first.contains('<'), "{first}");
        assert!(!crm.join(DEALS).exists(), "no deal before they answered");
        let settings = market.settings().unwrap();
        settings.check().unwrap();
        // The commands read the same from the file.
        let config = Config::load(Some(&market.folder.join("reframe.toml"))).unwrap();
        assert_eq!((config.workflow, config.data.dir), (settings, dir.path().to_owned()));
        market.open_deal().unwrap();
        market.book(NOW).unwrap();
        assert!(crm.join(DEALS).exists());
        let meeting = || std::fs::read_to_string(market.calendar().join("team.ics")).unwrap();
        let booked = meeting();
        assert!(booked.contains("DTSTART:20260302T080010Z") && !booked.contains('<'), "{booked}");
        // A day later all of it is as it was.
        assert!(Market::furnish(dir.path(), &crm, NOW + 86_400_000).unwrap().is_some());
        market.book(NOW + 86_400_000).unwrap();
        assert_eq!((events(), meeting()), (first, booked));

        let other = tempfile::tempdir().unwrap();
        let crm = other.path().join("crm");
        std::fs::create_dir(&crm).unwrap();
        std::fs::write(crm.join(DEALS), "id,name\n1,Ours\n").unwrap();
        assert!(Market::furnish(other.path(), &crm, NOW).unwrap().is_none());
        assert_eq!(std::fs::read_dir(other.path()).unwrap().count(), 1, "nothing was laid out");
    }
}
