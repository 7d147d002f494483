//! The sentences. Each names the signal in the words of its source, so that the citation holds.

use super::{Pain, quotable};
use crate::{
    facts::Fact,
    lint::Language,
    voice::{Opener, Tone, Voice},
};

/// Phrasings of a tone: combinations of three openings, two middles and three ends.
pub(super) const VARIANTS: u64 = 18;

/// Verbs that tell that a text is a clause of its own: "Kestrel opened a second site".
const VERBS: &[&str] = &[
    "opened",
    "opens",
    "raised",
    "raises",
    "announced",
    "announces",
    "hired",
    "hires",
    "launched",
    "launches",
    "acquired",
    "acquires",
    "is",
    "are",
    "has",
    "have",
    "was",
    "were",
    "plans",
    "expanded",
    "expands",
    "moved",
    "moves",
    "signed",
    "signs",
    "released",
    "releases",
    "appointed",
    "appoints",
    "named",
    "names",
    "posted",
    "published",
    "started",
    "starts",
    "closed",
    "closes",
    "joined",
    "joins",
    "won",
    "wins",
    "bought",
    "buys",
    "added",
    "adds",
    "introduced",
    "introduces",
    "will",
    "advertised",
    "seeks",
    "spoke",
    "wrote",
    "shipped",
    "replaced",
    "migrated",
    "switched",
    "merged",
    "received",
    "reported",
    "grew",
    "doubled",
    "selected",
    "chose",
    "completed",
    "unveiled",
    "partnered",
    "promoted",
    "cut",
    "filed",
    "entered",
    "began",
    "set",
    "built",
    "rolled",
    "went",
    "took",
    "received",
    "got",
];

/// Openings for a clause: how it begins, and with which way of beginning that counts.
const OPENINGS: [(Opener, [&str; 4]); 3] = [
    // Plain, warm, direct, formal.
    (Opener::ISaw, ["I saw that", "I just saw that", "I saw that", "I have seen that"]),
    (Opener::IRead, ["I read that", "I was glad to read that", "I read that", "I have read that"]),
    (Opener::Noticed, ["I noticed that", "It caught my eye that", "I noticed that", "It came to my attention that"]),
];
const QUOTED: [(Opener, [&str; 4]); 3] = [
    (Opener::ISaw, ["I saw this from you", "I just saw this from you", "I saw this", "I have seen the following"]),
    (Opener::IRead, ["I read this", "I was glad to read this", "I read this", "I have read the following"]),
    (Opener::Noticed, ["I noticed this", "This caught my eye", "I noticed this", "The following came to my attention"]),
];
const MIDDLES: [[&str; 4]; 2] = [
    [
        "In many companies that is when",
        "In our experience that's often when",
        "Mostly that is when",
        "In many companies this is the point at which",
    ],
    ["Often after such a step", "What we often see then is that", "Often", "It is often the case then that"],
];
const ENDS: [[&str; 4]; 3] = [
    [
        "Would a 15-minute conversation about {topic} be of use next week?",
        "Would you be up for a 15-minute conversation about {topic} next week?",
        "Is a 15-minute conversation about {topic} worth it next week?",
        "Would you be available for a 15-minute conversation about {topic} next week?",
    ],
    [
        "Could we take 15 minutes next week for a conversation about {topic}?",
        "Shall we find 15 minutes next week for a conversation about {topic}?",
        "Do you have 15 minutes next week for a conversation about {topic}?",
        "Could we arrange a conversation of 15 minutes about {topic} next week?",
    ],
    [
        "Is a 15-minute conversation about {topic} on Tuesday or Wednesday possible?",
        "How about a 15-minute conversation about {topic} on Tuesday or Wednesday?",
        "Tuesday or Wednesday for a 15-minute conversation about {topic}?",
        "Might Tuesday or Wednesday suit you for a 15-minute conversation about {topic}?",
    ],
];
const GERMAN: ([&str; 3], [&str; 2], [&str; 3]) = (
    ["Mir ist diese Meldung aufgefallen", "Ich habe diese Meldung gelesen", "Diese Nachricht habe ich gesehen"],
    ["In vielen Unternehmen zeigt sich dann:", "Oft heißt das:"],
    [
        "Wäre ein Gespräch von 15 Minuten über {topic} in der nächsten Woche für Sie sinnvoll?",
        "Hätten Sie nächste Woche 15 Minuten für ein Gespräch über {topic}?",
        "Passt Ihnen am Dienstag oder Mittwoch ein Gespräch von 15 Minuten über {topic}?",
    ],
);
const FRENCH: ([&str; 3], [&str; 2], [&str; 3]) = (
    ["J'ai lu cette annonce", "Cette annonce a retenu mon attention", "J'ai vu cette annonce"],
    ["Souvent, à ce moment-là,", "Dans beaucoup d'entreprises,"],
    [
        "Seriez-vous disponible la semaine prochaine pour un échange de 15 minutes sur {topic} ?",
        "Auriez-vous 15 minutes la semaine prochaine pour un échange sur {topic} ?",
        "Un échange de 15 minutes sur {topic} mardi ou mercredi vous conviendrait-il ?",
    ],
);

/// The three sentences; nothing if the voice does not allow this beginning or the signal cannot be quoted.
pub(super) fn sentences(
    language: Language,
    tone: Tone,
    variant: u64,
    quote: &str,
    signal: &Fact,
    pain: &Pain,
    voice: &Voice,
) -> Option<String> {
    let pick = |n: u64, of: u64| usize::try_from(n % of).unwrap_or(0);
    // Which opening changes first, so that a voice that allows one of them finds it soon.
    let (first, middle, end) = (pick(variant, 3), pick(variant / 3, 2), pick(variant / 6, 3));
    let style = match tone {
        Tone::Plain => 0,
        Tone::Warm => 1,
        Tone::Direct => 2,
        Tone::Formal => 3,
    };
    if !quotable(quote) {
        return None;
    }
    let clause = pain.clause.trim().trim_end_matches(['.', '!', '?']);
    let topic = pain.topic.trim();
    let (observation, middle, end) = match language {
        Language::English => {
            let list = if is_clause(quote) { OPENINGS } else { QUOTED };
            let (opener, words) = list[first];
            if !voice.allows(opener) {
                return None;
            }
            let observation = if is_clause(quote) {
                format!("{} {quote}.", words[style])
            } else {
                format!("{} in {}: \"{quote}\".", words[style], signal.source().trim())
            };
            (observation, format!("{} {clause}.", MIDDLES[middle][style]), ENDS[end][style])
        }
        Language::German => {
            let quoted = format!("{} ({}): „{quote}“.", GERMAN.0[first], signal.source().trim());
            (quoted, format!("{} {clause}.", GERMAN.1[middle]), GERMAN.2[end])
        }
        Language::French => {
            let quoted = format!("{} ({}) : « {quote} ».", FRENCH.0[first], signal.source().trim());
            (quoted, format!("{} {clause}.", FRENCH.1[middle]), FRENCH.2[end])
        }
        Language::Japanese => return None,
    };
    Some(format!("{observation}\n\n{middle}\n\n{}", end.replace("{topic}", topic)))
}

/// Whether a text can stand after "that".
fn is_clause(text: &str) -> bool {
    let first = text.split_whitespace().next().unwrap_or_default();
    let named = first.starts_with(char::is_uppercase);
    let early = text.split_whitespace().skip(1).take(6);
    named
        && early.map(|w| w.trim_matches(|c: char| !c.is_alphabetic())).any(|w| VERBS.contains(&w))
        && !text.contains(':')
}

/// What the mail is about: the topic, with a capital.
pub(super) fn subject(pain: &Pain) -> String {
    let mut chars = pain.topic.trim().chars();
    chars.next().map(|c| c.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
