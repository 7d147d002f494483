//! Statements with a name: which tool they use, and where something is.

use std::collections::BTreeSet;

use super::{
    Slot,
    fact::{Fact, Line, Value},
    line::{Sentence, stem},
};

/// Names of programs that companies work with, as a recogniser writes them (its words, the first is the name).
const TOOLS: [&str; 84] = [
    "salesforce",
    "hubspot",
    "pipedrive",
    "dynamics",
    "zoho",
    "sugarcrm",
    "zendesk",
    "freshdesk",
    "intercom",
    "jira",
    "servicenow",
    "confluence",
    "asana",
    "trello",
    "notion",
    "monday",
    "clickup",
    "basecamp",
    "slack",
    "teams",
    "zoom",
    "webex",
    "outlook",
    "gmail",
    "sharepoint",
    "dropbox",
    "box",
    "excel",
    "spreadsheet",
    "spreadsheets",
    "sheets",
    "access",
    "sap",
    "oracle",
    "netsuite",
    "odoo",
    "sage",
    "xero",
    "quickbooks",
    "datev",
    "lexware",
    "coupa",
    "ariba",
    "workday",
    "personio",
    "bamboohr",
    "adp",
    "gusto",
    "successfactors",
    "kronos",
    "shopify",
    "magento",
    "woocommerce",
    "wordpress",
    "typo3",
    "drupal",
    "marketo",
    "mailchimp",
    "pardot",
    "eloqua",
    "tableau",
    "powerbi",
    "looker",
    "snowflake",
    "bigquery",
    "databricks",
    "aws",
    "azure",
    "genesys",
    "avaya",
    "twilio",
    "talkdesk",
    "docusign",
    "gitlab",
    "github",
    "bitbucket",
    "moodle",
    "docebo",
    "navision",
    "infor",
    "proalpha",
    "filemaker",
    "lotus",
    "paper",
];
/// What a name of a tool stands behind.
const USES: &[&str] = &[
    "use|uses|using",
    "on|in|with|from",
    "have|has|had|got|have",
    "our",
    "run|runs|running",
    "work|works|working with|in|on",
    "called",
    "it's|that's",
    "moved|switched|migrated to",
    "still on|in|with",
    "the crm",
    "microsoft",
    "replace",
];
const TOOL_ABOUT: &[&str] = &[
    "tool|tools",
    "system|systems",
    "crm",
    "erp",
    "software",
    "platform",
    "program",
    "ticket|tickets|ticketing",
    "connect*",
    "integrat*",
    "export",
    "replace",
    "database",
    "accounting|accountants",
    "application|app",
    "api",
    "use|uses|using",
    "deals",
];

const PLACES: &[(&str, &str)] = &[
    ("headquarters|hq", "headquarters"),
    ("head|main office", "headquarters"),
    ("every|each branch|site|store|plant|location|office", "everywhere"),
    ("in all|the branches|sites|stores|plants|locations", "everywhere"),
    ("remote|remotely|online|virtual|virtually|by video|from home", "remote"),
    ("on site|onsite|in person|face to face", "on site"),
    ("on premise|prem|premises", "premises"),
    ("own|our data centre|center", "premises"),
    ("own|our servers|server|machines", "premises"),
    ("in the cloud", "cloud"),
    ("cloud", "cloud"),
];
const LOCATION_ABOUT: &[&str] = &[
    "where",
    "place",
    "location*",
    "address",
    "deliver*",
    "venue",
    "host|hosted|hosting",
    "held",
    "training",
    "workshop*",
    "kickoff",
    "installed|install|installation",
    "warehouse",
    "office",
    "travel",
    "site|sites|branch|branches",
    "moved|moving|relocat*",
    "headquarters",
    "server|servers",
    "room",
    "stored",
    "data centre|center",
    "plant|factory",
    "come to",
    "based",
    "meet",
    "city",
    "country",
];
/// Words behind "in" and "at" that are no place.
const NO_PLACE: &[&str] = &[
    "the",
    "a",
    "an",
    "our",
    "your",
    "my",
    "this",
    "that",
    "there",
    "it",
    "them",
    "total",
    "place",
    "time",
    "fact",
    "case",
    "general",
    "advance",
    "person",
    "between",
    "front",
    "mind",
    "writing",
    "parallel",
    "detail",
    "order",
    "line",
    "house",
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "spring",
    "summer",
    "autumn",
    "winter",
    "fall",
    "q1",
    "q2",
    "q3",
    "q4",
    "two",
    "three",
    "four",
    "five",
    "six",
    "least",
    "all",
    "night",
    "home",
    "once",
    "first",
    "last",
    "noon",
    "work",
    "one",
    "each",
    "every",
    "his",
    "her",
    "their",
    "what",
    "which",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "return",
    "use",
    "use",
    "english",
    "german",
    "control",
    "charge",
    "training",
    "production",
    "finance",
    "accounting",
    "sales",
    "logistics",
    "marketing",
    "purchasing",
    "touch",
    "half",
    "waves",
    "some",
    "any",
    "both",
    "these",
    "those",
    "about",
];

/// Every statement of a turn of the buyer's.
pub fn facts(line: &Line<'_>) -> Vec<Fact> {
    if !line.buyer {
        return Vec::new();
    }
    let mut out: Vec<Fact> = tool(line).into_iter().collect();
    out.extend(location(line));
    out
}

fn tool(line: &Line<'_>) -> Option<Fact> {
    let about = line.about(TOOL_ABOUT);
    let (mut is, mut not) = (BTreeSet::new(), BTreeSet::new());
    let mut place: Option<(&Sentence, usize)> = None;
    for s in line.sentences.iter().filter(|s| !s.asks) {
        for (i, w) in s.words.iter().enumerate() {
            let name = w.text.strip_suffix("'s").unwrap_or(&w.text);
            let known = TOOLS.contains(&name) || w.name && led(s, i);
            // "Access", "teams", "box" and "paper" are words too: only where they are led to.
            let plain = ["access", "teams", "box", "paper", "monday", "notion", "sage", "oracle", "zoom", "slack"]
                .contains(&name);
            if !known
                || !about && (plain || !TOOLS.contains(&name))
                || plain && !w.name && !s.any(&["use|using|on|in monday|notion|sage|oracle|slack|teams|paper"])
            {
                continue;
            }
            if s.imagined(i) || s.over(i) {
                continue;
            }
            let denied = s.before(i, 4, &["don't", "not", "never", "no", "without", "dropped", "left"]);
            let elsewhere = s.any(&[
                "purchasing has",
                "they aren't part",
                "won't need that",
                "its own thing",
                "for him",
                "for her",
            ]) || s.before(i, 8, &["subsidiary", "spain", "sister"]);
            if elsewhere {
                continue;
            }
            if denied {
                not.insert(name.to_owned())
            } else {
                is.insert(name.to_owned())
            };
            place = place.or(Some((s, i)));
        }
    }
    let (s, i) = place?;
    is.retain(|n| n != "microsoft");
    (!is.is_empty() || !not.is_empty()).then(|| Fact::new(line, s, Slot::Tool, Value::Names(is, not), i, i + 1))
}

/// Whether what leads to word `i` makes it the name of a tool.
fn led(s: &Sentence, i: usize) -> bool {
    USES.iter().any(|p| {
        (i.saturating_sub(3)..i)
            .any(|from| s.find_from(p, from).is_some_and(|(a, b)| a >= i.saturating_sub(3) && b <= i && b + 1 >= i))
    })
}

fn location(line: &Line<'_>) -> Option<Fact> {
    if !line.about(LOCATION_ABOUT) {
        return None;
    }
    let (mut is, mut not) = (BTreeSet::new(), BTreeSet::new());
    let mut place: Option<(&Sentence, usize, usize)> = None;
    for s in line.sentences.iter().filter(|s| !s.asks) {
        for (pattern, name) in PLACES {
            if let Some((from, to)) = s.find(pattern)
                && !s.imagined(from)
                && !s.over(from)
            {
                let denied = s.before(
                    from,
                    7,
                    &["not", "nobody's", "nobody", "don't", "no", "never", "isn't", "aren't", "won't", "instead"],
                );
                if denied {
                    not.insert((*name).to_owned())
                } else {
                    is.insert((*name).to_owned())
                };
                place = place.or(Some((s, from, to)));
            }
        }
        for i in 1..s.words.len() {
            let lead = s.words[i - 1].text.as_str();
            let word = &s.words[i];
            let fits = ["in", "at", "to", "near", "from"].contains(&lead)
                && (word.name || line.answers(&["where"]) && stem(&word.text).is_some());
            if fits
                && !NO_PLACE.contains(&word.text.as_str())
                && !s.imagined(i)
                && !s.over(i)
                && word.text.chars().all(char::is_alphabetic)
            {
                let denied = s.before(i, 5, &["not", "nobody", "don't", "no", "never", "isn't", "aren't", "instead"]);
                if denied {
                    not.insert(word.text.clone())
                } else {
                    is.insert(word.text.clone())
                };
                place = place.or(Some((s, i, i + 1)));
            }
        }
    }
    let (s, from, to) = place?;
    if s.elsewhere(from) && line.says(&["invoice"]) {
        return None;
    }
    Some(Fact::new(line, s, Slot::Location, Value::Names(is, not), from, to))
}
