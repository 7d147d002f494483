//! All that the stand-in knows, behind one lock.

use super::{
    Options,
    faults::Script,
    gmail, hubspot,
    journal::{Change, Entry},
    serve::error,
    tokens::Tokens,
    wire::{Reply, Request},
};

/// Its clock's first reading: 2026-05-01 08:00 UTC.
const FIRST_MS: u64 = 1_777_622_400_000;

/// The stand-in's state.
#[derive(Debug)]
pub struct World {
    pub now_ms: u64,
    pub script: Script,
    pub tokens: Tokens,
    pub journal: Vec<Entry>,
    hubspot: hubspot::Face,
    gmail: gmail::Face,
    options: Options,
}

impl World {
    pub fn new(options: &Options) -> Self {
        Self {
            now_ms: FIRST_MS,
            script: Script::new(options.percent_faulty, options.seed),
            tokens: Tokens::default(),
            journal: Vec::new(),
            hubspot: hubspot::Face::new(options.search_lag_ms),
            gmail: gmail::Face::new(options.search_lag_ms),
            options: options.clone(),
        }
    }

    pub fn advance(&mut self, ms: u64) {
        self.now_ms = self.now_ms.saturating_add(ms);
    }

    /// What a request that meets no fault is answered with, and what it changes.
    pub fn handle(&mut self, request: &Request, google: bool) -> (Option<Reply>, Option<Change>) {
        if request.method == "POST" && matches!(request.path.as_str(), "/oauth/v1/token" | "/token") {
            let life = self.options.token_life_ms;
            return (Some(self.tokens.give(request, self.now_ms, life)), None);
        }
        if !self.tokens.lets_in(request.bearer(), self.now_ms) {
            let category = if google { "authError" } else { "INVALID_AUTHENTICATION" };
            return (Some(error(google, 401, category, "Authentication credentials not found or expired.")), None);
        }
        if !google && self.options.per_10_s.is_some_and(|most| self.answered_lately() >= most as usize) {
            return (Some(hubspot::rate_limited("TEN_SECONDLY_ROLLING", "ten_secondly_rolling")), None);
        }
        // Each request takes a millisecond, so that no two changes have the same time.
        self.now_ms += 1;
        let (reply, change) =
            if google { self.gmail.handle(request, self.now_ms) } else { self.hubspot.handle(request, self.now_ms) };
        (Some(reply), change)
    }

    fn answered_lately(&self) -> usize {
        let since = self.now_ms.saturating_sub(10_000);
        let lately = self.journal.iter().rev().take_while(|e| e.at_ms > since);
        lately.filter(|e| e.status != 429 && e.path.starts_with("/crm/")).count()
    }

    pub fn put(&mut self, kind: &str, properties: &[(&str, &str)], links: &[(&str, &str)]) -> String {
        self.now_ms += 1;
        self.hubspot.put(kind, properties, links, self.now_ms)
    }

    pub fn touch(&mut self, kind: &str, id: &str, property: &str, value: &str) {
        self.now_ms += 1;
        self.hubspot.touch(kind, id, property, value, self.now_ms);
    }

    pub fn edit_draft(&mut self, id: &str, raw: &[u8]) {
        self.now_ms += 1;
        self.gmail.edit_draft(id, raw, self.now_ms);
    }
}
