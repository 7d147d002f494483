//! Runs the tests a playbook brings along: its lines, each on its own, and its little calls, through a real session.

mod call;
mod line;

use std::sync::Arc;

use crate::{detect::meaning::Meaning, playbook::Playbook};

/// What came of one test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestRun {
    /// Line in the playbook's file.
    pub line: usize,
    /// What was tested, in a few words.
    pub what: String,
    /// What had to come of it.
    pub wanted: String,
    /// What came.
    pub got: String,
    /// Why: the rule that fired, or what held it back.
    pub because: String,
    /// Whether it came out as wanted.
    pub passed: bool,
}

impl std::fmt::Display for TestRun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { what, wanted, got, because, .. } = self;
        if self.passed {
            return write!(f, "{what} gave {got}; {because}");
        }
        write!(f, "{what} gave {got}, wanted {wanted}; {because}")
    }
}

/// Runs all tests of `playbook`, by their lines in the file. Drafts are tested too. `meaning`, if there is one, was made
/// for this very playbook.
#[must_use]
pub fn run(playbook: &Arc<Playbook>, meaning: Option<&Arc<Meaning>>) -> Vec<TestRun> {
    let mut runs = line::run(playbook, meaning);
    runs.extend(playbook.calls.iter().map(|test| call::run(playbook, meaning, test)));
    runs.sort_by_key(|run| run.line);
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook;

    const BOOK: &str = r#"
version = 1
name = "t"
[[play]]
id = "price"
label = "price"
phrases = ["too expensive"]
never = ["too expensive to ignore"]
cooldown_ms = 5000
[play.card]
title = "Price"
say = ["One."]
[[play]]
id = "timing"
label = "timing"
enabled = false
phrases = ["maybe next quarter"]
[play.card]
title = "Later"
say = ["Two."]
"#;

    fn ran(tests: &str) -> Vec<TestRun> {
        let (book, problems) = playbook::parse("t.toml", &format!("{BOOK}{tests}"));
        assert_eq!(problems, []);
        run(&Arc::new(book.unwrap()), None)
    }

    #[track_caller]
    fn passes(test: &str) {
        let runs = ran(&format!("[[test]]\n{test}\n"));
        assert!(runs[0].passed, "{}", runs[0]);
    }

    #[track_caller]
    fn fails(test: &str, got: &str, because: &str) {
        let runs = ran(&format!("[[test]]\n{test}\n"));
        let run = &runs[0];
        assert!(!run.passed && run.got == got && run.because.contains(because), "{run:?}");
        assert_eq!(run.line, if test.starts_with("call") { 21 } else { 22 });
    }

    #[test]
    fn lines() {
        passes("say = \"it's too expensive\"\nexpect = \"price\"\nplay = \"price\"");
        passes("say = \"it's too expensive\"\nspeaker = \"rep\"\nexpect = \"none\"");
        passes("say = \"maybe next quarter\"\nexpect = \"timing\"");
        fails("say = \"it's too dear\"\nexpect = \"price\"", "none", "no phrase of the play");
        fails("say = \"it's too expensive\"\nexpect = \"none\"", "price (play `price`)", "too expensive");
        fails("say = \"it's too expensive to ignore\"\nexpect = \"price\"", "none", "was held back by");
        fails("say = \"it's too expensive\"\nexpect = \"timing\"", "price (play `price`)", "");
    }

    #[test]
    fn the_right_label_by_the_wrong_play_fails() {
        let tests = "[[play]]\nid = \"price_b\"\nlabel = \"price\"\nphrases = [\"too dear\"]\n\
             card = { title = \"t\", say = [\"s\"] }\n[[test]]\nsay = \"it's too dear\"\nexpect = \"price\"\nplay = \"price\"\n";
        let runs = ran(tests);
        assert_eq!((runs[0].passed, runs[0].got.as_str()), (false, "price (play `price_b`)"));
    }

    #[test]
    fn lines_that_make_a_rule_fire() {
        let play = "[[play]]\nid = \"rival\"\nlabel = \"competitor\"\nwhen = { rule = \"mention\", names = [\"quillstone\"] }\n\
             card = { title = \"t\", say = [\"s\"] }\n";
        let test = |say: &str, expect: &str| format!("[[test]]\nsay = \"{say}\"\nexpect = \"{expect}\"\n");
        let tests = test("we looked at quillstone", "competitor") + &test("we looked at others", "none");
        let runs = ran(&format!("{play}{tests}{}", test("we looked at quillstone", "none")));
        assert_eq!(runs.iter().map(|r| r.passed).collect::<Vec<_>>(), [true, true, false], "{runs:?}");
        assert_eq!(runs[2].got, "competitor (play `rival`)");
    }

    #[test]
    fn lines_that_are_still_being_heard() {
        passes("say = \"it's too expensive\"\npartial = [\"it's\", \"it's too\"]\nexpect = \"price\"");
        let grows = "partial = [\"it's too\", \"it's too expensive\"]";
        passes(&format!("say = \"it's too expensive to ignore\"\n{grows}\nexpect = \"none\""));
        fails(
            &format!("say = \"it's too expensive for us\"\n{grows}\nexpect = \"none\""),
            "price (play `price`)",
            "expensive",
        );
        fails(&format!("say = \"it's too dear\"\n{grows}\nexpect = \"price\""), "none", "");
    }

    #[test]
    fn calls() {
        let steps = "call = [{ at_s = 0, rep = \"hello\" }, { at_s = 3, buyer = \"it is too expensive\" }";
        passes(&format!("{steps}]\nexpect_cards = [\"price\"]"));
        passes(&format!("{steps}, {{ at_s = 6, buyer = \"too expensive\" }}]\nexpect_cards = [\"price\"]"));
        let later = "{ at_s = 300, buyer = \"still too expensive\" }";
        passes(&format!("{steps}, {later}]\nexpect_cards = [\"price\", \"price\"]"));
        passes("call = [{ at_s = 1, rep = \"it is too expensive\" }]\nexpect_cards = []");
        passes("call = [{ at_s = 1, buyer = \"maybe next quarter\" }]\nexpect_cards = [\"timing\"]");
        fails(&format!("{steps}]\nexpect_cards = []"), "the cards price", "00:04");
        fails("call = [{ at_s = 1, rep = \"hello\" }]\nexpect_cards = [\"price\"]", "no card", "");
    }

    #[test]
    fn they_come_in_the_order_of_the_file() {
        let line = "[[test]]\nsay = \"hello there\"\nexpect = \"none\"\n";
        let runs = ran(&format!("[[test]]\ncall = [{{ at_s = 0, rep = \"a\" }}]\nexpect_cards = []\n{line}"));
        assert_eq!(runs.iter().map(|r| r.line).collect::<Vec<_>>(), [21, 25]);
    }
}
