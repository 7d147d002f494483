//! Length, greeting, name at the end, questions, links, capitals.

use super::{Candidate, Channel, Language, Parts, Rule, SENTENCES};
use crate::text::{key, sentences, words};

/// Characters that count for a word where words are not written apart (about 2.5 for one of English).
const CHARS_PER_WORD: f64 = 2.5;
/// Last parts of names of hosts that are taken for links.
#[rustfmt::skip]
const HOSTS: &[&str] = &[
    "com", "io", "net", "org", "ai", "co", "de", "fr", "eu", "app", "dev", "me", "ly", "gg", "uk", "us", "ch", "at",
    "jp", "it", "es", "nl", "be", "example", "page", "link", "site", "info", "biz", "tech", "cloud", "to", "so", "xyz",
    "cc", "tv", "us",
];
/// Capitals that are names of things.
#[rustfmt::skip]
const ACRONYMS: &[&str] = &[
    "CRM", "ERP", "API", "SaaS", "GDPR", "DSGVO", "HIPAA", "SOC", "ISO", "NIS2", "DORA", "CSRD", "KPI", "OKR", "SLA",
    "SDR", "BDR", "CEO", "CFO", "CTO", "CIO", "COO", "CMO", "CRO", "CISO", "CHRO", "VP", "SVP", "EVP", "GM", "HR",
    "IT", "OT", "AI", "ML", "KI", "IA", "US", "USA", "UK", "EU", "EMEA", "APAC", "DACH", "LATAM", "NATO", "IPO", "ARR",
    "MRR", "ACV", "ROI", "EBIT", "EBITDA", "B2B", "B2C", "SMB", "RFP", "RFI", "PDF", "CSV", "SQL", "AWS", "GCP", "SAP",
    "IBM", "ICP", "QBR", "PLG", "SEO", "PR", "QA", "UX", "UI", "SSO", "SCIM", "MFA", "VPN", "EDI", "WMS", "TMS", "MES",
    "PLM", "BI", "ETL", "LLM", "NPS", "CSAT", "TBD", "FAQ", "ESG", "FDA", "EMA", "MDR", "GMBH", "GmbH", "AG", "SE",
    "SA", "PLC", "LLC", "INC", "LTD", "CET", "CEST", "EST", "PST", "GMT", "UTC", "AM", "PM", "EDR", "SIEM", "HTML",
    "NYC", "RGPD", "DRH", "DSI", "PME", "MRP", "CAD", "IoT", "EV", "EVS", "OEM", "RPA", "SKU", "SKUS", "POS", "LIMS",
    "GXP", "HQ", "PE", "VC", "R&D", "KYC", "AML", "FP&A", "DEI", "ATS", "HRIS", "CCPA", "CPRA", "MDM", "CDP", "CMS",
    "DAM", "PIM", "NHS", "BAFIN", "NASA", "SOX", "PCI", "DSS", "LNG", "HVAC", "ABM", "GTM", "MEDDIC", "BANT", "SPIN",
    "PTO", "ASAP", "FYI", "OK", "CH",
];
/// Short words that shout in capitals.
#[rustfmt::skip]
const SHOUTED: &[&str] = &[
    "FREE", "NOW", "YOU", "TOP", "BIG", "NEW", "YES", "WOW", "HOT", "ACT", "WIN", "ALL", "NOT", "BEST", "THE", "ONLY",
    "MUST", "ANY", "SO", "VERY", "ONE", "NO", "DO", "GET", "SIE", "NUR", "JETZT", "ZERO", "HUGE", "REAL", "FAST",
    "EASY",
];

type Found = (Rule, String, String);

/// Everything that is counted in the text.
pub(super) fn check(candidate: &Candidate, parts: &Parts, most: usize) -> Vec<Found> {
    let mut out = Vec::new();
    let language = candidate.language;
    let count = length(language, &parts.whole);
    if count > most {
        let write = format!("write at most {most} words; these are {count}");
        out.push((Rule::TooLong, String::new(), write));
    }
    let read = sentences(&parts.middle);
    if read.len() != SENTENCES {
        let write = format!(
            "write three sentences between greeting and name: what you saw, what it mostly brings, the next step; these are {}",
            read.len()
        );
        out.push((Rule::Sentences, String::new(), write));
    }
    let asked: usize = read.iter().map(|s| s.questions).sum();
    if asked == 0 {
        out.push((Rule::NoQuestion, String::new(), "ask one question, with a question mark".into()));
    } else if asked > 1 {
        let asking: Vec<&str> = read.iter().filter(|s| s.questions > 0).map(|s| s.text.as_str()).collect();
        out.push((Rule::ManyQuestions, asking.join(" "), format!("ask one question only; these are {asked}")));
    }
    let greeted = candidate.channel == Channel::Sms || is_greeted(candidate);
    if !greeted {
        let write = format!("begin with a line \"{}\"", language.greeting(&candidate.contact_first_name));
        out.push((Rule::Greeting, parts.greeting.clone(), write));
    }
    if !is_signed(candidate, parts) {
        let write = format!("end with a line that is \"{}\" and nothing else", candidate.seller_first_name);
        out.push((Rule::SignOff, parts.end.join(" / "), write));
    }
    out
}

/// The greeting must be right as it was typed, not only as it looks.
fn is_greeted(candidate: &Candidate) -> bool {
    let lines: Vec<&str> = candidate.body.lines().map(str::trim).filter(|l| !l.is_empty()).take(3).collect();
    let right = |line: &&&str| candidate.language.is_greeting(line, candidate.contact_first_name.trim());
    if candidate.language == Language::Japanese {
        return lines.iter().any(|l| right(&l));
    }
    lines.first().is_some_and(|l| right(&l))
}

fn is_signed(candidate: &Candidate, parts: &Parts) -> bool {
    let raw = candidate.body.lines().map(str::trim).rfind(|l| !l.is_empty()).unwrap_or_default();
    let name = candidate.seller_first_name.trim();
    if name.is_empty() || raw != name {
        return false;
    }
    // In English nothing stands before the name; elsewhere a closing line is good manners.
    let closings = parts.end.len().saturating_sub(1);
    closings == 0 || (candidate.language != Language::English && closings == 1)
}

fn length(language: Language, text: &str) -> usize {
    if language == Language::Japanese {
        let chars = text.chars().filter(|c| c.is_alphanumeric()).count();
        // Below 2^52: exact.
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        return (chars as f64 / CHARS_PER_WORD).round() as usize;
    }
    words(text).len()
}

/// Addresses, markup and words of tracking.
pub(super) fn links(text: &str, candidate: &Candidate) -> Vec<String> {
    let mut out = Vec::new();
    let known = |piece: &str| {
        let piece = piece.to_lowercase();
        std::iter::once(&candidate.signal).chain(&candidate.facts).any(|f| f.to_lowercase().contains(&piece))
    };
    for raw in text.split(|c: char| c.is_whitespace() || "()[]\"'，。".contains(c)) {
        let piece = raw.trim_matches(|c: char| ",;:!?.".contains(c));
        let lower = piece.to_lowercase();
        let scheme =
            ["http:", "https:", "hxxp", "www.", "mailto:", "ftp:", "tel:", "http//"].iter().any(|s| lower.contains(s));
        let address = is_host(&lower) && (!known(piece) || lower.contains('/'));
        if scheme || lower.contains("utm_") || address {
            out.push(piece.to_owned());
        }
    }
    let lower = text.to_lowercase();
    for mark in [
        "<a ",
        "<img",
        "<b>",
        "<i>",
        "<br",
        "<p>",
        "<div",
        "<span",
        "<html",
        "<table",
        "<!--",
        "<script",
        "<u>",
        "<strong",
        "<em>",
        "</",
        "href=",
        "](",
        "{{",
        "[link",
        "[calendar",
        "<style",
        "[book",
        "[hier",
        "[ici",
    ] {
        if lower.contains(mark) {
            out.push(mark.to_owned());
        }
    }
    let key = key(text);
    for said in [
        "dot com",
        "punkt de",
        "click here",
        "klicken sie hier",
        "cliquez ici",
        "calendly",
        "link below",
        "book a slot here",
        "tracking pixel",
        "my calendar link",
        "booking link",
        "link to my calendar",
    ] {
        if crate::text::has(&key, said) {
            out.push(said.to_owned());
        }
    }
    out
}

fn is_host(piece: &str) -> bool {
    let host = piece.split('/').next().unwrap_or_default();
    if host.contains('@') {
        return false;
    }
    let Some((before, last)) = host.rsplit_once('.') else { return false };
    let label = before.rsplit('.').next().unwrap_or_default();
    let fine = label.len() >= 2 && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    // "it.So": two sentences without a blank are no host unless a path follows.
    fine && HOSTS.contains(&last)
        && (label.len() > 3 || piece.contains('/') || !matches!(last, "so" | "to" | "it" | "me" | "us" | "at" | "be"))
}

/// Words in capitals and marks in rows.
pub(super) fn shouts(text: &str, candidate: &Candidate) -> Vec<String> {
    let mut out = Vec::new();
    if text.contains("!!") || text.contains("?!") || text.contains("!?") || text.contains("??") || text.contains("！！")
    {
        out.push("!!".to_owned());
    }
    let known: Vec<&str> = std::iter::once(&candidate.signal)
        .chain(&candidate.facts)
        .flat_map(|f| f.split(|c: char| !c.is_alphanumeric() && c != '&'))
        .chain([candidate.seller_first_name.as_str(), candidate.contact_first_name.as_str()])
        .collect();
    let mut letters = (0, 0);
    for piece in text.split(|c: char| !c.is_alphanumeric() && c != '&') {
        let upper = piece.chars().filter(|c| c.is_uppercase()).count();
        let lower = piece.chars().filter(|c| c.is_lowercase()).count();
        letters = (letters.0 + upper, letters.1 + lower);
        if lower > 0 || upper < 2 || known.contains(&piece) || ACRONYMS.contains(&piece) {
            continue;
        }
        // Three capitals are mostly somebody's abbreviation, a digit among them always.
        let abbreviation = upper <= 3 || piece.chars().any(|c| c.is_ascii_digit());
        if SHOUTED.contains(&piece) || !abbreviation {
            out.push(piece.to_owned());
        }
    }
    out
}
