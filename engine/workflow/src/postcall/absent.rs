//! People who matter to the deal and were not on the call.

use std::collections::BTreeSet;

use reframe_call::audio::Party;

use super::{
    cues::{Cues, cue},
    people::{People, RoleKind, bare},
    talk::{Span, Talk},
};

/// How far a word that gives somebody a share in the deal may stand from their name, in words.
const REACH: usize = 6;

/// Somebody spoken of.
#[derive(Clone, Debug, PartialEq)]
pub struct Absent {
    /// Name, lower case, if one was said.
    pub name: Option<String>,
    /// Role, if one was said.
    pub role: Option<String>,
    /// Whose side spoke of them first.
    pub by: Party,
    /// Where.
    pub said: Vec<Span>,
    /// Signs that they matter.
    weight: u32,
    /// Whether the name was given as one: "his name's tobias".
    introduced: bool,
}

/// Words before a name that is not spoken to.
const TO_SOMEBODY: &[&str] = &[
    "to", "with", "by", "past", "for", "from", "and", "ask", "tell", "told", "asked", "is", "it's", "that's", "of",
    "call", "about", "our", "my", "the", "email", "name's", "called", "on", "at", "get", "have", "see", "than", "like",
    "or", "through",
];
/// Relations.
const FAMILY: &[&str] = &[
    "uncle", "aunt", "dad", "father", "mum", "mom", "mother", "brother", "sister", "cousin", "son", "daughter", "wife",
    "husband", "nephew", "niece",
];

/// Words that give a person a share in a deal.
const SHARE: &[(&str, ())] = &[
    cue(
        "approv*|sign|signs|signed|decid*|decision|budget|budgets|final|veto|blocker|champion|sponsor|stakeholder*",
        (),
    ),
    cue("loop|looped|involve*|invite|invited|cc|copy|introduc*|join|attend", ()),
    cue("run ~ by|past", ()),
    cue(
        "ask|asked|asks|talk|talked|spoke|speak|check|convince|persuade|sell|show|tell|told|present to|with|him|her|if|it",
        (),
    ),
    cue("ask|tell|told|asked|send|email|call|have|get", ()),
    cue(
        "reckons|thinks|wants|needs|says|said|handles|runs|leads|heads|owns|manages|likes|hates|knows|built|looks|does|uses|reports|reviews|reviewed",
        (),
    ),
    cue(
        "from|in|at|over|on our|my|the|legal|finance|it|procurement|security|hr|purchasing|accounting|ops|operations|accounts|compliance|marketing|engineering",
        (),
    ),
    cue(
        "team|boss|manager|report|reporting|contract|legal|finance|procurement|security|meeting|the|our budget|side|end|office",
        (),
    ),
    cue("bring|bringing|she'll|he'll", ()),
    cue("on board", ()),
    cue("buy in", ()),
    cue("sign off", ()),
    cue("will|'ll|would|should|has|have to", ()),
    cue("who runs|does|handles|owns|heads|leads|is|looks|signs|approves", ()),
];

/// An unlisted name is one where these stand in front of it.
const NAMING: &[(&str, ())] = &[
    cue("named|called", ()),
    cue("name's", ()),
    cue("name is", ()),
    cue("run ~ by|past", ()),
    cue("loop|looping|bring|bringing|cc|copy", ()),
    cue("talk|talked|speak|spoke|check|checked|work|working|meet|met|meeting|sit to|with", ()),
    cue("report|reports|answer to|into", ()),
    cue("invite|introduce|convince|ask|asked", ()),
    cue("lady|guy|bloke|chap|woman|girl|lad|fella|gal|gentleman", ()),
];

/// Verbs whose subject is a person.
const PERSONAL: &[&str] = &[
    "signs", "runs", "approves", "decides", "said", "says", "reckons", "thinks", "wants", "handles", "leads", "heads",
    "owns", "manages", "likes", "hates", "knows", "does", "told", "asked", "gave",
];

/// Relations and places that make a person nobody to the deal.
const PRIVATE: &[(&str, ())] = &[
    cue(
        "my|his|her|your|the wife|husband|kid|kids|son|daughter|boyfriend|girlfriend|fiance|fiancee|baby|dog|cat|neighbour|neighbor|granddaughter|grandson|niece|nephew|mum|mom|mother|sister|brother|dad|father|partner's|lad",
        (),
    ),
    cue("my|our old|last|former|previous|ex boss|manager|company|job|director|cfo|ceo|place", ()),
    cue("used to work", ()),
    cue("at my last|old|previous", ()),
];

/// The absent of a call, in order of being mentioned.
pub fn of(talk: &Talk<'_>, people: &People) -> Vec<Absent> {
    let tables = (Cues::new(SHARE), Cues::new(NAMING), Cues::new(PRIVATE));
    let not_names = not_names(talk, people);
    let mut found: Vec<Absent> = Vec::new();
    for (n, line) in talk.lines.iter().enumerate() {
        let mut i = 0;
        while i < line.words.len() {
            match candidate(talk, n, i, people, &tables, &not_names) {
                Some((absent, end)) => {
                    merge(&mut found, absent);
                    i = end;
                }
                None => i += 1,
            }
        }
    }
    found.retain(|a| a.weight >= 2);
    found
}

type Tables = (Cues<()>, Cues<()>, Cues<()>);

fn candidate(
    talk: &Talk<'_>,
    n: usize,
    i: usize,
    people: &People,
    tables: &Tables,
    not_names: &BTreeSet<&str>,
) -> Option<(Absent, usize)> {
    let line = &talk.lines[n];
    let words = &line.words;
    let (share, naming, private) = tables;
    let word = words[i];
    let (name, role, end, sure) = match people.at(words, i) {
        Some(m) => {
            let department = m.role.as_ref().is_some_and(|r| r.1 == RoleKind::Department);
            let family = m.role.as_ref().is_some_and(|r| r.1 == RoleKind::Family);
            if m.name.is_none() && department {
                return None;
            }
            let owned = ["my", "our", "your", "his", "her", "their", "that's"].contains(&word);
            let title = m.role.as_ref().is_some_and(|r| is_title(&r.0));
            // "The city manager can sign it".
            let decides = ["sign", "signs", "approve", "approves", "approved", "decide", "decides"];
            let acts = words[m.end..words.len().min(m.end + 5)].iter().any(|w| decides.contains(w));
            if m.name.is_none() && !owned && !(word == "the" && (title || acts)) {
                return None;
            }
            let sure = if m.name.is_some() && m.role.is_some() {
                2
            } else {
                u32::from(m.name.is_some() || !family && (title || word != "his" && word != "her"))
            };
            (m.name, m.role.map(|r| r.0), m.end, sure)
        }
        None => {
            (unlisted(words, i, people, naming).filter(|w| !not_names.contains(w)).map(str::to_owned), None, i + 1, 1)
        }
    };
    if name.is_none() && role.is_none() {
        return None;
    }
    // "the twenty second of jan", "shelby county".
    let town = i > 0 && words[i - 1] == "in" || i > 2 && words[i - 3] == "in" && words[i - 1] == "and";
    let place = town && role.is_none()
        || words.get(i + 1).is_some_and(|w| {
            ["county", "street", "road", "avenue", "university", "hospital", "airport", "park"].contains(w)
        });
    if place
        || i > 0 && words[i - 1] == "of" && ["jan", "june", "april"].contains(&bare(word))
        || line.days.iter().any(|d| d.words.contains(&i))
    {
        return None;
    }
    if name.as_deref().is_some_and(|n| people.is_here(n) || not_names.contains(n)) {
        return None;
    }
    // The speaker's own role or a greeting: "i'm the cfo", "this is dana".
    let before = &words[i.saturating_sub(2)..i];
    if before.last().is_some_and(|w| {
        ["i'm", "am", "hi", "hey", "hello", "thanks", "thank", "bye", "you're", "as", "dear"].contains(w)
    }) {
        return None;
    }
    if before == ["this", "is"] && n < 8 {
        return None;
    }
    // "dana our cfo", "marcus from legal": the role behind the name.
    let mut end = end;
    let mut role = role;
    let mut sure = sure;
    if name.is_some() && role.is_none() {
        // A surname between: "bronagh tuohy is our vice president".
        let surname = words.get(end).is_some_and(|w| !super::topics::is_common(w) && people.could_be_name(w));
        end += usize::from(surname);
        let at = end
            + usize::from(
                words
                    .get(end)
                    .is_some_and(|w| ["from", "in", "is", "who's", "he's", "she's", "that's", "at"].contains(w)),
            );
        if words.get(at).is_some()
            && let Some((to, title, kind)) = people.role_at(words, at)
            && (kind != RoleKind::Department || at > end)
            && (kind != RoleKind::Family || words[end - 1].ends_with("'s") || at > end)
        {
            role = Some(title);
            end = to;
            sure += 2;
        }
    }
    let around = &words[i.saturating_sub(REACH)..words.len().min(end + REACH)];
    let near = &words[i.saturating_sub(4)..words.len().min(end + 3)];
    let mut weight = sure;
    if share.any(around) {
        weight += 1;
    }
    // "write that down darren": somebody on the call under another name.
    let last = end == words.len() && words.len() > 1;
    let spoken_to = last && !before.last().is_some_and(|w| TO_SOMEBODY.contains(w));
    let family = name.is_none() && role.as_deref().is_some_and(|r| FAMILY.contains(&r));
    let owns =
        words[end..words.len().min(end + 3)].iter().any(|w| ["owns", "signs", "decides", "runs", "own"].contains(w));
    if sure < 2 && (spoken_to || family && !owns) {
        weight = 0;
    } else if family {
        weight += 1;
    }
    if private.any(near) && sure < 2 && !owns {
        weight = weight.saturating_sub(2);
    }
    if (i..end).any(|k| line.unsure(k)) {
        weight = weight.saturating_sub(1);
    }
    // "That's marcus": named as somebody to know.
    if name.is_some() && before.last().is_some_and(|w| ["that's", "who's"].contains(w)) {
        weight += 1;
    }
    let introduced = i >= 1 && (before.last() == Some(&"name's") || before == ["name", "is"]);
    Some((Absent { introduced, name, role, by: line.side, said: vec![Span::new(n, i..end)], weight }, end))
}

/// Words that are no names here: they stand behind an article somewhere in the call ("the macropoint"), or somebody on the
/// call is addressed by them ("thank you doctor rao").
fn not_names<'a>(talk: &Talk<'a>, people: &People) -> BTreeSet<&'a str> {
    const ARTICLES: [&str; 12] = ["the", "a", "an", "this", "that", "own", "any", "no", "your", "some", "each", "last"];
    const GREETINGS: [&str; 9] = ["thanks", "hey", "hello", "hi", "bye", "cheers", "morning", "welcome", "you"];
    let mut found = BTreeSet::new();
    let mut spoken_to: BTreeSet<&str> = BTreeSet::new();
    let pairs = talk.lines.iter().flat_map(|l| l.words.windows(2));
    let spoken_of: BTreeSet<&str> = pairs.filter(|p| TO_SOMEBODY.contains(&p[0])).map(|p| bare(p[1])).collect();
    for line in &talk.lines {
        // Twice at the end of a line with nothing that leads to it: spoken to, hence here.
        if let [.., before, last] = line.words.as_slice()
            && people.is_name(last)
            && !spoken_of.contains(last)
            && !["mention", "who's", "who"].contains(before)
            && *last == bare(last)
            && !spoken_to.insert(last)
        {
            found.insert(*last);
        }
        for (i, word) in line.words.iter().enumerate().skip(1) {
            let mut before = line.words[i - 1];
            if ARTICLES.contains(&before) && !people.is_name(word) {
                found.insert(bare(word));
            }
            if ["doctor", "mister", "miss", "professor", "mrs"].contains(&before) && i >= 2 {
                before = line.words[i - 2];
            }
            let thanked = before != "you" || i >= 2 && line.words[..i].contains(&"thank");
            if GREETINGS.contains(&before) && thanked && i <= 4 {
                found.insert(bare(word));
            }
        }
    }
    found
}

/// Titles that name one person of a company even as "the cfo".
fn is_title(role: &str) -> bool {
    let short = role.len() <= 4 && role.starts_with('c')
        || ["c f o", "c e o", "c t o", "c i o", "c o o", "g m", "gm", "md"].contains(&role);
    short
        || role.starts_with("head of")
        || role.starts_with("vp")
        || role.starts_with("v p")
        || role.starts_with("chief")
}

/// A name that is in no list, or in the list of doubtful ones, by what stands around it.
fn unlisted<'w>(words: &[&'w str], i: usize, people: &People, naming: &Cues<()>) -> Option<&'w str> {
    let word = bare(words[i]);
    let doubtful = people.may_be_name(word);
    if !people.could_be_name(word) || !doubtful && super::topics::is_common(word) {
        return None;
    }
    // A cue that ends right before the name.
    let cued = (1..=6).any(|back| i >= back && naming.at(words, i - back).is_some_and(|(end, ())| end == i));
    let from = words.get(i + 1) == Some(&"from") || words.get(i + 1) == Some(&"in") && words.get(i + 2) != Some(&"it");
    let place = words.get(i + 2).is_some_and(|w| {
        [
            "legal",
            "finance",
            "it",
            "our",
            "procurement",
            "hr",
            "accounting",
            "purchasing",
            "security",
            "ops",
            "sales",
            "operations",
            "accounts",
            "compliance",
            "marketing",
            "engineering",
        ]
        .contains(w)
    });
    let begins = i == 0 || !["own", "other", "new", "and", "of", "to", "is"].contains(&words[i - 1]);
    let acts = begins && !word.ends_with('s') && words.get(i + 1).is_some_and(|w| PERSONAL.contains(w));
    let team = matches!(
        words.get(i + 1..i + 4),
        Some(["on" | "in", "my" | "our", "team" | "office" | "side" | "department" | "group"])
    );
    let opens = |before: &[&str]| i == 0 || before.contains(&words[i - 1]);
    let acts = acts
        && word.len() > 3
        && opens(&[
            "and", "but", "so", "because", "if", "that", "when", "think", "what", "yeah", "guess", "then", "though",
        ]);
    let pronoun = word.len() > 3
        && opens(&["is", "it's", "that's", "and", "with", "to", "them", "our", "my"])
        && words[i] == word
        && words.get(i + 1).is_some_and(|w| ["she's", "he's", "she'll", "he'll"].contains(w));
    let hers = words[i].ends_with("'ll") && !word.ends_with('s') || team || pronoun;
    let fits = if doubtful { cued || from && place } else { cued || from && place || acts || hers };
    fits.then_some(word)
}

fn merge(found: &mut Vec<Absent>, new: Absent) {
    let known = found.iter().position(|old| match (&old.name, &new.name) {
        (Some(a), Some(b)) => a == b,
        _ => old.role.is_some() && old.role == new.role,
    });
    let line = new.said[0].line;
    let introduced = new.introduced;
    // "our integration lead … his name's tobias".
    let before = |a: &Absent| introduced && a.name.is_none() && a.said.iter().any(|s| s.line + 1 >= line);
    match known.or_else(|| found.iter().rposition(before)) {
        Some(i) => {
            let old = &mut found[i];
            old.name = old.name.take().or(new.name);
            old.role = old.role.take().or(new.role);
            old.said.extend(new.said);
            // Further mentions add a little each.
            old.weight = old.weight.max(new.weight) + u32::from(new.weight > 0);
        }
        None => found.push(new),
    }
}
