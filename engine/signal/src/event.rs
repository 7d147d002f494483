//! One thing that happened at an account, as small and as sure of its origin as everything later rests on.

use std::collections::BTreeSet;

use reframe_workflow::artifact::{Digest, Evidence};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::identity::{domain_of, name_key};

/// Longest title that is kept, in characters.
pub const TITLE_CHARS: usize = 300;
/// Longest excerpt that is kept, in characters: a passage, not the article.
pub const EXCERPT_CHARS: usize = 2_000;
/// Longest other text (names, domains, sources), in characters.
pub const SHORT_CHARS: usize = 200;
/// Longest address, in characters; longer ones are refused, for a cut address leads elsewhere.
pub const URL_CHARS: usize = 2_000;
/// Milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;

/// What kind of thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignalKind {
    /// Somebody joined.
    NewHire,
    /// Money was raised.
    Funding,
    /// Somebody of theirs looked at our pages.
    WebsiteVisit,
    /// A post with one of our keywords.
    KeywordPost,
    /// A product was brought out.
    Launch,
    /// They are looking for people.
    Hiring,
    /// A tool was taken up or given up.
    StackChange,
    /// An executive came, went or changed seats.
    ExecMove,
    /// Somebody of theirs used our product, or signed up.
    ProductUsage,
    /// Anything else that was published.
    News,
    /// People were let go.
    Layoffs,
    /// A vendor says that they read about a topic.
    IntentTopic,
    /// A call of ours with them came to something that a person approved and that stands in the system of record.
    Outcome,
}

impl SignalKind {
    /// All of them, in the order of the type.
    pub const ALL: [Self; 13] = [
        Self::NewHire,
        Self::Funding,
        Self::WebsiteVisit,
        Self::KeywordPost,
        Self::Launch,
        Self::Hiring,
        Self::StackChange,
        Self::ExecMove,
        Self::ProductUsage,
        Self::News,
        Self::Layoffs,
        Self::IntentTopic,
        Self::Outcome,
    ];

    /// The word in files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NewHire => "new_hire",
            Self::Funding => "funding",
            Self::WebsiteVisit => "website_visit",
            Self::KeywordPost => "keyword_post",
            Self::Launch => "launch",
            Self::Hiring => "hiring",
            Self::StackChange => "stack_change",
            Self::ExecMove => "exec_move",
            Self::ProductUsage => "product_usage",
            Self::News => "news",
            Self::Layoffs => "layoffs",
            Self::IntentTopic => "intent_topic",
            Self::Outcome => "outcome",
        }
    }

    /// The word with a space instead of the underscore, for sentences.
    #[must_use]
    pub fn words(self) -> String {
        self.as_str().replace('_', " ")
    }

    /// Reads the word, in any case, with spaces or hyphens, and the names other tools export.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let word: String = text.trim().chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
        let word = word.to_lowercase();
        let other = match word.as_str() {
            "hire" | "newhire" | "job_change" => Self::NewHire,
            "funding_round" | "investment" => Self::Funding,
            "visit" | "web_visit" | "website" | "page_view" => Self::WebsiteVisit,
            "post" | "keyword" | "social_post" => Self::KeywordPost,
            "product_launch" => Self::Launch,
            "job_post" | "job_opening" | "open_roles" => Self::Hiring,
            "tech_change" | "technology" | "tech_stack" => Self::StackChange,
            "executive_move" | "leadership_change" | "exec_change" => Self::ExecMove,
            "usage" | "sign_up" | "signup" | "trial" => Self::ProductUsage,
            "layoff" => Self::Layoffs,
            "intent" | "topic" => Self::IntentTopic,
            _ => return Self::ALL.into_iter().find(|k| k.as_str() == word),
        };
        Some(other)
    }

    /// Its place in [`Self::ALL`].
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// What the source says of the account; at least one of the three.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountHint {
    /// Its domain, as the source writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Our own id of it: the CRM's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

impl AccountHint {
    /// Of a domain alone.
    #[must_use]
    pub fn domain(domain: &str) -> Self {
        Self { domain: Some(domain.to_owned()), ..Self::default() }
    }

    /// Of a name alone.
    #[must_use]
    pub fn name(name: &str) -> Self {
        Self { name: Some(name.to_owned()), ..Self::default() }
    }

    /// Says it nothing at all?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        [&self.domain, &self.name, &self.id].into_iter().all(|t| t.as_deref().is_none_or(|t| t.trim().is_empty()))
    }

    /// One text for equal hints: the id, else the domain without its host, else the name without its legal form.
    #[must_use]
    pub fn key(&self) -> String {
        if let Some(id) = self.id.as_deref().filter(|t| !t.trim().is_empty()) {
            return format!("id:{}", id.trim());
        }
        if let Some(domain) = self.domain.as_deref().and_then(domain_of) {
            return format!("domain:{domain}");
        }
        format!("name:{}", name_key(self.name.as_deref().or(self.domain.as_deref()).unwrap_or_default()))
    }
}

/// Somebody an event is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PersonHint {
    /// Their name.
    pub name: String,
    /// Their title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Their address at work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// What an importer read, before it is checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raw {
    /// What kind.
    pub kind: SignalKind,
    /// Where.
    pub account: AccountHint,
    /// Who.
    pub person: Option<PersonHint>,
    /// When it happened or was published, in ms since 1970-01-01 UTC.
    pub at_unix_ms: i64,
    /// Where it can be read.
    pub url: Option<String>,
    /// A line.
    pub title: String,
    /// A passage, if there is more than the line.
    pub excerpt: String,
    /// Which importer and file.
    pub source: String,
    /// Money, as it was written: `12.5M EUR`.
    pub amount: Option<String>,
}

/// Why something read is no event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAnEvent {
    /// It says nothing.
    #[error("it says nothing: give a `title` or an `excerpt`")]
    Empty,
    /// Nobody knows where.
    #[error("it names no account: give a `domain`, a `company` or an `account_id`")]
    NoAccount,
    /// An address that is none.
    #[error("`{0}` is no address: write https://… and at most {URL_CHARS} characters, or leave it empty")]
    BadUrl(String),
    /// Before 1990 or after 2100.
    #[error("it is dated {0} ms since 1970, outside 1990 to 2100: write the date as YYYY-MM-DD or RFC 3339")]
    BadTime(i64),
}

/// One thing that happened at an account. Only [`SignalEvent::new`] makes one, so its texts are bounded and it says something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignalEvent {
    /// `signal/` and 24 hexadecimal digits that follow from kind, account, day and words; see [`SignalEvent::is_genuine`].
    pub id: String,
    /// What kind.
    pub kind: SignalKind,
    /// Where.
    pub account: AccountHint,
    /// Who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<PersonHint>,
    /// When, in ms since 1970-01-01 UTC.
    pub at_unix_ms: i64,
    /// Where it can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// A line; may be empty if there is an excerpt.
    pub title: String,
    /// A passage; may be empty if there is a title.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub excerpt: String,
    /// Which importer and file.
    pub source: String,
    /// Money, as it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
}

/// Earliest time an event may have: 1990-01-01 UTC.
const FIRST_MS: i64 = 631_152_000_000;
/// Time from which on none may be: 2100-01-01 UTC.
const LAST_MS: i64 = 4_102_444_800_000;

impl SignalEvent {
    /// Checks, cleans (white space and control characters become single spaces) and bounds what was read.
    ///
    /// # Errors
    /// [`NotAnEvent`], which says what to write instead.
    pub fn new(raw: Raw) -> Result<Self, NotAnEvent> {
        let short = |text: Option<String>| text.map(|t| clean(&t, SHORT_CHARS)).filter(|t| !t.is_empty());
        let account =
            AccountHint { domain: short(raw.account.domain), name: short(raw.account.name), id: short(raw.account.id) };
        let person = raw.person.map(|p| PersonHint {
            name: clean(&p.name, SHORT_CHARS),
            title: short(p.title),
            email: short(p.email),
        });
        let title = clean(&raw.title, TITLE_CHARS);
        let excerpt = clean(&raw.excerpt, EXCERPT_CHARS);
        if title.is_empty() && excerpt.is_empty() {
            return Err(NotAnEvent::Empty);
        }
        if account.is_empty() {
            return Err(NotAnEvent::NoAccount);
        }
        if !(FIRST_MS..LAST_MS).contains(&raw.at_unix_ms) {
            return Err(NotAnEvent::BadTime(raw.at_unix_ms));
        }
        let url = raw.url.map(|u| u.trim().to_owned()).filter(|u| !u.is_empty());
        if let Some(url) = &url {
            let web = ["https://", "http://"].iter().any(|s| url.len() > s.len() && url.starts_with(s));
            let odd = url.chars().any(|c| c.is_whitespace() || c.is_control());
            if !web || odd || url.chars().count() > URL_CHARS {
                return Err(NotAnEvent::BadUrl(clean(url, 60)));
            }
        }
        let source = clean(&raw.source, SHORT_CHARS);
        let person = person.filter(|p| !p.name.is_empty() || p.email.is_some());
        let amount = raw.amount.map(|a| clean(&a, 40)).filter(|a| !a.is_empty());
        let at_unix_ms = raw.at_unix_ms;
        let mut event = Self {
            id: String::new(),
            kind: raw.kind,
            account,
            person,
            at_unix_ms,
            url,
            title,
            excerpt,
            source,
            amount,
        };
        event.id = event.own_id();
        Ok(event)
    }

    /// What is cited: the title, and below it the excerpt.
    #[must_use]
    pub fn text(&self) -> String {
        match (self.title.is_empty(), self.excerpt.is_empty()) {
            (_, true) => self.title.clone(),
            (true, false) => self.excerpt.clone(),
            (false, false) => format!("{}\n{}", self.title, self.excerpt),
        }
    }

    /// Its line: the title, else the first 160 characters of the excerpt. Stands in [`Self::text`] word for word.
    #[must_use]
    pub fn line(&self) -> &str {
        if !self.title.is_empty() {
            return &self.title;
        }
        let end = self.excerpt.char_indices().nth(160).map_or(self.excerpt.len(), |(i, _)| i);
        self.excerpt[..end].trim_end()
    }

    /// Evidence whose quote is [`Self::line`].
    #[must_use]
    pub fn evidence(&self) -> Evidence {
        let quote = self.line().to_owned();
        Evidence::Source { item: self.id.clone(), url: self.url.clone(), quote, at_unix_ms: self.at_unix_ms }
    }

    /// Number of its day in UTC since 1970-01-01.
    #[must_use]
    pub const fn day(&self) -> i64 {
        self.at_unix_ms.div_euclid(DAY_MS)
    }

    /// Whether the id follows from the contents: false for a record that was changed after it was made.
    #[must_use]
    pub fn is_genuine(&self) -> bool {
        self.id == self.own_id()
    }

    /// Its words in lower case without punctuation: two reports that differ in nothing else are one.
    #[must_use]
    pub fn plain(&self) -> String {
        plain(&self.text())
    }

    fn own_id(&self) -> String {
        let parts = [self.kind.as_str().to_owned(), self.account.key(), self.day().to_string(), self.plain()];
        format!("signal/{}", &Digest::of(parts.join("\u{1f}").as_bytes()).as_str()[..24])
    }
}

/// Lower case, letters and digits alone, single spaces.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_alphanumeric() {
            out.extend(c.to_lowercase());
        } else if !out.is_empty() && !out.ends_with(' ') {
            out.push(' ');
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// Characters that take no room and hide in copied text.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{ad}')
}

/// Single spaces instead of white space and control characters, at most `most` characters.
pub(crate) fn clean(text: &str, most: usize) -> String {
    let mut out = String::new();
    let mut n = 0;
    for c in text.chars().filter(|c| !is_invisible(*c)) {
        let c = if c.is_whitespace() || c.is_control() { ' ' } else { c };
        if c == ' ' && (out.is_empty() || out.ends_with(' ')) {
            continue;
        }
        if n == most {
            break;
        }
        out.push(c);
        n += 1;
    }
    out.truncate(out.trim_end().len());
    out
}

/// Drops events whose id came before; returns how many. The earliest of equals stays, of equally early ones the one with
/// the least source, so the order of import does not matter.
pub fn dedupe(events: &mut Vec<SignalEvent>) -> usize {
    let before = events.len();
    events.sort_by(|a, b| (a.at_unix_ms, &a.id, &a.source, &a.url).cmp(&(b.at_unix_ms, &b.id, &b.source, &b.url)));
    let mut seen = BTreeSet::new();
    events.retain(|e| seen.insert(e.id.clone()));
    before - events.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn raw(kind: SignalKind, domain: &str, at: i64, title: &str) -> Raw {
        Raw {
            kind,
            account: AccountHint::domain(domain),
            person: None,
            at_unix_ms: at,
            url: None,
            title: title.into(),
            excerpt: String::new(),
            source: "test".into(),
            amount: None,
        }
    }

    const T: i64 = 1_780_000_000_000;

    #[test]
    fn the_same_report_twice_is_one_event_and_another_day_kind_account_or_word_is_not() {
        let make = |k, d, t, s| SignalEvent::new(raw(k, d, t, s)).unwrap();
        let one = make(SignalKind::Funding, "acme.example", T, "Acme raises $12M, Series A");
        let same =
            make(SignalKind::Funding, "https://www.Acme.example/news", T + 1_000, "ACME  raises 12M — series A!");
        assert_eq!(one.id, same.id);
        for other in [
            make(SignalKind::News, "acme.example", T, "Acme raises $12M, Series A"),
            make(SignalKind::Funding, "apex.example", T, "Acme raises $12M, Series A"),
            make(SignalKind::Funding, "acme.example", T + 2 * DAY_MS, "Acme raises $12M, Series A"),
            make(SignalKind::Funding, "acme.example", T, "Acme raises $13M, Series A"),
        ] {
            assert_ne!(one.id, other.id);
        }
        let mut a = vec![same.clone(), one.clone()];
        let mut b = vec![one.clone(), same];
        assert_eq!((dedupe(&mut a), dedupe(&mut b)), (1, 1));
        assert_eq!(a, b);
        assert_eq!(a, [one]);
    }

    #[test]
    fn texts_are_bounded_and_what_says_nothing_is_refused() {
        let mut long = raw(SignalKind::News, "acme.example", T, &"é ".repeat(9_000));
        long.excerpt = "x\u{0}\n\n\u{200b}y".repeat(9_000);
        let event = SignalEvent::new(long).unwrap();
        assert!(event.title.chars().count() <= TITLE_CHARS && event.excerpt.chars().count() <= EXCERPT_CHARS);
        assert!(event.excerpt.starts_with("x yx y"));
        assert!(event.is_genuine());
        assert!(!SignalEvent { title: "other".into(), ..event }.is_genuine());
        assert_eq!(SignalEvent::new(raw(SignalKind::News, "a.example", T, " \u{200b}\n")), Err(NotAnEvent::Empty));
        assert_eq!(SignalEvent::new(raw(SignalKind::News, " ", T, "x")), Err(NotAnEvent::NoAccount));
        assert_eq!(SignalEvent::new(raw(SignalKind::News, "a.example", 3, "x")), Err(NotAnEvent::BadTime(3)));
        let mut bad = raw(SignalKind::News, "a.example", T, "x");
        bad.url = Some("javascript:alert(1)".into());
        assert!(matches!(SignalEvent::new(bad), Err(NotAnEvent::BadUrl(_))));
    }

    #[test]
    fn kinds_are_read_as_people_write_them() {
        for kind in SignalKind::ALL {
            assert_eq!(SignalKind::parse(&kind.words().to_uppercase()), Some(kind));
            assert_eq!(SignalKind::ALL[kind.index()], kind);
        }
        assert_eq!(SignalKind::parse("Job-Post"), Some(SignalKind::Hiring));
        assert_eq!(SignalKind::parse("weather"), None);
    }
}
