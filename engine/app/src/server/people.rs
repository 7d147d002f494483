//! Whose side a participant is on: by the list of our people, where the bot does not know.

use reframe_call::audio::Party;
use reframe_consent::Person;
use reframe_ingest::item::Who;

/// Our people, as the settings list them.
#[derive(Clone, Debug, Default)]
pub struct People {
    emails: Vec<Person>,
    names: Vec<Person>,
    domains: Vec<String>,
    host_is_rep: bool,
}

impl People {
    /// From the settings. What names nobody is left out; the settings' own check refuses it before.
    #[must_use]
    pub fn new(settings: &crate::config::People) -> Self {
        let persons = |texts: &[String]| texts.iter().filter_map(|t| Person::new(t).ok()).collect();
        Self {
            emails: persons(&settings.emails),
            names: persons(&settings.names),
            domains: settings.domains.iter().map(|d| d.trim().trim_start_matches('@').to_lowercase()).collect(),
            host_is_rep: settings.host_is_rep,
        }
    }

    /// The side of a participant whom the bot calls unknown. An address says most; a name could be anybody's, so an
    /// address that is not ours outweighs it; the host is one of ours only if the settings say so.
    #[must_use]
    pub fn party(&self, name: &str, who: &Who) -> Party {
        let email = who.email.as_deref().and_then(|e| Person::new(e).ok());
        if let Some((email, domain)) = email.as_ref().and_then(|e| Some((e, e.domain()?))) {
            if self.emails.contains(email) || self.is_ours(domain) {
                return Party::Rep;
            }
            // A colleague who is not in the list has an address like those that are.
            let like_ours = self.emails.iter().any(|e| e.domain() == Some(domain));
            let know_ours = !self.emails.is_empty() || !self.domains.is_empty();
            return if know_ours && !like_ours { Party::Buyer } else { Party::Unknown };
        }
        let named = Person::new(name).is_ok_and(|name| self.names.contains(&name));
        if named || self.host_is_rep && who.host == Some(true) { Party::Rep } else { Party::Unknown }
    }

    /// One of our domains, or a part of one.
    fn is_ours(&self, domain: &str) -> bool {
        self.domains
            .iter()
            .any(|ours| domain == ours || domain.strip_suffix(ours.as_str()).is_some_and(|rest| rest.ends_with('.')))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_most_then_a_name_then_the_host() {
        let settings = crate::config::People {
            emails: vec!["Rae@Freelance.example".into()],
            names: vec!["Rae  Lindqvist".into()],
            domains: vec!["@ours.example".into()],
            host_is_rep: true,
        };
        let people = People::new(&settings);
        let careful = People::new(&crate::config::People { host_is_rep: false, ..settings });
        let nobody = People::default();
        #[rustfmt::skip]
        let table = [
            ("",              Some("rae@freelance.example"),  None,       Party::Rep,     Party::Rep,     Party::Unknown),
            ("",              Some("X@OURS.example"),         None,       Party::Rep,     Party::Rep,     Party::Unknown),
            ("",              Some("x@mail.ours.example"),    None,       Party::Rep,     Party::Rep,     Party::Unknown),
            ("",              Some("x@notours.example"),      None,       Party::Buyer,   Party::Buyer,   Party::Unknown),
            ("",              Some("x@freelance.example"),    None,       Party::Unknown, Party::Unknown, Party::Unknown),
            // Somebody who takes one of our names, or hosts the meeting, is a buyer all the same.
            ("rae lindqvist", Some("x@acme.example"),         Some(true), Party::Buyer,   Party::Buyer,   Party::Unknown),
            ("RAE lindqvist", None,                           None,       Party::Rep,     Party::Rep,     Party::Unknown),
            ("Rae L.",        None,                           None,       Party::Unknown, Party::Unknown, Party::Unknown),
            ("Dana",          None,                           Some(true), Party::Rep,     Party::Unknown, Party::Unknown),
            ("Dana",          None,                           Some(false),Party::Unknown, Party::Unknown, Party::Unknown),
            ("Dana",          Some("not an address"),         None,       Party::Unknown, Party::Unknown, Party::Unknown),
        ];
        for (name, email, host, listed, without_host, unlisted) in table {
            let who = Who { email: email.map(Into::into), host, jurisdiction: None };
            assert_eq!(people.party(name, &who), listed, "{name} {who:?}");
            assert_eq!(careful.party(name, &who), without_host, "{name} {who:?}");
            assert_eq!(nobody.party(name, &who), unlisted, "{name} {who:?}");
        }
    }
}
