//! The per-stage measurement: what is lost between any two of the six stages, from what is stored and from nothing else.

use std::collections::BTreeMap;

use reframe_workflow::outbox::Standing;
use serde_json::{Value, json};

use super::team::{ACCOUNTS, Team};
use crate::{feed::http, support::Served};

/// The points of a walk, each stage's beginning and end.
const POINTS: [&str; 12] = [
    "signal",
    "signal.done",
    "outreach",
    "outreach.done",
    "call_prep",
    "call_prep.done",
    "live_call",
    "live_call.done",
    "post_call",
    "post_call.done",
    "hygiene",
    "hygiene.done",
];
/// When in the test each of them comes about: the night's review is before anything after the call is approved.
const WHEN: [usize; 12] = [1, 1, 2, 3, 4, 5, 6, 7, 8, 10, 9, 11];

/// How far each account came, written down by hand: a mark for each point it was at, and whether it was lost in the end.
const CAME: [(&str, bool); ACCOUNTS.len()] = [
    ("xx xx xx xx xx xx", false),
    ("xx xx xx xx x- x-", false),
    ("xx xx xx -- -- x-", true),
    ("xx xx x- -- -- x-", false),
    ("xx xx -- -- -- --", false),
    ("xx x- -- -- -- --", false),
    ("xx x- -- -- -- --", false),
    ("xx x- -- -- -- --", false),
    ("xx -- -- -- -- --", false),
];

/// Whether an account was at a point.
fn was_at(account: usize, point: usize) -> bool {
    CAME[account].0.replace(' ', "").as_bytes()[point] == b'x'
}

/// Entered, advanced, dropped, open between two points, counted from the table.
fn counted(from: usize, to: usize) -> [u64; 4] {
    let mut all = [0; 4];
    for account in (0..CAME.len()).filter(|account| was_at(*account, from)) {
        all[0] += 1;
        let fate = if was_at(account, to) && WHEN[to] >= WHEN[from] {
            1
        } else if CAME[account].1 {
            2
        } else {
            3
        };
        all[fate] += 1;
    }
    all
}

/// The nine accounts, and what a person decided about what was proposed.
fn decided() -> Team {
    let team = Team::walked();
    let of = |account: usize| team.batch(&format!("call call-{account}"));
    let mut answers: BTreeMap<String, &str> = BTreeMap::new();
    answers.extend(of(1).iter().map(|l| (l.proposal.id.to_string(), "a")));
    answers.extend(of(2).iter().map(|l| (l.proposal.id.to_string(), "r\nthat is not how it was")));
    let nights = team.proposals().into_iter().filter(|l| l.proposal.batch.starts_with("night ")).map(|l| l.proposal);
    let about = |deal: &str| {
        let is = |p: &reframe_workflow::gate::Proposal| p.action.target().is_some_and(|at| at.id == deal);
        nights.clone().find(is).unwrap().id.to_string()
    };
    let (done, refused) = (about("1"), about("2"));
    team.review(|line| answers.get(line.split(' ').next().unwrap()).copied().unwrap_or("n"));
    team.review(|line| match line.split(' ').next().unwrap() {
        id if id == done => "a",
        id if id == refused => "r\nit has one",
        _ => "n",
    });
    for (account, says) in [(1, "done"), (2, "rejected")] {
        assert!(of(account).iter().all(|l| l.standing.as_str() == says), "{account}: {:?}", of(account));
    }
    // The third deal is lost, as a person writes it down.
    let deals = std::fs::read_to_string(team.path().join("data/crm/deals.csv")).unwrap();
    let now = jiff::Timestamp::now().to_string();
    let lost = |line: &str| {
        let mut cells: Vec<String> = line.split(',').map(str::to_owned).collect();
        if cells[0] == "3" {
            (cells[1], cells[3]) = (now.clone(), "closed_lost".to_owned());
        }
        cells.join(",") + "\n"
    };
    team.crm("deals.csv", &deals.lines().map(lost).collect::<String>());
    team
}

fn funnel(server: &Served, from: &str, to: &str) -> Value {
    let (status, text) =
        http(server, "GET", &format!("/v1/accounts/funnel?from={from}&to={to}&by=month"), &server.key, "");
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).unwrap()
}

/// Wilson's score interval at 95 %, after the formula.
fn wilson(k: f64, n: f64) -> (f64, f64) {
    let (z, p) = (1.959_963_985, k / n);
    let middle = (p + z * z / (2.0 * n)) / (1.0 + z * z / n);
    let half = z / (1.0 + z * z / n) * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    (middle - half, middle + half)
}

/// Between each point and every later one: the numbers are those of the table, in all and by cohort, and the rates are
/// theirs. The page and the command say the same.
#[test]
fn any_two_stages_have_their_own_numbers() {
    let team = decided();
    let mut server = team.serve();
    let mut seen = 0;
    for from in 0..POINTS.len() {
        for to in (0..POINTS.len()).filter(|to| WHEN[*to] >= WHEN[from] && *to != from) {
            let (page, expected) = (funnel(&server, POINTS[from], POINTS[to]), counted(from, to));
            let asked = &page["asked"];
            let between = format!("{} to {}: {}", POINTS[from], POINTS[to], asked["all"]);
            let of =
                |tally: &Value| ["entered", "advanced", "dropped", "open"].map(|name| tally[name].as_u64().unwrap());
            assert_eq!(of(&asked["all"]), expected, "{between}");
            let [entered, advanced, dropped, open] = expected;
            assert_eq!(entered, advanced + dropped + open, "{between}");
            assert_eq!(
                asked["dropped_by"],
                if dropped > 0 { json!({"lost": dropped}) } else { json!({}) },
                "{between}"
            );
            let mut sum = [0; 4];
            for cohort in asked["cohorts"].as_array().unwrap() {
                sum.iter_mut().zip(of(&cohort["tally"])).for_each(|(all, one)| *all += one);
            }
            assert_eq!(sum, expected, "{between}");
            for (rate, k, n) in [("decided", advanced, advanced + dropped), ("so_far", advanced, entered)] {
                let rate = &asked[rate];
                assert_eq!((&rate["k"], &rate["n"]), (&json!(k), &json!(n)), "{between}");
                if n > 0 {
                    let (low, high) = wilson(k as f64, n as f64);
                    let close = |name: &str, to: f64| (rate[name].as_f64().unwrap() - to).abs() < 1e-6;
                    assert!(close("share", k as f64 / n as f64) && close("low", low) && close("high", high), "{rate}");
                } else {
                    assert!(rate["share"].is_null(), "nobody is no share: {rate}");
                }
            }
            seen += 1;
        }
    }
    assert!(seen >= 66, "{seen} pairs");
    let all: Vec<[u64; 4]> = (0..POINTS.len()).flat_map(|a| (0..POINTS.len()).map(move |b| counted(a, b))).collect();
    assert!(all.iter().any(|c| c[2] > 0) && all.iter().any(|c| c[3] > 0), "the table has losses and open cases");
    assert_eq!(server.terminate(), Some(0));
    let said = team.json(&["funnel", "--from", "outreach.done", "--to", "live_call", "--by", "month"]);
    assert_eq!(said["asked"]["all"]["advanced"], json!(counted(3, 6)[1]));
}

/// Each stage of each account says when it began and was done, and how what it proposed was decided: from what is stored.
/// A copy of the store, made of nothing but its export, measures the same.
#[test]
fn each_stage_says_how_it_stands_from_what_is_stored() {
    let team = decided();
    let names = ["signal", "outreach", "call_prep", "live_call", "post_call", "hygiene"];
    let pages: Vec<Value> =
        (1..=ACCOUNTS.len()).map(|n| team.json(&["account", &format!("local:company/{n}")])).collect();
    for (account, page) in pages.iter().enumerate() {
        assert_eq!(page["walks"].as_array().unwrap().len(), 1, "{page}");
        for (n, stage) in page["walks"][0]["stages"].as_array().unwrap().iter().enumerate() {
            assert_eq!(stage["stage"], json!(names[n]));
            for (edge, field) in [(0, "begun_unix_ms"), (1, "done_unix_ms")] {
                let there = !stage[field].is_null();
                assert_eq!(there, was_at(account, 2 * n + edge), "{} {} {field}", ACCOUNTS[account].0, names[n]);
            }
        }
    }
    // How the stages' proposals stand, counted from the store's own rows.
    let mut rows: BTreeMap<(String, String), u64> = BTreeMap::new();
    for listed in team.proposals() {
        let stage = match listed.proposal.from.kind() {
            "draft" => "outreach",
            "brief" => "call_prep",
            "note_proposal" => "post_call",
            "field_proposal" => "hygiene",
            // An answer that came to no message of ours.
            other => panic!("{other}"),
        };
        let state = if listed.standing == Standing::Open { "proposed" } else { listed.standing.as_str() };
        *rows.entry((stage.to_owned(), state.to_owned())).or_default() += 1;
    }
    let mut shown: BTreeMap<(String, String), u64> = BTreeMap::new();
    for stage in pages.iter().flat_map(|page| page["walks"][0]["stages"].as_array().unwrap()) {
        for (state, n) in stage["counts"].as_object().unwrap() {
            let n = n.as_u64().unwrap();
            if n > 0 {
                let key = (stage["stage"].as_str().unwrap().to_owned(), state.clone());
                *shown.entry(key).or_default() += n;
            }
        }
    }
    assert_eq!(shown, rows);

    team.says(&["data", "export", "export"]);
    let copy = Team::new();
    for table in ["deals.csv", "contacts.csv", "companies.csv"] {
        copy.crm(table, &std::fs::read_to_string(team.path().join("data/crm").join(table)).unwrap());
    }
    copy.says(&["data", "import", team.path().join("export").to_str().unwrap()]);
    for (n, page) in (1..).zip(&pages) {
        assert_eq!(copy.json(&["account", &format!("local:company/{n}")]), *page);
    }
    for (from, to) in [("signal", "live_call"), ("call_prep.done", "live_call"), ("live_call", "post_call.done")] {
        let ask = ["funnel", "--from", from, "--to", to];
        let (one, other) = (team.json(&ask), copy.json(&ask));
        for part in ["all", "decided", "so_far", "dropped_by", "cohorts"] {
            assert_eq!(one["asked"][part], other["asked"][part], "{from} {to} {part}");
        }
    }
}
