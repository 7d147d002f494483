//! Invented accounts over the six stages, for the pages that show them.

#[path = "briefs.rs"]
mod demo_briefs;

use jiff::tz::TimeZone;
use reframe_call::date::Date;
use reframe_funnel::{
    account::{Account, AccountState},
    fact::{End, Fact, Happened, Step},
    funnel::{Question, cases},
    gather::{by_account, in_order},
    huddle::{Moment, Topic, WorkWeek, huddle, of_log, window},
    page::{AccountPage, AccountsPage, FunnelPage, HuddlePage, account_page, accounts_page, funnel_page},
    stage::{Point, Stage},
};
use reframe_serve::{
    accounts::{
        AccountsDesk, FunnelAsked,
        briefs::{BriefPage, BriefsPage},
        journey::{JourneyPage, Told, journey},
    },
    review::DeskError,
};
use reframe_workflow::{
    artifact::{ArtifactId, Kind},
    gate::ProposalId,
    system::{RecordKind, RecordRef},
};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// Monday, 2 March 2026, 09:00 in Berlin.
const BEGIN: i64 = 1_772_438_400_000;
/// The morning after the mail of the second account went out.
const NOW: i64 = BEGIN + 8 * DAY;
const ZONE: &str = "Europe/Berlin";

/// The desk.
pub struct DemoAccounts {
    log: Vec<Fact>,
    accounts: Vec<AccountState>,
}

fn record(kind: RecordKind, id: &str) -> RecordRef {
    RecordRef { system: "local".into(), kind, id: id.into() }
}

/// Writes one account's facts.
struct Pen {
    facts: Vec<Fact>,
    of: String,
    seq: u64,
}

impl Pen {
    fn add(&mut self, at_unix_ms: i64, what: Happened) {
        self.facts.push(Fact { at_unix_ms, what });
    }

    fn made(&mut self, at: i64, kind: Kind, parents: &[&ArtifactId], call: Option<&str>, title: &str) -> ArtifactId {
        let id = ArtifactId::of(kind.as_str(), format!("{} {at}", self.of).as_bytes());
        let made = Happened::Made {
            kind,
            id: id.clone(),
            parents: parents.iter().map(|id| (*id).clone()).collect(),
            about: vec![record(RecordKind::Company, &self.of)],
            call: call.map(str::to_owned),
            title: title.to_owned(),
        };
        self.add(at, made);
        id
    }

    fn put(&mut self, at: i64, from: &ArtifactId, action: &str, steps: &[Step]) -> ProposalId {
        let proposal = ProposalId(ArtifactId::of("proposal", format!("{action} {at}").as_bytes()));
        let put = Happened::Proposed {
            proposal: proposal.clone(),
            from: from.clone(),
            action: action.to_owned(),
            system: "local".into(),
            target: Some(record(RecordKind::Company, &self.of)),
            rests_on: vec![],
        };
        self.add(at, put);
        for (step, after) in [Step::Put].iter().chain(steps).zip(0_i64..) {
            self.seq += 1;
            let (seq, proposal, by) = (self.seq, proposal.clone(), "person ada".to_owned());
            self.add(at + after * 60_000, Happened::Stepped { seq, proposal, step: *step, by });
        }
        proposal
    }
}

impl Default for DemoAccounts {
    fn default() -> Self {
        let done = [Step::Shown, Step::Approved, Step::Tried, Step::Done];
        let mut pen = Pen { facts: Vec::new(), of: "7".into(), seq: 0 };
        let signal = pen.made(BEGIN, Kind::SignalCard, &[], None, "");
        let draft = pen.made(BEGIN + HOUR, Kind::Draft, &[&signal], None, "");
        pen.put(BEGIN + HOUR, &draft, "send_mail", &done);
        let meeting = pen.made(BEGIN + DAY, Kind::Meeting, &[&draft], None, "Northwind: the warehouse in Essen");
        let brief = pen.made(BEGIN + 2 * DAY, Kind::Brief, &[&meeting], None, "");
        let began = BEGIN + 2 * DAY + HOUR;
        let (call, title) = ("call-7".to_owned(), "Northwind, second call".to_owned());
        let deal = Some(record(RecordKind::Company, "7"));
        pen.add(began, Happened::Called { call, ended_unix_ms: began + HOUR / 2, deal, title });
        let heard = pen.made(began + HOUR, Kind::CallTranscript, &[&brief], Some("call-7"), "");
        let note = pen.made(began + HOUR + 1, Kind::NoteProposal, &[&heard], Some("call-7"), "");
        pen.put(began + HOUR + 2, &note, "create_note", &done);
        pen.put(began + HOUR + 3, &note, "update_field", &[Step::Shown]);
        let night = pen.made(BEGIN + 3 * DAY, Kind::FieldProposal, &[&note], None, "");
        pen.put(BEGIN + 3 * DAY, &night, "update_field", &done);
        // One whose mail went out yesterday and whose meeting names no draft.
        pen.of = "8".into();
        let signal = pen.made(NOW - 2 * DAY, Kind::SignalCard, &[], None, "");
        let draft = pen.made(NOW - DAY, Kind::Draft, &[&signal], None, "");
        pen.put(NOW - DAY, &draft, "send_mail", &done);
        pen.made(NOW - DAY + 2 * HOUR, Kind::Meeting, &[], None, "<img src=x onerror=\"window.hacked = 1\">");
        // One that was lost.
        pen.of = "9".into();
        let signal = pen.made(BEGIN + DAY, Kind::SignalCard, &[], None, "");
        pen.made(BEGIN + DAY + HOUR, Kind::Draft, &[&signal], None, "");
        pen.add(BEGIN + 4 * DAY, Happened::Closed { record: record(RecordKind::Company, "9"), end: End::Lost });
        let names = [("7", "Northwind"), ("8", "Contoso <b>Ltd</b>"), ("9", "Fabrikam")];
        let accounts = names.map(|(id, name)| Account {
            id: format!("local:company/{id}"),
            name: name.to_owned(),
            records: vec![record(RecordKind::Company, id)],
        });
        let log = in_order(pen.facts);
        let accounts = by_account(&accounts, &log).accounts;
        Self { log, accounts }
    }
}

impl DemoAccounts {
    fn find(&self, id: &str) -> Result<&AccountState, DeskError> {
        let artifact = id.parse::<ArtifactId>().ok();
        let has = |state: &&AccountState| {
            let stands =
                |id: &ArtifactId| state.nodes.contains_key(id) || state.asks.contains_key(&ProposalId(id.clone()));
            state.account.id == id || state.calls.contains_key(id) || artifact.as_ref().is_some_and(stands)
        };
        self.accounts.iter().find(has).ok_or_else(|| DeskError::Unknown(format!("account `{id}`")))
    }
}

impl AccountsDesk for DemoAccounts {
    fn accounts(&self) -> Result<AccountsPage, DeskError> {
        Ok(accounts_page(&self.accounts, ZONE))
    }

    fn account(&self, id: &str) -> Result<AccountPage, DeskError> {
        Ok(account_page(self.find(id)?, None, ZONE))
    }

    fn journey(&self, id: &str, walk: Option<u32>) -> Result<JourneyPage, DeskError> {
        let state = self.find(id)?;
        let cards = state.nodes.iter().filter(|(_, node)| node.kind == Kind::SignalCard);
        let cited = cards.map(|(id, _)| (id.clone(), vec!["signal/0123456789abcdef01234567".to_owned()])).collect();
        let told = Told { now_unix_ms: NOW, cited, ..Told::default() };
        journey(state, walk, &told, ZONE).ok_or_else(|| DeskError::Unknown(format!("such walk of `{id}`")))
    }

    fn funnel(&self, asked: &FunnelAsked) -> Result<FunnelPage, DeskError> {
        let (from, to) = asked.between.unwrap_or((Point::begun(Stage::Signal), Point::done(Stage::Hygiene)));
        let zone = TimeZone::get(ZONE).map_err(|error| DeskError::Down(error.to_string()))?;
        let question = Question { from, to, now_unix_ms: NOW, zone, by: asked.by, lapse_ms: None };
        Ok(funnel_page(&cases(&self.accounts), &question, asked.between.is_some()))
    }

    fn huddle(&self, day: Option<Date>) -> Result<HuddlePage, DeskError> {
        let down = |error: String| DeskError::Down(error);
        let zone = TimeZone::get(ZONE).map_err(|error| down(error.to_string()))?;
        let later = day.and_then(|day| day.to_string().parse::<jiff::civil::Date>().ok());
        let noon = later.and_then(|day| day.at(12, 0, 0, 0).to_zoned(zone.clone()).ok());
        let now = noon.map_or(NOW, |at| at.timestamp().as_millisecond());
        let window = window(now, &zone, &WorkWeek::default()).map_err(|error| down(error.to_string()))?;
        let mut moments = of_log(&self.log);
        moments.push(Moment {
            at_unix_ms: NOW - DAY + HOUR,
            topic: Topic::Reply,
            links: vec!["contact/17".into()],
            says: "email".into(),
        });
        Ok(HuddlePage { huddle: huddle(window, &moments), time_on_task: None })
    }

    fn briefs(&self) -> Result<BriefsPage, DeskError> {
        Ok(demo_briefs::list())
    }

    fn brief(&self, id: &str) -> Result<BriefPage, DeskError> {
        demo_briefs::one(id).ok_or_else(|| DeskError::Unknown(format!("meeting `{id}`")))
    }
}
