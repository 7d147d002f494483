//! How outreach stands, for the doctor: what it needs before it starts, the sender's domain, its warm-up, and today's volume.
//!
//! The records of the domain are those of the settings or of a zone file. No name server is asked, and that is said.

use jiff::Timestamp;
use reframe_funnel::preflight::{Need, Stands};
use reframe_policy::{
    ledger::What,
    rules::{Channel, Purpose},
    sender::{SetUp, WarmUp},
};
use serde::Serialize;

use crate::workflow::Office;

/// How far back messages are read to count today's, in ms: whatever the zone, today began less than this ago.
const TODAY_MS: i64 = 2 * 86_400_000;

/// How one thing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stand {
    /// In order.
    Ready,
    /// In order, and nothing goes before a day.
    Waits,
    /// Not there: nothing goes out, and nothing is wrong.
    Missing,
    /// There, and wrong or out of date.
    Wrong,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Look {
    /// What: `profile`, `voice`, `sender`, `sponsor`, `domain`, `warm-up`, `volume`.
    pub of: &'static str,
    /// How it stands.
    pub stands: Stand,
    /// What was found.
    pub says: String,
    /// What to do; empty: nothing.
    pub todo: String,
}

impl Look {
    fn new(of: &'static str, stands: Stand, says: impl Into<String>, todo: impl Into<String>) -> Self {
        Self { of, stands, says: says.into(), todo: todo.into() }
    }
}

impl Office {
    /// What outreach needs before it starts, then its sender's domain, warm-up and volume; the latter only where a sender is set
    /// up.
    ///
    /// # Errors
    /// If the day cannot be told, or the store cannot be read.
    pub fn outreach_looks(&self) -> anyhow::Result<Vec<Look>> {
        let mut looks: Vec<Look> = Vec::new();
        for item in self.preflight()?.items() {
            let of = match item.need {
                Need::Profile => "profile",
                Need::Voice => "voice",
                Need::Sender => "sender",
                Need::Sponsor => "sponsor",
            };
            let stands = match item.stands {
                Stands::Ready => Stand::Ready,
                Stands::Missing => Stand::Missing,
                Stands::Wrong | Stands::Stale => Stand::Wrong,
            };
            looks.push(Look::new(of, stands, item.says.clone(), item.todo.clone()));
        }
        let Some(outreach) = &self.settings.outreach else { return Ok(looks) };
        // What cannot be opened stands with the sender already.
        let Some((set_up, warm_up)) = outreach.open(&self.settings.zone()?).ok().and_then(|opened| opened.sender)
        else {
            return Ok(looks);
        };
        let zone_file = outreach.sender.as_ref().and_then(|sender| sender.zone_file.as_deref());
        let from = zone_file.map_or_else(|| "the settings".to_owned(), |path| path.display().to_string());
        looks.extend(domain(&set_up, &from));
        let now = (self.clock)();
        let touches = self.store.touches_from(now.saturating_sub(TODAY_MS))?;
        let unasked = touches
            .iter()
            .filter(|e| matches!(e.what, What::TouchSent { channel: Channel::Email, purpose: Purpose::Outreach, .. }));
        looks.extend(volume(&warm_up, &unasked.map(|e| e.at_unix_ms).collect::<Vec<_>>(), now));
        Ok(looks)
    }
}

/// The records of a domain, each fault with the record that mends it.
fn domain(set_up: &SetUp, from: &str) -> Vec<Look> {
    let mut looks: Vec<Look> = set_up
        .check()
        .into_iter()
        .map(|finding| {
            let stands = if finding.blocks { Stand::Wrong } else { Stand::Ready };
            let record = finding.write.map(|r| format!("write into the zone: {} TXT \"{}\"", r.name, r.text));
            Look::new("domain", stands, finding.problem, record.unwrap_or_default())
        })
        .collect();
    let says = format!("the records of {} are those in {from}; no name server was asked", set_up.domain);
    looks.push(Look::new("domain", Stand::Ready, says, format!("compare: dig +short TXT _dmarc.{}", set_up.domain)));
    looks
}

/// How far the warm-up is, and what of today's number is used. `sent_unix_ms` are the times of messages of the last two days.
fn volume(warm_up: &WarmUp, sent_unix_ms: &[i64], now_unix_ms: i64) -> Vec<Look> {
    match warm_up.allowance(now_unix_ms) {
        Err(not_yet) => {
            let day = Timestamp::from_millisecond(not_yet.until_unix_ms)
                .ok()
                .and_then(|at| at.in_tz(&warm_up.zone).ok())
                .map_or_else(|| "later".to_owned(), |at| at.date().to_string());
            let says = format!("{not_yet}; nothing goes before {day}");
            let todo = "use the mailbox for ordinary mail until then; the ladder begins by itself";
            vec![Look::new("warm-up", Stand::Waits, says, todo)]
        }
        Ok(cap) => {
            let warm = format!("over its first weeks; {cap} messages a day are allowed by now");
            let (sent, _) = warm_up.sent_today(sent_unix_ms, now_unix_ms);
            let full = sent >= usize::try_from(cap).unwrap_or(usize::MAX);
            let (stands, todo) =
                if full { (Stand::Waits, "approve the rest; it goes tomorrow") } else { (Stand::Ready, "") };
            vec![
                Look::new("warm-up", Stand::Ready, warm, ""),
                Look::new("volume", stands, format!("{sent} of {cap} messages of today went out"), todo),
            ]
        }
    }
}

#[cfg(test)]
mod tests {
    use reframe_policy::sender::{Ladder, TxtRecord};

    use super::*;

    const DAY: i64 = 86_400_000;
    /// 2 March 2026, 00:00 UTC.
    const BEGAN: i64 = 1_772_409_600_000;

    #[test]
    fn each_fault_of_the_domain_comes_with_the_record_that_mends_it_and_nobody_is_asked() {
        let record = |name: &str, text: &str| TxtRecord { name: name.into(), text: text.into() };
        let mut set_up = SetUp {
            domain: "try-us.example".into(),
            company_domain: "us.example".into(),
            spf_mechanism: "include:_spf.mail.example".into(),
            dkim_selector: "s1".into(),
            report_to: "dmarc@us.example".into(),
            records: vec![record("try-us.example", "v=spf1 include:_spf.mail.example -all")],
        };
        let looks = domain(&set_up, "the settings");
        let wrong: Vec<&str> = looks.iter().filter(|l| l.stands == Stand::Wrong).map(|l| l.todo.as_str()).collect();
        assert_eq!(wrong.len(), 2, "{looks:?}");
        assert!(wrong[0].contains("s1._domainkey.try-us.example TXT \"v=DKIM1") && wrong[1].contains("v=DMARC1"));
        assert!(looks.last().unwrap().says.contains("no name server was asked"));
        let key = format!("v=DKIM1; k=rsa; p={}", "A".repeat(400));
        set_up.records.push(record("s1._domainkey.try-us.example", &key));
        set_up.records.push(record("_dmarc.try-us.example", "v=DMARC1; p=quarantine; rua=mailto:dmarc@us.example"));
        assert!(domain(&set_up, "the settings").iter().all(|l| l.stands == Stand::Ready));
    }

    #[test]
    fn warm_up_and_volume_say_when_and_how_much() {
        let warm_up = WarmUp { began_unix_ms: BEGAN, zone: "UTC".into(), ladder: Ladder::default(), daily_cap: 120 };
        let early = volume(&warm_up, &[], BEGAN + 12 * DAY);
        assert_eq!((early.len(), early[0].stands), (1, Stand::Waits));
        assert!(early[0].says.contains("day 12 of 28") && early[0].says.contains("2026-03-30"), "{early:?}");
        let now = BEGAN + 28 * DAY + DAY / 2;
        let today = [now - 60_000; 20];
        for (sent, stands, says) in [(&today[..7], Stand::Ready, "7 of 20"), (&today[..], Stand::Waits, "20 of 20")] {
            let looks = volume(&warm_up, sent, now);
            assert_eq!(looks[0].stands, Stand::Ready);
            assert!(looks[1].stands == stands && looks[1].says.contains(says), "{looks:?}");
        }
        let yesterday = volume(&warm_up, &[now - DAY], now);
        assert!(yesterday[1].says.starts_with("0 of 20"), "{yesterday:?}");
    }
}
