//! The obvious rival: a plain list of regular expressions, one alternation per class, as somebody would write it down in an
//! afternoon. Written without looking at any of the lines it is measured on.

use anyhow::Context;
use regex::Regex;

/// Class and the alternatives of its expression, in the order in which they are tried.
const PATTERNS: &[(&str, &[&str])] = &[
    (
        "price",
        &[
            r"too (expensive|pricey|costly|steep|high|dear)",
            r"(pretty|really|very|so|quite) (expensive|pricey|steep)",
            r"can('|no)t afford",
            r"(more|higher) than (we|i) (pay|expected|wanted|thought)",
            r"(a lot|so much|that much) (of )?money",
            r"cheaper (elsewhere|option|alternative|quote|offer)",
            r"(give|get|offer) (us|me) a (discount|better price|better deal)",
            r"(price|cost|number|figure) is (too|very|really|way) ",
        ],
    ),
    (
        "budget",
        &[
            r"no budget",
            r"not in (the|our|this year's) budget",
            r"(don't|do not|didn't) have (the |any |a )?budget",
            r"budget('s| is| has been| was)? (already )?(frozen|spent|gone|tight|cut|closed)",
            r"spending freeze",
            r"no money (left|for)",
        ],
    ),
    (
        "timing",
        &[
            r"not (right now|now|yet|this (quarter|year|month))",
            r"next (quarter|year|spring|summer|autumn|fall)",
            r"(bad|wrong|not the right|not a good) time",
            r"too busy",
            r"(maybe|perhaps|come back|revisit) (later|in a few months|in six months)",
            r"other priorities|not a priority",
        ],
    ),
    (
        "incumbent",
        &[
            r"already (use|using|have|work with|working with|got)",
            r"happy with (what we have|our current|the current|who we)",
            r"(current|existing) (provider|vendor|supplier|system|solution)",
            r"(locked|tied) in(to)? (with|to)",
            r"we('ve| have) (been with|got) (someone|somebody|a supplier|a vendor)",
        ],
    ),
    (
        "authority",
        &[
            r"not my (decision|call)",
            r"(talk|speak|check|run (it|this)) (to|with|by|past) my (boss|manager|partner|director|team|wife|husband)",
            r"(the )?(board|committee|procurement|ceo|cfo) (has to|needs to|must|would have to|decides)",
            r"(need|get) (approval|sign off|permission)",
            r"i('m| am) not the (one|person) (who|that)",
        ],
    ),
    (
        "need",
        &[
            r"(don't|do not) (really )?(need|see the need)",
            r"no need for",
            r"(don't|do not) have (that|this|the|a|any) problem",
            r"(not|isn't) (a|an|really a) (problem|issue) for us",
            r"(fine|okay|good) (the way (it is|we are)|as we are|without it)",
            r"too small for",
        ],
    ),
    (
        "trust",
        &[
            r"never heard of (you|your)",
            r"(who|any) (else|other) (is using|uses|customers)",
            r"references?\b",
            r"case stud(y|ies)",
            r"how (do|can) (i|we) (know|trust)",
            r"(small|new|young|tiny) (company|vendor|startup|start up)",
        ],
    ),
    (
        "integration",
        &[
            r"integrat(e|es|ion|ions) with",
            r"(work|works|connect|talk|talks|sync) (with|to) (our|the|my|sap|salesforce|hubspot)",
            r"(migrate|migration|import) (our|the|of)",
            r"\bapi\b",
            r"another (silo|tool|system)",
        ],
    ),
    (
        "security",
        &[
            r"\b(gdpr|hipaa|soc two|iso)\b",
            r"(where|how) (is|are|do you) .*(data|stored|store)",
            r"(data|security|privacy) (protection|review|team|breach|concern|concerns|officer)",
            r"(how|is it|is this) secure",
            r"(infosec|compliance)",
        ],
    ),
    (
        "contract",
        &[
            r"(locked|lock|lock us) in\b",
            r"(long|annual|yearly|two year|three year|multi year) (contract|commitment|term)",
            r"(auto|automatic|automatically) (renewal|renew|renews)",
            r"(cancel|get out|terminate) (any ?time|early|if)",
            r"(minimum|payment) (term|terms|commitment|number)",
            r"liability",
        ],
    ),
    (
        "brush_off",
        &[
            r"(send|email|mail) (me|us|it|something|some)",
            r"(let me|i'll|i need to|we'll) think (about|it)",
            r"not interested",
            r"call (me|us) back",
            r"(have|got|need) to (run|go|jump)",
            r"no thanks?|no thank you",
        ],
    ),
    (
        "effort",
        &[
            r"too (much|complicated|complex|difficult) (work|to set up|to learn|effort)?",
            r"(takes?|how) long (to|does it take to) (set up|implement|roll out|learn|onboard)",
            r"(no|don't have the) (time|people|resources|bandwidth) (to|for)",
            r"(team|people|staff|they) (won't|will not|would never) (use|adopt|like)",
            r"(training|roll ?out|implementation) (is|will|would|takes)",
        ],
    ),
    (
        "roi",
        &[
            r"\b(roi|return on investment|payback)\b",
            r"business case",
            r"(worth|justify) (it|the)",
            r"(pay|pays) (for itself|off)",
            r"(prove|show|measure) (the|that|any) (value|savings|return|benefit)",
        ],
    ),
    (
        "past_experience",
        &[
            r"(tried|used|bought) (that|this|something (like|similar)|one of these) (before|already|once)?",
            r"(been|got) burned",
            r"bad experience",
            r"(didn't|did not|never) (work|worked) (for us|out|last time)",
            r"last time we",
        ],
    ),
    (
        "build",
        &[
            r"(build|built|building|do|doing) (it|this|that|our own|one)? ?(ourselves|in ?house|internally)",
            r"our own (tool|system|solution|software|developers|engineers)",
            r"(our|my) (developers|engineers|it team|it guys) (can|could|will|are)",
            r"(spreadsheet|excel|script)",
        ],
    ),
];

/// The list, ready to use.
pub struct RegexList(Vec<(&'static str, Regex)>);

impl RegexList {
    /// Compiles it.
    ///
    /// # Errors
    /// If an expression is none.
    pub fn new() -> anyhow::Result<Self> {
        let compile = |(label, alternatives): &(&'static str, &[&str])| {
            let whole = format!(r"\b(?:{})", alternatives.join("|"));
            Ok((*label, Regex::new(&whole).with_context(|| format!("the expression for {label}"))?))
        };
        PATTERNS.iter().map(compile).collect::<anyhow::Result<_>>().map(Self)
    }

    /// How many expressions somebody had to think of.
    pub fn len() -> usize {
        PATTERNS.iter().map(|(_, alternatives)| alternatives.len()).sum()
    }

    /// The class whose expression matches first, in the list's order.
    pub fn first(&self, text: &str) -> Option<&'static str> {
        self.0.iter().find(|(_, regex)| regex.is_match(text)).map(|(label, _)| *label)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::detect::data::OBJECTIONS;

    #[test]
    fn the_obvious_is_found() {
        let list = RegexList::new().unwrap();
        for (text, want) in [
            ("honestly that's too expensive", Some("price")),
            ("we can't afford that", Some("price")),
            ("we have no budget left", Some("budget")),
            ("we've been burned", Some("past_experience")),
            ("we'd do it ourselves", Some("build")),
            ("do you integrate with sage", Some("integration")),
            ("good morning", None),
        ] {
            assert_eq!(list.first(text), want, "{text}");
        }
        assert!(RegexList::len() >= 60, "{}", RegexList::len());
        let classes: Vec<&str> = PATTERNS.iter().map(|(label, _)| *label).collect();
        assert_eq!(classes, OBJECTIONS);
    }
}
