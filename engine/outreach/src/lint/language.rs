//! What differs by language: greetings, closings, months, ways to name a next step.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Languages a message can be checked in; written are English, German and French.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Language {
    /// English.
    #[default]
    #[serde(rename = "en")]
    English,
    /// German: more formal, full greeting.
    #[serde(rename = "de")]
    German,
    /// French.
    #[serde(rename = "fr")]
    French,
    /// Japanese: name with 様, polite forms; checked only.
    #[serde(rename = "ja")]
    Japanese,
}

impl Language {
    /// The one a code names.
    #[must_use]
    pub fn of(code: &str) -> Option<Self> {
        let code = code.split(['-', '_']).next().unwrap_or_default().to_lowercase();
        [("en", Self::English), ("de", Self::German), ("fr", Self::French), ("ja", Self::Japanese)]
            .into_iter()
            .find_map(|(name, language)| (name == code).then_some(language))
    }

    /// Its code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::French => "fr",
            Self::Japanese => "ja",
        }
    }

    /// The greeting a first message begins with, to tell what to write.
    #[must_use]
    pub fn greeting(self, first_name: &str) -> String {
        match self {
            Self::English => format!("Hi {first_name},"),
            Self::German => format!("Hallo {first_name},"),
            Self::French => format!("Bonjour {first_name},"),
            Self::Japanese => format!("{first_name}様"),
        }
    }

    /// Whether a line is a right greeting. Letters count as they are: one of another script in the name is wrong.
    #[must_use]
    pub fn is_greeting(self, line: &str, first_name: &str) -> bool {
        let line = line.trim();
        let bare = line.strip_suffix([',', '，', '、']).unwrap_or(line).trim_end();
        let titled = |lead: &str, titles: &[&str]| {
            let rest = bare.strip_prefix(lead).and_then(|r| titles.iter().find_map(|t| r.strip_prefix(t)));
            rest.is_some_and(|name| {
                let name = ["Dr. ", "Prof. Dr. ", "Prof. "].iter().find_map(|t| name.strip_prefix(t)).unwrap_or(name);
                let parts = name.split(' ').count();
                let clean = name.chars().all(|c| c.is_alphabetic() || " '-’.".contains(c));
                parts <= 3 && clean && name.starts_with(|c: char| c.is_uppercase() || c == 'd' || c == 'v')
            })
        };
        match self {
            Self::English => bare == format!("Hi {first_name}"),
            Self::German => bare == format!("Hallo {first_name}") || titled("Guten Tag ", &["Herr ", "Frau "]),
            Self::French => bare == format!("Bonjour {first_name}") || titled("Bonjour ", &["Madame ", "Monsieur "]),
            Self::Japanese => bare.ends_with('様') && bare.contains(first_name.trim_end_matches('様').trim()),
        }
    }

    /// Lines such as "Viele Grüße" between the text and the name, as keys. In English there is none: the name alone.
    #[must_use]
    pub const fn closings(self) -> &'static [&'static str] {
        match self {
            Self::English => &[
                "best",
                "best regards",
                "kind regards",
                "regards",
                "cheers",
                "thanks",
                "thank you",
                "many thanks",
                "warm regards",
                "warmly",
                "sincerely",
                "all the best",
                "best wishes",
                "talk soon",
                "yours",
                "kindest regards",
                "with best regards",
            ],
            Self::German => &[
                "viele gruesse",
                "beste gruesse",
                "freundliche gruesse",
                "mit freundlichen gruessen",
                "herzliche gruesse",
                "gruesse",
                "schoene gruesse",
                "liebe gruesse",
                "mit besten gruessen",
                "viele gruesse aus berlin",
                "danke und gruesse",
            ],
            Self::French => &[
                "cordialement",
                "bien cordialement",
                "bien a vous",
                "salutations",
                "sinceres salutations",
                "belle journee",
                "bonne journee",
                "merci",
                "a bientot",
                "respectueusement",
            ],
            Self::Japanese => &[
                "よろしくお願いいたします",
                "よろしくお願いします",
                "何卒よろしくお願いいたします",
                "敬具",
                "どうぞよろしくお願いいたします",
                "何卒よろしくお願い申し上げます",
            ],
        }
    }

    /// Words for a talk.
    pub(super) const fn talks(self) -> &'static [&'static str] {
        match self {
            Self::English => &[
                "call",
                "chat",
                "conversation",
                "talk",
                "meeting",
                "discussion",
                "walkthrough",
                "walk through",
                "demo",
                "session",
                "catch up",
                "compare notes",
                "exchange",
                "swap notes",
                "speak",
                "discuss",
                "conversations",
                "look at",
                "go through",
                "walk you through",
                "sketch",
                "show you",
                "coffee",
                "video call",
                "intro",
                "review",
                "talking through",
                "talk through",
                "phone",
                "zoom",
            ],
            Self::German => &[
                "gespraech",
                "austausch",
                "telefonat",
                "call",
                "anruf",
                "sprechen",
                "austauschen",
                "telefonieren",
                "termin",
                "unterhalten",
                "gespraechs",
                "besprechen",
                "reden",
                "zeigen",
                "vergleichen",
                "durchgehen",
            ],
            Self::French => &[
                "echange",
                "appel",
                "entretien",
                "conversation",
                "discussion",
                "echanger",
                "discuter",
                "parler",
                "call",
                "point",
                "rendez vous",
                "visio",
                "comparer",
                "telephone",
            ],
            Self::Japanese => &[
                "打ち合わせ",
                "お話",
                "会話",
                "ミーティング",
                "面談",
                "お時間",
                "通話",
                "ご相談",
                "意見交換",
                "お電話",
                "情報交換",
            ],
        }
    }

    /// Words for minutes.
    pub(super) const fn minutes(self) -> &'static [&'static str] {
        match self {
            Self::English => {
                &["minute", "minutes", "min", "mins", "quarter of an hour", "quarter hour", "half an hour", "half hour"]
            }
            Self::German => &[
                "minuten",
                "min",
                "minuetiges",
                "minuetigen",
                "minuetiger",
                "viertelstunde",
                "halbe stunde",
                "viertelstuendiges",
            ],
            Self::French => &["minutes", "min", "mn", "quart dheure", "demi heure"],
            Self::Japanese => &["分"],
        }
    }
}

/// Phrases nobody wants to read at the beginning, or anywhere, of a first message; as keys, all languages.
#[rustfmt::skip]
pub const FORBIDDEN: &[&str] = &[
    "finds you well", "finds you in good", "hope you are well", "hope youre well", "hope you are doing well",
    "hope youre doing well", "hope all is well", "hope alls well", "hope everything is well", "hope you had a great",
    "hope you had a good", "hope youre having", "hope you are having", "hope your week", "hope your day",
    "hope your weekend", "hope this email", "hope this message", "hope this note", "trust you are well", "trust this",
    "hope things are well", "hope things are going", "hope to find you well", "circling back", "circle back",
    "circled back", "circling round", "checking in", "check in with you", "checking back", "wanted to check in",
    "touching base", "touch base", "touched base", "i know youre busy", "i know you are busy",
    "i know youre very busy", "i know you are very busy", "i know how busy", "know youre busy", "know you are busy",
    "know you must be busy", "you must be busy", "sure youre busy", "sure you are busy", "imagine youre busy",
    "know your time is valuable", "know that youre busy", "know that you are busy", "youre probably busy",
    "you are probably busy", "youre a busy", "you are a busy", "quick question", "quick q", "my name is",
    "let me introduce myself", "allow me to introduce", "to introduce myself", "just following up",
    "just a follow up", "following up on my", "bumping this", "bump this", "floating this", "float this",
    "per my last", "as per my", "sorry to bother", "sorry to bug", "to whom it may concern", "dear sir",
    "pick your brain", "picking your brain", "long time no see", "happy monday", "happy friday", "happy tuesday",
    "happy wednesday", "happy thursday", "did you get a chance to", "did you see my last", "pushing this to the top",
    "top of your inbox", "nachricht erreicht sie", "nachricht erreicht dich", "mail erreicht sie",
    "hoffe es geht ihnen gut", "hoffe es geht dir gut", "hoffe ihnen geht es gut", "hoffe dir geht es gut",
    "ich hoffe diese", "ich hoffe sie hatten", "mein name ist", "kurze frage", "ich wollte nur kurz nachfragen",
    "nur kurz nachfragen", "wollte kurz nachfragen", "nur mal nachhaken", "nachhaken", "viel beschaeftigt",
    "sehr beschaeftigt", "wenig zeit haben", "viel zu tun haben", "darf mich kurz vorstellen",
    "ich melde mich nochmal", "jespere que vous allez bien", "jespere que ce message", "jespere que ce mail",
    "jespere que tout va bien", "jespere que cet email", "en esperant que ce message", "je reviens vers vous",
    "je me permets de revenir", "je me permets de vous relancer", "je sais que vous etes", "vous etes tres occupe",
    "petite question", "question rapide", "je mappelle", "mon nom est", "je me presente", "お元気でお過ごし",
];
