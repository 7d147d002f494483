//! Hygiene on a made-up portfolio: every planted fault is found, nothing else is, and nobody's commit is touched.
#![allow(clippy::unwrap_used)]

mod hygiene_portfolio;

use std::collections::BTreeSet;

use hygiene_portfolio::{Case, FAULTS, history, now, portfolio, sound};
use reframe_workflow::{
    artifact::ArtifactId,
    gate::Action,
    hygiene::{Finding, History, PROTECTED, Rules, Suggest, effective_stage, review},
    verify::{self, Sources},
};

fn found(case: &Case, history: &History, rules: &Rules) -> Vec<Finding> {
    review(std::slice::from_ref(&case.view), history, rules, &now())
}

fn names(findings: &[Finding]) -> BTreeSet<&str> {
    findings.iter().map(|f| f.rule.as_str()).collect()
}

#[test]
fn every_planted_fault_is_found_and_nothing_else() {
    let rules = Rules::built_in();
    let history = history(&rules);
    let (mut hits, mut missed, mut extra, mut clean) = (0, Vec::new(), Vec::new(), 0);
    for (case, name, expected) in portfolio() {
        let findings = found(&case, &history, &rules);
        let (got, want) = (names(&findings), expected.iter().copied().collect::<BTreeSet<_>>());
        assert_eq!(got.len(), findings.len(), "{name}: said twice: {findings:#?}");
        hits += got.intersection(&want).count();
        missed.extend(want.difference(&got).map(|r| format!("{name}: {r}")));
        extra.extend(got.difference(&want).map(|r| format!("{name}: {r}")));
        clean += usize::from(expected.is_empty() && got.is_empty());
    }
    assert!(missed.is_empty() && extra.is_empty(), "missed {missed:#?}, too much {extra:#?}");
    assert_eq!(clean, 100);
    assert!(hits >= 100, "{hits}");
}

#[test]
fn every_citation_holds_and_the_review_repeats_itself() {
    let rules = Rules::built_in();
    let history = history(&rules);
    let (cases, views): (Vec<_>, Vec<_>) = portfolio().into_iter().map(|(c, ..)| (c.call, c.view)).unzip();
    let findings = review(&views, &history, &rules, &now());
    assert_eq!(findings, review(&views, &history, &rules, &now()));
    let records: Vec<_> = views
        .iter()
        .flat_map(|v| std::iter::once(&v.deal).chain(&v.contacts).chain(&v.tasks).chain(&v.notes).cloned())
        .collect();
    for finding in &findings {
        // What the buyer did is evidence of another system.
        let events = cases.iter().map(|c| (c.call.clone(), Vec::new())).collect::<Vec<_>>();
        let sources = Sources { calls: &cases, events: &events, records: &records, ..Sources::default() };
        let because = match &finding.suggest {
            Suggest::Change { change } => &change.get().because,
            Suggest::Task { task } => &task.what,
        };
        for claim in [&finding.what, because] {
            let broken = verify::check(claim, sources);
            let broken: Vec<_> = broken.iter().filter(|b| !b.problem.contains("has no event 1")).collect();
            assert!(broken.is_empty(), "{}: {broken:?}", finding.rule);
        }
    }
    let keys: BTreeSet<_> = findings.iter().map(Finding::key).collect();
    assert_eq!(keys.len(), findings.len());
}

#[test]
fn the_sellers_commit_is_in_no_proposal() {
    let rules = Rules::built_in();
    let history = history(&rules);
    let mut changes = BTreeSet::new();
    for (case, ..) in portfolio() {
        for finding in found(&case, &history, &rules) {
            let from = ArtifactId::of("field_proposal", b"x");
            let proposal = finding.proposal(from, "night", 0, 1, 2);
            assert_eq!(proposal.action.check(), Ok(()), "{}", finding.rule);
            if let Action::UpdateField { field, .. } = &proposal.action {
                changes.insert(field.clone());
            }
            let bytes = String::from_utf8(proposal.bytes()).unwrap();
            assert!(PROTECTED.iter().all(|p| !bytes.contains(p)), "{bytes}");
        }
    }
    assert_eq!(changes.into_iter().collect::<Vec<_>>(), ["amount", "close_date", "next_step", "stage"]);
    // Nor if a call seems to say it, or a rule asks for it.
    let mut case = sound(0, 2);
    case.empty("forecast_commit");
    case.slot("forecast_commit", "30000");
    assert_eq!(found(&case, &history, &rules), []);
    let stages = include_str!("../../../fixtures/workflow_rules/stages.toml");
    let asks = stages.replacen("needs = [\"close_date\"]", "needs = [\"Forecast Commit\"]", 1);
    let problems = Rules::parse(("s", &asks), ("r", "version = 1")).unwrap_err();
    assert!(problems[0].message.contains("belongs to the seller alone"), "{problems:?}");
}

#[test]
fn no_deal_is_advanced_on_less_than_everything() {
    let rules = Rules::built_in();
    let history = history(&rules);
    for stage in 0..4 {
        // Everything there is for the stages before, and every subset of what the stage itself asks for.
        for subset in 0_u32..16 {
            let mut case = sound(0, stage);
            let has = |i: u32| subset & (1 << i) != 0;
            let full = match stage {
                0 => {
                    case.without_slot("authority");
                    case.without_contact("economic_buyer");
                    case.empty("close_date");
                    for (i, slot) in ["need", "authority", "timeline"].into_iter().enumerate() {
                        if has(i as u32) {
                            case.slot(slot, "so they say");
                        }
                    }
                    has(0) && has(1) && has(2)
                }
                1 => {
                    case.empty("amount");
                    if !has(3) {
                        case.view.contacts.truncate(1);
                    }
                    for (i, slot) in ["decision_criteria", "decision_process", "budget"].into_iter().enumerate() {
                        if has(i as u32) {
                            case.slot(slot, "so they say it is");
                        }
                    }
                    subset == 15
                }
                2 => {
                    if !has(0) {
                        case.without_slot("budget");
                    }
                    if !has(1) {
                        case.without_contact("economic_buyer");
                    }
                    if !has(2) {
                        case.objection("price", reframe_workflow::handoff::Handling::Answered);
                    }
                    if has(3) {
                        case.contact("procurement");
                    }
                    subset == 15
                }
                _ => false,
            };
            let findings = found(&case, &history, &rules);
            let advanced = findings.iter().any(|f| f.rule.starts_with("stage-exit/"));
            assert_eq!(advanced, full, "stage {stage}, {subset:04b}");
            let effective = effective_stage(&case.view, &rules, &now()).unwrap();
            assert_eq!(rules.stage_index(&effective.stage) > rules.stage_index(&effective.recorded), full);
            assert_eq!(effective.missing.is_empty(), full && stage == 2 || stage == 3, "{effective:?}");
        }
    }
}

#[test]
fn without_history_the_number_of_the_file_is_used_and_it_is_said() {
    let rules = Rules::built_in();
    let (mut case, none) = (sound(0, 2), History::default());
    case.in_stage_for(60);
    case.last_heard(11);
    case.set("close_date", &hygiene_portfolio::day(-1).to_string());
    let findings = found(&case, &none, &rules);
    assert_eq!(names(&findings), BTreeSet::from(["close-date/past", "stale/proposal"]));
    for finding in &findings {
        // What nobody measured changes no field.
        assert!(finding.change().is_none(), "{finding:?}");
    }
    let stale = findings.iter().find(|f| f.rule == "stale/proposal").unwrap();
    assert!(stale.what.text().contains("default, n too small: 0"), "{}", stale.what.text());
    case.last_heard(10);
    assert_eq!(names(&found(&case, &none, &rules)), BTreeSet::from(["close-date/past"]));
}

#[test]
fn each_condition_of_a_risk_is_needed() {
    // Taking any condition out of a rule, or turning it round, changes what the planted deals and their sound twins show.
    let rules = Rules::built_in();
    let history = history(&rules);
    let (stages, risks) = (
        include_str!("../../../fixtures/workflow_rules/stages.toml"),
        include_str!("../../../fixtures/workflow_rules/risks.toml"),
    );
    let shown = |rules: &Rules| -> Vec<BTreeSet<String>> {
        let all = portfolio();
        all.iter().map(|(c, ..)| names(&found(c, &history, rules)).into_iter().map(String::from).collect()).collect()
    };
    let before = shown(&rules);
    for (from, to) in [
        ("{ not = { contact_role = \"executive_sponsor\" } }", "{ contact_role = \"executive_sponsor\" }"),
        ("stages = [\"proposal\", \"negotiation\"]\nwhen = [{ not = { contact_role", "when = [{ not = { contact_role"),
        ("{ field = \"amount\", above = 50_000 }, ", ""),
        ("above = 50_000", "above = 49_999"),
        ("above = 50_000", "above = 80_000"),
        (", { not = { slot = \"budget\" } }", ""),
        ("{ not = { slot = \"budget\" } }", "{ slot = \"budget\" }"),
        ("{ slot = \"competitive_language\" }, ", ""),
        (", { not = { slot = \"rep_asked_competitors\" } }", ""),
        ("{ not = { slot = \"rep_asked_competitors\" } }", "{ slot = \"rep_asked_competitors\" }"),
    ] {
        let mutant = risks.replacen(from, to, 1);
        assert_ne!(mutant, risks, "{from}");
        let mutant = Rules::parse(("s", stages), ("r", &mutant)).unwrap();
        // No executive sponsor is asked for in discovery, and there everybody has one: take theirs.
        let mut early = sound(0, 0);
        early.without_contact("executive_sponsor");
        let of = |rules: &Rules| names(&found(&early, &history, rules)).len();
        assert!(shown(&mutant) != before || of(&mutant) != of(&rules), "nobody notices `{from}` → `{to}`");
    }
    assert!(FAULTS.len() <= 50, "the portfolio has one hundred faulty deals");
}

#[test]
fn a_reminder_that_is_on_the_list_is_not_made_again() {
    let rules = Rules::built_in();
    let history = history(&rules);
    let mut case = sound(0, 2);
    case.empty("amount");
    let findings = found(&case, &history, &rules);
    let Suggest::Task { task } = &findings[0].suggest else { panic!("{findings:?}") };
    case.task(task.what.text(), 1, "open");
    assert_eq!(found(&case, &history, &rules), []);
}
