//! What is known of the deal a call is about. It chooses among the texts of a card, and which of two cards that wait and
//! weigh the same comes up first; it never decides whether a play is heard.

use serde::{Deserialize, Serialize};

use crate::date::Date;

/// Longest value of an attribute, in characters.
pub const MAX_ATTRIBUTE_CHARS: usize = 200;
/// Most plays that may be named as likely.
pub const MAX_PLAYS: usize = 50;
/// Longest planned call, in minutes: a day.
pub const MAX_PLANNED_MINUTES: u32 = 24 * 60;

/// What is known of the deal a call is about. Everything may be missing. Like the settings it is part of what decides
/// the log, so the log's first event holds it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Deal {
    /// Name of the call, by which the variant of a card is chosen. The server fills in the call's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The deal's id in the CRM: what is written down after the call goes there. Found by who was on the call, if it is
    /// left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crm_id: Option<String>,
    /// Day of the call: proof points that have run out by then are not shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub date: Option<Date>,
    /// Planned length of the call in minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planned_minutes: Option<u32>,
    /// The buyer's industry: `logistics`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub industry: Option<String>,
    /// The buyer's size in employees: a number or a range (`120`, `11-200`, `1000+`), or a word of your own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<String>,
    /// Who else they talk to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub competitor: Option<String>,
    /// How far the deal is: `discovery`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// Language of the call: `en`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Ids of plays whose cards are likely to be needed, the likeliest first: of cards that wait and weigh the same theirs
    /// comes up first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub plays: Vec<String>,
}

impl Deal {
    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What is wrong with it, in words that say what to write; the first thing found.
    ///
    /// # Errors
    /// If a value is empty, too long or no plain text, or the planned length is not within a day.
    pub fn check(&self) -> Result<(), String> {
        let texts = [
            ("id", &self.id),
            ("crm_id", &self.crm_id),
            ("industry", &self.industry),
            ("size", &self.size),
            ("competitor", &self.competitor),
            ("stage", &self.stage),
            ("language", &self.language),
        ];
        for (name, value) in texts {
            let Some(value) = value else { continue };
            if value.trim().is_empty() {
                return Err(format!("deal.{name} is empty; leave it out if it is not known"));
            }
            if value.chars().count() > MAX_ATTRIBUTE_CHARS {
                return Err(format!("deal.{name} is longer than {MAX_ATTRIBUTE_CHARS} characters"));
            }
            if value.chars().any(char::is_control) {
                return Err(format!("deal.{name} holds control characters; send plain text"));
            }
        }
        if self.plays.len() > MAX_PLAYS {
            return Err(format!("deal.plays names {} plays; name at most {MAX_PLAYS}", self.plays.len()));
        }
        let no_id =
            |p: &String| p.is_empty() || p.chars().count() > MAX_ATTRIBUTE_CHARS || p.chars().any(char::is_control);
        if self.plays.iter().any(no_id) {
            return Err("deal.plays holds something that is no play's id; leave it out".to_owned());
        }
        if self.planned_minutes.is_some_and(|m| !(1..=MAX_PLANNED_MINUTES).contains(&m)) {
            return Err(format!("deal.planned_minutes must be 1 to {MAX_PLANNED_MINUTES}"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_is_written() {
        assert!(Deal::default().is_empty());
        assert_eq!(serde_json::to_string(&Deal::default()).unwrap(), "{}");
        let deal = Deal { stage: Some("pilot".into()), date: "2026-05-01".parse().ok(), ..Deal::default() };
        let text = serde_json::to_string(&deal).unwrap();
        assert_eq!(text, r#"{"date":"2026-05-01","stage":"pilot"}"#);
        assert_eq!(serde_json::from_str::<Deal>(&text).unwrap(), deal);
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(Deal::default().check(), Ok(()));
        let deal = Deal { industry: Some(" ".into()), ..Deal::default() };
        assert!(deal.check().unwrap_err().contains("deal.industry is empty"));
        let deal = Deal { id: Some("x".repeat(201)), ..Deal::default() };
        assert!(deal.check().unwrap_err().contains("deal.id is longer"));
        let deal = Deal { stage: Some("pi\u{7}lot".into()), ..Deal::default() };
        assert!(deal.check().unwrap_err().contains("deal.stage holds control characters"));
        let deal = Deal { plays: vec!["price".into(); MAX_PLAYS + 1], ..Deal::default() };
        assert!(deal.check().unwrap_err().contains("deal.plays names 51 plays"));
        let deal = Deal { plays: vec![String::new()], ..Deal::default() };
        assert!(deal.check().unwrap_err().contains("deal.plays"));
        let deal = Deal { planned_minutes: Some(0), ..Deal::default() };
        assert!(deal.check().unwrap_err().contains("planned_minutes"));
    }
}
