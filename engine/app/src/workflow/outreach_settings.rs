//! The `[workflow.outreach]` part of `reframe.toml`: who we are, what our messages carry, from which domain they go, and
//! when nothing goes.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use jiff::{Timestamp, tz::TimeZone};
use reframe_call::date::Date;
use reframe_policy::{
    Region, Rules,
    clock::{Calendar, CalendarSettings},
    kill::{QuietPeriod, Stretch, read_quiet, shipped_quiet},
    ledger::domain_key,
    sender::{Ladder, SetUp, TxtRecord, WarmUp},
};
use serde::Deserialize;

use super::zone_file;

/// Most messages a day that may be set: the most one person reviews in a day by the playbook.
const MOST_A_DAY: u32 = 120;
/// Largest file of outages, in bytes.
const MAX_BYTES: u64 = 1 << 20;

/// What goes to people outside, and when it may. Nothing in here makes a message go: a person says yes to each.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OutreachSettings {
    /// Our company's name, as our messages have it.
    pub company: String,
    /// Our postal address, on one line, as our messages have it.
    pub postal_address: String,
    /// Address that takes any mail as a wish to get no more: `stop@example.com`.
    pub unsubscribe_mail: Option<String>,
    /// Beginning of the addresses that take a POST as that wish: `https://example.com/stop/`.
    pub unsubscribe_url: Option<String>,
    /// Sentences of ours that say what a law asks for, word for word.
    pub sentences: Sentences,
    /// Where somebody is of whom the CRM tells no country: `US`. Left out: they are not written to.
    pub region_default: Option<String>,
    /// A file of rules instead of those of this program.
    pub rules_file: Option<PathBuf>,
    /// A file of quiet periods instead of the examples of this program.
    pub quiet_file: Option<PathBuf>,
    /// A file of outages of our own product, read again before each message.
    pub outages_file: Option<PathBuf>,
    /// Whether messages say that a machine helped to write them, by place.
    pub disclosure: BTreeMap<String, bool>,
    /// Accounts we are in a dispute with.
    pub disputes: Vec<Dispute>,
    /// When outreach may go out: working hours, zone and days off. Left out: at all hours.
    pub hours: Option<CalendarSettings>,
    /// The domain that outreach goes out from. Left out: none goes.
    pub sender: Option<SenderSettings>,
}

/// Sentences by what they say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sentences {
    /// How to get no more messages, besides the two addresses and what the drafts say.
    pub unsubscribe: Vec<String>,
    /// Where the person's data comes from.
    pub source_of_data: Vec<String>,
    /// That they may object.
    pub objection: Vec<String>,
    /// That a machine helped to write it, besides what the drafts say.
    pub ai_disclosure: Vec<String>,
}

/// An account we are in a dispute with.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dispute {
    /// Its id in the CRM, or its domain.
    pub account: String,
    /// First day; left out: always.
    #[serde(default)]
    pub from: Option<Date>,
    /// Last day; left out: it goes on.
    #[serde(default)]
    pub to: Option<Date>,
}

/// The domain that outreach goes out from.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SenderSettings {
    /// The domain, which is in the sender's address.
    pub domain: String,
    /// The company's own domain.
    pub company_domain: String,
    /// What the mail provider asks to be in the SPF record.
    pub spf_mechanism: String,
    /// Name under which its DKIM key lies.
    pub dkim_selector: String,
    /// Where DMARC reports go.
    pub report_to: String,
    /// Its TXT records, pasted.
    #[serde(default)]
    pub records: Vec<TxtRecord>,
    /// Or a zone file.
    #[serde(default)]
    pub zone_file: Option<PathBuf>,
    /// The day its warm-up began.
    pub warm_up_began: Date,
    /// Most messages a day; 120 at the most.
    #[serde(default = "most_a_day")]
    pub daily_cap: u32,
}

const fn most_a_day() -> u32 {
    MOST_A_DAY
}

/// The settings, read and checked. Without any, nothing is known of us and no outreach goes.
#[derive(Clone, Debug)]
pub struct Outreach {
    pub(super) settings: OutreachSettings,
    pub(super) rules: Rules,
    pub(super) quiet: Vec<QuietPeriod>,
    pub(super) region_default: Option<Region>,
    pub(super) calendar: Option<Calendar>,
    /// The team's working time, for gaps and deadlines: those hours, else Monday to Friday from 9 to 17.
    pub(super) working: Calendar,
    pub(super) sender: Option<(SetUp, WarmUp)>,
    zone: TimeZone,
}

impl OutreachSettings {
    /// Reads the files it names and checks all of it. `zone` is that of `[workflow]`.
    ///
    /// # Errors
    /// Names the field and what to write.
    pub fn open(&self, zone: &TimeZone) -> anyhow::Result<Outreach> {
        let name = |field: &str| format!("workflow.outreach.{field}");
        if let Some(stop) = &self.unsubscribe_mail
            && !reframe_consent::Person::new(stop).is_ok_and(|p| p.is_email())
        {
            bail!("{} is `{stop}`; write an address like stop@example.com", name("unsubscribe_mail"));
        }
        if let Some(url) = &self.unsubscribe_url
            && !url.strip_prefix("https://").is_some_and(|rest| rest.contains('.'))
        {
            bail!("{} is `{url}`; write the beginning of an https:// address", name("unsubscribe_url"));
        }
        for (field, sentences) in self.sentences.all() {
            if sentences.iter().any(|s| words(s).len() < 3) {
                bail!("{} has a sentence of fewer than three words; write it out", name(&format!("sentences.{field}")));
            }
        }
        let place = |field: &str, code: &str| Region::new(code).with_context(|| name(field));
        let region_default = self.region_default.as_deref().map(|code| place("region_default", code)).transpose()?;
        let mut disclosure = BTreeMap::new();
        for (code, on) in &self.disclosure {
            disclosure.insert(place("disclosure", code)?, *on);
        }
        let rules = match &self.rules_file {
            Some(path) => Rules::parse(&read(path, "rules_file")?).with_context(|| path.display().to_string())?,
            None => Rules::shipped(),
        };
        if let Some(region) = region_default.iter().chain(disclosure.keys()).find(|region| !rules.knows(region)) {
            bail!(
                "workflow.outreach names {region}, of which the rules do not speak; write another place, or add rules"
            );
        }
        let quiet = match &self.quiet_file {
            Some(path) => read_quiet(&read(path, "quiet_file")?).with_context(|| path.display().to_string())?,
            None => shipped_quiet(),
        };
        let calendar = self.hours.as_ref().map(Calendar::new).transpose().context("workflow.outreach.hours")?;
        if calendar.as_ref().is_some_and(|c| c.next_working(0).is_none()) {
            bail!("{} has no working time at all; write hours like mon = [\"09:00\", \"17:00\"]", name("hours"));
        }
        let working = calendar.clone().unwrap_or_else(|| Calendar::weekdays(zone.clone()));
        let zone = working.zone().clone();
        let sender = self.sender.as_ref().map(|s| s.open(&zone)).transpose().context("workflow.outreach.sender")?;
        for dispute in &self.disputes {
            if dispute.account.trim().is_empty() {
                bail!("{} names no account; write its id in the CRM, or its domain", name("disputes"));
            }
            if dispute.from.zip(dispute.to).is_some_and(|(from, to)| to < from) {
                bail!("{} ends before it begins; write the earlier day as `from`", name("disputes"));
            }
        }
        let rules = rules.with_disclosure(disclosure);
        let settings = self.clone();
        let outreach = Outreach { settings, rules, quiet, region_default, calendar, working, sender, zone };
        outreach.outages()?;
        Ok(outreach)
    }
}

impl Sentences {
    fn all(&self) -> [(&'static str, &[String]); 4] {
        [
            ("unsubscribe", &self.unsubscribe),
            ("source_of_data", &self.source_of_data),
            ("objection", &self.objection),
            ("ai_disclosure", &self.ai_disclosure),
        ]
    }
}

impl SenderSettings {
    fn open(&self, zone: &TimeZone) -> anyhow::Result<(SetUp, WarmUp)> {
        for (field, domain) in [("domain", &self.domain), ("company_domain", &self.company_domain)] {
            if domain_key(domain).is_none() {
                bail!("{field} is `{domain}`; write a domain like example.com");
            }
        }
        if !(1..=MOST_A_DAY).contains(&self.daily_cap) {
            bail!("daily_cap is {}; write 1 to {MOST_A_DAY}", self.daily_cap);
        }
        let mut records = self.records.clone();
        if let Some(path) = &self.zone_file {
            let text = read(path, "sender.zone_file")?;
            records.extend(zone_file::txt_records(&text, &self.domain).with_context(|| path.display().to_string())?);
        }
        let set_up = SetUp {
            domain: self.domain.clone(),
            company_domain: self.company_domain.clone(),
            spf_mechanism: self.spf_mechanism.clone(),
            dkim_selector: self.dkim_selector.clone(),
            report_to: self.report_to.clone(),
            records,
        };
        let warm_up = WarmUp {
            began_unix_ms: begin_of(self.warm_up_began, zone)?,
            zone: zone.iana_name().unwrap_or("UTC").to_owned(),
            ladder: Ladder::default(),
            daily_cap: self.daily_cap,
        };
        Ok((set_up, warm_up))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OutageFile {
    #[serde(default)]
    outage: Vec<Outage>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Outage {
    from: String,
    to: Option<String>,
}

impl Outreach {
    /// Outages of our own product, as their file has them at this moment.
    ///
    /// # Errors
    /// Names the file and what to write.
    pub fn outages(&self) -> anyhow::Result<Vec<Stretch>> {
        let Some(path) = &self.settings.outages_file else { return Ok(Vec::new()) };
        let file: OutageFile =
            toml::from_str(&read(path, "outages_file")?).with_context(|| path.display().to_string())?;
        let at = |text: &str| -> anyhow::Result<i64> {
            let at = text.parse::<Timestamp>();
            let wrong = || format!("{}: `{text}` is no time; write 2026-11-22T09:00:00Z", path.display());
            Ok(at.with_context(wrong)?.as_millisecond())
        };
        let stretch = |outage: &Outage| {
            let to_unix_ms = outage.to.as_deref().map(at).transpose()?;
            Ok(Stretch { from_unix_ms: at(&outage.from)?, to_unix_ms })
        };
        file.outage.iter().map(stretch).collect()
    }

    /// Disputes with an account, known under any of these names.
    pub fn disputes(&self, account: &BTreeSet<String>) -> anyhow::Result<Vec<Stretch>> {
        let named = |dispute: &&Dispute| account.iter().any(|name| name.eq_ignore_ascii_case(dispute.account.trim()));
        let stretch = |dispute: &Dispute| {
            let from = dispute.from.map(|day| begin_of(day, &self.zone)).transpose()?;
            let to = dispute.to.map(|day| begin_of(day, &self.zone)).transpose()?;
            // The last day counts whole.
            let to_unix_ms = to.map(|to| to.saturating_add(reframe_policy::clock::DAY_MS));
            Ok(Stretch { from_unix_ms: from.unwrap_or(i64::MIN), to_unix_ms })
        };
        self.settings.disputes.iter().filter(named).map(stretch).collect()
    }

    /// Quiet periods, with `id` in those that name the account by any of these names.
    pub fn quiet_for(&self, id: &str, account: &BTreeSet<String>) -> Vec<QuietPeriod> {
        let mut quiet = self.quiet.clone();
        for period in &mut quiet {
            if period.accounts.iter().any(|a| account.iter().any(|name| name.eq_ignore_ascii_case(a.trim()))) {
                period.accounts.insert(id.to_owned());
            }
        }
        quiet
    }
}

/// The first instant of a day, in ms since 1970-01-01 UTC.
fn begin_of(day: Date, zone: &TimeZone) -> anyhow::Result<i64> {
    let day: jiff::civil::Date = day.to_string().parse()?;
    Ok(day.to_zoned(zone.clone())?.timestamp().as_millisecond())
}

fn read(path: &Path, field: &str) -> anyhow::Result<String> {
    let wrong = || format!("{} cannot be read; workflow.outreach.{field} names it", path.display());
    if std::fs::metadata(path).with_context(wrong)?.len() > MAX_BYTES {
        bail!("{} is larger than {MAX_BYTES} bytes; workflow.outreach.{field} names it", path.display());
    }
    std::fs::read_to_string(path).with_context(wrong)
}

/// The words of a text: letters and digits, in lower case.
pub(super) fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"
        company = "Seller Ltd"
        postal_address = "1 Main Street, Springfield"
        unsubscribe_mail = "stop@try-seller.example"
        unsubscribe_url = "https://try-seller.example/u/"
        region_default = "US"
        disputes = [{ account = "7", from = "2026-01-01", to = "2026-01-31" }]
        [disclosure]
        US-CA = false
        [hours]
        zone = "Europe/Berlin"
        us_federal = false
        [hours.hours]
        mon = ["09:00", "17:00"]
        [sender]
        domain = "try-seller.example"
        company_domain = "seller.example"
        spf_mechanism = "include:_spf.mail.example"
        dkim_selector = "s1"
        report_to = "dmarc@seller.example"
        warm_up_began = "2026-01-01"
    "#;

    fn open(text: &str) -> anyhow::Result<Outreach> {
        toml::from_str::<OutreachSettings>(text)?.open(&TimeZone::UTC)
    }

    #[test]
    fn what_cannot_be_meant_is_named_with_what_to_write() {
        let good = open(WHOLE).unwrap();
        assert_eq!(good.sender.unwrap().1.daily_cap, MOST_A_DAY);
        for (from, to, says) in [
            ("stop@try", "stop.try", "workflow.outreach.unsubscribe_mail is"),
            ("https://try", "http://try", "write the beginning of an https:// address"),
            ("\"US\"", "\"America\"", "write an ISO 3166 code"),
            ("\"US\"", "\"BR\"", "names BR, of which the rules do not speak"),
            ("US-CA", "US-ZZ", "names US-ZZ, of which the rules do not speak"),
            ("Europe/Berlin", "Berlin", "no such zone"),
            ("mon =", "monday =", "no weekday"),
            ("mon = [\"09:00\", \"17:00\"]", "", "no working time at all"),
            ("\"2026-01-31\"", "\"2025-01-31\"", "ends before it begins"),
            ("account = \"7\"", "account = \" \"", "names no account"),
            ("domain = \"try-seller.example\"", "domain = \"try\"", "write a domain like example.com"),
            ("warm_up_began", "daily_cap = 500\nwarm_up_began", "daily_cap is 500; write 1 to 120"),
            (
                "region_default",
                "rules_file = \"nowhere.toml\"\nregion_default",
                "workflow.outreach.rules_file names it",
            ),
            ("region_default", "outages_file = \"nowhere.toml\"\nregion_default", "outages_file names it"),
            ("region_default", "send_all = true\nregion_default", "unknown field `send_all`"),
        ] {
            assert!(WHOLE.contains(from), "{from}");
            let error = open(&WHOLE.replacen(from, to, 1)).map(drop).unwrap_err();
            assert!(format!("{error:#}").contains(says), "{from}: {error:#}");
        }
    }

    #[test]
    fn nothing_here_lets_a_message_go_by_itself() {
        let error = toml::from_str::<OutreachSettings>("x = true").unwrap_err().to_string();
        let known = error.split("expected one of").nth(1).expect("the fields are listed");
        for word in ["auto", "approv", "sync", "policy", "allow", "send_", "force", "skip"] {
            assert!(!known.contains(word), "a setting named with `{word}`: {known}");
        }
    }

    #[test]
    fn a_dispute_holds_to_the_end_of_its_last_day_and_for_its_account_alone() {
        let outreach = open(WHOLE).unwrap();
        let of = |name: &str| outreach.disputes(&[name.to_owned()].into()).unwrap();
        assert!(of("8").is_empty());
        // Midnight in Berlin is 23:00 of the day before in UTC.
        let day = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
        let (from, to) = (day("2025-12-31T23:00:00Z"), day("2026-01-31T23:00:00Z"));
        assert_eq!(of("7"), [Stretch { from_unix_ms: from, to_unix_ms: Some(to) }]);
    }
}
