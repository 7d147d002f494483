//! What a message must carry besides its text: how to stop further ones, who sends it, and that a program helped.

use reframe_workflow::gate::Unsubscribe;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::lint::Language;

/// What stands below the name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Footer {
    /// The sending company's name.
    pub company: String,
    /// Its postal address (US: 15 U.S.C. § 7704(a)(5)(A)(iii)), on one line.
    pub postal_address: String,
    /// Whether it says that a program helped to write (EU: Regulation 2024/1689, article 50, where it applies).
    #[serde(default)]
    pub discloses_ai: bool,
}

impl Footer {
    /// The lines below the name, in the language of the message; nothing without company or address.
    #[must_use]
    pub fn text(&self, language: Language) -> Option<String> {
        let mut lines = vec![self.sender()?, stop_line(language).to_owned()];
        if self.discloses_ai {
            lines.push(helped_line(language).to_owned());
        }
        Some(lines.join("\n"))
    }

    /// Company and postal address, on one line; nothing without either.
    #[must_use]
    pub fn sender(&self) -> Option<String> {
        let clean = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let (company, address) = (clean(&self.company), clean(&self.postal_address));
        if company.is_empty() || address.is_empty() { None } else { Some(format!("{company}, {address}")) }
    }
}

/// How to get no more messages.
#[must_use]
pub const fn stop_line(language: Language) -> &'static str {
    match language {
        Language::English => "If you would rather not hear from me, answer \"stop\" and I will not write again.",
        Language::German => {
            "Wenn Sie keine Nachrichten von mir möchten, antworten Sie mit „stop“; dann schreibe ich nicht mehr."
        }
        Language::French => "Si vous ne souhaitez plus de messages de ma part, répondez « stop » et je n'écrirai plus.",
        Language::Japanese => "今後のご連絡が不要な場合は「停止」とご返信ください。",
    }
}

/// That a program helped to write.
#[must_use]
pub const fn helped_line(language: Language) -> &'static str {
    match language {
        Language::English => "A program helped to draft this message; a person read, approved and sent it.",
        Language::German => {
            "Ein Programm hat beim Entwurf geholfen; ein Mensch hat ihn gelesen, freigegeben und gesendet."
        }
        Language::French => "Un programme a aidé à rédiger ce message ; une personne l'a lu, approuvé et envoyé.",
        Language::Japanese => "本メールの下書きにはプログラムを使用し、担当者が確認・承認のうえ送信しています。",
    }
}

/// What a message carries, to be held against what a rule of law requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Carried {
    /// `List-Unsubscribe`.
    pub unsubscribe: bool,
    /// `List-Unsubscribe-Post` (RFC 8058): one click is enough.
    pub one_click: bool,
    /// The sender's postal address.
    pub postal_address: bool,
    /// That a program helped.
    pub discloses_ai: bool,
}

impl Carried {
    /// By a message with this footer and this way to stop.
    #[must_use]
    pub fn by(footer: &Footer, unsubscribe: Option<&Unsubscribe>) -> Self {
        Self {
            unsubscribe: unsubscribe.is_some(),
            one_click: unsubscribe.is_some_and(|u| u.https.is_some()),
            postal_address: footer.text(Language::English).is_some(),
            discloses_ai: footer.discloses_ai,
        }
    }
}
