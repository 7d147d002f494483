//! No private fact gets into a sheet, and business that sounds private does.
#![allow(clippy::unwrap_used)]

use reframe_outreach::facts::{Blocked, Fact, FactSheet, Found, SourceClass};

fn found(text: &str, class: SourceClass) -> Found {
    Found { text: text.into(), class, url: None, source: "Kestrel Foods newsroom".into(), item: None, at_unix_ms: 0 }
}

/// Each stood, or could stand, on a page for business.
const PRIVATE: &[&str] = &[
    "Dana and her husband run the regional office together",
    "Her daughter just started at the local school",
    "He became a father of twins in March",
    "Proud dad of three and VP Operations",
    "Mum of two, marathon runner, CFO",
    "Congratulated on his wedding by the whole team",
    "She returned from maternity leave in June",
    "He is on paternity leave until autumn",
    "Her brother founded the competitor",
    "Recently divorced, he relocated to be nearer to the office",
    "Their son joined as an intern",
    "She is expecting her second child",
    "His family moved with him to Denver",
    "He thanked his wife in the acceptance speech",
    "Engaged to her fianc\u{e9} since last summer",
    "Diagnosed with cancer two years ago, he speaks openly about it",
    "Back at work after surgery on his knee",
    "She takes medication for ADHD",
    "He has been sober for five years",
    "She wrote about her burnout in 2024",
    "He uses a wheelchair since the accident",
    "Recovering from a heart attack, he works half days",
    "She lost a lot of weight this year",
    "On sick leave since Monday",
    "Posted pictures of her vacation in Crete",
    "Just back from a safari in Kenya with old friends",
    "He celebrates his birthday on 4 May",
    "Her golf handicap is 12",
    "Spends every weekend on his boat",
    "Ran the Berlin marathon in under four hours",
    "Took a cruise through the fjords",
    "His hobbies are chess and sourdough",
    "Her Instagram shows a trip to Lisbon",
    "Seen drunk at the trade fair party",
    "She lives in a house in Palo Alto",
    "He bought a flat near the river",
    "Her dog often sits in on meetings",
    "Renovating his kitchen this spring",
    "He has a mortgage of 400,000",
    "Her salary is about 210,000 a year",
    "His neighbour works at the same firm",
    "He commutes from Reading by train, his commute takes an hour",
    "She attends the Catholic church in town",
    "He fasts during Ramadan",
    "An active member of her synagogue",
    "He prays before every board meeting",
    "A Christian, she volunteers on Sundays",
    "He donated to a Republican campaign",
    "She voted for the initiative",
    "A member of the Labour Party since 2009",
    "He marched in the protest on Saturday",
    "She ran for city council: ran for council in 2022",
    "Trade union member and quality manager",
    "He came out as gay at a company event",
    "She turned 50 last month",
    "At 29 years old the youngest director",
    "Born in Lagos, she moved to London for work",
    "He is dating a colleague from finance",
    "Her father passed away in January",
    "He was arrested for speeding in 2019",
    "Took time off after a death in the team lead's circle",
    "Seine Frau und er haben geheiratet",
    "Sie war mit den Kindern im Urlaub",
    "Er ist krank und kommt erst im Herbst wieder",
    "Ihr Sohn studiert in Wien",
    "Sa femme dirige une autre soci\u{e9}t\u{e9}",
    "Elle est enceinte de son deuxi\u{e8}me enfant",
    "Il passe ses vacances en Bretagne",
    "Il va \u{e0} l'\u{e9}glise le dimanche",
    "Her k\u{131}ds sing in the school play",
    "His w\u{200b}ife is a partner at the law firm",
    "Her d\u{430}ughter plays tennis",
];

const BUSINESS: &[&str] = &[
    "Kestrel Foods published its new parental-leave policy on 3 March",
    "A family-owned bakery group with 40 shops",
    "The family office invested in logistics software",
    "Launches a new family of products for cold storage",
    "Opens its parent company's books to auditors",
    "Its sister company runs warehouses in Leeds",
    "Supplies baby food to 12 retailers",
    "Builds booking software for holiday parks",
    "Prepares for the holiday season with 300 temporary staff",
    "Operates ski resorts in Colorado",
    "A vacation-rental platform with 9,000 listings",
    "Sells pet food online",
    "Runs 30 garden centres",
    "Home-delivery volumes rose by 12 %",
    "A mortgage lender that automates underwriting",
    "Digital health start-up raises a Series B",
    "Opened two surgery centers in Ohio",
    "Its gene-therapy plant is validated",
    "Public-health agency buys dashboards",
    "Vendor of election software wins a tender",
    "Moves third-party risk management in house",
    "The European Union adopts new packaging rules",
    "Closed a venture-debt round of 8 million",
    "Reduces technical debt before the launch",
    "Its marketing campaign for the spring range begins",
    "Hires a head of salary benchmarking",
    "Seeks a controller for the Berlin site",
    "Opens a second warehouse in Leeds",
    "Spoke at the logistics summit about stock accuracy",
    "Tochtergesellschaft in Graz er\u{f6}ffnet",
];

#[test]
fn nothing_private_becomes_a_fact() {
    assert!(PRIVATE.len() >= 60);
    let leaked: Vec<&str> =
        PRIVATE.iter().filter(|t| Fact::screen(found(t, SourceClass::ProfessionalPost)).is_ok()).copied().collect();
    assert_eq!(leaked, Vec::<&str>::new());
}

#[test]
fn business_that_sounds_private_is_kept() {
    let lost: Vec<String> = BUSINESS
        .iter()
        .filter_map(|t| Fact::screen(found(t, SourceClass::News)).err().map(|e| format!("{t}: {e}")))
        .collect();
    assert_eq!(lost, Vec::<String>::new());
}

#[test]
fn only_what_was_published_for_business_counts() {
    use SourceClass::{CompanySite, DataBroker, Filing, Hearsay, JobPosting, Photo, PrivateSocial, Unknown};
    for (class, good) in [
        (CompanySite, true),
        (JobPosting, true),
        (Filing, true),
        (PrivateSocial, false),
        (Photo, false),
        (DataBroker, false),
        (Hearsay, false),
        (Unknown, false),
    ] {
        assert_eq!(Fact::screen(found("Opens a site in Leeds", class)).is_ok(), good, "{class:?}");
    }
    let nowhere = Found { source: " ".into(), ..found("Opens a site", SourceClass::News) };
    assert_eq!(Fact::screen(nowhere), Err(Blocked::Unsourced));
    assert_eq!(Fact::screen(found(&"x".repeat(601), SourceClass::News)), Err(Blocked::Length));
    assert_eq!(Fact::screen(found(" ", SourceClass::News)), Err(Blocked::Length));
}

#[test]
fn a_file_is_screened_too() {
    let good = r#"{"text":"Opens a site in Leeds","class":"news","source":"Kestrel","at_unix_ms":5}"#;
    let fact: Fact = serde_json::from_str(good).unwrap();
    assert_eq!(serde_json::from_str::<Fact>(&serde_json::to_string(&fact).unwrap()).unwrap(), fact);
    let bad = good.replace("Opens a site in Leeds", "Her daughter plays chess");
    assert!(serde_json::from_str::<Fact>(&bad).unwrap_err().to_string().contains("private life"));
}

#[test]
fn a_sheet_says_what_was_left_out() {
    let all = vec![
        found("Opens a site in Leeds", SourceClass::News),
        found("Her daughter plays chess", SourceClass::ProfessionalPost),
        Found { at_unix_ms: 9, ..found("Hires a head of logistics", SourceClass::JobPosting) },
        found("Opens a site in Leeds", SourceClass::CompanySite),
    ];
    let (sheet, blocked) = FactSheet::of(all);
    assert_eq!(
        sheet.facts().iter().map(Fact::text).collect::<Vec<_>>(),
        ["Hires a head of logistics", "Opens a site in Leeds"]
    );
    assert_eq!(blocked.iter().map(|b| b.0).collect::<Vec<_>>(), [1]);
    let claim = sheet.facts()[1].claim("They open a site.", "site in Leeds").unwrap();
    let items = sheet.items();
    let sources = reframe_workflow::verify::Sources { items: &items, ..Default::default() };
    assert_eq!(reframe_workflow::verify::check(&claim, sources), vec![]);
}
