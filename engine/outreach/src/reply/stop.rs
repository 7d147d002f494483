//! Whether somebody wants no more messages. Missing one is worse than suppressing one too many: what only might be such a
//! wish suppresses too, and a person looks.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::answers;
use crate::text::{has, key};

/// Whether somebody wants no more messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// Nothing says so.
    None,
    /// It may be: suppressed until a person has looked.
    Chance,
    /// They say so.
    Certain,
}

/// What says so whatever stands around it, as keys.
#[rustfmt::skip]
const CERTAIN: &[&str] = &[
    "unsubscribe me", "unsubscribe us", "please unsubscribe", "kindly unsubscribe", "unsubscribe please",
    "unsubscribe from", "unsubscribe my", "unsubscribe this", "want to unsubscribe", "like to unsubscribe",
    "wish to unsubscribe", "need to unsubscribe", "how do i unsubscribe", "unsub me", "please unsub", "opt me out",
    "opt us out", "please opt out", "want to opt out", "like to opt out", "i opt out", "id like to opt out",
    "opting out of", "im opting out", "remove me", "remove us", "remove my email", "remove my e mail",
    "remove my name", "remove my address", "remove my contact", "remove my details", "remove my info",
    "remove my number", "remove this address", "remove this email", "remove our", "removed from your",
    "removed from this", "removed from the list", "removed from any", "take me off", "take us off",
    "take my name off", "take my email off", "take my address off", "take this address off",
    "off your list", "off this list", "off your mailing", "off your distribution", "off the list", "off of your",
    "off your sequence", "off your cadence", "off whatever list", "out of your sequence", "out of your cadence",
    "drop me from", "drop us from", "strike me from", "cross me off", "stop emailing", "stop e mailing",
    "stop contacting", "stop writing", "stop sending", "stop messaging", "stop mailing", "stop reaching out",
    "stop these emails", "stop these mails", "stop the emails", "stop the messages", "stop spamming",
    "stop following up", "stop pinging", "stop bothering", "stop with the emails", "stop all emails",
    "stop all communication", "stop texting", "stop calling", "no more emails", "no more e mails", "no more mails",
    "no more messages", "no more of these", "no more outreach", "no more follow ups", "no more follow up",
    "no further emails", "no further e mails", "no further messages", "no further mails", "no further contact",
    "no further correspondence", "no further communication", "no further outreach", "no further follow ups",
    "do not contact", "dont contact", "do not email", "dont email", "do not e mail", "do not write to",
    "dont write to", "do not write me", "dont write me", "do not message", "dont message", "do not send me",
    "dont send me", "do not send us", "dont send us", "not send me any more", "not send me anymore",
    "not be contacted", "not to be contacted", "not wish to be contacted", "not want to be contacted",
    "dont want to be contacted", "prefer not to be contacted", "not contact me", "not contact us", "not email me",
    "not email us", "not write to me again", "not write again", "not wish to receive", "no longer wish to receive",
    "no longer want to receive", "dont want to receive", "do not want to receive", "dont wish to receive",
    "rather not receive", "prefer not to receive", "not interested in receiving", "dont want any more",
    "do not want any more", "dont want more emails", "dont want your emails", "dont want these", "do not want these",
    "leave me alone", "leave us alone", "lose my email", "lose my number", "lose my address", "delete my email",
    "delete my e mail", "delete my address", "delete my contact", "delete my details", "delete me from",
    "delete us from", "scrub me", "never contact", "never email", "never write", "cease all", "cease contact",
    "cease sending", "end this email", "rather not get", "rather you didnt write", "rather you did not write",
    "rather not hear from you", "rather not hear", "dont need any more emails", "last email you send",
    "last message you send", "put me on your do not", "on your do not", "on the do not", "suppression list",
    "do not mail list", "not get any more", "not getting any more", "not getting these", "block your domain",
    "blocking your", "blocked your", "no emails please", "wish not to receive", "refrain from contacting",
    "refrain from sending", "refrain from emailing", "discontinue", "cross me out", "cross us out",
    "take my name down", "take me down from", "take me out of", "take us out of", "strike us", "strike me",
    "end the mails", "end these mails", "dropping me from", "dropping us from", "removing me", "removing us",
    "make it the final", "wouldnt write to me", "would not write to me", "not write to me any", "write to me anymore",
    "write to us anymore", "mailing this address", "refrain from", "dont write", "do not write", "suspend all mails",
    "suspend all emails", "cancel them", "cancel the series", "withdraw consent", "withdraw my consent",
    "withdraw our consent", "revoke consent", "revoke my consent", "blacklist it", "blacklist me", "blacklist us",
    "blacklist this", "no mails", "no emails", "reminders ceased", "cease the", "dont send the remaining",
    "delete our address", "delete our email", "delete our data", "hear nothing more", "out of your cadence",
    "dont want to hear", "do not want to hear", "never want to hear", "not want to hear from", "purge my", "purge us",
    "wipe my", "wipe us", "forget my address", "forget this address", "forget me", "exclude me", "exclude us",
    "exclude this", "out of the sequence", "out of the series", "out of the cadence", "off the sequence",
    "off the series", "end this sequence", "stop the sequence", "stop the series", "stop all", "stop now",
    "stop doing", "dont mail", "do not mail", "never mail", "mail me again", "email me again", "contact me again",
    "contact us again", "write me again please dont", "write to us again", "not receive any", "not receive further",
    "not receive these", "receive no more", "get no more", "want no more", "send no more",
    "no longer receive", "address off", "example off", "werbezusendungen", "von werbung", "kuenftig von",
    "sehen sie kuenftig", "sehen sie davon ab", "bitte entfernen", "entfernen sie", "mich entfernen", "mich loeschen",
    "keine post mehr", "quit emailing", "quit sending", "abmelden", "abbestellen", "abmeldung", "austragen",
    "trag mich aus", "tragen sie mich aus", "streichen sie mich", "streich mich", "streichen sie uns",
    "nehmen sie mich", "nimm mich", "nehmen sie uns", "aus ihrem verteiler", "aus dem verteiler",
    "aus eurem verteiler", "von ihrer liste", "von der liste", "aus ihrer liste", "aus der liste",
    "keine weiteren mails", "keine weiteren e mails", "keine weiteren emails", "keine mails mehr",
    "keine e mails mehr", "keine emails mehr", "keine weiteren nachrichten", "keine nachrichten mehr",
    "keine werbung", "keine weitere werbung", "nicht mehr kontaktieren", "nicht mehr zu kontaktieren",
    "nicht mehr anschreiben", "nicht mehr anzuschreiben", "nicht mehr schreiben", "nicht weiter kontaktieren",
    "nicht mehr an", "kontaktieren sie mich nicht", "kontaktieren sie uns nicht", "schreiben sie mir nicht",
    "schreiben sie uns nicht", "schreib mir nicht", "loeschen sie meine", "loeschen sie mich", "loeschen sie unsere",
    "meine adresse loeschen", "meine adresse zu loeschen", "meine daten loeschen", "meine daten zu loeschen",
    "meine e mail loeschen", "keine weitere kontaktaufnahme", "keine kontaktaufnahme", "weiteren kontaktaufnahmen",
    "weiteren zusendungen", "weiteren mails", "weiteren e mails", "weiteren nachrichten abzusehen", "in ruhe",
    "keine zusendung", "unterlassen sie", "verschonen sie", "hoeren sie auf", "lassen sie das", "moechte keine",
    "will keine", "wuensche keine", "bitte keine", "desabonner", "desabonnez", "desabonne", "desabonnement",
    "desinscrire", "desinscrivez", "desinscription", "desinscris", "retirez moi", "retirez mon", "retirer mon",
    "retirer de votre", "retire de votre", "retiree de votre", "me retirer", "nous retirer", "ne plus recevoir",
    "plus recevoir", "ne plus me contacter", "ne plus nous contacter", "ne me contactez plus", "plus me contacter",
    "plus nous contacter", "plus me solliciter", "cessez de", "cesser de", "arretez de", "arreter de",
    "supprimez mon", "supprimez moi", "supprimer mon", "supprimer mes", "supprimez mes", "ne plus mecrire",
    "ne mecrivez plus", "plus de mails", "plus de mail", "plus aucun mail", "plus aucun message", "de votre liste",
    "de vos listes", "liste de diffusion", "merci de ne plus", "rayez moi", "enlevez moi", "ne souhaite plus",
    "ne souhaitons plus", "ne plus etre contacte", "ne plus etre sollicite", "ne desire plus", "ne veux plus",
    "darme de baja", "dar de baja", "dame de baja", "denme de baja", "deme de baja", "darnos de baja", "baja de",
    "no me escriban", "no me escriba", "no me envien", "no me envie", "no quiero recibir", "no deseo recibir",
    "dejen de", "deje de", "deja de enviar", "eliminar mi correo", "eliminen mi", "elimine mi", "eliminenme",
    "quitenme", "quiteme", "borren mi", "borre mi", "no mas correos", "no mas emails", "no enviar mas",
    "no me contacten", "no me contacte", "no quiero mas", "cancellami", "cancellatemi", "cancellarmi", "disiscriv*",
    "non scrivetemi", "non desidero ricevere", "non desidero piu", "non voglio piu", "rimuovetemi", "rimuovermi",
    "rimuovere il mio", "toglietemi", "togliermi", "smettete di", "non contattatemi", "uitschrijven", "afmelden",
    "geen mails meer", "geen e mails meer", "verwijder mij", "verwijder me", "schrijf mij uit", "geen verdere",
    "niet meer mailen", "niet meer contacteren", "van uw lijst", "van de lijst", "descadastr*", "nao quero receber",
    "nao desejo receber", "pare de enviar", "parem de enviar", "remover meu", "remova meu", "remova me", "me remova",
    "retire meu", "cancelar a inscricao", "nao me envie", "avregistrera", "avprenumerera", "avsluta prenumeration",
    "ta bort mig", "inga fler mejl", "inga fler mail", "afmeld mig", "fjern mig", "meld mig ud", "ikke flere",
    "meld meg av", "fjern meg", "wypisz", "wypisac", "prosze o usuniecie", "usuncie moj", "nie wysylac",
    "nie przysylac", "prosze nie pisac",
];
/// What may say so, as keys: also the word in another sense.
#[rustfmt::skip]
const CHANCE: &[&str] = &[
    "unsubscribe", "unsubscribed", "unsub", "opt out", "optout", "opted out", "mailing list", "distribution list",
    "verteiler", "newsletter", "dont follow up", "do not follow up", "no need to follow up", "dont reach out",
    "do not reach out", "not reach out again", "please dont", "from your database", "from your system",
    "from your crm", "ihrer datenbank", "votre base", "my inbox", "the last mail", "one last mail", "take out",
    "take off", "please cease", "leave me out", "leave us out", "do this", "do it", "delete my data", "erase my data",
    "erase my", "right to erasure", "right to object", "object to", "widerspreche", "widerspruch", "mopposer",
    "opposition", "do not call", "dont call", "not hear from", "last time i", "third time", "fourth time",
    "asked you before", "told you before", "already asked", "already told", "enough emails", "so many emails",
    "too many emails", "please stop", "stop it", "spare me", "spare us", "taken off", "be removed",
    "removed me", "do not come back", "dont come back", "just stop", "bitte aufhoeren", "genug", "assez", "basta",
    "sus correos", "mas correos", "no longer be contacted", "loeschen", "effacer", "listas", "your list", "lists",
];
/// What alone, in a mail of a few words, says so, as keys.
#[rustfmt::skip]
const BARE: &[&str] = &[
    "stop", "stopp", "unsubscribe", "unsub", "remove", "optout", "opt out", "end", "quit", "cancel", "abmelden",
    "austragen", "abbestellen", "desabonner", "desinscription", "baja", "arret", "cancella", "delete", "no more",
    "enough", "uitschrijven", "afmelden", "basta", "stop please", "please stop", "halt",
];
/// Words that deny, as keys, and words of writing to somebody: near each other they may mean that nobody shall.
#[rustfmt::skip]
const NOT: &[&str] = &[
    "not", "dont", "never", "no", "nor", "without", "neither", "wont", "shouldnt", "rather", "nicht", "keine", "kein",
    "nie", "ne", "plus", "pas", "nunca", "ni",
];
#[rustfmt::skip]
const REACH: &[&str] = &[
    "write", "writing", "mail", "mails", "email", "emails", "contact", "contacted", "contacting", "hear", "hearing",
    "message", "messages", "reminder", "reminders", "approach", "approached", "approaching", "mailings", "schreiben",
    "anschreiben", "kontaktieren", "zusendungen", "nachrichten", "ecrire", "ecrivez", "contacter", "contactez",
    "solliciter", "relances", "escribir", "escriban", "escriba", "contacten", "contacte", "correos", "mensajes",
];
/// Words of taking off, as keys, and what is taken off, or from what.
#[rustfmt::skip]
const OFF: &[&str] = &[
    "remove", "removed", "removing", "delete", "deleted", "erase", "drop", "strike", "take", "taken", "exclude", "cancel",
    "rm", "switch", "withdraw", "unsubscribe", "unsub", "stop", "stopped", "end", "cease", "streichen", "loeschen",
    "entfernen", "nehmen", "retirer", "supprimer", "retirez", "supprimez", "borrar", "borren", "eliminen", "quiten",
];
#[rustfmt::skip]
const WHAT: &[&str] = &[
    "me", "us", "my", "our", "list", "lists", "address", "addresses", "name", "names", "mailing", "mailings", "database",
    "records", "domain", "mails", "emails", "messages", "these", "them", "mich", "uns", "meine", "unsere", "liste", "moi",
    "nous", "mon", "notre", "adresse", "mi", "mis", "nuestra", "lista",
];
/// Most words from a word that denies to one of writing, and from one of taking off to what is taken off.
const NEAR: (usize, usize) = (4, 3);

/// Whether a word of `first` is followed by one of `second` within `most` words.
fn near(text: &str, first: &[&str], second: &[&str], most: usize) -> bool {
    let words: Vec<&str> = text.split(' ').collect();
    let after = |i: usize| words[i + 1..].iter().take(most).any(|w| second.contains(w));
    words.iter().enumerate().any(|(i, w)| first.contains(w) && after(i))
}

/// Most words of a mail that a bare word decides.
const BARE_WORDS: usize = 6;

/// Whether they want no more: from the subject, their own words and the headers.
#[must_use]
pub fn wish(subject: &str, text: &str, headers: &BTreeMap<String, String>) -> Wish {
    // The subject of an answer is ours, not theirs.
    let subject = if answers(subject) { String::new() } else { key(subject) };
    let (text, own_subject) = (key(text), subject.as_str());
    let one_click = headers.iter().any(|(name, value)| {
        let name = name.to_lowercase();
        (name == "list-unsubscribe-post"
            || name == "list-unsubscribe"
            || name == "x-list-unsubscribe"
            || name == "x-unsubscribe-request")
            && (value.to_lowercase().contains("one-click") && !value.contains("http")
                || name == "x-unsubscribe-request")
    });
    let fits = |list: &[&str], text: &str| {
        list.iter().any(|p| match p.strip_suffix('*') {
            Some(start) => text.split(' ').any(|w| w.starts_with(start)),
            None => has(text, p),
        })
    };
    let count = |text: &str| text.split(' ').filter(|w| !w.is_empty()).count();
    let bare = |text: &str| {
        count(text) <= BARE_WORDS
            && BARE.iter().any(|b| text == *b || (b.len() > 3 && has(text, b) && !has(text, "stop by")))
    };
    // "I do not want you to stop": nobody writes that; but a shop or a stand is stopped by at.
    let stand =
        ["stop by", "stopped by", "remove me from the thread", "remove me from cc"].iter().any(|p| has(&text, p));
    let lines = text.is_empty() && count(own_subject) > 0;
    if one_click
        || fits(CERTAIN, &text)
        || fits(CERTAIN, own_subject)
        || own_subject.starts_with("unsubscribe")
        || bare(&text)
        || (bare(own_subject) && (lines || count(&text) <= 12))
    {
        return if stand && !fits(CERTAIN, &text) { Wish::Chance } else { Wish::Certain };
    }
    let alone = ["unsubscribe", "unsub", "opt out"].iter().any(|w| has(&text, w)) && count(&text) <= 12;
    if alone && !text.contains(" rate") && !has(&text, "your unsubscribe") {
        return Wish::Certain;
    }
    let shaped = near(&text, NOT, REACH, NEAR.0) || (!stand && near(&text, OFF, WHAT, NEAR.1));
    if shaped || fits(CHANCE, &text) || fits(CHANCE, own_subject) || text.split(' ').any(|w| w == "stop") && !stand {
        return Wish::Chance;
    }
    Wish::None
}
