//! Whether a text names somebody.

use reframe_consent::Person;

/// Shortest part of a name that is looked for by itself, in characters: shorter ones are words of other meaning.
const PART_CHARS: usize = 3;

/// A person by all spellings given.
#[derive(Clone, Debug)]
pub(crate) struct Who {
    spellings: Vec<Person>,
    /// Each spelling as words.
    words: Vec<Vec<String>>,
}

impl Who {
    pub(crate) fn new(spellings: Vec<Person>) -> Self {
        let words = spellings.iter().map(|p| words(p.as_str())).filter(|w| !w.is_empty()).collect();
        Self { spellings, words }
    }

    /// Is this how a participant's name is spelled?
    pub(super) fn is(&self, name: &str) -> bool {
        Person::new(name).is_ok_and(|p| self.spellings.contains(&p))
    }

    pub(super) fn spellings(&self) -> &[Person] {
        &self.spellings
    }

    /// Does the text hold one of the spellings, word for word?
    pub(super) fn named_in(&self, text: &str) -> bool {
        let text = words(text);
        self.words.iter().any(|name| text.windows(name.len()).any(|w| w == name.as_slice()))
    }

    /// Does it hold an e-mail address of theirs, or a name of two words and more? For texts about calls they were not on:
    /// one word alone ("Mark", "Will", "Guest") is somebody else's name there, or no name at all.
    pub(super) fn surely_named_in(&self, text: &str) -> bool {
        let text = words(text);
        let sure = self.words.iter().filter(|name| name.len() > 1);
        sure.into_iter().any(|name| text.windows(name.len()).any(|w| w == name.as_slice()))
    }

    /// Does the text hold any part of a name (not of an e-mail address)? For texts about calls the person was on.
    pub(super) fn hinted_in(&self, text: &str) -> bool {
        let names = self.spellings.iter().filter(|p| !p.is_email());
        let parts: Vec<String> =
            names.flat_map(|p| words(p.as_str())).filter(|part| part.chars().count() >= PART_CHARS).collect();
        words(text).iter().any(|word| parts.contains(word))
    }
}

/// Runs of letters and digits, in lower case.
fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_as_whole_words() {
        let who = Who::new(["Dana Whitfield", "dana.w@acme.example"].map(|p| Person::new(p).unwrap()).into());
        for (text, named, hinted) in [
            ("Send it to DANA  Whitfield, please", true, true),
            ("to: <dana.w@acme.example>", true, true),
            ("Dana asked for it", false, true),
            ("Whitfield's budget", false, true),
            ("bandana", false, false),
            ("acme", false, false),
            ("", false, false),
        ] {
            assert_eq!((who.named_in(text), who.hinted_in(text)), (named, hinted), "{text}");
        }
        assert!(who.is(" dana WHITFIELD ") && !who.is("Dana"));
        assert!(!Who::new(vec![Person::new("Al").unwrap()]).hinted_in("al"));
        let will = Who::new(["Will", "will.b@acme.example"].map(|p| Person::new(p).unwrap()).into());
        assert!(will.named_in("i will send it") && !will.surely_named_in("i will send it"));
        assert!(will.surely_named_in("copy will.b@acme.example in"));
    }
}
