//! Tests of the classifier of e-mail intent.

use super::{BUCKETS, Model, features, tokens::tokens};

/// Sentences of replies and follow-ups, written for this test, that ask or propose.
const ASKS: &[&str] = &[
    "Could you send me the order form by Friday?",
    "Please find a time next week and share an invite.",
    "Let's set up a call with our security team.",
    "Can you walk our CFO through the pricing?",
    "Please remove me from your list.",
    "Let me know if Tuesday at 3pm works for you.",
    "Would you be able to resend the contract?",
    "Kindly forward this to your legal department.",
    "We should meet before the board does.",
    "If you have any questions, give me a call.",
    "Don't hesitate to reach out.",
    "Pls call me when you get a chance.",
];

/// Sentences that tell.
const TELLS: &[&str] = &[
    "Thanks for your time yesterday.",
    "We went with another vendor in March.",
    "The pilot has been running for three weeks.",
    "I was out of the office last week.",
    "Our budget was cut by 10% this year.",
    "The team was happy with the demo.",
    "Sandra left the company in June.",
    "It was nice to meet everyone.",
    "I will be on holiday until Monday.",
    "The contract was signed yesterday by both parties.",
];

#[test]
fn requests_are_told_from_statements() {
    let model = Model::embedded();
    let wrong: Vec<&str> =
        ASKS.iter().filter(|s| !model.asks(s)).chain(TELLS.iter().filter(|s| model.asks(s))).copied().collect();
    // "kindly" hardly occurs in what it was trained on.
    assert_eq!(wrong, ["Kindly forward this to your legal department."]);
    assert!(model.asks_for_action(ASKS[0]) > 0.9 && model.asks_for_action(TELLS[0]) < 0.1);
}

#[test]
fn whether_it_asks_is_where_the_probability_reaches_the_threshold() {
    let model = Model::embedded();
    for s in ASKS.iter().chain(TELLS) {
        assert_eq!(model.asks(s), model.asks_for_action(s) >= model.threshold(), "{s}");
    }
}

/// The weights belong to these features: a change of either without the other shows here. New weights are made with
/// `--example intent_mail -- train`, and then these numbers are new too.
#[test]
fn weights_and_features_belong_together() {
    let cases = [(ASKS[0], 2.181_798_2), (ASKS[9], 0.849_119), (TELLS[1], -0.614_450_16), ("", -1.190_024_1)];
    for (sentence, margin) in cases {
        let got = Model::embedded().margin(sentence);
        assert!((got - margin).abs() < 1e-5, "{sentence}: {got}");
    }
}

#[test]
fn a_model_is_read_as_it_was_written_and_nothing_else_is_read() {
    let bytes = Model::embedded().to_bytes();
    assert!(bytes.len() <= 200_000);
    assert_eq!(Model::from_bytes(&bytes).unwrap(), *Model::embedded());
    let mut other_features = bytes.clone();
    other_features[7] += 1;
    let mut not_a_number = bytes.clone();
    not_a_number[8..12].copy_from_slice(&f32::NAN.to_le_bytes());
    for bad in [&bytes[1..], &bytes[..bytes.len() - 1], &other_features, &not_a_number, &[]] {
        assert_eq!(Model::from_bytes(bad).unwrap_err().bytes, bad.len());
    }
}

#[test]
fn tokens_are_words_classes_and_marks() {
    let cases: [(&str, &str); 6] = [
        ("I can't, we'll see!!!", "i can not , we will see !"),
        ("Mail bob@acme.com or see https://acme.io/x.", "mail <mail> or see <url>"),
        ("On Tues. Jan 5 at 3pm, 10:30 or 1,000.50.", "on <day> . <month> <num> at <time> , <time> or <num> ."),
        ("Let\u{2019}s talk (today)?", "let's talk ( today ) ?"),
        ("pls don't", "please do not"),
        ("  \u{fffd}\u{1f642} ", ""),
    ];
    for (text, want) in cases {
        let got: Vec<String> = tokens(text).into_iter().map(|t| t.word).collect();
        assert_eq!(got.join(" "), want, "{text}");
    }
    assert!(tokens("ask Mary").iter().any(|t| t.name) && !tokens("Mary asks").iter().any(|t| t.name));
}

#[test]
fn a_sentence_without_end_is_read_up_to_a_bound() {
    // Cut at spaces, and nowhere to cut.
    for between in [" ", ","] {
        let long: String = (0..50_000).map(|i| format!("w{i}{between}")).collect();
        let places = features(&long);
        assert!(places.len() < 4_096 && places.iter().all(|p| *p < BUCKETS), "{}", places.len());
    }
}
