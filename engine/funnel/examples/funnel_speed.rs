//! How long the log, the accounts and the whole funnel take for 5,000 deals with 100,000 artifacts.

use std::time::Instant;

use jiff::tz::TimeZone;
use reframe_funnel::{
    account::Account,
    fact::{End, Fact, Happened, Step},
    funnel::{By, Question, cases, drop_off},
    gather::{by_account, in_order},
    page::{account_page, accounts_page},
    stage::{Edge, Point, Stage},
};
use reframe_workflow::{
    artifact::{ArtifactId, Kind},
    gate::ProposalId,
    system::{RecordKind, RecordRef},
};

const DEALS: usize = 5_000;
/// Hand-offs of each deal: 5,000 deals have 100,000.
const EACH: usize = 20;
const DAY_MS: i64 = 86_400_000;
const KINDS: [Kind; 7] = [
    Kind::SignalCard,
    Kind::Draft,
    Kind::Meeting,
    Kind::Brief,
    Kind::CallTranscript,
    Kind::NoteProposal,
    Kind::FieldProposal,
];

/// A small generator of its own, so that every run has the same deals.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

fn deal(n: usize) -> RecordRef {
    RecordRef { system: "local".into(), kind: RecordKind::Deal, id: n.to_string() }
}

fn world() -> (Vec<Account>, Vec<Fact>) {
    let mut dice = Dice(7);
    let mut facts = Vec::new();
    let account =
        |n: usize| Account { id: format!("local:company/{n}"), name: format!("Account {n}"), records: vec![deal(n)] };
    for n in 0..DEALS {
        let mut at = i64::try_from(dice.below(300)).unwrap_or(0) * DAY_MS;
        let mut last: Option<ArtifactId> = None;
        for i in 0..EACH {
            let kind = KINDS[i % KINDS.len()];
            let id = ArtifactId::of(kind.as_str(), format!("{n} {i}").as_bytes());
            let about = if last.is_none() { vec![deal(n)] } else { vec![] };
            let parents = last.iter().cloned().collect();
            let made = Happened::Made { id: id.clone(), kind, parents, about, call: None, title: String::new() };
            facts.push(Fact { at_unix_ms: at, what: made });
            if matches!(kind, Kind::Draft | Kind::NoteProposal | Kind::FieldProposal) {
                let proposal = ProposalId(ArtifactId::of("proposal", id.as_str().as_bytes()));
                let action = if kind == Kind::Draft { "send_mail" } else { "update_field" };
                let put = Happened::Proposed {
                    proposal: proposal.clone(),
                    from: id.clone(),
                    action: action.into(),
                    system: "local".into(),
                    target: Some(deal(n)),
                    rests_on: vec![],
                };
                facts.push(Fact { at_unix_ms: at + 1, what: put });
                for (seq, step) in [Step::Put, Step::Shown, Step::Approved, Step::Done].into_iter().enumerate() {
                    let stepped = Happened::Stepped {
                        seq: seq as u64,
                        proposal: proposal.clone(),
                        step,
                        by: "person ada".into(),
                    };
                    facts.push(Fact { at_unix_ms: at + 2 + seq as i64, what: stepped });
                }
            }
            last = Some(id);
            at += i64::try_from(dice.below(20)).unwrap_or(0) * DAY_MS / 4 + 60_000;
        }
        if dice.below(3) == 0 {
            facts.push(Fact { at_unix_ms: at, what: Happened::Closed { record: deal(n), end: End::Lost } });
        }
    }
    ((0..DEALS).map(account).collect(), facts)
}

fn main() {
    let (accounts, facts) = world();
    let artifacts = facts.iter().filter(|f| matches!(f.what, Happened::Made { .. })).count();
    // A driver may look at a clock; the funnel itself is given the time.
    #[allow(clippy::disallowed_methods, reason = "this measures")]
    let start = Instant::now();
    let log = in_order(facts);
    let sorted = start.elapsed();
    let gathered = by_account(&accounts, &log);
    let replayed = start.elapsed();
    let cases = cases(&gathered.accounts);
    let points: Vec<Point> =
        Stage::ALL.into_iter().flat_map(|stage| [Edge::Begun, Edge::Done].map(|edge| Point { stage, edge })).collect();
    let mut asked = 0;
    let mut entered = 0;
    for (i, from) in points.iter().enumerate() {
        for to in &points[i + 1..] {
            let question = Question {
                from: *from,
                to: *to,
                now_unix_ms: 400 * DAY_MS,
                zone: TimeZone::get("Europe/Berlin").unwrap_or(TimeZone::UTC),
                by: By::Week,
                lapse_ms: None,
            };
            entered += drop_off(&cases, &question).all.entered;
            asked += 1;
        }
    }
    let measured = start.elapsed();
    let page = account_page(&gathered.accounts[0], None, "UTC");
    let list = accounts_page(&gathered.accounts, "UTC");
    let paged = start.elapsed();
    println!("{DEALS} deals, {artifacts} artifacts, {} facts, {} walks", log.len(), cases.len());
    println!("sort the log        {:>7.1} ms", sorted.as_secs_f64() * 1e3);
    println!("gather and replay   {:>7.1} ms", (replayed - sorted).as_secs_f64() * 1e3);
    println!("{asked} funnels by week {:>7.1} ms ({entered} entries)", (measured - replayed).as_secs_f64() * 1e3);
    println!(
        "two pages           {:>7.1} ms ({} walks, {} accounts)",
        (paged - measured).as_secs_f64() * 1e3,
        page.n,
        list.accounts.len()
    );
    println!("all                 {:>7.1} ms", paged.as_secs_f64() * 1e3);
}
