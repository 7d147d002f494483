//! Where a contact is, from what people write into the country field of a CRM.

use std::collections::BTreeSet;

use reframe_policy::Region;
use reframe_workflow::system::Record;

/// Fields a contact's country may be in, and the part of it.
const COUNTRY: [&str; 2] = ["country_code", "country"];
const PART: [&str; 2] = ["state_code", "state"];
/// Names and usual abbreviations of the places the shipped rules speak of.
#[rustfmt::skip]
const NAMES: &[(&str, &str)] = &[
    ("austria", "AT"), ("österreich", "AT"), ("belgium", "BE"), ("bulgaria", "BG"), ("croatia", "HR"), ("cyprus", "CY"),
    ("czech republic", "CZ"), ("czechia", "CZ"), ("denmark", "DK"), ("danmark", "DK"), ("estonia", "EE"),
    ("finland", "FI"), ("france", "FR"), ("germany", "DE"), ("deutschland", "DE"), ("greece", "GR"), ("hungary", "HU"),
    ("ireland", "IE"), ("italy", "IT"), ("italia", "IT"), ("latvia", "LV"), ("lithuania", "LT"), ("luxembourg", "LU"),
    ("malta", "MT"), ("netherlands", "NL"), ("the netherlands", "NL"), ("nederland", "NL"), ("poland", "PL"),
    ("portugal", "PT"), ("romania", "RO"), ("slovakia", "SK"), ("slovenia", "SI"), ("spain", "ES"), ("españa", "ES"),
    ("sweden", "SE"), ("sverige", "SE"), ("iceland", "IS"), ("liechtenstein", "LI"), ("norway", "NO"), ("norge", "NO"),
    ("united kingdom", "GB"), ("great britain", "GB"), ("uk", "GB"), ("england", "GB"), ("scotland", "GB"),
    ("wales", "GB"), ("northern ireland", "GB"), ("united states", "US"), ("united states of america", "US"),
    ("usa", "US"), ("u.s.", "US"), ("u.s.a.", "US"), ("canada", "CA"), ("switzerland", "CH"),
];

/// Where contacts of one person are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// The places that could be read.
    pub known: BTreeSet<Region>,
    /// Something is written that is no place: then nothing is taken for granted.
    pub unreadable: bool,
}

/// Where a person is whom the CRM has as these contacts.
pub fn of(contacts: &[Record]) -> Places {
    let mut places = Places::default();
    for contact in contacts {
        let first = |names: [&str; 2]| names.into_iter().find_map(|name| contact.field(name)).map(str::trim);
        let Some(written) = first(COUNTRY).filter(|text| !text.is_empty()) else { continue };
        match country(written) {
            Some(region) => drop(places.known.insert(part(&region, first(PART)).unwrap_or(region))),
            None => places.unreadable = true,
        }
    }
    places
}

fn country(written: &str) -> Option<Region> {
    let folded = written.to_lowercase();
    let named = NAMES.iter().find(|(name, _)| *name == folded).map(|(_, code)| *code);
    Region::new(named.unwrap_or(written)).ok()
}

/// A part of a country that is given by its code. By its name it is not looked up: of the whole country all rules hold.
fn part(country: &Region, written: Option<&str>) -> Option<Region> {
    let code = written.filter(|code| code.len() == 2 && code.bytes().all(|b| b.is_ascii_alphabetic()))?;
    country.is_country().then(|| Region::new(&format!("{country}-{code}")).ok())?
}

#[cfg(test)]
mod tests {
    use reframe_workflow::system::{RecordKind, RecordRef};

    use super::*;

    #[test]
    fn a_country_is_read_and_never_guessed() {
        let contact = |fields: &[(&str, &str)]| Record {
            at: RecordRef { system: "local".into(), kind: RecordKind::Contact, id: "1".into() },
            version: "1".into(),
            updated_unix_ms: 0,
            fields: fields.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            linked: vec![],
            history: Default::default(),
        };
        for (fields, expected) in [
            (&[("country", "Germany")][..], Some("DE")),
            (&[("country", " de ")], Some("DE")),
            (&[("country", "USA"), ("state", "ny")], Some("US-NY")),
            (&[("country", "United States"), ("state", "New York")], Some("US")),
            (&[("country", "US-CA"), ("state", "NY")], Some("US-CA")),
            (&[("country", "Canada"), ("country_code", "FR")], Some("FR")),
            (&[("state", "NY")], None),
            (&[("country", "Atlantis")], None),
            (&[], None),
        ] {
            let found = of(&[contact(fields)]);
            let known: Vec<&str> = found.known.iter().map(Region::as_str).collect();
            assert_eq!(known, expected.into_iter().collect::<Vec<_>>(), "{fields:?}");
        }
        assert!(of(&[contact(&[("country", "Atlantis")])]).unreadable);
        let both = of(&[contact(&[("country", "DE")]), contact(&[("country", "US")])]);
        assert_eq!(both.known.len(), 2, "who is known in two places is under the rules of both");
    }
}
