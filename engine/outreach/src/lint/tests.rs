//! The rules, one by one, and the ways round them.

use super::*;
use crate::voice::Voice as VoiceFile;

const MIDDLE: &str = "I saw that Kestrel Foods opened a second warehouse in Leeds. In many companies that is when stock lists stop \
    matching the shelves. Would a 15-minute conversation about stock across two sites help next week?";

fn good() -> Candidate {
    Candidate {
        channel: Channel::Email,
        language: Language::English,
        seller_first_name: "Tom".into(),
        contact_first_name: "Dana".into(),
        signal: "Kestrel Foods opened a second warehouse in Leeds on 3 March".into(),
        facts: vec!["Kestrel Foods has two sites and 120 staff".into()],
        subject: "Stock across two sites".into(),
        body: format!("Hi Dana,\n\n{MIDDLE}\n\nTom"),
        in_thread: false,
    }
}

fn rules(candidate: &Candidate) -> Vec<Rule> {
    let mut rules: Vec<Rule> = faults(candidate, &Voice::default()).into_iter().map(|f| f.rule).collect();
    rules.dedup();
    rules
}

/// With the middle sentence exchanged.
fn saying(middle: &str) -> Candidate {
    let old = "In many companies that is when stock lists stop matching the shelves.";
    let good = good();
    assert!(good.body.contains(old));
    Candidate { body: good.body.replace(old, middle), ..good }
}

fn with(from: &str, to: &str) -> Candidate {
    let good = good();
    assert!(good.body.contains(from), "{from}");
    Candidate { body: good.body.replace(from, to), ..good }
}

#[test]
fn a_good_message_passes() {
    assert_eq!(faults(&good(), &Voice::default()), vec![]);
    assert!(lint(good(), &Voice::default()).is_ok());
    for middle in [
        "Often, e.g. at Acme Inc. or approx. 40 others, stock lists stop matching the shelves.",
        "In many companies the question \"where is it?\" is then asked ten times a day.",
        "Many teams count 3.5 times a week then, i.e. too often.",
    ] {
        assert_eq!(rules(&saying(middle)), vec![], "{middle}");
    }
}

#[test]
fn every_rule_is_seen_through_disguise() {
    use Rule::*;
    for (candidate, rule) in [
        (with("I saw", "I hope this finds you well, and I saw"), ForbiddenOpener),
        (with("I saw", "I hope this f\u{200b}inds y\u{43e}u\u{a0}well: I saw"), ForbiddenOpener),
        (with("I saw", "I know you\u{2019}re busy, but I saw"), ForbiddenOpener),
        (with("I saw", "CIRCLING\u{2003}BACK as I saw"), ForbiddenOpener),
        (with("I saw", "\u{1d413}\u{1d428}\u{1d42e}\u{1d41c}\u{1d421}ing base: I saw"), ForbiddenOpener),
        (Candidate { subject: "Quick question".into(), ..good() }, ForbiddenOpener),
        (with("Hi Dana,", "Hello Dana,"), Greeting),
        (with("Hi Dana,", "Hi D\u{430}na,"), Greeting),
        (with("Hi Dana,", "Hi there,"), Greeting),
        (with("Hi Dana,\n\n", ""), Greeting),
        (with("Hi Dana,\n\n", "Hi Dana, "), Greeting),
        (with("\nTom", "\nTom Miller"), SignOff),
        (with("\nTom", "\nBest regards,\nTom"), SignOff),
        (with("\nTom", "\nTom\nAccount Executive"), SignOff),
        (with("\n\nTom", ""), SignOff),
        (saying("Stock lists often stop matching then. It is hard."), Sentences),
        (saying("> On Monday Dana wrote: fine.\n> Yes. It is."), Sentences),
        (saying(""), Sentences),
        (with("help next week?", "help next week."), NoQuestion),
        (saying("Does stock then stop matching the shelves in many companies?"), ManyQuestions),
        (with("week?", "week? Or later?"), ManyQuestions),
        (saying("In many companies stock stops matching then \u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}."), Emoji),
        (saying("In many companies stock stops matching then :-)"), Emoji),
        (
            with("Would a 15-minute conversation about stock across two sites help next week?", "What do you think?"),
            NoNextStep,
        ),
        (with("opened a second warehouse in Leeds", "is doing well"), NoReason),
        (Candidate { signal: String::new(), ..good() }, NoReason),
        (saying("Your 47 drivers wait for hours then."), Unsupported),
        (saying("You recently raised a Series B for that."), Unsupported),
        (saying("As the market leader you know how stock lists drift."), Unsupported),
        (saying("Hope your holiday in Crete was restful."), Personal),
        (saying("Congratulations on the new baby, by the way."), Personal),
        (saying("In many companies www.stock.example/a?utm_source=x shows it."), Link),
        (saying("In many companies <a href=x>stock lists</a> drift then."), Link),
        (saying("In many companies stock lists drift<!-- a. b. c. --> then."), Link),
        (saying("In many companies kestrel-stock.com shows it."), Link),
        (saying("In many companies stock lists stop MATCHING then."), Shouting),
        (saying("In many companies stock lists drift then!!"), Shouting),
        (saying(&format!("In many companies {} drift then.", "stock and lists and ".repeat(20))), TooLong),
        (Candidate { subject: " ".into(), ..good() }, Subject),
        (Candidate { subject: "Re: our talk".into(), ..good() }, Subject),
    ] {
        let found = rules(&candidate);
        assert!(found.contains(&rule), "{rule:?} not in {found:?}: {}", candidate.body);
        assert!(lint(candidate, &VoiceFile::default()).is_err());
    }
}

#[test]
fn a_fault_says_where_and_what_to_write() {
    let found = faults(&with("Hi Dana,", "Dear Dana,"), &Voice::default());
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].part, found[0].words.as_str()), (Part::Body, "Dear Dana,"));
    assert!(found[0].write.contains("\"Hi Dana,\""));
    let voice = Voice::read("[forbidden]\nshelves = \"racks\"\n[words]\nemail = 20").unwrap();
    let found = faults(&good(), &voice);
    let rules: Vec<Rule> = found.iter().map(|f| f.rule).collect();
    assert_eq!(rules, [Rule::TooLong, Rule::Voice]);
    assert!(found[1].write.contains("racks"));
}

#[test]
fn other_languages_have_their_own_manners() {
    let german = Candidate {
        language: Language::German,
        signal: "Gärtnerei Oellers baut ein Gewächshaus mit 2,5 ha".into(),
        facts: vec![],
        body: "Guten Tag Frau Oellers,\n\n2,5 ha Gewächshaus, so stand es in der Meldung, wollen warm sein. Oft kostet das z. B. \
               im Winter viel Gas. Hätten Sie am 2. Dezember 15 Minuten für ein Gespräch über Wärme?\n\nViele Grüße\nTom"
            .into(),
        ..good()
    };
    assert_eq!(rules(&german), vec![]);
    let hi = Candidate { body: german.body.replace("Guten Tag Frau Oellers", "Hi Frau Oellers"), ..german.clone() };
    assert_eq!(rules(&hi), [Rule::Greeting]);
    let french = Candidate {
        language: Language::French,
        signal: "La biscuiterie Ker Anna automatise sa ligne 3".into(),
        facts: vec![],
        body: "Bonjour Madame Garrec,\n\nJ'ai vu que la biscuiterie Ker Anna automatise sa ligne 3. Souvent, les biscuits cassent \
               à ce moment-là. Auriez-vous 15 minutes mardi pour un échange sur la casse ?\n\nTom"
            .into(),
        ..good()
    };
    assert_eq!(rules(&french), vec![]);
    let japanese = Candidate {
        language: Language::Japanese,
        contact_first_name: "由紀".into(),
        seller_first_name: "誠".into(),
        signal: "由紀様の旅館が外国語の予約に対応".into(),
        facts: vec![],
        body: "由紀様\n\n外国語の予約への対応を始められたと拝見しました。多くの旅館では質問への返信に時間がかかります。来週、15分ほど予約画面についてお話しできますでしょうか。\n\n誠".into(),
        ..good()
    };
    // A polite question in Japanese ends with か and a full stop.
    assert_eq!(rules(&japanese), vec![]);
}
