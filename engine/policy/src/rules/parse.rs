//! Reads a file of rules, and says at which line it is wrong.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use reframe_call::date::Date;
use reframe_workflow::artifact::Digest;
use serde::Deserialize;
use toml::Spanned;

use super::{Channel, Checked, Purpose, Region, Requires, Rule, Rules, Terms};

/// Largest file that is read, in bytes.
const MAX_BYTES: usize = 1 << 20;

/// A file of rules that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rules, line {line}: {problem}")]
pub struct RulesError {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong, and what to write.
    pub problem: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    terms: Terms,
    /// Names for several places at once.
    #[serde(default)]
    group: BTreeMap<String, Spanned<Vec<String>>>,
    /// The parts of a country, where they matter; one that is not in the list does not exist.
    #[serde(default)]
    parts: BTreeMap<String, Spanned<Vec<String>>>,
    rule: Vec<RuleLine>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleLine {
    id: Spanned<String>,
    regime: String,
    applies_to: Spanned<Vec<String>>,
    channels: BTreeSet<Channel>,
    purposes: BTreeSet<Purpose>,
    requires: Requires,
    source: String,
    as_of: Date,
    checked: Checked,
    #[serde(default)]
    from: Option<Date>,
    #[serde(default)]
    toggle: bool,
    note: String,
}

/// The line a byte is in, from 1.
fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|b| *b == b'\n').count() + 1
}

pub(super) fn read(text: &str) -> Result<Rules, RulesError> {
    if text.len() > MAX_BYTES {
        return Err(RulesError { line: 1, problem: format!("the file is larger than {MAX_BYTES} bytes") });
    }
    let wrong = |at: Range<usize>, problem: String| RulesError { line: line_of(text, at.start), problem };
    let file: File = toml::from_str(text).map_err(|e| {
        let at = e.span().unwrap_or(0..0);
        wrong(at, e.message().to_owned())
    })?;
    let places = |codes: &Spanned<Vec<String>>| -> Result<BTreeSet<Region>, RulesError> {
        let place = |code: &String| Region::new(code).map_err(|e| wrong(codes.span(), e.to_string()));
        codes.get_ref().iter().map(place).collect()
    };
    let mut groups = BTreeMap::new();
    for (name, codes) in &file.group {
        groups.insert(name.as_str(), places(codes)?);
    }
    let mut parts = BTreeMap::new();
    for (country, codes) in &file.parts {
        let of = places(codes)?;
        if of.iter().any(|part| part.is_country() || part.country() != country) {
            return Err(wrong(codes.span(), format!("parts of {country} begin with `{country}-`")));
        }
        parts.insert(country.clone(), of);
    }
    let (mut rules, mut ids) = (Vec::new(), BTreeSet::new());
    for line in file.rule {
        let at = line.id.span();
        let id = line.id.into_inner();
        if !ids.insert(id.clone()) {
            return Err(wrong(at, format!("`{id}` is there twice; every rule has its own id")));
        }
        let mut applies_to = BTreeSet::new();
        for name in line.applies_to.get_ref() {
            match groups.get(name.as_str()) {
                Some(group) => applies_to.extend(group.iter().cloned()),
                None => {
                    let place = Region::new(name).map_err(|_| {
                        let problem = format!("`{name}` is neither a group of this file nor a place like DE or US-CA");
                        wrong(line.applies_to.span(), problem)
                    })?;
                    applies_to.insert(place);
                }
            }
        }
        let Requires { any_of, all_of, message } = &line.requires;
        let problem = if applies_to.is_empty() || line.channels.is_empty() || line.purposes.is_empty() {
            Some("holds nowhere; name places, channels and purposes")
        } else if any_of.is_empty() && all_of.is_empty() && message.is_empty() {
            Some("requires nothing; write `any_of = [\"no_opt_out\"]` if nothing is to be asked for")
        } else if line.source.trim().is_empty() {
            Some("has no source; name the section of the law")
        } else {
            None
        };
        if let Some(problem) = problem {
            return Err(wrong(at, format!("`{id}` {problem}")));
        }
        rules.push(Rule {
            id,
            regime: line.regime,
            applies_to,
            channels: line.channels,
            purposes: line.purposes,
            requires: line.requires,
            source: line.source,
            as_of: line.as_of,
            checked: line.checked,
            from: line.from,
            toggle: line.toggle,
            note: line.note,
        });
    }
    let digest = Digest::of(text.as_bytes());
    Ok(Rules { version: file.version, digest, parts, terms: file.terms, rules, disclosure: BTreeMap::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "version = 1
[terms]
existing_customer_months = 24
recent_inquiry_months = 6
published_address_months = 6
balancing_test_months = 12
they_wrote_days = 30
agreed_contact_days = 90
register_checked_days = 28
[group]
b = [\"BE\", \"NL\"]
";

    fn rule(id: &str, applies_to: &str, requires: &str, source: &str) -> String {
        format!(
            "[[rule]]
id = \"{id}\"
regime = \"R\"
applies_to = [{applies_to}]
channels = [\"email\"]
purposes = [\"outreach\"]
requires = {{ {requires} }}
source = \"{source}\"
as_of = \"2026-11-22\"
checked = \"memory\"
note = \"n\"
"
        )
    }

    #[test]
    fn what_ships_can_be_read_and_every_rule_says_where_it_comes_from() {
        let rules = Rules::shipped();
        assert!(rules.all().len() >= 20);
        for rule in rules.all() {
            assert!(!rule.note.is_empty() && !rule.regime.is_empty(), "{}", rule.id);
        }
    }

    #[test]
    fn a_wrong_file_is_refused_with_its_line() {
        let good = rule("a", "\"b\", \"DE\"", "any_of = [\"no_opt_out\"]", "§ 1");
        let read = |text: &str| Rules::parse(&format!("{HEAD}{text}"));
        assert_eq!(read(&good).unwrap().all()[0].applies_to.len(), 3);
        for (line, says, bad) in [
            (25, "twice", format!("{good}{good}").replacen("note = \"n\"", "note = \"n\"\n", 1)),
            (15, "neither a group", rule("a", "\"Benelux\"", "any_of = [\"no_opt_out\"]", "§ 1")),
            (13, "requires nothing", rule("a", "\"DE\"", "", "§ 1")),
            (13, "no source", rule("a", "\"DE\"", "any_of = [\"no_opt_out\"]", " ")),
            (13, "holds nowhere", rule("a", "", "any_of = [\"no_opt_out\"]", "§ 1")),
            (18, "good_will", rule("a", "\"DE\"", "any_of = [\"good_will\"]", "§ 1")),
            (20, "calendar", good.replace("2026-11-22", "2026-02-30")),
            (12, "unknown field", good.replace("note =", "hint =")),
        ] {
            let error = read(&bad).unwrap_err();
            assert!(error.problem.contains(says), "{says}: {error}");
            // A field that is missing or unknown is told at the rule it belongs to, or at the field.
            assert!(error.line == line || says == "unknown field", "{says}: {error}");
        }
    }
}
