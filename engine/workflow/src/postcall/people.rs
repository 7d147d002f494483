//! People in words without capitals: names, and roles such as "our cfo".

use std::collections::{BTreeMap, BTreeSet};

use super::cues::{Cues, cue};

/// Given names that are hardly ever anything else.
const NAMES: &str = include_str!("names.txt");
/// Given names that are words or places too ("will", "mark", "austin"): names only beside a cue.
const DOUBTFUL: &str = include_str!("names_doubtful.txt");

/// What kind of thing a role names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RoleKind {
    /// One person: "cfo".
    Person,
    /// A department: "legal".
    Department,
    /// Family, of interest only with a name or a share in the matter: "my uncle".
    Family,
}

/// Somebody spoken of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mentioned {
    /// Given or family name, lower case, if one was said.
    pub name: Option<String>,
    /// Role, without "my" and "our", if one was said.
    pub role: Option<(String, RoleKind)>,
    /// One past the last word.
    pub end: usize,
}

/// Titles a person may have. `~` is not used: what stands between "our" and the title is walked by hand.
const ROLES: &[(&str, RoleKind)] = &[
    cue("cfo|ceo|cto|coo|cio|ciso|cmo|cro|cpo|chro|md|gm|dpo", RoleKind::Person),
    cue("c f o", RoleKind::Person),
    cue("c e o", RoleKind::Person),
    cue("c t o", RoleKind::Person),
    cue("c o o", RoleKind::Person),
    cue("c i o", RoleKind::Person),
    cue("g m", RoleKind::Person),
    cue(
        "v p of? finance|sales|operations|engineering|marketing|product|it|hr|people|supply|technology?",
        RoleKind::Person,
    ),
    cue(
        "vp of? finance|sales|operations|engineering|marketing|product|it|hr|people|supply|technology?",
        RoleKind::Person,
    ),
    cue(
        "head of it|sales|operations|ops|finance|engineering|legal|procurement|security|hr|people|marketing|product|data|purchasing|compliance|logistics|customer|success|quality|production|maintenance|learning|infrastructure|digital",
        RoleKind::Person,
    ),
    cue(
        "director of it|sales|operations|ops|finance|engineering|nursing|procurement|security|hr|people|marketing|product|purchasing|compliance|technology|quality|facilities",
        RoleKind::Person,
    ),
    cue("chief of staff", RoleKind::Person),
    cue("head|director|vp of _", RoleKind::Person),
    cue(
        "logistics|finance|tech|systems|safety|quality|maintenance|purchasing guy|lady|girl|person|lead",
        RoleKind::Person,
    ),
    cue("chief operating|executive|financial|technology|medical|information|revenue|people officer", RoleKind::Person),
    cue(
        "boss|manager|director|president|founder|cofounder|owner|controller|comptroller|bookkeeper|accountant|lawyer|attorney|counsel|solicitor|supervisor|administrator|treasurer|principal|chairman|chairwoman|superintendent|dean|bursar|foreman|broker|auditor|consultant",
        RoleKind::Person,
    ),
    cue(
        "line|account|branch|plant|office|practice|general|operations|ops|project|product|store|area|regional|site|warehouse|fleet|facilities|procurement|purchasing|finance|it|hr|marketing|sales|compliance|security|engineering|production|maintenance|quality|venue|property|program|managing|finance|financial|technical|commercial|medical|clinical manager|director|lead|officer|buyer|controller",
        RoleKind::Person,
    ),
    cue("it|i.t. guy|lady|person|lead|chap|man|woman|bloke|fella", RoleKind::Person),
    cue(
        "security|finance|procurement|legal|ops|data|compliance|tech|engineering|integration|integrations|implementation|onboarding|purchasing|payroll|network guy|lady|person|lead|engineer|architect|chap|woman|specialist|analyst|officer",
        RoleKind::Person,
    ),
    cue("solutions|sales|systems|network|field|support|solution engineer|architect|consultant", RoleKind::Person),
    cue("business partner", RoleKind::Person),
    cue("co founder", RoleKind::Person),
    cue("office admin", RoleKind::Person),
    cue(
        "engineer|architect|assistant|colleague|teammate|coworker|predecessor|successor|secretary|partner|deputy",
        RoleKind::Person,
    ),
    cue("legal|procurement|purchasing|infosec|compliance|finance|accounting|accounts|hr", RoleKind::Department),
    cue(
        "legal|procurement|security|finance|it|purchasing|compliance|hr|accounting|operations|engineering team|department|people|folks|guys|committee|lot",
        RoleKind::Department,
    ),
    cue("board|committee|steering committee?", RoleKind::Department),
    cue(
        "uncle|aunt|dad|father|mum|mom|mother|brother|sister|cousin|son|daughter|wife|husband|nephew|niece",
        RoleKind::Family,
    ),
];

/// Words that may stand between "our" and a role.
const BETWEEN: &[&str] = &[
    "new",
    "old",
    "own",
    "it",
    "finance",
    "sales",
    "regional",
    "group",
    "senior",
    "acting",
    "interim",
    "actual",
    "other",
    "big",
    "current",
    "local",
    "global",
    "in",
    "house",
    "outside",
    "direct",
    "good",
    "poor",
    "lovely",
    "whole",
    "external",
    "internal",
    "um",
    "main",
    "co",
    "vice",
    "deputy",
    "assistant",
    "data",
    "protection",
    "clinical",
    "medical",
    "it's",
];

/// Words that follow names and roles but are never names themselves.
const NO_NAMES: &[&str] = &[
    "is",
    "was",
    "and",
    "who",
    "to",
    "in",
    "on",
    "at",
    "of",
    "the",
    "a",
    "an",
    "has",
    "had",
    "will",
    "would",
    "can",
    "could",
    "should",
    "might",
    "may",
    "wants",
    "want",
    "said",
    "says",
    "thinks",
    "needs",
    "need",
    "likes",
    "does",
    "do",
    "did",
    "he",
    "she",
    "they",
    "we",
    "i",
    "you",
    "it",
    "that",
    "this",
    "because",
    "so",
    "but",
    "or",
    "if",
    "when",
    "about",
    "for",
    "from",
    "with",
    "by",
    "as",
    "are",
    "were",
    "be",
    "been",
    "have",
    "just",
    "also",
    "really",
    "actually",
    "always",
    "never",
    "now",
    "then",
    "there",
    "here",
    "out",
    "up",
    "over",
    "down",
    "back",
    "right",
    "yeah",
    "yes",
    "no",
    "not",
    "okay",
    "like",
    "level",
    "side",
    "team",
    "guy",
    "guys",
    "people",
    "person",
    "which",
    "what",
    "how",
    "asked",
    "told",
    "goes",
    "gets",
    "got",
    "signs",
    "runs",
    "approved",
    "approves",
    "wanted",
    "used",
    "uses",
    "today",
    "tomorrow",
    "yesterday",
    "next",
    "last",
    "before",
    "after",
    "still",
    "only",
    "even",
    "too",
    "well",
    "sort",
    "kind",
    "probably",
    "maybe",
    "definitely",
    "looks",
    "looked",
    "made",
    "makes",
    "knows",
    "came",
    "comes",
    "left",
    "sits",
    "sat",
    "all",
    "any",
    "some",
    "one",
    "two",
    "three",
    "first",
    "both",
    "though",
    "anyway",
    "um",
    "uh",
    "him",
    "her",
    "them",
    "his",
    "my",
    "our",
    "your",
    "their",
    "its",
    "me",
    "us",
    "every",
    "each",
    "more",
    "less",
    "off",
    "into",
    "through",
    "than",
    "once",
    "until",
    "review",
    "send",
    "call",
    "look",
    "take",
    "check",
    "pull",
    "put",
    "get",
    "give",
    "make",
    "meeting",
    "sign",
    "stuff",
    "thing",
    "things",
    "work",
    "works",
    "working",
    "again",
    "ask",
    "talk",
    "see",
    "say",
    "know",
    "think",
    "read",
    "run",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "somebody",
    "someone",
    "anybody",
    "everybody",
    "whoever",
    "folks",
    "being",
    "going",
    "gonna",
    "whether",
    "where",
    "while",
    "since",
    "without",
    "already",
    "either",
    "him",
    "let",
    "let's",
    "approval",
    "approve",
    "department",
    "committee",
    "members",
    "basically",
    "literally",
    "obviously",
    "else",
    "sorry",
    "mate",
    "sir",
    "love",
    "hon",
    "dear",
    "ma'am",
    "guess",
    "mean",
    "email",
    "emails",
    "invite",
    "board",
    "budget",
    "system",
];

/// What stands before somebody's name and before no thing's.
const SLOTS: &[(&str, ())] = &[
    cue("tell|ask|told|asked|ring|phone|brief|warn|convince", ()),
    cue("called|named|name's", ()),
    cue("speak|spoke|talk|talked|chat to|with", ()),
    cue("by|past|with me and", ()),
    cue("me and", ()),
];

/// The lists and tables, ready for use.
#[derive(Debug)]
pub struct People {
    names: BTreeSet<&'static str>,
    doubtful: BTreeSet<&'static str>,
    roles: Cues<RoleKind>,
    before: BTreeSet<&'static str>,
    here: BTreeSet<String>,
    heard: BTreeSet<String>,
}

impl People {
    /// Those on the call are `here`: they are known by name, and never absent.
    pub fn new<'a>(here: impl Iterator<Item = &'a str>) -> Self {
        let doubtful: BTreeSet<&str> = DOUBTFUL.split_whitespace().collect();
        let here = here.flat_map(|n| n.split([' ', '.', '-', '_'])).map(str::to_lowercase);
        Self {
            names: NAMES.split_whitespace().filter(|n| !doubtful.contains(n)).collect(),
            doubtful,
            roles: Cues::new(ROLES),
            before: ["my", "our", "the", "their", "your", "his", "her", "a", "an", "this", "that", "that's"].into(),
            here: here.filter(|n| n.len() > 1).collect(),
            heard: BTreeSet::new(),
        }
    }

    /// Learns the names of a call that are in no list: words of no dictionary, said again, that somebody tells, asks or
    /// expects something of.
    pub fn learn<'a>(&mut self, lines: impl Iterator<Item = &'a [&'a str]> + Clone) {
        let slots = Cues::new(SLOTS);
        let mut told: BTreeMap<&str, (usize, usize, bool)> = BTreeMap::new();
        for words in lines {
            for (i, word) in words.iter().enumerate() {
                let name = bare(word);
                let family = ["daddy", "mummy", "mama", "papa", "granny", "grandad", "nan"].contains(&name);
                let anybody = ["some", "any", "every", "no"].iter().any(|w| name.starts_with(w));
                if name.len() < 3
                    || family
                    || anybody
                    || !self.could_be_name(name)
                    || self.is_name(name)
                    || self.is_plain(name)
                {
                    continue;
                }
                let before = i.checked_sub(1).map_or("", |k| words[k]);
                let entry = told.entry(name).or_default();
                entry.0 += 1;
                let asked = (1..=3).any(|n| i >= n && slots.at(words, i - n).is_some_and(|(end, ())| end == i));
                let after = words.get(i + 1).copied().unwrap_or("");
                let does = ["reckons", "thinks", "said", "wants", "likes", "hates", "knows", "told"].contains(&after);
                entry.1 += 2 * usize::from(asked || does) + usize::from(word.ends_with("'ll"));
                entry.2 |=
                    ["the", "a", "an", "this", "on", "into", "off", "of", "using", "use", "your"].contains(&before);
            }
        }
        let names = told.into_iter().filter(|(_, (said, slots, thing))| *said >= 2 && *slots >= 2 && !thing);
        self.heard = names.map(|(name, _)| name.to_owned()).collect();
    }

    /// Whether somebody of that name is on the call.
    pub fn is_here(&self, name: &str) -> bool {
        self.here.contains(bare(name))
    }

    /// Whether a word, without its ending, is a name beyond doubt.
    pub fn is_name(&self, word: &str) -> bool {
        let word = bare(word);
        self.names.contains(word) || self.heard.contains(word) || self.is_here(word)
    }

    /// Whether a word is a given name that is also something else.
    pub fn may_be_name(&self, word: &str) -> bool {
        self.doubtful.contains(bare(word))
    }

    /// Whether a word beside a cue could be a name nobody listed.
    pub fn could_be_name(&self, word: &str) -> bool {
        let word = bare(word);
        let letters = word.len() >= 3 && word.chars().all(|c| c.is_alphabetic());
        let known = NO_NAMES.contains(&word) || word.ends_with("ing") || word.ends_with("ed");
        self.is_name(word) || self.may_be_name(word) || letters && !known
    }

    /// The role that begins at a word, with its possessive: "our new head of it", "the cfo", "legal".
    pub fn role_at(&self, words: &[&str], from: usize) -> Option<(usize, String, RoleKind)> {
        let owned = self.before.contains(words.get(from)?);
        let mut at = from + usize::from(owned);
        let first = at;
        let mut named = at;
        loop {
            // A possessive ending belongs to the role's last word: "the lawyer's gonna want ours".
            let plain: Vec<&str> = words[at.min(words.len())..].iter().take(4).map(|w| bare(w)).collect();
            if let Some((n, kind)) = self.roles.at(&plain, 0) {
                let role: Vec<&str> = words[named..at + n].iter().map(|w| bare(w)).collect();
                return Some((at + n, role.join(" "), kind));
            }
            // "Our information security officer": a word or two nobody listed.
            let most = if ["my", "our"].contains(&words[from]) { 2 } else { usize::from(words[from] == "the") };
            let ours = at - first < most;
            let between =
                |w: &&str| BETWEEN.contains(w) || ours && w.len() > 3 && bare(w) == *w && !NO_NAMES.contains(w);
            if !owned || at - first >= 3 || !words.get(at).is_some_and(between) {
                return None;
            }
            // "New" is no part of a title, "information" is.
            if BETWEEN.contains(&words[at]) {
                named = at + 1;
            }
            at += 1;
        }
    }

    /// Somebody who is spoken of beginning at a word: a name, a role, or both ("our cfo dana", "doctor keller").
    pub fn at(&self, words: &[&str], from: usize) -> Option<Mentioned> {
        let word = *words.get(from)?;
        if ["doctor", "dr", "mister", "mr", "mrs", "ms", "miss", "professor", "judge", "pastor", "captain", "sergeant"]
            .contains(&word)
            && words.get(from + 1).is_some_and(|w| !NO_NAMES.contains(&bare(w)) && self.could_be_name(w))
        {
            return Some(Mentioned { name: Some(bare(words[from + 1]).to_owned()), role: None, end: from + 2 });
        }
        if self.is_name(word) {
            return Some(Mentioned { name: Some(bare(word).to_owned()), role: None, end: from + 1 });
        }
        let (end, role, kind) = self.role_at(words, from)?;
        let role = role.as_str();
        let owned = self.before.contains(word);
        // "my director brandon": whatever follows an owned role and can be a name is one, if it is listed, or if the word
        // after it does not make it something else.
        let next = words.get(end).filter(|_| kind != RoleKind::Department && !words[end - 1].contains('\''));
        let named = next.filter(|w| {
            self.is_name(w)
                || owned && self.may_be_name(w) && !["will", "may"].contains(*w)
                || ["my", "our"].contains(&word) && self.could_be_name(w) && !self.is_plain(w)
        });
        Some(Mentioned {
            name: named.map(|w| bare(w).to_owned()),
            role: Some((role.to_owned(), kind)),
            end: end + usize::from(named.is_some()),
        })
    }

    /// Whether a word is plain English as far as this crate knows: then it is no unlisted name.
    fn is_plain(&self, word: &str) -> bool {
        super::topics::is_common(bare(word))
    }
}

/// A word without "'s", "'ll", "'d", "'ve" and "'re".
pub fn bare(word: &str) -> &str {
    ["'s", "'ll", "'d", "'ve", "'re"].iter().find_map(|e| word.strip_suffix(e)).unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_roles_are_found_without_capitals() {
        let people = People::new(["Maya", "tom"].into_iter());
        for (text, name, role) in [
            ("my boss dana wants", Some("dana"), Some("boss")),
            ("our cfo has to", None, Some("cfo")),
            ("our new head of it said", None, Some("head of it")),
            ("doctor keller our partner", Some("keller"), None),
            ("my director brandon i'll", Some("brandon"), Some("director")),
            ("melissa'll send it", Some("melissa"), None),
            ("legal has it", None, Some("legal")),
        ] {
            let words: Vec<&str> = text.split(' ').collect();
            let found = people.at(&words, 0).unwrap();
            assert_eq!(found.name.as_deref(), name, "{text}");
            assert_eq!(found.role.map(|r| r.0).as_deref(), role, "{text}");
        }
        for text in ["will you send it", "mark my words", "grant access", "may be", "hope so"] {
            let words: Vec<&str> = text.split(' ').collect();
            assert_eq!(people.at(&words, 0), None, "{text}");
        }
    }
}
