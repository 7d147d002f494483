//! How texts are taken to sound, with the shipped lexicon, dictionary and rules.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{assets, model};
use reframe_models::ctc::{Source, dictionary::Rules};

#[test]
fn texts_are_pronounced_from_the_surest_source() {
    let model = model();
    for (text, phones, source) in [
        ("that is too expensive", "DH AE T IH Z T UW IH K S P EH N S IH V", Source::Lexicon),
        ("CRM", "S IY AA R EH M", Source::Dictionary),
        ("hubspot", "HH AH B S P AA T", Source::Compound),
        ("hubspot's", "HH AH B S P AA T S", Source::Compound),
    ] {
        let said = model.pronounce(text).unwrap();
        println!("{text}: {} ({:?})", said.phones, said.source);
        assert_eq!((said.phones.as_str(), said.source), (phones, source), "{text}");
    }
    assert_eq!(model.pronounce(" ?! "), None);
    assert_eq!(model.pronounce("brixol").map(|p| p.source), Some(Source::Rules));
    // In CMUdict, too rare for the lexicon.
    assert_eq!(model.pronounce("abaco").map(|p| p.source), Some(Source::Dictionary));
}

#[test]
fn careless_speech_gets_its_own_variants() {
    let variants = model().variants("want to");
    assert!(variants.len() >= 2, "{variants:?}");
    assert!(variants.len() <= 3);
}

#[test]
fn letter_to_sound_rules_mostly_agree_with_the_dictionary() {
    let model = model();
    let packed = std::fs::read(assets().join("cmudict.txt.gz")).unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&packed[..]), &mut text).unwrap();
    let rules = Rules::load(&std::fs::read(assets().join("lts.txt.gz")).unwrap(), model.phones()).unwrap();
    let (mut right, mut all) = (0, 0);
    for line in text.lines().step_by(101) {
        let (word, sounds) = line.split_once(' ').unwrap();
        all += 1;
        right += usize::from(model.phones().spell(&rules.apply(word)) == sounds);
    }
    println!("{right} of {all} words exactly right");
    // 53.8 % were on words the rules had not seen; most of these they had.
    assert!(right * 100 > all * 54, "{right} of {all}");
}
