//! Expressions that tell something by themselves: somebody who is gone, an absence, a mere "ok, thanks", "not so often".

use crate::text::has;

/// Whether an automatic answer says that somebody is there no more.
pub(super) fn gone(key: &str) -> bool {
    const GONE: &[&str] = &[
        "no longer with",
        "no longer work*",
        "no longer at",
        "no longer employed",
        "left the company",
        "has left",
        "have left",
        "i left",
        "ive left",
        "left us",
        "has moved on",
        "have moved on",
        "retired",
        "no longer active",
        "no longer monitored",
        "no longer in use",
        "no longer valid",
        "has changed roles",
        "nicht mehr im unternehmen",
        "nicht mehr bei",
        "nicht mehr fuer",
        "ausgeschieden",
        "verlassen",
        "unternehmen verlassen",
        "nicht mehr taetig",
        "ruhestand",
        "ne travaille plus",
        "quitte la societe",
        "quitte lentreprise",
        "plus dans lentreprise",
        "ne fait plus partie",
        "fait plus partie",
        "ya no trabaja",
        "ya no trabajo",
        "ya no forma parte",
        "non lavora piu",
        "werkt niet meer",
        "no longer part of",
        "my last day was",
        "last working day was",
        "mailbox is no longer",
    ];
    GONE.iter().any(|p| match p.strip_suffix('*') {
        Some(start) => key.match_indices(start).any(|(at, _)| at == 0 || key.as_bytes()[at - 1] == b' '),
        None => has(key, p),
    })
}

/// Whether a subject is one of an absence note.
pub(super) fn away_subject(key: &str) -> bool {
    const AWAY: &[&str] = &[
        "out of office",
        "out of the office",
        "ooo",
        "abwesenheit",
        "abwesend",
        "absence",
        "absent",
        "away from",
        "on leave",
        "fuera de la oficina",
        "abwesenheitsnotiz",
        "on annual leave",
        "vacation",
    ];
    AWAY.iter().any(|p| has(key, p))
}

/// Whether a short answer only takes note.
pub(super) fn is_acknowledgement(key: &str) -> bool {
    const TAKEN: &[&str] = &[
        "ok",
        "okay",
        "ok thanks",
        "ok thank you",
        "thanks",
        "thank you",
        "noted",
        "noted thanks",
        "got it",
        "got it thanks",
        "received",
        "received thanks",
        "thx",
        "cheers",
        "will look",
        "danke",
        "ok danke",
        "alles klar",
        "merci",
        "bien recu",
        "ok merci",
        "gracias",
        "recibido",
        "thanks for the note",
        "thanks for the info",
        "thanks noted",
        "ty",
        "k thanks",
        "fyi thanks",
    ];
    TAKEN.contains(&key)
}

/// Whether they ask for fewer messages, not for none.
pub(super) fn slow_down(key: &str) -> bool {
    const SLOW: &[&str] = &[
        "slow down",
        "less often",
        "less frequently",
        "fewer emails",
        "fewer messages",
        "not so often",
        "so many emails",
        "too many emails",
        "too often",
        "every few days",
        "give me some time",
        "give me time",
        "be patient",
        "bear with me",
        "no need to chase",
        "stop chasing",
        "weniger oft",
        "nicht so oft",
        "moins souvent",
        "laissez moi le temps",
        "menos correos",
        "dont chase",
        "once a quarter is enough",
        "no need for reminders",
    ];
    SLOW.iter().any(|p| has(key, p))
}
