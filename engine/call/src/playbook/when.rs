//! Rules beyond what is said in one sentence: how the call goes, and what has not been said in it.
//!
//! What each rule measures, with its formula and where its defaults come from, stands in `docs/PLAYS.md`; the folds that
//! measure it are in [`crate::cues`].

use serde::Deserialize;

use super::{SpeakerRule, phrase};
use crate::detect::normalize::tokens_of_text;

/// Longest window or limit in minutes. What is remembered of a call is bounded by it.
pub const MAX_MINUTES: u32 = 60;
/// Latest minute of a call a rule can wait for: four hours.
pub const MAX_BY_MINUTE: u32 = 240;
/// Longest limit in seconds.
pub const MAX_SECONDS: u32 = 3_600;
/// Most phrases or example sentences of one rule.
pub const MAX_PHRASES: usize = 200;
/// Most occurrences a rule counts up to.
pub const MAX_COUNT: u32 = 50;

/// A rule beyond what is said in one sentence. Minutes and seconds are media time; minutes of the call count from the
/// first speech heard.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "rule", rename_all = "snake_case", deny_unknown_fields)]
pub enum When {
    /// By `minute`, `speaker` has said none of this.
    NotSaidBy {
        /// Whose words count.
        #[serde(default = "rep")]
        speaker: SpeakerRule,
        /// Minute of the call, from its first speech.
        minute: u32,
        /// Any of these would do.
        #[serde(default)]
        phrases: Vec<String>,
        /// Or a sentence like one of these.
        #[serde(default)]
        like: Vec<String>,
    },
    /// The buyer says one thing and the rep does not answer with another in time.
    Sequence {
        /// What the buyer says: any of these phrases.
        #[serde(default)]
        buyer: Vec<String>,
        /// Or raises: a detection with this label.
        #[serde(default)]
        label: Option<String>,
        /// What the rep should say then: any of these phrases.
        #[serde(default)]
        rep_does_not: Vec<String>,
        /// Or a sentence like one of these.
        #[serde(default)]
        like: Vec<String>,
        /// Seconds the rep has.
        #[serde(default = "within_s")]
        within_s: u32,
    },
    /// One speaker goes on without a turn of anybody else.
    Monologue {
        /// Whose.
        #[serde(default = "rep")]
        speaker: SpeakerRule,
        /// Seconds.
        #[serde(default = "monologue_s")]
        longer_than_s: u32,
    },
    /// The rep has too large a share of the speech.
    TalkRatio {
        /// Percent of all speech time.
        #[serde(default = "rep_above_percent")]
        rep_above_percent: u32,
        /// Not before this minute.
        #[serde(default = "ten")]
        after_minute: u32,
        /// Minutes looked back.
        #[serde(default = "ten")]
        window_min: u32,
    },
    /// The rep asks too few questions.
    QuestionRate {
        /// Questions.
        #[serde(default = "fewer_than")]
        fewer_than: u32,
        /// In so many minutes.
        #[serde(default = "ten", alias = "per_min")]
        window_min: u32,
        /// Not before this minute.
        #[serde(default = "ten")]
        after_minute: u32,
    },
    /// Somebody speaks too fast.
    Pace {
        /// Who.
        #[serde(default = "rep")]
        speaker: SpeakerRule,
        /// Words per minute of that speaker's speech.
        #[serde(default = "words_per_minute")]
        words_per_minute_above: u32,
        /// Over so many seconds of that speaker's speech.
        #[serde(default = "sixty")]
        over_s: u32,
    },
    /// The rep interrupts the buyer again and again.
    Interruptions {
        /// Times.
        #[serde(default = "three")]
        at_least: u32,
        /// In so many minutes.
        #[serde(default = "ten")]
        within_min: u32,
    },
    /// Nobody speaks.
    DeadAir {
        /// Seconds.
        #[serde(default = "dead_air_s")]
        longer_than_s: u32,
    },
    /// A name is mentioned, by whom the play's `speaker` admits.
    Mention {
        /// Which names.
        names: Names,
    },
    /// The detector found this class, in words of whom the play's `speaker` admits.
    Label {
        /// The class.
        is: String,
    },
    /// The call is nearly over, and nobody has spoken of what comes next. Needs the call's planned length.
    NoNextStep {
        /// Minutes before the planned end.
        #[serde(default = "five")]
        minutes_before_end: u32,
        /// What counts as a next step: any of these phrases.
        #[serde(default)]
        phrases: Vec<String>,
        /// Or a sentence like one of these.
        #[serde(default)]
        like: Vec<String>,
    },
    /// The rep has not said what the call is about.
    AgendaMissing {
        /// By this minute.
        #[serde(default = "five")]
        by_minute: u32,
        /// What counts as saying it: any of these phrases.
        #[serde(default)]
        phrases: Vec<String>,
        /// Or a sentence like one of these.
        #[serde(default)]
        like: Vec<String>,
    },
    /// The rep has not asked something.
    NeverAsked {
        /// By this minute.
        #[serde(default = "twenty")]
        by_minute: u32,
        /// What counts as asking it: any of these phrases.
        #[serde(default)]
        phrases: Vec<String>,
        /// Or a sentence like one of these.
        #[serde(default)]
        like: Vec<String>,
    },
}

/// Names to listen for.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
pub enum Names {
    /// `"competitors"`, `"products"` or `"people"` of the playbook's vocabulary.
    Of(NameList),
    /// These.
    These(Vec<String>),
}

/// A list of the playbook's vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum NameList {
    /// Who else sells it.
    Competitors,
    /// What we sell.
    Products,
    /// People likely to be named.
    People,
}

// Where these numbers come from: docs/PLAYS.md.
const fn rep() -> SpeakerRule {
    SpeakerRule::Rep
}
const fn three() -> u32 {
    3
}
const fn five() -> u32 {
    5
}
const fn ten() -> u32 {
    10
}
const fn twenty() -> u32 {
    20
}
const fn sixty() -> u32 {
    60
}
const fn within_s() -> u32 {
    30
}
const fn monologue_s() -> u32 {
    120
}
const fn rep_above_percent() -> u32 {
    65
}
const fn fewer_than() -> u32 {
    2
}
const fn words_per_minute() -> u32 {
    190
}
const fn dead_air_s() -> u32 {
    8
}

impl When {
    /// What is wrong with it, in words that say what to write. Empty if nothing is.
    #[must_use]
    pub fn check(&self) -> Vec<String> {
        let mut wrong = Wrong(Vec::new());
        match self {
            Self::NotSaidBy { minute, phrases, like, .. } => {
                wrong.number("minute", *minute, 1, MAX_BY_MINUTE);
                wrong.said("phrases", phrases, like);
            }
            Self::Sequence { buyer, label, rep_does_not, like, within_s } => {
                wrong.number("within_s", *within_s, 1, MAX_SECONDS);
                wrong.phrases("buyer", buyer);
                if buyer.is_empty() && label.is_none() {
                    wrong.say("buyer and label are both missing: write what the buyer says, or the label of what the buyer raises".into());
                }
                wrong.label(label.as_deref());
                wrong.said("rep_does_not", rep_does_not, like);
            }
            Self::Monologue { longer_than_s, .. } => wrong.number("longer_than_s", *longer_than_s, 10, MAX_SECONDS),
            Self::TalkRatio { rep_above_percent, after_minute, window_min } => {
                wrong.number("rep_above_percent", *rep_above_percent, 1, 99);
                wrong.number("after_minute", *after_minute, 0, MAX_BY_MINUTE);
                wrong.number("window_min", *window_min, 1, MAX_MINUTES);
            }
            Self::QuestionRate { fewer_than, window_min, after_minute } => {
                wrong.number("fewer_than", *fewer_than, 1, MAX_COUNT);
                wrong.number("window_min", *window_min, 1, MAX_MINUTES);
                wrong.number("after_minute", *after_minute, 0, MAX_BY_MINUTE);
            }
            Self::Pace { words_per_minute_above, over_s, .. } => {
                wrong.number("words_per_minute_above", *words_per_minute_above, 60, 400);
                wrong.number("over_s", *over_s, 10, 600);
            }
            Self::Interruptions { at_least, within_min } => {
                wrong.number("at_least", *at_least, 1, MAX_COUNT);
                wrong.number("within_min", *within_min, 1, MAX_MINUTES);
            }
            Self::DeadAir { longer_than_s } => wrong.number("longer_than_s", *longer_than_s, 3, MAX_SECONDS),
            Self::Mention { names: Names::These(names) } => {
                if names.is_empty() {
                    wrong.say("names is empty: write names, or names = \"competitors\"".into());
                }
                wrong.phrases("names", names);
            }
            Self::Mention { names: Names::Of(_) } => {}
            Self::Label { is } => wrong.label(Some(is)),
            Self::NoNextStep { minutes_before_end, phrases, like } => {
                wrong.number("minutes_before_end", *minutes_before_end, 1, MAX_MINUTES);
                wrong.said("phrases", phrases, like);
            }
            Self::AgendaMissing { by_minute, phrases, like } | Self::NeverAsked { by_minute, phrases, like } => {
                wrong.number("by_minute", *by_minute, 1, MAX_BY_MINUTE);
                wrong.said("phrases", phrases, like);
            }
        }
        wrong.0
    }

    /// Whether the detector itself may bring the play: only a rule about a class leaves that to it. All other rules
    /// are [`crate::cues`]'s alone, whatever the play's label.
    #[must_use]
    pub const fn is_heard(&self) -> bool {
        matches!(self, Self::Label { .. })
    }
}

struct Wrong(Vec<String>);

impl Wrong {
    fn say(&mut self, message: String) {
        self.0.push(message);
    }

    fn number(&mut self, name: &str, value: u32, least: u32, most: u32) {
        if !(least..=most).contains(&value) {
            self.say(format!("{name} = {value} is out of range; write {least} to {most}"));
        }
    }

    fn label(&mut self, label: Option<&str>) {
        let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if let Some(label) = label.filter(|l| l.is_empty() || *l == "none" || !l.chars().all(good)) {
            self.say(format!("label `{label}`: use lower-case letters, digits and _; `none` is reserved"));
        }
    }

    fn said(&mut self, name: &str, phrases: &[String], like: &[String]) {
        if phrases.is_empty() && like.is_empty() {
            self.say(format!("{name} and like are both empty: write what counts as having said it"));
        }
        self.phrases(name, phrases);
        self.few("like", like);
        for line in like.iter().filter(|l| tokens_of_text(l).is_empty()) {
            self.say(format!("like: \"{line}\" has no words that count (fillers are ignored)"));
        }
    }

    fn few(&mut self, name: &str, lines: &[String]) {
        if lines.len() > MAX_PHRASES {
            self.say(format!("{name} has {} lines; keep the {MAX_PHRASES} most useful", lines.len()));
        }
    }

    fn phrases(&mut self, name: &str, phrases: &[String]) {
        self.few(name, phrases);
        for phrase in phrases {
            if let Err(why) = phrase::read(phrase) {
                self.say(format!("{name}: {why}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<When, toml::de::Error> {
        toml::from_str(text)
    }

    #[test]
    fn rules_read_with_their_defaults() {
        let read = |text: &str| read(text).unwrap();
        let monologue = When::Monologue { speaker: SpeakerRule::Rep, longer_than_s: 120 };
        assert_eq!(read("rule = \"monologue\""), monologue);
        let ratio = When::TalkRatio { rep_above_percent: 70, after_minute: 10, window_min: 10 };
        assert_eq!(read("rule = \"talk_ratio\"\nrep_above_percent = 70"), ratio);
        let rate = When::QuestionRate { fewer_than: 2, window_min: 5, after_minute: 10 };
        assert_eq!(read("rule = \"question_rate\"\nper_min = 5"), rate);
        assert_eq!(
            read("rule = \"mention\"\nnames = \"competitors\""),
            When::Mention { names: Names::Of(NameList::Competitors) }
        );
        let these = Names::These(vec!["acme".to_owned()]);
        assert_eq!(read("rule = \"mention\"\nnames = [\"acme\"]"), When::Mention { names: these });
        for name in ["dead_air", "pace", "interruptions", "question_rate", "talk_ratio", "monologue"] {
            assert_eq!(read(&format!("rule = \"{name}\"")).check(), [""; 0], "{name}: the defaults are in range");
        }
    }

    #[test]
    fn keys_are_strict() {
        assert!(read("rule = \"monologue\"\nlonger = 3").is_err());
        assert!(read("rule = \"monolog\"").is_err());
        assert!(read("rule = \"mention\"\nnames = \"enemies\"").is_err());
        assert!(read("rule = \"not_said_by\"").is_err(), "the minute must be given");
    }

    #[test]
    fn what_is_wrong_says_what_to_write() {
        let wrong = |text: &str| read(text).unwrap().check().join("\n");
        assert!(
            wrong("rule = \"monologue\"\nlonger_than_s = 0").contains("longer_than_s = 0 is out of range; write 10")
        );
        assert!(wrong("rule = \"agenda_missing\"").contains("phrases and like are both empty"));
        assert!(wrong("rule = \"agenda_missing\"\nphrases = [\"um\"]").contains("no words that count"));
        assert!(wrong("rule = \"sequence\"\nrep_does_not = [\"ask why\"]").contains("buyer and label"));
        assert!(wrong("rule = \"sequence\"\nlabel = \"price\"").contains("rep_does_not and like"));
        assert!(wrong("rule = \"label\"\nis = \"Pricing\"").contains("lower-case"));
        assert!(wrong("rule = \"talk_ratio\"\nrep_above_percent = 100").contains("1 to 99"));
        assert!(wrong("rule = \"mention\"\nnames = []").contains("names is empty"));
        assert_eq!(wrong("rule = \"never_asked\"\nphrases = [\"who signs\"]"), "");
    }
}
