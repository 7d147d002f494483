//! What somebody wrote themselves: without quoted history, signature and legal footer.

use super::signature;
use crate::text::{has, key, plain};

/// A mail's own text, and the history below it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// What its writer wrote.
    pub text: String,
    /// The same without the lines below it that only say who wrote: "Kind regards" and what follows, a block of name, office and
    /// telephone. What is asked for below them ("PS: …") is kept.
    pub core: String,
    /// Whether there was anything quoted or forwarded.
    pub quoted: bool,
}

/// Lines that a mailer puts above what it quotes: how they begin, and what they hold, as keys.
const ABOVE: &[(&str, &str)] = &[
    ("on ", "wrote"),
    ("am ", "schrieb"),
    ("le ", "a ecrit"),
    ("el ", "escribio"),
    ("il ", "ha scritto"),
    ("op ", "schreef"),
    ("em ", "escreveu"),
    ("den ", "skrev"),
    ("von ", "gesendet"),
    ("from ", "sent"),
    ("w dniu", "napisal"),
];
/// Lines from which on nothing is the writer's own, as keys.
const HISTORY: &[&str] = &[
    "original",
    "original message",
    "urspruengliche nachricht",
    "originalnachricht",
    "message dorigine",
    "message original",
    "forwarded message",
    "weitergeleitete nachricht",
    "message transfere",
    "begin forwarded message",
    "mensaje original",
    "messaggio originale",
    "anfang der weitergeleiteten nachricht",
    "oorspronkelijk bericht",
];
/// Legal footers and lines of telephones, as keys.
const FOOTERS: &[&str] = &[
    "this email and any",
    "this e mail and any",
    "this message and any",
    "this email is confidential",
    "this e mail is confidential",
    "this message is confidential",
    "the information contained in this",
    "confidentiality notice",
    "confidentiality note",
    "disclaimer",
    "diese e mail enthaelt",
    "diese nachricht enthaelt",
    "diese nachricht ist vertraulich",
    "ce message et toutes",
    "ce message est confidentiel",
    "ce courriel",
    "please consider the environment",
    "think before you print",
    "bitte denken sie an die umwelt",
    "registered in england",
    "registered office",
    "sitz der gesellschaft",
    "geschaeftsfuehrer",
    "handelsregister",
    "amtsgericht",
    "sent from my",
    "von meinem iphone gesendet",
    "gesendet von",
    "envoye de mon",
    "envoye depuis",
    "enviado desde",
    "get outlook for",
    "this communication",
    "privileged and confidential",
    "the contents of this email",
    "the contents of this message",
    "if you are not the intended recipient",
    "if you have received this",
    "inviato da",
    "verzonden vanaf",
    "scanned by",
    "this mail was scanned",
    "this email was scanned",
];
/// Our own footer and those of others: how to stop, told to the reader. As keys; not what somebody asks for.
const TELLS_HOW: &[&str] = &[
    "to unsubscribe",
    "unsubscribe here",
    "click here to unsubscribe",
    "answer stop",
    "reply stop",
    "reply with stop",
    "reply unsubscribe",
    "antworten sie mit stop",
    "repondez stop",
    "manage preferences",
    "manage your preferences",
    "you are receiving this",
    "you received this",
    "if you would rather not hear from me",
    "if youd rather not hear from me",
    "rather not hear from me",
    "unsubscribe link",
    "update your preferences",
    "zum abmelden",
    "hier abmelden",
    "pour vous desinscrire",
    "pour vous desabonner",
    "wenn sie keine nachrichten von mir",
    "si vous ne souhaitez plus de messages de ma part",
    "let me know and i wont write again",
    "stop these mails reply",
    "stop mails reply",
    "stop these emails reply",
    "opt out",
    "no more mails reply",
];

/// What its writer wrote.
#[must_use]
pub fn written(body: &str) -> Written {
    let body = plain(body);
    let lines: Vec<&str> = body.lines().collect();
    let mut out: Vec<&str> = Vec::new();
    let mut quoted = false;
    let mut i = 0;
    while i < lines.len() {
        let line = lines[i].trim();
        let this = key(line);
        if line.starts_with('>') || line.starts_with('|') {
            quoted = true;
            i += 1;
            continue;
        }
        if HISTORY.iter().any(|h| if *h == "original" { this == *h } else { this.contains(h) })
            && (line.starts_with('-') || line.starts_with('_') || this.split(' ').count() <= 5)
        {
            // What was forwarded with no word of their own is all there is.
            quoted = true;
            break;
        }
        if is_above(&lines, i) {
            quoted = true;
            // Answers below or between quotes: go on, the quoted lines are marked.
            let marked = lines[i + 1..].iter().any(|l| l.trim_start().starts_with('>'));
            if !marked {
                break;
            }
            i += if this.ends_with("wrote") || this.ends_with("schrieb") || line.ends_with(':') { 1 } else { 2 };
            continue;
        }
        if line == "--" || line == "\u{2014}" || (line.len() >= 5 && line.chars().all(|c| c == '_')) {
            // A signature; what is quoted below it is history anyway.
            if out.iter().any(|l| !l.trim().is_empty()) {
                break;
            }
        }
        let own = out.iter().any(|l| !l.trim().is_empty());
        if own && FOOTERS.iter().any(|f| this.starts_with(f) || (this.len() > 120 && has(&this, f))) {
            i += 1;
            continue;
        }
        let tells = TELLS_HOW.iter().any(|t| has(&this, t) && (*t != "opt out" || line.contains(':')));
        // A line that is the word alone below others is a footer's button.
        let button = out.len() > 2
            && ["unsubscribe", "abmelden", "[unsubscribe]"].iter().any(|b| line.to_lowercase().ends_with(b))
            && this.split(' ').count() > 5;
        if own && (tells || button) {
            quoted = true;
            i += 1;
            continue;
        }
        out.push(lines[i]);
        i += 1;
    }
    let text = out.join("\n").trim().to_owned();
    let core = signature::unsigned(&text);
    Written { text, core, quoted }
}

/// Whether line `i` is the one above a quotation, maybe broken over two lines.
fn is_above(lines: &[&str], i: usize) -> bool {
    let one = key(lines[i]);
    if ["from ", "von ", "de ", "da ", "van "].iter().any(|f| one.starts_with(f)) && lines[i].contains(':') {
        let below: Vec<String> = lines[i + 1..].iter().take(3).map(|l| key(l)).collect();
        let fields = [
            "sent ",
            "gesendet ",
            "envoye ",
            "enviado ",
            "date ",
            "datum ",
            "to ",
            "an ",
            "a ",
            "subject ",
            "betreff ",
            "objet ",
            "inviato ",
        ];
        let found = below.iter().filter(|l| fields.iter().any(|f| l.starts_with(f))).count();
        let quotes = lines[i + 1..].iter().take(4).any(|l| l.trim_start().starts_with('>'));
        return found >= 2 || (found == 1 && quotes);
    }
    let two = lines.get(i + 1).map(|l| format!("{one} {}", key(l))).unwrap_or_default();
    let fits = |text: &str, raw: &str| {
        let digits = text.bytes().any(|b| b.is_ascii_digit());
        ABOVE.iter().any(|(from, holds)| text.starts_with(from) && has(text, holds))
            && raw.trim_end().ends_with([':', '>'])
            && (digits || text.len() < 120)
    };
    fits(&one, lines[i])
        || (one.len() > 12 && lines.get(i + 1).is_some_and(|next| fits(&two, next) && !next.trim().is_empty()))
}
