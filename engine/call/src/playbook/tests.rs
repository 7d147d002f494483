//! What a playbook may hold, and what is said about one that cannot be used.

use super::*;

const GOOD: &str = r#"
version = 1
name = "tiny"
[[play]]
id = "price"
label = "price"
phrases = ["too expensive"]
[play.card]
title = "Price"
say = ["One line."]
[[test]]
say = "it's too expensive"
expect = "price"
"#;

const CARD: &str = r#"+++
title = "Price"
+++
- One line.
"#;

fn source(text: &str, cards: &[(&str, &str)]) -> Source {
    let cards = cards.iter().map(|(name, text)| CardFile {
        name: (*name).into(),
        file: format!("book/{name}"),
        text: (*text).into(),
    });
    Source { file: "book/playbook.toml".into(), text: text.into(), cards: cards.collect(), today: None }
}

#[track_caller]
fn good(source: &Source) -> Playbook {
    let (playbook, problems) = read(source);
    assert_eq!(problems, []);
    playbook.expect("no problems")
}

/// An error in the playbook's file.
#[track_caller]
fn refused(text: &str, line: usize, part: &str) {
    refused_in(&source(text, &[]), "book/playbook.toml", line, part);
}

#[track_caller]
fn refused_in(source: &Source, file: &str, line: usize, part: &str) {
    let (playbook, problems) = read(source);
    assert!(playbook.is_none(), "should be refused: {problems:?}");
    found(&problems, Severity::Error, file, line, part);
}

#[track_caller]
fn warned(source: &Source, file: &str, line: usize, part: &str) {
    let (playbook, problems) = read(source);
    assert!(playbook.is_some(), "only a warning: {problems:?}");
    found(&problems, Severity::Warning, file, line, part);
}

#[track_caller]
fn found(problems: &[Problem], severity: Severity, file: &str, line: usize, part: &str) {
    let fits = |p: &&Problem| p.severity == severity && p.file == file && p.line == line && p.message.contains(part);
    assert_eq!(problems.iter().filter(fits).count(), 1, "wanted {file}:{line} `{part}`, got {problems:#?}");
}

/// The good one with more lines in its play, the first of them in line 8.
fn with(lines: &str) -> String {
    GOOD.replace("[play.card]", &format!("{lines}\n[play.card]"))
}

/// The good one with more lines in its card, the first of them in line 11.
fn with_card(lines: &str) -> String {
    GOOD.replace("[[test]]", &format!("{lines}\n[[test]]"))
}

#[test]
fn reads_a_good_one_with_defaults() {
    let playbook = good(&source(GOOD, &[]));
    let play = &playbook.plays[0];
    assert_eq!((play.ttl_ms, play.line, play.enabled, play.urgent), (30_000, 5, true, false));
    assert_eq!(playbook.tests[0].speaker, Party::Buyer);
    assert_eq!(playbook.id(), parse("elsewhere", GOOD).0.expect("good").id(), "where it lies does not matter");
}

#[test]
fn reads_everything_there_is() {
    let text = r##"#:schema ../playbook.schema.json
version = 1
name = "all"
title = "All of it"
[vocabulary]
products = ["larkspan"]

[[play]]
id = "price"
label = "price"
speaker = "any"
priority = 80
phrases = ["Too ..  expensive"]
never = ["not too .. expensive"]
like = ["It makes me wince."]
not_like = ["What would it cost?"]
sounds_like = [["larkspan", "lark span"]]
cooldown_ms = 2000
once = true
ttl_ms = 3000
owner = "sales-enablement"
urgent = true
[play.card]
title = "Price"
say = ["One.", "Two."]
ask = "Which?"
avoid = "Don't argue."
proofs = [
  { text = "Old.", source = "s", number = "6 hours", date = "2025-05-01", valid_until = "2026-05-01" },
  { text = "New.", source = "s" },
]
[[play.card.variant]]
id = "b"
say = ["Another."]
ask = "Which then?"
[[play.card.case_study]]
text = "They stayed."
source = "s"
industry = ["logistics"]
size = "11-200"
competitor = ["quillstone"]
stage = ["pilot"]
language = ["en"]

[[play]]
id = "price_again"
label = "price"
follows = "price"
enabled = false
card = "cards/again.md"

[[play]]
id = "asks"
label = "pricing_question"
when = { rule = "label", is = "pricing_question" }
card = { title = "They ask", say = ["One."], proof = { text = "A fact.", source = "s" } }

[[test]]
say = "it is too very expensive"
partial = ["it is too"]
play = "price"
expect = "price"

[[test]]
call = [{ at_s = 0, rep = "hello" }, { at_s = 1.5, buyer = "too expensive", for_s = 2 }, { at_s = 10 }]
deal = { planned_minutes = 30 }
expect_cards = ["price"]
"##;
    let again = "+++\ntitle = \"Still\"\navoid = \"No.\"\n+++\n\n- One.\n- Two,\n  and on.\n<!-- a note -->\n\n## Ask\nWhat\nelse?\n";
    let playbook = good(&source(text, &[("cards/again.md", again)]));
    let [price, follow, asks] = playbook.plays.as_slice() else { panic!("{playbook:?}") };
    assert_eq!(price.phrases, ["too .. expensive"]);
    assert_eq!((price.owner.as_deref(), price.urgent, price.max_per_call), (Some("sales-enablement"), true, 1));
    let card = &price.card;
    assert_eq!(card.avoid.as_deref(), Some("Don't argue."));
    assert_eq!(card.proofs[0].number.as_deref(), Some("6 hours"));
    assert_eq!(card.proofs[0].valid_until, "2026-05-01".parse().ok());
    assert_eq!(
        (card.variants[0].id.as_str(), card.variants[0].say.as_slice()),
        ("b", ["Another.".to_owned()].as_slice())
    );
    assert_eq!(card.case_studies[0].size.as_deref(), Some("11-200"));
    assert_eq!((follow.follows.as_deref(), follow.enabled), (Some("price"), false));
    assert_eq!(follow.card.say, ["One.", "Two, and on."]);
    assert_eq!((follow.card.ask.as_deref(), follow.card.avoid.as_deref()), (Some("What else?"), Some("No.")));
    assert_eq!(asks.when, Some(When::Label { is: "pricing_question".into() }));
    assert_eq!(asks.card.proofs.len(), 1);
    assert_eq!((playbook.tests[0].play.as_deref(), playbook.tests[0].partial.len()), (Some("price"), 1));
    let call = &playbook.calls[0];
    assert_eq!((call.deal.planned_minutes, call.expect_cards.as_slice()), (Some(30), ["price".to_owned()].as_slice()));
    assert_eq!((call.steps[1].at, call.steps[1].for_ms), (MediaTime::from_ms(1_500), Some(2_000)));
    assert_eq!(call.steps[2].who, None);
}

#[test]
fn drafts_do_not_run() {
    let mut playbook = good(&source(GOOD, &[]));
    let whole = Arc::new(playbook.clone());
    assert!(Arc::ptr_eq(&whole, &whole.in_force()), "nothing to leave out");
    playbook.plays[0].enabled = false;
    let playbook = Arc::new(playbook);
    assert_eq!((playbook.in_force().plays.len(), playbook.in_force().id()), (0, playbook.id()));
}

#[test]
fn every_file_is_in_the_hash() {
    let text = GOOD.replace("[play.card]\ntitle = \"Price\"\nsay = [\"One line.\"]", "card = \"cards/a.md\"");
    let id = |card: &str| good(&source(&text, &[("cards/a.md", card)])).id();
    assert_eq!(id(CARD), id(CARD));
    assert_ne!(id(CARD), id(&CARD.replace("One", "Another")));
}

#[test]
fn form_and_header() {
    refused(&GOOD.replace("version = 1", "version = 9"), 2, "version = 1");
    refused(&GOOD.replace("\"tiny\"", "\"Tiny!\""), 3, "lower-case letters");
    refused("version = 1\nname = \"x\"\n[[play", 3, "");
    refused("", 1, "version");
    refused("version = 1\nname = \"x\"\n", 1, "no [[play]]");
    refused(&GOOD.replace("label = \"price\"", "label = 3"), 6, "write it in quotes");
}

#[test]
fn an_unknown_key_names_the_nearest_one() {
    refused(&with("colour = 3"), 8, "unknown key `colour`; known here: id, label");
    refused(&with("pharses = []"), 8, "unknown key `pharses`; did you mean `phrases`?");
    refused(&with("speaker = \"bayer\""), 8, "unknown value `bayer`; did you mean `buyer`?");
    refused(&with_card("sai = []"), 11, "did you mean `say`?");
    refused(&with_card("[play.card.proof]\ntext = \"t\"\nsauce = \"s\""), 13, "did you mean `source`?");
    refused(&GOOD.replace("expect =", "expct ="), 13, "did you mean `expect`?");
    refused(&GOOD.replace("title = \"Price\"\n", ""), 8, "the key `title` is missing here; add title = …");
}

#[test]
fn ids_and_labels() {
    let second = GOOD.split("[[test]]").next().expect("has tests").replace("version = 1\nname = \"tiny\"", "");
    refused(&format!("{GOOD}{}", second.replace("too expensive", "too dear")), 17, "used twice, first in line 5");
    refused(&GOOD.replace("id = \"price\"", "id = \"The Price\""), 5, "lower-case letters");
    refused(&GOOD.replace("label = \"price\"", "label = \"none\""), 6, "`none` is reserved");
}

#[test]
fn phrases_that_cannot_be_looked_for() {
    let phrase = |text: &str| GOOD.replace("too expensive\"]", &format!("too expensive\",\n\"{text}\"]"));
    refused(&phrase(""), 8, "a phrase is empty");
    refused(&phrase("um uh"), 8, "no words that count");
    refused(&phrase("the"), 8, "would match nearly everything");
    refused(&phrase("and then they"), 8, "would match nearly everything");
    refused(&phrase("way too .."), 8, "`..` at an end");
    refused(&with("never = [\"\"]"), 8, "never: a phrase is empty");
    refused(&with("like = [\" \"]"), 8, "like: a line is empty");
    warned(&source(&phrase("cost"), &[]), "book/playbook.toml", 8, "one short word");
}

#[test]
fn a_phrase_in_two_plays_is_refused() {
    let second = GOOD.split("[[test]]").next().expect("has tests").replace("version = 1\nname = \"tiny\"", "");
    let text = format!("{GOOD}{}", second.replace("id = \"price\"", "id = \"price_b\"").replace("too exp", "Too, exp"));
    refused(&text, 19, "stands in play `price` too");
}

#[test]
fn numbers_of_a_play() {
    refused(&with("ttl_ms = 100"), 5, "too short to read; write 3000 or more");
    refused(&with("max_per_call = 0"), 5, "enabled = false, or max_per_call = 1");
    warned(&source(&with("priority = 101"), &[]), "book/playbook.toml", 5, "treated as 100");
}

#[test]
fn something_must_make_a_play_fire() {
    refused(&GOOD.replace("[\"too expensive\"]", "[]"), 5, "nothing could trigger it");
    refused(&with("when = { rule = \"label\", is = \"price\" }"), 8, "[play.when] and phrases or like: keep one");
    let text = GOOD.replace("phrases = [\"too expensive\"]", "when = { rule = \"lable\", is = \"price\" }");
    refused(&text, 7, "unknown value `lable`; did you mean `label`?");
    let text = GOOD.replace("phrases = [\"too expensive\"]", "when = { rule = \"label\", iss = \"price\" }");
    refused(&text, 7, "did you mean `is`?");
}

#[test]
fn cards() {
    refused(&GOOD.replace("\"Price\"", "\" \""), 9, "card.title is empty");
    refused(&GOOD.replace("[\"One line.\"]", "[]"), 10, "card.say has 0 lines");
    refused(&GOOD.replace("[\"One line.\"]", "[\"1\", \"2\", \"3\", \"4\"]"), 10, "reads one to 3");
    refused(&GOOD.replace("say = [\"One line.\"]", ""), 8, "add say =");
    refused(&with_card("ask = \"\""), 11, "a line of card.ask is empty");
    let long = "x".repeat(91);
    warned(&source(&with_card(&format!("avoid = \"{long}\"")), &[]), "book/playbook.toml", 11, "91 characters");
    refused(
        &GOOD.replace("[play.card]\ntitle = \"Price\"\nsay = [\"One line.\"]", "card = 3"),
        8,
        "or the name of its file",
    );
}

#[test]
fn proofs_and_their_dates() {
    let proof = |keys: &str| with_card(&format!("[play.card.proof]\n{keys}"));
    refused(&proof("text = \"t\""), 11, "a proof without source");
    refused(&proof("text = \"\"\nsource = \"s\""), 11, "a proof without text");
    refused(&proof("text = \"t\"\nsource = \"s\"\nnumber = 6"), 14, "write it in quotes");
    refused(
        &proof("text = \"t\"\nsource = \"s\"\ndate = \"2026-02-30\""),
        14,
        "`2026-02-30` is no day of the calendar",
    );
    refused(&proof("text = \"t\"\nsource = \"s\"\ndate = 2026-02-03"), 14, "a day in quotes, like \"2026-05-01\"");
    let both = "text = \"t\"\nsource = \"s\"\ndate = \"2026-05-01\"\nvalid_until = \"2026-04-30\"";
    refused(&proof(both), 15, "valid_until 2026-04-30 is before date 2026-05-01");
    let twice = "proof = { text = \"t\", source = \"s\" }\nproofs = [{ text = \"t\", source = \"s\" }]";
    refused(&with_card(twice), 12, "put them all into proofs");
    let old = source(&proof("text = \"t\"\nsource = \"s\"\nvalid_until = \"2026-04-30\""), &[]);
    good(&old);
    good(&Source { today: "2026-04-30".parse().ok(), ..old.clone() });
    warned(&Source { today: "2026-05-01".parse().ok(), ..old }, "book/playbook.toml", 14, "ran out on 2026-04-30");
}

#[test]
fn variants_and_case_studies() {
    let variant = |id: &str| format!("[[play.card.variant]]\nid = \"{id}\"\nsay = [\"Another.\"]\n");
    refused(&with_card(&variant("base")), 12, "`base` is the card's own wording");
    refused(&with_card(&variant("B")), 12, "lower-case letters");
    refused(&with_card(&format!("{}{}", variant("b"), variant("b"))), 15, "variant id `b` is used twice");
    refused(&with_card(&variant("b").replace("\"Another.\"", "")), 13, "variant.say has 0 lines");
    let many: String = (0..10).map(|n| variant(&format!("v{n}"))).collect();
    refused(&with_card(&many), 39, "at most 9 variants");
    refused(&with_card("[[play.card.case_study]]\ntext = \"t\""), 11, "a case study without source");
    refused(&with_card("[[play.card.case_study]]\ntext = \" \"\nsource = \"s\""), 11, "a case study without text");
}

fn in_file() -> String {
    GOOD.replace("[play.card]\ntitle = \"Price\"\nsay = [\"One line.\"]", "card = \"cards/price.md\"")
}

#[test]
fn card_files_are_looked_for_and_counted() {
    let text = in_file();
    refused(&text, 8, "there is no card file `cards/price.md`; put it into this playbook's folder `cards`");
    let near = source(&text, &[("cards/prize.md", CARD)]);
    refused_in(&near, "book/playbook.toml", 8, "did you mean `cards/prize.md`?");
    let more = source(&text, &[("cards/old.md", CARD), ("cards/price.md", CARD)]);
    warned(&more, "book/cards/old.md", 1, "no play uses this card");
}

#[track_caller]
fn card_refused(card: &str, line: usize, part: &str) {
    refused_in(&source(&in_file(), &[("cards/price.md", card)]), "book/cards/price.md", line, part);
}

#[test]
fn card_files_are_checked_by_line() {
    card_refused("- One line.\n", 1, "begins with its keys between two lines of `+++`");
    card_refused("+++\ntitle = \"Price\"\n- One line.\n", 1, "between two lines of `+++`");
    card_refused(&CARD.replace("+++\n-", "colour = 1\n+++\n-"), 3, "unknown key `colour`");
    card_refused(&CARD.replace("+++\n-", "say = [\"One.\"]\n+++\n-"), 3, "`say` is not for the keys of a card file");
    card_refused(&CARD.replace("+++\n-", "proof = { text = \"t\" }\n+++\n-"), 3, "a proof without source");
    card_refused(&CARD.replace("- One line.", "One line."), 4, "write each line to say as `- line`");
    card_refused(&CARD.replace("- One line.", "# Price\n- One line."), 4, "heading is the key `title`");
    card_refused(
        &CARD.replace("- One line.", "- One line.\n## Proof\nA fact."),
        5,
        "`## Proof` is not known; write `## Ask` or",
    );
    card_refused(&CARD.replace("- One line.", ""), 4, "card.say has 0 lines");
    let twice = CARD.replace("+++\n-", "ask = \"One?\"\n+++\n-") + "## Ask\nTwo?\n";
    card_refused(&twice, 7, "`ask` stands above as a key and here");
    card_refused(&(CARD.to_owned() + "- 2\n- 3\n- 4\n"), 4, "reads one to 3");
}

#[test]
fn a_card_file_of_two_plays_is_checked_once() {
    let second = in_file().split("[[test]]").next().expect("has tests").replace("version = 1\nname = \"tiny\"", "");
    let text = format!("{}{}", in_file(), second.replace("id = \"price\"", "id = \"b\"").replace("expensive", "dear"));
    assert_eq!(good(&source(&text, &[("cards/price.md", CARD)])).plays[1].card.say, ["One line."]);
    refused_in(&source(&text, &[("cards/price.md", "- One.")]), "book/cards/price.md", 1, "begins with its keys");
}

#[test]
fn windows_line_ends_are_fine() {
    let card = source(&in_file().replace('\n', "\r\n"), &[("cards/price.md", &CARD.replace('\n', "\r\n"))]);
    assert_eq!(good(&card).plays[0].card.say, ["One line."]);
}

#[test]
fn follow_ups_lead_somewhere() {
    let play = |id: &str, follows: &str| {
        format!(
            "[[play]]\nid = \"{id}\"\nlabel = \"price\"\nfollows = \"{follows}\"\ncard = {{ title = \"t\", say = [\"s\"] }}\n"
        )
    };
    let and = |more: &str| format!("{more}{}", GOOD.split_once("name = \"tiny\"\n").expect("has a name").1);
    let book = |more: String| format!("version = 1\nname = \"tiny\"\n{}", and(&more));
    good(&source(&book(play("b", "price")), &[]));
    refused(&book(play("b", "prise")), 6, "there is no such play; did you mean `price`?");
    refused(&book(play("b", "qqqqqqqq")), 6, "write the id of a play of this file");
    refused(&book(play("b", "b")), 6, "in a circle: b follows b");
    let circle = play("b", "c") + &play("c", "b");
    refused(&book(circle.clone()), 6, "in a circle: b follows c follows b");
    refused(&book(circle), 11, "in a circle: c follows b follows c");
    let other = play("b", "price").replace("\"price\"\nfollows", "\"timing\"\nfollows");
    refused(&book(other), 6, "write label = \"price\" here too");
    let draft = book(play("b", "price")).replace("phrases =", "enabled = false\nphrases =");
    warned(&source(&draft, &[]), "book/playbook.toml", 6, "which is a draft");
}

#[test]
fn tests_name_what_there_is() {
    let test = |lines: &str| GOOD.replace("say = \"it's too expensive\"\nexpect = \"price\"", lines);
    refused(&GOOD.replace("expect = \"price\"", "expect = \"prise\""), 13, "did you mean `price`?");
    refused(&test("say = \"x\""), 12, "Add expect =");
    refused(&test("expect = \"price\""), 11, "a test needs a line");
    refused(
        &test("say = \"x\"\nexpect = \"price\"\nplay = \"prce\""),
        14,
        "no play has the id `prce`; did you mean `price`?",
    );
    refused(&test("say = \"x\"\nexpect = \"none\"\nplay = \"price\""), 14, "has the label `price`");
    refused(&test("say = \"x\"\nexpect = \"none\"\nexpect_cards = []"), 12, "go with `call`");
    refused(&test("say = \"x\"\ncall = []"), 11, "either `say` or `call`");
    refused(&test("call = [{ at_s = 0 }]"), 11, "which cards must come up");
    refused(&test("call = []\nexpect_cards = []"), 11, "1 to 1000 steps");
    refused(&test("call = [{ at_s = 0 }]\nexpect_cards = []\nexpect = \"none\""), 11, "go with `say`");
    refused(&test("call = [{ at_s = 0 }]\nexpect_cards = [\"prise\"]"), 13, "did you mean `price`?");
    refused(&test("call = [{ at_s = -1 }]\nexpect_cards = []"), 12, "seconds from 0 to 86400");
    refused(&test("call = [{ at_s = 0, rep = \"a\", buyer = \"b\" }]\nexpect_cards = []"), 12, "one speaker");
    refused(&test("call = [{ at_s = 9 },\n{ at_s = 8 }]\nexpect_cards = []"), 13, "write the steps in order");
    let deal = "call = [{ at_s = 0 }]\nexpect_cards = []\ndeal = { planned_minutes = 0 }";
    refused(&test(deal), 11, "deal.planned_minutes must be 1 to 1440");
    let none = GOOD.split("[[test]]").next().expect("has tests");
    warned(&source(none, &[]), "book/playbook.toml", 1, "no [[test]]");
}

#[test]
fn files_that_are_too_large_are_not_read() {
    let problem = text_of("p.toml", &vec![b'#'; MAX_FILE_BYTES + 1], MAX_FILE_BYTES).expect_err("too large");
    assert_eq!(problem.line, 1);
    assert!(problem.message.contains("1025 KiB, and at most 1024 KiB are read"), "{problem}");
    assert!(text_of("p.toml", &vec![b'#'; MAX_FILE_BYTES], MAX_FILE_BYTES).is_ok());
    // Nested as deeply as a file can be: the reader gives up before its stack does.
    refused(&format!("a = {}", "[".repeat((1 << 20) - 4)), 1, "max recursion depth met");
    // Ten megabytes that are no TOML: refused for their size, so nothing looked at what they say.
    refused(&"[".repeat(10 << 20), 1, "10240 KiB");
    let card = source(&in_file(), &[("cards/price.md", &"x".repeat(MAX_CARD_BYTES + 1))]);
    refused_in(&card, "book/cards/price.md", 1, "65 KiB, and at most 64 KiB");
}

#[test]
fn too_many_plays_are_refused_before_they_are_compared() {
    let play = |n: usize| format!("[[play]]\nid = \"p{n}\"\nlabel = \"a\"\nfollows = \"q{n}\"\ncard = \"c\"\n");
    let plays: String = (0..=MAX_PLAYS).map(play).collect();
    refused(&format!("version = 1\nname = \"many\"\n{plays}"), 10_004, "2001 plays, and at most 2000 are read");
}

proptest::proptest! {
    /// Either there is a playbook, or an error says why; every problem is in some line of some file.
    #[test]
    fn any_text_is_read_or_refused(at in 0..400usize, gone in 0..20usize, put in ".{0,6}", in_card in proptest::bool::ANY) {
        let change = |text: &str| -> String {
            let letters: Vec<char> = text.chars().collect();
            let (from, to) = (at.min(letters.len()), (at + gone).min(letters.len()));
            letters[..from].iter().chain(&put.chars().collect::<Vec<_>>()).chain(&letters[to..]).collect()
        };
        let card = "+++\ntitle = \"t\"\nproof = { text = \"t\", source = \"s\", date = \"2026-05-01\" }\n[[variant]]\nid = \"b\"\n\
                    say = [\"x\"]\n+++\n- One\n  more.\n## Ask\nWhat?\n## Avoid\nThat.\n";
        let (book, card) = if in_card { (in_file(), change(card)) } else { (change(&in_file()), card.to_owned()) };
        let source = source(&book, &[("cards/price.md", &card)]);
        let (playbook, problems) = read(&source);
        for problem in &problems {
            let text = if problem.file == source.file { &source.text } else { &source.cards[0].text };
            proptest::prop_assert!(problem.line >= 1 && problem.line <= 1 + text.matches('\n').count(), "{}", problem);
        }
        proptest::prop_assert!(playbook.is_some() || problems.iter().any(|p| p.severity == Severity::Error));
    }
}

#[test]
fn what_is_no_text_is_refused_with_its_line() {
    let problem = text_of("p.toml", b"version = 1\nname = \"caf\xe9\"\n", MAX_FILE_BYTES).expect_err("Latin-1");
    assert_eq!((problem.line, problem.severity), (2, Severity::Error));
    assert!(problem.message.contains("0xe9 here is no UTF-8"), "{problem}");
    assert_eq!(text_of("p.toml", "café".as_bytes(), MAX_FILE_BYTES).as_deref(), Ok("café"));
}

#[test]
fn all_problems_come_at_once_by_place() {
    let text = with("pharses = []").replace("pharses", "never").replace("expect = \"price\"", "expect = \"prise\"");
    let text = text.replace("\"tiny\"", "\"Tiny\"").replace("[\"One line.\"]", "[]");
    let (_, problems) = read(&source(&text, &[("cards/b.md", CARD), ("cards/a.md", CARD)]));
    let places: Vec<(&str, usize)> = problems.iter().map(|p| (p.file.as_str(), p.line)).collect();
    let book = "book/playbook.toml";
    assert_eq!(places, [(book, 3), (book, 11), (book, 14), ("book/cards/a.md", 1), ("book/cards/b.md", 1)]);
}
