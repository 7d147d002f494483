//! The feed of a day: made once, and kept as it was shown. What is imported later counts from the next day on.

use anyhow::{Context, bail};
use jiff::Timestamp;
use reframe_call::date::Date;
use reframe_signal::{
    event::SignalEvent,
    feed::{Feed, FeedInput, candidate, events_of, feed},
    icp::{self, Icp},
    rank::{Candidate, Removed, Why},
    warmth::{Case, Weights, cases, fit},
};
use reframe_store::{Item, ItemKind};
use reframe_workflow::{
    artifact::{Artifact, ArtifactId, Kind},
    handoff::SignalCard,
    outbox::Inbox as _,
    system::RecordRef,
    verify,
};
use serde::{Deserialize, Serialize};

use super::market::Market;
use crate::workflow::Office;

/// Accounts left out that are kept with their reason; of those without any signal only the number is.
const LEFT_OUT: usize = 500;
/// How old the card of an account may be to write by it, in days.
const CARD_DAYS: i64 = 30;
/// A day in ms.
const DAY_MS: i64 = 86_400_000;

/// What was shown of a day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shown {
    day: Date,
    cards: Vec<ArtifactId>,
    weights: String,
    warnings: Vec<String>,
    strangers: Vec<(String, usize)>,
    left_out: Vec<Removed>,
    passed: usize,
}

/// The feed of a day.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DayFeed {
    /// The day.
    pub day: Date,
    /// Whether this is what is kept of the day; else it was made now, to look at.
    pub kept: bool,
    /// Whether it was kept by this very call.
    #[serde(skip)]
    pub new: bool,
    /// Cards with their names, the first first. One whose contents were erased is left out.
    pub cards: Vec<(ArtifactId, SignalCard)>,
    /// Where the weights come from: `defaults: …`, `fitted on …`.
    pub weights: String,
    /// What a person should know.
    pub warnings: Vec<String>,
    /// Who is on no record, and how many events each has.
    pub strangers: Vec<(String, usize)>,
    /// Who is left out and why, but for those without a signal.
    pub left_out: Vec<Removed>,
    /// How many accounts have no signal that speaks for them today.
    pub passed: usize,
}

/// How an account stands today, with all that its number is made of.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The day.
    pub day: Date,
    /// Fit, warmth and room.
    pub candidate: Candidate,
    /// Each signal that counts: its id, and its line with its kind.
    pub signals: Vec<(String, String)>,
    /// Its place in the feed kept of the day, from 1.
    pub place: Option<usize>,
    /// Why it is not in a feed made now, if it is not.
    pub left_out: Option<Why>,
    /// Where the weights come from.
    pub weights: String,
    /// What a person should know.
    pub warnings: Vec<String>,
}

/// All a feed is made of, read once.
struct Read {
    icp: Icp,
    events: Vec<SignalEvent>,
    market: Market,
    weights: Weights,
    cut: Option<String>,
}

impl Read {
    fn input<'a>(&'a self, day: Date, zone: &'a jiff::tz::TimeZone, cap: usize) -> FeedInput<'a> {
        FeedInput {
            day,
            zone,
            accounts: &self.market.accounts,
            events: &self.events,
            icp: &self.icp,
            weights: &self.weights,
            capacity: &self.market.capacity,
            cap,
        }
    }
}

impl Office {
    /// The profile of whom we sell to; nothing if none is set up.
    ///
    /// # Errors
    /// If it cannot be read, with every fault it has.
    pub fn icp(&self) -> anyhow::Result<Option<Icp>> {
        let Some(path) = &self.settings.signals.icp else { return Ok(None) };
        let bytes =
            std::fs::read(path).with_context(|| format!("workflow.signals.icp {} cannot be read", path.display()))?;
        Ok(Some(icp::read(&bytes).with_context(|| path.display().to_string())?))
    }

    /// Today in the team's zone.
    ///
    /// # Errors
    /// If the zone is none.
    pub fn today(&self) -> anyhow::Result<Date> {
        let now = Timestamp::from_millisecond((self.clock)())?.to_zoned(self.settings.zone()?);
        Ok(now.date().to_string().parse()?)
    }

    /// The feed that is kept of a day, if one is.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn kept_feed(&self, day: Date) -> anyhow::Result<Option<DayFeed>> {
        let Some(item) = self.store.item(ItemKind::Feed, &day.to_string())? else { return Ok(None) };
        let shown: Shown = serde_json::from_value(item.body).context("the feed of that day cannot be read")?;
        let mut cards = Vec::with_capacity(shown.cards.len());
        for id in shown.cards {
            cards.extend(self.card(&id)?.map(|card| (id, card)));
        }
        let Shown { day, weights, warnings, strangers, left_out, passed, .. } = shown;
        Ok(Some(DayFeed { day, kept: true, new: false, cards, weights, warnings, strangers, left_out, passed }))
    }

    fn card(&self, id: &ArtifactId) -> anyhow::Result<Option<SignalCard>> {
        let kept = self.store.artifact(id)?;
        // What is left of an erased one says nothing.
        Ok(kept.and_then(|kept| serde_json::from_value(kept.artifact.body).ok()))
    }

    /// The feed of a day: the kept one; else that of today is made and kept, and that of an earlier day made to look at.
    ///
    /// # Errors
    /// If the day is ahead, no profile is set up, or the CRM or the store cannot be read.
    pub fn day_feed(&self, day: Date) -> anyhow::Result<DayFeed> {
        if let Some(kept) = self.kept_feed(day)? {
            return Ok(kept);
        }
        let today = self.today()?;
        if day > today {
            bail!("{day} has not come yet; the feed of a day knows what had happened when it began");
        }
        let read = self.read_all()?;
        let zone = self.settings.zone()?;
        let made = feed(read.input(day, &zone, self.settings.signals.most_cards));
        self.check_cards(&made.cards, &read.events)?;
        if day < today {
            return Ok(day_feed(made, &read, false));
        }
        for card in &made.cards {
            self.keep(Kind::SignalCard, card)?;
        }
        let ids = made.cards.iter().map(|c| c.id.clone()).collect();
        let mut out = day_feed(made, &read, true);
        let shown = Shown {
            day,
            cards: ids,
            weights: out.weights.clone(),
            warnings: out.warnings.clone(),
            strangers: out.strangers.clone(),
            left_out: out.left_out.clone(),
            passed: out.passed,
        };
        let item = Item {
            kind: ItemKind::Feed,
            id: day.to_string(),
            account: None,
            at_unix_ms: (self.clock)(),
            body: serde_json::to_value(&shown)?,
        };
        // The first one stays: of two runs at once, what was shown by one is what the other shows.
        out.new = self.store.keep_items(&[item])? > 0;
        if out.new { Ok(out) } else { self.kept_feed(day)?.context("the feed of today is gone again") }
    }

    /// Makes and keeps the feed of today, as the night does. Nothing, if no profile is set up or it is kept already.
    ///
    /// # Errors
    /// As [`day_feed`](Self::day_feed).
    pub(in crate::workflow) fn feed_of_the_night(&self) -> anyhow::Result<Option<DayFeed>> {
        if self.settings.signals.icp.is_none() {
            return Ok(None);
        }
        Ok(Some(self.day_feed(self.today()?)?).filter(|feed| feed.new))
    }

    /// How an account stands today.
    ///
    /// # Errors
    /// If no profile is set up, the account is not on record, or something cannot be read.
    pub fn explain_account(&self, account: &str) -> anyhow::Result<Explained> {
        let read = self.read_all()?;
        let (day, zone) = (self.today()?, self.settings.zone()?);
        let at = read.market.find(account).map_err(anyhow::Error::msg)?.at.clone();
        let input = read.input(day, &zone, self.settings.signals.most_cards);
        let candidate = candidate(&input, &at).context("the account is not on record")?;
        let made = feed(input);
        let told = events_of(&read.market.accounts, &read.events);
        let counts = |id: &str| candidate.warmth.contributions.iter().any(|c| c.event == id);
        let signals = told.get(&at).into_iter().flatten().filter(|e| counts(&e.id));
        let signals = signals.map(|e| (e.id.clone(), format!("{}: {}", e.kind.words(), e.line()))).collect();
        let kept = self.kept_feed(day)?;
        let place = kept.and_then(|f| f.cards.iter().position(|(_, c)| c.account == at)).map(|n| n + 1);
        let left_out = made.removed().iter().find(|r| r.account == at).map(|r| r.why.clone());
        let warnings = made.warnings.iter().chain(&read.cut).cloned().collect();
        Ok(Explained { day, signals, place, left_out, weights: read.weights.basis.to_string(), warnings, candidate })
    }

    /// The latest card of an account, of the last 30 days.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(in crate::workflow) fn latest_card(
        &self,
        account: &RecordRef,
    ) -> anyhow::Result<Option<(ArtifactId, SignalCard)>> {
        let since = (self.clock)() - CARD_DAYS * DAY_MS;
        // One a day, so there are no more.
        let kept = self.store.items(ItemKind::Feed, None, since, CARD_DAYS as usize + 2)?;
        for item in kept.into_iter().rev() {
            let Ok(shown) = serde_json::from_value::<Shown>(item.body) else { continue };
            for id in shown.cards {
                if let Some(card) = self.card(&id)?.filter(|card| card.account == *account) {
                    return Ok(Some((id, card)));
                }
            }
        }
        Ok(None)
    }

    /// The cards of the feeds of the last 30 days.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub(in crate::workflow) fn cards_shown(&self) -> anyhow::Result<Vec<(ArtifactId, SignalCard)>> {
        let since = (self.clock)() - CARD_DAYS * DAY_MS;
        let mut out = Vec::new();
        for item in self.store.items(ItemKind::Feed, None, since, CARD_DAYS as usize + 2)? {
            let Ok(shown) = serde_json::from_value::<Shown>(item.body) else { continue };
            for id in shown.cards {
                out.extend(self.card(&id)?.map(|card| (id, card)));
            }
        }
        Ok(out)
    }

    fn read_all(&self) -> anyhow::Result<Read> {
        let none = "no profile is set up; name one: icp = \"icp.json\" under [workflow.signals]";
        let icp = self.icp()?.context(none)?;
        let (events, cut) = self.events()?;
        let market = self.market(&events)?;
        let given = Weights::of_icp(&icp, "no history was looked at");
        let weights = fit(&history(&market, &events), &given);
        Ok(Read { icp, events, market, weights, cut })
    }

    /// Holds each card against the events it cites.
    fn check_cards(&self, cards: &[Artifact<SignalCard>], events: &[SignalEvent]) -> anyhow::Result<()> {
        let cited: std::collections::BTreeSet<String> =
            cards.iter().flat_map(|c| claims(&c.body)).flat_map(cited_items).collect();
        let items: Vec<(String, String)> =
            events.iter().filter(|e| cited.contains(&e.id)).map(|e| (e.id.clone(), e.text())).collect();
        let sources = verify::Sources { items: &items, ..verify::Sources::default() };
        let broken = cards.iter().flat_map(|c| verify::check_all(&claims(&c.body), sources)).count();
        if broken > 0 {
            // A fault of ours, which goes to nobody.
            bail!("{broken} citations of the feed do not hold; it was not made");
        }
        Ok(())
    }
}

/// Every statement of a card.
pub(in crate::workflow) fn claims(card: &SignalCard) -> Vec<&reframe_workflow::artifact::Claim> {
    card.reasons.iter().chain(&card.rationale).collect()
}

/// Names of the items that a claim cites.
pub(in crate::workflow) fn cited_items(claim: &reframe_workflow::artifact::Claim) -> Vec<String> {
    let item = |e: &reframe_workflow::artifact::Evidence| match e {
        reframe_workflow::artifact::Evidence::Source { item, .. } => Some(item.clone()),
        _ => None,
    };
    claim.evidence().iter().filter_map(item).collect()
}

/// Deals that are over, with what had happened before they began.
fn history(market: &Market, events: &[SignalEvent]) -> Vec<Case> {
    let told = events_of(&market.accounts, events);
    let keyed: Vec<(String, &SignalEvent)> =
        told.iter().flat_map(|(at, events)| events.iter().map(|e| (at.to_string(), *e))).collect();
    cases(&market.past, keyed.iter().map(|(key, event)| (key.as_str(), *event)))
}

fn day_feed(made: Feed, read: &Read, kept: bool) -> DayFeed {
    let passed = made.removed().iter().filter(|r| r.why == Why::Pass).count();
    let left_out = made.removed().iter().filter(|r| r.why != Why::Pass).take(LEFT_OUT).cloned().collect();
    DayFeed {
        day: made.day,
        kept,
        new: kept,
        weights: read.weights.basis.to_string(),
        warnings: made.warnings.iter().chain(&read.cut).cloned().collect(),
        strangers: made.strangers,
        left_out,
        passed,
        cards: made.cards.into_iter().map(|c| (c.id, c.body)).collect(),
    }
}
