//! Whether a domain may send outreach: what its zone must say, and how much it may send after how many weeks.

mod warm_up;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::warm_up::{Ladder, NotYet, WarmUp};
use crate::ledger::domain_key;

/// A TXT record, as a resolver or a zone file has it; its strings joined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TxtRecord {
    /// Full name: `_dmarc.mail.example.com`.
    pub name: String,
    /// Text.
    pub text: String,
}

/// What is to be checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetUp {
    /// Domain outreach is sent from.
    pub domain: String,
    /// The company's own domain, whose reputation outreach must not touch.
    pub company_domain: String,
    /// What its sender asks to be in the SPF record: `include:_spf.google.com`.
    pub spf_mechanism: String,
    /// Name under which its DKIM key lies: `google`.
    pub dkim_selector: String,
    /// Where reports are to go, a mail address.
    pub report_to: String,
    /// TXT records of the domain.
    pub records: Vec<TxtRecord>,
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// A domain of its own for outreach.
    Separate,
    /// RFC 7208.
    Spf,
    /// RFC 6376.
    Dkim,
    /// RFC 7489.
    Dmarc,
    /// The logo beside the sender; nothing needs it.
    Bimi,
}

/// What is wrong with a set-up, and what to write into the zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// About what.
    pub check: Check,
    /// Nothing is sent while it stands.
    pub blocks: bool,
    /// What is wrong.
    pub problem: String,
    /// The record that would mend it, if one would.
    pub write: Option<TxtRecord>,
}

/// Most look-ups an SPF record may cause (RFC 7208 4.6.4).
const MAX_SPF_LOOKUPS: usize = 10;
/// Shortest RSA key that is still taken, as the base64 text of its 1024 bits (RFC 8301 3.2): 162 bytes of key, 216 letters.
const MIN_RSA_CHARS: usize = 200;

/// The tag of a `k=v; k=v` record, trimmed.
fn tag<'a>(record: &'a str, name: &str) -> Option<&'a str> {
    record
        .split(';')
        .filter_map(|part| part.split_once('='))
        .find(|(k, _)| k.trim().eq_ignore_ascii_case(name))
        .map(|(_, v)| v.trim())
}

impl SetUp {
    fn txt<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let same = move |record: &&TxtRecord| record.name.trim_end_matches('.').eq_ignore_ascii_case(name);
        self.records.iter().filter(same).map(|r| r.text.trim())
    }

    /// What is wrong, the gravest first; nothing that blocks: it may send as far as its warm-up lets it.
    #[must_use]
    pub fn check(&self) -> Vec<Finding> {
        let mut found: Vec<Finding> = Vec::new();
        found.extend(self.separate());
        found.extend(self.spf());
        found.extend(self.dkim());
        found.extend(self.dmarc());
        found.extend(self.bimi());
        found.sort_by_key(|f| !f.blocks);
        found
    }

    /// Whether nothing blocks.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.check().iter().any(|f| f.blocks)
    }

    fn separate(&self) -> Option<Finding> {
        let problem = match (domain_key(&self.domain), domain_key(&self.company_domain)) {
            (None, _) => "`domain` is no domain; write the one outreach is sent from, like \"try-acme.com\"",
            (_, None) => "`company_domain` is no domain; write your company's own",
            (Some(own), Some(company)) if own == company => {
                "outreach is sent from the company's own domain; register another, or use a subdomain, so that its \
                 reputation stays apart"
            }
            _ => return None,
        };
        Some(Finding { check: Check::Separate, blocks: true, problem: problem.to_owned(), write: None })
    }

    fn spf(&self) -> Option<Finding> {
        let records: Vec<&str> = self.txt(&self.domain).filter(|t| is_spf(t)).collect();
        let fresh = format!("v=spf1 {} -all", self.spf_mechanism);
        let (problem, text) = match records.as_slice() {
            [] => ("there is no SPF record".to_owned(), fresh),
            [one] => {
                let terms: Vec<&str> = one.split_whitespace().skip(1).collect();
                let lookups = terms.iter().filter(|t| looks_up(t)).count();
                let last =
                    terms.iter().find(|t| t.trim_start_matches(['+', '-', '~', '?']).eq_ignore_ascii_case("all"));
                let redirects = terms.iter().any(|t| t.to_ascii_lowercase().starts_with("redirect="));
                if !terms.iter().any(|t| t.trim_start_matches('+').eq_ignore_ascii_case(&self.spf_mechanism)) {
                    let text = one.replacen("v=spf1", &format!("v=spf1 {}", self.spf_mechanism), 1);
                    (format!("the SPF record does not name {}", self.spf_mechanism), text)
                } else if lookups > MAX_SPF_LOOKUPS {
                    (format!("the SPF record asks for more than {MAX_SPF_LOOKUPS} look-ups; take some out"), fresh)
                } else if last.is_some_and(|all| all.starts_with('+') || all.eq_ignore_ascii_case("all")) {
                    ("the SPF record lets everybody send".to_owned(), fresh)
                } else if last.is_none() && !redirects {
                    (
                        "the SPF record does not say what of all others; end it with -all".to_owned(),
                        format!("{one} -all"),
                    )
                } else {
                    return None;
                }
            }
            _ => ("there is more than one SPF record, so none counts; make them one".to_owned(), fresh),
        };
        let write = Some(TxtRecord { name: self.domain.clone(), text });
        Some(Finding { check: Check::Spf, blocks: true, problem, write })
    }

    fn dkim(&self) -> Option<Finding> {
        let name = format!("{}._domainkey.{}", self.dkim_selector, self.domain);
        let keys: Vec<&str> = self.txt(&name).collect();
        let text = "v=DKIM1; k=rsa; p=<the public key your mail provider shows>".to_owned();
        let problem = match keys.as_slice() {
            [] => "there is no DKIM key under this selector",
            [one] => {
                let key: String = tag(one, "p").unwrap_or_default().split_whitespace().collect();
                let rsa = tag(one, "k").is_none_or(|k| k.eq_ignore_ascii_case("rsa"));
                if key.is_empty() {
                    "the DKIM key was taken back: its p= is empty"
                } else if rsa && key.len() < MIN_RSA_CHARS {
                    "the DKIM key is shorter than 1024 bits; make one of 2048"
                } else {
                    return None;
                }
            }
            _ => "there is more than one DKIM key under this selector; leave one",
        };
        let write = Some(TxtRecord { name, text });
        Some(Finding { check: Check::Dkim, blocks: true, problem: problem.to_owned(), write })
    }

    fn dmarc(&self) -> Option<Finding> {
        let name = format!("_dmarc.{}", self.domain);
        let records: Vec<&str> = self.txt(&name).filter(|t| t.to_ascii_lowercase().starts_with("v=dmarc1")).collect();
        let text = format!("v=DMARC1; p=quarantine; rua=mailto:{}", self.report_to);
        let (blocks, problem) = match records.as_slice() {
            [] => (true, "there is no DMARC record"),
            [one] => match tag(one, "p").map(str::to_ascii_lowercase).as_deref() {
                Some("quarantine" | "reject") if tag(one, "rua").is_some() => return None,
                Some("quarantine" | "reject") => (false, "nobody gets the DMARC reports; add rua="),
                // Large mailbox providers take it; it protects nobody.
                Some("none") => (false, "DMARC asks for nothing to be done (p=none); raise it to quarantine"),
                _ => (true, "the DMARC record has no valid p=; write none, quarantine or reject"),
            },
            _ => (true, "there is more than one DMARC record, so none counts"),
        };
        let write = Some(TxtRecord { name, text });
        Some(Finding { check: Check::Dmarc, blocks, problem: problem.to_owned(), write })
    }

    fn bimi(&self) -> Option<Finding> {
        let name = format!("default._bimi.{}", self.domain);
        if self.txt(&name).any(|t| t.to_ascii_lowercase().starts_with("v=bimi1")) {
            return None;
        }
        let text = "v=BIMI1; l=https://<address of your logo>.svg".to_owned();
        let write = Some(TxtRecord { name, text });
        let problem = "there is no BIMI record; it is optional, and needs p=quarantine or p=reject".to_owned();
        Some(Finding { check: Check::Bimi, blocks: false, problem, write })
    }
}

fn is_spf(text: &str) -> bool {
    text.to_ascii_lowercase().strip_prefix("v=spf1").is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

/// Whether a term of an SPF record causes a look-up (RFC 7208 4.6.4).
fn looks_up(term: &str) -> bool {
    let term = term.trim_start_matches(['+', '-', '~', '?']).to_ascii_lowercase();
    let name = term.split([':', '/', '=']).next().unwrap_or_default();
    matches!(name, "include" | "a" | "mx" | "ptr" | "exists" | "redirect")
}

#[cfg(test)]
mod tests;
