//! Profiles: read, judged, shown, and refused with words that help.

use super::*;

const EXAMPLE: &str = include_str!("../../assets/icp.example.json");

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn facts(json: &str) -> Firmographics {
    serde_json::from_str(json).unwrap()
}

#[test]
fn fit_is_the_sum_of_its_parts_and_what_is_unknown_counts_half() {
    let icp = read(EXAMPLE.as_bytes()).unwrap();
    let full = facts(
        r#"{"texts":{"industry":"Software"},"numbers":{"employees":200,"sellers":20},"lists":{"tech":["HubSpot"],"tags":[]}}"#,
    );
    for (facts, want) in [
        (full.clone(), 1_000),
        (Firmographics::default(), 499),
        (facts(r#"{"texts":{"industry":"bakery"},"numbers":{"employees":20000,"sellers":1},"lists":{"tech":[]}}"#), 0),
    ] {
        let judged = icp.judge(&facts);
        assert!((judged.fit_milli - want).abs() <= 1, "{judged:?}");
        assert_eq!(judged.fit_milli, judged.parts.iter().map(|p| p.milli).sum::<i64>());
    }
    assert!(icp.judge(&full).excluded.is_empty() && icp.judge(&full).unsure.is_empty());
    assert_eq!(icp.judge(&Firmographics::default()).unsure.len(), 2);
}

#[test]
fn exclusion_holds_whatever_the_fit() {
    let icp = read(EXAMPLE.as_bytes()).unwrap();
    let judged = icp.judge(&facts(
        r#"{"texts":{"industry":"software"},"numbers":{"employees":200,"sellers":20},"lists":{"tech":["hubspot"],"tags":["Competitor"]}}"#,
    ));
    assert_eq!(judged.fit_milli, 1_000);
    assert_eq!(judged.excluded, [("competitor".to_owned(), "they sell what we sell".to_owned())]);
}

#[test]
fn not_and_any_keep_what_is_unknown_unknown() {
    let p: Predicate = serde_json::from_str(
        r#"{"is":"not","of":{"is":"any","of":[{"is":"one_of","field":"country","values":["DE"]},{"is":"between","field":"founded","most":2000}]}}"#,
    )
    .unwrap();
    for (json, want) in [
        ("{}", judge::Truth::Unknown),
        (r#"{"texts":{"country":"de"}}"#, judge::Truth::No),
        (r#"{"texts":{"country":"FR"}}"#, judge::Truth::Unknown),
        (r#"{"texts":{"country":"FR"},"numbers":{"founded":2010}}"#, judge::Truth::Yes),
    ] {
        assert_eq!(p.truth(&facts(json)), want, "{json}");
    }
}

#[test]
fn a_profile_is_stale_after_ninety_days_and_says_so_on_its_page() {
    let icp = read(EXAMPLE.as_bytes()).unwrap();
    for (today, stale) in
        [("2026-03-31", true), ("2026-04-01", false), ("2026-06-30", false), ("2026-07-01", true), ("2027-01-01", true)]
    {
        assert_eq!(icp.warning(day(today)).is_some(), stale, "{today}");
        assert_eq!(markdown(&icp, day(today)).contains("Warning"), stale, "{today}");
    }
    // A late `refresh_by` does not keep it fresh.
    let long = Icp { refresh_by: day("2027-04-01"), ..icp };
    assert!(long.warning(day("2026-06-30")).is_none());
    assert!(long.warning(day("2026-07-01")).unwrap().contains("91 days old"));
}

#[test]
fn the_page_says_all_the_file_says() {
    let page = markdown(&read(EXAMPLE.as_bytes()).unwrap(), day("2026-05-01"));
    for words in [
        "3 of 8 | industry is software or it services",
        "employees from 50 to 2000",
        "sellers at least 10",
        "tech has hubspot or salesforce",
        "| layoffs | -20 | 60 days |",
        "| too-small | employees at most 9 | nobody there has budget for this |",
    ] {
        assert!(page.contains(words), "{words}\n{page}");
    }
}

#[test]
fn faults_are_named_with_their_place() {
    let with = |from: &str, to: &str| read(EXAMPLE.replace(from, to).as_bytes()).unwrap_err().to_string();
    for (from, to, says) in [
        ("\"weight\": 3", "\"weight\": 0", "fit `industry`: weight 0 is outside 1 to 100"),
        ("\"size\"", "\"industry\"", "`industry` names two rules"),
        ("\"least\": 50", "\"least\": 5000", "`least` 5000 is above `most` 2000"),
        ("\"2026-06-30\"", "\"2026-03-30\"", "not after `valid_from`"),
        ("they sell what we sell", " ", "exclusion `competitor` has no `reason`"),
        ("\"half_life_days\": 30", "\"half_life_days\": 0", "outside 1 to 365"),
        ("\"between\", \"field\": \"employees\"", "\"between\", \"field\": \"industry\"", "line 8"),
        ("\"version\": 3", "\"version\": 3, \"verison\": 4", "unknown field `verison`"),
        ("2026-04-01", "1.4.2026", "is no day of the calendar"),
    ] {
        let error = with(from, to);
        assert!(error.contains(says), "{to}: {error}");
    }
    assert!(schema().to_string().contains("half_life_days"));
}
