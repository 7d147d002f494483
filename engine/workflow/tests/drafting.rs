//! What a language model would be sent of the labelled calls: none of their people.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeSet;

use reframe_workflow::drafting::{Known, Page};

/// Words of labels that name roles and kinship, and no one.
const ROLES: &str = "cfo ceo cto coo cio ciso gm md it hr vp the of our my a in and new general operations legal procurement \
    finance accounting board security team manager director owner boss lawyer counsel head chief officer partner broker";

/// Names in a label of somebody absent: words that nowhere stand in the calls as a role.
fn names(who: &str) -> impl Iterator<Item = String> {
    let roles: BTreeSet<&str> = ROLES.split_whitespace().collect();
    let words = who.split(|c: char| !c.is_alphanumeric()).map(str::to_lowercase);
    words.filter(move |w| w.len() > 2 && !roles.contains(w.as_str()))
}

#[test]
fn nobody_of_the_labelled_calls_is_named_in_what_goes_out() {
    let listed = include_str!("../src/postcall/names.txt");
    let listed: BTreeSet<&str> = listed.split_whitespace().collect();
    let (mut others, mut out_others) = (0, Vec::new());
    let (mut leaked, mut people, mut words, mut hidden) = (Vec::new(), 0, 0, 0);
    for case in support::load("dev") {
        let page = Page::new(&case.call, &Known::default());
        let text = page.text(None).to_lowercase();
        let out: BTreeSet<&str> = text
            .split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '_')
            .map(|w| w.trim_end_matches("'s"))
            .collect();
        let speakers = case.labels.speaker.iter().flat_map(|s| names(&s.name));
        // Of those who were spoken of: names that are names and nothing else. The others are words too, and are counted.
        let absent = case.labels.absent.iter().flat_map(|a| names(&a.who));
        let (absent, unsure): (Vec<String>, Vec<String>) = absent.partition(|n| listed.contains(n.as_str()));
        others += unsure.len();
        out_others.extend(unsure.into_iter().filter(|n| out.contains(n.as_str())));
        for name in speakers.chain(absent).collect::<BTreeSet<_>>() {
            people += 1;
            if out.contains(name.as_str()) {
                leaked.push(format!("{}: {name}", case.name));
            }
        }
        words += text.split_whitespace().count();
        hidden += text.matches(" term_").count();
    }
    println!("{people} names, {words} words, {hidden} of them hidden for being in no list");
    println!("of {others} words in other labels of people these go out: {}", out_others.join(" "));
    assert!(people > 30, "only {people} names were looked for");
    assert_eq!(leaked, Vec::<String>::new());
    // Most of what was said must still be said.
    assert!(hidden * 100 < words * 12, "{hidden} of {words} words are hidden");
}
