//! Numbers that must not be metrics, under whatever name.
//!
//! The playbook: "Do not measure messages sent […]. Do not measure AI suggestions
//! accepted […]. Do not measure user satisfaction at week six", and neither opens nor clicks. A name is one of them if it
//! holds a word for the thing and a word for what was done with it, in any order, number and spelling (`emailsSent`,
//! `E-Mails sent`, `MSGS_SENT`). Only what is measured counts, not what it is divided by: opt-outs *per* message sent may
//! be a metric. Names in other languages than English are not known.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A number that must not be a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ban {
    /// How much went out.
    MessagesSent,
    /// How often people said yes to the program.
    SuggestionsAccepted,
    /// How content users say they are.
    Satisfaction,
    /// How often a mail was opened.
    Opens,
    /// How often a link was clicked.
    Clicks,
}

impl Ban {
    /// What it is.
    #[must_use]
    pub const fn what(self) -> &'static str {
        match self {
            Self::MessagesSent => "the number of messages sent",
            Self::SuggestionsAccepted => "the number of suggestions accepted",
            Self::Satisfaction => "users' satisfaction",
            Self::Opens => "opens of mails",
            Self::Clicks => "clicks on links",
        }
    }

    /// Why it must not be measured.
    #[must_use]
    pub const fn why(self) -> &'static str {
        match self {
            Self::MessagesSent => "High volume usually shows friction, not value, and counting it makes more of it",
            Self::SuggestionsAccepted => {
                "Clicking yes is work for the program; what counts is whether a decision changed"
            }
            Self::Satisfaction => "Sales teams are polite to pilots, whatever they are worth",
            Self::Opens => "Mail programs fetch pictures by themselves, so it counts machines, and it needs tracking",
            Self::Clicks => "Filters follow links before a person does, so it counts machines, and it needs tracking",
        }
    }

    /// What to measure instead.
    #[must_use]
    pub const fn instead(self) -> &'static str {
        match self {
            Self::MessagesSent => "`qualified_meetings`, `reply_rate` or `pipeline_per_seller`",
            Self::SuggestionsAccepted => "`decisions_changed` or `draft_distance`",
            Self::Satisfaction => "`workflow_completions` and `win_rate`",
            Self::Opens | Self::Clicks => "`reply_rate`",
        }
    }
}

/// Messages of any kind.
const MESSAGES: &[&str] = &[
    "message",
    "msg",
    "mail",
    "email",
    "dm",
    "inmail",
    "sms",
    "text",
    "touch",
    "touchpoint",
    "outreach",
    "letter",
    "sequence",
    "cadence",
    "outbound",
    "campaign",
    "newsletter",
    "send",
];
/// What is said of them when they are counted.
const SENT: &[&str] = &[
    "send",
    "sent",
    "sending",
    "deliver",
    "delivery",
    "dispatch",
    "volume",
    "count",
    "number",
    "quantity",
    "total",
    "throughput",
    "output",
    "activity",
    "daily",
    "weekly",
    "day",
    "week",
    "many",
    "launch",
    "fire",
    "blast",
    "outgoing",
];
/// What the program puts before people.
const SUGGESTIONS: &[&str] = &[
    "suggestion",
    "recommendation",
    "proposal",
    "card",
    "tip",
    "hint",
    "insight",
    "prompt",
    "draft",
    "nudge",
    "cue",
    "ai",
    "copilot",
    "assistant",
    "coach",
    "reframe",
    "battlecard",
];
/// What is said of them when yeses are counted.
const ACCEPTED: &[&str] = &[
    "accept",
    "acceptance",
    "approve",
    "approval",
    "adopt",
    "adoption",
    "uptake",
    "use",
    "usage",
    "take",
    "taken",
    "apply",
    "applied",
    "confirm",
    "confirmation",
    "yes",
    "agree",
    "agreement",
    "click",
    "usefulness",
];
/// Being content.
const CONTENT: &[&str] =
    &["satisfaction", "satisfied", "csat", "nps", "happiness", "happy", "delight", "contentment", "mood", "liking"];
/// Whose contentment may be measured: that of those who buy.
const BUYERS: &[&str] = &["customer", "buyer", "client", "prospect"];
/// The seller's side, and the pilot.
const USERS: &[&str] = &["user", "rep", "seller", "team", "employee", "pilot", "week", "sdr", "bdr", "ae"];
/// What may be open without having been opened.
const OPEN_THINGS: &[&str] = &[
    "deal",
    "case",
    "pipeline",
    "opportunity",
    "opp",
    "role",
    "position",
    "question",
    "issue",
    "objection",
    "task",
    "commitment",
    "promise",
    "ticket",
    "walk",
    "item",
    "proposal",
    "risk",
    "account",
    "invoice",
    "window",
];
/// Looking at a mail.
const LOOKED: &[&str] = &["view", "read", "seen", "impression", "receipt", "pixel", "tracking"];
/// Mails alone, for those.
const MAILS: &[&str] = &["mail", "email", "message", "msg", "inmail", "newsletter", "campaign"];

/// Which banned number a name or sentence is of, if it is of one.
#[must_use]
pub fn banned(name: &str) -> Option<Ban> {
    let words = words(name);
    let has = |list: &[&str]| words.iter().any(|w| list.contains(&w.as_str()));
    let click = |w: &String| matches!(w.as_str(), "click" | "clickthrough" | "ctr" | "clickrate" | "clicker");
    let through = words.windows(2).any(|w| w[0] == "click" && w[1] == "through");
    let glued = glued(&words);
    // Clicks and opens come first: "suggestion click rate" is both, and the first reason is the stronger.
    if through || glued == Some(Ban::Clicks) || words.iter().any(click) && !has(&["one", "single"]) {
        return Some(Ban::Clicks);
    }
    let opened = words.iter().enumerate().any(|(i, w)| {
        let thing = words.get(i + 1).is_some_and(|next| OPEN_THINGS.contains(&next.as_str()));
        w == "opener" && words.get(i + 1).is_some_and(|next| next == "rate") || w == "open" && !thing
    });
    let looked = has(LOOKED) && has(MAILS);
    if opened || looked || glued == Some(Ban::Opens) {
        return Some(Ban::Opens);
    }
    if has(CONTENT) && (!has(BUYERS) || has(USERS)) {
        return Some(Ban::Satisfaction);
    }
    let yes = has(ACCEPTED) && has(SUGGESTIONS);
    let bare = words
        .windows(2)
        .any(|w| matches!(w[0].as_str(), "accept" | "acceptance" | "approve" | "approval") && w[1] == "rate");
    if yes
        || bare
        || words.len() == 1 && has(&["acceptance", "approval", "accept"])
        || glued == Some(Ban::SuggestionsAccepted)
    {
        return Some(Ban::SuggestionsAccepted);
    }
    let twice = words.iter().filter(|w| MESSAGES.contains(&w.as_str()) || SENT.contains(&w.as_str())).count() > 1;
    let alone = words.len() == 1
        && has(&["message", "msg", "mail", "email", "dm", "sms", "touch", "send", "sent", "touchpoint"]);
    let answered = has(&[
        "reply",
        "answer",
        "response",
        "positive",
        "meeting",
        "distance",
        "edit",
        "bounce",
        "complaint",
        "opt",
        "unsubscribe",
    ]);
    if (has(MESSAGES) && has(SENT) && twice || alone || glued == Some(Ban::MessagesSent)) && !answered {
        return Some(Ban::MessagesSent);
    }
    None
}

/// The words of what is measured, each in its plain form: what stands after `per` or `/` is what it is divided by.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut lower = false;
    // `e-mail` is one word.
    let name = name
        .replace("e-mail", "email")
        .replace("E-mail", "email")
        .replace("E-Mail", "email")
        .replace("E-MAIL", "email");
    for c in name.chars() {
        // `emailsSent` and `opens2` are two words.
        let edge = c.is_uppercase() && lower || c.is_numeric();
        if (!c.is_alphabetic() || edge) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if c == '/' {
            words.push("per".to_owned());
        }
        if c.is_alphabetic() {
            word.extend(c.to_lowercase());
        }
        lower = c.is_lowercase();
    }
    words.push(word);
    words.retain(|w| !w.is_empty());
    let end = words.iter().position(|w| w == "per" || w == "divided").unwrap_or(words.len());
    // A name that begins with `per` is all of it.
    if end > 0 {
        words.truncate(end);
    }
    words.iter().map(|w| plain(w)).collect()
}

/// A word without the endings of plural and past: `messages` and `messaged` are `message`.
fn plain(word: &str) -> String {
    const FORMS: &[(&str, &str)] = &[
        ("sent", "send"),
        ("sends", "send"),
        ("msgs", "msg"),
        ("used", "use"),
        ("uses", "use"),
        ("using", "use"),
        ("approving", "approve"),
        ("taken", "take"),
        ("took", "take"),
        ("replies", "reply"),
        ("deliveries", "delivery"),
        ("activities", "activity"),
        ("opportunities", "opportunity"),
        ("queries", "query"),
        ("sms", "sms"),
        ("nps", "nps"),
        ("pass", "pass"),
        ("happiness", "happiness"),
        ("usefulness", "usefulness"),
        ("yes", "yes"),
        ("opening", "open"),
        ("reads", "read"),
        ("feed", "feed"),
        ("touches", "touch"),
        ("touched", "touch"),
        ("dispatches", "dispatch"),
        ("launches", "launch"),
        ("messaging", "message"),
        ("mailing", "mail"),
        ("mailings", "mail"),
        ("emailing", "email"),
        ("clicking", "click"),
        ("accepting", "accept"),
        ("satisfy", "satisfaction"),
        ("satisfied", "satisfied"),
        ("applied", "apply"),
        ("applies", "apply"),
    ];
    if let Some((_, form)) = FORMS.iter().find(|(w, _)| *w == word) {
        return (*form).to_owned();
    }
    // Past forms keep their e: `approved` is `approve`, `clicked` is `click`.
    let known = |w: &str| [MESSAGES, SENT, SUGGESTIONS, ACCEPTED, LOOKED].iter().any(|list| list.contains(&w));
    for ending in ["d", "ed", "s", "es"] {
        if let Some(stem) = word.strip_suffix(ending)
            && known(stem)
        {
            return stem.to_owned();
        }
    }
    let singular = word.strip_suffix("ed").filter(|s| matches!(*s, "open" | "click"));
    let singular = singular.or_else(|| word.strip_suffix('s').filter(|s| s.len() > 2 && !s.ends_with('s')));
    singular.unwrap_or(word).to_owned()
}

/// Names written without any break: `emailssent`, `openrate`.
fn glued(words: &[String]) -> Option<Ban> {
    let [one] = words else { return None };
    let both = |things: &[&str], acts: &[&str]| {
        things.iter().any(|thing| {
            let rest = one.strip_prefix(thing).map(|rest| rest.strip_prefix('s').unwrap_or(rest));
            let after =
                rest.is_some_and(|rest| acts.iter().any(|act| rest == *act || rest.strip_suffix("ed") == Some(act)));
            let before = acts
                .iter()
                .any(|act| one.strip_prefix(act).is_some_and(|rest| rest.strip_prefix("ed").unwrap_or(rest) == *thing));
            after || before
        })
    };
    if matches!(one.as_str(), "openrate" | "emailopen" | "mailopen" | "uniqueopen") {
        Some(Ban::Opens)
    } else if matches!(one.as_str(), "clickrate" | "linkclick" | "uniqueclick") {
        Some(Ban::Clicks)
    } else if both(SUGGESTIONS, ACCEPTED) || one == "acceptancerate" || one == "approvalrate" {
        Some(Ban::SuggestionsAccepted)
    } else if both(MESSAGES, SENT) {
        Some(Ban::MessagesSent)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_must_not_be_measured_is_known_under_any_name() {
        let of = |ban: Ban, names: &[&str]| {
            for name in names {
                assert_eq!(banned(name), Some(ban), "{name}: {:?}", words(name));
            }
        };
        of(
            Ban::MessagesSent,
            &[
                "messages_sent",
                "Messages Sent",
                "MESSAGES-SENT",
                "messagesSent",
                "message_sent",
                "sent_messages",
                "msgs_sent",
                "emails_sent",
                "E-mails sent",
                "emailsSent",
                "emailssent",
                "mail_volume",
                "email_count",
                "number of emails",
                "DMs sent",
                "sms sent",
                "touches_per_day_total",
                "touches",
                "outbound activity",
                "outbound_volume",
                "sends",
                "emails_delivered",
                "daily emails",
                "messages_sent_per_rep",
                "sequences launched",
                "How many messages a rep sent",
                "sent",
            ],
        );
        of(
            Ban::SuggestionsAccepted,
            &[
                "suggestions_accepted",
                "suggestion acceptance",
                "Suggestion Acceptance Rate",
                "accepted_suggestions",
                "acceptanceRate",
                "approval_rate",
                "ai adoption",
                "cards_used",
                "card usage",
                "drafts approved",
                "proposals_approved",
                "recommendation uptake",
                "insights applied",
                "suggestionsaccepted",
                "acceptance",
                "share of suggestions accepted",
                "tips taken",
                "draft_acceptance_per_week",
            ],
        );
        of(
            Ban::Satisfaction,
            &[
                "satisfaction",
                "user_satisfaction",
                "week_6_satisfaction",
                "week6Satisfaction",
                "CSAT",
                "nps",
                "rep happiness",
                "How satisfied sellers are",
                "seller_nps",
                "customer satisfaction of users",
            ],
        );
        of(
            Ban::Opens,
            &[
                "opens",
                "open_rate",
                "Open Rate",
                "openRate",
                "openrate",
                "email opens",
                "emails_opened",
                "unique_opens",
                "opened",
                "email views",
                "read receipts of mails",
                "OPENS",
            ],
        );
        of(
            Ban::Clicks,
            &[
                "clicks",
                "click_rate",
                "CTR",
                "clickthrough",
                "click-through rate",
                "clickThroughRate",
                "links clicked",
                "clickrate",
                "unique clicks",
            ],
        );
    }

    #[test]
    fn what_may_be_measured_is_let_through() {
        for name in [
            "pipeline_per_seller",
            "win_rate",
            "Win rate at named stages",
            "time_to_close",
            "forecast_accuracy",
            "decisions_changed",
            "reply_rate",
            "qualified_meetings",
            "opt_out_rate",
            "complaint_rate",
            "workflow_completions",
            "draft_distance",
            "open_cases",
            "open pipeline",
            "Open deals per seller",
            "opt_outs_per_message_sent",
            "complaints / emails sent",
            "replies per message sent",
            "recording adoption",
            "customer satisfaction",
            "positive_reply_rate",
            "meetings booked per week",
            "time from signal to first call",
            "bounce rate of emails sent",
            "stage_conversion",
            "hygiene coverage",
            "median hours from reply to answer",
        ] {
            assert_eq!(banned(name), None, "{name}: {:?}", words(name));
        }
    }
}
