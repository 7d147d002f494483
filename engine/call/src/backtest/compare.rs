//! What would change: the cards of two playbooks over the same call, side by side.

use serde::Serialize;

use super::{
    cards::{Cards, Seen},
    replay::Sounds,
    tally::{JudgedBy, Side, Worth},
    words::{Around, Words},
};

/// What becomes of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It would come, and does not now.
    Appears,
    /// It comes now, and would not any more.
    Disappears,
    /// It would come earlier.
    Earlier,
    /// It would come later.
    Later,
    /// It would come as it does now, and be taken back when what follows contradicts it.
    TakenBack,
    /// It is taken back now, and would stay.
    Stays,
}

/// One card that would appear, disappear or move.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// What becomes of it.
    pub kind: Kind,
    /// By how much it moves, in ms; 0 if it does not move.
    pub by_ms: u64,
    /// Media time of the card, in ms: with the changed playbook, or with the present one if it disappears.
    pub at_ms: u64,
    /// Its play.
    pub play: String,
    /// Its label.
    pub label: String,
    /// Its heading.
    pub title: String,
    /// Why it comes, in words.
    pub rule: String,
    /// The play whose card comes in its place (it disappears), or went (it appears).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instead: Option<String>,
    /// What it is worth.
    pub worth: Worth,
    /// The engine takes it back itself.
    pub taken_back: bool,
    /// The words around it.
    pub around: Around,
}

/// How many cards change how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Would appear.
    pub appear: u32,
    /// Would disappear.
    pub disappear: u32,
    /// Would come earlier.
    pub earlier: u32,
    /// Would come later.
    pub later: u32,
    /// Would come as they do, and be taken back.
    pub taken_back: u32,
    /// Are taken back now, and would stay.
    pub stay: u32,
    /// Stay as they are.
    pub same: u32,
}

impl Counts {
    const fn add(&mut self, o: Self) {
        self.appear += o.appear;
        self.disappear += o.disappear;
        self.earlier += o.earlier;
        self.later += o.later;
        self.taken_back += o.taken_back;
        self.stay += o.stay;
        self.same += o.same;
    }
}

/// The comparison of one call.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct CallResult {
    /// Its name.
    pub name: String,
    /// The playbook the log was made with.
    pub logged_with: String,
    /// The present playbook it is compared with.
    pub present_playbook: String,
    /// Length of the call in ms of media time.
    pub length_ms: u64,
    /// By what its cards are judged.
    pub judged_by: JudgedBy,
    /// The cards the log holds.
    pub logged: Side,
    /// The cards of the present playbook.
    pub present: Side,
    /// The cards of the changed playbook.
    pub changed: Side,
    /// How many cards change.
    pub counts: Counts,
    /// What changes, in order of time.
    pub changes: Vec<Change>,
    /// Cards of the log that the present playbook brings again in the replay: how near the replay is to the call.
    pub replayed: super::stats::Rate,
    /// Phrases heard in the sounds, as the present playbook takes them.
    pub present_sounds: Sounds,
    /// The same for the changed one.
    pub changed_sounds: Sounds,
    /// Cards beyond what is looked at in a call.
    #[serde(skip_serializing_if = "is_zero")]
    pub not_looked_at: u32,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde asks for a reference
fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// All calls together.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Totals {
    /// Calls.
    pub calls: u32,
    /// Their length in ms of media time.
    pub length_ms: u64,
    /// Calls judged by an answer key.
    pub judged_by_truth: u32,
    /// Calls judged by the rep's marks.
    pub judged_by_marks: u32,
    /// The cards the logs hold.
    pub logged: Side,
    /// The cards of the present playbook.
    pub present: Side,
    /// The cards of the changed playbook.
    pub changed: Side,
    /// How many cards change.
    pub counts: Counts,
    /// Cards of the logs that the present playbook brings again.
    pub replayed: super::stats::Rate,
    /// Phrases heard in the sounds, as the present playbook takes them.
    pub present_sounds: Sounds,
    /// The same for the changed one.
    pub changed_sounds: Sounds,
}

impl Totals {
    /// Counts one more call.
    pub fn add(&mut self, call: &CallResult) {
        self.calls += 1;
        self.length_ms += call.length_ms;
        self.judged_by_truth += u32::from(call.judged_by == JudgedBy::Truth);
        self.judged_by_marks += u32::from(call.judged_by == JudgedBy::Marks);
        self.logged.add(&call.logged);
        self.present.add(&call.present);
        self.changed.add(&call.changed);
        self.counts.add(call.counts);
        self.replayed.add(call.replayed);
        for (sum, one) in
            [(&mut self.present_sounds, call.present_sounds), (&mut self.changed_sounds, call.changed_sounds)]
        {
            sum.heard += one.heard;
            sum.unknown += one.unknown;
        }
    }

    /// Hours of calls.
    #[must_use]
    pub fn hours(&self) -> f64 {
        self.length_ms as f64 / 3.6e6
    }

    /// Cards an hour of a side; `None` where there is no time.
    #[must_use]
    pub fn per_hour(&self, side: &Side) -> Option<f64> {
        (self.length_ms > 0).then(|| f64::from(side.all.cards) / self.hours())
    }
}

/// Cards of one playbook with what they are worth.
pub(super) type Judged<'a> = (&'a Cards, &'a [Worth]);

/// The changes from `present` to `changed`, in order of time.
pub(super) fn compare(present: Judged<'_>, changed: Judged<'_>, words: &Words) -> (Vec<Change>, Counts) {
    let after: Vec<(&Seen, Worth)> = changed.0.shown().zip(changed.1.iter().copied()).collect();
    let mut taken = vec![false; after.len()];
    let (mut changes, mut counts) = (Vec::new(), Counts::default());
    let mut gone: Vec<(&Seen, Worth)> = Vec::new();
    for (card, worth) in present.0.shown().zip(present.1.iter().copied()) {
        let same = |i: &usize| !taken[*i] && after[*i].0.play == card.play && after[*i].0.is_near(card.start, card.end);
        let Some(i) = (0..after.len()).find(same) else {
            gone.push((card, worth));
            continue;
        };
        taken[i] = true;
        let (now, then) = (after[i].0.shown_at.unwrap_or_default(), card.shown_at.unwrap_or_default());
        let (count, kind, by_ms) = match (card.taken_back(), after[i].0.taken_back()) {
            (false, true) => (&mut counts.taken_back, Kind::TakenBack, 0),
            (true, false) => (&mut counts.stay, Kind::Stays, 0),
            _ if now < then => (&mut counts.earlier, Kind::Earlier, then.ms_since(now)),
            _ if now > then => (&mut counts.later, Kind::Later, now.ms_since(then)),
            _ => {
                counts.same += 1;
                continue;
            }
        };
        *count += 1;
        changes.push(change(kind, by_ms, after[i], None, words));
    }
    let new: Vec<(&Seen, Worth)> = after.iter().zip(&taken).filter(|(_, t)| !**t).map(|(c, _)| *c).collect();
    let other = |card: &Seen, among: &[(&Seen, Worth)]| {
        among.iter().find(|(o, _)| o.is_near(card.start, card.end)).map(|(o, _)| o.play.clone())
    };
    for card in &gone {
        counts.disappear += 1;
        changes.push(change(Kind::Disappears, 0, *card, other(card.0, &new), words));
    }
    for card in &new {
        counts.appear += 1;
        changes.push(change(Kind::Appears, 0, *card, other(card.0, &gone), words));
    }
    changes.sort_by(|a, b| (a.at_ms, a.kind, &a.play).cmp(&(b.at_ms, b.kind, &b.play)));
    (changes, counts)
}

fn change(kind: Kind, by_ms: u64, (card, worth): (&Seen, Worth), instead: Option<String>, words: &Words) -> Change {
    Change {
        kind,
        by_ms,
        at_ms: card.shown_at.unwrap_or_default().ms(),
        play: card.play.clone(),
        label: card.label.clone(),
        title: card.title.clone(),
        rule: card.rule.clone(),
        instead,
        worth,
        taken_back: card.taken_back(),
        around: words.around(card),
    }
}
