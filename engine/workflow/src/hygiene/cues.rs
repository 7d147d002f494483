//! Slots that the words of a call give by themselves: the buyer weighs other vendors, the rep asks about them.

use reframe_call::audio::Party;

use crate::{artifact::Claim, handoff::CallTranscript, rubric::spoken::Spoken};

/// How sure a cue is that rests on a phrase alone: the usual misses are talk of vendors of something else.
const CONFIDENCE: f32 = 0.8;

/// Slot of a buyer who weighs other vendors.
const COMPARES: &str = "competitive_language";
/// Slot of a rep who asks about them.
const ASKED: &str = "rep_asked_competitors";

/// What buyers say who look at several vendors.
const COMPARING: &[&str] = &[
    "comparing options",
    "compare options",
    "comparing vendors",
    "comparing you",
    "compare you",
    "comparing a few",
    "looking at a few",
    "looking at a couple of other",
    "looking at other",
    "looking at some other",
    "looking at alternatives",
    "evaluating other",
    "evaluating a few",
    "evaluating a couple",
    "other vendors",
    "other providers",
    "other options",
    "other tools we",
    "your competitor",
    "your competitors",
    "your competition",
    "the competition",
    "other quotes",
    "another quote",
    "shortlist",
    "short list",
    "versus your",
    "also talking to",
    "also speaking to",
    "also speaking with",
    "also talking with",
    "demo with another",
];
/// What reps ask.
const ASKING: &[&str] = &[
    "who else are you",
    "who else do you",
    "who else is",
    "what else are you looking",
    "which other",
    "what other vendors",
    "what other options",
    "what other tools",
    "any other vendors",
    "other vendors are you",
    "are you looking at other",
    "are you looking at anyone",
    "are you looking at anybody",
    "are you looking at any other",
    "are you talking to anyone else",
    "are you talking to anybody else",
    "are you evaluating",
    "are you considering",
    "are you comparing",
    "how do we compare",
    "how do we stack up",
    "compared to the others",
    "who are we up against",
    "other options are you",
    "alternatives are you",
];

/// The cue slots of a call, the first place of each.
pub(super) fn slots(call: &CallTranscript) -> Vec<(String, Claim)> {
    let spoken = Spoken::of(call);
    let mut out = Vec::new();
    for (slot, side, phrases, says) in [
        (COMPARES, Party::Buyer, COMPARING, "The buyer weighs other vendors"),
        (ASKED, Party::Rep, ASKING, "The rep asked about other vendors"),
    ] {
        if let Some(found) = spoken.find(side, phrases).first() {
            out.extend(Claim::new(says, vec![found.clone()], CONFIDENCE).ok().map(|claim| (slot.to_owned(), claim)));
        }
    }
    out
}
