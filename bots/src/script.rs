//! `script.toml` of a fixture call: who is in it, who says what when, and which objections must be caught.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// A fixture call, as `fixtures/calls/NAME/script.toml` describes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// Title to show.
    pub title: String,
    /// What happens in it, in a sentence.
    pub summary: String,
    /// Name of the playbook it is played against.
    pub playbook: String,
    /// The network between it and us; a perfect one if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<Network>,
    /// Who takes part.
    pub participant: Vec<Participant>,
    /// What is said, in order.
    #[serde(default)]
    pub line: Vec<Line>,
    /// Objections raised, with the play that answers them.
    #[serde(default)]
    pub objection: Vec<Objection>,
}

/// A network that loses packets.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Packets lost, in percent.
    pub loss_percent: f64,
    /// Decides which ones; the same in every run.
    #[serde(default)]
    pub seed: u64,
    /// Packets lost in a row. 1 unless given.
    #[serde(default = "one")]
    pub burst: u32,
}

const fn one() -> u32 {
    1
}

/// A participant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Participant {
    /// Number of its track.
    pub track: u8,
    /// Its audio: a file in the same folder.
    pub file: String,
    /// `rep`, `buyer` or `unknown`.
    pub party: String,
    /// Name to show.
    pub name: String,
    /// Consent on record; without it no audio is processed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<Consent>,
}

/// Consent on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consent {
    /// How it was given.
    pub basis: String,
    /// Where the proof lies.
    #[serde(default)]
    pub reference: String,
}

/// Something said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// By whom: a participant's name, or its party if only one has it.
    pub who: String,
    /// From.
    pub start_ms: u64,
    /// Until.
    pub end_ms: u64,
    /// The words.
    pub text: String,
}

/// An objection that must bring a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Objection {
    /// Its class: `price`, `timing`, …
    pub label: String,
    /// The play that answers it.
    pub play: String,
    /// The decisive words.
    pub phrase: String,
    /// Where their sound begins.
    pub start_ms: u64,
    /// Where it ends.
    pub end_ms: u64,
    /// Which of the script's lines they are in, from 0.
    pub line: usize,
}

impl Script {
    /// Reads and checks a script.
    ///
    /// # Errors
    /// What is wrong, and where.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let script: Self = toml::from_str(text)?;
        script.check()?;
        Ok(script)
    }

    /// Who says a line.
    #[must_use]
    pub fn speaker(&self, line: &Line) -> Option<&Participant> {
        let by_name = self.participant.iter().find(|p| p.name == line.who);
        let mut by_party = self.participant.iter().filter(|p| p.party == line.who);
        by_name.or_else(|| match (by_party.next(), by_party.next()) {
            (only, None) => only,
            _ => None,
        })
    }

    fn check(&self) -> anyhow::Result<()> {
        anyhow::ensure!(!self.participant.is_empty(), "a call needs a [[participant]]");
        let mut tracks = BTreeSet::new();
        for p in &self.participant {
            anyhow::ensure!(tracks.insert(p.track), "track {} has two participants", p.track);
            anyhow::ensure!(
                matches!(p.party.as_str(), "rep" | "buyer" | "unknown"),
                "participant {}: party is {:?}; write rep, buyer or unknown",
                p.name,
                p.party
            );
            anyhow::ensure!(
                !p.file.is_empty() && !p.file.contains(['/', '\\']) && p.file != "..",
                "participant {}: file is {:?}; name a file in the script's own folder",
                p.name,
                p.file
            );
        }
        for (n, line) in self.line.iter().enumerate() {
            anyhow::ensure!(line.start_ms < line.end_ms, "line {n} ends before it begins");
            anyhow::ensure!(
                self.speaker(line).is_some(),
                "line {n}: who is {:?}; write a participant's name, or a party only one participant has",
                line.who
            );
        }
        for (n, o) in self.objection.iter().enumerate() {
            anyhow::ensure!(o.start_ms < o.end_ms, "objection {n} ends before it begins");
            anyhow::ensure!(o.line < self.line.len(), "objection {n}: there is no line {}", o.line);
        }
        if let Some(network) = &self.network {
            anyhow::ensure!(
                (0.0..=100.0).contains(&network.loss_percent) && network.burst > 0,
                "network: loss_percent is 0 to 100, burst at least 1"
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
        title = "Too expensive"
        summary = "The buyer finds it too expensive."
        playbook = "b2b-saas"

        [network]
        loss_percent = 3.0
        seed = 7

        [[participant]]
        track = 0
        file = "rep.opus"
        party = "rep"
        name = "Rae"
        consent = { basis = "fixture", reference = "made for tests" }

        [[participant]]
        track = 1
        file = "buyer.opus"
        party = "buyer"
        name = "Bo"

        [[line]]
        who = "Bo"
        start_ms = 500
        end_ms = 2000
        text = "that is too expensive"

        [[line]]
        who = "rep"
        start_ms = 2500
        end_ms = 3000
        text = "i see"

        [[objection]]
        label = "price"
        play = "price"
        phrase = "too expensive"
        start_ms = 900
        end_ms = 2000
        line = 0
    "#;

    #[test]
    fn a_script_is_read() {
        let script = Script::parse(GOOD).unwrap();
        assert_eq!(script.network.unwrap().burst, 1);
        assert_eq!(script.speaker(&script.line[0]).unwrap().track, 1);
        assert_eq!(script.speaker(&script.line[1]).unwrap().track, 0);
        assert_eq!(script.participant[1].consent, None);
        assert_eq!(Script::parse(&toml::to_string(&script).unwrap()).unwrap(), script);
    }

    #[test]
    fn mistakes_are_named() {
        for (from, to, says) in [
            ("track = 1", "track = 0", "two participants"),
            ("party = \"buyer\"", "party = \"seller\"", "write rep, buyer or unknown"),
            ("file = \"rep.opus\"", "file = \"../rep.opus\"", "own folder"),
            ("end_ms = 3000", "end_ms = 3", "line 1 ends before"),
            ("who = \"Bo\"", "who = \"Al\"", "line 0: who"),
            ("line = 0", "line = 9", "no line 9"),
            ("seed = 7", "sead = 7", "sead"),
        ] {
            let error = Script::parse(&GOOD.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.contains(says), "{to}: {error}");
        }
    }
}
