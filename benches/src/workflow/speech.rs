//! What people say in the invented calls: stretches of the labelled calls of `fixtures/postcall`, from which notes can be
//! made, among utterances whose words are drawn by Zipf's law.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, ensure};
use reframe_call::{
    audio::{Party, TrackId, TrackInfo},
    deal::Deal,
    event::{Event, EventBody, UtteranceId},
    recognize::Word,
    time::MediaTime,
};

use crate::dice::Dice;

/// Different words in use; a person uses some 20,000 (Brysbaert et al. 2016 give 15,000 to 50,000 known ones).
const VOCABULARY: usize = 20_000;
/// Turns of a labelled call that one invented call takes over.
const STRETCH: usize = 60;
/// Of so many utterances in a row, [`SCRIPTED`] are taken over.
const OF: usize = 5;
const SCRIPTED: [usize; 2] = [0, 2];
/// Utterances begin so far apart: 150 of them are half an hour.
const APART_MS: u64 = 12_000;
/// A word of quick speech, and the pause after it.
const WORD_MS: u64 = 300;
const SYLLABLES: [&str; 20] = [
    "ba", "ce", "di", "fo", "gu", "ha", "je", "ki", "lo", "mu", "na", "pe", "qui", "ro", "su", "ta", "ve", "wi", "xo",
    "zu",
];

/// One utterance.
#[derive(Clone, Debug)]
pub struct Said {
    /// Its number in the call.
    number: u32,
    speaker: usize,
    start_ms: u64,
    words: Vec<String>,
    /// Taken over from a labelled call: notes rest on these alone.
    pub scripted: bool,
}

/// A stretch of a labelled call.
#[derive(Clone, Debug)]
pub struct Stretch {
    /// Who speaks, in order of joining.
    pub people: Vec<(String, Party)>,
    turns: Vec<(usize, Vec<String>)>,
}

/// All there is to say.
pub struct Speech {
    /// Stretches of the labelled calls.
    pub stretches: Vec<Stretch>,
    /// Words, the most frequent first.
    pub vocabulary: Vec<String>,
}

impl Speech {
    /// Reads the labelled calls.
    ///
    /// # Errors
    /// If they are not there.
    pub fn read() -> anyhow::Result<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/postcall");
        let mut files = Vec::new();
        for split in ["dev", "test"] {
            let entries = std::fs::read_dir(folder.join(split)).context("fixtures/postcall cannot be read")?;
            files.extend(
                entries.filter_map(|e| Some(e.ok()?.path())).filter(|p| p.extension().is_some_and(|x| x == "txt")),
            );
        }
        files.sort();
        let calls = files.iter().map(|f| labelled(f)).collect::<anyhow::Result<Vec<_>>>()?;
        ensure!(!calls.is_empty(), "fixtures/postcall has no calls");
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for word in calls.iter().flat_map(|c| &c.turns).flat_map(|(_, words)| words) {
            *counts.entry(word).or_default() += 1;
        }
        let mut words: Vec<(&str, usize)> = counts.into_iter().collect();
        words.sort_by_key(|(word, n)| (std::cmp::Reverse(*n), *word));
        let mut vocabulary: Vec<String> = words.into_iter().map(|(word, _)| word.to_owned()).take(VOCABULARY).collect();
        vocabulary.extend((vocabulary.len()..VOCABULARY).map(invented));
        let stretches = calls.iter().flat_map(|c| {
            let parts = c.turns.chunks(STRETCH).filter(|part| part.len() == STRETCH);
            parts.map(|part| Stretch { people: c.people.clone(), turns: part.to_vec() })
        });
        Ok(Self { stretches: stretches.collect(), vocabulary })
    }

    /// A call of so many utterances.
    pub fn call(&self, stretch: &Stretch, utterances: usize, dice: &mut Dice) -> Vec<Said> {
        let mut script = stretch.turns.iter();
        let said = (0..utterances).map(|n| {
            let taken = SCRIPTED.contains(&(n % OF)).then(|| script.next()).flatten();
            let (speaker, words) = taken.cloned().unwrap_or_else(|| {
                let speaker = dice.roll(stretch.people.len() as u64) as usize;
                (speaker, (0..5 + dice.roll(17)).map(|_| self.vocabulary[dice.rank(VOCABULARY)].clone()).collect())
            });
            Said { number: n as u32, speaker, start_ms: n as u64 * APART_MS, words, scripted: taken.is_some() }
        });
        said.collect()
    }

    /// A call of so many words within an hour, all of them from the labelled calls: there is much to write down. Its
    /// people are those of the first stretch; everybody else's turns are given to them by side.
    pub fn hour(&self, words: usize) -> (Vec<(String, Party)>, Vec<Said>) {
        let people = self.stretches[0].people.clone();
        let (mut said, mut spoken) = (Vec::new(), 0);
        let pace_ms = 3_600_000 / words.max(1) as u64;
        for stretch in self.stretches.iter().cycle() {
            for (speaker, turn) in &stretch.turns {
                if spoken >= words {
                    return (people, said);
                }
                let side = stretch.people[*speaker].1;
                let speaker = people.iter().position(|(_, party)| *party == side).unwrap_or(0);
                let start_ms = spoken as u64 * pace_ms;
                let turn: Vec<String> = turn.iter().take(words - spoken).cloned().collect();
                spoken += turn.len();
                said.push(Said { number: said.len() as u32, speaker, start_ms, words: turn, scripted: true });
            }
        }
        (people, said)
    }
}

/// The log of a call in which this was said.
pub fn events<'a>(deal: &str, people: &[(String, Party)], said: impl IntoIterator<Item = &'a Said>) -> Vec<Event> {
    let mut bodies = vec![EventBody::CallStarted {
        schema: 1,
        playbook: "b2b-saas@1:0".into(),
        recognizer: "bench".into(),
        detector: "bench".into(),
        deal: Deal { crm_id: Some(deal.to_owned()), ..Deal::default() },
    }];
    for (n, (name, party)) in people.iter().enumerate() {
        let track = TrackInfo { id: TrackId(n as u16), party: *party, name: name.clone(), email: None, consent: None };
        bodies.push(EventBody::TrackAdded { track });
    }
    let mut utterances = 0;
    for said in said {
        utterances += 1;
        let (track, utterance) = (TrackId(said.speaker as u16), UtteranceId(said.number));
        // What is longer than its place is spoken faster, so that the next one still comes after it.
        let word_ms = WORD_MS.min((APART_MS - 1_000) / said.words.len().max(1) as u64);
        let at = |n: usize, more: u64| MediaTime::from_ms(said.start_ms + n as u64 * word_ms + more);
        let words = said.words.iter().enumerate().map(|(n, text)| Word {
            text: text.as_str().into(),
            start: at(n, 0),
            end: at(n, word_ms * 5 / 6),
            confidence: 0.95,
        });
        bodies.push(EventBody::SpeechStarted { track, utterance, start: at(0, 0) });
        bodies.push(EventBody::WordsCommitted { track, utterance, words: words.collect() });
        let (start, end) = (at(0, 0), at(said.words.len(), 0));
        bodies.push(EventBody::UtteranceEnded { track, utterance, start, end, text: said.words.join(" ") });
    }
    bodies.push(EventBody::CallEnded { cards_shown: 0, utterances });
    (0..).zip(bodies).map(|(seq, body)| Event { seq, at: MediaTime::ZERO, body }).collect()
}

fn labelled(text: &Path) -> anyhow::Result<Stretch> {
    let labels: toml::Table = toml::from_str(&std::fs::read_to_string(text.with_extension("toml"))?)?;
    let speakers = labels["speaker"].as_array().context("no speakers")?;
    let people: Vec<(String, Party)> = speakers
        .iter()
        .map(|s| {
            let side = if s["side"].as_str() == Some("rep") { Party::Rep } else { Party::Buyer };
            (s["name"].as_str().unwrap_or_default().to_owned(), side)
        })
        .collect();
    let mut turns = Vec::new();
    for line in std::fs::read_to_string(text)?.lines() {
        let Some((name, words)) = line.split_once(':') else { continue };
        let speaker = people.iter().position(|(n, _)| n == name.trim());
        let speaker = speaker.with_context(|| format!("{}: nobody is called {name}", text.display()))?;
        turns.push((speaker, words.split_whitespace().map(str::to_owned).collect()));
    }
    turns.retain(|(_, words): &(usize, Vec<String>)| !words.is_empty());
    Ok(Stretch { people, turns })
}

/// A word nobody uses.
fn invented(rank: usize) -> String {
    let mut rest = rank + SYLLABLES.len();
    let mut out = String::new();
    while rest > 0 {
        out.push_str(SYLLABLES[rest % SYLLABLES.len()]);
        rest /= SYLLABLES.len();
    }
    out
}

#[cfg(test)]
mod tests {
    use reframe_workflow::handoff::{CallFacts, CallTranscript};

    use super::*;

    #[test]
    fn a_call_has_its_utterances_and_the_script_stays_in_its_place() {
        let speech = Speech::read().unwrap();
        assert_eq!(speech.vocabulary.len(), VOCABULARY);
        let facts =
            || CallFacts { call: "c".into(), title: "C".into(), started_unix_ms: 0, zone: "UTC".into(), deal: None };
        let stretch = &speech.stretches[1];
        let said = speech.call(stretch, 150, &mut Dice(1));
        let whole = CallTranscript::from_events(facts(), &events("1", &stretch.people, &said));
        assert_eq!(whole.turns.len(), 150);
        let script =
            CallTranscript::from_events(facts(), &events("1", &stretch.people, said.iter().filter(|s| s.scripted)));
        assert_eq!(script.turns.len(), STRETCH);
        for turn in &script.turns {
            assert!(whole.turns.contains(turn), "what a note rests on is in the call, word for word");
        }
        let other = speech.call(stretch, 150, &mut Dice(2));
        assert_ne!(format!("{said:?}"), format!("{other:?}"));
        let (people, hour) = speech.hour(10_000);
        let hour = CallTranscript::from_events(facts(), &events("1", &people, &hour));
        let words: usize = hour.turns.iter().map(|t| t.words.len()).sum();
        let end = hour.turns.last().and_then(|t| t.words.last()).map_or(0, |w| w.to_ms);
        assert!(words == 10_000 && (3_500_000..3_660_000).contains(&end), "{words} {end}");
    }
}
