//! Words by which a written line (a note, an open point) speaks of a class of objection.

use crate::wording::plain_words;

/// Beginnings of words, and phrases, of each class. A phrase has spaces; a beginning ends with `*`.
const CUES: [(&str, &[&str]); 15] = [
    (
        "price",
        &["price*", "pricing", "discount*", "expensive", "cheaper", "cost", "costs", "rate card", "quote*", "per seat"],
    ),
    (
        "budget",
        &[
            "budget*",
            "funding",
            "funds",
            "capex",
            "opex",
            "cfo",
            "finance",
            "spend",
            "money",
            "spending freeze",
            "cost centre",
            "cost center",
        ],
    ),
    (
        "timing",
        &[
            "timing",
            "timeline*",
            "next quarter",
            "next year",
            "delay*",
            "postpone*",
            "later this year",
            "go live",
            "go-live",
            "deadline*",
            "busy season",
            "freeze",
            "start date",
            "not now",
            "peak",
        ],
    ),
    (
        "incumbent",
        &[
            "incumbent*",
            "current vendor",
            "current tool",
            "existing",
            "competitor*",
            "already use*",
            "already have",
            "renew*",
            "switch*",
            "current supplier",
            "current provider",
            "other vendor*",
        ],
    ),
    (
        "authority",
        &[
            "authority",
            "sign off",
            "sign-off",
            "signoff",
            "approval*",
            "approve*",
            "board",
            "committee",
            "decision maker*",
            "decision-maker*",
            "executive sponsor",
            "ceo",
            "boss",
            "stakeholder*",
            "buy-in",
            "buy in",
        ],
    ),
    (
        "need",
        &[
            "need for",
            "no need",
            "not a priority",
            "priority",
            "priorities",
            "do we need",
            "why change",
            "good enough",
            "must have",
            "nice to have",
            "use case*",
            "status quo",
        ],
    ),
    (
        "trust",
        &[
            "reference*",
            "trust*",
            "references",
            "track record",
            "small company",
            "startup",
            "who else",
            "proof",
            "credib*",
            "customer story",
            "stability",
            "case stud*",
        ],
    ),
    (
        "integration",
        &[
            "integrat*",
            "api",
            "apis",
            "connector*",
            "sync*",
            "erp",
            "sso",
            "data migration",
            "crm",
            "middleware",
            "export*",
            "webhook*",
        ],
    ),
    (
        "security",
        &[
            "security",
            "soc",
            "iso",
            "gdpr",
            "pen test*",
            "penetration",
            "dpa",
            "data protection",
            "hosting",
            "data residency",
            "compliance",
            "infosec",
            "privacy",
            "encrypt*",
            "questionnaire",
            "audit*",
        ],
    ),
    (
        "contract",
        &[
            "contract*",
            "legal",
            "liability",
            "terms",
            "msa",
            "redline*",
            "clause*",
            "notice period",
            "auto-renew*",
            "auto renew*",
            "term length",
            "multi-year",
            "lock-in",
            "lock in",
            "termination",
            "indemn*",
        ],
    ),
    (
        "brush_off",
        &[
            "send something",
            "send me",
            "no reply",
            "went quiet",
            "call back",
            "think about it",
            "get back to",
            "ghost*",
            "silent",
            "not responding",
            "brush*",
        ],
    ),
    (
        "effort",
        &[
            "effort",
            "rollout",
            "roll-out",
            "roll out",
            "training",
            "onboarding",
            "implementation",
            "bandwidth",
            "resourc*",
            "change management",
            "adoption",
            "workload",
            "capacity",
            "time to set up",
            "migrat*",
        ],
    ),
    (
        "roi",
        &[
            "roi",
            "business case",
            "payback",
            "return on",
            "savings",
            "prove the value",
            "value proof",
            "benefit*",
            "kpi*",
            "numbers to show",
        ],
    ),
    (
        "past_experience",
        &[
            "past experience",
            "bad experience",
            "burned",
            "burnt",
            "last time",
            "failed",
            "tried before",
            "previous project",
            "earlier project",
            "failed rollout",
            "previous vendor",
        ],
    ),
    (
        "build",
        &[
            "build",
            "in-house",
            "in house",
            "inhouse",
            "own developers",
            "internal tool",
            "homegrown",
            "home-grown",
            "diy",
            "build it ourselves",
            "engineering team could",
        ],
    ),
];

/// Classes that a line speaks of, in the order of the table.
#[must_use]
pub fn classes_in(line: &str) -> Vec<&'static str> {
    let words = plain_words(line);
    let joined = format!(" {} ", words.join(" "));
    let has = |cue: &&str| match cue.strip_suffix('*') {
        Some(stem) => joined.contains(&format!(" {}", stem.replace('-', " "))),
        None => joined.contains(&format!(" {} ", cue.replace('-', " "))),
    };
    CUES.iter().filter(|(_, cues)| cues.iter().any(has)).map(|(class, _)| *class).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_speak_of_classes() {
        for (line, want) in [
            ("Wants a discount before signing", &["price"][..]),
            ("SOC 2 report still outstanding", &["security"]),
            ("Legal: liability clause", &["contract"]),
            ("Who does the rollout and the training?", &["effort"]),
            ("Waiting for the CFO to release the budget", &["budget"]),
            ("Nice weather", &[]),
        ] {
            assert_eq!(classes_in(line), want, "{line}");
        }
    }
}
