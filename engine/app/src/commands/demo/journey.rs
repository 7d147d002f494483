//! The demo's end: the review of the deal, the signal that came of the call, and the whole walk stage by stage.

use std::{sync::Arc, time::Duration};

use reframe_serve::accounts::journey::{JourneyPage, JourneyRow, RowState};
use reframe_store::CallId;
use reframe_workflow::gate::Approver;
use serde_json::json;

use super::{
    after_call::{approve, blocking},
    report::Reporter,
};
use crate::{server::listen::Server, workflow::Accounts};

/// How long what came of the call may take to become a signal, once it is written.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Longest line of a stage, in characters.
const LINE_CHARS: usize = 110;

/// Reviews the deal as the night does, approves that too as `by` if that was asked for, and shows the walk the call stands
/// in. False if something that was approved was not written.
///
/// # Errors
/// If the store or the CRM cannot be read.
pub async fn close(
    server: &Server,
    call: &CallId,
    by: Option<&Approver>,
    reporter: &mut Reporter,
) -> anyhow::Result<bool> {
    let office = Arc::clone(&server.office);
    let night = blocking(move || office.night(&mut |_, _| {})).await?;
    reporter.note(&format!("the deal reviewed as at night: {} findings, {} new", night.findings.len(), night.new))?;
    let mut written = true;
    if let Some(by) = by.filter(|_| night.new > 0) {
        written = approve(&server.desk, &night.batch, by, reporter).await?;
    }
    let deadline = tokio::time::Instant::now() + PATIENCE;
    let page = loop {
        let (office, wanted) = (Arc::clone(&server.office), call.to_string());
        // A desk of its own: what it reads is not a moment old.
        let found = blocking(move || Accounts::new(office).journey_of(&wanted, None)).await?;
        let page = match found {
            Ok(page) => page,
            Err(why) => {
                reporter.note(&format!("the call stands on no account's page: there is no {why}"))?;
                return Ok(written);
            }
        };
        let waits = page.rows.last().is_some_and(|row| row.state == RowState::Missing);
        if !waits || tokio::time::Instant::now() >= deadline {
            break page;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    };
    reporter.walk(&page, &server.journey_url(&page.id))?;
    Ok(written)
}

impl Reporter {
    /// Shows an account's walk: a line for each stage, and where all of it can be seen.
    fn walk(&mut self, page: &JourneyPage, url: &str) -> anyhow::Result<()> {
        if self.is_json() {
            return self.json(&json!({"type": "journey", "page": page, "url": url}));
        }
        self.note(&format!("\nfrom signal to signal: {} ({})", page.name, page.id))?;
        for (n, row) in (1..).zip(&page.rows) {
            self.note(&format!("  {n} {:<12} {:<18} {}", row.title, row.state.words(), telling(row)))?;
        }
        let lineage = page.gap.as_ref().map_or_else(
            || format!("unbroken over {} links", page.trail.len().saturating_sub(1)),
            |gap| format!("breaks off: {gap}"),
        );
        self.note(&format!("  lineage {lineage}"))?;
        self.note(&format!("the walk: {url}"))
    }
}

/// What of a row is said in one line: what is missing, else its first thing and who approved how much.
fn telling(row: &JourneyRow) -> String {
    let first = row.made.iter().find_map(|made| made.telling.says.first()).cloned().unwrap_or_default();
    let done = row.made.iter().filter_map(|made| made.decided.as_ref()).filter(|d| d.done_unix_ms.is_some());
    let (mut writes, mut by) = (0, None);
    for decided in done {
        writes += 1;
        by = by.or(decided.by.as_deref());
    }
    let mut parts: Vec<String> = row.missing.clone();
    parts.extend(Some(first).filter(|text| !text.is_empty() && row.missing.is_empty()));
    if let Some(by) = by {
        let by = by.strip_prefix("person ").unwrap_or(by);
        parts.push(format!("{writes} approved by {by} and done"));
    }
    let mut text: String = parts.join("; ");
    if text.chars().count() > LINE_CHARS {
        text = text.chars().take(LINE_CHARS - 1).chain(['…']).collect();
    }
    text
}
