//! What of a card may be told to somebody outside: public, and with the address where it stands.

use reframe_outreach::{
    facts::{Fact, Found, SourceClass},
    lint::Language,
};
use reframe_signal::{
    event::{SignalEvent, SignalKind},
    feed::AccountRecord,
};
use reframe_store::ItemKind;
use reframe_workflow::handoff::SignalCard;

use crate::workflow::{Office, signals::cited_items};

impl Office {
    /// The weightiest signal of a card that may be told to somebody outside; else what each lacks.
    pub(super) fn tellable(
        &self,
        card: &SignalCard,
        account: &AccountRecord,
        language: Language,
    ) -> anyhow::Result<Result<(SignalEvent, Fact), String>> {
        let mut lacks = Vec::new();
        for id in card.reasons.iter().flat_map(cited_items) {
            let Some(item) = self.store.item(ItemKind::Signal, &id)? else { continue };
            let Ok(event) = serde_json::from_value::<SignalEvent>(item.body) else { continue };
            let kind = event.kind.words();
            match found(&event, account, language).map(Fact::screen) {
                Some(Ok(fact)) => return Ok(Ok((event, fact))),
                Some(Err(why)) => lacks.push(format!("{kind}: {why}")),
                None => lacks.push(format!("{kind}: not public, or without an address")),
            }
        }
        lacks.dedup();
        Ok(Err(lacks.join("; ")))
    }
}

/// An event as something that may be told: public, and with the address where it stands. What we know of visits, of the
/// use of our product, of our own calls and from vendors of intent is ours to know, and layoffs are no opening.
fn found(event: &SignalEvent, account: &AccountRecord, language: Language) -> Option<Found> {
    let class = match event.kind {
        SignalKind::WebsiteVisit
        | SignalKind::ProductUsage
        | SignalKind::IntentTopic
        | SignalKind::Layoffs
        | SignalKind::Outcome => None,
        SignalKind::KeywordPost => Some(SourceClass::ProfessionalPost),
        SignalKind::Hiring => Some(SourceClass::JobPosting),
        _ => Some(SourceClass::News),
    }?;
    let url = event.url.clone()?;
    let host = url.split("://").nth(1)?.split(['/', '?', '#', ':']).next()?.to_lowercase();
    let host = host.strip_prefix("www.").unwrap_or(&host).to_owned();
    let within = |domain: &str| host == domain || host.ends_with(&format!(".{domain}"));
    let own = account.domains.iter().any(|d| within(&d.trim().to_lowercase()));
    let private = ["facebook.com", "instagram.com", "tiktok.com", "snapchat.com", "pinterest.com"];
    let class = match (own, private.into_iter().any(within)) {
        (_, true) => SourceClass::PrivateSocial,
        (true, _) => SourceClass::CompanySite,
        _ => class,
    };
    let source = if own {
        let name = &account.name;
        match language {
            Language::German => format!("Website von {name}"),
            Language::French => format!("site de {name}"),
            _ => format!("the website of {name}"),
        }
    } else {
        // An address in a message would be a link, and messages carry none.
        let label = host.rsplit('.').nth(1).unwrap_or(&host);
        let mut chars = label.chars();
        chars.next().map(|c| c.to_uppercase().chain(chars).collect()).unwrap_or_default()
    };
    Some(Found {
        text: event.line().to_owned(),
        class,
        url: Some(url),
        source,
        item: Some(event.id.clone()),
        at_unix_ms: event.at_unix_ms,
    })
}
