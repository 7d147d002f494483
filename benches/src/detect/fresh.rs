//! Plays that nobody foresaw: three examples each, and how often strangers' wordings are found by them.

use std::sync::Arc;

use reframe_call::{detect::semantic::SentenceEncoder, playbook::Playbook};
use serde_json::{Value, json};

use super::{
    data::{Line, NewPlay},
    playbooks,
    stats::Share,
    systems::{Ours, System as _},
};

/// How a playbook with one new play does.
#[derive(Clone, Debug)]
pub struct Fresh {
    /// The new play.
    pub id: String,
    /// Of its probes, those with its card.
    pub recall: Share,
    /// Of the labelled lines and the other plays' probes, those with its card.
    pub fired_elsewhere: Share,
    /// Of its probes, those with another play's card.
    pub other_card: Share,
}

/// Adds each of `plays` to `book`, one at a time.
pub fn measure(
    book: &Playbook,
    plays: &[NewPlay],
    lines: &[Line],
    encoder: Option<&Arc<dyn SentenceEncoder>>,
) -> Vec<Fresh> {
    let one = |new: &NewPlay| {
        let mut ours = Ours::new("with a new play", playbooks::with_new(book, new), encoder);
        let mut out = Fresh {
            id: new.id.clone(),
            recall: Share::default(),
            fired_elsewhere: Share::default(),
            other_card: Share::default(),
        };
        for probe in &new.probe {
            let got = ours.answer(probe).play;
            out.recall.count(got.as_deref() == Some(&new.id));
            out.other_card.count(got.is_some_and(|play| play != new.id));
        }
        let others = plays.iter().filter(|p| p.id != new.id).flat_map(|p| &p.probe);
        for text in lines.iter().map(|l| &l.text).chain(others) {
            out.fired_elsewhere.count(ours.answer(text).play.as_deref() == Some(&new.id));
        }
        out
    };
    plays.iter().map(one).collect()
}

/// For the record.
pub fn json(all: &[Fresh]) -> Value {
    let one = |f: &Fresh| {
        json!({ "play": f.id, "recall": f.recall.json(), "other_card": f.other_card.json(),
                "fired_elsewhere": f.fired_elsewhere.json() })
    };
    let sum = |of: fn(&Fresh) -> Share| {
        all.iter().map(of).fold(Share::default(), |a, b| Share { k: a.k + b.k, n: a.n + b.n })
    };
    json!({ "plays": all.iter().map(one).collect::<Vec<_>>(), "recall": sum(|f| f.recall).json(),
            "fired_elsewhere": sum(|f| f.fired_elsewhere).json() })
}

/// Prints a line for each.
pub fn print(all: &[Fresh]) {
    for f in all {
        println!("  {:24} found {}", f.id, f.recall);
        println!("  {:24} fired elsewhere {}; its probes got another card: {}", "", f.fired_elsewhere, f.other_card.k);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn without_an_encoder_examples_find_nothing_and_cost_nothing() {
        let book = playbooks::built_in().unwrap();
        let play = |id: &str, probe: &str| NewPlay {
            id: id.into(),
            like: vec!["the tide is out".into()],
            probe: vec![probe.into()],
        };
        let plays = [play("tides", "the harbour is dry at noon"), play("dogs", "well that is too expensive for us")];
        let got = measure(&book, &plays, &[], None);
        assert_eq!((got[0].recall, got[0].fired_elsewhere), (Share { k: 0, n: 1 }, Share { k: 0, n: 1 }));
        assert_eq!(got[1].other_card, Share { k: 1, n: 1 });
    }
}
