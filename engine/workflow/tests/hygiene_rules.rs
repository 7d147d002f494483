//! Rule files: what is wrong in them is named with its line and what to write; and conditions by truth table.
#![allow(clippy::unwrap_used)]

mod hygiene_portfolio;

use hygiene_portfolio::{history, now, sound};
use reframe_workflow::{
    gate::{Action, Proposal, Seen},
    hygiene::{FieldMap, Rebased, Rules, rebase, review},
    system::{FieldInfo, RecordKind},
};

const STAGES: &str = include_str!("../../../fixtures/workflow_rules/stages.toml");
const FIELDS: &str = include_str!("../../../fixtures/workflow_rules/fields.toml");

fn line_of(text: &str, part: &str) -> usize {
    1 + text[..text.find(part).unwrap()].matches('\n').count()
}

#[test]
fn what_is_wrong_with_the_stages_is_named_with_its_line() {
    for (from, to, at, says) in [
        ("{ slot = \"need\" },", "{ slto = \"need\" },", "slto", "unknown field `slto`"),
        ("{ slot = \"need\" },", "{ slot = \"neeed\" },", "neeed", "there is no slot `neeed`; write one of `budget`"),
        ("{ slot = \"need\" },", "{ slot = \"need\", field = \"x\" },", "field = \"x\"", "write exactly one of `all`"),
        ("{ slot = \"need\" },", "{ within_days = 3 },", "within_days = 3 }", "belongs to `slot`"),
        ("{ slot = \"need\" },", "{ any = [] },", "any = []", "the list is empty"),
        ("{ slot = \"need\" },", "{ task_open = false },", "task_open = false", "not = { task_open = true }"),
        ("{ slot = \"need\" },", "{ field = \"x\", above = 1, below = 9 },", "above = 1,", "write one of `is`"),
        ("{ contact_role = \"legal\" }", "{ contact_role = \"lawyer\" }", "lawyer", "there is no role `lawyer`"),
        ("min_confidence = 0.6", "min_confidence = 6.0", "[limits]", "write a number from 0.0 to 1.0"),
        ("name = \"evaluation\"", "name = \"Discovery\"", "name = \"Discovery\"", "is another stage already"),
        ("fast_days = 30\n", "", "name = \"discovery\"", "`fast_days` is missing"),
        ("version = 1", "version = 2", "version = 2", "write `version = 1`"),
        ("end = \"lost\"", "end = \"gone\"", "end = \"gone\"", "unknown variant `gone`"),
        ("end = \"lost\"", "", "name = \"closed_lost\"", "ends last"),
    ] {
        let bad = STAGES.replacen(from, to, 1);
        assert_ne!(bad, STAGES, "{from}");
        let problems = Rules::parse(("stages.toml", &bad), ("risks.toml", "version = 1")).unwrap_err();
        let hit = problems.iter().find(|p| p.message.contains(says));
        let hit = hit.unwrap_or_else(|| panic!("{to}: {problems:#?}"));
        let line = line_of(&bad, at);
        // A stage's own faults are found at its head.
        assert!(hit.line == line || hit.line + 1 == line, "{to}: line {} is not {line}", hit.line);
    }
    for (risks, says) in [
        (
            "version = 1\n[[risk]]\nid = \"x\"\nwhen = []\nlevel = \"high\"\nconfidence = 1.0\nsays = \"a\"\ntask = \"b\"",
            "every deal would run",
        ),
        (
            "version = 1\n[[risk]]\nid = \"X y\"\nstages=[\"won\"]\nwhen = [{task_open = true}]\nlevel = \"high\"\nconfidence = 7.0\nsays = \"\"\ntask = \"b\"",
            "no open stage `won`",
        ),
        ("version = 1\n[[risk]]\nid = \"x\"\nwhy = 1", "unknown field `why`"),
        ("not toml", "expected"),
    ] {
        let problems = Rules::parse(("s", STAGES), ("risks.toml", risks)).unwrap_err();
        assert!(problems.iter().any(|p| p.message.contains(says)), "{risks}: {problems:#?}");
    }
}

#[test]
fn conditions_by_truth_table() {
    // One stage whose only criterion is the condition; it advances the deal exactly if the condition holds.
    let holds = |condition: &str, case: &hygiene_portfolio::Case| {
        let head = &STAGES[..STAGES.find("[[stage]]").unwrap()];
        let open = |name: &str, exit: &str| {
            format!("[[stage]]\nname = \"{name}\"\nexit = [{exit}]\nsilence_days = 9000\nfast_days = 0\n")
        };
        let text = format!("{head}{}{}", open("discovery", condition), open("evaluation", ""));
        let rules = Rules::parse(("s", &text), ("r", "version = 1")).unwrap_or_else(|p| panic!("{condition}: {p:#?}"));
        let findings = review(std::slice::from_ref(&case.view), &history(&rules), &rules, &now());
        findings.iter().any(|f| f.rule == "stage-exit/discovery")
    };
    let (yes, no) = ("{ slot = \"authority\" }", "{ slot = \"timeline\" }");
    let mut case = sound(0, 0);
    case.task("Send the price list", 3, "open");
    case.objection("price", reframe_workflow::handoff::Handling::Open);
    for (condition, is) in [
        (yes.to_owned(), true),
        (no.to_owned(), false),
        (format!("{{ not = {yes} }}"), false),
        (format!("{{ not = {no} }}"), true),
        (format!("{{ all = [{yes}, {yes}] }}"), true),
        (format!("{{ all = [{yes}, {no}] }}"), false),
        (format!("{{ all = [{no}, {yes}] }}"), false),
        (format!("{{ all = [{no}, {no}] }}"), false),
        (format!("{{ any = [{yes}, {yes}] }}"), true),
        (format!("{{ any = [{yes}, {no}] }}"), true),
        (format!("{{ any = [{no}, {yes}] }}"), true),
        (format!("{{ any = [{no}, {no}] }}"), false),
        (format!("{{ not = {{ any = [{no}, {{ all = [{yes}, {no}] }}] }} }}"), true),
        (format!("{{ not = {{ not = {yes} }} }}"), true),
        (format!("{yes}, {no}"), false),
        ("{ slot = \"authority\", within_days = 12 }".into(), true),
        ("{ slot = \"authority\", within_days = 11 }".into(), false),
        ("{ field = \"amount\" }".into(), true),
        ("{ field = \"nothing\" }".into(), false),
        ("{ field = \"amount\", above = 23999 }".into(), true),
        ("{ field = \"amount\", above = 24_000 }".into(), false),
        ("{ field = \"amount\", below = 24000.5 }".into(), true),
        ("{ field = \"next_step\", above = 0 }".into(), false),
        ("{ field = \"stage\", is = \"DISCOVERY\" }".into(), true),
        ("{ field = \"stage\", is = \"disco\" }".into(), false),
        ("{ contact_role = \"champion\" }".into(), true),
        ("{ contact_role = \"legal\" }".into(), false),
        ("{ contacts_at_least = 3 }".into(), true),
        ("{ contacts_at_least = 4 }".into(), false),
        ("{ task_open = true }".into(), true),
        ("{ buyer_active_within_days = 12 }".into(), true),
        ("{ buyer_active_within_days = 11 }".into(), false),
        ("{ next_step_dated = true }".into(), true),
        ("{ objection_open = \"price\" }".into(), true),
        ("{ objection_open = \"any\" }".into(), true),
        ("{ objection_open = \"trust\" }".into(), false),
        ("{ close_within_days = 120 }".into(), true),
        ("{ close_within_days = 119 }".into(), false),
    ] {
        assert_eq!(holds(&condition, &case), is, "{condition}");
    }
    case.view.tasks.clear();
    case.set("next_step_date", "2026-11-19");
    assert!(!holds("{ task_open = true }", &case) && !holds("{ next_step_dated = true }", &case));
}

#[test]
fn a_field_map_is_checked_against_itself_and_the_system() {
    let map = FieldMap::example();
    assert_eq!(map.get("hubspot", RecordKind::Deal, "close_date").unwrap().theirs, "closedate");
    for (from, to, says) in [
        ("\nwrite = false", "\nwrite = true", "is only read"),
        ("theirs = \"closedate\"", "theirs = \"hs_manual_forecast_category\"", "are mapped in line"),
        ("ours = \"close_date\"", "ours = \"stage\"", "are mapped in line"),
        ("ours = \"amount\"", "ours = \"\"", "is empty"),
        ("ours = \"amount\"", "our = \"amount\"", "unknown field `our`"),
    ] {
        let problems = FieldMap::parse("fields.toml", &FIELDS.replacen(from, to, 1)).unwrap_err();
        assert!(problems.iter().any(|p| p.message.contains(says) && p.line > 1), "{to}: {problems:#?}");
    }
    let mine = map.mappings().iter().filter(|m| m.kind == RecordKind::Deal);
    let info = |m: &reframe_workflow::hygiene::Mapping| FieldInfo {
        name: m.ours.clone(),
        theirs: m.theirs.clone(),
        options: m.options.values().cloned().collect(),
        writable: true,
    };
    let mut live: Vec<FieldInfo> = mine.map(info).collect();
    assert_eq!(map.check("hubspot", RecordKind::Deal, &live), []);
    live[0].options.retain(|o| o != "contractsent");
    live[1].writable = false;
    live.remove(2);
    let problems = map.check("hubspot", RecordKind::Deal, &live);
    let says: Vec<_> = problems.iter().map(|p| p.message.as_str()).collect();
    assert!(says[0].starts_with("`contractsent` cannot stand in `dealstage`"), "{says:?}");
    assert!(says[1].starts_with("hubspot lets nobody write `closedate`"), "{says:?}");
    assert!(says[2].starts_with("hubspot has no field `amount`"), "{says:?}");
    assert!(problems.iter().all(|p| p.line > 1));
}

#[test]
fn a_proposal_is_rebased_or_void_when_its_target_changed() {
    let rules = Rules::built_in();
    let mut case = sound(0, 2);
    case.without_slot("decision_process");
    let findings = review(std::slice::from_ref(&case.view), &history(&rules), &rules, &now());
    let from = reframe_workflow::artifact::ArtifactId::of("field_proposal", b"x");
    let proposal: Proposal = findings[0].proposal(from, "night", 0, 5, 6);
    let then = &case.view.deal;
    assert_eq!(rebase(&proposal, Some(then), 9), Rebased::StillGood);
    let changed = |field: &str, value: &str| {
        let mut record = then.clone();
        record.version = "2".into();
        record.fields.insert(field.into(), value.into());
        record
    };
    let Rebased::Updated(next) = rebase(&proposal, Some(&changed("amount", "9")), 9) else { panic!("not updated") };
    assert_eq!((next.revision, next.seen.clone()), (2, Some(Seen { version: "2".into(), at_unix_ms: 9 })));
    assert_eq!((&next.action, &next.id), (&proposal.action, &proposal.id));
    assert_ne!(next.digest(), proposal.digest(), "what was approved before would count for the new version");
    let mut same_version = changed("stage", "negotiation");
    same_version.version = "1".into();
    let mut other = then.clone();
    other.at.id = "other".into();
    for (target, why) in [
        (Some(changed("stage", "negotiation")), "reads \"negotiation\" now"),
        (Some(changed("stage", "evaluation")), "reads \"evaluation\" already"),
        (Some(same_version), "reads \"negotiation\" now"),
        (Some(other), "was read"),
        (None, "no longer there"),
    ] {
        let Rebased::Void { why: says } = rebase(&proposal, target.as_ref(), 9) else { panic!("not void: {why}") };
        assert!(says.contains(why), "{says}");
    }
    // What only adds stands whatever was changed, as long as there is something to add to.
    let about = then.at.clone();
    let note = Action::CreateNote { about, body: "x".into(), at_unix_ms: 1 };
    let note = Proposal { action: note, ..proposal };
    assert_eq!(rebase(&note, Some(&changed("stage", "negotiation")), 9), Rebased::StillGood);
    assert!(matches!(rebase(&note, None, 9), Rebased::Void { .. }));
}
