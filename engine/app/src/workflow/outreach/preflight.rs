//! Whether outreach may start: profile, voice, sender, sponsor, each looked at now.

use reframe_funnel::preflight::{Checked, Preflight, Profile, Setup, Sponsor, preflight};
use reframe_signal::icp::{STALE_DAYS, read};

use crate::workflow::Office;

impl Office {
    /// Looks at the four things outreach needs before it starts.
    ///
    /// # Errors
    /// If the day cannot be told. What is missing or wrong stands in the result.
    pub fn preflight(&self) -> anyhow::Result<Preflight> {
        let messages = &self.settings.messages;
        let voice = messages.voice.as_ref().map(|_| Checked { problems: problems(messages.voice()) });
        let sponsor = messages.sponsor.clone().map(|name| Sponsor { name, recorded_unix_ms: 0 });
        let setup = Setup { profile: self.profile(), voice, sender: self.sender(), sponsor };
        Ok(preflight(&setup, self.today()?))
    }

    fn profile(&self) -> Option<Profile> {
        let path = self.settings.signals.icp.as_ref()?;
        let read = std::fs::read(path).map_err(anyhow::Error::from).and_then(|bytes| Ok(read(&bytes)?));
        Some(match read {
            Ok(icp) => {
                // A quarter is the longest, whatever the file says.
                let from: Option<jiff::civil::Date> = icp.valid_from.to_string().parse().ok();
                let last = from.and_then(|d| d.checked_add(jiff::Span::new().days(STALE_DAYS)).ok());
                let last = last.and_then(|d| d.to_string().parse().ok());
                Profile { problems: vec![], review_by: last.map_or(icp.refresh_by, |last| icp.refresh_by.min(last)) }
            }
            Err(error) => {
                let far = reframe_call::date::Date::new(9_999, 12, 31).expect("a day of the calendar");
                Profile { problems: vec![format!("{}: {error:#}", path.display())], review_by: far }
            }
        })
    }

    fn sender(&self) -> Option<Checked> {
        let outreach = self.settings.outreach.as_ref()?;
        let sender = outreach.sender.as_ref()?;
        let mut wrong = Vec::new();
        for (there, what) in [
            (!outreach.company.trim().is_empty(), "workflow.outreach.company is empty"),
            (!outreach.postal_address.trim().is_empty(), "workflow.outreach.postal_address is empty"),
            (outreach.unsubscribe_mail.is_some(), "workflow.outreach.unsubscribe_mail is missing"),
            (!self.settings.messages.seller.trim().is_empty(), "workflow.messages.seller is empty"),
        ] {
            wrong.extend((!there).then(|| what.to_owned()));
        }
        match self.settings.from.as_deref().and_then(|from| from.rsplit_once('@')) {
            Some((_, domain)) if domain.eq_ignore_ascii_case(sender.domain.trim()) => {}
            Some(_) => wrong.push(format!("workflow.from is not of {}", sender.domain)),
            None => wrong.push("workflow.from is missing".to_owned()),
        }
        match self.settings.zone().and_then(|zone| outreach.open(&zone)) {
            Ok(opened) => {
                let findings = opened.sender.iter().flat_map(|(set_up, _)| set_up.check());
                wrong.extend(findings.filter(|f| f.blocks).map(|f| f.problem));
            }
            Err(error) => wrong.push(format!("{error:#}")),
        }
        Some(Checked { problems: wrong })
    }
}

fn problems<T>(read: anyhow::Result<T>) -> Vec<String> {
    read.err().map(|error| format!("{error:#}")).into_iter().collect()
}
