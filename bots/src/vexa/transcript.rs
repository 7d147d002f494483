//! From Vexa's segments to participants and their words: nothing twice, nothing final twice, drafts replaced. No IO.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque, btree_map::Entry},
    time::Duration,
};

use super::protocol::Segment;

/// Participants of a call at most; the engine takes no more.
pub const MAX_TRACKS: usize = 32;
/// Final segments remembered, so that they are not said twice. Vexa repeats those of the last minutes; this is hours.
const REMEMBERED: usize = 4_096;
/// Drafts kept at most. More are no drafts of people who speak now; the oldest becomes final.
const DRAFTS: usize = 256;
/// A draft that did not change for so long is final, though nobody confirmed it. Vexa revises a draft about every second.
pub const SETTLED_AFTER: Duration = Duration::from_secs(5);
/// Segments that ended so long before we came are history: a card on them would be no help any more.
pub const HISTORY: Duration = Duration::from_secs(60);
/// Name of whoever Vexa cannot name.
pub const NOBODY: &str = "Unknown speaker";
/// Name of all who come after the last free track.
pub const OTHERS: &str = "Other speakers";

/// What the engine is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Somebody new speaks.
    Track {
        /// Number of the track.
        id: u8,
        /// Name to show.
        name: String,
    },
    /// Somebody said something.
    Words {
        /// Who.
        track: u8,
        /// When it began, in microseconds of Unix time.
        start_us: u64,
        /// When it ended.
        end_us: u64,
        /// What.
        text: String,
        /// It will not change any more.
        last: bool,
    },
}

/// What became of the segments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Final ones passed on.
    pub finals: u64,
    /// Of those, drafts that nobody confirmed.
    pub unconfirmed: u64,
    /// Repeated ones.
    pub repeated: u64,
    /// Changed after they were final; the change is not passed on.
    pub changed_too_late: u64,
    /// From before we came.
    pub history: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Name {
    Id(String),
    /// Older servers name no segments; the start tells them apart.
    Start(u64),
}

struct Draft {
    track: u8,
    segment: Segment,
    changed: Duration,
}

/// All that was said so far. Times given as `now` are of any clock that does not go back.
pub struct Transcript {
    since_us: u64,
    tracks: BTreeMap<String, u8>,
    drafts: BTreeMap<Name, Draft>,
    done: BTreeMap<Name, String>,
    order: VecDeque<Name>,
    tails: BTreeMap<u8, String>,
    counts: Counts,
}

impl Transcript {
    /// An empty one; we came at `now_us`, in microseconds of Unix time.
    #[must_use]
    pub fn new(now_us: u64) -> Self {
        Self {
            since_us: now_us.saturating_sub(u64::try_from(HISTORY.as_micros()).unwrap_or(0)),
            tracks: BTreeMap::new(),
            drafts: BTreeMap::new(),
            done: BTreeMap::new(),
            order: VecDeque::new(),
            tails: BTreeMap::new(),
            counts: Counts::default(),
        }
    }

    /// What became of the segments so far.
    #[must_use]
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// Takes a message in. With `whole`, `pending` is all that is pending of `speaker` (or of those it names).
    pub fn take(
        &mut self,
        speaker: Option<&str>,
        mut confirmed: Vec<Segment>,
        pending: Vec<Segment>,
        whole: bool,
        now: Duration,
    ) -> Vec<Action> {
        let mut actions = Vec::new();
        let mut touched = BTreeSet::new();
        confirmed.sort_by_key(|s| s.start_us);
        for segment in confirmed {
            self.confirm(segment, &mut touched, &mut actions);
        }
        let mut listed = BTreeSet::new();
        let mut whose: BTreeSet<u8> = BTreeSet::new();
        if let Some(&track) = speaker.and_then(|name| self.tracks.get(name)) {
            whose.insert(track);
        }
        for segment in pending {
            let name = name(&segment);
            if self.done.contains_key(&name) {
                self.counts.repeated += 1;
                continue;
            }
            if segment.end_us < self.since_us {
                self.counts.history += 1;
                continue;
            }
            let track = self.track(segment.speaker.as_deref(), &mut actions);
            whose.insert(track);
            listed.insert(name.clone());
            match self.drafts.entry(name) {
                Entry::Occupied(old) if old.get().segment == segment && old.get().track == track => {}
                Entry::Occupied(mut old) => {
                    touched.extend([track, old.get().track]);
                    old.insert(Draft { track, segment, changed: now });
                }
                Entry::Vacant(new) => {
                    touched.insert(track);
                    new.insert(Draft { track, segment, changed: now });
                }
            }
        }
        if whole {
            self.drafts.retain(|name, draft| {
                let stays = listed.contains(name) || !whose.contains(&draft.track);
                if !stays {
                    touched.insert(draft.track);
                }
                stays
            });
        }
        while self.drafts.len() > DRAFTS {
            let Some(oldest) = self.drafts.iter().min_by_key(|(_, d)| d.changed).map(|(name, _)| name.clone()) else {
                break;
            };
            self.settle(&oldest, &mut touched, &mut actions);
        }
        self.tell_tails(&touched, &mut actions);
        actions
    }

    /// Makes drafts final that have not changed for [`SETTLED_AFTER`]; all of them with `over`.
    pub fn tick(&mut self, now: Duration, over: bool) -> Vec<Action> {
        let mut settled: Vec<(u64, Name)> = self
            .drafts
            .iter()
            .filter(|(_, d)| over || now.saturating_sub(d.changed) >= SETTLED_AFTER)
            .map(|(name, d)| (d.segment.start_us, name.clone()))
            .collect();
        settled.sort();
        let (mut touched, mut actions) = (BTreeSet::new(), Vec::new());
        for (_, name) in settled {
            self.settle(&name, &mut touched, &mut actions);
        }
        self.tell_tails(&touched, &mut actions);
        actions
    }

    fn settle(&mut self, name: &Name, touched: &mut BTreeSet<u8>, actions: &mut Vec<Action>) {
        if let Some(draft) = self.drafts.get(name) {
            let segment = draft.segment.clone();
            self.counts.unconfirmed += u64::from(!segment.text.is_empty());
            self.confirm(segment, touched, actions);
        }
    }

    fn confirm(&mut self, segment: Segment, touched: &mut BTreeSet<u8>, actions: &mut Vec<Action>) {
        let name = name(&segment);
        if let Some(said) = self.done.get(&name) {
            if *said == segment.text {
                self.counts.repeated += 1;
            } else {
                self.counts.changed_too_late += 1;
            }
            return;
        }
        if let Some(draft) = self.drafts.remove(&name) {
            touched.insert(draft.track);
        }
        self.remember(name, &segment.text);
        if segment.end_us < self.since_us {
            self.counts.history += 1;
            return;
        }
        if segment.text.is_empty() {
            return;
        }
        let track = self.track(segment.speaker.as_deref(), actions);
        touched.insert(track);
        self.counts.finals += 1;
        // It ends the utterance, and any draft of it.
        self.tails.remove(&track);
        let Segment { start_us, end_us, text, .. } = segment;
        actions.push(Action::Words { track, start_us, end_us, text, last: true });
    }

    fn remember(&mut self, name: Name, text: &str) {
        self.order.push_back(name.clone());
        self.done.insert(name, text.to_owned());
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.done.remove(&oldest);
        }
    }

    /// The drafts of each of these, as one text that replaces the former one.
    fn tell_tails(&mut self, touched: &BTreeSet<u8>, actions: &mut Vec<Action>) {
        for &track in touched {
            let mut drafts: Vec<&Segment> =
                self.drafts.values().filter(|d| d.track == track).map(|d| &d.segment).collect();
            drafts.sort_by_key(|s| s.start_us);
            let text = drafts.iter().map(|s| s.text.as_str()).filter(|t| !t.is_empty()).collect::<Vec<_>>().join(" ");
            let known = self.tails.get(&track).map_or("", String::as_str);
            if text == known {
                continue;
            }
            let (start_us, end_us) = (
                drafts.first().map_or(self.since_us, |s| s.start_us),
                drafts.iter().map(|s| s.end_us).max().unwrap_or(self.since_us),
            );
            if text.is_empty() {
                // The draft was taken back.
                self.tails.remove(&track);
                actions.push(Action::Words { track, start_us, end_us, text, last: true });
            } else {
                self.tails.insert(track, text.clone());
                actions.push(Action::Words { track, start_us, end_us, text, last: false });
            }
        }
    }

    fn track(&mut self, speaker: Option<&str>, actions: &mut Vec<Action>) -> u8 {
        let name = speaker.unwrap_or(NOBODY);
        if let Some(&id) = self.tracks.get(name) {
            return id;
        }
        let free = self.tracks.len();
        let name = if free + 1 < MAX_TRACKS { name } else { OTHERS };
        if let Some(&id) = self.tracks.get(name) {
            return id;
        }
        let id = u8::try_from(free).unwrap_or(u8::MAX);
        self.tracks.insert(name.to_owned(), id);
        actions.push(Action::Track { id, name: name.to_owned() });
        id
    }
}

fn name(segment: &Segment) -> Name {
    segment.id.clone().map_or(Name::Start(segment.start_us), Name::Id)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: u64 = 1_772_445_600_000_000;

    fn segment(id: &str, speaker: &str, text: &str, at_s: u64) -> Segment {
        Segment {
            id: Some(id.into()),
            speaker: Some(speaker.into()),
            text: text.into(),
            start_us: NOW + at_s * 1_000_000,
            end_us: NOW + (at_s + 2) * 1_000_000,
            completed: false,
        }
    }

    fn words(actions: &[Action]) -> Vec<(u8, &str, bool)> {
        actions
            .iter()
            .filter_map(|a| match a {
                Action::Words { track, text, last, .. } => Some((*track, text.as_str(), *last)),
                Action::Track { .. } => None,
            })
            .collect()
    }

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_draft_grows_is_confirmed_once_and_never_said_again() {
        let mut t = Transcript::new(NOW);
        let first = t.take(Some("Ann"), vec![], vec![segment("1", "Ann", "it is", 0)], true, s(0));
        assert_eq!(first[0], Action::Track { id: 0, name: "Ann".into() });
        assert_eq!(words(&first), [(0, "it is", false)]);
        assert_eq!(t.take(Some("Ann"), vec![], vec![segment("1", "Ann", "it is", 0)], true, s(1)), []);
        let grown = t.take(Some("Ann"), vec![], vec![segment("1", "Ann", "it is too much", 0)], true, s(1));
        assert_eq!(words(&grown), [(0, "it is too much", false)]);
        let next = segment("2", "Ann", "and", 3);
        let done = t.take(Some("Ann"), vec![segment("1", "Ann", "It is too much.", 0)], vec![next.clone()], true, s(2));
        assert_eq!(words(&done), [(0, "It is too much.", true), (0, "and", false)]);
        let again = t.take(Some("Ann"), vec![segment("1", "Ann", "It is too much.", 0)], vec![next], true, s(3));
        assert_eq!(again, []);
        let late = t.take(Some("Ann"), vec![segment("1", "Ann", "It is two much.", 0)], vec![], false, s(3));
        assert_eq!(late, []);
        let c = t.counts();
        assert_eq!((c.finals, c.repeated, c.changed_too_late), (1, 1, 1));
    }

    #[test]
    fn a_draft_that_is_taken_back_or_changes_its_speaker_leaves_nothing_behind() {
        let mut t = Transcript::new(NOW);
        t.take(None, vec![], vec![segment("1", "Ann", "hello", 0)], true, s(0));
        let back = t.take(Some("Ann"), vec![], vec![], true, s(1));
        assert_eq!(words(&back), [(0, "", true)]);
        t.take(None, vec![], vec![Segment { speaker: None, ..segment("2", "", "who am i", 3) }], false, s(2));
        let moved = t.take(None, vec![segment("2", "Bob", "who am I", 3)], vec![], false, s(3));
        // Track 1 is the nameless one, 2 is Bob.
        assert_eq!(words(&moved), [(2, "who am I", true), (1, "", true)]);
    }

    #[test]
    fn drafts_of_others_stay_when_one_speaker_is_told_anew() {
        let mut t = Transcript::new(NOW);
        t.take(Some("Ann"), vec![], vec![segment("1", "Ann", "one", 0)], true, s(0));
        t.take(Some("Bob"), vec![], vec![segment("2", "Bob", "two", 0)], true, s(0));
        assert_eq!(words(&t.take(Some("Bob"), vec![], vec![], true, s(1))), [(1, "", true)]);
        assert_eq!(words(&t.tick(s(9), false)), [(0, "one", true)]);
    }

    #[test]
    fn what_nobody_confirms_settles_by_itself() {
        let mut t = Transcript::new(NOW);
        let unnamed = Segment { id: None, ..segment("", "Ann", "too expensive", 0) };
        t.take(None, vec![], vec![unnamed.clone()], false, s(0));
        assert_eq!(t.tick(s(4), false), []);
        assert_eq!(words(&t.tick(s(5), false)), [(0, "too expensive", true)]);
        assert_eq!(t.tick(s(50), true), []);
        assert_eq!(t.take(None, vec![], vec![unnamed], false, s(60)), []);
        t.take(None, vec![], vec![segment("9", "Ann", "bye", 9)], false, s(60));
        assert_eq!(words(&t.tick(s(60), true)), [(0, "bye", true)]);
        assert_eq!(t.counts().unconfirmed, 2);
    }

    #[test]
    fn history_is_not_said_and_many_speakers_share_the_last_track() {
        let mut t = Transcript::new(NOW + 100_000_000);
        assert_eq!(t.take(None, vec![segment("1", "Ann", "long ago", 0)], vec![], true, s(0)), []);
        assert_eq!(t.counts().history, 1);
        for n in 0..50 {
            t.take(None, vec![segment(&format!("x{n}"), &format!("S{n}"), "hi", 60)], vec![], true, s(0));
        }
        assert_eq!(t.tracks.len(), MAX_TRACKS);
        assert_eq!(t.tracks[OTHERS], 31);
    }

    proptest! {
        #[test]
        fn whatever_comes_every_segment_is_final_at_most_once(
            steps in proptest::collection::vec((0u8..12, 0u8..4, "[a-c]{0,3}", any::<bool>(), any::<bool>(), 0u64..4), 1..80)
        ) {
            let mut t = Transcript::new(NOW);
            let (mut finals, mut now) = (BTreeMap::<(u64, u64), u32>::new(), 0);
            let mut announced = BTreeSet::new();
            let mut all = Vec::new();
            for (id, who, text, confirmed, whole, wait) in steps {
                now += wait;
                let one = segment(&id.to_string(), &who.to_string(), &text, u64::from(id) * 10);
                let (c, p) = if confirmed { (vec![one], vec![]) } else { (vec![], vec![one]) };
                all.extend(t.take(None, c, p, whole, s(now)));
                all.extend(t.tick(s(now), false));
            }
            all.extend(t.tick(s(now), true));
            for action in all {
                match action {
                    Action::Track { id, .. } => prop_assert!(announced.insert(id)),
                    Action::Words { track, start_us, end_us, text, last } => {
                        prop_assert!(announced.contains(&track));
                        if last && !text.is_empty() {
                            *finals.entry((start_us, end_us)).or_default() += 1;
                        }
                    }
                }
            }
            prop_assert!(finals.values().all(|n| *n == 1), "{finals:?}");
            prop_assert!(t.drafts.is_empty());
        }
    }
}
