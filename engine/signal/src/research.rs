//! The brief on an account: last four quarters, field by field, each line with its source or the words "not found"
//!.

use reframe_workflow::artifact::{Claim, Evidence};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::event::{DAY_MS, SignalEvent, SignalKind, clean};

/// How far back the brief looks: four quarters, in ms.
pub const FOUR_QUARTERS_MS: i64 = 365 * DAY_MS;
/// Most lines of one field, the newest first.
const MOST: usize = 8;

/// A field of the brief.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// What it published of itself.
    Communications,
    /// What those who lead it said, and who they are.
    Leadership,
    /// What it brought out.
    Launches,
    /// Whom it looks for and took on.
    Hiring,
    /// What tools it took up or gave up.
    Technology,
    /// What its customers say.
    Testimonials,
    /// Where competitors of ours are in use.
    Competitors,
    /// Money it raised or lost, people it let go.
    Money,
}

impl Topic {
    /// All, in the order they are read.
    pub const ALL: [Self; 8] = [
        Self::Communications,
        Self::Leadership,
        Self::Launches,
        Self::Hiring,
        Self::Technology,
        Self::Testimonials,
        Self::Competitors,
        Self::Money,
    ];

    /// Its heading.
    #[must_use]
    pub const fn heading(self) -> &'static str {
        match self {
            Self::Communications => "Public communications",
            Self::Leadership => "Leadership",
            Self::Launches => "Launches",
            Self::Hiring => "Hiring",
            Self::Technology => "Technology",
            Self::Testimonials => "Customers say",
            Self::Competitors => "Competitors in use",
            Self::Money => "Money and people",
        }
    }

    const fn would_fill(self) -> &'static str {
        match self {
            Self::Communications => "subscribe to the feed of their newsroom",
            Self::Leadership => "paste an interview or a post of one of their leaders",
            Self::Launches => "subscribe to the feed of their product news",
            Self::Hiring => "import their open positions",
            Self::Technology => "import a list of tools in use, or ask in a call",
            Self::Testimonials => "paste a customer story of theirs",
            Self::Competitors => "paste where they name a tool like ours, or ask in a call",
            Self::Money => "import rounds and results",
        }
    }

    /// Where events of a kind belong; visits and use are ours to know and no public fact.
    const fn of(kind: SignalKind) -> Option<Self> {
        match kind {
            SignalKind::News | SignalKind::KeywordPost => Some(Self::Communications),
            SignalKind::ExecMove => Some(Self::Leadership),
            SignalKind::Launch => Some(Self::Launches),
            SignalKind::Hiring | SignalKind::NewHire => Some(Self::Hiring),
            SignalKind::StackChange => Some(Self::Technology),
            SignalKind::Funding | SignalKind::Layoffs => Some(Self::Money),
            SignalKind::WebsiteVisit | SignalKind::ProductUsage | SignalKind::IntentTopic | SignalKind::Outcome => None,
        }
    }
}

/// A passage that somebody found and put under a topic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// Our name of it: `fact/…`.
    pub item: String,
    /// Where it belongs.
    pub topic: Topic,
    /// The words, exactly as they were published.
    pub quote: String,
    /// Where.
    pub url: Option<String>,
    /// When it was published, in ms since 1970-01-01 UTC.
    pub at_unix_ms: i64,
}

/// What is known under one topic.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "is", rename_all = "snake_case", deny_unknown_fields)]
pub enum Finding {
    /// These, the newest first.
    Found {
        /// Each with its source.
        lines: Vec<Claim>,
        /// More there were.
        more: usize,
    },
    /// Nothing within four quarters.
    NotFound {
        /// What would fill it.
        try_this: String,
    },
}

/// The brief.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Research {
    /// What the account is called.
    pub account: String,
    /// As of when, in ms since 1970-01-01 UTC.
    pub at_unix_ms: i64,
    /// Every topic, in order.
    pub fields: Vec<(Topic, Finding)>,
}

/// Builds the brief from an account's events and from facts somebody found. Lines are the sources' own words: nothing is
/// summed up, so nothing can be made up.
#[must_use]
pub fn research(account: &str, events: &[&SignalEvent], facts: &[Fact], now_unix_ms: i64) -> Research {
    let current = |at: i64| at <= now_unix_ms && now_unix_ms - at <= FOUR_QUARTERS_MS;
    let mut lines: Vec<(Topic, i64, String, Evidence)> = Vec::new();
    for event in events.iter().filter(|e| current(e.at_unix_ms)) {
        if let Some(topic) = Topic::of(event.kind) {
            lines.push((topic, event.at_unix_ms, event.line().to_owned(), event.evidence()));
        }
    }
    for fact in facts.iter().filter(|f| current(f.at_unix_ms) && !f.quote.trim().is_empty()) {
        let Fact { item, quote, url, at_unix_ms, topic } = fact.clone();
        lines.push((topic, at_unix_ms, clean(&quote, 500), Evidence::Source { item, url, quote, at_unix_ms }));
    }
    lines.sort_by(|a, b| (b.1, &a.2, &a.3).cmp(&(a.1, &b.2, &b.3)));
    lines.dedup_by(|a, b| (a.0, a.1, &a.2) == (b.0, b.1, &b.2));
    let fields = Topic::ALL.map(|topic| {
        let all: Vec<&(Topic, i64, String, Evidence)> = lines.iter().filter(|l| l.0 == topic).collect();
        let found: Vec<Claim> =
            all.iter().take(MOST).filter_map(|l| Claim::new(l.2.clone(), vec![l.3.clone()], 1.0).ok()).collect();
        if found.is_empty() {
            return (topic, Finding::NotFound { try_this: topic.would_fill().to_owned() });
        }
        (topic, Finding::Found { more: all.len() - found.len(), lines: found })
    });
    Research { account: account.to_owned(), at_unix_ms: now_unix_ms, fields: fields.to_vec() }
}

impl Research {
    /// The brief as Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut out = format!("# {}\n", clean(&self.account, 200));
        for (topic, finding) in &self.fields {
            out.push_str(&format!("\n## {}\n\n", topic.heading()));
            match finding {
                Finding::NotFound { try_this } => {
                    out.push_str(&format!("not found ({try_this})\n"));
                }
                Finding::Found { lines, more } => {
                    for line in lines {
                        let source = line.evidence().iter().find_map(|e| match e {
                            Evidence::Source { url, item, .. } => Some(url.as_ref().unwrap_or(item)),
                            _ => None,
                        });
                        let text = line.text().replace('<', "&lt;").replace('[', "\\[");
                        out.push_str(&format!("- {text} — {}\n", source.map_or("", String::as_str)));
                    }
                    if *more > 0 {
                        out.push_str(&format!("- and {more} more\n"));
                    }
                }
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use reframe_workflow::verify::{Sources, check};

    use super::*;
    use crate::testing::event;

    const NOW: i64 = 1_780_000_000_000;

    #[test]
    fn every_field_has_a_source_or_says_not_found() {
        let events = [
            event(SignalKind::Launch, "acme.example", NOW - DAY_MS, "Acme launches parts"),
            event(SignalKind::Funding, "acme.example", NOW - 400 * DAY_MS, "Acme raised 3M once"),
            event(SignalKind::WebsiteVisit, "acme.example", NOW - DAY_MS, "visited /pricing"),
        ];
        let fact = Fact {
            item: "fact/1".into(),
            topic: Topic::Testimonials,
            quote: "they answered\nwithin an hour".into(),
            url: None,
            at_unix_ms: NOW - DAY_MS,
        };
        let items: Vec<(String, String)> =
            events.iter().map(|e| (e.id.clone(), e.text())).chain([(fact.item.clone(), fact.quote.clone())]).collect();
        let all: Vec<&SignalEvent> = events.iter().collect();
        let made = research("Acme", &all, std::slice::from_ref(&fact), NOW);
        assert_eq!(made.fields.len(), Topic::ALL.len());
        let mut found = Vec::new();
        for (topic, finding) in &made.fields {
            if let Finding::Found { lines, .. } = finding {
                found.push(*topic);
                for line in lines {
                    assert_eq!(check(line, Sources { items: &items, ..Sources::default() }), []);
                }
            }
        }
        // The round is older than four quarters, and visits are no public fact.
        assert_eq!(found, [Topic::Launches, Topic::Testimonials]);
        assert_eq!(made.markdown().matches("not found").count(), 6);
        // Without its source a line is gone.
        assert_eq!(research("Acme", &[], &[], NOW).markdown().matches("not found").count(), 8);
    }
}
