//! What the address given to a vendor says about a call: `?call=…&title=…&rep=…&consent=…`.

use reframe_call::audio::{Consent, Party};

use super::Vendor;
use crate::socket::protocol::{Code, MAX_CHARS, MAX_CONTEXT, Refusal};

/// What the address says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The vendor's name, for consent records and ids.
    pub vendor: String,
    /// Id of the call; the vendor's own id of the meeting unless given.
    pub call: Option<String>,
    /// Title to show.
    pub title: Option<String>,
    /// Playbook to play against.
    pub playbook: Option<String>,
    /// Names that may be said.
    pub context: Vec<String>,
    /// Names or e-mail addresses of our people; for telephone bridges the name of our side's track. With one given,
    /// everybody else is a buyer; with none, nobody is known by the address.
    pub rep: Vec<String>,
    /// How the vendor's bot obtains everybody's consent (`platform`, `verbal` …); nobody has agreed unless given.
    pub consent: Option<String>,
    /// Sample rate in Hz, for vendors that do not say it.
    pub rate_hz: Option<u32>,
    /// Take the vendor's words instead of its audio.
    pub words: bool,
}

impl Facts {
    /// Reads the query's pairs. `token` is not among what is kept.
    ///
    /// # Errors
    /// [`Refusal`] naming a field that is unknown or makes no sense.
    pub fn read<'a>(vendor: Vendor, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self, Refusal> {
        let mut facts = Self { vendor: vendor.name().to_owned(), ..Self::default() };
        facts.add(pairs)?;
        Ok(facts)
    }

    /// Adds what more pairs say.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn add<'a>(&mut self, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<(), Refusal> {
        let facts = self;
        let bad = |message: String| Err(Refusal::new(Code::BadMessage, message));
        for (key, value) in pairs {
            if value.chars().count() > MAX_CHARS || value.chars().any(char::is_control) {
                return bad(format!("`{key}` in the address is too long or holds control characters"));
            }
            let value = value.trim().to_owned();
            match key {
                "token" => {}
                "call" => facts.call = Some(value),
                "title" => facts.title = Some(value),
                "playbook" => facts.playbook = Some(value),
                "context" if facts.context.len() < MAX_CONTEXT => facts.context.push(value),
                "rep" if facts.rep.len() < MAX_CONTEXT => facts.rep.push(value),
                "context" | "rep" => return bad(format!("more than {MAX_CONTEXT} times `{key}` in the address")),
                "consent" if value.is_empty() => {
                    return bad("`consent` in the address is empty; say how it is obtained, or leave it out".into());
                }
                "consent" => facts.consent = Some(value),
                "rate_hz" => match value.parse() {
                    Ok(hz @ (8_000 | 16_000 | 24_000 | 44_100 | 48_000)) => facts.rate_hz = Some(hz),
                    _ => return bad(format!("rate_hz={value}: use 8000, 16000, 24000, 44100 or 48000")),
                },
                "input" if value == "words" => facts.words = true,
                "input" if value == "audio" => facts.words = false,
                "input" => return bad(format!("input={value}: use audio or words")),
                other => {
                    let other: String = other.chars().take(40).collect();
                    return bad(format!(
                        "the address says `{other}`, which is not known; known are token, call, title, playbook, \
                         context, rep, consent, rate_hz and input"
                    ));
                }
            }
        }
        Ok(())
    }

    /// Which side somebody is on, by what the address says.
    #[must_use]
    pub fn party(&self, name: &str, email: Option<&str>) -> Party {
        let is = |one: &String| {
            one.eq_ignore_ascii_case(name.trim()) || email.is_some_and(|email| one.eq_ignore_ascii_case(email.trim()))
        };
        match self.rep.iter().any(is) {
            _ if self.rep.is_empty() => Party::Unknown,
            true => Party::Rep,
            false => Party::Buyer,
        }
    }

    /// Whether a telephone call's side of this name is ours: `usual` is, unless the address names another.
    #[must_use]
    pub fn is_ours(&self, side: &str, usual: &str) -> bool {
        side.eq_ignore_ascii_case(self.rep.first().map_or(usual, String::as_str))
    }

    /// The consent that everybody has given to the vendor's bot, if the address says so. `meeting` is the vendor's id.
    #[must_use]
    pub fn consent(&self, meeting: &str) -> Option<Consent> {
        let basis = self.consent.clone()?;
        Some(Consent { basis, reference: format!("{} {meeting}", self.vendor) })
    }

    /// A call id made of the vendor's own: letters, digits, - and _ only, at most 64.
    #[must_use]
    pub fn call_id(&self, own: &str) -> String {
        let fit = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' };
        format!("{}-{own}", self.vendor).chars().map(fit).take(64).collect()
    }
}
