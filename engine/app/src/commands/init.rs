//! `reframe init`: settings and folders for a new team, and what to do next. Nothing that is there is ever overwritten.

mod answers;

use std::{
    fs::OpenOptions,
    io::{ErrorKind, IsTerminal as _, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use jiff::{Span, Timestamp, civil};
use reframe_signal::icp;

use self::answers::{Answers, ask};
use crate::{
    config::{Config, DEFAULT_FILE},
    exit::Exit,
    server::listen::private_folder,
};

/// What the settings are made from; `{{name}}` is an answer.
const SETTINGS: &str = include_str!("init/settings.toml.in");
const VOICE: &str = include_str!("init/voice.toml");
const ICP_EXAMPLE: &str = include_str!("../../../signal/assets/icp.example.json");
/// The days it is valid from, and to be looked through again by; a new team's are today and a quarter on.
const ICP_DAYS: [&str; 2] = ["2026-04-01", "2026-06-30"];
/// Name of the profile in the folder.
const ICP: &str = "icp.json";
/// Largest profile, in bytes: what its reader takes, and more.
const MOST_ICP: u64 = 4 << 20;
/// Folders that the settings name.
const FOLDERS: [&str; 2] = ["calendars", "signals"];
/// The folder of records of a team without a CRM, and its tables with the columns that are read.
const CRM: &str = "reframe-data/crm";
const TABLES: [(&str, &str); 3] = [
    ("companies.csv", "id,name,domain,owner,industry,country,employees\n"),
    ("contacts.csv", "id,name,email,title,role,country,company_id,deal_ids\n"),
    ("deals.csv", "id,name,stage,amount,close_date,next_step,next_step_date,owner,company_id\n"),
];

/// Write settings and folders for a new team
///
/// In a terminal it asks the few things that matter, each with a way to leave it open. With any answer given as an option it asks
/// nothing; without a terminal neither. What is there is kept as it is: with a reframe.toml nothing is written at all, exit
/// code 1.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder to set up; made if it is not there
    #[arg(default_value = ".")]
    dir: PathBuf,
    #[command(flatten)]
    given: Given,
}

/// Answers given as options.
#[derive(Clone, Debug, Default, clap::Args)]
struct Given {
    /// The team's time zone: Europe/Berlin (default: this machine's)
    #[arg(long)]
    zone: Option<String>,
    /// The company's own mail domain: example.com
    #[arg(long)]
    domain: Option<String>,
    /// The company's name, as its messages have it
    #[arg(long)]
    company: Option<String>,
    /// The company's postal address on one line, which the law wants in messages
    #[arg(long, value_name = "LINE")]
    postal_address: Option<String>,
    /// First name of the rep who signs messages
    #[arg(long, value_name = "NAME")]
    rep: Option<String>,
    /// Profile of whom you sell to; copied to icp.json
    #[arg(long, value_name = "FILE")]
    icp: Option<PathBuf>,
}

impl Given {
    fn any(&self) -> bool {
        let texts = [&self.zone, &self.domain, &self.company, &self.postal_address, &self.rep];
        texts.into_iter().any(Option::is_some) || self.icp.is_some()
    }

    fn answers(&self) -> Answers {
        let Self { zone, domain, company, postal_address, rep, icp } = self.clone();
        Answers { zone: zone.unwrap_or_else(answers::zone_here), domain, company, postal_address, rep, icp }
    }
}

/// Runs it.
///
/// # Errors
/// If an answer cannot be meant, or the folder cannot be written to. What was written until then stays, and a repetition goes
/// on with it.
pub fn run(args: &Args) -> anyhow::Result<Exit> {
    let dir = &args.dir;
    let mut out = std::io::stdout();
    let settings = dir.join(DEFAULT_FILE);
    if settings.exists() {
        writeln!(
            out,
            "{} is there already; nothing was written. Name another folder: reframe init DIR",
            show(&settings)
        )?;
        return Ok(Exit::Failure);
    }
    let stdin = std::io::stdin();
    let asks = !args.given.any() && stdin.is_terminal() && out.is_terminal();
    let answers = if asks { ask(&mut stdin.lock(), &mut out)? } else { args.given.answers() };
    // Before anything is written: what cannot be meant is said, and nothing is left half done.
    answers.check()?;
    let profile = answers.icp.as_deref().map(profile).transpose()?;
    let has_profile = profile.is_some() || dir.join(ICP).is_file();
    if let Some(profile) = &profile
        && std::fs::read(dir.join(ICP)).is_ok_and(|there| there != *profile)
    {
        bail!("{} is there already and says something else; leave --icp out to keep it", show(&dir.join(ICP)));
    }
    let text = answers.settings(SETTINGS, has_profile);
    let today = Timestamp::now().in_tz(&answers.zone)?.date();
    let example = example(today)?;
    Config::parse(&text).context("the settings made of these answers cannot be used")?;

    for folder in FOLDERS {
        let path = dir.join(folder);
        std::fs::create_dir_all(&path).with_context(|| format!("{} cannot be made", show(&path)))?;
    }
    // Names and words of people will be in there.
    private_folder(&dir.join(CRM)).with_context(|| format!("{} cannot be made", show(&dir.join(CRM))))?;
    let mut files: Vec<(PathBuf, &[u8])> = Vec::new();
    files.extend(TABLES.map(|(name, heading)| (Path::new(CRM).join(name), heading.as_bytes())));
    files.push(("voice.toml".into(), VOICE.as_bytes()));
    files.push(("icp.example.json".into(), example.as_bytes()));
    if let Some(profile) = &profile {
        files.push((ICP.into(), profile.as_slice()));
    }
    // The last: while it is missing, the whole can be run again.
    files.push((DEFAULT_FILE.into(), text.as_bytes()));
    for (name, bytes) in files {
        let path = dir.join(name);
        let what = if write_new(&path, bytes)? { "wrote" } else { "kept " };
        writeln!(out, "{what} {}", show(&path))?;
    }
    next(dir, &answers, has_profile, &mut out)?;
    Ok(Exit::Success)
}

/// Says what to do now.
fn next(dir: &Path, answers: &Answers, has_profile: bool, out: &mut impl Write) -> std::io::Result<()> {
    let here = if dir == Path::new(".") { String::new() } else { format!("cd {}, then ", show(dir)) };
    writeln!(out, "\nNext:")?;
    writeln!(out, "1. {here}fill {CRM}/*.csv, or write crm = \"hubspot\" (docs/CONNECTORS.md)")?;
    writeln!(out, "2. put the team's .ics files into calendars/: a brief comes before each meeting")?;
    let profile = if has_profile { "icp.json" } else { "icp.json (its form: icp.example.json)" };
    let sender = if answers.names_us() { "sender" } else { "company, postal address, sender" };
    writeln!(
        out,
        "3. for outreach: {profile}, voice, sponsor, {sender}; `reframe outreach ready` says what is missing"
    )?;
    writeln!(out, "4. `reframe doctor` looks at all of it; `reframe serve` starts it")
}

/// The example of a profile, fresh as of a day.
fn example(today: civil::Date) -> anyhow::Result<String> {
    let last = today.checked_add(Span::new().days(icp::STALE_DAYS))?;
    Ok(ICP_EXAMPLE.replace(ICP_DAYS[0], &today.to_string()).replace(ICP_DAYS[1], &last.to_string()))
}

/// A profile that can be used, as it stands in its file.
fn profile(path: &Path) -> anyhow::Result<Vec<u8>> {
    let cannot = || format!("the profile {} cannot be read; leave --icp out to write one later", path.display());
    if std::fs::metadata(path).with_context(cannot)?.len() > MOST_ICP {
        bail!("the profile {} is larger than {MOST_ICP} bytes; name an icp.json", path.display());
    }
    let bytes = std::fs::read(path).with_context(cannot)?;
    icp::read(&bytes).with_context(|| path.display().to_string())?;
    Ok(bytes)
}

/// Writes a file that is not there; whether it did.
fn write_new(path: &Path, bytes: &[u8]) -> anyhow::Result<bool> {
    let cannot = || format!("{} cannot be written", path.display());
    match OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(mut file) => {
            file.write_all(bytes).and_then(|()| file.sync_all()).with_context(cannot)?;
            Ok(true)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error).with_context(cannot),
    }
}

/// A path as people write it.
fn show(path: &Path) -> String {
    path.strip_prefix(".").unwrap_or(path).display().to_string()
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use reframe_outreach::voice::Voice;

    use super::*;

    fn whole() -> Answers {
        Answers {
            zone: "Europe/Berlin".into(),
            domain: Some("kestrel.example".into()),
            company: Some("Kestrel \"Tools\" Ltd".into()),
            postal_address: Some("1 High Street, Leeds \\ UK".into()),
            rep: Some("Tom".into()),
            icp: None,
        }
    }

    /// The lines that are switched off, switched on.
    fn all_on(text: &str) -> String {
        let line = |line: &str| match line.strip_prefix('#') {
            Some(setting) if !setting.starts_with(' ') && !setting.is_empty() => setting.to_owned(),
            _ => line.to_owned(),
        };
        text.lines().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_is_written_is_what_the_parsers_read() {
        let none = Answers { zone: "UTC".into(), ..Answers::default() };
        for (answers, profile) in [(none, false), (whole(), true)] {
            let text = answers.settings(SETTINGS, profile);
            assert!(!text.contains("{{"), "{text}");
            let config = Config::parse(&text).unwrap();
            assert_eq!(config.workflow.zone, answers.zone);
            assert_eq!(config.people.domains, answers.domain.iter().cloned().collect::<Vec<_>>());
            assert_eq!(config.workflow.messages.seller, answers.rep.clone().unwrap_or_default());
            assert_eq!(config.workflow.signals.icp.is_some(), profile);
            let us = config.workflow.outreach.as_ref().map(|o| (o.company.clone(), o.postal_address.clone()));
            assert_eq!(us, answers.company.clone().zip(answers.postal_address.clone()));
            if let Some(outreach) = &config.workflow.outreach {
                outreach.open(&TimeZone::UTC).unwrap();
            }
            for line in text.lines() {
                assert!(line.chars().count() <= 128, "{line}");
            }

            // Every line that is switched off is a setting too, and one that is understood.
            let on = Config::parse(&all_on(&text)).unwrap();
            on.workflow.check().unwrap();
            assert_eq!(on.workflow.messages.pains.len(), 1);
            let mut outreach = on.workflow.outreach.clone().unwrap();
            let sender = outreach.sender.as_mut().unwrap();
            assert!(sender.zone_file.take().is_some(), "the only file it names");
            assert_eq!(answers.domain.as_deref().unwrap_or("example.com"), sender.company_domain);
            outreach.open(&TimeZone::UTC).unwrap();
            assert!(on.workflow.from.is_some() && on.workflow.messages.voice.is_some());
        }
        for text in [VOICE.to_owned(), all_on(VOICE)] {
            Voice::read(&text).unwrap();
        }
        assert!(Voice::read(&all_on(VOICE)).unwrap().forbidden.contains_key("synergy"), "it is switched on here");
        let profile = icp::read(example(civil::date(2027, 3, 1)).unwrap().as_bytes()).unwrap();
        assert_eq!(profile.valid_from.to_string(), "2027-03-01");
        assert_eq!(profile.refresh_by.to_string(), "2027-05-30", "a quarter on");
    }

    /// The folders and files it makes are those that the settings name.
    #[test]
    fn the_settings_name_what_is_made() {
        let config = Config::parse(&whole().settings(SETTINGS, true)).unwrap();
        let workflow = &config.workflow;
        assert_eq!(workflow.folder(&config.data.dir), Path::new(CRM));
        let named = [workflow.prep.calendar.as_deref(), workflow.signals.folder.as_deref()];
        assert_eq!(named, FOLDERS.map(|f| Some(Path::new(f))));
        assert_eq!(workflow.signals.icp.as_deref(), Some(Path::new(ICP)));
    }
}
