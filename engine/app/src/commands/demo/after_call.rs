//! The demo's second half: what the call left to write down, who approves it, and where it lands.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use reframe_serve::review::{Item, ReviewDesk, Verdict};
use reframe_store::CallId;
use reframe_workflow::{
    gate::{Approver, Click},
    outbox::Standing,
};
use serde_json::json;

use super::report::Reporter;
use crate::{
    commands::run::line,
    server::{
        admission::now_unix_ms,
        listen::{Server, private_folder},
    },
    workflow::batch_of,
};

/// How long the call may take to be written up, and an approved write to be done.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A deal to write to, for the calls that have one.
pub(super) const CRM: [(&str, &str); 3] = [
    ("deals.csv", include_str!("../../../../../fixtures/calls/demo/crm/deals.csv")),
    ("contacts.csv", include_str!("../../../../../fixtures/calls/demo/crm/contacts.csv")),
    ("companies.csv", include_str!("../../../../../fixtures/calls/demo/crm/companies.csv")),
];

/// Puts the demo's deal into a CRM folder that has none.
///
/// # Errors
/// If the folder cannot be written.
pub fn furnish(folder: &Path) -> anyhow::Result<()> {
    private_folder(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    if folder.join("deals.csv").exists() {
        return Ok(());
    }
    for (name, text) in CRM {
        let path = folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(())
}

/// Shows what was drafted; approves it as `by`, if that was asked for, and says where it landed. False if something was
/// not written.
///
/// # Errors
/// If nothing was drafted in time.
pub async fn show(
    server: &Server,
    call: &CallId,
    by: Option<&Approver>,
    reporter: &mut Reporter,
) -> anyhow::Result<bool> {
    let (desk, review_url) = (&server.desk, &server.review_url);
    let batch = batch_of(call);
    let items = wait(desk, &batch, |_| server.office.has_looked_at(call)).await?;
    if items.is_empty() {
        reporter.note("the call left nothing to write down, or no deal it belongs to was found")?;
        return Ok(by.is_none());
    }
    let (asked, name) = (Arc::clone(desk), call.to_string());
    let note = blocking(move || asked.note(&name)).await?;
    let headline = note.as_ref().and_then(|n| n.note.headline.as_ref()).map(|h| h.text().to_owned());
    reporter.drafted(headline.as_deref(), &items.iter().map(|i| line(&i.proposal)).collect::<Vec<_>>(), review_url)?;
    let Some(by) = by else { return Ok(true) };
    reporter.note(&format!("approving all of it as {}, because --approve-as was given", by.as_str()))?;
    approve(desk, &batch, by, reporter).await
}

/// Approves what waits in a batch as `by`, waits until it is settled, and says where it landed. False if something was not
/// written.
///
/// # Errors
/// If the desk cannot be used.
pub(super) async fn approve(
    desk: &Arc<dyn ReviewDesk>,
    batch: &str,
    by: &Approver,
    reporter: &mut Reporter,
) -> anyhow::Result<bool> {
    let at_unix_ms = now_unix_ms();
    let click = |item: &Item| {
        let click = Click { by: by.clone(), shown: item.digest.clone(), at_unix_ms };
        (item.proposal.id.clone(), click)
    };
    let items = wait(desk, batch, |_| true).await?;
    let clicks: Vec<_> = items.iter().filter(|i| i.may_be_approved).map(click).collect();
    let asked = Arc::clone(desk);
    for verdict in blocking(move || asked.approve(&clicks)).await? {
        if let Verdict::Refused { reason } = verdict {
            reporter.note(&format!("not approved: {reason}"))?;
        }
    }
    let settled = |items: &[Item]| items.iter().all(|i| !matches!(i.standing, Standing::Approved { .. }));
    let items = wait(desk, batch, settled).await?;
    let mut all_done = true;
    for item in &items {
        let done = matches!(item.standing, Standing::Done { .. });
        all_done &= done;
        reporter.note(&format!("  {}: {}", if done { "done" } else { "NOT DONE" }, item.says))?;
    }
    Ok(all_done)
}

/// The batch, as soon as `ready` says so, or when time is up.
pub(super) async fn wait(
    desk: &Arc<dyn ReviewDesk>,
    batch: &str,
    ready: impl Fn(&[Item]) -> bool,
) -> anyhow::Result<Vec<Item>> {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let (asked, name) = (Arc::clone(desk), batch.to_owned());
        let items = blocking(move || asked.batch(&name)).await?;
        if ready(&items) || tokio::time::Instant::now() >= deadline {
            return Ok(items);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Does what may wait for a file where that holds nothing else up.
///
/// # Errors
/// As `work`; if it panics.
pub(super) async fn blocking<T: Send + 'static, E: Into<anyhow::Error> + Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> anyhow::Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(Into::into),
        Err(error) => bail!("the review desk failed: {error}"),
    }
}

impl Reporter {
    /// Shows what was drafted after the call.
    fn drafted(&mut self, headline: Option<&str>, proposals: &[String], url: &str) -> anyhow::Result<()> {
        if self.is_json() {
            return self.json(&json!({"type": "drafted", "headline": headline, "proposals": proposals, "review": url}));
        }
        self.note("\nafter the call: drafted from what was heard; nothing is written before a person approves it")?;
        if let Some(headline) = headline {
            self.note(&format!("  {headline}"))?;
        }
        for proposal in proposals {
            self.note(&format!("  {proposal}"))?;
        }
        self.note(&format!("review: {url}"))
    }
}
