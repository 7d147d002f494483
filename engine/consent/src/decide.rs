//! The fold: from all records about a person to whether they agree to this call now.

use crate::{
    person::Person,
    record::{ConsentRecord, Scope},
};

/// A participant of a call, as far as records can know them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Participant {
    /// By e-mail address.
    pub email: Option<Person>,
    /// By name, as the platform shows it.
    pub name: Option<Person>,
    /// Track number in the call.
    pub track: Option<u16>,
    /// Somebody else in the call has the same name: then the name says nothing.
    pub namesake: bool,
}

/// How a person stands to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing<'a> {
    /// Agreed, by this record.
    Given(&'a ConsentRecord),
    /// Took it back, by this record.
    Withdrawn(&'a ConsentRecord),
    /// Nothing is on record.
    Unknown,
}

impl<'a> Standing<'a> {
    /// The record that gives consent, if there is consent.
    #[must_use]
    pub const fn consent(self) -> Option<&'a ConsentRecord> {
        match self {
            Self::Given(record) => Some(record),
            Self::Withdrawn(_) | Self::Unknown => None,
        }
    }
}

impl Participant {
    /// Somebody with these facts; what cannot name a person is left out.
    #[must_use]
    pub fn new(email: Option<&str>, name: &str, track: u16) -> Self {
        Self {
            email: email.and_then(|e| Person::new(e).ok()).filter(Person::is_email),
            name: Person::new(name).ok(),
            track: Some(track),
            namesake: false,
        }
    }

    /// The spellings under which records about this participant may stand.
    pub fn spellings(&self) -> impl Iterator<Item = &Person> {
        self.email.iter().chain(&self.name)
    }

    /// Is the record about this participant? A withdrawal need only be likely to be; a consent must certainly be: a name
    /// is not enough beyond one call, nor where two share it.
    #[must_use]
    pub fn is_meant_by(&self, record: &ConsentRecord) -> bool {
        let by_email = self.email.as_ref() == Some(&record.says.person);
        let by_name = self.name.as_ref() == Some(&record.says.person);
        if record.is_withdrawal() {
            return by_email || by_name;
        }
        let one_call = matches!(record.says.scope, Scope::Call(_)) && !self.namesake;
        let one_track = matches!(record.says.scope, Scope::Track(..));
        by_email || by_name && (one_call || one_track)
    }
}

/// How a participant stands to a call, by the last record that is about both. `records` in any order.
#[must_use]
pub fn decide<'a>(records: impl IntoIterator<Item = &'a ConsentRecord>, who: &Participant, call: &str) -> Standing<'a> {
    let about = records.into_iter().filter(|r| r.says.scope.covers(call, who.track) && who.is_meant_by(r));
    match about.max_by_key(|r| r.id) {
        None => Standing::Unknown,
        Some(last) if last.is_withdrawal() => Standing::Withdrawn(last),
        Some(last) => Standing::Given(last),
    }
}

/// As [`decide`], for somebody known by e-mail address or name alone.
#[must_use]
pub fn decide_for<'a>(
    records: impl IntoIterator<Item = &'a ConsentRecord>,
    person: &Person,
    call: &str,
) -> Standing<'a> {
    let person = Some(person.clone());
    let (email, name) = if person.as_ref().is_some_and(Person::is_email) { (person, None) } else { (None, person) };
    decide(records, &Participant { email, name, ..Participant::default() }, call)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::NewRecord;

    fn record(id: u64, person: &str, scope: &str, withdrawn: bool) -> ConsentRecord {
        ConsentRecord {
            id,
            says: NewRecord {
                person: Person::new(person).unwrap(),
                scope: scope.parse().unwrap(),
                jurisdiction: None,
                method: "verbal".into(),
                proof: String::new(),
                given_unix_ms: 0,
                withdrawn_unix_ms: withdrawn.then_some(0),
            },
        }
    }

    #[test]
    fn the_last_word_counts_and_only_on_what_it_covers() {
        let dana = Participant::new(Some("Dana@acme.example"), "Dana", 1);
        let (give, take) = (false, true);
        type Case<'a> = (&'a [(&'a str, &'a str, bool)], Option<bool>);
        #[rustfmt::skip]
        let table: &[Case<'_>] = &[
            (&[], None),
            (&[("dana@acme.example", "*", give)], Some(true)),
            (&[("dana@acme.example", "call:x", give)], Some(true)),
            (&[("dana@acme.example", "call:y", give)], None),
            (&[("dana@acme.example", "*", give), ("dana@acme.example", "call:x", take)], Some(false)),
            (&[("dana@acme.example", "*", give), ("dana@acme.example", "call:y", take)], Some(true)),
            (&[("dana@acme.example", "call:x", give), ("dana@acme.example", "*", take)], Some(false)),
            (&[("dana@acme.example", "*", take), ("dana@acme.example", "call:x", give)], Some(true)),
            (&[("other@acme.example", "*", give)], None),
            // By name: in this call yes, beyond it no; taking back always.
            (&[("dana", "call:x", give)], Some(true)),
            (&[("dana", "*", give)], None),
            (&[("dana@acme.example", "*", give), ("dana", "*", take)], Some(false)),
            // By track: this participant alone.
            (&[("dana", "call:x/track:1", give)], Some(true)),
            (&[("dana", "call:x/track:2", give)], None),
            (&[("lee", "call:x/track:1", give)], None),
        ];
        for (records, expected) in table {
            let records: Vec<_> = (1..).zip(*records).map(|(id, (p, s, w))| record(id, p, s, *w)).collect();
            let found = match decide(&records, &dana, "x") {
                Standing::Given(_) => Some(true),
                Standing::Withdrawn(_) => Some(false),
                Standing::Unknown => None,
            };
            assert_eq!(found, *expected, "{records:?}");
            let backwards = decide(records.iter().rev(), &dana, "x");
            assert_eq!(backwards, decide(&records, &dana, "x"), "the order of reading must not matter");
        }
    }

    #[test]
    fn a_shared_name_gives_nothing_and_can_take_all() {
        let records = [record(1, "guest", "call:x", false)];
        let guest = Participant::new(None, "Guest", 1);
        assert!(decide(&records, &guest, "x").consent().is_some());
        let namesake = Participant { namesake: true, ..guest.clone() };
        assert_eq!(decide(&records, &namesake, "x"), Standing::Unknown);
        let own = [record(1, "guest", "call:x/track:1", false), record(2, "guest", "*", true)];
        assert!(matches!(decide(&own, &namesake, "x"), Standing::Withdrawn(r) if r.id == 2));
        assert_eq!(decide(&records, &Participant::new(None, "", 1), "x"), Standing::Unknown);
    }

    #[test]
    fn one_can_ask_by_address_or_name_alone() {
        let records = [record(1, "dana@acme.example", "*", false)];
        assert!(decide_for(&records, &Person::new("dana@acme.example").unwrap(), "x").consent().is_some());
        assert_eq!(decide_for(&records, &Person::new("dana").unwrap(), "x"), Standing::Unknown);
    }
}
