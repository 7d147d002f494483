//! One name for one person, however their address is spelled; and the name's salted hash, which is all that is left of it
//! after an erasure.

use icu_normalizer::ComposingNormalizerBorrowed;
use reframe_workflow::artifact::Digest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Longest address, in characters: 254 of a mail address (RFC 5321 4.5.3.1), with room for a profile's URL.
const MAX_CHARS: usize = 500;
/// Least salt, in bytes.
const MIN_SALT: usize = 16;

/// A person as permissions and suppressions name them. Spellings that reach the same mailbox give the same key: letters of
/// any case or width, composed or not, invisible characters, what follows a plus sign, a domain in either of its two
/// alphabets, and dots at Gmail. Where two people could be meant, they count as one: too much is suppressed rather than too
/// little.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct PersonKey(String);

/// A text that reaches nobody.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "write a mail address, a telephone number with its country code (+49…), or the address of a profile (https://…)"
)]
pub struct BadKey;

/// Characters that are not seen and may stand in a pasted address: soft hyphen, zero-width ones, direction marks, BOM.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

/// Compatible forms made one (NFKC), lower case, without invisible characters and white space around.
fn folded(text: &str) -> String {
    let seen: String = text.chars().filter(|c| !is_invisible(*c)).collect();
    let nfkc = ComposingNormalizerBorrowed::new_nfkc();
    // Lower case may decompose (İ), hence twice.
    let lower = nfkc.normalize(&seen).to_lowercase();
    nfkc.normalize(lower.trim()).into_owned()
}

impl PersonKey {
    /// The person of a mail address, a telephone number with its country code, or the address of a profile.
    ///
    /// # Errors
    /// [`BadKey`].
    pub fn new(text: &str) -> Result<Self, BadKey> {
        let text = text.chars().take(MAX_CHARS + 1).collect::<String>();
        let folded = folded(&text);
        let bad = folded.chars().count() > MAX_CHARS || folded.chars().any(char::is_control);
        if bad {
            return Err(BadKey);
        }
        // A key as it was made is a key again.
        let spelled =
            ["mail:", "tel:", "profile:"].iter().find_map(|kind| folded.strip_prefix(kind)).unwrap_or(&folded);
        if spelled.starts_with("http://") || spelled.starts_with("https://") || folded.starts_with("profile:") {
            return profile(spelled);
        }
        if let Some((local, domain)) = spelled.rsplit_once('@') {
            return mail(local, domain);
        }
        telephone(spelled)
    }

    /// The spelling.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The domain of a mail address.
    #[must_use]
    pub fn domain(&self) -> Option<&str> {
        self.0.strip_prefix("mail:")?.rsplit_once('@').map(|(_, domain)| domain)
    }
}

fn mail(local: &str, domain: &str) -> Result<PersonKey, BadKey> {
    let domain = domain_key(domain).ok_or(BadKey)?;
    // A plus sign at the very beginning is no tag.
    let local =
        local.trim_matches('"').split_once('+').map_or(local, |(name, _)| if name.is_empty() { local } else { name });
    let local = local.trim_matches('"');
    let gmail = matches!(domain.as_str(), "gmail.com" | "googlemail.com");
    let local = if gmail { local.replace('.', "") } else { local.to_owned() };
    if local.is_empty() || local.chars().any(|c| c.is_whitespace() || "<>,;\"@".contains(c)) {
        return Err(BadKey);
    }
    let domain = if gmail { "gmail.com" } else { &domain };
    Ok(PersonKey(format!("mail:{local}@{domain}")))
}

fn telephone(text: &str) -> Result<PersonKey, BadKey> {
    let written: String = text.chars().filter(|c| !" ()-./\u{2010}\u{2011}".contains(*c)).collect();
    let digits = written.strip_prefix('+').ok_or(BadKey)?;
    // E.164: at most 15 digits; below 7 it is no number with a country code.
    let fits = (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    if fits { Ok(PersonKey(format!("tel:+{digits}"))) } else { Err(BadKey) }
}

fn profile(text: &str) -> Result<PersonKey, BadKey> {
    let rest = text.trim_start_matches("https://").trim_start_matches("http://").trim_start_matches("www.");
    let path = rest.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    let (host, name) = path.split_once('/').ok_or(BadKey)?;
    let host = domain_key(host).ok_or(BadKey)?;
    // Country hosts of the same network show the same person.
    let host = if host.ends_with(".linkedin.com") { "linkedin.com" } else { &host };
    let fits = !name.is_empty() && !name.chars().any(char::is_whitespace);
    if fits { Ok(PersonKey(format!("profile:{host}/{name}"))) } else { Err(BadKey) }
}

/// A domain's one spelling: lower-case, in ASCII; nothing if it is none.
#[must_use]
pub fn domain_key(domain: &str) -> Option<String> {
    let ascii = idna::domain_to_ascii(folded(domain).trim_end_matches('.')).ok()?;
    (ascii.contains('.') && !ascii.contains([' ', '@', ':']) && !ascii.starts_with('.')).then_some(ascii)
}

impl TryFrom<String> for PersonKey {
    type Error = BadKey;

    fn try_from(text: String) -> Result<Self, BadKey> {
        Self::new(&text)
    }
}

impl From<PersonKey> for String {
    fn from(key: PersonKey) -> Self {
        key.0
    }
}

/// What is mixed into hashes of people, kept apart from the ledger and never changed.
#[derive(Clone, PartialEq, Eq)]
pub struct Salt(Vec<u8>);

/// A salt that is too short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a salt has at least {MIN_SALT} bytes; make it from the machine's random numbers, once")]
pub struct BadSalt;

impl std::fmt::Debug for Salt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Salt(…)")
    }
}

impl Salt {
    /// A salt of these bytes.
    ///
    /// # Errors
    /// [`BadSalt`].
    pub fn new(bytes: &[u8]) -> Result<Self, BadSalt> {
        if bytes.len() < MIN_SALT { Err(BadSalt) } else { Ok(Self(bytes.to_owned())) }
    }

    /// The hash under which a person is remembered after their erasure.
    #[must_use]
    pub fn hash(&self, key: &PersonKey) -> Digest {
        // The length keeps salt and key apart.
        let length = u64::try_from(self.0.len()).unwrap_or(u64::MAX).to_be_bytes();
        Digest::of(&[length.as_slice(), self.0.as_slice(), key.as_str().as_bytes()].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_an_address_is_one_person() {
        for (key, spellings) in [
            (
                "mail:dana.whitfield@acme.example",
                [
                    "Dana.Whitfield@Acme.Example",
                    " dana.whitfield+news@acme.example. ",
                    "dana.\u{200b}whitfield@ACME.example",
                    "ｄａｎａ.whitfield@acme.example",
                ],
            ),
            (
                "mail:zoë@xn--mller-kva.example",
                [
                    "Zoë@müller.example",
                    "zoe\u{308}@mu\u{308}ller.example",
                    "ZOË@xn--mller-kva.example",
                    "zoë+x@MÜLLER.example",
                ],
            ),
            (
                "mail:danaw@gmail.com",
                ["dana.w@gmail.com", "d.a.n.a.w@googlemail.com", "danaw+1@gmail.com", "DanaW@Gmail.com"],
            ),
            ("tel:+4930123456", ["+49 30 123456", "+49 (30) 12-34-56", "+4930123456", "+49.30/123456"]),
            (
                "profile:linkedin.com/in/dana-w",
                [
                    "https://www.linkedin.com/in/Dana-W/",
                    "http://linkedin.com/in/dana-w?trk=x",
                    "https://de.linkedin.com/in/dana-w",
                    "https://linkedin.com/in/dana-w#a",
                ],
            ),
        ] {
            for spelling in spellings {
                let made = PersonKey::new(spelling).unwrap();
                assert_eq!(made.as_str(), key, "{spelling:?}");
                assert_eq!(PersonKey::new(made.as_str()).unwrap(), made, "a key is its own key");
            }
        }
        let other = PersonKey::new("dana.w@acme.example").unwrap();
        assert_ne!(other, PersonKey::new("danaw@acme.example").unwrap(), "dots count outside Gmail");
        for bad in [
            "",
            "dana",
            "@acme.example",
            "dana@",
            "dana@acme",
            "a b@acme.example",
            "030 123456",
            "+49",
            "https://acme.example",
            "a@b.example,c@d.example",
        ] {
            assert_eq!(PersonKey::new(bad), Err(BadKey), "{bad:?}");
        }
        assert_eq!(PersonKey::new(&format!("{}@acme.example", "x".repeat(600))), Err(BadKey));
    }

    #[test]
    fn a_hash_needs_its_salt_and_the_salt_is_not_shown() {
        let key = PersonKey::new("dana@acme.example").unwrap();
        let (one, other) = (Salt::new(&[1; 16]).unwrap(), Salt::new(&[2; 16]).unwrap());
        assert_ne!(one.hash(&key), other.hash(&key));
        assert_eq!(one.hash(&key), one.hash(&PersonKey::new("DANA+a@acme.example").unwrap()));
        assert_eq!(Salt::new(&[1; 15]), Err(BadSalt));
        assert!(!format!("{one:?}").contains('1'));
    }
}
