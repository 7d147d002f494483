//! Domains of organisations: without host, and none for mailbox providers and shared sites.

use reframe_workflow::mailbox_provider::is_mailbox_provider;

/// Sites where many organisations have a page: a host or path there is no domain of theirs.
const SHARED: [&str; 24] = [
    "github.io",
    "github.com",
    "wordpress.com",
    "blogspot.com",
    "wixsite.com",
    "myshopify.com",
    "squarespace.com",
    "webflow.io",
    "notion.site",
    "netlify.app",
    "vercel.app",
    "herokuapp.com",
    "substack.com",
    "medium.com",
    "linkedin.com",
    "facebook.com",
    "x.com",
    "twitter.com",
    "instagram.com",
    "youtube.com",
    "crunchbase.com",
    "google.com",
    "onmicrosoft.com",
    "bit.ly",
];

/// Second-level names under which countries register (the part of the public suffix list that business domains use).
const SECOND: [&str; 12] = ["co", "com", "org", "net", "ac", "gov", "edu", "or", "ne", "go", "ltd", "plc"];

/// The domain an organisation registered, from a domain, host, address of a page or of a mailbox: `acme.co.uk`. None for
/// mailbox providers, shared sites and what is no domain.
#[must_use]
pub fn domain_of(text: &str) -> Option<String> {
    let registered = registered(text)?;
    let common = is_mailbox_provider(&registered) || SHARED.contains(&registered.as_str());
    (!common).then_some(registered)
}

/// The organisation's domain of a mail address; none for mailbox providers.
#[must_use]
pub fn mail_domain(address: &str) -> Option<String> {
    let (user, host) = address.trim().rsplit_once('@')?;
    if user.is_empty() { None } else { domain_of(host) }
}

/// The name before the public suffix: `acme` of `acme.co.uk`, with what stands behind it.
pub(super) fn label(domain: &str) -> (&str, &str) {
    domain.split_once('.').unwrap_or((domain, ""))
}

fn registered(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let rest = text.split_once("://").map_or(text.as_str(), |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next()?;
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let host = host.split(':').next()?.trim_matches('.');
    let parts: Vec<&str> = host.split('.').collect();
    let fits = |p: &&str| {
        !p.is_empty() && p.len() <= 63 && p.chars().all(|c| c.is_alphanumeric() || c == '-') && !p.starts_with('-')
    };
    let last = parts.last()?;
    if parts.len() < 2 || host.len() > 253 || !parts.iter().all(fits) || last.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let n = parts.len();
    let two = n >= 3 && last.len() == 2 && SECOND.contains(&parts[n - 2]);
    Some(parts[n - if two { 3 } else { 2 }..].join("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registered_domain_is_found_and_providers_have_none() {
        for (text, want) in [
            ("acme.example", Some("acme.example")),
            ("https://www.Acme.example:8443/about?x=1", Some("acme.example")),
            ("shop.acme.co.uk", Some("acme.co.uk")),
            ("mail.acme.com.au", Some("acme.com.au")),
            ("jane@sales.acme.example", Some("acme.example")),
            ("jane@gmail.com", None),
            ("acme.github.io", None),
            ("https://www.linkedin.com/company/acme", None),
            ("10.0.0.1", None),
            ("localhost", None),
            ("Acme Inc.", None),
            ("", None),
            ("a..b", None),
        ] {
            assert_eq!(domain_of(text).as_deref(), want, "{text}");
        }
        assert_eq!(mail_domain("jane@eu.acme.example").as_deref(), Some("acme.example"));
        assert_eq!(mail_domain("no address"), None);
    }
}
