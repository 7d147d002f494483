//! The likely part in the decision from a title alone: what somebody's field is, and how high they stand in it.
//!
//! Made for what Reframe sells to: teams that sell. Whoever leads selling decides on the money, whoever makes sellers
//! better or runs their tools speaks for it, whoever sells works with it.

use serde::{Deserialize, Serialize};

use super::Role;

/// What a title says.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoleGuess {
    /// The likeliest part; [`Role::Unknown`] where the title says too little.
    pub role: Role,
    /// How sure, 0 to 1. By rule, not measured one by one; the share that is right is in `docs/SIGNAL.md`.
    pub confidence: f32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Assistant,
    Staff,
    Manager,
    Head,
    Vice,
    Chief,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Whole,
    Finance,
    Sales,
    Enablement,
    Technology,
    Control,
    Other,
}

/// Phrases that decide a field, the first that stands in the title wins: the special before the general.
const FIELDS: [(Field, &[&str]); 12] = [
    (Field::Other, &["product owner", "process owner", "chief of staff", "vice president of people"]),
    (Field::Other, &["scrum master", "customer success", "customer support", "community", "account payable"]),
    (Field::Control, &["procurement", "purchasing", "einkauf", "einkäufer", "achats", "acheteur", "buyer", "sourcing"]),
    (
        Field::Control,
        &["legal", "counsel", "lawyer", "attorney", "compliance", "juriste", "juridique", "rechtsabteilung"],
    ),
    (
        Field::Control,
        &["privacy", "data protection", "datenschutz", "dpo", "works council", "betriebsrat", "risk", "audit"],
    ),
    (
        Field::Control,
        &[
            "justiziar",
            "justiziarin",
            "syndikus",
            "auditor",
            "contracts manager",
            "vendor management",
            "vendor manager",
            "category manager",
        ],
    ),
    (
        Field::Enablement,
        &[
            "enablement",
            "sales operations",
            "sales ops",
            "revenue operations",
            "revops",
            "rev ops",
            "sales training",
            "sales trainer",
            "sales coach",
            "go to market operations",
            "gtm operations",
            "gtm ops",
            "commercial operations",
            "commercial excellence",
            "sales excellence",
            "sales effectiveness",
            "sales productivity",
            "sales performance",
            "deal desk",
            "vertriebssteuerung",
            "sales strategy",
            "sales readiness",
            "sales learning",
        ],
    ),
    (
        Field::Technology,
        &[
            "engineer",
            "engineering",
            "developer",
            "architect",
            "architecture",
            "it",
            "cto",
            "cio",
            "ciso",
            "security",
            "technology",
            "technical",
            "information",
            "infrastructure",
            "devops",
            "sre",
            "data",
            "software",
            "systems",
            "crm administrator",
            "salesforce administrator",
            "hubspot administrator",
            "salesforce admin",
            "hubspot admin",
            "crm admin",
            "administrator",
            "informatique",
            "informatik",
            "entwickler",
            "entwicklung",
            "développeur",
            "platform",
            "machine learning",
            "cybersecurity",
            "solutions consultant",
            "presales",
            "pre sales",
            "digital",
            "rssi",
            "dsi",
            "edv",
        ],
    ),
    (
        Field::Sales,
        &[
            "sales",
            "revenue",
            "cro",
            "vertrieb",
            "vertriebs",
            "commercial",
            "ventes",
            "account executive",
            "account manager",
            "sdr",
            "bdr",
            "business development",
            "vertriebsleiter",
            "vertriebsleiterin",
            "verkauf",
            "verkaufsleiter",
            "key account",
            "account director",
            "commerciale",
            "ae",
            "vertriebsmitarbeiter",
            "vertriebsmitarbeiterin",
            "außendienst",
            "vertriebsbeauftragter",
            "cso",
            "cco",
            "go to market",
            "gtm",
            "vertriebsdirektor",
            "vertriebsvorstand",
            "market development",
            "verkäufer",
        ],
    ),
    (
        Field::Finance,
        &[
            "finance",
            "financial",
            "cfo",
            "treasurer",
            "controller",
            "controlling",
            "finanzen",
            "finanz",
            "financier",
            "kaufmännischer",
            "kaufmännische",
            "daf",
            "accounting",
            "accountant",
            "financière",
            "finanzvorstand",
            "fp a",
        ],
    ),
    (
        Field::Other,
        &[
            "marketing",
            "hr",
            "human resources",
            "people",
            "talent",
            "recruiter",
            "recruiting",
            "product",
            "design",
            "designer",
            "research",
            "communications",
            "brand",
            "content",
            "facilities",
            "office",
            "support",
            "logistics",
            "supply",
            "quality",
            "production",
            "manufacturing",
            "medical",
            "learning",
            "training",
            "student",
            "intern",
            "consultant",
            "advisor",
            "operations analyst",
            "program",
            "project",
            "demand generation",
            "growth",
            "partnerships",
            "personal",
            "personalleiter",
            "cmo",
            "chro",
            "cpo",
            "cdo",
        ],
    ),
    (
        Field::Whole,
        &[
            "ceo",
            "founder",
            "cofounder",
            "owner",
            "president",
            "managing director",
            "general manager",
            "coo",
            "geschäftsführer",
            "geschäftsführerin",
            "inhaber",
            "inhaberin",
            "pdg",
            "gérant",
            "gérante",
            "managing partner",
            "vorstand",
            "chairman",
            "chief executive",
            "chief operating",
            "principal",
            "directeur général",
            "directrice générale",
            "operations",
            "gründer",
            "fondateur",
            "prokurist",
            "operating partner",
            "country manager",
            "vorstandsvorsitzender",
            "vorstandsvorsitzende",
        ],
    ),
];

/// The likely part of somebody with this title (English, German, French).
#[must_use]
pub fn role_of_title(title: &str) -> RoleGuess {
    let text = plain(title);
    let unknown = RoleGuess { role: Role::Unknown, confidence: 0.0 };
    if text.trim().is_empty() {
        return unknown;
    }
    let level = level(&text);
    let field = field(&text);
    let (role, confidence) = match (field, level) {
        (_, Level::Assistant) | (None, _) => return unknown,
        (Some(Field::Other), _) => return unknown,
        (Some(Field::Whole), Level::Chief) => (Role::Economic, 0.9),
        // Operations, or "president" of who knows what: the head of a small firm or of nothing much.
        (Some(Field::Whole), Level::Vice) => (Role::Economic, 0.6),
        (Some(Field::Whole), _) => return unknown,
        (Some(Field::Finance), Level::Chief) => (Role::Economic, 0.95),
        (Some(Field::Finance), Level::Vice | Level::Head) => (Role::Economic, 0.8),
        (Some(Field::Finance), _) => return unknown,
        (Some(Field::Sales), Level::Chief) => (Role::Economic, 0.95),
        (Some(Field::Sales), Level::Vice) => (Role::Economic, 0.85),
        (Some(Field::Sales), Level::Head | Level::Manager) => (Role::Champion, 0.75),
        (Some(Field::Sales), Level::Staff) => (Role::User, 0.85),
        (Some(Field::Enablement), _) => (Role::Champion, 0.85),
        (Some(Field::Technology), _) => (Role::Technical, 0.85),
        (Some(Field::Control), _) => (Role::Blocker, 0.8),
    };
    RoleGuess { role, confidence }
}

/// Lower case, words between single spaces, a space at either end.
fn plain(title: &str) -> String {
    let mut out = String::from(" ");
    for c in title.chars().take(200).flat_map(char::to_lowercase) {
        match c {
            '.' | '\'' | '’' => {}
            c if c.is_alphanumeric() => out.push(c),
            _ if !out.ends_with(' ') => out.push(' '),
            _ => {}
        }
    }
    if !out.ends_with(' ') {
        out.push(' ');
    }
    out
}

fn has(text: &str, phrase: &str) -> bool {
    text.match_indices(phrase).any(|(at, found)| text[..at].ends_with(' ') && text[at + found.len()..].starts_with(' '))
}

fn any(text: &str, phrases: &[&str]) -> bool {
    phrases.iter().any(|p| has(text, p))
}

fn field(text: &str) -> Option<Field> {
    FIELDS.iter().find(|(_, phrases)| any(text, phrases)).map(|(field, _)| *field)
}

fn level(text: &str) -> Level {
    // "Assistant to the CEO", "EA to …": the words after it are somebody else's.
    if any(
        text,
        &[
            "assistant",
            "assistentin",
            "assistenz",
            "secretary",
            "sekretärin",
            "sekretariat",
            "receptionist",
            "intern",
            "praktikant",
            "praktikantin",
            "stagiaire",
            "trainee",
            "werkstudent",
            "werkstudentin",
            "auszubildender",
            "ea to",
            "student",
            "apprentice",
            "former",
            "ex",
            "retired",
            "ehemaliger",
        ],
    ) && !any(text, &["assistant vice president", "assistant director"])
    {
        return Level::Assistant;
    }
    let short = ["ceo", "cfo", "cro", "coo", "cto", "cio", "ciso", "cso", "cco", "pdg", "daf", "dsi"];
    let whole = [
        "chief",
        "founder",
        "cofounder",
        "owner",
        "managing director",
        "geschäftsführer",
        "geschäftsführerin",
        "inhaber",
        "inhaberin",
        "gérant",
        "gérante",
        "managing partner",
        "general manager",
        "vorstand",
        "chairman",
        "directeur général",
        "directrice générale",
        "finanzvorstand",
        "vertriebsvorstand",
        "kaufmännischer leiter",
        "gründer",
        "fondateur",
        "vorstandsvorsitzender",
        "vorstandsvorsitzende",
        "country manager",
    ];
    let vice = ["vp", "svp", "evp", "avp", "vice president", "vicepresident"];
    if any(text, &vice) {
        return Level::Vice;
    }
    if any(text, &short) || any(text, &whole) || has(text, "president") {
        return Level::Chief;
    }
    if any(
        text,
        &[
            "director",
            "head",
            "leiter",
            "leiterin",
            "directeur",
            "directrice",
            "responsable",
            "vertriebsleiter",
            "vertriebsleiterin",
            "verkaufsleiter",
            "vertriebsdirektor",
            "treasurer",
            "bereichsleiter",
            "bereichsleiterin",
            "controller",
            "prokurist",
            "chef",
        ],
    ) {
        // An account director sells; a controller leads where no one stands above.
        return if any(text, &["account director"]) { Level::Staff } else { Level::Head };
    }
    let carries = any(
        text,
        &["account manager", "key account manager", "business development manager", "sales development manager"],
    );
    if any(text, &["manager", "lead", "leader", "teamleiter", "teamleiterin", "supervisor", "chef de", "coordinator"])
        && !carries
    {
        return Level::Manager;
    }
    Level::Staff
}
