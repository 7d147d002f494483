//! What a new team is asked, and the settings made of the answers.

use std::{
    io::{BufRead, Write},
    path::{Path, PathBuf},
};

use anyhow::bail;
use jiff::tz::TimeZone;
use reframe_policy::ledger::domain_key;

use crate::workflow::MessageSettings;

/// Longest answer, in characters.
const MOST_CHARS: usize = 200;
/// Times a question is asked before it is left open.
const TIMES: usize = 3;
/// Stands where no domain was named.
const SOME_DOMAIN: &str = "example.com";

/// What was answered; what was left open is nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// The team's time zone.
    pub zone: String,
    /// The company's own mail domain.
    pub domain: Option<String>,
    /// Its name.
    pub company: Option<String>,
    /// Its postal address.
    pub postal_address: Option<String>,
    /// First name of who signs.
    pub rep: Option<String>,
    /// The profile of whom they sell to.
    pub icp: Option<PathBuf>,
}

impl Answers {
    /// Whether each answer can be meant.
    ///
    /// # Errors
    /// Says which cannot, and what to write.
    pub fn check(&self) -> anyhow::Result<()> {
        zone(&self.zone)?;
        self.domain.as_deref().map_or(Ok(()), domain)?;
        self.rep.as_deref().map_or(Ok(()), rep)?;
        for text in [&self.company, &self.postal_address].into_iter().flatten() {
            one_line(text)?;
        }
        Ok(())
    }

    /// Whether it is known whose messages they are.
    pub const fn names_us(&self) -> bool {
        self.company.is_some() && self.postal_address.is_some()
    }

    /// The settings, from their form: `{{name}}` becomes the answer, as TOML writes it. `profile` says whether there is one.
    pub fn settings(&self, form: &str, profile: bool) -> String {
        let text = |text: &str| toml::Value::String(text.to_owned()).to_string();
        let line = |key: &str, value: &Option<String>, example: &str| match value {
            Some(value) => format!("{key} = {}", text(value)),
            None => format!("#{key} = {}", text(example)),
        };
        let us = self.company.is_some() || self.postal_address.is_some();
        let domains = self.domain.iter().map(|d| text(d)).collect::<Vec<_>>().join(", ");
        let switched = |on: bool, line: &str| if on { line.to_owned() } else { format!("#{line}") };
        let filled = [
            ("zone", text(&self.zone)),
            ("domains", format!("[{domains}]")),
            ("icp", switched(profile, "icp = \"icp.json\"")),
            ("seller", text(self.rep.as_deref().unwrap_or_default())),
            ("outreach", switched(us, "")),
            ("company", line("company", &self.company, "Example Ltd")),
            ("postal_address", line("postal_address", &self.postal_address, "1 Main Street, Springfield")),
            ("company_domain", text(self.domain.as_deref().unwrap_or(SOME_DOMAIN))),
        ];
        filled.into_iter().fold(form.to_owned(), |form, (name, value)| form.replace(&format!("{{{{{name}}}}}"), &value))
    }
}

/// Asks for each; an empty line leaves it open, or takes what is proposed.
///
/// # Errors
/// If the terminal cannot be read or written.
pub fn ask(lines: &mut impl BufRead, out: &mut impl Write) -> anyhow::Result<Answers> {
    writeln!(out, "Six questions. Enter leaves one open; reframe.toml says where to answer it later.\n")?;
    let here = zone_here();
    let mut question = |says: &str, check: &dyn Fn(&str) -> anyhow::Result<()>| one(says, check, lines, out);
    let zone = question(&format!("Time zone of the team [{here}]"), &zone)?.unwrap_or(here);
    let domain = question("Your company's own mail domain, like example.com", &domain)?;
    let company = question("Your company's name, as its messages have it", &one_line)?;
    let postal_address = question("Its postal address on one line, which the law wants in messages", &one_line)?;
    let rep = question("First name of the rep who signs messages", &rep)?;
    let icp = question("File with the profile of whom you sell to (icp.json)", &|path| {
        super::profile(Path::new(path)).map(drop)
    })?;
    Ok(Answers { zone, domain, company, postal_address, rep, icp: icp.map(PathBuf::from) })
}

/// One question, until there is an answer that can be meant.
fn one(
    says: &str,
    check: &dyn Fn(&str) -> anyhow::Result<()>,
    lines: &mut impl BufRead,
    out: &mut impl Write,
) -> anyhow::Result<Option<String>> {
    for _ in 0..TIMES {
        write!(out, "{says}: ")?;
        out.flush()?;
        let mut answer = String::new();
        let ended = lines.read_line(&mut answer)? == 0;
        let answer = answer.trim();
        if answer.is_empty() || ended {
            return Ok(None);
        }
        match check(answer) {
            Ok(()) => return Ok(Some(answer.to_owned())),
            Err(problem) => writeln!(out, "  {problem:#}")?,
        }
    }
    writeln!(out, "  left open")?;
    Ok(None)
}

fn zone(name: &str) -> anyhow::Result<()> {
    if TimeZone::get(name).is_err() {
        bail!("`{name}` is no time zone; write a name like Europe/Berlin");
    }
    Ok(())
}

fn domain(name: &str) -> anyhow::Result<()> {
    if domain_key(name).is_none() || name.contains('/') {
        bail!("`{name}` is no domain; write what stands after the @, like example.com");
    }
    Ok(())
}

fn rep(name: &str) -> anyhow::Result<()> {
    one_line(name)?;
    MessageSettings { seller: name.to_owned(), ..MessageSettings::default() }.check()
}

fn one_line(text: &str) -> anyhow::Result<()> {
    if text.trim().is_empty() || text.chars().count() > MOST_CHARS || text.contains(char::is_control) {
        bail!("write one line of 1 to {MOST_CHARS} characters");
    }
    Ok(())
}

/// The zone this machine is set to, if it tells; else UTC.
pub fn zone_here() -> String {
    let by_link = || {
        let path = std::fs::canonicalize("/etc/localtime").ok()?;
        Some(path.to_str()?.split_once("zoneinfo/")?.1.to_owned())
    };
    let told = std::env::var("TZ").ok().or_else(by_link);
    told.filter(|name| zone(name).is_ok()).unwrap_or_else(|| "UTC".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_question_is_asked_until_its_answer_can_be_meant_and_may_be_left_open() {
        let mut said = Vec::new();
        let typed = "Berlin\nEurope/Berlin\nkestrel\nkestrel.example\n\n1 High Street, Leeds\nTom Miller\nTom\nnowhere.json\n\n";
        let answers = ask(&mut typed.as_bytes(), &mut said).unwrap();
        let expected = Answers {
            zone: "Europe/Berlin".into(),
            domain: Some("kestrel.example".into()),
            company: None,
            postal_address: Some("1 High Street, Leeds".into()),
            rep: Some("Tom".into()),
            icp: None,
        };
        assert_eq!(answers, expected);
        let said = String::from_utf8(said).unwrap();
        for words in ["no time zone", "no domain", "first name alone", "nowhere.json cannot be read"] {
            assert_eq!(said.matches(words).count(), 1, "{words}: {said}");
        }
        // A terminal that is closed leaves everything open.
        let none = ask(&mut "".as_bytes(), &mut Vec::new()).unwrap();
        assert_eq!(none, Answers { zone: none.zone.clone(), ..Answers::default() });
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let good = Answers { zone: "UTC".into(), ..Answers::default() };
        good.check().unwrap();
        let some = |text: &str| Some(text.to_owned());
        for wrong in [
            Answers { zone: "Atlantis/Deep".into(), ..good.clone() },
            Answers { domain: some("dana@example.com"), ..good.clone() },
            Answers { domain: some("https://example.com"), ..good.clone() },
            Answers { rep: some("Tom Miller"), ..good.clone() },
            Answers { company: some(" "), ..good.clone() },
            Answers { postal_address: some("1 High Street\nLeeds"), ..good.clone() },
        ] {
            assert!(wrong.check().is_err(), "{wrong:?}");
        }
    }
}
