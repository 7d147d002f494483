//! Statements that take one of two sides: who decides, whether there are others, how they buy, what is allowed and needed.

use std::collections::BTreeSet;

use super::{
    Slot,
    fact::{Fact, Line, Value},
    line::{Sentence, stem},
};

/// A side and what says so.
type Sides = [(&'static str, &'static [&'static str])];

const AUTHORITY: &Sides = &[
    (
        "others",
        &[
            "he|she|they ~ decides|decide|approves|approve|signs|sign",
            "the one who decides|signs|approves",
            "ones who decide|sign|approve",
            "board|committee|cfo|ceo|coo|cio|cto|vp|director|directors|management|headquarters|procurement|finance|owner|owners|council|boss|partner|partners|shareholders|president|chairman|mother|father|parent|group|legal|md|minister|mayor ~ decides|decide|approves|approve|signs|sign|approved",
            "board|committee|cfo|ceo|coo|cio|cto|vp|director|directors|management|headquarters|procurement|finance|owner|owners|council|boss|partner|partners|shareholders|president|parent|group|legal|md ~ has|have|needs|need|had|must|wants to|the ~ approve|sign|decide|okay|release|say|word|agree",
            "has|have|needs|need|must to? ~ approve|sign|okay|release ~ it|this|that|anything|everything|off",
            "i'm|am only|just authorised|authorized|allowed",
            "can't|cannot|couldn't decide|sign|approve|release",
            "not ~ allowed to decide|sign|approve|order",
            "not ~ my|our decision|call",
            "isn't ~ my|our|mine decision|call|to",
            "up to the|my|our|him|her|them",
            "goes|go to the ~ board|committee|cfo|ceo|management|owner|owners|council|headquarters|group",
            "i|we only|just recommend|propose|prepare|hand|suggest",
            "my|our recommendation",
            "has|have the final|last say|word|call",
            "decision is|lies|sits ~ with ~ the|him|her|them|our|headquarters",
            "decided|decides by|at|in ~ headquarters|board|the|group",
            "needs|need|takes two signatures",
            "approval of|from|by the|our|my",
            "above my|our",
            "over my head",
            "i give her|him|them my",
            "don't have ~ say|authority",
            "board|committee|owners|management|council vote*",
            "it's her|his|their decision|call",
            "signed by ~ my|our|the",
        ],
    ),
    (
        "self",
        &[
            "i approve|decide|sign",
            "i can ~ sign|decide|approve",
            "i make|take the|that|those decision|decisions|call",
            "i'm the one who|that",
            "i'm the ~ decision maker",
            "my|our decision|call|signature",
            "it's|that's ~ me|us",
            "up to me|us",
            "me i can sign",
            "i have|i've ~ final|last ~ say|word",
            "i don't ~ need|have to ask",
            "nobody|noone else needs|has|decides|signs|involved",
            "no one else needs|has|decides|signs|involved",
            "we decide|sign",
            "i|we decide ~ that|it|this",
            "don't need|have ~ anybody's|anyone's|anybody|anyone|approval|permission",
            "my name on the",
            "i've got|have ~ authority|signature|power",
            "on my own",
            "i'll ~ sign|decide",
            "decide that myself",
            "i get to decide",
            "just me",
            "only me",
            "sole decision",
            "that's mine to",
            "my cost centre|center",
            "our cost centre|center",
            "i own the budget",
            "without asking",
        ],
    ),
];

const COMPETITOR: &Sides = &[
    (
        "none",
        &[
            "you're the only",
            "you are|were the only",
            "only vendor|supplier|provider|company|one|candidate|bidder",
            "no other|further vendor|vendors|supplier|suppliers|bidder|bidders|offer|offers|provider|providers|company|companies|candidate|candidates",
            "isn't|aren't|wasn't any other|further",
            "any other bidder|vendor|supplier|offer",
            "asked|invited|contacted|looked at|talked to|talking to ~ only you|nobody|you",
            "only you",
            "just you",
            "direct award",
            "not|aren't|haven't|didn't|don't ~ looking|talking|look|talk|looked|talked|asked|ask|compare|comparing|speaking|considering ~ anybody|anyone|others|other|with",
            "nobody|noone else on|in|is|we're|at",
            "no one else on|in|is|we're|at",
            "never had them in",
            "there's|there is nobody|no one|noone",
            "never ~ talked|spoken|spoke|met|invited|asked",
            "no comparison",
            "no competition|competitor*|alternative*",
            "without ~ second offer|comparison",
            "exclusive*",
            "skipped the market",
            "no tender",
            "single source",
            "out of the race",
            "they're|he's|all ~ out",
            "nobody|no one else",
            "you and|or nobody|nothing",
        ],
    ),
    (
        "some",
        &[
            "in talks with",
            "talking|talked|speaking|spoken to|with ~ also|as|other|another|two|three|one|four|a|some",
            "also ~ talking|looking|considering|evaluating|comparing|speaking|invited|asked|seeing|have|got",
            "as well|too they've",
            "other|another|second|third vendor|vendors|supplier|suppliers|provider|providers|offer|offers|candidate|candidates|company|companies|bidder|bidders|firm|firms|quote|quotes|demo|demos|option|options",
            "_ were invited",
            "have|has|had sent something|offers|offer|quote",
            "shortlist*",
            "short list",
            "long list",
            "you're one of",
            "one of the|two|three|four|five",
            "against ~ other|one|two|somebody",
            "comparing|compare you|with|two|three|it|them",
            "tender|rfp|beauty contest",
            "looking|look|looked at ~ two|three|others|other|one|another|four|a|them|both|also",
            "and one|two|three more|other|others",
            "down|between to? ~ you and",
            "two|three|four|five vendors|suppliers|offers|providers|companies|bidders|candidates|quotes|of you",
            "had _ meetings|demos with",
            "on the table",
            "competing",
            "your competitor|competitors|competition",
            "between you and",
        ],
    ),
];

const PROCESS: &Sides = &[
    (
        "heavy",
        &[
            "request for proposal|proposals|quotation|tender",
            "rfp|rfq|rfi|tender",
            "has|have|needs|need|must to go|pass|be ~ through|by|to|audited|checked|reviewed|tested|approved",
            "must go ~ through",
            "goes|go|went ~ through ~ review|committee|procurement|purchasing|legal|security|board|council|assessment|audit",
            "nothing gets|is bought|signed|approved",
            "only after that|then|this",
            "report goes",
            "we ~ always ~ do|test|run|tender|pilot",
            "month|week test|trial|pilot|poc",
            "that's how we ~ do it",
            "mandatory",
            "required|requires|require",
            "three|two offers|quotes",
            "first ~ and then",
            "can't|cannot ~ without",
            "no|not ~ without ~ test|trial|pilot|review|approval|assessment|check",
            "there's|there is ~ review|committee|audit|assessment|process|step|round|check|board|policy",
            "security|legal|data|privacy|architecture|vendor|risk|supplier review|assessment|check|audit|questionnaire|onboarding|registration",
            "works council",
            "proof of concept",
            "takes ~ six|eight|ten|twelve|four|five|three|nine|seven|two months|weeks",
            "purchasing|procurement|legal ~ has|needs|wants|looks|checks|takes|gets|must",
            "steering committee",
            "approval rounds|steps|round",
            "gate|gates",
            "public tender",
            "supplier|vendor pool|list|portal|registration|onboarding",
        ],
    ),
    (
        "light",
        &[
            "no paperwork|tender|review|committee|process|formal|formalities|rfp|test|tests|trial|pilot|steps|rounds|round|procurement|purchasing|bureaucracy|approval|approvals",
            "no big|long|special|further|extra|legal|security|formal review|process|round|rounds|steps|paperwork|check|procedure",
            "we|i just ~ buy|order|sign|decide|pay",
            "we|i never ~ test|tender|pilot|do|run|try|needed",
            "don't|doesn't|won't ~ do|need|have|run|involve|require|go|test ~ tender|tenders|test|tests|trial|pilot|pilots|review|reviews|committee|process|rfp|rfps|procurement|purchasing|legal|assessment|poc|approval|audit|questionnaire|paperwork|round|rounds",
            "nothing else|more ~ needed|needs|to|after",
            "paperwork beyond",
            "and that's it|all",
            "that's it|all ~ then",
            "right away|straight away|same day|on the spot",
            "without ~ tender|review|test|trial|pilot|process|legal|procurement|purchasing|rfp|committee|paperwork",
            "pretty|very|quite|keep simple|informal|quick|lean|flat|it",
            "isn't|not ~ formal|needed|necessary|required|involved",
            "skip ~ test|trial|pilot|review|legal|procurement|tender|poc|the",
            "one signature",
            "send ~ order|invoice|contract ~ and",
            "credit card",
            "within a|one day|week",
            "a|an email is enough",
            "purchasing|procurement|legal ~ doesn't|don't|isn't|aren't|only",
        ],
    ),
];

/// What is a step before buying, if it was spoken of or asked about.
const PROCESS_ABOUT: &[&str] = &[
    "process",
    "steps",
    "procurement|purchasing",
    "buy|bought|buys|buying|purchase|order|contract",
    "tender|rfp|request",
    "test|trial|pilot|phase",
    "review|audit|assessment|approval",
    "decide|decision|sign|signature|signed",
    "legal",
    "committee",
    "paperwork",
    "vendor|supplier",
    "works council",
    "internally",
    "security",
];

const SECURITY_ABOUT: &[&str] = &[
    "security",
    "access",
    "cloud",
    "on premise|prem|premises",
    "data",
    "sso|single|saml",
    "encrypt*",
    "certificate|certified|certification|iso|soc",
    "pen|penetration",
    "vpn",
    "server|servers",
    "remote",
    "gdpr",
    "password*",
    "two factor",
    "mfa",
    "hosting|hosted|host",
    "admin",
    "network",
    "firewall",
    "usb",
    "laptop|laptops",
    "privacy",
    "audit",
    "export",
    "phones",
    "login|logins",
    "account|accounts",
    "support",
    "backup|backups",
    "log|logs",
    "questionnaire",
];

const SECURITY: &Sides = &[
    (
        "strict",
        &[
            "not|isn't|aren't|never allowed|permitted|acceptable|possible",
            "don't|doesn't|won't|mustn't|can't|cannot|may not? ~ get|have|leave|be|go|use|allow|touch|accept|put|store|run|connect|sign|share|let",
            "at no time",
            "no|any external|outside|cloud|access|remote|shared|foreign",
            "not even",
            "must ~ be|stay|have|run|go|sit|use|pass|come|support",
            "has|have to ~ be|stay|have|run|go|sit|use|pass|come|support",
            "mandatory",
            "required|requires|require",
            "forbidden|prohibited|banned",
            "only ~ on|in|from|with|over|via ~ our|premise|premises|prem|own|site|personal|vpn|germany|europe|house",
            "nothing|no data|no one|nobody leaves|goes|gets|may",
            "without ~ no|nothing|we|it",
            "strict*",
            "i must strike",
            "insist*",
            "never",
            "need|needs ~ sso|certificate|certification|iso|soc|encryption|pen|audit|single|report|proof|two",
            "deal breaker|dealbreaker",
            "no go",
            "stays|stay|remain* ~ in|on|with ~ us|house|premise|premises|site|our|country|germany|europe|switzerland",
        ],
    ),
    (
        "open",
        &[
            "can have|see|get|use|be|go|sit|run|stay|live ~ access|anywhere|cloud|data|it|the|remote",
            "is|are|that's|it's|would|be ~ fine|okay|ok|enough|acceptable|alright",
            "don't|doesn't|won't ~ need|care|matter|mind|require|have ~ sso|certificate|rules|requirements|restrictions|policy|iso|soc|audit|pen|single|that|those|any|where|it|special",
            "no special|particular|real|rules|restrictions|requirements|policy|problem|issue|concerns|objections|need",
            "not ~ big|a ~ topic|issue|concern|problem|requirement|must",
            "as you like",
            "nothing special",
            "anywhere",
            "any cloud",
            "wherever",
            "isn't|aren't|not needed|necessary|required|important|critical|sensitive",
            "you can|may|could ~ use|host|put|store|log|connect|access|have|get",
            "happy with",
            "allowed",
            "we're|pretty|very relaxed|open|easy",
            "nice to have",
            "standard is|terms",
        ],
    ),
];

/// What one needs.
const WANTED: &[&str] = &[
    "need|needs|needed",
    "must have",
    "have to have",
    "main thing|point|reason|topic|goal|problem|priority",
    "matters most",
    "most important",
    "first thing|priority",
    "it's|all about",
    "is about",
    "mainly",
    "can't|cannot live|do|work without",
    "want|wants|looking for",
    "what we're missing|after",
    "missing",
    "essential|critical|crucial|vital|indispensable|urgent",
    "priority",
    "biggest",
    "only|just a|an|the",
    "what matters is",
    "would|we'd buy",
    "deal breaker",
    "required|mandatory",
    "is a must",
];
/// What one does not.
const UNWANTED: &[&str] = &[
    "don't|doesn't|didn't|won't|wouldn't|never ~ need|want|require|use|care|matter",
    "not|isn't|aren't ~ an? ~ issue|problem|important|necessary|needed|priority|topic|interested|interesting|relevant|required|urgent|critical|must|point|concern",
    "no need for",
    "secondary",
    "leave ~ out",
    "could|can ~ wait|skip|drop|do|live without?",
    "nice to have",
    "not interested in",
    "isn't necessary",
    "optional",
    "nobody|no one needs|uses|wants|asked|asks|looking|looks|cares",
    "irrelevant",
    "drop|skip|forget|scrap ~ the",
    "without the",
    "less important",
    "no use for",
    "stopped|dropped|cancelled",
    "off the table|list",
    "we've got|have ~ already|that works|a",
    "not ~ our",
    "nothing to do with",
];

/// Every statement of a turn.
pub fn facts(line: &Line<'_>) -> Vec<Fact> {
    if !line.buyer {
        return included(line).into_iter().collect();
    }
    let mut out = Vec::new();
    for s in line.sentences.iter().filter(|s| !s.asks) {
        out.extend(authority(line, s));
        out.extend(competitor(line, s));
        out.extend(process(line, s));
        out.extend(security(line, s));
    }
    out.extend(need(line));
    // The plainest statement of a turn about a slot: its first.
    let mut kept: Vec<Fact> = Vec::new();
    for fact in out {
        if !kept.iter().any(|k| {
            k.slot == fact.slot
                && k.topic == fact.topic
                && std::mem::discriminant(&k.value) == std::mem::discriminant(&fact.value)
        }) {
            kept.push(fact);
        }
    }
    kept.extend(included(line));
    kept
}

/// The side a sentence takes, and where.
fn side(s: &Sentence, sides: &Sides) -> Option<(&'static str, usize, usize)> {
    sides.iter().find_map(|(name, patterns)| s.first(patterns).map(|(from, to)| (*name, from, to)))
}

fn stance(line: &Line<'_>, s: &Sentence, slot: Slot, (name, from, to): (&'static str, usize, usize)) -> Option<Fact> {
    let fits = !s.supposed(from) && !s.over(from);
    fits.then(|| Fact::new(line, s, slot, Value::Stance(name), from, to))
}

fn authority(line: &Line<'_>, s: &Sentence) -> Option<Fact> {
    let found = side(s, AUTHORITY)?;
    let (name, from, to) = found;
    // "They don't have a say in this", "does she have to agree — no".
    let denied = name == "others"
        && (s.before(to, to - from + 3, &["don't", "doesn't", "no"])
            && !s.any(&["can't|cannot", "not my|our", "i|we don't|can't"]));
    let about = line.about(&[
        "decide*|decision*",
        "sign*",
        "approv*",
        "say",
        "who",
        "order",
        "authoris*|authoriz*",
        "budget",
        "buy",
        "contract",
        "cost centre|center",
    ]);
    let others = s.any(&["at our place", "per contract", "sign up", "sign in", "good sign", "signs of"]);
    if denied || !about || others {
        return None;
    }
    stance(line, s, Slot::Authority, found)
}

fn competitor(line: &Line<'_>, s: &Sentence) -> Option<Fact> {
    const ABOUT: &[&str] = &[
        "vendor*",
        "supplier*",
        "provider*",
        "offer|offers",
        "compet*",
        "bidder*",
        "considering",
        "who else",
        "anyone|anybody|someone|others else|in",
        "else|others ~ look*|talk*|invited|involved|in",
        "tender*",
        "market",
        "compar*",
        "alternative*",
        "shortlist",
        "candidate*",
        "in talks",
        "second offer",
        "other companies|firms",
        "looking at",
        "talking to",
        "quote|quotes",
        "running",
        "the race",
        "direct award",
    ];
    let found = side(s, COMPETITOR)?;
    let about = line.about(ABOUT);
    let other = s.any(&["needs to be asked", "decides", "signs", "in the team"])
        || line.about(&["signature", "licences|licenses from", "how big is your team"]);
    if !about || other {
        return None;
    }
    stance(line, s, Slot::Competitor, found)
}

fn process(line: &Line<'_>, s: &Sentence) -> Option<Fact> {
    if !line.about(PROCESS_ABOUT) {
        return None;
    }
    let heavy = s.first(PROCESS[0].1);
    let light = s.first(PROCESS[1].1);
    // What is said to be needless is often named as it would be if it were needed.
    let found = match (heavy, light) {
        (Some((a, b)), None) => ("heavy", a, b),
        (_, Some((a, b))) => ("light", a, b),
        (None, None) => return None,
    };
    if s.before(found.1, 4, &["would"]) {
        return None;
    }
    // "No no without that nothing gets bought" is heavy for all its no's.
    let found = if s.any(&["without ~ nothing|no", "no|not ~ without", "nothing gets"]) {
        ("heavy", found.1, found.2)
    } else {
        found
    };
    stance(line, s, Slot::Process, found)
}

fn security(line: &Line<'_>, s: &Sentence) -> Option<Fact> {
    let subject = subjects_of(line, SECURITY_ABOUT);
    if subject.is_empty() {
        return None;
    }
    let found = side(s, SECURITY)?;
    let mut fact = stance(line, s, Slot::Security, found)?;
    fact.subjects = subject;
    Some(fact)
}

/// The security words of a turn and its question, by their beginnings.
fn subjects_of(line: &Line<'_>, patterns: &[&str]) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    for s in line.sentences.iter().chain(&line.asked) {
        for p in patterns {
            if let Some((from, _)) = s.find(p) {
                out.insert(s.words[from].text.chars().take(5).collect());
            }
        }
    }
    out
}

/// What is wanted and what is not, clause by clause, over the whole turn.
fn need(line: &Line<'_>) -> Option<Fact> {
    let (mut wanted, mut not) = (BTreeSet::new(), BTreeSet::new());
    let mut place: Option<(&Sentence, usize, usize)> = None;
    for s in line.sentences.iter().filter(|s| !s.asks) {
        for (from, to) in clauses(s) {
            if s.supposed(from + 1) || s.over(from) {
                continue;
            }
            let clause = s.part(from, to);
            let subjects = clause.words.iter().filter_map(|w| stem(&w.text));
            if let Some((a, _)) = clause.first(UNWANTED) {
                place = place.or(Some((s, from + a, to)));
                not.extend(subjects);
            } else if let Some((a, _)) = clause.first(WANTED) {
                place = place.or(Some((s, from + a, to)));
                wanted.extend(subjects);
            }
        }
    }
    let (s, from, to) = place?;
    let both: Vec<String> = wanted.intersection(&not).cloned().collect();
    for subject in both {
        wanted.remove(&subject);
        not.remove(&subject);
    }
    Some(Fact::new(line, s, Slot::Need, Value::Sides(wanted, not), from, to))
}

/// Cuts a sentence at commas and where a new thought begins.
fn clauses(s: &Sentence) -> Vec<(usize, usize)> {
    const BEGINS: [&str; 14] =
        ["but", "so", "because", "just", "and", "that's", "they", "what", "it'd", "it's", "nobody", "we", "i", "only"];
    let mut cuts = vec![0];
    for i in 1..s.words.len() {
        let last = cuts.last().copied().unwrap_or(0);
        if s.commas.contains(&i) || BEGINS.contains(&s.words[i].text.as_str()) && i - last >= 3 {
            cuts.push(i);
        }
    }
    let ends: Vec<usize> = cuts.iter().skip(1).copied().chain([s.words.len()]).collect();
    cuts.into_iter().zip(ends).collect()
}

/// Whether something is in the price or comes on top.
fn included(line: &Line<'_>) -> Option<Fact> {
    const IN: &[&str] = &[
        "part of the package|price|licence|license|subscription|offer",
        "is|are|it's ~ included",
        "included in",
        "no extra|additional|separate cost|charge|fee|costs",
        "free of charge",
        "for free",
        "wouldn't|won't|don't pay extra",
        "comes with ~ package|price|it",
        "at no ~ cost|charge",
        "covers ~ that|it|everything",
    ];
    const ON_TOP: &[&str] = &[
        "isn't|not|aren't ~ included",
        "isn't|not|aren't ~ part of",
        "separate product|price|position|fee|charge|line|module|item",
        "own price",
        "extra cost|charge|fee",
        "costs|charged|billed|paid|charge|comes ~ extra|separately",
        "on top",
        "comes on top",
        "add on|addon",
        "billed separately",
    ];
    line.sentences.iter().filter(|s| !s.asks).find_map(|s| {
        let (stance, (from, to)) = match (s.first(ON_TOP), s.first(IN)) {
            (Some(at), _) if !s.any(&["wouldn't|won't|don't ~ pay extra", "no extra"]) => ("on top", at),
            (_, Some(at)) => ("included", at),
            _ => return None,
        };
        let fits = !s.imagined(from) || stance == "included";
        fits.then(|| Fact::new(line, s, Slot::Price, Value::Stance(stance), from, to).on("included"))
    })
}
