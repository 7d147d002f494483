//! Providers at which anybody has a mailbox: an address there says nothing of where somebody works. The one list of them.

/// Providers that anybody knows, under whatever ending: `yahoo.com.br`, `gmx.ch`.
const NAMES: [&str; 9] =
    ["gmail", "googlemail", "hotmail", "outlook", "yahoo", "icloud", "gmx", "protonmail", "tutanota"];

/// Others, whole: their names are also those of companies under other endings.
#[rustfmt::skip]
const DOMAINS: [&str; 47] = [
    "live.com", "live.co.uk", "live.de", "live.fr", "live.nl", "msn.com", "ymail.com", "rocketmail.com", "me.com",
    "mac.com", "aol.com", "aol.de", "web.de", "t-online.de", "freenet.de", "posteo.de", "mailbox.org", "mail.de",
    "proton.me", "pm.me", "tuta.io", "fastmail.com", "hey.com", "zoho.com", "mail.com", "yandex.com", "yandex.ru",
    "mail.ru", "qq.com", "163.com", "orange.fr", "wanadoo.fr", "free.fr", "laposte.net", "sfr.fr", "libero.it",
    "virgilio.it", "bluewin.ch", "btinternet.com", "sky.com", "comcast.net", "verizon.net", "att.net", "cox.net",
    "sbcglobal.net", "bigpond.com", "naver.com",
];

/// Whether anybody may have a mailbox at a domain, or at one below it. In lower case; of an international one in either
/// alphabet.
#[must_use]
pub fn is_mailbox_provider(domain: &str) -> bool {
    let mut above = std::iter::successors(Some(domain), |domain| domain.split_once('.').map(|(_, above)| above));
    let named = |domain: &str| domain.split_once('.').is_some_and(|(name, _)| NAMES.contains(&name));
    above.any(|domain| DOMAINS.contains(&domain) || named(domain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn providers_are_known_by_name_or_whole_and_companies_are_none() {
        for domain in ["gmail.com", "yahoo.com.br", "gmx.ch", "mail.yahoo.co.jp", "free.fr", "proton.me", "mail.com"] {
            assert!(is_mailbox_provider(domain), "{domain}");
        }
        for domain in ["acme.example", "free.example", "orange.com", "proton.example", "yahoo", "notgmail.com", ""] {
            assert!(!is_mailbox_provider(domain), "{domain}");
        }
    }
}
